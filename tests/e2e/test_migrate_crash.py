#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""Whatever dies in the middle of a migration: afterwards one host has the domain, and runs it."""

import contextlib
import os
import signal

from definition import domain
from harness import check, contains, equal, main, qemu_of, test, wait_until
from migration import (
    Traveller, after, cell, hosts, killed_at, link, notes, one_owner, settled, stopped)

LONG = bool(os.environ.get('LONG'))  # every cell, and not only some of each kind

# Steps at which the process that moves the domain, on the source, is killed, and who has the domain
# in the end.
SOURCE = {
    'outgoing:begun': 'alpha', 'outgoing:offered': 'alpha', 'outgoing:stopped': 'alpha',
    'outgoing:going': 'alpha', 'outgoing:switched': 'alpha', 'outgoing:sent': 'alpha',
    'outgoing:gone': 'beta', 'outgoing:given': 'beta',
}
# The same of the destination's daemon.
DESTINATION = {
    'incoming:journal': 'alpha', 'incoming:spawned': 'alpha', 'incoming:prepared': 'alpha',
    'incoming:landed': 'alpha', 'incoming:arrived': 'alpha', 'commit:before': 'alpha',
    'commit:after': 'beta', 'incoming:committed': 'beta', 'incoming:ran': 'beta',
}
LIVE_ONLY = {'outgoing:stopped', 'outgoing:going', 'outgoing:sent', 'incoming:journal',
             'incoming:spawned', 'incoming:ran'}


@cell
def crash(book, live, point, side, where):
    with hosts(book) as both:
        alpha, beta = both
        if live:
            guest = Traveller(alpha, 'vm1').start()
            guest.wait_for('^tick 2$')
        else:
            guest = Traveller(alpha, 'vm1')
        killed_at(both, point, side, 'migrate', 'vm1', 'beta')
        owner = after(both, guest, where)
        if live:
            guest.at(owner).goes_on()
        else:
            owner.book.ok('desc', 'vm1', 'still here')
        # and it can go on from there
        other = alpha if owner is beta else beta
        owner.book.ok('migrate', 'vm1', other.name)
        if live:
            guest.at(other).goes_on()
        one_owner(both, guest, other)
        for host in both:
            wait_until(lambda here=host: not notes(here), f'{host.name} forgets', 30)


def cells(live, brief):
    for side, points in (('source', SOURCE), ('destination', DESTINATION)):
        for point, where in points.items():
            if (live or point not in LIVE_ONLY) and (LONG or point in brief):
                yield point, side, where


@test(*cells(False, {'outgoing:switched', 'outgoing:gone', 'commit:before', 'commit:after'}))
def offline__whatever_dies(book, cell):
    crash(book, False, *cell)


@test(*cells(True, {'outgoing:stopped', 'outgoing:going', 'outgoing:sent', 'outgoing:gone',
                    'incoming:prepared', 'incoming:landed', 'incoming:arrived',
                    'incoming:committed', 'incoming:ran'}))
def live__whatever_dies(book, cell):
    crash(book, True, *cell)


# ---- a QEMU ----

# Steps at which a QEMU is killed, and what has become of the guest then: where the domain is, and
# whether its guest runs.
QEMU = {
    'source': {
        'outgoing:begun': ('alpha', False), 'outgoing:offered': ('alpha', False),
        'incoming:prepared': ('alpha', False), 'outgoing:stopped': ('alpha', False),
        'outgoing:going': ('alpha', False),
        'outgoing:switched': ('alpha', False), 'outgoing:sent': ('beta', True),
        'incoming:arrived': ('beta', True), 'incoming:committed': ('beta', True),
        'incoming:ran': ('beta', True),
    },
    'destination': {
        'incoming:spawned': ('alpha', True), 'incoming:prepared': ('alpha', True),
        'outgoing:stopped': ('alpha', True), 'outgoing:going': ('alpha', True),
        'outgoing:switched': ('alpha', True),
        'outgoing:sent': ('alpha', True), 'incoming:arrived': ('alpha', True),
        'incoming:committed': ('alpha', True),
        'incoming:ran': ('beta', False),
    },
}
BRIEF = {'source-outgoing:switched', 'source-incoming:arrived', 'destination-outgoing:stopped',
         'destination-incoming:arrived', 'destination-incoming:committed',
         'destination-incoming:ran'}


def qemu_cells():
    for side, points in QEMU.items():
        for point, (where, runs) in points.items():
            if LONG or f'{side}-{point}' in BRIEF:
                yield f'{side}-{point}', side, point, where, runs


@test(*[f'{mode} outgoing:{step}' for mode, steps in (
    ('offline', ('begun', 'offered')), ('live', ('begun', 'offered', 'stopped')))
        for step in steps], 'local local:begun', 'local local:stopped')
