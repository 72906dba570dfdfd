/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is due when, over days, without a clock: a made-up book that changes as a test says, whose
 * jobs end at once or when the test says, and a time that jumps to whatever is due next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/upkeep.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define EVENTS 16384

/* A book and its remotes, and what was done for them when. */
struct world {
	struct upkeep *upkeep;
	int64_t now;
	int changes; /* versions that were made */
	struct upkeep_view view;
	char mark[32];
	struct {
		int has; /* versions; what current is made from */
		bool hangs;
		bool unnoted;                /* a failure leaves no trace in the book */
		enum upkeep_outcome outcome; /* of the next push */
		struct upkeep_action out;    /* where it hangs */
	} remotes[UPKEEP_REMOTES];
	enum upkeep_outcome outcomes[UPKEEP_KINDS];
	struct event {
		int64_t when;
		struct upkeep_action action;
		bool told;
	} events[EVENTS];
	size_t count;
};

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof world);
	world.now = 1000000;
	world.upkeep = upkeep_new(world.now, 7);
	world.view.push = true;
	*state = &world;
	return world.upkeep ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *world = *state;

	upkeep_free(world->upkeep);
	return 0;
}

static size_t remote_add(struct world *world, const char *name)
{
	size_t at = world->view.remote_count++;

	snprintf(world->view.remotes[at].name, UPKEEP_REMOTE_NAME, "%s", name);
	world->remotes[at].has = -1;
	return at;
}

static void change(struct world *world)
{
	world->changes++;
	world->view.staged += 3;
	upkeep_hint(world->upkeep);
}

static void see(struct world *world)
{
	snprintf(world->mark, sizeof world->mark, "%d", world->changes);
	world->view.mark = world->mark;
	for (size_t i = 0; i < world->view.remote_count; i++)
		world->view.remotes[i].current = world->remotes[i].has == world->changes;
	upkeep_seen(world->upkeep, world->now, &world->view);
}

static size_t remote_at(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->view.remote_count; i++)
		if (strcmp(world->view.remotes[i].name, name) == 0)
			return i;
	fail_msg("a push to '%s', which there is not", name);
	return 0;
}

static bool push_end(struct world *world, const struct upkeep_action *action)
{
	size_t at = remote_at(world, action->remote);
	enum upkeep_outcome outcome = world->remotes[at].outcome;

	world->view.remotes[at].failing = outcome == UPKEEP_FAILED && !world->remotes[at].unnoted;
	world->view.remotes[at].diverged = outcome == UPKEEP_DIVERGED;
	if (outcome != UPKEEP_FAILED) {
		world->remotes[at].has = world->changes;
		world->view.staged = 0;
	}
	return upkeep_done(world->upkeep, world->now, action, outcome);
}

/* Does one job; false where it stays out. */
static bool do_job(struct world *world, const struct upkeep_action *action)
{
	if (action->kind == UPKEEP_LATE)
		return true;
	if (action->kind == UPKEEP_PUSH) {
		size_t at = remote_at(world, action->remote);

		world->remotes[at].out = *action;
		return !world->remotes[at].hangs && push_end(world, action);
	}
	if (action->kind == UPKEEP_LOOK && world->outcomes[UPKEEP_LOOK] == UPKEEP_OK)
		see(world);
	if (action->kind == UPKEEP_CHECKPOINT && !world->outcomes[UPKEEP_CHECKPOINT])
		world->view.staged = 0;
	if (action->kind == UPKEEP_SETTLE && !world->outcomes[UPKEEP_SETTLE])
		world->view.cut_short = 0;
	return upkeep_done(world->upkeep, world->now, action, world->outcomes[action->kind]);
}

/* Lets that much time go by. */
static void pass(struct world *world, int64_t time)
{
	int64_t end = world->now + time;
	struct upkeep_action action;

	for (;;) {
		while (upkeep_next(world->upkeep, world->now, &action)) {
			struct event *event = &world->events[world->count++];

			assert_true(world->count < EVENTS);
			event->when = world->now;
			event->action = action;
			event->told = do_job(world, &action);
		}

		int64_t wait = upkeep_wait(world->upkeep, world->now);

		assert_true(wait > 0);
		if (wait == UPKEEP_NEVER || world->now + wait > end)
			break;
		world->now += wait;
	}
	world->now = end;
}

