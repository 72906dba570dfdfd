/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/corpus.h"

#include "schema/name.h"

/* What a hostile or careless author may hand in, and the one line that comes back. */
static const struct {
	const char *xml;
	size_t size; /* 0: to the NUL */
	const char *line;
} refused[] = {
	{"", 0, "test.xml:1:1: /: there is no XML"},
	{"<domain>", 0, "test.xml:1:9: /domain: malformed XML"},
	{"<domain>\n<name>a</nam>\n</domain>", 0, "test.xml:2:"},
	{"<!DOCTYPE domain>\n<domain/>", 0,
		"test.xml:1:1: /: a document type declaration (DTD) is not allowed"},
	{"<?xml version='1.0'?>\n<!-- <domain> -->\n<!DOCTYPE a [<!ENTITY b 'c'>]>\n<domain/>", 0,
		"test.xml:3:1: /: a document type declaration"},
	{"<!DOCTYPE a [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'><!ENTITY c '&b;&b;'>]><domain>&c;"
	 "</domain>",
		0, "a document type declaration"},
	{"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><domain/>", 0, "a document type declaration"},
	{"<domain>\n  <name>&who;</name></domain>", 0,
		"test.xml:2:14: /domain/name: malformed XML: Entity 'who' not defined"},
	{"<domain><name>a\0b</name></domain>", 34,
		"test.xml:1:16: /domain/name: control character 0x00"},
	{"<domain><name>a\x01</name></domain>", 0, "/domain/name: control character 0x01"},
	{"<domain><title>\xc3(</title></domain>", 0,
		"test.xml:1:16: /domain/title: byte 0xc3 is not valid UTF-8"},
	{"<domain><title>\xed\xa0\x80</title></domain>", 0, "byte 0xed is not valid UTF-8"},
	{"<domain><title>\xf8\x88\x80\x80\x80</title></domain>", 0, "byte 0xf8 is not valid UTF-8"},
	{"\xff\xfe<\0d\0o\0", 9, "byte 0xff is not valid UTF-8"},
	{"<domain><title>\xe9</title></domain>", 0, "byte 0xe9 is not valid UTF-8"},
	{"<domain type='kvm' type='qemu'/>", 0, "/: malformed XML: Attribute type redefined"},
	{"<domain><qemu:commandline/></domain>", 0, "malformed XML: Namespace prefix qemu"},
	{"<domains/>", 0,
		"test.xml:1: /domains: <domains> is not a <domain> (did you mean <domain>?)"},
	{"<domain xmlns='http://example.org/'/>", 0, "is not a <domain>"},
	{"<network><name>a</name></network>", 0, "<network> is not a <domain>"},
	{"<domain>\n <devices>\n  <disk/>\n  <disk>\n   <sorce "
	 "file='/a'/></disk></devices></domain>",
		0,
		"test.xml:5: /domain/devices/disk[2]/sorce: unknown element <sorce> (did you mean "
		"<source>?)"},
	{"<domain><devices><disk><source flie='/a'/></disk></devices></domain>", 0,
		"/domain/devices/disk/source: unknown attribute 'flie' (did you mean 'file'?)"},
	{"<domain><frobnicate/></domain>", 0, "/domain/frobnicate: unknown element <frobnicate>"},
	{"<domain><memory xmlns='http://example.org/'>1</memory></domain>", 0,
		"unknown element <memory>"},
	{"<domain><qemu:memory xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'/></domain>",
		0, "unknown element <qemu:memory>"},
	{"<domain><x:memory xmlns:x='http://libvirt.org/schemas/domain/qemu/1.0' xmlns:qemu='a'/>"
	 "</domain>",
		0, "unknown element <qemu:memory>"},
	{"<domain xmlns:qemu='a'><x:commandline "
	 "xmlns:x='http://libvirt.org/schemas/domain/qemu/1.0'/></domain>",
		0, "the prefix 'qemu' stands for another namespace"},
	{"<domain><devices>what<disk/></devices></domain>", 0,
		"/domain/devices: text 'what' between elements"},
	{"<domain><name>a</name><name>b</name></domain>", 0,
		"/domain/name[2]: <name> is there twice"},
	{"<domain>\n<name>a/b</name></domain>", 0,
		"test.xml:2: /domain/name: the domain name 'a/b' has a '/' in it"},
	{"<domain>\n<name>a\nb</name></domain>", 0, "has a control character in it"},
	{"<domain><name/></domain>", 0, "/domain/name: a domain's name is empty"},
	{"<domain><name>..</name></domain>", 0, "'..' cannot be a domain's name"},
	{"<domain><memory unit='KiB'>-1</memory></domain>", 0,
		"/domain/memory: '-1' is not a non-negative whole number"},
	{"<domain><memory unit='GiB'>99999999999</memory></domain>", 0, "is too large"},
	{"<domain><memory unit='KiBi'>1</memory></domain>", 0, "'KiBi' is not a unit"},
	{"<domain><memory/></domain>", 0, "/domain/memory: '' is not a non-negative whole number"},
	{"<domain><vcpu current='two'>4</vcpu></domain>", 0,
		"/domain/vcpu: attribute current: 'two' is not a non-negative whole number"},
	{"<domain><vcpu cpuset='3-1'>4</vcpu></domain>", 0, "'3-1' is not a set of numbers"},
	{"<domain><vcpu cpuset='0-99999999'>4</vcpu></domain>", 0, "is not a set of numbers"},
	{"<domain><uuid>c7a5fdbd</uuid></domain>", 0, "'c7a5fdbd' is not a UUID"},
	{"<domain><devices><interface><mac address='52:54:00'/></interface></devices></domain>", 0,
		"/domain/devices/interface/mac: attribute address: '52:54:00' is not a MAC"},
	{"<domain><features><hap state='yes'/></features></domain>", 0,
		"'yes' is neither 'on' nor 'off'"},
};

