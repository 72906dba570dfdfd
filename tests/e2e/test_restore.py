#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""A host whose folder is gone: its book from a remote, whole or not at all."""

import contextlib
import glob
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

from definition import disk, domain
from harness import check, contains, equal, main, test
from ssh_server import Server, make_key

PASSWORD = 'unseen15'
SCREEN = "<graphics type='vnc' autoport='yes' passwd='{}'/>"


def bare(book):
    path = os.path.join(book.folder, 'remote.git')
    subprocess.run(['git', 'init', '-q', '--bare', path], check=True)
    return path


def git(path, *args):
    return subprocess.run(
        ['git', '-C', path, *args], check=True, capture_output=True, text=True).stdout


def branch(book, name):
    """Of a domain, on a remote."""
    return f"refs/heads/hosts/{os.uname().nodename}/domains/{book.domains()[name]['uuid']}"


def fill(book):
    """Edits, tags, a domain that is gone, one with a password, and two keys."""
    for name in ('a', 'b', 'c'):
        book.define(domain(name))
    book.ok('attach-device', 'a', book.file('disk.xml', disk(book.image('a.img'), 'vdb')))
    book.ok('desc', 'a', 'Öl & words')
    book.ok('tag', 'a@2', 'with-disk', '--reason', 'why not')
    book.ok('key', 'rotate')
    book.ok('rename', 'b', 'beta')
    book.ok('tag', 'a@1', 'first')
    book.ok('undefine', 'c')
    book.define(domain('secret', SCREEN.format(PASSWORD)))
    book.ok('autostart', 'a')


def contents(book):
    """All that a remote has of a book: every version of what is and was there, names, tags."""
    log = book.json('log', '--all')
    definitions = {
        (row['uuid'], row['version']): book.dumpxml(f"{row['uuid']}@{row['version']}")
        for row in log}
    domains = book.domains()
    tags = {name: book.json('tag', name) for name in domains}
    return log, definitions, {name: row['uuid'] for name, row in domains.items()}, tags


def fingerprints(book):
    return [key['fingerprint'] for key in book.json('key')]


def nothing(book, path=None):
    """No book, and nothing left of one."""
    equal(glob.glob((path or book.path) + '*'), [])


def lose(book):
    shutil.rmtree(book.path)


def pushed(book):
    """A book that is on a remote."""
    remote = bare(book)
    fill(book)
    book.ok('remote', 'add', 'backup', remote)
    book.ok('push')
    return remote


def verified_by_git(book):
    """Every commit of every branch, by stock git with the book's own list of keys."""
    book.verify()
    commits = set(book.git('rev-list', '--branches').out.split())
    check(len(commits) > 8, commits)
    for commit in commits:
        book.git('verify-commit', commit)
    for tag in book.git('for-each-ref', '--format=%(refname:strip=2)', 'refs/tags').out.split():
        book.git('verify-tag', tag)


def goes_on(book, name):
    """It makes versions, and the remote takes them."""
    book.ok('desc', name, 'after')
    book.ok('push')
    book.ok('verify', '--against', 'origin')


