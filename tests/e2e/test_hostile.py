#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 2400
"""Definitions made to hurt end in an answer: soon, in little memory, with what is wrong and where.

The shapes are those of hostile.py. Each is given to every command that reads a definition, and what
the command took is compared with what it may: 64 MiB, and RATIO times the processor time that the
largest harmless text takes in the same run, so that a slow machine is none of its fault; twice of
both for commands that hold two definitions at once. These hold for what is shipped, as
AddressSanitizer needs times of either: when the command under test has sanitizers, the release
build beside it is brought up to date and measured, and the one with sanitizers has to give the same
answer to each. Where there is no compiler the measured part is skipped.

A comment at the end says what took most and longest.
"""

import atexit
import os
import re
import resource
import shutil
import subprocess
import tempfile

import harness
from definition import domain
from harness import DOMESDAY, EXIT, SOURCE_DIR, Skip, check, equal, main, test
from hostile import LIMITS, SHAPES, Shape

MEMORY_MAX = 64 << 10  # KiB at the most, all in all
TWO = ('apply', 'diff', 'abi-check')
RATIO = 20  # user and system time, to that of the largest harmless definition
HANG = 60  # seconds of processor after which a command is ended
MESSAGE_MAX = 2000  # bytes of an error
WORST = 8  # lines at the end
SAVED = os.path.join(SOURCE_DIR, 'tests', 'data', 'debian-12-qemu-system-x86_64.json')
FREEZE = ('freeze', '--host-model=keep', '--capabilities=' + SAVED)
REASONS = ('invalid', 'unsupported', 'refused', 'exists', 'conflict')

# The largest harmless text: an owner's notes.
HARMLESS = Shape('harmless', domain('a').replace(
    '<devices>', "<metadata><o:notes xmlns:o='urn:o'>").split('<emulator>', maxsplit=1)[0],
    'what its owner wants to remember of it\n', '</o:notes></metadata></domain>')

MEASURED = []  # (seconds, KiB, command, shape)


class Usage:
    """How a command ended and what it took."""

    def __init__(self, command, status, used, out, err):
        self.rc = os.waitstatus_to_exitcode(status)
        self.seconds, self.kib = used.ru_utime + used.ru_stime, used.ru_maxrss
        self.command, self.out, self.err = command, out, err

    def __str__(self):
        return (f'{" ".join(self.command)}\nexit {self.rc}, {self.seconds:.2f} s, '
                f'{self.kib >> 10} MiB\n{self.err[:MESSAGE_MAX]}')


def limit_processor():
    """Runs in the child; since it is there, Python forks, and is not measured as the child."""
    resource.setrlimit(resource.RLIMIT_CPU, (HANG, HANG))


def use(program, book, *args):
    command = [program, '--book', book.path, *args]
    with open(book.folder + '/out', 'w+b') as out, open(book.folder + '/err', 'w+b') as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=limit_processor)
        try:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = status
        except BaseException:
            process.kill()
            process.wait()
            raise
        err.seek(0)
        text = err.read(1 << 20).decode('utf-8', 'backslashreplace')
        return Usage(command, status, used, out.seek(0, os.SEEK_END), text)


# ---- the build that is measured ----


def has_sanitizers(program):
    with open(program, 'rb') as stream:
        return b'__asan_init' in stream.read()


def measured_program():
    """The command as it is shipped; built where the one under test is not that."""
    if not has_sanitizers(DOMESDAY):
        return DOMESDAY
    if not shutil.which('cmake'):
        raise Skip('only a build with sanitizers is there, and nothing to make another with')
    folder = os.path.join(SOURCE_DIR, 'build', 'release')
    for step in (['--preset', 'release'],
                 ['--build', '--preset', 'release', '--target', 'domesday']):
        done = subprocess.run(
            ['cmake', *step], cwd=SOURCE_DIR, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False)
        equal(done.returncode, 0, done.stdout[-4000:], done.stderr[-4000:])
    return os.path.join(folder, 'bin', 'domesday')


