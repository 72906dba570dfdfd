/* SPDX-License-Identifier: Apache-2.0 */
/* What a migration within the host would do. */
#include "migrate/evidence.h"
#include "migrate/incoming_internal.h"
#include "migrate/local.h"
#include "qmp/migration.h"

static int tell_disks(const struct document *live, dd_migrate_disk_fn disk, void *context)
{
	const xmlNode *device = node_child(document_devices(live), "disk");
	int rc = 0;

	for (; device && !rc; device = node_next(device)) {
		const struct dd_migrate_disk told = {
			.target = disk_target(device),
			.path = disk_path(device),
			.verdict = "shared",
			.why = "both QEMUs are on this host",
			.hint = "",
		};

		if (told.target && told.path)
			rc = disk(&told, context);
	}
	return rc;
}

int local_look(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migrate_disk_fn disk, void *context,
	struct dd_migrate_outlook *result, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(document) struct document *live = NULL;
	uint64_t kib = 0;
	bool one_pass = false;
	int rc = local_begin(&op, host, options, OPERATION_DRY_RUN, change, err);

	if (!rc)
		rc = local_document(&op, &live, err);
	if (!rc)
		rc = incoming_place_check(&op, live, op.folder, err);
	if (!rc)
		rc = local_room_check(&op, live, err);
	if (!rc && disk)
		rc = tell_disks(live, disk, context);
	if (!rc)
		rc = guest_emulated(op.guest, &one_pass, err);
	if (rc || !result)
		return rc;
	(void)node_text_number(node_child(document_root(live), "memory"), &kib);
	*result = (struct dd_migrate_outlook){
		.live = true,
		.possible = true,
		.one_pass = one_pass && !guest_memory_in_common(live),
		.instance = op.instance + 1,
		.memory = kib * 1024,
		.memory_shared = guest_memory_in_common(live),
	};
	return 0;
}
