/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_CONFIG_H
#define DOMAIN_CONFIG_H

/* What a book is set to, in force for everybody who uses it. */

#include "domain/host.h"

#define CONFIG_REQUIRE_REASON "require-reason"
#define CONFIG_FENCE_COMMAND "fence-command"
#define CONFIG_MIGRATE_HOOK "migrate-hook"
#define CONFIG_AUTO_PUSH "auto-push"

/* Of a setting that is "yes" or "no". */
int config_switch(struct dd_host *host, const char *name, bool *on, struct dd_error *err);

/* Of any setting; the caller frees it. */
int config_text(struct dd_host *host, const char *name, char **out, struct dd_error *err);

#endif
