# SPDX-License-Identifier: Apache-2.0
"""Git over https on loopback: Python's server, a certificate of our own, and git http-backend."""

import base64
import http.server
import os
import shutil
import ssl
import subprocess
import threading

from harness import Skip

AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'  # what Debian's libgit2 believes
BACKEND = '/usr/lib/git-core/git-http-backend'


class Handler(http.server.BaseHTTPRequestHandler):
    """One request to git http-backend, from whoever knows the password."""

    protocol_version = 'HTTP/1.1'

    def log_message(self, *_args):
        pass

    def body(self):
        if 'chunked' not in self.headers.get('Transfer-Encoding', ''):
            return self.rfile.read(int(self.headers.get('Content-Length') or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b''.join(parts)

    def answer(self, status, headers, body=b''):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        body = self.body()
        wanted = base64.b64encode(self.server.password.encode()).decode()
        if self.headers.get('Authorization') != 'Basic ' + wanted:
            self.answer(401, [('WWW-Authenticate', 'Basic realm="git"')])
            return
        path, _, query = self.path.partition('?')
        done = subprocess.run([BACKEND], input=body, capture_output=True, check=False, env={
            'PATH': os.environ['PATH'], 'GIT_PROJECT_ROOT': '/', 'GIT_HTTP_EXPORT_ALL': '1',
            'PATH_INFO': path, 'QUERY_STRING': query, 'REQUEST_METHOD': self.command,
            'REMOTE_USER': 'operator', 'REMOTE_ADDR': '127.0.0.1',
            'CONTENT_TYPE': self.headers.get('Content-Type', ''),
            'CONTENT_LENGTH': str(len(body)),
            'GIT_CONFIG_COUNT': '1', 'GIT_CONFIG_KEY_0': 'safe.directory',
            'GIT_CONFIG_VALUE_0': '*'})
        head, _, rest = done.stdout.partition(b'\r\n\r\n')
        headers = dict(line.split(': ', 1) for line in head.decode().split('\r\n'))
        self.answer(int(headers.pop('Status', '200').split()[0]), headers.items(), rest)

    do_GET = do_POST = serve


def believe(book, certificates, command='exec "$@"'):
    """Commands of that book have these authorities, in a mount namespace of their own."""
    around = ['unshare', '--mount', 'sh', '-c',
              f'mount --bind {certificates} {AUTHORITIES} && {command}', 'sh']
    if subprocess.run([*around, 'true'], capture_output=True, check=False).returncode:
        raise Skip('this machine allows no mount namespace')
    book.around = around


class Server:
    """Lets in whoever has `password` ("user:password")."""

    password = 'operator:geheim'

    def __init__(self, folder):
        for program in (BACKEND, shutil.which('openssl') or 'openssl', AUTHORITIES):
            if not os.path.exists(program):
                raise Skip(f'there is no {program}')
        self.certificate = os.path.join(folder, 'https.crt')
        key = os.path.join(folder, 'https.key')
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
             '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
             '-keyout', key, '-out', self.certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.password = self.password
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.thread = threading.Thread(target=self.http.serve_forever)

    def url(self, path):
        return f'https://localhost:{self.http.server_port}{path}'

    def be_known(self, book):
        """Commands of that book believe the certificate."""
        believe(book, self.certificate)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_args):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()
