/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/operation.h"

#include <stddef.h>
#include <string.h>

#include "domain/crash.h"
#include "domain/existing.h"
#include "domain/reason.h"
#include "domain/record.h"
#include "domain/recover.h"
#include "domain/secret.h"
#include "store/parcels.h"

#define TRAILERS_MAX 64 /* of one version; more devices than fit are in the diff anyway */
#define SINCE_MAX 5     /* versions that a conflict spells out */

bool operation_running(const struct operation *op)
{
	return op->row.state == STATE_RUNNING;
}

int operation_require_running(const struct operation *op, struct dd_error *err)
{
	if (operation_running(op))
		return 0;
	error_set(err, DD_REFUSED, "domain '%s' is not running", op->row.name);
	return error_hint(err, "start it with: domesday start %s", op->row.name);
}

int operation_require_shut_off(const struct operation *op, struct dd_error *err)
{
	if (!operation_running(op))
		return operation_refuse_stray(op, err);
	error_set(err, DD_REFUSED, "domain '%s' is running", op->row.name);
	return error_hint(err, "shut it off first: domesday shutdown %s", op->row.name);
}

int operation_refuse_stray(const struct operation *op, struct dd_error *err)
{
	if (!guest_alive(op->folder, NULL))
		return 0;
	error_set(err, DD_EXISTS, "a QEMU of domain '%s' runs that the book does not know of",
		op->row.name);
	return error_hint(err, "end it with: domesday destroy %s", op->row.name);
}

int operation_connect(struct operation *op, struct dd_error *err)
{
	return op->guest ? 0 : guest_connect(op->folder, &op->guest, err);
}

int operation_guest(struct operation *op, struct dd_error *err)
{
	int rc = operation_require_running(op, err);

	if (!rc)
		rc = operation_connect(op, err);
	if (rc == DD_NOT_FOUND)
		rc = error_set(err, DD_HYPERVISOR, "the guest of domain '%s' has just ended",
			op->row.name);
	return rc;
}

void operation_end(struct operation *op)
{
	secret_release(op);
	guest_free(op->guest);
	document_free(op->config);
	document_free(op->live);
	text_release(&op->config_text);
	text_release(&op->live_text);
	text_release(&op->vacated_text);
	text_release(&op->cpu_text);
	text_release(&op->cpu_next);
	text_release(&op->secrets_text);
	domain_row_release(&op->row);
	free(op->folder);
	job_lock_release(op->lock);
	memset(op, 0, sizeof *op);
}

/* ---- beginning ---- */

static int load_live(struct operation *op, struct dd_error *err)
{
	CLEANUP(runtime) struct runtime runtime = {.id = 0};
	int rc;

	op->id = 0;
	op->paused = false;
	op->instance = INSTANCE_FIRST;
	if (op->row.state != STATE_RUNNING)
		return 0;
	rc = runtime_read(&op->row, &runtime, err);
	if (!rc)
		rc = document_parse(runtime.live, strlen(runtime.live), NULL, &op->live, err);
	if (!rc)
		rc = document_read_vacated(
			op->live, text_string(&op->vacated_text), op->vacated_text.size, err);
	op->id = runtime.id;
	op->paused = runtime.paused;
	op->instance = runtime.instance;
	return rc;
}

/* The folder of the QEMU that has the guest. */
static int load_folder(struct operation *op, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	const char *uuid = op->row.uuid;
	int rc = operation_running(op)
			 ? instance_folder(op->host, uuid, op->instance, &folder, err)
			 : instance_find(op->host, &op->row, &op->instance, &folder, err);

	if (rc)
		return rc;
	free(op->folder);
	op->folder = TAKE(folder);
	return 0;
}

/* What a version's tree has, and where an operation keeps it as it is recorded. */
static const struct {
	const char *path;
	size_t text;
} record_files[] = {
	{FILE_CONFIG, offsetof(struct operation, config_text)},
	{FILE_LIVE, offsetof(struct operation, live_text)},
	{FILE_VACATED, offsetof(struct operation, vacated_text)},
	{FILE_CPU, offsetof(struct operation, cpu_text)},
	{FILE_SECRETS, offsetof(struct operation, secrets_text)},
};
#define RECORD_FILES (sizeof record_files / sizeof record_files[0])

