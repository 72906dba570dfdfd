/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMESDAY_SAFETY_H
#define DOMESDAY_SAFETY_H

/*
 * That the book is true, and stays: verify, keys, backup, book.db made anew, and a whole book from
 * a remote. A part of <domesday.h>, whose words on names, ownership, errors and threads hold here.
 */

#include <domesday.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- is all of it true? ---- */

/* Something that is wrong with the book. What is not known, or concerns no domain, is NULL or 0. */
struct dd_finding {
	/*
	 * "object": cannot be read, or is not what its name says; "signature", "key"; "chain": a
	 * version is missing, or not where it was; "index": book.db and the history contradict each
	 * other; "refs": a branch or tag is not where book.db says; "file": damaged as such;
	 * "secret": a password that the newest version names cannot be unsealed; at a restore from
	 * a remote "lost": it is not there, or not readable.
	 */
	const char *kind;
	const char *where; /* below the book's folder: "book.db", "book.git/packed-refs" */
	const char *domain;
	const char *uuid;
	uint32_t version;     /* the first that is concerned */
	uint32_t until;       /* the last */
	const char *commit;   /* of the first */
	int64_t since;        /* it was made; where it is lost, the last sound one before it */
	const char *who;      /* made it: "Name <email>" */
	const char *sentence; /* all of it in words */
};
typedef int (*dd_finding_fn)(const struct dd_finding *finding, void *context);

struct dd_verified {
	uint64_t domains, versions, objects; /* looked at */
	uint64_t findings;                   /* all; DD_FINDINGS_LIMIT of them are told */
};
#define DD_FINDINGS_LIMIT 10000

/*
 * Compares with a remote (by its name, or its address) that was pushed to, and tells what it has of
 * this host that the book has not: then the history here was rewritten or cut off since. result has
 * findings alone. DD_NOT_FOUND: no such remote or domain, or the remote has nothing of this host.
 */
int dd_verify_against(struct dd_host *host, const char *domain, const char *remote,
	dd_finding_fn finding, void *context, struct dd_verified *result, struct dd_error *err);

/*
 * Checks the whole book, or (domain not NULL) what belongs to one domain: every object, signature
 * and link of the chain, the refs of book.git, and the index against the newest definitions.
 * Returns 0 also where something is wrong; findings says so. Changes wait for nothing, a sync
 * (DD_BUSY) does. DD_NOT_FOUND: no such domain.
 */
int dd_verify(struct dd_host *host, const char *domain, dd_finding_fn finding, void *context,
	struct dd_verified *result, struct dd_error *err);

/* ---- backup ---- */

/*
 * The whole book in one file, a tar archive with mode 0600, as it is at one moment; it has the
 * host's signing key, too. DD_EXISTS: the file is there already. Changes go on meanwhile, a sync
 * waits.
 */
int dd_backup(struct dd_host *host, const char *file, struct dd_error *err);

/*
 * Makes the book of a backup in the folder that options mean, which must be empty or not be there
 * (DD_REFUSED), and verifies it, as dd_verify() does: returns 0 also where that finds something.
 * DD_CORRUPT: no backup, or damaged so that nothing was restored.
 */
int dd_restore(const struct dd_host_options *options, const char *file, dd_finding_fn finding,
	void *context, struct dd_verified *result, struct dd_error *err);

/* ---- book.db anew ---- */

struct dd_reindexed {
	uint64_t domains, versions;
	uint64_t staged; /* versions that book.git did not have yet */
	uint64_t losses; /* as many as lost() was told */
	/*
	 * Pages of book.db, and frames of its log, that had one word changed, which their checksums
	 * tell; they are as they were, and what was committed with a frame and after it counts
	 * again.
	 */
	uint64_t mended;
	bool kept; /* the old book.db, as book.db.old */
};

