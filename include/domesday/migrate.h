/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMESDAY_MIGRATE_H
#define DOMESDAY_MIGRATE_H

/*
 * Other hosts: who they are, and what goes from one to the other. A part of <domesday.h>, whose
 * words on names, ownership, errors and threads hold here.
 */

#include <domesday.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- peers: the hosts that this one knows ---- */

#define DD_HOST_NAME_SIZE 256
#define DD_KEY_SIZE 128     /* "ssh-ed25519 AAAA…", and the NUL; a fingerprint has less */
#define DD_ADDRESS_SIZE 300 /* "HOST:PORT", and the NUL */

struct dd_identity {
	char name[DD_HOST_NAME_SIZE];  /* that its book has for this host */
	char key[DD_KEY_SIZE];         /* which signs the book, too: "ssh-ed25519 AAAA…" */
	char fingerprint[DD_KEY_SIZE]; /* "SHA256:…", as ssh-keygen -l shows it */
};
/* What other hosts have to know of this one. It changes with dd_key_rotate(). */
int dd_host_identity(struct dd_host *host, struct dd_identity *out, struct dd_error *err);

struct dd_peer {
	const char *name;    /* that the host itself goes by */
	const char *address; /* "HOST:PORT" */
	const char *key;     /* "ssh-ed25519 AAAA…" */
	const char *fingerprint;
	int64_t since;   /* when it was pinned, seconds since the epoch */
	const char *who; /* and by whom, "Name <email>" */
	const char *reason;
	int64_t revoked;        /* when; 0: it is trusted */
	const char *revoked_by; /* "" */
	const char *revoked_reason;
};
typedef int (*dd_peer_fn)(const struct dd_peer *peer, void *context);

/* By name, those that were revoked too. */
int dd_peers(struct dd_host *host, dd_peer_fn peer, void *context, struct dd_error *err);

/*
 * The key of whoever answers at an address ("HOST", "HOST:PORT", "[V6]:PORT"), who has proved to
 * have it: to be compared with what its operator says before it is added. Tells nothing of this
 * host. DD_INVALID, DD_SYSTEM: nobody is there, DD_CORRUPT, DD_UNSUPPORTED: it is no such daemon.
 */
int dd_peer_key(const char *address, char key[DD_KEY_SIZE], char fingerprint[DD_KEY_SIZE],
	struct dd_error *err);

struct dd_peer_pin {
	const char *name;
	const char *address; /* port 16520 where it names none */
	const char *key;     /* "ssh-ed25519 AAAA…" */
	const char *reason;  /* NULL: none, or the host's own */
};
/*
 * Trusts that key, and no other, to be that host; what was pinned under that name before is
 * replaced, one that was revoked is trusted again. It contacts nobody. DD_INVALID: no name, address
 * or key. DD_EXISTS: another peer has the key. DD_REFUSED: it is this host itself; or the book
 * wants reasons.
 */
int dd_peer_add(struct dd_host *host, const struct dd_peer_pin *pin, struct dd_error *err);

/*
 * Trusts a peer no more. It is remembered, so that it is refused by its name; what is on its way
 * there is called off, as long as that is possible. DD_NOT_FOUND; DD_REFUSED: it is so already; or
 * the book wants reasons.
 */
int dd_peer_revoke(
	struct dd_host *host, const char *name, const char *reason, struct dd_error *err);

/*
 * Forgets a peer that should not have been added: it is a stranger then. DD_NOT_FOUND; DD_REFUSED:
 * it is revoked, which is to be remembered; a migration with it is not over; or the book wants
 * reasons.
 */
int dd_peer_remove(
	struct dd_host *host, const char *name, const char *reason, struct dd_error *err);

