/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of a channel over loopback, each on a thread; and what happens when one does not play.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "migrate/channel/address.h"
#include "migrate/channel/channel_internal.h"
#include "migrate_peers.h"
#include "qmp/deadline.h"

#define MIB (1u << 20)
#define SOON_MS 2000 /* for what has to come at once, on a busy machine */

struct scene {
	struct party caller, called;
	struct channel_self calls, answers;
	char address[ADDRESS_MAX];
	int listener;
	atomic_bool stop;
	enum handshake_verdict verdict;
	/* the two ends */
	struct channel *near, *far;
	int accepted; /* what channel_accept() said */
	struct dd_error err, far_err;
};

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	assert_non_null(scene);
	assert_int_equal(sodium_init() < 0, 0);
	party_init(&scene->caller);
	party_init(&scene->called);
	scene->calls = (struct channel_self){party_self(&scene->caller), &scene->stop};
	scene->answers = (struct channel_self){party_self(&scene->called), &scene->stop};
	scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(scene->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(scene->listener, 4), 0);
	assert_int_equal(getsockname(scene->listener, (struct sockaddr *)&address, &size), 0);
	snprintf(scene->address, sizeof scene->address, "127.0.0.1:%d", ntohs(address.sin_port));
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	channel_close(scene->near);
	channel_close(scene->far);
	close(scene->listener);
	free(scene);
	return 0;
}

static enum handshake_verdict judge(void *context, const unsigned char key[32])
{
	const struct scene *scene = context;

	assert_memory_equal(key, scene->caller.key, 32);
	return scene->verdict;
}

static void *answer(void *context)
{
	struct scene *scene = context;
	int fd = accept(scene->listener, NULL, NULL);

	scene->accepted =
		channel_accept(fd, &scene->answers, judge, scene, &scene->far, &scene->far_err);
	return NULL;
}

static int meet(struct scene *scene, const unsigned char *expected)
{
	pthread_t thread;
	int rc;

	assert_int_equal(pthread_create(&thread, NULL, answer, scene), 0);
	rc = channel_connect(&scene->calls, scene->address, expected, 0, &scene->near, &scene->err);
	pthread_join(thread, NULL);
	return rc;
}

static int setup_met(void **state)
{
	struct scene *scene;

	setup(state);
	scene = *state;
	if (meet(scene, scene->called.key))
		fail_msg("%s", scene->err.message);
	assert_int_equal(scene->accepted, 0);
	return 0;
}

/* ---- getting to know each other ---- */

static void migrate_channel__both_know_who_is_there(void **state)
{
	struct scene *scene = *state;

	assert_memory_equal(channel_peer(scene->near), scene->called.key, 32);
	assert_memory_equal(channel_peer(scene->far), scene->caller.key, 32);
	assert_string_equal(channel_cipher(scene->near), channel_cipher(scene->far));
}

static void migrate_channel__a_stranger_is_named_and_told(void **state)
{
	struct scene *scene = *state;
	char print[KEY_WORDS_SIZE];

	scene->verdict = VERDICT_UNKNOWN;
	assert_int_equal(meet(scene, scene->called.key), DD_REFUSED);
	assert_non_null(strstr(scene->err.message, "does not know this host's key"));
	assert_int_equal(scene->accepted, DD_REFUSED);
	key_fingerprint(scene->caller.key, print);
	assert_non_null(strstr(scene->far_err.message, print));
	assert_null(scene->near);
	assert_null(scene->far);
}

static void migrate_channel__whoever_else_answers_is_refused(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(meet(scene, scene->caller.key), DD_REFUSED);
	assert_int_equal(scene->accepted, DD_SYSTEM);
	assert_string_equal(scene->far_err.message,
		"in the middle of the handshake: the other side has hung up");
	assert_null(scene->near);
}

static void migrate_channel__a_key_can_be_asked_for(void **state)
{
	struct scene *scene = *state;
	unsigned char key[32];
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, answer, scene), 0);
	assert_int_equal(channel_ask_key(scene->address, 0, key, &scene->err), 0);
	pthread_join(thread, NULL);
	assert_memory_equal(key, scene->called.key, 32);
	assert_int_equal(scene->accepted, DD_SYSTEM);
}

