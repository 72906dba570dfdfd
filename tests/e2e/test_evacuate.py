#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""A host is down, another takes its domains over, and the first comes back."""

import os
import shlex
import shutil
import subprocess

from definition import domain
from harness import EXIT, check, contains, equal, main, test
from migration import hosts

FENCE = """#!/bin/sh
echo "$1" >> "$(dirname "$0")/asked"
echo fenced
"""

# the remote can be read, and not be written to any more, when the proof is there
BREAKS = """#!/bin/sh
cd "$(dirname "$0")/remote.git" && mv objects full && mkdir -p objects/info &&
    touch objects/pack && echo "$PWD/full" > objects/info/alternates && echo fenced
"""


def two_hosts(book):
    """alpha, which has pushed two domains; beta with one of its own; and where they push to."""
    remote = os.path.join(book.folder, 'remote.git')
    subprocess.run(['git', 'init', '-q', '--bare', remote], check=True)
    alpha, beta = book.another('alpha', host='alpha'), book.another('beta', host='beta')
    alpha.define(domain('web'))
    alpha.define(domain('db'))
    alpha.ok('desc', 'web', 'front')
    beta.define(domain('own'))
    for host in (alpha, beta):
        host.ok('remote', 'add', 'fleet', remote)
        host.ok('push')
    return alpha, beta, remote


def fleet(book, *members):
    """A remote that has what they have now, and to which they push when they are told to."""
    remote = os.path.join(book.folder, 'remote.git')
    subprocess.run(['git', 'init', '-q', '--bare', remote], check=True)
    for host in members:
        host.ok('remote', 'add', 'fleet', remote)
        host.ok('config', 'auto-push', 'no')
        host.ok('push')


def fence(host, text=FENCE, name='fence'):
    path = host.file(name, text)
    os.chmod(path, 0o755)
    host.ok('config', 'fence-command', path)
    return path


def cut_off(host):
    """It takes web over, and cannot tell anybody."""
    fence(host, BREAKS, 'breaks')
    done = host.run('evacuate', 'alpha', 'web', '--from', 'fleet')
    check(done.rc != 0, done)
    contains(done.out, 'is taken over, but fleet was not told')
    host.refuse('start', 'web', code='refused', says='domesday push')
    remote = os.path.join(host.folder, 'remote.git')
    shutil.rmtree(os.path.join(remote, 'objects'))
    os.rename(os.path.join(remote, 'full'), os.path.join(remote, 'objects'))


def age_locks(remote):
    """Two minutes pass, after which a lock on a branch is of somebody who died."""
    for folder, _, files in os.walk(remote):
        for name in files:
            if name.endswith('.lock'):
                os.utime(os.path.join(folder, name), (0, 0))


def asked(host):
    with open(os.path.join(host.folder, 'asked'), encoding='utf-8') as file:
        return file.read().split()


def clean(*hosts):
    for host in hosts:
        equal(host.json('verify')['findings'], [])


def evacuate(host, *args):
    return host.json('evacuate', 'alpha', *args, '--from', 'fleet')


@test()
def evacuate__takes_domains_with_their_history(book):
    alpha, beta, remote = two_hosts(book)
    before = {name: alpha.dumpxml(name) for name in ('web', 'db')}
    versions = [alpha.dumpxml(f'web@{number}') for number in (1, 2)]
    fence(beta)
    answer = evacuate(beta, '--all', '--reason', 'fire')
    equal((answer['taken'], answer['refused']), (2, 0))
    equal(asked(beta), ['alpha'])
    equal({name: beta.dumpxml(name) for name in before}, before)
    equal([beta.dumpxml(f'web@{number}') for number in (1, 2)], versions)
    equal([version['subject'] for version in beta.log('web')],
          ['take over from alpha'] + [version['subject'] for version in alpha.log('web')])
    trailers = beta.json('show', 'web')['trailers']
    contains('\n'.join(trailers), 'Epoch: 2', 'Taken-From: alpha', 'answered fenced')
    equal(beta.json('show', 'web')['reason'], 'fire')
    contains(beta.ok('show', 'web').out, 'From:    alpha\n', 'Proof:   ', 'answered fenced\n')
    equal((beta.json('dominfo', 'web')['epoch'], beta.json('dominfo', 'web')['owner']), (2, None))
    # what comes next is an ordinary version, and the chain goes through
    beta.ok('desc', 'web', 'taken')
    clean(beta)
    beta.ok('push')
    equal(beta.json('verify', '--against', 'fleet')['findings'], [])
    equal(beta.json('verify', 'web')['findings'], [])
    beta.ok('sync')
    subprocess.run(['git', '-C', os.path.join(beta.path, 'book.git'), 'fsck', '--strict'],
                   check=True, capture_output=True)
    subprocess.run(['git', '-C', remote, 'fsck', '--strict'], check=True, capture_output=True)


