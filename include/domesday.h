/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMESDAY_H
#define DOMESDAY_H

/*
 * libdomesday: the canonical store of a host's virtual machines.
 *
 * A struct dd_host is a host's book together with the guests that run there. Every operation is one
 * call on it; there is no session state, so a process may die at any instant and whoever comes next
 * finds the book before or after the operation, never between.
 *
 * Names. `domain` is a domain's name or its UUID. Where a version may be named, 0 is the newest.
 * Text. Definitions are XML in UTF-8, size bytes, not necessarily terminated; a `file` that goes
 *   with them is only what messages call them and may be NULL.
 * Ownership. What goes in stays the caller's. A `char **` or struct that comes out is the caller's
 *   and released with dd_free() or the function named beside it. What is handed to a callback is
 *   valid during that call only; a callback returns 0 to go on, and anything else ends the
 *   enumeration, which then returns that value. It may not call back into the same host.
 * Errors. As domesday/error.h says. On failure the book and the guest are as before.
 * Threads. A struct dd_host is used by one thread at a time; any number of them, in any number of
 *   threads and processes, may have the same book open.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <domesday/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DD_UUID_SIZE 37   /* with dashes, lower case, and the NUL */
#define DD_COMMIT_SIZE 41 /* hexadecimal git object name, and the NUL */

struct dd_host;

void dd_free(void *pointer);  /* for every char * that came out; NULL does nothing */
const char *dd_version(void); /* of the library: "0.1.0" */

/* ---- the host ---- */

struct dd_host_options {
	const char *book; /* folder; NULL: $DOMESDAY_BOOK, else the system's (root) or user's */
	bool create;      /* make the book where there is none */
	const char *host_name; /* NULL: this machine's */
	/*
	 * Who acts, "Name <email>"; NULL: the calling user, through su and sudo too. Who the
	 * process belongs to is recorded beside it in any case.
	 */
	const char *author;
	/* What acts, for the record: "domesday", "nova-compute"; NULL: the process's own name. */
	const char *program;
	/* Why, for every change that brings no reason of its own; NULL: $DOMESDAY_REASON. */
	const char *reason;
	int wait_ms; /* for a busy domain or book before DD_BUSY; 0: 30 seconds */
	/* Told of what succeeded but deserves a look (one line); may be NULL. */
	void (*warn)(const char *message, void *context);
	void *warn_context;
};

/*
 * DD_NOT_FOUND: no book there and create is false. DD_UNSUPPORTED: made by a newer version.
 * DD_INVALID: an author or program that is not one line of text. DD_CORRUPT: not a book. DD_BUSY:
 * somebody writes for longer than wait_ms. DD_SYSTEM.
 */
int dd_host_open(const struct dd_host_options *options, struct dd_host **out, struct dd_error *err);
void dd_host_close(struct dd_host *host);             /* NULL does nothing; guests go on */
const char *dd_host_book(const struct dd_host *host); /* absolute path, owned by host */

/*
 * Packs what is new into book.git, for stock git to read. Changes go on meanwhile, of other threads
 * (with a host of their own) and processes. Closing a host that has made changes does it too, where
 * about a thousand versions have come together.
 */
int dd_sync(struct dd_host *host, struct dd_error *err);

/*
 * dd_sync(), after which book.git is packed anew as small as it gets, and book.db gives back the
 * room that it does not need. For a quiet hour: nobody can change the book while book.db shrinks.
 */
int dd_gc(struct dd_host *host, struct dd_error *err);

/*
 * What a QEMU can do, as one JSON value (docs/freeze.md names its members): from the book, or by a
 * probe where host is NULL or the book has none yet. emulator: the path of the program; NULL:
 * the one for guests of this host's architecture. DD_NOT_FOUND, DD_HYPERVISOR.
 */
int dd_capabilities(struct dd_host *host, const char *emulator, char **json, struct dd_error *err);

/* ---- what the book is set to, for everybody who uses it ---- */

struct dd_setting {
	const char *name;    /* "require-reason" */
	const char *value;   /* "no" or "yes" */
	const char *summary; /* what it is, in a few words */
	const char *who;     /* who set it last, "Name <email>"; "" where nobody has */
	int64_t when;        /* seconds since the epoch; 0 where nobody has */
	const char *reason;  /* "" where none was given */
};
typedef int (*dd_setting_fn)(const struct dd_setting *setting, void *context);

