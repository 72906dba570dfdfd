#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""What the next command makes of what a dead one left: of its journal, its claims, its guest.

The command dies at a named step (DOMESDAY_CRASH_AT); what comes then is the next command, alone, or
after the guest has died as well, or dying itself while it settles.
"""

import contextlib
import os
import signal
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))

# pylint: disable=wrong-import-position
from definition import (  # noqa: E402
    cdrom, devices, disk, domain, interface, serial_file, spare_ports)
from guest import Guest, Qmp  # noqa: E402
from harness import Skip, check, contains, equal, main, test, wait_until  # noqa: E402

JOURNAL, COMMIT = ('journal:before', 'journal:after'), ('commit:before', 'commit:after')
SETTLING = ('transition:step', 'transition:done', *COMMIT)
STEPS = {  # that a command comes to; any other changes the guest in a transition
    'start': (*JOURNAL, 'start:spawned', 'start:running', *COMMIT),
    'destroy': ('destroy:gone', *COMMIT),
    'reboot': (*JOURNAL, 'reboot:done'),
    'suspend': (*JOURNAL, *COMMIT),
    'resume': (*JOURNAL, *COMMIT),
    'rename': COMMIT,
    'rename-back': COMMIT,
    'title': COMMIT,
    'untitle': COMMIT,
}
LONG = bool(os.environ.get('DOMESDAY_LONG'))
NO_BALLOON = "<memballoon model='none'/>"


def crash(book, step, *words):
    """Has the command die at that step; False where it does not come there."""
    result = book.run(*words, env={'DOMESDAY_CRASH_AT': step})
    check(result.rc in (0, -signal.SIGKILL), result)
    return result.rc != 0


def must_crash(book, step, *words):
    if not crash(book, step, *words):
        raise Skip('the command is built without crash points')


def end_qemu(book, name):
    """As a host's restart would, the guest ends without a word."""
    pid = book.pid(name)
    if pid:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not book.pid(name), 'QEMU is gone')


def journal(book):
    """What is under way, and claimed."""
    with contextlib.closing(sqlite3.connect(os.path.join(book.path, 'book.db'))) as database:
        return (database.execute('SELECT uuid, operation FROM journal').fetchall(),
                database.execute('SELECT uuid, value FROM claim').fetchall())


def settled(book):
    equal(journal(book), ([], []), 'what is left in the journal')


def agree(book, name):
    """Record and guest, after whatever was left has been settled."""
    book.ok('check', name)
    row = book.domains()[name]
    equal(row['state'] != 'shut off', book.pid(name) is not None, row)
    settled(book)


# ---- what cannot be done cannot be undone either, and need not be ----


@test('memory', 'attach')
def recovery__of_a_change_that_the_guest_refuses(book, what):
    book.define(domain('a', NO_BALLOON))
    book.ok('start', 'a', '--paused')
    words = {
        'memory': ('set-memory', 'a', '65536'),
        'attach': ('attach-device', 'a', book.file('b.xml', disk('/nowhere/b.img', 'vdb'))),
    }[what]
    must_crash(book, 'journal:after', *words)
    agree(book, 'a')
    book.refuse(*words, lines=None)
    agree(book, 'a')
    equal(book.version('a'), 1)


@test('pc', 'q35')
def attach__that_a_guest_does_not_let_go_of_again_is_recorded(book, machine):
    """Of two devices the second cannot be had, and a guest that is paused keeps the first."""
    book.define(domain('a', *spare_ports(machine), machine=machine))
    book.ok('start', 'a', '--paused')
    before = book.dumpxml('a')
    book.refuse('attach-device', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')),
                book.file('c.xml', disk('/nowhere/c.img', 'vdc')), code='hypervisor',
                says=('/nowhere/c.img', 'detach'), lines=None)
    equal(book.dumpxml('a'), before)
    agree(book, 'a')
    check('disk vdb' in devices(book.dumpxml('a', '--live')))
    book.define(domain('other', disk(os.path.join(book.folder, 'b.img'), 'vda')))
    book.refuse('start', 'other', code='refused', says='b.img', lines=None)
    book.ok('resume', 'a')
    book.ok('destroy', 'a')
    agree(book, 'a')
    equal(book.dumpxml('a'), before)
    book.ok('start', 'other', '--paused')


