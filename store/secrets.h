/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SECRETS_H
#define STORE_SECRETS_H

/* What versions name and do not say: sealed, in book.db, beside history. */

#include "store/book.h"

#define BOOK_SECRET_NAME_SIZE 33 /* 32 hexadecimal digits, and the NUL */

struct secret_draft {
	char name[BOOK_SECRET_NAME_SIZE]; /* by book_secret_name() */
	const char *value;
};

/* A name that nothing has, drawn at random. */
int book_secret_name(char name[BOOK_SECRET_NAME_SIZE], struct dd_error *err);

/* Durable before it returns. The key is made where there is none. */
int book_secrets_put(struct book *book, const char *uuid, const struct secret_draft *drafts,
	size_t count, struct dd_error *err);

/* Forgets those of which there turned out to be no need. Those that are not there are no error. */
int book_secrets_drop(struct book *book, const char *uuid, const struct secret_draft *drafts,
	size_t count, struct dd_error *err);

/* Which of the domain there are, in no order. What it returns other than 0 ends the list. */
typedef int (*book_secret_fn)(const char *name, void *context);
int book_secret_list(struct book *book, const char *uuid, book_secret_fn secret, void *context,
	struct dd_error *err);

/*
 * Appends the secret. DD_NOT_FOUND: the book has not got it (another host's has). DD_REFUSED: it
 * has not got the key, or others may read that. DD_CORRUPT: it cannot be unsealed.
 */
int book_secret_get(struct book *book, const char *uuid, const char *name, struct text *out,
	struct dd_error *err);

/*
 * Should the book have the secrets that were new with that version of the domain? Not where it was
 * made anew from its history since, and so never had them.
 */
int book_secret_due(
	struct book *book, const char *uuid, uint32_t number, bool *due, struct dd_error *err);

#endif
