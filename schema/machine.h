/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_MACHINE_H
#define SCHEMA_MACHINE_H

/* The machine type: what it is called, and which chipset it means. */

#include "schema/freeze.h"

const char *machine_name(const struct document *document); /* NULL where absent */
const char *machine_arch(const struct document *document); /* NULL where absent */

bool machine_is_i440fx(const struct document *document);
bool machine_is_q35(const struct document *document);
bool machine_has_express(const struct document *document); /* its root bus is PCI Express */
bool machine_uses_kvm(const struct document *document);

/*
 * Spells out architecture and versioned machine type. DD_UNSUPPORTED for a type that the binary or
 * Domesday does not know.
 */
int machine_freeze(
	struct document *document, const struct freeze_options *options, struct dd_error *err);

/* What the binary says about the document's machine type; NULL where it says nothing. */
const struct machine_type *machine_type_of(
	const struct document *document, const struct capabilities *caps);

#endif
