/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"
#include "migrate/channel/address.h"
#include "migrate/serve.h"

#define BACKLOG 64
#define AT_ONCE 16    /* that are let in before the loop sees to something else */
#define PAUSE_MS 1000 /* where none can be, for want of descriptors */
#define MINUTE_MS 60000
#define PLACE_SIZE 16 /* of what stands for an address */
#define WORDS_SIZE 72 /* "[V6%ZONE]:PORT" */

struct door {
	uv_poll_t poll;
	struct listen *listen;
	int fd;
};

/* A connection and its thread. */
struct served {
	struct served *next;
	struct listen *listen;
	uv_thread_t thread;
	int fd;
	unsigned char place[PLACE_SIZE]; /* where it comes from */
	char words[WORDS_SIZE];
	atomic_bool known; /* it is a peer's */
	atomic_bool over;
};

struct listen {
	uv_loop_t *loop;
	const struct work_book *book;
	struct door doors[LISTEN_ADDRESSES];
	size_t door_count;
	uv_async_t news;  /* a connection is over */
	uv_timer_t pause; /* until it is tried again to let somebody in */
	struct served *served;
	size_t running;
	atomic_bool stop;
	void (*ended)(void *context);
	void *context;
	/* lines about strangers, of whom anybody can send as many as he likes */
	uv_mutex_t lines_lock;
	uint64_t lines_since;
	unsigned lines, lines_left_out;
};

static void cleanup_addresses(struct addrinfo **found)
{
	if (*found)
		freeaddrinfo(*found);
}

/* ---- logging ---- */

/* Whether one more line about strangers is worth it. */
static bool worth_a_line(struct listen *listen)
{
	uint64_t now = uv_hrtime() / 1000000;
	unsigned left_out = 0;
	bool worth;

	uv_mutex_lock(&listen->lines_lock);
	if (now - listen->lines_since >= MINUTE_MS) {
		left_out = listen->lines_left_out;
		listen->lines_since = now;
		listen->lines = listen->lines_left_out = 0;
	}
	worth = listen->lines++ < LISTEN_LINES;
	listen->lines_left_out += !worth;
	uv_mutex_unlock(&listen->lines_lock);
	if (left_out)
		log_line(LOG_TROUBLE, "strangers: %u lines more were left out", left_out);
	return worth;
}

static void on_serve_log(enum serve_event event, const char *words, void *context)
{
	struct served *served = context;

	if (event == SERVE_KNOWN) {
		atomic_store(&served->known, true);
		log_line(LOG_EVENT, "%s: the peer '%s' has connected", served->words, words);
	} else if (atomic_load(&served->known) || worth_a_line(served->listen)) {
		log_line(event == SERVE_TROUBLE ? LOG_TROUBLE : LOG_EVENT, "%s: %s", served->words,
			words);
	}
}

/* ---- one connection ---- */

static void serve(void *context)
{
	struct served *served = context;
	const struct dd_host_options options = work_options(served->listen->book);

	peer_serve(&options, served->fd, &served->listen->stop, on_serve_log, served);
	atomic_store(&served->over, true);
	uv_async_send(&served->listen->news);
}

static void on_news(uv_async_t *news)
{
	struct listen *listen = news->data;
	size_t before = listen->running;

	for (struct served **at = &listen->served; *at;) {
		struct served *served = *at;

		if (!atomic_load(&served->over)) {
			at = &served->next;
			continue;
		}
		uv_thread_join(&served->thread);
		*at = served->next;
		free(served);
		listen->running--;
	}
	if (listen->running < before)
		listen->ended(listen->context);
}

/* What counts as one place: an address, and of IPv6 the network that one host may have to itself.
 */
static void place_of(const struct sockaddr_storage *from, unsigned char place[PLACE_SIZE])
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;

	memset(place, 0, PLACE_SIZE);
	if (from->ss_family == AF_INET6)
		memcpy(place, &v6->sin6_addr, 8);
	else
		memcpy(place + 8, &v4->sin_addr, sizeof v4->sin_addr);
}