@test()
def evacuate__the_host_before_learns_that_it_owns_them_no_more(book):
    alpha, beta, _ = two_hosts(book)
    alpha.ok('start', 'db')
    fence(beta)
    evacuate(beta, 'web', 'db')
    # it does not know yet, and one guest goes on there: the fence did not hold
    equal(alpha.json('dominfo', 'db')['state'], 'running')
    said = alpha.ok('push').err
    contains(said, 'web is owned by beta now', 'db is owned by beta now')
    equal(alpha.json('dominfo', 'web')['owner'], 'beta')
    alpha.refuse('start', 'web', code='refused', says=("owned by the host 'beta'", 'evacuate'))
    alpha.refuse('desc', 'web', 'mine', code='refused', says='beta')
    alpha.refuse('autostart', 'web', code='refused', says='beta')
    xml = alpha.ok('dumpxml', 'web').out.replace('</name>', '</name><title>mine</title>')
    alpha.refuse('apply', '-', '--dry-run', stdin=xml, code='refused', says='beta')
    alpha.refuse('rollback', 'web', '1', '--dry-run', code='refused', says='beta')
    contains(alpha.ok('list', '--all').out, 'owned by beta')
    # what still runs can be ended, and makes no version that would part the histories
    alpha.ok('destroy', 'db')
    equal(alpha.version('db'), 1)
    alpha.refuse('start', 'db', code='refused', says='beta')
    clean(alpha, beta)
    # not by the back door either
    old = alpha.dumpxml('web')
    contains(alpha.ok('undefine', 'web').err, 'its name is free')
    alpha.refuse('define', alpha.file('web.xml', old), code='refused', says='beta')
    clean(alpha)
    # said once
    check('owned by' not in alpha.ok('push').err)
    check('owned by' not in alpha.ok('pull').err)
    beta.ok('start', 'db')
    beta.ok('destroy', 'db')


@test('push', 'pull')
def evacuate__one_that_was_undefined_meanwhile_is_the_other_hosts(book, contact):
    alpha, beta, _ = two_hosts(book)
    old = alpha.dumpxml('web')
    equal(evacuate(beta, 'web', '--override', 'x')['taken'], 1)
    beta.ok('start', 'web')
    alpha.ok('undefine', 'web')
    contains(alpha.ok(contact).err, 'is owned by beta now')
    alpha.refuse('define', alpha.file('web.xml', old), code='refused', says='beta')
    check('web' not in alpha.domains())
    # said once, and the name is free for another
    check('owned by' not in alpha.ok(contact).err)
    alpha.define(domain('web'))
    alpha.ok('push')
    clean(alpha, beta)
    beta.ok('push')
    clean(alpha, beta)
    beta.ok('destroy', 'web')


