#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""The book is a git repository that stock git reads, checks and clones."""

import os
import re
import shutil
import subprocess

from definition import MAC, disk, domain, interface, parse
from harness import check, contains, equal, main, test


def some_history(book):
    """Two domains with a few versions, one of them undefined at last."""
    book.define(domain('a', disk(book.image('a.img'), 'vda'), interface()))
    book.ok('attach-device', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')),
            '--reason', 'room for mail')
    book.ok('detach-device', 'a', MAC)
    book.ok('rollback', 'a', 2)
    book.ok('rename', 'a', 'mail')
    book.define(domain('b'))
    gone = parse(book.dumpxml('b')).find('uuid').text
    book.ok('undefine', 'b')
    return parse(book.dumpxml('mail')).find('uuid').text, gone


def signed(book):
    """git's options for checking signatures with the signers that the book allows."""
    return '-c', f'gpg.ssh.allowedSignersFile={book.path}/keys/allowed_signers'


@test()
def git__fsck_is_content(book):
    some_history(book)
    book.ok('sync')
    result = book.git('fsck', '--strict', '--full')
    check('error' not in result.err and 'missing' not in result.out, result)


@test()
def git__finds_the_repository_again_after_a_sync(book):
    """What makes a folder one is made anew where somebody has removed it."""
    uuid, _ = some_history(book)
    book.ok('sync')
    for name in ('HEAD', 'config'):
        os.unlink(os.path.join(book.path, 'book.git', name))
    check(book.run('verify').rc == 1, 'nobody misses them')
    book.ok('sync')
    book.git('log', f'domains/{uuid}')
    book.verify()


@test()
def git__every_commit_is_signed(book):
    uuid, gone = some_history(book)
    book.ok('sync')
    for domain_uuid, count in ((uuid, len(book.log(uuid))), (gone, 2)):
        words = book.git(
            *signed(book), 'log', '--show-signature', '--format=%H', f'domains/{domain_uuid}').out
        equal(len(re.findall('^Good "git" signature for ', words, re.MULTILINE)), count, words)
        marks = book.git(*signed(book), 'log', '--format=%G?', f'domains/{domain_uuid}').out
        equal(marks.split(), ['G'] * count)
        book.git(*signed(book), 'verify-commit', f'domains/{domain_uuid}')
    book.git(*signed(book), 'verify-commit', 'HEAD')


@test()
def git__a_forged_commit_is_not_good(book):
    uuid, _ = some_history(book)
    book.ok('sync')
    raw = book.git('cat-file', 'commit', f'domains/{uuid}').out
    forged = subprocess.run(
        ['git', '-C', book.path + '/book.git', 'hash-object', '-t', 'commit', '-w', '--stdin'],
        input=raw.replace('rename', 'remade'), capture_output=True, text=True, check=True)
    check(forged.stdout.strip() != book.git('rev-parse', f'domains/{uuid}').out.strip())
    book.git(*signed(book), 'verify-commit', forged.stdout.strip(), rc=1)


@test()
def git__clone_brings_all_domains(book):
    uuid, gone = some_history(book)
    book.ok('sync')
    clone = os.path.join(book.folder, 'clone')
    subprocess.run(['git', 'clone', '-q', book.path + '/book.git', clone], check=True)
    branches = subprocess.run(
        ['git', '-C', clone, 'branch', '-r', '--format=%(refname:short)'], capture_output=True,
        text=True, check=True).stdout
    contains(branches, f'origin/domains/{uuid}', f'origin/domains/{gone}')
    shown = subprocess.run(
        ['git', '-C', clone, 'show', f'origin/domains/{uuid}:domain.xml'], capture_output=True,
        text=True, check=True).stdout
    equal(shown, book.dumpxml('mail'))
    contains(' '.join(os.listdir(clone)), 'README', 'allowed_signers')


@test()
def git__every_version_is_a_commit(book):
    uuid, _ = some_history(book)
    book.ok('sync')
    log = book.log('mail')
    commits = book.git('log', '--format=%H', f'domains/{uuid}').out.split()
    equal(commits, [entry['commit'] for entry in log])
    for entry in log:
        shown = book.git('show', f'{entry["commit"]}:domain.xml').out
        equal(shown, book.dumpxml(f'mail@{entry["version"]}'))
    message = book.git('log', '-1', '--format=%B', commits[-2]).out
    contains(message, 'attach', 'vdb', 'room for mail', f'Domain: {uuid}', 'Operation: ', 'Host: ')


@test()
def git__sync_again_and_again(book):
    """What was packed stays, what is new is added, and nothing new is nothing to do."""
    some_history(book)
    for count in range(3):
        book.verify()
        book.ok('set-vcpus', '--maximum', 'mail', count + 2)
    book.verify()
    packs = sorted(os.listdir(book.path + '/book.git/objects/pack'))
    book.ok('sync')
    equal(sorted(os.listdir(book.path + '/book.git/objects/pack')), packs)


@test()
def book__is_private(book):
    some_history(book)
    equal(os.stat(book.path).st_mode & 0o777, 0o700)
    equal(os.stat(book.path + '/keys/host').st_mode & 0o777, 0o600)


@test('before', 'after')
def book__a_copy_without_empty_folders_goes_on(book, sync):
    """Git keeps none, so that a book that was carried by it has none."""
    book.define(domain('a'))
    if sync == 'after':
        book.ok('sync')
    copy = book.another('copy')
    shutil.copytree(book.path, copy.path)
    for lock in os.listdir(copy.path + '/locks'):
        os.unlink(f'{copy.path}/locks/{lock}')
    for folder, _, _ in os.walk(copy.path, topdown=False):
        if not os.listdir(folder):
            os.rmdir(folder)
    check(not os.path.exists(copy.path + '/locks'))
    equal(copy.json('jobs'), [])
    copy.ok('desc', 'a', 'goes on')
    copy.ok('define', '-', stdin=domain('b'))
    equal([entry['version'] for entry in copy.log('a')], [2, 1])
    copy.verify()
    copy.ok('verify')


if __name__ == '__main__':
    main()
