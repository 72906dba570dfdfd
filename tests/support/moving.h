/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_MOVING_H
#define TESTS_SUPPORT_MOVING_H

/* Two QEMUs in two folders of one place; a guest (counting.h) goes from the one to the other. */
#include "base/file.h"
#include "qmp/deadline.h"
#include "qmp/migration.h"
#include "tests/support/counting.h"
#include "tests/support/guest.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define WAIT_MS 60000 /* for what takes a second when the machine has nothing else to do */
#define SERIAL_MAX (64u << 20)

/* Between the two: passes bytes on, as long as it is let. */
struct relay {
	int ends[2];           /* to the source, to the destination */
	atomic_bool passes[2]; /* what the source sends, what the destination answers */
	atomic_bool ended;
	pthread_t thread;
};

struct pair {
	struct place from;
	struct place to; /* the same root, another folder */
	struct relay relay;
	bool relayed; /* it has one */
	pid_t pids[2];
};

__attribute__((unused)) static const struct work idle = {.pages = 256, .delay = 200};
__attribute__((unused)) static const struct migration_parameters plain = {.bandwidth = 0};

__attribute__((unused)) static int pair_setup(void **state)
{
	struct pair *pair = calloc(1, sizeof *pair);
	const char *tmp = getenv("TMPDIR");

	snprintf(pair->from.root, sizeof pair->from.root, "%s/domesday-mig-XXXXXX",
		tmp ? tmp : "/tmp");
	if (!mkdtemp(pair->from.root))
		return -1;
	pair->to = pair->from;
	snprintf(pair->from.folder, sizeof pair->from.folder, "%s/from", pair->from.root);
	snprintf(pair->to.folder, sizeof pair->to.folder, "%s/to", pair->from.root);
	pair->from.caps = pair->to.caps = caps;
	*state = pair;
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static bool send_bytes(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		size -= (size_t)sent;
	}
	return true;
}

/* Passes on what has come from one end; false where nothing more will. */
static bool relay_pass(struct relay *relay, int from)
{
	char bytes[65536];
	struct pollfd ready = {.fd = relay->ends[from], .events = POLLIN};

	if (!relay->passes[from] || poll(&ready, 1, 1) <= 0)
		return true;

	ssize_t size = recv(relay->ends[from], bytes, sizeof bytes, 0);

	if (size > 0 && send_bytes(relay->ends[1 - from], bytes, (size_t)size))
		return true;
	shutdown(relay->ends[1 - from], SHUT_WR);
	shutdown(relay->ends[from], SHUT_RD);
	return false;
}

static void *relay_run(void *context)
{
	struct relay *relay = context;
	bool open[2] = {true, true};

	while (!relay->ended && (open[0] || open[1]))
		for (int i = 0; i < 2; i++)
			open[i] = open[i] && relay_pass(relay, i);
	return NULL;
}

/* Cuts the connection. */
__attribute__((unused)) static void cut(struct pair *pair)
{
	if (!pair->relayed)
		return;
	pair->relayed = false;
	pair->relay.ended = true;
	for (int i = 0; i < 2; i++)
		shutdown(pair->relay.ends[i], SHUT_RDWR);
	pthread_join(pair->relay.thread, NULL);
	for (int i = 0; i < 2; i++)
		close(pair->relay.ends[i]);
}

