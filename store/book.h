/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BOOK_H
#define STORE_BOOK_H

/*
 * The book: every version of every domain, signed, and the index over them. It knows nothing of
 * XML: it is handed files as bytes and rows as words.
 *
 * In its folder (0700):
 *   book.db   SQLite, WAL, synced with each version: where a version becomes true
 *   book.git  bare repository that a checkpoint fills and stock git reads
 *   keys/     host (Ed25519 signing key, OpenSSH format, 0600), host.pub, allowed_signers; secrets
 *             (seals what is not for history, 0600)
 *   locks/    one file a domain: its job lock
 *   parcels/  histories of domains that are about to come from another host
 *   run/      one folder a running domain, made by the layers above
 *
 * A struct book may be used by one thread at a time; any number of processes (and threads with a
 * struct each) may have the same folder open. Readers never wait for writers.
 */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/text.h"

#define UUID_SIZE 37   /* with dashes, lower case, and the NUL */
#define COMMIT_SIZE 41 /* hexadecimal object name, and the NUL */
#define BOOK_FORMAT 4  /* of book.db; a lower one is brought up, a higher one refused */

struct book;
struct parcel; /* store/parcels.h */

struct book_options {
	bool create;           /* make it where there is none; otherwise that is DD_NOT_FOUND */
	const char *host_name; /* of this host, for committer and trailers; NULL: gethostname() */
	int wait_ms;           /* for other writers before DD_BUSY; 0: the default, 30 s */
};

/*
 * Starts libgit2, without any configuration from outside a repository. Whoever reads history does
 * so; one who will, and has something else to wait for first, may do it beside that. Any thread,
 * once or often.
 */
int libgit2_need(struct dd_error *err);

/*
 * Errors: DD_NOT_FOUND, DD_BUSY, DD_UNSUPPORTED (made by a newer version), DD_CORRUPT (not a book,
 * or damaged), DD_SYSTEM. A book that is half-made by a process that died is completed.
 */
int book_open(const char *folder, const struct book_options *options, struct book **out,
	struct dd_error *err);

/* Releases everything; checkpoints nothing. NULL does nothing. */
/* DD_CORRUPT: a changed bit keeps what was done last from being seen; nothing can be changed then.
 */
int book_log_check(struct book *book, struct dd_error *err);
void book_close(struct book *book);
CLEANUP_DEFINE(book, struct book *, book_close)

const char *book_folder(const struct book *book);    /* absolute */
const char *book_host_name(const struct book *book); /* as in the options, resolved */

/* May a host be called so? */
bool host_name_valid(const char *name);

/* ---- what the index says of a domain ---- */

enum domain_state {
	STATE_SHUT_OFF = 0,
	STATE_RUNNING = 1, /* or paused: what QEMU itself says is asked of QEMU */
	STATE_GONE = 2,    /* undefined: history remains, the name is free */
};

enum {
	USE_CONFIG = 1,
	USE_LIVE = 2
}; /* bits: by the persistent definition, by the running guest */

struct use_row {
	const char *kind;  /* "disk", "mac", "hostdev" */
	const char *value; /* path, address… */
	char mode;         /* 'r' reads, 's' shares, 'w' exclusive */
	int scope;         /* USE_CONFIG | USE_LIVE */
};

struct domain_row {
	char uuid[UUID_SIZE];
	char *name;
	char *title; /* "" where there is none */
	enum domain_state state;
	bool autostart;
	uint32_t version; /* the newest */
	uint32_t epoch;   /* how often the domain came to another owner, from 1 on */
	char *owner;      /* the host that owns it; NULL: this one. See "owners" below */
	char *runtime;    /* facts about the running guest, opaque here; NULL while shut off */
};

void domain_row_release(struct domain_row *row);
static inline void cleanup_domain_row(struct domain_row *row)
{
	domain_row_release(row);
}

