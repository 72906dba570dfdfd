/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every definition of the corpus against what libvirt made of it, byte for byte in canonical form;
 * and on each of them the promises that hold for any definition. What freezing does not do as
 * libvirt yet is listed by name, so that the list can only shrink.
 */

#include <dirent.h>
#include <stdlib.h>

#include "base/file.h"
#include "schema/address/address.h"
#include "schema/alias.h"
#include "schema/edit.h"
#include "schema/fill.h"
#include "schema/machine.h"
#include "tests/support/document.h"

#define CASES CORPUS_DIR "/frozen"

static const char *const different[] = {
	NULL,
};

struct corpus {
	char **names;
	size_t count;
	struct capabilities *caps;
	struct capabilities *caps_i386;
};

static struct document *load(const char *name, const char *suffix)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	struct document *document = NULL;
	struct dd_error err = {0};

	must(string_format(&path, &err, "%s/%s%s", CASES, name, suffix), &err);
	must(file_read(path, DOCUMENT_SIZE_MAX, &text, &err), &err);
	must(document_parse(text_string(&text), text.size, path, &document, &err), &err);
	return document;
}

/* Which binary a definition is for. */
static struct freeze_options options_for(
	const struct corpus *corpus, const struct document *document)
{
	const char *emulator = document_emulator(document);
	const xmlNode *type = node_descend(document_root(document), "os/type");
	bool i386 =
		emulator ? strstr(emulator, "i386") != NULL : node_attr_is(type, "arch", "i686");

	return (struct freeze_options){
		.capabilities = i386 ? corpus->caps_i386 : corpus->caps, .keep_host_model = true};
}

static struct document *load_frozen(const struct corpus *corpus, const char *name)
{
	struct document *document = load(name, ".in.xml");
	struct freeze_options options = options_for(corpus, document);
	struct dd_error err = {0};

	must(document_freeze(document, &options, &err), &err);
	return document;
}

static int setup(void **state)
{
	struct corpus *corpus = calloc(1, sizeof *corpus);
	struct dirent **entries = NULL;
	int count = scandir(CASES, &entries, NULL, alphasort);

	corpus->caps = test_capabilities();
	corpus->caps_i386 = test_capabilities_i386();
	for (int i = 0; i < count; i++) {
		char *end = strstr(entries[i]->d_name, ".in.xml");

		if (end) {
			*end = '\0';
			corpus->names = realloc(
				corpus->names, (corpus->count + 1) * sizeof corpus->names[0]);
			corpus->names[corpus->count++] = test_string(entries[i]->d_name);
		}
		free(entries[i]);
	}
	free(entries);
	*state = corpus;
	return 0;
}

static int teardown(void **state)
{
	struct corpus *corpus = *state;

	for (size_t i = 0; i < corpus->count; i++)
		free(corpus->names[i]);
	free(corpus->names);
	capabilities_free(corpus->caps);
	capabilities_free(corpus->caps_i386);
	free(corpus);
	return 0;
}

/* What is made at random, where the input left it out. */
static void copy_random(
	const struct document *input, const struct document *got, struct document *want)
{
	xmlNode *interface = node_child(document_devices(want), "interface");
	xmlNode *given = node_child(document_devices(input), "interface");
	xmlNode *made = node_child(document_devices(got), "interface");

	if (!document_uuid(input))
		node_set_text(node_child(document_root(want), "uuid"), document_uuid(got), NULL);
	for (; interface && given && made;
		interface = node_next(interface), given = node_next(given), made = node_next(made))
		if (!node_child(given, "mac"))
			node_set_attr(node_child(interface, "mac"), "address",
				node_attr(node_child(made, "mac"), "address"), NULL);
	if (node_child(document_root(want), "genid") &&
		!node_text(node_child(document_root(input), "genid"))[0])
		node_set_text(node_child(document_root(want), "genid"),
			node_text(node_child(document_root(got), "genid")), NULL);
}

static bool first_difference(const char *a, const char *b, char *out, size_t size)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return false;
	snprintf(out, size, "got «%.60s» wanted «%.60s»", a, b);
	return true;
}

