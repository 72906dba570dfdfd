/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/git/packet.h"

#define KEY_MAGIC "openssh-key-v1" /* with its NUL */
#define KEY_HEAD "-----BEGIN OPENSSH PRIVATE KEY-----"
#define KEY_TAIL "-----END OPENSSH PRIVATE KEY-----"
#define KEY_BLOCK 8 /* the private part is padded to it */
#define KEY_FILE_MAX 2048
#define BASE64_MAX (2 * PACKET_ROOM)
#define LINE_WIDTH 70

struct key {
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	unsigned char open[KEY_PUBLIC_SIZE];
};

struct secret_text {
	char data[KEY_FILE_MAX + BASE64_MAX];
	size_t size;
};

static void cleanup_secret_text(struct secret_text *text)
{
	sodium_memzero(text, sizeof *text);
}

int key_start(struct dd_error *err)
{
	/* safe to call again, and from any thread */
	if (sodium_init() < 0)
		return error_set(err, DD_SYSTEM, "no source of random numbers");
	return 0;
}

void key_release(struct key *key)
{
	sodium_free(key); /* wipes it */
}

static int key_allocate(struct key **out, struct dd_error *err)
{
	int rc = key_start(err);

	if (rc)
		return rc;

	struct key *key = sodium_malloc(sizeof *key);

	if (!key)
		return error_no_memory(err);
	*out = key;
	return 0;
}

static void packet_add_public(struct packet *packet, const struct key *key)
{
	packet_add_number(packet, 4 + sizeof KEY_TYPE - 1 + 4 + KEY_PUBLIC_SIZE);
	packet_add_words(packet, KEY_TYPE);
	packet_add_string(packet, key->open, sizeof key->open);
}

/* ---- the private key file ---- */

static void packet_add_private(struct packet *packet, const struct key *key, const char *comment)
{
	CLEANUP(packet) struct packet inner = {.size = 0};
	uint32_t check = randombytes_random();

	packet_add_number(&inner, check);
	packet_add_number(&inner, check);
	packet_add_words(&inner, KEY_TYPE);
	packet_add_string(&inner, key->open, sizeof key->open);
	packet_add_string(&inner, key->secret, sizeof key->secret);
	packet_add_words(&inner, comment);
	for (unsigned char pad = 1; inner.size % KEY_BLOCK && !inner.failed; pad++)
		packet_add(&inner, &pad, 1);
	packet->failed |= inner.failed;
	packet_add_string(packet, inner.data, inner.size);
}

static void key_pack(const struct key *key, const char *comment, struct packet *packet)
{
	packet_add(packet, KEY_MAGIC, sizeof KEY_MAGIC);
	packet_add_words(packet, "none"); /* cipher */
	packet_add_words(packet, "none"); /* key derivation */
	packet_add_words(packet, "");     /* and its options */
	packet_add_number(packet, 1);     /* keys */
	packet_add_public(packet, key);
	packet_add_private(packet, key, comment);
}

/* Does the public half belong to the private one, both times that it is there? */
static bool is_pair(const struct key *key)
{
	unsigned char open[sizeof key->open];
	unsigned char secret[sizeof key->secret];
	bool pair;

	/* the private half is the seed and, once more, the public half */
	crypto_sign_seed_keypair(open, secret, key->secret);
	pair = memcmp(open, key->open, sizeof open) == 0 &&
	       sodium_memcmp(secret, key->secret, sizeof secret) == 0;
	sodium_memzero(secret, sizeof secret);
	return pair;
}

