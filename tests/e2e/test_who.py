#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Who made a version, with what program, and why: and that none of it can be forged."""

import contextlib
import os
import shutil
import sqlite3
import subprocess

from definition import disk, domain
from harness import DOMESDAY, Skip, check, contains, equal, main, test

FORGED = 'Caller-Uid: 0\nOperation: forged\n'


NOBODY = 2**32 - 1  # what the kernel keeps of who logged in, where nobody has


def newest(book, name='a'):
    return book.log(name)[0]


def trailers(book, name='a'):
    """Those that stock git finds in the newest version."""
    book.ok('sync')
    uuid = book.domains()[name]['uuid']
    text = book.git('-c', 'safe.directory=*', 'log', '-1', '--format=%B', f'domains/{uuid}').out
    parsed = subprocess.run(
        ['git', 'interpret-trailers', '--parse'], input=text, capture_output=True, text=True,
        check=True, timeout=60).stdout
    return dict(line.split(': ', 1) for line in parsed.splitlines())


def as_user(book, uid, *args, login=None, env=None, rc=0):
    """Runs the command as another user, who may have logged in as yet another."""
    if os.geteuid() != 0 or not shutil.which('setpriv'):
        raise Skip('only root can be somebody else')

    def log_in():
        if login is not None:
            with open('/proc/self/loginuid', 'w', encoding='ascii') as stream:
                stream.write(str(login))

    words = ['setpriv', f'--reuid={uid}', f'--regid={uid}', '--clear-groups', *book.command(*args)]
    try:
        done = subprocess.run(
            words if uid else book.command(*args), capture_output=True, text=True, timeout=60,
            env={**os.environ, **(env or {})}, preexec_fn=log_in, check=False)
    except subprocess.SubprocessError:
        raise Skip('the kernel keeps no login user here') from None
    equal(done.returncode, rc, done.stderr)


def can_reach(uid):
    """Can that user run the command at all, where it was built?"""
    done = subprocess.run(
        ['setpriv', f'--reuid={uid}', f'--regid={uid}', '--clear-groups', DOMESDAY, 'version'],
        capture_output=True, check=False, timeout=60)
    return done.returncode == 0


def give_to(book, uid):
    os.makedirs(book.path, exist_ok=True)
    above = os.path.dirname(book.folder)
    if os.stat(above).st_uid == os.geteuid() and not os.stat(above).st_mode & 0o001:
        os.chmod(above, 0o711)  # the runner's own folder
    for place in (book.folder, book.path):
        os.chown(place, uid, uid)


@test()
def who__the_real_user_is_recorded(book):
    if os.geteuid() != 0 or not shutil.which('setpriv'):
        raise Skip('only root can be somebody else')
    if not can_reach(4711):
        raise Skip('the command is out of reach of other users')
    give_to(book, 4711)
    xml = book.file('a.xml', domain('a'))
    os.chmod(xml, 0o644)
    # what is in the environment of somebody who is not root says nothing
    as_user(book, 4711, 'define', xml, login=NOBODY,
            env={'SUDO_UID': '0', 'SUDO_USER': 'root', 'USER': 'root'})
    version = newest(book)
    equal(version['caller'], {
        'uid': 4711, 'acting_uid': 4711, 'known_by': 'process', 'program': 'domesday'})
    check(version['author'].startswith('uid-4711 <uid-4711@'), version)
    found = trailers(book)
    equal((found['Caller-Uid'], found['Caller-Known-By'], found['Program'], 'Acting-Uid' in found),
          ('4711', 'process', 'domesday', False))


@test()
def who__a_book_is_its_users_own(book):
    book.define(domain('a'))
    if os.geteuid() != 0 or not shutil.which('setpriv') or not can_reach(4711):
        raise Skip('nobody else can be had')
    for place in (os.path.dirname(book.folder), book.folder, book.path):
        os.chmod(place, 0o711)
    book.around = ['setpriv', '--reuid=4711', '--regid=4711', '--clear-groups']
    for words in (('list',), ('desc', 'a', 'words'), ('dumpxml', 'a', '--security-info')):
        book.refuse(*words, code='system', says='book.db for writing: Permission denied')


@test()
def who__is_seen_through_su_and_sudo(book):
    as_user(book, 0, 'define', book.file('a.xml', domain('a')), login=4712,
            env={'SUDO_UID': '1'})
    version = newest(book)
    equal(version['caller'], {
        'uid': 4712, 'acting_uid': 0, 'known_by': 'login', 'program': 'domesday'})
    check(version['author'].startswith('uid-4712 <'), version)
    equal(trailers(book)['Acting-Uid'], '0')
    contains(book.ok('show', 'a').out, 'uid 4712, known by login, acting as uid 0',
             'Program: domesday')


