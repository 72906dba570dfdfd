/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a migration's parts: a history comes in, is claimed, and ends where it was. The other
 * host's book is in the folder of this one, and what it sends was written down before.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "changes.h"
#include "rows.h"
#include "store/key/key.h"
#include "store/parcels.h"

#define OTHER "beta"
#define COMING 5 /* domain of the other that comes */
#define GOING 2  /* own domain that goes; it has three versions */

/* What came over the line; it is read again in each run. */
static struct {
	struct text pack;
	struct parcel_heads heads;
	unsigned char key[KEY_PUBLIC_SIZE];
} sent;

static struct scene other_scene(const struct scene *scene)
{
	struct scene other = {.host = OTHER};

	snprintf(other.folder, sizeof other.folder, "%.200s/" OTHER, scene->folder);
	return other;
}

static int gather(const void *data, size_t size, void *context)
{
	text_add(context, data, size);
	return 0;
}

static int send_from(const struct scene *from, int domain, const char *have, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	char uuid[UUID_SIZE], path[sizeof from->folder + 32];
	int rc;

	uuid_of(domain, uuid);
	snprintf(path, sizeof path, "%s/keys/host.pub", from->folder);
	rc = file_read(path, 4096, &words, err);
	if (!rc && !key_words_read(text_string(&words), sent.key))
		rc = error_set(err, DD_CORRUPT, "no key in %s", path);
	text_release(&sent.pack);
	return rc ? rc
		  : book_parcel_write(from->book, uuid, have, &sent.heads, gather, &sent.pack, err);
}

/* In pieces, as a channel hands them on. */
static int receive(struct scene *to, int domain, const char *host, struct parcel **out,
	struct book_taken *taken, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	const size_t half = sent.pack.size / 2;
	char uuid[UUID_SIZE];
	int rc;

	uuid_of(domain, uuid);
	rc = book_parcel_begin(to->book, uuid, NULL, &parcel, err);
	if (!rc)
		rc = book_parcel_put(parcel, sent.pack.data, half, err);
	if (!rc)
		rc = book_parcel_put(parcel, sent.pack.data + half, sent.pack.size - half, err);
	if (!rc)
		rc = book_parcel_end(parcel, host, sent.key, &sent.heads, taken, err);
	if (!rc)
		rc = book_parcel_keep(parcel, err);
	if (!rc)
		*out = TAKE(parcel);
	return rc;
}

static int claim(struct scene *scene, int domain, const char *from, struct parcel *parcel,
	const struct book_taken *taken, struct dd_error *err)
{
	const struct wish wish = {.domain = domain,
		.base = taken->version,
		.subject = "migrate",
		.epoch = taken->epoch + 1,
		.taken_from = from,
		.taken_book = taken->book,
		.parcel = parcel};

	return grant(scene, &wish, err);
}

static int judge(struct book *book, int domain, const char *owner, bool *so, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	char uuid[UUID_SIZE];
	int rc;

	uuid_of(domain, uuid);
	rc = book_find(book, uuid, &row, err);
	*so = !rc && row.state != STATE_GONE &&
	      (owner ? row.owner && strcmp(row.owner, owner) == 0 : !row.owner);
	return rc == DD_NOT_FOUND ? 0 : rc;
}

/* ---- it comes in ---- */

int prepare_receive(struct scene *scene, struct dd_error *err)
{
	struct scene other = other_scene(scene);
	int rc = scene_open(&other, true, err);

	for (uint32_t base = 0; !rc && base < 2; base++)
		rc = scene_edit(&other, COMING, base, err);
	if (!rc)
		rc = tag(&other, COMING, 1, "theirs", err);
	if (!rc)
		rc = send_from(&other, COMING, "", err);
	scene_close(&other);
	return rc;
}

int run_receive(struct scene *scene, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;

	return told(scene, receive(scene, COMING, OTHER, &parcel, &taken, err));
}

static int find(
	struct scene *scene, struct parcel **out, struct book_taken *taken, struct dd_error *err)
{
	char uuid[UUID_SIZE];

	uuid_of(COMING, uuid);
	return book_parcel_open(scene->book, uuid, OTHER, sent.key, &sent.heads, out, taken, err);
}

/* What was said to be there is found; what was not comes anew, and is not the domain yet. */
int check_receive(struct scene *scene, bool done, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;
	bool owned = false;
	int rc = done ? find(scene, &parcel, &taken, err)
		      : receive(scene, COMING, OTHER, &parcel, &taken, err);

	if (!rc)
		rc = judge(scene->book, COMING, NULL, &owned, err);
	return !rc && owned ? error_set(err, DD_CORRUPT, "the domain is taken already") : rc;
}

/* ---- it is claimed ---- */

int prepare_arrive(struct scene *scene, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;
	int rc = prepare_receive(scene, err);

	return rc ? rc : receive(scene, COMING, OTHER, &parcel, &taken, err);
}

int run_arrive(struct scene *scene, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;
	int rc = find(scene, &parcel, &taken, err);

	return rc ? rc : claim(scene, COMING, OTHER, parcel, &taken, err);
}

/* It has an owner, or can have one with what came. */
int check_arrive(struct scene *scene, bool done, struct dd_error *err)
{
	bool owned = false;
	int rc = judge(scene->book, COMING, NULL, &owned, err);

	if (!rc && !owned && !done)
		rc = run_arrive(scene, err);
	if (!rc)
		rc = judge(scene->book, COMING, NULL, &owned, err);
	return rc || owned ? rc : error_set(err, DD_CORRUPT, "the domain is not taken");
}

/* ---- its history ends where it was, which goes on listing it ---- */

/* The other has taken it, and what it has made of it is on its way here. */
int prepare_hand_over(struct scene *scene, struct dd_error *err)
{
	struct scene other = other_scene(scene);
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(version_info) struct version_info newest = {.number = 0};
	struct book_taken taken;
	char uuid[UUID_SIZE];
	int rc = scene_open(&other, true, err);

	uuid_of(GOING, uuid);
	if (!rc)
		rc = send_from(scene, GOING, "", err);
	if (!rc)
		rc = receive(&other, GOING, HOST, &parcel, &taken, err);
	if (!rc)
		rc = claim(&other, GOING, HOST, parcel, &taken, err);
	if (!rc)
		rc = book_version(scene->book, uuid, 0, &newest, err);
	if (!rc)
		rc = send_from(&other, GOING, newest.commit, err);
	parcel_release(TAKE(parcel));
	scene_close(&other);
	return rc;
}

int run_hand_over(struct scene *scene, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;
	char uuid[UUID_SIZE];
	int rc = receive(scene, GOING, OTHER, &parcel, &taken, err);

	uuid_of(GOING, uuid);
	if (!rc)
		rc = book_find(scene->book, uuid, &row, err);
	if (!rc) {
		const struct index_draft kept = {.name = row.name, .state = STATE_SHUT_OFF};

		rc = told(scene, book_parcel_take(parcel, 0, &kept, NULL, NULL, err));
	}
	return rc ? rc : checkpoint(scene, err);
}

int check_hand_over(struct scene *scene, bool done, struct dd_error *err)
{
	bool given = false;
	int rc = judge(scene->book, GOING, OTHER, &given, err);

	if (!rc && !given && !done)
		rc = run_hand_over(scene, err);
	if (!rc)
		rc = judge(scene->book, GOING, OTHER, &given, err);
	return rc || given ? rc : error_set(err, DD_CORRUPT, "the domain is not the other's");
}
