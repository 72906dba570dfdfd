/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	differences_release(&entry->differences);
	json_free(entry->json);
	free(entry->domain);
	free(entry->host);
	free(entry->epoch);
	free(entry->who);
	free(entry->what);
	free(entry->header);
	free(entry->xml);
	free(entry);
}
CLEANUP_DEFINE(entry, struct entry *, entry_free)

void history_release(struct history *history)
{
	for (size_t i = 0; i < history->count; i++)
		entry_free(history->entries[i]);
	free(history->entries);
}

/* ---- keeping ---- */

static void caller_header(const struct dd_caller *caller, struct text *out)
{
	if (caller->uid < 0)
		return;
	text_printf(
		out, "Caller:  uid %lld, known by %s", (long long)caller->uid, caller->known_by);
	if (caller->acting_uid != caller->uid)
		text_printf(out, ", acting as uid %lld", (long long)caller->acting_uid);
	text_printf(out, "\nProgram: %s\n", caller->program);
}

/* What follows "Key: " in one of its trailers; NULL: it has none of that key. */
static const char *trailer_of(const struct dd_version_info *info, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < info->trailer_count; i++)
		if (strncmp(info->trailers[i], key, length) == 0)
			return info->trailers[i] + length;
	return NULL;
}

static double trailer_number(const struct dd_version_info *info, const char *key)
{
	const char *value = trailer_of(info, key);

	return value ? strtod(value, NULL) : 0;
}

/* From which host it came, how, or upon which proof that that one was down. */
static void way_header(const struct dd_version_info *info, struct text *out)
{
	const char *from = trailer_of(info, "Taken-From: ");
	const char *fence = trailer_of(info, "Fence: ");
	const char *override = trailer_of(info, "Fence-Override: ");
	const char *mode = trailer_of(info, "Migration-Mode: ");
	double bytes = trailer_number(info, "Migration-Sent-Bytes: ") +
		       trailer_number(info, "Migration-Disk-Bytes: ");
	double ms = trailer_number(info, "Migration-Total-Ms: ");
	const char *still = trailer_of(info, "Migration-Downtime-Ms: ");

	if (from)
		text_printf(out, "From:    %s\n", from);
	if (fence || override)
		text_printf(out, "Proof:   %s%s\n",
			fence ? "" : "none but the word: ", fence ? fence : override);
	if (!mode)
		return;
	text_printf(out, "Moved:   %s", mode);
	if (bytes > 0)
		text_printf(out, ", %.0f MiB", bytes / MIB);
	if (ms > 0)
		text_printf(out, " in %.2f s", ms / 1000);
	if (still)
		text_printf(out, ", stood still for %s ms", still);
	text_puts(out, "\n");
}

void version_header(const struct cli *cli, const struct dd_version_info *info, struct text *out)
{
	char when[MOMENT_SIZE], authored[MOMENT_SIZE];

	moment_format(info->when, when);
	moment_format(info->authored, authored);
	text_printf(out, "%sversion %u%s of %s%s%s%s\n", colour(cli, COLOUR_YELLOW), info->number,
		colour(cli, COLOUR_NONE), info->domain, *info->tags ? " [" : "", info->tags,
		*info->tags ? "]" : "");
	text_printf(out, "Commit:  %s\nWhen:    %s", info->commit, when);
	if (info->authored != info->when)
		text_printf(out, " (imported; done %s)", authored);
	text_printf(out, "\nWho:     %s\n", info->author);
	caller_header(&info->caller, out);
	text_printf(out, "Host:    %s\n", info->committer);
	way_header(info, out);
	if (*info->reason)
		text_printf(out, "Reason:  %s\n", info->reason);
	text_printf(out, "\n    %s\n\n", info->subject);
}

static int copy_trailer(char **out, const struct dd_version_info *info, const char *key)
{
	const char *value = trailer_of(info, key);

	return string_copy(out, value ? value : "", NULL);
}

static int entry_fill(
	struct entry *entry, const struct cli *cli, const struct dd_version_info *info)
{
	CLEANUP(text) struct text header = TEXT_INIT;
	bool reason = *info->reason, tags = *info->tags;
	int rc = string_copy(&entry->domain, info->domain, NULL);