static void migrate_channel__nobody_there_is_said_at_once(void **state)
{
	struct scene *scene = *state;
	int64_t began = deadline_now();

	shutdown(scene->listener, SHUT_RDWR);
	assert_int_equal(channel_connect(&scene->calls, scene->address, scene->called.key, 5000,
				 &scene->near, &scene->err),
		DD_SYSTEM);
	assert_non_null(strstr(scene->err.message, "Connection refused"));
	assert_non_null(strstr(scene->err.message, scene->address));
	assert_true(deadline_now() - began < SOON_MS);
}

/* It listens, and never says a word. */
static void migrate_channel__who_never_answers_is_left_in_time(void **state)
{
	struct scene *scene = *state;
	int64_t began = deadline_now();

	assert_int_equal(channel_connect(&scene->calls, scene->address, scene->called.key, 300,
				 &scene->near, &scene->err),
		DD_SYSTEM);
	assert_non_null(strstr(scene->err.message, "did not finish the handshake in time"));
	assert_true(deadline_now() - began >= 300);
	assert_true(deadline_now() - began < 300 + SOON_MS);
}

/* ---- messages ---- */

struct sender {
	struct channel *channel;
	const void *data;
	size_t size;
	int rc;
	struct dd_error err;
};

static void *send_all(void *context)
{
	struct sender *sender = context;

	sender->rc = channel_send(sender->channel, sender->data, sender->size, &sender->err);
	return NULL;
}

static void migrate_channel__messages_of_every_size_arrive(void **state)
{
	static const size_t sizes[] = {
		0, 1, 65535, 65536, 65537, 4 * 65536, 4 * 65536 + 1, MIB, CHANNEL_MESSAGE_MAX};
	struct scene *scene = *state;
	unsigned char *data = malloc(CHANNEL_MESSAGE_MAX);

	assert_non_null(data);
	randombytes_buf(data, CHANNEL_MESSAGE_MAX);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		CLEANUP(text) struct text came = TEXT_INIT;
		struct sender sender = {.channel = scene->near, .data = data, .size = sizes[i]};
		pthread_t thread;
		int rc = DD_BUSY;

		assert_int_equal(pthread_create(&thread, NULL, send_all, &sender), 0);
		/* also in bits: what came before the time was over is not lost */
		for (int tries = 0; rc == DD_BUSY && tries < 100000; tries++)
			rc = channel_receive(
				scene->far, sizes[i], i % 2 ? 0 : SOON_MS, &came, &scene->err);
		pthread_join(thread, NULL);
		assert_int_equal(sender.rc, 0);
		if (rc)
			fail_msg("%s", scene->err.message);
		assert_int_equal(came.size, sizes[i]);
		assert_memory_equal(text_string(&came), data, sizes[i]);
	}
	assert_int_equal(
		channel_send(scene->near, data, CHANNEL_MESSAGE_MAX + 1, NULL), DD_INVALID);
	assert_int_equal(channel_send(scene->near, data, 3, NULL), 0); /* and it is good for more */
	free(data);
}

static void migrate_channel__silence_is_no_failure(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text came = TEXT_INIT;

	assert_int_equal(channel_receive(scene->far, 10, 20, &came, &scene->err), DD_BUSY);
	assert_int_equal(channel_receive(scene->far, 10, 0, &came, &scene->err), DD_BUSY);
	assert_int_equal(channel_send(scene->near, "one", 3, &scene->err), 0);
	assert_int_equal(channel_send(scene->near, "two", 3, &scene->err), 0);
	assert_int_equal(channel_receive(scene->far, 10, SOON_MS, &came, &scene->err), 0);
	assert_int_equal(channel_receive(scene->far, 10, SOON_MS, &came, &scene->err), 0);
	assert_string_equal(text_string(&came), "onetwo");
}

static void migrate_channel__more_than_is_wanted_ends_it(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text came = TEXT_INIT;

	assert_int_equal(channel_send(scene->near, "eleven byte", 11, NULL), 0);
	assert_int_equal(channel_receive(scene->far, 10, SOON_MS, &came, &scene->err), DD_CORRUPT);
	assert_int_equal(came.size, 0);
	assert_int_equal(channel_receive(scene->far, 20, SOON_MS, &came, &scene->err), DD_SYSTEM);
}

static void migrate_channel__an_end_in_good_order_is_not_a_cut(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text came = TEXT_INIT;

	assert_int_equal(channel_send(scene->near, "last", 4, NULL), 0);
	channel_close(scene->near);
	scene->near = NULL;
	assert_int_equal(channel_receive(scene->far, 10, SOON_MS, &came, NULL), 0);
	assert_int_equal(
		channel_receive(scene->far, 10, SOON_MS, &came, &scene->err), DD_NOT_FOUND);
}

