/* SPDX-License-Identifier: Apache-2.0 */
/* Names of another host, in each place where a name of that kind stands, and nowhere else. */
#include "schema/retarget.h"
#include "tests/support/document.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define DOMAIN(os, devices)                                                               \
	"<domain type='qemu'><name>vm1</name><metadata><a:app xmlns:a='urn:a'>"           \
	"<a:interface><a:source bridge='old' network='old' file='/old/x'/></a:interface>" \
	"</a:app></metadata><memory>65536</memory><os><type>hvm</type>" os                \
	"</os><devices>" devices "</devices></domain>"

struct sample {
	const char *map, *os, *devices, *after;
};

/* What is mapped, and how it reads then; nothing else of the definition changes. */
static const struct sample samples[] = {
	{"bridge:old=new", "", "<interface type='bridge'><source bridge='old'/></interface>",
		"<source bridge='new'/>"},
	{"network:old=new", "", "<interface type='network'><source network='old'/></interface>",
		"<source network='new'/>"},
	{"dev:old=new", "",
		"<interface type='direct'><source dev='old' mode='bridge'/></interface>",
		"dev='new'"},
	{"path:/old/x=/new/y", "",
		"<disk type='file' device='disk'><source file='/old/x'/><target dev='vda'/></disk>",
		"<source file='/new/y'/>"},
	{"path:/dev/old=/dev/new", "",
		"<disk type='block' device='disk'><source dev='/dev/old'/><target "
		"dev='vda'/></disk>",
		"<source dev='/dev/new'/>"},
	{"path:/old/=/new/sub/", "",
		"<disk type='file' device='disk'><source file='/old/a/b.raw'/><target "
		"dev='vda'/></disk>",
		"<source file='/new/sub/a/b.raw'/>"},
	{"path:/old/x=/new/y", "",
		"<disk type='file' device='disk'><source file='/top'/><backingStore type='file'>"
		"<format type='qcow2'/><source file='/old/x'/><backingStore/></backingStore>"
		"<target dev='vda'/></disk>",
		"<source file='/new/y'/>"},
	{"path:/old/=/new/", "",
		"<filesystem type='mount'><source dir='/old/share'/><target dir='t'/></filesystem>",
		"<source dir='/new/share'/>"},
	{"path:/old/s=/new/s", "",
		"<serial type='unix'><source mode='bind' path='/old/s'/><target "
		"port='0'/></serial>",
		"path='/new/s'"},
	{"path:/old/=/new/", "",
		"<serial type='pty'><log file='/old/log' append='on'/><target port='0'/></serial>",
		"<log file='/new/log'"},
	{"path:/old/q=/new/q", "", "<emulator>/old/q</emulator>", "<emulator>/new/q</emulator>"},
	{"path:/old/k=/new/k", "<kernel>/old/k</kernel>", "", "<kernel>/new/k</kernel>"},
	{"path:/old/i=/new/i", "<initrd>/old/i</initrd>", "", "<initrd>/new/i</initrd>"},
	{"path:/old/d=/new/d", "<dtb>/old/d</dtb>", "", "<dtb>/new/d</dtb>"},
	{"path:/old/=/new/", "<loader type='pflash'>/old/l</loader><nvram>/old/n</nvram>", "",
		"<nvram>/new/n</nvram>"},
	{"pool:old=new", "",
		"<disk type='volume' device='disk'><source pool='old' volume='v'/><target "
		"dev='vda'/></disk>",
		"pool='new'"},
	{"vsock:3=7", "", "<vsock model='virtio'><cid auto='no' address='3'/></vsock>",
		"address='7'"},
};

static char *definition(const struct sample *sample)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	text_printf(&text, DOMAIN("%s", "%s"), sample->os, sample->devices);
	return text_take(&text);
}

/* The lines that differ, of two texts that have as many. */
static unsigned changes(const char *one, const char *other)
{
	unsigned count = 0;

	while (*one && *other) {
		size_t size = strcspn(one, "\n"), other_size = strcspn(other, "\n");

		count += size != other_size || strncmp(one, other, size) != 0;
		one += size + (one[size] != '\0');
		other += other_size + (other[other_size] != '\0');
	}
	return *one || *other ? 1000 : count;
}

