// Result<T>: the only way in which the core reports that something did not work.
#pragma once

#include <cstdint>
#include <utility>

namespace shm_disruptor {

/// What went wrong. `src/errors.ts` gives each its public code and its sentence; the order is
/// the agreement between the two (a test compares them).
enum class Errc : uint8_t {
  kNone = 0,
  kSystem,             ///< a system call failed: see Error::sys_errno and Error::syscall
  kSizeOverflow,       ///< the sizes asked for do not fit into 64 bits
  kSegmentExists,      ///< the name is taken and replacing was not asked for
  kSegmentBusy,        ///< another process is replacing the segment and does not finish
  kSegmentNotRegular,  ///< a directory, a link, a FIFO, a socket or a device bears that name
  kSegmentOwner,       ///< the object belongs to another user
  kSegmentMode,        ///< the permission bits are not those that the creator set
  kSegmentTooShort,    ///< not even a header fits into it
  kSegmentForeign,     ///< no magic: not one of ours
  kSegmentVersion,     ///< another layout version or byte order
  kSegmentKind,        ///< ours, but of another kind
  kSegmentCorrupt,     ///< header or counters contradict themselves
  kSegmentTruncated,   ///< the object is not as long as its header says, or has holes
  kSegmentTooLarge,    ///< more bytes of elements than this runtime can see
  kSegmentReplaced,    ///< somebody created a new segment under this name meanwhile
  kSequenceExhausted,  ///< the sequence would pass 2^53 - 1
  kNotClaimed,         ///< a commit names sequences that nobody has claimed
  kConsumerIgnored,    ///< this consumer was released for good and takes no more data
  kTooManyProducers,   ///< the producer table is full of living producers' claims
  kConsumerBusy,       ///< somebody alive is this consumer already
  kSegmentInUse,       ///< somebody alive is attached to the segment that was to be replaced
  kProducerBusy,       ///< somebody alive is the one producer already
  kTooManyConsumers,   ///< every entry of the consumer table is taken
  kUnknownConsumer,    ///< a consumer to come after does not exist
  kConsumerKind,       ///< that name is a group's and was not asked for as one, or the reverse
  kDependencies,       ///< that consumer comes after others than those asked for
  kSequenceGone,  ///< elements to begin with that are or may be overwritten, or are not yet there
  kReleased,      ///< the handle has been released
};

/// An error as data. `syscall` is a string literal, null unless `code` is kSystem.
struct Error {
  Errc code = Errc::kNone;
  int sys_errno = 0;
  const char* syscall = nullptr;
};

/// A value or an Error. T is default constructible and cheap to move.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(error) {}
  Result(Errc code) : error_{code, 0, nullptr} {}

  bool ok() const { return error_.code == Errc::kNone; }
  const Error& error() const { return error_; }
  T& value() { return value_; }
  const T& value() const { return value_; }

 private:
  Error error_{};
  T value_{};
};

/// The value of operations that only succeed or fail.
struct Done {};
using Status = Result<Done>;

}  // namespace shm_disruptor
