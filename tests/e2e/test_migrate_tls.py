#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1200
"""A guest's memory that goes by QEMU's own TLS; or by the relay, where it cannot."""

import contextlib
import glob
import os
import socket
import subprocess
import threading
import time

from client import Client
from harness import Skip, check, contains, equal, main, test, wait_until
from migration import Link, Obedient, Traveller, after, hosts, one_owner

TLS = ('--transport', 'tls')
WORDS = 'the plain truth of this guest'


def keys(book):
    """Files of keys, and what is in them, wherever they are."""
    return glob.glob(book.folder + '/**/*.psk', recursive=True)


def no_keys(book):
    equal(keys(book), [], 'a key is left')


def trailers(host, guest):
    return host.book.git('log', '-1', '--format=%B', '--all', '--grep', 'Migration-Tls').out


@contextlib.contextmanager
def listening():
    """All that goes over the loopback meanwhile."""
    taken = []
    try:
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        ear.bind(('lo', 0))
    except OSError as error:
        raise Skip(f'nobody can listen here: {error}') from None
    ear.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    ear.settimeout(0.2)
    over = threading.Event()

    def hear():
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                taken.append(ear.recv(1 << 17))

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        yield taken
    finally:
        time.sleep(0.5)
        over.set()
        thread.join()
        ear.close()


@test()
def tls__is_how_it_goes_where_it_is_asked_for(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        moved = alpha.book.json('migrate', 'vm1', 'beta', *TLS)
        equal(moved['transport'], 'tls')
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        beta.book.ok('sync')
        contains(trailers(beta, guest), 'Migration-Tls: 1')
        no_keys(book)
        # and the other way, as QEMU has been told of a key before
        equal(beta.book.json('migrate', 'vm1', 'alpha')['transport'], 'relay')
        guest.at(alpha).goes_on()
        equal(alpha.book.json('migrate', 'vm1', 'beta', *TLS)['transport'], 'tls')
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        no_keys(book)


@test('tls', 'relay')
def tls__nothing_of_the_guest_is_plain_on_the_wire(book, how):
    with hosts(book) as (alpha, beta):
        guest = Obedient(alpha, 'vm1').start()
        guest.tell(f"for i in 1 2 3 4 5 6 7 8 9; do echo '{WORDS}'; done > /plain")
        with listening() as taken:
            with socket.create_connection(('127.0.0.1', beta.port)) as control:
                control.sendall(b'a control of the ear ' + WORDS.upper().encode())
                time.sleep(0.3)
            equal(alpha.book.json('migrate', 'vm1', 'beta', '--transport', how)['transport'], how)
        check(sum(map(len, taken)) > 8 << 20, 'nothing was heard')
        check(any(WORDS.upper().encode() in packet for packet in taken), 'the ear is deaf')
        check(not any(WORDS.encode() in packet for packet in taken), 'it can be read')
        guest.at(beta).tell("test $(grep -c 'plain truth' /plain) = 9")
        one_owner((alpha, beta), guest, beta)


@test()
def tls__by_the_relay_where_there_is_no_way(book):
    """beta is known by another address, where its other ports are not."""
    with hosts(book) as (alpha, beta), contextlib.closing(
            Link(beta.port, '127.0.0.2')) as between:
        alpha.book.ok('peer', 'add', 'beta', f'127.0.0.2:{between.port}', beta.key)
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        result = alpha.book.ok('--json', 'migrate', 'vm1', 'beta', *TLS)
        equal(result.json['transport'], 'relay')
        contains(result.err, 'by the relay', 'cannot reach port')
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        no_keys(book)


@test('outgoing:armed', 'outgoing:stopped', 'outgoing:switched')
def tls__no_key_outlives_the_command(book, point):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        result = alpha.book.run('migrate', 'vm1', 'beta', *TLS, env={'DOMESDAY_CRASH_AT': point})
        equal(result.rc, -9, result)
        after((alpha, beta), guest, 'alpha')
        guest.goes_on()
        no_keys(book)
        equal(alpha.book.json('migrate', 'vm1', 'beta', *TLS)['transport'], 'tls')
        guest.at(beta).goes_on()


@test('incoming:armed', 'incoming:arrived')
def tls__no_key_outlives_the_daemon_there(book, point):
    with hosts(book) as (alpha, beta):
        beta.stop()
        beta.listen(env={'DOMESDAY_CRASH_AT': point})
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        check(alpha.book.run('migrate', 'vm1', 'beta', *TLS).rc != 0)
        after((alpha, beta), guest, 'alpha')
        guest.goes_on()
        no_keys(book)


@test()
def tls__is_called_off(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 1$')
        process = alpha.book.popen('migrate', 'vm1', 'beta', *TLS, '--bandwidth', '4')
        wait_until(lambda: keys(book), 'it has a key there', 30)
        for path in keys(book):
            equal(os.stat(path).st_mode & 0o777, 0o600)
            check('/beta/run/' in path, path)
        time.sleep(1)
        alpha.book.ok('job-abort', 'vm1')
        out, err = process.communicate(timeout=60)
        equal(process.returncode, 8, out, err)
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)
        no_keys(book)


@test('', '--dry-run')
def tls__is_not_for_postcopy(book, how):
    more = [how] if how else []
    with hosts(book) as (alpha, _):
        Traveller(alpha, 'vm1').start()
        alpha.book.refuse('migrate', 'vm1', 'beta', *TLS, '--postcopy', *more, code='invalid',
                          says=['relay'])
        alpha.book.refuse('migrate', 'vm1', 'beta', '--transport', 'pigeon', code='usage',
                          says=['pigeon'])


@test()
def tls__a_client_drives_it_too(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        with Client(alpha, beta) as client:
            client.go('confirm', 'tls=yes')
            contains(client.cookies['perform'], '"tls":1')
            check(all('key' not in cookie for cookie in client.cookies.values()))
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        no_keys(book)


if __name__ == '__main__':
    main()
