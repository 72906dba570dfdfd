/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/device/kind.h"

#include "schema/diff.h"
#include "schema/fill.h"
#include "tests/support/freezing.h"

static void schema_device__words_and_details(void **state)
{
	static const struct {
		const char *devices, *element, *words, *details;
	} cases[] = {
		{"<disk type='file'><source file='/images/a.qcow2'/><target dev='vda'/></disk>",
			"disk", "disk vda", "/images/a.qcow2, pci 0000:00:02.0"},
		{"<interface type='bridge'><mac address='52:54:00:00:00:01'/>"
		 "<source bridge='br0'/></interface>",
			"interface", "interface 52:54:00:00:00:01", "bridge br0, pci 0000:00:02.0"},
		{"", "controller", "controller usb 0", "piix3-uhci, pci 0000:00:01.2"},
		{"", "input", "input mouse ps2", ""},
		{"<serial type='file'><source path='/log'/></serial>", "serial", "serial 0",
			"file /log"},
		{"<channel type='unix'><target type='virtio' name='agent'/></channel>", "channel",
			"channel agent", "unix, virtio-serial 0:0:1"},
		{"<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", "rng",
			"rng pci 0000:00:03.0", "/dev/urandom, pci 0000:00:03.0"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(document)
		struct document *domain = frozen_domain(&options, "pc", cases[i].devices);
		CLEANUP(text) struct text words = TEXT_INIT;
		CLEANUP(text) struct text details = TEXT_INIT;
		const xmlNode *device = nth_device(domain, cases[i].element, 0);

		device_words(device, &words);
		device_details(device, &details);
		assert_string_equal(text_string(&words), cases[i].words);
		assert_string_equal(text_string(&details), cases[i].details);
	}
}

static void schema_device__defaults_by_target_name(void **state)
{
	static const struct {
		const char *target, *bus;
	} cases[] = {
		{"vda", "virtio"},
		{"hda", "ide"},
		{"sda", "scsi"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(text) struct text text = TEXT_INIT;

		text_printf(&text, "<disk type='file'><source file='/i'/><target dev='%s'/></disk>",
			cases[i].target);
		CLEANUP(document)
		struct document *domain = frozen_domain(&options, "pc", text_string(&text));
		const xmlNode *disk = nth_device(domain, "disk", 0);

		assert_string_equal(node_attr(node_child(disk, "target"), "bus"), cases[i].bus);
		assert_string_equal(node_attr(node_child(disk, "driver"), "type"), "raw");
	}
}

static const struct {
	const char *machine, *devices, *element;
	unsigned number;
	const char *child, *attribute; /* of the child, or of the device */
	const char *value;             /* NULL: there is none */
} settled[] = {
	{"pc",
		"<disk type='file'><source file='/b'/><target dev='vdb'/></disk>"
		"<disk type='file'><source file='/a'/><target dev='vda'/></disk>",
		"disk", 0, "target", "dev", "vda"},
	{"pc",
		"<disk type='volume'><source pool='p' volume='v'/><target "
		"dev='vda'/></disk>",
		"disk", 0, "driver", "type", NULL},
	{"pc",
		"<disk><driver cache='default'/><source file='/a'/><target "
		"dev='vda'/></disk>",
		"disk", 0, "driver", "cache", NULL},
	{"pc",
		"<disk type='network'><source protocol='nbd'><host name='h'/></source>"
		"<target dev='vda'/></disk>",
		"disk", 0, "source/host", "port", "10809"},
	{"pc", "<disk device='cdrom' snapshot='no'><target dev='hda'/></disk>", "disk", 0, NULL,
		"snapshot", NULL},
	{"pc", "<interface type='direct'><source dev='e'/></interface>", "interface", 0, "source",
		"mode", "vepa"},
	{"pc", "<interface type='user'><target dev='vnet0'/></interface>", "interface", 0, "target",
		"dev", NULL},
	{"q35", "<interface type='user'><model type='pcnet'/></interface>", "interface", 0,
		"address", "bus", "0x01"},
	{"q35", "<interface type='user'><model type='vmxnet3'/></interface>", "interface", 0,
		"address", "bus", "0x02"},
	{"pc", "<graphics type='vnc' autoport='no'/>", "graphics", 0, NULL, "autoport", "no"},
	{"pc", "<graphics type='spice' port='-1'/>", "graphics", 0, NULL, "autoport", "no"},
	{"pc", "<graphics type='spice' port='-1' tlsPort='-1'/>", "graphics", 0, NULL, "autoport",
		"yes"},
	{"pc", "<graphics type='spice'><listen type='network' network='n'/></graphics>", "graphics",
		0, NULL, "autoport", "no"},
	{"pc",
		"<graphics type='vnc' listen=''><listen type='address' address=''/>"
		"</graphics>",
		"graphics", 0, "listen", "address", NULL},
	{"pc",
		"<graphics type='egl-headless'/><graphics type='egl-headless'/>"
		"<graphics type='vnc'/>",
		"graphics", 1, NULL, "type", "egl-headless"},
	{"pc",
		"<hostdev mode='subsystem' type='pci'><source><address bus='3' slot='7'/>"
		"</source></hostdev>",
		"hostdev", 0, "source/address", "domain", "0x0000"},
	{"pc",
		"<interface type='hostdev'><source><address type='pci' slot='7'/></source>"
		"</interface>",
		"interface", 0, "source/address", "function", "0x0"},
	{"pc",
		"<interface type='bridge'><source bridge='b'/><virtualport type='midonet'>"
		"<parameters interfaceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4a' "
		"profileid='x'/></virtualport></interface>",
		"interface", 0, "virtualport/parameters", "profileid", NULL},
	{"pc",
		"<controller type='pci' index='0' model='pci-root'><model name='none'/>"
		"</controller>",
		"controller", 0, "model", "name", NULL},
	{"pc", "<rng model='virtio'><rate bytes='0'/><backend model='random'/></rng>", "rng", 0,
		"rate", "bytes", NULL},
	{"pc",
		"<disk type='nvme'><source type='pci' namespace='1'><address bus='1'/></source>"
		"<target dev='vda'/></disk>",
		"disk", 0, "source/address", "slot", "0x00"},
	{"pc", "<graphics type='vnc'/><graphics type='spice'/>", "audio", 0, NULL, "type", "spice"},
	{"pc", "<graphics type='spice'/><graphics type='egl-headless'/>", "audio", 0, NULL, "type",
		"spice"},
	{"pc", "<video><model type='qxl' primary='no'/></video>", "video", 0, "model", "primary",
		"yes"},
	{"pc", "<memballoon model='virtio'><stats period='0'/></memballoon>", "memballoon", 0,
		"stats", "period", NULL},
	{"pc",
		"<console type='pty'><target type='virtio'/></console>"
		"<console type='pty'><target type='virtio' port='0'/></console>",
		"console", 0, "target", "port", "0"},
	{"pc", "<serial type='pty'/><serial type='pty'><target port='1'/></serial>", "serial", 0,
		"target", "port", "2"},
	{"pc",
		"<serial type='pty'/><serial type='pty'><target "
		"type='isa-serial'/></serial>",
		"serial", 0, "target", "port", "1"},
	{"pc", "<serial type='pty'><alias name='ua-s'/></serial>", "console", 0, "alias", "name",
		"ua-s"},
	{"pc", "<serial type='tcp'><source host='h' service='1'/></serial>", "serial", 0, "source",
		"mode", "connect"},
};

static void schema_device__what_is_open_is_settled_as_libvirt_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(settled); i++) {
		CLEANUP(document)
		struct document *domain =
			frozen_domain(&options, settled[i].machine, settled[i].devices);
		const xmlNode *node = nth_device(domain, settled[i].element, settled[i].number);
		const char *value;

		if (settled[i].child)
			node = node_descend(node, settled[i].child);
		value = node_attr(node, settled[i].attribute);
		if (!value != !settled[i].value || (value && strcmp(value, settled[i].value) != 0))
			fail_msg("case %zu: %s is %s", i, settled[i].attribute,
				value ? value : "absent");
	}
}

