/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

struct verifying {
	struct cli *cli;
	struct json *findings;
};

static struct json *number_or_null(uint32_t number)
{
	return number ? json_number(number) : json_null();
}

static int add_finding(const struct dd_finding *finding, void *context)
{
	struct verifying *verifying = context;
	struct cli *cli = verifying->cli;
	struct json *object = json_object();

	json_put_string(object, "kind", finding->kind);
	json_put_string(object, "where", finding->where);
	json_put_string(object, "domain", finding->domain);
	json_put_string(object, "uuid", finding->uuid);
	json_put(object, "version", number_or_null(finding->version));
	json_put(object, "until", number_or_null(finding->until));
	json_put_string(object, "commit", finding->commit);
	if (finding->since)
		put_time(object, "since", finding->since);
	else
		json_put(object, "since", json_null());
	json_put_string(object, "who", finding->who);
	json_put_string(object, "sentence", finding->sentence);
	json_push(verifying->findings, object);
	text_printf(&cli->out, "%s%s%s: %s\n", colour(cli, COLOUR_RED), finding->kind,
		colour(cli, COLOUR_NONE), finding->sentence);
	return 0;
}

static void note_all(struct cli *cli, const char *what, const struct dd_verified *verified)
{
	if (!verified->findings)
		cli_note(cli, "%s is sound: %llu versions of %llu domains, %llu objects", what,
			(unsigned long long)verified->versions,
			(unsigned long long)verified->domains,
			(unsigned long long)verified->objects);
	else if (verified->findings > DD_FINDINGS_LIMIT)
		cli_note(cli, "%llu findings, of which the first %d are shown",
			(unsigned long long)verified->findings, DD_FINDINGS_LIMIT);
}

static int answer(struct cli *cli, struct json *findings, const struct dd_verified *verified,
	struct dd_error *err)
{
	struct json *object = json_object();

	json_put_bool(object, "sound", verified->findings == 0);
	json_put_number(object, "domains", (int64_t)verified->domains);
	json_put_number(object, "versions", (int64_t)verified->versions);
	json_put_number(object, "objects", (int64_t)verified->objects);
	json_put(object, "findings", findings);
	return cli_answer(cli, object, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *domain = operand(args, 0);
	CLEANUP(json) struct json *findings = json_array();
	struct verifying verifying = {cli, findings};
	struct dd_verified verified = {0};
	int rc = dd_verify(cli->host, domain, add_finding, &verifying, &verified, err);

	if (rc < 0)
		return rc;
	note_all(cli, domain ? domain : dd_host_book(cli->host), &verified);
	if (cli->json)
		rc = answer(cli, TAKE(findings), &verified, err);
	return rc < 0 ? rc : verified.findings ? STATUS_NO : STATUS_OK;
}

const struct command command_verify = {
	.name = "verify",
	.group = GROUP_HISTORY,
	.operands = "[NAME]",
	.summary = "prove that nothing was changed, lost, moved or put in afterwards",
	.about =
		"Reads every object and checks each version's signature, its place in the chain of "
		"all\n"
		"versions, the branches of book.git, and what book.db says of all that; with NAME "
		"of one\n"
		"domain. A line a finding: what is wrong, where, and since which version. The exit "
		"status\n"
		"is 0 where there is none and 1 otherwise.",
	.book = BOOK_OPEN,
	.run = run,
};
