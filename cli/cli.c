/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/line.h"

#define FLOW_BYTES 65536
#define PATIENCE_MS 1000

void cli_init(struct cli *cli)
{
	memset(cli, 0, sizeof *cli);
}

void cli_release(struct cli *cli)
{
	dd_host_close(cli->host);
	text_release(&cli->out);
	text_release(&cli->advice);
	json_free(cli->answer);
	json_free(cli->details);
}

/* On standard error, where nobody reads but people. */
static void put_message(const char *before, const char *message, const char *after)
{
	CLEANUP(text) struct text shown = TEXT_INIT;

	line_spell(&shown, message, strlen(message), "");
	fprintf(stderr, "%s%s%s", before, text_failed(&shown) ? "?" : text_string(&shown), after);
}

void cli_warn(const char *message, void *context)
{
	(void)context;
	put_message("domesday: warning: ", message, "\n");
}

int cli_open(struct cli *cli, bool create, struct dd_error *err)
{
	const struct dd_host_options options = {
		.book = cli->book,
		.create = create,
		.program = "domesday",
		.reason = cli->reason,
		.warn = cli_warn,
	};

	return dd_host_open(&options, &cli->host, err);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
	CLEANUP(text) struct text note = TEXT_INIT;
	va_list args;

	if (cli->quiet || cli->json)
		return;
	va_start(args, format);
	text_vprintf(&note, format, args);
	va_end(args);
	put_message("", text_string(&note), "\n");
}

void cli_put_value(struct cli *cli, const char *value)
{
	cli->exact = true;
	if (isatty(STDOUT_FILENO))
		line_spell(&cli->out, value, strlen(value), "");
	else
		text_puts(&cli->out, value);
}

int cli_answer(struct cli *cli, struct json *value, struct dd_error *err)
{
	if (!value)
		return error_no_memory(err);
	json_free(cli->answer);
	cli->answer = value;
	return 0;
}

static const char *const status_words[] = {
	"success",
	"success, and the answer is no: diff or abi-check found differences, check drift",
	"the command line makes no sense",
	"invalid: what was handed in is malformed or contradicts itself",
	"not-found: no such domain, version, device, file or book",
	"exists: the name, UUID or device is there already",
	"conflict: the domain has moved on from --if-version",
	"busy: somebody else holds the domain or the book, or the guest is late",
	"refused: understood, but against a rule or in the wrong state",
	"unsupported: understood, but this version cannot honour it",
	"corrupt: the book contradicts itself",
	"system: the operating system refused (no space, no permission...)",
	"hypervisor: QEMU is missing, died, or refused a command",
	"no-memory: an allocation failed",
};
#define STATUS_COUNT ((int)(sizeof status_words / sizeof status_words[0]))

const char *exit_status_words(int status)
{
	return status >= 0 && status < STATUS_COUNT ? status_words[status] : NULL;
}

int exit_status(int code)
{
	if (code >= 0)
		return code;
	if (code == CLI_USAGE)
		return STATUS_USAGE;
	return STATUS_USAGE - code < STATUS_COUNT ? STATUS_USAGE - code : STATUS_USAGE - DD_SYSTEM;
}

static int add_detail(const char *key, const struct json *value, void *error)
{
	return json_put(error, key, json_copy(value)) ? 0 : -1;
}

struct json *error_json(const struct dd_error *err)
{
	struct json *error = json_object();
	bool usage = err->code == CLI_USAGE;

	json_put_string(error, "code", usage ? "usage" : dd_code_name(err->code));
	json_put_number(error, "status", exit_status(err->code));
	json_put_string(error, "message", err->message);
	if (err->file[0])
		json_put_string(error, "file", err->file);
	if (err->line)
		json_put_number(error, "line", err->line);
	if (err->column)
		json_put_number(error, "column", err->column);
	if (err->path[0])
		json_put_string(error, "path", err->path);
	if (err->hint[0])
		json_put_string(error, "hint", err->hint);
	return error;
}

/* {"error": {…}} */
static struct json *error_answer(const struct cli *cli, const struct dd_error *err)
{
	struct json *error = error_json(err);
	struct json *answer = json_object();

	json_each(cli->details, add_detail, error);
	json_put(answer, "error", error);
	return answer;
}

static void report_error(struct cli *cli, const struct dd_error *err)
{
	char line[sizeof *err + 64];

	text_clear(&cli->out);
	if (cli->json && cli_answer(cli, error_answer(cli, err), NULL) == 0)
		return;
	dd_error_format(err, line, sizeof line);
	put_message("domesday: ", line, "\n");
	put_message("", text_string(&cli->advice), "");
}

int cli_flow(struct cli *cli)
{
	struct pollfd reader = {.fd = STDOUT_FILENO, .events = POLLOUT};
	struct text *out = &cli->out;
	size_t done = 0;

	if (cli->stalled || out->size < FLOW_BYTES)
		return 0;
	while (done < out->size && !cli->stalled) {
		size_t left = out->size - done;
		/* a pipe that has room has room for so much */
		size_t some = left < PIPE_BUF ? left : PIPE_BUF;
		int put = poll(&reader, 1, PATIENCE_MS) == 1
				  ? file_write(STDOUT_FILENO, out->data + done, some)
				  : -EAGAIN;

		if (put == -EPIPE) {
			text_clear(out);
			return STATUS_PIPE;
		}
		/* what else is wrong is told at the end */
		cli->stalled = put < 0;
		done += cli->stalled ? 0 : some;
	}
	memmove(out->data, out->data + done, out->size - done + 1);
	out->size -= done;
	return 0;
}

static int compose_answer(struct cli *cli, struct dd_error *err)
{
	text_clear(&cli->out);
	if (isatty(STDOUT_FILENO))
		return json_write_pretty(cli->answer, &cli->out, err);
	return json_write(cli->answer, &cli->out, err);
}

/* What is for people does nothing to their terminal but what we want. */
static void spell_out(struct cli *cli)
{
	struct text shown = TEXT_INIT;

	if (text_failed(&cli->out))
		return;
	line_spell(&shown, text_string(&cli->out), cli->out.size, cli->colour ? "\033" : "");
	text_release(&cli->out);
	cli->out = shown;
}

int cli_finish(struct cli *cli, int code, const struct dd_error *err)
{
	struct dd_error local = {0};

	if (code < 0)
		report_error(cli, err);
	if (cli->answer)
		compose_answer(cli, &local);
	else if (!cli->exact)
		spell_out(cli);
	if (cli->answer && cli->out.size && cli->out.data[cli->out.size - 1] != '\n')
		text_putc(&cli->out, '\n');
	if (text_failed(&cli->out))
		error_no_memory(&local);
	if (local.code) {
		fprintf(stderr, "domesday: %s\n", local.message);
		return exit_status(local.code);
	}

	int put = file_write(STDOUT_FILENO, text_string(&cli->out), cli->out.size);

	if (put == -EPIPE)
		return STATUS_PIPE;
	if (put < 0) {
		fprintf(stderr, "domesday: cannot write the output: %s\n", strerror(-put));
		return exit_status(code < 0 ? code : DD_SYSTEM);
	}
	return exit_status(code);
}
