/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/packet.h"

#include <sodium.h>
#include <string.h>

void packet_add(struct packet *packet, const void *data, size_t size)
{
	if (packet->failed || size > sizeof packet->data - packet->size) {
		packet->failed = true;
		return;
	}
	memcpy(packet->data + packet->size, data, size);
	packet->size += size;
}

void packet_add_number(struct packet *packet, uint32_t number)
{
	unsigned char bytes[4] = {
		(unsigned char)(number >> 24),
		(unsigned char)(number >> 16),
		(unsigned char)(number >> 8),
		(unsigned char)number,
	};

	packet_add(packet, bytes, sizeof bytes);
}

void packet_add_string(struct packet *packet, const void *data, size_t size)
{
	packet_add_number(packet, (uint32_t)size);
	packet_add(packet, data, size);
}

void packet_add_words(struct packet *packet, const char *words)
{
	packet_add_string(packet, words, strlen(words));
}

const unsigned char *packet_take(struct packet *packet, size_t size)
{
	const unsigned char *data = packet->data + packet->at;

	if (packet->failed || size > packet->size - packet->at) {
		packet->failed = true;
		return NULL;
	}
	packet->at += size;
	return data;
}

uint32_t packet_take_number(struct packet *packet)
{
	const unsigned char *bytes = packet_take(packet, 4);

	if (!bytes)
		return 0;
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

const unsigned char *packet_take_string(struct packet *packet, size_t *size)
{
	*size = packet_take_number(packet);
	return packet_take(packet, *size);
}

void packet_expect(struct packet *packet, const char *words)
{
	size_t size;
	const unsigned char *data = packet_take_string(packet, &size);

	if (!data || size != strlen(words) || memcmp(data, words, size) != 0)
		packet->failed = true;
}

void packet_wipe(struct packet *packet)
{
	sodium_memzero(packet, sizeof *packet);
}
