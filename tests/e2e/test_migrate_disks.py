#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Disks of a guest that moves: what is shared stays, what is not goes with it."""

import contextlib
import os
import socket
import subprocess
import threading

from definition import cdrom, disk, domain, serial_socket
from harness import check, contains, equal, main, test, wait_until
from migration import Traveller, hosts, link, one_owner

MIB = 1 << 20
SIZE = 64 * MIB


def tool(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def room(path):
    """Bytes that it takes on the disk below."""
    return os.stat(path).st_blocks * 512


def driver(form, path, more='', target='vda'):
    return disk(path, target, more=more).replace("type='raw'", f"type='{form}'")


class Images:
    """A folder of images for each of two hosts, and one disk that is at first on the one."""

    def __init__(self, book, form='qcow2', size=SIZE):
        self.form = form
        self.there, self.here = (os.path.join(book.folder, name) for name in ('images-b', 'images'))
        for folder in (self.here, self.there):
            os.mkdir(folder)
        self.source, self.target = (
            os.path.join(folder, 'disk.img') for folder in (self.here, self.there))
        tool('qemu-img', 'create', '-q', '-f', form, self.source, str(size))
        tool('qemu-io', '-f', form, '-c', f'write -P 0x5a {size // 2} 4M', self.source)

    def map(self, back=False):
        one, other = (self.there, self.here) if back else (self.here, self.there)
        return '--map', f'path:{one}/={other}/'

    def device(self, more=''):
        return driver(self.form, self.source, more)

    def left(self):
        """What the destination has."""
        return sorted(os.listdir(self.there))

    def sound(self, path):
        """It can be read all through, and has the pattern that it had at first."""
        if self.form == 'qcow2':
            tool('qemu-img', 'check', '-q', '-U', path)
        contains(tool('qemu-io', '-U', '-r', '-f', self.form, '-c',
                      f'read -P 0x5a {SIZE // 2} 4M', path), 'read 4194304/4194304 bytes')


class Writer(Traveller):
    """A guest that is told what to do on its serial port, wherever it runs."""

    def __init__(self, host, images, more=''):
        # pylint: disable=super-init-not-called
        self.book, self.name, self.position = host.book, 'vm1', 0
        self.serial = os.path.join(host.book.folder, 'said')
        self.socket = None
        host.book.define(domain(
            'vm1', images.device(more), serial_socket(os.path.join(images.here, 'console')),
            boot=True))
        self.uuid = host.book.domains()['vm1']['uuid']
        self.images = images

    def hear(self):
        with contextlib.suppress(OSError), open(self.serial, 'ab', buffering=0) as stream:
            while data := self.socket.recv(4096):
                stream.write(data)

    def connect(self, folder):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.path.join(folder, 'console'))
        threading.Thread(target=self.hear, daemon=True).start()

    def start(self):
        self.book.ok('start', self.name)
        self.connect(self.images.here)
        self.wait_for('^READY')
        return self

    def says(self, words, answer='^sh 0$'):
        self.socket.sendall(f'sh {words}\n'.encode())
        self.wait_for(answer)

    def writes(self):
        """From now on it numbers the blocks of its disk, one after the other, each written out."""
        self.says("(i=0; while :; do i=$((i+1)); printf '%08d' $i | dd of=/dev/vda bs=512 "
                  'seek=$i conv=fsync,notrunc 2>/dev/null; done) &')

    def numbered(self, path):
        """How many blocks of an image it has numbered, of which none may be missing."""
        raw = self.images.source + '.raw'
        tool('qemu-img', 'dd', '-U', '-f', self.images.form, '-O', 'raw', 'bs=512', 'count=20000',
             f'if={path}', f'of={raw}')
        with open(raw, 'rb') as stream:
            blocks = stream.read()
        numbers = [blocks[at:at + 8] for at in range(512, len(blocks), 512)]
        count = next(i for i, number in enumerate(numbers) if number == bytes(8))
        equal(numbers[:count], [b'%08d' % (i + 1) for i in range(count)], path)
        check(not any(b''.join(numbers[count:])), 'one is missing', path)
        return count

    def goes_on_writing(self, path):
        before = self.numbered(path)
        wait_until(lambda: self.numbered(path) > before + 2, f'it writes to {path}')
        return before


def started(host, images, *devices):
    guest = Traveller(host, 'vm1', images.device(), *devices).start()
    guest.wait_for(r'^tick 2$')
    return guest


@test('qcow2', 'raw')
def copied__every_write_of_the_guest_goes_with_it(book, form):
    images = Images(book, form)
    with hosts(book) as (alpha, beta):
        guest = Writer(alpha, images).start()
        guest.writes()
        wait_until(lambda: guest.numbered(images.source) > 5, 'it writes')
        alpha.book.ok('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        one_owner((alpha, beta), guest, beta)
        guest.at(beta).goes_on_writing(images.target)
        check(guest.numbered(images.source) <= guest.numbered(images.target))
        for path in (images.source, images.target):
            images.sound(path)
        check(room(images.target) < 8 * MIB, 'the holes were filled', room(images.target))
        equal(images.left(), ['console', 'disk.img'])
        equal(os.stat(images.target).st_mode & 0o777, 0o600)
        # and back, over what was left there
        back = images.map(back=True)
        beta.book.refuse('migrate', 'vm1', 'alpha', *back, '--copy-storage',
                         says=['disk vda', images.source, 'is there already'])
        beta.book.ok('migrate', 'vm1', 'alpha', *back, '--overwrite-storage')
        guest.at(alpha).goes_on_writing(images.source)
        images.sound(images.source)
        check(room(images.source) < 8 * MIB, 'the holes were filled', room(images.source))


if __name__ == '__main__':
    main()
