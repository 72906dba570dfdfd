/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_CPU_SEEN_H
#define DOMAIN_CPU_SEEN_H

/* The CPU of a guest that is given whatever the host has: what that was at creation. */

#include "domain/operation.h"

/* Does the definition pass on a CPU that has no name (host-passthrough, maximum)? */
bool cpu_is_passed(const struct document *document);

/* Appends the file cpu.json of such a domain; nothing for another, or where it is not known. */
int cpu_seen_write(const struct document *document, const struct capabilities *caps,
	struct text *out, struct dd_error *err);

/* Makes that the one which the operation records. */
int cpu_seen_decide(struct operation *op, const struct document *document,
	const struct capabilities *caps, struct dd_error *err);

/*
 * Before a start: DD_REFUSED where the CPU here is not the recorded one, unless accept, and then it
 * is what the operation records; as is the first that is seen where none has been recorded.
 */
int cpu_seen_check(struct operation *op, const struct document *live,
	const struct capabilities *caps, bool accept, struct dd_error *err);

/* In words, what the CPU here has otherwise than the recorded one; nothing where that is not known.
 */
int cpu_seen_compare(const struct document *document, const struct capabilities *caps,
	const struct text *recorded, struct text *out, struct dd_error *err);

/* Is another CPU to be recorded than the one that is? */
bool cpu_seen_changes(const struct operation *op);

#endif
