#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Blame: where each element and attribute of a definition comes from."""

import random
import re

from definition import MAC, cdrom, device_name, disk, domain, interface, parse
from harness import check, contains, equal, main, test


def parts(book, *args):
    """{path: (version, value)}"""
    entries = book.json('blame', *args)
    equal(len({entry['path'] for entry in entries}), len(entries), 'a path is there twice')
    return {entry['path']: (entry['version'], entry['value']) for entry in entries}


# ---- what blame should say, found the slow way ----


def walk(element, prefix, found):
    """Everything below an element: {place: value}; like siblings are counted."""
    found[prefix] = (element.text or '').strip() if not len(element) else ''
    for name, value in element.attrib.items():
        found[f'{prefix}/@{name}'] = value
    names = [child.tag for child in element]
    for index, child in enumerate(element):
        mark = f'[{names[:index].count(child.tag) + 1}]' if names.count(child.tag) > 1 else ''
        walk(child, f'{prefix}/{child.tag}{mark}', found)
    return found


def flat(xml):
    """{place: value}, in which a device is called by its name and not by its number."""
    root = parse(xml)
    devices = root.find('devices')
    found = {}
    for device in list(devices):
        walk(device, f'{device_name(device)}', found)
        devices.remove(device)
    return {**found, **walk(root, '/domain', {}), '/domain/devices': ''}


def place_of(path, xml):
    """A path of blame, as flat() calls it."""
    match = re.match(r'/domain/devices/(\w+)(?:\[(\d+)\])?(.*)', path)
    if not match:
        return path
    like = parse(xml).findall(f'devices/{match.group(1)}')
    return device_name(like[int(match.group(2) or 1) - 1]) + match.group(3)


def set_in(history, place):
    """The version since which a place has had the value that it has in the last one."""
    number = len(history)
    while number > 1 and history[number - 2].get(place) == history[number - 1].get(place):
        number -= 1
    return number


def change_at_random(book, number, rng):
    def device(text):
        return book.file(f'{number}.xml', text)

    there = set(re.findall(r"target dev='(\w+)'", book.dumpxml('a')))
    letter = rng.choice('bcd')
    plugged = f'vd{letter}' in there
    cache = rng.choice(('none', 'writeback', 'unsafe'))
    image = book.image(f'{letter}.img')
    choices = (
        lambda: book.ok('detach-device', 'a', f'vd{letter}') if plugged else book.ok(
            'attach-device', 'a', device(disk(image, f'vd{letter}'))),
        lambda: book.ok('update-device', 'a', device(disk(
            book.folder + '/a.img', 'vda').replace("'raw'", f"'raw' cache='{cache}'"))),
        lambda: book.ok('update-device', 'a', device(cdrom(
            book.image(f'{rng.choice("xyz")}.iso'), 'sda'))),
        lambda: book.ok('set-vcpus', '--maximum', 'a', rng.randint(1, 4)),
        lambda: book.ok('set-memory', '--maximum', 'a', f'{rng.randint(128, 131)}M'),
        lambda: book.ok('desc', 'a', f'line {rng.randint(1, 3)}\n    <disk> of it'),
        lambda: book.ok('metadata', 'a', 'urn:a', '--key', 'k', '--set',
                        f'<x a="{rng.randint(1, 2)}">t\n    <y/>\n<z>{rng.randint(1, 2)}</z></x>'),
        lambda: book.ok('rollback', 'a', rng.randint(1, book.version('a'))),
    )
    rng.choice(choices)()


