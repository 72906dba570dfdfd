# SPDX-License-Identifier: Apache-2.0
"""Disks of every type on every bus."""

from element import ON_OFF, VIRTIO_MODELS, YES_NO, el, letters


class Storage:
    """What a Maker makes disks with."""

    def disk_source(self, kind):
        host = el('host', name=self.one('ceph-1', '10.0.0.1', 'fe80::1'), port=self.some(0.8,
                '6789', '3260'))
        protocol = self.one('rbd', 'iscsi', 'nbd', 'http', 'https', 'ftp', 'gluster',
                'ssh', 'sheepdog', 'nfs', 'vxhs')
        name = {'rbd': 'pool/image', 'iscsi': self.one('iqn.2013-07.com.example:iscsi/1',
                'iqn.2013-07.com.example:iscsi'),
                'nbd': self.some(0.5, 'export'), 'gluster': 'vol/image.qcow2',
                'vxhs': self.uuid()}.get(protocol,
                'a/image.iso')
        secret = el('auth', el('secret', type='ceph' if protocol == 'rbd' else 'iscsi',
                               **self.one({'uuid': self.uuid()}, {'usage': 'pass'})),
                username='user')
        index = self.some(0.1, '1', '3')
        seclabel = el('seclabel', model='dac', relabel='no') if self.chance(0.08) else None
        encryption = el('encryption', el('secret', type='passphrase', uuid=self.uuid()),
                        format=self.one('luks', 'luks', 'qcow', 'luks2', 'luks-any')
                if self.odd() else 'luks',
                        engine=self.some(0.2, 'qemu', 'librbd')) if self.chance(0.06) else None
        slices = el('slices', el('slice', type='storage', offset='0',
                size='1048576')) if self.chance(0.04) else None
        if kind == 'file':
            return el('source', seclabel, encryption, slices,
                    file=f'/images/{self.number(0, 99)}.img',
                      startupPolicy=self.some(0.05, 'optional', 'mandatory', 'requisite'),
                    index=index)
        if kind == 'block':
            return el('source', seclabel, encryption, dev='/dev/vg/lv%d' % self.number(0,
                    99), index=index,
                      **({} if self.chance(0.95) else {'startupPolicy': 'optional'}))
        if kind == 'dir':
            return el('source', dir='/var/somefiles')
        if kind == 'volume':
            return el('source', pool='default', volume='disk.qcow2', mode=self.some(0.2,
                    'host', 'direct'))
        if kind == 'nvme':
            return el('source', el('address', domain='0x0000', bus='0x01', slot='0x00',
                    function='0x0'),
                      type='pci', managed=self.some(0.8, *YES_NO), namespace='1')
        if kind == 'vhostuser':
            return el('source', el('reconnect', enabled='yes', timeout='10') if self.chance(0.5)
                    else None,
                      type='unix', path='/run/vhost.sock')
        tls = self.some(0.06, *YES_NO)
        return el('source', *([host] * self.number(0 if self.odd() else 1, 3 if protocol in ('rbd',
                'gluster') else 1)),
                  secret if protocol in ('rbd', 'iscsi') and self.chance(0.4) else None,
                  el('snapshot', name='snap') if protocol == 'rbd' and self.chance(0.1) else None,
                  el('config', file='/etc/ceph/c.conf') if protocol == 'rbd' and self.chance(0.1)
                else None,
                  el('timeout', seconds='10') if protocol.startswith('http') and self.chance(0.2)
                else None,
                  el('ssl', verify=self.one(*YES_NO)) if protocol in ('https',
                'ftps') and self.chance(0.3)
                else None,
                  el('identity', user='bob', group='users')
                if protocol == 'nfs' and self.chance(0.8)
                else None,
                  protocol=protocol, name=name, tls=tls, index=index,
                  query=self.some(0.05, 'a=b') if protocol.startswith('http') else None)

    def layer(self, depth=0):
        if depth > 2 or self.chance(0.4):
            return el('backingStore')
        kind = self.one('file', 'file', 'block', 'network')
        return el('backingStore', el('format', type=self.one('qcow2', 'raw')),
                self.disk_source(kind),
                  self.layer(depth + 1) if self.chance(0.7) else None, type=kind,
                index=self.some(0.2, '1', '2'))

    def target(self, device):
        bus = self.random.choice({'cdrom': ['sata', 'ide', 'scsi', 'usb'], 'floppy': ['fdc'],
                                  'lun': ['scsi', 'scsi', 'virtio']}.get(
                                      device, ['virtio'] * 6 + ['scsi', 'scsi', 'sata',
                'ide', 'usb']))
        if self.odd():
            bus = self.one('virtio', 'scsi', 'sata', 'ide', 'usb', 'fdc', 'sd', 'xen', 'none')
        prefix = {'virtio': 'vd', 'ide': 'hd', 'fdc': 'fd', 'xen': 'xvd'}.get(bus, 'sd')
        if self.chance(0.05) and bus != 'fdc':
            prefix = self.one('sd', 'vd', 'hd')
        number = self.disks.get(prefix, 0)
        self.disks[prefix] = number + (1 if self.chance(0.9) else 3)
        name = prefix + letters(number) if not self.odd() else self.one('vda', 'sda1',
                'hdz', 'sd', 'foo', 'vda2', 'fdc')
        return bus, el('target', dev=name, bus=bus if self.chance(0.92) else None,
                       tray=self.some(0.05, 'open', 'closed') if device in ('cdrom',
                'floppy') or self.odd() else None,
                       removable=self.some(0.2, *ON_OFF) if bus == 'usb' or self.odd() else None,
                       rotation_rate=self.some(0.05, '1', '7200') if bus in ('scsi',
                'ide', 'sata') or self.odd() else None)

    def iotune(self):
        names = ['total_bytes_sec', 'total_iops_sec', 'read_bytes_sec', 'write_iops_sec',
                'total_bytes_sec_max',
                 'size_iops_sec', 'total_bytes_sec_max_length', 'read_iops_sec', 'write_bytes_sec']
        group = self.one(names[:2], ['read_bytes_sec', 'write_bytes_sec'], ['total_bytes_sec',
                'total_bytes_sec_max'],
                         ['total_bytes_sec', 'total_bytes_sec_max', 'total_bytes_sec_max_length'],
                         ['read_iops_sec', 'write_iops_sec', 'size_iops_sec'])
        if self.odd():
            group = self.random.sample(names, 3)
        return el('iotune', *(el(name, text=self.number(0, 9) * 1000) for name in group),
                  el('group_name', text='grp') if self.chance(0.1) else None)

    def disk_driver(self, bus):
        virtio = bus == 'virtio'
        return el('driver', name=self.some(0.95, 'qemu') if not self.odd() else self.one('phy',
                'tap'),
                  type=self.one('qcow2', 'raw', 'raw', 'qcow2', 'vmdk', 'vdi', None)
                if not self.odd() else
                  self.one('luks', 'dmg', 'fat', 'aio', 'iso', 'auto', 'none'),
                  cache=self.some(0.3, 'none', 'writeback', 'writethrough', 'directsync',
                'unsafe', 'default'),
                  error_policy=self.some(0.08, 'stop', 'report', 'ignore', 'enospace'),
                  rerror_policy=self.some(0.05, 'stop', 'report', 'ignore'),
                  io=self.some(0.2, 'native', 'threads', 'io_uring'),
                  ioeventfd=self.some(0.1, *ON_OFF) if virtio or self.odd() else None,
                  event_idx=self.some(0.1, *ON_OFF) if virtio or self.odd() else None,
                  copy_on_read=self.some(0.05, *ON_OFF), discard=self.some(0.3, 'unmap', 'ignore'),
                  iothread=self.some(0.1, '1', '2') if virtio or self.odd() else None,
                  detect_zeroes=self.some(0.1, 'on', 'off', 'unmap'),
                  queues=self.some(0.1, '4') if virtio or self.odd() else None,
                  queue_size=self.some(0.05, '256', '100') if virtio or self.odd() else None,
                  **self.virtio(virtio))

    def disk(self):
        device = self.random.choice(['disk'] * 7 + ['cdrom'] * 2 + ['floppy', 'lun', None])
        kind = self.random.choice(['file'] * 7 + ['block'] * 3 + ['network'] * 3 + ['volume',
                'nvme', 'vhostuser', 'dir', None])
        if device == 'lun' and not self.odd():
            kind = 'block'
        if kind == 'vhostuser' and not self.odd():
            device = 'disk'
        bus, target = self.target(device)
        source = self.disk_source(kind or 'file')
        if device in ('cdrom', 'floppy') and self.chance(0.3):
            source = self.one(None, None, el('source', startupPolicy='optional'))
        address = {'virtio': self.pci, 'usb': self.usb}.get(bus, lambda: self.drive(bus))()
        extras = [el('backingStore') if self.chance(0.1) else self.layer() if self.chance(0.15)
                else None,
                  el('auth', el('secret', type='ceph', uuid=self.uuid()), username='admin')
                  if kind == 'network' and self.chance(0.1) else None,
                  el('geometry', cyls='16383', heads='16', secs='63', trans=self.some(0.5,
                'lba', 'auto', 'none'))
                  if self.chance(0.03) else None,
                  el('blockio', logical_block_size=self.some(0.8, '512', '4096'),
                physical_block_size=self.some(0.5, '4096', '512'))
                  if self.chance(0.06) else None,
                  self.iotune() if self.chance(0.08) else None,
                  el('readonly') if self.chance(0.1) else None,
                  el('shareable') if self.chance(0.04) else None,
                  el('transient', shareBacking=self.some(0.3, *YES_NO)) if self.chance(0.03)
                else None,
                  el('serial', text=self.one('abc-123', self.uuid(), 'a'
                ' b', '')) if self.chance(0.15)
                else None,
                  el('wwn', text='5000c50015ea71ad' if not self.odd() else self.one('500', 'xyz'))
                  if self.chance(0.04) and (bus in ('scsi', 'ide', 'sata') or self.odd()) else None,
                  el('vendor', text='QEMU' if not self.odd() else 'toolongname')
                if self.chance(0.03)
                else None,
                  el('product', text='DISK') if self.chance(0.03) else None,
                  el('encryption', el('secret', type='passphrase', uuid=self.uuid()), format='luks')
                  if self.chance(0.03) else None]
        return el('disk', self.disk_driver(bus) if self.chance(0.9) else None, source,
                target, *extras,
                  self.boot(), self.alias(), self.acpi(), address, type=kind, device=device,
                  snapshot=self.some(0.05, 'no', 'internal', 'external'),
                  rawio=self.some(0.3, *YES_NO) if device == 'lun' or self.odd() else None,
                  sgio=self.some(0.2, 'filtered', 'unfiltered') if device == 'lun'
                or self.odd() else None,
                  model=self.some(0.08, *VIRTIO_MODELS) if bus == 'virtio' or self.odd() else None)
