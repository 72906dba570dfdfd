/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/fence.h"

#include <string.h>
#include <sys/wait.h>

#include "base/line.h"
#include "base/program.h"
#include "domain/config.h"

#define ANSWER "fenced"
#define ANSWER_LIMIT 4096

/* Of an answer that was cut nobody knows how its last line went on. */
static bool is_fenced(const struct program_end *end)
{
	const struct text *said = &end->output;
	const size_t size = strlen(ANSWER);

	for (size_t at = 0; at < said->size;) {
		const char *line = said->data + at;
		const char *newline = memchr(line, '\n', said->size - at);
		size_t length = newline ? (size_t)(newline - line) : said->size - at;

		if (length == size && memcmp(line, ANSWER, size) == 0 && (newline || !end->cut))
			return true;
		at += length + 1;
	}
	return false;
}

static int judge(
	const char *program, const char *name, const struct program_end *end, struct dd_error *err)
{
	CLEANUP(free) char *said = NULL;
	int status = end->status;
	int rc;

	if (WIFEXITED(status) && !WEXITSTATUS(status) && is_fenced(end))
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
