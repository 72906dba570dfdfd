# SPDX-License-Identifier: Apache-2.0
"""A client that drives migrations by the library's calls (client.c)."""

import contextlib
import os
import subprocess

from harness import BUILD_DIR, check, contains, equal

CALLS = ('begin', 'prepare', 'perform', 'finish', 'confirm')


class Died(Exception):
    """The client is gone."""


class Refused(Exception):
    """The name of an error, and its message."""

    def __str__(self):
        return ' '.join(self.args)


class Client:
    """The program that makes the calls, with both books open."""

    def __init__(self, source, destination, env=None, around=()):
        self.cookies = {}
        self.process = subprocess.Popen(
            [*around, os.path.join(BUILD_DIR, 'tests', 'migration_client'), source.book.path,
             source.name, destination.book.path, destination.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        if error[0]:
            self.process.kill()
        code = self.process.wait(60)
        self.process.stdout.close()
        check(error[0] or code in (0, -9), f'the client ended with {code}')

    def call(self, *words):
        """A call; the cookie that it gives."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write('\t'.join(words) + '\n')
            self.process.stdin.flush()
        said = self.process.stdout.readline()
        if not said:
            raise Died
        name, _, rest = said.rstrip('\n').partition('\t')
        if name != 'ok':
            raise Refused(name, rest)
        return rest

    def go(self, last='confirm', *wishes):
        """All the calls, each with the cookie of the one before, to the end of the last."""
        before = None
        for call in CALLS[:CALLS.index(last) + 1]:
            words = (before,) if before else ('vm1', 'beta', *wishes)
            before = self.cookies[call] = self.call(call, *words)
        return self

    def refuse(self, *words, code='refused', says=''):
        try:
            given = self.call(*words)
        except Refused as error:
            equal(error.args[0], code, error)
            contains(error.args[1], says)
        else:
            raise AssertionError(f'it was done: {words[0]}: {given}')

    def kill(self):
        self.process.kill()
        self.process.wait()
