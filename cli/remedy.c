/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remedy.h"

#include <stdio.h>
#include <string.h>

/* As a shell reads it back; what would take several lines is left to the reader. */
static void add_quoted(struct text *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./:@,+=[]";

	if (strpbrk(word, "\n\t"))
		word = "TEXT";
	if (*word && word[strspn(word, plain)] == '\0') {
		text_puts(out, word);
		return;
	}
	text_putc(out, '\'');
	for (; *word; word++)
		if (*word == '\'')
			text_puts(out, "'\\''");
		else
			text_putc(out, *word);
	text_putc(out, '\'');
}

/*
 * How detach-device finds it: "disk vdb" and "interface 52:54:00:…" by their second word, anything
 * else by its path below <devices>.
 */
static void add_reference(struct text *out, const struct dd_difference *difference)
{
	static const char devices[] = "/domain/devices/";
	const char *device = difference->device ? difference->device : "";
	const char *path = difference->path ? difference->path : "";
	char reference[128];

	if (strncmp(device, "disk ", 5) == 0)
		return add_quoted(out, device + 5);
	if (strncmp(device, "interface ", 10) == 0)
		return add_quoted(out, device + 10);
	if (strncmp(path, devices, strlen(devices)) == 0)
		path += strlen(devices);
	snprintf(reference, sizeof reference, "%.*s", (int)strcspn(path, "/"), path);
	add_quoted(out, reference);
}

/* Settings that have a command, by the end of their path below /domain. */
static const struct {
	const char *path;
	const char *command;
	const char *switches;
	const char *unit;
} settings[] = {
	{"/domain/name", "rename", "", ""},
	{"/domain/title", "desc", " --title", ""},
	{"/domain/description", "desc", "", ""},
	{"/domain/memory", "set-memory", " --maximum", "K"},
	{"/domain/currentMemory", "set-memory", "", "K"},
	{"/domain/vcpu", "set-vcpus", " --maximum", ""},
	{"/domain/vcpu/@current", "set-vcpus", "", ""},
};

static void add_setting(struct text *out, const struct dd_difference *difference)
{
	const char *after = difference->after ? difference->after : "";

	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (!difference->path || strcmp(difference->path, settings[i].path) != 0)
			continue;
		text_printf(out, "%s%s\t", settings[i].command, settings[i].switches);
		/* of a number with a unit, the number alone: memory is told in KiB */
		if (*settings[i].unit)
			text_printf(out, "%.*s%s", (int)strspn(after, "0123456789"), after,
				settings[i].unit);
		else
			add_quoted(out, after);
		text_putc(out, '\n');
	}
}

void remedies_add(struct remedies *remedies, const struct dd_difference *difference)
{
	struct text *out = &remedies->items;
	const char *kind = difference->kind;

	if (strcmp(kind, "setting") == 0)
		return add_setting(out, difference);
	if (strcmp(kind, "attached") == 0) {
		text_puts(out, "attach-device\tFILE");
	} else if (strcmp(kind, "detached") == 0) {
		text_puts(out, "detach-device\t");
		add_reference(out, difference);
	} else {
		text_puts(out, "update-device\tFILE");
	}
	text_putc(out, '\n');
}

void remedies_write(
	const struct remedies *remedies, const char *domain, struct text *out, struct json *array)
{
	const char *next = NULL;

	for (const char *item = text_string(&remedies->items); *item; item = next) {
		CLEANUP(text) struct text line = TEXT_INIT;
		size_t head = strcspn(item, "\t");
		size_t tail = strcspn(item + head, "\n");

		next = item + head + tail + 1;
		text_printf(&line, "  domesday %.*s ", (int)head, item);
		add_quoted(&line, domain);
		text_printf(&line, " %.*s\n", (int)(tail - 1), item + head + 1);
		if (strstr(text_string(out), text_string(&line)))
			continue;
		text_puts(out, text_string(&line));
		line.size--; /* without the indent and the end of the line */
		line.data[line.size] = '\0';
		json_push(array, json_string(text_string(&line) + 2));
	}
}
