#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Where a guest's screen is after it has moved."""

import re

from client import Client
from harness import check, contains, equal, main, test
from migration import Traveller, hosts
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
        contains(beta.book.ok('migrate', 'vm1', 'alpha').err,
                 f'its VNC screen is at 127.0.0.1:{place_at(alpha)} now')


@test()
def screen__is_told_before_the_guest_comes(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', AUTO.format('0.0.0.0')).start()
        guest.wait_for('^tick 1$')
        with Client(alpha, beta) as client:
            client.go('prepare')
            contains(client.cookies['prepare'], '"screen"', '"0.0.0.0"')
            before = client.cookies['prepare']
            for call in ('perform', 'finish', 'confirm'):
                before = client.call(call, before)
        guest.at(beta).goes_on()
        contains(client.cookies['prepare'], f'"{place_at(beta)}"')


@test()
def screen__is_not_told_where_there_is_none(book):
    with hosts(book) as (alpha, _):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        equal(alpha.book.json('migrate', 'vm1', 'beta')['screen'], '')


if __name__ == '__main__':
    main()