static void schema_parse__what_is_refused_says_what_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct document *document = NULL;
		struct dd_error err = {0};
		size_t size = refused[i].size ? refused[i].size : strlen(refused[i].xml);

		document_parse(refused[i].xml, size, "test.xml", &document, &err);
		assert_error(&err, DD_INVALID, refused[i].line);
		assert_true(err.line > 0);
		assert_true(err.path[0] == '/');
		assert_null(document);
	}
}

/* before, then piece so many times, then after. */
static char *repeated(const char *before, const char *piece, size_t count, const char *after)
{
	struct text out = TEXT_INIT;

	text_puts(&out, before);
	for (size_t i = 0; i < count; i++)
		text_puts(&out, piece);
	text_puts(&out, after);
	return text_take(&out);
}

static void schema_parse__what_is_too_large_is_refused(void **state)
{
	static const struct {
		const char *before, *piece;
		size_t count;
		const char *after, *line;
	} cases[] = {
		{"<domain>", "<a>", 100000, "", "elements are nested more than 64 deep"},
		{"<domain><title>", "aaaaaaaaaaaaaaaa", 5 << 16, "</title></domain>",
			"are more than the limit of 4194304"},
		{"<domain type='", "kvm kvm ", 60000, "'/>",
			"/domain: an attribute value is longer than 65536 bytes"},
		{"<domain type='", "kvm kvm ", 10000, "'/>",
			"/domain: an attribute value is longer than 65536 bytes"},
		{"<domain xmlns:a='urn:", "kvmkvm/8", 10000, "'/>",
			"/domain: an attribute value is longer than 65536 bytes"},
		{"<domain ", "a='1' ", 300, "/>", "/domain: more than 256 attributes"},
		{"<domain>", "<a/>", 8193, "</domain>", "/domain: more than 8192 elements in one"},
		{"<domain>", "<a><b/><b/><b/></a>", 8000, "</domain>",
			"/domain/a: more than 24576 elements"},
		{"<domain><metadata>", "<a:b xmlns:a='u'/>", 2000, "</metadata></domain>",
			"/domain/metadata/a:b: more than 1024 namespace declarations"},
		{"<domain><metadata><a:b xmlns:a='u'>",
			"<a:c d='' e='' f='' g='' h='' i='' j='' k='' l=''><a:d/>"
			"<a:c d='' e='' f='' g='' h='' i='' j='' k=''/></a:c>",
			8000, "</a:b></metadata></domain>", "more than 131072 attributes"},
		{"<domain><name>", "name", 64, "</name></domain>", "of 256 bytes is too long"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(free)
		char *xml =
			repeated(cases[i].before, cases[i].piece, cases[i].count, cases[i].after);
		struct document *document = NULL;
		struct dd_error err = {0};

		document_parse(xml, strlen(xml), "test.xml", &document, &err);
		assert_error(&err, DD_INVALID, cases[i].line);
		assert_null(document);
	}
}

static void schema_parse__what_is_accepted_is_never_written_too_large(void **state)
{
	/* quotes become six bytes each, and '>' four */
	CLEANUP(free) char *quotes = repeated("<domain type=\"", "'", 65536, "\"/>");
	CLEANUP(free)
	char *signs = repeated("<domain><description>", ">", 2 << 20, "</description></domain>");
	CLEANUP(document) struct document *first = document_of(quotes);
	CLEANUP(document) struct document *second = document_of(signs);
	CLEANUP(free) char *text = written(first);
	CLEANUP(document) struct document *again = document_of(text);
	CLEANUP(text) struct text out = TEXT_INIT;
	struct dd_error err = {0};

	(void)state;
	document_write(second, &out, &err);
	assert_error(&err, DD_INVALID, "bytes of definition are more than the limit of 4194304");
	(void)again;
}

static void schema_parse__a_name_of_255_bytes_is_fine(void **state)
{
	CLEANUP(free) char *name = repeated("", "n", 255, "");

	(void)state;
	assert_int_equal(name_check(name, NULL), 0);
	assert_int_equal(name_check("web \xc3\xa9 (1)", NULL), 0);
	assert_int_equal(name_check("\xc3(", NULL), DD_INVALID);
}

static void schema_parse__comments_instructions_and_cdata_leave_only_text(void **state)
{
	CLEANUP(document)
	struct document *document = document_of(
		"<?xml version='1.0' encoding='ISO-8859-1'?>\n<!-- <!DOCTYPE x> -->"
		"<domain><?php ?><title>a<![CDATA[<b>]]>c<!-- d -->e&amp;&#102;</title></domain>");

	(void)state;
	assert_string_equal(node_text(node_child(document_root(document), "title")), "a<b>ce&f");
}

static void schema_parse__a_device_stands_alone(void **state)
{
	static const struct {
		const char *xml, *line;
	} cases[] = {
		{"<dsik/>", "/dsik: <dsik> is not a device (did you mean <disk>?)"},
		{"<domain/>", "<domain> is not a device"},
		{"<emulator>/bin/sh</emulator>", "<emulator> is not a device"},
		{"<disk xmlns='http://example.org/'/>", "is not a device"},
		{"<disk><taget/></disk>", "/disk/taget: unknown element <taget>"},
	};
	CLEANUP(document)
	struct document *disk = device_of(
		"<disk device='disk' type='file'><target bus='virtio' dev='vda'/></disk>");
	CLEANUP(free) char *text = written(disk);

	(void)state;
	assert_string_equal(text,
		"<disk type='file' device='disk'>\n  <target dev='vda' bus='virtio'/>\n</disk>\n");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct document *document = NULL;
		struct dd_error err = {0};

		document_parse_device(
			cases[i].xml, strlen(cases[i].xml), "device.xml", &document, &err);
		assert_error(&err, DD_INVALID, cases[i].line);
	}
}

