/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/viewers.h"

#include "qmp/deadline.h"
#include "qmp/guest_internal.h"

#include <stdlib.h>
#include <string.h>

#define POLL_MS 100

int guest_viewers_tell(
	struct guest *guest, const char *host, const char *port, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "protocol", "spice");
	json_put_string(args, "hostname", host);
	json_put(args, "port", json_unsigned(strtoul(port, NULL, 10)));
	return monitor_call(guest->monitor, "client_migrate_info", args, NULL, err);
}

static bool is_gone(const char *name, const struct json *data, void *context)
{
	(void)data;
	(void)context;
	return name && strcmp(name, "SPICE_MIGRATE_COMPLETED") == 0;
}

int guest_viewers_await(struct guest *guest, int wait_ms, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);

	for (;;) {
		CLEANUP(json) struct json *spice = NULL;
		CLEANUP(json) struct json *event = NULL;
		int left = deadline_left(deadline);
		int code = monitor_call(guest->monitor, "query-spice", NULL, &spice, err);

		if (code || json_get_bool(spice, "migrated", false))
			return code;
		if (!left)
			return error_set(err, DD_BUSY, "viewers have not gone yet");
		code = monitor_await(guest->monitor, is_gone, NULL, left < POLL_MS ? left : POLL_MS,
			&event, err);
		if (code)
			return code;
	}
}
