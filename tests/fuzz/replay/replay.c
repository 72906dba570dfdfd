/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stands in for libFuzzer where there is none: gives every file of the target's corpus to it once,
 * and each again with its end cut off at every length, as TAP.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define CORPUS_FILE_MAX (1u << 20)
#define CUTS 64 /* at most, evenly over the file */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const struct text *input)
{
	const uint8_t *data = (const uint8_t *)text_string(input);
	size_t step = input->size / CUTS + 1;

	for (size_t size = 0; size < input->size; size += step)
		LLVMFuzzerTestOneInput(data, size);
	LLVMFuzzerTestOneInput(data, input->size);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(void)
{
	struct dirent **entries = NULL;
	int count = scandir(FUZZ_CORPUS, &entries, visible, alphasort);
	int failed = count <= 0;

	printf("1..%d\n", count > 0 ? count : 0);
	for (int i = 0; i < count; i++) {
		CLEANUP(text) struct text input = TEXT_INIT;
		CLEANUP(text) struct text path = TEXT_INIT;
		struct dd_error err = {0};

		text_printf(&path, "%s/%s", FUZZ_CORPUS, entries[i]->d_name);
		int rc = file_read(text_string(&path), CORPUS_FILE_MAX, &input, &err);

		if (rc == 0)
			replay(&input);
		printf("%sok %d - %s %s\n", rc < 0 ? "not " : "", i + 1, entries[i]->d_name,
			err.message);
		failed |= rc < 0;
		free(entries[i]);
	}
	free(entries);
	return failed;
}
