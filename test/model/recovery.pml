// Recovery from deaths, as in addon/core/{sequencer,commit_tracker,claims,recovery}.h: producers
// announce, claim and commit in any order, consumers pass gaps, and whoever is held up closes what
// the dead left. Anybody may die between any two steps. A pause is nothing but the steps of the others.
//
// BREAK_ANNOUNCE: a range is written down after the claim, not before. BREAK_MARKER: a recoverer
// reads the hole's marker after the table. BREAK_CURSOR: it does not look at the cursor again.
// BREAK_EXPECT: it stores the marker, whatever is there by now. BREAK_BEHIND: it does not look for
// marks behind the hole. BREAK_NEXT: it reads next after the table. BREAK_GAP_LIMIT: the cursor
// passes a gap before gap_limit is raised. BREAK_WITHDRAW: a range that did not become a claim
// stays. BREAK_TOUCH: taking over does not touch the marker at the cursor. BREAK_TOUCH_FIRST: it
// does so before it writes the range down. BREAK_CLEAR: who takes an entry leaves its old range.

#ifndef ELEMENTS
#define ELEMENTS 2
#endif
#ifndef PRODUCERS
#define PRODUCERS 2 // two or three
#endif
#ifndef MESSAGES
#define MESSAGES 1 // claims of each producer
#endif
#ifndef SIZE
#define SIZE 1 // elements in a claim of the first producer; those of the others have one
#endif
#ifndef EXTEND
#define EXTEND 0 // 1: the first producer tries to make a claim right behind its first, in one range
#endif
#ifndef CONSUMERS
#define CONSUMERS 1 // one or two
#endif
#ifndef RECOVERERS
#define RECOVERERS 0 // who do nothing else; the other participants recover as well
#endif
#ifndef TAKERS
#define TAKERS 0 // who take over what the dead claimed, and commit it; none or one
#endif
#ifndef DEATHS
#define DEATHS 1 // in all
#endif
#ifndef MORTAL
#define MORTAL 63 // who may die: one bit for each participant
#endif
#ifndef RESTARTS
#define RESTARTS 0 // producers who come back with the entry of the dead one
#endif

#define ENTRIES (PRODUCERS + TAKERS)
#define FIRST_CONSUMER ENTRIES
#define FIRST_RECOVERER (ENTRIES + CONSUMERS)
#define PARTICIPANTS (FIRST_RECOVERER + RECOVERERS)
#define TOTAL (MESSAGES * (SIZE + PRODUCERS - 1 + EXTEND))
#define GONE 15 // the sequence of a dead consumer, who gates nobody
#define DEAD 15 // the owner of what the dead have claimed
#define NOBODY 14
#define MOST 4 // elements in all
#if TOTAL > MOST || PARTICIPANTS > 6
#error more than the model has room for
#endif

// Shared memory.
byte next = 0;
byte cursor = 0;
byte gap_limit = 0;
byte marker[ELEMENTS];
byte begin[ENTRIES]; // of one range for each entry
byte limit[ENTRIES];
byte consumed[CONSUMERS];
// The kernel's lock on an entry.
bool alive[ENTRIES];

// What nobody in the library can see.
bool here[6];         // runs; false orders it to stop where it is
bool asleep[ENTRIES]; // or has finished
byte deaths = 0;
byte restarts = 0;
byte producing = ENTRIES;
byte owner[MOST];   // of each claimed sequence
byte committed = 0; // one bit for each sequence
byte delivered[CONSUMERS];

#define slot(sequence) ((sequence) % ELEMENTS)
#define bit(sequence) (1 << (sequence))

// A marker: the end of what begins there, the gap bit, and three bits of touches.
#define end_of(mark) ((mark) & 15)
#define GAP 16
#define is_gap(mark) (((mark) & GAP) != 0)
#define touched(mark) ((mark) + 32)
#define covers(mark, sequence) \
  (end_of(mark) > (sequence) && end_of(mark) - (sequence) <= ELEMENTS)