static struct text *record_text(struct operation *op, size_t file)
{
	return (struct text *)((char *)op + record_files[file].text);
}

static void forget_record(struct operation *op)
{
	document_free(TAKE(op->config));
	document_free(TAKE(op->live));
	for (size_t i = 0; i < RECORD_FILES; i++)
		text_clear(record_text(op, i));
}

int operation_load(struct operation *op, const char *uuid, struct dd_error *err)
{
	struct domain_row row = {.name = NULL};
	int rc = book_find(op->host->book, uuid, &row, err);

	if (rc)
		return rc;
	domain_row_release(&op->row);
	op->row = row;
	forget_record(op);
	for (size_t i = 0; !rc && i < RECORD_FILES; i++)
		rc = record_read_text(
			op->host->book, uuid, 0, record_files[i].path, record_text(op, i), err);
	if (!rc)
		rc = record_compose(&op->config_text, FILE_CONFIG, &op->vacated_text,
			&op->secrets_text, &op->config, err);
	if (!rc)
		rc = load_live(op, err);
	return rc ? rc : load_folder(op, err);
}

int operation_adopt(struct operation *op, struct parcel *parcel, const struct book_taken *taken,
	struct dd_error *err)
{
	int rc = 0;

	forget_record(op);
	for (size_t i = 0; !rc && i < RECORD_FILES; i++) {
		struct dd_error reason = {0};

		rc = book_parcel_read(parcel, record_files[i].path, record_text(op, i), &reason);
		if (rc == DD_NOT_FOUND)
			rc = 0;
		else if (rc && err)
			*err = reason;
	}
	/* what ran at the other host is nothing that ran here */
	text_clear(&op->live_text);
	if (!rc)
		rc = record_compose(&op->config_text, FILE_CONFIG, &op->vacated_text,
			&op->secrets_text, &op->config, err);
	if (rc)
		return rc;
	op->row.version = taken->version;
	op->row.epoch = taken->epoch;
	op->row.state = STATE_GONE;
	free(TAKE(op->row.name));
	return string_copy(&op->row.name, document_name(op->config), err);
}

/* Of a domain that need not be there: op->row has its UUID and version 0 then. */
static int load_known(struct operation *op, const char *uuid, struct dd_error *err)
{
	struct dd_error reason = {0};
	int rc = operation_load(op, uuid, &reason);

	if (rc == DD_NOT_FOUND && !op->row.version) {
		memmove(op->row.uuid, uuid, UUID_SIZE);
		return 0;
	}
	if (rc && err)
		*err = reason;
	return rc;
}

/* The guest ended without being told by us (its own shutdown, a crash, the host's restart). */
static int note_end(struct operation *op, struct dd_error *err)
{
	struct operation stop = *op;
	struct outcome outcome = {.subject = "guest stopped, live-only changes ended"};

	stop.name = "stopped";
	stop.reason = NULL;
	return operation_commit(&stop, &outcome, NULL, err);
}

/* Settles what others left, until the record and the guest agree. */
static int operation_settle(struct operation *op, struct dd_error *err)
{
	bool settled = false;
	int rc = recover_settle(op, &settled, err);

	if (!rc && settled)
		rc = load_known(op, op->row.uuid, err);
	if (rc || op->row.state != STATE_RUNNING || guest_alive(op->folder, NULL))
		return rc;
	guest_free(TAKE(op->guest));
	rc = note_end(op, err);
	return rc ? rc : operation_load(op, op->row.uuid, err);
}

