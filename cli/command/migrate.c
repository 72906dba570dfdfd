/* SPDX-License-Identifier: Apache-2.0 */
#include <domesday/migrate.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/output.h"
#include "cli/progress.h"

#define TIMEOUT_MAX 86400
#define MAPS_MAX 64
#define COLUMNS_USUAL 80 /* of a terminal that does not say */

static const struct option_row options[] = {
	{"live", 0, NULL, "with its running guest: fails where it does not run"},
	{"offline", 0, NULL, "of a domain that does not run: fails where it does"},
	{"local", 0, NULL, "to a new QEMU on this host, as after an upgrade of QEMU; no PEER"},
	{"dname", 0, "NEW", "what it is called there"},
	{"map", 0, "KIND:FROM=TO,...", "what is called otherwise there, such as bridge:br0=br1"},
	{"xml", 0, "FILE", "the definition that its guest is to run with there"},
	{"persistent-xml", 0, "FILE", "the one for its next start; otherwise that it runs with"},
	{"dry-run", 'n', NULL, "show what would become of its disks, and do nothing"},
	{"copy-storage", 0, NULL, "with its images, where they are not there"},
	{"overwrite-storage", 0, NULL, "with its images, also over others of their names there"},
	{"keep", 0, NULL, "this host lists it afterwards, too: off, and as PEER's"},
	{"unsafe", 0, NULL, "what may be a shared disk is one, whatever its cache mode"},
	{"paused", 0, NULL, "it stands still there until it is resumed"},
	{"bandwidth", 0, "MIB", "MiB a second, at most"},
	{"timeout", 0, "SECONDS", "give up after so long"},
	{"transport", 0, "HOW", "how its memory goes: relay (the faster), or tls, QEMU's own"},
	{"postcopy", 0, NULL,
		"where it cannot be slowed down enough: run it there with a part here"},
	{"resolve", 0, "WHERE", "end one whose other host is gone for good: here or there has it"},
	{"timeout-suspend", 0, NULL, "or rather stop the guest then, so that it comes to an end"},
	{NULL},
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* Ctrl-C calls it off, as long as that is possible, and so does a terminal that is closed, unless
 * nohup says otherwise; neither kills it. */
static void signals_catch(void)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct sigaction before;

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		(void)sigaction(SIGHUP, &action, NULL);
}

/* ---- how far it is ---- */

struct bar {
	bool shown; /* standard error is a terminal, and not told to be quiet */
	bool drawn;
};

/* Of a line that is to be drawn over again: a terminal that wraps it keeps a part. */
static size_t columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col - 1u
									   : COLUMNS_USUAL - 1;
}

static void bar_draw(struct bar *bar, const struct dd_migration_progress *progress)
{
	CLEANUP(text) struct text line = TEXT_INIT;

	bar->drawn = true;
	progress_line(progress, columns(), &line);
	fprintf(stderr, "\r\033[K%s", text_string(&line));
}

static int on_progress(const struct dd_migration_progress *progress, void *context)
{
	struct bar *bar = context;

	if (bar->shown)
		bar_draw(bar, progress);
	return interrupted;
}

static void bar_end(const struct bar *bar)
{
	if (bar->drawn)
		fprintf(stderr, "\r\033[K");
}

/* ---- what is asked for ---- */

struct asked {
	struct dd_migrate_options options;
	struct text xml, persistent, maps;
	const char *map[MAPS_MAX + 1];
};

static void cleanup_asked(struct asked *asked)
{
	text_release(&asked->xml);
	text_release(&asked->persistent);
	text_release(&asked->maps);
}

static int read_xml(const struct arguments *args, const char *option, struct text *out,
	const char **xml, struct dd_error *err)
{
	const char *file = option_value(args, option);
	int rc = file ? read_input(file, out, err) : 0;

	if (!rc && file)
		*xml = text_string(out);
	return rc;
}

static bool option_is_input(const struct arguments *args, const char *option)
{
	const char *file = option_value(args, option);

	return file && strcmp(file, "-") == 0;
}

static int read_number(const struct arguments *args, const char *option, uint64_t most,
	uint64_t *out, struct dd_error *err)
{
	const char *word = option_value(args, option);

	return word ? parse_number(word, option, 1, most, out, err) : 0;
}

/* What is empty was meant to be something: a shell's variable, maybe. */
static int read_maps(const struct arguments *args, struct asked *asked, struct dd_error *err)
{
	const char *given = option_value(args, "map");
	size_t count = 0;

	if (!given)
		return 0;
	text_puts(&asked->maps, given);
	if (text_failed(&asked->maps))
		return error_no_memory(err);
	for (char *word = asked->maps.data, *rest; word; word = rest) {
		rest = string_cut(word, ',');
		if (!*word) {
			error_set(err, CLI_USAGE, "one of --map '%s' is empty", given);
			return error_hint(
				err, "it takes KIND:FROM=TO, or several with ',' between");
		}
		if (count == MAPS_MAX)
			return error_set(err, CLI_USAGE, "--map takes %d at most", MAPS_MAX);
		asked->map[count++] = word;
	}
	asked->options.maps = asked->map;
	return 0;
}

