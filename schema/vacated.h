/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_VACATED_H
#define SCHEMA_VACATED_H

/*
 * The addresses that detached devices have left, as document_vacated() shows them:
 *
 *   <vacated>
 *     <device kind='disk' identity='vdb'>
 *       <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>
 *     </device>
 *     <device kind='disk' identity='sdb' bus='scsi'>
 *       <address type='drive' controller='0' bus='0' target='0' unit='1'/>
 *     </device>
 *   </vacated>
 *
 * identity is what device_identity() says; bus is there where target/@bus is, since drives on
 * different kinds of controller have addresses that look alike. At most one entry has one address,
 * and one identity has at most one entry, so there are never more than there were addresses.
 */

#include "schema/document.h"

/* Notes the address that device, still in place, is about to leave. One without is not noted. */
int vacated_note(struct document *document, const xmlNode *device, struct dd_error *err);

/* Forgets the addresses that devices occupy (again). */
void vacated_settle(struct document *document);

#endif
