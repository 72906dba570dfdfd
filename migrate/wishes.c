/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/wishes.h"

#include "schema/alias.h"
#include "schema/edit.h"

void wished_release(struct wished *wished)
{
	document_free(wished->config);
	document_free(wished->live);
	*wished = (struct wished){.config = NULL};
}

static int rename_both(struct wished *wished, const char *name, struct dd_error *err)
{
	int rc = name ? edit_rename(wished->config, name, err) : 0;

	return rc || !name || !wished->live ? rc : edit_rename(wished->live, name, err);
}

int wishes_grant(const struct json *wishes, const struct document *config,
	const struct document *live, struct wished *out, struct dd_error *err)
{
	CLEANUP(wished) struct wished wished = {.config = NULL};
	int rc = live ? document_copy(live, &wished.live, err) : 0;

	/* so that no start falls back to what the source alone had */
	if (!rc)
		rc = document_copy(live ? live : config, &wished.config, err);
	if (!rc && live)
		rc = document_strip_runtime(wished.config, err);
	if (!rc)
		rc = rename_both(&wished, json_get_string(wishes, "name"), err);
	if (!rc && live)
		rc = abi_check(live, wished.live, err);
	if (rc)
		return rc;
	*out = wished;
	wished = (struct wished){.config = NULL};
	return 0;
}
