/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of authorities are for https alone. libgit2 (with mbedTLS, as in Debian) reads all
 * of them whenever it is started, has no way to be told not to, and takes longer for it than most
 * commands take for everything else. The function of mbedTLS by which it does that is found here
 * first, in a program that is linked with this: it does nothing while libgit2 starts, and is
 * mbedTLS's own for the rest.
 *
 * Where it is not found first (libdomesday.so shows its own functions alone, another libgit2 may
 * have another TLS) they are read as ever. Until they are, no server is believed.
 */
#include "store/git/authorities.h"

#include <dlfcn.h>
#include <git2.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

#define UNREADABLE (-1) /* mbedTLS's codes of errors are negative */

static _Thread_local bool starting;
static char put_off[PATH_MAX]; /* the file, until it is read */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int mbedtls_x509_crt_parse_file(void *chain, const char *path);

__attribute__((visibility("default"))) int mbedtls_x509_crt_parse_file(
	void *chain, const char *path)
{
	int (*parse)(void *chain, const char *path);

	if (starting) {
		snprintf(put_off, sizeof put_off, "%s", path);
		return 0;
	}
	*(void **)&parse = dlsym(RTLD_NEXT, "mbedtls_x509_crt_parse_file");
	return parse ? parse(chain, path) : UNREADABLE;
}

int authorities_put_off(void)
{
	int code;

	starting = true;
	code = git_libgit2_init();
	starting = false;
	return code;
}

int authorities_need(struct dd_error *err)
{
	int code = 0;

	pthread_mutex_lock(&lock);
	if (put_off[0])
		code = git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, put_off, NULL);
	if (code)
		error_set(err, DD_SYSTEM, "cannot read the certificates of the authorities in %s",
			put_off);
	else
		put_off[0] = '\0';
	pthread_mutex_unlock(&lock);
	return code ? DD_SYSTEM : 0;
}
