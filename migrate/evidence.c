/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "domain/boot.h"
#include "qmp/image.h"
#include "qmp/mirror.h"
#include "schema/alias.h"

#define PIECES 64
#define PIECE_SIZE 65536

const char *disk_path(const xmlNode *disk)
{
	const xmlNode *source = node_child(disk, "source");
	const char *file = node_attr(source, "file");

	return file ? file : node_attr(source, "dev");
}

const char *disk_target(const xmlNode *disk)
{
	const char *target = node_attr(node_child(disk, "target"), "dev");

	return target ? target : "";
}

bool disk_is_read_only(const xmlNode *disk)
{
	return node_child(disk, "readonly") || node_attr_is(disk, "device", "cdrom");
}

const xmlNode *disk_base(const xmlNode *disk)
{
	const xmlNode *base = node_child(disk, "backingStore");

	return disk_path(base) ? base : NULL;
}

/* ---- of one image ---- */

static bool is_network(const char *path)
{
	static const unsigned kinds[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC,
		CIFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, V9FS_MAGIC};
	struct statfs info;

	if (statfs(path, &info))
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if ((unsigned)info.f_type == kinds[i])
			return true;
	return false;
}

/* Device mapper's, NVMe's or SCSI's word for which device that is; or this machine's, until it is
 * started anew. */
static void identity_read(dev_t device, char out[IDENTITY_SIZE])
{
	CLEANUP(text) struct text boot = TEXT_INIT;
	static const char *const places[] = {"dm/uuid", "wwid", "device/wwid"};

	*out = '\0';
	for (size_t i = 0; !*out && i < sizeof places / sizeof places[0]; i++) {
		CLEANUP(text) struct text text = TEXT_INIT;
		char path[128];

		snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s", major(device), minor(device),
			places[i]);
		if (file_read(path, IDENTITY_SIZE - 1, &text, NULL) == 0)
			snprintf(out, IDENTITY_SIZE, "%.*s", (int)strcspn(text_string(&text), "\n"),
				text_string(&text));
	}
	if (!*out && boot_id(&boot, NULL) == 0)
		snprintf(out, IDENTITY_SIZE, "%.*s %u:%u", (int)strcspn(text_string(&boot), "\n"),
			text_string(&boot), major(device), minor(device));
}

/* To open a FIFO waits for somebody at its other end, and QEMU with it. */
static const char *odd_of(mode_t mode)
{
	return S_ISDIR(mode)    ? "a directory"
	       : S_ISFIFO(mode) ? "a FIFO"
	       : S_ISSOCK(mode) ? "a socket"
	       : S_ISCHR(mode)  ? "a character device"
				: NULL;
}

int evidence_of(const char *path, struct evidence *out, struct dd_error *err)
{
	struct evidence found = {.there = false};
	struct stat info;

	if (stat(path, &info)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return error_errno(err, errno, "cannot look at %s", path);
		if (lstat(path, &info) == 0)
			found.odd = "a symbolic link that leads to nothing";
		*out = found;
		return 0;
	}
	found.there = true;
	found.odd = odd_of(info.st_mode);
	found.device = S_ISBLK(info.st_mode);
	if (found.device) {
		identity_read(info.st_rdev, found.identity);
	} else {
		found.inode = info.st_ino;
		found.network = is_network(path);
	}
	*out = found;
	return 0;
}

/* With the slash: "/" for "/image". */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) + 1 : PATH_MAX;

	if (length >= PATH_MAX)
		return false;
	memcpy(folder, path, length);
	folder[length] = '\0';
	return true;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return S_ISBLK(one->st_mode) && S_ISBLK(other->st_mode)
		       ? one->st_rdev == other->st_rdev
		       : one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

bool evidence_same_place(const char *one, const char *other)
{
	char folder[PATH_MAX], other_folder[PATH_MAX];
	struct stat info, other_info;

	if (strcmp(one, other) == 0)
		return true;
	if (stat(one, &info) == 0 && stat(other, &other_info) == 0)
		return is_same(&info, &other_info);
	return folder_of(one, folder) && folder_of(other, other_folder) &&
	       strcmp(one + strlen(folder), other + strlen(other_folder)) == 0 &&
	       stat(folder, &info) == 0 && stat(other_folder, &other_info) == 0 &&
	       is_same(&info, &other_info);
}

bool evidence_of_folder(const char *path)
{
	char folder[PATH_MAX];

	return folder_of(path, folder) && access(folder, W_OK) == 0;
}

/* ---- of those below it ---- */

static int piece_add(crypto_generichash_state *state, int fd, off_t at, unsigned char *buffer)
{
	ssize_t got = pread(fd, buffer, PIECE_SIZE, at);

	if (got > 0)
		crypto_generichash_update(state, buffer, (unsigned long long)got);
	return got < 0 ? -1 : 0;
}

static int layer_add(crypto_generichash_state *state, const char *path, struct dd_error *err)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(free) unsigned char *buffer = malloc(PIECE_SIZE);
	int64_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, DD_NOT_FOUND, "there is no %s", path);
	if (size < 0)
		return error_errno(err, errno, "cannot read %s", path);
	if (!buffer)
		return error_no_memory(err);
	crypto_generichash_update(state, (const unsigned char *)&size, sizeof size);
	for (int64_t i = 0; i < PIECES; i++)
		if (piece_add(state, fd, size / PIECES * i, buffer))
			return error_errno(err, errno, "cannot read %s", path);
	return 0;
}

