/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pack that a peer sends, before libgit2 sees it: that takes sizes as they stand there, and works
 * through whatever deltas there are. Each entry is inflated, into nowhere, and counted; of a delta
 * its first bytes say how large its result is.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "store/git/pack_stream.h"

#define HEAD_SIZE 12
#define SINK_SIZE 16384
#define DELTA_HEAD 20 /* two sizes of 10 bytes at most */
#define SIZE_BITS 60  /* more than any limit */

enum scan_state { SCAN_HEAD, SCAN_ENTRY, SCAN_SIZE, SCAN_DISTANCE, SCAN_DATA, SCAN_SUM, SCAN_DONE };

enum entry_type { COMMIT = 1, TREE = 2, BLOB = 3, TAG = 4, DELTA = 6 };

struct entry {
	uint64_t offset;
	int depth;
};

struct pack_scan {
	struct pack_limits limits;
	enum scan_state state;
	uint64_t offset; /* of the next byte */
	unsigned char held[HEAD_SIZE + SHA1_SIZE];
	size_t held_size;
	struct sha1 sha1;
	uint64_t count, unpacked;
	struct entry *entries;
	size_t entry_count, entry_room;
	/* of the entry at hand */
	enum entry_type type;
	unsigned shift;
	uint64_t size, distance, inflated;
	unsigned char delta_head[DELTA_HEAD];
	z_stream zlib;
	pack_keep keep; /* NULL: nobody wants them (any more) */
	void *context;
	struct text object;
	struct dd_error *err;
};

int pack_scan_begin(const struct pack_limits *limits, pack_keep keep, void *context,
	struct pack_scan **out, struct dd_error *err)
{
	struct pack_scan *scan = calloc(1, sizeof *scan);

	if (!scan || inflateInit(&scan->zlib) != Z_OK) {
		free(scan);
		return error_no_memory(err);
	}
	scan->limits = *limits;
	scan->keep = keep;
	scan->context = context;
	scan->object = (struct text)TEXT_INIT;
	sha1_init(&scan->sha1);
	*out = scan;
	return 0;
}

void pack_scan_release(struct pack_scan *scan)
{
	if (!scan)
		return;
	inflateEnd(&scan->zlib);
	free(scan->entries);
	text_release(&scan->object);
	free(scan);
}

static int malformed(const struct pack_scan *scan, const char *what)
{
	return error_set(scan->err, DD_CORRUPT,
		"the history that was sent is no pack as a book writes them: %s at byte %llu", what,
		(unsigned long long)scan->offset);
}

static int too_much(const struct pack_scan *scan, const char *what, uint64_t limit)
{
	return error_set(scan->err, DD_REFUSED, "the history that was sent has more than %llu %s",
		(unsigned long long)limit, what);
}

/* ---- what an entry says of itself ---- */

static int entry_add(struct pack_scan *scan)
{
	if (scan->entry_count == scan->entry_room) {
		size_t room = scan->entry_room ? scan->entry_room * 2 : 256;
		struct entry *grown = reallocarray(scan->entries, room, sizeof *grown);

		if (!grown)
			return error_no_memory(scan->err);
		scan->entries = grown;
		scan->entry_room = room;
	}
	scan->entries[scan->entry_count++] = (struct entry){.offset = scan->offset};
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	uint64_t left = ((const struct entry *)a)->offset,
		 right = ((const struct entry *)b)->offset;

	return (left > right) - (left < right);
}

/* The base must be an entry before. */
static int base_find(struct pack_scan *scan)
{
	struct entry *own = &scan->entries[scan->entry_count - 1];
	struct entry wanted = {.offset = own->offset - scan->distance};
	const struct entry *base = NULL;

	if (scan->distance <= own->offset)
		base = bsearch(
			&wanted, scan->entries, scan->entry_count - 1, sizeof *base, entry_compare);
	if (!base)
		return malformed(scan, "a delta of nothing");
	own->depth = base->depth + 1;
	return own->depth > PACK_DELTA_DEPTH ? malformed(scan, "a delta of too many others") : 0;
}

