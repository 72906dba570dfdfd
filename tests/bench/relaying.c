/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sealed relay carries: build/release/tests/bench_relaying MIB
 *
 * Four processes, as with two QEMUs: one writes into a socket, a relay seals that and sends it over
 * TCP, a relay opens it and writes it into a socket, and one reads that; once one way, and once
 * both ways at a time. Then as many bytes over TCP without relays, and through the ciphers alone.
 * Each line ends with MiB a second; where others have the machine, too, how much a relay gets done
 * in a second of its own processor time says more.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "migrate/channel/channel.h"

#define PIECE (256u << 10) /* written and read at once */
#define MIB (1u << 20)

static unsigned char piece[PIECE];

/* ---- who they are ---- */

struct party {
	unsigned char key[KEY_PUBLIC_SIZE], secret[crypto_sign_SECRETKEYBYTES];
};

static int identity(void *context, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	(void)err;
	memcpy(key, ((struct party *)context)->key, KEY_PUBLIC_SIZE);
	return 0;
}

static int vouch(void *context, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err)
{
	unsigned char message[sizeof KEY_VOUCH_PREFIX + KEY_VOUCH_MAX];

	(void)err;
	memcpy(message, KEY_VOUCH_PREFIX, sizeof KEY_VOUCH_PREFIX);
	memcpy(message + sizeof KEY_VOUCH_PREFIX, data, size);
	crypto_sign_detached(signature, NULL, message, sizeof KEY_VOUCH_PREFIX + size,
		((struct party *)context)->secret);
	return 0;
}

static enum handshake_verdict judge(void *context, const unsigned char key[KEY_PUBLIC_SIZE])
{
	(void)context;
	(void)key;
	return VERDICT_KNOWN;
}

/* ---- pieces of it ---- */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "relaying: %s\n", what);
	exit(1);
}

static int listen_here(struct sockaddr_in *address)
{
	socklen_t size = sizeof *address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(fd, (struct sockaddr *)address, sizeof *address) || listen(fd, 1) ||
		getsockname(fd, (struct sockaddr *)address, &size))
		fail("cannot listen");
	return fd;
}

static void write_all(int fd, size_t mib)
{
	for (size_t left = mib * MIB; left;) {
		ssize_t count = write(fd, piece, left < PIECE ? left : PIECE);

		if (count <= 0)
			fail("cannot write");
		left -= (size_t)count;
	}
	shutdown(fd, SHUT_WR);
}

static void read_all(int fd, size_t mib)
{
	size_t all = 0;
	ssize_t count;

	while ((count = read(fd, piece, PIECE)) > 0)
		all += (size_t)count;
	if (all != mib * MIB)
		fail("not all has come");
}

/* A process that writes or reads one way of a socket. */
static pid_t pump(void (*run)(int fd, size_t mib), int fd, size_t mib)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	run(fd, mib);
	exit(0);
}

