#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""A domain moves from host to host, with its guest and all of its history."""

import base64
import contextlib
import glob
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import time

from definition import MAC, disk, domain, interface
from harness import EXIT, Skip, check, contains, equal, main, test, wait_until
from migration import (
    Host, Traveller, hosts, image_of_two_names, killed_at, one_owner, restart, settled, stopped,
    two_places)

# A device that only the source has; of the next start.
SOURCE_ONLY = (
    "<hostdev mode='subsystem' type='usb' managed='no'>"
    "<source><vendor id='0x1d6b'/><product id='0x0104'/></source></hostdev>")


@test()
def offline__goes_there_with_its_history_and_comes_back(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        alpha.book.ok('desc', 'vm1', 'one')
        alpha.book.ok('autostart', 'vm1')
        before = alpha.book.dumpxml('vm1')
        moved = alpha.book.json('migrate', 'vm1', 'beta')
        equal((moved['version'], moved['live']), (3, False))
        for words in (('domstate', 'vm1'), ('migrate', 'vm1', 'beta'), ('job-abort', 'vm1')):
            alpha.book.refuse(*words, code='not-found', says=["the host 'beta' has it"])
        equal(beta.book.dumpxml('vm1'), before)
        equal(beta.book.json('dominfo', 'vm1')['autostart'], True)
        contains(beta.book.ok('log', 'vm1').out, 'define vm1', 'set description', 'from alpha')
        beta.book.ok('desc', 'vm1', 'two')
        beta.book.ok('migrate', 'vm1', 'alpha')
        equal(alpha.book.json('dominfo', 'vm1')['version'], 5)
        equal(beta.has('vm1'), False)
        for host in (alpha, beta):
            host.book.ok('verify')
            equal(host.book.json('jobs'), [])


@test(('linux', None), ('busy', 'write=16'))
def live__the_guest_counts_on(book, case):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking=case[1]).start()
        guest.wait_for('^tick 2$')
        moved = alpha.book.json('migrate', 'vm1', 'beta')
        check(moved['sent_bytes'] > 1 << 18, moved)
        beta.book.ok('sync')
        contains(beta.book.git('show', f'domains/{guest.uuid}').out,
                 f"Migration-Sent-Bytes: {moved['sent_bytes']}")
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        beta.daemon.wait_for("the domain 'vm1' of 'alpha' is here now")
        said = beta.book.ok('show', 'vm1').out
        contains(said, 'From:    alpha\n')
        check(re.search(r'^Moved:   live, \d+ MiB in \d+\.\d\d s, stood still for \d+ ms$', said,
                        re.MULTILINE), said)
        beta.book.ok('migrate', 'vm1', 'alpha')
        guest.at(alpha).goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def live__a_cold_boot_there_uses_what_runs_there(book):
    """Not the source's persistent definition, with devices and places that are only there."""
    with hosts(book) as (alpha, beta):
        here, there = image_of_two_names(book)
        image = os.path.join(here, 'disk')
        guest = Traveller(alpha, 'vm1', disk(image, 'vda'), ticking=None,
                          vcpu="<vcpu cpuset='0'>1</vcpu>")
        guest.start().wait_for('^tick 1$')
        alpha.book.ok('attach-device', '--config', 'vm1', '-', stdin=SOURCE_ONLY)
        alpha.book.ok('migrate', 'vm1', 'beta', '--map', f'path:{here}/={there}/')
        guest.at(beta).goes_on()
        for xml in (beta.book.dumpxml('vm1'), beta.book.dumpxml('vm1', '--live')):
            contains(xml, os.path.join(there, 'disk'))
            check(image not in xml and 'hostdev' not in xml, xml)
        guest.destroy()
        guest.start()
        one_owner((alpha, beta), guest, beta)


@test()
def live__a_socket_that_nobody_named_is_recorded_as_before(book):
    """In QEMU it has a path, of that run; who has changed nothing is not warned of changes."""
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain(
            'vm1', "<serial type='unix'><source mode='bind'/></serial>",
            "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>",
            ticking=''))
        alpha.book.ok('start', 'vm1')
        before = alpha.book.dumpxml('vm1')
        equal(alpha.book.ok('diff', 'vm1', '--pending').out, '')
        moved = alpha.book.ok('migrate', 'vm1', 'beta')
        check('next start' not in moved.err, moved)
        equal(beta.book.dumpxml('vm1'), before)
        beta.book.ok('validate', '-', stdin=beta.book.dumpxml('vm1'))