static int size_count(struct pack_scan *scan, uint64_t size)
{
	if (size > scan->limits.object)
		return too_much(scan, "bytes in one object", scan->limits.object);
	if (size > scan->limits.unpacked - scan->unpacked)
		return too_much(scan, "bytes in all", scan->limits.unpacked);
	scan->unpacked += size;
	return 0;
}

static int data_begin(struct pack_scan *scan)
{
	scan->state = SCAN_DATA;
	scan->inflated = 0;
	text_clear(&scan->object);
	return inflateReset(&scan->zlib) == Z_OK ? size_count(scan, scan->size)
						 : error_no_memory(scan->err);
}

static int size_end(struct pack_scan *scan)
{
	if (scan->type != DELTA)
		return data_begin(scan);
	scan->state = SCAN_DISTANCE;
	scan->distance = 0;
	scan->held_size = 0;
	return 0;
}

static int size_byte(struct pack_scan *scan, unsigned char byte)
{
	if (scan->shift > SIZE_BITS - 7)
		return malformed(scan, "a size beyond all bounds");
	scan->size |= (uint64_t)(byte & 0x7f) << scan->shift;
	scan->shift += 7;
	return byte & 0x80 ? 0 : size_end(scan);
}

static int entry_byte(struct pack_scan *scan, unsigned char byte)
{
	int rc = entry_add(scan);

	if (rc)
		return rc;
	scan->type = (enum entry_type)(byte >> 4 & 7);
	scan->size = byte & 15;
	scan->shift = 4;
	scan->state = SCAN_SIZE;
	switch (scan->type) {
	case COMMIT:
	case TREE:
	case BLOB:
	case TAG:
	case DELTA:
		return byte & 0x80 ? 0 : size_end(scan);
	}
	return malformed(scan, "an entry of another kind");
}

static int distance_byte(struct pack_scan *scan, unsigned char byte)
{
	int rc;

	if (scan->distance >> (SIZE_BITS - 7))
		return malformed(scan, "a delta of nothing");
	if (scan->held_size++)
		scan->distance++;
	scan->distance = scan->distance << 7 | (byte & 0x7f);
	if (byte & 0x80)
		return 0;
	rc = base_find(scan);
	return rc ? rc : data_begin(scan);
}

/* ---- what is in it ---- */

/* One of the two sizes that a delta begins with; 0 where there is none. */
static size_t delta_size(const unsigned char *data, size_t length, uint64_t *size)
{
	*size = 0;
	for (size_t i = 0; i < length && 7 * i <= SIZE_BITS - 7; i++) {
		*size |= (uint64_t)(data[i] & 0x7f) << (7 * i);
		if (!(data[i] & 0x80))
			return i + 1;
	}
	return 0;
}

static int delta_count(struct pack_scan *scan)
{
	size_t length = scan->inflated < DELTA_HEAD ? (size_t)scan->inflated : DELTA_HEAD;
	uint64_t base, size = 0;
	size_t first = delta_size(scan->delta_head, length, &base);
	size_t second = first ? delta_size(scan->delta_head + first, length - first, &size) : 0;
	int rc = second ? size_count(scan, size) : malformed(scan, "a delta with no size");

	if (!rc && (base > PACK_DELTA_MOST || size > PACK_DELTA_MOST))
		rc = malformed(scan, "a delta of too much");
	return rc;
}

static bool is_kept(const struct pack_scan *scan)
{
	return scan->keep && scan->type != DELTA && scan->size <= PACK_KEEP_MOST;
}

static void object_keep(struct pack_scan *scan)
{
	bool plain = is_kept(scan) && !text_failed(&scan->object);

	if (scan->keep && scan->keep(plain ? (git_object_t)scan->type : GIT_OBJECT_INVALID,
				  plain ? &scan->object : NULL, scan->context))
		scan->keep = NULL;
}

static int entry_end(struct pack_scan *scan)
{
	if (scan->inflated != scan->size)
		return malformed(scan, "an object that is shorter than it says");
	object_keep(scan);
	scan->state = scan->entry_count < scan->count ? SCAN_ENTRY : SCAN_SUM;
	scan->held_size = 0;
	return scan->type == DELTA ? delta_count(scan) : 0;
}

