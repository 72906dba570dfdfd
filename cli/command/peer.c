/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"fingerprint", 0, "SHA256:…", "of the key that the host has to show"},
	{NULL},
};

/* ---- list ---- */

struct peers {
	struct table *table;
	struct json *array;
};

static void cleanup_peers(struct peers *peers)
{
	json_free(peers->array);
	table_free(peers->table);
}

/* "revoked 2026-11-21 15:33:23 by Ada: stolen" */
static void tell_state(const struct dd_peer *peer, struct text *out)
{
	char revoked[MOMENT_SIZE];

	if (!peer->revoked) {
		text_puts(out, "trusted");
		return;
	}
	moment_format(peer->revoked, revoked);
	text_printf(out, "revoked %s by %.*s%s%s", revoked, person_name_length(peer->revoked_by),
		peer->revoked_by, *peer->revoked_reason ? ": " : "", peer->revoked_reason);
}

static struct json *peer_json(const struct dd_peer *peer)
{
	struct json *object = json_object();

	json_put_string(object, "name", peer->name);
	json_put_string(object, "address", peer->address);
	json_put_string(object, "key", peer->key);
	json_put_string(object, "fingerprint", peer->fingerprint);
	put_time(object, "since", peer->since);
	json_put_string(object, "who", peer->who);
	json_put_string(object, "reason", *peer->reason ? peer->reason : NULL);
	if (peer->revoked)
		put_time(object, "revoked", peer->revoked);
	else
		json_put(object, "revoked", json_null());
	json_put_string(object, "revoked_by", peer->revoked ? peer->revoked_by : NULL);
	json_put_string(
		object, "revoked_reason", *peer->revoked_reason ? peer->revoked_reason : NULL);
	return object;
}

static int add_peer(const struct dd_peer *peer, void *context)
{
	struct peers *peers = context;
	CLEANUP(text) struct text state = TEXT_INIT;
	CLEANUP(text) struct text who = TEXT_INIT;
	char since[MOMENT_SIZE];

	moment_format(peer->since, since);
	text_printf(&who, "%.*s", person_name_length(peer->who), peer->who);
	tell_state(peer, &state);

	const char *const cells[] = {peer->name, peer->address, peer->fingerprint, since,
		text_string(&who), text_string(&state)};

	table_row(peers->table, peer->revoked ? COLOUR_RED : COLOUR_NONE, cells);
	json_push(peers->array, peer_json(peer));
	return 0;
}

static int list(struct cli *cli, struct dd_error *err)
{
	static const char *const titles[] = {
		"NAME", "ADDRESS", "FINGERPRINT", "SINCE", "WHO", "STATE", NULL};
	CLEANUP(peers) struct peers peers = {.array = json_array()};
	int rc = table_new(cli, titles, &peers.table, err);

	if (!rc)
		rc = dd_peers(cli->host, add_peer, &peers, err);
	if (rc)
		return rc;
	if (json_count(peers.array) == 0)
		cli_note(cli, "no peer has been added");
	return cli->json ? cli_answer(cli, TAKE(peers.array), err)
			 : table_print(peers.table, cli, err);
}

/* --json gives the peers that there are afterwards. */
static int finish(struct cli *cli, const char *name, const char *what, struct dd_error *err)
{
	cli_note(cli, "peer %s %s", name, what);
	return cli->json ? list(cli, err) : 0;
}

/* ---- add ---- */

/* What is known already, of the name and of the key that somebody shows. */
struct pinned {
	const char *name, *fingerprint;
	char other[DD_KEY_SIZE]; /* the key that is pinned under the name; "" */
	bool revoked;            /* the key is */
};

static int find_pinned(const struct dd_peer *peer, void *context)
{
	struct pinned *pinned = context;
	bool same = strcmp(peer->fingerprint, pinned->fingerprint) == 0;

	pinned->revoked |= same && peer->revoked;
	if (!same && strcmp(peer->name, pinned->name) == 0)
		snprintf(pinned->other, sizeof pinned->other, "%s", peer->fingerprint);
	return 0;
}

static int refuse_to_guess(const char *address, const char *fingerprint, struct dd_error *err)
{
	error_set(err, DD_REFUSED,
		"the host at %s has the key %s, of which nobody has said that it is right", address,
		fingerprint);
	return error_hint(err,
		"compare it with what 'domesday identity' says there, and add "
		"--fingerprint=%s",
		fingerprint);
}

/* The person at the terminal says whether it is the right one. */
static int ask(const struct pinned *pinned, const char *address, struct dd_error *err)
{
	char answer[8] = "";

	fprintf(stderr, "The host at %s has the key\n\n    %s\n\n", address, pinned->fingerprint);
	if (*pinned->other)
		fprintf(stderr, "and not %s, which is pinned as '%s'.\n", pinned->other,
			pinned->name);
	fprintf(stderr, "Does 'domesday identity' say the same there? (yes/no) ");
	if (fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0)
		return 0;
	return error_set(err, DD_REFUSED, "'%s' was not added", pinned->name);
}