/* By UUID or name, a UUID of a domain that is gone included. DD_NOT_FOUND otherwise. */
int book_find(
	struct book *book, const char *name_or_uuid, struct domain_row *out, struct dd_error *err);

/*
 * A domain that was called so here, and was undefined or is another host's now (its owner); where
 * there were several, the one that came last. Looks at every domain. DD_NOT_FOUND: there is none.
 */
int book_find_gone(
	struct book *book, const char *name, struct domain_row *out, struct dd_error *err);

/*
 * Every domain that is not gone (or every one), by name, as they are at one moment. visit returns
 * non-zero to stop with it; it may read the book, and must not change it (nor may that of
 * book_who_uses and journal_list).
 */
int book_list(struct book *book, bool gone_too,
	int (*visit)(const struct domain_row *row, void *context), void *context,
	struct dd_error *err);

/* The same of those that run, or ran when this host went down. */
int book_list_running(struct book *book, int (*visit)(const struct domain_row *row, void *context),
	void *context, struct dd_error *err);

/* Who uses value (of kind, or of any when NULL)? By name; the row holds one match. */
int book_who_uses(struct book *book, const char *kind, const char *value,
	int (*visit)(const struct domain_row *row, const struct use_row *use, void *context),
	void *context, struct dd_error *err);

/* What a domain uses. */
int book_uses(struct book *book, const char *uuid,
	int (*visit)(const struct use_row *use, void *context), void *context,
	struct dd_error *err);

/* ---- versions ---- */

struct person {
	const char *name;
	const char *email;
};

/* Is that shown as it is, when it is a person's? A commit's header has no brackets, for example. */
bool person_name_stays(const char *name);

struct trailer {
	const char *key;
	const char *value; /* one line; control characters are refused */
};

struct tree_file {
	const char *path; /* "domain.xml", "snapshots/before.xml" */
	const void *data;
	size_t size;
};

struct version_draft {
	const char *subject; /* one line: "attach disk vdb" */
	const char *body;    /* free text, or NULL */
	struct person author;
	int64_t authored;               /* when the author did it; 0: now */
	const struct trailer *trailers; /* those of message.h are added by the book */
	size_t trailer_count;
	const struct tree_file *files; /* the whole tree */
	size_t file_count;
};

/* What the index is to say afterwards. */
struct index_draft {
	const char *name;
	const char *title; /* NULL: none */
	enum domain_state state;
	bool autostart;
	const char *runtime; /* NULL: none */
	uint32_t epoch;      /* a new one: this host claims the domain; 0: it stays whose it is */
	bool owned;          /* with epoch: it is this host's at once, with no remote to be told */
	const struct use_row *uses;
	size_t use_count;
};

struct version_info {
	uint32_t number;
	char commit[COMMIT_SIZE];
	int64_t when;     /* seconds since the epoch, UTC */
	int64_t authored; /* earlier than that where it came from elsewhere */
	char *author;     /* "Name <email>" */
	char *committer;
	char *subject;
	char *body;      /* without subject and trailers */
	char **trailers; /* "Key: value" each */
	size_t trailer_count;
};

void version_info_release(struct version_info *info);
static inline void cleanup_version_info(struct version_info *info)
{
	version_info_release(info);
}
/* The value of the first trailer with that key, or NULL. Owned by info. */
const char *version_trailer(const struct version_info *info, const char *key);

/*
 * One transaction: the versions' signed git objects, the domain's head, the index rows and the end
 * of the journal row. Before it returns 0 nothing has happened; after it, everything has, durably.
 */
