/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The saved answers of Debian 12's QEMU: they can be read on any host, and what is frozen with them
 * is what libvirt froze on Debian 12.
 */

#include "qmp/capabilities.h"
#include "schema/device/kind.h"
#include "schema/fill.h"
#include "schema/freeze.h"
#include "tests/support/corpus.h"

#define SAVED_MAX (1u << 20)
#define DATA SOURCE_DIR "/tests/data/debian-12-qemu-system-"

static struct capabilities *load_saved(const char *name)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	struct capabilities *caps = NULL;
	struct dd_error err = {0};

	must(string_format(&path, &err, DATA "%s.json", name), &err);
	must(file_read(path, SAVED_MAX, &text, &err), &err);
	must(capabilities_from_json(text_string(&text), text.size, &caps, &err), &err);
	return caps;
}

static void saved__knows_machines_models_and_their_features(void **state)
{
	CLEANUP(capabilities) struct capabilities *caps = load_saved("x86_64");
	const struct accelerator *tcg = capabilities_accelerator(caps, "qemu");

	(void)state;
	assert_string_equal(capabilities_machine(caps, "q35")->name, "pc-q35-7.2");
	assert_string_equal(capabilities_machine(caps, "pc")->name, "pc-i440fx-7.2");
	assert_true(capabilities_machine(caps, "pc-i440fx-1.7")->deprecated);
	assert_non_null(capabilities_cpu(caps, "EPYC-v1"));
	assert_non_null(tcg);
	assert_string_equal(tcg->host.name, "max");
	assert_string_equal(tcg->host.vendor, "AuthenticAMD");
	assert_non_null(strstr(tcg->host.features, " avx2 "));
	assert_true(tcg->model_count > 50);
	assert_null(capabilities_accelerator(caps, "kvm"));
}

struct comparison {
	struct capabilities *caps, *caps_i386;
	unsigned compared;
};

/* What is made at random cannot be compared here. */
static bool is_random(const struct document *input)
{
	const xmlNode *genid = node_child(document_root(input), "genid");

	if (!document_uuid(input) || (genid && !node_text(genid)[0]))
		return true;
	for (const xmlNode *node = device_first(input, "interface"); node; node = node_next(node))
		if (!node_attr(node_child(node, "mac"), "address"))
			return true;
	return false;
}

static struct document *parsed(const struct text *xml, const char *name)
{
	struct document *document = NULL;
	struct dd_error err = {0};

	must(document_parse(text_string(xml), xml->size, name, &document, &err), &err);
	return document;
}

static void compare(const char *name, const struct text *xml, void *context)
{
	struct comparison *comparison = context;
	CLEANUP(document) struct document *input = parsed(xml, name);
	CLEANUP(text) struct text wanted = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	struct dd_error err = {0};
	const char *emulator = document_emulator(input);
	const xmlNode *type = node_descend(document_root(input), "os/type");
	bool small =
		emulator ? strstr(emulator, "i386") != NULL : node_attr_is(type, "arch", "i686");
	struct freeze_options options = {
		.capabilities = small ? comparison->caps_i386 : comparison->caps,
		.keep_host_model = true,
	};

	if (is_random(input))
		return;
	must(document_freeze(input, &options, &err), &err);
	must(string_format(&path, &err, CORPUS_DIR "/frozen/%.*s.out.xml",
		     (int)(strlen(name) - strlen(".in.xml")), name),
		&err);
	must(file_read(path, DOCUMENT_SIZE_MAX, &wanted, &err), &err);

	CLEANUP(document) struct document *output = parsed(&wanted, path);

	must(document_canonicalise(output, &err), &err);

	CLEANUP(free) char *a = written(input);
	CLEANUP(free) char *b = written(output);

	assert_string_equal(a, b);
	comparison->compared++;
}

