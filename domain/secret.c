/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/secret.h"

/* Where libvirt's format carries a secret itself, rather than the name of one. */
static const struct {
	const char *element, *attribute;
} secrets[] = {
	{"graphics", "passwd"},
};

static int refuse_in(const xmlNode *device, struct dd_error *err)
{
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		if (!node_is(device, secrets[i].element) ||
			!node_attr(device, secrets[i].attribute))
			continue;
		node_error(device, err, DD_UNSUPPORTED,
			"the attribute '%s' is a secret, and a record is kept for ever",
			secrets[i].attribute);
		return error_hint(err, "leave it out, and let the graphics listen on a socket "
				       "or on a loopback address");
	}
	return 0;
}

int secret_refuse(const struct document *document, struct dd_error *err)
{
	int rc = refuse_in(document_root(document), err);

	for (const xmlNode *device = node_first(document_devices(document)); !rc && device;
		device = node_after(device))
		rc = refuse_in(device, err);
	return rc;
}
