/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

/* How the things that the library tells of look: as text, as rows of a table, as JSON. */

#include "cli/cli.h"

/* when: "always", "never", "auto", or NULL to leave an earlier choice (at first, "auto"). */
int choose_colour(struct cli *cli, const char *when, struct dd_error *err);

/* A colour's sequence, or "" where there are no colours. */
enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_BLUE };
const char *colour(const struct cli *cli, enum colour which);

/* For programs: RFC 3339, UTC. */
void put_time(struct json *object, const char *key, int64_t seconds);

#define MIB (1024.0 * 1024.0) /* bytes, to be shown */

/* "Name" of "Name <email>", with its length: for "%.*s". */
int person_name_length(const char *person);

struct json *info_json(const struct dd_domain_info *info);
struct json *version_json(const struct dd_version_info *info);
struct json *difference_json(const struct dd_difference *difference);

/* ---- tables ---- */

#define COLUMN_MAX 8

struct table;

/* titles end with NULL. Plain aligned text unless a terminal reads. */
int table_new(struct cli *cli, const char *const *titles, struct table **out, struct dd_error *err);
void table_free(struct table *table);
CLEANUP_DEFINE(table, struct table *, table_free)

/* One cell a title; which says the line's colour. A failure is reported by table_print(). */
void table_row(struct table *table, enum colour which, const char *const *cells);

/* Into cli->out; nothing where there are no rows. */
int table_print(struct table *table, struct cli *cli, struct dd_error *err);

/* ---- differences ---- */

/* Collects what a dd_difference_fn is told: text into cli->out, or JSON. */
struct differences {
	const struct cli *cli;
	struct text lines;
	struct json *array;
	size_t count;
};

void differences_init(struct differences *differences, const struct cli *cli);
void differences_release(struct differences *differences);
static inline void cleanup_differences(struct differences *differences)
{
	differences_release(differences);
}

/* A dd_difference_fn whose context is a struct differences. */
int differences_add(const struct dd_difference *difference, void *context);

#endif
