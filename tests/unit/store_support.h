/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SUPPORT_H
#define STORE_SUPPORT_H

/* What the tests of the book share: a book in a folder of its own, and short ways to change it. */

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/book.h"

#define UUID_A "11111111-2222-4333-8444-00000000000a"
#define UUID_B "11111111-2222-4333-8444-00000000000b"
#define UUID_C "11111111-2222-4333-8444-00000000000c"

/* SQL that takes away what formats before 4 did not have. */
#define FORMAT_3                                                                                   \
	"DROP INDEX domain_running; ALTER TABLE domain DROP COLUMN epoch;"                         \
	"ALTER TABLE domain DROP COLUMN owner; ALTER TABLE domain DROP COLUMN owner_book; PRAGMA " \
	"user_version = 3; "

struct scene {
	char folder[PATH_MAX]; /* of the test */
	char place[PATH_MAX + 8];
	struct book *book; /* at place */
	struct dd_error err;
};

#define assert_ok(scene, call)                                                                   \
	do {                                                                                     \
		if ((call) != 0)                                                                 \
			fail_msg("%s: %s (%s)", #call, (scene)->err.message, (scene)->err.hint); \
	} while (0)

static inline void scene_open(struct scene *scene)
{
	struct book_options options = {.create = true, .host_name = "alpha"};

	assert_ok(scene, book_open(scene->place, &options, &scene->book, &scene->err));
}

static inline void scene_reopen(struct scene *scene)
{
	book_close(scene->book);
	scene->book = NULL;
	scene_open(scene);
}

static inline int scene_setup(void **state)
{
	const char *temporary = getenv("TMPDIR");
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	snprintf(scene->folder, sizeof scene->folder, "%s/domesday-store-XXXXXX",
		temporary ? temporary : "/tmp");
	assert_non_null(mkdtemp(scene->folder));
	snprintf(scene->place, sizeof scene->place, "%s/book", scene->folder);
	*state = scene;
	return 0;
}

static inline int scene_setup_open(void **state)
{
	scene_setup(state);
	scene_open(*state);
	return 0;
}

static inline int remove_entry(
	const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

static inline int scene_teardown(void **state)
{
	struct scene *scene = *state;

	book_close(scene->book);
	nftw(scene->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(scene);
	return 0;
}

/* One version of a domain with domain.xml alone; further things are set by the caller. */
struct step {
	const char *uuid;
	const char *name;
	uint32_t base;
	const char *xml;
	const char *subject; /* NULL: "define" */
	enum domain_state state;
	const struct use_row *uses;
	size_t use_count;
	uint64_t journal;
};

static inline int step_apply(
	struct book *book, const struct step *step, uint32_t *number, struct dd_error *err)
{
	struct tree_file file = {"domain.xml", step->xml, strlen(step->xml)};
	struct trailer trailer = {"Operation", "define"};
	struct version_draft version = {
		.subject = step->subject ? step->subject : "define",
		.author = {"Ada Operator", "ada@example.org"},
		.trailers = &trailer,
		.trailer_count = 1,
		.files = &file,
		.file_count = 1,
	};
	struct index_draft index = {
		.name = step->name,
		.state = step->state,
		.uses = step->uses,
		.use_count = step->use_count,
	};
	struct book_change change = {
		.uuid = step->uuid,
		.base = step->base,
		.version = &version,
		.index = &index,
		.journal = step->journal,
	};

	return book_apply(book, &change, number, err);
}

static inline void define(struct scene *scene, const char *uuid, const char *name, const char *xml)
{
	struct step step = {.uuid = uuid, .name = name, .xml = xml};

	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
}

static inline void undefine(struct scene *scene, const char *uuid, const char *name, uint32_t base)
{
	struct step step = {.uuid = uuid,
		.name = name,
		.base = base,
		.xml = "x",
		.subject = "undefine",
		.state = STATE_GONE};

	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
}

static inline void change(
	struct scene *scene, const char *uuid, const char *name, uint32_t base, const char *xml)
{
	struct step step = {
		.uuid = uuid, .name = name, .base = base, .xml = xml, .subject = "edit"};

	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
}

static inline void assert_file(struct scene *scene, const char *uuid, uint32_t number,
	const char *path, const char *content)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	assert_ok(scene, book_read(scene->book, uuid, number, path, &text, &scene->err));
	assert_string_equal(text_string(&text), content);
}

/* Runs a child's body in a process of its own, which must open the book for itself. */
#define FORK(pid, ...)                   \
	do {                             \
		(pid) = fork();          \
		assert_true((pid) >= 0); \
		if ((pid) == 0) {        \
			__VA_ARGS__;     \
			_exit(0);        \
		}                        \
	} while (0)

static inline void assert_child_ok(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

enum outcome { KILLED, ENDED, UNTRACEABLE };

/*
 * Lets a child that has asked to be traced and stopped itself make so many system calls, each of
 * which stops it twice, and kills it then.
 */
static inline enum outcome kill_at(pid_t pid, long calls)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL) < 0)
		return UNTRACEABLE;
	for (long stops = 0; stops < 2 * calls; stops++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return ENDED;
		}
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return KILLED;
}

/* Asks for that, in the child. */
static inline void be_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(9);
	raise(SIGSTOP);
}

/* Runs a program and returns its exit code, its two outputs appended to out. */
static inline int run(const char *const *argv, struct text *out)
{
	int ends[2];
	char block[4096];
	ssize_t got;
	pid_t pid;
	int status;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
		setenv("HOME", "/nonexistent", 1);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(ends[1]);
	while ((got = read(ends[0], block, sizeof block)) > 0)
		text_add(out, block, (size_t)got);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