#define held_by(who) (alive[who] && begin[who] <= cursor && cursor < limit[who])
#define runs(who) (alive[who] && !asleep[who])
#if ENTRIES == 2
#define HELD (held_by(0) || held_by(1))
#define SOMEBODY_RUNS (runs(0) || runs(1))
#elif ENTRIES == 3
#define HELD (held_by(0) || held_by(1) || held_by(2))
#define SOMEBODY_RUNS (runs(0) || runs(1) || runs(2))
#endif

// Whoever is held up looks again and again. Were that always allowed, nobody would ever be stuck
// for spin. So producers and consumers look where looking undisturbed would change something. A
// recoverer, or the first consumer where there is none, also looks whenever it likes while some
// producer goes on, which may change everything before the next step of whoever looks.
#define would_help (next > cursor && (covers(marker[slot(cursor)], cursor) || !HELD))
#define may_look (next > cursor && (SOMEBODY_RUNS || would_help))
#if RECOVERERS == 0
#define CONSUMER_LOOKS (me == FIRST_CONSUMER -> may_look : would_help)
#else
#define CONSUMER_LOOKS would_help
#endif

#if CONSUMERS == 1
#define GATE consumed[0]
#else
#define GATE (consumed[0] < consumed[1] -> consumed[0] : consumed[1])
#endif

// help(from): moves the cursor over whatever is marked or closed. Raising gap_limit is a loop of
// compare-and-swaps that only ever grows it: that is the same as one step.
inline help(from) {
  at = from;
  do
  :: atomic {
      mark == 0 ->
      mark = marker[slot(at)];
      if
      :: !covers(mark, at) -> mark = 0; break
      :: else
      fi
    }
#ifdef BREAK_GAP_LIMIT
  :: atomic {
      mark != 0 && at == end_of(mark) ->
      gap_limit = (is_gap(mark) && gap_limit < at -> at : gap_limit);
      mark = 0
    }
  :: atomic {
      mark != 0 && at != end_of(mark) ->
      if
      :: cursor == at -> cursor = end_of(mark); at = end_of(mark)
      :: else -> mark = 0; break
      fi
    }
#else
  :: atomic {
      mark != 0 ->
      if
      :: is_gap(mark) && gap_limit < end_of(mark) -> gap_limit = end_of(mark)
      :: else ->
        if
        :: cursor == at -> cursor = end_of(mark); at = end_of(mark); mark = 0
        :: else -> mark = 0; break
        fi
      fi
    }
#endif
  od;
  at = 0
}

// Recovery::close, one step for each load, in the order of the code. Of each entry it reads the
// limit, then `begin`, and then the lock, where it matters.
inline close() {
  hole = cursor;
#ifndef BREAK_MARKER
  older = marker[slot(hole)];
#endif
  if
#ifndef BREAK_MARKER
  :: covers(older, hole) -> help(hole)
#endif
  :: else ->
#ifdef BREAK_NEXT
    ahead = hole + ELEMENTS;
#else
    ahead = next;
#endif
    do
    :: atomic {
        entry < ENTRIES && upto == 0 ->
        upto = limit[entry];
        if
        :: upto <= hole -> upto = 0; entry++
        :: else
        fi
      }
    :: atomic {
        upto != 0 && since == 0 ->
        since = begin[entry] + 1;
        if
        :: since > upto || since > ahead -> upto = 0; since = 0; entry++
        :: else
        fi
      }
    :: atomic {
        since != 0 ->
        if
        :: alive[entry] -> ahead = (since - 1 > hole -> since - 1 : hole)
        :: else
        fi;
        upto = 0;
        since = 0;
        entry++
      }
    :: atomic { entry == ENTRIES || ahead <= hole -> entry = 0; at = hole + 1; break }
    od;
#ifdef BREAK_NEXT
    atomic {
      upto = next;
      ahead = (upto < ahead -> upto : ahead);
      upto = 0
    }
#endif
    do
#ifdef BREAK_BEHIND
    :: atomic { at < ahead -> at = ahead }
#else
    :: atomic {
        at < ahead ->
        if
        :: covers(marker[slot(at)], at) -> ahead = at
        :: else -> at++
        fi
      }
#endif
    :: atomic {
        at >= ahead ->
#ifndef BREAK_CURSOR
        if
        :: cursor != hole -> ahead = hole
        :: else
        fi;
#endif
        break
      }
    od;
#ifdef BREAK_MARKER
    older = marker[slot(hole)];
#endif
    atomic {
      if
#ifdef BREAK_EXPECT
      :: ahead > hole ->
#else
      :: ahead > hole && marker[slot(hole)] == older ->
#endif
        marker[slot(hole)] = GAP | ahead;
        // Only what was claimed by the dead, and never committed.
        at = hole;
        do
        :: at == ahead -> break
        :: else ->
          assert((committed & bit(at)) == 0);
          assert(owner[at] == DEAD);
          at++
        od;
        older = GAP
      :: else -> older = 0
      fi
    }
    if
    :: older == GAP -> help(hole)
    :: else
    fi
  fi;
  atomic {
    forget_close()
  }
}

