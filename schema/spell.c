/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One spelling for one value: numbers without leading zeros or padded to the width that addresses
 * have, sizes in the unit that the format keeps them in (rounded up, as a guest is never given less
 * than what was asked for), UUIDs and MACs in lower case, sets of numbers as ranges.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/format.h"
#include "schema/limits.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define SHORT_VALUE 16 /* any number with fewer digits than this is below its limit */

static const char decimal[] = "0123456789";
static const char hexadecimal[] = "0123456789abcdef";

static const struct {
	const char *name;
	uint64_t bytes;
} units[] = {
	{"b", 1},
	{"byte", 1},
	{"bytes", 1},
	{"KB", 1000},
	{"k", KIB},
	{"KiB", KIB},
	{"MB", 1000000},
	{"M", MIB},
	{"MiB", MIB},
	{"GB", 1000000000},
	{"G", KIB << 20},
	{"GiB", KIB << 20},
	{"TB", 1000000000000},
	{"T", MIB << 20},
	{"TiB", MIB << 20},
	{"PB", 1000000000000000},
	{"P", MIB << 30},
	{"PiB", MIB << 30},
	{"EB", 1000000000000000000},
	{"E", MIB << 40},
	{"EiB", MIB << 40},
};

/* value without the white space around it, which numbers in element text often have. */
static int trimmed(const char *value, char **out, struct dd_error *err)
{
	size_t length;

	value += strspn(value, " \t\r\n");
	length = strlen(value);
	while (length && strchr(" \t\r\n", value[length - 1]))
		length--;
	return string_format(out, err, "%.*s", (int)length, value);
}

/* base is that of a number without "0x"; 0: it is octal behind a zero, else decimal. */
static bool parse_number(const char *string, int base, uint64_t *number)
{
	char *end;

	string += string[0] == '+';

	bool hex = string[0] == '0' && (string[1] == 'x' || string[1] == 'X');

	if (base == 16 ? !isxdigit((unsigned char)string[0]) : !isdigit((unsigned char)string[0]))
		return false;
	/* 09 can only be decimal */
	if (!base && strpbrk(string, "89"))
		base = 10;
	errno = 0;
	*number = strtoull(string, &end, hex ? 16 : base);
	return !errno && !*end && !(hex && !string[2]);
}

static int base_of(char kind)
{
	if (kind == 'x')
		return 16;
	return kind == 'd' || kind == 'i' ? 10 : 0;
}

static int spell_number(char kind, const char *value, char **spelt, struct dd_error *err)
{
	bool negative = kind == 'i' && value[0] == '-';
	uint64_t number;

	if (!parse_number(value + negative, base_of(kind), &number))
		return error_set(err, DD_INVALID, "'%.64s' is not a %swhole number", value,
			kind == 'i' ? "" : "non-negative ");
	if (kind == 'd' || kind == 'i' || kind == 'n')
		return string_format(
			spelt, err, "%s%" PRIu64, negative && number ? "-" : "", number);
	if (kind == 'h' || kind == 'x')
		return string_format(spelt, err, "0x%" PRIx64, number);
	return string_format(spelt, err, "0x%0*" PRIx64, kind - '0', number);
}

static int spell_choice(
	const char *value, const char *a, const char *b, char **spelt, struct dd_error *err)
{
	if (strcmp(value, a) != 0 && strcmp(value, b) != 0)
		return error_set(err, DD_INVALID, "'%.64s' is neither '%s' nor '%s'", value, a, b);
	return string_copy(spelt, value, err);
}

static int spell_uuid(const char *value, char **spelt, struct dd_error *err)
{
	char digits[33];
	size_t count = 0;

	for (const char *at = value; *at; at++) {
		if (*at == '-')
			continue;
		if (!isxdigit((unsigned char)*at) || count == 32) {
			count = 0;
			break;
		}
		digits[count++] = (char)tolower((unsigned char)*at);
	}
	digits[count] = '\0';
	if (count != 32)
		return error_set(err, DD_INVALID,
			"'%.64s' is not a UUID (32 hexadecimal digits, with or without dashes)",
			value);
	return string_format(spelt, err, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8,
		digits + 12, digits + 16, digits + 20);
}

