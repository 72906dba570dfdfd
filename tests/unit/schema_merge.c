/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The laws of bringing a record to a definition, on every definition of the corpus: what was given
 * first plans nothing, what is left out goes alone, what is new comes alone, and a plan is nothing
 * but its edits. Random numbers come from a seed, so that a run can be had again.
 */

#include "tests/support/corpus.h"

#include "schema/diff.h"
#include "schema/document_internal.h"
#include "schema/edit.h"
#include "schema/merge.h"
#include "schema/plan.h"
#include "schema/words.h"

#define SEEDS 2
#define LEFT_OUT_EVERY 3 /* one device of so many, to end in a reasonable time */

static struct capabilities *caps_64, *caps_32;

static int setup(void **state)
{
	(void)state;
	caps_64 = test_capabilities();
	caps_32 = test_capabilities_i386();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	capabilities_free(caps_64);
	capabilities_free(caps_32);
	return 0;
}

static struct freeze_options options_for(const struct document *document)
{
	const char *emulator = document_emulator(document);
	const xmlNode *type = node_descend(document_root(document), "os/type");
	bool i386 =
		emulator ? strstr(emulator, "i386") != NULL : node_attr_is(type, "arch", "i686");

	return (struct freeze_options){
		.capabilities = i386 ? caps_32 : caps_64, .keep_host_model = true};
}

static struct document *copy_of(const struct document *document)
{
	struct document *copy = NULL;
	struct dd_error err = {0};

	must(document_copy(document, &copy, &err), &err);
	return copy;
}

static struct document *frozen_of(const struct document *given)
{
	struct document *frozen = copy_of(given);
	struct freeze_options options = options_for(given);
	struct dd_error err = {0};

	must(document_freeze(frozen, &options, &err), &err);
	return frozen;
}

/* given is used up. */
static int plan_for(struct edit_plan *plan, struct document *given, const struct document *record,
	bool running, struct dd_error *err)
{
	struct freeze_options options = options_for(record);

	return edit_plan_make(plan, given, record, running, &options, err);
}

static const char *const actions[] = {
	[EDIT_DETACH] = "detach",
	[EDIT_SET] = "set",
	[EDIT_UPDATE] = "update",
	[EDIT_ATTACH] = "attach",
};

/* "detach disk vdb, set memory": the caller frees it. */
static char *plan_words(const struct edit_plan *plan)
{
	struct text out = TEXT_INIT;

	text_puts(&out, "");
	for (size_t i = 0; i < plan->count; i++)
		text_printf(&out, "%s%s %s", i ? ", " : "", actions[plan->edits[i].action],
			plan->edits[i].subject);
	return text_take(&out);
}

/* Says what a plan was that should have been another. */
static bool plan_is(const struct edit_plan *plan, const char *words, const char *name)
{
	CLEANUP(free) char *got = plan_words(plan);

	if (strcmp(got, words) == 0)
		return true;
	print_error("%s: planned «%s», not «%s»\n", name, got, words);
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->edits[i].changes.count; j++)
			print_error("    %s\n", plan->edits[i].changes.items[j].sentence);
	return false;
}

/* ---- random ---- */

static unsigned next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

static xmlNode *device_at(const struct document *document, size_t index)
{
	xmlNode *device = node_first(document_devices(document));

	while (device && index--)
		device = node_after(device);
	return device;
}

static unsigned device_count(const struct document *document)
{
	unsigned count = 0;

	while (device_at(document, count))
		count++;
	return count;
}

/* Devices of one kind keep their order: that is what tells two equal ones apart. */
static void shuffle_kinds(struct document *document, unsigned *seed)
{
	unsigned count = device_count(document);

	for (unsigned i = 0; i < count; i++) {
		const xmlNode *like = device_at(document, next(seed, count));

		/* all of one kind go to the end */
		for (unsigned left = count, at = 0; left; left--) {
			xmlNode *device = device_at(document, at);

			if (!xmlStrEqual(device->name, like->name)) {
				at++;
				continue;
			}
			xmlUnlinkNode(device);
			xmlAddChild(document_devices(document), device);
		}
	}
}

static void strip_addresses(struct document *document)
{
	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device)) {
		node_remove(node_child(device, "address"));
	}
}

/* ---- the first law ---- */

struct count {
	unsigned definitions, edits, failures;
};

static bool plans_nothing(
	const struct document *given, const struct document *record, const char *name)
{
	CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
	struct dd_error err = {0};
	char line[1024];

	if (plan_for(&plan, copy_of(given), record, false, &err)) {
		dd_error_format(&err, line, sizeof line);
		print_error("%s: %s\n", name, line);
		return false;
	}
	return plan_is(&plan, "", name);
}

