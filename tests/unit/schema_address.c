/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/address/address.h"
#include "schema/edit.h"
#include "schema/fill.h"
#include "tests/support/freezing.h"

#define DISK(name) \
	"<disk type='file'><source file='/images/" name ".qcow2'/><target dev='" name "'/></disk>"
#define NIC(number)                                                           \
	"<interface type='user'><mac address='52:54:00:00:00:0" #number "'/>" \
	"<model type='virtio'/></interface>"

/* The place of a device in words, in a buffer that the next call overwrites. */
static const char *place(const xmlNode *device)
{
	static char buffer[64];
	CLEANUP(text) struct text words = TEXT_INIT;

	place_words(device, node_child(device, "address"), &words);
	snprintf(buffer, sizeof buffer, "%s", text_string(&words));
	return buffer;
}

static void schema_address__first_devices_sit_where_libvirt_puts_them(void **state)
{
	static const struct {
		const char *machine, *devices, *element;
		unsigned number;
		const char *words;
	} cases[] = {
		{"pc", DISK("vda"), "disk", 0, "pci 0000:00:02.0"},
		{"pc", DISK("vda") NIC(1), "disk", 0, "pci 0000:00:03.0"},
		{"pc", DISK("vda") NIC(1), "interface", 0, "pci 0000:00:02.0"},
		{"pc", DISK("vda") "<graphics type='vnc'/>", "video", 0, "pci 0000:00:02.0"},
		{"pc", DISK("hda") DISK("hdc"), "disk", 1, "ide 0:1:0:0"},
		{"pc", DISK("hda"), "controller", 2, "pci 0000:00:01.1"},
		{"pc", DISK("sda") DISK("sdh"), "disk", 1, "scsi 1:0:0:0"},
		{"pc", DISK("sdp"), "disk", 0, "scsi 2:0:0:1"},
		{"q35", DISK("vda"), "disk", 0, "pci 0000:02:00.0"},
		{"q35", NIC(1) DISK("vda"), "interface", 0, "pci 0000:01:00.0"},
		{"q35", "<sound model='ich9'/>", "sound", 0, "pci 0000:00:1b.0"},
		{"q35", "<graphics type='vnc'/>", "video", 0, "pci 0000:00:01.0"},
		{"q35", "<sound model='ich6'/>", "sound", 0, "pci 0000:02:01.0"},
		{"q35", "<disk type='file' device='cdrom'><target dev='sdg' bus='sata'/></disk>",
			"disk", 0, "sata 1:0:0:0"},
		{"pc", "<input type='tablet'/>", "input", 0, "usb 0:1"},
		{"pc", "<channel type='unix'><target type='virtio' name='a'/></channel>", "channel",
			0, "virtio-serial 0:1"},
		{"pc",
			"<console><target type='virtio'/></console><console><target "
			"type='virtio'/></console><channel type='unix'><target type='virtio' "
			"name='a'/></channel>",
			"channel", 0, "virtio-serial 0:2"},
		{"pc", "<smartcard mode='host'/>", "smartcard", 0, "ccid 0:0"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(document)
		struct document *domain =
			frozen_domain(&options, cases[i].machine, cases[i].devices);

		assert_string_equal(place(nth_device(domain, cases[i].element, cases[i].number)),
			cases[i].words);
	}
}

static xmlNode *attach(struct document *domain, const char *text, bool live)
{
	CLEANUP(document) struct document *device = device_of(text);
	struct dd_error err = {0};
	xmlNode *attached = NULL;

	must(edit_attach(domain, device, live, &options, &attached, &err), &err);
	return attached;
}

static void detach(struct document *domain, const char *reference)
{
	struct dd_error err = {0};
	xmlNode *device = NULL;

	must(document_find_device(domain, reference, &device, &err), &err);
	must(edit_detach(domain, device, &err), &err);
}

static void schema_address__pcie_root_port_reuses_slot(void **state)
{
	CLEANUP(document) struct document *domain = frozen_domain(&options, "q35", DISK("vda"));
	CLEANUP(free) char *first = NULL;

	(void)state;
	/* libvirt leaves one free port where it made them all */
	first = test_string(place(attach(domain, DISK("vdb"), true)));
	assert_string_equal(first, "pci 0000:04:00.0");
	detach(domain, "vdb");
	assert_string_equal(place(attach(domain, DISK("vdb"), true)), first);
}

static void schema_address__a_returning_device_gets_its_place_back(void **state)
{
	static const struct {
		const char *machine, *device, *reference;
	} cases[] = {
		{"pc", DISK("vdx"), "vdx"},
		{"pc", NIC(9), "52:54:00:00:00:09"},
		{"q35", DISK("vdx"), "vdx"},
		{"pc", "<disk type='file'><source file='/i'/><target dev='sdq' bus='usb'/></disk>",
			"sdq"},
		{"pc", DISK("sdc"), "sdc"},
		{"pc", "<rng model='virtio'><backend model='random'/></rng>", "rng[1]"},
		{"pc", "<channel type='unix'><target type='virtio' name='agent'/></channel>",
			"agent"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(document)
		struct document *domain = frozen_domain(&options, cases[i].machine,
			DISK("vda") DISK("vdb") "<controller type='usb' model='qemu-xhci'/>"
						"<input type='tablet'/>");
		CLEANUP(free) char *before = NULL;

		before = test_string(place(attach(domain, cases[i].device, false)));
		detach(domain, cases[i].reference);
		attach(domain, "<interface type='user'><model type='e1000'/></interface>", false);
		attach(domain, "<input type='keyboard' bus='usb'/>", false);
		assert_string_equal(place(attach(domain, cases[i].device, false)), before);
	}
}

static void schema_address__another_device_takes_a_place_nobody_had(void **state)
{
	CLEANUP(document)
	struct document *domain =
		frozen_domain(&options, "pc", DISK("vda") DISK("vdb") DISK("vdc"));
	CLEANUP(free) char *left = test_string(place(nth_device(domain, "disk", 1)));

	(void)state;
	assert_string_equal(left, "pci 0000:00:03.0");
	detach(domain, "vdb");
	for (unsigned i = 0; i < 20; i++) {
		CLEANUP(free) char *text = NULL;
		struct dd_error err = {0};

		must(string_format(&text, &err,
			     "<interface type='user'><mac address='52:54:00:00:01:%02x'/>"
			     "<model type='virtio'/></interface>",
			     i),
			&err);
		assert_string_not_equal(place(attach(domain, text, true)), left);
	}
	assert_string_equal(place(attach(domain, DISK("vdb"), true)), left);
}

static void schema_address__the_last_choice_is_what_somebody_left(void **state)
{
	CLEANUP(document)
	struct document *domain = frozen_domain(&options, "q35", DISK("vda") NIC(1));

	(void)state;
	attach(domain, DISK("vdb"), true);
	CLEANUP(free) char *left = test_string(place(nth_device(domain, "disk", 1)));

	detach(domain, "vdb");
	assert_string_equal(place(attach(domain, NIC(2), true)), left);
}

static void schema_address__an_old_place_that_is_gone_is_no_obstacle(void **state)
{
	static const char vacated[] =
		"<vacated><device kind='disk' identity='vdb'><address type='pci' "
		"domain='0x0000' bus='0x09' slot='0x00' function='0x0'/></device>"
		"<device kind='disk' identity='vdc'><address type='pci' "
		"domain='0x0000' bus='0x00' slot='0x09' function='0x0'/></device></vacated>";
	CLEANUP(document) struct document *domain = frozen_domain(&options, "q35", DISK("vda"));
	struct dd_error err = {0};

	(void)state;
	must(document_read_vacated(domain, vacated, sizeof vacated - 1, &err), &err);
	assert_string_equal(place(attach(domain, DISK("vdb"), false)), "pci 0000:04:00.0");
	detach(domain, "vdb");
	/* on the root bus it could not be plugged */
	assert_string_equal(place(attach(domain, DISK("vdc"), true)), "pci 0000:04:00.0");
}

static void schema_address__a_running_guest_without_a_free_port_refuses(void **state)
{
	CLEANUP(document)
	struct document *domain = frozen_domain(&options, "q35",
		"<controller type='pci' index='0' model='pcie-root'/>"
		"<controller type='pci' index='1' model='pcie-root-port'/>"
		"<controller type='usb' model='none'/>" DISK("vda") "<memballoon model='none'/>");
	CLEANUP(document) struct document *device = device_of(DISK("vdb"));
	CLEANUP(document) struct document *copy = NULL;
	struct dd_error err = {0};
	xmlNode *attached = NULL;

	(void)state;
	must(document_copy(domain, &copy, &err), &err);
	assert_int_equal(edit_attach(copy, device, true, &options, &attached, &err), DD_REFUSED);
	assert_non_null(strstr(err.message, "no free hot-plug slot"));
	assert_non_null(strstr(err.hint, "pcie-root-port"));

	/* while it is shut off, a port is added */
	must(edit_attach(domain, device, false, &options, &attached, &err), &err);
	assert_string_equal(place(attached), "pci 0000:02:00.0");
	assert_int_equal(device_count(domain, "controller"), 5);
}

static void schema_address__hubs_are_added_when_ports_run_out(void **state)
{
	CLEANUP(document)
	struct document *domain = frozen_domain(&options, "pc",
		"<input type='tablet'/><input type='mouse' bus='usb'/>"
		"<input type='keyboard' bus='usb'/>");

	(void)state;
	assert_int_equal(device_count(domain, "hub"), 1);
	assert_string_equal(place(nth_device(domain, "hub", 0)), "usb 0:1");
	assert_string_equal(place(nth_device(domain, "input", 0)), "usb 0:2");
	assert_string_equal(place(nth_device(domain, "input", 1)), "usb 0:1.1");
	assert_string_equal(place(nth_device(domain, "input", 2)), "usb 0:1.2");
}

static void schema_address__hubs_leave_a_port_to_spare(void **state)
{
	static const struct {
		unsigned devices, hubs;
	} cases[] = {{2, 0}, {3, 1}, {8, 1}, {9, 2}, {15, 2}, {16, 3}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(text) struct text devices = TEXT_INIT;

		for (unsigned n = 0; n < cases[i].devices; n++)
			text_puts(&devices, "<input type='tablet'/>");

		CLEANUP(document)
		struct document *domain = frozen_domain(&options, "pc", text_string(&devices));

		assert_int_equal(device_count(domain, "hub"), cases[i].hubs);
	}
}

static void schema_address__what_cannot_be_is_refused_by_path(void **state)
{
	static const struct {
		const char *machine, *devices, *path, *says;
	} cases[] = {
		{"pc",
			"<interface type='user'><address type='pci' slot='0x05'/></interface>"
			"<interface type='user'><address type='pci' slot='0x05'/></interface>",
			"/domain/devices/interface[2]", "0000:00:05.0 is used"},
		{"pc", "<interface type='user'><address type='pci' slot='0x20'/></interface>",
			"/domain/devices/interface", "slot"},
		{"pc",
			"<interface type='user'><address type='pci' slot='3' "
			"function='8'/></interface>",
			"/domain/devices/interface", "unction"},
		{"q35",
			"<controller type='pci' index='0' model='pcie-root'/><controller "
			"type='pci' "
			"index='1' model='pcie-root-port'/><interface type='user'><address "
			"type='pci' bus='1' slot='1'/></interface>",
			"/domain/devices/interface", "slots 0x00 to 0x00"},
		{"q35",
			"<controller type='pci' index='0' model='pcie-root'/>"
			"<controller type='pci' index='1' model='pcie-to-pci-bridge'/>",
			"/domain/devices/controller[2]", "none can be added"},
		{"pc", "<controller type='pci' index='0' model='pcie-root'/>",
			"/domain/devices/controller[1]", "pci-root"},
		{"pc",
			"<controller type='ide' index='0'><address type='pci' "
			"slot='7'/></controller>",
			"/domain/devices/controller[1]", "00:01.1"},
		{"pc",
			"<disk type='file'><source file='/i'/><target dev='sda' bus='usb'/></disk>"
			"<controller type='usb' model='none'/>",
			"/domain/devices/disk", "no USB controller"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(text) struct text devices = TEXT_INIT;
		struct dd_error err = {0};

		text_printf(&devices, "<devices>%s</devices>", cases[i].devices);

		CLEANUP(document)
		struct document *domain = domain_with(cases[i].machine, text_string(&devices));

		assert_int_equal(document_freeze(domain, &options, &err), DD_INVALID);
		assert_int_equal(err.line, 1);
		if (!strstr(err.message, cases[i].says) || strcmp(err.path, cases[i].path) != 0)
			fail_msg("%s: %s", err.path, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_address__first_devices_sit_where_libvirt_puts_them),
		cmocka_unit_test(schema_address__pcie_root_port_reuses_slot),
		cmocka_unit_test(schema_address__a_returning_device_gets_its_place_back),
		cmocka_unit_test(schema_address__another_device_takes_a_place_nobody_had),
		cmocka_unit_test(schema_address__the_last_choice_is_what_somebody_left),
		cmocka_unit_test(schema_address__an_old_place_that_is_gone_is_no_obstacle),
		cmocka_unit_test(schema_address__a_running_guest_without_a_free_port_refuses),
		cmocka_unit_test(schema_address__hubs_are_added_when_ports_run_out),
		cmocka_unit_test(schema_address__hubs_leave_a_port_to_spare),
		cmocka_unit_test(schema_address__what_cannot_be_is_refused_by_path),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
