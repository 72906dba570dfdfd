/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Character devices: serial and parallel ports, consoles and channels. Ports are known by their
 * number, channels by their name.
 *
 * The first console of type serial is another name for the first serial port: whichever of the two
 * is written down, there are both, and the console repeats the port's other end.
 */

#include "schema/device/chardev.h"

#include <string.h>

#include "schema/address/address.h"
#include "schema/device/common.h"
#include "schema/fill.h"

static bool target_is(const xmlNode *device, const char *type)
{
	return node_attr_is(node_child(device, "target"), "type", type);
}

static int check_chardev(
	const struct document *document, const xmlNode *device, struct dd_error *err)
{
	static const char *const types[] = {"null", "vc", "pty", "dev", "file", "pipe", "stdio",
		"udp", "tcp", "unix", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus",
		NULL};
	const char *type = node_attr(device, "type");

	if (type && !string_in(type, types))
		return node_error(
			device, err, DD_INVALID, "'%s' is no type of character device", type);
	return chardev_check(document, device, err);
}

/* Only the first console can be the other name of a serial port. */
static int check_console(
	const struct document *document, const xmlNode *console, struct dd_error *err)
{
	static const char *const targets[] = {"serial", "virtio", "lxc", "uml", NULL};
	const xmlNode *target = node_child(console, "target");
	const char *type = node_attr(target, "type");

	if (type && !string_in(type, targets))
		return node_error(target, err, DD_UNSUPPORTED,
			"a console of type '%s' does not go with this machine", type);
	if (console != device_first(document, "console") && (!type || strcmp(type, "serial") == 0))
		return node_error(console, err, DD_INVALID,
			"only the first console can be a serial port: this one can be of type "
			"virtio");
	return check_chardev(document, console, err);
}

static int check_channel(
	const struct document *document, const xmlNode *channel, struct dd_error *err)
{
	static const char *const targets[] = {"virtio", "guestfwd", "xen", NULL};
	const xmlNode *target = node_child(channel, "target");

	if (!string_in(node_attr(target, "type"), targets))
		return node_error(target ? target : channel, err, DD_UNSUPPORTED,
			"a channel of type '%s' does not go with this machine",
			node_attr(target, "type") ? node_attr(target, "type") : "");
	if (node_attr_is(channel, "type", "spicevmc") && !target_is(channel, "virtio"))
		return node_error(
			channel, err, DD_INVALID, "a spicevmc channel has a target of type virtio");
	return check_chardev(document, channel, err);
}

static int check_serial(
	const struct document *document, const xmlNode *device, struct dd_error *err)
{
	static const struct {
		const char *target, *model, *address;
	} kinds[] = {
		{"isa-serial", "isa-serial", "isa"},
		{"usb-serial", "usb-serial", "usb"},
		{"pci-serial", "pci-serial", "pci"},
		{"isa-debug", "isa-debugcon", "isa"},
	};
	const char *target = node_attr(node_child(device, "target"), "type");
	const char *model = node_attr(node_descend(device, "target/model"), "name");
	const char *address = node_attr(node_child(device, "address"), "type");

	for (size_t i = 0; i < COUNT(kinds) && target; i++) {
		if (strcmp(kinds[i].target, target) != 0)
			continue;
		if (model && strcmp(kinds[i].model, model) != 0)
			return node_error(device, err, DD_INVALID,
				"a target of type %s is a %s, not a %s", target, kinds[i].model,
				model);
		if (address && strcmp(kinds[i].address, address) != 0)
			return node_error(device, err, DD_INVALID,
				"a target of type %s has an address of type %s, not %s", target,
				kinds[i].address, address);
		target = NULL;
	}
	if (target)
		return node_error(device, err, DD_UNSUPPORTED,
			"a serial device of type '%s' does not go with this machine", target);
	return check_chardev(document, device, err);
}

