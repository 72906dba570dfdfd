/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each push leaves a row in the book's cache, "remote:NAME", in JSON:
 *
 *   url                     what it was about; a row for another address counts for nothing
 *   pushed, mark            when the remote last had everything, and what that was (book_mark)
 *   code, message           how the last push failed; no such members where it did not
 *   since, tries, next      since when, how often, and when somebody will try again
 *
 * It is a cache: where it is lost, as by a reindex, a remote counts as one that was never pushed
 * to, and the next push finds what there is to do.
 */
#include "domain/remote_state.h"

#include <string.h>
#include <time.h>

#include "qmp/json.h"

static int state_key(const char *remote, char **out, struct dd_error *err)
{
	return string_format(out, err, "remote:%s", remote);
}

/* *state is an object, empty where nothing is known of the remote at that address. */
static int state_read(struct dd_host *host, const char *remote, const char *url,
	struct json **state, struct dd_error *err)
{
	CLEANUP(free) char *key = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(json) struct json *found = NULL;
	const char *about;
	int rc = state_key(remote, &key, err);

	if (!rc)
		rc = book_cache_get(host->book, key, &text, err);
	if (rc && rc != DD_NOT_FOUND)
		return rc;
	if (!rc && text.size)
		(void)json_parse(text.data, text.size, &found, NULL);
	about = json_get_string(found, "url");
	*state = about && strcmp(about, url) == 0 ? TAKE(found) : json_object();
	return *state ? 0 : error_no_memory(err);
}

static int state_write(
	struct dd_host *host, const char *remote, const struct json *state, struct dd_error *err)
{
	CLEANUP(free) char *key = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = state_key(remote, &key, err);

	if (!rc)
		rc = json_write(state, &text, err);
	return rc ? rc : book_cache_put(host->book, key, text_string(&text), err);
}

int remote_state_forget(struct dd_host *host, const char *remote, struct dd_error *err)
{
	CLEANUP(free) char *key = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = state_key(remote, &key, err);

	if (!rc)
		rc = book_cache_get(host->book, key, &text, err);
	if (rc == DD_NOT_FOUND)
		return 0;
	return rc || !text.size ? rc : book_cache_put(host->book, key, "", err);
}

/* ---- what became of a push ---- */

static struct json *state_after(const struct push_outcome *outcome, const struct json *before)
{
	struct json *state = json_object();
	int64_t now = (int64_t)time(NULL);
	bool failed_before = json_get(before, "code") != NULL;
	int64_t next =
		outcome->retry_s ? now + outcome->retry_s : json_get_number(before, "next", 0);
	/* all that can be there is there also where some branches diverged */
	bool sent = !outcome->code || outcome->code == DD_CONFLICT;

	json_put_string(state, "url", outcome->url);
	json_put_number(
		state, "pushed", outcome->code ? json_get_number(before, "pushed", 0) : now);
	json_put_string(state, "mark", sent ? outcome->mark : json_get_string(before, "mark"));
	if (!outcome->code)
		return state;
	json_put_number(state, "code", outcome->code);
	json_put_string(state, "message", outcome->error->message);
	json_put_number(
		state, "since", failed_before ? json_get_number(before, "since", now) : now);
	json_put_number(state, "tries", json_get_number(before, "tries", 0) + 1);
	json_put_number(state, "next", next > now ? next : 0);
	return state;
}

struct url_search {
	const char *remote;
	char **out;
	struct dd_error *err;
};

static int take_url(const struct remote_row *row, void *context)
{
	const struct url_search *search = context;

	return strcmp(row->name, search->remote) == 0
		       ? string_copy(search->out, row->url, search->err)
		       : 0;
}

int remote_state_url(struct dd_host *host, const char *remote, char **out, struct dd_error *err)
{
	struct url_search search = {remote, out, err};

	return book_remotes(host->book, take_url, &search, err);
}

static int note(struct dd_host *host, const struct push_outcome *outcome, struct dd_error *err)
{
	CLEANUP(json) struct json *before = NULL;
	CLEANUP(json) struct json *after = NULL;
	CLEANUP(free) char *url = NULL;
	int rc = remote_state_url(host, outcome->remote, &url, err);

	if (rc || !url || strcmp(url, outcome->url) != 0)
		return rc;
	rc = state_read(host, outcome->remote, url, &before, err);
	if (rc)
		return rc;
	after = state_after(outcome, before);
	return state_write(host, outcome->remote, after, err);
}

void remote_state_note(struct dd_host *host, const struct push_outcome *outcome)
{
	struct dd_error reason = {0};

	if (note(host, outcome, &reason))
		host_warn(host, "what became of the push to %s cannot be noted: %s",
			outcome->remote, reason.message);
}

/* ---- looking ---- */

struct states_visit {
	struct dd_host *host;
	const char *mark; /* of the book as it is */
	dd_remote_state_fn tell;
	void *context;
	struct dd_error *err;
};

static int tell_state(const struct remote_row *row, void *context)
{
	const struct states_visit *visit = context;
	CLEANUP(json) struct json *json = NULL;
	int rc = state_read(visit->host, row->name, row->url, &json, visit->err);
	const char *mark = json_get_string(json, "mark");
	const char *message = json_get_string(json, "message");
	const struct dd_remote_state state = {
		.name = row->name,
		.current = mark && strcmp(mark, visit->mark) == 0,
		.pushed = json_get_number(json, "pushed", 0),
		.code = (int)json_get_number(json, "code", 0),
		.message = message ? message : "",
		.failing_since = json_get_number(json, "since", 0),
		.tries = (uint32_t)json_get_number(json, "tries", 0),
		.next_try = json_get_number(json, "next", 0),
	};

	return rc ? rc : visit->tell(&state, visit->context);
}

int dd_remote_states(
	struct dd_host *host, dd_remote_state_fn state, void *context, struct dd_error *err)
{
	char mark[BOOK_MARK_SIZE];
	struct states_visit visit = {host, mark, state, context, err};
	int rc = book_mark(host->book, mark, err);

	return rc ? rc : book_remotes(host->book, tell_state, &visit, err);
}