static void schema_parse__strangers_in_a_given_definition_are_left_out_and_named(void **state)
{
	static const char given[] =
		"<domain>\n<cpu><topology sockets='1' clusters='1' cores='1' threads='1'/></cpu>\n"
		"<throttlegroups><a/></throttlegroups>word\nword<devices><disk><source "
		"file='/a'><zebra b='c'/></source></disk></devices></domain>";
	static const char *const slips[] = {
		"<domain><devices><disk><source flie='/a'/></disk></devices></domain>",
		"<domain><memroy>1</memroy></domain>",
		"<domain><devices><teleporter/></devices></domain>",
		"<domain><memory>x</memory></domain>",
	};
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text left_out = TEXT_INIT;
	struct dd_error err = {0};

	(void)state;
	must(document_parse_given(given, strlen(given), "a.xml", &left_out, &document, &err), &err);
	assert_string_equal(text_string(&left_out),
		"a.xml:1: /domain: the text 'word' is not known and is left out\n"
		"a.xml:2: /domain/cpu/topology: the attribute 'clusters' is not known and is left "
		"out\n"
		"a.xml:3: /domain/throttlegroups: the element 'throttlegroups' is not known and is "
		"left out\n"
		"a.xml:4: /domain/devices/disk/source/zebra: the element 'zebra' is not known and "
		"is "
		"left out\n");

	CLEANUP(free) char *text = written(document);

	assert_null(strstr(text, "clusters"));
	assert_null(strstr(text, "throttlegroups"));
	assert_null(strstr(text, "zebra"));
	assert_non_null(strstr(text, "<source file='/a'/>"));
	for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
		struct document *none = NULL;

		assert_int_equal(
			document_parse_given(slips[i], strlen(slips[i]), NULL, NULL, &none, &err),
			DD_INVALID);
		assert_null(none);
	}
}

