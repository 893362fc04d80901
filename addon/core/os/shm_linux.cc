// Linux: files, of the tmpfs at /dev/shm unless told otherwise, opened by path. shm_open would do
// the same, but binds the binary to a newer glibc than Node itself needs; so would fstat, hence
// statx.
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "retry.h"
#include "shm.h"

namespace shm_disruptor::os {

namespace {

constexpr const char* kDirectory = "/dev/shm";

Error last_error(const char* syscall) { return {Errc::kSystem, errno, syscall}; }

std::string path_of(const std::string& name) {
  return name.find('/') == std::string::npos ? std::string(kDirectory) + "/" + name : name;
}

std::string directory_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos) return kDirectory;
  return slash == 0 ? "/" : name.substr(0, slash);
}

int open_path(const std::string& path, int flags, mode_t mode = 0) {
  return retry_on_eintr([&] { return open(path.c_str(), flags | O_CLOEXEC, mode); });
}

int remove_path(const std::string& path) {
  return retry_on_eintr([&] { return unlink(path.c_str()); });
}

bool is_accessible(const std::string& path, int mode) {
  return retry_on_eintr([&] { return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS); }) == 0;
}

int status_of(int directory, const char* path, int flags, struct statx& facts) {
  constexpr unsigned wanted = STATX_BASIC_STATS | STATX_BTIME;
  return retry_on_eintr([&] { return statx(directory, path, flags, wanted, &facts); });
}

// Backs [0, size) of a file with memory. Zero, or what went wrong.
//
// Older kernels give an allocation on tmpfs up at any signal, and take back what that call has
// allocated. A call that is interrupted is therefore repeated for half as much: where signals keep
// coming, as a profiler's do, a call that is short enough ends between two of them.
int allocate(int descriptor, uint64_t size) {
  constexpr uint64_t kMinLimits = uint64_t{64} << 10;
  uint64_t limits = size;
  for (uint64_t offset = 0; offset < size;) {
    const uint64_t length = std::min(limits, size - offset);
    const int code =
        posix_fallocate(descriptor, static_cast<off_t>(offset), static_cast<off_t>(length));
    if (code == 0) {
      offset += length;
    } else if (code == EINTR) {
      limits = std::max(length / 2 & ~(kMinLimits - 1), kMinLimits);
    } else {
      return code;
    }
  }
  return 0;
}

Result<FileFacts> facts_from(int directory, const char* path, int flags) {
  struct statx facts;
  if (status_of(directory, path, flags, facts) != 0) return last_error("statx");
  FileFacts result;
  result.regular = S_ISREG(facts.stx_mode);
  result.size = facts.stx_size;
  result.backed = facts.stx_blocks * 512 >= facts.stx_size;
  result.mode = facts.stx_mode & 07777;
  result.owner = facts.stx_uid;
  // Nothing but its creation ever writes to it through the file system.
  const bool born = (facts.stx_mask & STATX_BTIME) != 0;
  const statx_timestamp& time = born ? facts.stx_btime : facts.stx_mtime;
  result.created = static_cast<uint64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
  result.device = uint64_t{facts.stx_dev_major} << 32 | facts.stx_dev_minor;
  result.inode = facts.stx_ino;
  result.links = facts.stx_nlink;
  return result;
}

// Where an opening is found by path, if /proc is mounted.
std::string descriptor_path(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

Result<NewFile> open_new(const std::string& directory, uint32_t mode, Birth birth) {
  NewFile created;
  if (birth == Birth::kUnnamed) {
    created.file = File(open_path(directory, O_TMPFILE | O_RDWR, mode));
    if (created.file.descriptor() >= 0) {
      // Without /proc an unprivileged process cannot give the file a name later.
      if (is_accessible(descriptor_path(created.file.descriptor()), F_OK)) return created;
    } else if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
      // Those three are what file systems and kernels without unnamed files answer.
      return last_error("open");
    }
  }
  char name[64];
  snprintf(name, sizeof name, "/.shm-disruptor-%016llx",
           static_cast<unsigned long long>(fresh_generation()));
  const std::string path = directory + name;
  created.file = File(open_path(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, mode));
  if (created.file.descriptor() < 0) return last_error("open");
  created.temporary_name = path;
  return created;
}

}  // namespace

