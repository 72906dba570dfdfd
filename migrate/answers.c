/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/answers.h"

#include <stdlib.h>
#include <string.h>

#include "domain/config.h"
#include "migrate/ask.h"
#include "migrate/door.h"
#include "migrate/incoming_internal.h"
#include "migrate/pack.h"
#include "migrate/storage.h"
#include "migrate/stream.h"
#include "schema/host_model.h"

/* Which migration a request is about. */
struct subject {
	const char *id, *uuid;
};

static int subject_read(const struct json *request, struct subject *out, struct dd_error *err)
{
	out->id = json_get_string(request, "id");
	out->uuid = json_get_string(request, "uuid");
	if (migration_id_valid(out->id) && migration_uuid_valid(out->uuid))
		return 0;
	return error_set(err, DD_INVALID, "a request names no migration");
}

static int answer_word(
	struct json **answer, const char *key, const char *word, struct dd_error *err)
{
	*answer = json_object();
	return json_put_string(*answer, key, word) ? 0 : error_no_memory(err);
}

static int answer_empty(struct json **answer, struct dd_error *err)
{
	*answer = json_object();
	return *answer ? 0 : error_no_memory(err);
}

/* ---- as the destination ---- */

static int have(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	CLEANUP(version_info) struct version_info newest = {.number = 0};
	struct subject subject;
	struct dd_error reason = {0};
	int rc = subject_read(request, &subject, err);

	if (rc)
		return rc;
	rc = book_version(session->host->book, subject.uuid, 0, &newest, &reason);
	if (rc && rc != DD_NOT_FOUND)
		return error_set(err, rc, "%s", reason.message);
	return answer_word(answer, "head", rc ? "" : newest.commit, err);
}

static int offer_receive(struct peer_session *session, const struct subject *subject,
	struct json **out, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(json) struct json *offer = NULL;
	int rc = channel_receive(session->channel, OFFER_MAX, PEER_ANSWER_MS, &text, err);
	const char *id, *uuid;

	if (!rc)
		rc = json_parse(text_string(&text), text.size, &offer, err);
	if (rc)
		return rc;
	id = json_get_string(offer, "id");
	uuid = json_get_string(offer, "uuid");
	if (!id || !uuid || strcmp(id, subject->id) != 0 || strcmp(uuid, subject->uuid) != 0)
		return error_set(err, DD_INVALID, "an offer is of another migration");
	*out = TAKE(offer);
	return 0;
}

static int prepare_now(struct peer_session *session, const struct json *request,
	struct json **answer, struct dd_error *err)
{
	int rc = incoming_prepare(session->incoming, json_get(request, "wishes"), err);

	if (!rc)
		rc = answer_empty(answer, err);
	if (rc)
		return rc;
	if (session->incoming->screens)
		json_put(*answer, "screens", TAKE(session->incoming->screens));
	return json_put(*answer, "disks", TAKE(session->incoming->disks)) ? 0
									  : error_no_memory(err);
}

static int offer(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	struct json *offered = NULL;
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = offer_receive(session, &subject, &offered, err);
	if (rc)
		pack_drain(session->channel);
	incoming_leave(TAKE(session->incoming));
	if (!rc)
		rc = incoming_receive(session->host, session->peer, offered, session->channel,
			&session->incoming, err);
	if (rc)
		return rc;
	if (json_get(request, "wishes"))
		return prepare_now(session, request, answer, err);
	/* who prepares does so elsewhere */
	rc = incoming_keep(session->incoming, err);
	return rc ? rc : answer_empty(answer, err);
}

/* What this connection has brought itself is at hand; otherwise it is looked for. */
static int incoming_need(
	struct peer_session *session, const struct subject *subject, struct dd_error *err)
{
	CLEANUP(incoming) struct incoming *found = NULL;
	int rc;

