/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_PLAN_H
#define QMP_PLAN_H

/*
 * What QEMU must be told to have a device: a list of steps in the order in which they build on each
 * other. The same plan is rendered as command line arguments (argv.h) and carried out over QMP
 * (hotplug.h), and undone backwards; so a device that was there at boot and one that was plugged
 * are the same.
 *
 * Making a plan changes nothing in the world: no file is opened, no port taken.
 */

#include "qmp/json.h"
#include "schema/capabilities.h"
#include "schema/document.h"

#define PLAN_STEP_MAX 16384
#define NODE_NAME_SIZE 32 /* QEMU's limit for a block node's name, with the NUL */

enum step_kind {
	STEP_OBJECT,   /* args as object-add takes them */
	STEP_CHARDEV,  /* args as chardev-add */
	STEP_BLOCKDEV, /* args as blockdev-add */
	STEP_NETDEV,   /* args as netdev_add */
	STEP_DEVICE,   /* args as device_add */
	STEP_ARGUMENT, /* args {"option", "value"}: command line only */
};

struct step {
	enum step_kind kind;
	struct json *args;
	char *tap;    /* STEP_NETDEV: the tap interface whose descriptor QEMU gets */
	char *bridge; /* and the bridge that it joins, or NULL */
	/*
	 * STEP_ARGUMENT: where it listens, at port; NULL: nowhere, or QEMU sees to that itself.
	 * 0: at a port that is free, which who starts it finds and adds to the value: ",port=N"
	 */
	char *host;
	unsigned port;
};

struct plan {
	const struct document *live;
	const struct capabilities *caps; /* NULL: QEMU runs, and will say itself what it lacks */
	const char *folder;
	const char *memory; /* an open file that is the main memory already; NULL: QEMU makes it */
	bool hotplug;       /* for a running guest */
	const char *from;   /* folder of the QEMU on this host that it comes from; NULL: another.
			     * Where that one listens this one cannot yet (qmp/places.h) */
	bool incoming;      /* for one that comes: what it has said so far is kept */
	bool bare;          /* of no machine: nothing is made that only a guest needs */
	bool failed;        /* out of memory */
	struct step *steps;
	size_t count;
};

void plan_release(struct plan *plan);
static inline void cleanup_plan(struct plan *plan)
{
	plan_release(plan);
}

/* Adds the steps of one device. DD_UNSUPPORTED with its place: cannot be honoured. */
int plan_device(struct plan *plan, const xmlNode *device, struct dd_error *err);

/* DD_NO_MEMORY if anything on the way could not be allocated. */
int plan_finish(const struct plan *plan, struct dd_error *err);

/* A new step; its arguments, an empty object owned by the plan. NULL is remembered by the plan. */
struct json *plan_add(struct plan *plan, enum step_kind kind);
void plan_argument(struct plan *plan, const char *option, const char *value);
struct step *plan_last(struct plan *plan);

/* ---- a row for each kind of device ---- */

enum property_kind {
	PROPERTY_TEXT,
	PROPERTY_NUMBER,
	PROPERTY_SWITCH, /* on, off, yes, no */
};

/* An XML value that becomes a device property: "driver/@queues" or "serial" (the text). */
struct property {
	const char *path;
	const char *name;
	enum property_kind kind;
};

struct device_row {
	const char *element;
	int (*plan)(struct plan *plan, const xmlNode *device, struct dd_error *err);
	/* Paths under the element that are interpreted, or that no guest can notice; NULL at the
	 * end. "source/seclabel/" with a slash at the end stands for all that is below. */
	const char *const *known;
	/* Tables whose paths are known too; NULL at the end. */
	const struct property *const *properties;
};

const struct device_row *device_row(const xmlNode *device); /* NULL: not a kind that we can run */

/* Fails at the first attribute or element that the row does not know. */
int vocabulary_check(const xmlNode *node, const char *const *known,
	const struct property *const *properties, struct dd_error *err);

/* ---- helpers for the rows ---- */

int put_properties(struct json *args, const xmlNode *device, const struct property *table,
	struct dd_error *err);

/* bus and addr of a device with a PCI, USB, … address. */
int put_pci(struct plan *plan, const xmlNode *device, struct json *args, struct dd_error *err);
int put_usb(struct plan *plan, const xmlNode *device, struct json *args, struct dd_error *err);
int put_virtio_serial(
	struct plan *plan, const xmlNode *device, struct json *args, struct dd_error *err);

/* bootindex from <boot order> or, for the first of its class, from <os><boot dev>. */
void put_boot(struct plan *plan, const xmlNode *device, struct json *args);

/* driver and id. DD_UNSUPPORTED where this QEMU has no such driver. */
int put_driver(struct plan *plan, const xmlNode *device, struct json *args, const char *driver,
	struct dd_error *err);

/* "virtio-blk-pci", with the suffix that model='virtio-transitional' asks for. */
int virtio_driver(
	const xmlNode *device, const char *base, char *out, size_t size, struct dd_error *err);
extern const struct property virtio_properties[];

/* iothread, from <driver iothread>. */
void put_iothread(const xmlNode *device, struct json *args);

/* Looks a word up in a table of pairs that ends with NULL; NULL where it is not there. */
struct word {
	const char *from;
	const char *to;
};
const char *word_find(const struct word *table, const char *from);

/* The chardev behind a serial, console or channel: "char" + alias. */
int plan_chardev(struct plan *plan, const xmlNode *device, struct dd_error *err);

/* The drive behind a disk. *has_medium is false for an empty cdrom. */
int plan_storage(struct plan *plan, const xmlNode *disk, bool *has_medium, struct dd_error *err);
void block_node_name(char out[NODE_NAME_SIZE], const char *alias, const char *suffix);

/* The controller of that type and index; NULL where there is none. */
const xmlNode *find_controller(const struct document *live, const char *type, uint64_t index);

/* The alias, never NULL: a live document gives every device one. */
const char *alias_of(const xmlNode *device);
const char *text_of(const xmlNode *parent, const char *path); /* "a/b" or "a/@b"; NULL if absent */
bool is_q35(const struct document *live);
bool is_kvm(const struct document *live);

#endif
