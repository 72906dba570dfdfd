#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""The life of a guest: start, suspend, resume, reboot, shutdown, destroy, undefine."""

import os
import signal
import time

from definition import disk, domain, parse
from guest import Guest
from harness import check, contains, equal, main, test, wait_until


def alive(pid):
    """Not when it is a zombie that nobody reaps."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as stream:
            return stream.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


@test('pc', 'q35')
def lifecycle__start_to_acpi_shutdown(book, machine):
    guest = Guest(book, 'guest', machine=machine)
    equal(guest.state(), 'shut off')
    guest.start()
    equal(guest.state(), 'running')
    row = book.domains()['guest']
    equal(row['pid'], book.pid('guest'))
    check(row['id'] > 0)

    book.ok('shutdown', 'guest')
    guest.wait_for('^power button')
    wait_until(lambda: not book.pids(), 'QEMU has ended')
    equal(guest.state(), 'shut off')
    equal(book.version('guest'), 1)
    guest.start()
    equal(guest.state(), 'running')


@test()
def jobs__tell_who_is_at_what(book):
    book.define(domain('a'))
    book.define(domain('b'))
    equal(book.json('jobs'), [])
    contains(book.ok('jobs').err, 'nothing is under way')
    book.ok('start', 'a', '--paused')
    os.kill(book.pid('a'), signal.SIGSTOP)
    waiting = book.popen('resume', 'a')
    wait_until(lambda: book.json('jobs'), 'the job is listed')
    job, = book.json('jobs')
    equal((job['domain'], job['operation'], job['pid'], job['program']),
          ('a', 'resume', waiting.pid, 'domesday'))
    equal((job['direction'], job['peer'], job['progress']), (None, None, None))
    contains(book.ok('jobs').out, 'a ', 'resume', str(waiting.pid))
    os.kill(book.pid('a'), signal.SIGCONT)
    equal(waiting.wait(30), 0, waiting.communicate())
    equal(book.json('jobs'), [])


@test()
def lifecycle__suspended_guest_does_not_count(book):
    guest = Guest(book, 'guest').start()
    book.ok('suspend', 'guest')
    equal(guest.state(), 'paused')
    before = guest.ticks()
    time.sleep(2.5)
    equal(guest.ticks(), before)
    book.ok('resume', 'guest')
    equal(guest.state(), 'running')
    wait_until(lambda: guest.ticks() > before, 'it counts again')


@test()
def lifecycle__reboot_is_of_the_system_and_not_of_qemu(book):
    guest = Guest(book, 'guest', disk(book.image('a.img'), 'vda')).start()
    guest.wait_for('^tick 2$')
    book.ok('attach-device', '--live', 'guest',
            book.file('b.xml', disk(book.image('b.img'), 'vdb')))
    live, pid = guest.dumpxml('--live'), book.pid('guest')
    book.ok('reboot', 'guest')
    guest.wait_for('^power button')
    guest.wait_for('^READY')
    guest.wait_for('^tick 2$')
    equal(guest.state(), 'running')
    equal(book.pid('guest'), pid)
    equal(guest.dumpxml('--live'), live)
    book.ok('check', 'guest')


@test()
def lifecycle__destroy_ends_qemu_at_once(book):
    guest = Guest(book, 'guest').start()
    pid = book.pid('guest')
    guest.destroy()
    check(not alive(pid), 'QEMU goes on')
    equal(guest.state(), 'shut off')
    equal(book.dumpxml('guest', '--live'), book.dumpxml('guest'))


@test()
def lifecycle__in_the_wrong_state_is_refused(book):
    guest = Guest(book, 'guest')
    with book.unchanged():
        for command in ('shutdown', 'destroy', 'suspend', 'resume', 'reboot'):
            book.refuse(command, 'guest', code='refused', says='guest')
    guest.start()
    with book.unchanged():
        book.refuse('start', 'guest', code='refused', says='running')
        book.refuse('undefine', 'guest', code='refused', says='running')
        book.refuse('start', 'nobody', code='not-found', says='nobody')


@test()
def lifecycle__paused_start_waits_for_resume(book):
    guest = Guest(book, 'guest')
    book.ok('start', '--paused', 'guest')
    equal(guest.state(), 'paused')
    equal(guest.said(), '')
    book.ok('resume', 'guest')
    guest.wait_for('^READY')
    equal(guest.state(), 'running')


@test()
def lifecycle__guest_outlives_the_command_and_a_death_is_noticed(book):
    guest = Guest(book, 'guest').start()
    os.kill(book.pid('guest'), signal.SIGKILL)
    wait_until(lambda: not book.pids(), 'QEMU is gone')
    check(guest.state() in ('shut off', 'crashed'), guest.state())
    equal(book.json('list'), [])
    guest.start()


@test()
def lifecycle__poweroff_from_inside_is_noticed(book):
    guest = Guest(book, 'guest').start()
    with guest.qmp() as monitor:
        monitor.call('system_powerdown')
    wait_until(lambda: not book.pids(), 'QEMU has ended')
    equal(guest.state(), 'shut off')


@test()
def lifecycle__a_name_is_free_after_undefine_and_its_history_stays(book):
    book.define(domain('a'))
    uuid = parse(book.dumpxml('a')).find('uuid').text
    book.ok('undefine', 'a')
    equal(book.domains(), {})
    book.refuse('dumpxml', 'a', code='not-found', says='a')
    check(len(book.log(uuid)) == 2, book.log(uuid))
    book.define(domain('a'))
    check(parse(book.dumpxml('a')).find('uuid').text != uuid)
    book.verify()


@test()
def list__shows_running_ones_or_all(book):
    book.define(domain('off'))
    book.define(domain('on', disk(book.image('a.img'), 'vda')))
    book.ok('start', '--paused', 'on')
    equal([row['name'] for row in book.json('list')], ['on'])
    equal([row['name'] for row in book.json('list', '--all')], ['off', 'on'])
    text = book.ok('list', '--all').out
    contains(text, 'off', 'on', 'shut off', 'paused')
    check('\x1b' not in text, 'colours although it is no terminal')


@test()
def dumpxml__live_tells_facts_of_the_run(book):
    book.define(domain('vnc', "<graphics type='vnc' port='-1' autoport='yes'/>"))
    book.ok('start', '--paused', 'vnc')
    live = parse(book.dumpxml('vnc', '--live'))
    check(int(live.get('id')) > 0)
    check(int(live.find('devices/graphics').get('port')) >= 5900)
    for device in live.find('devices'):
        if device.tag not in ('emulator', 'graphics', 'audio'):
            check(device.find('alias') is not None, device.tag)
    record = parse(book.dumpxml('vnc'))
    check(record.get('id') is None and record.find('.//alias') is None)


SOCKET = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


@test(
    ('agent', 'pc', SOCKET),
    ('consoles', 'pc', "<console type='pty'/>",
     "<console type='pty'><target type='virtio'/></console>", SOCKET,
     "<console type='null'><target type='virtio'/></console>"),
    ('usb serial', 'pc', "<serial type='null'><target type='usb-serial'/></serial>"),
    ('bridge behind a later one', 'q35',
     "<controller type='pci' index='1' model='pcie-to-pci-bridge'/>",
     "<controller type='pci' index='2' model='pcie-root-port'/>"),
)
def start__is_no_change_of_the_machine(book, case):
    """What one run chooses (sockets, ports) is no version and no difference."""
    _, machine, *more = case
    book.define(domain('a', *more, machine=machine))
    for _ in range(2):
        book.ok('start', '--paused', 'a')
        equal(book.version('a'), 1)
        equal(book.ok('diff', 'a', '--live').out, '')
        book.ok('check', 'a')
        book.ok('destroy', 'a')


if __name__ == '__main__':
    main()
