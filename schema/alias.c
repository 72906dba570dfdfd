/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Aliases follow the frozen definition: a disk's says where it sits, a controller's its type and
 * index, and the others count. When a guest starts, most kinds are counted in the order of their
 * devices; some, and every device that is plugged in later, take the number after the greatest in
 * use. An alias that the user chose begins with "ua-" and counts for nothing.
 */

#include "schema/alias.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

#define USER_PREFIX "ua-"
#define USER_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

const char *device_alias(const xmlNode *device)
{
	return node_attr(node_child(device, "alias"), "name");
}

static bool has_alias(const xmlNode *device)
{
	static const char *const none[] = {"none", NULL};

	return !node_is(device, "memballoon") || !string_in(node_attr(device, "model"), none);
}

/* The number behind the prefix, or -1 where the alias has another form. */
static long alias_number(const xmlNode *device, const char *prefix)
{
	const char *alias = device_alias(device);
	size_t length = strlen(prefix);
	char *end;

	if (!alias || strncmp(alias, prefix, length) != 0 || alias[length] < '0' ||
		alias[length] > '9')
		return -1;

	long number = strtol(alias + length, &end, 10);

	return *end || number > INT32_MAX - 1 ? -1 : number;
}

static unsigned next_number(const struct document *document, const char *prefix)
{
	long next = 0;

	for (const xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device)) {
		long number = alias_number(device, prefix);

		next = number >= next ? number + 1 : next;
	}
	return (unsigned)next;
}

/* Kinds that take the next number even when all are numbered together. */
static bool counts_in_use(const xmlNode *device)
{
	static const char *const elements[] = {
		"interface", "hostdev", "filesystem", "rng", "memory", NULL};

	return string_in((const char *)device->name, elements);
}

static unsigned position(const xmlNode *device)
{
	unsigned number = 0;

	for (const xmlNode *other = node_first(device->parent); other != device;
		other = node_after(other))
		number += node_is(other, (const char *)device->name);
	return number;
}

const xmlNode *console_port(const struct document *document, const xmlNode *device)
{
	if (!node_is(device, "console") || device != device_first(document, "console") ||
		!node_attr_is(node_child(device, "target"), "type", "serial"))
		return NULL;
	return device_first(document, "serial");
}

static int assign(struct document *document, xmlNode *device, bool counted, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(device);
	CLEANUP(text) struct text alias = TEXT_INIT;
	const xmlNode *port = console_port(document, device);
	unsigned number = 0;

	if (!kind || !kind->alias || !has_alias(device) || device_alias(device))
		return 0;
	if (alias_prefix(device))
		number = counted && !counts_in_use(device)
				 ? position(device)
				 : next_number(document, alias_prefix(device));
	if (port && device_alias(port))
		text_puts(&alias, device_alias(port));
	else
		kind->alias(document, device, number, &alias);
	if (text_failed(&alias))
		return error_no_memory(err);
	return fill_child_attr(device, "alias", "name", text_string(&alias), err);
}

int document_assign_aliases(struct document *document, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		rc = assign(document, device, true, err);
	return rc ? rc : document_canonicalise(document, err);
}

int device_assign_alias(struct document *document, xmlNode *device, struct dd_error *err)
{
	int rc = assign(document, device, false, err);

	return rc ? rc : document_canonicalise(document, err);
}

static void strip_alias(xmlNode *device)
{
	const char *alias = device_alias(device);

	if (!alias || strncmp(alias, USER_PREFIX, strlen(USER_PREFIX)) != 0 ||
		alias[strspn(alias, USER_CHARACTERS)])
		node_remove(node_child(device, "alias"));
}

/* A pseudo terminal is another one at each start. */
static void strip_pty(xmlNode *device)
{
	static const char *const elements[] = {"serial", "parallel", "console", "channel", NULL};
	xmlNode *source = node_child(device, "source");
	const char *type = node_attr(device, "type");

	/* one that does not say its type becomes one */
	if (!string_in((const char *)device->name, elements) || (type && strcmp(type, "pty") != 0))
		return;
	(void)node_set_attr(device, "tty", NULL, NULL);
	(void)node_set_attr(source, "path", NULL, NULL);
	if (source && !source->properties && !node_first(source))
		node_remove(source);
}

/* Does the first length bytes of text end so? What is left before that is in *left. */
static bool ends_with(const char *text, size_t length, const char *end, size_t *left)
{
	size_t size = strlen(end);

	if (length < size || strncmp(text + length - size, end, size) != 0)
		return false;
	*left = length - size;
	return true;
}

/*
 * A socket that nobody named is ALIAS.sock in the folder of the run, which is called by the UUID,
 * or of a later QEMU of that run, which is a number in there.
 */
