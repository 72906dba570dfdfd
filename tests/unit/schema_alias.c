/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/alias.h"

#include "schema/fill.h"
#include "tests/support/freezing.h"

static void schema_alias__each_kind_follows_its_rule(void **state)
{
	static const struct {
		const char *machine, *devices, *element;
		unsigned number;
		const char *alias;
	} cases[] = {
		{"pc", "<disk type='file'><source file='/i'/><target dev='vdc'/></disk>", "disk", 0,
			"virtio-disk2"},
		{"pc", "<disk type='file'><source file='/i'/><target dev='hdc'/></disk>", "disk", 0,
			"ide0-1-0"},
		{"q35",
			"<disk type='file'><source file='/i'/><target dev='sdb' "
			"bus='sata'/></disk>",
			"disk", 0, "sata0-0-1"},
		{"pc", "<disk type='file'><source file='/i'/><target dev='sdb' bus='usb'/></disk>",
			"disk", 0, "usb-disk1"},
		{"pc", "<disk type='file'><source file='/i'/><target dev='sda'/></disk>", "disk", 0,
			"scsi0-0-0"},
		{"pc",
			"<controller type='scsi' model='virtio-scsi'/>"
			"<disk type='file'><source file='/i'/><target dev='sda'/></disk>",
			"disk", 0, "scsi0-0-0-0"},
		{"pc", "<disk type='file'><source file='/i'/><target dev='hda'/></disk>",
			"controller", 2, "ide"},
		{"q35", "", "controller", 1, "ide"},
		{"q35", "", "controller", 2, "pcie.0"},
		{"q35", "", "controller", 3, "pci.1"},
		{"pc", "", "controller", 0, "usb"},
		{"pc", "", "controller", 1, "pci.0"},
		{"pc", "<interface type='user'/><interface type='user'/>", "interface", 1, "net1"},
		{"pc",
			"<interface type='user'><alias name='ua-first'/></interface>"
			"<interface type='user'/>",
			"interface", 1, "net0"},
		{"pc", "<serial type='pty'/>", "serial", 0, "serial0"},
		{"pc", "<serial type='pty'/>", "console", 0, "serial0"},
		{"pc", "<console><target type='virtio'/></console>", "console", 0, "console0"},
		{"pc", "<channel type='unix'><target type='virtio' name='a'/></channel>", "channel",
			0, "channel0"},
		{"pc", "", "input", 1, "input1"},
		{"pc", "", "memballoon", 0, "balloon0"},
		{"pc", "<graphics type='vnc'/>", "video", 0, "video0"},
		{"pc", "<rng model='virtio'><backend model='random'/></rng>", "rng", 0, "rng0"},
		{"pc", "<watchdog model='i6300esb'/>", "watchdog", 0, "watchdog0"},
		{"pc", "<sound model='ich6'/>", "sound", 0, "sound0"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(document)
		struct document *domain =
			frozen_domain(&options, cases[i].machine, cases[i].devices);
		struct dd_error err = {0};

		must(document_assign_aliases(domain, &err), &err);
		assert_string_equal(
			device_alias(nth_device(domain, cases[i].element, cases[i].number)),
			cases[i].alias);
	}
}

static void schema_alias__a_plugged_device_takes_the_next_number(void **state)
{
	CLEANUP(document)
	struct document *domain = frozen_domain(&options, "pc",
		"<interface type='user'/><interface type='user'/><interface type='user'/>");
	struct dd_error err = {0};

	(void)state;
	must(document_assign_aliases(domain, &err), &err);
	node_remove(nth_device(domain, "interface", 1));

	xmlNode *added = insert_device(domain, "<interface type='user'/>");

	must(device_freeze(domain, added, true, &options, &err), &err);
	must(device_assign_alias(domain, added, &err), &err);
	assert_string_equal(device_alias(added), "net3");
}

static void schema_alias__what_a_run_left_is_stripped(void **state)
{
	CLEANUP(document)
	struct document *domain = frozen_domain(&options, "pc",
		"<disk type='file'><source file='/a'/><target dev='vda'/>"
		"<alias name='ua-root'/></disk><serial type='pty'/>"
		"<graphics type='vnc'/>"
		"<channel type='unix'><target type='virtio' name='agent'/></channel>");
	CLEANUP(free) char *frozen = written(domain);
	struct dd_error err = {0};

	(void)state;
	must(document_assign_aliases(domain, &err), &err);
	must(node_set_attr(document_root(domain), "id", "3", &err), &err);

	xmlNode *serial = nth_device(domain, "serial", 0);
	xmlNode *console = nth_device(domain, "console", 0);
	xmlNode *channel = nth_device(domain, "channel", 0);

	must(node_set_attr(node_add(serial, "source", &err), "path", "/dev/pts/3", &err), &err);
	must(node_set_attr(console, "tty", "/dev/pts/3", &err), &err);
	must(node_set_attr(nth_device(domain, "graphics", 0), "port", "5900", &err), &err);
	must(node_set_attr(node_child(channel, "target"), "state", "connected", &err), &err);
	must(document_canonicalise(domain, &err), &err);
	must(document_strip_runtime(domain, &err), &err);

	CLEANUP(free) char *stripped = written(domain);

	assert_string_equal(stripped, frozen);
	assert_string_equal(device_alias(nth_device(domain, "disk", 0)), "ua-root");
}

static void schema_alias__a_socket_of_each_qemu_of_a_run_is_stripped(void **state)
{
	static const struct {
		const char *before, *after; /* the UUID */
		bool stripped;
	} cases[] = {
		{"/book/run/", "/channel0.sock", true},
		{"/book/run/", "/2/channel0.sock", true},
		{"/book/run/", "/10/channel0.sock", true},
		{"/book/run/", "/2/channel1.sock", false},
		{"/book/run/", "/x/channel0.sock", false},
		{"/book/run/", "/2/3/channel0.sock", false},
		{"/book/run/", "0/channel0.sock", false},
		{"", "/2/channel0.sock", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(document)
		struct document *domain = frozen_domain(&options, "pc",
			"<channel type='unix'><target type='virtio' name='a'/></channel>");
		CLEANUP(text) struct text path = TEXT_INIT;
		struct dd_error err = {0};

		must(document_assign_aliases(domain, &err), &err);

		xmlNode *source = node_add(nth_device(domain, "channel", 0), "source", &err);

		text_printf(
			&path, "%s%s%s", cases[i].before, document_uuid(domain), cases[i].after);
		must(node_set_attr(source, "mode", "bind", &err), &err);
		must(node_set_attr(source, "path", text_string(&path), &err), &err);
		must(document_canonicalise(domain, &err), &err);
		must(document_strip_place(domain, &err), &err);
		source = node_child(nth_device(domain, "channel", 0), "source");
		if ((node_attr(source, "path") == NULL) != cases[i].stripped)
			fail_msg("%s", text_string(&path));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_alias__each_kind_follows_its_rule),
		cmocka_unit_test(schema_alias__a_plugged_device_takes_the_next_number),
		cmocka_unit_test(schema_alias__what_a_run_left_is_stripped),
		cmocka_unit_test(schema_alias__a_socket_of_each_qemu_of_a_run_is_stripped),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
