/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/door.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "domain/crash.h"
#include "migrate/ask.h"
#include "migrate/channel/beside.h"
#include "migrate/incoming.h"

#define KEY_HEX_SIZE (2 * MIGRATION_KEY_SIZE + 1)

/* ---- the source ---- */

static int ask(struct outgoing *outgoing, const unsigned char key[MIGRATION_KEY_SIZE],
	struct json **answer, struct dd_error *err)
{
	struct json *request = ask_request("door", outgoing->id, outgoing->op.row.uuid);
	char hex[KEY_HEX_SIZE];
	int rc = outgoing_connect(outgoing, err);

	sodium_bin2hex(hex, sizeof hex, key, MIGRATION_KEY_SIZE);
	json_put_string(request, "key", hex);
	sodium_memzero(hex, sizeof hex);
	if (rc) {
		json_free(request);
		return rc;
	}
	return peer_call(
		outgoing->channel, outgoing->peer.name, request, PEER_ANSWER_MS, answer, err);
}

/* Our QEMU, as it was told before, but for the key. */
static int arm(struct outgoing *outgoing, const struct stream_options *options,
	const unsigned char key[MIGRATION_KEY_SIZE], struct dd_error *err)
{
	int rc = guest_migration_set_key(outgoing->op.guest, true, key, err);

	CRASH_POINT("outgoing:armed");
	return rc ? rc : stream_prepare(outgoing->op.guest, options, true, NULL, err);
}

static int knock(struct outgoing *outgoing, const unsigned char key[MIGRATION_KEY_SIZE], int *fd,
	struct dd_error *reason, struct dd_error *err)
{
	CLEANUP(json) struct json *answer = NULL;
	CLEANUP(json) struct json *opened = NULL;
	CLEANUP(close) int made = -1;
	int rc = ask(outgoing, key, &answer, err);

	if (rc)
		return rc;
	(void)beside_connect(outgoing->channel,
		(unsigned)json_get_unsigned(answer, "port", 0) & 0xffff, DOOR_MS, &made, reason);
	rc = peer_answer(outgoing->channel, outgoing->peer.name, PEER_ANSWER_MS, &opened, err);
	if (rc || !json_get_bool(opened, "open", false))
		return rc;
	*fd = made;
	made = -1;
	return 0;
}

int door_open(struct outgoing *outgoing, const struct stream_options *options, int *fd,
	struct dd_error *reason, struct dd_error *err)
{
	unsigned char key[MIGRATION_KEY_SIZE];
	int rc;

	randombytes_buf(key, sizeof key);
	rc = knock(outgoing, key, fd, reason, err);
	if (!rc && *fd >= 0)
		rc = arm(outgoing, options, key, err);
	sodium_memzero(key, sizeof key);
	return rc;
}

/* ---- the destination ---- */

static int key_read(
	const struct json *request, unsigned char key[MIGRATION_KEY_SIZE], struct dd_error *err)
{
	const char *hex = json_get_string(request, "key");
	size_t size = 0;

	if (hex && strlen(hex) == KEY_HEX_SIZE - 1 &&
		sodium_hex2bin(key, MIGRATION_KEY_SIZE, hex, KEY_HEX_SIZE - 1, NULL, &size, NULL) ==
			0 &&
		size == MIGRATION_KEY_SIZE)
		return 0;
	return error_set(err, DD_INVALID, "a door has no valid 'key'");
}

/* *fd stays -1 where nobody comes. */
static int await(struct peer_session *session, int *fd, struct dd_error *err)
{
	CLEANUP(close) int listener = -1;
	CLEANUP(json) struct json *told = json_object();
	unsigned port = 0;
	int rc = beside_listen(session->channel, &listener, &port, err);

	json_put_number(told, "port", port);
	if (!rc)
		rc = peer_send(session->channel, told, err);
	if (!rc)
		(void)beside_accept(session->channel, listener, DOOR_MS, fd, NULL);
	return rc;
}

int door_answer(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	unsigned char key[MIGRATION_KEY_SIZE];
	CLEANUP(close) int fd = -1;
	bool open = false;
	int rc = key_read(request, key, err);

	if (!rc)
		rc = await(session, &fd, err);
	if (!rc)
		rc = incoming_door(session->incoming, key, fd, &open, err);
	CRASH_POINT("incoming:armed");
	sodium_memzero(key, sizeof key);
	if (rc)
		return rc;
	*answer = json_object();
	return json_put_bool(*answer, "open", open) ? 0 : error_no_memory(err);
}
