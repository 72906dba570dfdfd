/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "store/git/object.h"

struct head {
	int64_t domain; /* 0: no such row */
	uint32_t version;
	git_oid oid;
};

struct prepared_version {
	struct object_set objects;    /* files and trees; and the commit, once it is made */
	struct text headers, message; /* of the commit, without parent, signature and place */
};

/* A change that is ready to be made. */
struct prepared {
	struct book *book;
	const struct book_change *change;
	struct head head;   /* before */
	struct head result; /* afterwards */
	struct prepared_version *versions;
	size_t version_count;
};

void prepared_release(struct prepared *prepared);
static inline void cleanup_prepared(struct prepared *prepared)
{
	prepared_release(prepared);
}

/* DD_REFUSED: it shows a time before 1970, and no commit can say so. */
int clock_check(struct dd_error *err);

/* Sees to it that the clock is right, and the objects and the host key are there. */
int commit_ready(struct book *book, struct dd_error *err);

/* All that needs no lock. Of prepared, book and change are set. */
int change_prepare(struct prepared *prepared, struct dd_error *err);

/* The rest, inside a transaction. */
int change_write(struct prepared *prepared, struct dd_error *err);

#endif
