/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_CRASH_H
#define DOMAIN_CRASH_H

/*
 * The steps of an operation at which a crash leaves something to settle. In a build with
 * DOMESDAY_CRASH_POINTS, the environment variable DOMESDAY_CRASH_AT=STEP makes the process die at
 * that step as kill -9 would have it, and DOMESDAY_HOLD_AT=STEP stops it there until it is
 * continued; the crash tests read the steps from the calls. In any other build a point is nothing.
 */

#ifdef DOMESDAY_CRASH_POINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline void crash_point(const char *step)
{
	const char *at = getenv("DOMESDAY_CRASH_AT");
	const char *hold = getenv("DOMESDAY_HOLD_AT");

	if (at && strcmp(at, step) == 0)
		raise(SIGKILL);
	if (hold && strcmp(hold, step) == 0)
		raise(SIGSTOP);
}

#define CRASH_POINT(step) crash_point(step)

#else

#define CRASH_POINT(step) ((void)0)

#endif

#endif
