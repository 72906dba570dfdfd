/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/hook.h"

#include <string.h>
#include <sys/wait.h>

#include "base/line.h"
#include "base/program.h"
#include "domain/config.h"
#include "schema/document.h"

#define WORDS_MAX 400 /* bytes of what it says on its standard error */

static int refused(const char *path, int status, char *words, struct dd_error *err)
{
	CLEANUP(free) char *shown = NULL;
	int rc;

	for (size_t size = strlen(words); size && words[size - 1] == '\n'; size--)
		words[size - 1] = '\0';
	for (char *end = words; (end = strchr(end, '\n')); end++)
		*end = ' ';
	rc = line_visible(&shown, words, err);
	if (rc)
		return rc;
	return error_set(err, DD_REFUSED, "the " CONFIG_MIGRATE_HOOK " %s ended with %s %d%s%s",
		path, WIFEXITED(status) ? "status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), *shown ? ": " : "",
		shown);
}

static int judge(
	const char *path, struct program_end *end, struct text *answer, struct dd_error *err)
{
	const char *said = text_string(&end->output);

	if (!WIFEXITED(end->status) || WEXITSTATUS(end->status)) {
		CLEANUP(free) char *words = text_take(&end->errors);

		return words ? refused(path, end->status, words, err) : error_no_memory(err);
	}
	if (end->cut)
		return error_set(err, DD_REFUSED,
			"the " CONFIG_MIGRATE_HOOK " %s says more than %u bytes", path,
			HOOK_OUTPUT_MAX);
	if (strlen(said) != end->output.size)
		return error_set(err, DD_REFUSED,
			"what the " CONFIG_MIGRATE_HOOK " %s says is no text", path);
	if (said[strspn(said, " \t\r\n")])
		text_puts(answer, said);
	return text_failed(answer) ? error_no_memory(err) : 0;
}

int hook_ask(struct dd_host *host, const struct hook *hook, const struct document *document,
	struct text *answer, struct dd_error *err)
{
	static const char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
		NULL};
	CLEANUP(free) char *path = NULL;
	CLEANUP(text) struct text definition = TEXT_INIT;
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	int rc = config_text(host, CONFIG_MIGRATE_HOOK, &path, err);

	if (rc || !*path)
		return rc;
	rc = document_write(document, &definition, err);
	if (rc)
		return rc;

	const char *const argv[] = {path, hook->name ? hook->name : document_name(document),
		hook->uuid, hook->from, hook->live ? "live" : "offline", NULL};
	const struct program program = {
		.argv = argv,
		.environment = environment,
		.input = text_string(&definition),
		.output_max = HOOK_OUTPUT_MAX,
		.errors_max = WORDS_MAX,
		.seconds = HOOK_SECONDS,
		.what = "the " CONFIG_MIGRATE_HOOK,
	};

	rc = program_run(&program, &end, err);
	return rc ? rc : judge(path, &end, answer, err);
}
