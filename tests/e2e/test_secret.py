#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Passwords reach QEMU and who asks for them, and nothing else."""

import base64
import contextlib
import glob
import os
import re
import shutil
import sqlite3
import stat
import subprocess

from definition import disk, domain
from guest import Guest
from harness import DOMESDAY, Skip, check, contains, equal, main, test
from vnc import lets_in

FIRST, SECOND, THIRD = 'Gurke-17', 'Rhabarb3', 'L1nsen.x'
COOKIE = 'wie-ein-Passwort'


def screen(passwd=None, more='', kind='vnc', place=''):
    word = '' if passwd is None else f" passwd='{passwd}'"
    return f"<graphics type='{kind}' autoport='yes'{word}{more}>{place}</graphics>"


def screen_file(book, *args, **options):
    return book.file('screen.xml', screen(*args, **options))


def define(book, *args, **options):
    return book.define(domain('a', screen(*args, **options)))


def passwd(book, words='a', *args):
    found = re.search(r"passwd='([^']*)'", book.dumpxml(words, '--security-info', *args))
    return found[1] if found else None


def place(book, name='a'):
    """Where its screen listens."""
    return '127.0.0.1', int(re.search(r"<graphics [^>]*port='(\d+)'", book.dumpxml(
        name, '--live'))[1])


def forms(secret):
    """What a secret might look like."""
    plain = secret.encode()
    whole = base64.b64encode(plain).rstrip(b'=')
    return {plain, plain[::-1], plain.hex().encode(), whole, plain.decode().encode('utf-16-le')}


def unpacked(book):
    """All that stock git finds in book.git."""
    book.ok('sync')
    return subprocess.run(
        ['git', '-C', book.path + '/book.git', 'cat-file', '--batch', '--batch-all-objects'],
        capture_output=True, check=True, timeout=60).stdout


def dumped(book):
    connection = sqlite3.connect(book.path + '/book.db')
    text = '\n'.join(connection.iterdump())
    connection.close()
    return text.encode()


def traces(book):
    """Everything that anybody could look into: {where: bytes}"""
    found = {}
    for name in glob.glob(book.path + '/**', recursive=True):
        if os.path.isfile(name):
            with open(name, 'rb') as stream:
                found[name] = stream.read()
    # only now, since the log of book.db goes with these
    found.update({'book.git, unpacked': unpacked(book), 'book.db, dumped': dumped(book)})
    for pid in book.pids():
        for part in ('cmdline', 'environ'):
            with open(f'/proc/{pid}/{part}', 'rb') as stream:
                found[f'QEMU {part}'] = stream.read()
    return found


def seen_nowhere(book, *secrets, said=b''):
    places = traces(book)
    places['what commands said'] = said
    check(len(places) > 8 and len(places['book.git, unpacked']) > 500, places.keys())
    for where, data in places.items():
        for secret in secrets:
            for form in forms(secret):
                check(form not in data, f'{form!r} is in {where}')


@test()
def secret__is_seen_nowhere(book):
    said = []

    def run(*words, rc=0, **options):
        for flags in ((), ('--json',)):
            result = book.run(*flags, *words, **options)
            check(rc is None or not flags or result.rc == rc, result)
            said.append(result.out + result.err)

    xml = domain('a', screen(FIRST))
    run('define', '-', stdin=xml)
    run('validate', '-', stdin=xml)
    run('start', 'a', rc=None)
    run('update-device', 'a', screen_file(book, SECOND))
    run('update-device', 'a', screen_file(book, THIRD + 'long'), rc=3)
    run('dumpxml', 'a')
    run('dumpxml', 'a', '--live')
    other = book.file('other.xml', domain('a', screen(THIRD), uuid=book.domains()['a']['uuid']))
    run('define', other, rc=5)
    run('diff', 'a', other, rc=1)
    run('diff', '--xml', 'a', other, rc=None)
    run('abi-check', 'a', other, rc=None)
    run('apply', '--dry-run', other)
    run('apply', other)
    for words in (('log', 'a'), ('show', 'a'), ('jobs',), ('check', 'a'), ('diff', 'a')):
        run(*words, rc=None)
    run('update-device', 'a', screen_file(book, FIRST), rc=-9,
        env={'DOMESDAY_CRASH_AT': 'transition:step'})
    for name, mode in (('', 0o700), ('/book.db', 0o600), ('/book.db-wal', 0o600),
                       ('/keys', 0o700), ('/keys/secrets', 0o600)):
        equal(stat.S_IMODE(os.stat(book.path + name).st_mode), mode, name)
    seen_nowhere(book, FIRST, SECOND, THIRD, said='\n'.join(said).encode())
    run('check', 'a')
    run('rollback', 'a', 1)
    equal(passwd(book), FIRST)
    seen_nowhere(book, FIRST, SECOND, THIRD, said='\n'.join(said).encode())


