/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/guest.h"
#include "tests/support/network.h"

#include <sys/socket.h>

static void guest_drift__finds_none_after_a_start(void **state)
{
	static const struct {
		const char *machine;
		const char *devices;
	} cases[] = {{"pc", pc_devices}, {"q35", q35_devices}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct place *place = start(state, cases[i].machine, cases[i].devices);

		assert_in_step(place);
		guest_free(place->guest);
		place->guest = NULL;
		assert_int_equal(guest_destroy(place->folder, NULL), 0);
	}
}

static void guest_attach__plugs_and_unplugs_a_scsi_disk(void **state)
{
	struct place *place = start(state, "q35", "");
	struct dd_error err = {.code = 0};

	define(place, "q35", SCSI_DISK(3, "b, with=comma.img"));
	for (int again = 0; again < 2; again++) {
		must(guest_attach(place->guest, place->live, device(place, "scsi0-0-0-3"), &err),
			&err);
		assert_true(has(place, "scsi0-0-0-3"));
		assert_in_step(place);
	}
	for (int again = 0; again < 2; again++) {
		must(guest_detach(
			     place->guest, place->live, device(place, "scsi0-0-0-3"), 5000, &err),
			&err);
		assert_false(has(place, "scsi0-0-0-3"));
	}
	define(place, "q35", "");
	assert_in_step(place);
}

static void guest_attach__plugs_each_kind(void **state)
{
	static const struct {
		const char *machine;
		const char *alias;
		const char *device;
	} cases[] = {
		{"q35", "virtio-disk4",
			"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
			"<source file='@/a.img'/><target dev='vde' bus='virtio'/><alias "
			"name='virtio-disk4'/><address type='pci' domain='0' bus='4' slot='0' "
			"function='0'/></disk>"},
		{"q35", "net7", PORT_NIC(5, "52:54:00:00:00:07")},
		{"q35", "rng3",
			"<rng model='virtio'><backend model='builtin'/><alias name='rng3'/>"
			"<address type='pci' domain='0' bus='6' slot='0' function='0'/></rng>"},
		{"q35", "usb-disk9",
			"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
			"<source file='@/c.iso'/><target dev='sdz' bus='usb'/><alias "
			"name='usb-disk9'/><address type='usb' bus='0' port='3'/></disk>"},
		{"q35", "input5",
			"<input type='keyboard' bus='usb'><alias name='input5'/>"
			"<address type='usb' bus='0' port='2'/></input>"},
		{"q35", "channel1",
			"<channel type='unix'><target type='virtio' name='x.y'/><alias "
			"name='channel1'/><address type='virtio-serial' controller='0' bus='0' "
			"port='2'/></channel>"},
		{"pc", "net7",
			"<interface type='user'><mac address='52:54:00:00:00:07'/>"
			"<model type='e1000'/><link state='down'/><alias name='net7'/>"
			"<address type='pci' domain='0' bus='0' slot='12' "
			"function='0'/></interface>"},
		{"pc", "scsi2",
			"<controller type='scsi' index='2' model='virtio-scsi'><alias "
			"name='scsi2'/>"
			"<address type='pci' domain='0' bus='0' slot='13' function='0'/>"
			"</controller>"},
	};
	const char *running = "";

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct place *place = *state;
		struct dd_error err = {.code = 0};

		if (strcmp(running, cases[i].machine) != 0) {
			guest_free(TAKE(place->guest));
			guest_destroy(place->folder, NULL);
			place = start(state, cases[i].machine, "");
			running = cases[i].machine;
		}
		define(place, cases[i].machine, cases[i].device);
		must(guest_attach(place->guest, place->live, device(place, cases[i].alias), &err),
			&err);
		assert_true(has(place, cases[i].alias));
		if (strncmp(cases[i].alias, "usb", 3) == 0 ||
			strncmp(cases[i].alias, "input", 5) == 0 ||
			strncmp(cases[i].alias, "channel", 7) == 0)
			must(guest_detach(place->guest, place->live, device(place, cases[i].alias),
				     3000, &err),
				&err);
	}
}