struct book_change {
	const char *uuid;
	uint32_t base; /* the version that this builds on; 0: there is no such domain yet */
	const struct version_draft *version; /* NULL: the record stays, the index alone changes */
	const struct version_draft *earlier; /* made before it, one on the other, or NULL */
	size_t earlier_count;
	const struct index_draft *index; /* NULL: the index stays */
	uint64_t journal;                /* closed with it; 0: none */
	const char *journal_detail; /* the row stays open with this instead; NULL: it does not */
	/*
	 * The history that the version goes on from comes into the book with it: base is the
	 * parcel's newest version, and the index claims the domain. NULL: it is there.
	 */
	struct parcel *parcel;
	const char *note_name; /* a setting that says how the operation ended; NULL: none */
	const char *note_value;
};

/*
 * out may be NULL; *number is the version afterwards. DD_CONFLICT: the domain is at another version
 * than base. DD_EXISTS: another domain has the name (or base is 0 and the UUID is there; one that
 * is gone counts too: its history goes on with base set to its newest version).
 */
int book_apply(struct book *book, const struct book_change *change, uint32_t *number,
	struct dd_error *err);

/* One version; number 0 is the newest. DD_NOT_FOUND says which there are. */
int book_version(struct book *book, const char *uuid, uint32_t number, struct version_info *out,
	struct dd_error *err);

/*
 * The version in force at a moment (seconds since the epoch). What was imported first was so since
 * it was authored. DD_NOT_FOUND: it is before version 1.
 */
int book_version_at(struct book *book, const char *uuid, int64_t moment, uint32_t *number,
	struct dd_error *err);

/*
 * Versions from `from` (0: the newest) down to the oldest, at most limit (0: all). visit as in
 * book_list.
 */
int book_log(struct book *book, const char *uuid, uint32_t from, uint32_t limit,
	int (*visit)(const struct version_info *info, void *context), void *context,
	struct dd_error *err);

/*
 * Every version of every domain, of those that are gone too: the newest first by time, those of one
 * domain always in their order. since (0: none): a history is left where it comes to a version from
 * before. visit as in book_list; of row only uuid, name, state and version are set.
 */
int book_timeline(struct book *book, int64_t since,
	int (*visit)(const struct domain_row *row, const struct version_info *info, void *context),
	void *context, struct dd_error *err);

/* Appends one file of a version (0: the newest). DD_NOT_FOUND: no such version, or no such file. */
int book_read(struct book *book, const char *uuid, uint32_t number, const char *path,
	struct text *out, struct dd_error *err);

/*
 * What git calls the content of one file of a version (0: the newest): alike where the bytes are.
 * "" where the version has no such file.
 */
int book_file(struct book *book, const char *uuid, uint32_t number, const char *path,
	char object[COMMIT_SIZE], struct dd_error *err);

/*
 * One file of every version from `from` (0: the newest) down to version 1, but for those in which
 * it has the bytes of the version told before. data, NULL where there is no such file, is valid in
 * the call and terminated. visit as in book_list.
 */
struct file_version {
	uint32_t number;
	const char *data;
	size_t size;
};
int book_file_history(struct book *book, const char *uuid, uint32_t from, const char *path,
	int (*visit)(const struct file_version *file, void *context), void *context,
	struct dd_error *err);

/*
 * Checkpoint: packs staged objects into book.git, sets its refs, syncs, and only then forgets the
 * staged rows. Concurrent calls and a crash anywhere are harmless.
 */
int book_checkpoint(struct book *book, struct dd_error *err);

/*
 * What whoever has changed the book may do last: a checkpoint, where about a thousand versions have
 * come together and nobody is at one. What fails is left to the next.
 */
void book_checkpoint_due(struct book *book);

/*
 * A checkpoint, after which all packs become one and book.db gives back the room that it does not
 * need. Nobody can change the book while that is done.
 */
int book_gc(struct book *book, struct dd_error *err);

/* How many git objects wait for a checkpoint; costs two look-ups. A version is about three. */
int book_staged(struct book *book, uint64_t *objects, struct dd_error *err);

/*
 * Claims the background work of the book for this struct, until it is closed or its process dies.
 * DD_BUSY says who has it. It keeps nobody from anything else.
 */
