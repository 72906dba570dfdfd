/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_ADDRESS_H
#define MIGRATE_ADDRESS_H

/*
 * Where a host listens for others, as somebody writes it: "host", "host:port", "1.2.3.4:port",
 * "::1", "[::1]", "[::1]:port". Nothing is looked up here.
 */

#include "base/error.h"

#define ADDRESS_PORT "16520" /* where none is named */
#define ADDRESS_HOST_MAX 256
#define ADDRESS_MAX 300 /* bytes of the words, with the NUL */

struct address {
	char host[ADDRESS_HOST_MAX]; /* without brackets */
	char port[6];
};

/* DD_INVALID says what an address looks like. */
int address_parse(const char *words, struct address *out, struct dd_error *err);

/* "HOST:PORT" or "[V6]:PORT". */
void address_format(const struct address *address, char out[ADDRESS_MAX]);

#endif