@test()
def live__what_it_starts_with_next_may_be_said(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', memory=128).start()
        guest.wait_for('^tick 1$')
        later = alpha.book.dumpxml('vm1').replace('<title>', '<title>').replace(
            '</name>', '</name><title>on beta</title>')
        alpha.book.ok('migrate', 'vm1', 'beta', '--persistent-xml', '-', stdin=later)
        contains(beta.book.dumpxml('vm1'), '<title>on beta</title>')
        check('on beta' not in beta.book.dumpxml('vm1', '--live'))


@test()
def live__a_guest_may_not_see_a_difference(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', interface()).start()
        guest.wait_for('^tick 1$')
        other = alpha.book.dumpxml('vm1').replace(MAC, '52:54:00:00:00:99')
        alpha.book.refuse('migrate', 'vm1', 'beta', '--xml', '-', stdin=other,
                          code='refused', says=['has seen interface'])
        other = alpha.book.dumpxml('vm1').replace('>131072<', '>262144<')
        alpha.book.refuse('migrate', 'vm1', 'beta', '--xml', '-', stdin=other, code='refused',
                          says=['/domain/memory: ', "beta: the guest would see '262144'"])
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def migrate__stands_still_as_long_as_it_says(book):
    """What --timeout-suspend stops is not said to have run until the end."""
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=16').start()
        guest.wait_for('^tick 1$')
        said = alpha.book.json('migrate', 'vm1', 'beta', '--bandwidth', '4', '--timeout', '1',
                               '--timeout-suspend')
        still = said['downtime_ms']
        check(said['total_ms'] - 2500 < still < said['total_ms'] - 900 and still > 1000, said)
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)


@test()
def migrate__who_waited_for_it_hears_where_it_is(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=8').start()
        guest.wait_for('^tick 1$')
        moving = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '2')
        wait_until(lambda: alpha.book.json('jobs'), 'it is under way')
        for name in ('vm1', guest.uuid):
            alpha.book.refuse('desc', name, 'too late', code='not-found', says=[
                "the host 'beta' has it", f'domesday log {guest.uuid}'])
        equal(moving.wait(60), 0)
        moving.communicate()
        guest.at(beta).goes_on()


@test()
def migrate__a_name_for_a_version_is_not_lost(book):
    """Who gives one meanwhile is told that it is too late, and where it can be given."""
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=8').start()
        guest.wait_for('^tick 1$')
        alpha.book.ok('tag', 'vm1@1', 'first')
        moving = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '4')
        wait_until(lambda: beta.alive(guest.uuid), 'it is under way')
        for words in (('vm1@1', 'second'), ('--delete', 'vm1', 'first')):
            alpha.book.refuse('tag', *words, code=None, says=["the host 'beta'"])
        equal(moving.wait(60), 0)
        moving.communicate()
        alpha.book.refuse('tag', guest.uuid, 'late', code='refused', says=["the host 'beta'"])
        equal([tag['label'] for tag in beta.book.json('tag', 'vm1')], ['first'])
        beta.book.ok('tag', 'vm1@1', 'second')
        beta.book.ok('migrate', 'vm1', 'alpha')
        alpha.book.ok('tag', 'vm1', 'third')
        equal([tag['label'] for tag in alpha.book.json('tag', 'vm1')], ['first', 'second', 'third'])


@test()
def restore__of_a_backup_says_what_has_moved_since(book):
    with hosts(book) as (alpha, beta):
        saved = os.path.join(book.folder, 'saved.tar')
        alpha.book.define(domain('vm1'))
        alpha.book.ok('backup', saved)
        alpha.book.ok('migrate', 'vm1', 'beta')
        restored = book.another('restored', host='alpha')
        said = restored.ok('restore', saved).err
        contains(said, "the host 'beta' has 'vm1' now")
        check('first-on-alpha' not in said, said)
        beta.stop()
        again = book.another('again', host='alpha')
        contains(again.ok('restore', saved).err, "the host 'beta' does not say what it owns")


