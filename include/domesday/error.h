/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMESDAY_ERROR_H
#define DOMESDAY_ERROR_H

/*
 * How every call of the library reports failure.
 *
 * A call returns 0, or one of the negative codes below, and then describes the failure in the
 * struct dd_error that its caller handed in as the last argument. The struct belongs to the caller,
 * holds no pointers and needs no release; it may live on the stack. Passing NULL is allowed where
 * only the code matters. On failure all other outputs are left untouched.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dd_code {
	DD_OK = 0,
	DD_INVALID = -1,     /* what was handed in is malformed or contradicts itself */
	DD_NOT_FOUND = -2,   /* no such domain, version, device… */
	DD_EXISTS = -3,      /* the name, UUID or device is there already */
	DD_CONFLICT = -4,    /* the domain has moved on from the version that the caller expected */
	DD_BUSY = -5,        /* somebody else holds the domain or the book; the message says who */
	DD_REFUSED = -6,     /* understood, but against a rule or in the wrong state */
	DD_UNSUPPORTED = -7, /* understood, but this version cannot honour it */
	DD_CORRUPT = -8,     /* the book contradicts itself */
	DD_SYSTEM = -9,      /* the operating system refused: no space, no permission… */
	DD_HYPERVISOR = -10, /* QEMU is missing, died, or refused a command */
	DD_NO_MEMORY = -11,  /* an allocation failed */
};

struct dd_error {
	int code;           /* one of enum dd_code, 0 while there is no error */
	int line;           /* 1-based line in file, 0 where there is none */
	int column;         /* 1-based column, 0 where there is none */
	char file[256];     /* the document that the fault is in, as the caller named it, or "" */
	char path[512];     /* element path such as /domain/devices/disk[2]/target, or "" */
	char message[1024]; /* what is wrong: one line, no full stop */
	char hint[512];     /* what to do about it: one line, or "" */
};

/*
 * The code's name as programs spell it ("not-found", "conflict"…), for JSON and logs. Never NULL;
 * "unknown" for a number that is no code. Any thread.
 */
const char *dd_code_name(int code);

/*
 * Writes the error as a single line, "FILE:LINE:COLUMN: PATH: MESSAGE (HINT)", leaving out what is
 * not known, into buffer, which is always terminated when size > 0. Returns the length that the
 * whole line has, as snprintf does. Any thread.
 */
size_t dd_error_format(const struct dd_error *error, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
