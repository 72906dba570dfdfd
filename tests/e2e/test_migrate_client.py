#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""A client drives a migration by the library's calls, one on either side in turn, and dies.

The client (client.c) works with both books; each has its domesdayd. It is killed after each call,
and at each step within them: the hosts settle it by themselves, and one has the domain and runs it.
"""

import contextlib
import json
import os
import signal
import threading

from client import CALLS, Client, Died, Refused
from definition import domain
from harness import check, contains, equal, main, qemu_of, test, wait_until
from migration import Traveller, age, cell, hosts, notes, one_owner, settled

# Who has the domain when the client dies after a call, or at a step of one.
AFTER = {'begin': 'alpha', 'prepare': 'alpha', 'perform': 'alpha', 'finish': 'beta',
         'confirm': 'beta'}
AT = {
    'outgoing:begun': 'alpha', 'outgoing:offered': 'alpha', 'incoming:journal': 'alpha',
    'incoming:spawned': 'alpha', 'incoming:prepared': 'alpha', 'outgoing:stopped': 'alpha',
    'incoming:landed': 'alpha', 'outgoing:going': 'alpha', 'outgoing:switched': 'alpha',
    'outgoing:sent': 'alpha', 'incoming:arrived': 'alpha',
    'commit:before': 'alpha', 'commit:after': 'beta', 'incoming:committed': 'beta',
    'incoming:ran': 'beta', 'outgoing:gone': 'beta', 'outgoing:given': 'beta',
}
LIVE_ONLY = {'outgoing:stopped', 'outgoing:going', 'outgoing:sent', 'incoming:journal',
             'incoming:spawned', 'incoming:ran'}


@contextlib.contextmanager
def traveller(book, live):
    """Two hosts, and a domain on the first, which may run."""
    with hosts(book) as both:
        guest = Traveller(both[0], 'vm1')
        if live:
            guest.start().wait_for('^tick 2$')
        yield both, guest


def over(both, guest, live, where):
    """The hosts have settled it by themselves, and nothing is left of it."""
    wait_until(lambda: settled(both), 'all is settled', 60)
    age(both[1], 660)  # an offer waits so long for a client that comes back
    owner = next(host for host in both if host.name == where)
    one_owner(both, guest, owner)
    if live:
        guest.at(owner).goes_on()
    else:
        owner.book.ok('desc', 'vm1', 'still here')
    for host in both:
        wait_until(lambda here=host: not notes(here), f'{host.name} forgets', 40)


@cell
def dies_after(book, live, call):
    with traveller(book, live) as (both, guest):
        with Client(*both) as client:
            client.go(call).kill()
        over(both, guest, live, AFTER[call])


@cell
def dies_at(book, live, step):
    with traveller(book, live) as (both, guest):
        with Client(*both, env={'DOMESDAY_CRASH_AT': step}) as client:
            with contextlib.suppress(Died):
                client.go()
                raise AssertionError(f'it has not died at {step}')
        over(both, guest, live, AT[step])


LONG = bool(os.environ.get('LONG'))  # every step, and not only some
BRIEF = {'outgoing:switched', 'outgoing:sent', 'incoming:committed'}


@test(*CALLS)
def offline__it_dies_after_a_call(book, call):
    dies_after(book, False, call)


@test(*CALLS)
def live__it_dies_after_a_call(book, call):
    dies_after(book, True, call)


@test(*[step for step in AT if step not in LIVE_ONLY and (LONG or step in BRIEF)])
def offline__it_dies_within_a_call(book, step):
    dies_at(book, False, step)


@test(*[step for step in AT if LONG or step in BRIEF])
def live__it_dies_within_a_call(book, step):
    dies_at(book, True, step)


# ---- what it can do otherwise ----


@test('offline', 'live')
def client__wishes_go_with_it(book, mode):
    with traveller(book, mode == 'live') as (both, guest):
        with Client(*both) as client:
            client.go('confirm', 'name=vm2')
        alpha, beta = both
        equal((alpha.has('vm1'), beta.has('vm1'), beta.has('vm2')), (False, False, True))
        contains(beta.book.ok('log', 'vm2').out, 'migrate from alpha')
        if mode == 'live':
            guest.name = 'vm2'
            guest.at(beta).goes_on()
        guest.name = 'vm2'
        one_owner(both, guest, beta)


@test('confirm', 'finish')
def client__keeps_it_in_the_list(book, last):
    """Also where the client is gone, and the source finds out by itself."""
    with traveller(book, False) as (both, _):
        with Client(*both) as client:
            client.go(last, 'keep=1')
        wait_until(lambda: settled(both), 'all is settled', 60)
        equal(both[0].book.domains()['vm1']['owner'], 'beta')
        equal(both[1].book.domains()['vm1']['owner'], None)


@test(*CALLS[:3])
def client__cancels(book, call):
    with traveller(book, True) as (both, guest):
        with Client(*both) as client:
            client.go(call)
            client.call('cancel', 'source')
            guest.goes_on()
            client.refuse('cancel', 'source', says='is over')
            if call != 'begin':
                client.refuse('cancel', 'destination', says="comes from the host 'alpha'")
        over(both, guest, True, 'alpha')


@test()
def client__cannot_cancel_what_the_other_has(book):
    with traveller(book, False) as (both, guest):
        with Client(*both) as client:
            client.go('finish')
            client.refuse('cancel', 'source', says="the host 'beta' has the domain")
        over(both, guest, False, 'beta')


@test()
def client__calls_off_while_the_memory_goes(book):
    with traveller(book, True) as (both, guest):
        with Client(*both) as client:
            client.go('prepare')
            client.refuse('perform', client.cookies['prepare'], 'call-off', says='called off')
            guest.goes_on()
            client.refuse('perform', client.cookies['prepare'], says='is over')
        over(both, guest, True, 'alpha')


@test('before', 'while')
def client__hears_that_the_guest_has_ended(book, when):
    """As it does who has the source drive it; before the memory goes, and while it does."""
    with traveller(book, True) as (both, guest):
        alpha = both[0]
        with Client(*both) as client:
            client.go('prepare')
            pid = qemu_of(alpha.lock(guest.uuid))
            if when == 'before':
                os.kill(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGSTOP)  # until it is waited for
                threading.Timer(1, os.kill, (pid, signal.SIGKILL)).start()
            client.refuse('perform', client.cookies['prepare'], code='hypervisor', says=(
                "the guest of 'vm1' has ended while it was moved to the host 'beta': the domain "
                'stays here, and is off start it, and move it then: domesday start vm1'))
            client.refuse('cancel', 'source', says='is over')
        equal(alpha.book.domains()['vm1']['state'], 'shut off')
        wait_until(lambda: settled(both), 'all is settled', 60)
        one_owner(both, guest, alpha)


@test()
def client__what_the_destination_will_not_have_is_undone(book):
    with traveller(book, False) as (both, guest):
        both[1].book.define(domain('taken'))
        with Client(*both) as client:
            cookie = client.call('begin', 'vm1', 'beta', 'name=taken')
            client.refuse('prepare', cookie, code='exists', says='taken')
            client.call('cancel', 'source')
        over(both, guest, False, 'alpha')


@test()
def client__another_goes_on(book):
    """One that is begun can be cancelled, one that is prepared finished, by another process."""
    with traveller(book, True) as (both, guest):
        with Client(*both) as first:
            first.go('perform')
            with Client(*both) as second:
                second.call('find', 'destination', first.cookies['prepare'])
                done = second.call('finish', first.cookies['perform'])
                second.refuse('find', 'source', first.cookies['begin'], code='busy')
                second.refuse('find', 'destination', done, code='not-found')
            first.call('confirm', done)
        over(both, guest, True, 'beta')


@test()
def client__comes_back_and_confirms(book):
    with traveller(book, False) as (both, guest):
        both[0].stop()  # which would settle it otherwise
        both[0].listen()
        with Client(*both) as client:
            client.go('finish')
            client.call('free', 'source')
            try:
                client.call('find', 'source', client.cookies['begin'])
            except Refused as error:
                equal(error.args[0], 'not-found', error)
            else:
                client.call('confirm', client.cookies['finish'])
        over(both, guest, False, 'beta')


@test()
def client__who_has_not_begun_it_cannot_perform_it(book):
    with traveller(book, False) as (both, guest):
        with Client(*both) as client:
            client.go('prepare')
            both[0].kill()
            client.call('free', 'source')
            client.call('find', 'source', client.cookies['begin'])
            client.refuse('perform', client.cookies['prepare'], says='begun by another process')
            client.call('cancel', 'source')
            both[0].listen()
        over(both, guest, False, 'alpha')


# ---- cookies ----


def changed(cookie, **members):
    return json.dumps({**json.loads(cookie), **members})


def cuts(cookie):
    return [cookie[:size] for size in range(1, len(cookie), 7)]


OTHER_ID = '0123456789abcdef' * 2
OTHER_UUID = '11111111-2222-4333-8444-555555555555'


def wrong(cookie):
    """(text, error) of what is near to a cookie."""
    for text in cuts(cookie) + ['{}', '[]', 'null', '7', '"begin"', 'x' * 100, '[' * 5000]:
        yield text, 'invalid'
    for members in ({'version': 2}, {'version': '1'}, {'phase': 'dance'}, {'phase': 1}, {'id': 'x'},
                    {'id': OTHER_ID.upper()}, {'uuid': 'vm1'}, {'from': ''}, {'to': '../beta'},
                    {'from': None}, {'more': 1}):
        yield changed(cookie, **members), 'invalid'
    for members in ({'id': OTHER_ID}, {'uuid': OTHER_UUID}, {'to': 'gamma'}):
        yield changed(cookie, **members), 'refused'


@test()
def cookie__another_is_refused_and_nothing_happens(book):
    with traveller(book, False) as (both, guest):
        with Client(*both) as client:
            for call, nxt in zip(CALLS, CALLS[1:]):
                before = ('vm1', 'beta') if call == 'begin' else (cookie,)
                cookie = client.cookies[call] = client.call(call, *before)
                for text, code in wrong(cookie):
                    client.refuse(nxt, text, code=code)
                for other in client.cookies:
                    if other != call:
                        client.refuse(nxt, client.cookies[other], code='invalid',
                                      says=f"'{call}' is wanted")
            client.call('confirm', client.cookies['finish'])
            client.refuse('confirm', client.cookies['finish'], says='is over')
        over(both, guest, False, 'beta')


@test()
def cookie__what_was_done_is_not_done_again(book):
    with traveller(book, False) as (both, guest):
        alpha, beta = both
        with Client(*both) as client, Client(*both) as again:
            client.go('prepare')
            again.refuse('prepare', client.cookies['begin'], says='prepared already')
            cookie = client.cookies['perform'] = client.call('perform', client.cookies['prepare'])
            client.refuse('perform', client.cookies['prepare'], says="end of 'perform'")
            client.refuse('finish', changed(cookie, token='0' * 64), says='not the token')
            client.cookies['finish'] = client.call('finish', cookie)
            client.refuse('finish', cookie, says='is over')
            client.call('confirm', client.cookies['finish'])
            for call in CALLS[:3]:
                again.refuse('prepare', client.cookies[call],
                             code='refused' if call == 'begin' else 'invalid')
                again.refuse('find', 'destination', client.cookies[call], code='not-found')
                again.refuse('find', 'source', client.cookies[call], code='not-found')
        over(both, guest, False, 'beta')
        beta.book.ok('migrate', 'vm1', 'alpha')
        with Client(*both) as client:  # of an earlier migration of the same domain
            old = client.go('begin').cookies['begin']
            client.call('cancel', 'source')
            client.go('begin')
            client.refuse('prepare', old, says='was offered')
            new = client.call('prepare', client.cookies['begin'])
            client.refuse('perform', changed(new, id=json.loads(old)['id']),
                          says='is of the migration')
        over(both, guest, False, 'alpha')


@test()
def client__who_has_begun_nothing_is_told_so(book):
    """Calls without a half, without a cookie, or by a mode that is none between two hosts."""
    with traveller(book, False) as (both, guest):
        with Client(*both) as client:
            for words in (('perform', ''), ('finish', ''), ('confirm', ''), ('cancel', 'source')):
                client.refuse(*words, code='invalid', says='no migration')
            for mode in ('3', '7', '-1'):
                client.refuse('begin', 'vm1', 'beta', f'mode={mode}', code='invalid', says=mode)
            for call in CALLS[1:]:
                before = client.go(CALLS[CALLS.index(call) - 1], 'mode=2').cookies
                if call in ('prepare', 'perform', 'finish'):
                    client.refuse(call, code='invalid')
                    client.call('cancel', 'source')
            client.refuse('confirm', code='invalid')
            client.call('confirm', before['finish'])
        over(both, guest, False, 'beta')


@test()
def cookie__of_another_domain_is_refused(book):
    with traveller(book, False) as (both, guest):
        both[0].book.define(domain('vm3'))
        with Client(*both) as client, Client(*both) as other:
            client.go('prepare')
            theirs = other.call('prepare', other.call('begin', 'vm3', 'beta'))
            client.refuse('perform', theirs, says='is of the migration')
            other.refuse('perform', client.cookies['prepare'], says='is of the migration')
            token = json.loads(other.call('perform', theirs))['token']
            mine = client.call('perform', client.cookies['prepare'])
            client.refuse('finish', changed(mine, token=token), says='not the token')
            client.call('confirm', client.call('finish', mine))
            other.call('cancel', 'source')
        wait_until(lambda: settled(both), 'all is settled', 60)
        check(both[0].has('vm3') and not both[1].has('vm3'))
        over(both, guest, False, 'beta')


if __name__ == '__main__':
    main()
