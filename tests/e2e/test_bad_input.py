#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Whatever is wrong: one clear line, an exit status of its own, and the book as it was."""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import time

from definition import UUID, cdrom, devices, disk, domain, interface
from guest import Guest
from harness import (
    DOMESDAY, EXIT, F_OFD_SETLK, Skip, check, contains, equal, main, test, wait_until)

LOCK_FORMAT = 'hhqqi4x'  # struct flock

NAMED = '<name>a</name>'
BOMB = ''.join(
    f'<!ENTITY e{number} "{f"&e{number - 1};" * 10 if number else "ha"}">' for number in range(9))
SLOT = "<address type='pci' domain='0x0000' bus='0x00' slot='0x0a' function='0x0'/>"


def replaced(old, new, xml=None):
    xml = xml or domain('a', uuid=UUID)
    check(old in xml)
    return xml.replace(old, new, 1)


def line_of(xml, part):
    return xml[:xml.index(part)].count('\n') + 1


# name, definition, exit status, what the line must say
DEFINITIONS = (
    ('empty', '', 'invalid', ()),
    ('not_xml', 'hello', 'invalid', ':1'),
    ('malformed', replaced('</devices>', '</device>'), 'invalid', (':11', 'device')),
    ('cut_off', domain('a')[:200], 'invalid', ()),
    ('dtd', '<!DOCTYPE domain []>' + domain('a'), 'invalid', ('DTD',)),
    ('dtd_from_a_file', '<!DOCTYPE domain SYSTEM "/etc/passwd">' + domain('a'), 'invalid', 'DTD'),
    ('entity_bomb', f'<!DOCTYPE domain [{BOMB}]>' + replaced(NAMED, '<name>&e8;</name>'),
     'invalid', 'DTD'),
    ('unknown_entity', replaced(NAMED, '<name>&file;</name>'), 'invalid', ':2'),
    ('unknown_element', replaced('<devices>', '<devices>\n    <teleporter/>'), 'invalid',
     ('teleporter', ':9', '/domain/devices')),
    ('not_a_domain', '<network><name>a</name></network>', 'invalid', 'network'),
    ('unknown_machine', domain('a', machine='pc-i440fx-99.0'), 'unsupported', 'pc-i440fx-99.0'),
    ('unknown_architecture', replaced("arch='x86_64'", "arch='vax'"), 'unsupported', 'vax'),
    ('duplicate_address', domain(
        'a', disk('/tmp/a.img', 'vda', more=SLOT), '\n', disk('/tmp/b.img', 'vdb', more=SLOT)),
     'invalid', ('0000:00:0a.0', '/domain/devices/disk[2]', ':11')),
    ('duplicate_target', domain('a', disk('/tmp/a.img', 'vda'), disk('/tmp/b.img', 'vda')),
     'invalid', ('vda', '/domain/devices/disk[2]')),
    ('name_with_slash', replaced(NAMED, '<name>a/b</name>'), 'invalid', ('name', ':2')),
    ('name_with_newline', replaced(NAMED, '<name>a&#10;b</name>'), 'invalid', ('name', ':2')),
    ('no_name', replaced(NAMED, ''), 'invalid', 'name'),
    ('bad_uuid', replaced(UUID, 'not-a-uuid'), 'invalid', ('not-a-uuid', '/domain/uuid')),
    ('bad_number', replaced('>128<', '>12x<'), 'invalid', ('12x', '/domain/memory')),
    ('plugged_into_itself', domain(
        'a', "<controller type='pci' index='1' model='pci-bridge'/>", machine='q35'),
     'invalid', ('index 1', '/domain/devices/controller[1]')),
    ('in_a_namespace', replaced('<domain ', '<domain xmlns="urn:x" '), 'invalid', 'urn:x'),
    ('file name', replaced('>128<', '>12x<'), 'invalid', ':4'),
    ('too_deep', replaced('<devices>', '<metadata>' + '<a>' * 500 + '</a>' * 500 + '</metadata>'
                          '<devices>'), 'invalid', ()),
    ('too_large', replaced('<devices>', f'<!--{"x" * (5 << 20)}--><devices>'), 'invalid', ()),
    ('not_utf8', '<domain type="qemu"><name>\udcff\udcfe</name></domain>', 'invalid', ()),
)


