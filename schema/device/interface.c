/* SPDX-License-Identifier: Apache-2.0 */

/* Network interfaces. Known by their MAC. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/device/common.h"
#include "schema/fill.h"
#include "schema/format.h"
#include "schema/mac.h"
#include "schema/uuid.h"

static bool is_virtio(const xmlNode *interface)
{
	const char *model = node_attr(node_child(interface, "model"), "type");

	return model && strncmp(model, "virtio", strlen("virtio")) == 0;
}

/* Types whose other end decides what the driver's options mean. */
static const char *const always_virtio[] = {"vdpa", NULL};

static bool is_type(const xmlNode *interface, const char *const *types)
{
	return string_in(node_attr(interface, "type"), types);
}

/* Properties that only some types have. */
static const struct {
	const char *path;
	const char *const *types;
} properties[] = {
	{"mtu", (const char *const[]){"network", "bridge", "ethernet", "vhostuser", NULL}},
	{"coalesce", (const char *const[]){"network", "bridge", NULL}},
	{"port", (const char *const[]){"network", "bridge", NULL}},
	{"bandwidth/inbound/@floor", (const char *const[]){"network", NULL}},
	{"virtualport", (const char *const[]){"network", "bridge", "direct", "hostdev", NULL}},
	{"ip", (const char *const[]){"user", "vdpa", NULL}},
	{"target/@managed", (const char *const[]){"ethernet", NULL}},
};

static int check_bandwidth(const xmlNode *interface, struct dd_error *err)
{
	const xmlNode *limit = node_first(node_child(interface, "bandwidth"));

	for (; limit; limit = node_after(limit))
		if (!node_attr(limit, "average") && !node_attr(limit, "floor"))
			return node_error(limit, err, DD_INVALID,
				"one of the attributes average and floor is missing");
	return 0;
}

static int check_type(const xmlNode *interface, struct dd_error *err)
{
	static const char *const without[] = {"user", "ethernet", "null", "hostdev", NULL};
	static const char *const daemons[] = {"vhostuser", "vdpa", NULL};
	const xmlNode *source = node_child(interface, "source");
	const xmlNode *address = node_child(source, "address");
	const xmlNode *vlan = node_child(interface, "vlan");

	for (size_t i = 0; i < COUNT(properties); i++)
		if (node_property(interface, properties[i].path) &&
			!is_type(interface, properties[i].types) &&
			!(strcmp(properties[i].path, "target/@managed") == 0 &&
				node_attr_is(node_child(interface, "target"), "managed", "yes")))
			return node_error(interface, err, DD_INVALID,
				"an interface of type %s has no %s", node_attr(interface, "type"),
				properties[i].path);
	if (!source && !is_type(interface, without))
		return node_error(interface, err, DD_INVALID,
			"an interface of type %s needs a <source>", node_attr(interface, "type"));
	if (address && !node_attr(address, "type"))
		return node_error(address, err, DD_INVALID, "it needs a type: pci or usb");
	if (node_attr(node_child(interface, "backend"), "type"))
		return node_error(node_child(interface, "backend"), err, DD_UNSUPPORTED,
			"no other program than QEMU itself is supported here: leave type out");
	if (vlan && !node_child(vlan, "tag"))
		return node_error(vlan, err, DD_INVALID, "a <vlan> has at least one <tag>");
	if (is_type(interface, daemons) && !is_virtio(interface) &&
		(node_attr_is(interface, "type", "vhostuser") || node_child(interface, "model")))
		return node_error(interface, err, DD_INVALID,
			"an interface of type %s has a model of virtio",
			node_attr(interface, "type"));
	return 0;
}

/* What a port of each kind must be told, may be told, and is told by us where it is not. */
static const struct virtual_port {
	const char *type; /* NULL: the network decides */
	const char *needs, *takes;
	const char *made; /* a UUID */
} virtual_ports[] = {
	{"802.1Qbg", "managerid typeid typeidversion", "instanceid", "instanceid"},
	{"802.1Qbh", "profileid", "", NULL},
	{"openvswitch", "", "interfaceid profileid", "interfaceid"},
	{"midonet", "interfaceid", NULL, NULL},
};

