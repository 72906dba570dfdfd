/* SPDX-License-Identifier: Apache-2.0 */
/* A backup of a book in use is a whole book; what is none leaves nothing behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "store/lock/lock.h"
#include "store/recovery/archive.h"
#include "store_verifying.h"

/* What another process does with the book when keys/host is opened here: before that, and after. */
static struct meanwhile {
	struct scene *scene; /* NULL: nothing */
	void (*before)(struct scene *scene);
	void (*after)(struct scene *scene);
} meanwhile;

static void let(struct scene *scene, void (*something)(struct scene *scene))
{
	pid_t pid;

	if (!something)
		return;
	FORK(pid, something(scene));
	assert_child_ok(pid);
}

/* A folder that the disk once fails to open, after so many times that went well. */
static const char *closed;
static int before_it_fails;

int open(const char *path, int flags, ...)
{
	const char *name = strrchr(path, '/');
	struct meanwhile now = meanwhile;
	mode_t mode = 0;
	va_list args;
	int fd;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (closed && strcmp(path, closed) == 0 && flags & O_DIRECTORY && !before_it_fails--) {
		errno = EIO;
		return -1;
	}
	if (!now.scene || !name || strcmp(name, "/host") != 0)
		return openat(AT_FDCWD, path, flags, mode);
	meanwhile.scene = NULL;
	let(now.scene, now.before);
	fd = openat(AT_FDCWD, path, flags, mode);
	let(now.scene, now.after);
	return fd;
}

static void in_folder(struct scene *scene, const char *name, char out[PATH_MAX + 64])
{
	snprintf(out, PATH_MAX + 64, "%s/%s", scene->folder, name);
}

