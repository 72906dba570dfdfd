# SPDX-License-Identifier: Apache-2.0
"""Definitions of the corpus in which a few values are spelt otherwise, for --make spellings.

Numbers get signs, zeros, white space and another base, words another case, sets of numbers another
order. Most spellings mean the same; of those that do not, both sides are to say so.
"""

import glob
import os
import random
import re
import xml.etree.ElementTree as ET

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..',
                      'shared', 'corpus')

# A value that looks like the pattern can be spelt in these ways.
SPELLINGS = (
    (r'\d+', (lambda v: '0' + v, lambda v: '+' + v, lambda v: hex(int(v)), lambda v: ' ' + v,
              lambda v: v + ' ', lambda v: f'\n  {v}\n  ', lambda v: '0x' + v, lambda v: '00' + v,
              lambda v: '-' + v, lambda v: v + '.0', lambda v: '')),
    (r'0x[0-9a-f]+', (str.upper, lambda v: v.upper().replace('X', 'x'), lambda v: str(int(v, 16)),
                      lambda v: hex(int(v, 16)), lambda v: '0x000' + v[2:], lambda v: v[2:],
                      lambda v: '0' + oct(int(v, 16))[2:], lambda v: v + ' ', lambda v: ' ' + v)),
    (r'(..:){5}..', (str.upper, lambda v: v.replace(':0', ':'), lambda v: v.replace(':', '-'),
                     lambda v: v.replace(':', ''), lambda v: v + ' ')),
    (r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', (
        str.upper, lambda v: v.replace('-', ''), lambda v: f' {v} ', lambda v: '{%s}' % v,
        lambda v: v.replace('-', '', 1), lambda v: v[:-1])),
    (r'(on|off|yes|no)', (
        str.upper, lambda v: {'on': 'yes', 'off': 'no', 'yes': 'on', 'no': 'off'}[v],
        lambda v: ' ' + v, lambda v: {'on': '1', 'yes': '1'}.get(v, '0'), lambda v: '',
        lambda v: 'default')),
    (r'\d+([-,]\d+)+', (lambda v: v.replace(',', ' , '), lambda v: ','.join(reversed(v.split(','))),
                        lambda v: v + ',' + v, lambda v: v + ',^0', lambda v: v.replace('-', ' - '),
                        lambda v: v + ',')),
    (r'[KMGT]iB', (lambda v: v[0], lambda v: v[0] + 'B', str.lower, lambda v: v[0].lower(),
                   lambda v: '', lambda v: 'bytes', lambda v: 'b')),
    (r'[a-zA-Z][\w.-]*', (str.upper, lambda v: v + ' ', lambda v: '')),
)


def respelt(maker, value):
    """The value in another spelling, or None where it has none."""
    for pattern, ways in SPELLINGS:
        if re.fullmatch(pattern, value):
            return maker.choice(ways)(value)
    return None


def places(root):
    """Each value that there is: its element and attribute, None for the text."""
    for element in root.iter():
        yield from ((element, name) for name in element.attrib)
        if element.text and element.text.strip() and not len(element):
            yield element, None


def definition(seed):
    """The definition of that seed, as text."""
    maker = random.Random(f'spellings {seed}')
    name = maker.choice(sorted(glob.glob(os.path.join(CORPUS, 'frozen', '*.xml'))))
    root = ET.parse(name).getroot()
    every = list(places(root))
    for element, attribute in maker.sample(every, min(len(every), maker.choice((1, 1, 2, 4)))):
        value = element.get(attribute) if attribute else element.text
        other = respelt(maker, value.strip())
        if other is None:
            continue
        if attribute:
            element.set(attribute, other)
        else:
            element.text = other
    return ET.tostring(root, encoding='unicode')
