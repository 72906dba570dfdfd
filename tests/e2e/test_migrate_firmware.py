#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""What a guest's firmware remembers goes with it, and overwrites nothing."""

import fcntl
import os
import stat
import struct

from client import Client
from definition import domain
from harness import F_OFD_SETLK, check, contains, equal, main, test, wait_until
from migration import Traveller, after, hosts

WRITES = struct.pack('hhqqi4x', fcntl.F_RDLCK, os.SEEK_SET, 101, 1, 0)  # a QEMU's lock


class Firmware:
    """A guest with variables in a file, and the file that it is to have at the other host."""

    CODE = '/usr/share/seabios/bios-256k.bin'

    def __init__(self, book, host, template=False):
        self.here, self.model = (os.path.join(book.folder, name) for name in ('vars', 'model'))
        self.there = self.here + '-there'
        self.put(self.model, b'\0')
        if not template:
            self.put(self.here, b'\0')
        attribute = f" template='{self.model}'" if template else ''
        self.xml = domain('vm1', ticking='', machine='q35').replace(
            '<kernel>', f"<loader readonly='yes' type='pflash'>{self.CODE}</loader>"
            f'<nvram{attribute}>{self.here}</nvram><kernel>')
        host.book.define(self.xml)

    @staticmethod
    def put(path, byte, size=1 << 17):
        with open(path, 'wb') as stream:
            stream.write(byte * size)

    def holds(self, path, byte):
        with open(path, 'rb') as stream:
            equal(set(stream.read()), set(byte), path)

    def at(self, path, byte):
        """Such a file, nobody else's, and nothing beside it that is ours."""
        self.holds(path, byte)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
        check(not self.spare(), self.spare())

    def spare(self):
        folder = os.path.dirname(self.there)
        return [name for name in os.listdir(folder) if '.domesday-' in name]

    def map(self):
        return '--map', f'path:{self.here}={self.there}'


def ready(book, host, state):
    """One that runs, or whose firmware has written something before."""
    firmware = Firmware(book, host, template=True)
    host.book.ok('start', 'vm1')
    if state == 'off':
        host.book.ok('destroy', 'vm1')
        firmware.put(firmware.here, b'\x55')
    return firmware, b'\0' if state == 'running' else b'\x55'


@test('running', 'off')
def firmware__its_variables_go_along(book, state):
    with hosts(book) as (alpha, beta):
        firmware, byte = ready(book, alpha, state)
        words = ('migrate', 'vm1', 'beta', *firmware.map())
        row, = alpha.book.json(*words, '--dry-run')['disks']
        equal((row['target'], row['verdict'], row['path']), ('nvram', 'sent', firmware.there))
        equal(os.path.exists(firmware.there), False)
        alpha.book.ok(*words)
        equal(beta.runs('vm1'), state == 'running')
        firmware.at(firmware.there, byte)
        firmware.holds(firmware.here, byte)
        firmware.holds(firmware.model, b'\0')


@test('running', 'off')
def firmware__its_variables_overwrite_nothing(book, state):
    with hosts(book) as (alpha, beta):
        firmware, byte = ready(book, alpha, state)
        words = ('migrate', 'vm1', 'beta', *firmware.map())

        def refused(says, *hint):
            row, = alpha.book.json(*words, '--dry-run')['disks']
            equal((row['target'], row['verdict']), ('nvram', 'refused'))
            contains(row['why'], says)
            alpha.book.refuse(*words, says=['nvram: ', firmware.there, says, *hint])
            check(alpha.has('vm1') and not beta.has('vm1'))

        firmware.put(firmware.there, b'\xaa')
        refused('are others than at the source', '--overwrite-storage', '--map')
        firmware.holds(firmware.there, b'\xaa')
        firmware.put(firmware.there, byte)
        row, = alpha.book.json(*words, '--dry-run')['disks']
        equal((row['verdict'], row['path']), ('there', firmware.there))
        alpha.book.ok(*words)
        firmware.holds(firmware.there, byte)


