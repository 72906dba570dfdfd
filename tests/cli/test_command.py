#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""The command itself: what it makes of a command line, and what becomes of its output."""

import os
import pty
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))

from definition import disk, domain  # noqa: E402, pylint: disable=wrong-import-position
from harness import EXIT, check, contains, equal, main, test  # noqa: E402, pylint: disable=C0413

# What is typed, and what the one line about it says.
MISTAKES = (
    (('strat',), "unknown command 'strat'; did you mean 'start'?"),
    (('dump-xml', 'a'), "did you mean 'dumpxml'?"),
    (('frobnicate',), "unknown command 'frobnicate'"),
    (('list', '--al=1'), 'takes no value'),
    (('list', '--nmae'), "did you mean '--name'?"),
    (('list', '--wrong'), "'--wrong'"),
    (('list', '-z'), "'-z'"),
    (('list', 'a'), "'a' is too much"),
    (('log', '-n'), "'-n' needs a value"),
    (('log', 'a', '-n', '0'), '-n is a number from 1'),
    (('start',), 'NAME is missing'),
    (('attach-device', 'a'), 'FILE... is missing'),
    (('set-memory', 'a', '2Q'), "'2Q' is no size"),
    (('set-memory', 'a', '-1'), "'-1'"),
    (('set-memory', 'a', '99999999999999T'), 'is no size'),
    (('set-vcpus', 'a', '1x'), "not '1x'"),
    (('rollback', 'a', '0'), 'from 1'),
    (('desc', 'a', 'x', '--if-version', 'two'), "not 'two'"),
    (('desc', 'a', 'x', '--current', '--live'), '--current goes with none'),
    (('metadata', 'a', 'urn:a', '--set', '<x/>', '--remove'), 'exclude each other'),
    (('diff', '/dev/null'), 'compared with a domain'),
    (('diff', 'a', 'a', '--live'), '--live goes with one'),
    (('--color=mauve', 'list'), "not 'mauve'"),
    (('help', 'strat'), "did you mean 'start'?"),
)


@test()
def usage__says_what_is_wrong_with_the_line(book):
    book.define(domain('a'))
    for words, line in MISTAKES:
        book.refuse(*words, code='usage', says=line)
        error = book.json(*words, rc=EXIT['usage'])['error']
        equal((error['code'], error['status']), ('usage', 2))


@test()
def help__of_every_command(book):
    overview = book.ok('help').out
    headings = re.findall(r'^\S.*:$', overview, re.MULTILINE)
    check(len(headings) > 5, overview)
    equal(sorted(set(headings)), sorted(headings), overview)
    equal(book.ok('--help').out, overview)
    names = [line.split()[0] for line in overview.splitlines() if line[:3].strip() and
             line.startswith('  ') and not line.startswith('  -')]
    check(len(names) > 25, names)
    for name in names:
        text = book.ok('help', name).out
        equal(book.ok(name, '--help').out, text)
        contains(text, f'Usage: domesday {name}', '--json')
        equal(book.json('help', name)['help'], text)


@test()
def options__stand_on_either_side_of_the_command(book):
    book.define(domain('a'))
    rows = book.json('list', '--all')
    for words in (('list', '--all', '--json'), ('list', '--json', '-a'), ('-j', 'list', '--all')):
        equal(book.ok(*words).json, rows)
    equal(book.run('--book', '/nonexistent', 'list', '--all', '--json').json, [])


@test()
def options__given_twice_with_two_values_are_refused(book):
    """One of the two would be passed over, and nobody told."""
    book.define(domain('web'))
    book.ok('desc', 'web', 'words')
    for command in (('rollback', 'web', '1', '--device', 'vda', '--device', 'vdb'),
                    ('desc', 'web', 'x', '--reason', 'one', '--reason=two'),
                    ('log', 'web', '-n', '1', '-n', '2')):
        book.refuse(*command, code='usage', says='is given twice, with different values')
    book.ok('log', 'web', '-n', '1', '-n', '1')
    book.ok('list', '--book', book.folder + '/none', '--book', book.path)