/* name NULL: every one. DD_NOT_FOUND: there is no such setting. */
int dd_settings(struct dd_host *host, const char *name, dd_setting_fn tell, void *context,
	struct dd_error *err);
/*
 * reason as in struct dd_change. *changed (may be NULL) is false where it was so already.
 * DD_INVALID: it cannot be that. DD_NOT_FOUND, DD_REFUSED.
 */
int dd_setting_set(struct dd_host *host, const char *name, const char *value, const char *reason,
	bool *changed, struct dd_error *err);

/* ---- how a change is made, and what became of it ---- */

enum dd_scope {
	DD_SCOPE_ALL = 0,     /* the record, and the guest if it runs */
	DD_SCOPE_CONFIG = 1,  /* the record only: holds from the next start */
	DD_SCOPE_LIVE = 2,    /* the running guest only: gone when it stops */
	DD_SCOPE_CURRENT = 3, /* as DD_SCOPE_LIVE if it runs, otherwise as DD_SCOPE_CONFIG */
};

struct dd_change {
	uint32_t if_version; /* DD_CONFLICT unless the domain is at this version; 0: whichever */
	enum dd_scope scope;
	/*
	 * Kept with the version: one line of at most 1000 bytes. NULL: the host's. DD_REFUSED where
	 * there is neither, and the book is set to want one.
	 */
	const char *reason;
	bool keep_host_model; /* at dd_define(): as in struct dd_freeze_options */
};

struct dd_result {
	char uuid[DD_UUID_SIZE];
	uint32_t version; /* the newest afterwards */
	bool changed;     /* false: it was so already, and no version was made */
};

/* ---- definitions ---- */

struct dd_text {
	const char *data;
	size_t size;
	const char *file; /* for messages; may be NULL */
};

struct dd_freeze_options {
	bool keep_host_model; /* leaves <cpu mode='host-model'> floating, as libvirt does */
	/* What dd_capabilities() gave, here or elsewhere; NULL: the definition's own QEMU's. */
	const struct dd_text *capabilities;
	/* As in struct dd_host_options, where host is NULL; may be NULL. */
	void (*warn)(const char *message, void *context);
	void *warn_context;
};

/*
 * The frozen form of a definition, in canonical XML. Nothing is stored; host may be NULL (then QEMU
 * is asked anew), and options too. Passwords that were handed in are handed back. Elements and
 * attributes that nobody knows are left out, with a warning; dd_validate() refuses them.
 * DD_INVALID, DD_UNSUPPORTED: with line and element path.
 */
int dd_freeze(struct dd_host *host, const char *xml, size_t size, const char *file,
	const struct dd_freeze_options *options, char **out, struct dd_error *err);

/* An element that is kept, with all below it, and that Domesday does not interpret. */
typedef int (*dd_kept_fn)(const char *path, int line, void *context);

/*
 * Checks the elements and values of a definition; nothing is decided or stored. kept, which may be
 * NULL, is told of what is of another namespace, and of devices of no known kind. DD_INVALID with
 * the line.
 */
int dd_validate(const char *xml, size_t size, const char *file, dd_kept_fn kept, void *context,
	struct dd_error *err);
/* The RELAX NG grammar of the format. */
int dd_grammar(char **out, struct dd_error *err);

/* One thing in which two definitions differ. */
struct dd_difference {
	const char *kind;     /* "attached", "detached", "updated", "setting" */
	const char *device;   /* "disk vdb"; NULL outside devices */
	const char *path;     /* element path */
	const char *before;   /* NULL: was not there */
	const char *after;    /* NULL: is not there */
	const char *sentence; /* all of it in words */
	/*
	 * When it may change: "running", "shut off", or "never" (without another device in its
	 * place, or an upgrade); NULL in what dd_check() tells.
	 */
	const char *when;
	bool visible; /* the guest sees it */
};
typedef int (*dd_difference_fn)(const struct dd_difference *difference, void *context);

/*
 * Creates a domain: frozen, version 1. Where one of that name or UUID exists with the same meaning,
 * that is success with changed false; with another meaning DD_EXISTS, and `difference` (may be
 * NULL) has been told each one; result->uuid then says which domain is there.
 */
