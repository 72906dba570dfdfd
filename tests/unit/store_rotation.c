/* SPDX-License-Identifier: Apache-2.0 */
/* A key follows another: what the old one signed stays good, and nobody else can say so. */
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/key/key.h"
#include "store_verifying.h"

/* What the clock shows: so much earlier than it is. */
static time_t clock_behind;

time_t time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= clock_behind;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* Who signs in another process once keys/host was opened here. */
static struct scene *signing_meanwhile;

static void sign(struct scene *scene)
{
	unsigned char open_key[KEY_PUBLIC_SIZE];

	scene_open(scene);
	assert_ok(scene, book_identity(scene->book, open_key, &scene->err));
}

int open(const char *path, int flags, ...)
{
	const char *name = strrchr(path, '/');
	struct scene *scene = signing_meanwhile;
	mode_t mode = 0;
	va_list args;
	pid_t pid;
	int fd;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	fd = openat(AT_FDCWD, path, flags, mode);
	if (!scene || !name || strcmp(name, "/host") != 0)
		return fd;
	signing_meanwhile = NULL;
	FORK(pid, sign(scene));
	assert_child_ok(pid);
	return fd;
}

struct keys {
	uint32_t count, faults;
	char current[128];
	char fault[128];
};

static int count_key(const struct key_info *key, void *context)
{
	struct keys *keys = context;

	keys->count++;
	keys->faults += key->fault != NULL;
	if (key->fault)
		snprintf(keys->fault, sizeof keys->fault, "%s", key->fault);
	if (key->current)
		snprintf(keys->current, sizeof keys->current, "%s", key->fingerprint);
	return 0;
}

static struct keys keys_of(struct scene *scene)
{
	struct keys keys = {.count = 0};

	assert_ok(scene, book_keys(scene->book, count_key, &keys, &scene->err));
	return keys;
}

static void rotate(struct scene *scene)
{
	struct person ada = {"Ada Operator", "ada@example.org"};

	assert_ok(scene, book_rotate_key(scene->book, &ada, "it was time", &scene->err));
}

static void move(struct scene *scene, const char *from, const char *to)
{
	char old[PATH_MAX + 64], new[PATH_MAX + 64];

	snprintf(old, sizeof old, "%s/%s", scene->place, from);
	snprintf(new, sizeof new, "%s/%s", scene->place, to);
	assert_int_equal(rename(old, new), 0);
}

static void copy(struct scene *scene, const char *from, const char *to)
{
	CLEANUP(text) struct text out = TEXT_INIT;
	char old[PATH_MAX + 64], new[PATH_MAX + 64];
	const char *const argv[] = {"cp", "-p", old, new, NULL};

	snprintf(old, sizeof old, "%s/%s", scene->place, from);
	snprintf(new, sizeof new, "%s/%s", scene->place, to);
	assert_int_equal(run(argv, &out), 0);
}

static void store_rotation__old_and_new_versions_are_good(void **state)
{
	struct scene *scene = *state;
	CLEANUP(book) struct book *other = NULL;
	struct book_options options = {.host_name = "alpha"};
	struct step late = {.uuid = UUID_B, .name = "mail", .base = 1, .xml = "by the other"};
	struct keys before = keys_of(scene), after;

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "one");
	/* somebody else who has the old key in his hands */
	assert_ok(scene, book_open(scene->place, &options, &other, &scene->err));
	assert_int_equal(book_checkpoint(scene->book, &scene->err), 0);
	assert_ok(scene, step_apply(other, &late, NULL, &scene->err));
	rotate(scene);
	change(scene, UUID_A, "web", 1, "two");
	late.base = 2;
	assert_ok(scene, step_apply(other, &late, NULL, &scene->err));
	rotate(scene);
	late.base = 3;
	assert_ok(scene, step_apply(other, &late, NULL, &scene->err));
	after = keys_of(scene);
	assert_int_equal(before.count, 1);
	assert_int_equal(after.count, 3);
	assert_int_equal(after.faults, 0);
	assert_string_not_equal(before.current, after.current);
	book_close(TAKE(other));
	assert_sound(scene, NULL);
	assert_sound(scene, UUID_B);
	scene_open(scene);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_sound(scene, NULL);
}