@test()
def who__sudo_is_believed_of_root_alone(book):
    as_user(book, 0, 'define', book.file('a.xml', domain('a')), login=NOBODY,
            env={'SUDO_UID': '4713'})
    equal(newest(book)['caller'], {
        'uid': 4713, 'acting_uid': 0, 'known_by': 'sudo', 'program': 'domesday'})
    for number, forged in enumerate(('-1', '4294967295', '1000\nActing-Uid: 7', 'ada', ' 5'), 2):
        as_user(book, 0, 'set-vcpus', '--maximum', 'a', number, login=NOBODY,
                env={'SUDO_UID': forged})
        equal((newest(book)['version'], newest(book)['caller']['known_by']), (number, 'process'))


@test()
def who__a_namespace_hides_nobody(book):
    words = ['setpriv', '--reuid=4711', '--regid=4711', '--clear-groups', 'unshare', '--user',
             '--map-root-user']
    if os.geteuid() != 0 or not shutil.which('setpriv') or not can_reach(4711):
        raise Skip('nobody else can be had')
    if subprocess.run([*words, 'true'], capture_output=True, check=False).returncode:
        raise Skip('the kernel makes no namespaces for users')
    give_to(book, 4711)
    xml = book.file('a.xml', domain('a'))
    os.chmod(xml, 0o644)
    book.around = [*words, 'env', 'SUDO_UID=0', 'SUDO_USER=root']
    book.ok('define', xml)
    version = newest(book)
    equal(version['caller'], {
        'uid': 4711, 'acting_uid': 4711, 'known_by': 'namespace', 'program': 'domesday'})
    check(version['author'].startswith('uid-4711 <uid-4711@'), version)


@test()
def who__a_name_that_git_would_change_is_a_number(book):
    if os.geteuid() != 0 or not shutil.which('unshare'):
        raise Skip('only root can give names')
    book.define(domain('a'))
    users = os.path.join(book.folder, 'passwd')
    book.around = ['unshare', '--mount', 'sh', '-c',
                   f'mount --bind {users} /etc/passwd && exec "$@"', 'sh',
                   'env', 'SUDO_UID=4711']
    for name, shown in (('ada', 'ada'), ('AD\\ada', 'AD\\ada'), ('ada.', 'uid-4711'),
                        ('<ada>', 'uid-4711'), (',', 'uid-4711')):
        with open(users, 'w', encoding='utf-8') as stream:
            stream.write(f'root:x:0:0::/:/bin/sh\n{name}:x:4711:4711::/:/bin/sh\n')
        book.ok('desc', 'a', f'by {name}')
        version = newest(book)
        equal((version['author'].split(' <')[0], version['caller']['uid']), (shown, 4711), name)


@test()
def who__an_interrupted_change_stays_its_callers(book):
    """The one who finds it settles it in the name of the one who began it."""
    if os.geteuid() != 0 or b'DOMESDAY_CRASH_AT' not in open(DOMESDAY, 'rb').read():
        raise Skip('needs root, and a build with crash points')
    image = book.image('b.img')
    book.define(domain('a'))
    book.ok('start', 'a')
    as_user(
        book, 0, 'attach-device', 'a', book.file('b.xml', disk(image, 'vdb')), '--reason',
        'more room', login=NOBODY, rc=-9,
        env={'SUDO_UID': '4714', 'DOMESDAY_CRASH_AT': 'transition:step'})
    as_user(book, 0, 'autostart', 'a', login=NOBODY, env={'SUDO_UID': '4715'})
    version = newest(book)
    equal((version['operation'], version['reason'], version['caller']['uid']),
          ('attach-device', 'more room', 4714))


@test()
def reason__comes_with_the_change_or_from_the_environment(book):
    book.define(domain('a'), '--reason', 'sold')
    equal(newest(book)['reason'], 'sold')
    book.ok('set-vcpus', '--maximum', 'a', 2, env={'DOMESDAY_REASON': 'ticket 12'})
    equal(newest(book)['reason'], 'ticket 12')
    book.ok('set-vcpus', '--maximum', 'a', 3, '--reason', 'ticket 13',
            env={'DOMESDAY_REASON': 'ticket 12'})
    equal(newest(book)['reason'], 'ticket 13')
    contains(book.ok('log', 'a').out, 'ticket 12', 'ticket 13')
    contains(book.ok('show', 'a').out, 'Reason:  ticket 13')
    book.ok('set-vcpus', '--maximum', 'a', 4, env={'DOMESDAY_REASON': ''})
    equal(newest(book)['reason'], '')
    book.ok('tag', 'a@2', 'sold', '--reason', 'as it was delivered')
    equal(book.json('tag', 'a')[0]['reason'], 'as it was delivered')


