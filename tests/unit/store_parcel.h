/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PARCEL_TEST_H
#define STORE_PARCEL_TEST_H

/* Two books between which a domain moves. */

#include <dirent.h>

#include "base/file.h"
#include "store/key/key.h"
#include "store/parcels.h"
#include "store_support.h"

#define LARGE ((size_t)300 << 10) /* bytes of a file: more than what comes in memory */

struct pair {
	struct scene scene; /* the folder; its book is not used */
	struct scene alpha, beta;
};

static inline const char *host_of(const struct scene *scene)
{
	return strrchr(scene->place, '/') + 1;
}

static inline void side_open(struct scene *side)
{
	struct book_options options = {.create = true, .host_name = host_of(side)};

	assert_ok(side, book_open(side->place, &options, &side->book, &side->err));
}

static inline void side_reopen(struct scene *side)
{
	book_close(TAKE(side->book));
	side_open(side);
}

static inline int pair_setup(void **state)
{
	struct pair *pair = calloc(1, sizeof *pair);
	void *made;

	assert_non_null(pair);
	scene_setup(&made);
	pair->scene = *(struct scene *)made;
	free(made);
	snprintf(pair->alpha.place, sizeof pair->alpha.place, "%.4000s/alpha", pair->scene.folder);
	snprintf(pair->beta.place, sizeof pair->beta.place, "%.4000s/beta", pair->scene.folder);
	side_open(&pair->alpha);
	side_open(&pair->beta);
	*state = pair;
	return 0;
}

static inline int pair_teardown(void **state)
{
	struct pair *pair = *state;

	book_close(pair->alpha.book);
	book_close(pair->beta.book);
	nftw(pair->scene.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(pair);
	return 0;
}

/* What a peer that proved who it is has for a key. */
static inline void key_of(struct scene *side, unsigned char key[KEY_PUBLIC_SIZE])
{
	CLEANUP(text) struct text words = TEXT_INIT;
	char path[PATH_MAX + 32];

	snprintf(path, sizeof path, "%s/keys/host.pub", side->place);
	assert_ok(side, file_read(path, 4096, &words, &side->err));
	assert_true(key_words_read(text_string(&words), key));
}

/* The newest version of what a side has, or "". */
static inline void head_of(struct scene *side, const char *uuid, char head[COMMIT_SIZE])
{
	CLEANUP(version_info) struct version_info info = {0};

	head[0] = '\0';
	if (book_version(side->book, uuid, 0, &info, NULL) == 0)
		memcpy(head, info.commit, COMMIT_SIZE);
}

static inline int gather(const void *data, size_t size, void *context)
{
	text_add(context, data, size);
	return 0;
}

/* All that one side would send to another. */
struct sent {
	struct text pack;
	struct parcel_heads heads;
};

static inline void cleanup_sent(struct sent *sent)
{
	text_release(&sent->pack);
}

static inline void send_from(
	struct scene *from, const char *uuid, const char *have, struct sent *sent)
{
	text_clear(&sent->pack);
	assert_ok(from, book_parcel_write(from->book, uuid, have, &sent->heads, gather, &sent->pack,
				&from->err));
}

/* In pieces, as a channel hands them on. On failure there is no parcel. */
static inline int receive_as(struct scene *to, const char *uuid, const char *host,
	const unsigned char key[KEY_PUBLIC_SIZE], const struct sent *sent, struct parcel **out,
	struct book_taken *taken)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	int rc = book_parcel_begin(to->book, uuid, NULL, &parcel, &to->err);

	for (size_t at = 0, part = 1; !rc && at < sent->pack.size;
		at += part, part = part * 3 + 1) {
		part = part < sent->pack.size - at ? part : sent->pack.size - at;
		rc = book_parcel_put(parcel, sent->pack.data + at, part, &to->err);
	}
	if (!rc)
		rc = book_parcel_end(parcel, host, key, &sent->heads, taken, &to->err);
	if (!rc)
		*out = TAKE(parcel);
	return rc;
}

static inline int receive(struct scene *from, struct scene *to, const char *uuid,
	const struct sent *sent, struct parcel **out, struct book_taken *taken)
{
	unsigned char key[KEY_PUBLIC_SIZE];

	key_of(from, key);
	return receive_as(to, uuid, host_of(from), key, sent, out, taken);
}

static inline void transfer(struct scene *from, struct scene *to, const char *uuid,
	struct parcel **out, struct book_taken *taken)
{
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	char have[COMMIT_SIZE];

