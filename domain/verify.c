/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the book true? The store checks what can be said of bytes; here is added what takes reading
 * the definitions: does the index say of each domain what its newest version says, are the
 * passwords there that it names, and can it be read what no version says?
 */
#include <string.h>

#include "domain/derive.h"
#include "domain/existing.h"
#include "domain/host.h"
#include "domain/runtime.h"
#include "domain/secret_check.h"

#define TRIES 5 /* while somebody changes the domain under our eyes */

struct verifying {
	struct dd_host *host;
	dd_finding_fn tell;
	void *context;
	struct dd_verified *result;
	struct dd_error *err;
};

static int tell_finding(const struct finding *finding, void *context)
{
	const struct verifying *verifying = context;

	return verifying->tell(
		&(struct dd_finding){
			.kind = finding->kind,
			.where = finding->where,
			.domain = finding->name,
			.uuid = finding->uuid,
			.version = finding->version,
			.until = finding->until,
			.commit = finding->commit,
			.since = finding->when,
			.who = finding->who,
			.sentence = finding->sentence,
		},
		verifying->context);
}

/* Counted as those of the store are. */
static int tell(struct verifying *verifying, const struct dd_finding *finding)
{
	if (verifying->result->findings++ >= DD_FINDINGS_LIMIT)
		return 0;
	return verifying->tell(finding, verifying->context);
}

/* ---- the index of one domain ---- */

struct comparison {
	const struct derived *derived;
	size_t count; /* of uses by the definition */
	bool differs;
};

static int compare_use(const struct use_row *use, void *context)
{
	struct comparison *comparison = context;
	const struct use_rows *wanted = &comparison->derived->uses;

	if (!(use->scope & USE_CONFIG))
		return 0;
	comparison->count++;
	for (size_t i = 0; i < wanted->count; i++)
		if (strcmp(wanted->items[i].kind, use->kind) == 0 &&
			strcmp(wanted->items[i].value, use->value) == 0 &&
			/* what the running guest does with it may be more */
			(use->scope & USE_LIVE || wanted->items[i].mode == use->mode))
			return 0;
	comparison->differs = true;
	return 0;
}

/* What the index says otherwise than the newest version; NULL: nothing. */
static int compare(struct book *book, const struct domain_row *row, const struct derived *derived,
	const char **what, struct dd_error *err)
{
	struct comparison comparison = {.derived = derived};
	int rc = book_uses(book, row->uuid, compare_use, &comparison, err);

	*what = NULL;
	/* of another host's domain the history alone may be here */
	if (rc || (row->owner && row->state == STATE_GONE))
		return rc;
	if (strcmp(row->name, derived->name) != 0)
		*what = "name";
	else if (strcmp(row->title, derived->title) != 0)
		*what = "title";
	else if ((row->state == STATE_GONE) != derived->gone)
		*what = "state";
	else if (!row->owner && row->epoch != derived->epoch)
		*what = "epoch";
	else if (comparison.differs || comparison.count != derived->uses.count)
		*what = "list of disks, MAC addresses and host devices";
	return 0;
}

static int tell_index(struct verifying *verifying, const struct domain_row *row, const char *what)
{
	CLEANUP(text) struct text sentence = TEXT_INIT;
	struct dd_finding finding = {
		.kind = "index",
		.where = "book.db",
		.domain = row->name,
		.uuid = row->uuid,
		.version = row->version,
		.until = row->version,
	};

	text_printf(&sentence,
		"the %s that book.db has of '%s' is not what its newest version (%u) says", what,
		row->name, row->version);
	finding.sentence = text_string(&sentence);
	return tell(verifying, &finding);
}

