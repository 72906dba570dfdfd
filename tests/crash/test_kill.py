#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""kill -9 of the command, at random moments and at every step where it matters.

A guest runs, and one of its disks comes and goes: by attach-device, by detach-device, by rollback
to a version with it and to one without, by apply of a whole definition; between these, new domains
are defined. Each command is killed at a moment chosen evenly over the time that it usually takes.
Whatever the moment,
  - the next command works, and afterwards check finds that record and running guest agree;
  - the record is, to the byte, the one before or the one after, and at most one version was made;
  - what was acknowledged (exit status 0) is there;
  - the guest itself sees the disk exactly when the record has it.

The moments come from SEED; KILLS sets how many.
"""

import os
import random
import re
import signal
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))

# pylint: disable=wrong-import-position
from definition import (  # noqa: E402
    devices, disk, domain, interface, serial_file, spare_ports)
from guest import Guest  # noqa: E402
from harness import SOURCE_DIR, Skip, check, equal, main, test, wait_until  # noqa: E402

KILLS = int(os.environ.get('KILLS', '300'))
SEED = int(os.environ.get('SEED', '1086'))
REBOOTS = 5  # killed ones
SAMPLES = 3  # runs that tell how long a command usually takes
BEYOND = 1.05  # of the usual time, up to which it is killed
LOOKS = (('check', 'guest'), ('list', '--all'), ('log', 'guest'), ('dumpxml', 'guest'),
         ('dumpxml', '--live', 'guest'))  # what the next command may be


class Victim:
    """A running guest whose disk vdb (and, with it, a network card) comes and goes."""

    def __init__(self, book, machine):
        self.book, self.machine = book, machine
        self.guest = Guest(
            book, 'guest', disk(book.image('a.img'), 'vda'), *spare_ports(machine),
            machine=machine).start()
        self.given = {there: self.definition(there) for there in (True, False)}
        self.files = (
            book.file('b.xml', disk(book.image('b.img'), 'vdb')),
            book.file('nic.xml', interface()))
        self.without = self.guest.dumpxml()
        book.ok('attach-device', 'guest', *self.files)
        self.with_disk = self.guest.dumpxml()
        self.there, self.version = self.agree()

    def definition(self, there):
        """As somebody keeps it who knows nothing of addresses."""
        own = [disk(self.book.image('a.img'), 'vda'), *spare_ports(self.machine)]
        new = [disk(self.book.image('b.img'), 'vdb'), interface()] if there else []
        return self.book.file(f'given-{there}.xml', domain(
            'guest', *own, *new, serial_file(self.guest.serial), boot=True, machine=self.machine))

    def words(self, name):
        """The command, and whether the disk is there after it."""
        return {
            'attach': (('attach-device', 'guest', *self.files), True),
            'detach': (('detach-device', 'guest', *self.files), False),
            'rollback-in': (('rollback', 'guest', 2), True),
            'rollback-out': (('rollback', 'guest', 1), False),
            'apply-in': (('apply', self.given[True]), True),
            'apply-out': (('apply', self.given[False]), False),
        }[name]

    def bring(self, there):
        """To the state from which a command leads on."""
        if self.there != there:
            self.book.ok('attach-device' if there else 'detach-device', 'guest', *self.files)
            self.there, self.version = self.agree()
        equal(self.there, there)

    def agree(self):
        """Record, QEMU and the system inside the guest have the same devices.

        Gives whether the disk is there, and the newest version.
        """
        result = self.book.run('check', 'guest')
        check(result.rc == 0, 'record and guest differ', result)
        record = self.guest.dumpxml()
        check(record in (self.without, self.with_disk), 'neither before nor after:', record)
        live = devices(self.guest.dumpxml('--live'))
        equal(sorted(live), sorted(devices(record)), 'devices of the guest and of the record')
        there = record == self.with_disk
        for pattern in ('^disk [+-] vdb', '^net [+-] eth0'):
            wait_until(lambda: self.inside(pattern) == there,
                       f'the guest {"sees" if there else "no longer sees"} {pattern}')
        return there, self.book.version('guest')

    def inside(self, pattern):
        """Was the last that the guest said of it, that it came?"""
        found = re.findall(pattern, self.guest.said(), re.MULTILINE)
        return bool(found) and '+' in found[-1]

    def run(self, name, kill):
        """One command, hit by kill(process); checks what is left. Was it killed?"""
        words, goal = self.words(name)
        self.bring(not goal)
        version = self.version
        killed, acknowledged = kill(self.book, words)
        self.book.ok(*LOOKS[version % len(LOOKS)])
        self.there, self.version = self.agree()
        check(self.version in (version, version + 1), f'{version} became {self.version}')
        equal(self.there == goal, self.version == version + 1, 'a version without its change')
        check(not acknowledged or self.there == goal, f'{name} was acknowledged and is lost')
        return killed

    def reboot(self, kill):
        """A reboot, hit by kill(process): the guest runs or is shut off, and nothing is new."""
        killed, acknowledged = kill(self.book, ('reboot', 'guest'))
        self.book.ok('check', 'guest')
        if not acknowledged:
            self.book.ok('destroy', 'guest', rc=None)  # it may just be shutting down
            self.guest.start()
        self.guest.position = 0
        self.guest.wait_for(r'^READY(\n.*)*^READY' if acknowledged else '^READY')
        equal(self.agree(), (self.there, self.version))
        self.book.ok('destroy', 'guest')
        self.guest.start()
        return killed


class Clerk:
    """Defines one domain after the other."""

    def __init__(self, book):
        self.book, self.count = book, 0

    def run(self, _name, kill):
        self.count += 1
        new = f'new{self.count}'
        path = self.book.file('new.xml', domain(new))
        killed, acknowledged = kill(self.book, ('define', path))
        there = new in self.book.domains()
        check(there or not acknowledged, 'define was acknowledged and is lost')
        if there:
            equal(self.book.version(new), 1)
            self.book.ok('check', new)
        self.book.ok('define', path)  # the same meaning, or for the first time
        equal(self.book.version(new), 1)
        return killed


def kill_at(seconds):
    """Kills a command so long after its start, unless it has ended by then."""

    def kill(book, words):
        process = book.popen(*words)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        killed = process.returncode == -signal.SIGKILL
        check(killed or process.returncode == 0, words, process.returncode, out, err)
        return killed, process.returncode == 0

    return kill


def kill_step(step):
    """Has the command kill itself when it gets to a step."""

    def kill(book, words):
        result = book.run(*words, env={'DOMESDAY_CRASH_AT': step})
        killed = result.rc == -signal.SIGKILL
        check(killed or result.rc == 0, result)
        return killed, result.rc == 0

    return kill


def usual_seconds(actor, name):
    """How long the command takes when nobody disturbs it."""
    seconds = []

    def watch(book, words):
        seconds.append(book.ok(*words).seconds)
        return False, True

    for _ in range(SAMPLES):
        actor.run(name, watch)
    return statistics.median(seconds)


def whole(book):
    """Every version is there once, and stock git finds nothing wrong."""
    for name in book.domains():
        log = [entry['version'] for entry in book.log(name)]
        equal(log, list(range(len(log), 0, -1)), name)
    book.verify()


RANDOM_KILLS = ('attach', 'detach', 'rollback-in', 'rollback-out', 'apply-in', 'apply-out',
                'define')


@test('pc', 'q35', timeout=1200)
def kill__at_random_moments(book, machine):
    random_moments = random.Random(f'{SEED} {machine}')
    victim, clerk = Victim(book, machine), Clerk(book)
    actors = {name: clerk if name == 'define' else victim for name in RANDOM_KILLS}
    usual = {name: usual_seconds(actor, name) for name, actor in actors.items()}
    wanted, killed, runs = KILLS // 2, dict.fromkeys(actors, 0), 0
    while sum(killed.values()) < wanted:
        name = RANDOM_KILLS[runs % len(RANDOM_KILLS)]
        moment = random_moments.uniform(0, usual[name] * BEYOND)
        runs += 1
        check(runs < wanted * 3, 'the commands have become too quick to kill')
        try:
            killed[name] += actors[name].run(name, kill_at(moment))
        except AssertionError as error:
            raise AssertionError(
                f'seed {SEED}, run {runs}: {name} killed after {moment:.4f} s: {error}') from error
    whole(book)
    print(f'# {runs} runs, {sum(killed.values())} kills: ' + ', '.join(
        f'{name} {killed[name]} over {usual[name]:.2f} s' for name in actors))


@test(timeout=600)
def kill__of_a_reboot(book):
    """The power button has been pressed, and nobody is there to switch the guest on again."""
    random_moments = random.Random(f'{SEED} reboot')
    victim = Victim(book, 'pc')
    victim.reboot(kill_at(60))
    for _ in range(REBOOTS):
        victim.reboot(kill_at(random_moments.uniform(0, 3)))
    whole(book)


# ---- at each step ----


def steps():
    """The steps that the source names."""
    found = set()
    for folder, _, names in os.walk(os.path.join(SOURCE_DIR, 'domain')):
        for name in names:
            if name.endswith('.c'):
                with open(os.path.join(folder, name), encoding='utf-8') as stream:
                    found.update(re.findall(r'CRASH_POINT\("([^"]+)"\)', stream.read()))
    check(found, 'no steps in the source')
    return sorted(found)


def kill_start(book, name, step):
    """Start and destroy have steps of their own: the domain runs or it does not."""
    killed = False
    for words, running in ((('start', name, '--paused'), True), (('destroy', name), False)):
        hit, acknowledged = kill_step(step)(book, words)
        killed = killed or hit
        book.ok('check', name)
        state = book.domains()[name]['state']
        equal(state != 'shut off', book.pid(name) is not None, state)
        check(not acknowledged or (state != 'shut off') == running, state)
        if (state != 'shut off') != running:
            book.ok(*words)
    equal(book.version(name), 1)
    return killed


@test('pc', 'q35', timeout=1200)
def kill__at_each_step(book, machine):
    victim, clerk = Victim(book, machine), Clerk(book)
    book.define(domain('other', machine=machine))
    missed = []
    for step in steps():
        hits = [name for name in RANDOM_KILLS
                if (clerk if name == 'define' else victim).run(name, kill_step(step))]
        if kill_start(book, 'other', step):
            hits.append('start')
        if step.split(':')[0] in ('journal', 'reboot') and victim.reboot(kill_step(step)):
            hits.append('reboot')
        print(f'# {step}: {", ".join(hits) or "reached by none"}')
        if not hits:
            missed.append(step)
    if len(missed) == len(steps()):
        raise Skip('the command is built without crash points')
    equal(missed, [], 'steps that no command reaches')
    whole(book)


if __name__ == '__main__':
    main()
