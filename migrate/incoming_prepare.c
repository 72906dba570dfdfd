/* SPDX-License-Identifier: Apache-2.0 */
/* A place for what was offered, with a QEMU that waits for its guest, up to where it can land.
 */
#include "migrate/incoming_internal.h"

#include <stdlib.h>
#include <string.h>

#include "domain/cpu_seen.h"
#include "domain/crash.h"
#include "domain/existing.h"
#include "domain/secret.h"
#include "migrate/images.h"
#include "migrate/mark.h"
#include "migrate/screen.h"
#include "migrate/wishes.h"
#include "qmp/carrier.h"
#include "qmp/device/chardev.h"
#include "qmp/migration.h"
#include "qmp/port.h"
#include "qmp/tap.h"
#include "qmp/viewers.h"
#include "schema/alias.h"

void berth_free(struct berth *berth)
{
	if (!berth)
		return;
	operation_end(&berth->op);
	json_free(berth->detail);
	document_free(berth->live);
	free(berth);
}
static int live_read(const struct operation *op, const struct json *offer, struct document **out,
	struct dd_error *err)
{
	CLEANUP(document) struct document *live = NULL;
	int rc = detail_get_document(offer, "running", &live, err);

	if (!rc)
		rc = document_strip_place(live, err);
	if (!rc)
		rc = document_read_vacated(
			live, text_string(&op->vacated_text), op->vacated_text.size, err);
	if (!rc)
		*out = TAKE(live);
	return rc;
}

/* Nothing may have come between. */
static int offer_still(const struct incoming *incoming, struct dd_error *err)
{
	CLEANUP(json) struct json *offer = NULL;
	int rc = incoming_offer_read(incoming->host, incoming->uuid, &offer, err);
	const char *id = json_get_string(offer, "id");

	if (!rc && (!id || strcmp(id, incoming->id) != 0))
		rc = error_set(
			err, DD_CONFLICT, "another migration of the domain was offered since");
	return rc;
}

int incoming_name_check(
	struct dd_host *host, const char *uuid, const struct document *config, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row other = {.name = NULL};
	struct dd_error reason = {0};
	int rc = book_find(host->book, document_name(config), &other, &reason);

	if (rc == DD_NOT_FOUND || (!rc && strcmp(other.uuid, uuid) == 0))
		return existing_coming_check(host, uuid, document_name(config), err);
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	error_set(err, DD_EXISTS, "another domain is called '%s' on the host '%s': %s",
		document_name(config), book_host_name(host->book), other.uuid);
	return error_hint(err, "give it another name there: --dname NAME");
}

int incoming_own_check(struct dd_host *host, const char *uuid, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_error reason = {0};
	int rc = book_find(host->book, uuid, &row, &reason);

	if (rc == DD_NOT_FOUND || (!rc && row.owner))
		return 0;
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	return error_set(err, DD_EXISTS, "the domain '%s' is the host '%s''s own", row.name,
		book_host_name(host->book));
}

/* The row as it will be; wished is what the domain is to be here. */
static int row_make(struct operation *op, const struct incoming *incoming,
	const struct wished *wished, struct json **out, struct dd_error *err)
{
	CLEANUP(json)
	struct json *detail =
		migration_detail(op, incoming->id, incoming->peer, false, wished->live != NULL);
	CLEANUP(text) struct text vacated = TEXT_INIT;
	int rc = document_write_vacated(wished->config, &vacated, err);

	if (!rc)
		rc = mark_put_boot(detail, err);
	json_put_string(detail, "token_hash", json_get_string(incoming->offer, "token_hash"));
	json_put_string(detail, "vacated", text_string(&vacated));
	json_put_string(detail, DETAIL_NAME, document_name(wished->config));
	json_put_bool(detail, "paused", op->paused);
	if (!rc)
		rc = detail_put_document(detail, "config", wished->config, err);
	if (!rc && wished->live)
		rc = detail_put_document(detail, "running", wished->live, err);
	if (!rc)
		rc = migration_row_write(op, detail, destination_word(DESTINATION_PREPARED), err);
	if (!rc)
		*out = TAKE(detail);
	return rc;
}

static bool wants_door(const struct json *wishes)
{
	const char *transport = json_get_string(wishes, "transport");

	return transport && strcmp(transport, "tls") == 0;
}

