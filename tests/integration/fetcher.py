"""The fetcher, with everybody around it played by this script.

    fetcher.py [TEST...]        in the build directory
"""

import os
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from frames import *            # noqa: E402
from pccs import Pccs, TLS      # noqa: E402

VECTORS = os.path.join(HERE, '..', 'vectors', 'collateral')
NEW = os.path.join(VECTORS, 'tdx-90c06f000000-20260520-ev19.json')
OLD = os.path.join(VECTORS, 'tdx-90c06f000000-20260218-ev18.json')
SGX_FILE = os.path.join(VECTORS, 'sgx-00906ed50000-20250527-ev17.json')
CA = {'SSL_CERT_FILE': os.path.join(TLS, 'ca.pem')}

PROGRAM = os.environ.get('FETCHER', './dstack-verifier-fetcher')
SCRATCH = tempfile.mkdtemp()
DAY = 86400

TCB, QE, CRL, ROOT = key_tcb('90C06F000000'), key_qe(), key_crl(), key_root()
NAMES = {TCB: 'tcb tdx 90C06F000000', QE: 'qe tdx', CRL: 'crl platform', ROOT: 'rootcrl'}


class Fetcher(Child):
    """A fetcher that is ready, asked and answered as an acceptor would."""

    count = 0

    def __init__(self, urls, cache_dir='', env=None, **config):
        Fetcher.count += 1
        super().__init__(PROGRAM, os.path.join(SCRATCH, 'log.%d' % Fetcher.count), env)
        self.send(CONFIG, fetcher_config(urls, cache_dir, **config))
        kind, payload = self.receive()
        assert kind == READY and payload[0] == 1, payload

    def next(self, key, timeout=10):
        """What comes for the key: a Fact, or the status it failed with, or None."""
        frame = self.receive(timeout)
        if frame is None:
            return None
        kind, payload = frame
        assert payload.startswith(key), (kind, payload)
        if kind == FOUND:
            return Fact(payload, len(key))
        # No text of a transport's gets in here.
        assert kind == FAILED and len(payload) == len(key) + 5, (kind, payload)
        return int.from_bytes(payload[len(key):len(key) + 2], 'little')

    def fetch(self, key, timeout=10):
        self.send(FETCH, key)
        return self.next(key, timeout)

    def accept(self, fact, **dates):
        now = int(time.time())
        dates = {'issued': now - DAY, 'next_update': now + 29 * DAY, **dates}
        self.send(CHECKED, checked(fact, True, **dates))

    def refuse(self, fact):
        self.send(CHECKED, checked(fact, False, reason='not good'))

    def get(self, key):
        """Fetches and accepts."""
        fact = self.fetch(key)
        assert isinstance(fact, Fact), fact
        if fact.candidate:
            self.accept(fact)
        return fact


def cache(name):
    return os.path.join(SCRATCH, 'cache', name)


def same(got, wanted):
    assert got == wanted, (got, wanted)


# All of one platform's items

def test_cold():
    """One fetch of each item, then none; bodies and chains are what the server has."""
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url + '/sgx/certification/v4/'])
        for key, name in NAMES.items():
            fact = fetcher.fetch(key)
            assert fact.candidate and not fact.refresh and not fact.stale
            same(fact.body, pccs.items[name].body)
            same(fact.chain.decode(), pccs.items[name].chain)
            assert abs(fact.fetched_at - time.time()) < 5
            fetcher.accept(fact)
            again = fetcher.fetch(key)
            assert not again.candidate and not again.stale
            same((again.body, again.chain, again.fetched_at),
                 (fact.body, fact.chain, fact.fetched_at))
        same(pccs.count(), 4)
        same([pccs.count(name) for name in NAMES.values()], [1, 1, 1, 1])
        same(fetcher.close(), 0)


