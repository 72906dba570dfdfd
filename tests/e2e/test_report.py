#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""The page about a domain or the book: what is on it, that it needs nothing else, how it looks."""

import html.parser
import os
import re
import shutil
import sqlite3
import stat
import struct
import subprocess
import zlib

from definition import disk, domain, interface, parse
from guest import Guest
from harness import Skip, check, contains, equal, main, test

VOID = {'meta', 'br'}
OPTIONAL = {'td', 'th'}  # whose end may be left out
NASTY = '<script>alert("1")</script> & \'x\''


class Page(html.parser.HTMLParser):
    """Elements with their attributes and text; fails where an element is left open."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()
        equal(self.open, [], 'left open')

    def handle_starttag(self, tag, attrs):
        element = {'tag': tag, **dict(attrs), 'text': ''}
        self.elements.append(element)
        if tag not in VOID | OPTIONAL:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({'tag': tag, **dict(attrs), 'text': ''})

    def handle_endtag(self, tag):
        if tag not in OPTIONAL:
            equal(self.open.pop()['tag'], tag, 'another element is open')

    def handle_data(self, data):
        for element in self.open:
            element['text'] += data

    def find(self, tag, **attributes):
        return [element for element in self.elements if element['tag'] == tag and all(
            element.get('class' if name == 'cls' else name) == value
            for name, value in attributes.items())]

    def ids(self):
        return [element['id'] for element in self.elements if 'id' in element]

    def tiles(self):
        return [element['text'].strip() for element in self.elements
                if (element.get('class') or '').split(' ')[0] == 'tile']


def page_of(book, *args):
    file = os.path.join(book.folder, 'page.html')
    book.ok('report', *args, '--html', file)
    with open(file, encoding='utf-8') as stream:
        return Page(stream.read())


def busy_book(book):
    """Two domains, of which one has names that are markup; six versions."""
    book.define(domain('web', disk(book.image('a.img'), 'vda'), interface()))
    book.ok('attach-device', 'web', book.file('b.xml', disk(book.image('b.img'), 'vdb')),
            '--reason', NASTY)
    book.ok('desc', 'web', '--title', NASTY)
    book.ok('detach-device', 'web', 'vdb')
    book.ok('rollback', 'web', 1)
    book.define(domain('a&lt;b&gt; &quot;c'))
    book.ok('tag', 'web@1', 'gold')


@test()
def report__has_every_version_and_what_it_changed(book):
    busy_book(book)
    uuid = parse(book.dumpxml('web')).find('uuid').text
    page = page_of(book)
    equal(len(page.find('article')), 6)
    equal(len(page.find('circle')), 6)
    cards = {card['id']: card['text'] for card in page.find('article')}
    contains(cards[f'v{uuid}-2'], 'attach disk vdb', 'web@2', NASTY, 'disk vdb attached')
    contains(cards[f'v{uuid}-1'], 'gold')
    for link in page.find('a'):
        check(link['href'][1:] in page.ids(), f'{link} leads nowhere')
    tiles = page.tiles()
    equal(tiles[:3], ['2domains', '0running', '6versions'])
    equal(tiles[3], 'soundsignatures and history')
    one = page_of(book, 'web')
    equal([card['id'] for card in one.find('article')], ['v5', 'v4', 'v3', 'v2', 'v1'])
    classes = [dot['class'] for dot in one.find('circle')]
    equal(classes, ['made', 'came', 'changed', 'went', 'back'], 'from left to right')
    definition = re.sub(r'^\d+', '', one.find('pre')[0]['text'], flags=re.MULTILINE)
    equal(definition, book.dumpxml('web'))
    equal(len(page_of(book, 'web', '-n', 2).find('article')), 2)


@test()
def report__shows_what_came_from_another_host(book):
    remote = os.path.join(book.folder, 'remote.git')
    subprocess.run(['git', 'init', '-q', '--bare', remote], check=True)
    before, after = (book.another(name, host=name) for name in ('before', 'after'))
    before.define(domain('web'))
    after.define(domain('own'))
    for host in (before, after):
        host.ok('remote', 'add', 'fleet', remote)
        host.ok('push')
    after.ok('evacuate', 'before', 'web', '--from', 'fleet', '--override', 'fire')
    page = page_of(after, 'web')
    equal([dot['class'] for dot in page.find('circle')], ['made', 'moved'])
    contains(page.find('p', cls='legend')[0]['text'], 'to another host')
    after.ok('apply', after.file('web.xml', after.dumpxml('web').replace(
        '</name>', '</name><title>front</title>')))
    equal([dot['class'] for dot in page_of(after, 'web').find('circle')],
          ['made', 'moved', 'changed'])


@test()
def report__needs_nothing_else_and_takes_no_markup_from_anybody(book):
    busy_book(book)
    file = os.path.join(book.folder, 'page.html')
    for name in ((), ('web',), ('a<b> "c',)):
        page = page_of(book, *name)
        equal({element['tag'] for element in page.elements} & {
            'script', 'link', 'img', 'iframe', 'object', 'embed', 'b>'}, set())
        for element in page.elements:
            for attribute, value in element.items():
                check(not attribute.startswith('on'), element)
                if attribute in ('href', 'src', 'xlink:href', 'action'):
                    check(value.startswith('#'), element)
        with open(file, encoding='utf-8') as stream:
            text = stream.read()
        check(not re.search(r'url\(|@import|https?://', text), 'something is fetched')
        contains(text, "default-src 'none'")
    equal(page.find('h1')[0]['text'], 'a<b> "c')
    equal(stat.S_IMODE(os.stat(file).st_mode), 0o600)
    equal(book.ok('report', 'web', '--html', '-').out.splitlines()[0], '<!DOCTYPE html>')
    book.refuse('report', code='usage', says='--html', lines=None)
    book.refuse('report', 'none', '--html', file, code='not-found', says='none')
    book.refuse('report', '--html', book.folder + '/none/page.html', code='system')
    equal(Page(text).find('h1')[0]['text'], 'a<b> "c', 'the page that was there is whole')


@test()
def report__says_drift_pending_and_damage(book):
    guest = Guest(book, 'web', disk(book.image('a.img'), 'vda'), interface()).start()
    page = page_of(book, 'web')
    contains(page.tiles(), 'nonedrift of running guests', 'runningnow')
    book.ok('set-vcpus', '--config', '--maximum', 'web', 3)
    alias = parse(book.dumpxml('web', '--live')).find('devices/interface/alias').get('name')
    with guest.qmp() as qmp:
        qmp.call('set_link', name=alias, up=False)
        qmp.call('device_del', id=alias)
        qmp.wait_event('DEVICE_DELETED')
    page = page_of(book)
    badges = [badge['text'] for badge in page.find('span') if 'badge' in badge['class']]
    equal(badges, ['signed', 'drifted', 'pending'])
    titles = [title['text'] for title in page.find('h2')]
    contains(titles, 'The guest is not as recorded: web', 'From the next start: web')
    contains(page_of(book, 'web').tiles(), '1changes that wait for the next start')
    guest.destroy()
    with sqlite3.connect(book.path + '/book.db') as database:
        database.execute("UPDATE domain SET title = 'another'")
    page = page_of(book)
    badges = [badge['text'] for badge in page.find('span') if 'badge' in badge['class']]
    equal(badges, ['damaged'])
    contains([title['text'] for title in page.find('h2')], 'What is wrong with the book')
    equal(book.json('report', '--html', book.folder + '/page.html')['sound'], False)


# ---- as a browser shows it ----


def pixels(path):
    """The colours of a PNG of eight bits a channel, as Chromium writes it: {(r, g, b): count}"""
    with open(path, 'rb') as stream:
        data = stream.read()
    width, height, depth, kind = struct.unpack('>IIBB', data[16:26])
    equal(depth, 8)
    channels = {2: 3, 6: 4}[kind]
    packed, at = b'', 8
    while at < len(data):
        size, name = struct.unpack('>I4s', data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if name == b'IDAT' else b''
        at += size + 12
    raw, stride = zlib.decompress(packed), width * channels
    above, found = bytearray(stride), {}
    for row in range(height):
        start = row * (stride + 1)
        above = unfiltered(raw[start], raw[start + 1:start + 1 + stride], above, channels)
        for column in range(0, stride, channels):
            colour = tuple(above[column:column + 3])
            found[colour] = found.get(colour, 0) + 1
    return found


def unfiltered(kind, line, above, channels):
    """One line of a PNG."""
    out = bytearray(line)
    for i, value in enumerate(line):
        left = out[i - channels] if i >= channels else 0
        up, corner = above[i], above[i - channels] if i >= channels else 0
        if kind == 4:
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda one: abs(guess - one))
        else:
            nearest = (0, left, up, (left + up) // 2)[kind]
        out[i] = (value + nearest) & 0xff
    return out


def colour(word):
    return tuple(int(word[i:i + 2], 16) for i in (1, 3, 5))


def chromium(book, *args):
    command = shutil.which('chromium')
    if not command:
        raise Skip('chromium is not installed')
    done = subprocess.run(
        [command, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
         '--user-data-dir=' + book.folder + '/chromium', '--window-size=1000,1200', *args],
        capture_output=True, text=True, timeout=120, check=False)
    equal(done.returncode, 0, done.stderr)
    return done.stdout


@test()
def report__is_drawn_by_a_browser(book):
    busy_book(book)
    page_of(book, 'web')
    address = f'file://{book.folder}/page.html'
    shown = Page(chromium(book, '--dump-dom', address))
    equal(len(shown.find('article')), 5, 'the browser reads it as we meant it')
    contains(shown.find('article', id='v2')[0]['text'], NASTY)
    picture = book.folder + '/page.png'
    chromium(book, '--screenshot=' + picture, address)
    found = pixels(picture)
    for kind, word in (('made', '#2f6fde'), ('came', '#1f9d55'), ('went', '#d64545'),
                       ('changed', '#c98a00'), ('back', '#8e44ad')):
        check(found.get(colour(word), 0) > 100, f'there is next to nothing of {kind}')
    check(found.get(colour('#ffffff'), 0) > 100000, 'the cards are white')
    check(found.get(colour('#1d2733'), 0) > 500, 'there is text')


@test()
def report__what_is_no_file_stays_what_it_is(book):
    book.define(domain('a'))
    folder = book.folder
    pipe, link, node = (os.path.join(folder, name) for name in ('pipe', 'link', 'node'))
    os.mkfifo(pipe)
    with subprocess.Popen(['cat', pipe], stdout=subprocess.PIPE, text=True) as reader:
        book.ok('report', '--html', pipe)
        contains(reader.communicate(timeout=30)[0], '<!DOCTYPE html>', '</html>')
    check(stat.S_ISFIFO(os.lstat(pipe).st_mode))
    os.symlink(os.path.join(folder, 'page.html'), link)
    book.ok('report', '--html', link)
    check(os.path.islink(link))
    with open(link, encoding='utf-8') as page:
        contains(page.read(), '</html>')
    book.refuse('report', '--html', folder, code='invalid', says='is a folder')
    book.refuse('report', '--html', '', code='invalid', says='no name')
    # a copy of /dev/full, as only root may make
    if os.geteuid() == 0:
        os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
        book.refuse('report', '--html', node, code='system', says='No space left')
        check(stat.S_ISCHR(os.lstat(node).st_mode))


if __name__ == '__main__':
    main()
