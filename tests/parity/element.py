# SPDX-License-Identifier: Apache-2.0
"""XML elements as text, in a line each."""

from xml.sax.saxutils import escape, quoteattr

LETTERS = 'abcdefghijklmnopqrstuvwxyz'
ON_OFF = ['on', 'off']
YES_NO = ['yes', 'no']
VIRTIO_MODELS = ['virtio', 'virtio-transitional', 'virtio-non-transitional']


def el(name, /, *children, text=None, **attributes):
    """<name attributes>children</name>; what is None is left out."""
    head = name + ''.join(f' {key}={quoteattr(str(value))}' for key, value in attributes.items()
            if value is not None)
    inner = ''.join(child for child in children if child)
    if text is not None:
        return f'<{head}>{escape(str(text))}</{name}>\n'
    return f'<{head}>\n{inner}</{name}>\n' if inner else f'<{head}/>\n'


def letters(number):
    name = ''
    while True:
        name = LETTERS[number % 26] + name
        number = number // 26 - 1
        if number < 0:
            return name
