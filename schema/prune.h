/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_PRUNE_H
#define SCHEMA_PRUNE_H

#include <libxml/tree.h>

/* Takes out of a <domain> what says nothing. Of what is left nothing else changes. */
void prune(xmlNode *root);

#endif
