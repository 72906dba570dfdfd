/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static bool dash_at(size_t position)
{
	return position == 8 || position == 13 || position == 18 || position == 23;
}

int uuid_make(char uuid[static UUID_SIZE], struct dd_error *err)
{
	unsigned char bytes[16];
	size_t length = 0;

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return error_errno(err, errno, "cannot make a UUID");
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* the variant of RFC 4122 */
	for (size_t i = 0; i < sizeof bytes; i++) {
		if (dash_at(length))
			uuid[length++] = '-';
		snprintf(uuid + length, UUID_SIZE - length, "%02x", bytes[i]);
		length += 2;
	}
	return 0;
}

bool uuid_normalise(const char *text, char uuid[static UUID_SIZE])
{
	char out[UUID_SIZE] = "";
	size_t length = 0;

	for (; *text; text++) {
		if (*text == '-' || isspace((unsigned char)*text))
			continue;
		if (!isxdigit((unsigned char)*text) || length >= UUID_SIZE - 1)
			return false;
		if (dash_at(length))
			out[length++] = '-';
		out[length++] = (char)tolower((unsigned char)*text);
	}
	if (length != UUID_SIZE - 1)
		return false;
	memcpy(uuid, out, UUID_SIZE);
	return true;
}
