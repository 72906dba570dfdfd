/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include <stdio.h>

static const char *const known[] = {
	"@model", "backend", "backend/@model", "rate/@bytes", "rate/@period", NULL};
static const struct property *const tables[] = {virtio_properties, NULL};

static int plan_backend(struct plan *plan, const xmlNode *rng, const char *id, struct dd_error *err)
{
	const xmlNode *backend = node_child(rng, "backend");
	struct json *args = plan_add(plan, STEP_OBJECT);
	const char *path = backend ? node_text(backend) : "";

	json_put_string(args, "id", id);
	if (node_attr_is(backend, "model", "builtin")) {
		json_put_string(args, "qom-type", "rng-builtin");
		return 0;
	}
	if (!node_attr_is(backend, "model", "random"))
		return node_error(rng, err, DD_UNSUPPORTED,
			"a random number source of model '%s' cannot be run yet",
			node_attr(backend, "model") ? node_attr(backend, "model") : "");
	json_put_string(args, "qom-type", "rng-random");
	json_put_string(args, "filename", path[0] ? path : "/dev/urandom");
	return 0;
}

static int plan_rng(struct plan *plan, const xmlNode *rng, struct dd_error *err)
{
	char driver[64];
	char id[160];
	uint64_t value = 0;
	int code = virtio_driver(rng, "virtio-rng-pci", driver, sizeof driver, err);

	snprintf(id, sizeof id, "obj%s", alias_of(rng));
	if (!code)
		code = plan_backend(plan, rng, id, err);
	if (code)
		return code;

	struct json *args = plan_add(plan, STEP_DEVICE);
	const xmlNode *rate = node_child(rng, "rate");

	code = put_driver(plan, rng, args, driver, err);
	if (code)
		return code;
	json_put_string(args, "rng", id);
	if (node_attr_number(rate, "bytes", &value)) {
		json_put(args, "max-bytes", json_unsigned(value));
		value = 1000;
		node_attr_number(rate, "period", &value);
		json_put(args, "period", json_unsigned(value));
	}
	code = put_properties(args, rng, virtio_properties, err);
	return code ? code : put_pci(plan, rng, args, err);
}

const struct device_row rng_row = {
	.element = "rng",
	.plan = plan_rng,
	.known = known,
	.properties = tables,
};