	entry->number = info->number;
	entry->when = info->when;
	memcpy(entry->uuid, info->uuid, sizeof entry->uuid);
	differences_init(&entry->differences, cli);
	if (cli->json) {
		entry->json = version_json(info);
		return rc;
	}
	version_header(cli, info, &header);
	entry->header = text_take(&header);
	if (!rc)
		rc = copy_trailer(&entry->host, info, "Host: ");
	if (!rc)
		rc = copy_trailer(&entry->epoch, info, "Epoch: ");
	if (!rc)
		rc = string_format(
			&entry->who, NULL, "%.*s", person_name_length(info->author), info->author);
	if (!rc)
		rc = string_format(&entry->what, NULL, "%s%s%s%s%s%s%s", info->subject,
			reason ? " (" : "", info->reason, reason ? ")" : "", tags ? " [" : "",
			info->tags, tags ? "]" : "");
	return rc ? rc : entry->header ? 0 : DD_NO_MEMORY;
}

int history_add(const struct dd_version_info *info, void *context)
{
	struct history *history = context;
	CLEANUP(entry) struct entry *entry = calloc(1, sizeof *entry);

	if (history->count == history->room) {
		size_t room = history->room ? history->room * 2 : 64;
		struct entry **entries =
			reallocarray(history->entries, room, sizeof *history->entries);

		history->failed |= !entries;
		history->entries = entries ? entries : history->entries;
		history->room = entries ? room : history->room;
	}
	history->failed |= !entry || (!history->failed && entry_fill(entry, history->cli, info));
	if (history->failed)
		return 1;
	history->entries[history->count++] = TAKE(entry);
	return 0;
}

int history_add_difference(const struct dd_difference *difference, void *context)
{
	const struct history *history = context;

	return differences_add(difference, &history->entries[history->count - 1]->differences);
}

void history_reverse(struct history *history)
{
	for (size_t i = 0; i < history->count / 2; i++) {
		struct entry *entry = history->entries[i];

		history->entries[i] = history->entries[history->count - 1 - i];
		history->entries[history->count - 1 - i] = entry;
	}
}

/* ---- showing ---- */

int history_table(
	const struct history *history, struct cli *cli, bool with_domain, struct dd_error *err)
{
	static const char *const titles[] = {"DOMAIN", "VERSION", "WHEN", "WHO", "WHAT", NULL};
	CLEANUP(table) struct table *table = NULL;
	size_t first = with_domain ? 0 : 1;
	int rc = table_new(cli, titles + first, &table, err);

	for (size_t i = 0; rc == 0 && i < history->count; i++) {
		const struct entry *entry = history->entries[i];
		char number[16], when[MOMENT_SIZE];
		const char *const cells[] = {entry->domain, number, when, entry->who, entry->what};

		snprintf(number, sizeof number, "%u", entry->number);
		moment_format(entry->when, when);
		table_row(table, COLOUR_NONE, cells + first);
	}
	return rc ? rc : table_print(table, cli, err);
}

void history_lines(const struct history *history, struct text *out, bool with_domain)
{
	for (size_t i = 0; i < history->count; i++) {
		const struct entry *entry = history->entries[i];

		text_printf(out, "%s%s%s%u%s %s\n", colour(history->cli, COLOUR_YELLOW),
			with_domain ? entry->domain : "", with_domain ? "@" : "", entry->number,
			colour(history->cli, COLOUR_NONE), entry->what);
	}
}

/* Set in by four, so that it is told from the header. */
static void put_indented(struct text *out, const char *lines)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");

		text_printf(out, "    %.*s\n", (int)length, lines);
		lines += length + (lines[length] == '\n');
	}
}

void history_blocks(const struct history *history, struct text *out)
{
	for (size_t i = 0; i < history->count; i++) {
		const struct entry *entry = history->entries[i];
		size_t before;

		text_printf(out, "%s%s", i ? "\n" : "", entry->header);
		before = out->size;
		if (entry->xml)
			text_puts(out, entry->xml);
		else
			put_indented(out, text_string(&entry->differences.lines));
		/* one that changed nothing here has no empty line at its end */
		if (out->size == before && out->size && !text_failed(out))
			out->data[--out->size] = '\0';
	}
}

struct json *history_json(struct history *history, bool with_changes)
{
	struct json *array = json_array();