static void given_again(const char *name, const struct text *xml, void *context)
{
	struct count *count = context;
	CLEANUP(document) struct document *given = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(given);
	unsigned seed = 1;

	count->definitions++;
	count->failures += !plans_nothing(given, record, name);
	count->failures += !plans_nothing(record, record, name);
	strip_addresses(given);
	for (unsigned i = 0; i < SEEDS; i++) {
		shuffle_kinds(given, &seed);
		count->failures += !plans_nothing(given, record, name);
		count->edits++;
	}
}

static void schema_merge__what_was_given_first_plans_nothing(void **state)
{
	struct count count = {0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", given_again, &count))
		skip();
	print_message("# %u definitions, %u shuffled\n", count.definitions, count.edits);
	assert_int_equal(count.failures, 0);
}

/* ---- a plan is its edits ---- */

static int do_edit(struct document *document, const struct planned_edit *edit, struct dd_error *err)
{
	struct freeze_options options = options_for(document);
	CLEANUP(document) struct document *device = device_of(edit->xml);
	xmlNode *node = NULL;
	int rc;

	if (edit->action == EDIT_ATTACH)
		return edit_attach(document, device, false, &options, &node, err);
	if (edit->action == EDIT_UPDATE)
		return edit_update(document, device, false, &options, &node, err);
	rc = document_match_device(document, device, &node, err);
	return rc ? rc : edit_detach(document, node, err);
}

static bool is_its_edits(
	const struct edit_plan *plan, const struct document *record, const char *name)
{
	CLEANUP(document) struct document *document = copy_of(record);
	struct text planned = TEXT_INIT, done = TEXT_INIT;
	struct dd_error err = {0};
	char line[1024];
	bool same;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->edits[i].action != EDIT_SET && do_edit(document, &plan->edits[i], &err)) {
			dd_error_format(&err, line, sizeof line);
			print_error("%s: by hand: %s\n", name, line);
			return false;
		}
	must(document_write(plan->after, &planned, &err), &err);
	must(document_write_vacated(plan->after, &planned, &err), &err);
	must(document_write(document, &done, &err), &err);
	must(document_write_vacated(document, &done, &err), &err);
	same = strcmp(text_string(&planned), text_string(&done)) == 0;
	if (!same)
		print_error("%s: the plan and its edits give different bytes\n", name);
	text_release(&planned);
	text_release(&done);
	return same;
}

static bool check_plan(struct count *count, struct document *given, const struct document *record,
	const char *words, const char *name)
{
	CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
	struct dd_error err = {0};
	char line[1024];
	bool good;

	count->edits++;
	if (plan_for(&plan, given, record, false, &err)) {
		dd_error_format(&err, line, sizeof line);
		print_error("%s: planned no «%s»: %s\n", name, words, line);
		good = false;
	} else {
		good = plan_is(&plan, words, name) && is_its_edits(&plan, record, name);
	}
	count->failures += !good;
	return good;
}

/* ---- leaving out ---- */

/* Does it stay, because the machine needs it or it would come back by itself? */
static bool stays(const struct document *record, const struct document *without, xmlNode *device)
{
	CLEANUP(document) struct document *copy = copy_of(record);
	struct dd_error err = {0};
	char name[TREE_NAME_SIZE];
	const char *element = node_name(device, name, sizeof name);
	xmlNode *own = node_first(document_devices(copy));

	for (xmlNode *at = node_first(document_devices(record)); at != device; at = node_after(at))
		own = node_after(own);
	if (edit_detach(copy, own, &err))
		return true;
	/* comes with a screen, and is not asked for when that goes */
	if ((node_is(device, "video") || node_is(device, "audio")) &&
		!node_child(document_devices(without), element))
		return true;
	if (node_child(document_devices(without), element))
		return false;

	CLEANUP(document) struct document *frozen = frozen_of(without);

	return node_child(document_devices(frozen), element) != NULL;
}

static struct document *without_device(const struct document *record, size_t index)
{
	struct document *given = copy_of(record);
	xmlNode *device = device_at(given, index), *devices = document_devices(given);

	/* the console that stands for a serial port goes with it */
	if (device == node_child(devices, "serial") &&
		node_attr_is(node_descend(devices, "console/target"), "type", "serial"))
		node_remove(node_child(devices, "console"));
	node_remove(device);
	return given;
}

/* A device can need another, as a display needs a screen. */
static bool freezes(const struct document *given)
{
	CLEANUP(document) struct document *copy = copy_of(given);
	struct freeze_options options = options_for(given);
	struct dd_error err = {0};

	return document_freeze(copy, &options, &err) == 0;
}