/* Gives the two ends of a connection that can be held up and cut. */
__attribute__((unused)) static void relay_open(struct pair *pair, int ends[2])
{
	struct relay *relay = &pair->relay;

	for (int i = 0; i < 2; i++) {
		int both[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
		ends[i] = both[0];
		relay->ends[i] = both[1];
		relay->passes[i] = true;
	}
	relay->ended = false;
	pair->relayed = true;
	assert_int_equal(pthread_create(&relay->thread, NULL, relay_run, relay), 0);
}

/* Both QEMUs are gone afterwards. */
__attribute__((unused)) static void pair_end(struct pair *pair)
{
	struct place *places[] = {&pair->from, &pair->to};

	cut(pair);
	for (int i = 0; i < 2; i++) {
		guest_free(TAKE(places[i]->guest));
		guest_destroy(places[i]->folder, NULL);
		document_free(TAKE(places[i]->live));
	}
}

__attribute__((unused)) static int pair_teardown(void **state)
{
	struct pair *pair = *state;

	pair_end(pair);
	nftw(pair->from.root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(pair);
	return 0;
}

__attribute__((unused)) static void write_boot(const char *path, struct work work)
{
	assert_int_equal(boot_write(path, work), 0);
}

#define BOOT_DISK                                                               \
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"      \
	"<source file='@/boot.img'/><target dev='hda' bus='ide'/>"              \
	"<alias name='ide0-0-0'/><address type='drive' controller='0' bus='0' " \
	"target='0' unit='0'/></disk>"

#define SERIAL                                                                            \
	"<serial type='file'><source path='@/$.log'/><target type='isa-serial' port='0'>" \
	"<model name='isa-serial'/></target><alias name='serial0'/></serial>"

/* Each $ becomes the name of the side. */
__attribute__((unused)) static void define_side(
	struct place *place, const char *side, const char *devices)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	text_puts(&text, BOOT_DISK);
	for (const char *at = devices; *at; at++)
		if (*at == '$')
			text_puts(&text, side);
		else
			text_putc(&text, *at);
	define(place, "pc", text_string(&text));
}

/* Defines both, with the devices that they have in common, and starts the source's. */
__attribute__((unused)) static struct pair *pair_start(
	void **state, struct work work, const char *devices)
{
	struct pair *pair = *state;
	CLEANUP(text) struct text text = TEXT_INIT;
	struct dd_error err = {.code = 0};
	char path[128];

	snprintf(path, sizeof path, "%s/boot.img", pair->from.root);
	write_boot(path, work);
	text_printf(&text, "%s%s", SERIAL, devices);
	define_side(&pair->from, "from", text_string(&text));
	define_side(&pair->to, "to", text_string(&text));
	must(guest_start(pair->from.folder, pair->from.live, caps, &pair->from.guest, &err), &err);
	pair->pids[0] = guest_pid(pair->from.guest);
	return pair;
}

__attribute__((unused)) static void pair_incoming(struct pair *pair)
{
	struct dd_error err = {.code = 0};

	must(guest_start_incoming(
		     pair->to.folder, pair->to.live, caps, NULL, &pair->to.guest, &err),
		&err);
	pair->pids[1] = guest_pid(pair->to.guest);
}

/* Tells both all that comes before the stream, and lets it begin. */
__attribute__((unused)) static void pair_connect(
	struct pair *pair, const struct migration_parameters *parameters)
{
	struct dd_error err = {.code = 0};
	int ends[2];

	relay_open(pair, ends);
	must(guest_migration_prepare(pair->from.guest, true, parameters, &err), &err);
	must(guest_migration_prepare(pair->to.guest, false, parameters, &err), &err);
	must(guest_migrate_receive(pair->to.guest, ends[1], &err), &err);
	close(ends[1]);
	must(guest_migrate_send(pair->from.guest, ends[0], &err), &err);
	close(ends[0]);
}

__attribute__((unused)) static void kill_one(struct pair *pair, int which)
{
	const struct place *place = which ? &pair->to : &pair->from;
	struct dd_error err = {.code = 0};

	assert_int_equal(kill(pair->pids[which], SIGKILL), 0);
	must(guest_await_exit(place->folder, WAIT_MS, &err), &err);
}

/* ---- what the guest said ---- */

__attribute__((unused)) static void read_serial(
	const struct pair *pair, const char *name, struct text *out)
{
	char path[128];
	struct dd_error err = {.code = 0};

	snprintf(path, sizeof path, "%s/%s.log", pair->from.root, name);

	int code = file_read(path, SERIAL_MAX, out, &err);

	if (code != DD_NOT_FOUND)
		must(code, &err);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

__attribute__((unused)) static size_t lines(const struct pair *pair, const char *name)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	read_serial(pair, name, &text);
	return count_lines(text_string(&text));
}

/* Waits for the guest to say so many numbers more. */
__attribute__((unused)) static void assert_counts(const struct pair *pair, const char *name)
{
	size_t wanted = lines(pair, name) + 3;
	int64_t deadline = deadline_in(WAIT_MS);

	while (lines(pair, name) < wanted) {
		if (!deadline_left(deadline))
			fail_msg("the guest stands still");
		deadline_nap(5);
	}
}

__attribute__((unused)) static void assert_stands_still(const struct pair *pair, const char *name)
{
	size_t before = lines(pair, name);

	deadline_nap(150);
	assert_int_equal(lines(pair, name), before);
}

/* All that was said on both sides, in order, goes up by one. */
__attribute__((unused)) static void assert_went_on(const struct pair *pair)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	unsigned long expected = 0;
	char *at;

	read_serial(pair, "from", &text);
	read_serial(pair, "to", &text);
	at = strstr(text_string(&text), "00000001\n");
	assert_non_null(at);
	for (; strlen(at) >= 9; at += 9) {
		char *end = NULL;

		if (strtoul(at, &end, 16) != ++expected || end != at + 8 || *end != '\n')
			fail_msg("%.9s comes where %08lx should", at, expected);
	}
}

