/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads every object once: packs in the order of their bytes, where one delta's base has just been
 * read; loose objects; staged rows. Of a single domain, those that its versions lead to.
 */
#include "store/verify/verification.h"

#include <errno.h>
#include <git2/sys/odb_backend.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "store/commit/message.h"
#include "store/folder.h"
#include "store/git/object.h"

#define PREFIX "pack-"

/* ---- one object ---- */

static int sighting_add(struct verification *verification, const struct sighting *sighting)
{
	if (verification->sighting_count == verification->sighting_room) {
		size_t room = verification->sighting_room ? verification->sighting_room * 2 : 1024;
		struct sighting *grown = reallocarray(verification->sightings, room, sizeof *grown);

		if (!grown)
			return error_no_memory(verification->err);
		verification->sightings = grown;
		verification->sighting_room = room;
	}
	verification->sightings[verification->sighting_count++] = *sighting;
	return 0;
}

static int signature_judge(struct verification *verification, const char *data, size_t size,
	const struct commit_parts *parts, struct sighting *sighting)
{
	unsigned char open[KEY_PUBLIC_SIZE];
	int rc = commit_check(data, size, parts, &verification->payload, &sighting->state, open,
		verification->err);

	return rc || sighting->state != SIGNATURE_GOOD
		       ? rc
		       : key_number(verification, open, &sighting->key);
}

static int takeover_seen(struct verification *verification, const struct sighting *sighting,
	const struct message_marks *marks)
{
	struct takeover takeover = {
		.oid = sighting->oid,
		.number = sighting->number,
		.seq = sighting->seq,
		.key = sighting->key,
	};

	if (!marks->taken[0] || git_oid_fromstr(&takeover.book, marks->taken) < 0)
		return 0;
	memcpy(takeover.uuid, sighting->uuid, sizeof takeover.uuid);
	return takeover_add(verification, &takeover);
}

static int commit_seen(
	struct verification *verification, const git_oid *oid, const char *data, size_t size)
{
	struct commit_parts parts;
	struct message_marks marks;
	struct sighting sighting = {.oid = *oid, .key = -1, .state = SIGNATURE_MALFORMED};
	int rc;

	/* a commit of another form is none of ours: whoever needs it will miss its sighting */
	if (!commit_parse(data, size, &parts))
		return 0;
	message_marks(parts.message, parts.message_size, &marks);
	rc = oid_list_add(&verification->needed, &parts.tree, verification->err);
	if (!rc)
		rc = signature_judge(verification, data, size, &parts, &sighting);
	if (rc)
		return rc;
	sighting.parent = parts.parent;
	sighting.number = marks.number;
	sighting.seq = marks.seq;
	memcpy(sighting.uuid, marks.uuid, sizeof sighting.uuid);
	if (marks.prev[0])
		(void)git_oid_fromstr(&sighting.prev, marks.prev);
	rc = takeover_seen(verification, &sighting, &marks);
	return rc ? rc : sighting_add(verification, &sighting);
}

/* "MODE NAME\0" and the raw name of the object, again and again. */
static int tree_seen(struct verification *verification, const char *data, size_t size)
{
	const char *end = data + size;
	int rc = 0;

	while (!rc && data < end) {
		const char *name_end = memchr(data, '\0', (size_t)(end - data));
		git_oid entry;

		if (!name_end || (size_t)(end - name_end) <= GIT_OID_RAWSZ)
			break; /* git reads no further either */
		git_oid_fromraw(&entry, (const unsigned char *)name_end + 1);
		rc = oid_list_add(&verification->needed, &entry, verification->err);
		data = name_end + 1 + GIT_OID_RAWSZ;
	}
	return rc;
}

static int object_seen(struct verification *verification, const git_oid *oid, git_object_t type,
	const void *data, size_t size)
{
	int rc = oid_set_add(&verification->good, oid, NULL, verification->err);

	verification->counts->objects++;
	if (!rc && type == GIT_OBJECT_COMMIT)
		rc = commit_seen(verification, oid, data, size);
	if (!rc && type == GIT_OBJECT_TREE)
		rc = tree_seen(verification, data, size);
	return rc;
}