static void migrate_channel__a_cut_is_not_an_end(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text came = TEXT_INIT;

	assert_int_equal(channel_send(scene->near, "last", 4, NULL), 0);
	shutdown(scene->near->link.fd, SHUT_RDWR);
	assert_int_equal(channel_receive(scene->far, 10, SOON_MS, &came, NULL), 0);
	assert_int_equal(channel_receive(scene->far, 10, SOON_MS, &came, &scene->err), DD_SYSTEM);
	assert_int_equal(
		channel_send(scene->near, "more", 4, NULL), DD_SYSTEM); /* and no SIGPIPE */
}

static void migrate_channel__bytes_of_somebody_else_end_it(void **state)
{
	static const char *const cases[] = {
		"GET / HTTP/1.1\r\n\r\n", "\2\0\0\4aaaabbbbbbbbbbbbbbbb"};

	for (size_t i = 0; i < 2; i++) {
		struct scene *scene = *state;
		CLEANUP(text) struct text came = TEXT_INIT;

		assert_int_equal(write(scene->near->link.fd, cases[i], i ? 24 : 18), i ? 24 : 18);
		assert_int_equal(
			channel_receive(scene->far, 10, SOON_MS, &came, &scene->err), DD_CORRUPT);
		assert_int_equal(came.size, 0);
		teardown(state);
		setup_met(state);
	}
}

static void *raise_flag(void *context)
{
	deadline_nap(100);
	atomic_store(&((struct scene *)context)->stop, true);
	return NULL;
}

/* Does something that would wait for long, while the flag goes up. */
static void assert_stops(struct scene *scene, int (*waits)(struct scene *scene))
{
	int64_t began = deadline_now();
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, raise_flag, scene), 0);
	assert_int_equal(waits(scene), DD_SYSTEM);
	pthread_join(thread, NULL);
	assert_true(deadline_now() - began < SOON_MS);
	assert_non_null(strstr(scene->err.message, "told to stop"));
	atomic_store(&scene->stop, false);
}

static int waits_to_receive(struct scene *scene)
{
	struct text came = TEXT_INIT;

	return channel_receive(scene->far, 10, 60000, &came, &scene->err);
}

static int waits_to_send(struct scene *scene)
{
	static char much[CHANNEL_MESSAGE_MAX];

	return channel_send(scene->near, much, sizeof much, &scene->err);
}

static void migrate_channel__a_flag_ends_every_wait(void **state)
{
	struct scene *scene = *state;

	assert_stops(scene, waits_to_receive);
	assert_stops(scene, waits_to_send);
}

/* ---- relays ---- */

struct relaying {
	struct channel *channel;
	int inner, outer; /* a pair of sockets; inner is relayed */
	int stall_ms, rc;
	const atomic_bool *stop;
	_Atomic uint64_t counts[2];
	struct dd_error err;
	pthread_t thread;
};

static void *relay(void *context)
{
	struct relaying *relaying = context;

	relaying->rc = channel_relay(relaying->channel, relaying->inner, relaying->stop,
		relaying->stall_ms, relaying->counts, &relaying->err);
	return NULL;
}

static void relay_begin(struct relaying *relaying, struct channel *channel, int stall_ms)
{
	int pair[2];

	memset(relaying, 0, sizeof *relaying);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	relaying->channel = channel;
	relaying->inner = pair[0];
	relaying->outer = pair[1];
	relaying->stall_ms = stall_ms;
	assert_int_equal(pthread_create(&relaying->thread, NULL, relay, relaying), 0);
}

static int relay_end(struct relaying *relaying)
{
	pthread_join(relaying->thread, NULL);
	close(relaying->inner);
	close(relaying->outer);
	return relaying->rc;
}

struct pump {
	int fd;
	unsigned char *data; /* written, or read into */
	size_t size, done;
	pthread_t thread;
};

static void *pump_in(void *context)
{
	struct pump *pump = context;
	ssize_t count = 1;

	while (pump->done < pump->size && count > 0) {
		/* in pieces of all sizes */
		size_t piece = pump->done % 100001 + 1;

		if (piece > pump->size - pump->done)
			piece = pump->size - pump->done;
		count = send(pump->fd, pump->data + pump->done, piece, MSG_NOSIGNAL);
		pump->done += count > 0 ? (size_t)count : 0;
	}
	shutdown(pump->fd, SHUT_WR);
	return NULL;
}