struct dd_peer_health {
	char address[DD_ADDRESS_SIZE];
	char version[64];       /* of Domesday there */
	char cipher[32];        /* "AES-256-GCM" */
	uint32_t connect_us;    /* to connect, and to know each other */
	uint32_t round_trip_us; /* of a request and its answer then */
};
/*
 * Whether a peer can be reached, is who it was, and knows this host. DD_NOT_FOUND: it is no peer.
 * DD_REFUSED: it is revoked; its key or name is another one; or it does not know us, or has revoked
 * us. DD_SYSTEM: it cannot be reached. DD_UNSUPPORTED: it speaks another version of the protocol.
 */
int dd_peer_check(
	struct dd_host *host, const char *name, struct dd_peer_health *out, struct dd_error *err);

/*
 * What peers say that they own by now of the domains that are this host's in its book, as after it
 * came back from a backup: moved hears of each. Nothing is changed. Who does not answer is named by
 * the host's warn.
 */
typedef int (*dd_moved_fn)(const char *name, const char *uuid, const char *peer, void *context);
int dd_moved(struct dd_host *host, dd_moved_fn moved, void *context, struct dd_error *err);

/* ---- migration ---- */

/*
 * A domain moves to a peer with all of its history, and with its guest if it runs: never is it both
 * hosts', or neither's. Until the peer has decided, this host owns it; from then on the peer does,
 * and what is left here is the history, which ends with the version that the peer took it with;
 * with keep, also the name, under which that is found, and which nobody else can have. Whatever
 * dies on the way, the two hosts settle by themselves once they reach each other.
 */
enum dd_migration_mode {
	DD_MIGRATE_AUTO = 0,    /* as it is: live while it runs, otherwise offline */
	DD_MIGRATE_LIVE = 1,    /* DD_REFUSED where it does not run */
	DD_MIGRATE_OFFLINE = 2, /* DD_REFUSED where it runs */
	DD_MIGRATE_LOCAL = 3,   /* to a new QEMU on this host; DD_REFUSED where it does not run */
};

/* How a guest's memory goes. Either way nobody else can read it. */
enum dd_transport {
	DD_TRANSPORT_RELAY = 0, /* sealed by Domesday, over the port of its peers: the faster */
	DD_TRANSPORT_TLS = 1,   /* QEMU's own TLS, over another port; the relay where that fails */
};

struct dd_migrate_options {
	const char *domain;
	const char *peer;
	enum dd_migration_mode mode;
	const char *name;           /* that it has there; NULL: its own */
	const char *xml;            /* that its guest is to run with there; NULL: as it does here */
	const char *persistent_xml; /* from its next start on; NULL: as it runs with then */
	/* "KIND:FROM=TO" each (an '=' of FROM as "\="), NULL-terminated; or NULL */
	const char *const *maps;
	enum dd_transport transport;
	bool keep;              /* this host lists it still, off, and as the peer's */
	bool paused;            /* it stands still there until somebody resumes it */
	uint64_t bandwidth;     /* bytes/s at most; 0: all there is */
	unsigned timeout_s;     /* of all calls, or of perform, then it is given up; 0: no limit */
	bool postcopy;          /* where it changes faster than it can be sent, see below */
	bool timeout_suspends;  /* or rather the guest is stopped, so that it comes to an end */
	bool copy_storage;      /* images that are not there go with it */
	bool overwrite_storage; /* also over others that are there under their names */
	bool unsafe;            /* what may be shared is, whatever speaks against it */
};

struct dd_migration_progress {
	const char *phase;   /* "offer", "prepare", "disks", "copy", "postcopy" */
	uint64_t total;      /* bytes of memory, or of "disks"; 0 before it is known */
	uint64_t remaining;  /* of them, as far as is known now */
	uint64_t sent;       /* bytes on the wire */
	uint64_t dirty_rate; /* bytes/s that the guest changes */
	uint64_t bandwidth;  /* bytes/s */
	unsigned throttle;   /* percent by which the guest is slowed down */
	int64_t elapsed_ms;
	int64_t estimate_ms;     /* until it is all sent; -1: not as it is now */
	int64_t downtime_ms;     /* that is expected */
	const char *transport;   /* "copy": "relay" or "tls", otherwise NULL */
	const char *screen;      /* "copy": "HOST:PORT" that its screen will be at, or NULL */
	const char *screen_type; /* of that: "vnc", "spice", or NULL */
};
/* What it returns other than 0 calls the migration off, as long as that is possible. */
typedef int (*dd_migration_fn)(const struct dd_migration_progress *progress, void *context);

