/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/corpus.h"

/* Two spellings of one meaning; the second is the canonical one. */
static const struct {
	const char *other;
	const char *canonical;
} spellings[] = {
	{"<domain  id=\"07\"\n type = \"kvm\" ></domain>", "<domain type='kvm' id='7'/>\n"},
	{"<domain><vcpu>2</vcpu><name>a</name></domain>",
		"<domain>\n  <name>a</name>\n  <vcpu>2</vcpu>\n</domain>\n"},
	{"<domain><memory unit='GiB'>1</memory></domain>",
		"<domain>\n  <memory unit='KiB'>1048576</memory>\n</domain>\n"},
	{"<domain><memory unit='mb'> 1 </memory></domain>",
		"<domain>\n  <memory unit='KiB'>977</memory>\n</domain>\n"},
	{"<domain><memory>0012</memory></domain>",
		"<domain>\n  <memory unit='KiB'>12</memory>\n</domain>\n"},
	{"<domain><uuid>C7A5FDBDEDAF9455926AD65C16DB1809</uuid></domain>",
		"<domain>\n  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\n</domain>\n"},
	{"<domain><genid/></domain>", "<domain>\n  <genid/>\n</domain>\n"},
	{"<domain><vcpu cpuset='3,1,2,^2,8-9,7'>4</vcpu></domain>",
		"<domain>\n  <vcpu cpuset='1,3,7-9'>4</vcpu>\n</domain>\n"},
	{"<domain><title>it&apos;s &lt;&#38;&gt; &quot;x&quot;</title></domain>",
		"<domain>\n  <title>it's &lt;&amp;&gt; \"x\"</title>\n</domain>\n"},
	{"<domain><description> two\n lines </description></domain>",
		"<domain>\n  <description> two\n lines </description>\n</domain>\n"},
	{"<domain><title>  </title><cputune><shares/></cputune></domain>", "<domain/>\n"},
	{"<domain><os><smbios mode='it&apos;s&#10;\"&#9;'/></os></domain>",
		"<domain>\n  <os>\n    <smbios mode='it&apos;s&#10;\"&#9;'/>\n  "
		"</os>\n</domain>\n"},
	{"<domain><features><apic/><!-- x --><acpi></acpi></features></domain>",
		"<domain>\n  <features>\n    <acpi/>\n    <apic/>\n  </features>\n</domain>\n"},
	{"<domain><features><smm><tseg unit='KiB'>2048</tseg></smm></features></domain>",
		"<domain>\n  <features>\n    <smm>\n      <tseg unit='MiB'>2</tseg>\n    </smm>\n"
		"  </features>\n</domain>\n"},
	{"<domain><cputune><vcpupin vcpu='10' cpuset='1'/><vcpupin vcpu='2' cpuset='2'/></cputune>"
	 "</domain>",
		"<domain>\n  <cputune>\n    <vcpupin vcpu='2' cpuset='2'/>\n"
		"    <vcpupin vcpu='10' cpuset='1'/>\n  </cputune>\n</domain>\n"},
	{"<domain><perf><event name='instructions' enabled='yes'/><event name='cmt' enabled='no'/>"
	 "</perf></domain>",
		"<domain>\n  <perf>\n    <event name='cmt' enabled='no'/>\n"
		"    <event name='instructions' enabled='yes'/>\n  </perf>\n</domain>\n"},
	{"<domain><sysinfo type='smbios'><bios><entry name='date'>2</entry><entry name='vendor'>1"
	 "</entry></bios></sysinfo></domain>",
		"<domain>\n  <sysinfo type='smbios'>\n    <bios>\n"
		"      <entry name='vendor'>1</entry>\n      <entry name='date'>2</entry>\n"
		"    </bios>\n  </sysinfo>\n</domain>\n"},
	{"<domain><cputune><cachetune vcpus='0'><cache id='1' level='3' type='both' size='1'/>"
	 "<cache id='9' level='2' type='data' size='1'/><cache id='0' level='3' type='both' "
	 "size='1'/></cachetune></cputune></domain>",
		"<domain>\n  <cputune>\n    <cachetune vcpus='0'>\n"
		"      <cache id='9' level='2' type='data' size='1' unit='KiB'/>\n"
		"      <cache id='0' level='3' type='both' size='1' unit='KiB'/>\n"
		"      <cache id='1' level='3' type='both' size='1' unit='KiB'/>\n"
		"    </cachetune>\n  </cputune>\n</domain>\n"},
	/* what is not ours: attributes sorted, everything else as it is */
	{"<domain><metadata><b:x xmlns:b='urn:b' z='1' a='2'><b:q/><b:p> </b:p></b:x></metadata>"
	 "</domain>",
		"<domain>\n  <metadata>\n    <b:x xmlns:b='urn:b' a='2' z='1'>\n      <b:q/>\n"
		"      <b:p> </b:p>\n    </b:x>\n  </metadata>\n</domain>\n"},
	{"<domain><metadata><x xmlns='urn:x'>some <b>bold</b> <i> text</i></x></metadata></domain>",
		"<domain>\n  <metadata>\n"
		"    <x xmlns='urn:x'>some <b>bold</b> <i> text</i></x>\n"
		"  </metadata>\n</domain>\n"},
	{"<domain><metadata><x xmlns='u' xmlns:c='c' xmlns:b='b' c:a='1' b:a='2' a='3'/></metadata>"
	 "</domain>",
		"<domain>\n  <metadata>\n"
		"    <x xmlns='u' xmlns:b='b' xmlns:c='c' a='3' b:a='2' c:a='1'/>\n"
		"  </metadata>\n</domain>\n"},
	/* the namespace of the command line, however it is declared */
	{"<domain type='kvm'><commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'>"
	 "<env value='b' name='a'/><arg value='-x'/></commandline></domain>",
		"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
		"  <qemu:commandline>\n    <qemu:arg value='-x'/>\n"
		"    <qemu:env name='a' value='b'/>\n  </qemu:commandline>\n</domain>\n"},
	{"<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' type='kvm'/>",
		"<domain type='kvm'/>\n"},
};