static void words_of(const struct sockaddr_storage *from, socklen_t size, char words[WORDS_SIZE])
{
	bool v6 = from->ss_family == AF_INET6;
	char host[NI_MAXHOST] = "?", port[8] = "?";

	(void)getnameinfo((const struct sockaddr *)from, size, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(words, WORDS_SIZE, "%s%.46s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

/* NULL where there is room for it, or why there is none. */
static const char *too_much(const struct listen *listen, const unsigned char place[PLACE_SIZE])
{
	size_t strangers = 0, same = 0;

	for (const struct served *at = listen->served; at; at = at->next) {
		if (atomic_load(&at->known))
			continue;
		strangers++;
		same += memcmp(at->place, place, PLACE_SIZE) == 0;
	}
	return same >= LISTEN_SAME                ? "too many from there have not said who they are"
	       : strangers >= LISTEN_STRANGERS    ? "too many have not said who they are"
	       : listen->running >= LISTEN_SERVED ? "there are too many connections"
						  : NULL;
}

static void let_in(
	struct listen *listen, int fd, const struct sockaddr_storage *from, socklen_t size)
{
	struct served *served = calloc(1, sizeof *served);
	const char *why = "no memory is left";

	if (served) {
		served->listen = listen;
		served->fd = fd;
		place_of(from, served->place);
		words_of(from, size, served->words);
		why = too_much(listen, served->place);
	}
	if (!why && uv_thread_create(&served->thread, serve, served) != 0)
		why = "no thread can be made";
	if (!why) {
		served->next = listen->served;
		listen->served = served;
		listen->running++;
		return;
	}
	if (worth_a_line(listen))
		log_line(LOG_TROUBLE, "%s: closed at once: %s", served ? served->words : "?", why);
	close(fd);
	free(served);
}

/* ---- the doors ---- */

static void doors_open(struct listen *listen);

static void on_pause_over(uv_timer_t *timer)
{
	struct listen *listen = timer->data;

	if (!atomic_load(&listen->stop))
		doors_open(listen);
}

/* Who knocks stays there, so the loop would ask for ever. */
static void doors_pause(struct listen *listen, int number)
{
	log_line(LOG_FAILURE, "cannot let a peer in: %s", strerror(number));
	for (size_t i = 0; i < listen->door_count; i++)
		uv_poll_stop(&listen->doors[i].poll);
	uv_timer_start(&listen->pause, on_pause_over, PAUSE_MS, 0);
}

static bool is_of_the_connection(int number)
{
	return number == ECONNABORTED || number == EINTR || number == EPROTO || number == EPERM;
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
	struct door *door = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
		socklen_t size = sizeof from;
		int fd = accept4(
			door->fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			let_in(door->listen, fd, &from, size);
		} else if (!is_of_the_connection(errno)) {
			if (errno != EAGAIN)
				doors_pause(door->listen, errno);
			return;
		}
	}
}

static void doors_open(struct listen *listen)
{
	for (size_t i = 0; i < listen->door_count; i++)
		(void)uv_poll_start(&listen->doors[i].poll, UV_READABLE, on_knock);
}

static int socket_listen(const struct addrinfo *at, int *out)
{
	static const int on = 1;
	CLEANUP(close)
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
		return -1;
	/* so that [::] and 0.0.0.0 can be told apart, and had together */
	if (at->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
		return -1;
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	*out = fd;
	fd = -1;
	return 0;
}

/* The port may be one that the kernel chose. */
static void tell_where(int fd)
{
	struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
	socklen_t size = sizeof own;
	char words[WORDS_SIZE];

	if (getsockname(fd, (struct sockaddr *)&own, &size) < 0)
		return;
	words_of(&own, size, words);
	log_line(LOG_EVENT, "listens for peers at %s", words);
}

static int door_make(
	struct listen *listen, const struct addrinfo *at, const char *words, struct dd_error *err)
{
	struct door *door = &listen->doors[listen->door_count];
	int code;

	if (listen->door_count == LISTEN_ADDRESSES)
		return error_set(err, DD_INVALID, "%s has too many addresses", words);
	door->listen = listen;
	door->poll.data = door;
	if (socket_listen(at, &door->fd) < 0)
		return error_errno(err, errno, "cannot listen at %s", words);
	code = uv_poll_init(listen->loop, &door->poll, door->fd);
	if (code) {
		close(door->fd);
		return error_errno(err, -code, "cannot listen at %s", words);
	}
	listen->door_count++;
	tell_where(door->fd);
	return 0;
}

static int doors_make(struct listen *listen, const char *given, struct dd_error *err)
{
	const struct addrinfo wanted = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	CLEANUP(addresses) struct addrinfo *found = NULL;
	struct address address;
	int rc = address_parse(given, &address, err);

	if (rc)
		return rc;
	rc = getaddrinfo(address.host, address.port, &wanted, &found);
	if (rc)
		return error_set(
			err, DD_SYSTEM, "cannot listen at %s: %s", given, gai_strerror(rc));
	for (const struct addrinfo *at = found; !rc && at; at = at->ai_next)
		rc = door_make(listen, at, given, err);
	return rc;
}

/* ---- all of it ---- */

/* One that fails half-way is the caller's to free, when the loop has closed its handles. */
static int begin(
	struct listen *listen, const char *const *addresses, size_t count, struct dd_error *err)
{
	int code = uv_async_init(listen->loop, &listen->news, on_news);
	int rc = 0;

	if (!code)
		code = uv_timer_init(listen->loop, &listen->pause);
	if (code)
		return error_errno(err, -code, "cannot listen");
	listen->news.data = listen->pause.data = listen;
	for (size_t i = 0; !rc && i < count; i++)
		rc = doors_make(listen, addresses[i], err);
	if (!rc)
		doors_open(listen);
	return rc;
}

int listen_new(uv_loop_t *loop, const struct work_book *book, const char *const *addresses,
	size_t count, void (*ended)(void *context), void *context, struct listen **out,
	struct dd_error *err)
{
	struct listen *listen;

	if (!count)
		return 0;
	listen = calloc(1, sizeof *listen);
	if (!listen || uv_mutex_init(&listen->lines_lock) != 0) {
		free(listen);
		return error_no_memory(err);
	}
	listen->loop = loop;
	listen->book = book;
	listen->ended = ended;
	listen->context = context;
	listen->lines_since = uv_hrtime() / 1000000;
	*out = listen;
	return begin(listen, addresses, count, err);
}

void listen_stop(struct listen *listen)
{
	if (!listen)
		return;
	atomic_store(&listen->stop, true);
	uv_timer_stop(&listen->pause);
	for (size_t i = 0; i < listen->door_count; i++) {
		uv_poll_stop(&listen->doors[i].poll);
		(void)shutdown(listen->doors[i].fd, SHUT_RDWR);
	}
}

size_t listen_running(const struct listen *listen)
{
	return listen ? listen->running : 0;
}

void listen_free(struct listen *listen)
{
	if (!listen)
		return;
	for (size_t i = 0; i < listen->door_count; i++)
		close(listen->doors[i].fd);
	uv_mutex_destroy(&listen->lines_lock);
	free(listen);
}