/* Gets the key from the host itself, which is good for nothing unless somebody vouches for it. */
static int fetch(struct cli *cli, const char *name, const char *address, const char *wanted,
	char key[DD_KEY_SIZE], struct dd_error *err)
{
	char fingerprint[DD_KEY_SIZE];
	struct pinned pinned = {.name = name, .fingerprint = fingerprint};
	int rc = dd_peer_key(address, key, fingerprint, err);

	if (rc)
		return rc;
	if (wanted && strcmp(wanted, fingerprint) != 0)
		return error_set(err, DD_REFUSED, "the host at %s has the key %s, and not %s",
			address, fingerprint, wanted);
	if (wanted)
		return 0;
	rc = dd_peers(cli->host, find_pinned, &pinned, err);
	if (rc)
		return rc;
	if (pinned.revoked) {
		error_set(err, DD_REFUSED, "the host at %s has the key %s, which is revoked",
			address, fingerprint);
		return error_hint(err, "if it is to be trusted again, name it with --fingerprint");
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return refuse_to_guess(address, fingerprint, err);
	return ask(&pinned, address, err);
}

static int run_add(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *fingerprint = option_value(args, "fingerprint");
	char fetched[DD_KEY_SIZE];
	CLEANUP(free) char *joined = NULL;
	struct dd_peer_pin pin = {
		.name = operand(args, 1),
		.address = operand(args, 2),
		.key = operand(args, 3),
		.reason = option_value(args, "reason"),
	};
	int rc = 0;

	/* as identity prints it, and nobody put it in quotes */
	if (operand(args, 4)) {
		rc = string_format(&joined, err, "%s %s", pin.key, operand(args, 4));
		pin.key = joined;
	}
	if (rc)
		return rc;
	if (pin.key && fingerprint)
		return error_set(err, CLI_USAGE, "either a KEY or --fingerprint, not both");
	if (!pin.key) {
		rc = fetch(cli, pin.name, pin.address, fingerprint, fetched, err);
		pin.key = fetched;
	}
	if (!rc)
		rc = dd_peer_add(cli->host, &pin, err);
	return rc ? rc : finish(cli, pin.name, "added", err);
}

/* ---- revoke, remove and check ---- */

static int run_revoke(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *name = operand(args, 1);
	int rc = dd_peer_revoke(cli->host, name, option_value(args, "reason"), err);

	return rc ? rc : finish(cli, name, "revoked", err);
}

static int run_remove(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *name = operand(args, 1);
	int rc = dd_peer_remove(cli->host, name, option_value(args, "reason"), err);

	return rc ? rc : finish(cli, name, "removed", err);
}

static int run_check(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *name = operand(args, 1);
	struct dd_peer_health health;
	struct json *object;
	int rc = dd_peer_check(cli->host, name, &health, err);

	if (rc)
		return rc;
	if (!cli->json) {
		text_printf(&cli->out,
			"%s at %s: its key as pinned, and it knows this host\n"
			"domesday %s, %s, connected in %.1f ms, round trip %.2f ms\n",
			name, health.address, health.version, health.cipher,
			health.connect_us / 1e3, health.round_trip_us / 1e3);
		return 0;
	}
	object = json_object();
	json_put_string(object, "name", name);
	json_put_string(object, "address", health.address);
	json_put_string(object, "version", health.version);
	json_put_string(object, "cipher", health.cipher);
	json_put_number(object, "connect_us", health.connect_us);
	json_put_number(object, "round_trip_us", health.round_trip_us);
	return cli_answer(cli, object, err);
}

static int run_list(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	(void)args;
	return list(cli, err);
}

static const struct action {
	const char *name, *usage;
	size_t least, most; /* words, with its own */
	bool makes_book;
	int (*run)(struct cli *cli, const struct arguments *args, struct dd_error *err);
} actions[] = {
	{"list", "peer list", 0, 1, false, run_list},
	{"add", "peer add NAME ADDRESS [KEY]", 3, 5, true, run_add},
	{"revoke", "peer revoke NAME", 2, 2, false, run_revoke},
	{"remove", "peer remove NAME", 2, 2, false, run_remove},
	{"check", "peer check NAME", 2, 2, false, run_check},
};
#define ACTION_COUNT (sizeof actions / sizeof actions[0])

static const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *name = operand(args, 0) ? operand(args, 0) : "list";
	const struct action *action = action_find(name);
	int rc;

	if (!action)
		return error_set(err, CLI_USAGE,
			"peer does not '%s': it can add, list, check, revoke and remove", name);
	if (args->count < action->least || args->count > action->most) {
		error_set(err, CLI_USAGE, "peer %s takes %s words", name,
			args->count < action->least ? "more" : "fewer");
		return error_hint(err, "%s", action->usage);
	}
	if (option_given(args, "fingerprint") && action->run != run_add)
		return error_set(err, CLI_USAGE, "--fingerprint goes with peer add");
	rc = cli->host ? 0 : cli_open(cli, action->makes_book, err);
	return rc ? rc : action->run(cli, args, err);
}

const struct command command_peer = {
	.name = "peer",
	.group = GROUP_OTHERS,
	.operands = "[ACTION] [PEER] [ADDRESS] [KEY...]",
	.summary = "the hosts that guests may go to and come from",
	.about = "peer add NAME ADDRESS KEY     what domesday identity says there\n"
		 "peer add NAME ADDRESS         gets the key from the host, and asks whether it is "
		 "right\n"
		 "peer list                     also without a word\n"
		 "peer check NAME               is it there, is it still it, does it know this "
		 "host\n"
		 "peer revoke NAME              trusts it no more, and refuses it by name\n"
		 "peer remove NAME              forgets one that was added by mistake\n"
		 "\n"
		 "NAME is what the host itself goes by. ADDRESS is HOST or HOST:PORT, where its "
		 "domesdayd\n"
		 "listens; the port is 16520 unless it says another. Both hosts have to add each "
		 "other.\n"
		 "Adding one again pins another address or key, and trusts one again that was "
		 "revoked.",
	.options = options,
	.shared = OPTIONS_REASON,
	.book = BOOK_MAYBE,
	.run = run,
};