def test_requests():
    """The exact requests: early, SGX, processor, a PCK certificate."""
    with Pccs() as pccs:
        fetcher = Fetcher([pccs.url])
        for key, path in (
                (key_tcb('00906ED50000', SGX), '/sgx/certification/v4/tcb?fmspc=00906ED50000'),
                (key_tcb('b0c06f000000', TDX, True),
                 '/tdx/certification/v4/tcb?fmspc=B0C06F000000&update=early'),
                (key_qe(SGX), '/sgx/certification/v4/qe/identity?update=standard'),
                (key_qe(TDX, True), '/tdx/certification/v4/qe/identity?update=early'),
                (key_crl(PROCESSOR), '/sgx/certification/v4/pckcrl?ca=processor&encoding=der'),
                (key_pck(b'\xab' * 16, b'\xcd' * 256, b'\x01' * 16, 11),
                 '/sgx/certification/v4/pckcert?qeid=' + 'AB' * 16 + '&encrypted_ppid=' +
                 'CD' * 256 + '&cpusvn=' + '01' * 16 + '&pcesvn=0B00&pceid=0000')):
            same(fetcher.fetch(key), 404)
            same(pccs.requests[-1], path)
        same(fetcher.fetch(key_image(bytes(32))), 0)


def test_restart():
    """What was accepted outlives the fetcher, even kill -9, and the server."""
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url], cache('restart'))
        first = {key: fetcher.get(key) for key in NAMES}
        fetcher.fetch(QE)       # CHECKED of the last one has been seen
        fetcher.process.kill()
        pccs.down()
        fetcher = Fetcher([pccs.url], cache('restart'))
        for key, fact in first.items():
            again = fetcher.fetch(key)
            assert not again.candidate and again.body == fact.body
            same(again.fetched_at, fact.fetched_at)
        same(fetcher.close(), 0)
        for path, mode in (('', 0o700), ('v1', 0o700), ('v1/index.db', 0o600)):
            same(os.stat(os.path.join(cache('restart'), path)).st_mode & 0o777, mode)


def test_expired():
    """Past its nextUpdate nothing serves; the server is asked, and the item comes back."""
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url], cache('expired'))
        now = int(time.time())
        fetcher.accept(fetcher.fetch(QE), next_update=now + 1)
        fetcher.accept(fetcher.fetch(CRL), next_update=now + 1)
        fetcher.fetch(QE)
        pccs.fail('*', 'status', 500)
        time.sleep(2.1)
        same(fetcher.fetch(QE), 500)
        same(fetcher.fetch(CRL), 500)
        same(fetcher.close(), 0)
        pccs.fail('*', None)
        fetcher = Fetcher([pccs.url], cache('expired'))
        # The same bytes, which have ended, are no success: asked, and not even a candidate.
        same(fetcher.fetch(QE), 0)
        pccs.load([OLD])
        assert fetcher.fetch(CRL).candidate


def test_pinned():
    """A pinned time judges windows, and has items of its own."""
    with Pccs([NEW]) as pccs:
        at = 1780536131
        fetcher = Fetcher([pccs.url], cache('pinned'), at=at)
        fetcher.accept(fetcher.fetch(QE), issued=at - DAY, next_update=at + DAY, number=19)
        assert not fetcher.fetch(QE).candidate
        same(fetcher.close(), 0)
        assert Fetcher([pccs.url], cache('pinned')).fetch(QE).candidate
        fetcher = Fetcher([pccs.url], cache('pinned'), at=at + 2 * DAY)
        same(fetcher.fetch(QE), 0)
        fetcher = Fetcher([pccs.url], cache('pinned'), at=at - 2 * DAY)
        pccs.load([OLD])
        fetcher.accept(fetcher.fetch(QE), issued=at - 9 * DAY, next_update=at, number=18)
        assert not fetcher.fetch(QE).candidate


# Failures