static void *pump_out(void *context)
{
	struct pump *pump = context;
	ssize_t count = 1;

	while (count > 0) {
		count = read(pump->fd, pump->data + pump->done, pump->size - pump->done + 1);
		pump->done += count > 0 ? (size_t)count : 0;
	}
	return NULL;
}

static void pump_begin(struct pump *pump, int fd, size_t size, void *(*run)(void *))
{
	*pump = (struct pump){.fd = fd, .data = malloc(size + 1), .size = size};
	assert_non_null(pump->data);
	if (run == pump_in)
		randombytes_buf(pump->data, size);
	assert_int_equal(pthread_create(&pump->thread, NULL, run, pump), 0);
}

static void migrate_channel__a_relay_carries_both_ways_and_then_messages(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text came = TEXT_INIT;
	struct relaying near, far;
	struct pump pumps[4];

	/* a message before it, which the relay of the other side must leave in peace */
	assert_int_equal(channel_send(scene->near, "go", 2, NULL), 0);
	relay_begin(&near, scene->near, 0);
	assert_int_equal(channel_receive(scene->far, 10, SOON_MS, &came, NULL), 0);
	relay_begin(&far, scene->far, 0);
	pump_begin(&pumps[0], near.outer, 9 * MIB + 12345, pump_in);
	pump_begin(&pumps[1], far.outer, 9 * MIB + 12345, pump_out);
	pump_begin(&pumps[2], far.outer, 3 * MIB, pump_in);
	pump_begin(&pumps[3], near.outer, 3 * MIB, pump_out);
	for (size_t i = 0; i < 4; i++)
		pthread_join(pumps[i].thread, NULL);
	assert_int_equal(relay_end(&near), 0);
	assert_int_equal(relay_end(&far), 0);
	for (size_t i = 0; i < 4; i += 2) {
		assert_int_equal(pumps[i + 1].done, pumps[i].size);
		assert_memory_equal(pumps[i].data, pumps[i + 1].data, pumps[i].size);
	}
	assert_int_equal(near.counts[0], pumps[0].size);
	assert_int_equal(near.counts[1], pumps[2].size);
	assert_int_equal(far.counts[1], pumps[0].size);
	for (size_t i = 0; i < 4; i++)
		free(pumps[i].data);

	text_clear(&came);
	assert_int_equal(channel_send(scene->far, "done", 4, NULL), 0);
	assert_int_equal(channel_receive(scene->near, 10, SOON_MS, &came, &scene->err), 0);
	assert_string_equal(text_string(&came), "done");
}

/* One stream ends long before the other, as the one of a guest's memory does. */
static void migrate_channel__half_of_a_relay_may_end(void **state)
{
	struct scene *scene = *state;
	struct relaying near, far;
	char word[8] = "";

	relay_begin(&near, scene->near, 0);
	relay_begin(&far, scene->far, 0);
	assert_int_equal(write(near.outer, "all", 3), 3);
	shutdown(near.outer, SHUT_WR);
	assert_int_equal(recv(far.outer, word, 3, MSG_WAITALL), 3);
	assert_int_equal(read(far.outer, word, 1), 0);
	deadline_nap(50);
	assert_int_equal(write(far.outer, "thanks", 6), 6);
	assert_int_equal(recv(near.outer, word, 6, MSG_WAITALL), 6);
	assert_memory_equal(word, "thanks", 6);
	shutdown(far.outer, SHUT_WR);
	assert_int_equal(read(near.outer, word, 1), 0);
	assert_int_equal(relay_end(&near), 0);
	assert_int_equal(relay_end(&far), 0);
}

static void migrate_channel__a_stream_that_stands_still_is_noticed(void **state)
{
	struct scene *scene = *state;
	struct relaying near, far;
	struct pump pump;
	int64_t began = deadline_now();

	relay_begin(&near, scene->near, 0);
	relay_begin(&far, scene->far, 300); /* nobody reads its stream */
	pump_begin(&pump, near.outer, 32 * MIB, pump_in);
	pthread_join(far.thread, NULL);
	assert_int_equal(far.rc, DD_SYSTEM);
	assert_non_null(strstr(far.err.message, "has taken nothing"));
	assert_true(deadline_now() - began >= 300);
	channel_close(scene->far);
	scene->far = NULL;
	pthread_join(near.thread, NULL); /* for which the link is broken then */
	assert_int_equal(near.rc, DD_SYSTEM);
	shutdown(near.inner, SHUT_RDWR);
	pthread_join(pump.thread, NULL);
	close(near.inner);
	close(near.outer);
	close(far.inner);
	close(far.outer);
	free(pump.data);
}

