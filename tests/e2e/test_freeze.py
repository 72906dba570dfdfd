#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""What Domesday decides once: machine type, addresses; and that it decides the same everywhere."""

import os
import random
import re
import subprocess

from definition import (
    MAC, UUID, addresses, devices, disk, domain, interface, parse, serial_file, shuffled,
    spare_ports)
from harness import check, contains, equal, main, test

QEMU = 'qemu-system-x86_64'


def versioned_machine(alias):
    """What the QEMU present means by "pc" or "q35"."""
    words = subprocess.run(
        [QEMU, '-machine', 'help'], capture_output=True, text=True, check=True).stdout
    return re.search(rf'^{alias}\s.*\(alias of (\S+)\)', words, re.MULTILINE).group(1)


def machine(xml):
    return parse(xml).find('os/type').get('machine')


def usual(book, alias, uuid=UUID):
    return domain(
        'usual', disk(book.image('a.img'), 'vda'), interface(), disk(book.image('b.img'), 'vdb'),
        disk(book.image('c.img'), 'sda', 'scsi'), serial_file(book.folder + '/serial'),
        "<video><model type='vga'/></video>", "<graphics type='vnc' port='-1' autoport='yes'/>",
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
        "<controller type='usb' model='qemu-xhci'/>", "<input type='tablet' bus='usb'/>",
        machine=alias, uuid=uuid)


@test('pc', 'q35')
def freeze__machine_alias_becomes_the_versioned_type(book, alias):
    wanted = versioned_machine(alias)
    frozen = book.ok('freeze', '-', stdin=domain('a', machine=alias)).out
    equal(machine(frozen), wanted)
    book.define(domain('a', machine=alias))
    equal(machine(book.dumpxml('a')), wanted)


@test('pc', 'q35')
def freeze__gives_every_device_its_address(book, alias):
    frozen = book.ok('freeze', '-', stdin=usual(book, alias)).out
    found = addresses(frozen)
    for name in ('disk vda', 'disk vdb', 'disk sda', f'interface {MAC}', 'controller scsi 0',
                 'controller usb 0', 'rng virtio', 'memballoon virtio', 'input tablet'):
        check(name in found, f'no address: {name}', frozen)
    equal(len(set(found.values())), len(found), 'two devices in one place', frozen)


@test('pc', 'q35')
def freeze__a_frozen_definition_freezes_to_itself(book, alias):
    once = book.ok('freeze', '-', stdin=usual(book, alias)).out
    equal(book.ok('freeze', '-', stdin=once).out, once)


@test()
def freeze__prints_and_stores_nothing(book):
    path = book.file('a.xml', domain('a', uuid=UUID))
    contains(book.ok('freeze', path).out, '<name>a</name>', UUID)
    check(not os.path.exists(book.path), 'it made a book')
    book.define(domain('b'))
    with book.unchanged():
        book.ok('freeze', path)


@test()
def freeze__fills_in_what_was_not_given(book):
    frozen = parse(book.ok('freeze', '-', stdin=domain('a', """
        <interface type='user'/>""")).out)
    check(re.fullmatch('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', frozen.find('uuid').text))
    check(re.fullmatch(
        '52:54:00(:[0-9a-f]{2}){3}', frozen.find('devices/interface/mac').get('address')))
    check(frozen.find('devices/interface/model') is not None)


@test('pc', 'q35')
def define__is_what_freeze_said(book, alias):
    xml = usual(book, alias)
    frozen = book.ok('freeze', '-', stdin=xml).out
    book.define(xml)
    equal(book.dumpxml('usual'), frozen)


@test('pc', 'q35')
def define__two_fresh_books_make_one_record(book, alias):
    xml = usual(book, alias)
    other = book.another('other')
    book.define(xml)
    other.define(xml)
    equal(other.dumpxml('usual'), book.dumpxml('usual'))


@test('pc', 'q35')
def define__spelling_makes_no_difference(book, alias):
    xml = usual(book, alias)
    book.define(xml)
    wanted = book.dumpxml('usual')
    for seed in range(5):
        other = book.another(f'other{seed}')
        spelled = shuffled(xml, random.Random(seed))
        check(spelled != xml)
        other.define(spelled)
        equal(other.dumpxml('usual'), wanted, f'seed {seed}:', spelled)


@test()
def define__same_meaning_makes_no_version(book):
    xml = usual(book, 'pc')
    book.define(xml)
    before = book.snapshot()
    again = book.define(shuffled(xml, random.Random(7)))
    contains(again.out + again.err, 'usual')
    equal(book.snapshot(), before)
    check(not book.json('define', '-', stdin=book.dumpxml('usual'))['changed'])
    equal(book.snapshot(), before)


@test(
    ('port', "<controller type='pci' index='1' model='pcie-root-port'/>"),
    ('ports and usb', "<controller type='usb' model='qemu-xhci'/>",
     "<controller type='pci' model='pcie-root'/>", *spare_ports('q35', 3)[1:], interface(),
     "<controller type='sata'/>", "<console type='pty'/>"),
    ('half an address', "<controller type='pci' model='pcie-root'/>",
     "<controller type='pci' model='pcie-root-port'/>",
     *(f"<controller type='pci' model='pcie-root-port'><address type='pci' slot='9' "
       f"function='{function}'/></controller>" for function in (0, 1))),
)
def define__again_what_was_defined(book, case):
    """What the freeze adds stands between what was given."""
    xml = domain('a', *case[1:], machine='q35', uuid=UUID)
    book.define(xml)
    book.define(xml)
    equal(book.version('a'), 1)


@test()
def define__another_meaning_is_refused_with_the_differences(book):
    xml = usual(book, 'pc')
    book.define(xml)
    other = xml.replace("<memory unit='MiB'>128<", "<memory unit='MiB'>256<").replace(
        disk(book.folder + '/b.img', 'vdb'), '')
    with book.unchanged():
        result = book.refuse(
            'define', '-', stdin=other, code='exists', lines=None,
            says=('usual', 'memory', 'vdb', 'set-memory', 'detach-device'))
        check('interface' not in result.err, 'names what does not differ:', result)


@test('pc', 'q35')
def define__devices_of_the_record_are_those_given(book, alias):
    book.define(usual(book, alias))
    found = devices(book.dumpxml('usual'))
    for name in ('disk vda', 'disk vdb', 'disk sda', f'interface {MAC}', 'graphics vnc'):
        check(name in found, f'{name} is missing')
    check('type' not in found['interface ' + MAC].find('mac').attrib)


if __name__ == '__main__':
    main()