# What the server does; the status that is told, or None when it is an answer after all; the
# words in the log.
FAILURES = (
    ('status', '400', 400, 'HTTP 400'),
    ('status', '404', 404, 'HTTP 404'),
    ('status', '429:1', 429, 'HTTP 429'),
    ('status', '461', 461, 'HTTP 461'),
    ('status', '500', 500, 'HTTP 500'),
    ('status', '503', 503, 'HTTP 503'),
    ('status', '204', 204, 'HTTP 204'),
    ('truncated', None, 200, 'transfer closed'),
    ('longer', None, 200, 'transfer closed'),
    ('endless', None, 200, 'more than 131072 bytes'),
    ('huge-header', None, 0, 'more than 16384 bytes'),
    ('many-headers', None, 200, 'headers have more than 65536 bytes'),
    ('no-chain', None, 0, 'Missing SGX-Enclave-Identity-Issuer-Chain'),
    ('bad-chain', None, 0, 'not percent-encoded'),
    ('redirects', 4, 302, 'Maximum (3) redirects followed'),
    ('redirect', 'https://127.0.0.1:1/', 302, 'Protocol "https" not supported'),
    ('redirect', 'file:///etc/passwd', 302, 'Protocol "file" not supported'),
    ('drop', None, 0, 'Empty reply'),
)


def test_failures():
    """Each failure is told apart; a second server that is good is used; other keys are not hurt."""
    with Pccs([NEW]) as pccs, Pccs([NEW]) as good:
        for kind, argument, status, text in FAILURES:
            pccs.fail('qe tdx', kind, argument)
            fetcher = Fetcher([pccs.url])
            same((kind, fetcher.fetch(QE)), (kind, status))
            assert text in fetcher.log(), (kind, fetcher.log())
            n = pccs.count('qe tdx')
            same((kind, fetcher.fetch(QE)), (kind, status))
            same((kind, pccs.count('qe tdx')), (kind, n))       # not asked again so soon
            fact = fetcher.fetch(TCB)
            assert isinstance(fact, Fact) and fact.candidate, (kind, fact, fetcher.log())
            same(fetcher.close(), 0)
            fetcher = Fetcher([pccs.url, good.url])
            assert fetcher.get(QE).candidate
            same(fetcher.close(), 0)


# Answers that the fetcher cannot judge: candidates, which a worker refuses.
CANDIDATES = ('html', 'empty', 'wrong-signer', 'shorter')


def test_refused():
    """What a worker refuses is replaced by the next server's, and never stored."""
    with Pccs([NEW]) as pccs, Pccs([NEW]) as good:
        for kind in CANDIDATES:
            pccs.fail('qe tdx', kind)
            fetcher = Fetcher([pccs.url, good.url])
            fact = fetcher.fetch(QE)
            assert fact.candidate and fact.body != good.items['qe tdx'].body
            fetcher.refuse(fact)
            fact = fetcher.next(QE)
            assert fact.candidate and fact.body == good.items['qe tdx'].body
            fetcher.accept(fact)
            same(fetcher.fetch(QE).body, fact.body)
            same(fetcher.close(), 0)
            fetcher = Fetcher([pccs.url])
            fetcher.refuse(fetcher.fetch(QE))
            same(fetcher.next(QE), 0)
            assert 'refused: not good' in fetcher.log()
            same(fetcher.close(), 0)
        pccs.fail('rootcrl', 'bad-hex')
        fetcher = Fetcher([pccs.url, good.url])
        fetcher.refuse(fetcher.fetch(ROOT))
        same(fetcher.next(ROOT).body, good.items['rootcrl'].body)


def test_bad_never_displaces():
    """A bad answer, an older one, or none at all leaves what is stored where it is."""
    with Pccs([NEW]) as pccs:
        now = int(time.time())
        fetcher = Fetcher([pccs.url], cache('displace'), max_age=1)
        first = fetcher.fetch(QE)
        fetcher.accept(first, number=19)
        time.sleep(2.1)
        pccs.fail('qe tdx', 'html')
        while True:     # refreshes ahead may come in between
            fact = fetcher.fetch(QE)
            if fact.candidate:
                fetcher.refuse(fact)
                fact = fetcher.next(QE)
            if fact.stale:
                break
        same((fact.body, fact.candidate), (first.body, False))
        same(fetcher.close(), 0)
        pccs.fail('*', None)
        pccs.load([OLD])
        fetcher = Fetcher([pccs.url], cache('displace'), max_age=1)
        time.sleep(1.1)
        fact = fetcher.fetch(QE)
        assert fact.candidate and fact.body == pccs.items['qe tdx'].body
        fetcher.accept(fact, issued=now - 9 * DAY, number=18)
        fetcher.fetch(CRL)
        assert 'a replay' in fetcher.log()
        same(fetcher.close(), 0)
        fetcher = Fetcher([pccs.url], cache('displace'), max_age=3600)
        same(fetcher.fetch(QE).body, first.body)


