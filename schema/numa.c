/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/numa.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/fill.h"
#include "schema/ids.h"

#define CELLS_MAX 1024u
#define DISTANCE_LOCAL 10
#define DISTANCE_MAX 255

static unsigned cell_count(const xmlNode *numa)
{
	unsigned count = 0;

	for (const xmlNode *cell = node_child(numa, "cell"); cell; cell = node_next(cell))
		count++;
	return count;
}

static unsigned cell_id(const xmlNode *cell, unsigned place)
{
	uint64_t id = attr_number(cell, "id", place);

	return id < CELLS_MAX ? (unsigned)id : CELLS_MAX;
}

/* Ids are 0, 1, 2… in any order. */
static int check_ids(const xmlNode *numa, unsigned count, struct dd_error *err)
{
	bool taken[CELLS_MAX] = {false};
	unsigned place = 0;

	for (const xmlNode *cell = node_child(numa, "cell"); cell; cell = node_next(cell)) {
		unsigned id = cell_id(cell, place++);

		if (id >= count)
			return node_error(cell, err, DD_INVALID,
				"the ids of %u cells go from 0 to %u, without a gap", count,
				count - 1);
		if (taken[id])
			return node_error(cell, err, DD_INVALID, "there is a cell %u already", id);
		taken[id] = true;
	}
	return 0;
}

static int check_cpus(
	const xmlNode *cell, struct id_set *seen, uint64_t vcpus, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *own = NULL;
	const char *text = node_attr(cell, "cpus");
	int rc = id_set_new(&own, err);

	if (!rc)
		rc = id_set_read(own, cell, "cpus", err);
	for (unsigned id = 0; id < ID_MAX && !rc; id++) {
		if (own->has[id] && seen->has[id])
			return node_error(
				cell, err, DD_INVALID, "vCPU %u is in another cell too", id);
		if (own->has[id] && id >= vcpus)
			return node_error(cell, err, DD_INVALID,
				"cpus '%s' has more than the %" PRIu64 " vCPUs of the domain", text,
				vcpus);
		seen->has[id] = seen->has[id] || own->has[id];
	}
	return rc;
}

static const xmlNode *cell_of(const xmlNode *numa, const xmlNode *node, const char *attribute)
{
	uint64_t id = attr_number(node, attribute, CELLS_MAX);
	unsigned place = 0;

	for (const xmlNode *cell = node_child(numa, "cell"); cell; cell = node_next(cell))
		if (cell_id(cell, place++) == id)
			return cell;
	return NULL;
}

/* What is said of memory is about cells and caches that there are. */
static int check_speeds(const xmlNode *numa, struct dd_error *err)
{
	const xmlNode *speed = node_first(node_child(numa, "interconnects"));

	for (; speed; speed = node_after(speed)) {
		const xmlNode *target = cell_of(numa, speed, "target");
		const xmlNode *cache = node_child(target, "cache");
		const char *level = node_attr(speed, "cache");

		if (!target || !cell_of(numa, speed, "initiator"))
			return node_error(speed, err, DD_INVALID, "there is no NUMA cell %s",
				node_attr(speed, target ? "initiator" : "target"));
		while (level && cache && !node_attr_is(cache, "level", level))
			cache = node_next(cache);
		if (level && attr_number(speed, "cache", 0) && !cache)
			return node_error(speed, err, DD_INVALID,
				"cell %s has no cache of level %s", node_attr(speed, "target"),
				level);
	}
	return 0;
}

int numa_check(const xmlNode *cpu, uint64_t vcpus, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *seen = NULL;
	const xmlNode *numa = node_child(cpu, "numa");
	unsigned count = cell_count(numa);
	int rc;

	if (!numa)
		return 0;
	if (!count || count > CELLS_MAX)
		return node_error(numa, err, DD_INVALID, "it has %u cells: 1 to %u are possible",
			count, CELLS_MAX);
	rc = check_ids(numa, count, err);
	if (!rc)
		rc = id_set_new(&seen, err);
	for (const xmlNode *cell = node_child(numa, "cell"); cell && !rc; cell = node_next(cell)) {
		if (!node_attr(cell, "memory"))
			return node_error(cell, err, DD_INVALID, "the attribute memory is missing");
		rc = check_cpus(cell, seen, vcpus, err);
	}
	return rc ? rc : check_speeds(numa, err);
}

struct distances {
	unsigned count;
	unsigned char *value; /* from * count + to; 0: not said */
};

static int read_siblings(struct distances *all, const xmlNode *cell, struct dd_error *err)
{
	unsigned from = cell_id(cell, 0);
	const xmlNode *node = node_child(cell, "distances");

	if (node && !node_child(node, "sibling"))
		return node_error(node, err, DD_INVALID, "it has no <sibling>");
	for (node = node_child(node, "sibling"); node; node = node_next(node)) {
		uint64_t to = attr_number(node, "id", CELLS_MAX);
		uint64_t value = attr_number(node, "value", 0);

		if (!node_attr(node, "id") || to >= all->count)
			return node_error(node, err, DD_INVALID, "there is no cell %s",
				node_attr(node, "id") ? node_attr(node, "id") : "without id");
		if (value < DISTANCE_LOCAL || value > DISTANCE_MAX ||
			(to == from) != (value == DISTANCE_LOCAL))
			return node_error(node, err, DD_INVALID,
				"a distance of %s is not possible: %d to itself, more up to %d to "
				"another cell",
				node_attr(node, "value") ? node_attr(node, "value") : "nothing",
				DISTANCE_LOCAL, DISTANCE_MAX);
		all->value[from * all->count + to] = (unsigned char)value;
		all->value[from * all->count + from] = DISTANCE_LOCAL;
		all->value[to * all->count + to] = DISTANCE_LOCAL;
		if (!all->value[to * all->count + from])
			all->value[to * all->count + from] = (unsigned char)value;
	}
	return 0;
}

static int write_siblings(const struct distances *all, xmlNode *cell, struct dd_error *err)
{
	const unsigned char *own = all->value + cell_id(cell, 0) * all->count;
	xmlNode *list = node_child(cell, "distances");
	int rc = 0;

	while (node_first(list))
		node_remove(node_first(list));
	for (unsigned to = 0; to < all->count && !rc; to++) {
		xmlNode *sibling;

		if (!own[to])
			continue;
		list = fill_child(cell, "distances", err);
		sibling = list ? node_add(list, "sibling", err) : NULL;
		rc = sibling ? fill_number(sibling, "id", to, err) : DD_NO_MEMORY;
		if (!rc)
			rc = fill_number(sibling, "value", own[to], err);
	}
	return rc;
}

int numa_freeze_distances(xmlNode *cpu, struct dd_error *err)
{
	xmlNode *first = node_descend(cpu, "numa/cell");
	struct distances all = {.count = cell_count(node_child(cpu, "numa"))};
	bool said = false;
	int rc = 0;

	for (const xmlNode *cell = first; cell; cell = node_next(cell))
		said = said || node_child(cell, "distances");
	if (!said)
		return 0;

	CLEANUP(free) unsigned char *value = calloc(all.count, all.count);

	if (!value)
		return error_no_memory(err);
	all.value = value;
	for (const xmlNode *cell = first; cell && !rc; cell = node_next(cell))
		rc = read_siblings(&all, cell, err);
	for (xmlNode *cell = first; cell && !rc; cell = node_next(cell))
		rc = write_siblings(&all, cell, err);
	return rc;
}
