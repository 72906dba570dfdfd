/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/departure.h"

#include <stdlib.h>
#include <string.h>

#include "domain/existing.h"
#include "migrate/evidence.h"
#include "migrate/mirrors.h"
#include "migrate/progress.h"
#include "qmp/deadline.h"
#include "qmp/image.h"

/* ---- the phases ---- */

/* What was asked for of a guest, where there is none. */
static void warn_idle(const struct operation *op, const struct dd_migrate_options *options)
{
	const bool copies = options->copy_storage || options->overwrite_storage;
	const struct {
		bool given;
		const char *word;
	} idle[] = {
		{options->paused, "--paused"},
		{options->postcopy, "--postcopy"},
		{options->transport == DD_TRANSPORT_TLS, "--transport tls"},
		{options->bandwidth && !copies, "--bandwidth"},
		{options->timeout_suspends, "--timeout-suspend"},
		{options->xml && options->persistent_xml, "--xml"},
	};
	CLEANUP(text) struct text words = TEXT_INIT;

	for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
		if (idle[i].given)
			text_printf(&words, "%s%s", words.size ? ", " : "", idle[i].word);
	if (words.size)
		host_warn(op->host, "'%s' does not run, and so this makes no difference: %s",
			op->row.name, text_string(&words));
}

void departure_warn(const struct operation *op, bool live, const struct dd_migrate_options *options)
{
	if (!live)
		warn_idle(op, options);
	if (!live || !op->live_text.size || options->persistent_xml)
		return;
	host_warn(op->host,
		"'%s' will start there as it runs now: what waits here for its next start does not "
		"come along (see: domesday diff %s --pending)",
		op->row.name, op->row.name);
}

static bool is_copied(const struct json *disks, const char *target)
{
	for (size_t i = 0; target && i < json_count(disks); i++) {
		const char *name = json_get_string(json_at(disks, i), "target");
		const char *verdict = json_get_string(json_at(disks, i), "verdict");

		if (name && verdict && strcmp(name, target) == 0)
			return strcmp(verdict, "copy") == 0;
	}
	return false;
}

void departure_warn_disks(const struct operation *op, bool live, const struct json *disks)
{
	const xmlNode *disk = node_child(document_devices(live ? op->live : op->config), "disk");

	for (; disk; disk = node_next(disk)) {
		const char *path = disk_path(disk);
		const char *format = node_attr(node_child(disk, "driver"), "type");
		unsigned count = path && format ? image_snapshots(path, format) : 0;

		if (count && is_copied(disks, disk_target(disk)))
			host_warn(op->host,
				"disk %s: what the guest sees is copied, and the snapshots within "
				"%s (%u) are not",
				disk_target(disk), path, count);
	}
}

/* A domain that stays listed is called as it is there. */
static int kept_name_check(
	struct dd_host *host, const struct dd_migrate_options *options, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	const char *name = options->keep ? options->name : NULL;

	if (!name || book_find(host->book, name, &row, NULL) || row.state == STATE_GONE ||
		strcmp(options->domain, row.name) == 0 || strcmp(options->domain, row.uuid) == 0)
		return 0;
	error_set(err, DD_EXISTS,
		"this host has another domain '%s', and so cannot list one that is called so "
		"there",
		name);
	return error_hint(err, "choose another name, or leave out --keep");
}

int departure_check(
	struct dd_host *host, const struct dd_migrate_options *options, struct dd_error *err)
{
	if ((unsigned)options->mode > DD_MIGRATE_OFFLINE)
		return error_set(err, DD_INVALID,
			"to another host a domain goes as it is, live or offline, and by no mode "
			"%d",
			(int)options->mode);
	if (options->postcopy && options->transport == DD_TRANSPORT_TLS)
		return error_set(err, DD_INVALID,
			"post-copy goes by the relay, which can be made anew where it breaks");
	return kept_name_check(host, options, err);
}

int departure_begin(struct departure *departure, struct dd_host *host,
	const struct dd_migrate_options *options, const struct dd_change *change,
	struct dd_error *err)
{
	bool live = options->mode == DD_MIGRATE_LIVE;
	int rc = departure_check(host, options, err);

	if (rc)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &departure->began);
	departure->stream.bandwidth = options->bandwidth;
	departure->stream.postcopy = options->postcopy;
	departure->stream.tls = options->transport == DD_TRANSPORT_TLS;
	departure->stream.timeout_s = options->timeout_s;
	departure->stream.began = deadline_now();
	if (options->mode == DD_MIGRATE_AUTO) {
		CLEANUP(domain_row) struct domain_row row = {.name = NULL};

		rc = existing_named(host, options->domain, &row, err);
		if (rc)
			return rc;
		live = row.state == STATE_RUNNING;
	}
	departure->outgoing.keep = options->keep;
	departure->stream.timeout_suspends = live && options->timeout_suspends;
	rc = outgoing_begin(
		&departure->outgoing, host, options->domain, options->peer, live, change, err);
	if (rc)
		return rc;
	departure->paused = live && (options->paused || departure->outgoing.paused);
	departure_warn(&departure->outgoing.op, live, options);
	rc = progress_path(host, departure->outgoing.op.row.uuid, &departure->notice, err);
	departure->stream.notice = departure->notice;
	if (!rc && !live && (options->copy_storage || options->overwrite_storage))
		rc = outgoing_hold(&departure->outgoing, err);
	if (rc)
		(void)outgoing_give_up(&departure->outgoing, NULL);
	return rc;
}

