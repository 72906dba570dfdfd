/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/corpus.h"

#include "schema/diff.h"
#include "schema/edit.h"
#include "tests/support/capabilities.h"

#define DISK(dev, bus)                                                                             \
	"<disk type='file' device='disk'><source file='/" dev "'/><target dev='" dev "' bus='" bus \
	"'/></disk>"
#define MAC "52:54:00:aa:bb:cc"
#define NIC                                           \
	"<interface type='bridge'><mac address='" MAC \
	"'/><source bridge='br0'/><model type='virtio'/></interface>"
#define CDROM(more) "<disk type='file' device='cdrom'>" more "<target dev='sda' bus='sata'/></disk>"

struct fixture {
	struct document *document;
	struct capabilities *caps;
	struct freeze_options options;
	struct dd_error err;
};

static const char definition[] =
	"<domain type='kvm'><name>web</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
	"<memory unit='MiB'>1024</memory><vcpu>4</vcpu>"
	"<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>" DISK("vda", "virtio")
		DISK("vdb", "virtio") DISK("vdc", "virtio") CDROM(
			"<driver name='qemu' type='raw' cache='none'/><source file='/a.iso'/>") NIC
	"<serial type='pty'/></devices></domain>";

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	fixture->caps = test_capabilities();
	fixture->options.capabilities = fixture->caps;
	fixture->document = document_of(definition);
	must(document_freeze(fixture->document, &fixture->options, &fixture->err), &fixture->err);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	document_free(fixture->document);
	capabilities_free(fixture->caps);
	free(fixture);
	return 0;
}

static int attach(struct fixture *fixture, const char *xml, bool live, xmlNode **attached)
{
	CLEANUP(document) struct document *device = device_of(xml);

	return edit_attach(
		fixture->document, device, live, &fixture->options, attached, &fixture->err);
}

static int update(struct fixture *fixture, const char *xml, bool live, xmlNode **updated)
{
	CLEANUP(document) struct document *device = device_of(xml);

	return edit_update(
		fixture->document, device, live, &fixture->options, updated, &fixture->err);
}

static xmlNode *device(struct fixture *fixture, const char *reference)
{
	xmlNode *found = NULL;

	must(document_find_device(fixture->document, reference, &found, &fixture->err),
		&fixture->err);
	return found;
}

static int detach(struct fixture *fixture, const char *reference)
{
	return edit_detach(fixture->document, device(fixture, reference), &fixture->err);
}

/* The details of a device, where its address is. The caller frees it. */
static char *details(struct fixture *fixture, const char *reference)
{
	struct text out = TEXT_INIT;

	device_details(device(fixture, reference), &out);
	return text_take(&out);
}

/* ---- finding ---- */

static void schema_edit__a_device_is_found_by_what_a_person_calls_it(void **state)
{
	static const struct {
		const char *reference, *element;
	} found[] = {
		{"vdb", "disk"},
		{MAC, "interface"},
		{"52:54:00:AA:BB:CC", "interface"},
		{"disk[2]", "disk"},
		{"interface[1]", "interface"},
		{"disk vda", "disk"},
		{"/domain/devices/disk[4]", "disk"},
		{"/domain/devices/interface", "interface"},
	};
	struct fixture *fixture = *state;
	xmlNode *node = NULL;

	for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
		assert_true(node_is(device(fixture, found[i].reference), found[i].element));
	assert_int_equal(
		document_find_device(fixture->document, "vdz", &node, &fixture->err), DD_NOT_FOUND);
	assert_error(&fixture->err, DD_NOT_FOUND,
		"no device is called 'vdz' (there is disk vda, disk vdb, ");
	assert_null(node);
}

static void schema_edit__a_device_is_matched_by_everything_it_says(void **state)
{
	static const struct {
		const char *xml;
		int rc;
		const char *target;
	} cases[] = {
		{"<disk><target dev='vdb'/></disk>", 0, "vdb"},
		{"<disk><source file='/vdc'/></disk>", 0, "vdc"},
		{"<disk device='cdrom'/>", 0, "sda"},
		{"<disk><source file='/other'/><target dev='vdb'/></disk>", 0, "vdb"},
		{"<memballoon model='virtio'><stats period='5'/></memballoon>", 0, NULL},
		{"<memballoon model='none'/>", DD_NOT_FOUND, NULL},
		{"<serial type='file'><target port='0'/></serial>", 0, NULL},
		{"<disk/>", DD_CONFLICT, NULL},
		{"<disk><target bus='virtio'/></disk>", DD_CONFLICT, NULL},
		{"<disk><target dev='vdx'/></disk>", DD_NOT_FOUND, NULL},
		{"<sound model='ich6'/>", DD_NOT_FOUND, NULL},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(document) struct document *wanted = device_of(cases[i].xml);
		xmlNode *found = NULL;

		assert_int_equal(
			document_match_device(fixture->document, wanted, &found, &fixture->err),
			cases[i].rc);
		assert_true(!found == !!cases[i].rc);
		if (cases[i].target)
			assert_string_equal(
				node_attr(node_child(found, "target"), "dev"), cases[i].target);
	}
}