@test()
def secret__opens_the_screen(book):
    Guest(book, 'a', screen(FIRST)).start()
    check(lets_in(place(book), FIRST), 'the right password')
    check(not lets_in(place(book), SECOND), 'a wrong password')
    check(not lets_in(place(book), ''), 'no password')
    book.ok('update-device', 'a', screen_file(book, SECOND))
    check(lets_in(place(book), SECOND) and not lets_in(place(book), FIRST), 'the new one only')
    book.ok('rollback', 'a', 1)
    check(lets_in(place(book), FIRST) and not lets_in(place(book), SECOND), 'that of then')
    # of this run of the guest only
    book.ok('update-device', '--live', 'a', screen_file(book, THIRD))
    check(lets_in(place(book), THIRD), 'the live one')
    equal((passwd(book), passwd(book, 'a', '--live')), (FIRST, THIRD))
    book.ok('check', 'a')
    contains(book.ok('diff', 'a', '--live', rc=1).out, 'graphics vnc: password changed')
    book.ok('destroy', 'a')
    book.ok('start', 'a')
    check(lets_in(place(book), FIRST) and not lets_in(place(book), THIRD), 'the recorded one')
    # of the next one only
    book.ok('update-device', '--config', 'a', screen_file(book, SECOND))
    check(lets_in(place(book), FIRST), 'as before')
    book.ok('destroy', 'a')
    book.ok('start', 'a')
    check(lets_in(place(book), SECOND), 'the next one')


@test()
def secret__that_is_empty_lets_nobody_in(book):
    define(book, '')
    book.ok('start', 'a')
    check(not lets_in(place(book), ''), 'nobody')
    book.ok('update-device', 'a', screen_file(book, FIRST))
    check(lets_in(place(book), FIRST), 'there is one now')
    book.ok('update-device', 'a', screen_file(book, ''))
    check(not lets_in(place(book), '') and not lets_in(place(book), FIRST), 'nobody')
    equal(passwd(book), '')


@test()
def secret__is_good_until_its_time(book):
    define(book, FIRST, " passwdValidTo='2001-04-09T15:51:00'")
    book.ok('start', 'a')
    check(not lets_in(place(book), FIRST), 'it is past its time')
    book.ok('update-device', 'a', screen_file(book, FIRST, " passwdValidTo='2099-04-09T15:51:00'"))
    check(lets_in(place(book), FIRST), 'it is good')
    contains(book.dumpxml('a'), "passwdValidTo='2099-04-09T15:51:00'")
    book.ok('destroy', 'a')
    book.ok('update-device', 'a', screen_file(book, FIRST, " passwdValidTo='soon'"))
    book.refuse('start', 'a', code='invalid', says='passwdValidTo')


@test()
def secret__survives_a_start_that_is_cut_off(book):
    if b'DOMESDAY_CRASH_AT' not in open(DOMESDAY, 'rb').read():
        raise Skip('needs a build with crash points')
    for step in ('start:spawned', 'start:running'):
        book.define(domain(step[6:], screen(FIRST)))
        died = book.run('start', step[6:], env={'DOMESDAY_CRASH_AT': step})
        equal(died.rc, -9, died)
        book.ok('check', step[6:])
        check(lets_in(place(book, step[6:]), FIRST), step)


@test('vnc', 'spice')
def secret__shows_as_libvirt_shows_it(book, kind):
    define(book, FIRST, " passwdValidTo='2099-04-09T15:51:00'", kind=kind)
    equal(book.dumpxml('a').count('passwd='), 0)
    contains(book.dumpxml('a'), "passwdValidTo='2099-04-09T15:51:00'")
    open_text, whole = book.dumpxml('a'), book.dumpxml('a', '--security-info')
    equal(whole.replace(f" passwd='{FIRST}'", ''), open_text)
    # what was handed in comes back, so that it can be handed on
    equal(book.run('freeze', '-', stdin=whole).out, whole)
    # either may be handed back: neither changes anything
    for text in (open_text, whole):
        equal(book.json('define', '-', stdin=text)['changed'], False)
        equal(book.json('apply', '-', stdin=text)['changed'], False)
        book.ok('diff', 'a', '-', stdin=text)
    equal(passwd(book), FIRST)


