/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/line.h"
#include "domain/config.h"

#define ANSWER "fenced"
#define ANSWER_LIMIT 4096

extern char **environ;

struct asking {
	const char *program;
	pid_t pid;
	int out; /* what it says */
	int64_t until;
	struct text answer;
	struct dd_error *err;
};

static void cleanup_asking(struct asking *asking)
{
	if (asking->pid > 0) {
		kill(asking->pid, SIGKILL);
		waitpid(asking->pid, NULL, 0);
	}
	if (asking->out >= 0)
		close(asking->out);
	text_release(&asking->answer);
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int spawn(struct asking *asking, const char *name)
{
	char *argv[] = {(char *)(uintptr_t)asking->program, (char *)(uintptr_t)name, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], failed;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(asking->err, errno, "cannot make a pipe");
	asking->out = ends[0];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	failed = posix_spawn(&asking->pid, asking->program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (!failed)
		return 0;
	asking->pid = 0;
	return error_errno(asking->err, failed, "cannot run the fence-command %s", asking->program);
}

static int too_late(struct asking *asking)
{
	return error_set(asking->err, DD_REFUSED, "the fence-command %s gave no answer in %d s",
		asking->program, FENCE_SECONDS);
}

static int listen(struct asking *asking)
{
	char buffer[512];

	for (;;) {
		struct pollfd poll_fd = {.fd = asking->out, .events = POLLIN};
		int64_t left = asking->until - clock_ms();
		ssize_t size;

		if (left <= 0 || poll(&poll_fd, 1, (int)left) == 0)
			return too_late(asking);
		size = read(asking->out, buffer, sizeof buffer);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return error_errno(
				asking->err, errno, "cannot read what the fence-command says");
		if (size == 0)
			return 0;
		if (asking->answer.size < ANSWER_LIMIT)
			text_add(&asking->answer, buffer, (size_t)size);
	}
}

static int end(struct asking *asking, int *status)
{
	pid_t ended;

	while ((ended = waitpid(asking->pid, status, WNOHANG)) == 0) {
		if (clock_ms() >= asking->until)
			return too_late(asking);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	asking->pid = 0;
	return ended < 0 ? error_errno(asking->err, errno, "cannot wait for the fence-command") : 0;
}

static bool has_line(const char *text, const char *wanted)
{
	size_t size = strlen(wanted);

	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length == size && memcmp(text, wanted, size) == 0)
			return true;
		text += length + (text[length] == '\n');
	}
	return false;
}

static int judge(struct asking *asking, const char *name, int status)
{
	CLEANUP(free) char *said = NULL;
	int rc;

	if (text_failed(&asking->answer))
		return error_no_memory(asking->err);
	if (WIFEXITED(status) && !WEXITSTATUS(status) &&
		has_line(text_string(&asking->answer), ANSWER))
		return 0;
	rc = line_visible(&said, text_string(&asking->answer), asking->err);
	if (rc)
		return rc;
	error_set(asking->err, DD_REFUSED,
		"the host '%s' is not proved to be fenced: %s ended with %s %d and said \"%.200s\"",
		name, asking->program, WIFEXITED(status) ? "status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said);
	return error_hint(asking->err,
		"two hosts must never run one guest: see that '%s' is down, then say so with "
		"--override REASON",
		name);
}

int fence_ask(struct dd_host *host, const char *name, char **proof, struct dd_error *err)
{
	CLEANUP(free) char *program = NULL;
	CLEANUP(asking)
	struct asking asking = {.out = -1,
		.until = clock_ms() + FENCE_SECONDS * 1000,
		.answer = TEXT_INIT,
		.err = err};
	int status = 0;
	int rc = config_text(host, CONFIG_FENCE_COMMAND, &program, err);

	if (!rc && !*program) {
		error_set(err, DD_REFUSED, "nothing proves that the host '%s' is down", name);
		return error_hint(err,
			"name a program that fences it: domesday config " CONFIG_FENCE_COMMAND
			" PATH; or see to it yourself and say so with --override REASON");
	}
	asking.program = program;
	if (!rc)
		rc = spawn(&asking, name);
	if (!rc)
		rc = listen(&asking);
	if (!rc)
		rc = end(&asking, &status);
	if (!rc)
		rc = judge(&asking, name, status);
	return rc ? rc : string_format(proof, err, "%s answered " ANSWER, program);
}
