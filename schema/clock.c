/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/clock.h"

#include <inttypes.h>
#include <string.h>

#include "schema/fill.h"

static int drop_unused(xmlNode *clock, struct dd_error *err)
{
	static const struct {
		const char *attribute;
		const char *offset;
	} uses[] = {{"basis", "variable"}, {"timezone", "timezone"}, {"start", "absolute"}};
	const char *offset = node_attr(clock, "offset");
	int rc = 0;

	for (size_t i = 0; i < COUNT(uses) && !rc; i++)
		if (strcmp(offset, uses[i].offset) != 0)
			rc = node_set_attr(clock, uses[i].attribute, NULL, err);
	if (!rc && (strcmp(offset, "timezone") == 0 || strcmp(offset, "absolute") == 0))
		rc = node_set_attr(clock, "adjustment", NULL, err);
	return rc;
}

/* Seconds, in decimal. */
static bool is_seconds(const char *text)
{
	text += *text == '-' || *text == '+';
	return text[0] && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19;
}

/* What the offset counts from becomes the basis, once there is something to count. */
static int make_variable(xmlNode *clock, struct dd_error *err)
{
	const char *offset = node_attr(clock, "offset");
	const char *adjustment = node_attr(clock, "adjustment");
	bool variable = strcmp(offset, "variable") == 0;
	int rc;

	if (adjustment && strcmp(adjustment, "reset") == 0) {
		if (!variable)
			return 0;
		adjustment = "0";
	}
	if (!adjustment && !variable)
		return 0;
	if (adjustment && !is_seconds(adjustment)) {
		node_error(clock, err, DD_INVALID, "attribute adjustment: '%.64s' is not allowed",
			adjustment);
		return error_hint(err, "say 'reset' or a number of seconds");
	}
	rc = fill_attr(clock, "basis", variable ? "utc" : offset, err);
	if (!rc)
		rc = node_set_attr_format(clock, "adjustment", err, "%lld",
			adjustment ? strtoll(adjustment, NULL, 10) : 0);
	return rc ? rc : node_set_attr(clock, "offset", "variable", err);
}

static int drop_zero(xmlNode *node, const char *attribute, struct dd_error *err)
{
	return attr_number(node, attribute, 1) ? 0 : node_set_attr(node, attribute, NULL, err);
}

static int freeze_timer(xmlNode *timer, struct dd_error *err)
{
	xmlNode *catchup = node_child(timer, "catchup");
	int rc = drop_zero(timer, "frequency", err);

	if (!rc)
		rc = drop_zero(catchup, "threshold", err);
	if (!rc)
		rc = drop_zero(catchup, "slew", err);
	return rc ? rc : drop_zero(catchup, "limit", err);
}

int freeze_clock(xmlNode *root, struct dd_error *err)
{
	static const char *const counted[] = {"utc", "localtime", "variable", NULL};
	static const char *const offsets[] = {
		"utc", "localtime", "variable", "timezone", "absolute", NULL};
	xmlNode *clock = fill_child(root, "clock", err);
	int rc = clock ? fill_attr(clock, "offset", "utc", err) : DD_NO_MEMORY;

	/* another is refused when all is checked */
	if (rc || !string_in(node_attr(clock, "offset"), offsets))
		return rc;
	/* a basis of an offset that has none says nothing */
	if (!node_attr_is(clock, "offset", "variable"))
		rc = node_set_attr(clock, "basis", NULL, err);
	if (!rc && string_in(node_attr(clock, "offset"), counted))
		rc = make_variable(clock, err);
	if (!rc)
		rc = drop_unused(clock, err);
	for (xmlNode *timer = node_child(clock, "timer"); timer && !rc; timer = node_next(timer))
		rc = freeze_timer(timer, err);
	return rc;
}

/* What a timer can have beside its name and whether it is there. */
static const struct {
	const char *name;
	const char *tickpolicy; /* allowed words, NULL for none */
	const char *track;
	bool tuned; /* has frequency and mode */
} timers[] = {
	{"rtc", "delay catchup", "guest wall realtime", false},
	{"pit", "delay catchup discard", NULL, false},
	{"hpet", "delay catchup merge discard", NULL, false},
	{"tsc", "delay catchup merge discard", NULL, true},
	{"kvmclock", NULL, NULL, false},
	{"hypervclock", NULL, NULL, false},
};

static int check_word(
	const xmlNode *timer, const char *attribute, const char *words, struct dd_error *err)
{
	const char *value = node_attr(timer, attribute);
	const char *at = value && words ? strstr(words, value) : NULL;

	if (!value || at)
		return 0;
	node_error(timer, err, DD_UNSUPPORTED, "a %s timer has no %s '%s'",
		node_attr(timer, "name"), attribute, value);
	return words ? error_hint(err, "one of: %s", words) : DD_UNSUPPORTED;
}

static int check_timer(const xmlNode *timer, struct dd_error *err)
{
	size_t i = 0;
	int rc;

	while (i < COUNT(timers) && !node_attr_is(timer, "name", timers[i].name))
		i++;
	if (i == COUNT(timers))
		return node_error(timer, err, DD_UNSUPPORTED, "there is no timer '%s' in a PC",
			node_attr(timer, "name"));
	rc = check_word(timer, "tickpolicy", timers[i].tickpolicy, err);
	if (!rc)
		rc = check_word(timer, "track", timers[i].track, err);
	if (!rc && !timers[i].tuned)
		rc = check_word(timer, "frequency", NULL, err);
	if (!rc && !timers[i].tuned)
		rc = check_word(timer, "mode", NULL, err);
	if (!rc && node_child(timer, "catchup") && !node_attr_is(timer, "tickpolicy", "catchup"))
		return node_error(node_child(timer, "catchup"), err, DD_INVALID,
			"it needs tickpolicy='catchup'");
	return rc;
}

int check_clock(const struct document *document, struct dd_error *err)
{
	const xmlNode *clock = node_child(document_root(document), "clock");
	int rc = 0;

	if (node_attr_is(clock, "offset", "timezone") && !node_attr(clock, "timezone"))
		return node_error(clock, err, DD_INVALID, "the attribute timezone is missing");
	if (node_attr_is(clock, "offset", "absolute") && !node_attr(clock, "start"))
		return node_error(clock, err, DD_INVALID, "the attribute start is missing");
	if (node_attr_is(clock, "offset", "variable") && node_attr(clock, "basis") &&
		!node_attr_is(clock, "basis", "utc") && !node_attr_is(clock, "basis", "localtime"))
		return node_error(clock, err, DD_INVALID, "the basis is utc or localtime, not '%s'",
			node_attr(clock, "basis"));
	for (const xmlNode *timer = node_child(clock, "timer"); timer && !rc;
		timer = node_next(timer))
		rc = check_timer(timer, err);
	return rc;
}
