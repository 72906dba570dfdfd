#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A domain moves from host to host, with its guest and all of its history."""

from definition import domain
from harness import contains, equal, main, test
from migration import Traveller, hosts, one_owner


@test()
def offline__goes_there_with_its_history_and_comes_back(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        alpha.book.ok('desc', 'vm1', 'one')
        before = alpha.book.dumpxml('vm1')
        moved = alpha.book.json('migrate', 'vm1', 'beta')
        equal((moved['version'], moved['live']), (3, False))
        equal(alpha.has('vm1'), False)
        equal(beta.book.dumpxml('vm1'), before)
        contains(beta.book.ok('log', 'vm1').out, 'define vm1', 'set description', 'from alpha')
        beta.book.ok('desc', 'vm1', 'two')
        beta.book.ok('migrate', 'vm1', 'alpha')
        equal(alpha.book.json('dominfo', 'vm1')['version'], 5)
        equal(beta.has('vm1'), False)
        for host in (alpha, beta):
            host.book.ok('verify')
            equal(host.book.json('jobs'), [])


@test()
def live__the_guest_counts_on(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 2$')
        alpha.book.ok('migrate', 'vm1', 'beta')
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        beta.book.ok('migrate', 'vm1', 'alpha')
        guest.at(alpha).goes_on()
        one_owner((alpha, beta), guest, alpha)


if __name__ == '__main__':
    main()
