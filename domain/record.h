/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_RECORD_H
#define DOMAIN_RECORD_H

/* Between documents and the book: the files of a version's tree, and the rows of the index. */

#include "qmp/json.h"
#include "schema/document.h"
#include "store/book.h"

#define FILE_CONFIG "domain.xml"
#define FILE_LIVE "live.xml"
#define FILE_VACATED "vacated.xml"
#define FILE_CPU "cpu.json"
#define FILE_SECRETS "secrets.json"

/*
 * A version's persistent definition, with its vacated addresses, and tokens for its secrets
 * (domain/secret.h). number 0 is the newest.
 */
int record_read(struct book *book, const char *uuid, uint32_t number, struct document **out,
	struct dd_error *err);

/* As record_read for the text of one file; a file that is not there is "" (and success). */
int record_read_text(struct book *book, const char *uuid, uint32_t number, const char *path,
	struct text *out, struct dd_error *err);

/*
 * The document of the texts of a version's files: xml is that of the file path; vacated may be
 * NULL. With its tokens.
 */
int record_compose(const struct text *xml, const char *path, const struct text *vacated,
	const struct text *secrets, struct document **out, struct dd_error *err);

/* Its live.xml, likewise; *out is NULL where the version has none. */
int record_read_live(struct book *book, const char *uuid, uint32_t number, struct document **out,
	struct dd_error *err);

/*
 * What a live document is without the facts of its run, and without secrets, whose places it adds
 * to secrets (may be NULL): comparable with a persistent one.
 */
int record_live_text(
	const struct document *live, struct text *out, struct json *secrets, struct dd_error *err);

/* Rows of what config and live (either may be NULL) use. The values belong to rows. */
struct use_rows {
	struct use_row *items;
	size_t count;
};

int record_uses(const struct document *config, const struct document *live, struct use_rows *out,
	struct dd_error *err);
void use_rows_release(struct use_rows *rows);
static inline void cleanup_use_rows(struct use_rows *rows)
{
	use_rows_release(rows);
}

#endif