/* The number after the greatest: of all, but a parallel port sees those before it alone. */
static uint64_t next_port(const struct document *document, const xmlNode *device)
{
	uint64_t next = 0;

	for (const xmlNode *other = device_first(document, (const char *)device->name); other;
		other = node_next(other)) {
		uint64_t port;

		if (other == device && node_is(device, "parallel"))
			break;
		if (other != device &&
			node_attr_number(node_child(other, "target"), "port", &port) &&
			port >= next)
			next = port + 1;
	}
	return next;
}

static int fill_port(struct document *document, xmlNode *device, struct dd_error *err)
{
	xmlNode *target = fill_child(device, "target", err);

	return target ? fill_number(target, "port", next_port(document, device), err)
		      : DD_NO_MEMORY;
}

static int complete_serial(struct document *document, xmlNode *serial,
	const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *target = fill_child(serial, "target", err);
	int rc = target ? fill_attr(target, "type", "isa-serial", err) : DD_NO_MEMORY;

	(void)options;
	if (!rc)
		rc = chardev_complete(serial, err);
	if (!rc)
		rc = fill_child_attr(target, "model", "name",
			target_is(serial, "isa-debug") ? "isa-debugcon" : node_attr(target, "type"),
			err);
	/* one that did not say where it is follows those that did */
	return rc ? rc : fill_port(document, serial, err);
}

static int complete_parallel(struct document *document, xmlNode *parallel,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = chardev_complete(parallel, err);

	(void)options;
	return rc ? rc : fill_port(document, parallel, err);
}

static int complete_console(struct document *document, xmlNode *console,
	const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *target = fill_child(console, "target", err);
	xmlNode *serial = device_first(document, "serial");
	int rc = target ? fill_attr(target, "type", "serial", err) : DD_NO_MEMORY;

	if (!rc)
		rc = chardev_complete(console, err);
	if (!rc && serial && console == device_first(document, "console") &&
		node_attr_is(target, "type", "serial")) {
		rc = complete_serial(document, serial, options, err);
		if (!rc)
			rc = node_set_attr(target, "port",
				node_attr(node_child(serial, "target"), "port"), err);
	}
	return rc ? rc : fill_port(document, console, err);
}

static bool is_serial_console(const xmlNode *console)
{
	return console &&
	       (!node_attr(node_child(console, "target"), "type") || target_is(console, "serial"));
}

/*
 * Do the consoles have rising numbers? The first counts as 0 where it is a serial port, whose own
 * number it then has; added before those that had been numbered, it repeats their first.
 */
static bool are_numbered(const xmlNode *first)
{
	uint64_t last = 0;

	for (const xmlNode *console = first; console; console = node_next(console)) {
		uint64_t port;
		bool second = console != first && node_next(first) == console;

		if (!node_attr_number(node_child(console, "target"), "port", &port))
			return false;
		if (console == first && is_serial_console(first))
			port = 0;
		if (console != first && port <= last &&
			!(second && !port && is_serial_console(first)))
			return false;
		last = port;
	}
	return true;
}

/* Consoles are numbered in their order, unless they are already. */
static int number_consoles(struct document *document, struct dd_error *err)
{
	xmlNode *console = device_first(document, "console");
	unsigned number = 0;
	int rc = 0;

	if (are_numbered(console))
		return 0;
	for (; console && !rc; console = node_next(console), number++) {
		xmlNode *target = fill_child(console, "target", err);

		rc = target ? node_set_attr_number(target, "port", number, err) : DD_NO_MEMORY;
	}
	return rc;
}

/* A path below "domain-…/" was chosen for one run; a socket without one is chosen at the next. */
static bool chosen_for_one_run(const xmlNode *channel, const char *path)
{
	const char *name = node_attr(node_child(channel, "target"), "name");
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!path)
		return true;
	if (!name || !slash || strcmp(slash + 1, name) != 0)
		return false;
	while (slash > path && slash[-1] != '/')
		slash--;
	return strncmp(slash, "domain-", strlen("domain-")) == 0;
}

