/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CHECK_SETTINGS_H
#define SCHEMA_CHECK_SETTINGS_H

#include "schema/document.h"

/* The part of document_check() that is about what stands outside <devices>. */
int check_settings(const struct document *document, struct dd_error *err);

#endif
