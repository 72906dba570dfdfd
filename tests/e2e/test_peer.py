#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two hosts get to know each other over the port of domesdayd, and nobody else gets anywhere."""

import contextlib
import os
import pty
import random
import re
import socket
import subprocess
import time

from daemon import Daemon
from harness import COMMAND_TIMEOUT, EXIT, check, contains, equal, main, test, wait_until

LISTEN = '--listen=127.0.0.1:0'
KNOCK = b'domesday-peer\0\0\1'  # how every first message begins
REPORT_S = 20  # for what happens 10 s after a connection was made


class Host:
    """A book under a host name of its own, and its domesdayd."""

    def __init__(self, book, name):
        self.name, self.book = name, book.another(name, host=name)
        self.identity = self.book.json('identity')

    @contextlib.contextmanager
    def up(self, *options):
        with Daemon(self.book, *(options or (LISTEN,)), ready=False) as daemon:
            daemon.wait_for('looks after the book')
            self.port = int(re.search(r'listens for peers at \S+:(\d+)\n', daemon.log())[1])
            yield daemon

    @property
    def address(self):
        return f'127.0.0.1:{self.port}'

    @property
    def key(self):
        return self.identity['key']

    @property
    def fingerprint(self):
        return self.identity['fingerprint']

    def add(self, other, address=None):
        return self.book.ok('peer', 'add', other.name, address or other.address, other.key)

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), timeout=30)


@contextlib.contextmanager
def pair(book):
    """Alpha and beta, with a daemon at beta; they do not know each other yet."""
    alpha, beta = Host(book, 'alpha'), Host(book, 'beta')
    with beta.up() as daemon:
        yield alpha, beta, daemon


@contextlib.contextmanager
def friends(book):
    with pair(book) as (alpha, beta, daemon):
        alpha.add(beta)
        beta.add(alpha, '127.0.0.1')
        yield alpha, beta, daemon


def gone(connection):
    """The other side has closed it."""
    with contextlib.suppress(ConnectionError):
        while connection.recv(4096):
            pass
    return True


@test()
def peer__two_hosts_that_add_each_other_can_talk(book):
    alpha, beta = Host(book, 'alpha'), Host(book, 'beta')
    with alpha.up() as there, beta.up() as here:
        alpha.add(beta)
        beta.add(alpha)
        answer = alpha.book.json('peer', 'check', 'beta')
        equal(answer['address'], beta.address)
        check(answer['version'] and answer['cipher'], answer)
        check(answer['round_trip_us'] > 0, answer)
        contains(beta.book.ok('peer', 'check', 'alpha').out, alpha.address, 'it knows this host')
        here.wait_for("the peer 'alpha' has connected")
        there.wait_for("the peer 'beta' has connected")
    row, = alpha.book.json('peer', 'list')
    equal((row['name'], row['address'], row['key'], row['fingerprint'], row['revoked']),
          ('beta', beta.address, beta.key, beta.fingerprint, None))
    check(row['who'] and row['since'], row)


@test()
def peer__identity_is_the_key_that_signs(book):
    host = Host(book, 'alpha')
    with open(host.book.path + '/keys/host.pub', encoding='ascii') as stream:
        contains(stream.read(), host.key)
    said = subprocess.run(['ssh-keygen', '-lf', host.book.path + '/keys/host.pub'], check=True,
                          capture_output=True, text=True).stdout
    contains(said, host.fingerprint)
    equal(host.identity['name'], 'alpha')


@test()
def peer__is_added_with_the_key_as_it_is_printed(book):
    with pair(book) as (alpha, beta, _):
        alpha.book.ok('peer', 'add', 'beta', beta.address, *beta.key.split(' ')[:2])
        equal(alpha.book.json('peer', 'list')[0]['key'].split(' ')[:2], beta.key.split(' ')[:2])
        alpha.book.refuse('peer', 'add', 'beta', beta.address, 'ssh-ed25519', 'AAAA',
                          code='invalid')
        alpha.book.refuse('peer', 'add', 'beta', beta.address, *beta.key.split(' ')[:2], 'much',
                          code='usage')