/* Ends the guest where there is something to settle, which then needs nobody's answer. */
static int end_unsettled(struct operation *op, bool *ended, struct dd_error *err)
{
	CLEANUP(journal_row) struct journal_row row = {.id = 0};
	int rc = journal_find(op->host->book, op->row.uuid, &row, err);

	if ((rc == DD_NOT_FOUND && operation_running(op)) || !guest_alive(op->folder, NULL))
		return 0;
	if (rc && rc != DD_NOT_FOUND)
		return rc;
	/* there may be two, of which only settling says whose the guest is */
	rc = instance_end_all(op->host, op->row.uuid, err);
	*ended = !rc;
	return rc;
}

static int operation_prepare(struct operation *op, struct dd_host *host, const char *uuid,
	const char *name, const struct dd_change *change, struct job_lock *held,
	struct dd_error *err)
{
	int rc;

	*op = (struct operation){
		.host = host,
		.name = name,
		.author = {.name = host->author_name, .email = host->author_email},
		.caller = host->caller,
		.program = host->program,
		.lock = held,
		.instance = INSTANCE_FIRST,
	};
	rc = reason_find(host, name, change ? change->reason : NULL, &op->reason, err);
	if (!rc)
		rc = host_run_folder(host, uuid, &op->folder, err);
	return rc || held ? rc
			  : job_lock_take(host->book, uuid, name, host->wait_ms, &op->lock, err);
}

struct since {
	uint32_t base;
	struct text words;
};

static int since_add(const struct version_info *info, void *context)
{
	struct since *since = context;

	if (info->number <= since->base)
		return 1;
	text_printf(&since->words, "%s%u %s (%s)", since->words.size ? ", " : "", info->number,
		info->subject, info->author);
	return 0;
}

static int check_version(
	const struct operation *op, const struct dd_change *change, struct dd_error *err)
{
	struct since since = {.words = TEXT_INIT};

	if (!change || !change->if_version || change->if_version == op->row.version)
		return 0;
	since.base = change->if_version;
	(void)book_log(op->host->book, op->row.uuid, 0, SINCE_MAX, since_add, &since, NULL);
	error_set(err, DD_CONFLICT, "domain '%s' is at version %u, not %u%s%s", op->row.name,
		op->row.version, change->if_version, since.words.size ? "; since then: " : "",
		text_string(&since.words));
	text_release(&since.words);
	return error_hint(err, "see: domesday log %s, then repeat with --if-version %u",
		op->row.name, op->row.version);
}

/* Of a domain that is another host's, what is left here can be ended, looked at and forgotten. */
static int check_owner(const struct operation *op, struct dd_error *err)
{
	static const char *const allowed[] = {"destroy", "shutdown", OPERATION_UNDEFINE, "check",
		"settle", "evacuate", OPERATION_MIGRATE};
	const char *owner = op->row.owner;

	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
		if (!owner || strcmp(op->name, allowed[i]) == 0)
			return 0;
	if (strcmp(owner, book_host_name(op->host->book)) == 0) {
		error_set(err, DD_REFUSED,
			"domain '%s' was taken over, but no remote has been told yet",
			op->row.name);
		return error_hint(err, "it is this host's once this succeeds: domesday push");
	}
	error_set(
		err, DD_REFUSED, "domain '%s' is owned by the host '%s' now", op->row.name, owner);
	if (op->row.state == STATE_GONE)
		return error_hint(err, "work with it there");
	return error_hint(err,
		"work with it there; if that host is gone: domesday evacuate %s %s --from REMOTE",
		owner, op->row.name);
}

static int refuse_gone(const struct operation *op, const char *domain, struct dd_error *err)
{
	if (op->row.owner) {
		error_set(err, DD_NOT_FOUND, "there is no domain '%s' here: the host '%s' has it",
			domain, op->row.owner);
		return error_hint(err, "what was recorded here: domesday log %s", op->row.uuid);
	}
	return error_set(err, DD_NOT_FOUND, "there is no domain '%s' (undefined in version %u)",
		domain, op->row.version);
}

