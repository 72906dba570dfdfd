/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_STORAGE_H
#define MIGRATE_STORAGE_H

/*
 * What becomes of each disk, as its destination finds it. Nobody says which storage is shared: that
 * is found out, in two steps.
 *
 *   look     by what can be seen of the paths (evidence.h). An image that is there is the source's,
 *            or another: that is in doubt
 *   settle   by the locks that QEMU takes on images: that of the source's fails at the lock of its
 *            guest, or of who moves the domain where it does not run; then no doubt is left
 *
 *                        the source's inode number     another
 *   locked               shared                        refused: somebody else's
 *   not locked           refused: whose is it?         another image: overwritten where that is
 * asked for, otherwise refused
 *
 * Where the two contradict each other somebody has to know better, and say so (unsafe): it is
 * taken as shared then. So nothing that may be the source's own image is ever written to. A device
 * is the source's by its identity, and nothing is copied to one. What is not there is copied where
 * that is asked for, to an image that is made for it.
 *
 * The firmware's variables (<nvram>) are as small as they are dear: where their file is not here it
 * comes with the offer, and one that is here has to have what is in the source's. What the guest
 * changes on the way QEMU writes when it goes on.
 */

#include "migrate/evidence.h"
#include "qmp/mirror.h"

enum storage_verdict {
	STORAGE_THERE,  /* it is here, and is not written to meanwhile */
	STORAGE_SHARED, /* it is the source's */
	STORAGE_DOUBT,  /* an image is here: whose? */
	STORAGE_COPY,   /* the source's is copied to it */
	STORAGE_SENT,   /* what is in the source's comes with the offer */
	STORAGE_REFUSED,
};

struct storage_disk {
	const xmlNode *element; /* of the document: <disk>, or <nvram> */
	const char *target, *path, *format;
	enum storage_verdict verdict;
	bool make;    /* no image is here yet */
	bool top;     /* COPY: only what is above the images that are on both hosts */
	bool same;    /* it has the source's number */
	bool network; /* see struct evidence */
	bool device;
	uint64_t bytes;        /* that the guest sees; 0: not told */
	const char *content;   /* SENT: base64; NULL: not told */
	uint64_t has;          /* that it would see of the image that is here; 0: not known */
	struct dd_error fault; /* REFUSED: why, and what to do */
};

struct storage_wishes {
	bool live;
	bool copy;      /* what is not here */
	bool overwrite; /* what is here and another, too */
	bool unsafe;    /* what is shared, though not surely so, or not safely */
};

struct storage {
	struct storage_disk *disks;
	size_t count;
	struct storage_wishes wishes;
	bool offered; /* QEMU offers what is copied to */
};

void storage_release(struct storage *storage);
static inline void cleanup_storage(struct storage *storage)
{
	storage_release(storage);
}

/*
 * document is what is to run here, which storage points into; told what the source said
 * (evidence_tell()); wishes an object (wishes.h). What is refused is no failure yet.
 */
int storage_look(const struct document *document, const struct json *told,
	const struct json *wishes, bool live, struct storage *out, struct dd_error *err);

/* Ends all doubt without a lock, as far as can be known so. */
void storage_guess(struct storage *storage);
/*
 * Ends it where there is no guest. What nobody wants to have copied is somebody's own copy then: an
 * image that is here is taken as it is.
 */
int storage_probe(struct storage *storage, struct dd_error *err);
/* Is anything to be copied? */
bool storage_copies(const struct storage *storage);
/*
 * Ends it with the QEMU that waits, a guest's or one that has opened what is to be copied to; and
 * offers that there.
 */
int storage_settle(struct storage *storage, struct guest *guest, struct dd_error *err);

/* The first that is refused. */
int storage_refuse(const struct storage *storage, struct dd_error *err);

/*
 * An array of objects of target, path, verdict ("there", "shared", "copy", "sent", "refused"), why,
 * hint (or none), and of what is copied alias, bytes, make and top.
 */
struct json *storage_answer(const struct storage *storage);

#endif