@test(1, 2, 3)
def blame__agrees_with_every_version_read(book, seed):
    rng = random.Random(seed)
    book.define(domain('a', disk(book.image('a.img'), 'vda'), cdrom('', 'sda'), interface()))
    for number in range(40):
        change_at_random(book, number, rng)
        if number == 20:
            book.ok('sync')
    last = book.version('a')
    check(last > 20, last)
    for newest in (last, last // 2):
        xml = book.dumpxml(f'a@{newest}')
        history = [flat(book.dumpxml(f'a@{number}')) for number in range(1, newest + 1)]
        found = {
            place_of(path, xml): version
            for path, (version, _) in parts(book, f'a@{newest}').items()
            if '/metadata/' not in path}
        wanted = {
            place: set_in(history, place) for place in history[-1]
            if '/metadata/' not in place}
        equal(found, wanted)


# ---- what a person sees ----


def five_versions(book):
    """define, attach vdb, more vCPUs, description, another cache mode"""
    book.define(domain('a', disk(book.image('a.img'), 'vda'), interface()))
    xml = disk(book.image('b.img'), 'vdb')
    book.ok('attach-device', 'a', book.file('b.xml', xml), '--reason', 'room')
    book.ok('set-vcpus', '--maximum', 'a', 4)
    book.ok('desc', 'a', 'of two\nlines')
    book.ok('update-device', 'a', book.file('c.xml', xml.replace("'raw'", "'raw' cache='none'")))


@test()
def blame__shows_the_definition_with_a_version_on_each_line(book):
    five_versions(book)
    out = book.ok('blame', 'a').out
    rows = [line.split(' | ', 1) for line in out.splitlines()]
    who = [re.fullmatch(r'(\d) +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ +([a-z-]+) *', row[0])
           for row in rows]
    check(all(who), out)
    origin = {line.strip(): (int(found.group(1)), found.group(2))
              for found, (_, line) in zip(who, rows)}
    equal(origin['<description>of two'], (4, 'desc'))
    equal(origin['lines</description>'], (4, 'desc'))
    equal(origin['<vcpu'], (3, 'set-vcpus'))
    equal(origin["placement='static'>"], (1, 'define'))
    equal(origin['4</vcpu>'], (3, 'set-vcpus'))
    equal(origin["<driver name='qemu' type='raw'"], (2, 'attach-device'))
    equal(origin["cache='none'/>"], (5, 'update-device'))
    equal(origin["<target dev='vda' bus='virtio'/>"], (1, 'define'))
    equal(origin['</domain>'], (1, 'define'))
    pieces = [line for _, line in rows]
    whole = "      <driver name='qemu' type='raw' cache='none'/>"
    at = next(i for i, line in enumerate(pieces) if line.strip() == "cache='none'/>")
    equal(pieces[at].index('cache'), whole.index('cache'), 'each piece is at its place')
    equal(re.sub(r'\s+', '', ''.join(pieces)), re.sub(r'\s+', '', book.dumpxml('a')))


@test()
def blame__tells_programs_who_when_and_what_for(book):
    five_versions(book)
    entries = {entry['path']: entry for entry in book.json('blame', 'a')}
    target = entries['/domain/devices/disk[2]/target/@dev']
    equal((target['version'], target['value'], target['operation']), (2, 'vdb', 'attach-device'))
    equal(target['reason'], 'room')
    log = book.log('a')[-2]
    for member in ('version', 'when', 'author', 'operation', 'subject', 'reason'):
        equal(target[member], log[member])
    equal(entries['/domain/devices/disk[2]/driver/@cache']['version'], 5)
    equal(entries['/domain/description']['value'], 'of two\nlines')
    equal(entries['/domain/devices']['value'], None)
    equal(entries['/domain/vcpu']['value'], '4')
    equal(entries['/domain/vcpu/@placement']['version'], 1)


@test()
def blame__of_one_device_or_place(book):
    five_versions(book)
    for name in ('vdb', 'disk vdb', 'virtio-disk1', 'disk[2]'):
        found = parts(book, 'a', '--device', name)
        check(all(path.startswith('/domain/devices/disk[2]') for path in found), found)
        equal({version for version, _ in found.values()}, {2, 5})
    equal(parts(book, 'a', '--path', 'os/type/@machine').keys(), {'/domain/os/type/@machine'})
    equal(parts(book, 'a@3', '--path', '/domain/vcpu')['/domain/vcpu'], (3, '4'))
    equal(parts(book, 'a@2', '--path', 'vcpu')['/domain/vcpu'], (1, '1'))
    equal(len(parts(book, 'a', '--path', 'devices/disk/target/@dev')), 2)
    equal(len(parts(book, 'a', '--path', 'devices/disk[2]/target/@dev')), 1)
    equal(len(book.ok('blame', 'a', '--path', 'name').out.splitlines()), 1)
    book.refuse('blame', 'a', '--device', 'vdx', code='not-found', says='vdx')
    book.refuse('blame', 'a', '--path', 'os/typ', code='not-found', says='/domain/os/typ')
    book.refuse('blame', 'a@9', code='not-found', says='9')


@test()
def blame__a_device_that_went_and_came_is_new(book):
    five_versions(book)
    book.ok('detach-device', 'a', MAC)
    book.ok('rollback', 'a', 5)
    found = parts(book, 'a', '--device', MAC)
    equal({version for version, _ in found.values()}, {7})
    book.ok('tag', 'a@5', 'before')
    found = parts(book, 'a@before', '--device', MAC)
    equal({version for version, _ in found.values()}, {1})


@test()
def blame__goes_on_with_another_disk_before(book):
    """Devices are known by what they are, not by where they stand."""
    book.define(domain('a', disk(book.image('b.img'), 'vdb')))
    book.ok('attach-device', 'a', book.file('a.xml', disk(book.image('a.img'), 'vda')))
    found = parts(book, 'a')
    equal(found['/domain/devices/disk[1]/target/@dev'], (2, 'vda'))
    equal(found['/domain/devices/disk[2]/target/@dev'], (1, 'vdb'))


@test()
def blame__of_a_domain_that_is_gone(book):
    five_versions(book)
    uuid = parse(book.dumpxml('a')).find('uuid').text
    book.ok('undefine', 'a')
    equal(parts(book, uuid)['/domain/vcpu'], (3, '4'))
    contains(book.ok('blame', uuid, '--path', 'vcpu').out, 'set-vcpus')


if __name__ == '__main__':
    main()