/* Row and version are read one after the other, so a change in between is no finding. */
static int check_index(struct verifying *verifying, const char *uuid)
{
	struct book *book = verifying->host->book;
	int rc = 0;

	for (int i = 0; !rc && i < TRIES; i++) {
		CLEANUP(domain_row) struct domain_row row = {.name = NULL};
		CLEANUP(domain_row) struct domain_row after = {.name = NULL};
		CLEANUP(derived) struct derived derived = {.name = NULL};
		struct dd_error reason = {0};
		const char *what = NULL;

		rc = book_find(book, uuid, &row, verifying->err);
		if (rc)
			break;
		/* what cannot be read was told by the store */
		if (derive(book, uuid, &derived, &reason))
			return reason.code == DD_NO_MEMORY ? error_set(verifying->err, DD_NO_MEMORY,
								     "%s", reason.message)
							   : 0;
		rc = compare(book, &row, &derived, &what, verifying->err);
		if (!rc)
			rc = book_find(book, uuid, &after, verifying->err);
		if (rc || !what)
			return rc;
		if (after.version == row.version && after.state == row.state)
			return tell_index(verifying, &row, what);
	}
	return rc;
}

/* ---- its passwords ---- */

struct sealed {
	struct verifying *verifying;
	const struct domain_row *row;
};

static int tell_secret(const char *where, const char *sentence, void *context)
{
	const struct sealed *sealed = context;

	return tell(sealed->verifying, &(struct dd_finding){
					       .kind = "secret",
					       .where = where,
					       .domain = sealed->row->name,
					       .uuid = sealed->row->uuid,
					       .version = sealed->row->version,
					       .until = sealed->row->version,
					       .sentence = sentence,
				       });
}

static int check_secrets(struct verifying *verifying, const char *uuid)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct sealed sealed = {verifying, &row};
	int rc = book_find(verifying->host->book, uuid, &row, verifying->err);

	/* what is gone needs none any more, and another's are with its owner */
	if (rc || row.state == STATE_GONE || row.owner)
		return rc;
	return secrets_check_sealed(
		verifying->host->book, &row, tell_secret, &sealed, verifying->err);
}

/* ---- what no version says ---- */

static int check_guest(struct verifying *verifying, const char *uuid)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(runtime) struct runtime runtime = {.live = NULL};
	struct dd_error reason = {0};
	int rc = book_find(verifying->host->book, uuid, &row, verifying->err);

	if (rc || row.state != STATE_RUNNING)
		return rc;
	rc = runtime_read(&row, &runtime, &reason);
	if (rc == DD_CORRUPT)
		return tell(verifying, &(struct dd_finding){
					       .kind = "index",
					       .where = "book.db",
					       .domain = row.name,
					       .uuid = row.uuid,
					       .sentence = reason.message,
				       });
	return rc ? error_set(verifying->err, rc, "%s", reason.message) : 0;
}

struct journal {
	struct verifying *verifying;
	const char *uuid; /* NULL: of all domains */
};

/* What is under way, or was cut short: nobody can settle what he cannot read. */
static int check_row(const struct journal_row *row, void *context)
{
	const struct journal *journal = context;
	struct verifying *verifying = journal->verifying;
	CLEANUP(domain_row) struct domain_row domain = {.name = NULL};
	CLEANUP(json) struct json *detail = NULL;
	CLEANUP(text) struct text sentence = TEXT_INIT;
	struct dd_finding finding = {.kind = "index", .where = "book.db", .uuid = row->uuid};

	if ((journal->uuid && strcmp(journal->uuid, row->uuid) != 0) ||
		json_parse(row->detail, strlen(row->detail), &detail, NULL) == 0)
		return 0;
	if (book_find(verifying->host->book, row->uuid, &domain, NULL) == 0)
		finding.domain = domain.name;
	text_printf(&sentence,
		"what book.db says of the %s of '%s' that is under way cannot be read",
		row->operation, domain.name ? domain.name : row->uuid);
	finding.sentence = text_string(&sentence);
	return text_failed(&sentence) ? error_no_memory(verifying->err) : tell(verifying, &finding);
}

static int check_journal(struct verifying *verifying, const char *uuid)
{
	struct journal journal = {verifying, uuid};
	struct dd_error reason = {0};
	int rc = journal_list(verifying->host->book, check_row, &journal, &reason);

	/* damage of book.db was told, and what is told now says why by itself */
	if (rc == DD_CORRUPT && reason.code)
		return 0;
	return rc && reason.code ? error_set(verifying->err, rc, "%s", reason.message) : rc;
}

static int pass(const struct dd_setting *setting, void *context)
{
	(void)setting;
	(void)context;
	return 0;
}