static int begin(struct operation *op, struct dd_host *host, const char *domain, const char *name,
	const struct dd_change *change, bool *ended, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = existing_named(host, domain, &row, err);

	if (rc)
		return rc;
	rc = operation_prepare(op, host, row.uuid, name, change, NULL, err);
	if (!rc)
		rc = operation_load(op, row.uuid, err);
	if (!rc && ended && op->row.state != STATE_GONE)
		rc = end_unsettled(op, ended, err);
	if (!rc && op->row.state != STATE_GONE)
		rc = operation_settle(op, err);
	/* first: nothing is left here of one that was moved away while it was waited for */
	if (!rc && op->row.state == STATE_GONE)
		rc = refuse_gone(op, domain, err);
	if (!rc)
		rc = check_owner(op, err);
	if (!rc && strcmp(op->row.name, domain) != 0 && strcmp(op->row.uuid, domain) != 0)
		rc = error_set(err, DD_NOT_FOUND,
			"there is no domain '%s' (it was just renamed '%s')", domain, op->row.name);
	if (!rc)
		rc = check_version(op, change, err);
	if (rc)
		operation_end(op);
	return rc;
}

int operation_begin(struct operation *op, struct dd_host *host, const char *domain,
	const char *name, const struct dd_change *change, struct dd_error *err)
{
	return begin(op, host, domain, name, change, NULL, err);
}

int operation_begin_destroy(struct operation *op, struct dd_host *host, const char *domain,
	bool *ended, struct dd_error *err)
{
	*ended = false;
	return begin(op, host, domain, "destroy", NULL, ended, err);
}

int operation_begin_unsettled(struct operation *op, struct dd_host *host, const char *uuid,
	const char *name, const struct dd_change *change, struct job_lock *held,
	struct dd_error *err)
{
	int rc = operation_prepare(op, host, uuid, name, change, held, err);

	if (!rc)
		rc = load_known(op, uuid, err);
	if (rc)
		operation_end(op);
	return rc;
}

int operation_begin_new(struct operation *op, struct dd_host *host, const char *uuid,
	const char *name, const struct dd_change *change, struct dd_error *err)
{
	int rc = operation_begin_unsettled(op, host, uuid, name, change, NULL, err);

	if (!rc)
		rc = operation_settle(op, err);
	if (!rc && op->row.version)
		rc = check_owner(op, err);
	if (rc)
		operation_end(op);
	return rc;
}

/* ---- committing ---- */

/* The new texts of the version's tree, beside what they were. */
struct draft {
	struct text config, live, vacated, secrets, runtime;
	struct use_rows uses;
	struct tree_file files[5];
	size_t file_count;
	struct trailer trailers[TRAILERS_MAX];
	size_t trailer_count;
	struct operation_trailers standard;
};

static void draft_release(struct draft *draft)
{
	text_release(&draft->config);
	text_release(&draft->live);
	text_release(&draft->vacated);
	text_release(&draft->secrets);
	text_release(&draft->runtime);
	use_rows_release(&draft->uses);
}

static inline void cleanup_draft(struct draft *draft)
{
	draft_release(draft);
}

static void draft_file(struct draft *draft, const char *path, const struct text *text)
{
	if (text->size)
		draft->files[draft->file_count++] =
			(struct tree_file){.path = path, .data = text->data, .size = text->size};
}

static void draft_trailer(struct draft *draft, const char *key, const char *value)
{
	if (draft->trailer_count < TRAILERS_MAX)
		draft->trailers[draft->trailer_count++] = (struct trailer){key, value};
}

