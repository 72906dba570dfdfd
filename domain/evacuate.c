/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains of a host that is down become this host's.
 *
 * First all is looked at: what the remote has, which of it is wanted, and whether it can be taken.
 * Then the proof that the host is down, once, and a second look, since until then it may have
 * pushed. Then domain by domain, each whole: its history, and on top of that the version that
 * claims it. At last the remote is told, and with that they are ours; of two hosts that come this
 * far at the same time one alone is let through there.
 */
#include "domain/evacuate.h"

#include <stdio.h>
#include <string.h>

#include "base/line.h"
#include "domain/existing.h"
#include "domain/fence.h"
#include "domain/operation.h"
#include "domain/reason.h"
#include "domain/record.h"
#include "domain/sharing.h"

#define OVERRIDE_LIMIT 1000

struct candidate {
	char uuid[UUID_SIZE];
	char *name;
	uint32_t version, epoch;
	bool gone;    /* undefined there */
	bool given;   /* by that host to the holder, as its own branch says */
	char *holder; /* another host that has it since; or NULL */
	uint32_t holder_epoch;
	bool wanted, taken;
	struct dd_error error;
};

struct evacuating {
	struct dd_host *host;
	const struct dd_evacuation *asked;
	const struct elsewhere *elsewhere;
	const struct dd_change *change;
	struct candidate *list;
	size_t count, room;
	struct trailer proof;
	char *answer; /* of the fence-command */
	struct dd_error *err;
};

static void candidates_clear(struct evacuating *evacuating)
{
	for (size_t i = 0; i < evacuating->count; i++) {
		free(evacuating->list[i].name);
		free(evacuating->list[i].holder);
	}
	evacuating->count = 0;
}

static void cleanup_evacuating(struct evacuating *evacuating)
{
	candidates_clear(evacuating);
	free(evacuating->list);
	free(evacuating->answer);
}

/* ---- what there is ---- */

static int name_read(struct book *book, const char *commit, char **name, struct dd_error *err)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(document) struct document *document = NULL;
	int rc = book_fetched_read(book, commit, FILE_CONFIG, &xml, err);

	if (!rc)
		rc = document_parse(text_string(&xml), xml.size, FILE_CONFIG, &document, err);
	if (!rc && !document_name(document))
		rc = error_set(err, DD_CORRUPT, "its definition has no name");
	return rc ? rc : string_copy(name, document_name(document), err);
}

static uint32_t epoch_of(const struct fetched_row *row)
{
	const char *epoch = version_trailer(row->newest, "Epoch");

	return epoch ? (uint32_t)strtoul(epoch, NULL, 10) : 1;
}

/* Where a migration took it from that host, the branch there ends with the other's version. */
static const char *receiver_of(const struct fetched_row *row)
{
	const char *from = version_trailer(row->newest, "Taken-From");

	return from && strcmp(from, row->host) == 0 ? version_trailer(row->newest, "Host") : NULL;
}

static int holder_set(struct candidate *candidate, const struct fetched_row *row, const char *host,
	struct dd_error *err)
{
	char *copy = NULL;
	int rc = string_copy(&copy, host, err);

	if (rc)
		return rc;
	free(candidate->holder);
	candidate->holder = copy;
	candidate->holder_epoch = epoch_of(row);
	return 0;
}

static int candidate_add(const struct fetched_row *row, void *context)
{
	struct evacuating *evacuating = context;
	const char *operation = version_trailer(row->newest, "Operation");
	const char *receiver = receiver_of(row);
	struct candidate *candidate;
	int rc;

	if (evacuating->count == evacuating->room) {
		size_t room = evacuating->room ? evacuating->room * 2 : 64;
		struct candidate *grown = reallocarray(evacuating->list, room, sizeof *grown);

		if (!grown)
			return error_no_memory(evacuating->err);
		evacuating->list = grown;
		evacuating->room = room;
	}
	candidate = &evacuating->list[evacuating->count];
	*candidate = (struct candidate){
		.version = row->newest->number,
		.epoch = epoch_of(row),
		.given = receiver != NULL,
		.gone = operation && strcmp(operation, OPERATION_UNDEFINE) == 0,
	};
	memcpy(candidate->uuid, row->uuid, UUID_SIZE);
	rc = name_read(
		evacuating->host->book, row->newest->commit, &candidate->name, &candidate->error);
	if (rc && rc != DD_NO_MEMORY)
		rc = string_copy(&candidate->name, row->uuid, evacuating->err);
	evacuating->count += !rc;
	return rc || !receiver ? rc : holder_set(candidate, row, receiver, evacuating->err);
}

