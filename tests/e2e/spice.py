#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A viewer of SPICE screens: the client library that virt-viewer uses, in a process of its own.

usage: spice.py HOST PORT

The password comes on standard input. It prints a line for each thing that happens to it, and ends
when standard input does.
"""

import os
import queue
import subprocess
import sys
import threading

PYTHON = '/usr/bin/python3'  # Debian's own, which has its libraries


def main(host, port):
    """The viewer itself."""
    # pylint: disable=import-error,import-outside-toplevel
    import gi
    gi.require_version('SpiceClientGLib', '2.0')
    from gi.repository import GLib, GObject, SpiceClientGLib

    loop = GLib.MainLoop()
    session = SpiceClientGLib.Session()

    def when(thing, signal, function):
        GObject.Object.connect(thing, signal, function)

    def tell(*words):
        print(*words, flush=True)

    def kind(channel):
        return type(channel).__name__.removesuffix('Channel').lower()

    def met(_session, channel):
        when(channel, 'channel-event', lambda _, event: tell(kind(channel), event.value_nick))
        if kind(channel) != 'main':
            channel.connect()

    for name, value in ('host', host), ('port', port), ('password', sys.stdin.readline().strip()):
        session.set_property(name, value)
    when(session, 'channel-new', met)
    when(session, 'notify::migration-state',
         lambda *_: tell('migration', session.get_property('migration-state').value_nick,
                         session.get_property('host'), session.get_property('port')))
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    session.connect()
    loop.run()


class Viewer:
    """Somebody who looks at a screen; said is what has happened to him."""

    def __init__(self, host, port, password):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [PYTHON, os.path.abspath(__file__), host, str(port)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={'PATH': os.environ['PATH'], 'HOME': os.environ.get('TMPDIR', '/tmp')})
        self.process.stdin.write(password + '\n')
        self.process.stdin.flush()
        self.said, self.lines = [], queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def hears(self, wanted, timeout=20):
        """Whether that has happened, or does in time."""
        try:
            while wanted not in self.said:
                self.said.append(self.lines.get(timeout=timeout))
        except queue.Empty:
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.process.stdin.close()
        self.process.wait(10)
        self.reader.join(10)
        self.process.stdout.close()


def available():
    """Is the library there?"""
    return subprocess.run(
        [PYTHON, '-c', "import gi; gi.require_version('SpiceClientGLib', '2.0')"],
        check=False, capture_output=True).returncode == 0


if __name__ == '__main__':
    main(*sys.argv[1:])