static void schema_canonical__one_meaning_has_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		CLEANUP(document) struct document *document = document_of(spellings[i].other);
		CLEANUP(free) char *text = written(document);

		assert_string_equal(text, spellings[i].canonical);

		CLEANUP(document) struct document *again = document_of(text);
		CLEANUP(free) char *same = written(again);

		assert_string_equal(same, text);
	}
}

static const struct {
	const char *other;
	const char *canonical;
} devices[] = {
	{"<disk><address slot='5' bus='0X0a' function='00' type='pci'/></disk>",
		"<address type='pci' bus='0x0a' slot='0x05' function='0x0'/>"},
	{"<disk><address type='drive' unit='01' target='0x2' bus='0' controller='0'/></disk>",
		"<address type='drive' controller='0' bus='0' target='2' unit='1'/>"},
	{"<input><address port='1.2' bus='00' type='usb'/></input>",
		"<address type='usb' bus='0' port='1.2'/>"},
	{"<disk><address slot='010' bus='0x0' function='09' type='pci'/></disk>",
		"<address type='pci' bus='0x00' slot='0x08' function='0x9'/>"},
	{"<hostdev><source><address device='010' bus='0x0e'/></source></hostdev>",
		"<address bus='14' device='8'/>"},
	{"<panic><address type='isa' iobase='505'/></panic>",
		"<address type='isa' iobase='0x505'/>"},
	{"<memory><address type='dimm' base='0X100000000' slot='00'/></memory>",
		"<address type='dimm' slot='0' base='0x100000000'/>"},
	{"<interface><mac address='52:54:0:AB:CD:ef'/></interface>",
		"<mac address='52:54:00:ab:cd:ef'/>"},
	{"<hostdev><source><address slot='3' bus='6'/></source></hostdev>",
		"<address bus='0x06' slot='0x03'/>"},
	{"<hostdev><source><address device='09' bus='1'/></source></hostdev>",
		"<address bus='1' device='9'/>"},
	{"<hostdev><source><product id='0X1'/><vendor id='4660'/></source></hostdev>",
		"<vendor id='0x1234'/>\n    <product id='0x0001'/>"},
	{"<shmem><size unit='KiB'>4096</size></shmem>", "<size unit='M'>4</size>"},
	{"<serial><address type='isa' irq='4'/><target port='0'/><source path='/a'/></serial>",
		"<source path='/a'/>\n  <target port='0'/>\n  <address type='isa' irq='0x4'/>"},
	{"<disk><vendor>ACME</vendor></disk>", "<vendor>ACME</vendor>"},
};

