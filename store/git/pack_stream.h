/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PACK_STREAM_H
#define STORE_PACK_STREAM_H

/*
 * A git pack, version 2, as it goes over a wire: written object by object, and judged byte by byte
 * before anything else reads it. Both are facts of git's gitformat-pack(5):
 *
 *   "PACK", version, number of entries; the entries; SHA-1 of all before
 *   an entry: its type and size; of a delta how far before it its base begins; a zlib stream
 *   a delta: sizes of base and result; then pieces, copied from the base or in the delta itself
 *
 * Ours have deltas whose base is before them in the same pack, and none by name. So how deep they
 * go is known as they come, and whoever unpacks them never waits for a base. What is large is none,
 * as all that it stands on would be made anew for each that is read.
 */

#include <git2.h>
#include <zlib.h>

#include "base/sha1.h"
#include "base/text.h"

#define PACK_DELTA_DEPTH 50
#define PACK_DELTA_MOST ((size_t)1 << 20) /* bytes of what is made of one, and of its base */
#define PACK_KEEP_MOST ((size_t)1 << 20)  /* bytes of what is handed out while it comes */

/* ---- writing ---- */

struct pack_stream {
	int (*put)(const void *data, size_t size, void *context); /* non-zero: stops with it */
	void *context;
	struct sha1 sha1;
	uint64_t offset;
	z_stream zlib;
	bool zlib_ready;
	struct text delta; /* the one at hand */
};

/* What an object may be a delta of, and then is what the next may. */
struct pack_base {
	struct text data;
	uint64_t offset; /* of its entry */
	int depth;       /* -1: there is none */
};

/* put and context are set. */
int pack_stream_begin(struct pack_stream *stream, uint32_t count, struct dd_error *err);
/* base may be NULL. */
int pack_stream_add(struct pack_stream *stream, git_object_t type, const void *data, size_t size,
	struct pack_base *base, struct dd_error *err);
int pack_stream_end(struct pack_stream *stream);
void pack_stream_release(struct pack_stream *stream);
static inline void cleanup_pack_stream(struct pack_stream *stream)
{
	pack_stream_release(stream);
}

/* ---- judging ---- */

struct pack_limits {
	uint64_t bytes;    /* of the pack */
	uint64_t unpacked; /* of all objects together */
	uint64_t objects;
	uint64_t object; /* bytes of one */
};

struct pack_scan;

/*
 * Is handed each object that stands in the pack as it is, data being emptied where it is taken; of
 * a delta, and of what is large, NULL. Non-zero: no more is handed out.
 */
typedef int (*pack_keep)(git_object_t type, struct text *data, void *context);

/* keep may be NULL. */
int pack_scan_begin(const struct pack_limits *limits, pack_keep keep, void *context,
	struct pack_scan **out, struct dd_error *err);
/*
 * The next bytes, in whatever pieces. DD_REFUSED: a limit. DD_CORRUPT: not a pack as ours are.
 * After a failure there is only pack_scan_release().
 */
int pack_scan_put(struct pack_scan *scan, const void *data, size_t size, struct dd_error *err);
/* It is whole; how many objects has it? */
int pack_scan_end(struct pack_scan *scan, uint64_t *objects, struct dd_error *err);
void pack_scan_release(struct pack_scan *scan); /* NULL does nothing */
CLEANUP_DEFINE(pack_scan, struct pack_scan *, pack_scan_release)

#endif
