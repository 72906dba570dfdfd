/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_GUEST_H
#define TESTS_SUPPORT_GUEST_H

/*
 * A guest for a test: a folder of its own, images in it, a definition, and a real QEMU that runs it
 * without KVM. Included by one program each, so everything is static.
 */
#include "qmp/capabilities.h"
#include "qmp/guest_internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define QEMU "/usr/bin/qemu-system-x86_64"
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A place for one test's guest: a folder, images in it, and the definition. */
struct place {
	char root[64];
	char folder[96];
	struct capabilities *caps;
	const char *os;   /* what <os> has besides its type; may be NULL */
	const char *more; /* elements of the domain; may be NULL */
	struct document *live;
	struct guest *guest;
};

static struct capabilities *caps;

/* QEMU belongs to what the tests need: without one they fail, all of them. */
__attribute__((unused)) static int setup_group(void **state)
{
	(void)state;
	return capabilities_probe(QEMU, &caps, NULL);
}

__attribute__((unused)) static int teardown_group(void **state)
{
	(void)state;
	capabilities_free(caps);
	return 0;
}

__attribute__((unused)) static void make_image(const struct place *place, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", place->root, name);

	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	close(fd);
}

__attribute__((unused)) static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct place *place = calloc(1, sizeof *place);

	snprintf(place->root, sizeof place->root, "%s/domesday-qmp-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(place->root))
		return -1;
	snprintf(place->folder, sizeof place->folder, "%s/run", place->root);
	place->caps = caps;
	make_image(place, "a.img");
	make_image(place, "b, with=comma.img");
	make_image(place, "c.iso");
	make_image(place, "d.iso");
	*state = place;
	return 0;
}

__attribute__((unused)) static int teardown(void **state)
{
	static const char *const files[] = {"a.img", "b, with=comma.img", "c.iso", "d.iso",
		"run/qemu.lock", "run/qemu.log", "run/monitor.sock", "run/channel0.sock",
		"run/channel1.sock", "run/vnc.sock", "serial.log"};
	struct place *place = *state;

	guest_free(place->guest);
	guest_destroy(place->folder, NULL);
	document_free(place->live);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[256];

		snprintf(path, sizeof path, "%s/%s", place->root, files[i]);
		unlink(path);
	}
	rmdir(place->folder);
	rmdir(place->root);
	free(place);
	return 0;
}

#define PC_CONTROLLERS                                                                         \
	"<controller type='pci' index='0' model='pci-root'><alias name='pci.0'/></controller>" \
	"<controller type='ide' index='0'><alias name='ide'/>"                                 \
	"<address type='pci' domain='0' bus='0' slot='1' function='1'/></controller>"          \
	"<controller type='usb' index='0' model='piix3-uhci'><alias name='usb'/>"              \
	"<address type='pci' domain='0' bus='0' slot='1' function='2'/></controller>"          \
	"<controller type='scsi' index='0' model='virtio-scsi'><alias name='scsi0'/>"          \
	"<address type='pci' domain='0' bus='0' slot='5' function='0'/></controller>"          \
	"<controller type='virtio-serial' index='0'><alias name='virtio-serial0'/>"            \
	"<address type='pci' domain='0' bus='0' slot='6' function='0'/></controller>"

#define Q35_PORT(index, slot, function, more)                                                  \
	"<controller type='pci' index='" #index "' model='pcie-root-port'>"                    \
	"<model name='pcie-root-port'/><target chassis='" #index "' port='" #index             \
	"'/><alias name='pci." #index "'/><address type='pci' domain='0' bus='0' slot='" #slot \
	"' function='" #function "'" more "/></controller>"

#define Q35_CONTROLLERS                                                                           \
	"<controller type='pci' index='0' model='pcie-root'><alias "                              \
	"name='pcie.0'/></controller>" Q35_PORT(1, 2, 0, " multifunction='on'") Q35_PORT(2, 2, 1, \
		"") Q35_PORT(3, 2, 2, "") Q35_PORT(4, 2, 3, "") Q35_PORT(5, 2, 4, "") Q35_PORT(6, \
		2, 5,                                                                             \
		"") "<controller type='sata' index='0'><alias name='ide'/>"                       \
		    "<address type='pci' domain='0' bus='0' slot='0x1f' "                         \
		    "function='2'/></controller>"                                                 \
		    "<controller type='usb' index='0' model='qemu-xhci' ports='15'><alias "       \
		    "name='usb'/>"                                                                \
		    "<address type='pci' domain='0' bus='1' slot='0' function='0'/></controller>" \
		    "<controller type='scsi' index='0' model='virtio-scsi'><alias name='scsi0'/>" \
		    "<address type='pci' domain='0' bus='2' slot='0' function='0'/></controller>" \
		    "<controller type='virtio-serial' index='0'><alias name='virtio-serial0'/>"   \
		    "<address type='pci' domain='0' bus='3' slot='0' function='0'/></controller>"