/* What a run chose is chosen again at the next. */
static void drop_chosen(xmlNode *channel)
{
	xmlNode *next;

	if (!node_attr_is(channel, "type", "unix"))
		return;
	for (xmlNode *source = node_child(channel, "source"); source; source = next) {
		next = node_next(source);
		if (!node_attr_is(source, "mode", "connect") &&
			chosen_for_one_run(channel, node_attr(source, "path")))
			node_remove(source);
	}
}

/* What an address with a port leaves out is 0. */
static int complete_address(xmlNode *address, struct dd_error *err)
{
	int rc = 0;

	if (!node_attr_is(address, "type", "virtio-serial") || !node_attr(address, "port"))
		return 0;
	rc = fill_attr(address, "controller", "0", err);
	return rc ? rc : fill_attr(address, "bus", "0", err);
}

static int complete_channel(struct document *document, xmlNode *channel,
	const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *target = fill_child(channel, "target", err);
	int rc = target ? chardev_complete(channel, err) : DD_NO_MEMORY;

	(void)document;
	(void)options;
	if (rc || !target_is(channel, "virtio"))
		return rc;
	(void)node_set_attr(target, "state", NULL, NULL);
	drop_chosen(channel);
	rc = complete_address(node_child(channel, "address"), err);
	if (rc)
		return rc;
	return 0;
}

static enum pci_plug plug_serial(const struct document *document, const xmlNode *device)
{
	(void)document;
	return target_is(device, "pci-serial") ? PCI_PLUG_CONVENTIONAL : PCI_PLUG_NONE;
}

static enum address_kind address_serial(const struct document *document, const xmlNode *device)
{
	if (target_is(device, "isa-serial"))
		return ADDRESS_ISA;
	if (target_is(device, "usb-serial"))
		return ADDRESS_USB;
	return address_by_plug(document, device);
}

static enum address_kind address_channel(const struct document *document, const xmlNode *device)
{
	(void)document;
	return target_is(device, "virtio") ? ADDRESS_VIRTIO_SERIAL : ADDRESS_NONE;
}

static void words_port(const xmlNode *device, struct text *out)
{
	const char *port = node_attr(node_child(device, "target"), "port");

	text_puts(out, port ? port : "");
}

static void words_console(const xmlNode *device, struct text *out)
{
	const char *type = node_attr(node_child(device, "target"), "type");
	const char *port = node_attr(node_child(device, "target"), "port");

	text_printf(out, "%s %s", type ? type : "serial", port ? port : "");
}

static void words_channel(const xmlNode *device, struct text *out)
{
	const xmlNode *target = node_child(device, "target");
	const char *name = node_attr(target, "name");
	const char *address = node_attr(target, "address");
	const char *port = node_attr(target, "port");

	if (name)
		text_puts(out, name);
	else if (address)
		text_printf(out, "%s:%s", address, port ? port : "");
	else
		words_place(device, out);
}

static void details(const xmlNode *device, struct text *out)
{
	CLEANUP(text) struct text source = TEXT_INIT;
	const char *type = node_attr(device, "type");

	source_words(node_child(device, "source"), &source);
	text_printf(out, "%s%s%s", type ? type : "", source.size ? " " : "", text_string(&source));
}

static const char *const no_paths[] = {NULL};

static const char *const free_paths[] = {"@type", "@tty", "source", "protocol", "log", NULL};

/* Both ends of what guests see as a plain serial line are the host's business. */
#define CHARDEV_COMMON                                                                           \
	.same = same_words, .details = details, .alias = alias_numbered, .live_paths = no_paths, \
	.free_paths = free_paths

const struct device_kind kind_serial = {
	.element = "serial",
	.check = check_serial,
	.complete = complete_serial,
	.address = address_serial,
	.plug = plug_serial,
	.words = words_port,
	.hot_pluggable = false,
	.alias_prefix = "serial",
	CHARDEV_COMMON,
};

