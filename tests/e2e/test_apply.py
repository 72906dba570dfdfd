#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""A whole definition for a domain that exists: apply, and what a guest would see of it."""

from definition import MAC, disk, domain, interface, spare_ports
from harness import check, contains, equal, main, test


def given(book, *devices, **options):
    return book.file('given.xml', domain('a', *devices, **options))


@test()
def apply__dry_run_shows_the_plan_and_does_nothing(book):
    vda, vdb, vdc = (disk(book.image(f'{n}.img'), f'vd{n}') for n in 'abc')
    book.define(domain('a', vda, vdb, interface()))
    path = given(book, vda, vdc, interface())
    shown = book.ok('apply', '--dry-run', path).out
    contains(shown, '- detach disk vdb', '+ attach disk vdc', 'pci 0000:')
    plan = book.json('apply', '-n', path)
    equal([(step['do'], step['subject']) for step in plan['plan']],
          [('detach', 'disk vdb'), ('attach', 'disk vdc')])
    equal((plan['domain'], plan['changed'], plan['dry_run']), ('a', True, True))
    equal(book.version('a'), 1)


@test()
def apply__is_the_edits_in_one_version(book):
    vda, vdb, vdc = (disk(book.image(f'{n}.img'), f'vd{n}') for n in 'abc')
    xml = domain('a', vda, vdb, interface())
    book.define(xml)
    book.ok('apply', book.file('same.xml', xml))
    equal(book.version('a'), 1)
    book.ok('apply', given(book, vda, vdc, interface()))
    equal(book.version('a'), 2)
    applied = book.dumpxml('a')
    book.ok('rollback', 'a', 1)
    book.ok('detach-device', 'a', 'vdb')
    book.ok('attach-device', 'a', book.file('c.xml', vdc))
    equal(book.dumpxml('a'), applied)


@test()
def apply__refuses_another_machine_by_its_path(book):
    vda = disk(book.image('a.img'), 'vda')
    book.define(domain('a', vda))
    book.refuse('apply', given(book, vda, machine='pc-i440fx-6.2'), code='refused',
                says='/domain/os/type/@machine')
    book.refuse('apply', book.file('b.xml', domain('b', vda)), code='not-found', says='define')
    equal(book.version('a'), 1)


@test()
def apply__a_running_guest_follows(book):
    vda, vdb = (disk(book.image(f'{n}.img'), f'vd{n}') for n in 'ab')
    book.define(domain('a', vda, *spare_ports('pc')))
    book.ok('start', 'a', '--paused')
    book.ok('apply', given(book, vda, vdb, *spare_ports('pc')))
    check('vdb' in book.dumpxml('a', '--live'), 'the guest has no vdb')
    book.ok('check', 'a')
    book.refuse('apply', given(book, vda, vdb, *spare_ports('pc'), memory=256), code='refused',
                says='/domain/memory')
    book.ok('apply', '--config', given(book, vda, vdb, *spare_ports('pc'), memory=256))
    equal(book.version('a'), 3)
    book.ok('destroy', 'a')


@test()
def abi_check__names_what_a_guest_sees(book):
    vda, other = disk(book.image('a.img'), 'vda'), disk(book.image('b.img'), 'vda')
    book.define(domain('a', vda, interface()))
    book.ok('update-device', 'a', book.file('vda.xml', other))
    equal(book.ok('abi-check', 'a@1', 'a@2').out, '')
    book.ok('detach-device', 'a', MAC)
    contains(book.ok('abi-check', 'a@1', 'a', rc=1).out, f'interface {MAC} detached')
    answer = book.json('abi-check', 'a@1', 'a', rc=1)
    equal((answer['same'], answer['differences'][0]['when']), (False, 'running'))


@test()
def diff__xml_shows_lines(book):
    book.define(domain('a', disk(book.image('a.img'), 'vda')))
    book.ok('desc', 'a', '--title', 'A title')
    shown = book.ok('diff', '--xml', 'a@1', 'a@2', rc=1).out
    contains(shown, '--- a@1', '+++ a@2', '@@ -', '\n+  <title>A title</title>\n')
    check('\n-' not in shown.split('@@', 1)[1], shown)
    equal(book.ok('diff', '--xml', 'a@1', 'a@1').out, '')
    contains(book.json('diff', '--xml', 'a@1', 'a@2', rc=1)['xml'], '+  <title>')


@test()
def validate__names_the_line_of_a_misspelt_element(book):
    xml = domain('a', disk(book.image('a.img'), 'vda'))
    book.ok('validate', book.file('good.xml', xml))
    book.refuse('validate', book.file('bad.xml', xml.replace('<features>', '<featuers>').replace(
        '</features>', '</featuers>')), code='invalid', says=('bad.xml:7', 'featuers'))
    own = domain('a', more="<metadata><x:y xmlns:x='urn:x'><x:z/></x:y></metadata>")
    contains(book.ok('validate', book.file('own.xml', own)).out, 'line 7: /domain/metadata/')
    contains(book.ok('validate', '--grammar').out, '<grammar xmlns=')


if __name__ == '__main__':
    main()
