/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/session.h"

#include <stdlib.h>
#include <string.h>

/*
 * QMP as QEMU speaks it (qmp-spec in QEMU's documentation): each message is one JSON object on a
 * line of its own.
 *
 *   QEMU: {"QMP": {"version": …, "capabilities": […]}}           the greeting, once
 *   we:   {"execute": NAME, "arguments": {…}, "id": N}
 *   QEMU: {"return": …, "id": N}  or  {"error": {"class", "desc"}, "id": N}
 *   QEMU: {"event": NAME, "data": {…}, "timestamp": {…}}         at any time after the greeting
 *
 * Until qmp_capabilities has been answered no other command is allowed; the session sends that one
 * itself, as number 0. An answer that carries no number, or one that was never given out, means
 * that both sides have lost count: the session is broken.
 */
struct session {
	enum session_phase phase;
	struct text line;    /* the part of a message that has come */
	uint64_t next;       /* number of the next command */
	bool waiting;        /* for the answer to number next - 1 */
	struct json *answer; /* to it, once there */
	bool failed;         /* the answer is an error */
	struct json *events[SESSION_EVENT_MAX];
	size_t first;
	size_t count;
};

struct session *session_new(void)
{
	return calloc(1, sizeof(struct session));
}

void session_free(struct session *session)
{
	struct json *event;

	if (!session)
		return;
	while ((event = session_take_event(session)))
		json_free(event);
	json_free(session->answer);
	text_release(&session->line);
	free(session);
}

enum session_phase session_phase(const struct session *session)
{
	return session->phase;
}

static int send_command(struct session *session, const char *name, const struct json *args,
	struct text *output, struct dd_error *err)
{
	CLEANUP(json) struct json *message = json_object();
	CLEANUP(text) struct text line = TEXT_INIT;

	json_put_string(message, "execute", name);
	if (args)
		json_put(message, "arguments", json_copy(args));
	json_put(message, "id", json_unsigned(session->next));

	int code = json_write(message, &line, err);

	if (code)
		return code;
	text_puts(&line, "\r\n");
	text_add(output, text_string(&line), line.size);
	if (text_failed(&line) || text_failed(output))
		return error_no_memory(err);
	json_free(TAKE(session->answer));
	session->next++;
	session->waiting = true;
	return 0;
}

static int take_greeting(struct session *session, const struct json *message, struct text *output,
	struct dd_error *err)
{
	if (!json_get(json_get(message, "QMP"), "version"))
		return error_set(err, DD_HYPERVISOR, "the monitor did not greet as QEMU does");

	int code = send_command(session, "qmp_capabilities", NULL, output, err);

	if (!code)
		session->phase = SESSION_NEGOTIATING;
	return code;
}

static int take_event(struct session *session, const struct json *message, struct dd_error *err)
{
	struct json *event = json_copy(message);

	if (!event)
		return error_no_memory(err);
	if (session->count == SESSION_EVENT_MAX)
		json_free(session_take_event(session));
	session->events[(session->first + session->count++) % SESSION_EVENT_MAX] = event;
	return 0;
}

static int take_answer(struct session *session, const struct json *message, struct dd_error *err)
{
	const struct json *error = json_get(message, "error");
	uint64_t number = json_get_unsigned(message, "id", UINT64_MAX);

	if (number >= session->next)
		return error_set(err, DD_HYPERVISOR, "QEMU answered what was not asked: %s",
			error ? json_get_string(error, "desc") : "no known command id");
	if (!session->waiting || number != session->next - 1)
		return 0;
	session->answer = json_copy(error ? error : json_get(message, "return"));
	if (!session->answer)
		return error_no_memory(err);
	session->failed = error;
	session->waiting = false;
	if (session->phase != SESSION_NEGOTIATING)
		return 0;
	if (error)
		return error_set(err, DD_HYPERVISOR, "QEMU refuses to talk: %s",
			json_get_string(error, "desc"));
	json_free(TAKE(session->answer));
	session->phase = SESSION_READY;
	return 0;
}

static int take_message(struct session *session, const struct json *message, struct text *output,
	struct dd_error *err)
{
	if (session->phase == SESSION_GREETING)
		return take_greeting(session, message, output, err);
	if (json_get_string(message, "event"))
		return take_event(session, message, err);
	if (json_get(message, "return") || json_get_string(json_get(message, "error"), "desc"))
		return take_answer(session, message, err);
	return error_set(err, DD_HYPERVISOR, "the monitor sent something that is not QMP");
}

static int take_line(struct session *session, struct text *output, struct dd_error *err)
{
	CLEANUP(json) struct json *message = NULL;

	if (strspn(text_string(&session->line), " \t\r") == session->line.size)
		return 0;

	int code = json_parse(text_string(&session->line), session->line.size, &message, err);

	if (code == DD_INVALID) {
		error_wrap(err, "the monitor sent something that is not QMP");
		if (err)
			err->code = DD_HYPERVISOR;
		return DD_HYPERVISOR;
	}
	return code ? code : take_message(session, message, output, err);
}

static int add_piece(struct session *session, const char *bytes, size_t size, struct dd_error *err)
{
	if (size > SESSION_LINE_MAX - session->line.size)
		return error_set(err, DD_HYPERVISOR, "the monitor sent a message over %u bytes",
			SESSION_LINE_MAX);
	text_add(&session->line, bytes, size);
	return text_failed(&session->line) ? error_no_memory(err) : 0;
}

int session_feed(struct session *session, const char *bytes, size_t size, struct text *output,
	struct dd_error *err)
{
	int code = 0;

	if (session->phase == SESSION_BROKEN)
		return error_set(err, DD_HYPERVISOR, "the monitor connection is broken");
	while (size && !code) {
		const char *end = memchr(bytes, '\n', size);
		size_t piece = end ? (size_t)(end - bytes) : size;

		code = add_piece(session, bytes, piece, err);
		if (!code && end) {
			code = take_line(session, output, err);
			text_clear(&session->line);
			piece++;
		}
		bytes += piece;
		size -= piece;
	}
	if (code)
		session->phase = SESSION_BROKEN;
	return code;
}

int session_command(struct session *session, const char *name, const struct json *args,
	struct text *output, struct dd_error *err)
{
	if (session->phase != SESSION_READY)
		return error_set(err, DD_HYPERVISOR, "the monitor connection is %s",
			session->phase == SESSION_BROKEN ? "broken" : "not ready");
	return send_command(session, name, args, output, err);
}

enum session_answer session_take_answer(struct session *session, struct json **value)
{
	if (session->waiting || !session->answer)
		return SESSION_PENDING;
	*value = TAKE(session->answer);
	return session->failed ? SESSION_ERROR : SESSION_RETURN;
}

struct json *session_take_event(struct session *session)
{
	if (!session->count)
		return NULL;

	struct json *event = session->events[session->first];

	session->first = (session->first + 1) % SESSION_EVENT_MAX;
	session->count--;
	return event;
}
