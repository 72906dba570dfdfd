/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_SECRET_H
#define SCHEMA_SECRET_H

/*
 * Where libvirt's format carries a secret itself, rather than the name of one:
 *
 *   graphics/@passwd          a VNC or SPICE password
 *   source/cookies            of a disk that is read over HTTP; the element as a whole
 *
 * Within a document of ours a secret is a token in the place where it was: a name that says
 * nothing. What the token stands for is kept elsewhere (domain/secret.h), and a definition that is
 * stored or shown has neither: it is as libvirt shows it without its SECURE flag.
 */

#include "schema/document.h"

#define SECRET_NAME_SIZE 33   /* 32 hexadecimal digits, and the NUL */
#define SECRET_PLACE_SIZE 256 /* "disk[2]/backingStore/source/cookies" */
#define SECRET_HIDDEN "*****" /* stands for one in what is told of differences */
#define SECRET_VNC_LIMIT 8    /* bytes: VNC's own cipher takes no more */

struct secret {
	xmlNode *device;
	xmlNode *element;              /* that carries it */
	const char *attribute;         /* NULL: it is all of the element */
	char place[SECRET_PLACE_SIZE]; /* below <devices> */
};

struct secret_list {
	struct secret *items;
	size_t count;
};

/* Those of a domain, or of one device alone. They point into document. */
int secrets_find(const struct document *document, struct secret_list *out, struct dd_error *err);
void secrets_release(struct secret_list *list);
static inline void cleanup_secret_list(struct secret_list *list)
{
	secrets_release(list);
}

/* Have two secrets of two documents the same place in their devices? */
bool secret_alike(const struct secret *one, const struct secret *other);

/* Of a document that is handed in: DD_INVALID where one cannot be, such as a VNC password too long.
 */
int secrets_check(const struct document *document, struct dd_error *err);

/* DD_CORRUPT unless all of them are tokens. */
int secrets_sealed(const struct document *document, struct dd_error *err);

/* DD_CORRUPT if there is any, be it a token. */
int secrets_absent(const struct document *document, struct dd_error *err);

/* Appends what the secret is; secret_put() takes the same. */
int secret_get(const struct secret *secret, struct text *out, struct dd_error *err);
int secret_put(const struct secret *secret, const char *value, struct dd_error *err);

/* The name in a token; NULL where it is none. Valid until the secret is next changed. */
const char *secret_name(const struct secret *secret);
int secret_put_name(const struct secret *secret, const char *name, struct dd_error *err);

/* Takes the secret out. */
void secret_remove(const struct secret *secret);

/*
 * Puts a token where secrets_find() found the secret in a document that was the same otherwise; the
 * document has to be canonicalised afterwards. DD_CORRUPT: there is no such place.
 */
int secret_restore(
	struct document *document, const char *place, const char *name, struct dd_error *err);

/* Puts the token of a secret where the like of it would be in another device, if it has none. */
int secret_inherit(const struct secret *from, xmlNode *device, struct dd_error *err);

/* Takes all of them out. */
int secrets_hide(struct document *document, struct dd_error *err);

/* Is the attribute (NULL: the element itself) a secret, or within one? */
bool node_is_secret(const xmlNode *element, const char *attribute);

/* As node_write(), without secrets. */
int node_write_open(const xmlNode *node, struct text *out, struct dd_error *err);

#endif
