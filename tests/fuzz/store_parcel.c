/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A history that a peer sends. The input begins with a byte that says into how large pieces the
 * rest is cut on its way and, by its lowest bit, how it reads:
 *
 *   0: key (32 bytes), names of the two heads (20 bytes each), the pack as it is;
 *   1: key, two bytes that name the heads by their places, then objects: a byte of type, two of
 *      size, content. They are made into a pack, so that what is in them is reached.
 *
 * Nothing of the book may change but by a parcel that is whole, and that goes again.
 */
#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/git/object.h"
#include "store/git/pack_stream.h"
#include "store/parcels.h"

#define UUID "11111111-2222-4333-8444-00000000000a"
#define OBJECTS 64

static char folder[] = "/tmp/domesday-fuzz-XXXXXX";
static struct book *book;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

static void end(void)
{
	book_close(book);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool begin(void)
{
	const struct book_options options = {.create = true, .host_name = "fuzz"};

	if (!book && mkdtemp(folder)) {
		atexit(end);
		(void)book_open(folder, &options, &book, NULL);
	}
	return book != NULL;
}

struct input {
	const uint8_t *at;
	size_t left;
};

static const uint8_t *take(struct input *input, size_t size)
{
	const uint8_t *bytes = input->at;

	if (size > input->left)
		return NULL;
	input->at += size;
	input->left -= size;
	return bytes;
}

static int gather(const void *data, size_t size, void *context)
{
	text_add(context, data, size);
	return 0;
}

static void name(char out[COMMIT_SIZE], const git_oid *oid)
{
	git_oid_tostr(out, COMMIT_SIZE, oid);
}

static bool as_it_is(struct input *input, struct text *pack, struct parcel_heads *heads)
{
	const uint8_t *names = take(input, 40);
	git_oid oid;

	if (!names || input->left < 12)
		return false;
	git_oid_fromraw(&oid, names);
	name(heads->head, &oid);
	git_oid_fromraw(&oid, names + 20);
	name(heads->book, &oid);
	heads->objects = input->at[11];
	text_add(pack, input->at, input->left);
	return true;
}

static bool from_objects(struct input *input, struct text *pack, struct parcel_heads *heads)
{
	CLEANUP(object_set) struct object_set set = {0};
	CLEANUP(pack_stream) struct pack_stream stream = {.put = gather, .context = pack};
	const uint8_t *places = take(input, 2), *head;
	git_oid oid;

	while (places && set.count < OBJECTS && (head = take(input, 3))) {
		size_t size = (size_t)head[1] << 8 | head[2];
		const uint8_t *content = take(input, size < input->left ? size : input->left);

		size = (size_t)(input->at - content);
		if (object_add(&set, (git_object_t)(1 + head[0] % 4), content, size, &oid, NULL))
			return false;
	}
	if (!set.count || pack_stream_begin(&stream, (uint32_t)set.count, NULL))
		return false;
	for (size_t i = 0; i < set.count; i++)
		if (pack_stream_add(&stream, set.list[i].type, set.list[i].data, set.list[i].size,
			    NULL, NULL))
			return false;
	name(heads->head, &set.list[places[0] % set.count].oid);
	name(heads->book, &set.list[places[1] % set.count].oid);
	heads->objects = set.count;
	return pack_stream_end(&stream) == 0;
}

static void receive(
	const struct text *pack, size_t step, const uint8_t *key, const struct parcel_heads *heads)
{
	const struct parcel_limits limits = {
		.bytes = 1 << 20, .unpacked = 4 << 20, .objects = 200, .object = 1 << 20};
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	struct book_taken taken;
	int rc = book_parcel_begin(book, UUID, &limits, &parcel, NULL);

	for (size_t at = 0; !rc && at < pack->size; at += step)
		rc = book_parcel_put(parcel, pack->data + at,
			pack->size - at < step ? pack->size - at : step, NULL);
	if (!rc && book_parcel_end(parcel, "peer", key, heads, &taken, NULL) == 0)
		(void)book_parcel_read(parcel, "domain.xml", &text, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	CLEANUP(text) struct text pack = TEXT_INIT;
	struct parcel_heads heads = {.version = 1, .epoch = 1};
	CLEANUP(domain_row) struct domain_row row = {0};
	const uint8_t *first = take(&input, 1), *key = first ? take(&input, 32) : NULL;

	if (!key || !begin())
		return 0;
	if (*first & 1 ? from_objects(&input, &pack, &heads) : as_it_is(&input, &pack, &heads))
		receive(&pack, (size_t)(*first >> 1) * 8 + 1, key, &heads);
	(void)book_parcel_drop(book, UUID, NULL);
	assert(book_find(book, UUID, &row, NULL) == DD_NOT_FOUND);
	return 0;
}
