#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""A device comes to a running guest and goes: in the guest, in the record and in the history."""

from definition import (
    MAC, addresses, cdrom, devices, disk, domain, guest_place, interface, parse, spare_ports)
from guest import Guest
from harness import check, contains, equal, main, test

SECOND_MAC = '52:54:00:d0:5d:a2'


def booted(book, machine='pc', *more):
    return Guest(
        book, 'guest', disk(book.image('a.img'), 'vda'), *more, *spare_ports(machine),
        machine=machine).start()


def disk_file(book, target='vdb', mib=32, **options):
    return book.file(target + '.xml', disk(book.image(target + '.img', mib), target, **options))


@test('pc', 'q35')
def hotplug__disk_is_seen_stays_and_is_rolled_back(book, machine):
    guest = booted(book, machine)
    before = guest.dumpxml()

    book.ok('attach-device', 'guest', disk_file(book))
    after = guest.dumpxml()
    seen = rf'^disk \+ vdb {guest_place(after, "disk vdb")} {32 << 20} '
    guest.wait_for(seen)
    check('disk vdb' in devices(guest.dumpxml('--live')))
    newest = book.log('guest')[0]
    equal(newest['version'], 2)
    contains(newest['subject'], 'attach', 'vdb')

    guest.destroy()
    guest.start()
    guest.position = 0
    guest.wait_for(seen)
    equal(guest.dumpxml(), after)

    book.ok('rollback', 'guest', 1)
    guest.wait_for(r'^disk - vdb')
    equal(guest.dumpxml(), before)
    check('disk vdb' not in devices(guest.dumpxml('--live')))
    equal(guest.state(), 'running')
    equal(book.version('guest'), 3)
    book.ok('check', 'guest')
    book.verify()


@test('pc', 'q35')
def hotplug__interface_is_seen_and_goes(book, machine):
    guest = booted(book, machine)
    path = book.file('nic.xml', interface())
    book.ok('attach-device', 'guest', path)
    place = guest_place(guest.dumpxml(), f'interface {MAC}')
    guest.wait_for(rf'^net \+ eth0 {place} {MAC}')
    book.ok('detach-device', 'guest', path)
    guest.wait_for(r'^net - eth0')
    check(f'interface {MAC}' not in devices(guest.dumpxml()))
    equal(book.version('guest'), 3)


@test('pc', 'q35')
def hotplug__scsi_disk_is_seen_and_goes(book, machine):
    guest = booted(book, machine, "<controller type='scsi' model='virtio-scsi'/>")
    book.ok('attach-device', 'guest', disk_file(book, 'sda', bus='scsi'))
    place = guest_place(guest.dumpxml(), 'controller scsi 0')
    guest.wait_for(rf'^disk \+ sda {place}/0:0:0 {32 << 20} ')
    book.ok('check', 'guest')
    book.ok('detach-device', 'guest', 'sda')
    guest.wait_for(r'^disk - sda')
    book.ok('check', 'guest')


@test('pc', 'q35')
def hotplug__several_devices_make_one_version(book, machine):
    guest = booted(book, machine)
    book.ok('attach-device', 'guest', disk_file(book), book.file('nic.xml', interface()),
            disk_file(book, 'vdc'))
    for pattern in (r'^disk \+ vdb', r'^net \+ eth0', r'^disk \+ vdc'):
        guest.position = 0
        guest.wait_for(pattern)
    equal(book.version('guest'), 2)
    differences = book.json('diff', 'guest@1', 'guest@2', rc=1)['differences']
    equal(len(differences), 3, differences)
    book.ok('detach-device', 'guest', 'vdb', MAC, 'vdc')
    equal(book.version('guest'), 3)
    equal(addresses(guest.dumpxml()), addresses(book.dumpxml('guest@1')))


@test()
def hotplug__of_several_all_or_none(book):
    guest = booted(book)
    with book.unchanged():
        book.refuse('attach-device', 'guest', disk_file(book),
                    book.file('bad.xml', disk(book.folder + '/missing.img', 'vdc')))
    guest.wait_for(r'^tick')
    check('disk vdb' not in devices(guest.dumpxml('--live')))
    book.ok('check', 'guest')
    book.ok('attach-device', 'guest', disk_file(book))


