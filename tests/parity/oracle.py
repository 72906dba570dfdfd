# SPDX-License-Identifier: Apache-2.0
"""What libvirt itself makes of a definition: its QEMU driver, inside this process.

The driver is opened as qemu:///embed with a root folder of its own, so no daemon is asked and none
is disturbed. It needs the distribution's python3-libvirt and libvirt-daemon-driver-qemu, and its
user libvirt-qemu, whom it looks up before it reads that root's own configuration.
"""

import os
import pwd
import shutil
import tempfile
import threading

PACKAGES = ('python3-libvirt', 'libvirt-daemon-driver-qemu')
USER = 'libvirt-qemu'
SYSTEM_LIB = '/var/lib/libvirt/qemu'  # what the root's own folder stands for
QEMU_CONF = 'security_driver = "none"\nuser = "root"\ngroup = "root"\n'

# What the two programs of a software TPM say of themselves: with one installed, as hosts have it,
# the driver takes TPM 2.0.
TPM_PROGRAMS = {
    'swtpm': '{"type":"swtpm","features":["tpm-1.2","tpm-2.0","cmdarg-pwd-fd"]}',
    'swtpm_setup': '{"type":"swtpm_setup","features":["tpm-1.2","tpm-2.0","cmdarg-pwdfile-fd"]}',
    'swtpm_ioctl': '{"type":"swtpm_ioctl","features":["tpm-1.2","tpm-2.0"]}',
}


class Refused(Exception):
    """libvirt does not take the definition; the text is its reason."""


def missing():
    """Why libvirt cannot be asked here, or None."""
    try:
        import libvirt  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        return 'python3-libvirt is not installed'
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return f'there is no user {USER}'
    return None


class Oracle:
    """libvirt's embedded driver; one a process."""

    def __init__(self):
        os.environ['LIBVIRT_LOG_OUTPUTS'] = '4:stderr'  # it warns on standard error otherwise
        import libvirt  # pylint: disable=import-outside-toplevel
        self.libvirt = libvirt
        self.root = tempfile.mkdtemp(prefix='libvirt-')
        os.mkdir(os.path.join(self.root, 'etc'))
        with open(os.path.join(self.root, 'etc', 'qemu.conf'), 'w', encoding='utf-8') as conf:
            conf.write(QEMU_CONF)
        self._install_tpm()
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=self._turn, daemon=True).start()
        self.connection = libvirt.open(f'qemu:///embed?root={self.root}')

    def _install_tpm(self):
        folder = os.path.join(self.root, 'bin')
        os.mkdir(folder)
        for name, answer in TPM_PROGRAMS.items():
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as program:
                program.write(f"#!/bin/sh\necho '{answer}'\n")
            os.chmod(program.name, 0o755)
        os.environ['PATH'] = folder + os.pathsep + os.environ['PATH']

    def _turn(self):
        while True:
            self.libvirt.virEventRunDefaultImpl()

    def freeze(self, definition):
        """The inactive definition that it keeps, as text; raises Refused."""
        flags = self.libvirt.VIR_DOMAIN_XML_INACTIVE | self.libvirt.VIR_DOMAIN_XML_SECURE
        try:
            domain = self.connection.defineXML(definition)
            frozen = domain.XMLDesc(flags)
            domain.undefineFlags(self.libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        except self.libvirt.libvirtError as error:
            raise Refused(error.get_error_message()) from None
        return frozen.replace(os.path.join(self.root, 'lib', 'qemu'), SYSTEM_LIB)

    def close(self):
        self.connection.close()
        shutil.rmtree(self.root, ignore_errors=True)
