#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""A guest goes on in another QEMU of the same host, and whatever dies on the way it is in one."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import time

from daemon import Daemon
from definition import disk, domain, interface, spare_ports
from guest import Qmp
from harness import EXIT, Skip, check, contains, equal, free_port, main, test, wait_until
from migration import Traveller, cell, hosts, one_owner, stopped
from vnc import lets_in

LONG = bool(os.environ.get('LONG'))  # every cell, and not only some of each kind

SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


class Here:
    """One host is enough."""

    def __init__(self, book):
        self.book = book


def traveller(book, *devices, started=True, **options):
    guest = Traveller(Here(book), 'vm1', *devices, **options)
    if started:
        guest.start().wait_for('^tick 2$')
    return guest


def one_qemu(guest, instance, runs=True):
    """The domain has that QEMU and no other, and nothing is under way."""
    book = guest.book
    equal(guest.state(), 'running' if runs else 'shut off')
    equal(book.json('jobs'), [])
    pid = book.pid('vm1', instance)
    equal(book.pids(), [pid] if runs else [], f'the QEMU no. {instance}')
    folders = [name for name in os.listdir(book.run_folder('vm1')) if name.isdigit()]
    check(not runs or set(folders) <= {str(instance)}, 'left over', folders)
    book.ok('verify')
    if runs:
        book.ok('check', 'vm1')
        guest.goes_on()


# ---- the way there ----


@test(('pc', 'pc', SHARED), ('pc_copied', 'pc', ''), ('q35', 'q35', SHARED),
      ('q35_copied', 'q35', ''))
def local__the_guest_counts_on_in_one_qemu_after_the_other(book, case):
    _, machine, memory = case
    guest = traveller(
        book, disk(book.image('a.img'), 'vda'), interface(), ticking=None, machine=machine,
        more=memory)
    before = book.dumpxml('vm1')
    pids = {book.pid('vm1')}
    for instance in (2, 3):
        said = book.json('migrate', 'vm1', '--local', '--reason', 'new QEMU')
        equal((said['instance'], said['version'], said['memory'], said['live']),
              (instance, instance, 'shared' if memory else 'copied', True))
        one_qemu(guest, instance)
        pids.add(book.pid('vm1', instance))
    equal(len(pids), 3, 'each has been another process')
    equal(book.dumpxml('vm1'), before)
    contains(book.ok('show', 'vm1').out, 'migrate within ', 'new QEMU')
    trailers = book.git('log', '-1', '--format=%(trailers)', f'domain/{guest.uuid}', rc=None).out
    if trailers:
        contains(trailers, 'Migration-Mode: local', 'Migration-Instance: 3')


@test()
def local__stands_still_as_long_as_it_says(book):
    guest = traveller(book, ticking='fill=16')
    said = book.json('migrate', 'vm1', '--local', '--bandwidth', '4', '--timeout', '1',
                     '--timeout-suspend')
    check(1000 < said['downtime_ms'] < said['total_ms'] - 900, said)
    one_qemu(guest, 2)


@test()
def local__what_comes_after_finds_it(book):
    """Hot-plug, pause, and in the end a cold boot, which begins with the first QEMU again."""
    ports = spare_ports('q35')
    guest = traveller(book, *ports, disk(book.image('a.img'), 'vda'), ticking=None, machine='q35',
                      more=SHARED)
    book.ok('migrate', 'vm1', '--local')
    xml = book.file('b.xml', disk(book.image('b.img'), 'vdb'))
    book.ok('attach-device', 'vm1', xml)
    guest.wait_for('vdb')
    one_qemu(guest, 2)
    book.ok('migrate', 'vm1', '--local')
    one_qemu(guest, 3)
    book.ok('detach-device', 'vm1', 'vdb')
    one_qemu(guest, 3)
    book.ok('suspend', 'vm1')
    equal(book.ok('domstate', 'vm1').out.strip(), 'paused')
    book.ok('resume', 'vm1')
    one_qemu(guest, 3)
    guest.destroy()
    one_qemu(guest, 3, runs=False)
    guest.start().wait_for('^tick 1$')
    one_qemu(guest, 1)