@test()
def restore__does_not_wait_for_one_peer_after_the_other(book):
    """Of those that are down: somebody takes the call, and says nothing."""
    called, over = [], []

    def take_call(server):
        with server.accept()[0] as connection:
            called.append(time.monotonic())
            while connection.recv(4096):
                pass
            over.append(time.monotonic())

    with contextlib.ExitStack() as stack:
        alpha = Host(book, 'alpha')
        calls = []
        for number in range(4):
            silent = stack.enter_context(socket.create_server(('127.0.0.1', 0)))
            key = b'\0\0\0\x0bssh-ed25519\0\0\0 ' + bytes([number + 1]) * 32
            alpha.book.ok('peer', 'add', f'down{number}', f'127.0.0.1:{silent.getsockname()[1]}',
                          'ssh-ed25519 ' + base64.b64encode(key).decode())
            calls.append(threading.Thread(target=take_call, args=(silent,), daemon=True))
        saved = os.path.join(book.folder, 'saved.tar')
        alpha.book.ok('backup', saved)
        for call in calls:
            call.start()
        done = book.another('restored', host='alpha').ok('restore', saved)
        contains(done.err, *(f"the host 'down{number}' does not say" for number in range(4)))
        for call in calls:
            call.join(10)
        check(len(over) == 4 and max(called) < min(over), 'one after the other', called, over)


@test('--offline', '--dry-run')
def migrate__what_only_a_guest_could_have_is_named(book, how):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        said = alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run', '--copy-storage',
                             '--bandwidth', '9', '--timeout', '9').err
        check('no difference' not in said, said)
        said = alpha.book.ok('migrate', 'vm1', 'beta', how, '--paused', '--timeout', '9',
                             '--timeout-suspend', '--bandwidth', '9', '--transport', 'tls').err
        contains(said, "'vm1' does not run, and so this makes no difference: "
                 '--paused, --transport tls, --bandwidth, --timeout-suspend\n')
        equal(beta.has('vm1'), how == '--offline')


@test('--offline', '--dry-run')
def migrate__to_the_host_itself_says_so(book, how):
    with hosts(book) as (alpha, _):
        alpha.book.define(domain('vm1'))
        alpha.book.refuse('migrate', 'vm1', 'alpha', how, code='not-found', says=[
            "'alpha' is this host itself", '--local'])


@test()
def migrate__a_definition_is_named_as_it_was_given(book):
    with hosts(book) as (alpha, _):
        alpha.book.define(domain('vm1'))
        for option in ('--xml', '--persistent-xml'):
            alpha.book.refuse('migrate', 'vm1', 'beta', option, '-', stdin='', code='invalid',
                              says=f'beta: {option}: there is no XML')
        alpha.book.refuse('migrate', 'vm1', 'beta', '--xml', '-', '--persistent-xml', '-',
                          stdin=alpha.book.dumpxml('vm1'), code='usage', says='read once')


