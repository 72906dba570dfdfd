/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_BLAME_H
#define SCHEMA_BLAME_H

/*
 * Where each element and attribute of a definition comes from. It is held against older texts of
 * the same domain, one after the other: what an older one does not have so was set in the version
 * after it, and is asked for no more. Devices are known by what tells them apart and never by their
 * line (compare.h).
 *
 * An element is set when it comes and when its own text changes, an attribute when its value does;
 * an address in another place is set as a whole.
 */

#include "schema/document.h"

struct blame;

/* text is a definition as document_write() made it. */
int blame_new(const char *text, size_t size, struct blame **out, struct dd_error *err);
void blame_free(struct blame *blame);
CLEANUP_DEFINE(blame, struct blame *, blame_free)

/* What the older text does not have so was set in version `newer`, the one after it. */
int blame_older(
	struct blame *blame, const char *text, size_t size, uint32_t newer, struct dd_error *err);

/* Has everything its version? */
bool blame_settled(const struct blame *blame);
/* What has none yet was set in this one. */
void blame_rest(struct blame *blame, uint32_t version);

/*
 * Only one device counts (document_find_device; also by the alias that it would get), or only what
 * is at an element path or below ("devices/disk", "devices/disk[2]"). DD_NOT_FOUND: there is none.
 */
int blame_only_device(struct blame *blame, const char *reference, struct dd_error *err);
int blame_only_path(struct blame *blame, const char *path, struct dd_error *err);

struct blame_part {
	char path[NODE_PATH_SIZE]; /* "/domain/devices/disk[1]/target/@dev" */
	const char *value;         /* of the attribute, or the element's own text; NULL: none */
	size_t column;             /* where it begins in its line, in bytes from 0 */
	size_t text_column;        /* and where the element's own text does; 0: it has none */
	uint32_t version;
};

/*
 * Each line of the text that counts, without its newline, and the parts that stand in it: none in
 * one that only ends an element. version is the newest of its parts (or that of the element that it
 * ends). A visit returns 0 to go on; anything else ends it and is returned.
 */
typedef int (*blame_fn)(const char *line, size_t length, uint32_t version,
	const struct blame_part *parts, size_t count, void *context);
int blame_lines(const struct blame *blame, blame_fn visit, void *context, struct dd_error *err);

#endif