@test(*DEFINITIONS)
def define__refuses(book, case):
    name, xml, code, says = case
    book.define(domain('there'))
    path = os.path.join(book.folder, name + '.xml')
    with open(path, 'w', encoding='utf-8', errors='surrogateescape') as stream:
        stream.write(xml)
    with book.unchanged():
        result = book.refuse('define', path, code=code, says=says)
        contains(result.err, name + '.xml')
        book.refuse('freeze', path, code=code, says=says)


@test()
def define__leaves_out_what_nobody_knows_and_says_so(book):
    path = book.file('later.xml', replaced('<devices>', '<zebra stripes="9"/>\n  <devices>'))
    for verb in ('freeze', 'define', 'apply'):
        result = book.ok(verb, path)
        contains(result.err, 'warning', 'later.xml:8', '/domain/zebra')
        check('zebra' not in result.out)
    book.refuse('validate', path, code='invalid', says=('zebra', ':8'))


@test()
def define__refuses_a_file_that_is_not_there(book):
    book.refuse('define', book.folder + '/none.xml', code='not-found', says='none.xml')
    book.refuse('define', book.folder, says=book.folder)


@test(
    ('malformed', "<disk type='file'", 'invalid'),
    ('not_a_device', '<vcpu>2</vcpu>', 'invalid'),
    ('unknown', '<teleporter/>', 'invalid'),
    ('two_in_one', "<rng model='virtio'/><rng model='virtio'/>", 'invalid'),
    ('no_target', "<disk type='file' device='disk'><source file='/tmp/x'/></disk>", 'invalid'),
    ('bad_mac', interface('52:54:00:zz:00:01'), 'invalid'),
    ('multicast_mac', interface('53:54:00:00:00:01'), 'invalid'),
)
def attach__refuses(book, case):
    name, xml, code = case
    book.define(domain('a'))
    with book.unchanged():
        book.refuse('attach-device', 'a', book.file(name + '.xml', xml), code=code)


@test()
def detach__refuses_what_others_are_left_without(book):
    """One by one; what goes together may need each other."""
    screen = "<graphics type='spice'/>"
    channel = "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"
    audio = "<audio id='1' type='spice'/>"
    book.define(domain('a', screen, channel))
    files = [book.file(f'{number}.xml', xml) for number, xml in enumerate((screen, channel, audio))]
    with book.unchanged():
        book.refuse('detach-device', 'a', files[0], code='refused', says='/domain/devices/')
        book.refuse('detach-device', 'a', *files[:2], code='refused', says='/domain/devices/audio')
    book.ok('detach-device', 'a', *files)
    book.ok('freeze', book.file('a.xml', book.dumpxml('a')))


# ---- a disk has one writer ----


@test()
def disk__of_a_running_domain_cannot_be_started_or_attached_elsewhere(book):
    image = book.image('a.img')
    book.define(domain('first', disk(image, 'vda')))
    book.ok('start', '--paused', 'first')
    result = book.define(domain('second', disk(image, 'vda')), '--quiet')
    check(result.err.startswith('domesday: warning: ') and result.err.count('\n') == 1, result)
    contains(result.err, image, 'first')
    book.define(domain('third'))
    book.ok('start', '--paused', 'third')
    with book.unchanged():
        book.refuse('start', 'second', code='refused', says=(image, 'first'))
        book.refuse('attach-device', 'third', book.file('d.xml', disk(image, 'vdb')),
                    code='refused', says=(image, 'first'))
        same = os.path.join(book.folder, '.', 'a.img')
        book.refuse('attach-device', 'third', book.file('e.xml', disk(same, 'vdb')),
                    code='refused', says='first')
    check('disk vdb' not in devices(book.dumpxml('third', '--live')))
    book.ok('destroy', 'first')
    book.ok('start', '--paused', 'second')


@test()
def disk__readers_and_sharers_may_be_many(book):
    image, shared = book.image('a.iso'), book.image('b.img')
    for name in ('first', 'second'):
        book.define(domain(
            name, "<controller type='scsi' model='virtio-scsi'/>", cdrom(image, 'sda'),
            disk(shared, 'vda', more='<shareable/>')))
        book.ok('start', '--paused', name)


# ---- the book in trouble ----


