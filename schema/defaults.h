/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEFAULTS_H
#define SCHEMA_DEFAULTS_H

#include "schema/freeze.h"

/* Memory, vCPUs, boot, clock, reactions, features: what stands outside <devices>. */
int defaults_freeze(struct document *document, struct dd_error *err);

/* The devices that every guest has: balloon, mouse and keyboard, audio, a card for a screen. */
int defaults_add_balloon(struct document *document, struct dd_error *err);
int defaults_add_video(struct document *document, struct dd_error *err);
int defaults_add_inputs(struct document *document, struct dd_error *err);
int defaults_add_audio(struct document *document, struct dd_error *err);

#endif
