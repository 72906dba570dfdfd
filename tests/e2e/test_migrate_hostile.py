#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""A host that is known, and whose key has come into the wrong hands, gets nowhere.

It says to a real domesdayd what no Domesday would (peer.c). It is refused, the daemon says so,
nothing is written, and others are served as before.
"""

import contextlib
import json
import os
import subprocess

from client import Client
from definition import domain
from harness import BUILD_DIR, check, contains, equal, main, test, wait_until
from migration import Traveller, hosts, notes, one_owner, settled

ID = '0123456789abcdef' * 2
UUID = '11111111-2222-4333-8444-555555555555'
COMMIT = '0123456789' * 4
ASKED = 1100  # migrations that nobody has heard of
KEPT = 1000  # of one host that are remembered
MIB = 1 << 20

OFFER = {
    'id': ID, 'uuid': UUID, 'name': 'vm9', 'live': False, 'paused': False, 'token_hash': '0' * 64,
    'secrets': {}, 'author_name': 'A', 'author_email': 'a@b', 'uid': 0, 'acting_uid': 0,
    'program': 'p', 'head': COMMIT, 'book': COMMIT, 'version': 1, 'epoch': 1, 'objects': 3,
}


class Peer:
    """Somebody who has a host's name and key."""

    def __init__(self, host, other):
        self.process = subprocess.Popen(
            [os.path.join(BUILD_DIR, 'tests', 'migration_peer'), host.book.path, host.name,
             other.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        if error[0]:
            self.process.kill()
        code = self.process.wait(60)
        self.process.stdout.close()
        check(error[0] or code == 0, f'the peer ended with {code}')

    def tell(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()

    def say(self, message):
        self.tell('say ' + (message if isinstance(message, str) else json.dumps(message)))

    def hear(self):
        """The next message; None: it has hung up."""
        self.tell('hear')
        said = self.process.stdout.readline()
        check(said, 'the peer has died')
        return None if said == 'gone\n' else json.loads(said)

    def ask(self, op, migration=ID, uuid=UUID, **members):
        self.say({'op': op, 'id': migration, 'uuid': uuid, **members})
        return self.hear()

    def refused(self, op, *args, says='', **members):
        contains(words(self.ask(op, *args, **members)), says)

    def offers(self, offer, *pack, **members):
        """An offer, and what is to be its pack; the answer."""
        self.say({'op': 'offer', 'id': offer.get('id', ID), 'uuid': offer.get('uuid', UUID),
                  **members})
        self.say(offer)
        for piece in pack:
            self.tell(piece)
        self.tell('end')
        return self.hear()


def words(answer):
    """What an answer that has to be an error says."""
    check(answer and 'error' in answer, 'it was not refused:', answer)
    return answer['error']['message']


@contextlib.contextmanager
def scene(book):
    """Alpha is the wrong one; beta serves; gamma is honest, and has a domain."""
    with hosts(book, 'alpha', 'beta', 'gamma') as (alpha, beta, gamma):
        guest = Traveller(gamma, 'vm1')
        yield alpha, beta, gamma, guest


@contextlib.contextmanager
def untouched(host):
    """Nothing is written there, and it still serves."""
    before = notes(host), host.left()
    with host.book.unchanged():
        yield
        equal((notes(host), host.left()), before, 'something was written')
        equal(host.book.json('jobs'), [])
        check(host.daemon.process.poll() is None, 'the daemon has died')


@test()
def hostile__what_was_never_offered_is_refused(book):
    with scene(book) as (alpha, beta, gamma, guest):
        with untouched(beta), Peer(alpha, beta) as peer:
            peer.refused('prepare', says='was offered to this host')
            peer.refused('finish', says='was offered to this host')
            peer.refused('finish', token='0' * 64, says='was offered to this host')
            peer.refused('stream', says='nothing is under way')
            peer.refused('receipt')
            equal(peer.ask('row')['state'], 'NONE')
            equal(peer.ask('have')['head'], '')
            peer.ask('over')
            for migration, uuid in (('', UUID), (ID[1:], UUID), (ID, '../../../../etc/x'),
                                    (ID, ''), (None, None), (7, []), (ID.upper(), UUID)):
                for op in ('have', 'offer', 'prepare', 'stream', 'finish', 'ask', 'receipt', 'over',
                           'row'):
                    if op == 'offer':
                        peer.say({'op': op, 'id': migration, 'uuid': uuid})
                        peer.tell('end')
                        words(peer.hear())
                    else:
                        peer.refused(op, migration, uuid, says='names no migration')
        contains(beta.daemon.log(), "the peer 'alpha' asked for 'prepare', which failed",
                 'no more of this connection is told')
        gamma.book.ok('migrate', 'vm1', 'beta')
        one_owner((alpha, beta, gamma), guest, beta)


@test()
def hostile__without_its_token_nothing_is_decided(book):
    with scene(book) as (alpha, beta, gamma, _):
        mine = Traveller(alpha, 'vm2')
        with Client(alpha, beta) as client:
            begun = json.loads(client.call('begin', 'vm2', 'beta'))
            prepared = client.call('prepare', json.dumps(begun))
            migration = begun['id'], begun['uuid']
            with Peer(alpha, beta) as peer:
                for members in ({}, {'token': ''}, {'token': '0' * 64}, {'token': 7},
                                {'token': None}, {'token': ['0' * 64]},
                                {'token': begun['id'] * 2}, {'token': 'a' * 100000}):
                    peer.refused('finish', *migration, says='not the token', **members)
                check(not beta.has('vm2') and alpha.has('vm2'))
            client.call('confirm', client.call('finish', client.call('perform', prepared)))
        contains(beta.daemon.log(), "asked for 'finish', which failed")
        wait_until(lambda: settled((alpha, beta)), 'all is settled', 60)
        one_owner((alpha, beta, gamma), mine, beta)


@test()
def hostile__the_migration_of_another_is_not_its_to_touch(book):
    with scene(book) as (alpha, beta, gamma, guest):
        guest.start().wait_for('^tick 2$')
        with Client(gamma, beta) as client, Peer(alpha, beta) as peer:
            begun = json.loads(client.call('begin', 'vm1', 'beta'))
            migration = begun['id'], begun['uuid']
            peer.refused('prepare', *migration, says="another host's")
            prepared = client.call('prepare', json.dumps(begun))
            for op in ('prepare', 'finish', 'ask', 'over', 'stream', 'receipt'):
                for _ in range(2):
                    peer.refused(op, *migration)
            performed = client.call('perform', prepared)
            token = json.loads(performed)['token']
            for _ in range(2):  # the first may not leave anything behind for the second
                peer.refused('finish', *migration, token=token, says="another host's")
            peer.refused('ask', *migration, says="another host's")
            peer.refused('over', *migration, says="another's")
            peer.refused('stream', *migration, says='nobody waits')
            finished = client.call('finish', performed)
            peer.refused('ask', *migration)
            peer.refused('receipt', *migration, have='')
            peer.ask('over', *migration)
            equal(peer.ask('row', *migration)['state'], 'NONE')
            client.call('confirm', finished)
        guest.at(beta).goes_on()
        wait_until(lambda: settled((beta, gamma)), 'all is settled', 60)
        one_owner((alpha, beta, gamma), guest, beta)


@test()
def hostile__another_hosts_row_is_not_told(book):
    """As a source: beta is on its way to gamma, and alpha is none of its business."""
    with scene(book) as (alpha, beta, gamma, _):
        mine = Traveller(beta, 'vm2')
        with Client(beta, gamma) as client, Peer(alpha, beta) as peer:
            begun = json.loads(client.call('begin', 'vm2', 'gamma'))
            equal(peer.ask('row', begun['id'], begun['uuid'])['state'], 'NONE')
            for op in ('prepare', 'finish', 'stream', 'ask', 'over', 'receipt'):
                words(peer.ask(op, begun['id'], begun['uuid'], token='0' * 64))
            client.call('cancel', 'source')
        one_owner((alpha, beta, gamma), mine, beta)


@test()
def hostile__a_domain_that_is_not_its_own_is_no_offer(book):
    with scene(book) as (alpha, beta, gamma, _):
        with untouched(beta):
            beta_uuid = beta.book.domains()['first-on-beta']['uuid']
            with Peer(alpha, beta) as peer:
                words(peer.offers({**OFFER, 'uuid': beta_uuid}))
                words(peer.offers({**OFFER, 'uuid': beta_uuid}, 'much 100000'))
            alpha.book.define(domain('again', uuid=beta_uuid))
            result = alpha.book.run('migrate', 'again', 'beta')
            check(result.rc > 0, 'it was taken:', result)
            check(alpha.has('again'))
        contains(beta.daemon.log(), "asked for 'offer', which failed")
        equal(gamma.book.json('jobs'), [])


@test()
def hostile__offers_that_are_none_are_refused(book):
    broken = [{}, [], None, 7, 'offer', {**OFFER, 'id': ID[::-1]}, {**OFFER, 'uuid': UUID[::-1]}]
    broken += [{key: value for key, value in OFFER.items() if key != gone}
               for gone in OFFER if gone not in ('paused', 'secrets', 'uid', 'acting_uid', 'live')]
    broken += [{**OFFER, **members} for members in (
        {'head': 'HEAD'}, {'version': 0}, {'version': 1 << 40}, {'epoch': -1}, {'objects': 1 << 62},
        {'live': True}, {'live': True, 'running': '<domain/>'}, {'running': '<domain/>'},
        {'secrets': {'../x': 'y'}}, {'token_hash': ''}, {'name': 'a/b'}, {'peer': 'gamma'})]
    with scene(book) as (alpha, beta, gamma, guest):
        with untouched(beta), Peer(alpha, beta) as peer:
            for offer in broken:
                peer.say({'op': 'offer', 'id': ID, 'uuid': UUID})
                peer.say(json.dumps(offer))
                peer.tell('end')
                words(peer.hear())
            for pack in (('much 12',), ('much 1000000',) * 3, ('say PACK',)):
                words(peer.offers(OFFER, *pack))
            peer.say({'op': 'offer', 'id': ID, 'uuid': UUID})
            peer.say('{"id":')
            peer.tell('end')
            words(peer.hear())
            peer.say({'op': 'offer', 'id': ID, 'uuid': UUID})
            peer.tell(f'much {16 * MIB}')
            peer.tell('end')
            words(peer.hear())
            peer.tell(f'much {2 * MIB}')
            equal(peer.hear(), None, 'it goes on listening')
            peer.tell('connect')
            equal(peer.ask('row')['state'], 'NONE')
        gamma.book.ok('migrate', 'vm1', 'beta')
        one_owner((alpha, beta, gamma), guest, beta)


@test()
def hostile__what_nobody_has_heard_of_is_remembered_so_many_times(book):
    with scene(book) as (alpha, beta, gamma, guest):
        alpha.stop()  # which would say that it has no row of them
        with Peer(alpha, beta) as peer:
            states, refused = 0, 0
            for number in range(ASKED):
                answer = peer.ask('ask', f'{number:032x}', UUID[:-8] + f'{number:08x}')
                if 'error' in answer:
                    refused += 1
                    contains(words(answer), f"{KEPT} migrations wait for the host 'alpha'")
                else:
                    equal(answer['state'], 'ABORTED')
                    states += 1
        equal((states, refused), (KEPT, ASKED - KEPT))
        equal(len(notes(beta)), KEPT)
        equal(beta.left(), [])
        equal(beta.book.json('jobs'), [])
        equal([lock for lock in os.listdir(beta.book.path + '/locks')
               if lock.startswith(UUID[:-8])], [], 'a lock of no domain')
        # another is answered all the same
        with Peer(gamma, beta) as honest:
            equal(honest.ask('ask')['state'], 'ABORTED')
            honest.ask('over')
        gamma.book.ok('migrate', 'vm1', 'beta')
        one_owner((beta, gamma), guest, beta)


WISHES = [
    {'xml': '<'}, {'xml': '<domain/>'}, {'xml': 'x' * 500000}, {'xml': '<a>' * 10000},
    {'xml': '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            '<domain><name>&x;</name></domain>'},
    {'xml': '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            '<domain><name>&b;</name></domain>'},
    {'persistent_xml': '<domain type="qemu"><name>other</name></domain>'},
    {'maps': ['path']}, {'maps': [7]}, {'maps': ['bridge:none=none']},
    {'name': '../../etc'}, {'name': ''}, {'name': 'first-on-beta'}, {'name': 'a\nb'},
]


@test()
def hostile__wishes_are_no_way_in(book):
    with scene(book) as (alpha, beta, gamma, _):
        mine = Traveller(alpha, 'vm2')
        with untouched(beta), Client(alpha, beta) as client, Peer(alpha, beta) as peer:
            for wishes in WISHES:
                begun = json.loads(client.call('begin', 'vm2', 'beta'))
                said = words(peer.ask('prepare', begun['id'], begun['uuid'], wishes=wishes))
                check('root:' not in said and len(said) < 2000, said)
                client.call('cancel', 'source')
        one_owner((alpha, beta, gamma), mine, alpha)
        alpha.book.ok('migrate', 'vm2', 'beta')
        one_owner((alpha, beta, gamma), mine, beta)


if __name__ == '__main__':
    main()