static void schema_retarget__maps_each_kind_in_its_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		CLEANUP(free) char *xml = definition(&samples[i]);
		CLEANUP(document) struct document *document = document_of(xml);
		CLEANUP(free) char *before = written(document);
		CLEANUP(free) char *after = NULL;
		struct dd_error err = {0};
		bool found = false;

		must(document_retarget(document, &samples[i].map, 1, &found, &err), &err);
		after = written(document);
		assert_true(found);
		assert_mentions(after, samples[i].after);
		assert_in_range(changes(before, after), 1, 2);
		assert_mentions(after, "a:source bridge='old'");
	}
}

static void schema_retarget__leaves_alone_what_is_of_another_kind(void **state)
{
	static const char *const maps[] = {"bridge:old=x", "network:old=x", "dev:old=x",
		"pool:old=x", "path:/old/x=/x", "path:/old/=/x/", "vsock:3=9"};

	(void)state;
	for (size_t m = 0; m < COUNT(maps); m++)
		for (size_t i = 0; i < COUNT(samples); i++) {
			CLEANUP(free) char *xml = definition(&samples[i]);
			CLEANUP(document) struct document *document = document_of(xml);
			CLEANUP(free) char *before = written(document);
			CLEANUP(free) char *after = NULL;
			struct dd_error err = {0};
			bool found = false;

			if (strncmp(maps[m], samples[i].map, strcspn(maps[m], ":") + 1) == 0)
				continue;
			must(document_retarget(document, &maps[m], 1, &found, &err), &err);
			after = written(document);
			assert_false(found);
			assert_string_equal(after, before);
		}
}

static void schema_retarget__fits_whole_names_and_whole_folders(void **state)
{
	static const char *const maps[] = {"path:/images/a=/x", "path:/images/a.ra=/x",
		"path:/image/=/x/", "path:images/=/x/", "path:/images/a.raw/=/x/",
		"path:/IMAGES/=/x/", "path:/images=/x"};
	static const struct sample sample = {.os = "",
		.devices = "<disk type='file' device='disk'><source file='/images/a.raw'/>"
			   "<target dev='vda'/></disk>"};
	CLEANUP(free) char *xml = definition(&sample);
	CLEANUP(document) struct document *document = document_of(xml);
	struct dd_error err = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(maps); i++) {
		bool found = false;

		must(document_retarget(document, &maps[i], 1, &found, &err), &err);
		if (found)
			fail_msg("%s fits", maps[i]);
	}
}

/* Each looks at what was there, and not at what another has made of it. */
static void schema_retarget__exchanges_names(void **state)
{
	static const char *const maps[] = {"bridge:br0=br1", "bridge:br1=br0", "path:/a/x=/b/x",
		"path:/b/=/a/", "path:/a/=/c/", "bridge:br0=br9"};
	static const struct sample sample = {.os = "",
		.devices = "<disk type='file' device='disk'><source file='/a/x'/><target "
			   "dev='vda'/></disk><disk type='file' device='disk'><source "
			   "file='/b/x'/><target dev='vdb'/></disk><disk type='file' "
			   "device='disk'><source file='/a/y'/><target dev='vdc'/></disk>"
			   "<interface type='bridge'><source bridge='br0'/></interface>"
			   "<interface type='bridge'><source bridge='br1'/></interface>"};
	static const char *const order[] = {
		"file='/b/x'", "file='/a/x'", "file='/c/y'", "bridge='br1'", "bridge='br0'"};
	CLEANUP(free) char *xml = definition(&sample);
	CLEANUP(document) struct document *document = document_of(xml);
	CLEANUP(free) char *after = NULL;
	struct dd_error err = {0};
	bool found[COUNT(maps)] = {false};
	const char *at;

	(void)state;
	must(document_retarget(document, maps, COUNT(maps), found, &err), &err);
	after = written(document);
	at = strstr(after, "<devices>");
	for (size_t i = 0; i < COUNT(order); i++) {
		at = at ? strstr(at, order[i]) : NULL;
		if (!at)
			fail_msg("%s is not there, or not in its place: %s", order[i], after);
	}
	for (size_t i = 0; i < COUNT(maps); i++)
		assert_int_equal(found[i], i < 5);
}

