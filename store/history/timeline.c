/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole book as one line of time. Every history is sorted already, so they are merged: a heap
 * holds the next version of each, the newest on top. Only the times are kept; what is told is read
 * when its turn comes, so memory is by the domain and not by the version.
 */
#include "store/room.h"

#include <string.h>

struct next {
	struct domain_row row;
	uint32_t number;
	git_oid oid;
	int64_t when;
};

struct timeline {
	struct book *book;
	int64_t since;
	struct next *heap;
	size_t count, room;
	struct dd_error *err;
};

static void cleanup_timeline(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->count; i++)
		domain_row_release(&timeline->heap[i].row);
	free(timeline->heap);
}

/* Is a told before b? The order among those of one second has to be one and the same always. */
static bool before(const struct next *a, const struct next *b)
{
	if (a->when != b->when)
		return a->when > b->when;
	return strcmp(a->row.uuid, b->row.uuid) < 0;
}

static void swap(struct next *a, struct next *b)
{
	struct next c = *a;

	*a = *b;
	*b = c;
}

static void sink(struct timeline *timeline, size_t at)
{
	struct next *heap = timeline->heap;

	for (;;) {
		size_t first = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < timeline->count;
			child++)
			if (before(&heap[child], &heap[first]))
				first = child;
		if (first == at)
			return;
		swap(&heap[at], &heap[first]);
		at = first;
	}
}

static void drop_first(struct timeline *timeline)
{
	domain_row_release(&timeline->heap[0].row);
	timeline->heap[0] = timeline->heap[--timeline->count];
	sink(timeline, 0);
}

static int read_when(struct timeline *timeline, struct next *next)
{
	CLEANUP(version_info) struct version_info info = {0};
	int rc = version_read(timeline->book, next->number, &next->oid, &info, timeline->err);

	if (!rc)
		next->when = info.when;
	return version_failure(timeline->book, next->row.uuid, next->number, rc, timeline->err);
}

static int add_domain(const struct domain_row *row, void *context)
{
	struct timeline *timeline = context;
	struct next next = {.number = 0};
	int rc;

	if (timeline->count == timeline->room) {
		size_t room = timeline->room ? timeline->room * 2 : 64;
		struct next *heap = reallocarray(timeline->heap, room, sizeof *heap);

		if (!heap)
			return error_no_memory(timeline->err);
		timeline->heap = heap;
		timeline->room = room;
	}
	rc = version_find(timeline->book, row->uuid, &next.number, &next.oid, timeline->err);
	if (!rc)
		rc = read_when(timeline, &next);
	if (rc || next.when < timeline->since)
		return rc;
	memcpy(next.row.uuid, row->uuid, UUID_SIZE);
	next.row.state = row->state;
	next.row.version = row->version;
	rc = string_copy(&next.row.name, row->name, timeline->err);
	if (!rc)
		timeline->heap[timeline->count++] = next;
	return rc;
}

/* The one on top gives way to the version before it. */
static int step(struct timeline *timeline)
{
	struct next *next = &timeline->heap[0];
	int rc = 0;

	if (--next->number == 0) {
		drop_first(timeline);
		return 0;
	}
	rc = version_find(timeline->book, next->row.uuid, &next->number, &next->oid, timeline->err);
	if (!rc)
		rc = read_when(timeline, next);
	if (!rc && next->when < timeline->since)
		drop_first(timeline);
	else
		sink(timeline, 0);
	return rc;
}

int book_timeline(struct book *book, int64_t since,
	int (*visit)(const struct domain_row *row, const struct version_info *info, void *context),
	void *context, struct dd_error *err)
{
	CLEANUP(timeline)
	struct timeline timeline = {.book = book, .since = since, .err = err};
	int rc = book_list(book, true, add_domain, &timeline, err);

	for (size_t i = timeline.count / 2; !rc && i-- > 0;)
		sink(&timeline, i);
	while (!rc && timeline.count) {
		const struct next *next = &timeline.heap[0];
		CLEANUP(version_info) struct version_info info = {0};

		rc = version_read(book, next->number, &next->oid, &info, err);
		rc = version_failure(book, next->row.uuid, next->number, rc, err);
		if (!rc)
			rc = visit(&next->row, &info, context);
		if (!rc)
			rc = step(&timeline);
	}
	return rc;
}
