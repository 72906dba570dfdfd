/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_MIGRATION_H
#define QMP_MIGRATION_H

/*
 * A guest's stream from one QEMU to another: what each of the two is told, and what it says. Who
 * may tell it when is decided elsewhere (migrate/).
 *
 *   source                                  destination (guest_start_incoming(), stopped)
 *   guest_migration_prepare()               guest_migration_prepare()
 *                                           guest_migrate_receive()
 *   guest_migrate_send()
 *   … ACTIVE, the guest runs …
 *   PRE_SWITCHOVER: the guest stands still
 *   guest_migration_go()
 *   DEVICE, COMPLETED: QEMU keeps it all    guest_migration_arrived(), guest_settle_arrived()
 *                                           guest_continue(), guest_announce()
 *   guest_destroy(), or where it came to nothing: guest_migration_resume_source()
 *
 * With post-copy, asked for by guest_migration_postcopy() while it is ACTIVE, the source comes to
 * PRE_SWITCHOVER at once, and until guest_migration_go() all is as above. Then it is POSTCOPY: the
 * destination has enough to run the guest (guest_migration_runnable()), and the source cannot go
 * back any more. What is left follows until both are COMPLETED. Where the connection breaks both
 * are POSTCOPY_PAUSED, and guest_migration_recover_at() and then guest_migration_recover() go on.
 *
 * The destination takes the locks of its images with guest_continue(), and not before: until then
 * the source can have them back. A guest is used by one thread at a time; every wait is bounded.
 * Errors: DD_HYPERVISOR, QEMU refused or died (its last words are in the message).
 */

#include "qmp/guest.h"

#define MIGRATION_BANDWIDTH (10ull << 30) /* bytes/s, where none is asked for */
#define MIGRATION_CANCEL_MS 20000         /* for QEMU to have the guest run again */
#define MIGRATION_KEY_SIZE 32             /* bytes */

struct migration_parameters {
	uint64_t bandwidth;   /* bytes/s; 0: MIGRATION_BANDWIDTH */
	unsigned downtime_ms; /* what QEMU may plan to use; 0: its own 300 */
	bool one_pass;        /* what changes meanwhile goes at the end, while the guest stands */
	bool auto_converge;   /* slow the guest down where it dirties faster than is sent … */
	unsigned throttle_initial;   /* … by so many percent at first (0: QEMU's 20) … */
	unsigned throttle_increment; /* … and so many more each time (0: QEMU's 10) */
	bool postcopy;               /* guest_migration_postcopy() may be asked for */
	bool ignore_shared;          /* memory that both QEMUs have in common is not sent */
	unsigned multifd;            /* channels beside the first, by URI only; 0: none */
	bool tls;                    /* with the key of guest_migration_set_key() */
};

enum migration_state {
	MIGRATION_NONE, /* no migration was ever asked for */
	MIGRATION_SETUP,
	MIGRATION_ACTIVE,
	MIGRATION_PRE_SWITCHOVER,  /* source: the guest stands still until guest_migration_go() */
	MIGRATION_DEVICE,          /* source: the last part is being sent */
	MIGRATION_POSTCOPY,        /* the guest runs at the destination, or may at any moment */
	MIGRATION_POSTCOPY_PAUSED, /* and the connection between the two has broken */
	MIGRATION_COMPLETED,
	MIGRATION_FAILED,
	MIGRATION_CANCELLING,
	MIGRATION_CANCELLED,
};

/* A set of states: MIGRATION_IN(MIGRATION_FAILED) | MIGRATION_IN(…). */
#define MIGRATION_IN(state) (1u << (state))
#define MIGRATION_ENDED                                                       \
	(MIGRATION_IN(MIGRATION_COMPLETED) | MIGRATION_IN(MIGRATION_FAILED) | \
		MIGRATION_IN(MIGRATION_CANCELLED))

const char *migration_state_name(enum migration_state state); /* QEMU's word */

struct migration_progress {
	enum migration_state state;
	enum guest_status status;   /* of the guest, at the same time */
	uint64_t total;             /* bytes of RAM */
	uint64_t remaining;         /* still to be sent, as far as is known now */
	uint64_t transferred;       /* bytes on the wire: they stand still when the link does */
	uint64_t dirty_rate;        /* pages/s that the guest changes */
	uint64_t page_size;         /* bytes */
	uint64_t iterations;        /* how often all of the changed memory was gone through */
	uint64_t postcopy_requests; /* pages that the destination could not wait for */
	unsigned throttle;          /* percent by which the guest is slowed down */
	int64_t expected_downtime_ms;
	int64_t downtime_ms; /* once it is over */
	int64_t setup_ms;
	int64_t total_ms;
	char error[256]; /* QEMU's words, "" where it has none */
};

/* ---- both sides ---- */

/*
 * Can it be sent now? DD_REFUSED: a block job, which somebody else has begun, works on its disks;
 * QEMU would die of what that writes to images that it has given up.
 */
int guest_migration_check(struct guest *guest, struct dd_error *err);

/*
 * Is its processor QEMU's own? Of such a guest QEMU (7.2, seen) does not notice all that it writes
 * after it has been looked for a second time what has changed: it is only whole at the destination
 * with one_pass, where it is looked for once more, when nothing changes any longer.
 */