static void schema_edit__an_address_and_a_target_of_two_devices_match_none(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(text) struct text xml = TEXT_INIT;
	xmlNode *found = NULL;

	text_puts(&xml, "<disk><target dev='vda'/>");
	must(node_write(node_child(device(fixture, "vdb"), "address"), &xml, &fixture->err),
		&fixture->err);
	text_puts(&xml, "</disk>");

	CLEANUP(document) struct document *wanted = device_of(text_string(&xml));

	assert_int_equal(document_match_device(fixture->document, wanted, &found, &fixture->err),
		DD_NOT_FOUND);
}

/* ---- attach and detach ---- */

static void schema_edit__the_middle_device_returns_to_its_address(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free) char *place = details(fixture, "vdb");
	CLEANUP(text) struct text vacated = TEXT_INIT;
	xmlNode *attached = NULL;

	must(detach(fixture, "vdb"), &fixture->err);
	must(document_write_vacated(fixture->document, &vacated, &fixture->err), &fixture->err);
	assert_mentions(text_string(&vacated), "<device kind='disk' identity='vdb' bus='virtio'>");

	must(attach(fixture, DISK("vdd", "virtio"), false, &attached), &fixture->err);

	CLEANUP(free) char *other = details(fixture, "vdd");

	assert_string_not_equal(strchr(other, ' '), strchr(place, ' '));
	must(detach(fixture, "vdd"), &fixture->err);
	must(attach(fixture, DISK("vdb", "virtio"), false, &attached), &fixture->err);
	assert_string_equal(node_attr(node_child(attached, "target"), "dev"), "vdb");

	/* and among its like */
	CLEANUP(free) char *again = details(fixture, "vdb");

	assert_string_equal(place, again);
	assert_string_equal(
		node_attr(node_child(node_child(document_devices(fixture->document), "disk")->next,
				  "target"),
			"dev"),
		"vdb");
	text_clear(&vacated);
	must(document_write_vacated(fixture->document, &vacated, &fixture->err), &fixture->err);
	assert_null(strstr(text_string(&vacated), "identity='vdb'"));
	assert_mentions(text_string(&vacated), "identity='vdd'");
}

static void schema_edit__detach_and_attach_make_the_same_record(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free) char *before = written(fixture->document);
	CLEANUP(text) struct text vacated = TEXT_INIT;
	xmlNode *attached = NULL;

	must(detach(fixture, "vdb"), &fixture->err);
	must(attach(fixture, DISK("vdb", "virtio"), true, &attached), &fixture->err);

	CLEANUP(free) char *after = written(fixture->document);

	assert_string_equal(before, after);
	must(document_write_vacated(fixture->document, &vacated, &fixture->err), &fixture->err);
	assert_int_equal(vacated.size, 0);
}

static void schema_edit__vacated_addresses_survive_in_a_text_and_a_copy(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(text) struct text first = TEXT_INIT;
	CLEANUP(text) struct text second = TEXT_INIT;
	CLEANUP(document) struct document *copy = NULL;

	must(detach(fixture, "vdb"), &fixture->err);
	must(detach(fixture, MAC), &fixture->err);
	must(document_write_vacated(fixture->document, &first, &fixture->err), &fixture->err);
	must(document_copy(fixture->document, &copy, &fixture->err), &fixture->err);
	must(document_read_vacated(fixture->document, "", 0, &fixture->err), &fixture->err);
	must(document_read_vacated(fixture->document, first.data, first.size, &fixture->err),
		&fixture->err);
	must(document_write_vacated(fixture->document, &second, &fixture->err), &fixture->err);
	assert_string_equal(text_string(&first), text_string(&second));
	text_clear(&second);
	must(document_write_vacated(copy, &second, &fixture->err), &fixture->err);
	assert_string_equal(text_string(&first), text_string(&second));
	assert_int_equal(document_read_vacated(copy, "<x/>", 4, &fixture->err), DD_CORRUPT);
}