@test()
def restore__over_ssh_brings_a_lost_host_back(book):
    remote = bare(book)
    fill(book)
    with Server(book.folder) as server:
        own = server.path('own.pub')
        shutil.copy(os.path.join(book.path, 'keys', 'host.pub'), own)
        server.allow(own)
        server.be_known()
        with_ssh = {'env': server.environment}
        url = server.url(remote)
        book.ok('remote', 'add', 'backup', url)
        book.ok('push', **with_ssh)
        before, keys = contents(book), fingerprints(book)
        lose(book)
        # the server knows the key that is lost, and no other
        book.refuse('restore', '--from', url, code='refused',
                    says=('accept who we are', 'as the identity'), **with_ssh)
        nothing(book)
        identity = server.path('operator')
        make_key(identity)
        server.allow(identity + '.pub')
        done = book.ok('restore', '--from', url, '--identity', identity, **with_ssh)
        contains(done.err, f'restored from {url}: 8 versions of 4 domains',
                 'the passwords of secret', 'autostart')
        contains(done.out, *keys, 'notice: the key ', f'restored from {url}')
        equal(contents(book), before)
        notice = book.ok('verify')
        contains(notice.out, 'was adopted at', 'nothing signed before vouches for it')
        contains(notice.err, 'is sound')
        verified_by_git(book)
        equal(book.json('remote'), [{
            'name': 'origin', 'url': url, 'identity': identity, 'pushed': None, 'current': False,
            'failure': None}])
        # and goes on: later states of the branches that are there
        book.ok('desc', 'a', 'after')
        book.define(domain('new'))
        book.ok('desc', 'beta', 'after')
        (push,) = book.json('push', **with_ssh)
        equal((push['created'], push['forwarded'], push['diverged']), (1, 2, 0))
        book.ok('verify', '--against', 'origin', **with_ssh)
        verified_by_git(book)
        git(remote, 'fsck', '--strict')


@test()
def restore__says_which_passwords_are_lost(book):
    remote = pushed(book)
    lose(book)
    answer = book.json('restore', '--from', remote)
    equal(answer['without_passwords'], ['secret'])
    equal((answer['sound'], answer['findings']), (True, []))
    book.refuse('dumpxml', 'secret', '--security-info', code='refused',
                says=('the password of graphics vnc', 'is not in this book'))
    equal(book.domains()['a']['autostart'], False)
    found = subprocess.run(['grep', '-rqa', PASSWORD, remote, book.path], check=False)
    equal(found.returncode, 1, 'the password is in history')
    book.ok('update-device', 'secret', book.file('screen.xml', SCREEN.format('again')))
    contains(book.dumpxml('secret', '--security-info'), "passwd='again'")


@test()
def restore__adopts_a_key_that_everybody_sees(book):
    remote = pushed(book)
    keys = fingerprints(book)
    lose(book)
    answer = book.json('restore', '--from', remote, '--name', 'archive')
    rows = book.json('key')
    equal([row['fingerprint'] for row in rows[:2]], keys)
    new = rows[2]
    check(new['adopted'].startswith(f'restored from {remote}'), new)
    equal([(row['adopted'] is None, row['current'], row['fault']) for row in rows],
          [(True, False, None), (True, False, None), (False, True, None)])
    equal([key['fingerprint'] for key in answer['keys']], keys + [new['fingerprint']])
    equal([key['fingerprint'] for key in answer['adopted']], [new['fingerprint']])
    contains(book.ok('key').out, 'adopted at a restore: nothing signed before vouches for it')
    verified = book.json('verify')
    equal((verified['sound'], verified['findings']), (True, []))
    equal([(key['fingerprint'], key['adopted']) for key in verified['adopted']],
          [(new['fingerprint'], new['adopted'])])
    equal([row['name'] for row in book.json('remote')], ['archive'])
    # restored once more, with the key of now: nothing is adopted again
    book.ok('push')
    kept = book.folder + '/kept'
    shutil.copy(book.path + '/keys/host', kept)
    lose(book)
    book.ok('restore', '--from', remote, '--key', kept)
    equal(fingerprints(book), keys + [new['fingerprint']])
    # a change of the key that nobody vouches for, and that does not say so, stays a finding
    git_dir = book.path + '/book.git'
    message = git(git_dir, 'log', '-1', '--format=%B', 'book')
    check('Adopted: ' in message, message)
    stranger = book.folder + '/stranger'
    make_key(stranger)
    for lie, key in ((re.sub('Adopted: .*\n', '', message), kept), (message, stranger)):
        with_lie(book, lie, key)
        contains(book.ok('verify', rc=1).out, 'is not signed with the key before')
        equal(book.json('verify', rc=1)['adopted'], [])
        equal(book.json('key')[2]['fault'], 'is not signed with the key before')


