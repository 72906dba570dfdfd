/* SPDX-License-Identifier: Apache-2.0 */
#include <domesday/migrate.h>
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/findings.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"from", 0, "URL", "from a remote that the host pushed to, instead of a file"},
	{"host", 0, "HOST", "that pushed there; otherwise this machine's name"},
	{"key", 0, "FILE",
		"the host's private key, where it was kept; otherwise a new one is made"},
	{"fingerprint", 0, "SHA256:...", "refuse a book whose first key is another"},
	{"identity", 'i', "FILE", "proves who we are to the remote, as in 'remote add'"},
	{"name", 0, "NAME", "what the remote is called from then on; otherwise 'origin'"},
	{"incomplete", 0, NULL, "restore what is left where something is lost"},
	{NULL},
};

struct returning {
	struct cli *cli;
	struct findings findings;
	struct json *keys, *passwords;
	struct text names; /* of domains that lack their passwords */
};

static void cleanup_returning(struct returning *returning)
{
	cleanup_findings(&returning->findings);
	json_free(returning->keys);
	json_free(returning->passwords);
	text_release(&returning->names);
}

static int add_finding(const struct dd_finding *finding, void *context)
{
	struct returning *returning = context;

	return findings_add(finding, &returning->findings);
}

static int add_key(const struct dd_key *key, void *context)
{
	struct returning *returning = context;
	struct json *object = json_object();
	char since[MOMENT_SIZE];

	moment_format(key->since, since);
	if (!key->adopted)
		text_printf(&returning->cli->out, "key %s since %s by %.*s%s\n", key->fingerprint,
			since, person_name_length(key->who), key->who,
			key->fault ? ", which does not count" : "");
	json_put_string(object, "fingerprint", key->fingerprint);
	put_time(object, "since", key->since);
	json_put_string(object, "who", key->who);
	json_put_bool(object, "current", key->current);
	json_push(returning->keys, object);
	return findings_key(key, &returning->findings);
}

static int add_passwords(const char *domain, void *context)
{
	struct returning *returning = context;

	json_push(returning->passwords, json_string(domain));
	text_printf(&returning->names, "%s%s", returning->names.size ? ", " : "", domain);
	return 0;
}

/* Nothing was restored: what was found stands under the error. */
static void tell_failure(struct returning *returning)
{
	struct cli *cli = returning->cli;

	if (!json_count(returning->findings.array))
		return;
	text_puts(&cli->advice, text_string(&cli->out));
	if (!cli->details)
		cli->details = json_object();
	json_put(cli->details, "findings", TAKE(returning->findings.array));
}

static void tell_success(
	const struct returning *returning, const char *url, const struct dd_verified *verified)
{
	const struct cli *cli = returning->cli;

	cli_note(cli, "restored from %s: %llu version%s of %llu domain%s", url,
		(unsigned long long)verified->versions, plural(verified->versions),
		(unsigned long long)verified->domains, plural(verified->domains));
	if (returning->names.size)
		cli_note(cli, "not restored, as no version has them: the passwords of %s",
			text_string(&returning->names));
	cli_note(cli, "not restored, as no version says it: autostart, and what 'config' had set");
}

static int answer(
	struct returning *returning, const struct dd_verified *verified, struct dd_error *err)
{
	struct json *object = findings_json(&returning->findings, verified);

	json_put(object, "keys", TAKE(returning->keys));
	json_put(object, "without_passwords", TAKE(returning->passwords));
	return cli_answer(returning->cli, object, err);
}

static int from_remote(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *name = option_value(args, "name");
	struct dd_host_options host = {.book = cli->book, .program = "domesday", .warn = cli_warn};
	struct dd_restore_source source = {
		.remote = {name ? name : "origin", option_value(args, "from"),
			option_value(args, "identity")},
		.host = option_value(args, "host"),
		.key = option_value(args, "key"),
		.fingerprint = option_value(args, "fingerprint"),
		.incomplete = option_given(args, "incomplete"),
	};
	CLEANUP(returning)
	struct returning returning = {
		.cli = cli, .keys = json_array(), .passwords = json_array(), .names = TEXT_INIT};
	struct dd_restore_calls calls = {add_finding, add_key, add_passwords, &returning};
	struct dd_verified verified;
	int rc;

	findings_init(&returning.findings, cli);
	rc = dd_restore_from(&host, &source, &calls, &verified, err);
	if (rc < 0) {
		tell_failure(&returning);
		return rc;
	}
	tell_success(&returning, source.remote.url, &verified);
	if (cli->json)
		rc = answer(&returning, &verified, err);
	return rc < 0 ? rc : verified.findings ? STATUS_NO : STATUS_OK;
}

/* An old backup does not know of it. */
static int tell_moved(const char *name, const char *uuid, const char *peer, void *context)
{
	char words[1024];

	(void)uuid;
	snprintf(words, sizeof words,
		"the host '%s' has '%s' now: it must not be started here ('domesday undefine' ends "
		"it here)",
		peer, name);
	cli_warn(words, context);
	return 0;
}

static int from_file(struct cli *cli, const char *file, struct dd_error *err)
{
	struct dd_host_options host = {.book = cli->book, .program = "domesday"};
	CLEANUP(findings) struct findings findings;
	struct dd_verified verified = {0};
	int rc;

	findings_init(&findings, cli);
	rc = dd_restore(&host, file, findings_add, &findings, &verified, err);
	if (rc >= 0 && cli_open(cli, false, NULL) == 0) {
		(void)dd_keys(cli->host, findings_key, &findings, NULL);
		(void)dd_moved(cli->host, tell_moved, cli, NULL);
	}
	return rc < 0 ? rc : findings_finish(&findings, "the restored book", &verified, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *file = operand(args, 0);
	bool remote = option_given(args, "from");

	if (remote && file)
		return error_set(err, CLI_USAGE, "restore takes a file or --from, not both");
	if (!remote && !file)
		return error_set(err, CLI_USAGE, "restore takes a FILE, or --from URL");
	for (const struct option_row *row = options; !remote && row->name; row++)
		if (option_given(args, row->name))
			return error_set(err, CLI_USAGE, "--%s goes with --from", row->name);
	return remote ? from_remote(cli, args, err) : from_file(cli, file, err);
}

const struct command command_restore = {
	.name = "restore",
	.group = GROUP_HOST,
	.operands = "[FILE]",
	.summary =
		"make the book of a backup, or of a remote, in a folder that is empty or not there",
	.about =
		"restore FILE          from a file that 'backup' has written\n"
		"restore --from URL    from a remote that was pushed to\n"
		"\n"
		"The book is verified afterwards; what is found is printed as verify does, and the "
		"exit\n"
		"status is 1 where there is anything. From a remote there is no book then, unless\n"
		"--incomplete asks for what is left. Two hosts must not go on with the same book.\n"
		"\n"
		"A remote has neither the host's private key, nor passwords of guests, autostart "
		"and\n"
		"settings. Without --key a new key is adopted, which 'key' and 'verify' tell of "
		"from "
		"then\n"
		"on. Compare the first key that is printed with what was noted when the book was "
		"made,\n"
		"or name that with --fingerprint.",
	.options = options,
	.book = BOOK_NONE,
	.run = run,
};