int book_hold(struct book *book, const char *what, struct dd_error *err);
/* Has another struct claimed it, in whatever process? */
bool book_held(struct book *book);

/* ---- is all of it true? ---- */

/* Something that is wrong. What is not known, or concerns no domain, is NULL or 0. */
struct finding {
	/*
	 * "object": cannot be read, or is not what its name says; "signature", "key", "chain";
	 * "index": book.db and the history contradict each other; "refs"; "file": damaged as such.
	 */
	const char *kind;
	const char *where; /* below the book's folder: "book.db", "book.git/packed-refs" */
	const char *uuid;
	const char *name;
	uint32_t version;   /* the first that is concerned */
	uint32_t until;     /* the last */
	const char *commit; /* of the first, in hexadecimal */
	int64_t when;       /* that one was made; where it is lost, the last sound one before it */
	const char *who;    /* made it: "Name <email>" */
	const char *sentence; /* all of it in words */
};

/* What was looked at, and found; of findings all are counted, and FINDINGS_LIMIT are told. */
struct verify_counts {
	uint64_t domains, versions, objects, findings;
};
#define FINDINGS_LIMIT 10000

/*
 * Checks the whole book (uuid NULL): every object of book.git and every staged one, each version's
 * signature and its place in the chain, the index against the history both ways, the refs, and the
 * files themselves. With a uuid that domain alone. It is the book of one moment, which commits do
 * not wait for; a checkpoint does. Needs about 250 bytes of memory a version. visit as for
 * book_list(). What cannot be read is a finding, not an error.
 */
int book_verify(struct book *book, const char *uuid,
	int (*visit)(const struct finding *finding, void *context), void *context,
	struct verify_counts *counts, struct dd_error *err);

/*
 * Compares with a remote (its name, or its address) that was pushed to: each branch that it has of
 * this host must end in a version that the book has. What it has instead is fetched, for the words.
 * visit, uuid and counts as in book_verify(), of which counts->findings alone grows. DD_NOT_FOUND:
 * no such remote, or nothing of this host there.
 */
int book_verify_against(struct book *book, const char *uuid, const char *remote,
	int (*visit)(const struct finding *finding, void *context), void *context,
	struct verify_counts *counts, struct dd_error *err);

/* ---- backup ---- */

/*
 * All of the book in one file (0600), as it is at one moment, the signing key included: whoever has
 * the file can sign as this host. DD_EXISTS: the file is there. Commits go on meanwhile, and a
 * checkpoint waits. Needs room for a copy of book.db beside the file.
 */
int book_backup(struct book *book, const char *file, struct dd_error *err);

/*
 * Makes the book of a backup in a folder that is empty or not there (DD_REFUSED otherwise), or
 * nothing. DD_CORRUPT: no backup, or damaged as a file; what is in it is for book_verify() to
 * judge. DD_NOT_FOUND: no such file. DD_UNSUPPORTED: made by a newer version.
 */
int book_restore(const char *folder, const char *file, struct dd_error *err);

/* ---- book.db anew ---- */

struct reindex_calls {
	/*
	 * What the index is to say of a domain, from its newest version, which may be read from
	 * book. state is that of a guest that does not run; what out points to must last until the
	 * next call. DD_CORRUPT: it cannot be read, and has its UUID for a name.
	 */
	int (*index)(struct book *book, const char *uuid, struct index_draft *out, void *context,
		struct dd_error *err);
	/* Something that is not in the new index as it was in the old one. */
	void (*lost)(const char *sentence, void *context);
	void *context;
	bool only_history; /* that there is no old book.db is no loss */
};

struct reindex_counts {
	uint64_t domains, versions, losses;
	uint64_t staged; /* versions that book.git did not have yet */
	unsigned mended; /* pages of the old book.db, frames of its log: a word was changed */
	bool kept;       /* the old book.db, under its other name */
};

