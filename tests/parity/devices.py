# SPDX-License-Identifier: Apache-2.0
"""Definitions full of devices, one for each seed.

A quarter of the seeds are what a management program writes (managers.py), a quarter are devices of
every kind thrown together, a quarter are one device alone with whatever can be said about it, and a
quarter are devices of one corpus definition in the machine of another. How often a value is a
doubtful one depends on the seed too, so that most definitions have one or none.
"""

import glob
import os
import random
import re

import managers
from element import ON_OFF, VIRTIO_MODELS, YES_NO, el
from screens import Screens
from storage import Storage

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..',
        'shared', 'corpus')

MACHINES = (['pc'] * 4 + ['q35'] * 8 + ['pc-i440fx-7.2', 'pc-i440fx-6.2', 'pc-i440fx-4.2',
            'pc-i440fx-2.11', 'pc-i440fx-2.1', 'pc-i440fx-1.7', 'pc-q35-7.2', 'pc-q35-6.0',
            'pc-q35-4.0', 'pc-q35-3.1', 'pc-q35-2.12', 'pc-q35-2.5', 'isapc', 'microvm', None])

class Maker(Storage, Screens):
    """One definition being made."""

    def __init__(self, seed):
        self.random = random.Random(f'devices {seed}')
        self.doubt = self.random.choice([0, 0, 0.02, 0.1, 0.3])
        self.machine = self.random.choice(MACHINES)
        self.express = bool(self.machine) and 'q35' in self.machine
        self.disks = {}
        self.boots = []
        self.aliases = 0
        self.slots = {}

    # choices

    def one(self, *values):
        return self.random.choice(values)

    def chance(self, probability):
        return self.random.random() < probability

    def odd(self):
        return self.chance(self.doubt)

    def some(self, probability, *values):
        """One of the values, or mostly nothing."""
        return self.one(*values) if self.chance(probability) else None

    def number(self, low, high):
        return self.random.randint(low, high)

    def mac(self):
        first = '52:54:00' if not self.odd() else self.one('01:54:00', 'ff:ff:ff', '5254.00')
        return first + ':%02x:%02x:%02x' % tuple(self.number(0, 255) for _ in range(3))

    def uuid(self):
        return '%08x-%04x-4%03x-8%03x-%012x' % tuple(
            self.random.getrandbits(bits) for bits in (32, 16, 12, 12, 48))

    # what many devices have

    def pci(self, probability=0.12):
        """A PCI address, whole or in part."""
        if not self.chance(probability):
            return None
        if self.odd():
            return el('address', type='pci', domain=self.some(0.5, '0x0000', '0x0001', '0'),
                      bus=self.some(0.7, '0x00', '0x01', '0x05', '1'),
                      slot=self.some(0.8, '0x00', '0x01', '0x02', '0x1f', '0x20', '7'),
                      function=self.some(0.7, '0x0', '0x1', '0x7', '0x8'),
                      multifunction=self.some(0.3, *ON_OFF))
        if self.chance(0.15):
            return el('address', type='pci')
        bus = 0 if not self.express or self.chance(0.5) else self.number(1, 4)
        slot = 0 if bus else self.number(3, 26)
        function = self.number(0, 7) if self.chance(0.2) else 0
        return el('address', type='pci', domain='0x0000', bus=f'{bus:#04x}', slot=f'{slot:#04x}',
                  function=f'{function:#x}', multifunction=self.some(0.2, *ON_OFF))

    def usb(self, probability=0.1):
        if not self.chance(probability):
            return None
        if self.chance(0.15):
            return el('address', type='usb')
        port = str(self.number(1, 4)) if not self.odd() else self.one('1.2', '9', '0', '1.1.1.1.1')
        return el('address', type='usb', bus=self.one('0', '0', '0', '1') if self.chance(0.9)
                else None,
                  port=port if self.chance(0.85) else None)

    def drive(self, bus, probability=0.2):
        if not self.chance(probability):
            return None
        if self.chance(0.15):
            return el('address', type='drive')
        high = {'ide': (1, 1, 0, 1), 'sata': (1, 0, 0, 5), 'scsi': (1, 0, 8, 8), 'fdc': (0,
                0, 0, 1)}
        high = high.get(bus, (0, 0, 0, 3)) if not self.odd() else (3, 2, 9, 20)
        parts = dict(zip(('controller', 'bus', 'target', 'unit'),
                         (str(self.number(0, value)) for value in high)))
        if self.chance(0.3):
            parts.pop(self.one('controller', 'bus', 'target', 'unit'))
        return el('address', type='drive', **parts)

    def alias(self):
        if not self.chance(0.06):
            return None
        self.aliases += 1
        name = f'ua-thing{self.aliases}' if not self.odd() else self.one('net0', 'ua-',
                'ua-a b', 'ua-x')
        return el('alias', name=name)

    def boot(self, probability=0.12):
        if not self.chance(probability):
            return None
        order = len(self.boots) + 1 if not self.odd() else self.number(0, 3)
        self.boots.append(order)
        return el('boot', order=order)

    def acpi(self):
        return el('acpi', index=self.number(1, 99) if not self.odd()
                else 0) if self.chance(0.03) else None

    def rom(self):
        if not self.chance(0.06):
            return None
        return self.one(el('rom', bar='off'), el('rom', bar='on', file='/rom.bin'),
                        el('rom', enabled='no'), el('rom', file='/etc/rom.bin'))

    def virtio(self, virtio=True):
        """The options of a virtio device, as attributes of <driver>."""
        if not virtio and not self.odd():
            return {}
        return {name: self.some(0.06, *ON_OFF) for name in ('iommu', 'ats', 'packed',
                'page_per_vq')}

    def info(self, bus='pci'):
        address = {'pci': self.pci, 'usb': self.usb}.get(bus, lambda: None)()
        return self.boot(0.03 if self.odd()
                else 0), self.alias(), self.acpi() if bus == 'pci' else None, address

    def driver(self, virtio=True, **more):
        attributes = {**more, **self.virtio(virtio)}
        return el('driver', **attributes) if any(attributes.values()) else None

    # the kinds

    def pci_controller(self):
        models = (['pcie-root-port'] * 8 + ['pcie-to-pci-bridge', 'dmi-to-pci-bridge', 'pci-bridge',
                  'pcie-switch-upstream-port', 'pcie-switch-downstream-port', 'pcie-expander-bus',
                'pcie-root']
                  if self.express else ['pci-bridge'] * 5 + ['pci-root', 'pci-expander-bus'])
        if self.odd():
            models = ['pcie-root', 'pci-root', 'pcie-root-port', 'pci-bridge', 'pcie-to-pci-bridge',
                    'dmi-to-pci-bridge',
                      'pcie-expander-bus', 'pci-expander-bus', 'pcie-switch-upstream-port', None]
        model = self.random.choice(models)
        index = self.slots.get('pci', 1)
        self.slots['pci'] = index + (1 if self.chance(0.9) else 2)
        root = model in ('pci-root', 'pcie-root')
        target = None
        if self.chance(0.15):
            target = {'pcie-root-port': el('target', chassis=self.some(0.8, index,
                    40), port=self.some(0.8, '0x10', '8'),
                                           hotplug=self.some(0.3, *ON_OFF)),
                      'pci-bridge': el('target', chassisNr=self.one('1', '5', '0', '300')),
                      'pci-expander-bus': el('target', el('node', text='0') if self.chance(0.5)
                    else None, busNr='254'),
                      'pcie-expander-bus': el('target', busNr=self.one('180', '254'))}.get(model)
        name = {'pcie-root-port': self.one('pcie-root-port', 'ioh3420'), 'pci-bridge': 'pci-bridge',
                'pcie-to-pci-bridge': 'pcie-pci-bridge',
                'dmi-to-pci-bridge': 'i82801b11-bridge'}.get(model)
        return el('controller', el('model', name=name) if name and self.chance(0.2)
                else None, target,
                  el('pcihole64', text='1048576', unit='KiB') if root and self.chance(0.2)
                else None,
                  None if root else self.pci(0.05), type='pci', model=model,
                  index='0' if root else str(index) if self.chance(0.8) else None)

    def usb_controllers(self):
        kind = self.one('ich9', 'ich9', 'xhci', 'xhci', 'xhci', 'plain', 'one', 'none')
        if kind == 'ich9':
            index = self.some(0.7, '0', '0', '1')
            master = self.chance(0.8)
            return ''.join(
                el('controller', el('master', startport=port) if port and master else None,
                   self.pci(0.05), type='usb', index=index, model=f'ich9-{model}')
                for model, port in (('ehci1', None), ('uhci1', '0'), ('uhci2', '2'), ('uhci3', '4'))
                if not self.odd())
        if kind == 'xhci':
            return el('controller', self.driver(False), self.alias(), self.pci(0.05),
                    type='usb', index=self.some(0.7, '0', '0', '1'),
                      model=self.one('qemu-xhci', 'nec-xhci', 'qemu-xhci'), ports=self.some(0.4,
                    '15', '4', '8', '16' if self.odd() else '2'))
        model = {'none': 'none', 'plain': None}.get(kind, self.one(
            'piix3-uhci', 'piix4-uhci', 'ehci', 'pci-ohci', 'vt82c686b-uhci', 'ich9-ehci1',
                'ich9-uhci1', 'qusb2'))
        return el('controller', self.pci(0.05), type='usb', index=self.some(0.6, '0',
                '0', '1', '2'), model=model)

    def controller(self):
        kind = self.random.choice(['pci'] * 5 + ['usb'] * 3 + ['scsi'] * 4 + ['sata',
                'ide', 'virtio-serial', 'virtio-serial', 'fdc', 'ccid']
                                  + (['xenbus', 'isa'] if self.odd() else []))
        if kind == 'pci':
            return self.pci_controller()
        if kind == 'usb':
            return self.usb_controllers()
        index = self.slots.get(kind, 0)
        self.slots[kind] = index + (1 if self.chance(0.8) else 2)
        index = None if self.chance(0.2) else str(index)
        if kind == 'scsi':
            model = self.some(0.85, 'virtio-scsi', 'virtio-scsi', 'virtio-scsi', 'lsilogic',
                    'lsisas1068', 'lsisas1078',
                              'buslogic', 'vmpvscsi', 'virtio-transitional',
                    'virtio-non-transitional',
                    'auto', 'am53c974', 'dc390')
            virtio = bool(model) and 'virtio' in model
            more = {} if not virtio and not self.odd() else {
                'queues': self.some(0.2, '4', '1'), 'cmd_per_lun': self.some(0.05,
                    '50'), 'max_sectors': self.some(0.05, '512'),
                'ioeventfd': self.some(0.1, *ON_OFF), 'iothread': self.some(0.1, '1', '2', '9')}
            return el('controller', self.driver(virtio, **more), *self.info(), type='scsi',
                    index=index, model=model)
        if kind == 'virtio-serial':
            return el('controller', self.driver(), *self.info(), type=kind, index=index,
                      ports=self.some(0.2, '16', '31', '511'), vectors=self.some(0.1, '4', '0'),
                      model=self.some(0.15, *VIRTIO_MODELS))
        if kind == 'ide':
            return el('controller', *self.info(), type=kind, index=index, model=self.some(0.1,
                    'piix3', 'piix4', 'ich6'))
        return el('controller', *(self.info() if kind == 'sata' else ()), type=kind, index=index)

    def interface(self):
        kind = self.random.choice(['network'] * 5 + ['bridge'] * 5 + ['user', 'direct',
                'ethernet', 'hostdev', 'vhostuser',
                                  'udp', 'mcast', 'server', 'client', 'internal',
                'vdpa', 'network', 'bridge', 'null', 'vds'])
        source = {
            'network': el('source', network='default', portgroup=self.some(0.1, 'eng'),
                bridge=self.some(0.05, 'virbr0')),
            'bridge': el('source', bridge='br0'), 'user': None,
            'direct': el('source', dev='eth0', mode=self.some(0.8, 'bridge', 'vepa',
                'private', 'passthrough')),
            'ethernet': None, 'internal': el('source', name='lan'), 'vdpa': el('source',
                dev='/dev/vhost-vdpa-0'),
            'hostdev': el('source', el('address', type='pci', domain='0x0000', bus='0x06',
                slot='0x10', function='0x%x' % self.number(0, 7))),
            'vhostuser': el('source', el('reconnect', enabled='yes', timeout='5')
                if self.chance(0.3) else None,
                            type='unix', path='/run/vhost1.sock', mode=self.one('server',
                'client')),
            'udp': el('source', el('local', address='127.0.0.1', port='5557'), address='127.0.0.1',
                port='5556'),
            'mcast': el('source', address='230.0.0.1', port='5558'), 'server': el('source',
                address='192.168.0.1', port='5558'),
            'client': el('source', address='192.168.0.1', port='5558'),
            'vds': el('source', switchid=self.uuid(), portid='1', portgroupid='pg',
                connectionid='2')}.get(kind)
        if self.odd() and self.chance(0.2):
            source = None
        model = self.some(0.85, *(['virtio'] * 8), 'e1000', 'e1000', 'e1000e', 'rtl8139',
                'ne2k_pci', 'pcnet', 'vmxnet3', 'i82559er',
                          'virtio-transitional', 'virtio-non-transitional', 'pcnet',
                'igb' if self.odd() else 'i82551')
        if self.odd():
            model = self.one('VIRTIO', 'netfront', 'spapr-vlan', 'ne2k_isa', 'weird', 'lan9118')
        if kind in ('vdpa', 'vhostuser') and not self.odd():
            model = 'virtio'
        virtio = bool(model) and 'virtio' in model
        driver = None
        if self.chance(0.25) and kind != 'hostdev':
            driver = el('driver', el('host', csum='off', gso='off', ufo=self.some(0.5,
                    *ON_OFF)) if self.chance(0.2) else None,
                        el('guest', csum='off', tso4='off') if self.chance(0.2) else None,
                        name=self.some(0.5, 'vhost', 'qemu'), txmode=self.some(0.05,
                    'iothread', 'timer'),
                        ioeventfd=self.some(0.1, *ON_OFF), event_idx=self.some(0.1, *ON_OFF),
                        queues=self.some(0.4, '1', '4', '8'), rx_queue_size=self.some(0.1,
                    '512', '1024', '500' if self.odd() else '256'),
                        tx_queue_size=self.some(0.1, '512'), rss=self.some(0.05, *ON_OFF),
                    rss_hash_report=self.some(0.05, *ON_OFF),
                        **self.virtio())
        if kind == 'hostdev' and self.chance(0.4):
            driver = el('driver', name=self.one('vfio', 'vfio', 'kvm' if self.odd() else 'vfio'))
        tag = el('vlan', el('tag', id=self.number(1, 4094)), *([el('tag', id='7',
                nativeMode='untagged')] if self.chance(0.2) else []),
                 trunk=self.some(0.3, 'yes')) if self.chance(0.06) else None
        port = el('virtualport', el('parameters', interfaceid=self.uuid()) if self.chance(0.7)
                else None,
                  type=self.one('openvswitch', 'openvswitch', 'midonet')) if kind in ('bridge',
                'network') and self.chance(0.12) else None
        if kind in ('direct', 'hostdev') and self.chance(0.1):
            port = self.one(el('virtualport', el('parameters', managerid='11', typeid='1193047',
                    typeidversion='2', instanceid=self.uuid()), type='802.1Qbg'),
                            el('virtualport', el('parameters', profileid='finance'),
                    type='802.1Qbh'))
        bandwidth = el('bandwidth', el('inbound', average='1000', peak=self.some(0.5,
                '5000'), burst=self.some(0.5, '1024'), floor=self.some(0.1, '200')),
                       el('outbound', average='128') if self.chance(0.5)
                else None) if self.chance(0.06) else None
        filterref = el('filterref', *([el('parameter', name='IP', value='10.0.0.1'),
                el('parameter', name='CTRL_IP_LEARNING', value='none')]
                       if self.chance(0.5) else []),
                filter='clean-traffic') if self.chance(0.08) and kind in ('network',
                'bridge', 'ethernet') else None
        return el('interface', el('mac', address=self.mac(), type=self.some(0.03,
                'static', 'generated'), check=self.some(0.03, *YES_NO))
                  if self.chance(0.8) else None, source, tag, port, bandwidth,
                  el('script', path='/etc/qemu-ifup') if kind == 'ethernet' and self.chance(0.3)
                else None,
                  el('downscript', path='/etc/qemu-ifdown')
                if kind == 'ethernet' and self.chance(0.2)
                else None,
                  el('target', dev=self.one('tap0', 'vnet3', 'foo-1', 'macvtap1'),
                managed=self.some(0.2, *YES_NO) if kind == 'ethernet' or self.odd()
                else None) if self.chance(0.2) else None,
                  el('ip', family='ipv4', address='10.1.2.3', prefix='24')
                if kind == 'user' and self.chance(0.3)
                else None,
                  el('model', type=model) if model else None, driver,
                  el('backend', tap=self.some(0.7, '/dev/net/tun'), vhost=self.some(0.7,
                '/dev/vhost-net'),
                     type=self.some(0.3, 'passt', 'default') if kind == 'user' else None)
                if self.chance(0.04) else None,
                  filterref, el('tune', el('sndbuf', text='1600')) if self.chance(0.03) else None,
                  el('link', state=self.one('up', 'down')) if self.chance(0.1) else None,
                  el('mtu', size=self.one('1500', '9000', '1450')) if self.chance(0.15) else None,
                  el('teaming', type='persistent') if self.chance(0.02) else
                  el('teaming', type='transient', persistent='ua-thing1')
                if kind == 'hostdev' and self.chance(0.1)
                else None,
                  el('coalesce', el('rx', el('frames', max=self.one('7',
                '0')))) if self.chance(0.04)
                else None,
                  el('port', isolated=self.one(*YES_NO))
                if self.chance(0.05) and (kind in ('bridge',
                'network') or self.odd()) else None,
                  self.boot(), self.alias(), self.rom(), self.acpi(), self.pci()
                if model != 'usb-net'
                else self.usb(),
                  type=kind, managed=self.some(0.8, *YES_NO) if kind == 'hostdev' else None,
                  trustGuestRxFilters=self.some(0.05, *YES_NO))

    def hostdev(self):
        kind = self.random.choice(['pci'] * 4 + ['usb'] * 3 + ['scsi'] * 2 + ['scsi_host',
                'mdev', 'mdev'])
        if kind == 'pci':
            return el('hostdev', el('driver', name='vfio') if self.chance(0.3) else None,
                      el('source', el('address', domain='0x0000', bus='0x%02x' % self.number(1,
                    9), slot='0x%02x' % self.number(0, 31), function='0x0')),
                      self.boot(), self.alias(), self.rom(), self.acpi(), self.pci(),
                    mode='subsystem', type='pci', managed=self.some(0.8, *YES_NO))
        if kind == 'usb':
            source = self.one(el('source', el('vendor', id='0x%04x' % self.number(1,
                    65535)), el('product', id='0xbeef'),
                                 startupPolicy=self.some(0.2, 'optional'), guestReset=self.some(0.1,
                    'off', 'uninitialized', 'on')),
                              el('source', el('address', bus=self.number(1,
                    20), device=self.number(1,
                    99))),
                              el('source', el('vendor', id='0x1234'), el('product',
                    id='0x%x' % self.number(1, 65535)), el('address', bus='3', device=self.number(1,
                    9))))
            return el('hostdev', source, self.boot(), self.alias(), self.usb(), mode='subsystem',
                    type='usb', managed=self.some(0.5, *YES_NO))
        if kind == 'scsi':
            source = self.one(el('source', el('adapter', name='scsi_host%d' % self.number(0,
                    9)), el('address', bus='0', target='0', unit=self.number(0, 99))),
                              el('source', el('host', name='example.org', port='3260'),
                    protocol='iscsi',
                                 name='iqn.1992-01.com.example:storage/%d' % self.number(1, 9)))
            return el('hostdev', source, el('readonly') if self.chance(0.2) else None,
                    el('shareable') if self.chance(0.1) else None,
                      self.boot(), self.alias(), self.drive('scsi'), mode='subsystem',
                    type='scsi', managed=self.some(0.2, *YES_NO),
                      sgio=self.some(0.2, 'filtered', 'unfiltered'), rawio=self.some(0.2, *YES_NO))
        if kind == 'scsi_host':
            return el('hostdev', el('source', protocol='vhost',
                    wwpn='naa.5123456789abcde%x' % self.number(0,
                    15)), self.alias(), self.pci(),
                      mode='subsystem', type='scsi_host', managed=self.some(0.3, 'no'),
                    model=self.some(0.2, *VIRTIO_MODELS))
        return el('hostdev', el('source', el('address', uuid=self.uuid())), self.boot(0.03),
                self.alias(), self.pci(), mode='subsystem', type='mdev',
                  model='vfio-pci' if not self.odd() else self.one('vfio-ccw', 'vfio-ap',
                None), managed=self.some(0.2, 'no'),
                  display=self.some(0.2, *ON_OFF), ramfb=self.some(0.05, *ON_OFF))

    def input(self):
        kind = self.one('tablet', 'tablet', 'mouse', 'keyboard', 'passthrough', 'evdev')
        bus = self.one('usb', 'usb', 'ps2', 'virtio', None)
        if not self.odd():
            bus = {'passthrough': self.one('virtio', None), 'evdev': None,
                   'tablet': self.one('usb', 'usb', 'virtio', None)}.get(kind, bus)
        source = {'passthrough': el('source', evdev='/dev/input/event1'),
                  'evdev': el('source', dev='/dev/input/event2', grab=self.some(0.4,
                'all'), repeat=self.some(0.4, *ON_OFF), grabToggle=self.some(0.2,
                'ctrl-ctrl', 'shift-shift'))}.get(kind)
        return el('input', self.driver(bus == 'virtio'), source, self.alias(), {'usb': self.usb,
                'virtio': self.pci}.get(bus, lambda: None)(),
                  type=kind, bus=bus, model=self.some(0.1, *VIRTIO_MODELS) if bus == 'virtio'
                or self.odd() else None)

    def tpm(self):
        backend = self.one(el('backend', type='emulator', version=self.one('2.0',
                '1.2'), persistent_state=self.some(0.1, 'yes')),
                           el('backend', el('device', path=self.some(0.9, '/dev/tpm0')),
                type='passthrough'),
                           el('backend', el('encryption', secret=self.uuid()), type='emulator',
                version='2.0'),
                           el('backend', el('source', type='unix', mode='connect',
                path='/tmp/tpm'), type='external'))
        return el('tpm', backend, self.alias(), model=self.some(0.8, 'tpm-tis', 'tpm-crb',
                'tpm-crb', 'tpm-spapr' if self.odd() else 'tpm-crb'))

    def rng(self):
        backend = self.one(el('backend', text='/dev/urandom', model='random'), el('backend',
                text='/dev/urandom', model='random'), el('backend', model='random'),
                           el('backend', text='/dev/hwrng', model='random'), el('backend',
                model='builtin'),
                           el('backend', el('source', mode='connect', host='1.2.3.4',
                service='1234'), el('protocol', type='raw') if self.chance(0.5) else None,
                model='egd', type='tcp'),
                           el('backend', el('source', mode='bind', service='1234'),
                el('source', mode='connect', host='1.2.3.4', service='1234'), model='egd',
                type='udp'))
        return el('rng', el('rate', bytes='1024', period=self.some(0.7, '1000', '2000'))
                if self.chance(0.4) else None, backend, self.driver(), *self.info(),
                  model=self.random.choice(VIRTIO_MODELS + ['virtio'] * 6))

    def watchdog(self):
        return el('watchdog', self.alias(), self.pci(0.05), model=self.one('i6300esb',
                'i6300esb', 'ib700', 'ib700', 'diag288' if self.odd() else 'i6300esb'),
                  action=self.some(0.7, 'reset', 'poweroff', 'pause', 'none', 'dump',
                'inject-nmi', 'shutdown'))

    def memballoon(self):
        model = self.random.choice(['virtio'] * 5 + ['none', 'none'] + VIRTIO_MODELS + (['xen',
                None] if self.odd() else []))
        if model == 'none' and not self.odd():
            return el('memballoon', model='none')
        return el('memballoon', el('stats', period=self.one('10', '5', '0')) if self.chance(0.4)
                else None, self.driver(), self.alias(), self.pci(),
                  model=model, autodeflate=self.some(0.1, *ON_OFF), freePageReporting=self.some(0.1,
                *ON_OFF))

    def memory(self):
        kind = self.one('dimm', 'dimm', 'nvdimm', 'virtio-mem', 'virtio-pmem', 'sgx-epc'
                if self.odd() else 'dimm')
        node = el('node', text='0') if kind in ('dimm', 'nvdimm',
                'virtio-mem') or self.odd() else None
        size = el('size', text='524288', unit='KiB')
        if kind == 'virtio-mem':
            return el('memory', el('source', el('pagesize', text='2048', unit='KiB'))
                    if self.chance(0.2) else None,
                      el('target', size, node, el('block', text='2048', unit='KiB'),
                    el('requested', text='262144', unit='KiB')),
                      self.alias(), self.pci(), model=kind)
        if kind in ('nvdimm', 'virtio-pmem'):
            return el('memory', el('uuid', text=self.uuid()) if kind == 'nvdimm' and self.odd()
                    else None, el('source', el('path', text='/tmp/nv')),
                      el('target', size, node, el('label', el('size', text='128',
                    unit='KiB')) if kind == 'nvdimm' and self.chance(0.3) else None),
                      self.alias(), self.pci() if kind == 'virtio-pmem' else None,
                    model=kind, access=self.some(0.3, 'shared', 'private' if kind == 'nvdimm'
                    or self.odd() else 'shared'))
        return el('memory', el('source', el('pagesize', text='2048', unit='KiB'),
                el('nodemask', text='0')) if self.chance(0.2) else None, el('target',
                size, node), self.alias(),
                  el('address', type='dimm', slot=self.number(0, 3), base=self.some(0.3,
                '0x100000000')) if self.chance(0.15) else None, model=kind,
                  access=self.some(0.1, 'shared', 'private'), discard=self.some(0.1, *YES_NO))

    def filesystem(self):
        kind = self.one('mount', 'mount', 'mount', None, 'template' if self.odd()
                else 'mount', 'block' if self.odd() else 'mount')
        driver = self.one(None, None, el('driver', type='path', wrpolicy='immediate'),
                el('driver', type='virtiofs', queue=self.some(0.4, '1024')), el('driver',
                type='virtiofs'),
                          el('driver', type='handle') if self.odd() else None)
        virtiofs = bool(driver) and 'virtiofs' in driver
        return el('filesystem', driver, el('binary', el('cache', mode=self.one('always',
                'none')), el('lock', posix='on', flock='on') if self.chance(0.4) else None,
                el('thread_pool', size='16') if self.chance(0.2) else None,
                path='/usr/libexec/virtiofsd',
                xattr='on') if virtiofs and self.chance(0.3) else None,
                  el('source', dir='/srv/share') if not self.odd() else el('source',
                socket='/tmp/vfs.sock'), el('target', dir=f'tag{self.number(0, 99)}'),
                el('readonly') if self.chance(0.1) else None,
                  *self.info(), type=kind, accessmode=self.some(0.6, 'passthrough',
                'passthrough', 'mapped' if not virtiofs or self.odd() else 'passthrough',
                'squash' if not virtiofs or self.odd() else 'passthrough'),
                  model=self.some(0.1, *VIRTIO_MODELS), fmode=self.some(0.05, '644',
                '0600'), multidevs=self.some(0.05, 'remap', 'forbid', 'warn'))

    def shmem(self):
        kind = self.one('ivshmem-plain', 'ivshmem-doorbell', 'ivshmem' if self.odd()
                else 'ivshmem-plain')
        return el('shmem', el('model', type=kind), el('size', text=self.one('4', '8',
                '3' if self.odd() else '16'), unit='M')
                if self.chance(0.6) and (kind != 'ivshmem-doorbell'
                or self.odd()) else None,
                  el('server', path='/tmp/ivshmem') if kind == 'ivshmem-doorbell'
                else None, el('msi', vectors=self.some(0.6, '8'), ioeventfd=self.some(0.4,
                *ON_OFF)) if kind == 'ivshmem-doorbell' and self.chance(0.5) else None,
                  self.alias(), self.pci(), name=f'shm{self.number(0, 99)}', role=self.some(0.2,
                'master', 'peer'))

    def panic(self):
        model = self.random.choice([None, 'isa', 'isa', 'hyperv' if self.odd() else 'isa',
                's390' if self.odd() else 'isa'])
        address = el('address', type='isa', iobase='0x505') if model in (None,
                'isa') and self.chance(0.4) else self.pci() if model == 'pvpanic' else None
        return el('panic', self.alias(), address, model=model)

    def smartcard(self):
        address = el('address', type='ccid', controller='0', slot=self.one('0',
                '1')) if self.chance(0.2) else None
        return self.one(el('smartcard', address, mode='host'), el('smartcard', self.alias(),
                address, mode='passthrough', type='spicevmc'),
                        el('smartcard', el('source', mode='bind', host='127.0.0.1',
                service='2001'), el('protocol', type='raw'), address, mode='passthrough',
                type='tcp'),
                        el('smartcard', el('certificate', text='c1'), el('certificate',
                text='c2'), el('certificate', text='c3'), el('database', text='/etc/pki/nss')
                if self.chance(0.5) else None, mode='host-certificates'))

    def redirdev(self):
        return self.one(el('redirdev', self.boot(), self.alias(), self.usb(), bus='usb',
                type='spicevmc'), el('redirdev', self.alias(), self.usb(), bus='usb',
                type='spicevmc'),
                        el('redirdev', el('source', mode='connect', host='localhost',
                service='4000'), el('protocol', type='raw') if self.chance(0.7) else None,
                self.usb(), bus='usb', type='tcp'))

    def devices(self):
        """The devices of one definition, with their number."""
        often = [(self.disk, 5), (self.interface, 3), (self.controller, 4), (self.serial,
                1), (self.console, 1), (self.channel, 2), (self.input, 2), (self.hostdev,
                1)]
        seldom = [self.parallel, self.redirdev, self.rng, self.filesystem, self.shmem,
                self.smartcard, self.sound, self.tpm, self.watchdog, self.panic, self.memory]
        parts = []
        for make, most in often:
            parts += [make() for _ in range(self.number(0, most))]
        for make in seldom:
            parts += [make() for _ in range(self.number(1, 2) if self.odd() else 1)
                    if self.chance(0.13)]
        if self.chance(0.7):
            parts += [self.graphics() for _ in range(1 if self.chance(0.85) else 2)]
        if self.chance(0.7):
            parts += [self.video() for _ in range(1 if self.chance(0.8) else self.number(2, 3))]
        if self.chance(0.4):
            parts.append(self.memballoon())
        if self.chance(0.1):
            parts.append(self.audio())
        if self.chance(0.05):
            parts.append(el('hub', self.usb(), type='usb'))
        if self.chance(0.05):
            parts.append(el('vsock', el('cid', auto=self.some(0.6, *YES_NO), address=self.some(0.5,
                    '4', '2' if self.odd() else '7')), self.driver(), self.pci(),
                    model=self.some(0.7, *VIRTIO_MODELS)))
        if self.chance(0.05) and (self.express or self.odd()):
            parts.append(self.one(el('iommu', el('driver', intremap=self.some(0.5,
                    *ON_OFF), caching_mode='on', iotlb=self.some(0.3, 'on')), model='intel'),
                    el('iommu', model='intel'), el('iommu', self.pci(), model='virtio')))
        if self.chance(0.03):
            parts.append(el('redirfilter', el('usbdev', allow='yes', vendor='0x1234',
                    product='-1', version=self.one('1.1', '2', '2.10', '-1')), el('usbdev',
                    allow='no')))
        if self.chance(0.03):
            parts += [self.one(self.disk, self.interface, self.channel, self.pci_controller)()
                    for _ in range(self.number(30, 120))]
        if self.chance(0.5):
            self.random.shuffle(parts)
        return [part for part in parts if part]

    def alone(self):
        """One device, with more doubt than where there are many."""
        self.doubt = self.one(0, 0.1, 0.3)
        make = self.one(self.disk, self.disk, self.disk, self.interface, self.interface,
                self.controller, self.serial, self.console, self.channel,
                        self.input, self.hostdev, self.graphics, self.graphics, self.video,
                self.video, self.redirdev, self.rng, self.filesystem, self.shmem,
                        self.smartcard, self.sound, self.tpm, self.watchdog, self.panic,
                self.memory, self.memballoon, self.audio)
        return [make() for _ in range(self.one(1, 1, 1, 2) if make not in (self.memballoon,
                self.audio) else 1)]


