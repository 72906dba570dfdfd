/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/runtime.h"

#include <string.h>

#include "qmp/json.h"

int runtime_write(const struct runtime *runtime, struct text *out, struct dd_error *err)
{
	CLEANUP(json) struct json *json = json_object();

	json_put_number(json, "id", runtime->id);
	json_put_bool(json, "paused", runtime->paused);
	json_put_number(json, "instance", runtime->instance ? runtime->instance : 1);
	json_put_string(json, "live", runtime->live);
	return json ? json_write(json, out, err) : error_no_memory(err);
}

int runtime_read(const struct domain_row *row, struct runtime *out, struct dd_error *err)
{
	CLEANUP(json) struct json *json = NULL;
	const char *text = row->runtime ? row->runtime : "";
	int rc = json_parse(text, strlen(text), &json, err);
	const char *live = rc ? NULL : json_get_string(json, "live");

	if (rc == DD_NO_MEMORY)
		return rc;
	if (!live) {
		error_set(err, DD_CORRUPT,
			"what book.db says of the guest of domain '%s' cannot be read", row->name);
		return error_hint(err, "'domesday reindex' puts a changed bit right");
	}
	rc = string_copy(&out->live, live, err);
	if (rc)
		return rc;
	out->id = (int)json_get_number(json, "id", 0);
	out->paused = json_get_bool(json, "paused", false);
	out->instance = (unsigned)json_get_number(json, "instance", 1);
	return 0;
}

void runtime_release(struct runtime *runtime)
{
	free(runtime->live);
	memset(runtime, 0, sizeof *runtime);
}
