/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/check_tuning.h"

#include <inttypes.h>
#include <string.h>

#include "schema/fill.h"
#include "schema/ids.h"
#include "schema/machine.h"

static const xmlNode *at(const struct document *document, const char *path)
{
	return node_descend(document_root(document), path);
}

static uint64_t number_of(const struct document *document, const char *path, uint64_t otherwise)
{
	uint64_t value = otherwise;
	const xmlNode *node = at(document, path);

	if (node)
		(void)node_text_number(node, &value);
	return value;
}

/* No two of first and its like siblings have the same value of the attribute. */
static int check_once(const xmlNode *first, const char *attribute, struct dd_error *err)
{
	for (const xmlNode *node = first; node; node = node_next(node)) {
		const char *value = node_attr(node, attribute);

		for (const xmlNode *other = first; value && other != node; other = node_next(other))
			if (node_attr_is(other, attribute, value))
				return node_error(node, err, DD_INVALID,
					"there is another before it for %s %s", attribute, value);
	}
	return 0;
}

static int empty_set(const xmlNode *node, const char *attribute, struct dd_error *err)
{
	const char *value = node_attr(node, attribute);

	if (!value || value[0])
		return 0;
	return node_error(node, err, DD_INVALID, "the attribute %s is an empty set", attribute);
}

/* ---- threads ---- */

static int check_pool(const xmlNode *thread, struct dd_error *err)
{
	const char *least = node_attr(thread, "thread_pool_min");
	const char *most = node_attr(thread, "thread_pool_max");

	if (!least || (most && attr_number(thread, "thread_pool_min", 0) <=
				       attr_number(thread, "thread_pool_max", 0)))
		return 0;
	return node_error(thread, err, DD_INVALID,
		"thread_pool_min %s is more than thread_pool_max, which is %s", least,
		most ? most : "absent");
}

static int check_threads(const struct document *document, struct dd_error *err)
{
	const xmlNode *first = at(document, "iothreadids/iothread");
	int rc = check_once(first, "id", err);

	for (const xmlNode *node = first; node && !rc; node = node_next(node))
		rc = check_pool(node, err);
	return rc ? rc : check_pool(at(document, "defaultiothread"), err);
}

bool thread_exists(const struct document *document, uint64_t id)
{
	const xmlNode *node = at(document, "iothreadids/iothread");

	if (!node)
		return id && id <= number_of(document, "iothreads", 0);
	for (; node; node = node_next(node))
		if (attr_number(node, "id", 0) == id)
			return true;
	return false;
}

/* ---- pins and schedulers ---- */

static int no_thread(const xmlNode *node, const char *attribute, struct dd_error *err)
{
	return node_error(node, err, DD_INVALID, "there is no I/O thread %s",
		node_attr(node, attribute) ? node_attr(node, attribute) : "");
}

static int check_pins(const struct document *document, struct dd_error *err)
{
	const xmlNode *vcpu = at(document, "cputune/vcpupin");
	const xmlNode *thread = at(document, "cputune/iothreadpin");
	int rc = check_once(vcpu, "vcpu", err);

	if (!rc)
		rc = check_once(thread, "iothread", err);
	for (; vcpu && !rc; vcpu = node_next(vcpu))
		rc = empty_set(vcpu, "cpuset", err);
	for (; thread && !rc; thread = node_next(thread)) {
		rc = empty_set(thread, "cpuset", err);
		if (!rc && !thread_exists(document, attr_number(thread, "iothread", 0)))
			rc = no_thread(thread, "iothread", err);
	}
	if (!rc)
		rc = empty_set(at(document, "cputune/emulatorpin"), "cpuset", err);
	return rc ? rc : empty_set(at(document, "vcpu"), "cpuset", err);
}

static int check_priority(const xmlNode *scheduler, struct dd_error *err)
{
	if ((node_attr_is(scheduler, "scheduler", "fifo") ||
		    node_attr_is(scheduler, "scheduler", "rr")) &&
		!node_attr(scheduler, "priority"))
		return node_error(scheduler, err, DD_INVALID, "the attribute priority is missing");
	return 0;
}

static int check_schedulers(const struct document *document, struct dd_error *err)
{
	const xmlNode *vcpu = at(document, "cputune/vcpusched");
	const xmlNode *thread = at(document, "cputune/iothreadsched");
	uint64_t vcpus = number_of(document, "vcpu", 1);
	const xmlNode *shares = at(document, "cputune/shares");
	int rc = check_priority(at(document, "cputune/emulatorsched"), err);

	if (shares && strcmp(node_text(shares), "1") == 0)
		return node_error(shares, err, DD_INVALID, "the least are 2 shares");

	for (; vcpu && !rc; vcpu = node_next(vcpu)) {
		rc = check_priority(vcpu, err);
		if (!rc && attr_number(vcpu, "vcpus", 0) >= vcpus)
			rc = node_error(vcpu, err, DD_INVALID,
				"there is no vCPU %s: the domain has %" PRIu64 ", from 0 on",
				node_attr(vcpu, "vcpus"), vcpus);
	}
	for (; thread && !rc; thread = node_next(thread)) {
		rc = check_priority(thread, err);
		if (!rc && !thread_exists(document, attr_number(thread, "iothreads", 0)))
			rc = no_thread(thread, "iothreads", err);
	}
	return rc;
}

/* ---- caches and bandwidth ---- */

