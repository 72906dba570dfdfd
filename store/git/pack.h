/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include "store/room.h"

#define PACK_GONE ".gone" /* what an index is called while its pack comes or goes */
#define PACK_NAME_SIZE (GIT_OID_HEXSZ + 1)

/*
 * A pack in the making. It is written in a folder of book.git that git does not look into, and
 * moved to the others when it is whole and synced. Under SLOT_CHECKPOINT.
 */
struct pack {
	struct book *book;
	git_packbuilder *builder;
	char *incoming, *packs; /* folders */
};

int pack_begin(struct book *book, struct pack *pack, struct dd_error *err);
/* Objects with the same hint meet when deltas are looked for; NULL: none. */
int pack_add(struct pack *pack, const git_oid *oid, const char *hint, struct dd_error *err);
/* Writes the pack and makes it durable; name is "" where nothing was added. */
int pack_finish(struct pack *pack, char name[PACK_NAME_SIZE], struct dd_error *err);

/* Moves two synced files, SOURCE.pack and SOURCE.idx, from incoming to packs, durably. */
int pack_install(
	const struct pack *pack, const char *source, const char *name, struct dd_error *err);

void pack_release(struct pack *pack);
static inline void cleanup_pack(struct pack *pack)
{
	pack_release(pack);
}

#endif
