# SPDX-License-Identifier: Apache-2.0
"""Two hosts on one machine, that know each other, and guests that go from one to the other."""

import atexit
import contextlib
import functools
import glob
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from daemon import Daemon
from definition import domain
from guest import Guest
from harness import Skip, check, equal, qemu_of, wait_until


class Cells:
    """How many cells of the matrix of faults there were; the last line of a program says it."""

    run, failed = 0, 0

    @classmethod
    def tell(cls):
        if cls.run:
            print(f'# cells: {cls.run} run, {cls.failed} failed', flush=True)


atexit.register(Cells.tell)


def cell(function):
    """Each call of it is one cell."""

    @functools.wraps(function)
    def counted(*args, **options):
        Cells.run += 1
        Cells.failed += 1
        function(*args, **options)
        Cells.failed -= 1

    return counted


class Host:
    """A book under a host name of its own, and the daemon through which others reach it."""

    def __init__(self, book, name, place=None):
        self.name = name
        self.address = place.address if place else '127.0.0.1'
        self.book = book.another(name, host=name)
        if place:
            self.book.around = place.around
        self.book.define(domain(f'first-on-{name}'))
        self.key = self.book.json('identity')['key']
        self.daemon, self.port = None, 0

    def listen(self, **options):
        """Starts the daemon, at the port that it had before."""
        self.daemon = Daemon(self.book, '--listen', f'{self.address}:{self.port}', **options)
        self.port = int(re.search(r'peers at [0-9.]+:(\d+)', self.daemon.log())[1])
        return self

    def stop(self):
        if self.daemon:
            self.daemon.__exit__(None)
            self.daemon = None

    def kill(self):
        self.daemon.kill()
        self.daemon = None

    def knows(self, other):
        self.book.ok('peer', 'add', other.name, f'{other.address}:{other.port}', other.key)

    def lose_power(self):
        """Whatever of it runs dies, QEMU too."""
        self.kill()
        for pid in self.book.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.book.pids(), f'{self.name} is dead')

    def left(self):
        """What there is in the book's folder of domains that are not there."""
        known = {row['uuid'] for row in self.book.domains().values()}
        return [path for folder in ('run', 'parcels')
                for path in glob.glob(os.path.join(self.book.path, folder, '*', '*'))
                if path.split(os.sep)[-2] not in known and not path.endswith('.lock')]

    def has(self, name):
        return name in self.book.domains()

    def runs(self, name):
        return self.has(name) and self.book.domains()[name]['state'] == 'running'

    def alive(self, uuid):
        """Is there a QEMU of that domain, whatever the book says?"""
        first = self.lock(uuid)
        later = glob.glob(os.path.join(os.path.dirname(first), '*', 'qemu.lock'))
        return any(map(qemu_of, [first, *later]))

    def lock(self, uuid):
        """Of the QEMU that a start made."""
        return os.path.join(self.book.path, 'run', uuid, 'qemu.lock')


