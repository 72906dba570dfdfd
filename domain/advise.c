/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice: what the QEMU installed here says of the machines in the book. Readers only; each domain
 * is looked at by itself, and one whose QEMU cannot be asked is advice too.
 */
#include <string.h>

#include "domain/cpu_seen.h"
#include "domain/record.h"
#include "schema/machine.h"

struct adviser {
	struct dd_host *host;
	const struct domain_row *row;
	dd_advice_fn tell;
	void *context;
	struct dd_error *err;
};

static int tell(struct adviser *adviser, const char *kind, const char *path, const char *value,
	const char *sentence, const char *command)
{
	return adviser->tell(
		&(struct dd_advice){
			.domain = adviser->row->name,
			.uuid = adviser->row->uuid,
			.running = adviser->row->state == STATE_RUNNING,
			.kind = kind,
			.path = path,
			.value = value,
			.sentence = sentence,
			.command = command,
		},
		adviser->context);
}

/* command: without the program, or NULL. */
static int advise(struct adviser *adviser, const char *kind, const char *path, const char *value,
	const char *command, const char *sentence, ...) PRINTF_LIKE(6, 7);

static int advise(struct adviser *adviser, const char *kind, const char *path, const char *value,
	const char *command, const char *sentence, ...)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	CLEANUP(text) struct text line = TEXT_INIT;
	va_list args;

	va_start(args, sentence);
	text_vprintf(&words, sentence, args);
	va_end(args);
	if (command)
		text_printf(&line, "domesday %s", command);
	if (text_failed(&words) || text_failed(&line))
		return error_no_memory(adviser->err);
	return tell(adviser, kind, path, value, text_string(&words),
		command ? text_string(&line) : NULL);
}

static int command_of(
	const struct adviser *adviser, const char *words, const char *value, char **out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-.:@+";
	const char *name = adviser->row->name;

	/* a UUID never needs quotes */
	if (name[0] == '-' || name[strspn(name, plain)])
		name = adviser->row->uuid;
	return string_format(
		out, adviser->err, "%s %s%s%s", words, name, value ? " " : "", value ? value : "");
}

static int advise_machine(
	struct adviser *adviser, const struct document *record, const struct capabilities *caps)
{
	const struct machine_type *type = machine_type_of(record, caps);
	const struct machine_type *newest =
		capabilities_machine(caps, machine_is_q35(record) ? "q35" : "pc");
	CLEANUP(free) char *value = NULL;
	CLEANUP(free) char *command = NULL;
	const char *name = machine_name(record);
	int rc;

	if (!name || (type && !type->deprecated))
		return 0;
	if (newest) {
		rc = string_format(&value, adviser->err, "--machine %s", newest->name);
		if (!rc)
			rc = command_of(adviser, "upgrade", value, &command);
		if (rc)
			return rc;
	}
	return advise(adviser, type ? "machine-deprecated" : "machine-gone",
		"/domain/os/type/@machine", name, command,
		type ? "machine type %s is deprecated in QEMU %s"
		     : "machine type %s is not in QEMU %s: it cannot start",
		name, caps->version);
}

static int advise_model(
	struct adviser *adviser, const xmlNode *cpu, const struct capabilities *caps)
{
	const char *name = node_text(node_child(cpu, "model"));
	const struct cpu_model *model = name && *name ? capabilities_cpu(caps, name) : NULL;
	CLEANUP(free) char *command = NULL;
	int rc;

	if (!name || !*name || (model && !model->deprecated))
		return 0;
	rc = command_of(adviser, "upgrade", "--cpu host-model", &command);
	if (rc)
		return rc;
	return advise(adviser, model ? "cpu-deprecated" : "cpu-gone", "/domain/cpu/model", name,
		command,
		model ? "CPU model %s is deprecated in QEMU %s"
		      : "CPU model %s is not in QEMU %s: it cannot start",
		name, caps->version);
}

