# SPDX-License-Identifier: Apache-2.0
"""The distribution's libvirtd, run privately to be compared with.

It runs in a mount namespace where its folders are folders of a temporary one (on the same file
system as the book), and is ended by its pid. That needs root.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

PACKAGES = ('libvirt-daemon', 'libvirt-daemon-driver-qemu', 'libvirt-clients')
FOLDERS = ('/etc/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt',
           '/run/libvirt')
DAEMON_CONF = '''unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_dir = "/run/libvirt"
log_level = 4
'''
QEMU_CONF = '''security_driver = "none"
user = "root"
group = "root"
'''
DAEMON_WAIT = 60  # seconds until libvirtd answers


def install():
    """True when libvirtd can be used."""
    if os.geteuid() != 0:
        print('libvirtd is left out: running it beside the host\'s own needs root', flush=True)
        return False
    if not (shutil.which('libvirtd') and shutil.which('virsh')):
        print('installing', *PACKAGES, flush=True)
        environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
        subprocess.run(
            ['apt-get', 'install', '-q', '-y', '--no-install-recommends', *PACKAGES],
            env=environment, check=True, stdout=subprocess.DEVNULL)
    return True


def private_command(folder, daemon_conf, qemu_conf, options):
    """libvirtd, with its folders replaced by some of ours for it alone."""
    script = ['set -e']
    for path in FOLDERS:
        own = folder + path
        os.makedirs(own)
        script.append(f'mkdir -p {path}; mount --bind {own} {path}')
    for name, text in (('libvirtd.conf', DAEMON_CONF + daemon_conf),
                       ('qemu.conf', QEMU_CONF + qemu_conf)):
        with open(f'{folder}/etc/libvirt/{name}', 'w', encoding='ascii') as stream:
            stream.write(text)
    # libvirtd wants an account that a part of its packages would make which is not installed here
    for path, line in (('/etc/passwd', 'libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin'),
                       ('/etc/group', 'libvirt-qemu:x:64055:')):
        with open(path, encoding='utf-8') as stream, \
                open(folder + path, 'w', encoding='utf-8') as copy:
            copy.write(stream.read() + line + '\n')
        script.append(f'mount --bind {folder}{path} {path}')
    words = ' '.join(['--pid-file', '/run/libvirt/libvirtd.pid', *options])
    script.append(f'exec libvirtd {words}')
    return ['unshare', '-m', 'sh', '-c', '; '.join(script)]


@contextlib.contextmanager
def running(folder, around=(), daemon_conf='', qemu_conf='', options=()):
    """Runs a private libvirtd; gives the beginning of a virsh command.

    around: words before each of both commands; the others are more of its settings and options.
    """
    with open(f'{folder}/libvirtd.log', 'wb') as log:
        daemon = subprocess.Popen(
            [*around, *private_command(folder, daemon_conf, qemu_conf, options)],
            stdout=log, stderr=log)
    uri = f'qemu+unix:///system?socket={folder}/run/libvirt/libvirt-sock'
    virsh = [*around, 'virsh', '-q', '-c', uri]
    try:
        end = time.monotonic() + DAEMON_WAIT
        while subprocess.run([*virsh, 'list'], capture_output=True, check=False).returncode:
            if daemon.poll() is not None or time.monotonic() > end:
                with open(f'{folder}/libvirtd.log', encoding='utf-8') as log:
                    sys.exit('libvirtd does not answer: ' + log.read())
            time.sleep(0.2)
        yield virsh
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
