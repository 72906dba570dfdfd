#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""What verify says of a book that somebody has been at, with git, ssh-keygen and sqlite3."""

import contextlib
import glob
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import zlib

from definition import domain
from harness import check, contains, equal, main, test

NO = 1


def fill(book):
    """Two domains, some versions each, all of it in book.git."""
    for name in ('web', 'mail'):
        book.define(domain(name))
    for words in ('one', 'two', 'three'):
        for name in ('web', 'mail'):
            book.ok('desc', name, words)
    book.ok('sync')
    return {name: row['uuid'] for name, row in book.domains().items()}


def execute(book, *statements):
    with contextlib.closing(sqlite3.connect(book.path + '/book.db')) as database, database:
        for statement in statements:
            database.execute(*statement)


def findings(book, *words):
    answer = book.json('verify', *words, rc=NO)
    equal(answer['sound'], False)
    return answer['findings']


def find(found, **members):
    """The one finding of which all this is true."""
    for finding in found:
        if all(finding[key] == value for key, value in members.items()):
            return finding
    raise AssertionError(f'{members} is not in {found}')


@test()
def verify__a_book_at_work_is_sound(book):
    fill(book)
    book.ok('tag', 'web@2', 'good')
    book.ok('rename', 'mail', 'post')
    book.ok('undefine', 'post')
    for words in ((), ('web',)):
        result = book.ok('verify', *words)
        contains(result.err, 'is sound')
        equal(result.out, '')
    book.ok('sync')
    answer = book.json('verify')
    equal(answer['findings'], [])
    check(answer['versions'] == 10, answer)


@test()
def verify__names_a_branch_that_was_moved_back(book):
    uuid = fill(book)['web']
    book.git('update-ref', f'refs/heads/domains/{uuid}', f'refs/heads/domains/{uuid}~1')
    found = find(findings(book), kind='refs', domain='web', version=4)
    contains(found['sentence'], 'moved back to version 3', "version 4 of 'web'")
    check(re.match(r'\d{4}-\d\d-\d\dT', found['since']), found)
    find(findings(book, 'web'), kind='refs')
    book.ok('verify', 'mail')


@test()
def verify__names_a_newest_version_that_was_deleted(book):
    uuid = fill(book)['mail']
    execute(
        book, ('DELETE FROM version WHERE number = 4 AND domain = '
               '(SELECT id FROM domain WHERE uuid = ?)', (uuid,)),
        ('UPDATE domain SET version = 3, head = (SELECT oid FROM version v WHERE '
         'v.domain = domain.id AND number = 3) WHERE uuid = ?', (uuid,)))
    book.git('update-ref', f'refs/heads/domains/{uuid}', f'refs/heads/domains/{uuid}~1')
    found = findings(book)
    newest = find(found, kind='index', domain='mail', version=4)
    contains(newest['sentence'], 'book.db does not know it')
    contains(' '.join(f['sentence'] for f in found), 'the book was longer once')


def rewrite(book, commit, key):
    """That commit with another subject, signed with another key, as git itself would."""
    raw = book.git('cat-file', 'commit', commit).out
    plain = re.sub(r'^gpgsig .*\n(?: .*\n)*', '', raw, flags=re.MULTILINE)
    plain = plain.replace('\n\n', '\n\nnothing, really: ', 1)
    signature = subprocess.run(
        ['ssh-keygen', '-Y', 'sign', '-n', 'git', '-f', key], input=plain, capture_output=True,
        text=True, check=True).stdout
    head, rest = plain.split('\n\n', 1)
    signed = f'{head}\ngpgsig ' + signature.rstrip('\n').replace('\n', '\n ') + '\n\n' + rest
    return subprocess.run(
        ['git', '-C', book.path + '/book.git', 'hash-object', '-t', 'commit', '-w', '--stdin'],
        input=signed, capture_output=True, text=True, check=True).stdout.strip()


def put_in_place(book, old, key):
    """Rewrites that version, and what book.db says of it."""
    new = rewrite(book, old, key)
    execute(book, ('UPDATE version SET oid = ? WHERE oid = ?',
                   (bytes.fromhex(new), bytes.fromhex(old))))
    return new