@test()
def migrate__gives_it_another_name(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        beta.book.define(domain('vm1'))
        alpha.book.refuse('migrate', 'vm1', 'beta', code='exists', says=['--dname'])
        contains(alpha.book.ok('migrate', 'vm1', 'beta', '--dname', 'vm2').err,
                 "vm1 is the host beta's now as vm2, with version 2")
        check(beta.has('vm2') and not alpha.has('vm1'))


def kept(host, name, owner):
    """A host lists what is another's."""
    row = host.book.domains()[name]
    equal((row['state'], row['owner'], row['autostart']), ('shut off', owner, False))
    host.book.refuse('start', name, code='refused', says=f"owned by the host '{owner}' now")
    host.book.refuse('desc', name, 'mine', code='refused', says=f"owned by the host '{owner}' now")
    host.book.ok('verify')


@test('shut off', 'running')
def keep__the_source_lists_it_as_the_others(book, state):
    live = state == 'running'
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1')
        alpha.book.ok('autostart', 'vm1')
        if live:
            guest.start().wait_for('^tick 1$')
        moved = alpha.book.json('migrate', 'vm1', 'beta', '--keep')
        equal((moved['kept'], moved['live']), (True, live))
        kept(alpha, 'vm1', 'beta')
        check(not alpha.alive(guest.uuid))
        equal(alpha.book.dumpxml('vm1'), beta.book.dumpxml('vm1'))
        contains(alpha.book.ok('list', '--all').out, 'shut off, owned by beta')
        alpha.book.refuse('migrate', 'vm1', 'beta', code='refused', says='owned by')
        beta.book.ok('desc', 'vm1', '--title', 'there')
        alpha.book.ok('reindex')
        kept(alpha, 'vm1', 'beta')
        # what it was is out of date as soon as it is back
        equal(beta.book.json('migrate', 'vm1', 'alpha')['kept'], False)
        contains(alpha.book.dumpxml('vm1'), '<title>there</title>')
        equal(alpha.book.domains()['vm1']['owner'], None)
        if live:
            guest.at(alpha).goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def keep__what_is_listed_can_be_forgotten(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        uuid = alpha.book.domains()['vm1']['uuid']
        contains(alpha.book.ok('migrate', 'vm1', 'beta', '--keep').err,
                 'it is listed here, too, off, until it is undefined here')
        before = alpha.book.json('log', 'vm1')
        alpha.book.ok('undefine', 'vm1')
        check(not alpha.has('vm1') and beta.has('vm1'))
        equal(alpha.book.json('log', uuid), before)
        alpha.book.define(domain('vm1'))  # the name is free
        beta.book.refuse('migrate', 'vm1', 'alpha', code='exists', says='--dname')
        beta.book.ok('migrate', 'vm1', 'alpha', '--dname', 'vm2')
        for host in (alpha, beta):
            host.book.ok('verify')


@test()
def keep__under_the_name_that_it_has_there(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        alpha.book.define(domain('other'))
        words = ('migrate', 'vm1', 'beta', '--keep', '--dname')
        for more in ((), ('--dry-run',)):
            alpha.book.refuse(*words, 'other', *more, code='exists', says=[
                "this host has another domain 'other'", 'leave out --keep'])
        contains(alpha.book.ok(*words, 'vm2', '--dry-run').out,
                 "this host would list it still, off and as beta's")
        alpha.book.refuse('migrate', 'vm1', '--local', '--keep', code='invalid',
                          says='a domain that stays listed')
        # whoever takes that name at the last moment has it
        process = alpha.book.popen(*words, 'vm2', env={'DOMESDAY_HOLD_AT': 'outgoing:gone'})
        wait_until(lambda: stopped(process), 'it waits')
        alpha.book.define(domain('vm2'))
        process.send_signal(signal.SIGCONT)
        contains(process.communicate(timeout=60)[1], 'it is not listed here')
        check(beta.has('vm2') and not alpha.has('vm1'))
        alpha.book.refuse('dumpxml', 'vm1', code='not-found')
        for host in (alpha, beta):
            host.book.ok('verify')


@test('outgoing:switched', 'outgoing:gone', 'outgoing:given')
def keep__whoever_settles_it_knows(book, point):
    with hosts(book) as both:
        alpha, beta = both
        alpha.book.define(domain('vm1'))
        killed_at(both, point, 'source', 'migrate', 'vm1', 'beta', '--keep')
        restart(alpha)
        wait_until(lambda: settled(both), 'all is settled', 60)
        where = 'alpha' if point == 'outgoing:switched' else 'beta'
        if where == 'beta':
            kept(alpha, 'vm1', 'beta')
        equal(alpha.book.domains()['vm1']['owner'], None if where == 'alpha' else 'beta')
        equal(beta.has('vm1'), where == 'beta')


@test('--xml', '--persistent-xml')
def migrate__a_definition_may_have_the_name_that_it_gets(book, option):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('still'))
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        for name, say in (('still', "is the host beta's now"), ('vm1', 'runs on beta')):
            given = alpha.book.dumpxml(name).replace(
                f'<name>{name}</name>', f'<name>new-{name}</name><title>there</title>')
            words = ('migrate', name, 'beta', option, '-')
            alpha.book.refuse(*words, stdin=given, code='invalid', says=f'--dname new-{name}')
            alpha.book.refuse(*words, '--dname', 'third', stdin=given, code='invalid')
            done = alpha.book.ok(*words, '--dname', f'new-{name}', stdin=given)
            contains(done.err, f'{name} {say} as new-{name}')
            contains(beta.book.dumpxml(f'new-{name}'), '<title>there</title>')
        guest.name = 'new-vm1'
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)


@test()
def migrate__a_paused_guest_stays_paused_and_another_may_be(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        alpha.book.ok('suspend', 'vm1')
        contains(alpha.book.ok('migrate', 'vm1', 'beta').err, 'vm1 is paused on beta')
        equal(beta.book.ok('domstate', 'vm1').out.strip(), 'paused')
        beta.book.ok('resume', 'vm1')
        guest.at(beta).goes_on()
        equal(beta.book.json('migrate', 'vm1', 'alpha', '--paused')['paused'], True)
        equal(alpha.book.ok('domstate', 'vm1').out.strip(), 'paused')
        alpha.book.ok('resume', 'vm1')
        guest.at(alpha).goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def migrate__is_called_off(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 1$')
        for call_off in (lambda process: alpha.book.ok('job-abort', 'vm1'),
                         lambda process: process.send_signal(signal.SIGINT),
                         lambda process: process.send_signal(signal.SIGHUP)):
            process = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '4')
            wait_until(lambda: beta.alive(guest.uuid), 'it is under way', 20)
            time.sleep(1)
            job = alpha.book.json('jobs')[0]
            equal((job['operation'], job['domain']), ('migrate', 'vm1'))
            call_off(process)
            out, err = process.communicate(timeout=30)
            equal(process.returncode, EXIT['refused'], out, err)
            contains(err, 'called off')
            guest.goes_on()
            one_owner((alpha, beta), guest, alpha)
        alpha.book.refuse('job-abort', 'vm1', code='not-found', says=['no migration'])


@test()
def jobs__tell_how_far_it_is(book):
    """To others than who drives it; and not once nobody does any more."""
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 1$')
        process = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '4')

        def told():
            return [job['progress'] for job in alpha.book.json('jobs') if job['progress']]

        wait_until(lambda: told() and told()[0]['total'], 'it is told', 20)
        first = told()[0]
        wait_until(lambda: told()[0]['remaining'] < first['remaining'], 'it goes on', 20)
        equal((first['phase'], first['transport']), ('copy', 'relay'))
        check(0 < first['remaining'] <= first['total'], first)
        job, = alpha.book.json('jobs')
        equal((job['direction'], job['peer']), ('to', 'beta'))
        line = alpha.book.ok('jobs').out
        check(re.search(r'migrate to beta .* copy +\d+ %  \d+ of \d+ MiB left', line), line)
        job, = beta.book.json('jobs')
        equal((job['direction'], job['peer'], job['progress']), ('from', 'alpha', None))
        contains(beta.book.ok('jobs').out, 'migrate from alpha')
        alpha.stop()  # which would settle it
        process.kill()
        process.communicate()
        job, = alpha.book.json('jobs')
        equal((job['peer'], job['pid'], job['progress']), ('beta', None, None))
        alpha.listen()
        wait_until(lambda: settled((alpha, beta)), 'it is settled', 60)
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)
        check(not glob.glob(f'{alpha.book.path}/run/*/progress'))