static void migrate_channel__silence_is_no_stall(void **state)
{
	struct scene *scene = *state;
	struct relaying near, far;
	char word;

	relay_begin(&near, scene->near, 50);
	relay_begin(&far, scene->far, 50);
	deadline_nap(300);
	assert_int_equal(write(near.outer, "x", 1), 1);
	assert_int_equal(read(far.outer, &word, 1), 1);
	shutdown(near.outer, SHUT_WR);
	shutdown(far.outer, SHUT_WR);
	assert_int_equal(relay_end(&near), 0);
	assert_int_equal(relay_end(&far), 0);
}

static void migrate_channel__a_relay_ends_with_the_link(void **state)
{
	struct scene *scene = *state;
	struct relaying near;
	int64_t began = deadline_now();

	relay_begin(&near, scene->near, 0);
	shutdown(near.outer, SHUT_WR); /* it has only to listen */
	deadline_nap(50);
	shutdown(scene->far->link.fd, SHUT_RDWR);
	assert_int_equal(relay_end(&near), DD_SYSTEM);
	assert_true(deadline_now() - began < SOON_MS);
}

static void migrate_channel__a_flag_ends_a_relay(void **state)
{
	struct scene *scene = *state;
	struct relaying near;

	relay_begin(&near, scene->near, 0);
	deadline_nap(50);
	atomic_store(&scene->stop, true);
	assert_int_equal(relay_end(&near), DD_SYSTEM);
	assert_string_equal(near.err.message, "was told to stop");
}

/* ---- addresses ---- */

static void migrate_channel__addresses_are_spelt_out(void **state)
{
	static const char *const cases[][2] = {
		{"alpha", "alpha:16520"},
		{"alpha.example.org:1", "alpha.example.org:1"},
		{"192.0.2.7", "192.0.2.7:16520"},
		{"192.0.2.7:65535", "192.0.2.7:65535"},
		{"::1", "[::1]:16520"},
		{"[::1]", "[::1]:16520"},
		{"[fe80::1%eth0]:99", "[fe80::1%eth0]:99"},
		{"", NULL},
		{":1", NULL},
		{"alpha:", NULL},
		{"alpha:65536", NULL},
		{"alpha:1x", NULL},
		{"alpha:000001", NULL},
		{"al pha", NULL},
		{"-alpha", NULL},
		{"[::1", NULL},
		{"[::1]1", NULL},
		{"[]", NULL},
		{"alpha/1", NULL},
		{"http://alpha", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct address address;
		char words[ADDRESS_MAX];
		int rc = address_parse(cases[i][0], &address, NULL);

		assert_int_equal(rc, cases[i][1] ? 0 : DD_INVALID);
		if (rc)
			continue;
		address_format(&address, words);
		assert_string_equal(words, cases[i][1]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_MET(name) cmocka_unit_test_setup_teardown(name, setup_met, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_MET(migrate_channel__both_know_who_is_there),
		TEST(migrate_channel__a_stranger_is_named_and_told),
		TEST(migrate_channel__whoever_else_answers_is_refused),
		TEST(migrate_channel__a_key_can_be_asked_for),
		TEST(migrate_channel__nobody_there_is_said_at_once),
		TEST(migrate_channel__who_never_answers_is_left_in_time),
		TEST_MET(migrate_channel__messages_of_every_size_arrive),
		TEST_MET(migrate_channel__silence_is_no_failure),
		TEST_MET(migrate_channel__more_than_is_wanted_ends_it),
		TEST_MET(migrate_channel__an_end_in_good_order_is_not_a_cut),
		TEST_MET(migrate_channel__a_cut_is_not_an_end),
		TEST_MET(migrate_channel__bytes_of_somebody_else_end_it),
		TEST_MET(migrate_channel__a_flag_ends_every_wait),
		TEST_MET(migrate_channel__a_relay_carries_both_ways_and_then_messages),
		TEST_MET(migrate_channel__half_of_a_relay_may_end),
		TEST_MET(migrate_channel__a_stream_that_stands_still_is_noticed),
		TEST_MET(migrate_channel__silence_is_no_stall),
		TEST_MET(migrate_channel__a_relay_ends_with_the_link),
		TEST_MET(migrate_channel__a_flag_ends_a_relay),
		cmocka_unit_test(migrate_channel__addresses_are_spelt_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