static size_t count(const struct world *world, enum upkeep_kind kind)
{
	size_t found = 0;

	for (size_t i = 0; i < world->count; i++)
		found += world->events[i].action.kind == kind;
	return found;
}

/* The nth of a kind, from 0. */
static const struct event *nth(const struct world *world, enum upkeep_kind kind, size_t n)
{
	for (size_t i = 0; i < world->count; i++)
		if (world->events[i].action.kind == kind && n-- == 0)
			return &world->events[i];
	fail_msg("there were not so many of kind %d", (int)kind);
	return NULL;
}

/* Forgets what was done so far. */
static int64_t begin(struct world *world)
{
	world->count = 0;
	return world->now;
}

static void assert_between(int64_t value, int64_t least, int64_t most)
{
	if (value < least || value > most)
		fail_msg("%lld is not between %lld and %lld", (long long)value, (long long)least,
			(long long)most);
}

/* ---- idle ---- */

static void daemon_upkeep__idle_it_wakes_once_a_minute(void **state)
{
	struct world *world = *state;

	(void)remote_add(world, "backup");
	pass(world, MINUTE);
	begin(world);
	pass(world, 24 * HOUR);
	assert_between((int64_t)count(world, UPKEEP_LOOK), 1439, 1441);
	assert_int_equal(world->count, count(world, UPKEEP_LOOK));
}

static void daemon_upkeep__looks_more_often_while_somebody_is_at_work(void **state)
{
	struct world *world = *state;

	world->view.under_way = 1;
	pass(world, MINUTE);
	assert_between((int64_t)count(world, UPKEEP_LOOK), 11, 14);
}

static void daemon_upkeep__hints_make_no_more_than_four_looks_a_second(void **state)
{
	struct world *world = *state;

	pass(world, SECOND);
	begin(world);
	for (int i = 0; i < 10000; i++) {
		upkeep_hint(world->upkeep);
		pass(world, 1);
	}
	assert_between((int64_t)count(world, UPKEEP_LOOK), 35, 42);
}

static void daemon_upkeep__a_hint_during_a_look_is_not_lost(void **state)
{
	struct world *world = *state;
	struct upkeep_action action;

	pass(world, SECOND);
	upkeep_hint(world->upkeep);
	assert_true(upkeep_next(world->upkeep, world->now, &action));
	assert_int_equal(action.kind, UPKEEP_LOOK);
	upkeep_hint(world->upkeep);
	see(world);
	upkeep_done(world->upkeep, world->now, &action, UPKEEP_OK);
	begin(world);
	pass(world, SECOND);
	assert_int_equal(count(world, UPKEEP_LOOK), 1);
}

static void daemon_upkeep__a_failed_look_comes_again_soon(void **state)
{
	struct world *world = *state;

	world->outcomes[UPKEEP_LOOK] = UPKEEP_FAILED;
	pass(world, HOUR);
	assert_between((int64_t)count(world, UPKEEP_LOOK), 719, 722);
}

/* ---- checkpoints ---- */

static void daemon_upkeep__a_checkpoint_follows_the_last_change(void **state)
{
	struct world *world = *state;
	int64_t began;

	pass(world, MINUTE);
	begin(world);
	change(world);
	pass(world, 3 * SECOND);
	change(world);
	began = world->now;
	pass(world, HOUR);
	assert_int_equal(count(world, UPKEEP_CHECKPOINT), 1);
	assert_between(nth(world, UPKEEP_CHECKPOINT, 0)->when - began, UPKEEP_CHECKPOINT_QUIET,
		UPKEEP_CHECKPOINT_QUIET + SECOND);
}

