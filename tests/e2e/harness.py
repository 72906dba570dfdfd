# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test stands on: TAP on standard output, a throw-away book, its guests.

A test program is

    from harness import main, test

    @test()
    def rename__keeps_the_history(book): ...

    if __name__ == '__main__':
        main()

Each test gets a fresh Book in its own temporary folder; whatever becomes of the test, the guests of
that book are ended and the folder is removed. Arguments of the program choose tests by a part of
their name.

Environment: DOMESDAY (the command), BUILD_DIR, GUEST_KERNEL, GUEST_INITRD and GUEST_TICKING (the
guests of tests/guest, made when they are not given), KEEP=1 (folders of failed tests stay).
"""

import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE_DIR = os.path.dirname(os.path.dirname(HERE))
BUILD_DIR = os.environ.get('BUILD_DIR', os.path.join(SOURCE_DIR, 'build', 'asan'))
DOMESDAY = os.environ.get('DOMESDAY', os.path.join(BUILD_DIR, 'bin', 'domesday'))

COMMAND_TIMEOUT = 60  # seconds for one command
TEST_TIMEOUT = 300  # seconds for one test, unless it says otherwise

F_OFD_SETLK = 37  # of fcntl(2); Python has no name for it

# The command's exit statuses, by the reason.
EXIT = {
    'no': 1, 'usage': 2, 'invalid': 3, 'not-found': 4, 'exists': 5, 'conflict': 6, 'busy': 7,
    'refused': 8, 'unsupported': 9, 'corrupt': 10, 'system': 11, 'hypervisor': 12,
}


class Skip(Exception):
    """Raised by a test that cannot be run here; its text says why."""


class TooLate(Exception):
    """A test took longer than it may."""


class Result:
    """What a command did: rc, out, err."""

    def __init__(self, command, rc, out, err, seconds):
        self.command, self.rc, self.out, self.err, self.seconds = command, rc, out, err, seconds

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f'{" ".join(self.command)}\nexit {self.rc}\n{self.out}{self.err}'


def check(condition, *explanation):
    """An assertion that still works under python -O and tells what was there."""
    if not condition:
        raise AssertionError('\n'.join(str(line) for line in explanation) or 'not so')


def equal(found, wanted, *explanation):
    check(found == wanted, *explanation, f'found:  {found!r}', f'wanted: {wanted!r}')


def contains(text, *parts):
    for part in parts:
        check(part in text, f'{part!r} is not in:', text)


class Book:
    """A book in a temporary folder, used through the command."""

    def __init__(self, folder=None, name='book', host=None):
        self.folder = folder or tempfile.mkdtemp(prefix='e2e.')
        self.path = os.path.join(self.folder, name)
        self.around = []  # words before each command
        if host:
            self.around = ['unshare', '--uts', 'sh', '-c', f'hostname {host} && exec "$@"', 'sh']

    def another(self, name, host=None):
        """A second book in the same temporary folder, on a machine that is called host."""
        rename = ['unshare', '--uts', 'hostname', host]
        if host and subprocess.run(rename, capture_output=True, check=False).returncode:
            raise Skip('this machine allows no host name of our own')
        return Book(self.folder, name, host)

    # ---- the command ----

    def command(self, *args):
        return [*self.around, DOMESDAY, '--book', self.path, *map(str, args)]

    def popen(self, *args, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE):
        """Starts a command and does not wait for it."""
        return subprocess.Popen(
            self.command(*args), stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})})

    def run(self, *args, stdin=None, timeout=COMMAND_TIMEOUT, env=None):
        began = time.monotonic()
        process = self.popen(*args, env=env, stdin=subprocess.PIPE)
        try:
            out, err = process.communicate(stdin or '', timeout=timeout)
        except (subprocess.TimeoutExpired, TooLate):
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f'no end after {timeout} s: {args}\n{out}{err}') from None
        return Result(process.args, process.returncode, out, err, time.monotonic() - began)

    def ok(self, *args, rc=0, **options):
        result = self.run(*args, **options)
        check(rc is None or result.rc == rc, f'exit status {rc} was wanted:', result)
        return result

    def json(self, *args, **options):
        return self.ok('--json', *args, **options).json

    def refuse(self, *args, code=None, says=(), lines=1, **options):
        """The command must fail with one clear line, and with that exit status.

        lines=None where advice in more lines is wanted.
        """
        result = self.run(*args, **options)
        check(result.rc != 0, 'it was accepted:', result)
        check(result.rc > 0, 'killed by a signal:', result)
        check(result.err.startswith('domesday: '), 'not the line of an error:', result)
        check(lines in (None, result.err.count('\n')), 'not one line:', result)
        check(result.out == '', 'half an answer:', result)
        if code is not None:
            equal(result.rc, EXIT[code], result)
        contains(result.err, *((says,) if isinstance(says, str) else says))
        return result

    # ---- files for it ----

    def file(self, name, text=''):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write(text)
        return path

    def image(self, name, mib=16):
        """A sparse raw disk image."""
        path = os.path.join(self.folder, name)
        with open(path, 'ab') as stream:
            stream.truncate(mib << 20)
        return path

    def define(self, xml, *args, **options):
        return self.ok('define', '-', *args, stdin=xml, **options)

    # ---- what it says ----

    def dumpxml(self, name, *args):
        return self.ok('dumpxml', name, *args).out

    def domains(self):
        """{name: what list says of it}"""
        return {row['name']: row for row in self.json('list', '--all')}

    def log(self, name):
        """From the newest version to the oldest."""
        return self.json('log', name)

    def version(self, name):
        return self.log(name)[0]['version']

    def snapshot(self):
        """All that the book holds, to compare with later."""
        domains = self.domains()
        return {
            name: (row, self.log(name), self.dumpxml(name)) for name, row in domains.items()}

    @contextlib.contextmanager
    def unchanged(self):
        """What is done in it must leave the book as it was, and whole."""
        before = self.snapshot()
        yield
        equal(self.snapshot(), before, 'the book has changed')
        self.verify()

    def git(self, *args, rc=0):
        done = subprocess.run(
            ['git', '-C', os.path.join(self.path, 'book.git'), *args], capture_output=True,
            text=True, timeout=COMMAND_TIMEOUT, check=False)
        result = Result(done.args, done.returncode, done.stdout, done.stderr, 0)
        check(rc is None or result.rc == rc, result)
        return result

    def verify(self):
        """Stock git finds nothing wrong with the book."""
        self.ok('sync')
        self.git('fsck', '--strict', '--no-dangling')

    # ---- its guests ----

    def run_folder(self, name):
        return os.path.join(self.path, 'run', self.domains()[name]['uuid'])

    def instance_folder(self, name, instance=1):
        """Of one of its QEMUs: each migration within the host makes another."""
        return os.path.join(self.run_folder(name), *([str(instance)] if instance > 1 else []))

    def pids(self):
        """The QEMU processes of this book: they hold the lock file of their run folder open."""
        return [pid for pid in map(qemu_of, locks_below(self.path)) if pid]

    def all_pids(self):
        """Those of every book in the temporary folder."""
        return [pid for pid in map(qemu_of, locks_below(self.folder + '/**')) if pid]

    def pid(self, name, instance=1):
        return qemu_of(os.path.join(self.instance_folder(name, instance), 'qemu.lock'))

    def end_guests(self):
        for pid in self.all_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.all_pids(), 'its guests are gone')

    def close(self, keep=False):
        self.end_guests()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def locks_below(folder):
    """The lock files of all QEMUs of a book, or where folder ends with ** of those below it."""
    return [
        lock for depth in ('*', '*/*')
        for lock in glob.glob(f'{folder}/run/{depth}/qemu.lock', recursive=True)]


def qemu_of(lock):
    """The process that was written into a lock file, if it still has it open."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open(lock, encoding='ascii') as stream:
            pid = int(stream.read().split()[0])
        for descriptor in glob.glob(f'/proc/{pid}/fd/*'):
            with contextlib.suppress(OSError):
                if os.path.samefile(descriptor, lock):
                    return pid
    return None


