"""The acceptor with its supervisor, workers and fetcher played by this process.

Frames and payloads are those of src/ipc/frame.h and message.h.
"""

import os
import queue
import select
import socket
import struct
import subprocess
import sys
import threading
import time

TYPES = {
    'CONFIG': 1, 'READY': 3, 'LISTEN': 4, 'WORKER': 5, 'FETCHER': 6, 'DRAIN': 7, 'STUCK': 8,
    'JOB': 16, 'VERDICT': 17, 'NEED': 18, 'FACT': 19, 'CHECKED': 20, 'FETCH': 32, 'FOUND': 33,
    'FAILED': 34,
}
NAMES = {number: name for name, number in TYPES.items()}
PROGRAM = os.environ.get('ACCEPTOR', './dstack-verifier-acceptor')
PATIENCE = float(os.environ.get('PATIENCE', 20))

DEADLINE = b'{"is_valid":false,"reason":"deadline"}'
INTERNAL = b'{"is_valid":false,"reason":"internal"}'


def span(data):
    return struct.pack('<I', len(data)) + data


def key_tcb(number, tee=2):
    """TCB info of one FMSPC, as it is on the wire."""
    return bytes([1, tee, 0]) + struct.pack('>Q', number)[2:]


def key_pck(number):
    return (b'\5' + struct.pack('>QQ', 0, number) + span(b'\7' * 384) + b'\1' * 16 + b'\2\3' +
            b'\4\5')


def key_image(number):
    return b'\6' + struct.pack('>QQQQ', 0, 0, 0, number)


def key_len(data):
    return {1: 9, 2: 3, 3: 2, 4: 1, 5: 1 + 16 + 4 + 384 + 20, 6: 33}[data[0]]


def verdict(text, status=200, valid=True, unavailable=False, operations=1):
    return struct.pack('<HBBBBI', status, valid, unavailable, unavailable, 0 if valid else 2,
                       operations) + span(b'') + text


def fact(key, serial, candidate=True, refresh=False, stale=False, body=b'body'):
    return (key + struct.pack('<QBBBq', serial, candidate, refresh, stale, 1) + span(b'chain') +
            span(body))


def checked(fact_payload, accepted=True, reason=b''):
    key = fact_payload[:key_len(fact_payload)]
    serial = fact_payload[len(key):len(key) + 8]
    return key + serial + struct.pack('<BqqQ', accepted, 1, 2, 3) + span(reason)


def job_parts(payload):
    """Failures and body of a JOB."""
    kind, full, summary, n = payload[:4]
    assert (kind, full, summary) == (1, 0, 0)
    at, failures = 4, []
    for _ in range(n):
        length = key_len(payload[at:])
        key = payload[at:at + length]
        status, _, n = struct.unpack_from('<HBH', payload, at + length)
        at += length + 5
        failures.append((key, status, payload[at:at + n]) if n else (key, status))
        at += n
    return failures, payload[at:]


class Peer:
    """Our end of a channel."""

    def __init__(self, sock):
        self.sock = sock
        self.jobs = []
        sock.settimeout(PATIENCE)

    def send(self, name, payload=b'', job=0, fd=None):
        data = struct.pack('<HHIQ', TYPES[name], fd is not None, len(payload), job) + payload
        if fd is None:
            self.sock.sendall(data)
            return
        sent = socket.send_fds(self.sock, [data], [fd])
        self.sock.sendall(data[sent:])

    def read(self, n):
        data = b''
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self):
        """Name, job and payload of the next frame."""
        number, nfds, length, job = struct.unpack('<HHIQ', self.read(16))
        assert nfds == 0
        return NAMES[number], job, self.read(length)

    def expect(self, name):
        got, job, payload = self.receive()
        assert got == name, 'got %s, not %s' % (got, name)
        return (job, payload)

    def silent(self, seconds=0.2):
        return not select.select([self.sock], [], [], seconds)[0]

    def ended(self):
        try:
            return self.sock.recv(1) == b''
        except ConnectionResetError:
            return True

    def close(self):
        self.sock.close()


