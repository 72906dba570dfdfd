/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_EVIDENCE_H
#define MIGRATE_EVIDENCE_H

/*
 * What a host can know by itself of a disk's image, so that two hosts can compare it.
 *
 * A file's inode number is the same on every host that has its file system mounted, and may by
 * chance be that of another file elsewhere: alone it proves nothing. A device's identity is what
 * its maker or LVM gave it, unique in the world, and "" where there is none. The sample of a
 * backing chain is a hash of its images' sizes and of parts of what is in them.
 */

#include "qmp/guest.h"
#include "qmp/json.h"

#define IDENTITY_SIZE 192
#define SAMPLE_SIZE 65 /* 64 hexadecimal digits, and the NUL */

struct evidence {
	bool there;
	const char *odd; /* what it is, where it can be no image: "a directory"; or NULL */
	bool device;     /* a block device */
	bool network;    /* of a file system whose caches are not coherent over hosts */
	uint64_t inode;  /* of a file */
	char identity[IDENTITY_SIZE];
};

/* DD_SYSTEM: it cannot be looked at. */
int evidence_of(const char *path, struct evidence *out, struct dd_error *err);

/* Do both lead to one file or device, or would they if it were made? By links, or by "..", too. */
bool evidence_same_place(const char *one, const char *other);
/* Is there a folder for it, in which this process can make it? */
bool evidence_of_folder(const char *path);

/* Of all layers that disk's definition names below the first. DD_NOT_FOUND: one is not there. */
int evidence_of_chain(const xmlNode *disk, char sample[SAMPLE_SIZE], struct dd_error *err);

/* Of one file. DD_NOT_FOUND: it is not there. */
int evidence_of_file(const char *path, char sample[SAMPLE_SIZE], struct dd_error *err);

/* <nvram>, where the firmware keeps its variables in a file; or NULL. */
const xmlNode *nvram_of(const struct document *document);
#define NVRAM_TARGET "nvram" /* under which it is told */

const char *disk_path(const xmlNode *disk);   /* of its file or device; NULL: it has none */
const char *disk_target(const xmlNode *disk); /* "vda" */
bool disk_is_read_only(const xmlNode *disk);
const xmlNode *disk_base(const xmlNode *disk); /* <backingStore> with a source; or NULL */

/*
 * What the source tells of its disks: an array of objects of target, inode, identity, bytes (that
 * the guest sees) and chain (a sample); where there is no guest (NULL) without what cannot be known
 * then. Of the firmware's variables target, and where their file is there inode, chain, whether it
 * goes along (goes), and if so and full, what is in it (content, base64).
 */
int evidence_tell(const struct document *document, struct guest *guest, bool full,
	struct json **out, struct dd_error *err);
#define NVRAM_MAX ((size_t)4 << 20) /* bytes, that go along with an offer */

#endif
