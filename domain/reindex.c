/* SPDX-License-Identifier: Apache-2.0 */
/* The index anew: the store reads the history, and is told here what each definition says. */
#include "domain/reindex.h"

static int index_of(struct book *book, const char *uuid, struct index_draft *out, void *context,
	struct dd_error *err)
{
	struct indexing *indexing = context;
	int rc;

	derived_release(&indexing->derived);
	rc = derive(book, uuid, &indexing->derived, err);
	if (rc)
		return rc;
	*out = (struct index_draft){
		.name = indexing->derived.name,
		.title = indexing->derived.title,
		.state = indexing->derived.gone ? STATE_GONE : STATE_SHUT_OFF,
		.uses = indexing->derived.uses.items,
		.use_count = indexing->derived.uses.count,
	};
	return 0;
}

static void tell_lost(const char *sentence, void *context)
{
	const struct indexing *indexing = context;

	indexing->lost(sentence, indexing->context);
}

struct reindex_calls indexing_calls(struct indexing *indexing)
{
	return (struct reindex_calls){.index = index_of, .lost = tell_lost, .context = indexing};
}

int dd_reindex(const struct dd_host_options *options,
	void (*lost)(const char *sentence, void *context), void *context,
	struct dd_reindexed *result, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	CLEANUP(indexing) struct indexing indexing = {.lost = lost, .context = context};
	struct reindex_calls calls = indexing_calls(&indexing);
	struct reindex_counts counts;
	struct book_options book_options = {
		.host_name = options->host_name,
		.wait_ms = options->wait_ms,
	};
	int rc = host_book_folder(options, &folder, err);

	if (!rc)
		rc = book_reindex(folder, &book_options, &calls, &counts, err);
	if (!rc)
		*result = (struct dd_reindexed){
			.domains = counts.domains,
			.versions = counts.versions,
			.staged = counts.staged,
			.losses = counts.losses,
			.mended = counts.mended,
			.kept = counts.kept,
		};
	return rc;
}