/* ---- steps ---- */

/* Runs the guest until both sides are ready for the stream to begin. */
__attribute__((unused)) static struct pair *begin(
	void **state, struct work work, const char *devices)
{
	struct pair *pair = pair_start(state, work, devices);
	struct dd_error err = {.code = 0};

	must(guest_continue(pair->from.guest, &err), &err);
	assert_counts(pair, "from");
	pair_incoming(pair);
	return pair;
}

/* Waits until the source's migration is in that state. */
__attribute__((unused)) static void assert_becomes(struct guest *guest, enum migration_state wanted)
{
	int64_t deadline = deadline_in(WAIT_MS);
	enum migration_state state = MIGRATION_NONE;
	struct dd_error err = {.code = 0};

	do
		must(guest_migration_await(guest, MIGRATION_IN(wanted) | MIGRATION_ENDED,
			     deadline_left(deadline), &state, &err),
			&err);
	while (!(MIGRATION_IN(state) & (MIGRATION_IN(wanted) | MIGRATION_ENDED)) &&
		deadline_left(deadline));
	if (state != wanted) {
		struct migration_progress now = {.state = state};

		guest_migration_progress(guest, &now, NULL);
		fail_msg("it is '%s', not '%s': %s", migration_state_name(state),
			migration_state_name(wanted), now.error);
	}
}

__attribute__((unused)) static void assert_status(struct guest *guest, enum guest_status wanted)
{
	enum guest_status status;
	struct dd_error err = {.code = 0};

	must(guest_status(guest, &status, &err), &err);
	assert_int_equal(status, wanted);
}

/* From PRE_SWITCHOVER to the guest's running at the destination. */
__attribute__((unused)) static void pair_finish(struct pair *pair)
{
	struct dd_error err = {.code = 0};

	must(guest_migration_go(pair->from.guest, &err), &err);
	assert_becomes(pair->from.guest, MIGRATION_COMPLETED);
	must(guest_migration_arrived(pair->to.guest, WAIT_MS, &err), &err);
	must(guest_settle_arrived(pair->to.guest, pair->to.live, &err), &err);
	must(guest_continue(pair->to.guest, &err), &err);
	must(guest_announce(pair->to.guest, &err), &err);
}

/* It goes on at the source, as if nothing had been. */
__attribute__((unused)) static void assert_runs_on(struct pair *pair)
{
	assert_status(pair->from.guest, GUEST_RUNNING);
	assert_counts(pair, "from");
	assert_went_on(pair);
}

#endif
