/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/secret.h"

#include <stdio.h>
#include <stdlib.h>

#include "schema/document_internal.h"

#define TOKEN "sealed:"       /* and a name behind it */
#define TOKEN_COOKIE "sealed" /* whose cookie a token is */
#define HEX "0123456789abcdef"

static bool is_cookies(const xmlNode *element)
{
	return node_is(element, "cookies") && node_is(element->parent, "source");
}

bool node_is_secret(const xmlNode *element, const char *attribute)
{
	if (attribute && node_is(element, "graphics") && strcmp(attribute, "passwd") == 0)
		return true;
	for (; element; element = element->parent)
		if (is_cookies(element))
			return true;
	return false;
}

static bool has_secret(const xmlNode *node)
{
	if (is_cookies(node) || (node_is(node, "graphics") && node_attr(node, "passwd")))
		return true;
	for (const xmlNode *child = node_first(node); child; child = node_after(child))
		if (has_secret(child))
			return true;
	return false;
}

/* ---- finding ---- */

struct finder {
	struct secret_list list;
	xmlNode *device;
	char place[SECRET_PLACE_SIZE];
	struct dd_error *err;
};

static int found(struct finder *finder, xmlNode *element, const char *attribute)
{
	struct secret_list *list = &finder->list;
	struct secret *items = reallocarray(list->items, list->count + 1, sizeof *items);
	struct secret *secret;

	if (!items)
		return error_no_memory(finder->err);
	list->items = items;
	secret = &items[list->count++];
	*secret = (struct secret){finder->device, element, attribute, ""};
	snprintf(secret->place, sizeof secret->place, "%.*s%s%s", (int)sizeof secret->place - 16,
		finder->place, attribute ? "/@" : "", attribute ? attribute : "");
	return 0;
}

static int find_below(struct finder *finder, xmlNode *element)
{
	size_t length = strlen(finder->place);
	int rc = 0;

	if (node_is(element, "graphics") && node_attr(element, "passwd"))
		rc = found(finder, element, "passwd");
	if (is_cookies(element))
		return found(finder, element, NULL);
	for (xmlNode *child = node_first(element); child && !rc; child = node_after(child)) {
		char name[TREE_NAME_SIZE];

		path_append(finder->place, sizeof finder->place, length,
			node_name(child, name, sizeof name));
		rc = find_below(finder, child);
		finder->place[length] = '\0';
	}
	return rc;
}

static unsigned number_of(const xmlNode *device)
{
	unsigned number = 1;
	char buffer[TREE_NAME_SIZE];
	const char *name = node_name(device, buffer, sizeof buffer);

	for (const xmlNode *other = node_first(device->parent); other != device;
		other = node_after(other))
		number += node_is(other, name);
	return number;
}

static int find_in(struct finder *finder, xmlNode *device)
{
	char name[TREE_NAME_SIZE];

	if (!has_secret(device))
		return 0; /* as with most: counting those before it would cost more */
	finder->device = device;
	snprintf(finder->place, sizeof finder->place, "%s[%u]",
		node_name(device, name, sizeof name), number_of(device));
	return find_below(finder, device);
}