def migrate__is_called_off_before_anybody_looks(book, case):
    """Whoever calls off what is still only the source's is heard, however fast it goes."""
    mode, point = case.split()
    with hosts(book) as both:
        alpha, _ = both
        guest = Traveller(alpha, 'vm1')
        if mode != 'offline':
            guest.start().wait_for('^tick 1$')
        process = alpha.book.popen('migrate', 'vm1', '--local' if mode == 'local' else 'beta',
                                   env={'DOMESDAY_HOLD_AT': point})
        wait_until(lambda: stopped(process), f'it is at {point}', 30)
        calling = alpha.book.popen('job-abort', 'vm1')
        flag = os.path.join(alpha.book.path, 'run', guest.uuid, 'abort')
        wait_until(lambda: os.path.exists(flag), 'it is called off')
        process.send_signal(signal.SIGCONT)
        contains(process.communicate(timeout=60)[1], 'called off')
        equal(calling.wait(60), 0, calling.communicate())
        calling.communicate()
        wait_until(lambda: settled(both), 'all is settled', 30)
        one_owner(both, guest, alpha)
        if mode != 'offline':
            guest.goes_on()


@test(*qemu_cells())
@cell
def live__a_qemu_dies(book, cell):
    _, side, point, where, runs = cell
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 2$')
        env = {'DOMESDAY_HOLD_AT': point}
        held = beta
        if not point.startswith('outgoing'):
            beta.stop()
            beta.listen(env=env)
        # the words around it (unshare, sh) have become the command itself by then
        process = alpha.book.popen('migrate', 'vm1', 'beta', env=env)
        held = process if point.startswith('outgoing') else beta.daemon.process
        wait_until(lambda: stopped(held), f'it is at {point}', 30)
        host = alpha if side == 'source' else beta
        pid = qemu_of(os.path.join(host.book.path, 'run', guest.uuid, 'qemu.lock'))
        check(pid, f'no QEMU on {host.name}')
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not host.alive(guest.uuid), 'its QEMU is gone', 20)
        held.send_signal(signal.SIGCONT)
        process.communicate(timeout=90)
        owner = after(both, guest, where)
        equal(owner.runs('vm1'), runs, 'whether it runs', owner.book.run('list', '--all'))
        if runs:
            guest.at(owner).goes_on()
        else:
            guest.at(owner).start()


# ---- the connection ----

STEPS = 8  # places in each way of a connection at which it is cut
BRIEF_STEPS = {(0, 2), (0, 7), (1, 3), (1, 7)}


def carried(book):
    """How many bytes go each way over the connection that drives an offline migration."""
    with hosts(book) as (alpha, beta), link(alpha, beta) as between:
        alpha.book.define(domain('rehearsal'))
        alpha.book.ok('migrate', 'rehearsal', 'beta')
        return between.carried[0]


@cell
def cut(book, live, way, share):
    bytes_each_way = carried(book.another('rehearsal'))
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1')
        if live:
            guest.start().wait_for('^tick 2$')
        with link(alpha, beta) as between:
            between.cut = (0, way, int(bytes_each_way[way] * share))
            result = alpha.book.run('migrate', 'vm1', 'beta')
            check(between.cut is None, 'nothing was cut', result, between.carried)
            wait_until(lambda: settled(both), 'all is settled', 60)
        owner = alpha if alpha.has('vm1') else beta
        equal(result.rc == 0, owner is beta, 'what the command said', result)
        one_owner(both, guest, owner)
        if live:
            guest.at(owner).goes_on()


def cuts():
    for way in (0, 1):
        for step in range(STEPS):
            if LONG or (way, step) in BRIEF_STEPS:
                yield f'{way}_{step}', way, step


@test(*cuts())
def offline__the_connection_is_cut(book, case):
    cut(book, False, case[1], case[2] / STEPS)


@test(*cuts())
def live__the_connection_is_cut(book, case):
    cut(book, True, case[1], case[2] / STEPS)


@test()
@cell
def live__the_stream_is_cut(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 2$')
        with link(alpha, beta) as between:
            between.cut = (1, 0, 20_000_000)
            alpha.book.refuse('migrate', 'vm1', 'beta', says=['did not reach the host'])
        guest.goes_on()
        wait_until(lambda: settled(both), 'all is settled', 60)
        one_owner(both, guest, alpha)
        alpha.knows(beta)
        alpha.book.ok('migrate', 'vm1', 'beta')
        guest.at(beta).goes_on()


@test()
@cell
def live__the_link_is_silent_for_a_while(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 2$')
        with link(alpha, beta) as between:
            process = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '8')
            between.wait_for(1_000_000, process)
            between.silent.set()
            before = len(guest.counts())
            wait_until(lambda: len(guest.counts()) > before + 11, 'six seconds')
            between.silent.clear()
            equal(process.wait(60), 0, process.stderr.read())
        guest.at(beta).goes_on()
        one_owner(both, guest, beta)


if __name__ == '__main__':
    main()
