/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Edits of every kind of device and of the settings, one alone and several at random, on every
 * definition of the corpus: each is planned as what it is, a plan gives the bytes that its edits
 * give one by one, and what was reached plans nothing more. Random numbers come from a seed, so
 * that a run can be had again.
 */

#include "tests/support/merging.h"

#define SEEDS 2
#define SETTINGS_EVERY 3 /* one setting of so many, to end in a reasonable time */
#define EDITS 5          /* of one definition */

/* ---- one thing to change ---- */

struct saying {
	const char *element;   /* of a device; "" for the domain */
	const char *where;     /* "device=cdrom": only there; "": everywhere */
	const char *path;      /* made where it is missing; "" for the element itself */
	const char *attribute; /* NULL: the text */
	const char *value;
};

static const struct saying device_sayings[] = {
	{"disk", "device=cdrom", "source", "file", "/other.iso"},
	{"disk", "", "iotune/total_bytes_sec", NULL, "1048576"},
	{"disk", "", "driver", "cache", "none"},
	{"disk", "", "driver", "discard", "unmap"},
	{"disk", "type=file", "source", "file", "/other.img"},
	{"interface", "", "link", "state", "down"},
	{"interface", "", "bandwidth/inbound", "average", "1000"},
	{"interface", "type=bridge", "source", "bridge", "other0"},
	{"interface", "type=network", "source", "network", "other"},
	{"interface", "", "target", "dev", "other7"},
	{"graphics", "type=vnc", "", "keymap", "de"},
	{"graphics", "type=spice", "", "keymap", "de"},
	{"graphics", "type=spice", "image", "compression", "off"},
	{"memballoon", "model=virtio", "stats", "period", "7"},
	{"rng", "", "rate", "bytes", "4321"},
	{"filesystem", "type=mount", "source", "dir", "/other"},
	{"watchdog", "", "", "action", "shutdown"},
	{"vsock", "", "cid", "address", "77"},
	{"channel", "type=unix", "source", "path", "/other.sock"},
	{"parallel", "type=file", "source", "path", "/other.log"},
	{"hostdev", "type=pci", "", "managed", "no"},
	{"shmem", "", "server", "path", "/other.sock"},
	{"redirdev", "type=tcp", "source", "host", "other"},
	{"input", "type=passthrough", "source", "evdev", "/dev/input/event9"},
	{"audio", "type=none", "", "timerPeriod", "77"},
	{"sound", "", "audio", "id", "1"},
	{"tpm", "", "backend", "persistent_state", "yes"},
	{"smartcard", "type=tcp", "source", "host", "other"},
};

static const struct saying setting_sayings[] = {
	{"", "", "title", NULL, "Another"},
	{"", "", "description", NULL, "Another\nand more"},
	{"", "", "memory", NULL, "4194304"},
	{"", "", "currentMemory", NULL, "4096"},
	{"", "", "on_crash", NULL, "preserve"},
	{"", "", "on_reboot", NULL, "destroy"},
	{"", "", "on_poweroff", NULL, "restart"},
	{"", "", "cputune/shares", NULL, "77"},
	{"", "", "memtune/hard_limit", NULL, "8388608"},
	{"", "", "blkiotune/weight", NULL, "700"},
	{"", "", "iothreads", NULL, "6"},
	{"", "", "vcpu", "cpuset", "0-1"},
	{"", "", "clock", "offset", "localtime"},
	{"", "", "resource/partition", NULL, "/other"},
	{"", "", "seclabel", "type", "none"},
};

static const char *const new_devices[] = {
	"<disk type='file'><source file='/n'/><target dev='vdzy' bus='virtio'/></disk>",
	"<disk type='file'><source file='/s'/><target dev='sdu' bus='scsi'/></disk>",
	"<disk type='file' device='cdrom'><target dev='sdv' bus='scsi'/></disk>",
	"<disk type='file'><source file='/u'/><target dev='sdw' bus='usb'/></disk>",
	"<interface type='user'><mac address='52:54:00:ff:fe:f1'/></interface>",
	"<interface type='bridge'><mac address='52:54:00:ff:fe:f2'/><source bridge='b'/>"
	"<model type='virtio'/></interface>",
	"<input type='tablet' bus='usb'/>",
	"<channel type='unix'><target type='virtio' name='org.example.new'/></channel>",
	"<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
	"<filesystem type='mount'><source dir='/n'/><target dir='new'/></filesystem>",
	"<hostdev mode='subsystem' type='usb'><source><vendor id='0x1111'/>"
	"<product id='0x2222'/></source></hostdev>",
	"<hostdev mode='subsystem' type='pci' managed='yes'><source>"
	"<address domain='0' bus='0x77' slot='3' function='0'/></source></hostdev>",
	"<redirdev bus='usb' type='spicevmc'/>",
	"<shmem name='new'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
	"<sound model='ich6'/>",
	"<controller type='scsi' index='7' model='virtio-scsi'/>",
	"<controller type='virtio-serial' index='7'/>",
};