@test()
def migrate__does_not_go_to_a_peer_that_is_revoked_meanwhile(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 1$')
        process = alpha.book.popen('migrate', 'vm1', 'beta', '--bandwidth', '4')
        wait_until(lambda: beta.alive(guest.uuid), 'it is under way', 20)
        job, = beta.book.json('jobs')
        equal((job['domain'], job['uuid']), ('vm1', guest.uuid))
        for name in ('vm1', guest.uuid):
            beta.book.refuse('job-abort', name, code='refused',
                             says=["comes from the host 'alpha'", 'call it off there'])
        alpha.book.ok('peer', 'revoke', 'beta', '--reason', 'it was stolen')
        out, err = process.communicate(timeout=30)
        equal(process.returncode, EXIT['refused'], out, err)
        contains(err, 'called off')
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def migrate__tells_on_a_narrow_terminal_how_far_it_is(book):
    """In one line, which is drawn over; and nohup keeps it from a terminal that is closed."""
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=16').start()
        guest.wait_for('^tick 1$')
        words = shlex.join(alpha.book.command('migrate', 'vm1', 'beta', '--bandwidth', '8'))
        shown = subprocess.run(['script', '-qec', f'stty cols 33; {words}', '/dev/null'],
                               capture_output=True, text=True, timeout=60, check=False)
        lines = re.findall(r'\033\[K([^\r\n]*)', shown.stdout)
        contains(shown.stdout, 'copy', ' %', ' MiB left', 'vm1 runs on beta')
        check(all(len(line) < 33 for line in lines[:-1]), lines)
        guest.at(beta)
        process = subprocess.Popen(
            ['nohup', *beta.book.command('migrate', 'vm1', 'alpha', '--bandwidth', '8')],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_until(lambda: alpha.alive(guest.uuid), 'it is under way')
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=60)
        equal(process.returncode, 0, out)
        guest.at(alpha).goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def migrate__takes_no_longer_than_it_may(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='fill=32').start()
        guest.wait_for('^tick 1$')
        alpha.book.refuse('migrate', 'vm1', 'beta', '--bandwidth', '1', '--timeout', '3',
                          code='refused', says=['within 3 s'])
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def migrate__brings_the_passwords(book):
    with hosts(book) as (alpha, beta):
        screen = "<graphics type='vnc' port='-1' autoport='yes' passwd='geheim1'/>"
        guest = Traveller(alpha, 'vm1', screen).start()
        guest.wait_for('^tick 1$')
        alpha.book.ok('migrate', 'vm1', 'beta')
        contains(beta.book.dumpxml('vm1', '--security-info'), "passwd='geheim1'")
        guest.at(beta).destroy()
        guest.start()
        beta.book.ok('migrate', 'vm1', 'alpha')
        contains(alpha.book.dumpxml('vm1', '--security-info'), "passwd='geheim1'")
        guest.at(alpha).destroy()
        guest.start()


@test()
def migrate__brings_the_passwords_of_earlier_versions(book):
    """Whoever goes back there finds what was recorded here."""
    with hosts(book) as (alpha, beta):
        screen = "<graphics type='vnc' port='-1' autoport='yes' passwd='{}'/>"
        alpha.book.define(domain('vm1', screen.format('geheim1')))
        alpha.book.ok('update-device', '--config', 'vm1', '-', stdin=screen.format('geheim2'))
        alpha.book.ok('migrate', 'vm1', 'beta')
        contains(beta.book.dumpxml('vm1', '--security-info'), "passwd='geheim2'")
        beta.book.ok('rollback', 'vm1', 1)
        contains(beta.book.dumpxml('vm1', '--security-info'), "passwd='geheim1'")
        beta.book.ok('migrate', 'vm1', 'alpha')
        alpha.book.ok('rollback', 'vm1', 2)
        contains(alpha.book.dumpxml('vm1', '--security-info'), "passwd='geheim2'")


@test()
def migrate__is_resolved_for_a_host_that_is_gone(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        result = alpha.book.run('migrate', 'vm1', 'beta',
                                env={'DOMESDAY_CRASH_AT': 'outgoing:switched'})
        equal(result.rc, -9)
        beta.kill()
        for pid in beta.book.pids():
            os.kill(pid, signal.SIGKILL)
        alpha.book.refuse('desc', 'vm1', 'x', code='busy', says=['beta', '--resolve'])
        alpha.book.refuse('migrate', '--resolve', 'here', 'vm1', code='refused', says=['why'])
        for option in ('--dry-run', '--local', '--copy-storage'):
            alpha.book.refuse('migrate', '--resolve', 'there', 'vm1', option, '--reason', 'look',
                              code='usage', says=[option], lines=None)
        alpha.book.ok('migrate', '--resolve', 'here', 'vm1', '--reason', 'beta burnt down')
        guest.goes_on()
        newest = alpha.book.log('vm1')[0]
        equal(newest['reason'], 'beta burnt down')
        alpha.book.ok('verify')


@test()
def map__to_a_bridge_that_is_there(book):
    """One that is not is said before, and no part of a name is taken for it."""
    there = 'bridge-of-beta0'  # as long as the kernel allows
    with two_places() as places, hosts(book, places=places) as (alpha, beta):
        look = [*places[0].around, 'test', '-w', '/dev/net/tun']
        if subprocess.run(look, check=False).returncode:
            raise Skip('there is no /dev/net/tun')
        for place, bridge in zip(places, ('br0', there)):
            place.ip('link', 'add', bridge, 'type', 'bridge')
        guest = Traveller(alpha, 'vm1', "<interface type='bridge'><source bridge='br0'/>"
                          "<model type='virtio'/></interface>").start()
        guest.wait_for('^tick 1$')
        for more in ((), ('--dry-run',)):
            alpha.book.refuse('migrate', 'vm1', 'beta', *more, code='not-found', says=[
                "beta: there is no bridge 'br0'", '--map bridge:FROM=TO'])
            alpha.book.refuse('migrate', 'vm1', 'beta', *more, '--map', f'bridge:br0={there}1',
                              code='not-found', says=f"there is no bridge '{there}1'")
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)
        alpha.book.ok('migrate', 'vm1', 'beta', '--map', f'bridge:br0={there}')
        contains(beta.book.dumpxml('vm1'), f"<source bridge='{there}'/>")
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)


