/* SPDX-License-Identifier: Apache-2.0 */

/* What takes a guest that answers: a booted Linux. */
#include "tests/support/guest.h"

#include "base/file.h"
#include "qmp/deadline.h"

#define BOOT_MS 120000
#define STEP_MS 30000

/* The kernel and initrd that tests/guest/build-guest has made. */
static const char *guest_file(const char *variable, const char *name)
{
	static char path[2][512];
	static unsigned next;
	const char *given = getenv(variable);
	char *out = path[next++ % 2];

	snprintf(out, sizeof path[0], "%s", given ? given : "");
	if (!given)
		snprintf(out, sizeof path[0], "%s/build/guest/%s", SOURCE_DIR, name);
	if (access(out, R_OK))
		skip();
	return out;
}

static void await_words(struct place *place, const char *words, int wait_ms)
{
	int64_t deadline = deadline_in(wait_ms);
	char path[128];

	snprintf(path, sizeof path, "%s/serial.log", place->root);
	for (;;) {
		CLEANUP(text) struct text log = TEXT_INIT;

		if (file_read(path, 1 << 22, &log, NULL) == 0 && strstr(text_string(&log), words))
			return;
		if (!deadline_left(deadline))
			fail_msg("the guest has not said '%s':\n%s", words, text_string(&log));
		deadline_nap(50);
	}
}

#define SERIAL                                                                        \
	"<serial type='file'><source path='@/serial.log'/><target type='isa-serial' " \
	"port='0'><model name='isa-serial'/></target><alias name='serial0'/></serial>"

static struct place *boot(void **state, const char *machine)
{
	static char os[2048];
	struct place *place = *state;
	struct dd_error err = {.code = 0};

	snprintf(os, sizeof os,
		"<kernel>%s</kernel><initrd>%s</initrd><cmdline>console=ttyS0 quiet "
		"no_timer_check</cmdline>",
		guest_file("GUEST_KERNEL", "vmlinuz"), guest_file("GUEST_INITRD", "initrd"));
	place->os = os;
	start(state, machine, SERIAL);
	must(guest_continue(place->guest, &err), &err);
	await_words(place, "READY", BOOT_MS);
	return place;
}

#define NIC(bus, slot)                                                                           \
	"<interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/><alias " \
	"name='net7'/><address type='pci' domain='0' bus='" #bus "' slot='" #slot                \
	"' function='0'/></interface>"
#define DISK(bus, slot)                                                                   \
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source "        \
	"file='@/a.img'/><target dev='vdb' bus='virtio'/><serial>plugged</serial><alias " \
	"name='virtio-disk1'/><address type='pci' domain='0' bus='" #bus "' slot='" #slot \
	"' function='0'/></disk>"

static void plug_and_unplug(struct place *place, const char *machine, const char *devices,
	const char *alias, const char *words)
{
	struct dd_error err = {.code = 0};

	for (int again = 0; again < 2; again++) {
		define(place, machine, devices);
		must(guest_attach(place->guest, place->live, device(place, alias), &err), &err);
		await_words(place, words, STEP_MS);
		assert_in_step(place);
		must(guest_detach(place->guest, place->live, device(place, alias), STEP_MS, &err),
			&err);
		define(place, machine, SERIAL);
		assert_in_step(place);
	}
}

static void shut_down(struct place *place)
{
	struct dd_error err = {.code = 0};

	must(guest_powerdown(place->guest, &err), &err);
	must(guest_await_exit(place->folder, STEP_MS, &err), &err);
}

static void guest_detach__waits_for_a_linux_on_pc(void **state)
{
	struct place *place = boot(state, "pc");

	plug_and_unplug(place, "pc", SERIAL NIC(0, 12), "net7", "52:54:00:00:00:07");
	plug_and_unplug(place, "pc", SERIAL DISK(0, 13), "virtio-disk1", "plugged");
	shut_down(place);
}

static void guest_detach__waits_for_a_linux_on_q35(void **state)
{
	struct place *place = boot(state, "q35");

	plug_and_unplug(place, "q35", SERIAL NIC(5, 0), "net7", "52:54:00:00:00:07");
	plug_and_unplug(place, "q35", SERIAL DISK(6, 0), "virtio-disk1", "plugged");
	shut_down(place);
}

static void guest_set_vcpus__plugs_and_unplugs_with_a_linux(void **state)
{
	struct place *place = boot(state, "q35");
	struct dd_error err = {.code = 0};

	must(guest_set_vcpus(place->guest, place->live, 2, &err), &err);
	await_words(place, "cpu + 1", STEP_MS);
	must(guest_set_vcpus(place->guest, place->live, 1, &err), &err);
	assert_in_step(place);
	shut_down(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(guest_detach__waits_for_a_linux_on_pc),
		TEST(guest_detach__waits_for_a_linux_on_q35),
		TEST(guest_set_vcpus__plugs_and_unplugs_with_a_linux),
	};

	return cmocka_run_group_tests_name("qmp_unplug", tests, setup_group, teardown_group);
}
