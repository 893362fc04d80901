// The sleep protocol of addon/core/wait.h: two sleepers wait without a limit, each for a condition
// of its own, on one word; two wakers make one condition true each.
//
// BREAK_LOOK_AGAIN leaves out step 2 of a sleeper, BREAK_CHANGE_WORD the change of the word in b.
//
// With LIGHT the wakers' stores are no full barriers, as those of a ring's sole producer: each may stay
// in the processor's buffer for as long as it likes, and a sleeper's heavy barrier (os/barrier.h)
// empties all buffers. BREAK_BARRIER leaves that out.

#define SLEEPERS 2

int word = 0; // bit 0: somebody sleeps or is about to; the rest counts wakes
bool condition[SLEEPERS];
bool buffered[SLEEPERS]; // stored to condition, and not yet seen by others
bool asleep[SLEEPERS];
byte done = 0;

// FUTEX_WAIT: the kernel compares and queues in one step.
inline sleep_while(seen) {
  atomic {
    if
    :: word == seen -> asleep[self] = true
    :: else
    fi
  }
  !asleep[self]
}

// Also what any locked instruction of the waker does with its own.
inline drain(whom) {
  d_step {
    if
    :: buffered[whom] -> condition[whom] = true; buffered[whom] = false
    :: else
    fi
  }
}

// FUTEX_WAKE: everybody who is queued now.
inline wake_all() {
  d_step {
    asleep[0] = false;
    asleep[1] = false
  }
}

proctype Sleeper(byte self) {
  int seen;
  do
  :: condition[self] -> break
  :: else ->
    // fetch_or returns what was there; with the bit, that is what the word holds now.
    atomic {
      if
      :: word % 2 == 0 -> word = word + 1
      :: else
      fi;
      seen = word
    }
#if defined(LIGHT) && !defined(BREAK_BARRIER)
    d_step {
      if
      :: buffered[0] -> condition[0] = true; buffered[0] = false
      :: else
      fi;
      if
      :: buffered[1] -> condition[1] = true; buffered[1] = false
      :: else
      fi
    }
#endif
#ifndef BREAK_LOOK_AGAIN
    if
    :: condition[self] -> break
    :: else
    fi;
#endif
    sleep_while(seen)
  od;
  done++
}

proctype Waker(byte whom) {
  int seen;
  bool swapped = false;
#ifdef LIGHT
  buffered[whom] = true;
#else
  condition[whom] = true;
#endif
  seen = word;
  if
  :: seen % 2 == 1 ->
    drain(whom);
    atomic {
      if
      :: word == seen ->
        swapped = true;
#ifndef BREAK_CHANGE_WORD
        word = seen + 1
#endif
      :: else
      fi
    }
    if
    :: swapped -> wake_all()
    :: else
    fi
  :: else
  fi;
  done++
}

#ifdef LIGHT
// The processor, which empties the buffer at some time.
proctype Buffer(byte whom) {
  buffered[whom] || condition[whom];
  drain(whom)
}
#endif

init {
  atomic {
#ifdef LIGHT
    run Buffer(0);
    run Buffer(1);
#endif
    run Sleeper(0);
    run Sleeper(1);
    run Waker(0);
    run Waker(1)
  }
  // Where this is never reached, somebody sleeps for ever: an invalid end state.
  done == 2 * SLEEPERS
}
