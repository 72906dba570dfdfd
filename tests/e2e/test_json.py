#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Every command answers with one JSON value when asked to."""

import json
import re
import subprocess

from definition import disk, domain, serial_file
from harness import check, equal, main, test, wait_until

CHANGE = {'domain', 'uuid', 'version', 'changed'}
STATE = {'name', 'uuid', 'title', 'state', 'id', 'pid', 'autostart', 'version', 'epoch', 'owner',
         'claimed'}
VERSION = {'version', 'commit', 'when', 'authored', 'author', 'caller', 'committer',
           'operation', 'subject', 'reason'}

REMOTE = {'name', 'url', 'identity', 'pushed', 'current', 'failure'}
TRANSFER = {'remote', 'created', 'forwarded', 'current', 'diverged', 'lost', 'branches'}
KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'  # nobody's
PEER = {'name', 'address', 'key', 'fingerprint', 'since', 'who', 'reason', 'revoked', 'revoked_by',
        'revoked_reason'}

# Words, exit status, members of the answer (of its first element if it is a list). In this order.
SESSION = (
    ('freeze FILE', 0, {'xml'}),
    ('capabilities', 0, {'emulator', 'version', 'machines', 'cpus', 'accelerators', 'devices'}),
    ('define FILE', 0, CHANGE),
    ('import FILE', 0, {'imported', 'unchanged', 'refused', 'left_out', 'dry_run', 'domains'}),
    ('validate FILE', 0, {'valid', 'kept'}),
    ('apply --dry-run FILE', 0, CHANGE | {'dry_run', 'plan'}),
    ('apply FILE', 0, CHANGE | {'dry_run', 'plan'}),
    ('abi-check a FILE', 0, {'same', 'differences'}),
    ('list --all', 0, STATE),
    ('dominfo a', 0, STATE),
    ('domstate a', 0, {'state'}),
    ('dumpxml a', 0, {'xml'}),
    ('attach-device a DISK', 0, CHANGE),
    ('who-uses IMAGE', 0, {'domain', 'kind', 'value', 'mode', 'config', 'live'}),
    ('jobs', 0, set()),  # of which there is none
    ('diff a', 1, {'equal', 'differences'}),
    ('report a --html -', 0, {'html', 'domains', 'versions', 'drifted', 'sound'}),
    ('blame a', 0, {'path', 'value', 'version', 'when', 'author', 'operation', 'subject'}),
    ('log a', 0, VERSION),
    ('show a@2', 0, VERSION | {'changes'}),
    ('tag a@2 bigger', 0, {'domain', 'label', 'version', 'changed'}),
    ('tag a', 0, {'label', 'version', 'object', 'when', 'tagger', 'reason'}),
    ('detach-device a vdb', 0, CHANGE),
    ('update-device a CDROM', 0, CHANGE),
    ('set-memory a 96M', 0, CHANGE),
    ('set-vcpus --maximum a 2', 0, CHANGE),
    ('desc a words', 0, CHANGE),
    ('desc a', 0, {'description'}),
    ('metadata a urn:a --key k --set <x/>', 0, CHANGE),
    ('metadata a urn:a', 0, {'xml'}),
    ('autostart a', 0, STATE),
    ('rename a b', 0, CHANGE),
    ('rollback b 1', 0, CHANGE | {'dry_run', 'now', 'pending'}),
    ('upgrade b --machine pc-i440fx-1.7', 0, CHANGE | {'changes'}),
    ('advise', 0, {'domain', 'uuid', 'running', 'kind', 'path', 'value', 'sentence', 'command'}),
    ('start b', 0, STATE),
    ('check b', 0, {'agree', 'drift'}),
    ('suspend b', 0, STATE),
    ('resume b', 0, STATE),
    ('migrate b --local --dry-run', 0, {'domain', 'instance', 'memory', 'dry_run', 'live',
                                        'possible', 'copy_bytes', 'hook', 'one_pass', 'disks'}),
    ('migrate b --local', 0, {'domain', 'uuid', 'instance', 'memory', 'version', 'live',
                              'total_ms', 'downtime_ms', 'sent_bytes', 'postcopy', 'screen',
                              'screen_type'}),
    ('reboot b', 0, STATE),
    ('shutdown b', 0, STATE),
    ('destroy b', 0, STATE),
    ('sync', 0, {'book'}),
    ('remote add copy REMOTE', 0, REMOTE),
    ('remote', 0, REMOTE),
    ('push', 0, TRANSFER),
    ('pull copy', 0, TRANSFER),
    ('evacuate other --all --from copy --override x', 4, {'error'}),  # which never pushed
    ('identity', 0, {'name', 'key', 'fingerprint'}),
    ('peer add other.example 192.0.2.1 KEY', 0, PEER),
    ('peer', 0, PEER),
    ('peer add mistyped.example 192.0.2.2 KEY', 5, {'error'}),  # which other.example has
    ('peer remove other.example', 0, set()),  # of which none is left
    ('peer add other.example 192.0.2.1 KEY', 0, PEER),
    ('peer revoke other.example', 0, PEER),
    ('peer check other.example', 8, {'error'}),
    ('migrate b nowhere', 4, {'error'}),
    ('job-abort b', 4, {'error'}),
    ('config', 0, {'name', 'value', 'who', 'when', 'reason'}),
    ('config require-reason yes', 0, {'name', 'value', 'who', 'when', 'reason'}),
    ('config require-reason no --reason x', 0, {'name', 'value', 'who', 'when', 'reason'}),
    ('key rotate', 0, {'fingerprint', 'key'}),
    ('key', 0, {'number', 'fingerprint', 'key', 'since', 'until', 'who', 'commit', 'place',
                'current', 'adopted', 'fault'}),
    ('backup BACKUP', 0, {'backup'}),
    ('restore --book RESTORED BACKUP', 0,
     {'sound', 'domains', 'versions', 'objects', 'findings', 'adopted'}),
    ('restore --book RETURNED --from REMOTE', 0,
     {'sound', 'domains', 'versions', 'objects', 'findings', 'adopted', 'keys',
      'without_passwords'}),
    ('reindex', 0, {'domains', 'versions', 'staged', 'mended', 'losses'}),
    ('verify', 0, {'sound', 'domains', 'versions', 'objects', 'findings', 'adopted'}),
    ('gc', 0, {'book'}),
    ('undefine b', 0, CHANGE),
)
NOT_HERE = {'help', 'version', 'completion'}  # no answers about a book


