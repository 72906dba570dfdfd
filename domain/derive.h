/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_DERIVE_H
#define DOMAIN_DERIVE_H

/* What the index has to say of a domain, worked out anew from its newest version. */

#include "domain/record.h"

struct derived {
	char *name;
	char *title; /* "" where there is none */
	bool gone;
	uint32_t epoch;
	struct use_rows uses; /* by the definition; none where it is gone */
};

int derive(struct book *book, const char *uuid, struct derived *out, struct dd_error *err);
/* The same of the newest version of a parcel, which is in no book yet. */
int derive_parcel(
	struct parcel *parcel, const char *uuid, struct derived *out, struct dd_error *err);
void derived_release(struct derived *derived);
static inline void cleanup_derived(struct derived *derived)
{
	derived_release(derived);
}

#endif
