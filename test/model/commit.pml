// Claim, commit by helping, and consume, as in addon/core/sequencer.h: producers commit in any order
// on a small ring, one consumer reads. Whoever is held up helps, sleeps and tries again.
//
// BREAK_HELP: nobody looks at marks. BREAK_GATE: a claim does not look at the consumer.
// BREAK_LOOK_AGAIN: a producer leaves its mark and does not look at the cursor again; nor does the
// consumer help, which would hide it until the consumer falls asleep.

#ifndef ELEMENTS
#define ELEMENTS 2
#endif
#ifndef MESSAGES
#define MESSAGES 1 // by each producer
#endif
#ifndef PRODUCERS
#define PRODUCERS 3
#endif
#define TOTAL (PRODUCERS * MESSAGES)

byte next = 0;
byte cursor = 0;
byte consumed = 0;       // the consumer's sequence
byte marker[ELEMENTS];   // the end of the range that begins here; 0 for none
byte element[ELEMENTS];  // what is written in the slot: 1 + the sequence
byte finished = 0;
bool delivered[TOTAL];

#define slot(sequence) ((sequence) % ELEMENTS)

// help(from): moves the cursor over whatever is marked.
inline help(from) {
  at = from;
  do
  :: mark = marker[slot(at)];
    if
    :: mark <= at || mark - at > ELEMENTS -> break
    :: else ->
      atomic {
        if
        :: cursor == at -> cursor = mark; at = mark
        :: else -> break
        fi
      }
    fi
  od
}

#ifdef BREAK_HELP
#define HELP(from) skip
#else
#define HELP(from) help(from)
#endif

proctype Producer() {
  byte mine, gate, at, mark, left = MESSAGES;
  bool claimed, moved;
  do
  :: left == 0 -> break
  :: else ->
    // Claim: next first, then the consumer, then the compare-and-swap.
    claimed = false;
    do
    :: claimed -> break
    :: else ->
      mine = next;
      gate = consumed;
      if
#ifndef BREAK_GATE
      :: mine >= gate && mine - gate >= ELEMENTS ->
        // Full: helps, and sleeps until the consumer moves on. Its wakers are in sleep.pml.
        at = cursor;
        HELP(at);
        consumed != gate
      :: mine < gate -> skip // a stale next
#endif
      :: else ->
        atomic {
          if
          :: next == mine -> next = mine + 1; claimed = true
          :: else
          fi
        }
      fi
    od;

    // Nobody may still need what is overwritten here.
    assert(consumed + ELEMENTS > mine);
    element[slot(mine)] = mine + 1;

    // Commit.
    moved = false;
    gate = cursor;
    if
    :: gate == mine ->
      atomic {
        if
        :: cursor == mine -> cursor = mine + 1; moved = true
        :: else
        fi
      }
      assert(moved); // nobody else commits this range
      at = mine + 1;
      HELP(at)
    :: else ->
      marker[slot(mine)] = mine + 1;
#ifndef BREAK_LOOK_AGAIN
      at = cursor;
      if
      :: at <= mine -> HELP(at)
      :: else
      fi
#endif
    fi;
    left--
  od;
  finished++
}

proctype Consumer() {
  byte seen, at, mark;
  do
  :: consumed == TOTAL -> break
  :: else ->
    seen = cursor;
    if
    :: seen == consumed ->
#ifndef BREAK_LOOK_AGAIN
      HELP(seen);
#endif
      // Sleeps until the cursor moves: its wakers are in sleep.pml.
      cursor != seen
    :: else ->
      assert(seen > consumed && seen - consumed <= ELEMENTS);
      at = consumed;
      do
      :: at == seen -> break
      :: else ->
        // All that is visible was written, and nothing comes twice.
        assert(element[slot(at)] == at + 1);
        assert(!delivered[at]);
        delivered[at] = true;
        at++
      od;
      consumed = seen
    fi
  od;
  finished++
}

init {
  byte i;
  atomic {
    for (i : 1 .. PRODUCERS) {
      run Producer()
    }
    run Consumer()
  }
  // Where this is never reached, something was lost: an invalid end state.
  finished == PRODUCERS + 1;
  assert(next == TOTAL && cursor == TOTAL && consumed == TOTAL)
}
