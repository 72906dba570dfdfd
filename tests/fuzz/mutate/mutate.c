/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How libFuzzer changes an input that has XML in it: element by element and value by value. Changed
 * byte by byte alone, hardly any would get past the parser, and what comes behind it would see
 * little else than the seeds.
 *
 * An input is searched for elements that are closed; what is around them (a second definition
 * behind a NUL, the letter of an edit) is left in place. Where there is none, and in one case of
 * CASE_BYTES, libFuzzer changes bytes as it otherwise does. Everything follows from the input and
 * the seed that libFuzzer gives.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ELEMENTS_MAX 2048
#define DEPTH_MAX 64
#define INPUT_MAX 65536 /* of what is inserted; as FUZZ_SIZE_MAX of the targets */
#define CHANGES_MAX 4
#define CASE_BYTES 12
#define COUNT(array) (sizeof(array) / sizeof *(array))

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
	size_t other_size, uint8_t *out, size_t size_max, unsigned seed);

struct span {
	size_t start, end; /* offsets, the end is behind the last byte */
};

struct element {
	struct span all;  /* from < to > */
	struct span open; /* the first tag */
	struct span name;
	int parent; /* its number, or -1 */
};

/* A text and its elements, in the order of their first tags; the parent of one may be unclosed. */
struct input {
	uint8_t *data;
	size_t size, size_max;
	unsigned random;
	unsigned count;
	struct element elements[ELEMENTS_MAX];
};

/* Words and numbers that mean something somewhere, or are next to what does. */
static const char *const values[] = {"", "0", "1", "2", "3", "4", "7", "8", "9", "15", "16", "31",
	"32", "63", "64", "99", "127", "128", "254", "255", "256", "1023", "1024", "4095", "4096",
	"8191", "8192", "32767", "65535", "65536", "131072", "1048576", "2147483647", "2147483648",
	"4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
	"18446744073709551615", "18446744073709551616", "-1", "-0", "+1", "00", "0x0", "0x1",
	"0x1f", "0x20", "0xff", "0xffff", "0x10000", "1.5", " 1", "1 ", "0-3", "0-3,^2", "3-0",
	"0,2", "0-4095", "yes", "no", "on", "off", "default", "none", "auto", "virtio", "scsi",
	"sata", "ide", "usb", "fdc", "pc", "q35", "pc-i440fx-7.2", "pc-q35-7.2", "pcie-root",
	"pcie-root-port", "pci-root", "pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge",
	"pcie-expander-bus", "pci-expander-bus", "virtio-scsi", "lsilogic", "qemu-xhci",
	"piix3-uhci", "ich9-ehci1", "ich9-uhci1", "vda", "sda", "hda", "fda", "KiB", "b", "GiB",
	"EiB", "network", "file", "block", "spice", "vnc", "pty", "unix", "tcp", "spicevmc",
	"custom", "host-model", "host-passthrough", "maximum", "require", "forbid", "disable",
	"52:54:00:00:00:01", "ua-a", "pci", "drive", "virtio-serial", "ccid", "isa", "dimm",
	"unassigned", "qxl", "vga", "/dev/null", "00000000-0000-0000-0000-000000000001"};

static unsigned below(struct input *input, size_t limit)
{
	input->random = input->random * 1664525u + 1013904223u;
	return limit ? (input->random >> 8) % (unsigned)limit : 0;
}

static bool ends_name(uint8_t byte)
{
	return byte <= ' ' || byte == '>' || byte == '/' || byte == '=' || byte == '<';
}

/* The end of the tag at start, 0 where it has none before the next NUL. */
static size_t tag_end(const struct input *input, size_t start)
{
	uint8_t quote = 0;

	for (size_t i = start + 1; i < input->size && input->data[i]; i++) {
		uint8_t byte = input->data[i];

		if (quote)
			quote = byte == quote ? 0 : quote;
		else if (byte == '\'' || byte == '"')
			quote = byte;
		else if (byte == '>')
			return i + 1;
	}
	return 0;
}