@test()
def reason__cannot_forge_what_the_record_says(book):
    book.define(domain('a'))
    with book.unchanged():
        for reason in ('x\n\n' + FORGED, 'x\r' + FORGED, '\x1b[2Jx', 'x\u2028y', '\u202ex',
                       '\x9b31m', '---', '--- a', 'x' * 1001, ' ', '\xa0', '\u200b \u3000',
                       '\u061cx'):
            for words in (('set-vcpus', '--maximum', 'a', 2), ('rename', 'a', 'b'),
                          ('undefine', 'a'), ('tag', 'a', 'label')):
                book.refuse(*words, '--reason', reason, code='invalid', says='the reason')
            book.refuse('set-vcpus', '--maximum', 'a', 2, code='invalid', says='the reason',
                        env={'DOMESDAY_REASON': reason})
    # what only looks like a trailer is no trailer
    for number, reason in enumerate(('Caller-Uid: 0', 'Operation: forged', '# x', 'Domain: y'), 2):
        book.ok('set-vcpus', '--maximum', 'a', number, '--reason', reason)
        found = trailers(book)
        equal((newest(book)['reason'], found['Operation'], found['Caller-Uid']),
              (reason, 'set-vcpus', str(newest(book)['caller']['uid'])))
        equal(found['Domain'], book.domains()['a']['uuid'])


@test()
def reason__a_book_can_want_one(book):
    equal(book.ok('config', 'require-reason', 'yes', '--reason', 'audit').out, '')
    equal(book.ok('config', 'require-reason').out, 'yes\n')
    setting = book.json('config')[0]
    equal((setting['name'], setting['value'], setting['reason']),
          ('require-reason', 'yes', 'audit'))
    check(setting['who'] and setting['when'], setting)
    contains(book.ok('config').out, 'require-reason', 'audit')
    xml = book.file('a.xml', domain('a'))
    book.refuse('define', xml, code='refused', says=('reason', '--reason TEXT', 'DOMESDAY_REASON'))
    equal(book.domains(), {})
    book.ok('define', xml, '--reason', 'sold')
    book.ok('define', xml)  # it is so already: nothing changes
    book.ok('tag', 'a', 'sold', '--reason', 'as it was delivered')
    device = book.file('b.xml', disk(book.image('b.img'), 'vdb'))
    other = book.file('c.xml', domain('a', vcpu='<vcpu>2</vcpu>', uuid=book.domains()['a']['uuid']))
    with book.unchanged():
        for words in (('attach-device', 'a', device), ('rename', 'a', 'b'), ('undefine', 'a'),
                      ('desc', 'a', 'words'), ('set-memory', 'a', '96M'), ('apply', other),
                      ('rollback', 'a', 1), ('tag', 'a', 'label'), ('tag', '--delete', 'a', 'sold'),
                      ('metadata', 'a', 'urn:a', '--key', 'k', '--set', '<x/>'),
                      ('upgrade', 'a', '--machine', 'pc-i440fx-6.2'),
                      ('key', 'rotate'), ('config', 'require-reason', 'no')):
            book.refuse(*words, code='refused', says='--reason TEXT')
        book.ok('apply', '--dry-run', other)
        book.ok('rollback', '--dry-run', 'a', 1)
        equal(len(book.json('tag', 'a')), 1)
    book.ok('tag', '--delete', 'a', 'sold', '--reason', 'it came back')
    book.ok('attach-device', 'a', device, env={'DOMESDAY_REASON': 'more room'})
    # a start makes no version, so there is nothing that a reason could be kept with
    book.ok('start', 'a')
    for words in ('check', 'suspend', 'resume', 'autostart'):
        book.ok(words, 'a')
    book.ok('destroy', 'a', '--reason', 'it hung')
    book.ok('config', 'require-reason', 'no', '--reason', 'the audit is over')
    book.ok('rename', 'a', 'b')


@test()
def config__knows_its_settings_and_their_words(book):
    book.refuse('config', code='not-found')
    book.refuse('config', 'require-reason', code='not-found')
    book.define(domain('a'))
    equal(book.ok('config', 'require-reason').out, 'no\n')
    equal(book.json('config', 'require-reason'), {
        'name': 'require-reason', 'value': 'no', 'who': '', 'when': None, 'reason': ''})
    book.refuse('config', 'require-reasons', code='not-found', says='require-reason')
    book.refuse('config', 'require-reason', 'maybe', code='invalid', says=('no or yes', 'maybe'))
    book.ok('config', 'require-reason', 'no')
    equal(book.json('config', 'require-reason')['who'], '')


@test('"yes"', '"value"')
def reason__a_setting_that_is_damaged_is_not_taken_for_none(book, what):
    book.define(domain('a'))
    book.ok('config', 'require-reason', 'yes')
    with contextlib.closing(sqlite3.connect(book.path + '/book.db')) as database, database:
        database.execute('UPDATE setting SET value = replace(value, ?, ?)',
                         (what, what.replace('e', 'd')))
    for words in (('desc', 'a', 'text'), ('config', 'require-reason', 'no'), ('config',)):
        book.refuse(*words, code='corrupt', says=("'require-reason' cannot be read",
                                                  'domesday config require-reason VALUE'))
    contains(book.ok('verify', rc=1).out, "the book's setting 'require-reason' cannot be read")
    book.ok('desc', 'a', 'text', '--reason', 'known')
    book.ok('config', 'require-reason', 'yes', '--reason', 'damaged')
    book.refuse('desc', 'a', 'more', code='refused', says='wants a reason')


if __name__ == '__main__':
    main()