static bool is_there(const xmlNode *device, const struct saying *saying)
{
	char name[64];
	const char *equals = strchr(saying->where, '=');

	if (!node_is(device, saying->element))
		return false;
	if (!equals)
		return true;
	snprintf(name, sizeof name, "%.*s", (int)(equals - saying->where), saying->where);
	return node_attr_is(device, name, equals + 1);
}

/* False where it says so already. */
static bool say(xmlNode *element, const struct saying *saying)
{
	char path[128], *rest = path, *step;

	snprintf(path, sizeof path, "%s", saying->path);
	while (*path && (step = strsep(&rest, "/"))) {
		xmlNode *child = node_child(element, step);

		element = child ? child : node_add(element, step, NULL);
	}
	if (saying->attribute && node_attr_is(element, saying->attribute, saying->value))
		return false;
	if (saying->attribute)
		return node_set_attr(element, saying->attribute, saying->value, NULL) == 0;
	if (strcmp(node_text(element), saying->value) == 0)
		return false;
	return node_set_text(element, saying->value, NULL) == 0;
}

/* ---- one at a time ---- */

struct told {
	struct count count;
	unsigned by_saying[64], refused, full;
};

static void change_one(struct told *told, const struct document *record, size_t index,
	size_t number, const char *name)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	CLEANUP(document) struct document *given = copy_of(record);
	struct dd_error err = {0};

	if (!say(device_at(given, index), &device_sayings[number]))
		return;
	/* no definition, for a reason of its own */
	if (document_canonicalise(given, &err) || !freezes(given)) {
		told->refused++;
		return;
	}
	text_puts(&words, "update ");
	device_words(device_at(record, index), &words);
	check_plan(&told->count, TAKE(given), record, text_string(&words), name);
	told->by_saying[number]++;
}

static void change_devices(const char *name, const struct text *xml, void *context)
{
	struct told *told = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	told->count.definitions++;
	for (size_t index = 0; device_at(record, index); index++)
		for (size_t i = 0; i < sizeof device_sayings / sizeof device_sayings[0]; i++)
			if (is_there(device_at(record, index), &device_sayings[i]))
				change_one(told, record, index, i, name);
}