@test()
def secret__of_a_version_comes_back_with_it(book):
    define(book, FIRST)
    device = screen_file(book, SECOND)
    changed = book.json('update-device', 'a', device)
    equal((changed['version'], changed['changed']), (2, True))
    # it is so already
    equal(book.json('update-device', 'a', device)['changed'], False)
    equal(book.json('update-device', 'a', screen_file(book))['changed'], False)
    equal([passwd(book, f'a@{version}') for version in (1, 2)], [FIRST, SECOND])
    shown = book.ok('show', 'a').out
    contains(shown, 'graphics vnc: password changed')
    difference = book.json('show', 'a')['changes'][0]
    equal((difference['before'], difference['after']), ('*****', '*****'))
    xml = book.dumpxml('a', '--security-info').replace(SECOND, THIRD)
    plan = book.json('apply', '--dry-run', '-', stdin=xml)['plan']
    equal([(step['do'], step['subject']) for step in plan], [('update', 'graphics vnc')])
    check(THIRD not in str(plan) and 'sealed' not in str(plan), plan)
    equal(passwd(book), SECOND)
    book.ok('apply', '-', stdin=xml)
    equal(passwd(book), THIRD)
    book.ok('rollback', 'a', 1)
    equal((book.version('a'), passwd(book)), (4, FIRST))
    book.ok('set-vcpus', '--maximum', 'a', 2)
    book.ok('rename', 'a', 'b')
    equal(passwd(book, 'b'), FIRST)
    # another screen in its place is how a password goes
    book.ok('detach-device', 'b', book.file('gone.xml', "<graphics type='vnc'/>"))
    book.ok('attach-device', 'b', screen_file(book))
    equal(passwd(book, 'b'), None)
    book.ok('detach-device', 'b', book.folder + '/gone.xml')
    book.ok('attach-device', 'b', screen_file(book, SECOND))
    equal(passwd(book, 'b'), SECOND)
    book.ok('rollback', 'b', 3)
    equal(passwd(book, 'b'), THIRD)
    book.ok('undefine', 'b')
    book.refuse('dumpxml', 'b', '--security-info', code='not-found')


def restore_key(book, key):
    path = book.path + '/keys/secrets'
    if os.path.exists(path):
        os.unlink(path)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='ascii') as stream:
        stream.write(key)


@test()
def secret__that_is_lost_is_said_to_be(book):
    define(book, FIRST)
    book.ok('update-device', 'a', screen_file(book, SECOND))
    connection = sqlite3.connect(book.path + '/book.db')
    equal(connection.execute('select count(*) from secret').fetchone()[0], 2)
    with open(book.path + '/keys/secrets', encoding='ascii') as stream:
        key = stream.read()
    for name, harm, code in (
            ('no key', lambda: os.unlink(book.path + '/keys/secrets'), 'refused'),
            ('key that others read', lambda: os.chmod(book.path + '/keys/secrets', 0o640),
             'refused'),
            ('another key', lambda: book.file('book/keys/secrets', 64 * '0' + '\n'), 'corrupt')):
        harm()
        with book.unchanged():
            for words in (('start', 'a'), ('dumpxml', 'a', '--security-info'),
                          ('rollback', 'a', 1)):
                result = book.refuse(*words, code=code, says='the password of graphics vnc')
                check(FIRST not in result.err and SECOND not in result.err, name)
        restore_key(book, key)
    # rows that were put into each other's place
    rows = connection.execute('select name, sealed from secret').fetchall()
    with connection:
        for (name, _), (_, sealed) in zip(rows, reversed(rows)):
            connection.execute('update secret set sealed = ? where name = ?', (sealed, name))
    book.refuse('dumpxml', 'a', '--security-info', code='corrupt', says='another key')
    with connection:
        connection.execute('delete from secret')
    connection.close()
    with book.unchanged():
        book.refuse('start', 'a', code='refused', says=('is not in this book', 'update-device'))
        book.refuse('rollback', 'a', 1, code='refused', says=('version 1', 'apply -'))
    # it goes on without: given anew, all is well
    book.ok('set-vcpus', '--maximum', 'a', 2)
    book.ok('update-device', 'a', screen_file(book, THIRD))
    book.ok('start', 'a')
    check(lets_in(place(book), THIRD), 'given anew')


def lost(book, rc=1):
    """What verify finds of passwords, (where, sentence)."""
    found = book.json('verify', rc=rc)['findings']
    equal([finding['kind'] for finding in found], ['secret'] * len(found), found)
    return [(finding['where'], finding['sentence']) for finding in found]


