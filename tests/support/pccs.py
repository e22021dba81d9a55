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

import base64
import json
import re
import time
import urllib.parse

from stand_in import Handler, StandIn, TLS, run


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
    if 'encrypted_ppid' in c:
        return {'pck ' + c['encrypted_ppid']: Item(
            c['pck_certificate'].encode(), 'SGX-PCK-Certificate-Issuer-Chain', c['issuer_chain'])}
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


class PccsHandler(Handler):
    def get(self, url):
        pccs = self.server.owner
        query = urllib.parse.parse_qs(url.query)
        name = item_name(url.path, query)
        with pccs.lock:
            pccs.requests.append(self.path)
            pccs.times.append(time.monotonic())
            pccs.counts[name] += 1
            kind, argument = pccs.failures.get(name, pccs.failures.get('*', (None, None)))
            item = pccs.items.get(name)
            if name == 'pck':
                item = pccs.items.get('pck ' + query['encrypted_ppid'][0], item)
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
        self.server.owner.stopped.wait(float(argument))
        self.answer(item)

    def fail_hang(self, item, argument):
        self.server.owner.stopped.wait()
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
        while not self.server.owner.stopped.is_set():
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
        self.cut()

    def fail_tcbm(self, item, argument):
        self.whole(200, self.headers_of(item) + [('SGX-TCBm', str(argument))], item.body)


class Pccs(StandIn):
    """`files`: collateral objects."""

    handler = PccsHandler

    def __init__(self, files=(), tls=None, port=0, key=None):
        super().__init__(tls, port, key)
        self.items = {}
        self.failures = {}
        self.requests = []
        self.times = []
        self.load(files)
        self.up()

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

    def control(self, path):
        words = [urllib.parse.unquote(word) for word in path.split('/', 3)]
        if words[0] == 'fail' and len(words) > 2:
            self.fail(words[1], None if words[2] == 'none' else words[2],
                      words[3] if len(words) > 3 else None)
            return 'ok\n'
        if words[0] == 'load':
            self.load([urllib.parse.unquote('/' + path[len('load/'):].lstrip('/'))])
            return 'ok\n'
        return super().control(path)


if __name__ == '__main__':
    run(Pccs, 'files', nargs='*')