def machine(maker, devices):
    """A definition around the devices."""
    has_memory = any('<memory ' in part for part in devices)
    arch = 'i686' if maker.chance(0.05) else 'x86_64'
    cpu = el('cpu', el('numa', el('cell', id='0', cpus='0-1', memory='2097152',
            unit='KiB'))) if has_memory and maker.chance(0.95) else None
    boot = el('boot', dev=maker.one('hd',
            'cdrom', 'network')) if not maker.boots and maker.chance(0.4) else None
    return el('domain', el('name', text='guest'), el('uuid',
            text='c7a5fdbd-edaf-9455-926a-d65c16db1809')
            if maker.chance(0.9) else None,
              el('maxMemory', text='16777216', unit='KiB', slots='8')
            if has_memory and maker.chance(0.95)
            else None,
              el('memory', text='2097152', unit='KiB'), el('vcpu', text='2'), el('iothreads',
            text='2') if maker.chance(0.6) else None,
              el('os', el('type', text='hvm', arch=arch if maker.chance(0.9) else None,
            machine=maker.machine), boot),
              el('features', el('acpi') if maker.chance(0.9) else None, el('apic'),
            el('ioapic', driver='qemu') if maker.chance(0.05) else None), cpu,
              el('devices', el('emulator', text='/usr/bin/qemu-system-x86_64')
            if maker.chance(0.5) and arch == 'x86_64'
            else None, *devices),
              type='kvm' if maker.chance(0.1) else 'qemu')


