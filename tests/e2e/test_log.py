#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""The log: which versions are told, and how they are shown."""

import getpass
import re
import subprocess
import time

from definition import MAC, disk, domain, interface, parse
from guest import Guest
from harness import Skip, check, contains, equal, main, test


def history(book):
    """Seven versions, of which 5 is made in a later second than those before."""
    book.define(domain('a', disk(book.image('a.img'), 'vda'), interface()))
    book.ok('attach-device', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')),
            '--reason', 'room for Mail')
    book.ok('set-vcpus', '--maximum', 'a', 4)
    book.ok('detach-device', 'a', MAC)
    time.sleep(1.05 - time.time() % 1)
    book.ok('desc', 'a', 'mail server')
    book.ok('rollback', 'a', 1)
    book.ok('detach-device', 'a', 'vda')


def told(book, *args):
    return [entry['version'] for entry in book.json('log', 'a', *args)]


@test()
def log__chooses_by_what_a_version_says(book):
    history(book)
    equal(told(book), [7, 6, 5, 4, 3, 2, 1])
    equal(told(book, '-n', 2), [7, 6])
    equal(told(book, '--reverse'), [1, 2, 3, 4, 5, 6, 7])
    equal(told(book, '-n', 2, '--reverse'), [6, 7], 'the newest two, the oldest first')
    equal(told(book, '--operation', 'detach-device'), [7, 4])
    equal(told(book, '--operation', 'define,rollback'), [6, 1])
    equal(told(book, '--grep', 'mail'), [2])
    equal(told(book, '--grep', 'VDB'), [2])
    equal(told(book, '--who', getpass.getuser().upper()), [7, 6, 5, 4, 3, 2, 1])
    equal(told(book, '--who', 'nobody at all'), [])
    equal(told(book, '--operation', 'detach-device', '-n', 1), [7], 'of those that fit')
    equal([entry['version'] for entry in book.json('log', 'a@4', '-n', 2)], [4, 3])


@test()
def log__says_what_no_version_is(book):
    history(book)
    for words in ('detach', 'define,bogus', '', ', ', 'DEFINE'):
        book.refuse('log', 'a', '--operation', words, code='invalid')
    book.refuse('log', '--all', '--operation', 'bogus', code='invalid',
                says=("'bogus'", 'attach-device', 'rollback', 'migrate'))
    for operation in {entry['operation'] for entry in book.log('a')}:
        check(told(book, '--operation', operation), operation)
    for option, word, says in (
            ('--device', 'nosuch', "no version of a has or had a device 'nosuch'"),
            ('--device', '', "no version of a has or had a device ''"),
            ('--who', 'nobody at all', "is by 'nobody at all'"),
            ('--grep', 'nowhere', "has 'nowhere' in what was done"),
            ('--path', 'devi', "changed anything at 'devi'"),
            ('--operation', 'import', "is of 'import'"),
            ('--until', '2001-01-01', 'was made at or before')):
        equal(told(book, option, word), [])
        for how in ((), ('--oneline',), ('--graph',), ('-p',)):
            result = book.ok('log', 'a', option, word, *how)
            equal(result.out.strip(), '')
            contains(result.err, says)
    contains(book.ok('log', 'a', '--device', 'vda', '--who', 'nobody').err, 'is all of that')
    contains(book.ok('log', '--all', '--device', 'vdz').err, 'no version of the book')
    equal(book.ok('--quiet', 'log', 'a', '--device', 'vdz').err, '')


@test()
def log__chooses_by_time(book):
    history(book)
    times = {entry['version']: entry['when'] for entry in book.json('log', 'a')}
    equal(told(book, '--since', times[5]), [7, 6, 5])
    equal(told(book, '--until', times[4]), [4, 3, 2, 1])
    equal(told(book, '--since', 'yesterday', '--until', '1 hour ago'), [])
    equal(told(book, '--until', '@0'), [])
    equal(told(book, '--since', '2 hours ago', '-n', 1), [7])
    book.refuse('log', 'a', '--since', 'once', code='invalid', says="'once'")


@test()
def log__chooses_by_device_and_path(book):
    history(book)
    equal(told(book, '--device', 'vdb'), [6, 2], 'rollback took it away')
    equal(told(book, '--device', 'disk vdb'), [6, 2])
    equal(told(book, '--device', MAC.upper()), [6, 4, 1])
    equal(told(book, '--device', 'vda'), [7, 1])
    equal(told(book, '--device', 'vdc'), [])
    equal([entry['version'] for entry in book.json('log', 'a@3', '--device', 'virtio-disk0')],
          [1], 'by alias')
    equal(told(book, '--path', 'devices/disk'), [7, 6, 2, 1])
    equal(told(book, '--path', '/domain/vcpu'), [6, 3, 1])
    equal(told(book, '--path', 'devices/disk/source/@file'), [7, 6, 2, 1])
    equal(told(book, '--path', 'devices/disk[2]'), [6, 2])
    equal(told(book, '--path', 'description'), [6, 5])
    equal(told(book, '--path', '/'), told(book, '--path', 'domain'))
    equal(told(book, '--path', '/'), told(book))
    equal(told(book, '--path', 'os/type/@machine'), [1])
    equal(told(book, '--path', 'devi'), [])
    equal(told(book, '--path', 'devices/disk', '--operation', 'attach-device'), [2])


