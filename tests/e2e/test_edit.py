#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Every change that is not a device: memory, processors, names, words; each is one version."""

from definition import MAC, disk, domain, interface, parse
from guest import Guest
from harness import check, contains, equal, main, test

NAMESPACE = 'http://example.org/owner'


def text_of(book, name, path):
    element = parse(book.dumpxml(name)).find(path)
    return None if element is None else element.text


@test()
def memory__of_a_domain_that_is_shut_off(book):
    book.define(domain('a', memory=256))
    book.ok('set-memory', 'a', '128M')
    equal(text_of(book, 'a', 'currentMemory'), str(128 << 10))
    equal(text_of(book, 'a', 'memory'), str(256 << 10))
    book.ok('set-memory', '--maximum', 'a', '512M')
    equal(text_of(book, 'a', 'memory'), str(512 << 10))
    equal(book.version('a'), 3)
    with book.unchanged():
        book.refuse('set-memory', 'a', '1G')
        book.refuse('set-memory', 'a', 'lots')
        check(not book.json('set-memory', 'a', '128M')['changed'])


@test()
def memory__of_a_running_guest(book):
    guest = Guest(book, 'guest', memory=192).start()
    book.ok('set-memory', 'guest', '160M')
    equal(text_of(book, 'guest', 'currentMemory'), str(160 << 10))
    equal(parse(guest.dumpxml('--live')).find('currentMemory').text, str(160 << 10))
    with guest.qmp() as monitor:
        for _ in range(100):
            if monitor.call('query-balloon')['actual'] == 160 << 20:
                break
            guest.wait_for('^tick')
        equal(monitor.call('query-balloon')['actual'], 160 << 20)
    with book.unchanged():
        book.refuse('set-memory', '--maximum', 'guest', '256M', code='refused', says='guest')
    guest.destroy()
    guest.start()
    with guest.qmp() as monitor:
        for _ in range(20):
            if monitor.call('query-balloon')['actual'] == 160 << 20:
                break
            guest.wait_for('^tick')
        equal(monitor.call('query-balloon')['actual'], 160 << 20)
    book.ok('check', 'guest')


@test('pc', 'q35')
def vcpus__plugged_into_a_running_guest(book, machine):
    guest = Guest(book, 'guest', machine=machine, vcpu="<vcpu current='1'>3</vcpu>").start()
    book.ok('set-vcpus', 'guest', 2)
    guest.wait_for(r'^cpu \+ 1')
    equal(parse(guest.dumpxml()).find('vcpu').attrib.get('current'), '2')
    book.ok('check', 'guest')
    with book.unchanged():
        book.refuse('set-vcpus', 'guest', 4)
        book.refuse('set-vcpus', 'guest', 0)
        # QEMU's emulator damages its own memory when a vCPU goes, and dies of it later
        book.refuse('set-vcpus', 'guest', 1, code='refused', says='--config')
    # what it cannot lose now, it does not have at the next start
    contains(book.ok('rollback', 'guest', 1).err, 'next start')
    equal(parse(book.dumpxml('guest', '--live')).find('vcpu').attrib.get('current'), '2')
    book.ok('check', 'guest')
    guest.destroy()
    guest.start()
    equal(parse(book.dumpxml('guest', '--live')).find('vcpu').attrib.get('current'), '1')
    book.ok('check', 'guest')


@test()
def vcpus__of_a_domain_that_is_shut_off(book):
    book.define(domain('a'))
    book.ok('set-vcpus', '--maximum', 'a', 4)
    book.ok('set-vcpus', 'a', 2)
    vcpu = parse(book.dumpxml('a')).find('vcpu')
    equal((vcpu.text, vcpu.get('current')), ('4', '2'))
    equal(book.version('a'), 3 if vcpu.get('current') else 2)


