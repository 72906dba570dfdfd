# SPDX-License-Identifier: Apache-2.0
"""Definitions as management programs write them, written down from what they are known to emit.

Each function is one program, or one template that many projects pass around, with the choices that
its users make left to the seed.
"""

import random


class Choice:
    def __init__(self, seed):
        self.random = random.Random(f'managers {seed}')

    def one(self, *values):
        return self.random.choice(values)

    def maybe(self, text, probability=0.5):
        return text if self.random.random() < probability else ''

    def count(self, low, high):
        return range(self.random.randint(low, high))

    def mac(self):
        return '52:54:00:%02x:%02x:%02x' % tuple(self.random.randint(0, 255) for _ in range(3))


def wrap(name, machine, cpu, devices, kind='kvm', before='', os='', features='<acpi/>'
        '<apic/>', after=''):
    machine = f" machine='{machine}'" if machine else ''
    return f"""<domain type='{kind}'>
  <name>{name}</name>
  <uuid>6a3a6e4a-3f1f-4d0b-9c53-62a3b2f0a001</uuid>
  {before}
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os><type arch='x86_64'{machine}>hvm</type>{os}</os>
  <features>{features}</features>
  {cpu}
  <clock offset='utc'/>
  {after}
  <devices>
{devices}
  </devices>
</domain>
"""


def nova(choice):
    """OpenStack Nova."""
    q35 = choice.one(True, False)
    disks = ''
    rbd = choice.one(True, False)
    bus = choice.one('virtio', 'virtio', 'scsi')
    prefix = 'vd' if bus == 'virtio' else 'sd'
    for number in choice.count(0, 5):
        letter = 'abcdef'[number]
        address = f"<address type='drive' controller='0' unit='{number}'/>"
        address = address if bus == 'scsi' and choice.one(True, False) else ''
        disks += (f"""<disk type='network' device='disk'><driver name='qemu' type='raw' \
cache='writeback' discard='unmap'/>
<auth username='nova'><secret type='ceph' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/></auth>
<source protocol='rbd' name='vms/1_disk{number}'><host name='192.168.1.1' port='6789'/>\
<host name='192.168.1.2' port='6789'/></source>
<target dev='{prefix}{letter}' bus='{bus}'/>\
{choice.maybe(f"<serial>4b3c-{number}</serial>")}{address}</disk>"""
                if rbd else
                  f"""<disk type='file' device='disk'><driver name='qemu' type='qcow2' \
cache='none'{choice.maybe(" discard='unmap'")}/>
<source file='/var/lib/nova/instances/x/disk{number}'/><target dev='{prefix}{letter}' \
bus='{bus}'/>{address}</disk>""")
    config = """<disk type='file' device='cdrom'><driver name='qemu' type='raw' cache='none'/>
<source file='/var/lib/nova/instances/x/disk.config'/><target dev='%s' bus='%s'/>\
</disk>""" % (('sda', 'sata') if q35 else ('hda', 'ide'))
    if prefix == 'sd' and q35:
        config = config.replace('sda', 'sdx')
    nics = ''.join(f"""<interface type='{choice.one('bridge', 'ethernet')}'>\
<mac address='fa:16:3e:00:00:{number:02x}'/>
<model type='virtio'/><driver name='vhost' rx_queue_size='512'{choice.maybe(""
            " queues='2'")}/>SOURCE<mtu \
size='1450'/><target dev='tap{number}a1b2c3d4-e5'/></interface>""" for number in choice.count(0,
            3))
    nics = nics.replace("type='bridge'>", "type='bridge'><source"
            " bridge='br-int'/>").replace('SOURCE',
            '')
    ports = ''.join(f"<controller type='pci' model='pcie-root-port'/>\n" for _ in choice.count(0,
            12)) if q35 else ''
    ports = (choice.maybe("<controller type='pci' index='0' model='pcie-root'/>\n",
            0.7) if q35 else '') + ports
    serial = choice.one("<serial type='pty'><log file='/var/lib/nova/instances/x/console.log'"
            " append='off'/></serial>",
                        "<serial type='file'><source path='/var/lib/nova/instances/x/console.log'/>"
            "</serial><serial type='pty'/>",
                        "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='10000'/>"
            "<protocol type='raw'/><log file='/x/console.log' append='off'/><target"
            " port='0'/></serial>")
    screen = choice.one("<graphics type='vnc' autoport='yes' keymap='en-us' listen='0.0.0.0'/>",
                        "<graphics type='vnc' port='-1' listen='10.0.0.1'/>",
                        "<graphics type='spice' port='-1' autoport='yes' keymap='en-us'"
            " listen='127.0.0.1'/><channel type='spicevmc'><target type='virtio'"
            " name='com.redhat.spice.0'/>"
            "</channel>")
    tail = f"""{choice.maybe("<input type='tablet' bus='usb'/>")}{screen}<video><model \
type='{choice.one('virtio', 'cirrus', 'qxl', 'vga')}'{choice.maybe(" heads='1'")}/>\
</video>
{choice.maybe("<rng model='virtio'><rate bytes='1024' period='1000'/><backend"
            " model='random'>/dev/urandom</backend>"
            "</rng>")}
{choice.maybe("<channel type='unix'><source mode='bind'"
            " path='/var/lib/libvirt/qemu/org.qemu.guest_agent.0.instance-1.sock'/>"
            "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>")}
{choice.maybe("<hostdev mode='subsystem' type='pci' managed='yes'><source><address"
            " bus='0x06' domain='0x0000' function='0x1' slot='0x10'/></source></hostdev>",
            0.3)}
{choice.maybe("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address"
            " uuid='a1b2c3d4-0000-4000-8000-00000000000a'/></source></hostdev>", 0.2)}
{choice.maybe("<watchdog model='i6300esb' action='reset'/>", 0.2)}{choice.maybe("<tpm"
            " model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", 0.2)}
<memballoon model='virtio'><stats period='10'/></memballoon>{choice.maybe("<panic"
            " model='isa'/>", 0.1)}
{choice.maybe("<controller type='scsi' index='0'"
            " model='virtio-scsi'/>") if bus == 'virtio' else "<controller"
            " type='scsi' model='virtio-scsi'/>"}
{choice.maybe("<controller type='usb' index='0'" + choice.maybe(
    f" model={choice.one('none', 'qemu-xhci', 'piix3-uhci')!r}", 0.7) + "/>")}"""
    return wrap('instance-00000001', choice.one('pc-q35-6.2', 'q35', 'pc-q35-7.2')
            if q35 else choice.one('pc', 'pc-i440fx-4.2', None),
                "<cpu mode='host-model'><topology sockets='2' cores='1' threads='1'/></cpu>",
                ports + disks + choice.maybe(config) + nics + serial + tail, kind=choice.one('kvm',
            'qemu'))


