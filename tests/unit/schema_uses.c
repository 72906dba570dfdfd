/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/document.h"

#include "schema/uses.h"

static const struct {
	const char *devices;
	const char *uses; /* "kind value mode", one a line */
} cases[] = {
	{"", ""},
	{"<disk><source file='/a//b/../c/./d.img'/><target dev='vda'/></disk>",
		"disk /a/c/d.img x"},
	{"<disk><source file='/../..'/><target dev='vda'/></disk>", "disk / x"},
	{"<disk type='block'><source dev='/dev/sdb'/><target dev='vda'/><shareable/></disk>",
		"disk /dev/sdb s"},
	{"<disk type='dir' device='floppy'><source dir='/d/'/><target "
	 "dev='fda'/><readonly/></disk>",
		"disk /d r"},
	{"<disk device='cdrom'><source file='/a.iso'/><target dev='sda'/></disk>"
	 "<disk device='cdrom'><target dev='sdb'/></disk>",
		"disk /a.iso r"},
	{"<disk><source file='/top'/><backingStore type='file'><source file='/mid'/>"
	 "<backingStore type='block'><source dev='/dev/base'/><backingStore/></backingStore>"
	 "</backingStore><target dev='vda'/></disk>",
		"disk /top x\ndisk /mid r\ndisk /dev/base r"},
	{"<disk type='network'><source protocol='rbd' name='pool/a'/><target dev='vda'/></disk>",
		""},
	{"<interface type='user'><mac address='52:54:00:AA:BB:CC'/></interface>",
		"mac 52:54:00:aa:bb:cc x"},
	{"<interface type='hostdev'><source><address type='pci' domain='0' bus='3' slot='7' "
	 "function='1'/></source></interface>",
		"hostdev pci 0000:03:07.1 x"},
	{"<hostdev type='pci'><source><address bus='6' slot='0x12' "
	 "function='5'/></source></hostdev>",
		"hostdev pci 0000:06:12.5 x"},
	{"<hostdev type='usb'><source><vendor id='0x1234'/><product "
	 "id='0xBEEF'/></source></hostdev>",
		"hostdev usb 1234:beef x"},
	{"<hostdev type='usb'><source><address bus='14' device='6'/></source></hostdev>",
		"hostdev usb bus 14 device 6 x"},
	{"<hostdev type='scsi'><source><adapter name='scsi_host0'/>"
	 "<address bus='0' target='1' unit='2'/></source></hostdev>",
		"hostdev scsi scsi_host0:0:1:2 x"},
	{"<hostdev type='mdev'><source><address uuid='C7A5FDBDEDAF9455926AD65C16DB1809'/></source>"
	 "</hostdev>",
		"hostdev mdev c7a5fdbd-edaf-9455-926a-d65c16db1809 x"},
	{"<memory model='nvdimm' access='shared'><source><path>/nv</path></source></memory>",
		"disk /nv s"},
};

static void schema_uses__each_device_names_what_it_takes_of_the_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(text) struct text xml = TEXT_INIT;
		CLEANUP(text) struct text list = TEXT_INIT;
		CLEANUP(uses) struct uses uses = USES_INIT;
		struct dd_error err = {0};

		text_printf(&xml, "<domain><devices>%s</devices></domain>", cases[i].devices);

		CLEANUP(document) struct document *document = document_of(text_string(&xml));

		must(document_uses(document, &uses, &err), &err);
		for (size_t j = 0; j < uses.count; j++)
			text_printf(&list, "%s%s %s %c", j ? "\n" : "", uses.items[j].kind,
				uses.items[j].value, "rsx"[uses.items[j].mode]);
		assert_string_equal(text_string(&list), cases[i].uses);
	}
}

static void schema_uses__firmware_variables_are_claimed_like_a_disk(void **state)
{
	CLEANUP(document)
	struct document *document =
		document_of("<domain><os><nvram template='/t'>/vars/a.fd</nvram></os></domain>");
	CLEANUP(uses) struct uses uses = USES_INIT;
	struct dd_error err = {0};

	(void)state;
	must(document_uses(document, &uses, &err), &err);
	assert_int_equal(uses.count, 1);
	assert_string_equal(uses.items[0].value, "/vars/a.fd");
	assert_int_equal(uses.items[0].mode, USE_EXCLUSIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_uses__each_device_names_what_it_takes_of_the_host),
		cmocka_unit_test(schema_uses__firmware_variables_are_claimed_like_a_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