static void schema_merge__what_changes_of_a_device_is_updated_alone(void **state)
{
	struct told told = {.refused = 0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", change_devices, &told))
		skip();
	print_message("# %u definitions, %u devices updated, %u that no definition could say\n",
		told.count.definitions, told.count.edits, told.refused);
	for (size_t i = 0; i < sizeof device_sayings / sizeof device_sayings[0]; i++)
		if (!told.by_saying[i])
			print_message("# nowhere: %s %s\n", device_sayings[i].element,
				device_sayings[i].path);
	assert_int_equal(told.count.failures, 0);
}

/* Where cells or memory devices say how much there is, or ids how many, the sum itself says
 * nothing. */
static bool says_itself(const struct document *record, const char *path)
{
	const xmlNode *root = document_root(record);
	uint64_t used = 0;

	if (strcmp(path, "iothreads") == 0)
		return !node_child(root, "iothreadids");
	/* what is in use would go down with it */
	node_text_number(node_child(root, "currentMemory"), &used);
	if (strcmp(path, "memory") == 0 && used > 4194304)
		return false;
	return !strstr(path, "emory") ||
	       !(node_descend(root, "cpu/numa") || node_child(document_devices(record), "memory"));
}

static void change_settings(const char *name, const struct text *xml, void *context)
{
	struct told *told = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	told->count.definitions++;
	for (size_t i = 0; i < sizeof setting_sayings / sizeof setting_sayings[0]; i++) {
		CLEANUP(document) struct document *given = copy_of(record);
		CLEANUP(text) struct text words = TEXT_INIT;
		const char *path = setting_sayings[i].path;

		if ((i + told->count.definitions) % SETTINGS_EVERY || !says_itself(record, path) ||
			!say(document_root(given), &setting_sayings[i]))
			continue;
		if (!freezes(given)) {
			told->refused++;
			continue;
		}
		text_printf(&words, "set %.*s", (int)strcspn(path, "/"), path);
		check_plan(&told->count, TAKE(given), record, text_string(&words), name);
	}
}

static void schema_merge__what_changes_of_the_settings_is_set_alone(void **state)
{
	struct told told = {.refused = 0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", change_settings, &told))
		skip();
	print_message("# %u definitions, %u settings changed, %u that no definition could say\n",
		told.count.definitions, told.count.edits, told.refused);
	assert_int_equal(told.count.failures, 0);
}

/* ---- what is left out and was decided stays ---- */

static void leave_out(const char *name, const struct text *xml, void *context)
{
	static const char *const decided[] = {"uuid", "cpu", "clock", "vcpu", "currentMemory",
		"on_poweroff", "on_reboot", "on_crash"};
	struct told *told = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	told->count.definitions++;
	for (size_t i = 0; i < sizeof decided / sizeof decided[0]; i++) {
		CLEANUP(document) struct document *given = copy_of(record);
		xmlNode *element = node_child(document_root(given), decided[i]);

		/* one in three, to end in a reasonable time */
		if (!element || (i + told->count.definitions) % 3)
			continue;
		node_remove(element);
		if (!freezes(given)) {
			told->refused++;
			continue;
		}
		told->count.edits++;
		if (!plans_nothing(given, record, name)) {
			print_error("    without <%s>\n", decided[i]);
			told->count.failures++;
		}
	}
}

static void schema_merge__what_was_decided_stays_when_left_out(void **state)
{
	struct told told = {.refused = 0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", leave_out, &told))
		skip();
	print_message("# %u definitions, %u settings left out, %u that no definition can be "
		      "without\n",
		told.count.definitions, told.count.edits, told.refused);
	assert_int_equal(told.count.failures, 0);
}

/* ---- at random ---- */

static void change_at_random(struct document *given, unsigned *seed)
{
	xmlNode *device = device_at(given, next(seed, device_count(given)));
	const struct saying *saying;

	switch (next(seed, 4)) {
	case 0:
		if (!node_is(device, "emulator") && !node_is(device, "controller"))
			node_remove(device);
		break;
	case 1:
		add_device(
			given, new_devices[next(seed, sizeof new_devices / sizeof new_devices[0])]);
		break;
	case 2:
		saying = &setting_sayings[next(
			seed, sizeof setting_sayings / sizeof setting_sayings[0])];
		say(document_root(given), saying);
		break;
	default:
		saying = &device_sayings[next(
			seed, sizeof device_sayings / sizeof device_sayings[0])];
		for (device = node_first(document_devices(given)); device;
			device = node_after(device))
			if (is_there(device, saying))
				say(device, saying);
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

static void change_several(
	struct told *told, const struct document *record, unsigned seed, const char *name)
{
	CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
	CLEANUP(document) struct document *given = copy_of(record);
	struct dd_error err = {0};
	unsigned random = seed;
	char line[1024];

	for (unsigned i = 0; i < EDITS; i++)
		change_at_random(given, &random);
	if (has_twins(given) || document_canonicalise(given, &err) || !freezes(given)) {
		told->refused++;
		return;
	}
	if (plan_for(&plan, copy_of(given), record, false, &err)) {
		/* a hub is for its owner to buy */
		if (err.code == DD_REFUSED && strstr(err.message, "no free USB port left")) {
			told->full++;
			return;
		}
		dd_error_format(&err, line, sizeof line);
		print_error("%s, seed %u: %s\n", name, seed, line);
		told->count.failures++;
		return;
	}
	told->count.edits += (unsigned)plan.count;
	if (!is_its_edits(&plan, record, name) || !plans_nothing(given, plan.after, name)) {
		CLEANUP(free) char *words = plan_words(&plan);

		print_error("    %s, seed %u, planned: %s\n", name, seed, words);
		told->count.failures++;
	}
}

static void random_changes(const char *name, const struct text *xml, void *context)
{
	struct told *told = context;
	CLEANUP(document) struct document *first = document_of(text_string(xml));
	CLEANUP(document) struct document *record = frozen_of(first);

	told->count.definitions++;
	for (unsigned seed = 1; seed <= SEEDS; seed++)
		change_several(told, record, seed * 1000 + told->count.definitions, name);
}

static void schema_merge__a_plan_is_nothing_but_its_edits(void **state)
{
	struct told told = {.refused = 0};

	(void)state;
	if (!corpus_visit("frozen", ".in.xml", random_changes, &told))
		skip();
	print_message("# %u definitions, %u seeds, %u edits planned, %u times no definition, %u "
		      "times no USB port left\n",
		told.count.definitions, SEEDS, told.count.edits, told.refused, told.full);
	assert_int_equal(told.count.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_merge__a_plan_is_nothing_but_its_edits),
		cmocka_unit_test(schema_merge__what_was_decided_stays_when_left_out),
		cmocka_unit_test(schema_merge__what_changes_of_a_device_is_updated_alone),
		cmocka_unit_test(schema_merge__what_changes_of_the_settings_is_set_alone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
