/* SPDX-License-Identifier: Apache-2.0 */

/* Disks that go with a guest from one QEMU to another. */
#include "qmp/mirror.h"
#include "tests/support/moving.h"

#define PAIR(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
#define ALIAS "ide0-0-1" /* that to which the guest writes */

#define DISK_AT(path, format)                                                             \
	"<disk type='file' device='disk'><driver name='qemu' type='" format "'/>"         \
	"<source file='" path "'/><target dev='hdb' bus='ide'/><alias name='" ALIAS "'/>" \
	"<address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>"
#define DISK(format) DISK_AT("@/$.img", format)
#define SHARED_DISK(format) DISK_AT("@/from.img", format)

static const struct work writing = {.pages = 256, .delay = 200, .writes = 1};

/* ---- images ---- */

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

/* Words that end with NULL. */
static int run(const char *const *words)
{
	char *argv[16] = {NULL};
	int result = -1;
	pid_t child = fork();

	for (size_t i = 0; words[i]; i++)
		memcpy(&argv[i], &words[i], sizeof *argv);
	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &result, 0), child);
	return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static const char *image(const struct pair *pair, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s.img", pair->from.root, name);
	return path;
}

/* An image of 64 MiB; backing, also an image here, may be NULL. */
static void create(struct pair *pair, const char *name, const char *format, const char *backing)
{
	char path[128];
	char below[128];

	image(pair, name, path);
	if (!backing)
		assert_int_equal(RUN("qemu-img", "create", "-q", "-f", format, path, "64M"), 0);
	else
		assert_int_equal(RUN("qemu-img", "create", "-q", "-f", format, "-F", "qcow2", "-b",
					 image(pair, backing, below), path, "64M"),
			0);
}

static void fill(struct pair *pair, const char *name, const char *format, const char *command)
{
	char path[128];

	assert_int_equal(RUN("qemu-io", "-f", format, "-c", command, image(pair, name, path)), 0);
}

static uint64_t room(const struct pair *pair, const char *name)
{
	struct stat info;
	char path[128];

	assert_int_equal(stat(image(pair, name, path), &info), 0);
	return (uint64_t)info.st_blocks * 512;
}

/* The source's may be open, if it does not run. */
static void assert_same(struct pair *pair, const char *format)
{
	char from[128];
	char to[128];

	assert_int_equal(RUN("qemu-img", "compare", "-U", "-q", "-f", format, "-F", format,
				 image(pair, "from", from), image(pair, "to", to)),
		0);
}

/* Another's way to the disk, beside the guest's. */
static void guest_writes(struct guest *guest, const char *command)
{
	struct json *args = json_object();
	struct dd_error err = {.code = 0};
	char line[128];

	snprintf(line, sizeof line, "qemu-io " ALIAS "-format \"%s\"", command);
	json_put_string(args, "command-line", line);
	must(monitor_call(guest->monitor, "human-monitor-command", args, NULL, &err), &err);
}

/* The guest has written its last number but one, or the last, to the destination's image. */
static void assert_last_number(struct pair *pair, const char *format)
{
	CLEANUP(text) struct text said = TEXT_INIT;
	CLEANUP(text) struct text sector = TEXT_INIT;
	struct dd_error err = {.code = 0};
	const char *end;
	unsigned written;
	unsigned last;
	char from[144];
	char to[144];

	snprintf(from, sizeof from, "if=%s/to.img", pair->from.root);
	snprintf(to, sizeof to, "of=%s/sector", pair->from.root);
	assert_int_equal(RUN("qemu-img", "dd", "-f", format, "-O", "raw", "bs=512", "skip=8",
				 "count=9", from, to),
		0);
	must(file_read(to + 3, 65536, &sector, &err), &err);
	read_serial(pair, "to", &said);
	memcpy(&written, text_string(&sector), sizeof written);
	/* what was said here may begin, and end, within a number */
	end = strrchr(text_string(&said), '\n');
	assert_true(end && end - text_string(&said) >= 8);
	last = (unsigned)strtoul(end - 8, NULL, 16);
	assert_true(written == last || written + 1 == last);
}

/* ---- the way there ---- */

static void copy(struct pair *pair, bool top)
{
	struct dd_error err = {.code = 0};
	char path[128];

	must(guest_disks_listen(pair->to.guest, &err), &err);
	must(guest_disks_listen(pair->to.guest, &err), &err);
	must(guest_disk_offer(pair->to.guest, ALIAS, &err), &err);
	must(guest_disk_offer(pair->to.guest, ALIAS, &err), &err);
	snprintf(path, sizeof path, "%s/" MIRROR_SOCKET, pair->to.folder);
	must(guest_disk_mirror(pair->from.guest, ALIAS, path, top, 0, &err), &err);
}

