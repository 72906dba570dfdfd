/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this host has the memory for a guest to be there twice for a while (proc(5)). */
#include "migrate/local.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "qmp/guest.h"

#define FILE_MAX (64 << 10)
#define KIB_IN_MIB 1024

/* KiB of a line such as "MemAvailable:  123 kB"; 0: there is none. */
static uint64_t find_kib(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			return strtoull(line + length + 1, NULL, 10);
	}
	return 0;
}

int local_room_check(const struct operation *op, const struct document *live, struct dd_error *err)
{
	CLEANUP(text) struct text memory = TEXT_INIT;
	CLEANUP(text) struct text status = TEXT_INIT;
	uint64_t there, needed;
	char path[64];
	pid_t pid = 0;

	if (guest_memory_in_common(live) || !guest_alive(op->folder, &pid))
		return 0;
	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	/* where that is not told nothing is known against it */
	if (file_read("/proc/meminfo", FILE_MAX, &memory, NULL) ||
		file_read(path, FILE_MAX, &status, NULL))
		return 0;
	there = find_kib(text_string(&memory), "MemAvailable") +
		find_kib(text_string(&memory), "SwapFree");
	needed = find_kib(text_string(&status), "VmRSS") + find_kib(text_string(&status), "VmSwap");
	if (!there || needed <= there)
		return 0;
	error_set(err, DD_REFUSED,
		"the guest's QEMU has %" PRIu64
		" MiB of memory, which would be there twice meanwhile, and this host has %" PRIu64
		" MiB left",
		needed / KIB_IN_MIB, there / KIB_IN_MIB);
	return error_hint(err,
		"with <source type='memfd'/> and <access mode='shared'/> in its <memoryBacking> it "
		"is there once");
}
