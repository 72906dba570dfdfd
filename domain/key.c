/* SPDX-License-Identifier: Apache-2.0 */
/* The host's keys. */
#include <string.h>

#include "domain/reason.h"

struct keys_visit {
	dd_key_fn tell;
	void *context;
};

static int tell_key(const struct key_info *info, void *context)
{
	const struct keys_visit *visit = context;
	struct dd_key key = {
		.number = info->number,
		.key = info->words,
		.fingerprint = info->fingerprint,
		.since = info->since,
		.who = info->who,
		.place = info->place,
		.current = info->current,
		.adopted = info->adopted,
		.fault = info->fault,
	};

	memcpy(key.commit, info->commit, sizeof key.commit);
	return visit->tell(&key, visit->context);
}

int dd_keys(struct dd_host *host, dd_key_fn key, void *context, struct dd_error *err)
{
	struct keys_visit visit = {key, context};

	return book_keys(host->book, tell_key, &visit, err);
}

int dd_key_rotate(struct dd_host *host, const char *reason, struct dd_error *err)
{
	struct person author = {host->author_name, host->author_email};

	int rc = reason_find(host, "key", reason, &reason, err);

	return rc ? rc : book_rotate_key(host->book, &author, reason, err);
}