class Bench:
    """What all tests share, made for the first of them."""

    made = None

    def __init__(self):
        self.program = measured_program()
        self.folder = tempfile.mkdtemp(prefix='hostile.')
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.book = harness.Book(self.folder)
        self.book.define(domain('there'))  # which asks QEMU what it can, once
        path = os.path.join(self.folder, 'harmless.xml')
        # frozen, it is longer
        HARMLESS.write(path, (LIMITS['DOCUMENT_SIZE'] - 8192) // len(HARMLESS.unit(0)))
        harmless = [use(self.program, self.book, *FREEZE, path) for _ in range(3)]
        for used in harmless:
            equal(used.rc, 0, used)
        self.seconds = max(used.seconds for used in harmless)

    @classmethod
    def get(cls):
        cls.made = cls.made or cls()
        return cls.made

    def lend(self, book):
        """A book with a domain in it, as another's own."""
        shutil.copytree(self.book.path, book.path)


# ---- what has to hold ----


def check_answer(used, path):
    """It ended by itself, with success or one clear line about a place in the file."""
    check(used.rc >= 0, 'killed by a signal:', used)
    if used.rc in (0, EXIT['no']):
        return
    check(used.rc in [EXIT[reason] for reason in REASONS], 'not about what was given:', used)
    check(used.err.startswith('domesday: ') and used.err.count('\n') == 1, 'not one line:', used)
    check(len(used.err.encode()) < MESSAGE_MAX, 'a long story:', used)
    check(not re.search(r'[\x00-\x09\x0b-\x1f]', used.err), 'control characters:', used)
    if used.rc == EXIT['invalid']:
        check(re.search(rf'{re.escape(path)}:\d+:', used.err), 'no line of the file:', used)
    equal(used.out, 0, 'half an answer:', used)


def check_cost(bench, used, shape):
    verb = used.command[3]
    held = 2 if verb in TWO else 1
    most, longest = MEMORY_MAX * held, RATIO * bench.seconds * held
    MEASURED.append((used.seconds, used.kib, verb, shape))
    check(used.kib <= most, f'{most >> 10} MiB are allowed:', used)
    check(used.seconds <= longest, f'{longest:.2f} s are allowed:', used)


def commands(path, there):
    """Every command that reads a definition; that of the path is called 'a', which is not there."""
    return (
        (*FREEZE, path), ('validate', path), ('apply', '--dry-run', renamed(path)),
        ('diff', 'there', path), ('abi-check', there, path), ('abi-check', path, there),
        ('define', path))


def renamed(path):
    """The definition, as one of the domain that is there."""
    other = path.replace('.xml', '.there.xml')
    with open(path, 'rb') as stream, open(other, 'wb') as copy:
        copy.write(stream.read(1 << 10).replace(b'<name>a</name>', b'<name>there</name>', 1))
        shutil.copyfileobj(stream, copy)
    return other


def texts(book, shape):
    for name, units in shape.sizes():
        path = os.path.join(book.folder, name + '.xml')
        shape.write(path, units)
        yield path


@test(*((shape.name, shape) for shape in SHAPES), timeout=600)
def hostile(book, case):
    name, shape = case
    bench = Bench.get()
    bench.lend(book)
    there = book.file('there.xml', domain('a'))
    for path in texts(book, shape):
        for command in commands(path, there):
            used = use(bench.program, book, *command)
            check_answer(used, command[-1] if command[0] != 'abi-check' else path)
            check_cost(bench, used, f'{name}, {os.path.basename(path)}')
    # what there are sanitizers for
    if DOMESDAY != bench.program:
        for path in texts(book, shape):
            used = use(bench.program, book, *FREEZE, path)
            again = use(DOMESDAY, book, *FREEZE, path)
            equal((again.rc, again.err, again.out), (used.rc, used.err, used.out))


@test()
def hostile__leaves_the_book_as_it_was(book):
    """What is refused has left nothing behind."""
    book.define(domain('there'))
    with book.unchanged():
        for shape in SHAPES:
            if shape.name in ('siblings', 'entities', 'not_utf8', 'disks_at_one_place', 'number'):
                for path in texts(book, shape):
                    book.refuse('define', path)


@test()
def hostile__worst(_book):
    """Not a test, but what the others measured, for whoever reads the log."""
    print(f'# harmless: {Bench.get().seconds:.2f} s')
    for column, what in ((0, 'longest'), (1, 'most memory')):
        for seconds, kib, command, shape in sorted(
                MEASURED, key=lambda row, column=column: row[column], reverse=True)[:WORST]:
            print(f'# {what}: {seconds:.2f} s, {kib / 1024:.0f} MiB: {command} of {shape}')


if __name__ == '__main__':
    main()