int evidence_of_chain(const xmlNode *disk, char sample[SAMPLE_SIZE], struct dd_error *err)
{
	crypto_generichash_state state;
	unsigned char hash[(SAMPLE_SIZE - 1) / 2];
	int rc = 0;

	crypto_generichash_init(&state, NULL, 0, sizeof hash);
	for (const xmlNode *base = disk_base(disk); !rc && base; base = disk_base(base))
		rc = layer_add(&state, disk_path(base), err);
	crypto_generichash_final(&state, hash, sizeof hash);
	if (!rc)
		sodium_bin2hex(sample, SAMPLE_SIZE, hash, sizeof hash);
	return rc;
}

int evidence_of_file(const char *path, char sample[SAMPLE_SIZE], struct dd_error *err)
{
	crypto_generichash_state state;
	unsigned char hash[(SAMPLE_SIZE - 1) / 2];
	int rc;

	crypto_generichash_init(&state, NULL, 0, sizeof hash);
	rc = layer_add(&state, path, err);
	crypto_generichash_final(&state, hash, sizeof hash);
	if (!rc)
		sodium_bin2hex(sample, SAMPLE_SIZE, hash, sizeof hash);
	return rc;
}

/* ---- what is told ---- */

const xmlNode *nvram_of(const struct document *document)
{
	const xmlNode *nvram = node_descend(document_root(document), "os/nvram");

	return nvram && !node_first(nvram) && *node_text(nvram) ? nvram : NULL;
}

static int put_content(struct json *object, const struct text *content, struct dd_error *err)
{
	size_t room = sodium_base64_encoded_len(content->size, sodium_base64_VARIANT_ORIGINAL);
	CLEANUP(free) char *words = malloc(room);

	if (!words)
		return error_no_memory(err);
	sodium_bin2base64(words, room, (const unsigned char *)text_string(content), content->size,
		sodium_base64_VARIANT_ORIGINAL);
	return json_put_string(object, "content", words) ? 0 : error_no_memory(err);
}

/* One that is too large to go along is not for here to refuse. */
static int tell_content(const char *path, bool full, struct json *object, struct dd_error *err)
{
	CLEANUP(text) struct text content = TEXT_INIT;
	struct dd_error reason = {0};
	int rc = file_read(path, NVRAM_MAX, &content, &reason);
	bool goes = !rc && content.size;

	if (rc && rc != DD_INVALID)
		return error_set(err, rc, "%s", reason.message);
	json_put_bool(object, "goes", goes);
	return goes && full ? put_content(object, &content, err) : 0;
}

/* They are small: the sample is of all that is in them. */
static int tell_nvram(const char *path, bool full, struct json *array, struct dd_error *err)
{
	struct json *object = json_object();
	struct evidence found;
	char sample[SAMPLE_SIZE];
	int rc = evidence_of(path, &found, err);

	json_put_string(object, "target", NVRAM_TARGET);
	if (!rc && found.there) {
		rc = evidence_of_file(path, sample, err);
		json_put(object, "inode", json_unsigned(found.inode));
		json_put_string(object, "chain", rc ? "" : sample);
		if (!rc && !found.odd && !found.device)
			rc = tell_content(path, full, object, err);
	}
	json_push(array, object);
	return rc;
}

/* QEMU opens its images anew to let go of them, and fails then, when all else has gone over. */
static int name_check(const xmlNode *disk, const struct evidence *found, struct dd_error *err)
{
	if (found->there)
		return 0;
	error_set(err, DD_REFUSED,
		"disk %s: %s, which the guest's QEMU has open, is not there any more under this "
		"name",
		disk_target(disk), disk_path(disk));
	return error_hint(err, "give the image its name back");
}

/* 0: it cannot be told, of a domain that does not run. */
static int size_of(const xmlNode *disk, struct guest *guest, uint64_t *bytes, struct dd_error *err)
{
	const char *format = node_attr(node_child(disk, "driver"), "type");

	if (guest)
		return guest_disk_size(guest, device_alias(disk), bytes, err);
	*bytes = image_size(disk_path(disk), format ? format : "raw");
	return 0;
}

static int tell(const xmlNode *disk, struct guest *guest, struct json *array, struct dd_error *err)
{
	struct json *object = json_object();
	struct evidence found;
	char sample[SAMPLE_SIZE] = "";
	uint64_t bytes = 0;
	int rc = evidence_of(disk_path(disk), &found, err);

	if (!rc && guest)
		rc = name_check(disk, &found, err);
	if (!rc)
		rc = size_of(disk, guest, &bytes, err);
	if (!rc && disk_base(disk) && guest)
		rc = evidence_of_chain(disk, sample, err);
	/* what would keep it from running need not keep it from going */
	else if (!rc && disk_base(disk))
		(void)evidence_of_chain(disk, sample, NULL);
	json_put_string(object, "target", disk_target(disk));
	if (!rc && found.there) {
		json_put(object, "inode", json_unsigned(found.inode));
		json_put_string(object, "identity", found.identity);
	}
	if (!rc && bytes)
		json_put(object, "bytes", json_unsigned(bytes));
	if (!rc && *sample)
		json_put_string(object, "chain", sample);
	json_push(array, object);
	return rc;
}

int evidence_tell(const struct document *document, struct guest *guest, bool full,
	struct json **out, struct dd_error *err)
{
	CLEANUP(json) struct json *array = json_array();
	int rc = 0;

	for (const xmlNode *disk = node_child(document_devices(document), "disk"); !rc && disk;
		disk = node_next(disk))
		if (disk_path(disk) && !disk_is_read_only(disk))
			rc = tell(disk, guest, array, err);
	if (!rc && nvram_of(document))
		rc = tell_nvram(node_text(nvram_of(document)), full, array, err);
	if (!rc)
		*out = TAKE(array);
	return rc;
}
