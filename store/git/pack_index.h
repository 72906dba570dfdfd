/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PACK_INDEX_H
#define STORE_PACK_INDEX_H

/*
 * The index of a pack (version 2), as it lies there. All numbers are in network order:
 *
 *   ff 74 4f 63, version 2; for each first byte of a name, how many objects have it or a lower one;
 *   the names, sorted; CRC-32 of each entry; 31-bit offsets, or, with the high bit set, places in a
 *   table of 64-bit ones behind; SHA-1 of the pack; SHA-1 of the index
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_HEAD 12 /* "PACK", version 2, number of entries */
#define PACK_FANOUT 256
#define PACK_INDEX_HEAD 8
#define PACK_LARGE_OFFSET 0x80000000u

struct pack_index {
	const unsigned char *map;
	size_t size;
	const unsigned char *fanout, *oids, *crcs, *offsets, *large;
	uint32_t count;
};

extern const unsigned char pack_index_head[PACK_INDEX_HEAD];

uint32_t pack_number(const unsigned char *bytes);

/* Maps an open file. A negative errno; -EBADMSG: it has no such form. */
int pack_index_map(struct pack_index *index, int fd);
void pack_index_release(struct pack_index *index);

/* Does it end with the SHA-1 of all before? */
bool pack_index_whole(const struct pack_index *index);

/* The place of a name among the others. */
bool pack_index_find(const struct pack_index *index, const unsigned char *oid, uint32_t *place);

/* Where the object of a place begins in the pack. False: the index does not say. */
bool pack_index_offset(const struct pack_index *index, uint32_t place, uint64_t *offset);

#endif