/* The peer is reached where we reach it. */
static void screens_place(struct departure *departure, const struct json *screens)
{
	struct outgoing *outgoing = &departure->outgoing;
	struct address peer, screen;

	if (address_parse(outgoing->peer.address, &peer, NULL))
		return;
	departure->screen_type = screen_find(screens, NULL, peer.host, &screen);
	if (departure->screen_type)
		address_format(&screen, departure->screen);
	if (screen_find(screens, SCREEN_SPICE, peer.host, &screen))
		outgoing->spice = screen;
}

int departure_perform(struct departure *departure, const struct json *disks,
	const struct json *screens, struct dd_error *err)
{
	int rc = outgoing_prepared(&departure->outgoing, disks, err);

	screens_place(departure, screens);
	departure_warn_disks(&departure->outgoing.op, departure->outgoing.live, disks);
	if (!rc)
		rc = departure_tell(departure, "copy", err);
	return rc ? rc
		  : outgoing_perform(
			    &departure->outgoing, &departure->stream, &departure->counts, err);
}

void departure_end(struct departure *departure)
{
	outgoing_end(&departure->outgoing);
	free(TAKE(departure->notice));
}

/* ---- what is asked for, and told ---- */

static int64_t elapsed_ms(const struct departure *departure)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - departure->began.tv_sec) * 1000 +
	       (now.tv_nsec - departure->began.tv_nsec) / 1000000;
}

int departure_tell(struct departure *departure, const char *phase, struct dd_error *err)
{
	const struct dd_migration_progress told = {
		.phase = phase,
		.elapsed_ms = elapsed_ms(departure),
		.estimate_ms = -1,
		.screen = *departure->screen ? departure->screen : NULL,
		.screen_type = departure->screen_type,
	};

	return stream_tell(&departure->stream, &told, err);
}

struct json *departure_statistics(const struct departure *departure)
{
	struct json *out = json_object();

	json_put_number(out, "total_ms", elapsed_ms(departure));
	if (departure->counts.disks)
		json_put_number(out, "disks", (int64_t)departure->counts.disks);
	if (!departure->outgoing.live)
		return out;
	json_put_number(out, "sent", (int64_t)departure->counts.last.transferred);
	json_put_number(out, "downtime_ms", departure->counts.stopped_ms);
	json_put_number(out, "iterations", (int64_t)departure->counts.last.iterations);
	json_put_number(out, "throttle", departure->counts.last.throttle);
	if (departure->outgoing.tls)
		json_put_number(out, "tls", 1);
	if (departure->outgoing.postcopy)
		json_put_number(out, "postcopy", 1);
	return out;
}

static int stays(
	const struct departure *departure, const struct dd_error *failure, struct dd_error *err)
{
	if (departure->outgoing.ended)
		return outgoing_tell_ended(&departure->outgoing, err);
	error_set(err, failure->code ? failure->code : DD_REFUSED, "the domain '%s' stays here: %s",
		departure->outgoing.op.row.name,
		failure->code ? failure->message : "it could not be made to run there");
	return error_hint(err, "%s", failure->hint);
}

int departure_result(struct departure *departure, const struct dd_error *failure,
	struct dd_migrated *result, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	const struct outgoing *outgoing = &departure->outgoing;
	int rc = book_find(outgoing->op.host->book, outgoing->op.row.uuid, &row, err);

	if (rc)
		return rc;
	if (!row.owner)
		return stays(departure, failure, err);
	if (!result)
		return 0;
	*result = (struct dd_migrated){
		.version = row.version,
		.live = outgoing->live,
		.paused = departure->paused,
		.postcopy = outgoing->postcopy,
		.kept = row.state != STATE_GONE,
		.transport = !outgoing->live ? ""
			     : outgoing->tls ? "tls"
					     : "relay",
		.total_ms = elapsed_ms(departure),
		.downtime_ms = departure->counts.stopped_ms,
		.sent = departure->counts.last.transferred,
		.disks_sent = departure->counts.disks,
		.copied = mirrors_count(outgoing->disks),
	};
	memcpy(result->uuid, row.uuid, UUID_SIZE);
	memcpy(result->screen, departure->screen, sizeof result->screen);
	result->screen_type = departure->screen_type ? departure->screen_type : "";
	return 0;
}