static int read_transport(
	const struct arguments *args, enum dd_transport *out, struct dd_error *err)
{
	const char *word = option_value(args, "transport");

	*out = word && strcmp(word, "tls") == 0 ? DD_TRANSPORT_TLS : DD_TRANSPORT_RELAY;
	return !word || *out == DD_TRANSPORT_TLS || strcmp(word, "relay") == 0
		       ? 0
		       : error_set(err, CLI_USAGE, "--transport takes 'relay' or 'tls', not '%s'",
				 word);
}

static int read_asked(const struct arguments *args, struct asked *asked, struct dd_error *err)
{
	bool live = option_given(args, "live"), offline = option_given(args, "offline");
	uint64_t bandwidth = 0, timeout = 0;
	bool local = option_given(args, "local");
	int rc = live + offline + local > 1
			 ? error_set(err, CLI_USAGE,
				   "--live, --offline and --local contradict each other")
			 : 0;

	asked->options = (struct dd_migrate_options){
		.domain = operand(args, 0),
		.peer = operand(args, 1),
		.mode = live      ? DD_MIGRATE_LIVE
			: offline ? DD_MIGRATE_OFFLINE
			: local   ? DD_MIGRATE_LOCAL
				  : DD_MIGRATE_AUTO,
		.name = option_value(args, "dname"),
		.paused = option_given(args, "paused"),
		.timeout_suspends = option_given(args, "timeout-suspend"),
		.postcopy = option_given(args, "postcopy"),
		.copy_storage = option_given(args, "copy-storage"),
		.overwrite_storage = option_given(args, "overwrite-storage"),
		.unsafe = option_given(args, "unsafe"),
		.keep = option_given(args, "keep"),
	};
	if (!rc)
		rc = read_transport(args, &asked->options.transport, err);
	if (!rc)
		rc = read_number(args, "bandwidth", 1u << 20, &bandwidth, err);
	if (!rc)
		rc = read_number(args, "timeout", TIMEOUT_MAX, &timeout, err);
	if (!rc && asked->options.timeout_suspends && !timeout)
		rc = error_set(err, CLI_USAGE, "--timeout-suspend needs --timeout SECONDS");
	if (!rc && option_is_input(args, "xml") && option_is_input(args, "persistent-xml"))
		rc = error_set(err, CLI_USAGE,
			"--xml and --persistent-xml cannot both be '-': standard input is read "
			"once");
	if (!rc)
		rc = read_xml(args, "xml", &asked->xml, &asked->options.xml, err);
	if (!rc)
		rc = read_xml(args, "persistent-xml", &asked->persistent,
			&asked->options.persistent_xml, err);
	if (!rc)
		rc = read_maps(args, asked, err);
	asked->options.bandwidth = bandwidth << 20;
	asked->options.timeout_s = (unsigned)timeout;
	return rc;
}

/* ---- all of it ---- */

static const char *memory_words(bool shared)
{
	return shared ? "shared" : "copied";
}

static const char *what_it_does(const struct dd_migrated *migrated)
{
	return migrated->paused ? "is paused" : "runs";
}

/* On another host. */
static void note_where(
	struct cli *cli, const struct asked *asked, const struct dd_migrated *migrated)
{
	const char *name = asked->options.name;
	const char *as = name ? " as " : "";

	if (migrated->live)
		cli_note(cli,
			"%s %s on %s%s%s, after %.2f s; it stood still for about %" PRId64 " ms",
			asked->options.domain, what_it_does(migrated), asked->options.peer, as,
			name ? name : "", (double)migrated->total_ms / 1000, migrated->downtime_ms);
	else
		cli_note(cli, "%s is the host %s's now%s%s, with version %u", asked->options.domain,
			asked->options.peer, as, name ? name : "", migrated->version);
}

static int tell(struct cli *cli, const struct asked *asked, const struct dd_migrated *migrated,
	struct dd_error *err)
{
	struct json *answer;

