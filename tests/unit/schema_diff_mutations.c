/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A difference is never silent, and never nameless: every attribute, text and element that the
 * corpus has is changed, taken away, doubled or swapped, once at each place of the format and at
 * random beyond that. Random numbers come from a seed, so that a run can be had again.
 */

#include "tests/support/mutation.h"

#include "schema/diff.h"
#include "schema/document_internal.h"

#define EVERY 100 /* one of so many places that an earlier definition had, too */

struct count {
	unsigned mutations, refused, same, sentences, failures;
};

static const char *const became[] = {" changed from ", " changed to ", " changed", " set to ",
	" removed", " added", " attached", " detached"};

/* Does the sentence say of what, before it says what became of it? */
static bool is_said(const struct change *change)
{
	const char *sentence = change->sentence;
	size_t subject = 0;

	if (!change->path || !change->path[0])
		return false;
	if (change->kind != CHANGE_SETTING) {
		if (!change->device)
			return false;
		subject = strlen(change->device);
		if (strncmp(sentence, change->device, subject) != 0)
			return false;
	}
	if (change->kind == CHANGE_UPDATED) {
		if (strncmp(sentence + subject, ": ", 2) != 0)
			return false;
		subject += 2;
	}
	for (size_t i = 0; i < sizeof became / sizeof became[0]; i++) {
		const char *at = strstr(sentence + subject, became[i]);

		if (at && (at > sentence + subject || change->kind == CHANGE_ATTACHED ||
				  change->kind == CHANGE_DETACHED))
			return true;
	}
	return false;
}

/* The step of a mutation's place that a path must have: "@file", or an element's name. */
static bool mentions(const struct changes *changes, const char *place)
{
	const char *end = strchr(place, ' '), *step = end;
	char name[256];

	/* a unit is part of the value that it goes with */
	if (end - place > 6 && strncmp(end - 6, "/@unit", 6) == 0)
		step = end -= 6;
	while (step > place && step[-1] != '/')
		step--;
	step += *step == '@';
	snprintf(name, sizeof name, "%.*s", (int)(end - step), step);
	/* said as one: "pci 0000:05:00.0" */
	if (strstr(place, "/address/@"))
		snprintf(name, sizeof name, "address");
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];

		/* another name, another device; and strangers are told by whose they are */
		if (change->kind == CHANGE_ATTACHED || change->kind == CHANGE_DETACHED ||
			strstr(change->path, "/metadata") || strstr(change->path, name) ||
			strstr(change->sentence, name) ||
			(change->before && strstr(change->before, name)) ||
			(change->after && strstr(change->after, name)))
			return true;
	}
	return false;
}

static void blame(
	struct count *count, const struct changes *changes, const char *place, const char *what)
{
	count->failures++;
	print_error("%s: %s\n", place, what);
	for (size_t i = 0; i < changes->count && i < 4; i++)
		print_error("    %s: %s\n", changes->items[i].path, changes->items[i].sentence);
}

static void judge(struct count *count, const struct document *before, const struct document *after,
	const char *place)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	bool same = node_equal(document_root(before), document_root(after));
	struct dd_error err = {0};

	must(document_diff(before, after, &changes, &err), &err);
	count->sentences += (unsigned)changes.count;
	if (same && changes.count)
		blame(count, &changes, place, "the same, and a difference");
	if (!same && !changes.count)
		blame(count, &changes, place, "silent");
	if (changes.count && !mentions(&changes, place))
		blame(count, &changes, place, "not named");
	for (size_t i = 0; i < changes.count; i++)
		if (!is_said(&changes.items[i])) {
			blame(count, &changes, place, "not said of what");
			break;
		}
}

static void try_mutation(const struct document *before, const struct mutation *mutation,
	const char *place, void *context)
{
	struct count *count = context;
	CLEANUP(document) struct document *after = mutated(before, mutation);

	count->mutations++;
	if (!after) {
		count->refused++;
		return;
	}
	if (node_equal(document_root(before), document_root(after)))
		count->same++;
	judge(count, before, after, place);
	judge(count, after, before, place);
}

static void schema_diff__every_change_is_said_with_its_device_and_property(void **state)
{
	struct count count = {0};
	unsigned places;
	size_t definitions = corpus_mutations_visit(".xml", EVERY, try_mutation, &count, &places);

	(void)state;
	if (!definitions)
		skip();
	print_message("# %zu definitions, %u mutations at %u places, of which %u no definition and "
		      "%u no change; %u sentences both ways\n",
		definitions, count.mutations, places, count.refused, count.same, count.sentences);
	assert_int_equal(count.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_diff__every_change_is_said_with_its_device_and_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