static void daemon_upkeep__a_checkpoint_comes_while_changes_go_on(void **state)
{
	struct world *world = *state;

	pass(world, MINUTE);
	begin(world);
	for (int i = 0; i < 300; i++) {
		change(world);
		pass(world, SECOND);
	}
	assert_between((int64_t)count(world, UPKEEP_CHECKPOINT), 4, 5);
}

static void daemon_upkeep__many_staged_objects_wait_for_no_quiet(void **state)
{
	struct world *world = *state;

	pass(world, MINUTE);
	begin(world);
	world->view.staged = UPKEEP_CHECKPOINT_STAGED;
	change(world);
	pass(world, SECOND / 2);
	assert_int_equal(count(world, UPKEEP_CHECKPOINT), 1);
}

static void daemon_upkeep__a_failed_checkpoint_backs_off(void **state)
{
	struct world *world = *state;

	pass(world, MINUTE);
	world->outcomes[UPKEEP_CHECKPOINT] = UPKEEP_FAILED;
	begin(world);
	for (int i = 0; i < 3600; i++) {
		change(world);
		pass(world, SECOND);
	}
	assert_between((int64_t)count(world, UPKEEP_CHECKPOINT), 8, 10);
	world->outcomes[UPKEEP_CHECKPOINT] = UPKEEP_OK;
	pass(world, HOUR);
	assert_int_equal(world->view.staged, 0);
}

/* ---- pushes ---- */

static void daemon_upkeep__a_push_waits_for_quiet(void **state)
{
	struct world *world = *state;
	int64_t began;

	(void)remote_add(world, "backup");
	pass(world, MINUTE);
	begin(world);
	for (int i = 0; i < 5; i++) {
		change(world);
		pass(world, SECOND);
	}
	began = world->now - SECOND;
	pass(world, HOUR);
	assert_int_equal(count(world, UPKEEP_PUSH), 1);
	assert_between(nth(world, UPKEEP_PUSH, 0)->when - began, UPKEEP_PUSH_QUIET,
		UPKEEP_PUSH_QUIET + SECOND);
}

static void daemon_upkeep__a_push_comes_every_half_minute_while_changes_go_on(void **state)
{
	struct world *world = *state;

	(void)remote_add(world, "backup");
	pass(world, MINUTE);
	begin(world);
	for (int i = 0; i < 600; i++) {
		change(world);
		pass(world, SECOND);
	}
	assert_between((int64_t)count(world, UPKEEP_PUSH), 18, 20);
	for (size_t i = 1; i < count(world, UPKEEP_PUSH); i++)
		assert_between(
			nth(world, UPKEEP_PUSH, i)->when - nth(world, UPKEEP_PUSH, i - 1)->when,
			UPKEEP_PUSH_LATEST, UPKEEP_PUSH_LATEST + 2 * SECOND);
}

static void daemon_upkeep__a_failed_push_backs_off_and_changes_do_not_hurry_it(void **state)
{
	struct world *world = *state;
	size_t backup = remote_add(world, "backup");
	int64_t step = UPKEEP_RETRY_FIRST;

	world->remotes[backup].outcome = UPKEEP_FAILED;
	for (int i = 0; i < 2 * 24 * 60; i++) {
		change(world);
		pass(world, MINUTE);
	}
	assert_between((int64_t)count(world, UPKEEP_PUSH), 85, 110);
	for (size_t i = 1; i < count(world, UPKEEP_PUSH); i++) {
		const struct event *before = nth(world, UPKEEP_PUSH, i - 1);
		int64_t waited = nth(world, UPKEEP_PUSH, i)->when - before->when;

		assert_between(before->action.retry, step, step + step / UPKEEP_RETRY_JITTER);
		assert_int_equal(waited, before->action.retry);
		assert_true(before->told);
		step = step * 2 > UPKEEP_RETRY_LONGEST ? UPKEEP_RETRY_LONGEST : step * 2;
	}
	assert_int_equal(step, UPKEEP_RETRY_LONGEST);
}

