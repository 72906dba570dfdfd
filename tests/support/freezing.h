/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FREEZING_H
#define TESTS_SUPPORT_FREEZING_H

/* For programs whose tests freeze: the options that they all use, made once for the group. */

#include "tests/support/document.h"

static struct freeze_options options;

static int setup(void **state)
{
	(void)state;
	options.capabilities = test_capabilities();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	capabilities_free((struct capabilities *)(uintptr_t)options.capabilities);
	return 0;
}

#endif