#define SCSI_DISK(unit, file)                                                                   \
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='@/" file \
	"'/><target dev='sd" #unit "' bus='scsi'/><alias name='scsi0-0-0-" #unit                \
	"'/><address type='drive' controller='0' bus='0' target='0' unit='" #unit "'/></disk>"

#define PORT_NIC(bus, mac)                                                      \
	"<interface type='user'><mac address='" mac "'/><model type='virtio'/>" \
	"<alias name='net7'/><address type='pci' domain='0' bus='" #bus         \
	"' slot='0' function='0'/></interface>"

/* Replaces each @ by the place's root. */
__attribute__((unused)) static void put_text(
	const struct place *place, const char *text, struct text *out)
{
	for (; *text; text++)
		if (*text == '@')
			text_puts(out, place->root);
		else
			text_putc(out, *text);
}

__attribute__((unused)) static void define(
	struct place *place, const char *machine, const char *devices)
{
	const char *controllers = strstr(machine, "q35") ? Q35_CONTROLLERS : PC_CONTROLLERS;
	CLEANUP(text) struct text xml = TEXT_INIT;
	struct dd_error err = {.code = 0};

	text_printf(&xml,
		"<domain type='qemu'><name>test, with=comma</name>"
		"<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
		"<memory unit='KiB'>131072</memory><currentMemory unit='KiB'>131072</currentMemory>"
		"<vcpu cpuset='0-63' current='1'>2</vcpu>"
		"<os><type arch='x86_64' machine='%s'>hvm</type>",
		machine);
	put_text(place, place->os ? place->os : "", &xml);
	text_puts(&xml, "</os><features><acpi/></features><cpu mode='custom' match='exact'>"
			"<model fallback='forbid'>qemu64</model></cpu>"
			"<devices><emulator>" QEMU "</emulator>");
	put_text(place, controllers, &xml);
	put_text(place, devices, &xml);
	text_printf(&xml, "</devices>%s</domain>", place->more ? place->more : "");
	document_free(place->live);
	place->live = NULL;
	if (document_parse(text_string(&xml), xml.size, "test", &place->live, &err)) {
		char line[2048];

		dd_error_format(&err, line, sizeof line);
		fail_msg("%s", line);
	}
}

__attribute__((unused)) static void must(int code, const struct dd_error *err)
{
	char line[2048];

	if (!code)
		return;
	dd_error_format(err, line, sizeof line);
	fail_msg("%s", line);
}

__attribute__((unused)) static struct place *start(
	void **state, const char *machine, const char *devices)
{
	struct place *place = *state;
	struct dd_error err = {.code = 0};

	define(place, machine, devices);
	must(guest_check(place->live, caps, &err), &err);
	must(guest_start(place->folder, place->live, caps, &place->guest, &err), &err);
	return place;
}

