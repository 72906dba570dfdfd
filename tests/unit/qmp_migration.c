/* SPDX-License-Identifier: Apache-2.0 */

/* Guests that go from one QEMU to another, and what may happen on the way. */
#include "tests/support/moving.h"

#define PAIR(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

#define NIC                                                                                  \
	"<interface type='user'><mac address='52:54:00:12:34:56'/><model type='virtio'/>"    \
	"<alias name='net0'/><address type='pci' domain='0' bus='0' slot='3' function='0'/>" \
	"</interface>"

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

/* So slow a stream that it is still under way whatever the test does meanwhile. */
static const struct migration_parameters crawling = {.bandwidth = 1 << 20};

/* Once more, to a new QEMU. */
static void try_again(struct pair *pair)
{
	struct dd_error err = {.code = 0};

	cut(pair);
	guest_free(TAKE(pair->to.guest));
	must(guest_destroy(pair->to.folder, &err), &err);
	pair_incoming(pair);
	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	pair_finish(pair);
	assert_counts(pair, "to");
	assert_went_on(pair);
}

static void send_all(struct pair *pair)
{
	struct dd_error err = {.code = 0};

	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	must(guest_migration_go(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_COMPLETED);
}

static void migration__moves_a_paused_guest_and_leaves_it_paused(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	must(guest_stop(pair->from.guest, &err), &err);
	send_all(pair);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	assert_status(pair->to.guest, GUEST_PAUSED);
	must(guest_continue(pair->to.guest, &err), &err);
	assert_counts(pair, "to");
	assert_went_on(pair);
}

/* ---- and back ---- */

static void migration__leaves_a_paused_source_paused(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	must(guest_stop(pair->from.guest, &err), &err);
	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	must(guest_migration_resume_source(pair->from.guest, true, &err), &err);
	assert_status(pair->from.guest, GUEST_PAUSED);
	assert_stands_still(pair, "from");
	/* and it can be moved as if nothing had been */
	try_again(pair);
}

static void migration__is_cancelled_while_it_runs(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	pair_connect(pair, &crawling);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	must(guest_migration_cancel(pair->from.guest, &err), &err);
	assert_runs_on(pair);
	assert_int_equal(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), DD_HYPERVISOR);
	must(guest_migration_cancel(pair->from.guest, &err), &err);
	try_again(pair);
}

static void migration__is_cancelled_before_the_switchover(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	assert_int_equal(guest_migration_arrived(pair->to.guest, 50, &err), DD_BUSY);
	must(guest_migration_cancel(pair->from.guest, &err), &err);
	assert_runs_on(pair);
	assert_int_equal(guest_migration_go(pair->from.guest, &err), DD_CONFLICT);
	assert_says(&err, "cancelled");
	assert_int_equal(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), DD_HYPERVISOR);
	must(guest_await_exit(pair->to.folder, WAIT_MS, &err), &err);
}

static void migration__cannot_be_cancelled_when_all_is_sent(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	send_all(pair);
	assert_int_equal(guest_migration_cancel(pair->from.guest, &err), DD_CONFLICT);
	assert_status(pair->from.guest, GUEST_MOVED_AWAY);
	assert_stands_still(pair, "from");
}

/* ---- deaths ---- */

static void migration__survives_a_destination_that_dies_before_it_begins(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct migration_progress now;
	struct dd_error err = {.code = 0};
	int ends[2];

	relay_open(pair, ends);
	must(guest_migration_prepare(pair->from.guest, true, &plain, &err), &err);
	must(guest_migration_prepare(pair->to.guest, false, &plain, &err), &err);
	must(guest_migrate_receive(pair->to.guest, ends[1], &err), &err);
	close(ends[1]);
	kill_one(pair, 1);
	must(guest_migrate_send(pair->from.guest, ends[0], &err), &err);
	close(ends[0]);
	assert_becomes(pair->from.guest, MIGRATION_FAILED);
	must(guest_migration_progress(pair->from.guest, &now, &err), &err);
	assert_true(now.error[0]);
	assert_runs_on(pair);
}

static void migration__survives_a_destination_that_dies_while_it_runs(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	pair_connect(pair, &crawling);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	kill_one(pair, 1);
	assert_becomes(pair->from.guest, MIGRATION_FAILED);
	assert_runs_on(pair);
	assert_int_equal(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), DD_HYPERVISOR);
	must(guest_migration_resume_source(pair->from.guest, false, &err), &err);
	assert_runs_on(pair);
}