static void key_unpack(struct packet *packet, struct key *key)
{
	const unsigned char *magic = packet_take(packet, sizeof KEY_MAGIC);
	const unsigned char *header, *open, *secret;
	size_t header_size, open_size, secret_size;

	if (!magic || memcmp(magic, KEY_MAGIC, sizeof KEY_MAGIC) != 0)
		packet->failed = true;
	packet_expect(packet, "none");
	packet_expect(packet, "none");
	packet_expect(packet, "");
	if (packet_take_number(packet) != 1)
		packet->failed = true;
	header = packet_take_string(packet, &header_size);
	/* the private part is the rest, and begins with two equal numbers */
	if (packet_take_number(packet) != packet->size - packet->at ||
		packet_take_number(packet) != packet_take_number(packet))
		packet->failed = true;
	packet_expect(packet, KEY_TYPE);
	open = packet_take_string(packet, &open_size);
	secret = packet_take_string(packet, &secret_size);
	if (!open || !secret || open_size != sizeof key->open ||
		secret_size != sizeof key->secret) {
		packet->failed = true;
		return;
	}
	memcpy(key->open, open, sizeof key->open);
	memcpy(key->secret, secret, sizeof key->secret);
	/* of a damaged one every signature would be one that nobody can verify */
	if (!is_pair(key) || !header || header_size < sizeof key->open ||
		memcmp(header + header_size - sizeof key->open, open, sizeof key->open) != 0)
		packet->failed = true;
}

/* Appends base64 in lines. */
static void armour_add(struct secret_text *text, const struct packet *packet)
{
	CLEANUP(secret_text) struct secret_text flat = {.size = 0};

	sodium_bin2base64(flat.data, sizeof flat.data, packet->data, packet->size,
		sodium_base64_VARIANT_ORIGINAL);
	flat.size = strlen(flat.data);
	for (size_t at = 0; at < flat.size; at += LINE_WIDTH)
		text->size += (size_t)snprintf(text->data + text->size,
			sizeof text->data - text->size, "%.*s\n", LINE_WIDTH, flat.data + at);
}

static void secret_text_puts(struct secret_text *text, const char *string)
{
	text->size += (size_t)snprintf(
		text->data + text->size, sizeof text->data - text->size, "%s\n", string);
}

int key_save(const struct key *key, const char *path, const char *comment, struct dd_error *err)
{
	CLEANUP(packet) struct packet packet = {.size = 0};
	CLEANUP(secret_text) struct secret_text text = {.size = 0};

	key_pack(key, comment, &packet);
	if (packet.failed)
		return error_set(err, DD_INVALID, "the host's name is too long");
	secret_text_puts(&text, KEY_HEAD);
	armour_add(&text, &packet);
	secret_text_puts(&text, KEY_TAIL);
	return file_replace(path, 0600, text.data, text.size, err);
}

static int key_file_read(const char *path, struct secret_text *text, struct dd_error *err)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, DD_NOT_FOUND, "the host key %s is missing", path);
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot open the host key %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(
			err, DD_SYSTEM, "cannot read the host key %s: it is no file", path);
	if (status.st_mode & 077) {
		error_set(err, DD_REFUSED, "the host key %s may be read by others", path);
		return error_hint(err, "chmod 600 %s", path);
	}
	got = read(fd, text->data, KEY_FILE_MAX);
	if (got < 0)
		return error_errno(err, errno, "cannot read the host key %s", path);
	text->size = (size_t)got;
	text->data[text->size] = '\0';
	return 0;
}

