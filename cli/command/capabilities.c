/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"emulator", 0, "PATH", "of that QEMU, instead of the usual one"},
	{NULL},
};

static size_t count_words(const char *words)
{
	size_t count = 0;

	for (const char *word = words ? words : ""; *word; word += *word == ' ') {
		count++;
		word += strcspn(word, " ");
	}
	return count;
}

static void show_cpu(const struct json *cpu, const char *title, struct text *out)
{
	if (!cpu)
		return;
	text_printf(out, "%s%s: %s, family %d model %d, %zu features\n", title,
		json_get_string(cpu, "name"), json_get_string(cpu, "vendor"),
		(int)json_get_number(cpu, "family", 0), (int)json_get_number(cpu, "model", 0),
		count_words(json_get_string(cpu, "features")));
}

static void show_head(const struct json *caps, struct text *out)
{
	const struct json *accelerators = json_get(caps, "accelerators");
	const char *package = json_get_string(caps, "package");

	text_printf(out, "Emulator:   %s\n", json_get_string(caps, "emulator"));
	text_printf(out, "Version:    %s%s%s\n", json_get_string(caps, "version"),
		package && *package ? " " : "", package ? package : "");
	text_printf(out, "KVM:        %s\n", json_get_bool(caps, "kvm", false) ? "yes" : "no");
	show_cpu(json_get(json_get(accelerators, "kvm"), "host"), "KVM's CPU:  ", out);
	show_cpu(json_get(json_get(accelerators, "tcg"), "host"), "TCG's CPU:  ", out);
	text_printf(out, "Devices:    %zu\n\n", json_count(json_get(caps, "devices")));
}

static int show_machines(struct cli *cli, const struct json *list, struct dd_error *err)
{
	static const char *const titles[] = {"Machine", "Alias", "CPU", "vCPUs", "Note", NULL};
	CLEANUP(table) struct table *table = NULL;
	int rc = table_new(cli, titles, &table, err);

	for (size_t i = 0; i < json_count(list) && rc == 0; i++) {
		const struct json *machine = json_at(list, i);
		const char *alias = json_get_string(machine, "alias");
		const char *cpu = json_get_string(machine, "default-cpu");
		bool old = json_get_bool(machine, "deprecated", false);
		char most[16];
		const char *const cells[] = {json_get_string(machine, "name"), alias ? alias : "",
			cpu ? cpu : "", most, old ? "deprecated" : ""};

		snprintf(most, sizeof most, "%d", (int)json_get_number(machine, "cpu-max", 1));
		table_row(table, old ? COLOUR_YELLOW : COLOUR_NONE, cells);
	}
	return rc ? rc : table_print(table, cli, err);
}

static int show_models(struct cli *cli, const struct json *list, struct dd_error *err)
{
	static const char *const titles[] = {"CPU model", "Stands for", "Note", NULL};
	CLEANUP(table) struct table *table = NULL;
	int rc = table_new(cli, titles, &table, err);

	for (size_t i = 0; i < json_count(list) && rc == 0; i++) {
		const struct json *cpu = json_at(list, i);
		const char *alias = json_get_string(cpu, "alias");
		bool old = json_get_bool(cpu, "deprecated", false);
		size_t missing = count_words(json_get_string(cpu, "missing"));
		char note[64] = "";
		const char *const cells[] = {
			json_get_string(cpu, "name"), alias ? alias : "", note};

		if (old)
			snprintf(note, sizeof note, "deprecated");
		else if (missing)
			snprintf(note, sizeof note, "TCG lacks %zu of its features", missing);
		table_row(table, old ? COLOUR_YELLOW : COLOUR_NONE, cells);
	}
	return rc ? rc : table_print(table, cli, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(dd) char *text = NULL;
	CLEANUP(json) struct json *caps = NULL;
	int rc = dd_capabilities(cli->host, option_value(args, "emulator"), &text, err);

	if (rc == 0)
		rc = json_parse(text, strlen(text), &caps, err);
	if (rc < 0)
		return rc;
	if (cli->json)
		return cli_answer(cli, TAKE(caps), err);
	show_head(caps, &cli->out);
	rc = show_machines(cli, json_get(caps, "machines"), err);
	text_putc(&cli->out, '\n');
	return rc < 0 ? rc : show_models(cli, json_get(caps, "cpus"), err);
}

const struct command command_capabilities = {
	.name = "capabilities",
	.group = GROUP_HOST,
	.operands = "",
	.summary = "show what QEMU can do here: machine types, CPU models, devices",
	.about = "QEMU is asked once; the book keeps the answer until the program changes. With "
		 "--json\n"
		 "the whole answer, which 'freeze --capabilities' takes on any other host.",
	.options = options,
	.book = BOOK_MAYBE,
	.run = run,
};
