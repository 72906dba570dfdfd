/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/argv.h"

#include <stdio.h>
#include <string.h>

/*
 * Everything that QEMU takes as JSON is given as JSON: a path or name can then hold any character.
 * What has no JSON form (QEMU 7.2: character devices, and the options for the machine as a whole)
 * is key=value, where only a comma has a meaning, and a doubled comma is a comma.
 */
void argv_escape(struct text *out, const char *value)
{
	for (; *value; value++) {
		text_putc(out, *value);
		if (*value == ',')
			text_putc(out, ',');
	}
}

static void put_key(struct text *out, const char *key, const char *value)
{
	if (!value)
		return;
	text_printf(out, ",%s=", key);
	argv_escape(out, value);
}

static void put_switch(struct text *out, const char *key, const struct json *data)
{
	if (json_get(data, key))
		text_printf(out, ",%s=%s", key, json_get_bool(data, key, false) ? "on" : "off");
}

static void put_socket(struct text *out, const struct json *data)
{
	const struct json *where = json_get(json_get(data, "addr"), "data");

	put_key(out, "path", json_get_string(where, "path"));
	put_key(out, "host", json_get_string(where, "host"));
	put_key(out, "port", json_get_string(where, "port"));
	put_switch(out, "server", data);
	put_switch(out, "wait", data);
	put_switch(out, "telnet", data);
}

static void render_chardev(const struct json *args, struct text *out)
{
	const struct json *backend = json_get(args, "backend");
	const struct json *data = json_get(backend, "data");

	text_puts(out, json_get_string(backend, "type"));
	put_key(out, "id", json_get_string(args, "id"));
	put_key(out, "path", json_get_string(data, "out"));
	put_key(out, "path", json_get_string(data, "device"));
	/* spicevmc, spiceport */
	put_key(out, "name", json_get_string(data, "type"));
	put_key(out, "name", json_get_string(data, "fqdn"));
	put_switch(out, "append", data);
	put_socket(out, data);
	put_key(out, "logfile", json_get_string(data, "logfile"));
	put_switch(out, "logappend", data);
}

static int render_step(const struct step *step, struct json *array, struct dd_error *err)
{
	static const char *const options[] = {
		[STEP_OBJECT] = "-object",
		[STEP_CHARDEV] = "-chardev",
		[STEP_BLOCKDEV] = "-blockdev",
		[STEP_NETDEV] = "-netdev",
		[STEP_DEVICE] = "-device",
	};
	CLEANUP(text) struct text value = TEXT_INIT;
	int code = 0;

	if (step->kind == STEP_ARGUMENT) {
		json_push(array, json_copy(json_get(step->args, "option")));
		if (json_get(step->args, "value"))
			json_push(array, json_copy(json_get(step->args, "value")));
		return 0;
	}
	if (step->kind == STEP_CHARDEV)
		render_chardev(step->args, &value);
	else
		code = json_write(step->args, &value, err);
	if (code)
		return code;
	json_push(array, json_string(options[step->kind]));
	json_push(array, text_failed(&value) ? NULL : json_string(text_string(&value)));
	return 0;
}

static void push_all(struct json *array, const char *const *words)
{
	for (; *words; words++)
		json_push(array, json_string(*words));
}

int argv_render(const struct plan *plan, int monitor, struct json **array, struct dd_error *err)
{
	static const char *const fixed[] = {"-S", "-no-user-config", "-nodefaults", "-display",
		"none", "-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-msg",
		"timestamp=on", NULL};
	CLEANUP(json) struct json *made = json_array();
	const char *emulator = document_emulator(plan->live);
	char chardev[96];

	json_push(made, json_string(emulator ? emulator : plan->caps->emulator));
	push_all(made, fixed);
	snprintf(chardev, sizeof chardev, "socket,id=monitor,fd=%d,server=on,wait=off", monitor);
	push_all(made, (const char *const[]){
			       "-chardev", chardev, "-mon", "chardev=monitor,mode=control", NULL});
	for (size_t i = 0; i < plan->count; i++) {
		int code = render_step(&plan->steps[i], made, err);

		if (code)
			return code;
	}
	if (json_failed(made))
		return error_no_memory(err);
	*array = TAKE(made);
	return 0;
}

/* The passes in which devices are planned: each needs at most what an earlier one has made. */
enum pass {
	PASS_PCI, /* by index, but each after the one that it hangs on */
	PASS_CONTROLLER,
	PASS_COMPANION,
	PASS_HUB,
	PASS_OTHER,
	PASS_COUNT,
};

static enum pass pass_of(const xmlNode *device)
{
	if (node_is(device, "hub"))
		return PASS_HUB;
	if (!node_is(device, "controller"))
		return PASS_OTHER;
	if (node_attr_is(device, "type", "pci"))
		return PASS_PCI;
	return node_child(device, "master") ? PASS_COMPANION : PASS_CONTROLLER;
}

#define PCI_INDEX_MAX 255

static int plan_pass(struct plan *plan, enum pass pass, struct dd_error *err)
{
	const xmlNode *device = node_first(document_devices(plan->live));
	int code = 0;

	for (; device && !code; device = node_after(device))
		if (pass_of(device) == pass)
			code = plan_device(plan, device, err);
	return code;
}

/* Plans the controller of that index and, before it, those on its way to the root. */
static int plan_bus(struct plan *plan, uint64_t index, bool *seen, struct dd_error *err)
{
	const xmlNode *controller =
		index <= PCI_INDEX_MAX ? find_controller(plan->live, "pci", index) : NULL;
	const xmlNode *address = node_child(controller, "address");
	uint64_t bus = 0;
	int code = 0;

	if (!controller || seen[index])
		return 0;
	seen[index] = true;
	if (node_attr_is(address, "type", "pci") && node_attr_number(address, "bus", &bus))
		code = plan_bus(plan, bus, seen, err);
	return code ? code : plan_device(plan, controller, err);
}

static int plan_pci(struct plan *plan, struct dd_error *err)
{
	bool seen[PCI_INDEX_MAX + 1] = {false};
	int code = 0;

	for (uint64_t index = 0; index <= PCI_INDEX_MAX && !code; index++)
		code = plan_bus(plan, index, seen, err);
	return code;
}

int plan_domain(struct plan *plan, struct dd_error *err)
{
	int code = plan_machine(plan, err);

	if (!code)
		code = plan_pci(plan, err);
	for (enum pass pass = PASS_PCI + 1; pass < PASS_COUNT && !code; pass++)
		code = plan_pass(plan, pass, err);
	return code ? code : plan_finish(plan, err);
}
