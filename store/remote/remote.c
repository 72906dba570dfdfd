/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which remotes there are, and how to reach one.
 *
 * A remote is a section of book.git's configuration as git itself writes it, so that stock git can
 * push and fetch by its name. Domesday adds one key, the file with what proves who we are: for ssh
 * a private key, for https a line "user:password". Without it an ssh server is shown the keys of
 * the agent and then the book's own (keys/host), whose public half an operator can allow there.
 * Whether the server is the right one is for ~/.ssh/known_hosts or the system's authorities to say.
 */
#include "store/remote/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "store/folder.h"
#include "store/git/authorities.h"
#include "store/git/configuration.h"
#include "store/remote/listing.h"

#define IDENTITY_LIMIT 4096
#define CONFIG_KEY_SIZE 256

/* ---- which there are ---- */

static void cleanup_config(git_config **config)
{
	git_config_free(*config);
}

static const struct {
	const char *begins;
	const char *refusal; /* NULL: may be used */
} transports[] = {
	{"/", NULL},
	{"file://", NULL},
	{"ssh://", NULL},
	{"https://", NULL},
	{"http://", "anybody on the way could change what it carries"},
	{"git://", "anybody on the way could change what it carries"},
};

static bool is_https(const char *url)
{
	return strncmp(url, "https://", 8) == 0;
}

