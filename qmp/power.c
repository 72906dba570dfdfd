/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reboot that keeps the QEMU process, and with it the console, the sockets and every live-only
 * change. The guest is asked to power itself off, as by its button, but QEMU is told to pause when
 * it does (set-action); then it is reset and goes on. A guest without a working power button never
 * gets there, and is left running.
 */
#include "qmp/deadline.h"
#include "qmp/guest.h"
#include "qmp/guest_internal.h"

#define POLL_MS 100
#define RESET_MS 5000 /* for QEMU to carry out a reset */

static int keep_on_poweroff(struct guest *guest, bool keep, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "shutdown", keep ? "pause" : "poweroff");
	return monitor_call(guest->monitor, "set-action", args, NULL, err);
}

/* Polls until the guest is (or is no longer) powered off; DD_BUSY when time is up. */
static int await(struct guest *guest, bool off, int wait_ms, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);

	for (;;) {
		enum guest_status status;
		int rc = guest_status(guest, &status, err);

		if (rc || (status == GUEST_SHUTDOWN) == off)
			return rc;
		if (!deadline_left(deadline))
			return error_set(err, DD_BUSY, "the guest has not %s within %d s",
				off ? "shut itself down" : "been reset", wait_ms / 1000);
		deadline_nap(POLL_MS);
	}
}

static int start_again(struct guest *guest, struct dd_error *err)
{
	int rc = guest_reset(guest, err);

	if (!rc)
		rc = await(guest, false, RESET_MS, err);
	return rc ? rc : guest_continue(guest, err);
}

int guest_reboot(struct guest *guest, int wait_ms, struct dd_error *err)
{
	int rc = keep_on_poweroff(guest, true, err);

	if (rc)
		return rc;
	rc = guest_powerdown(guest, err);
	if (!rc)
		rc = await(guest, true, wait_ms, err);
	if (!rc)
		rc = start_again(guest, err);

	int undone = keep_on_poweroff(guest, false, rc ? NULL : err);

	return rc ? rc : undone;
}

int guest_reboot_settle(struct guest *guest, struct dd_error *err)
{
	enum guest_status status;
	int rc = guest_status(guest, &status, err);

	if (!rc && status == GUEST_SHUTDOWN)
		rc = start_again(guest, err);
	/* reset, and not gone on; a guest that was paused before is never rebooted */
	if (!rc && status == GUEST_PRELAUNCH)
		rc = guest_continue(guest, err);
	return rc ? rc : keep_on_poweroff(guest, false, err);
}
