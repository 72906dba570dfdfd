/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/document.h"

#include "schema/diff.h"

#define DOMAIN(settings, devices) \
	"<domain type='kvm'><name>a</name>" settings "<devices>" devices "</devices></domain>"
#define PCI(bus) "<address type='pci' domain='0' bus='" bus "' slot='0' function='0'/>"
#define DISK(dev, file, more)                                                        \
	"<disk type='file' device='disk'><source file='" file "'/><target dev='" dev \
	"' bus='virtio'/>" more "</disk>"
#define NIC(mac, more)                                                                 \
	"<interface type='bridge'><mac address='" mac "'/><source bridge='br0'/>" more \
	"</interface>"
#define MAC "52:54:00:aa:bb:cc"

static const struct {
	const char *before, *after;
	const char *sentences; /* one a line */
	enum change_kind kind; /* of the first */
	const char *path;
} cases[] = {
	{DOMAIN("", DISK("vda", "/a", PCI("4"))),
		DOMAIN("", DISK("vda", "/a", PCI("4")) DISK("vdb", "/images/data.qcow2", PCI("5"))),
		"disk vdb attached: /images/data.qcow2, pci 0000:05:00.0", CHANGE_ATTACHED,
		"/domain/devices/disk[2]"},
	{DOMAIN("", DISK("vda", "/a", "") DISK("vdb", "/b", "")), DOMAIN("", DISK("vda", "/a", "")),
		"disk vdb detached", CHANGE_DETACHED, "/domain/devices/disk[2]"},
	{DOMAIN("", DISK("vda", "/a", "") DISK("vdb", "/a.iso", "")),
		DOMAIN("", DISK("vda", "/a", "") DISK("vdb", "/b.iso", "")),
		"disk vdb: source changed from /a.iso to /b.iso", CHANGE_UPDATED,
		"/domain/devices/disk[2]/source/@file"},
	{DOMAIN("", DISK("vda", "/a", PCI("4"))), DOMAIN("", DISK("vda", "/a", PCI("5"))),
		"disk vda: address changed from pci 0000:04:00.0 to pci 0000:05:00.0",
		CHANGE_UPDATED, "/domain/devices/disk/address"},
	{DOMAIN("", DISK("vda", "/a", "")), DOMAIN("", DISK("vda", "/a", "<readonly/>")),
		"disk vda: readonly added", CHANGE_UPDATED, "/domain/devices/disk/readonly"},
	{DOMAIN("", "<disk type='file'><source file='/a'/><target dev='vda'/></disk>"),
		DOMAIN("", "<disk type='block'><source dev='/dev/a'/><target dev='vda'/></disk>"),
		"disk vda: type changed from file to block\n"
		"disk vda: source changed from /a to /dev/a",
		CHANGE_UPDATED, "/domain/devices/disk/@type"},
	{DOMAIN("", "<disk device='cdrom'><source file='/a.iso'/><target dev='sda'/></disk>"),
		DOMAIN("", "<disk device='cdrom'><target dev='sda'/></disk>"),
		"disk sda: source removed (was /a.iso)", CHANGE_UPDATED,
		"/domain/devices/disk/source/@file"},
	{DOMAIN("", NIC(MAC, "<link state='up'/>")), DOMAIN("", NIC(MAC, "<link state='down'/>")),
		"interface " MAC ": link state changed from up to down", CHANGE_UPDATED,
		"/domain/devices/interface/link/@state"},
	{DOMAIN("", NIC(MAC, "")), DOMAIN("", NIC("52:54:00:aa:bb:cd", "")),
		"interface " MAC " detached\ninterface 52:54:00:aa:bb:cd attached: bridge br0",
		CHANGE_DETACHED, "/domain/devices/interface"},
	{DOMAIN("", NIC(MAC, "")), DOMAIN("", NIC(MAC, "<boot order='1'/>")),
		"interface " MAC ": boot order set to 1", CHANGE_UPDATED,
		"/domain/devices/interface/boot/@order"},
	{DOMAIN("", "<memballoon model='virtio'/>"), DOMAIN("", "<memballoon model='none'/>"),
		"memballoon virtio: model changed from virtio to none", CHANGE_UPDATED,
		"/domain/devices/memballoon/@model"},
	{DOMAIN("", "<emulator>/a</emulator>"), DOMAIN("", "<emulator>/b</emulator>"),
		"emulator changed from /a to /b", CHANGE_SETTING, "/domain/devices/emulator"},
	{DOMAIN("<memory>1048576</memory>", ""), DOMAIN("<memory unit='G'>2</memory>", ""),
		"memory changed from 1048576 KiB to 2097152 KiB", CHANGE_SETTING, "/domain/memory"},
	{DOMAIN("<vcpu>4</vcpu>", ""), DOMAIN("<vcpu current='2'>8</vcpu>", ""),
		"current vCPUs set to 2\nvCPUs changed from 4 to 8", CHANGE_SETTING,
		"/domain/vcpu/@current"},
	{DOMAIN("", ""), DOMAIN("<title>Web</title>", ""), "title set to 'Web'", CHANGE_SETTING,
		"/domain/title"},
	{DOMAIN("<title>Web</title>", ""), DOMAIN("", ""), "title removed (was 'Web')",
		CHANGE_SETTING, "/domain/title"},
	{DOMAIN("<features><apic/></features>", ""),
		DOMAIN("<features><apic/><acpi/></features>", ""), "feature acpi added",
		CHANGE_SETTING, "/domain/features/acpi"},
	{DOMAIN("<cpu><feature policy='require' name='vmx'/></cpu>", ""),
		DOMAIN("<cpu><feature policy='require' name='vmx'/>"
		       "<feature policy='disable' name='svm'/></cpu>",
			""),
		"CPU feature svm added", CHANGE_SETTING, "/domain/cpu/feature[2]"},
	{DOMAIN("<os><type machine='pc-q35-7.2'>hvm</type></os>", ""),
		DOMAIN("<os><type machine='pc-q35-8.0'>hvm</type></os>", ""),
		"machine type changed from pc-q35-7.2 to pc-q35-8.0", CHANGE_SETTING,
		"/domain/os/type/@machine"},
	{DOMAIN("<metadata><a:b xmlns:a='urn:a'>1</a:b></metadata>", ""),
		DOMAIN("<metadata><a:b xmlns:a='urn:a'>2</a:b></metadata>", ""),
		"metadata of urn:a changed", CHANGE_SETTING, "/domain/metadata/a:b"},
	{DOMAIN("", DISK("vda", "/a", "") DISK("vdb", "/b", "")),
		DOMAIN("", DISK("vdb", "/b", "") DISK("vda", "/a", "")),
		"disk order changed from 'vda, vdb' to 'vdb, vda'", CHANGE_SETTING,
		"/domain/devices/disk[1]"},
	{DOMAIN("", DISK("vda", "/a", "") DISK("vdb", "/b", "")),
		DOMAIN("<title>t</title>",
			DISK("vdc", "/c", "") DISK("vdb", "/b", "") DISK("vda", "/a", "")),
		"title set to 't'\ndisk vdc attached: /c\n"
		"disk order changed from 'vda, vdb' to 'vdc, vdb, vda'",
		CHANGE_SETTING, "/domain/title"},
	{DOMAIN("<os><type>hvm</type><boot dev='hd'/><boot dev='cdrom'/></os>", ""),
		DOMAIN("<os><type>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os>", ""),
		"boot device order changed from 'hd, cdrom' to 'cdrom, hd'", CHANGE_SETTING,
		"/domain/os/boot[1]"},
	{DOMAIN("<cpu><feature policy='require' name='vmx'/></cpu>", ""),
		DOMAIN("<cpu><feature policy='disable' name='vmx'/></cpu>", ""),
		"CPU feature vmx policy changed from require to disable", CHANGE_SETTING,
		"/domain/cpu/feature/@policy"},
	{DOMAIN("<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/></cputune>",
		 ""),
		DOMAIN("<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='2'/>"
		       "</cputune>",
			""),
		"cputune vcpupin 1 cpuset changed from 1 to 2", CHANGE_SETTING,
		"/domain/cputune/vcpupin[2]/@cpuset"},
	{DOMAIN("<metadata><a:b xmlns:a='urn:a'/><c:d xmlns:c='urn:c'/></metadata>", ""),
		DOMAIN("<metadata><c:d xmlns:c='urn:c'/><a:b xmlns:a='urn:a'/></metadata>", ""),
		"order of elements in /domain/metadata changed", CHANGE_SETTING,
		"/domain/metadata"},
	{DOMAIN("", DISK("vda", "/a", "<address type='pci' bus='0' slot='4' function='0'/>")),
		DOMAIN("", DISK("vda", "/a",
				   "<address type='pci' bus='0' slot='4' function='0' "
				   "multifunction='on'/>")),
		"disk vda: address multifunction set to on", CHANGE_UPDATED,
		"/domain/devices/disk/address/@multifunction"},
};

