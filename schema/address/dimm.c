/* SPDX-License-Identifier: Apache-2.0 */

/* Memory slots: as many as <maxMemory slots=''/> says, each module in the lowest free one. */

#include <stdio.h>

#include "schema/address/places.h"
#include "schema/fill.h"

#define MEMORY_SLOTS_MAX 256u

int dimm_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	const xmlNode *maximum = node_child(document_root(document), "maxMemory");
	uint64_t slots = attr_number(maximum, "slots", 0);
	CLEANUP(places) struct places *places = NULL;
	int rc;

	if (!maximum || !address_wanted(device, "dimm"))
		return 0;
	rc = places_new(document, choice, &places, err);
	if (rc)
		return rc;
	for (unsigned slot = 0; slot < slots && slot < MEMORY_SLOTS_MAX; slot++) {
		char words[32];

		snprintf(words, sizeof words, "dimm %u", slot);
		if (places_taken(places, words))
			continue;

		xmlNode *address = address_make(device, "dimm", err);

		return address ? fill_number(address, "slot", slot, err) : DD_NO_MEMORY;
	}
	node_error(device, err, DD_REFUSED, "all %u memory slots are in use", (unsigned)slots);
	return error_hint(err, "raise slots of <maxMemory> while the domain is shut off");
}