static void schema_edit__what_is_there_already_is_not_attached_twice(void **state)
{
	struct fixture *fixture = *state;
	xmlNode *attached = NULL;

	attach(fixture, DISK("vdb", "virtio"), false, &attached);
	assert_error(&fixture->err, DD_EXISTS,
		"device.xml:1: /disk: disk vdb is there already: /vdb, pci 0000:");
	attach(fixture, NIC, false, &attached);
	assert_error(&fixture->err, DD_EXISTS, "interface " MAC " is there already: ");
	assert_null(attached);
}

static void schema_edit__a_fault_in_a_device_names_its_own_text(void **state)
{
	struct fixture *fixture = *state;
	xmlNode *attached = NULL;

	attach(fixture, "<disk type='file'>\n<source file='/x'/></disk>", false, &attached);
	assert_error(&fixture->err, DD_INVALID,
		"device.xml:1: /domain/devices/disk[5]: the disk has no target");
}

static void schema_edit__disks_are_listed_by_target(void **state)
{
	static const char *const order[] = {"vda", "vdb", "vdc", "sda", "vdz", "vdaa"};
	struct fixture *fixture = *state;
	xmlNode *attached = NULL, *disk;

	must(attach(fixture, DISK("vdaa", "virtio"), false, &attached), &fixture->err);
	must(attach(fixture, DISK("vdz", "virtio"), false, &attached), &fixture->err);
	disk = node_child(document_devices(fixture->document), "disk");
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++, disk = node_next(disk))
		assert_string_equal(node_attr(node_child(disk, "target"), "dev"), order[i]);
}

static void schema_edit__what_others_need_stays(void **state)
{
	static const struct {
		const char *element, *attribute, *value, *line;
	} cases[] = {
		{"controller", "model", "pcie-root", "every machine of this type has it"},
		{"controller", "type", "sata", "every machine of this type has it"},
		{"controller", "index", "1", " is plugged into it (detach that first)"},
		{"input", "bus", "ps2", "every machine of this type has it"},
		{"memballoon", "model", "virtio", "(update it to model='none' to go without)"},
		{"console", "type", "pty", "(detach the serial port)"},
		{"emulator", NULL, NULL, "it is the program that runs the machine"},
	};
	struct fixture *fixture = *state;
	CLEANUP(free) char *before = written(fixture->document);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		xmlNode *node = node_child(document_devices(fixture->document), cases[i].element);

		while (node && cases[i].attribute &&
			!node_attr_is(node, cases[i].attribute, cases[i].value))
			node = node_next(node);
		assert_non_null(node);
		edit_detach(fixture->document, node, &fixture->err);
		assert_error(&fixture->err, DD_REFUSED, cases[i].line);
	}

	CLEANUP(free) char *after = written(fixture->document);

	assert_string_equal(before, after);
}

static void schema_edit__a_serial_port_and_its_console_come_and_go_together(void **state)
{
	struct fixture *fixture = *state;
	xmlNode *devices = document_devices(fixture->document);
	CLEANUP(free) char *before = written(fixture->document);
	xmlNode *serial = NULL;

	must(edit_detach(fixture->document, node_child(devices, "serial"), &fixture->err),
		&fixture->err);
	assert_null(node_child(devices, "serial"));
	assert_null(node_child(devices, "console"));
	must(attach(fixture, "<serial type='pty'/>", false, &serial), &fixture->err);

	CLEANUP(free) char *after = written(fixture->document);

	assert_string_equal(before, after);
	must(update(fixture, "<serial type='file'><source path='/log'/><target port='0'/></serial>",
		     false, &serial),
		&fixture->err);
	assert_string_equal(node_attr(node_descend(devices, "console/source"), "path"), "/log");
}

/* ---- update ---- */

static void schema_edit__an_update_keeps_what_it_is_silent_about(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free) char *place = details(fixture, "vdb");
	xmlNode *disk = NULL;

	must(update(fixture, "<disk><driver cache='none'/><target dev='vdb'/></disk>", false,
		     &disk),
		&fixture->err);

	CLEANUP(free) char *after = details(fixture, "vdb");

	assert_string_equal(place, after);
	assert_string_equal(node_attr(node_child(disk, "driver"), "cache"), "none");
	assert_string_equal(node_attr(node_child(disk, "driver"), "type"), "raw");
	assert_string_equal(node_attr(node_child(disk, "source"), "file"), "/vdb");
	assert_ptr_equal(disk, device(fixture, "vdb"));
}

