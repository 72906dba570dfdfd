/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

/* What is wrong with a book, as text and as JSON. */

#include "cli/cli.h"

struct findings {
	struct cli *cli;
	struct json *array;
	struct json *adopted; /* keys */
};

void findings_init(struct findings *findings, struct cli *cli);
static inline void cleanup_findings(struct findings *findings)
{
	json_free(findings->array);
	json_free(findings->adopted);
}

/* A dd_finding_fn whose context is a struct findings. */
int findings_add(const struct dd_finding *finding, void *context);

/* A dd_key_fn with the same context: a line about a key that nothing vouches for; no finding. */
int findings_key(const struct dd_key *key, void *context);

/* As JSON; the members belong to the value then. */
struct json *findings_json(struct findings *findings, const struct dd_verified *verified);

/* The answer; what names the book or domain that was looked at. An exit status, or a failure. */
int findings_finish(struct findings *findings, const char *what, const struct dd_verified *verified,
	struct dd_error *err);

#endif
