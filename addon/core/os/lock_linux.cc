// Linux: open file description locks, which count per opening and not per process.
#include <fcntl.h>

#include <cerrno>

#include "lock.h"
#include "retry.h"

namespace shm_disruptor::os {

namespace {

struct flock range_of(uint64_t byte, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(byte);
  range.l_len = 1;
  return range;
}

int control(const File& file, int command, struct flock& range) {
  return retry_on_eintr([&] { return fcntl(file.descriptor(), command, &range); });
}

}  // namespace

Result<bool> try_lock(const File& file, uint64_t byte, Hold hold) {
  struct flock range = range_of(byte, hold == Hold::kShared ? F_RDLCK : F_WRLCK);
  if (control(file, F_OFD_SETLK, range) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return Error{Errc::kSystem, errno, "fcntl"};
}

void unlock(const File& file, uint64_t byte) {
  struct flock range = range_of(byte, F_UNLCK);
  control(file, F_OFD_SETLK, range);
}

bool held_by_others(const File& file, uint64_t byte) {
  struct flock range = range_of(byte, F_WRLCK);
  if (control(file, F_OFD_GETLK, range) != 0) return true;
  return range.l_type != F_UNLCK;
}

}  // namespace shm_disruptor::os
