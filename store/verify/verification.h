/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_VERIFICATION_H
#define STORE_VERIFICATION_H

/* What the files verify_*.c share about one run of book_verify(). */

#include "store/git/oid_set.h"
#include "store/key/tenure.h"

/* A commit with a version's trailers, as it was read. */
struct sighting {
	git_oid oid, parent, prev;
	char uuid[UUID_SIZE];
	bool listed; /* book.db knows it */
	enum signature_state state;
	int key; /* what signed it, by number; -1: nothing that holds */
	uint32_t number;
	int64_t seq;
};

/* A version with which its host took the domain from another. */
struct takeover {
	git_oid oid;
	char uuid[UUID_SIZE];
	uint32_t number;
	int64_t seq;
	int key;
	git_oid book; /* of the host before: newest commit of its branch "book" */
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
	unsigned char (*keys)[KEY_PUBLIC_SIZE]; /* that signed anything */
	size_t key_count, key_room;
	struct takeover *takeovers; /* by domain, the latest first, once all were read */
	size_t takeover_count, takeover_room;
	struct tenures tenures;
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

/* ---- tenures.c: whose signature is due ---- */

int takeover_add(struct verification *verification, const struct takeover *takeover);
void takeovers_sort(struct verification *verification);

/* From the version `first` on these are to sign, up to the next. */
struct due {
	uint32_t first;
	const struct signers *signers;
};

/* Of one domain, the latest first; the last is from version 1 on. */
struct dues {
	struct due *list;
	size_t count, room;
};
static inline void cleanup_dues(struct dues *dues)
{
	free(dues->list);
}

/*
 * owner_book: as the domain's row says, see index_owner_write(); NULL: the book itself signs last.
 * Those that holds() says are in the history at hand count, if who was to sign them did.
 * DD_CORRUPT: the branch "book" of a host before cannot be read, and dues end there.
 */
int dues_read(struct verification *verification, const char *uuid, const git_oid *owner_book,
	int (*holds)(const struct takeover *takeover, bool *result, void *context), void *context,
	struct dues *out);
/*
 * Is it a key of the book, or of one that the domain came from or is at (owner_book, or NULL)? What
 * of those cannot be read has none.
 */
int host_signs(struct verification *verification, const char *uuid, const git_oid *owner_book,
	const unsigned char open[KEY_PUBLIC_SIZE], bool *result);
const struct signers *dues_at(const struct dues *dues, uint32_t number);

/* Number of the key that signed something, see sighting.key. */
int key_number(
	struct verification *verification, const unsigned char open[KEY_PUBLIC_SIZE], int *number);
/* Was it signed with a key of the book itself? */
bool sighting_own(const struct verification *verification, const struct sighting *sighting);

/* The sighting of a commit; NULL: it was not read. */
struct sighting *sighting_find(const struct verification *verification, const git_oid *oid);

/* ---- the parts, in their order ---- */

/* files.c: the log of book.db, before anything of it is read. */
int verify_log(struct verification *verification);
int verify_files(struct verification *verification);    /* verify_files.c: bytes as such */
int verify_packs(struct verification *verification);    /* of those, packs and their indexes */
int verify_schema(struct verification *verification);   /* schema.c: what tables there are */
int verify_beside(struct verification *verification);   /* beside.c: what git would believe */
int verify_objects(struct verification *verification);  /* verify_objects.c: read everything */
int verify_graph(struct verification *verification);    /* graph.c: what git has of commits */
int verify_damage(struct verification *verification);   /* verify_damage.c: who needs what is bad */
int verify_versions(struct verification *verification); /* verify_versions.c: index, signatures */
int verify_chain(struct verification *verification);    /* verify_chain.c */
int verify_keys(struct verification *verification);     /* verify_keys.c */
int verify_refs(struct verification *verification);     /* verify_refs.c */
int verify_indices(struct verification *verification);  /* files.c: packs that are gone */

#endif
