/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/monitor.h"

#include "qmp/deadline.h"
#include "qmp/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LOG_TAIL 65536 /* bytes of the log in which its last lines are looked for */
#define WORDS_MAX 3    /* lines */

struct monitor {
	int fd;
	int log;
	bool gone; /* the connection has ended */
	struct session *session;
	struct text output; /* not sent yet */
};

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	close(monitor->fd);
	if (monitor->log >= 0)
		close(monitor->log);
	session_free(monitor->session);
	text_release(&monitor->output);
	free(monitor);
}

/* Without the time and the program's name that QEMU begins its lines with. */
static const char *skip_name(const char *line)
{
	static const char name[] = "qemu-system-";
	const char *program = strstr(line, name);
	const char *end = program ? strstr(program, ": ") : NULL;

	return end && program - line < 32 ? end + 2 : line;
}

/* Cuts the last line off; NULL: none is left. */
static char *cut_line(char *text)
{
	size_t size = strlen(text);

	while (size && strchr(" \r\n", text[size - 1]))
		text[--size] = '\0';

	char *line = strrchr(text, '\n');

	if (!line)
		return NULL;
	*line = '\0';
	return line + 1;
}

/*
 * The last lines of this run, the oldest first: the very last often says only that something has
 * failed, and those before it what. Warnings come with every start.
 */
static void last_words(char *text, struct text *out)
{
	const char *lines[WORDS_MAX];
	size_t count = 0;

	while (count < WORDS_MAX) {
		const char *line = cut_line(text);

		if (!line || strncmp(line, "--- ", 4) == 0)
			break;
		line = skip_name(line);
		if (strncmp(line, "warning: ", 9) != 0)
			lines[count++] = line;
	}
	while (count--)
		text_printf(out, "%s%s", out->size ? "; " : "", lines[count]);
}

void log_explain(int log, struct dd_error *err)
{
	CLEANUP(free) char *tail = malloc(LOG_TAIL + 1);
	CLEANUP(text) struct text words = TEXT_INIT;
	struct stat info;

	if (!err || !tail || log < 0 || fstat(log, &info))
		return;

	/* far enough back to tell the line of a start, which is long, from what QEMU said */
	off_t from = info.st_size > LOG_TAIL ? info.st_size - LOG_TAIL : 0;
	ssize_t size = pread(log, tail, LOG_TAIL, from);

	if (size <= 0)
		return;
	tail[size] = '\0';
	last_words(tail, &words);
	if (words.size) {
		struct dd_error said;

		error_set(&said, err->code, "%.500s; QEMU's last words: %s", err->message,
			text_string(&words));
		memcpy(err->message, said.message, sizeof err->message);
	}
}

static int died(struct monitor *monitor, struct dd_error *err)
{
	monitor->gone = true;
	error_set(err, DD_HYPERVISOR, "QEMU has ended");
	log_explain(monitor->log, err);
	return DD_HYPERVISOR;
}

static int receive(struct monitor *monitor, struct dd_error *err)
{
	char bytes[16384];
	ssize_t size = recv(monitor->fd, bytes, sizeof bytes, 0);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size <= 0)
		return died(monitor, err);
	return session_feed(monitor->session, bytes, (size_t)size, &monitor->output, err);
}

static int transmit(struct monitor *monitor, struct dd_error *err)
{
	ssize_t size = send(monitor->fd, text_string(&monitor->output), monitor->output.size,
		MSG_NOSIGNAL | MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size < 0)
		return died(monitor, err);
	memmove(monitor->output.data, monitor->output.data + size,
		monitor->output.size - (size_t)size);
	monitor->output.size -= (size_t)size;
	return 0;
}

/* Moves bytes once, waiting for the other side until the deadline at most. */
static int turn(struct monitor *monitor, int64_t deadline, struct dd_error *err)
{
	struct pollfd poll_fd = {.fd = monitor->fd, .events = POLLIN};

	if (monitor->gone)
		return died(monitor, err);
	if (monitor->output.size)
		poll_fd.events |= POLLOUT;
	if (poll(&poll_fd, 1, deadline_left(deadline)) < 0)
		return errno == EINTR ? 0 : error_errno(err, errno, "cannot wait for QEMU");
	if (poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) {
		int code = receive(monitor, err);

		if (code)
			return code;
	}
	return poll_fd.revents & POLLOUT ? transmit(monitor, err) : 0;
}

static int await_ready(struct monitor *monitor, int wait_ms, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);

	while (session_phase(monitor->session) != SESSION_READY) {
		int code = turn(monitor, deadline, err);

		if (code)
			return code;
		if (session_phase(monitor->session) != SESSION_READY && !deadline_left(deadline))
			return error_set(err, DD_BUSY,
				"QEMU's monitor has not answered for %d seconds: it hangs, or "
				"serves somebody else",
				wait_ms / 1000);
	}
	return 0;
}

int monitor_new(int fd, int log, int wait_ms, struct monitor **out, struct dd_error *err)
{
	CLEANUP(monitor) struct monitor *monitor = calloc(1, sizeof *monitor);

	if (!monitor) {
		close(fd);
		if (log >= 0)
			close(log);
		return error_no_memory(err);
	}
	monitor->fd = fd;
	monitor->log = log;
	monitor->session = session_new();
	if (!monitor->session)
		return error_no_memory(err);
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		return error_errno(err, errno, "cannot set up the monitor's socket");

	int code = await_ready(monitor, wait_ms, err);

	if (!code)
		*out = TAKE(monitor);
	return code;
}