File::~File() {
  if (descriptor_ < 0) return;
  // Closing alone would not end the locks while the file is mapped: a mapping keeps its opening.
  struct flock all {};
  all.l_type = F_UNLCK;
  all.l_whence = SEEK_SET;
  retry_on_eintr([&] { return fcntl(descriptor_, F_OFD_SETLK, &all); });
  close(descriptor_);
}

Result<NewFile> create_file(const std::string& name, uint64_t size, uint32_t mode, Birth birth) {
  auto created = open_new(directory_of(name), mode, birth);
  if (!created.ok()) return created.error();
  const int descriptor = created.value().file.descriptor();
  Error error;
  // The umask has cut the mode that open was given.
  if (retry_on_eintr([&] { return fchmod(descriptor, mode); }) != 0) {
    error = last_error("fchmod");
  } else if (const int code = allocate(descriptor, size)) {
    error = {Errc::kSystem, code, "posix_fallocate"};
  } else {
    return created;
  }
  discard_file(created.value());
  return error;
}

Status publish_file(const NewFile& created, const std::string& name) {
  const std::string path = path_of(name);
  if (created.temporary_name.empty()) {
    const std::string source = descriptor_path(created.file.descriptor());
    const auto name_it = [&] {
      return linkat(AT_FDCWD, source.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW);
    };
    if (retry_on_eintr(name_it) != 0) return last_error("linkat");
    return Done{};
  }
  const std::string& source = created.temporary_name;
  if (retry_on_eintr([&] { return link(source.c_str(), path.c_str()); }) != 0) {
    return last_error("link");
  }
  discard_file(created);
  return Done{};
}

void discard_file(const NewFile& created) {
  if (!created.temporary_name.empty()) remove_path(created.temporary_name);
}

Result<File> open_file(const std::string& name, Access access) {
  const int mode = access == Access::kRead ? O_RDONLY : O_RDWR;
  // O_NONBLOCK: a FIFO under that name must not hold us up.
  File file(open_path(path_of(name), mode | O_NOFOLLOW | O_NONBLOCK));
  if (file.descriptor() >= 0) return file;
  // A link, a directory, a socket or a device without a driver.
  if (errno == ELOOP || errno == EISDIR || errno == ENXIO) return Errc::kSegmentNotRegular;
  return last_error("open");
}

Result<FileFacts> file_facts(const File& file) {
  return facts_from(file.descriptor(), "", AT_EMPTY_PATH);
}

Result<FileFacts> name_facts(const std::string& name) {
  return facts_from(AT_FDCWD, path_of(name).c_str(), AT_SYMLINK_NOFOLLOW);
}

Status remove_name(const std::string& name) {
  if (remove_path(path_of(name)) != 0) return last_error("unlink");
  return Done{};
}

Status may_remove_name(const std::string& name, const FileFacts& facts) {
  const std::string path = directory_of(name);
  if (!is_accessible(path, W_OK | X_OK)) return last_error("unlink");
  struct statx directory;
  if (status_of(AT_FDCWD, path.c_str(), 0, directory) != 0) return last_error("statx");
  const uint32_t user = current_user();
  const bool owns = user == 0 || user == facts.owner || user == directory.stx_uid;
  if ((directory.stx_mode & S_ISVTX) != 0 && !owns) return Error{Errc::kSystem, EPERM, "unlink"};
  return Done{};
}