static void schema_retarget__divides_at_the_first_equals_that_is_not_escaped(void **state)
{
	static const struct {
		struct sample sample;
		const char *map, *after;
	} cases[] = {
		{{.os = "",
			 .devices = "<interface type='bridge'><source bridge='old'/></interface>"},
			"bridge:old=a=b'<&", "bridge='a=b&apos;&lt;&amp;'"},
		{{.os = "",
			 .devices =
				 "<interface type='bridge'><source bridge='a=b=c'/></interface>"},
			"bridge:a\\=b\\=c=d\\=e", "bridge='d\\=e'"},
		{{.os = "",
			 .devices = "<interface type='bridge'><source bridge='a\\b'/></interface>"},
			"bridge:a\\b=c", "bridge='c'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(free) char *xml = definition(&cases[i].sample);
		CLEANUP(document) struct document *document = document_of(xml);
		CLEANUP(free) char *after = NULL;
		struct dd_error err = {0};
		bool found = false;

		must(document_retarget(document, &cases[i].map, 1, &found, &err), &err);
		after = written(document);
		assert_mentions(after, cases[i].after);
		assert_true(found);
	}
}

static void schema_retarget__what_is_no_map_is_told_so(void **state)
{
	static const struct {
		const char *map, *says;
	} cases[] = {
		{"", "no KIND:FROM=TO"},
		{"bridge", "no KIND:FROM=TO"},
		{"bridge:", "no KIND:FROM=TO"},
		{"bridge:old", "no KIND:FROM=TO"},
		{"bridge:=new", "no KIND:FROM=TO"},
		{"bridge:old=", "no KIND:FROM=TO"},
		{"bridge:old\\=new", "'bridge:old\\=new' is no KIND:FROM=TO"},
		{"bridge=old", "no KIND:FROM=TO"},
		{":old=new", "is none of bridge, network, dev, path, pool, vsock"},
		{"mac:old=new", "'mac' in 'mac:old=new' is none of"},
		{"BRIDGE:old=new", "is none of"},
		{"bridge :old=new", "is none of"},
		{"path:/images/=/x", "has a folder on one side and a file on the other"},
		{"path:/images/a.raw=/x/", "'path:/images/a.raw=/x/' has a folder on one side"},
	};
	static const struct sample sample = {
		.os = "", .devices = "<interface type='bridge'><source bridge='old'/></interface>"};
	CLEANUP(free) char *xml = definition(&sample);
	CLEANUP(document) struct document *document = document_of(xml);
	CLEANUP(free) char *before = written(document);
	CLEANUP(free) char *after = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dd_error err = {0};
		bool found = false;

		assert_int_equal(
			document_retarget(document, &cases[i].map, 1, &found, &err), DD_INVALID);
		assert_error(&err, DD_INVALID, cases[i].says);
		assert_false(found);
	}
	after = written(document);
	assert_string_equal(after, before);
}

/* No other check comes after it, where there is no guest. */
static void schema_retarget__gives_no_device_what_it_cannot_have(void **state)
{
	static const char *const maps[] = {"vsock:5=2", "vsock:5=4294967296", "vsock:5=abc"};
	static const struct sample sample = {
		.os = "", .devices = "<vsock model='virtio'><cid auto='no' address='5'/></vsock>"};
	CLEANUP(free) char *xml = definition(&sample);

	(void)state;
	for (size_t i = 0; i < COUNT(maps); i++) {
		CLEANUP(document) struct document *document = document_of(xml);
		struct dd_error err = {0};
		bool found = false;

		assert_int_equal(
			document_retarget(document, &maps[i], 1, &found, &err), DD_INVALID);
		assert_error(&err, DD_INVALID, "a guest's CID is between 3 and 4294967295");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_retarget__maps_each_kind_in_its_places),
		cmocka_unit_test(schema_retarget__leaves_alone_what_is_of_another_kind),
		cmocka_unit_test(schema_retarget__fits_whole_names_and_whole_folders),
		cmocka_unit_test(schema_retarget__exchanges_names),
		cmocka_unit_test(schema_retarget__divides_at_the_first_equals_that_is_not_escaped),
		cmocka_unit_test(schema_retarget__what_is_no_map_is_told_so),
		cmocka_unit_test(schema_retarget__gives_no_device_what_it_cannot_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
