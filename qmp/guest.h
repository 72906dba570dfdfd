/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_GUEST_H
#define QMP_GUEST_H

/*
 * A guest: one QEMU process and the monitor to it. Guests outlive every Domesday process; whoever
 * comes next connects again by the folder.
 *
 * In the folder (0700, one a domain): qemu.lock, which QEMU holds locked for as long as it lives
 * and in which its pid is written before it is executed, so that there is no moment at which a
 * QEMU exists and cannot be found; monitor.sock; qemu.log, the end of which explains a death.
 *
 * Definitions handed in are live documents: frozen, with aliases (schema/alias.h). A guest is used
 * by one thread at a time.
 */

#include "qmp/json.h"
#include "schema/capabilities.h"
#include "schema/document.h"

struct guest;

enum guest_status {
	GUEST_RUNNING,
	GUEST_PAUSED,
	GUEST_PRELAUNCH, /* started, has never run */
	GUEST_SHUTDOWN,
	GUEST_CRASHED, /* panicked, or an internal error */
	GUEST_IO_ERROR,
	GUEST_WATCHDOG,   /* its watchdog has stopped it */
	GUEST_INCOMING,   /* waits for, or takes, a migration's stream */
	GUEST_SWITCHING,  /* a migration has stopped it, to send the rest */
	GUEST_MOVED_AWAY, /* stopped: all of it has been sent to another QEMU */
	GUEST_OTHER,
};

const char *guest_status_name(enum guest_status status); /* virsh's word: "running", "paused"… */

/* Is there a QEMU (or one about to be) in this folder? Never blocks. *pid may be NULL. */
bool guest_alive(const char *folder, pid_t *pid);

/*
 * Can this definition be run as it stands? DD_UNSUPPORTED names line and path of the first thing
 * that Domesday knows but cannot yet honour.
 */
int guest_check(const struct document *live, const struct capabilities *caps, struct dd_error *err);
/* Beside the QEMU in the folder from, which it would come from (guest_start_incoming()); or NULL.
 */
int guest_check_beside(const struct document *live, const struct capabilities *caps,
	const char *from, struct dd_error *err);

/* The QEMU command line, one argument each; for start, and for people who ask. */
int guest_command_line(const char *folder, const struct document *live,
	const struct capabilities *caps, struct json **array, struct dd_error *err);

/*
 * Starts QEMU with its vCPUs stopped (-S), waits for its monitor and negotiates. folder is made
 * where it is missing; the one above it has to be there. On failure the process is gone and the
 * error carries QEMU's own last words. DD_EXISTS: one is alive there.
 */
int guest_start(const char *folder, const struct document *live, const struct capabilities *caps,
	struct guest **out, struct dd_error *err);

/*
 * As guest_start(), for a guest that comes from another QEMU (qmp/migration.h). The images need be
 * there, and may be in use where they are shared. from: the folder of that QEMU where it is on this
 * host; its tap interfaces are then taken over, and its memory where that can be. NULL: it is not.
 */
int guest_start_incoming(const char *folder, const struct document *live,
	const struct capabilities *caps, const char *from, struct guest **out,
	struct dd_error *err);

/*
 * Has a guest that comes from a QEMU on this host its memory in common with that one? Then the
 * stream must be without it (ignore_shared). So it is where <memoryBacking> has
 * <source type='memfd'/> and <access mode='shared'/>, and there are no NUMA cells or memory
 * modules.
 */
bool guest_memory_in_common(const struct document *live);

/* What the stream does not bring; after guest_migration_arrived(). May be repeated. */
int guest_settle_arrived(struct guest *guest, const struct document *live, struct dd_error *err);

/*
 * Sets what a command line cannot: links, passwords, the balloon. A part of guest_start(), and to
 * be repeated for a guest whose start was interrupted.
 */
int guest_settle(struct guest *guest, const struct document *live, struct dd_error *err);

/* To a running one. DD_NOT_FOUND: there is none. */
int guest_connect(const char *folder, struct guest **out, struct dd_error *err);
void guest_free(struct guest *guest); /* closes the connection; QEMU goes on */
CLEANUP_DEFINE(guest, struct guest *, guest_free)

pid_t guest_pid(const struct guest *guest);
int guest_status(struct guest *guest, enum guest_status *out, struct dd_error *err);

/*
 * Writes facts of this run into the live document: ports, ptys, sockets, tap interfaces. The
 * balloon's present size is none of them: <currentMemory> stays what was asked for.
 */
int guest_fill_runtime(struct guest *guest, struct document *live, struct dd_error *err);

int guest_continue(struct guest *guest, struct dd_error *err);
int guest_stop(struct guest *guest, struct dd_error *err);      /* vCPUs only */
int guest_powerdown(struct guest *guest, struct dd_error *err); /* ACPI; returns at once */
int guest_reset(struct guest *guest, struct dd_error *err);

/*
 * Asks the guest to shut itself down and starts it anew in the same QEMU. DD_BUSY: it has not
 * within wait_ms, and goes on. guest_reboot_settle() finishes one whose caller died.
 */
int guest_reboot(struct guest *guest, int wait_ms, struct dd_error *err);
int guest_reboot_settle(struct guest *guest, struct dd_error *err);

int guest_await_exit(
	const char *folder, int wait_ms, struct dd_error *err); /* DD_BUSY: still there */

/* Ends QEMU: quit, then SIGTERM, then SIGKILL; returns when it is gone. Success if it was gone. */
int guest_destroy(const char *folder, struct dd_error *err);
/* The same by who is connected already: guest (may be NULL) is taken over, also on failure. */
int guest_destroy_met(const char *folder, struct guest *guest, struct dd_error *err);

/*
 * Hot-plug of one device of the live document, and back. Each returns when QEMU has confirmed, or
 * undoes what it had begun. Detach waits up to wait_ms for the guest to let go (DD_REFUSED then:
 * the device stays). Both are idempotent, so that recovery can simply repeat them.
 */
int guest_attach(struct guest *guest, const struct document *live, const xmlNode *device,
	struct dd_error *err);
int guest_detach(struct guest *guest, const struct document *live, const xmlNode *device,
	int wait_ms, struct dd_error *err);

/* Live change of a device's properties: medium of a cdrom, link state, VNC password. */
int guest_update(struct guest *guest, const struct document *live, const xmlNode *before,
	const xmlNode *after, struct dd_error *err);

/* Is the device with this alias in QEMU? */
int guest_has_device(struct guest *guest, const char *alias, bool *out, struct dd_error *err);

int guest_set_memory(struct guest *guest, uint64_t kib, struct dd_error *err); /* balloon */
int guest_set_vcpus(
	struct guest *guest, const struct document *live, unsigned count, struct dd_error *err);

/* Differences between QEMU and the live document, one sentence each: {"path":…,"message":…}. */
int guest_drift(struct guest *guest, const struct document *live, struct json **array,
	struct dd_error *err);

#endif