/*
 * Makes book.db anew from book.git, and from what the old book.db still says of what is not there:
 * versions that wait for a sync, running guests, what is under way. The book need not be one that
 * can be opened; of options the book's folder, host_name and wait_ms are looked at. The new file
 * takes the old one's place in one step; where something was lost or mended the old one stays as
 * book.db.old. lost is told each loss in a sentence. DD_NOT_FOUND: there is no book.git.
 * DD_CORRUPT: it does not say whose signature counts. DD_BUSY.
 */
int dd_reindex(const struct dd_host_options *options,
	void (*lost)(const char *sentence, void *context), void *context,
	struct dd_reindexed *result, struct dd_error *err);

/* ---- the keys that sign ---- */

struct dd_key {
	uint32_t number;             /* from 1 on */
	const char *key;             /* "ssh-ed25519 BASE64" */
	const char *fingerprint;     /* "SHA256:…", as ssh-keygen -l shows it */
	char commit[DD_COMMIT_SIZE]; /* of the branch "book", that made it the book's */
	int64_t since;               /* seconds since the epoch, UTC */
	const char *who;             /* "Name <email>" */
	int64_t place; /* of that commit in the chain of all versions; 0: of the first key */
	bool current;  /* it signs now */
	/*
	 * Where no key before it says that it follows: why not, such as "restored from ssh://…".
	 * Nothing that was signed earlier vouches for such a key. Otherwise NULL.
	 */
	const char *adopted;
	const char *fault; /* why it does not count, such as "is not signed with the key before";
			      NULL */
};
typedef int (*dd_key_fn)(const struct dd_key *key, void *context);

/* Every key that the book has had, from the first on. */
int dd_keys(struct dd_host *host, dd_key_fn key, void *context, struct dd_error *err);

/*
 * Makes a new key, which signs from now on; the old one signs that it does, and its secret half is
 * gone. What it signed stays good. reason as in struct dd_change. DD_BUSY, DD_REFUSED, DD_SYSTEM.
 */
int dd_key_rotate(struct dd_host *host, const char *reason, struct dd_error *err);

/* ---- a whole book from a remote ---- */

struct dd_restore_source {
	struct dd_remote remote; /* which the book has afterwards */
	/*
	 * That pushed there; NULL: the name that the book will have, which is options' host_name.
	 * Another's book goes on under that name, and leaves the other's branches where they end.
	 */
	const char *host;
	/*
	 * File with the host's private key, as keys/host is. NULL: it is lost, and the book adopts
	 * a new one (struct dd_key's adopted).
	 */
	const char *key;
	const char *fingerprint; /* that the first key must have; NULL: whichever */
	bool incomplete;         /* what is left, where something is lost or not as it was signed */
};

/* What a restore tells, each of which may be NULL. As everywhere, they may not call back. */
struct dd_restore_calls {
	dd_finding_fn
		finding; /* lost, or as dd_verify() finds it; before a failure for that, too */
	dd_key_fn key;   /* every key, from the first on */
	/* A domain whose passwords are to be given anew: they are beside history, sealed. */
	int (*no_passwords)(const char *domain, void *context);
	void *context;
};

/*
 * Makes the book that a host had from what it has pushed to a remote, in the folder that options
 * mean, which must be empty or not be there (DD_REFUSED); or makes nothing. Lost is what is in no
 * commit, too: passwords, autostart, settings. Findings are in result only with incomplete;
 * otherwise they are DD_CORRUPT. DD_NOT_FOUND: no such host there (which there are is said), or no
 * such file. DD_INVALID: the remote's URL or name, as at dd_remote_add(). DD_REFUSED: not the
 * fingerprint, not the key that signed last, or the remote has a book of the name that this one
 * would have. DD_SYSTEM: not reached.
 */
int dd_restore_from(const struct dd_host_options *options, const struct dd_restore_source *source,
	const struct dd_restore_calls *calls, struct dd_verified *result, struct dd_error *err);

#ifdef __cplusplus
}
#endif

#endif