int dd_define(struct dd_host *host, const char *xml, size_t size, const char *file,
	const struct dd_change *change, dd_difference_fn difference, void *context,
	struct dd_result *result, struct dd_error *err);

/* What became of one file, or of one domain of a repository. */
struct dd_imported {
	const char *outcome; /* "imported", "unchanged", "refused", "left-out": not a domain */
	const char *origin;  /* the file, or REPOSITORY@COMMIT:PATH of the newest version */
	const char *name;    /* NULL where it is not known; so is uuid */
	const char *uuid;
	uint32_t version;  /* the newest afterwards; 0 where there is none */
	uint32_t versions; /* how many were made, or would be */
	/* What freezing added, what is shared with others, what was kept out: one line each. */
	const char *const *notes;
	size_t note_count;
	const struct dd_error *error; /* why it was refused or left out; otherwise NULL */
};
typedef int (*dd_imported_fn)(const struct dd_imported *imported, void *context);

struct dd_import_options {
	bool dry_run;         /* tell the same, and write nothing */
	bool keep_host_model; /* as in struct dd_freeze_options */
	const char *reason;   /* kept with each version; as in struct dd_change */
};

/*
 * Takes definitions as another hypervisor's manager keeps them, addresses and all, each as version
 * 1 with its origin: files, and folders such as /etc/libvirt/qemu, of which every *.xml directly in
 * it is taken that is a domain; a link in the folder autostart/ beside a file sets that flag. Each
 * is told, and one that is refused does not keep the others out. host may be NULL for a dry run
 * without a book. Returns 0 also where some were refused; DD_NO_MEMORY, DD_SYSTEM.
 */
int dd_import(struct dd_host *host, const char *const *paths, size_t count,
	const struct dd_import_options *options, dd_imported_fn imported, void *context,
	struct dd_error *err);

/*
 * The same from the history that a git repository kept of such a folder, as etckeeper does: each
 * commit that changed what a definition means is a version, in its author's name and of its time,
 * with the commit's id. What is gone from the folder becomes a domain that is undefined. The newest
 * state has to be fit for a record; what was broken in between is noted and left out. All versions
 * of a domain are made at once, or none. Done again, it takes what is new since, as long as nobody
 * else has changed the domain.
 *
 * repository is a folder with .git, or a bare repository; folder the one in it that has the
 * definitions, NULL for the first that has or had any of libvirt/qemu, etc/libvirt/qemu, qemu and
 * the repository's top. DD_NOT_FOUND: no repository, no commit, never a definition; DD_REFUSED: a
 * shallow clone, or more than can be held; DD_CORRUPT; and as dd_import().
 */
int dd_import_git(struct dd_host *host, const char *repository, const char *folder,
	const struct dd_import_options *options, dd_imported_fn imported, void *context,
	struct dd_error *err);

/* One edit of a plan; it makes a version together with the others. */
struct dd_step {
	const char *action;  /* "detach", "set", "update", "attach" */
	const char *subject; /* "disk vdb"; of "set" the element, such as "memory" */
	const char *details; /* where a device is, and what is behind it; "" where nothing */
	const char *brings;  /* devices that have to come along, in words; "" where none */
	const char *xml;     /* what to hand to that edit; NULL where an element is taken away */
	const struct dd_difference *differences; /* of "set" and "update" */
	size_t difference_count;
};
typedef int (*dd_step_fn)(const struct dd_step *step, void *context);

/*
 * Brings a domain that exists to a definition, by device-level edits that make one version; what
 * the definition leaves open stays as it was decided. Each edit is told before any is made; with
 * dry_run none is made, and result->changed says whether one would be. DD_NOT_FOUND: there is no
 * such domain. DD_EXISTS: its name and UUID belong to two. DD_REFUSED: a guest would see another
 * machine (path says where), or a running guest cannot follow. result->uuid says which domain it is
 * wherever there is one, after a DD_CONFLICT for instance.
 */
int dd_apply(struct dd_host *host, const struct dd_text *definition, bool dry_run,
	const struct dd_change *change, dd_step_fn step, void *context, struct dd_result *result,
	struct dd_error *err);

/* The domain leaves the index and frees its name; its history stays. DD_REFUSED while it runs. */
int dd_undefine(struct dd_host *host, const char *domain, const struct dd_change *change,
	struct dd_result *result, struct dd_error *err);

