/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that is known, and says what no Domesday would. */
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "migrate/channel/channel_internal.h"
#include "migrate/serve.h"
#include "migrate_peers.h"
#include "qmp/deadline.h"

#define SOON_MS 5000

struct scene {
	char folder[PATH_MAX], book[PATH_MAX + 8], address[ADDRESS_MAX];
	struct dd_host *host;
	struct party caller;
	struct channel_self self;
	unsigned char key[32]; /* of the host that serves */
	int listener;
	pthread_t thread;
	struct channel *channel;
	char said[4096]; /* what it logged */
	struct dd_error err;
};

static int drop(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void keep_line(enum serve_event event, const char *words, void *context)
{
	struct scene *scene = context;
	size_t at = strlen(scene->said);

	snprintf(scene->said + at, sizeof scene->said - at, "%d %s\n", (int)event, words);
}

static void *serve(void *context)
{
	struct scene *scene = context;
	const struct dd_host_options options = {.book = scene->book, .host_name = "beta"};

	peer_serve(&options, accept(scene->listener, NULL, NULL), NULL, keep_line, scene);
	return NULL;
}

static void pin(struct scene *scene)
{
	char words[KEY_WORDS_SIZE];
	const struct dd_peer_pin peer = {"alpha", "192.0.2.1", words, NULL};

	key_words(scene->caller.key, words);
	if (dd_peer_add(scene->host, &peer, &scene->err))
		fail_msg("%s", scene->err.message);
}

static int setup(void **state)
{
	const char *temporary = getenv("TMPDIR");
	struct scene *scene = calloc(1, sizeof *scene);
	struct sockaddr_in where = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct dd_host_options options = {.create = true, .host_name = "beta"};
	socklen_t size = sizeof where;

	assert_non_null(scene);
	snprintf(scene->folder, sizeof scene->folder, "%s/domesday-serve-XXXXXX",
		temporary ? temporary : "/tmp");
	assert_non_null(mkdtemp(scene->folder));
	snprintf(scene->book, sizeof scene->book, "%s/book", scene->folder);
	options.book = scene->book;
	assert_int_equal(dd_host_open(&options, &scene->host, &scene->err), 0);
	assert_int_equal(book_identity(scene->host->book, scene->key, &scene->err), 0);
	party_init(&scene->caller);
	scene->self = (struct channel_self){.who = party_self(&scene->caller)};
	pin(scene);
	scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(scene->listener, (struct sockaddr *)&where, sizeof where), 0);
	assert_int_equal(listen(scene->listener, 1), 0);
	assert_int_equal(getsockname(scene->listener, (struct sockaddr *)&where, &size), 0);
	snprintf(scene->address, sizeof scene->address, "127.0.0.1:%d", ntohs(where.sin_port));
	assert_int_equal(pthread_create(&scene->thread, NULL, serve, scene), 0);
	if (channel_connect(
		    &scene->self, scene->address, scene->key, 0, &scene->channel, &scene->err))
		fail_msg("%s", scene->err.message);
	*state = scene;
	return 0;
}

/* It has come to an end by itself. */
static void assert_over(struct scene *scene, const char *words)
{
	pthread_join(scene->thread, NULL);
	scene->thread = 0;
	if (!strstr(scene->said, words))
		fail_msg("'%s' is not in: %s", words, scene->said);
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	channel_close(scene->channel);
	if (scene->thread)
		pthread_join(scene->thread, NULL);
	close(scene->listener);
	dd_host_close(scene->host);
	nftw(scene->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(scene);
	return 0;
}

static void say(struct scene *scene, const char *words)
{
	assert_int_equal(channel_send(scene->channel, words, strlen(words), &scene->err), 0);
}

/* The next answer; what error there is in it. */
static int heard(struct scene *scene)
{
	CLEANUP(json) struct json *answer = NULL;

	if (peer_receive(scene->channel, SOON_MS, &answer, &scene->err))
		fail_msg("%s", scene->err.message);
	return peer_error_in(answer, "beta", &scene->err);
}

static void greet(struct scene *scene)
{
	say(scene, "{\"name\":\"alpha\"}");
	assert_int_equal(heard(scene), 0);
}

static void migrate_serve__what_it_cannot_do_is_said_and_the_next_is_heard(void **state)
{
	static const char *const cases[] = {"{\"op\":\"dance\"}", "{\"op\":7}", "{\"op\":null}",
		"{}", "[]", "7", "\"check\"", "[{\"op\":\"check\"}]"};
	struct scene *scene = *state;

	greet(scene);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		say(scene, cases[i]);
		assert_int_equal(heard(scene), DD_UNSUPPORTED);
		assert_non_null(strstr(scene->err.message, "beta: this host cannot do"));
	}
	say(scene, "{\"op\":\"check\",\"more\":{\"than\":[\"asked\"]}}");
	assert_int_equal(heard(scene), 0);
	channel_close(scene->channel);
	scene->channel = NULL;
	assert_over(scene, "alpha");
	assert_string_equal(scene->said, "0 alpha\n"); /* which is no trouble */
}

