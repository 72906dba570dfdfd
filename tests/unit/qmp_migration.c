/* SPDX-License-Identifier: Apache-2.0 */

/* Guests that go from one QEMU to another, and what may happen on the way. */
#include "base/file.h"
#include "tests/support/moving.h"

#define PAIR(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

static const struct work idle = {.pages = 256, .delay = 200};
static const struct migration_parameters plain = {.bandwidth = 0};

/* ---- the way there ---- */

static void migration__moves_a_running_guest(void **state)
{
	struct pair *pair = pair_start(state, idle, "");
	struct migration_progress done;
	struct dd_error err = {.code = 0};

	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	pair_incoming(pair);
	assert_status(pair->to.guest, GUEST_INCOMING);
	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	assert_status(pair->from.guest, GUEST_SWITCHING);
	assert_stands_still(pair, "from");
	pair_finish(pair);
	assert_status(pair->from.guest, GUEST_MOVED_AWAY);
	assert_status(pair->to.guest, GUEST_RUNNING);
	assert_counts(pair, "to");
	assert_went_on(pair);
	must(guest_migration_progress(pair->from.guest, &done, &err), &err);
	assert_int_equal(done.state, MIGRATION_COMPLETED);
	assert_true(done.total >= 128u << 20);
	assert_true(done.transferred > 1u << 20);
	assert_int_equal(done.page_size, 4096);
	assert_true(done.total_ms > 0);
	assert_true(done.downtime_ms >= 150);
	assert_string_equal(done.error, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(migration__moves_a_running_guest),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
