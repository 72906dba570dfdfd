#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Addresses stay: through detach and attach of a neighbour, and through any number of restarts."""

from definition import (
    MAC, address, addresses, devices, disk, domain, guest_place, interface,
    spare_ports)
from guest import Guest
from harness import check, equal, main, test

RESTARTS = 20


def three(book):
    """Two disks and a network card between them."""
    return disk(book.image('a.img'), 'vda'), interface(), disk(book.image('b.img'), 'vdb')


@test('pc', 'q35')
def address__neighbours_stay_when_the_middle_one_goes_and_comes(book, machine):
    book.define(domain('three', *three(book), machine=machine))
    before = addresses(book.dumpxml('three'))

    book.ok('detach-device', 'three', MAC)
    without = addresses(book.dumpxml('three'))
    check(f'interface {MAC}' not in without)
    for name in ('disk vda', 'disk vdb'):
        equal(without[name], before[name], name)

    book.ok('attach-device', 'three', book.file('nic.xml', interface()))
    equal(addresses(book.dumpxml('three')), before)


@test('pc', 'q35')
def address__left_by_one_is_not_given_to_another(book, machine):
    book.define(domain('three', *three(book), *spare_ports(machine), machine=machine))
    before = addresses(book.dumpxml('three'))
    book.ok('detach-device', 'three', 'vda')
    book.ok('attach-device', 'three', book.file('c.xml', disk(book.image('c.img'), 'vdc')))
    after = addresses(book.dumpxml('three'))
    check(after['disk vdc'] not in before.values(), after['disk vdc'])
    book.ok('attach-device', 'three', book.file('a.xml', disk(book.image('a.img'), 'vda')))
    equal(addresses(book.dumpxml('three'))['disk vda'], before['disk vda'])


@test('pc', 'q35')
def address__twenty_restarts_change_nothing(book, machine):
    book.define(domain('three', *three(book), machine=machine))
    record = book.dumpxml('three')
    for count in range(RESTARTS):
        book.ok('start', '--paused', 'three')
        live = addresses(book.dumpxml('three', '--live'))
        for name, wanted in addresses(record).items():
            equal(live.get(name), wanted, f'{name} of the running guest, start {count + 1}')
        book.ok('destroy', 'three')
        equal(book.dumpxml('three'), record, f'the record after start {count + 1}')
    equal(book.version('three'), 1)


@test('pc', 'q35')
def address__guest_sees_its_devices_where_the_record_says(book, machine):
    guest = Guest(book, 'three', *three(book), *spare_ports(machine), machine=machine)
    for _ in range(2):
        guest.start()
        for name, pattern in (
                ('disk vda', r'^disk \+ vda {} 16777216 '), ('disk vdb', r'^disk \+ vdb {} '),
                (f'interface {MAC}', r'^net \+ eth0 {} ' + MAC)):
            guest.position = 0
            guest.wait_for(pattern.format(guest_place(guest.dumpxml(), name)))
        guest.destroy()


@test('pc', 'q35')
def address__survives_live_detach_and_attach_of_the_middle_one(book, machine):
    guest = Guest(book, 'three', *three(book), *spare_ports(machine), machine=machine).start()
    before = guest.dumpxml()
    book.ok('detach-device', 'three', MAC)
    guest.wait_for(r'^net - eth0')
    book.ok('attach-device', 'three', book.file('nic.xml', interface()))
    guest.wait_for(rf'^net \+ eth0 {guest_place(before, f"interface {MAC}")} {MAC}')
    equal(addresses(guest.dumpxml()), addresses(before))
    equal(address(devices(guest.dumpxml('--live'))['disk vdb']),
          address(devices(before)['disk vdb']))


if __name__ == '__main__':
    main()
