/* SPDX-License-Identifier: Apache-2.0 */
/* The book's remotes, with the names that domains have here. */
#include "domain/remote_state.h"

int dd_remote_add(struct dd_host *host, const struct dd_remote *remote, struct dd_error *err)
{
	struct remote_row row = {remote->name, remote->url, remote->identity};

	return book_remote_add(host->book, &row, err);
}

int dd_remote_remove(struct dd_host *host, const char *name, struct dd_error *err)
{
	int rc = book_remote_remove(host->book, name, err);

	return rc ? rc : remote_state_forget(host, name, err);
}

struct remotes_visit {
	int (*tell)(const struct dd_remote *remote, void *context);
	void *context;
};

static int tell_remote(const struct remote_row *row, void *context)
{
	const struct remotes_visit *visit = context;
	struct dd_remote remote = {row->name, row->url, row->identity};

	return visit->tell(&remote, visit->context);
}

int dd_remotes(struct dd_host *host, int (*remote)(const struct dd_remote *remote, void *context),
	void *context, struct dd_error *err)
{
	struct remotes_visit visit = {remote, context};

	return book_remotes(host->book, tell_remote, &visit, err);
}

struct branch_visit {
	struct dd_host *host;
	dd_branch_fn tell;
	void *context;
};

static int tell_branch(const struct branch_report *report, void *context)
{
	static const enum dd_branch_outcome outcomes[] = {
		[BRANCH_CURRENT] = DD_BRANCH_CURRENT,
		[BRANCH_CREATED] = DD_BRANCH_CREATED,
		[BRANCH_FORWARDED] = DD_BRANCH_FORWARDED,
		[BRANCH_DIVERGED] = DD_BRANCH_DIVERGED,
		[BRANCH_LOST] = DD_BRANCH_LOST,
	};
	const struct branch_visit *visit = context;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_branch branch = {
		.host = report->host,
		.uuid = report->uuid,
		.outcome = outcomes[report->outcome],
		.before = report->before,
		.after = report->after,
	};

	if (!visit->tell)
		return 0;
	if (report->uuid && book_find(visit->host->book, report->uuid, &row, NULL) == 0)
		branch.name = row.name;
	return visit->tell(&branch, visit->context);
}

int dd_push_with(struct dd_host *host, const char *remote, const struct dd_push_options *options,
	dd_branch_fn branch, void *context, struct dd_error *err)
{
	struct branch_visit visit = {host, branch, context};
	struct dd_error own = {0};
	CLEANUP(free) char *url = NULL;
	char mark[BOOK_MARK_SIZE];
	int rc = book_mark(host->book, mark, err);

	if (!rc)
		rc = remote_state_url(host, remote, &url, err);
	if (rc)
		return rc;
	err = err ? err : &own;
	rc = book_push(host->book, remote, tell_branch, &visit, err);
	const struct push_outcome outcome = {
		.remote = remote,
		.url = url,
		.mark = mark,
		.code = rc,
		.error = err,
		.retry_s = options ? options->retry_s : 0,
	};

	if (url && rc <= 0) /* and was not stopped by the caller */
		remote_state_note(host, &outcome);
	return rc;
}

int dd_push(struct dd_host *host, const char *remote, dd_branch_fn branch, void *context,
	struct dd_error *err)
{
	return dd_push_with(host, remote, NULL, branch, context, err);
}

int dd_pull(struct dd_host *host, const char *remote, dd_branch_fn branch, void *context,
	struct dd_error *err)
{
	struct branch_visit visit = {host, branch, context};

	return book_pull(host->book, remote, tell_branch, &visit, err);
}