@test('running', 'off')
def firmware__its_variables_come_back_to_where_they_were(book, state):
    with hosts(book) as (alpha, beta):
        firmware, byte = ready(book, alpha, state)
        alpha.book.ok('migrate', 'vm1', 'beta', *firmware.map())
        firmware.put(firmware.here, b'\xaa')
        back = ('migrate', 'vm1', 'alpha', '--map', f'path:{firmware.there}={firmware.here}')
        beta.book.refuse(*back, says=['nvram: ', firmware.here, '--overwrite-storage'])
        row, = beta.book.json(*back, '--overwrite-storage', '--dry-run')['disks']
        equal((row['verdict'], row['path']), ('sent', firmware.here))
        contains(row['why'], 'takes the place of another')
        firmware.holds(firmware.here, b'\xaa')
        with open(firmware.here, 'rb') as writer:
            fcntl.fcntl(writer, F_OFD_SETLK, WRITES)
            beta.book.refuse(*back, '--overwrite-storage', says='somebody writes to them')
        firmware.holds(firmware.here, b'\xaa')
        beta.book.ok(*back, '--overwrite-storage')
        firmware.at(firmware.here, byte)
        equal(alpha.runs('vm1'), state == 'running')


@test('running', 'off')
def firmware__a_client_takes_its_variables_along(book, state):
    with hosts(book) as (alpha, beta):
        firmware, byte = ready(book, alpha, state)
        with Client(alpha, beta) as client:
            client.go('prepare', f'map={firmware.map()[1]}')
            firmware.holds(firmware.there, byte)
            client.call('cancel', 'source')
            wait_until(lambda: not os.path.exists(firmware.there), 'it is away')
            client.go('confirm', f'map={firmware.map()[1]}')
        firmware.at(firmware.there, byte)
        equal(beta.runs('vm1'), state == 'running')


@test()
def firmware__says_what_cannot_go_along(book):
    with hosts(book) as (alpha, beta):
        firmware = Firmware(book, alpha)
        firmware.put(firmware.here, b'\x55', (4 << 20) + 1)
        alpha.book.refuse('migrate', 'vm1', 'beta', *firmware.map(), says=[
            f'there is no {firmware.there}', 'more than 4 MiB', 'copy the source', '--map'])
        firmware.put(firmware.here, b'\x55', 4 << 20)
        nowhere = os.path.join(book.folder, 'nowhere', 'vars')
        for more in ((), ('--dry-run',)):
            said = alpha.book.run('migrate', 'vm1', 'beta', '--map',
                                  f'path:{firmware.here}={nowhere}', *more)
            contains(said.out + said.err, f'no folder for {nowhere}')
        alpha.book.ok('migrate', 'vm1', 'beta', *firmware.map())
        firmware.at(firmware.there, b'\x55')
        equal(os.path.getsize(firmware.there), 4 << 20)
        check(beta.has('vm1'))


@test(*[f'{state} {step}' for state in ('running', 'off')
        for step in ('incoming:making', 'incoming:made', 'incoming:prepared')])
def firmware__nothing_stays_where_it_comes_to_nothing(book, case):
    state, step = case.split()
    with hosts(book) as both:
        alpha, beta = both
        firmware, byte = ready(book, alpha, state)
        guest = Traveller.__new__(Traveller)
        guest.name, guest.uuid = 'vm1', alpha.book.domains()['vm1']['uuid']
        beta.stop()
        beta.listen(env={'DOMESDAY_CRASH_AT': step})
        check(alpha.book.run('migrate', 'vm1', 'beta', *firmware.map()).rc != 0)
        wait_until(lambda: beta.daemon.process.poll() is not None, 'it has died there')
        after(both, guest, 'alpha')
        wait_until(lambda: not os.path.exists(firmware.there), 'it is away')
        equal(firmware.spare(), [])
        firmware.holds(firmware.here, byte)
        alpha.book.ok('migrate', 'vm1', 'beta', *firmware.map())
        firmware.at(firmware.there, byte)


@test()
def firmware__variables_that_both_hosts_have_stay(book):
    with hosts(book) as (alpha, beta):
        firmware = Firmware(book, alpha)
        alpha.book.ok('start', 'vm1')
        row, = alpha.book.json('migrate', 'vm1', 'beta', '--dry-run')['disks']
        equal((row['target'], row['verdict']), ('nvram', 'shared'))
        alpha.book.ok('migrate', 'vm1', 'beta')
        check(beta.runs('vm1'))
        firmware.holds(firmware.here, b'\0')


@test()
def firmware__that_never_ran_has_nothing_to_lose(book):
    with hosts(book) as (alpha, beta):
        firmware = Firmware(book, alpha, template=True)
        row, = alpha.book.json('migrate', 'vm1', 'beta', '--dry-run')['disks']
        equal((row['verdict'], os.path.exists(firmware.here)), ('there', False))
        alpha.book.ok('migrate', 'vm1', 'beta')
        check(beta.has('vm1'))


if __name__ == '__main__':
    main()