const struct device_kind kind_parallel = {
	.element = "parallel",
	.check = check_chardev,
	.complete = complete_parallel,
	.address = address_none,
	.words = words_port,
	.hot_pluggable = false,
	.alias_prefix = "parallel",
	CHARDEV_COMMON,
};

const struct device_kind kind_console = {
	.element = "console",
	.check = check_console,
	.complete = complete_console,
	.address = address_none,
	.words = words_console,
	.hot_pluggable = false,
	.alias_prefix = "console",
	CHARDEV_COMMON,
};

const struct device_kind kind_channel = {
	.element = "channel",
	.check = check_channel,
	.complete = complete_channel,
	.address = address_channel,
	.words = words_channel,
	.hot_pluggable = true,
	.alias_prefix = "channel",
	CHARDEV_COMMON,
};

static bool is_isa_address(const xmlNode *address)
{
	return node_attr_is(address, "type", "isa");
}

/* Replaces what stands on the other end of to by that of from; targets are left alone. */
static int copy_end(const xmlNode *from, xmlNode *to, struct dd_error *err)
{
	static const char *const parts[] = {"source", "protocol", "log", "alias", "address", NULL};
	int rc = node_set_attr(to, "type", node_attr(from, "type"), err);

	for (size_t i = 0; parts[i] && !rc; i++) {
		/* only an ISA port is known before places are given out */
		if (strcmp(parts[i], "address") == 0 && !is_isa_address(node_child(from, parts[i])))
			continue;
		while (node_child(to, parts[i]))
			node_remove(node_child(to, parts[i]));
		for (const xmlNode *part = node_child(from, parts[i]); part && !rc;
			part = node_next(part)) {
			xmlNode *copy = node_copy(part, to->doc, err);

			if (!copy)
				return DD_NO_MEMORY;
			if (i < 3)
				xmlAddPrevSibling(node_child(to, "target"), copy);
			else
				xmlAddNextSibling(to->last, copy);
		}
	}
	return rc;
}

static int add_serial(struct document *document, xmlNode *console, struct dd_error *err)
{
	xmlNode *serial = device_add(document, "serial", err);
	int rc = serial && fill_child(serial, "target", err) ? 0 : DD_NO_MEMORY;

	if (!rc)
		rc = fill_child(console, "target", err) ? 0 : DD_NO_MEMORY;
	if (!rc)
		rc = fill_attr(console, "type", "pty", err);
	return rc ? rc : copy_end(console, serial, err);
}

static int add_console(
	struct document *document, xmlNode *first, xmlNode **out, struct dd_error *err)
{
	xmlNode *console = device_add(document, "console", err);

	if (!console)
		return DD_NO_MEMORY;
	if (first)
		xmlAddPrevSibling(first, console);
	*out = console;
	return fill_child_attr(console, "target", "type", "serial", err);
}

/* Ports that say that they are ISA ones choose before those that become so. */
static int number_isa_ports(struct document *document, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *serial = device_first(document, "serial"); serial && !rc;
		serial = node_next(serial))
		if (target_is(serial, "isa-serial"))
			rc = isa_assign(document, serial, PLACE_FREE, err);
	return rc;
}

int chardev_pair_console(struct document *document, struct dd_error *err)
{
	xmlNode *console = device_first(document, "console");
	xmlNode *serial = device_first(document, "serial");
	const char *target = node_attr(node_child(serial, "target"), "type");
	int rc = number_consoles(document, err);

	if (!rc)
		rc = number_isa_ports(document, err);
	if (rc)
		return rc;
	if (is_serial_console(console) && !serial)
		rc = add_serial(document, console, err);
	else if (serial && (!target || strcmp(target, "isa-serial") == 0) &&
		 !is_serial_console(console))
		rc = add_console(document, console, &console, err);
	serial = device_first(document, "serial");
	if (rc || !serial || !is_serial_console(console))
		return rc;
	if (!fill_child(console, "target", err))
		return DD_NO_MEMORY;
	rc = fill_attr(serial, "type", "pty", err);
	return rc ? rc : copy_end(serial, console, err);
}
