/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/secret_check.h"

#include <string.h>

#include "domain/operation.h"
#include "domain/record.h"
#include "store/secrets.h"

struct checking {
	struct book *book;
	const struct domain_row *row;
	const struct json
		*persistent; /* those of domain.xml, while those of live.xml are gone through */
	int (*tell)(const char *where, const char *sentence, void *context);
	void *context;
	struct dd_error *err;
};

/* ---- was it ever here? ---- */

/* What of the history cannot be read was told by the store. */
static int passed_over(const struct checking *checking, int rc, const struct dd_error *reason)
{
	if (!rc || rc == DD_CORRUPT || rc == DD_NOT_FOUND || rc == DD_INVALID)
		return 0;
	return error_set(checking->err, rc, "%s", reason->message);
}

/* The version that names the secret first; 0: none that can be read. */
static int first_find(const struct checking *checking, const char *name, uint32_t *first)
{
	int rc = 0;

	*first = 0;
	for (uint32_t number = 1; !rc && !*first && number <= checking->row->version; number++) {
		CLEANUP(text) struct text secrets = TEXT_INIT;
		struct dd_error reason = {0};

		rc = record_read_text(checking->book, checking->row->uuid, number, FILE_SECRETS,
			&secrets, &reason);
		if (!rc && secrets.size && strstr(text_string(&secrets), name))
			*first = number;
		rc = passed_over(checking, rc, &reason);
	}
	return rc;
}

/* No version has the passwords, so a takeover leaves them behind. */
static int taken_over_since(const struct checking *checking, uint32_t number, bool *taken)
{
	int rc = 0;

	*taken = false;
	while (!rc && !*taken && ++number <= checking->row->version) {
		CLEANUP(version_info) struct version_info info = {0};
		struct dd_error reason = {0};
		const char *operation;

		rc = book_version(checking->book, checking->row->uuid, number, &info, &reason);
		operation = rc ? NULL : version_trailer(&info, "Operation");
		*taken = operation && strcmp(operation, OPERATION_EVACUATE) == 0;
		rc = passed_over(checking, rc, &reason);
	}
	return rc;
}

static int due_find(const struct checking *checking, const char *name, bool *due)
{
	uint32_t first;
	bool taken = false;
	int rc = first_find(checking, name, &first);

	*due = false;
	if (!rc && first)
		rc = book_secret_due(
			checking->book, checking->row->uuid, first, due, checking->err);
	if (!rc && *due)
		rc = taken_over_since(checking, first, &taken);
	*due &= !taken;
	return rc;
}

/* ---- one secret ---- */

static int loss_tell(
	const struct checking *checking, const char *place, const char *why, const char *where)
{
	CLEANUP(text) struct text sentence = TEXT_INIT;

	text_printf(&sentence, "the password of '%s' at %s cannot be unsealed: %s",
		checking->row->name, place, why);
	return text_failed(&sentence)
		       ? error_no_memory(checking->err)
		       : checking->tell(where, text_string(&sentence), checking->context);
}

static int one_check(const char *place, const struct json *json, void *context)
{
	const struct checking *checking = context;
	const char *name = json_as_string(json);
	const char *persistent = json_get_string(checking->persistent, place);
	CLEANUP(text) struct text value = TEXT_INIT;
	struct dd_error reason = {0};
	bool due = true;
	int rc;

	/* a name that is none is found where the version is read */
	if (!name || (persistent && strcmp(persistent, name) == 0))
		return 0;
	rc = book_secret_get(checking->book, checking->row->uuid, name, &value, &reason);
	if (value.data)
		explicit_bzero(value.data, value.size);
	if (rc == DD_NOT_FOUND)
		rc = due_find(checking, name, &due);
	else if (rc != DD_CORRUPT && rc != DD_REFUSED)
		return rc ? error_set(checking->err, rc, "%s", reason.message) : 0;
	else
		rc = 0;
	if (rc || !due)
		return rc;
	return loss_tell(checking, place, reason.message,
		reason.code == DD_REFUSED ? "keys/secrets" : "book.db");
}

/* ---- all of a domain ---- */

int secrets_check_sealed(struct book *book, const struct domain_row *row,
	int (*tell)(const char *where, const char *sentence, void *context), void *context,
	struct dd_error *err)
{
	struct checking checking = {book, row, NULL, tell, context, err};
	CLEANUP(text) struct text secrets = TEXT_INIT;
	CLEANUP(json) struct json *json = NULL;
	struct dd_error reason = {0};
	int rc = record_read_text(book, row->uuid, 0, FILE_SECRETS, &secrets, &reason);

	if (!rc && secrets.size)
		rc = json_parse(secrets.data, secrets.size, &json, &reason);
	rc = passed_over(&checking, rc, &reason);
	if (!rc)
		rc = json_each(json_get(json, FILE_CONFIG), one_check, &checking);
	checking.persistent = json_get(json, FILE_CONFIG);
	if (!rc)
		rc = json_each(json_get(json, FILE_LIVE), one_check, &checking);
	return rc;
}