/* QEMU listens once in its life. */
static int listen(struct operation *op, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *uri = NULL;
	int rc = incoming_stream_path(op->host, op->row.uuid, &path, err);

	if (!rc)
		rc = string_format(&uri, err, "unix:%s", path);
	return rc ? rc : guest_migrate_receive_at(op->guest, uri, err);
}

/* The QEMU that waits, connected, by what is at hand, or by *own, which is the caller's. */
static int waiting(struct incoming *incoming, struct landing **own, struct operation **op,
	struct dd_error *err)
{
	int rc = incoming->landing ? 0 : landing_new(incoming, NULL, NULL, own, err);

	if (rc)
		return rc;
	*op = landing_operation(*own ? *own : incoming->landing);
	return operation_connect(*op, err);
}

int incoming_viewers(struct incoming *incoming, unsigned *count, struct dd_error *err)
{
	CLEANUP(landing) struct landing *own = NULL;
	struct operation *op;
	int rc = waiting(incoming, &own, &op, err);

	return rc ? rc : guest_viewers_count(op->guest, count, err);
}

int incoming_door(struct incoming *incoming, const unsigned char *key, int fd, bool *open,
	struct dd_error *err)
{
	static const struct migration_parameters sealed = {.tls = true}, plain = {.tls = false};
	CLEANUP(landing) struct landing *own = NULL;
	struct operation *op;
	int rc = waiting(incoming, &own, &op, err);

	if (rc)
		return rc;
	*open = fd >= 0 && guest_migration_set_key(op->guest, false, key, NULL) == 0 &&
		guest_migration_prepare(op->guest, false, &sealed, NULL) == 0 &&
		guest_migrate_receive(op->guest, fd, NULL) == 0;
	if (*open)
		return 0;
	rc = guest_migration_prepare(op->guest, false, &plain, err);
	if (!rc)
		rc = guest_migration_forget_key(op->guest, err);
	return rc ? rc : listen(op, err);
}

static int qemu_start(struct operation *op, struct document *live, const struct json *wishes,
	struct dd_error *err)
{
	const struct migration_parameters parameters = {
		.postcopy = json_get_bool(wishes, "postcopy", false)};
	const struct capabilities *caps = NULL;
	CLEANUP(document) struct document *revealed = NULL;
	int rc = host_capabilities(op->host, live, &caps, err);

	if (!rc)
		rc = secret_reveal(op->host, op->row.uuid, live, &revealed, err);
	if (!rc)
		mark_remove(op->folder); /* of an earlier one */
	if (!rc)
		rc = guest_start_incoming(op->folder, revealed, caps, NULL, &op->guest, err);
	CRASH_POINT("incoming:spawned");
	if (!rc)
		rc = guest_migration_prepare(op->guest, false, &parameters, err);
	if (!rc && !wants_door(wishes))
		rc = listen(op, err);
	return rc ? rc : guest_fill_runtime(op->guest, live, err);
}

static int cpu_check(struct operation *op, const struct document *live,
	const struct capabilities *caps, struct dd_error *err)
{
	int rc = cpu_seen_check(op, live, caps, false, err);

	if (rc != DD_REFUSED)
		return rc;
	error_wrap(err, "on the host '%s'", book_host_name(op->host->book));
	return error_hint(err,
		"what runs keeps its CPU; once it is shut down, that one is given to it there by: "
		"domesday start --accept-cpu %s",
		op->row.name);
}

/* A guest's, which its QEMU would look for as soon as it starts. */
static int bridges_check(const struct document *live, struct dd_error *err)
{
	for (const xmlNode *nic = node_child(document_devices(live), "interface"); nic;
		nic = node_next(nic)) {
		const char *bridge = node_attr(node_child(nic, "source"), "bridge");

		if (node_attr_is(nic, "type", "bridge") && bridge && tap_check_bridge(bridge, err))
			return error_hint(
				err, "where it is called otherwise there: --map bridge:FROM=TO");
	}
	return 0;
}

/* A guest's, at which its QEMU would listen as soon as it starts. */
static int ports_check(const struct document *live, struct dd_error *err)
{
	for (const xmlNode *device = node_first(document_devices(live)); device;
		device = node_after(device)) {
		const xmlNode *source = node_child(device, "source");
		uint64_t port = 0;

		if (!node_attr_is(device, "type", "tcp") || !chardev_listens(device) ||
			!node_attr(source, "host") || !node_attr_number(source, "service", &port) ||
			!port_check(node_attr(source, "host"), (unsigned)port, err))
			continue;
		error_wrap(err, "its %s", (const char *)device->name);
		return error_hint(err, "where it is to listen otherwise there: --xml FILE");
	}
	return 0;
}

