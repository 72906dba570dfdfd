/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lock/proclocks.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

/* A line reads "7: POSIX  ADVISORY  WRITE 1234 fd:00:5678 120 120": pid, device, inode, range. */
static int line_writer(const char *line, ino_t inode)
{
	char kind[16], access[16];
	unsigned major, minor;
	unsigned long long number;
	int pid;

	if (sscanf(line, "%*d: %15s %*s %15s %d %x:%x:%llu", kind, access, &pid, &major, &minor,
		    &number) != 6)
		return 0;
	if (strcmp(kind, "POSIX") != 0 || strcmp(access, "WRITE") != 0 || number != inode)
		return 0;
	return pid;
}

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

int proclocks_writer(const char *database_path)
{
	CLEANUP(free) char *shared = NULL;
	CLEANUP(file) FILE *file = NULL;
	struct stat status;
	char line[256];
	int pid = 0;

	if (string_format(&shared, NULL, "%s-shm", database_path) || stat(shared, &status) < 0)
		return 0;
	file = fopen("/proc/locks", "re");
	while (file && !pid && fgets(line, sizeof line, file))
		pid = line_writer(line, status.st_ino);
	return pid;
}
