/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/line.h"
#include "base/text.h"

static bool for_journal;

/* $JOURNAL_STREAM, "DEVICE:INODE", is inherited by what writes elsewhere, too. */
void log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device = 0, inode = 0;
	struct stat status;

	for_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		      fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
		      status.st_ino == inode;
}

static void write_line(enum log_priority priority, const char *words)
{
	CLEANUP(text) struct text line = TEXT_INIT;

	if (for_journal)
		text_printf(&line, "<%d>", (int)priority);
	else
		text_puts(&line, "domesdayd: ");
	line_spell(&line, words, strlen(words), "");
	for (size_t i = 0; i < line.size && line.data; i++)
		if (line.data[i] == '\n' || line.data[i] == '\t')
			line.data[i] = ' ';
	text_putc(&line, '\n');
	/* where nobody can be told, there is nobody to tell that */
	if (!text_failed(&line))
		(void)file_write(STDERR_FILENO, line.data, line.size);
}

void log_line(enum log_priority priority, const char *format, ...)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	va_list args;

	va_start(args, format);
	text_vprintf(&words, format, args);
	va_end(args);
	write_line(priority, text_string(&words));
}

void log_error(enum log_priority priority, const struct dd_error *error, const char *format, ...)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	char line[sizeof *error + 64];
	va_list args;

	va_start(args, format);
	text_vprintf(&words, format, args);
	va_end(args);
	dd_error_format(error, line, sizeof line);
	text_printf(&words, "%s%s", words.size ? ": " : "", line);
	write_line(priority, text_string(&words));
}