static int refused(const char *command, const struct json *error, struct dd_error *err)
{
	static const struct {
		const char *class;
		int code;
	} codes[] = {
		{"DeviceNotFound", DD_NOT_FOUND},
		{"CommandNotFound", DD_UNSUPPORTED},
	};
	const char *class = json_get_string(error, "class");
	const char *words = json_get_string(error, "desc");

	for (size_t i = 0; class && i < sizeof codes / sizeof *codes; i++)
		if (strcmp(class, codes[i].class) == 0)
			return error_set(err, codes[i].code, "QEMU: %s", words);
	return error_set(err, DD_HYPERVISOR, "QEMU refuses %s: %s", command, words);
}

/* DD_BUSY, with no word of it in err: it has not come in time. */
static int await_answer_for(struct monitor *monitor, const char *command, int wait_ms,
	struct json **reply, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);

	for (;;) {
		CLEANUP(json) struct json *value = NULL;

		switch (session_take_answer(monitor->session, &value)) {
		case SESSION_RETURN:
			if (reply)
				*reply = TAKE(value);
			return 0;
		case SESSION_ERROR:
			return refused(command, value, err);
		case SESSION_PENDING:
			break;
		}
		if (!deadline_left(deadline))
			return DD_BUSY;

		int code = turn(monitor, deadline, err);

		if (code)
			return error_wrap(err, "%s", command);
	}
}

static int await_answer(
	struct monitor *monitor, const char *command, struct json **reply, struct dd_error *err)
{
	int code = await_answer_for(monitor, command, MONITOR_CALL_MS, reply, err);

	if (code != DD_BUSY)
		return code;
	return error_set(err, DD_HYPERVISOR, "QEMU has not answered %s for %d seconds", command,
		MONITOR_CALL_MS / 1000);
}

int monitor_call(struct monitor *monitor, const char *command, struct json *args,
	struct json **reply, struct dd_error *err)
{
	CLEANUP(json) struct json *owned = args;
	int code = session_command(monitor->session, command, owned, &monitor->output, err);

	return code ? code : await_answer(monitor, command, reply, err);
}

int monitor_tell(struct monitor *monitor, const char *command, struct json *args, int wait_ms,
	struct dd_error *err)
{
	CLEANUP(json) struct json *owned = args;
	int code = session_command(monitor->session, command, owned, &monitor->output, err);

	if (!code)
		code = await_answer_for(monitor, command, wait_ms, NULL, err);
	return code == DD_BUSY ? 0 : code;
}

int monitor_call_both(
	struct monitor *monitor, const char *first, const char *second, struct dd_error *err)
{
	int code = session_command(monitor->session, first, NULL, &monitor->output, err);

	if (!code)
		code = session_command(monitor->session, second, NULL, &monitor->output, err);
	return code ? code : await_answer(monitor, second, NULL, err);
}

/* Sends the first bytes of output together with fd. */
static int transmit_with_fd(struct monitor *monitor, int fd, struct dd_error *err)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct iovec part = {.iov_base = monitor->output.data, .iov_len = monitor->output.size};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes,
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof fd);

	ssize_t size = sendmsg(monitor->fd, &message, MSG_NOSIGNAL);

	if (size < 0)
		return error_errno(err, errno, "cannot hand QEMU a descriptor");
	memmove(monitor->output.data, monitor->output.data + size,
		monitor->output.size - (size_t)size);
	monitor->output.size -= (size_t)size;
	return 0;
}

int monitor_send_fd(struct monitor *monitor, const char *name, int fd, struct dd_error *err)
{
	CLEANUP(json) struct json *args = json_object();

	json_put_string(args, "fdname", name);

	int code = session_command(monitor->session, "getfd", args, &monitor->output, err);

	if (!code)
		code = transmit_with_fd(monitor, fd, err);
	return code ? code : await_answer(monitor, "getfd", NULL, err);
}

int monitor_add_fd(struct monitor *monitor, int fd, int *number, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = session_command(monitor->session, "add-fd", NULL, &monitor->output, err);
	int64_t found;

	if (!code)
		code = transmit_with_fd(monitor, fd, err);
	if (!code)
		code = await_answer(monitor, "add-fd", &reply, err);
	if (code)
		return code;
	found = json_get_number(reply, "fd", -1);
	if (found < 0 || found > INT_MAX)
		return error_set(err, DD_HYPERVISOR, "QEMU does not say which descriptor it has");
	*number = (int)found;
	return 0;
}

int monitor_await(struct monitor *monitor,
	bool (*wanted)(const char *name, const struct json *data, void *context), void *context,
	int wait_ms, struct json **event, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);

	for (;;) {
		CLEANUP(json) struct json *next = NULL;

		while ((next = session_take_event(monitor->session))) {
			if (wanted(json_get_string(next, "event"), json_get(next, "data"),
				    context)) {
				*event = TAKE(next);
				return 0;
			}
			json_free(TAKE(next));
		}
		if (!deadline_left(deadline)) {
			*event = NULL;
			return 0;
		}

		int code = turn(monitor, deadline, err);

		if (code)
			return code;
	}
}

void monitor_drop_events(struct monitor *monitor)
{
	struct json *event;

	while ((event = session_take_event(monitor->session)))
		json_free(event);
}