@test()
def peer__one_that_is_not_there_is_said_so(book):
    with pair(book) as (alpha, beta, _):
        alpha.add(beta)
    alpha.book.refuse('peer', 'check', 'beta', code='system', says=(
        beta.address, 'Connection refused', '--listen'))
    alpha.book.refuse('peer', 'check', 'gamma', code='not-found', says="no peer 'gamma'")


@test()
def peer__who_is_not_known_is_refused_and_told_what_to_do(book):
    with pair(book) as (alpha, beta, daemon):
        alpha.add(beta)
        alpha.book.refuse('peer', 'check', 'beta', code='refused', says=(
            'beta', f"does not know this host's key {alpha.fingerprint}",
            f"there: domesday peer add alpha ADDRESS '{alpha.key}'"))
        daemon.wait_for(f"does not know the caller's key {alpha.fingerprint}")
        beta.add(alpha, '127.0.0.1')
        alpha.book.ok('peer', 'check', 'beta')


@test()
def peer__another_fingerprint_is_refused(book):
    with pair(book) as (alpha, beta, _):
        wrong = alpha.fingerprint
        alpha.book.refuse(
            'peer', 'add', 'beta', beta.address, '--fingerprint', wrong, code='refused',
            says=(beta.fingerprint, wrong))
        equal(alpha.book.json('peer'), [])
        alpha.book.ok('peer', 'add', 'beta', beta.address, '--fingerprint', beta.fingerprint)
        equal(alpha.book.json('peer')[0]['key'], beta.key)


@test()
def peer__nobody_is_trusted_unseen(book):
    with pair(book) as (alpha, beta, _):
        alpha.book.refuse('peer', 'add', 'beta', beta.address, code='refused', says=(
            beta.fingerprint, '--fingerprint='))
        equal(alpha.book.json('peer'), [])


