#!/usr/bin/env python3
"""A PCCS that serves recorded collateral, counts, and fails on demand.

For tests in Python:

    from pccs import Pccs
    with Pccs(['.../collateral/tdx-90c06f000000-20260520-ev19.json']) as pccs:
        start_the_program(pccs.url)
        assert pccs.count('tcb tdx 90C06F000000') == 1
        pccs.fail('crl platform', 'status', 503)    # until told otherwise
        pccs.fail('*', None)                        # all is well again
        pccs.load([another_file])                   # replaces items of the same names
        pccs.down()                                 # dead: connections are refused
        pccs.up()                                   # back on the same port

and for others, `pccs.py [--tls CERT KEY] [--port N] FILE...` prints its URL, serves until its
standard input ends, and is told what to do by GETs of its own:

    /-/count            total, then one line `N NAME` for each item asked for
    /-/count/NAME       that number alone
    /-/fail/NAME/KIND/ARGUMENT      NAME `*` for all; KIND `none` ends it
    /-/load/PATH        one more collateral file

Items are named `tcb TEE FMSPC`, `qe TEE`, `crl CA`, `rootcrl`, `pck` (TEE: sgx, tdx; FMSPC in
upper case; CA: processor, platform).  The kinds of failure, with their arguments:

    status N[:SECONDS]  that status, with Retry-After
    slow S              the whole answer, S seconds later
    hang                accepts, and never answers
    truncated           Content-Length of the whole, half the body, and the end
    longer              Content-Length of more than there is, and the end
    shorter             Content-Length of half the body, then all of it
    endless             a body without end
    chunks              the right answer, in chunks of seven bytes
    huge-header         an issuer chain of 20 KiB
    many-headers        96 KiB of headers
    no-chain            without the issuer chain
    bad-chain           %00 in the issuer chain
    old-name            TCB info's chain under version 3's name
    html                status 200 and a page that says sorry
    empty               status 200 and nothing
    bad-hex             the root CA CRL in hexadecimal, one digit wrong
    wrong-signer        one bit of the signature flipped
    redirect URL        302 to URL
    redirects N         302 to itself N times, then the right answer
    drop                closes the connection without a word
    tcbm HEX            SGX-TCBm of a PCK certificate
"""

import argparse
import collections
import http.server
import json
import base64
import os
import re
import socket
import ssl
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TLS = os.path.join(HERE, 'tls')


class Item:
    """One answer: a body, and perhaps an issuer chain and the header it goes in."""

    def __init__(self, body, header=None, chain=''):
        self.body = body
        self.header = header
        self.chain = chain


def percent(pem):
    """As Intel encodes a header: slashes stay, plus signs do not."""
    return urllib.parse.quote(pem, safe='/')


def pem_has(pem, text):
    return any(text in base64.b64decode(block) for block in
               re.findall('-----BEGIN CERTIFICATE-----(.*?)-----END', pem, re.S))


def items_of(path):
    """The answers that a collateral object (quote verification, section 3) was made from."""
    with open(path, encoding='utf-8') as f:
        c = json.load(f)
    tcb = json.loads(c['tcb_info'])
    tee = 'tdx' if tcb.get('id') == 'TDX' else 'sgx'
    ca = 'platform' if pem_has(c['pck_crl_issuer_chain'], b'Platform CA') else 'processor'
    signed = '{"%s":%s,"signature":"%s"}'
    return {
        'tcb %s %s' % (tee, tcb['fmspc'].upper()): Item(
            (signed % ('tcbInfo', c['tcb_info'], c['tcb_info_signature'])).encode(),
            'TCB-Info-Issuer-Chain', c['tcb_info_issuer_chain']),
        'qe ' + tee: Item(
            (signed % ('enclaveIdentity', c['qe_identity'], c['qe_identity_signature'])).encode(),
            'SGX-Enclave-Identity-Issuer-Chain', c['qe_identity_issuer_chain']),
        'crl ' + ca: Item(bytes.fromhex(c['pck_crl']), 'SGX-PCK-CRL-Issuer-Chain',
                          c['pck_crl_issuer_chain']),
        'rootcrl': Item(c['root_ca_crl'].encode()),
    }


