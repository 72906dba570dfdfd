#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""What etckeeper kept of a libvirt host's definitions becomes the history of records."""

import os
import re
import shutil
import signal
import subprocess
import uuid

from definition import UUID, disk, domain, parse
from harness import check, contains, equal, main, test

FOLDER = 'libvirt/qemu'
HEAD = '<!--\nThis file is made by a program; virsh edit {} changes it.\n-->\n\n'
ADA, BOB = 'Ada Operator <ada@example.org>', 'Bob <bob@example.org>'


class Repository:
    """A git repository such as /etc under etckeeper."""

    def __init__(self, book, name='etc'):
        self.book, self.path, self.days = book, os.path.join(book.folder, name), 0
        self.text = HEAD.format('web') + book.ok('freeze', book.file('given.xml', domain(
            'web', disk(book.image('a.img'), 'vda'), uuid=UUID))).out
        self.git('init', '-q', '-b', 'master', self.path, cwd=book.folder)
        self.write('hosts', '127.0.0.1 localhost\n')
        self.commit('initial commit')

    def git(self, *args, cwd=None, env=None, stdin=None, rc=0):
        identity = {
            'GIT_CONFIG_GLOBAL': os.devnull, 'GIT_CONFIG_SYSTEM': os.devnull,
            'GIT_COMMITTER_NAME': 'etckeeper', 'GIT_COMMITTER_EMAIL': 'root@host',
            'GIT_AUTHOR_NAME': 'etckeeper', 'GIT_AUTHOR_EMAIL': 'root@host'}
        done = subprocess.run(
            ['git', *args], cwd=cwd or self.path, env={**os.environ, **identity, **(env or {})},
            input=stdin, capture_output=True, check=False)
        check(rc is None or done.returncode == rc, args, done.stdout, done.stderr)
        return done.stdout.decode(errors='replace').strip()

    def place(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.place(name)), exist_ok=True)
        with open(self.place(name), 'w', encoding='utf-8') as stream:
            stream.write(text)

    def definition(self, name='web', own=UUID, memory=128):
        """One that is decided, as the other manager writes it."""
        text = self.text.replace(UUID, own).replace('<name>web<', f'<name>{name}<')
        return re.sub(r"(<(?:memory|currentMemory) unit='KiB'>)\d+", rf'\g<1>{memory << 10}', text)

    def put(self, name='web', **options):
        self.write(f'{FOLDER}/{name}.xml', self.definition(name, **options))

    def grow(self, domains, steps):
        """So many versions of each of {name: UUID}, all of one day in one commit."""
        for step in range(steps):
            for name, own in domains.items():
                self.put(name, own=own, memory=64 + step)
            self.commit()

    def remove(self, name='web'):
        os.unlink(self.place(f'{FOLDER}/{name}.xml'))

    def commit(self, message='saving uncommitted changes in /etc', author=ADA):
        """One a day; gives its id."""
        self.days += 1
        self.git('add', '-A')
        when = f'@{1672574400 + 86400 * self.days} +0100'
        self.git('commit', '-q', '--allow-empty', '--author', author, '--date', when, '-F', '-',
                 stdin=message.encode(), env={'GIT_COMMITTER_DATE': when})
        return self.git('rev-parse', 'HEAD')

    def shown(self, commit, name='web'):
        return self.git('show', f'{commit}:{FOLDER}/{name}.xml')

    def import_all(self, *args, book=None, rc=0):
        """{name of the domain, or of the file: what became of it}"""
        answer = (book or self.book).json('import', '--git', self.path, *args, rc=rc)
        return {row['domain'] or row['origin'].rsplit('/', 1)[-1]: row
                for row in answer['domains']}


def trailers(row):
    return dict(line.split(': ', 1) for line in row['trailers'])


def history(book, name):
    """From the oldest: commit of origin, author, subject."""
    return [(trailers(row).get('Origin-Commit'), row['author'], row['subject'])
            for row in reversed(book.log(name))]


def origins(book, name):
    return [commit for commit, _, _ in history(book, name)]


def meaning(text):
    def of(element):
        return (element.tag, sorted(element.attrib.items()), (element.text or '').strip(),
                sorted(map(of, element), key=lambda child: child[0]))
    return of(parse(text))


def memory(book, name, version=0):
    return int(parse(book.dumpxml(f'{name}@{version}')).find('memory').text) >> 10


