// Named shared memory, as the operating system gives it. One implementation file per system.
//
// A name is one component, in the system's own place for shared memory; or the absolute path of a
// file, which may lie on a disk. What has a slash is a path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../result.h"

namespace shm_disruptor::os {

/// Owns a file descriptor, and with it the locks of its opening (lock.h).
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// What can be known of an object without touching its contents.
struct FileFacts {
  bool regular = false;
  uint64_t size = 0;
  bool backed = false;  ///< there is memory for all of it: no touch can fail for want of it
  uint32_t mode = 0;    ///< permission bits only
  uint32_t owner = 0;
  uint64_t created = 0;  ///< milliseconds since 1970; of the last write where that is not known
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t links = 0;  ///< names that lead to it; 0 once the last of them was removed

  bool same_object(const FileFacts& other) const {
    return device == other.device && inode == other.inode;
  }
};

/// How a new object exists before it has its name.
enum class Birth {
  kUnnamed,  ///< without a name: a creator that dies leaves nothing behind
  /// Under a name that is not looked for: where the file system has no unnamed files, or where
  /// /proc is not mounted, without which an unnamed file cannot get a name.
  kTemporary,
};

/// A new object on its way to its name: `publish` gives it the name or leaves no trace.
struct NewFile {
  File file;
  std::string temporary_name;  ///< empty when born unnamed
};

/// Creates an object of `size` bytes that can have that name, all of them backed by memory now (a
/// full file system is ENOSPC here and not a signal later), with exactly the permission bits
/// `mode`.
Result<NewFile> create_file(const std::string& name, uint64_t size, uint32_t mode,
                            Birth birth = Birth::kUnnamed);

/// Links it to `name`. Fails with EEXIST when the name is taken; nothing is overwritten.
Status publish_file(const NewFile& created, const std::string& name);

/// Removes what `publish_file` has not published. Only objects born as kTemporary need it.
void discard_file(const NewFile& created);

enum class Access : uint8_t { kReadWrite, kRead };

/// Opens an object. Links are not followed and nothing blocks.
/// Errors: kSystem (ENOENT, EACCES, ...), kSegmentNotRegular for links and directories.
Result<File> open_file(const std::string& name, Access access = Access::kReadWrite);

/// The names of all objects in a directory, or in the system's place for shared memory, in any
/// order. Errors: kSystem.
Result<std::vector<std::string>> list_names(const std::string& directory = {});

Result<FileFacts> file_facts(const File& file);
Result<FileFacts> name_facts(const std::string& name);
Status remove_name(const std::string& name);
/// Whether this user may remove that name of that object, as far as can be told before.
/// Errors: kSystem (EACCES, EPERM: not permitted).
Status may_remove_name(const std::string& name, const FileFacts& facts);

/// Reads exactly `size` bytes from `offset` on. False: the object is shorter than that.
Result<bool> read_at(const File& file, void* into, size_t size, uint64_t offset);

/// Maps `size` bytes, shared; and the last `mirrored` of them once more behind, so that what runs
/// over the end goes on where they begin. Both are whole pages then.
Result<void*> map_file(const File& file, uint64_t size, uint64_t mirrored = 0,
                       Access access = Access::kReadWrite);
/// Of a mapping for reading, makes `size` bytes from `from` on writable: whole pages.
Status make_writable(const File& file, void* base, uint64_t from, uint64_t size);
void unmap(void* base, uint64_t size);
/// Gives the mapped pages back and puts private pages of zeros in their place, in one step for
/// whichever thread looks meanwhile. If the system refuses, everything stays as it is.
void replace_by_zeros(void* base, uint64_t size);

/// Has what was stored to a mapping written to its file's medium, by whomever it was stored, and
/// waits for that.
Status write_back(const void* base, uint64_t size);
/// The same for all of a file, with what the file system knows of it.
Status write_back(const File& file);
/// The same for a name's being there.
Status write_back_name(const std::string& name);

/// The user in whose name this process acts.
uint32_t current_user();
/// This process, and this thread as the kernel numbers it, for people to read.
uint32_t current_process();
uint32_t current_thread();
/// What that user is called; empty when the system does not know.
std::string user_name(uint32_t user);
/// Differs between any two calls on one machine since it was started.
uint64_t fresh_generation();

}  // namespace shm_disruptor::os
