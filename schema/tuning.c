/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/tuning.h"

#include "schema/fill.h"
#include "schema/ids.h"

#define MEMORY_UNLIMITED 9007199254740991ull /* KiB; this and more is no limit */

static void drop_unlimited(xmlNode *root)
{
	xmlNode *memtune = node_child(root, "memtune");
	xmlNode *next;

	for (xmlNode *limit = node_first(memtune); limit; limit = next) {
		uint64_t value = 0;

		next = node_after(limit);
		if (!node_is(limit, "min_guarantee") && node_text_number(limit, &value) &&
			value >= MEMORY_UNLIMITED)
			node_remove(limit);
	}
	if (memtune && !node_first(memtune))
		node_remove(memtune);
}

/* Puts a copy of scheduler for each number before it, and into places by the number. */
static int split_one(xmlNode *scheduler, const char *attribute, const struct id_set *set,
	xmlNode **places, struct dd_error *err)
{
	for (unsigned id = 0; id < ID_MAX; id++) {
		if (!set->has[id])
			continue;

		places[id] = xmlCopyNode(scheduler, 1);
		if (!places[id])
			return error_no_memory(err);
		xmlAddPrevSibling(scheduler, places[id]);

		int rc = node_set_attr_number(places[id], attribute, id, err);

		if (rc)
			return rc;
	}
	node_remove(scheduler);
	return 0;
}

static int check_overlap(struct id_set *seen, const struct id_set *set, const xmlNode *scheduler,
	const char *attribute, struct dd_error *err)
{
	for (unsigned id = 0; id < ID_MAX; id++) {
		if (set->has[id] && seen->has[id])
			return node_error(scheduler, err, DD_INVALID,
				"%s %u has a scheduler already", attribute, id);
		seen->has[id] = seen->has[id] || set->has[id];
	}
	return 0;
}

/* Each scheduler is for one number, and they go by that. */
static int split_schedulers(
	xmlNode *cputune, const char *element, const char *attribute, struct dd_error *err)
{
	CLEANUP(free) xmlNode **places = calloc(ID_MAX, sizeof(xmlNode *));
	CLEANUP(id_set) struct id_set *seen = NULL;
	xmlNode *next;
	int rc = places ? id_set_new(&seen, err) : error_no_memory(err);

	for (xmlNode *node = node_child(cputune, element); node && !rc; node = next) {
		CLEANUP(id_set) struct id_set *set = NULL;

		next = node_next(node);
		rc = id_set_new(&set, err);
		if (!rc)
			rc = id_set_read(set, node, attribute, err);
		if (!rc)
			rc = check_overlap(seen, set, node, attribute, err);
		if (!rc && (node_attr_is(node, "scheduler", "batch") ||
				   node_attr_is(node, "scheduler", "idle")))
			rc = node_set_attr(node, "priority", NULL, err);
		if (!rc && node_attr(node, attribute))
			rc = split_one(node, attribute, set, places, err);
	}
	for (unsigned id = 0; id < ID_MAX && !rc; id++)
		if (places[id]) {
			xmlUnlinkNode(places[id]);
			xmlAddChild(cputune, places[id]);
		}
	return rc;
}

static void drop_pins(xmlNode *cputune, uint64_t vcpus)
{
	xmlNode *next;

	for (xmlNode *pin = node_child(cputune, "vcpupin"); pin; pin = next) {
		next = node_next(pin);
		if (attr_number(pin, "vcpu", 0) >= vcpus)
			node_remove(pin);
	}
}

/* Of a group of vCPUs those remain that the domain has; a group that is given nothing goes. */
static int freeze_group(xmlNode *group, uint64_t vcpus, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *set = NULL;
	CLEANUP(text) struct text words = TEXT_INIT;
	int rc = id_set_new(&set, err);

	if (!rc)
		rc = id_set_read(set, group, "vcpus", err);
	if (rc || !node_attr(group, "vcpus"))
		return rc;
	for (uint64_t id = vcpus; id < ID_MAX; id++)
		set->has[id] = false;
	id_set_write(set, &words);
	if (text_failed(&words))
		return error_no_memory(err);
	if (!words.size || !node_first(group)) {
		node_remove(group);
		return 0;
	}
	rc = node_set_attr(group, "vcpus", text_string(&words), err);
	return rc ? rc : node_set_attr(group, "id", NULL, err);
}

static int freeze_groups(xmlNode *cputune, uint64_t vcpus, struct dd_error *err)
{
	xmlNode *next;
	int rc = 0;

	for (xmlNode *node = node_first(cputune); node && !rc; node = next) {
		next = node_after(node);
		if (node_is(node, "cachetune") || node_is(node, "memorytune"))
			rc = freeze_group(node, vcpus, err);
	}
	return rc;
}

/* A disk that is not limited is not worth a word. */
static void drop_disks(xmlNode *blkiotune)
{
	xmlNode *next;

	for (xmlNode *disk = node_child(blkiotune, "device"); disk; disk = next) {
		const xmlNode *path = node_child(disk, "path");

		next = node_next(disk);
		if (path && node_text(path)[0] && node_first(disk) == path && !node_after(path))
			node_remove(disk);
	}
	if (blkiotune && !node_first(blkiotune))
		node_remove(blkiotune);
}

/* Without NUMA cells a page size is for all memory. */
static int freeze_backing(xmlNode *root, struct dd_error *err)
{
	xmlNode *page = node_descend(root, "memoryBacking/hugepages/page");
	xmlNode *allocation = node_descend(root, "memoryBacking/allocation");
	int rc = 0;

	if (!attr_number(allocation, "threads", 1))
		rc = node_set_attr(allocation, "threads", NULL, err);
	if (node_descend(root, "cpu/numa/cell"))
		return rc;
	for (; page && !rc; page = node_next(page))
		if (node_attr_is(page, "nodeset", "0"))
			rc = node_set_attr(page, "nodeset", NULL, err);
	return rc;
}

static int freeze_memnodes(xmlNode *root, struct dd_error *err)
{
	xmlNode *node = node_descend(root, "numatune/memnode");
	int rc = 0;

	for (; node && !rc; node = node_next(node))
		rc = fill_attr(node, "mode", "strict", err);
	return rc;
}

int freeze_tuning(xmlNode *root, struct dd_error *err)
{
	xmlNode *cputune = node_child(root, "cputune");
	uint64_t vcpus = 1;
	int rc = split_schedulers(cputune, "vcpusched", "vcpus", err);

	(void)node_text_number(node_child(root, "vcpu"), &vcpus);
	drop_unlimited(root);
	drop_disks(node_child(root, "blkiotune"));
	drop_pins(cputune, vcpus);
	if (!rc)
		rc = freeze_groups(cputune, vcpus, err);
	if (!rc)
		rc = freeze_backing(root, err);
	if (!rc)
		rc = freeze_memnodes(root, err);
	return rc ? rc : split_schedulers(cputune, "iothreadsched", "iothreads", err);
}

int freeze_metadata(xmlNode *root, struct dd_error *err)
{
	xmlNode *metadata = node_child(root, "metadata");
	xmlNode *next;

	(void)err;
	for (xmlNode *node = node_first(metadata); node; node = next) {
		bool again = false;

		next = node_after(node);
		for (xmlNode *other = node_first(metadata); node->ns && other != node;
			other = node_after(other))
			again = again || xmlStrEqual(other->ns->href, node->ns->href);
		if (!node->ns || again)
			node_remove(node);
	}
	return 0;
}
