/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TAG_H
#define STORE_TAG_H

#include "store/git/object.h"

/* Makes the table of tags; inside database_change(). */
int tag_table_make(struct database *database, struct dd_error *err);

/* What a tag object says, and by whom it is signed. */
struct tag_parts {
	char uuid[UUID_SIZE];
	char label[TAG_LABEL_LIMIT + 1];
	git_oid commit;
	unsigned char signer[KEY_PUBLIC_SIZE];
};

/* False for what has not the form that book_tag() gives it, or no signature that holds. */
bool tag_parse(const char *data, size_t size, struct tag_parts *out);

/* A tag that another host gave, whose object is at the same place of a set. */
struct arrived_tag {
	char label[TAG_LABEL_LIMIT + 1];
	uint32_t number;
};

/* The tags of the domain are these from now on. Inside database_change(). */
int tags_replace(struct book *book, int64_t domain, const struct arrived_tag *tags,
	const struct object_set *objects, struct dd_error *err);

#endif
