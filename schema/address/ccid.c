/* SPDX-License-Identifier: Apache-2.0 */

/* Smart card readers: the slots of a ccid controller, which itself is a USB device. */

#include <stdio.h>

#include "schema/address/places.h"
#include "schema/fill.h"

#define CCID_SLOTS_MAX 256u

int ccid_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	int rc;

	if (!address_wanted(device, "ccid"))
		return 0;
	rc = places_new(document, choice, &places, err);
	if (rc)
		return rc;
	for (unsigned slot = 0; slot < CCID_SLOTS_MAX; slot++) {
		char words[32];

		snprintf(words, sizeof words, "ccid 0:%u", slot);
		if (places_taken(places, words))
			continue;

		xmlNode *address = address_make(device, "ccid", err);

		rc = address ? fill_number(address, "controller", 0, err) : DD_NO_MEMORY;

		return rc ? rc : fill_number(address, "slot", slot, err);
	}
	return node_error(device, err, DD_REFUSED, "there is no free smart card slot");
}