static double seconds_of(const struct rusage *used)
{
	return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
	       (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
}

/* Waits for so many; the processor time of those in pids (ended by 0; may be NULL) goes to used. */
static void wait_for(int count, const pid_t *pids, double *used)
{
	for (int status; count; count--) {
		struct rusage usage;
		pid_t pid = wait4(-1, &status, 0, &usage);

		if (pid < 0 || status)
			fail("a process failed");
		for (size_t i = 0; pids && pids[i]; i++)
			if (pids[i] == pid)
				used[i] = seconds_of(&usage);
	}
}

/* ---- the relay ---- */

static void relay(struct party *self, const struct party *other, int listener, const char *address,
	int stream)
{
	const struct channel_self me = {
		.who = {.identity = identity, .vouch = vouch, .context = self, .name = "bench"}};
	struct channel *channel = NULL;
	struct dd_error err = {0};
	int rc = address ? channel_connect(&me, address, other->key, 0, &channel, &err)
			 : channel_accept(
				   accept(listener, NULL, NULL), &me, judge, NULL, &channel, &err);

	if (!rc)
		rc = channel_relay(channel, stream, NULL, 0, NULL, &err);
	if (rc)
		fail(err.message);
	if (address)
		fprintf(stderr, "%s\n", channel_cipher(channel));
	channel_close(channel);
	exit(0);
}

static void through_relays(int ways, size_t mib)
{
	struct party parties[2];
	struct sockaddr_in where;
	int listener = listen_here(&where), near[2], far[2], count = 4;
	double began, seconds, used[] = {0, 0};
	pid_t pids[] = {0, 0, 0};
	char address[32];

	for (int i = 0; i < 2; i++)
		crypto_sign_keypair(parties[i].key, parties[i].secret);
	snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(where.sin_port));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, near) || socketpair(AF_UNIX, SOCK_STREAM, 0, far))
		fail("no sockets");
	began = now();
	pids[1] = fork();
	if (!pids[1])
		relay(&parties[0], &parties[1], listener, NULL, far[0]);
	pids[0] = fork();
	if (!pids[0])
		relay(&parties[1], &parties[0], -1, address, near[0]);
	close(near[0]);
	close(far[0]);
	pump(write_all, near[1], mib);
	pump(read_all, far[1], mib);
	if (ways == 2) {
		pump(write_all, far[1], mib);
		pump(read_all, near[1], mib);
		count += 2;
	} else {
		shutdown(far[1], SHUT_WR);
	}
	wait_for(count, pids, used);
	seconds = now() - began;
	close(listener);
	close(near[1]);
	close(far[1]);
	printf("relay, %s %.0f\n", ways == 1 ? "one way" : "both ways, each",
		(double)mib / seconds);
	if (ways == 1)
		printf("  that seals, of its own time %.0f\n  that opens, of its own time %.0f\n",
			(double)mib / used[0], (double)mib / used[1]);
}

static double plainly(size_t mib)
{
	struct sockaddr_in where;
	int listener = listen_here(&where);
	int near = socket(AF_INET, SOCK_STREAM, 0), far;
	double began = now();

	if (connect(near, (struct sockaddr *)&where, sizeof where))
		fail("cannot connect");
	far = accept(listener, NULL, NULL);
	pump(write_all, near, mib);
	pump(read_all, far, mib);
	wait_for(2, NULL, NULL);
	close(listener);
	close(near);
	close(far);
	return (double)mib / (now() - began);
}

/* ---- the ciphers ---- */

static void ciphers(size_t mib)
{
	static const unsigned char secret[FRAME_KEY_SIZE];
	static const struct {
		const char *name;
		enum cipher cipher;
	} rows[] = {{"AES-256-GCM", CIPHER_AES256}, {"ChaCha20-Poly1305", CIPHER_CHACHA20}};
	struct frame_key seals, opens;
	static unsigned char frame[FRAME_MAX];
	size_t count = mib * MIB / FRAME_DATA_MAX, size;
	enum frame_kind kind;

	for (size_t i = 0; i < 2; i++) {
		double sealing = 0, opening = 0, began;

		if (!(ciphers_here() & rows[i].cipher))
			continue;
		if (frame_key_init(&seals, rows[i].cipher, true, secret, NULL) ||
			frame_key_init(&opens, rows[i].cipher, false, secret, NULL))
			fail("no key");
		for (size_t j = 0; j < count; j++) {
			began = now();
			frame_seal(&seals, FRAME_BYTES, piece, FRAME_DATA_MAX, frame);
			sealing += now() - began;
			began = now();
			if (frame_open(&opens, frame, &kind, &size, NULL))
				fail("a frame does not open");
			opening += now() - began;
		}
		frame_key_release(&seals);
		frame_key_release(&opens);
		printf("%s seals %.0f\n%s opens %.0f\n", rows[i].name, (double)mib / sealing,
			rows[i].name, (double)mib / opening);
	}
}

int main(int argc, char **argv)
{
	size_t mib = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (!mib || key_start(NULL))
		fail("usage: relaying MIB");
	randombytes_buf(piece, sizeof piece);
	setvbuf(stdout, NULL, _IOLBF, 0);
	through_relays(1, mib);
	through_relays(2, mib);
	printf("plain TCP %.0f\n", plainly(mib));
	ciphers(mib / 4 + 1);
	return 0;
}
