/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

void tap_name(const char *uuid, const xmlNode *interface, char out[TAP_NAME_SIZE])
{
	const char *given = node_attr(node_child(interface, "target"), "dev");
	const char *parts[] = {uuid, node_attr(node_child(interface, "alias"), "name")};
	uint32_t hash = 2166136261u;

	if (given && strlen(given) < TAP_NAME_SIZE) {
		snprintf(out, TAP_NAME_SIZE, "%s", given);
		return;
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (const char *at = parts[i]; at && *at; at++)
			hash = (hash ^ (unsigned char)*at) * 16777619u;
	snprintf(out, TAP_NAME_SIZE, "vn%08x", hash);
}

static void set_name(struct ifreq *request, const char *name)
{
	memset(request, 0, sizeof *request);
	snprintf(request->ifr_name, sizeof request->ifr_name, "%s", name);
}

/* The kernel's names are short: of a longer one no part is meant. */
int tap_check_bridge(const char *bridge, struct dd_error *err)
{
	return strlen(bridge) < IFNAMSIZ && if_nametoindex(bridge)
		       ? 0
		       : error_set(err, DD_NOT_FOUND, "there is no bridge '%s'", bridge);
}

static int bring_up(const char *name, const char *bridge, struct dd_error *err)
{
	CLEANUP(close) int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request;
	int rc = bridge ? tap_check_bridge(bridge, err) : 0;

	if (rc)
		return rc;
	if (control < 0)
		return error_errno(err, errno, "cannot make a socket");
	if (bridge) {
		set_name(&request, bridge);
		request.ifr_ifindex = (int)if_nametoindex(name);
		if (ioctl(control, SIOCBRADDIF, &request))
			return error_errno(
				err, errno, "cannot put '%s' into bridge '%s'", name, bridge);
	}
	set_name(&request, name);
	if (ioctl(control, SIOCGIFFLAGS, &request))
		return error_errno(err, errno, "cannot bring '%s' up", name);
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	if (ioctl(control, SIOCSIFFLAGS, &request))
		return error_errno(err, errno, "cannot bring '%s' up", name);
	return 0;
}

int tap_open(const char *name, const char *bridge, int *fd, struct dd_error *err)
{
	CLEANUP(close) int made = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request;

	if (made < 0)
		return error_errno(err, errno, "cannot open /dev/net/tun for interface '%s'", name);
	set_name(&request, name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(made, TUNSETIFF, &request))
		return errno == EBUSY ? error_set(err, DD_EXISTS,
						"interface '%s' is in use on this host", name)
				      : error_errno(err, errno, "cannot make interface '%s'", name);

	int code = bring_up(name, bridge, err);

	if (code)
		return code;
	*fd = made;
	made = -1;
	return 0;
}
