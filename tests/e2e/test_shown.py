#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a record or an argument holds does nothing to the terminal on which it is shown."""

import os
import pty
import subprocess
import unicodedata

from definition import disk, domain
from harness import DOMESDAY, check, contains, equal, main, test

# turned round, of no width, a C1 control, an isolate, a mark, a tag, an end of line
TRICKS = ('\u202e', '\u200b', '\x9b', '\u2066', '\u200f', '\u061c', '\U000e0041', '\u2028')
EVIL = 'we' + ''.join(TRICKS) + 'b'
SHOWN = 'we\\u202e\\u200b\\u009b\\u2066\\u200f\\u061c\\ue0041\\u2028b'
HIDDEN = 'room\u200bmail'  # what a reason may have


def harmless(text):
    for character in text:
        kind = unicodedata.category(character)
        check(character in '\n\t' or kind not in ('Cc', 'Cf', 'Zl', 'Zp'),
              f'U+{ord(character):04X} is in:', repr(text))


def on_terminal(book, *args):
    """What a terminal gets of standard output."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([DOMESDAY, '--book', book.path, '--no-color', *args], stdout=theirs,
                          stderr=subprocess.DEVNULL) as process:
        process.wait(timeout=60)
        text = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    return text.replace('\r\n', '\n')


def record(book):
    xml = domain(EVIL, disk(book.image('a.img'), 'vda'))
    end = f'<title>{EVIL}</title><description>{EVIL}\n\u00e9\u05d0\U0001f600</description>'
    book.define(xml.replace('</name>', '</name>' + end, 1), '--reason', HIDDEN)
    book.ok('set-vcpus', '--maximum', EVIL, 2)
    book.ok('desc', EVIL, 'other' + EVIL, '--reason', HIDDEN)
    book.ok('tag', EVIL + '@1', 'la\u200bbel')


@test()
def shown__tricks_of_a_record_are_spelt_out(book):
    record(book)
    for command in (
            ['list', '--all'], ['dominfo', EVIL], ['log', EVIL], ['log', EVIL, '--oneline'],
            ['log', EVIL, '--graph'], ['log', EVIL, '-p'], ['log', EVIL, '--xml'],
            ['log', '--all'], ['show', EVIL], ['show', EVIL + '@1'], ['blame', EVIL],
            ['diff', EVIL], ['diff', EVIL + '@1', EVIL], ['tag', EVIL], ['advise'], ['verify'],
            ['rollback', '--dry-run', EVIL, '1'], ['who-uses', os.path.join(book.folder, 'a.img')],
            ['report', '--html', '-'], ['dumpxml', EVIL + 'x'], ['start', EVIL + 'x'],
            ['define', EVIL], ['tag', EVIL + '@9', 'x']):
        result = book.run(*command)
        harmless(result.out + result.err)
    table = book.ok('list', '--all').out.splitlines()
    contains(table[1], SHOWN)
    equal(table[0].index('State'), table[1].index('shut off'), 'it is measured as it is shown')
    contains(book.ok('log', EVIL).out, 'room\\u200bmail', 'la\\u200bbel')
    contains(book.ok('blame', EVIL).out, SHOWN)
    contains(book.run('dumpxml', EVIL + 'x').err, SHOWN)


@test()
def shown__arguments_that_are_no_text_are_spelt_out(book):
    book.define(domain('a'))
    for name in (b'a\x1b[2Jb', b'a\xffb', b'a\xc2\x9bb', b'a\rb'):
        for command in ('dumpxml', 'start', 'log', 'undefine'):
            process = subprocess.run([DOMESDAY, '--book', book.path, command, name],
                                     capture_output=True, check=False)
            check(process.returncode > 0, process)
            harmless(process.stderr.decode())


@test()
def shown__programs_get_it_as_it_is(book):
    record(book)
    equal(book.ok('list', '--all', '--name').out, EVIL + '\n')
    equal(book.ok('desc', EVIL).out, 'other' + EVIL + '\n')
    equal(book.ok('desc', '--title', EVIL).out, EVIL + '\n')
    equal(book.json('list', '--all')[0]['name'], EVIL)
    equal(book.log(EVIL)[0]['reason'], HIDDEN)
    contains(book.dumpxml(EVIL), f'<name>{EVIL}</name>')
    contains(book.run('diff', '--xml', EVIL).out, 'other' + EVIL)
    contains(book.ok('dumpxml', EVIL + '@1').out, '\u00e9\u05d0\U0001f600')
    contains(on_terminal(book, 'dumpxml', EVIL), f'<name>{EVIL}</name>')


@test()
def shown__a_terminal_gets_no_value_raw(book):
    record(book)
    equal(on_terminal(book, 'list', '--all', '--name'), SHOWN + '\n')
    equal(on_terminal(book, 'desc', EVIL), 'other' + SHOWN + '\n')
    equal(on_terminal(book, 'desc', '--title', EVIL), SHOWN + '\n')


if __name__ == '__main__':
    main()
