/* SPDX-License-Identifier: Apache-2.0 */

/* Images that are made anew: what they are, whose, and what is never touched. */
#include "qmp/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

#define EMULATOR "/usr/bin/qemu-system-x86_64"
#define SIZE (1ull << 40) /* more than there is room for */

static char folder[] = "/tmp/image.XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/disk.img", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder); /* fails where something was left */
}

static void make(const char *format, const char *backing)
{
	const struct image image = {
		.path = path,
		.format = format,
		.size = SIZE,
		.backing = backing,
		.backing_format = "raw",
	};
	struct dd_error err = {.code = 0};

	if (image_create(EMULATOR, &image, &err))
		fail_msg("%s", err.message);
}

static struct stat look(void)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	return info;
}

static void image_raw__is_a_hole(void **state)
{
	struct stat info;

	(void)state;
	make("raw", NULL);
	info = look();
	assert_true((uint64_t)info.st_size == SIZE);
	assert_int_equal(info.st_blocks, 0);
	assert_true(image_size(path, "raw") == SIZE);
	assert_true(image_size(path, "qcow2") == 0);
	assert_true(image_size(path, "vmdk") == 0);
}

/* Bytes of a qcow2 header, most significant first. */
static uint64_t number(const struct text *text, size_t at)
{
	uint64_t value = 0;

	for (size_t i = at; i < at + 8; i++)
		value = value << 8 | (unsigned char)text->data[i];
	return value;
}

static void image_qcow2__has_its_size_and_what_it_builds_on(void **state)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	static const char base[] = "/nowhere/base.img";
	struct stat info;

	(void)state;
	make("qcow2", base);
	info = look();
	assert_true(info.st_size < 1 << 20);
	assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	assert_memory_equal(text.data, "QFI\xfb", 4);
	assert_true(number(&text, 24) == SIZE);
	assert_true(image_size(path, "qcow2") == SIZE);
	assert_true(image_size("/nowhere/disk.img", "raw") == 0);
	assert_true(image_size(folder, "raw") == 0);
	assert_memory_equal(text.data + number(&text, 8), base, strlen(base));
}

static void image__what_is_there_stays(void **state)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	const struct image image = {.path = path, .format = "qcow2", .size = SIZE};
	struct dd_error err = {.code = 0};

	(void)state;
	assert_int_equal(file_replace(path, 0600, "mine", 4, NULL), 0);
	assert_int_equal(image_create(EMULATOR, &image, &err), DD_EXISTS);
	assert_non_null(strstr(err.message, path));
	assert_int_equal(file_read(path, 16, &text, NULL), 0);
	assert_string_equal(text_string(&text), "mine");
}

static void image__nothing_is_left_of_one_that_cannot_be_made(void **state)
{
	struct image image = {.path = path, .format = "qcow2", .size = UINT64_MAX / 2};
	struct dd_error err = {.code = 0};

	(void)state;
	assert_int_equal(image_create(EMULATOR, &image, &err), DD_HYPERVISOR);
	assert_int_equal(access(path, F_OK), -1);
	image.size = SIZE;
	assert_int_equal(image_create("/nowhere/qemu", &image, &err), DD_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	image.path = "/nowhere/disk.img";
	assert_int_equal(image_create(EMULATOR, &image, &err), DD_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(image_raw__is_a_hole),
		TEST(image_qcow2__has_its_size_and_what_it_builds_on),
		TEST(image__what_is_there_stays),
		TEST(image__nothing_is_left_of_one_that_cannot_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
