#include "check.h"

int main(int count, char** arguments) { return check::run_all(count, arguments); }
