#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` leaves: a library that others build against, manual, completion."""

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, 'tests', 'style'))

from tap import BUILD, Skip, output, read, run  # noqa: E402, pylint: disable=wrong-import-position

PREFIX = tempfile.mkdtemp(prefix='domesday-install.')


def installed(pattern):
    found = glob.glob(os.path.join(PREFIX, pattern), recursive=True)
    return found[0] if found else None


def everything_is_there():
    """command, daemon, library, headers, manuals and what goes with them are installed"""
    said, good = output('cmake', '--install', BUILD, '--prefix', PREFIX)
    if not good:
        return said.splitlines()
    wanted = (
        'bin/domesday', 'lib/**/libdomesday.so', 'lib/**/libdomesday.so.0', 'include/domesday.h',
        'include/domesday/error.h', 'lib/**/pkgconfig/domesday.pc', 'share/man/man1/domesday.1',
        'share/bash-completion/completions/domesday', 'bin/domesdayd', 'share/man/man8/domesdayd.8',
        'include/domesday/safety.h', 'include/domesday/upkeep.h', 'include/domesday/migrate.h',
        'lib/systemd/system/domesdayd.service')
    return [f'{pattern} is missing' for pattern in wanted if not installed(pattern)]


def sanitizer_flags():
    with open(os.path.join(BUILD, 'CMakeCache.txt'), encoding='utf-8') as stream:
        found = re.search(r'^DOMESDAY_SANITIZE:\w+=(.+)$', stream.read(), re.MULTILINE)
    return [f'-fsanitize={found[1]}'] if found else []


def program_builds_with_pkg_config():
    """a program builds against the installed tree and runs"""
    folder = os.path.dirname(installed('lib/**/pkgconfig/domesday.pc'))
    library = os.path.dirname(folder)
    flags, good = output(
        'pkg-config', '--cflags', '--libs', 'domesday',
        env={**os.environ, 'PKG_CONFIG_PATH': folder})
    if not good:
        return flags.splitlines()
    program = os.path.join(PREFIX, 'program')
    said, good = output(
        'cc', '-std=c11', '-Wall', '-Werror', os.path.join(HERE, 'program.c'), '-o', program,
        *shlex.split(flags), *sanitizer_flags())
    if not good:
        return said.splitlines()
    said, good = output(program, env={**os.environ, 'LD_LIBRARY_PATH': library})
    return [] if good and re.match(r'\d+\.\d+\.\d+ not-found ', said) else said.splitlines()


def manual_is_well_formed():
    """man has nothing to complain about, and every command and status is in it"""
    if not shutil.which('man'):
        raise Skip('man is not installed')
    page = installed('share/man/man1/domesday.1')
    done = subprocess.run(
        ['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', page], capture_output=True, text=True,
        check=False, env={**os.environ, 'MANWIDTH': '80', 'MANPAGER': 'cat'})
    with open(page, encoding='utf-8') as stream:
        source = stream.read().replace('\\-', '-')
    return done.stderr.splitlines() + [
        f'{name} is not in the manual' for name in commands() if f'.SS "{name}' not in source]


def commands():
    said, _ = output(installed('bin/domesday'), 'help')
    return re.findall(r'^  ([a-z][a-z-]+)  +\S', said, re.MULTILINE)


def commands_are_documented():
    """docs/commands.md names every command and every exit status"""
    text = read('docs/commands.md')
    wrong = [f'{name} is not there' for name in commands() if not re.search(f'`{name}\\b', text)]
    statuses = [f'| {status} |' for status in range(14)]
    return wrong + [f'no {status}' for status in statuses if status not in text]


COMPLETE = '''
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _domesday; printf '%s\\n' "${COMPREPLY[@]}"
'''


def completion_completes():
    """bash completes commands and options"""
    script = installed('share/bash-completion/completions/domesday')
    wrong = []
    for words, wanted in (
            (['sta'], ['start']), (['attach-device', '--rea'], ['--reason']),
            (['--json', 'help', 'who'], ['who-uses']), (['list', '--al'], ['--all'])):
        said, _ = output(
            'bash', '-c', COMPLETE, 'bash', script, installed('bin/domesday'), *words)
        if said.split() != wanted:
            wrong.append(f'{words}: {said.split()} where {wanted} was wanted')
    return wrong


if __name__ == '__main__':
    try:
        run(everything_is_there, program_builds_with_pkg_config, manual_is_well_formed,
            commands_are_documented, completion_completes)
    finally:
        shutil.rmtree(PREFIX, ignore_errors=True)