static void schema_parse__more_strangers_than_a_person_reads_are_refused(void **state)
{
	CLEANUP(text) struct text given = TEXT_INIT;
	CLEANUP(text) struct text left_out = TEXT_INIT;
	struct document *none = NULL;
	struct dd_error err = {0};

	(void)state;
	text_puts(&given, "<domain>");
	for (int i = 0; i <= DOCUMENT_STRANGERS_MAX; i++)
		text_puts(&given, "<throttlegroups/>");
	text_puts(&given, "</domain>");
	assert_int_equal(
		document_parse_given(text_string(&given), given.size, NULL, &left_out, &none, &err),
		DD_INVALID);
	assert_non_null(strstr(err.message, "throttlegroups"));
}

static void parse_one(const char *name, const struct text *xml, void *context)
{
	CLEANUP(document) struct document *document = NULL;
	struct dd_error err = {0};

	(void)context;
	must(document_parse(text_string(xml), xml->size, name, &document, &err), &err);
}

static void schema_parse__every_definition_of_the_corpus_is_understood(void **state)
{
	(void)state;
	if (!corpus_visit("frozen", ".xml", parse_one, NULL))
		skip();
}

/* What the freeze or a start has to refuse is, as a text, either understood or refused in words. */
static void refuse_or_parse(const char *name, const struct text *xml, void *context)
{
	CLEANUP(document) struct document *document = NULL;
	struct dd_error err = {0};

	(void)context;
	if (document_parse(text_string(xml), xml->size, name, &document, &err)) {
		assert_int_equal(err.code, DD_INVALID);
		assert_true(err.line > 0);
		assert_true(err.path[0] == '/');
	}
}

static void schema_parse__what_libvirt_refuses_never_fails_without_a_place(void **state)
{
	(void)state;
	if (!corpus_visit("refused", ".xml", refuse_or_parse, NULL))
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_parse__what_is_refused_says_what_and_where),
		cmocka_unit_test(schema_parse__what_is_too_large_is_refused),
		cmocka_unit_test(schema_parse__what_is_accepted_is_never_written_too_large),
		cmocka_unit_test(schema_parse__a_name_of_255_bytes_is_fine),
		cmocka_unit_test(schema_parse__comments_instructions_and_cdata_leave_only_text),
		cmocka_unit_test(schema_parse__a_device_stands_alone),
		cmocka_unit_test(
			schema_parse__strangers_in_a_given_definition_are_left_out_and_named),
		cmocka_unit_test(schema_parse__more_strangers_than_a_person_reads_are_refused),
		cmocka_unit_test(schema_parse__every_definition_of_the_corpus_is_understood),
		cmocka_unit_test(schema_parse__what_libvirt_refuses_never_fails_without_a_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
