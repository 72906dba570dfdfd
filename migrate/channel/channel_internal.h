/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_CHANNEL_INTERNAL_H
#define MIGRATE_CHANNEL_INTERNAL_H

/* What the files of a channel share. Nobody else includes it. */

#include "base/text.h"
#include "migrate/channel/channel.h"
#include "migrate/channel/link.h"

#define CHANNEL_FRAMES 4 /* that are sealed or read at once */
#define CHANNEL_ROOM (CHANNEL_FRAMES * FRAME_MAX)

struct channel {
	struct link link;
	struct frame_key send, receive;
	unsigned char peer[KEY_PUBLIC_SIZE];
	bool broken; /* what is sent or read next would be no frame */
	/* of a message whose end has not come yet */
	struct text partial;
	/* read from the link, not opened yet */
	unsigned char in[CHANNEL_ROOM];
	size_t in_begin, in_end;
	/* sealed, not sent yet */
	unsigned char out[CHANNEL_ROOM];
	size_t out_begin, out_end;
};

/*
 * Opens the next frame where all of it was read (*there); its data stays in channel->in until the
 * next read from the link.
 */
int channel_frame(struct channel *channel, bool *there, enum frame_kind *kind, unsigned char **data,
	size_t *size, struct dd_error *err);

/* Makes room for the rest of a frame, and more; says how much. */
size_t channel_room(struct channel *channel);

/* A link that was broken before. */
int channel_sound(const struct channel *channel, struct dd_error *err);

#endif
