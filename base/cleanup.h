/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

/*
 * Locals that release themselves. A type says once how it is released, with
 * CLEANUP_DEFINE(name, type, function), and a local then reads: CLEANUP(name) type variable = NULL;
 * The function must take NULL (or the type's empty value).
 */

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(name) __attribute__((cleanup(cleanup_##name)))

#define CLEANUP_DEFINE(name, type, function)           \
	static inline void cleanup_##name(type *value) \
	{                                              \
		function(*value);                      \
	}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Moves ownership out of a cleaned-up local: return TAKE(text); */
#define TAKE(pointer)                                   \
	__extension__({                                 \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

#endif
