/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_RETARGET_H
#define SCHEMA_RETARGET_H

/*
 * What is called otherwise on another host: names of things that a definition uses and that no
 * guest can see. A map is "KIND:FROM=TO", an '=' of FROM being written "\=", where KIND is
 *
 *   bridge, network, dev   that an interface is connected to
 *   path                   of an image, a device file, firmware's variables, a kernel, a socket or
 *                          file of a character device; where FROM and TO end with '/', whatever is
 *                          in that folder
 *   pool                   of a volume
 *   vsock                  the number of the guest's socket
 */

#include "schema/document.h"

/*
 * All at once: each map looks at the names as they were, and the first that fits a place has it, so
 * that two names can be exchanged. found[i] is set where maps[i] has one. DD_INVALID: one is no
 * map; the message names the kinds, and nothing is changed.
 */
int document_retarget(struct document *document, const char *const *maps, size_t count, bool *found,
	struct dd_error *err);

#endif
