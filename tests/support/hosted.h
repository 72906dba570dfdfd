/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HOSTED_H
#define TESTS_SUPPORT_HOSTED_H

/* A host with one domain, 'vm1', and an operation on it: for tests of what is made of a domain. */

#include <ftw.h>
#include <limits.h>
#include <unistd.h>

#include "domain/operation.h"
#include "tests/support/document.h"

#define HOSTED_UUID "11111111-2222-4333-8444-00000000000a"
#define HOSTED_ID "0123456789abcdef0123456789abcdef"
#define HOSTED_SECRET "Gurke-17"

struct hosted {
	char folder[PATH_MAX];
	struct dd_host *host;
	struct operation op;
	struct dd_error err;
};

static const char hosted_definition[] =
	"<domain type='qemu'><name>vm1</name><uuid>" HOSTED_UUID
	"</uuid><metadata><own:er xmlns:own='urn:x'><own:source bridge='br0'/></own:er></metadata>"
	"<memory>65536</memory><os><type arch='x86_64'>hvm</type></os><devices>"
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
	"<source file='/images/a.raw'/><target dev='vda' bus='virtio'/></disk>"
	"<interface type='bridge'><mac address='52:54:00:aa:bb:cc'/><source bridge='br0'/>"
	"<model type='virtio'/></interface>"
	"<graphics type='vnc' port='-1' autoport='yes' passwd='" HOSTED_SECRET "'/>"
	"</devices></domain>";

static inline int hosted_remove(
	const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

static inline int hosted_setup(void **state)
{
	struct hosted *hosted = calloc(1, sizeof *hosted);
	struct dd_host_options options = {.create = true, .host_name = "alpha"};

	assert_non_null(hosted);
	snprintf(hosted->folder, sizeof hosted->folder, "%s/domesday-hosted-XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(hosted->folder));
	options.book = hosted->folder;
	must(dd_host_open(&options, &hosted->host, &hosted->err), &hosted->err);
	must(dd_define(hosted->host, hosted_definition, strlen(hosted_definition), NULL, NULL, NULL,
		     NULL, NULL, &hosted->err),
		&hosted->err);
	must(operation_begin(
		     &hosted->op, hosted->host, "vm1", OPERATION_MIGRATE, NULL, &hosted->err),
		&hosted->err);
	*state = hosted;
	return 0;
}

static inline int hosted_teardown(void **state)
{
	struct hosted *hosted = *state;

	operation_end(&hosted->op);
	dd_host_close(hosted->host);
	nftw(hosted->folder, hosted_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(hosted);
	return 0;
}

#define HOSTED_TEST(name) cmocka_unit_test_setup_teardown(name, hosted_setup, hosted_teardown)

#endif
