/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_VERIFICATION_H
#define STORE_VERIFICATION_H

/* What the files verify_*.c share about one run of book_verify(). */

#include "store/git/oid_set.h"
#include "store/key/signers.h"

/* A commit with a version's trailers, as it was read. */
struct sighting {
	git_oid oid, parent, prev;
	char uuid[UUID_SIZE];
	bool listed; /* book.db knows it */
	enum signature_state state;
	int signer; /* number of the key; -1: not one of the book's */
	uint32_t number;
	int64_t seq;
};

struct verification {
	struct book *book;
	const char *uuid; /* NULL: the whole book */
	int (*visit)(const struct finding *finding, void *context);
	void *context;
	struct verify_counts *counts;
	struct dd_error *err;

	struct signers signers;
	struct sighting *sightings; /* by name, once all were read */
	size_t sighting_count, sighting_room;
	struct oid_set good, bad; /* objects: whole, and not whole */
	struct oid_list needed;   /* by commits and trees that were read; some more than once */
	struct text payload;      /* of the commit at hand */
};

/* ---- verify.c ---- */

void verification_release(struct verification *verification);

/*
 * Tells a finding; the sentence comes from format. Non-zero: visit wants no more. Where uuid is
 * known, the name is filled in.
 */
int finding_tell(struct verification *verification, struct finding *finding, const char *format,
	...) PRINTF_LIKE(3, 4);

/* Who made a commit and when, where that can be read; for the finding and for its sentence. */
struct commit_facts {
	char commit[COMMIT_SIZE];
	char who[256];
	int64_t when;
};
void commit_facts_read(struct verification *verification, const git_oid *oid,
	struct commit_facts *facts, struct finding *finding);

/* "version 7 of 'web' (2026-11-21 08:10:03, Ada Operator)"; the finding's own version. */
#define VERSION_WORDS_SIZE 640
const char *version_words(
	struct verification *verification, const struct finding *finding, char *out);

/* Nothing but damage: it becomes a finding of that kind and place, and 0. */
int damage_tell(struct verification *verification, int rc, const char *kind, const char *where);

/* The sighting of a commit; NULL: it was not read. */
struct sighting *sighting_find(const struct verification *verification, const git_oid *oid);

/* ---- the parts, in their order ---- */

/* files.c: the log of book.db, before anything of it is read or copied. */
int verify_log(struct verification *verification, bool *damaged);
int verify_files(struct verification *verification);    /* verify_files.c: bytes as such */
int verify_objects(struct verification *verification);  /* verify_objects.c: read everything */
int verify_damage(struct verification *verification);   /* verify_damage.c: who needs what is bad */
int verify_versions(struct verification *verification); /* verify_versions.c: index, signatures */
int verify_chain(struct verification *verification);    /* verify_chain.c */
int verify_keys(struct verification *verification);     /* verify_keys.c */
int verify_refs(struct verification *verification);     /* verify_refs.c */

#endif