static void assert_sentences(const struct changes *changes, const char *expected)
{
	CLEANUP(text) struct text all = TEXT_INIT;

	for (size_t i = 0; i < changes->count; i++)
		text_printf(&all, "%s%s", i ? "\n" : "", changes->items[i].sentence);
	assert_string_equal(text_string(&all), expected);
}

static void schema_diff__a_change_is_said_in_devices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(document) struct document *before = document_of(cases[i].before);
		CLEANUP(document) struct document *after = document_of(cases[i].after);
		CLEANUP(changes) struct changes changes = CHANGES_INIT;
		struct dd_error err = {0};

		must(document_diff(before, after, &changes, &err), &err);
		assert_sentences(&changes, cases[i].sentences);
		assert_int_equal(changes.items[0].kind, cases[i].kind);
		assert_string_equal(changes.items[0].path, cases[i].path);
	}
}

static void schema_diff__equal_meanings_have_no_difference(void **state)
{
	CLEANUP(document)
	struct document *before = document_of(DOMAIN(
		"<memory unit='MiB'>1</memory><vcpu>2</vcpu>", NIC(MAC, "") DISK("vda", "/a", "")));
	CLEANUP(document)
	struct document *after = document_of(DOMAIN("<vcpu>02</vcpu><memory>1024</memory>",
		DISK("vda", "/a", "") "<!-- -->" NIC("52:54:00:AA:BB:CC", "")));
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct dd_error err = {0};

	(void)state;
	must(document_diff(before, after, &changes, &err), &err);
	assert_int_equal(changes.count, 0);
}

