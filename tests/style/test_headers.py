#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Headers stand on their own, and the public ones are documented."""

import os
import re
import shlex
import shutil

from tap import BUILD, SOURCE, Skip, output, read, run, source_files

PUBLIC = ('include/domesday.h', *(
    f'include/domesday/{name}.h' for name in ('error', 'migrate', 'safety', 'upkeep')))
STRICT = ('-Wall', '-Wextra', '-Wpedantic', '-pedantic-errors', '-Wstrict-prototypes', '-Wshadow',
          '-Wundef', '-Werror', '-fsyntax-only', '-Iinclude')
DECLARED = re.compile(r'\b(dd_\w+)\s*\(')


def compile_alone(names, *command):
    wrong = []
    for name in names:
        said, good = output(*command, name, cwd=SOURCE)
        wrong += [] if good else [f'{name}: {line}' for line in said.splitlines()]
    return wrong


def public_headers_are_strict_c11():
    """every public header compiles alone as C11 with strict flags"""
    return compile_alone(PUBLIC, 'cc', '-std=c11', '-x', 'c', *STRICT)


def public_headers_are_cpp():
    """every public header compiles alone as C++"""
    if not shutil.which('c++'):
        raise Skip('there is no C++ compiler')
    flags = [flag for flag in STRICT if flag != '-Wstrict-prototypes']
    return compile_alone(PUBLIC, 'c++', '-std=c++11', '-x', 'c++', *flags)


def our_headers_stand_alone():
    """every header of a room includes what it needs"""
    said, good = output(
        'pkg-config', '--cflags', 'libxml-2.0', 'sqlite3', 'libgit2', 'libsodium', 'libcrypto',
        'json-c', 'smartcols', 'libuv')
    if not good:
        raise Skip('pkg-config does not know the libraries')
    names = [
        name for name in source_files('.h') if not name.startswith(('include/', 'tests/'))]
    return compile_alone(
        names, 'cc', '-std=gnu17', '-D_GNU_SOURCE', '-x', 'c', '-Wall', '-Werror',
        '-Wno-unused-function', '-fsyntax-only', '-I.', '-Iinclude', *shlex.split(said))


def declarations(name):
    """(function, its paragraph) of each in a public header."""
    for paragraph in re.split(r'\n\s*\n', read(name)):
        code = re.sub(r'/\*.*?\*/', '', paragraph, flags=re.S)
        for line in re.findall(r'^\w[^;{}#]*\([^;{}]*\);', code, re.MULTILINE):
            if not line.startswith('typedef'):
                yield DECLARED.search(line)[1], paragraph


def exported_functions_are_documented():
    """every exported function has a comment in its paragraph"""
    return [
        f'{name}: {function} has no comment'
        for name in PUBLIC for function, paragraph in declarations(name) if '/*' not in paragraph]


def library_shows_what_is_declared():
    """libdomesday.so exports the functions of its headers and no others"""
    library = os.path.join(BUILD, 'lib', 'libdomesday.so.0')
    if not os.path.exists(library):
        raise Skip('the library was not built')
    said, good = output('nm', '-D', '--defined-only', library)
    if not good:
        return said.splitlines()
    shown = {line.split()[2].split('@')[0] for line in said.splitlines() if ' T ' in line}
    declared = {function for name in PUBLIC for function, _ in declarations(name)}
    return [f'{name} is declared but not exported' for name in sorted(declared - shown)] + [
        f'{name} is exported but not declared' for name in sorted(shown - declared)]


if __name__ == '__main__':
    run(public_headers_are_strict_c11, public_headers_are_cpp, our_headers_stand_alone,
        exported_functions_are_documented, library_shows_what_is_declared)
