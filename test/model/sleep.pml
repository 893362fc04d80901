// The sleep protocol of addon/core/wait.h: two sleepers wait without a limit, each for a condition
// of its own, on one word; two wakers make one condition true each.
//
// BREAK_LOOK_AGAIN leaves out step 2 of a sleeper, BREAK_CHANGE_WORD the change of the word in b.

#define SLEEPERS 2

int word = 0; // bit 0: somebody sleeps or is about to; the rest counts wakes
bool condition[SLEEPERS];
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
  condition[whom] = true;
  seen = word;
  if
  :: seen % 2 == 1 ->
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

init {
  atomic {
    run Sleeper(0);
    run Sleeper(1);
    run Waker(0);
    run Waker(1)
  }
  // Where this is never reached, somebody sleeps for ever: an invalid end state.
  done == 2 * SLEEPERS
}
