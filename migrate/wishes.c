/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/wishes.h"

#include <stdlib.h>
#include <string.h>

#include "domain/config.h"
#include "domain/existing.h"
#include "domain/secret.h"
#include "schema/alias.h"
#include "schema/edit.h"
#include "schema/plan.h"
#include "schema/retarget.h"

void wished_release(struct wished *wished)
{
	document_free(wished->config);
	document_free(wished->live);
	*wished = (struct wished){.config = NULL};
}

struct json *wishes_new(const struct dd_migrate_options *options)
{
	struct json *out = json_object();
	struct json *maps = json_array();

	if (options->name)
		json_put_string(out, "name", options->name);
	if (options->xml)
		json_put_string(out, "xml", options->xml);
	if (options->persistent_xml)
		json_put_string(out, "persistent_xml", options->persistent_xml);
	for (const char *const *map = options->maps; map && *map; map++)
		json_push(maps, json_string(*map));
	json_put(out, "maps", maps);
	if (options->postcopy)
		json_put_bool(out, "postcopy", true);
	if (options->transport == DD_TRANSPORT_TLS)
		json_put_string(out, "transport", "tls");
	json_put_bool(out, "paused", options->paused);
	json_put_bool(out, "copy_storage", options->copy_storage);
	json_put_bool(out, "overwrite_storage", options->overwrite_storage);
	json_put_bool(out, "unsafe", options->unsafe);
	return out;
}

/* ---- names of the destination ---- */

static int maps_apply(const char *const *maps, size_t count, struct wished *wished, bool *found,
	struct dd_error *err)
{
	int rc = document_retarget(wished->config, maps, count, found, err);

	if (!rc && wished->live)
		rc = document_retarget(wished->live, maps, count, found, err);
	if (rc)
		return error_wrap(err, "--map");
	for (size_t i = 0; !rc && i < count; i++)
		if (!found[i]) {
			error_set(err, DD_INVALID, "--map %s fits nothing in the definition%s",
				maps[i], i ? " that no --map before it fits" : "");
			rc = error_hint(err, "see: domesday dumpxml NAME");
		}
	return rc;
}

static int maps_grant(const struct json *wishes, struct wished *wished, struct dd_error *err)
{
	size_t count = json_count(wishes);
	CLEANUP(free) const char **maps = calloc(count + 1, sizeof *maps);
	CLEANUP(free) bool *found = calloc(count + 1, sizeof *found);

	if (!maps || !found)
		return error_no_memory(err);
	if (count > WISHES_MAPS_MAX)
		return error_set(err, DD_INVALID, "%zu --map are too many: %d at most", count,
			WISHES_MAPS_MAX);
	for (size_t i = 0; i < count; i++) {
		maps[i] = json_as_string(json_at(wishes, i));
		if (!maps[i])
			return error_set(err, DD_INVALID, "a --map is no text");
	}
	return maps_apply(maps, count, wished, found, err);
}

/* ---- whole definitions ---- */

/* It is of the domain that goes, under its name here or (NULL: it has the same) there. */
static int same_check(struct document *given, const char *there, const struct domain_row *row,
	struct dd_error *err)
{
	int rc = there && strcmp(document_name(given), there) == 0
			 ? edit_rename(given, row->name, err)
			 : 0;

	if (rc)
		return rc;
	if (strcmp(document_name(given), row->name) == 0)
		return existing_check(given, row, err);
	error_set(err, DD_INVALID, "it is of a domain '%s', and not of '%s'", document_name(given),
		row->name);
	return error_hint(err, "for another name there: --dname %s", document_name(given));
}

/*
 * The QEMU that it is to have: at the source, which only looks, there may be none there, as there
 * may be none where the source has its own at the destination.
 */
static int qemu_find(struct dd_host *host, const struct document *given,
	const struct document *document, const struct capabilities **out, struct dd_error *err)
{
	return document_emulator(given) && host_capabilities(host, given, out, NULL) == 0
		       ? 0
		       : host_capabilities(host, document, out, err);
}

/* *document becomes what the text makes of it, by edits. there: see same_check(). */
static int text_grant(struct operation *op, const char *xml, const char *option, const char *there,
	struct document **document, struct dd_error *err)
{
	struct freeze_options options = {.keep_host_model = true};
	CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
	CLEANUP(document) struct document *given = NULL;
	int rc = host_read_definition(op->host, xml, strlen(xml), option, &given, err);

