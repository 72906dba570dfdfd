/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_JOURNAL_DETAIL_H
#define DOMAIN_JOURNAL_DETAIL_H

/*
 * What a journal row holds for recovery, as JSON: its kind ("start", "pause", "reboot",
 * "transition" or "migration"), who began it, and the members that the kind adds. And the claims on
 * host resources that go with it.
 */

#include "domain/operation.h"
#include "qmp/json.h"

#define DETAIL_START "start"
#define DETAIL_PAUSE "pause"
#define DETAIL_REBOOT "reboot"
#define DETAIL_TRANSITION "transition"
#define DETAIL_MIGRATION "migration"

/* An object with kind, author, caller and reason; NULL when out of memory. */
struct json *detail_new(const struct operation *op, const char *kind);

/*
 * Opens the journal row of op with detail and with claims on all that live uses and before (may be
 * NULL) did not. A claim that is only held by a guest that has ended is settled first.
 */
int detail_open(struct operation *op, const struct json *detail, const struct document *before,
	const struct document *live, struct dd_error *err);

/* Adds a document as a member, in canonical form. */
int detail_put_document(struct json *detail, const char *key, const struct document *document,
	struct dd_error *err);
int detail_get_document(
	const struct json *detail, const char *key, struct document **out, struct dd_error *err);

/*
 * What a domain that is not in the index yet will be called, as the journal row that brings it
 * says; NULL: it does not. The caller frees it.
 */
#define DETAIL_NAME "name"
char *detail_name(const struct journal_row *row);

#endif