__attribute__((unused)) static const char pc_devices[] =
	"<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/>"
	"<source file='@/b, with=comma.img'/><target dev='vda' bus='virtio'/><serial>S,1</serial>"
	"<alias name='virtio-disk0'/><address type='pci' domain='0' bus='0' slot='7' function='0'/>"
	"</disk>"
	"<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='@/c.iso'/>"
	"<target dev='hda' bus='ide'/><readonly/><alias name='ide0-0-0'/>"
	"<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"
	"<interface type='user'><mac address='52:54:00:12:34:56'/><model type='virtio'/>"
	"<alias name='net0'/><address type='pci' domain='0' bus='0' slot='3' function='0'/>"
	"</interface>"
	"<interface type='user'><mac address='52:54:00:12:34:57'/><model type='e1000'/>"
	"<link state='down'/><alias name='net1'/>"
	"<address type='pci' domain='0' bus='0' slot='9' function='0'/></interface>"
	"<serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target>"
	"<alias name='serial0'/></serial>"
	"<console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>"
	"<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>"
	"<alias name='channel0'/><address type='virtio-serial' controller='0' bus='0' port='1'/>"
	"</channel>"
	"<input type='tablet' bus='usb'><alias name='input0'/>"
	"<address type='usb' bus='0' port='1'/></input>"
	"<input type='mouse' bus='ps2'><alias name='input1'/></input>"
	"<graphics type='vnc' port='-1' autoport='yes'><listen type='address' address='127.0.0.1'/>"
	"</graphics>"
	"<sound model='ich6'><alias name='sound0'/>"
	"<address type='pci' domain='0' bus='0' slot='8' function='0'/></sound>"
	"<audio id='1' type='none'/>"
	"<video><model type='cirrus' vram='16384' heads='1' primary='yes'/><alias name='video0'/>"
	"<address type='pci' domain='0' bus='0' slot='2' function='0'/></video>"
	"<watchdog model='i6300esb' action='reset'><alias name='watchdog0'/>"
	"<address type='pci' domain='0' bus='0' slot='10' function='0'/></watchdog>"
	"<memballoon model='virtio'><alias name='balloon0'/>"
	"<address type='pci' domain='0' bus='0' slot='4' function='0'/></memballoon>"
	"<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='rng0'/>"
	"<address type='pci' domain='0' bus='0' slot='11' function='0'/></rng>"
	"<panic model='isa'><alias name='panic0'/><address type='isa' iobase='0x505'/></panic>";

__attribute__((unused)) static const char q35_devices[] =
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='@/a.img'/>"
	"<target dev='sda' bus='scsi'/><alias name='scsi0-0-0-0'/>"
	"<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"
	"<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='@/c.iso'/>"
	"<target dev='sdb' bus='sata'/><readonly/><alias name='sata0-0-0'/>"
	"<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"
	"<interface type='user'><mac address='52:54:00:12:34:56'/><model type='e1000e'/>"
	"<alias name='net0'/><address type='pci' domain='0' bus='4' slot='0' function='0'/>"
	"</interface>"
	"<serial type='file'><source path='@/serial.log'/><target type='isa-serial' port='0'>"
	"<model name='isa-serial'/></target><alias name='serial0'/></serial>"
	"<console type='pty'><target type='virtio' port='1'/><alias name='console1'/>"
	"<address type='virtio-serial' controller='0' bus='0' port='1'/></console>"
	"<sound model='ich9'><codec type='micro'/><alias name='sound0'/>"
	"<address type='pci' domain='0' bus='0' slot='0x1b' function='0'/></sound>"
	"<audio id='1' type='none'/>"
	"<watchdog model='itco' action='none'><alias name='watchdog0'/></watchdog>"
	"<video><model type='virtio' heads='1' primary='yes'/><alias name='video0'/>"
	"<address type='pci' domain='0' bus='0' slot='1' function='0'/></video>"
	"<memballoon model='virtio'><stats period='5'/><alias name='balloon0'/>"
	"<address type='pci' domain='0' bus='5' slot='0' function='0'/></memballoon>";

__attribute__((unused)) static void assert_says(const struct dd_error *err, const char *words)
{
	if (!strstr(err->message, words))
		fail_msg("'%s' is not in '%s'", words, err->message);
}

/* The device with this alias in the place's document. */
__attribute__((unused)) static xmlNode *device(const struct place *place, const char *alias)
{
	xmlNode *node = NULL;
	struct dd_error err = {.code = 0};

	must(document_find_device(place->live, alias, &node, &err), &err);
	return node;
}

__attribute__((unused)) static size_t drift(struct place *place, struct text *out)
{
	CLEANUP(json) struct json *findings = NULL;
	struct dd_error err = {.code = 0};

	must(guest_drift(place->guest, place->live, &findings, &err), &err);
	text_clear(out);
	assert_int_equal(json_write(findings, out, NULL), 0);
	return json_count(findings);
}

__attribute__((unused)) static void assert_in_step(struct place *place)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	if (drift(place, &text))
		fail_msg("%s", text_string(&text));
}

__attribute__((unused)) static bool has(struct place *place, const char *alias)
{
	struct dd_error err = {.code = 0};
	bool there = false;

	must(guest_has_device(place->guest, alias, &there, &err), &err);
	return there;
}

#endif
