/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hosts, a guest, and two migrations of it: one, and then another from wherever the guest is
 * (its way back, or once more where the first came to nothing). Shown over the full state space:
 *
 *   - never two hosts that may act as the owner, never two running guests;
 *   - a commit never loses an edit that was acknowledged;
 *   - when nothing is left to do, with both hosts reachable: one owner, no row left on either
 *     side, and the guest runs exactly once, unless it died itself.
 *
 * A message stays in the network once it is sent, and may be taken from there at any time, several
 * times, or not while a step is due: so it is late, doubled, overtaken, or lost and sent again by
 * one who retries. A driver (the client, or the source's own) may stop for ever at any step, or for
 * as long as it likes. A daemon dies between any two steps and starts anew with what was durable. A
 * QEMU dies at any moment, and a host with all that is on it.
 *
 * Post-copy has the same moves: there Finish comes before the last part of the stream has arrived,
 * and a destination where it does not arrive has lost its QEMU. That a QEMU which has let go of the
 * guest cannot run it again loses guests, as one that dies does, and makes none that runs twice.
 *
 * -DOFFLINE: the guest is off. -DCRASHES=N: so many of daemons. Wrong on purpose, to see that it is
 * found: -DDECIDE_AT_CONFIRM, the destination runs the guest at Finish, and has decided only when
 * the confirmation arrives; -DGIVE_UP_BLINDLY, a source that does not know ends the migration.
 */
#define MIGRATIONS 2
#ifndef CRASHES
#define CRASHES 1 /* of daemons, in each run */
#endif
#define EDITS 2

/* What a QEMU is up to. */
mtype = {
	NO_QEMU,
	RUNNING,
	SWITCHING, /* pre-switchover: stopped, until told to go on */
	SENT,	   /* postmigrate: all of its state is sent, and still here */
	INCOMING,
	COMPLETE, /* all of the state has arrived; stopped */
};

#define SOURCE_EVENT(event) mtype = { event };
#define DESTINATION_EVENT(event) mtype = { event };
#define SOURCE_STATE(state) mtype = { state };
#define DESTINATION_STATE(state) mtype = { state };
#include "migrate/moves.def"

/* ---- what is durable ---- */

bool owns[2];	/* by host, in its index */
byte version[2]; /* of the record there */
mtype source[MIGRATIONS] = SOURCE_NONE;
mtype destination[MIGRATIONS] = DESTINATION_NONE;
bool mark[MIGRATIONS]; /* the guest may have run: kept as long as the machine is up */

/* ---- what lives on ---- */

mtype qemu[2] = NO_QEMU;
bool died; /* the guest did, with all of its state */

/* ---- what a crash forgets ---- */

bool keeps_token[MIGRATIONS]; /* the source knows that it never let it out */
bool knows_run[MIGRATIONS];   /* the destination knows whether it has sent cont */

/* ---- the network ---- */

bool prepare[MIGRATIONS], prepared[MIGRATIONS], perform[MIGRATIONS], token[MIGRATIONS],
	finish[MIGRATIONS], confirm[MIGRATIONS], ask[MIGRATIONS], said_aborted[MIGRATIONS],
	said_running[MIGRATIONS], said_returned[MIGRATIONS];

/* ---- the story ---- */

byte from[MIGRATIONS];	   /* host */
byte carried[MIGRATIONS];  /* version that is moved */
bool begun[MIGRATIONS];
byte acknowledged;	   /* the newest version that a user was told of */
byte crashes, edits;
bool killed;	       /* a QEMU was */
bool dark;	       /* a whole host was */
bool late[MIGRATIONS]; /* a question came when nobody waited for the answer any more */

#define TO(m) (1 - from[m])
#ifdef OFFLINE
#define LIVE false
#else
#define LIVE true
#endif

inline source_move(m, event)
{
	if
#define SOURCE_MOVE(before, what, after) \
	:: (source[m] == before && event == what) -> source[m] = after;
#include "migrate/moves.def"
	:: else -> assert(false)
	fi
}

inline destination_move(m, event)
{
	if
#define DESTINATION_MOVE(before, what, after) \
	:: (destination[m] == before && event == what) -> destination[m] = after;
#include "migrate/moves.def"
	:: else -> assert(false)
	fi
}

/* Nothing is under way there that its journal knows of. */
#define IDLE_AS_SOURCE(h) \
	(!(from[0] == h && source[0] != SOURCE_NONE) && !(from[1] == h && source[1] != SOURCE_NONE))
#define SETTLED(m) \
	(destination[m] == DESTINATION_NONE || destination[m] == DESTINATION_RUNNING || \
	 destination[m] == DESTINATION_ABORTED || destination[m] == DESTINATION_RETURNED)
#define IDLE_AS_DESTINATION(h) \
	((!begun[0] || TO(0) != h || SETTLED(0)) && (!begun[1] || TO(1) != h || SETTLED(1)))
#define MAY_CHANGE(h) (owns[h] && IDLE_AS_SOURCE(h) && IDLE_AS_DESTINATION(h))

#define MAY_BEGIN(m, h) \
	(!begun[m] && (m == 0 || begun[0]) && MAY_CHANGE(h) && (!LIVE || qemu[h] == RUNNING))

#ifdef GIVE_UP_BLINDLY
#define MAY_GIVE_UP(m) true
#else
#define MAY_GIVE_UP(m) keeps_token[m]
#endif

/* Whose word counts: not one who has let go and waits for the other's. */
#define ACTS(h) \
	(owns[h] && !(from[0] == h && source[0] == SOURCE_SWITCHED) && \
	 !(from[1] == h && source[1] == SOURCE_SWITCHED))

/* The guest goes on here, if it is still there; the stream is broken off. */
inline resume(h)
{
	if
	:: qemu[h] == SWITCHING || qemu[h] == SENT -> qemu[h] = RUNNING
	:: else
	fi
}

/* ---- the source ---- */

proctype source_host(byte m)
{
end:	do
	/* Begin */
	:: atomic { MAY_BEGIN(m, 0) || MAY_BEGIN(m, 1) ->
		from[m] = (MAY_BEGIN(m, 0) -> 0 : 1);
		begun[m] = true;
		carried[m] = version[from[m]];
		keeps_token[m] = true;
		source_move(m, SOURCE_BEGIN);
	}
	/* Perform: the stream stands before its last part, or at once without a guest */
	:: atomic { source[m] == SOURCE_BEGUN && perform[m] && keeps_token[m] ->
		source_move(m, SOURCE_SWITCH);
	}
	:: atomic { source[m] == SOURCE_SWITCHED && keeps_token[m] && (!LIVE || qemu[from[m]] == SENT) ->
		keeps_token[m] = false;
		token[m] = true;
	}
	/* the driver is gone, has had enough, or the stream failed */
	:: atomic { source[m] == SOURCE_BEGUN || (source[m] == SOURCE_SWITCHED && MAY_GIVE_UP(m)) ->
		resume(from[m]);
		keeps_token[m] = false;
		source_move(m, SOURCE_GIVE_UP);
	}
	:: atomic { source[m] == SOURCE_SWITCHED && !keeps_token[m] && !ask[m] -> ask[m] = true }
	/* Confirm, or an answer */
	:: atomic { source[m] == SOURCE_SWITCHED && said_aborted[m] ->
		resume(from[m]);
		source_move(m, SOURCE_TOLD_ABORTED);
	}
	:: atomic { source[m] == SOURCE_SWITCHED && said_returned[m] ->
		version[from[m]] = version[TO(m)];
		resume(from[m]);
		source_move(m, SOURCE_TOLD_RETURNED);
	}
	:: atomic { source[m] == SOURCE_SWITCHED && said_running[m] ->
		qemu[from[m]] = NO_QEMU;
		owns[from[m]] = false;
		source_move(m, SOURCE_TOLD_RUNNING);
	}
	od
}

/* ---- the destination ---- */

proctype destination_host(byte m)
{
end:	do
	/* Prepare: it speaks with the source, which must know of it and not be further */
	:: atomic { begun[m] && prepare[m] && destination[m] == DESTINATION_NONE &&
		source[m] == SOURCE_BEGUN && !prepared[m] && !owns[TO(m)] &&
		IDLE_AS_SOURCE(TO(m)) && qemu[TO(m)] == NO_QEMU ->
		if
		:: LIVE -> qemu[TO(m)] = INCOMING
		:: else
		fi;
		prepared[m] = true;
		destination_move(m, DESTINATION_PREPARE);
	}
	/* Finish */
	:: atomic { destination[m] == DESTINATION_PREPARED && finish[m] &&
		(!LIVE || qemu[TO(m)] == COMPLETE) ->
#ifdef DECIDE_AT_CONFIRM
		if
		:: !owns[TO(m)] ->
			owns[TO(m)] = true;
			version[TO(m)] = carried[m] + 1;
			qemu[TO(m)] = (LIVE -> RUNNING : NO_QEMU);
		:: owns[TO(m)] && confirm[m] ->
			destination_move(m, DESTINATION_COMMIT);
			destination_move(m, DESTINATION_RAN);
			said_running[m] = true;
		fi
#else
		assert(carried[m] >= acknowledged);
		owns[TO(m)] = true;
		version[TO(m)] = carried[m] + 1;
		knows_run[m] = true;
		destination_move(m, DESTINATION_COMMIT);
#endif
	}
	:: atomic { destination[m] == DESTINATION_COMMITTED && !LIVE ->
		destination_move(m, DESTINATION_RAN);
	}
	:: atomic { destination[m] == DESTINATION_COMMITTED && LIVE && qemu[TO(m)] == COMPLETE &&
		!mark[m] -> mark[m] = true; knows_run[m] = true;
	}
	:: atomic { destination[m] == DESTINATION_COMMITTED && LIVE && mark[m] &&
		qemu[TO(m)] == COMPLETE -> qemu[TO(m)] = RUNNING; knows_run[m] = false;
	}
	:: atomic { destination[m] == DESTINATION_COMMITTED && LIVE && qemu[TO(m)] == RUNNING ->
		destination_move(m, DESTINATION_RAN);
	}
	/* its QEMU is gone: nobody ran there, or nobody knows that nobody did */
	:: atomic { destination[m] == DESTINATION_COMMITTED && LIVE && qemu[TO(m)] == NO_QEMU ->
		if
		:: !mark[m] || knows_run[m] ->
			owns[TO(m)] = false;
			destination_move(m, DESTINATION_LOST);
		:: mark[m] && !knows_run[m] ->
			died = true;
			destination_move(m, DESTINATION_RAN);
		fi
	}
	:: atomic { destination[m] == DESTINATION_PREPARED && LIVE && qemu[TO(m)] == NO_QEMU ->
		destination_move(m, DESTINATION_GIVE_UP);
	}
	/* the source has no row of it, or is not heard of any more: it may whenever it likes */
	:: atomic { destination[m] == DESTINATION_PREPARED ->
		if
		:: qemu[TO(m)] == INCOMING || qemu[TO(m)] == COMPLETE -> qemu[TO(m)] = NO_QEMU
		:: else
		fi;
		destination_move(m, DESTINATION_GIVE_UP);
	}
	:: atomic { source[m] == SOURCE_NONE && (destination[m] == DESTINATION_ABORTED ||
		destination[m] == DESTINATION_RUNNING || destination[m] == DESTINATION_RETURNED) ->
		destination_move(m, DESTINATION_FORGET);
	}
	/* what it says is final, once it is durable */
	:: atomic { ask[m] && (destination[m] == DESTINATION_NONE ||
		destination[m] == DESTINATION_PREPARED) &&
		(source[m] == SOURCE_SWITCHED || !late[m]) ->
		/* one that comes when all is over and forgotten */
		late[m] = late[m] || source[m] != SOURCE_SWITCHED;
		if
		:: qemu[TO(m)] == INCOMING || qemu[TO(m)] == COMPLETE -> qemu[TO(m)] = NO_QEMU
		:: else
		fi;
		destination_move(m, DESTINATION_ASKED);
	}
	:: atomic { destination[m] == DESTINATION_ABORTED && !said_aborted[m] -> said_aborted[m] = true }
	:: atomic { destination[m] == DESTINATION_RUNNING && !said_running[m] -> said_running[m] = true }
	:: atomic { destination[m] == DESTINATION_RETURNED && !said_returned[m] ->
		said_returned[m] = true
	}
	od
}

/* ---- who drives: any step may be the last, and may come late ---- */

proctype driver(byte m)
{
end_begin:
	begun[m] -> prepare[m] = true;
end_prepare:
	prepared[m] -> perform[m] = true;
end_perform:
	token[m] -> finish[m] = true;
	confirm[m] = true
}

/* ---- the stream, and what becomes of it ---- */

proctype stream(byte m)
{
end:	do
	:: atomic { begun[m] && perform[m] && source[m] != SOURCE_NONE && qemu[from[m]] == RUNNING &&
		qemu[TO(m)] == INCOMING -> qemu[from[m]] = SWITCHING
	}
	:: atomic { begun[m] && source[m] != SOURCE_NONE && qemu[from[m]] == SWITCHING &&
		qemu[TO(m)] == INCOMING ->
		if
		:: qemu[TO(m)] = COMPLETE; qemu[from[m]] = SENT
		/* the last word back is lost: QEMU runs the guest again by itself */
		:: qemu[TO(m)] = COMPLETE; qemu[from[m]] = RUNNING
		:: qemu[TO(m)] = NO_QEMU; qemu[from[m]] = RUNNING
		fi
	}
	:: atomic { begun[m] && source[m] != SOURCE_NONE && qemu[from[m]] == SWITCHING &&
		qemu[TO(m)] == NO_QEMU -> qemu[from[m]] = RUNNING
	}
	od
}

/* ---- trouble ---- */

proctype trouble()
{
	byte h;

	do
	:: atomic { crashes < CRASHES ->
		crashes++;
		if
		:: h = 0
		:: h = 1
		fi;
		if
		:: from[0] == h -> keeps_token[0] = false
		:: else -> knows_run[0] = false
		fi;
		if
		:: from[1] == h -> keeps_token[1] = false
		:: else -> knows_run[1] = false
		fi;
		h = 0
	}
	:: atomic { LIVE && !killed && (qemu[0] != NO_QEMU || qemu[1] != NO_QEMU) ->
		if
		:: qemu[0] != NO_QEMU -> h = 0
		:: qemu[1] != NO_QEMU -> h = 1
		fi;
		killed = true;
		/* the copy that is only arriving can be done without */
		died = died || (qemu[h] != INCOMING && qemu[h] != COMPLETE);
		qemu[h] = NO_QEMU;
		h = 0
	}
	/* a host loses its power: what it knew of the guest's having run is gone, too */
	:: atomic { !dark ->
		if
		:: h = 0
		:: h = 1
		fi;
		dark = true;
		died = died ||
			(qemu[h] != NO_QEMU && qemu[h] != INCOMING && qemu[h] != COMPLETE);
		qemu[h] = NO_QEMU;
		if
		:: from[0] == h -> keeps_token[0] = false
		:: else -> knows_run[0] = false; mark[0] = destination[0] == DESTINATION_COMMITTED
		fi;
		if
		:: from[1] == h -> keeps_token[1] = false
		:: else -> knows_run[1] = false; mark[1] = destination[1] == DESTINATION_COMMITTED
		fi;
		h = 0
	}
	:: break
	od
}

proctype user()
{
	do
	:: atomic { edits < EDITS && MAY_CHANGE(0) ->
		version[0]++; acknowledged = version[0]; edits++ }
	:: atomic { edits < EDITS && MAY_CHANGE(1) ->
		version[1]++; acknowledged = version[1]; edits++ }
	:: break
	od
}

/* ---- what holds ---- */

bool two_owners, two_guests;

proctype watch()
{
	do
	:: atomic { ACTS(0) && ACTS(1) -> two_owners = true; assert(!two_owners) }
	:: atomic { qemu[0] == RUNNING && qemu[1] == RUNNING ->
		two_guests = true; assert(!two_guests)
	}
	:: timeout -> break
	od;
	assert(owns[0] != owns[1]);
	assert(source[0] == SOURCE_NONE && source[1] == SOURCE_NONE);
	assert(destination[0] == DESTINATION_NONE && destination[1] == DESTINATION_NONE);
	assert(!LIVE || died || (owns[0] && qemu[0] == RUNNING) || (owns[1] && qemu[1] == RUNNING));
	assert((owns[0] -> version[0] : version[1]) >= acknowledged)
}

init
{
	atomic {
		owns[0] = true;
		qemu[0] = (LIVE -> RUNNING : NO_QEMU);
		run source_host(0); run source_host(1);
		run destination_host(0); run destination_host(1);
		run driver(0); run driver(1);
		run stream(0); run stream(1);
		run trouble(); run user(); run watch()
	}
}