def test_stored_refused():
    """A stored item that a worker refuses is fetched anew, and can be replaced by any other."""
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url], cache('suspect'))
        fetcher.accept(fetcher.fetch(QE), number=19)
        fetcher.refuse(fetcher.fetch(QE))
        same(fetcher.next(QE), 0)       # the same again is no help
        same(fetcher.fetch(QE), 0)
        same(fetcher.close(), 0)
        pccs.load([OLD])
        fetcher = Fetcher([pccs.url], cache('suspect'))
        fetcher.refuse(fetcher.fetch(QE))
        fact = fetcher.next(QE)
        assert fact.candidate
        fetcher.accept(fact, issued=1, number=1)
        same(fetcher.fetch(QE).body, fact.body)


def test_leftovers():
    """Bytes behind one key's answer do no harm to the next."""
    with Pccs([NEW]) as pccs:
        pccs.fail('qe tdx', 'shorter')
        fetcher = Fetcher([pccs.url])
        assert fetcher.fetch(QE).candidate
        for key in (TCB, CRL, ROOT):
            assert fetcher.get(key).candidate


def test_dead():
    """Servers that are not there: at once and after a restart of the first, in turn."""
    with Pccs([NEW]) as pccs, Pccs([NEW]) as good:
        pccs.down()
        fetcher = Fetcher([pccs.url])
        start = time.monotonic()
        same(fetcher.fetch(QE), 0)
        assert time.monotonic() - start < 5
        fetcher = Fetcher(['http://no-such-host.invalid', good.url])
        assert fetcher.fetch(QE, 15).candidate
        fetcher = Fetcher([pccs.url, good.url])
        assert fetcher.get(QE).candidate
        pccs.up()
        assert fetcher.get(CRL).candidate
        same((pccs.count(), good.count('crl platform')), (0, 1))        # the dead one goes last
        good.down()
        assert fetcher.get(TCB).candidate
        same(pccs.count('tcb tdx 90C06F000000'), 1)


def test_retry():
    """A server that stumbles once is asked once more before anybody is told."""
    with Pccs([NEW]) as pccs:
        pccs.fail('qe tdx', 'status', 503)
        fetcher = Fetcher([pccs.url])
        fetcher.send(FETCH, QE)
        while pccs.count('qe tdx') == 0:
            time.sleep(0.01)
        pccs.fail('*', None)
        assert fetcher.next(QE).candidate
        same(pccs.count('qe tdx'), 2)


# Keys do not wait for each other, nor for the same thing twice

def test_unhindered():
    with Pccs([NEW]) as pccs:
        pccs.fail('tcb tdx 90C06F000000', 'slow', 3)
        fetcher = Fetcher([pccs.url])
        for _ in range(20):
            fetcher.send(FETCH, TCB)
        start = time.monotonic()
        for key in (QE, CRL, ROOT):
            assert fetcher.get(key).candidate
        assert time.monotonic() - start < 2
        assert fetcher.next(TCB).candidate
        same(pccs.count('tcb tdx 90C06F000000'), 1)


def test_hang():
    """A server that never answers costs its own key 30 seconds, and nobody else anything."""
    with Pccs([NEW]) as pccs, Pccs([NEW]) as good:
        pccs.fail('qe tdx', 'hang')
        fetcher = Fetcher([pccs.url, good.url])
        start = time.monotonic()
        fetcher.send(FETCH, QE)
        assert fetcher.get(CRL).candidate
        assert fetcher.next(QE, 40).candidate
        assert 28 < time.monotonic() - start < 36
        same(good.count('qe tdx'), 1)