static void store_rotation__git_knows_both_keys(void **state)
{
	struct scene *scene = *state;
	static const char *const old[] = {
		"verify-commit", "domains/" UUID_A "~1", "domains/" UUID_A, "book", "book~1", NULL};

	define(scene, UUID_A, "web", "one");
	rotate(scene);
	change(scene, UUID_A, "web", 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	git(scene, old);
}

static void store_rotation__the_files_are_private(void **state)
{
	struct scene *scene = *state;
	char path[PATH_MAX + 32];
	struct stat status;

	rotate(scene);
	snprintf(path, sizeof path, "%s/keys/host", scene->place);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	snprintf(path, sizeof path, "%s/keys/host.next", scene->place);
	assert_int_equal(access(path, F_OK), -1);
}

static void store_rotation__who_dies_in_the_middle_has_it_finished(void **state)
{
	struct scene *scene = *state;
	struct keys before, after;

	define(scene, UUID_A, "web", "one");
	before = keys_of(scene);
	copy(scene, "keys/host", "keys/old");
	copy(scene, "keys/host.pub", "keys/old.pub");
	copy(scene, "keys/allowed_signers", "keys/old_signers");
	rotate(scene);
	/* as if the transaction had been the last that it did */
	move(scene, "keys/host", "keys/host.next");
	move(scene, "keys/old", "keys/host");
	move(scene, "keys/old.pub", "keys/host.pub");
	move(scene, "keys/old_signers", "keys/allowed_signers");
	assert_sound(scene, NULL);
	scene_open(scene);
	after = keys_of(scene);
	assert_string_not_equal(before.current, after.current);
	change(scene, UUID_A, "web", 1, "two");
	assert_sound(scene, NULL);
	/* and one that died before it left a file that nobody minds */
	copy(scene, "keys/host", "keys/host.next");
	scene_open(scene);
	rotate(scene);
	change(scene, UUID_A, "web", 2, "three");
	assert_sound(scene, NULL);
}

static void store_rotation__two_who_finish_it_at_once_both_sign(void **state)
{
	struct scene *scene = *state;
	struct scene other = *scene;

	other.book = NULL;
	define(scene, UUID_A, "web", "one");
	copy(scene, "keys/host", "keys/old");
	rotate(scene);
	move(scene, "keys/host", "keys/host.next");
	move(scene, "keys/old", "keys/host");
	scene_reopen(scene);
	signing_meanwhile = &other;
	change(scene, UUID_A, "web", 1, "two");
	assert_null(signing_meanwhile);
	assert_sound(scene, NULL);
}

static void store_rotation__a_lost_key_is_not_replaced_in_silence(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};

	copy(scene, "keys/host", "keys/old");
	rotate(scene);
	move(scene, "keys/old", "keys/host");
	scene_reopen(scene);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_CORRUPT);
	assert_non_null(strstr(scene->err.message, "is not the key that the book names"));
	assert_told(
		scene, NULL, "key keys/host @0: keys/host is not the key that the book names", "");
}

static void store_rotation__another_key_than_the_first_signs_nothing(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};
	char folder[PATH_MAX + 32];

	move(scene, "keys/host", "keys/kept");
	snprintf(folder, sizeof folder, "%s/keys", scene->place);
	assert_ok(scene, key_make(folder, "domesday@alpha", &scene->err));
	scene_reopen(scene);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_CORRUPT);
	assert_non_null(strstr(scene->err.message, "is not the key that the book names"));
	move(scene, "keys/kept", "keys/host");
	define(scene, UUID_A, "web", "x");
	assert_sound(scene, NULL);
}

static void store_rotation__one_that_was_taken_away_is_found(void **state)
{
	struct scene *scene = *state;

	define(scene, UUID_A, "web", "one");
	rotate(scene);
	change(scene, UUID_A, "web", 1, "two");
	execute(scene,
		"DELETE FROM version WHERE domain = 0;"
		"UPDATE setting SET value = (SELECT value FROM setting WHERE key = 'genesis')"
		" WHERE key = 'book-head'");
	assert_told(
		scene, NULL, "version 2 of 'web' (", "is signed with a key that is not the book's");
	assert_told(scene, NULL, "place 2 of the chain of all versions is gone",
		"book.db names another signing key than the branch \"book\"");
}

static void store_rotation__a_forged_one_is_found_and_does_not_count(void **state)
{
	struct scene *scene = *state;
	char folder[PATH_MAX + 32];

	define(scene, UUID_A, "web", "one");
	/* another key in the place of the book's signs that a third one follows */
	move(scene, "keys/host", "keys/kept");
	snprintf(folder, sizeof folder, "%s/keys", scene->place);
	assert_ok(scene, key_make(folder, "domesday@alpha", &scene->err));
	name_signer(scene);
	scene_open(scene);
	rotate(scene);
	change(scene, UUID_A, "web", 1, "two");
	assert_told(scene, NULL, "key book.git @0: the change of the key of ",
		"is not signed with the key before");
	assert_told(scene, NULL, "signature book.git web@2: version 2 of 'web' (",
		"is signed with a key that is not the book's");
	scene_open(scene);
	assert_int_equal(keys_of(scene).faults, 1);
}