@test()
def verify__names_a_commit_that_was_rewritten_with_another_key(book):
    uuid = fill(book)['web']
    key = book.folder + '/other'
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key], check=True)
    old = book.git('rev-parse', f'domains/{uuid}~1').out.strip()
    new = put_in_place(book, old, key)
    found = findings(book)
    forged = find(found, kind='signature', domain='web', version=3, commit=new)
    contains(forged['sentence'], "not the book's")
    find(found, kind='chain', domain='web', version=4)


@test('first', 'changed')
def verify__nothing_is_signed_with_a_key_that_is_not_the_books(book, which):
    """The folder keys of another book came into this one."""
    fill(book)
    if which == 'changed':
        book.ok('key', 'rotate')
    other = book.another('other')
    fill(other)
    shutil.move(book.path + '/keys', book.folder + '/kept')
    shutil.copytree(other.path + '/keys', book.path + '/keys')
    before = book.snapshot()
    for command in (('desc', 'web', 'mine'), ('tag', 'web@1', 'mine'), ('key', 'rotate')):
        refused = book.refuse(*command, code='corrupt', says='is not the key that the book names')
        contains(refused.err, 'bring back that key')
    book.refuse('define', '-', stdin=domain('new'), code='corrupt')
    equal(book.snapshot(), before)
    find(findings(book), kind='key', where='keys/host')
    shutil.rmtree(book.path + '/keys')
    shutil.move(book.folder + '/kept', book.path + '/keys')
    book.ok('desc', 'web', 'mine')
    book.ok('verify')


@test()
def verify__names_a_taken_over_version_that_this_host_rewrote(book):
    remote = os.path.join(book.folder, 'remote.git')
    subprocess.run(['git', 'init', '-q', '--bare', remote], check=True)
    alpha, beta = book.another('alpha', host='alpha'), book.another('beta', host='beta')
    uuid = fill(alpha)['web']
    alpha.ok('remote', 'add', 'fleet', remote)
    alpha.ok('push')
    beta.ok('remote', 'add', 'fleet', remote)
    beta.ok('evacuate', 'alpha', 'web', '--from', 'fleet', '--override', 'gone')
    beta.ok('verify')
    old = beta.git('rev-parse', f'domains/{uuid}~2').out.strip()
    new = put_in_place(beta, old, beta.path + '/keys/host')
    found = findings(beta)
    forged = find(found, kind='signature', domain='web', version=3, commit=new)
    contains(forged['sentence'], 'not that of the book it came from')
    find(found, kind='chain', domain='web', version=4)


@test()
def verify__names_what_the_index_says_falsely(book):
    uuids = fill(book)
    execute(book, ("UPDATE domain SET name = 'mail2' WHERE uuid = ?", (uuids['mail'],)),
            ("UPDATE use SET value = 'x' || value WHERE domain = (SELECT id FROM domain "
             "WHERE uuid = ?)", (uuids['web'],)))
    found = findings(book)
    contains(find(found, kind='index', domain='mail2')['sentence'], 'the name')
    check(not [f for f in found if f['kind'] == 'file'], found)  # sqlite3 may write
    book.ok('reindex')
    book.ok('verify')
    equal(set(book.domains()), {'web', 'mail'})


def flip(path, at, bit):
    with open(path, 'r+b') as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1 << bit]))


@test()
def verify__is_what_a_version_that_cannot_be_read_leads_to(book):
    fill(book)
    for path in glob.glob(book.path + '/book.git/objects/pack/*'):
        os.unlink(path)
    for words in (('log', 'web'), ('log', '--all'), ('blame', 'web'), ('dumpxml', 'web')):
        book.refuse(*words, code='corrupt', lines=None,
                    says=("version 4 of '", "'domesday verify' says what is damaged"))


# What somebody does to the tables, and what verify says of it.
TABLES = {
    'trigger': ('CREATE TRIGGER helper AFTER INSERT ON version BEGIN DELETE FROM tag; END',
                "the trigger 'helper' of book.db is not of Domesday's making"),
    'table': ('CREATE TABLE more(a)', "the table 'more' of book.db is not of Domesday's making"),
    'view': ('CREATE VIEW seen AS SELECT * FROM use',
             "the view 'seen' of book.db is not of Domesday's making"),
    'column': ('ALTER TABLE use ADD COLUMN more',
               "the table 'use' of book.db is not as Domesday makes it"),
    'no-journal': ('DROP TABLE journal', "the table 'journal' is missing in book.db"),
    'no-secret': ('DROP TABLE secret', "the table 'secret' is missing in book.db"),
    'no-index': ('DROP INDEX domain_name', "the index 'domain_name' is missing in book.db"),
}


