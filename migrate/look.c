/* SPDX-License-Identifier: Apache-2.0 */
/* What a migration would do: what it would ask for, asked of a destination that only looks. */
#include <domesday/migrate.h>
#include <string.h>

#include "domain/config.h"
#include "migrate/ask.h"
#include "migrate/departure.h"
#include "migrate/evidence.h"
#include "migrate/local.h"
#include "migrate/offer.h"
#include "migrate/wishes.h"
#include "qmp/migration.h"
#include "schema/alias.h"

struct looking {
	struct operation op;
	const struct dd_migrate_options *options;
	bool live;
	struct json *wishes;
	struct wished wished;
	struct channel *channel;
};

static void cleanup_looking(struct looking *looking)
{
	channel_close(looking->channel);
	json_free(looking->wishes);
	wished_release(&looking->wished);
	operation_end(&looking->op);
}

/* The definitions as they would be there. */
static int wish(struct looking *looking, struct dd_error *err)
{
	struct operation *op = &looking->op;
	CLEANUP(document) struct document *live = NULL;
	int rc = 0;

	looking->wishes = wishes_new(looking->options);
	if (!looking->wishes)
		return error_no_memory(err);
	if (looking->live)
		rc = document_copy(op->live, &live, err);
	if (!rc && live)
		rc = document_strip_place(live, err);
	return rc ? rc : wishes_grant(op, looking->wishes, live, NULL, &looking->wished, err);
}

static int begin(struct looking *looking, struct dd_host *host, const struct dd_change *change,
	struct dd_error *err)
{
	struct operation *op = &looking->op;
	enum dd_migration_mode mode = looking->options->mode;
	int rc =
		operation_begin(op, host, looking->options->domain, OPERATION_DRY_RUN, change, err);

	if (rc)
		return rc;
	if (op->row.owner)
		return error_set(err, DD_REFUSED, "domain '%s' is owned by the host '%s' now",
			op->row.name, op->row.owner);
	looking->live =
		mode == DD_MIGRATE_LIVE || (mode == DD_MIGRATE_AUTO && operation_running(op));
	return outgoing_mode_check(op, looking->live, err);
}

#define ENOUGH 1

/* The pack itself is of no interest. */
static int pack_stop(const void *data, size_t size, void *context)
{
	(void)data;
	(void)size;
	(void)context;
	return ENOUGH;
}

/* Does it go on from what the destination has of it? */
static int history_check(struct looking *looking, struct dd_error *err)
{
	struct operation *op = &looking->op;
	struct parcel_heads heads;
	char id[MIGRATION_ID_SIZE];
	CLEANUP(json) struct json *has = NULL;
	const char *have;
	int rc;

	migration_id_draw(id);
	rc = peer_call(looking->channel, looking->options->peer,
		ask_request("have", id, op->row.uuid), PEER_ANSWER_MS, &has, err);
	have = rc ? NULL : json_get_string(has, "head");
	if (rc || !have || !*have)
		return rc;
	rc = book_parcel_write(op->host->book, op->row.uuid, have, &heads, pack_stop, NULL, err);
	return rc == ENOUGH ? 0 : rc;
}

/* What its CPU was when it was made, and what this host's has. */
static void cpu_tell(const struct looking *looking, struct json *request)
{
	const struct operation *op = &looking->op;
	const struct accelerator *accelerator;
	const struct capabilities *caps = NULL;

	/* a guest runs on where its QEMU's program has gone: the other host's is what counts */
	if (host_capabilities(op->host, op->live, &caps, NULL))
		return;
	accelerator = capabilities_accelerator(caps, node_attr(document_root(op->live), "type"));
	if (op->cpu_text.size)
		json_put_string(request, "cpu", text_string(&op->cpu_text));
	if (accelerator && accelerator->host.name)
		json_put_string(request, "cpu_features", accelerator->host.features);
}

