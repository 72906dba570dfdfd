#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Going back: rollback of a domain or a device, shut off and running."""

import time

from definition import (
    MAC, addresses, devices, disk, domain, four_versions, interface, parse, spare_ports)
from guest import Guest
from harness import check, contains, equal, main, test


@test()
def rollback__makes_an_old_definition_the_newest(book):
    versions = four_versions(book)
    book.ok('rollback', 'a', 1)
    equal(book.dumpxml('a'), versions[0])
    equal(book.version('a'), 5)
    book.ok('rollback', 'a', 3)
    equal(book.dumpxml('a'), versions[2])
    for number, xml in enumerate(versions, 1):
        equal(book.dumpxml(f'a@{number}'), xml, f'version {number} has changed')
    check(not book.json('rollback', 'a', 3)['changed'])
    with book.unchanged():
        book.refuse('rollback', 'a', 99, code='not-found', says='99')
        book.refuse('rollback', 'a', 'x')
    book.verify()


@test('pc', 'q35')
def rollback__plugs_and_unplugs_a_running_guest(book, machine):
    guest = Guest(
        book, 'guest', disk(book.image('a.img'), 'vda'), interface(), *spare_ports(machine),
        machine=machine).start()
    book.ok('attach-device', 'guest', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    book.ok('detach-device', 'guest', MAC)
    guest.wait_for('^disk . vdb')
    book.ok('rollback', 'guest', 1)
    guest.wait_for('^disk - vdb')
    equal(book.dumpxml('guest'), book.dumpxml('guest@1'))
    book.ok('check', 'guest')
    book.ok('rollback', 'guest', 2)
    guest.wait_for(r'^disk \+ vdb')
    equal(book.dumpxml('guest'), book.dumpxml('guest@2'))
    book.ok('check', 'guest')


@test()
def rollback__brings_back_what_was_the_first_of_its_kind(book):
    second = MAC[:-1] + '9'
    guest = Guest(book, 'guest', interface(), interface(second)).start()
    before = guest.dumpxml()
    book.ok('detach-device', 'guest', MAC)
    guest.wait_for(r'^net - eth0')
    book.ok('rollback', 'guest', 1)
    guest.wait_for(rf'^net \+ \S+ \S+ {MAC}')
    equal(guest.dumpxml(), before)
    book.ok('check', 'guest')


@test()
def rollback__takes_a_link_up_again(book):
    guest = Guest(book, 'guest', interface()).start()
    down = interface().replace('</interface>', "<link state='down'/></interface>")
    book.ok('update-device', 'guest', book.file('down.xml', down))
    book.ok('rollback', 'guest', 1)
    for option in ((), ('--live',)):
        check('<link' not in guest.dumpxml(*option))
    book.ok('check', 'guest')


# ---- to what ----


@test()
def rollback__to_a_tag_a_time_or_a_number(book):
    book.define(domain('a'))
    time.sleep(1.05 - time.time() % 1)
    book.ok('set-vcpus', '--maximum', 'a', 2)
    book.ok('set-vcpus', '--maximum', 'a', 3)
    book.ok('tag', 'a@2', 'two')
    first = book.log('a')[-1]['when']

    def vcpus(*words):
        book.ok('rollback', *words)
        return parse(book.dumpxml('a')).findtext('vcpu')

    equal(vcpus('a', 'two'), '2')
    equal(book.log('a')[0]['subject'], 'rollback to version 2')
    equal(vcpus('a', f'{{{first}}}'), '1')
    equal(vcpus('a@3'), '3')
    equal(vcpus('a@two'), '2')
    equal(vcpus('a', 3), '3')
    with book.unchanged():
        book.refuse('rollback', 'a', code='usage', says='from 1', lines=None)
        book.refuse('rollback', 'a', '', code='usage', says="a version of 'a'", lines=None)
        book.refuse('rollback', 'a', 'three', code='not-found', says='two')
        book.refuse('rollback', 'a', '{1999-01-01}', code='not-found', says='1999')
        book.refuse('rollback', '--live', 'a', 1, code='refused')


@test()
def rollback__dry_run_says_it_and_does_nothing(book):
    four_versions(book)
    with book.unchanged():
        result = book.ok('rollback', '--dry-run', 'a', 1)
        contains(result.out, 'From the next start:', '- disk vdb detached', 'from 4 to 1',
                 f'+ interface {MAC} attached')
        contains(result.err, 'nothing was', 'version 4')
        answer = book.json('rollback', '--dry-run', 'a', 1)
        equal((answer['dry_run'], answer['changed'], answer['version']), (True, True, 4))
        equal(len(answer['pending']), 3)
        equal(answer['now'], [])
        check(not book.json('rollback', '--dry-run', 'a', 4)['changed'])
    result = book.ok('rollback', 'a', 1)
    equal(result.out, '')
    contains(result.err, '- disk vdb detached', 'version 5: rollback to version 1')
    equal(book.ok('rollback', '--quiet', 'a', 2).err, '')


# ---- one device ----


@test()
def rollback__of_one_device_leaves_the_others(book):
    versions = four_versions(book)
    book.ok('rollback', '--device', MAC, 'a', 1)
    now = book.dumpxml('a')
    equal(devices(now).keys(), devices(versions[1]).keys())
    equal(addresses(now), addresses(versions[1]), 'it is back in its place')
    equal(parse(now).findtext('vcpu'), '4')
    entry = book.log('a')[0]
    equal(entry['subject'], f'rollback interface {MAC} to version 1')
    contains(entry['trailers'], f'Device: interface {MAC}')
    book.ok('rollback', '--device', 'vdb', 'a', 1)
    equal(devices(book.dumpxml('a')).keys(), devices(versions[0]).keys())
    check(book.json('rollback', '--device', 'vdb', 'a@4')['changed'])
    contains(book.dumpxml('a'), "dev='vdb'")
    check(not book.json('rollback', '--device', 'virtio-disk1', 'a@4')['changed'])
    with book.unchanged():
        book.refuse('rollback', '--device', 'vdz', 'a', 1, code='not-found', says='vdz')


@test()
def rollback__of_one_device_puts_it_back_among_its_like(book):
    cards = [f'{MAC[:-1]}{number}' for number in range(1, 5)]
    guest = Guest(book, 'guest', *map(interface, cards)).start()
    before, live = guest.dumpxml(), guest.dumpxml('--live')
    for card in cards[1], cards[0]:
        book.ok('detach-device', 'guest', card)
    for card in cards[0], cards[1]:
        book.ok('rollback', '--device', card, 'guest', 1)
    equal(guest.dumpxml(), before)
    equal([*devices(guest.dumpxml('--live'))], [*devices(live)])
    equal(book.ok('diff', 'guest', '--pending').out, '')
    book.ok('check', 'guest')


@test('serial 0', 'serial0', 'console serial 0')
def rollback__of_a_serial_port_brings_its_console(book, name):
    book.define(domain('a', "<serial type='pty'/>"))
    before = book.dumpxml('a')
    contains(before, '<console')
    book.ok('detach-device', 'a', 'serial0')
    check('<serial' not in book.dumpxml('a') and '<console' not in book.dumpxml('a'))
    book.ok('rollback', '--device', name, 'a', 1)
    equal(book.dumpxml('a'), before)
    contains(book.ok('blame', '--device', 'serial 0', 'a').out, '<serial')


@test()
def rollback__of_a_disk_brings_the_controller_that_it_was_on(book):
    book.define(domain('a'))
    book.ok('attach-device', 'a', book.file(
        'c.xml', "<controller type='scsi' index='0' model='virtio-scsi'/>"))
    book.ok('attach-device', 'a', book.file('s.xml', disk(book.image('a.img'), 'sda', 'scsi')))
    before = book.dumpxml('a')
    book.ok('rollback', 'a', 1)
    check("type='scsi'" not in book.dumpxml('a'))
    told = book.json('rollback', '--device', 'sda', 'a', 3, '--dry-run')['pending']
    equal([change['device'] for change in told], ['controller scsi 0', 'disk sda'])
    equal(book.json('rollback', '--device', 'sda', 'a', 3)['pending'], told)
    equal(book.dumpxml('a'), before)


@test()
def rollback__of_one_device_brings_back_what_it_said(book):
    xml = disk(book.image('a.img'), 'vda')
    book.define(domain('a', xml, interface()))
    before = book.dumpxml('a')
    book.ok('update-device', 'a', book.file('u.xml', xml.replace("'raw'", "'raw' cache='none'")))
    book.ok('detach-device', 'a', 'vda')
    book.ok('attach-device', 'a', book.file('s.xml', disk(book.image('c.img'), 'vda', 'usb')))
    book.ok('set-vcpus', '--maximum', 'a', 2)
    dry = book.json('rollback', '--dry-run', '--device', 'vda', 'a', 1)['pending']
    check(dry and {entry['device'] for entry in dry} == {'disk vda'}, dry)
    book.ok('rollback', '--device', 'vda', 'a', 1)
    after = devices(book.dumpxml('a'))
    equal(after['disk vda'].find('target').attrib, {'dev': 'vda', 'bus': 'virtio'})
    equal(addresses(book.dumpxml('a'))['disk vda'], addresses(before)['disk vda'])
    book.ok('rollback', '--device', 'vda', 'a', 2)
    contains(book.dumpxml('a'), "cache='none'")


@test()
def rollback__of_one_device_whose_place_is_taken(book):
    book.define(domain('a', disk(book.image('a.img'), 'vda')))
    place = addresses(book.dumpxml('a'))['disk vda']
    book.ok('detach-device', 'a', 'vda')
    at = ' '.join(f"{key}='{value}'" for key, value in place)
    book.ok('attach-device', 'a', book.file(
        'n.xml', interface().replace('</interface>', f'<address {at}/></interface>')))
    book.ok('rollback', '--device', 'vda', 'a', 1)
    now = addresses(book.dumpxml('a'))
    equal(now[f'interface {MAC}'], place)
    check(now['disk vda'] != place, now)
    equal(len(set(now.values())), len(now))


# ---- running ----


@test('pc', 'q35')
def rollback__does_what_the_guest_can_and_leaves_the_rest_pending(book, machine):
    guest = Guest(book, 'guest', disk(book.image('a.img'), 'vda'), *spare_ports(machine),
                  machine=machine)
    book.ok('set-vcpus', '--maximum', 'guest', 4)
    book.ok('desc', 'guest', 'four')
    guest.start()
    book.ok('attach-device', 'guest', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    guest.wait_for(r'^disk \+ vdb')
    with book.unchanged():
        answer = book.json('rollback', '-n', 'guest', 1)
        equal([entry['sentence'] for entry in answer['now']],
              ["description removed (was 'four')", 'disk vdb detached'])
        equal([entry['path'] for entry in answer['pending']], ['/domain/vcpu'])
        out = book.ok('rollback', '-n', 'guest', 1).out
        check(out.index('In the running guest:') < out.index('- disk vdb')
              < out.index('From the next start:') < out.index('from 4 to 1'), out)
    book.ok('rollback', 'guest', 1)
    guest.wait_for('^disk - vdb')
    equal(book.dumpxml('guest'), book.dumpxml('guest@1'))
    equal(guest.state(), 'running')
    book.ok('check', 'guest')
    pending = book.json('diff', 'guest', '--pending', rc=1)['differences']
    equal([entry['path'] for entry in pending], ['/domain/vcpu'])
    with guest.qmp() as qmp:
        equal(len(qmp.call('query-cpus-fast')), 4, 'the guest has what it had')
    guest.destroy()
    guest.start()
    equal(book.ok('diff', 'guest', '--pending').out, '')
    book.ok('check', 'guest')
    with guest.qmp() as qmp:
        equal(len(qmp.call('query-cpus-fast')), 1)


@test()
def rollback__with_config_leaves_the_guest_alone(book):
    guest = Guest(book, 'guest', disk(book.image('a.img'), 'vda')).start()
    book.ok('attach-device', 'guest', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    guest.wait_for(r'^disk \+ vdb')
    answer = book.json('rollback', '--config', 'guest', 1)
    equal((answer['now'], len(answer['pending'])), ([], 1))
    contains(guest.dumpxml('--live'), "dev='vdb'")
    equal(book.dumpxml('guest'), book.dumpxml('guest@1'))
    book.ok('check', 'guest')


@test('pc', 'q35')
def rollback__of_one_disk_plugs_the_controller_that_it_was_on(book, machine):
    guest = Guest(book, 'guest', *spare_ports(machine), machine=machine).start()
    book.ok('attach-device', 'guest', book.file(
        'c.xml', "<controller type='scsi' index='0' model='virtio-scsi'/>"))
    book.ok('attach-device', 'guest', book.file('s.xml', disk(book.image('a.img'), 'sda', 'scsi')))
    live = addresses(guest.dumpxml('--live'))
    book.ok('rollback', 'guest', 1)
    check("type='scsi'" not in guest.dumpxml('--live'))
    # what waits for the next start goes on waiting
    book.ok('attach-device', '--config', 'guest', book.file(
        'd.xml', "<controller type='scsi' index='1' model='virtio-scsi'/>"))
    dry = book.json('rollback', '--device', 'sda', 'guest', 3, '--dry-run')
    equal([change['device'] for change in dry['now']], ['controller scsi 0', 'disk sda'])
    equal(dry['pending'], [])
    equal(book.json('rollback', '--device', 'sda', 'guest', 3)['now'], dry['now'])
    equal(addresses(guest.dumpxml('--live')), live)
    equal(addresses(guest.dumpxml())['disk sda'], live['disk sda'])
    equal([change['device'] for change in book.json(
        'diff', 'guest', '--pending', rc=1)['differences']], ['controller scsi 1'])
    book.ok('check', 'guest')


@test()
def rollback__does_not_take_what_it_could_not_give_back(book):
    """A disk that was on another bus, where nothing can be plugged, is not unplugged before."""
    guest = Guest(book, 'guest', disk(book.image('a.img'), 'vda'),
                  disk(book.image('b.img'), 'sdb', 'sata'))
    ahci = book.version('guest')
    book.ok('detach-device', 'guest', 'sdb')
    book.ok('attach-device', 'guest', book.file('b.xml', disk(book.image('b.img'), 'sdb', 'usb')))
    guest.start()
    answer = book.json('rollback', 'guest', ahci)
    check(all('sdb' not in (entry['device'] or '') for entry in answer['now']), answer)
    contains(str(answer['pending']), 'disk sdb')
    contains(guest.dumpxml('--live'), "bus='usb'")
    book.ok('check', 'guest')
    guest.destroy()
    guest.start()
    contains(guest.dumpxml('--live'), "bus='sata'")
    book.ok('check', 'guest')


@test()
def rollback__brings_a_watchdog_and_what_it_does(book):
    guest = Guest(book, 'guest')
    for action in 'pause', 'reset':
        book.ok('attach-device' if action == 'pause' else 'update-device', 'guest', book.file(
            'w.xml', f"<watchdog model='i6300esb' action='{action}'/>"))
    book.ok('detach-device', 'guest', 'watchdog0')
    guest.start()
    for version in 2, 3, 1, 2:
        dry = book.json('rollback', '-n', 'guest', version)
        equal((len(dry['now']), dry['pending']), (1, []))
        done = book.json('rollback', 'guest', version)
        equal((done['now'], done['pending']), (dry['now'], []))
        book.ok('check', 'guest')
    with guest.qmp() as qmp:
        contains(str(qmp.call('qom-list', path='/machine/peripheral')), 'watchdog0')


@test()
def rollback__takes_the_statistics_of_a_balloon_away_again(book):
    guest = Guest(book, 'guest')
    book.ok('update-device', 'guest', book.file(
        's.xml', "<memballoon model='virtio'><stats period='3'/></memballoon>"))
    guest.start()
    for version, seconds in (1, 0), (2, 3):
        equal(len(book.json('rollback', 'guest', version)['now']), 1)
        with guest.qmp() as qmp:
            equal(qmp.call('qom-get', path='/machine/peripheral/balloon0',
                           property='guest-stats-polling-interval'), seconds)


@test('ib700', 'itco')
def rollback__leaves_a_watchdog_that_cannot_be_plugged_for_the_next_start(book, model):
    machine = 'q35' if model == 'itco' else 'pc'
    book.define(domain('a', f"<watchdog model='{model}'/>", machine=machine))
    book.ok('detach-device', 'a', 'watchdog0')
    book.ok('start', 'a')
    for version in 1, 2:
        dry = book.json('rollback', '-n', 'a', version)
        done = book.json('rollback', 'a', version)
        equal((dry['now'], dry['pending']), (done['now'], done['pending']))
        equal((done['now'], len(done['pending'])), ([], 2 - version))
        equal(book.json('diff', 'a', '--pending', rc=None)['differences'], done['pending'])
    book.ok('rollback', 'a', 1)
    book.ok('destroy', 'a')
    book.ok('start', 'a')
    contains(book.dumpxml('a', '--live'), f"model='{model}'")
    book.ok('check', 'a')


@test()
def rollback__leaves_what_cannot_be_run_for_the_next_start(book):
    plain = disk(book.image('a.img'), 'vda')
    slow = disk(book.image('a.img'), 'vda',
                more='<iotune><total_bytes_sec>1000000</total_bytes_sec></iotune>')
    book.define(domain('a', slow))
    book.ok('detach-device', 'a', 'vda')
    book.ok('attach-device', 'a', book.file('p.xml', plain))
    book.ok('start', 'a')
    book.refuse('update-device', 'a', book.file('s.xml', slow), code='unsupported')
    dry = book.json('rollback', '-n', 'a', 1)
    equal(dry['now'], [])
    contains(str(dry['pending']), 'total_bytes_sec')
    done = book.json('rollback', 'a', 1)
    equal((done['now'], done['pending']), (dry['now'], dry['pending']))
    check('iotune' not in book.dumpxml('a', '--live'))
    equal(book.json('diff', 'a', '--pending', rc=1)['differences'], done['pending'])
    book.ok('check', 'a')


@test()
def rollback__dry_run_takes_back_what_only_waited(book):
    book.define(domain('a'))
    book.ok('start', 'a')
    book.ok('attach-device', '--config', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    dry = book.json('rollback', '-n', 'a', 1)
    equal((dry['changed'], dry['now'], dry['pending']), (True, [], []))
    contains(book.ok('rollback', '-n', 'a', 1).err, 'nothing would wait', 'still version 2')
    check(book.json('rollback', 'a', 1)['changed'])
    equal(book.ok('diff', 'a', '--pending').out, '')
    check(not book.json('rollback', '-n', 'a', 1)['changed'])


@test()
def rollback__dry_run_of_a_paused_guest_says_that_it_cannot_let_go(book):
    book.define(domain('a'))
    book.ok('attach-device', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    book.ok('start', '--paused', 'a')
    for words in (('-n',), ()):
        book.refuse('rollback', *words, 'a', 1, code='refused', says=('paused', 'disk vdb'))
    book.ok('rollback', '-n', '--config', 'a', 1)


@test()
def rollback__of_one_device_of_a_running_guest(book):
    guest = Guest(book, 'guest', disk(book.image('a.img'), 'vda'), interface()).start()
    book.ok('attach-device', 'guest', book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    book.ok('attach-device', '--live', 'guest', book.file(
        'c.xml', disk(book.image('c.img'), 'vdc')))
    book.ok('set-vcpus', '--config', '--maximum', 'guest', 2)
    guest.wait_for(r'^disk \+ vdc')
    answer = book.json('rollback', '--device', 'vdb', 'guest', 1)
    equal([entry['sentence'] for entry in answer['now']], ['disk vdb detached'])
    equal(answer['pending'], [])
    guest.wait_for('^disk - vdb')
    contains(guest.dumpxml('--live'), "dev='vdc'")
    equal(parse(guest.dumpxml()).findtext('vcpu'), '2', 'what waits for the next start still does')
    book.ok('check', 'guest')
    book.ok('rollback', '--device', 'vdb', 'guest', 2)
    guest.wait_for(r'^disk \+ vdb')
    equal(addresses(guest.dumpxml())['disk vdb'], addresses(guest.dumpxml('--live'))['disk vdb'])
    book.ok('check', 'guest')


if __name__ == '__main__':
    main()
