/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git's files, all numbers in network order:
 *
 *   pack     "PACK", version 2, number of entries; the entries; SHA-1 of all before
 *   index    ff 74 4f 63, version 2; for each first byte of a name, how many objects have it or a
 *            lower one; the names, sorted; CRC-32 of each entry; 31-bit offsets, or, with the high
 *            bit set, places in a table of 64-bit ones behind; SHA-1 of the pack; SHA-1 of the
 * index
 *
 * So a joined pack is the entries one after the other, and each offset grows by what comes before.
 * The names are merged anew for each of the index' tables instead of being held.
 */
#include "store/git/join.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha1.h"

#define PACK_HEAD 12
#define INDEX_HEAD 8
#define FANOUT 256
#define LARGE_OFFSET 0x80000000u
#define COPY_SIZE 65536

static const unsigned char index_head[INDEX_HEAD] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};

struct part {
	int fd; /* of the pack */
	const unsigned char *index;
	size_t index_size;
	const unsigned char *fanout, *oids, *crcs, *offsets, *large;
	uint32_t count, at;
	uint64_t size;  /* of the entries */
	uint64_t shift; /* of their offsets */
};

struct join {
	struct pack *pack;
	struct part *parts;
	size_t part_count;
	uint32_t count; /* objects */
	struct output {
		int fd;
		struct sha1 sha1;
		size_t size;
		unsigned char buffer[COPY_SIZE];
	} output;
	struct dd_error *err;
};

static void cleanup_join(struct join **held)
{
	struct join *join = *held;

	if (!join)
		return;
	for (size_t i = 0; i < join->part_count; i++) {
		struct part *part = &join->parts[i];

		if (part->index)
			munmap((void *)(uintptr_t)part->index, part->index_size);
		if (part->fd >= 0)
			close(part->fd);
	}
	free(join->parts);
	if (join->output.fd >= 0)
		close(join->output.fd);
	free(join);
}

static uint32_t number_at(const unsigned char *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof number);
	return be32toh(number);
}

/* ---- what there is ---- */

static int refuse(struct join *join)
{
	return error_set(join->err, DD_UNSUPPORTED, "the packs cannot be joined as they are");
}

static int file_of(
	struct join *join, const char *name, const char *suffix, int *fd, struct stat *status)
{
	CLEANUP(free) char *path = NULL;
	int rc = string_format(&path, join->err, "%s/pack-%s.%s", join->pack->packs, name, suffix);

	if (rc)
		return rc;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 || fstat(*fd, status) < 0)
		return error_errno(join->err, errno, "cannot open %s", path);
	return 0;
}

static int index_map(struct join *join, struct part *part, const char *name)
{
	struct stat status;
	CLEANUP(close) int fd = -1;
	int rc = file_of(join, name, "idx", &fd, &status);
	void *map;

	if (rc)
		return rc;
	if (status.st_size < INDEX_HEAD + FANOUT * 4 + 2 * SHA1_SIZE)
		return refuse(join);
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return error_errno(join->err, errno, "cannot map an index");
	part->index = map;
	part->index_size = (size_t)status.st_size;
	part->fanout = part->index + INDEX_HEAD;
	part->count = number_at(part->fanout + (FANOUT - 1) * 4);
	part->oids = part->fanout + (size_t)FANOUT * 4;
	part->crcs = part->oids + (size_t)part->count * GIT_OID_RAWSZ;
	part->offsets = part->crcs + (size_t)part->count * 4;
	part->large = part->offsets + (size_t)part->count * 4;
	if (memcmp(part->index, index_head, INDEX_HEAD) != 0 ||
		part->large + 2 * (size_t)SHA1_SIZE > part->index + part->index_size)
		return refuse(join);
	return 0;
}

