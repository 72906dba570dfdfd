#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""What a libvirt host keeps of its domains becomes records, as it is."""

import glob
import hashlib
import os
import re
import signal
import socket
import uuid

from definition import UUID, disk, domain, parse
from harness import SOURCE_DIR, Skip, check, contains, equal, main, test

CORPUS = os.path.join(os.path.dirname(SOURCE_DIR), 'shared', 'corpus', 'frozen')

HEAD = '''<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
  virsh edit {}
or other application using the libvirt API.
-->

'''


def as_kept(book, name, *devices, **options):
    """A definition as the other hypervisor's manager would have written it: all is decided."""
    path = book.file('given.xml', domain(name, *devices, **options))
    return HEAD.format(name) + book.ok('freeze', path).out


class Kept:
    """A folder such as /etc/libvirt/qemu."""

    def __init__(self, book, name='qemu'):
        self.book, self.folder = book, os.path.join(book.folder, name)
        for part in ('', 'autostart', 'networks', 'networks/autostart'):
            os.mkdir(os.path.join(self.folder, part))
        self.add('networks/default.xml', '<network><name>default</name></network>')

    def path(self, name):
        return os.path.join(self.folder, name)

    def add(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as stream:
            stream.write(text)
        return self.path(name)

    def domain(self, name, *devices, **options):
        return self.add(name + '.xml', as_kept(self.book, name, *devices, **options))

    def autostart(self, name):
        os.symlink(f'/etc/libvirt/qemu/{name}.xml', self.path(f'autostart/{name}.xml'))

    def import_all(self, *args, rc=0):
        """{file name: what became of it}"""
        answer = self.book.json('import', *args, self.folder, rc=rc)
        return {os.path.basename(row['origin']): row for row in answer['domains']}


def outcomes(rows):
    return {name: row['outcome'] for name, row in rows.items()}


def meaning(element):
    """Unlike siblings may change places; everything else counts."""
    return (element.tag, sorted(element.attrib.items()), (element.text or '').strip(),
            sorted(map(meaning, element), key=lambda child: child[0]))


def same_meaning(found, wanted):
    equal(meaning(parse(found)), meaning(parse(wanted)))


def trailers(book, name, version=0):
    row = next(row for row in book.log(name) if row['version'] == version or not version)
    return dict(line.split(': ', 1) for line in row['trailers'])


def read(path):
    with open(path, 'rb') as stream:
        return stream.read()


@test('pc', 'q35')
def import__takes_a_folder_as_it_is(book, machine):
    kept = Kept(book)
    web = kept.domain('web', disk(book.image('a.img'), 'vda'), machine=machine)
    # where nobody would put it by rule
    text = re.sub(r"(<memballoon.*?)(bus='0x\w+' slot='0x\w+')", r"\1bus='0x00' slot='0x1d'",
                  read(web).decode(), flags=re.S)
    check('0x1d' in text, text)
    kept.add('web.xml', text)
    kept.domain('mail')
    kept.autostart('mail')
    shown = outcomes(kept.import_all('--dry-run'))
    equal(book.domains(), {})
    rows = kept.import_all()
    equal(outcomes(rows), {'web.xml': 'imported', 'mail.xml': 'imported', 'networks': 'left-out'})
    equal(outcomes(rows), shown)
    equal([row['notes'] for row in rows.values()], [[], [], []])
    for name in ('web', 'mail'):
        same_meaning(book.dumpxml(name), read(kept.path(name + '.xml')).decode())
        equal(book.version(name), 1)
    equal({name: row['autostart'] for name, row in book.domains().items()},
          {'web': False, 'mail': True})
    origin = trailers(book, 'web')
    equal(origin['Operation'], 'import')
    equal(origin['Origin'], f'{socket.gethostname()}:{kept.path("web.xml")}')
    equal(origin['Origin-Hash'], hashlib.sha256(read(web)).hexdigest())
    check(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', origin['Origin-Time']), origin)
    book.verify()
    book.ok('start', 'web', '--paused')
    book.ok('check', 'web')


@test()
def import__every_definition_of_the_corpus_stays_as_it_was(book):
    """What the other manager decided is not decided again."""
    paths = sorted(glob.glob(CORPUS + '/*.out.xml'))
    if not paths:
        raise Skip('the corpus is not here')
    kept, wanted = Kept(book), {}
    for path in paths:
        text = read(path).decode()
        # left to be decided at each start: the CPU of the host
        if "mode='host-model'" in text:
            continue
        name = os.path.basename(path).split('.out.')[0]
        old, own = parse(text).find('uuid').text, str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        wanted[name] = re.sub('<name>.*?</name>', f'<name>{name}</name>', text.replace(old, own),
                              count=1)
        kept.add(name + '.xml', HEAD.format(name) + wanted[name])
    rows = [row for row in kept.import_all().values() if row['outcome'] != 'left-out']
    equal(sorted(row['domain'] for row in rows), sorted(wanted))
    for row in rows:
        equal([note for note in row['notes'] if note.startswith('frozen')], [], row)
        same_meaning(book.dumpxml(row['domain'], '--security-info'), wanted[row['domain']])


@test()
def import__again_takes_what_is_new_and_names_what_differs(book):
    kept = Kept(book)
    vda = disk(book.image('a.img'), 'vda')
    kept.domain('web', vda, uuid=UUID)
    kept.domain('mail')
    equal(book.json('import', kept.path('web.xml'))['imported'], 1)
    equal(outcomes(kept.import_all()), {
        'web.xml': 'unchanged', 'mail.xml': 'imported', 'networks': 'left-out'})
    kept.add('web.xml', read(kept.path('web.xml')).decode().replace(
        '<vcpu placement=\'static\'>1<', '<vcpu placement=\'static\'>2<'))
    with book.unchanged():
        row = kept.import_all(rc=8)['web.xml']
        equal((row['outcome'], row['version'], row['versions']), ('refused', 1, 0))
        equal(row['error']['code'], 'exists')
        contains(row['error']['hint'], f'domesday diff web {kept.path("web.xml")}',
                 f'domesday apply {kept.path("web.xml")}')
        equal(row['notes'], ['differs: vCPUs changed from 1 to 2'])
        book.ok('diff', 'web', kept.path('web.xml'), rc=1)
    book.ok('apply', kept.path('web.xml'))
    equal(outcomes(kept.import_all())['web.xml'], 'unchanged')
    # of one that was undefined the history goes on
    book.ok('undefine', 'web')
    equal(kept.import_all()['web.xml']['version'], 4)


@test()
def import__one_bad_file_keeps_no_other_out(book):
    kept = Kept(book)
    kept.domain('web', uuid=UUID)
    kept.add('zz-copy.xml', read(kept.path('web.xml')).decode())
    kept.add('broken.xml', HEAD + "<domain type='qemu'><name>b</domain>")
    kept.add('empty.xml', '')
    kept.add('filter.xml', '<filter name="f"/>')
    kept.add('noname.xml', "<domain type='qemu'/>")
    kept.add('notes.txt', 'words')
    secret = read(kept.domain('secret')).decode()
    kept.add('secret.xml', secret.replace(
        '</devices>', "<graphics type='vnc' passwd='Geheim777'/></devices>"))
    kept.add('status.xml', '<domstatus state="running"><domain/></domstatus>')
    kept.domain('zz-mail')
    os.mkfifo(kept.path('fifo.xml'))
    os.symlink('/dev/zero', kept.path('zero.xml'))
    os.symlink('loop.xml', kept.path('loop.xml'))
    os.truncate(kept.add('huge.xml', ''), 3 << 30)
    wanted = {
        'web.xml': 'imported', 'zz-mail.xml': 'imported', 'networks': 'left-out',
        'filter.xml': 'left-out', 'notes.txt': 'left-out'}
    for name in ('zz-copy', 'broken', 'empty', 'noname', 'secret', 'status', 'fifo', 'zero',
                 'loop', 'huge'):
        wanted[name + '.xml'] = 'refused'
    equal(outcomes(kept.import_all('--dry-run', rc=8)), wanted)
    rows = kept.import_all(rc=8)
    equal(outcomes(rows), wanted)
    contains(rows['zz-copy.xml']['error']['message'], UUID, kept.path('web.xml'))
    equal(rows['broken.xml']['error']['line'], 8)
    contains(rows['status.xml']['error']['hint'], '/etc/libvirt/qemu')
    equal(sorted(book.domains()), ['web', 'zz-mail'])
    book.verify()
    shown = book.ok('import', kept.folder, rc=8)
    contains(shown.out, 'left-out', 'it is a <filter>, not a <domain>', 'secret: refused: ')
    contains(shown.err, '0 imported, 2 unchanged, 10 refused, 3 left-out')
    check('Geheim' not in shown.out + shown.err, shown)


@test()
def import__passwords_are_sealed(book):
    kept = Kept(book)
    kept.add('web.xml', read(kept.domain('web')).decode().replace(
        '</devices>', "<graphics type='vnc' passwd='Geheim77'/></devices>"))
    equal(outcomes(kept.import_all())['web.xml'], 'imported')
    contains(book.dumpxml('web', '--security-info'), "passwd='Geheim77'")
    check('passwd' not in book.dumpxml('web'), book.dumpxml('web'))
    equal(outcomes(kept.import_all())['web.xml'], 'unchanged')
    book.verify()
    check('Geheim' not in book.git('log', '-p', '--all').out, 'it is in history')
def import__what_nobody_knows_is_named(book):
    kept = Kept(book)
    text = read(kept.domain('web')).decode()
    kept.add('web.xml', text.replace('<clock', '<zzqq/><clock'))
    row = kept.import_all()['web.xml']
    equal((row['outcome'], len(row['notes'])), ('imported', 1))
    contains(row['notes'][0], kept.path('web.xml'), "/domain/zzqq: the element 'zzqq' is not known")
    same_meaning(book.dumpxml('web'), text)


@test()
def import__a_book_that_wants_reasons_gets_one(book):
    kept = Kept(book)
    kept.domain('web')
    book.define(domain('other'))
    book.ok('config', 'require-reason', 'yes', '--reason', 'audit')
    with book.unchanged():
        book.refuse('import', kept.folder, code='refused', says='--reason')
        book.ok('import', '--dry-run', kept.folder)
    book.ok('import', kept.folder, '--reason', 'we move')
    equal(book.log('web')[0]['reason'], 'we move')


@test()
def import__names_that_nobody_would_give(book):
    kept = Kept(book)
    text = read(kept.domain('web')).decode()
    os.unlink(kept.path('web.xml'))
    folder = os.fsencode(kept.folder)
    names = [b'\x1b[31m.xml', b'a\nb.xml', b'\xff\xfe.xml', b'-n.xml', b"';$(id).xml", b'.xml',
             b'x' * 251 + b'.xml', '\u202eü.xml'.encode()]
    for number, name in enumerate(names):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as stream:
            stream.write(re.sub('<uuid>.*?<', f'<uuid>{uuid.uuid4()}<', text).replace(
                '<name>web<', f'<name>web{number}<'))
    answer = book.json('import', kept.folder)
    equal((answer['imported'], answer['left_out']), (len(names) - 1, 2))  # ".xml" names nothing
    for row in answer['domains']:
        check(row['origin'].isprintable(), row)
    book.verify()


@test()
def import__wrong_words_are_refused(book):
    kept = Kept(book)
    kept.domain('web')
    book.refuse('import', code='usage', says='FILE')
    book.refuse('import', '--bogus', kept.folder, code='usage', lines=None)
    equal(os.path.exists(book.path), False)
    row = book.json('import', kept.path('none.xml'), rc=8)['domains'][0]
    equal((row['outcome'], row['error']['code']), ('refused', 'not-found'))
    row = book.json('import', book.file('net.xml', '<network/>'), rc=8)['domains'][0]
    equal(row['error']['code'], 'invalid')


@test()
def import__that_is_killed_leaves_whole_domains_and_can_be_repeated(book):
    kept = Kept(book)
    text = read(kept.domain('d')).decode()
    os.unlink(kept.path('d.xml'))
    for number in range(60):
        kept.add(f'd{number}.xml', re.sub(
            '<uuid>.*?<', f'<uuid>{uuid.uuid4()}<', text).replace('<name>d<', f'<name>d{number}<'))
    seen = 0
    for _ in range(8):
        process = book.popen('import', kept.folder)
        while process.poll() is None and len(book.domains()) <= seen:
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        rows = book.domains()
        check(len(rows) >= seen, rows)
        seen = len(rows)
        equal({row['version'] for row in rows.values()}, {1})
        book.verify()
    kept.import_all()
    equal(sorted(book.domains()), sorted(f'd{number}' for number in range(60)))
    equal({len(book.log(name)) for name in book.domains()}, {1})


if __name__ == '__main__':
    main()
