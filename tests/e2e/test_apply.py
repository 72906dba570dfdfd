#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""A whole definition for a domain that exists: apply, and what a guest would see of it."""

import os
import re

from definition import (
    MAC, UUID, addresses, cdrom, devices, disk, domain, guest_place, interface, parse,
    serial_file, spare_ports)
from guest import Guest
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
def apply__current_is_the_record_until_the_guest_runs(book):
    vda, vdb, vdc = (disk(book.image(f'{n}.img'), f'vd{n}') for n in 'abc')
    book.define(domain('a', vda, *spare_ports('pc')))
    book.ok('apply', '--current', given(book, vda, vdb, *spare_ports('pc')))
    equal(book.version('a'), 2)
    book.ok('start', 'a', '--paused')
    book.refuse('apply', '--current', given(book, vda, *spare_ports('pc')), code='invalid',
                says='a definition is for the record')
    book.ok('attach-device', '--current', 'a', book.file('c.xml', vdc))
    check('vdc' in book.dumpxml('a', '--live'), 'the guest has no vdc')
    check('vdc' not in book.dumpxml('a'), 'the record has vdc')
    book.ok('destroy', 'a')


class Managed:
    """A running guest, and definitions of it as an old manager would write them each time anew."""

    def __init__(self, book, machine):
        self.book, self.machine = book, machine
        self.image = {name: book.image(f'{name}.img', 16 + number)
                      for number, name in enumerate(('a', 'b', 'c', 'cd'))}
        self.guest = Guest(book, 'guest', *self.devices(('a', 'b')), machine=machine)
        self.guest.start()
        self.before = self.guest.dumpxml()

    def devices(self, disks, medium=None, nic=''):
        return [*(disk(self.image[name], f'vd{name}') for name in disks),
                cdrom(medium, 'sda'), "<controller type='scsi' model='virtio-scsi'/>",
                interface().replace('</int', f'{nic}</int'),
                *spare_ports(self.machine)]

    def file(self, *args, uuid=None, name='guest', memory=128, more='', **options):
        """Without addresses and, unless asked for, without UUID."""
        return self.book.file('given.xml', domain(
            name, *self.devices(*args, **options), serial_file(self.guest.serial), boot=True,
            machine=self.machine, uuid=uuid, memory=memory, more=more))

    def nothing_happened(self):
        equal(self.guest.dumpxml(), self.before)
        equal(self.book.version('guest'), 1)
        self.book.ok('check', 'guest')
        equal(sorted(devices(self.guest.dumpxml('--live'))), sorted(devices(self.before)))


@test('pc', 'q35')
def apply__attaches_detaches_and_updates_a_running_guest_at_once(book, machine):
    managed = Managed(book, machine)
    guest, path = managed.guest, managed.file(
        ('a', 'c'), managed.image['cd'], "<link state='down'/>", more='<title>New</title>')
    shown = book.ok('apply', '--dry-run', path).out
    contains(shown, '- detach disk vdb', '+ attach disk vdc', '~ update disk sda',
             f'~ update interface {MAC}', '~ set title')
    managed.nothing_happened()
    plan = book.json('apply', path)
    equal((plan['domain'], plan['version'], plan['changed'], len(plan['plan'])),
          ('guest', 2, True, 5))
    after = guest.dumpxml()
    # between two looks of the guest one disk may take the name and place of the other, which it
    # does not tell: of the disks, check asks QEMU below
    guest.position = 0
    guest.wait_for(rf'^disk = sr0 {19 << 20}')
    equal(sorted(devices(guest.dumpxml('--live'))), sorted(devices(after)))
    check('disk vdb' not in devices(after) and 'disk vdc' in devices(after))
    equal(parse(after).find('title').text, 'New')
    stayed = {name: place for name, place in addresses(managed.before).items()
              if name != 'disk vdb'}
    equal({name: addresses(after).get(name) for name in stayed}, stayed)
    book.ok('check', 'guest')
    contains(book.log('guest')[0]['subject'], 'apply: ', 'detach disk vdb', 'attach disk vdc')
    book.ok('apply', path)
    equal(book.version('guest'), 2)
    book.ok('rollback', 'guest', 1)
    equal(guest.dumpxml(), managed.before)