static const struct virtual_port *virtual_port(const xmlNode *port)
{
	for (size_t i = 0; i < COUNT(virtual_ports); i++)
		if (node_attr_is(port, "type", virtual_ports[i].type))
			return &virtual_ports[i];
	return NULL;
}

static int check_virtualport(const xmlNode *interface, struct dd_error *err)
{
	static const char *const names[] = {
		"managerid", "typeid", "typeidversion", "instanceid", "interfaceid", "profileid"};
	const xmlNode *port = node_child(interface, "virtualport");
	const xmlNode *given = node_child(port, "parameters");
	const struct virtual_port *kind = virtual_port(port);

	if (port && !kind && !node_attr_is(interface, "type", "network"))
		return node_error(port, err, DD_INVALID,
			"it needs a type: 802.1Qbg, 802.1Qbh, openvswitch or midonet");
	for (size_t i = 0; i < COUNT(names) && kind; i++) {
		bool needed = format_place(kind->needs, names[i], NULL) >= 0;
		bool there = node_attr(given, names[i]);

		if (needed && !there)
			return node_error(port, err, DD_INVALID,
				"its <parameters> need %s, being of type %s", names[i], kind->type);
		if (there && !needed && kind->takes &&
			format_place(kind->takes, names[i], NULL) < 0)
			return node_error(
				port, err, DD_INVALID, "type %s has no %s", kind->type, names[i]);
	}
	return 0;
}

static int check_teaming(const xmlNode *interface, struct dd_error *err)
{
	static const char *const passed[] = {"hostdev", "network", NULL};
	const xmlNode *teaming = node_child(interface, "teaming");

	if (node_attr_is(teaming, "type", "persistent") && !is_virtio(interface))
		return node_error(teaming, err, DD_INVALID,
			"the persistent one of a team is a virtio interface");
	if (node_attr_is(teaming, "type", "transient") && !is_type(interface, passed))
		return node_error(
			teaming, err, DD_INVALID, "the transient one of a team is of type hostdev");
	return 0;
}

static int check(const struct document *document, const xmlNode *interface, struct dd_error *err)
{
	const xmlNode *mac = node_child(interface, "mac");

	(void)document;
	if (!node_attr(interface, "type"))
		return node_error(interface, err, DD_INVALID, "an interface needs a type");
	if (mac && !mac_is_valid(node_attr(mac, "address"))) {
		node_error(mac, err, DD_INVALID, "'%s' is no MAC address of one interface",
			node_attr(mac, "address") ? node_attr(mac, "address") : "");
		return error_hint(err, "leave <mac> out, and one is made");
	}

	if (node_attr_is(node_child(interface, "model"), "type", "usb-net"))
		return node_error(interface, err, DD_UNSUPPORTED,
			"a usb-net card has no place on a PC: use another model");

	int rc = check_type(interface, err);

	if (!rc)
		rc = check_virtualport(interface, err);
	if (!rc)
		rc = check_bandwidth(interface, err);
	if (!rc)
		rc = check_teaming(interface, err);
	return rc ? rc
		  : check_virtio_options(interface,
			    is_virtio(interface) || is_type(interface, always_virtio), err);
}

static int complete_mac(xmlNode *interface, struct dd_error *err)
{
	char address[MAC_SIZE];
	xmlNode *mac = fill_child(interface, "mac", err);

	if (!mac)
		return DD_NO_MEMORY;
	if (node_attr(mac, "address"))
		return 0;

	int rc = mac_make(address, err);

	return rc ? rc : node_set_attr(mac, "address", address, err);
}

/* A model is spelt as QEMU knows it: small letters. */
static int complete_model(xmlNode *interface, struct dd_error *err)
{
	static const char *const known[] = {"virtio", "virtio-transitional",
		"virtio-non-transitional", "e1000", "e1000e", "rtl8139", "netfront", "lan9118",
		"smc91c111", "vlance", "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A", "82540EM",
		"82545EM", "82543GC", "spapr-vlan", NULL};
	bool vdpa = node_attr_is(interface, "type", "vdpa");
	const char *type = node_attr(node_child(interface, "model"), "type");

	if (node_attr_is(interface, "type", "hostdev"))
		return 0;
	for (size_t i = 0; type && known[i]; i++)
		if (strcasecmp(type, known[i]) == 0)
			return node_set_attr(node_child(interface, "model"), "type", known[i], err);
	return fill_child_attr(interface, "model", "type", vdpa ? "virtio" : "rtl8139", err);
}

