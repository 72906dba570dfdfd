#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Where a guest's screen is after it has moved, and who looks at it then."""

import re
import socket

from client import Client
from harness import Skip, check, contains, equal, free_port, main, test, wait_until
from migration import Traveller, hosts
from spice import Viewer, available
from vnc import lets_in

AUTO = "<graphics type='vnc' port='-1' autoport='yes' listen='{}' passwd='geheim1'/>"


def is_shown_at(place):
    """Somebody who has the password is let in there."""
    address, port = place.rsplit(':', 1)
    check(lets_in((address, int(port)), 'geheim1'), f'{place} lets nobody in')


def place_at(host):
    return re.search(r"<graphics[^>]*port='(\d+)'", host.book.dumpxml('vm1', '--live'))[1]


@test('0.0.0.0', '127.0.0.1')
def screen__is_told_where_it_is(book, listen):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', AUTO.format(listen)).start()
        guest.wait_for('^tick 1$')
        before = place_at(alpha)
        moved = alpha.book.json('migrate', 'vm1', 'beta')
        equal(moved['screen'], f'127.0.0.1:{place_at(beta)}')
        check(place_at(beta) != before, 'one port for two')
        is_shown_at(moved['screen'])
        equal(moved['screen_type'], 'vnc')
        contains(beta.book.ok('migrate', 'vm1', 'alpha').err,
                 f'its screen is at vnc://127.0.0.1:{place_at(alpha)} now')


