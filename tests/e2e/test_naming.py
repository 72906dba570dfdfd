#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""How a version is named: by number, by tag, by the time at which it was in force."""

import datetime
import os
import re
import subprocess
import time

from definition import UUID, disk, domain, parse
from harness import Book, check, contains, equal, main, test


def next_second():
    """Versions are told apart by the second."""
    time.sleep(1.05 - time.time() % 1)


def three_versions(book, name='a'):
    """Each in a second of its own; gives the second of each."""
    book.define(domain(name, disk(book.image(name + '.img'), 'vda')))
    next_second()
    book.ok('set-vcpus', '--maximum', name, 2)
    next_second()
    book.ok('set-vcpus', '--maximum', name, 3)
    return [seconds_of(entry['when']) for entry in reversed(book.log(name))]


def seconds_of(when):
    return int(datetime.datetime.fromisoformat(when.replace('Z', '+00:00')).timestamp())


def vcpus(book, words):
    return int(parse(book.dumpxml(words)).find('vcpu').text)


@test()
def naming__a_time_means_the_version_in_force(book):
    times = three_versions(book)
    for number, seconds in enumerate(times, 1):
        utc = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        local = datetime.datetime.fromtimestamp(seconds)
        for words in (f'@{seconds}', utc.strftime('%Y-%m-%dT%H:%M:%SZ'),
                      utc.strftime('%Y-%m-%d %H:%M:%S +00:00'),
                      local.strftime('%Y-%m-%d %H:%M:%S')):
            equal(vcpus(book, f'a@{{{words}}}'), number, words)
    equal(vcpus(book, 'a@{now}'), 3)
    equal(book.json('show', f'a@{{@{times[1]}}}')['version'], 2)
    contains(book.ok('diff', f'a@{{@{times[0]}}}', f'a@{{@{times[2]}}}', rc=1).out, 'from 1 to 3')
    book.refuse('show', f'a@{{@{times[0] - 1}}}', code='not-found',
                says=('was not there', 'version 1'))
    book.refuse('show', 'a@{yesterday}', code='not-found', says='version 1')
    book.refuse('show', 'a@{soon}', code='invalid', says=("'soon'", '2026-11-01 12:00'))


@test()
def naming__local_time_is_that_of_the_zone(book):
    times = three_versions(book)
    there = datetime.timezone(datetime.timedelta(hours=9))
    words = datetime.datetime.fromtimestamp(times[1], there).strftime('%Y-%m-%d %H:%M:%S')
    shown = book.ok('show', f'a@{{{words}}}', env={'TZ': 'JST-9'}).out
    contains(shown, 'version 2', f'When:    {words}')


@test()
def naming__of_two_domains(book):
    times = three_versions(book)
    three_versions(book, 'b')
    book.ok('tag', 'b@2', 'small')
    differences = book.json('diff', f'a@{{@{times[2]}}}', 'b@small', rc=1)['differences']
    equal([entry['after'] for entry in differences if entry['path'] == '/domain/vcpu'], ['2'])
    check(any(entry['path'] == '/domain/name' for entry in differences), differences)


@test()
def naming__a_name_with_an_at_sign_is_still_a_name(book):
    three_versions(book, 'me@home')
    equal(vcpus(book, 'me@home'), 3)
    equal(vcpus(book, 'me@home@1'), 1)
    book.ok('tag', 'me@home@2', 'middle')
    equal(vcpus(book, 'me@home@middle'), 2)
    book.refuse('show', 'me@away', code='not-found', says="'me'")
    book.refuse('show', 'me@home@away', code='not-found', says=("'away'", 'middle (2)'))
    book.refuse('show', 'me@home@99999999999', code='invalid', says='99999999999')


@test()
def naming__may_be_the_domains_own_uuid(book):
    xml = domain(UUID, uuid=UUID)
    book.define(xml)
    book.ok('undefine', UUID)
    book.define(xml)
    equal((list(book.domains()), book.version(UUID)), ([UUID], 3))
    book.ok('undefine', UUID)
    contains(book.ok('import', book.file('a.xml', xml)).err, '1 imported')
    equal(book.version(UUID), 5)
    book.ok('sync')
    equal(book.json('reindex')['losses'], [])
    equal(list(book.domains()), [UUID])
    remote = os.path.join(book.folder, 'remote.git')
    subprocess.run(['git', 'init', '-q', '--bare', remote], check=True)
    book.ok('remote', 'add', 'r', remote)
    book.ok('push')
    other = Book(book.folder, 'other')
    equal(other.json('restore', '--from', remote)['findings'], [])
    equal(list(other.domains()), [UUID])


@test()
def naming__cannot_be_the_uuid_of_another(book):
    book.define(domain('a', uuid=UUID))
    book.define(domain('b'))
    with book.unchanged():
        book.refuse('rename', 'b', UUID, code='exists', says=('UUID', "'a'"))
        book.refuse('define', book.file('c.xml', domain(UUID)), code='exists', says=UUID)
    book.ok('rename', 'a', UUID)
    book.ok('undefine', UUID)
    with book.unchanged():
        book.refuse('rename', 'b', UUID, code='exists', says='UUID')
        book.refuse('define', book.file('c.xml', domain(UUID)), code='exists', says='UUID')


