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
#define TAKEN_BOOK "Taken-Book"

struct message_facts {
	const char *uuid;
	uint32_t number;
	const char *host;
};

int message_build(const struct version_draft *draft, const struct message_facts *facts,
	struct text *out, struct dd_error *err);

/* Appends a subject and, where there is one, a body: a message that its trailers are to follow. */
int message_open(const char *subject, const char *body, struct text *out, struct dd_error *err);

/* Appends the trailers of the chain to a message that is whole but for them. */
void message_chain(struct text *message, int64_t seq, const char *prev);

/* Fills in subject, body and trailers. */
int message_parse(const char *message, struct version_info *info, struct dd_error *err);

/* What the trailers of the book say; without them a UUID is "", a number 0, prev all zeros. */
struct message_marks {
	char uuid[UUID_SIZE];
	uint32_t number;
	int64_t seq;
	char prev[COMMIT_SIZE];
	uint32_t epoch;
	char taken[COMMIT_SIZE]; /* Taken-Book: see store/key/tenure.h */
};

void message_marks(const char *message, size_t size, struct message_marks *out);

/* Appends a value of a trailer; false: there is none with that key. */
bool message_trailer(const char *message, size_t size, const char *key, struct text *out);

/*
 * Fills in what a commit says (all but number and commit) from its text, which is terminated.
 * DD_CORRUPT: it is no commit.
 */
int version_info_read(const char *text, struct version_info *info, struct dd_error *err);

/*
 * Appends "Name <email>" fit for a commit header: no brackets, no control characters, no crud at
 * either end, never empty.
 */
void person_add(struct text *out, const struct person *person);

#endif
