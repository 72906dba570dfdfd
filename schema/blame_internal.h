/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_BLAME_INTERNAL_H
#define SCHEMA_BLAME_INTERNAL_H

/* What finding versions and showing them share. */

#include "schema/blame.h"
#include "schema/outline.h"

/* An element with its own text, or an attribute: found from the tree by _private. */
struct part {
	xmlNode *element;
	xmlAttr *attribute; /* NULL: the element */
	size_t at;          /* in the text */
	size_t end;         /* of the tag of an element */
	uint32_t version;   /* 0: not known yet */
	bool counts;
};

struct blame {
	struct text text;
	struct document *document;
	struct outline outline;
	struct part *parts; /* in the order of the text */
	size_t count;
	size_t open;        /* those that count and have no version yet */
	size_t *first;      /* the first part of each run; the last is count */
	struct text before; /* the text that came last */
	struct outline before_outline;
	uint32_t newer; /* what is missing now was set in this version */
};

#endif