@test()
def tag__names_one_version(book):
    three_versions(book)
    book.ok('tag', 'a@2', 'before-upgrade', '--reason', 'as it was sold')
    book.ok('tag', 'a', 'sold')
    equal(vcpus(book, 'a@before-upgrade'), 2)
    equal(book.json('show', 'a@sold')['version'], 3)
    rows = book.json('tag', 'a')
    equal([(row['label'], row['version'], row['reason']) for row in rows],
          [('before-upgrade', 2, 'as it was sold'), ('sold', 3, '')])
    check(rows[0]['tagger'] and re.fullmatch('[0-9a-f]{40}', rows[0]['object']), rows)
    contains(book.ok('tag', 'a').out, 'before-upgrade', 'as it was sold')
    check(not book.json('tag', 'a@2', 'before-upgrade')['changed'])
    book.refuse('tag', 'a@1', 'before-upgrade', code='exists', says=('version 2', '--delete'))
    book.refuse('tag', 'a@9', 'later', code='not-found', says='1 to 3')
    book.ok('tag', '--delete', 'a', 'before-upgrade')
    book.refuse('dumpxml', 'a@before-upgrade', code='not-found',
                says=('before-upgrade', 'sold (3)'))
    book.refuse('tag', '--delete', 'a', 'before-upgrade', code='not-found', says='sold (3)')
    book.ok('tag', 'a@1', 'before-upgrade')
    equal(vcpus(book, 'a@before-upgrade'), 1)
    equal(book.version('a'), 3, 'a tag is no version')


@test()
def tag__that_is_no_label_is_refused(book):
    book.define(domain('a'))
    for label in ('7', 'a/b', 'a@b', '{now}', '-x', '.hidden', 'a..b', 'x.lock', 'a b', 'a~1',
                  'a:b', 'a\tb', '', 'x' * 101, 'end.'):
        book.refuse('tag', 'a', '--', label, code='invalid', says='cannot be the name')
    for label in ('a\udcffb', 'a\u202eb', 'a\x9bb'):  # bytes that are no UTF-8, and tricks
        book.refuse('tag', 'a', '--', label, code='invalid', says='the name of a version')
    equal(book.json('tag', 'a'), [])


@test()
def tag__is_a_signed_tag_of_git(book):
    three_versions(book)
    uuid = parse(book.dumpxml('a')).find('uuid').text
    signers = f'gpg.ssh.allowedSignersFile={book.path}/keys/allowed_signers'
    book.ok('sync')
    book.ok('tag', 'a@2', 'sold', '--reason', 'to the museum')
    book.ok('sync')
    ref = f'domains/{uuid}/sold'
    equal(book.git('tag').out.split(), [ref])
    contains(book.git('-c', signers, 'verify-tag', ref).err, 'Good "git" signature for domesday@')
    commit = book.json('show', 'a@2')['commit']
    equal(book.git('rev-parse', ref + '^{commit}').out.strip(), commit)
    contains(book.git('cat-file', 'tag', ref).out,
             'to the museum', 'Version: 2', f'Domain: {uuid}')
    contains(book.git('describe', '--tags', commit).out, ref)
    book.verify()
    # one that somebody else has set stays, and one that somebody forged does not
    book.git('tag', 'other', commit)
    book.git('update-ref', f'refs/tags/domains/{uuid}/forged', commit)
    book.ok('tag', 'a@3', 'kept')
    book.verify()
    equal(book.git('tag').out.split(), [f'domains/{uuid}/kept', ref, 'other'])
    # what was deleted is gone from git too
    book.ok('tag', '--delete', 'a', 'sold')
    book.verify()
    equal(book.git('tag').out.split(), [f'domains/{uuid}/kept', 'other'])
    clone = os.path.join(book.folder, 'clone.git')
    book.git('clone', '-q', '--mirror', '.', clone)
    contains(book.git('-C', clone, 'tag').out, f'domains/{uuid}/kept')


@test()
def tag__outlives_rename_and_undefine(book):
    three_versions(book)
    uuid = parse(book.dumpxml('a')).find('uuid').text
    book.ok('tag', 'a@1', 'first')
    book.ok('rename', 'a', 'b')
    equal(vcpus(book, 'b@first'), 1)
    book.ok('undefine', 'b')
    equal(vcpus(book, f'{uuid}@first'), 1)


@test()
def naming__who_asks_for_a_domain_that_is_gone_is_led_to_its_history(book):
    uuids = []
    for _ in range(2):
        book.define(domain('web'))
        uuids.append(book.domains()['web']['uuid'])
        book.ok('undefine', 'web')
    for words in (('log', 'web'), ('show', 'web@1'), ('diff', 'web'), ('start', 'web')):
        book.refuse(*words, code='not-found',
                    says=("there is no domain 'web' (undefined in version 2)",
                          f'domesday log {uuids[1]}'))
    equal(len(book.log(uuids[1])), 2)
    book.refuse('log', 'mail', code='not-found', says="there is no domain 'mail'\n")


if __name__ == '__main__':
    main()
