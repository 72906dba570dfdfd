/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freezing CAPABILITIES FOLDER: what freezing costs inside the process, by the number of devices.
 *
 * CAPABILITIES is a saved set ("domesday capabilities --json"). For each number of devices a
 * definition is made as a user would write it (no addresses; half disks, a quarter each interfaces
 * and channels) and left in FOLDER as NUMBER.xml, so that others can be asked for the same. It is
 * read, frozen and written ROUNDS times; a line gives the medians in microseconds:
 *
 *     devices parse freeze write whole
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "qmp/capabilities.h"
#include "schema/freeze.h"

#define CAPABILITIES_MAX (1u << 20)
#define ROUNDS_MAX 400
#define INTERFACES_BELOW 400
#define DISKS_EACH 15        /* of a SCSI controller */
#define DEVICES_IN_ALL 20000 /* over all rounds of one number */

static const unsigned numbers[] = {1, 12, 30, 100, 300, 1000};

struct costs {
	double parse[ROUNDS_MAX], freeze[ROUNDS_MAX], write[ROUNDS_MAX], whole[ROUNDS_MAX];
};

static double now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int by_value(const void *one, const void *other)
{
	const double *a = one, *b = other;

	return *a < *b ? -1 : *a > *b;
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof *values, by_value);
	return values[count / 2];
}

/* "sda" to "sdz", "sdaa"… */
static void disk_make(unsigned number, struct text *xml)
{
	char name[8];
	char *at = name + sizeof name - 1;

	*at = '\0';
	for (unsigned rest = number + 1; rest; rest = (rest - 1) / 26)
		*--at = (char)('a' + (rest - 1) % 26);
	if (number % DISKS_EACH == 0)
		text_printf(xml, "<controller type='scsi' index='%u' model='virtio-scsi'/>\n",
			number / DISKS_EACH);
	text_printf(xml,
		"<disk type='file'><driver name='qemu' type='qcow2'/>"
		"<source file='/images/%u.qcow2'/><target dev='sd%s' bus='scsi'/></disk>\n",
		number, at);
}

static void device_make(unsigned i, unsigned *disks, struct text *xml)
{
	/* a machine has 256 PCI buses at most */
	if (i % 4 == 0 && i < INTERFACES_BELOW)
		text_printf(xml,
			"<interface type='bridge'><mac address='52:54:00:00:%02x:%02x'/>"
			"<source bridge='br0'/><model type='virtio'/></interface>\n",
			i >> 8, i & 255);
	else if (i % 4 == 1)
		text_printf(xml,
			"<channel type='unix'><target type='virtio' name='org.example.%u'/>"
			"</channel>\n",
			i);
	else
		disk_make((*disks)++, xml);
}

static int definition_make(unsigned devices, struct text *xml)
{
	unsigned disks = 0;

	text_puts(xml, "<domain type='qemu'>\n<name>bench</name>\n"
		       "<uuid>5d3a8bb2-2d1f-4f0b-8f5e-0d8f3c9d1b0a</uuid>\n"
		       "<memory unit='GiB'>2</memory><vcpu>2</vcpu>\n"
		       "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
		       "<features><acpi/><apic/></features>\n<devices>\n");
	for (unsigned i = 0; i < devices; i++)
		device_make(i, &disks, xml);
	text_puts(xml, "</devices>\n</domain>\n");
	return xml->failed ? DD_NO_MEMORY : 0;
}

static int freeze_once(const struct text *xml, const struct freeze_options *options,
	struct costs *costs, unsigned round, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text out = TEXT_INIT;
	double began = now_us(), parsed, frozen, written;
	int rc = document_parse(xml->data, xml->size, NULL, &document, err);

	parsed = now_us();
	if (!rc)
		rc = document_freeze(document, options, err);
	frozen = now_us();
	if (!rc)
		rc = document_write(document, &out, err);
	written = now_us();
	costs->parse[round] = parsed - began;
	costs->freeze[round] = frozen - parsed;
	costs->write[round] = written - frozen;
	costs->whole[round] = written - began;
	return rc;
}

static int measure(unsigned devices, const char *folder, const struct freeze_options *options,
	struct dd_error *err)
{
	static struct costs costs;
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	unsigned rounds = DEVICES_IN_ALL / devices;
	int rc = definition_make(devices, &xml);

	if (!rc)
		rc = string_format(&path, err, "%s/%u.xml", folder, devices);
	if (!rc)
		rc = file_replace(path, 0600, xml.data, xml.size, err);
	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	for (unsigned round = 0; round < rounds && !rc; round++)
		rc = freeze_once(&xml, options, &costs, round, err);
	if (rc)
		return rc;
	printf("%u %.0f %.0f %.0f %.0f\n", devices, median(costs.parse, rounds),
		median(costs.freeze, rounds), median(costs.write, rounds),
		median(costs.whole, rounds));
	return 0;
}

static int run(const char *saved, const char *folder, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(capabilities) struct capabilities *caps = NULL;
	int rc = file_read(saved, CAPABILITIES_MAX, &text, err);

	if (!rc)
		rc = capabilities_from_json(text_string(&text), text.size, &caps, err);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && !rc; i++) {
		const struct freeze_options options = {.capabilities = caps};

		rc = measure(numbers[i], folder, &options, err);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct dd_error err = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: freezing CAPABILITIES FOLDER\n");
		return 2;
	}
	if (!run(argv[1], argv[2], &err))
		return 0;
	fprintf(stderr, "freezing: %s\n", err.message);
	return 1;
}
