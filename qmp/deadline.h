/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_DEADLINE_H
#define QMP_DEADLINE_H

/* Bounded waiting: an instant on the monotonic clock, in milliseconds, and what is left until it.
 */

#include <limits.h>
#include <stdint.h>
#include <time.h>

static inline int64_t deadline_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t deadline_in(int wait_ms)
{
	return deadline_now() + (wait_ms > 0 ? wait_ms : 0);
}

/* Never negative: as poll() wants it. */
static inline int deadline_left(int64_t deadline)
{
	int64_t left = deadline - deadline_now();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static inline void deadline_nap(int ms)
{
	struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&nap, NULL);
}

#endif
