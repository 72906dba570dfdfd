/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/plan.h"

#include "qmp/device/rows.h"

#include <string.h>

static const struct device_row *const rows[] = {
	&audio_row,
	&channel_row,
	&console_row,
	&controller_row,
	&disk_row,
	&emulator_row,
	&graphics_row,
	&hub_row,
	&input_row,
	&interface_row,
	&memballoon_row,
	&memory_row,
	&panic_row,
	&redirdev_row,
	&rng_row,
	&serial_row,
	&sound_row,
	&video_row,
	&watchdog_row,
};

const struct device_row *device_row(const xmlNode *device)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (node_is(device, rows[i]->element))
			return rows[i];
	return NULL;
}

void plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		json_free(plan->steps[i].args);
		free(plan->steps[i].tap);
		free(plan->steps[i].bridge);
		free(plan->steps[i].host);
	}
	free(plan->steps);
	plan->steps = NULL;
	plan->count = 0;
}

struct step *plan_last(struct plan *plan)
{
	return plan->count && !plan->failed ? &plan->steps[plan->count - 1] : NULL;
}

struct json *plan_add(struct plan *plan, enum step_kind kind)
{
	struct step *steps = plan->count < PLAN_STEP_MAX
				     ? realloc(plan->steps, (plan->count + 1) * sizeof *steps)
				     : NULL;

	if (!steps) {
		plan->failed = true;
		return NULL;
	}
	plan->steps = steps;
	memset(&steps[plan->count], 0, sizeof *steps);
	steps[plan->count].kind = kind;
	steps[plan->count].args = json_object();
	return steps[plan->count++].args;
}

void plan_argument(struct plan *plan, const char *option, const char *value)
{
	struct json *args = plan_add(plan, STEP_ARGUMENT);

	json_put_string(args, "option", option);
	if (value)
		json_put_string(args, "value", value);
}

int plan_finish(const struct plan *plan, struct dd_error *err)
{
	bool failed = plan->failed;

	for (size_t i = 0; i < plan->count; i++)
		failed = failed || json_failed(plan->steps[i].args);
	return failed ? error_no_memory(err) : 0;
}

int plan_device(struct plan *plan, const xmlNode *device, struct dd_error *err)
{
	const struct device_row *row = device ? device_row(device) : NULL;
	int code;

	if (!device)
		return error_set(err, DD_NOT_FOUND, "there is no such device");
	if (!row)
		return node_error(device, err, DD_UNSUPPORTED,
			"<%s> is kept, but a guest with it cannot be run yet",
			(const char *)device->name);
	code = vocabulary_check(device, row->known, row->properties, err);
	if (!code)
		code = row->plan(plan, device, err);
	return code ? code : plan_finish(plan, err);
}