def with_lie(book, message, key):
    """Another newest commit of the branch "book", with that message, and signed with that key."""
    git_dir = book.path + '/book.git'
    words = book.file('message', message)
    forged = git(git_dir, '-c', 'user.name=x', '-c', 'user.email=x@x', '-c', 'gpg.format=ssh',
                 '-c', f'user.signingkey={key}', 'commit-tree', '-S', '-F', words,
                 '-p', 'book^', 'book^{tree}').strip()
    git(git_dir, 'update-ref', 'refs/heads/book', forged)
    connection = sqlite3.connect(book.path + '/book.db')
    with connection:
        connection.execute("update setting set value = ? where key = 'book-head'",
                           (bytes.fromhex(forged),))
    connection.close()


@test()
def restore__with_the_key_that_was_kept(book):
    remote = pushed(book)
    before = contents(book)
    kept, first = book.folder + '/kept', book.folder + '/other'
    shutil.copy(book.path + '/keys/host', kept)
    keys = fingerprints(book)
    lose(book)
    other = make_key(first)
    shown = subprocess.run(['ssh-keygen', '-lf', first + '.pub'], check=True, capture_output=True,
                           text=True).stdout.split()[1]
    book.refuse('restore', '--from', remote, '--key', first, code='refused',
                says=(shown, keys[-1]))
    os.chmod(kept, 0o644)
    book.refuse('restore', '--from', remote, '--key', kept, code='refused', says='chmod 600')
    book.refuse('restore', '--from', remote, '--key', book.file('no-key', other), code='refused')
    book.refuse('restore', '--from', remote, '--key', '/nowhere', code='not-found')
    nothing(book)
    os.chmod(kept, 0o600)
    done = book.ok('restore', '--from', remote, '--key', kept)
    check('notice' not in done.out, done)
    equal(fingerprints(book), keys)
    equal(contents(book), before)
    equal(book.json('verify')['adopted'], [])
    verified_by_git(book)
    goes_on(book, 'a')


@test()
def restore__insists_on_the_first_key(book):
    remote = pushed(book)
    first, second = fingerprints(book)
    before = contents(book)
    lose(book)
    book.refuse('restore', '--from', remote, '--fingerprint', second, code='refused',
                says=(first, second))
    nothing(book)
    book.ok('restore', '--from', remote, '--fingerprint', first)
    equal(contents(book), before)


@test()
def restore__refuses_what_it_cannot_do(book):
    remote = pushed(book)
    host = os.uname().nodename
    book.refuse('restore', '--from', remote, code='refused', says='is not empty')
    there = book.another('there')
    for words, code, says in (
            (('--from', remote, '--host', 'nobody'), 'not-found', ('nobody', host)),
            *((('--from', remote, '--host', name), 'invalid', 'no host name')
              for name in ('*', '..', '.a', 'a.', 'a..b', 'a.lock')),
            (('--from', book.folder + '/nowhere.git'), 'system', 'nowhere.git'),
            (('--from', 'https://me:word@h/x'), 'invalid', 'password'),
            (('--from', remote, '--name', 'a/b'), 'invalid', 'a/b'),
            (('--from', remote, '--identity', 'here'), 'invalid', 'absolute'),
            (('--from', remote, 'file'), 'usage', 'not both'),
            (('--key', 'x', 'file'), 'usage', '--from'),
            (('/dev/zero',), 'invalid', 'no regular file'),
            ((there.folder,), 'invalid', 'no regular file'),
            ((), 'usage', 'FILE')):
        there.refuse('restore', *words, code=code, says=says)
        nothing(there)
    empty = there.folder + '/empty.git'
    subprocess.run(['git', 'init', '-q', '--bare', empty], check=True)
    there.refuse('restore', '--from', empty, code='not-found', says='none at all')
    # a folder that is there, and empty, becomes the book
    os.mkdir(there.path)
    there.ok('restore', '--from', remote)
    equal(contents(there), contents(book))