static bool is_run_socket(const xmlNode *device, const char *path)
{
	const char *uuid = node_text(node_child(xmlDocGetRootElement(device->doc), "uuid"));
	CLEANUP(text) struct text name = TEXT_INIT;
	CLEANUP(text) struct text folder = TEXT_INIT;
	size_t length = path ? strlen(path) : 0;
	size_t digits;

	if (!device_alias(device) || !uuid || !uuid[0])
		return false;
	text_printf(&name, "/%s.sock", device_alias(device));
	text_printf(&folder, "/%s", uuid);
	if (text_failed(&name) || text_failed(&folder) ||
		!ends_with(path, length, text_string(&name), &length))
		return false;
	for (digits = 0; digits < length && isdigit((unsigned char)path[length - 1 - digits]);)
		digits++;
	if (digits && digits < length && path[length - 1 - digits] == '/' &&
		ends_with(path, length - digits - 1, text_string(&folder), &length))
		return length > 0;
	return ends_with(path, length, text_string(&folder), &length) && length > 0;
}

static void strip_socket(xmlNode *device)
{
	xmlNode *source = node_child(device, "source");

	if (!node_attr_is(device, "type", "unix") ||
		!is_run_socket(device, node_attr(source, "path")))
		return;
	/* of all but a channel the record says that QEMU listens, which is not the default */
	if (node_is(device, "channel"))
		node_remove(source);
	else
		(void)node_set_attr(source, "path", NULL, NULL);
}

/* A name for one run: ours is "vn" and eight hexadecimal digits, the others are libvirt's. */
static bool is_run_tap(const char *name)
{
	static const char *const prefixes[] = {"vnet", "macvtap", "macvlan"};

	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return strlen(name) == 10 && strncmp(name, "vn", 2) == 0 &&
	       strspn(name + 2, "0123456789abcdef") == 8;
}

static void strip_tap(xmlNode *device)
{
	xmlNode *target = node_is(device, "interface") ? node_child(device, "target") : NULL;
	const char *name = node_attr(target, "dev");

	if (!name || !is_run_tap(name) || node_attr_is(target, "managed", "no"))
		return;
	(void)node_set_attr(target, "dev", NULL, NULL);
	if (!target->properties && !node_first(target))
		node_remove(target);
}

/* What it got on the host where it runs. */
static void strip_place(xmlNode *device)
{
	strip_socket(device); /* known by its alias */
	strip_pty(device);
	strip_tap(device);
}

void device_strip_runtime(xmlNode *device)
{
	strip_place(device);
	strip_alias(device);
}

/* Ports chosen at start go back to how "choose one" is spelt. */
static int strip_graphics(xmlNode *device, struct dd_error *err)
{
	if (!node_is(device, "graphics") || !node_attr_is(device, "autoport", "yes"))
		return 0;
	if (node_attr_is(device, "type", "vnc"))
		return node_set_attr(device, "port", "-1", err);
	(void)node_set_attr(device, "port", NULL, NULL);
	(void)node_set_attr(device, "tlsPort", NULL, NULL);
	return 0;
}

static int strip_device(
	struct document *document, xmlNode *device, bool alias_too, struct dd_error *err)
{
	static const struct freeze_options nothing = {.capabilities = NULL};
	const struct device_kind *kind = device_kind(device);
	int rc;

	strip_place(device);
	if (alias_too)
		strip_alias(device);
	rc = strip_graphics(device, err);
	/* completing a disk or channel drops what it got for one run */
	if (!rc && kind && (node_is(device, "disk") || node_is(device, "channel")))
		rc = kind->complete(document, device, &nothing, err);
	return rc;
}

static int strip_document(struct document *document, bool aliases_too, struct dd_error *err)
{
	int rc = node_set_attr(document_root(document), "id", NULL, err);

	for (xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		rc = strip_device(document, device, aliases_too, err);
	return rc ? rc : document_canonicalise(document, err);
}

int document_strip_runtime(struct document *document, struct dd_error *err)
{
	return strip_document(document, true, err);
}

int document_strip_place(struct document *document, struct dd_error *err)
{
	return strip_document(document, false, err);
}

int document_find_named(const struct document *document, const char *reference, xmlNode **device,
	struct dd_error *err)
{
	CLEANUP(document) struct document *named = NULL;
	xmlNode *found = NULL;
	int rc = document_copy(document, &named, err);

	if (!rc)
		rc = document_assign_aliases(named, err);
	if (!rc)
		rc = document_find_device(named, reference, &found, err);
	if (rc)
		return rc;

	xmlNode *other = node_first(document_devices(named));

	*device = node_first(document_devices(document));
	for (; other != found; other = node_after(other))
		*device = node_after(*device);
	return 0;
}
