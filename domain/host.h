/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_HOST_H
#define DOMAIN_HOST_H

/* A host: its book, who acts on it, and what its QEMUs can do. */

#include <domesday.h>

#include "domain/caller.h"
#include "qmp/capabilities.h"
#include "schema/freeze.h"
#include "store/book.h"

struct dd_host {
	struct book *book;
	struct caller caller;
	char *author_name;
	char *author_email;
	char *program;
	char *reason; /* of changes that bring none of their own; or NULL */
	int wait_ms;
	void (*warn)(const char *message, void *context);
	void *warn_context;
	struct capabilities *caps; /* of the emulator last asked for */
};

/* The folder of the book that options mean. The caller frees it. */
int host_book_folder(const struct dd_host_options *options, char **out, struct dd_error *err);

/* Tells the caller's warn; does nothing where there is none. host may be NULL. */
void host_warn(struct dd_host *host, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * Reads a definition that the caller brought (document_parse_given), and warns of each part of it
 * that was left out. host may be NULL.
 */
int host_read_definition(struct dd_host *host, const char *xml, size_t size, const char *file,
	struct document **out, struct dd_error *err);

/*
 * What the document's emulator can do (the default one where it names none): from memory, from the
 * book, or by a probe. *out belongs to the host until the next call. host may be NULL: then the
 * caller owns *out.
 */
int host_capabilities(struct dd_host *host, const struct document *document,
	const struct capabilities **out, struct dd_error *err);

/* As host_capabilities() for the program itself; NULL: the default one. */
int host_emulator_capabilities(struct dd_host *host, const char *emulator,
	const struct capabilities **out, struct dd_error *err);

/* The folder of a domain's guest: BOOK/run/UUID. The caller frees it. */
int host_run_folder(struct dd_host *host, const char *uuid, char **out, struct dd_error *err);

#endif