/*
 * A definition as stored. live: what the running guest has now, with facts of this run (id,
 * aliases, ports); of a domain that is shut off, the same as without. live goes with version 0
 * only.
 */
int dd_dumpxml(struct dd_host *host, const char *domain, uint32_t version, bool live, char **out,
	struct dd_error *err);

struct dd_dumpxml_options {
	uint32_t version;
	bool live;
	/*
	 * Shows the passwords, too. DD_REFUSED: the book has not got one of them, such as a book
	 * that was restored from its history alone.
	 */
	bool security_info;
};
int dd_dumpxml_with(struct dd_host *host, const char *domain,
	const struct dd_dumpxml_options *options, char **out, struct dd_error *err);

/* ---- looking around ---- */

struct dd_domain_info {
	char uuid[DD_UUID_SIZE];
	const char *name;
	const char *title; /* "" where there is none */
	const char *state; /* virsh's words: "running", "paused", "shut off", "crashed"… */
	int id;            /* while it runs; otherwise 0 */
	int pid;           /* of QEMU while it runs; otherwise 0 */
	bool autostart;
	uint32_t version;  /* the newest */
	const char *owner; /* the host that owns it, where that is another one; otherwise NULL */
	bool claimed;      /* taken over, and not its own before a push has told others */
	uint32_t epoch;    /* of ownership: from 1 on, raised with each new owner */
};
typedef int (*dd_domain_fn)(const struct dd_domain_info *info, void *context);

/* By name. all: those that are shut off too. */
int dd_list(
	struct dd_host *host, bool all, dd_domain_fn visit, void *context, struct dd_error *err);
int dd_info(struct dd_host *host, const char *domain, dd_domain_fn visit, void *context,
	struct dd_error *err);

/* Domains that use a disk path, a MAC or a host device. mode: "exclusive", "shared", "read". */
struct dd_use {
	const char *kind; /* "disk", "mac", "hostdev" */
	const char *value;
	const char *mode;
	bool config; /* by the definition */
	bool live;   /* by the running guest */
};
typedef int (*dd_use_fn)(
	const struct dd_domain_info *info, const struct dd_use *use, void *context);
int dd_who_uses(struct dd_host *host, const char *value, dd_use_fn visit, void *context,
	struct dd_error *err);

/* An operation that is under way, or was cut short and waits for the next one to settle it. */
struct dd_job {
	const char *domain; /* its name, also of one that comes; NULL while there is none yet */
	const char *uuid;
	const char *operation; /* "attach-device" */
	int64_t since;         /* seconds since the epoch */
	int pid;               /* who is at it; 0: nobody any more */
	const char *program;   /* NULL: nobody any more */
};
typedef int (*dd_job_fn)(const struct dd_job *job, void *context);

/* Waits for nobody and settles nothing. */
int dd_jobs(struct dd_host *host, dd_job_fn visit, void *context, struct dd_error *err);

/* ---- the guest ---- */

/* DD_REFUSED: it runs already, or a disk is in use by another (which one is said). */
int dd_start(struct dd_host *host, const char *domain, bool paused, struct dd_error *err);

struct dd_start_options {
	bool paused;
	/*
	 * A CPU that is passed on as it is (host-passthrough, maximum) may be another than the
	 * recorded one, and is then recorded instead; without this that is DD_REFUSED, with the
	 * differences.
	 */
	bool accept_cpu;
};
int dd_start_with(struct dd_host *host, const char *domain, const struct dd_start_options *options,
	struct dd_error *err);

/* Asks the guest (ACPI) and waits up to wait_ms for it to stop (0: not at all; DD_BUSY if late). */
int dd_shutdown(struct dd_host *host, const char *domain, int wait_ms, struct dd_error *err);
int dd_destroy(struct dd_host *host, const char *domain, struct dd_error *err);
int dd_suspend(struct dd_host *host, const char *domain, struct dd_error *err);
int dd_resume(struct dd_host *host, const char *domain, struct dd_error *err);
/*
 * Asks the guest (ACPI) to shut itself down, waits up to wait_ms for that and starts it afresh, in
 * the same QEMU and with its live-only changes. DD_BUSY: it has not, and goes on.
 */
