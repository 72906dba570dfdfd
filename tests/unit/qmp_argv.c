/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Would a guest see the same hardware as under libvirt? For each definition of the corpus of which
 * libvirt's QEMU arguments are known, every device that both have is compared property by property.
 */
#include "tests/support/guest.h"

#include "base/file.h"
#include "schema/alias.h"
#include "schema/freeze.h"

#include <dirent.h>

/* Names inside QEMU that no guest sees, and what is drawn anew for each guest. */
static bool is_private(const char *key)
{
	static const char *const names[] = {"drive", "id", "guid"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], key) == 0)
			return true;
	return false;
}

struct comparison {
	const struct json *ours;
	struct text *differences;
};

static int compare_property(const char *key, const struct json *theirs, void *context)
{
	const struct comparison *comparison = context;
	CLEANUP(text) struct text left = TEXT_INIT;
	CLEANUP(text) struct text right = TEXT_INIT;

	if (is_private(key))
		return 0;
	assert_int_equal(json_write(theirs, &right, NULL), 0);
	if (!json_get(comparison->ours, key) ||
		json_write(json_get(comparison->ours, key), &left, NULL) ||
		strcmp(text_string(&left), text_string(&right)) != 0)
		text_printf(comparison->differences, "%s: '%s', libvirt's '%s'\n", key,
			text_string(&left), text_string(&right));
	return 0;
}

/* The device with this id among the arguments; the caller frees it. NULL: none. */
static struct json *find_device(const struct json *argv, const char *id)
{
	for (size_t i = 0; i + 1 < json_count(argv); i++) {
		const char *value = json_as_string(json_at(argv, i + 1));
		CLEANUP(json) struct json *args = NULL;

		if (strcmp(json_as_string(json_at(argv, i)), "-device") != 0)
			continue;
		assert_int_equal(json_parse(value, strlen(value), &args, NULL), 0);
		if (json_get_string(args, "id") && strcmp(json_get_string(args, "id"), id) == 0)
			return TAKE(args);
	}
	return NULL;
}

static size_t compare_devices(const struct json *argv, const char *text, struct text *differences)
{
	static const char begin[] = "-device '";
	size_t compared = 0;

	for (const char *at = text; (at = strstr(at, begin)); at++) {
		const char *start = at + strlen(begin);
		const char *end = strstr(start, "}'");
		CLEANUP(json) struct json *theirs = NULL;
		CLEANUP(json) struct json *ours = NULL;

		if (!end || json_parse(start, (size_t)(end + 1 - start), &theirs, NULL) ||
			!json_get_string(theirs, "id"))
			continue;
		ours = find_device(argv, json_get_string(theirs, "id"));
		if (!ours) {
			text_printf(differences, "no %s\n", json_get_string(theirs, "id"));
			continue;
		}

		struct comparison forth = {.ours = ours, .differences = differences};
		struct comparison back = {.ours = theirs, .differences = differences};

		json_each(theirs, compare_property, &forth);
		json_each(ours, compare_property, &back);
		compared++;
	}
	return compared;
}

/* "NAME.out.xml" goes with "NAME.args" or "NAME.argv.x86_64-latest.args". */
static bool read_arguments(const char *file, struct text *out)
{
	static const char *const suffixes[] = {".args", ".argv.x86_64-latest.args"};
	int length = (int)(strlen(file) - strlen(".out.xml"));

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char path[1024];

		snprintf(path, sizeof path, CORPUS_DIR "/qemu-args/%.*s%s", length, file,
			suffixes[i]);
		if (file_read(path, 1 << 20, out, NULL) == 0)
			return true;
	}
	return false;
}

/* Our arguments for a definition of the corpus; NULL where we cannot run it. */
static struct json *our_arguments(const char *file)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(document) struct document *live = NULL;
	const struct freeze_options options = {.capabilities = caps};
	struct json *argv = NULL;
	char path[1024];

	snprintf(path, sizeof path, CORPUS_DIR "/frozen/%s", file);
	if (file_read(path, 1 << 20, &xml, NULL) ||
		document_parse(text_string(&xml), xml.size, file, &live, NULL) ||
		node_set_attr(document_root(live), "type", "qemu", NULL) ||
		document_freeze(live, &options, NULL) || document_assign_aliases(live, NULL) ||
		guest_command_line("/run/guest", live, caps, &argv, NULL))
		return NULL;
	return argv;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

static void argv_devices__are_those_of_libvirt(void **state)
{
	DIR *folder = opendir(CORPUS_DIR "/frozen");
	CLEANUP(text) struct text report = TEXT_INIT;
	size_t devices = 0;
	size_t documents = 0;

	(void)state;
	if (!folder)
		skip();
	for (struct dirent *entry; (entry = readdir(folder));) {
		CLEANUP(text) struct text theirs = TEXT_INIT;
		CLEANUP(text) struct text differences = TEXT_INIT;
		CLEANUP(json) struct json *ours = NULL;

		if (!ends_with(entry->d_name, ".out.xml") ||
			!read_arguments(entry->d_name, &theirs))
			continue;
		ours = our_arguments(entry->d_name);
		if (!ours)
			continue;
		documents++;
		devices += compare_devices(ours, text_string(&theirs), &differences);
		if (differences.size)
			text_printf(&report, "%s:\n%s", entry->d_name, text_string(&differences));
	}
	closedir(folder);
	if (report.size)
		fail_msg("%s", text_string(&report));
	print_message("%zu devices of %zu definitions\n", devices, documents);
	assert_true(documents >= 40);
	assert_true(devices >= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(argv_devices__are_those_of_libvirt),
	};

	return cmocka_run_group_tests_name("qmp_argv", tests, setup_group, teardown_group);
}
