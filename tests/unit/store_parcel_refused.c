/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer may send that is no history of a domain, or not its own. The packs are real ones,
 * made of what an honest book has, with objects more, fewer or other.
 */
#include <git2.h>

#include "store/commit/message.h"
#include "store/git/object.h"
#include "store/git/pack_stream.h"
#include "store/key/rotation.h"
#include "store_parcel.h"

/* ---- making packs ---- */

#define LONG 200 /* versions */

struct kit {
	struct object_set objects;
	struct sent sent;
};

static void cleanup_kit(struct kit *kit)
{
	object_set_release(&kit->objects);
	cleanup_sent(&kit->sent);
}

struct collecting {
	struct scene *side;
	struct kit *kit;
};

static void add_bytes(struct scene *side, struct kit *kit, git_object_t type, const void *data,
	size_t size, git_oid *oid)
{
	CLEANUP(text) struct text copy = TEXT_INIT;

	text_add(&copy, data, size);
	assert_ok(side, object_add_text(&kit->objects, type, &copy, oid, &side->err));
}

static int collect_object(const git_oid *oid, void *context)
{
	struct collecting *collecting = context;
	git_odb_object *object = NULL;
	git_oid same;

	assert_int_equal(git_odb_read(&object, collecting->side->book->objects, oid), 0);
	add_bytes(collecting->side, collecting->kit, git_odb_object_type(object),
		git_odb_object_data(object), git_odb_object_size(object), &same);
	git_odb_object_free(object);
	return 0;
}

/* All that a side has, which is one domain, and what it would say of it. */
static void collect(struct scene *side, struct kit *kit)
{
	struct collecting collecting = {side, kit};
	git_odb *objects = NULL;
	char path[PATH_MAX + 32];

	assert_ok(side, book_checkpoint(side->book, &side->err));
	send_from(side, UUID_A, "", &kit->sent);
	snprintf(path, sizeof path, "%s/book.git/objects", side->place);
	assert_int_equal(git_odb_open(&objects, path), 0);
	assert_int_equal(git_odb_foreach(objects, collect_object, &collecting), 0);
	git_odb_free(objects);
}

static void pack(struct kit *kit)
{
	CLEANUP(pack_stream)
	struct pack_stream stream = {.put = gather, .context = &kit->sent.pack};

	text_clear(&kit->sent.pack);
	assert_int_equal(pack_stream_begin(&stream, (uint32_t)kit->objects.count, NULL), 0);
	for (size_t i = 0; i < kit->objects.count; i++)
		assert_int_equal(
			pack_stream_add(&stream, kit->objects.list[i].type,
				kit->objects.list[i].data, kit->objects.list[i].size, NULL, NULL),
			0);
	assert_int_equal(pack_stream_end(&stream), 0);
	kit->sent.heads.objects = kit->objects.count;
}

/* ---- looking ---- */

/* Refused, with these words, and nothing is left of it. */
static void assert_refused(struct scene *from, struct scene *to, const char *uuid,
	const struct sent *sent, int code, const char *words)
{
	CLEANUP(domain_row) struct domain_row row = {0};
	struct parcel *parcel = NULL;
	struct book_taken taken;
	int rc = receive(from, to, uuid, sent, &parcel, &taken);

	if (rc != code || !strstr(to->err.message, words))
		fail_msg("%d, not %d with '%s': %s", rc, code, words, to->err.message);
	assert_int_equal(book_find(to->book, uuid, &row, NULL), DD_NOT_FOUND);
	assert_no_parcel(to);
}

/* ---- bytes ---- */