@test()
def restore__of_another_host_goes_on_under_its_own_name(book):
    remote = pushed(book)
    host = os.uname().nodename
    there = book.another('there', 'beta')
    there.refuse('restore', '--from', remote, code='not-found', says=("'beta'", host))
    done = there.ok('restore', '--from', remote, '--host', host)
    contains(done.err, f'the book of {host} goes on as that of this machine, beta')
    equal(contents(there), contents(book))
    there.ok('desc', 'a', 'elsewhere')
    there.ok('push')
    there.ok('verify', '--against', 'origin')
    branches = git(remote, 'for-each-ref', '--format=%(refname:strip=3)', 'refs/heads').split()
    equal({name.split('/')[0] for name in branches}, {'beta', host})
    # the other one's are as they were
    book.ok('verify', '--against', 'backup')
    # a second book would push to beta's branches
    lose(there)
    there.refuse('restore', '--from', remote, '--host', host, code='refused',
                 says=('beta', 'same branches'))
    nothing(there)


@test()
def restore__of_a_remote_that_was_tampered_with(book):
    remote = pushed(book)
    name = branch(book, 'a')
    uuid = name.rsplit('/', 1)[1]
    lose(book)
    sound = git(remote, 'rev-parse', name).strip()
    stranger = book.folder + '/stranger'
    make_key(stranger)
    words = book.file('message', git(remote, 'log', '-1', '--format=%B', name))
    forged = git(
        remote, '-c', 'user.name=x', '-c', 'user.email=x@x', '-c', 'gpg.format=ssh',
        '-c', f'user.signingkey={stranger}', 'commit-tree', '-S', '-F', words,
        '-p', name + '^', name + '^^{tree}').strip()

    def refused(code='corrupt', **options):
        refusal = book.refuse('restore', '--from', remote, code=code, lines=None, **options)
        nothing(book)
        return refusal

    # the newest version of a domain by another key, or not there; a whole domain
    git(remote, 'update-ref', name, forged)
    contains(refused(says='--incomplete').err, f'the domain {uuid} ends in version 3 (', 'x <x@x>',
             'up to version 2 it is sound', 'place 5 of the chain')
    details = book.run('--json', 'restore', '--from', remote).json['error']['findings']
    check(any(uuid in finding['sentence'] for finding in details), details)
    git(remote, 'update-ref', name, sound + '^')
    contains(refused(says='--incomplete').err, 'place 5 of the chain')
    git(remote, 'update-ref', '-d', name)
    contains(refused(says='--incomplete').err, 'place 5 of the chain')  # a tag has the others
    for tag in git(remote, 'for-each-ref', '--format=%(refname)', 'refs/tags').split():
        git(remote, 'update-ref', '-d', tag)
    contains(refused(says='--incomplete').err, 'place 1 of the chain', 'places 4 to 5 of the')
    git(remote, 'update-ref', name, sound + '^')
    done = book.ok('restore', '--from', remote, '--incomplete', rc=1)
    contains(done.out, 'place 5 of the chain of all versions is gone')
    equal(book.version('a'), 2)
    # it goes on, and stays a book that says what it lacks
    book.ok('desc', 'a', 'after')
    book.ok('verify', rc=1)


@test()
def restore__takes_only_what_a_book_pushes(book):
    remote = pushed(book)
    ours = f'refs/heads/hosts/{os.uname().nodename}/'
    head = git(remote, 'rev-parse', ours + 'book').strip()
    for name in ('books/gamma', 'evil', 'domains/no-uuid', 'book2', 'domains', 'books'):
        with contextlib.suppress(subprocess.CalledProcessError):  # where another is in its way
            git(remote, 'update-ref', ours + name, head)
    git(remote, 'update-ref', ours.replace('heads', 'tags') + 'domains/no-uuid/x', head)
    git(remote, 'update-ref', 'refs/heads/main', head)
    before = contents(book)
    lose(book)
    book.ok('restore', '--from', remote)
    equal(contents(book), before)
    names = book.git('for-each-ref', '--format=%(refname)').out.split()
    check('refs/heads/books/gamma' in names, names)
    uuids = {row['uuid'] for row in book.json('log', '--all')}
    equal({name for name in names if not any(uuid in name for uuid in uuids)},
          {'refs/heads/book', 'refs/heads/books/gamma', 'refs/book/chain'})
    book.verify()


