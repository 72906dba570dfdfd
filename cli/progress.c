/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cli/output.h"

/* One more thing to say, and with it none of those after it, where it does not fit. */
PRINTF_LIKE(3, 4)
static void add(struct text *line, size_t *room, const char *format, ...)
{
	CLEANUP(text) struct text more = TEXT_INIT;
	va_list args;

	va_start(args, format);
	text_vprintf(&more, format, args);
	va_end(args);
	if (more.size > *room)
		*room = 0;
	if (!*room)
		return;
	*room -= more.size;
	text_puts(line, text_string(&more));
}

static void add_numbers(
	const struct dd_migration_progress *progress, struct text *line, size_t *room)
{
	add(line, room, "  %3.0f %%",
		100.0 * (double)(progress->total - progress->remaining) / (double)progress->total);
	add(line, room, "  %.0f of %.0f MiB left", (double)progress->remaining / MIB,
		(double)progress->total / MIB);
	add(line, room, ", %.0f MiB sent", (double)progress->sent / MIB);
	if (progress->bandwidth)
		add(line, room, ", %.0f MiB/s", (double)progress->bandwidth / MIB);
	if (progress->estimate_ms >= 0)
		add(line, room, ", %.1f s to go", (double)progress->estimate_ms / 1000);
	if (progress->dirty_rate)
		add(line, room, ", %.0f MiB/s changed", (double)progress->dirty_rate / MIB);
	if (progress->throttle)
		add(line, room, ", slowed down by %u %%", progress->throttle);
	if (progress->downtime_ms > 0)
		add(line, room, ", to stand still for %" PRId64 " ms", progress->downtime_ms);
	if (progress->transport && strcmp(progress->transport, "tls") == 0)
		add(line, room, ", by TLS");
}

void progress_line(const struct dd_migration_progress *progress, size_t room, struct text *line)
{
	add(line, &room, "%s", progress->phase);
	if (progress->total)
		add_numbers(progress, line, &room);
}
