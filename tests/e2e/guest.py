# SPDX-License-Identifier: Apache-2.0
"""The guest as seen from inside (its serial port) and from below (QEMU's own monitor)."""

import contextlib
import json
import os
import re
import socket

from definition import domain, serial_file
from harness import check, wait_until


class Guest:
    """A domain of a book that boots the test guest and is read through its serial port."""

    def __init__(self, book, name, *devices, **options):
        """Defines the domain; devices and options are those of definition.domain()."""
        self.book, self.name = book, name
        self.serial = os.path.join(book.folder, f'serial-{name}')
        self.position = 0
        book.define(domain(name, *devices, serial_file(self.serial), boot=True, **options))

    def start(self):
        """Starts it and waits until its system is up."""
        self.forget()
        self.book.ok('start', self.name)
        self.wait_for('^READY')
        return self

    def destroy(self):
        self.book.ok('destroy', self.name)

    def forget(self):
        """What it has said so far is of no interest any more."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.serial)
        self.position = 0

    def said(self):
        try:
            with open(self.serial, encoding='utf-8', errors='replace', newline='') as stream:
                return stream.read().replace('\r\n', '\n')
        except FileNotFoundError:
            return ''

    def find(self, pattern):
        match = re.compile(pattern, re.MULTILINE).search(self.said(), self.position)
        if match:
            self.position = match.end()
        return match

    def wait_for(self, pattern, timeout=30):
        """The next line that fits, after the one that was waited for last."""
        try:
            return wait_until(
                lambda: self.find(pattern), f'the guest says {pattern!r}', timeout)
        except AssertionError as error:
            raise AssertionError(f'{error}; it said:\n{self.said()}') from None

    def ticks(self):
        """How many seconds it has counted."""
        return len(re.findall(r'^tick \d+$', self.said(), re.MULTILINE))

    def state(self):
        return self.book.domains()[self.name]['state']

    def dumpxml(self, *args):
        return self.book.dumpxml(self.name, *args)

    def qmp(self):
        return Qmp(os.path.join(self.book.run_folder(self.name), 'monitor.sock'))


class Qmp:
    """A second pair of hands on QEMU's monitor, behind Domesday's back."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.stream = self.socket.makefile('rw', encoding='utf-8')
        self.events = []
        check('QMP' in self.read(), 'no greeting')
        self.call('qmp_capabilities')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def read(self):
        line = self.stream.readline()
        check(line, 'QEMU has closed its monitor')
        return json.loads(line)

    def call(self, command, **arguments):
        self.stream.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        self.stream.flush()
        while True:
            message = self.read()
            if 'event' in message:
                self.events.append(message)
                continue
            check('return' in message, f'{command}: {message}')
            return message['return']

    def wait_event(self, name):
        while True:
            for event in self.events:
                if event['event'] == name:
                    self.events.remove(event)
                    return event
            self.events.append(self.read())