static int spell_mac(const char *value, char **spelt, struct dd_error *err)
{
	unsigned bytes[6];
	const char *at = value;

	for (int i = 0; i < 6; i++) {
		size_t digits = strspn(at, "0123456789abcdefABCDEF");

		if (digits < 1 || digits > 2 || at[digits] != (i < 5 ? ':' : '\0'))
			return error_set(err, DD_INVALID,
				"'%.64s' is not a MAC address such as 52:54:00:12:34:56", value);
		bytes[i] = (unsigned)strtoul(at, NULL, 16);
		at += digits + 1;
	}
	return string_format(spelt, err, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
		bytes[2], bytes[3], bytes[4], bytes[5]);
}

struct set {
	bool has[NUMBER_SET_MAX];
};

static bool set_has(const struct set *set, unsigned long bit)
{
	return bit < NUMBER_SET_MAX && set->has[bit];
}

static bool parse_bit(const char **at, unsigned long *bit)
{
	char *end;

	*at += strspn(*at, " \t\r\n");
	if (!isdigit((unsigned char)**at))
		return false;
	*bit = strtoul(*at, &end, 10);
	*at = end + strspn(end, " \t\r\n");
	return *bit < NUMBER_SET_MAX;
}

/* "0-3,^2,8": ranges, single ones, and with '^' taken away again. */
static bool parse_set(const char *at, struct set *set)
{
	for (;;) {
		unsigned long first, last;

		at += strspn(at, " \t\r\n");

		bool without = *at == '^';

		at += without;
		if (!parse_bit(&at, &first))
			return false;
		last = first;
		if (*at == '-' && !without) {
			at++;
			if (!parse_bit(&at, &last) || last < first)
				return false;
		}
		memset(&set->has[first], !without, (last - first + 1) * sizeof set->has[0]);
		if (*at != ',')
			return *at == '\0';
		at++;
	}
}

static int spell_set(const char *value, char **spelt, struct dd_error *err)
{
	CLEANUP(text) struct text out = TEXT_INIT;
	struct set set = {{0}};

	if (!value[0])
		return string_copy(spelt, "", err);
	if (!parse_set(value, &set))
		return error_set(err, DD_INVALID,
			"'%.64s' is not a set of numbers such as 0-3,8 (each below %d)", value,
			NUMBER_SET_MAX);
	for (unsigned long bit = 0; bit < NUMBER_SET_MAX; bit++) {
		unsigned long last = bit;

		if (!set_has(&set, bit))
			continue;
		while (set_has(&set, last + 1))
			last++;
		text_printf(&out, "%s%lu", out.size ? "," : "", bit);
		if (last > bit)
			text_printf(&out, "-%lu", last);
		bit = last;
	}

	char *string = text_take(&out);

	if (!string)
		return error_no_memory(err);
	*spelt = string;
	return 0;
}

static int to_bytes(const char *value, const char *unit, uint64_t otherwise, uint64_t *bytes,
	struct dd_error *err)
{
	uint64_t number, scale = unit && unit[0] ? 0 : otherwise;

	if (!parse_number(value, 10, &number))
		return error_set(
			err, DD_INVALID, "'%.64s' is not a non-negative whole number", value);
	for (size_t i = 0; !scale && i < sizeof units / sizeof units[0]; i++)
		if (strcasecmp(unit, units[i].name) == 0)
			scale = units[i].bytes;
	if (!scale)
		return error_set(err, DD_INVALID, "'%.64s' is not a unit such as KiB or GiB", unit);
	if (__builtin_mul_overflow(number, scale, bytes) || *bytes > INT64_MAX)
		return error_set(
			err, DD_INVALID, "%.64s %.16s is too large", value, unit ? unit : "");
	return 0;
}