@test()
def hotplug__a_machine_that_takes_nothing_gets_it_at_its_next_start(book):
    book.define(domain('guest').replace('<acpi/>', ''))
    book.ok('start', 'guest')
    nic = book.file('nic.xml', interface())
    with book.unchanged():
        book.refuse('attach-device', 'guest', nic, code='hypervisor',
                    says=('attach interface', 'hotplug', '--config', 'next start'))
    book.ok('attach-device', '--config', 'guest', nic)
    contains(book.ok('diff', 'guest', '--pending', rc=1).out, 'interface')


@test('alias', 'target', 'mac', 'file')
def detach__by_each_kind_of_name(book, kind):
    nic = interface()
    guest = booted(book, 'pc', nic)
    book.ok('attach-device', 'guest', disk_file(book))
    guest.wait_for(r'^disk \+ vdb')
    alias = devices(guest.dumpxml('--live'))['disk vdb'].find('alias').get('name')
    word, gone = {
        'alias': (alias, r'^disk - vdb'), 'target': ('vdb', r'^disk - vdb'),
        'mac': (MAC.upper(), r'^net - eth0'), 'file': (disk_file(book), r'^disk - vdb')}[kind]
    book.ok('detach-device', 'guest', word)
    guest.wait_for(gone)
    equal(book.version('guest'), 3)


@test()
def hotplug__live_alone_is_gone_with_the_guest(book):
    guest = booted(book)
    record = guest.dumpxml()
    book.ok('attach-device', '--live', 'guest', disk_file(book))
    guest.wait_for(r'^disk \+ vdb')
    equal(guest.dumpxml(), record)
    check('disk vdb' in devices(guest.dumpxml('--live')))
    book.ok('check', 'guest')
    book.ok('sync')
    uuid = parse(record).find('uuid').text
    files = book.git('ls-tree', '--name-only', f'domains/{uuid}').out.split()
    check('live.xml' in files and 'domain.xml' in files, files)
    guest.destroy()
    equal(guest.dumpxml(), record)
    guest.start()
    check('disk vdb' not in devices(guest.dumpxml('--live')))
    book.ok('sync')
    files = book.git('ls-tree', '--name-only', f'domains/{uuid}').out.split()
    check('live.xml' not in files, files)


@test()
def hotplug__config_alone_holds_from_the_next_start(book):
    guest = booted(book)
    book.ok('attach-device', '--config', 'guest', disk_file(book))
    check('disk vdb' in devices(guest.dumpxml()))
    check('disk vdb' not in devices(guest.dumpxml('--live')))
    book.ok('check', 'guest')
    guest.destroy()
    guest.start()
    guest.position = 0
    guest.wait_for(r'^disk \+ vdb')


@test(('config', 'live'), ('live', 'config'))
def hotplug__one_side_after_the_other_is_one_place(book, sides):
    guest = booted(book)
    first, second = sides
    book.ok('attach-device', '--' + first, 'guest', disk_file(book))
    other = 'live' if first == 'config' else 'config'
    book.ok('attach-device', '--' + other, 'guest', disk_file(book, 'vdc'))
    book.ok('attach-device', '--' + second, 'guest', disk_file(book))
    live, record = guest.dumpxml('--live'), guest.dumpxml()
    equal(addresses(record)['disk vdb'], addresses(live)['disk vdb'])
    places = [addresses(xml).get('disk vdc') for xml in (record, live)]
    check(addresses(live)['disk vdb'] not in places, places)


@test()
def detach__takes_both_sides_wherever_each_is(book):
    guest = booted(book)
    place = "<address type='pci' domain='0x0000' bus='0x00' slot='0x1%d' function='0x0'/>"
    for number, side in enumerate(('--config', '--live')):
        book.ok('attach-device', side, 'guest', disk_file(book, more=place % number))
    book.ok('detach-device', 'guest', 'vdb')
    for option in ((), ('--live',)):
        check('disk vdb' not in devices(guest.dumpxml(*option)))


@test()
def hotplug__shut_off_domain_changes_its_record_only(book):
    book.define(domain('off'))
    book.ok('attach-device', 'off', disk_file(book))
    equal(book.version('off'), 2)
    book.refuse('attach-device', '--live', 'off', disk_file(book, 'vdc'), code='refused')
    equal(book.version('off'), 2)


@test()
def hotplug__what_is_there_already_is_refused(book):
    guest = booted(book, 'pc', interface())
    same_target = disk_file(book, 'vda')
    with book.unchanged():
        book.refuse('attach-device', 'guest', same_target, code='exists', says='vda')
        book.refuse('attach-device', 'guest', book.file('nic.xml', interface()), code='exists',
                    says=MAC)
        book.refuse('detach-device', 'guest', 'vdz', code='not-found', says='vdz')
    guest.wait_for('^tick')


