/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/guest.h"

#include <time.h>

static void guest_start__runs_a_pc(void **state)
{
	struct place *place = start(state, "pc", pc_devices);
	enum guest_status status;
	struct dd_error err = {.code = 0};
	pid_t pid = 0;

	assert_true(guest_alive(place->folder, &pid));
	assert_int_equal(pid, guest_pid(place->guest));
	assert_true(pid > 1);
	must(guest_status(place->guest, &status, &err), &err);
	assert_int_equal(status, GUEST_PRELAUNCH);
	must(guest_continue(place->guest, &err), &err);
	must(guest_status(place->guest, &status, &err), &err);
	assert_int_equal(status, GUEST_RUNNING);
	must(guest_stop(place->guest, &err), &err);
	must(guest_status(place->guest, &status, &err), &err);
	assert_int_equal(status, GUEST_PAUSED);
}

static void guest_start__runs_a_q35(void **state)
{
	struct place *place = start(state, "q35", q35_devices);
	bool there = false;

	assert_int_equal(guest_has_device(place->guest, "net0", &there, NULL), 0);
	assert_true(there);
	assert_int_equal(guest_has_device(place->guest, "net9", &there, NULL), 0);
	assert_false(there);
}

/* ---- life and death ---- */

static void guest_start__refuses_a_second_one(void **state)
{
	struct place *place = start(state, "q35", "");
	struct guest *other = NULL;
	struct dd_error err = {.code = 0};

	assert_int_equal(guest_start(place->folder, place->live, caps, &other, &err), DD_EXISTS);
	assert_null(other);
	assert_true(guest_alive(place->folder, NULL));
}

static void guest_start__tells_why_qemu_died(void **state)
{
	struct place *place = *state;
	struct guest *guest = NULL;
	struct dd_error err = {.code = 0};

	define(place, "q35", SCSI_DISK(1, "missing.img"));
	assert_int_equal(
		guest_start(place->folder, place->live, caps, &guest, &err), DD_HYPERVISOR);
	assert_says(&err, "missing.img");
	assert_says(&err, "No such file");
	assert_null(guest);
	assert_false(guest_alive(place->folder, NULL));
}

static void guest_start__keeps_its_folder_private(void **state)
{
	struct place *place = start(state, "pc", pc_devices);
	static const char *const files[] = {
		"qemu.lock", "qemu.log", "monitor.sock", "channel0.sock"};
	struct stat info;

	assert_int_equal(stat(place->folder, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[256];

		snprintf(path, sizeof path, "%s/%s", place->folder, files[i]);
		assert_int_equal(stat(path, &info), 0);
		if (info.st_mode & 0077)
			fail_msg("%s: %o", files[i], info.st_mode & 0777);
	}
}

static void guest_start__makes_the_variables_of_a_firmware(void **state)
{
	struct place *place = *state;
	CLEANUP(text) struct text made = TEXT_INIT;
	struct stat info;
	char path[256];

	/* any image of a fitting size will do for a guest that never runs */
	place->os = "<loader readonly='yes' type='pflash'>@/c.iso</loader>"
		    "<nvram template='@/d.iso'>@/vars.fd</nvram>";
	place = start(state, "q35", "");
	snprintf(path, sizeof path, "%s/vars.fd", place->root);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_size, 1 << 20);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_in_step(place);
	unlink(path);
}

static void guest_connect__finds_a_guest_whose_starter_was_killed(void **state)
{
	struct place *place = *state;
	struct dd_error err = {.code = 0};
	enum guest_status status;
	int result = 0;

	define(place, "q35", "");

	pid_t starter = fork();

	if (starter == 0) {
		if (guest_start(place->folder, place->live, caps, &place->guest, &err))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(starter, &result, 0), starter);
	assert_true(WIFSIGNALED(result));
	assert_true(guest_alive(place->folder, NULL));
	must(guest_connect(place->folder, &place->guest, &err), &err);
	must(guest_status(place->guest, &status, &err), &err);
	assert_int_equal(status, GUEST_PRELAUNCH);
}

/*
 * Whenever the starter is killed, either there is a guest that answers and can be ended, or there
 * is none and one can be started.
 */
static void guest_start__may_be_killed_at_any_moment(void **state)
{
	struct place *place = *state;
	struct dd_error err = {.code = 0};
	unsigned survivors = 0;

	define(place, "q35", "");
	srand(20261120);
	for (int i = 0; i < 40; i++) {
		const struct timespec moment = {.tv_nsec = rand() % 60000000};
		pid_t starter = fork();

		if (starter == 0) {
			struct guest *guest = NULL;

			_exit(guest_start(place->folder, place->live, caps, &guest, NULL) ? 1 : 0);
		}
		nanosleep(&moment, NULL);
		kill(starter, SIGKILL);
		waitpid(starter, NULL, 0);

		int code = guest_connect(place->folder, &place->guest, &err);

		if (code && code != DD_NOT_FOUND)
			must(code, &err);
		survivors += !code;
		guest_free(TAKE(place->guest));
		must(guest_destroy(place->folder, &err), &err);
		assert_false(guest_alive(place->folder, NULL));
	}
	assert_true(survivors > 0);
}