int dd_reboot(struct dd_host *host, const char *domain, int wait_ms, struct dd_error *err);

/* ---- device-level edits: each call makes one version ---- */

int dd_attach(struct dd_host *host, const char *domain, const struct dd_text *devices, size_t count,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);
/* Each device is XML (data begins with '<') or a reference: an alias, a target, a MAC. */
int dd_detach(struct dd_host *host, const char *domain, const struct dd_text *devices, size_t count,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);
int dd_update(struct dd_host *host, const char *domain, const struct dd_text *devices, size_t count,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);

/* maximum: the boot-time size (shut off only), otherwise the current one. */
int dd_set_memory(struct dd_host *host, const char *domain, uint64_t kib, bool maximum,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);
int dd_set_vcpus(struct dd_host *host, const char *domain, unsigned count, bool maximum,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);

int dd_rename(struct dd_host *host, const char *domain, const char *name,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);
/* NULL or "" removes. */
int dd_set_title(struct dd_host *host, const char *domain, const char *title,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);
int dd_set_description(struct dd_host *host, const char *domain, const char *description,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);
/* As stored; "" where there is none. */
int dd_get_description(struct dd_host *host, const char *domain, char **out, struct dd_error *err);
/* One element of <metadata>, by its namespace. xml NULL removes it. */
int dd_set_metadata(struct dd_host *host, const char *domain, const char *uri, const char *key,
	const char *xml, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err);
int dd_get_metadata(struct dd_host *host, const char *domain, const char *uri, char **out,
	struct dd_error *err);
/* Of the host, not of the machine: makes no version. */
int dd_set_autostart(
	struct dd_host *host, const char *domain, bool autostart, struct dd_error *err);

/* ---- after an upgrade of the host ---- */

/* One thing about a domain that the QEMU installed here calls for. */
struct dd_advice {
	const char *domain; /* its name */
	const char *uuid;
	bool running;
	/*
	 * "machine-gone", "machine-deprecated", "cpu-gone", "cpu-deprecated", "cpu-floating" (left
	 * to each start), "cpu-differs", "cpu-unrecorded" (of one that is passed on), "emulator".
	 */
	const char *kind;
	const char *path;
	const char *value;    /* what is there; or NULL */
	const char *sentence; /* all of it in words */
	const char *command;  /* what changes it, once the domain is shut off; or NULL */
};
typedef int (*dd_advice_fn)(const struct dd_advice *advice, void *context);

/* domain NULL: every one. */
int dd_advise(struct dd_host *host, const char *domain, dd_advice_fn visit, void *context,
	struct dd_error *err);

struct dd_upgrade_to {
	const char *machine; /* a versioned type or an alias, of the same chipset; NULL: as it is */
	const char *cpu;     /* host-model, host-passthrough, maximum or a model; NULL: as it is */
};

/*
 * Changes what a guest that is shut off will see of its machine, as one version that lists each ABI
 * change; difference (may be NULL) is told them before. DD_REFUSED: it runs, or the chipset is
 * another; DD_UNSUPPORTED: QEMU has no such type or model.
 */
int dd_upgrade(struct dd_host *host, const char *domain, const struct dd_upgrade_to *upgrade,
	const struct dd_change *change, dd_difference_fn difference, void *context,
	struct dd_result *result, struct dd_error *err);

/* ---- remotes: git repositories that keep a copy of the book ---- */

/*
 * A remote takes what any number of hosts push, each under its own name: branches
 * hosts/HOST/domains/UUID, which only ever grow. It is a folder, ssh or https; stock git knows it
 * by the same name in book.git.
 */
struct dd_remote {
	const char *name;
	const char *url;
	/*
	 * Absolute path of a file of mode 0600 that proves who we are: an ssh private key, or for
	 * https one line "user:password". NULL: the ssh agent, then the book's own key.
	 */
	const char *identity;
};

/*
 * Does not contact it. DD_INVALID: the name, or a URL that holds a password, is no URL, or goes
 * over http:// or git://, where anybody on the way could change what it carries. DD_REFUSED: others
 * may read the identity. DD_EXISTS.
 */
