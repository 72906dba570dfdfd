/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/capabilities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define QEMU "/usr/bin/qemu-system-x86_64"

static void capabilities_probe__asks_a_real_qemu(void **state)
{
	CLEANUP(capabilities) struct capabilities *caps = NULL;
	struct dd_error err = {.code = 0};

	(void)state;
	assert_int_equal(capabilities_probe(QEMU, &caps, &err), 0);
	assert_string_equal(caps->emulator, QEMU);
	assert_true(strchr(caps->version, '.') != NULL);

	const struct machine_type *q35 = capabilities_machine(caps, "q35");

	assert_non_null(q35);
	assert_int_equal(strncmp(q35->name, "pc-q35-", 7), 0);
	assert_string_equal(q35->alias, "q35");
	assert_string_equal(q35->default_cpu, "qemu64");
	assert_true(q35->hotpluggable_cpus);
	assert_true(q35->cpu_max > 1);
	assert_true(capabilities_machine(caps, "pc")->is_default);
	assert_true(capabilities_cpu(caps, "qemu64")->usable);
	assert_true(capabilities_has_device(caps, "virtio-blk-pci"));
	assert_false(capabilities_has_device(caps, "no-such-device"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void capabilities_from_json__is_what_was_written(void **state)
{
	CLEANUP(capabilities) struct capabilities *caps = NULL;
	CLEANUP(capabilities) struct capabilities *again = NULL;
	CLEANUP(text) struct text first = TEXT_INIT;
	CLEANUP(text) struct text second = TEXT_INIT;

	(void)state;
	assert_int_equal(capabilities_probe(QEMU, &caps, NULL), 0);
	assert_int_equal(capabilities_to_json(caps, &first, NULL), 0);
	assert_int_equal(capabilities_from_json(text_string(&first), first.size, &again, NULL), 0);
	assert_int_equal(capabilities_to_json(again, &second, NULL), 0);
	assert_string_equal(text_string(&first), text_string(&second));
	assert_int_equal(again->device_count, caps->device_count);
}

static void capabilities_from_json__refuses_anything_else(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"emulator\":\"/q\"}",
		"{\"emulator\":1,\"version\":\"7\"}",
		"{\"emulator\":\"/q\",\"version\":\"7\",\"machines\":[1]}",
		"{\"emulator\":\"/q\",\"version\":\"7\",\"cpus\":[{}]}",
		"{\"emulator\":\"/q\",\"version\":\"7\",\"devices\":[null]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct capabilities *caps = NULL;

		if (capabilities_from_json(cases[i], strlen(cases[i]), &caps, NULL) != DD_INVALID)
			fail_msg("'%s' was taken", cases[i]);
		assert_null(caps);
	}
}

static void capabilities_probe__says_what_is_wrong_with_a_program(void **state)
{
	static const struct {
		const char *program;
		int code;
		const char *words;
	} cases[] = {
		{"/no/such/qemu", DD_NOT_FOUND, "no QEMU at /no/such/qemu"},
		{"/bin/true", DD_HYPERVISOR, "/bin/true"},
		{"/bin/cat", DD_HYPERVISOR, "cat"},
		{"/etc/passwd", DD_HYPERVISOR, "/etc/passwd"},
		{"qemu-system-x86_64", DD_INVALID, "full path"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct capabilities *caps = NULL;
		struct dd_error err = {.code = 0};

		assert_int_equal(capabilities_probe(cases[i].program, &caps, &err), cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		if (!strstr(err.message, cases[i].words))
			fail_msg("%s: %s", cases[i].program, err.message);
		assert_null(caps);
	}
}

static void capabilities_key__changes_with_the_binary(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[256];
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text same = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;

	(void)state;
	snprintf(path, sizeof path, "%s/domesday-key-XXXXXX", tmp ? tmp : "/tmp");

	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(capabilities_key(path, &before, NULL), 0);
	assert_int_equal(capabilities_key(path, &same, NULL), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(capabilities_key(path, &after, NULL), 0);
	close(fd);
	unlink(path);
	assert_string_equal(text_string(&before), text_string(&same));
	assert_string_not_equal(text_string(&before), text_string(&after));
	assert_int_equal(capabilities_key(path, &after, NULL), DD_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_probe__asks_a_real_qemu),
		cmocka_unit_test(capabilities_from_json__is_what_was_written),
		cmocka_unit_test(capabilities_from_json__refuses_anything_else),
		cmocka_unit_test(capabilities_probe__says_what_is_wrong_with_a_program),
		cmocka_unit_test(capabilities_key__changes_with_the_binary),
	};

	return cmocka_run_group_tests_name("qmp_capabilities", tests, NULL, NULL);
}