	if (session->incoming && strcmp(session->incoming->id, subject->id) == 0)
		return 0;
	incoming_free(TAKE(session->incoming));
	rc = incoming_find(session->host, subject->uuid, subject->id, &found, err);
	if (!rc && strcmp(found->peer, session->peer->name) != 0)
		rc = error_set(err, DD_REFUSED, "the migration %s is another host's", subject->id);
	if (!rc)
		session->incoming = TAKE(found);
	return rc;
}

static int prepare(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = incoming_need(session, &subject, err);
	return rc ? rc : prepare_now(session, request, answer, err);
}

void migration_answered(struct peer_session *session)
{
	CLEANUP(text) struct text what = TEXT_INIT;
	struct dd_error reason = {0};

	if (!session->incoming || !incoming_land(session->incoming, &reason))
		return;
	/* the source hears of it when it wants to finish */
	text_printf(&what, "a migration from '%s' cannot end here: %s", session->peer->name,
		reason.message);
	session->log(SERVE_TROUBLE, text_string(&what), session->log_context);
	incoming_free(TAKE(session->incoming));
}

/* What QEMU would refuse when it is started. */
static int look_features(struct operation *op, const struct document *document, const char *there,
	struct dd_error *err)
{
	const struct capabilities *caps = NULL;
	CLEANUP(text) struct text lacks = TEXT_INIT;
	int rc = host_capabilities(op->host, document, &caps, err);

	if (!rc && there)
		host_model_lacks(document, caps, there, &lacks);
	return rc || !lacks.size
		       ? rc
		       : error_set(err, DD_REFUSED,
				 "on the host '%s' QEMU gives this guest no %s, which its "
				 "CPU has to have",
				 book_host_name(op->host->book), text_string(&lacks));
}

/* With the CPU that the source has recorded of it, and its host's. */
static int look_guest(struct dd_host *host, const struct document *document,
	const struct json *request, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	const char *cpu = json_get_string(request, "cpu");
	int rc = document_copy(document, &op.config, err);

	op.host = host;
	if (!rc)
		rc = string_copy(&op.row.name, document_name(document), err);
	if (!rc && cpu) {
		text_puts(&op.cpu_text, cpu);
		rc = text_failed(&op.cpu_text) ? error_no_memory(err) : 0;
	}
	if (!rc)
		rc = incoming_place_check(&op, document, NULL, err);
	return rc ? rc
		  : look_features(&op, document, json_get_string(request, "cpu_features"), err);
}

/* What can be known without the history that comes with it, and before the hook was asked. */
static int look_place(struct dd_host *host, const struct subject *subject,
	const struct document *document, const struct json *request, const char *hook,
	struct dd_error *err)
{
	int rc = incoming_own_check(host, subject->uuid, err);

	if (!rc)
		rc = incoming_name_check(host, subject->uuid, document, err);
	if (rc || !json_get_bool(request, "live", false))
		return rc;
	rc = look_guest(host, document, request, err);
	if (rc && *hook)
		error_hint(err, "the " CONFIG_MIGRATE_HOOK
				" there may change that: it is not asked before");
	return rc;
}

/* What would become of the disks; nothing is begun, or written down. */
static int look(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(storage) struct storage storage = {.count = 0};
	CLEANUP(free) char *hook = NULL;
	bool live = json_get_bool(request, "live", false), wants_reason = false;
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = detail_get_document(request, "definition", &document, err);
	if (!rc)
		rc = config_text(session->host, CONFIG_MIGRATE_HOOK, &hook, err);
	if (!rc)
		rc = look_place(session->host, &subject, document, request, hook, err);
	if (!rc)
		rc = storage_look(document, json_get(request, "disks"), json_get(request, "wishes"),
			live, &storage, err);
	if (!rc)
		rc = config_switch(session->host, CONFIG_REQUIRE_REASON, &wants_reason, err);
	if (!rc)
		rc = answer_empty(answer, err);
	if (rc)
		return rc;
	json_put_bool(*answer, "wants_reason", wants_reason);
	if (*hook)
		json_put_string(*answer, "hook", hook);
	storage_guess(&storage);
	return json_put(*answer, "disks", storage_answer(&storage)) ? 0 : error_no_memory(err);
}