/*
 * Makes book.db anew: versions, heads and tags from the commits that are signed with the book's
 * key, in book.git or staged in the old book.db; the index from what calls->index says of each;
 * what only book.db knows (running guests, settings, what is under way) from the old one, as far as
 * that can be read. Nobody changes the book meanwhile; whoever has it open goes on with the new
 * one. The new file takes the place of the old one in one step, and where anything was lost the old
 * one stays as book.db.old. The book need not be one that can be opened.
 */
int book_reindex(const char *folder, const struct book_options *options,
	const struct reindex_calls *calls, struct reindex_counts *counts, struct dd_error *err);

/* ---- the keys that sign ---- */

struct key_info {
	uint32_t number;          /* from 1 on */
	const char *words;        /* "ssh-ed25519 BASE64" */
	const char *fingerprint;  /* "SHA256:…", as ssh-keygen -l shows it */
	char commit[COMMIT_SIZE]; /* of the branch "book", that made it the book's */
	int64_t since;
	const char *who; /* "Name <email>" */
	int64_t place;   /* in the chain, of that commit; 0: of the first */
	bool current;
	/*
	 * Why no key before it vouches for it: "restored from ssh://…"; NULL: the one before
	 * does, or it is the first.
	 */
	const char *adopted;
	const char *fault; /* why it does not count: "is not signed with the key before"; or NULL */
};

/* From the first on. visit as in book_list(). */
int book_keys(struct book *book, int (*visit)(const struct key_info *key, void *context),
	void *context, struct dd_error *err);

/*
 * The host among its peers is the key that signs: the public half, which is asked for first, and a
 * proof that the other half is here (key_vouch, at most KEY_VOUCH_MAX bytes), by the key that
 * book_identity() gave last.
 */
int book_identity(struct book *book, unsigned char open[32], struct dd_error *err);
int book_vouch(struct book *book, const void *data, size_t size, unsigned char signature[64],
	struct dd_error *err);

/*
 * A new key signs from now on. The commit on the branch "book" that says so is signed with the old
 * one and has its place in the chain. The old secret is gone afterwards (where the disk fails just
 * then, once somebody signs); what it signed stays good. body may be NULL. Durable at once, for
 * every process that has the book open.
 */
int book_rotate_key(
	struct book *book, const struct person *author, const char *body, struct dd_error *err);

/*
 * The same where the old secret is lost: the new key signs for itself, which everybody can see.
 * why, one line, stands in the commit.
 */
int book_adopt_key(
	struct book *book, const struct person *author, const char *why, struct dd_error *err);

/*
 * The key in a file of OpenSSH's becomes the one of a book that has none. DD_REFUSED: it is not the
 * newest that the branch "book" names, or others may read the file.
 */
int book_take_key(struct book *book, const char *file, struct dd_error *err);

/* ---- tags: names that versions are given ---- */

/*
 * A label is as git wants the name of a ref, in one part: no '/', and so that it cannot be taken
 * for anything else after an '@': not a number, no '@', no '{'. It names one version of a domain
 * until it is removed. A tag is a signed git tag object and durable at once, like a version; after
 * a checkpoint git knows it as domains/UUID/LABEL.
 */
#define TAG_LABEL_LIMIT 100

struct tag_draft {
	const char *uuid;
	uint32_t number; /* 0: the newest */
	const char *label;
	struct person tagger;
	const char *body; /* free text, or NULL */
};

struct tag_info {
	char *label;
	uint32_t number;
	char object[COMMIT_SIZE];
	int64_t when;
	char *tagger; /* "Name <email>" */
	char *body;   /* "" where there is none */
};

void tag_info_release(struct tag_info *info);
static inline void cleanup_tag_info(struct tag_info *info)
{
	tag_info_release(info);
}

/*
 * *number (may be NULL) is the version then, *made whether it had not that label already.
 * DD_INVALID: no label. DD_EXISTS: another version has it. DD_NOT_FOUND: no such version.
 */