inline forget_close() {
  hole = 0;
  older = 0;
  ahead = 0;
  upto = 0;
  since = 0;
  entry = 0;
  at = 0;
  mark = 0
}

// Writes a range down: the limit last.
inline announce(from, to) {
  begin[me] = from;
  limit[me] = to
}

inline withdraw() {
#ifdef BREAK_WITHDRAW
  skip
#else
  limit[me] = 0
#endif
}

// Commits [start, end), which is ours: so nobody else commits or closes it. Leaving a mark is a
// loop of compare-and-swaps that a mark above start ends: that is the same as one step.
inline commit(start, end) {
  atomic {
    hole = cursor;
    assert(hole <= start && (committed & bit(start)) == 0)
  }
  if
  :: hole == start ->
    atomic {
      assert(cursor == start);
      cursor = end;
      note_commit(start, end)
    }
    help(end)
  :: else ->
    atomic {
      assert(end_of(marker[slot(start)]) <= start);
      marker[slot(start)] = end;
      note_commit(start, end)
    }
    hole = cursor;
    if
    :: hole < end -> help(hole)
    :: else
    fi
  fi;
  hole = 0
}

inline note_commit(start, end) {
  at = start;
  do
  :: at == end -> break
  :: else -> committed = committed | bit(at); at++
  od;
  at = 0
}

inline note_claim(start, end) {
  at = start;
  do
  :: at == end -> break
  :: else ->
    // Nobody may still need what is overwritten here.
    assert(consumed[0] + ELEMENTS > at);
#if CONSUMERS == 2
    assert(consumed[1] + ELEMENTS > at);
#endif
    owner[at] = me;
    at++
  od;
  at = 0
}