static int advise_passed(struct adviser *adviser, const struct document *record,
	const struct capabilities *caps, const char *mode)
{
	CLEANUP(text) struct text recorded = TEXT_INIT;
	CLEANUP(text) struct text differences = TEXT_INIT;
	CLEANUP(free) char *command = NULL;
	int rc = record_read_text(
		adviser->host->book, adviser->row->uuid, 0, FILE_CPU, &recorded, adviser->err);

	if (rc)
		return rc;
	if (!recorded.size) {
		rc = command_of(adviser, "start", NULL, &command);
		return rc ? rc
			  : advise(adviser, "cpu-unrecorded", "/domain/cpu/@mode", mode, command,
				    "the CPU is passed on (%s) and none is recorded: the next "
				    "start records it",
				    mode);
	}
	rc = cpu_seen_compare(record, caps, &recorded, &differences, adviser->err);
	if (rc || !differences.size)
		return rc;
	rc = command_of(adviser, "start --accept-cpu", NULL, &command);
	return rc ? rc
		  : advise(adviser, "cpu-differs", "/domain/cpu/@mode", mode, command,
			    "the CPU here is not the recorded one: %s", text_string(&differences));
}

static int advise_cpu(
	struct adviser *adviser, const struct document *record, const struct capabilities *caps)
{
	const xmlNode *cpu = node_child(document_root(record), "cpu");
	const char *mode = node_attr(cpu, "mode");
	CLEANUP(free) char *command = NULL;
	int rc;

	if (cpu_is_passed(record))
		return advise_passed(adviser, record, caps, mode);
	if (!mode || strcmp(mode, "host-model") != 0)
		return advise_model(adviser, cpu, caps);
	rc = command_of(adviser, "upgrade", "--cpu host-model", &command);
	return rc ? rc
		  : advise(adviser, "cpu-floating", "/domain/cpu/@mode", mode, command,
			    "the CPU is not frozen: each start decides what host-model means");
}

static int advise_one(struct adviser *adviser)
{
	CLEANUP(document) struct document *record = NULL;
	const struct capabilities *caps = NULL;
	struct dd_error own = {.code = 0};
	int rc = record_read(adviser->host->book, adviser->row->uuid, 0, &record, adviser->err);

	if (rc)
		return rc;
	rc = host_capabilities(adviser->host, record, &caps, &own);
	if (rc == DD_NOT_FOUND || rc == DD_HYPERVISOR)
		return advise(adviser, "emulator", "/domain/devices/emulator",
			document_emulator(record), NULL, "%s: it cannot start", own.message);
	if (rc) {
		if (adviser->err)
			*adviser->err = own;
		return rc;
	}
	rc = advise_machine(adviser, record, caps);
	return rc ? rc : advise_cpu(adviser, record, caps);
}

/* The domains at one moment: a visit may not do what a probe does to the book. */
struct names {
	char (*uuids)[UUID_SIZE];
	size_t count;
};

static int collect(const struct domain_row *row, void *context)
{
	struct names *names = context;
	char(*more)[UUID_SIZE] = reallocarray(names->uuids, names->count + 1, sizeof *more);

	if (!more)
		return DD_NO_MEMORY;
	names->uuids = more;
	memcpy(more[names->count++], row->uuid, UUID_SIZE);
	return 0;
}

static int advise_named(struct adviser *adviser, const char *name)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = book_find(adviser->host->book, name, &row, adviser->err);

	if (rc)
		return rc;
	adviser->row = &row;
	return row.state == STATE_GONE ? 0 : advise_one(adviser);
}

int dd_advise(struct dd_host *host, const char *domain, dd_advice_fn visit, void *context,
	struct dd_error *err)
{
	struct adviser adviser = {.host = host, .tell = visit, .context = context, .err = err};
	struct names names = {.uuids = NULL};
	int rc;

	if (domain)
		return advise_named(&adviser, domain);
	rc = book_list(host->book, false, collect, &names, err);
	if (rc == DD_NO_MEMORY)
		error_no_memory(err);
	for (size_t i = 0; !rc && i < names.count; i++)
		rc = advise_named(&adviser, names.uuids[i]);
	free(names.uuids);
	return rc;
}
