#!/usr/bin/env python3
"""supervisor.py [TEST...] - the real supervisor, and tests that play its fetcher and its helpers.

What a fetcher may ask for, what becomes of one that makes no sense, and who dies with whom.  The
one-shot commands speak the supervisor's part with the same code.
"""

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from frames import (CONFIG, END, FETCH, MEASURE, NAMES, PAPERS, READY, RECORD,  # noqa: E402
                    UNPACK, UNPACKED, key_image, span)
from lying_fetcher import HEAD  # noqa: E402
from programs import sanitized  # noqa: E402
from stage import Stage         # noqa: E402
from verifier import BUILD, SCRATCH, Server, run_tests, same, wait_for  # noqa: E402

LITE = os.path.join(HERE, '..', 'vectors', 'dstack-verifier', 'tdx-lite-attestation.json')
ACCEPTOR, STUCK = 9, 8
IMAGES, IMAGES_DONE, PROGRESS = 56, 57, 58
READY_OK = b'\1' + bytes(4) + 3 * span('')
IMAGE, OTHER = b'\x5a' * 32, b'\xa5' * 32
NAMES_OK = span('fw') + span('kernel') + span('initrd')
# For what waits for a fetcher.
MEMORY_KIB = 400 << 10 if sanitized(BUILD) else 40 << 10
UNPACKED_OK = b'\1\0' + (7).to_bytes(8, 'little') + span('')


def record(payload):
    return b'\1\0' + span(payload) + span('')


def failure(text):
    """RECORD of a measurer that could not be asked, or did not answer."""
    return b'\0\0' + span('') + span(text)


def no_unpacking(text):
    return b'\0\0' + bytes(8) + span(text)


def files(n):
    """Descriptors for a frame that has some; sending it closes them."""
    fds = []
    for i in range(n):
        ours, theirs = os.pipe()
        os.write(theirs, b'%d' % i)
        os.close(theirs)
        fds.append(ours)
    return fds


class Running:
    """A server whose fetcher, measurers and unpackers are the test's."""

    def __init__(self, **config):
        self.stage = Stage(BUILD, tempfile.mkdtemp(dir=SCRATCH),
                           ('fetcher', 'measurer', 'unpacker'))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            server = pool.submit(Server, programs=self.stage.programs, workers=1, **config)
            self.fetcher = self.next_fetcher()
            self.server = server.result()

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *args):
        try:
            self.server.__exit__(*args)
        finally:
            self.stage.__exit__(*args)

    def next_fetcher(self):
        """One that was just started, once it has its socket to the acceptor."""
        fetcher = self.stage.actor('fetcher')
        self.config = fetcher.answer(READY, READY_OK)
        same(self.config.kind, CONFIG)
        same(fetcher.receive().kind, ACCEPTOR)
        return fetcher

    def measurer(self, ticket, image=IMAGE):
        self.fetcher.send(PAPERS, image, ticket, files(2))
        return self.stage.actor('measurer')

    def unpacker(self, ticket):
        self.fetcher.send(UNPACK, IMAGE, ticket, files(2))
        return self.stage.actor('unpacker')

    def named(self, ticket):
        """A measurer that has given names."""
        measurer = self.measurer(ticket)
        measurer.answer(NAMES, NAMES_OK)
        self.expect(NAMES, ticket, NAMES_OK)
        return measurer

    def expect(self, kind, ticket, payload):
        frame = self.fetcher.receive()
        same((frame.kind, frame.job, frame.payload), (kind, ticket, payload))

    def key(self):
        """What records are signed with: next to last in the fetcher's configuration."""
        same(self.config.payload[-35], 1)
        return self.config.payload[-34:-2]


