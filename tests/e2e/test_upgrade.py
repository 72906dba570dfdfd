#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""After a host upgrade: what the new QEMU calls for, and the one command that changes a machine."""

import os

from definition import UUID, addresses, domain, parse, pretend
from guest import Guest
from harness import check, contains, equal, main, test

OLD = 'pc-i440fx-1.7'  # deprecated in QEMU 7.2


def newest(book, alias):
    machines = book.json('capabilities')['machines']
    return next(row['name'] for row in machines if row.get('alias') == alias)


def kinds(advice):
    return [(row['domain'], row['kind'], row['command']) for row in advice]


def without(caps, member, name):
    caps[member] = [row for row in caps[member] if row['name'] != name]


@test()
def advise__has_nothing_to_say_of_what_is_current(book):
    equal(book.json('advise'), [])
    book.define(domain('a'))
    book.define(domain('b', more="<cpu mode='host-model'/>", machine='q35'))
    book.define(domain('c', more="<cpu mode='host-passthrough'/>"))
    equal(book.json('advise'), [])
    contains(book.ok('advise').err, 'nothing to advise')


@test()
def advise__names_what_is_deprecated_gone_or_left_open(book):
    book.define(domain('old', machine=OLD))
    book.define(domain('gone', machine='pc-q35-6.0'))
    book.define(domain('model', more="<cpu><model>Denverton</model></cpu>"))
    book.define(domain('float', more="<cpu mode='host-model'/>"), '--host-model=keep')
    pretend(book, lambda caps: (without(caps, 'machines', 'pc-q35-6.0'),
                                without(caps, 'cpus', 'Denverton')))
    pc, q35 = newest(book, 'pc'), newest(book, 'q35')
    equal(kinds(book.json('advise')), [
        ('float', 'cpu-floating', 'domesday upgrade float --cpu host-model'),
        ('gone', 'machine-gone', f'domesday upgrade gone --machine {q35}'),
        ('model', 'cpu-gone', 'domesday upgrade model --cpu host-model'),
        ('old', 'machine-deprecated', f'domesday upgrade old --machine {pc}'),
    ])
    text = book.ok('advise', 'old').out
    contains(text, f'old: machine type {OLD} is deprecated', f'upgrade old --machine {pc}')
    check('gone' not in text, text)
    book.refuse('advise', 'nobody', code='not-found')


@test()
def advise__is_followed_and_then_silent(book):
    book.define(domain('old', machine=OLD))
    book.define(domain('float', more="<cpu mode='host-model'/>"), '--host-model=keep')
    for row in book.json('advise'):
        book.ok(*row['command'].split()[1:])
    equal(book.json('advise'), [])


@test()
def advise__of_a_qemu_that_is_gone(book):
    emulator = book.file('qemu')
    with open(emulator, 'w', encoding='utf-8') as script:
        script.write('#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 "$@"\n')
    os.chmod(emulator, 0o755)
    book.define(domain('a', emulator=emulator))
    os.unlink(emulator)
    row, = book.json('advise')
    equal((row['kind'], row['value'], row['command']), ('emulator', emulator, None))


@test()
def upgrade__is_one_version_that_lists_what_the_guest_will_see(book):
    book.define(domain('a', machine=OLD, uuid=UUID))
    before = book.dumpxml('a')
    answer = book.json('upgrade', 'a', '--machine', 'pc', '--reason', 'host upgrade')
    wanted = newest(book, 'pc')
    equal((answer['version'], answer['changed']), (2, True))
    check(any(row['after'] == wanted for row in answer['changes']), answer)
    after = book.dumpxml('a')
    equal(parse(after).find('os/type').get('machine'), wanted)
    equal(addresses(after), addresses(before))
    newest_version = book.log('a')[0]
    equal((newest_version['operation'], newest_version['reason']), ('upgrade', 'host upgrade'))
    equal(newest_version['subject'], f'upgrade to {wanted}')
    listed = [line for line in newest_version['trailers'] if line.startswith('ABI-Change: ')]
    equal(len(listed), len(answer['changes']))
    contains(listed[0], OLD, wanted)
    equal(book.json('upgrade', 'a', '--machine', 'pc')['changed'], False)
    book.ok('rollback', 'a', '1')
    equal(book.dumpxml('a'), before)


@test()
def upgrade__of_the_cpu_keeps_what_is_not_its_model(book):
    given = """<cpu mode='custom'><model>qemu64</model><feature policy='disable' name='sse4a'/>
        <topology sockets='1' cores='2' threads='1'/></cpu>"""
    book.define(domain('a', more=given, vcpu='<vcpu>2</vcpu>', uuid=UUID))
    book.ok('upgrade', 'a', '--cpu', 'host-model')
    cpu = parse(book.dumpxml('a')).find('cpu')
    equal((cpu.get('mode'), cpu.get('check')), ('custom', 'full'))
    equal(cpu.find('topology').get('cores'), '2')
    book.ok('upgrade', 'a', '--cpu', 'Nehalem')
    cpu = parse(book.dumpxml('a')).find('cpu')
    equal((cpu.find('model').text, cpu.findall('feature')), ('Nehalem', []))
    book.ok('upgrade', 'a', '--cpu', 'host-passthrough')
    equal(parse(book.dumpxml('a')).find('cpu').get('mode'), 'host-passthrough')
    book.ok('sync')
    contains(book.git('show', f'domains/{UUID}:cpu.json').out, '"max"')
    book.ok('rollback', 'a', '3')
    book.ok('sync')
    check(book.git('show', f'domains/{UUID}:cpu.json', rc=None).rc != 0, 'it is still there')
    book.ok('rollback', 'a', '4')
    book.ok('sync')
    contains(book.git('show', f'domains/{UUID}:cpu.json').out, '"max"')


@test()
def upgrade__refuses_by_name(book):
    book.define(domain('a', machine=OLD))
    with book.unchanged():
        book.refuse('upgrade', 'a', code='usage', says='--machine')
        book.refuse('upgrade', 'a', '--machine', 'q35', code='refused', says='chipset', lines=None)
        book.refuse('upgrade', 'a', '--machine', 'pc-i440fx-99', code='unsupported',
                    says="'pc-i440fx-99'", lines=None)
        book.refuse('upgrade', 'a', '--cpu', 'Pentium9', code='unsupported', says="'Pentium9'",
                    lines=None)
        book.refuse('upgrade', 'a', '--cpu', 'Nehalm', code='unsupported', says='mean Nehalem?')
        book.refuse('upgrade', 'a', '--cpu', 'Host-Model', code='unsupported',
                    says='mean host-model?')
        book.refuse('upgrade', 'a', '--cpu', 'host', code='refused', says='host-passthrough')
        book.refuse('upgrade', 'a', '--cpu', 'max', code='refused', says='maximum')
        book.refuse('upgrade', 'a', '--machine', '', code='invalid', says='machine type')
        book.refuse('upgrade', 'a', '--cpu', '', code='invalid', says='machine type')
        book.refuse('upgrade', 'a', '--machine', 'pc', '--if-version', '7', code='conflict',
                    lines=None)


@test()
def upgrade__needs_a_domain_that_is_shut_off(book):
    guest = Guest(book, 'a', machine='pc').start()
    with book.unchanged():
        book.refuse('upgrade', 'a', '--cpu', 'host-model', code='refused', says='is running',
                    lines=None)
    guest.destroy()
    book.ok('upgrade', 'a', '--cpu', 'host-model')
    guest.start()


if __name__ == '__main__':
    main()