@test()
def rename__keeps_uuid_and_history(book):
    book.define(domain('old'))
    book.define(domain('other'))
    uuid = book.domains()['old']['uuid']
    book.ok('rename', 'old', 'new')
    equal(book.domains()['new']['uuid'], uuid)
    equal(len(book.log('new')), 2)
    with book.unchanged():
        book.refuse('dumpxml', 'old', code='not-found')
        book.refuse('rename', 'new', 'other', code='exists', says='other')
        for name in ('a/b', 'a\nb', '', 'x' * 300, '..'):
            book.refuse('rename', 'new', name, code='invalid')


@test()
def words__title_description_and_metadata(book):
    book.define(domain('a'))
    book.ok('desc', '--title', 'a', 'Mail of the shop')
    equal(text_of(book, 'a', 'title'), 'Mail of the shop')
    book.ok('desc', 'a', 'First line\nsecond <line> & "more" äöü')
    equal(text_of(book, 'a', 'description'), 'First line\nsecond <line> & "more" äöü')
    equal(book.version('a'), 3)
    equal(book.domains()['a']['title'], 'Mail of the shop')
    with book.unchanged():
        book.refuse('desc', '--title', 'a', 'two\nlines', code='invalid')
        book.refuse('desc', 'a', 'a\x01b', code='invalid', says=('byte 0x01', 'control'))


@test()
def words__metadata_by_namespace(book):
    book.define(domain('a'))
    book.ok('metadata', 'a', NAMESPACE, '--key', 'owner', '--set', '<who since="2019">Ada</who>')
    element = parse(book.dumpxml('a')).find(f'metadata/{{{NAMESPACE}}}who')
    check(element is not None, book.dumpxml('a'))
    equal((element.text, element.get('since')), ('Ada', '2019'))
    contains(book.ok('metadata', 'a', NAMESPACE).out, 'Ada')
    book.refuse('metadata', 'a', 'http://example.org/none', code='not-found')
    book.refuse('metadata', 'a', NAMESPACE, '--key', 'owner', '--set', '<who', code='invalid')
    book.ok('metadata', 'a', NAMESPACE, '--remove')
    check('Ada' not in book.dumpxml('a'))
    equal(book.version('a'), 3)


@test()
def autostart__is_of_the_host_and_makes_no_version(book):
    book.define(domain('a'))
    book.ok('autostart', 'a')
    check(book.domains()['a']['autostart'])
    book.ok('autostart', '--disable', 'a')
    check(not book.domains()['a']['autostart'])
    equal(book.version('a'), 1)


@test()
def if_version__conflict_says_what_changed_since(book):
    book.define(domain('a'))
    book.ok('set-vcpus', '--maximum', 'a', 4, '--if-version', 1)
    path = book.file('d.xml', disk(book.image('a.img'), 'vda'))
    with book.unchanged():
        for change in (('attach-device', 'a', path), ('set-memory', 'a', '64M'),
                       ('rename', 'a', 'b'), ('desc', 'a', 'words'), ('rollback', 'a', 1),
                       ('undefine', 'a'), ('set-vcpus', 'a', 2)):
            result = book.refuse(*change, '--if-version', 1, code='conflict', lines=None)
            contains(result.err, 'a', '1', '2', 'vCPU')
    book.ok('attach-device', 'a', path, '--if-version', 2)
    equal(book.version('a'), 3)


def users(book, value):
    return [row['domain']['name'] for row in book.json('who-uses', value)]


@test()
def who_uses__disks_and_macs(book):
    image = book.image('a.img')
    book.define(domain('a', disk(image, 'vda'), interface()))
    book.define(domain('b', disk(book.image('b.img'), 'vda')))
    equal(users(book, image), ['a'])
    equal(users(book, MAC), ['a'])
    equal(users(book, book.folder + '/./b.img'), ['b'])
    equal(users(book, '/none'), [])
    book.ok('start', '--paused', 'a')
    check(book.json('who-uses', image)[0]['live'])
    book.ok('detach-device', '--config', 'a', 'vda')
    use = book.json('who-uses', image)[0]
    check(use['live'] and not use['config'], use)
    book.ok('destroy', 'a')
    equal(users(book, image), [])


if __name__ == '__main__':
    main()
