/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_ADDRESS_PLACES_H
#define SCHEMA_ADDRESS_PLACES_H

/* All places of a document at one moment, sorted by their words: who looks for many asks this. */

#include "schema/address/address.h"

struct places;

/* With PLACE_NEW also those that detached devices left. *out is released with places_free(). */
int places_new(struct document *document, enum place_choice choice, struct places **out,
	struct dd_error *err);
void places_free(struct places *places);
CLEANUP_DEFINE(places, struct places *, places_free)

/* The device, one of the document, has got its address now. */
int places_add(struct places *places, const xmlNode *device, struct dd_error *err);

bool places_taken(const struct places *places, const char *words);

/* The first device that has the place, except for one; NULL where no device of the document does.
 */
const xmlNode *places_owner(const struct places *places, const char *words, const xmlNode *except);

#endif