static void fill(struct scene *scene)
{
	define(scene, UUID_A, "web", "one");
	change(scene, UUID_A, "web", 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	define(scene, UUID_B, "mail", "one");
}

static void make(struct scene *scene, char file[PATH_MAX + 64])
{
	in_folder(scene, "book.tar", file);
	assert_ok(scene, book_backup(scene->book, file, &scene->err));
}

/* A scene whose book is the restored one. */
static struct scene restored(struct scene *scene, const char *file)
{
	struct scene copy = {.err = {0}};

	snprintf(copy.folder, sizeof copy.folder, "%s", scene->folder);
	snprintf(copy.place, sizeof copy.place, "%.4000s/copy", scene->folder);
	assert_ok(&copy, book_restore(copy.place, file, &copy.err));
	return copy;
}

static int entries(const char *folder)
{
	DIR *open = opendir(folder);
	int count = 0;

	assert_non_null(open);
	while (readdir(open))
		count++;
	closedir(open);
	return count;
}

static void store_backup__brings_everything_back(void **state)
{
	struct scene *scene = *state;
	char file[PATH_MAX + 64], key[PATH_MAX + 64];
	struct stat status;
	struct scene copy;

	fill(scene);
	make(scene, file);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(entries(scene->folder), 4); /* the book, the backup, "." and ".." */
	copy = restored(scene, file);
	assert_sound(&copy, NULL);
	scene_open(&copy);
	assert_file(&copy, UUID_A, 2, "domain.xml", "two");
	assert_file(&copy, UUID_B, 1, "domain.xml", "one");
	/* and goes on with the key that it has always had */
	change(&copy, UUID_B, "mail", 1, "two");
	assert_ok(&copy, book_checkpoint(copy.book, &copy.err));
	assert_sound(&copy, NULL);
	snprintf(key, sizeof key, "%.4000s/keys/host", copy.place);
	assert_int_equal(stat(key, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(copy.place, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

static pid_t dead_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* A file beside the backups whose name ends with that process; whole: as a backup begins. */
static void leave(struct scene *scene, const char *name, pid_t pid, const char *suffix,
	const char *whole, char path[PATH_MAX + 64])
{
	char head[5000];
	int from = open(whole, O_RDONLY), to;
	ssize_t size = read(from, head, sizeof head);

	snprintf(path, PATH_MAX + 64, "%s/%s.%d.%s", scene->folder, name, (int)pid, suffix);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(size >= 0 && write(to, head, (size_t)size) == size);
	close(from);
	close(to);
}

static void store_backup__removes_what_the_dead_left(void **state)
{
	struct scene *scene = *state;
	char file[PATH_MAX + 64], gone[3][PATH_MAX + 64], stays[4][PATH_MAX + 64];
	pid_t dead = dead_process();
	int fd;

	fill(scene);
	in_folder(scene, "first.tar", file);
	assert_ok(scene, book_backup(scene->book, file, &scene->err));
	leave(scene, "yesterday.tar", dead, "new", file, gone[0]);
	leave(scene, "book.tar", dead, "new", file, gone[1]);
	leave(scene, "book.tar", dead, "db", "/dev/null", gone[2]);
	leave(scene, "notes.txt", dead, "new", "/dev/zero", stays[0]);
	leave(scene, "other.tar", dead, "db", "/dev/null", stays[1]);
	leave(scene, "alive.tar", getpid(), "new", file, stays[2]);
	/* on another host, perhaps */
	leave(scene, "made.tar", dead, "new", file, stays[3]);
	fd = open(stays[3], O_RDWR);
	assert_int_equal(lock_slot_take(fd, 0, 0, 0, NULL), 0);
	make(scene, file);
	for (size_t i = 0; i < 3; i++)
		if (access(gone[i], F_OK) == 0)
			fail_msg("%s is there", gone[i]);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(access(stays[i], F_OK), 0);
	close(fd);
}

static void store_backup__of_a_book_in_use_is_of_one_moment(void **state)
{
	struct scene *scene = *state;
	char file[PATH_MAX + 64];
	CLEANUP(domain_row) struct domain_row row = {0};
	struct scene copy;
	pid_t pid;

	fill(scene);
	FORK(pid, {
		struct scene own = *scene;

		own.book = NULL;
		scene_open(&own);
		for (uint32_t i = 2; i < 300; i++) {
			change(&own, UUID_A, "web", i, "<domain>busy</domain>");
			if (i % 50 == 0)
				assert_ok(&own, book_checkpoint(own.book, &own.err));
		}
		book_close(own.book);
	});
	usleep(50000);
	make(scene, file);
	assert_child_ok(pid);
	copy = restored(scene, file);
	assert_sound(&copy, NULL);
	scene_open(&copy);
	assert_ok(&copy, book_find(copy.book, "web", &row, &copy.err));
	assert_true(row.version >= 2);
	book_close(copy.book);
}

static void rotate(struct scene *scene)
{
	struct book_options options = {.host_name = "alpha", .wait_ms = 100};
	struct person ada = {"Ada Operator", "ada@example.org"};
	int rc;

	assert_ok(scene, book_open(scene->place, &options, &scene->book, &scene->err));
	rc = book_rotate_key(scene->book, &ada, NULL, &scene->err);
	/* it may be made to wait */
	assert_true(rc == 0 || rc == DD_BUSY);
}

static void sign(struct scene *scene)
{
	scene_open(scene);
	change(scene, UUID_B, "mail", 1, "two");
}

/* The book of the backup goes on: it has the key that its index names. */
static void assert_signs(struct scene *scene, const char *file)
{
	struct scene copy = restored(scene, file);

	scene_open(&copy);
	change(&copy, UUID_A, "web", 2, "three");
	assert_sound(&copy, NULL);
}

static void store_backup__has_the_key_that_is_changed_beside_it(void **state)
{
	struct scene *scene = *state;
	struct scene other = *scene;
	char file[PATH_MAX + 64];

	fill(scene);
	other.book = NULL;
	meanwhile = (struct meanwhile){.scene = &other, .before = rotate};
	make(scene, file);
	assert_signs(scene, file);
}

static void store_backup__has_the_key_that_is_put_in_its_place_beside_it(void **state)
{
	struct scene *scene = *state;
	struct scene other = *scene;
	char host[PATH_MAX + 64], next[PATH_MAX + 64], old[PATH_MAX + 64], file[PATH_MAX + 64];

	fill(scene);
	snprintf(host, sizeof host, "%s/keys/host", scene->place);
	snprintf(next, sizeof next, "%s/keys/host.next", scene->place);
	in_folder(scene, "old", old);
	assert_int_equal(link(host, old), 0);
	other.book = NULL;
	let(&other, rotate);
	assert_int_equal(rename(host, next), 0);
	assert_int_equal(rename(old, host), 0);
	meanwhile = (struct meanwhile){.scene = &other, .after = sign};
	make(scene, file);
	assert_signs(scene, file);
}

static void store_backup__has_branches_that_are_files_of_their_own(void **state)
{
	struct scene *scene = *state;
	char file[PATH_MAX + 64], path[PATH_MAX + 64], uuid[UUID_SIZE], name[16];
	struct scene copy;

	for (int i = 0; i < 600; i++) {
		snprintf(uuid, sizeof uuid, "11111111-2222-4333-8444-%012d", i);
		snprintf(name, sizeof name, "d%d", i);
		define(scene, uuid, name, "one");
	}
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	change(scene, uuid, name, 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	snprintf(path, sizeof path, "%.3800s/book.git/refs/heads/domains/%s", scene->place, uuid);
	assert_int_equal(access(path, F_OK), 0);
	make(scene, file);
	assert_sound(scene, NULL);
	copy = restored(scene, file);
	assert_sound(&copy, NULL);
}

static void store_backup__replaces_nothing(void **state)
{
	struct scene *scene = *state;
	char file[PATH_MAX + 64];

	fill(scene);
	make(scene, file);
	assert_int_equal(book_backup(scene->book, file, &scene->err), DD_EXISTS);
	assert_int_equal(book_restore(scene->place, file, &scene->err), DD_REFUSED);
	assert_int_equal(book_restore(scene->folder, file, &scene->err), DD_REFUSED);
	assert_sound(scene, NULL);
}

static void store_backup__tar_reads_it(void **state)
{
	struct scene *scene = *state;
	static const char *const names[] = {
		"book.db", "keys/host", "keys/allowed_signers", "book.git/packed-refs"};
	char file[PATH_MAX + 64], folder[PATH_MAX + 64], ours[PATH_MAX + 64],
		theirs[PATH_MAX + 128];
	const char *const extract[] = {"tar", "-C", folder, "-xf", file, NULL};
	const char *const compare[] = {"cmp", ours, theirs, NULL};
	CLEANUP(text) struct text out = TEXT_INIT;

	fill(scene);
	make(scene, file);
	in_folder(scene, "by-hand", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(run(extract, &out), 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(ours, sizeof ours, "%.4000s/%s", scene->place, names[i]);
		snprintf(theirs, sizeof theirs, "%.4000s/%s", folder, names[i]);
		/* of book.db a part is in SQLite's log */
		assert_int_equal(run(compare, &out), i == 0 ? 1 : 0);
	}
}

static void store_backup__keeps_addresses_and_no_programs(void **state)
{
	struct scene *scene = *state;
	static const char *const remote[] = {"remote", "add", "far", "/far/away", NULL};
	static const char *const hook[] = {"config", "core.fsmonitor", "/bin/evil", NULL};
	static const char *const upload[] = {"config", "remote.far.uploadpack", "/bin/evil", NULL};
	CLEANUP(text) struct text config = TEXT_INIT;
	char file[PATH_MAX + 64], path[PATH_MAX + 64];
	const char *const argv[] = {"cat", path, NULL};
	struct scene copy;

	fill(scene);
	git(scene, remote);
	git(scene, hook);
	git(scene, upload);
	make(scene, file);
	copy = restored(scene, file);
	snprintf(path, sizeof path, "%.4000s/book.git/config", copy.place);
	assert_int_equal(run(argv, &config), 0);
	assert_non_null(strstr(text_string(&config), "/far/away"));
	assert_null(strstr(text_string(&config), "evil"));
	assert_sound(&copy, NULL);
}

/* ---- what is no backup ---- */

static void assert_refused(struct scene *scene, const char *file, int code)
{
	char folder[PATH_MAX + 64];
	int before = entries(scene->folder);

	in_folder(scene, "nothing", folder);
	assert_int_equal(book_restore(folder, file, &scene->err), code);
	assert_int_equal(entries(scene->folder), before);
}

/* An archive that begins as a backup does and then has that. */
static void assert_entry_refused(struct scene *scene, const char *name, const char *then)
{
	char file[PATH_MAX + 64];
	int fd;

	in_folder(scene, "hostile.tar", file);
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_ok(scene,
		archive_add_text(fd, file, "BACKUP", 0600, "domesday backup 1\n", &scene->err));
	assert_ok(scene, archive_add_text(fd, file, name, 0600, "text", &scene->err));
	if (then)
		assert_ok(scene, archive_add_text(fd, file, then, 0600, "text", &scene->err));
	assert_ok(scene, archive_end(fd, file, &scene->err));
	close(fd);
	assert_refused(scene, file, DD_CORRUPT);
	assert_int_equal(unlink(file), 0);
}

static void store_backup__a_restore_that_is_said_to_have_failed_can_be_done_again(void **state)
{
	struct scene *scene = *state;
	char file[PATH_MAX + 64], place[PATH_MAX + 64];
	int well = 0, failed = 0;

	fill(scene);
	make(scene, file);
	for (bool reached = true; reached; well++) {
		struct dd_error err = {0};

		snprintf(place, sizeof place, "%.4000s/copy%d", scene->folder, well);
		before_it_fails = well;
		closed = scene->folder;
		int rc = book_restore(place, file, &err);

		closed = NULL;
		reached = before_it_fails < 0;
		failed += rc != 0;
		if (rc)
			assert_ok(scene, book_restore(place, file, &scene->err));
	}
	assert_true(failed > 0);
}

static void store_backup__names_that_are_not_ours_are_refused(void **state)
{
	struct scene *scene = *state;
	static const char *const names[] = {"../evil", "/tmp/evil", "book.git/hooks/post-update",
		"book.git/objects/pack/../../HEAD", "book.git/objects/pack/pack-12.pack",
		"book.git/HEAD", "keys", "keys/", "keys/host/x", "", "BACKUP", "run/x",
		"book.git/objects/pack/pack-0123456789012345678901234567890123456789.packs"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_entry_refused(scene, names[i], NULL);
	assert_entry_refused(scene, "book.db", "book.db");
	assert_entry_refused(scene, "book.db", NULL); /* no key */
}

static void store_backup__a_changed_or_short_file_is_refused(void **state)
{
	struct scene *scene = *state;
	char file[PATH_MAX + 64], plain[PATH_MAX + 64];
	struct stat status;
	char byte = 'x';
	int fd;

	fill(scene);
	make(scene, file);
	assert_int_equal(stat(file, &status), 0);
	for (off_t size = status.st_size - 512; size > 0; size -= size > 9000 ? 4608 : 512) {
		assert_int_equal(truncate(file, size), 0);
		assert_refused(scene, file, DD_CORRUPT);
	}
	assert_int_equal(unlink(file), 0);
	/* every byte of the second header, which is that of book.db */
	make(scene, file);
	fd = open(file, O_RDWR);
	for (off_t at = 1024; at < 1024 + 330; at += 3) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_refused(scene, file, DD_CORRUPT);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
	in_folder(scene, "plain", plain);
	fd = open(plain, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "no backup at all\n", 17), 17);
	close(fd);
	assert_refused(scene, plain, DD_CORRUPT);
	in_folder(scene, "missing", plain);
	assert_refused(scene, plain, DD_NOT_FOUND);
	assert_refused(scene, "/dev/zero", DD_INVALID);
	assert_refused(scene, scene->folder, DD_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_backup__brings_everything_back),
		TEST(store_backup__removes_what_the_dead_left),
		TEST(store_backup__of_a_book_in_use_is_of_one_moment),
		TEST(store_backup__has_the_key_that_is_changed_beside_it),
		TEST(store_backup__has_the_key_that_is_put_in_its_place_beside_it),
		TEST(store_backup__has_branches_that_are_files_of_their_own),
		TEST(store_backup__replaces_nothing),
		TEST(store_backup__tar_reads_it),
		TEST(store_backup__keeps_addresses_and_no_programs),
		TEST(store_backup__a_restore_that_is_said_to_have_failed_can_be_done_again),
		TEST(store_backup__names_that_are_not_ours_are_refused),
		TEST(store_backup__a_changed_or_short_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
