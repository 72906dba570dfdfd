#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies of the book on git remotes: by path and over ssh, growing only, told apart by host."""

import os
import subprocess

from definition import domain
from harness import check, contains, equal, main, test, wait_until
from https_server import AUTHORITIES, believe
from https_server import Server as HttpsServer
from ssh_server import Server, make_key

COUNTS = ('created', 'forwarded', 'current', 'diverged')


def bare(book, name='remote.git'):
    path = os.path.join(book.folder, name)
    subprocess.run(['git', 'init', '-q', '--bare', path], check=True)
    return path


def git(path, *args):
    return subprocess.run(
        ['git', '-C', path, *args], check=True, capture_output=True, text=True).stdout


def refs(path, under='refs/heads'):
    """{name below refs/: object}"""
    lines = git(path, 'for-each-ref', '--format=%(refname) %(objectname)', under).splitlines()
    return {line.split()[0].removeprefix('refs/'): line.split()[1] for line in lines}


def host_name():
    return os.uname().nodename


def uuid(book, name):
    return book.domains()[name]['uuid']


def counts(book, *command, **options):
    (answer,) = book.json(*command, **options)
    return tuple(answer[key] for key in COUNTS)


def two_domains(book):
    book.define(domain('a'))
    book.define(domain('b'))


def backed_up(book):
    """Two domains, and a remote to push them to."""
    two_domains(book)
    remote = bare(book)
    book.ok('remote', 'add', 'backup', remote)
    return remote


@test()
def remote__is_added_listed_and_removed(book):
    two_domains(book)
    equal(book.json('remote'), [])
    key = book.file('key', 'secret')
    os.chmod(key, 0o600)
    book.ok('remote', 'add', 'backup', '/srv/backup.git')
    book.ok('remote', 'add', 'archive', 'git@example.org:book.git', '--identity', key)
    unknown = {'pushed': None, 'current': False, 'failure': None}
    equal(book.json('remote', 'list'), [
        {'name': 'archive', 'url': 'git@example.org:book.git', 'identity': key, **unknown},
        {'name': 'backup', 'url': '/srv/backup.git', 'identity': None, **unknown}])
    contains(book.ok('remote').out, 'archive', '/srv/backup.git')
    equal(book.git('remote').out.split(), ['archive', 'backup'])
    book.refuse('remote', 'add', 'backup', '/srv/other', code='exists', says='/srv/backup.git')
    book.refuse('remote', 'remove', 'other', code='not-found', says=('other', 'archive, backup'))
    book.ok('remote', 'remove', 'archive')
    equal([remote['name'] for remote in book.json('remote')], ['backup'])
    equal(book.git('remote').out.split(), ['backup'])


@test()
def remote__is_not_the_book_itself(book):
    two_domains(book)
    own = book.path + '/book.git'
    os.symlink(own, book.folder + '/link')
    for url in (own, own + '/', 'file://' + own, book.folder + '/link'):
        book.refuse('remote', 'add', 'self', url, code='invalid', says="this book's own")
    equal(book.json('remote'), [])
    book.ok('remote', 'add', 'other', bare(book))


@test()
def push__of_many_at_once_succeeds(book):
    remote = bare(book)
    book.ok('remote', 'add', 'backup', remote)
    names = [f'd{number}' for number in range(12)]
    for name in names:
        book.define(domain(name))
    for turn in range(6):
        for name in names:
            book.ok('desc', name, f'turn {turn}')
        pushing = [book.popen('push') for _ in range(4)]
        for process in pushing:
            err = process.communicate(timeout=60)[1]
            equal(process.returncode, 0, err)
        equal(counts(book, 'push', 'backup'), (0, 0, len(names), 0))
    book.ok('verify', '--against', 'backup')