static void guest_attach__undoes_what_it_began(void **state)
{
	struct place *place = start(state, "q35", "");
	struct dd_error err = {.code = 0};

	/* the image opens, but the place on the bus is taken */
	define(place, "q35", SCSI_DISK(3, "a.img"));
	must(guest_attach(place->guest, place->live, device(place, "scsi0-0-0-3"), &err), &err);
	define(place, "q35",
		"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
		"<source file='@/b, with=comma.img'/><target dev='sdq' bus='scsi'/><alias "
		"name='scsi0-0-0-9'/><address type='drive' controller='0' bus='0' target='0' "
		"unit='3'/></disk>");
	assert_int_equal(
		guest_attach(place->guest, place->live, device(place, "scsi0-0-0-9"), &err),
		DD_HYPERVISOR);
	define(place, "q35", SCSI_DISK(3, "a.img"));
	assert_in_step(place);

	define(place, "q35", SCSI_DISK(4, "missing.img"));
	assert_int_equal(
		guest_attach(place->guest, place->live, device(place, "scsi0-0-0-4"), &err),
		DD_HYPERVISOR);
	assert_says(&err, "missing.img");
	define(place, "q35", SCSI_DISK(3, "a.img"));
	assert_in_step(place);
}

static void guest_attach__goes_on_where_another_was_cut_short(void **state)
{
	struct place *place = start(state, "q35", "");
	CLEANUP(json) struct json *node = json_object();
	struct dd_error err = {.code = 0};
	char path[256];

	snprintf(path, sizeof path, "%s/a.img", place->root);
	json_put_string(node, "driver", "file");
	json_put_string(node, "filename", path);
	json_put_string(node, "node-name", "scsi0-0-0-3-storage");
	must(monitor_call(place->guest->monitor, "blockdev-add", TAKE(node), NULL, &err), &err);
	define(place, "q35", SCSI_DISK(3, "b, with=comma.img"));
	must(guest_attach(place->guest, place->live, device(place, "scsi0-0-0-3"), &err), &err);
	assert_in_step(place);
}

static void guest_detach__is_refused_when_the_guest_does_not_let_go(void **state)
{
	struct place *place = start(state, "q35", "");
	struct dd_error err = {.code = 0};

	define(place, "q35", PORT_NIC(5, "52:54:00:00:00:07"));
	must(guest_attach(place->guest, place->live, device(place, "net7"), &err), &err);
	must(guest_continue(place->guest, &err), &err);
	assert_int_equal(guest_detach(place->guest, place->live, device(place, "net7"), 300, &err),
		DD_REFUSED);
	assert_says(&err, "net7");
	assert_true(err.hint[0]);
}

static void guest_detach__refuses_what_is_a_part_of_the_machine(void **state)
{
	struct place *place = start(state, "pc", pc_devices);
	struct dd_error err = {.code = 0};
	xmlNode *video = device(place, "input1");

	assert_int_equal(guest_detach(place->guest, place->live, video, 300, &err), DD_REFUSED);
}

#define CDROM(source)                                                              \
	"<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>" source \
	"<target dev='sda' bus='sata'/><readonly/><alias name='sata0-0-0'/>"       \
	"<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"

static void guest_update__changes_the_medium_of_a_cdrom(void **state)
{
	static const char *const media[] = {CDROM("<source file='@/d.iso'/>"), CDROM(""), CDROM(""),
		CDROM("<source file='@/b, with=comma.img'/>"), CDROM("<source file='@/c.iso'/>"),
		CDROM("<source file='@/c.iso'/>")};
	struct place *place = start(state, "q35", CDROM("<source file='@/c.iso'/>"));
	struct dd_error err = {.code = 0};

	for (size_t i = 0; i < sizeof media / sizeof *media; i++) {
		CLEANUP(document) struct document *before = TAKE(place->live);
		xmlNode *old = NULL;

		define(place, "q35", media[i]);
		must(document_find_device(before, "sata0-0-0", &old, &err), &err);
		must(guest_update(place->guest, place->live, old, device(place, "sata0-0-0"), &err),
			&err);
		assert_in_step(place);
	}
}

static void guest_update__puts_the_old_medium_back(void **state)
{
	struct place *place = start(state, "q35", CDROM("<source file='@/c.iso'/>"));
	CLEANUP(document) struct document *before = NULL;
	struct dd_error err = {.code = 0};
	xmlNode *old = NULL;

	must(document_copy(place->live, &before, &err), &err);
	must(document_find_device(before, "sata0-0-0", &old, &err), &err);
	define(place, "q35", CDROM("<source file='@/missing.iso'/>"));
	assert_int_equal(
		guest_update(place->guest, place->live, old, device(place, "sata0-0-0"), &err),
		DD_HYPERVISOR);
	assert_says(&err, "missing.iso");
	define(place, "q35", CDROM("<source file='@/c.iso'/>"));
	assert_in_step(place);
}

