/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs, as what other hosts know this one by. */
#include "store/key/rotation.h"

int book_identity(struct book *book, unsigned char open[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	int rc = signing_key(book, err);

	if (!rc)
		key_public(book->key, open);
	return rc;
}

int book_vouch(struct book *book, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err)
{
	/* not asked for anew: a key that follows it meanwhile is not the one that was named */
	int rc = book->key ? 0 : signing_key(book, err);

	return rc ? rc : key_vouch(book->key, data, size, signature, err);
}