int book_tag(struct book *book, const struct tag_draft *draft, uint32_t *number, bool *made,
	struct dd_error *err);
/* DD_NOT_FOUND says which labels there are, as book_tag_find does. */
int book_tag_remove(struct book *book, const char *uuid, const char *label, struct dd_error *err);
int book_tag_find(struct book *book, const char *uuid, const char *label, uint32_t *number,
	struct dd_error *err);
int book_tag_read(struct book *book, const char *uuid, const char *label, struct tag_info *out,
	struct dd_error *err);

/* Every label of a domain, by version and label. visit as in book_list. */
int book_tags(struct book *book, const char *uuid,
	int (*visit)(const char *label, uint32_t number, void *context), void *context,
	struct dd_error *err);

/* ---- remotes: git repositories that have a copy ---- */

/*
 * A remote keeps what any number of hosts pushed to it, each under its own name, as branches that
 * only grow: hosts/HOST/domains/UUID, hosts/HOST/book, and tags hosts/HOST/domains/UUID/LABEL. It
 * may be a folder, ssh or https; it stands in book.git's own configuration, so stock git knows it
 * too. What is fetched is kept under refs/remotes/NAME/HOST/.
 */
struct remote_row {
	const char *name;
	const char *url;
	const char *identity; /* file with what proves who we are, or NULL */
};

/*
 * DD_INVALID: no name, no URL, one that holds a password, or a transport that anybody on the way
 * could change. DD_EXISTS. The remote is not contacted.
 */
int book_remote_add(struct book *book, const struct remote_row *remote, struct dd_error *err);
/* Also forgets what was fetched from it. DD_NOT_FOUND says which there are. */
int book_remote_remove(struct book *book, const char *name, struct dd_error *err);
/* By name. visit as in book_list. */
int book_remotes(struct book *book, int (*visit)(const struct remote_row *remote, void *context),
	void *context, struct dd_error *err);

enum branch_outcome {
	BRANCH_CURRENT,   /* both have the same */
	BRANCH_CREATED,   /* was not there */
	BRANCH_FORWARDED, /* got what it lacked */
	BRANCH_DIVERGED,  /* is left as it is: it is no earlier state of what it should become */
	BRANCH_LOST,      /* the domain was this host's, and is the named one's now */
};

struct branch_report {
	const char *host;
	const char *uuid; /* NULL: the branch "book" */
	enum branch_outcome outcome;
	const char *before; /* commit, or "" */
	const char *after;  /* what it is, or (diverged) should have become */
};

/*
 * Brings the remote's copy of this book up to date, after a checkpoint. A branch that diverged
 * there was rewritten: the others are pushed, then the answer is DD_CONFLICT. Where that is the
 * branch "book", another book pushes under this host's name, and nothing is pushed at all. visit
 * (may be NULL) hears of every branch and must not change the book. DD_NOT_FOUND: no such remote.
 * DD_SYSTEM: not reached, or it does not let us in.
 */
int book_push(struct book *book, const char *remote,
	int (*visit)(const struct branch_report *branch, void *context), void *context,
	struct dd_error *err);

/*
 * A word for all that a push would carry (versions, tags, keys): the same as long as there is
 * nothing new. Costs a look at each tag.
 */
#define BOOK_MARK_SIZE 96
int book_mark(struct book *book, char mark[BOOK_MARK_SIZE], struct dd_error *err);

/* Fetches what all hosts have pushed there; otherwise like book_push(). */
int book_pull(struct book *book, const char *remote,
	int (*visit)(const struct branch_report *branch, void *context), void *context,
	struct dd_error *err);

/* ---- a whole book from a remote ---- */

struct restored_book;

struct restore_source {
	struct remote_row remote; /* which the book has from then on */
	const char *host;         /* that pushed there; NULL: the book's own name */
	const char *key;          /* file with the key that signed last; NULL: it is lost */
};