static void migrate_serve__what_is_no_json_ends_it(void **state)
{
	struct scene *scene = *state;

	greet(scene);
	say(scene, "{\"op\":\"check\"");
	assert_over(scene, "alpha: the other side said what is no JSON");
}

static void migrate_serve__depth_is_no_way_in(void **state)
{
	struct scene *scene = *state;
	char deep[100001];

	greet(scene);
	memset(deep, '[', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	say(scene, deep);
	assert_over(scene, "what is no JSON");
}

static void migrate_serve__a_message_too_long_is_not_waited_for(void **state)
{
	struct scene *scene = *state;
	char *much = calloc(1, PEER_MESSAGE_MAX + 1);

	assert_non_null(much);
	greet(scene);
	/* it may have hung up before all of it is sent */
	(void)channel_send(scene->channel, much, PEER_MESSAGE_MAX + 1, NULL);
	assert_over(scene, "a message of more than 1048576 bytes came");
	free(much);
}

static void migrate_serve__a_stream_that_nobody_asked_for_ends_it(void **state)
{
	struct scene *scene = *state;
	unsigned char frame[FRAME_EXTRA + 4];
	size_t size;

	greet(scene);
	size = frame_seal(&scene->channel->send, FRAME_BYTES, "data", 4, frame);
	assert_int_equal(write(scene->channel->link.fd, frame, size), size);
	assert_over(scene, "a message was to come, and not a stream");
}

static void migrate_serve__nothing_is_done_before_the_name(void **state)
{
	struct scene *scene = *state;

	say(scene, "{\"op\":\"check\"}");
	assert_int_equal(heard(scene), DD_CORRUPT);
	assert_over(scene, "does not say what it is called");
}

static void migrate_serve__a_name_that_is_another_ends_it(void **state)
{
	struct scene *scene = *state;

	say(scene, "{\"name\":\"al\\u001b[31mpha\\n\"}");
	assert_int_equal(heard(scene), DD_REFUSED);
	assert_over(scene, "goes by the name 'al\\x1b[31mpha\\x0a'");
}

static void migrate_serve__who_is_revoked_meanwhile_gets_nothing_more(void **state)
{
	struct scene *scene = *state;

	greet(scene);
	say(scene, "{\"op\":\"check\"}");
	assert_int_equal(heard(scene), 0);
	assert_int_equal(dd_peer_revoke(scene->host, "alpha", NULL, &scene->err), 0);
	say(scene, "{\"op\":\"check\"}");
	assert_int_equal(heard(scene), DD_REFUSED);
	assert_string_equal(scene->err.message, "beta: your key is revoked");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(migrate_serve__what_it_cannot_do_is_said_and_the_next_is_heard),
		TEST(migrate_serve__what_is_no_json_ends_it),
		TEST(migrate_serve__depth_is_no_way_in),
		TEST(migrate_serve__a_message_too_long_is_not_waited_for),
		TEST(migrate_serve__a_stream_that_nobody_asked_for_ends_it),
		TEST(migrate_serve__nothing_is_done_before_the_name),
		TEST(migrate_serve__a_name_that_is_another_ends_it),
		TEST(migrate_serve__who_is_revoked_meanwhile_gets_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
