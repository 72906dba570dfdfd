/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory and how many vCPUs a domain has: at boot (maximum) and now. */

#include "domain/scope.h"
#include "schema/edit.h"

struct size {
	uint64_t amount;
	bool maximum;
	struct freeze_options options; /* of vCPUs: a machine type has room for so many */
};

static int edit_size_memory(struct document *document, const void *context, struct dd_error *err)
{
	const struct size *size = context;

	return edit_memory(document, size->amount, size->maximum, err);
}

static int edit_size_vcpus(struct document *document, const void *context, struct dd_error *err)
{
	const struct size *size = context;

	return edit_vcpus(document, (unsigned)size->amount, size->maximum, &size->options, err);
}

static uint64_t memory_now(const struct document *document)
{
	uint64_t kib = 0;

	if (!node_text_number(node_child(document_root(document), "currentMemory"), &kib))
		node_text_number(node_child(document_root(document), "memory"), &kib);
	return kib;
}

static uint64_t vcpus_now(const struct document *document)
{
	const xmlNode *vcpu = node_child(document_root(document), "vcpu");
	uint64_t count = 1;

	if (!node_attr_number(vcpu, "current", &count))
		node_text_number(vcpu, &count);
	return count;
}

static const struct quantity {
	const char *operation;
	const char *words;
	const char *unit;
	enum step_kind step;
	uint64_t (*now)(const struct document *document);
	int (*edit)(struct document *document, const void *context, struct dd_error *err);
} memory =
	{
		"set-memory",
		"memory",
		" KiB",
		STEP_MEMORY,
		memory_now,
		edit_size_memory,
},
  vcpus = {
	  "set-vcpus",
	  "vCPUs",
	  "",
	  STEP_VCPUS,
	  vcpus_now,
	  edit_size_vcpus,
};

static int check_maximum(
	const struct operation *op, const struct scope *scope, struct dd_error *err)
{
	if (!scope->live)
		return 0;
	error_set(err, DD_REFUSED, "the maximum of domain '%s' cannot change while it runs",
		op->row.name);
	return error_hint(err, "with --config it holds from the next start");
}

static int size_plan(struct transition *transition, const struct operation *op,
	const struct quantity *quantity, const struct size *size, const struct scope *scope,
	struct dd_error *err)
{
	int rc = scope_edit(transition, scope, quantity->edit, size, err);

	if (!rc && scope->live)
		rc = transition_step(transition, quantity->step, NULL, quantity->now(op->live),
			size->amount, err);
	return rc;
}

static int size_subject(struct transition *transition, const struct quantity *quantity,
	const struct size *size, struct dd_error *err)
{
	return string_format(&transition->subject, err, "set %s%s to %llu%s",
		size->maximum ? "maximum " : "", quantity->words, (unsigned long long)size->amount,
		quantity->unit);
}

static int size_set(struct dd_host *host, const char *domain, const struct quantity *quantity,
	struct size *size, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(transition) struct transition transition = {.steps = NULL};
	struct scope scope = {.config = false};
	int rc = operation_begin(&op, host, domain, quantity->operation, change, err);

	if (!rc)
		rc = scope_of(&op, change, &scope, err);
	if (!rc && size->maximum)
		rc = check_maximum(&op, &scope, err);
	if (!rc)
		rc = transition_init(&transition, &op, err);
	if (!rc && quantity == &vcpus)
		rc = host_capabilities(host, op.config, &size->options.capabilities, err);
	if (!rc)
		rc = size_plan(&transition, &op, quantity, size, &scope, err);
	if (!rc)
		rc = size_subject(&transition, quantity, size, err);
	return rc ? rc : transition_run(&transition, &op, result, err);
}

int dd_set_memory(struct dd_host *host, const char *domain, uint64_t kib, bool maximum,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	struct size size = {.amount = kib, .maximum = maximum};

	return size_set(host, domain, &memory, &size, change, result, err);
}

int dd_set_vcpus(struct dd_host *host, const char *domain, unsigned count, bool maximum,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	struct size size = {.amount = count, .maximum = maximum};

	return size_set(host, domain, &vcpus, &size, change, result, err);
}