@test(*TABLES)
def verify__names_what_was_made_of_the_tables(book, what):
    statement, words = TABLES[what]
    fill(book)
    execute(book, (statement,))
    found = findings(book)
    check([f for f in found if f['kind'] == 'file' and words in f['sentence']], found)
    book.ok('reindex', rc=None)
    book.ok('verify')


@test()
def verify__what_analyze_leaves_is_no_finding(book):
    fill(book)
    execute(book, ('ANALYZE',))
    book.ok('verify')


@test('table', 'index')
def verify__a_bit_in_a_uuid_is_told_and_put_right(book, where):
    """The row is listed and not found, and what belongs to it is not lost with it."""
    uuids = fill(book)
    for name in ('web', 'mail'):
        book.ok('tag', f'{name}@2', 'good')
    book.ok('sync')
    execute(book, ("UPDATE domain SET title = 'x' WHERE uuid = ?", (uuids['mail'],)))
    with contextlib.closing(sqlite3.connect(book.path + '/book.db')) as database:
        database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        pages = [row[0] for row in database.execute(
            "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'domain' AND name IN "
            "('domain', 'sqlite_autoindex_domain_1') ORDER BY type DESC")]
    page = 4096 * (pages[where == 'index'] - 1)
    with open(book.path + '/book.db', 'rb') as stream:
        at = stream.read().index(uuids['web'].encode(), page)
    check(at < page + 4096, 'its UUID is not where it was expected')
    flip(book.path + '/book.db', at + 35, 0)
    found = findings(book)
    contains(' '.join(f['sentence'] for f in found), 'does not find it by that UUID')
    contains(find(found, kind='index', domain='mail', version=4)['sentence'], 'the title')
    book.ok('reindex')
    for name in ('web', 'mail'):
        equal(book.log(name)[2]['tags'], ['good'])
    book.ok('verify')


@test()
def verify__a_bit_in_a_young_books_log_hides_nothing_for_long(book):
    """All of the book is in the log still, and SQLite would read none of it."""
    for name in ('web', 'mail'):
        book.define(domain(name))
    before = [book.ok('dumpxml', name).out for name in ('web', 'mail')]
    flip(book.path + '/book.db-wal', 32 + 4120 + 100, 5)
    for words in (('desc', 'web', 'over it'), ('verify',), ('list', '--all')):
        contains(book.ok(*words, rc=10).err, 'book.db-wal is damaged: frame 2')
    result = book.ok('reindex')
    contains(result.err, 'put right in the old book.db or its log: 1 page with a changed word')
    equal([book.ok('dumpxml', name).out for name in ('web', 'mail')], before)
    contains(book.ok('verify').err, 'is sound')


def setting_of(book):
    """Where book.db has one of which no version says what it was."""
    fill(book)
    book.ok('config', 'require-reason', 'yes')
    book.ok('gc')
    with open(book.path + '/book.db', 'rb') as stream:
        return stream.read().index(b'{"value":"yes"')


@test()
def verify__a_bit_in_a_setting_is_told_and_put_right(book):
    flip(book.path + '/book.db', setting_of(book) + 12, 4)
    find(findings(book), kind='file', where='book.db')
    contains(book.ok('reindex').err, 'put right in the old book.db or its log: 1 page with')
    equal(book.ok('config', 'require-reason').out.strip(), 'yes')
    book.ok('verify')


@test()
def verify__a_bit_that_cannot_be_put_right_is_told_as_a_loss(book):
    """Of the highest bits of a word the checksum does not say which word it was."""
    flip(book.path + '/book.db', setting_of(book) | 3, 7)
    find(findings(book), kind='file', where='book.db')
    [loss] = book.json('reindex', rc=NO)['losses']
    contains(loss, 'a bit was changed in 1 of the pages of book.db', 'it cannot be told which')
    equal([row['version'] for row in book.json('list', '--all')], [4, 4])


