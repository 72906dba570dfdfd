#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""What QEMU can do is data: shown, saved, and handed in again."""

import json
import os
import re

from definition import UUID, domain, interface, MAC, parse
from harness import SOURCE_DIR, check, contains, equal, main, test

SAVED = os.path.join(SOURCE_DIR, 'tests', 'data', 'debian-12-qemu-system-x86_64.json')


@test()
def capabilities__are_shown_as_text_and_json(book):
    text = book.ok('capabilities').out
    contains(text, 'Emulator:   /usr/bin/qemu-system-x86_64', 'q35', 'EPYC-v1', "TCG's CPU:")
    answer = book.json('capabilities')
    equal(answer['emulator'], '/usr/bin/qemu-system-x86_64')
    q35 = next(machine for machine in answer['machines'] if machine.get('alias') == 'q35')
    check(re.fullmatch(r'pc-q35-[\d.]+', q35['name']), q35)
    best = answer['accelerators']['tcg']['host']
    equal(best['name'], 'max')
    check('sse2' in best['features'].split(), best)
    equal(sorted(answer['devices']), answer['devices'])


@test()
def capabilities__of_another_qemu(book):
    answer = book.json('capabilities', '--emulator', '/usr/bin/qemu-system-i386')
    equal(answer['emulator'], '/usr/bin/qemu-system-i386')
    equal(answer['machines'][0]['default-cpu'], 'qemu32')
    book.refuse('capabilities', '--emulator', '/no/such', code='not-found', says='/no/such')


@test()
def capabilities__come_from_the_book_once_asked(book):
    book.define(domain('a'))
    equal(book.json('capabilities'), book.json('capabilities'))


@test('pc', 'q35')
def freeze__with_saved_capabilities_is_the_same_as_here(book, machine):
    saved = book.file('here.json', book.ok('--json', 'capabilities').out)
    given = domain('a', interface(), machine=machine, uuid=UUID)
    path = book.file('a.xml', given)
    equal(book.ok('freeze', path, '--capabilities', saved).out, book.ok('freeze', path).out)


@test()
def freeze__with_capabilities_of_another_host(book):
    with open(SAVED, encoding='utf-8') as file:
        caps = json.load(file)
    caps['emulator'] = '/opt/qemu/bin/qemu'
    for entry in caps['machines']:
        if entry.get('alias') == 'q35':
            entry['name'] = 'pc-q35-99.0'
    saved = book.file('there.json', json.dumps(caps))
    given = re.sub('<emulator>.*</emulator>', '', domain('a', machine='q35'))
    frozen = parse(book.ok('freeze', '-', '--capabilities', saved, stdin=given).out)
    equal(frozen.find('os/type').get('machine'), 'pc-q35-99.0')
    equal(frozen.find('devices/emulator').text, '/opt/qemu/bin/qemu')


@test()
def freeze__refuses_capabilities_that_are_none(book):
    path = book.file('a.xml', domain('a'))
    for text in ('', '{}', '[1]', 'a', '{"emulator": "/q", "version": "7", "cpus": [{}]}'):
        saved = book.file('bad.json', text)
        book.refuse('freeze', path, '--capabilities', saved, code='invalid', says='bad.json')
    book.refuse('freeze', path, '--capabilities', '/no/such', code='not-found')


@test()
def freeze__of_a_32_bit_machine_takes_the_program_for_it(book):
    given = f"""<domain type='qemu'><name>a</name><memory>65536</memory>
        <os><type arch='i686' machine='pc'>hvm</type></os>
        <devices><interface type='user'><mac address='{MAC}'/></interface></devices></domain>"""
    frozen = parse(book.ok('freeze', '-', stdin=given).out)
    equal(frozen.find('devices/emulator').text, '/usr/bin/qemu-system-i386')
    equal(frozen.find('cpu/model').text, 'qemu32')


if __name__ == '__main__':
    main()
