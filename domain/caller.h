/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_CALLER_H
#define DOMAIN_CALLER_H

/*
 * Who acts: the person at the other end of the process, and the program. Whom to believe, in this
 * order:
 *
 * - login: /proc/self/loginuid, the kernel's note of who logged in. Su, sudo and setuid programs do
 *   not change it, and only a privileged process can; so it is believed where it is set.
 * - sudo: $SUDO_UID, where the process runs as root. Anybody can set a variable, but whoever is
 * root need not to deceive us.
 * - process: the process's real user.
 *
 * In a user namespace (unshare -r) anybody is root, and all of these are numbers that its maker
 * chose: so a user there is the one outside that /proc/self/uid_map says, known by "namespace", and
 * $SUDO_UID says nothing.
 *
 * The user that the process runs as is kept beside a person who is another one.
 */

#include <stdint.h>

#include "base/text.h"

#define PROGRAM_LIMIT 64 /* bytes */
#define PERSON_WORDS_LIMIT 200

struct caller {
	uint32_t uid;         /* of the person */
	uint32_t acting;      /* real user of the process */
	const char *known_by; /* "login", "sudo", "process", "namespace" */
};

/*
 * The rule alone: login, sudo and map are the texts of /proc/self/loginuid, of $SUDO_UID and of
 * /proc/self/uid_map, or NULL.
 */
struct caller caller_decide(uint32_t acting, const char *login, const char *sudo, const char *map);

/* Of this process. */
struct caller caller_find(void);

/*
 * The user's name, "uid-4711" for one that has none, or none that a record can show. *name is owned
 * by the caller.
 */
int caller_name(uint32_t uid, char **name, struct dd_error *err);

/*
 * What the process calls itself, fit for a record. *name is owned by the caller.
 */
int caller_program(char **name, struct dd_error *err);

#endif
