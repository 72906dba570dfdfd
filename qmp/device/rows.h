/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_DEVICE_ROWS_H
#define QMP_DEVICE_ROWS_H

/* The rows of the table in plan.c, each in the file of its kind. */

#include "qmp/plan.h"

extern const struct device_row audio_row;
extern const struct device_row channel_row;
extern const struct device_row console_row;
extern const struct device_row controller_row;
extern const struct device_row disk_row;
extern const struct device_row emulator_row;
extern const struct device_row graphics_row;
extern const struct device_row hub_row;
extern const struct device_row input_row;
extern const struct device_row interface_row;
extern const struct device_row memballoon_row;
extern const struct device_row memory_row;
extern const struct device_row panic_row;
extern const struct device_row redirdev_row;
extern const struct device_row rng_row;
extern const struct device_row serial_row;
extern const struct device_row sound_row;
extern const struct device_row video_row;
extern const struct device_row watchdog_row;

/* Where a VNC screen listens, as display-update takes it; the caller's. */
int vnc_place(
	const struct plan *plan, const xmlNode *graphics, struct json **out, struct dd_error *err);

#define EXPIRY_SIZE 24

/*
 * Until when the password of a screen is good, in QEMU's words: "never", "now" where nobody is
 * let in, or seconds since the epoch. DD_INVALID: passwdValidTo is no time.
 */
int graphics_expiry(const xmlNode *graphics, char expiry[EXPIRY_SIZE], struct dd_error *err);

/* What QEMU does when it barks, in QEMU's words; NULL: this QEMU cannot. */
const char *watchdog_action(const xmlNode *watchdog);

#endif
