/* SPDX-License-Identifier: Apache-2.0 */
/* What would enter history with a secret in it does not. */
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "domain/create.h"
#include "domain/journal_detail.h"
#include "domain/record.h"
#include "domain/secret.h"

#define UUID "11111111-2222-4333-8444-00000000000a"
#define SECRET "Gurke-17"
#define SCREEN "<graphics type='vnc' port='-1' autoport='yes' passwd='" SECRET "'/>"

struct place {
	char folder[PATH_MAX];
	struct dd_host *host;
	struct document *document; /* frozen, with a secret */
};

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

static int setup(void **state)
{
	static const char definition[] = "<domain type='qemu'><name>a</name><uuid>" UUID
					 "</uuid><memory>65536</memory><os><type arch='x86_64'>hvm"
					 "</type></os><devices>" SCREEN "</devices></domain>";
	struct place *place = calloc(1, sizeof *place);
	struct dd_host_options options = {.create = true, .host_name = "alpha"};
	char *frozen = NULL;

	assert_non_null(place);
	snprintf(place->folder, sizeof place->folder, "%s/domesday-secret-XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(place->folder));
	options.book = place->folder;
	assert_int_equal(dd_host_open(&options, &place->host, NULL), 0);
	assert_int_equal(
		dd_freeze(place->host, definition, strlen(definition), NULL, NULL, &frozen, NULL),
		0);
	assert_non_null(strstr(frozen, SECRET));
	assert_int_equal(document_parse(frozen, strlen(frozen), NULL, &place->document, NULL), 0);
	dd_free(frozen);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	document_free(place->document);
	dd_host_close(place->host);
	nftw(place->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

/* Whoever makes a domain need not think of it. */
static void secret__is_sealed_by_the_commit(void **state)
{
	struct place *place = *state;
	const struct outcome outcome = {.subject = "define a", .config = place->document};
	const struct dd_dumpxml_options whole = {.security_info = true};
	char *shown = NULL, *without = NULL;

	assert_int_equal(domain_create(place->host, "define", &outcome, NULL, NULL, NULL), 0);
	assert_int_equal(dd_dumpxml_with(place->host, "a", &whole, &shown, NULL), 0);
	assert_int_equal(dd_dumpxml(place->host, "a", 1, false, &without, NULL), 0);
	assert_non_null(strstr(shown, "passwd='" SECRET "'"));
	assert_null(strstr(without, "passwd"));
	dd_free(shown);
	dd_free(without);
}

/* Versions that were written out elsewhere are looked into. */
static void secret__of_an_earlier_version_is_refused(void **state)
{
	struct place *place = *state;
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(document) struct document *hidden = NULL;
	struct tree_file file = {.path = FILE_CONFIG};
	struct version_draft earlier = {.subject = "define a",
		.author = {"Ada", "ada@example.org"},
		.files = &file,
		.file_count = 1};
	struct dd_error err = {.code = 0};

	assert_int_equal(document_copy(place->document, &hidden, NULL), 0);
	assert_int_equal(secrets_hide(hidden, NULL), 0);
	assert_int_equal(document_write(place->document, &xml, NULL), 0);
	file.data = xml.data;
	file.size = xml.size;

	const struct outcome outcome = {
		.subject = "import a", .config = hidden, .earlier = &earlier, .earlier_count = 1};
	struct domain_row row = {.name = NULL};

	assert_int_equal(
		domain_create(place->host, "import", &outcome, NULL, NULL, &err), DD_CORRUPT);
	assert_null(strstr(err.message, SECRET));
	assert_int_equal(book_find(place->host->book, "a", &row, NULL), DD_NOT_FOUND);
	text_clear(&xml);
	assert_int_equal(document_write(hidden, &xml, NULL), 0);
	file.size = xml.size;
	assert_int_equal(domain_create(place->host, "import", &outcome, NULL, NULL, NULL), 0);
}

/* A plan for a running guest is written down before it is carried out. */
static void secret__does_not_enter_the_journal(void **state)
{
	struct place *place = *state;
	CLEANUP(json) struct json *detail = json_object();

	assert_int_equal(detail_put_document(detail, "live", place->document, NULL), DD_CORRUPT);
	assert_null(json_get(detail, "live"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(secret__is_sealed_by_the_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(
			secret__of_an_earlier_version_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			secret__does_not_enter_the_journal, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
