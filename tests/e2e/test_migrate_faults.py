#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 3600
"""What is wrong with a machine or the line between two, in the middle of a migration.

A disk that is full, a host that is of another version, a key that is another one, a line that is
down for a while or for good, a machine that loses its power. Afterwards, when that is over, one
host has the domain, its guest runs there once and has counted on by one, or is off where the
machine died that it was on, and nothing is left anywhere.
"""

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from client import CALLS, Client, Refused
from definition import disk, domain
from harness import Skip, check, contains, equal, main, test, wait_until
from migration import (
    Traveller, after, age, cell, hosts, one_owner, settled, stopped, two_places)

LONG = bool(os.environ.get('LONG'))  # every cell, and not only some of each kind
MIB = 1 << 20
MODES = ('offline', 'live', 'disks', 'idle')
OFF = ('offline', 'idle')  # it does not run; idle: its disk is copied nevertheless
WITH_DISKS = ('disks', 'idle')
DRIVERS = ('p2p', 'client')


def cells(brief, *choices):
    """Every combination of choices, or those that are in brief, each with its name."""
    every = [()]
    for choice in choices:
        every = [(*one, word) for one in every for word in choice]
    return [('-'.join(one), *one) for one in every if LONG or '-'.join(one) in brief]


def cases(every):
    """A test of each; of none, where there is none in the short form."""
    return test(*every) if every else lambda function: function


class Journey:
    """A domain on its way from alpha to beta, in one of the modes, by one of the drivers."""

    def __init__(self, book, both, mode, driver='p2p', around=()):
        self.both, self.mode, self.driver, self.around = both, mode, driver, around
        self.alpha, self.beta = both
        self.here, self.there = (os.path.join(book.folder, name) for name in ('images', 'images-b'))
        self.image = os.path.join(self.here, 'disk.img')
        self.said = ''  # by the command that was held
        devices = ()
        if mode in WITH_DISKS:
            for folder in (self.here, self.there):
                os.makedirs(folder, exist_ok=True)
            with open(self.image, 'wb') as stream:
                stream.truncate(16 * MIB)
                stream.write(b'\x5a' * (8 * MIB))
            devices = (disk(self.image, 'vda'),)
        self.guest = Traveller(self.alpha, 'vm1', *devices, ticking='fill=32')
        if mode not in OFF:
            self.guest.start().wait_for('^tick 2$')

    def words(self, *more):
        disks = ('--map', f'path:{self.here}/={self.there}/', '--copy-storage')
        return ('migrate', 'vm1', 'beta', *(disks if self.mode in WITH_DISKS else ()), *more)

    # ---- on the way ----

    def go(self, *more):
        """All of it, by its driver: did it go well, and what was said?"""
        if self.driver == 'p2p':
            result = self.alpha.book.run(*self.words(*more), timeout=150)
            return result.rc == 0, result.err
        with Client(*self.both, around=self.around) as client:
            try:
                client.go('confirm', *self.wishes())
            except Refused as error:
                with contextlib.suppress(Refused):
                    client.call('cancel', 'source')
                return False, str(error)
        return True, ''

    def wishes(self):
        disks = (f'map=path:{self.here}/={self.there}/', 'copy=yes')
        return disks if self.mode in WITH_DISKS else ()

    @contextlib.contextmanager
    def held(self, point, *more):
        """It stands still at a step of the source; then it goes on, and comes to an end."""
        env = {'DOMESDAY_HOLD_AT': point}
        process = self.alpha.book.popen(*self.words(*more), env=env)
        try:
            wait_until(lambda: stopped(process), f'it is at {point}', 60)
            yield process
            process.send_signal(signal.SIGCONT)
            _, self.said = process.communicate(timeout=150)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()

    @contextlib.contextmanager
    def copying(self):
        """Its memory, or its disk, is on the way, slowly."""
        rate = '2' if self.mode == 'idle' else '4'
        process = self.alpha.book.popen(*self.words('--bandwidth', rate))
        try:
            wait_until(lambda: self.beta.alive(self.guest.uuid), 'it is under way', 30)
            time.sleep(1)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    # ---- in the end ----

    def is_at(self, name, runs=True):
        """It is there alone, where both are as if new; and it can go on from there."""
        if self.driver == 'client':
            age(self.beta, 660)  # it is gone, and an offer waits for it so long
        owner = after(self.both, self.guest, name)
        self.goes_on(owner, runs)
        self.images_are(owner)
        return owner

    def goes_on(self, owner, runs=True):
        self.guest.at(owner)
        if self.mode in OFF:
            owner.book.ok('desc', 'vm1', 'still here')
            owner.book.ok('start', 'vm1')
            owner.book.ok('destroy', 'vm1')
            return
        equal(owner.runs('vm1'), runs, owner.book.run('list', '--all'))
        if runs:
            self.guest.goes_on()
        else:
            self.guest.start()

    def images_are(self, owner):
        if self.mode in WITH_DISKS and owner is self.alpha:
            equal(os.listdir(self.there), [])