static void schema_device__only_some_can_be_plugged_into_a_running_guest(void **state)
{
	static const struct {
		const char *device, *why; /* NULL: it can */
	} cases[] = {
		{"<disk type='file'><source file='/i'/><target dev='vdz'/></disk>", NULL},
		{"<disk type='file'><source file='/i'/><target dev='sdz' bus='usb'/></disk>", NULL},
		{"<disk type='file'><source file='/i'/><target dev='sdc' bus='scsi'/></disk>",
			NULL},
		{"<disk type='file'><source file='/i'/><target dev='hdc'/></disk>", "bus"},
		{"<disk type='file'><source file='/i'/><target dev='sdb' bus='sata'/></disk>",
			"bus"},
		{"<interface type='user'/>", NULL},
		{"<rng model='virtio'><backend model='random'/></rng>", NULL},
		{"<video><model type='vga'/></video>", "kind"},
		{"<sound model='ich6'/>", "kind"},
		{"<serial type='pty'/>", "kind"},
		{"<input type='mouse' bus='ps2'/>", "ps2"},
		{"<controller type='pci' model='pci-bridge'/>", "controllers"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(document) struct document *domain = frozen_domain(&options, "pc", "");
		struct dd_error err = {0};
		xmlNode *device = insert_device(domain, cases[i].device);
		int rc = device_freeze(domain, device, true, &options, &err);

		assert_int_equal(rc, cases[i].why ? DD_REFUSED : 0);
		if (cases[i].why)
			assert_non_null(strstr(err.message, cases[i].why));
	}
}

static void schema_device__every_kind_is_whole(void **state)
{
	static const char *const elements[] = {"disk", "controller", "filesystem", "interface",
		"smartcard", "serial", "parallel", "console", "channel", "input", "tpm", "graphics",
		"sound", "audio", "video", "hostdev", "redirdev", "redirfilter", "hub", "watchdog",
		"memballoon", "rng", "panic", "shmem", "memory", "iommu", "vsock"};

	(void)state;
	for (size_t i = 0; i < COUNT(elements); i++) {
		xmlNode *node = xmlNewNode(NULL, BAD_CAST elements[i]);
		const struct device_kind *kind = device_kind(node);

		xmlFreeNode(node);
		assert_non_null(kind);
		assert_string_equal(kind->element, elements[i]);
		assert_non_null(kind->address);
		assert_non_null(kind->same);
		assert_non_null(kind->words);
		assert_non_null(kind->live_paths);
		assert_non_null(kind->free_paths);
		if (kind->alias_prefix || kind->alias_prefix_of)
			assert_non_null(kind->alias);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_device__words_and_details),
		cmocka_unit_test(schema_device__defaults_by_target_name),
		cmocka_unit_test(schema_device__what_is_open_is_settled_as_libvirt_does),
		cmocka_unit_test(schema_device__only_some_can_be_plugged_into_a_running_guest),
		cmocka_unit_test(schema_device__every_kind_is_whole),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