int secrets_find(const struct document *document, struct secret_list *out, struct dd_error *err)
{
	struct finder finder = {.err = err};
	xmlNode *root = document_root(document);
	int rc = 0;

	if (!node_is(root, "domain"))
		rc = find_in(&finder, root);
	for (xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		rc = find_in(&finder, device);
	if (rc)
		secrets_release(&finder.list);
	else
		*out = finder.list;
	return rc;
}

void secrets_release(struct secret_list *list)
{
	free(list->items);
	*list = (struct secret_list){.items = NULL};
}

/* "disk[2]/source/cookies": what is behind the device. */
static const char *below_device(const char *place)
{
	return place + strcspn(place, "/");
}

bool secret_alike(const struct secret *one, const struct secret *other)
{
	return strcmp(below_device(one->place), below_device(other->place)) == 0;
}

/* ---- one secret ---- */

static int check(const struct secret *secret, struct dd_error *err)
{
	size_t length = secret->attribute ? strlen(node_attr(secret->element, "passwd")) : 0;

	if (secret_name(secret))
		return node_error(secret->element, err, DD_INVALID,
			"the secret has the form of a name for one");
	if (!node_attr_is(secret->device, "type", "vnc") || length <= SECRET_VNC_LIMIT)
		return 0;
	return node_error(secret->element, err, DD_INVALID,
		"a VNC password has at most %d bytes, and this one has %zu", SECRET_VNC_LIMIT,
		length);
}

static int check_sealed(const struct secret *secret, struct dd_error *err)
{
	return secret_name(secret) ? 0
				   : node_error(secret->element, err, DD_CORRUPT,
					     "a secret that is not sealed would be written down");
}

static int check_absent(const struct secret *secret, struct dd_error *err)
{
	return node_error(secret->element, err, DD_CORRUPT, "a secret would enter history");
}

static int check_each(const struct document *document,
	int (*one)(const struct secret *secret, struct dd_error *err), struct dd_error *err)
{
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	int rc = secrets_find(document, &list, err);

	for (size_t i = 0; !rc && i < list.count; i++)
		rc = one(&list.items[i], err);
	return rc;
}

int secrets_check(const struct document *document, struct dd_error *err)
{
	return check_each(document, check, err);
}

int secrets_absent(const struct document *document, struct dd_error *err)
{
	return check_each(document, check_absent, err);
}

int secrets_sealed(const struct document *document, struct dd_error *err)
{
	return check_each(document, check_sealed, err);
}

int secret_get(const struct secret *secret, struct text *out, struct dd_error *err)
{
	if (!secret->attribute)
		return node_write(secret->element, out, err);
	text_puts(out, node_attr(secret->element, secret->attribute));
	return text_failed(out) ? error_no_memory(err) : 0;
}

static void empty(xmlNode *element)
{
	while (element->children) {
		xmlNode *child = element->children;

		xmlUnlinkNode(child);
		xmlFreeNode(child);
	}
}

/* Puts what is in the element from where a text of it was written. */
static int put_element(xmlNode *element, const char *value, struct dd_error *err)
{
	CLEANUP(xml_doc) xmlDoc *doc = NULL;
	int rc = xml_read(value, strlen(value), NULL, &doc, err);

	if (rc)
		return rc;
	empty(element);
	for (const xmlNode *child = node_first(xmlDocGetRootElement(doc)); child;
		child = node_after(child)) {
		xmlNode *copy = node_copy(child, element->doc, err);

		if (!copy)
			return DD_NO_MEMORY;
		xmlAddChild(element, copy);
	}
	return 0;
}

int secret_put(const struct secret *secret, const char *value, struct dd_error *err)
{
	return secret->attribute ? node_set_attr(secret->element, secret->attribute, value, err)
				 : put_element(secret->element, value, err);
}

const char *secret_name(const struct secret *secret)
{
	const xmlNode *cookie = node_first(secret->element);
	const char *value = NULL;

	if (secret->attribute)
		value = node_attr(secret->element, secret->attribute);
	else if (cookie && !node_after(cookie) && node_attr_is(cookie, "name", TOKEN_COOKIE))
		value = node_text(cookie);
	if (!value || strncmp(value, TOKEN, strlen(TOKEN)) != 0)
		return NULL;
	value += strlen(TOKEN);
	return strlen(value) == SECRET_NAME_SIZE - 1 && strspn(value, HEX) == SECRET_NAME_SIZE - 1
		       ? value
		       : NULL;
}

int secret_put_name(const struct secret *secret, const char *name, struct dd_error *err)
{
	char token[sizeof TOKEN + SECRET_NAME_SIZE];
	xmlNode *cookie;
	int rc;

	snprintf(token, sizeof token, TOKEN "%s", name);
	if (secret->attribute)
		return node_set_attr(secret->element, secret->attribute, token, err);
	empty(secret->element);
	cookie = node_add(secret->element, "cookie", err);
	rc = cookie ? node_set_attr(cookie, "name", TOKEN_COOKIE, err) : DD_NO_MEMORY;
	return rc ? rc : node_set_text(cookie, token, err);
}

void secret_remove(const struct secret *secret)
{
	if (secret->attribute)
		(void)node_set_attr(secret->element, secret->attribute, NULL, NULL);
	else
		node_remove(secret->element);
}

/* ---- places ---- */

static xmlNode *device_at(const struct document *document, const char *place)
{
	char name[TREE_NAME_SIZE];
	char *end = NULL;
	size_t length = strcspn(place, "[");
	unsigned long number = place[length] ? strtoul(place + length + 1, &end, 10) : 0;
	xmlNode *device = NULL;

	if (!number || *end != ']' || length >= sizeof name)
		return NULL;
	snprintf(name, sizeof name, "%.*s", (int)length, place);
	device = node_child(document_devices(document), name);
	while (device && --number)
		device = node_next(device);
	return device;
}

/* The token goes to a place below device; *there is false where the way to it is not. */
static int put_below(
	xmlNode *device, const char *place, const char *name, bool *there, struct dd_error *err)
{
	char way[SECRET_PLACE_SIZE];
	const char *last = strrchr(place, '/');
	struct secret secret = {.device = device, .element = device};

	*there = false;
	if (!last)
		return 0;
	if (last != place) {
		snprintf(way, sizeof way, "%.*s", (int)(last - place) - 1, place + 1);
		secret.element = node_descend(device, way);
	}
	if (!secret.element)
		return 0;
	if (last[1] == '@')
		secret.attribute = last + 2;
	else
		secret.element = node_add(secret.element, last + 1, err);
	if (!secret.element)
		return DD_NO_MEMORY;
	*there = true;
	return secret_put_name(&secret, name, err);
}

int secret_restore(
	struct document *document, const char *place, const char *name, struct dd_error *err)
{
	xmlNode *device = device_at(document, place);
	bool there = false;
	int rc = device ? put_below(device, below_device(place), name, &there, err) : 0;

	if (!rc && !there)
		rc = error_set(err, DD_CORRUPT, "there is no place for the secret of %s", place);
	return rc;
}

/* Cookies are for one server, and go to no other. */
static bool same_server(const xmlNode *one, const xmlNode *other)
{
	static const char *const named[] = {"protocol", "name"};
	const xmlNode *host = node_child(one, "host"), *another = node_child(other, "host");

	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		const char *value = node_attr(one, named[i]);

		if (!value || !node_attr_is(other, named[i], value))
			return false;
	}
	return host && another && node_attr(host, "name") &&
	       node_attr_is(another, "name", node_attr(host, "name"));
}

