/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/storage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qmp/image.h"
#include "qmp/image_lock.h"
#include "schema/alias.h"

#define DOUBT_HINT "remove it there if it is another; if it is the same: --unsafe"
#define REMOVE_HINT "remove it there"
#define OVERWRITE_HINT ", or have it overwritten: --overwrite-storage"
#define NVRAM_HINT                                                                              \
	"copy the source's file there, or share it; where it is called otherwise there: --map " \
	"path:FROM=TO"
#define NVRAM_OTHER_HINT                                                                           \
	"--overwrite-storage puts the source's in its place; where it is called otherwise there: " \
	"--map path:FROM=TO"
#define MAP_HINT "where it is called otherwise there: --map path:FROM=TO"
#define COPY_HINT "--copy-storage copies it; " MAP_HINT
#define FOLDER_HINT "make it there; " MAP_HINT

void storage_release(struct storage *storage)
{
	free(storage->disks);
	*storage = (struct storage){.count = 0};
}

#define LABEL "%s%s: " /* which disk it is that is refused */

static bool is_nvram(const struct storage_disk *disk)
{
	return node_is(disk->element, "nvram");
}

static const char *disk_word(const struct storage_disk *disk)
{
	return is_nvram(disk) ? "" : "disk ";
}

static void refuse(struct storage_disk *disk, const char *hint, const char *format, ...)
	PRINTF_LIKE(3, 4);

static void refuse(struct storage_disk *disk, const char *hint, const char *format, ...)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	va_list args;

	va_start(args, format);
	text_vprintf(&words, format, args);
	va_end(args);
	disk->verdict = STORAGE_REFUSED;
	error_set(&disk->fault, DD_REFUSED, LABEL "%s", disk_word(disk), disk->target,
		text_string(&words));
	if (hint)
		error_hint(&disk->fault, "%s", hint);
}

/* ---- what is decided about one ---- */

/* Two hosts at one image: what the one has written, the other has to read. */
static void decide_shared(struct storage_disk *disk, const struct storage_wishes *wishes)
{
	const char *cache = node_attr(node_child(disk->element, "driver"), "cache");
	bool unsafe = cache && strcmp(cache, "unsafe") == 0;
	bool direct = cache && (strcmp(cache, "none") == 0 || strcmp(cache, "directsync") == 0);

	disk->verdict = STORAGE_SHARED;
	if (wishes->unsafe || !wishes->live)
		return;
	if (unsafe)
		refuse(disk, "use another cache mode, or risk it: --unsafe",
			"with cache='unsafe' what its guest has written may not be in %s yet",
			disk->path);
	else if (disk->network && !direct)
		refuse(disk, "use cache='none', or risk it: --unsafe",
			"%s is on a network file system, and cache='%s' may show the guest old "
			"data there",
			disk->path, cache ? cache : "default");
}

static void refuse_folder(struct storage_disk *disk)
{
	refuse(disk, FOLDER_HINT, "there is no folder for %s that can be written", disk->path);
}

static void decide_copy(struct storage_disk *disk)
{
	disk->verdict = STORAGE_COPY;
	if (disk->make && !evidence_of_folder(disk->path))
		refuse_folder(disk);
	else if (disk->make && !image_can_create(disk->format))
		refuse(disk, "make it there, and use --overwrite-storage",
			"an image of format '%s' cannot be made: %s", disk->format, disk->path);
	else if (!disk->bytes)
		refuse(disk, NULL,
			"there is nothing to copy to %s: at the source it is missing or empty, or "
			"no image of format '%s'",
			disk->path, disk->format);
	else if (!disk->make && disk->top)
		refuse(disk, REMOVE_HINT,
			"%s is there already, and builds on another image: it cannot be "
			"overwritten",
			disk->path);
}

static void refuse_size(struct storage_disk *disk, uint64_t has)
{
	refuse(disk, REMOVE_HINT,
		"%s has %" PRIu64 " bytes for the guest there, and %" PRIu64 " at the source",
		disk->path, has, disk->bytes);
}