@test('map', 'xml', 'hook')
def map__to_a_qemu_that_is_elsewhere(book, how):
    """The source's own path leads to none there, and what is there need not be at the source."""
    here, there = (os.path.join(book.folder, name) for name in ('qemu-here', 'qemu-there'))
    with hosts(book) as (alpha, beta):
        os.symlink('/usr/bin/qemu-system-x86_64', here)
        guest = Traveller(alpha, 'vm1', ticking='', emulator=here).start()
        guest.wait_for('^tick 1$')
        os.rename(here, there)
        alpha.book.refuse('migrate', 'vm1', 'beta', code='not-found',
                          says=f'beta: there is no QEMU at {here}')
        more = {'map': ('--map', f'path:{here}={there}'), 'xml': ('--xml', '-'), 'hook': ()}[how]
        xml = alpha.book.dumpxml('vm1').replace(here, there)
        if how == 'hook':
            hook = book.file('hook', f'#!/bin/sh\nsed s,{here},{there},\n')
            os.chmod(hook, 0o700)
            beta.book.ok('config', 'migrate-hook', hook)
        else:
            alpha.book.ok('migrate', 'vm1', 'beta', '--dry-run', *more, stdin=xml)
        alpha.book.ok('migrate', 'vm1', 'beta', *more, stdin=xml)
        contains(beta.book.dumpxml('vm1'), f'<emulator>{there}</emulator>')
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)