static void guest_connect__reconnects_again_and_again(void **state)
{
	struct place *place = start(state, "q35", "");
	struct dd_error err = {.code = 0};

	for (int i = 0; i < 20; i++) {
		guest_free(TAKE(place->guest));
		must(guest_connect(place->folder, &place->guest, &err), &err);
	}
}

static void guest_connect__says_when_somebody_else_is_served(void **state)
{
	struct place *place = start(state, "q35", "");
	struct guest *other = NULL;
	struct dd_error err = {.code = 0};

	assert_int_equal(guest_meet(place->folder, 200, &other, &err), DD_BUSY);
	assert_null(other);
	must(guest_stop(place->guest, &err), &err);
}

static void guest_status__tells_that_qemu_has_died(void **state)
{
	struct place *place = start(state, "q35", "");
	enum guest_status status;
	struct dd_error err = {.code = 0};

	assert_int_equal(kill(guest_pid(place->guest), SIGKILL), 0);
	assert_int_equal(guest_await_exit(place->folder, 5000, &err), 0);
	assert_int_equal(guest_status(place->guest, &status, &err), DD_HYPERVISOR);
	assert_says(&err, "QEMU has ended");
	assert_false(guest_alive(place->folder, NULL));
	guest_free(TAKE(place->guest));
	assert_int_equal(guest_connect(place->folder, &place->guest, &err), DD_NOT_FOUND);
}

static void guest_destroy__ends_it_however_it_stands(void **state)
{
	for (int stopped = 0; stopped < 2; stopped++) {
		struct place *place = start(state, "q35", "");
		struct dd_error err = {.code = 0};

		assert_int_equal(guest_await_exit(place->folder, 10, &err), DD_BUSY);
		/* with the monitor taken, signals must do */
		if (stopped)
			guest_free(TAKE(place->guest));
		must(guest_destroy(place->folder, &err), &err);
		assert_false(guest_alive(place->folder, NULL));
		must(guest_destroy(place->folder, &err), &err);
		guest_free(TAKE(place->guest));
	}
}

static void guest_start__works_in_a_folder_with_a_long_name(void **state)
{
	struct place *place = *state;
	struct dd_error err = {.code = 0};
	char folder[512];
	char name[200];

	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	snprintf(folder, sizeof folder, "%s/%s", place->root, name);
	define(place, "q35", "");
	must(guest_start(folder, place->live, caps, &place->guest, &err), &err);
	guest_free(TAKE(place->guest));
	must(guest_connect(folder, &place->guest, &err), &err);
	guest_free(TAKE(place->guest));
	must(guest_destroy(folder, &err), &err);

	static const char *const files[] = {"qemu.lock", "qemu.log", "monitor.sock"};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[600];

		snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void guest_alive__is_false_where_nothing_ever_was(void **state)
{
	struct place *place = *state;

	assert_false(guest_alive(place->folder, NULL));
	assert_int_equal(guest_destroy(place->folder, NULL), 0);
	assert_int_equal(guest_await_exit(place->folder, 0, NULL), 0);
}

/* ---- what cannot be run ---- */

static void guest_check__names_what_it_cannot_honour(void **state)
{
	static const struct {
		const char *devices;
		const char *path;
		const char *words;
	} cases[] = {
		{"<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
			"/domain/devices/tpm", "tpm"},
		{"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source "
		 "file='@/a.img'/><target dev='sdb' bus='scsi'/><iotune><total_iops_sec>5"
		 "</total_iops_sec></iotune><alias name='scsi0-0-0-1'/><address type='drive' "
		 "controller='0' bus='0' target='0' unit='1'/></disk>",
			"/domain/devices/disk/iotune", "iotune"},
		{"<disk type='network' device='disk'><driver name='qemu' type='raw'/><source "
		 "protocol='nbd' name='x'><host name='h'/></source><target dev='vda' "
		 "bus='virtio'/><alias name='virtio-disk0'/><address type='pci' domain='0' bus='4' "
		 "slot='0' function='0'/></disk>",
			"/domain/devices/disk", "nbd"},
		{"<interface type='network'><mac address='52:54:00:00:00:07'/><source "
		 "network='default'/><model type='virtio'/><alias name='net0'/><address type='pci' "
		 "domain='0' bus='4' slot='0' function='0'/></interface>",
			"/domain/devices/interface", "network"},
		{"<graphics type='sdl'/>", "/domain/devices/graphics", "sdl"},
		{"<serial type='stdio'><target type='isa-serial' port='0'><model "
		 "name='isa-serial'/></target><alias name='serial0'/></serial>",
			"/domain/devices/serial", "stdio"},
	};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dd_error err = {.code = 0};

		define(place, "q35", cases[i].devices);
		assert_int_equal(guest_check(place->live, caps, &err), DD_UNSUPPORTED);
		assert_says(&err, cases[i].words);
		if (strncmp(err.path, cases[i].path, strlen(cases[i].path)) != 0)
			fail_msg("%s", err.path);
		assert_true(err.line > 0);
	}
}

