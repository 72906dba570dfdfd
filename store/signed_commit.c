/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit as git stores it. The signature is made over the commit without its gpgsig header, and
 * then stands in it, every line after the first set in by one space.
 */
#include "store/object.h"

#include "store/message.h"

static void header_person(
	struct text *out, const char *key, const struct person *person, int64_t when)
{
	text_printf(out, "%s ", key);
	person_add(out, person);
	text_printf(out, " %lld +0000\n", (long long)when);
}

void commit_headers(const struct commit_draft *draft, struct text *out)
{
	char tree[GIT_OID_HEXSZ + 1], parent[GIT_OID_HEXSZ + 1];

	text_printf(out, "tree %s\n", git_oid_tostr(tree, sizeof tree, &draft->tree));
	if (draft->parent)
		text_printf(
			out, "parent %s\n", git_oid_tostr(parent, sizeof parent, draft->parent));
	header_person(out, "author", &draft->author, draft->when);
	header_person(out, "committer", &draft->committer, draft->when);
}

static void signature_add(struct text *out, const struct text *signature)
{
	text_puts(out, "gpgsig ");
	for (size_t i = 0; i < signature->size; i++) {
		text_putc(out, signature->data[i]);
		if (signature->data[i] == '\n' && i + 1 < signature->size)
			text_putc(out, ' ');
	}
}

int commit_sign(struct object_set *set, const struct key *key, struct text *headers,
	const struct text *message, git_oid *oid, struct dd_error *err)
{
	CLEANUP(text) struct text whole = TEXT_INIT;
	CLEANUP(text) struct text signature = TEXT_INIT;
	int rc;

	text_add(&whole, headers->data, headers->size);
	text_putc(&whole, '\n');
	text_add(&whole, message->data, message->size);
	if (text_failed(&whole) || text_failed(headers) || text_failed(message))
		return error_no_memory(err);
	rc = key_sign(key, whole.data, whole.size, &signature, err);
	if (rc)
		return rc;
	signature_add(headers, &signature);
	text_putc(headers, '\n');
	text_add(headers, message->data, message->size);
	return object_add_text(set, GIT_OBJECT_COMMIT, headers, oid, err);
}
