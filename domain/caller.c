/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/caller.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/line.h"
#include "store/book.h"

#define LOGIN_FILE "/proc/self/loginuid"
#define MAP_FILE "/proc/self/uid_map"
#define NO_UID UINT32_MAX /* what the kernel says of one that is not set */
#define MAP_LIMIT 65536   /* bytes; it has 340 lines at most */
#define NAME_ROOM 16384   /* bytes of an entry of the user database */

/* The number that text is, and nothing else but a newline behind it. */
static bool uid_read(const char *text, uint32_t *uid)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;
	uint64_t number = 0;

	if (!digits || digits > 10 || text[digits + (text[digits] == '\n')])
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	if (number >= NO_UID)
		return false;
	*uid = (uint32_t)number;
	return true;
}

/* A line of a map: count users from inside on are those from outside on. */
struct range {
	unsigned inside, outside, count;
};

static bool range_read(const char *line, struct range *range)
{
	return sscanf(line, "%u %u %u", &range->inside, &range->outside, &range->count) == 3;
}

/* All users are themselves, which no namespace has that somebody without privileges made. */
static bool is_whole(const char *map)
{
	struct range range;

	return !map || (range_read(map, &range) && !range.inside && !range.outside &&
			       range.count == NO_UID);
}

/* Who that is outside; one that is nobody there stays as it is. */
static uint32_t outside(uint32_t uid, const char *map)
{
	struct range range;

	while (range_read(map, &range)) {
		if (uid >= range.inside && uid - range.inside < range.count)
			return range.outside + (uid - range.inside);
		map += strspn(map, "\n");
		map += strcspn(map, "\n");
	}
	return uid;
}

static struct caller decide_in_namespace(uint32_t acting, const char *login, const char *map)
{
	struct caller caller = {.acting = outside(acting, map), .known_by = "namespace"};
	uint32_t person = acting;

	uid_read(login, &person);
	caller.uid = outside(person, map);
	return caller;
}

struct caller caller_decide(uint32_t acting, const char *login, const char *sudo, const char *map)
{
	struct caller caller = {.acting = acting};

	if (!is_whole(map))
		return decide_in_namespace(acting, login, map);
	if (uid_read(login, &caller.uid)) {
		caller.known_by = "login";
	} else if (acting == 0 && uid_read(sudo, &caller.uid)) {
		caller.known_by = "sudo";
	} else {
		caller.uid = acting;
		caller.known_by = "process";
	}
	return caller;
}

struct caller caller_find(void)
{
	CLEANUP(text) struct text login = TEXT_INIT;
	CLEANUP(text) struct text map = TEXT_INIT;
	/* a kernel without audit, or without namespaces, has no such file */
	bool known = file_read(LOGIN_FILE, 64, &login, NULL) == 0;
	bool mapped = file_read(MAP_FILE, MAP_LIMIT, &map, NULL) == 0;

	return caller_decide((uint32_t)getuid(), known ? text_string(&login) : NULL,
		getenv("SUDO_UID"), mapped ? text_string(&map) : NULL);
}

int caller_name(uint32_t uid, char **name, struct dd_error *err)
{
	char buffer[NAME_ROOM];
	struct passwd entry, *found = NULL;

	if (getpwuid_r((uid_t)uid, &entry, buffer, sizeof buffer, &found) == 0 && found &&
		line_check(found->pw_name, PERSON_WORDS_LIMIT, "the user's name", NULL) == 0 &&
		person_name_stays(found->pw_name))
		return string_copy(name, found->pw_name, err);
	return string_format(name, err, "uid-%u", uid);
}

int caller_program(char **name, struct dd_error *err)
{
	const char *own = program_invocation_short_name;

	if (own && line_check(own, PROGRAM_LIMIT, "the program's name", NULL) == 0)
		return string_copy(name, own, err);
	return string_copy(name, "unnamed", err);
}
