/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a file in memory and not a pipe: nobody has to write while the program does not
 * read. The program leads a process group, so that what it has started ends with it.
 */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

extern char **environ;

struct running {
	const struct program *program;
	struct program_end *end;
	pid_t pid;
	int input;
	int ends[2]; /* where its output and its errors come from; -1: nothing more comes */
	int64_t until;
	struct dd_error *err;
};

static void cleanup_running(struct running *running)
{
	if (running->pid > 0) {
		kill(-running->pid, SIGKILL);
		waitpid(running->pid, NULL, 0);
	}
	if (running->input >= 0)
		close(running->input);
	for (int i = 0; i < 2; i++)
		if (running->ends[i] >= 0)
			close(running->ends[i]);
}

void program_end_release(struct program_end *end)
{
	text_release(&end->output);
	text_release(&end->errors);
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- its beginning ---- */

static int input_open(struct running *running)
{
	const char *input = running->program->input;
	int rc;

	running->input = input ? memfd_create("input", MFD_CLOEXEC)
			       : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (running->input < 0)
		return error_errno(running->err, errno, "cannot make an input");
	rc = input ? file_write(running->input, input, strlen(input)) : 0;
	if (rc || (input && lseek(running->input, 0, SEEK_SET) < 0))
		return error_errno(running->err, rc ? -rc : errno, "cannot write an input");
	return 0;
}

static int spawn_with(struct running *running, posix_spawn_file_actions_t *actions,
	posix_spawnattr_t *attributes, const int writers[2])
{
	const struct program *program = running->program;
	char *const *environment =
		program->environment ? (char *const *)(uintptr_t)program->environment : environ;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawn_file_actions_adddup2(actions, running->input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(actions, writers[0], STDOUT_FILENO);
	if (writers[1] >= 0)
		posix_spawn_file_actions_adddup2(actions, writers[1], STDERR_FILENO);
	return posix_spawn(&running->pid, program->argv[0], actions, attributes,
		(char *const *)(uintptr_t)program->argv, environment);
}

static int spawn(struct running *running, const int writers[2])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int failed;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	failed = spawn_with(running, &actions, &attributes, writers);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (!failed)
		return 0;
	running->pid = 0;
	return error_errno(running->err, failed, "cannot run %s %s", running->program->what,
		running->program->argv[0]);
}

static int begin(struct running *running)
{
	int writers[2] = {-1, -1};
	int rc = input_open(running);

	for (int i = 0; !rc && i < (running->program->errors_max ? 2 : 1); i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			rc = error_errno(running->err, errno, "cannot make a pipe");
		else {
			running->ends[i] = ends[0];
			writers[i] = ends[1];
		}
	}
	if (!rc)
		rc = spawn(running, writers);
	for (int i = 0; i < 2; i++)
		if (writers[i] >= 0)
			close(writers[i]);
	return rc;
}

/* ---- what it says ---- */

/* It stays a zombie until its group is gone, whose number is so nobody else's yet. */
static bool has_ended(const struct running *running)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)running->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	       info.si_pid;
}

static int too_late(struct running *running)
{
	if (has_ended(running)) {
		error_set(running->err, DD_REFUSED,
			"%s %s has ended, but what it has started has kept its output open for %u "
			"s",
			running->program->what, running->program->argv[0],
			running->program->seconds);
		return error_hint(running->err,
			"have it wait for that, or start it with its output elsewhere");
	}
	return error_set(running->err, DD_REFUSED, "%s %s gave no answer in %u s",
		running->program->what, running->program->argv[0], running->program->seconds);
}

/* As much as there is room for. */
static void keep(struct running *running, bool errors, const char *bytes, size_t size)
{
	struct text *text = errors ? &running->end->errors : &running->end->output;
	size_t most = errors ? running->program->errors_max : running->program->output_max;
	size_t room = most - text->size;

	if (size > room && !errors)
		running->end->cut = true;
	text_add(text, bytes, size < room ? size : room);
}

static int read_some(struct running *running, bool errors)
{
	char buffer[4096];
	ssize_t size = read(running->ends[errors], buffer, sizeof buffer);

	if (size > 0)
		keep(running, errors, buffer, (size_t)size);
	if (size < 0 && errno != EINTR)
		return error_errno(
			running->err, errno, "cannot read what %s says", running->program->what);
	if (size == 0) {
		close(running->ends[errors]);
		running->ends[errors] = -1;
	}
	return 0;
}

static int listen(struct running *running)
{
	int rc = 0;

	while (!rc && (running->ends[0] >= 0 || running->ends[1] >= 0)) {
		struct pollfd both[2] = {{.fd = running->ends[0], .events = POLLIN},
			{.fd = running->ends[1], .events = POLLIN}};
		int64_t left = running->until - clock_ms();

		if (left <= 0 || poll(both, 2, (int)left) == 0)
			return too_late(running);
		for (int i = 0; !rc && i < 2; i++)
			if (both[i].fd >= 0 && both[i].revents)
				rc = read_some(running, i);
	}
	return rc;
}

static int reap(struct running *running)
{
	while (!has_ended(running)) {
		if (clock_ms() >= running->until)
			return too_late(running);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	kill(-running->pid, SIGKILL);
	if (waitpid(running->pid, &running->end->status, 0) < 0)
		return error_errno(
			running->err, errno, "cannot wait for %s", running->program->what);
	running->pid = 0;
	return 0;
}

int program_run(const struct program *program, struct program_end *end, struct dd_error *err)
{
	CLEANUP(running)
	struct running running = {.program = program,
		.end = end,
		.input = -1,
		.ends = {-1, -1},
		.until = clock_ms() + (int64_t)program->seconds * 1000,
		.err = err};
	int rc = begin(&running);

	if (!rc)
		rc = listen(&running);
	if (!rc)
		rc = reap(&running);
	if (!rc && (text_failed(&end->output) || text_failed(&end->errors)))
		rc = error_no_memory(err);
	return rc;
}