static void find_elements(struct input *input)
{
	int open[DEPTH_MAX];
	unsigned depth = 0;

	input->count = 0;
	for (size_t i = 0; i < input->size; i++) {
		if (!input->data[i])
			depth = 0;
		if (input->data[i] != '<')
			continue;

		size_t end = tag_end(input, i);
		uint8_t first = i + 1 < input->size ? input->data[i + 1] : 0;

		if (!end || input->count == ELEMENTS_MAX)
			return;
		if (first == '/' && depth) {
			input->elements[open[--depth]].all.end = end;
		} else if (!ends_name(first) && first != '!' && first != '?') {
			struct element *element = &input->elements[input->count];
			bool empty = input->data[end - 2] == '/';

			*element = (struct element){{i, empty ? end : 0}, {i, end}, {i + 1, i + 1},
				depth ? open[depth - 1] : -1};
			while (!ends_name(input->data[element->name.end]))
				element->name.end++;
			if (!empty && depth < DEPTH_MAX)
				open[depth++] = (int)input->count;
			input->count++;
		}
		i = end - 1;
	}
}

/* One of the input's closed elements, NULL where chance or the input has none. */
static const struct element *any_element(struct input *input)
{
	const struct element *element = &input->elements[below(input, input->count)];

	return input->count && element->all.end ? element : NULL;
}

static bool same_text(const struct input *one, const struct span *a, const struct input *other,
	const struct span *b)
{
	return a->end - a->start == b->end - b->start &&
	       memcmp(one->data + a->start, other->data + b->start, a->end - a->start) == 0;
}

/* Puts other bytes in the place of the span; false where they do not fit. */
static bool replace(struct input *input, struct span place, const void *bytes, size_t size)
{
	static uint8_t copy[INPUT_MAX]; /* since the bytes may be the input's own */

	if (size > sizeof copy || input->size - (place.end - place.start) + size > input->size_max)
		return false;
	memcpy(copy, bytes, size);
	memmove(input->data + place.start + size, input->data + place.end, input->size - place.end);
	memcpy(input->data + place.start, copy, size);
	input->size = input->size - (place.end - place.start) + size;
	return true;
}

static bool replace_from(
	struct input *input, struct span place, const struct input *other, const struct span *from)
{
	return replace(input, place, other->data + from->start, from->end - from->start);
}

/* A random attribute of the tag: its name, and its value within the quotes. */
static bool any_attribute(
	struct input *input, const struct element *element, struct span *name, struct span *value)
{
	const uint8_t *data = input->data;
	unsigned seen = 0;
	size_t i = element->name.end;

	while (i < element->open.end) {
		struct span key, inside;

		while (i < element->open.end && ends_name(data[i]))
			i++;
		key.start = i;
		while (i < element->open.end && !ends_name(data[i]))
			i++;
		key.end = i;
		if (i + 1 >= element->open.end || data[i] != '=')
			continue;
		inside.start = i + 2;
		for (i += 2; i < element->open.end && data[i] != data[inside.start - 1];)
			i++;
		inside.end = i++;
		if (inside.end < element->open.end && below(input, ++seen) == 0) {
			*name = key;
			*value = inside;
		}
	}
	return seen;
}

/* What is between the tags of an element without children. */
static bool any_text(struct input *input, const struct element *element, struct span *value)
{
	const uint8_t *data = input->data;

	*value = (struct span){element->open.end, element->open.end};
	if (element->all.end == element->open.end)
		return false;
	while (data[value->end] != '<')
		value->end++;
	return data[value->end + 1] == '/';
}

static bool any_value(struct input *input, struct span *name, struct span *value)
{
	const struct element *element = any_element(input);

	if (!element)
		return false;
	*name = element->name;
	return any_attribute(input, element, name, value) || any_text(input, element, value);
}

/* ---- changes: true where there was one ---- */

static bool change_value(struct input *input)
{
	struct span name, value;
	const char *word = values[below(input, COUNT(values))];

	return any_value(input, &name, &value) && replace(input, value, word, strlen(word));
}

static bool change_bytes_of_value(struct input *input)
{
	uint8_t bytes[256];
	struct span name, value;
	size_t size;

	if (!any_value(input, &name, &value) || value.end - value.start >= sizeof bytes)
		return false;
	size = value.end - value.start;
	memcpy(bytes, input->data + value.start, size);
	size = LLVMFuzzerMutate(bytes, size, sizeof bytes);
	return replace(input, value, bytes, size);
}