def is_head(book, repository, name='web'):
    equal(meaning(book.dumpxml(name)), meaning(repository.shown('HEAD', name)))


# ---- what is taken ----


@test()
def import_git__what_was_in_force_before_is_found_by_its_time(book):
    repository = Repository(book)
    for size in (64, 128, 256):
        repository.put(memory=size)
        repository.commit()  # at noon of January 3rd, 4th, 5th
    repository.import_all()
    book.ok('desc', 'web', 'here')
    for when, size in (('2023-01-03T12:00:00Z', 64), ('2023-01-05T11:59:59Z', 128),
                       ('2023-01-05T12:00:00Z', 256), ('2025-01-01', 256), ('now', 256)):
        equal(memory(book, 'web', f'{{{when}}}'), size, when)
    contains(book.ok('show', 'web@{now}').out, 'version 4 of web')
    contains(book.ok('show', 'web@{2025-01-01}').out, 'version 3 of web')
    contains(book.ok('diff', 'web@{2023-01-03 23:00}', 'web@{2023-01-04 23:00}', rc=1).out,
             'from 65536 KiB to 131072 KiB')
    book.refuse('show', 'web@{2023-01-02}', code='not-found',
                says=('was not there at 2023-01-02', '2023-01-03 '))
    book.ok('rollback', 'web@{2023-01-04 23:00}')
    equal(memory(book, 'web'), 128)


@test()
def import_git__each_commit_that_means_something_is_a_version(book):
    repository = Repository(book)
    repository.put()
    commits = [repository.commit('define web\n\nwith words that nobody needs\n', BOB)]
    repository.write('hosts', 'more\n')
    repository.commit()
    repository.write(f'{FOLDER}/web.xml', '<!-- virsh edit -->\n' + repository.definition())
    repository.commit('another comment above it')
    repository.put(memory=256)
    commits.append(repository.commit())
    repository.write(f'{FOLDER}/web.xml', '<domain')
    broken = repository.commit()
    repository.write(f'{FOLDER}/web.xml', repository.definition().replace(
        'pc-i440fx-7.2', 'pc-i440fx-0.1'))
    commits.append(repository.commit('of another time'))
    repository.put(memory=512)
    os.makedirs(repository.place(f'{FOLDER}/autostart'))
    os.symlink('/etc/libvirt/qemu/web.xml', repository.place(f'{FOLDER}/autostart/web.xml'))
    repository.write(f'{FOLDER}/networks/default.xml', '<network/>')
    repository.write(f'{FOLDER}/filter.xml', '<filter name="f"/>')
    commits.append(repository.commit())
    repository.git('gc', '-q')

    shown = repository.import_all('--dry-run')
    equal(book.domains(), {})
    rows = repository.import_all('--reason', 'we move')
    equal({name: row['outcome'] for name, row in rows.items()},
          {'web': 'imported', 'filter.xml': 'left-out', f'networks': 'left-out'})
    equal({name: row['outcome'] for name, row in shown.items()},
          {name: row['outcome'] for name, row in rows.items()})
    equal((shown['web']['versions'], rows['web']['versions'], rows['web']['version']), (4, 4, 4))
    contains('\n'.join(rows['web']['notes']), f'{broken[:12]} is left out: ',
             f'{commits[2][:12]} is kept as it was written: ')
    equal(history(book, 'web'), [
        (commits[0], BOB, 'import web'),
        (commits[1], ADA, 'memory changed from 131072 KiB to 262144 KiB, '
         'current memory changed from 131072 KiB to 262144 KiB'),
        (commits[2], ADA, book.log('web')[1]['subject']),
        (commits[3], ADA, book.log('web')[0]['subject'])])
    for number, commit in enumerate(commits, 1):
        equal(meaning(book.dumpxml(f'web@{number}')), meaning(repository.shown(commit)))
    first = book.log('web')[-1]
    equal(first['reason'], 'define web')
    equal(first['authored'], '2023-01-03T12:00:00Z')
    contains(book.ok('show', 'web@1').out, '(imported; done 2023-01-03')
    origin = trailers(first)
    equal((origin['Origin-Time'], origin['Import-Reason']), ('2023-01-03T12:00:00Z', 'we move'))
    contains(origin['Origin'], f':{repository.path}:{FOLDER}/web.xml')
    check('Imported-By' in origin and len(origin['Origin-Hash']) == 64, origin)
    equal(book.domains()['web']['autostart'], True)
    book.verify()
    found = book.git('log', '--reverse', '--format=%an %ae %aI', f'domains/{UUID}').out
    equal(found.splitlines()[0], 'Bob bob@example.org 2023-01-03T12:00:00+00:00')
    book.ok('verify')
    # and it is a history like any other
    book.ok('start', 'web', '--paused')
    book.ok('check', 'web')
    book.ok('destroy', 'web')
    book.ok('rollback', 'web', 2)
    equal(memory(book, 'web'), 256)


