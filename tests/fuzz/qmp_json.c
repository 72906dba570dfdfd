/* SPDX-License-Identifier: Apache-2.0 */

/* What QEMU says is not to be trusted: what is read is written, and read again. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "qmp/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json) struct json *json = NULL;
	CLEANUP(json) struct json *again = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	struct dd_error err = {0};

	if (json_parse((const char *)data, size, &json, &err) < 0) {
		assert(err.code && err.message[0]);
		return 0;
	}
	if (json_write(json, &text, &err) < 0)
		return 0;

	int rc = json_parse(text_string(&text), text.size, &again, &err);

	assert(rc == 0);
	return 0;
}