proctype Producer(byte me) {
  byte left = MESSAGES, mine, gate, size;
  byte hole, older, ahead, upto, since, entry, at, mark;
  bool announced;
again:
  {
    do
    :: left == 0 -> break
    :: left != 0 ->
      // Claim. Whether there is room is the business of commit.pml: here that is one step.
      do
      :: atomic {
          mine = next;
          gate = GATE;
          size = (me == 0 -> SIZE : 1)
        }
        if
        :: gate == GONE -> // nobody consumes any more
          left = 0;
          break
        :: gate != GONE && mine + size - gate > ELEMENTS ->
          // Full.
          hole = cursor;
          help(hole);
          if
          :: announced -> withdraw(); announced = false
          :: else
          fi;
          // Held up until a consumer moves on.
          asleep[me] = true;
          do
          :: atomic { GATE != gate -> asleep[me] = false; break }
          :: would_help -> close()
          od
        :: else ->
#ifndef BREAK_ANNOUNCE
          announce(mine, mine + size);
          announced = true;
#endif
          atomic {
            if
            :: next == mine ->
              next = mine + size;
              left--;
              note_claim(mine, mine + size);
              gate = 0;
              break
            :: else
            fi
          }
        fi
      od;
      if
      :: gate == GONE -> break
      :: else
      fi;
#ifdef BREAK_ANNOUNCE
      announce(mine, mine + size);
#endif
      announced = false;
#if EXTEND
      // Where the next claim follows this one, the same range takes it in.
      if
      :: me == 0 && next == mine + size && mine + size + 1 - GATE <= ELEMENTS ->
        limit[me] = mine + size + 1;
        atomic {
          if
          :: next == mine + size ->
            next++;
            note_claim(mine + size, mine + size + 1);
            size++
          :: else -> announced = true
          fi
        }
        if
        :: announced ->
#ifndef BREAK_WITHDRAW
          limit[me] = mine + size;
#endif
          announced = false
        :: else
        fi
      :: true
      fi;
#endif

      // Commit: all at once, or one by one in either order.
      if
      :: commit(mine, mine + size)
#if SIZE + EXTEND == 2
      :: size == 2 -> commit(mine, mine + 1); commit(mine + 1, mine + 2)
      :: size == 2 -> commit(mine + 1, mine + 2); commit(mine, mine + 1)
#endif
      fi;
      mine = 0
    od;
    if
    :: announced -> withdraw()
    :: else
    fi
  } unless {
    atomic {
      !here[me] ->
      d_step {
        mine = 0;
        gate = 0;
        size = 0;
        announced = false;
        forget_close()
      }
      if
      :: restarts < RESTARTS && left != 0 ->
        // Another process takes the entry, before or after anybody has noticed.
        restarts++;
        alive[me] = true;
        asleep[me] = false;
        here[me] = true
      :: true -> goto over
      fi
    }
#ifndef BREAK_CLEAR
    // What the dead owner left.
    limit[me] = 0;
#endif
    goto again
  }
over:
  atomic {
    left = 0;
    mine = 0;
    size = 0;
    gate = 0;
    here[me] = false;
    asleep[me] = true;
    producing--
  }
}

#if TAKERS == 1
#define left_behind(sequence) \
  ((sequence) < next && (sequence) >= cursor && owner[sequence] == DEAD && \
    (committed & bit(sequence)) == 0)

// Takes over one of the dead's claims at a time, and commits it.
proctype Taker(byte me) {
  byte mine, hole, older, ahead, upto, since, entry, at, mark;
  {
    asleep[me] = true;
end:
    do
    :: atomic {
        // Any of them. That its owner is dead, the caller has to know.
        if
        :: left_behind(0) -> mine = 0
        :: left_behind(1) -> mine = 1
        :: left_behind(2) -> mine = 2
        :: left_behind(3) -> mine = 3
        fi;
        asleep[me] = false
      }
#ifndef BREAK_TOUCH_FIRST
      announce(mine, mine + 1);
#endif
      do
      :: hole = cursor;
        if
        :: hole > mine -> break
        :: else
        fi;
        older = marker[slot(hole)];
        if
        :: covers(older, hole) -> help(hole)
        :: else ->
#ifndef BREAK_TOUCH
          atomic {
            if
            :: marker[slot(hole)] == older -> marker[slot(hole)] = touched(older); older = GONE
            :: else
            fi
          }
#else
          older = GONE;
#endif
#ifdef BREAK_TOUCH_FIRST
          announce(mine, mine + 1);
#endif
          atomic {
            if
            :: older == GONE && cursor == hole -> owner[mine] = me; break
            :: else -> older = 0; hole = 0
            fi
          }
        fi
      od;
      older = 0;
      if
      :: owner[mine] == me -> commit(mine, mine + 1)
      :: else -> limit[me] = 0 // too late
      fi;
      atomic {
        hole = 0;
        mine = 0;
        asleep[me] = true
      }
    od
  } unless {
    atomic {
      !here[me];
      d_step {
        mine = 0;
        forget_close()
      }
    }
  }
}
#endif