@test()
def evacuate__a_pull_tells_it_too_and_the_way_back_is_open(book):
    alpha, beta, _ = two_hosts(book)
    evacuate(beta, 'web', '--override', 'the rack burnt down')
    contains('\n'.join(beta.json('show', 'web')['trailers']),
             'Fence-Override: the rack burnt down')
    contains(beta.ok('show', 'web').out, 'Proof:   none but the word: the rack burnt down\n')
    beta.ok('desc', 'web', 'at beta')
    beta.ok('push')
    contains(alpha.ok('pull').err, 'web is owned by beta now')
    answer = alpha.json('evacuate', 'beta', 'web', '--from', 'fleet', '--override', 'beta left')
    equal([entry['epoch'] for entry in answer['domains']], [3])
    contains(alpha.dumpxml('web'), 'at beta')
    alpha.ok('desc', 'web', 'home')
    contains(beta.ok('pull').err, 'web is owned by alpha now')
    beta.refuse('start', 'web', code='refused', says='alpha')
    equal(alpha.json('dominfo', 'db')['owner'], None)
    clean(alpha, beta)
    for host in (alpha, beta):
        host.ok('sync')
        os.remove(os.path.join(host.path, 'book.db'))
        host.ok('reindex', rc=1)
        clean(host)
    equal(alpha.version('web'), 6)
    equal(alpha.json('dominfo', 'web')['epoch'], 3)
    # who owns it now stands in no history of beta's: the remote says it again
    contains(beta.ok('push').err, 'web is owned by alpha now')


@test()
def evacuate__wants_proof(book):
    _, beta, _ = two_hosts(book)
    before = beta.domains()
    beta.refuse('evacuate', 'alpha', '--all', '--from', 'fleet', code='refused',
                says=('nothing proves', 'fence-command', '--override'))
    fence(beta, '#!/bin/sh\necho "cannot reach the power switch of $1"\n')
    beta.refuse('evacuate', 'alpha', '--all', '--from', 'fleet', code='refused',
                says=('not proved', 'power switch of alpha'))
    fence(beta, '#!/bin/sh\necho fenced\nexit 1\n', 'second')
    beta.refuse('evacuate', 'alpha', '--all', '--from', 'fleet', code='refused', says='status 1')
    # the answer is cut behind the first word of its last line
    fence(beta, '#!/bin/sh\nprintf "%4089s\\nfenced: by no means\\n" trying\n', 'talker')
    beta.refuse('evacuate', 'alpha', '--all', '--from', 'fleet', code='refused', says='not proved')
    fence(beta, '#!/bin/sh\nprintf "fenced\\0? no\\n"\n', 'binary')
    beta.refuse('evacuate', 'alpha', '--all', '--from', 'fleet', code='refused', says='not proved')
    equal(beta.domains(), before)
    for path in ('fence', '/tmp'):
        beta.refuse('config', 'fence-command', path, code='invalid', says='absolute')
    answer = evacuate(beta, '--all', '--dry-run')
    equal((answer['taken'], answer['dry_run']), (2, True))
    equal(beta.domains(), before)
    # who would be refused for want of a reason is, before anybody is shot
    fence(beta, name='third')
    beta.ok('config', 'require-reason', 'yes')
    beta.refuse('evacuate', 'alpha', '--all', '--from', 'fleet', code='refused', says='reason')
    check(not os.path.exists(os.path.join(beta.folder, 'asked')))


def pushes_until_fenced(alpha, beta, *change):
    """The host that is to be fenced lives until then, and has its last push done."""
    late = [shlex.join(alpha.command(*words)) for words in (change, ['push'])]
    fence(beta, '#!/bin/sh\n{\n' + '\n'.join(late) + '\n} > /dev/null 2>&1\necho fenced\n')


@test()
def evacuate__takes_what_was_pushed_until_the_proof(book):
    alpha, beta, _ = two_hosts(book)
    pushes_until_fenced(alpha, beta, 'desc', 'web', 'at the last moment')
    equal(evacuate(beta, 'web')['taken'], 1)
    contains(beta.dumpxml('web'), 'at the last moment')
    equal(beta.version('web'), 4)
    # so the way back is open
    beta.ok('push')
    alpha.ok('pull')
    equal(alpha.json('evacuate', 'beta', 'web', '--from', 'fleet', '--override', 'x')['taken'], 1)
    clean(alpha, beta)
    pushes_until_fenced(alpha, beta, 'undefine', 'db')
    beta.refuse('evacuate', 'alpha', 'db', '--from', 'fleet', code='not-found', says='db')
    check('db' not in beta.domains())
    clean(alpha, beta)


