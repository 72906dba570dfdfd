/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_USES_H
#define SCHEMA_USES_H

/* What a definition uses of its host: the rows behind "who uses this?" and the disk claims. */

#include "schema/document.h"

enum use_mode {
	USE_READ,      /* <readonly/>, cdrom: any number may */
	USE_SHARED,    /* <shareable/>: any number of shareable users may */
	USE_EXCLUSIVE, /* one running domain at a time */
};

struct use {
	const char *kind; /* "disk" (path), "mac", "hostdev" (pci 0000:…, usb 1234:5678) */
	char *value;      /* owned by the list; paths made absolute and free of . and .. */
	enum use_mode mode;
};

struct uses {
	struct use *items;
	size_t count;
};

#define USES_INIT             \
	{                     \
		.items = NULL \
	}

int document_uses(const struct document *document, struct uses *out, struct dd_error *err);
/*
 * How a value that a person gives (a path, a MAC) is spelt in the list: appends it to out.
 */
int use_normalise(const char *value, struct text *out, struct dd_error *err);

void uses_release(struct uses *uses);
static inline void cleanup_uses(struct uses *uses)
{
	uses_release(uses);
}

#endif
