/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

/*
 * A version's commit message:
 *
 *   attach disk vdb            subject, one line
 *                              (and the body, between empty lines, where there is one)
 *   Domain: 3d1f…              trailers: always the last paragraph
 *   Version: 7
 *   Operation: attach-device   and others that the caller gives
 *   Host: alpha
 *   Book-Seq: 41               its place in the chain of all versions of the book (chain.h)
 *   Book-Prev: 9f0c…
 */

#include "store/book.h"

#define SUBJECT_LIMIT 512
#define BODY_LIMIT 65536
#define TRAILERS_LIMIT 64
#define TRAILER_VALUE_LIMIT 4096
#define PERSON_LIMIT 200

struct message_facts {
	const char *uuid;
	uint32_t number;
	const char *host;
};

int message_build(const struct version_draft *draft, const struct message_facts *facts,
	struct text *out, struct dd_error *err);

/* Appends the trailers of the chain to a message that is whole but for them. */
void message_chain(struct text *message, int64_t seq, const char *prev);

/* Fills in subject, body and trailers. */
int message_parse(const char *message, struct version_info *info, struct dd_error *err);

/*
 * Appends "Name <email>" fit for a commit header: no brackets, no control characters, no crud at
 * either end, never empty.
 */
void person_add(struct text *out, const struct person *person);

#endif