@test()
def local__a_paused_guest_stays_paused_and_another_may_be(book):
    guest = traveller(book, disk(book.image('a.img'), 'vda'), more=SHARED)
    book.ok('suspend', 'vm1')
    for _ in range(2):
        book.ok('migrate', 'vm1', '--local')
        equal(book.ok('domstate', 'vm1').out.strip(), 'paused')
    book.ok('resume', 'vm1')
    one_qemu(guest, 3)
    book.ok('migrate', 'vm1', '--local', '--paused')
    equal(book.ok('domstate', 'vm1').out.strip(), 'paused')
    book.ok('resume', 'vm1')
    one_qemu(guest, 4)


def next_start_with(book, emulator):
    book.ok('apply', '--config', '-',
            stdin=book.dumpxml('vm1').replace('/usr/bin/qemu-system-x86_64', emulator))


@test()
def local__takes_the_qemu_that_the_definition_names(book):
    """That is the upgrade: another program, the same machine."""
    guest = traveller(book, more=SHARED)
    other = os.path.join(book.folder, 'qemu-new')
    os.symlink('/usr/bin/qemu-system-x86_64', other)
    next_start_with(book, other)
    contains(book.dumpxml('vm1', '--live'), '<emulator>/usr/bin/qemu-system-x86_64<')
    book.ok('migrate', 'vm1', '--local')
    contains(book.dumpxml('vm1', '--live'), f'<emulator>{other}<')
    with open(f'/proc/{book.pid("vm1", 2)}/cmdline', encoding='utf-8') as stream:
        equal(stream.read().split('\0')[0], other)
    one_qemu(guest, 2)


