# SPDX-License-Identifier: Apache-2.0
"""A real OpenSSH server on loopback, in a folder of its own, for the length of a `with`."""

import contextlib
import os
import shutil
import socket
import subprocess

from harness import SOURCE_DIR, Skip, free_port, wait_until

PROGRAM = '/usr/sbin/sshd'

# What libssh2, and libgit2 with it, forgets of each connection is not the command's.
LEAKS = os.path.join(SOURCE_DIR, 'tests', 'e2e', 'ssh.suppressions')


def make_key(path):
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path], check=True)
    with open(path + '.pub', encoding='ascii') as stream:
        return ' '.join(stream.read().split()[:2])


class Server:
    """Lets in whoever has a key of `allow`; `environment` is that of a client who knows it."""

    def __init__(self, folder):
        if os.geteuid() != 0:
            raise Skip('sshd wants to be root')
        if not os.path.exists(PROGRAM):
            raise Skip(f'there is no {PROGRAM}')
        self.folder = os.path.join(folder, 'ssh')
        self.home = os.path.join(self.folder, 'home')
        os.makedirs(os.path.join(self.home, '.ssh'), 0o700)
        self.port = free_port()
        self.key = make_key(self.path('host_key'))
        self.process = None
        self.environment = {
            'HOME': self.home, 'SSH_AUTH_SOCK': '',
            'LSAN_OPTIONS': f'suppressions={LEAKS}:print_suppressions=0'}

    def path(self, name):
        return os.path.join(self.folder, name)

    def url(self, path):
        return f'ssh://root@127.0.0.1:{self.port}{path}'

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='ascii') as stream:
            stream.write(text)

    def allow(self, *public_key_files):
        lines = []
        for name in public_key_files:
            with open(name, encoding='ascii') as stream:
                lines.append(stream.read())
        self.write('authorized_keys', ''.join(lines))

    def be_known(self, key=None):
        """To the client, by its own key or another one."""
        self.write('home/.ssh/known_hosts', f'[127.0.0.1]:{self.port} {key or self.key}\n')

    def __enter__(self):
        os.makedirs('/run/sshd', 0o755, exist_ok=True)
        self.allow()
        self.write('config', '\n'.join((
            f'Port {self.port}', 'ListenAddress 127.0.0.1', f'HostKey {self.path("host_key")}',
            'PidFile none', f'AuthorizedKeysFile {self.path("authorized_keys")}',
            'StrictModes no', 'UsePAM no', 'PasswordAuthentication no', '')))
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [PROGRAM, '-D', '-f', self.path('config'), '-E', self.path('log')])
        wait_until(self.answers, 'sshd listens')
        return self

    def answers(self):
        with contextlib.suppress(OSError), \
                contextlib.closing(socket.create_connection(('127.0.0.1', self.port), 1)):
            return True
        return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
