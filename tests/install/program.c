/* SPDX-License-Identifier: Apache-2.0 */
#include <domesday.h>
#include <stdio.h>

int main(void)
{
	const struct dd_host_options options = {.book = "/nonexistent/book"};
	struct dd_host *host = NULL;
	struct dd_error err = {0};
	int code = dd_host_open(&options, &host, &err);

	printf("%s %s %s\n", dd_version(), dd_code_name(code), err.message);
	dd_host_close(host);
	return code == DD_NOT_FOUND ? 0 : 1;
}
