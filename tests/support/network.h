/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_NETWORK_H
#define TESTS_SUPPORT_NETWORK_H

/* A network of the test's own, with a bridge. */
#include "tests/support/guest.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BRIDGE_NIC(n, slot, bridge)                                                               \
	"<interface type='bridge'><mac address='52:54:00:00:01:0" #n "'/><source bridge='" bridge \
	"'/><model type='virtio'/><alias name='net" #n                                            \
	"'/><address type='pci' domain='0' bus='0' slot='" #slot "' function='0'/></interface>"

/* Goes where no interface of the host can be harmed, and makes a bridge there. */
static void enter_empty_network(void)
{
	if (unshare(CLONE_NEWNET) || access("/dev/net/tun", R_OK | W_OK))
		skip();

	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(control, SIOCBRADDBR, "testbr0")) {
		close(control);
		skip();
	}
	close(control);
}

static const char *tap_of(struct place *place, const char *alias)
{
	struct dd_error err = {.code = 0};

	must(guest_fill_runtime(place->guest, place->live, &err), &err);
	return node_attr(node_child(device(place, alias), "target"), "dev");
}

#endif