int guest_emulated(struct guest *guest, bool *out, struct dd_error *err);

/*
 * Capabilities and parameters, before receive or send; again for another try. source: return path,
 * pause before the switchover. DD_BUSY: it is a source already.
 */
int guest_migration_prepare(struct guest *guest, bool source,
	const struct migration_parameters *parameters, struct dd_error *err);

/*
 * A key that the two sides share, for this one migration, before prepare with tls. The destination
 * has it in a 0600 file in the guest's folder until guest_migration_forget_key(): to be called when
 * the source is ACTIVE, with multifd in its second iteration, and when it came to nothing. That may
 * be repeated, and changes nothing for a connection that is made.
 */
int guest_migration_set_key(struct guest *guest, bool source,
	const unsigned char key[MIGRATION_KEY_SIZE], struct dd_error *err);
int guest_migration_forget_key(struct guest *guest, struct dd_error *err);
/* The file alone, whether or not there is a QEMU in the folder. */
void guest_migration_remove_key(const char *folder);

/* What QEMU says now. Once COMPLETED the times are final. *out is untouched on failure. */
int guest_migration_progress(
	struct guest *guest, struct migration_progress *out, struct dd_error *err);

/*
 * Waits until the state is one of wanted, or wait_ms are over, or the guest stops or runs on (by
 * an I/O error, by its user), or a block job says something; *state says what it is then.
 * COMPLETED, FAILED and CANCELLED are only said once QEMU has brought the guest to rest or to run
 * again.
 */
int guest_migration_await(struct guest *guest, unsigned wanted, int wait_ms,
	enum migration_state *state, struct dd_error *err);
/* The same, with all that QEMU says then; where that is its state alone the rest is 0. */
int guest_migration_await_progress(struct guest *guest, unsigned wanted, int wait_ms,
	struct migration_progress *out, struct dd_error *err);

/* ---- the source ---- */

/*
 * Sends over fd, a connected stream socket that stays the caller's, who closes it now; or to
 * "tcp:HOST:PORT", "unix:PATH". QEMU answers nobody while it waits for the other side: at a TLS
 * handshake over fd, and while the last part is sent (DEVICE). shutdown() of the socket, from any
 * side, ends that, and the guest goes on.
 */
int guest_migrate_send(struct guest *guest, int fd, struct dd_error *err);
int guest_migrate_send_to(struct guest *guest, const char *uri, struct dd_error *err);

/* Changes bandwidth, downtime and throttle while it is under way; 0: as it is. */
int guest_migration_set(
	struct guest *guest, const struct migration_parameters *parameters, struct dd_error *err);

/* From PRE_SWITCHOVER on. DD_CONFLICT: it is not there (any more). */
int guest_migration_go(struct guest *guest, struct dd_error *err);

/* What is not sent yet follows while the guest runs at the destination, after PRE_SWITCHOVER. */
int guest_migration_postcopy(struct guest *guest, struct dd_error *err);

/* Sends what is left over another connection, as guest_migrate_send(); from POSTCOPY_PAUSED on. */
int guest_migration_recover(struct guest *guest, int fd, struct dd_error *err);

/*
 * Ends it, whatever it is at and whether or not the other side answers; the guest goes on as
 * before. Success where there is nothing to end. DD_CONFLICT: COMPLETED; the guest stands still,
 * and whether it may go on is for others to say. DD_REFUSED: in POSTCOPY it cannot be. DD_BUSY: the
 * last part is on its way to a side that does not take it: cut the connection, and try again.
 */
int guest_migration_cancel(struct guest *guest, struct dd_error *err);

/*
 * Has the guest go on here: after PRE_SWITCHOVER, FAILED, CANCELLED or COMPLETED, whichever. The
 * caller knows that it does not and will not run at the destination. paused: it was paused when it
 * began, and stays so. DD_REFUSED: it runs at the destination (POSTCOPY).
 */
int guest_migration_resume_source(struct guest *guest, bool paused, struct dd_error *err);

/* ---- the destination ---- */

/*
 * Takes what comes over fd, a connected socket that stays the caller's; or listens, at port 0 for
 * one that is free: guest_migration_port() says which it is.
 */
int guest_migrate_receive(struct guest *guest, int fd, struct dd_error *err);
int guest_migrate_receive_at(struct guest *guest, const char *uri, struct dd_error *err);
int guest_migration_port(struct guest *guest, unsigned *port, struct dd_error *err);

/* Waits until all of the state is here. DD_BUSY: not within wait_ms. DD_HYPERVISOR: it never will.
 */
int guest_migration_arrived(struct guest *guest, int wait_ms, struct dd_error *err);

/* The same, also for a guest that comes by post-copy: enough of it is here to run it. */
int guest_migration_runnable(struct guest *guest, int wait_ms, struct dd_error *err);

/* Listens anew for what is left. DD_BUSY: the connection has not broken, or QEMU has not noticed.
 */
int guest_migration_recover_at(struct guest *guest, const char *uri, struct dd_error *err);

/* Tells the network where the guest is now; once it runs. */
int guest_announce(struct guest *guest, struct dd_error *err);

#endif
