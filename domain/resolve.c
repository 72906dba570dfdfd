/* SPDX-License-Identifier: Apache-2.0 */
/* From the words that a person has for a version to its number. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/moment.h"
#include "domain/existing.h"
#include "domain/host.h"

/* Where the version begins: at the '@' of NAME@N, NAME@LABEL or NAME@{TIME}; NULL: nowhere. */
static const char *version_part(const char *words)
{
	const char *at = strrchr(words, '@');
	size_t length = strlen(words);

	/* a time may have an '@' of its own */
	if (length && words[length - 1] == '}')
		for (const char *brace = strstr(words, "@{"); brace;
			brace = strstr(brace + 1, "@{"))
			at = brace;
	return at && at > words && at[1] ? at : NULL;
}

static bool is_number(const char *part)
{
	return part[strspn(part, "0123456789")] == '\0';
}

static int read_number(const char *part, uint32_t *number, struct dd_error *err)
{
	errno = 0;

	unsigned long long read = strtoull(part, NULL, 10);

	if (errno || read > UINT32_MAX)
		return error_set(err, DD_INVALID, "versions are numbered from 1 to %u, not '%s'",
			UINT32_MAX, part);
	*number = (uint32_t)read;
	return 0;
}

/* {TIME}: the version in force then. */
static int find_moment(struct dd_host *host, const char *uuid, const char *part, uint32_t *number,
	struct dd_error *err)
{
	CLEANUP(free) char *words = NULL;
	int64_t moment = 0;
	int rc = string_format(&words, err, "%.*s", (int)strlen(part) - 2, part + 1);

	if (!rc)
		rc = moment_parse(words, time(NULL), &moment, err);
	return rc ? rc : book_version_at(host->book, uuid, moment, number, err);
}

/* part is a label or a time of that domain. */
static int find_part(struct dd_host *host, const char *domain, const char *part, uint32_t *number,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = existing_named(host, domain, &row, err);

	if (rc)
		return rc;
	if (part[0] == '{' && part[strlen(part) - 1] == '}')
		return find_moment(host, row.uuid, part, number, err);
	return book_tag_find(host->book, row.uuid, part, number, err);
}

int dd_resolve(struct dd_host *host, const char *words, char **domain, uint32_t *version,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row whole = {.name = NULL};
	CLEANUP(free) char *name = NULL;
	const char *at = version_part(words);
	uint32_t number = 0;
	int rc;

	/* a domain may be called like this as a whole */
	if (at && !is_number(at + 1) && book_find(host->book, words, &whole, NULL) == 0)
		at = NULL;
	rc = string_format(&name, err, "%.*s", at ? (int)(at - words) : (int)strlen(words), words);
	if (!rc && at)
		rc = is_number(at + 1) ? read_number(at + 1, &number, err)
				       : find_part(host, name, at + 1, &number, err);
	if (rc)
		return rc;
	*domain = TAKE(name);
	*version = number;
	return 0;
}