static void guest_update__refuses_another_device_in_a_cdroms_place(void **state)
{
	struct place *place = start(state, "q35", CDROM("<source file='@/c.iso'/>"));
	CLEANUP(document) struct document *before = NULL;
	struct dd_error err = {.code = 0};
	xmlNode *old = NULL;

	must(document_copy(place->live, &before, &err), &err);
	must(document_find_device(before, "sata0-0-0", &old, &err), &err);
	define(place, "q35", CDROM("<source file='@/d.iso'/><serial>new</serial>"));
	assert_int_equal(
		guest_update(place->guest, place->live, old, device(place, "sata0-0-0"), &err),
		DD_REFUSED);
	define(place, "q35", CDROM("<source file='@/c.iso'/>"));
	assert_in_step(place);
}

static void guest_update__changes_only_the_password_of_vnc(void **state)
{
	static const char *const screens[] = {"<graphics type='vnc' autoport='yes' passwd='one'/>",
		"<graphics type='vnc' autoport='yes' passwd='two'/>",
		"<graphics type='vnc' autoport='no' port='5999' passwd='two'/>"};
	struct place *place = start(state, "q35", screens[0]);
	struct dd_error err = {.code = 0};

	for (int i = 1; i < 3; i++) {
		CLEANUP(document) struct document *before = TAKE(place->live);

		define(place, "q35", screens[i]);

		int code = guest_update(place->guest, place->live,
			node_child(document_devices(before), "graphics"),
			node_child(document_devices(place->live), "graphics"), &err);

		if (i == 1)
			must(code, &err);
		else
			assert_int_equal(code, DD_REFUSED);
	}
}

static void guest_update__refuses_what_cannot_change(void **state)
{
	struct place *place =
		start(state, "q35", SCSI_DISK(1, "a.img") PORT_NIC(5, "52:54:00:00:00:07"));
	CLEANUP(document) struct document *before = NULL;
	struct dd_error err = {.code = 0};
	xmlNode *disk = NULL;
	xmlNode *nic = NULL;

	must(document_copy(place->live, &before, &err), &err);
	must(document_find_device(before, "scsi0-0-0-1", &disk, &err), &err);
	must(document_find_device(before, "net7", &nic, &err), &err);
	define(place, "q35", SCSI_DISK(1, "b, with=comma.img") PORT_NIC(5, "52:54:00:00:00:08"));
	assert_int_equal(
		guest_update(place->guest, place->live, disk, device(place, "scsi0-0-0-1"), &err),
		DD_REFUSED);
	assert_true(strstr(err.path, "disk") != NULL);
	assert_int_equal(guest_update(place->guest, place->live, nic, device(place, "net7"), &err),
		DD_REFUSED);
	define(place, "q35",
		"<interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/>"
		"<link state='down'/><alias name='net7'/><address type='pci' domain='0' bus='5' "
		"slot='0' function='0'/></interface>");
	must(guest_update(place->guest, place->live, nic, device(place, "net7"), &err), &err);
}

static void guest_drift__names_each_difference(void **state)
{
	static const struct {
		const char *devices;
		const char *words;
	} cases[] = {
		{SCSI_DISK(1, "a.img"), "net7 is in QEMU, but not in the record"},
		{PORT_NIC(5, "52:54:00:00:00:07"), "scsi0-0-0-1 is in QEMU"},
		{PORT_NIC(5, "52:54:00:00:00:07"), "a.img is open in QEMU"},
		{SCSI_DISK(1, "a.img") PORT_NIC(5, "52:54:00:00:00:08"), "mac is"},
		{SCSI_DISK(1, "a.img") PORT_NIC(4, "52:54:00:00:00:07"), "bus pci.5 in QEMU"},
		{SCSI_DISK(1, "c.iso") PORT_NIC(5, "52:54:00:00:00:07"), "c.iso in the record"},
		{SCSI_DISK(1, "a.img") SCSI_DISK(2, "c.iso") PORT_NIC(5, "52:54:00:00:00:07"),
			"scsi0-0-0-2 is in the record, but not in QEMU"},
	};
	struct place *place =
		start(state, "q35", SCSI_DISK(1, "a.img") PORT_NIC(5, "52:54:00:00:00:07"));

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(text) struct text text = TEXT_INIT;

		define(place, "q35", cases[i].devices);
		if (!drift(place, &text) || !strstr(text_string(&text), cases[i].words))
			fail_msg("%zu: %s", i, text_string(&text));
		assert_non_null(strstr(text_string(&text), "/domain/devices"));
	}
}