static bool has_argument(const struct json *argv, const char *option, const char *value)
{
	for (size_t i = 0; i + 1 < json_count(argv); i++)
		if (strcmp(json_as_string(json_at(argv, i)), option) == 0 &&
			strcmp(json_as_string(json_at(argv, i + 1)), value) == 0)
			return true;
	return false;
}

static void guest_command_line__is_json_and_hardened(void **state)
{
	static const struct {
		const char *option;
		const char *value;
	} expected[] = {
		{"-name", "guest=test,, with=comma,debug-threads=on"},
		{"-sandbox",
			"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"},
		{"-accel", "tcg"},
		{"-m", "size=131072k"},
		{"-smp", "1,maxcpus=2,sockets=2,dies=1,cores=1,threads=1"},
		{"-boot", "strict=on"},
		{"-vnc", "127.0.0.1:0,to=999"},
		{"-chardev", "pty,id=charserial0"},
		{"-device", "{\"driver\":\"e1000\",\"id\":\"net1\",\"netdev\":\"hostnet1\",\"mac\":"
			    "\"52:54:00:12:34:57\",\"bus\":\"pci.0\",\"addr\":\"0x9\"}"},
	};
	struct place *place = *state;
	CLEANUP(json) struct json *argv = NULL;
	struct dd_error err = {.code = 0};

	define(place, "pc", pc_devices);
	must(guest_command_line(place->folder, place->live, caps, &argv, &err), &err);
	assert_string_equal(json_as_string(json_at(argv, 0)), QEMU);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		if (!has_argument(argv, expected[i].option, expected[i].value))
			fail_msg("%s %s", expected[i].option, expected[i].value);
	assert_false(guest_alive(place->folder, NULL));
}

static void guest_command_line__says_all_of_a_spice_screen(void **state)
{
	static const struct {
		const char *graphics;
		const char *value;
	} cases[] = {
		{"<graphics type='spice' autoport='yes' passwd='x'/>",
			"addr=127.0.0.1,seamless-migration=on"},
		{"<graphics type='spice' port='5930' autoport='no' listen='::1'><listen "
		 "type='address' address='::1'/></graphics>",
			"addr=::1,port=5930,seamless-migration=on,disable-ticketing=on"},
		{"<graphics type='spice'><listen type='socket' socket='/a,b'/></graphics>",
			"unix=on,addr=/a,,b,seamless-migration=on,disable-ticketing=on"},
		{"<graphics type='spice'><listen type='none'/></graphics>",
			"port=0,seamless-migration=on,disable-ticketing=on"},
		{"<graphics type='spice' autoport='yes' passwd='x' defaultMode='insecure'><channel "
		 "name='main' mode='insecure'/><image compression='off'/><jpeg "
		 "compression='never'/><zlib compression='auto'/><playback "
		 "compression='off'/><streaming mode='filter'/><clipboard copypaste='no'/><mouse "
		 "mode='server'/><filetransfer enable='no'/></graphics>",
			"addr=127.0.0.1,seamless-migration=on,image-compression=off,"
			"jpeg-wan-compression=never,zlib-glz-wan-compression=auto,"
			"playback-compression=off,streaming-video=filter,agent-mouse=off,"
			"disable-copy-paste=on,disable-agent-file-xfer=on,"
			"plaintext-channel=default,plaintext-channel=main"},
	};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(json) struct json *argv = NULL;
		struct dd_error err = {.code = 0};

		define(place, "q35", cases[i].graphics);
		must(guest_command_line(place->folder, place->live, caps, &argv, &err), &err);
		if (!has_argument(argv, "-spice", cases[i].value))
			fail_msg("%s", cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(guest_start__runs_a_pc),
		TEST(guest_start__runs_a_q35),
		TEST(guest_start__refuses_a_second_one),
		TEST(guest_start__tells_why_qemu_died),
		TEST(guest_start__keeps_its_folder_private),
		TEST(guest_start__works_in_a_folder_with_a_long_name),
		TEST(guest_start__makes_the_variables_of_a_firmware),
		TEST(guest_connect__finds_a_guest_whose_starter_was_killed),
		TEST(guest_start__may_be_killed_at_any_moment),
		TEST(guest_connect__reconnects_again_and_again),
		TEST(guest_connect__says_when_somebody_else_is_served),
		TEST(guest_status__tells_that_qemu_has_died),
		TEST(guest_destroy__ends_it_however_it_stands),
		TEST(guest_alive__is_false_where_nothing_ever_was),
		TEST(guest_check__names_what_it_cannot_honour),
		TEST(guest_command_line__is_json_and_hardened),
		TEST(guest_command_line__says_all_of_a_spice_screen),
	};

	return cmocka_run_group_tests_name("qmp_guest", tests, setup_group, teardown_group);
}