	if (!rc && !document_name(given))
		rc = node_error(document_root(given), err, DD_INVALID, "there is no <name>");
	if (!rc)
		rc = secrets_check(given, err);
	if (!rc)
		rc = same_check(given, there, &op->row, err);
	if (!rc)
		rc = secret_seal(op, given, err);
	if (!rc)
		rc = secret_keep(given, op->config, err);
	if (!rc)
		rc = qemu_find(op->host, given, *document, &options.capabilities, err);
	if (!rc)
		rc = edit_plan_make(&plan, TAKE(given), *document, false, &options, err);
	if (rc)
		return error_wrap(err, "%s", option);
	document_free(*document);
	*document = TAKE(plan.after);
	return 0;
}

/* What the destination's own program makes of it; it is shown no passwords. */
static int hook_grant(struct operation *op, const struct hook *hook, struct document **document,
	struct dd_error *err)
{
	CLEANUP(text) struct text answer = TEXT_INIT;
	CLEANUP(free) char *name = NULL;
	int rc = hook ? hook_ask(op->host, hook, *document, &answer, err) : 0;

	if (rc || !answer.size)
		return rc;
	rc = string_format(
		&name, err, CONFIG_MIGRATE_HOOK " of %s", book_host_name(op->host->book));
	return rc ? rc : text_grant(op, text_string(&answer), name, NULL, document, err);
}

/* Nothing that the guest sees. */
static int live_grant(struct operation *op, const struct json *wishes, const struct document *live,
	const struct hook *hook, struct wished *wished, struct dd_error *err)
{
	const char *xml = json_get_string(wishes, "xml");
	int rc = xml ? text_grant(op, xml, "--xml", json_get_string(wishes, "name"), &wished->live,
			       err)
		     : 0;

	if (!rc)
		rc = hook_grant(op, hook, &wished->live, err);
	if (!rc)
		rc = document_assign_aliases(wished->live, err);
	return rc ? rc : abi_check(live, wished->live, err);
}

/* What is recorded follows what runs, so that no start falls back to what the source alone had. */
static int config_follow(struct wished *wished, struct dd_error *err)
{
	struct document *config = NULL;
	int rc = document_copy(wished->live, &config, err);

	if (rc)
		return rc;
	document_free(wished->config);
	wished->config = config;
	return document_strip_runtime(config, err);
}

static int config_grant(struct operation *op, const struct json *wishes, struct wished *wished,
	struct dd_error *err)
{
	const char *xml = json_get_string(wishes, "persistent_xml");
	const char *option = "--persistent-xml";

	if (!xml && !wished->live) {
		xml = json_get_string(wishes, "xml");
		option = "--xml";
	}
	return xml ? text_grant(
			     op, xml, option, json_get_string(wishes, "name"), &wished->config, err)
		   : 0;
}

static int rename_both(struct wished *wished, const char *name, struct dd_error *err)
{
	int rc = name ? edit_rename(wished->config, name, err) : 0;

	return rc || !name || !wished->live ? rc : edit_rename(wished->live, name, err);
}

int wishes_grant(struct operation *op, const struct json *wishes, const struct document *live,
	const struct hook *hook, struct wished *out, struct dd_error *err)
{
	CLEANUP(wished) struct wished wished = {.config = NULL};
	int rc = document_copy(op->config, &wished.config, err);

	if (!rc && live)
		rc = document_copy(live, &wished.live, err);
	if (!rc)
		rc = maps_grant(json_get(wishes, "maps"), &wished, err);
	if (!rc && live)
		rc = live_grant(op, wishes, live, hook, &wished, err);
	if (!rc && live && !json_get_string(wishes, "persistent_xml"))
		rc = config_follow(&wished, err);
	if (!rc)
		rc = config_grant(op, wishes, &wished, err);
	if (!rc && !live)
		rc = hook_grant(op, hook, &wished.config, err);
	if (!rc)
		rc = rename_both(&wished, json_get_string(wishes, "name"), err);
	if (rc)
		return rc;
	*out = wished;
	wished = (struct wished){.config = NULL};
	return 0;
}
