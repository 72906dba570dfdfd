/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/progress.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "migrate/row.h"

#define FILE_NAME "progress"
#define SIZE_LIMIT 4096
#define EARLY_MS 200 /* until then it may be over before anybody has looked */

int progress_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	int rc = host_run_folder(host, uuid, &folder, err);

	return rc ? rc : string_format(out, err, "%s/" FILE_NAME, folder);
}

void progress_forget(struct dd_host *host, const char *uuid)
{
	CLEANUP(free) char *path = NULL;

	if (progress_path(host, uuid, &path, NULL) == 0)
		(void)unlink(path);
}

void progress_write(const char *path, const struct dd_migration_progress *told)
{
	CLEANUP(json) struct json *object = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;

	if (!path || told->elapsed_ms < EARLY_MS)
		return;
	object = json_object();
	json_put_string(object, "phase", told->phase);
	json_put(object, "total", json_unsigned(told->total));
	json_put(object, "remaining", json_unsigned(told->remaining));
	json_put(object, "sent", json_unsigned(told->sent));
	json_put(object, "dirty_rate", json_unsigned(told->dirty_rate));
	json_put(object, "bandwidth", json_unsigned(told->bandwidth));
	json_put_number(object, "throttle", told->throttle);
	json_put_number(object, "elapsed_ms", told->elapsed_ms);
	json_put_number(object, "estimate_ms", told->estimate_ms);
	json_put_number(object, "downtime_ms", told->downtime_ms);
	if (told->transport)
		json_put_string(object, "transport", told->transport);
	if (json_write(object, &text, NULL) == 0)
		(void)file_place(path, 0600, text_string(&text), text.size, NULL);
}

/* What out points to is detail's. *detail is NULL where nobody has told anything. */
static int progress_read(struct dd_host *host, const char *uuid, struct json **detail,
	struct dd_migration_progress *out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(json) struct json *told = NULL;
	int rc = progress_path(host, uuid, &path, err);

	if (rc || file_read(path, SIZE_LIMIT, &text, NULL) ||
		json_parse(text_string(&text), text.size, &told, NULL))
		return rc;
	*out = (struct dd_migration_progress){
		.phase = json_get_string(told, "phase"),
		.total = json_get_unsigned(told, "total", 0),
		.remaining = json_get_unsigned(told, "remaining", 0),
		.sent = json_get_unsigned(told, "sent", 0),
		.dirty_rate = json_get_unsigned(told, "dirty_rate", 0),
		.bandwidth = json_get_unsigned(told, "bandwidth", 0),
		.throttle = (unsigned)json_get_unsigned(told, "throttle", 0),
		.elapsed_ms = json_get_number(told, "elapsed_ms", 0),
		.estimate_ms = json_get_number(told, "estimate_ms", -1),
		.downtime_ms = json_get_number(told, "downtime_ms", 0),
		.transport = json_get_string(told, "transport"),
	};
	if (out->phase)
		*detail = TAKE(told);
	return 0;
}

int dd_migration_under_way(struct dd_host *host, const char *uuid, dd_migrating_fn visit,
	void *context, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	CLEANUP(json) struct json *detail = NULL;
	struct dd_migration_progress progress;
	int rc = migration_row_find(host, uuid, NULL, &row, err);

	if (!rc)
		rc = progress_read(host, uuid, &detail, &progress, err);
	return rc ? rc
		  : visit(&(struct dd_migrating){.peer = row.local ? NULL : row.peer,
				  .outgoing = row.outgoing,
				  .live = row.live,
				  .progress = detail ? &progress : NULL},
			    context);
}