int dd_remote_add(struct dd_host *host, const struct dd_remote *remote, struct dd_error *err);
/* Forgets what was pulled from it, too. DD_NOT_FOUND says which there are. */
int dd_remote_remove(struct dd_host *host, const char *name, struct dd_error *err);
/* By name. remote returns non-zero to stop with it, and must not change remotes. */
int dd_remotes(struct dd_host *host, int (*remote)(const struct dd_remote *remote, void *context),
	void *context, struct dd_error *err);

enum dd_branch_outcome {
	DD_BRANCH_CURRENT,   /* both sides have the same */
	DD_BRANCH_CREATED,   /* was not there */
	DD_BRANCH_FORWARDED, /* got what it lacked */
	DD_BRANCH_DIVERGED,  /* is left alone: it is no earlier state of what it should become */
	DD_BRANCH_LOST,      /* the domain was this host's, and is now that of the one named */
};

struct dd_branch {
	const char *host;
	const char *uuid; /* of the domain; NULL: the branch with the host's keys */
	const char *name; /* of a domain in this book, or NULL */
	enum dd_branch_outcome outcome;
	const char *before; /* commit, or "" */
	const char *after;
};
typedef int (*dd_branch_fn)(const struct dd_branch *branch, void *context);

/*
 * Brings the remote's copy of this book up to date: everything that is committed when it begins.
 * branch (may be NULL) hears of every branch before any is sent. DD_CONFLICT: a branch there does
 * not lead to what this book has, since it was rewritten; all others were sent. Where that is the
 * branch with the keys, two books have this host's name, and nothing was sent. DD_SYSTEM: not
 * reached. DD_REFUSED: it does not let us in, or does not prove to be the right server.
 */
int dd_push(struct dd_host *host, const char *remote, dd_branch_fn branch, void *context,
	struct dd_error *err);

/*
 * Takes domains of a host that is down over, from what it last pushed to a remote. What it did not
 * push is lost. The host is proved to be down by the book's fence-command, or the operator answers
 * for it. Each domain gets one more version, which says by whom, why and upon which proof it was
 * taken, raises its epoch, and is shut off. It is this host's own once the remote was told, with
 * which the call ends; the host before learns that at its next push or pull.
 */
struct dd_evacuation {
	const char *host;           /* that is down */
	const char *remote;         /* name of one of the book's */
	const char *const *domains; /* names or UUIDs */
	size_t count;               /* 0: all that the host had and this one has not yet */
	const char *override;       /* why the host is known to be down, or NULL: ask */
	bool dry_run;               /* tell what would be taken, and ask nobody */
};

struct dd_evacuated {
	const char *name;
	const char *uuid;
	bool taken;       /* or, of a dry run, would be */
	uint32_t version; /* the newest, of the history as it is afterwards */
	uint32_t epoch;
	const struct dd_error *error; /* why it was not taken */
};
typedef int (*dd_evacuated_fn)(const struct dd_evacuated *evacuated, void *context);

/*
 * evacuated hears of each. DD_NOT_FOUND: no such remote, no such host or domain there. DD_REFUSED:
 * the host is not proved to be down. DD_SYSTEM: the remote is out of reach; what was taken by then
 * is this host's after a push. One domain that cannot be taken does not keep the others from it.
 */
int dd_evacuate(struct dd_host *host, const struct dd_evacuation *evacuation,
	const struct dd_change *change, dd_evacuated_fn evacuated, void *context,
	struct dd_error *err);

/*
 * Fetches what all hosts have pushed to the remote, into branches that stock git shows as
 * remotes/NAME/HOST/domains/UUID. DD_CONFLICT: what was fetched earlier was rewritten there; it is
 * kept here. Otherwise as dd_push().
 */
int dd_pull(struct dd_host *host, const char *remote, dd_branch_fn branch, void *context,
	struct dd_error *err);

/* ---- history ---- */

/*
 * A version as a person names it: NAME (the newest), NAME@N, NAME@LABEL (a tag), NAME@{TIME} (the
 * version in force then: 2026-11-01 12:00 in local time, 2026-11-01T12:00:00Z, yesterday, 2 hours
 * ago). *domain is the caller's, *version 0 for the newest. A domain that is called like the whole
 * of words is that domain, unless they end in @ and digits. DD_INVALID: no time, or a number out
 * of range. DD_NOT_FOUND: no such domain or tag, or the time is before its first version. NAME and
 * NAME@N are taken apart and not looked up.
 */