def virt_install(choice):
    """virt-install and virt-manager, cockpit-machines."""
    q35 = choice.one(True, True, False)
    usb = choice.one("<controller type='usb' model='qemu-xhci' ports='15'/>",
                     "<controller type='usb' index='0' model='ich9-ehci1'/><controller"
            " type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>"
            "<controller type='usb' index='0' model='ich9-uhci2'><master startport='2'/>"
            "</controller><controller type='usb' index='0' model='ich9-uhci3'><master"
            " startport='4'/></controller>", '')
    roots = "<controller type='pci' model='pcie-root'/>"
    roots += "<controller type='pci' model='pcie-root-port'/>" * choice.one(14, 14, 4, 7)
    roots = roots if q35 and choice.one(True, True, False) else ''
    bus = choice.one('virtio', 'virtio', 'sata' if q35 else 'ide', 'scsi')
    prefix = {'virtio': 'vd', 'ide': 'hd'}.get(bus, 'sd')
    disks = ''.join(f"""<disk type="file" device="disk"><driver name="qemu" \
type="qcow2"{choice.maybe(''
            ' discard="unmap"')}/><source file="/var/lib/libvirt/images/vm{n}.qcow2"/>\
<target dev="{prefix}{'abcdef'[n]}" bus="{bus}"/>{choice.maybe('<boot order="%d"/>' % (n + 1),
            0)}</disk>"""
                    for n in choice.count(1, 3))
    cd = "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>%s" \
        "<target dev='%s' bus='%s'/><readonly/></disk>" % (
        choice.maybe("<source file='/iso/x.iso'/>"), *(('sdd', 'sata') if q35 else ('hdd', 'ide')))
    nics = ''.join(f"""<interface type="{kind}"><source \
{'network="default"' if kind == 'network' else 'bridge="virbr0"'}/>\
<mac address="{choice.mac()}"/><model type="{choice.one('virtio', 'virtio', 'e1000e',
            'e1000', 'rtl8139')}"/>{choice.maybe('<link state="down"/>', 0.1)}</interface>"""
                   for kind in [choice.one('network', 'bridge') for _ in choice.count(0, 3)])
    spice = choice.one(True, False)
    screen = ('<graphics type="spice" port="-1" tlsPort="-1" autoport="yes"><image'
            ' compression="off"/></graphics><channel type="spicevmc"><target type="virtio"'
            ' name="com.redhat.spice.0"/></channel>' + choice.maybe('<sound model="ich9"/>') +
              '<redirdev bus="usb" type="spicevmc"/>' * choice.one(0, 2, 4) if spice
            else choice.one('<graphics type="vnc" port="-1"/>', '<graphics type="vnc"'
            ' port="-1" listen="0.0.0.0"/>', ''))
    card = choice.one("virtio", "qxl", "vga", "bochs") if screen else ''
    video = f'<video><model type="{card}"/></video>' if screen else ''
    video = choice.one(video, video, video.replace('"/>', '"><acceleration accel3d="no"/></model>'))
    rest = f"""<console type="pty"/>{choice.maybe('<channel type="unix"><source mode="bind"/>'
            '<target type="virtio" name="org.qemu.guest_agent.0"/>'
            '</channel>')}{choice.maybe('<input'
            ' type="tablet" bus="usb"/>')}
{choice.maybe('<input type="keyboard" bus="usb"/>', 0.2)}{choice.maybe('<tpm model="tpm-crb">'
            '<backend type="emulator" version="2.0"/></tpm>', 0.2)}<memballoon \
model="{choice.one('virtio',
            'virtio', 'none')}"/>{choice.maybe('<rng model="virtio"><backend'
            ' model="random">/dev/urandom</backend>'
            '</rng>', 0.8)}
{choice.maybe('<filesystem type="mount"><driver type="virtiofs"/><source dir="/srv"/>'
            '<target dir="srv"/></filesystem>', 0.1)}{choice.maybe('<watchdog model="i6300esb"'
            ' action="reset"/>', 0.2)}{choice.maybe('<hostdev mode="subsystem" type="usb"'
            ' managed="yes"><source><vendor id="0x046d"/><product id="0xc52b"/></source>'
            '</hostdev>', 0.2)}
{choice.maybe('<hostdev mode="subsystem" type="pci" managed="yes"><source><address'
            ' domain="0" bus="1" slot="0" function="0"/></source></hostdev><hostdev'
            ' mode="subsystem" type="pci" managed="yes"><source><address domain="0"'
            ' bus="1" slot="0" function="1"/></source></hostdev>', 0.2)}{choice.maybe('<vsock'
            ' model="virtio"><cid auto="yes"/></vsock>', 0.1)}{choice.maybe('<iommu'
            ' model="intel"/>', 0.1 if q35 else 0)}
{choice.maybe('<controller type="scsi" index="0" model="virtio-scsi"/>', 0.9 if bus == 'scsi'
            else 0.2)}{choice.maybe('<controller type="virtio-serial" index="0"/>',
            0.2)}"""
    return wrap('vm', choice.one('q35', 'pc-q35-7.2') if q35 else choice.one('pc',
            None), "<cpu mode='host-passthrough'/>",
                "<emulator>/usr/bin/qemu-system-x86_64</emulator>" + disks + choice.maybe(cd)
                + usb + roots + nics + screen + video + rest,
                before=choice.maybe('<metadata><libosinfo:libosinfo'
            ' xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">'
            '<libosinfo:os id="http://debian.org/debian/11"/></libosinfo:libosinfo>'
            '</metadata>'),
                os=choice.one("<boot dev='hd'/>", "<boot dev='network'/><boot dev='hd'/>",
            ''), features='<acpi/><apic/>' + choice.maybe("<vmport state='off'/>"))


