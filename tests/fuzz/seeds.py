# SPDX-License-Identifier: Apache-2.0
"""Seeds for the fuzz targets, made of the definitions of a corpus.

A target's own seeds show what its input looks like; these bring it whatever else occurs in a
definition. How an input reads is said at the head of each target.
"""

import glob
import os
import re

# Devices stand one below the other, two columns in from <devices>.
DEVICE = re.compile(r'^    <(\w+)(?:[^>]*/>|.*?^    </\1>|[^\n]*</\1>)', re.MULTILINE | re.DOTALL)
VERBS = 'aAuUd'  # of schema_edit: attach, update, detach


def definitions(shared):
    """(as given, as frozen) of every case, and (as given, None) of those that are refused."""
    for path in sorted(glob.glob(os.path.join(shared, '*', '*.in.xml'))):
        frozen = path[:-len('.in.xml')] + '.out.xml'
        yield read(path), read(frozen) if os.path.exists(frozen) else None


def read(path):
    with open(path, encoding='utf-8', errors='surrogateescape') as stream:
        return stream.read()


def devices(text):
    inside = re.search(r'<devices>(.*)</devices>', text, re.DOTALL)
    return [match[0].strip() for match in DEVICE.finditer(inside[1] if inside else '')]


def whole(shared):
    for given, frozen in definitions(shared):
        yield given
        if frozen:
            yield frozen


def single(shared):
    for given, _ in definitions(shared):
        yield from devices(given)


def edits(shared):
    """Each definition, with its last device detached, attached, updated."""
    for number, (given, frozen) in enumerate(definitions(shared)):
        found = devices(given)
        if frozen and found:
            verb = VERBS[number % len(VERBS)]
            yield '\0'.join((given, 'd' + found[-1], verb + found[-1], 'm131072', 'V4'))


def merges(shared):
    """A definition that is handed in once more, with one device left out."""
    for given, frozen in definitions(shared):
        found = devices(given)
        if frozen and found:
            yield given + '\0' + given.replace(found[-1], '', 1)


def pairs(shared):
    """Each definition beside the next."""
    last = None
    for given, frozen in definitions(shared):
        if frozen and last:
            yield last + '\0' + given
        last = frozen and given


MADE = {
    'schema_document': whole, 'schema_freeze': whole, 'schema_device': single,
    'schema_edit': edits, 'schema_merge': merges, 'schema_abi': pairs,
}


def make(target, shared, folder, size_max):
    """Writes the target's seeds into the folder, for as far as there are any."""
    for number, text in enumerate(MADE.get(target, lambda _: ())(shared)):
        data = text.encode('utf-8', 'surrogateescape')
        if len(data) <= size_max:
            with open(os.path.join(folder, str(number)), 'wb') as stream:
                stream.write(data)
