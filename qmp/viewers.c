/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/viewers.h"

#include "qmp/deadline.h"
#include "qmp/guest_internal.h"

#include <stdlib.h>
#include <string.h>

#define POLL_MS 100
#define MAIN_CHANNEL 1 /* that each viewer has one of, as SPICE numbers them */

int guest_viewers_tell(
	struct guest *guest, const char *host, const char *port, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "protocol", "spice");
	json_put_string(args, "hostname", host);
	json_put(args, "port", json_unsigned(strtoul(port, NULL, 10)));
	return monitor_call(guest->monitor, "client_migrate_info", args, NULL, err);
}

int guest_viewers_count(struct guest *guest, unsigned *count, struct dd_error *err)
{
	CLEANUP(json) struct json *spice = NULL;
	int code = monitor_call(guest->monitor, "query-spice", NULL, &spice, err);
	const struct json *channels = json_get(spice, "channels");
	unsigned found = 0;

	for (size_t i = 0; !code && i < json_count(channels); i++)
		if (json_get_unsigned(json_at(channels, i), "channel-type", 0) == MAIN_CHANNEL)
			found++;
	if (!code)
		*count = found;
	return code;
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