def corpus(name):
    with open(name, encoding='utf-8') as file:
        return file.read()


def top_devices(text):
    """The device elements of a definition, as text."""
    inner = re.search(r'<devices>(.*)</devices>', text, re.S)
    return re.findall(r'^    (<(?!emulator|!--)([\w-]+)[^>]*?(?:/>|>.*?</\2>))$',
            inner.group(1), re.S | re.M) if inner else []


def recombined(seed):
    """Devices of some corpus definitions in the machine of another."""
    maker = Maker(f'corpus {seed}')
    names = sorted(glob.glob(os.path.join(CORPUS, 'frozen', '*.in.xml')))
    if not names:
        return None
    frame = corpus(maker.random.choice(names))
    pool = [part for _ in range(3) for part, _ in top_devices(corpus(maker.random.choice(names)))]
    pool = [part for part in pool if not part.startswith('<memballoon') and "type='ide'"
            " index='0'" not in part]
    added = maker.random.sample(pool, min(len(pool), maker.number(1, 6)))
    if '</devices>' not in frame or not added:
        return None
    return frame.replace('</devices>', ''.join(added) + '</devices>')


def definition(seed):
    """The definition of that seed, as text."""
    if seed % 4 == 0:
        return managers.definition(seed // 4)
    made = recombined(seed) if seed % 4 == 1 else None
    maker = Maker(seed)
    return made or machine(maker, maker.alone() if seed % 4 == 2 else maker.devices())