	for (size_t i = 0; i < history->count; i++) {
		struct entry *entry = history->entries[i];

		if (with_changes)
			json_put(entry->json, "changes", TAKE(entry->differences.array));
		if (entry->xml)
			json_put_string(entry->json, "xml", entry->xml);
		json_push(array, TAKE(entry->json));
	}
	return array;
}

/* ---- the graph ---- */

/* The hosts that made versions, in the order in which they come: each has a column. */
struct lanes {
	const char **hosts;
	size_t count;
};

static void cleanup_lanes(struct lanes *lanes)
{
	free(lanes->hosts);
}

static size_t lane_of(const struct lanes *lanes, const struct entry *entry)
{
	size_t lane = 0;

	while (lane < lanes->count && strcmp(lanes->hosts[lane], entry->host) != 0)
		lane++;
	return lane;
}

static int lanes_fill(struct lanes *lanes, const struct history *history, struct dd_error *err)
{
	for (size_t i = 0; i < history->count; i++) {
		const char **hosts;

		if (lane_of(lanes, history->entries[i]) < lanes->count)
			continue;
		hosts = reallocarray(lanes->hosts, lanes->count + 1, sizeof *hosts);
		if (!hosts)
			return error_no_memory(err);
		lanes->hosts = hosts;
		hosts[lanes->count++] = history->entries[i]->host;
	}
	return 0;
}

/* From one column to another: "\", "/", with "_" for the rest of the way. */
static void put_crossing(struct text *out, size_t above, size_t below)
{
	size_t left = above < below ? above : below, right = above < below ? below : above;

	for (size_t i = 0; i < 2 * left + 1; i++)
		text_putc(out, ' ');
	if (above < below)
		text_putc(out, '\\');
	for (size_t i = 2 * left + 2; i < 2 * right; i++)
		text_putc(out, '_');
	if (above > below)
		text_putc(out, '/');
}

static void put_padding(struct text *out, size_t from, size_t width)
{
	for (size_t i = out->size - from; i < width; i++)
		text_putc(out, ' ');
}

/* Between two that are shown one after the other, and are of two hosts or owners. */
static void put_move(struct text *out, const struct cli *cli, const struct lanes *lanes,
	const struct entry *upper, const struct entry *lower)
{
	const struct entry *older = upper->number < lower->number ? upper : lower;
	const struct entry *newer = older == upper ? lower : upper;
	size_t above = lane_of(lanes, upper), below = lane_of(lanes, lower);
	bool owned = strcmp(newer->epoch, older->epoch) != 0;
	size_t start = out->size;

	if (above == below && !owned)
		return;
	if (above == below)
		text_printf(out, "%*s|", (int)(2 * above), "");
	else
		put_crossing(out, above, below);
	put_padding(out, start, 2 * lanes->count);
	text_puts(out, colour(cli, COLOUR_BLUE));
	if (above != below)
		text_printf(out, "moved from %s to %s", older->host, newer->host);
	if (owned)
		text_printf(out, "%sepoch %s to %s", above != below ? ", " : "", older->epoch,
			newer->epoch);
	text_printf(out, "%s\n", colour(cli, COLOUR_NONE));
}

static void put_version(struct text *out, const struct cli *cli, const struct lanes *lanes,
	const struct entry *entry)
{
	size_t start = out->size;
	char when[MOMENT_SIZE];

	moment_format(entry->when, when);
	text_printf(out, "%*s*", (int)(2 * lane_of(lanes, entry)), "");
	put_padding(out, start, 2 * lanes->count);
	text_printf(out, "%s%u%s  %s  %s  %s\n", colour(cli, COLOUR_YELLOW), entry->number,
		colour(cli, COLOUR_NONE), when, entry->who, entry->what);
}

int history_graph(const struct history *history, struct text *out, struct dd_error *err)
{
	CLEANUP(lanes) struct lanes lanes = {.hosts = NULL};
	int rc = lanes_fill(&lanes, history, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < lanes.count; i++)
		text_printf(out, "%*s* %s\n", (int)(2 * i), "", lanes.hosts[i]);
	for (size_t i = 0; i < history->count; i++) {
		if (i)
			put_move(out, history->cli, &lanes, history->entries[i - 1],
				history->entries[i]);
		else
			text_putc(out, '\n');
		put_version(out, history->cli, &lanes, history->entries[i]);
	}
	return 0;
}