@test()
def remote__refuses_what_gives_secrets_away(book):
    two_domains(book)
    for url, says in (
            ('https://me:word@example.org/x', 'password'), ('ssh://me:word@host/x', 'password'),
            ('http://example.org/x', 'http://'), ('git://example.org/x', 'git://'),
            ('relative/path', 'relative/path'), ('ext::sh -c id', 'ext::'),
            ('/a\nb', 'control')):
        book.refuse('remote', 'add', 'x', url, code='invalid', says=says)
    for name in ('a/b', '-x', 'a b', '..', ''):
        book.refuse('remote', 'add', '--', name, '/srv/x', code='invalid')
    loose = book.file('loose', 'me:word')
    os.chmod(loose, 0o644)
    book.refuse('remote', 'add', 'x', 'https://h/x', '-i', loose, code='refused', says='chmod 600')
    book.refuse('remote', 'add', 'x', 'https://h/x', '-i', 'here', code='invalid', says='absolute')
    equal(book.json('remote'), [])
    book.refuse('push', code='not-found', says='remote add')
    book.refuse('push', 'x', code='not-found', says='x')
    book.refuse('remote', 'sell', 'x', code='usage', says='sell')
    book.refuse('remote', 'add', 'x', code='usage', says='NAME URL')


@test()
def remote__a_config_that_says_nothing_is_not_one_without_remotes(book):
    backed_up(book)
    config = f'{book.path}/book.git/config'
    os.rename(config, config + '.kept')
    with open(config, 'w', encoding='utf-8'):
        pass
    for command in (['list'], ['remove', 'backup'], ['add', 'other', '/srv/other.git']):
        book.refuse('remote', *command, code='system', says=('book.git/config', 'verify'))
    book.refuse('push', 'backup', code='system', says='book.git/config')
    equal(os.path.getsize(config), 0)
    os.rename(config + '.kept', config)
    equal([remote['name'] for remote in book.json('remote')], ['backup'])


@test()
def push__brings_the_copy_up_to_date(book):
    remote = backed_up(book)
    equal(counts(book, 'push'), (2, 0, 0, 0))
    equal(counts(book, 'push', 'backup'), (0, 0, 2, 0))
    book.ok('desc', 'a', 'words')
    book.define(domain('c'))
    equal(counts(book, 'push'), (1, 1, 1, 0))
    there = refs(remote)
    own = refs(os.path.join(book.path, 'book.git'))
    equal({name.replace(f'hosts/{host_name()}/', ''): oid for name, oid in there.items()}, own)
    git(remote, 'fsck', '--strict')
    contains(git(remote, 'show', f'hosts/{host_name()}/domains/{uuid(book, "a")}:domain.xml'),
             'words')
    # what stock git does by the same name is the same
    contains(book.git('push', 'backup').err, 'Everything up-to-date')


@test()
def push__carries_tags_and_takes_them_away(book):
    remote = backed_up(book)
    book.ok('tag', 'a@1', 'good')
    book.ok('push')
    name = f'tags/hosts/{host_name()}/domains/{uuid(book, "a")}/good'
    first = refs(remote, 'refs/tags')[name]
    book.ok('desc', 'a', 'words')
    book.ok('tag', '--delete', 'a', 'good')
    book.ok('tag', 'a@2', 'good')
    book.ok('push')
    check(refs(remote, 'refs/tags')[name] != first)
    book.ok('tag', '--delete', 'a', 'good')
    book.ok('push')
    equal(refs(remote, 'refs/tags'), {})


@test()
def push__leaves_a_rewritten_history_alone_and_names_it(book):
    remote = backed_up(book)
    book.ok('desc', 'a', 'words')
    book.ok('push')
    branch = f'refs/heads/hosts/{host_name()}/domains/{uuid(book, "a")}'
    tree = git(remote, 'rev-parse', branch + '^{tree}').strip()
    forged = git(remote, '-c', 'user.name=x', '-c', 'user.email=x@x', 'commit-tree', tree,
                 '-m', 'all is well').strip()
    git(remote, 'update-ref', branch, forged)
    book.ok('desc', 'b', 'more words')
    refusal = book.refuse('push', code='conflict', lines=None, says=(uuid(book, 'a'), 'rewritten'))
    contains(refusal.err, f'diverged: {host_name()} a', '1 with new versions')
    equal(refs(remote)[branch.removeprefix('refs/')], forged)
    equal(git(remote, 'show', '-s', '--format=%s',
              f'hosts/{host_name()}/domains/{uuid(book, "b")}').strip(), 'set description')
    details = book.run('--json', 'push').json['error']['remotes'][0]
    equal(tuple(details[key] for key in COUNTS), (0, 0, 1, 1))
    equal([branch['outcome'] for branch in details['branches']], ['diverged'])