static void schema_edit__a_medium_is_changed_and_ejected_live(void **state)
{
	struct fixture *fixture = *state;
	xmlNode *disk = NULL;

	must(update(fixture, CDROM("<source file='/b.iso'/>"), true, &disk), &fixture->err);
	assert_string_equal(node_attr(node_child(disk, "source"), "file"), "/b.iso");
	assert_string_equal(node_attr(node_child(disk, "driver"), "cache"), "none");
	must(update(fixture, CDROM(""), true, &disk), &fixture->err);
	assert_null(node_child(disk, "source"));
	must(update(fixture,
		     "<disk type='block' device='cdrom'><source dev='/dev/sr0'/><target "
		     "dev='sda'/></disk>",
		     true, &disk),
		&fixture->err);
	assert_string_equal(node_attr(node_child(disk, "source"), "dev"), "/dev/sr0");
	assert_null(node_attr(node_child(disk, "source"), "file"));
	assert_string_equal(node_attr(disk, "type"), "block");
}

static void schema_edit__a_link_goes_down_live(void **state)
{
	struct fixture *fixture = *state;
	xmlNode *nic = NULL;

	must(update(fixture,
		     "<interface type='bridge'><mac address='" MAC
		     "'/><link state='down'/></interface>",
		     true, &nic),
		&fixture->err);
	assert_string_equal(node_attr(node_child(nic, "link"), "state"), "down");
	assert_string_equal(node_attr(node_child(nic, "source"), "bridge"), "br0");
	assert_string_equal(node_attr(node_child(nic, "model"), "type"), "virtio");
	assert_non_null(node_child(nic, "address"));
}

static void schema_edit__an_empty_element_takes_away(void **state)
{
	struct fixture *fixture = *state;
	xmlNode *disk = NULL;

	must(update(fixture,
		     "<disk><target "
		     "dev='vda'/><iotune><total_iops_sec>9</total_iops_sec></iotune></disk>",
		     true, &disk),
		&fixture->err);
	assert_non_null(node_descend(disk, "iotune/total_iops_sec"));
	must(update(fixture, "<disk><target dev='vda'/><iotune/></disk>", true, &disk),
		&fixture->err);
	assert_null(node_child(disk, "iotune"));
}

