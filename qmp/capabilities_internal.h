/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_CAPABILITIES_INTERNAL_H
#define QMP_CAPABILITIES_INTERNAL_H

/* Between the probe and the document that it fills. */

#include "qmp/capabilities.h"

#include "qmp/json.h"
#include "qmp/monitor.h"

int capabilities_read(const struct json *json, struct capabilities **out, struct dd_error *err);

/* Questions: each puts its answer into document. That of the names comes before the others. */
int ask_cpu_names(struct monitor *monitor, struct json *document, struct dd_error *err);
int ask_tcg_models(struct monitor *monitor, struct json *document, struct dd_error *err);
int ask_kvm_models(struct monitor *monitor, struct json *document, struct dd_error *err);

/* Can this host's CPU run guests by itself? Without that, /dev/kvm is of no use. */
bool host_virtualises(void);

#endif
