/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_MERGE_H
#define SCHEMA_MERGE_H

/*
 * A definition handed in for a domain that exists is never a replacement: what it leaves open was
 * decided when the domain was created and stays.
 */

#include "schema/freeze.h"

/*
 * Completes given, parsed but not frozen, from the frozen record: UUID, name, versioned machine
 * type for an alias of its family, a CPU that was the host's, and for each device that both have
 * its address, MAC and model. Freezing given afterwards gives what the caller means, and
 * document_diff() with record tells what is really different.
 */
int document_adopt(struct document *given, const struct document *record, struct dd_error *err);

/* A given definition beside the record that it is for. */
struct merge {
	struct document *record; /* the frozen record, to be edited */
	struct document *said;   /* what was given, completed from the record */
	struct document *meant;  /* the same, frozen; silent about nothing */
};

/*
 * Takes given, parsed but not frozen. Afterwards a device of merge->meant has in _private the one
 * of merge->said that it comes from, NULL where freezing alone put it there; that one has in
 * _private the device of merge->record that it is, NULL for a new one; and a device of the record
 * has there whatever, unless it is NULL: then the given definition leaves it out. What freezing
 * decided anew is as the record has it.
 */
int merge_begin(struct merge *merge, struct document *given, const struct document *record,
	const struct freeze_options *options, struct dd_error *err);
void merge_release(struct merge *merge);
static inline void cleanup_merge(struct merge *merge)
{
	merge_release(merge);
}

#endif