@test()
def secret__that_is_lost_is_a_finding(book):
    define(book, FIRST)
    book.define(domain('b'))
    path = book.path + '/keys/secrets'
    with open(path, encoding='ascii') as stream:
        key = stream.read()
    equal(lost(book, rc=0), [])
    os.unlink(path)
    [(where, sentence)] = lost(book)
    equal(where, 'keys/secrets')
    contains(sentence, "the password of 'a' at graphics[1]/@passwd", 'is missing')
    restore_key(book, ('1' if key[0] == '0' else '0') + key[1:])
    contains(lost(book)[0][1], 'damaged, or was sealed with another key')
    book.ok('verify', 'a', rc=1)
    book.ok('verify', 'b')
    backup = book.folder + '/book.tar'
    book.ok('backup', backup)
    other = book.another('other')
    contains(other.ok('restore', backup, rc=1).out, "secret: the password of 'a'")
    restore_key(book, key)
    equal(lost(book, rc=0), [])
    with contextlib.closing(sqlite3.connect(book.path + '/book.db')) as database, database:
        database.execute('delete from secret')
    contains(lost(book)[0][1], 'not in this book')
    book.ok('undefine', 'a')
    equal(lost(book, rc=0), [])


@test()
def secret__that_was_never_here_is_no_finding(book):
    """A book that was made anew from its history, and one of whose passwords was given anew."""
    define(book, FIRST)
    book.define(domain('b', screen(SECOND)))
    book.ok('sync')
    anew = book.another('anew')
    shutil.copytree(book.path + '/book.git', anew.path + '/book.git')
    for name in ('keys', 'locks', 'run'):
        os.mkdir(f'{anew.path}/{name}', 0o700)
    for name in ('host', 'host.pub', 'allowed_signers'):
        shutil.copy2(f'{book.path}/keys/{name}', anew.path + '/keys')
    anew.ok('reindex', rc=1)
    equal(lost(anew, rc=0), [])
    anew.ok('update-device', 'a', screen_file(anew, THIRD))
    equal(lost(anew, rc=0), [])
    anew.ok('update-device', 'b', screen_file(anew, FIRST))
    with contextlib.closing(sqlite3.connect(anew.path + '/book.db')) as database, database:
        database.execute('delete from secret')
    equal(len(lost(anew)), 2)


@test()
def secret__cannot_be_just_anything(book):
    book.refuse('define', '-', stdin=domain('a', screen('neunBytes')), code='invalid',
                says=('8 bytes', '9'))
    book.refuse('freeze', '-', stdin=domain('a', screen('neunBytes')), code='invalid', says='8')
    fake = 'sealed:' + '0' * 32
    book.refuse('define', '-', stdin=domain('a', screen(fake, kind='spice')), code='invalid',
                says='the form of a name')
    define(book, FIRST)
    with book.unchanged():
        book.refuse('update-device', 'a', screen_file(book, 'neunBytes'), code='invalid')
        book.refuse('update-device', 'a', screen_file(book, fake), code='invalid')
        book.refuse('apply', '-', stdin=domain('a', screen('neunBytes')), code='invalid')


@test()
def secret__of_a_change_that_fails_is_forgotten(book):
    define(book, FIRST)
    book.ok('start', 'a')
    with book.unchanged():
        # QEMU cannot move a screen
        result = book.run('update-device', 'a', book.file('moved.xml', (
            f"<graphics type='vnc' port='5999' autoport='no' passwd='{SECOND}'/>")))
        check(result.rc > 0, result)
    connection = sqlite3.connect(book.path + '/book.db')
    equal(connection.execute('select count(*) from secret').fetchone()[0], 1)
    connection.close()
    check(lets_in(place(book), FIRST), 'as before')


@test()
def secret__cookies_of_a_disk_are_sealed_too(book):
    def served(host='h.example', cookie=COOKIE):
        cookies = f"<cookies><cookie name='session'>{cookie}</cookie></cookies>" if cookie else ''
        return (f"<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
                f"<source protocol='https' name='img'><host name='{host}' port='443'/>{cookies}"
                "</source><target dev='vdb' bus='virtio'/></disk>")

    book.define(domain('a', disk(book.image('a.img'), 'vda'), served()))
    check('cookies' not in book.dumpxml('a'), book.dumpxml('a'))
    contains(book.dumpxml('a', '--security-info'), f"<cookie name='session'>{COOKIE}</cookie>")
    said = book.run('--json', 'diff', 'a', '-', stdin=domain(
        'a', disk(book.folder + '/a.img', 'vda'), served(cookie='anders'))).out
    contains(said, '*****')
    check('anders' not in said, said)
    book.ok('set-vcpus', '--maximum', 'a', 2)
    seen_nowhere(book, COOKIE, said=said.encode())
    contains(book.dumpxml('a', '--security-info'), COOKIE)
    # handed back without, they stay; to another server they do not go
    book.ok('apply', '-', stdin=book.dumpxml('a').replace('>2</vcpu>', '>3</vcpu>'))
    contains(book.dumpxml('a', '--security-info'), COOKIE)
    book.ok('apply', '-', stdin=book.dumpxml('a').replace('h.example', 'evil.example'))
    check(COOKIE not in book.dumpxml('a', '--security-info'), book.dumpxml('a'))


if __name__ == '__main__':
    main()
