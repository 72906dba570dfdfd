#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Disks of a guest that moves: what is shared stays, what is not goes with it."""

import contextlib
import os
import signal
import socket
import subprocess
import threading

from client import Client
from definition import cdrom, change_cache, disk, domain, serial_socket
from harness import Book, check, contains, equal, main, qemu_of, test, wait_until
from images import MIB, SIZE, Images, driver, room, tool
from migration import (
    Traveller, after, age, cell, hosts, killed_at, link, one_owner, settled)

LONG = bool(os.environ.get('LONG'))  # every cell, and not only some of each kind


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

    def blocks(self, path):
        raw = self.images.source + '.raw'
        tool('qemu-img', 'dd', '-U', '-f', self.images.form, '-O', 'raw', 'bs=1M', 'count=10',
             f'if={path}', f'of={raw}')
        with open(raw, 'rb') as stream:
            read = stream.read()
        os.unlink(raw)
        return [read[at:at + 8] for at in range(512, len(read), 512)]

    def numbered(self, path):
        """How many blocks of an image it has numbered, of which none may be missing."""
        first = self.blocks(path)
        count = max((i + 1 for i, block in enumerate(first) if any(block)), default=0)
        # it writes while they are read: what came before the last is there at a second look
        equal(self.blocks(path)[:count], [b'%08d' % (i + 1) for i in range(count)], path)
        return count

    def goes_on_writing(self, path):
        before = self.numbered(path)
        wait_until(lambda: self.numbered(path) > before + 2, f'it writes to {path}')
        return before


def writing(host, images):
    """A guest that has numbered some blocks already, and goes on with it."""
    guest = Writer(host, images).start()
    guest.writes()
    wait_until(lambda: guest.numbered(images.source) > 5, 'it writes')
    return guest


def started(host, images, *devices):
    guest = Traveller(host, 'vm1', images.device(), *devices).start()
    guest.wait_for(r'^tick 2$')
    return guest