static void schema_freeze__corpus_comes_out_as_libvirts(void **state)
{
	const struct corpus *corpus = *state;
	unsigned failures = 0;

	if (!corpus->count)
		skip();
	for (size_t i = 0; i < corpus->count; i++) {
		const char *name = corpus->names[i];
		CLEANUP(document) struct document *input = load(name, ".in.xml");
		CLEANUP(document) struct document *want = load(name, ".out.xml");
		CLEANUP(document) struct document *got = load_frozen(corpus, name);
		char where[200];

		copy_random(input, got, want);

		CLEANUP(free) char *a = written(got);
		CLEANUP(free) char *b = written(want);
		bool differs = first_difference(a, b, where, sizeof where);

		if (differs == string_in(name, different))
			continue;
		print_error("%s: %s\n", name, differs ? where : "is the same now");
		failures++;
	}
	assert_int_equal(failures, 0);
}

static void schema_freeze__corpus_freezes_to_itself(void **state)
{
	const struct corpus *corpus = *state;

	if (!corpus->count)
		skip();
	for (size_t i = 0; i < corpus->count; i++) {
		CLEANUP(document) struct document *document = load_frozen(corpus, corpus->names[i]);
		CLEANUP(free) char *once = written(document);
		struct freeze_options options = options_for(corpus, document);
		struct dd_error err = {0};

		must(document_freeze(document, &options, &err), &err);

		CLEANUP(free) char *twice = written(document);

		assert_string_equal(once, twice);
	}
}

/* Puts attributes in another order, and layout between elements. */
static void shuffle(xmlNode *node, unsigned *seed)
{
	bool layout = node_first(node) != NULL && !node_is(node, "metadata");

	for (xmlAttr *attr = node->properties; attr && attr->next; attr = attr->next) {
		*seed = *seed * 1103515245u + 12345u;
		if (*seed & 1u << 16 && !attr->ns) {
			xmlChar *name = xmlStrdup(attr->name);
			xmlChar *value = xmlNodeGetContent((xmlNode *)attr);

			xmlUnsetNsProp(node, NULL, name);
			xmlNewProp(node, name, value);
			xmlFree(name);
			xmlFree(value);
			break;
		}
	}
	for (xmlNode *child = node_first(node); child && layout; child = node_after(child)) {
		shuffle(child, seed);
		xmlAddPrevSibling(child, xmlNewText(BAD_CAST "\n \t "));
	}
}

static void schema_freeze__corpus_does_not_depend_on_spelling(void **state)
{
	const struct corpus *corpus = *state;
	unsigned seed = 1;

	if (!corpus->count)
		skip();
	for (size_t i = 0; i < corpus->count; i++) {
		CLEANUP(document) struct document *plain = load_frozen(corpus, corpus->names[i]);
		CLEANUP(document) struct document *mixed = load(corpus->names[i], ".in.xml");
		struct freeze_options options = options_for(corpus, mixed);
		struct dd_error err = {0};

		shuffle(document_root(mixed), &seed);
		must(document_canonicalise(mixed, &err), &err);
		must(document_freeze(mixed, &options, &err), &err);

		CLEANUP(document) struct document *input = load(corpus->names[i], ".in.xml");

		copy_random(input, mixed, plain);

		CLEANUP(free) char *a = written(plain);
		CLEANUP(free) char *b = written(mixed);

		assert_string_equal(a, b);
	}
}

static void schema_alias__corpus_aliases_come_off_again(void **state)
{
	const struct corpus *corpus = *state;

	if (!corpus->count)
		skip();
	for (size_t i = 0; i < corpus->count; i++) {
		CLEANUP(document) struct document *document = load_frozen(corpus, corpus->names[i]);
		CLEANUP(free) char *before = written(document);
		struct dd_error err = {0};

		must(document_assign_aliases(document, &err), &err);
		must(document_check(document, corpus->caps, &err), &err);
		node_set_attr(document_root(document), "id", "7", NULL);
		must(document_strip_runtime(document, &err), &err);

		CLEANUP(free) char *after = written(document);

		assert_string_equal(before, after);
	}
}