def test_unreachable():
    """Nor does one whose connections are never made, for ten seconds."""
    with Pccs([NEW]) as good, socket.socket() as full:
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        waiting = []
        for _ in range(8):      # until the kernel answers no more
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        fetcher = Fetcher(['http://127.0.0.1:%d' % full.getsockname()[1], good.url])
        start = time.monotonic()
        fetcher.send(FETCH, QE)
        assert fetcher.next(QE, 25).candidate
        assert 9 < time.monotonic() - start < 16
        assert fetcher.get(CRL).candidate       # now the other one is first
        assert time.monotonic() - start < 17
        for each in waiting:
            each.close()


# Staleness and refreshing

def test_stale():
    """Past its age an item serves while nobody answers, with its old date, up to a limit."""
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url], cache('stale'), max_age=1, serve_stale=6)
        first = fetcher.get(QE)
        pccs.fail('*', 'status', 404)
        time.sleep(2.2)
        fact = fetcher.fetch(QE)
        assert fact.stale and not fact.candidate
        same((fact.body, fact.fetched_at), (first.body, first.fetched_at))
        n = pccs.count('qe tdx')
        assert fetcher.fetch(QE).stale
        same(pccs.count('qe tdx'), n)   # known to fail: nobody waits for it again
        time.sleep(max(0, first.fetched_at + 7.1 - time.time()))
        same(fetcher.fetch(QE), 404)


def test_refresh():
    """An item in use is fetched ahead of its age; the same bytes make it young again."""
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url], max_age=4)
        first = fetcher.get(QE)
        fact = fetcher.next(QE, 8)
        assert fact.refresh and not fact.candidate and not fact.stale
        same(fact.body, first.body)
        assert fact.fetched_at >= first.fetched_at + 3
        pccs.load([OLD])
        fact = fetcher.next(QE, 8)
        assert fact.refresh and fact.candidate and fact.body != first.body
        fetcher.accept(fact)
        same(fetcher.fetch(QE).body, fact.body)


# PCK certificates

def test_pck():
    with Pccs() as pccs:
        pccs.pck(b'-----BEGIN leaf', '-----BEGIN chain\n+')
        fetcher = Fetcher([pccs.url])
        keys = [key_pck(bytes([i]) * 16, bytes(384), bytes(16), 11) for i in range(3)]
        start = time.monotonic()
        for key in keys:
            fetcher.send(FETCH, key)
        for key in keys:
            fact = fetcher.next(key)
            same((fact.candidate, fact.body, fact.chain),
                 (True, b'-----BEGIN leaf', b'-----BEGIN chain\n+'))
        assert time.monotonic() - start >= 2
        pauses = [b - a for a, b in zip(pccs.times, pccs.times[1:])]
        assert all(pause > 0.5 for pause in pauses), pauses
        same(fetcher.close(), 0)

        fetcher = Fetcher([pccs.url])
        pccs.fail('pck', 'tcbm', '00' * 16 + '0b00')
        assert fetcher.fetch(keys[0]).candidate
        pccs.fail('pck', 'tcbm', '00' * 16 + '0a00')
        same(fetcher.fetch(keys[1]), 0)
        assert 'TCB level mismatch: ' in fetcher.log()
        pccs.fail('pck', 'status', '429:600')
        n = pccs.count()
        same(fetcher.fetch(keys[2]), 429)
        same(pccs.count(), n + 1)
        pccs.fail('*', None)
        same(fetcher.fetch(key_pck(b'\x09' * 16, bytes(256), bytes(16), 1)), 429)
        same(pccs.count(), n + 1)       # Retry-After is for all of them


# Transport

def test_tls():
    for cert, env, text in (
            ('good', CA, None),
            ('wrong-host', CA, 'does not match'),
            ('unknown-ca', CA, 'certificate verification failed'),
            ('good', {}, 'certificate verification failed')):
        with Pccs([NEW], tls=cert) as pccs:
            fetcher = Fetcher([pccs.url], env=env)
            got = fetcher.fetch(QE)
            if text is None:
                assert got.candidate
            else:
                same((cert, got), (cert, 0))
                assert text in fetcher.log(), fetcher.log()
                same(pccs.count(), 0)


