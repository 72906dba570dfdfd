/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CAPABILITIES_H
#define TESTS_SUPPORT_CAPABILITIES_H

/*
 * What QEMU 7.2 answers, in as few words as freezing needs: so that a test of freezing is a test of
 * freezing alone. One set for each binary; both know the same machine types and devices.
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/capabilities.h"

static inline char *test_string(const char *string)
{
	char *copy = strdup(string);

	assert(copy);
	return copy;
}

/* Minor versions of a release: QEMU 2 had machine types 2.0 to 2.12, then 3.0, 3.1, 4.0… */
static inline void test_add_machines(
	struct capabilities *caps, const char *chipset, const char *alias, const char *cpu)
{
	static const char *const versions[] = {"2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6",
		"2.7", "2.8", "2.9", "2.10", "2.11", "2.12", "3.0", "3.1", "4.0", "4.1", "4.2",
		"5.0", "5.1", "5.2", "6.0", "6.1", "6.2", "7.0", "7.1", "7.2"};
	size_t count = sizeof versions / sizeof versions[0];

	for (size_t i = count; i-- > 0;) {
		struct machine_type *machine = &caps->machines[caps->machine_count++];
		char name[32];

		snprintf(name, sizeof name, "pc-%s-%s", chipset, versions[i]);
		machine->name = test_string(name);
		machine->default_cpu = test_string(cpu);
		machine->cpu_max = strcmp(alias, "q35") == 0 ? 288 : 255;
		machine->hotpluggable_cpus = true;
		if (i == count - 1) {
			machine->alias = test_string(alias);
			machine->is_default = strcmp(alias, "pc") == 0;
		}
	}
}

static inline struct capabilities *test_capabilities_of(const char *emulator, const char *cpu)
{
	static const char *const devices[] = {"i82801b11-bridge", "ich9-ahci", "lsi53c895a",
		"pci-bridge", "pcie-pci-bridge", "pcie-root-port", "piix3-usb-uhci", "qemu-xhci",
		"virtio-balloon-pci", "virtio-blk-pci", "virtio-net-pci", "virtio-scsi-pci"};
	struct capabilities *caps = calloc(1, sizeof *caps);

	assert(caps);
	caps->emulator = test_string(emulator);
	caps->version = test_string("7.2.22");
	caps->package = test_string("");
	caps->kvm = true;
	caps->machines = calloc(64, sizeof caps->machines[0]);
	caps->devices = calloc(16, sizeof caps->devices[0]);
	assert(caps->machines && caps->devices);
	test_add_machines(caps, "i440fx", "pc", cpu);
	test_add_machines(caps, "q35", "q35", cpu);
	for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
		caps->devices[caps->device_count++] = test_string(devices[i]);
	return caps;
}

static inline struct capabilities *test_capabilities(void)
{
	return test_capabilities_of("/usr/bin/qemu-system-x86_64", "qemu64");
}

static inline struct capabilities *test_capabilities_i386(void)
{
	return test_capabilities_of("/usr/bin/qemu-system-i386", "qemu32");
}

#endif
