#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book with many domains: a list of them comes while it is read, whoever reads it."""

import sqlite3
import time

from definition import domain
from harness import check, equal, main, test

DOMAINS = 20000
NAMES = [f'domain{number:08}' for number in range(DOMAINS)]


def fill(book):
    """As many domains as that, whose histories nobody asks for."""
    book.define(domain('model'))
    with sqlite3.connect(book.path + '/book.db') as connection:
        version, head = connection.execute('select version, head from domain').fetchone()
        connection.executemany(
            'insert into domain(uuid, name, title, state, autostart, version, head)'
            " values(?, ?, '', 0, 0, ?, ?)",
            ((f'11111111-2222-4333-8444-{number:012}', name, version, head)
             for number, name in enumerate(NAMES)))
    connection.close()


@test()
def large__a_list_of_names_is_whole(book):
    fill(book)
    whole = [*NAMES, 'model']
    check(book.ok('list', '--all', '--name').out.splitlines() == whole, 'not the whole list')
    equal(book.ok('list', '--all', '--uuid', '--name').out.splitlines()[7],
          f'11111111-2222-4333-8444-000000000007 {NAMES[7]}')
    equal(book.ok('list', '--name').out, '')
    with open(book.file('names'), 'w', encoding='ascii') as stream:
        listing = book.popen('list', '--all', '--name', stdout=stream)
    equal(listing.wait(60), 0)
    with open(stream.name, encoding='ascii') as names:
        check(names.read().splitlines() == whole, 'not the whole list')


@test()
def large__who_reads_the_first_name_and_leaves_ends_the_list(book):
    fill(book)
    listing = book.popen('list', '--all', '--name')
    equal(listing.stdout.readline(), NAMES[0] + '\n')
    listing.stdout.close()
    equal(listing.wait(60), 141)
    equal(listing.stderr.read(), '')


@test()
def large__a_pager_that_stands_still_holds_no_book_open(book):
    fill(book)
    listing = book.popen('list', '--all', '--name')
    equal(listing.stdout.readline(), NAMES[0] + '\n')
    time.sleep(3)  # the list goes on without its reader after one
    with sqlite3.connect(book.path + '/book.db', timeout=30) as connection:
        busy, _, _ = connection.execute('pragma wal_checkpoint(truncate)').fetchone()
    connection.close()
    equal(busy, 0, 'the list still reads the book')
    check(listing.poll() is None, 'it ended before it was read')
    check(listing.stdout.read().splitlines() == [*NAMES[1:], 'model'], 'not the whole list')
    equal(listing.wait(60), 0)


if __name__ == '__main__':
    main()