class Place:
    """A network namespace with a host name, kept by a process that sleeps in it."""

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.keeper = subprocess.Popen(
            ['unshare', '--net', '--uts', 'sh', '-c',
             f'hostname {name} && ip link set lo up && echo made && exec sleep infinity'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.pid = str(self.keeper.pid)
        self.around = ['nsenter', '--target', self.pid, '--net', '--uts', '--']
        if self.keeper.stdout.readline() != 'made\n':
            self.end()
            raise Skip('this machine allows no network namespaces')

    def ip(self, *words):
        subprocess.run([*self.around, 'ip', *words], check=True, capture_output=True)

    def link(self, state):
        """Whether anything gets through between the two: "up" or "down"."""
        self.ip('link', 'set', 'peer0', state)

    def end(self):
        self.keeper.kill()
        self.keeper.wait()
        self.keeper.stdout.close()


@contextlib.contextmanager
def two_places():
    """Alpha's and beta's, with a cable between them."""
    places = []
    try:
        for number, name in enumerate(('alpha', 'beta'), 1):
            places.append(Place(name, f'10.77.0.{number}'))
        subprocess.run(
            ['ip', 'link', 'add', 'peer0', 'netns', places[0].pid, 'type', 'veth', 'peer', 'name',
             'peer0', 'netns', places[1].pid], check=True, capture_output=True)
        for place in places:
            place.ip('addr', 'add', f'{place.address}/24', 'dev', 'peer0')
            place.link('up')
        yield places
    finally:
        for place in places:
            place.end()


@contextlib.contextmanager
def hosts(book, *names, places=None, **options):
    """Hosts that know each other, with their daemons."""
    names = names or ('alpha', 'beta')
    made = [Host(book, name, place) for name, place in zip(names, places or [None] * len(names))]
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
    """A guest that counts on its serial port, wherever it runs.

    ticking: what the guest that only counts (tests/guest) is told, or None for a Linux."""

    def __init__(self, host, name, *devices, ticking='', **options):
        super().__init__(host.book, name, *devices, ticking=ticking, **options)
        self.uuid = host.book.domains()[name]['uuid']

    def at(self, host):
        self.book = host.book
        return self

    def counts(self):
        return [int(number) for number in re.findall(r'^tick (\d+)$', self.said(), re.MULTILINE)]

    def goes_on(self):
        """It counts, and has left nothing out and counted nothing twice."""
        before = len(self.counts())
        wait_until(lambda: len(self.counts()) > before + 1, 'the guest counts', 60)
        counts = self.counts()
        equal(counts, list(range(counts[0], counts[0] + len(counts))), 'what it counted')


def image_of_two_names(book):
    """Folder and folder, in each of which "disk" is the same image."""
    here, there = (os.path.join(book.folder, name) for name in ('here', 'there'))
    for folder in (here, there):
        os.mkdir(folder)
    image = os.path.join(here, 'disk')
    with open(image, 'wb') as stream:
        stream.truncate(1 << 20)
    os.link(image, os.path.join(there, 'disk'))
    return here, there


OF_QEMU = ('qemu.log', '.sock')  # how names end of what stays of one that was killed


def remains(host, guest):
    """What a host still has of a domain that is not its own."""
    return [path for path in host.left()
            if guest.uuid in path and not path.endswith(OF_QEMU)]


class Obedient(Traveller):
    """A Linux that can be told commands, wherever it runs."""

    def __init__(self, host, name, *devices):
        # pylint: disable=super-init-not-called
        self.book, self.name, self.position = host.book, name, 0
        self.serial = os.path.join(host.book.folder, f'serial-{name}')
        port = (f"<serial type='unix'><source mode='bind'/><log file='{self.serial}' append='on'/>"
                "<target port='0'/></serial>")
        host.book.define(domain(name, port, *devices, boot=True, memory=256))
        self.uuid = host.book.domains()[name]['uuid']

    def tell(self, words):
        """A command for its shell, which must succeed."""
        path = re.search(r"<source mode='bind' path='([^']+)'/>", self.dumpxml('--live'))[1]
        with socket.socket(socket.AF_UNIX) as port:
            port.connect(path)
            port.sendall(f'sh {words}\n'.encode())
            self.wait_for('^sh 0$', 60)

    def start(self):
        super().start()
        self.wait_for('^tick 1$')
        return self



def one_owner(hosts_, guest, where):
    """The domain is one host's, runs there once, and nothing is left of it elsewhere."""
    for host in hosts_:
        equal(host.has(guest.name), host is where, host.name, host.book.run('list', '--all'))
        equal(host.alive(guest.uuid), host is where and host.runs(guest.name),
              f'a QEMU on {host.name}')
        equal(host.book.json('jobs'), [], host.name)
        host.book.ok('verify')
        if host is not where:
            wait_until(lambda here=host: not remains(here, guest),
                       lambda here=host: f'{here.name} forgets {remains(here, guest)}', 60)
    check(where.has(guest.name), 'it is nowhere')


def age(host, seconds):
    """As if what is offered there had been so some time ago."""
    then = time.time() - seconds
    for path in host.left():
        if path.endswith(('offer.json', '.idx', '/small')):
            os.utime(path, (then, then))


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


def stopped(process):
    """Is it held at a step (DOMESDAY_HOLD_AT)?"""
    check(process.poll() is None, 'it has ended:', process.poll())
    with open(f'/proc/{process.pid}/stat', encoding='ascii') as stream:
        return stream.read().rsplit(') ', 1)[1][0] == 'T'


class Link:
    """What lies between a host and the door of another: it can be cut, and can fall silent."""

    def __init__(self, port, address='127.0.0.1'):
        self.target, self.streams, self.carried = port, [], []
        self.silent = threading.Event()
        self.cut = None  # (which connection, which way, after how many bytes)
        self.server = socket.create_server((address, 0))
        self.port = self.server.getsockname()[1]
        self.door = threading.Thread(target=self.accept, daemon=True)
        self.door.start()

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

    def wait_for(self, length, process):
        """Waits until so much has gone there on one connection, whichever that is."""
        wait_until(lambda: any(there > length for there, _ in list(self.carried)),
                   lambda: f'it is under way: {process.poll()}, {self.carried}')

    def break_all(self):
        """The connections that there are, but none that comes after."""
        for pair in self.streams:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self):
        # a socket that somebody waits on lives on when it is closed
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.door.join()
        self.server.close()
        self.break_all()
        for pair in self.streams:
            for end in pair:
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


def killed_at(both, point, side, *words):
    """The command moves something, and at that point itself dies (source), or the daemon there."""
    alpha, beta = both
    env = {'DOMESDAY_CRASH_AT': point}
    if side == 'destination':
        beta.stop()
        beta.listen(env=env)
    result = alpha.book.run(*words, env=env if side == 'source' else {})
    # whose connection has ended may need a moment to be dead
    ended = result.rc if side == 'source' else beta.daemon.wait()
    equal(ended, -9, f'nobody died at {point}: {result} {beta.daemon.log()}')
