#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Two hundred commands at the same time on one book."""

import random

from definition import addresses, disk, domain
from harness import check, equal, main, test

SHARED = [f'shared{number}' for number in range(8)]  # domains that many change at once
ATTACHES = 12  # to each of them
DEFINES = 48
READERS = 28  # of each kind
TIMEOUT = 240


def commands(book):
    """(words, standard input) of two hundred commands, in a fixed but mixed order."""
    work = []
    for name in SHARED:
        for number in range(ATTACHES):
            target = 'vd' + 'bcdefghijklmnop'[number]
            path = book.file(
                f'{name}-{target}.xml', disk(book.image(f'{name}-{target}.img'), target))
            work.append(('attach-device', name, path))
    for number in range(DEFINES):
        work.append(('define', book.file(f'new{number}.xml', domain(f'new{number}'))))
    work += [('--json', 'list', '--all')] * READERS
    work += [('--json', 'log', SHARED[number % len(SHARED)]) for number in range(READERS)]
    random.Random(1086).shuffle(work)
    return work


@test(timeout=TIMEOUT + 60)
def concurrency__two_hundred_commands_lose_and_double_nothing(book):
    for name in SHARED:
        book.define(domain(name))
    work = commands(book)
    equal(len(work), 200)
    running = [book.popen(*words) for words in work]
    for process, words in zip(running, work):
        out, err = process.communicate(timeout=TIMEOUT)
        check(process.returncode == 0, words, out, err)

    equal(sorted(book.domains()), sorted(SHARED + [f'new{n}' for n in range(DEFINES)]))
    for name in SHARED:
        log = book.log(name)
        equal([entry['version'] for entry in log], list(range(ATTACHES + 1, 0, -1)), name)
        equal(len({entry['subject'] for entry in log}), ATTACHES + 1, log)
        found = {key: value for key, value in addresses(book.dumpxml(name)).items()
                 if key.startswith('disk ')}
        equal(len(found), ATTACHES, found)
        equal(len(set(found.values())), ATTACHES, 'one address twice')
    for number in range(DEFINES):
        equal(book.version(f'new{number}'), 1)
    book.verify()


@test(timeout=TIMEOUT + 60)
def concurrency__one_of_many_defines_of_one_name_wins(book):
    running = [
        book.popen('define', book.file(f'{number}.xml', domain('one', memory=64 + number)))
        for number in range(12)]
    codes = []
    for process in running:
        process.communicate(timeout=TIMEOUT)
        codes.append(process.returncode)
    equal(sorted(codes), [0] + [5] * 11)
    equal(book.version('one'), 1)


@test(timeout=TIMEOUT + 60)
def concurrency__if_version_lets_one_of_many_through(book):
    book.define(domain('one'))
    running = [
        book.popen('set-vcpus', '--maximum', 'one', number + 2, '--if-version', 1)
        for number in range(12)]
    codes = []
    for process in running:
        process.communicate(timeout=TIMEOUT)
        codes.append(process.returncode)
    equal(sorted(codes), [0] + [6] * 11)
    equal(book.version('one'), 2)


if __name__ == '__main__':
    main()