# ---- a disk that is full ----


class Small:
    """A file system of its own at a path, which can be filled."""

    def __init__(self, path, size):
        self.path, self.filler = path, os.path.join(path, 'filler')
        os.makedirs(path)
        options = f'size={size},mode=700'
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'none', path],
                          capture_output=True, check=False).returncode:
            raise Skip('this machine mounts nothing for us')

    def fill(self):
        with open(self.filler, 'ab', buffering=0) as stream:
            for size in (MIB, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        stream.write(bytes(size))

    def free(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.filler)


@contextlib.contextmanager
def small(book, name, size):
    place = Small(os.path.join(book.folder, name), size)
    try:
        yield place
        place.free()
    finally:
        book.end_guests()
        subprocess.run(['umount', '-l', place.path], check=False, capture_output=True)
        shutil.rmtree(place.path, ignore_errors=True)


FULL = {'offer': 'outgoing:begun', 'prepare': 'outgoing:offered', 'finish': 'outgoing:switched'}


@cases(cells({'live-finish'}, MODES, FULL))
@cell
def full__the_book_s_disk_at_the_destination(book, case):
    _, mode, moment = case
    with small(book, 'beta', '24m') as place, hosts(book) as both:
        journey = Journey(book, both, mode)
        with journey.held(FULL[moment]) as process:
            place.fill()
        check(process.returncode > 0, 'it went well')
        if mode not in OFF and settled(both):
            journey.guest.goes_on()
        place.free()
        journey.is_at('alpha')
        ok, said = journey.go()
        check(ok, said)
        journey.is_at('beta')


@cases(cells({'live'}, MODES))
@cell
def full__the_book_s_disk_at_the_source(book, case):
    """It cannot record that it has given the domain away: it says who has it, and does it later."""
    _, mode = case
    with small(book, 'alpha', '24m') as place, hosts(book) as both:
        journey = Journey(book, both, mode)
        with journey.held(FULL['finish']) as process:
            place.fill()
        check(process.returncode > 0, 'it went well')
        contains(journey.said, "the host 'beta' has 'vm1' now", 'no space left')
        place.free()
        journey.is_at('beta')


@cases(cells((), MODES, CALLS[:4]))
@cell
def full__the_book_s_disk_while_a_client_drives(book, case):
    """It is full from the moment on at which the client has done so much."""
    _, mode, last = case
    with small(book, 'beta', '24m') as place, hosts(book) as both:
        journey = Journey(book, both, mode, 'client')
        with Client(*both) as client:
            client.go(last, *journey.wishes())
            place.fill()
            following = CALLS[CALLS.index(last) + 1]
            failed = ''
            try:
                client.call(following, client.cookies[last])
            except Refused as error:
                failed = str(error)
            if last != 'finish':
                check(failed or last == 'prepare', 'it was done')
                with contextlib.suppress(Refused):
                    client.call('cancel', 'source')
        place.free()
        journey.is_at('beta' if last == 'finish' else 'alpha')


@cases(['raw'] if LONG else [])
@cell
def full__where_the_image_goes(book, _case):
    with small(book, 'images-b', '3m') as place, hosts(book) as both:
        journey = Journey(book, both, 'disks')
        ok, said = journey.go()
        check(not ok, 'it went well')
        contains(said, 'No space left on device')
        journey.guest.goes_on()
        journey.is_at('alpha')
        subprocess.run(['mount', '-o', 'remount,size=64m', place.path], check=True)
        ok, said = journey.go()
        check(ok, said)
        journey.is_at('beta')


# ---- another version ----


@contextlib.contextmanager
def newer(host):
    """Its book was made by a later release."""
    def version(change):
        with contextlib.closing(sqlite3.connect(f'{host.book.path}/book.db')) as db:
            now = db.execute('PRAGMA user_version').fetchone()[0]
            db.execute(f'PRAGMA user_version={now + change}')
    version(1)
    yield
    version(-1)


@cases(cells({'destination-offline'}, ('source', 'destination'), MODES))
@cell
def version__of_a_book_that_is_newer(book, case):
    _, side, mode = case
    with hosts(book) as both:
        alpha, beta = both
        journey = Journey(book, both, mode)
        with newer(alpha if side == 'source' else beta):
            result = alpha.book.run(*journey.words())
            check(result.rc > 0, result)
            contains(result.err, 'newer' if side == 'source' else 'beta')
            if side == 'destination':
                beta.daemon.wait_for('newer')
        if mode not in OFF:
            journey.guest.goes_on()
        equal(beta.left(), [])
        journey.is_at('alpha')
        ok, said = journey.go()
        check(ok, said)
        journey.is_at('beta')


KNOCK_SIZE = 16


def answer_all(server, version):
    """Says to whoever calls that it speaks that version, and no more."""
    with contextlib.ExitStack() as open_ones, contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            open_ones.enter_context(connection)
            knock = connection.recv(100)[:KNOCK_SIZE]
            connection.sendall(knock[:-1] + bytes([version]))


@cases(cells({'2'}, ('0', '2')))
@cell
def version__of_the_protocol(book, case):
    """Something answers in beta's place that speaks an older, or a newer one."""
    with hosts(book) as both, socket.create_server(('127.0.0.1', 0)) as server:
        alpha, beta = both
        journey = Journey(book, both, 'live')
        port = server.getsockname()[1]
        alpha.book.ok('peer', 'add', 'beta', f'127.0.0.1:{port}', beta.key)
        threading.Thread(target=answer_all, args=(server, int(case[1])), daemon=True).start()
        err = alpha.book.refuse(*journey.words(), code='unsupported').err
        contains(err, f'version {case[1]} of the peer protocol')
        alpha.knows(beta)
        journey.guest.goes_on()
        equal(beta.left(), [])
        journey.is_at('alpha')


# ---- another key ----

KEY = {'begun': ('outgoing:begun', 'alpha'), 'offered': ('outgoing:offered', 'alpha'),
       'switched': ('outgoing:switched', 'alpha'), 'sent': ('outgoing:sent', 'alpha')}


@cases(cells({'offline-rotated'}, MODES, ('rotated', 'revoked')))
@cell
def key__is_another_one_from_the_start(book, case):
    _, mode, how = case
    with hosts(book) as both:
        alpha, beta = both
        journey = Journey(book, both, mode)
        if how == 'rotated':
            beta.book.ok('key', 'rotate')
        else:
            beta.book.ok('peer', 'revoke', 'alpha')
        alpha.book.refuse(*journey.words(), code='refused', says='beta')
        equal(beta.left(), [])
        beta.key = beta.book.json('identity')['key']
        alpha.knows(beta)
        beta.knows(alpha)
        journey.is_at('alpha')


@cases(cells((), MODES, KEY))
@cell
def key__is_revoked_in_the_middle(book, case):
    """Nobody decides then who has it but beta, and as soon as both know each other again."""
    _, mode, moment = case
    point, where = KEY[moment]
    if mode in OFF and moment == 'sent':
        point = KEY['switched'][0]
    with hosts(book) as both:
        alpha, beta = both
        journey = Journey(book, both, mode)
        with journey.held(point) as process:
            beta.book.ok('peer', 'revoke', 'alpha')
        check(process.returncode > 0, 'it went well')
        equal(beta.has('vm1'), False)
        beta.knows(alpha)
        journey.is_at(where)


# ---- the line ----

# Steps of the source, and of the destination's daemon, at which the line goes down, and who has the
# domain once it is there again.
LINE = {
    'outgoing:begun': {'6s': 'beta', 'good': 'alpha'},
    'outgoing:offered': {'6s': 'beta', 'good': 'alpha'},
    'copying': {'6s': 'beta', 'good': 'alpha'},
    'outgoing:switched': {'6s': 'beta', 'good': 'alpha'},
    'outgoing:sent': {'6s': 'beta', 'good': 'alpha'},
    'incoming:prepared': {'6s': 'beta', 'good': 'alpha'},
    'incoming:arrived': {'6s': 'beta', 'good': 'beta'},
    'incoming:committed': {'6s': 'beta', 'good': 'beta'},
}
# what there is no such moment of
WITHOUT = {'offline': {'copying', 'outgoing:sent', 'incoming:ran'},
           'idle': {'outgoing:sent', 'incoming:ran'}}
DOWN_S = 6


def line_cells(brief):
    return [one for one in cells(brief, MODES, LINE) if one[2] not in WITHOUT.get(one[1], ())]


@contextlib.contextmanager
def at_the_point(journey, point):
    """The migration has come to it; whoever is there goes on afterwards."""
    if point == 'copying':
        with journey.copying() as process:
            yield process, lambda: None
    elif point.startswith('outgoing'):
        process = journey.alpha.book.popen(*journey.words(), env={'DOMESDAY_HOLD_AT': point})
        yield from held_at(process, process, point)
    else:
        journey.beta.stop()
        journey.beta.listen(env={'DOMESDAY_HOLD_AT': point})
        process = journey.alpha.book.popen(*journey.words())
        yield from held_at(process, journey.beta.daemon.process, point)


def held_at(process, held, point):
    try:
        wait_until(lambda: stopped(held), f'it is at {point}', 60)
        yield process, lambda: held.send_signal(signal.SIGCONT)
    finally:
        held.send_signal(signal.SIGCONT)
        if process.poll() is None:
            process.kill()
        process.communicate()


@cases(line_cells({'live-outgoing:sent'}))
@cell
def line__is_down_for_six_seconds(book, case):
    _, mode, point = case
    with two_places() as places, hosts(book, places=places) as both:
        journey = Journey(book, both, mode)
        with at_the_point(journey, point) as (process, go_on):
            places[1].link('down')
            go_on()
            time.sleep(DOWN_S)
            places[1].link('up')
            out, err = process.communicate(timeout=150)
        wait_until(lambda: settled(both), 'all is settled', 90)
        owner = 'beta' if both[1].has('vm1') else 'alpha'
        equal(process.returncode == 0, owner == 'beta', out, err)
        if point not in ('outgoing:begun', 'outgoing:offered', 'incoming:prepared'):
            equal(owner, LINE[point]['6s'], out, err)
        journey.goes_on(one_of(both, owner))
        journey.is_at(owner)


def one_of(both, name):
    return next(host for host in both if host.name == name)


@cases(line_cells(()))
@cell
def line__is_down_for_good(book, case):
    """Who may gives up; who may not waits, until somebody says what has become of the other."""
    _, mode, point = case
    with two_places() as places, hosts(book, places=places) as both:
        alpha, beta = both
        journey = Journey(book, both, mode)
        with at_the_point(journey, point) as (process, go_on):
            places[1].link('down')
            go_on()
            process.wait(200)
        check(process.returncode > 0, 'it went well')
        where = LINE[point]['good']
        if where == 'beta':
            wait_until(lambda: beta.has('vm1'), 'beta has decided', 60)
            journey.goes_on(beta)
        else:
            # what only waits there is given up, though alpha is not heard of
            wait_until(lambda: not beta.alive(journey.guest.uuid), 'no QEMU waits there', 90)
            wait_until(lambda: not beta.book.json('jobs'), 'nothing is under way there', 60)
        waits = bool(alpha.book.json('jobs'))
        if waits:
            alpha.book.refuse('desc', 'vm1', 'x', code='busy', says=['beta', '--resolve'])
            alpha.book.ok('migrate', '--resolve', 'here' if where == 'alpha' else 'there', 'vm1',
                          '--reason', 'the line is gone for good')
        if where == 'alpha':
            journey.goes_on(alpha)
        equal(alpha.has('vm1'), where == 'alpha')
        places[1].link('up')
        if where == 'alpha' or not waits:
            journey.is_at(where)


# ---- the power ----

# Steps at which a machine dies, with all that runs on it: who has the domain then, and whether its
# guest still runs.
POWER = {
    'source': {
        'copying': ('alpha', False), 'outgoing:offered': ('alpha', False),
        'outgoing:switched': ('alpha', False), 'outgoing:sent': ('alpha', False),
        'incoming:arrived': ('beta', True), 'incoming:committed': ('beta', True),
    },
    'destination': {
        'copying': ('alpha', True), 'outgoing:offered': ('alpha', True),
        'incoming:prepared': ('alpha', True), 'outgoing:switched': ('alpha', True),
        'outgoing:sent': ('alpha', True), 'incoming:arrived': ('alpha', True),
        'incoming:committed': ('alpha', True), 'incoming:ran': ('beta', False),
    },
}


def power_cells():
    for side, points in POWER.items():
        brief = {'live-incoming:committed', 'idle-copying'} if side == 'destination' else ()
        for one in cells(brief, MODES, points):
            if one[2] not in WITHOUT.get(one[1], ()):
                yield f'{side}-{one[0]}', side, one[1], one[2]


@cases(list(power_cells()))
@cell
def power__is_lost(book, case):
    _, side, mode, point = case
    where, runs = POWER[side][point]
    if mode in OFF and side == 'destination' and point == 'incoming:committed':
        where = 'beta'  # there was no guest that could have been lost
    with hosts(book) as both:
        alpha, beta = both
        journey = Journey(book, both, mode)
        with at_the_point(journey, point) as (process, go_on):
            if side == 'source':
                process.kill()
                alpha.lose_power()
            else:
                beta.lose_power()
            if not (side == 'destination' and point.startswith('incoming')):
                go_on()
            process.communicate(timeout=150)
        journey.is_at(where, runs)


@cases(cells((), POWER, MODES, CALLS[:4]))
@cell
def power__is_lost_while_a_client_drives(book, case):
    _, side, mode, last = case
    with hosts(book) as both:
        alpha, beta = both
        journey = Journey(book, both, mode, 'client')
        with Client(*both) as client:
            client.go(last, *journey.wishes())
            # the client is on the machine that dies
            client.kill()
            (alpha if side == 'source' else beta).lose_power()
        if last == 'finish':
            journey.is_at('beta', side == 'source')
        else:
            journey.is_at('alpha', side == 'destination')


if __name__ == '__main__':
    main()
