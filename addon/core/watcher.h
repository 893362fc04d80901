// Watching many words at once, on behalf of an event loop that must not sleep itself.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "mapping.h"
#include "os/futex.h"
#include "os/thread.h"
#include "sequence.h"

namespace shm_disruptor {

/// One thread that sleeps until any of the watched words changes, and then says which.
///
/// A word is watched in the state that the announcement of a sleeper gave it (see wait.h): its
/// next waker changes it, and wakes us. Words of one ring that were mapped several times are one
/// word under one key, so a thousand waiters of a ring cost one entry.
///
/// Where the kernel cannot wait for several words, or for more of them than it can, the thread
/// looks at them every millisecond instead.
class Watcher {
 public:
  /// Names a word, the same for all mappings of it.
  using Key = uint64_t;
  /// Called on the watcher's thread when there is something for take_changed().
  using Notify = void (*)(void* context);
  enum class Method {
    kBest,  ///< wait for several words in the kernel, if it can
    kLook,  ///< look every millisecond, whatever the kernel can
  };

  /// Null where the system has no thread left.
  static std::unique_ptr<Watcher> start(Notify notify, void* context,
                                        Method method = Method::kBest);
  /// Stops the thread and waits for it: no notification comes afterwards. Forgets all.
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Watches `word` until it no longer holds `seen`; then its key is among the changed ones, once.
  /// A key that is watched already stays as it is: its word has changed since, or is the same.
  void watch(Key key, const MappingRef& mapping, const Word& word, uint32_t seen);

  /// Whether it has that key, watched or among the changed ones.
  bool has(Key key);

  /// Ends the watching of that key, which then is not among the changed ones. A wake that was spent
  /// on it is passed on: see wait.h. The thread does that, and then lets go of the mapping.
  void forget(Key key);

  /// Waits until the thread has let go of the mappings of all words that were forgotten: for as
  /// long as it takes to wake it. Called by the thread that forgets.
  void let_go();

  /// Moves the keys of the words that have changed to `into`, replacing what it holds.
  void take_changed(std::vector<Key>* into);

 private:
  struct Watched {
    Key key;
    MappingRef mapping;  // the word's, so that it cannot be unmapped while we sleep on it
    const Word* word;
    uint32_t seen;
    bool forgotten = false;
    bool spent = false;  // a wake may have been spent on it
  };
  using Watches = std::vector<Watched>;

  Watcher(Notify notify, void* context, Method method);
  void run();
  bool sleep(uint32_t control);
  bool collect_changed();
  void look_again();
  static Watches::iterator find(Watches& watches, Key key);
  static void pass_on_spent(const Watches& watches);

  const Notify notify_;
  void* const context_;
  const bool many_;

  std::mutex mutex_;  // guards the next four
  Watches watched_;   // only the thread removes any
  Watches changed_;
  bool stopping_ = false;
  bool letting_go_ = false;  // the thread holds forgotten words that are not in watched_ any more

  std::vector<os::Sleep> sleeps_;  // the thread's own
  Word control_;                   // changes whenever the thread must look at watched_ again
  Word let_go_;                    // changes when the thread has let go of forgotten words
  os::Thread thread_;
};

}  // namespace shm_disruptor
