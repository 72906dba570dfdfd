/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_CHANGES_H
#define FAULT_CHANGES_H

/* One change of a book each, of which the rows of the table are made. */

#include "operations.h"

#define WAIT_MS 300            /* for a lock that fails for ever */
#define CLOCK 1790000000       /* all versions are of that second */
#define CLOCK_LATER 4000000000 /* than any file is from */

/* Tells the scene of a change that is done. */
int told(struct scene *scene, int rc);

struct wish {
	int domain; /* which also says its UUID, name and disk */
	uint32_t base;
	const char *subject;
	const char *name; /* NULL: its usual one */
	size_t size;      /* of domain.xml; 0: the usual */
	enum domain_state state;
	bool index_only;
	uint64_t journal;
	uint32_t epoch;         /* 0: it stays whose it is */
	const char *taken_from; /* host, or NULL */
	const char *taken_book;
	struct parcel *parcel; /* that it came with, or NULL */
};
#define LARGE_SIZE 150000 /* at most */

int grant(struct scene *scene, const struct wish *wish, struct dd_error *err);
int checkpoint(struct scene *scene, struct dd_error *err);
int journal_begin(struct scene *scene, int domain, uint64_t *id, struct dd_error *err);
int tag(struct scene *scene, int domain, uint32_t number, const char *label, struct dd_error *err);
int tag_two(struct scene *scene, struct dd_error *err);

void uuid_of(int domain, char uuid[UUID_SIZE]);

/* What is drawn from here on is the same each time; unlike what was drawn for the first book. */
void drawn_again(void);

#endif
