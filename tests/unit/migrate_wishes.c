/* SPDX-License-Identifier: Apache-2.0 */
/* What may be otherwise at the destination, and what a running guest would see of it. */
#include "migrate/wishes.h"
#include "schema/alias.h"
#include "tests/support/hosted.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* text with from become to, which occurs there; the caller frees it. */
static char *with(const char *text, const char *from, const char *to)
{
	CLEANUP(text) struct text out = TEXT_INIT;
	const char *at = strstr(text, from);

	assert_non_null(at);
	text_add(&out, text, (size_t)(at - text));
	text_puts(&out, to);
	text_puts(&out, at + strlen(from));
	return text_take(&out);
}

/* What a user sees of it, to change it. */
static char *shown(struct hosted *hosted)
{
	char *xml = NULL;

	must(dd_dumpxml(hosted->host, "vm1", 0, false, &xml, &hosted->err), &hosted->err);
	return xml;
}

static int grant(struct hosted *hosted, struct json *wishes, bool live, struct wished *out)
{
	CLEANUP(json) struct json *own = wishes;
	CLEANUP(document) struct document *running = NULL;

	if (live) {
		must(document_copy(hosted->op.config, &running, &hosted->err), &hosted->err);
		must(document_assign_aliases(running, &hosted->err), &hosted->err);
	}
	hosted->err = (struct dd_error){0};
	return wishes_grant(&hosted->op, own, running, NULL, out, &hosted->err);
}

static struct json *wish(const char *key, const char *value)
{
	struct json *wishes = json_object();

	json_put_string(wishes, key, value);
	return wishes;
}

static struct json *wish_map(const char *map)
{
	struct json *wishes = json_object();
	struct json *maps = json_array();

	json_push(maps, json_string(map));
	json_put(wishes, "maps", maps);
	return wishes;
}

static void migrate_wishes__none_change_nothing(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(free) char *before = written(hosted->op.config);

	for (int live = 0; live < 2; live++) {
		CLEANUP(wished) struct wished wished = {.config = NULL};
		CLEANUP(free) char *after = NULL;

		must(grant(hosted, json_object(), live, &wished), &hosted->err);
		after = written(wished.config);
		assert_string_equal(after, before);
		assert_int_equal(wished.live != NULL, live);
	}
}

static void migrate_wishes__a_map_changes_what_runs_and_what_is_recorded(void **state)
{
	struct hosted *hosted = *state;

	for (int live = 0; live < 2; live++) {
		CLEANUP(wished) struct wished wished = {.config = NULL};
		CLEANUP(free) char *config = NULL;

		must(grant(hosted, wish_map("path:/images/=/srv/"), live, &wished), &hosted->err);
		config = written(wished.config);
		assert_mentions(config, "<source file='/srv/a.raw'/>");
		if (live) {
			CLEANUP(free) char *running = written(wished.live);

			assert_mentions(running, "<source file='/srv/a.raw'/>");
		}
	}
}

static void migrate_wishes__a_map_has_to_fit(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(wished) struct wished wished = {.config = NULL};
	struct json *maps = json_array(), *wishes = json_object();
	struct json *twice = json_array(), *both = json_object();
	struct json *many = json_array(), *too_many = json_object();

	assert_int_equal(grant(hosted, wish_map("bridge:br7=br1"), true, &wished), DD_INVALID);
	assert_error(&hosted->err, DD_INVALID, "--map bridge:br7=br1 fits nothing");
	for (int i = 0; i <= WISHES_MAPS_MAX; i++)
		json_push(many, json_string("path:/images/=/srv/"));
	json_put(too_many, "maps", many);
	assert_int_equal(grant(hosted, too_many, true, &wished), DD_INVALID);
	assert_error(&hosted->err, DD_INVALID, "65 --map are too many: 64 at most");
	json_push(twice, json_string("path:/images/=/srv/"));
	json_push(twice, json_string("path:/images/a.raw=/srv/b.raw"));
	json_put(both, "maps", twice);
	assert_int_equal(grant(hosted, both, true, &wished), DD_INVALID);
	assert_error(
		&hosted->err, DD_INVALID, "fits nothing in the definition that no --map before");
	assert_int_equal(grant(hosted, wish_map("nonsense"), false, &wished), DD_INVALID);
	assert_error(&hosted->err, DD_INVALID, "'nonsense' is no KIND:FROM=TO");
	json_push(maps, json_number(7));
	json_put(wishes, "maps", maps);
	assert_int_equal(grant(hosted, wishes, false, &wished), DD_INVALID);
	assert_error(&hosted->err, DD_INVALID, "a --map is no text");
	assert_null(wished.config);
}

