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

		text_printf(&text, "<disk type='file'><target dev='%s'/></disk>", cases[i].target);
		CLEANUP(document)
		struct document *domain = frozen_domain(&options, "pc", text_string(&text));
		const xmlNode *disk = nth_device(domain, "disk", 0);

		assert_string_equal(node_attr(node_child(disk, "target"), "bus"), cases[i].bus);
		assert_string_equal(node_attr(node_child(disk, "driver"), "type"), "raw");
	}
}

static void schema_device__only_some_can_be_plugged_into_a_running_guest(void **state)
{
	static const struct {
		const char *device, *why; /* NULL: it can */
	} cases[] = {
		{"<disk type='file'><target dev='vdz'/></disk>", NULL},
		{"<disk type='file'><target dev='sdz' bus='usb'/></disk>", NULL},
		{"<disk type='file'><target dev='sdc' bus='scsi'/></disk>", NULL},
		{"<disk type='file'><target dev='hdc'/></disk>", "bus"},
		{"<disk type='file'><target dev='sdb' bus='sata'/></disk>", "bus"},
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
		assert_int_equal(kind->alias != NULL, kind->alias || kind->alias_prefix);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_device__words_and_details),
		cmocka_unit_test(schema_device__defaults_by_target_name),
		cmocka_unit_test(schema_device__only_some_can_be_plugged_into_a_running_guest),
		cmocka_unit_test(schema_device__every_kind_is_whole),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
