/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What git keeps of commits beside them, and then asks in their place: objects/info/commit-graph,
 * or layers of it, one on the other, in commit-graphs/. Domesday makes none, but 'git gc' does. So
 * one may be there, if it says of each commit what the commit itself says. All numbers are in
 * network order:
 *
 *   "CGPH", version 1, hash 1, number of parts, number of layers below; for each part its name (4
 *   bytes) and place (8), and one more without a name for the end; the parts; SHA-1 of the file
 *   OIDF: for each first byte of a name, how many commits have it or a lower one
 *   OIDL: the names, sorted
 *   CDAT: for each its tree, two parents (by number, those of the layers below first), and level
 *   and time of the commit, 30 and 34 bits
 */
#include "store/verify/verification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha1.h"
#include "store/git/object.h"
#include "store/git/pack_index.h"

#define INFO "book.git/objects/info/"
#define CHAIN INFO "commit-graphs/commit-graph-chain"
#define GRAPH_LIMIT ((size_t)1 << 31)
#define CHAIN_LIMIT ((size_t)1 << 16)
#define LAYERS_LIMIT 256
#define LAYER_WHERE_SIZE 128
#define HEAD_SIZE 8
#define PART_SIZE 12
#define ROW_SIZE (SHA1_SIZE + 16)
#define NO_PARENT 0x70000000u

struct layer {
	char where[LAYER_WHERE_SIZE];
	struct text file;
	const unsigned char *oids, *rows;
	uint32_t count;
};

struct graph {
	struct layer *layers;
	size_t count;
};

static inline void cleanup_graph(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		text_release(&graph->layers[i].file);
	free(graph->layers);
}

static int graph_tell(struct verification *verification, struct finding *finding, const char *what)
{
	finding->kind = "file";
	return finding_tell(verification, finding,
		"%s %s. Remove it: 'git commit-graph write --reachable' makes it anew",
		finding->where, what);
}

/* ---- one file ---- */

/* Is it as its checksum says? */
static bool is_whole(const struct text *file)
{
	unsigned char sum[SHA1_SIZE];
	struct sha1 sha1;

	if (file->size < HEAD_SIZE + SHA1_SIZE)
		return false;
	sha1_init(&sha1);
	sha1_add(&sha1, file->data, file->size - SHA1_SIZE);
	sha1_end(&sha1, sum);
	return memcmp(sum, file->data + file->size - SHA1_SIZE, SHA1_SIZE) == 0;
}

/* The part of that name, which has to have so many bytes; NULL: there is none such. */
static const unsigned char *part(const struct text *file, const char *name, size_t size)
{
	const unsigned char *data = (const unsigned char *)file->data;
	const unsigned char *row = data + HEAD_SIZE;
	size_t end = file->size - SHA1_SIZE;

	for (unsigned left = data[6]; left && (size_t)(row - data) + PART_SIZE <= end; left--) {
		uint64_t at = (uint64_t)pack_number(row + 4) << 32 | pack_number(row + 8);

		if (memcmp(row, name, 4) == 0)
			return at <= end && end - at >= size ? data + at : NULL;
		row += PART_SIZE;
	}
	return NULL;
}

static bool layer_open(struct layer *layer)
{
	static const unsigned char head[] = {'C', 'G', 'P', 'H', 1, 1};
	const unsigned char *fanout;

	if (!is_whole(&layer->file) || memcmp(layer->file.data, head, sizeof head) != 0)
		return false;
	fanout = part(&layer->file, "OIDF", (size_t)PACK_FANOUT * 4);
	if (!fanout)
		return false;
	layer->count = pack_number(fanout + (size_t)(PACK_FANOUT - 1) * 4);
	layer->oids = part(&layer->file, "OIDL", (size_t)layer->count * SHA1_SIZE);
	layer->rows = part(&layer->file, "CDAT", (size_t)layer->count * ROW_SIZE);
	return layer->oids && layer->rows;
}

/* ---- what it says ---- */

static bool is_parent(const struct graph *graph, uint32_t number, const git_oid *oid)
{
	if (git_oid_is_zero(oid) || number == NO_PARENT)
		return git_oid_is_zero(oid) && number == NO_PARENT;
	for (size_t i = 0; i < graph->count; i++) {
		const struct layer *layer = &graph->layers[i];

		if (number < layer->count)
			return memcmp(layer->oids + (size_t)number * SHA1_SIZE, oid->id,
				       SHA1_SIZE) == 0;
		number -= layer->count;
	}
	return false;
}

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/* Those that are not there, or are none of ours, say nothing of the book. */
static bool says_so(struct verification *verification, const struct graph *graph,
	const git_oid *oid, const unsigned char *row)
{
	static const git_oid none = {{0}};
	CLEANUP(odb_object) git_odb_object *object = NULL;
	const unsigned char *numbers = row + SHA1_SIZE;
	int64_t when = (int64_t)(pack_number(numbers + 8) & 3) << 32 | pack_number(numbers + 12);
	struct commit_parts parts;

	if (git_odb_read(&object, verification->book->objects, oid) < 0 ||
		git_odb_object_type(object) != GIT_OBJECT_COMMIT ||
		!commit_parse(git_odb_object_data(object), git_odb_object_size(object), &parts))
		return true;
	return memcmp(row, parts.tree.id, SHA1_SIZE) == 0 && when == parts.when &&
	       is_parent(graph, pack_number(numbers), &parts.parent) &&
	       is_parent(graph, pack_number(numbers + 4), &none);
}