/* An object that is there and is not what it should be. Who needs it is found out later. */
static int object_bad(
	struct verification *verification, const git_oid *oid, const char *where, const char *what)
{
	char hex[COMMIT_SIZE];
	struct finding finding = {.kind = "object", .where = where};
	int rc = oid_set_add(&verification->bad, oid, NULL, verification->err);

	return rc ? rc
		  : finding_tell(verification, &finding, "the object %s in %s %s",
			    git_oid_tostr(hex, sizeof hex, oid), where, what);
}

/* An object that libgit2 does not give out: damage is one thing, no memory or no disk another. */
static int object_unread(
	struct verification *verification, int code, const git_oid *oid, const char *where)
{
	int rc = object_failure(
		verification->book, code, NULL, "cannot read an object", verification->err);

	return rc == DD_CORRUPT
		       ? object_bad(verification, oid, where, "cannot be read: it is damaged")
		       : rc;
}

static int object_check(struct verification *verification, const git_oid *oid, git_object_t type,
	const void *data, size_t size, const char *where)
{
	git_oid is;

	if (git_odb_hash(&is, data, size, type) < 0)
		return repository_failure(
			verification->book, GIT_ERROR, "cannot name an object", verification->err);
	if (!git_oid_equal(&is, oid))
		return object_bad(
			verification, oid, where, "is not what its name says: it was changed");
	return object_seen(verification, oid, type, data, size);
}

/* ---- packs and loose objects ---- */

struct reading {
	struct verification *verification;
	git_odb_backend *backend;
	const char *where;
	int rc;
};

static int read_object(const git_oid *oid, void *context)
{
	struct reading *reading = context;
	void *data = NULL;
	size_t size = 0;
	git_object_t type = GIT_OBJECT_INVALID;
	int code = reading->backend->read(&data, &size, &type, reading->backend, oid);

	/* so it says of a pack that it could not open, too */
	if (code == GIT_ENOTFOUND)
		code = reading->backend->read(&data, &size, &type, reading->backend, oid);
	if (code)
		reading->rc = object_unread(reading->verification, code, oid, reading->where);
	else
		reading->rc =
			object_check(reading->verification, oid, type, data, size, reading->where);
	if (data)
		git_odb_backend_data_free(reading->backend, data);
	return reading->rc;
}

static int read_backend(
	struct verification *verification, git_odb_backend *backend, int code, const char *where)
{
	struct reading reading = {verification, backend, where, 0};
	int rc;

	if (!code)
		code = backend->foreach (backend, read_object, &reading);
	if (backend)
		backend->free(backend);
	if (reading.rc || !code)
		return reading.rc;
	rc = repository_failure(verification->book, code, "cannot read a file", verification->err);
	return damage_tell(verification, rc, "file", where);
}

/* Of a pack that is there; about others see verify_indices(). */
static bool is_index(DIR *folder, const char *name)
{
	char pack[NAME_MAX + 8];
	size_t length = strlen(name);

	if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0 || length <= 4 ||
		strcmp(name + length - 4, ".idx") != 0)
		return false;
	snprintf(pack, sizeof pack, "%.*s.pack", (int)length - 4, name);
	return faccessat(dirfd(folder), pack, F_OK, 0) == 0 || errno != ENOENT;
}

static int read_pack(struct verification *verification, const char *packs, const char *name)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *where = NULL;
	git_odb_backend *backend = NULL;
	int rc = string_format(&path, verification->err, "%s/%s", packs, name);

	if (!rc)
		rc = string_format(&where, verification->err, "book.git/objects/pack/%.*s.pack",
			(int)strlen(name) - 4, name);
	return rc ? rc
		  : read_backend(
			    verification, backend, git_odb_backend_one_pack(&backend, path), where);
}

static int read_packs(struct verification *verification)
{
	CLEANUP(free) char *packs = NULL;
	int rc = book_path(verification->book, "book.git/objects/pack", &packs, verification->err);

	if (rc)
		return rc;

	CLEANUP(folder) DIR *folder = opendir(packs);
	const struct dirent *entry;

	if (!folder)
		return error_errno(verification->err, errno, "cannot open %s", packs);
	while (!rc && (entry = folder_next(folder, packs, &rc, verification->err)))
		if (is_index(folder, entry->d_name) &&
			repository_follows(verification->book, entry->d_name))
			rc = read_pack(verification, packs, entry->d_name);
	return rc;
}