/* Does a QEMU wait here for what that source sends? */
static int row_waits(
	struct peer_session *session, const struct subject *subject, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	int rc = migration_row_find(session->host, subject->uuid, subject->id, &row, err);

	if (!rc && (row.outgoing || !migration_row_waits(&row) ||
			   row.destination != DESTINATION_PREPARED ||
			   strcmp(row.peer, session->peer->name) != 0))
		rc = error_set(err, DD_REFUSED, "nobody waits for the migration %s", subject->id);
	return rc;
}

static int door(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = row_waits(session, &subject, err);
	if (!rc)
		rc = incoming_need(session, &subject, err);
	return rc ? rc : door_answer(session, request, answer, err);
}

static int viewers(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	struct subject subject;
	unsigned count = 0;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = row_waits(session, &subject, err);
	if (!rc)
		rc = incoming_need(session, &subject, err);
	if (!rc)
		rc = incoming_viewers(session->incoming, &count, err);
	if (rc)
		return rc;
	*answer = json_object();
	return json_put_number(*answer, "count", count) ? 0 : error_no_memory(err);
}

/* The connection is a stream's, to a socket of the waiting QEMU, and nothing else comes over it. */
static int carry(struct peer_session *session, const struct json *request,
	int (*find)(struct dd_host *host, const char *uuid, char **path, struct dd_error *err),
	struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(json) struct json *ready = json_object();
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = row_waits(session, &subject, err);
	if (!rc)
		rc = find(session->host, subject.uuid, &path, err);
	if (!rc)
		rc = peer_send(session->channel, ready, err);
	return rc ? rc : stream_carry(session->channel, path, session->stop, err);
}

static int stream(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	(void)answer;
	return carry(session, request, incoming_stream_path, err);
}

/* What is left of a guest that runs here already. */
static int recover(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(json) struct json *ready = json_object();
	struct subject subject;
	bool over = false;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = incoming_recover(
			session->host, session->peer->name, subject.uuid, subject.id, &over, err);
	if (!rc && over) {
		*answer = json_object();
		return json_put_bool(*answer, "over", true) ? 0 : error_no_memory(err);
	}
	if (!rc)
		rc = incoming_stream_path(session->host, subject.uuid, &path, err);
	if (!rc)
		rc = peer_send(session->channel, ready, err);
	return rc ? rc : stream_carry(session->channel, path, session->stop, err);
}

static int disk(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	(void)answer;
	return carry(session, request, incoming_disks_path, err);
}

/* The source wants what was made of it as well, which is the answer's rest. */
static int finish_receipt(struct peer_session *session, const struct subject *subject,
	const char *have, struct json **answer, struct dd_error *err)
{
	CLEANUP(json) struct json *heads = TAKE(*answer);

	return pack_send(session->channel, session->host->book, subject->uuid, have, heads, err);
}

/* Where it does not arrive the source asks, and nothing of the guest has come then. */
static void tell_decided(void *context)
{
	struct peer_session *session = context;
	CLEANUP(json) struct json *decided = json_object();

	json_put_bool(decided, "decided", true);
	(void)peer_send(session->channel, decided, NULL);
}

/* In the daemon's log, beside what it does by itself. */
static void note_end(
	struct peer_session *session, const struct subject *subject, enum destination_state state)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(text) struct text what = TEXT_INIT;
	const char *how = state == DESTINATION_RUNNING    ? "is here now"
			  : state == DESTINATION_RETURNED ? "was here, and goes back"
							  : "did not come";

	(void)book_find(session->host->book, subject->uuid, &row, NULL);
	text_printf(&what, "the domain '%s' of '%s' %s", row.name ? row.name : subject->uuid,
		session->peer->name, how);
	session->log(state == DESTINATION_RUNNING ? SERVE_NOTE : SERVE_TROUBLE, text_string(&what),
		session->log_context);
}