def vdsm(choice):
    """oVirt and RHV: every address said."""
    disks = ''.join(f"""<disk type="{choice.one('file', 'block')}" device="disk" snapshot="no">\
<target dev="{bus}" bus="{'scsi' if bus[0] == 's' else 'virtio'}"/><source \
SRC="/rhev/data-center/x/{n}">\
<seclabel model="dac" type="none" relabel="no"/></source>
<driver name="qemu" {choice.maybe('iothread="1"') if bus[0] == 'v' else ''} \
io="{choice.one('native',
            'threads')}" type="{choice.one('raw', 'qcow2')}" error_policy="stop" cache="none"/>\
<alias name="ua-4a1a9e2c-{n}"/>
{f'<address bus="0" controller="0" unit="{n}" type="drive"'
            f' target="0"/>' if bus[0] == 's' else f'<address'
            f' bus="0x{n + 3:02x}" domain="0x0000" function="0x0" slot="0x00" type="pci"/>'}<boot \
order="{n + 1}"/><serial>4a1a9e2c-{n}</serial></disk>"""
                    for n, bus in enumerate([choice.one('vd', 'sd') + 'abcd'[n]
            for n in choice.count(1,
            3)]))
    disks = ''.join(part.replace('SRC', 'file' if 'type="file"' in part else 'dev') + '</disk>'
            for part in disks.split('</disk>') if part.strip())
    ports = ''.join(f'<controller type="pci" model="pcie-root-port" index="{n}"><address'
            f' bus="0x00" domain="0x0000" function="0x{(n - 1) % 8:x}"'
            f' slot="0x{2 + (n - 1) // 8:02x}"'
            f' type="pci"' + (choice.maybe(' multifunction="on"') if (n - 1) % 8 == 0 else "")
            + '/>'
            f'</controller>' for n in range(1, 17))
    head = f"""<input type="tablet" bus="usb"><alias name="ua-in"/><address bus="0" \
type="usb" port="1"/></input><channel type="unix"><target type="virtio" \
name="ovirt-guest-agent.0"/>\
<source type="unix" mode="bind" path="/var/lib/libvirt/qemu/channels/x.ovirt-guest-agent.0"/>\
</channel>
<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/><source \
type="unix" mode="bind" path="/var/lib/libvirt/qemu/channels/x.org.qemu.guest_agent.0"/>\
</channel>
<controller type="usb" model="qemu-xhci" index="0" ports="8">\
<alias name="ua-usb"/>{choice.maybe('<address'
            ' bus="0x02" domain="0x0000" function="0x0" slot="0x00" type="pci"/>')}</controller>
<controller type="scsi" model="virtio-scsi" index="0"><driver iothread="1"/><alias \
name="ua-scsi"/>{choice.maybe('<address bus="0x0d" domain="0x0000" function="0x0"'
            ' slot="0x00" type="pci"/>')}</controller>
<controller type="virtio-serial" index="0" ports="16"><alias name="ua-ser"/></controller>\
<controller type="sata" index="0"><address bus="0x00" domain="0x0000" function="0x2" \
slot="0x1f" type="pci"/></controller><controller type="pci" model="pcie-root" index="0"/>{ports}
<graphics type="{choice.one('vnc', 'spice')}" port="-1" autoport="yes" passwd="*****" \
passwdValidTo="1970-01-01T00:00:01" keymap="en-us"><listen type="network" \
network="vdsm-ovirtmgmt"/>\
</graphics>
<video><model type="{choice.one('qxl', 'vga', 'bochs')}" vram="32768" heads="1"{choice.maybe(''
            ' ram="65536" vgamem="16384"', 0)}/><alias name="ua-vid"/><address bus="0x00" \
domain="0x0000" function="0x0" slot="0x01" type="pci"/></video>
<rng model="virtio"><backend model="random">/dev/urandom</backend><alias name="ua-rng"/>\
</rng><memballoon model="virtio"><stats period="5"/><alias name="ua-bal"/>\
</memballoon>{choice.maybe('<sound'
            ' model="ich6"/>', 0.3)}
<interface type="bridge"><model type="virtio"/><link state="up"/><source bridge="ovirtmgmt"/>\
<driver queues="4" name="vhost"/><alias name="ua-nic"/><mac address="56:6f:1a:00:00:00"/>\
<mtu size="1500"/><filterref filter="vdsm-no-mac-spoofing"/><bandwidth/></interface>
<disk type="file" device="cdrom" snapshot="no"><driver name="qemu" type="raw" \
error_policy="report"/>\
<source file="" startupPolicy="optional"><seclabel model="dac" type="none" relabel="no"/>\
</source><target dev="sdc" bus="sata"/><readonly/><alias name="ua-cd"/></disk>"""
    if choice.one(True, False):
        head = head.replace('<source file="" startupPolicy="optional"><seclabel model="dac"'
                ' type="none" relabel="no"/></source>', '')
    return wrap('ovirt', 'pc-q35-6.2', '<cpu match="exact"><model>Haswell-noTSX</model>'
            '<topology cores="1" threads="1" sockets="2"/></cpu>', head + disks,
            before='<iothreads>1</iothreads>').replace(''
            ' type="none" relabel', ' relabel').replace('<source type="unix" ', '<source'
            ' ')