static void schema_canonical__addresses_and_sizes_are_spelt_as_libvirt_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
		CLEANUP(document) struct document *device = device_of(devices[i].other);
		CLEANUP(free) char *text = written(device);

		assert_mentions(text, devices[i].canonical);
	}
}

static void schema_canonical__devices_are_grouped_and_keep_their_order_within(void **state)
{
	CLEANUP(document)
	struct document *document = document_of(
		"<domain><devices><interface type='user'/><disk><target dev='vdb'/></disk>"
		"<controller type='usb'/><disk><target dev='vda'/></disk><emulator>/q</emulator>"
		"</devices></domain>");
	CLEANUP(free) char *text = written(document);

	(void)state;
	assert_string_equal(text,
		"<domain>\n  <devices>\n    <emulator>/q</emulator>\n    <disk>\n"
		"      <target dev='vdb'/>\n    </disk>\n    <disk>\n      <target dev='vda'/>\n"
		"    </disk>\n    <controller type='usb'/>\n    <interface type='user'/>\n"
		"  </devices>\n</domain>\n");
}

static void schema_canonical__a_copy_writes_the_same(void **state)
{
	CLEANUP(document) struct document *document = document_of(spellings[0].other);
	CLEANUP(document) struct document *copy = NULL;
	struct dd_error err = {0};

	(void)state;
	must(document_copy(document, &copy, &err), &err);

	CLEANUP(free) char *first = written(document);
	CLEANUP(free) char *second = written(copy);

	assert_string_equal(first, second);
	/* and still knows where its text came from */
	node_error(document_root(copy), &err, DD_REFUSED, "no");
	assert_string_equal(err.file, "test.xml");
}

static void fixed_point(const char *name, const struct text *xml, void *context)
{
	struct dd_error err = {0};
	CLEANUP(document) struct document *document = NULL;

	(void)context;
	must(document_parse(text_string(xml), xml->size, name, &document, &err), &err);

	CLEANUP(free) char *once = written(document);
	CLEANUP(document) struct document *again = document_of(once);
	CLEANUP(free) char *twice = written(again);

	assert_string_equal(once, twice);
	must(document_canonicalise(document, &err), &err);

	CLEANUP(free) char *still = written(document);

	assert_string_equal(once, still);
}

static void schema_canonical__writing_and_parsing_is_the_identity(void **state)
{
	(void)state;
	if (!corpus_visit("frozen", ".xml", fixed_point, NULL))
		skip();
}

/* Where libvirt's text and ours differ without differing in meaning. */
static bool spelt_otherwise(const char *xml)
{
	return strstr(xml, "&apos;") || strstr(xml, "=\"") ||
	       strstr(xml, "<hyperv mode='passthrough'>\n");
}

static void as_libvirt(const char *name, const struct text *xml, void *context)
{
	struct dd_error err = {0};
	CLEANUP(document) struct document *document = NULL;
	size_t *compared = context;

	if (spelt_otherwise(text_string(xml)))
		return;
	must(document_parse(text_string(xml), xml->size, name, &document, &err), &err);

	CLEANUP(free) char *text = written(document);

	assert_string_equal(text, text_string(xml));
	++*compared;
}

static void schema_canonical__what_libvirt_writes_is_canonical_already(void **state)
{
	size_t compared = 0;

	(void)state;
	if (!corpus_visit("frozen", ".out.xml", as_libvirt, &compared))
		skip();
	assert_true(compared > 280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_canonical__one_meaning_has_one_spelling),
		cmocka_unit_test(schema_canonical__addresses_and_sizes_are_spelt_as_libvirt_does),
		cmocka_unit_test(schema_canonical__devices_are_grouped_and_keep_their_order_within),
		cmocka_unit_test(schema_canonical__a_copy_writes_the_same),
		cmocka_unit_test(schema_canonical__writing_and_parsing_is_the_identity),
		cmocka_unit_test(schema_canonical__what_libvirt_writes_is_canonical_already),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
