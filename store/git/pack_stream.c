/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/pack_stream.h"

#include <endian.h>
#include <string.h>

#define OUT_SIZE 16384
#define TYPE_DELTA 6
#define COPY_MAX 0xffffu /* of one instruction; more is allowed, but not all readers knew it */
#define INSERT_MAX 127u
/*
 * Bytes that are not worth squeezing: hashes and signatures are most of a commit and of a tree, and
 * to squeeze and expand them takes both sides longer than to send them. Whoever merges packs
 * squeezes all anew.
 */
#define STORED_MOST 1024

static int put(struct pack_stream *stream, const void *data, size_t size)
{
	sha1_add(&stream->sha1, data, size);
	stream->offset += size;
	return size ? stream->put(data, size, stream->context) : 0;
}

int pack_stream_begin(struct pack_stream *stream, uint32_t count, struct dd_error *err)
{
	unsigned char head[12] = "PACK\0\0\0\2";
	uint32_t number = htobe32(count);

	sha1_init(&stream->sha1);
	if (deflateInit(&stream->zlib, Z_BEST_SPEED) != Z_OK)
		return error_no_memory(err);
	stream->zlib_ready = true;
	memcpy(head + 8, &number, sizeof number);
	return put(stream, head, sizeof head);
}

void pack_stream_release(struct pack_stream *stream)
{
	if (stream->zlib_ready)
		deflateEnd(&stream->zlib);
	text_release(&stream->delta);
	stream->zlib_ready = false;
}

/* ---- one entry ---- */

static size_t head_make(unsigned char *out, unsigned type, uint64_t size)
{
	size_t length = 0;

	out[0] = (unsigned char)(type << 4 | (size & 15));
	for (size >>= 4; size; size >>= 7) {
		out[length++] |= 0x80;
		out[length] = size & 0x7f;
	}
	return length + 1;
}

/* High digits first, each but the last one less than it says. */
static size_t distance_make(unsigned char *out, uint64_t distance)
{
	unsigned char digits[10];
	size_t at = sizeof digits;

	digits[--at] = distance & 0x7f;
	while (distance >>= 7)
		digits[--at] = (unsigned char)(0x80 | (--distance & 0x7f));
	memcpy(out, digits + at, sizeof digits - at);
	return sizeof digits - at;
}

/* A zlib stream of one block that is stored (RFC 1950, RFC 1951). */
static int put_stored(struct pack_stream *stream, const void *data, size_t size)
{
	unsigned char head[7] = {0x78, 0x01, 0x01};
	uint16_t length = htole16((uint16_t)size), other = (uint16_t)~length;
	uint32_t sum = htobe32((uint32_t)adler32_z(adler32_z(0, NULL, 0), data, size));
	int rc;

	memcpy(head + 3, &length, sizeof length);
	memcpy(head + 5, &other, sizeof other);
	rc = put(stream, head, sizeof head);
	if (!rc)
		rc = put(stream, data, size);
	return rc ? rc : put(stream, &sum, sizeof sum);
}

static int put_deflated(struct pack_stream *stream, const void *data, size_t size)
{
	unsigned char block[OUT_SIZE];
	z_stream *zlib = &stream->zlib;
	int rc = 0, code;

	deflateReset(zlib);
	zlib->next_in = (unsigned char *)(uintptr_t)data;
	do {
		/* its counters have 32 bits */
		size_t part = size < UINT32_MAX / 2 ? size : UINT32_MAX / 2;

		zlib->avail_in = (uInt)part;
		size -= part;
		do {
			zlib->next_out = block;
			zlib->avail_out = sizeof block;
			code = deflate(zlib, size ? Z_NO_FLUSH : Z_FINISH);
			rc = put(stream, block, sizeof block - zlib->avail_out);
		} while (!rc && !zlib->avail_out && code != Z_STREAM_END);
	} while (!rc && size);
	return rc;
}

/* ---- deltas ---- */

static void size_add(struct text *out, uint64_t size)
{
	for (; size >= 0x80; size >>= 7)
		text_putc(out, (char)(0x80 | (size & 0x7f)));
	text_putc(out, (char)size);
}

static void copy_add(struct text *out, size_t from, size_t size)
{
	while (size) {
		size_t part = size < COPY_MAX ? size : COPY_MAX;
		unsigned char bytes[8];
		size_t length = 1;

		bytes[0] = 0x80;
		for (unsigned i = 0; i < 4; i++)
			if (from >> (8 * i) & 0xff) {
				bytes[0] |= (unsigned char)(1u << i);
				bytes[length++] = (unsigned char)(from >> (8 * i));
			}
		for (unsigned i = 0; i < 2; i++)
			if (part >> (8 * i) & 0xff) {
				bytes[0] |= (unsigned char)(0x10u << i);
				bytes[length++] = (unsigned char)(part >> (8 * i));
			}
		text_add(out, bytes, length);
		from += part;
		size -= part;
	}
}

/*
 * A version differs from the next in one place, mostly: so what is alike from the start and from
 * the end is copied, and what is between comes along. False where that saves too little.
 */
static bool delta_make(struct text *out, const struct text *base, const char *data, size_t size)
{
	const char *from = text_string(base);
	size_t both = base->size < size ? base->size : size, start = 0, end = 0;

	while (start < both && from[start] == data[start])
		start++;
	while (end < both - start && from[base->size - 1 - end] == data[size - 1 - end])
		end++;
	if (!size || start + end < size / 2)
		return false;
	text_clear(out);
	size_add(out, base->size);
	size_add(out, size);
	copy_add(out, 0, start);
	for (size_t at = start; at < size - end; at += INSERT_MAX) {
		size_t left = size - end - at, part = left < INSERT_MAX ? left : INSERT_MAX;

		text_putc(out, (char)part);
		text_add(out, data + at, part);
	}
	copy_add(out, base->size - end, end);
	return !text_failed(out);
}

static int put_squeezed(struct pack_stream *stream, const void *data, size_t size)
{
	return size <= STORED_MOST ? put_stored(stream, data, size)
				   : put_deflated(stream, data, size);
}

int pack_stream_add(struct pack_stream *stream, git_object_t type, const void *data, size_t size,
	struct pack_base *base, struct dd_error *err)
{
	bool delta = base && base->depth >= 0 && base->depth < PACK_DELTA_DEPTH &&
		     size <= PACK_DELTA_MOST && base->data.size <= PACK_DELTA_MOST &&
		     delta_make(&stream->delta, &base->data, data, size);
	uint64_t offset = stream->offset;
	unsigned char head[32];
	size_t length = delta ? head_make(head, TYPE_DELTA, stream->delta.size)
			      : head_make(head, (unsigned)type, size);
	int rc;

	if (delta)
		length += distance_make(head + length, offset - base->offset);
	rc = put(stream, head, length);
	if (!rc)
		rc = delta ? put_squeezed(stream, stream->delta.data, stream->delta.size)
			   : put_squeezed(stream, data, size);
	if (rc || !base)
		return rc;
	base->offset = offset;
	base->depth = delta ? base->depth + 1 : 0;
	text_clear(&base->data);
	text_add(&base->data, data, size);
	return text_failed(&base->data) ? error_no_memory(err) : 0;
}

int pack_stream_end(struct pack_stream *stream)
{
	unsigned char sum[SHA1_SIZE];

	sha1_end(&stream->sha1, sum);
	return stream->put(sum, sizeof sum, stream->context);
}
