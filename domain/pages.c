/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/pages.h"

#include <string.h>

#include "domain/record.h"

static void page_clear(struct page *page)
{
	document_free(page->document);
	*page = (struct page){.number = 0};
}

void pages_release(struct pages *pages)
{
	page_clear(&pages->before);
	page_clear(&pages->after);
}

static bool page_is(const struct page *page, const char *uuid, uint32_t number)
{
	return page->number == number && strcmp(page->uuid, uuid) == 0;
}

/* Says which version page is to be, without its document. */
static int page_begin(struct page *page, struct book *book, const char *uuid, uint32_t number,
	struct dd_error *err)
{
	page_clear(page);
	memcpy(page->uuid, uuid, UUID_SIZE);
	page->number = number;
	return book_file(book, uuid, number, FILE_CONFIG, page->object, err);
}

static int page_read(struct page *page, struct book *book, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = book_read(book, page->uuid, page->number, FILE_CONFIG, &text, err);

	return rc ? rc : document_parse(text_string(&text), text.size, NULL, &page->document, err);
}

/* The document that a page stands for: it has none of its own where the later one has its bytes. */
static const struct document *page_shown(const struct page *page, const struct page *other)
{
	return page->document ? page->document : other->document;
}

static int after_read(struct pages *pages, const char *uuid, uint32_t number, struct dd_error *err)
{
	struct page *after = &pages->after;
	int rc;

	if (page_is(after, uuid, number))
		return 0;
	if (page_is(&pages->before, uuid, number)) {
		struct document *document = pages->before.document ? TAKE(pages->before.document)
								   : TAKE(after->document);

		page_clear(after);
		*after = pages->before;
		after->document = document;
		pages->before = (struct page){.number = 0};
		return 0;
	}
	rc = page_begin(after, pages->book, uuid, number, err);
	return rc ? rc : page_read(after, pages->book, err);
}

int pages_turn(struct pages *pages, const char *uuid, uint32_t number,
	const struct document **before, const struct document **after, struct dd_error *err)
{
	int rc = after_read(pages, uuid, number, err);

	if (!rc && number > 1 && !page_is(&pages->before, uuid, number - 1)) {
		rc = page_begin(&pages->before, pages->book, uuid, number - 1, err);
		if (!rc && strcmp(pages->before.object, pages->after.object) != 0)
			rc = page_read(&pages->before, pages->book, err);
	}
	if (rc) {
		pages_release(pages);
		return rc;
	}
	*after = pages->after.document;
	*before = number > 1 ? page_shown(&pages->before, &pages->after) : NULL;
	return 0;
}