static void store_parcel_refused__bytes_that_changed(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;

	define(&pair->alpha, UUID_A, "web", "one");
	send_from(&pair->alpha, UUID_A, "", &sent);
	for (size_t at = 0; at < sent.pack.size; at += 1 + at / 40) {
		for (int bit = 0; bit < 8; bit += 5) {
			sent.pack.data[at] = (char)(sent.pack.data[at] ^ (1 << bit));
			if (receive(&pair->alpha, &pair->beta, UUID_A, &sent, &parcel, &taken) == 0)
				fail_msg("bit %d of byte %zu does not matter", bit, at);
			assert_no_parcel(&pair->beta);
			sent.pack.data[at] = (char)(sent.pack.data[at] ^ (1 << bit));
		}
	}
	for (size_t size = 0; size < sent.pack.size; size += 1 + size / 8) {
		struct sent cut = sent;

		cut.pack.size = size;
		assert_refused(&pair->alpha, &pair->beta, UUID_A, &cut, DD_CORRUPT, "no pack");
	}
	text_add(&sent.pack, "x", 1);
	assert_refused(&pair->alpha, &pair->beta, UUID_A, &sent, DD_CORRUPT, "behind its end");
	assert_whole(&pair->beta);
}

static int put_limited(
	struct scene *to, const struct parcel_limits *limits, const struct sent *sent)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;

	assert_ok(to, book_parcel_begin(to->book, UUID_A, limits, &parcel, &to->err));
	return book_parcel_put(parcel, sent->pack.data, sent->pack.size, &to->err);
}

static void store_parcel_refused__more_than_the_limits(void **state)
{
	struct pair *pair = *state;
	CLEANUP(kit) struct kit kit = {.sent.pack = TEXT_INIT};
	CLEANUP(text) struct text zeros = TEXT_INIT;
	const struct {
		struct parcel_limits limits;
		const char *words;
	} cases[] = {
		{{.bytes = 1000}, "more than 1000 bytes"},
		{{.objects = 5}, "more than 5 objects"},
		{{.object = 1 << 20}, "more than 1048576 bytes in one object"},
		{{.unpacked = 1 << 20}, "more than 1048576 bytes in all"},
	};
	git_oid oid;

	define(&pair->alpha, UUID_A, "web", "one");
	collect(&pair->alpha, &kit);
	/* 4 MiB of nothing, which is 4 KiB on the way */
	for (int i = 0; i < 1 << 12; i++)
		text_add(&zeros, (const char[1024]){0}, 1024);
	add_bytes(&pair->alpha, &kit, GIT_OBJECT_BLOB, zeros.data, zeros.size, &oid);
	pack(&kit);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(put_limited(&pair->beta, &cases[i].limits, &kit.sent), DD_REFUSED);
		assert_non_null(strstr(pair->beta.err.message, cases[i].words));
		assert_no_parcel(&pair->beta);
	}
}

/* An entry of its own making behind the head of a pack that has so many. */
static void pack_raw(struct sent *sent, uint32_t count, const char *entry, size_t size)
{
	unsigned char head[12] = {'P', 'A', 'C', 'K', 0, 0, 0, 2};

	for (int i = 0; i < 4; i++)
		head[8 + i] = (unsigned char)(count >> (24 - 8 * i));
	text_clear(&sent->pack);
	text_add(&sent->pack, head, sizeof head);
	text_add(&sent->pack, entry, size);
}

