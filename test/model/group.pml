// A group that shares the elements of a ring: its members announce, claim and finish ranges, raise
// the sequence that gates the producers, and hand on what the dead held. Anybody may die between any
// two steps. A pause is nothing but the steps of the others.
//
// BREAK_ANNOUNCE: a range is written down after the claim, not before. BREAK_CONFIRM: a claim does
// not confirm the claim before it. BREAK_CONFIRM_LATE: it does so after it has moved work.
// BREAK_MAX: confirmed is stored, not raised. BREAK_CHECK: whether the dead had claimed is looked up
// in confirmed first, then in work. BREAK_TAKER: work counts there whoever took last. BREAK_REREAD:
// the range of the dead is not read again under the lock. BREAK_UNLOCK: the lock is released before
// the range is emptied. BREAK_CLEAN: who takes a slot leaves what the dead held there. BREAK_RANGES:
// settling reads work after the ranges. BREAK_SETTLE: who finds nothing to take settles only if
// it had announced something. BREAK_SETTLE_AT_ALL: not even then. BREAK_WITHDRAW: it leaves its
// announcement. BREAK_RELEASE: the store that ends a range becomes visible after the loads that
// follow it, as a store with release may. BREAK_WAKE: who gives back tells nobody. BREAK_GIVE: it
// empties the range that it gives back. BREAK_SEAT: it goes on with the slot that it gave back.
// BREAK_MOVES: settling does not look whether a range has moved on to a slot that it had passed.
// BREAK_DIVIDE: the old range lets go of what the new one does not yet cover. BREAK_OWN: what is
// kept is not confirmed.

#ifndef ELEMENTS
#define ELEMENTS 2 // of the ring
#endif
#ifndef TOTAL
#define TOTAL 3 // elements that are produced
#endif
#ifndef COMMITTED
#define COMMITTED 0 // of them before anything else happens
#endif
#ifndef SLOTS
#define SLOTS 2 // two or three
#endif
#ifndef MEMBERS
#define MEMBERS 2 // who have a slot from the beginning
#endif
#ifndef JOINERS
#define JOINERS 0 // who come later, at any time that there is a slot for them
#endif
#ifndef SIZE
#define SIZE 1 // elements that a member takes at most
#endif
#ifndef ANY_SIZE
#define ANY_SIZE 0 // 1: it takes any number up to that, not as many as it can
#endif
#ifndef DEATHS
#define DEATHS 1 // in all
#endif
#ifndef MORTAL
#define MORTAL 15 // who may die: one bit for each participant
#endif
#ifndef HANG
#define HANG 0 // who may stay with what it holds for ever: one bit for each participant
#endif
#ifndef GIVES
#define GIVES 0 // times that somebody gives back what it holds: to others, or to itself later
#endif
#ifndef DIVIDES
#define DIVIDES 0 // 1: who takes over several keeps the first in its own slot and leaves the others
#endif
#ifndef LEAVES
#define LEAVES 0 // members that go away when they have nothing to do
#endif

#define PARTICIPANTS (MEMBERS + JOINERS)
#if PARTICIPANTS > 4 || TOTAL > 6 || SLOTS < MEMBERS
#error more than the model has room for
#endif

// Shared memory.
byte cursor = COMMITTED;
byte sequence = 0; // of the group: gates the producers
byte work = 0;     // with `taker` one word: read, compared and swapped in one step
byte taker = 0;    // a slot's number + 1
byte begin[SLOTS];
byte limit[SLOTS];
byte confirmed[SLOTS];
// The kernel's lock on a slot: its holder's number + 1.
byte lock[SLOTS];