static void guest_fill_runtime__tells_ptys_ports_and_sockets(void **state)
{
	struct place *place = start(state, "pc", pc_devices);
	struct dd_error err = {.code = 0};
	const xmlNode *devices;
	uint64_t port = 0;
	struct stat info;
	char path[256];

	must(guest_fill_runtime(place->guest, place->live, &err), &err);
	devices = document_devices(place->live);

	const char *pty = node_attr(node_descend(devices, "serial/source"), "path");

	assert_non_null(pty);
	assert_int_equal(stat(pty, &info), 0);
	assert_true(S_ISCHR(info.st_mode));
	assert_string_equal(node_attr(node_descend(devices, "console"), "tty"), pty);
	assert_true(node_attr_number(node_child(devices, "graphics"), "port", &port));
	assert_true(port >= 5900);
	snprintf(path, sizeof path, "%s/channel0.sock", place->folder);
	assert_string_equal(node_attr(node_descend(devices, "channel/source"), "path"), path);
	assert_int_equal(stat(path, &info), 0);
	must(guest_check(place->live, caps, &err), &err);
	assert_in_step(place);
}

static void guest_start__puts_taps_into_bridges(void **state)
{
	struct dd_error err = {.code = 0};

	enter_empty_network();

	struct place *place = start(state, "pc", BRIDGE_NIC(0, 3, "testbr0"));
	const char *tap = tap_of(place, "net0");

	assert_non_null(tap);
	assert_true(if_nametoindex(tap) > 0);
	assert_in_step(place);

	define(place, "pc", BRIDGE_NIC(0, 3, "testbr0") BRIDGE_NIC(1, 12, "testbr0"));
	must(guest_attach(place->guest, place->live, device(place, "net1"), &err), &err);
	tap = tap_of(place, "net1");
	assert_true(if_nametoindex(tap) > 0);
	assert_in_step(place);

	define(place, "pc", BRIDGE_NIC(2, 13, "missing0"));
	assert_int_equal(
		guest_attach(place->guest, place->live, device(place, "net2"), &err), DD_NOT_FOUND);
	assert_says(&err, "missing0");

	define(place, "pc", BRIDGE_NIC(0, 3, "testbr0") BRIDGE_NIC(1, 12, "testbr0"));
	tap = tap_of(place, "net0");
	assert_int_equal(guest_destroy(place->folder, NULL), 0);
	assert_int_equal(if_nametoindex(tap), 0);
}

static void guest_set_vcpus__plugs_up_to_the_maximum(void **state)
{
	struct place *place = start(state, "q35", "");
	CLEANUP(text) struct text text = TEXT_INIT;
	struct dd_error err = {.code = 0};

	must(guest_set_vcpus(place->guest, place->live, 2, &err), &err);
	must(guest_set_vcpus(place->guest, place->live, 2, &err), &err);
	assert_int_equal(drift(place, &text), 1);
	assert_non_null(strstr(text_string(&text), "QEMU has 2 vCPUs, the record 1"));
	assert_int_equal(guest_set_vcpus(place->guest, place->live, 3, &err), DD_REFUSED);
	assert_int_equal(guest_set_vcpus(place->guest, place->live, 0, &err), DD_REFUSED);
}

static void guest_set_memory__needs_a_balloon(void **state)
{
	struct place *place = start(state, "q35", "");
	struct dd_error err = {.code = 0};

	assert_int_equal(guest_set_memory(place->guest, 65536, &err), DD_REFUSED);
	define(place, "q35",
		"<memballoon model='virtio'><alias name='balloon0'/>"
		"<address type='pci' domain='0' bus='5' slot='0' function='0'/></memballoon>");
	must(guest_attach(place->guest, place->live, device(place, "balloon0"), &err), &err);
	must(guest_set_memory(place->guest, 65536, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(guest_attach__plugs_and_unplugs_a_scsi_disk),
		TEST(guest_attach__plugs_each_kind),
		TEST(guest_attach__undoes_what_it_began),
		TEST(guest_attach__goes_on_where_another_was_cut_short),
		TEST(guest_detach__is_refused_when_the_guest_does_not_let_go),
		TEST(guest_detach__refuses_what_is_a_part_of_the_machine),
		TEST(guest_update__changes_the_medium_of_a_cdrom),
		TEST(guest_update__puts_the_old_medium_back),
		TEST(guest_update__refuses_another_device_in_a_cdroms_place),
		TEST(guest_update__changes_only_the_password_of_vnc),
		TEST(guest_update__refuses_what_cannot_change),
		TEST(guest_drift__finds_none_after_a_start),
		TEST(guest_drift__names_each_difference),
		TEST(guest_fill_runtime__tells_ptys_ports_and_sockets),
		TEST(guest_start__puts_taps_into_bridges),
		TEST(guest_set_vcpus__plugs_up_to_the_maximum),
		TEST(guest_set_memory__needs_a_balloon),
	};

	return cmocka_run_group_tests_name("qmp_change", tests, setup_group, teardown_group);
}