static int data_bytes(struct pack_scan *scan, const unsigned char *data, size_t size, size_t *used)
{
	unsigned char sink[SINK_SIZE];
	size_t part = size < UINT32_MAX / 2 ? size : UINT32_MAX / 2, before, got;
	z_stream *zlib = &scan->zlib;
	int code;

	zlib->next_in = (unsigned char *)(uintptr_t)data;
	zlib->avail_in = (uInt)part;
	do {
		zlib->next_out = sink;
		zlib->avail_out = sizeof sink;
		code = inflate(zlib, Z_NO_FLUSH);
		got = sizeof sink - zlib->avail_out;
		before = scan->inflated < DELTA_HEAD ? (size_t)scan->inflated : DELTA_HEAD;
		memcpy(scan->delta_head + before, sink,
			got < DELTA_HEAD - before ? got : DELTA_HEAD - before);
		scan->inflated += got;
		if (is_kept(scan))
			text_add(&scan->object, sink, got);
		if (code == Z_MEM_ERROR)
			return error_no_memory(scan->err);
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
			return malformed(scan, "what cannot be inflated");
		if (scan->inflated > scan->size)
			return malformed(scan, "an object that is longer than it says");
	} while (code == Z_OK && !zlib->avail_out);
	*used = part - zlib->avail_in;
	return code == Z_STREAM_END ? entry_end(scan) : 0;
}

/* ---- around it ---- */

static int head_read(struct pack_scan *scan)
{
	uint32_t number;

	memcpy(&number, scan->held + 8, sizeof number);
	scan->count = be32toh(number);
	if (memcmp(scan->held, "PACK\0\0\0\2", 8) != 0 || !scan->count)
		return malformed(scan, "no beginning of one");
	if (scan->count > scan->limits.objects)
		return too_much(scan, "objects", scan->limits.objects);
	scan->state = SCAN_ENTRY;
	return 0;
}

static int sum_check(struct pack_scan *scan)
{
	unsigned char sum[SHA1_SIZE];

	scan->state = SCAN_DONE;
	sha1_end(&scan->sha1, sum);
	return memcmp(sum, scan->held, sizeof sum) == 0 ? 0 : malformed(scan, "another sum");
}

/* Head or sum, of so many bytes. */
static int held_bytes(
	struct pack_scan *scan, size_t whole, const unsigned char *data, size_t size, size_t *used)
{
	size_t left = whole - scan->held_size;

	*used = size < left ? size : left;
	memcpy(scan->held + scan->held_size, data, *used);
	scan->held_size += *used;
	if (scan->held_size < whole)
		return 0;
	return scan->state == SCAN_HEAD ? head_read(scan) : sum_check(scan);
}

static int step(struct pack_scan *scan, const unsigned char *data, size_t size, size_t *used)
{
	*used = 1;
	switch (scan->state) {
	case SCAN_HEAD:
		return held_bytes(scan, HEAD_SIZE, data, size, used);
	case SCAN_ENTRY:
		return entry_byte(scan, *data);
	case SCAN_SIZE:
		return size_byte(scan, *data);
	case SCAN_DISTANCE:
		return distance_byte(scan, *data);
	case SCAN_DATA:
		return data_bytes(scan, data, size, used);
	case SCAN_SUM:
		return held_bytes(scan, SHA1_SIZE, data, size, used);
	case SCAN_DONE:
		break;
	}
	return malformed(scan, "something behind its end");
}

int pack_scan_put(struct pack_scan *scan, const void *data, size_t size, struct dd_error *err)
{
	const unsigned char *at = data;
	int rc = 0;

	scan->err = err;
	if (size > scan->limits.bytes - scan->offset)
		return too_much(scan, "bytes", scan->limits.bytes);
	while (!rc && size) {
		bool summed = scan->state != SCAN_SUM;
		size_t used = 0;

		rc = step(scan, at, size, &used);
		if (summed)
			sha1_add(&scan->sha1, at, used);
		at += used;
		size -= used;
		scan->offset += used;
	}
	return rc;
}

int pack_scan_end(struct pack_scan *scan, uint64_t *objects, struct dd_error *err)
{
	scan->err = err;
	if (scan->state != SCAN_DONE)
		return malformed(scan, "an early end");
	*objects = scan->count;
	return 0;
}
