/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/boot.h"

#include "base/file.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LIMIT 256

int boot_id(struct text *out, struct dd_error *err)
{
	return file_read(BOOT_ID, BOOT_ID_LIMIT, out, err);
}
