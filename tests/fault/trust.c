/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the key that signs, and of the question whether all of a book is true. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "changes.h"
#include "rows.h"
#include "store/key/key.h"

/* ---- the key ---- */

int run_rotate(struct scene *scene, struct dd_error *err)
{
	static const struct person author = {"Ada Operator", "ada@example.org"};

	drawn_again();
	return told(scene, book_rotate_key(scene->book, &author, "it was time", err));
}

static int visit_key(const struct key_info *info, void *context)
{
	if (info->current)
		snprintf(context, KEY_WORDS_SIZE, "%s", info->words);
	return 0;
}

/* The words of the key in a file of keys/ that is for others, of its last line. */
static int published_read(const struct scene *scene, const char *name, char words[KEY_WORDS_SIZE],
	struct dd_error *err)
{
	CLEANUP(text) struct text content = TEXT_INIT;
	unsigned char open[KEY_PUBLIC_SIZE];
	char path[sizeof scene->folder + 32];
	const char *line;
	int rc;

	snprintf(path, sizeof path, "%s/keys/%s", scene->folder, name);
	rc = file_read(path, 65536, &content, err);
	if (rc)
		return rc;
	content.data[content.size - 1] = '\0';
	line = strrchr(text_string(&content), '\n');
	if (!key_words_read(line ? line + 1 : text_string(&content), open))
		return error_set(err, DD_CORRUPT, "%s holds no key", path);
	key_words(open, words);
	return 0;
}

/*
 * Who signs next finishes what was begun: then the old key or the new one is in its place, and is
 * what others are told.
 */
int check_rotate(struct scene *scene, bool done, struct dd_error *err)
{
	static const char *const names[] = {"host.pub", "allowed_signers"};
	CLEANUP(key) struct key *key = NULL;
	unsigned char open[KEY_PUBLIC_SIZE];
	char current[KEY_WORDS_SIZE] = "", words[KEY_WORDS_SIZE];
	char path[sizeof scene->folder + 32];
	int rc = scene_edit(scene, 7, 0, err);

	(void)done;
	if (!rc)
		rc = book_keys(scene->book, visit_key, current, err);
	snprintf(path, sizeof path, "%s/keys/host", scene->folder);
	if (!rc)
		rc = key_load(path, &key, err);
	if (rc)
		return rc;
	key_public(key, open);
	key_words(open, words);
	if (strcmp(words, current) != 0)
		return error_set(err, DD_CORRUPT, "keys/host is not the key that is in force");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		rc = published_read(scene, names[i], words, err);
		if (rc)
			return rc;
		if (strcmp(words, current) != 0)
			return error_set(err, DD_CORRUPT, "%s says another key", names[i]);
	}
	return 0;
}

/* ---- the truth ---- */

int visit_finding(const struct finding *finding, void *err)
{
	(void)error_set(err, DD_CORRUPT, FOUND "%s: %s", finding->kind, finding->sentence);
	return 1; /* no more */
}

int run_verify(struct scene *scene, struct dd_error *err)
{
	struct verify_counts counts;
	struct dd_error found = {0};
	int rc = book_verify(scene->book, NULL, visit_finding, &found, &counts, err);

	if (found.code) {
		*err = found;
		rc = found.code;
	}
	return told(scene, rc);
}