int dd_resolve(struct dd_host *host, const char *words, char **domain, uint32_t *version,
	struct dd_error *err);

/*
 * Gives a version (0: the newest) a name within its domain, as a signed git tag. result (may be
 * NULL) has that version, and changed false where it had the name already. reason as in struct
 * dd_change. DD_INVALID: label is no such name (as git has the names of refs, without '/', and
 * neither a number nor with '@' or '{'). DD_EXISTS: another version has it. DD_NOT_FOUND.
 * DD_REFUSED: another host owns the domain, and says so. DD_BUSY: somebody is at it.
 */
int dd_tag_set(struct dd_host *host, const char *domain, uint32_t version, const char *label,
	const char *reason, struct dd_result *result, struct dd_error *err);
/*
 * reason is checked, and not kept: a tag has no history. DD_NOT_FOUND says which there are.
 * DD_REFUSED, DD_BUSY: as above.
 */
int dd_tag_remove(struct dd_host *host, const char *domain, const char *label, const char *reason,
	struct dd_error *err);

struct dd_tag {
	const char *label;
	uint32_t version;
	char object[DD_COMMIT_SIZE]; /* of git */
	int64_t when;                /* seconds since the epoch, UTC */
	const char *tagger;          /* "Name <email>" */
	const char *reason;          /* "" where none was given */
};
typedef int (*dd_tag_fn)(const struct dd_tag *tag, void *context);

/* By version and label. */
int dd_tags(struct dd_host *host, const char *domain, dd_tag_fn tag, void *context,
	struct dd_error *err);

/* Whose process made a version. */
struct dd_caller {
	int64_t uid;          /* of the person; -1 where it was not recorded */
	int64_t acting_uid;   /* that the process ran as */
	const char *known_by; /* how the person is known: as Caller-Known-By says it; or "" */
	const char *program;  /* or "" */
};

struct dd_version_info {
	const char *domain; /* the name that it has now, or had last */
	char uuid[DD_UUID_SIZE];
	uint32_t number;
	char commit[DD_COMMIT_SIZE];
	int64_t when;     /* seconds since the epoch, UTC */
	int64_t authored; /* the same, but of an imported version: when it was made where it was */
	const char *author; /* who asked: "Name <email>" */
	struct dd_caller caller;
	const char *committer; /* the host */
	const char *operation; /* "define", "attach-device"… */
	const char *subject;
	const char *reason;          /* "" where none was given */
	const char *const *trailers; /* "Key: value" */
	size_t trailer_count;
	const char *tags; /* its names, apart by a space; "" where it has none */
};
typedef int (*dd_version_fn)(const struct dd_version_info *info, void *context);

/* From newest to oldest, at most limit (0: all). */
int dd_log(struct dd_host *host, const char *domain, uint32_t limit, dd_version_fn visit,
	void *context, struct dd_error *err);

/* Which versions are told. What is NULL or 0 leaves none out. */
struct dd_log_options {
	const char
		*domain; /* NULL: of every domain, also those that are gone, as one line of time */
	uint32_t from;   /* this one and what is before; of one domain */
	uint32_t limit;
	int64_t since, until;   /* made at or after, at or before; seconds since the epoch */
	const char *who;        /* part of name or e-mail, in small letters or capitals */
	const char *operations; /* "attach-device,detach-device" */
	const char *words;      /* part of the subject or the reason, as who */
	/*
	 * Attached, detached or changed by it. Of one domain it is named as it is in the newest
	 * version, an alias too; otherwise "vdb", a MAC or "disk vdb".
	 */
	const char *device;
	/* Something at this element path, or below, came, went or changed: "devices/disk",
	 * "os/type/@machine", "devices/disk[2]". */
	const char *path;
};

/*
 * From newest to oldest: each version, and (difference may be NULL) what it changed against the one
 * before, of which version 1 has none. Definitions are read for device, path and difference only.
 * Of the whole book, a history is not looked into behind a version from before since. DD_INVALID:
 * there is no such operation.
 */
int dd_log_with(struct dd_host *host, const struct dd_log_options *options, dd_version_fn visit,
	dd_difference_fn difference, void *context, struct dd_error *err);