proctype Consumer(byte me) {
  byte own, seen;
  byte hole, older, ahead, upto, since, entry, at, mark;
  {
    do
    :: seen = cursor;
      if
      :: seen == own -> help(seen);
end:
        do
        :: cursor != own -> break
        :: CONSUMER_LOOKS -> close()
        od
      :: else ->
        assert(seen > own && seen - own <= ELEMENTS);
        // Where the first gap begins. What is visible stays as it is: one step for all markers.
        atomic {
          at = own;
          do
          :: own >= gap_limit -> at = seen; break
          :: own < gap_limit ->
            if
            :: at == seen -> break
            :: at < seen && is_gap(marker[slot(at)]) && covers(marker[slot(at)], at) -> break
            :: else -> at++
            fi
          od
        }
        if
        :: at == own ->
          // A gap: passes it.
          atomic {
            seen = end_of(marker[slot(own)]);
            at = own;
            do
            :: at == seen -> break
            :: else ->
              assert((committed & bit(at)) == 0);
              at++
            od;
            at = 0;
            own = seen;
            seen = 0;
            consumed[me - FIRST_CONSUMER] = own
          }
        :: else ->
          atomic {
            do
            :: own == at -> break
            :: else ->
              // What is visible was committed, and nothing comes twice.
              assert(committed & bit(own));
              assert((delivered[me - FIRST_CONSUMER] & bit(own)) == 0);
              delivered[me - FIRST_CONSUMER] = delivered[me - FIRST_CONSUMER] | bit(own);
              own++
            od;
            at = 0;
            seen = 0
          }
          consumed[me - FIRST_CONSUMER] = own
        fi
      fi
    od
  } unless {
    atomic {
      !here[me];
      d_step {
        own = 0;
        seen = 0;
        forget_close()
      }
    }
  }
}

#if RECOVERERS > 0
proctype Recoverer(byte me) {
  byte hole, older, ahead, upto, since, entry, at, mark;
  {
end:
    do
    :: may_look -> close()
    od
  } unless {
    atomic {
      !here[me];
      d_step {
        forget_close()
      }
    }
  }
}
#endif

#define mortal(who) (here[who] && (MORTAL & bit(who)))

inline kill(who) {
  deaths++;
  here[who] = false;
  if
  :: who < ENTRIES ->
    alive[who] = false;
    asleep[who] = true;
    at = 0;
    do
    :: at == MOST -> break
    :: else ->
      if
      :: owner[at] == who && (committed & bit(at)) == 0 -> owner[at] = DEAD
      :: else
      fi;
      at++
    od;
    at = 0
  :: who >= FIRST_CONSUMER && who < FIRST_RECOVERER ->
    consumed[who - FIRST_CONSUMER] = GONE;
    delivered[who - FIRST_CONSUMER] = 0
  :: else
  fi
}

// Ends anybody who runs, anywhere. The kernel releases the lock in the same step; a dead consumer
// gates nobody from then on, as if it had been detached at once.
proctype Death() {
  byte at;
end:
  do
  :: d_step { deaths < DEATHS && mortal(0) -> kill(0) }
  :: d_step { deaths < DEATHS && mortal(1) -> kill(1) }
  :: d_step { deaths < DEATHS && mortal(2) -> kill(2) }
  :: d_step { deaths < DEATHS && mortal(3) -> kill(3) }
  :: d_step { deaths < DEATHS && mortal(4) -> kill(4) }
  :: d_step { deaths < DEATHS && mortal(5) -> kill(5) }
  od
}

#define settled(who) (consumed[who] == GONE || (cursor == next && consumed[who] == next && \
  delivered[who] == committed))

init {
  byte i;
  atomic {
    for (i : 0 .. MOST - 1) {
      owner[i] = NOBODY
    }
    for (i : 0 .. PARTICIPANTS - 1) {
      here[i] = true
    }
    for (i : 0 .. PRODUCERS - 1) {
      alive[i] = true;
      run Producer(i)
    }
#if TAKERS == 1
    alive[PRODUCERS] = true;
    producing--;
    run Taker(PRODUCERS);
#endif
    for (i : 0 .. CONSUMERS - 1) {
      run Consumer(FIRST_CONSUMER + i)
    }
#if RECOVERERS > 0
    for (i : 0 .. RECOVERERS - 1) {
      run Recoverer(FIRST_RECOVERER + i)
    }
#endif
    run Death();
    i = 0
  }
  // Where this is never reached, something is held up for ever or was lost: an invalid end state.
  producing == 0 && settled(0) && settled(CONSUMERS - 1);
  assert(next == cursor || consumed[0] == GONE)
}
