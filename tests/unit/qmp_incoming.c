/* SPDX-License-Identifier: Apache-2.0 */

/* What a guest finds where it arrives. */
#include "tests/support/moving.h"
#include "tests/support/network.h"

#include <sys/mman.h>

#define PAIR(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

#define CARD(mac, alias, model, slot, more)                                                      \
	"<interface type='user'><mac address='52:54:00:12:34:" mac "'/><model type='" model      \
	"'/>" more "<alias name='" alias "'/><address type='pci' domain='0' bus='0' slot='" slot \
	"' function='0'/></interface>"

#define MANY                                                                                   \
	CARD("56", "net0", "virtio", "3", "<link state='down'/>")                              \
	CARD("57", "net1", "e1000", "9", "<link state='down'/>")                               \
	CARD("58", "net2", "virtio", "10", "")                                                 \
	"<graphics type='vnc' port='-1' autoport='yes' passwd='secret' "                       \
	"passwdValidTo='2099-01-01T00:00:00'><listen type='address' address='127.0.0.1'/>"     \
	"</graphics><video><model type='cirrus' vram='16384' heads='1' primary='yes'/>"        \
	"<alias name='video0'/><address type='pci' domain='0' bus='0' slot='2' function='0'/>" \
	"</video><memballoon model='virtio'><stats period='5'/><alias name='balloon0'/>"       \
	"<address type='pci' domain='0' bus='0' slot='4' function='0'/></memballoon>"

static void move(struct pair *pair, const struct migration_parameters *parameters)
{
	pair_connect(pair, parameters);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	pair_finish(pair);
	assert_counts(pair, "to");
	assert_went_on(pair);
}

static void incoming__has_all_kinds_of_devices(void **state)
{
	struct pair *pair = begin(state, idle, MANY);

	move(pair, &plain);
	assert_in_step(&pair->to);
}

static void incoming__has_what_was_plugged_in(void **state)
{
	static const char plugged[] =
		CARD("59", "net3", "virtio", "11", "") SCSI_DISK(3, "more.img");
	static const char *const aliases[] = {"net3", "scsi0-0-0-3"};
	struct pair *pair = pair_start(state, idle, "");
	CLEANUP(text) struct text all = TEXT_INIT;
	struct dd_error err = {.code = 0};

	make_image(&pair->from, "more.img");
	text_printf(&all, "%s%s", SERIAL, plugged);
	define_side(&pair->from, "from", text_string(&all));
	define_side(&pair->to, "to", text_string(&all));
	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		must(guest_attach(pair->from.guest, pair->from.live,
			     device(&pair->from, aliases[i]), &err),
			&err);
	pair_incoming(pair);
	move(pair, &plain);
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		assert_true(has(&pair->to, aliases[i]));
	assert_in_step(&pair->to);
}

