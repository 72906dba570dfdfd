/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"

#define XML_SIZE 4096
#define DRAWN_AGAIN 100

/* ---- chance that is none ---- */

static const char *drawn_name(void)
{
	return "counting";
}

static unsigned char next = 1;

static void drawn_fill(void *const bytes, const size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)bytes)[i] = next++;
}

static uint32_t drawn(void)
{
	uint32_t number;

	drawn_fill(&number, sizeof number);
	return number;
}

void drawn_again(void)
{
	next = DRAWN_AGAIN;
}

void scene_be_predictable(void)
{
	static struct randombytes_implementation counting = {
		.implementation_name = drawn_name, .random = drawn, .buf = drawn_fill};

	randombytes_set_implementation(&counting);
	atomic_store(&calls_clock, CLOCK);
}

/* ---- one change each ---- */

int scene_open(struct scene *scene, bool create, struct dd_error *err)
{
	struct book_options options = {.create = create,
		.host_name = scene->host ? scene->host : HOST,
		.wait_ms = scene->wait_ms ? scene->wait_ms : WAIT_MS};

	return book_open(scene->folder, &options, &scene->book, err);
}

void scene_close(struct scene *scene)
{
	book_close(TAKE(scene->book));
}

int told(struct scene *scene, int rc)
{
	if (!rc && scene->acknowledged)
		scene->acknowledged(scene);
	return rc;
}

void uuid_of(int domain, char uuid[UUID_SIZE])
{
	snprintf(uuid, UUID_SIZE, "11111111-2222-4333-8444-%012d", domain);
}

int grant(struct scene *scene, const struct wish *wish, struct dd_error *err)
{
	static char xml[LARGE_SIZE];
	size_t size = wish->size ? wish->size : XML_SIZE;
	char uuid[UUID_SIZE], name[32], path[64], snapshot[64], epoch[16];
	struct use_row uses[] = {{"disk", path, 'w', USE_CONFIG}, {"mac", name, 's', USE_CONFIG}};
	struct tree_file files[] = {
		{"domain.xml", xml, size}, {"snapshots/first.xml", snapshot, sizeof snapshot}};
	struct trailer trailers[] = {{"Operation", wish->subject}, {"Device", "vda"},
		{"Taken-From", wish->taken_from}, {"Taken-Book", wish->taken_book},
		{"Epoch", epoch}};
	struct version_draft version = {
		.subject = wish->subject,
		.author = {"Ada Operator", "ada@example.org"},
		.trailers = trailers,
		.trailer_count = wish->taken_from ? 5 : 2,
		.files = files,
		.file_count = 2,
	};
	struct index_draft index = {
		.name = wish->name ? wish->name : name,
		.title = wish->index_only ? "another title" : "",
		.state = wish->state,
		.autostart = wish->index_only,
		.epoch = wish->epoch,
		.owned = wish->parcel != NULL,
		.uses = uses,
		.use_count = 2,
	};
	struct book_change change = {
		.uuid = uuid,
		.base = wish->base,
		.version = wish->index_only ? NULL : &version,
		.index = &index,
		.journal = wish->journal,
		.parcel = wish->parcel,
	};

	uuid_of(wish->domain, uuid);
	snprintf(epoch, sizeof epoch, "%u", wish->epoch);
	snprintf(name, sizeof name, "guest%d", wish->domain);
	snprintf(path, sizeof path, "/disks/%d-%u.img", wish->domain, wish->base);
	memset(snapshot, 's', sizeof snapshot);
	for (size_t at = 0; at < size;) /* alike between versions, so that deltas are worth it */
		at += (size_t)snprintf(xml + at, size - at, "<d n='%d' v='%u' at='%zu'/>\n",
			wish->domain, at % 1024 < 512 ? wish->base : 0, at);
	return told(scene, book_apply(scene->book, &change, NULL, err));
}

int scene_edit(struct scene *scene, int n, uint32_t base, struct dd_error *err)
{
	return grant(scene, &(struct wish){.domain = n, .base = base, .subject = "edit"}, err);
}

int checkpoint(struct scene *scene, struct dd_error *err)
{
	return told(scene, book_checkpoint(scene->book, err));
}

int journal_begin(struct scene *scene, int domain, uint64_t *id, struct dd_error *err)
{
	char uuid[UUID_SIZE], path[64];
	struct use_row claims[] = {{"disk", path, 'w', USE_LIVE}, {"mac", "x", 's', USE_LIVE}};
	struct journal_draft draft = {
		.uuid = uuid,
		.operation = "attach-device",
		.detail = "what recovery needs",
		.claims = claims,
		.claim_count = 2,
	};

	uuid_of(domain, uuid);
	snprintf(path, sizeof path, "/disks/hot-%d.img", domain);
	return told(scene, journal_open(scene->book, &draft, id, NULL, err));
}

int scene_fill(struct scene *scene, struct dd_error *err)
{
	int rc = 0;

	for (int domain = 0; !rc && domain < 4; domain++)
		for (uint32_t base = 0; !rc && base < 3; base++)
			rc = scene_edit(scene, domain, base, err);
	if (!rc)
		rc = checkpoint(scene, err);
	for (int domain = 0; !rc && domain < 2; domain++)
		rc = scene_edit(scene, domain, 3, err);
	return rc;
}

int tag(struct scene *scene, int domain, uint32_t number, const char *label, struct dd_error *err)
{
	char uuid[UUID_SIZE];
	struct tag_draft draft = {
		.uuid = uuid,
		.number = number,
		.label = label,
		.tagger = {"Ada Operator", "ada@example.org"},
		.body = "as it was sold",
	};

	bool made;

	uuid_of(domain, uuid);
	return told(scene, book_tag(scene->book, &draft, NULL, &made, err));
}

int tag_two(struct scene *scene, struct dd_error *err)
{
	int rc = tag(scene, 1, 2, "sold", err);

	return rc ? rc : tag(scene, 2, 1, "first", err);
}
