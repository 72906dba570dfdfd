/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CHECK_CPU_H
#define SCHEMA_CHECK_CPU_H

#include "schema/document.h"

/* What can be said of <cpu> as it was given, before anything is filled in; also of a frozen one. */
int cpu_check_given(const struct document *document, struct dd_error *err);

#endif