/* Somebody has an earlier key still, and makes the book believe in it: what it signs is named. */
static void assert_out_of_force(struct scene *scene, const char *key)
{
	book_close(TAKE(scene->book));
	move(scene, key, "keys/host");
	execute(scene, "DELETE FROM setting WHERE key = 'signer'");
	scene_open(scene);
	change(scene, UUID_A, "web", 1, "two");
	assert_told(scene, NULL, "signature book.git web@2: version 2 of 'web' (",
		"is signed with a key of the book that was not the one in force");
}

static void store_rotation__a_key_signs_in_its_time_only(void **state)
{
	struct scene *scene = *state;

	define(scene, UUID_A, "web", "one");
	copy(scene, "keys/host", "keys/old");
	rotate(scene);
	assert_out_of_force(scene, "keys/old");
}

struct last_key {
	uint32_t number;
	int64_t place;
	bool current;
	char adopted[64]; /* "": it is not */
};

static int keep_last(const struct key_info *key, void *context)
{
	struct last_key *last = context;

	*last = (struct last_key){key->number, key->place, key->current, ""};
	if (key->adopted)
		snprintf(last->adopted, sizeof last->adopted, "%s", key->adopted);
	return 0;
}

static void adopt(struct scene *scene)
{
	struct person ada = {"Ada Operator", "ada@example.org"};

	scene_reopen(scene);
	assert_ok(scene, book_adopt_key(scene->book, &ada, "restored from /srv/x", &scene->err));
}

static void store_rotation__a_lost_key_is_followed_by_one_that_is_adopted(void **state)
{
	struct scene *scene = *state;
	static const char *const old[] = {
		"verify-commit", "domains/" UUID_A "~1", "domains/" UUID_A, "book", "book~1", NULL};
	struct last_key last;

	define(scene, UUID_A, "web", "one");
	move(scene, "keys/host", "keys/lost");
	adopt(scene);
	change(scene, UUID_A, "web", 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	git(scene, old);
	assert_sound(scene, NULL);
	scene_open(scene);
	assert_int_equal(keys_of(scene).faults, 0);
	assert_ok(scene, book_keys(scene->book, keep_last, &last, &scene->err));
	assert_int_equal(last.number, 2);
	assert_int_equal(last.place, 2);
	assert_true(last.current);
	assert_string_equal(last.adopted, "restored from /srv/x");
	/* and is changed like any other, by a key that it vouches for */
	rotate(scene);
	change(scene, UUID_A, "web", 2, "three");
	assert_sound(scene, NULL);
	scene_open(scene);
	assert_ok(scene, book_keys(scene->book, keep_last, &last, &scene->err));
	assert_string_equal(last.adopted, "");
}

static void store_rotation__the_lost_key_does_not_sign_what_comes_after_an_adopted_one(void **state)
{
	struct scene *scene = *state;

	define(scene, UUID_A, "web", "one");
	move(scene, "keys/host", "keys/lost");
	adopt(scene);
	assert_out_of_force(scene, "keys/lost");
}

/* ---- a clock that is wrong ---- */

static void store_rotation__a_clock_put_back_costs_no_version(void **state)
{
	struct scene *scene = *state;
	static const char *const check[] = {"verify-commit", "domains/" UUID_A "~2",
		"domains/" UUID_A "~1", "domains/" UUID_A, "book", "book~1", NULL};
	static const char *const tag[] = {"verify-tag", "domains/" UUID_A "/late", NULL};
	struct tag_draft draft = {.uuid = UUID_A,
		.number = 1,
		.label = "late",
		.tagger = {"Ada Operator", "ada@example.org"}};
	bool made;

	define(scene, UUID_A, "web", "one");
	clock_behind = -3600;
	assert_ok(scene, book_tag(scene->book, &draft, NULL, &made, &scene->err));
	clock_behind = 3600;
	change(scene, UUID_A, "web", 1, "two");
	rotate(scene);
	change(scene, UUID_A, "web", 2, "three");
	clock_behind = 0;
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	git(scene, check);
	git(scene, tag);
	assert_sound(scene, NULL);
}

static void store_rotation__a_clock_before_1970_signs_nothing(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_A, .name = "web", .base = 1, .xml = "two"};
	struct person ada = {"Ada Operator", "ada@example.org"};

	define(scene, UUID_A, "web", "one");
	clock_behind = time(NULL) + 1000;
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_REFUSED);
	assert_string_equal(scene->err.message, "the clock shows a time before 1970");
	assert_int_equal(book_rotate_key(scene->book, &ada, NULL, &scene->err), DD_REFUSED);
	clock_behind = 0;
	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
	assert_sound(scene, NULL);
}