static int check_monitors(const xmlNode *tune, const struct id_set *own, struct dd_error *err)
{
	const xmlNode *monitor = node_child(tune, "monitor");
	int rc = check_once(monitor, "vcpus", err);

	for (; monitor && !rc; monitor = node_next(monitor)) {
		CLEANUP(id_set) struct id_set *set = NULL;

		rc = id_set_new(&set, err);
		if (!rc)
			rc = id_set_read(set, monitor, "vcpus", err);
		for (unsigned id = 0; id < ID_MAX && !rc; id++)
			if (set->has[id] && !own->has[id])
				return node_error(monitor, err, DD_INVALID,
					"vCPU %u is not among those of the element around it", id);
	}
	return rc;
}

static int check_allocations(const xmlNode *tune, struct dd_error *err)
{
	const xmlNode *first = node_child(tune, "cache");

	for (const xmlNode *node = first; node; node = node_next(node))
		for (const xmlNode *other = first; other != node; other = node_next(other))
			if (node_attr_is(other, "id", node_attr(node, "id")) &&
				node_attr_is(other, "level", node_attr(node, "level")) &&
				node_attr_is(other, "type", node_attr(node, "type")))
				return node_error(node, err, DD_INVALID,
					"there is another before it for the same cache");
	return check_once(node_child(tune, "node"), "id", err);
}

/* Each vCPU is in one group only; a cachetune and a memorytune may be about the same group. */
static int check_groups(const xmlNode *tune, const struct id_set *own, struct dd_error *err)
{
	const char *vcpus = node_attr(tune, "vcpus");

	for (const xmlNode *other = node_first(tune->parent); other != tune;
		other = node_after(other)) {
		CLEANUP(id_set) struct id_set *set = NULL;
		bool alike = node_is(other, (const char *)tune->name);
		int rc;

		if (!alike && !node_is(other, "cachetune"))
			continue;
		if (!alike && node_attr_is(other, "vcpus", vcpus))
			continue;
		rc = id_set_new(&set, err);
		if (!rc)
			rc = id_set_read(set, other, "vcpus", err);
		if (rc)
			return rc;
		for (unsigned id = 0; id < ID_MAX; id++)
			if (set->has[id] && own->has[id])
				return node_error(tune, err, DD_INVALID,
					"vCPU %u is in another group before it", id);
	}
	return 0;
}

static int check_resources(const struct document *document, struct dd_error *err)
{
	const xmlNode *node = node_first(at(document, "cputune"));
	int rc = 0;

	for (; node && !rc; node = node_after(node)) {
		CLEANUP(id_set) struct id_set *own = NULL;

		if (!node_is(node, "cachetune") && !node_is(node, "memorytune"))
			continue;
		if (!machine_uses_kvm(document))
			return node_error(node, err, DD_INVALID,
				"only a domain of type kvm can have its share of a cache");
		rc = id_set_new(&own, err);
		if (!rc)
			rc = id_set_read(own, node, "vcpus", err);
		if (!rc)
			rc = check_groups(node, own, err);
		if (!rc)
			rc = check_allocations(node, err);
		if (!rc)
			rc = check_monitors(node, own, err);
	}
	return rc;
}

/* ---- memory and disks ---- */

static int check_cells(const struct document *document, struct dd_error *err)
{
	const xmlNode *node = at(document, "numatune/memnode");
	int rc = check_once(node, "cellid", err);

	for (; node && !rc; node = node_next(node)) {
		const xmlNode *cell = at(document, "cpu/numa/cell");

		while (cell && !node_attr_is(cell, "id", node_attr(node, "cellid")))
			cell = node_next(cell);
		if (!cell)
			return node_error(node, err, DD_INVALID, "the guest has no NUMA cell %s",
				node_attr(node, "cellid") ? node_attr(node, "cellid") : "");
		rc = empty_set(node, "nodeset", err);
	}
	return rc;
}

static int check_memory(const struct document *document, struct dd_error *err)
{
	const xmlNode *pages = at(document, "memoryBacking/hugepages");
	const xmlNode *source = at(document, "memoryBacking/source");
	const xmlNode *allocation = at(document, "memoryBacking/allocation");
	const xmlNode *wanted = at(document, "memtune/min_guarantee");
	unsigned everywhere = 0;

	if (wanted)
		return node_error(wanted, err, DD_UNSUPPORTED, "QEMU cannot guarantee memory");
	if (pages && node_attr_is(source, "type", "anonymous"))
		return node_error(source, err, DD_INVALID, "anonymous memory has no huge pages");
	if (pages && node_attr_is(allocation, "mode", "ondemand"))
		return node_error(
			allocation, err, DD_INVALID, "huge pages are not allocated on demand");
	for (const xmlNode *page = node_child(pages, "page"); page; page = node_next(page))
		if (!node_attr(page, "nodeset") && everywhere++)
			return node_error(page, err, DD_INVALID,
				"another size before it is for all memory already");
	return 0;
}

static int check_disks(const struct document *document, struct dd_error *err)
{
	const xmlNode *first = at(document, "blkiotune/device");

	for (const xmlNode *node = first; node; node = node_next(node)) {
		const char *path = node_text(node_child(node, "path"));

		if (!path || !path[0])
			return node_error(node, err, DD_INVALID, "its <path> is missing");
		for (const xmlNode *other = first; other != node; other = node_next(other))
			if (strcmp(node_text(node_child(other, "path")), path) == 0)
				return node_error(node, err, DD_INVALID,
					"there is another before it for %s", path);
	}
	return 0;
}

static int check_events(const struct document *document, struct dd_error *err)
{
	return check_once(at(document, "perf/event"), "name", err);
}

int check_tuning(const struct document *document, struct dd_error *err)
{
	static int (*const checks[])(const struct document *document, struct dd_error *err) = {
		check_threads, check_pins, check_schedulers, check_resources, check_cells,
		check_memory, check_disks, check_events};
	int rc = 0;

	for (size_t i = 0; i < COUNT(checks) && !rc; i++)
		rc = checks[i](document, err);
	return rc;
}
