/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_SECRET_H
#define DOMAIN_SECRET_H

/*
 * History is for ever and goes to other hosts, so no secret may enter it. What somebody hands in is
 * sealed at the door: its document then has tokens (schema/secret.h), the book keeps the secrets
 * sealed (store/book.h), and a version has, beside its definitions without any trace of them, the
 * file secrets.json, which says what they are called:
 *
 *   {"domain.xml": {"graphics[1]/@passwd": "0f41…"}, "live.xml": {…}}
 *
 * So a version keeps its own secrets, and a rollback brings them back. They are revealed in two
 * cases only: to QEMU, and to who asks for them.
 */

#include "domain/operation.h"
#include "schema/secret.h"

/*
 * Tokens for the secrets of given, a device or a domain, that was checked by secrets_check(). One
 * that is the same as what the domain of op has in that place keeps its name. Nothing is stored
 * yet; operation_end() forgets them.
 */
int secret_seal(struct operation *op, struct document *given, struct dd_error *err);

/*
 * The same at the end of an operation, for a new definition that has secrets still: *out is a copy
 * with tokens for them, NULL where there are none. What is in the record already is no new one.
 */
int secret_seal_copy(struct operation *op, const struct document *document, struct document **out,
	struct dd_error *err);

/* What given, a domain, is silent about stays as the record has it. */
int secret_keep(struct document *given, const struct document *record, struct dd_error *err);

/* Both of these, for a document that is only to be compared with the record. */
int secret_compare(struct dd_host *host, struct document *given, const struct document *record,
	struct dd_error *err);

/* Puts what was sealed into the book, durably: before anything names it. */
int secret_store(struct operation *op, struct dd_error *err);

/* Forgets what was sealed, in the book too where nothing came to name it. */
void secret_release(struct operation *op);

/*
 * A copy of document with the secrets themselves. DD_REFUSED: the book has not got one of them.
 */
int secret_reveal(struct dd_host *host, const char *uuid, const struct document *document,
	struct document **out, struct dd_error *err);

/* The text of a document without secrets, and (may be NULL) where they were and their names. */
int secret_write(const struct document *document, struct text *out, struct json *places,
	struct dd_error *err);

/* The tokens back into a document of that text. secrets is secrets.json, "" for none. */
int secret_read(struct document *document, const struct text *secrets, const char *file,
	struct dd_error *err);

#endif
