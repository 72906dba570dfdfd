/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/pack_index.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sha1.h"

const unsigned char pack_index_head[PACK_INDEX_HEAD] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};

uint32_t pack_number(const unsigned char *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof number);
	return be32toh(number);
}

static bool tables_find(struct pack_index *index)
{
	const size_t each = SHA1_SIZE + 4 + 4;
	size_t room =
		index->size - PACK_INDEX_HEAD - (size_t)PACK_FANOUT * 4 - 2 * (size_t)SHA1_SIZE;

	index->fanout = index->map + PACK_INDEX_HEAD;
	index->count = pack_number(index->fanout + (size_t)(PACK_FANOUT - 1) * 4);
	if (memcmp(index->map, pack_index_head, PACK_INDEX_HEAD) != 0 || index->count > room / each)
		return false;
	index->oids = index->fanout + (size_t)PACK_FANOUT * 4;
	index->crcs = index->oids + (size_t)index->count * SHA1_SIZE;
	index->offsets = index->crcs + (size_t)index->count * 4;
	index->large = index->offsets + (size_t)index->count * 4;
	return true;
}

int pack_index_map(struct pack_index *index, int fd)
{
	struct stat status;
	void *map;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) ||
		status.st_size < PACK_INDEX_HEAD + PACK_FANOUT * 4 + 2 * SHA1_SIZE)
		return -EBADMSG;
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*index = (struct pack_index){.map = map, .size = (size_t)status.st_size};
	if (tables_find(index))
		return 0;
	pack_index_release(index);
	return -EBADMSG;
}

void pack_index_release(struct pack_index *index)
{
	if (index->map)
		munmap((void *)(uintptr_t)index->map, index->size);
	*index = (struct pack_index){0};
}

bool pack_index_whole(const struct pack_index *index)
{
	unsigned char sum[SHA1_SIZE];
	size_t size = index->size - SHA1_SIZE;
	struct sha1 sha1;

	sha1_init(&sha1);
	sha1_add(&sha1, index->map, size);
	sha1_end(&sha1, sum);
	return memcmp(sum, index->map + size, sizeof sum) == 0;
}

bool pack_index_find(const struct pack_index *index, const unsigned char *oid, uint32_t *place)
{
	uint32_t low = *oid ? pack_number(index->fanout + (size_t)(*oid - 1) * 4) : 0;
	uint32_t high = pack_number(index->fanout + (size_t)*oid * 4);

	if (high > index->count)
		return false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = memcmp(index->oids + (size_t)middle * SHA1_SIZE, oid, SHA1_SIZE);

		*place = middle;
		if (!order)
			return true;
		if (order > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

bool pack_index_offset(const struct pack_index *index, uint32_t place, uint64_t *offset)
{
	uint32_t number = pack_number(index->offsets + (size_t)place * 4);
	const unsigned char *end = index->map + index->size - 2 * (size_t)SHA1_SIZE;
	size_t large = number & ~PACK_LARGE_OFFSET;
	uint64_t wide;

	*offset = number;
	if (!(number & PACK_LARGE_OFFSET))
		return true;
	if (large >= (size_t)(end - index->large) / sizeof wide)
		return false;
	memcpy(&wide, index->large + large * sizeof wide, sizeof wide);
	*offset = be64toh(wide);
	return true;
}
