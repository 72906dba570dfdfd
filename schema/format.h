/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

/*
 * The vocabulary of libvirt's domain format, as data: which attributes and child elements an
 * element may have where it stands, in which order they are written, and how a value is spelt.
 *
 * A row's context is the end of an element path ("disk/source", "domain/memory"); the row with the
 * longest context that fits is the one that holds; a last step '*' fits any name but ranks behind
 * it. A last step may carry the element's form, which is its type attribute or what it is known by:
 * "address[pci]". An element that no row fits is a
 * leaf: text, no attributes.
 *
 * Lists are words with one space between. A child that may be there more than once has a '*' behind
 * its name. An attribute may be followed by ':' and the letter of the
 * spelling of its value; the fourth column is the same letter for the element's text.
 *
 *   d  whole number, decimal              1 2 4 8  hexadecimal, that many digits at least
 *   i  whole number that may be negative  h        hexadecimal, as many digits as it takes
 *   n  decimal, but 010 and 0x8 are 8     x        as h, and read so without 0x too
 *                                                  (in 1 2 4 8 h, 010 is 8 as it is in n)
 *   y  yes or no     o  on or off         u  UUID      m  MAC address    c  set of numbers "0-3,8"
 *   k  a size kept in KiB, B in bytes, M in MiB, P and p in the largest unit that divides it (a
 *      number without one counts MiB, or KiB): each goes with the attribute unit
 */

#include <stddef.h>

#include "schema/tree.h"

struct format {
	const char *context;
	const char *attributes;
	const char *children;
	char text;
};

extern const struct format format_domain[]; /* everything outside <devices> */
extern const size_t format_domain_count;
extern const struct format format_devices[]; /* <devices> and below */
extern const size_t format_devices_count;

/* The row of an element by its full path from "domain" on, form may be NULL. NULL: a leaf. */
const struct format *format_find(const char *path, const char *form);

#define FORMAT_MANY '*'

/* The place of name in a list, from 0; -1 when it is not there. *mark: its letter, or '*', or 0. */
int format_place(const char *list, const char *name, char *mark);

/* The word of list that name was probably meant to be; false when none is near. */
bool format_suggest(const char *list, const char *name, char *word, size_t size);

/*
 * Gives a value its one spelling. unit is the value of the element's unit attribute (NULL: none).
 * *spelt is the caller's (NULL: value has that spelling), and *new_unit what the unit attribute
 * becomes where the letter has one. DD_INVALID with a message that lacks only the place.
 */
int format_spell(char kind, const char *value, const char *unit, char **spelt,
	const char **new_unit, struct dd_error *err);

#endif
