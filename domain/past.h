/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_PAST_H
#define DOMAIN_PAST_H

/*
 * What became of a domain in a repository, as versions that a record could have: each means
 * something else than the one before it.
 *
 * An old version need not be fit to start: a machine type may be unknown here by now. It is kept as
 * it was written then, and what never was a definition is left out; both are noted. The newest has
 * to be frozen, as any other record.
 */

#include "domain/importing.h"
#include "domain/kept.h"
#include "domain/operation.h"
#include "store/git/digest.h"

#define PAST_TRAILERS 6 /* beside those of the operation */

struct past {
	const struct kept_event *event;
	char *subject;
	char *origin; /* path in the repository */
	struct text config;
	char hash[DIGEST_SIZE]; /* of what was read; "" where it went */
	char when[UTC_SIZE];    /* "" where that is not known */
	/* of whoever makes the version */
	struct trailer trailers[OPERATION_TRAILERS + PAST_TRAILERS];
	size_t trailer_count;
	struct tree_file file;
};

struct pasts {
	struct past *items;
	size_t count, room;
	struct document *last; /* the newest definition */
	struct text last_xml;  /* as it is in the repository */
	size_t odd;            /* commits that were left out, or could not be frozen */
};

/* Errors are those of the newest, and DD_NO_MEMORY. */
int pasts_read(struct importing *importing, const struct kept *kept,
	const struct kept_domain *domain, struct pasts *pasts, struct import_report *report,
	struct dd_error *err);

/* Is the domain gone after the newest version? */
bool pasts_gone(const struct pasts *pasts);

void past_release(struct past *past);
void pasts_release(struct pasts *pasts);
static inline void cleanup_pasts(struct pasts *pasts)
{
	pasts_release(pasts);
}

#endif