static int request_new(struct looking *looking, struct json **out, struct dd_error *err)
{
	struct operation *op = &looking->op;
	const struct wished *wished = &looking->wished;
	char id[MIGRATION_ID_SIZE];
	CLEANUP(json) struct json *request = NULL;
	struct json *disks = NULL;
	int rc = evidence_tell(looking->live ? op->live : op->config,
		looking->live ? op->guest : NULL, false, &disks, err);

	migration_id_draw(id);
	request = ask_request("look", id, op->row.uuid);
	json_put(request, "disks", disks);
	json_put(request, "wishes", TAKE(looking->wishes));
	json_put_bool(request, "live", looking->live);
	if (!rc && looking->live)
		cpu_tell(looking, request);
	if (!rc)
		rc = detail_put_document(
			request, "definition", wished->live ? wished->live : wished->config, err);
	if (!rc)
		*out = TAKE(request);
	return rc;
}

static int tell(const struct json *disks, dd_migrate_disk_fn fn, void *context,
	struct dd_migrate_outlook *result)
{
	int rc = 0;

	result->possible = true;
	for (size_t i = 0; !rc && i < json_count(disks); i++) {
		const struct json *disk = json_at(disks, i);
		const char *target = json_get_string(disk, "target");
		const char *path = json_get_string(disk, "path");
		const char *verdict = json_get_string(disk, "verdict");
		const char *why = json_get_string(disk, "why");
		const char *hint = json_get_string(disk, "hint");
		const struct dd_migrate_disk told = {target, path, verdict, why, hint ? hint : ""};

		if (!target || !path || !verdict || !why)
			continue;
		result->possible &= strcmp(verdict, "refused") != 0;
		result->bytes += json_get_unsigned(disk, "bytes", 0);
		rc = fn ? fn(&told, context) : 0;
	}
	return rc;
}

/* Whoever only looks need not say why yet. */
static void warn_reason(const struct looking *looking, const struct json *answer)
{
	const struct operation *op = &looking->op;
	bool wanted = false;

	if (op->reason)
		return;
	(void)config_switch(op->host, CONFIG_REQUIRE_REASON, &wanted, NULL);
	if (wanted || json_get_bool(answer, "wants_reason", false))
		host_warn(op->host,
			"without a reason it is refused: the book of the host '%s' "
			"wants one (--reason TEXT)",
			wanted ? book_host_name(op->host->book) : looking->options->peer);
}

int dd_migrate_look(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migrate_disk_fn disk, void *context,
	struct dd_migrate_outlook *result, struct dd_error *err)
{
	CLEANUP(looking) struct looking looking = {.op = OPERATION_INIT, .options = options};
	CLEANUP(json) struct json *answer = NULL;
	struct dd_migrate_outlook found = {.live = false};
	struct json *request = NULL;
	int rc;

	if (options->mode == DD_MIGRATE_LOCAL)
		return local_look(host, options, change, disk, context, result, err);
	rc = departure_check(host, options, err);
	if (!rc)
		rc = begin(&looking, host, change, err);
	if (!rc)
		rc = wish(&looking, err);
	if (!rc)
		rc = peer_connect(host, options->peer, NULL, 0, &looking.channel, err);
	if (!rc)
		rc = history_check(&looking, err);
	if (!rc)
		rc = request_new(&looking, &request, err);
	if (!rc)
		rc = peer_call(
			looking.channel, options->peer, request, PEER_ANSWER_MS, &answer, err);
	if (rc)
		return rc;
	found.live = looking.live;
	found.hook = json_get_string(answer, "hook") != NULL;
	if (looking.live)
		rc = guest_emulated(looking.op.guest, &found.one_pass, err);
	if (rc)
		return rc;
	departure_warn(&looking.op, looking.live, options);
	departure_warn_disks(&looking.op, looking.live, json_get(answer, "disks"));
	warn_reason(&looking, answer);
	rc = tell(json_get(answer, "disks"), disk, context, &found);
	if (!rc && result)
		*result = found;
	return rc;
}