static int part_open(struct join *join, struct part *part, const char *name)
{
	unsigned char head[PACK_HEAD];
	struct stat status;
	int rc = index_map(join, part, name);

	if (!rc)
		rc = file_of(join, name, "pack", &part->fd, &status);
	if (rc)
		return rc;
	if (status.st_size < PACK_HEAD + SHA1_SIZE ||
		pread(part->fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
		memcmp(head, "PACK\0\0\0\2", 8) != 0 || number_at(head + 8) != part->count ||
		part->count > UINT32_MAX - join->count)
		return refuse(join);
	part->size = (uint64_t)status.st_size - PACK_HEAD - SHA1_SIZE;
	join->count += part->count;
	return 0;
}

static int parts_open(struct join *join, const char (*names)[PACK_NAME_SIZE], size_t count)
{
	uint64_t shift = 0;
	int rc = 0;

	join->parts = calloc(count, sizeof *join->parts);
	if (!join->parts)
		return error_no_memory(join->err);
	for (size_t i = 0; !rc && i < count; i++) {
		join->parts[i].fd = -1;
		join->part_count = i + 1;
		rc = part_open(join, &join->parts[i], names[i]);
		join->parts[i].shift = shift;
		shift += join->parts[i].size;
	}
	return rc;
}

/* ---- writing ---- */

static int output_open(struct join *join, const char *suffix)
{
	CLEANUP(free) char *path = NULL;
	int rc = string_format(&path, join->err, "%s/join.%s", join->pack->incoming, suffix);

	if (rc)
		return rc;
	join->output.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (join->output.fd < 0)
		return error_errno(join->err, errno, "cannot create %s", path);
	sha1_init(&join->output.sha1);
	join->output.size = 0;
	return 0;
}

static int output_flush(struct join *join)
{
	struct output *output = &join->output;
	int rc = file_write(output->fd, output->buffer, output->size);

	sha1_add(&output->sha1, output->buffer, output->size);
	output->size = 0;
	return rc ? error_errno(join->err, -rc, "cannot write a pack") : 0;
}

static int put(struct join *join, const void *bytes, size_t size)
{
	struct output *output = &join->output;
	int rc = sizeof output->buffer - output->size < size ? output_flush(join) : 0;

	if (!rc)
		memcpy(output->buffer + output->size, bytes, size);
	output->size += rc ? 0 : size;
	return rc;
}

static int put_number(struct join *join, uint32_t number)
{
	number = htobe32(number);
	return put(join, &number, sizeof number);
}

/* The sum of all before, which is no part of itself; and the file is durable. */
static int output_close(struct join *join, unsigned char sum[SHA1_SIZE])
{
	struct output *output = &join->output;
	int rc = output_flush(join);

	if (rc)
		return rc;
	sha1_end(&output->sha1, sum);
	rc = file_write(output->fd, sum, SHA1_SIZE);
	if (!rc && fsync(output->fd) < 0)
		rc = -errno;
	close(output->fd);
	output->fd = -1;
	return rc ? error_errno(join->err, -rc, "cannot write a pack") : 0;
}

static int entries_copy(struct join *join, const struct part *part)
{
	struct output *output = &join->output;
	uint64_t at = 0;
	int rc = output_flush(join);

	while (!rc && at < part->size) {
		uint64_t left = part->size - at;
		size_t size = left < COPY_SIZE ? (size_t)left : COPY_SIZE;
		ssize_t got = pread(part->fd, output->buffer, size, (off_t)(PACK_HEAD + at));

		if (got <= 0)
			return error_errno(join->err, got ? errno : EIO, "cannot read a pack");
		output->size = (size_t)got;
		at += (uint64_t)got;
		rc = output_flush(join);
	}
	return rc;
}

static int pack_write(struct join *join, unsigned char sum[SHA1_SIZE])
{
	int rc = output_open(join, "pack");

	if (!rc)
		rc = put(join, "PACK\0\0\0\2", 8);
	if (!rc)
		rc = put_number(join, join->count);
	for (size_t i = 0; !rc && i < join->part_count; i++)
		rc = entries_copy(join, &join->parts[i]);
	return rc ? rc : output_close(join, sum);
}

/* ---- the index ---- */

static const unsigned char *part_oid(const struct part *part)
{
	return part->oids + (size_t)part->at * GIT_OID_RAWSZ;
}

/* The part with the next name of all; NULL behind the last. */
static struct part *merge_next(struct join *join)
{
	struct part *least = NULL;

	for (size_t i = 0; i < join->part_count; i++) {
		struct part *part = &join->parts[i];

		if (part->at < part->count &&
			(!least || memcmp(part_oid(part), part_oid(least), GIT_OID_RAWSZ) < 0))
			least = part;
	}
	return least;
}

static void merge_begin(struct join *join)
{
	for (size_t i = 0; i < join->part_count; i++)
		join->parts[i].at = 0;
}

static int offset_read(struct join *join, const struct part *part, uint64_t *out)
{
	uint32_t offset = number_at(part->offsets + (size_t)part->at * 4);
	const unsigned char *large = part->large + (size_t)(offset & ~LARGE_OFFSET) * 8;
	uint64_t wide;

	*out = offset + part->shift;
	if (!(offset & LARGE_OFFSET))
		return 0;
	if (large + 8 + 2 * (size_t)SHA1_SIZE > part->index + part->index_size)
		return refuse(join);
	memcpy(&wide, large, sizeof wide);
	*out = be64toh(wide) + part->shift;
	return 0;
}

static int put_oid(struct join *join, struct part *part)
{
	return put(join, part_oid(part), GIT_OID_RAWSZ);
}

static int put_crc(struct join *join, struct part *part)
{
	return put(join, part->crcs + (size_t)part->at * 4, 4);
}

/* Offsets that need 64 bits are counted, and come once more behind the others. */
static int put_offset(struct join *join, struct part *part, uint32_t *large)
{
	uint64_t offset;
	int rc = offset_read(join, part, &offset);

	if (rc)
		return rc;
	return put_number(
		join, offset < LARGE_OFFSET ? (uint32_t)offset : LARGE_OFFSET | (*large)++);
}

static int put_large_offset(struct join *join, struct part *part)
{
	uint64_t offset;
	int rc = offset_read(join, part, &offset);

	if (rc || offset < LARGE_OFFSET)
		return rc;
	offset = htobe64(offset);
	return put(join, &offset, sizeof offset);
}

static int tables_write(struct join *join, int table)
{
	const unsigned char *before = NULL;
	uint32_t large = 0;
	struct part *part;
	int rc = 0;

	merge_begin(join);
	while (!rc && (part = merge_next(join))) {
		const unsigned char *oid = part_oid(part);

		if (before && memcmp(before, oid, GIT_OID_RAWSZ) == 0)
			return refuse(join);
		before = oid;
		switch (table) {
		case 0:
			rc = put_oid(join, part);
			break;
		case 1:
			rc = put_crc(join, part);
			break;
		case 2:
			rc = put_offset(join, part, &large);
			break;
		default:
			rc = put_large_offset(join, part);
		}
		part->at++;
	}
	return rc;
}

static int index_write(struct join *join, const unsigned char pack_sum[SHA1_SIZE])
{
	unsigned char sum[SHA1_SIZE];
	int rc = output_open(join, "idx");

	if (!rc)
		rc = put(join, index_head, sizeof index_head);
	for (size_t first = 0; !rc && first < FANOUT; first++) {
		uint32_t count = 0;

		for (size_t i = 0; i < join->part_count; i++)
			count += number_at(join->parts[i].fanout + first * 4);
		rc = put_number(join, count);
	}
	for (int table = 0; !rc && table < 4; table++)
		rc = tables_write(join, table);
	if (!rc)
		rc = put(join, pack_sum, SHA1_SIZE);
	return rc ? rc : output_close(join, sum);
}

int packs_join(struct pack *pack, const char (*names)[PACK_NAME_SIZE], size_t count,
	char name[PACK_NAME_SIZE], struct dd_error *err)
{
	CLEANUP(join) struct join *join = calloc(1, sizeof *join);
	unsigned char sum[SHA1_SIZE];
	git_oid oid;
	int rc;

	if (!join)
		return error_no_memory(err);
	join->pack = pack;
	join->err = err;
	join->output.fd = -1;
	rc = parts_open(join, names, count);
	if (!rc)
		rc = pack_write(join, sum);
	if (!rc)
		rc = index_write(join, sum);
	if (rc)
		return rc;
	git_oid_fromraw(&oid, sum);
	git_oid_tostr(name, PACK_NAME_SIZE, &oid);
	return pack_install(pack, "join", name, err);
}