/* Nothing came after the evacuation by which that host claims it. */
static bool only_claims(const struct fetched_row *row)
{
	const char *operation = version_trailer(row->newest, "Operation");

	return operation && strcmp(operation, OPERATION_EVACUATE) == 0;
}

/* Who claims it, and was not the one whom the remote let through, has not got it. */
static int holder_compare(
	struct evacuating *evacuating, struct candidate *candidate, const struct fetched_row *row)
{
	const char *receiver = receiver_of(row);
	uint32_t epoch = epoch_of(row), known = epoch;
	int rc = 0;

	if (epoch <= candidate->epoch || epoch <= candidate->holder_epoch)
		return 0;
	if (only_claims(row))
		rc = book_fetched_epoch(evacuating->host->book, evacuating->asked->remote,
			row->uuid, &known, evacuating->err);
	if (rc || known < epoch)
		return rc;
	return holder_set(candidate, row, receiver ? receiver : row->host, evacuating->err);
}

/* What the dead host has not pushed any more, the one that has the domain since may have. */
static int holder_look(const struct fetched_row *row, void *context)
{
	struct evacuating *evacuating = context;
	int rc = 0;

	if (strcmp(row->host, evacuating->asked->host) == 0 ||
		strcmp(row->host, book_host_name(evacuating->host->book)) == 0)
		return 0;
	for (size_t i = 0; !rc && i < evacuating->count; i++)
		if (strcmp(row->uuid, evacuating->list[i].uuid) == 0)
			rc = holder_compare(evacuating, &evacuating->list[i], row);
	return rc;
}

struct hosts {
	struct text words;
	char last[256];
};

static int host_add(const struct fetched_row *row, void *context)
{
	struct hosts *hosts = context;

	if (strcmp(hosts->last, row->host) != 0)
		text_printf(&hosts->words, "%s%s", hosts->words.size ? ", " : "", row->host);
	snprintf(hosts->last, sizeof hosts->last, "%s", row->host);
	return 0;
}

static int refuse_unknown(const struct evacuating *evacuating)
{
	struct hosts hosts = {.words = TEXT_INIT};
	const struct dd_evacuation *asked = evacuating->asked;

	(void)book_fetched(evacuating->host->book, asked->remote, NULL, host_add, &hosts, NULL);
	error_set(evacuating->err, DD_NOT_FOUND, "%s has no domains of a host '%s'", asked->remote,
		asked->host);
	error_hint(evacuating->err, hosts.words.size ? "it has those of %s" : "it has none%s",
		text_string(&hosts.words));
	text_release(&hosts.words);
	return DD_NOT_FOUND;
}

/* ---- what is wanted ---- */

static int name_want(struct evacuating *evacuating, const char *name)
{
	struct candidate *found = NULL;

	for (size_t i = 0; i < evacuating->count; i++) {
		struct candidate *candidate = &evacuating->list[i];

		if (strcmp(candidate->uuid, name) != 0 &&
			(candidate->gone || strcmp(candidate->name, name) != 0))
			continue;
		if (found)
			return error_set(evacuating->err, DD_INVALID,
				"two domains of the host '%s' are called '%s'; name it by its UUID",
				evacuating->asked->host, name);
		found = candidate;
	}
	if (!found)
		return error_set(evacuating->err, DD_NOT_FOUND,
			"the host '%s' had no domain '%s' when it last pushed to %s",
			evacuating->asked->host, name, evacuating->asked->remote);
	if (found->gone)
		return error_set(evacuating->err, DD_REFUSED,
			"the domain '%s' was undefined on the host '%s'", name,
			evacuating->asked->host);
	if (found->given)
		return error_set(evacuating->err, DD_REFUSED,
			"the domain '%s' went from the host '%s' to the host '%s'", name,
			evacuating->asked->host, found->holder);
	found->wanted = true;
	return 0;
}