static void daemon_upkeep__success_resets_the_wait(void **state)
{
	struct world *world = *state;
	size_t backup = remote_add(world, "backup");

	world->remotes[backup].outcome = UPKEEP_FAILED;
	pass(world, 6 * HOUR);
	world->remotes[backup].outcome = UPKEEP_OK;
	pass(world, HOUR);
	assert_int_equal(world->remotes[backup].has, world->changes);
	world->remotes[backup].outcome = UPKEEP_FAILED;
	begin(world);
	change(world);
	pass(world, MINUTE);
	assert_between(nth(world, UPKEEP_PUSH, 0)->action.retry, UPKEEP_RETRY_FIRST,
		UPKEEP_RETRY_FIRST * 2 - 1);
	assert_between((int64_t)count(world, UPKEEP_PUSH), 3, 4);
}

static void daemon_upkeep__somebody_elses_success_resets_the_wait(void **state)
{
	struct world *world = *state;
	size_t backup = remote_add(world, "backup");

	world->remotes[backup].outcome = UPKEEP_FAILED;
	pass(world, 6 * HOUR);
	world->remotes[backup].has = world->changes;
	world->view.remotes[backup].failing = false;
	world->remotes[backup].outcome = UPKEEP_OK;
	upkeep_hint(world->upkeep);
	pass(world, SECOND);
	begin(world);
	change(world);
	pass(world, 4 * SECOND);
	assert_int_equal(count(world, UPKEEP_PUSH), 1);
}

static void daemon_upkeep__a_failure_that_could_not_be_noted_backs_off(void **state)
{
	struct world *world = *state;
	size_t backup = remote_add(world, "backup");

	world->remotes[backup].has = world->changes;
	world->remotes[backup].unnoted = true;
	world->remotes[backup].outcome = UPKEEP_FAILED;
	pass(world, HOUR);
	assert_between((int64_t)count(world, UPKEEP_PUSH), 8, 10);
}

static void daemon_upkeep__each_remote_is_on_its_own(void **state)
{
	struct world *world = *state;
	size_t far = remote_add(world, "far"), stuck = remote_add(world, "stuck");
	size_t near = remote_add(world, "near");

	world->remotes[far].outcome = UPKEEP_FAILED;
	world->remotes[stuck].hangs = true;
	for (int i = 0; i < 60; i++) {
		change(world);
		pass(world, MINUTE);
		assert_int_equal(world->remotes[near].has, world->changes);
	}
	assert_int_equal(upkeep_running(world->upkeep), 1);
	assert_int_equal(world->remotes[stuck].has, -1);
	assert_int_equal(count(world, UPKEEP_LATE), 1);
	assert_string_equal(nth(world, UPKEEP_LATE, 0)->action.remote, "stuck");
	/* and when it comes back to life, it gets what came meanwhile */
	world->remotes[stuck].hangs = false;
	(void)push_end(world, &world->remotes[stuck].out);
	world->remotes[stuck].has = 1;
	pass(world, MINUTE);
	assert_int_equal(world->remotes[stuck].has, world->changes);
	assert_int_equal(upkeep_running(world->upkeep), 0);
}

static void daemon_upkeep__only_so_many_pushes_are_out_at_a_time(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < UPKEEP_REMOTES; i++) {
		char name[16];

		snprintf(name, sizeof name, "r%d", i);
		world->remotes[remote_add(world, name)].hangs = true;
	}
	pass(world, HOUR);
	assert_int_equal(count(world, UPKEEP_PUSH), UPKEEP_PUSHES);
	for (int i = 0; i < UPKEEP_REMOTES; i++)
		world->remotes[i].hangs = false;
	for (int i = 0; i < UPKEEP_PUSHES; i++)
		(void)push_end(world, &world->remotes[i].out);
	pass(world, MINUTE);
	for (int i = 0; i < UPKEEP_REMOTES; i++)
		assert_int_equal(world->remotes[i].has, world->changes);
}