@test(timeout=180)
def book__written_by_another_process_is_busy(book):
    book.define(domain('a'))
    before = book.snapshot()
    holder = sqlite3.connect(book.path + '/book.db', isolation_level=None)
    holder.execute('begin immediate')
    waiting = book.popen('set-vcpus', '--maximum', 'a', 4)
    equal(book.snapshot(), before, 'a reader did not get through')
    out, err = waiting.communicate(timeout=120)
    equal(waiting.returncode, EXIT['busy'], err)
    check(err.startswith('domesday: ') and err.count('\n') == 1 and not out, err)
    holder.execute('rollback')
    equal(book.snapshot(), before)
    book.ok('set-vcpus', '--maximum', 'a', 4)


@test(timeout=180)
def book__domain_that_is_held_by_another_is_busy(book):
    book.define(domain('a'))
    book.ok('set-vcpus', '--maximum', 'a', 2)
    uuid = book.domains()['a']['uuid']
    before = book.snapshot()
    with open(f'{book.path}/locks/{uuid}', 'r+b') as lock:
        fcntl.fcntl(lock, F_OFD_SETLK, struct.pack(LOCK_FORMAT, fcntl.F_WRLCK, 0, 0, 0, 0))
        waiting = book.popen('set-vcpus', '--maximum', 'a', 4)
        equal(book.snapshot(), before, 'a reader did not get through')
        out, err = waiting.communicate(timeout=120)
    equal(waiting.returncode, EXIT['busy'], err)
    check(err.startswith('domesday: ') and err.count('\n') == 1 and not out, err)
    contains(err, 'a')
    equal(book.snapshot(), before)
    book.ok('set-vcpus', '--maximum', 'a', 4)


def set_format(book, number):
    with sqlite3.connect(book.path + '/book.db') as connection:
        old = connection.execute('pragma user_version').fetchone()[0]
        connection.execute(f'pragma user_version = {number}')
    connection.close()
    return old


@test()
def book__made_by_a_newer_version_is_left_alone(book):
    book.define(domain('a'))
    before = book.snapshot()
    old = set_format(book, 1000)
    for command in (('list', '--all'), ('define', book.file('b.xml', domain('b'))),
                    ('undefine', 'a'), ('sync',)):
        book.refuse(*command, code='unsupported', says='newer')
    set_format(book, old)
    equal(book.snapshot(), before)
    book.verify()


@test(('list', '--all'), ('define', '-'), ('log', 'a'))
def book__that_is_a_file_is_refused(book, command):
    book.file('book', 'no book')
    book.refuse(*command, code='system', says=book.path, stdin=domain('a'))


@test()
def book__that_is_none_is_said_to_be_none(book):
    book.refuse('log', 'a', code='not-found', says=book.path)
    os.mkdir(book.path)
    book.file('book/book.db', 'this is no database' * 100)
    book.refuse('list', code='corrupt', says='book.db')


FULL_DISK = '''
set -e
mount -t tmpfs -o size=24m,mode=700 none "$1/small"
cp -a "$1/book" "$1/small/book"
dd if=/dev/zero of="$1/small/filler" bs=4096 2>/dev/null || true
set +e
try() {
    name=$1; shift
    "$DOMESDAY" --book "$folder/small/book" "$@" >"$folder/$name.out" 2>"$folder/$name.err"
    echo $? >"$folder/$name.rc"
}
folder=$1
try full-define define "$folder/new.xml"
try full-set set-vcpus --maximum a 3
try full-list --json list --all
rm "$folder/small/filler"
cp -a "$folder/small/book" "$folder/after"
'''


@test()
def book__on_a_full_disk_stays_as_it_was(book):
    """In a mount namespace of its own, so that nobody else sees the small file system."""
    probe = subprocess.run(['unshare', '-m', 'true'], capture_output=True, check=False)
    if probe.returncode != 0:
        raise Skip('a mount namespace of its own is not permitted here')
    book.define(domain('a'))
    book.ok('sync')
    before = book.snapshot()
    os.mkdir(book.folder + '/small')
    book.file('new.xml', domain('new'))
    done = subprocess.run(
        ['unshare', '-m', 'sh', '-c', FULL_DISK, 'sh', book.folder], capture_output=True,
        text=True, check=False, env={**os.environ, 'DOMESDAY': DOMESDAY})
    equal(done.returncode, 0, done.stderr)
    for name in ('full-define', 'full-set'):
        with open(f'{book.folder}/{name}.err', encoding='utf-8') as stream:
            err = stream.read()
        with open(f'{book.folder}/{name}.rc', encoding='utf-8') as stream:
            equal(int(stream.read()), EXIT['system'], name, err)
        check(err.startswith('domesday: ') and err.count('\n') == 1, err)
        contains(err.lower(), 'space')
    with open(book.folder + '/full-list.out', encoding='utf-8') as stream:
        equal(json.load(stream), list(book.domains().values()))
    after = book.another('after')
    equal(after.snapshot(), before)
    after.verify()
    after.define(domain('new'))