def test_redirect():
    """To another host, as long as the scheme stays."""
    with Pccs([NEW], tls='good') as secure, Pccs([NEW]) as plain, Pccs([NEW]) as other:
        plain.fail('*', 'redirects', 3)
        assert Fetcher([plain.url]).fetch(QE).candidate
        path = '/tdx/certification/v4/qe/identity?update=standard'
        plain.fail('*', 'redirect', other.url + path)
        assert Fetcher([plain.url]).fetch(QE).candidate
        same(other.count(), 1)
        secure.fail('*', 'redirect', other.url + path)
        same(Fetcher([secure.url], env=CA).fetch(QE), 302)
        plain.fail('*', 'redirect', secure.url + path)
        same(Fetcher([plain.url], env=CA).fetch(QE), 302)
        same((other.count(), secure.count()), (1, 1))


def test_forms():
    """Chunks, and the header name of version 3."""
    with Pccs([NEW]) as pccs:
        for kind in ('chunks', 'old-name'):
            pccs.fail('*', kind)
            fact = Fetcher([pccs.url]).fetch(TCB)
            same((fact.body, fact.chain.decode()),
                 (pccs.items[NAMES[TCB]].body, pccs.items[NAMES[TCB]].chain))


def test_environment():
    """Proxies of the environment are not for us."""
    with Pccs([NEW]) as pccs:
        env = {name: 'http://127.0.0.1:1' for name in
               ('http_proxy', 'https_proxy', 'all_proxy', 'ALL_PROXY')}
        assert Fetcher([pccs.url], env=env).fetch(QE).candidate


def test_secrets():
    """A password in a URL stays out of the log."""
    fetcher = Fetcher(['http://user:secret@127.0.0.1:1'])
    same(fetcher.fetch(QE), 0)
    assert 'http://127.0.0.1:1/' in fetcher.log() and 'secret' not in fetcher.log()


# The store

def test_damaged():
    """A file that is damaged is moved aside, and made anew."""
    path = os.path.join(cache('damaged'), 'v1', 'index.db')
    with Pccs([NEW]) as pccs:
        for damage in (b'', b'not a database', None):
            fetcher = Fetcher([pccs.url], cache('damaged'))
            fetcher.get(QE)
            fetcher.fetch(QE)
            same(fetcher.close(), 0)
            if damage is None:
                with open(path, 'r+b') as f:
                    f.seek(4096)
                    f.write(b'\xff' * 8192)
            else:
                with open(path, 'wb') as f:
                    f.write(damage)
            n = pccs.count()
            fetcher = Fetcher([pccs.url], cache('damaged'))
            assert fetcher.fetch(QE).candidate
            same(pccs.count(), n + 1)
            same('store damaged' in fetcher.log(), damage != b'')
            same(fetcher.close(), 0)
            same(os.path.exists(path + '.damaged'), damage != b'')


def test_no_store():
    """Without a place to keep anything it works all the same, and says so."""
    with Pccs([NEW]) as pccs:
        place = cache('file')
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, 'w'):
            pass
        os.makedirs(os.path.join(cache('open'), 'v1'))
        os.chmod(os.path.join(cache('open'), 'v1'), 0o777)
        for cache_dir, text in ((place, 'cannot make'), (cache('open'), 'written by anybody')):
            fetcher = Fetcher([pccs.url], cache_dir)
            fetcher.get(QE)
            assert not fetcher.fetch(QE).candidate
            assert text in fetcher.log() and '<3>fetcher' in fetcher.log(), fetcher.log()


def test_newer_store():
    """A newer release's file is left alone."""
    fetcher = Fetcher([], cache('newer'))
    same(fetcher.close(), 0)
    path = os.path.join(cache('newer'), 'v1', 'index.db')
    with sqlite3.connect(path) as db:
        db.execute('PRAGMA user_version = 99')
    db.close()
    fetcher = Fetcher([], cache('newer'))
    assert "a newer release's" in fetcher.log()
    same(fetcher.close(), 0)
    with sqlite3.connect(path) as db:
        same(db.execute('PRAGMA user_version').fetchone(), (99,))


