/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CHECK_FEATURES_H
#define SCHEMA_CHECK_FEATURES_H

#include "schema/document.h"

/* Features that a PC has, with what each needs. */
int check_features(const struct document *document, struct dd_error *err);

#endif
