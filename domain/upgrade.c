/* SPDX-License-Identifier: Apache-2.0 */
/* An upgrade: the one way to change what a guest sees of its machine, as a version that says so. */

#include <string.h>

#include "domain/cpu_seen.h"
#include "domain/difference.h"
#include "domain/operation.h"
#include "schema/machine.h"
#include "schema/upgrade.h"

struct changes_told {
	dd_difference_fn tell;
	void *context;
	char **sentences; /* NULL-terminated */
	size_t count;
};

static void changes_told_release(struct changes_told *told)
{
	for (size_t i = 0; i < told->count; i++)
		free(told->sentences[i]);
	free(told->sentences);
}

static inline void cleanup_changes_told(struct changes_told *told)
{
	changes_told_release(told);
}

static int note_change(const struct dd_difference *difference, void *context)
{
	struct changes_told *told = context;
	char **more = reallocarray(told->sentences, told->count + 2, sizeof *more);

	if (!more)
		return DD_NO_MEMORY;
	told->sentences = more;
	more[told->count] = strdup(difference->sentence);
	if (!more[told->count])
		return DD_NO_MEMORY;
	more[++told->count] = NULL;
	return told->tell ? told->tell(difference, told->context) : 0;
}

/* The machine type by its version: an alias will mean another one day. */
static int subject_of(const struct dd_upgrade_to *upgrade, const struct document *after, char **out,
	struct dd_error *err)
{
	const char *machine = upgrade->machine ? machine_name(after) : NULL;

	if (machine && upgrade->cpu)
		return string_format(out, err, "upgrade to %s and CPU %s", machine, upgrade->cpu);
	return string_format(out, err, "upgrade to %s%s", upgrade->cpu ? "CPU " : "",
		upgrade->cpu ? upgrade->cpu : machine);
}

/* The record as it will be. */
static int upgrade_document(struct operation *op, const struct dd_upgrade_to *upgrade,
	struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *after = NULL;
	struct freeze_options options = {.keep_host_model = !upgrade->cpu};
	int rc = document_copy(op->config, &after, err);

	if (!rc)
		rc = host_capabilities(op->host, op->config, &options.capabilities, err);
	if (!rc && upgrade->machine)
		rc = upgrade_machine(after, upgrade->machine, options.capabilities, err);
	if (!rc && upgrade->cpu)
		rc = upgrade_cpu(after, upgrade->cpu, options.capabilities, err);
	/* what was asked for is in no file */
	if (rc && err)
		err->line = 0;
	if (!rc)
		rc = document_freeze(after, &options, err);
	if (!rc && upgrade->cpu)
		rc = cpu_seen_decide(op, after, options.capabilities, err);
	if (!rc)
		*out = TAKE(after);
	return rc;
}

int dd_upgrade(struct dd_host *host, const char *domain, const struct dd_upgrade_to *upgrade,
	const struct dd_change *change, dd_difference_fn difference, void *context,
	struct dd_result *result, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(document) struct document *after = NULL;
	CLEANUP(changes_told) struct changes_told told = {.tell = difference, .context = context};
	CLEANUP(free) char *subject = NULL;
	int rc;

	if ((!upgrade->machine && !upgrade->cpu) || (upgrade->machine && !*upgrade->machine) ||
		(upgrade->cpu && !*upgrade->cpu))
		return error_set(
			err, DD_INVALID, "an upgrade is to a machine type, a CPU, or both");
	rc = operation_begin(&op, host, domain, "upgrade", change, err);
	if (!rc)
		rc = operation_require_shut_off(&op, err);
	if (!rc)
		rc = upgrade_document(&op, upgrade, &after, err);
	if (!rc)
		rc = differences_tell(op.config, after, note_change, &told, NULL, err);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(err);
	if (!rc)
		rc = subject_of(upgrade, after, &subject, err);
	if (rc)
		return rc;

	struct outcome outcome = {
		.subject = subject,
		.config = after,
		.abi_changes = (const char *const *)told.sentences,
	};

	return operation_commit(&op, &outcome, result, err);
}
