# SPDX-License-Identifier: Apache-2.0
"""Definitions to hand to Domesday, and questions to those that it gives back."""

import contextlib
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import xml.etree.ElementTree as ElementTree

import harness

UUID = '6b0d3a52-1f0e-4d0c-9a52-0d5e5f1a7c01'
MAC = '52:54:00:d0:5d:a1'
FILES = {'KERNEL': 'vmlinuz', 'INITRD': 'initrd', 'TICKING': 'ticking'}  # in build/guest


def guest_files(*names):
    """The paths of files of the test guests; made when the environment does not name them."""
    given = [os.environ.get(f'GUEST_{name}') for name in names]
    if all(given):
        return given
    folder = os.path.join(harness.SOURCE_DIR, 'build', 'guest')
    builder = os.path.join(harness.SOURCE_DIR, 'tests', 'guest', 'build-guest')
    subprocess.run([builder, folder], check=True)
    return [os.path.join(folder, FILES[name]) for name in names]


def disk(path, target, bus='virtio', more='', device='disk'):
    source = f"<source file='{path}'/>" if path else ''
    return (
        f"<disk type='file' device='{device}'><driver name='qemu' type='raw'/>{source}"
        f"<target dev='{target}' bus='{bus}'/>{more}</disk>")


def cdrom(path, target, bus='scsi'):
    return disk(path, target, bus, '<readonly/>', 'cdrom')


def interface(mac=MAC):
    return (
        f"<interface type='user'><mac address='{mac}'/><model type='virtio'/></interface>")


def serial_file(path):
    """A file that every QEMU of the guest writes on to."""
    return (
        f"<serial type='file'><source path='{path}' append='on'/><target port='0'/></serial>")


def serial_socket(path):
    return f"<serial type='unix'><source mode='bind' path='{path}'/><target port='0'/></serial>"


# Linux looks at its boot whether the timer comes in time, and where two cores have a dozen guests
# to emulate it does not: such a guest would hang there.
CMDLINE = 'console=ttyS0 quiet no_timer_check'


def spare_ports(machine, count=8):
    """Places for hot-plug: q35 has none but those that a definition asks for."""
    if machine != 'q35':
        return []
    return ["<controller type='pci' model='pcie-root'/>",
            *["<controller type='pci' model='pcie-root-port'/>"] * count]


def domain(name, *devices, machine='pc', uuid=None, memory=128, vcpu='<vcpu>1</vcpu>', boot=False,
           ticking=None, emulator='/usr/bin/qemu-system-x86_64', more=''):
    """A definition as a person would write it. boot: with the Linux of tests/guest; ticking: with
    the guest there that only counts, and what it is told on its command line."""
    kernel = ''
    if ticking is not None:
        path, = guest_files('TICKING')
        kernel = f'<kernel>{path}</kernel>' + (ticking and f'<cmdline>{ticking}</cmdline>')
    elif boot:
        path, initrd = guest_files('KERNEL', 'INITRD')
        kernel = (
            f'<kernel>{path}</kernel><initrd>{initrd}</initrd><cmdline>{CMDLINE}</cmdline>')
    return f'''<domain type='qemu'>
  <name>{name}</name>
  {f'<uuid>{uuid}</uuid>' if uuid else ''}
  <memory unit='MiB'>{memory}</memory>
  {vcpu}
  <os><type arch='x86_64' machine='{machine}'>hvm</type>{kernel}</os>
  <features><acpi/></features>{more}
  <devices>
    <emulator>{emulator}</emulator>
    {''.join(devices)}
  </devices>
</domain>
'''


# ---- reading ----


def parse(xml):
    return ElementTree.fromstring(xml)


def device_name(device):
    """A name for a device that stays the same however the definition is written."""
    target = device.find('target')
    if device.tag in ('disk', 'filesystem') and target is not None:
        return f'{device.tag} {target.get("dev")}'
    if device.tag == 'interface':
        return f'interface {device.find("mac").get("address")}'
    if device.tag == 'controller':
        return f'controller {device.get("type")} {device.get("index")}'
    return f'{device.tag} {device.get("type") or device.get("model") or ""}'.rstrip()


def devices(xml):
    return {device_name(device): device for device in parse(xml).find('devices')}


def address(device):
    """Its address as a hashable value; None where it has none."""
    element = device.find('address')
    return None if element is None else tuple(sorted(element.attrib.items()))


def addresses(xml):
    return {
        name: address(device) for name, device in devices(xml).items() if address(device)}


def number(text):
    return int(text, 0)


def guest_place(xml, name):
    """A pattern for the place (as the test guest says it) of a device of a definition.

    The guest's firmware numbers the buses, so behind a root port only the way there counts.
    """
    found = devices(xml)
    element = found[name].find('address')
    harness.equal(element.get('type'), 'pci', f'{name} is not a pci device')
    bus, slot, function = (number(element.get(key)) for key in ('bus', 'slot', 'function'))
    own = f'{slot:02x}\\.{function:x}'
    if bus == 0:
        return f'0000:00:{own}'
    return guest_place(xml, f'controller pci {bus}') + f'/0000:[0-9a-f]{{2}}:{own}'


def shuffled(xml, random):
    """The same meaning, written otherwise: order of attributes, white space, quotes, comments."""

    def attributes(match):
        pairs = re.findall(r"""[\w:]+\s*=\s*(?:'[^']*'|"[^"]*")""", match.group(2))
        random.shuffle(pairs)
        pairs = [re.sub(r"='([^']*)'", r'="\1"', pair) for pair in pairs]
        space = random.choice((' ', '\n\t', '   '))
        return f'<{match.group(1)}{space}{space.join(pairs)} {match.group(3)}>'

    pair = r"""[\w:]+\s*=\s*(?:'[^']*'|"[^"]*")"""
    xml = re.sub(rf'<(\w[\w:]*)((?:\s+{pair})+)\s*(/?)>', attributes, xml)
    spaces = ('', '\n', '\n\n\t ', '<!-- x -->')
    return re.sub(r'>\s*<', lambda _: f'>{random.choice(spaces)}<', xml)


def four_versions(book):
    """define, attach vdb, more vCPUs, detach the network card"""
    book.define(domain('a', disk(book.image('a.img'), 'vda'), interface()))
    book.ok('attach-device', 'a', book.file('b.xml', disk(book.image('b.img'), 'vdb')),
            '--reason', 'room for mail')
    book.ok('set-vcpus', '--maximum', 'a', 4)
    book.ok('detach-device', 'a', MAC)
    return [book.dumpxml(f'a@{number}') for number in range(1, 5)]


def pretend(book, change):
    """As if another QEMU had been installed: it answers otherwise."""
    with contextlib.closing(sqlite3.connect(f'{book.path}/book.db')) as database, database:
        for key, value in database.execute(
                "SELECT key, value FROM cache WHERE key NOT LIKE '%#sum'").fetchall():
            caps = json.loads(value)
            change(caps)
            value = json.dumps(caps)
            database.executemany('UPDATE cache SET value = ? WHERE key = ?', (
                (value, key), (hashlib.sha1(value.encode()).hexdigest(), key + '#sum')))


def change_cache(book, change):
    """As if QEMU had said otherwise of the host's processor: on another host it does."""
    pretend(book, lambda caps: change(caps['accelerators']['tcg']['host']))
