/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SOCKETS_H
#define DAEMON_SOCKETS_H

/*
 * Has the kernel ask the other side of each TCP connection of this process whether it is still
 * there, and end those where nobody answers for two minutes. The libraries that push give no other
 * hand on the socket that they wait at. Any thread.
 */
void sockets_ask_peers(void);

#endif