@test()
def log__of_a_device_has_what_was_live_only(book):
    guest = Guest(book, 'a', disk(book.image('a.img'), 'vda')).start()
    book.ok('attach-device', '--live', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    guest.wait_for('^disk . vdb')
    equal(told(book, '--device', 'vdb')[0], book.version('a'))


@test()
def log__shows_what_each_version_changed(book):
    history(book)
    out = book.ok('log', 'a', '-p', '-n', 3).out
    equal(re.findall(r'^version (\d) of a', out, re.MULTILINE), ['7', '6', '5'])
    contains(out, '    - disk vda detached', '    - disk vdb detached', 'mail server')
    contains(book.ok('log', 'a@2', '-p').out, 'Reason:  room for Mail', '+ disk vdb attached')
    changes = book.json('log', 'a', '-p')
    equal([len(entry['changes']) for entry in changes][-4:], [1, 1, 1, 0])
    equal(changes[5]['changes'][0]['device'], 'disk vdb')
    lines = book.ok('log', 'a@3', '--xml').out
    contains(lines, '--- a@2\n+++ a@3\n', "\n-  <vcpu placement='static'>1</vcpu>\n", '+++ a@2\n')
    contains(book.json('log', 'a@3', '--xml')[0]['xml'], '--- a@2')


@test()
def log__has_short_forms(book):
    history(book)
    book.ok('tag', 'a@2', 'sold')
    book.ok('tag', 'a@2', 'blessed')
    lines = book.ok('log', 'a', '--oneline').out.splitlines()
    equal(lines[5], '2 attach disk vdb (room for Mail) [blessed sold]')
    equal(len(lines), 7)
    contains(book.ok('log', 'a').out, '(room for Mail) [blessed sold]')
    contains(book.ok('show', 'a@sold').out, 'version 2 of a [blessed sold]')
    equal(book.json('log', 'a@2')[0]['tags'], ['blessed', 'sold'])


@test()
def log__of_the_whole_book_is_one_line_of_time(book):
    history(book)
    book.define(domain('b'))
    time.sleep(1.05 - time.time() % 1)
    book.ok('set-vcpus', '--maximum', 'a', 3)
    book.ok('undefine', 'b')
    entries = book.json('log', '--all')
    equal(len(entries), 10)
    times = [entry['when'] for entry in entries]
    equal(times, sorted(times, reverse=True))
    for name, count in (('a', 8), ('b', 2)):
        equal([entry['version'] for entry in entries if entry['domain'] == name],
              list(range(count, 0, -1)), 'those of one domain are in order')
    equal({entry['version'] for entry in entries[:2]}, {8, 2})
    contains(book.ok('log', '--all').out, 'DOMAIN', 'undefine')
    contains(book.ok('log', '--all', '--oneline', '--operation', 'undefine').out, 'b@2 undefine')
    equal([entry['version'] for entry in book.json('log', '--all', '--device', 'vdb')], [6, 2])
    equal(len(book.json('log', '--all', '--since', times[0])), 2)
    equal(book.json('log', '--all', '--reverse')[0]['version'], 1)
    book.refuse('log', code='usage', says='--all', lines=None)
    book.refuse('log', 'a', '--all', code='usage', says='NAME', lines=None)
    book.refuse('log', '--all', '--graph', code='usage', says='--graph', lines=None)


def elsewhere(book, host, *args):
    """The command on a host of another name."""
    words = ' '.join(f"'{word}'" for word in book.command(*args))
    return subprocess.run(
        ['unshare', '--map-root-user', '--uts', 'sh', '-c', f'hostname {host} && {words}'],
        capture_output=True, text=True, timeout=60, check=False)


@test()
def log__graph_has_a_column_for_each_host(book):
    if elsewhere(book, 'alpha', 'define', book.file('a.xml', domain('a'))).returncode:
        raise Skip('this user cannot give a process another host name')
    for number, host in enumerate(('alpha', 'beta', 'beta', 'alpha', 'gamma'), 2):
        done = elsewhere(book, host, 'set-vcpus', '--maximum', 'a', str(number))
        equal(done.returncode, 0, done.stderr)
    lines = [line.rstrip() for line in book.ok('log', 'a', '--graph').out.splitlines()]
    equal(lines[:4], ['* gamma', '  * alpha', '    * beta', ''])
    shape = [re.sub(r'  .*', '', line[6:]) if line[6:7].isdigit() else line[6:]
             for line in lines[4:]]
    equal([line[:6].rstrip() for line in lines[4:]],
          ['*', ' \\', '  *', '   \\', '    *', '    *', '   /', '  *', '  *'])
    equal(shape, ['6', 'moved from alpha to gamma', '5', 'moved from beta to alpha', '4', '3',
                  'moved from alpha to beta', '2', '1'])
    turned = book.ok('log', 'a', '--graph', '--reverse').out
    check(turned.index('moved from alpha to beta') < turned.index('moved from beta to alpha'))


@test()
def log__the_first_version_is_of_now(book):
    """A version's time is true, and told in local time."""
    book.define(domain('a'))
    uuid = parse(book.dumpxml('a')).find('uuid').text
    entry = book.json('log', uuid)[0]
    equal((entry['domain'], entry['uuid']), ('a', uuid))
    contains(book.ok('log', 'a').out, time.strftime('%Y-%m-%d', time.localtime()))


if __name__ == '__main__':
    main()
