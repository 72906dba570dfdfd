/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mac.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define MAC_GROUP_BIT 1

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return tolower((unsigned char)c) - 'a' + 10;
}

bool mac_is_valid(const char *address)
{
	if (!address || strlen(address) != MAC_SIZE - 1)
		return false;
	for (size_t i = 0; i < MAC_SIZE - 1; i++) {
		bool colon = i % 3 == 2;

		if (colon ? address[i] != ':' : !isxdigit((unsigned char)address[i]))
			return false;
	}
	return !(digit(address[1]) & MAC_GROUP_BIT);
}

int mac_make(char address[static MAC_SIZE], struct dd_error *err)
{
	unsigned char tail[3];

	if (getrandom(tail, sizeof tail, 0) != (ssize_t)sizeof tail)
		return error_errno(err, errno, "cannot make a MAC address");
	snprintf(address, MAC_SIZE, "52:54:00:%02x:%02x:%02x", tail[0], tail[1], tail[2]);
	return 0;
}