def vagrant(choice):
    """vagrant-libvirt."""
    bus = choice.one('virtio', 'ide', 'scsi', 'sata')
    prefix = {'virtio': 'vd', 'ide': 'hd'}.get(bus, 'sd')
    nics = ''.join(f"<interface type='network'><alias name='ua-net-{n}'/>"
            f"<mac address='{choice.mac()}'/>"
            f"<source network='vagrant{n}'/><target dev='vnet{n}'/><model"
            f" type='{choice.one('virtio', 'e1000')}'/>"
            f"<driver iommu='off'/></interface>" for n in choice.count(1, 4))
    extra = choice.maybe("<disk type='file' device='cdrom'><source file='/iso/a.iso'/>"
            "<target dev='hdc' bus='ide'/><readonly/></disk>", 0.3) if bus != 'sata' else ''
    return wrap('dev_default', choice.one(None, 'pc', 'q35') if bus != 'ide' and not extra
            else None, choice.one("<cpu mode='host-model'><model fallback='allow'>"
            "</model></cpu>", "<cpu mode='host-passthrough'/>"),
                f"""<disk type='file' device='disk'><alias name='ua-box-volume-0'/>\
<driver name='qemu' type='qcow2' cache='{choice.one('default', 'unsafe', 'none')}'/>\
<source file='/var/lib/libvirt/images/x.img'/><target dev='{prefix}a' bus='{bus}'/>\
</disk>
{choice.maybe(f"<disk type='file' device='disk'><alias name='ua-disk-volume-0'/><driver"
            f" name='qemu' type='qcow2'/><source file='/x.qcow2'/><target dev='{prefix}b'"
            f" bus='{bus}'/></disk>")}{extra}{nics}
<serial type='pty'><target port='0'/></serial><console type='pty'><target port='0'/>\
</console>{choice.maybe("<channel type='unix'><source mode='bind'/><target type='virtio'"
            " name='org.qemu.guest_agent.0'/></channel>")}
<input type='mouse' bus='{choice.one('ps2', 'usb')}'/><graphics type='vnc' port='-1' \
autoport='yes' keymap='en-us' listen='127.0.0.1'/><video><model type='cirrus' \
vram='{choice.one(9216,
            16384)}' heads='1'/></video>
{choice.maybe("<rng model='virtio'><backend model='random'>/dev/urandom</backend>"
            "</rng>")}{choice.maybe("<sound model='ich6'/>", 0.2)}{choice.maybe("<watchdog"
            " model='i6300esb' action='reset'/>", 0.2)}{choice.maybe("<tpm model='tpm-tis'>"
            "<backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
            0.1)}
{choice.maybe("<filesystem type='mount' accessmode='passthrough'><driver type='path'"
            " wrpolicy='immediate'/><source dir='/src'/><target dir='abcdef'/></filesystem>",
            0.2)}<memballoon model='virtio'/>{choice.maybe("<panic/>", 0.1)}""",
            kind=choice.one('kvm',
            'qemu'))


