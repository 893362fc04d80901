// Waking no more sleepers than there are messages (wake_some in addon/core/wait.h): three consumers
// sleep on one word for messages, each of which goes to one of them and keeps it busy from then on;
// two producers add one each, and the second may be somebody who gives one back (GIVES_BACK), for
// which all are woken. No message may lie there while a consumer sleeps.
//
// BREAK_LEAVE lets whoever loses the race for the word leave the waking to the winner, BREAK_CLEAR
// takes the bit away without waking those who have lain down meanwhile.

#ifndef CONSUMERS
#define CONSUMERS 3
#endif
#ifndef GIVES_BACK
#define GIVES_BACK false
#endif
#define PRODUCERS 2

int word = 0; // bit 0: somebody sleeps or is about to; the rest counts wakes
byte messages = 0;
bool asleep[CONSUMERS];
byte producing = PRODUCERS;

// FUTEX_WAIT: the kernel compares and queues in one step.
inline sleep_while(seen) {
  atomic {
    if
    :: word == seen ->
      asleep[self] = true
    :: else
    fi
  }
  // Where nothing is left to take, one may sleep for ever.
end: !asleep[self]
}

inline wake_all() {
  d_step {
    asleep[0] = false;
    asleep[1] = false;
#if CONSUMERS > 2
    asleep[2] = false
#endif
  }
}

// FUTEX_WAKE for one: whichever the kernel likes.
inline wake_one(woken) {
  atomic {
    woken = 0;
    if
    :: asleep[0] -> asleep[0] = false; woken = 1
    :: asleep[1] -> asleep[1] = false; woken = 1
#if CONSUMERS > 2
    :: asleep[2] -> asleep[2] = false; woken = 1
#endif
    :: else
    fi
  }
}

// The full protocol: everybody, and the bit is gone.
inline wake_sleepers(seen, swapped) {
  do
  :: seen = word;
    if
    :: seen % 2 == 0 -> break
    :: else
    fi;
    swapped = false;
    atomic {
      if
      :: word == seen -> word = seen + 1; swapped = true
      :: else
      fi
    }
    if
    :: swapped -> wake_all(); break
    :: else ->
#ifdef BREAK_LEAVE
      break
#else
      skip
#endif
    fi
  od
}

inline wake_some(seen, swapped, woken) {
  do
  :: seen = word;
    if
    :: seen % 2 == 0 -> break
    :: else
    fi;
    swapped = false;
    atomic {
      if
      // The bit stays: others may sleep on.
      :: word == seen -> word = seen + 2; swapped = true
      :: else
      fi
    }
    if
    :: swapped ->
      wake_one(woken);
      if
      :: woken == 0 ->
#ifdef BREAK_CLEAR
        atomic {
          if
          :: word == seen + 2 -> word = seen + 3
          :: else
          fi
        }
#else
        wake_sleepers(seen, swapped)
#endif
      :: else
      fi;
      break
    :: else ->
#ifdef BREAK_LEAVE
      break
#else
      skip
#endif
    fi
  od
}

proctype Consumer(byte self) {
  int seen;
  do
  :: atomic { messages > 0 -> messages-- };
    break
  :: else ->
    atomic {
      if
      :: word % 2 == 0 -> word = word + 1
      :: else
      fi;
      seen = word
    }
    if
    :: messages == 0 -> sleep_while(seen)
    :: else
    fi
  od
}

proctype Producer(bool gives_back) {
  int seen;
  bool swapped;
  byte woken;
  messages++;
  if
  :: gives_back -> wake_sleepers(seen, swapped)
  :: else -> wake_some(seen, swapped, woken)
  fi;
  producing--
}

init {
  atomic {
    run Consumer(0);
    run Consumer(1);
#if CONSUMERS > 2
    run Consumer(2);
#endif
    run Producer(false);
    run Producer(GIVES_BACK)
  }
  // Nobody can go on.
  timeout;
  assert(producing == 0);
  assert(messages == 0)
}