static bool armour_open(const struct secret_text *text, struct packet *packet)
{
	const char *head = strstr(text->data, KEY_HEAD);
	const char *tail = strstr(text->data, KEY_TAIL);

	if (!head || !tail || tail < head)
		return false;
	head += sizeof KEY_HEAD - 1;
	return sodium_base642bin(packet->data, sizeof packet->data, head, (size_t)(tail - head),
		       "\r\n ", &packet->size, NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
}

int key_load(const char *path, struct key **out, struct dd_error *err)
{
	CLEANUP(key) struct key *key = NULL;
	CLEANUP(secret_text) struct secret_text text = {.size = 0};
	CLEANUP(packet) struct packet packet = {.size = 0};
	int rc = key_allocate(&key, err);

	if (!rc)
		rc = key_file_read(path, &text, err);
	if (rc)
		return rc;
	if (armour_open(&text, &packet))
		key_unpack(&packet, key);
	else
		packet.failed = true;
	if (packet.failed)
		return error_set(err, DD_CORRUPT,
			"%s is no Ed25519 key in OpenSSH's format without a passphrase", path);
	*out = TAKE(key);
	return 0;
}

/* ---- what others read ---- */

void key_public(const struct key *key, unsigned char out[KEY_PUBLIC_SIZE])
{
	memcpy(out, key->open, sizeof key->open);
}

static void open_pack(const unsigned char open[KEY_PUBLIC_SIZE], struct packet *packet)
{
	packet_add_words(packet, KEY_TYPE);
	packet_add_string(packet, open, KEY_PUBLIC_SIZE);
}

void key_words(const unsigned char open[KEY_PUBLIC_SIZE], char out[KEY_WORDS_SIZE])
{
	struct packet packet = {.size = 0};

	open_pack(open, &packet);
	memcpy(out, KEY_TYPE " ", sizeof KEY_TYPE);
	sodium_bin2base64(out + sizeof KEY_TYPE, KEY_WORDS_SIZE - sizeof KEY_TYPE, packet.data,
		packet.size, sodium_base64_VARIANT_ORIGINAL);
}

void key_fingerprint(const unsigned char open[KEY_PUBLIC_SIZE], char out[KEY_WORDS_SIZE])
{
	struct packet packet = {.size = 0};
	unsigned char hash[crypto_hash_sha256_BYTES];

	open_pack(open, &packet);
	crypto_hash_sha256(hash, packet.data, packet.size);
	memcpy(out, "SHA256:", 7);
	sodium_bin2base64(out + 7, KEY_WORDS_SIZE - 7, hash, sizeof hash,
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

bool key_words_read(const char *line, unsigned char out[KEY_PUBLIC_SIZE])
{
	const char *words = strstr(line, KEY_TYPE " ");
	struct packet packet = {.size = 0};
	const unsigned char *open;
	size_t size;

	if (!words)
		return false;
	words += sizeof KEY_TYPE;
	if (sodium_base642bin(packet.data, sizeof packet.data, words, strcspn(words, " \n"), NULL,
		    &packet.size, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	packet_expect(&packet, KEY_TYPE);
	open = packet_take_string(&packet, &size);
	if (!open || packet.failed || size != KEY_PUBLIC_SIZE || packet.at != packet.size)
		return false;
	memcpy(out, open, KEY_PUBLIC_SIZE);
	return true;
}

/* One line: what goes before the key, the key, what goes after it. */
static int public_write(const struct key *key, const char *path, const char *before,
	const char *after, struct dd_error *err)
{
	CLEANUP(free) char *line = NULL;
	char words[KEY_WORDS_SIZE];
	int rc;

	key_words(key->open, words);
	rc = string_format(&line, err, "%s%s%s\n", before, words, after);
	return rc ? rc : file_replace(path, 0644, line, strlen(line), err);
}

int key_generate(const char *path, const char *comment, struct dd_error *err)
{
	CLEANUP(key) struct key *key = NULL;
	int rc = key_allocate(&key, err);

	if (rc)
		return rc;
	crypto_sign_keypair(key->open, key->secret);
	return key_save(key, path, comment, err);
}

int key_publish(const struct key *key, const char *path, const char *comment, struct dd_error *err)
{
	CLEANUP(free) char *after = NULL;
	int rc = string_format(&after, err, " %s", comment);

	return rc ? rc : public_write(key, path, "", after, err);
}

static int public_make(
	const char *folder, const char *principal, const struct key *key, struct dd_error *err)
{
	CLEANUP(free) char *host = NULL, *signers = NULL, *before = NULL;
	bool host_there = true, signers_there = true;
	int rc = string_format(&host, err, "%s/host.pub", folder);

	if (!rc)
		rc = string_format(&signers, err, "%s/allowed_signers", folder);
	if (!rc)
		rc = string_format(&before, err, "%s namespaces=\"git\" ", principal);
	if (!rc)
		rc = file_there(host, &host_there, err);
	if (!rc && !host_there)
		rc = key_publish(key, host, principal, err);
	if (!rc)
		rc = file_there(signers, &signers_there, err);
	if (!rc && !signers_there)
		rc = public_write(key, signers, before, "", err);
	return rc;
}

int key_make(const char *folder, const char *principal, struct dd_error *err)
{
	CLEANUP(key) struct key *key = NULL;
	CLEANUP(free) char *path = NULL;
	bool there = true;
	int rc = string_format(&path, err, "%s/host", folder);

	if (!rc)
		rc = file_there(path, &there, err);
	if (!rc && !there)
		rc = key_generate(path, principal, err);
	if (!rc)
		rc = key_load(path, &key, err);
	return rc ? rc : public_make(folder, principal, key, err);
}

/* ---- signatures ---- */

static void packet_add_signature(
	struct packet *packet, const struct key *key, const struct packet *message)
{
	unsigned char signature[crypto_sign_BYTES];

	crypto_sign_detached(signature, NULL, message->data, message->size, key->secret);
	packet_add_number(packet, 4 + sizeof KEY_TYPE - 1 + 4 + sizeof signature);
	packet_add_words(packet, KEY_TYPE);
	packet_add_string(packet, signature, sizeof signature);
}

/* What both the signed message and the signature say of how it was made. */
static void packet_add_terms(struct packet *packet)
{
	packet_add_words(packet, "git"); /* namespace */
	packet_add_words(packet, "");    /* reserved */
	packet_add_words(packet, "sha512");
}

int key_sign(const struct key *key, const void *data, size_t size, struct text *out,
	struct dd_error *err)
{
	struct packet message = {.size = 0}, packet = {.size = 0};
	struct secret_text text = {.size = 0};
	unsigned char hash[crypto_hash_sha512_BYTES];

	crypto_hash_sha512(hash, data, size);
	packet_add(&message, "SSHSIG", 6);
	packet_add_terms(&message);
	packet_add_string(&message, hash, sizeof hash);

	packet_add(&packet, "SSHSIG", 6);
	packet_add_number(&packet, 1);
	packet_add_public(&packet, key);
	packet_add_terms(&packet);
	packet_add_signature(&packet, key, &message);

	secret_text_puts(&text, "-----BEGIN SSH SIGNATURE-----");
	armour_add(&text, &packet);
	secret_text_puts(&text, "-----END SSH SIGNATURE-----");
	text_add(out, text.data, text.size);
	return text_failed(out) ? error_no_memory(err) : 0;
}

/* ---- proof to another host ---- */

struct vouched {
	unsigned char data[sizeof KEY_VOUCH_PREFIX + KEY_VOUCH_MAX];
	size_t size;
};

static bool vouched_gather(struct vouched *vouched, const void *data, size_t size)
{
	if (size > KEY_VOUCH_MAX)
		return false;
	memcpy(vouched->data, KEY_VOUCH_PREFIX, sizeof KEY_VOUCH_PREFIX);
	memcpy(vouched->data + sizeof KEY_VOUCH_PREFIX, data, size);
	vouched->size = sizeof KEY_VOUCH_PREFIX + size;
	return true;
}

int key_vouch(const struct key *key, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err)
{
	struct vouched vouched;

	if (!vouched_gather(&vouched, data, size))
		return error_set(err, DD_INVALID, "%zu bytes are too many to vouch for", size);
	crypto_sign_detached(signature, NULL, vouched.data, vouched.size, key->secret);
	return 0;
}

bool key_vouched(const unsigned char open[KEY_PUBLIC_SIZE], const void *data, size_t size,
	const unsigned char signature[KEY_SIGNATURE_SIZE])
{
	struct vouched vouched;

	return vouched_gather(&vouched, data, size) &&
	       crypto_sign_verify_detached(signature, vouched.data, vouched.size, open) == 0;
}