def terraform(choice):
    """The libvirt provider of Terraform, and what XSLT makes of it."""
    disks = ''.join(f"<disk type='{kind}' device='disk'><driver name='qemu' type='qcow2'/>"
            f"<source {'file' if kind == 'file' else 'pool=' + chr(34) + 'd' + chr(34) + ' volume'}"
            f"='v{n}'/>"
            f"<target dev='vd{'abcd'[n]}'"
            f" bus='virtio'/>{choice.maybe('<wwn>05abcd1234567890</wwn>', 0.05)}</disk>"
                    for n, kind in enumerate([choice.one('volume', 'file') for _ in choice.count(1,
            3)]))
    iso = choice.maybe("<disk type='volume' device='cdrom'><driver name='qemu' type='raw'/>"
            "<source pool='default' volume='ci.iso'/><target dev='hdd' bus='ide'/>"
            "<serial>cloudinit</serial></disk>")
    nics = ''.join(f"<interface type='{kind}'>"
            f"{choice.maybe(f'<mac address={chr(34)}{choice.mac()}{chr(34)}/>')}<source"
            f" {source}/><model type='virtio'/></interface>" for kind,
            source in [choice.one(('network',
            "network='default'"), ('bridge', "bridge='br0'"), ('direct', "dev='eno1'"
            " mode='bridge'"), ('direct', "dev='eno1'")) for _ in choice.count(0,
            3)])
    return wrap('tf', None if iso else choice.one(None, 'q35', 'pc'), choice.one("<cpu/>",
            "<cpu mode='host-passthrough'/>", ''), f"""{disks}{iso}{nics}<console \
type='pty'><target type='serial' port='0'/></console>{choice.maybe("<console type='pty'>"
            "<target type='virtio' port='1'/></console>")}
<channel type='unix'><source mode='bind' path=''/><target type='virtio' \
name='org.qemu.guest_agent.0'/>\
</channel>{choice.one('', "<graphics type='spice' autoport='yes'><listen type='address'"
            " address='127.0.0.1'/></graphics>", "<graphics type='vnc' autoport='yes'>"
            "<listen type='address'/></graphics>", "<graphics type='vnc' port='5905'"
            " autoport='no' websocket='-1'><listen type='none'/></graphics>")}
{choice.maybe("<video><model type='cirrus'/></video>", 0.3)}<rng model='virtio'><backend \
model='random'>{choice.one('/dev/random', '/dev/urandom')}</backend>\
</rng>{choice.maybe("<filesystem"
            " accessmode='mapped'><source dir='/tmp'/><target dir='tmp'/><readonly/>"
            "</filesystem>", 0.1)}{choice.maybe("<tpm><backend type='emulator' version='2.0'"
            " persistent_state='yes'/></tpm>", 0.1)}""".replace("path=''", choice.one('',
            "path='/tmp/a.sock'")))


