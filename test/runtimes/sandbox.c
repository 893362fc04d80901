/*
 * Runs a command as a container does by default: without io_uring, and without futex_waitv, which older
 * kernels and sandboxes do not have either. Both fail with EPERM.
 *
 *   sandbox COMMAND [ARGUMENT]...
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IO_URING_SETUP 425
#define FUTEX_WAITV 449

int main(int count, char** arguments) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IO_URING_SETUP, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAITV, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (count < 2) {
    fprintf(stderr, "Usage: %s COMMAND [ARGUMENT]...\n", arguments[0]);
    return 2;
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("sandbox");
    return 1;
  }
  if (syscall(IO_URING_SETUP, 0, NULL) != -1 || errno != EPERM ||
      syscall(FUTEX_WAITV, NULL, 0, 0, NULL, 0) != -1 || errno != EPERM) {
    fprintf(stderr, "sandbox: the system calls are still there\n");
    return 1;
  }
  execvp(arguments[1], arguments + 1);
  perror(arguments[1]);
  return 1;
}