static void daemon_upkeep__what_diverged_is_told_once(void **state)
{
	struct world *world = *state;
	size_t backup = remote_add(world, "backup"), told = 0;

	world->remotes[backup].outcome = UPKEEP_DIVERGED;
	for (int i = 0; i < 100; i++) {
		change(world);
		pass(world, 5 * SECOND);
		/* all else is sent as usual */
		assert_int_equal(world->remotes[backup].has, world->changes);
	}
	for (size_t i = 0; i < count(world, UPKEEP_PUSH); i++)
		told += nth(world, UPKEEP_PUSH, i)->told;
	assert_int_equal(told, 1);
	/* with nothing new it is looked at seldom */
	begin(world);
	pass(world, 24 * HOUR);
	assert_between((int64_t)count(world, UPKEEP_PUSH), 47, 49);
	/* until it is well, and after that it is news again */
	world->remotes[backup].outcome = UPKEEP_OK;
	pass(world, HOUR);
	begin(world);
	pass(world, 24 * HOUR);
	assert_int_equal(count(world, UPKEEP_PUSH), 0);
	world->remotes[backup].outcome = UPKEEP_DIVERGED;
	change(world);
	pass(world, MINUTE);
	assert_true(nth(world, UPKEEP_PUSH, 0)->told);
}

static void daemon_upkeep__pushing_can_be_switched_off(void **state)
{
	struct world *world = *state;
	size_t backup = remote_add(world, "backup");

	world->view.push = false;
	change(world);
	pass(world, 24 * HOUR);
	assert_int_equal(count(world, UPKEEP_PUSH), 0);
	assert_int_equal(count(world, UPKEEP_CHECKPOINT), 1);
	world->view.push = true;
	upkeep_hint(world->upkeep);
	pass(world, SECOND);
	assert_int_equal(world->remotes[backup].has, world->changes);
}

static void daemon_upkeep__a_remote_that_is_removed_is_forgotten(void **state)
{
	struct world *world = *state;
	size_t backup = remote_add(world, "backup");

	world->remotes[backup].outcome = UPKEEP_FAILED;
	pass(world, HOUR);
	world->view.remote_count = 0;
	pass(world, 2 * MINUTE);
	begin(world);
	change(world);
	pass(world, 24 * HOUR);
	assert_int_equal(count(world, UPKEEP_PUSH), 0);
	/* added again it has no past */
	backup = remote_add(world, "backup");
	upkeep_hint(world->upkeep);
	pass(world, 4 * SECOND);
	assert_int_equal(world->remotes[backup].has, -1);
	assert_between(nth(world, UPKEEP_PUSH, 0)->action.retry, UPKEEP_RETRY_FIRST,
		UPKEEP_RETRY_FIRST * 2 - 1);
}

/* ---- settling, autostart, the end ---- */

static void daemon_upkeep__what_was_cut_short_is_settled_when_seen(void **state)
{
	struct world *world = *state;

	world->view.cut_short = 2;
	pass(world, SECOND);
	assert_int_equal(count(world, UPKEEP_SETTLE), 1);
	pass(world, HOUR);
	assert_int_equal(count(world, UPKEEP_SETTLE), 1);
	world->view.cut_short = 1;
	pass(world, 2 * MINUTE);
	assert_int_equal(count(world, UPKEEP_SETTLE), 2);
	/* what cannot be settled is tried more seldom, but a guest may stand still until it is */
	world->outcomes[UPKEEP_SETTLE] = UPKEEP_FAILED;
	world->view.cut_short = 1;
	begin(world);
	pass(world, 10 * HOUR);
	assert_between((int64_t)count(world, UPKEEP_SETTLE),
		10 * HOUR / UPKEEP_SETTLE_LONGEST * 4 / 5, 10 * HOUR / UPKEEP_SETTLE_LONGEST + 3);
}

static void daemon_upkeep__autostart_is_done_once(void **state)
{
	struct world *world = *state;

	world->outcomes[UPKEEP_AUTOSTART] = UPKEEP_FAILED;
	pass(world, MINUTE);
	assert_between((int64_t)count(world, UPKEEP_AUTOSTART), 3, 4);
	world->outcomes[UPKEEP_AUTOSTART] = UPKEEP_OK;
	pass(world, MINUTE);
	begin(world);
	pass(world, 24 * HOUR);
	assert_int_equal(count(world, UPKEEP_AUTOSTART), 0);
}