static void schema_edit__an_update_of_what_the_guest_sees_is_refused(void **state)
{
	static const struct {
		const char *xml;
		bool live;
		const char *line;
	} cases[] = {
		{"<disk><target dev='vda' bus='scsi'/></disk>", false,
			"target/@bus of disk vda cannot change (detach"},
		{"<disk><target dev='vda'/><serial>x</serial></disk>", false,
			"serial of disk vda cannot change (detach"},
		{"<disk><driver cache='none'/><target dev='vda'/></disk>", true,
			"driver/@cache of disk vda cannot change while the guest runs"},
		{"<disk><source file='/x'/><target dev='vda'/></disk>", true,
			"source/@file of disk vda cannot change while the guest runs"},
		{"<interface><mac address='" MAC "'/><model type='e1000'/></interface>", true,
			"model/@type of interface " MAC " cannot change"},
		{"<disk><target dev='vdx'/></disk>", false, "no device fits disk vdx"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		void *own = NULL;

		setup(&own);

		struct fixture *fixture = own;
		xmlNode *node = NULL;

		update(fixture, cases[i].xml, cases[i].live, &node);
		assert_error(&fixture->err, fixture->err.code, cases[i].line);
		assert_null(node);
		teardown(&own);
	}
}

/* ---- settings ---- */

static const char *text_at(struct fixture *fixture, const char *path)
{
	return node_text(node_descend(document_root(fixture->document), path));
}

static void schema_edit__memory_and_its_maximum(void **state)
{
	struct fixture *fixture = *state;
	struct document *document = fixture->document;

	must(edit_memory(document, 524288, false, &fixture->err), &fixture->err);
	assert_string_equal(text_at(fixture, "currentMemory"), "524288");
	assert_string_equal(text_at(fixture, "memory"), "1048576");
	edit_memory(document, 1048577, false, &fixture->err);
	assert_error(&fixture->err, DD_INVALID,
		"/domain/memory: 1048577 KiB are more than the guest's 1048576 KiB (raise");
	edit_memory(document, 0, false, &fixture->err);
	assert_error(&fixture->err, DD_INVALID, "cannot have 0 KiB");
	must(edit_memory(document, 262144, true, &fixture->err), &fixture->err);
	assert_string_equal(text_at(fixture, "memory"), "262144");
	assert_string_equal(text_at(fixture, "currentMemory"), "262144");
}

static void schema_edit__vcpus_and_their_maximum(void **state)
{
	struct fixture *fixture = *state;
	struct document *document = fixture->document;
	const xmlNode *vcpu = node_child(document_root(document), "vcpu");

	must(edit_vcpus(document, 2, false, &fixture->options, &fixture->err), &fixture->err);
	assert_string_equal(node_attr(vcpu, "current"), "2");
	must(edit_vcpus(document, 8, true, &fixture->options, &fixture->err), &fixture->err);
	assert_string_equal(node_attr(vcpu, "current"), "2");
	must(edit_vcpus(document, 8, false, &fixture->options, &fixture->err), &fixture->err);
	assert_null(node_attr(vcpu, "current"));
	assert_int_equal(
		edit_vcpus(document, 9, false, &fixture->options, &fixture->err), DD_INVALID);
	assert_int_equal(
		edit_vcpus(document, 0, true, &fixture->options, &fixture->err), DD_INVALID);
	must(edit_vcpus(document, 2, false, &fixture->options, &fixture->err), &fixture->err);
	must(edit_vcpus(document, 2, true, &fixture->options, &fixture->err), &fixture->err);
	assert_null(node_attr(vcpu, "current"));
}

static void schema_edit__a_topology_and_numa_cells_fix_the_sizes(void **state)
{
	struct dd_error err = {0};
	CLEANUP(document)
	struct document *document =
		document_of("<domain><memory>1024</memory><vcpu>4</vcpu><cpu><topology sockets='2' "
			    "cores='2' threads='1'/>"
			    "<numa><cell id='0' cpus='0-3' memory='1024'/></numa></cpu></domain>");

	(void)state;
	edit_vcpus(document, 8, true, NULL, &err);
	assert_error(&err, DD_REFUSED,
		"/domain/cpu/topology: 8 vCPUs do not fit the CPU topology, which makes 4");
	edit_memory(document, 2048, true, &err);
	assert_error(&err, DD_REFUSED, "/domain/cpu/numa: the memory is divided");
}

static void schema_edit__a_name_has_to_be_fit(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "a\nb", "\xff"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(edit_rename(fixture->document, bad[i], &fixture->err), DD_INVALID);
	must(edit_rename(fixture->document, "mail", &fixture->err), &fixture->err);
	assert_string_equal(document_name(fixture->document), "mail");
}

static void schema_edit__texts_come_and_go(void **state)
{
	struct fixture *fixture = *state;
	struct document *document = fixture->document;
	CLEANUP(free) char *before = written(document);

	must(edit_text(document, "title", "Web <1>", &fixture->err), &fixture->err);
	must(edit_text(document, "description", "two\nlines", &fixture->err), &fixture->err);
	assert_string_equal(text_at(fixture, "title"), "Web <1>");
	assert_int_equal(edit_text(document, "title", "a\nb", &fixture->err), DD_INVALID);
	assert_int_equal(edit_text(document, "title", "a\x01", &fixture->err), DD_INVALID);
	assert_int_equal(edit_text(document, "name", "a", &fixture->err), DD_INVALID);
	must(edit_text(document, "title", "", &fixture->err), &fixture->err);
	must(edit_text(document, "description", NULL, &fixture->err), &fixture->err);

	CLEANUP(free) char *after = written(document);

	assert_string_equal(before, after);
}

static void schema_edit__metadata_belongs_to_its_namespace(void **state)
{
	struct fixture *fixture = *state;
	struct document *document = fixture->document;
	struct dd_error *err = &fixture->err;
	CLEANUP(free) char *before = written(document);

	must(edit_metadata(document, "urn:a", "app", "<b c='1'><d/></b>", err), err);
	must(edit_metadata(
		     document, "urn:x", "x", "<x:y xmlns:x='urn:x'>keep <x:z/> this </x:y>", err),
		err);

	CLEANUP(free) char *both = written(document);

	assert_mentions(both, "<app:b xmlns:app='urn:a' c='1'>\n      <app:d/>\n    </app:b>");
	assert_mentions(both, "<x:y xmlns:x='urn:x'>keep <x:z/> this </x:y>");
	must(edit_metadata(document, "urn:a", "app", "<e/>", err), err);
	assert_null(node_descend(document_root(document), "metadata/app:b"));
	assert_non_null(node_descend(document_root(document), "metadata/app:e"));

	edit_metadata(document, "urn:a", "app", "<y:e xmlns:y='urn:y'/>", err);
	assert_error(err, DD_INVALID, "the metadata is in the namespace urn:y, not in urn:a");
	edit_metadata(document, "urn:a", "a b", "<e/>", err);
	assert_error(err, DD_INVALID, "needs a key that can be a prefix");
	edit_metadata(document, "urn:a", "app", "<e>", err);
	assert_error(err, DD_INVALID, "metadata:1:");
	edit_metadata(document, "urn:none", NULL, NULL, err);
	assert_error(err, DD_NOT_FOUND, "there is no metadata of namespace 'urn:none'");

	must(edit_metadata(document, "urn:a", NULL, NULL, err), err);
	must(edit_metadata(document, "urn:x", NULL, NULL, err), err);

	CLEANUP(free) char *after = written(document);

	assert_string_equal(before, after);
}

/* ---- what a guest can see ---- */

static void schema_edit__only_what_a_guest_cannot_see_may_change(void **state)
{
	static const struct {
		const char *from, *to; /* in the frozen text */
		const char *line;      /* NULL: allowed */
	} cases[] = {
		{"<name>web", "<name>mail", NULL},
		{"/vdb'", "/elsewhere'", NULL},
		{"<on_crash>destroy", "<on_crash>restart", NULL},
		{"bridge='br0'", "bridge='br1'", NULL},
		{"<currentMemory unit='KiB'>1048576", "<currentMemory unit='KiB'>524288", NULL},
		{"<memory unit='KiB'>1048576", "<memory unit='KiB'>2097152",
			"/domain/memory: the guest would see '2097152' instead of '1048576'"},
		{">4</vcpu>", ">5</vcpu>", "/domain/vcpu: the guest would see '5' instead of '4'"},
		{"pc-q35-7.2", "pc-q35-7.1", "/domain/os/type/@machine: the guest would see"},
		{"c7a5fdbd", "c7a5fdbe", "/domain/uuid: the guest would see"},
		{"qemu64", "EPYC", "/domain/cpu/model: the guest would see"},
		{"<model type='virtio'/>", "<model type='e1000'/>",
			"/domain/devices/interface/model/@type: the guest would see"},
		{"52:54:00:aa:bb:cc", "52:54:00:aa:bb:cd",
			"/domain/devices/interface: the guest has seen interface 52:54:00:aa:bb:cc "
			"(detach"},
		{"<on_crash>", "<features><apic/></features><on_crash>",
			"the guest would see that features/apic is new"},
	};
	struct fixture *fixture = *state;
	CLEANUP(free) char *frozen = written(fixture->document);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(text) struct text changed = TEXT_INIT;
		const char *at = strstr(frozen, cases[i].from);
		struct dd_error err = {0};

		assert_non_null(at);
		text_add(&changed, frozen, (size_t)(at - frozen));
		text_puts(&changed, cases[i].to);
		text_puts(&changed, at + strlen(cases[i].from));

		CLEANUP(document) struct document *after = document_of(text_string(&changed));
		int rc = abi_check(fixture->document, after, &err);

		if (cases[i].line)
			assert_error(&err, DD_REFUSED, cases[i].line);
		else
			must(rc, &err);
	}
}

