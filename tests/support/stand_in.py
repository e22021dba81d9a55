"""What the stand-ins for servers on the Internet share: HTTP, TLS, counts, being told what to do.

A stand-in serves from a thread of the test's process; or, run as a program, prints its URL, serves
until its standard input ends, and is told what to do by GETs below `/-/`.
"""

import argparse
import collections
import http.server
import os
import socket
import ssl
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TLS = os.path.join(HERE, 'tls')


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection.  A stand-in's own has get(url), the URL taken apart."""

    protocol_version = 'HTTP/1.1'
    server_version = 'stand-in'
    timeout = 60

    def log_message(self, *args):
        pass

    def head(self, status, headers, length):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length is not None:
            self.send_header('Content-Length', str(length))
        self.end_headers()

    def whole(self, status, headers, body):
        self.head(status, headers, len(body))
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        try:
            if url.path.startswith('/-/'):
                self.whole(200, [], self.server.owner.control(url.path[3:]).encode())
            else:
                self.get(url)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def cut(self):
        """The connection ends here, whatever was promised."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner):
        self.owner = owner
        self.open = set()
        super().__init__(('127.0.0.1', owner.port), owner.handler)

    def handle_error(self, request, client_address):
        pass

    def process_request(self, request, client_address):
        with self.owner.lock:
            self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self.owner.lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def finish_request(self, request, client_address):
        # The handshake in the connection's own thread: one that stalls hinders nobody.
        if self.owner.context is not None:
            try:
                request = self.owner.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        super().finish_request(request, client_address)


class StandIn:
    """`tls` is the base name of a certificate under tests/support/tls."""

    handler = Handler

    def __init__(self, tls=None, port=0, key=None):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.stopped = threading.Event()
        self.server = None
        # While the server is down nobody else may come to have its port.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind(('127.0.0.1', port))
        self.port = self.reserved.getsockname()[1]
        self.context = None
        if tls is not None:
            cert = tls if os.path.sep in tls else os.path.join(TLS, tls + '.pem')
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert, key or os.path.join(TLS, 'key.pem'))

    @property
    def url(self):
        return '%s://127.0.0.1:%d' % ('https' if self.context else 'http', self.port)

    def count(self, name=None):
        """Requests for one item, or all of them."""
        with self.lock:
            return sum(self.counts.values()) if name is None else self.counts[name]

    def up(self):
        if self.server is None:
            self.stopped.clear()
            for _ in range(100):
                try:
                    self.server = Server(self)
                    break
                except OSError:         # somebody's outgoing connection has that port
                    time.sleep(0.1)
            threading.Thread(target=self.server.serve_forever, args=(0.05,),
                             daemon=True).start()

    def down(self):
        """Connections that are open are cut off, new ones are refused."""
        if self.server is None:
            return
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for connection in self.server.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass        # it has ended by itself
        self.server = None

    def control(self, path):
        """A GET of /-/PATH."""
        words = [urllib.parse.unquote(word) for word in path.split('/', 1)]
        if words[0] != 'count':
            return 'unknown\n'
        if len(words) > 1:
            return '%d\n' % self.count(words[1])
        with self.lock:
            lines = ['%d %s\n' % (n, name) for name, n in sorted(self.counts.items(), key=str)]
        return '%d\n' % self.count() + ''.join(lines)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.down()
        self.reserved.close()


def run(kind, *argument, **options):
    """The program: one argument of the stand-in's own, as argparse has it."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--tls', nargs=2, metavar=('CERT', 'KEY'))
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument(*argument, **options)
    args = parser.parse_args()
    with kind(getattr(args, argument[0]), args.tls and os.path.abspath(args.tls[0]), args.port,
              args.tls and args.tls[1]) as stand_in:
        print(stand_in.url, flush=True)
        sys.stdin.read()
