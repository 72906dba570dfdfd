/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/side.h"

#include <string.h>

static bool is_file(const char *word)
{
	size_t length = strlen(word);

	return strcmp(word, "-") == 0 || strchr(word, '/') ||
	       (length > 4 && strcmp(word + length - 4, ".xml") == 0);
}

/* A time may be written with any characters. */
static bool names_time(const char *word)
{
	return strstr(word, "@{") && word[strlen(word) - 1] == '}';
}

int side_read(struct cli *cli, const char *word, struct side *side, struct dd_error *err)
{
	int rc = 0;

	if (names_time(word) || !is_file(word)) {
		rc = cli->host ? 0 : cli_open(cli, false, err);
		if (rc == 0)
			rc = dd_resolve(cli->host, word, &side->name, &side->dd.version, err);
		side->dd.domain = side->name;
		return rc;
	}
	rc = read_input(word, &side->input, err);
	side->dd.xml = text_string(&side->input);
	side->dd.size = side->input.size;
	side->dd.file = input_name(word);
	return rc;
}