def test_shared_store():
    """Several processes use one file at the same time."""
    with Pccs([NEW, SGX_FILE]) as pccs:
        fetchers = [Fetcher([pccs.url], cache('shared')) for _ in range(4)]
        keys = [TCB, QE, CRL, key_tcb('00906ED50000', SGX)]
        for fetcher, key in zip(fetchers, keys):
            fetcher.send(FETCH, key)
        for fetcher, key in zip(fetchers, keys):
            fetcher.accept(fetcher.next(key))
            assert not fetcher.fetch(key).candidate
        n = pccs.count()
        for fetcher in fetchers:
            for key in keys:
                assert not fetcher.fetch(key).candidate
            assert 'error' not in fetcher.log()
        same(pccs.count(), n)


# Life and death

def test_signals():
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url])
        fetcher.process.send_signal(signal.SIGTERM)
        fetcher.process.send_signal(signal.SIGINT)
        assert fetcher.fetch(QE).candidate
        pccs.fail('*', 'hang')
        fetcher.send(FETCH, CRL)
        fetcher.send(FETCH, key_qe(SGX))
        while pccs.count() < 3:
            time.sleep(0.01)
        start = time.monotonic()
        same(fetcher.close(), 0)        # in the middle of transfers
        assert time.monotonic() - start < 2


def test_bad_frames():
    for kind, payload in ((CONFIG, fetcher_config([])), (FETCH, b''), (FETCH, TCB + b'\0'),
                          (FETCH, b'\x09'), (CHECKED, b'\0'), (FOUND, TCB), (JOB, b'')):
        fetcher = Fetcher([])
        fetcher.send(kind, payload)
        try:
            assert fetcher.receive() is None
        except (EOFError, ConnectionResetError):
            pass
        same((kind, fetcher.process.wait(10)), (kind, 1))
    early = Child(PROGRAM, os.path.join(SCRATCH, 'log.early'))
    early.send(FETCH, TCB)
    same(early.process.wait(10), 1)


def test_bad_config():
    for url in ('ftp://127.0.0.1', 'pccs.example', 'http://', 'http://a b', 'http://a?b'):
        child = Child(PROGRAM, os.path.join(SCRATCH, 'log.config'))
        child.send(CONFIG, fetcher_config([url]))
        kind, payload = child.receive()
        same((kind, payload[0]), (READY, 0))
        assert b'attestation.urls.pccs[0]: PCCS URL ' in payload, payload
        same(child.close(), 0)


def test_unknown_words():
    """Words on what was never found, or was settled long ago, change nothing."""
    with Pccs([NEW]) as pccs:
        fetcher = Fetcher([pccs.url])
        fact = fetcher.get(QE)
        fetcher.refuse(fact)
        fact.serial = 12345
        fetcher.refuse(fact)
        fact.key = TCB
        fetcher.accept(fact)
        assert not fetcher.fetch(QE).candidate
        same(pccs.count(), 1)


def run(name, test, results):
    try:
        test()
        results[name] = None
    except BaseException:       # an assertion, or anything else
        results[name] = traceback.format_exc()


def main():
    tests = {name: test for name, test in globals().items() if name.startswith('test_')}
    tests = {name: tests[name] for name in sys.argv[1:]} or tests
    results = {}
    # All at once: most of them wait most of the time.
    threads = {name: threading.Thread(target=run, args=(name, test, results), daemon=True)
               for name, test in tests.items()}
    for thread in threads.values():
        thread.start()
    print('1..%d' % len(tests))
    failed = False
    for number, (name, thread) in enumerate(threads.items()):
        thread.join(120)
        text = results.get(name, 'does not end')
        print('%sok %d - %s' % ('not ' if text else '', number + 1, name))
        if text:
            failed = True
            print('# ' + text.replace('\n', '\n# '))
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return failed


if __name__ == '__main__':
    sys.exit(main())
