#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""A guest that changes faster than it can be sent, and runs there before all of it is there."""

import contextlib
import os
import signal
import subprocess

from harness import EXIT, check, contains, equal, main, test, wait_until
from migration import Traveller, after, hosts, link, one_owner, settled

SLOW = ('--bandwidth', '4')


def begin(host, *options):
    return host.book.popen('--json', 'migrate', 'vm1', 'beta', '--postcopy', *SLOW, *options)


def comes_to_run(beta, process):
    """It runs there, and not all of it is there."""
    wait_until(lambda: beta.runs('vm1') or process.poll() is not None, 'it runs there', 120)
    equal(process.poll(), None, 'it is all there already')


def ends(process):
    out, err = process.communicate(timeout=120)
    equal(process.returncode, 0, out, err)
    return out


def half_there(alpha, beta):
    """A guest that runs on beta while a part of it is still here, and the command that sends it."""
    guest = Traveller(alpha, 'vm1', ticking='write=64').start()
    process = begin(alpha)
    comes_to_run(beta, process)
    return guest, process


@test()
def postcopy__is_only_done_when_asked_for(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='write=64').start()
        alpha.book.refuse('migrate', 'vm1', 'beta', *SLOW, '--timeout', '12',
                          code='refused', says=['within 12 s'])
        guest.goes_on()
        one_owner((alpha, beta), guest, alpha)


@test()
def postcopy__runs_there_and_fetches_the_rest(book):
    with hosts(book) as (alpha, beta):
        guest, process = half_there(alpha, beta)
        equal([job['operation'] for job in alpha.book.json('jobs')], ['migrate'])
        contains(ends(process), '"postcopy":true')
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)
        contains('\n'.join(beta.book.log('vm1')[0].get('trailers', [])) or
                 beta.book.git('log', '-1', '--format=%B', f'domains/{guest.uuid}').out,
                 'Migration-Postcopy: 1')


@test()
def postcopy__is_not_needed_by_one_that_stands_still(book):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1').start()
        guest.wait_for('^tick 1$')
        equal(alpha.book.json('migrate', 'vm1', 'beta', '--postcopy')['postcopy'], False)
        guest.at(beta).goes_on()
        one_owner((alpha, beta), guest, beta)


def whose_it_is(alpha, beta, guest):
    """All of it came, or QEMU heard nobody while it waited for a page: then it is to be ended."""
    wait_until(lambda: not alpha.book.json('jobs') or
               beta.book.run('destroy', 'vm1', timeout=150).rc == 0, 'it is at an end', 240)
    wait_until(lambda: settled((alpha, beta)), 'all is settled', 120)
    owner = beta if beta.has('vm1') else alpha
    one_owner((alpha, beta), guest, owner)
    return owner


def goes_on_or_starts(owner, guest):
    if owner.runs('vm1'):
        guest.at(owner).goes_on()
    else:
        owner.book.ok('start', 'vm1')


def ends_or_waits(alpha, beta, guest, process):
    """What QEMU lets be made anew is; otherwise the command says that a part is still here."""
    out, err = process.communicate(timeout=150)
    check(process.returncode in (0, EXIT['busy']), out, err)
    equal(whose_it_is(alpha, beta, guest), beta)
    goes_on_or_starts(beta, guest)


@test(timeout=600)
def postcopy__a_broken_connection_is_made_anew_or_ended(book):
    with hosts(book) as (alpha, beta), link(alpha, beta) as between:
        guest, process = half_there(alpha, beta)
        between.break_all()
        ends_or_waits(alpha, beta, guest, process)


@test(timeout=600)
def postcopy__the_command_is_killed_while_the_rest_goes(book):
    with hosts(book) as (alpha, beta):
        guest, process = half_there(alpha, beta)
        process.kill()
        process.communicate()
        equal(whose_it_is(alpha, beta, guest), beta)
        goes_on_or_starts(beta, guest)


@test(timeout=600)
def postcopy__the_daemon_there_is_killed(book):
    with hosts(book) as (alpha, beta):
        guest, process = half_there(alpha, beta)
        beta.kill()
        beta.listen()
        ends_or_waits(alpha, beta, guest, process)


@test('outgoing:switched')
def postcopy__the_command_dies_before_it_lets_go(book, point):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='write=64').start()
        result = alpha.book.run('migrate', 'vm1', 'beta', '--postcopy', *SLOW, timeout=120,
                                env={'DOMESDAY_CRASH_AT': point})
        equal(result.rc, -9, result)
        after((alpha, beta), guest, 'alpha')
        guest.goes_on()


@test('outgoing:released', timeout=600)
def postcopy__the_command_dies_when_it_has_let_go(book, point):
    with hosts(book) as (alpha, beta):
        guest = Traveller(alpha, 'vm1', ticking='write=64').start()
        result = alpha.book.run('migrate', 'vm1', 'beta', '--postcopy', *SLOW, timeout=120,
                                env={'DOMESDAY_CRASH_AT': point})
        equal(result.rc, -9, result)
        # it is lost where beta had not run it yet; whose it is then does not matter
        goes_on_or_starts(whose_it_is(alpha, beta, guest), guest)


@test('incoming:committed')
def postcopy__the_daemon_there_dies_when_it_has_decided(book, point):
    """Nothing has come yet: it is given back."""
    with hosts(book) as (alpha, beta):
        beta.stop()
        beta.listen(env={'DOMESDAY_CRASH_AT': point})
        guest = Traveller(alpha, 'vm1', ticking='write=64').start()
        process = begin(alpha)
        wait_until(lambda: beta.daemon.process.poll() is not None, 'the daemon is gone', 120)
        after_crash = process.communicate(timeout=120)
        check(process.returncode != 0, after_crash)
        after((alpha, beta), guest, 'alpha')
        guest.goes_on()


@test()
def postcopy__a_guest_that_loses_one_of_its_hosts_is_lost_and_its_record_is_not(book):
    with hosts(book) as (alpha, beta):
        guest, process = half_there(alpha, beta)
        for pid in beta.book.pids():
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=120)
        wait_until(lambda: not beta.runs('vm1'), 'it is known not to run', 30)
        one_owner((alpha, beta), guest, beta)
        guest.at(beta).start()


if __name__ == '__main__':
    main()
