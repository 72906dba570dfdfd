/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pack is "PACK", version 2, number of entries; the entries; SHA-1 of all before. So a joined
 * pack is the entries one after the other, and each offset grows by what comes before. The names
 * are merged anew for each of the index' tables (pack_index.h) instead of being held.
 *
 * Nothing is joined that is not what its checksum says: the sums of the new files would vouch for
 * the damage.
 */
#include "store/git/join.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha1.h"
#include "store/git/pack_index.h"

#define COPY_SIZE 65536

struct part {
	const char *name;
	int fd; /* of the pack */
	struct pack_index index;
	uint32_t at;
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

		pack_index_release(&part->index);
		if (part->fd >= 0)
			close(part->fd);
	}
	free(join->parts);
	if (join->output.fd >= 0)
		close(join->output.fd);
	free(join);
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

static int damaged(struct join *join, const struct part *part, const char *suffix)
{
	error_set(join->err, DD_CORRUPT,
		"%s/pack-%s.%s is damaged: it is not what its checksum says", join->pack->packs,
		part->name, suffix);
	return error_hint(join->err, "'domesday verify' says what is damaged");
}

static int index_open(struct join *join, struct part *part)
{
	struct stat status;
	CLEANUP(close) int fd = -1;
	int rc = file_of(join, part->name, "idx", &fd, &status);

	if (rc)
		return rc;
	rc = pack_index_map(&part->index, fd);
	if (rc == -EBADMSG)
		return refuse(join);
	if (rc)
		return error_errno(join->err, -rc, "cannot map an index");
	return pack_index_whole(&part->index) ? 0 : damaged(join, part, "idx");
}

static int part_open(struct join *join, struct part *part)
{
	unsigned char head[PACK_HEAD];
	struct stat status;
	int rc = index_open(join, part);

	if (!rc)
		rc = file_of(join, part->name, "pack", &part->fd, &status);
	if (rc)
		return rc;
	if (status.st_size < PACK_HEAD + SHA1_SIZE ||
		pread(part->fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
		memcmp(head, "PACK\0\0\0\2", 8) != 0 ||
		pack_number(head + 8) != part->index.count ||
		part->index.count > UINT32_MAX - join->count)
		return refuse(join);
	part->size = (uint64_t)status.st_size - PACK_HEAD - SHA1_SIZE;
	join->count += part->index.count;
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
		join->parts[i].name = names[i];
		join->parts[i].fd = -1;
		join->part_count = i + 1;
		rc = part_open(join, &join->parts[i]);
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
	unsigned char head[PACK_HEAD], due[SHA1_SIZE], sum[SHA1_SIZE];
	struct sha1 sha1;
	uint64_t at = 0;
	int rc = output_flush(join);

	if (!rc && (pread(part->fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
			   pread(part->fd, due, sizeof due, (off_t)(PACK_HEAD + part->size)) !=
				   (ssize_t)sizeof due))
		rc = error_errno(join->err, EIO, "cannot read a pack");
	sha1_init(&sha1);
	sha1_add(&sha1, head, sizeof head);
	while (!rc && at < part->size) {
		uint64_t left = part->size - at;
		size_t size = left < COPY_SIZE ? (size_t)left : COPY_SIZE;
		ssize_t got = pread(part->fd, output->buffer, size, (off_t)(PACK_HEAD + at));

		if (got <= 0)
			return error_errno(join->err, got ? errno : EIO, "cannot read a pack");
		output->size = (size_t)got;
		at += (uint64_t)got;
		sha1_add(&sha1, output->buffer, output->size);
		rc = output_flush(join);
	}
	sha1_end(&sha1, sum);
	return rc || memcmp(sum, due, sizeof sum) == 0 ? rc : damaged(join, part, "pack");
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
	return part->index.oids + (size_t)part->at * GIT_OID_RAWSZ;
}

/* The part with the next name of all; NULL behind the last. */
static struct part *merge_next(struct join *join)
{
	struct part *least = NULL;

	for (size_t i = 0; i < join->part_count; i++) {
		struct part *part = &join->parts[i];

		if (part->at < part->index.count &&
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
	if (!pack_index_offset(&part->index, part->at, out))
		return refuse(join);
	*out += part->shift;
	return 0;
}

static int put_oid(struct join *join, struct part *part)
{
	return put(join, part_oid(part), GIT_OID_RAWSZ);
}

static int put_crc(struct join *join, struct part *part)
{
	return put(join, part->index.crcs + (size_t)part->at * 4, 4);
}

/* Offsets that need 64 bits are counted, and come once more behind the others. */
static int put_offset(struct join *join, struct part *part, uint32_t *large)
{
	uint64_t offset;
	int rc = offset_read(join, part, &offset);

	if (rc)
		return rc;
	return put_number(join,
		offset < PACK_LARGE_OFFSET ? (uint32_t)offset : PACK_LARGE_OFFSET | (*large)++);
}

static int put_large_offset(struct join *join, struct part *part)
{
	uint64_t offset;
	int rc = offset_read(join, part, &offset);

	if (rc || offset < PACK_LARGE_OFFSET)
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
		rc = put(join, pack_index_head, sizeof pack_index_head);
	for (size_t first = 0; !rc && first < PACK_FANOUT; first++) {
		uint32_t count = 0;

		for (size_t i = 0; i < join->part_count; i++)
			count += pack_number(join->parts[i].index.fanout + first * 4);
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