def kubevirt(choice):
    """KubeVirt and Harvester."""
    bus = choice.one('virtio', 'sata', 'scsi')
    prefix = 'vd' if bus == 'virtio' else 'sd'
    model = choice.one('virtio-non-transitional', 'virtio-non-transitional', 'virtio-transitional')
    disks = ''.join(
            f"<disk device='{choice.one('disk', 'disk', 'lun') if bus == 'scsi' else 'disk'}'"
            f" type='{kind}'{f' model={chr(34)}{model}{chr(34)}' if bus == 'virtio' else ''}>"
            f"<source {'dev' if kind == 'block' else 'file'}='/var/run/kubevirt/d{n}'>"
            f"</source><target bus='{bus}' dev='{prefix}{'abcd'[n]}'></target><driver"
            f" {choice.maybe(chr(32) + 'error_policy=' + chr(34) + 'stop' + chr(34))}"
            f" cache='none' discard='unmap' name='qemu'"
            f" type='{'raw' if kind == 'block' else choice.one('raw', 'qcow2')}'"
            f"{choice.maybe(' queues=' + chr(34) + '2' + chr(34)) if bus == 'virtio' else ''}>"
            f"</driver><alias name='ua-disk{n}'>"
            f"</alias>{choice.maybe(f'<boot order={chr(34)}{n + 1}{chr(34)}/>')}</disk>"
                    for n, kind in enumerate([choice.one('file', 'block') for _ in choice.count(1,
            4)])).replace("device='lun' type='file'", "device='disk' type='file'")
    return wrap('default_vm', choice.one('pc-q35-6.2', 'q35'), "<cpu mode='host-model'>"
            "<topology sockets='1' cores='2' threads='1'></topology></cpu>", f"""<interface \
type='ethernet'><source></source><target dev='tap0' managed='no'></target><model type='{model}'>\
</model><mac address='{choice.mac()}'></mac><mtu size='1480'></mtu><alias name='ua-default'>\
</alias><rom enabled='no'></rom></interface>
<channel type='unix'><target name='org.qemu.guest_agent.0' type='virtio'></target>\
</channel><controller type='usb' index='0' model='{choice.one('none', 'qemu-xhci')}'>\
</controller><controller type='scsi' index='0' model='{model}'></controller><controller \
type='virtio-serial' index='0' model='{model}'></controller>
<video><model type='{choice.one('vga', 'virtio', 'bochs')}' heads='1' vram='16384'>\
</model></video><graphics type='vnc'><listen type='socket' \
socket='/var/run/kubevirt-private/x/virt-vnc'>\
</listen></graphics>{choice.maybe("<memballoon model='none'>"
            "</memballoon>")}{choice.maybe(f"<memballoon"
            f" model='{model}'><stats period='10'></stats></memballoon>", 0)}
{disks}{choice.maybe("<input type='tablet' bus='virtio' model='virtio'></input>",
            0.3)}<serial type='unix'><target port='0'></target><source mode='bind' \
path='/var/run/kubevirt-private/x/virt-serial0'></source>{choice.maybe("<log file='/x-log'"
            " append='on'></log>")}</serial><console type='pty'><target type='serial' \
port='0'></target></console>{choice.maybe(f"<rng model='{model}'><backend"
            f" model='random'>/dev/urandom</backend>"
            f"</rng>")}
{choice.maybe("<watchdog model='i6300esb' action='poweroff'><alias name='ua-w'></alias>"
            "</watchdog>", 0.2)}{choice.maybe("<vsock model='%s'><cid auto='no' address='7'>"
            "</cid></vsock>" % model, 0.2)}{choice.maybe("<tpm model='tpm-crb'><backend"
            " type='emulator' version='2.0'/></tpm>", 0.2)}{choice.maybe("<hostdev"
            " type='pci' managed='no' mode='subsystem'><source><address type='pci'"
            " domain='0x0000' bus='0x81' slot='0x01' function='0x0'></address></source>"
            "<alias name='ua-sriov'></alias></hostdev>", 0.2).replace("<address type='pci'"
            " ", "<address ")}
{choice.maybe("<redirdev type='unix' bus='usb'><source mode='bind' path='/x'/></redirdev>",
            0.1)}""")


