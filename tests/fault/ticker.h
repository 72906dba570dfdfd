/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_TICKER_H
#define FAULT_TICKER_H

/*
 * One countdown behind every call that can fail: the call at which it is through fails, alone or
 * with all after it. What fails how is the weather.
 */

#include <stdbool.h>

#include "calls.h"

enum weather {
	WEATHER_BROKEN,    /* no memory, and a disk that answers with errors */
	WEATHER_FULL,      /* what needs space finds none; a write gets half of its bytes there */
	WEATHER_READ_ONLY, /* nothing can be changed, not even through open descriptors */
	WEATHER_DENIED,    /* folders and files may not be changed, what is open may */
	WEATHER_LOCKLESS,  /* the file system knows no OFD locks */
	WEATHERS
};

extern const char *const weather_names[WEATHERS];

/* point is counted from 1; 0: nothing fails, and all is counted, with who it is that calls. */
void ticker_start(enum weather weather, long point, bool for_ever);

struct ticked {
	long points;         /* calls that could have failed */
	unsigned failed;     /* kinds that did, a bit each */
	enum call_kind kind; /* that failed first */
};

#define FAILED(ticked, kind) ((ticked).failed >> (kind)&1)

struct ticked ticker_stop(void);

/* Was the call at that point, or one after it, made by libgit2 when all were counted? */
bool ticker_is_libgit2(long point, bool or_after);

/* As a word for people. */
const char *call_kind_name(enum call_kind kind);

#endif