@test()
def push__to_one_remote_does_not_wait_for_another(book):
    two_domains(book)
    remote = bare(book)
    book.ok('remote', 'add', 'a-lost', os.path.join(book.folder, 'nowhere.git'))
    book.ok('remote', 'add', 'backup', remote)
    book.refuse('push', code='system', says='nowhere.git', lines=None)
    equal(len(refs(remote)), 3)


@test()
def pull__shows_what_every_host_has_pushed(book):
    two_domains(book)
    remote = bare(book)
    other = book.another('other', host='beta')
    other.define(domain('c'))
    other.ok('remote', 'add', 'backup', remote)
    other.ok('push')
    book.ok('remote', 'add', 'backup', remote)
    book.ok('push')
    equal(counts(book, 'pull'), (3, 0, 0, 0))
    name = f'remotes/backup/beta/domains/{uuid(other, "c")}'
    contains(book.git('show', name + ':domain.xml').out, '<name>c</name>')
    equal(sorted(book.domains()), ['a', 'b'])
    other.ok('desc', 'c', 'words')
    other.ok('push')
    equal(counts(book, 'pull'), (0, 1, 2, 0))
    # what was seen once is not forgotten
    seen = book.git('rev-parse', name).out
    git(remote, 'update-ref', f'refs/heads/hosts/beta/domains/{uuid(other, "c")}',
        refs(remote)[f'heads/hosts/{host_name()}/domains/{uuid(book, "a")}'])
    book.refuse('pull', code='conflict', says=(uuid(other, 'c'), 'beta'), lines=None)
    equal(book.git('rev-parse', name).out, seen)
    book.verify()
    book.ok('remote', 'remove', 'backup')
    equal(refs(os.path.join(book.path, 'book.git'), 'refs/remotes'), {})
    book.verify()


@test()
def pull__a_branch_that_ends_in_no_commit_is_named(book):
    """The server points it to a file; what else is there is fetched."""
    remote = backed_up(book)
    book.ok('push')
    book.ok('pull')
    other = uuid(book, 'b')
    book.ok('desc', 'b', 'later')
    book.ok('push')
    branch = f'heads/hosts/{host_name()}/domains/{uuid(book, "a")}'
    blob = subprocess.run(
        ['git', '-C', remote, 'hash-object', '-w', '--stdin'], input='x', text=True, check=True,
        capture_output=True).stdout
    with open(f'{remote}/refs/{branch}', 'w', encoding='utf-8') as stream:
        stream.write(blob)
    failed = book.refuse('pull', code='conflict', lines=None)
    contains(failed.err, uuid(book, 'a'), 'does not follow what was fetched before')
    fetched = refs(book.path + '/book.git', 'refs/remotes')
    equal(fetched[f'remotes/backup/{host_name()}/domains/{other}'],
          refs(remote)[f'heads/hosts/{host_name()}/domains/{other}'])
    book.ok('verify')
    rescuer = book.another('rescuer', host='rescuer')
    rescuer.define(domain('own'))
    rescuer.ok('remote', 'add', 'fleet', remote)
    failed = rescuer.ok(
        'evacuate', host_name(), '--all', '--from', 'fleet', '--override', 'gone', rc=10)
    check('try again' not in failed.err, failed)
    equal(set(rescuer.domains()), {'own', 'b'})


@test()
def push__over_https_proves_both_sides(book):
    two_domains(book)
    remote = bare(book)
    git(remote, 'config', 'http.receivepack', 'true')
    password = book.file('password', 'operator:guessed\n')
    os.chmod(password, 0o600)
    with HttpsServer(book.folder) as server:
        book.ok('remote', 'add', 'backup', server.url(remote))
        book.refuse('push', code='refused', says=('right server', AUTHORITIES))
        server.be_known(book)
        book.refuse('push', code='refused', says=('user:password', '--identity'))
        book.ok('remote', 'remove', 'backup')
        book.ok('remote', 'add', 'backup', server.url(remote), '--identity', password)
        book.refuse('push', code='refused', says=password)
        equal(refs(remote), {})
        book.file('password', server.password + '\n')
        equal(counts(book, 'push'), (2, 0, 0, 0))
        book.ok('desc', 'a', 'words')
        equal(counts(book, 'push'), (0, 1, 1, 0))
        equal(counts(book, 'pull'), (2, 0, 0, 0))
        equal(book.json('verify', '--against', 'backup')['findings'], [])
    book.refuse('push', code='system', says='localhost')


