#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""domesdayd: what happens without anybody asking, beside commands that go on."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time

from daemon import DOMESDAYD, Daemon
from definition import domain
from guest import Guest
from harness import EXIT, Skip, check, contains, equal, main, test, wait_until

OTHER_BOOT = '00000000-0000-4000-8000-000000000000\n'


def bare(book, name='remote.git'):
    path = os.path.join(book.folder, name)
    subprocess.run(['git', 'init', '-q', '--bare', path], check=True)
    return path


def remote_versions(path):
    """The versions that a remote has."""
    done = subprocess.run(
        ['git', '-C', path, 'log', '--format=%s %H', '--branches=hosts/*/domains/*'],
        capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def staged(book):
    # read-only, for stock SQLite would copy the log back without the pages' checksums
    database = sqlite3.connect(f'file:{book.path}/book.db?mode=ro', uri=True)
    with contextlib.closing(database):
        return database.execute('SELECT count(*) FROM staged').fetchone()[0]


def remote_of(book, name='backup'):
    (found,) = [row for row in book.json('remote') if row['name'] == name]
    return found


def has_all(book, path):
    """The remote has every version that the book has."""
    made = sum(len(book.log(name)) for name in book.domains())
    return len(remote_versions(path)) == made


def complete(book, path):
    """What the remote has is whole, and is the book."""
    check(has_all(book, path), remote_versions(path))
    subprocess.run(['git', '-C', path, 'fsck', '--strict', '--no-dangling'], check=True,
                   capture_output=True)
    book.ok('verify', '--against', 'backup')
    book.ok('verify')


# ---- the process ----


@test()
def daemon__tells_how_it_is_called(book):
    def run(*words):
        done = subprocess.run(
            [DOMESDAYD, *words], capture_output=True, text=True, timeout=30, check=False,
            env={**os.environ, 'DOMESDAY_BOOK': book.path})
        return done.returncode, done.stdout, done.stderr

    status, out, _ = run('--help')
    equal(status, 0)
    contains(out, 'Usage: domesdayd', '--book=DIR', '--host-name=NAME')
    status, out, _ = run('--version')
    equal((status, out.split()[0]), (0, 'domesdayd'))
    for words, says in (
            (('--frob',), "unknown option '--frob'"), (('-x',), "unknown option '-x'"),
            (('--book',), "'--book' needs a value"), (('--help=1',), 'takes no value'),
            (('here',), "'here' is too much")):
        status, out, err = run(*words)
        equal((status, out), (EXIT['usage'], ''), err)
        contains(err, 'domesdayd: ', says, '--help')
        equal(err.count('\n'), 1)
    status, _, err = run()
    equal(status, EXIT['not-found'], err)
    contains(err, book.path)
    check(not os.path.exists(book.path), 'it has made a book')
    book.define(domain('a'))
    status, _, err = run('--host-name', 'a b')
    equal(status, EXIT['invalid'], err)


@test()
def daemon__there_is_one_a_book(book):
    book.define(domain('a'))
    other = book.another('other')
    other.define(domain('a'))
    with Daemon(book) as daemon, Daemon(other):
        second = Daemon(book, ready=False)
        equal(second.wait(), EXIT['busy'], second.log())
        contains(second.log(), book.path, f'pid {daemon.process.pid}')
        daemon.kill()
        with Daemon(book):
            pass


@test('SIGTERM', 'SIGINT')
def daemon__ends_upon(book, name):
    book.define(domain('a'))
    with Daemon(book) as daemon:
        time.sleep(0.5)
        began = time.monotonic()
        daemon.process.send_signal(getattr(signal, name))
        equal(daemon.wait(), 0, daemon.log())
        check(time.monotonic() - began < 3, 'late')
        contains(daemon.log(), name)
    book.verify()


@test()
def daemon__speaks_to_systemd(book):
    book.define(domain('a'))
    path = os.path.join(book.folder, 'notify')
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(path)
        manager.settimeout(20)
        read, write = os.pipe()
        status = os.fstat(write)
        process = subprocess.Popen(
            [DOMESDAYD, '--book', book.path], stderr=write, env={
                **os.environ, 'NOTIFY_SOCKET': path,
                'JOURNAL_STREAM': f'{status.st_dev}:{status.st_ino}'})
        os.close(write)
        try:
            equal(manager.recv(100), b'READY=1')
            process.send_signal(signal.SIGTERM)
            equal(manager.recv(100), b'STOPPING=1')
            equal(process.wait(20), 0)
        finally:
            process.kill()
            process.wait()
        with os.fdopen(read, encoding='utf-8') as stream:
            lines = stream.read().splitlines()
    check(lines and all(line.startswith('<6>') for line in lines), lines)


@test()
def daemon__ends_when_the_book_is_gone(book):
    book.define(domain('a'))
    with Daemon(book) as daemon:
        os.rename(book.path, book.path + '.away')
        equal(daemon.wait(90), EXIT['not-found'], daemon.log())
        contains(daemon.log(), 'there is no book')
        check(not os.path.exists(book.path), 'it has made another one')


# ---- checkpoints ----


@test()
def daemon__checkpoints_after_a_change(book):
    book.define(domain('a'))
    with Daemon(book) as daemon:
        wait_until(lambda: staged(book) == 0, 'what is staged is packed')
        daemon.wait_for('checkpoint')
        book.ok('desc', 'a', 'words')
        check(staged(book) > 0)
        wait_until(lambda: staged(book) == 0, 'what is staged is packed')
        contains(book.git('log', '--format=%s', '--branches=domains').out, 'set description')
    book.verify()


# ---- pushes ----


@test()
def push__happens_after_changes(book):
    book.define(domain('a'))
    path = bare(book)
    with Daemon(book):
        book.ok('remote', 'add', 'backup', path)
        wait_until(lambda: has_all(book, path), 'version 1 is pushed')
        book.ok('desc', 'a', 'words')
        book.ok('tag', 'a@1', 'good')
        wait_until(lambda: has_all(book, path), 'version 2 is pushed')
        wait_until(lambda: remote_of(book)['current'], 'it is known')
        equal(remote_of(book)['failure'], None)
        check(remote_of(book)['pushed'])
        contains(book.ok('remote').out, 'up to date')
        # what makes no version is pushed, too
        book.ok('tag', '--delete', 'a', 'good')
        equal(remote_of(book)['current'], False)
        wait_until(lambda: remote_of(book)['current'], 'the tag is gone there')
        equal(subprocess.run(['git', '-C', path, 'tag'], capture_output=True,
                             check=True).stdout, b'')
    complete(book, path)


@test()
def push__comes_to_a_remote_that_was_away(book):
    book.define(domain('a'))
    path = bare(book)
    other = bare(book, 'other.git')
    book.ok('remote', 'add', 'backup', path)
    book.ok('remote', 'add', 'other', other)
    with Daemon(book) as daemon:
        wait_until(lambda: has_all(book, path), 'it is pushed')
        os.rename(path, path + '.away')
        book.ok('desc', 'a', 'words')
        daemon.wait_for('push backup failed, next try in')
        wait_until(lambda: has_all(book, other), 'the other one has it')
        remote = remote_of(book)
        equal((remote['current'], remote['failure']['code']), (False, 'system'))
        contains(remote['failure']['message'], path)
        check(remote['failure']['next'] > remote['failure']['since'] > remote['pushed'], remote)
        contains(book.ok('remote').out, 'failing since', 'next try', 'up to date')
        daemon.wait_for('push backup failed')
        check(remote_of(book)['failure']['tries'] >= 2)
        equal(remote_of(book)['failure']['since'], remote['failure']['since'])
        os.rename(path + '.away', path)
        wait_until(lambda: has_all(book, path), 'it is pushed after all', 60)
        wait_until(lambda: remote_of(book)['current'], 'and that is known')
        equal(remote_of(book)['failure'], None)
    complete(book, path)


@test()
def push__by_hand_says_the_same(book):
    book.define(domain('a'))
    path = bare(book)
    book.ok('remote', 'add', 'backup', path + '.away')
    book.refuse('push', code='system', lines=None)
    failure = remote_of(book)['failure']
    equal((failure['tries'], failure['next']), (1, None))
    book.refuse('push', code='system', lines=None)
    equal(remote_of(book)['failure'], {**failure, 'tries': 2})
    # another remote of that name has no past
    book.ok('remote', 'remove', 'backup')
    book.ok('remote', 'add', 'backup', path)
    equal((remote_of(book)['failure'], remote_of(book)['pushed']), (None, None))
    book.ok('push')
    equal((remote_of(book)['current'], remote_of(book)['failure']), (True, None))
    book.ok('remote', 'remove', 'backup')
    book.ok('remote', 'add', 'backup', path)
    equal((remote_of(book)['current'], remote_of(book)['pushed']), (False, None))


@test()
def push__tells_once_what_diverged(book):
    book.define(domain('a'))
    book.define(domain('b'))
    path = bare(book)
    book.ok('remote', 'add', 'backup', path)
    book.ok('push')
    branch = f'refs/heads/hosts/{os.uname().nodename}/domains/{book.domains()["a"]["uuid"]}'
    forged = subprocess.run(
        ['git', '-C', path, '-c', 'user.name=x', '-c', 'user.email=x@x', 'commit-tree',
         branch + '^{tree}', '-m', 'all is well'],
        capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(['git', '-C', path, 'update-ref', branch, forged], check=True)
    with Daemon(book) as daemon:
        daemon.wait_for('rewritten')
        for words in ('one', 'two'):
            book.ok('desc', 'b', words)
            # what did not diverge is pushed as ever
            wait_until(lambda: len(remote_versions(path)) == 1 + book.version('b'), 'b is pushed')
            wait_until(lambda: remote_of(book)['failure'], 'it is noted')
        equal(remote_of(book)['failure']['code'], 'conflict')
        contains(book.ok('remote').out, 'diverged since')
        equal(daemon.log().count('rewritten'), 1, daemon.log())


@test()
def push__can_be_switched_off(book):
    book.define(domain('a'))
    path = bare(book)
    book.ok('remote', 'add', 'backup', path)
    equal(book.ok('config', 'auto-push').out, 'yes\n')
    book.ok('config', 'auto-push', 'no', '--reason', 'a metered link')
    with Daemon(book) as daemon:
        daemon.wait_for('checkpoint')
        equal(remote_versions(path), [])
        book.ok('config', 'auto-push', 'yes')
        wait_until(lambda: has_all(book, path), 'it is pushed')


class Silent:
    """A server that takes connections and never says a word."""

    def __enter__(self):
        self.socket = socket.create_server(('127.0.0.1', 0), backlog=20)
        self.port = self.socket.getsockname()[1]
        self.url = f'ssh://git@127.0.0.1:{self.port}/book.git'
        return self

    def timers(self):
        """Which timer of the kernel's runs for each connection to it: 2 is keepalive."""
        with open('/proc/net/tcp', encoding='ascii') as stream:
            rows = [line.split() for line in stream.readlines()[1:]]
        return [int(row[5].split(':')[0], 16) for row in rows
                if row[2].endswith(f':{self.port:04X}') and row[3] == '01']

    def __exit__(self, *_):
        self.socket.close()


@test()
def push__that_hangs_stops_nothing_else(book):
    book.define(domain('a'))
    path = bare(book)
    book.ok('remote', 'add', 'backup', path)
    with Silent() as server, Daemon(book) as daemon:
        book.ok('remote', 'add', 'stuck', server.url)
        wait_until(lambda: has_all(book, path), 'it is pushed')
        book.ok('desc', 'a', 'words')
        wait_until(lambda: has_all(book, path), 'it is pushed')
        wait_until(lambda: staged(book) == 0, 'and packed')
        equal(server.timers(), [0])
        daemon.wait_for('push stuck is still at it', 90)
        equal(server.timers(), [2], 'is it asked whether it is still there?')
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        equal(daemon.wait(), 0, daemon.log())
        check(time.monotonic() - began < 8, 'late')
    complete(book, path)


# ---- beside others, and after a crash ----


@test()
def daemon__is_killed_in_the_middle_of_pushes(book):
    book.define(domain('a'))
    path = bare(book)
    book.ok('remote', 'add', 'backup', path)
    for round_ in range(6):
        daemon = Daemon(book)
        try:
            for number in range(5):
                book.ok('desc', 'a', f'{round_} {number}')
            # 0 to 2.5 s later: before, in and after the push that quiet brings
            time.sleep(round_ * 0.5)
        finally:
            daemon.kill()
        equal(book.version('a'), 1 + 5 * (round_ + 1))
    # git's own lock of a branch may be left there, and is taken away after two minutes
    with Daemon(book):
        wait_until(lambda: has_all(book, path), 'the remote has all', 200)
        wait_until(lambda: remote_of(book)['current'], 'and that is known')
    complete(book, path)


@test()
def daemon__goes_on_after_a_reindex(book):
    book.define(domain('a'))
    path = bare(book)
    book.ok('remote', 'add', 'backup', path)
    with Daemon(book) as daemon:
        wait_until(lambda: has_all(book, path), 'it is pushed')
        for number in range(3):
            book.ok('desc', 'a', f'before {number}')
            book.ok('reindex')
            book.ok('desc', 'a', f'after {number}')
        wait_until(lambda: has_all(book, path), 'it is pushed')
        wait_until(lambda: staged(book) == 0, 'and packed')
        equal(daemon.process.poll(), None, daemon.log())
    complete(book, path)


@test()
def daemon__keeps_no_command_waiting(book):
    book.define(domain('a'))
    path = bare(book)
    book.ok('remote', 'add', 'backup', path)
    with Daemon(book):
        end = time.monotonic() + 15
        slowest = 0
        while time.monotonic() < end:
            slowest = max(slowest, book.ok('desc', 'a', str(end - time.monotonic())).seconds)
        check(slowest < 5, f'a change took {slowest:.1f} s')
        wait_until(lambda: has_all(book, path), 'it is pushed', 60)
    complete(book, path)


@test()
def daemon__settles_what_a_crash_left(book):
    guest = Guest(book, 'a')

    def crash():
        done = book.run('start', 'a', env={'DOMESDAY_CRASH_AT': 'start:spawned'})
        if done.rc == 0:
            raise Skip('the command is built without crash points')

    crash()
    equal([(job['operation'], job['pid']) for job in book.json('jobs')], [('start', None)])
    with Daemon(book) as daemon:  # at its start
        daemon.wait_for("settled the interrupted start of domain 'a'")
        equal(book.json('jobs'), [])
        equal(guest.state(), 'running')
        guest.destroy()
        crash()  # and when it sees it
        daemon.wait_for("settled the interrupted start of domain 'a'", 90)
        equal(book.json('jobs'), [])
    equal(guest.state(), 'running')
    book.ok('check', 'a')


# ---- autostart ----


def progress(book):
    return os.path.join(book.path, 'run', 'autostart')


def autostarted(book):
    """Runs a daemon until it is through with autostart."""
    def through():
        with contextlib.suppress(FileNotFoundError):
            with open(progress(book), encoding='ascii') as stream:
                lines = stream.readlines()
            return lines[0] != OTHER_BOOT and lines[-1] == 'done\n'
        return False

    daemon = Daemon(book)
    with daemon:
        wait_until(through, 'autostart is done')
        time.sleep(1.5)  # for what should not happen
    return daemon.log()


def reboot(book):
    """What is left of the last boot is of another one."""
    with open(progress(book), encoding='ascii') as stream:
        lines = stream.readlines()
    with open(progress(book), 'w', encoding='ascii') as stream:
        stream.writelines([OTHER_BOOT, *lines[1:]])


@test()
def autostart__is_once_a_boot(book):
    guest = Guest(book, 'a')
    book.define(domain('b'))
    book.ok('autostart', 'a')
    contains(autostarted(book), "started domain 'a'")
    equal(guest.state(), 'running')
    equal(book.domains()['b']['state'], 'shut off')
    guest.wait_for('^READY')  # guests outlive the daemon
    equal(oct(os.stat(progress(book)).st_mode & 0o777), '0o600')
    guest.destroy()
    check('started' not in autostarted(book))
    equal(guest.state(), 'shut off')
    reboot(book)
    contains(autostarted(book), "started domain 'a'")
    equal(guest.state(), 'running')
    # one that runs is not touched
    pid = book.pid('a')
    reboot(book)
    check('started' not in autostarted(book))
    equal(book.pid('a'), pid)


@test()
def autostart__goes_on_after_one_that_fails(book):
    book.define(domain('a', f"""<disk type='file' device='disk'><driver name='qemu' type='raw'/>
        <source file='{book.folder}/nowhere.img'/><target dev='vda' bus='virtio'/></disk>"""))
    guest = Guest(book, 'b')
    book.ok('autostart', 'a')
    book.ok('autostart', 'b')
    log = autostarted(book)
    contains(log, 'autostart a: ', 'nowhere.img', "started domain 'b'")
    equal(guest.state(), 'running')


@test('start:spawned', 'start:running', 'commit:before', 'commit:after')
def autostart__goes_on_after_a_crash_at(book, step):
    """The daemon dies over the first of two."""
    guests = [Guest(book, name) for name in ('a', 'b')]
    for guest in guests:
        book.ok('autostart', guest.name)
    daemon = Daemon(book, env={'DOMESDAY_CRASH_AT': step}, ready=False)
    try:
        status = daemon.wait(5)
    except AssertionError:
        raise Skip('the command is built without crash points') from None
    equal(status, -signal.SIGKILL, daemon.log())
    equal(len(book.pids()), 1)
    log = autostarted(book)
    check('autostart' not in log, log)
    contains(log, "started domain 'b'")
    equal([guest.state() for guest in guests], ['running', 'running'])
    equal(book.json('jobs'), [])
    for guest in guests:
        book.ok('check', guest.name)


@test()
def autostart__leaves_what_another_host_has_taken_over(book):
    """Which the host, back again, learns from the remote before it starts anything."""
    alpha, beta = book.another('alpha', 'alpha'), book.another('beta', 'beta')
    path = bare(book)
    for host in (alpha, beta):
        host.define(domain('own'))
        host.ok('remote', 'add', 'backup', path)
    alpha.define(domain('web'))
    alpha.ok('autostart', 'web')
    alpha.ok('push')
    beta.ok('push')
    beta.ok('evacuate', 'alpha', 'web', '--from', 'backup', '--override', 'it burns')
    log = autostarted(alpha)
    contains(log, 'autostart web: ', 'beta')
    equal(alpha.domains()['web']['state'], 'shut off')


if __name__ == '__main__':
    main()