static int finish(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	const char *have = json_get_string(request, "have");
	bool postcopy = json_get_bool(request, "postcopy", false);
	enum destination_state state;
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	if (!rc)
		rc = incoming_need(session, &subject, err);
	if (!rc)
		rc = incoming_finish(session->incoming, json_get_string(request, "token"),
			json_get(request, "statistics"), postcopy ? tell_decided : NULL, session,
			&state, err);
	incoming_free(TAKE(session->incoming));
	if (!rc)
		note_end(session, &subject, state);
	if (!rc)
		rc = answer_word(answer, "state", destination_word(state), err);
	return rc || !have || state == DESTINATION_ABORTED
		       ? rc
		       : finish_receipt(session, &subject, have, answer, err);
}

static int ask(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	enum destination_state state;
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	incoming_free(TAKE(session->incoming));
	if (!rc)
		rc = incoming_asked(
			session->host, session->peer->name, subject.uuid, subject.id, &state, err);
	return rc ? rc : answer_word(answer, "state", destination_word(state), err);
}

static int over(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	incoming_free(TAKE(session->incoming));
	if (!rc)
		rc = incoming_over(
			session->host, session->peer->name, subject.uuid, subject.id, err);
	return rc ? rc : answer_empty(answer, err);
}

/* ---- the receipt ---- */

/* Only for whom it came from, and of what it came as. */
static int receipt_check(
	struct peer_session *session, const struct subject *subject, struct dd_error *err)
{
	CLEANUP(migration_end) struct migration_end end = {.peer = NULL};
	int rc = migration_end_read(session->host->book, subject->id, &end, err);

	if (!rc &&
		(strcmp(end.peer, session->peer->name) != 0 ||
			strcmp(end.uuid, subject->uuid) != 0 || end.state == DESTINATION_ABORTED))
		rc = error_set(err, DD_REFUSED, "the migration %s has no receipt for this host",
			subject->id);
	return rc;
}

static int receipt(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	CLEANUP(json) struct json *heads = json_object();
	const char *have = json_get_string(request, "have");
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	(void)answer;
	if (!rc)
		rc = receipt_check(session, &subject, err);
	return rc ? rc
		  : pack_send(session->channel, session->host->book, subject.uuid, have ? have : "",
			    heads, err);
}

/* ---- as any peer ---- */

static int owned(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	const char *uuid = json_get_string(request, "uuid");
	struct dd_error reason = {0};
	bool own;
	int rc;

	if (!migration_uuid_valid(uuid))
		return error_set(err, DD_INVALID, "a request names no domain");
	rc = book_find(session->host->book, uuid, &row, &reason);
	if (rc && rc != DD_NOT_FOUND)
		return error_set(err, rc, "%s", reason.message);
	own = !rc && !row.owner && row.state != STATE_GONE && strcmp(row.uuid, uuid) == 0;
	*answer = json_object();
	return json_put_number(*answer, "epoch", own ? row.epoch : 0) ? 0 : error_no_memory(err);
}

/* ---- as the source ---- */

static int row(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row found = {.detail = NULL};
	enum source_state state = SOURCE_NONE;
	struct dd_error reason = {0};
	struct subject subject;
	int rc = subject_read(request, &subject, err);

	if (rc)
		return rc;
	rc = migration_row_find(session->host, subject.uuid, subject.id, &found, &reason);
	if (rc && rc != DD_NOT_FOUND)
		return error_set(err, rc, "%s", reason.message);
	if (!rc && found.outgoing && strcmp(found.peer, session->peer->name) == 0)
		state = found.source;
	return answer_word(answer, "state", source_word(state), err);
}

const struct peer_op migration_ops[] = {
	{"have", have},
	{"offer", offer},
	{"look", look},
	{"prepare", prepare},
	{"disk", disk},
	{"door", door},
	{"viewers", viewers},
	{"stream", stream},
	{"recover", recover},
	{"finish", finish},
	{"ask", ask},
	{"receipt", receipt},
	{"over", over},
	{"row", row},
	{"owned", owned},
	{NULL, NULL},
};