static int check_settings(struct verifying *verifying)
{
	struct dd_error reason = {0};
	int rc = dd_settings(verifying->host, NULL, pass, NULL, &reason);

	if (rc == DD_CORRUPT)
		return tell(verifying, &(struct dd_finding){
					       .kind = "index",
					       .where = "book.db",
					       .sentence = reason.message,
				       });
	return rc ? error_set(verifying->err, rc, "%s", reason.message) : 0;
}

/* ---- all ---- */

/* Its row has one UUID and the index of the rows another. */
static int tell_unfound(struct verifying *verifying, const char *uuid)
{
	CLEANUP(text) struct text sentence = TEXT_INIT;
	struct dd_finding finding = {.kind = "index", .where = "book.db", .uuid = uuid};

	*verifying->err = (struct dd_error){0};
	text_printf(&sentence, "book.db lists a domain %s and does not find it by that UUID", uuid);
	finding.sentence = text_string(&sentence);
	return text_failed(&sentence) ? error_no_memory(verifying->err) : tell(verifying, &finding);
}

static int check_domain(struct verifying *verifying, const char *uuid)
{
	int rc = check_index(verifying, uuid);

	if (!rc)
		rc = check_secrets(verifying, uuid);
	if (!rc)
		rc = check_guest(verifying, uuid);
	if (rc == DD_NOT_FOUND)
		return tell_unfound(verifying, uuid);
	if (rc != DD_CORRUPT)
		return rc;
	/* damage of book.db was told, and the others are still to be looked at */
	*verifying->err = (struct dd_error){0};
	return 0;
}

struct uuids {
	struct text list; /* UUID_SIZE bytes each */
};

static int keep_uuid(const struct domain_row *row, void *context)
{
	struct uuids *uuids = context;

	text_add(&uuids->list, row->uuid, UUID_SIZE);
	return 0;
}

static int check_domains(struct verifying *verifying)
{
	struct uuids uuids = {.list = TEXT_INIT};
	struct dd_error reason = {0};
	int rc = book_list(verifying->host->book, true, keep_uuid, &uuids, &reason);

	/* damage of book.db was told, and what was listed is looked at nevertheless */
	if (rc == DD_CORRUPT)
		rc = 0;
	else if (rc)
		error_set(verifying->err, rc, "%s", reason.message);
	if (!rc && text_failed(&uuids.list))
		rc = error_no_memory(verifying->err);
	for (size_t at = 0; !rc && at < uuids.list.size; at += UUID_SIZE)
		rc = check_domain(verifying, uuids.list.data + at);
	text_release(&uuids.list);
	return rc;
}

int dd_verify(struct dd_host *host, const char *domain, dd_finding_fn finding, void *context,
	struct dd_verified *result, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_error own;
	struct dd_verified verified = {0};
	struct verify_counts counts;
	struct verifying verifying = {host, finding, context, &verified, err ? err : &own};
	int rc = domain ? existing_named(host, domain, &row, err) : 0;

	if (!rc)
		rc = book_verify(host->book, domain ? row.uuid : NULL, tell_finding, &verifying,
			&counts, verifying.err);
	if (rc)
		return rc;
	verified = (struct dd_verified){
		.domains = counts.domains,
		.versions = counts.versions,
		.objects = counts.objects,
		.findings = counts.findings,
	};
	rc = domain ? check_domain(&verifying, row.uuid) : check_domains(&verifying);
	if (!rc)
		rc = check_journal(&verifying, domain ? row.uuid : NULL);
	if (!rc && !domain)
		rc = check_settings(&verifying);
	if (!rc)
		*result = verified;
	return rc;
}

int dd_verify_against(struct dd_host *host, const char *domain, const char *remote,
	dd_finding_fn finding, void *context, struct dd_verified *result, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_verified verified = {0};
	struct verify_counts counts = {0};
	struct verifying verifying = {host, finding, context, &verified, err};
	int rc = domain ? existing_named(host, domain, &row, err) : 0;

	if (!rc)
		rc = book_verify_against(host->book, domain ? row.uuid : NULL, remote, tell_finding,
			&verifying, &counts, err);
	if (!rc)
		*result = (struct dd_verified){.findings = counts.findings};
	return rc;
}
