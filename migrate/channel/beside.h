/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_CHANNEL_BESIDE_H
#define MIGRATE_CHANNEL_BESIDE_H

/*
 * A plain connection beside a channel, between the same two addresses, that each side hands to
 * somebody else. Nothing is proved of it: who uses it has to know the other side by himself.
 */

#include "migrate/channel/channel.h"

/* On the address that the other side has reached this host at; *fd is the caller's. */
int beside_listen(const struct channel *channel, int *fd, unsigned *port, struct dd_error *err);

/* Somebody from the other side's address. DD_SYSTEM: nobody within wait_ms. */
int beside_accept(
	const struct channel *channel, int listener, int wait_ms, int *fd, struct dd_error *err);

/* To the listener. DD_SYSTEM: it cannot be reached within wait_ms. */
int beside_connect(
	const struct channel *channel, unsigned port, int wait_ms, int *fd, struct dd_error *err);

#endif