static int want(struct evacuating *evacuating)
{
	const struct dd_evacuation *asked = evacuating->asked;
	int rc = 0;

	for (size_t i = 0; !rc && i < asked->count; i++)
		rc = name_want(evacuating, asked->domains[i]);
	for (size_t i = 0; !asked->count && i < evacuating->count; i++)
		evacuating->list[i].wanted =
			!evacuating->list[i].gone && !evacuating->list[i].given;
	return rc;
}

static int taken_before(struct candidate *candidate, const char *host)
{
	return error_set(&candidate->error, DD_CONFLICT,
		"the host '%s' took the domain '%s' before", host, candidate->name);
}

/* Why it cannot be taken, as far as can be seen without doing it. */
static int candidate_check(struct evacuating *evacuating, struct candidate *candidate)
{
	struct book *book = evacuating->host->book;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(domain_row) struct domain_row other = {.name = NULL};
	struct dd_error *err = &candidate->error, reason = {0};
	int rc = book_find(book, candidate->uuid, &row, &reason);

	if (!rc && !row.owner) {
		/* of all that it had, those that it has no more are not asked for */
		candidate->wanted = evacuating->asked->count > 0;
		return !candidate->wanted ? 0
					  : error_set(err, DD_EXISTS,
						    "the domain '%s' is this host's own", row.name);
	}
	if (candidate->holder)
		return taken_before(candidate, candidate->holder);
	if (!rc || rc == DD_NOT_FOUND)
		rc = book_find(book, candidate->name, &other, &reason);
	if (!rc && strcmp(other.uuid, candidate->uuid) != 0) {
		error_set(err, DD_EXISTS, "another domain is called '%s' here: %s", candidate->name,
			other.uuid);
		return error_hint(
			err, "rename that one first: domesday rename %s NEW", candidate->name);
	}
	if (rc && rc != DD_NOT_FOUND)
		*err = reason;
	return rc != DD_NOT_FOUND ? rc
				  : existing_coming_check(evacuating->host, candidate->uuid,
					    candidate->name, err);
}

/* To which host it went, though the remote does not say so? */
static int candidate_ask(struct evacuating *evacuating, struct candidate *candidate)
{
	const struct elsewhere *elsewhere = evacuating->elsewhere;
	char *holder = NULL;
	int rc = elsewhere->ask(
		elsewhere->context, candidate->uuid, candidate->epoch, &holder, evacuating->err);

	if (rc || !holder)
		return rc;
	error_set(&candidate->error, DD_CONFLICT,
		"the host '%s' has the domain '%s' now, which %s does not know yet", holder,
		candidate->name, evacuating->asked->remote);
	error_hint(&candidate->error, "there: domesday push %s", evacuating->asked->remote);
	free(holder);
	return 0;
}

static bool can_take_any(const struct evacuating *evacuating)
{
	for (size_t i = 0; i < evacuating->count; i++)
		if (evacuating->list[i].wanted && !evacuating->list[i].error.code)
			return true;
	return false;
}

/* ---- taking ---- */

/* Taken already, and the remote was not told. */
static bool is_claimed(const struct operation *op)
{
	return op->row.owner && op->row.state != STATE_GONE &&
	       strcmp(op->row.owner, book_host_name(op->host->book)) == 0;
}