static void leave_out(const char *name, const struct text *xml, void *context)
{
	struct count *count = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	count->definitions++;
	for (size_t i = 0; device_at(record, i); i++) {
		struct text words = TEXT_INIT;
		struct document *given = NULL;
		xmlNode *device = device_at(record, i);

		if (node_is(device, "emulator") || node_is(device, "controller") ||
			(i + count->definitions) % LEFT_OUT_EVERY)
			continue;
		given = without_device(record, i);
		if (!freezes(given)) {
			document_free(given);
			continue;
		}
		if (!stays(record, given, device)) {
			text_puts(&words, "detach ");
			device_words(device, &words);
		}
		check_plan(count, given, record, text_string(&words), name);
		text_release(&words);
	}
}

static void schema_merge__what_is_left_out_goes_alone(void **state)
{
	struct count count = {0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", leave_out, &count))
		skip();
	print_message("# %u definitions, %u devices left out\n", count.definitions, count.edits);
	assert_int_equal(count.failures, 0);
}

/* ---- adding, updating ---- */

static void add_device(struct document *document, const char *xml)
{
	CLEANUP(document) struct document *device = device_of(xml);
	xmlNode *copy = node_copy(document_root(device), document->xml, NULL);

	xmlAddChild(document_devices(document), copy);
}

static bool address_is_new(const struct edit_plan *plan, const struct document *record)
{
	CLEANUP(document) struct document *device = device_of(plan->edits[0].xml);
	struct dd_error err = {0};
	xmlNode *node = NULL;

	must(document_match_device(plan->after, device, &node, &err), &err);

	const xmlNode *address = node_child(node, "address");

	for (xmlNode *other = node_first(document_devices(record)); other;
		other = node_after(other))
		if (address && node_child(other, "address") &&
			address_same(address, node_child(other, "address")))
			return false;
	return true;
}

static void add(const char *name, const struct text *xml, void *context)
{
	static const struct {
		const char *xml, *words;
	} new[] = {
		{"<disk type='file'><source file='/new'/><target dev='vdzz' bus='virtio'/></disk>",
			"attach disk vdzz"},
		{"<interface type='user'><mac address='52:54:00:ff:fe:fd'/>"
		 "<model type='virtio'/></interface>",
			"attach interface 52:54:00:ff:fe:fd"},
	};
	struct count *count = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	count->definitions++;
	for (size_t i = 0; i < sizeof new / sizeof new[0]; i++) {
		CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
		struct document *given = copy_of(record);
		struct dd_error err = {0};

		add_device(given, new[i].xml);
		if (!check_plan(count, copy_of(given), record, new[i].words, name)) {
			document_free(given);
			continue;
		}
		must(plan_for(&plan, given, record, false, &err), &err);
		if (!address_is_new(&plan, record)) {
			print_error("%s: %s at a taken address\n", name, new[i].words);
			count->failures++;
		}
	}
}

static void schema_merge__what_is_new_comes_alone(void **state)
{
	struct count count = {0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", add, &count))
		skip();
	print_message("# %u definitions, %u devices added\n", count.definitions, count.edits);
	assert_int_equal(count.failures, 0);
}

static void update(const char *name, const struct text *xml, void *context)
{
	struct count *count = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	count->definitions++;
	for (size_t i = 0; device_at(record, i); i++) {
		CLEANUP(text) struct text words = TEXT_INIT;
		CLEANUP(document) struct document *given = copy_of(record);
		xmlNode *device = device_at(given, i);

		if (!node_is(device, "interface") || node_child(device, "link"))
			continue;
		node_set_attr(node_add(device, "link", NULL), "state", "down", NULL);
		text_puts(&words, "update ");
		device_words(device, &words);
		check_plan(count, TAKE(given), record, text_string(&words), name);
	}
}

static void schema_merge__what_changes_is_updated_alone(void **state)
{
	struct count count = {0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", update, &count))
		skip();
	print_message("# %u definitions, %u interfaces updated\n", count.definitions, count.edits);
	assert_int_equal(count.failures, 0);
}

/* ---- at random ---- */

static void edit_at_random(struct document *given, unsigned *seed)
{
	unsigned count = device_count(given), at = next(seed, count);
	xmlNode *device = device_at(given, at);
	char xml[256];

	switch (next(seed, 3)) {
	case 0:
		if (node_is(device, "disk") || node_is(device, "interface"))
			node_remove(device);
		break;
	case 1:
		snprintf(xml, sizeof xml,
			"<disk type='file'><source file='/r'/><target dev='vd%c%c' bus='virtio'/>"
			"</disk>",
			'k' + (int)next(seed, 8), 'a' + (int)next(seed, 26));
		add_device(given, xml);
		break;
	default:
		if (node_is(device, "interface") && !node_child(device, "link"))
			node_set_attr(node_add(device, "link", NULL), "state", "down", NULL);
	}
}

static bool has_twins(const struct document *given)
{
	for (xmlNode *a = node_first(document_devices(given)); a; a = node_after(a))
		for (xmlNode *b = node_next(a); b; b = node_next(b))
			if (device_same(a, b))
				return true;
	return false;
}

static void random_edits(const char *name, const struct text *xml, void *context)
{
	struct count *count = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	count->definitions++;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
		CLEANUP(document) struct document *given = copy_of(record);
		struct dd_error err = {0};
		unsigned random = seed;
		char line[1024];

		for (unsigned i = 0; i < 4; i++)
			edit_at_random(given, &random);
		if (has_twins(given))
			continue;
		count->edits++;
		if (plan_for(&plan, copy_of(given), record, false, &err)) {
			/* the machine may have no free place left, for instance */
			dd_error_format(&err, line, sizeof line);
			print_error("%s, seed %u: %s\n", name, seed, line);
			count->failures++;
			continue;
		}
		count->failures += !is_its_edits(&plan, record, name);
		count->failures += !plans_nothing(given, plan.after, name);
	}
}

static void schema_merge__a_plan_is_nothing_but_its_edits(void **state)
{
	struct count count = {0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", random_edits, &count))
		skip();
	print_message("# %u definitions, %u edited at random\n", count.definitions, count.edits);
	assert_int_equal(count.failures, 0);
}

/* ---- what may not change ---- */

#define HEAD "<domain type='kvm'><name>web</name>"
#define OS "<os><type arch='x86_64' machine='q35'>hvm</type></os>"

static const struct {
	const char *xml;
	bool running;
	const char *path; /* of the refusal */
	const char *plan; /* or what is planned instead */
} changed[] = {
	{HEAD "<memory unit='GiB'>1</memory><vcpu>2</vcpu><os><type arch='x86_64' "
	      "machine='pc-q35-6.2'>hvm</type></os></domain>",
		false, "/domain/os/type/@machine", NULL},
	{HEAD "<memory unit='GiB'>1</memory><vcpu>2</vcpu>" OS
	      "<devices><disk type='file'><source file='/a'/><target dev='vda' bus='scsi'/></disk>"
	      "</devices></domain>",
		false, "/domain/devices/disk/target/@bus", NULL},
	{HEAD "<memory unit='GiB'>1</memory><vcpu>2</vcpu>" OS
	      "<features><acpi/></features><devices/></domain>",
		false, "/domain/features/acpi", NULL},
	{HEAD "<memory unit='GiB'>2</memory><vcpu>2</vcpu>" OS "</domain>", true, "/domain/memory",
		NULL},
	{HEAD "<memory unit='GiB'>2</memory><vcpu>2</vcpu>" OS "</domain>", false, NULL,
		"detach disk vda, set memory, set currentMemory"},
	{HEAD "<title>Web</title><memory unit='GiB'>1</memory><vcpu>2</vcpu>" OS "</domain>", true,
		NULL, "detach disk vda, set title"},
	{HEAD "<memory unit='GiB'>1</memory><vcpu>2</vcpu>" OS
	      "<on_crash>restart</on_crash></domain>",
		true, "/domain/on_crash", NULL},
};

static void schema_merge__a_change_that_a_guest_sees_is_refused_by_path(void **state)
{
	static const char first[] =
		HEAD "<memory unit='GiB'>1</memory><vcpu>2</vcpu>" OS
		     "<devices><disk type='file'><source file='/a'/>"
		     "<target dev='vda' bus='virtio'/></disk></devices></domain>";
	CLEANUP(document) struct document *given = document_of(first);
	CLEANUP(document) struct document *record = frozen_of(given);

	(void)state;
	for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
		CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
		struct dd_error err = {0};
		int rc = plan_for(
			&plan, document_of(changed[i].xml), record, changed[i].running, &err);

		if (changed[i].path) {
			assert_error(&err, DD_REFUSED, changed[i].path);
			continue;
		}
		must(rc, &err);
		assert_true(plan_is(&plan, changed[i].plan, "changed"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_merge__a_change_that_a_guest_sees_is_refused_by_path),
		cmocka_unit_test(schema_merge__a_plan_is_nothing_but_its_edits),
		cmocka_unit_test(schema_merge__what_changes_is_updated_alone),
		cmocka_unit_test(schema_merge__what_is_new_comes_alone),
		cmocka_unit_test(schema_merge__what_is_left_out_goes_alone),
		cmocka_unit_test(schema_merge__what_was_given_first_plans_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