/* user@host:path, as scp has it */
static bool is_scp(const char *url)
{
	static const char name[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t length = strspn(url, name);

	if (length && url[length] == '@') {
		url += length + 1;
		length = strspn(url, name);
	}
	return length && url[length] == ':' && url[length + 1] && url[length + 1] != ':';
}

/* The folder of this machine that it names, or NULL. */
static const char *url_folder(const char *url)
{
	static const char scheme[] = "file://";

	if (strncmp(url, scheme, sizeof scheme - 1) == 0)
		url += sizeof scheme - 1;
	return url[0] == '/' ? url : NULL;
}

/* A copy within the book goes with the book, and is witness of nothing. */
static int elsewhere_check(struct book *book, const char *url, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	const char *folder = url_folder(url);
	struct stat own, other;
	int rc = book_path(book, "book.git", &path, err);

	if (rc || !folder || stat(path, &own) < 0 || stat(folder, &other) < 0 ||
		own.st_dev != other.st_dev || own.st_ino != other.st_ino)
		return rc;
	return error_set(err, DD_INVALID, "'%.200s' is this book's own repository", url);
}

static int url_check(const char *url, struct dd_error *err)
{
	const char *at = strstr(url, "://");
	size_t host = at ? strcspn(at + 3, "/@") : 0;

	for (const char *c = url; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return error_set(err, DD_INVALID, "the URL holds a control character");
	if (at && at[3 + host] == '@' && memchr(at + 3, ':', host)) {
		error_set(err, DD_INVALID,
			"the URL holds a password, which would stand in the configuration");
		return error_hint(err, "put \"user:password\" into a file of mode 0600 and name it "
				       "as the identity");
	}
	for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
		const char *begins = transports[i].begins;

		if (strncmp(url, begins, strlen(begins)) != 0)
			continue;
		return transports[i].refusal ? error_set(err, DD_INVALID, "%s is not used: %s",
						       begins, transports[i].refusal)
					     : 0;
	}
	if (!at && is_scp(url))
		return 0;
	error_set(err, DD_INVALID, "'%.200s' is no remote's URL", url);
	return error_hint(err, "an absolute path, user@host:path, ssh://… or https://…");
}

static int name_check(const char *name, struct dd_error *err)
{
	int valid = 0;

	if (git_remote_name_is_valid(&valid, name) < 0 || !valid || strchr(name, '/') ||
		name[0] == '-') {
		error_set(err, DD_INVALID, "'%.100s' cannot be a remote's name", name);
		return error_hint(err, "letters, digits, '-', '_' and '.', as git has them");
	}
	return 0;
}

/* Nobody else may read what proves who we are. */
static int identity_check(const char *path, struct dd_error *err)
{
	struct stat status;

	if (path[0] != '/')
		return error_set(err, DD_INVALID, "the identity's path must be absolute: %s", path);
	if (stat(path, &status) < 0)
		return error_errno(err, errno, "cannot read the identity %s", path);
	if (S_ISREG(status.st_mode) && !(status.st_mode & 077))
		return 0;
	error_set(err, DD_REFUSED, "the identity %s is not a file that its owner alone may read",
		path);
	return error_hint(err, "chmod 600 %s", path);
}

/*
 * The keys of a remote's section. git_remote_lookup() and its like would read and write them too,
 * but by regular expressions that libgit2 1.5 never frees.
 */
static int key_of(const char *name, const char *what, char *key, struct dd_error *err)
{
	int length = snprintf(key, CONFIG_KEY_SIZE, "remote.%s.%s", name, what);

	if (length < 0 || length >= CONFIG_KEY_SIZE)
		return error_set(err, DD_INVALID, "the remote's name is too long");
	return 0;
}

static int config_failure(struct book *book, int code, struct dd_error *err)
{
	return repository_failure(book, code, "the configuration is out of reach", err);
}

/* For libgit2 a file that it fails to look at is an empty one; ours says which format it has. */
static int config_open(struct book *book, git_config **out, struct dd_error *err)
{
	CLEANUP(config) git_config *config = NULL;
	CLEANUP(free) char *path = NULL;
	int32_t format;
	int code, rc = repository_need_whole(book, err);

	if (!rc)
		rc = book_path(book, "book.git/config", &path, err);
	if (rc)
		return rc;
	code = git_config_open_ondisk(&config, path);
	if (!code)
		code = git_config_get_int32(&format, config, "core.repositoryformatversion");
	if (code == GIT_ENOTFOUND) {
		error_set(err, DD_SYSTEM, "%s cannot be read, or lacks what git needs", path);
		return error_hint(err, "try again; 'domesday verify' says what is wrong with it");
	}
	if (code)
		return config_failure(book, code, err);
	*out = TAKE(config);
	return 0;
}

/* *out is NULL where it is not set. */
static int config_get(struct book *book, git_config *config, const char *name, const char *what,
	char **out, struct dd_error *err)
{
	git_buf value = {0};
	char key[CONFIG_KEY_SIZE];
	int rc = key_of(name, what, key, err);
	int code = rc ? GIT_ENOTFOUND : git_config_get_string_buf(&value, config, key);

	*out = NULL;
	if (!rc && !code)
		rc = string_format(out, err, "%s", value.ptr);
	else if (!rc && code != GIT_ENOTFOUND)
		rc = config_failure(book, code, err);
	git_buf_dispose(&value);
	return rc;
}

/* NULL takes it away. */
static int config_set(git_config *config, const char *name, const char *what, const char *value,
	struct dd_error *err)
{
	const git_error *last;
	char key[CONFIG_KEY_SIZE];
	int code, rc = key_of(name, what, key, err);

	if (rc)
		return rc;
	code = value ? git_config_set_string(config, key, value)
		     : git_config_delete_entry(config, key);
	if (!code || (!value && code == GIT_ENOTFOUND))
		return 0;
	last = git_error_last();
	if (last && last->klass == GIT_ERROR_NOMEMORY)
		return error_no_memory(err);
	return error_set(err, DD_SYSTEM, "the configuration of book.git cannot be written: %s",
		last ? last->message : "no reason given");
}

struct section {
	struct book *book;
	const struct remote_row *remote;
};

static int section_write(git_config *config, void *context, struct dd_error *err)
{
	const struct section *section = context;
	const struct remote_row *remote = section->remote;
	CLEANUP(free) char *fetch = NULL;
	CLEANUP(free) char *push = NULL;
	int rc = string_format(&fetch, err, HOST_REFS "*:" REMOTE_REFS "%s/*", remote->name);

	/* with these, git's own push and fetch do what ours do */
	if (!rc)
		rc = string_format(
			&push, err, "refs/heads/*:" HOST_REFS "%s/*", section->book->host_name);
	if (!rc)
		rc = config_set(config, remote->name, "fetch", fetch, err);
	if (!rc)
		rc = config_set(config, remote->name, "push", push, err);
	if (!rc)
		rc = config_set(config, remote->name, "identity", remote->identity, err);
	return rc ? rc : config_set(config, remote->name, "url", remote->url, err);
}

static int section_remove(git_config *config, void *context, struct dd_error *err)
{
	static const char *const keys[] = {"url", "fetch", "push", "identity"};
	const struct section *section = context;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof keys / sizeof keys[0]; i++)
		rc = config_set(config, section->remote->name, keys[i], NULL, err);
	return rc;
}

/* A checkpoint writes refs beside the configuration, and a backup reads it. */
static int remotes_lock(struct book *book, struct dd_error *err)
{
	return database_lock(&book->database, SLOT_CHECKPOINT, "remote", book->wait_ms, err);
}

