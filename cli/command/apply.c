/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"dry-run", 'n', NULL, "show what would be done, and do nothing"},
	{NULL},
};

/* What is told of a plan, for people and for programs. */
struct plan {
	const struct cli *cli;
	struct text lines;
	struct json *steps;
	size_t count;
};

static void cleanup_plan(struct plan *plan)
{
	text_release(&plan->lines);
	json_free(plan->steps);
}

static const struct {
	const char *action, *sign;
	enum colour colour;
} marks[] = {
	{"detach", "-", COLOUR_RED},
	{"set", "~", COLOUR_YELLOW},
	{"update", "~", COLOUR_YELLOW},
	{"attach", "+", COLOUR_GREEN},
};

static void add_lines(struct plan *plan, const struct dd_step *step)
{
	size_t mark = 0;

	while (mark + 1 < sizeof marks / sizeof marks[0] &&
		strcmp(marks[mark].action, step->action) != 0)
		mark++;
	text_printf(&plan->lines, "%s%s %s %s%s%s%s", colour(plan->cli, marks[mark].colour),
		marks[mark].sign, step->action, step->subject, step->details[0] ? ": " : "",
		step->details, colour(plan->cli, COLOUR_NONE));
	if (step->brings[0])
		text_printf(&plan->lines, ", with %s", step->brings);
	text_putc(&plan->lines, '\n');
	for (size_t i = 0; i < step->difference_count; i++) {
		const char *sentence = step->differences[i].sentence;
		size_t subject = strlen(step->subject);

		/* the line above says already what it is about */
		if (strncmp(sentence, step->subject, subject) == 0 && sentence[subject] == ':')
			sentence += subject + 2;
		text_printf(&plan->lines, "    %s\n", sentence);
	}
}

static int add_step(const struct dd_step *step, void *context)
{
	struct plan *plan = context;
	struct json *object = json_object(), *differences = json_array();

	for (size_t i = 0; i < step->difference_count; i++)
		json_push(differences, difference_json(&step->differences[i]));
	json_put_string(object, "do", step->action);
	json_put_string(object, "subject", step->subject);
	json_put_string(object, "details", step->details);
	json_put_string(object, "brings", step->brings);
	json_put_string(object, "xml", step->xml);
	json_put(object, "differences", differences);
	json_push(plan->steps, object);
	add_lines(plan, step);
	plan->count++;
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(text) struct text input = TEXT_INIT;
	CLEANUP(plan) struct plan plan = {.cli = cli, .steps = json_array()};
	const char *file = operand(args, 0);
	bool dry_run = option_given(args, "dry-run");
	struct dd_change change;
	struct dd_result result = {.uuid = ""};
	int rc = arguments_change(args, &change, err);

	if (rc == 0)
		rc = read_input(file, &input, err);
	if (rc == 0) {
		struct dd_text definition = {text_string(&input), input.size, input_name(file)};

		rc = dd_apply(
			cli->host, &definition, dry_run, &change, add_step, &plan, &result, err);
	}
	if (rc < 0)
		return change_finish(cli, result.uuid, rc, &change, &result, err);
	text_puts(&cli->out, text_string(&plan.lines));
	if (dry_run && plan.count && !cli->json) {
		cli_note(cli, "this is what would be done; nothing was, still version %u",
			result.version);
		return 0;
	}
	rc = change_finish(cli, NULL, rc, &change, &result, err);
	if (rc == 0 && cli->json) {
		json_put_bool(cli->answer, "dry_run", dry_run);
		json_put(cli->answer, "plan", TAKE(plan.steps));
	}
	return rc;
}

const struct command command_apply = {
	.name = "apply",
	.group = GROUP_DEFINITION,
	.operands = "FILE",
	.summary = "bring a domain that exists to a definition, by device-level edits",
	.about = "FILE, or '-', names the domain by its UUID or name. It is compared device by "
		 "device\n"
		 "with the record: what is left out is detached, what is new is attached, what "
		 "differs\n"
		 "is updated, all of it as one version, and in the guest too if it runs. What FILE "
		 "does\n"
		 "not say and the hypervisor decided once (addresses, MACs, machine type, "
		 "controllers)\n"
		 "stays. A change that the guest would take for another machine is refused.",
	.options = options,
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run,
};