@test()
def import_git__renames_deletions_and_returns(book):
    repository = Repository(book)
    repository.put()
    repository.put('mail', own=UUID[:-1] + '2')
    commits = [repository.commit('define')]
    repository.remove()
    repository.put('www')
    commits.append(repository.commit('rename'))
    repository.remove('www')
    commits.append(repository.commit('undefine'))
    repository.put('www', memory=256)
    commits.append(repository.commit('again'))
    # another domain in a file of the same name
    repository.put('mail', own=UUID[:-1] + '3')
    repository.commit('mail is another')
    # two change their names with each other
    repository.put('old')
    repository.put('new', own=UUID[:-1] + '4')
    repository.remove('www')
    swap = repository.commit('a third')
    repository.put('old', own=UUID[:-1] + '4')
    repository.put('new')
    last = repository.commit('swap')
    rows = repository.import_all()
    equal(sorted(book.domains()), ['mail', 'new', 'old'])
    equal([subject for _, _, subject in history(book, UUID)][:4],
          ['import web', 'name changed from web to www', 'undefine', 'import www'])
    equal(origins(book, UUID), [*commits, swap, last])
    equal(origins(book, UUID[:-1] + '4'), [swap, last])
    equal(parse(book.dumpxml('new')).find('uuid').text, UUID)
    gone = book.log(UUID[:-1] + '2')
    equal([row['subject'] for row in gone], ['undefine', 'import mail'])
    equal(len(rows), 3)  # both mails have one name
    book.verify()


@test()
def import_git__what_is_gone_stays_gone_in_a_book_made_anew(book):
    repository = Repository(book)
    repository.put()
    repository.put('mail', own=UUID[:-1] + '2')
    repository.commit('define')
    repository.remove()
    repository.commit('undefine')
    repository.import_all()
    book.ok('verify')
    book.ok('sync')
    book.ok('reindex')
    equal(sorted(book.domains()), ['mail'])
    undefined = book.json('log', UUID, '--operation', 'undefine')
    equal([row['version'] for row in undefined], [2])
    repository.put(memory=256)
    repository.commit('again')
    repository.import_all()
    book.ok('reindex')
    equal((sorted(book.domains()), memory(book, 'web')), (['mail', 'web'], 256))
    book.ok('verify')


@test()
def import_git__merges(book):
    repository = Repository(book)
    repository.put()
    repository.put('mail', own=UUID[:-1] + '2')
    start = repository.commit()
    repository.git('checkout', '-q', '-b', 'side')
    repository.put('mail', own=UUID[:-1] + '2', memory=192)
    mail = repository.commit('mail on the side', BOB)
    repository.put(memory=320)
    side = repository.commit('web on the side', BOB)
    repository.git('checkout', '-q', 'master')
    repository.put(memory=256)
    main_line = repository.commit('web')
    repository.git('merge', '-q', '--no-commit', 'side', rc=1)
    repository.put(memory=640)
    merge = repository.commit('merge')
    # a history of its own, brought in by another merge
    repository.git('checkout', '-q', '--orphan', 'other')
    repository.git('rm', '-rfq', '.')
    repository.put('third', own=UUID[:-1] + '3')
    third = repository.commit('elsewhere')
    repository.git('checkout', '-q', 'master')
    repository.git('merge', '-q', '--allow-unrelated-histories', '-m', 'both', 'other')
    repository.import_all()
    equal(origins(book, 'third'), [third])
    equal(origins(book, 'mail'), [start, mail])
    equal(sorted(origins(book, 'web')), sorted([start, main_line, side, merge]))
    equal(origins(book, 'web')[0::3], [start, merge])
    for name in ('web', 'mail', 'third'):
        is_head(book, repository, name)
    book.verify()