static void move_with_disk(struct pair *pair, const char *format)
{
	struct mirror_progress now;
	struct dd_error err = {.code = 0};

	must(guest_disk_mirror_await(pair->from.guest, ALIAS, WAIT_MS, &err), &err);
	guest_writes(pair->from.guest, "write -P 0x77 20M 128k");
	pair_connect(pair, &plain);
	assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
	must(guest_disk_mirror_progress(pair->from.guest, ALIAS, &now, &err), &err);
	assert_true(now.ready);
	assert_int_equal(now.done, now.total);
	assert_true(now.done >= 4u << 20);
	must(guest_disk_mirror_finish(pair->from.guest, ALIAS, &err), &err);
	assert_int_equal(
		guest_disk_mirror_progress(pair->from.guest, ALIAS, &now, &err), DD_NOT_FOUND);
	must(guest_disks_close(pair->to.guest, &err), &err);
	must(guest_disks_close(pair->to.guest, &err), &err);
	must(guest_migration_go(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_COMPLETED);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	assert_same(pair, format);
	must(guest_continue(pair->to.guest, &err), &err);
	assert_counts(pair, "to");
	assert_went_on(pair);
	must(guest_destroy(pair->to.folder, &err), &err);
	assert_last_number(pair, format);
}

static void moves_with_disk(void **state, const char *format, const char *devices)
{
	struct pair *pair = *state;

	create(pair, "from", format, NULL);
	create(pair, "to", format, NULL);
	fill(pair, "from", format, "write -P 0x5a 3M 4M");
	begin(state, writing, devices);
	copy(pair, false);
	move_with_disk(pair, format);
	if (room(pair, "to") > room(pair, "from") + (1 << 20))
		fail_msg("%lu bytes have become %lu", (unsigned long)room(pair, "from"),
			(unsigned long)room(pair, "to"));
}

static void mirror__copies_a_raw_disk_and_its_holes(void **state)
{
	moves_with_disk(state, "raw", DISK("raw"));
}

static void mirror__copies_a_qcow2_disk_and_its_holes(void **state)
{
	moves_with_disk(state, "qcow2", DISK("qcow2"));
}

static void mirror__copies_the_top_layer_only(void **state)
{
	struct pair *pair = *state;

	create(pair, "base", "qcow2", NULL);
	fill(pair, "base", "qcow2", "write -P 0x11 0 32M");
	create(pair, "from", "qcow2", "base");
	create(pair, "to", "qcow2", "base");
	fill(pair, "from", "qcow2", "write -P 0x5a 3M 4M");
	begin(state, writing, DISK("qcow2"));
	copy(pair, true);
	move_with_disk(pair, "qcow2");
	assert_true(room(pair, "to") < 8 << 20);
}

/* ---- and back ---- */

static struct pair *begin_copy(void **state)
{
	struct pair *pair = *state;

	create(pair, "from", "raw", NULL);
	create(pair, "to", "raw", NULL);
	fill(pair, "from", "raw", "write -P 0x5a 3M 4M");
	begin(state, writing, DISK("raw"));
	copy(pair, false);
	return pair;
}

static void assert_nothing_is_left(struct pair *pair)
{
	CLEANUP(json) struct json *nodes = NULL;
	struct mirror_progress unused;
	struct dd_error err = {.code = 0};

	must(monitor_call(pair->from.guest->monitor, "query-named-block-nodes", NULL, &nodes, &err),
		&err);
	for (size_t i = 0; i < json_count(nodes); i++)
		assert_string_not_equal(
			json_get_string(json_at(nodes, i), "node-name"), ALIAS "-mirror");
	assert_int_equal(
		guest_disk_mirror_progress(pair->from.guest, ALIAS, &unused, &err), DD_NOT_FOUND);
	assert_runs_on(pair);
}

static void mirror__can_be_abandoned(void **state)
{
	struct pair *pair = begin_copy(state);
	struct dd_error err = {.code = 0};

	must(guest_disk_mirror_abandon(pair->from.guest, ALIAS, &err), &err);
	must(guest_disk_mirror_abandon(pair->from.guest, ALIAS, &err), &err);
	assert_nothing_is_left(pair);
	/* and begun anew */
	guest_free(TAKE(pair->to.guest));
	must(guest_destroy(pair->to.folder, &err), &err);
	pair_incoming(pair);
	copy(pair, false);
	move_with_disk(pair, "raw");
}

static void mirror__fails_when_the_destination_dies(void **state)
{
	struct pair *pair = begin_copy(state);
	struct dd_error err = {.code = 0};

	must(guest_disk_mirror_await(pair->from.guest, ALIAS, WAIT_MS, &err), &err);
	kill_one(pair, 1);
	guest_writes(pair->from.guest, "write -P 0x77 20M 128k");
	assert_int_not_equal(guest_disk_mirror_finish(pair->from.guest, ALIAS, &err), 0);
	must(guest_disk_mirror_abandon(pair->from.guest, ALIAS, &err), &err);
	assert_nothing_is_left(pair);
}

/* A destination that is there and does not answer. */
static void mirror__can_be_abandoned_when_nothing_moves(void **state)
{
	struct pair *pair = begin_copy(state);
	struct dd_error err = {.code = 0};

	must(guest_disk_mirror_await(pair->from.guest, ALIAS, WAIT_MS, &err), &err);
	assert_int_equal(kill(pair->pids[1], SIGSTOP), 0);
	must(guest_disk_mirror_abandon(pair->from.guest, ALIAS, &err), &err);
	assert_nothing_is_left(pair);
	assert_int_equal(kill(pair->pids[1], SIGCONT), 0);
}

static void mirror__is_not_done_when_it_is_not(void **state)
{
	struct pair *pair = begin_copy(state);
	struct dd_error err = {.code = 0};
	char path[128];

	must(guest_disk_mirror_abandon(pair->from.guest, ALIAS, &err), &err);
	snprintf(path, sizeof path, "%s/" MIRROR_SOCKET, pair->to.folder);
	/* one byte a second, so to speak */
	must(guest_disk_mirror(pair->from.guest, ALIAS, path, false, 65536, &err), &err);
	assert_int_equal(guest_disk_mirror_await(pair->from.guest, ALIAS, 50, &err), DD_BUSY);
	assert_int_equal(guest_disk_mirror_finish(pair->from.guest, ALIAS, &err), DD_BUSY);
	must(guest_disk_mirror_abandon(pair->from.guest, ALIAS, &err), &err);
	assert_nothing_is_left(pair);
}

/* ---- whose is it ---- */

static void disk__is_known_to_be_shared(void **state)
{
	static const char *const formats[] = {"raw", "qcow2"};
	static const char *const devices[] = {SHARED_DISK("raw"), SHARED_DISK("qcow2")};

	for (int i = 0; i < 2; i++) {
		struct pair *pair = *state;
		struct dd_error err = {.code = 0};
		bool shared = false;

		create(pair, "from", formats[i], NULL);
		begin(state, writing, devices[i]);
		must(guest_disk_shared(pair->to.guest, ALIAS, &shared, &err), &err);
		assert_true(shared);
		must(guest_disks_close(pair->to.guest, &err), &err);
		pair_connect(pair, &plain);
		assert_becomes(pair->from.guest, MIGRATION_PRE_SWITCHOVER);
		pair_finish(pair);
		assert_counts(pair, "to");
		guest_writes(pair->to.guest, "write -P 0x77 20M 128k");
		pair_end(pair);
	}
}

static void disk__is_known_not_to_be_shared(void **state)
{
	static const char cdrom[] =
		"<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>"
		"<source file='@/cd.img'/><target dev='hdc' bus='ide'/><readonly/>"
		"<alias name='ide0-1-0'/><address type='drive' controller='0' bus='1' target='0' "
		"unit='0'/></disk>"
		"<disk type='file' device='cdrom'><target dev='hdd' bus='ide'/><readonly/>"
		"<alias name='ide0-1-1'/><address type='drive' controller='0' bus='1' target='0' "
		"unit='1'/></disk>";
	static const char *const aliases[] = {ALIAS, "ide0-1-0", "ide0-1-1"};
	struct pair *pair = *state;
	CLEANUP(text) struct text devices = TEXT_INIT;
	struct dd_error err = {.code = 0};

	create(pair, "cd", "raw", NULL);
	create(pair, "from", "qcow2", NULL);
	create(pair, "to", "qcow2", NULL);
	fill(pair, "from", "qcow2", "write -P 0x5a 3M 4M");
	text_printf(&devices, "%s%s", DISK("qcow2"), cdrom);
	begin(state, writing, text_string(&devices));
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		bool shared = true;

		must(guest_disk_shared(pair->to.guest, aliases[i], &shared, &err), &err);
		assert_false(shared);
	}
	copy(pair, false);
	move_with_disk(pair, "qcow2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(mirror__copies_a_raw_disk_and_its_holes),
		PAIR(mirror__copies_a_qcow2_disk_and_its_holes),
		PAIR(mirror__copies_the_top_layer_only),
		PAIR(mirror__can_be_abandoned),
		PAIR(mirror__fails_when_the_destination_dies),
		PAIR(mirror__can_be_abandoned_when_nothing_moves),
		PAIR(mirror__is_not_done_when_it_is_not),
		PAIR(disk__is_known_to_be_shared),
		PAIR(disk__is_known_not_to_be_shared),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
