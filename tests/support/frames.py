"""Frames (src/ipc/frame.h) and payloads (src/ipc/message.h) for tests in Python.

    child = Child('/path/to/dstack-verifier-fetcher')
    child.send(CONFIG, fetcher_config(['http://127.0.0.1:8081']))
    kind, payload = child.receive()
"""

import os
import select
import socket
import struct
import subprocess
import time

CONFIG, PIN, READY = 1, 2, 3
JOB, VERDICT, NEED, FACT, CHECKED = 16, 17, 18, 19, 20
FETCH, FOUND, FAILED = 32, 33, 34
UNPACK, UNPACKED, END = 40, 41, 42
PAPERS, NAMES, MEASURE, RECORD = 48, 49, 50, 51

TCB_INFO, QE_IDENTITY, PCK_CRL, ROOT_CA_CRL, PCK_CERTIFICATE, IMAGE = 1, 2, 3, 4, 5, 6
SGX, TDX = 1, 2
PROCESSOR, PLATFORM = 1, 2


# The child's socket will be its descriptor 3: in here nothing that starting it needs may be that.
_null = os.open('/dev/null', os.O_RDONLY)
if _null != 3:
    os.dup2(_null, 3)


def span(data):
    if isinstance(data, str):
        data = data.encode()
    return struct.pack('<I', len(data)) + data


def key_tcb(fmspc, tee=TDX, early=False):
    return struct.pack('<BBB', TCB_INFO, tee, early) + bytes.fromhex(fmspc)


def key_qe(tee=TDX, early=False):
    return struct.pack('<BBB', QE_IDENTITY, tee, early)


def key_crl(ca=PLATFORM):
    return struct.pack('<BB', PCK_CRL, ca)


def key_root():
    return struct.pack('<B', ROOT_CA_CRL)


def key_pck(qe_id, ppid, cpu_svn, pce_svn, pce_id=b'\0\0'):
    assert len(qe_id) == 16 and len(cpu_svn) == 16
    return (struct.pack('<B', PCK_CERTIFICATE) + qe_id + span(ppid) + cpu_svn +
            struct.pack('<H', pce_svn) + pce_id)


def key_image(digest):
    return struct.pack('<B', IMAGE) + digest


def fetcher_config(urls, cache_dir='', max_age=3600, root_crl_max_age=86400,
                   serve_stale=259200, at=None, image_url='http://127.0.0.1:1/{OS_IMAGE_HASH}',
                   image_timeout=300, image_bytes=21474836480, measurers=1, image_key=None,
                   progress=False, log_level=3):
    """urls: None for none given."""
    urls_given = urls is not None
    urls = urls or []
    return (struct.pack('<BI', urls_given, len(urls)) + b''.join(span(u) for u in urls) +
            span(cache_dir) + struct.pack('<qqqBq', max_age, root_crl_max_age, serve_stale,
                                          at is not None, at or 0) +
            span(image_url) + struct.pack('<IQIB', image_timeout, image_bytes, measurers,
                                          image_key is not None) +
            (image_key or bytes(32)) + struct.pack('<BB', progress, log_level))


class Fact:
    """FOUND or FACT.  `key` as key_*() makes it."""

    def __init__(self, payload, key_len):
        self.key = payload[:key_len]
        rest = payload[key_len:]
        (self.serial, self.candidate, self.refresh, self.stale,
         self.fetched_at, n) = struct.unpack_from('<QBBBqI', rest)
        rest = rest[struct.calcsize('<QBBBqI'):]
        self.chain = rest[:n]
        m, = struct.unpack_from('<I', rest, n)
        self.body = rest[n + 4:]
        assert len(self.body) == m


def checked(fact, accepted=True, issued=0, next_update=0, number=0, reason=''):
    return (fact.key + struct.pack('<QBqqQ', fact.serial, accepted, issued, next_update,
                                   number) + span(reason))


class Child:
    """One of our programs, with the other end of its socket.  Its log goes to `log`."""

    def __init__(self, program, log, env=None):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        n = theirs.fileno()
        self.log_path = log
        with open(log, 'ab') as err:
            self.process = subprocess.Popen(
                [program], stdin=subprocess.DEVNULL, stderr=err, env=env or {},
                preexec_fn=lambda: os.dup2(n, 3), pass_fds=(3,))
        theirs.close()
        self.buffer = b''

    def send(self, kind, payload=b'', job=0, fds=()):
        frame = struct.pack('<HHIQ', kind, len(fds), len(payload), job) + payload
        sent = socket.send_fds(self.socket, [frame], fds) if fds else 0
        self.socket.sendall(frame[sent:])

    def receive(self, timeout=10):
        """The next frame as (type, payload); None after the timeout; EOFError at the end."""
        until = time.monotonic() + timeout
        while True:
            if len(self.buffer) >= 16:
                kind, _, n, _ = struct.unpack_from('<HHIQ', self.buffer)
                if len(self.buffer) >= 16 + n:
                    payload = self.buffer[16:16 + n]
                    self.buffer = self.buffer[16 + n:]
                    return kind, payload
            left = until - time.monotonic()
            if left < 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            data = self.socket.recv(1 << 20)
            if not data:
                raise EOFError
            self.buffer += data

    def close(self, timeout=10):
        """Closes our end; the child's exit status."""
        self.socket.close()
        return self.process.wait(timeout)

    def log(self):
        with open(self.log_path, encoding='ascii', errors='replace') as f:
            return f.read()