@test()
def names__of_virsh_work(book):
    book.define(domain('a', memory=256))
    book.ok('setmem', 'a', 128 << 10, '--config')
    book.ok('setvcpus', 'a', '2', '--maximum', '--config')
    book.ok('domrename', 'a', 'b')
    path = book.file('d.xml', disk(book.image('d.img'), 'vda'))
    book.ok('attach-device', 'b', path, '--persistent')
    book.ok('detach-device', 'b', path, '--current')
    equal(book.version('b'), 6)


@test()
def size__in_every_unit(book):
    book.define(domain('a', memory=1024))
    for word, kib in (('262144', 262144), ('256M', 262144), ('256MiB', 262144), ('256m', 262144),
                      ('1G', 1 << 20), ('268435456b', 262144), ('131072K', 131072)):
        book.ok('set-memory', 'a', word)
        contains(book.dumpxml('a'), f"<currentMemory unit='KiB'>{kib}</currentMemory>"
                 if kib != 1 << 20 else '1048576')


@test()
def book__is_made_by_define_only(book):
    result = book.ok('list')
    equal(result.out, '')
    contains(result.err, 'no book')
    for words in (('log', 'a'), ('start', 'a'), ('sync',), ('who-uses', '/x')):
        book.refuse(*words, code='not-found')
        check(not os.path.exists(book.path), words)
    book.ok('freeze', '-', stdin=domain('a'))
    check(not os.path.exists(book.path))
    book.define(domain('a'))
    check(os.path.isdir(book.path))


@test()
def define__again_says_what_differs_and_which_commands_change_it(book):
    book.define(domain('a', disk(book.image('a.img'), 'vda')))
    check(not book.json('define', '-', stdin=domain('a', disk(
        book.folder + '/a.img', 'vda')))['changed'])
    other = domain('a', disk(book.image('b.img'), 'vdb'), memory=256, more='<title>x y</title>')
    with book.unchanged():
        result = book.refuse('define', '-', stdin=other, code='exists', lines=None)
        contains(result.err, 'vdb attached', 'domesday attach-device a FILE',
                 'domesday set-memory --maximum a 262144K', "domesday desc --title a 'x y'")
        error = book.json('define', '-', stdin=other, rc=EXIT['exists'])['error']
        check(any(entry['device'] == 'disk vdb' for entry in error['differences']), error)
        check('domesday attach-device a FILE' in error['commands'], error)


@test()
def conflict__lists_what_changed_since(book):
    book.define(domain('a'))
    book.ok('desc', 'a', 'words')
    book.ok('set-vcpus', '--maximum', 'a', 2)
    result = book.refuse('desc', 'a', 'x', '--if-version', 1, code='conflict')
    contains(result.err, 'version 3, not 1', 'set description', 'vCPUs')
    error = book.json('desc', 'a', 'x', '--if-version', 1, rc=EXIT['conflict'])['error']
    equal([entry['version'] for entry in error['since']], [3, 2])


@test()
def list__in_columns_and_in_words(book):
    book.define(domain('one', more='<title>Öl</title>'))
    book.define(domain('two'))
    lines = book.ok('list', '--all').out.splitlines()
    equal(lines[0].split(), ['Id', 'Name', 'State', 'Version', 'Title'])
    equal([line.split()[1] for line in lines[1:]], ['one', 'two'])
    contains(lines[1], 'shut off', 'Öl')
    check(not any(line.endswith(' ') for line in lines), lines)
    equal(book.ok('list', '--all', '--name').out, 'one\ntwo\n')
    equal(len(book.ok('list', '--all', '--uuid').out.split()), 2)
    equal(book.ok('list').out, '')


def on_terminal(command, **environment):
    """What a command shows on a terminal."""
    master, slave = pty.openpty()
    variables = {key: value for key, value in os.environ.items() if key != 'NO_COLOR'}
    with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
            env={**variables, 'TERM': 'xterm', **environment}) as process:
        os.close(slave)
        shown = b''
        while True:
            try:
                block = os.read(master, 4096)
            except OSError:
                break
            shown += block
        process.wait(60)
    os.close(master)
    return shown.decode()


