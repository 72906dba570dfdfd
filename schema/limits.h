/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_LIMITS_H
#define SCHEMA_LIMITS_H

/*
 * How much a definition may ask for. Whoever hands one in may be hostile, so everything that text
 * can make grow ends here, with a refusal that names the limit. They are chosen so that the largest
 * text takes less than a second and less than 64 MiB, and lie far above what guests have: one of
 * 1,000 devices has about 10,000 elements.
 */

/* ---- the text ---- */
#define DOCUMENT_SIZE_MAX (4u << 20)  /* bytes of XML text */
#define DOCUMENT_DEPTH_MAX 64         /* nested elements */
#define DOCUMENT_ELEMENTS_MAX 24576u  /* elements in all */
#define DOCUMENT_CHILDREN_MAX 8192u   /* elements in one, which some checks compare in pairs */
#define DOCUMENT_VALUES_MAX 131072u   /* attributes and namespace declarations in all */
#define DOCUMENT_NAMESPACES_MAX 1024u /* namespace declarations in all */
#define DOCUMENT_STRANGERS_MAX 64     /* unknown names in a definition, to be left out */
#define DOCUMENT_ATTRIBUTES_MAX 256u  /* attributes and namespaces of one element */
#define DOCUMENT_ATTRIBUTE_MAX 65536  /* bytes of an attribute's value, without escapes */

/* ---- what it means ---- */
#define DOMAIN_NAME_MAX 255      /* bytes; a name is also a file name */
#define DEVICES_MAX 4096u        /* of one domain, controllers included */
#define CPU_FEATURES_MAX 1024u   /* policies of one CPU */
#define NUMBER_SET_MAX 16384     /* one more than the greatest number in any set that is kept */
#define ID_MAX 4096u             /* one more than the greatest number in a set of CPUs or nodes */
#define DEVICES_PAIRED_MAX 1024u /* of one kind whose devices are compared with each other */
#define USB_HUBS_MAX 256u        /* of one domain, those that are added included */
#define CONTROLLERS_NEEDED_MAX 256u /* of one type that devices call for; more have no place */
#define CONTROLLER_INDEX_MAX 65535u
#define CONTROLLER_INDEX_NONE (CONTROLLER_INDEX_MAX + 1)

#endif