static int claim(struct evacuating *evacuating, struct operation *op, struct candidate *candidate,
	const struct book_taken *taken, struct dd_error *err)
{
	CLEANUP(free) char *subject = NULL;
	const struct trailer trailers[] = {
		{"Taken-From", evacuating->asked->host},
		{"Taken-Book", taken->book},
		evacuating->proof,
	};
	struct outcome outcome = {
		.epoch = taken->epoch + 1,
		.trailers = trailers,
		.trailer_count = sizeof trailers / sizeof trailers[0],
	};
	struct dd_result result;
	int rc = string_format(&subject, err, "take over from %s", evacuating->asked->host);

	outcome.subject = subject;
	if (!rc)
		rc = sharing_warn(op->host, NULL, op->config, err);
	if (!rc)
		rc = operation_commit(op, &outcome, &result, err);
	if (rc)
		return rc;
	candidate->version = result.version;
	candidate->epoch = outcome.epoch;
	if (op->secrets_text.size)
		host_warn(op->host,
			"no version has the passwords of '%s': give them anew before it starts",
			candidate->name);
	return 0;
}

static int take(struct evacuating *evacuating, struct candidate *candidate, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	const struct dd_evacuation *asked = evacuating->asked;
	struct book_taken taken;
	int rc = operation_begin_new(&op, evacuating->host, candidate->uuid, OPERATION_EVACUATE,
		evacuating->change, err);

	if (!rc && op.row.version && is_claimed(&op)) {
		candidate->version = op.row.version;
		candidate->epoch = op.row.epoch;
		return 0;
	}
	if (!rc)
		rc = book_take(evacuating->host->book, asked->remote, asked->host, candidate->uuid,
			&taken, err);
	if (!rc)
		rc = operation_load(&op, candidate->uuid, err);
	return rc ? rc : claim(evacuating, &op, candidate, &taken, err);
}

static int take_all(struct evacuating *evacuating)
{
	for (size_t i = 0; i < evacuating->count; i++) {
		struct candidate *candidate = &evacuating->list[i];
		struct dd_error reason = {0};
		int rc;

		if (!candidate->wanted || candidate->error.code)
			continue;
		rc = take(evacuating, candidate, &reason);
		if (rc == DD_NO_MEMORY)
			return error_no_memory(evacuating->err);
		candidate->taken = !rc;
		if (rc)
			candidate->error = reason;
	}
	return 0;
}

/* ---- whose they are then ---- */

/* Those of a push that failed belong to nobody yet. */
static void settle(struct evacuating *evacuating, const struct dd_error *failure)
{
	for (size_t i = 0; i < evacuating->count; i++) {
		CLEANUP(domain_row) struct domain_row row = {.name = NULL};
		struct candidate *candidate = &evacuating->list[i];

		if (!candidate->taken ||
			book_find(evacuating->host->book, candidate->uuid, &row, NULL) ||
			!row.owner)
			continue;
		candidate->taken = false;
		if (strcmp(row.owner, book_host_name(evacuating->host->book)) != 0) {
			(void)taken_before(candidate, row.owner);
			continue;
		}
		error_set(&candidate->error, DD_REFUSED,
			"the domain '%s' is taken over, but %s was not told: %s", row.name,
			evacuating->asked->remote, failure->message);
		error_hint(&candidate->error,
			"it is this host's once this succeeds: domesday push %s",
			evacuating->asked->remote);
	}
}

static int tell(const struct evacuating *evacuating, dd_evacuated_fn evacuated, void *context)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < evacuating->count; i++) {
		const struct candidate *candidate = &evacuating->list[i];
		struct dd_evacuated told = {
			.name = candidate->name,
			.uuid = candidate->uuid,
			.taken = candidate->taken ||
				 (evacuating->asked->dry_run && !candidate->error.code),
			.version = candidate->version,
			.epoch = candidate->epoch,
			.error = candidate->error.code ? &candidate->error : NULL,
		};

		if (candidate->wanted)
			rc = evacuated(&told, context);
	}
	return rc;
}

/* ---- all of it ---- */