@test()
def evacuate__takes_nothing_when_the_remote_is_gone_behind_the_proof(book):
    _, beta, remote = two_hosts(book)
    fence(beta, f'#!/bin/sh\nmv {remote} {remote}.away\necho fenced\n')
    beta.refuse('evacuate', 'alpha', 'web', '--from', 'fleet', code='system', says=remote)
    check('web' not in beta.domains())
    os.rename(remote + '.away', remote)
    equal(evacuate(beta, 'web', '--override', 'x')['taken'], 1)
    clean(beta)


@test()
def evacuate__again_takes_what_is_left(book):
    _, beta, _ = two_hosts(book)
    fence(beta)
    equal(evacuate(beta, 'web')['taken'], 1)
    answer = evacuate(beta, '--all')
    equal([row['domain'] for row in answer['domains']], ['db'])
    equal((answer['taken'], answer['refused']), (1, 0))
    answer = evacuate(beta, '--all')
    equal((answer['taken'], answer['refused'], answer['domains']), (0, 0, []))
    # nobody is shot for nothing
    done = beta.run('evacuate', 'alpha', 'db', '--from', 'fleet')
    equal(done.rc, EXIT['exists'], done)
    contains(done.out, "this host's own")
    equal(asked(beta), ['alpha', 'alpha'])
    clean(beta)


@test()
def evacuate__refuses_what_it_cannot_take(book):
    alpha, beta, _ = two_hosts(book)
    beta.refuse('evacuate', 'gamma', '--all', '--from', 'fleet', code='not-found',
                says=('gamma', 'alpha'))
    beta.refuse('evacuate', 'alpha', 'mail', '--from', 'fleet', code='not-found', says='mail')
    beta.refuse('evacuate', 'alpha', 'web', '--from', 'nowhere', code='not-found', says='nowhere')
    beta.refuse('evacuate', 'beta', 'own', '--from', 'fleet', code='refused', says='this host')
    beta.refuse('evacuate', 'alpha', '--from', 'fleet', code='usage', says='--all')
    beta.refuse('evacuate', 'alpha', 'web', code='usage', says='--from')
    beta.refuse('evacuate', '../x', '--all', '--from', 'fleet', code='invalid', says='name')
    alpha.ok('undefine', 'db')
    alpha.ok('push')
    beta.refuse('evacuate', 'alpha', 'db', '--from', 'fleet', '--override', 'x',
                code='not-found', says='db')
    # one that is in the way keeps nobody else out
    beta.define(domain('web'))
    alpha.define(domain('mail'))
    alpha.ok('push')
    done = beta.run('evacuate', 'alpha', '--all', '--from', 'fleet', '--override', 'x')
    check(done.rc != 0, done)
    contains(done.out, "another domain is called 'web'", 'mail')
    equal(sorted(beta.domains()), ['mail', 'own', 'web'])
    clean(beta)


@test()
def evacuate__leaves_alone_what_has_moved_on(book):
    """To a host that lives: whether or not the one that is down could still tell the remote."""
    with hosts(book, 'alpha', 'beta', 'gamma') as three:
        alpha, beta, gamma = (host.book for host in three)
        for name in ('web', 'db'):
            beta.define(domain(name))
        fleet(book, alpha, beta, gamma)
        beta.ok('migrate', 'db', 'gamma')
        beta.ok('push')
        beta.ok('migrate', 'web', 'gamma')
        gamma.ok('push')
        # a push that was cut off has brought the branch alone
        uuid = gamma.domains()['web']['uuid']
        subprocess.run(['git', '-C', os.path.join(book.folder, 'remote.git'), 'update-ref', '-d',
                        f'refs/owners/{uuid}'], check=True)
        words = ('evacuate', 'beta', '--from', 'fleet', '--override', 'x')
        before = alpha.domains()
        for more in (('--dry-run',), ()):
            result = alpha.run(*words, 'web', *more)
            equal(result.rc, EXIT['conflict'], result)
            contains(result.out, "the host 'gamma' took the domain 'web' before")
            alpha.refuse(*words, 'db', *more, code='refused',
                         says="'db' went from the host 'beta' to the host 'gamma'")
            equal(alpha.domains(), before)
        done = alpha.run('--json', *words, '--all')
        equal((done.json['taken'], done.json['refused']), (1, 1), done)
        equal(sorted(alpha.domains()), ['first-on-alpha', 'first-on-beta'])
        # nothing of it is in the way of what comes from there
        for name in ('web', 'db'):
            gamma.ok('migrate', name, 'alpha')
        check({'web', 'db'} < set(alpha.domains()), alpha.domains())
        clean(alpha, beta, gamma)


