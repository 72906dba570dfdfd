/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_CAPABILITIES_H
#define QMP_CAPABILITIES_H

/* Asking a QEMU binary what it can do, and keeping the answer as JSON. */

#include "schema/capabilities.h"

#include "base/text.h"

/*
 * Starts emulator with no machine, asks over QMP, ends it. About half a second.
 * DD_NOT_FOUND: no such program; DD_HYPERVISOR: it is no QEMU, or broke off.
 */
int capabilities_probe(const char *emulator, struct capabilities **out, struct dd_error *err);

/* The key under which an answer stays true: path, size and mtime of the binary. */
int capabilities_key(const char *emulator, struct text *out, struct dd_error *err);

int capabilities_to_json(const struct capabilities *caps, struct text *out, struct dd_error *err);
int capabilities_from_json(
	const char *text, size_t size, struct capabilities **out, struct dd_error *err);

/* One CPU in the words of that document. */
struct json;
struct json *cpu_expansion_json(const struct cpu_expansion *cpu);
int cpu_expansion_read(const struct json *json, struct cpu_expansion *out, struct dd_error *err);

CLEANUP_DEFINE(capabilities, struct capabilities *, capabilities_free)

#endif
