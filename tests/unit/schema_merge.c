/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The laws of bringing a record to a definition, on every definition of the corpus: what was given
 * first plans nothing, what is left out goes alone, what is new comes alone, and a plan is nothing
 * but its edits. Random numbers come from a seed, so that a run can be had again.
 */

#include "tests/support/merging.h"

#define SEEDS 2
#define LEFT_OUT_EVERY 3 /* one device of so many, to end in a reasonable time */

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
		cmocka_unit_test(schema_merge__what_is_new_comes_alone),
		cmocka_unit_test(schema_merge__what_is_left_out_goes_alone),
		cmocka_unit_test(schema_merge__what_was_given_first_plans_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