@test()
def local__and_to_another_host_and_back(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', more=SHARED).start()
        guest.wait_for('^tick 2$')
        alpha.book.ok('migrate', 'vm1', '--local')
        alpha.book.ok('migrate', 'vm1', 'beta')
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        beta.book.ok('suspend', 'vm1')
        beta.book.ok('migrate', 'vm1', '--local')
        beta.book.ok('migrate', 'vm1', '--local')
        beta.book.ok('migrate', 'vm1', 'alpha')
        equal(alpha.book.ok('domstate', 'vm1').out.strip(), 'paused')
        alpha.book.ok('resume', 'vm1')
        guest.at(alpha).goes_on()
        one_owner((alpha, beta), guest, alpha)
        alpha.book.ok('migrate', 'vm1', '--local')
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


# ---- what it has of the host ----


def listener(where):
    """The process that takes our connection."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(where)
        return struct.unpack('3i', client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


@test()
def local__listens_where_it_did(book):
    screen, console, channel = free_port(), free_port(), os.path.join(book.folder, 'agent.sock')
    while not 5900 <= screen < 65536:
        screen = free_port()
    guest = traveller(
        book, f"<graphics type='vnc' port='{screen}' autoport='no' passwd='secret'/>",
        "<controller type='virtio-serial' index='0'/>",
        f"<channel type='unix'><source mode='bind' path='{channel}'/>"
        "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
        "<channel type='unix'><target type='virtio' name='com.example.0'/></channel>",
        f"<serial type='tcp'><source mode='bind' host='127.0.0.1' service='{console}'/>"
        "<protocol type='raw'/><target port='1'/></serial>",
        "<serial type='pty'><target port='2'/></serial>")
    for instance in (2, 3):
        said = book.ok('migrate', 'vm1', '--local').err
        check('warning' not in said, said)
        one_qemu(guest, instance)
        pid = book.pid('vm1', instance)
        check(lets_in(('127.0.0.1', screen), 'secret'), 'the screen')
        equal(listener(channel), pid, 'the channel')
        socket.create_connection(('127.0.0.1', console)).close()
        live = book.dumpxml('vm1', '--live')
        own = os.path.join(book.instance_folder('vm1', instance), 'channel1.sock')
        contains(live, f"port='{screen}'", f"path='{channel}'", f"service='{console}'",
                 f"path='{own}'", '/dev/pts/')
        equal(listener(own), pid, 'the channel that has no path of its own')
    guest.destroy()
    guest.start().wait_for('^tick 1$')
    equal(listener(channel), book.pid('vm1'))


@contextlib.contextmanager
def own_network():
    """A network of our own, as words before a command."""
    sleeper = subprocess.Popen(['unshare', '--net', 'sleep', '600'])
    try:
        wait_until(lambda: os.readlink(f'/proc/{sleeper.pid}/ns/net')
                   != os.readlink('/proc/self/ns/net') or sleeper.poll() is not None,
                   'there is a network')
        if sleeper.poll() is not None:
            raise Skip('this machine allows no network of our own')
        yield ['nsenter', f'--net=/proc/{sleeper.pid}/ns/net']
    finally:
        sleeper.kill()
        sleeper.wait()


def taps(pid):
    found = set()
    for number in os.listdir(f'/proc/{pid}/fdinfo'):
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/fdinfo/{number}', encoding='ascii') as stream:
                found |= {line.split()[1] for line in stream if line.startswith('iff:')}
    return found


@test()
def local__takes_its_interface_over(book):
    with own_network() as around:
        book.around = around
        if book.run('capabilities').rc or subprocess.run(
                [*around, 'test', '-w', '/dev/net/tun'], check=False).returncode:
            raise Skip('there is no /dev/net/tun')
        guest = traveller(book, "<interface type='ethernet'><mac address='52:54:00:00:00:07'/>"
                          "<target dev='tap7'/><model type='virtio'/></interface>", more=SHARED)
        for instance in (2, 3):
            book.ok('migrate', 'vm1', '--local')
            one_qemu(guest, instance)
            equal(taps(book.pid('vm1', instance)), {'tap7'})


# ---- what is refused, and called off ----


@test()
def local__says_what_it_would_do(book):
    guest = traveller(book, disk(book.image('a.img'), 'vda'))
    with book.unchanged():
        said = book.ok('migrate', 'vm1', '--local', '--dry-run').out
        contains(said, 'its no. 2', 'copied memory: 128 MiB', 'memfd', 'shared vda')
        said = book.json('migrate', 'vm1', '--local', '--dry-run')
        equal((said['possible'], said['instance'], said['memory']), (True, 2, 'copied'))
    one_qemu(guest, 1)


@contextlib.contextmanager
def memory_left(book, kib):
    """Commands of the book see a host that has so much memory left, and no swap."""
    told = book.file('meminfo', f'MemTotal: 9999 kB\nMemAvailable: {kib} kB\nSwapFree: 0 kB\n')
    before = book.around
    book.around = ['unshare', '--mount', 'sh', '-c',
                   f'mount --bind {told} /proc/meminfo && exec "$@"', 'sh', *before]
    if subprocess.run([*book.around, 'true'], check=False, capture_output=True).returncode:
        raise Skip('this machine allows no mount namespaces')
    yield
    book.around = before


@test(('copied', ''), ('shared', SHARED))
def local__needs_room_for_two_where_memory_is_copied(book, case):
    memory, more = case
    guest = traveller(book, more=more)
    with memory_left(book, 4096):
        if memory == 'shared':
            book.ok('migrate', 'vm1', '--local')
        else:
            with book.unchanged():
                for args in ([], ['--dry-run']):
                    book.refuse('migrate', 'vm1', '--local', *args, code='refused',
                                says=['there twice', 'has 4 MiB left', 'memfd'], lines=None)
    one_qemu(guest, 2 if memory == 'shared' else 1)
    book.ok('migrate', 'vm1', '--local')
    guest.goes_on()


@test()
def local__refuses_what_makes_no_sense(book):
    guest = traveller(book, started=False)
    book.refuse('migrate', 'vm1', '--local', code='refused', says=['not running'], lines=None)
    guest.start().wait_for('^tick 1$')
    for args, says in ((['beta'], 'stays on this host'), (['--live'], 'contradict'),
                       (['--offline'], 'contradict')):
        book.refuse('migrate', 'vm1', '--local', *args, code='usage', says=[says], lines=None)
    for args in (['--dname', 'vm2'], ['--map', 'bridge:a=b'], ['--copy-storage'], ['--unsafe'],
                 ['--xml', book.file('a.xml', book.dumpxml('vm1'))]):
        book.refuse('migrate', 'vm1', '--local', *args, code='invalid', says=['within the host'])
    one_qemu(guest, 1)


@test('port', 'socket')
def local__a_screen_that_cannot_be_twice_is_refused_by_the_dry_run_too(book, place):
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
    screen = f" port='{port}' autoport='no'/>" if place == 'port' else (
        f"><listen type='socket' socket='{book.folder}/screen'/></graphics>")
    book.define(domain('vm1', f"<graphics type='spice'{screen}", ticking=''))
    book.ok('start', 'vm1')
    for args in ([], ['--dry-run']):
        book.refuse('migrate', 'vm1', '--local', *args, code='unsupported', says=[
            'graphics', 'cannot be in two QEMUs of one host',
            "give it autoport='yes', and start it anew"])
    equal(len(book.pids()), 1)


@test()
def local__a_qemu_that_cannot_be_changes_nothing(book):
    guest = traveller(book)
    script = book.file('qemu-bad', '#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 "$@"\n')
    os.chmod(script, 0o755)
    next_start_with(book, script)
    book.file('qemu-bad', '#!/bin/sh\ncase "$*" in *incoming*) echo too old >&2; exit 1;; esac\n'
              'exec /usr/bin/qemu-system-x86_64 "$@"\n')
    book.refuse('migrate', 'vm1', '--local', code='hypervisor', says=['too old'], lines=None)
    one_qemu(guest, 1)


@test()
def local__is_called_off(book):
    guest = traveller(book, ticking='fill=32')
    for call_off in (lambda process: book.ok('job-abort', 'vm1'),
                     lambda process: process.send_signal(signal.SIGINT)):
        process = book.popen('migrate', 'vm1', '--local', '--bandwidth', '4')
        wait_until(lambda: len(book.pids()) == 2, 'it is under way', 20)
        time.sleep(1)
        job = book.json('jobs')[0]
        equal((job['operation'], job['domain'], job['direction'], job['peer']),
              ('migrate', 'vm1', 'local', None))
        check(job['progress']['sent'] > 0, job)
        contains(book.ok('jobs').out, 'migrate to another QEMU', 'copy')
        call_off(process)
        out, err = process.communicate(timeout=30)
        equal(process.returncode, EXIT['refused'], out, err)
        contains(err, 'called off')
        one_qemu(guest, 1)
    book.refuse('job-abort', 'vm1', code='not-found', says=['no migration'])
    book.refuse('migrate', 'vm1', '--local', '--bandwidth', '1', '--timeout', '3', code='refused',
                says=['within 3 s'], lines=None)
    one_qemu(guest, 1)
    book.ok('migrate', 'vm1', '--local')
    one_qemu(guest, 2)


@test()
def local__a_qemu_that_the_index_forgot_is_found(book):
    guest = traveller(book)
    book.ok('migrate', 'vm1', '--local')
    pid = book.pid('vm1', 2)
    book.ok('sync')
    for name in os.listdir(book.path):
        if name.startswith('book.db'):
            os.remove(os.path.join(book.path, name))
    book.ok('reindex', rc=1)
    book.refuse('start', 'vm1', code='exists', says=['destroy'], lines=None)
    equal(book.pids(), [pid])
    guest.destroy()
    equal(book.pids(), [])
    guest.start().wait_for('^tick 1$')
    one_qemu(guest, 1)


# ---- whatever dies ----

# Steps at which the command is killed, and which QEMU has the guest in the end.
COMMAND = {
    'journal:before': 1, 'local:begun': 1, 'local:spawned': 1, 'local:prepared': 1,
    'local:stopped': 1, 'local:sent': 1, 'local:arrived': 1, 'commit:before': 1,
    'commit:after': 2, 'local:committed': 2, 'local:ran': 2, 'local:left': 2, 'local:taken': 2,
}
# Steps at which a QEMU is killed, and which has the guest in the end; 0: it has died.
OLD = {
    'local:begun': 0, 'local:spawned': 0, 'local:prepared': 0, 'local:stopped': 0,
    'local:sent': 2, 'local:arrived': 2, 'local:committed': 2, 'local:ran': 2,
}
NEW = {
    'local:spawned': 1, 'local:prepared': 1, 'local:stopped': 1, 'local:sent': 1,
    'local:arrived': 1, 'commit:before': 1, 'local:committed': 1, 'local:ran': 0,
    'local:left': 0,
}
BRIEF = {'local:spawned', 'local:stopped', 'local:arrived', 'local:committed', 'local:ran'}
BRIEF_COMMAND = BRIEF | {'commit:after', 'local:left'}


def cells():
    for who, points in (('command', COMMAND), ('old', OLD), ('new', NEW)):
        for point, owner in points.items():
            for memory in ('shared', 'copied'):
                brief = point in (BRIEF_COMMAND if who == 'command' else BRIEF)
                if LONG or (brief and memory == 'shared'):
                    yield f'{who}_{point}_{memory}', who, point, memory == 'shared', owner


def kill_qemu(book, instance):
    pid = book.pid('vm1', instance)
    check(pid, f'there is no QEMU no. {instance}')
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not book.pid('vm1', instance), 'it is gone', 20)


def held(book, point, crash=None):
    env = {'DOMESDAY_HOLD_AT': point, **({'DOMESDAY_CRASH_AT': crash} if crash else {})}
    process = book.popen('migrate', 'vm1', '--local', env=env)
    wait_until(lambda: stopped(process), f'it is at {point}', 30)
    return process


def let_go(process):
    """Until it has ended: it may come by the same step again."""

    def ended():
        if process.poll() is None and stopped(process):
            process.send_signal(signal.SIGCONT)
        return process.poll() is not None

    wait_until(ended, 'it has ended', 60)
    process.communicate()


def kill(book, who, point):
    if who == 'command':
        equal(book.run('migrate', 'vm1', '--local', env={'DOMESDAY_CRASH_AT': point}).rc, -9)
        return
    process = held(book, point)
    kill_qemu(book, 1 if who == 'old' else 2)
    let_go(process)


def afterwards(guest, owner):
    """Whoever comes next finds all in order, and it can go on from there."""
    book = guest.book
    book.ok('desc', 'vm1', 'still here')
    one_qemu(guest, owner, runs=bool(owner))
    if not owner:
        guest.start().wait_for('^tick 1$')
    book.ok('migrate', 'vm1', '--local')
    one_qemu(guest, (owner or 1) + 1)


@test(*cells())
@cell
def local__whatever_dies(book, cell):
    _, who, point, shared, owner = cell
    guest = traveller(book, disk(book.image('a.img'), 'vda'), more=SHARED if shared else '')
    kill(book, who, point)
    afterwards(guest, owner)


@test(*((f'{first}_then_{then}', first, then) for first, then in (
    ('local:stopped', 'local:ended'), ('local:arrived', 'local:resumed'),
    ('local:committed', 'local:resumed'), ('local:sent', 'local:ended')) if LONG
    or first != 'local:sent'))
@cell
def local__the_command_dies_when_it_gives_back(book, case):
    """The new QEMU has died, and then whoever undoes it."""
    guest = traveller(book, disk(book.image('a.img'), 'vda'), more=SHARED)
    process = held(book, case[1], case[2])
    kill_qemu(book, 2)
    let_go(process)
    equal(process.returncode, -9, f'nobody died at {case[2]}')
    afterwards(guest, 1)


@test('local:stopped', 'local:committed')
@cell
def local__both_qemus_die(book, point):
    guest = traveller(book)
    process = held(book, point)
    kill_qemu(book, 2)
    kill_qemu(book, 1)
    let_go(process)
    afterwards(guest, 0)


@test(('local:sent', 1), ('local:ran', 2))
def local__the_daemon_settles_what_is_left(book, case):
    guest = traveller(book, disk(book.image('a.img'), 'vda'), more=SHARED)
    with Daemon(book):
        equal(book.run('migrate', 'vm1', '--local', env={'DOMESDAY_CRASH_AT': case[0]}).rc, -9)
        wait_until(lambda: len(book.pids()) == 1 and not book.json('jobs'), 'it is settled', 30)
    one_qemu(guest, case[1])


@test()
def local__the_old_qemu_takes_nothing_with_it(book):
    """A guest that was moved is another process's: who asks the first finds nothing."""
    guest = traveller(book)
    with Qmp(os.path.join(book.instance_folder('vm1'), 'monitor.sock')) as qmp:
        equal(qmp.call('query-status')['status'], 'running')
    book.ok('migrate', 'vm1', '--local')
    check(not book.pid('vm1', 1), 'it lives on')
    with Qmp(os.path.join(book.instance_folder('vm1', 2), 'monitor.sock')) as qmp:
        equal(qmp.call('query-status')['status'], 'running')
    one_qemu(guest, 2)


if __name__ == '__main__':
    main()
