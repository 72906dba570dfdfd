/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_OPERATIONS_H
#define FAULT_OPERATIONS_H

/*
 * What is done to a book while something fails or the power goes: a table that all suites walk. A
 * new thing that the book can do is a row there.
 */

#include "store/book.h"

#define HOST "alpha"
#define FOUND "found: " /* begins the failure of a row that found something wrong with the book */

struct scene {
	char folder[256]; /* of the book */
	const char *host; /* NULL: HOST */
	struct book *book;
	int wait_ms; /* for others; 0: hardly */
	/* told after each change that the book has reported as done */
	void (*acknowledged)(struct scene *scene);
	void *context;
};

struct operation {
	const char *name;
	int (*prepare)(struct scene *scene, struct dd_error *err); /* on a full book; may be NULL */
	int (*run)(struct scene *scene, struct dd_error *err);
	/* Does it hold outside the book, too? done: run() has said so. May be NULL. */
	int (*check)(struct scene *scene, bool done, struct dd_error *err);
	bool makes;   /* run() makes the book: there is none before */
	bool opens;   /* run() opens the book itself */
	bool repeats; /* run() may be called again once it has failed */
	bool remote; /* libgit2 is at work on a repository elsewhere, and says less of what is wrong
		      */
	bool slow;   /* less of it is tried without --long */
	bool reads;  /* changes nothing: that the power goes does not matter to it */
};

extern const struct operation operations[];
extern const size_t operation_count;

/* Opens the scene's book, which may be made. */
int scene_open(struct scene *scene, bool create, struct dd_error *err);
void scene_close(struct scene *scene);

/* The book that most operations begin with: four domains, some versions of them packed. */
int scene_fill(struct scene *scene, struct dd_error *err);

/* One version of domain number n, which must be at base. */
int scene_edit(struct scene *scene, int n, uint32_t base, struct dd_error *err);

/* Keys and numbers that are drawn are the same in every run. */
void scene_be_predictable(void);

#endif
