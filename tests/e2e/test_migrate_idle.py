#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Disks of a domain that does not run, and moves."""

import contextlib
import os
import re
import signal
import subprocess

from client import Client
from definition import cdrom, disk, domain
from harness import Skip, check, contains, equal, main, qemu_of, test, wait_until
from images import MIB, SIZE, Images, driver, room, tool
from migration import after, age, cell, hosts, killed_at, link, one_owner, settled, stopped

LONG = bool(os.environ.get('LONG'))  # every cell, and not only some of each kind


class Still:
    """A domain that is off, with a disk that only the one host has."""

    name = 'vm1'

    def __init__(self, host, images, more='', also=()):
        self.images = images
        host.book.define(domain(self.name, images.device(more), *also))
        self.uuid = host.book.domains()[self.name]['uuid']

    def words(self, *more, back=False):
        return ('migrate', self.name, 'alpha' if back else 'beta', *self.images.map(back), *more)


def same(images, form=None):
    """Byte by byte, as a guest sees them, and sound."""
    tool('qemu-img', 'compare', '-f', form or images.form, '-F', form or images.form,
         images.source, images.target)
    for path in (images.source, images.target):
        images.sound(path)


def startable(host):
    host.book.ok('start', 'vm1')
    host.book.ok('destroy', 'vm1')


@test('qcow2', 'raw')
def copied__byte_by_byte_and_its_holes_stay_holes(book, form):
    images = Images(book, form)
    with hosts(book) as (alpha, beta):
        still = Still(alpha, images)
        said = alpha.book.ok(*still.words('--copy-storage'))
        contains(said.err + said.out, "vm1 is the host beta's now",
                 '1 of its disks was copied', 'where they were')
        one_owner((alpha, beta), still, beta)
        check('broken' not in beta.daemon.log(), beta.daemon.log())
        same(images)
        check(room(images.target) < 8 * MIB, 'the holes were filled', room(images.target))
        equal(images.left(), ['disk.img'])
        equal(os.stat(images.target).st_mode & 0o777, 0o600)
        contains(beta.book.dumpxml('vm1'), images.target)
        startable(beta)
        # and back, over what was left there
        tool('qemu-io', '-f', form, '-c', 'write -P 0x77 1M 1M', images.target)
        back = still.words('--copy-storage', back=True)
        beta.book.refuse(*back, says=['disk vda', images.source, 'is there already'])
        answer = beta.book.json(*still.words('--overwrite-storage', back=True))
        equal((answer['live'], answer['copied_disks']), (False, 1))
        check(answer['disk_bytes'] > 4 * MIB, 'what was written is 4 MiB', answer)
        alpha.book.ok('sync')
        contains(alpha.book.git('show', f'domains/{still.uuid}').out,
                 f"Migration-Disk-Bytes: {answer['disk_bytes']}\n", 'Migration-Total-Ms: ')
        same(images)
        check(room(images.source) < 8 * MIB, 'the holes were filled', room(images.source))
        startable(alpha)


@test()
def copied__only_what_is_above_the_images_that_both_have(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        base, other = (os.path.join(folder, 'base.img') for folder in (images.here, images.there))
        os.rename(images.source, base)
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, images.source)
        tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x11 1M 1M', images.source)
        still = Still(alpha, images, f"<backingStore type='file'><format type='qcow2'/>"
                      f"<source file='{base}'/><backingStore/></backingStore>")
        words = still.words('--copy-storage')
        alpha.book.refuse(*words, says=['disk vda', other, 'copy it there first'])
        with open(other, 'wb') as stream:
            stream.write(bytes(1000))
        alpha.book.refuse(*words, says=['disk vda', 'are others than at the source'])
        subprocess.run(['cp', base, other], check=True)
        alpha.book.ok(*words)
        one_owner((alpha, beta), still, beta)
        same(images)
        contains(tool('qemu-img', 'info', images.target), other)
        check(room(images.target) < 3 * MIB, 'all of it was copied', room(images.target))
        startable(beta)


@test()
def copied__a_chain_that_only_the_image_names_becomes_one(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        base = os.path.join(images.here, 'base.img')
        os.rename(images.source, base)
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, images.source)
        tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x11 1M 1M', images.source)
        still = Still(alpha, images)
        alpha.book.ok(*still.words('--copy-storage'))
        same(images)
        check('backing' not in tool('qemu-img', 'info', images.target))
        startable(beta)