static void drop_empty(xmlNode *interface, const char *name)
{
	xmlNode *node = node_child(interface, name);

	if (node && !node->properties && !node_first(node))
		node_remove(node);
}

static void drop_unlimited(xmlNode *bandwidth)
{
	xmlNode *next;

	for (xmlNode *limit = node_first(bandwidth); limit; limit = next) {
		next = node_after(limit);
		if (!attr_number(limit, "average", 1))
			node_remove(limit);
	}
}

/* Switches know a port by an id of its own; MidoNet's only by that. */
static int complete_virtualport(xmlNode *interface, struct dd_error *err)
{
	xmlNode *port = node_child(interface, "virtualport");
	xmlNode *given = node_child(port, "parameters");
	const struct virtual_port *kind = virtual_port(port);
	char id[UUID_SIZE];
	int rc;

	for (xmlAttr *attr = kind && !kind->takes ? given->properties : NULL, *next; attr;
		attr = next) {
		next = attr->next;
		if (format_place(kind->needs, (const char *)attr->name, NULL) < 0)
			xmlRemoveProp(attr);
	}
	if (!kind || !kind->made || node_attr(given, kind->made))
		return 0;
	rc = uuid_make(id, err);
	return rc ? rc : fill_child_attr(port, "parameters", kind->made, id, err);
}

/* Several tags make a trunk, and a device of the host is bridged as switches do by default. */
static int complete_source(xmlNode *interface, struct dd_error *err)
{
	xmlNode *vlan = node_child(interface, "vlan");
	xmlNode *source = node_child(interface, "source");
	xmlNode *tag = node_child(vlan, "tag");
	int rc = tag && node_next(tag) ? fill_attr(vlan, "trunk", "yes", err) : 0;

	if (!rc && source && node_attr_is(interface, "type", "direct"))
		rc = fill_attr(source, "mode", "vepa", err);
	if (!rc && node_attr_is(interface, "type", "hostdev"))
		rc = pci_source_complete(source, err);
	return rc;
}

struct parameter {
	xmlNode *node;
	const char *name;
	size_t number;
};

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *one = a, *other = b;
	int rc = strcmp(one->name, other->name);

	return rc ? rc : (one->number > other->number) - (one->number < other->number);
}

/* A filter's parameters are a set, shown by their names. */
static int sort_parameters(xmlNode *filter, struct dd_error *err)
{
	size_t count = 0, i = 0;

	for (xmlNode *node = node_child(filter, "parameter"); node; node = node_next(node))
		count++;
	if (count < 2)
		return 0;

	CLEANUP(free) struct parameter *sorted = calloc(count, sizeof *sorted);

	if (!sorted)
		return error_no_memory(err);
	for (xmlNode *node = node_child(filter, "parameter"); node; node = node_next(node), i++) {
		const char *name = node_attr(node, "name");

		sorted[i] = (struct parameter){node, name ? name : "", i};
	}
	qsort(sorted, count, sizeof *sorted, compare_parameters);
	for (i = 0; i < count; i++) {
		xmlUnlinkNode(sorted[i].node);
		xmlAddChild(filter, sorted[i].node);
	}
	return 0;
}

/* Settings that only a virtio card has, and the port that a network chose for one run. */
static void drop_meaningless(xmlNode *interface)
{
	xmlNode *driver = node_child(interface, "driver");
	xmlNode *rx = node_descend(interface, "coalesce/rx");

	if (!is_virtio(interface)) {
		if (!node_attr_is(interface, "type", "hostdev"))
			node_remove(driver);
		(void)node_set_attr(node_child(interface, "backend"), "vhost", NULL, NULL);
	}
	if (node_attr_is(interface, "managed", "no"))
		(void)node_set_attr(interface, "managed", NULL, NULL);
	drop_unlimited(node_child(interface, "bandwidth"));
	drop_empty(interface, "bandwidth");
	drop_empty(interface, "backend");
	if (!node_attr_is(interface, "type", "bridge"))
		(void)node_set_attr(node_child(interface, "source"), "bridge", NULL, NULL);
	drop_empty(interface, "source");
	if (is_virtio(interface) && node_attr_is(driver, "queues", "1"))
		(void)node_set_attr(driver, "queues", NULL, NULL);
	if (attr_number(node_child(rx, "frames"), "max", 0) == 0)
		node_remove(node_child(interface, "coalesce"));
	if (node_attr_is(interface, "type", "network"))
		(void)node_set_attr(node_child(interface, "source"), "portid", NULL, NULL);
}