static bool text_equal(const struct text *a, const struct text *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static int draft_runtime(struct draft *draft, const struct operation *op,
	const struct document *live, struct dd_error *err)
{
	CLEANUP(text) struct text whole = TEXT_INIT;
	struct runtime runtime = {.id = op->id, .paused = op->paused, .instance = op->instance};
	int rc = secrets_sealed(live, err);

	if (!rc)
		rc = document_write(live, &whole, err);
	runtime.live = whole.data;
	return rc ? rc : runtime_write(&runtime, &draft->runtime, err);
}

/* secrets.json: what the secrets of the one and the other are called. */
static int draft_secrets(struct draft *draft, const struct json *config, const struct json *live,
	struct dd_error *err)
{
	CLEANUP(json) struct json *both = json_object();
	CLEANUP(text) struct text text = TEXT_INIT;

	if (!both)
		return error_no_memory(err);
	if (!json_empty(config) && !json_put(both, FILE_CONFIG, json_copy(config)))
		return error_no_memory(err);
	if (draft->live.size && !json_empty(live) && !json_put(both, FILE_LIVE, json_copy(live)))
		return error_no_memory(err);
	return json_empty(both) ? 0 : json_write(both, &draft->secrets, err);
}

static int draft_texts(struct draft *draft, const struct operation *op,
	const struct document *config, const struct document *live, struct dd_error *err)
{
	CLEANUP(json) struct json *secrets = json_object();
	CLEANUP(json) struct json *live_secrets = json_object();
	int rc = secrets && live_secrets ? secret_write(config, &draft->config, secrets, err)
					 : error_no_memory(err);

	if (!rc)
		rc = document_write_vacated(config, &draft->vacated, err);
	if (!rc)
		rc = record_uses(config, live, &draft->uses, err);
	if (!rc && live)
		rc = record_live_text(live, &draft->live, live_secrets, err);
	if (!rc && text_equal(&draft->live, &draft->config) && json_equal(secrets, live_secrets))
		text_clear(&draft->live);
	if (!rc)
		rc = draft_secrets(draft, secrets, live_secrets, err);
	return rc || !live ? rc : draft_runtime(draft, op, live, err);
}

static void add_trailer(struct operation_trailers *out, const char *key, const char *value)
{
	out->list[out->count++] = (struct trailer){key, value};
}

void operation_trailers(const char *operation, const char *state, uint32_t epoch,
	const struct caller *caller, const char *program, struct operation_trailers *out)
{
	out->count = 0;
	add_trailer(out, "Operation", operation);
	add_trailer(out, "Guest-State", state);
	add_trailer(out, "Caller-Uid", number_digits(out->uid, caller->uid, 10, 1));
	add_trailer(out, "Caller-Known-By", caller->known_by);
	if (caller->acting != caller->uid)
		add_trailer(out, "Acting-Uid", number_digits(out->acting, caller->acting, 10, 1));
	add_trailer(out, "Program", program);
	add_trailer(out, "Epoch", number_digits(out->epoch, epoch ? epoch : 1, 10, 1));
}

static void draft_trailers(struct draft *draft, const struct operation *op,
	const struct outcome *outcome, const char *state)
{
	uint32_t epoch = outcome->epoch ? outcome->epoch : op->row.epoch;

	operation_trailers(op->name, state, epoch, &op->caller, op->program, &draft->standard);
	for (size_t i = 0; i < draft->standard.count; i++)
		draft_trailer(draft, draft->standard.list[i].key, draft->standard.list[i].value);
	for (const char *const *device = outcome->devices; device && *device; device++)
		draft_trailer(draft, "Device", *device);
	for (size_t i = 0; i < outcome->trailer_count; i++)
		draft_trailer(draft, outcome->trailers[i].key, outcome->trailers[i].value);
	for (const char *const *words = outcome->abi_changes; words && *words; words++)
		draft_trailer(draft, "ABI-Change", *words);
}

static bool draft_changes_record(
	const struct draft *draft, const struct operation *op, const struct outcome *outcome)
{
	return outcome->gone || outcome->owned || outcome->told || outcome->earlier_count ||
	       op->row.version == 0 || op->row.state == STATE_GONE ||
	       !text_equal(&draft->config, &op->config_text) ||
	       !text_equal(&draft->live, &op->live_text) ||
	       !text_equal(&draft->vacated, &op->vacated_text) ||
	       !text_equal(&draft->secrets, &op->secrets_text) ||
	       (op->cpu_decided && !text_equal(&op->cpu_next, &op->cpu_text));
}

static int draft_apply(struct draft *draft, struct operation *op, const struct outcome *outcome,
	const struct document *config, struct dd_result *result, struct dd_error *err)
{
	const char *title = node_text(node_child(document_root(config), "title"));
	struct version_draft version = {
		.subject = outcome->subject,
		.body = outcome->author ? outcome->body : op->reason,
		.author = outcome->author ? *outcome->author : op->author,
		.authored = outcome->authored,
		.trailers = draft->trailers,
		.trailer_count = draft->trailer_count,
		.files = draft->files,
		.file_count = draft->file_count,
	};
	struct index_draft index = {
		.name = document_name(config),
		.title = title,
		.state = outcome->gone   ? STATE_GONE
			 : outcome->live ? STATE_RUNNING
					 : STATE_SHUT_OFF,
		.autostart = outcome->autostart ? *outcome->autostart : op->row.autostart,
		.runtime = outcome->live ? text_string(&draft->runtime) : NULL,
		.epoch = outcome->epoch,
		.owned = outcome->owned,
		.uses = draft->uses.items,
		.use_count = outcome->gone ? 0 : draft->uses.count,
	};
	/* the history goes on with whom the domain belongs to */
	bool changed =
		(outcome->epoch || !op->row.owner) && draft_changes_record(draft, op, outcome);
	struct book_change change = {
		.uuid = op->row.uuid,
		.base = op->row.version,
		.version = changed ? &version : NULL,
		.earlier = outcome->earlier,
		.earlier_count = outcome->earlier_count,
		.index = &index,
		.journal = op->journal,
		.journal_detail = outcome->journal_detail,
		.parcel = outcome->parcel,
		.note_name = outcome->note_name,
		.note_value = outcome->note_value,
	};
	uint32_t number = 0;

	CRASH_POINT("commit:before");

	int rc = book_apply(op->host->book, &change, &number, err);

	if (rc)
		return rc;
	CRASH_POINT("commit:after");
	if (!outcome->journal_detail)
		op->journal = 0;
	op->secrets.named = true;
	if (result) {
		memcpy(result->uuid, op->row.uuid, UUID_SIZE);
		result->version = number;
		result->changed = changed;
	}
	return 0;
}

/* Versions that somebody else wrote out are looked into, where they could have a secret at all. */
static int check_earlier(const struct version_draft *version, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < version->file_count; i++) {
		const struct tree_file *file = &version->files[i];
		CLEANUP(document) struct document *document = NULL;

		if (!memmem(file->data, file->size, "passwd", strlen("passwd")) &&
			!memmem(file->data, file->size, "cookies", strlen("cookies")))
			continue;
		rc = document_parse(file->data, file->size, file->path, &document, err);
		if (!rc)
			rc = secrets_absent(document, err);
	}
	return rc;
}