@test()
def copied__several_of_them_each_to_its_own(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        second = [os.path.join(folder, 'second.img') for folder in (images.here, images.there)]
        tool('qemu-img', 'create', '-q', '-f', 'raw', second[0], '8M')
        tool('qemu-io', '-f', 'raw', '-c', 'write -P 0x22 3M 1M', second[0])
        media = book.image('cd.iso')
        still = Still(alpha, images, also=(disk(second[0], 'vdb'), cdrom(media, 'hda', 'ide')))
        look = alpha.book.json(*still.words('--copy-storage', '--dry-run'))
        equal([(row['target'], row['verdict']) for row in look['disks']],
              [('vda', 'copy'), ('vdb', 'copy'), ('hda', 'there')])
        equal(look['copy_bytes'], SIZE + 8 * MIB)
        equal(images.left(), [])
        equal(alpha.book.json(*still.words('--copy-storage'))['copied_disks'], 2)
        same(images)
        tool('cmp', *second)
        check(room(second[1]) <= 2 * MIB, 'the holes were filled')
        startable(beta)


@test()
def copied__to_the_disk_of_its_name_where_others_are_missing(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        first = book.image('first.img')
        alpha.book.define(domain('vm1', disk(first, 'vda'),
                                 driver('qcow2', images.source, target='vdb')))
        there = re.sub(r"\n    <disk [^>]*>(?:(?!</disk>).)*first.img.*?</disk>", '',
                       alpha.book.dumpxml('vm1'), flags=re.DOTALL)
        check('first.img' not in there and 'disk.img' in there, there)
        alpha.book.ok('migrate', 'vm1', 'beta', '--copy-storage', '--xml',
                      book.file('there.xml', there.replace(images.here, images.there)))
        same(images)
        equal(images.left(), ['disk.img'])
        startable(beta)


@test()
def shared__is_not_copied(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        still = Still(alpha, images)
        inode = os.stat(images.source).st_ino
        answer = alpha.book.json('migrate', 'vm1', 'beta', '--overwrite-storage')
        equal((answer['copied_disks'], answer['disk_bytes']), (0, 0))
        one_owner((alpha, beta), still, beta)
        equal(os.stat(images.source).st_ino, inode)
        images.sound(images.source)


@test()
def refused__what_could_lose_data(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        still = Still(alpha, images)

        def refused(*more, says, left=()):
            with alpha.book.unchanged(), beta.book.unchanged():
                look = alpha.book.json(*still.words('--dry-run', *more))
                equal(look['possible'], False, look)
                alpha.book.refuse(*still.words(*more), says=says)
            equal(images.left(), list(left))
            equal(alpha.book.json('jobs') + beta.book.json('jobs'), [])

        refused(says=['disk vda', f'there is no {images.target}', '--copy-storage'])
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', images.target, '1M')
        refused('--copy-storage', left=['disk.img'],
                says=['disk vda', images.target, 'is there already'])
        refused('--overwrite-storage', left=['disk.img'],
                says=['disk vda', '1048576 bytes', str(SIZE)])
        os.unlink(images.target)
        startable(alpha)
        # a copy that its user has made is taken as it is
        subprocess.run(['cp', images.source, images.target], check=True)
        inode = os.stat(images.target).st_ino
        alpha.book.ok(*still.words())
        one_owner((alpha, beta), still, beta)
        equal(os.stat(images.target).st_ino, inode)


@test()
def refused__what_could_not_be_copied(book):
    """The dry run says so, too, and neither leaves anything."""
    images = Images(book)
    nowhere = os.path.join(book.folder, 'nowhere')
    with hosts(book) as (alpha, beta):
        Still(alpha, images)

        def refused(path, *more, says):
            words = ('migrate', 'vm1', 'beta', '--map', f'path:{images.source}={path}', *more)
            before = images.left()
            with alpha.book.unchanged(), beta.book.unchanged():
                look = alpha.book.json(*words, '--dry-run')
                equal((look['possible'], look['disks'][0]['verdict']), (False, 'refused'), look)
                contains(look['disks'][0]['why'], says)
                alpha.book.refuse(*words, code='refused', says=['disk vda', says])
            equal(images.left(), before)
            equal(alpha.book.json('jobs') + beta.book.json('jobs'), [])

        refused(f'{nowhere}/disk.img', '--copy-storage',
                says=f'there is no folder for {nowhere}/disk.img')
        for path in ('disk.img', 'images-b/disk.img'):
            for more in ((), ('--copy-storage',), ('--overwrite-storage',)):
                refused(path, *more, says=f"'{path}', does not begin with '/'")
        for size in (0, SIZE):
            with open(images.target, 'wb') as stream:
                stream.truncate(size)
            refused(images.target, '--overwrite-storage',
                    says=f"{images.target} is no image of format 'qcow2' there")
        os.unlink(images.target)
        os.truncate(images.source, 0)
        refused(images.target, '--copy-storage',
                says=f'there is nothing to copy to {images.target}')
        os.unlink(images.source)
        refused(images.target, '--copy-storage', says='at the source it is missing')


@test()
def refused__what_somebody_has_open(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        still = Still(alpha, images)
        tool('qemu-img', 'create', '-q', '-f', 'qcow2', images.target, str(SIZE))
        beta.book.define(domain('other', driver('qcow2', images.target)))
        beta.book.ok('start', 'other')
        alpha.book.refuse(*still.words('--overwrite-storage'),
                          says=['disk vda', 'is open there by another'])
        beta.book.ok('destroy', 'other')
        os.unlink(images.target)
        # the source's own, by another domain: it would change while it is read
        alpha.book.define(domain('other', driver('qcow2', images.source)))
        alpha.book.ok('start', 'other')
        alpha.book.refuse(*still.words('--copy-storage'),
                          says=['disk vda cannot be copied', 'somebody writes to', images.source])
        alpha.book.ok('destroy', 'other')
        equal(images.left(), [])
        equal(alpha.book.json('jobs') + beta.book.json('jobs'), [])
        alpha.book.ok(*still.words('--copy-storage'))
        same(images)


# ---- on the way ----


def filled(book):
    """One that takes some seconds at 1 MiB a second, most of it in one piece."""
    images = Images(book)
    tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x33 0 18M', images.source)
    return images


@contextlib.contextmanager
def copying(book, **options):
    images = filled(book)
    with hosts(book, **options) as both:
        alpha, beta = both
        still = Still(alpha, images)
        with link(alpha, beta) as between:
            process = alpha.book.popen(*still.words('--copy-storage', '--bandwidth', '1'))
            between.wait_for(MIB, process)
            yield both, still, process, between
            process.communicate()


@test()
def copying__nobody_starts_it_meanwhile(book):
    with copying(book) as (both, still, process, _):
        alpha, beta = both
        start = alpha.book.popen('start', 'vm1')  # which waits for the end of it
        equal(alpha.book.domains()['vm1']['state'], 'shut off')
        equal(beta.has('vm1'), False)
        # nor anybody who knows nothing of us
        write = subprocess.run(
            ('qemu-io', '-f', 'qcow2', '-c', 'write 0 1k', still.images.source),
            check=False, capture_output=True, text=True)
        contains(write.stderr, 'Failed to get "write" lock')
        process.communicate(timeout=120)
        equal(process.returncode, 0)
        contains(start.communicate(timeout=60)[1], "the host 'beta' has it")
        one_owner(both, still, beta)
        same(still.images)
        startable(beta)


def reader_of(process):
    """The QEMU that reads for a command."""
    with open(f'/proc/{process.pid}/task/{process.pid}/children', encoding='ascii') as stream:
        child, = stream.read().split()
    return int(child)


def interrupt(who, both, still, process, between):
    alpha, beta = both
    if who == 'driver':
        process.kill()
    elif who == 'ctrl-c':
        process.send_signal(signal.SIGINT)
    elif who == 'daemon':
        beta.kill()
    elif who == 'reader':
        os.kill(reader_of(process), signal.SIGKILL)
    elif who == 'writer':
        os.kill(qemu_of(beta.lock(still.uuid)), signal.SIGKILL)
    elif who == 'link':
        between.close()
    elif who == 'silence':
        between.silent.set()
    else:
        alpha.book.ok('job-abort', 'vm1')


def is_gone(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
            open(f'/proc/{pid}/stat', encoding='ascii') as stream:
        return stream.read().rsplit(') ', 1)[1][0] == 'Z'
    return True


@test('driver', 'ctrl-c', 'daemon', 'reader', 'writer', 'abort', 'link', 'silence')
@cell
def copying__is_interrupted(book, who):
    with copying(book) as (both, still, process, between):
        alpha, beta = both
        reader = reader_of(process)
        interrupt(who, both, still, process, between)
        check(process.wait(60) != 0, 'it went well')
        wait_until(lambda: is_gone(reader), 'who read is gone', 5)
        alpha.knows(beta)
        equal(after(both, still, 'alpha'), alpha)
        equal(still.images.left(), [])
        startable(alpha)
        alpha.book.ok(*still.words('--copy-storage'))
        same(still.images)


# ---- whatever dies ----

SOURCE = {
    'outgoing:begun': 'alpha', 'outgoing:offered': 'alpha', 'outgoing:mirroring': 'alpha',
    'outgoing:mirrored': 'alpha', 'outgoing:switched': 'alpha', 'outgoing:gone': 'beta',
    'outgoing:given': 'beta',
}
DESTINATION = {
    'incoming:journal': 'alpha', 'incoming:making': 'alpha', 'incoming:made': 'alpha',
    'incoming:spawned': 'alpha', 'incoming:prepared': 'alpha', 'incoming:landed': 'alpha',
    'incoming:arrived': 'alpha', 'incoming:committed': 'beta',
}
BRIEF = {'outgoing:mirroring', 'outgoing:switched', 'outgoing:gone', 'incoming:made',
         'incoming:spawned', 'incoming:arrived', 'incoming:committed'}


def cells():
    for side, points in (('source', SOURCE), ('destination', DESTINATION)):
        for point, where in points.items():
            if LONG or point in BRIEF:
                yield point, side, where


@test(*cells())
@cell
def killed__one_has_it_and_its_disk_is_whole(book, cell):
    point, side, where = cell
    images = Images(book)
    with hosts(book) as both:
        still = Still(both[0], images)
        killed_at(both, point, side, *still.words('--copy-storage'))
        owner = after(both, still, where)
        equal(images.left(), [] if where == 'alpha' else ['disk.img'])
        images.sound(images.source)
        if where == 'beta':
            same(images)
        startable(owner)


@test()
@cell
def killed__the_writer_before_the_decision(book):
    images = Images(book)
    with hosts(book) as both:
        alpha, beta = both
        still = Still(alpha, images)
        process = alpha.book.popen(*still.words('--copy-storage'),
                                   env={'DOMESDAY_HOLD_AT': 'outgoing:switched'})
        wait_until(lambda: stopped(process), 'all is copied', 60)
        os.kill(qemu_of(beta.lock(still.uuid)), signal.SIGKILL)
        process.send_signal(signal.SIGCONT)
        said = process.communicate(timeout=60)[1]
        check(process.returncode != 0, 'it went well')
        contains(said, 'stays here', 'the QEMU that took its disks')
        one_owner(both, still, alpha)
        equal(images.left(), [])
        startable(alpha)


@test()
@cell
def disk_full__is_said_and_nothing_is_left(book):
    images = Images(book)
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', images.there],
                             check=False, capture_output=True)
    if mounted.returncode:
        raise Skip('this needs root, to mount a small disk')
    try:
        with hosts(book) as both:
            alpha, beta = both
            still = Still(alpha, images)
            alpha.book.refuse(*still.words('--copy-storage'), code=None,
                              says=["did not reach the host 'beta'", 'No space left on device'])
            wait_until(lambda: settled(both), 'all is settled', 30)
            one_owner(both, still, alpha)
            equal(images.left(), [])
            images.sound(images.source)
            startable(alpha)
    finally:
        subprocess.run(['umount', images.there], check=True)


# ---- driven by a client ----


@test()
def client__copies_them_too(book):
    images = Images(book)
    with hosts(book) as (alpha, beta):
        still = Still(alpha, images)
        with Client(alpha, beta) as client:
            client.go('confirm', f'map=path:{images.here}/={images.there}/', 'copy=yes')
        one_owner((alpha, beta), still, beta)
        same(images)
        equal(images.left(), ['disk.img'])
        startable(beta)


@test('begin', 'prepare', 'perform')
@cell
def client__dies_after_a_call(book, call):
    images = Images(book)
    with hosts(book) as both:
        alpha, beta = both
        still = Still(alpha, images)
        with Client(*both) as client:
            client.go(call, f'map=path:{images.here}/={images.there}/', 'copy=yes')
            client.kill()
        age(beta, 660)  # an offer waits so long
        equal(after(both, still, 'alpha'), alpha)
        equal(images.left(), [])
        startable(alpha)


if __name__ == '__main__':
    main()
