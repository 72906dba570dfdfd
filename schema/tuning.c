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
		if (node_text_number(limit, &value) && value >= MEMORY_UNLIMITED)
			node_remove(limit);
	}
	if (memtune && !node_first(memtune))
		node_remove(memtune);
}

/* Puts a copy of scheduler for each number before it. */
static int split_one(
	xmlNode *scheduler, const char *attribute, const struct id_set *set, struct dd_error *err)
{
	for (unsigned id = 0; id < ID_MAX; id++) {
		if (!set->has[id])
			continue;

		xmlNode *copy = xmlCopyNode(scheduler, 1);

		if (!copy)
			return error_no_memory(err);
		xmlAddPrevSibling(scheduler, copy);

		int rc = node_set_attr_format(copy, attribute, err, "%u", id);

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

/* Where every scheduler is for one already, their order stays. */
static int split_all(
	xmlNode *cputune, const char *element, const char *attribute, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *seen = NULL;
	xmlNode *next;
	int rc = id_set_new(&seen, err);

	for (xmlNode *node = node_child(cputune, element); node && !rc; node = next) {
		CLEANUP(id_set) struct id_set *set = NULL;

		next = node_next(node);
		rc = id_set_new(&set, err);
		if (!rc)
			rc = id_set_read(set, node, attribute, err);
		if (!rc)
			rc = check_overlap(seen, set, node, attribute, err);
		if (!rc && node_attr(node, attribute))
			rc = split_one(node, attribute, set, err);
	}
	return rc;
}

/* Sorts by the number that each is for. */
static void sort_by(xmlNode *cputune, const char *element, const char *attribute)
{
	for (xmlNode *node = node_child(cputune, element); node;) {
		xmlNode *next = node_next(node);
		bool swap =
			next && attr_number(next, attribute, 0) < attr_number(node, attribute, 0);

		if (!swap) {
			node = next;
			continue;
		}
		xmlAddPrevSibling(node, next);
		node = node_child(cputune, element);
	}
}

static int split_schedulers(
	xmlNode *cputune, const char *element, const char *attribute, struct dd_error *err)
{
	int rc = split_all(cputune, element, attribute, err);

	if (!rc)
		sort_by(cputune, element, attribute);
	return rc;
}

int freeze_tuning(xmlNode *root, struct dd_error *err)
{
	xmlNode *cputune = node_child(root, "cputune");
	int rc = split_schedulers(cputune, "vcpusched", "vcpus", err);

	drop_unlimited(root);
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