static void migration__survives_a_destination_that_dies_before_the_switchover(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	kill_one(pair, 1);
	must(guest_migration_go(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_FAILED);
	assert_runs_on(pair);
}

static void dies_with_all_of_it(void **state, bool paused)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	if (paused)
		must(guest_stop(pair->from.guest, &err), &err);
	send_all(pair);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	kill_one(pair, 1);
	assert_stands_still(pair, "from");
	must(guest_migration_resume_source(pair->from.guest, paused, &err), &err);
	assert_status(pair->from.guest, paused ? GUEST_PAUSED : GUEST_RUNNING);
	try_again(pair);
}

static void migration__survives_a_destination_that_dies_with_all_of_it(void **state)
{
	dies_with_all_of_it(state, false);
}

static void migration__survives_one_that_dies_with_all_of_a_paused_guest(void **state)
{
	dies_with_all_of_it(state, true);
}

static void migration__ends_a_destination_whose_source_dies(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	pair_connect(pair, &crawling);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	kill_one(pair, 0);
	assert_int_equal(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), DD_HYPERVISOR);
	assert_says(&err, "load of migration failed");
	must(guest_await_exit(pair->to.folder, WAIT_MS, &err), &err);
	assert_int_equal(guest_migration_cancel(pair->from.guest, &err), DD_HYPERVISOR);
}

static void migration__outlives_a_source_that_dies_when_all_is_sent(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	send_all(pair);
	kill_one(pair, 0);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	must(guest_continue(pair->to.guest, &err), &err);
	assert_counts(pair, "to");
	assert_went_on(pair);
}

static void migration__tells_why_a_destination_refuses(void **state)
{
	struct pair *pair = pair_start(state, idle, NIC);
	struct migration_progress now;
	struct dd_error err = {.code = 0};

	define_side(&pair->to, "to", SERIAL);
	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	pair_incoming(pair);
	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_FAILED);
	assert_runs_on(pair);
	must(guest_migration_progress(pair->from.guest, &now, &err), &err);
	assert_true(now.error[0]);
	assert_int_equal(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), DD_HYPERVISOR);
	assert_says(&err, "virtio-net");
}

/* ---- the link ---- */

/* Nothing has been sent for some time. */
static void await_standstill(struct pair *pair, struct migration_progress *now)
{
	int64_t deadline = deadline_in(WAIT_MS);
	uint64_t before;
	struct dd_error err = {.code = 0};

	must(guest_migration_progress(pair->from.guest, now, &err), &err);
	do {
		before = now->transferred;
		assert_true(deadline_left(deadline));
		deadline_nap(300);
		must(guest_migration_progress(pair->from.guest, now, &err), &err);
	} while (now->transferred != before);
}

static void migration__is_cancelled_when_nothing_moves(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct migration_progress now;
	struct dd_error err = {.code = 0};

	pair_connect(pair, &crawling);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	pair->relay.passes[0] = false;
	await_standstill(pair, &now);
	assert_int_equal(now.state, MIGRATION_ACTIVE);
	must(guest_migration_cancel(pair->from.guest, &err), &err);
	assert_runs_on(pair);
}

