/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_SECRET_CHECK_H
#define DOMAIN_SECRET_CHECK_H

#include "store/book.h"

/*
 * Can the secrets that a domain's newest version names be unsealed? tell() is given what is wrong
 * with one, in words, and below the book's folder where; not where the book never had it: it was
 * made anew from a remote or a clone, or took the domain over without it. Non-zero from tell() ends
 * it.
 */
int secrets_check_sealed(struct book *book, const struct domain_row *row,
	int (*tell)(const char *where, const char *sentence, void *context), void *context,
	struct dd_error *err);

#endif