@test('qcow2', 'raw')
def copied__every_write_of_the_guest_goes_with_it(book, form):
    images = Images(book, form)
    with hosts(book) as (alpha, beta):
        guest = writing(alpha, images)
        said = alpha.book.ok('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        contains(said.err + said.out, '1 of its disks was copied', 'where they were')
        one_owner((alpha, beta), guest, beta)
        guest.at(beta).goes_on_writing(images.target)
        check(guest.numbered(images.source) <= guest.numbered(images.target))
        for path in (images.source, images.target):
            images.sound(path)
        check(room(images.target) < 8 * MIB, 'the holes were filled', room(images.target))
        equal(images.left(), ['console', 'disk.img'])
        equal(os.stat(images.target).st_mode & 0o777, 0o600)
        contains(beta.book.dumpxml('vm1'), images.target)
        beta.book.ok('sync')
        contains(beta.book.git('show', f'domains/{guest.uuid}').out,
                 'Migration-Disk-Bytes: ', 'Migration-Sent-Bytes: ')
        # and back, over what was left there
        back = images.map(back=True)
        beta.book.refuse('migrate', 'vm1', 'alpha', *back, '--copy-storage',
                         says=['disk vda', images.source, 'is there already'])
        beta.book.ok('migrate', 'vm1', 'alpha', *back, '--overwrite-storage')
        guest.at(alpha).goes_on_writing(images.source)
        images.sound(images.source)
        check(room(images.source) < 8 * MIB, 'the holes were filled', room(images.source))


@test()
def copied__between_books_whose_paths_no_socket_could_have(book):
    deep = Book(os.path.join(book.folder, *['long' * 15] * 3))
    os.makedirs(deep.folder)
    images = Images(deep)
    with hosts(deep) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', images.device(), ticking='').start()
        guest.wait_for('^tick 1$')
        alpha.book.ok('migrate', 'vm1', 'beta', '--copy-storage', *images.map())
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        guest.destroy()
        beta.book.ok('migrate', 'vm1', 'alpha', '--overwrite-storage', *images.map(back=True))
        images.sound(images.source)
        one_owner((alpha, beta), guest, alpha)


@test()
def copied__only_what_is_above_the_images_that_both_have(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        base, other = (os.path.join(folder, 'base.img') for folder in (images.here, images.there))
        os.rename(images.source, base)
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, images.source)
        guest = Writer(
            alpha, images, f"<backingStore type='file'><format type='qcow2'/>"
            f"<source file='{base}'/><backingStore/></backingStore>").start()
        guest.writes()
        words = ('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        alpha.book.refuse(*words, says=['disk vda', other, 'copy it there first'])
        with open(other, 'wb') as stream:
            stream.write(bytes(1000))
        alpha.book.refuse(*words, says=['disk vda', 'are others than at the source'])
        # one that builds on others is not overwritten, and nobody is told that it could be
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', images.target, str(SIZE))
        for more in ((), ('--overwrite-storage',)):
            row = alpha.book.json('migrate', '--dry-run', *words[1:], *more)['disks'][0]
            equal((row['verdict'], row['hint']), ('refused', 'remove it there'))
        os.unlink(images.target)
        subprocess.run(['cp', base, other], check=True)
        alpha.book.ok(*words)
        one_owner((alpha, beta), guest, beta)
        guest.at(beta).goes_on_writing(images.target)
        images.sound(images.target)
        contains(tool('qemu-img', 'info', '-U', images.target), other)
        check(room(images.target) < 3 * MIB, 'all of it was copied', room(images.target))


@test()
def shared__is_not_copied(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        guest = Writer(alpha, images).start()
        guest.writes()
        moved = ('--map', f'path:{images.here}/console={images.there}/console')
        look = alpha.book.json('migrate', '--dry-run', 'vm1', 'beta', '--overwrite-storage', *moved)
        equal([(row['target'], row['verdict']) for row in look['disks']], [('vda', 'shared')])
        inode = os.stat(images.source).st_ino
        alpha.book.ok('migrate', 'vm1', 'beta', '--overwrite-storage', *moved)
        one_owner((alpha, beta), guest, beta)
        equal(os.stat(images.source).st_ino, inode)
        guest.at(beta).goes_on_writing(images.source)
        images.sound(images.source)


@test('live', 'offline')
def copied__snapshots_within_an_image_are_named(book, how):
    images = Images(book)
    tool('qemu-img', 'snapshot', '-c', 'before', images.source)
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', images.device())
        if how == 'live':
            guest.start().wait_for('^tick 1$')
        words = ('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        for more in (('--dry-run',), ()):
            contains(alpha.book.ok(*words, *more).err,
                     f'the snapshots within {images.source} (1) are not')
        said = beta.book.ok('migrate', 'vm1', 'alpha', *images.map(back=True), '--dry-run',
                            '--overwrite-storage').err
        equal(said, '')


@test()
def refused__what_could_lose_data(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        media = book.image('cd.iso')
        guest = started(alpha, images, cdrom(media, 'hda', 'ide'))
        before = alpha.book.dumpxml('vm1')

        def refused(*words, says, left=()):
            look = alpha.book.json('migrate', '--dry-run', 'vm1', 'beta', *words)
            equal(look['possible'], False, look)
            alpha.book.refuse('migrate', 'vm1', 'beta', *words, says=says)
            equal(images.left(), list(left))
            equal(alpha.book.json('jobs') + beta.book.json('jobs'), [])
            equal(beta.has('vm1'), False)

        refused(*images.map(), says=['disk vda', f'there is no {images.target}', '--copy-storage'])
        refused('--map', f'path:{media}=/nowhere/cd.iso', says=['disk hda', '/nowhere/cd.iso'])
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', images.target, '1M')
        refused(*images.map(), '--copy-storage', left=['disk.img'],
                says=['disk vda', images.target, 'is there already'])
        refused(*images.map(), '--overwrite-storage', left=['disk.img'],
                says=['disk vda', '1048576 bytes', str(SIZE)])
        os.unlink(images.target)
        guest.goes_on()
        equal(alpha.book.dumpxml('vm1'), before)
        one_owner((alpha, beta), guest, alpha)


def link_to_nothing(path):
    os.symlink('/nowhere/disk.img', path)


@test(*((make.__name__, make) for make in (os.mkdir, os.mkfifo, link_to_nothing)))
def refused__what_is_no_image_at_all(book, case):
    _, make = case
    images = Images(book)
    with hosts(book) as (alpha, beta):
        media = book.image('cd.iso')
        guest = started(alpha, images, cdrom(media, 'hda', 'ide'))
        make(images.target)
        words = ('migrate', 'vm1', 'beta', *images.map(), '--overwrite-storage')
        look = alpha.book.json(*words, '--dry-run')
        equal((look['possible'], look['disks'][0]['verdict']), (False, 'refused'))
        alpha.book.refuse(*words, says=['disk vda', f'{images.target} is a ', 'no image'])
        alpha.book.refuse('migrate', 'vm1', 'beta', '--map', f'path:{media}={images.target}',
                          says=['disk hda', f'{images.target} is a '])
        equal(images.left(), ['disk.img'])
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def refused__an_image_that_somebody_else_has_open(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', images.target, str(SIZE))
        beta.book.define(domain('other', driver('qcow2', images.target)))
        beta.book.ok('start', 'other')
        guest = started(alpha, images)
        alpha.book.refuse('migrate', 'vm1', 'beta', *images.map(), '--overwrite-storage')
        guest.goes_on()
        beta.book.ok('destroy', 'other')
        one_owner((alpha, beta), guest, alpha)


@test()
def shared__by_whoever_writes_it_too_is_not_copied(book):
    images = Images(book, 'raw')
    with hosts(book) as (alpha, beta):
        guest = Writer(alpha, images, '<shareable/>').start()
        guest.writes()
        moved = ('--map', f'path:{images.here}/console={images.there}/console')
        alpha.book.ok('migrate', 'vm1', 'beta', '--overwrite-storage', *moved)
        one_owner((alpha, beta), guest, beta)
        guest.at(beta).goes_on_writing(images.source)
        images.sound(images.source)


@test()
def refused__a_shared_disk_whose_cache_is_unsafe(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1', images.device().replace(
            "type='qcow2'", "type='qcow2' cache='unsafe'")))
        alpha.book.ok('start', 'vm1')
        alpha.book.refuse('migrate', 'vm1', 'beta', says=['disk vda', "cache='unsafe'", '--unsafe'])
        alpha.book.ok('migrate', 'vm1', 'beta', '--unsafe')
        check(beta.runs('vm1'))


@test()
def dry_run__says_what_and_changes_nothing(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        media = book.image('cd.iso')
        started(alpha, images, cdrom(media, 'hda', 'ide'))
        words = ('migrate', '--dry-run', 'vm1', 'beta', *images.map())
        with alpha.book.unchanged(), beta.book.unchanged():
            said = alpha.book.ok(*words).out
            contains(said, 'vm1 would go to beta with its guest, but that is refused\n',
                     f'refused vda: there is no {images.target}\n', '--copy-storage',
                     f'there hda: {media}: ')
            said = alpha.book.ok(*words, '--copy-storage').out
            contains(said, 'vm1 would go to beta with its guest\n', 'in one pass',
                     f'copy vda: {images.target}: ')
            look = alpha.book.json(*words, '--copy-storage')
        equal((look['live'], look['possible'], look['copy_bytes'], look['dry_run'],
               look['one_pass']), (True, True, SIZE, True, True))
        equal([(row['target'], row['path'], row['verdict']) for row in look['disks']],
              [('vda', images.target, 'copy'), ('hda', media, 'there')])
        equal(images.left(), [])
        alpha.book.refuse('migrate', '--dry-run', '--offline', 'vm1', 'beta')


@test()
def dry_run__says_what_would_be_refused_for_more_than_disks(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        uuid = alpha.book.domains()['vm1']['uuid']
        beta.book.define(domain('taken'))
        looking, moving = ('migrate', '--dry-run', 'vm1', 'beta'), ('migrate', 'vm1', 'beta')

        def refused(*more, **what):
            with alpha.book.unchanged(), beta.book.unchanged():
                alpha.book.refuse(*looking, *more, **what)
            result = alpha.book.refuse(*moving, *more, **what)
            check(result.seconds < 10, 'nobody says so at once', result)

        refused('--dname', 'taken', code='exists', says=["is called 'taken'", '--dname'])
        refused('--if-version', '7', code='conflict', says=['is at version 1, not 7'])
        alpha.book.ok(*looking, '--if-version', '1')
        # one of that UUID that has begun there by itself
        beta.book.define(domain('vm1', uuid=uuid))
        refused(code='conflict', says=["the histories of 'vm1' parted"])
        beta.book.ok('undefine', 'vm1')
        refused(code='conflict', says=["the histories of 'vm1' parted"])


@test()
def dry_run__says_what_does_not_come_along(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='').start()
        guest.wait_for('^tick 1$')
        alpha.book.ok('set-vcpus', '--maximum', '--config', 'vm1', '2')
        lost = "'vm1' will start there as it runs now"
        contains(alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run').err, lost)
        refused = [alpha.book.refuse('migrate', 'vm1', 'beta', '--offline', *more).err
                   for more in ((), ('--dry-run',))]
        equal(refused[0], refused[1])
        said = alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run', '--persistent-xml', '-',
                             stdin=alpha.book.dumpxml('vm1'))
        equal(said.err, '')
        for host in (beta, alpha):
            host.book.ok('config', 'require-reason', 'yes', '--reason', 'audit')
            said = alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run').err
            contains(said, f"the book of the host '{host.name}' wants one (--reason TEXT)")
            alpha.book.refuse('migrate', 'vm1', 'beta', code='refused', says='wants a reason',
                              lines=None)
        said = alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run', '--reason', 'repair').err
        check('reason' not in said, said)
        contains(alpha.book.ok('migrate', 'vm1', 'beta', '--reason', 'repair').err, lost)
        guest.at(beta).goes_on()


@test('host-passthrough', 'maximum')
def dry_run__says_that_the_guest_would_see_another_cpu(book, mode):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1', more=f"<cpu mode='{mode}'/>", ticking=''))
        alpha.book.ok('start', 'vm1')
        beta.stop()
        change_cache(beta.book, lambda host: host.update(
            family=6, features=' '.join(sorted(set(host['features'].split()) - {'aes'}))))
        beta.listen()
        for more in (('--dry-run',), ()):
            with alpha.book.unchanged(), beta.book.unchanged():
                alpha.book.refuse('migrate', 'vm1', 'beta', *more, code='refused', says=[
                    "on the host 'beta'", 'family 6 instead of 15', 'without aes',
                    'start --accept-cpu vm1'], lines=None)
        check(alpha.runs('vm1'))
        alpha.book.ok('destroy', 'vm1')
        alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run')
        alpha.book.ok('migrate', 'vm1', 'beta')
        beta.book.ok('start', 'vm1', '--accept-cpu')


@test()
def dry_run__says_which_features_a_named_cpu_would_lack(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1', more="<cpu mode='host-model'/>", ticking=''))
        alpha.book.ok('start', 'vm1')
        alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run')
        beta.stop()
        change_cache(beta.book, lambda host: host.update(
            features=' '.join(sorted(set(host['features'].split()) - {'aes', 'pclmulqdq'}))))
        beta.listen()
        alpha.book.refuse('migrate', 'vm1', 'beta', '--dry-run', code='refused', says=[
            "on the host 'beta'", 'QEMU gives this guest no aes, pclmulqdq'], lines=None)
        alpha.book.ok('destroy', 'vm1')
        alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run')


@test()
def map__exchanges_two_disks_and_never_makes_one_of_them(book):
    paths = [book.image(name) for name in ('one.img', 'two.img')]
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1', disk(paths[0], 'vda'), disk(paths[1], 'vdb')))
        one = f'path:{paths[0]}={paths[1]}'
        for words in (('migrate', 'vm1', 'beta'), ('migrate', '--dry-run', 'vm1', 'beta')):
            for empty in ('', ',,,', f'{one},'):
                alpha.book.refuse(*words, '--map', empty, code='usage',
                                  says=["one of --map '", 'is empty', 'KIND:FROM=TO'])
        alpha.book.refuse('migrate', 'vm1', 'beta', '--map', one, says=[
            'disk vda', f'{paths[1]} would be the image of disk vdb', '--map'])
        look = alpha.book.json('migrate', '--dry-run', 'vm1', 'beta', '--map', one)
        equal([row['verdict'] for row in look['disks']], ['refused', 'refused'])
        contains(look['disks'][1]['why'], 'disk vda')
        alpha.book.ok('migrate', 'vm1', 'beta', '--map', f'{one},path:{paths[1]}={paths[0]}')
        there = beta.book.dumpxml('vm1')
        equal([there.index(path) for path in paths[::-1]],
              sorted(there.index(path) for path in paths))


@test()
def map__names_a_file_whose_name_divides(book):
    paths = [book.image(name) for name in ('a,b=c.img', 'd,e=f.img', 'two.img', 'three.img')]
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1', disk(paths[0], 'vda'), disk(paths[2], 'vdb')))
        source, target = (path.replace(',', '\\,') for path in paths[:2])
        maps = [f'path:{source}={target}'.replace('b=c', 'b\\=c'), f'path:{paths[2]}={paths[3]}']
        alpha.book.ok('migrate', 'vm1', 'beta', '--map', ','.join(maps))
        there = beta.book.dumpxml('vm1')
        contains(there, f"file='{paths[1]}'", f"file='{paths[3]}'")


@test()
def refused__an_image_that_has_lost_its_name(book):
    """QEMU could not let go of it in the end."""
    images = Images(book)
    with hosts(book) as (alpha, beta):
        guest = started(alpha, images)
        os.rename(images.source, images.source + '.away')
        words = ('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        for more in ((), ('--dry-run',)):
            alpha.book.refuse(*words, *more, code='refused', says=[
                f'disk vda: {images.source}', 'not there any more under this name'])
        equal(images.left(), [])
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)
        os.rename(images.source + '.away', images.source)
        alpha.book.ok(*words)
        guest.at(beta).goes_on()


@test()
def map__two_names_of_one_image_are_one(book):
    """By a link to its folder, or by "..", whether it is there or would be made."""
    folders = [os.path.join(book.folder, name) for name in ('images', 'other')]
    paths = [book.image(name, 1) for name in ('one.img', 'two.img')]
    os.mkdir(folders[0])
    os.symlink(folders[0], folders[1])
    image = os.path.join(folders[0], 'disk.img')
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1', disk(paths[0], 'vda'), disk(paths[1], 'vdb')))
        for there in (False, True):
            for again in (os.path.join(folders[1], 'disk.img'), f'{folders[0]}/../other/disk.img'):
                words = ('migrate', 'vm1', 'beta', '--overwrite-storage', '--map',
                         f'path:{paths[0]}={image},path:{paths[1]}={again}')
                look = alpha.book.json(*words, '--dry-run')
                equal([row['verdict'] for row in look['disks']], ['refused', 'refused'])
                alpha.book.refuse(*words, code='refused', says=[
                    'disk vda', f'{image} would be the image of disk vdb', '--map'])
                equal(os.path.exists(image), there)
            book.image('images/disk.img', 1)
        check(alpha.has('vm1') and not beta.has('vm1'))


# ---- whatever dies ----

SOURCE = {
    'outgoing:mirroring': 'alpha', 'outgoing:mirrored': 'alpha', 'outgoing:stopped': 'alpha',
    'outgoing:going': 'alpha', 'outgoing:switched': 'alpha', 'outgoing:sent': 'alpha',
    'outgoing:gone': 'beta',
}
DESTINATION = {
    'incoming:making': 'alpha', 'incoming:made': 'alpha', 'incoming:spawned': 'alpha',
    'incoming:prepared': 'alpha', 'incoming:arrived': 'alpha', 'incoming:committed': 'beta',
}
BRIEF = {'outgoing:mirroring', 'outgoing:stopped', 'outgoing:gone', 'incoming:made',
         'incoming:arrived', 'incoming:committed'}


def cells():
    for side, points in (('source', SOURCE), ('destination', DESTINATION)):
        for point, where in points.items():
            if LONG or point in BRIEF:
                yield point, side, where


def disks_of(images):
    return [name for name in images.left() if name != 'console']


def sound_at(both, guest, images, where):
    """One has it, its disk is whole and goes on, and there is nothing else."""
    owner = after(both, guest, where)
    path = images.source if where == 'alpha' else images.target
    equal(disks_of(images), [] if where == 'alpha' else ['disk.img'])
    guest.at(owner).goes_on_writing(path)
    images.sound(path)
    with guest.qmp() as monitor:
        equal(monitor.call('query-block-jobs'), [])
        equal([node['node-name'] for node in monitor.call('query-named-block-nodes', flat=True)
               if node['node-name'].endswith('-mirror')], [])


def writing(host, images):
    guest = Writer(host, images).start()
    guest.writes()
    wait_until(lambda: guest.numbered(images.source) > 2, 'it writes')
    return guest


@test(*cells())
@cell
def killed__one_has_it_and_its_disk_is_whole(book, cell):
    point, side, where = cell
    images = Images(book)
    with hosts(book) as both:
        guest = writing(both[0], images)
        killed_at(both, point, side, 'migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        sound_at(both, guest, images, where)


@test()
def given_up__only_what_was_made_for_it_goes(book):
    images = Images(book)
    with hosts(book) as both:
        alpha, beta = both
        guest = writing(alpha, images)
        beta.stop()
        beta.listen(env={'DOMESDAY_CRASH_AT': 'incoming:made'})
        alpha.book.run('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        beta.daemon.wait()
        equal(disks_of(images), ['disk.img'])
        # somebody else's comes in its place
        os.rename(images.target, images.target + '.kept')
        with open(images.target, 'w', encoding='ascii') as stream:
            stream.write('mine')
        after(both, guest, 'alpha')
        equal(disks_of(images), ['disk.img', 'disk.img.kept'])
        with open(images.target, encoding='ascii') as stream:
            equal(stream.read(), 'mine')


def interrupt(who, both, guest, process, between):
    alpha, beta = both
    if who == 'driver':
        process.kill()
    elif who == 'daemon':
        beta.kill()
    elif who == 'qemu':
        os.kill(qemu_of(beta.lock(guest.uuid)), signal.SIGKILL)
    elif who == 'link':
        between.close()
    elif who == 'silence':
        between.silent.set()
    else:
        alpha.book.ok('job-abort', 'vm1')


def copying(alpha, images, between):
    """A migration whose disk is on its way, slowly."""
    process = alpha.book.popen(
        'migrate', 'vm1', 'beta', *images.map(), '--copy-storage', '--bandwidth', '1')
    between.wait_for(MIB, process)
    return process


@test('driver', 'daemon', 'qemu', 'abort', *(('link', 'silence') if LONG else ()))
@cell
def copying__is_interrupted(book, who):
    images = Images(book)
    with hosts(book) as both:
        alpha, beta = both
        guest = writing(alpha, images)
        with link(alpha, beta) as between:
            process = copying(alpha, images, between)
            interrupt(who, both, guest, process, between)
            check(process.wait(60) != 0, 'it went well')
        alpha.knows(beta)
        sound_at(both, guest, images, 'alpha')
        alpha.book.ok('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
        guest.at(beta).goes_on_writing(images.target)
        images.sound(images.target)


def ends_on_the_way(book, end):
    images = Images(book)
    with hosts(book) as both:
        alpha, beta = both
        guest = writing(alpha, images)
        with link(alpha, beta) as between:
            process = copying(alpha, images, between)
            end(alpha, guest)
            said = process.communicate(timeout=60)[1]
            check(process.returncode != 0, 'it went well')
            contains(said, "the guest of 'vm1' has ended while it was moved to the host 'beta': "
                     'the domain stays here, and is off', 'domesday start vm1')
            check('could not be undone' not in said, said)
        equal(alpha.book.json('jobs'), [])
        equal(alpha.book.domains()['vm1']['state'], 'shut off')
        wait_until(lambda: settled(both), 'all is settled', 60)
        check(alpha.has('vm1') and not beta.has('vm1'))
        equal(disks_of(images), [])
        images.sound(images.source)


@test()
@cell
def copying__the_source_s_guest_dies(book):
    ends_on_the_way(book, lambda alpha, guest: os.kill(
        qemu_of(alpha.lock(guest.uuid)), signal.SIGKILL))


@test()
def copying__the_guest_powers_itself_off(book):
    ends_on_the_way(book, lambda _, guest: guest.socket.sendall(b'sh poweroff -f\n'))


# ---- driven by a client ----

def wishes(images):
    return f'map=path:{images.here}/={images.there}/', 'copy=yes'


@test('qcow2', 'raw')
def client__takes_the_disks_along(book, form):
    images = Images(book, form)
    with hosts(book) as (alpha, beta):
        guest = writing(alpha, images)
        with Client(alpha, beta) as client:
            client.go('perform', *wishes(images))
            # it stands still, and all that it had written is there
            check(guest.numbered(images.source) > 5)
            client.call('confirm', client.call('finish', client.cookies['perform']))
        one_owner((alpha, beta), guest, beta)
        guest.at(beta).goes_on_writing(images.target)
        check(guest.numbered(images.source) <= guest.numbered(images.target))
        for path in (images.source, images.target):
            images.sound(path)
        check(room(images.target) < 8 * MIB, 'the holes were filled', room(images.target))


@test('begin', 'prepare', 'perform', 'finish')
def client__dies_with_disks_on_their_way(book, last):
    """After each call; and at the source nothing has become of the disk."""
    images = Images(book)
    with hosts(book) as (alpha, beta):
        guest = Writer(alpha, images).start()
        guest.writes()
        with Client(alpha, beta) as client:
            client.go(last, *wishes(images))
            client.kill()
        if last == 'begin':
            age(beta, 660)  # an offer waits so long for a client that comes back
        owner = beta if last == 'finish' else alpha
        wait_until(lambda: settled((alpha, beta)), 'all is settled', 60)
        one_owner((alpha, beta), guest, owner)
        path = images.target if owner is beta else images.source
        guest.at(owner).goes_on_writing(path)
        images.sound(path)
        equal('disk.img' in images.left(), owner is beta)
        if owner is alpha:  # and no job is left in its QEMU that would be in the way
            alpha.book.ok('migrate', 'vm1', 'beta', *images.map(), '--copy-storage')
            guest.at(beta).goes_on_writing(images.target)


@test('prepare', 'perform')
def client__calls_off_disks_on_their_way(book, last):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        guest = Writer(alpha, images).start()
        guest.writes()
        with Client(alpha, beta) as client:
            client.go('prepare', *wishes(images))
            if last == 'perform':
                client.refuse('perform', client.cookies['prepare'], 'call-off', says='called off')
            else:
                client.call('cancel')
        one_owner((alpha, beta), guest, alpha)
        guest.goes_on_writing(images.source)
        equal('disk.img' in images.left(), False)


if __name__ == '__main__':
    main()