@test()
def import_git__again_takes_what_is_new(book):
    repository = Repository(book)
    repository.put()
    repository.commit()
    repository.import_all()
    with book.unchanged():
        row = repository.import_all()['web']
        equal((row['outcome'], row['versions'], row['notes']), ('unchanged', 0, []))
    repository.put(memory=256)
    repository.commit()
    repository.put(memory=384)
    newest = repository.commit()
    row = repository.import_all()['web']
    equal((row['outcome'], row['versions'], row['version']), ('imported', 2, 3))
    equal(origins(book, 'web')[-1], newest)
    # a side line that was begun before all this is merged into, and adds nothing to the end
    repository.git('checkout', '-q', '-b', 'late', 'HEAD~2')
    repository.put(memory=448)
    repository.commit('late')
    repository.git('merge', '-q', '-s', 'ours', '-m', 'ours', 'master')
    repository.put(memory=384)
    repository.git('add', '-A')
    repository.git('commit', '-q', '--amend', '--no-edit')
    repository.import_all()
    is_head(book, repository)
    repository.remove()
    repository.commit('undefine')
    equal(repository.import_all()['web']['version'], book.log(UUID)[0]['version'])
    equal(book.domains(), {})
    with book.unchanged():
        equal(repository.import_all()['web']['outcome'], 'unchanged')


@test()
def import_git__what_was_changed_here_stays(book):
    repository = Repository(book)
    repository.put()
    repository.commit()
    repository.import_all()
    book.ok('desc', 'web', '--title', 'Mine')
    with book.unchanged():
        equal(repository.import_all()['web']['outcome'], 'unchanged')
        repository.put(memory=256)
        repository.commit()
        row = repository.import_all(rc=8)['web']
        equal((row['outcome'], row['error']['code'], row['version']), ('refused', 'exists', 2))
        contains(row['error']['message'], "'web' has been changed here since")
        contains(row['error']['hint'], f'git -C {repository.path} log ', 'domesday log web')
    book.ok('undefine', 'web')
    equal(repository.import_all(rc=8)['web']['outcome'], 'refused')
    # of one that came from a file, or was defined here, there is nothing to go on from
    other = book.another('other')
    other.ok('import', repository.place(f'{FOLDER}/web.xml'))
    equal(repository.import_all(book=other)['web']['outcome'], 'unchanged')
    repository.put(memory=384)
    repository.commit()
    row = repository.import_all(book=other, rc=8)['web']
    contains('\n'.join(row['notes']), 'differs: memory changed')
    other.ok('undefine', 'web')
    equal(repository.import_all(book=other)['web']['version'], 5)
    third = book.another('third')
    third.define(domain('web'))
    row = repository.import_all(book=third, rc=8)['web']
    contains(row['error']['message'], 'exists with another UUID')


@test()
def import_git__of_a_running_guest_is_refused(book):
    repository = Repository(book)
    repository.put()
    repository.commit()
    repository.import_all()
    book.ok('start', 'web', '--paused')
    repository.put(memory=256)
    repository.commit()
    row = repository.import_all(rc=8)['web']
    equal((row['outcome'], row['error']['code']), ('refused', 'refused'))
    book.ok('check', 'web')
    book.ok('destroy', 'web')
    equal(memory(book, 'web'), 128)
    equal(repository.import_all()['web']['version'], 2)
    equal(memory(book, 'web'), 256)


# ---- what is not ----


@test()
def import_git__wrong_words_are_refused(book):
    repository = Repository(book)
    git = repository.path
    book.refuse('import', '--git', git, code='not-found', says=('never was a definition', '--path'))
    repository.put()
    repository.commit()
    book.refuse('import', '--git', git, git, code='usage', says='too much')
    book.refuse('import', '--path', 'x', git, code='usage', says='--git')
    book.refuse('import', '--git', book.folder, code='not-found', says='no git repository')
    book.refuse('import', '--git', git + '/libvirt', code='not-found', says='no git repository')
    book.refuse('import', '--git', git, '--path', 'no/such', code='not-found', says='no/such')
    repository.git('init', '-q', book.folder + '/empty')
    book.refuse('import', '--git', book.folder + '/empty', code='not-found', says='no commit')
    repository.git('clone', '-q', '--depth', '1', 'file://' + git, book.folder + '/shallow')
    book.refuse('import', '--git', book.folder + '/shallow', code='refused', says='--unshallow')
    equal(book.domains(), {})
    # the ways in which one may name it
    bare = book.folder + '/bare'
    repository.git('clone', '-q', '--bare', git, bare)
    repository.git('worktree', 'add', '-q', book.folder + '/tree')
    for words in ((git,), (bare,), (book.folder + '/tree',), (git, '--path', 'libvirt/qemu/'),
                  (git + '/.git', '--path', 'libvirt/qemu')):
        equal(book.json('import', '--dry-run', '--git', *words)['imported'], 1)
    top = Repository(book, 'top')
    top.write('web.xml', top.definition())
    top.commit()
    equal(book.json('import', '--dry-run', '--git', top.path)['imported'], 1)