/*
 * Fetches what a host has pushed to a remote, and makes a book of it, in a folder beside the one
 * that is to be the book's and is empty or not there (DD_REFUSED otherwise). It can be opened and
 * used there: it needs its key (book_take_key() or book_adopt_key()) and then book_verify(), since
 * what calls->lost() hears of is not all. Sealed secrets, settings, and what only book.db knew, are
 * not on a remote. DD_NOT_FOUND: nothing of that host is there. Otherwise as book_remote_add() and
 * book_pull().
 */
int book_restore_begin(const char *folder, const struct book_options *options,
	const struct restore_source *source, const struct reindex_calls *calls,
	struct reindex_counts *counts, struct restored_book **out, struct dd_error *err);
/* Where it is. */
const char *restored_folder(const struct restored_book *restored);
/* Gives it its name, durably. Nobody has it open. */
int restored_finish(struct restored_book *restored, struct dd_error *err);
/* Removes it, unless it has its name. NULL does nothing. */
void restored_release(struct restored_book *restored);
CLEANUP_DEFINE(restored_book, struct restored_book *, restored_release)

/* ---- owners: domains that come from another host ---- */

/*
 * A domain is owned by one host. Each new owner raises the epoch. What a dead host owned another
 * can take: book_take() brings its history into the book, a version with index_draft.epoch claims
 * it, and book_push() tells the remote, upon which it is this host's (domain_row.owner NULL). Until
 * then, and on the host before once that has seen it, nothing may start the domain.
 */
struct fetched_row {
	const char *host;
	const char *uuid;
	const struct version_info *newest; /* its commit alone where it is no version */
};

/*
 * Domains that a host (NULL: any) has on a remote, as they were fetched last. visit as in
 * book_list.
 */
int book_fetched(struct book *book, const char *remote, const char *host,
	int (*visit)(const struct fetched_row *row, void *context), void *context,
	struct dd_error *err);

/* Up to which epoch the remote knew the domain's owner when it was fetched last; 0: of none. */
int book_fetched_epoch(struct book *book, const char *remote, const char *uuid, uint32_t *epoch,
	struct dd_error *err);

/* Appends one file of a fetched version. DD_NOT_FOUND: it has no such file. */
int book_fetched_read(struct book *book, const char *commit, const char *path, struct text *out,
	struct dd_error *err);

struct book_taken {
	uint32_t version;       /* the newest of the history */
	uint32_t epoch;         /* as it says */
	char book[COMMIT_SIZE]; /* what the claiming version is to say in its trailer Taken-Book */
	/*
	 * Of a parcel: it goes on from a domain that this host owns. Only who is giving it to that
	 * host goes on with it; anybody can write such a history.
	 */
	bool own;
};

/*
 * The domain is as one that is gone afterwards, and the host's: its history goes on where a version
 * is made. DD_CORRUPT: the history does not hold. DD_CONFLICT: it does not go on from what the book
 * has of it. DD_EXISTS: the domain is this host's own. DD_REFUSED: its guest runs here.
 */
int book_take(struct book *book, const char *remote, const char *host, const char *uuid,
	struct book_taken *out, struct dd_error *err);

/*
 * A restored book learns whose its domains are by now: claims of its own that the remote knows are
 * settled, and visit hears of each domain that another took over (BRANCH_LOST), as at book_push().
 */
int book_ask_owners(struct book *book, const char *remote,
	int (*visit)(const struct branch_report *branch, void *context), void *context,
	struct dd_error *err);

/* ---- the journal: what is under way, one row a domain ---- */

struct journal_draft {
	const char *uuid;
	const char *operation; /* "attach-device" */
	uint32_t base;         /* version that it started from; 0: none */
	const char *detail;    /* what recovery needs, opaque here */
	/*
	 * Claims made in the same transaction: exclusive and shared use by the running guest. They
	 * are rows with USE_LIVE until an index_draft replaces them or the journal row is undone.
	 */
	const struct use_row *claims;
	size_t claim_count;
};

