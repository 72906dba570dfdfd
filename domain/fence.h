/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_FENCE_H
#define DOMAIN_FENCE_H

/*
 * Is a host down for good? Nobody here can know: a fencing engine does, and is asked by a program
 * that the book is set to (fence-command).
 */

#include "domain/host.h"

/*
 * Runs the program with the host's name as its one argument. It proves that the host is fenced by
 * the line "fenced" on its standard output and exit status 0, within FENCE_SECONDS; what it says on
 * its standard error is for the operator. *proof, which the caller frees, says what was answered,
 * for the record. DD_REFUSED: it did not answer that, or the book names no program.
 */
#define FENCE_SECONDS 120
int fence_ask(struct dd_host *host, const char *name, char **proof, struct dd_error *err);

#endif