/* Nothing of ours is there; but whatever git finds there it prefers to nothing. */
static int read_loose(struct verification *verification)
{
	CLEANUP(free) char *objects = NULL;
	git_odb_backend *backend = NULL;
	int rc = book_path(verification->book, "book.git/objects", &objects, verification->err);

	return rc ? rc
		  : read_backend(verification, backend,
			    git_odb_backend_loose(&backend, objects, -1, 0, 0, 0),
			    "book.git/objects");
}

static int read_staged(struct verification *verification)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(
		&verification->book->database, "SELECT oid, type, data FROM staged ORDER BY id");
	int rc = 0;

	while (!rc && statement_row(&statement)) {
		const void *data = sqlite3_column_blob(statement.handle, 2);
		git_oid oid;

		if (!statement_oid(&statement, 0, &oid))
			break;
		rc = object_check(verification, &oid,
			(git_object_t)statement_integer(&statement, 1), data ? data : "",
			(size_t)sqlite3_column_bytes(statement.handle, 2), "book.db (staged)");
	}
	return rc ? rc : statement_end(&statement, verification->err);
}

/* ---- one domain ---- */

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/* libgit2 compares with the name by itself. */
static int read_one(struct verification *verification, const git_oid *oid)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	int code = git_odb_read(&object, verification->book->objects, oid);

	/* missed later, as all that is needed and was not seen */
	if (code == GIT_ENOTFOUND) {
		int rc = object_failure(
			verification->book, code, oid, "cannot read an object", verification->err);

		return rc == DD_CORRUPT ? 0 : rc;
	}
	if (code)
		return object_unread(verification, code, oid, "book.git");
	return object_seen(verification, oid, git_odb_object_type(object),
		git_odb_object_data(object), git_odb_object_size(object));
}

static int read_commits(struct verification *verification)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&verification->book->database,
		"SELECT v.oid FROM version v JOIN domain d ON d.id = v.domain WHERE d.uuid = ?"
		" ORDER BY v.number");
	int rc = 0;

	statement_text(&statement, verification->uuid);
	while (!rc && statement_row(&statement)) {
		git_oid oid;

		if (!statement_oid_maybe(&statement, 0, &oid))
			continue; /* told with its row */
		rc = read_one(verification, &oid);
	}
	return rc ? rc : statement_end(&statement, verification->err);
}

/* What is read adds to the list that is gone through. */
static int read_needed(struct verification *verification)
{
	struct oid_set tried = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < verification->needed.count; i++) {
		git_oid oid = verification->needed.list[i];
		bool first = false;

		rc = oid_set_add(&tried, &oid, &first, verification->err);
		if (!rc && first)
			rc = read_one(verification, &oid);
	}
	oid_set_release(&tried);
	return rc;
}

/* ---- */

/* By name; of a commit that was read twice, one. */
static int sighting_compare(const void *a, const void *b)
{
	const struct sighting *left = a, *right = b;

	return memcmp(&left->oid, &right->oid, sizeof left->oid);
}

static void sightings_sort(struct verification *verification)
{
	struct sighting *list = verification->sightings;
	size_t kept = 0;

	if (verification->sighting_count)
		qsort(list, verification->sighting_count, sizeof *list, sighting_compare);
	for (size_t i = 0; i < verification->sighting_count; i++)
		if (!kept || !git_oid_equal(&list[kept - 1].oid, &list[i].oid))
			list[kept++] = list[i];
	verification->sighting_count = kept;
}

int verify_objects(struct verification *verification)
{
	int rc;

	if (verification->uuid) {
		rc = read_commits(verification);
		if (!rc)
			rc = read_needed(verification);
	} else {
		rc = read_packs(verification);
		if (!rc)
			rc = read_loose(verification);
		if (!rc)
			rc = read_staged(verification);
	}
	sightings_sort(verification);
	takeovers_sort(verification);
	return rc;
}