/* A migration that is under way here. */
struct dd_migrating {
	const char *peer; /* the other host; NULL: it stays within this one */
	bool outgoing;    /* to that host; otherwise it comes from there */
	bool live;        /* with its guest */
	/*
	 * What who drives it, as a process of this host, has told last, whether or not that lives
	 * still. NULL: nothing yet, as of one that comes.
	 */
	const struct dd_migration_progress *progress;
};
typedef int (*dd_migrating_fn)(const struct dd_migrating *migrating, void *context);

/*
 * Of a domain with that UUID (struct dd_job has it); waits for nobody. DD_NOT_FOUND: none is under
 * way. What visit returns is returned.
 */
int dd_migration_under_way(struct dd_host *host, const char *uuid, dd_migrating_fn visit,
	void *context, struct dd_error *err);

struct dd_migrated {
	char uuid[DD_UUID_SIZE];
	uint32_t version; /* with which the peer took it */
	bool live;
	bool paused;           /* the guest stands still there until somebody resumes it */
	const char *transport; /* "relay", "tls"; "" without a guest, or local */
	bool postcopy;         /* it ran there before all of it was there */
	int64_t total_ms;
	int64_t downtime_ms;          /* for which the guest stood still, seen from here; live */
	uint64_t sent;                /* bytes of its memory; live */
	uint64_t disks_sent;          /* bytes that the copies of its disks took */
	unsigned copied;              /* disks; the images that they had are here still */
	char screen[DD_ADDRESS_SIZE]; /* "HOST:PORT" of its screen there; "" where it has none */
	const char *screen_type;      /* "vnc", "spice", "" */
	bool kept;                    /* this host lists it still */
	unsigned instance;  /* which QEMU has it since its start, from 2 on; local, otherwise 0 */
	bool memory_shared; /* and it got the memory as it is, without a copy; local */
};

/*
 * With postcopy, a guest that cannot be slowed down enough runs at the peer before all of it is
 * there, and gets what it needs from here. Once it runs there it needs both hosts: where one is
 * lost then, so is the guest, with what it has not written to its disks. The record is not. Where
 * the connection breaks the guest waits for what it needs, as long as dd_migrate() tries, and then
 * until somebody works with the domain here. It cannot be called off then.
 *
 * All of it. progress (may be NULL) hears about five times a second. DD_REFUSED: it cannot be moved
 * so, or was called off; nothing has changed then, here or there. DD_BUSY: the peer did not answer
 * any more at the end, and alone knows; whoever works with the domain next asks it. DD_CONFLICT:
 * the peer has another history of the domain.
 */
int dd_migrate(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migration_fn progress, void *context,
	struct dd_migrated *result, struct dd_error *err);

struct dd_migrate_disk {
	const char *target;  /* "vda" */
	const char *path;    /* that its image has there */
	const char *verdict; /* "shared", "there", "copy", "sent", "refused" */
	const char *why;
	const char *hint; /* what to do where it is refused, or "" */
};
typedef int (*dd_migrate_disk_fn)(const struct dd_migrate_disk *disk, void *context);

struct dd_migrate_outlook {
	bool live;      /* with its guest */
	bool possible;  /* as far as its disks go */
	uint64_t bytes; /* that its copied disks have for the guest; their holes are not copied */
	bool hook;      /* the destination's migrate-hook is asked then, and was not now */
	bool one_pass;  /* an emulated guest: it stands still for what it changes meanwhile */
	/* of a local one: */
	unsigned instance;  /* that would have it */
	uint64_t memory;    /* bytes that the guest has, in which the new QEMU gets a copy … */
	bool memory_shared; /* … or rather the memory itself */
};

