#!/usr/bin/env python3
"""image_fetcher.py [TEST...] - the real fetcher, with tests that play its supervisor and acceptor.

What helpers may answer, and how much the fetcher asks for at a time.
"""

import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from frames import (CONFIG, END, FAILED, FETCH, FOUND, MEASURE, NAMES, PAPERS, READY,     # noqa: E402
                    RECORD, UNPACK, UNPACKED, fetcher_config, key_image, span)
from image_server import ImageServer    # noqa: E402
from verifier import BUILD, SCRATCH, run_tests, same, wait_for      # noqa: E402

KEY = bytes(range(32))
FILES = ('sha256sum.txt', 'metadata.json', 'fw', 'kernel', 'initrd')


def digest(n):
    return bytes([n >> 8, n & 255]) * 16


def record(payload=None, reason=b'', refused=False):
    return struct.pack('<BB', payload is not None, refused) + span(payload or b'') + span(reason)


def unpacked(reason=b'', refused=False):
    return struct.pack('<BBQ', not reason, refused, 0 if reason else 7) + span(reason)


def names(*three):
    return b''.join(span(name) for name in three)


class Fetcher:
    """A fetcher that serves one who is both, as the one-shot commands are."""

    def __init__(self, template, cache=None, **config):
        self.socket, theirs = socket.socketpair()
        n = theirs.fileno()
        self.dir = cache or tempfile.mkdtemp(dir=SCRATCH)
        self.log_path = tempfile.mktemp(dir=SCRATCH)
        with open(self.log_path, 'w') as log:
            self.process = subprocess.Popen(
                [BUILD + '/dstack-verifier-fetcher'], stdin=subprocess.DEVNULL, stderr=log, env={},
                preexec_fn=lambda: os.dup2(n, 3), pass_fds=(3, ))
        theirs.close()
        self.send(CONFIG, fetcher_config(['http://127.0.0.1:1'], self.dir, image_url=template,
                                         **{'image_key': KEY, **config}))
        same(self.receive()[0], READY)

    def __enter__(self):
        return self

    def __exit__(self, kind, *args):
        self.socket.close()
        status = self.process.wait(10)
        if kind is None:
            same(status, 0)

    def send(self, kind, payload=b'', ticket=0):
        self.socket.sendall(struct.pack('<HHIQ', kind, 0, len(payload), ticket) + payload)

    def receive(self, timeout=10):
        """Type, ticket, payload and descriptors of the next frame; None after the timeout."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        head, fds, _, _ = socket.recv_fds(self.socket, 16, 8)
        kind, _, n, ticket = struct.unpack('<HHIQ', head)
        payload = self.socket.recv(n, socket.MSG_WAITALL) if n else b''
        return kind, ticket, payload, fds

    def expect(self, wanted):
        """The next frame but the end of helpers; its descriptors are closed later."""
        while True:
            frame = self.receive()
            assert frame is not None, 'no frame'
            if frame[0] != END:
                same(frame[0], wanted)
                return frame[1:]

    def fetch(self, n):
        self.send(FETCH, key_image(digest(n)))

    def failed(self):
        """Status, whether to try again, and words."""
        _, payload, _ = self.expect(FAILED)
        status, retryable, n = struct.unpack_from('<HBH', payload, 33)
        assert len(payload) == 38 + n
        return status, bool(retryable), payload[38:].decode()

    def unpack(self, files=FILES):
        """Plays the unpacker: these files, and what it says."""
        ticket, payload, fds = self.expect(UNPACK)
        while os.read(fds[0], 65536):
            pass
        for name in files:
            fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=fds[1])
            os.write(fd, b'x' * 100)
            os.close(fd)
        for fd in fds:
            os.close(fd)
        return ticket

    def unpack_well(self, files=FILES):
        self.send(UNPACKED, unpacked(), self.unpack(files))

    def papers(self, answer):
        """Plays the measurer: what it says of the papers."""
        ticket, payload, fds = self.expect(PAPERS)
        for fd in fds:
            os.close(fd)
        self.send(*answer, ticket)
        return ticket

    def measure(self, answer, papers=(NAMES, names('fw', 'kernel', 'initrd'))):
        asked = self.papers(papers)
        ticket, payload, fds = self.expect(MEASURE)
        same((ticket, len(fds)), (asked, 6))
        for fd in fds:
            os.close(fd)
        self.send(RECORD, answer, ticket)

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def published(self):
        return os.listdir(self.dir + '/v1/images')

    def clean(self):
        """Nothing is kept, and soon nothing is staged."""
        same(self.published(), [])
        wait_for('an empty staging directory', lambda: self.staged() == [])

    def staged(self):
        return os.listdir(self.dir + '/v1/staging')


def site(*numbers):
    """A server that has something for each image."""
    directory = tempfile.mkdtemp(dir=SCRATCH)
    for n in numbers:
        with open('%s/mr_%s.tar.gz' % (directory, digest(n).hex()), 'wb') as f:
            f.write(b'archive')
    return ImageServer(directory)


def prefixed(n, text):
    return 'Failed to download image %s: %s' % (digest(n).hex(), text)


# What helpers say

def test_well():
    """Unpacked, named, published, measured, found; then found in the index, without any of that."""
    with site(1) as images, Fetcher(images.template) as fetcher:
        fetcher.fetch(1)
        fetcher.unpack_well((*FILES, 'extra'))
        fetcher.measure(record(b's' * 70))
        _, payload, _ = fetcher.expect(FOUND)
        assert payload.endswith(span(b's' * 70))
        same(fetcher.published(), [digest(1).hex()])
        same(sorted(os.listdir(fetcher.dir + '/v1/images/' + digest(1).hex())), sorted(FILES))
        fetcher.fetch(1)
        fetcher.expect(FOUND)
        same(images.count(), 1)


def test_unpacker_refuses():
    with site(1) as images, Fetcher(images.template) as fetcher:
        fetcher.fetch(1)
        fetcher.send(UNPACKED, unpacked(b'no good', True), fetcher.unpack())
        same(fetcher.failed(), (0, False, prefixed(1, 'no good')))
        fetcher.clean()
        fetcher.fetch(1)
        same(fetcher.failed(), (0, False, prefixed(1, 'no good')))
        same(images.count(), 1)


def test_unpacker_lost():
    """Once is mended, twice is not."""
    with site(1, 2) as images, Fetcher(images.template) as fetcher:
        fetcher.fetch(1)
        fetcher.send(UNPACKED, unpacked(b'it ended'), fetcher.unpack())
        fetcher.unpack_well()
        fetcher.measure(record(b'ok'))
        fetcher.expect(FOUND)
        fetcher.fetch(2)
        for _ in range(2):
            fetcher.send(UNPACKED, unpacked(b'it ended'), fetcher.unpack())
        same(fetcher.failed(), (0, True, prefixed(2, 'it ended')))
        same(images.count(), 4)
        wait_for('an empty staging directory', lambda: fetcher.staged() == [])


def test_measurer_refuses():
    """What was downloaded is gone; what was there before is fetched anew, once."""
    with site(1) as images, Fetcher(images.template, image_key=None) as fetcher:
        fetcher.fetch(1)
        fetcher.unpack_well()
        fetcher.measure(record(reason=b'no firmware', refused=True))
        same(fetcher.failed(), (0, False, 'no firmware'))
        fetcher.clean()
    with site(1) as images, Fetcher(images.template, image_key=None) as fetcher:
        fetcher.fetch(1)
        fetcher.unpack_well()
        fetcher.measure(record(b'ok'))
        fetcher.expect(FOUND)
        fetcher.fetch(1)
        fetcher.measure(record(reason=b'wrong hash', refused=True))
        fetcher.unpack_well()
        fetcher.measure(record(reason=b'wrong hash', refused=True))
        same(fetcher.failed(), (0, False, 'wrong hash'))
        same(images.count(), 2)


def test_measurer_lost():
    """Three of them, then there is no record for now."""
    with site(1) as images, Fetcher(images.template) as fetcher:
        fetcher.fetch(1)
        fetcher.unpack_well()
        for _ in range(3):
            fetcher.papers((RECORD, record(reason=b'the measurer ended')))
        same(fetcher.failed(), (0, True, 'OS image cannot be measured now'))
        wait_for('an empty staging directory', lambda: fetcher.staged() == [])


def test_measurer_lies():
    """Names that lead elsewhere, and a record in place of names, are as good as no answer."""
    for answer in ((NAMES, names('../fw', 'kernel', 'initrd')), (NAMES, names('fw', '/kernel', 'initrd')),
                   (NAMES, names('fw', 'kernel', '')), (NAMES, names('fw', 'kernel', '.')),
                   (NAMES, names('fw', 'kernel', 'a\0b')), (NAMES, names('x' * 256, 'kernel', 'initrd')),
                   (RECORD, record(b'a record'))):
        with site(1) as images, Fetcher(images.template) as fetcher:
            fetcher.fetch(1)
            fetcher.unpack_well()
            for _ in range(3):
                fetcher.papers(answer)
            same(fetcher.failed(), (0, True, 'OS image cannot be measured now'))
            fetcher.clean()


def test_file_that_is_not_there():
    """A name of a file that nobody unpacked."""
    with site(1) as images, Fetcher(images.template) as fetcher:
        fetcher.fetch(1)
        fetcher.unpack_well()
        fetcher.papers((NAMES, names('fw', 'kernel', 'missing')))
        same(fetcher.failed(), (0, True, prefixed(1, 'OS image cannot be stored')))
        fetcher.clean()


def test_answers_nobody_asked_for():
    """Of tickets that are none, or over: passed over."""
    with site(1) as images, Fetcher(images.template) as fetcher:
        for kind, payload in ((UNPACKED, unpacked()), (NAMES, names('a', 'b', 'c')),
                              (RECORD, record(b'x'))):
            for ticket in (0, 77):
                fetcher.send(kind, payload, ticket)
        fetcher.fetch(1)
        ticket = fetcher.unpack()
        fetcher.send(RECORD, record(b'x'), ticket)
        fetcher.send(NAMES, names('a', 'b', 'c'), ticket)
        fetcher.send(UNPACKED, unpacked(), ticket)
        fetcher.measure(record(b'ok'))
        fetcher.expect(FOUND)


def test_malformed():
    """A supervisor that makes no sense ends it."""
    for kind, payload in ((UNPACKED, b'\1'), (NAMES, b''), (RECORD, b'\1\1')):
        with site() as images:
            fetcher = Fetcher(images.template)
            fetcher.send(kind, payload, 1)
            same(fetcher.process.wait(10), 1)
            fetcher.socket.close()


def test_record_refused():
    """A worker's no brings one more measurement, not a third."""
    with site(1) as images, Fetcher(images.template) as fetcher:
        fetcher.fetch(1)
        fetcher.unpack_well()
        for _ in range(2):
            fetcher.measure(record(b'ok'))
            _, payload, _ = fetcher.expect(FOUND)
            fetcher.send(20, payload[:41] + struct.pack('<BqqQ', 0, 0, 0, 0) + span(b'no'))
        same(fetcher.failed(), (0, True, 'OS image cannot be measured now'))
        same(images.count(), 1)


