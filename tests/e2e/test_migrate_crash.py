#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever dies in the middle of a migration: afterwards one host has the domain, and runs it."""

from definition import domain
from harness import check, equal, main, test, wait_until
from migration import Traveller, hosts, link, notes, one_owner, settled

# Steps at which the process that moves the domain, on the source, is killed, and who has the domain
# in the end.
SOURCE = {
    'outgoing:begun': 'alpha', 'outgoing:offered': 'alpha', 'outgoing:stopped': 'alpha',
    'outgoing:switched': 'alpha', 'outgoing:sent': 'alpha', 'outgoing:gone': 'beta',
    'outgoing:given': 'beta',
}
# The same of the destination's daemon.
DESTINATION = {
    'incoming:journal': 'alpha', 'incoming:spawned': 'alpha', 'incoming:prepared': 'alpha',
    'incoming:arrived': 'alpha', 'commit:before': 'alpha', 'commit:after': 'beta',
    'incoming:committed': 'beta', 'incoming:ran': 'beta',
}
LIVE_ONLY = {'outgoing:stopped', 'outgoing:sent', 'incoming:journal', 'incoming:spawned',
             'incoming:ran'}


def restart(host):
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


def crash(book, live, point, side, where):
    with hosts(book) as both:
        alpha, beta = both
        if live:
            guest = Traveller(alpha, 'vm1').start()
            guest.wait_for('^tick 2$')
        else:
            guest = Traveller(alpha, 'vm1')
        env = {'DOMESDAY_CRASH_AT': point}
        if side == 'destination':
            beta.stop()
            beta.listen(env=env)
        result = alpha.book.run('migrate', 'vm1', 'beta', env=env if side == 'source' else {})
        killed = result.rc == -9 if side == 'source' else beta.daemon.process.poll() is not None
        check(killed, f'nobody died at {point}', result, beta.daemon.log())
        if side == 'destination':
            beta.daemon.wait()
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


def cells(live):
    for side, points in (('source', SOURCE), ('destination', DESTINATION)):
        for point, where in points.items():
            if live or point not in LIVE_ONLY:
                yield point, side, where


@test(*cells(False))
def offline__whatever_dies(book, cell):
    crash(book, False, *cell)


@test(*cells(True))
def live__whatever_dies(book, cell):
    crash(book, True, *cell)


# ---- the connection ----

STEPS = 8  # places in each way of a connection at which it is cut


def carried(book):
    """How many bytes go each way over the connection that drives an offline migration."""
    with hosts(book) as (alpha, beta), link(alpha, beta) as between:
        alpha.book.define(domain('rehearsal'))
        alpha.book.ok('migrate', 'rehearsal', 'beta')
        return between.carried[0]


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


@test(*[(f'{way}_{step}', way, step) for way in (0, 1) for step in range(STEPS)])
def offline__the_connection_is_cut(book, case):
    cut(book, False, case[1], case[2] / STEPS)


@test(*[(f'{way}_{step}', way, step) for way in (0, 1) for step in range(1, STEPS, 2)])
def live__the_connection_is_cut(book, case):
    cut(book, True, case[1], case[2] / STEPS)


@test()
def live__the_stream_is_cut(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1').start()
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
def live__the_link_is_silent_for_a_while(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 2$')
        with link(alpha, beta) as between:
            process = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '8')
            wait_until(lambda: len(between.carried) > 1 and between.carried[1][0] > 1_000_000,
                       'it is under way')
            between.silent.set()
            before = len(guest.counts())
            wait_until(lambda: len(guest.counts()) > before + 5, 'six seconds')
            between.silent.clear()
            equal(process.wait(60), 0, process.stderr.read())
        guest.at(beta).goes_on()
        one_owner(both, guest, beta)


if __name__ == '__main__':
    main()