/*
 * Local: the guest goes on in another QEMU on this host, the one that the persistent definition
 * names and that is installed now; so it can be upgraded without a reboot. Name, UUID, devices and
 * machine type stay. domain alone says what, and of the rest paused, bandwidth and the timeouts may
 * be given (DD_INVALID); version is the one that tells of it. Everything else holds as it does for
 * two hosts: one QEMU runs the guest at every instant, and whatever dies on the way, whoever comes
 * next settles it.
 *
 * Where <memoryBacking> has <source type='memfd'/> and <access mode='shared'/> the new QEMU gets
 * the memory itself. Otherwise it is copied, and the host has to have that much once more.
 */

/*
 * What dd_migrate() would do, by what both hosts can see without starting or writing anything:
 * each disk that has an image is told to disk (may be NULL). Whether an image that is there is open
 * at the source is guessed then, and found out by its lock only when it comes to it. Errors as
 * dd_migrate(), where something else than its disks would be refused: the name, the history, the
 * version that change (may be NULL) wants, what the other host's QEMU has not got.
 */
int dd_migrate_look(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migrate_disk_fn disk, void *context,
	struct dd_migrate_outlook *result, struct dd_error *err);

/* ---- migration, driven by a client ---- */

/*
 * The same phases, each as a call, for a client that works with both hosts' books: at the source
 * begin, perform and confirm, at the destination prepare and finish. Each but the last gives a
 * cookie, which the client hands to the next, on the other side:
 *
 *   dd_migration_begin(alpha) → prepare(beta) → perform(alpha) → finish(beta) → confirm(alpha)
 *
 * The destination's domesdayd has to be there: history and memory go to it. A client may end at any
 * moment, killed or not: what it has not brought to its end the two hosts settle by themselves, and
 * exactly one has the domain then. Until perform has given its cookie that is the source.
 *
 * A cookie is a line of text, of DD_COOKIE_MAX bytes at most, which the caller frees. It names its
 * migration and its phase, and fits nothing else: DD_INVALID, it is none, or is of another phase,
 * which the message names; DD_REFUSED, it is of another migration or other hosts, or its time is
 * over. Nothing has happened then. That of perform holds what decides the migration: whoever has it
 * and the destination's book can finish it.
 *
 * A struct dd_migration is one side's half. It uses its host, which must outlive it, and one thread
 * at a time uses it. A source's half keeps others off the domain until it is over or freed. Where a
 * call has failed that gives one there is none, which the others are told by NULL: DD_INVALID.
 */
struct dd_migration;

#define DD_COOKIE_MAX (1 << 20)

/*
 * Source: the domain is on its way, and its history has gone to the peer. progress of the options
 * comes with perform. *out: dd_migration_free(). As dd_migrate(), but not within the host
 * (DD_INVALID); on failure all is as before.
 */
int dd_migration_begin(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, struct dd_migration **out, char **cookie,
	struct dd_error *err);

/*
 * Destination (host is its), with the cookie of begin: the wishes in it are granted, and a QEMU
 * waits for the guest. *out: dd_migration_free(). DD_REFUSED, DD_UNSUPPORTED, DD_EXISTS,
 * DD_HYPERVISOR…: it cannot be here, and nothing is left of it; the source's half is to be
 * cancelled.
 */
int dd_migration_prepare(struct dd_host *host, const char *cookie, struct dd_migration **out,
	char **cookie_out, struct dd_error *err);

/*
 * Source, with the cookie of prepare: the guest's memory goes there, and it stands still. progress
 * may be NULL. On any failure but one for its cookie the migration is over, and the domain and its
 * guest go on here. DD_REFUSED: it was called off; or somebody else has begun it
 * (dd_migration_find()). DD_HYPERVISOR: the guest has ended on the way, as the message says, and
 * the domain is off here; or what else QEMU says.
 */
