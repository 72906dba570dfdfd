/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/signature.h"

#include <sodium.h>
#include <string.h>

#include "store/git/packet.h"

#define HEAD "-----BEGIN SSH SIGNATURE-----\n"
#define TAIL "-----END SSH SIGNATURE-----"

static bool armour_open(const char *armour, size_t size, struct packet *packet)
{
	const char *end = memmem(armour, size, TAIL, sizeof TAIL - 1);

	if (size < sizeof HEAD || memcmp(armour, HEAD, sizeof HEAD - 1) != 0 || !end)
		return false;
	armour += sizeof HEAD - 1;
	return end > armour &&
	       sodium_base642bin(packet->data, sizeof packet->data, armour, (size_t)(end - armour),
		       "\n ", &packet->size, NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
}

/* The bytes of a string that holds the key's type and they alone. */
static const unsigned char *take_typed(struct packet *packet, size_t wanted)
{
	size_t whole = packet_take_number(packet), size;
	size_t began = packet->at;
	const unsigned char *bytes;

	packet_expect(packet, KEY_TYPE);
	bytes = packet_take_string(packet, &size);
	if (size != wanted || packet->at - began != whole)
		packet->failed = true;
	return packet->failed ? NULL : bytes;
}

enum signature_state signature_check(const char *armour, size_t size, const void *data,
	size_t data_size, unsigned char signer[KEY_PUBLIC_SIZE])
{
	struct packet packet = {.size = 0}, message = {.size = 0};
	unsigned char hash[crypto_hash_sha512_BYTES];
	const unsigned char *magic, *open, *signature;

	if (!armour)
		return SIGNATURE_MISSING;
	if (!armour_open(armour, size, &packet))
		return SIGNATURE_MALFORMED;
	magic = packet_take(&packet, 6);
	if (!magic || memcmp(magic, "SSHSIG", 6) != 0 || packet_take_number(&packet) != 1)
		return SIGNATURE_MALFORMED;
	open = take_typed(&packet, KEY_PUBLIC_SIZE);
	packet_expect(&packet, "git");
	packet_expect(&packet, "");
	packet_expect(&packet, "sha512");
	signature = take_typed(&packet, crypto_sign_BYTES);
	if (packet.failed || packet.at != packet.size || !open || !signature)
		return SIGNATURE_MALFORMED;

	crypto_hash_sha512(hash, data, data_size);
	packet_add(&message, "SSHSIG", 6);
	packet_add_words(&message, "git");
	packet_add_words(&message, "");
	packet_add_words(&message, "sha512");
	packet_add_string(&message, hash, sizeof hash);
	memcpy(signer, open, KEY_PUBLIC_SIZE);
	return crypto_sign_verify_detached(signature, message.data, message.size, open) == 0
		       ? SIGNATURE_GOOD
		       : SIGNATURE_FALSE;
}