/* One commit is enough: the file goes as a whole. */
static int layer_check(
	struct verification *verification, const struct graph *graph, const struct layer *layer)
{
	for (uint32_t i = 0; i < layer->count; i++) {
		struct finding finding = {.where = layer->where};
		struct commit_facts facts;
		CLEANUP(free) char *what = NULL;
		git_oid oid;
		int rc;

		memcpy(oid.id, layer->oids + (size_t)i * SHA1_SIZE, SHA1_SIZE);
		if (says_so(verification, graph, &oid, layer->rows + (size_t)i * ROW_SIZE))
			continue;
		commit_facts_read(verification, &oid, &facts, &finding);
		rc = string_format(&what, verification->err,
			"says of commit %s what that does not say itself: git shows another "
			"history than the one that is signed",
			facts.commit);
		return rc ? rc : graph_tell(verification, &finding, what);
	}
	return 0;
}

/* ---- which files ---- */

/* Takes a file as one more layer. Where it is there and cannot be one, that is told, and it goes.
 */
static int layer_add(
	struct verification *verification, struct graph *graph, const char *where, bool needed)
{
	CLEANUP(free) char *path = NULL;
	struct layer *layer = &graph->layers[graph->count];
	struct finding finding = {.where = where};
	struct dd_error reason = {0};
	const char *what = NULL;
	int rc = book_path(verification->book, where, &path, verification->err);

	if (rc)
		return rc;
	snprintf(layer->where, sizeof layer->where, "%s", where);
	rc = file_read(path, GRAPH_LIMIT, &layer->file, &reason);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(verification->err);
	if (rc)
		what = rc == DD_NOT_FOUND && !needed ? NULL : "cannot be read";
	else if (!layer_open(layer))
		what = "is damaged: it is not what its checksum says";
	else
		graph->count++;
	if (rc || what)
		text_release(&layer->file);
	return what ? graph_tell(verification, &finding, what) : 0;
}

static int layers_check(struct verification *verification, const struct graph *graph)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < graph->count; i++)
		rc = layer_check(verification, graph, &graph->layers[i]);
	return rc;
}

static int single_check(struct verification *verification)
{
	CLEANUP(graph) struct graph graph = {calloc(1, sizeof *graph.layers), 0};
	int rc = graph.layers ? layer_add(verification, &graph, INFO "commit-graph", false)
			      : error_no_memory(verification->err);

	return rc ? rc : layers_check(verification, &graph);
}

/* The names of the layers, the lowest first. One that is not there is all above it, too. */
static int chain_add(struct verification *verification, struct graph *graph, const char *names)
{
	struct finding finding = {.where = CHAIN};
	size_t count = 0;
	int rc = 0;

	while (!rc && count == graph->count && *names) {
		char where[LAYER_WHERE_SIZE];

		if (strspn(names, "0123456789abcdef") != (size_t)GIT_OID_HEXSZ ||
			names[GIT_OID_HEXSZ] != '\n' || count == LAYERS_LIMIT)
			return graph_tell(verification, &finding, "names no layers");
		snprintf(where, sizeof where, INFO "commit-graphs/graph-%.*s.graph", GIT_OID_HEXSZ,
			names);
		rc = layer_add(verification, graph, where, true);
		names += GIT_OID_HEXSZ + 1;
		count++;
	}
	return rc;
}

static int chain_check(struct verification *verification)
{
	CLEANUP(graph) struct graph graph = {calloc(LAYERS_LIMIT, sizeof *graph.layers), 0};
	CLEANUP(free) char *path = NULL;
	CLEANUP(text) struct text names = TEXT_INIT;
	struct finding finding = {.where = CHAIN};
	struct dd_error reason = {0};
	int rc = graph.layers ? book_path(verification->book, CHAIN, &path, verification->err)
			      : error_no_memory(verification->err);

	if (rc)
		return rc;
	rc = file_read(path, CHAIN_LIMIT, &names, &reason);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(verification->err);
	if (rc)
		return rc == DD_NOT_FOUND ? 0
					  : graph_tell(verification, &finding, "cannot be read");
	rc = chain_add(verification, &graph, text_string(&names));
	return rc ? rc : layers_check(verification, &graph);
}

int verify_graph(struct verification *verification)
{
	int rc = verification->uuid ? 0 : single_check(verification);

	return rc || verification->uuid ? rc : chain_check(verification);
}