	if (migrated->instance)
		cli_note(cli,
			"%s %s in its QEMU no. %u, after %.2f s (memory: %s); it stood still for "
			"about %" PRId64 " ms",
			asked->options.domain, what_it_does(migrated), migrated->instance,
			(double)migrated->total_ms / 1000, memory_words(migrated->memory_shared),
			migrated->downtime_ms);
	else
		note_where(cli, asked, migrated);
	if (asked->options.keep)
		cli_note(cli, migrated->kept
				      ? "it is listed here, too, off, until it is undefined here"
				      : "it is not listed here: it is gone there, too, or another "
					"domain has its name");
	if (*migrated->screen)
		cli_note(cli, "its screen is at %s://%s now", migrated->screen_type,
			migrated->screen);
	if (migrated->copied)
		cli_note(cli,
			"%u of its disks %s copied: the images on this host are where they were, "
			"and nobody uses them any more",
			migrated->copied, migrated->copied == 1 ? "was" : "were");
	if (!cli->json)
		return 0;
	answer = json_object();
	json_put_string(answer, "domain", asked->options.domain);
	json_put_string(answer, "uuid", migrated->uuid);
	if (migrated->instance) {
		json_put_number(answer, "instance", migrated->instance);
		json_put_string(answer, "memory", memory_words(migrated->memory_shared));
	} else {
		json_put_string(answer, "peer", asked->options.peer);
		json_put_bool(answer, "kept", migrated->kept);
	}
	json_put_number(answer, "version", migrated->version);
	json_put_bool(answer, "live", migrated->live);
	json_put_number(answer, "total_ms", migrated->total_ms);
	if (migrated->live) {
		json_put_bool(answer, "paused", migrated->paused);
		json_put_number(answer, "downtime_ms", migrated->downtime_ms);
		json_put_number(answer, "sent_bytes", (int64_t)migrated->sent);
		json_put_string(answer, "transport", migrated->transport);
		json_put_bool(answer, "postcopy", migrated->postcopy);
		json_put_string(answer, "screen", migrated->screen);
		json_put_string(answer, "screen_type", migrated->screen_type);
	}
	json_put_number(answer, "copied_disks", migrated->copied);
	json_put_number(answer, "disk_bytes", (int64_t)migrated->disks_sent);
	return cli_answer(cli, answer, err);
}

/* ---- what would be done ---- */

struct outlook {
	const struct cli *cli;
	struct text lines;
	struct json *disks;
};

static void cleanup_outlook(struct outlook *outlook)
{
	text_release(&outlook->lines);
	json_free(outlook->disks);
}

static int outlook_add(const struct dd_migrate_disk *disk, void *context)
{
	struct outlook *outlook = context;
	bool refused = strcmp(disk->verdict, "refused") == 0;
	struct json *object;

	text_printf(&outlook->lines,
		"%s%s %s%s: ", colour(outlook->cli, refused ? COLOUR_RED : COLOUR_NONE),
		disk->verdict, disk->target, colour(outlook->cli, COLOUR_NONE));
	if (!refused)
		text_printf(&outlook->lines, "%s: ", disk->path);
	text_printf(&outlook->lines, "%s\n", disk->why);
	if (*disk->hint)
		text_printf(&outlook->lines, "    %s\n", disk->hint);
	if (!outlook->disks)
		return 0;
	object = json_object();
	json_put_string(object, "target", disk->target);
	json_put_string(object, "path", disk->path);
	json_put_string(object, "verdict", disk->verdict);
	json_put_string(object, "why", disk->why);
	json_put_string(object, "hint", disk->hint);
	json_push(outlook->disks, object);
	return 0;
}

static void look_local(
	struct cli *cli, const struct asked *asked, const struct dd_migrate_outlook *found)
{
	text_printf(&cli->out, "%s would go on in a new QEMU on this host, its no. %u\n",
		asked->options.domain, found->instance);
	if (found->memory_shared)
		text_puts(&cli->out, "shared memory: the new QEMU has it as it is\n");
	else
		text_printf(&cli->out,
			"copied memory: %.0f MiB, which the host needs once more meanwhile\n"
			"    where <memoryBacking> has <source type='memfd'/> and <access "
			"mode='shared'/> it is not copied\n",
			(double)found->memory / MIB);
}

static int look(struct cli *cli, const struct asked *asked, const struct dd_change *change,
	struct dd_error *err)
{
	CLEANUP(outlook)
	struct outlook outlook = {.cli = cli, .lines = TEXT_INIT};
	struct dd_migrate_outlook found;
	struct json *answer;
	int rc;

