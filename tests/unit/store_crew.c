/* SPDX-License-Identifier: Apache-2.0 */
/* Many signatures at once: each is judged as it would be alone, in whatever order one asks. */
#include "store/key/crew.h"

#include "store/key/rotation.h"
#include "store_support.h"

#define COMMITS 1000
#define FAR 500 /* behind what crew_find() looks at */

struct signed_commits {
	struct object_set objects;
	git_oid oids[COMMITS];
};

static void cleanup_signed_commits(struct signed_commits *commits)
{
	object_set_release(&commits->objects);
}

/* Every fifth is changed after it was signed, every seventh has no signature. */
static enum signature_state state_of(size_t number)
{
	if (number % 7 == 3)
		return SIGNATURE_MISSING;
	return number % 5 == 2 ? SIGNATURE_FALSE : SIGNATURE_GOOD;
}

static void commit_add(struct scene *scene, struct signed_commits *commits, size_t number)
{
	CLEANUP(text) struct text headers = TEXT_INIT;
	CLEANUP(text) struct text message = TEXT_INIT;
	const struct commit_draft draft = {
		.author = {"Ada Operator", "ada@example.org"},
		.committer = {"alpha", "book@alpha"},
		.when = 1 + (int64_t)number,
	};
	git_oid *oid = &commits->oids[number];

	commit_headers(&draft, &headers);
	text_printf(&message, "one\n\nNumber: %zu\n", number);
	if (state_of(number) == SIGNATURE_MISSING) {
		text_printf(&headers, "\n%s", text_string(&message));
		assert_ok(scene, object_add_text(&commits->objects, GIT_OBJECT_COMMIT, &headers,
					 oid, &scene->err));
		return;
	}
	assert_ok(scene, commit_sign(&commits->objects, scene->book->key, &headers, &message, oid,
				 &scene->err));
	if (state_of(number) == SIGNATURE_FALSE)
		memcpy(strstr(commits->objects.list[number].owned, "\n\none"), "\n\ntwo", 5);
}

static void commits_make(struct scene *scene, struct signed_commits *commits)
{
	assert_ok(scene, signing_key(scene->book, &scene->err));
	for (size_t i = 0; i < COMMITS; i++)
		commit_add(scene, commits, i);
}

static void crew_fill(struct scene *scene, struct crew *crew, const struct signed_commits *commits)
{
	for (size_t i = 0; i < COMMITS; i++) {
		const struct object *object = &commits->objects.list[i];

		assert_ok(scene,
			crew_add(crew, &commits->oids[i], object->data, object->size, &scene->err));
	}
	assert_int_equal(crew_count(crew), COMMITS);
}

static void assert_result(
	struct scene *scene, struct crew *crew, const struct signed_commits *commits, size_t number)
{
	const struct crew_task *task = NULL;
	unsigned char open[KEY_PUBLIC_SIZE];

	assert_ok(scene, crew_result(crew, number, &task, &scene->err));
	assert_true(git_oid_equal(&task->oid, &commits->oids[number]));
	assert_int_equal(task->state, state_of(number));
	if (task->state == SIGNATURE_GOOD) {
		key_public(scene->book->key, open);
		assert_memory_equal(task->signer, open, sizeof open);
	}
}

static void store_crew__each_is_judged_by_itself(void **state)
{
	struct scene *scene = *state;
	CLEANUP(signed_commits) struct signed_commits commits = {.objects = {0}};

	commits_make(scene, &commits);
	for (int down = 0; down < 2; down++) {
		CLEANUP(crew) struct crew *crew = NULL;

		assert_ok(scene, crew_new(&crew, &scene->err));
		crew_fill(scene, crew, &commits);
		for (size_t i = 0; i < COMMITS; i++)
			assert_result(scene, crew, &commits, down ? COMMITS - 1 - i : i);
	}
}

/* Who asks in between adds the next ones behind those that are looked at by then. */
static void store_crew__asking_while_adding(void **state)
{
	struct scene *scene = *state;
	CLEANUP(signed_commits) struct signed_commits commits = {.objects = {0}};
	CLEANUP(crew) struct crew *crew = NULL;

	commits_make(scene, &commits);
	assert_ok(scene, crew_new(&crew, &scene->err));
	for (size_t i = 0; i < COMMITS; i++) {
		const struct object *object = &commits.objects.list[i];

		assert_ok(scene,
			crew_add(crew, &commits.oids[i], object->data, object->size, &scene->err));
		if (i % 90 == 0)
			assert_result(scene, crew, &commits, i - i / 3);
	}
	for (size_t i = 0; i < COMMITS; i++)
		assert_result(scene, crew, &commits, i);
}

static void store_crew__one_is_found_near_where_it_should_be(void **state)
{
	struct scene *scene = *state;
	CLEANUP(signed_commits) struct signed_commits commits = {.objects = {0}};
	CLEANUP(crew) struct crew *crew = NULL;
	git_oid other = {{1}};

	commits_make(scene, &commits);
	assert_ok(scene, crew_new(&crew, &scene->err));
	assert_int_equal(crew_find(crew, 0, &other), 0);
	crew_fill(scene, crew, &commits);
	assert_int_equal(crew_find(crew, FAR, &commits.oids[FAR]), FAR);
	assert_int_equal(crew_find(crew, FAR, &commits.oids[FAR + 2]), FAR + 2);
	assert_int_equal(crew_find(crew, FAR, &commits.oids[FAR - 1]), COMMITS);
	assert_int_equal(crew_find(crew, 0, &commits.oids[FAR]), COMMITS);
	assert_int_equal(crew_find(crew, COMMITS, &commits.oids[0]), COMMITS);
	assert_int_equal(crew_find(crew, 0, &other), COMMITS);
}

/* Nobody waits for what is not asked for any more. */
static void store_crew__what_is_left_is_left(void **state)
{
	struct scene *scene = *state;
	CLEANUP(signed_commits) struct signed_commits commits = {.objects = {0}};

	commits_make(scene, &commits);
	for (int i = 0; i < 20; i++) {
		CLEANUP(crew) struct crew *crew = NULL;

		assert_ok(scene, crew_new(&crew, &scene->err));
		crew_fill(scene, crew, &commits);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_crew__each_is_judged_by_itself),
		TEST(store_crew__asking_while_adding),
		TEST(store_crew__one_is_found_near_where_it_should_be),
		TEST(store_crew__what_is_left_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
