/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key/tenure.h"

#include <string.h>

void tenures_release(struct tenures *tenures)
{
	while (tenures->first) {
		struct tenure *tenure = tenures->first;

		tenures->first = tenure->next;
		signers_release(&tenure->signers);
		free(tenure);
	}
}

int tenures_signers(struct tenures *tenures, struct book *book, const git_oid *head,
	const struct signers **out, struct dd_error *err)
{
	struct tenure *tenure;
	int rc;

	for (tenure = tenures->first; tenure; tenure = tenure->next)
		if (git_oid_equal(&tenure->book, head)) {
			*out = &tenure->signers;
			return 0;
		}
	tenure = calloc(1, sizeof *tenure);
	if (!tenure)
		return error_no_memory(err);
	tenure->book = *head;
	rc = signers_read_from(book, head, &tenure->signers, err);
	if (rc) {
		free(tenure);
		return rc;
	}
	tenure->next = tenures->first;
	tenures->first = tenure;
	*out = &tenure->signers;
	return 0;
}

bool signers_due(
	const struct signers *signers, const unsigned char open[KEY_PUBLIC_SIZE], int64_t seq)
{
	const struct signer *due = signers_at(signers, seq);

	return due && memcmp(due->open, open, KEY_PUBLIC_SIZE) == 0;
}
