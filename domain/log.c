/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: versions of one domain or of the whole book, and which of them are wanted. What a commit
 * says decides first; a definition is read only for what it alone can say.
 */
#include <string.h>

#include "domain/difference.h"
#include "domain/existing.h"
#include "domain/host.h"
#include "domain/operation.h"
#include "domain/pages.h"
#include "domain/version.h"
#include "schema/alias.h"
#include "schema/path.h"

struct log {
	struct dd_host *host;
	const struct dd_log_options *options;
	dd_version_fn visit;
	dd_difference_fn difference;
	void *context;
	struct dd_error *err;
	char *device;               /* in words where the newest version has it, "disk vdb" */
	struct version_names names; /* of the domain named_uuid */
	char named_uuid[UUID_SIZE];
	struct pages pages;
	uint32_t told;
};

static void cleanup_log(struct log *log)
{
	free(log->device);
	version_names_release(&log->names);
	pages_release(&log->pages);
}

/* ---- what a commit says ---- */

static bool is_listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; *at; at += strspn(at, ", ")) {
		size_t size = strcspn(at, ", ");

		if (size == length && strncmp(at, word, length) == 0)
			return true;
		at += size;
	}
	return false;
}

/* What makes versions, in the order of help. */
static const char *const operations[] = {"define", "import", "apply", "undefine", "rename", "desc",
	"metadata", "start", "shutdown", "destroy", "stopped", "attach-device", "detach-device",
	"update-device", "set-memory", "set-vcpus", "rollback", "upgrade", OPERATION_EVACUATE,
	OPERATION_MIGRATE};
#define OPERATION_COUNT (sizeof operations / sizeof operations[0])

/* A word of a list that was given, which another release may have written. */
struct word {
	const char *at;
	size_t length;
};

#define FOUND 1

static int match_operation(
	const struct domain_row *row, const struct version_info *info, void *context)
{
	const struct word *word = context;
	const char *operation = version_trailer(info, "Operation");

	(void)row;
	return operation && strlen(operation) == word->length &&
			       memcmp(operation, word->at, word->length) == 0
		       ? FOUND
		       : 0;
}

static int operation_unknown(const struct word *word, struct dd_error *err)
{
	CLEANUP(text) struct text known = TEXT_INIT;

	for (size_t i = 0; i < OPERATION_COUNT; i++)
		text_printf(&known, "%s%s", i ? ", " : "", operations[i]);
	error_set(err, DD_INVALID, "no operation is called '%.*s'",
		(int)(word->length < 100 ? word->length : 100), word->at);
	return error_hint(err, "there are %s", text_string(&known));
}

/* One that no version can be of is a slip of the pen. */
static int operations_check(struct book *book, const char *list, struct dd_error *err)
{
	struct word word = {list + strspn(list, ", "), 0};

	if (!*word.at)
		return error_set(err, DD_INVALID, "no operation is named");
	for (; *word.at; word.at += strspn(word.at, ", ")) {
		bool known = false;
		int rc = 0;

		word.length = strcspn(word.at, ", ");
		for (size_t i = 0; i < OPERATION_COUNT; i++)
			known |= strlen(operations[i]) == word.length &&
				 memcmp(operations[i], word.at, word.length) == 0;
		if (!known)
			rc = book_timeline(book, 0, match_operation, &word, err);
		if (rc < 0 || (!known && rc != FOUND))
			return rc < 0 ? rc : operation_unknown(&word, err);
		word.at += word.length;
	}
	return 0;
}

static bool message_fits(const struct dd_log_options *options, const struct version_info *info)
{
	const char *operation = version_trailer(info, "Operation");

	if ((options->since && info->when < options->since) ||
		(options->until && info->when > options->until))
		return false;
	if (options->who && !strcasestr(info->author, options->who))
		return false;
	if (options->operations && !is_listed(options->operations, operation ? operation : ""))
		return false;
	return !options->words || strcasestr(info->subject, options->words) ||
	       (info->body && strcasestr(info->body, options->words));
}

/* ---- devices ---- */

/* "disk vdb" or "vdb", as the end of the words for a device. */
static bool ends_with_word(const char *words, const char *device)
{
	size_t length = strlen(words), size = strlen(device);

	return length >= size && strcasecmp(words + length - size, device) == 0 &&
	       (length == size || words[length - size - 1] == ' ');
}

static bool trailer_names(const struct version_info *info, const char *device)
{
	static const char key[] = "Device: ";

	for (size_t i = 0; i < info->trailer_count; i++)
		if (strncmp(info->trailers[i], key, sizeof key - 1) == 0 &&
			ends_with_word(info->trailers[i] + sizeof key - 1, device))
			return true;
	return false;
}

static const xmlNode *device_in(const struct document *document, const char *words)
{
	xmlNode *device = NULL;

	return document && document_find_device(document, words, &device, NULL) == 0 ? device
										     : NULL;
}

static bool device_differs(
	const struct document *before, const struct document *after, const char *words)
{
	const xmlNode *old = device_in(before, words), *new = device_in(after, words);

	return before != after && (old && new ? !node_equal(old, new) : old != new);
}