@test()
def screen__is_told_before_the_guest_comes(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', AUTO.format('0.0.0.0')).start()
        guest.wait_for('^tick 1$')
        with Client(alpha, beta) as client:
            client.go('prepare')
            contains(client.cookies['prepare'], '"screens"', '"0.0.0.0"')
            before = client.cookies['prepare']
            for call in ('perform', 'finish', 'confirm'):
                before = client.call(call, before)
        guest.at(beta).goes_on()
        contains(client.cookies['prepare'], f'"{place_at(beta)}"')


@test()
def screen__that_cannot_be_there_is_refused_by_the_dry_run_too(book):
    with hosts(book) as (alpha, beta), socket.create_server(('127.0.0.1', 0)) as taken:
        guest = Traveller(alpha, 'vm1', AUTO.format('127.0.0.1')).start()
        guest.wait_for('^tick 1$')
        plain, port = alpha.book.dumpxml('vm1'), taken.getsockname()[1]
        for other, says in (
                (plain.replace("port='-1' autoport='yes'", f"port='{port}' autoport='no'"),
                 f'port {port} at 127.0.0.1'),
                (plain.replace("'127.0.0.1'", "'203.0.113.7'"), 'at 203.0.113.7')):
            for more in (('--dry-run',), ()):
                alpha.book.refuse('migrate', 'vm1', 'beta', '--xml', '-', *more, stdin=other,
                                  says=['beta: its screen: ', says, '--xml'])
        alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run')
        alpha.book.ok('migrate', 'vm1', 'beta')
        guest.at(beta).goes_on()


@test('serial', 'channel')
def port__that_is_not_free_there_is_told_by_the_dry_run_too(book, kind):
    # what is in use there: by somebody of whom no book knows
    with hosts(book) as (alpha, beta), socket.create_server(('127.0.0.1', 0)) as taken:
        port = free_port()
        listens = "<source mode='bind' host='127.0.0.1' service='{}'/><protocol type='raw'/>"
        target = {'serial': "<target port='1'/>",
                  'channel': "<target type='virtio' name='org.example.0'/>"}[kind]
        guest = Traveller(
            alpha, 'vm1', f"<{kind} type='tcp'>{listens.format(port)}{target}</{kind}>").start()
        guest.wait_for('^tick 1$')
        plain = alpha.book.dumpxml('vm1')
        words = ('migrate', 'vm1', 'beta', '--xml', '-')
        for place in (f"'127.0.0.1' service='{taken.getsockname()[1]}'",
                      f"'203.0.113.7' service='{port}'"):
            for more in (('--dry-run',), ()):
                alpha.book.refuse(
                    *words, *more, stdin=plain.replace(f"'127.0.0.1' service='{port}'", place),
                    says=[f'beta: its {kind}: port', '--xml'])
        # this machine is both hosts: the port is the source's still
        other = plain.replace(f"service='{port}'", f"service='{free_port()}'")
        alpha.book.ok(*words, '--dry-run', stdin=other)
        alpha.book.ok(*words, stdin=other)
        guest.at(beta).goes_on()


@test()
def screen__is_not_told_where_there_is_none(book):
    with hosts(book) as (alpha, _):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        moved = alpha.book.json('migrate', 'vm1', 'beta')
        equal((moved['screen'], moved['screen_type']), ('', ''))


# ---- SPICE ----


SPICE = "<graphics type='spice' autoport='yes' listen='{}' passwd='geheim1'/>"
QXL = "<video><model type='qxl'/></video>"
GONE_MS = 10000  # for which the source waits at most


def looks_at(host):
    """Somebody who looks at the guest's screen there."""
    viewer = Viewer('127.0.0.1', place_at(host), 'geheim1')
    check(viewer.hears('display opened'), viewer.said)
    return viewer


def looks_on(viewer, port):
    """He sees it there, and has never lost it."""
    check(viewer.hears(f'migration none 127.0.0.1 {port}'), viewer.said)
    check(not viewer.hears('main closed', 0.5), viewer.said)


def spicy(host, listen='0.0.0.0'):
    if not available():
        raise Skip('the SPICE client library is not installed')
    guest = Traveller(host, 'vm1', SPICE.format(listen), QXL).start()
    guest.wait_for('^tick 1$')
    return guest


@test('0.0.0.0', '127.0.0.1')
def spice__takes_its_viewers_along(book, listen):
    with hosts(book) as (alpha, beta):
        guest = spicy(alpha, listen)
        with looks_at(alpha) as viewer:
            moved = alpha.book.json('migrate', 'vm1', 'beta')
            equal((moved['screen'], moved['screen_type']),
                  (f'127.0.0.1:{place_at(beta)}', 'spice'))
            looks_on(viewer, place_at(beta))
            guest.at(beta).goes_on()
            contains(beta.book.ok('migrate', 'vm1', 'alpha').err,
                     f'its screen is at spice://127.0.0.1:{place_at(alpha)} now')
            looks_on(viewer, place_at(alpha))
        guest.at(alpha).goes_on()


@test()
def spice__takes_its_viewers_along_within_a_host(book):
    with hosts(book) as (alpha, _):
        guest = spicy(alpha, '127.0.0.1')
        before = place_at(alpha)
        with looks_at(alpha) as viewer:
            alpha.book.ok('migrate', '--local', 'vm1')
            check(place_at(alpha) != before, 'one port for two')
            looks_on(viewer, place_at(alpha))
        guest.goes_on()
        alpha.book.ok('migrate', '--local', 'vm1')
        guest.goes_on()


@test()
def spice__that_nobody_can_see_keeps_nobody_waiting(book):
    """QEMU would never say that they have gone."""
    with hosts(book) as (alpha, beta):
        guest = Traveller(
            alpha, 'vm1', "<graphics type='spice'><listen type='none'/></graphics>", QXL).start()
        guest.wait_for('^tick 1$')
        check(alpha.book.json('migrate', 'vm1', 'beta')['total_ms'] < GONE_MS, 'it waits')
        guest.at(beta).goes_on()


@test()
def spice__keeps_its_viewers_when_the_guest_stays(book):
    with hosts(book) as (alpha, beta):
        guest = spicy(alpha)
        with looks_at(alpha) as viewer:
            port = place_at(alpha)
            process = alpha.book.popen('migrate', '--bandwidth', '1', 'vm1', 'beta')
            wait_until(lambda: alpha.book.json('jobs'), 'it is under way')
            alpha.book.ok('job-abort', 'vm1')
            check(process.wait() != 0, 'it was not called off')
            process.stdout.close()
            check(not viewer.hears('main closed', 1), viewer.said)
            equal(place_at(alpha), port)
            alpha.book.ok('migrate', 'vm1', 'beta')
            looks_on(viewer, place_at(beta))
        guest.at(beta).goes_on()


if __name__ == '__main__':
    main()