static void decide_another(struct storage_disk *disk, const struct storage_wishes *wishes)
{
	bool other_size = disk->has && disk->bytes && disk->has != disk->bytes;
	bool fits = !disk->top && !other_size;

	if (wishes->overwrite && other_size)
		refuse_size(disk, disk->has);
	else if (wishes->overwrite)
		decide_copy(disk);
	else
		refuse(disk, fits ? REMOVE_HINT OVERWRITE_HINT : REMOVE_HINT,
			"%s is there already, and is not the source's image", disk->path);
}

static void decide_locked(struct storage_disk *disk, bool locked, const struct storage *storage)
{
	const struct storage_wishes *wishes = &storage->wishes;

	if (locked && disk->same)
		decide_shared(disk, wishes);
	else if (disk->device)
		refuse(disk, NULL,
			"nothing shows that %s is the source's device, and nothing is copied to a "
			"device",
			disk->path);
	else if ((locked || disk->same) && wishes->unsafe)
		disk->verdict = STORAGE_SHARED;
	else if (locked)
		refuse(disk, DOUBT_HINT,
			"%s is open there by another, or cannot be written: it is not the source's "
			"image, by its inode number",
			disk->path);
	else if (disk->same)
		refuse(disk, DOUBT_HINT,
			"%s has the inode number of the source's image, which yet can be locked "
			"there",
			disk->path);
	else
		decide_another(disk, wishes);
}

/* ---- by what can be seen ---- */

static void look_chain(struct storage_disk *disk, const struct json *told)
{
	const char *theirs = json_get_string(told, "chain");
	struct dd_error reason = {0};
	char ours[SAMPLE_SIZE];

	disk->top = disk_base(disk->element) != NULL;
	if (!disk->top || disk->verdict != STORAGE_COPY)
		return;
	if (evidence_of_chain(disk->element, ours, &reason))
		refuse(disk, "copy it there first", "of the images that %s builds on: %s",
			disk->path, reason.message);
	else if (!theirs || strcmp(ours, theirs) != 0)
		refuse(disk, "copy those of the source there first",
			"the images that %s builds on are others than at the source", disk->path);
}

static void look_missing(struct storage_disk *disk, const struct storage_wishes *wishes)
{
	disk->make = true;
	if (node_attr_is(disk->element, "type", "block"))
		refuse(disk, MAP_HINT, "there is no device %s", disk->path);
	else if (!wishes->copy)
		refuse(disk, COPY_HINT, "there is no %s", disk->path);
	else
		decide_copy(disk);
}

static void refuse_odd(struct storage_disk *disk, const struct evidence *here)
{
	refuse(disk, "remove it there; where the image is called otherwise: --map path:FROM=TO",
		"%s is %s there, and no image", disk->path, here->odd);
}

/* A medium, say. */
static int look_read_only(struct storage_disk *disk, struct dd_error *err)
{
	struct evidence here;
	int rc = evidence_of(disk->path, &here, err);

	if (rc)
		return rc;
	disk->verdict = STORAGE_THERE;
	if (here.odd)
		refuse_odd(disk, &here);
	else if (access(disk->path, R_OK) != 0)
		refuse(disk,
			"copy it there, or take the medium out; where it is called otherwise "
			"there: --map path:FROM=TO",
			"there is no %s that can be read, and what is read-only is not copied",
			disk->path);
	return 0;
}

/* Of the formats whose size can be read. */
static bool is_no_image(const struct storage_disk *disk)
{
	return !disk->has && image_can_create(disk->format);
}

static int look_writable(struct storage_disk *disk, const struct json *told,
	const struct storage_wishes *wishes, struct dd_error *err)
{
	const char *identity = json_get_string(told, "identity");
	struct evidence here;
	int rc = evidence_of(disk->path, &here, err);

	if (rc)
		return rc;
	disk->network = here.network;
	disk->device = here.device;
	disk->bytes = json_get_unsigned(told, "bytes", 0);
	disk->same = here.device
			     ? *here.identity && identity && strcmp(identity, here.identity) == 0
			     : here.inode == json_get_unsigned(told, "inode", UINT64_MAX);
	disk->verdict = STORAGE_DOUBT;
	if (here.there && !here.device && !here.odd)
		disk->has = image_size(disk->path, disk->format);
	if (here.odd)
		refuse_odd(disk, &here);
	else if (!here.there)
		look_missing(disk, wishes);
	else if (here.device && disk->same)
		decide_shared(disk, wishes);
	else if (!here.device && wishes->overwrite && !disk->same && is_no_image(disk))
		refuse(disk, REMOVE_HINT, "%s is no image of format '%s' there, or an empty one",
			disk->path, disk->format);
	look_chain(disk, told);
	return 0;
}

