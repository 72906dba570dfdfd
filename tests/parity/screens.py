# SPDX-License-Identifier: Apache-2.0
"""Character devices, screens, cards and sound."""

from element import ON_OFF, YES_NO, el


class Screens:
    """What a Maker makes those with."""

    def chardev(self, element):
        """(type, parts) of what is behind a character device."""
        kind = self.random.choice(['pty'] * 6 + ['unix'] * 3 + ['file', 'tcp', 'tcp',
                'null', 'dev', 'udp', 'pipe', 'stdio', 'vc', None]
                                  + (['spicevmc', 'spiceport', 'nmdm', 'dbus', 'qemu-vdagent']
                if element == 'channel' or self.odd() else []))
        source = {
            'unix': el('source', el('reconnect', enabled='yes', timeout='10') if self.chance(0.1)
                else None, mode=self.some(0.9, 'bind', 'connect'),
                path=f'/run/sock{self.number(0, 99)}'),
            'file': el('source', path='/var/log/vm.log', append=self.some(0.3, *ON_OFF)),
                'dev': el('source', path='/dev/ttyS0'),
            'pipe': el('source', path='/tmp/pipe'), 'spiceport': el('source',
                channel='org.qemu.console.serial.0'),
            'dbus': el('source', channel='org.qemu.x'), 'nmdm': el('source', master='/dev/nmdm0A',
                slave='/dev/nmdm0B'),
            'tcp': el('source', mode=self.some(0.9, 'bind', 'connect'), host='127.0.0.1',
                service='5%03d' % self.number(0, 999), tls=self.some(0.1, *YES_NO)),
            'udp': el('source', mode='bind', host='127.0.0.1', service='6001') + el('source',
                mode='connect', host='127.0.0.1', service='6000'),
            'pty': el('source', path='/dev/pts/3') if self.chance(0.1) else '',
            'qemu-vdagent': el('source', el('clipboard', copypaste='yes'), el('mouse',
                mode='client'))}.get(kind, '')
        if self.odd():
            source = self.one('', source, el('source', path='/tmp/x'))
        protocol = el('protocol', type=self.one('raw', 'telnet', 'telnets' if self.odd()
                else 'raw')) if kind == 'tcp' and self.chance(0.7) else None
        log = el('log', file='/var/log/c.log', append=self.some(0.5,
                *ON_OFF)) if self.chance(0.08) else None
        return kind, [source, protocol, log]

    def serial(self):
        kind, parts = self.chardev('serial')
        target = self.random.choice(['isa-serial'] * 3 + [None] * 5 + ['usb-serial',
                'pci-serial', 'isa-debug' if self.odd() else None])
        model = el('model', name=target) if target and self.chance(0.3) else None
        address = {'usb-serial': self.usb, 'pci-serial': self.pci}.get(target, lambda: el('address',
                type='isa', iobase=self.some(0.8, '0x3f8', '0x2e8'), irq='0x4') if self.chance(0.04)
                else None)()
        port = self.some(0.7, self.slots.get('serial', 0) if not self.odd() else self.number(0, 5))
        self.slots['serial'] = self.slots.get('serial', 0) + 1
        target = el('target', model, type=target, port=port) if target or port is not None else None
        return el('serial', *parts, target, self.alias(), address, type=kind)

    def parallel(self):
        kind, parts = self.chardev('parallel')
        return el('parallel', *parts, el('target', port=self.some(0.6, '0', '1'))
                if self.chance(0.6) else None, self.alias(), type=kind)

    def console(self):
        kind, parts = self.chardev('console')
        target = self.random.choice(['serial', 'serial', None, 'virtio', 'virtio',
                self.one('xen', 'lxc', 'sclp', 'uml') if self.odd() else None])
        return el('console', *parts, el('target', type=target, port=self.some(0.5,
                '0', '1')) if self.chance(0.85) else None, self.alias(), type=kind)

    def channel(self):
        kind, parts = self.chardev('channel')
        if self.chance(0.2) and not self.odd():
            kind, parts = 'spicevmc', []
        name = self.one('org.qemu.guest_agent.0', 'com.redhat.spice.0', 'org.libguestfs.channel.0',
                'com.redhat.rhevm.vdsm', None)
        kinds = ['virtio'] * 9 + ['guestfwd'] + (['xen', None] if self.odd() else [])
        target = self.random.choice(kinds)
        if target == 'guestfwd':
            return el('channel', *parts, el('target', type=target, address='10.0.2.1',
                    port='4600'), type=kind)
        address = el('address', type='virtio-serial', controller=self.some(0.8, '0',
                '0', '1'), bus=self.some(0.8, '0'),
                     port=self.some(0.8, *range(1, 5), 0 if self.odd()
                else 3)) if self.chance(0.12) else None
        if kind == 'spicevmc' and not self.odd():
            name = self.one('com.redhat.spice.0', None)
        return el('channel', *parts, el('target', type=target, name=name, state=self.some(0.05,
                'connected', 'disconnected')), self.alias(), address, type=kind)

    def graphics(self):
        kind = self.random.choice(['vnc'] * 5 + ['spice'] * 5 + ['sdl', 'egl-headless',
                'dbus', 'rdp' if self.odd() else 'vnc'])
        if kind == 'sdl':
            return el('graphics', el('gl', enable=self.one(*YES_NO)) if self.chance(0.2)
                    else None, type=kind, display=self.some(0.7, ':0'),
                      xauth=self.some(0.3, '/srv/.Xauthority'), fullscreen=self.some(0.2, *YES_NO))
        if kind == 'egl-headless':
            return el('graphics', el('gl', rendernode='/dev/dri/renderD128') if self.chance(0.3)
                    else None, type=kind)
        if kind == 'dbus':
            return el('graphics', el('gl', enable=self.one(*YES_NO)) if self.chance(0.2)
                    else None, type=kind, p2p=self.some(0.4, *YES_NO))
        port = self.some(0.7, '-1', '-1', '5900', '5901', '0' if self.odd() else '5930')
        listens = []
        address = self.some(0.4, '127.0.0.1', '0.0.0.0', '::', 'localhost')
        if self.chance(0.35):
            listens = [self.one(el('listen', type='address', address=address if address
                    or self.odd() else '127.0.0.1'), el('listen', type='address'),
                                el('listen', type='network', network='default'), el('listen',
                    type='none'),
                                el('listen', type='socket', socket='/tmp/s.sock'),
                    el('listen', type='socket'))]
            if self.odd():
                listens.append(el('listen', type='address', address='10.0.0.9'))
        common = dict(port=port, autoport=self.some(0.6, *YES_NO), listen=address
                if not listens or self.chance(0.3) else None,
                      keymap=self.some(0.1, 'en-us', 'de'), passwd=self.some(0.1, 'sekret'),
                      passwdValidTo=self.some(0.03, '2031-04-09T15:51:00'),
                connected=self.some(0.03,
                'keep', 'disconnect', 'fail'))
        if kind == 'vnc':
            return el('graphics', *listens, type=kind, socket=self.some(0.03, '/tmp/vnc.sock'),
                    websocket=self.some(0.08, '-1', '5700'),
                      sharePolicy=self.some(0.06, 'allow-exclusive', 'force-shared',
                    'ignore'), powerControl=self.some(0.03, *YES_NO), **common)
        options = [el(name, compression=value) for name, value in (('image', self.one('auto_glz',
                'off', 'lz')), ('jpeg', 'auto'), ('zlib', 'never'),
                   ('playback', self.one(*ON_OFF))) if self.chance(0.1)]
        options += [option for option in (el('streaming', mode=self.one('filter',
                'all', 'off')), el('clipboard', copypaste='no'), el('mouse', mode='client'),
                    el('filetransfer', enable='no'), el('gl', enable=self.one(*YES_NO),
                rendernode=self.some(0.3, '/dev/dri/renderD128'))) if self.chance(0.1)]
        channels = [el('channel', name=name, mode=self.one('secure', 'insecure', 'any'))
                for name in ('main', 'record', 'usbredir') if self.chance(0.05)]
        return el('graphics', *listens, *channels, *options, type=kind, tlsPort=self.some(0.15,
                '-1', '5902'),
                  defaultMode=self.some(0.1, 'any', 'secure', 'insecure'), **common)

    def video(self):
        kind = self.random.choice(['virtio'] * 4 + ['qxl'] * 4 + ['vga', 'cirrus',
                'vmvga', 'bochs', 'none', 'ramfb', None]
                                  + (['xen', 'vbox', 'gop', 'weird'] if self.odd() else []))
        ram = kind == 'qxl' or self.odd()
        model = el('model', el('acceleration', accel3d=self.one(*YES_NO), accel2d=self.some(0.2,
                *YES_NO)) if self.chance(0.15) else None,
                   el('resolution', x='1280', y='800') if self.chance(0.08) else None, type=kind,
                   ram=self.some(0.4, '65536', '70000', '32768') if ram else None,
                   vram=self.some(0.4, '65536', '9216', '16384', '17000', '0' if self.odd()
                else '8192') if kind not in ('virtio', 'none', 'ramfb') or self.odd()
                else None,
                   vgamem=self.some(0.4, '16384', '9000') if ram else None, vram64=self.some(0.1,
                '0', '65536') if ram else None,
                   heads=self.some(0.5, '1', '1', '1', '2', '4', '0' if self.odd()
                else '1'), primary=self.some(0.4, *YES_NO))
        driver = self.driver(kind == 'virtio', name=self.some(0.05, 'qemu', 'vhostuser'),
                vgaconf=self.some(0.05, 'io', 'on', 'off'))
        return el('video', driver, model if self.chance(0.95) else None, self.alias(),
                self.pci(0.08))

    def sound(self):
        kind = self.one('ich6', 'ich6', 'ich9', 'ich9', 'ich7', 'ac97', 'es1370',
                'sb16', 'pcspk', 'usb', None if self.odd() else 'ich9')
        codecs = [el('codec', type=self.one('duplex', 'micro', 'output'))
                for _ in range(self.number(0,
                2))] if self.chance(0.2) else []
        return el('sound', *codecs, el('audio', id='1' if not self.odd() else '4')
                if self.chance(0.1) else None, self.alias(),
                  self.usb() if kind == 'usb' else self.pci() if kind not in ('sb16',
                'pcspk') or self.odd() else None, model=kind)

    def audio(self):
        kind = self.one('none', 'spice', 'pulseaudio', 'alsa', 'oss', 'jack', 'sdl',
                'file', 'dbus', 'coreaudio')
        return el('audio', el('input', mixingEngine=self.some(0.5, *YES_NO),
                fixedSettings=self.some(0.2,
                'no'), voices=self.some(0.3, '1')) if self.chance(0.2) else None,
                  el('output', el('settings', frequency='44100', channels='2', format='s16')
                if self.chance(0.5) else None, mixingEngine=self.some(0.5, 'yes'),
                fixedSettings='yes')
                  if self.chance(0.2) else None, id=self.slots.setdefault('audio', 1), type=kind,
                  path=self.some(0.5, '/tmp/a.wav') if kind == 'file' else None,
                serverName=self.some(0.4,
                '/run/pulse') if kind == 'pulseaudio' else None,
                  timerPeriod=self.some(0.1, '40'))