/* ---- beside a verify ---- */

struct beside {
	struct scene *scene;
	struct told told;
};

/* Somebody changes the key while verify looks at the book as it was. */
static int rotate_meanwhile(const struct finding *finding, void *context)
{
	struct beside *beside = context;
	struct book_options options = {.host_name = "alpha"};
	struct person ada = {"Ada Operator", "ada@example.org"};
	CLEANUP(book) struct book *other = NULL;

	if (!beside->told.count) {
		assert_ok(beside->scene,
			book_open(beside->scene->place, &options, &other, &beside->scene->err));
		assert_ok(beside->scene,
			book_rotate_key(other, &ada, "it was time", &beside->scene->err));
	}
	return keep(finding, &beside->told);
}

static void store_rotation__beside_a_verify_is_no_finding(void **state)
{
	struct scene *scene = *state;
	struct beside beside = {.scene = scene, .told = {.words = TEXT_INIT}};
	char path[PATH_MAX + 64];

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	for (int i = 0; i < 2; i++) {
		beside.told.count = 0;
		text_clear(&beside.told.words);
		/* what is found first, and so says that verify has begun */
		snprintf(path, sizeof path, "%s/book.git/shallow", scene->place);
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		assert_ok(scene, book_verify(scene->book, NULL, rotate_meanwhile, &beside, NULL,
					 &scene->err));
		if (beside.told.count != 1)
			fail_msg("%s", text_string(&beside.told.words));
		assert_int_equal(unlink(path), 0);
		assert_int_equal(keys_of(scene).count, 2 + i);
	}
	cleanup_told(&beside.told);
	assert_sound(scene, NULL);
	scene_open(scene);
	copy(scene, "keys/host", "keys/kept");
	rotate(scene);
	move(scene, "keys/kept", "keys/host");
	assert_told(scene, NULL, "keys/host is not the key that the book names", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

/* A file of keys/ that a process was making. */
static void leave_key(struct scene *scene, const char *name, pid_t pid, char path[PATH_MAX + 64])
{
	int fd;

	snprintf(path, PATH_MAX + 64, "%s/keys/%s.%d.new", scene->place, name, (int)pid);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void store_rotation__what_the_dead_left_goes(void **state)
{
	struct scene *scene = *state;
	char next[PATH_MAX + 64], secrets[PATH_MAX + 64], alive[PATH_MAX + 64];
	pid_t dead = fork();

	if (dead == 0)
		_exit(0);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	define(scene, UUID_A, "web", "one");
	leave_key(scene, "host.next", dead, next);
	leave_key(scene, "secrets", dead, secrets);
	leave_key(scene, "host.next", getppid(), alive);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_int_equal(access(next, F_OK), -1);
	assert_int_equal(access(secrets, F_OK), -1);
	assert_int_equal(access(alive, F_OK), 0);
	/* who makes one is alone with them */
	rotate(scene);
	assert_int_equal(access(alive, F_OK), -1);
	assert_sound(scene, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_rotation__old_and_new_versions_are_good),
		TEST(store_rotation__a_clock_put_back_costs_no_version),
		TEST(store_rotation__a_clock_before_1970_signs_nothing),
		TEST(store_rotation__beside_a_verify_is_no_finding),
		TEST(store_rotation__git_knows_both_keys),
		TEST(store_rotation__the_files_are_private),
		TEST(store_rotation__what_the_dead_left_goes),
		TEST(store_rotation__who_dies_in_the_middle_has_it_finished),
		TEST(store_rotation__two_who_finish_it_at_once_both_sign),
		TEST(store_rotation__a_lost_key_is_not_replaced_in_silence),
		TEST(store_rotation__another_key_than_the_first_signs_nothing),
		TEST(store_rotation__one_that_was_taken_away_is_found),
		TEST(store_rotation__a_forged_one_is_found_and_does_not_count),
		TEST(store_rotation__a_key_signs_in_its_time_only),
		TEST(store_rotation__a_lost_key_is_followed_by_one_that_is_adopted),
		TEST(store_rotation__the_lost_key_does_not_sign_what_comes_after_an_adopted_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