static const struct json *told_of(const struct json *told, const char *target)
{
	for (size_t i = 0; i < json_count(told); i++) {
		const char *name = json_get_string(json_at(told, i), "target");

		if (name && strcmp(name, target) == 0)
			return json_at(told, i);
	}
	return NULL;
}

/* It comes with the offer, unless it is too large for that. */
static void send_nvram(struct storage_disk *disk, const struct json *told)
{
	disk->verdict = STORAGE_SENT;
	disk->content = json_get_string(told, "content");
	if (!json_get_bool(told, "goes", false))
		refuse(disk, NVRAM_HINT,
			"there is no %s for the firmware's variables, and the source's file does "
			"not go along: it has none, or one of more than 4 MiB",
			disk->path);
	else if (!evidence_of_folder(disk->path))
		refuse_folder(disk);
}

/* Others than the source's are here, as where the domain left them when it moved away once. */
static int replace_nvram(struct storage_disk *disk, const struct json *told,
	const struct storage_wishes *wishes, struct dd_error *err)
{
	bool written = false;
	int rc = wishes->overwrite && !disk->same ? image_written(disk->path, &written, err) : 0;

	if (rc)
		return rc;
	if (wishes->overwrite && !disk->same && !written)
		send_nvram(disk, told);
	else
		refuse(disk, written ? NULL : NVRAM_OTHER_HINT,
			"the firmware's variables in %s are there already, and are others than at "
			"the source%s",
			disk->path, written ? "; and somebody writes to them" : "");
	return 0;
}

/* What the variables' file here is beside the source's, where both are there. */
static int decide_nvram(struct storage_disk *disk, const struct json *told,
	const struct storage_wishes *wishes, struct dd_error *err)
{
	const char *theirs = json_get_string(told, "chain");
	char ours[SAMPLE_SIZE];
	int rc = evidence_of_file(disk->path, ours, err);
	bool equal = !rc && theirs && strcmp(ours, theirs) == 0;

	disk->verdict = disk->same ? STORAGE_SHARED : STORAGE_THERE;
	if (rc || equal || (disk->same && wishes->unsafe))
		return rc;
	return replace_nvram(disk, told, wishes, err);
}

/* A start would make new ones, and a guest that comes would overwrite whatever is there. */
static int look_nvram(struct storage_disk *disk, const struct json *told,
	const struct storage_wishes *wishes, struct dd_error *err)
{
	struct evidence here;
	int rc = evidence_of(disk->path, &here, err);

	if (rc)
		return rc;
	disk->make = !here.there;
	disk->same = here.inode == json_get_unsigned(told, "inode", UINT64_MAX);
	disk->verdict = STORAGE_THERE;
	if (here.odd)
		refuse_odd(disk, &here);
	else if (here.there)
		return decide_nvram(disk, told, wishes, err);
	else if (wishes->live || !told || json_get_string(told, "chain"))
		send_nvram(disk, told);
	return 0;
}

/* One of a path that is this process' own way to it would be another file for QEMU. */
static bool refuse_relative(struct storage_disk *disk)
{
	bool relative = *disk->path != '/';

	if (relative)
		refuse(disk, "say where it is: --map path:FROM=TO",
			"its path there, '%s', does not begin with '/'", disk->path);
	return relative;
}

static struct storage_disk *disk_new(struct storage *storage)
{
	struct storage_disk *disks =
		reallocarray(storage->disks, storage->count + 1, sizeof *disks);

	if (!disks)
		return NULL;
	storage->disks = disks;
	return &disks[storage->count++];
}

static int look_firmware(struct storage *storage, const xmlNode *nvram, const struct json *told,
	struct dd_error *err)
{
	struct storage_disk *disk = disk_new(storage);

