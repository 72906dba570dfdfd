/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before domains of a host that is down are taken over, the peers are asked for them: one of them
 * may have got a domain from there by a migration of which the remote has not heard.
 */
#include "domain/evacuate.h"

#include "migrate/owners.h"

struct asking {
	struct dd_host *host;
	const struct dd_evacuation *evacuation;
	bool met;
	struct owners owners;
};

/* Whoever says that it is down may be mistaken; a fence-command sees to it. */
static void warn_up(const struct asking *asking)
{
	const char *down = asking->evacuation->host;

	if (asking->evacuation->override && owners_answers(asking->host, down))
		host_warn(asking->host,
			"the host '%s' is not down: it answers. Its guests will run on both hosts "
			"if they are started here",
			down);
}

static int ask(void *context, const char *uuid, uint32_t epoch, char **holder, struct dd_error *err)
{
	struct asking *asking = context;
	int rc = 0;

	if (!asking->met) {
		warn_up(asking);
		rc = owners_meet(&asking->owners, asking->host, asking->evacuation->host, err);
		asking->met = !rc;
	}
	return rc ? rc : owners_ask(&asking->owners, uuid, epoch, holder, err);
}

int dd_evacuate(struct dd_host *host, const struct dd_evacuation *evacuation,
	const struct dd_change *change, dd_evacuated_fn evacuated, void *context,
	struct dd_error *err)
{
	struct asking asking = {.host = host, .evacuation = evacuation};
	const struct elsewhere elsewhere = {ask, &asking};
	int rc = evacuate(host, evacuation, &elsewhere, change, evacuated, context, err);

	owners_release(&asking.owners);
	return rc;
}
