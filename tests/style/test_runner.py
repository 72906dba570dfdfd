#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/run notices whatever can go wrong with a test program."""

import os
import shutil
import tempfile

from tap import SOURCE, output, run

# What a test program does, and how many passed, failed and were skipped in it.
PROGRAMS = {
    'good': ('echo 1..2; echo ok 1 - a; echo ok 2 - b', (2, 0, 0)),
    'bad': ('echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1', (1, 1, 0)),
    'skips': ('echo 1..2; echo ok 1 - a "# SKIP why"; echo not ok 2 "# SKIP b"', (0, 0, 2)),
    'skips_all': ('echo "1..0 # SKIP not here"', (0, 0, 1)),
    'cells': ('echo 1..1; echo ok 1 - a; echo "# cells: 5 run, 1 failed"', (1, 0, 0)),
    'crashes': ('echo 1..2; echo ok 1 - a; kill -SEGV $$', (1, 1, 0)),
    'stops_early': ('echo 1..3; echo ok 1 - a', (1, 1, 0)),
    'says_too_much': ('echo 1..1; echo ok 1 - a; echo ok 2 - b', (2, 1, 0)),
    'has_no_plan': ('echo ok 1 - a', (1, 1, 0)),
    'says_nothing': ('true', (0, 1, 0)),
    'fails_silently': ('echo 1..1; echo ok 1 - a; exit 3', (1, 1, 0)),
    'bails_out': ('echo 1..1; echo ok 1 - a; echo "Bail out! no disk"', (1, 1, 0)),
    'hangs': ('# timeout: 1\necho 1..1; echo ok 1 - a; exec sleep 100', (1, 1, 0)),
    'leaves_a_process': (
        'echo 1..1; setsid sh -c "sleep 100; : $TMPDIR" >/dev/null 2>&1 &\n'
        'until grep -qs "$TMPDIR" /proc/$!/cmdline; do :; done; echo ok 1 - a',
        (1, 1, 0)),
    'needs_its_folder': (
        'echo 1..1; [ -d "$TMPDIR" ] && [ -z "$(ls "$TMPDIR")" ] && echo ok 1 - a', (1, 0, 0)),
}


def run_programs(*names):
    """Runs them as the tests of a build folder; gives output and success."""
    build = tempfile.mkdtemp(prefix='build.')
    os.mkdir(build + '/tests')
    try:
        for name in names:
            path = f'{build}/tests/test_fake_{name}'
            with open(path, 'w', encoding='ascii') as stream:
                stream.write(f'#!/bin/sh\n{PROGRAMS[name][0]}\n')
            os.chmod(path, 0o755)
        return output(f'{SOURCE}/tests/run', '--build', build, 'unit/fake_')
    finally:
        shutil.rmtree(build)


def counts_are_right():
    """each program is counted as what it is, and failures show"""
    wrong = []
    for name, (_, counts) in PROGRAMS.items():
        said, good = run_programs(name)
        last = '{} passed, {} failed, {} skipped'.format(*counts)
        if said.splitlines()[-1] != last or good != (counts[1] == 0 and counts[0] > 0):
            wrong += [f'{name}: wanted {last}'] + said.splitlines()
    return wrong


def sums_are_right():
    """the last line counts all programs together"""
    said, good = run_programs('good', 'bad', 'skips', 'cells')
    last = '\ncells of the matrix of faults: 5 run, 1 failed\n4 passed, 1 failed, 2 skipped\n'
    return [] if said.endswith(last) and not good else [said]


def nothing_is_a_failure():
    """a run without a test is no success"""
    said, good = run_programs()
    return [said] if good or not said.endswith('0 passed, 0 failed, 0 skipped\n') else []


if __name__ == '__main__':
    run(counts_are_right, sums_are_right, nothing_is_a_failure)