class Acceptor:
    def __init__(self, workers=1, fetcher=True, **config):
        ours, theirs = socket.socketpair()
        self.stderr = os.memfd_create('stderr')

        def descriptors():
            os.dup2(theirs.fileno(), 3)

        self.process = subprocess.Popen(
            [PROGRAM], preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL,
            stderr=self.stderr)
        theirs.close()
        self.supervisor = Peer(ours)
        self.supervisor.send('CONFIG', self.config(**config))
        assert self.supervisor.expect('READY')[1][0] == 1
        self.workers = [self.worker(slot) for slot in range(workers)]
        self.fetcher = self.new_fetcher() if fetcher else None
        self.listen()
        self.settle()

    @staticmethod
    def config(max_body_bytes=1 << 20, max_connections=16384, queue_max_jobs=1024,
               parked_max_jobs=4096, parked_max_bytes=64 << 20, keep_alive_secs=5,
               header_timeout_secs=10, body_timeout_secs=30, write_timeout_secs=30,
               request_deadline_secs=30, image_download_timeout_secs=300,
               drain_deadline_secs=30, unavailable_status=200, strict_http=False, log_level=3):
        return struct.pack('<QQQQQ7IHBB', max_body_bytes, max_connections, queue_max_jobs,
                           parked_max_jobs, parked_max_bytes, keep_alive_secs,
                           header_timeout_secs, body_timeout_secs, write_timeout_secs,
                           request_deadline_secs, image_download_timeout_secs,
                           drain_deadline_secs, unavailable_status, strict_http, log_level)

    def listen(self):
        listener = socket.create_server(('127.0.0.1', 0), backlog=1024)
        self.address = listener.getsockname()
        self.supervisor.send('LISTEN', fd=listener.fileno())
        listener.close()

    def settle(self):
        """Until it has taken all that was sent to it, and has no client."""
        client = self.connect()
        client.send(b'GET /health HTTP/1.1\r\n\r\n')
        assert client.answer()[0] == 200
        with_client = self.descriptors()
        client.close()
        wait_for(lambda: self.descriptors() == with_client - 1)

    def worker(self, slot):
        ours, theirs = socket.socketpair()
        self.supervisor.send('WORKER', struct.pack('<I', slot) + span(DEADLINE) +
                             span(INTERNAL), fd=theirs.fileno())
        theirs.close()
        return Peer(ours)

    def new_fetcher(self):
        ours, theirs = socket.socketpair()
        self.supervisor.send('FETCHER', fd=theirs.fileno())
        theirs.close()
        return Peer(ours)

    def connect(self):
        return Client(self.address)

    def log(self):
        size = os.fstat(self.stderr).st_size
        return os.pread(self.stderr, size, 0).decode()

    def descriptors(self):
        return len(os.listdir('/proc/%d/fd' % self.process.pid))

    def memory_kb(self):
        with open('/proc/%d/status' % self.process.pid) as status:
            return int([line for line in status if line.startswith('VmRSS')][0].split()[1])

    def stop(self):
        """Ends it as the supervisor's end would; a leak or a crash shows in its exit status."""
        self.supervisor.close()
        status = self.process.wait(PATIENCE)
        assert status == 0, 'exit status %d: %s' % (status, self.log()[-2000:])
        os.close(self.stderr)


class Client:
    """A connection, with just enough of HTTP to tell answers apart."""

    def __init__(self, address):
        self.sock = socket.create_connection(address, PATIENCE)
        self.data = b''

    def send(self, data):
        self.sock.sendall(data)

    def post(self, body, path='/verify', headers='', **kwargs):
        self.send(request(body, path, headers, **kwargs))

    def more(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError
        self.data += more

    def answer(self, head_only=False):
        """Status, headers, body."""
        while b'\r\n\r\n' not in self.data:
            self.more()
        head, self.data = self.data.split(b'\r\n\r\n', 1)
        lines = head.decode().split('\r\n')
        headers = dict((name.lower(), value) for name, value in
                       (line.split(': ', 1) for line in lines[1:]))
        version, status, _ = lines[0].split(' ', 2)
        assert version == 'HTTP/1.1'
        if status == '100':
            return 100, headers, b''
        length = 0 if head_only else int(headers['content-length'])
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        return int(status), headers, body

    def closed(self):
        """Whether the server closes, without another byte."""
        try:
            return self.data == b'' and self.sock.recv(1) == b''
        except ConnectionResetError:
            return True

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def request(body, path='/verify', headers='', method='POST', version='1.1'):
    return ('%s %s HTTP/%s\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n' %
            (method, path, version, len(body), headers)).encode() + body


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    assert condition(), 'waited in vain'


class Answering(threading.Thread):
    """A worker that answers each job with what `answer` makes of its body."""

    def __init__(self, peer, answer=lambda body: verdict(b'{"for":"' + body[:64] + b'"}')):
        super().__init__(daemon=True)
        self.peer = peer
        self.answer = answer
        self.njobs = 0
        self.start()

    def run(self):
        try:
            while True:
                name, job, payload = self.peer.receive()
                if name == 'FACT':
                    self.peer.send('CHECKED', checked(payload))
                    continue
                assert name == 'JOB'
                self.njobs += 1
                self.peer.send('VERDICT', self.answer(job_parts(payload)[1]), job)
        except (EOFError, OSError):
            pass


def main(tests):
    """Runs the tests, or those that are named, and prints TAP."""
    names = sys.argv[1:] or [name for name in tests if name.startswith('test_')]
    print('1..%d' % len(names))
    failed = 0
    for number, name in enumerate(names, 1):
        before = time.monotonic()
        try:
            tests[name]()
            print('ok %d - %s' % (number, name))
        except Exception:  # whatever it was, the other tests go on
            import traceback
            failed += 1
            print('not ok %d - %s' % (number, name))
            for line in traceback.format_exc().splitlines():
                print('# ' + line)
        print('# %.1f s' % (time.monotonic() - before), flush=True)
    sys.exit(failed != 0)
