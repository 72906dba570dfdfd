/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_identity identity;
	struct json *object;
	int rc = dd_host_identity(cli->host, &identity, err);

	(void)args;
	if (rc)
		return rc;
	if (!cli->json) {
		text_printf(&cli->out, "name         %s\nkey          %s\nfingerprint  %s\n",
			identity.name, identity.key, identity.fingerprint);
		return 0;
	}
	object = json_object();
	json_put_string(object, "name", identity.name);
	json_put_string(object, "key", identity.key);
	json_put_string(object, "fingerprint", identity.fingerprint);
	return cli_answer(cli, object, err);
}

const struct command command_identity = {
	.name = "identity",
	.group = GROUP_OTHERS,
	.operands = "",
	.summary = "who this host is among its peers: its name and key",
	.about = "What the operator of another host compares, or types there:\n"
		 "\n"
		 "    domesday peer add NAME ADDRESS 'KEY'\n"
		 "\n"
		 "It is the key that signs the book, and changes with key rotate.",
	.book = BOOK_CREATE,
	.run = run,
};
