# SPDX-License-Identifier: Apache-2.0
"""Images of disks, in a folder of each of two hosts."""

import os
import subprocess

from definition import disk
from harness import contains, wait_until

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
            # who looks while a QEMU writes may see an entry and not yet its count; damage stays
            look = ('qemu-img', 'check', '-q', '-U', path)
            wait_until(lambda: subprocess.run(look, capture_output=True, check=False)
                       .returncode == 0, f'{path} is sound', 20)
        contains(tool('qemu-io', '-U', '-r', '-f', self.form, '-c',
                      f'read -P 0x5a {SIZE // 2} 4M', path), 'read 4194304/4194304 bytes')