def signed_by(key, signature, message):
    with tempfile.TemporaryDirectory(dir=SCRATCH) as d:
        for name, data in (('key', bytes.fromhex('302a300506032b6570032100') + key),
                           ('signature', signature), ('message', message)):
            with open(os.path.join(d, name), 'wb') as f:
                f.write(data)
        return subprocess.run(
            ['openssl', 'pkeyutl', '-verify', '-rawin', '-pubin', '-keyform', 'DER', '-inkey',
             'key', '-sigfile', 'signature', '-in', 'message'], cwd=d,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


# Questions and answers

def test_measurer():
    """Question and descriptors go on, the answer comes back, signed for what was asked."""
    with Running() as running:
        measurer = running.measurer(5)
        frame = measurer.answer(NAMES, NAMES_OK)
        same((frame.kind, frame.job, frame.payload, len(frame.fds)), (PAPERS, 0, IMAGE, 2))
        running.expect(NAMES, 5, NAMES_OK)
        running.fetcher.send(MEASURE, key_image(IMAGE), 5, files(6))
        frame = measurer.answer(RECORD, record(b'what it is'))
        same((frame.kind, frame.job, frame.payload, len(frame.fds)),
             (MEASURE, 0, key_image(IMAGE), 6))
        frame = running.fetcher.receive()
        same((frame.kind, frame.job), (RECORD, 5))
        blob = frame.payload[6:-4]
        same(frame.payload, record(blob))
        message = (b'dstack-verifier image fact\0\1\0\1' + IMAGE + bytes(4) + b'\0\0\0\x0a' +
                   b'what it is')
        same(blob[64:], b'what it is')
        assert signed_by(running.key(), blob[:64], message)
        assert not signed_by(running.key(), blob[:64], message.replace(IMAGE, OTHER))
        wait_for('the end of the measurer', measurer.is_gone)


def test_unpacker():
    with Running() as running:
        unpacker = running.unpacker(6)
        frame = unpacker.answer(UNPACKED, UNPACKED_OK)
        same((frame.kind, frame.job, frame.payload, len(frame.fds)), (UNPACK, 0, IMAGE, 2))
        running.expect(UNPACKED, 6, UNPACKED_OK)
        wait_for('the end of the unpacker', unpacker.is_gone)


def test_key_is_new():
    """Each start has a key of its own, and a fetcher that is started again has the same."""
    with Running() as running, Running() as other:
        key = running.key()
        assert key != other.key()
        running.fetcher.kill()
        running.fetcher = running.next_fetcher()
        same(running.key(), key)


def test_helpers_inherit_nothing():
    """The standard three, the socket, and the directory that is read to find out."""
    with Running() as running:
        same(running.measurer(1).inherited, '0 1 2 3')
        same(running.unpacker(2).inherited, '0 1 2 3')


def test_descriptors():
    """None is left open, whatever becomes of a question."""
    with Running() as running:
        def count():
            return len(os.listdir('/proc/%d/fd' % running.server.process.pid))

        before = count()
        for ticket in range(1, 6):
            measurer = running.named(ticket)
            running.fetcher.send(MEASURE, key_image(IMAGE), ticket, files(6))
            measurer.answer(RECORD, record(b'x'))
            same(running.fetcher.receive().kind, RECORD)
            running.unpacker(ticket).answer(UNPACKED, b'x')
            running.expect(UNPACKED, ticket, no_unpacking('the unpacker made no sense'))
        same(count(), before)


def test_too_many():
    with Running() as running:
        for ticket in (1, 2):
            running.unpacker(ticket)
        running.fetcher.send(UNPACK, IMAGE, 3, files(2))
        running.expect(UNPACKED, 3, no_unpacking('too many helpers at once'))


def test_killed():
    with Running() as running:
        running.measurer(1).kill()
        running.expect(RECORD, 1, failure('the measurer ended'))
        running.unpacker(2).kill()
        running.expect(UNPACKED, 2, no_unpacking('the unpacker ended'))
        measurer = running.named(3)
        measurer.kill()
        wait_for('the end of the measurer', measurer.is_gone)
        running.fetcher.send(MEASURE, key_image(IMAGE), 3, files(6))
        running.expect(RECORD, 3, failure('the measurer ended'))


def test_end():
    """The helper is killed, and nothing more is said of it."""
    with Running() as running:
        measurer, unpacker = running.measurer(1), running.unpacker(2)
        running.fetcher.send(END, ticket=1)
        running.fetcher.send(END, ticket=2)
        running.fetcher.send(END, ticket=3)
        wait_for('the end of both', lambda: measurer.is_gone() and unpacker.is_gone())
        running.unpacker(4).answer(UNPACKED, UNPACKED_OK)
        running.expect(UNPACKED, 4, UNPACKED_OK)


# Who dies with whom

def test_fetcher_dies():
    """So do its helpers, and the next one may use the same tickets."""
    with Running() as running:
        measurer, unpacker = running.measurer(1), running.unpacker(2)
        running.fetcher.kill()
        wait_for('the end of both', lambda: measurer.is_gone() and unpacker.is_gone())
        running.fetcher = running.next_fetcher()
        running.unpacker(1).answer(UNPACKED, UNPACKED_OK)
        running.expect(UNPACKED, 1, UNPACKED_OK)


def test_acceptor_dies():
    """The fetcher gets a socket to the next one, and its helpers go on."""
    with Running() as running:
        unpacker = running.unpacker(1)
        running.server.signal('acceptor', signal.SIGKILL)
        frame = running.fetcher.receive()
        same((frame.kind, len(frame.fds)), (ACCEPTOR, 1))
        unpacker.answer(UNPACKED, UNPACKED_OK)
        running.expect(UNPACKED, 1, UNPACKED_OK)
        same(running.server.ask('GET', '/health')[0], 200)


def test_supervisor_dies():
    """Nobody outlives it, however it ends."""
    with Running() as running:
        measurer, unpacker = running.measurer(1), running.unpacker(2)
        running.server.process.kill()
        running.server.process.wait()
        wait_for('the end of all', lambda: not any(
            map(alive, (measurer.pid, unpacker.pid, running.fetcher.pid))))


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def test_stop():
    """Helpers that are busy do not keep it."""
    with Running() as running:
        measurer, unpacker = running.measurer(1), running.unpacker(2)
        same(running.server.stop(), 0)
        assert measurer.is_gone() and unpacker.is_gone() and running.fetcher.is_gone()


# A fetcher that makes no sense loses its life, its helpers theirs, and another one is started.

def busy(running):
    running.measurer(1)


def named(running):
    running.named(1)


def unpacking(running):
    running.unpacker(1)


def nothing(running):
    pass


def raw(data):
    return lambda fetcher: fetcher.sock.sendall(data)


def sent(*args, fds=0):
    return lambda fetcher: fetcher.send(*args, fds=files(fds))


BREACHES = {
    'no ticket': (nothing, sent(PAPERS, IMAGE, 0, fds=2), 'PAPERS with a ticket that is in use'),
    'ticket in use': (busy, sent(PAPERS, IMAGE, 1, fds=2), 'PAPERS with a ticket that is in use'),
    "a measurer's": (busy, sent(UNPACK, IMAGE, 1, fds=2), 'UNPACK with a ticket that is in use'),
    "an unpacker's": (unpacking, sent(MEASURE, key_image(IMAGE), 1, fds=6),
                      'MEASURE before an answer'),
    'no image': (nothing, sent(PAPERS, b'', 1, fds=2), 'PAPERS without an image'),
    'half an image': (nothing, sent(UNPACK, IMAGE[:16], 1, fds=2), 'UNPACK without an image'),
    'no answer yet': (busy, sent(MEASURE, key_image(IMAGE), 1, fds=6), 'MEASURE before an answer'),
    'another image': (named, sent(MEASURE, key_image(OTHER), 1, fds=6), 'MEASURE of another image'),
    'no key': (named, sent(MEASURE, b'\x06', 1, fds=6), 'key message is malformed'),
    'one file': (nothing, sent(PAPERS, IMAGE, 1, fds=1), 'frame PAPERS with 1 descriptors, not 2'),
    'four files': (named, sent(MEASURE, key_image(IMAGE), 1, fds=4),
                   'frame MEASURE with 4 descriptors, not 6'),
    'long image': (nothing, sent(UNPACK, IMAGE + b'x', 1, fds=2),
                   'frame UNPACK of 33 bytes, at most 32'),
    'long end': (nothing, sent(END, b'x', 1), 'frame END of 1 bytes, at most 0'),
    'ready again': (nothing, sent(READY, READY_OK), 'unexpected READY'),
    'progress': (nothing, sent(PROGRESS, bytes(48)), 'unexpected PROGRESS'),
    "an acceptor's": (nothing, sent(STUCK, bytes(4)), 'frame STUCK from one who may not send it'),
    "a supervisor's": (nothing, sent(FETCH, key_image(IMAGE)),
                       'frame FETCH from one who may not send it'),
    'unknown': (busy, sent(99), 'frame of unknown type 99'),
    'no frame': (busy, raw(b'There once was a frame'), 'frame of unknown type 26708'),
}


def breach(name):
    prepare, commit, wanted = BREACHES[name]
    with Running() as running:
        prepare(running)
        fetcher = running.fetcher
        commit(fetcher)
        wait_for(name + ': the end of the fetcher', fetcher.is_gone)
        assert 'program=dstack-verifier-fetcher error="%s"' % wanted in running.server.text(), name
        for helper in 'measurer', 'unpacker':
            wait_for(name + ': the end of its helpers',
                     lambda: not running.server.children(helper))
        running.fetcher = running.next_fetcher()
        running.unpacker(1).answer(UNPACKED, UNPACKED_OK)
        running.expect(UNPACKED, 1, UNPACKED_OK)


def test_breaches():
    for name in BREACHES:
        breach(name)


def ask_for_ever(fetcher):
    """Asks and takes no answer, until nobody listens."""
    fds = files(6)
    payload = key_image(IMAGE)
    try:
        for ticket in range(1, 1 << 22):
            socket.send_fds(fetcher.sock, [HEAD.pack(MEASURE, 6, len(payload), ticket) + payload],
                            fds)
    except OSError:
        pass
    for fd in fds:
        os.close(fd)


def most_memory(pid):
    with open('/proc/%d/status' % pid) as f:
        used, = (int(line.split()[1]) for line in f if line.startswith('VmHWM'))
    return used


def test_never_reads():
    """One that takes no answers is found out before that costs much."""
    with Running() as running:
        fetcher = running.fetcher
        before = most_memory(running.server.process.pid)
        ask_for_ever(fetcher)
        wait_for('the end of the fetcher', fetcher.is_gone)
        assert 'error="peer does not take its frames"' in running.server.text()
        more = most_memory(running.server.process.pid) - before
        assert more < MEMORY_KIB, more
        running.fetcher = running.next_fetcher()
        running.unpacker(1).answer(UNPACKED, UNPACKED_OK)
        running.expect(UNPACKED, 1, UNPACKED_OK)


# The one-shot commands

class Command:
    """`images verify`, or another command, with the test's fetcher and helpers."""

    def __init__(self, *arguments):
        directory = tempfile.mkdtemp(dir=SCRATCH)
        self.stage = Stage(BUILD, directory, ('fetcher', 'measurer', 'unpacker'))
        config = os.path.join(directory, 'config.toml')
        with open(config, 'w') as f:
            f.write('image_cache_dir = "%s/cache"\nrequest_deadline_secs = 1\n' % directory)
        self.process = subprocess.Popen(
            [self.stage.programs + '/dstack-verifier', '--config', config, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.fetcher = self.stage.actor('fetcher')
        self.config = self.fetcher.answer(READY, READY_OK)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.process.kill()
        self.process.communicate()
        self.stage.__exit__(*args)

    def ends(self, status, out, err):
        got = self.process.communicate(timeout=30)
        same((self.process.returncode, *got), (status, out, err))


def test_command():
    """It serves its fetcher as the supervisor does, and prints what that says."""
    with Command('images', 'verify', IMAGE.hex()) as command:
        same(command.config.payload[-35], 0)            # no key: nothing is kept under it
        frame = command.fetcher.receive()
        same((frame.kind, frame.payload), (IMAGES, b'\3\1' + IMAGE))
        command.fetcher.send(PAPERS, IMAGE, 1, files(2))
        command.stage.actor('measurer').answer(NAMES, NAMES_OK)
        same(command.fetcher.receive().payload, NAMES_OK)
        command.fetcher.send(UNPACK, IMAGE, 2, files(2))
        command.stage.actor('unpacker').kill()
        same(command.fetcher.receive().payload, no_unpacking('the unpacker ended'))
        command.fetcher.send(IMAGES_DONE, b'\1' + span('{}') + span('fine\n'))
        command.ends(0, '{}\n',
                     '<4>supervisor ticket=2 helper=unpacker error="the unpacker ended"\n')


def test_command_refused():
    with Command('images', 'list') as command:
        command.fetcher.send(IMAGES_DONE, b'\0' + span('{}') + span(''))
        command.ends(1, '{}\n', '')


def test_command_senseless():
    """The end of the command, and of all it started."""
    for said, wanted in (((PAPERS, b'', 1, files(2)), 'PAPERS without an image'),
                         ((READY, READY_OK), 'unexpected READY'),
                         ((IMAGES_DONE, b'\1'), 'IMAGES_DONE message is malformed')):
        with Command('images', 'list') as command:
            command.fetcher.send(UNPACK, IMAGE, 7, files(2))
            unpacker = command.stage.actor('unpacker')
            command.fetcher.send(*said)
            command.ends(1, '', 'dstack-verifier: error: %s\n' % wanted)
            assert unpacker.is_gone()


def test_command_fetcher_dies():
    with Command('images', 'list') as command:
        command.fetcher.receive()
        command.fetcher.kill()
        command.ends(1, '', 'dstack-verifier: error: it ended\n')


def test_command_fetcher_never_reads():
    with Command('images', 'list') as command:
        ask_for_ever(command.fetcher)
        command.ends(1, '', 'dstack-verifier: error: it takes no answers\n')
        assert command.fetcher.is_gone()


def test_command_fetcher_speaks_for_ever():
    """Its time is over all the same."""
    with Command('--verify', LITE) as command:
        try:
            while True:
                command.fetcher.sock.sendall(HEAD.pack(END, 0, 0, 1) * (1 << 16))
        except OSError:
            pass
        out, err = command.process.communicate(timeout=30)
        same(command.process.returncode, 1)
        assert json.loads(out)['details']['error']['retryable'], out
        assert 'dstack-verifier-fetcher: it does not answer' in err, err


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