@test()
def verify__names_what_is_under_way_and_nobody_can_read(book):
    fill(book)
    execute(book, ("INSERT INTO journal(uuid, operation, base, detail, since)"
                   " SELECT uuid, 'attach-device', version, '{', 0 FROM domain"
                   " WHERE name = 'web'",))
    says = "what book.db says of the attach-device of 'web' that is under way cannot be read"
    for words in ((), ('web',)):
        equal(find(findings(book, *words), kind='index', domain='web')['sentence'], says)
    other = next(name for name in book.domains() if name != 'web')
    check(all(says != finding['sentence'] for finding in book.json('verify', other, rc=None)[
        'findings']), other)


@test()
def verify__names_what_book_db_says_of_a_guest_and_nobody_can_read(book):
    fill(book)
    execute(book, ("UPDATE domain SET state = 1, runtime = '{' WHERE name = 'web'",))
    says = "what book.db says of the guest of domain 'web' cannot be read"
    equal(find(findings(book), kind='index', domain='web')['sentence'], says)
    book.refuse('list', code='corrupt', says=(says, 'reindex'))


@test()
def verify__an_emptied_young_book_is_not_begun_anew(book):
    for name in ('web', 'mail'):
        book.define(domain(name))
    before = [book.ok('dumpxml', name).out for name in ('web', 'mail')]
    shutil.copytree(book.path, book.path + '.kept')
    os.truncate(book.path + '/book.db', 0)
    for words in (('desc', 'web', 'over it'), ('verify',), ('list', '--all')):
        contains(book.ok(*words, rc=10).err, 'book.db is empty, but its log is not')
    book.ok('reindex')
    equal([book.ok('dumpxml', name).out for name in ('web', 'mail')], before)
    shutil.rmtree(book.path)
    os.rename(book.path + '.kept', book.path)
    os.unlink(book.path + '/book.db-wal')
    contains(book.ok('list', '--all', rc=10).err, 'had domains, but book.db is empty')


@test()
def verify__says_that_the_folder_of_refs_is_gone(book):
    fill(book)
    shutil.rmtree(book.path + '/book.git/refs')
    find(findings(book), kind='file', where='book.git/refs')
    book.ok('sync')
    contains(book.ok('verify').err, 'is sound')


@test('commondir', 'shallow', 'info/grafts', 'info/attributes', 'objects/info/alternates',
      'objects/info/http-alternates', 'config.worktree', 'hooks/post-update')
