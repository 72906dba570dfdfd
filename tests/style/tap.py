# SPDX-License-Identifier: Apache-2.0
"""A check is a function that gives a list of complaints, one line each; none is success."""

import os
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('BUILD_DIR', os.path.join(SOURCE, 'build', 'asan'))


class Skip(Exception):
    """Raised by a check that cannot be made here; its text says why."""


def run(*checks):
    """Prints TAP; a check is named after its function and described by its first line."""
    print(f'1..{len(checks)}')
    failed = 0
    for number, check in enumerate(checks, 1):
        try:
            complaints = check()
        except Skip as skip:
            print(f'ok {number} - {check.__name__} # SKIP {skip}')
            continue
        print(f'{"not ok" if complaints else "ok"} {number} - {check.__name__}')
        if complaints:
            failed += 1
            print(f'# wanted: {check.__doc__.splitlines()[0]}')
        for complaint in complaints:
            print(f'# {complaint}')
    sys.exit(1 if failed else 0)


def output(*command, **options):
    """What a command says, on both outputs, and whether it succeeded."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        stdin=subprocess.DEVNULL, **options)
    return done.stdout, done.returncode == 0


def source_files(*endings):
    """Paths below the source folder, of git's files where there is git."""
    listed, good = output('git', '-C', SOURCE, 'ls-files', '-co', '--exclude-standard')
    names = listed.splitlines() if good else walk()
    return sorted(
        name for name in set(names)
        if name.endswith(endings) and os.path.isfile(os.path.join(SOURCE, name)))


def walk():
    for folder, folders, names in os.walk(SOURCE):
        folders[:] = [name for name in folders if name not in ('build', '.git')]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), SOURCE)


def read(name):
    with open(os.path.join(SOURCE, name), encoding='utf-8') as stream:
        return stream.read()