@test()
def book__in_a_deep_folder_works(book):
    """Socket addresses are short; paths of books need not be."""
    deep = book.another('deep/' + '/'.join('folder' for _ in range(20)) + '/book')
    deep.define(domain('a', disk(book.image('a.img'), 'vda')))
    deep.ok('start', '--paused', 'a')
    deep.ok('check', 'a')
    deep.ok('destroy', 'a')


# ---- QEMU in trouble ----


@test()
def qemu__that_is_not_there(book):
    book.define(domain('there'))
    with book.unchanged():
        book.refuse('define', '-', stdin=domain('a', emulator='/usr/bin/qemu-none'),
                    says='/usr/bin/qemu-none')


@test()
def qemu__that_has_gone_since(book):
    emulator = os.path.join(book.folder, 'qemu')
    os.symlink(shutil.which('qemu-system-x86_64'), emulator)
    book.define(domain('a', emulator=emulator))
    os.unlink(emulator)
    with book.unchanged():
        book.refuse('start', 'a', says=emulator)
    equal(book.domains()['a']['state'], 'shut off')


@test()
def qemu__that_is_no_qemu(book):
    book.define(domain('there'))
    with book.unchanged():
        book.refuse('define', '-', stdin=domain('a', emulator='/bin/true'), code='hypervisor',
                    says='/bin/true')


@test()
def qemu__that_refuses_to_start_gives_its_own_words(book):
    book.define(domain('a', disk(book.folder + '/missing.img', 'vda')))
    with book.unchanged():
        book.refuse('start', 'a', says='missing.img')
    check(not book.pids())
    equal(book.domains()['a']['state'], 'shut off')


@test('attach', 'detach')
def qemu__that_dies_during_hotplug(book, what):
    """QEMU is stopped so that the command has to wait for it, and then killed."""
    guest = Guest(book, 'guest', disk(book.image('a.img'), 'vda'), interface()).start()
    path = book.file('d.xml', disk(book.image('b.img'), 'vdb'))
    if what == 'detach':
        book.ok('attach-device', 'guest', path)
        guest.wait_for(r'^disk \+ vdb')
    record, log = guest.dumpxml(), book.log('guest')
    pid = book.pid('guest')
    os.kill(pid, signal.SIGSTOP)
    waiting = book.popen(f'{what}-device', 'guest', path)
    time.sleep(1.5)
    check(waiting.poll() is None, 'it did not wait for QEMU')
    os.kill(pid, signal.SIGKILL)
    out, err = waiting.communicate(timeout=60)
    equal(waiting.returncode, EXIT['hypervisor'], err)
    check(err.startswith('domesday: ') and err.count('\n') == 1 and not out, err)
    wait_until(lambda: not book.pids(), 'QEMU is gone')
    check(guest.state() in ('shut off', 'crashed'), guest.state())
    equal(guest.dumpxml(), record)
    equal(book.log('guest'), log)
    book.verify()
    guest.start()
    book.ok('check', 'guest')


# ---- the command line ----


@test()
def command__mistyped_gets_a_suggestion(book):
    book.refuse('strat', code='usage', says="'start'")
    book.refuse(code='usage')
    book.refuse('start', code='usage')
    book.refuse('list', '--wrong', code='usage', says='--wrong')
    book.refuse('define', 'a', 'b', 'c', code='usage')


@test()
def command__every_failure_is_json_when_asked(book):
    book.define(domain('a'))
    for words, code in (
            (('start', 'nobody'), 'not-found'), (('destroy', 'a'), 'refused'),
            (('strat',), 'usage'), (('rename', 'a', 'x/y'), 'invalid'),
            (('desc', 'a', 'x', '--if-version', 7), 'conflict')):
        result = book.run('--json', *words)
        equal(result.rc, EXIT[code], result)
        equal(result.json['error']['code'], code)
        check(result.json['error']['message'], result)
        equal(result.err, '')


if __name__ == '__main__':
    main()