/* A link that comes back is as good as one that was never gone. */
static void migration__goes_on_when_the_link_comes_back(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct migration_progress now;
	const struct migration_parameters faster = {.bandwidth = 1ull << 30};
	struct dd_error err = {.code = 0};

	pair_connect(pair, &crawling);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	pair->relay.passes[0] = false;
	await_standstill(pair, &now);
	pair->relay.passes[0] = true;
	must(guest_migration_set(pair->from.guest, &faster, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	pair_finish(pair);
	assert_counts(pair, "to");
	assert_went_on(pair);
}

/*
 * The link goes when the guest stands still already: QEMU waits for it, and answers nobody. What
 * asks must not hang, and a cut gets the guest going again.
 */
static void migration__can_be_cut_in_its_last_part(void **state)
{
	struct pair *pair = begin(state, (struct work){.pages = 2048, .delay = 0}, "");
	struct migration_progress now;
	enum migration_state status;
	struct dd_error err = {.code = 0};

	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	pair->relay.passes[0] = false;
	must(guest_migration_go(pair->from.guest, &err), &err);
	must(guest_migration_await(pair->from.guest, MIGRATION_ENDED, 500, &status, &err), &err);
	assert_int_equal(status, MIGRATION_DEVICE);
	assert_stands_still(pair, "from");
	assert_int_equal(guest_migration_cancel(pair->from.guest, &err), DD_BUSY);
	cut(pair);
	must(guest_migration_resume_source(pair->from.guest, false, &err), &err);
	must(guest_migration_progress(pair->from.guest, &now, &err), &err);
	assert_int_equal(now.state, MIGRATION_FAILED);
	assert_runs_on(pair);
}

/*
 * All has arrived, but the destination's word that it has is lost. QEMU runs the guest at the
 * source again; so the destination must not have taken the images.
 */
static void migration__leaves_the_images_to_the_source_when_the_last_word_is_lost(void **state)
{
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	pair->relay.passes[1] = false;
	must(guest_migration_go(pair->from.guest, &err), &err);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	assert_stands_still(pair, "from");
	cut(pair);
	assert_becomes(pair->from.guest, MIGRATION_FAILED);
	assert_runs_on(pair);
	assert_int_equal(guest_continue(pair->to.guest, &err), DD_HYPERVISOR);
	assert_says(&err, "lock");
	assert_runs_on(pair);
}

/* ---- other ways ---- */

static const unsigned char right_key[MIGRATION_KEY_SIZE] = "a key of thirty-two bytes";
static const unsigned char wrong_key[MIGRATION_KEY_SIZE] = "another key of that size";

static bool key_is_there(const struct place *place, struct stat *info)
{
	char path[128];

	snprintf(path, sizeof path, "%s/keys.psk", place->folder);
	return stat(path, info) == 0;
}

static void set_keys(struct pair *pair, const unsigned char *from, const unsigned char *to)
{
	struct dd_error err = {.code = 0};
	struct stat info;

	must(guest_migration_set_key(pair->from.guest, true, from, &err), &err);
	must(guest_migration_set_key(pair->to.guest, false, to, &err), &err);
	assert_false(key_is_there(&pair->from, &info));
	assert_true(key_is_there(&pair->to, &info));
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void forget_keys(struct pair *pair)
{
	struct dd_error err = {.code = 0};
	struct stat info;

	for (int i = 0; i < 2; i++) {
		must(guest_migration_forget_key(pair->from.guest, &err), &err);
		must(guest_migration_forget_key(pair->to.guest, &err), &err);
	}
	assert_false(key_is_there(&pair->to, &info));
}

static void finish_and_check(struct pair *pair)
{
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	pair_finish(pair);
	assert_counts(pair, "to");
	assert_went_on(pair);
}

static void migration__is_encrypted(void **state)
{
	static const struct migration_parameters slow_tls = {.bandwidth = 1 << 20, .tls = true};
	static const struct migration_parameters fast = {.bandwidth = 1ull << 30};
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};

	set_keys(pair, right_key, right_key);
	pair_connect(pair, &slow_tls);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	forget_keys(pair);
	must(guest_migration_set(pair->from.guest, &fast, &err), &err);
	finish_and_check(pair);
}

static void migration__is_refused_with_another_key(void **state)
{
	static const struct migration_parameters tls = {.tls = true};
	struct pair *pair = begin(state, idle, "");
	struct migration_progress now;
	struct dd_error err = {.code = 0};

	set_keys(pair, wrong_key, right_key);
	pair_connect(pair, &tls);
	assert_becomes(pair->from.guest, MIGRATION_FAILED);
	must(guest_migration_progress(pair->from.guest, &now, &err), &err);
	assert_non_null(strstr(now.error, "TLS"));
	assert_runs_on(pair);
	assert_int_not_equal(guest_migration_arrived(pair->to.guest, 100, &err), 0);
	forget_keys(pair);
	try_again(pair);
}

static void migration__goes_over_several_encrypted_connections(void **state)
{
	static const struct migration_parameters tls = {.tls = true, .multifd = 2};
	struct pair *pair = begin(state, idle, "");
	struct dd_error err = {.code = 0};
	unsigned port = 0;
	char uri[64];

	set_keys(pair, right_key, right_key);
	must(guest_migration_prepare(pair->from.guest, true, &tls, &err), &err);
	must(guest_migration_prepare(pair->to.guest, false, &tls, &err), &err);
	assert_int_equal(guest_migration_port(pair->to.guest, &port, &err), DD_NOT_FOUND);
	must(guest_migrate_receive_at(pair->to.guest, "tcp:127.0.0.1:0", &err), &err);
	must(guest_migration_port(pair->to.guest, &port, &err), &err);
	assert_true(port > 0);
	snprintf(uri, sizeof uri, "tcp:127.0.0.1:%u", port);
	must(guest_migrate_send_to(pair->from.guest, uri, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	forget_keys(pair);
	finish_and_check(pair);
}

/* More is changed than can be sent; the guest is slowed down until it fits. */
static void migration__slows_down_a_guest_that_is_too_fast(void **state)
{
	static const struct migration_parameters slowing = {.bandwidth = 8 << 20,
		.downtime_ms = 100,
		.auto_converge = true,
		.throttle_initial = 80,
		.throttle_increment = 15};
	struct pair *pair = begin(state, (struct work){.pages = 2048, .delay = 20000}, "");
	struct migration_progress now;
	struct dd_error err = {.code = 0};
	int64_t deadline = deadline_in(WAIT_MS);

	pair_connect(pair, &slowing);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	do {
		enum migration_state unused;

		must(guest_migration_await(pair->from.guest, MIGRATION_ENDED, 100, &unused, &err),
			&err);
		must(guest_migration_progress(pair->from.guest, &now, &err), &err);
		assert_true(deadline_left(deadline));
	} while (now.state == MIGRATION_ACTIVE && now.throttle < 80);
	assert_true(now.throttle >= 80);
	assert_true(now.dirty_rate > 0);
	assert_true(now.iterations > 1);
	finish_and_check(pair);
}

/* Whatever it changes: while it runs nobody looks for that, and then once. */
static void migration__of_an_emulated_guest_needs_one_pass(void **state)
{
	static const struct migration_parameters once = {
		.bandwidth = 8 << 20, .one_pass = true, .auto_converge = true};
	struct pair *pair = begin(state, (struct work){.pages = 2048, .delay = 0}, "");
	struct migration_progress done;
	struct dd_error err = {.code = 0};
	bool emulated = false;

	must(guest_emulated(pair->from.guest, &emulated, &err), &err);
	assert_true(emulated);
	pair_connect(pair, &once);
	finish_and_check(pair);
	must(guest_migration_progress(pair->from.guest, &done, &err), &err);
	assert_int_equal(done.iterations, 2);
	assert_int_equal(done.throttle, 0);
}

static void migration__brings_the_rest_after_the_guest(void **state)
{
	static const struct migration_parameters later = {.bandwidth = 64 << 20, .postcopy = true};
	struct pair *pair = begin(state, (struct work){.pages = 8192, .delay = 0}, "");
	struct dd_error err = {.code = 0};

	pair_connect(pair, &later);
	assert_becomes(pair->from.guest, MIGRATION_ACTIVE);
	must(guest_migration_postcopy(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	must(guest_migration_go(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_POSTCOPY);
	assert_int_equal(guest_migration_cancel(pair->from.guest, &err), DD_REFUSED);
	assert_int_equal(guest_migration_resume_source(pair->from.guest, false, &err), DD_REFUSED);
	assert_stands_still(pair, "from");
	must(guest_continue(pair->to.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_COMPLETED);
	assert_counts(pair, "to");
	assert_went_on(pair);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(migration__moves_a_running_guest),
		PAIR(migration__moves_a_paused_guest_and_leaves_it_paused),
		PAIR(migration__leaves_a_paused_source_paused),
		PAIR(migration__is_cancelled_while_it_runs),
		PAIR(migration__is_cancelled_before_the_switchover),
		PAIR(migration__cannot_be_cancelled_when_all_is_sent),
		PAIR(migration__survives_a_destination_that_dies_before_it_begins),
		PAIR(migration__survives_a_destination_that_dies_while_it_runs),
		PAIR(migration__survives_a_destination_that_dies_before_the_switchover),
		PAIR(migration__survives_a_destination_that_dies_with_all_of_it),
		PAIR(migration__survives_one_that_dies_with_all_of_a_paused_guest),
		PAIR(migration__ends_a_destination_whose_source_dies),
		PAIR(migration__outlives_a_source_that_dies_when_all_is_sent),
		PAIR(migration__tells_why_a_destination_refuses),
		PAIR(migration__is_cancelled_when_nothing_moves),
		PAIR(migration__goes_on_when_the_link_comes_back),
		PAIR(migration__can_be_cut_in_its_last_part),
		PAIR(migration__leaves_the_images_to_the_source_when_the_last_word_is_lost),
		PAIR(migration__is_encrypted),
		PAIR(migration__is_refused_with_another_key),
		PAIR(migration__goes_over_several_encrypted_connections),
		PAIR(migration__slows_down_a_guest_that_is_too_fast),
		PAIR(migration__of_an_emulated_guest_needs_one_pass),
		PAIR(migration__brings_the_rest_after_the_guest),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