@test()
def evacuate__asks_the_peers_what_no_remote_knows(book):
    with hosts(book, 'alpha', 'beta', 'gamma') as three:
        alpha, beta, gamma = (host.book for host in three)
        for name in ('web', 'db'):
            beta.define(domain(name))
        fleet(book, alpha, beta)
        beta.ok('migrate', 'web', 'gamma')
        words = ('--json', 'evacuate', 'beta', '--from', 'fleet', '--override', 'x')
        contains(alpha.run(*words, '--all', '--dry-run').err, "the host 'beta' is not down")
        three[1].stop()
        for more in (('--dry-run',), ()):
            done = alpha.run(*words, '--all', *more)
            equal(done.rc, EXIT['conflict'], done)
            refused, = (row for row in done.json['domains'] if row['outcome'] == 'refused')
            equal(refused['domain'], 'web', done)
            contains(refused['error']['message'], "the host 'gamma' has the domain 'web' now")
            equal((done.json['taken'], done.json['refused']), (2, 1), done)
        check('gamma' not in done.err and 'beta' not in done.err, done)
        # who does not answer is named, and does not count as an answer
        three[2].stop()
        done = alpha.ok(*words, 'web')
        contains(done.err, "the host 'gamma' does not say what it owns")
        clean(alpha, beta, gamma)


@test()
def evacuate__of_two_that_come_at_once_one_is_let_through(book):
    alpha, beta, remote = two_hosts(book)
    gamma = book.another('gamma', host='gamma')
    gamma.define(domain('third'))
    gamma.ok('remote', 'add', 'fleet', remote)
    cut_off(gamma)
    equal(evacuate(beta, 'web', '--override', 'y')['taken'], 1)
    contains(gamma.run('push').err, 'web is owned by beta now')
    gamma.refuse('start', 'web', code='refused', says='beta')
    contains(alpha.ok('push').err, 'web is owned by beta now')
    clean(alpha, beta, gamma)


@test()
def evacuate__what_was_not_told_is_told_by_a_later_push(book):
    alpha, beta, _ = two_hosts(book)
    cut_off(beta)
    contains(beta.ok('dominfo', 'web').out, 'once a push has told others')
    check('owned by' not in alpha.run('pull').out)
    beta.ok('push')
    equal(beta.json('dominfo', 'web')['claimed'], False)
    beta.ok('start', 'web')
    beta.ok('destroy', 'web')
    contains(alpha.ok('push').err, 'web is owned by beta now')
    clean(alpha, beta)


@test()
def evacuate__what_was_not_told_is_void_where_the_other_goes_on(book):
    """The host comes back before the claim is pushed, and says that it is there."""
    alpha, beta, remote = two_hosts(book)
    cut_off(beta)
    alpha.ok('desc', 'web', 'back again')
    alpha.ok('start', 'web')
    alpha.ok('push')
    contains(beta.ok('push').err, 'web is owned by alpha now')
    beta.refuse('start', 'web', code='refused', says='alpha')
    check('owned by' not in beta.ok('push').err)
    check('owned by' not in alpha.ok('push').err)
    equal(alpha.json('dominfo', 'web')['owner'], None)
    alpha.ok('destroy', 'web')
    alpha.ok('desc', 'web', 'and goes on')
    alpha.ok('push')
    clean(alpha, beta)
    # nobody takes the void claim for an owner's, when it is down after all
    gamma = book.another('gamma', host='gamma')
    gamma.ok('remote', 'add', 'fleet', remote)
    equal(evacuate(gamma, 'web', '--override', 'x')['taken'], 1)
    contains(gamma.dumpxml('web'), 'and goes on')
    contains(alpha.ok('pull').err, 'web is owned by gamma now')
    beta.ok('pull')
    for host in (alpha, beta):
        host.refuse('start', 'web', code='refused', says='gamma')
    clean(alpha, beta, gamma)