static void store_parcel_refused__entries_of_other_kinds(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	const struct {
		const char *entry, *words;
		uint32_t count;
	} cases[] = {
		{"\x75 and the name of a base", "another kind", 1},
		{"\x05", "another kind", 1},
		{"\x65\x01", "a delta of nothing", 1},
		{"\x65\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "a delta of nothing", 1},
		{"\xb5\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "beyond all bounds", 1},
		{"\xb5\xff\xff\xff\xff\x7f", "bytes in one object", 1},
		{"\x35 no zlib", "cannot be inflated", 1},
		{"", "objects", UINT32_MAX},
		{"", "no beginning", 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pack_raw(&sent, cases[i].count, cases[i].entry, strlen(cases[i].entry));
		if (put_limited(&pair->beta, NULL, &sent) == 0)
			fail_msg("case %zu is taken", i);
		if (!strstr(pair->beta.err.message, cases[i].words))
			fail_msg("case %zu: %s", i, pair->beta.err.message);
	}
}

/* A few bytes that say they become many. */
static void store_parcel_refused__a_delta_that_grows(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	CLEANUP(text) struct text entries = TEXT_INIT;
	static const unsigned char delta[] = {1, 0x80, 0x80, 0x80, 0x80, 0x10, 0x90, 1};
	unsigned char packed[64];
	uLongf size = sizeof packed;

	/* a blob of one byte */
	assert_int_equal(compress(packed, &size, (const unsigned char *)"x", 1), Z_OK);
	text_putc(&entries, 0x31);
	text_add(&entries, packed, size);
	text_putc(&entries, (char)(0x60 | sizeof delta));
	text_putc(&entries, (char)entries.size - 1);
	size = sizeof packed;
	assert_int_equal(compress(packed, &size, delta, sizeof delta), Z_OK);
	text_add(&entries, packed, size);
	pack_raw(&sent, 2, entries.data, entries.size);
	assert_int_equal(put_limited(&pair->beta, NULL, &sent), DD_REFUSED);
	assert_non_null(strstr(pair->beta.err.message, "bytes in one object"));
	/* not beyond the limit, but each of a chain would be made of all before it */
	text_clear(&entries);
	size = sizeof packed;
	assert_int_equal(compress(packed, &size, (const unsigned char *)"x", 1), Z_OK);
	text_putc(&entries, 0x31);
	text_add(&entries, packed, size);
	text_putc(&entries, 0x66);
	text_putc(&entries, (char)entries.size - 1);
	size = sizeof packed;
	assert_int_equal(
		compress(packed, &size, (const unsigned char[]){1, 0x81, 0x80, 0x40, 0x90, 1}, 6),
		Z_OK);
	text_add(&entries, packed, size);
	pack_raw(&sent, 2, entries.data, entries.size);
	assert_int_equal(put_limited(&pair->beta, NULL, &sent), DD_CORRUPT);
	assert_non_null(strstr(pair->beta.err.message, "a delta of too much"));
}

static void store_parcel_refused__deltas_too_deep(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	CLEANUP(pack_stream) struct pack_stream stream = {.put = gather, .context = &sent.pack};
	struct pack_base base = {.data = TEXT_INIT, .depth = -1};
	char xml[32];

	assert_int_equal(pack_stream_begin(&stream, 60, NULL), 0);
	for (int i = 0; i < 60; i++) {
		snprintf(xml, sizeof xml, "a line as long as this, %d", i);
		assert_int_equal(
			pack_stream_add(&stream, GIT_OBJECT_BLOB, xml, strlen(xml), &base, NULL),
			0);
		base.depth = 1; /* a book would begin anew */
	}
	text_release(&base.data);
	assert_int_equal(pack_stream_end(&stream), 0);
	assert_int_equal(put_limited(&pair->beta, NULL, &sent), DD_CORRUPT);
	assert_non_null(strstr(pair->beta.err.message, "too many others"));
}

/* ---- objects ---- */

static void store_parcel_refused__objects_that_nobody_needs(void **state)
{
	struct pair *pair = *state;
	CLEANUP(kit) struct kit kit = {.sent.pack = TEXT_INIT};
	git_oid oid;

	define(&pair->alpha, UUID_A, "web", "one");
	collect(&pair->alpha, &kit);
	pack(&kit);
	kit.sent.heads.objects++;
	assert_refused(&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, "and said 8");
	add_bytes(&pair->alpha, &kit, GIT_OBJECT_BLOB, "rubbish", 7, &oid);
	pack(&kit);
	assert_refused(&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, "does not need");
}

static void store_parcel_refused__objects_that_are_missing(void **state)
{
	struct pair *pair = *state;
	CLEANUP(kit) struct kit kit = {.sent.pack = TEXT_INIT};

	define(&pair->alpha, UUID_A, "web", "one");
	change(&pair->alpha, UUID_A, "web", 1, "two");
	collect(&pair->alpha, &kit);
	assert_ok(&pair->beta, repository_need(pair->beta.book, &pair->beta.err));
	for (size_t i = 0; i < kit.objects.count; i++) {
		struct object dropped = kit.objects.list[i];
		bool there;

		/* the README of all books is the same */
		assert_ok(&pair->beta,
			object_there(pair->beta.book, &dropped.oid, &there, &pair->beta.err));
		if (there)
			continue;
		kit.objects.list[i] = kit.objects.list[--kit.objects.count];
		pack(&kit);
		assert_refused(&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, "");
		kit.objects.list[kit.objects.count++] = kit.objects.list[i];
		kit.objects.list[i] = dropped;
	}
	/* with all of them it is taken */
	pack(&kit);
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;

	assert_ok(&pair->beta,
		receive(&pair->alpha, &pair->beta, UUID_A, &kit.sent, &parcel, &taken));
}

/* ---- whose ---- */

static void store_parcel_refused__what_heads_say_otherwise(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	struct scene *from = &pair->alpha, *to = &pair->beta;
	struct parcel_heads heads;
	unsigned char key[KEY_PUBLIC_SIZE];
	struct parcel *parcel = NULL;
	struct book_taken taken;

	define(from, UUID_A, "web", "one");
	send_from(from, UUID_A, "", &sent);
	heads = sent.heads;
	sent.heads.version = 2;
	assert_refused(from, to, UUID_A, &sent, DD_CORRUPT, "calls it version 2, epoch 1");
	sent.heads = heads;
	sent.heads.epoch = 7;
	assert_refused(from, to, UUID_A, &sent, DD_CORRUPT, "calls it version 1, epoch 7");
	sent.heads = heads;
	memcpy(sent.heads.head, heads.book, COMMIT_SIZE);
	assert_refused(from, to, UUID_A, &sent, DD_CORRUPT, "is of another domain");
	sent.heads = heads;
	memcpy(sent.heads.book, heads.head, COMMIT_SIZE);
	assert_refused(from, to, UUID_A, &sent, DD_CORRUPT, "");
	sent.heads = heads;
	memset(sent.heads.head, 'z', COMMIT_SIZE - 1);
	assert_refused(from, to, UUID_A, &sent, DD_CORRUPT, "does not say which");
	sent.heads = heads;
	/* another domain's history */
	assert_refused(from, to, UUID_B, &sent, DD_CORRUPT, "is of another domain");
	/* another host's, which it has from somewhere */
	key_of(to, key);
	assert_int_equal(receive_as(to, UUID_A, "alpha", key, &sent, &parcel, &taken), DD_REFUSED);
	assert_non_null(strstr(to->err.message, "sent the book of a host with the key"));
	assert_no_parcel(to);
	assert_int_equal(receive_as(to, UUID_A, "../x", key, &sent, &parcel, &taken), DD_INVALID);
}

/* ---- forged versions ---- */

struct forgery {
	uint32_t number;
	const char *epoch, *taken; /* trailers; NULL: none */
	const git_oid *tree;       /* NULL: that of the version before */
	bool without_key;          /* what is signed is changed then */
};

/* A version behind the newest, as whoever has the book's key can make it. */
static void forge(struct scene *side, struct kit *kit, const struct forgery *forgery)
{
	CLEANUP(text) struct text headers = TEXT_INIT;
	CLEANUP(text) struct text message = TEXT_INIT;
	struct trailer trailers[2];
	struct version_draft draft = {.subject = "forged", .trailers = trailers};
	const struct message_facts facts = {UUID_A, forgery->number, host_of(side)};
	struct commit_draft commit = {
		.author = {"Eve", "eve@example.org"},
		.committer = {"Eve", "eve@example.org"},
		.when = 1,
	};
	git_commit *before = NULL;
	git_oid parent, oid;

	assert_int_equal(git_oid_fromstr(&parent, kit->sent.heads.head), 0);
	assert_int_equal(git_commit_lookup(&before, side->book->repository, &parent), 0);
	commit.tree = forgery->tree ? *forgery->tree : *git_commit_tree_id(before);
	git_commit_free(before);
	if (forgery->epoch)
		trailers[draft.trailer_count++] = (struct trailer){"Epoch", forgery->epoch};
	if (forgery->taken)
		trailers[draft.trailer_count++] = (struct trailer){"Taken-Book", forgery->taken};
	commit.parent = &parent;
	commit_headers(&commit, &headers);
	assert_ok(side, message_build(&draft, &facts, &message, &side->err));
	message_chain(&message, 9, kit->sent.heads.head);
	assert_ok(side, signing_key(side->book, &side->err));
	assert_ok(side,
		commit_sign(&kit->objects, side->book->key, &headers, &message, &oid, &side->err));
	if (forgery->without_key) {
		struct object *object = &kit->objects.list[kit->objects.count - 1];

		memcpy(strstr(object->owned, "forged"), "FORGED", 6);
		assert_int_equal(
			git_odb_hash(&oid, object->data, object->size, GIT_OBJECT_COMMIT), 0);
	}
	git_oid_tostr(kit->sent.heads.head, COMMIT_SIZE, &oid);
	kit->sent.heads.version = forgery->number;
	pack(kit);
}

static void store_parcel_refused__forged_versions(void **state)
{
	struct pair *pair = *state;
	const struct {
		struct forgery forgery;
		const char *words;
	} cases[] = {
		{{.number = 3, .without_key = true}, "has no signature that holds"},
		{{.number = 4}, "has another number than its place"},
		{{.number = 2}, "has another number than its place"},
		{{.number = 3, .epoch = "5"}, "came to 1 owners"},
		{{.number = 3, .taken = "1234567890123456789012345678901234567890"},
			"has no epoch"},
		{{.number = 3, .epoch = "2", .taken = "1234567890123456789012345678901234567890"},
			"cannot read"},
	};

	define(&pair->alpha, UUID_A, "web", "one");
	change(&pair->alpha, UUID_A, "web", 1, "two");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(kit) struct kit kit = {.sent.pack = TEXT_INIT};

		collect(&pair->alpha, &kit);
		forge(&pair->alpha, &kit, &cases[i].forgery);
		assert_refused(
			&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, cases[i].words);
	}
}

/* Its signatures are looked at while it comes in. */
static void store_parcel_refused__forged_version_of_a_long_history(void **state)
{
	struct pair *pair = *state;
	struct forgery forgery = {.number = LONG + 1};
	char text[32];

	define(&pair->alpha, UUID_A, "web", "one");
	for (uint32_t i = 1; i < LONG; i++) {
		snprintf(text, sizeof text, "%u", i);
		change(&pair->alpha, UUID_A, "web", i, text);
	}
	for (int forged = 1; forged >= 0; forged--) {
		CLEANUP(kit) struct kit kit = {.sent.pack = TEXT_INIT};
		CLEANUP(parcel) struct parcel *parcel = NULL;
		struct book_taken taken;

		forgery.without_key = forged;
		collect(&pair->alpha, &kit);
		forge(&pair->alpha, &kit, &forgery);
		if (forged)
			assert_refused(&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT,
				"version 201 of the domain " UUID_A);
		else
			assert_ok(&pair->beta, receive(&pair->alpha, &pair->beta, UUID_A, &kit.sent,
						       &parcel, &taken));
	}
}

static void tree_add(struct text *tree, const char *mode, const char *name, const git_oid *oid)
{
	text_printf(tree, "%s %s", mode, name);
	text_putc(tree, '\0');
	text_add(tree, oid->id, sizeof oid->id);
}

static void store_parcel_refused__trees_that_no_book_writes(void **state)
{
	struct pair *pair = *state;
	const struct {
		const char *mode, *name, *words;
		bool self_made; /* a folder, in folders */
	} cases[] = {
		{"100644", ".git", "whose name no book gives", false},
		{"100644", "..", "", false},
		{"100644", "a\\b", "whose name no book gives", false},
		{"120000", "link", "neither file nor folder", false},
		{"160000", "module", "neither file nor folder", false},
		{"100755", "program", "neither file nor folder", false},
		{"40000", "folder", "another kind", false},
		{"40000", "folder", "too deep", true},
	};

	define(&pair->alpha, UUID_A, "web", "one");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(kit) struct kit kit = {.sent.pack = TEXT_INIT};
		struct forgery forgery = {.number = 2};
		git_oid oid;

		collect(&pair->alpha, &kit);
		add_bytes(&pair->alpha, &kit, GIT_OBJECT_BLOB, "content", 7, &oid);
		for (int depth = 0; depth < (cases[i].self_made ? 12 : 1); depth++) {
			CLEANUP(text) struct text tree = TEXT_INIT;

			tree_add(&tree, depth || !cases[i].self_made ? cases[i].mode : "100644",
				cases[i].name, &oid);
			add_bytes(&pair->alpha, &kit, GIT_OBJECT_TREE, tree.data, tree.size, &oid);
		}
		forgery.tree = &oid;
		forge(&pair->alpha, &kit, &forgery);
		assert_refused(
			&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, cases[i].words);
	}
}

/* Changes what the tag that a kit has says, from one word to another as long. */
static void retag(struct kit *kit, const char *from, const char *to)
{
	git_oid oid;

	for (size_t i = 0; i < kit->objects.count; i++) {
		struct object *object = &kit->objects.list[i];

		if (object->type != GIT_OBJECT_TAG)
			continue;
		memcpy(strstr(object->owned, from), to, strlen(to));
		assert_int_equal(git_odb_hash(&oid, object->data, object->size, GIT_OBJECT_TAG), 0);
		return;
	}
	fail_msg("there is no tag");
}

static void store_parcel_refused__tags_that_are_not_its_own(void **state)
{
	struct pair *pair = *state;
	CLEANUP(kit) struct kit kit = {.sent.pack = TEXT_INIT};
	git_oid oid;

	define(&pair->alpha, UUID_A, "web", "one");
	tag(&pair->alpha, 1, "sold");
	collect(&pair->alpha, &kit);
	retag(&kit, "sold", "hold");
	pack(&kit);
	assert_refused(&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, "1 objects");
	retag(&kit, "hold", "a..b");
	pack(&kit);
	assert_refused(&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, "1 objects");
	/* as it was, it is taken; but not what somebody else has signed */
	retag(&kit, "a..b", "sold");
	for (size_t i = 0; i < kit.objects.count; i++) {
		const struct object *object = &kit.objects.list[i];
		CLEANUP(text) struct text whole = TEXT_INIT;
		CLEANUP(text) struct text signature = TEXT_INIT;
		const char *end;

		if (object->type != GIT_OBJECT_TAG)
			continue;
		end = strstr(object->owned, SIGNATURE_HEAD);
		text_add(&whole, object->owned, (size_t)(end - object->owned));
		memcpy(strstr(whole.data, "sold"), "mine", 4);
		scene_reopen(&pair->scene);
		define(&pair->scene, UUID_B, "mail", "one");
		assert_ok(&pair->scene, key_sign(pair->scene.book->key, whole.data, whole.size,
						&signature, &pair->scene.err));
		text_add(&whole, signature.data, signature.size);
		add_bytes(&pair->alpha, &kit, GIT_OBJECT_TAG, whole.data, whole.size, &oid);
		break;
	}
	book_close(TAKE(pair->scene.book));
	pack(&kit);
	assert_refused(&pair->alpha, &pair->beta, UUID_A, &kit.sent, DD_CORRUPT, "1 objects");
}

/* ---- histories that parted ---- */

static void assert_names_both(struct scene *side, const char *ours, const char *theirs)
{
	assert_non_null(strstr(side->err.message, "parted"));
	assert_non_null(strstr(side->err.message, ours));
	assert_non_null(strstr(side->err.message, theirs));
}

static void store_parcel_refused__histories_that_parted(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	CLEANUP(sent) struct sent full = {.pack = TEXT_INIT};
	struct scene *from = &pair->alpha, *to = &pair->beta;
	char here[COMMIT_SIZE], there[COMMIT_SIZE];
	struct parcel *parcel = NULL;
	struct parcel_heads heads;
	struct book_taken taken;

	/* two domains with one UUID: each is its host's own */
	define(from, UUID_A, "web", "one");
	define(to, UUID_A, "web", "one");
	head_of(from, UUID_A, there);
	head_of(to, UUID_A, here);
	assert_int_equal(
		book_parcel_write(from->book, UUID_A, here, &heads, gather, &sent.pack, &from->err),
		DD_CONFLICT);
	assert_names_both(from, here, there);
	send_from(from, UUID_A, "", &full);
	assert_int_equal(receive(from, to, UUID_A, &full, &parcel, &taken), DD_EXISTS);
	assert_names_both(to, here, there);
	assert_no_parcel(to);
	/* what came from there, and went on at both */
	define(from, UUID_B, "mail", "one");
	migrate(from, to, UUID_B, "mail", "two");
	change(from, UUID_B, "mail", 2, "three");
	assert_ok(
		to, book_parcel_write(to->book, UUID_B, "", &heads, gather, &sent.pack, &to->err));
	sent.heads = heads;
	head_of(from, UUID_B, here);
	assert_int_equal(receive(to, from, UUID_B, &sent, &parcel, &taken), DD_CONFLICT);
	assert_names_both(from, here, heads.head);
	assert_int_equal(
		book_parcel_write(to->book, UUID_B, here, &heads, gather, &sent.pack, &to->err),
		DD_CONFLICT);
	assert_names_both(to, here, heads.head);
}

/* An epoch that did not grow is no claim, whoever's history goes on. */
static void store_parcel_refused__a_receipt_that_claims_nothing(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	CLEANUP(parcel) struct parcel *parcel = NULL;
	unsigned char key[KEY_PUBLIC_SIZE];
	struct book_taken taken;

	define(&pair->alpha, UUID_A, "web", "one");
	send_from(&pair->alpha, UUID_A, "", &sent);
	key_of(&pair->alpha, key);
	assert_ok(&pair->alpha,
		receive_as(&pair->alpha, UUID_A, "beta", key, &sent, &parcel, &taken));
	assert_true(taken.own);
	assert_int_equal(
		book_parcel_take(parcel, 0, NULL, NULL, NULL, &pair->alpha.err), DD_REFUSED);
	assert_owner(&pair->alpha, UUID_A, NULL, 1, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_parcel_refused__bytes_that_changed),
		TEST(store_parcel_refused__more_than_the_limits),
		TEST(store_parcel_refused__entries_of_other_kinds),
		TEST(store_parcel_refused__a_delta_that_grows),
		TEST(store_parcel_refused__deltas_too_deep),
		TEST(store_parcel_refused__objects_that_nobody_needs),
		TEST(store_parcel_refused__objects_that_are_missing),
		TEST(store_parcel_refused__what_heads_say_otherwise),
		TEST(store_parcel_refused__forged_versions),
		TEST(store_parcel_refused__forged_version_of_a_long_history),
		TEST(store_parcel_refused__trees_that_no_book_writes),
		TEST(store_parcel_refused__tags_that_are_not_its_own),
		TEST(store_parcel_refused__histories_that_parted),
		TEST(store_parcel_refused__a_receipt_that_claims_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