# How much at a time

def test_downloads_at_once():
    """Two, and never more unpackers than that; one measurer."""
    with site(1, 2, 3) as images, Fetcher(images.template) as fetcher:
        for n in (1, 2, 3):
            fetcher.fetch(n)
        tickets = [fetcher.unpack() for _ in range(2)]
        same(fetcher.receive(0.3), None)
        same(images.count(), 2)
        for ticket in tickets:
            fetcher.send(UNPACKED, unpacked(), ticket)
        seen = [fetcher.receive()[0] for _ in range(2)]
        same(sorted(seen), sorted([UNPACK, PAPERS]))
        same(fetcher.receive(0.3), None)


def test_burst():
    """Thirty-two downloads may begin at any time, then one a second."""
    with site() as images, Fetcher(images.template) as fetcher:
        start = time.monotonic()
        for n in range(35):
            fetcher.fetch(n)
        times = []
        for _ in range(35):
            same(fetcher.failed()[0], 404)
            times.append(time.monotonic() - start)
        # The first of the last three may come at once, at the end of a second that had begun before.
        assert times[31] < 2 and times[34] > 1.9, times[30:]
        same(images.count(), 35)


def test_too_many():
    """Images that somebody waits for: 256; the next ones are to ask again."""
    with site(*range(2)) as images, Fetcher(images.template) as fetcher:
        images.fail('*', 'hold', 0)
        for n in range(258):
            fetcher.fetch(n)
        for _ in range(2):
            same(fetcher.failed(), (0, True, 'too many OS images at once'))
        images.fail('*', None)


def test_backoff_outlives():
    """A failure is remembered by the index, also by the next fetcher."""
    cache = tempfile.mkdtemp(dir=SCRATCH)

    def ask(n, status, text):
        images.fail('*', 'status', status)
        with Fetcher(images.template, cache) as fetcher:
            fetcher.fetch(n)
            same(fetcher.failed(), (status, True, text))
        return images.count()
    with site() as images:
        same([ask(7, 404, '') for _ in range(3)], [1, 1, 1])
        # A pause of a second ends.
        text = prefixed(8, 'Failed to download image: HTTP status 403')
        same(ask(8, 403, text), 2)
        wait_for('the end of the pause', lambda: ask(8, 403, text) == 3, 5)
        # The next ones are longer, and one fetcher's are the next one's.
        wait_for('the end of the second pause', lambda: ask(8, 403, text) == 4, 10)
        same(ask(8, 403, text), 4)


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