	if (cli->json)
		outlook.disks = json_array();
	rc = dd_migrate_look(
		cli->host, &asked->options, change, outlook_add, &outlook, &found, err);
	if (rc)
		return rc;
	if (cli->json) {
		answer = json_object();
		json_put_string(answer, "domain", asked->options.domain);
		if (found.instance) {
			json_put_number(answer, "instance", found.instance);
			json_put_string(answer, "memory", memory_words(found.memory_shared));
		} else
			json_put_string(answer, "peer", asked->options.peer);
		json_put_bool(answer, "dry_run", true);
		json_put_bool(answer, "live", found.live);
		json_put_bool(answer, "possible", found.possible);
		json_put(answer, "copy_bytes", json_unsigned(found.bytes));
		json_put_bool(answer, "hook", found.hook);
		json_put_bool(answer, "one_pass", found.one_pass);
		json_put(answer, "disks", TAKE(outlook.disks));
		return cli_answer(cli, answer, err);
	}
	if (found.instance)
		look_local(cli, asked, &found);
	else
		text_printf(&cli->out, "%s would go to %s %s%s\n", asked->options.domain,
			asked->options.peer, found.live ? "with its guest" : "without a guest",
			found.possible ? "" : ", but that is refused");
	if (asked->options.keep)
		text_printf(&cli->out, "this host would list it still, off and as %s's\n",
			asked->options.peer);
	if (found.one_pass)
		text_puts(&cli->out, "in one pass: an emulated guest stands still for what it "
				     "changes meanwhile\n");
	text_puts(&cli->out, text_string(&outlook.lines));
	if (found.hook)
		text_printf(&cli->out,
			"the migrate-hook of %s may change that, or refuse it: it is not asked "
			"before\n",
			asked->options.peer);
	return 0;
}

/* Whoever only wants to look must not be taken for one who wants it done. */
static int check_alone(const struct arguments *args, struct dd_error *err)
{
	for (const struct option_row *option = options; option->name; option++)
		if (option_given(args, option->name) && strcmp(option->name, "resolve") != 0)
			return error_set(err, CLI_USAGE,
				"--%s does not go with --resolve, which moves nothing",
				option->name);
	return 0;
}

/* For a host that is gone, in which case nothing is moved. */
static int resolve(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *where = option_value(args, "resolve"), *name = operand(args, 0);
	bool here = strcmp(where, "here") == 0;
	struct dd_change change = {.reason = NULL};
	int rc = arguments_change(args, &change, err);

	if (!rc)
		rc = check_alone(args, err);
	if (!rc && !here && strcmp(where, "there") != 0)
		rc = error_set(
			err, CLI_USAGE, "--resolve takes 'here' or 'there', not '%s'", where);
	if (!rc && operand(args, 1))
		rc = error_set(err, CLI_USAGE, "'%s' is too much: --resolve moves nothing",
			operand(args, 1));
	if (!rc)
		rc = dd_migration_resolve(cli->host, name, here, &change, err);
	if (rc)
		return rc;
	cli_note(cli, here ? "this host has %s" : "this host does not have %s", name);
	return cli->json ? answer_string(cli, "resolved", where, err) : 0;
}

static int move(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(asked)
	struct asked asked = {.xml = TEXT_INIT, .persistent = TEXT_INIT, .maps = TEXT_INIT};
	struct bar bar = {.shown = isatty(STDERR_FILENO) && !cli->quiet && !cli->json};
	struct dd_change change = {.reason = NULL};
	struct dd_migrated migrated;
	int rc = read_asked(args, &asked, err);

	if (!rc)
		rc = arguments_change(args, &change, err);
	if (rc)
		return rc;
	if (option_given(args, "dry-run"))
		return look(cli, &asked, &change, err);
	signals_catch();
	rc = dd_migrate(cli->host, &asked.options, &change, on_progress, &bar, &migrated, err);
	bar_end(&bar);
	return rc ? rc : tell(cli, &asked, &migrated, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	if (option_given(args, "resolve"))
		return resolve(cli, args, err);
	if (option_given(args, "local") && operand(args, 1))
		return error_set(err, CLI_USAGE, "'%s' is too much: --local stays on this host",
			operand(args, 1));
	if (!option_given(args, "local") && !operand(args, 1)) {
		error_set(err, CLI_USAGE, "where to? migrate needs a PEER, or --local");
		return error_hint(err, "domesday peer list");
	}
	return move(cli, args, err);
}

const struct command command_migrate = {
	.name = "migrate",
	.group = GROUP_OTHERS,
	.operands = "NAME [PEER]",
	.summary = "move a domain, its guest and all of its history to another host",
	.about = "PEER is a host that 'peer add' made known, and on which domesdayd listens. It "
		 "has the domain\n"
		 "from the moment on at which it has all of it, and this host until then: whatever "
		 "fails or dies\n"
		 "in between, one of them has it, and its guest runs there alone. Ctrl-C, or "
		 "'job-abort' from\n"
		 "elsewhere, calls it off.\n"
		 "With --local and no PEER its guest goes on in a new QEMU on this host instead.",
	.options = options,
	.shared = OPTIONS_CHANGE,
	.book = BOOK_OPEN,
	.run = run,
};