// What nobody in the library can see.
bool here[4]; // runs; false orders it to stop where it is
mtype = { away, joined };
mtype mode[4];
byte awaited[4]; // the cursor that a sleeper knows, and the number of deaths
byte known[4];
byte deaths = 0;
byte leaves = 0;
byte gives = 0;
byte woken = 0; // how often somebody has told that it gave something back
#if DIVIDES
byte moves = 0; // shared memory: a range has moved on to another slot
byte twice = 0; // elements that two ranges cover, or did when somebody died: one bit for each
byte dividing[4]; // 1: because of that participant alone
#define is_twice(element) (twice & bit(element))
#else
#define is_twice(element) false
#endif
byte owner[6]; // of each element: whom it was handed to
#define NOBODY 0
#define DEAD 14
#define FINISHED 15

#define bit(number) (1 << (number))
#define number(me) ((me) + 1)

// What sleepers look up for.
#define changes (deaths + woken)

// What is still to be finished, from below.
#define unfinished(element) ((element) == cursor || owner[element] != FINISHED)
#define FIRST_UNFINISHED \
  (unfinished(0) -> 0 : (unfinished(1) -> 1 : (unfinished(2) -> 2 : (unfinished(3) -> 3 : \
    (unfinished(4) -> 4 : (unfinished(5) -> 5 : 6))))))

#define is_ours(which) (lock[which] == number(me))
// What this participant has emptied, but nobody else knows.
#ifdef BREAK_RELEASE
#define invisible(which) (buffered && which == mine)
#else
#define invisible(which) false
#endif

// What only rises has passed what only falls: nothing will come of it.
#ifdef BREAK_RANGES
#define useless false
#else
#define useless (low <= sequence)
#endif

// Goes on to the next slot that somebody else may write, if that is of any use still.
inline next_range() {
  upto = 0;
  at++;
  skip_ours()
}

inline skip_ours() {
  do
  :: at < SLOTS && is_ours(at) -> at++
  :: else -> break
  od;
  at = (useless -> SLOTS : at)
}

