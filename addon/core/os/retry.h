// System calls that a signal may interrupt.
#pragma once

#include <cerrno>
#include <type_traits>

namespace shm_disruptor::os {

/// Makes a system call again for as long as it fails with EINTR. `call` returns what the call
/// returns: a negative number, or a null pointer, for a failure that errno explains.
///
/// A handler that is installed with SA_RESTART does not spare a program this: file systems on a
/// network or in user space, and fallocate on older kernels, report any signal that way. The only
/// call that must not be repeated is close: Linux has closed the descriptor by then.
template <class Call>
auto retry_on_eintr(Call call) {
  for (;;) {
    auto result = call();
    bool failed = false;
    if constexpr (std::is_pointer_v<decltype(result)>) {
      failed = result == nullptr;
    } else {
      failed = result < 0;
    }
    if (!failed || errno != EINTR) return result;
  }
}

}  // namespace shm_disruptor::os