@test()
def json__of_every_command(book):
    cdrom = "<disk type='file' device='cdrom'>{}<target dev='sda' bus='scsi'/><readonly/></disk>"
    medium = f"<driver name='qemu' type='raw'/><source file='{book.image('cd.iso')}'/>"
    serial = book.folder + '/serial'
    places = {
        'FILE': book.file('a.xml', domain(
            'a', cdrom.format(''), serial_file(serial), boot=True)), 'IMAGE': book.image('b.img'),
        'DISK': book.file('b.xml', disk(book.folder + '/b.img', 'vdb')),
        'CDROM': book.file('cd.xml', cdrom.format(medium)), 'REMOTE': book.folder + '/copy.git',
        'BACKUP': book.folder + '/book.tar', 'RESTORED': book.folder + '/restored',
        'RETURNED': book.folder + '/returned', 'KEY': 'ssh-ed25519 ' + KEY}
    subprocess.run(['git', 'init', '-q', '--bare', places['REMOTE']], check=True)
    for words, status, members in SESSION:
        result = book.run('--json', *(places.get(word, word) for word in words.split()))
        equal(result.rc, status, result)
        equal(result.err, '', result)
        answer = result.json
        first = (answer or [{}])[0] if isinstance(answer, list) else answer
        check(members <= first.keys(), f'wanted: {members}', result)
        equal(len(result.out.splitlines()), 1, 'not one line:', result)
        if words == 'start b':
            wait_until(lambda: 'READY' in open(serial, encoding='utf-8').read(), 'it is up')


@test()
def json__session_covers_every_command(book):
    names = set(re.findall(r'^  ([a-z-]+)  +\S', book.ok('help').out, re.MULTILINE))
    check(len(names) > 20, names)
    equal(names - {words.split()[0] for words, _, _ in SESSION} - NOT_HERE, set())


@test()
def json__words_of_people_survive(book):
    title = 'Öl & "Gas" <1> \\ \u2603'
    book.define(domain('ä b'))
    book.ok('desc', '--title', 'ä b', title)
    rows = json.loads(book.ok('--json', 'list', '--all').out)
    equal([(row['name'], row['title']) for row in rows], [('ä b', title)])


if __name__ == '__main__':
    main()