static int asked_check(const struct evacuating *evacuating)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const struct dd_evacuation *asked = evacuating->asked;
	struct dd_error *err = evacuating->err;

	if (!*asked->host || *asked->host == '-' || *asked->host == '.' ||
		asked->host[strspn(asked->host, letters)])
		return error_set(err, DD_INVALID, "'%s' is no host's name", asked->host);
	if (strcmp(asked->host, book_host_name(evacuating->host->book)) == 0) {
		error_set(err, DD_REFUSED, "'%s' is this host", asked->host);
		return error_hint(err, "its own book comes back with: domesday restore --from URL");
	}
	if (asked->remote[strspn(asked->remote, letters)]) {
		error_set(err, DD_INVALID, "'%s' is not the name of a remote", asked->remote);
		return error_hint(err, "domesday remote add NAME %s", asked->remote);
	}
	return asked->override ? line_check(asked->override, OVERRIDE_LIMIT,
					 "the reason of --override", err)
			       : 0;
}

static int prove(struct evacuating *evacuating)
{
	const struct dd_evacuation *asked = evacuating->asked;
	int rc = 0;

	if (!asked->override)
		rc = fence_ask(evacuating->host, asked->host, &evacuating->answer, evacuating->err);
	evacuating->proof = asked->override ? (struct trailer){"Fence-Override", asked->override}
					    : (struct trailer){"Fence", evacuating->answer};
	return rc;
}

static int look(struct evacuating *evacuating)
{
	const struct dd_evacuation *asked = evacuating->asked;
	int rc = asked_check(evacuating);

	if (!rc)
		rc = book_pull(evacuating->host->book, asked->remote, NULL, NULL, evacuating->err);
	if (!rc)
		rc = book_fetched(evacuating->host->book, asked->remote, asked->host, candidate_add,
			evacuating, evacuating->err);
	if (!rc && !evacuating->count)
		rc = refuse_unknown(evacuating);
	if (!rc)
		rc = book_fetched(evacuating->host->book, asked->remote, NULL, holder_look,
			evacuating, evacuating->err);
	if (!rc)
		rc = want(evacuating);
	for (size_t i = 0; !rc && i < evacuating->count; i++)
		if (evacuating->list[i].wanted && !evacuating->list[i].error.code &&
			candidate_check(evacuating, &evacuating->list[i]) == DD_NO_MEMORY)
			rc = error_no_memory(evacuating->err);
	for (size_t i = 0; !rc && i < evacuating->count; i++)
		if (evacuating->list[i].wanted && !evacuating->list[i].error.code)
			rc = candidate_ask(evacuating, &evacuating->list[i]);
	return rc;
}

int evacuate(struct dd_host *host, const struct dd_evacuation *evacuation,
	const struct elsewhere *elsewhere, const struct dd_change *change,
	dd_evacuated_fn evacuated, void *context, struct dd_error *err)
{
	CLEANUP(evacuating)
	struct evacuating evacuating = {
		.host = host,
		.asked = evacuation,
		.elsewhere = elsewhere,
		.change = change,
		.err = err,
	};
	struct dd_error failure = {0};
	const char *reason;
	int rc = look(&evacuating), pushed = 0;

	/* for nothing no host is shot */
	if (!rc && (evacuation->dry_run || !can_take_any(&evacuating)))
		return tell(&evacuating, evacuated, context);
	/* who is asked for a reason is asked before the other host is shot */
	if (!rc)
		rc = reason_find(
			host, OPERATION_EVACUATE, change ? change->reason : NULL, &reason, err);
	if (!rc)
		rc = prove(&evacuating);
	candidates_clear(&evacuating);
	if (!rc)
		rc = look(&evacuating);
	if (!rc)
		rc = take_all(&evacuating);
	if (rc)
		return rc;
	pushed = book_push(host->book, evacuation->remote, NULL, NULL, &failure);
	settle(&evacuating, &failure);
	rc = tell(&evacuating, evacuated, context);
	if (!rc && pushed && pushed != DD_CONFLICT)
		rc = error_set(err, pushed, "%s", failure.message);
	return rc;
}