int secret_inherit(const struct secret *from, xmlNode *device, struct dd_error *err)
{
	const char *place = below_device(from->place), *name = secret_name(from);
	const char *last = strrchr(place, '/');
	char way[SECRET_PLACE_SIZE];
	bool there;

	if (!name || !last)
		return 0;
	if (!from->attribute) {
		const xmlNode *source;

		snprintf(way, sizeof way, "%.*s", (int)(last - place) - 1, place + 1);
		source = node_descend(device, way);
		if (!source || node_child(source, "cookies") ||
			!same_server(from->element->parent, source))
			return 0;
	} else if (node_attr(device, from->attribute)) {
		return 0;
	}
	return put_below(device, place, name, &there, err);
}

/* ---- without ---- */

int secrets_hide(struct document *document, struct dd_error *err)
{
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	int rc = secrets_find(document, &list, err);

	for (size_t i = 0; !rc && i < list.count; i++)
		secret_remove(&list.items[i]);
	return rc;
}

static void hide_below(xmlNode *node)
{
	xmlNode *child = node_first(node), *after;

	if (node_is(node, "graphics"))
		(void)node_set_attr(node, "passwd", NULL, NULL);
	for (; child; child = after) {
		after = node_after(child);
		if (is_cookies(child))
			node_remove(child);
		else
			hide_below(child);
	}
}

int node_write_open(const xmlNode *node, struct text *out, struct dd_error *err)
{
	xmlNode *copy;
	int rc;

	if (!has_secret(node))
		return node_write(node, out, err);
	copy = node_copy(node, node->doc, err);
	if (!copy)
		return DD_NO_MEMORY;
	hide_below(copy);
	rc = node_write(copy, out, err);
	xmlFreeNode(copy);
	return rc;
}
