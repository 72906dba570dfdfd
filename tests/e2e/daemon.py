# SPDX-License-Identifier: Apache-2.0
"""domesdayd beside a book: started, read through its log, ended."""

import os
import signal
import subprocess

import harness
from harness import check, wait_until

DOMESDAYD = os.path.join(os.path.dirname(harness.DOMESDAY), 'domesdayd')


class Daemon:
    """One domesdayd; leaving the with-block ends it, and it must end well."""

    def __init__(self, book, *options, env=None, ready=True):
        self.book, self.position = book, 0
        number = len([name for name in os.listdir(book.folder) if name.startswith('daemon.')])
        self.path = os.path.join(book.folder, f'daemon.{number}.log')
        with open(self.path, 'w', encoding='utf-8') as stream:
            self.process = subprocess.Popen(
                [*book.around, DOMESDAYD, '--book', book.path, *options], stderr=stream,
                stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})})
        if ready:
            self.wait_for('looks after the book')

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            status = self.wait()
            check(kind or status == 0, f'exit status {status}', self.log())

    def wait(self, timeout=20):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'it does not end:\n{self.log()}') from None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log(self):
        with open(self.path, encoding='utf-8', errors='replace') as stream:
            return stream.read()

    def find(self, words):
        at = self.log().find(words, self.position)
        if at >= 0:
            self.position = at + len(words)
        return at >= 0

    def wait_for(self, words, timeout=30):
        """The next line with these words, after the one that was waited for last."""
        try:
            wait_until(lambda: self.find(words) or self.ended(), f'it says {words!r}', timeout)
        except AssertionError as error:
            raise AssertionError(f'{error}; it said:\n{self.log()}') from None

    def ended(self):
        check(self.process.poll() is None, 'it has ended:', self.log())
        return False