static void schema_diff__values_are_given_apart_from_the_sentence(void **state)
{
	CLEANUP(document) struct document *before = document_of(DOMAIN("<memory>1</memory>", ""));
	CLEANUP(document)
	struct document *after = document_of(DOMAIN("<memory>2</memory>", DISK("vda", "/a", "")));
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct dd_error err = {0};

	(void)state;
	must(document_diff(before, after, &changes, &err), &err);
	assert_int_equal(changes.count, 2);
	assert_string_equal(changes.items[0].before, "1 KiB");
	assert_string_equal(changes.items[0].after, "2 KiB");
	assert_null(changes.items[0].device);
	assert_null(changes.items[1].before);
	assert_mentions(changes.items[1].after, "<disk type='file'");
	assert_string_equal(changes.items[1].device, "disk vda");
}

static void schema_diff__a_long_value_is_cut_in_the_sentence_alone(void **state)
{
	char text[600] = DOMAIN("<description>", "");
	CLEANUP(document) struct document *before = document_of(DOMAIN("", ""));
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct dd_error err = {0};

	(void)state;
	snprintf(text, sizeof text,
		"<domain type='kvm'><name>a</name><description>%0300d\n</description>"
		"<devices/></domain>",
		7);

	CLEANUP(document) struct document *after = document_of(text);

	must(document_diff(before, after, &changes, &err), &err);
	assert_int_equal(strlen(changes.items[0].after), 301);
	assert_true(strlen(changes.items[0].sentence) < 120);
	assert_null(strchr(changes.items[0].sentence, '\n'));
}

static void schema_diff__changes_are_appended(void **state)
{
	CLEANUP(document) struct document *one = document_of(DOMAIN("", ""));
	CLEANUP(document) struct document *two = document_of(DOMAIN("<title>t</title>", ""));
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct dd_error err = {0};

	(void)state;
	for (int i = 0; i < 20; i++)
		must(document_diff(i % 2 ? two : one, i % 2 ? one : two, &changes, &err), &err);
	assert_int_equal(changes.count, 20);
	assert_string_equal(changes.items[19].sentence, "title removed (was 't')");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_diff__a_change_is_said_in_devices),
		cmocka_unit_test(schema_diff__equal_meanings_have_no_difference),
		cmocka_unit_test(schema_diff__values_are_given_apart_from_the_sentence),
		cmocka_unit_test(schema_diff__a_long_value_is_cut_in_the_sentence_alone),
		cmocka_unit_test(schema_diff__changes_are_appended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