@test()
def certificates_of_authorities_are_read_for_https_alone(book):
    """There are many, and libgit2 would have every command read them."""
    two_domains(book)
    remote = bare(book)
    git(remote, 'config', 'http.receivepack', 'true')
    with HttpsServer(book.folder) as server:
        book.ok('remote', 'add', 'near', remote)
        book.ok('remote', 'add', 'far', server.url(remote))
        with open(AUTHORITIES, encoding='ascii') as stream:
            many = book.file('many', stream.read() * 20)
        believe(book, many, '{ "$@"; cat /proc/$$/io >&2; }')
        for command, reads in (
                (('push', 'near'), False), (('log', 'a'), False), (('push', 'far'), True)):
            said = book.run(*command).err
            count = int(said.split('rchar: ')[1].split()[0])
            equal(count > os.path.getsize(many), reads, f'{command} reads {count} bytes: {said}')


@test()
def push__over_ssh_shows_the_books_own_key(book):
    two_domains(book)
    remote = bare(book)
    with Server(book.folder) as server:
        book.ok('remote', 'add', 'backup', server.url(remote))
        with_ssh = {'env': server.environment}
        own = os.path.join(book.path, 'keys', 'host.pub')
        server.allow(own)
        book.refuse('push', code='refused', says='known_hosts', **with_ssh)
        server.be_known()
        server.allow()
        book.refuse('push', code='refused', says='keys/host.pub', **with_ssh)
        equal(refs(remote), {})
        server.allow(own)
        equal(counts(book, 'push', **with_ssh), (2, 0, 0, 0))
        book.ok('desc', 'a', 'words')
        equal(counts(book, 'push', **with_ssh), (0, 1, 1, 0))
        equal(len(refs(remote)), 3)
        # another machine on that port
        server.be_known(make_key(server.path('another')))
        book.refuse('push', code='refused', says='right server', **with_ssh)
        server.be_known()
        identity = server.path('operator')
        make_key(identity)
        server.allow(identity + '.pub')
        book.refuse('push', code='refused', says='keys/host.pub', **with_ssh)
        book.ok('remote', 'remove', 'backup')
        book.ok('remote', 'add', 'backup', server.url(remote), '--identity', identity)
        equal(counts(book, 'pull', **with_ssh), (2, 0, 0, 0))
    book.refuse('push', code='system', says='127.0.0.1', env=server.environment)


@test()
def push__keeps_no_checkpoint_waiting_while_it_sends(book):
    two_domains(book)
    remote = bare(book)
    seen, go_on = (os.path.join(book.folder, name) for name in ('seen', 'go-on'))
    hook = os.path.join(remote, 'hooks', 'pre-receive')
    with open(hook, 'w', encoding='ascii') as stream:
        stream.write(f'#!/bin/sh\ntouch {seen}\nuntil [ -e {go_on} ]; do sleep 0.05; done\n')
    os.chmod(hook, 0o755)
    with Server(book.folder) as server:
        book.ok('remote', 'add', 'backup', server.url(remote))
        server.allow(os.path.join(book.path, 'keys', 'host.pub'))
        server.be_known()
        push = book.popen('push', env=server.environment)
        wait_until(lambda: os.path.exists(seen), 'the server has what was sent')
        book.ok('desc', 'a', 'meanwhile')
        book.ok('sync')
        book.file('go-on')
        _, err = push.communicate(timeout=60)
        equal(push.returncode, 0, err)
        name = f'heads/hosts/{host_name()}/domains/{uuid(book, "a")}'
        equal(refs(remote)[name], book.log('a')[1]['commit'])
        equal(counts(book, 'push', env=server.environment), (0, 1, 1, 0))


if __name__ == '__main__':
    main()
