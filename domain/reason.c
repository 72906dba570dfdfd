/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/reason.h"

#include <string.h>

#include "base/line.h"
#include "domain/config.h"
#include "domain/operation.h"

/* Git takes this for the end of a message, and would not see the trailers behind it. */
#define DIVIDER "---"

/* What no version is made for; where one comes of it after all, nobody has asked for it. */
static const char *const unrecorded[] = {"start", "shutdown", "destroy", "suspend", "resume",
	"reboot", "autostart", "settle", "check", OPERATION_DRY_RUN};

int reason_check(const char *reason, struct dd_error *err)
{
	int rc = line_check(reason, REASON_LIMIT, "the reason", err);

	if (!rc && strncmp(reason, DIVIDER, strlen(DIVIDER)) == 0)
		rc = error_set(err, DD_INVALID,
			"the reason begins with '" DIVIDER "', which git takes for an end");
	if (rc)
		error_hint(err, "say in one line why");
	return rc;
}

static bool is_recorded(const char *operation)
{
	for (size_t i = 0; i < sizeof unrecorded / sizeof unrecorded[0]; i++)
		if (strcmp(unrecorded[i], operation) == 0)
			return false;
	return true;
}

int reason_find(struct dd_host *host, const char *operation, const char *given, const char **out,
	struct dd_error *err)
{
	const char *reason = given ? given : host->reason;
	bool wanted = false;
	int rc = reason ? reason_check(reason, err) : 0;

	if (!rc && !reason && is_recorded(operation))
		rc = config_switch(host, CONFIG_REQUIRE_REASON, &wanted, err);
	if (!rc && wanted) {
		rc = error_set(err, DD_REFUSED, "this book wants a reason for every change");
		error_hint(err, "give it with --reason TEXT, or in $DOMESDAY_REASON");
	}
	if (!rc)
		*out = reason;
	return rc;
}