/* How many there were; false: there is no corpus. */
static bool compare_all(unsigned *compared)
{
	CLEANUP(capabilities) struct capabilities *caps = load_saved("x86_64");
	CLEANUP(capabilities) struct capabilities *caps_i386 = load_saved("i386");
	struct comparison comparison = {caps, caps_i386, 0};
	bool there = corpus_visit("frozen", ".in.xml", compare, &comparison);

	*compared = comparison.compared;
	return there;
}

static void saved__freezes_the_corpus_as_libvirt_did(void **state)
{
	unsigned compared = 0;

	(void)state;
	if (!compare_all(&compared))
		skip(); /* which returns nowhere: nothing may be held */
	assert_true(compared > 150);
}

/* Of libvirt's domain capabilities there: EPYC, and these. */
static const struct {
	const char *name;
	const char *policy;
} by_libvirt[] = {
	{"acpi", "require"},
	{"ss", "require"},
	{"monitor", "require"},
	{"hypervisor", "require"},
	{"erms", "require"},
	{"mpx", "require"},
	{"pcommit", "require"},
	{"clwb", "require"},
	{"umip", "require"},
	{"pku", "require"},
	{"vaes", "require"},
	{"la57", "require"},
	{"pks", "require"},
	{"3dnowext", "require"},
	{"3dnow", "require"},
	{"npt", "require"},
	{"vgif", "require"},
	{"svme-addr-chk", "require"},
	{"vme", "disable"},
	{"rdseed", "disable"},
	{"sha-ni", "disable"},
	{"xsavec", "disable"},
	{"fxsr_opt", "disable"},
	{"misalignsse", "disable"},
	{"3dnowprefetch", "disable"},
	{"osvw", "disable"},
	{"topoext", "disable"},
	{"nrip-save", "disable"},
};

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

static const char *policy_of(const xmlNode *cpu, const char *name)
{
	for (const xmlNode *row = node_child(cpu, "feature"); row; row = node_next(row))
		if (node_attr_is(row, "name", name))
			return node_attr(row, "policy");
	return NULL;
}

/* Its own map of models differs from QEMU's in four features, which it then says. */
static void saved__host_model_is_what_libvirt_makes_of_it(void **state)
{
	static const char xml[] =
		"<domain type='qemu'><name>a</name><memory>65536</memory><os><type "
		"machine='q35'>hvm</type></os><cpu mode='host-model'/><devices/></domain>";
	CLEANUP(capabilities) struct capabilities *caps = load_saved("x86_64");
	CLEANUP(document) struct document *document = NULL;
	struct freeze_options options = {.capabilities = caps};
	const struct cpu_expansion *model = NULL;
	struct dd_error err = {0};
	size_t rows = 0;

	(void)state;
	must(document_parse(xml, strlen(xml), NULL, &document, &err), &err);
	must(document_freeze(document, &options, &err), &err);

	const xmlNode *cpu = node_child(document_root(document), "cpu");

	assert_string_equal(node_text(node_child(cpu, "model")), "EPYC-v1");
	for (size_t i = 0; i < caps->tcg.model_count; i++)
		if (strcmp(caps->tcg.models[i].name, "EPYC-v1") == 0)
			model = &caps->tcg.models[i];
	assert_non_null(model);
	for (size_t i = 0; i < COUNT(by_libvirt); i++) {
		const char *policy = policy_of(cpu, by_libvirt[i].name);
		bool wanted = strcmp(by_libvirt[i].policy, "require") == 0;

		if (policy)
			assert_string_equal(policy, by_libvirt[i].policy);
		else if (has_word(model->features, by_libvirt[i].name) != wanted)
			fail_msg("%s", by_libvirt[i].name);
		rows += policy != NULL;
	}
	for (const xmlNode *row = node_child(cpu, "feature"); row; row = node_next(row))
		rows--;
	assert_int_equal(rows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saved__knows_machines_models_and_their_features),
		cmocka_unit_test(saved__freezes_the_corpus_as_libvirt_did),
		cmocka_unit_test(saved__host_model_is_what_libvirt_makes_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