def item_name(path, query):
    """What a request is for; None when it is for nothing that a PCCS has."""
    def one(key):
        return query.get(key, [''])[0]
    m = re.fullmatch('/(sgx|tdx)/certification/v4/(.*)', path)
    if not m:
        return None
    tee, what = m.groups()
    if one('update') not in ('', 'standard', 'early'):
        return None
    if what == 'tcb' and re.fullmatch('[0-9A-F]{12}', one('fmspc')):
        return 'tcb %s %s' % (tee, one('fmspc'))
    if what == 'qe/identity':
        return 'qe ' + tee
    if tee == 'tdx':
        return None
    if what == 'pckcrl' and one('encoding') == 'der' and one('ca') in ('processor', 'platform'):
        return 'crl ' + one('ca')
    if what == 'rootcacrl':
        return 'rootcrl'
    if what == 'pckcert' and all(re.fullmatch('[0-9A-F]+', one(k)) for k in (
            'qeid', 'encrypted_ppid', 'cpusvn', 'pcesvn', 'pceid')):
        return 'pck'
    return None


def flip_signature(body):
    """JSON: the last hex digit of the signature.  DER or hex: the last bit."""
    if body[:1] == b'{':
        at = body.rindex(b'"') - 1
    else:
        at = len(body) - 1
    if body[:1] == b'{' or all(c in b'0123456789abcdefABCDEF' for c in body[:16]):
        return body[:at] + (b'0' if body[at:at + 1] != b'0' else b'1') + body[at + 1:]
    return body[:at] + bytes([body[at] ^ 1])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server_version = 'pccs'
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
        try:
            self.get()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def get(self):
        url = urllib.parse.urlsplit(self.path)
        pccs = self.server.pccs
        if url.path.startswith('/-/'):
            return self.whole(200, [], pccs.control(url.path[3:]).encode())
        name = item_name(url.path, urllib.parse.parse_qs(url.query))
        with pccs.lock:
            pccs.requests.append(self.path)
            pccs.times.append(time.monotonic())
            pccs.counts[name] += 1
            kind, argument = pccs.failures.get(name, pccs.failures.get('*', (None, None)))
            item = pccs.items.get(name)
        if kind is None or kind == 'none':
            return self.answer(item)
        return getattr(self, 'fail_' + kind.replace('-', '_'))(item, argument)

    @staticmethod
    def headers_of(item):
        return [(item.header, percent(item.chain))] if item.header else []

    def answer(self, item):
        if item is None:
            return self.whole(404, [], b'No cache data for this platform.')
        return self.whole(200, self.headers_of(item), item.body)

    def fail_status(self, item, argument):
        status, _, seconds = str(argument).partition(':')
        body = b'' if status in ('204', '304') else b'no'
        self.whole(int(status), [('Retry-After', seconds)] if seconds else [], body)

    def fail_slow(self, item, argument):
        self.server.pccs.stopped.wait(float(argument))
        self.answer(item)

    def fail_hang(self, item, argument):
        self.server.pccs.stopped.wait()
        self.close_connection = True

    def fail_truncated(self, item, argument):
        self.head(200, self.headers_of(item), len(item.body))
        self.wfile.write(item.body[:len(item.body) // 2])
        self.close_connection = True

    def fail_longer(self, item, argument):
        self.head(200, self.headers_of(item), len(item.body) + 1)
        self.wfile.write(item.body)
        self.close_connection = True

    def fail_shorter(self, item, argument):
        self.head(200, self.headers_of(item), len(item.body) // 2)
        self.wfile.write(item.body)
        self.close_connection = True

    def fail_endless(self, item, argument):
        self.head(200, self.headers_of(item) + [('Connection', 'close')], None)
        self.close_connection = True
        while not self.server.pccs.stopped.is_set():
            self.wfile.write(item.body)

    def fail_chunks(self, item, argument):
        self.head(200, self.headers_of(item) + [('Transfer-Encoding', 'chunked')], None)
        for i in range(0, len(item.body), 7):
            part = item.body[i:i + 7]
            self.wfile.write(b'%x\r\n%s\r\n' % (len(part), part))
        self.wfile.write(b'0\r\n\r\n')

    def fail_huge_header(self, item, argument):
        self.whole(200, [(item.header or 'X-Chain', 'A' * 20480)], item.body)

    def fail_many_headers(self, item, argument):
        self.whole(200, self.headers_of(item) + [('X-%d' % i, 'A' * 4096) for i in range(24)],
                   item.body)

    def fail_no_chain(self, item, argument):
        self.whole(200, [], item.body)

    def fail_bad_chain(self, item, argument):
        self.whole(200, [(item.header, '%00' + percent(item.chain))], item.body)

    def fail_old_name(self, item, argument):
        self.whole(200, [('SGX-' + item.header, percent(item.chain))], item.body)

    def fail_html(self, item, argument):
        self.whole(200, self.headers_of(item) + [('Content-Type', 'text/html')],
                   b'<html><body>Sorry, we are down for maintenance.</body></html>')

    def fail_empty(self, item, argument):
        self.whole(200, self.headers_of(item), b'')

    def fail_bad_hex(self, item, argument):
        self.whole(200, self.headers_of(item), item.body[:-1] + b'x')

    def fail_wrong_signer(self, item, argument):
        self.whole(200, self.headers_of(item), flip_signature(item.body))

    def fail_redirect(self, item, argument):
        self.whole(302, [('Location', str(argument))], b'')

    def fail_redirects(self, item, argument):
        url = urllib.parse.urlsplit(self.path)
        n = int(urllib.parse.parse_qs(url.query).get('redirected', ['0'])[0])
        if n == int(argument):
            return self.answer(item)
        query = re.sub('&redirected=[0-9]*', '', '&' + url.query) + '&redirected=%d' % (n + 1)
        return self.whole(302, [('Location', url.path + '?' + query.lstrip('&'))], b'')

    def fail_drop(self, item, argument):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def fail_tcbm(self, item, argument):
        self.whole(200, self.headers_of(item) + [('SGX-TCBm', str(argument))], item.body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    context = None

    def handle_error(self, request, client_address):
        pass

    def process_request(self, request, client_address):
        with self.pccs.lock:
            self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self.pccs.lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def finish_request(self, request, client_address):
        # The handshake in the connection's own thread: one that stalls hinders nobody.
        if self.context is not None:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        super().finish_request(request, client_address)


class Pccs:
    """The stand-in.  `tls` is the base name of a certificate under tests/support/tls."""

    def __init__(self, files=(), tls=None, port=0, key=None):
        self.lock = threading.Lock()
        self.items = {}
        self.failures = {}
        self.counts = collections.Counter()
        self.requests = []
        self.times = []
        self.stopped = threading.Event()
        self.server = None
        self.port = port
        self.context = None
        if tls is not None:
            cert = tls if os.path.sep in tls else os.path.join(TLS, tls + '.pem')
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert, key or os.path.join(TLS, 'key.pem'))
        self.load(files)
        self.up()

    @property
    def url(self):
        return '%s://127.0.0.1:%d' % ('https' if self.context else 'http', self.port)

    def load(self, files):
        """Later files win, item by item."""
        for path in files:
            items = items_of(path)
            with self.lock:
                self.items.update(items)

    def pck(self, leaf, chain):
        """The answer to every request for a PCK certificate."""
        with self.lock:
            self.items['pck'] = Item(leaf, 'SGX-PCK-Certificate-Issuer-Chain', chain)

    def fail(self, name, kind, argument=None):
        """From now on; None: no more (for `*`: nothing fails any more)."""
        with self.lock:
            if kind is not None:
                self.failures[name] = (kind, argument)
            elif name == '*':
                self.failures.clear()
            else:
                self.failures.pop(name, None)

    def count(self, name=None):
        """Requests for one item, or all of them."""
        with self.lock:
            return sum(self.counts.values()) if name is None else self.counts[name]

    def up(self):
        if self.server is None:
            self.stopped.clear()
            self.server = Server(('127.0.0.1', self.port), Handler)
            self.server.pccs = self
            self.server.open = set()
            self.server.context = self.context
            self.port = self.server.server_address[1]
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
        words = [urllib.parse.unquote(word) for word in path.split('/', 3)]
        if words[0] == 'count' and len(words) > 1:
            return '%d\n' % self.count(words[1])
        if words[0] == 'count':
            with self.lock:
                lines = ['%d %s\n' % (n, name) for name, n in sorted(
                    self.counts.items(), key=str)]
            return '%d\n' % self.count() + ''.join(lines)
        if words[0] == 'fail' and len(words) > 2:
            self.fail(words[1], None if words[2] == 'none' else words[2],
                      words[3] if len(words) > 3 else None)
            return 'ok\n'
        if words[0] == 'load':
            self.load([urllib.parse.unquote('/' + path[len('load/'):].lstrip('/'))])
            return 'ok\n'
        return 'unknown\n'

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.down()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--tls', nargs=2, metavar=('CERT', 'KEY'))
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('files', nargs='*')
    args = parser.parse_args()
    with Pccs(args.files, args.tls and os.path.abspath(args.tls[0]), args.port,
              args.tls and args.tls[1]) as pccs:
        print(pccs.url, flush=True)
        sys.stdin.read()


if __name__ == '__main__':
    main()
