/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/document.h"

#include "schema/blame.h"

#define DOMAIN(settings, devices) \
	"<domain type='kvm'><name>a</name>" settings "<devices>" devices "</devices></domain>"
#define DISK(dev, more) "<disk type='file'><target dev='" dev "'/>" more "</disk>"
#define MANY 8

/* What somebody is told: "PATH VERSION\n" for each part whose path has a word in it. */
struct told {
	const char *word;
	struct text text;
	size_t lines;
};

static int on_line(const char *line, size_t length, uint32_t version,
	const struct blame_part *parts, size_t count, void *context)
{
	struct told *told = context;

	told->lines++;
	for (size_t i = 0; i < count; i++) {
		assert_true(parts[i].column < length && parts[i].text_column < length);
		assert_true(parts[i].version && parts[i].version <= version);
		assert_true(line[parts[i].column] != ' ');
		if (strstr(parts[i].path, told->word))
			text_printf(&told->text, "%s %u\n", parts[i].path, parts[i].version);
	}
	return 0;
}

static void tell(const struct blame *blame, const char *word, const char *wanted)
{
	struct dd_error err = {0};
	struct told told = {.word = word};

	must(blame_lines(blame, on_line, &told, &err), &err);
	assert_string_equal(text_string(&told.text), wanted);
	assert_true(told.lines > 0);
	text_release(&told.text);
}

/* Versions from the newest to version 1. */
static struct blame *blame_of(const char *const *texts)
{
	struct dd_error err = {0};
	struct blame *blame = NULL;
	uint32_t number = 0;

	for (const char *const *text = texts; *text; text++)
		number++;
	for (; *texts; texts++, number--) {
		CLEANUP(document) struct document *document = document_of(*texts);
		CLEANUP(free) char *text = written(document);

		if (!blame)
			must(blame_new(text, strlen(text), &blame, &err), &err);
		else
			must(blame_older(blame, text, strlen(text), number + 1, &err), &err);
	}
	blame_rest(blame, 1);
	assert_true(blame_settled(blame));
	return blame;
}

static const struct {
	const char *texts[MANY]; /* the newest first */
	const char *word, *wanted;
} cases[] = {
	/* a device is known by its name, wherever it stands */
	{{DOMAIN("", DISK("vda", "") DISK("vdb", "")), DOMAIN("", DISK("vdb", ""))}, "target",
		"/domain/devices/disk[1]/target 2\n/domain/devices/disk[1]/target/@dev 2\n"
		"/domain/devices/disk[2]/target 1\n/domain/devices/disk[2]/target/@dev 1\n"},
	/* an element that stays keeps its version when an attribute of it comes */
	{{DOMAIN("", DISK("vda", "<driver name='qemu' cache='none'/>")),
		 DOMAIN("", DISK("vda", "<driver name='qemu'/>")), DOMAIN("", DISK("vda", ""))},
		"driver",
		"/domain/devices/disk/driver 2\n/domain/devices/disk/driver/@name 2\n"
		"/domain/devices/disk/driver/@cache 3\n"},
	/* a text that was there once before was set when it came back */
	{{DOMAIN("<title>x</title>", ""), DOMAIN("<title>y</title>", ""),
		 DOMAIN("<title>x</title>", "")},
		"title", "/domain/title 3\n"},
	/* of one that changes in every version, the rest does not */
	{{DOMAIN("<os><type>hvm</type><boot dev='hd'/></os>", ""),
		 DOMAIN("<os><type>hvm</type><boot dev='cdrom'/></os>", ""),
		 DOMAIN("<os><type>hvm</type></os>", "")},
		"/os",
		"/domain/os 1\n/domain/os/type 1\n/domain/os/boot 2\n/domain/os/boot/@dev 3\n"},
	/* strangers are one thing, whatever is in them */
	{{DOMAIN("<metadata><a:x xmlns:a='urn:a'>t\n  <name/>\n</a:x></metadata>", ""),
		 DOMAIN("<metadata><a:x xmlns:a='urn:a'>t\n  <title/>\n</a:x></metadata>", ""),
		 DOMAIN("<metadata><a:x xmlns:a='urn:a'/></metadata>", "")},
		"a",
		"/domain 1\n/domain/@type 1\n/domain/name 1\n/domain/metadata 1\n"
		"/domain/metadata/a:x 3\n/domain/metadata/a:x/name 3\n/domain/devices 1\n"},
	{{"<domain type='kvm'><name>a</name></domain>",
		 "<domain type='qemu'><name>a</name></domain>"},
		"domain", "/domain 1\n/domain/@type 2\n/domain/name 1\n"},
};

static void schema_blame__has_the_version_since_which_it_is_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(blame) struct blame *blame = blame_of(cases[i].texts);

		tell(blame, cases[i].word, cases[i].wanted);
	}
}

static void schema_blame__of_what_is_asked_for(void **state)
{
	static const char *const texts[] = {
		DOMAIN("", DISK("vda", "") DISK("vdb", "")), DOMAIN("", DISK("vda", "")), NULL};
	CLEANUP(blame) struct blame *blame = blame_of(texts);
	struct dd_error err = {0};

	(void)state;
	must(blame_only_device(blame, "vdb", &err), &err);
	must(blame_only_path(blame, "devices/disk/target/@dev/", &err), &err);
	tell(blame, "", "/domain/devices/disk[2]/target/@dev 2\n");
	assert_int_equal(blame_only_path(blame, "devices/disk[1]", &err), DD_NOT_FOUND);
	assert_mentions(err.message, "/domain/devices/disk[1]");
}

/* Not one of our texts, whole or in part: an error, and nothing else. */
static void schema_blame__damage_is_said(void **state)
{
	CLEANUP(document) struct document *document = document_of(DOMAIN("", DISK("vda", "")));
	CLEANUP(free) char *text = written(document);
	CLEANUP(blame) struct blame *blame = NULL;
	size_t size = strlen(text);
	struct dd_error err = {0};

	(void)state;
	must(blame_new(text, size, &blame, &err), &err);
	for (size_t cut = 0; cut + 2 < size; cut++)
		assert_int_equal(blame_older(blame, text, cut, 7, &err), DD_CORRUPT);
	assert_int_equal(blame_older(blame, "</a><domain>", 12, 7, &err), DD_CORRUPT);
	must(blame_older(blame, text, size, 7, &err), &err);
	assert_false(blame_settled(blame));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_blame__has_the_version_since_which_it_is_so),
		cmocka_unit_test(schema_blame__of_what_is_asked_for),
		cmocka_unit_test(schema_blame__damage_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
