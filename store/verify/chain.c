/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain (chain.h): places without a gap, each commit naming the one before. What is told of a
 * gap is between which versions it is, for that is all that is left.
 */
#include "store/verify/verification.h"

#include <stdio.h>

#include "base/moment.h"

struct link {
	int64_t seq;
	git_oid oid, prev; /* as book.db has them, one behind the other */
	bool has_prev;
	char uuid[UUID_SIZE]; /* "": of the book itself */
	uint32_t number;
};

static int link_tell(struct verification *verification, const struct link *link, const char *what)
{
	struct finding finding = {
		.kind = "chain",
		.where = "book.git",
		.uuid = link->uuid[0] ? link->uuid : NULL,
		.version = link->number,
		.until = link->number,
	};
	struct commit_facts facts;
	char words[VERSION_WORDS_SIZE];

	commit_facts_read(verification, &link->oid, &facts, &finding);
	if (!link->uuid[0]) {
		finding.version = finding.until = 0;
		return finding_tell(verification, &finding,
			"the change %u of the key (place %lld) %s", link->number,
			(long long)link->seq, what);
	}
	return finding_tell(verification, &finding, "%s (place %lld) %s",
		version_words(verification, &finding, words), (long long)link->seq, what);
}

static int gap_tell(struct verification *verification, int64_t last, const struct link *link)
{
	struct finding finding = {.kind = "chain", .where = "book.db"};
	struct finding after = {.uuid = link->uuid, .version = link->number, .until = link->number};
	struct commit_facts facts, following;
	char since[MOMENT_SIZE], words[VERSION_WORDS_SIZE], places[64];

	commit_facts_read(verification, &link->oid, &following, &after);
	if (link->has_prev && last)
		commit_facts_read(verification, &link->prev, &facts, &finding);
	finding.commit = finding.who = NULL;
	moment_format(finding.when, since);
	if (link->seq - last == 2)
		snprintf(places, sizeof places, "place %lld", (long long)last + 1);
	else
		snprintf(places, sizeof places, "places %lld to %lld", (long long)last + 1,
			(long long)link->seq - 1);
	return finding_tell(verification, &finding,
		"%s of the chain of all versions %s gone: what was made %s%s%sbefore %s", places,
		link->seq - last == 2 ? "is" : "are", finding.when ? "after " : "",
		finding.when ? since : "", finding.when ? " and " : "",
		link->uuid[0] ? version_words(verification, &after, words) : "a change of the key");
}

static int link_check(struct verification *verification, const struct link *link, int64_t last)
{
	const struct sighting *sighting = sighting_find(verification, &link->oid);

	if (link->seq != last + 1)
		return gap_tell(verification, last, link);
	/* a commit that is lost was told with its version */
	if (!sighting)
		return 0;
	if (sighting->seq != link->seq)
		return link_tell(
			verification, link, "has another place in the chain than book.db says");
	if (!link->has_prev || !git_oid_equal(&sighting->prev, &link->prev))
		return link_tell(verification, link,
			"names another commit before it in the chain than the one that is "
			"there: that one was rewritten or replaced");
	return 0;
}

/* Of one domain each link is seen on its own, so the place before is looked up with it. */
#define LINKS                                                                                      \
	"SELECT v.seq, v.oid, coalesce((SELECT p.seq FROM version p WHERE p.seq < v.seq"           \
	"   ORDER BY p.seq DESC LIMIT 1), 0),"                                                     \
	" coalesce((SELECT p.oid FROM version p WHERE p.seq < v.seq ORDER BY p.seq DESC LIMIT 1)," \
	"  (SELECT value FROM setting WHERE key = 'genesis')),"                                    \
	" coalesce(d.uuid, ''), v.number FROM version v LEFT JOIN domain d ON d.id = v.domain"

int verify_chain(struct verification *verification)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&verification->book->database,
		verification->uuid ? LINKS " WHERE d.uuid = ? AND v.seq IS NOT NULL ORDER BY v.seq"
				   : LINKS " WHERE v.seq IS NOT NULL ORDER BY v.seq");
	int rc = 0;

	if (verification->uuid)
		statement_text(&statement, verification->uuid);
	while (!rc && statement_row(&statement)) {
		struct link link = {
			.seq = statement_integer(&statement, 0),
			.number = (uint32_t)statement_integer(&statement, 5),
		};

		if (!statement_oid_maybe(&statement, 1, &link.oid))
			continue; /* told with its row */
		link.has_prev = statement_oid_maybe(&statement, 3, &link.prev);
		snprintf(link.uuid, sizeof link.uuid, "%s", statement_string(&statement, 4));
		rc = link_check(verification, &link, statement_integer(&statement, 2));
	}
	return rc ? rc : statement_end(&statement, verification->err);
}
