#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Guests in trouble while they move: disks that are full, memory that never stands still."""

import contextlib
import ctypes
import os
import subprocess

from definition import disk
from harness import Skip, check, contains, equal, main, test, wait_until
from images import SIZE, Images
from migration import Obedient, Traveller, hosts, one_owner

MIB = 1 << 20


@contextlib.contextmanager
def small_disk(book, mib=4):
    """A folder with that much room, which only this test and its children see."""
    folder = os.path.join(book.folder, 'small')
    os.mkdir(folder)
    if ctypes.CDLL(None).unshare(0x20000):  # CLONE_NEWNS
        raise Skip('this machine allows no mounts of our own')
    subprocess.run(['mount', '--make-rprivate', '/'], check=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={mib}m', 'none', folder], check=True)
    try:
        yield folder
    finally:
        book.end_guests()
        subprocess.run(['umount', '-l', folder], check=True)


def image_on(folder, mib=16):
    """An image that has not room for all that it promises."""
    path = os.path.join(folder, 'disk.img')
    with open(path, 'wb') as stream:
        stream.truncate(mib * MIB)
    return path


def fill(guest):
    """Its disk, in the background, and then it says how that went."""
    guest.tell('head -c 4194304 /dev/urandom > /a')
    guest.tell('(dd if=/a of=/dev/vda bs=1M count=4; dd if=/a of=/dev/vda bs=1M seek=4 count=4 '
               'conv=fsync && echo it is written) >/dev/ttyS0 2>&1 &')


def stopped(host, state='paused'):
    return host.book.ok('domstate', 'vm1').out.strip() == state


def mended(folder, host, guest):
    """With room for it, its write is tried again, and it goes on."""
    subprocess.run(['mount', '-o', 'remount,size=32m', folder], check=True)
    host.book.ok('resume', 'vm1')
    guest.wait_for('it is written', 60)
    guest.goes_on()


@test()
def io_error__a_guest_that_it_has_stopped_is_moved(book):
    with small_disk(book) as folder, hosts(book) as (alpha, beta):
        guest = Obedient(alpha, 'vm1', disk(image_on(folder), 'vda')).start()
        fill(guest)
        wait_until(lambda: stopped(alpha), 'its disk is full', 60)
        alpha.book.ok('migrate', 'vm1', 'beta')
        one_owner((alpha, beta), guest, beta)
        guest.at(beta)
        wait_until(lambda: stopped(beta), 'it is still full there', 30)
        check('it is written' not in guest.said(), guest.said())
        mended(folder, beta, guest)


@test()
def io_error__that_comes_on_the_way_ends_it(book):
    with small_disk(book) as folder, hosts(book) as (alpha, beta):
        guest = Obedient(alpha, 'vm1', disk(image_on(folder), 'vda')).start()
        process = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '4')
        wait_until(lambda: beta.alive(guest.uuid), 'it is under way', 30)
        fill(guest)
        out, err = process.communicate(timeout=120)
        equal(process.returncode, 8, out, err)
        contains(err, 'I/O error', 'resume it')
        one_owner((alpha, beta), guest, alpha)
        equal(stopped(alpha), True)
        mended(folder, alpha, guest)


# What a guest does to its own ports, done by its QEMU: it panics; it sets its watchdog to a second.
@test(('panic', "<panic model='isa'/>", 'o /b 0x505 1', 'crashed'),
      ('watchdog', "<watchdog model='ib700' action='pause'/>", 'o /b 0x443 15', 'paused'))
def stopped__a_guest_that_something_else_has_stopped_stays_so(book, case):
    _, device, command, state = case
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', device, ticking='', more='<on_crash>preserve</on_crash>')
        guest.start().wait_for('^tick 1$')
        with guest.qmp() as qmp:
            qmp.call('human-monitor-command', **{'command-line': command})
        wait_until(lambda: stopped(alpha, state), state)
        counted = guest.counts()
        for words, host in ((['--local'], alpha), (['beta'], beta), (['alpha'], alpha)):
            guest.book.ok('migrate', 'vm1', *words)
            wait_until(lambda where=host: stopped(where, state), f'it is {state} after {words}')
            guest.at(host)
        equal(guest.counts(), counted)
        alpha.book.ok('resume', 'vm1')
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def block_job__that_somebody_has_begun_is_not_the_end_of_the_guest(book):
    with hosts(book) as (alpha, beta):
        images = Images(book)
        guest = Traveller(alpha, 'vm1', images.device(), ticking='').start()
        guest.wait_for('^tick 1$')
        with guest.qmp() as qmp:
            qmp.call('blockdev-add', **{'driver': 'null-co', 'node-name': 'nil', 'size': SIZE})
            qmp.call('blockdev-mirror', **{'job-id': 'theirs', 'device': 'virtio-disk0-format',
                                           'target': 'nil', 'sync': 'full', 'speed': 1024})
        for words in (['beta', '--unsafe'], ['beta', '--copy-storage', *images.map()], ['--local'],
                      ['beta', '--dry-run']):
            alpha.book.refuse('migrate', 'vm1', *words, code='refused',
                              says=["'theirs'", 'wait for its end, or cancel it'])
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)
        with guest.qmp() as qmp:
            qmp.call('block-job-cancel', device='theirs', force=True)
            qmp.wait_event('BLOCK_JOB_CANCELLED')
        alpha.book.ok('migrate', 'vm1', 'beta')
        guest.at(beta).goes_on()


@test()
def emulated__one_that_changes_all_the_time_arrives_whole(book):
    """It is sent once, and stands still for what it has changed meanwhile: what an emulated guest
    writes after another look QEMU may lose, and here that would be its count."""
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='write=64').start()
        words = ['script', '-qec', ' '.join(
            f"'{word}'" for word in alpha.book.command('migrate', 'vm1', 'beta', '--bandwidth',
                                                       '24')), '/dev/null']
        shown = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
        equal(shown.returncode, 0, shown.stdout, shown.stderr)
        contains(shown.stdout, 'MiB/s', 's to go')
        one_owner((alpha, beta), guest, beta)
        guest.at(beta).goes_on()
        beta.book.ok('migrate', 'vm1', 'alpha')
        guest.at(alpha).goes_on()
        one_owner((alpha, beta), guest, alpha)


if __name__ == '__main__':
    main()