@test()
def restore__knows_whose_domains_are_by_now(book):
    remote = bare(book)
    alpha, beta = book.another('alpha', 'alpha'), book.another('beta', 'beta')
    for name in ('web', 'db'):
        alpha.define(domain(name))
    beta.define(domain('own'))
    for host in (alpha, beta):
        host.ok('remote', 'add', 'fleet', remote)
        host.ok('push')
    beta.ok('evacuate', 'alpha', 'web', '--from', 'fleet', '--override', 'a fire')
    beta.ok('desc', 'web', 'at beta')
    beta.ok('push')
    before = contents(beta)
    lose(alpha)
    lose(beta)
    # what another took over does not start where it came from
    done = alpha.ok('restore', '--from', remote)
    contains(done.err, 'web is owned by beta now')
    equal(alpha.json('dominfo', 'web')['owner'], 'beta')
    alpha.refuse('start', 'web', code='refused', says='beta')
    alpha.ok('start', 'db')
    alpha.ok('destroy', 'db')
    alpha.ok('verify')
    alpha.ok('push')
    # and is its own there, with the history that it brought
    done = beta.ok('restore', '--from', remote)
    check('owned by' not in done.err, done)
    equal(contents(beta), before)
    equal((beta.json('dominfo', 'web')['owner'], beta.json('dominfo', 'web')['epoch']), (None, 2))
    beta.ok('verify')
    beta.ok('start', 'web')
    beta.ok('destroy', 'web')
    goes_on(beta, 'web')


@test()
def restore__leaves_the_old_book_behind(book):
    """Should it come back, it cannot push any more, and what it has is another book's."""
    remote = pushed(book)
    old = book.another('old')
    os.rename(book.path, old.path)
    book.ok('restore', '--from', remote)
    book.ok('push')
    old.ok('desc', 'beta', 'from the dead')
    before = git(remote, 'for-each-ref')
    contains(old.refuse('push', code='conflict', lines=None).err, 'another book')
    equal(git(remote, 'for-each-ref'), before)
    old.ok('verify', '--against', 'backup', rc=1)
    book.ok('desc', 'beta', 'alive')
    book.ok('push')
    book.ok('verify', '--against', 'origin')


@test(timeout=900)
def restore__that_is_killed_leaves_no_half_of_a_book(book):
    remote = pushed(book)
    before = contents(book)
    began = time.monotonic()
    lose(book)
    book.ok('restore', '--from', remote)
    took = time.monotonic() - began
    ended = 0
    for i in range(24):
        shutil.rmtree(book.path, ignore_errors=True)
        process = book.popen('restore', '--from', remote)
        with contextlib.suppress(subprocess.TimeoutExpired):
            # in the end so long that it comes to its end on a machine that has become busy, too
            process.wait(took * (i / 20 if i < 20 else 2 ** (i - 18)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if os.path.exists(book.path):
            ended += 1
            equal(contents(book), before)
            book.ok('verify')
    check(0 < ended < 24, f'{ended} of 24 came to their end')
    for left in glob.glob(book.path + '.*'):
        shutil.rmtree(left)
    shutil.rmtree(book.path, ignore_errors=True)
    book.ok('restore', '--from', remote)
    equal(contents(book), before)


@test()
def restore__of_a_backup_after_the_book_is_lost(book):
    fill(book)
    backup = book.folder + '/book.tar'
    book.ok('backup', backup)
    equal(os.stat(backup).st_mode & 0o777, 0o600)
    before = book.snapshot()
    shutil.rmtree(book.path)
    contains(book.ok('restore', backup).err, 'is sound')
    equal(book.snapshot(), before)
    book.refuse('restore', backup, code='refused')
    for command in ('backup', 'restore'):
        book.refuse(command, '', code='invalid', says='has no name')
        book.refuse(command, '-', code='invalid', says='is a file')
    book.ok('desc', 'a', 'goes on')
    book.ok('verify')


if __name__ == '__main__':
    main()
