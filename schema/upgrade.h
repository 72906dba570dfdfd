/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_UPGRADE_H
#define SCHEMA_UPGRADE_H

/*
 * The two things about a frozen machine that a host upgrade can call for, each an ABI change that
 * somebody asked for: another version of its machine type, another CPU. The document is frozen
 * again afterwards (document_freeze), which decides host-model and refuses contradictions.
 */

#include "schema/freeze.h"

/*
 * name may be an alias. DD_UNSUPPORTED: the binary has no such type, and which it has; DD_REFUSED:
 * another chipset, whose buses are not those of the recorded addresses.
 */
int upgrade_machine(struct document *document, const char *name, const struct capabilities *caps,
	struct dd_error *err);

/*
 * name is host-model, host-passthrough, maximum, or a model. What the record says of topology,
 * NUMA cells and caches stays; its model and features go. DD_UNSUPPORTED: no such model;
 * DD_REFUSED: a name that means another CPU on each host.
 */
int upgrade_cpu(struct document *document, const char *name, const struct capabilities *caps,
	struct dd_error *err);

#endif
