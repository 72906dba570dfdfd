# SPDX-License-Identifier: Apache-2.0
"""As much of a VNC viewer as it takes to be let in (RFB 3.8, security type 2)."""

import ctypes
import socket
import struct

from harness import check


def des(key, block):
    """Python has no DES; the library that QEMU has it from is there wherever QEMU is."""
    nettle = ctypes.CDLL('libnettle.so.8')
    context = ctypes.create_string_buffer(512)
    out = ctypes.create_string_buffer(len(block))
    nettle.nettle_des_set_key(context, key)
    nettle.nettle_des_encrypt(context, ctypes.c_size_t(len(block)), out, block)
    return out.raw


def answer(password, challenge):
    """VNC takes each byte of a key with its bits the other way round."""
    key = password.encode()[:8].ljust(8, b'\0')
    return des(bytes(int(f'{byte:08b}'[::-1], 2) for byte in key), challenge)


class Viewer:
    """One connection; where is (host, port) or the path of a socket."""

    def __init__(self, where):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
        self.socket.settimeout(20)
        self.socket.connect(where)
        check(self.take(12).startswith(b'RFB 003.'), 'not the greeting of VNC')
        self.socket.sendall(b'RFB 003.008\n')
        self.types = set(self.take(self.take(1)[0]))

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.socket.close()

    def take(self, size):
        data = b''
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            check(part, 'the server has hung up')
            data += part
        return data

    def log_in(self, password):
        """True where that password is the right one."""
        self.socket.sendall(b'\x02')
        self.socket.sendall(answer(password, self.take(16)))
        return struct.unpack('>I', self.take(4))[0] == 0


def lets_in(where, password):
    with Viewer(where) as viewer:
        check(viewer.types == {2}, f'it offers {viewer.types}, not passwords alone')
        return viewer.log_in(password)