/* By its alias it is found in one definition; its words are true of all. */
static int device_name(struct log *log, struct dd_error *err)
{
	const char *given = log->options->device;
	const struct document *before = NULL, *newest = NULL;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(text) struct text words = TEXT_INIT;
	struct dd_error why = {0};
	xmlNode *device = NULL;
	int rc = log->options->domain ? existing_named(log->host, log->options->domain, &row, err)
				      : 0;

	if (!rc && log->options->domain)
		rc = pages_turn(&log->pages, row.uuid,
			log->options->from ? log->options->from : row.version, &before, &newest,
			err);
	if (rc)
		return rc;
	if (!newest || document_find_named(newest, given, &device, &why))
		return why.code == DD_NO_MEMORY ? error_no_memory(err)
						: string_copy(&log->device, given, err);
	device_words(device, &words);
	return string_copy(&log->device, text_string(&words), err);
}

/* ---- paths ---- */

static bool path_exists(const xmlNode *node, const char *wanted)
{
	char path[NODE_PATH_SIZE];

	node_path(node, path, sizeof path);
	if (path_is_within(path, wanted))
		return true;
	for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
		CLEANUP(free) char *place = NULL;

		if (string_format(&place, NULL, "%s/@%s", path, (const char *)attr->name) == 0 &&
			path_is_within(place, wanted))
			return true;
	}
	for (const xmlNode *child = node_first(node); child; child = node_after(child))
		if (path_exists(child, wanted))
			return true;
	return false;
}

static bool changes_touch(const struct changes *changes, const char *wanted)
{
	for (size_t i = 0; i < changes->count; i++)
		if (path_touches(changes->items[i].path, wanted))
			return true;
	return false;
}

/* ---- one version ---- */

static int tell(struct log *log, const struct domain_row *row, const struct version_info *info,
	const struct changes *changes)
{
	int rc = 0;

	if (strcmp(log->named_uuid, row->uuid) != 0) {
		version_names_release(&log->names);
		rc = version_names_read(&log->names, log->host->book, row->uuid, log->err);
		memcpy(log->named_uuid, row->uuid, UUID_SIZE);
	}
	if (!rc)
		rc = version_tell(info, row, &log->names, log->visit, log->context);
	for (size_t i = 0; !rc && log->difference && i < changes->count; i++) {
		struct dd_difference told;

		difference_of(&changes->items[i], &told);
		rc = log->difference(&told, log->context);
	}
	/* enough is not a failure; 1 ends the walk */
	return rc ? rc : ++log->told == log->options->limit;
}

/* What only the definitions say. */
static int tell_if_it_fits(
	struct log *log, const struct domain_row *row, const struct version_info *info)
{
	const struct dd_log_options *options = log->options;
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	CLEANUP(free) char *wanted = NULL;
	const struct document *before = NULL, *after = NULL;
	int rc = options->path ? path_complete(options->path, &wanted, log->err) : 0;

	if (!rc)
		rc = pages_turn(&log->pages, row->uuid, info->number, &before, &after, log->err);
	if (rc)
		return rc;
	if (log->device && !trailer_names(info, log->device) &&
		!device_differs(before, after, log->device))
		return 0;
	if (before && before != after && (wanted || log->difference))
		rc = document_diff(before, after, &changes, log->err);
	if (rc || (wanted && !(before ? changes_touch(&changes, wanted)
				      : path_exists(document_root(after), wanted))))
		return rc;
	return tell(log, row, info, &changes);
}

static int on_version(const struct domain_row *row, const struct version_info *info, void *context)
{
	struct log *log = context;
	static const struct changes none = CHANGES_INIT;

	if (!message_fits(log->options, info))
		return 0;
	if (log->options->path || log->difference ||
		(log->device && !trailer_names(info, log->device)))
		return tell_if_it_fits(log, row, info);
	return tell(log, row, info, &none);
}

struct one_domain {
	struct log *log;
	struct domain_row row;
};

static inline void cleanup_one_domain(struct one_domain *one)
{
	domain_row_release(&one->row);
}

static int on_version_of_one(const struct version_info *info, void *context)
{
	const struct one_domain *one = context;

	return on_version(&one->row, info, one->log);
}

static int log_one(struct log *log, struct dd_error *err)
{
	const struct dd_log_options *options = log->options;
	CLEANUP(one_domain) struct one_domain one = {.log = log};
	int rc = existing_named(log->host, options->domain, &one.row, err);

	return rc ? rc
		  : book_log(log->host->book, one.row.uuid, options->from, 0, on_version_of_one,
			    &one, err);
}

int dd_log_with(struct dd_host *host, const struct dd_log_options *options, dd_version_fn visit,
	dd_difference_fn difference, void *context, struct dd_error *err)
{
	CLEANUP(log)
	struct log log = {
		.host = host,
		.options = options,
		.visit = visit,
		.difference = difference,
		.context = context,
		.err = err,
		.pages = {.book = host->book},
	};
	int rc = options->operations ? operations_check(host->book, options->operations, err) : 0;

	if (!rc && options->device)
		rc = device_name(&log, err);
	if (!rc)
		rc = options->domain
			     ? log_one(&log, err)
			     : book_timeline(host->book, options->since, on_version, &log, err);
	return rc == 1 && options->limit && log.told == options->limit ? 0 : rc;
}
