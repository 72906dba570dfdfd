/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/fence.h"

#include <string.h>
#include <sys/wait.h>

#include "base/line.h"
#include "base/program.h"
#include "domain/config.h"

#define ANSWER "fenced"
#define ANSWER_LIMIT 4096

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

static int judge(
	const char *program, const char *name, const struct program_end *end, struct dd_error *err)
{
	CLEANUP(free) char *said = NULL;
	int status = end->status;
	int rc;

	if (WIFEXITED(status) && !WEXITSTATUS(status) &&
		has_line(text_string(&end->output), ANSWER))
		return 0;
	rc = line_visible(&said, text_string(&end->output), err);
	if (rc)
		return rc;
	error_set(err, DD_REFUSED,
		"the host '%s' is not proved to be fenced: %s ended with %s %d and said \"%.200s\"",
		name, program, WIFEXITED(status) ? "status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said);
	return error_hint(err,
		"two hosts must never run one guest: see that '%s' is down, then say so with "
		"--override REASON",
		name);
}

int fence_ask(struct dd_host *host, const char *name, char **proof, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	int rc = config_text(host, CONFIG_FENCE_COMMAND, &path, err);

	if (!rc && !*path) {
		error_set(err, DD_REFUSED, "nothing proves that the host '%s' is down", name);
		return error_hint(err,
			"name a program that fences it: domesday config " CONFIG_FENCE_COMMAND
			" PATH; or see to it yourself and say so with --override REASON");
	}
	if (rc)
		return rc;

	const char *const argv[] = {path, name, NULL};
	const struct program program = {
		.argv = argv,
		.output_max = ANSWER_LIMIT,
		.seconds = FENCE_SECONDS,
		.what = "the " CONFIG_FENCE_COMMAND,
	};

	rc = program_run(&program, &end, err);
	if (!rc)
		rc = judge(path, name, &end, err);
	return rc ? rc : string_format(proof, err, "%s answered " ANSWER, path);
}