def wait_until(condition, what, timeout=30):
    """Waits until condition() gives something true, and gives that; what may be a function."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end,
              f'waited {timeout} s in vain until {what() if callable(what) else what}')
        time.sleep(0.05)


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


# ---- running the tests ----

TESTS = []


def test(*cases, timeout=TEST_TIMEOUT):
    """Registers a test; with cases, once for each, given as its second argument."""

    def register(function):
        for case in cases or (None,):
            name = function.__name__ + ('' if case is None else f'__{case_name(case)}')
            TESTS.append((name, function, () if case is None else (case,), timeout))
        return function

    return register


def case_name(case):
    return str(case[0] if isinstance(case, tuple) else case).replace(' ', '_').replace('#', '')


def too_late(_number, _frame):
    raise TooLate('the test took too long')


def run_one(function, args, timeout):
    """None for success, a Skip, or the text of what went wrong."""
    book = Book()
    failure = None
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(timeout)
    try:
        function(book, *args)
    except Skip as skip:
        failure = skip
    except Exception:  # pylint: disable=broad-except
        failure = traceback.format_exc()
    finally:
        signal.alarm(0)
        book.close(keep=isinstance(failure, str) and bool(os.environ.get('KEEP')))
    if isinstance(failure, str) and os.environ.get('KEEP'):
        failure += f'left in {book.folder}\n'
    return failure


def report(number, name, failure, seconds):
    if failure is None:
        print(f'ok {number} - {name}')
    elif isinstance(failure, Skip):
        print(f'ok {number} - {name} # SKIP {failure}')
    else:
        print(f'not ok {number} - {name}')
        for line in failure.splitlines():
            print(f'# {line}')
    print(f'# {name} took {seconds:.1f} s', flush=True)


def main():
    chosen = [
        entry for entry in TESTS
        if len(sys.argv) == 1 or any(part in entry[0] for part in sys.argv[1:])]
    print(f'1..{len(chosen)}', flush=True)
    failed = 0
    for number, (name, function, args, timeout) in enumerate(chosen, 1):
        began = time.monotonic()
        failure = run_one(function, args, timeout)
        failed += isinstance(failure, str)
        report(number, name, failure, time.monotonic() - began)
    sys.exit(1 if failed else 0)


def terminated(_number, _frame):
    raise SystemExit(143)  # so that a test that is ended still ends its guests


signal.signal(signal.SIGTERM, terminated)