	if (!disk)
		return error_no_memory(err);
	*disk = (struct storage_disk){
		.element = nvram,
		.target = NVRAM_TARGET,
		.path = node_text(nvram),
		.format = "raw",
	};
	if (refuse_relative(disk))
		return 0;
	return look_nvram(disk, told_of(told, disk->target), &storage->wishes, err);
}

static int look_one(struct storage *storage, const xmlNode *element, const struct json *told,
	struct dd_error *err)
{
	const char *format = node_attr(node_child(element, "driver"), "type");
	struct storage_disk *disk = disk_new(storage);

	if (!disk)
		return error_no_memory(err);
	*disk = (struct storage_disk){
		.element = element,
		.target = disk_target(element),
		.path = disk_path(element),
		.format = format ? format : "raw",
	};
	if (refuse_relative(disk))
		return 0;
	return disk_is_read_only(element)
		       ? look_read_only(disk, err)
		       : look_writable(disk, told_of(told, disk->target), &storage->wishes, err);
}

/* Two that write to one image are its end, unless both are told to share it. */
static void look_doubles(struct storage *storage)
{
	for (size_t i = 0; i < storage->count; i++)
		for (size_t j = 0; j < storage->count; j++) {
			struct storage_disk *disk = &storage->disks[i], *other = &storage->disks[j];

			if (i == j || !evidence_same_place(disk->path, other->path) ||
				disk_is_read_only(disk->element) ||
				disk_is_read_only(other->element) ||
				(node_child(disk->element, "shareable") &&
					node_child(other->element, "shareable")))
				continue;
			refuse(disk, "give each a path of its own there: --map path:FROM=TO",
				"%s would be the image of disk %s there, too", disk->path,
				other->target);
		}
}

int storage_look(const struct document *document, const struct json *told,
	const struct json *wishes, bool live, struct storage *out, struct dd_error *err)
{
	CLEANUP(storage)
	struct storage storage = {
		.wishes =
			{
				.live = live,
				.copy = json_get_bool(wishes, "copy_storage", false),
				.overwrite = json_get_bool(wishes, "overwrite_storage", false),
				.unsafe = json_get_bool(wishes, "unsafe", false),
			},
	};
	int rc = 0;

	storage.wishes.copy |= storage.wishes.overwrite;
	for (const xmlNode *disk = node_child(document_devices(document), "disk"); !rc && disk;
		disk = node_next(disk))
		if (disk_path(disk))
			rc = look_one(&storage, disk, told, err);
	if (!rc && nvram_of(document))
		rc = look_firmware(&storage, nvram_of(document), told, err);
	if (rc)
		return rc;
	look_doubles(&storage);
	*out = storage;
	storage = (struct storage){.count = 0};
	return 0;
}

/* ---- without doubt ---- */

/* Of a domain that does not run its user may have made a copy. */
static bool is_taken_as_it_is(const struct storage_disk *disk, const struct storage_wishes *wishes)
{
	return !wishes->live && !wishes->copy && !disk->same;
}

void storage_guess(struct storage *storage)
{
	for (size_t i = 0; i < storage->count; i++) {
		struct storage_disk *disk = &storage->disks[i];

		if (disk->verdict != STORAGE_DOUBT)
			continue;
		if (is_taken_as_it_is(disk, &storage->wishes))
			disk->verdict = STORAGE_THERE;
		/* the source's number is as good as a lock, to say what would probably be */
		else
			decide_locked(disk, disk->same, storage);
	}
}

int storage_probe(struct storage *storage, struct dd_error *err)
{
	int rc = 0;

	/* the source has locked nothing that it need not copy */
	if (!storage->wishes.copy) {
		storage_guess(storage);
		return 0;
	}
	for (size_t i = 0; !rc && i < storage->count; i++) {
		struct storage_disk *disk = &storage->disks[i];
		bool locked = false;

		if (disk->verdict != STORAGE_DOUBT)
			continue;
		rc = image_written(disk->path, &locked, err);
		if (!rc)
			decide_locked(disk, locked, storage);
	}
	return rc;
}

