#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Spin goes through every state of migrate/model/migration.pml, and finds what is wrong on purpose.

DOMESDAY_MODEL_CRASHES=2 lets daemons die twice in a run (fifteen million states, a minute, a GiB).
"""

import os
import re
import shutil
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, 'style'))

from tap import SOURCE, Skip, output, run  # noqa: E402  pylint: disable=wrong-import-position

MODEL = os.path.join(SOURCE, 'migrate', 'model', 'migration.pml')
CRASHES = os.environ.get('DOMESDAY_MODEL_CRASHES', '1')


def search(*flags):
    """What spin's verifier says of the model with these flags."""
    for tool in ('spin', 'gcc'):
        if not shutil.which(tool):
            raise Skip(f'there is no {tool}')
    with tempfile.TemporaryDirectory() as folder:
        preprocessor = ' '.join(('gcc -std=gnu99 -E -x c', f'-I{SOURCE}', *flags))
        for command in (('spin', f'-P{preprocessor}', '-a', MODEL),
                        ('gcc', '-O2', '-DSAFETY', '-DCOLLAPSE', '-o', 'pan', 'pan.c'),
                        ('./pan', '-m10000')):
            said, good = output(*command, cwd=folder)
            if not good:
                raise RuntimeError(f'{command}: {said}')
    return said


def proved(said):
    """Complaints about a search that is to have found nothing, anywhere."""
    states = re.search(r'(\d+) states, stored', said)
    if 'errors: 0' not in said or not states or 'not completed' in said or 'too small' in said:
        return said.splitlines()
    print(f'# {int(states[1]):,} states')
    return []


def violated(said, what):
    """Complaints about one that is to have found this."""
    found = re.search(r'assertion violated +!\(?(\w+)', said)
    if not found or found[1] != what:
        return said.splitlines()
    return []


def one_owner_and_one_guest_live():
    """of a running guest there is never a second copy, or owner, and all is settled in the end"""
    return proved(search(f'-DCRASHES={CRASHES}'))


def one_owner_offline():
    """a guest that is off has one owner, and all is settled in the end"""
    return proved(search('-DOFFLINE', f'-DCRASHES={CRASHES}'))


def a_decision_at_confirm_makes_two_owners():
    """where the confirmation decides, spin finds two owners"""
    return violated(search('-DDECIDE_AT_CONFIRM'), 'two_owners')


def a_source_that_does_not_ask_makes_two_owners():
    """where a source ends a migration without knowing, spin finds two owners"""
    return violated(search('-DOFFLINE', '-DGIVE_UP_BLINDLY'), 'two_owners')


if __name__ == '__main__':
    run(one_owner_and_one_guest_live, one_owner_offline, a_decision_at_confirm_makes_two_owners,
        a_source_that_does_not_ask_makes_two_owners)