@test('pc', 'q35')
def apply__that_fails_in_the_middle_leaves_all_as_it_was(book, machine):
    """The last of several cannot be had: what came before it is taken back."""
    managed = Managed(book, machine)
    os.unlink(managed.image['cd'])
    book.refuse('apply', managed.file(('a', 'c'), managed.image['cd']), says='cd.img', lines=None)
    managed.nothing_happened()
    book.refuse('apply', managed.file(('a',), more='<on_crash>restart</on_crash>'),
                code='refused', says='on_crash')
    managed.nothing_happened()
    managed.guest.wait_for('^tick')
    book.ok('suspend', 'guest')
    book.refuse('apply', managed.file(('a', 'c')), code='refused', says=('vdb', 'paused'),
                lines=None)
    managed.nothing_happened()
    book.ok('resume', 'guest')
    book.ok('apply', managed.file(('a', 'c')))
    book.ok('check', 'guest')


@test('pc', 'q35')
def apply__while_shut_off_is_seen_at_the_next_start(book, machine):
    managed = Managed(book, machine)
    guest = managed.guest
    guest.destroy()
    book.ok('apply', managed.file(('a', 'c'), memory=160))
    equal(book.version('guest'), 2)
    guest.start()
    guest.position = 0
    guest.wait_for(rf'^disk \+ vd[bc] {guest_place(guest.dumpxml(), "disk vdc")} {18 << 20}')
    check(not re.search(rf'^disk \+ \S+ \S+ {17 << 20}', guest.said(), re.MULTILINE), guest.said())
    with guest.qmp() as monitor:
        equal(monitor.call('query-memory-size-summary')['base-memory'] >> 20, 160)
    book.ok('check', 'guest')


@test()
def apply__finds_the_domain_by_uuid_or_by_name(book):
    vda, nic = disk(book.image('a.img'), 'vda'), '<interface type="user"/>'
    book.define(domain('a', vda, nic, uuid=UUID, more="<cpu mode='host-model'/>"))
    before = book.dumpxml('a')
    check('host-model' not in before, before)
    # as it was written first: no UUID, no MAC, no address, the CPU left to the host, other order
    for given in (domain('a', nic, vda, more="<cpu mode='host-model'/>"), domain('a', nic, vda)):
        plan = book.json('apply', '-', stdin=given)
        equal((plan['changed'], plan['plan']), (False, []))
    with book.unchanged():
        book.refuse('apply', book.file('b.xml', domain('b', vda, nic, uuid=UUID)), code='exists',
                    says=(UUID, 'rename a b'))
        other = UUID[:-1] + '9'
        book.refuse('apply', book.file('o.xml', domain('a', vda, nic, uuid=other)), code='exists',
                    says=UUID, lines=None)
        book.refuse('apply', book.file('n.xml', domain('new', vda)), code='not-found',
                    says='domesday define')
        book.refuse('apply', book.file('bad.xml', '<domain>'), code='invalid', says='bad.xml:1')
        book.refuse('apply', book.file('none.xml', '<domain type="qemu"/>'), code='invalid',
                    says='there is no <name>')
    equal(book.dumpxml('a'), before)


@test()
def apply__tells_what_happened_since(book):
    book.define(domain('a'))
    book.ok('desc', 'a', '--title', 'A title')
    path = given(book, more='<title>Mine</title>')
    book.refuse('apply', '--if-version', '1', path, code='conflict', says='2', lines=None)
    error = book.run('--json', 'apply', '--if-version', '1', path).json['error']
    equal([row['version'] for row in error['since']], [2])


@test()
def apply__to_a_full_bus_brings_the_bridge(book):
    """Thirty disks more than a conventional bus has slots for, in one version."""
    images = [disk(book.image(f'{n}.img', 1), f'vd{first}{second}') for n, (first, second) in
              enumerate((f, s) for f in 'ab' for s in 'abcdefghijklmnopqrst')]
    book.define(domain('a', images[0]))
    before = addresses(book.dumpxml('a'))
    book.ok('apply', given(book, *images))
    equal(book.version('a'), 2)
    after = addresses(book.dumpxml('a'))
    equal({name: after[name] for name in before}, before)
    equal(len(set(after.values())), len(after))
    book.ok('start', 'a', '--paused')
    book.ok('check', 'a')


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
