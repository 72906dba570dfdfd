/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_OPERATION_H
#define DOMAIN_OPERATION_H

/*
 * One operation on one domain. operation_begin() takes the domain's job lock, settles what an
 * earlier holder may have left (domain/recover), notices a guest that has ended by itself, and
 * loads the domain; operation_commit() makes the outcome true in one transaction;
 * operation_end() lets go. In between nobody else changes the domain.
 *
 *   persistent definition   op->config: the newest version's domain.xml
 *   live document           op->live: what the running guest has, with aliases and facts of this
 *                           run; NULL while shut off. History keeps it as live.xml, without those
 *                           facts, only while it differs from the persistent definition.
 */

#include "domain/host.h"
#include "domain/instance.h"
#include "domain/runtime.h"
#include "qmp/guest.h"
#include "schema/uses.h"
#include "store/secrets.h"

/* Secrets that came with this operation, and have names that nobody knows yet. */
struct new_secrets {
	struct secret_draft *items;
	size_t count;
	bool stored; /* in the book */
	bool named;  /* by a version */
};

struct operation {
	struct dd_host *host;
	const char *name;   /* "attach-device" */
	const char *reason; /* or NULL */
	struct person author;
	struct caller caller;
	const char *program;
	struct job_lock *lock;
	struct domain_row row;
	char *folder;            /* of the guest's QEMU */
	unsigned instance;       /* that this is the folder of, see domain/instance.h */
	struct document *config; /* with its vacated addresses; NULL in a domain not yet there */
	struct document *live;   /* or NULL */
	struct guest *guest;     /* connected by operation_guest() */
	int id;
	bool paused;
	uint64_t journal;        /* open row, 0: none */
	struct text config_text; /* domain.xml, live.xml ("" for none), vacated.xml as recorded */
	struct text live_text;
	struct text vacated_text;
	struct text cpu_text; /* cpu.json as recorded, see domain/cpu_seen */
	struct text cpu_next; /* and as it will be, where cpu_decided */
	bool cpu_decided;
	struct text secrets_text; /* secrets.json as recorded, see domain/secret */
	struct new_secrets secrets;
};

/* The name of one that changes nothing. */
#define OPERATION_DRY_RUN "dry-run"
/* A version of that name is the last of a domain that is gone. */
#define OPERATION_UNDEFINE "undefine"
/* The domain comes here, or goes to another host. */
#define OPERATION_MIGRATE "migrate"
/* The domain is taken over from a host that is gone. */
#define OPERATION_EVACUATE "evacuate"

#define OPERATION_INIT       \
	{                    \
		.host = NULL \
	}

/*
 * On failure op is released. change may be NULL. DD_NOT_FOUND, DD_BUSY, DD_CONFLICT (if_version).
 */
int operation_begin(struct operation *op, struct dd_host *host, const char *domain,
	const char *name, const struct dd_change *change, struct dd_error *err);

/*
 * The same for the end of a guest. One that the book does not know of, or in whose change somebody
 * was interrupted, is ended before that is settled, so that nothing but the guest's own end is
 * needed; *ended then, and all is recorded.
 */
int operation_begin_destroy(struct operation *op, struct dd_host *host, const char *domain,
	bool *ended, struct dd_error *err);

/* The same for a domain that may not exist yet; op->row.version is 0 then, and op->config NULL. */
int operation_begin_new(struct operation *op, struct dd_host *host, const char *uuid,
	const char *name, const struct dd_change *change, struct dd_error *err);

/*
 * As operation_begin_new(), by who settles: what an earlier holder left is not looked at. held: the
 * job lock, which is taken over, also on failure; NULL: it is not held yet.
 */
int operation_begin_unsettled(struct operation *op, struct dd_host *host, const char *uuid,
	const char *name, const struct dd_change *change, struct job_lock *held,
	struct dd_error *err);

/* Everything that is recorded of the domain, anew. */
int operation_load(struct operation *op, const char *uuid, struct dd_error *err);

/*
 * op, begun for a domain that is not here, has what a parcel brings as what is recorded: a
 * definition, which op->config is from then on, and its version. outcome.parcel makes it true.
 */
int operation_adopt(struct operation *op, struct parcel *parcel, const struct book_taken *taken,
	struct dd_error *err);

void operation_end(struct operation *op);
static inline void cleanup_operation(struct operation *op)
{
	operation_end(op);
}

bool operation_running(const struct operation *op);

/* Connects op->guest. DD_REFUSED where the domain does not run. */
int operation_guest(struct operation *op, struct dd_error *err);

/* The same, whether or not the book says that it runs. DD_NOT_FOUND: there is no QEMU. */
int operation_connect(struct operation *op, struct dd_error *err);

/* Refuses where the domain runs (or does not), in the words of this operation. */
int operation_require_running(const struct operation *op, struct dd_error *err);
int operation_require_shut_off(const struct operation *op, struct dd_error *err);

/* DD_EXISTS where a guest runs although the book says that it is shut off. */
int operation_refuse_stray(const struct operation *op, struct dd_error *err);

/* How the domain is to be afterwards. */
struct outcome {
	const char *subject;           /* of the version, if one is made */
	const struct document *config; /* NULL: as it is */
	const struct document *live;   /* NULL: not running afterwards */
	bool gone;                     /* undefined */
	bool told;      /* a version is made of it, also where the record is as it was */
	uint32_t epoch; /* that this host claims the domain with; 0: it stays whose it is */
	bool owned;     /* with epoch: no remote has to be told of it first */
	const char *const *devices;     /* for Device: trailers; NULL-terminated, or NULL */
	const char *const *abi_changes; /* for ABI-Change: trailers; as devices */
	const bool *autostart;          /* NULL: as it is */
	const struct trailer *trailers; /* further ones */
	size_t trailer_count;
	/* of what others did before it came here */
	const struct version_draft *earlier; /* versions that come before this one, with it */
	size_t earlier_count;
	/* what comes from another host, for this host to own it; with epoch; see operation_adopt()
	 */
	struct parcel *parcel;
	const char *journal_detail; /* the row stays open with this; NULL: it does not */
	const char *note_name;      /* how it ended, for later (struct book_change); NULL */
	const char *note_value;
	const struct person *author; /* NULL: the operator */
	const char *body; /* instead of the operator's reason, where there is an author */
	int64_t authored; /* when the author did it; 0: now */
};

/* What each version of an operation says of it. Caller: whose process it is, beside the author,
 * whom a program may name. */
#define OPERATION_TRAILERS 7
struct operation_trailers {
	struct trailer list[OPERATION_TRAILERS];
	size_t count;
	char uid[NUMBER_SIZE], acting[NUMBER_SIZE], epoch[NUMBER_SIZE];
};

/* The list points into out and to what it is handed. */
void operation_trailers(const char *operation, const char *state, uint32_t epoch,
	const struct caller *caller, const char *program, struct operation_trailers *out);

/*
 * One transaction: a version, if the record changes at all, the index, and the end of op->journal.
 * result may be NULL.
 */
int operation_commit(struct operation *op, const struct outcome *outcome, struct dd_result *result,
	struct dd_error *err);

/* Fills result for an operation that found everything so already. */
void operation_unchanged(const struct operation *op, struct dd_result *result);

#endif
