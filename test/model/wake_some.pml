// Waking no more sleepers than there are messages (wake_some and pass_on in addon/core/wait.h): three
// consumers sleep on one word for messages, each of which goes to one of them and keeps it busy from
// then on; two producers add one each, and the second may be somebody who gives one back (GIVES_BACK),
// for which all are woken. No message may lie there while a consumer sleeps.
//
// The first LOOPS consumers are event loops. A loop does not sleep itself: it has the kernel queue a
// watch, and goes on. It may look without having been woken, and it may give up (GIVES_UP). When it has
// WAITS waits, it takes as many messages.
//
// With MEMORY the word is the application's, without a bit: see addon/core/memory.h. A producer changes
// it with the message, and then wakes one.
//
// BREAK_LEAVE lets whoever loses the race for the word leave the waking to the winner, BREAK_CLEAR
// takes the bit away without waking those who have lain down meanwhile. With BREAK_TAKE_BACK a loop
// leaves its watch queued when a wait has ended without it, and with BREAK_PASS_ON it drops the wake
// that was spent on that watch before it was taken back.

#ifndef CONSUMERS
#define CONSUMERS 3
#endif
#ifndef LOOPS
#define LOOPS 0
#endif
#ifndef WAITS
#define WAITS 1
#endif
#ifndef GIVES_UP
#define GIVES_UP false
#endif
#ifndef GIVES_BACK
#define GIVES_BACK false
#endif
#define PRODUCERS 2

int word = 0; // bit 0: somebody sleeps or is about to; the rest counts wakes. MEMORY: a version
byte messages = 0;
bool asleep[CONSUMERS]; // in the kernel's queue: a thread, or a loop's watch
byte waiting = CONSUMERS;
byte producing = PRODUCERS;

inline announce(seen) {
  atomic {
#ifndef MEMORY
    if
    :: word % 2 == 0 -> word = word + 1
    :: else
    fi;
#endif
    seen = word
  }
}

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
    announce(seen);
    if
    :: messages == 0 -> sleep_while(seen)
    :: else
    fi
  od;
  waiting--
}

// A wait has ended, and not because of the watch: the watch must not take a wake for it. The kernel says
// whether it has.
inline take_back(woken) {
#ifdef BREAK_TAKE_BACK
  skip
#else
  atomic {
    woken = queued && !asleep[self];
    asleep[self] = false;
    queued = false
  }
#ifndef BREAK_PASS_ON
  if
  :: woken -> wake_one(woken)
  :: else
  fi
#endif
#endif
}

proctype Loop(byte self) {
  int seen;
  byte woken;
  byte waits = WAITS;
  bool queued = false; // the watch, and its end was not seen yet
  bool early = false;
  do
  :: atomic { messages > 0 -> messages--; waits-- };
    if
    :: queued -> take_back(woken)
    :: else
    fi;
    if
    :: waits == 0 -> break
    :: else
    fi
  :: GIVES_UP && queued ->
    waits = 0;
    take_back(woken);
    break
  :: else ->
    if
    :: !queued ->
      announce(seen);
      // Compares and queues in one step, and ends at once if the word has changed. Then it looks.
      atomic {
        if
        :: word == seen -> asleep[self] = true; queued = true
        :: else
        fi
      }
    :: else ->
      // The watch's end brings it back to look. Where nothing is left to take, it may never come.
end:  if
      :: !asleep[self] -> queued = false
      :: !early -> early = true
      fi
    fi
  od;
  waiting--
}

proctype Producer(bool gives_back) {
  int seen;
  bool swapped;
  byte woken;
#ifdef MEMORY
  atomic { messages++; word++ };
  wake_one(woken);
#else
  messages++;
  if
  :: gives_back -> wake_sleepers(seen, swapped)
  :: else -> wake_some(seen, swapped, woken)
  fi;
#endif
  producing--
}

init {
  atomic {
#if LOOPS > 0
    run Loop(0);
#else
    run Consumer(0);
#endif
#if LOOPS > 1
    run Loop(1);
#else
    run Consumer(1);
#endif
#if CONSUMERS > 2
#if LOOPS > 2
    run Loop(2);
#else
    run Consumer(2);
#endif
#endif
    run Producer(false);
    run Producer(GIVES_BACK)
  }
  // Nobody can go on.
  timeout;
  assert(producing == 0);
  assert(messages == 0 || waiting == 0)
}
