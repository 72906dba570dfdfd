# SPDX-License-Identifier: Apache-2.0
"""Two hosts on one machine, that know each other, and guests that go from one to the other."""

import contextlib
import os
import re
import socket
import sqlite3
import threading
import time

from daemon import Daemon
from definition import domain
from guest import Guest
from harness import check, equal, qemu_of, wait_until


class Host:
    """A book under a host name of its own, and the daemon through which others reach it."""

    def __init__(self, book, name):
        self.name = name
        self.book = book.another(name, host=name)
        self.book.define(domain(f'first-on-{name}'))
        self.key = self.book.json('identity')['key']
        self.daemon, self.port = None, 0

    def listen(self, **options):
        """Starts the daemon, at the port that it had before."""
        self.daemon = Daemon(self.book, '--listen', f'127.0.0.1:{self.port}', **options)
        self.port = int(re.search(r'peers at 127\.0\.0\.1:(\d+)', self.daemon.log())[1])
        return self

    def stop(self):
        if self.daemon:
            self.daemon.__exit__(None)
            self.daemon = None

    def kill(self):
        self.daemon.kill()
        self.daemon = None

    def knows(self, other):
        self.book.ok('peer', 'add', other.name, f'127.0.0.1:{other.port}', other.key)

    def has(self, name):
        return name in self.book.domains()

    def runs(self, name):
        return self.has(name) and self.book.domains()[name]['state'] == 'running'

    def alive(self, uuid):
        """Is there a QEMU of that domain, whatever the book says?"""
        return qemu_of(self.lock(uuid)) is not None

    def lock(self, uuid):
        return os.path.join(self.book.path, 'run', uuid, 'qemu.lock')


@contextlib.contextmanager
def hosts(book, *names, **options):
    """Hosts that know each other, with their daemons."""
    made = [Host(book, name) for name in names or ('alpha', 'beta')]
    try:
        for host in made:
            host.listen(**options)
        for host in made:
            for other in made:
                if other is not host:
                    host.knows(other)
        yield made
        for host in made:
            host.stop()
    finally:
        for host in made:
            if host.daemon:
                host.kill()


class Traveller(Guest):
    """A guest that counts on its serial port, wherever it runs."""

    def __init__(self, host, name, *devices, **options):
        super().__init__(host.book, name, *devices, **options)
        self.uuid = host.book.domains()[name]['uuid']

    def at(self, host):
        self.book = host.book
        return self

    def counts(self):
        return [int(number) for number in re.findall(r'^tick (\d+)$', self.said(), re.MULTILINE)]

    def goes_on(self):
        """It counts, and has left nothing out and counted nothing twice."""
        before = len(self.counts())
        wait_until(lambda: len(self.counts()) > before + 1, 'the guest counts', 30)
        counts = self.counts()
        equal(counts, list(range(counts[0], counts[0] + len(counts))), 'what it counted')


def one_owner(hosts_, guest, where):
    """The domain is one host's, runs there once, and nothing is left of it elsewhere."""
    for host in hosts_:
        equal(host.has(guest.name), host is where, host.name, host.book.run('list', '--all'))
        equal(host.alive(guest.uuid), host is where and host.runs(guest.name),
              f'a QEMU on {host.name}')
        equal(host.book.json('jobs'), [], host.name)
        host.book.ok('verify')
    check(where.has(guest.name), 'it is nowhere')


def notes(host):
    """What a host still remembers of migrations that ended there."""
    where = f'file:{host.book.path}/book.db?mode=ro'
    with contextlib.closing(sqlite3.connect(where, uri=True)) as db:
        return db.execute("SELECT key FROM setting WHERE key LIKE '%migrated/%'").fetchall()


def settled(both):
    """Nothing is under way any more."""
    return all(not host.book.json('jobs') for host in both)


def restart(host):
    """Its daemon, whether or not it has died."""
    if host.daemon and host.daemon.process.poll() is None:
        host.stop()
    host.daemon = None
    host.listen()


def after(both, guest, where):
    """Both are there again: they come to an agreement by themselves."""
    for host in both:
        restart(host)
    wait_until(lambda: settled(both), 'all is settled', 60)
    owner = next(host for host in both if host.name == where)
    one_owner(both, guest, owner)
    return owner


class Link:
    """What lies between a host and the door of another: it can be cut, and can fall silent."""

    def __init__(self, port):
        self.target, self.streams, self.carried = port, [], []
        self.silent = threading.Event()
        self.cut = None  # (which connection, which way, after how many bytes)
        self.server = socket.create_server(('127.0.0.1', 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.server.accept()
                far = socket.create_connection(('127.0.0.1', self.target))
                number = len(self.carried)
                self.carried.append([0, 0])
                self.streams.append((near, far))
                for way, (one, other) in enumerate(((near, far), (far, near))):
                    threading.Thread(
                        target=self.carry, args=(number, way, one, other), daemon=True).start()

    def carry(self, number, way, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                while self.silent.is_set():
                    time.sleep(0.05)
                if self.cut and self.cut[:2] == (number, way):
                    left = self.cut[2] - self.carried[number][way]
                    if left < len(data):
                        other.sendall(data[:max(left, 0)])
                        self.carried[number][way] += max(left, 0)
                        self.cut = None
                        break
                self.carried[number][way] += len(data)
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.server.close()
        for pair in self.streams:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.close()


@contextlib.contextmanager
def link(host, other):
    """host reaches other through it, from now on."""
    between = Link(other.port)
    try:
        host.book.ok('peer', 'add', other.name, f'127.0.0.1:{between.port}', other.key)
        yield between
    finally:
        between.close()
