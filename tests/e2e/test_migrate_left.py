#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1200
"""What a migration that came to nothing leaves, who has to wait for it, and what a book still knows
of one when its database is lost."""

import glob
import os
import time

from client import Client
from definition import domain
from harness import EXIT, check, contains, equal, main, test, wait_until
from migration import Traveller, after, age, hosts, killed_at, notes, one_owner, settled, stopped

OFFERS_MAX = 16  # of one peer
QUICK_S = 15  # with sanitizers, and others on the machine; it was thirty and more


def offers(host):
    return [path for path in host.left() if 'offer.json' in path or '/parcels/' in path]


@test()
def offer__of_a_client_that_has_died_is_forgotten(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1')
        with Client(*both) as client:
            client.go('begin').kill()
        check(offers(beta), 'nothing was offered')
        wait_until(lambda: settled(both), 'alpha undoes it', 60)
        check(offers(beta), 'a client that comes back would not find it')
        age(beta, 660)
        beta.book.ok('desc', 'first-on-beta', 'something has changed')
        wait_until(lambda: not offers(beta), 'beta forgets it', 60)
        equal(glob.glob(os.path.join(beta.book.path, 'run', guest.uuid)), [])
        one_owner(both, guest, alpha)


@test()
def offer__goes_with_the_connection_that_brought_it(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1')
        result = alpha.book.run(
            'migrate', 'vm1', 'beta', env={'DOMESDAY_CRASH_AT': 'outgoing:offered'})
        equal(result.rc, -9)
        wait_until(lambda: not offers(beta), 'beta forgets it', 10)
        wait_until(lambda: settled(both), 'alpha undoes it', 60)
        one_owner(both, guest, alpha)


@test()
def offer__a_peer_has_so_many_at_a_time(book):
    with hosts(book) as both:
        alpha, beta = both
        for number in range(OFFERS_MAX + 1):
            alpha.book.define(domain(f'vm{number}'))
        with Client(*both) as client:
            for number in range(OFFERS_MAX):
                client.call('begin', f'vm{number}', 'beta')
            client.refuse('begin', f'vm{OFFERS_MAX}', 'beta', code='busy',
                          says=f'{OFFERS_MAX} offers')
            equal(len([path for path in offers(beta) if 'offer.json' in path]), OFFERS_MAX)
            age(beta, 660)
            beta.book.ok('desc', 'first-on-beta', 'something has changed')
            wait_until(lambda: not offers(beta), 'beta forgets them', 60)
            client.call('begin', f'vm{OFFERS_MAX}', 'beta')
            client.call('cancel', 'source')
        wait_until(lambda: settled(both), 'alpha undoes them', 60)
        equal(len(alpha.book.domains()), OFFERS_MAX + 2)


@test()
def offer__that_waits_outlives_another(book):
    """Two at a time, of which each is prepared when both have been offered."""
    with hosts(book) as both:
        alpha, beta = both
        for name in ('vm1', 'vm2'):
            alpha.book.define(domain(name))
        with Client(*both) as one, Client(*both) as other:
            first = one.call('begin', 'vm1', 'beta')
            second = other.call('begin', 'vm2', 'beta')
            for client, cookie in ((one, first), (other, second)):
                for call in ('prepare', 'perform', 'finish', 'confirm'):
                    cookie = client.call(call, cookie)
        wait_until(lambda: settled(both), 'all is settled', 60)
        check(beta.has('vm1') and beta.has('vm2'))
        equal(offers(beta), [])


@test()
def peer__is_not_removed_before_all_is_over_with_it(book):
    with hosts(book) as both:
        alpha, beta = both
        alpha.book.define(domain('vm1'))
        with Client(*both) as client:
            cookie = client.call('begin', 'vm1', 'beta')
            client.call('prepare', cookie)
            for one, other in (both, both[::-1]):
                one.book.refuse('peer', 'remove', other.name, code='refused',
                                says=f"with '{other.name}' is not over")
            client.call('cancel', 'source')
        wait_until(lambda: settled(both), 'alpha undoes it', 60)
        alpha.book.ok('peer', 'remove', 'beta')
        beta.book.ok('peer', 'remove', 'alpha')
        alpha.book.refuse('migrate', 'vm1', 'beta', code='not-found')


# ---- who has to wait ----


@test()
def wait__whoever_asks_is_told_that_it_is_busy(book):
    """The destination is at it, and does not come to its end; the source asks."""
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1')
        with Client(*both) as client:
            client.go('perform')
            with Client(*both, env={'DOMESDAY_HOLD_AT': 'incoming:arrived'}) as other:
                other.call('find', 'destination', client.cookies['prepare'])
                other.process.stdin.write(f"finish\t{client.cookies['perform']}\n")
                other.process.stdin.flush()
                wait_until(lambda: stopped(other.process), 'it holds the lock', 30)
                client.kill()
                result = alpha.book.refuse('desc', 'vm1', 'x', code='busy', says=['beta', 'busy'])
                check(result.seconds < QUICK_S, f'it took {result.seconds} s')
                equal(beta.has('vm1'), False)
                other.kill()
        one_owner(both, guest, after(both, guest, 'alpha'))


@test()
def wait__a_client_at_no_call_hears_it_later(book):
    with hosts(book) as both:
        guest = Traveller(both[0], 'vm1')
        with Client(*both) as client:
            client.go('begin')
            result = both[0].book.refuse('job-abort', 'vm1', code='busy', says=['called off'])
            check(result.seconds < QUICK_S, f'it took {result.seconds} s')
            cookie = client.call('prepare', client.cookies['begin'])
            client.refuse('perform', cookie, says='called off')
        wait_until(lambda: settled(both), 'all is settled', 60)
        one_owner(both, guest, both[0])
        both[0].book.ok('migrate', 'vm1', 'beta')


@test()
def wait__what_the_dead_began_is_called_off_at_once(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1')
        alpha.kill()
        with Client(*both) as client:
            client.go('begin').kill()
        result = alpha.book.ok('job-abort', 'vm1')
        check(result.seconds < QUICK_S, f'it took {result.seconds} s')
        alpha.listen()
        age(beta, 660)
        after(both, guest, 'alpha')


# ---- a book.db that is lost ----


def lose_database(host):
    """Its daemon has had no time to do anything, and then the file is gone."""
    if host.daemon:
        host.kill()
    for path in glob.glob(os.path.join(host.book.path, 'book.db*')):
        os.unlink(path)
    host.book.ok('reindex', rc=None)


@test('offline', 'live')
def lost__a_database_makes_no_second_owner(book, mode):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1')
        if mode == 'live':
            guest.start().wait_for('^tick 1$')
        alpha.kill()
        alpha.book.ok('migrate', 'vm1', 'beta')
        head = beta.book.log('vm1')[0]['commit']
        lose_database(alpha)
        equal(alpha.has('vm1'), False, alpha.book.run('list', '--all'))
        equal(alpha.book.json('log', guest.uuid)[0]['commit'], head)
        alpha.book.refuse('dumpxml', 'vm1', says=["the host 'beta' has it"])
        if mode == 'live':
            guest.at(beta).goes_on()
        else:
            # it was told that it is over, and keeps what it has decided
            wait_until(lambda: not notes(beta), 'beta hears of it', 20)
            wait_until(lambda: beta.book.git('rev-parse', f'refs/heads/domains/{guest.uuid}',
                                             rc=None).rc == 0, 'book.git has it', 3)
            lose_database(beta)
            equal(beta.has('vm1'), True, beta.book.run('list', '--all'))


# ---- a word that was wrong ----


@test()
def resolve__that_was_wrong_parts_the_histories_and_they_stay_parted(book):
    with hosts(book) as both:
        alpha, beta = both
        guest = Traveller(alpha, 'vm1')
        with Client(*both) as client:
            client.go('finish')
            beta.stop()
            client.kill()
        alpha.book.ok('migrate', '--resolve', 'here', 'vm1', '--reason', 'beta burnt down')
        beta.listen()
        check(alpha.has('vm1') and beta.has('vm1'))
        heads = [host.book.log('vm1')[0]['commit'] for host in both]
        for one, other in ((alpha, beta), (beta, alpha)):
            with one.book.unchanged(), other.book.unchanged():
                refused = one.book.refuse('migrate', 'vm1', other.name)
                contains(refused.err, *(head[:12] for head in heads))
            wait_until(lambda: settled(both), 'nothing is under way', 60)
        # a person says which of the two is it
        beta.book.ok('undefine', 'vm1')
        equal(alpha.book.log('vm1')[0]['reason'], 'beta burnt down')
        for host in both:
            host.book.ok('verify')
        equal(guest.name in beta.book.domains(), False)


@test(('outgoing:begun', 'source', 'alpha'), ('incoming:committed', 'destination', 'beta'))
def resolve__is_told_what_is_certain(book, case):
    """Whoever says that the other host has it is not told that it is so."""
    point, side, name = case
    with hosts(book) as both:
        guest = Traveller(both[0], 'vm1').start()
        guest.wait_for('^tick 1$')
        killed_at(both, point, side, 'migrate', 'vm1', 'beta')
        for host in both:
            if host.daemon.process.poll() is None:
                host.stop()
            host.daemon = None
        where = both[name == 'beta']
        where.book.refuse('migrate', '--resolve', 'there', 'vm1', '--reason', 'lost',
                          code='refused', says="'vm1' is still this host's")
        guest.at(where).goes_on()
        after(both, guest, name)


@test()
def left__what_the_source_does_not_know_keeps_it_from_no_way_back(book):
    """It asks about the first migration when the second one comes, and is told."""
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 1$')
        moving = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '8')
        wait_until(lambda: beta.alive(guest.uuid), 'it is under way')
        time.sleep(1)
        beta.book.ok('key', 'rotate', '--reason', 'audit')
        said = moving.communicate(timeout=60)[1]
        equal(moving.returncode, EXIT['busy'], said)
        contains(said, "to the host 'beta', which alone knows")
        wait_until(lambda: beta.runs('vm1'), 'it is there')
        beta.key = beta.book.json('identity')['key']
        alpha.knows(beta)
        beta.book.ok('migrate', 'vm1', 'alpha')
        guest.at(alpha).goes_on()
        wait_until(lambda: settled((alpha, beta)), 'all is settled', 60)
        one_owner((alpha, beta), guest, alpha)


if __name__ == '__main__':
    main()
