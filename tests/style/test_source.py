#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What can be seen of our rules in the text of the sources."""

import re
import shutil

from tap import SOURCE, Skip, output, read, run, source_files

FILE_LINES = 800
FUNCTION_LINES = 100
COLUMNS = 100

BANNED = (
    'strcpy', 'stpcpy', 'strcat', 'strncpy', 'strncat', 'sprintf', 'vsprintf', 'gets', 'scanf',
    'atoi', 'atol', 'atoll', 'atof', 'strtok', 'system', 'popen', 'alloca',
    'mktemp', 'tmpnam', 'tempnam', 'abort')

# What a room may include from. The public header is above the rooms that it is made of.
ROOMS = {
    'base': {'base'},
    'schema': {'base', 'schema'},
    'store': {'base', 'store'},
    'qmp': {'base', 'schema', 'qmp'},
    'domain': {'base', 'schema', 'store', 'qmp', 'domain'},
    'migrate': {'base', 'schema', 'store', 'qmp', 'domain', 'migrate'},
    'cli': {'base', 'cli', 'qmp/json.h'},
    'daemon': {'base', 'schema', 'store', 'qmp', 'domain', 'migrate', 'daemon'},
}
PUBLIC_BELOW = {'base', 'schema', 'store', 'qmp'}  # these must not know <domesday.h>

# Put together here, so that this file does not contain them.
MACHINE_PATHS = re.compile('|'.join('/' + name + '/' for name in ('work', 'root', 'Users')))


def c_files():
    return source_files('.c', '.h')


def text_files():
    return [
        name for name in source_files('')
        if not name.startswith(('tests/data/', 'tests/golden/', 'tests/fuzz/corpus/', 'LICENSE'))
        and not name.endswith(('.png', '.bin', '.gz'))]


def readable(name):
    try:
        return read(name)
    except UnicodeDecodeError:
        return ''  # no text


def code_only(text):
    """The text with comments and strings emptied, lines kept."""

    def blank(match):
        return re.sub(r'[^\n]', ' ', match[0])

    return re.sub(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def lines_that(pattern, names, transform=lambda text: text):
    return [
        f'{name}:{number}: {line.strip()}'
        for name in names
        for number, line in enumerate(transform(readable(name)).splitlines(), 1)
        if pattern.search(line)]


def formatted():
    """clang-format has nothing to change"""
    if not shutil.which('clang-format'):
        raise Skip('clang-format is not installed')
    said, good = output('clang-format', '--dry-run', '-Werror', *c_files(), cwd=SOURCE)
    return [] if good else [line for line in said.splitlines() if 'error:' in line]


def no_banned_functions():
    """functions that invite mistakes are not used"""
    call = re.compile(r'(?<![\w.>])(' + '|'.join(BANNED) + r')\s*\(')
    return lines_that(call, c_files(), code_only)


def licensed():
    """every source file says its licence first"""
    scripts = [
        name for name in source_files('') if name.endswith(('.py', '.sh'))
        or readable(name).startswith('#!')]
    wrong = [
        f'{name}: its first line is not the licence' for name in c_files()
        if not read(name).startswith('/* SPDX-License-Identifier: Apache-2.0 */\n')]
    return wrong + [
        f'{name}: no licence in its first two lines' for name in scripts
        if 'SPDX-License-Identifier: Apache-2.0' not in '\n'.join(readable(name).split('\n')[:2])]


def short_files():
    """no file has more lines than it may"""
    return [
        f'{name}: {len(read(name).splitlines())} lines, {FILE_LINES} are allowed'
        for name in source_files('.c', '.h', '.py')
        if len(read(name).splitlines()) > FILE_LINES]


def short_functions():
    """no function has more lines than it may"""
    wrong = []
    for name in source_files('.c'):
        begun = None
        for number, line in enumerate(read(name).splitlines(), 1):
            if line == '{':
                begun = number
            elif line == '}' and begun:
                if number - begun - 1 > FUNCTION_LINES:
                    wrong.append(f'{name}:{begun}: a function of {number - begun - 1} lines')
                begun = None
    return wrong


def calls_go_down():
    """no room includes from one above it"""
    wrong = []
    for name in c_files():
        room = name.split('/')[0]
        for header in re.findall(r'^#include "([^"]+)"', read(name), re.MULTILINE):
            allowed = ROOMS.get(room)
            if allowed and header not in allowed and header.split('/')[0] not in allowed:
                wrong.append(f'{name}: "{header}" is not for {room}/')
        if room in PUBLIC_BELOW and '#include <domesday.h>' in read(name):
            wrong.append(f'{name}: <domesday.h> is above {room}/')
    return wrong


def no_stray_space():
    """no trailing white space, no carriage return, a newline at the end"""
    wrong = lines_that(re.compile(r'[ \t\r]$'), text_files())
    return wrong + [
        f'{name}: no newline at the end' for name in text_files()
        if readable(name) and not readable(name).endswith('\n')]


def narrow_lines():
    """code lines fit into the columns, tabs counting eight"""
    return [
        f'{name}:{number}: {len(line.expandtabs(8))} columns'
        for name in source_files('.c', '.h', '.py', '.cmake', 'CMakeLists.txt')
        for number, line in enumerate(read(name).splitlines(), 1)
        if len(line.expandtabs(8)) > COLUMNS and 'http' not in line]


def no_machine_paths():
    """no path of the machine that a file was made on"""
    return lines_that(MACHINE_PATHS, text_files())


if __name__ == '__main__':
    run(formatted, no_banned_functions, licensed, short_files, short_functions, calls_go_down,
        no_stray_space, narrow_lines, no_machine_paths)