	head_of(to, uuid, have);
	send_from(from, uuid, have, &sent);
	assert_ok(to, receive(from, to, uuid, &sent, out, taken));
}

struct claim {
	const char *name, *xml;
	enum domain_state state;
	uint64_t journal;
	const char *detail;
};

/* The version with which a side takes a domain over. */
static inline int claim_apply(struct scene *side, struct parcel *parcel, const char *uuid,
	const struct book_taken *taken, const struct claim *claim)
{
	struct tree_file file = {"domain.xml", claim->xml, strlen(claim->xml)};
	char epoch[16];
	const struct trailer trailers[] = {
		{"Operation", "migrate"}, {"Epoch", epoch}, {"Taken-Book", taken->book}};
	struct version_draft version = {
		.subject = "migrate",
		.author = {"Ada Operator", "ada@example.org"},
		.trailers = trailers,
		.trailer_count = 3,
		.files = &file,
		.file_count = 1,
	};
	struct index_draft index = {.name = claim->name,
		.state = claim->state,
		.epoch = taken->epoch + 1,
		.owned = true};
	struct book_change change = {
		.uuid = uuid,
		.base = taken->version,
		.version = &version,
		.index = &index,
		.journal = claim->journal,
		.journal_detail = claim->detail,
		.parcel = parcel,
	};

	snprintf(epoch, sizeof epoch, "%u", taken->epoch + 1);
	return book_apply(side->book, &change, NULL, &side->err);
}

/* A domain from one side to the other, and the receipt back. */
static inline void migrate(
	struct scene *from, struct scene *to, const char *uuid, const char *name, const char *xml)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(parcel) struct parcel *receipt = NULL;
	struct claim claim = {.name = name, .xml = xml};
	struct book_taken taken;

	transfer(from, to, uuid, &parcel, &taken);
	assert_ok(to, claim_apply(to, parcel, uuid, &taken, &claim));
	transfer(to, from, uuid, &receipt, &taken);
	assert_ok(from, book_parcel_take(receipt, 0, NULL, NULL, NULL, &from->err));
}

static inline void assert_owner(
	struct scene *side, const char *uuid, const char *owner, uint32_t version, uint32_t epoch)
{
	CLEANUP(domain_row) struct domain_row row = {0};

	assert_ok(side, book_find(side->book, uuid, &row, &side->err));
	assert_int_equal(row.version, version);
	assert_int_equal(row.epoch, epoch);
	if (owner)
		assert_string_equal(row.owner ? row.owner : "(this host)", owner);
	else
		assert_null(row.owner);
	assert_int_equal(row.state == STATE_GONE, owner != NULL);
}

static inline void tag(struct scene *side, uint32_t number, const char *label)
{
	const struct tag_draft draft = {.uuid = UUID_A,
		.number = number,
		.label = label,
		.tagger = {"Ada Operator", "ada@example.org"}};
	bool made;

	assert_ok(side, book_tag(side->book, &draft, NULL, &made, &side->err));
}

static inline int tell_finding(const struct finding *finding, void *context)
{
	text_printf(context, "%s %s %u: %s\n", finding->kind, finding->where, finding->version,
		finding->sentence);
	return 0;
}

/* Nothing is wrong with a side's book, and nothing of a parcel is left in it. */
static inline void assert_whole(struct scene *side)
{
	CLEANUP(text) struct text told = TEXT_INIT;
	struct verify_counts counts = {0};

	side_reopen(side);
	assert_ok(side, book_verify(side->book, NULL, tell_finding, &told, &counts, &side->err));
	if (counts.findings)
		fail_msg("%s: %s", host_of(side), text_string(&told));
}

/* As if what has come in whole had done so an hour ago. */
static inline void age_parcel(struct scene *side)
{
	char folder[PATH_MAX + 64];
	const struct timespec then[] = {
		{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
	DIR *files;

	snprintf(folder, sizeof folder, "%s/parcels/" UUID_A, side->place);
	files = opendir(folder);
	for (const struct dirent *entry; files && (entry = readdir(files));)
		if (entry->d_name[0] != '.')
			assert_int_equal(utimensat(dirfd(files), entry->d_name, then, 0), 0);
	if (files)
		closedir(files);
}

static inline void assert_no_parcel(struct scene *side)
{
	char path[PATH_MAX + 32];
	DIR *folder;
	int found = 0;

	snprintf(path, sizeof path, "%s/parcels", side->place);
	folder = opendir(path);
	for (const struct dirent *entry; folder && (entry = readdir(folder));)
		found += entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	assert_int_equal(found, 0);
}

#endif