def plain(choice):
    """What tutorials, CI projects, kcli, Ansible and minikube templates have in common."""
    machine = choice.one(None, 'pc', 'pc', 'q35', 'pc-i440fx-2.9', 'pc-i440fx-trusty'
            if choice.one(False, False, True) else 'pc-q35-5.2')
    q35 = bool(machine) and 'q35' in machine
    cd_bus = ('sd%s', 'sata') if q35 else ('hd%s', 'ide')
    disks = choice.one("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
            "<source file='/i.qcow2'/><target dev='vda' bus='virtio'/></disk>",
                       "<disk type='file' device='disk'><source file='/i.img'/><target"
            " dev='hda'/></disk>" if not q35 else "<disk type='file'><source file='/i.img'/>"
            "<target dev='sda' bus='sata'/></disk>",
                       "<disk type='block' device='disk'><driver name='qemu' type='raw'"
            " cache='none' io='native'/><source dev='/dev/vg0/vm'/><target dev='vda'"
            " bus='virtio'/></disk>",
                       "<disk type='file' device='disk'><driver name='qemu' type='raw'"
            " cache='unsafe' io='threads'/><source file='/m.rawdisk'/><target dev='hda'"
            " bus='virtio'/></disk>",
                       "<disk type='file' device='disk'><source file='/i.img'/><target"
            " dev='sda' bus='scsi'/></disk><controller type='scsi' model='virtio-scsi'/>")
    cd = choice.maybe("<disk type='file' device='cdrom'>%s<target dev='%s' bus='%s'/>"
            "<readonly/></disk>" % (choice.maybe("<source file='/x.iso'/>", 0.8),
            cd_bus[0] % 'c', cd_bus[1]))
    nic = choice.one("<interface type='network'><source network='default'/></interface>",
            "<interface type='network'><source network='default'/><model type='virtio'/>"
            "</interface>",
                     "<interface type='bridge'><source bridge='br0'/><model type='virtio'/>"
            "<target dev='vnet0'/></interface>", "<interface type='user'><model type='e1000'/>"
            "</interface>", "<interface type='bridge'><source bridge='ovs'/><virtualport"
            " type='openvswitch'/><model type='virtio'/><vlan><tag id='10'/></vlan>"
            "</interface>", "",
                     f"<interface type='network'><mac address='{choice.mac()}'/><source"
            f" network='minikube-net'/><model type='virtio'/><address type='pci' domain='0x0000'"
            f" bus='0x00' slot='0x09' function='0x0'/></interface>" if not q35
            else '') * choice.one(1,
            1, 2)
    if 'mac address' in nic:
        nic = nic[:len(nic) // nic.count('<interface')]
    end = choice.one("<serial type='pty'/><console type='pty'/>", "<console type='pty'/>",
            "<serial type='pty'><target port='0'/></serial><console type='pty'><target"
            " type='serial' port='0'/></console>",
                     "<serial type='file'><source path='/log'/><target port='0'/>"
            "</serial><console type='file'><source path='/log'/><target port='0'/>"
            "</console>",
                     "<serial type='pty'/><serial type='file'><source path='/log'/>"
            "</serial>", "<console type='pty'><target type='virtio'/></console>",
            "<serial type='unix'><source mode='bind' path='/s'/><target port='1'/>"
            "</serial>", "")
    screen = choice.one('', "<graphics type='vnc' port='-1'/>", "<graphics type='vnc'"
            " port='-1' autoport='yes'/>", "<graphics type='spice'/>", "<graphics"
            " type='spice' autoport='yes'/>", "<graphics type='sdl'/>", "<graphics"
            " type='vnc' port='5910' listen='0.0.0.0' passwd='x'/>", "<graphics type='vnc'/>"
            "<video><model type='virtio'/></video>", "<graphics type='vnc'/><graphics"
            " type='spice'/>", "<graphics type='spice' port='5900' autoport='no'>"
            "<gl enable='yes'/></graphics><video><model type='virtio'><acceleration"
            " accel3d='yes'/></model></video>", "<video><model type='qxl'/></video>",
            "<video><model type='none'/></video>", "<video/>")
    extra = ''.join(choice.maybe(text, 0.15) for text in (
        "<input type='tablet'/>", "<input type='mouse'/>", "<input type='keyboard'"
            " bus='ps2'/>", "<sound model='ac97'/>", "<sound model='ich6'><codec type='micro'/>"
            "</sound>", "<memballoon/>" if False else "<memballoon model='none'/>",
        "<watchdog model='i6300esb'/>", "<rng model='virtio'><backend model='random'/>"
            "</rng>", "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>"
            "</channel>", "<channel type='spicevmc'/>" if False else "<channel type='pty'>"
            "<target type='virtio' name='a'/></channel>",
        "<controller type='usb'/>", "<controller type='usb' model='none'/>", "<controller"
            " type='ide'/>" if not q35 else "<controller type='sata'/>", "<controller"
            " type='pci' model='pci-bridge'/>" if not q35 else "<controller type='pci'"
            " model='pcie-to-pci-bridge'/>", "<hub type='usb'/>", "<parallel type='pty'/>",
        "<smartcard mode='host'/>", "<redirdev bus='usb' type='spicevmc'/>", "<shmem"
            " name='x'><model type='ivshmem-plain'/></shmem>", "<disk type='file'"
            " device='floppy'><source file='/f'/><target dev='fda'/></disk>",
        "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/>"
            "</source></hostdev>", "<panic/>", "<filesystem type='mount'><source dir='/a'/>"
            "<target dir='b'/></filesystem>"))
    return wrap('t', machine, '', disks + cd + nic + end + screen + extra, kind=choice.one('kvm',
            'qemu', 'qemu'), features=choice.one('<acpi/>', '<acpi/><apic/><pae/>',
            '<pae/>' if False else '<acpi/><apic/>'))


def proxmox(choice):
    """Everything at a fixed place, as converters from other managers' settings do."""
    disks = ''.join(f"<disk type='file'><driver name='qemu' type='raw'/><source file='/d{n}'/>"
            f"<target dev='sd{'abcdefgh'[n]}' bus='scsi'/><address type='drive'"
            f" controller='{n if choice.one(True, False) else 0}'"
            f" bus='0' target='0' unit='{n}'/></disk>" for n in choice.count(1, 6))
    return wrap('pve', choice.one('pc', 'pc-i440fx-7.2'), '', f"""{disks}<controller \
type='pci' index='0' model='pci-root'/>{choice.maybe("<controller type='pci' index='1'"
            " model='pci-bridge'><address type='pci' bus='0x00' slot='0x1e'/>"
            "</controller>")}{choice.maybe("<controller"
            " type='pci' index='2' model='pci-bridge'><address type='pci' bus='0x00'"
            " slot='0x1f'/></controller>", 0.3)}
<controller type='scsi' index='0' model='{choice.one('virtio-scsi', 'lsilogic', 'lsisas1068')}'>\
<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></controller>\
<interface type='bridge'><mac address='{choice.mac()}'/><source bridge='vmbr0'/><model \
type='{choice.one('virtio', 'e1000', 'vmxnet3')}'/><address type='pci' domain='0x0000' \
bus='0x00' slot='0x12' function='0x0'/></interface>
<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input><memballoon \
model='virtio'><address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>\
</memballoon><video><model type='{choice.one('vga', 'qxl', 'cirrus')}'/>{choice.maybe("<address"
            " type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>")}</video>\
<graphics type='vnc'/>
{choice.maybe("<controller type='usb' index='0' model='piix3-uhci'><address type='pci'"
            " domain='0x0000' bus='0x00' slot='0x01' function='0x2'/>"
            "</controller>")}{choice.maybe("<disk"
            " type='file' device='cdrom'><target dev='hdc' bus='ide'/><address type='drive'"
            " bus='1' unit='0'/></disk>")}{choice.maybe("<serial type='unix'><source"
            " mode='bind' path='/var/run/s0'/></serial>")}""")


def windows(choice):
    """A Windows desktop with passthrough, as virt-manager users end up with."""
    return wrap('win10', 'q35', "<cpu mode='host-passthrough'><topology sockets='1'"
            " cores='2' threads='1'/></cpu>", f"""<disk type='block' device='disk'>\
<driver name='qemu' type='raw' cache='none' io='native' discard='unmap' detect_zeroes='unmap'/>\
<source dev='/dev/nvme0n1'/><target dev='sda' bus='{choice.one('sata', 'scsi')}'/>\
</disk><disk type='file' device='cdrom'><source file='/virtio-win.iso'/><target dev='sdb' \
bus='sata'/></disk>
<interface type='{choice.one('bridge', 'network')}'><source {'X'}/><model \
type='{choice.one('virtio',
            'e1000e', 'e1000')}'/></interface><hostdev mode='subsystem' type='pci' \
managed='yes'><driver name='vfio'/><source><address domain='0x0000' bus='0x0a' slot='0x00' \
function='0x0'/></source>{choice.maybe("<rom file='/gpu.rom'/>")}{choice.maybe("<address"
            " type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'"
            " multifunction='on'/>")}</hostdev>\
<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source><address \
domain='0x0000' bus='0x0a' slot='0x00' function='0x1'/></source></hostdev>
{choice.maybe("<input type='evdev'><source dev='/dev/input/by-id/a-event-mouse'/>"
            "</input><input type='evdev'><source dev='/dev/input/by-id/a-event-kbd'"
            " grab='all' repeat='on' grabToggle='ctrl-ctrl'/></input>")}{choice.maybe("<input"
            " type='mouse' bus='virtio'/><input type='keyboard'"
            " bus='virtio'/>")}{choice.maybe("<shmem"
            " name='looking-glass'><model type='ivshmem-plain'/><size unit='M'>32</size>"
            "</shmem>")}{choice.maybe("<sound model='ich9'><audio id='1'/></sound>"
            "<audio id='1' type='pulseaudio' serverName='/run/user/1000/pulse/native'/>")}
{choice.maybe("<graphics type='spice' port='-1' autoport='no'/><video><model type='none'/>"
            "</video>")}{choice.maybe("<tpm model='tpm-tis'><backend type='passthrough'>"
            "<device path='/dev/tpm0'/></backend></tpm>")}<memballoon \
model='none'/>{choice.maybe("<hostdev"
            " mode='subsystem' type='usb' managed='no'><source><vendor id='0x046d'/>"
            "<product id='0xc52b'/></source></hostdev>")}""".replace('X', "network='default'"),
            features="<acpi/><apic/><hyperv mode='custom'><relaxed state='on'/></hyperv>"
            "<kvm><hidden state='on'/></kvm><ioapic driver='kvm'/>").replace("type='bridge'>"
            "<source network=", "type='bridge'><source bridge=")


MANAGERS = (nova, virt_install, vdsm, vagrant, terraform, kubevirt, plain, plain, proxmox, windows)


def definition(seed):
    """The definition of that seed, as text."""
    return MANAGERS[seed % len(MANAGERS)](Choice(seed))