int incoming_place_check(
	struct operation *op, const struct document *live, const char *from, struct dd_error *err)
{
	const struct capabilities *caps = NULL;
	int rc = host_capabilities(op->host, live, &caps, err);

	if (!rc)
		rc = cpu_check(op, live, caps, err);
	if (!rc && !from)
		rc = bridges_check(live, err);
	if (!rc && !from)
		rc = screens_check(live, err);
	if (!rc && !from)
		rc = ports_check(live, err);
	return rc ? rc : guest_check_beside(live, caps, from, err);
}

/* In the place of a guest: a QEMU that has open what is to be copied to. */
static int carrier_begin(struct operation *op, const struct document *config,
	const struct capabilities *caps, const struct storage *storage, struct dd_error *err)
{
	int rc = carrier_start(op->folder, config, caps, &op->guest, err);

	CRASH_POINT("incoming:spawned");
	for (size_t i = 0; !rc && i < storage->count; i++)
		if (storage->disks[i].verdict == STORAGE_COPY)
			rc = carrier_open(op->guest, storage->disks[i].element, err);
	return rc;
}

/* A QEMU waits for the guest, or, where there is none (live is NULL), for disks alone. */
static int prepare_waiting(struct operation *op, struct json *detail, struct document *live,
	const struct document *config, struct storage *storage, const struct json *wishes,
	struct dd_error *err)
{
	const struct capabilities *caps = NULL;
	int rc = images_plan(detail, storage)
			 ? host_capabilities(op->host, live ? live : config, &caps, err)
			 : error_no_memory(err);

	json_put_bool(detail, ROW_COPIES, !live);
	if (!rc)
		rc = detail_open(op, detail, NULL, live, err);
	CRASH_POINT("incoming:journal");
	if (!rc)
		rc = images_make(op, detail, storage, caps->emulator, err);
	if (!rc)
		rc = live ? qemu_start(op, live, wishes, err)
			  : carrier_begin(op, config, caps, storage, err);
	if (!rc)
		rc = storage_settle(storage, op->guest, err);
	if (!rc)
		json_put_bool(detail, "offers", storage->offered);
	return rc;
}

/* Of a domain that does not run its firmware's variables may come along. */
static int prepare_offline(struct operation *op, struct json *detail, const struct storage *storage,
	struct dd_error *err)
{
	int rc = images_plan(detail, storage) ? 0 : error_no_memory(err);

	if (!rc)
		rc = detail_open(op, detail, NULL, NULL, err);
	return rc || !images_needed(storage) ? rc : images_make(op, detail, storage, NULL, err);
}

/*
 * What is refused by what can be seen is so before anything is begun. storage points into the live
 * definition; where there is no guest, into *named, which has the names that a QEMU needs.
 */
static int storage_check(const struct incoming *incoming, const struct json *wishes,
	const struct wished *wished, struct document **named, struct storage *storage,
	struct dd_error *err)
{
	int rc = wished->live ? 0 : document_copy(wished->config, named, err);

	if (!rc && !wished->live)
		rc = document_assign_aliases(*named, err);
	if (!rc)
		rc = storage_look(wished->live ? wished->live : *named,
			json_get(incoming->offer, "disks"), wishes, wished->live != NULL, storage,
			err);
	if (!rc && !wished->live)
		rc = storage_probe(storage, err);
	return rc ? rc : storage_refuse(storage, err);
}

static int prepare(struct berth *berth, struct incoming *incoming, const struct json *wishes,
	struct dd_error *err)
{
	struct operation *op = &berth->op;
	CLEANUP(wished) struct wished wished = {.config = NULL};
	CLEANUP(document) struct document *live = NULL;
	CLEANUP(document) struct document *named = NULL;
	CLEANUP(storage) struct storage storage = {.count = 0};
	const struct hook hook = {
		.name = json_get_string(wishes, "name"),
		.uuid = incoming->uuid,
		.from = incoming->peer,
		.live = json_get_bool(incoming->offer, "live", false),
	};
	int rc = operation_adopt(op, incoming->parcel, &incoming->taken, err);