int dd_migration_perform(struct dd_migration *source, const char *cookie, dd_migration_fn progress,
	void *context, char **cookie_out, struct dd_error *err);

/*
 * Destination, with the cookie of perform: the decision. The domain is this host's, and its guest
 * goes on; or that could not be, which the cookie says, too. After a failure nothing is decided
 * that dd_migration_confirm() or dd_migration_cancel() at the source would not find out.
 */
int dd_migration_finish(struct dd_migration *destination, const char *cookie, char **cookie_out,
	struct dd_error *err);

/*
 * Source, with the cookie of finish: the destination itself is asked, whatever the cookie says, and
 * the domain is gone from here, or goes on here. result may be NULL; its times are those that this
 * process has seen. DD_BUSY: the destination cannot be asked now; again later, or the hosts settle
 * it. DD_REFUSED: the domain stays here, and all is undone.
 */
int dd_migration_confirm(struct dd_migration *source, const char *cookie,
	struct dd_migrated *result, struct dd_error *err);

/*
 * Source: it is not to be. Before perform has given its cookie it is undone here and now, and the
 * destination is told; afterwards the destination is asked, which gives up what it has not decided.
 * 0: the domain goes on here. DD_REFUSED: the destination has it, and this half is over; or this
 * is the destination's. DD_BUSY: it cannot be asked now.
 */
int dd_migration_cancel(struct dd_migration *source, struct dd_error *err);

/*
 * For a client that comes back: the half on this host of the migration that any of its cookies
 * names. One of the source can be confirmed or cancelled, but not performed, as its secret was with
 * whoever began it; one of the destination can be finished. *out: dd_migration_free().
 * DD_NOT_FOUND: none is under way, or it is over. DD_BUSY: somebody is at it.
 */
int dd_migration_find(
	struct dd_host *host, const char *cookie, struct dd_migration **out, struct dd_error *err);

/* Lets go. What is not over, the two hosts settle. NULL does nothing. */
void dd_migration_free(struct dd_migration *half);

/* ---- ending one ---- */

/*
 * Calls off a migration from this host that somebody is at, and waits until it is undone.
 * DD_REFUSED: the peer has it already, or decides just now. DD_BUSY: a client drives it and is at
 * no call just now, which is refused then; or nobody has heard it for 30 s, and will later.
 * DD_NOT_FOUND: no migration of the domain from here is under way.
 */
int dd_migration_abort(struct dd_host *host, const char *domain, struct dd_error *err);

/*
 * Ends a migration that nobody else can end, because the other host is gone for good, by what the
 * operator knows. here: this host has the domain, and its guest goes on where it is still there;
 * otherwise the other host has it, and nothing of it is left here. Whoever says here of a domain
 * that runs there makes two of it: change's reason is kept with the version that says so, and has
 * to be there. DD_NOT_FOUND: there is nothing to resolve. DD_REFUSED: somebody is at it; or here,
 * on a host that never had all of it; or it was certain, and is settled otherwise.
 */
int dd_migration_resolve(struct dd_host *host, const char *domain, bool here,
	const struct dd_change *change, struct dd_error *err);

/*
 * How migrations to this host ended is kept until their sources have no row of them any more, which
 * they say by themselves; where that word was lost, they are asked. *left (may be NULL): how many
 * are kept still, whose source has a row, or could not be asked; the last reason is in err then,
 * and the answer 0.
 */
int dd_migrations_forget(struct dd_host *host, uint32_t *left, struct dd_error *err);
/*
 * How many there are, and for how many of them their source has had time enough, together with the
 * offers that nobody has prepared in time, which dd_migrations_forget() forgets. Asks nobody.
 */
int dd_migrations_kept(struct dd_host *host, uint32_t *count, uint32_t *due, struct dd_error *err);

#ifdef __cplusplus
}
#endif

#endif
