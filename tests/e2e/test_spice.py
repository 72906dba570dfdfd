#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Guests that are seen through SPICE, by its own client library."""

import os
import re
import socket

from definition import domain
from harness import Skip, check, contains, equal, main, test
from spice import Viewer, available

FIRST, SECOND = 'geheim1', 'geheim2'

# as virt-manager writes it
WHOLE = '''
<controller type='usb' model='qemu-xhci' ports='15'/>
<graphics type='spice' autoport='yes'>
  <listen type='address' address='127.0.0.1'/><image compression='off'/>
</graphics>
<sound model='ich9'/>
<video><model type='qxl'/></video>
<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
<channel type='spiceport'>
  <source channel='org.example.port'/><target type='virtio' name='org.example.port'/>
</channel>
<redirdev bus='usb' type='spicevmc'/>
<redirdev bus='usb' type='spicevmc'/>
'''


def screen(password=None, more=" autoport='yes'", inside=''):
    word = '' if password is None else f" passwd='{password}'"
    return f"<graphics type='spice'{more}{word}>{inside}</graphics>"


def port_of(book, name='a'):
    return int(re.search(r"<graphics[^>]*port='(\d+)'", book.dumpxml(name, '--live'))[1])


def lets_in(book, password, name='a'):
    with Viewer('127.0.0.1', port_of(book, name), password) as viewer:
        return viewer.hears('main opened', 5)


def needs_viewer():
    if not available():
        raise Skip('the SPICE client library is not installed')


@test()
def spice__runs_what_virt_manager_makes(book):
    needs_viewer()
    book.define(domain('a', WHOLE, machine='q35'))
    frozen = book.dumpxml('a')
    book.ok('start', 'a')
    with Viewer('127.0.0.1', port_of(book), '') as viewer:
        for channel in ('main', 'display', 'inputs', 'playback', 'usbredir', 'port'):
            check(viewer.hears(f'{channel} opened'), channel, viewer.said)
        book.ok('detach-device', 'a', book.file('redirdev.xml', re.findall(
            r'<redirdev.*?</redirdev>', frozen, re.DOTALL)[1]))
        book.ok('attach-device', 'a', book.file('again.xml', "<redirdev type='spicevmc'/>"))
    book.ok('check', 'a')
    book.ok('destroy', 'a')
    equal(book.dumpxml('a'), frozen)


@test()
def spice__has_a_port_of_its_own(book):
    names = [f'guest{number}' for number in range(4)]
    for name in names:
        book.define(domain(name, screen()))
    for process in [book.popen('start', name) for name in names]:
        equal(process.wait(60), 0, process.communicate())
        process.stdout.close()
    ports = {port_of(book, name) for name in names}
    equal(len(ports), len(names), ports)
    check(all(port >= 5900 for port in ports), ports)
    for port in ports:
        socket.create_connection(('127.0.0.1', port), 5).close()
    check('port=' not in book.dumpxml(names[0]).split('<graphics')[1].split('>')[0].replace(
        'autoport=', ''), 'it is recorded')


@test()
def spice__says_when_its_port_is_taken(book):
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        book.define(domain('a', screen(more=f" port='{port}'")))
        book.refuse('start', 'a', code='busy',
                    says=f'port {port} at 127.0.0.1: Address already in use')
        equal(book.pids(), [])
    book.ok('start', 'a')
    equal(port_of(book), port)


@test()
def spice__lets_in_who_has_the_password(book):
    needs_viewer()
    book.define(domain('a', screen(FIRST)))
    book.ok('start', 'a')
    check(lets_in(book, FIRST), 'the right password')
    check(not lets_in(book, SECOND), 'a wrong password')
    check(not lets_in(book, ''), 'no password')
    with Viewer('127.0.0.1', port_of(book), FIRST) as kept:
        check(kept.hears('main opened'), kept.said)
        book.ok('update-device', 'a', book.file('new.xml', screen(SECOND)))
        check(not kept.hears('main closed', 1), kept.said)
        book.ok('update-device', 'a', book.file('out.xml', screen(
            SECOND, more=" autoport='yes' connected='disconnect'")))
        check(kept.hears('main closed'), kept.said)
    check(lets_in(book, SECOND) and not lets_in(book, FIRST), 'the new one only')
    book.ok('update-device', 'a', book.file('nobody.xml', screen('')))
    check(not lets_in(book, '') and not lets_in(book, FIRST), 'nobody')
    past = " autoport='yes' passwdValidTo='2001-04-09T15:51:00'"
    book.ok('update-device', 'a', book.file('past.xml', screen(FIRST, past)))
    check(not lets_in(book, FIRST), 'it is past its time')


@test()
def spice__listens_at_a_socket_or_nowhere(book):
    path = os.path.join(book.folder, 'screen.sock')
    book.define(domain('a', screen(
        more='', inside=f"<listen type='socket' socket='{path}'/>")))
    book.define(domain('b', screen(more='', inside="<listen type='socket'/>")))
    book.define(domain('c', screen(more='', inside="<listen type='none'/>")))
    for name in 'abc':
        book.ok('start', name)
    for where in path, os.path.join(book.run_folder('b'), 'spice.sock'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(where)
    check(" port='" not in book.dumpxml('c', '--live').split('<graphics')[1].split('>')[0])


@test(
    (screen(inside="<channel name='main' mode='secure'/>"), 'without TLS'),
    (screen(more=" autoport='yes' defaultMode='secure'"), 'without TLS'),
    (screen() + screen(), 'one SPICE screen'),
    (screen(inside="<gl enable='yes'/>"), 'gl'))
def spice__refuses_what_it_cannot_honour(book, case):
    devices, words = case
    book.define(domain('a', devices))
    contains(book.refuse('start', 'a', code='unsupported', says=words).err, '/domain/devices/')
    equal(book.pids(), [])


@test()
def spice__is_needed_by_its_channels(book):
    book.define(domain('a', screen()))
    channel = book.file('channel.xml', "<channel type='spicevmc'><target type='virtio'/></channel>")
    book.ok('attach-device', 'a', channel)
    book.refuse('detach-device', 'a', book.file('screen.xml', screen()), says='SPICE screen')


if __name__ == '__main__':
    main()