/* A refusal says where and why, and what has been refused can still be released. */
static void schema_freeze__corpus_refusals_are_refused_by_path(void **state)
{
	const struct corpus *corpus = *state;
	struct dirent **entries = NULL;
	int count = scandir(CORPUS_DIR "/refused", &entries, NULL, alphasort);
	unsigned refused = 0;

	for (int i = 0; i < count; i++) {
		CLEANUP(free) struct dirent *entry = entries[i];
		CLEANUP(text) struct text text = TEXT_INIT;
		CLEANUP(free) char *path = NULL;
		CLEANUP(document) struct document *document = NULL;
		struct dd_error err = {0};

		if (!strstr(entry->d_name, ".in.xml"))
			continue;
		must(string_format(&path, &err, CORPUS_DIR "/refused/%s", entry->d_name), &err);
		must(file_read(path, DOCUMENT_SIZE_MAX, &text, &err), &err);

		int rc = document_parse(text_string(&text), text.size, path, &document, &err);

		if (!rc) {
			struct freeze_options options = options_for(corpus, document);

			rc = document_freeze(document, &options, &err);
		}
		if (rc != DD_INVALID && rc != DD_UNSUPPORTED)
			fail_msg("%s: %d", entry->d_name, rc);
		assert_true(err.line > 0);
		assert_true(err.path[0] == '/');
		refused++;
	}
	free(entries);
	if (!refused)
		skip();
}

static char *place_of(const xmlNode *device)
{
	struct text words = TEXT_INIT;

	place_words(device, node_child(device, "address"), &words);
	return text_take(&words);
}

static xmlNode *attach(struct document *document, const struct freeze_options *options,
	const char *text, struct dd_error *err)
{
	CLEANUP(document) struct document *device = NULL;
	xmlNode *attached = NULL;

	must(document_parse_device(text, strlen(text), "device.xml", &device, err), err);
	if (edit_attach(document, device, false, options, &attached, err))
		return NULL;
	return attached;
}

/* Nobody is given what somebody left, and who comes back finds it. */
static void schema_address__corpus_keeps_places_for_those_who_return(void **state)
{
	static const char one[] = "<interface type='user'><mac address='52:54:00:aa:00:01'/>"
				  "<model type='virtio'/></interface>";
	static const char two[] = "<interface type='user'><mac address='52:54:00:aa:00:02'/>"
				  "<model type='virtio'/></interface>";
	const struct corpus *corpus = *state;

	if (!corpus->count)
		skip();
	for (size_t i = 0; i < corpus->count; i++) {
		CLEANUP(document) struct document *document = load_frozen(corpus, corpus->names[i]);
		struct freeze_options options = options_for(corpus, document);
		struct dd_error err = {0};
		xmlNode *first = attach(document, &options, one, &err);

		must(first ? 0 : err.code, &err);

		CLEANUP(free) char *left = place_of(first);

		must(edit_detach(document, first, &err), &err);

		xmlNode *second = attach(document, &options, two, &err);

		must(second ? 0 : err.code, &err);

		CLEANUP(free) char *other = place_of(second);
		/* where every port is in use, the one that was left is the choice */
		bool crowded = strcmp(other, left) == 0;

		assert_true(!crowded || machine_has_express(document));

		first = attach(document, &options, one, &err);
		must(first ? 0 : err.code, &err);

		CLEANUP(free) char *again = place_of(first);

		if (!crowded)
			assert_string_equal(again, left);
		must(document_check(document, options.capabilities, &err), &err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_freeze__corpus_comes_out_as_libvirts),
		cmocka_unit_test(schema_freeze__corpus_freezes_to_itself),
		cmocka_unit_test(schema_freeze__corpus_does_not_depend_on_spelling),
		cmocka_unit_test(schema_alias__corpus_aliases_come_off_again),
		cmocka_unit_test(schema_freeze__corpus_refusals_are_refused_by_path),
		cmocka_unit_test(schema_address__corpus_keeps_places_for_those_who_return),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