def at_terminal(book, answer, *args):
    """Runs a command at a terminal where somebody types an answer; (status, what was shown)."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        book.command(*args), stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    os.write(leader, answer.encode())
    said = b''
    with contextlib.suppress(OSError):
        while part := os.read(leader, 4096):
            said += part
    os.close(leader)
    return process.wait(COMMAND_TIMEOUT), said.decode()


@test('yes', 'no', '')
def peer__a_person_compares_the_fingerprint(book, answer):
    with pair(book) as (alpha, beta, _):
        status, said = at_terminal(
            alpha.book, answer + '\n', 'peer', 'add', 'beta', beta.address)
        contains(said, beta.fingerprint, '(yes/no)')
        equal(status, 0 if answer == 'yes' else EXIT['refused'], said)
        equal([row['key'] for row in alpha.book.json('peer')],
              [beta.key] if answer == 'yes' else [])


@test()
def peer__one_that_is_revoked_is_refused_by_name_both_ways(book):
    with friends(book) as (alpha, beta, daemon):
        alpha.book.ok('peer', 'check', 'beta')
        beta.book.ok('peer', 'revoke', 'alpha', '--reason', 'it was stolen')
        alpha.book.refuse('peer', 'check', 'beta', code='refused', says=(
            f"has revoked this host's key {alpha.fingerprint}"))
        daemon.wait_for("the peer 'alpha' is revoked, and was refused")
        beta.book.refuse('peer', 'check', 'alpha', code='refused', says="'alpha' is revoked")
        beta.book.refuse('peer', 'revoke', 'alpha', code='refused', says='already')
        contains(beta.book.ok('peer').out, 'revoked', 'it was stolen')
        row, = beta.book.json('peer')
        check(row['revoked'] and row['revoked_by'], row)
        equal(row['revoked_reason'], 'it was stolen')
        beta.add(alpha, '127.0.0.1')  # which is to say that it is trusted again
        alpha.book.ok('peer', 'check', 'beta')


@test()
def peer__a_revoked_key_does_not_come_back_by_itself(book):
    with pair(book) as (alpha, beta, _):
        alpha.add(beta)
        alpha.book.ok('peer', 'revoke', 'beta')
        alpha.book.refuse('peer', 'add', 'beta', beta.address, code='refused', says='revoked')
        alpha.book.refuse('peer', 'add', 'gamma', beta.address, beta.key, code='exists',
                          says="the peer 'beta' has that key, and is revoked")
        check(alpha.book.json('peer')[0]['revoked'])


@test()
def peer__one_that_was_added_by_mistake_is_removed(book):
    with friends(book) as (alpha, beta, daemon):
        alpha.book.refuse('peer', 'remove', 'bta', code='not-found', says="no peer 'bta'")
        beta.book.ok('peer', 'remove', 'alpha')
        equal(beta.book.json('peer'), [])
        alpha.book.refuse('peer', 'check', 'beta', code='refused', says='does not know')
        daemon.wait_for('not let in')
        # under the name that was meant
        beta.book.ok('peer', 'add', 'alpha', '127.0.0.1', alpha.key)
        alpha.book.ok('peer', 'check', 'beta')
        # and one that is revoked is not to be forgotten
        beta.book.ok('peer', 'revoke', 'alpha')
        beta.book.refuse('peer', 'remove', 'alpha', code='refused', says='is revoked, and stays')
        check(beta.book.json('peer')[0]['revoked'])
        beta.book.ok('config', 'require-reason', 'yes', '--reason', 'we ask')
        beta.book.ok('peer', 'add', 'alpha', '127.0.0.1', alpha.key, '--reason', 'it is back')
        beta.book.refuse('peer', 'remove', 'alpha', code='refused', says='reason')
        beta.book.ok('peer', 'remove', 'alpha', '--reason', 'it was a mistake')


@test()
def peer__a_key_that_changed_is_refused_until_it_is_pinned_anew(book):
    with friends(book) as (alpha, beta, _):
        alpha.book.ok('peer', 'check', 'beta')
        before = beta.fingerprint
        beta.book.ok('key', 'rotate')
        beta.identity = beta.book.json('identity')
        check(beta.fingerprint != before)
        alpha.book.refuse('peer', 'check', 'beta', code='refused', says=(
            before, beta.fingerprint, 'key rotate', f'peer add beta {beta.address}'))
        alpha.add(beta)
        alpha.book.ok('peer', 'check', 'beta')
        alpha.book.ok('key', 'rotate')  # of the one that calls
        alpha.identity = alpha.book.json('identity')
        alpha.book.refuse('peer', 'check', 'beta', code='refused', says=(
            f"does not know this host's key {alpha.fingerprint}"))
        beta.add(alpha, '127.0.0.1')
        alpha.book.ok('peer', 'check', 'beta')


@test()
def peer__a_host_is_pinned_under_its_own_name(book):
    with pair(book) as (alpha, beta, daemon):
        alpha.book.ok('peer', 'add', 'gamma', beta.address, beta.key)
        beta.book.ok('peer', 'add', 'delta', '127.0.0.1', alpha.key)
        alpha.book.refuse('peer', 'check', 'gamma', code='refused', says=(
            'gamma', "pinned as 'delta'", "goes by the name 'alpha'"))
        daemon.wait_for("delta: the host that is pinned as 'delta' goes by the name 'alpha'")
        beta.book.ok('peer', 'revoke', 'delta')
        beta.book.refuse('peer', 'add', 'alpha', '127.0.0.1', alpha.key, code='exists')


@test()
def peer__a_host_that_was_renamed_comes_back_with_another_key(book):
    with friends(book) as (alpha, beta, _):
        alpha.book.ok('peer', 'check', 'beta')
    beta.book.around = book.another('beta', host='gamma').around
    with beta.up() as daemon:
        alpha.book.ok('peer', 'add', 'beta', beta.address, beta.key)
        alpha.book.refuse('peer', 'check', 'beta', code='refused', says=(
            "goes by the name 'gamma'", 'key rotate', 'peer add gamma'))
        alpha.book.refuse('peer', 'add', 'gamma', beta.address, beta.key, code='exists', says=(
            "the peer 'beta' has that key", "called 'gamma' now", 'key rotate'))
        beta.book.ok('key', 'rotate')
        alpha.book.ok('peer', 'add', 'gamma', beta.address, beta.book.json('identity')['key'])
        alpha.book.ok('peer', 'check', 'gamma')
        check(alpha.book.json('peer', 'check', 'gamma')['version'], daemon.log())


@test()
def peer__the_other_side_says_its_own_name_too(book):
    with pair(book) as (alpha, beta, _):
        alpha.book.ok('peer', 'add', 'gamma', beta.address, beta.key)
        beta.add(alpha, '127.0.0.1')
        alpha.book.refuse('peer', 'check', 'gamma', code='refused', says=(
            "pinned as 'gamma'", "goes by the name 'beta'", 'peer add beta'))


@test()
def peer__what_makes_no_peer_is_refused(book):
    alpha, beta = Host(book, 'alpha'), Host(book, 'beta')
    for address in ('', 'a b', 'beta:', 'beta:99999', '[::1', 'http://beta', '-beta'):
        alpha.book.refuse('peer', 'add', '--', 'beta', address, beta.key, code='invalid',
                          says='no address')
    for address in ('beta:0', '[::1]:00'):
        alpha.book.refuse('peer', 'add', 'beta', address, beta.key, code='invalid', says='port 0')
    alpha.book.refuse('peer', 'add', 'be/ta', 'beta', beta.key, code='invalid', says='host name')
    for key in ('', 'ssh-ed25519', beta.key[:-4], 'ssh-rsa AAAA', beta.fingerprint):
        alpha.book.refuse('peer', 'add', 'beta', 'beta', key, code='invalid', says='no key')
    alpha.book.refuse('peer', 'add', 'gamma', 'x', alpha.key, code='refused', says='own key')
    alpha.book.refuse('peer', 'add', 'alpha', 'x', beta.key, code='refused', says='own name')
    alpha.book.refuse('peer', 'add', 'beta', code='usage')
    alpha.book.refuse('peer', 'greet', 'beta', code='usage')
    equal(alpha.book.json('peer'), [])


@test()
def peer__a_book_that_wants_reasons_wants_one(book):
    alpha, beta = Host(book, 'alpha'), Host(book, 'beta')
    alpha.book.ok('config', 'require-reason', 'yes')
    alpha.book.refuse('peer', 'add', 'beta', 'beta', beta.key, code='refused', says='reason')
    alpha.book.ok('peer', 'add', 'beta', 'beta', beta.key, '--reason', 'the new rack')
    alpha.book.refuse('peer', 'revoke', 'beta', code='refused', says='reason')
    equal(alpha.book.json('peer')[0]['reason'], 'the new rack')


@test()
def peer__a_host_is_reached_by_ipv6(book):
    alpha, beta = Host(book, 'alpha'), Host(book, 'beta')
    with beta.up('--listen=[::1]:0'):
        alpha.add(beta, f'[::1]:{beta.port}')
        beta.add(alpha, '::1')
        contains(alpha.book.ok('peer', 'check', 'beta').out, f'[::1]:{beta.port}')
        equal(beta.book.json('peer')[0]['address'], '[::1]:16520')


# ---- who is no peer ----


def shout(host, seed):
    """Somebody who connects and says something: noise, or nearly the right thing."""
    noise = random.Random(seed)
    with host.connect() as connection, contextlib.suppress(OSError):  # it may be gone any moment
        words = noise.randbytes(noise.randrange(1, 4000))
        connection.sendall(KNOCK + words if seed % 2 else words)
        if seed % 3:
            connection.shutdown(socket.SHUT_WR)
        gone(connection)


@test()
def peer__noise_is_no_trouble(book):
    with friends(book) as (alpha, beta, daemon):
        before = open_files(daemon)
        for seed in range(60):
            shout(beta, seed)
        alpha.book.ok('peer', 'check', 'beta')
        contains(daemon.log(), 'the other side is no domesdayd')
        wait_until(lambda: open_files(daemon) <= before, 'no descriptor is left')
        check(daemon.process.poll() is None)
        check(len(daemon.log().splitlines()) < 70, daemon.log())


def open_files(daemon):
    return len(os.listdir(f'/proc/{daemon.process.pid}/fd'))


@test()
def peer__who_says_nothing_keeps_nobody_out(book):
    with friends(book) as (alpha, beta, daemon), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(beta.connect()) for _ in range(4)]
        slow = [stack.enter_context(beta.connect()) for _ in range(3)]
        began = time.monotonic()
        for second in range(9):
            for connection in slow:
                connection.sendall(KNOCK[second:second + 1])
            alpha.book.ok('peer', 'check', 'beta')
            time.sleep(1)
        for connection in silent + slow:
            check(gone(connection))
        check(9 < time.monotonic() - began < REPORT_S, 'cut off at the wrong time')
        contains(daemon.log(), 'did not finish the handshake in time')


@test()
def peer__one_address_gets_so_many_at_a_time(book):
    with friends(book) as (alpha, beta, daemon), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(beta.connect()) for _ in range(20)]
        daemon.wait_for('closed at once: too many from there have not said who they are')
        open_ones = [connection for connection in silent if still_open(connection)]
        equal(len(open_ones), 8)
        alpha.book.refuse('peer', 'check', 'beta', code='system', says='handshake')
        for connection in silent:
            connection.close()
        wait_until(lambda: alpha.book.run('peer', 'check', 'beta').rc == 0, 'there is room again')


def still_open(connection):
    connection.settimeout(0.3)
    try:
        return connection.recv(1) != b''
    except TimeoutError:
        return True
    except ConnectionError:
        return False


@test()
def peer__another_version_is_told_by_number(book):
    with pair(book) as (_, beta, daemon), beta.connect() as connection:
        connection.sendall(KNOCK[:-1] + b'\7' + bytes(34))
        equal(connection.recv(100), KNOCK)
        daemon.wait_for('speaks version 7 of the peer protocol, this one 1')


@test()
def peer__a_newer_host_that_is_called_is_told_so_too(book):
    alpha, beta = Host(book, 'alpha'), Host(book, 'beta')
    with socket.create_server(('127.0.0.1', 0)) as server:
        alpha.book.ok('peer', 'add', 'beta', f'127.0.0.1:{server.getsockname()[1]}', beta.key)
        process = alpha.book.popen('peer', 'check', 'beta')
        connection, _ = server.accept()
        with connection:
            equal(len(connection.recv(100)), 50)
            connection.sendall(KNOCK[:-1] + b'\2')
            _, err = process.communicate(timeout=COMMAND_TIMEOUT)
    equal(process.returncode, EXIT['unsupported'], err)
    contains(err, 'beta', 'version 2 of the peer protocol')


@test()
def peer__the_daemon_ends_though_somebody_hangs_on(book):
    with friends(book) as (_, beta, daemon), beta.connect() as connection:
        connection.sendall(KNOCK)
        time.sleep(0.5)
        began = time.monotonic()
        daemon.process.terminate()
        equal(daemon.wait(), 0)
        check(time.monotonic() - began < 3, 'it waited for a stranger')


@test()
def peer__an_address_that_is_taken_ends_the_daemon(book):
    alpha, beta = Host(book, 'alpha'), Host(book, 'beta')
    with beta.up():
        second = Daemon(alpha.book, f'--listen={beta.address}', ready=False)
        equal(second.wait(), EXIT['system'])
        contains(second.log(), f'cannot listen at {beta.address}', 'Address already in use')
    for wrong in ('', 'a b', '127.0.0.1:99999'):
        daemon = Daemon(alpha.book, f'--listen={wrong}', ready=False)
        equal(daemon.wait(), EXIT['invalid'], daemon.log())


if __name__ == '__main__':
    main()
