/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/corpus.h"

#include "schema/grammar.h"

static struct rng *grammar;

static int setup(void **state)
{
	(void)state;
	return grammar_new(&grammar, NULL);
}

static int teardown(void **state)
{
	(void)state;
	grammar_free(grammar);
	return 0;
}

static void accept(const char *name, const struct text *xml, void *context)
{
	struct dd_error err = {0};
	char line[1024];

	if (!grammar_check(grammar, text_string(xml), xml->size, name, &err))
		return;
	dd_error_format(&err, line, sizeof line);
	print_error("%s\n", line);
	++*(unsigned *)context;
}

static void schema_grammar__accepts_the_whole_corpus(void **state)
{
	unsigned failures = 0;

	(void)state;
	if (!corpus_visit("frozen", ".xml", accept, &failures))
		skip();
	assert_int_equal(failures, 0);
}

static void schema_grammar__rejects_a_misspelt_element(void **state)
{
	static const char xml[] = "<domain type='kvm'>\n<name>a</name>\n<devices>\n"
				  "<dsik type='file'/>\n</devices>\n</domain>";
	struct dd_error err = {0};

	(void)state;
	assert_int_equal(grammar_check(grammar, xml, strlen(xml), "a.xml", &err), DD_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_grammar__accepts_the_whole_corpus),
		cmocka_unit_test(schema_grammar__rejects_a_misspelt_element),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
