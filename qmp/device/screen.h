/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_DEVICE_SCREEN_H
#define QMP_DEVICE_SCREEN_H

/* What the two protocols by which a guest's screen is seen have in common. */

#include "qmp/device/rows.h"

/* A socket's path where it listens on one, otherwise NULL. "" where the path is left to us. */
const char *screen_socket(const xmlNode *graphics);

/* Such a path; for "" one in the guest's folder. */
void screen_path(
	const struct plan *plan, const xmlNode *graphics, const char *path, struct text *out);

/* The same as an option's value, with what stands before it. */
void screen_put_socket(const struct plan *plan, const xmlNode *graphics, const char *path,
	const char *option, struct text *out);

/* The address, otherwise. */
const char *screen_host(const xmlNode *graphics);

int plan_vnc(struct plan *plan, const xmlNode *graphics, struct dd_error *err);
int plan_spice(struct plan *plan, const xmlNode *graphics, struct dd_error *err);

#endif
