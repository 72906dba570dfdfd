/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PACKET_H
#define STORE_PACKET_H

/*
 * The SSH wire encoding (RFC 4251, section 5) in a buffer of fixed size, so that a secret in it is
 * in one place and can be wiped. Writing or reading past the end is remembered in failed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_ROOM 1024

struct packet {
	unsigned char data[PACKET_ROOM];
	size_t size;
	size_t at; /* of the next read */
	bool failed;
};

void packet_add(struct packet *packet, const void *data, size_t size);
void packet_add_number(struct packet *packet, uint32_t number);
void packet_add_string(struct packet *packet, const void *data, size_t size);
void packet_add_words(struct packet *packet, const char *words);

/* The next size bytes, within the packet; NULL (and failed) where there are fewer. */
const unsigned char *packet_take(struct packet *packet, size_t size);
uint32_t packet_take_number(struct packet *packet);
const unsigned char *packet_take_string(struct packet *packet, size_t *size);
/* Takes a string that must be these words. */
void packet_expect(struct packet *packet, const char *words);

void packet_wipe(struct packet *packet);
static inline void cleanup_packet(struct packet *packet)
{
	packet_wipe(packet);
}

#endif