struct journal_row {
	uint64_t id;
	char uuid[UUID_SIZE];
	char *operation;
	uint32_t base;
	char *detail;
	int64_t since; /* seconds since the epoch */
};

void journal_row_release(struct journal_row *row);
static inline void cleanup_journal_row(struct journal_row *row)
{
	journal_row_release(row);
}

/*
 * Durable before it returns. DD_BUSY: the domain has an open row already (recover it first).
 * DD_REFUSED: a claim is held by another running domain; *holder (UUID_SIZE bytes, may be NULL)
 * then says which, and the message names its domain and the value.
 */
int journal_open(struct book *book, const struct journal_draft *draft, uint64_t *id, char *holder,
	struct dd_error *err);
/* Closes it with nothing done: the claims it made go too. */
int journal_undo(struct book *book, uint64_t id, struct dd_error *err);
/* The same, and a setting says how it ended. */
int journal_undo_noting(
	struct book *book, uint64_t id, const char *name, const char *value, struct dd_error *err);
/* Changes what recovery needs, durably. DD_NOT_FOUND: the row is not open. */
int journal_update(struct book *book, uint64_t id, const char *detail, struct dd_error *err);
int journal_find(
	struct book *book, const char *uuid, struct journal_row *out, struct dd_error *err);
int journal_list(struct book *book, int (*visit)(const struct journal_row *row, void *context),
	void *context, struct dd_error *err);

/* ---- the job lock ---- */

struct job_lock;

/*
 * Holds the domain for one operation. An OFD lock on locks/UUID: it dies with its holder. Waits up
 * to wait_ms, then DD_BUSY names the holder (pid, program, operation, since when).
 */
int job_lock_take(struct book *book, const char *uuid, const char *operation, int wait_ms,
	struct job_lock **out, struct dd_error *err);
void job_lock_release(struct job_lock *lock); /* NULL does nothing */
CLEANUP_DEFINE(job_lock, struct job_lock *, job_lock_release)

/*
 * An operation that is under way, or that was cut short: then nobody holds the domain's job lock,
 * and whoever takes it next settles the open journal row.
 */
struct job_row {
	char uuid[UUID_SIZE];
	const char *operation;
	int64_t since;       /* seconds since the epoch */
	int pid;             /* who holds the lock; 0: nobody */
	const char *program; /* NULL: nobody */
};

/* Locks nothing. Those that are held come first. visit as for book_list(). */
int job_list(struct book *book, int (*visit)(const struct job_row *row, void *context),
	void *context, struct dd_error *err);

/*
 * How many rows the journal has of operations that somebody is at, and that were cut short. Costs a
 * look at the lock of each of these, however many domains there are.
 */
int job_count(struct book *book, uint32_t *held, uint32_t *left, struct dd_error *err);

/* ---- small things worth keeping between runs: capability probes ---- */

int book_cache_get(struct book *book, const char *key, struct text *out, struct dd_error *err);
int book_cache_put(struct book *book, const char *key, const char *value, struct dd_error *err);

/* ---- what the book is set to ---- */

/* value is opaque here. DD_NOT_FOUND: it was never set. */
int book_setting_get(struct book *book, const char *name, struct text *value, struct dd_error *err);
int book_setting_put(struct book *book, const char *name, const char *value, struct dd_error *err);
/* Those whose name begins with prefix, by name. visit as for book_list(). */
int book_setting_list(struct book *book, const char *prefix,
	int (*visit)(const char *name, const char *value, void *context), void *context,
	struct dd_error *err);
/* One that is not there is no error. */
int book_setting_drop(struct book *book, const char *name, struct dd_error *err);

/* The next number of a counter of the book: 1, 2, 3…; none is ever given twice. */
int book_count(struct book *book, const char *name, int64_t *out, struct dd_error *err);

#endif
