/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/viewers.h"

#include <unistd.h>

#include "qmp/deadline.h"
#include "qmp/viewers.h"

/* As long as SPICE itself waits for a viewer to have connected elsewhere. */
#define CONNECT_MS 10000
#define CONNECT_POLL_US 20000
#define GONE_MS CONNECT_MS

static void await_there(struct guest *guest, viewers_fn there, void *context)
{
	int64_t deadline = deadline_in(CONNECT_MS);
	unsigned here = 0, arrived = 0;

	if (guest_viewers_count(guest, &here, NULL))
		return;
	while (arrived < here && deadline_left(deadline)) {
		if (there(context, &arrived))
			return;
		if (arrived < here)
			usleep(CONNECT_POLL_US);
	}
}

bool viewers_tell(struct dd_host *host, struct guest *guest, const struct address *screen,
	viewers_fn there, void *context)
{
	struct dd_error reason = {0};

	if (guest_viewers_tell(guest, screen->host, screen->port, &reason) == 0) {
		await_there(guest, there, context);
		return true;
	}
	host_warn(host, "who looks at the guest is not told that it goes to %s: %s", screen->host,
		reason.message);
	return false;
}

void viewers_await(const char *folder, struct guest *guest)
{
	if (guest && guest_alive(folder, NULL))
		(void)guest_viewers_await(guest, GONE_MS, NULL);
}