	op->paused = json_get_bool(incoming->offer, "paused", false) ||
		     json_get_bool(wishes, "paused", false);
	if (!rc)
		rc = operation_refuse_stray(op, err);
	if (!rc && hook.live)
		rc = live_read(op, incoming->offer, &live, err);
	if (!rc)
		rc = wishes_grant(op, wishes, live, &hook, &wished, err);
	if (!rc)
		rc = incoming_name_check(op->host, op->row.uuid, wished.config, err);
	if (!rc && wished.live)
		rc = incoming_place_check(op, wished.live, NULL, err);
	if (!rc)
		rc = storage_check(incoming, wishes, &wished, &named, &storage, err);
	if (!rc)
		rc = row_make(op, incoming, &wished, &berth->detail, err);
	if (!rc)
		rc = offer_secrets_put(op->host->book, incoming->offer, err);
	if (!rc)
		rc = wished.live || storage_copies(&storage)
			     ? prepare_waiting(
				       op, berth->detail, wished.live, named, &storage, wishes, err)
			     : prepare_offline(op, berth->detail, &storage, err);
	if (rc)
		return rc;
	incoming->disks = storage_answer(&storage);
	if (wished.live)
		incoming->screens = screens_of(wished.live);
	berth->live = TAKE(wished.live);
	return 0;
}

/* Whatever there is of it goes, but for the row. */
void incoming_clear(struct operation *op)
{
	CLEANUP(json) struct json *offer = NULL;

	guest_free(TAKE(op->guest));
	(void)guest_destroy(op->folder, NULL);
	images_remove(op->host, op->row.uuid);
	incoming_file_remove(op->host, op->row.uuid, "stream.sock");
	incoming_file_remove(op->host, op->row.uuid, MIRROR_SOCKET);
	guest_migration_remove_key(op->folder);
	if (incoming_offer_read(op->host, op->row.uuid, &offer, NULL) == 0)
		(void)offer_secrets_drop(op->host->book, offer, NULL);
	incoming_file_remove(op->host, op->row.uuid, OFFER_FILE);
	(void)book_parcel_drop(op->host->book, op->row.uuid, NULL);
}

/* It cannot be here. */
static int leave(struct berth *berth, int rc)
{
	struct operation *op = &berth->op;

	incoming_clear(op);
	if (op->journal)
		(void)journal_undo(op->host->book, op->journal, NULL);
	op->journal = 0;
	return rc;
}

int incoming_prepare(struct incoming *incoming, const struct json *wishes, struct dd_error *err)
{
	CLEANUP(berth) struct berth *berth = calloc(1, sizeof *berth);
	int rc = berth ? incoming_begin(&berth->op, incoming, err) : error_no_memory(err);

	if (!rc)
		rc = offer_still(incoming, err);
	if (rc)
		return rc;
	rc = prepare(berth, incoming, wishes, err);
	CRASH_POINT("incoming:prepared");
	if (rc)
		return leave(berth, rc);
	incoming->berth = TAKE(berth);
	return 0;
}

/* What is known of the guest only since its QEMU was started. */
static int row_fill(struct berth *berth, struct dd_error *err)
{
	struct operation *op = &berth->op;
	int64_t id = 0;
	int rc = book_count(op->host->book, "domain-id", &id, err);

	if (!rc)
		rc = node_set_attr_format(document_root(berth->live), "id", err, "%d", (int)id);
	if (!rc)
		rc = detail_put_document(berth->detail, "running", berth->live, err);
	json_put_number(berth->detail, "domain_id", id);
	return rc ? rc
		  : migration_row_write(
			    op, berth->detail, destination_word(DESTINATION_PREPARED), err);
}

int incoming_land(struct incoming *incoming, struct dd_error *err)
{
	CLEANUP(berth) struct berth *berth = TAKE(incoming->berth);
	int rc;

	if (!berth)
		return 0;
	rc = berth->live ? row_fill(berth, err) : 0;
	CRASH_POINT("incoming:landed");
	if (rc)
		return leave(berth, rc);
	/* where it cannot be had now, it is looked for when it is needed */
	(void)landing_new(
		incoming, TAKE(berth->op.lock), TAKE(berth->op.guest), &incoming->landing, NULL);
	return 0;
}
