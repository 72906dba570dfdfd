/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DOCUMENT_H
#define SCHEMA_DOCUMENT_H

/*
 * A domain's definition, or one device's, as a libxml2 tree in canonical form.
 *
 * document_parse() is the only way in: hardened (no DTD, no entity, no network, bounded), checked
 * against the vocabulary of the format, and turned at once into the canonical form: one spelling
 * for one meaning. So documents of equal meaning write equal bytes, and code that reads or changes
 * a tree need not think of spellings. A document is used by one thread at a time.
 */

#include "schema/limits.h"
#include "schema/tree.h"

struct document;

/*
 * text is a <domain>, size bytes, need not be terminated. file is what messages call it, may be
 * NULL. *out is owned by the caller. DD_INVALID with line, column and path: malformed, a DTD, too
 * large or deep, an unknown element or attribute value of a wrong kind.
 */
int document_parse(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err);

/*
 * As document_parse for a definition that somebody brings, which may be written for another
 * program: unknown elements and attributes whose names are no slip of a known one are left out. A
 * line of each, with its place, is appended to left_out, which may be NULL.
 */
int document_parse_given(const char *text, size_t size, const char *file, struct text *left_out,
	struct document **out, struct dd_error *err);

/* As document_parse for a single device element (<disk>, <interface>…). */
int document_parse_device(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err);

int document_copy(const struct document *document, struct document **out, struct dd_error *err);
void document_free(struct document *document);
CLEANUP_DEFINE(document, struct document *, document_free)

/*
 * Appends the canonical text: two-space indent, single quotes, a final newline. DD_INVALID where it
 * is past a limit of text (schema/limits.h), since it could not be read again.
 */
int document_write(const struct document *document, struct text *out, struct dd_error *err);

/* As document_write for one element of a tree, as it would stand alone. */
int node_write(const xmlNode *node, struct text *out, struct dd_error *err);

/*
 * Brings a tree that was changed in place back to canonical form (order of elements and
 * attributes, spellings). freeze and the edits call it; it is idempotent.
 */
int document_canonicalise(struct document *document, struct dd_error *err);

xmlNode *document_root(const struct document *document);    /* <domain>, or the device */
xmlNode *document_devices(const struct document *document); /* <devices>; NULL if there is none */
const char *document_name(const struct document *document); /* NULL where absent */
const char *document_uuid(const struct document *document); /* with dashes, lower case; or NULL */
const char *document_emulator(const struct document *document); /* path, or NULL */

/*
 * Addresses that a detached device has left, so that they go to another only when there is no
 * other choice, and back to the same device when it returns. They live beside the definition
 * (vacated.xml in the version's tree), never in it. The text is empty where there are none.
 */
int document_read_vacated(
	struct document *document, const char *text, size_t size, struct dd_error *err);
int document_write_vacated(const struct document *document, struct text *out, struct dd_error *err);
xmlNode *document_vacated(struct document *document, struct dd_error *err); /* <vacated> element */

/*
 * Finds one device as a person names it: a <target dev>, an alias, a MAC, or an element path like
 * "disk[2]". DD_NOT_FOUND lists what there is; DD_CONFLICT when the reference fits several.
 */
int document_find_device(const struct document *document, const char *reference, xmlNode **device,
	struct dd_error *err);

/*
 * Finds the device that the stand-alone device document means: by its alias, address and own name
 * (target, MAC…), all of those that it says; saying none of them, by everything else that it says.
 * Errors as document_find_device.
 */
int document_match_device(const struct document *document, const struct document *device,
	xmlNode **found, struct dd_error *err);

#endif