/* A definition for the guest that runs: what it cannot see may change, what it can see may not. */
static void migrate_wishes__a_running_guest_sees_nothing(void **state)
{
	static const struct {
		const char *from, *to, *path;
	} cases[] = {
		{"<source bridge='br0'/>\n", "<source bridge='br9'/>\n", NULL},
		{"file='/images/a.raw'", "file='/srv/b.raw'", NULL},
		{"52:54:00:aa:bb:cc", "52:54:00:aa:bb:cd", "/domain/devices/interface"},
		{"<memory unit='KiB'>65536", "<memory unit='KiB'>131072", "/domain/memory"},
	};
	struct hosted *hosted = *state;
	CLEANUP(free) char *xml = shown(hosted);

	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(wished) struct wished wished = {.config = NULL};
		CLEANUP(free) char *asked = with(xml, cases[i].from, cases[i].to);
		int rc = grant(hosted, wish("xml", asked), true, &wished);

		if (cases[i].path) {
			assert_int_equal(rc, DD_REFUSED);
			assert_error(&hosted->err, DD_REFUSED, cases[i].path);
			assert_null(wished.config);
		} else {
			CLEANUP(free) char *running = NULL;
			CLEANUP(free) char *config = NULL;

			must(rc, &hosted->err);
			running = written(wished.live);
			config = written(wished.config);
			assert_mentions(running, cases[i].to);
			assert_mentions(config, cases[i].to);
		}
	}
}

/* What it runs with is one thing, and its next start another. */
static void migrate_wishes__the_next_start_may_differ(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(wished) struct wished wished = {.config = NULL};
	CLEANUP(free) char *xml = shown(hosted);
	CLEANUP(free)
	char *asked = with(xml, "<memory unit='KiB'>65536", "<memory unit='KiB'>131072");
	CLEANUP(free) char *running = NULL;
	CLEANUP(free) char *config = NULL;

	must(grant(hosted, wish("persistent_xml", asked), true, &wished), &hosted->err);
	running = written(wished.live);
	config = written(wished.config);
	assert_mentions(running, "<memory unit='KiB'>65536");
	assert_mentions(config, "<memory unit='KiB'>131072");
}

/* Without a guest either wish is one for the record, which keeps what the text is silent about. */
static void migrate_wishes__a_definition_is_an_edit(void **state)
{
	static const char *const keys[] = {"xml", "persistent_xml"};
	struct hosted *hosted = *state;
	CLEANUP(free) char *xml = shown(hosted);
	CLEANUP(free)
	char *asked = with(xml, "<memory unit='KiB'>65536", "<memory unit='KiB'>131072");

	for (size_t i = 0; i < COUNT(keys); i++) {
		CLEANUP(wished) struct wished wished = {.config = NULL};
		CLEANUP(free) char *config = NULL;

		must(grant(hosted, wish(keys[i], asked), false, &wished), &hosted->err);
		config = written(wished.config);
		assert_mentions(config, "<memory unit='KiB'>131072");
		assert_mentions(config, "52:54:00:aa:bb:cc");
		assert_null(wished.live);
	}
}

static void migrate_wishes__a_name_is_for_both(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(wished) struct wished wished = {.config = NULL};
	CLEANUP(wished) struct wished none = {.config = NULL};

	must(grant(hosted, wish("name", "vm2"), true, &wished), &hosted->err);
	assert_string_equal(document_name(wished.config), "vm2");
	assert_string_equal(document_name(wished.live), "vm2");
	assert_string_equal(document_uuid(wished.config), HOSTED_UUID);
	assert_int_equal(grant(hosted, wish("name", "a/b"), true, &none), DD_INVALID);
	assert_int_equal(grant(hosted, wish("name", ""), false, &none), DD_INVALID);
}

/* Whoever wishes is a peer that may be anybody's by now. */
static void migrate_wishes__what_is_no_definition_of_it_is_refused(void **state)
{
	static const char *const cases[] = {"", "<", "vm1", "<domain/>", "<network/>",
		"<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><name>&x;</name>"
		"</domain>",
		"<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;'>]><domain>"
		"<name>vm1</name><title>&b;</title></domain>",
		"<domain type='qemu'><name>vm2</name><memory>65536</memory><os><type>hvm</type>"
		"</os></domain>",
		"<domain type='qemu'><name>vm1</name><uuid>11111111-2222-4333-8444-00000000000b"
		"</uuid><memory>65536</memory><os><type>hvm</type></os></domain>"};
	static const char *const keys[] = {"xml", "persistent_xml"};
	struct hosted *hosted = *state;

	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t key = 0; key < COUNT(keys); key++)
			for (int live = 0; live < 2; live++) {
				CLEANUP(wished) struct wished wished = {.config = NULL};

				if (!grant(hosted, wish(keys[key], cases[i]), live, &wished))
					fail_msg("granted: %s", cases[i]);
				assert_true(*hosted->err.message);
				assert_null(strstr(hosted->err.message, "root:"));
				assert_null(wished.config);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(migrate_wishes__none_change_nothing),
		HOSTED_TEST(migrate_wishes__a_map_changes_what_runs_and_what_is_recorded),
		HOSTED_TEST(migrate_wishes__a_map_has_to_fit),
		HOSTED_TEST(migrate_wishes__a_running_guest_sees_nothing),
		HOSTED_TEST(migrate_wishes__the_next_start_may_differ),
		HOSTED_TEST(migrate_wishes__a_definition_is_an_edit),
		HOSTED_TEST(migrate_wishes__a_name_is_for_both),
		HOSTED_TEST(migrate_wishes__what_is_no_definition_of_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
