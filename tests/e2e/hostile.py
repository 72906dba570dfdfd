# SPDX-License-Identifier: Apache-2.0
"""Definitions made to hurt: each a shape that is repeated until a limit is reached.

A shape is what comes before, a unit, and what comes behind. It is written to as many bytes as a
text may have; with as many units as the other limits of a text let through, which is where the real
work begins; and, where what it means has a limit too, with as many as that lets through, so that
it is not over early. Limits are those of schema/limits.h. All is written piece by piece, so that
whoever measures a command that is started from here does not measure us.
"""

import os
import re

from harness import SOURCE_DIR


def limits():
    with open(os.path.join(SOURCE_DIR, 'schema', 'limits.h'), encoding='ascii') as stream:
        found = re.findall(r'#define (\w+)_MAX +\(?(\d+)u?(?: << (\d+)\))?', stream.read())
    return {name: int(number) << int(shift or 0) for name, number, shift in found}


LIMITS = limits()
SPARE = 64  # elements and attributes outside the units

HEAD = ("<domain type='qemu'><name>a</name><memory>4194304</memory>%s"
        "<os><type arch='x86_64' machine='%s'>hvm</type>%s</os>")


class Shape:
    """See above. unit: a text, or a function of the unit's number; most: units that make sense."""

    def __init__(self, name, before, unit, after, most=None):
        self.name, self.before, self.after, self.most = name, before, after, most
        self.unit = unit if callable(unit) else lambda _: unit

    def fewest(self):
        """How many units the limits on anything but bytes let through."""
        sample = self.unit(11)
        each = {
            'DOCUMENT_ELEMENTS': len(re.findall(r'<[^/!?]', sample)),
            'DOCUMENT_CHILDREN': top_elements(sample),
            'DOCUMENT_VALUES': len(re.findall(r'=["\']', sample)),
            'DOCUMENT_NAMESPACES': sample.count('xmlns')}
        return min((LIMITS[name] - SPARE) // count for name, count in each.items() if count)

    def sizes(self):
        """The names of its texts, and how many units each has; None: all that the bytes allow."""
        yield 'large', None
        if re.search(r'<[^/!?]|=["\']', self.unit(11)):
            yield 'many', self.fewest()
            if self.most and self.most < self.fewest():
                yield 'most', self.most

    def write(self, path, units=None):
        left = LIMITS['DOCUMENT_SIZE'] - len(encoded(self.before)) - len(encoded(self.after))
        number = 0
        with open(path, 'wb') as stream:
            stream.write(encoded(self.before))
            while units is None or number < units:
                piece = encoded(self.unit(number))
                left -= len(piece)
                if left < 0:
                    break
                stream.write(piece)
                number += 1
            stream.write(encoded(self.after))


def top_elements(text):
    """How many elements are in the text, without those inside others."""
    count = depth = 0
    for end, empty in re.findall(r'<(/?)[^\s/>!?]+[^>]*?(/?)>', text):
        count += not end and not depth
        depth += -1 if end else not empty
    return count


def encoded(text):
    return text.encode('utf-8', 'surrogateescape')


SHAPES = []


def raw(name, before, unit, after='', most=None):
    SHAPES.append(Shape(name, before, unit, after, most))


def setting(name, before, unit, after='', vcpu='<vcpu>64</vcpu>', most=None):
    """Between the operating system and the devices."""
    raw(name, HEAD % (vcpu, 'q35', '') + before, unit, after + '<devices/></domain>', most)


def device(name, unit, before='', after='', machine='q35', limit='DEVICES'):
    """The unit is a device; with something to come behind it, a part of the one before."""
    raw(name, HEAD % ('<vcpu>1</vcpu>', machine, '') + '<devices>' + before, unit,
        after + '</devices></domain>', None if after else LIMITS[limit] - SPARE)


def metadata(name, before, unit, after=''):
    setting(name, '<metadata>' + before, unit, after + '</metadata>')


def letters(number):
    """a, b, … z, aa, ab …: as disks are called."""
    word = ''
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        word = chr(ord('a') + rest) + word
    return word


def pci(bus, slot, function=0):
    return (f"<address type='pci' domain='0x0000' bus='0x{bus:02x}' slot='0x{slot:02x}' "
            f"function='0x{function:x}'/>")


ODD = ','.join(str(number) for number in range(1, LIMITS['ID'], 2))
WIDE = 'a' * 1000

# ---- text ----

raw('nesting', '', '<a>')
raw('nesting_of_names', '', lambda i: f'<a{i}>')
raw('siblings', '<domain>', '<a/>', '</domain>')
raw('attributes', '<domain ', lambda i: f'a{i}="1" ', '/>')
raw('attributes_alike', '<domain ', 'a="1" ', '/>')
raw('attribute_value', '<domain type="', WIDE, '"/>')
raw('attribute_references', '<domain type="', '&#97;', '"/>')
raw('attribute_entities', '<domain type="', '&amp;', '"/>')
raw('attribute_never_closed', '<domain type="', WIDE)
raw('element_name', '<', WIDE, '/>')
raw('attribute_name', '<domain ', WIDE, '="1"/>')
raw('prefix', '<', WIDE, ':a xmlns:b="c"/>')
raw('instruction_name', '<?', WIDE, '?><domain/>')
raw('namespaces', '<domain ', lambda i: f'xmlns:n{i}="u{i}" ', '/>')
raw('tag_never_closed', '<domain', ' ')
raw('openings', '', '<')
raw('ampersands', '<domain>', '&')
raw('comments', '<domain>', '<!--a-->', '</domain>')
raw('comment', '<domain><!--', '- ', '--></domain>')
raw('comment_never_closed', '<domain><!--', WIDE)
raw('instructions', '<domain>', '<?a b?>', '</domain>')
raw('character_data', '<domain><name>', '<![CDATA[a]]>', '</name></domain>')
raw('character_data_never_closed', '<domain><name><![CDATA[', ']] >')
raw('empty_lines', '<domain>', '\n', '</domain>')
raw('spaces', '', ' ', '<domain/>')
raw('not_utf8', '<domain><name>', '\udcff', '</name></domain>')
raw('not_utf8_at_the_end', '<domain><name>', WIDE, '\udcff</name></domain>')
raw('too_long_utf8', '<domain><name>', '\udcc0\udc80', '</name></domain>')
raw('nul', '<domain><name>', '\0', '</name></domain>')
raw('utf16', '\udcff\udcfe', '<\0a\0>\0')
raw('other_encoding', '<?xml version="1.0" encoding="UTF-7"?><domain><name>', '+ADw-',
    '</name></domain>')
raw('document_type', '<!DOCTYPE domain [', '<!ENTITY a "b">', ']><domain/>')
raw('entities', '<!DOCTYPE domain [<!ENTITY e0 "a">',
    lambda i: f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">', ']><domain><name>&e9;</name></domain>')
raw('parameter_entities', '<!DOCTYPE domain [<!ENTITY % a "b">', '%a;', ']><domain/>')
raw('external_entity', '<!DOCTYPE domain [<!ENTITY e SYSTEM "file:///dev/zero">]><domain><name>',
    '&e;', '</name></domain>')
raw('late_document_type', '<!--', WIDE, '--><!DOCTYPE domain SYSTEM "/dev/zero"><domain/>')

# ---- metadata: kept as it is ----

metadata('metadata', '<m:a xmlns:m="u">', '<m:b c="1">d</m:b>', '</m:a>')
metadata('metadata_text', '<m:a xmlns:m="u">', WIDE, '</m:a>')
metadata('metadata_of_each', '', lambda i: f'<m:a xmlns:m="u{i}"/>')
metadata('metadata_mixed', '<m:a xmlns:m="u">', 'b<m:c/>', '</m:a>')
metadata('metadata_names', '<m:a xmlns:m="u">', lambda i: f'<m:{WIDE[:100]}{i}/>', '</m:a>')
metadata('metadata_attributes', '<m:a xmlns:m="u">',
         '<m:b ' + ' '.join(f'a{i}="1"' for i in range(LIMITS['DOCUMENT_ATTRIBUTES'] - 1)) + '/>',
         '</m:a>')
metadata('metadata_values', '<m:a xmlns:m="u">',
         f'<m:b c="{"&lt;" * (LIMITS["DOCUMENT_ATTRIBUTE"] // 4)}"/>', '</m:a>')
metadata('metadata_deep', '<m:a xmlns:m="u">', '<m:b>' * 58 + '</m:b>' * 58, '</m:a>')
metadata('metadata_deep_namespaces', ''.join(f'<n{i}:a xmlns:n{i}="u{i}">' for i in range(50)),
         lambda i: f'<n{i % 50}:b n{i % 49}:c="d"/>',
         ''.join(f'</n{i}:a>' for i in reversed(range(50))))
metadata('metadata_namespaces_again', '<m:a xmlns:m="u">', '<m:b xmlns:m="u"><m:c/></m:b>',
         '</m:a>')

metadata('metadata_spread', '<m:a xmlns:m="u">', '<m:b>' + '<m:c d="1"/>' * 1000 + '</m:b>',
         '</m:a>')

# ---- settings ----

raw('name', '<domain><name>', WIDE, '</name></domain>')
raw('number', '<domain><name>a</name><memory>', '9', '</memory></domain>')
raw('boot_devices', (HEAD % ('', 'pc', ''))[:-len('</os>')], "<boot dev='hd'/>", '</os></domain>')
setting('title', '<title>', WIDE, '</title>')
setting('title_references', '<title>', '&#97;', '</title>')
setting('title_entities', '<title>', '&lt;', '</title>')
setting('elements_alike', '', '<features/>')
setting('features', '<features>', '<acpi/>', '</features>')
raw('cpuset_of_odd', HEAD.split('%', maxsplit=1)[0] + "<vcpu cpuset='", ODD + ',',
    "0'>1</vcpu></domain>")
setting('cpu_pins', '<cputune>',
        lambda i: f"<vcpupin vcpu='{i}' cpuset='0-4095,^1,^3'/>", '</cputune>')
setting('cpu_pins_of_odd', '<cputune>',
        lambda i: f"<vcpupin vcpu='{i % 64}' cpuset='{ODD}'/>", '</cputune>')
setting('cpu_pins_of_all', '<cputune>',
        lambda i: f"<vcpupin vcpu='{i % 64}' cpuset='{'0-4095,' * 9000}1'/>", '</cputune>')
setting('cache_tuning', '<cputune>',
        lambda i: f"<cachetune vcpus='{i}'>"
        "<cache id='0' level='3' type='both' size='1'/></cachetune>",
        '</cputune>')
setting('cpu_features', "<cpu mode='custom'><model>qemu64</model>",
        lambda i: f"<feature policy='force' name='f{i}'/>", '</cpu>')
setting('cpu_features_alike', "<cpu mode='custom'><model>qemu64</model>",
        "<feature policy='force' name='vmx'/>", '</cpu>')
setting('cells', '<cpu><numa>', lambda i: f"<cell id='{i}' cpus='{i}' memory='1024'/>",
        '</numa></cpu>')
setting('cells_of_odd', '<cpu><numa>', lambda i: f"<cell id='{i}' cpus='{ODD}' memory='1024'/>",
        '</numa></cpu>')
setting('cell_distances', "<cpu><numa><cell id='0' cpus='0' memory='1024'><distances>",
        lambda i: f"<sibling id='{i}' value='20'/>", '</distances></cell></numa></cpu>')
setting('vcpus',
        '<vcpus>', lambda i: f"<vcpu id='{i}' enabled='yes' hotpluggable='no'/>", '</vcpus>')
setting('io_threads', '<iothreadids>', lambda i: f"<iothread id='{i + 1}'/>", '</iothreadids>')
setting('timers', "<clock offset='utc'>", "<timer name='rtc'/>", '</clock>')
setting('huge_pages', '<memoryBacking><hugepages>',
        lambda i: f"<page size='{1 << i % 30}' unit='KiB' nodeset='{i}'/>",
        '</hugepages></memoryBacking>')
setting('block_tuning', '<blkiotune>',
        lambda i: f'<device><path>/dev/{i}</path><weight>200</weight></device>', '</blkiotune>')
setting('firmware_strings', "<sysinfo type='smbios'><oemStrings>", lambda i: f'<entry>{i}</entry>',
        '</oemStrings></sysinfo>')
setting('qemu_arguments',
        "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>",
        lambda i: f"<qemu:arg value='{i}'/>", '</qemu:commandline>')
setting('labels', '', lambda i: f"<seclabel type='dynamic' model='m{i}'/>")

# ---- devices ----

device('disks_without_anything', '<disk/>')
device('disks_alike', "<disk type='file'><source file='/a'/><target dev='sda'/></disk>")
device('disks_virtio', lambda i: f"<disk><target dev='vd{letters(i)}'/></disk>")
device('disks_virtio_pc', lambda i: f"<disk><target dev='vd{letters(i)}'/></disk>", machine='pc')
device('disks_scsi', lambda i: f"<disk><target dev='sd{letters(i)}' bus='scsi'/></disk>")
device('disks_usb', lambda i: f"<disk><target dev='sd{letters(i)}' bus='usb'/></disk>")
device('disks_at_one_place', lambda i: f"<disk><target dev='vd{letters(i)}'/>{pci(0, 9)}</disk>")
device('disks_of_one_alias',
       lambda i: f"<disk><alias name='ua-a'/><target dev='vd{letters(i)}'/></disk>")
device('disks_of_one_order',
       lambda i: f"<disk><target dev='vd{letters(i)}'/><boot order='1'/></disk>")
device('disks_in_order',
       lambda i: f"<disk><target dev='vd{letters(i)}'/><boot order='{i + 1}'/></disk>")
device('disk_hosts', "<host name='a' port='1'/>",
       "<disk type='network'><source protocol='rbd' name='a/b'>",
       "</source><target dev='vda'/></disk>")
device('disk_hosts_spread', lambda i: "<disk type='network'><source protocol='rbd' name='a/b'>"
       + "<host name='a' port='1'/>" * 1000 + f"</source><target dev='vd{letters(i)}'/></disk>")
device('disk_layers', "<backingStore type='file'><source file='/a'/>",
       "<disk type='file'><source file='/b'/><target dev='vda'/>", '</disk>')
device('controllers_alike', "<controller type='pci' index='1' model='pcie-root-port'/>")
device('controllers', "<controller type='scsi'/>")
device('controllers_of_index', lambda i: f"<controller type='scsi' index='{65535 - i}'/>")
device('ports', lambda i: f"<controller type='pci' index='{i + 1}' model='pcie-root-port'/>")
device('ports_without_index', "<controller type='pci' model='pcie-root-port'/>")
device('bridges_in_bridges',
       lambda i: f"<controller type='pci' index='{i + 1}' model='pci-bridge'>{pci(i, 1)}"
       '</controller>',
       machine='pc')
device('usb_controllers', "<controller type='usb' model='ich9-ehci1'/>", limit='DEVICES_PAIRED')
device('hubs', "<hub type='usb'/>")
device('tablets', "<input type='tablet' bus='usb'/>")
device('mice', "<input type='mouse' bus='virtio'/>")
device('interfaces', "<interface type='user'/>")
device('interfaces_of_one_mac',
       "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>")
device('interface_addresses', "<ip address='10.0.0.1' prefix='8'/>", "<interface type='user'>",
       '</interface>')
device('interface_addresses_spread', "<interface type='user'>"
       + "<ip address='10.0.0.1' prefix='8'/>" * 1000 + '</interface>')
device('channels', lambda i: f"<channel type='pty'><target type='virtio' name='{i}'/></channel>")
device('serial_ports', "<serial type='pty'/>")
device('consoles', "<console type='pty'><target type='virtio'/></console>")
device('smart_cards', "<smartcard mode='host'/>")
device('redirections', "<redirdev bus='usb' type='spicevmc'/>", "<graphics type='spice'/>")
device('screens', "<graphics type='vnc'/>")
device('listeners',
       "<listen type='address' address='::1'/>", "<graphics type='vnc'>", '</graphics>')
device('video_cards', "<video><model type='qxl'/></video>", limit='DEVICES_PAIRED')
device('sound_cards', "<sound model='ich9'><codec type='micro'/></sound>")
device('audio', lambda i: f"<audio id='{i + 1}' type='none'/>", limit='DEVICES_PAIRED')
device('host_devices',
       lambda i: "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' "
       f"bus='0x{i >> 5 & 255:02x}' slot='0x{i & 31:02x}' function='0x0'/></source></hostdev>")
device('memory_modules',
       "<memory model='dimm'><target><size>1024</size><node>0</node></target></memory>")
device('random_numbers', "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>")
device('file_systems',
       lambda i: f"<filesystem><source dir='/'/><target dir='{i}'/></filesystem>")
device('shared_memory', lambda i: f"<shmem name='s{i}'><size unit='M'>4</size></shmem>")
device('watchdogs', "<watchdog model='i6300esb'/>")
device('panics', "<panic model='isa'/>")
