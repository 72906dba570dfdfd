#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Looking back: log, show, diff."""

from definition import MAC, disk, domain, four_versions, interface
from guest import Guest
from harness import check, contains, equal, main, test


@test()
def log__tells_every_version_newest_first(book):
    four_versions(book)
    log = book.log('a')
    equal([entry['version'] for entry in log], [4, 3, 2, 1])
    contains(log[2]['subject'], 'attach', 'vdb')
    equal(log[2]['reason'], 'room for mail')
    contains(log[0]['subject'], 'detach', MAC)
    equal(len({entry['commit'] for entry in log}), 4)
    contains(book.ok('log', 'a').out, 'vdb', MAC)
    equal(len(book.json('log', 'a', '-n', 2)), 2)


@test()
def show__tells_what_one_version_changed(book):
    four_versions(book)
    contains(book.ok('show', 'a@2').out, 'vdb', book.folder + '/b.img', 'room for mail')
    contains(book.ok('show', 'a@3').out, 'vCPU', '4')
    book.refuse('show', 'a@9', code='not-found', says='9')


@test()
def diff__speaks_in_devices(book):
    versions = four_versions(book)
    equal(book.run('diff', 'a@2', 'a@2').rc, 0)
    result = book.ok('diff', 'a@1', 'a@2', rc=1)
    contains(result.out, 'disk vdb attached', book.folder + '/b.img')
    check('interface' not in result.out and '<' not in result.out, result)
    contains(book.ok('diff', 'a@1', 'a', rc=1).out, 'vdb', MAC, 'detached')
    differences = book.json('diff', 'a@1', 'a@2', rc=1)['differences']
    equal([entry['kind'] for entry in differences], ['attached'])
    equal(differences[0]['device'], 'disk vdb')
    contains(book.ok('diff', 'a@1', book.file('v2.xml', versions[1]), rc=1).out, 'vdb')


@test()
def diff__with_a_file_counts_only_what_it_says(book):
    """A definition as a person wrote it lacks what was frozen, and that is no difference."""
    xml = domain('a', disk(book.image('a.img'), 'vda'), interface())
    book.define(xml)
    equal(book.run('diff', 'a', book.file('same.xml', xml)).rc, 0)
    other = book.file('other.xml', xml.replace('<vcpu>1<', '<vcpu>2<'))
    result = book.ok('diff', 'a', other, rc=1)
    contains(result.out, 'vCPU', '2')
    equal(len(book.json('diff', 'a', other, rc=1)['differences']), 1, result.out)


@test()
def diff__of_two_domains_tags_and_times(book):
    four_versions(book)
    book.define(domain('b', interface('52:54:00:d0:5d:b2')))
    book.ok('tag', 'a@2', 'bigger')
    out = book.ok('diff', 'a@bigger', 'b', rc=1).out
    contains(out, 'disk vdb detached', 'name', MAC, '52:54:00:d0:5d:b2')
    contains(book.ok('diff', 'a@bigger', 'a@{now}', rc=1).out, f'interface {MAC} detached')
    equal(book.ok('diff', 'a@{now}', 'a@4').out, '')
    contains(book.ok('diff', '--xml', 'a@bigger', 'b', rc=1).out, '--- a@bigger\n+++ b\n')
    book.refuse('diff', 'a@none', 'b', code='not-found', says='bigger')
    book.refuse('diff', 'a', 'a@{long ago}', code='invalid', says='long ago')
    book.refuse('diff', 'a@{1999-01-01}', code='not-found', says='1999')


@test()
def diff__pending_is_what_holds_from_the_next_start(book):
    guest = Guest(book, 'a', disk(book.image('a.img'), 'vda'))
    equal(book.ok('diff', 'a', '--pending').out, '')
    guest.start()
    equal(book.json('diff', 'a', '--pending'), {'equal': True, 'differences': []})
    book.ok('attach-device', '--config', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    pending = book.version('a')
    result = book.ok('diff', 'a', '--pending', rc=1)
    contains(result.out, '+ disk vdb attached')
    equal(len(result.out.splitlines()), 1, result)
    contains(book.ok('diff', 'a', '--live', rc=1).out, '- disk vdb detached')
    contains(book.ok('diff', 'a', '--pending', '--xml', rc=1).out, '--- a, running\n+++ a\n@@')
    guest.destroy()
    equal(book.ok('diff', 'a', '--pending').out, '')
    contains(book.ok('diff', f'a@{pending}', '--pending', rc=1).out, '+ disk vdb attached')
    equal(book.ok('diff', f'a@{pending - 1}', '--pending').out, '')
    for words in (('--pending', '--live'), ('--pending', 'a')):
        book.refuse('diff', 'a', *words, code='usage', says='--pending', lines=None)


if __name__ == '__main__':
    main()
