#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""A program of the destination's operator has a say in what comes."""

import os
import signal
import time

from definition import disk, domain, interface
from harness import check, contains, equal, main, test, wait_until
from migration import Traveller, hosts, image_of_two_names, one_owner, settled


def hook(host, text, name='hook'):
    path = host.book.file(name, '#!/bin/sh\n' + text)
    os.chmod(path, 0o755)
    host.book.ok('config', 'migrate-hook', path)
    return path


@test()
def hook__says_what_the_guest_has_here(book):
    with hosts(book) as (alpha, beta):
        here, there = image_of_two_names(book)
        image = os.path.join(here, 'disk')
        seen = os.path.join(book.folder, 'seen')
        hook(beta, f'echo "$@" > {seen}; env | sort >> {seen}\nsed "s,{here}/,{there}/,"\n')
        guest = Traveller(alpha, 'vm1', disk(image, 'vda')).start()
        guest.wait_for('^tick 1$')
        alpha.book.ok('migrate', 'vm1', 'beta')
        guest.at(beta).goes_on()
        for xml in (beta.book.dumpxml('vm1'), beta.book.dumpxml('vm1', '--live')):
            contains(xml, os.path.join(there, 'disk'))
            check(image not in xml, xml)
        with open(seen, encoding='utf-8') as stream:
            words, *environment = stream.read().splitlines()
        equal(words, f'vm1 {guest.uuid} alpha live')
        equal([line for line in environment if not line.startswith(('PATH=', 'PWD=', '_='))],
              ['LC_ALL=C'])
        guest.destroy()
        guest.start()
        one_owner((alpha, beta), guest, beta)


@test()
def hook__says_what_an_offline_domain_is_here(book):
    with hosts(book) as (alpha, beta):
        hook(beta, 'test "$4" = offline || exit 1\n'
                   'sed "s,<memory.*/memory>,<title>on $1</title>&,"\n')
        alpha.book.define(domain('vm1'))
        alpha.book.ok('migrate', 'vm1', 'beta')
        contains(beta.book.dumpxml('vm1'), '<title>on vm1</title>')
        beta.book.ok('verify')


@test()
def hook__that_says_nothing_changes_nothing(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        before = alpha.book.dumpxml('vm1')
        hook(beta, 'echo\n')
        alpha.book.ok('migrate', 'vm1', 'beta')
        equal(beta.book.dumpxml('vm1'), before)


@test()
def hook__refuses(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', interface()).start()
        guest.wait_for('^tick 1$')
        for text, code, says in (
                ('echo "no room for $1" >&2; echo "<domain/>"; exit 4\n', 'refused',
                 ['beta', 'migrate-hook', 'status 4: no room for vm1']),
                ('kill -9 $$\n', 'refused', ['ended with signal 9']),
                ('yes | head -c 9000000\n', 'refused', ['says more than']),
                ('sed s/52:54:00/52:54:01/\n', 'refused', ['has seen interface']),
                ('echo "<domain><name>vm1"\n', 'invalid', ['migrate-hook of beta']),
                ('sed s/vm1/vm2/\n', None, ['migrate-hook of beta']),
                ('printf "a\\0b"\n', 'refused', ['no text'])):
            hook(beta, text)
            alpha.book.refuse('migrate', 'vm1', 'beta', code=code, says=says)
            one_owner((alpha, beta), guest, alpha)
        guest.goes_on()
        beta.book.ok('config', 'migrate-hook', '')
        alpha.book.ok('migrate', 'vm1', 'beta')
        guest.at(beta).goes_on()


@test('job-abort', 'signal')
def hook__that_thinks_it_over_keeps_nobody_who_calls_it_off(book, how):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        began = os.path.join(book.folder, 'began')
        hook(beta, f"touch '{began}'; sleep 12")
        process = alpha.book.popen('migrate', 'vm1', 'beta')
        wait_until(lambda: os.path.exists(began), 'it is asked')
        called = time.monotonic()
        if how == 'signal':
            process.send_signal(signal.SIGINT)
        else:
            alpha.book.ok('job-abort', 'vm1')
        contains(process.communicate(timeout=60)[1], 'the migration was called off')
        check(time.monotonic() - called < 6, 'it took too long')
        guest.goes_on()
        wait_until(lambda: settled((alpha, beta)), 'all is settled', 60)
        one_owner((alpha, beta), guest, alpha)


@test('live', 'offline')
def hook__that_thinks_it_over_has_no_more_time_than_all_of_it(book, how):
    with hosts(book) as (alpha, beta):
        hook(beta, 'sleep 12')
        guest = Traveller(alpha, 'vm1')
        if how == 'live':
            guest.start().wait_for('^tick 1$')
        refused = alpha.book.refuse('migrate', 'vm1', 'beta', '--timeout', '2', code='refused',
                                    says=['not done within 2 s'])
        check(refused.seconds < 8, refused.seconds)
        wait_until(lambda: settled((alpha, beta)), 'all is settled', 60)
        if how == 'live':
            guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def hook__is_not_run_by_a_dry_run(book):
    with hosts(book) as (alpha, beta):
        alpha.book.define(domain('vm1'))
        path = hook(beta, 'touch "$0.ran"; exit 1\n')
        contains(alpha.book.ok('migrate', '--dry-run', 'vm1', 'beta').out,
                 'the migrate-hook of beta may change that')
        equal(alpha.book.json('migrate', '--dry-run', 'vm1', 'beta')['hook'], True)
        check(not os.path.exists(path + '.ran'), 'it was run')
        beta.book.ok('config', 'migrate-hook', '')
        equal(alpha.book.json('migrate', '--dry-run', 'vm1', 'beta')['hook'], False)


@test()
def hook__that_could_mend_what_is_refused_is_named(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', interface()).start()
        guest.wait_for('^tick 1$')
        plain = alpha.book.dumpxml('vm1')
        other = plain.replace("<interface type='user'>",
                              "<interface type='bridge'><source bridge='absent0'/>")
        words = ('migrate', 'vm1', 'beta', '--xml', '-')
        said = alpha.book.refuse(*words, '--dry-run', stdin=other, says="'absent0'", lines=None)
        check('hook' not in said.err, said)
        hook(beta, f"cat > /dev/null; cat <<'END'\n{plain}\nEND\n")
        alpha.book.refuse(*words, '--dry-run', stdin=other, lines=None,
                          says=["'absent0'", 'the migrate-hook there may change that'])
        alpha.book.ok(*words, stdin=other)
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)


if __name__ == '__main__':
    main()
