/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/viewers.h"

#include "qmp/viewers.h"

#define GONE_MS 10000 /* as long as SPICE itself waits for a viewer to have connected elsewhere */

void viewers_tell(struct dd_host *host, struct guest *guest, const struct address *screen)
{
	struct dd_error reason = {0};

	if (*screen->host && guest_viewers_tell(guest, screen->host, screen->port, &reason))
		host_warn(host, "who looks at the guest is not told that it goes to %s: %s",
			screen->host, reason.message);
}

static bool has_spice(const struct document *live)
{
	const xmlNode *graphics = node_child(document_devices(live), "graphics");

	while (graphics && !node_attr_is(graphics, "type", SCREEN_SPICE))
		graphics = node_next(graphics);
	return graphics;
}

void viewers_await(const struct document *live, const char *folder, struct guest *guest)
{
	CLEANUP(guest) struct guest *met = NULL;

	if (!live || !has_spice(live) || !guest_alive(folder, NULL))
		return;
	if (!guest && guest_connect(folder, &met, NULL))
		return;
	(void)guest_viewers_await(guest ? guest : met, GONE_MS, NULL);
}