static int config_change(struct book *book,
	int (*change)(git_config *config, void *context, struct dd_error *err),
	const struct remote_row *remote, struct dd_error *err)
{
	struct section section = {book, remote};
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "book.git/config", &path, err);

	return rc ? rc : configuration_change(path, change, &section, err);
}

int book_remote_add(struct book *book, const struct remote_row *remote, struct dd_error *err)
{
	CLEANUP(config) git_config *config = NULL;
	CLEANUP(free) char *url = NULL;
	int rc = config_open(book, &config, err);

	if (!rc)
		rc = name_check(remote->name, err);
	if (!rc)
		rc = url_check(remote->url, err);
	if (!rc)
		rc = elsewhere_check(book, remote->url, err);
	if (!rc && remote->identity)
		rc = identity_check(remote->identity, err);
	if (!rc)
		rc = config_get(book, config, remote->name, "url", &url, err);
	if (rc)
		return rc;
	if (url)
		return error_set(
			err, DD_EXISTS, "there is a remote '%s' already: %s", remote->name, url);
	rc = remotes_lock(book, err);
	if (rc)
		return rc;
	rc = config_change(book, section_write, remote, err);
	database_unlock(&book->database, SLOT_CHECKPOINT);
	return rc;
}

/* The NAME of a key remote.NAME.url, or NULL; the caller frees it. */
static char *name_of(const char *key)
{
	size_t length = strlen(key), before = strlen("remote."), behind = strlen(".url");

	if (length <= before + behind || strncmp(key, "remote.", before) != 0 ||
		strcmp(key + length - behind, ".url") != 0)
		return NULL;
	return strndup(key + before, length - before - behind);
}

struct names {
	char **list;
	size_t count;
};

static void cleanup_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

static int add_name(const git_config_entry *entry, void *payload)
{
	struct names *names = payload;
	char *name = name_of(entry->name);
	char **more;

	if (!name)
		return 0;
	more = reallocarray(names->list, names->count + 1, sizeof *more);
	if (!more) {
		free(name);
		return GIT_EUSER;
	}
	names->list = more;
	more[names->count++] = name;
	return 0;
}