bool storage_copies(const struct storage *storage)
{
	for (size_t i = 0; i < storage->count; i++)
		if (storage->disks[i].verdict == STORAGE_COPY)
			return true;
	return false;
}

static int settle_one(const struct storage *storage, struct storage_disk *disk, struct guest *guest,
	struct dd_error *err)
{
	const char *alias = device_alias(disk->element);
	bool locked = false;
	uint64_t bytes = 0;
	int rc = 0;

	if (disk->verdict == STORAGE_DOUBT) {
		rc = guest_disk_shared(guest, alias, &locked, err);
		if (rc)
			return rc;
		decide_locked(disk, locked, storage);
	}
	if (disk->verdict != STORAGE_COPY)
		return 0;
	rc = guest_disk_size(guest, alias, &bytes, err);
	if (!rc && bytes != disk->bytes) {
		refuse_size(disk, bytes);
		return 0;
	}
	if (!rc)
		rc = guest_disks_listen(guest, err);
	return rc ? rc : guest_disk_offer(guest, alias, err);
}

int storage_settle(struct storage *storage, struct guest *guest, struct dd_error *err)
{
	bool asked = false;
	int rc = 0;

	for (size_t i = 0; !rc && i < storage->count; i++) {
		asked |= storage->disks[i].verdict == STORAGE_DOUBT;
		rc = settle_one(storage, &storage->disks[i], guest, err);
		storage->offered |= storage->disks[i].verdict == STORAGE_COPY;
	}
	if (!rc)
		rc = storage_refuse(storage, err);
	return rc || storage->offered || !asked ? rc : guest_disks_close(guest, err);
}

int storage_refuse(const struct storage *storage, struct dd_error *err)
{
	for (size_t i = 0; i < storage->count; i++)
		if (storage->disks[i].verdict == STORAGE_REFUSED) {
			if (err)
				*err = storage->disks[i].fault;
			return DD_REFUSED;
		}
	return 0;
}

/* ---- what is told of it ---- */

static const char *reason(const struct storage_disk *disk)
{
	switch (disk->verdict) {
	case STORAGE_THERE:
		if (is_nvram(disk))
			return disk->make ? "it is not at the source either: a start makes it"
					  : "it has what is in the source's";
		return disk_is_read_only(disk->element) ? "it is read-only, and is there"
							: "an image is there";
	case STORAGE_SHARED:
		return "it is the same image on both hosts: nothing is copied";
	case STORAGE_SENT:
		return disk->make ? "it is not there, and goes along"
				  : "it goes along, and takes the place of another";
	case STORAGE_COPY:
		return disk->top    ? "the images that it builds on are there, and it is not"
		       : disk->make ? "it is not there"
				    : "another image is there, and is overwritten";
	default: /* without the words that name the disk */
		return disk->fault.message + strlen(disk_word(disk)) + strlen(disk->target) +
		       strlen(": ");
	}
}

static struct json *answer_one(const struct storage_disk *disk)
{
	static const char *const words[] = {
		[STORAGE_THERE] = "there",
		[STORAGE_SHARED] = "shared",
		[STORAGE_DOUBT] = "doubt",
		[STORAGE_COPY] = "copy",
		[STORAGE_SENT] = "sent",
		[STORAGE_REFUSED] = "refused",
	};
	struct json *out = json_object();

	json_put_string(out, "target", disk->target);
	json_put_string(out, "path", disk->path);
	json_put_string(out, "verdict", words[disk->verdict]);
	json_put_string(out, "why", reason(disk));
	if (disk->verdict == STORAGE_REFUSED && *disk->fault.hint)
		json_put_string(out, "hint", disk->fault.hint);
	if (disk->verdict != STORAGE_COPY)
		return out;
	json_put_string(out, "alias", device_alias(disk->element));
	json_put(out, "bytes", json_unsigned(disk->bytes));
	json_put_bool(out, "make", disk->make);
	json_put_bool(out, "top", disk->top);
	return out;
}

struct json *storage_answer(const struct storage *storage)
{
	struct json *array = json_array();

	for (size_t i = 0; i < storage->count; i++)
		json_push(array, answer_one(&storage->disks[i]));
	return array;
}
