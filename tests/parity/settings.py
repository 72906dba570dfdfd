# SPDX-License-Identifier: Apache-2.0
"""Random definitions of everything outside <devices>, for tests/parity/run --make settings.

A seed gives one definition. Most have a few subjects each, with values that are mostly right and
now and then wrong, because what is refused is to agree as well; one in five is a definition of the
corpus whose top-level elements come partly from another. The devices are few and dull.
"""

import glob
import os
import random
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, '..', '..', '..', 'shared', 'corpus')
QEMU = 'http://libvirt.org/schemas/domain/qemu/1.0'
WRONG = ('bogus', '', '-1', 'yes', '4294967296', ' 1', '0x2', '+3')


def element(name, attributes=None, *inside):
    """An element as text; attributes that are None are left out."""
    words = ''.join(f' {key.replace("__", ":")}={quoteattr(str(value))}'
                    for key, value in (attributes or {}).items() if value is not None)
    body = ''.join(text for text in inside if text)
    return f'<{name}{words}>{body}</{name}>' if body else f'<{name}{words}/>'


class Maker:
    """The random choices of one definition, and the parts that it has so far."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wrong = 0.02 if self.random.random() < 0.5 else 0
        self.parts = {}
        self.type = self.pick('kvm', 'kvm', 'kvm', 'qemu')
        self.arch = 'x86_64' if self.chance(0.9) else 'i686'
        self.machine = self.pick('q35', 'pc', 'pc-q35-7.2', 'pc-i440fx-6.1', 'pc-q35-5.2')
        self.vcpus = self.pick(1, 2, 4, 4, 8, 16)
        self.memory = self.pick(1, 2, 4) * 1048576
        self.cells = 0
        self.threads = 0

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *values):
        return self.random.choice(values)

    def word(self, *values):
        """One of the values, or rarely something that nobody takes."""
        return self.pick(*WRONG) if self.chance(self.wrong) else self.pick(*values)

    def number(self, low, high):
        if self.chance(self.wrong):
            return self.pick(*WRONG)
        return self.random.randint(low, high)

    def some(self, probability, text):
        return text if self.chance(probability) else ''

    def perhaps(self, *values):
        """One of the values, or None, which leaves an attribute out."""
        return None if self.chance(0.5) else self.word(*values)

    def onoff(self):
        return self.word('on', 'off')

    def yesno(self):
        return self.word('yes', 'no')

    def numbers(self, count):
        """A set of numbers below count."""
        last = max(count - 1, 0)
        low = self.random.randint(0, last)
        high = self.random.randint(low, last)
        return self.word(f'{low}', f'{low}-{high}', f'{low},{high}', f'0-{last}',
                         f'0-{last},^{high}' if last else '0')

    def add(self, name, text):
        self.parts[name] = self.parts.get(name, '') + text

    def several(self, low, high, make):
        return ''.join(make(index) for index in range(self.random.randint(low, high)))


def size(maker, name, kib, attributes=None):
    """A size of about that many KiB in one of its many spellings."""
    units = {None: 1024, 'KiB': 1024, 'k': 1024, 'KB': 1000, 'MiB': 1 << 20, 'M': 1 << 20,
             'MB': 10**6, 'GiB': 1 << 30, 'G': 1 << 30, 'GB': 10**9, 'b': 1, 'bytes': 1,
             'kib': 1024,
             'TiB': 1 << 40, 'mb': 10**6, 'B': 1, 'byte': 1, 'g': 1 << 30}
    unit = maker.pick(*units) if maker.chance(0.5) else 'KiB'
    value = max(kib * 1024 // units[unit], 1) + maker.pick(0, 0, 0, 1, 3)
    text = maker.pick(*WRONG) if maker.chance(maker.wrong) else str(value)
    if maker.chance(0.05):
        text = maker.pick(f' {text} ', f'\n  {text}\n', f'0{text}', f'+{text}', f'{text} ')
    if maker.chance(maker.wrong):
        unit = maker.pick('KIB', 'XiB', '', 'kB', 'ZB')
    return element(name, {**(attributes or {}), 'unit': unit}, text)


# ---- what it is called ----

def naming(maker):
    uuid = '%08x-%04x-4%03x-8%03x-%012x' % tuple(
        maker.random.getrandbits(bits) for bits in (32, 16, 12, 12, 48))
    maker.parts['uuid'] = element('uuid', {}, maker.word(uuid, uuid.upper(), uuid.replace('-', ''),
                                                         f' {uuid} '))
    maker.add('title', element('title', {}, maker.word('A title', ' padded ', 'a &amp; b',
                                                       'two\nlines', '\u00fcml\u00e4ut')))
    maker.add('description', element('description', {}, maker.pick(
        'Some\n text  with  space', '', '<![CDATA[a < b]]>', '&#x9;tab', 'x' * 300)))


def genid(maker):
    maker.add('genid', element('genid', {}, maker.word(
        '', '87caafe3-5d9a-4a8d-a1d9-2cbf8ea6d4c1', '87CAAFE35D9A4A8DA1D92CBF8EA6D4C1')))


def metadata(maker):
    apps = (
        '<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">'
        '<nova:package version="25.1.0"/><nova:flavor name="m1.small"><nova:memory>2048'
        '</nova:memory></nova:flavor></nova:instance>',
        '<libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">'
        '<libosinfo:os id="http://debian.org/debian/12"/></libosinfo:libosinfo>',
        '<ovirt-vm:vm xmlns:ovirt-vm="http://ovirt.org/vm/1.0"><ovirt-vm:clusterVersion>4.7'
        '</ovirt-vm:clusterVersion>mixed <b xmlns="">text</b> tail</ovirt-vm:vm>',
        '<one:vm xmlns:one="http://opennebula.org/xmlns/libvirt/1.0"> '
        '<one:name><![CDATA[web]]></one:name> </one:vm>',
        '<plain>no namespace</plain>',
        '<vm xmlns="http://default.example/"><inner a="1" xmlns:x="urn:x" x:b="2"/></vm>',
        '<!-- a comment -->', '<kcli:info xmlns:kcli="kcli"><kcli:plan>k</kcli:plan></kcli:info>')
    maker.add('metadata', element('metadata', {}, maker.several(
        0, 4, lambda _: maker.pick(*apps))))


# ---- how it starts ----

LOADERS = ('/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_CODE_4M.fd',
           '/usr/share/OVMF/OVMF_CODE_4M.ms.fd', '/usr/share/seabios/bios.bin', '/srv/own.fd')


def loader(maker):
    firmware = 'firmware' in maker.parts
    chosen = maker.chance(0.05 if firmware else 0.97)
    kind = maker.perhaps('pflash', 'pflash', 'rom') if chosen else None
    maker.add('os', element('loader', {
        'readonly': maker.perhaps('yes', 'no') if chosen else None,
        'secure': maker.perhaps('yes', 'no') if chosen or maker.chance(0.7) else None,
        'type': kind, 'stateless': maker.perhaps('yes', 'no') if maker.chance(0.2) else None},
        maker.pick(*LOADERS) if chosen else ''))
    if maker.chance(0.5):
        maker.add('os', nvram(maker))


def nvram(maker):
    path = '/var/lib/libvirt/qemu/nvram/guest_VARS.fd'
    template = maker.perhaps('/usr/share/OVMF/OVMF_VARS.fd', '/usr/share/OVMF/OVMF_VARS_4M.ms.fd')
    if maker.chance(0.15):
        kind = maker.word('file', 'block', 'network')
        source = {'file': {'file': path}, 'block': {'dev': '/dev/sdx'}}.get(
            kind, {'protocol': 'iscsi', 'name': 'iqn.2013-07.com.example:iscsi/0'})
        inside = '<host name="example.com" port="6000"/>' if kind == 'network' else ''
        return element('nvram', {'template': template, 'type': kind},
                       element('source', source, inside))
    return element('nvram', {'template': template}, maker.pick(path, path, ''))


def firmware(maker):
    kind = maker.word('efi', 'efi', 'efi', 'bios')
    maker.parts['firmware'] = kind
    if maker.chance(0.6):
        maker.add('os', element('firmware', {}, maker.several(
            0, 2, lambda index: element('feature', {
                'enabled': maker.yesno(),
                'name': ('secure-boot', 'enrolled-keys')[index]
                if maker.chance(0.9) else maker.word('enrolled-keys')}))))
    if maker.chance(0.4):
        loader(maker)
    elif maker.chance(0.3):
        maker.add('os', nvram(maker))
    maker.parts['acpi'] = '1' if maker.chance(0.95) else ''
    if maker.chance(0.4):
        maker.add('features', element('smm', {'state': maker.perhaps('on', 'off')}))


def kernel(maker):
    for name, value in (('kernel', '/boot/vmlinuz'), ('initrd', '/boot/initrd.img'),
                        ('cmdline', 'console=ttyS0 root=/dev/vda1 quiet'), ('dtb', '/boot/x.dtb')):
        maker.add('os', maker.some(0.6 if name != 'dtb' else 0.1, element(name, {}, maker.pick(
            value, value, value, '', f' {value} ', f'{value} &amp; "more"'))))


def booting(maker):
    maker.add('os', maker.several(0, 3, lambda _: element(
        'boot', {'dev': maker.word('hd', 'network', 'cdrom', 'fd')})))
    maker.add('os', maker.some(0.5, element('bootmenu', {
        'enable': maker.perhaps('yes', 'no'), 'timeout': maker.perhaps(0, 3000, 65535, 65536)})))
    maker.add('os', maker.some(0.4, element('smbios', {
        'mode': maker.word('sysinfo', 'host', 'emulate')})))
    maker.add('os', maker.some(0.4, element('bios', {
        'useserial': maker.perhaps('yes', 'no'),
        'rebootTimeout': maker.perhaps(-1, 0, 65535, 65536, 100)})))
    maker.add('os', maker.some(0.15, '<acpi>' + element(
        'table', {'type': maker.word('slic')}, '/srv/slic.bin') + '</acpi>'))
    maker.add('os', maker.some(0.08, '<init>/sbin/init</init><initarg>x</initarg>'
                               '<initenv name="A">b</initenv><initdir>/</initdir>'))
    if maker.chance(0.1):
        maker.add('bootloader', '<bootloader>/usr/bin/pygrub</bootloader>')
    if maker.chance(0.4):
        sysinfo(maker)


def sysinfo(maker):
    blocks = {'bios': ('vendor', 'version', 'date', 'release'),
              'system': ('manufacturer', 'product', 'version', 'serial', 'uuid', 'sku', 'family'),
              'baseBoard': ('manufacturer', 'product', 'version', 'serial', 'asset', 'location'),
              'chassis': ('manufacturer', 'version', 'serial', 'asset', 'sku')}
    values = {'date': ('10/30/2013', '1/2/03', '13/01/2020', '2013-10-30'),
              'uuid': ('c7a5fdbd-edaf-9455-926a-d65c16db1809',)}
    maker.parts.setdefault('uuid', '<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>')

    def block(name):
        return element(name, {}, ''.join(
            element('entry', {'name': entry}, maker.pick(*values.get(
                entry, ('Fedora', 'LENOVO', 'Virt-Manager', 'a,b', ' x ', '0.9.4', ''))))
            for entry in blocks[name] if maker.chance(0.4)))

    if maker.chance(0.3):
        fwcfg(maker)
    if maker.chance(0.85):
        maker.add('sysinfo', element(
            'sysinfo', {'type': maker.word('smbios')},
            *(maker.some(0.5, block(name)) for name in blocks), maker.some(0.1, block('baseBoard')),
            maker.some(0.3, '<oemStrings>' + maker.several(0, 3, lambda _: element(
                'entry', {}, maker.pick('Hello', 'myapp:some data', ''))) + '</oemStrings>')))


def fwcfg(maker):
    maker.add('sysinfo', element('sysinfo', {'type': 'fwcfg'}, maker.several(
        0, 3, lambda _: element(
        'entry', {'name': maker.word('opt/com.example/a', 'opt/com.coreos/config', 'etc/x',
                                     'opt/org.qemu/x', 'opt/ovmf/X'),
                  'file': maker.perhaps('/srv/provision.ign')},
        maker.pick('value', '', 'a &amp; b')))))


# ---- processors ----

FEATURES = ('vmx', 'svm', 'pcid', 'spec-ctrl', 'ssbd', 'aes', 'x2apic', 'hypervisor', 'pdpe1gb',
            'invtsc', 'md-clear', 'amd-ssbd', 'topoext', 'tsc-deadline', 'monitor', 'lm', 'sse4.1',
            'sse4_1', 'nx', 'tsc_adjust', 'nosuch')
MODELS = ('qemu64', 'kvm64', 'Haswell', 'Haswell-noTSX-IBRS', 'Skylake-Client-IBRS', 'EPYC',
          'Westmere', 'EPYC-Rome', 'Nehalem', 'Penryn', 'core2duo', 'SandyBridge', 'IvyBridge',
          'Broadwell',
          'Cascadelake-Server', 'Icelake-Server-noTSX', 'Opteron_G3', 'qemu32',
          'pentium3', 'athlon', 'Snowridge', 'EPYC-Milan', 'Cooperlake', 'host', 'max',
          'NoSuchModel')


def topology(maker):
    if maker.chance(0.1):
        return element('topology', {'sockets': maker.perhaps(1), 'dies': maker.perhaps(1, 2),
                                    'cores': maker.perhaps(2), 'threads': maker.perhaps(1)})
    threads = maker.pick(1, 1, 2)
    cores = maker.pick(1, 2, 4)
    dies = maker.pick(None, None, 1, 2)
    sockets = maker.pick(1, 2)
    total = threads * cores * (dies or 1) * sockets
    if maker.chance(0.95):
        maker.vcpus = total
    return element('topology', {'sockets': sockets, 'dies': dies, 'cores': cores,
                                'threads': threads})


def features_of_cpu(maker):
    names = maker.random.sample(FEATURES, maker.random.randint(0, 4))
    if names and maker.chance(0.05):
        names.append(names[0])
    return ''.join(element('feature', {
        'policy': maker.perhaps('require', 'disable', 'optional', 'force', 'forbid'),
        'name': name if maker.chance(0.99) else ''}) for name in names)


def cpu(maker):
    mode = maker.word('custom', None, None, 'host-model', 'host-model', 'host-passthrough',
                      'host-passthrough', 'maximum')
    named = mode in ('custom', None) and maker.chance(0.85) or maker.chance(0.1)
    model = element('model', {
        'fallback': maker.perhaps('allow', 'forbid') if mode != 'maximum' else None,
        'vendor_id': maker.perhaps('GenuineIntel', 'KVM Hv', 'short') if maker.chance(0.1)
        else None}, maker.pick(*MODELS) if mode != 'host-model' or maker.chance(0.3) else '')
    body = (
        model if named or (mode == 'host-model' and maker.chance(0.5)) else '',
        maker.some(0.12, element('vendor', {}, maker.word('Intel', 'AMD', 'Hygon'))),
        maker.some(0.5, topology(maker)),
        maker.some(0.15, element('cache', {'level': maker.perhaps(3, 2, 1),
                                           'mode': maker.word('emulate', 'passthrough',
                                                              'disable')})),
        maker.some(0.12, element('maxphysaddr', {
            'mode': maker.word('emulate', 'passthrough'), 'bits': maker.perhaps(42, 46)})),
        maker.some(0.5, features_of_cpu(maker)),
        maker.some(0.4, numa(maker)))
    maker.parts['cpu'] = element('cpu', {
        'mode': mode,
        'match': maker.perhaps('exact', 'minimum', 'strict') if maker.chance(0.6) else None,
        'check': maker.perhaps('none', 'partial', 'full'),
        'migratable': maker.perhaps('on', 'off')
        if mode in ('host-passthrough', 'maximum') or maker.chance(maker.wrong) else None}, *body)


def numa(maker):
    count = maker.random.randint(1, 3)
    if maker.chance(0.06):
        return element('numa', {}, '')
    maker.vcpus = max(maker.vcpus, count)
    ids = list(range(count))
    if maker.chance(0.15):
        maker.random.shuffle(ids)
    given = maker.chance(0.8)
    each = maker.vcpus // count
    maker.cells = count
    cells = ''
    for index, number in enumerate(ids):
        last = (index + 1) * each - 1
        if index == count - 1 and maker.chance(0.9):
            last = maker.vcpus - 1
        cpus = f'{index * each}-{last}' if last > index * each else f'{last}'
        cells += cell(maker, number if given else None, cpus, count)
    return element('numa', {}, cells, maker.some(0.12, interconnects(maker, count)))


def cell(maker, number, cpus, count):
    distances = maker.some(0.15, '<distances>' + ''.join(element(
        'sibling', {'id': other, 'value': 10 if other == number else maker.number(11, 40)})
        for other in range(count) if maker.chance(0.9)) + '</distances>')
    caches = maker.some(0.1, element(
        'cache', {'level': maker.number(1, 3), 'associativity': maker.word(
            'none', 'direct', 'full'), 'policy': maker.word('none', 'writeback', 'writethrough')},
        size(maker, 'size', 10, {}).replace('<size', '<size value="10"').split('>')[0]
        .rstrip('/') + '/>' if maker.chance(0.1) else '<size value="10" unit="KiB"/>',
        '<line value="8" unit="B"/>'))
    unit = maker.perhaps('KiB', 'MiB', 'GiB', 'M')
    amount = {'KiB': 524288, 'MiB': 512, 'M': 511, 'GiB': 1}.get(unit, 524289)
    return element('cell', {
        'id': number,
        'cpus': cpus if maker.chance(0.95) else maker.perhaps('0', '', '0-1,^1'),
        'memory': amount if maker.chance(0.97) else maker.perhaps('0'), 'unit': unit,
        'memAccess': maker.perhaps('shared', 'private') if maker.chance(0.3) else None,
        'discard': maker.perhaps('yes', 'no') if maker.chance(0.2) else None}, distances, caches)


def interconnects(maker, count):
    def one(_):
        name = maker.pick('latency', 'bandwidth')
        kind = maker.word('access', 'read', 'write')
        return element(name, {
            'initiator': maker.number(0, count - 1), 'target': maker.number(0, count - 1),
            'cache': maker.perhaps(1), 'type': kind, 'value': maker.number(1, 9),
            'unit': maker.perhaps('KiB', 'GiB') if name == 'bandwidth' else None})
    return '<interconnects>' + maker.several(0, 3, one) + '</interconnects>'


def vcpu(maker):
    attributes = {'placement': maker.perhaps('static', 'auto'),
                  'cpuset': maker.perhaps(maker.numbers(16)),
                  'current': maker.perhaps(maker.random.randint(1, max(maker.vcpus, 1)))}
    maker.parts['vcpu'] = element('vcpu', attributes, str(maker.number(
        maker.vcpus, maker.vcpus)) if maker.chance(0.95) else '')
    if maker.chance(0.3):
        maker.add('vcpus', '<vcpus>' + ''.join(element('vcpu', {
            'id': index, 'enabled': maker.word('yes') if index == 0 else maker.yesno(),
            'hotpluggable': maker.word('no') if index == 0 else maker.perhaps('yes', 'no'),
            'order': maker.perhaps(index + 1)})
            for index in range(maker.vcpus) if maker.chance(0.9)) + '</vcpus>')


def iothreads(maker):
    maker.threads = maker.random.randint(1, 4)
    if maker.chance(0.7):
        maker.add('iothreads', element('iothreads', {}, str(maker.number(maker.threads,
                                                                         maker.threads))))
    if maker.chance(0.6):
        ids = maker.random.sample(range(1, 7), maker.random.randint(0, maker.threads))
        maker.add('iothreadids', '<iothreadids>' + ''.join(element('iothread', {
            'id': number if maker.chance(0.97) else maker.perhaps(0, 1),
            'thread_pool_min': maker.perhaps(0, 8) if maker.chance(0.4) else None,
            'thread_pool_max': maker.perhaps(8, 32) if maker.chance(0.4) else None},
            maker.some(0.1, '<poll max="1" grow="2" shrink="3"/>'))
            for number in ids) + '</iothreadids>')
    if maker.chance(0.3):
        maker.add('defaultiothread', element('defaultiothread', {
            'thread_pool_min': maker.perhaps(0, 8), 'thread_pool_max': maker.perhaps(16, 4)}))


# ---- memory and tuning ----

def memory(maker):
    maker.parts['memory'] = size(maker, 'memory', maker.memory, {
        'dumpCore': maker.perhaps('on', 'off') if maker.chance(0.2) else None})
    if maker.chance(0.6):
        maker.parts['currentMemory'] = maker.pick(
            size(maker, 'currentMemory', maker.memory * maker.pick(1, 2, 4) // 4),
            size(maker, 'currentMemory', maker.memory), '<currentMemory/>'
            if maker.chance(maker.wrong) else size(maker, 'currentMemory', maker.memory // 2))
    if maker.chance(0.2):
        maker.add('maxMemory', size(maker, 'maxMemory', maker.memory * maker.pick(2, 4, 1), {
            'slots': maker.number(1, 16) if maker.chance(0.95) else None}))


def backing(maker):
    def page(_):
        return element('page', {'size': maker.word(2, 1, 2048, 1048576, 4),
                                'unit': maker.perhaps('MiB', 'GiB', 'KiB', 'G', 'M'),
                                'nodeset': maker.perhaps('0', '0-1', '1')})
    hugepages = '<hugepages>' + maker.several(0, 2, page) + '</hugepages>'
    source = maker.pick('memfd', 'file', 'anonymous', None)
    maker.add('memoryBacking', element(
        'memoryBacking', {}, maker.some(0.5, hugepages),
        maker.some(0.25, '<nosharepages/>'), maker.some(0.25, '<locked/>'),
        maker.some(0.4, element('source', {'type': source})),
        maker.some(0.4, element('access', {'mode': maker.word('shared', 'private')})),
        maker.some(0.3, element('allocation', {
            'mode': maker.perhaps('immediate', 'ondemand'), 'threads': maker.perhaps(8, 0)
            if maker.chance(0.3) else None})), maker.some(0.3, '<discard/>')))


def memtune(maker):
    maker.add('memtune', '<memtune>' + ''.join(
        maker.some(0.5, size(maker, name, maker.pick(
            4194304, 1048576, 9007199254740991, 0, 1 << 50)))
        for name in ('hard_limit', 'soft_limit', 'swap_hard_limit', 'min_guarantee'))
        + '</memtune>')


def numatune(maker):
    mode = maker.perhaps('strict', 'preferred', 'interleave', 'restrictive')
    inside = maker.some(0.85, element('memory', {
        'mode': mode, 'nodeset': maker.perhaps('0', '0-1', '0,^0', '1-2'),
        'placement': maker.perhaps('static', 'auto')}))
    if maker.chance(0.4):
        inside += maker.several(1, 2, lambda index: element('memnode', {
            'cellid': index if maker.chance(0.95) else maker.perhaps(0, 7),
            'mode': mode if maker.chance(0.5) else maker.word('strict', 'preferred'),
            'nodeset': maker.word('0', '1', '0-1', '0')}))
    maker.add('numatune', element('numatune', {}, inside))


def limits(maker):
    text = ''
    if maker.chance(0.5):
        text += element('shares', {}, str(maker.number(2, 2048)))
    for name in ('', 'global_', 'emulator_', 'iothread_'):
        if maker.chance(0.2):
            text += element(name + 'period', {}, str(maker.word(1000, 100000, 1000000, 999, 0)))
        if maker.chance(0.2):
            text += element(name + 'quota', {}, str(maker.word(-1, 0, 1000, 50000, 999,
                                                               17592186044415, 18446744073709551)))
    return text


def scheduler(maker, name, attribute, count):
    kind = maker.word('fifo', 'rr', 'batch', 'idle')
    return element(name, {
        attribute: maker.numbers(count) if attribute else None, 'scheduler': kind,
        'priority': maker.number(1, 99)
        if kind in ('fifo', 'rr') and maker.chance(0.95) or maker.chance(0.02) else None})


def cachetune(maker):
    first = maker.random.randrange(maker.vcpus)
    return element('cachetune', {'vcpus': maker.pick(first, maker.numbers(maker.vcpus)),
                                 'id': maker.perhaps('x') if maker.chance(0.05) else None},
                   maker.several(0, 2, lambda index: element('cache', {
                       'id': index, 'level': maker.word(3, 3, 2), 'type': maker.word(
                           'both', 'code', 'data'), 'size': maker.number(1, 12),
                       'unit': maker.perhaps('MiB', 'KiB', 'M')})),
                   maker.some(0.3, element('monitor', {'level': maker.word(3), 'vcpus': first})))


def memorytune(maker):
    return element('memorytune', {'vcpus': maker.random.randrange(maker.vcpus)},
                   maker.several(0, 2, lambda index: element(
                       'node', {'id': index, 'bandwidth': maker.number(10, 100)})),
                   maker.some(0.2, element('monitor', {'vcpus': 0})))


def cputune(maker):
    pins = maker.random.sample(range(maker.vcpus + (1 if maker.chance(maker.wrong) else 0)),
                               maker.random.randint(0, maker.vcpus))
    if maker.chance(0.5):
        pins.sort()
    text = limits(maker)
    text += maker.some(0.6, ''.join(element('vcpupin', {
        'vcpu': pin, 'cpuset': maker.numbers(16)}) for pin in pins))
    text += maker.some(0.4, element('emulatorpin', {'cpuset': maker.numbers(16)}))
    if maker.threads or maker.chance(0.05):
        text += maker.several(0, 2, lambda index: element('iothreadpin', {
            'iothread': index + 1, 'cpuset': maker.numbers(16)}))
        text += maker.some(0.3, scheduler(maker, 'iothreadsched', 'iothreads', 2)
                           .replace("'0", "'1"))
    text += maker.some(0.3, scheduler(maker, 'vcpusched', 'vcpus', maker.vcpus))
    text += maker.some(0.1, scheduler(maker, 'emulatorsched', None, 1))
    text += maker.some(0.15, cachetune(maker)) + maker.some(0.1, memorytune(maker))
    maker.add('cputune', element('cputune', {}, text))


def blkiotune(maker):
    def device(index):
        names = ('weight', 'read_bytes_sec', 'write_bytes_sec', 'read_iops_sec', 'write_iops_sec')
        return element('device', {}, element('path', {}, f'/dev/sd{"ab"[index]}'), *(
            maker.some(0.4, element(name, {}, str(maker.number(0, 1000)))) for name in names))
    maker.add('blkiotune', element('blkiotune', {}, maker.some(
        0.7, element('weight', {}, str(maker.number(100, 1000)))), maker.several(0, 2, device)))


def resource(maker):
    maker.add('resource', element(
        'resource', {}, maker.some(0.7, element('partition', {}, maker.word(
            '/machine', '/virtualmachines/production'))),
        maker.some(0.2, element('fibrechannel', {'appid': maker.word('userProvidedID')}))))


# ---- features ----

HYPERV = ('relaxed', 'vapic', 'vpindex', 'runtime', 'synic', 'reset', 'frequencies',
          'reenlightenment', 'tlbflush', 'ipi', 'evmcs', 'avic')


def hyperv(maker):
    members = ''.join(element(name, {'state': maker.onoff() if maker.chance(0.98) else None})
                      for name in HYPERV if maker.chance(0.5))
    if maker.chance(0.6):
        members += element('spinlocks', {'state': maker.onoff(),
                                         'retries': maker.perhaps(8191, 4096, 4095)})
    if maker.chance(0.4):
        members += element('stimer', {'state': maker.onoff()}, maker.some(
            0.5, element('direct', {'state': maker.onoff()})))
    if maker.chance(0.4):
        members += element('vendor_id', {'state': maker.onoff(), 'value': maker.perhaps(
            'KVM Hv', 'whatever', 'this is too long')})
    return element('hyperv', {'mode': maker.perhaps('custom', 'passthrough')
                              if maker.chance(0.3) else None}, members)


def kvm(maker):
    members = ''.join(element(name, {'state': maker.onoff()})
                      for name in ('hidden', 'hint-dedicated', 'poll-control', 'pv-ipi')
                      if maker.chance(0.5))
    members += maker.some(0.2, element('dirty-ring', {
        'state': maker.onoff(), 'size': maker.perhaps(1024, 4096, 1000, 65536, 512)}))
    return element('kvm', {}, members)


def features(maker):
    text = ''
    for name, probability in (('apic', .7), ('pae', .5), ('hap', .1), ('viridian', .03),
                              ('privnet', .03), ('pvspinlock', .1), ('pmu', .2), ('vmport', .3)):
        attributes = {}
        if name in ('hap', 'pvspinlock', 'pmu', 'vmport') and maker.chance(0.85):
            attributes['state'] = maker.onoff()
        if name == 'apic':
            attributes['eoi'] = maker.perhaps('on', 'off') if maker.chance(0.3) else None
        text += maker.some(probability, element(name, attributes))
    text += maker.some(0.4, hyperv(maker)) + maker.some(0.3, kvm(maker))
    tseg = size(maker, 'tseg', 49152) if maker.chance(0.5) else '<tseg unit="MiB">48</tseg>'
    text += maker.some(0.2, element('smm', {'state': maker.perhaps('on', 'off')}, maker.some(
        0.4, tseg)))
    text += maker.some(0.15, element('ioapic', {'driver': maker.word('kvm', 'qemu')}))
    text += maker.some(0.15, element('vmcoreinfo', {'state': maker.perhaps('on', 'off')}))
    text += maker.some(0.1, element('msrs', {'unknown': maker.word('ignore', 'fault')}))
    text += maker.some(0.1, '<tcg>' + maker.some(0.8, size(maker, 'tb-cache', 131072)) + '</tcg>')
    text += maker.some(0.08, element(
        'xen', {}, maker.some(0.5, element('e820_host', {'state': maker.onoff()})),
        maker.some(0.5, element('passthrough', {
            'state': maker.onoff(), 'mode': maker.perhaps('sync_pt', 'share_pt')}))))
    for name, attributes in (
            ('gic', {'version': maker.perhaps('2', '3', 'host')}),
            ('hpt', {'resizing': maker.word('enabled', 'disabled', 'required')}),
            ('htm', {'state': maker.onoff()}), ('nested-hv', {'state': maker.onoff()}),
            ('ccf-assist', {'state': maker.onoff()}), ('cfpc', {'value': maker.word(
                'broken', 'workaround', 'fixed')}), ('sbbc', {'value': 'fixed'}),
            ('ibs', {'value': maker.word('broken', 'fixed-ccd')}),
            ('capabilities', {'policy': maker.word('default', 'allow', 'deny')})):
        text += maker.some(0.02, element(name, attributes, maker.some(
            0.5, '<mknod state="on"/><chown state="off"/>') if name == 'capabilities' else ''))
    maker.parts['acpi'] = '1' if maker.chance(0.9) else ''
    maker.add('features', text)


# ---- time and life ----

def catchup(maker):
    return element('catchup', {'threshold': maker.perhaps(123), 'slew': maker.perhaps(120),
                               'limit': maker.perhaps(10000)})


def clock(maker):
    names = ('rtc', 'pit', 'hpet', 'kvmclock', 'hypervclock', 'tsc', 'platform', 'armvtimer')
    timers = maker.random.sample(names[:6] if maker.chance(0.9) else names,
                                 maker.random.randint(0, 4))
    if timers and maker.chance(0.03):
        timers.append(timers[0])
    text = ''
    for name in timers:
        policy = maker.perhaps('delay', 'catchup', 'merge', 'discard') \
            if name in ('rtc', 'pit') or maker.chance(0.05) else None
        text += element('timer', {
            'name': name, 'tickpolicy': policy,
            'track': maker.perhaps('boot', 'guest', 'wall', 'realtime')
            if name == 'rtc' or maker.chance(0.03) else None,
            'frequency': maker.perhaps(2000000, 0) if name == 'tsc' else None,
            'mode': maker.perhaps('auto', 'native', 'emulate', 'paravirt', 'smpsafe')
            if name == 'tsc' else None,
            'present': maker.perhaps('yes', 'no')}, maker.some(
                0.3 if policy == 'catchup' else 0.01, catchup(maker)))
    offset = maker.word('utc', 'utc', 'localtime', 'variable', 'timezone', 'absolute', None)
    maker.add('clock', element('clock', {
        'offset': offset,
        'adjustment': maker.perhaps('reset', 0, 123, -3600, '+5', '0x10')
        if offset in ('utc', 'localtime', 'variable') and maker.chance(0.6) else None,
        'basis': maker.perhaps('utc', 'localtime') if offset == 'variable' else None,
        'timezone': maker.perhaps('Europe/Paris', 'EST')
        if offset == 'timezone' or maker.chance(0.01) else None,
        'start': maker.perhaps(1234567890) if offset == 'absolute' else None}, text))


def reactions(maker):
    for name, values in (
            ('on_poweroff', ('destroy', 'restart', 'preserve', 'rename-restart')),
            ('on_reboot', ('destroy', 'restart', 'preserve', 'rename-restart')),
            ('on_crash', ('destroy', 'restart', 'preserve', 'coredump-destroy',
                          'coredump-restart', 'rename-restart')),
            ('on_lockfailure', ('poweroff', 'restart', 'pause', 'ignore'))):
        common = {'on_poweroff': 'destroy', 'on_reboot': 'restart'}.get(name, 'restart')
        maker.add(name, maker.some(0.5, element(name, {}, maker.word(*values)
                                                if maker.chance(0.5) else common)))
    maker.add('pm', maker.some(0.4, element(
        'pm', {}, maker.some(0.8, element('suspend-to-mem', {
            'enabled': maker.perhaps('yes', 'no')})),
        maker.some(0.8, element('suspend-to-disk', {'enabled': maker.perhaps('yes', 'no')})))))
    maker.add('perf', maker.some(0.2, '<perf>' + ''.join(element('event', {
        'name': name, 'enabled': maker.yesno()}) for name in maker.random.sample(
            ('cmt', 'mbmt', 'mbml', 'cpu_cycles', 'instructions', 'cache_misses', 'page_faults',
             'emulation_faults', 'nosuch' if maker.chance(0.1) else 'alignment_faults'),
            maker.random.randint(0, 3))) + '</perf>'))


# ---- security and the rest ----

def labels(maker):
    def one(_):
        kind = maker.perhaps('static', 'dynamic', 'none')
        model = maker.perhaps('selinux', 'dac', 'apparmor', 'none')
        texts = {'selinux': 'system_u:system_r:svirt_t:s0:c392,c662', 'dac': '+107:+107'}
        label = texts.get(model, 'label')
        return element('seclabel', {'type': kind, 'model': model, 'relabel': maker.perhaps(
            'yes', 'no')}, maker.some(
                0.7 if kind == 'static' else 0.05, element('label', {}, label)),
            maker.some(0.2, element('imagelabel', {}, label)),
            maker.some(0.2, element('baselabel', {}, label)))
    maker.add('seclabel', maker.several(1, 2, one))


def launch(maker):
    kind = maker.word('sev', 'sev', 'sev', 's390-pv')
    policy = maker.word('0x0001', '1', '0x3', '7', '0x0003')
    if kind == 's390-pv':
        maker.add('launchSecurity', element('launchSecurity', {'type': kind}))
        return
    maker.add('launchSecurity', element(
        'launchSecurity', {'type': kind, 'kernelHashes': maker.perhaps('yes', 'no')
                           if maker.chance(0.3) else None},
        maker.some(0.7, element('cbitpos', {}, str(maker.word(47, 51, '0x2f')))),
        maker.some(0.7, element('reducedPhysBits', {}, str(maker.word(1, 5)))),
        maker.some(0.95, element('policy', {}, policy)),
        maker.some(0.3, element('dhCert', {}, 'AQAAAAAOAAAA')),
        maker.some(0.3, element('session', {}, 'IHAVENOIDEA'))))


def odds(maker):
    maker.add('idmap', maker.some(0.2, '<idmap><uid start="0" target="1000" count="10"/>'
                                  '<gid start="0" target="1000" count="10"/></idmap>'))
    maker.add('keywrap', maker.some(0.2, '<keywrap>' + element('cipher', {
        'name': maker.word('aes', 'dea'), 'state': maker.onoff()}) + '</keywrap>'))


def qemu(maker):
    maker.parts['qemu'] = '1'
    maker.add('commandline', maker.some(0.7, '<qemu:commandline>' + maker.several(
        0, 3, lambda _: element('qemu:arg', {'value': maker.pick(
            '-cpu', 'host,-hypervisor', '-global', 'ICH9-LPC.disable_s3=1', '')})) + maker.several(
                0, 2, lambda _: element('qemu:env', {
                    'name': maker.word('QEMU_AUDIO_DRV', 'NS'), 'value': maker.perhaps('pa', '')}))
        + '</qemu:commandline>'))
    maker.add('capabilities', maker.some(0.4, '<qemu:capabilities>' + maker.several(
        0, 2, lambda _: element(maker.pick('qemu:add', 'qemu:del'), {'capability': maker.word(
            'blockdev', 'vnc', 'usb-storage.werror', 'no-such-capability')}))
        + '</qemu:capabilities>'))
    maker.add('override', maker.some(0.3, '<qemu:override><qemu:device alias="video0">'
                                     '<qemu:frontend>' + element('qemu:property', {
                                         'name': 'x', 'type': maker.word(
                                             'string', 'unsigned', 'signed', 'bool', 'remove'),
                                         'value': maker.perhaps('true', '1', 'on', '0x5')})
                                     + '</qemu:frontend></qemu:device></qemu:override>'))
    maker.add('deprecation', maker.some(0.3, element('qemu:deprecation', {
        'behavior': maker.word('omit', 'reject', 'crash', 'none')})))


SUBJECTS = (naming, genid, metadata, loader, firmware, kernel, booting, sysinfo, cpu, cpu, cpu,
            vcpu, iothreads, memory, memory, backing, memtune, numatune, cputune, cputune,
            blkiotune,
            resource, features, features, clock, clock, reactions, labels, launch, odds, qemu)

ORDER = ('name', 'uuid', 'genid', 'title', 'description', 'metadata', 'maxMemory', 'memory',
         'currentMemory', 'blkiotune', 'memtune', 'memoryBacking', 'vcpu', 'vcpus', 'iothreads',
         'iothreadids', 'defaultiothread', 'cputune', 'numatune', 'resource', 'sysinfo',
         'bootloader', 'OS', 'idmap', 'FEATURES', 'cpu', 'clock', 'on_poweroff', 'on_reboot',
         'on_crash', 'on_lockfailure', 'pm', 'perf', 'DEVICES', 'seclabel', 'commandline',
         'capabilities', 'override', 'deprecation', 'keywrap', 'launchSecurity')

DEVICES = ('', '<emulator>/usr/bin/qemu-system-x86_64</emulator>',
           "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
           "<source file='/srv/a.qcow2'/><target dev='vda' bus='virtio'/></disk>",
           "<interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/>"
           "</interface>", "<memballoon model='none'/>", "<graphics type='vnc' port='-1'/>")


def compose(maker):
    parts = maker.parts
    parts['name'] = element('name', {}, maker.word('guest', 'guest', 'a name', 'w\u00e9b'))
    parts.setdefault('memory', element('memory', {'unit': 'KiB'}, str(maker.memory)))
    parts.setdefault('vcpu', element('vcpu', {}, str(maker.vcpus)))
    kind = element('type', {
        'arch': None if maker.chance(0.05) else maker.arch,
        'machine': None if maker.chance(0.05) else maker.word(maker.machine)}, 'hvm')
    parts['OS'] = element('os', {'firmware': parts.get('firmware')}, kind, parts.get('os', ''))
    inside = '<acpi/>' * bool(parts.get('acpi')) + parts.get('features', '')
    parts['FEATURES'] = element('features', {}, inside) if inside else ''
    parts['DEVICES'] = element('devices', {}, maker.several(
        0, 2, lambda _: maker.pick(*DEVICES[:1], *DEVICES[4:]) if maker.chance(0.3) else '')
        + maker.pick(*DEVICES))
    order = list(ORDER)
    if maker.chance(0.1):
        maker.random.shuffle(order)
    between = '<!-- note -->\n' if maker.chance(0.03) else '\n'
    return element('domain', {'type': maker.type, 'xmlns:qemu': QEMU if 'qemu' in parts else None,
                              'id': 3 if maker.chance(0.02) else None},
                   '\n', between.join(parts[part] for part in order if parts.get(part)), '\n')


def corpus_file(maker):
    paths = sorted(glob.glob(os.path.join(CORPUS, 'frozen', '*.in.xml')))
    return ET.parse(maker.pick(*paths)).getroot() if paths else None


def recombined(maker):
    """A definition of the corpus, some of whose elements are those of another."""
    into, source = corpus_file(maker), corpus_file(maker)
    if into is None:
        return None
    for child in list(source):
        if child.tag in ('name', 'uuid', 'devices', 'os') or maker.chance(0.4):
            continue
        for old in into.findall(child.tag):
            into.remove(old)
        into.append(child)
    ET.register_namespace('qemu', QEMU)
    return ET.tostring(into, encoding='unicode')


def definition(seed):
    maker = Maker(seed)
    text = recombined(maker) if maker.chance(0.2) else None
    if text is None:
        chosen = maker.random.sample(SUBJECTS, maker.random.randint(1, 5))
        for subject in sorted(set(chosen), key=SUBJECTS.index):
            subject(maker)
        text = compose(maker)
    return text