/* Two values become one: aliases, addresses, orders and indices that meet. */
static bool repeat_value(struct input *input)
{
	struct span name, value, other_name, other;

	for (unsigned tries = 0; tries < 16; tries++)
		if (any_value(input, &name, &value) && any_value(input, &other_name, &other) &&
			same_text(input, &name, input, &other_name) &&
			!same_text(input, &value, input, &other))
			return replace_from(input, value, input, &other);
	return false;
}

static bool drop_attribute(struct input *input)
{
	const struct element *element = any_element(input);
	struct span name, value;

	if (!element || !any_attribute(input, element, &name, &value))
		return false;
	return replace(input, (struct span){name.start, value.end + 1}, "", 0);
}

static bool drop_element(struct input *input)
{
	const struct element *element = any_element(input);

	return element && element->parent >= 0 && replace(input, element->all, "", 0);
}

static bool repeat_element(struct input *input)
{
	const struct element *element = any_element(input);

	if (!element || element->parent < 0)
		return false;
	return replace_from(
		input, (struct span){element->all.end, element->all.end}, input, &element->all);
}

/* An element in place of another, or behind it. */
static bool copy_element(struct input *input)
{
	const struct element *to = any_element(input), *from = any_element(input);

	if (!to || !from || to->parent < 0)
		return false;
	if (below(input, 2))
		return replace_from(input, to->all, input, &from->all);
	return replace_from(input, (struct span){to->all.end, to->all.end}, input, &from->all);
}

static bool rename_element(struct input *input)
{
	const struct element *to = any_element(input), *from = any_element(input);
	struct span close;

	if (!to || !from)
		return false;
	if (to->all.end != to->open.end) {
		close = (struct span){
			to->all.end - 1 - (to->name.end - to->name.start), to->all.end - 1};
		if (!same_text(input, &close, input, &to->name))
			return false;
		/* from may be inside; then it is the name before it moved that is put in */
		if (from->name.start > close.start)
			return false;
		replace_from(input, close, input, &from->name);
	}
	return replace_from(input, to->name, input, &from->name);
}

static bool (*const changes[])(struct input *input) = {
	change_value,
	change_value,
	change_bytes_of_value,
	change_bytes_of_value,
	repeat_value,
	drop_attribute,
	drop_element,
	repeat_element,
	copy_element,
	rename_element,
};

/* ---- what libFuzzer calls ---- */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
	static struct input input;
	unsigned wanted;

	input.data = data;
	input.size = size;
	input.size_max = size_max;
	input.random = seed;
	find_elements(&input);
	if (!input.count || below(&input, CASE_BYTES) == 0)
		return LLVMFuzzerMutate(data, size, size_max);
	wanted = 1 + below(&input, CHANGES_MAX);
	for (unsigned tries = 0; wanted && tries < 4 * CHANGES_MAX; tries++)
		if (changes[below(&input, COUNT(changes))](&input)) {
			find_elements(&input);
			wanted--;
		}
	return input.size;
}

/*
 * An element or a value of the other input gets into this one, to where its like is: an element
 * into a parent of the name that it had there, a value to an attribute of its name.
 */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
	size_t other_size, uint8_t *out, size_t size_max, unsigned seed)
{
	static struct input to, from;
	struct span name, value, from_name, from_value;

	if (size > size_max)
		return 0;
	memcpy(out, data, size);
	to.data = out;
	to.size = size;
	to.size_max = size_max;
	to.random = seed;
	from.data = (uint8_t *)(uintptr_t)other; /* is not changed */
	from.size = from.size_max = other_size;
	from.random = ~seed;
	find_elements(&to);
	find_elements(&from);
	for (unsigned tries = 0; to.count && from.count && tries < 64; tries++) {
		const struct element *into = any_element(&to), *part = any_element(&from);

		if (into && part && below(&to, 4) && part->parent >= 0 &&
			into->all.end != into->open.end &&
			same_text(&to, &into->name, &from, &from.elements[part->parent].name) &&
			replace_from(&to, (struct span){into->open.end, into->open.end}, &from,
				&part->all))
			return to.size;
		if (any_value(&to, &name, &value) && any_value(&from, &from_name, &from_value) &&
			same_text(&to, &name, &from, &from_name) &&
			replace_from(&to, value, &from, &from_value))
			return to.size;
	}
	return 0;
}