static uint64_t rounded_up(uint64_t bytes, uint64_t unit)
{
	return bytes / unit + (bytes % unit != 0);
}

static int spell_size(char kind, const char *value, const char *unit, char **spelt,
	const char **new_unit, struct dd_error *err)
{
	static const char *const pretty[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	static const struct {
		char kind;
		uint64_t otherwise; /* what a number without a unit counts */
		uint64_t scale;
		const char *name;
	} sizes[] = {{'k', KIB, KIB, "KiB"}, {'B', 1, 1, "bytes"}, {'M', 1, MIB, "M"},
		{'P', MIB, 1, "B"}, {'p', KIB, 1, "B"}};
	bool whole = kind == 'P' || kind == 'p';
	size_t i = 0, power = 0;
	uint64_t bytes = 0;

	while (sizes[i].kind != kind)
		i++;

	int rc = to_bytes(value, unit, sizes[i].otherwise, &bytes, err);

	if (rc)
		return rc;
	bytes = rounded_up(bytes, sizes[i].scale);
	while (whole && bytes && bytes % KIB == 0) {
		bytes /= KIB;
		power++;
	}
	rc = string_format(spelt, err, "%" PRIu64, bytes);
	if (!rc)
		*new_unit = whole ? pretty[power] : sizes[i].name;
	return rc;
}

/* Digits without a leading zero, but at least so many. */
static bool only_digits(const char *value, const char *digits, size_t least)
{
	size_t length = strspn(value, digits);

	return length >= least && !value[length] && (value[0] != '0' || length == least);
}

static bool is_mac(const char *value)
{
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? value[i] != ':' : !value[i] || !strchr(hexadecimal, value[i]))
			return false;
	return !value[17];
}

/*
 * Is it spelt that way already? Not told of every value that is: this is the short way for most of
 * what a frozen definition has, where numbers are far from their limits.
 */
static bool is_spelt(char kind, const char *value, const char *unit)
{
	if (kind == 'm')
		return is_mac(value);
	if (strnlen(value, SHORT_VALUE) == SHORT_VALUE)
		return false;
	switch (kind) {
	case 'y':
		return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
	case 'o':
		return strcmp(value, "on") == 0 || strcmp(value, "off") == 0;
	case 'k':
		return unit && strcmp(unit, "KiB") == 0 && only_digits(value, decimal, 1);
	case 'd':
	case 'i':
		return only_digits(value, decimal, 1);
	case 'h':
		return value[0] == '0' && value[1] == 'x' && only_digits(value + 2, hexadecimal, 1);
	case '1':
	case '2':
	case '4':
	case '8':
		return value[0] == '0' && value[1] == 'x' &&
		       only_digits(value + 2, hexadecimal, (size_t)(kind - '0'));
	default:
		return false;
	}
}

int format_spell(char kind, const char *value, const char *unit, char **spelt,
	const char **new_unit, struct dd_error *err)
{
	CLEANUP(free) char *bare = NULL;
	int rc;

	*spelt = NULL;
	if (is_spelt(kind, value, unit))
		return 0;
	rc = trimmed(value, &bare, err);
	if (rc)
		return rc;
	switch (kind) {
	case 'y':
		return spell_choice(bare, "yes", "no", spelt, err);
	case 'o':
		return spell_choice(bare, "on", "off", spelt, err);
	case 'u':
		return bare[0] ? spell_uuid(bare, spelt, err) : string_copy(spelt, "", err);
	case 'm':
		return spell_mac(bare, spelt, err);
	case 'c':
		return spell_set(bare, spelt, err);
	case 'k':
	case 'B':
	case 'M':
	case 'P':
	case 'p':
		return spell_size(kind, bare, unit, spelt, new_unit, err);
	default:
		return spell_number(kind, bare, spelt, err);
	}
}
