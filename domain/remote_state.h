/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_REMOTE_STATE_H
#define DOMAIN_REMOTE_STATE_H

/* How far a remote is, as far as this book knows. */

#include "domain/host.h"

/* What became of one push. */
struct push_outcome {
	const char *remote;
	const char *url;  /* that it had when that began */
	const char *mark; /* book_mark() when it began */
	int code;
	const struct dd_error *error; /* where code is not 0 */
	int64_t retry_s;              /* as in struct dd_push_options */
};

/*
 * Remembers it, where the remote is one of the book's, and still the same one. A book that cannot
 * be written to stays as it is, and the host's warn is told.
 */
void remote_state_note(struct dd_host *host, const struct push_outcome *outcome);

/* Where the book's remote of that name is; *out stays NULL where it has none. The caller frees it.
 */
int remote_state_url(struct dd_host *host, const char *remote, char **out, struct dd_error *err);

/* Forgets what is known of a remote that goes. */
int remote_state_forget(struct dd_host *host, const char *remote, struct dd_error *err);

#endif