static int by_letters(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_read(
	struct book *book, const git_config *config, struct names *out, struct dd_error *err)
{
	int code = git_config_foreach(config, add_name, out);

	if (code == GIT_EUSER)
		return error_no_memory(err);
	if (code)
		return config_failure(book, code, err);
	if (out->count)
		qsort(out->list, out->count, sizeof *out->list, by_letters);
	return 0;
}

static int no_remote(
	struct book *book, const git_config *config, const char *name, struct dd_error *err)
{
	CLEANUP(names) struct names names = {0};
	CLEANUP(text) struct text words = TEXT_INIT;
	int rc = names_read(book, config, &names, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < names.count; i++)
		text_printf(&words, "%s%s", i ? ", " : "", names.list[i]);
	error_set(err, DD_NOT_FOUND, "there is no remote '%s'", name);
	return names.count ? error_hint(err, "there are: %s", text_string(&words))
			   : error_hint(err, "none has been added yet");
}

/* Those that git has packed. */
static int packed_forget(struct book *book, const char *name, struct dd_error *err)
{
	CLEANUP(free) char *glob = NULL;
	git_reference_iterator *refs = NULL;
	git_reference *ref = NULL;
	int code, rc = string_format(&glob, err, REMOTE_REFS "%s/*", name);

	if (rc)
		return rc;
	code = git_reference_iterator_glob_new(&refs, book->whole, glob);
	while (!code && (code = git_reference_next(&ref, refs)) == 0) {
		code = git_reference_delete(ref);
		git_reference_free(ref);
	}
	git_reference_iterator_free(refs);
	if (!code || code == GIT_ITEROVER)
		return 0;
	return repository_failure(book, code, "cannot forget what was fetched", err);
}

/* What was fetched from it, with the locks that somebody died over. */
static int refs_forget(struct book *book, const char *name, struct dd_error *err)
{
	CLEANUP(free) char *all = NULL;
	CLEANUP(free) char *own = NULL;
	bool there = false;
	int rc = book_path(book, "book.git/" REMOTE_REFS, &all, err);

	if (!rc)
		rc = string_format(&own, err, "%s%s", all, name);
	if (!rc)
		rc = file_there(all, &there, err);
	if (!rc && there)
		rc = folder_erase(own, err);
	if (!rc && there)
		rc = folder_sync(all, err);
	return rc ? rc : packed_forget(book, name, err);
}

int book_remote_remove(struct book *book, const char *name, struct dd_error *err)
{
	const struct remote_row remote = {.name = name};
	CLEANUP(config) git_config *config = NULL;
	CLEANUP(free) char *url = NULL;
	int rc = config_open(book, &config, err);

	if (!rc)
		rc = config_get(book, config, name, "url", &url, err);
	if (!rc && !url)
		return no_remote(book, config, name, err);
	/* it is a folder's, too */
	if (!rc)
		rc = name_check(name, err);
	if (!rc)
		rc = remotes_lock(book, err);
	if (rc)
		return rc;
	/* last its name, by which this can be asked for again */
	rc = refs_forget(book, name, err);
	if (!rc)
		rc = config_change(book, section_remove, &remote, err);
	database_unlock(&book->database, SLOT_CHECKPOINT);
	return rc;
}

int book_remotes(struct book *book, int (*visit)(const struct remote_row *remote, void *context),
	void *context, struct dd_error *err)
{
	CLEANUP(config) git_config *config = NULL;
	CLEANUP(names) struct names names = {0};
	int rc = config_open(book, &config, err);

	if (!rc)
		rc = names_read(book, config, &names, err);
	for (size_t i = 0; !rc && i < names.count; i++) {
		CLEANUP(free) char *url = NULL;
		CLEANUP(free) char *identity = NULL;

		rc = config_get(book, config, names.list[i], "url", &url, err);
		if (!rc)
			rc = config_get(book, config, names.list[i], "identity", &identity, err);
		if (!rc)
			rc = visit(&(struct remote_row){names.list[i], url, identity}, context);
	}
	return rc;
}

/* ---- reaching one ---- */

int remote_failure(struct remote_link *link, int code, const char *what, struct dd_error *err)
{
	const git_error *last = git_error_last();
	const char *detail = last && last->message ? last->message : "no reason given";

	if (link->refusal.code) {
		error_set(err, link->refusal.code, "%s %s: %s", what, git_remote_url(link->remote),
			link->refusal.message);
		return error_hint(err, "%s", link->refusal.hint);
	}
	if (last && last->klass == GIT_ERROR_NOMEMORY)
		return error_no_memory(err);
	if (code == GIT_ECERTIFICATE) {
		error_set(err, DD_REFUSED, "%s %s: it does not prove to be the right server: %s",
			what, git_remote_url(link->remote), detail);
		if (is_https(git_remote_url(link->remote)))
			return error_hint(err, "is its certificate signed by an authority of "
					       "/etc/ssl/certs/ca-certificates.crt? See "
					       "update-ca-certificates(8)");
		return error_hint(err, "ssh to it once by hand, or ssh-keyscan, so that "
				       "~/.ssh/known_hosts has its key");
	}
	return error_set(err, DD_SYSTEM, "%s %s: %s", what, git_remote_url(link->remote), detail);
}

/* "user:password" in one line of a file; the secret is wiped from memory. */
static int offer_password(struct remote_link *link, git_credential **out)
{
	CLEANUP(text) struct text line = TEXT_INIT;
	int rc = identity_check(link->identity, &link->refusal);
	char *colon, *end;
	int code;

	if (!rc)
		rc = file_read(link->identity, IDENTITY_LIMIT, &line, &link->refusal);
	if (rc)
		return GIT_EUSER;
	end = strchr(line.data, '\n');
	if (end)
		*end = '\0';
	colon = strchr(line.data, ':');
	if (!colon) {
		error_set(&link->refusal, DD_INVALID, "%s holds no line \"user:password\"",
			link->identity);
		code = GIT_EUSER;
	} else {
		*colon = '\0';
		code = git_credential_userpass_plaintext_new(out, line.data, colon + 1);
	}
	explicit_bzero(line.data, line.size);
	return code;
}

/* Libgit2 gives up where there is an agent that does not answer. */
static bool agent_answers(void)
{
	const char *path = getenv("SSH_AUTH_SOCK");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	bool answers;
	int fd;

	if (!path || !path[0] || strlen(path) >= sizeof address.sun_path)
		return false;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	answers = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return answers;
}

/* The identity alone where one is set; else the agent's keys, then the book's own. */
static int offer_key(struct remote_link *link, const char *user, git_credential **out)
{
	CLEANUP(free) char *own = NULL;

	if (link->identity)
		return link->offered++
			       ? GIT_PASSTHROUGH
			       : git_credential_ssh_key_new(out, user, NULL, link->identity, NULL);
	if (!link->offered++ && agent_answers())
		return git_credential_ssh_key_from_agent(out, user);
	if (link->offered++ > 2 || book_path(link->book, "keys/host", &own, &link->refusal))
		return GIT_PASSTHROUGH;
	link->keyless = access(own, F_OK) < 0;
	if (link->keyless)
		return GIT_PASSTHROUGH;
	return git_credential_ssh_key_new(out, user, NULL, own, NULL);
}

static int offer(git_credential **out, const char *url, const char *user_in_url,
	unsigned int allowed, void *payload)
{
	struct remote_link *link = payload;
	const char *user = user_in_url ? user_in_url : "git";
	int code = GIT_PASSTHROUGH;

	(void)url;
	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git_credential_username_new(out, user);
	if (allowed & GIT_CREDENTIAL_SSH_KEY)
		code = offer_key(link, user, out);
	else if (allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT && link->identity && !link->offered++)
		code = offer_password(link, out);
	if (code != GIT_PASSTHROUGH || link->refusal.code)
		return code == GIT_PASSTHROUGH ? GIT_EUSER : code;
	error_set(&link->refusal, DD_REFUSED, "it does not accept who we are");
	if (link->identity)
		error_hint(&link->refusal, "does it know the identity %s?", link->identity);
	else if (allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT)
		error_hint(&link->refusal,
			"add the remote with --identity FILE, which holds a line "
			"\"user:password\"");
	else if (link->keyless)
		error_hint(&link->refusal, "name a key that it knows as the identity");
	else
		error_hint(&link->refusal, "allow keys/host.pub of the book there, or name another "
					   "key as the remote's identity");
	return GIT_EUSER;
}

void remote_callbacks(struct remote_link *link, git_remote_callbacks *out)
{
	*out = (git_remote_callbacks)GIT_REMOTE_CALLBACKS_INIT;
	out->credentials = offer;
	out->payload = link;
}

/* Without the rules that would send a URL elsewhere. */
static int link_make(struct remote_link *link, const char *url, struct dd_error *err)
{
	git_remote_create_options options = GIT_REMOTE_CREATE_OPTIONS_INIT;
	int code;

	options.repository = link->book->whole;
	options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
	code = git_remote_create_with_opts(&link->remote, url, &options);
	return code ? repository_failure(link->book, code, "cannot use the remote", err) : 0;
}

const char *remote_folder(const struct remote_link *link)
{
	return url_folder(git_remote_url(link->remote));
}

int remote_connect(struct book *book, const char *name, git_direction way, struct remote_link *out,
	struct dd_error *err)
{
	CLEANUP(config) git_config *config = NULL;
	CLEANUP(free) char *url = NULL;
	CLEANUP(listing) struct listing listing = {TEXT_INIT};
	git_remote_callbacks callbacks;
	int code, rc = config_open(book, &config, err);

	*out = (struct remote_link){.book = book};
	/* no name has a '/', and every address has */
	if (!rc && strchr(name, '/')) {
		rc = url_check(name, err);
		if (!rc)
			rc = string_copy(&url, name, err);
	}
	if (!rc && !url)
		rc = config_get(book, config, name, "url", &url, err);
	if (!rc && !url)
		rc = no_remote(book, config, name, err);
	if (!rc && !strchr(name, '/'))
		rc = config_get(book, config, name, "identity", &out->identity, err);
	if (!rc)
		rc = link_make(out, url, err);
	if (rc)
		return rc;
	remote_callbacks(out, &callbacks);
	/* Libgit2 takes the path of nothing for a protocol. */
	if (url[0] == '/' && access(url, F_OK) < 0)
		return error_errno(err, errno, "cannot reach %s", url);
	rc = listing_read(remote_folder(out), &listing, err);
	if (!rc && is_https(url))
		rc = authorities_need(err);
	if (rc)
		return rc;
	code = git_remote_connect(out->remote, way, &callbacks, NULL, NULL);
	return code ? remote_failure(out, code, "cannot reach", err)
		    : listing_compare(&listing, remote_folder(out), out->remote, err);
}

void remote_release(struct remote_link *link)
{
	if (link->remote)
		(void)git_remote_disconnect(link->remote);
	git_remote_free(link->remote);
	free(link->identity);
	*link = (struct remote_link){0};
}