static void daemon_upkeep__autostart_hears_the_remotes_first(void **state)
{
	struct world *world = *state;
	size_t near = remote_add(world, "near"), late = remote_add(world, "late");
	int64_t began = world->now;

	world->remotes[near].has = world->remotes[late].has = 0;
	world->remotes[late].outcome = UPKEEP_FAILED;
	pass(world, UPKEEP_RETRY_FIRST - SECOND);
	assert_int_equal(count(world, UPKEEP_PUSH), 2);
	assert_int_equal(count(world, UPKEEP_AUTOSTART), 0);
	world->remotes[late].outcome = UPKEEP_OK;
	pass(world, 3 * SECOND);
	assert_between(
		nth(world, UPKEEP_AUTOSTART, 0)->when - began, UPKEEP_RETRY_FIRST, 7 * SECOND);
}

static void daemon_upkeep__autostart_waits_for_no_remote_for_ever(void **state)
{
	struct world *world = *state;
	size_t lost = remote_add(world, "lost");
	int64_t began = world->now;

	world->remotes[lost].outcome = UPKEEP_FAILED;
	pass(world, HOUR);
	assert_int_equal(nth(world, UPKEEP_AUTOSTART, 0)->when - began, UPKEEP_AUTOSTART_LATEST);
}

static void daemon_upkeep__autostart_asks_nobody_where_pushing_is_off(void **state)
{
	struct world *world = *state;

	(void)remote_add(world, "backup");
	world->view.push = false;
	pass(world, SECOND);
	assert_int_equal(count(world, UPKEEP_AUTOSTART), 1);
	assert_int_equal(count(world, UPKEEP_PUSH), 0);
}

static void daemon_upkeep__nothing_begins_after_the_end(void **state)
{
	struct world *world = *state;
	struct upkeep_action action;

	(void)remote_add(world, "backup");
	world->remotes[0].hangs = true;
	pass(world, MINUTE);
	change(world);
	world->view.cut_short = 1;
	upkeep_stop(world->upkeep);
	assert_false(upkeep_next(world->upkeep, world->now + HOUR, &action));
	assert_true(upkeep_wait(world->upkeep, world->now) == UPKEEP_NEVER);
	assert_int_equal(upkeep_running(world->upkeep), 1);
	(void)push_end(world, &world->remotes[0].out);
	assert_int_equal(upkeep_running(world->upkeep), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(daemon_upkeep__##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(idle_it_wakes_once_a_minute),
		TEST(looks_more_often_while_somebody_is_at_work),
		TEST(hints_make_no_more_than_four_looks_a_second),
		TEST(a_hint_during_a_look_is_not_lost),
		TEST(a_failed_look_comes_again_soon),
		TEST(a_checkpoint_follows_the_last_change),
		TEST(a_checkpoint_comes_while_changes_go_on),
		TEST(many_staged_objects_wait_for_no_quiet),
		TEST(a_failed_checkpoint_backs_off),
		TEST(a_push_waits_for_quiet),
		TEST(a_push_comes_every_half_minute_while_changes_go_on),
		TEST(a_failed_push_backs_off_and_changes_do_not_hurry_it),
		TEST(success_resets_the_wait),
		TEST(somebody_elses_success_resets_the_wait),
		TEST(a_failure_that_could_not_be_noted_backs_off),
		TEST(each_remote_is_on_its_own),
		TEST(only_so_many_pushes_are_out_at_a_time),
		TEST(what_diverged_is_told_once),
		TEST(pushing_can_be_switched_off),
		TEST(a_remote_that_is_removed_is_forgotten),
		TEST(what_was_cut_short_is_settled_when_seen),
		TEST(autostart_is_done_once),
		TEST(autostart_hears_the_remotes_first),
		TEST(autostart_waits_for_no_remote_for_ever),
		TEST(autostart_asks_nobody_where_pushing_is_off),
		TEST(nothing_begins_after_the_end),
	};

	return cmocka_run_group_tests_name("daemon_upkeep", tests, NULL, NULL);
}