// Raises the group's sequence. One step for each load; but what only this participant writes may as
// well be loaded with the first. The loop of compare-and-swaps that raises is the same as one step.
inline settle() {
#if DIVIDES
  do
  ::
  atomic {
    again = false;
    saw = moves;
#else
  atomic {
#endif
#ifdef BREAK_RANGES
    low = TOTAL;
#else
    low = work;
#endif
    do
    :: at == SLOTS -> break
    :: at < SLOTS ->
      low = (is_ours(at) && !invisible(at) && begin[at] < limit[at] && begin[at] < low -> begin[at] : low);
      at++
    od;
    at = 0;
    skip_ours()
  }
  do
  :: atomic {
      upto == 0 && at < SLOTS ->
      upto = limit[at];
      if
      :: upto == 0 -> next_range()
      :: else
      fi
    }
  :: atomic {
      upto != 0 ->
      low = (begin[at] < upto && begin[at] < low -> begin[at] : low);
      next_range()
    }
  :: atomic {
      upto == 0 && at == SLOTS ->
#ifdef BREAK_RANGES
      low = (work < low -> work : low);
#endif
      at = 0;
      if
#if DIVIDES
#ifndef BREAK_MOVES
      :: low > sequence && saw != moves -> again = true
#endif
#endif
      :: else -> skip
      fi;
      if
      :: low > sequence && !again ->
        do
        :: at == low -> break
        :: else ->
          // Producers may overwrite it from now on.
          assert(owner[at] == FINISHED);
          at++
        od;
        sequence = low
      :: else
      fi;
      at = 0;
      low = 0;
      break
    }
  od
#if DIVIDES
  ; if
  :: again
  :: else -> break
  fi
  od
#endif
}

// Keeps the first of what slot `which` of the dead holds in our own slot.
inline divide(which) {
#ifdef BREAK_DIVIDE
  begin[which] = held + 1;
#endif
#ifndef BREAK_OWN
  confirmed[mine] = (confirmed[mine] < held + 1 -> held + 1 : confirmed[mine]);
#endif
  begin[mine] = held;
  atomic { limit[mine] = held + 1; dividing[me] = !is_twice(held); twice = twice | bit(held) }
  moves++;
  // Who finds this has not been given them.
  atomic {
    begin[which] = held + 1;
    twice = (dividing[me] -> twice & (255 - bit(held)) : twice);
    dividing[me] = 0;
    hand(held + 1, to, number(me), DEAD);
    to = held + 1
  }
  lock[which] = 0;
  woken++
}

// Notes that [from, to) goes from one owner to another.
inline hand(from, to, before, after) {
  at = from;
  do
  :: at == to -> break
  :: else ->
    // Marked, what died while it was divided may be given twice.
    assert(owner[at] == before || is_twice(at));
    owner[at] = after;
    at++
  od;
  at = 0
}

// Processes [held, to), which slot `which` holds, to the end.
inline process(which) {
#if SIZE > 1
  if
  :: true
  :: atomic {
      held + 1 < to ->
      // One now, and the others later.
      begin[which] = held + 1;
      hand(held, held + 1, number(me), FINISHED);
      held++
    }
    settle()
  fi;
#endif
#if HANG
  if
  :: true
  :: HANG & bit(me) -> goto end_hanging
  fi;
#endif
#if GIVES
  if
  :: true
  :: atomic {
      gives < GIVES ->
      gives++;
#ifdef BREAK_GIVE
      limit[which] = 0;
#endif
      // As if it had died, but for what it does next.
      hand(held, to, number(me), DEAD);
      held = 0;
      to = 0;
      lock[which] = 0
    }
#ifndef BREAK_WAKE
    woken++;
#endif
    atomic {
      other = 0;
      if
#ifndef BREAK_SEAT
      :: which == mine ->
        mine = SLOTS;
        mode[me] = away;
        goto end_join
#endif
      :: else -> goto look
      fi
    }
  fi;
#endif
#ifdef BREAK_UNLOCK
  lock[which] = (which == mine -> lock[which] : 0);
#endif
  atomic {
#ifdef BREAK_RELEASE
    buffered = (which == mine);
    limit[which] = (buffered -> limit[which] : 0);
#else
    limit[which] = 0;
#endif
    hand(held, to, number(me), FINISHED);
    held = 0;
    to = 0
  }
  settle()
}

#define took_last(which, end) (work == (end) && taker == number(which))

// What is left in slot `which`: with its lock nobody else writes there, so that locking and reading
// the range are one step.
inline recover(which) {
#ifdef BREAK_CHECK
  claimed = (confirmed[which] >= to);
  if
  :: !claimed -> claimed = took_last(which, to)
  :: else
  fi;
#else
#ifdef BREAK_TAKER
  claimed = (work == to);
#else
  claimed = took_last(which, to);
#endif
  if
  :: !claimed -> claimed = (confirmed[which] >= to)
  :: else
  fi;
#endif
  if
  :: atomic {
      claimed ->
      claimed = false;
      // Redelivered: the last who had it is dead, and did not finish it.
      hand(held, to, DEAD, number(me))
    }
#if DIVIDES
    if
    :: which != mine && held + 1 < to -> divide(which); process(mine)
    :: else -> process(which)
    fi
#else
    process(which)
#endif
  :: atomic { !claimed -> limit[which] = 0; held = 0; to = 0 }
    settle()
  fi
}

inline read_range(which) {
  held = begin[which];
  to = limit[which];
  if
  :: held >= to -> held = 0; to = 0
  :: else
  fi
}

#ifdef BREAK_MAX
#define confirmation held
#else
#define confirmation (confirmed[prev - 1] < held -> held : confirmed[prev - 1])
#endif

// Raises confirmed of whoever took last.
inline confirm() {
  if
  :: atomic { prev != 0 -> confirmed[prev - 1] = confirmation }
  :: else
  fi
}

inline announce() {
  if
  :: limit[mine] != 0 -> limit[mine] = 0
  :: else
  fi;
  begin[mine] = held;
  limit[mine] = to;
#ifdef BREAK_RELEASE
  buffered = false;
#endif
}

proctype Member(byte me; byte mine) {
  byte held, to, prev, low, at, upto, other;
  bool found, claimed;
  bool again = false;
#if DIVIDES
  byte saw;
#endif
#ifdef BREAK_RELEASE
  bool buffered;
#endif
  {
    if
    :: mine == SLOTS ->
      // Any slot whose lock is free.
end_join:
      atomic {
        if
        :: lock[0] == 0 -> mine = 0
        :: lock[1] == 0 -> mine = 1
#if SLOTS == 3
        :: lock[2] == 0 -> mine = 2
#endif
        fi;
        lock[mine] = number(me);
        mode[me] = joined;
#ifndef BREAK_CLEAN
        read_range(mine)
#endif
      }
      if
      :: to != 0 -> recover(mine)
      :: else
      fi
    :: else
    fi;
look:
    // First what the dead hold.
    do
    :: atomic {
        !found ->
        known[me] = (other == 0 -> changes : known[me]);
        other = (other == mine -> other + 1 : other);
        if
        :: other < SLOTS && begin[other] < limit[other] ->
          found = true;
#ifdef BREAK_REREAD
          read_range(other)
#endif
        :: else ->
          other++;
          other = (other == mine -> other + 1 : other);
          if
          :: other >= SLOTS -> other = 0; break
          :: else
          fi
        fi
      }
    :: atomic {
        found ->
        found = false;
        if
        :: lock[other] == 0 ->
          lock[other] = number(me);
#ifndef BREAK_REREAD
          read_range(other)
#endif
        :: else ->
          held = 0;
          to = 0;
          other++;
          goto look
        fi
      }
      if
      :: to != 0 -> recover(other)
      :: else
      fi;
      atomic { lock[other] = (is_ours(other) -> 0 : lock[other]); other++ }
    od;

    // Then something new.
    do
    :: atomic { held = work; prev = (taker == number(mine) -> 0 : taker) }
      atomic {
        to = (cursor < held + SIZE -> cursor : held + SIZE);
#if ANY_SIZE
        if
        :: to > held + 1 -> to--
        :: true
        fi;
#endif
        if
        :: to == held ->
          awaited[me] = held;
          held = 0;
          to = 0;
          prev = 0;
          break
        :: else
        fi
      }
#ifndef BREAK_CONFIRM
#ifndef BREAK_CONFIRM_LATE
      confirm();
#endif
#endif
#ifndef BREAK_ANNOUNCE
      announce();
#endif
      atomic {
        if
        :: work == held -> // and so the same taker: work only rises
          work = to;
          taker = number(mine);
          hand(held, to, NOBODY, number(me));
#ifndef BREAK_CONFIRM_LATE
          prev = 0;
#endif
          claimed = true
        :: else
        fi
      }
      if
      :: claimed ->
        claimed = false;
#ifdef BREAK_ANNOUNCE
        announce();
#endif
#ifdef BREAK_CONFIRM_LATE
        confirm();
        prev = 0;
#endif
        process(mine);
        goto look
      :: else
      fi
    od;
    // Nothing.
#ifdef BREAK_SETTLE
    if
    :: limit[mine] != 0 -> limit[mine] = 0; settle()
    :: else
    fi;
#else
#ifndef BREAK_WITHDRAW
    if
    :: limit[mine] != 0 && !invisible(mine) -> limit[mine] = 0
    :: else
    fi;
#endif
#ifndef BREAK_SETTLE_AT_ALL
    settle();
#endif
#endif
#ifdef BREAK_RELEASE
    atomic { limit[mine] = (buffered -> 0 : limit[mine]); buffered = false }
#endif
    // Sleeps until the cursor moves, or somebody dies.
end_sleep:
    if
    :: atomic { cursor != awaited[me] || known[me] != changes -> awaited[me] = 0; goto look }
#if LEAVES
    :: atomic {
        leaves < LEAVES ->
        leaves++;
        lock[mine] = 0;
        mode[me] = away;
        here[me] = false
      }
#endif
    fi;
end_hanging:
    mode[me] == away
  } unless {
    atomic {
      !here[me];
      d_step {
        mine = 0;
        held = 0;
        to = 0;
        prev = 0;
        low = 0;
        at = 0;
        upto = 0;
        other = 0;
        found = false;
        claimed = false;
        awaited[me] = 0;
        known[me] = 0;
        again = false
#if DIVIDES
        ; saw = 0;
        dividing[me] = 0
#endif
      }
    }
  }
}

// Commits whenever there is room.
proctype Producer() {
end:
  do
  :: atomic {
      cursor < TOTAL && cursor < sequence + ELEMENTS ->
      if
      :: cursor >= ELEMENTS -> assert(owner[cursor - ELEMENTS] == FINISHED)
      :: else
      fi;
      cursor++
    }
  od
}

#define mortal(who) (here[who] && mode[who] != away && (MORTAL & bit(who)))

inline kill(who) {
  deaths++;
  here[who] = false;
  mode[who] = away;
  at = 0;
  do
  :: at == SLOTS -> break
  :: else ->
    lock[at] = (lock[at] == number(who) -> 0 : lock[at]);
    at++
  od;
  at = 0;
  do
  :: at == TOTAL -> break
  :: else ->
    owner[at] = (owner[at] == number(who) -> DEAD : owner[at]);
    at++
  od;
  at = 0
}

// Nobody can do anything more, somebody waits, and ...
#define sleeps(who) \
  (mode[who] == joined && Member[1 + who]@end_sleep && awaited[who] == cursor && \
    known[who] == changes)
#define still(who) (mode[who] == away || sleeps(who) || Member[1 + who]@end_hanging)
#if PARTICIPANTS == 2
#define SOMEBODY_WAITS (sleeps(0) || sleeps(1))
#define ALL_STILL (still(0) && still(1))
#elif PARTICIPANTS == 3
#define SOMEBODY_WAITS (sleeps(0) || sleeps(1) || sleeps(2))
#define ALL_STILL (still(0) && still(1) && still(2))
#elif PARTICIPANTS == 4
#define SOMEBODY_WAITS (sleeps(0) || sleeps(1) || sleeps(2) || sleeps(3))
#define ALL_STILL (still(0) && still(1) && still(2) && still(3))
#endif
#define STILL \
  (ALL_STILL && SOMEBODY_WAITS && (cursor == TOTAL || cursor == sequence + ELEMENTS))
// ... everything was done: all is taken and nothing left behind by the dead, and the producers are
// held up by nothing but what somebody alive has not finished.
#define left_behind(element) ((element) < TOTAL && owner[element] == DEAD)
#define DONE \
  (work == cursor && sequence == FIRST_UNFINISHED && !left_behind(0) && !left_behind(1) && \
    !left_behind(2) && !left_behind(3) && !left_behind(4) && !left_behind(5) && \
    (HANG || cursor == TOTAL))

// Ends anybody who runs, anywhere. The kernel releases its locks in the same step.
proctype Death() {
  byte at;
end:
  do
  :: d_step { deaths < DEATHS && mortal(0) -> kill(0) }
  :: d_step { deaths < DEATHS && mortal(1) -> kill(1) }
  :: d_step { deaths < DEATHS && mortal(2) -> kill(2) }
  :: d_step { deaths < DEATHS && mortal(3) -> kill(3) }
  :: STILL && !DONE -> assert(false)
  od
}

init {
  byte i;
  atomic {
    for (i : 0 .. 3) {
      mode[i] = away
    }
    for (i : 0 .. PARTICIPANTS - 1) {
      here[i] = true;
      if
      :: i < MEMBERS ->
        lock[i] = number(i);
        mode[i] = joined;
        run Member(i, i)
      :: else -> run Member(i, SLOTS)
      fi
    }
    run Producer();
    run Death();
    i = 0
  }
}
