/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include "base/moment.h"
#include "cli/output.h"

void findings_init(struct findings *findings, struct cli *cli)
{
	findings->cli = cli;
	findings->array = json_array();
	findings->adopted = json_array();
}

static struct json *number_or_null(uint32_t number)
{
	return number ? json_number(number) : json_null();
}

int findings_add(const struct dd_finding *finding, void *context)
{
	struct findings *findings = context;
	struct cli *cli = findings->cli;
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
	json_push(findings->array, object);
	text_printf(&cli->out, "%s%s%s: %s\n", colour(cli, COLOUR_RED), finding->kind,
		colour(cli, COLOUR_NONE), finding->sentence);
	return 0;
}

int findings_key(const struct dd_key *key, void *context)
{
	struct findings *findings = context;
	struct cli *cli = findings->cli;
	struct json *object;
	char since[MOMENT_SIZE];

	if (!key->adopted || key->fault)
		return 0;
	object = json_object();
	json_put_string(object, "fingerprint", key->fingerprint);
	put_time(object, "since", key->since);
	json_put_string(object, "who", key->who);
	json_put_string(object, "adopted", key->adopted);
	json_push(findings->adopted, object);
	moment_format(key->since, since);
	text_printf(&cli->out,
		"%snotice%s: the key %s was adopted at %s by %.*s (%s): nothing signed before "
		"vouches for it\n",
		colour(cli, COLOUR_YELLOW), colour(cli, COLOUR_NONE), key->fingerprint, since,
		person_name_length(key->who), key->who, key->adopted);
	return 0;
}

static void note(struct cli *cli, const char *what, const struct dd_verified *verified)
{
	if (!verified->findings)
		cli_note(cli, "%s is sound: %llu version%s of %llu domain%s, %llu objects", what,
			(unsigned long long)verified->versions, plural(verified->versions),
			(unsigned long long)verified->domains, plural(verified->domains),
			(unsigned long long)verified->objects);
	else if (verified->findings > DD_FINDINGS_LIMIT)
		cli_note(cli, "%llu findings, of which the first %d are shown",
			(unsigned long long)verified->findings, DD_FINDINGS_LIMIT);
}

struct json *findings_json(struct findings *findings, const struct dd_verified *verified)
{
	struct json *object = json_object();

	json_put_bool(object, "sound", verified->findings == 0);
	json_put_number(object, "domains", (int64_t)verified->domains);
	json_put_number(object, "versions", (int64_t)verified->versions);
	json_put_number(object, "objects", (int64_t)verified->objects);
	json_put(object, "findings", TAKE(findings->array));
	json_put(object, "adopted", TAKE(findings->adopted));
	return object;
}

int findings_finish(struct findings *findings, const char *what, const struct dd_verified *verified,
	struct dd_error *err)
{
	struct cli *cli = findings->cli;
	int rc = 0;

	note(cli, what, verified);
	if (cli->json)
		rc = cli_answer(cli, findings_json(findings, verified), err);
	return rc < 0 ? rc : verified->findings ? STATUS_NO : STATUS_OK;
}