@test()
def evacuate__killed_at_any_moment_it_begins_anew(book):
    _, beta, remote = two_hosts(book)
    whole = beta.ok('evacuate', 'alpha', '--all', '--from', 'fleet', '--dry-run').seconds
    for step in range(1, 13):
        process = beta.popen('evacuate', 'alpha', '--all', '--from', 'fleet', '--override', 'x')
        try:
            process.communicate(timeout=whole * step / 6)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        clean(beta)
        # either not there, or not to be started before the remote was told, or ours
        for domain_now in beta.json('list', '--all'):
            check(domain_now['owner'] is None, domain_now)
        age_locks(remote)
    done = beta.run('evacuate', 'alpha', '--all', '--from', 'fleet', '--override', 'x')
    beta.ok('push')
    equal(sorted(beta.domains()), ['db', 'own', 'web'], done)
    equal({(row['epoch'], row['claimed']) for row in beta.json('list', '--all')},
          {(1, False), (2, False)})
    equal([beta.version('web'), beta.version('db')], [3, 2])
    clean(beta)


@test()
def evacuate__says_whose_passwords_are_lost(book):
    alpha, beta, _ = two_hosts(book)
    alpha.define(domain('screen', "<graphics type='vnc' passwd='geheim'/>"))
    alpha.ok('push')
    done = beta.ok('evacuate', 'alpha', '--all', '--from', 'fleet', '--override', 'x')
    contains(done.err, "the passwords of 'screen'")
    check("the passwords of 'web'" not in done.err)
    beta.refuse('start', 'screen', says='password')
    clean(beta)


@test()
def evacuate__to_a_host_that_has_nothing_yet(book):
    alpha, _, remote = two_hosts(book)
    fresh = book.another('fresh', host='fresh')
    fresh.refuse('remote', code='not-found')
    fresh.ok('remote', 'add', 'fleet', remote)
    equal(evacuate(fresh, '--all', '--override', 'x')['taken'], 2)
    equal(fresh.dumpxml('web'), alpha.dumpxml('web'))
    clean(fresh)


@test()
def evacuate__believes_no_forged_history(book):
    _, beta, remote = two_hosts(book)
    ref = f'refs/heads/hosts/alpha/domains/{uuid_of(remote, "web")}'

    def git(*args, text=None):
        return subprocess.run(['git', '-C', remote, '-c', 'user.name=x', '-c', 'user.email=x@x',
                               *args], input=text, check=True, capture_output=True,
                              text=True).stdout.strip()

    raw = git('cat-file', 'commit', ref)
    forged = git('hash-object', '-t', 'commit', '-w', '--stdin',
                 text=raw.replace('Version: 2', 'Version: 3') + '\n')
    git('update-ref', ref, forged)
    done = beta.run('evacuate', 'alpha', 'web', '--from', 'fleet', '--override', 'x')
    check(done.rc != 0, done)
    contains(done.out, 'has no signature that holds')
    check('web' not in beta.domains())
    clean(beta)
    # nor what is no version at all; and the others come
    git('update-ref', ref, git('commit-tree', '-m', 'mine', git('mktree', text='')))
    gamma = book.another('gamma', host='gamma')
    gamma.ok('remote', 'add', 'fleet', remote)
    done = gamma.run('evacuate', 'alpha', '--all', '--from', 'fleet', '--override', 'x')
    check(done.rc != 0, done)
    equal(sorted(gamma.domains()), ['db'])
    clean(gamma)


def uuid_of(remote, name):
    for line in subprocess.run(
            ['git', '-C', remote, 'for-each-ref', '--format=%(refname)', 'refs/heads/hosts'],
            check=True, capture_output=True, text=True).stdout.split():
        text = subprocess.run(['git', '-C', remote, 'show', line + ':domain.xml'],
                              check=False, capture_output=True, text=True).stdout
        if f'<name>{name}</name>' in text:
            return line.rsplit('/', 1)[1]
    raise AssertionError(name)


if __name__ == '__main__':
    main()