/* One version, and what it changed against the one before. */
int dd_show(struct dd_host *host, const char *domain, uint32_t version, dd_version_fn visit,
	dd_difference_fn difference, void *context, struct dd_error *err);

/* Where a definition comes from. What is NULL or 0 leaves nothing out. */
struct dd_blame_options {
	const char *domain;
	uint32_t version;   /* whose definition is looked at; 0: the newest */
	const char *device; /* this one only: a target, a MAC, "disk vdb", an alias */
	const char *path;   /* what is there or below only: "devices/disk", "os/type/@machine" */
};

/* An element, with its own text, or an attribute. */
struct dd_blame_part {
	const char *path;   /* "/domain/devices/disk[1]/target/@dev" */
	const char *value;  /* of the attribute, or the element's own text; NULL: none */
	size_t column;      /* where it begins in the line, in bytes from 0 */
	size_t text_column; /* and where the element's own text does; 0: it has none */
	uint32_t version;   /* that it has had this value since */
};

struct dd_blame_line {
	const char *text; /* of canonical XML, length bytes, without the newline */
	size_t length;
	uint32_t version; /* the newest of its parts, or that of the element that it ends */
	const struct dd_blame_part *parts;
	size_t count; /* 0: it ends an element, or goes on with its text */
};
typedef int (*dd_blame_fn)(const struct dd_blame_line *line, void *context);

/*
 * First each version that something comes from, the newest first (version may be NULL), then each
 * line of the definition. An element is set when it comes and when its own text changes, an
 * attribute when its value does; a device stays the same one as in dd_diff. DD_NOT_FOUND: no such
 * domain, version, device, or nothing at the path.
 */
int dd_blame(struct dd_host *host, const struct dd_blame_options *options, dd_version_fn version,
	dd_blame_fn line, void *context, struct dd_error *err);

/* A side of a comparison: a domain's version, or (xml not NULL) a definition. */
struct dd_side {
	const char *domain;
	uint32_t version;
	bool live; /* what the guest had then, which is the definition where it had nothing else */
	const char *xml;
	size_t size;
	const char *file;
};
/*
 * A definition that is not frozen is completed from the other side first, so that only what it says
 * differently counts.
 */
int dd_diff(struct dd_host *host, const struct dd_side *before, const struct dd_side *after,
	dd_difference_fn difference, void *context, struct dd_error *err);

/*
 * The same in lines of canonical XML, in unified form; "" where nothing differs. The names are what
 * the two are called in it.
 */
int dd_diff_xml(struct dd_host *host, const struct dd_side *before, const char *before_name,
	const struct dd_side *after, const char *after_name, char **out, struct dd_error *err);

/*
 * Makes the definition of that version the newest again, as a new version, under the name that the
 * domain has now. A running guest goes as far as it can with unplugs, plugs and updates; the rest
 * holds from its next start. With DD_SCOPE_CONFIG all of it does.
 */
int dd_rollback(struct dd_host *host, const char *domain, uint32_t version,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err);

struct dd_rollback_options {
	const char *domain;
	uint32_t version;
	/*
	 * This one only: a target, a MAC, "disk vdb", an alias; as it is called in the record, or
	 * was called in that version. It goes to its old place unless that is taken. NULL: all.
	 */
	const char *device;
	bool dry_run; /* tell, and do nothing; result then says whether anything would change */
};

/*
 * As dd_rollback. Before anything is done, now is told what the running guest comes to at once, and
 * pending what holds from its next start, what waited for it before included; of a domain that is
 * shut off, or with DD_SCOPE_CONFIG, that is all. Either may be NULL; non-zero from one ends it
 * with nothing done. DD_NOT_FOUND: neither definition has the device. DD_REFUSED: others need it.
 */
int dd_rollback_with(struct dd_host *host, const struct dd_rollback_options *options,
	const struct dd_change *change, dd_difference_fn now, dd_difference_fn pending,
	void *context, struct dd_result *result, struct dd_error *err);

/*
 * Compares a running guest with its record, both asked anew, and tells each deviation. Returns 0
 * also where there are some.
 */
int dd_check(struct dd_host *host, const char *domain, dd_difference_fn drift, void *context,
	struct dd_error *err);

#ifdef __cplusplus
}
#endif

#include <domesday/migrate.h>
#include <domesday/safety.h>
#include <domesday/upkeep.h>

#endif