@test()
def import_git__a_damaged_repository_is_named(book):
    repository = Repository(book)
    repository.put()
    repository.put('mail', own=UUID[:-1] + '2', memory=192)
    commit = repository.commit()
    blob = repository.git('rev-parse', f'HEAD:{FOLDER}/mail.xml')
    loose = repository.place(f'.git/objects/{blob[:2]}/{blob[2:]}')
    os.chmod(loose, 0o600)
    with open(loose, 'r+b') as stream:
        stream.write(b'garbage')
    rows = repository.import_all(rc=8)
    equal(rows['web']['outcome'], 'imported')
    equal(rows['mail.xml']['outcome'], 'refused')
    os.unlink(repository.place(f'.git/objects/{commit[:2]}/{commit[2:]}'))
    book.refuse('import', '--git', repository.path, code='corrupt', says=repository.path)
    book.verify()


def tree(repository, entries):
    """A tree of (mode, type, object, name), whatever the names are; its id."""
    lines = b''.join(b'%s %s %s\t%s\0' % tuple(
        part.encode() if isinstance(part, str) else part for part in entry) for entry in entries)
    return repository.git('mktree', '-z', '--missing', stdin=lines)


@test()
def import_git__hostile_repositories_are_bounded(book):
    repository = Repository(book)

    def blob(text):
        return repository.git('hash-object', '-w', '--stdin', stdin=text)

    def definition(name, number):
        return blob(repository.definition(name, own=f'{UUID[:-2]}{number:02x}').encode())

    huge = blob(b'<domain>' + b' ' * (64 << 20))
    bomb = blob(b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">]><domain>&a;</domain>')
    names = [b'\x1b[2J.xml', b'a\nb.xml', b'\xff\xfe.xml', b'x' * 251 + b'.xml', b"';$(id).xml"]
    entries = [('100644', 'blob', definition(f'd{number}', number), name)
               for number, name in enumerate(names)]
    entries += [
        ('120000', 'blob', blob(b'/etc/shadow'), 'link.xml'),
        ('160000', 'commit', '1' * 40, 'module.xml'),
        ('100644', 'blob', huge, 'huge.xml'), ('100644', 'blob', bomb, 'bomb.xml'),
        ('100644', 'blob', '2' * 40, 'missing.xml'),
        ('100644', 'blob', definition('one', 0x20), 'one.xml'),
        ('100644', 'blob', definition('one', 0x20), 'two.xml')]
    top = tree(repository, [('040000', 'tree', tree(repository, entries), 'qemu')])
    commit = (f'tree {top}\nauthor  A\x01\x1b[31m <e\x7f> -77 +9999\n'
              f'committer C <c> 99999999999999 +0000\n\n\x1b]0;title\x07\nDomain: forged\n'
              + 'm' * (1 << 20)).encode()
    forged = repository.git('hash-object', '-w', '--literally', '-t', 'commit', '--stdin',
                            stdin=commit)
    repository.git('update-ref', 'refs/heads/master', forged)
    result = book.run('--json', 'import', '--git', repository.path)
    equal((result.rc, result.err), (8, ''), result)
    rows = {row['origin'].rsplit('/', 1)[-1]: row for row in result.json['domains']}
    equal(result.json['imported'], len(names), result)
    reasons = {
        'link.xml': 'no regular file', 'module.xml': 'no regular file',
        'huge.xml': 'larger than', 'bomb.xml': 'DTD', 'missing.xml': 'cannot read'}
    for name, reason in reasons.items():
        equal(rows[name]['outcome'], 'refused')
        check(reason in rows[name]['error']['message'], rows[name])
    row = next(row for row in rows.values() if row['domain'] == 'one')
    contains(row['error']['message'], 'is in 2 files')
    for row in rows.values():
        check(row['origin'].isprintable(), row)
    first = book.log('d0')[0]
    equal(trailers(first)['Domain'], f'{UUID[:-2]}00')
    check(all(part.isprintable() for part in (first['author'], first['reason'])), first)
    check('Origin-Time' not in trailers(first), first)
    check(len(first['reason']) < 400, first)
    book.verify()


@test()
def import_git__no_secret_gets_into_history(book):
    repository = Repository(book)
    secret = repository.definition().replace(
        '</devices>', "<graphics type='vnc' port='-1' passwd='Geheim77'/></devices>")
    repository.write(f'{FOLDER}/web.xml', secret)
    repository.commit()
    repository.write(f'{FOLDER}/web.xml', secret.replace('Geheim77', 'Geheim78'))
    repository.commit()
    newest = repository.definition(memory=256).replace(
        '</devices>', "<graphics type='vnc' port='-1' passwd='Geheim79'/></devices>")
    repository.write(f'{FOLDER}/web.xml', newest)
    repository.commit()
    # that the password alone was another made no version: it is not in history
    equal(repository.import_all()['web']['versions'], 2)
    check('passwd' not in book.dumpxml('web@1', '--security-info'), 'a password of then')
    contains(book.dumpxml('web', '--security-info'), "passwd='Geheim79'")
    book.ok('sync')
    for line in book.git('cat-file', '--batch-all-objects', '--batch-check').out.splitlines():
        name, kind, _ = line.split()
        check(kind == 'tree' or 'Geheim' not in book.git('cat-file', kind, name).out, line)


# ---- the middle of it ----


@test()
def import_git__the_newest_password_is_taken_though_nothing_else_changed(book):
    repository = Repository(book)

    def commit(secret, more=''):
        screen = f"<graphics type='vnc' port='-1' autoport='yes' passwd='{secret}'/>"
        repository.write(f'{FOLDER}/web.xml', repository.definition().replace(
            '</devices>', screen + '</devices>') + more)
        return repository.commit()

    commits = [commit('geheim1')]
    repository.import_all()
    commit('geheim2')
    commits.append(commit('geheim2', '<!-- as it was -->'))
    repository.import_all()
    contains(book.dumpxml('web', '--security-info'), "passwd='geheim2'")
    equal([subject for _, _, subject in history(book, 'web')],
          ['import web', 'graphics vnc: password changed'])
    equal(origins(book, 'web'), commits)
    row = repository.import_all()['web']
    equal((row['outcome'], row['version']), ('unchanged', 2))
    book.ok('verify')


@test()
def import_git__that_is_killed_leaves_whole_histories_and_can_be_repeated(book):
    repository = Repository(book)
    domains = {f'd{number}': str(uuid.uuid4()) for number in range(8)}
    repository.grow(domains, 12)
    equal(repository.import_all('--dry-run')['d0']['versions'], 12)
    seen = 0
    while seen < len(domains):
        process = book.popen('import', '--git', repository.path)
        while process.poll() is None and len(book.domains()) <= seen:
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        rows = book.domains()
        check(len(rows) > seen, rows)
        seen = len(rows)
        equal({row['version'] for row in rows.values()}, {12})
        book.verify()
    repository.import_all()
    for name in domains:
        equal(len(book.log(name)), 12)
        is_head(book, repository, name)


@test()
def import_git__a_long_folder(book):
    """More names than libgit2 keeps in memory by itself."""
    repository = Repository(book)
    names = {f'a-domain-with-a-long-name-{number}': str(uuid.uuid4()) for number in range(150)}
    repository.grow(names, 3)
    for name in list(names)[::2]:
        repository.remove(name)
    repository.commit()
    rows = repository.import_all('--dry-run')
    equal([rows[name]['versions'] for name in names], [4, 3] * 75)


@test()
def import_git__a_thousand_versions(book):
    repository = Repository(book)
    stream = [b'reset refs/heads/master\n']
    for number in range(1000):
        text = repository.definition(memory=64 + number).encode()
        stream.append(b'commit refs/heads/master\ncommitter A <a@b> %d +0000\ndata 1\nm\n'
                      b'M 100644 inline %s/web.xml\ndata %d\n%s\n'
                      % (1700000000 + number, FOLDER.encode(), len(text), text))
    repository.git('fast-import', '--quiet', '--force', stdin=b''.join(stream))
    row = repository.import_all()['web']
    equal((row['outcome'], row['versions']), ('imported', 1000))
    equal((memory(book, 'web', 1), memory(book, 'web', 500), memory(book, 'web')), (64, 563, 1063))
    book.verify()
    shutil.rmtree(repository.path)
    equal(book.version('web'), 1000)


if __name__ == '__main__':
    main()