/* A disk on which nothing can be written any more stops the guest; where it arrives it goes on. */
static void incoming__goes_on_after_an_error_of_the_source(void **state)
{
	static const char disk[] =
		"<disk type='file' device='disk'><driver name='qemu' type='raw' "
		"error_policy='stop'/>"
		"<source file='%s'/><target dev='hdb' bus='ide'/><alias name='ide0-0-1'/>"
		"<address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>";
	struct pair *pair = *state;
	CLEANUP(close) int memory = memfd_create("disk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CLEANUP(text) struct text bad = TEXT_INIT;
	CLEANUP(text) struct text good = TEXT_INIT;
	struct dd_error err = {.code = 0};
	enum guest_status status = GUEST_RUNNING;
	int64_t deadline = deadline_in(WAIT_MS);
	char path[128];

	assert_int_equal(ftruncate(memory, 1 << 20), 0);
	make_image(&pair->from, "good.img");
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), memory);
	text_printf(&bad, disk, path);
	snprintf(path, sizeof path, "%s/good.img", pair->from.root);
	text_printf(&good, "%s", SERIAL);
	text_printf(&good, disk, path);
	pair_start(
		state, (struct work){.pages = 256, .delay = 200, .writes = 1}, text_string(&bad));
	define_side(&pair->to, "to", text_string(&good));
	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	assert_int_equal(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
	while (status == GUEST_RUNNING && deadline_left(deadline))
		must(guest_status(pair->from.guest, &status, &err), &err);
	assert_int_equal(status, GUEST_IO_ERROR);
	pair_incoming(pair);
	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	must(guest_migration_go(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_COMPLETED);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	assert_status(pair->to.guest, GUEST_IO_ERROR);
	must(guest_continue(pair->to.guest, &err), &err);
	assert_counts(pair, "to");
	assert_went_on(pair);
}

/* ---- on one host ---- */

static void share(struct pair *pair)
{
	static const char backing[] = "<memoryBacking><source type='memfd'/>"
				      "<access mode='shared'/></memoryBacking>";

	pair->from.more = pair->to.more = backing;
}

static void incoming__has_the_memory_of_the_source(void **state)
{
	static const struct migration_parameters local = {.ignore_shared = true};
	struct pair *pair = *state;
	struct migration_progress done;
	struct dd_error err = {.code = 0};

	share(pair);
	pair_start(state, idle, "");
	assert_true(guest_memory_in_common(pair->to.live));
	/* into the same file: nothing of it is lost */
	define_side(&pair->to, "from", SERIAL);
	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	must(guest_start_incoming(pair->to.folder, pair->to.live, caps, pair->from.folder,
		     &pair->to.guest, &err),
		&err);
	pair_connect(pair, &local);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	pair_finish(pair);
	assert_counts(pair, "from");
	must(guest_migration_progress(pair->from.guest, &done, &err), &err);
	assert_true(done.transferred < 4u << 20);
	must(guest_destroy(pair->from.folder, &err), &err);
	assert_counts(pair, "from");
	assert_went_on(pair);
}

/* It is the source's memory still, until the guest runs at the destination. */
static void incoming__leaves_the_memory_to_a_source_that_goes_on(void **state)
{
	static const struct migration_parameters local = {.ignore_shared = true};
	struct pair *pair = *state;
	struct dd_error err = {.code = 0};

	share(pair);
	pair_start(state, idle, "");
	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	must(guest_start_incoming(pair->to.folder, pair->to.live, caps, pair->from.folder,
		     &pair->to.guest, &err),
		&err);
	pair_connect(pair, &local);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	must(guest_migration_go(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_COMPLETED);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	must(guest_destroy(pair->to.folder, &err), &err);
	must(guest_migration_resume_source(pair->from.guest, false, &err), &err);
	assert_runs_on(pair);
}

/* Memory that is QEMU's own is sent, and what is there once, such as a tap, taken over. */
static void incoming__takes_over_the_interfaces_of_the_source(void **state)
{
	struct pair *pair = *state;
	struct dd_error err = {.code = 0};

	enter_empty_network();
	pair_start(state, idle, BRIDGE_NIC(0, 3, "testbr0"));
	assert_false(guest_memory_in_common(pair->to.live));
	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	assert_int_equal(guest_start_incoming(
				 pair->to.folder, pair->to.live, caps, NULL, &pair->to.guest, &err),
		DD_EXISTS);
	must(guest_start_incoming(pair->to.folder, pair->to.live, caps, pair->from.folder,
		     &pair->to.guest, &err),
		&err);
	move(pair, &plain);
	assert_true(if_nametoindex(tap_of(&pair->to, "net0")) > 0);
	must(guest_destroy(pair->from.folder, &err), &err);
	assert_true(if_nametoindex(tap_of(&pair->to, "net0")) > 0);
	assert_counts(pair, "to");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(incoming__has_all_kinds_of_devices),
		PAIR(incoming__has_what_was_plugged_in),
		PAIR(incoming__goes_on_after_an_error_of_the_source),
		PAIR(incoming__has_the_memory_of_the_source),
		PAIR(incoming__leaves_the_memory_to_a_source_that_goes_on),
		PAIR(incoming__takes_over_the_interfaces_of_the_source),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