static void schema_edit__a_moved_device_is_seen(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(document) struct document *after = NULL;
	xmlNode *disk = NULL;

	must(document_copy(fixture->document, &after, &fixture->err), &fixture->err);
	must(document_find_device(after, "vdb", &disk, &fixture->err), &fixture->err);
	must(node_set_attr(node_child(disk, "address"), "slot", "0x1f", &fixture->err),
		&fixture->err);
	abi_check(fixture->document, after, &fixture->err);
	assert_error(&fixture->err, DD_REFUSED,
		"/domain/devices/disk[2]/address: the guest knows it at pci 0000:");
}

/* ---- the corpus ---- */

#define RETURNS_MAX 2 /* devices of one definition that leave and return */

static void leave_and_return(
	struct fixture *fixture, const struct document *frozen, const char *reference)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(document) struct document *alone = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	struct dd_error *err = &fixture->err;
	xmlNode *node = NULL;

	must(document_copy(frozen, &document, err), err);
	must(document_find_device(document, reference, &node, err), err);
	device_details(node, &before);
	must(node_write(node, &xml, err), err);
	must(document_parse_device(xml.data, xml.size, "device.xml", &alone, err), err);

	/* to say what is so already changes nothing, on a running guest neither */
	must(edit_update(document, alone, true, &fixture->options, &node, err), err);

	CLEANUP(changes) struct changes none = CHANGES_INIT;

	must(document_diff(frozen, document, &none, err), err);
	assert_int_equal(none.count, 0);

	node_remove(node_child(document_root(alone), "address"));
	must(edit_detach(document, node, err), err);
	must(edit_attach(document, alone, false, &fixture->options, &node, err), err);
	device_details(node, &after);
	assert_string_equal(text_string(&before), text_string(&after));
}