Result<std::vector<std::string>> list_names(const std::string& directory) {
  const char* path = directory.empty() ? kDirectory : directory.c_str();
  DIR* open = retry_on_eintr([&] { return opendir(path); });
  if (!open) return last_error("opendir");
  const std::string prefix = directory.empty() ? directory : directory + "/";
  std::vector<std::string> names;
  // A null pointer is the end as well, and then leaves errno as it is.
  const auto next = [&] {
    errno = 0;
    return readdir(open);
  };
  while (const dirent* entry = retry_on_eintr(next)) {
    if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) {
      names.push_back(prefix + entry->d_name);
    }
  }
  const int failed = errno;
  closedir(open);
  if (failed != 0) return Error{Errc::kSystem, failed, "readdir"};
  return names;
}

Result<bool> read_at(const File& file, void* into, size_t size, uint64_t offset) {
  // A signal may cut a read short as well.
  for (size_t done = 0; done < size;) {
    const ssize_t got = retry_on_eintr([&] {
      return pread(file.descriptor(), static_cast<char*>(into) + done, size - done,
                   static_cast<off_t>(offset + done));
    });
    if (got < 0) return last_error("pread");
    if (got == 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

Result<void*> map_file(const File& file, uint64_t size, uint64_t mirrored, Access wanted) {
  const int access = wanted == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  // The first mapping holds the place of the second; what it maps beyond the file is never touched.
  void* base = mmap(nullptr, size + mirrored, access, MAP_SHARED, file.descriptor(), 0);
  if (base == MAP_FAILED) return last_error("mmap");
  if (mirrored == 0) return base;
  const auto from = static_cast<off_t>(size - mirrored);
  void* behind = static_cast<char*>(base) + size;
  const int flags = MAP_SHARED | MAP_FIXED;
  if (mmap(behind, mirrored, access, flags, file.descriptor(), from) == MAP_FAILED) {
    const Error error = last_error("mmap");
    munmap(base, size + mirrored);
    return error;
  }
  return base;
}

Status make_writable(const File& file, void* base, uint64_t from, uint64_t size) {
  void* place = static_cast<char*>(base) + from;
  const void* mapped = mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                            file.descriptor(), static_cast<off_t>(from));
  if (mapped == MAP_FAILED) return last_error("mmap");
  return Done{};
}

void unmap(void* base, uint64_t size) { munmap(base, size); }

void replace_by_zeros(void* base, uint64_t size) {
  // Without a reservation: pages of zeros take memory only if a late writer touches them.
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  static_cast<void>(mmap(base, size, PROT_READ | PROT_WRITE, flags, -1, 0));
}

Status write_back(const void* base, uint64_t size) {
  const auto write = [&] { return msync(const_cast<void*>(base), size, MS_SYNC); };
  if (retry_on_eintr(write) != 0) return last_error("msync");
  return Done{};
}

Status write_back(const File& file) {
  if (retry_on_eintr([&] { return fsync(file.descriptor()); }) != 0) return last_error("fsync");
  return Done{};
}

Status write_back_name(const std::string& name) {
  const File directory(open_path(directory_of(name), O_RDONLY | O_DIRECTORY));
  if (directory.descriptor() < 0) return last_error("open");
  return write_back(directory);
}

uint32_t current_user() { return static_cast<uint32_t>(geteuid()); }

uint32_t current_process() { return static_cast<uint32_t>(getpid()); }

uint32_t current_thread() { return static_cast<uint32_t>(syscall(SYS_gettid)); }

std::string user_name(uint32_t user) {
  struct passwd entry {};
  struct passwd* found = nullptr;
  char memory[4096];
  int code = EINTR;
  while (code == EINTR) code = getpwuid_r(user, &entry, memory, sizeof memory, &found);
  if (code != 0 || !found) return "";
  return entry.pw_name;
}

uint64_t fresh_generation() {
  uint64_t generation = 0;
  // The system call rather than getrandom(): one symbol less to ask of glibc.
  const auto fill = [&] { return syscall(SYS_getrandom, &generation, sizeof generation, 0); };
  if (retry_on_eintr(fill) == sizeof generation) return generation;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec) +
         (static_cast<uint64_t>(getpid()) << 40);
}

}  // namespace shm_disruptor::os