def verify__names_what_git_would_believe(book, name):
    fill(book)
    path = os.path.join(book.path, 'book.git', name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    book.file(path, '')
    found = find(findings(book), kind='file', where='book.git/' + name)
    contains(found['sentence'], "not of Domesday's making")
    os.rename(path, book.folder + '/away')
    book.file(os.path.join(os.path.dirname(path), 'pre-push.sample'))
    book.ok('verify')


def graph(book, how):
    """Has git write what it keeps of commits; the file of the newest of them."""
    folder = book.path + '/book.git/objects/info/'
    if how == 'single':
        book.git('gc', '-q')
        return folder + 'commit-graph'
    for text in ('four', 'five'):
        book.git('commit-graph', 'write', '--reachable', '--split=no-merge')
        book.ok('desc', 'web', text)
        book.ok('sync')
    with open(folder + 'commit-graphs/commit-graph-chain', encoding='ascii') as stream:
        layers = stream.read().split()
    equal(len(layers), 2)
    return folder + f'commit-graphs/graph-{layers[-1]}.graph'


def chunk(data, name):
    """Where that part of a commit-graph begins."""
    for at in range(8, 8 + 12 * data[6], 12):
        if data[at:at + 4] == name:
            return int.from_bytes(data[at + 4:at + 12], 'big')
    raise AssertionError(f'it has no {name}')


@test('single', 'layers')
def verify__names_a_bit_in_gits_notes_of_commits(book, how):
    fill(book)
    path = graph(book, how)
    where = os.path.relpath(path, book.path)
    book.ok('verify')
    for at in (0, 5, 40, os.path.getsize(path) // 2, os.path.getsize(path) - 1):
        flip(path, at, 3)
        contains(find(findings(book), kind='file', where=where)['sentence'], 'is damaged')
        flip(path, at, 3)
    book.ok('verify')
    if how == 'layers':
        chain = os.path.dirname(where) + '/commit-graph-chain'
        flip(os.path.join(book.path, chain), 43, 0)
        check(findings(book))
        flip(os.path.join(book.path, chain), 40, 0)
        find(findings(book), kind='file', where=chain)


@test('parent', 'tree', 'time')
def verify__names_notes_of_commits_that_show_another_history(book, what):
    """Whole for git, which then leaves versions out of its log."""
    uuid = fill(book)['web']
    path = graph(book, 'single')
    newest = book.git('rev-parse', f'domains/{uuid}').out.strip()
    shown = book.git('log', '--format=%T', f'domains/{uuid}').out
    with open(path, 'rb') as stream:
        data = bytearray(stream.read())
    names, rows = chunk(data, b'OIDL'), chunk(data, b'CDAT')
    row = rows + (data.index(bytes.fromhex(newest), names) - names) // 20 * 36
    if what == 'parent':
        data[row + 20:row + 24] = (0x70000000).to_bytes(4, 'big')
    elif what == 'tree':
        data[row:row + 20] = bytes.fromhex(book.git('rev-parse', 'book^{tree}').out.strip())
    else:
        data[row + 35] ^= 1
    data[-20:] = hashlib.sha1(data[:-20]).digest()
    os.chmod(path, 0o644)
    with open(path, 'wb') as stream:
        stream.write(data)
    if what != 'time':
        check(book.git('log', '--format=%T', f'domains/{uuid}').out != shown)
    found = find(findings(book), kind='file', commit=newest)
    contains(found['sentence'], 'commit-graph says of commit', 'another history')
    os.unlink(path)
    book.ok('verify')


@test('loose', 'packed')
def verify__names_a_ref_that_replaces_a_version(book, how):
    uuid = fill(book)['web']
    newest, before = (book.git('rev-parse', f'domains/{uuid}{at}').out.strip() for at in ('', '~1'))
    book.git('replace', newest, before)
    if how == 'packed':
        book.git('pack-refs', '--all')
    found = find(findings(book), kind='refs')
    contains(found['sentence'], f'refs/replace/{newest} makes git show another object')
    book.git('replace', '--delete', newest)
    book.ok('verify')


@test()
def verify__a_bit_in_the_log_is_warned_of(book):
    fill(book)
    book.ok('desc', 'web', 'the last')
    size = os.path.getsize(book.path + '/book.db-wal')
    flip(book.path + '/book.db-wal', size - 2000, 2)
    result = book.ok('desc', 'web')
    contains(result.err, 'warning: ' + book.path + '/book.db-wal is damaged')
    equal(result.out.strip(), 'three')
    book.ok('desc', 'web', 'over it', rc=10)
    find(findings(book), kind='file', where='book.db-wal')
    book.ok('reindex')
    equal(book.ok('desc', 'web').out.strip(), 'the last')


@test()
def verify__believes_no_object_that_it_is_larger_than_memory(book):
    """libgit2 would take that much, before it looks at the first byte."""
    fill(book)
    for name, size in (('12' * 20, 1 << 34), ('34' * 20, 1 << 50)):
        folder = os.path.join(book.path, 'book.git/objects', name[:2])
        os.makedirs(folder)
        with open(os.path.join(folder, name[2:]), 'wb') as stream:
            stream.write(zlib.compress(b'blob %d\0' % size + b'x' * 100))
    found = findings(book)
    for name in ('12' * 20, '34' * 20):
        check([f for f in found if name in f['sentence'] and 'it is damaged' in f['sentence']],
              found)
    shutil.rmtree(book.path + '/book.git/objects/12')
    shutil.rmtree(book.path + '/book.git/objects/34')
    book.ok('verify')


@test()
def verify__a_pack_entry_that_says_it_is_huge_is_told(book):
    """Of a commit in a pack, where the size stands: the bits say that more bytes of it follow."""
    fill(book)
    (index,) = glob.glob(book.path + '/book.git/objects/pack/*.idx')
    (pack,) = glob.glob(book.path + '/book.git/objects/pack/*.pack')
    listed = subprocess.run(['git', 'verify-pack', '-v', index], capture_output=True, text=True,
                            check=True).stdout
    whole = [line.split() for line in listed.splitlines() if len(line.split()) == 5]
    oid, _, _, _, offset = whole[0]
    os.chmod(pack, 0o600)
    with open(pack, 'r+b') as stream:
        stream.seek(int(offset))
        first = stream.read(1)[0]
        stream.seek(int(offset))
        stream.write(bytes([first | 0x80]) + b'\xff' * 4 + b'\x07')
    found = findings(book)
    check([f for f in found if oid in f['sentence'] and 'it is damaged' in f['sentence']], found)


@test()
def verify__an_index_that_leads_anywhere_ends_nothing(book):
    """Each bit of an offset in turn: libgit2 takes what is there for an object."""
    fill(book)
    (index,) = glob.glob(book.path + '/book.git/objects/pack/*.idx')
    os.chmod(index, 0o600)
    count = (os.path.getsize(index) - 8 - 1024 - 40) // 28
    table = 8 + 1024 + 24 * count
    for bit in range(0, 4 * count * 8, 29):
        flip(index, table + bit // 8, bit % 8)
        found = find(findings(book), kind='file', where='book.git/objects/pack/'
                     + os.path.basename(index))
        contains(found['sentence'], 'not what its checksum says', 'git index-pack')
        flip(index, table + bit // 8, bit % 8)
    flip(index, table, 4)
    book.refuse('reindex', code='corrupt', says="'domesday verify' says what is damaged")
    os.unlink(index)
    subprocess.run(['git', 'index-pack', index.removesuffix('.idx') + '.pack'], check=True,
                   capture_output=True)
    book.ok('reindex')
    book.ok('verify')


def packed(book):
    """Its one index, and of each object its name, where it is, and of what it is a delta."""
    (index,) = glob.glob(book.path + '/book.git/objects/pack/*.idx')
    os.chmod(index, 0o600)
    listed = subprocess.run(['git', 'verify-pack', '-v', index], capture_output=True, text=True,
                            check=True).stdout
    rows = sorted(words for words in map(str.split, listed.splitlines()) if len(words) in (5, 7))
    return index, [(words[0], int(words[4]), words[6] if words[6:] else None) for words in rows]


def lead(index, count, places):
    """Lets the index say of the objects of these places that they are elsewhere."""
    with open(index, 'r+b') as stream:
        for place, offset in places.items():
            stream.seek(8 + 1024 + 24 * count + 4 * place)
            stream.write(offset.to_bytes(4, 'big'))


READERS = (('log', 'web'), ('log', '-p', 'web'), ('blame', 'web'), ('show', 'web@2'),
           ('diff', 'web@1', 'web@3'), ('dumpxml', 'web@2'), ('rollback', 'web@2', '--dry-run'),
           ('desc', 'web', 'anew'), ('reindex',))


@test()
def damage__an_index_that_leads_out_of_its_pack_stops_nobody_dead(book):
    """libgit2 crashes there, or says that memory is out."""
    fill(book)
    index, objects = packed(book)
    with open(index, 'rb') as stream:
        before = stream.read()
    size = os.path.getsize(index.removesuffix('.idx') + '.pack')
    for offset in (0, size - 20, size - 1, size + 100, 1 << 20, 1 << 28, (1 << 31) - 1):
        lead(index, len(objects), dict.fromkeys(range(len(objects)), offset))
        for words in READERS:
            says = ["'domesday verify' says what is damaged"]
            if words != ('reindex',):
                says.append(os.path.basename(index) + ' is damaged')
            book.refuse(*words, code='corrupt', says=says)
        for words in ((), ('web',)):
            find(findings(book, *words), kind='file', where='book.git/objects/pack/'
                 + os.path.basename(index))
    with open(index, 'wb') as stream:
        stream.write(before)
    book.ok('verify')
    equal(len(book.json('log', 'web')), 4)


@test()
def damage__an_index_that_leads_round_in_a_circle_hangs_nobody(book):
    """What a delta is made from is said to be where the delta is."""
    fill(book)
    index, objects = packed(book)
    place = {oid: place for place, (oid, _, _) in enumerate(objects)}
    bent = {place[base]: offset for _, offset, base in objects if base}
    check(bent, 'there is no delta')
    lead(index, len(objects), bent)
    answers = [book.run(*words) for words in READERS]
    for answer in answers:
        check(answer.rc in (0, 10), answer)
    check([answer for answer in answers if 'leads astray' in answer.err], answers)
    for words in ((), ('web',)):
        find(findings(book, *words), kind='file')


PIPES = {
    'book.git/objects/pack/*.idx': ('log', 'dumpxml', 'push', 'sync', 'reindex', 'backup'),
    'book.git/objects/pack/*.pack': ('log', 'dumpxml', 'push', 'sync', 'reindex', 'backup'),
    'book.git/objects/12/' + '34' * 19: ('log', 'dumpxml', 'push', 'sync', 'reindex'),
    'book.git/objects/info/alternates': ('log', 'dumpxml', 'push', 'sync', 'reindex'),
    'book.git/packed-refs': ('push', 'sync', 'backup'),
    'book.git/refs/heads/other': (),
    'book.git/HEAD': ('push',),
    'book.git/config': ('push', 'backup'),
    'book.git/description': (),
    'keys/host': ('desc', 'identity', 'backup'),
    'keys/host.pub': ('backup',),
    'keys/allowed_signers': ('backup',),
    'lock': ('desc', 'sync', 'backup'),
}


@test(*PIPES)
def damage__a_pipe_in_the_place_of_a_file_hangs_nobody(book, pattern):
    """Nobody ever writes into it."""
    fill(book)
    remote = os.path.join(book.folder, 'remote.git')
    subprocess.run(['git', 'init', '-q', '--bare', remote], check=True)
    book.ok('remote', 'add', 'elsewhere', remote)
    book.ok('desc', 'web', 'staged')
    (path,) = glob.glob(book.path + '/' + pattern) or [book.path + '/' + pattern]
    if os.path.exists(path):
        os.unlink(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.mkfifo(path)
    words = {'log': ('log', '-p', 'web'), 'dumpxml': ('dumpxml', 'web@2'), 'push': ('push',),
             'sync': ('sync',), 'reindex': ('reindex',), 'desc': ('desc', 'web', 'anew'),
             'identity': ('identity',), 'backup': ('backup', os.path.join(book.folder, 'copy')),
             'list': ('list', '--all'), 'jobs': ('jobs',), 'tag': ('tag', 'web'),
             'blame': ('blame', 'web'), 'remote': ('remote', 'list')}
    for name, command in words.items():
        answer = book.run(*command)
        if name in PIPES[pattern]:
            check(answer.rc in (10, 11), answer)
            contains(answer.err, path, 'is no file')
    for whole in ((), ('web',)):
        answer = book.run('verify', *whole)
        check(answer.rc >= 0, answer)
        if not whole:
            contains(answer.out + answer.err, os.path.basename(path), 'is no file')


@test()
def damage__what_is_kept_of_qemu_is_not_believed_once_it_is_changed(book):
    """A definition would be frozen with it, and signed."""
    book.define(domain('first', machine='q35'))
    contains(book.ok('dumpxml', 'first').out, 'pc-q35-')
    execute(book, ("UPDATE cache SET value = replace(value, 'pc-q35-', 'pc-q34-')",))
    book.define(domain('web', machine='q35'))
    contains(book.ok('dumpxml', 'web').out, 'pc-q35-')
    execute(book, ("UPDATE cache SET value = substr(value, 1, 4000)",))
    book.define(domain('mail', machine='q35'))
    contains(book.ok('dumpxml', 'mail').out, 'pc-q35-')


@test()
def verify__names_an_epoch_that_no_version_has(book):
    """With it this host would claim the domain from whoever owns it."""
    uuids = fill(book)
    execute(book, ('UPDATE domain SET epoch = 9 WHERE uuid = ?', (uuids['web'],)))
    contains(find(findings(book), kind='index', domain='web')['sentence'], 'the epoch')
    book.ok('reindex')
    book.ok('verify')
    equal(book.domains()['web']['epoch'], 1)


@test('genesis', 'book-head')
def verify__says_which_setting_book_db_has_lost(book, name):
    fill(book)
    book.ok('sync')
    execute(book, ('DELETE FROM setting WHERE key = ?', (name,)))
    book.refuse('key', code='corrupt', says=(f"lacks the setting '{name}'", 'reindex'))
    find(findings(book), kind='key', sentence=f"book.db lacks the setting '{name}'")
    book.ok('reindex')
    book.ok('desc', 'web', 'words')
    book.verify()


@test()
def verify__says_it_in_text_whatever_the_bytes_are(book):
    """A branch whose name is no UTF-8 any more."""
    fill(book)
    path = book.path + '/book.git/packed-refs'
    with open(path, 'rb') as stream:
        refs = stream.read()
    flip(path, refs.index(b'refs/heads/domains/') + len('refs/heads/domains/') + 3, 7)
    check(all(finding['sentence'].isprintable() for finding in findings(book)), 'not printable')


@test()
def verify__a_remote_is_a_witness(book):
    uuid = fill(book)['web']
    remote = book.folder + '/witness.git'
    subprocess.run(['git', 'init', '-q', '--bare', remote], check=True)
    book.ok('remote', 'add', 'far', remote)
    book.ok('push')
    before = book.path + '.before'
    shutil.copytree(book.path, before)
    book.ok('desc', 'web', 'four')
    book.ok('push')
    for where in ('far', remote):
        book.ok('verify', '--against', where)
        book.ok('verify', 'mail', '--against', where)
    # the whole book as it was, and another history from there on: nothing in it is wrong
    shutil.rmtree(book.path)
    os.rename(before, book.path)
    book.ok('desc', 'web', 'another four')
    book.ok('verify')
    for where in ('far', remote):
        found = findings(book, '--against', where)
        lost = find(found, kind='chain', domain='web', uuid=uuid, version=5)
        contains(lost['sentence'], "version 5 of 'web'", 'rewritten or cut off')
    book.refuse('verify', '--against', book.folder + '/nowhere.git', code='system')
    book.refuse('verify', '--against', 'nowhere', code='not-found', lines=None)


def mixed(book, database, repository):
    """The book with book.db of one copy and book.git (with the keys) of another."""
    shutil.rmtree(book.path)
    shutil.copytree(repository, book.path)
    for path in glob.glob(book.path + '/book.db*'):
        os.unlink(path)
    for path in glob.glob(database + '/book.db*'):
        shutil.copy(path, book.path)


def copied(book, name):
    return shutil.copytree(book.path, os.path.join(book.folder, name))


@test()
def reindex__tells_what_an_older_book_git_lacks(book):
    fill(book)
    old = copied(book, 'old')
    book.ok('desc', 'web', 'four')
    book.ok('desc', 'web', 'five')
    book.define(domain('late'))
    book.ok('sync')
    new = copied(book, 'new')
    mixed(book, new, old)
    result = book.ok('reindex', rc=NO)
    contains(result.out, "versions 5 to 6 of 'web', which the old book.db had",
             "version 1 of 'late', which the old book.db had")
    check('mail' not in result.out, result)
    check(os.path.exists(book.path + '/book.db.old'), 'what the old book.db says is gone')
    book.ok('verify')


@test()
def reindex__of_two_versions_5_takes_that_of_book_db(book):
    """An old book.db was put back, and changed: then book.git has both."""
    fill(book)
    old = copied(book, 'old')
    for turn in range(4):
        book.ok('desc', 'web', f'other {turn}')
        book.ok('sync')
        new = copied(book, f'new{turn}')
        mixed(book, old, new)
        book.ok('desc', 'web', f'mine {turn}')
        book.ok('desc', 'web', f'mine again {turn}')
        book.ok('sync')
        before = book.log('web')
        result = book.ok('reindex', rc=NO)
        contains(result.out, 'there is more than one version 5: the commit')
        equal(book.log('web'), before)
        mixed(book, old, new)


@test()
def reindex__an_older_book_db_does_not_hide_a_change_of_the_key(book):
    fill(book)
    old = copied(book, 'old')
    book.ok('key', 'rotate')
    book.ok('desc', 'web', 'by the next key')
    book.ok('sync')
    before = book.snapshot()
    mixed(book, old, copied(book, 'new'))
    book.ok('verify', rc=NO)
    book.ok('reindex')
    equal(book.snapshot(), before)
    equal(len(book.json('key')), 2)
    book.ok('verify')


@test()
def reindex__tells_a_change_of_the_key_that_is_lost(book):
    fill(book)
    old = copied(book, 'old')
    book.ok('key', 'rotate')
    book.ok('sync')
    mixed(book, copied(book, 'new'), old)
    contains(book.ok('reindex', rc=NO).out, 'a change of the key may be lost')


if __name__ == '__main__':
    main()