/* What only one device is called; NULL for what has no name, or shares it. */
static const char *only_name(const struct document *document, const xmlNode *node)
{
	const char *name = node_attr(node_child(node, "target"), "dev");
	xmlNode *found = NULL;

	if (!name)
		name = node_attr(node_child(node, "mac"), "address");
	return name && !document_find_device(document, name, &found, NULL) ? name : NULL;
}

static void return_some(const char *name, const struct text *xml, void *context)
{
	struct fixture *fixture = context;
	CLEANUP(document) struct document *document = NULL;
	int returned = 0;

	/* one binary will do */
	if (strstr(text_string(xml), "system-i386"))
		return;
	must(document_parse(text_string(xml), xml->size, name, &document, &fixture->err),
		&fixture->err);
	must(document_freeze(document, &fixture->options, &fixture->err), &fixture->err);
	for (xmlNode *node = node_first(document_devices(document)); node && returned < RETURNS_MAX;
		node = node_after(node)) {
		const char *reference = only_name(document, node);

		if (!reference)
			continue;
		leave_and_return(fixture, document, reference);
		returned++;
	}
}

static void schema_edit__devices_of_the_corpus_return_to_their_addresses(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.keep_host_model = true;
	if (!corpus_visit("frozen", ".out.xml", return_some, fixture))
		skip();
}

#define EDIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDIT_TEST(schema_edit__a_device_is_found_by_what_a_person_calls_it),
		EDIT_TEST(schema_edit__a_device_is_matched_by_everything_it_says),
		EDIT_TEST(schema_edit__an_address_and_a_target_of_two_devices_match_none),
		EDIT_TEST(schema_edit__the_middle_device_returns_to_its_address),
		EDIT_TEST(schema_edit__detach_and_attach_make_the_same_record),
		EDIT_TEST(schema_edit__vacated_addresses_survive_in_a_text_and_a_copy),
		EDIT_TEST(schema_edit__what_is_there_already_is_not_attached_twice),
		EDIT_TEST(schema_edit__a_fault_in_a_device_names_its_own_text),
		EDIT_TEST(schema_edit__disks_are_listed_by_target),
		EDIT_TEST(schema_edit__what_others_need_stays),
		EDIT_TEST(schema_edit__a_serial_port_and_its_console_come_and_go_together),
		EDIT_TEST(schema_edit__an_update_keeps_what_it_is_silent_about),
		EDIT_TEST(schema_edit__a_medium_is_changed_and_ejected_live),
		EDIT_TEST(schema_edit__a_link_goes_down_live),
		EDIT_TEST(schema_edit__an_empty_element_takes_away),
		EDIT_TEST(schema_edit__an_update_of_what_the_guest_sees_is_refused),
		EDIT_TEST(schema_edit__memory_and_its_maximum),
		EDIT_TEST(schema_edit__vcpus_and_their_maximum),
		EDIT_TEST(schema_edit__a_topology_and_numa_cells_fix_the_sizes),
		EDIT_TEST(schema_edit__a_name_has_to_be_fit),
		EDIT_TEST(schema_edit__texts_come_and_go),
		EDIT_TEST(schema_edit__metadata_belongs_to_its_namespace),
		EDIT_TEST(schema_edit__only_what_a_guest_cannot_see_may_change),
		EDIT_TEST(schema_edit__a_moved_device_is_seen),
		EDIT_TEST(schema_edit__devices_of_the_corpus_return_to_their_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
