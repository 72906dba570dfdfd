/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_MIRROR_H
#define QMP_MIRROR_H

/*
 * Disks that go with a guest: the destination offers its empty images over NBD on a socket in its
 * folder, the source copies to them, and from then on writes to both, until the guest stands still
 * (PRE_SWITCHOVER). How the bytes get from one socket to the other is the caller's. Holes stay
 * holes, but for raw images of which the definition says discard='ignore'.
 *
 * Disks are named by their alias. Same rules as qmp/migration.h.
 */

#include "qmp/guest.h"

#define MIRROR_SOCKET "disks.sock" /* in the destination's folder */

/* ---- both ---- */

/* How many bytes the guest sees. DD_NOT_FOUND: there is no medium. */
int guest_disk_size(struct guest *guest, const char *alias, uint64_t *bytes, struct dd_error *err);

/* ---- the destination, before the stream arrives ---- */

/*
 * Does another QEMU, such as the source, write this disk's image? By QEMU's own locks; so false is
 * certain where there are such locks. A disk that is read-only or without a medium is not asked
 * about: false. DD_SYSTEM: the image cannot be opened.
 */
int guest_disk_shared(struct guest *guest, const char *alias, bool *shared, struct dd_error *err);

/* Opens the socket, and offers a disk there, to be written. Both may be repeated. */
int guest_disks_listen(struct guest *guest, struct dd_error *err);
int guest_disk_offer(struct guest *guest, const char *alias, struct dd_error *err);

/* Ends all offers: once the source has finished, and before guest_continue(). May be repeated. */
int guest_disks_close(struct guest *guest, struct dd_error *err);

/* ---- the source ---- */

struct mirror_progress {
	uint64_t done;   /* bytes */
	uint64_t total;  /* grows with what the guest writes */
	bool ready;      /* both are the same, and stay so */
	char error[256]; /* why it copies no more; "" while it goes on */
};

/*
 * Begins to copy the disk to the one that is offered at path, a socket. top: only its own layer;
 * the other has the backing file. bandwidth in bytes/s, 0: all there is.
 */
int guest_disk_mirror(struct guest *guest, const char *alias, const char *path, bool top,
	uint64_t bandwidth, struct dd_error *err);
int guest_disk_mirror_progress(
	struct guest *guest, const char *alias, struct mirror_progress *out, struct dd_error *err);

/* Waits until it is ready. DD_BUSY: not within wait_ms. DD_HYPERVISOR: it has failed. */
int guest_disk_mirror_await(
	struct guest *guest, const char *alias, int wait_ms, struct dd_error *err);

/* Ends a ready one, both being the same; in PRE_SWITCHOVER. Then the copy is whole. */
int guest_disk_mirror_finish(struct guest *guest, const char *alias, struct dd_error *err);

/*
 * Ends one, whatever it is at, and takes away all that is left of it. May be repeated. A guest that
 * runs stands still meanwhile, for milliseconds; and afterwards, should the caller die in it.
 */
int guest_disk_mirror_abandon(struct guest *guest, const char *alias, struct dd_error *err);

#endif
