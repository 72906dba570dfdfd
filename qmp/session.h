/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_SESSION_H
#define QMP_SESSION_H

/*
 * The QMP protocol with nothing around it: bytes from QEMU go in, bytes for QEMU, replies and
 * events come out. No descriptor, no clock, no thread. Used by one thread at a time.
 *
 * One command is under way at a time. A reply that comes after its command was given up is dropped.
 */

#include "qmp/json.h"

#define SESSION_LINE_MAX (16u << 20) /* bytes of one message */
#define SESSION_EVENT_MAX 512        /* kept; when more come the oldest goes */

enum session_phase {
	SESSION_GREETING,    /* nothing heard yet */
	SESSION_NEGOTIATING, /* greeted, capabilities asked for */
	SESSION_READY,       /* commands may be sent */
	SESSION_BROKEN,      /* something that is not QMP was heard; for good */
};

struct session;

/* NULL when out of memory. */
struct session *session_new(void);
void session_free(struct session *session);
CLEANUP_DEFINE(session, struct session *, session_free)

enum session_phase session_phase(const struct session *session);

/*
 * Takes what QEMU sent, in pieces of any size; what is to be sent back is appended to output.
 * DD_HYPERVISOR: not QMP, or more than the limits; the session is broken then, and stays so.
 */
int session_feed(struct session *session, const char *bytes, size_t size, struct text *output,
	struct dd_error *err);

/*
 * Appends the command to output and makes it the one under way. args is an object or NULL,
 * borrowed.
 */
int session_command(struct session *session, const char *name, const struct json *args,
	struct text *output, struct dd_error *err);

enum session_answer {
	SESSION_PENDING, /* not answered yet */
	SESSION_RETURN,  /* *value is what it returned, the caller's */
	SESSION_ERROR,   /* *value has "class" and "desc", the caller's */
};

/* What became of the command under way. Gives each answer once. */
enum session_answer session_take_answer(struct session *session, struct json **value);

/* The oldest event not yet taken ("event", "data", "timestamp"), the caller's; NULL: none. */
struct json *session_take_event(struct session *session);

#endif