@test()
def colour__on_a_terminal_only(book):
    book.define(domain('a'))
    book.ok('desc', 'a', 'words')
    plain = book.ok('diff', 'a', rc=1).out
    check('\x1b' not in plain, plain)
    contains(book.ok('--color=always', 'diff', 'a', rc=1).out, '\x1b[')
    contains(on_terminal(book.command('diff', 'a')), '\x1b[')
    for command, environment in (
            (book.command('--no-color', 'diff', 'a'), {}),
            (book.command('diff', 'a'), {'NO_COLOR': '1'}),
            (book.command('diff', 'a'), {'TERM': 'dumb'})):
        check('\x1b' not in on_terminal(command, **environment), command, environment)
    check(on_terminal(book.command('--json', 'list', '--all')).count('\n') > 3, 'not indented')


@test()
def output__on_a_full_disk_fails(book):
    book.define(domain('a'))
    for words in (('dumpxml', 'a'), ('--json', 'list', '--all'), ('help',)):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run(
                book.command(*words), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        equal(done.returncode, EXIT['system'], done.stderr)
        contains(done.stderr, 'No space left')


@test()
def output__that_nobody_reads_is_quiet(book):
    book.define(domain('a'))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        book.command('dumpxml', 'a'), stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    equal((done.returncode, done.stderr), (141, b''))


@test()
def output__closed_is_no_success_and_not_in_the_book(book):
    """With 0, 1 and 2 closed the first file opened would be standard output."""
    book.define(domain('a'))
    for closed in ('>&-', '<&- >&- 2>&-'):
        for words, status in ((['dumpxml', 'a'], EXIT['system']), (['desc', 'a', closed], 0)):
            done = subprocess.run(
                ['sh', '-c', f'exec "$@" {closed}', 'sh', *book.command(*words)],
                stderr=subprocess.PIPE, text=True, check=False)
            equal(done.returncode, status, done.stderr)
            if status and '2>' not in closed:
                contains(done.stderr, 'cannot write the output')
    equal(book.ok('desc', 'a').out, closed + '\n')
    done = subprocess.run(['sh', '-c', 'exec "$@" <&-', 'sh', *book.command('define', '-')],
                          stderr=subprocess.PIPE, text=True, check=False)
    equal(done.returncode, EXIT['system'], done.stderr)
    contains(done.stderr, 'cannot read standard input')
    book.verify()


@test()
def quiet__says_nothing_on_success(book):
    result = book.ok('define', '-', '--quiet', stdin=domain('a'))
    equal((result.out, result.err), ('', ''))
    contains(book.ok('desc', 'a', 'words').err, 'version 2: set description')
    contains(book.ok('desc', 'a', 'words').err, 'version 2')


@test()
def desc__shows_and_removes(book):
    book.define(domain('a'))
    equal(book.ok('desc', 'a').out, '')
    book.ok('desc', 'a', 'two', 'words')
    equal(book.ok('desc', 'a').out, 'two words\n')
    book.ok('desc', 'a', '--title', 'T')
    equal(book.ok('desc', '--title', 'a').out, 'T\n')
    book.ok('desc', 'a', '')
    equal(book.ok('desc', 'a').out, '')


@test()
def completion__knows_domains_and_devices(book):
    book.define(domain('alpha', disk(book.image('a.img'), 'vda')))

    def offered(*words):
        return book.ok('completion', '--', *words).out.split()

    contains(offered('start', ''), 'alpha')
    contains(offered('detach-device', 'alpha', ''), 'vda')
    check('start' in offered('--json', ''), 'commands after options')
    check('--paused' in offered('start', '--'), 'options of the command')
    for book_words in (('--book', book.path), ('--book=' + book.path,), ('--book', '=', book.path)):
        words = [*book.command()[:1], 'completion', '--', *book_words, 'start', '']
        equal(subprocess.run(words, capture_output=True, check=True).stdout, b'alpha\n')
    equal(offered('log', '-n', ''), [])
    equal(offered('define', ''), [])
    equal(offered('rename', 'alpha', ''), [])


if __name__ == '__main__':
    main()