@test()
def hotplug__a_guest_that_does_not_let_go_keeps_the_device(book):
    """Before its system is up nobody answers the request; the record must not run ahead."""
    book.define(domain('deaf', disk(book.image('a.img'), 'vda')))
    book.ok('start', '--paused', 'deaf')
    with book.unchanged():
        book.refuse('detach-device', 'deaf', 'vda', code='refused', says='vda')
    book.ok('check', 'deaf')
    check('disk vda' in devices(book.dumpxml('deaf', '--live')))


@test()
def update__medium_of_a_cdrom(book):
    first, second = book.image('first.iso', 4), book.image('second.iso', 6)
    guest = booted(book, 'pc', cdrom(first, 'sda'),
                   "<controller type='scsi' model='virtio-scsi'/>")
    guest.position = 0
    guest.wait_for(rf'^disk \+ sr0 \S+ {4 << 20}')
    book.ok('update-device', 'guest', book.file('cd.xml', cdrom(second, 'sda')))
    guest.wait_for(rf'^disk = sr0 {6 << 20}')
    equal(devices(guest.dumpxml())['disk sda'].find('source').get('file'), second)
    equal(addresses(guest.dumpxml()), addresses(book.dumpxml('guest@1')))
    book.ok('update-device', 'guest', book.file('cd.xml', cdrom(None, 'sda')))
    guest.wait_for(r'^disk = sr0 0')
    check(devices(guest.dumpxml())['disk sda'].find('source') is None)
    book.ok('rollback', 'guest', 1)
    guest.wait_for(rf'^disk = sr0 {4 << 20}')
    book.ok('check', 'guest')


@test('ide', 'sata', 'scsi')
def update__medium_of_an_empty_cdrom_that_is_booted_from(book, bus):
    def drive(path):
        return disk(path, 'sda', bus, "<readonly/><boot order='1'/>", 'cdrom')

    image = book.image('a.iso', 4)
    book.define(domain('a', drive(None)))
    book.ok('start', 'a')
    for path in (image, None, image):
        book.ok('update-device', 'a', book.file('cd.xml', drive(path)))
        source = devices(book.dumpxml('a', '--live'))['disk sda'].find('source')
        equal(source.get('file') if source is not None else None, path)
        book.ok('check', 'a')


@test()
def update__what_the_guest_sees_may_not_change(book):
    booted(book)
    other_bus = book.file('bus.xml', disk(book.folder + '/a.img', 'vda', 'scsi'))
    with book.unchanged():
        book.refuse('update-device', 'guest', other_bus)


@test()
def detach__of_a_paused_guest_is_refused_at_once(book):
    guest = booted(book, 'pc', disk(book.image('b.img'), 'vdb'))
    book.ok('suspend', 'guest')
    with book.unchanged():
        book.refuse('detach-device', 'guest', 'vdb', code='refused', says='paused')
    book.ok('resume', 'guest')
    book.ok('detach-device', 'guest', 'vdb')
    guest.wait_for('^disk - vdb')


@test()
def check__tells_a_device_plugged_behind_its_back(book):
    guest = booted(book)
    equal(book.run('check', 'guest').rc, 0)
    with guest.qmp() as monitor:
        monitor.call('device_add', driver='virtio-rng-pci', id='intruder')
    result = book.run('check', 'guest')
    equal(result.rc, 1, result)
    contains(result.out, 'intruder')
    equal(len(book.json('check', 'guest', rc=1)['drift']), 1)
    with guest.qmp() as monitor:
        monitor.call('device_del', id='intruder')
        monitor.wait_event('DEVICE_DELETED')
    book.ok('check', 'guest')


@test()
def check__tells_a_device_taken_behind_its_back(book):
    guest = booted(book, 'pc', interface(SECOND_MAC))
    alias = devices(guest.dumpxml('--live'))[f'interface {SECOND_MAC}'].find('alias').get('name')
    with guest.qmp() as monitor:
        monitor.call('device_del', id=alias)
        guest.wait_for(r'^net - eth0')
        monitor.wait_event('DEVICE_DELETED')  # QEMU lets go of it after the guest
    result = book.run('check', 'guest')
    equal(result.rc, 1, result)
    contains(result.out, 'interface')


if __name__ == '__main__':
    main()
