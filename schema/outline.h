/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_OUTLINE_H
#define SCHEMA_OUTLINE_H

/*
 * Where things are in a definition's text, found without reading it: only in text as
 * document_write() makes it, in which '<' and '>' are nowhere but around tags.
 */

#include <stdbool.h>

#include "base/text.h"

struct tag {
	const char *start, *end; /* of "<disk type='file'>", from the '<' to behind the '>' */
	bool closes;             /* "</disk>" */
	bool leaf;               /* "<acpi/>" */
};

/* The next tag from *at on, which goes behind it. false: there is none whole. */
bool tag_next(const char **at, const char *end, struct tag *tag);

/* Of a tag that opens an element: "disk", "qemu:arg"; not terminated. */
size_t tag_name(const struct tag *tag, const char **name);

/* Like elements in a row: children of <domain>, <devices> left out, or of <devices>. */
struct run {
	const char *name; /* in the text, not terminated */
	size_t name_length;
	const char *data;
	size_t size;
	bool device;
};

struct outline {
	struct run *runs;
	size_t count, room;
	size_t root; /* bytes up to the end of <domain …> */
	bool devices;
};

/* Points into text. DD_CORRUPT: it is not what it should be. */
int outline_read(struct outline *outline, const char *text, size_t size, struct dd_error *err);
void outline_release(struct outline *outline);
static inline void cleanup_outline(struct outline *outline)
{
	outline_release(outline);
}

bool run_is_like(const struct run *one, const struct run *other);

/* Have both the same text for the elements that are called like those of the run? */
bool outlines_agree(const struct outline *one, const struct outline *other, const struct run *like);

#endif