@test()
def jobs__show_what_was_cut_short_until_it_is_settled(book):
    book.define(domain('a', *spare_ports('pc')))
    book.ok('start', 'a', '--paused')
    must_crash(book, 'journal:after', 'attach-device', 'a',
               book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    job, = book.json('jobs')
    equal((job['domain'], job['pid'], job['program']), ('a', None, None))
    contains(book.ok('jobs').out, 'attach-device', 'cut short')
    book.ok('check', 'a')
    equal(book.json('jobs'), [])


@test()
def destroy__ends_a_guest_whose_interrupted_change_cannot_be_settled(book):
    book.define(domain('a', *spare_ports('pc')))
    book.ok('start', 'a', '--paused')
    must_crash(book, 'journal:after', 'attach-device', 'a',
               book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    os.kill(book.pid('a'), signal.SIGSTOP)
    book.ok('destroy', 'a')
    agree(book, 'a')
    equal(book.domains()['a']['state'], 'shut off')
    equal(book.version('a'), 1)


@test()
def destroy__ends_a_guest_whose_start_was_interrupted(book):
    book.define(domain('a'))
    must_crash(book, 'start:spawned', 'start', 'a')
    check(book.pid('a'))
    book.ok('destroy', 'a')
    check(not book.pid('a'))
    agree(book, 'a')


@test()
def start__leaves_a_guest_alone_that_the_book_does_not_know_of(book):
    """As after the book was brought back from a copy: the guest is somebody's work."""
    book.define(domain('a'))
    book.ok('start', 'a', '--paused')
    pid = book.pid('a')
    with contextlib.closing(sqlite3.connect(os.path.join(book.path, 'book.db'))) as database:
        with database:
            database.execute('UPDATE domain SET state = 0, runtime = NULL')
    book.refuse('start', 'a', says='destroy', lines=None)
    equal(book.pid('a'), pid)
    book.ok('destroy', 'a')
    equal(book.pid('a'), None)
    book.ok('start', 'a', '--paused')


# ---- claims ----


@test()
def claims__of_guests_that_have_ended_are_in_nobodys_way(book):
    images = [book.image(f'{number}.img') for number in range(3)]
    for number, image in enumerate(images):
        book.define(domain(f'old{number}', disk(image, 'vda')))
        book.ok('start', f'old{number}', '--paused')
    book.define(domain('new', *(
        disk(image, 'vd' + letter) for image, letter in zip(images, 'abc'))))
    book.refuse('start', 'new', code='refused', says="'old0'", lines=None)
    for number in range(3):
        end_qemu(book, f'old{number}')
    book.ok('start', 'new', '--paused')
    agree(book, 'new')
    book.refuse('start', 'old1', code='refused', says="'new'", lines=None)


@test('start', 'attach')
def claims__of_a_command_that_died_are_in_nobodys_way(book, what):
    image = book.image('shared.img')
    device = disk(image, 'vdb')
    book.define(domain('new', device))
    book.define(domain('old', *([device] if what == 'start' else [])))
    if what == 'start':
        must_crash(book, 'journal:after', 'start', 'old')
    else:
        book.ok('start', 'old', '--paused')
        must_crash(book, 'journal:after', 'attach-device', 'old', book.file('b.xml', device))
    book.ok('start', 'new', '--paused')
    agree(book, 'old')
    agree(book, 'new')
    equal(book.version('old'), 1)


@test(timeout=240)
def claims__two_starts_at_once_one_gets_the_disk(book):
    image = book.image('shared.img')
    names = [f'd{number}' for number in range(4)]
    for name in names:
        book.define(domain(name, disk(image, 'vda')))
    for _ in range(3):
        running = [book.popen('start', name, '--paused') for name in names]
        results = [(process.communicate(timeout=60), process.returncode) for process in running]
        equal(sorted(rc for _, rc in results), [0, 8, 8, 8], results)
        winner = names[[rc for _, rc in results].index(0)]
        for (_, err), rc in results:
            check(rc == 0 or f"'{winner}'" in err, err)
        equal(len(book.pids()), 1)
        settled(book)
        end_qemu(book, winner)


# ---- starts, pauses and reboots ----


def qmp(book, name):
    return Qmp(os.path.join(book.run_folder(name), 'monitor.sock'))


def balloon(book, name):
    """MiB that the guest has."""
    with qmp(book, name) as monitor:
        return monitor.call('query-balloon')['actual'] >> 20


@test()
def start__that_was_interrupted_is_finished_with_all_its_settings(book):
    """What a command line cannot set is set by the monitor, which may not have happened."""
    guest = Guest(book, 'a', memory=192, more="<currentMemory unit='MiB'>160</currentMemory>")
    must_crash(book, 'start:spawned', 'start', 'a')
    with qmp(book, 'a') as monitor:
        monitor.call('balloon', value=192 << 20)
    agree(book, 'a')
    guest.wait_for('^READY')
    wait_until(lambda: balloon(book, 'a') == 160, 'the guest has as much memory as the record says')


@test('suspend', 'resume')
def suspend__that_was_interrupted_is_known(book, what):
    book.define(domain('a'))
    book.ok('start', 'a', *(['--paused'] if what == 'resume' else []))
    must_crash(book, 'commit:before', what, 'a')
    book.ok('check', 'a')
    with qmp(book, 'a') as monitor:
        status = monitor.call('query-status')['status']
    wanted = 'running' if status == 'running' else 'paused'
    equal(book.domains()['a']['state'], wanted)
    settled(book)


@test()
def reboot__that_was_interrupted_after_its_reset_goes_on(book):
    book.define(domain('a'))
    book.ok('start', 'a')
    must_crash(book, 'journal:after', 'reboot', 'a')
    with qmp(book, 'a') as monitor:  # as far as the command would have come
        monitor.call('stop')
        monitor.call('system_reset')
        wait_until(lambda: monitor.call('query-status')['status'] == 'prelaunch', 'it is reset')
    agree(book, 'a')
    with qmp(book, 'a') as monitor:
        equal(monitor.call('query-status')['status'], 'running')


# ---- a guest that lets go too late ----


@test(timeout=180)
def detach__that_the_guest_follows_too_late(book):
    guest = Guest(book, 'a', disk(book.image('a.img'), 'vda')).start()
    path = book.file('b.xml', disk(book.image('b.img'), 'vdb'))
    book.ok('attach-device', 'a', path)
    guest.wait_for(r'^disk \+ vdb')
    with guest.qmp() as monitor:
        monitor.call('stop')
    book.refuse('detach-device', 'a', 'vdb', code='refused', says='let go', lines=None)
    check('disk vdb' in devices(guest.dumpxml()))
    with guest.qmp() as monitor:
        monitor.call('cont')
    guest.wait_for('^disk - vdb')
    time.sleep(1)
    result = book.run('check', 'a')
    check(result.rc != 0, result)
    contains(result.out + result.err, 'vdb', 'detach')
    book.ok('detach-device', 'a', 'vdb')
    agree(book, 'a')
    check('disk vdb' not in devices(guest.dumpxml()))
    book.ok('attach-device', 'a', path)
    guest.wait_for(r'^disk \+ vdb')


# ---- every command, at every step ----


class Victim:
    """A guest with everything that commands change: each name leads there, the next one back."""

    PAIRS = (('attach', 'detach'), ('live', 'unlive'), ('insert', 'eject'), ('more', 'less'),
             ('rollback-in', 'rollback-out'), ('suspend', 'resume'), ('rename', 'rename-back'),
             ('destroy', 'start'), ('reboot', 'reboot'), ('plug', 'plug'), ('title', 'untitle'),
             ('apply', 'unapply'))

    def __init__(self, book):
        self.book = book
        self.guest = Guest(
            book, 'a', disk(book.image('a.img'), 'vda'), cdrom(None, 'sda', 'scsi'),
            vcpu="<vcpu current='1'>2</vcpu>", memory=160)
        self.uuid = book.domains()['a']['uuid']
        self.files = [book.file('b.xml', disk(book.image('b.img'), 'vdb')),
                      book.file('nic.xml', interface())]
        self.extra = book.file('c.xml', disk(book.image('c.img'), 'vdc'))
        self.full = book.file('full.xml', cdrom(book.image('cd.img'), 'sda', 'scsi'))
        self.empty = book.file('empty.xml', cdrom(None, 'sda', 'scsi'))
        book.ok('attach-device', 'a', *self.files)
        self.guest.start()

    def given(self, more):
        """All of it, as somebody keeps it who knows nothing of addresses."""
        return self.book.file(f'given-{more}.xml', domain(
            self.uuid_name(), disk(self.book.image('a.img'), 'vda'),
            cdrom(self.book.image('cd.img') if more else None, 'sda', 'scsi'),
            disk(self.book.image('b.img'), 'vdb'), interface(),
            *([disk(self.book.image('d.img'), 'vdd')] if more else []),
            serial_file(self.guest.serial), uuid=self.uuid, boot=True, memory=160, vcpu='',
            more='<title>More</title>' if more else ''))

    def words(self, name):
        return {
            'attach': ('attach-device', self.uuid, *self.files),
            'detach': ('detach-device', self.uuid, *self.files),
            'live': ('attach-device', '--live', self.uuid, self.extra),
            'unlive': ('detach-device', '--live', self.uuid, 'vdc'),
            'insert': ('update-device', self.uuid, self.full),
            'eject': ('update-device', self.uuid, self.empty),
            'more': ('set-memory', self.uuid, 160 << 10),
            'less': ('set-memory', self.uuid, 128 << 10),
            'plug': ('set-vcpus', self.uuid, 2),
            'rollback-in': ('rollback', self.uuid, 2),
            'rollback-out': ('rollback', self.uuid, 1),
            'suspend': ('suspend', self.uuid),
            'resume': ('resume', self.uuid),
            'rename': ('rename', self.uuid, 'b'),
            'rename-back': ('rename', self.uuid, 'a'),
            'destroy': ('destroy', self.uuid),
            'start': ('start', self.uuid),
            'reboot': ('reboot', self.uuid),
            'title': ('desc', self.uuid, '--title', 'A title'),
            'untitle': ('desc', self.uuid, '--title', ''),
            'apply': ('apply', self.given(True)),
            'unapply': ('apply', self.given(False)),
        }[name]

    def row(self):
        return next(iter(self.book.domains().values()))

    def state(self):
        """What there is, besides the version: it must be as before or as after."""
        return (self.book.dumpxml(self.uuid), self.row()['state'], self.row()['name'],
                sorted(devices(self.book.dumpxml('--live', self.uuid))))

    def whole(self, version, allowed):
        """Settled, alike, and with every version once."""
        agree(self.book, self.uuid_name())
        log = [entry['version'] for entry in self.book.log(self.uuid)]
        equal(log, list(range(len(log), 0, -1)))
        check(log[0] - version <= allowed, f'version {version} became {log[0]}')

    def uuid_name(self):
        return self.row()['name']

    def awake(self):
        """Running and booted, whatever has become of it."""
        self.guest.name = self.uuid_name()
        if self.row()['state'] == 'shut off':
            self.guest.start()
        elif self.row()['state'] == 'paused':
            self.book.ok('resume', self.uuid)

    def ready(self, name):
        """To where the command leads on from."""
        if name == 'start':
            if self.row()['state'] != 'shut off':
                self.book.ok('destroy', self.uuid)
            self.guest.forget()
            return
        if name in ('plug', 'reboot'):
            # QEMU 7.2 may die of a vCPU that is plugged in again; who reboots must be up
            self.book.run('destroy', self.uuid)
            self.book.run('set-vcpus', self.uuid, 1)
        self.awake()
        for pair in self.PAIRS:
            if name in pair:
                before = pair[1 - pair.index(name)]
                if before not in (name, 'start'):
                    self.book.run(*self.words(before))
        if name == 'rollback-in':
            self.book.run(*self.words('rollback-out'))

    def hit(self, name, step, after):
        """One crash, what comes after it, and a look."""
        self.ready(name)
        version, before = self.book.version(self.uuid), self.state()
        must_crash(self.book, step, *self.words(name))
        after(self)
        # with the guest its live-only changes end, which is a version of its own
        self.whole(version, 2 if after is guest_died else 1)
        found = self.state()
        if found != before and after is not guest_died and name != 'reboot':
            self.book.run(*self.words(name))  # settled on the far side: nothing more to do
            equal(self.state(), found)
        check(len(self.book.pids()) <= 1, 'two guests of one domain')


def nothing(_victim):
    """The next command comes."""


def guest_died(victim):
    end_qemu(victim.book, victim.uuid_name())


def settler_died(step):
    def after(victim):
        crash(victim.book, step, 'check', victim.uuid)
        crash(victim.book, step, 'autostart', victim.uuid)

    after.__name__ = f'settler_died at {step}'
    return after


def run_matrix(book, afters, share, nothing_left=()):
    """Every command at every step but some; without DOMESDAY_LONG one case of so many."""
    victim = Victim(book)
    cases = [(name, step, after) for name in NAMES
             for step in STEPS.get(name, (*JOURNAL, *SETTLING)) if step not in nothing_left
             for after in afters]
    for name, step, after in cases if LONG else cases[::share]:
        began = time.monotonic()
        try:
            victim.hit(name, step, after)
        except AssertionError as error:
            raise AssertionError(f'{name} at {step}, {after.__name__}: {error}') from error
        print(f'# {name} at {step}, {after.__name__}: {time.monotonic() - began:.1f} s', flush=True)
    book.verify()


NAMES = list(dict.fromkeys(name for pair in Victim.PAIRS for name in pair))


@test(timeout=1500)
def matrix__every_command_at_every_step(book):
    run_matrix(book, [nothing], 7)


@test(timeout=1500)
def matrix__guest_dies_with_the_command(book):
    run_matrix(book, [guest_died], 11)


@test(timeout=1500)
def matrix__settling_dies_as_well(book):
    run_matrix(book, [settler_died(step) for step in SETTLING], 29,
               ('journal:before', 'commit:after'))


if __name__ == '__main__':
    main()