int operation_commit(struct operation *op, const struct outcome *outcome, struct dd_result *result,
	struct dd_error *err)
{
	CLEANUP(draft) struct draft draft = {.file_count = 0};
	CLEANUP(document) struct document *sealed = NULL;
	const struct document *config = outcome->config ? outcome->config : op->config;
	const char *state = !outcome->live ? "shut off" : op->paused ? "paused" : "running";
	int rc = secret_seal_copy(op, config, &sealed, err);

	for (size_t i = 0; !rc && i < outcome->earlier_count; i++)
		rc = check_earlier(&outcome->earlier[i], err);
	if (!rc)
		rc = secret_store(op, err);
	if (!rc)
		rc = draft_texts(&draft, op, sealed ? sealed : config, outcome->live, err);
	if (rc)
		return rc;
	draft_file(&draft, FILE_CONFIG, &draft.config);
	draft_file(&draft, FILE_LIVE, &draft.live);
	draft_file(&draft, FILE_VACATED, &draft.vacated);
	draft_file(&draft, FILE_SECRETS, &draft.secrets);
	draft_file(&draft, FILE_CPU, op->cpu_decided ? &op->cpu_next : &op->cpu_text);
	draft_trailers(&draft, op, outcome, state);
	return draft_apply(&draft, op, outcome, config, result, err);
}

void operation_unchanged(const struct operation *op, struct dd_result *result)
{
	if (!result)
		return;
	memcpy(result->uuid, op->row.uuid, UUID_SIZE);
	result->version = op->row.version;
	result->changed = false;
}
