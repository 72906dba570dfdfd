/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_SECRET_H
#define DOMAIN_SECRET_H

#include "schema/document.h"

/*
 * History is for ever, so no secret may enter it. DD_UNSUPPORTED with the place of one that is
 * written in the document (a domain, or one device); the message does not repeat it.
 */
int secret_refuse(const struct document *document, struct dd_error *err);

#endif