static int complete(struct document *document, xmlNode *interface,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = complete_mac(interface, err);

	(void)document;
	(void)options;
	if (!rc)
		rc = complete_model(interface, err);
	if (!rc)
		rc = complete_virtualport(interface, err);
	if (!rc)
		rc = complete_source(interface, err);
	if (!rc)
		rc = sort_parameters(node_child(interface, "filterref"), err);
	if (!rc)
		drop_meaningless(interface);
	return rc;
}

/* libvirt knows these as conventional cards; a model that it only passes on is an Express one. */
static enum pci_plug plug(const struct document *document, const xmlNode *interface)
{
	static const char *const conventional[] = {"e1000", "rtl8139", "netfront", "lan9118",
		"smc91c111", "vlance", "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A", "82540EM",
		"82545EM", "82543GC", NULL};
	const char *model = node_attr(node_child(interface, "model"), "type");

	(void)document;
	if (node_attr_is(interface, "type", "hostdev"))
		return PCI_PLUG_EXPRESS;
	if (model && strcmp(model, "spapr-vlan") == 0)
		return PCI_PLUG_NONE;
	if (is_virtio(interface))
		return plug_virtio(model);
	return string_in(model, conventional) ? PCI_PLUG_CONVENTIONAL : PCI_PLUG_EXPRESS;
}

static void words(const xmlNode *interface, struct text *out)
{
	const char *mac = node_attr(node_child(interface, "mac"), "address");

	text_puts(out, mac ? mac : "");
}

static void details(const xmlNode *interface, struct text *out)
{
	CLEANUP(text) struct text source = TEXT_INIT;
	const char *type = node_attr(interface, "type");

	source_words(node_child(interface, "source"), &source);
	text_printf(out, "%s%s%s", type ? type : "", source.size ? " " : "", text_string(&source));
}

static const char *prefix_of(const xmlNode *interface)
{
	return node_attr_is(interface, "type", "hostdev") ? "hostdev" : "net";
}

static const char *const live_paths[] = {
	"@type",
	"link",
	"source",
	"filterref",
	"bandwidth",
	"virtualport",
	"vlan",
	"port",
	NULL,
};

static const char *const free_paths[] = {
	"@type",
	"@managed",
	"@trustGuestRxFilters",
	"source",
	"target",
	"link",
	"filterref",
	"bandwidth",
	"virtualport",
	"vlan",
	"port",
	"script",
	"downscript",
	"backend",
	"portForward",
	"ip",
	"route",
	"tune",
	"coalesce",
	"guest",
	"boot",
	"driver/@name",
	"driver/@txmode",
	"driver/@ioeventfd",
	"backenddomain",
	NULL,
};

static const struct choice choices[] = {
	{"@type",
		"user ethernet vhostuser server client mcast network bridge internal direct "
		"hostdev udp vdpa null vds",
		NULL},
	{"source/@mode", "vepa private bridge passthrough server client", NULL},
	{"driver/@name", "qemu vhost vfio", NULL},
	{"driver/@txmode", "iothread timer", "default"},
	{"link/@state", "up down", NULL},
	{"virtualport/@type", "802.1Qbg 802.1Qbh openvswitch midonet", "none"},
	{"mac/@type", "generated static", NULL},
	{"teaming/@type", "persistent transient", NULL},
	{"portForward/@proto", NULL, NULL, true},
	{"ip/@address", NULL, NULL, true},
	{"route/@address", NULL, NULL, true},
	{NULL, NULL, NULL},
};

const struct device_kind kind_interface = {
	.element = "interface",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words,
	.details = details,
	.alias = alias_numbered,
	.alias_prefix_of = prefix_of,
	.live_paths = live_paths,
	.free_paths = free_paths,
	.hot_pluggable = true,
};
