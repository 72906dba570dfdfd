/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/viewers.h"

#include "qmp/viewers.h"

#define GONE_MS 10000 /* as long as SPICE itself waits for a viewer to have connected elsewhere */

bool viewers_tell(struct dd_host *host, struct guest *guest, const struct address *screen)
{
	struct dd_error reason = {0};

	if (guest_viewers_tell(guest, screen->host, screen->port, &reason) == 0)
		return true;
	host_warn(host, "who looks at the guest is not told that it goes to %s: %s", screen->host,
		reason.message);
	return false;
}

void viewers_await(const char *folder, struct guest *guest)
{
	if (guest && guest_alive(folder, NULL))
		(void)guest_viewers_await(guest, GONE_MS, NULL);
}