@test()
def coming__nobody_takes_its_name_meanwhile(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        alpha.book.define(domain('vm2'))
        beta.book.define(domain('old'))
        process = alpha.book.popen('migrate', 'vm1', 'beta', '--dname', 'new',
                                   env={'DOMESDAY_HOLD_AT': 'outgoing:switched'})
        wait_until(lambda: stopped(process), 'it waits')
        xml = beta.book.file('new.xml', domain('new'))
        for host, words in ((beta, ('define', xml)), (beta, ('import', xml)),
                            (beta, ('rename', 'old', 'new')),
                            (alpha, ('migrate', 'vm2', 'beta', '--dname', 'new')),
                            (alpha, ('migrate', 'vm2', 'beta', '--dname', 'new', '--dry-run'))):
            result = host.book.run(*words)
            check(result.rc != 0, result)
            contains(result.out + result.err, "comes here just now, and is called 'new'")
        beta.book.define(domain('vm1'))
        process.send_signal(signal.SIGCONT)
        equal(process.wait(60), 0, process.stderr.read())
        equal(sorted(beta.book.domains()), ['first-on-beta', 'new', 'old', 'vm1'])
        alpha.book.ok('migrate', 'vm2', 'beta')
        for host in (alpha, beta):
            equal(host.book.json('jobs'), [])
            host.book.ok('verify')


@test()
def migrate__refuses_what_cannot_be(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        alpha.book.refuse('migrate', 'vm1', code='usage', says=['PEER'])
        alpha.book.refuse('migrate', 'vm1', 'gamma', code='not-found', says=['gamma'])
        alpha.book.refuse('migrate', 'vm1', 'beta', '--live', code='refused', says=['not running'])
        alpha.book.refuse('migrate', 'vm1', 'beta', '--map', 'bridge:br0=br1', code='invalid',
                          says=['bridge:br0=br1'])
        alpha.book.refuse('migrate', 'vm1', 'beta', '--map', 'colour:a=b', code='invalid',
                          says=['colour'])
        alpha.book.refuse('migrate', 'vm1', 'beta', '--xml', '-', stdin=domain('vm2'),
                          code='invalid', says=["'vm2', and not of 'vm1'", '--dname vm2'])
        alpha.book.ok('peer', 'revoke', 'beta')
        alpha.book.refuse('migrate', 'vm1', 'beta', code='refused',
                          says=["'beta' is revoked", 'domesday peer add beta '])
        beta.book.refuse('migrate', 'first-on-beta', 'alpha', code='refused', says=['revoked'])
        check(alpha.has('vm1') and beta.has('first-on-beta'))


if __name__ == '__main__':
    main()
