"""A fetcher that lies: the real one, and between it and everybody else somebody who changes things.

    programs = install(directory, lie, *arguments)      # a directory of programs, this one among them
    with Server(..., programs=programs):

The lies are the functions lie_* below: each is given a frame on its way and gives what goes on in
its place.  lying_fetcher.py REAL LIE [ARGUMENT...] is what runs then.
"""

import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import programs

HEAD = struct.Struct('<HHIQ')
ACCEPTOR, FOUND, FAILED, UNPACK, PAPERS, MEASURE = 9, 33, 34, 40, 48, 50
IMAGE, KERNEL = 6, 7
SIGNATURE = 64


def install(directory, build, lie, *arguments):
    return programs.install(directory, build, fetcher=[
        sys.executable, '-B', os.path.abspath(__file__), build + '/dstack-verifier-fetcher', lie,
        *map(str, arguments)])


class Frame:
    def __init__(self, kind, job, payload, fds):
        self.kind = kind
        self.job = job
        self.payload = payload
        self.fds = fds


class Pipe:
    """One end of a channel."""

    def __init__(self, sock):
        self.sock = sock

    def read(self, n):
        data = b''
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self):
        head, fds, _, _ = socket.recv_fds(self.sock, HEAD.size, 8)
        if not head:
            raise EOFError
        head += self.read(HEAD.size - len(head))
        kind, _, length, job = HEAD.unpack(head)
        return Frame(kind, job, self.read(length), fds)

    def send(self, frame):
        data = HEAD.pack(frame.kind, len(frame.fds), len(frame.payload), frame.job) + frame.payload
        sent = socket.send_fds(self.sock, [data], frame.fds) if frame.fds else 0
        if sent < len(data):
            self.sock.sendall(data[sent:])
        for fd in frame.fds:
            os.close(fd)


# FOUND is key, serial, three flags, time, chain, body; an image's key is its type and 32 bytes, a
# kernel's has four more.

def key_len(payload):
    return 33 + 4 * (payload[0] == KERNEL)


def is_fact(frame, kind):
    return frame.kind == FOUND and frame.payload[0] == kind


def body_at(payload):
    at = key_len(payload) + 8 + 3 + 8
    n, = struct.unpack_from('<I', payload, at)
    return at + 4 + n + 4


def with_body(frame, body):
    at = body_at(frame.payload)
    frame.payload = frame.payload[:at - 4] + struct.pack('<I', len(body)) + body
    return frame


def body_of(frame):
    return frame.payload[body_at(frame.payload):]


def lie_not(frame, state):
    return frame


def lie_byte(frame, state, at):
    """One byte of each record is another."""
    if is_fact(frame, IMAGE):
        body = bytearray(body_of(frame))
        body[int(at) % len(body)] ^= 0x10
        return with_body(frame, bytes(body))
    return frame


def lie_length(frame, state, n):
    """Records are cut short, or have more behind them."""
    if is_fact(frame, IMAGE):
        body = body_of(frame)
        return with_body(frame, body[:int(n)] if int(n) < 0 else body + bytes(int(n)))
    return frame


def lie_key(frame, state):
    """Signed well, with another key."""
    if not is_fact(frame, IMAGE):
        return frame
    payload = body_of(frame)[SIGNATURE:]
    message = (b'dstack-verifier image fact\0' + struct.pack('>BH', 1, 1) +
               frame.payload[1:33] + struct.pack('>II', 0, len(payload)) + payload)
    with tempfile.TemporaryDirectory() as d:
        key, text = d + '/key', d + '/text'
        openssl = '/usr/bin/openssl'
        subprocess.run([openssl, 'genpkey', '-algorithm', 'ed25519', '-out', key], check=True)
        with open(text, 'wb') as f:
            f.write(message)
        signature = subprocess.run([openssl, 'pkeyutl', '-sign', '-rawin', '-inkey', key, '-in',
                                    text], check=True, capture_output=True).stdout
    return with_body(frame, signature + payload)


def lie_swap(frame, state):
    """The first record that was ever made stands for every image."""
    if is_fact(frame, IMAGE):
        return with_body(frame, state.setdefault('first', body_of(frame)))
    return frame


def lie_kind(frame, state):
    """A kernel's fact in place of a record, and a record in place of a kernel's fact."""
    for kind, other in ((IMAGE, KERNEL), (KERNEL, IMAGE)):
        if is_fact(frame, kind):
            state[kind] = body_of(frame)
            if other in state:
                return with_body(frame, state[other])
            return frame
    return frame


def replace(fds, paths):
    for fd in fds:
        os.close(fd)
    return [os.open(path, os.O_RDONLY) for path in paths]


def lie_files(frame, state, directory):
    """What is measured are the files of another image."""
    names = ['sha256sum.txt', 'metadata.json', 'ovmf.fd', 'bzImage', 'initramfs.cpio.gz',
             'sha256sum.txt']
    if frame.kind == MEASURE:
        frame.fds = replace(frame.fds, [os.path.join(directory, name) for name in names])
    return frame


def lie_kernel(frame, state, directory):
    """All of the image, but with another kernel."""
    if frame.kind == MEASURE:
        frame.fds[3:4] = replace(frame.fds[3:4], [os.path.join(directory, 'bzImage')])
    return frame


def lie_order(frame, state):
    """Firmware and kernel change places."""
    if frame.kind == MEASURE:
        frame.fds[2], frame.fds[3] = frame.fds[3], frame.fds[2]
    return frame


def lie_changing(frame, state, directory):
    """The kernel changes into another one, and back, all the time."""
    if frame.kind != MEASURE:
        return frame
    with open(frame.fds[3], 'rb', closefd=False) as f:
        right = f.read()
    with open(os.path.join(directory, 'bzImage'), 'rb') as f:
        wrong = f.read()[:len(right)].ljust(len(right), b'\0')
    changing = os.memfd_create('kernel')
    os.write(changing, right)

    def change():
        for i in range(2000):
            os.pwrite(changing, (wrong, right)[i % 2], 0)
    os.close(frame.fds[3])
    frame.fds[3] = os.dup(changing)
    threading.Thread(target=change, daemon=True).start()
    return frame


def lie_pipe(frame, state):
    """The kernel is a pipe."""
    if frame.kind == MEASURE:
        os.close(frame.fds[3])
        frame.fds[3] = os.pipe()[0]
    return frame


def lie_image(frame, state, digest):
    """A measurer that was started for one image is asked about another."""
    if frame.kind == MEASURE:
        frame.payload = frame.payload[:1] + bytes.fromhex(digest) + frame.payload[33:]
    return frame


def lie_papers(frame, state):
    """A measurer for whatever image it is."""
    if frame.kind == PAPERS:
        frame.payload = b''
    return frame


def lie_ticket(frame, state):
    """A ticket that is none."""
    if frame.kind in (PAPERS, UNPACK):
        frame.job = 0
    return frame


def go_on(lie, arguments, supervisor, real):
    """Until one of them ends."""
    acceptor = real_acceptor = None
    state = {}
    while True:
        ends = [p for p in (supervisor, real, acceptor, real_acceptor) if p is not None]
        for sock in select.select([p.sock for p in ends], [], [])[0]:
            if sock is supervisor.sock:
                frame = supervisor.receive()
                if frame.kind == ACCEPTOR:
                    acceptor = Pipe(socket.socket(fileno=frame.fds[0]))
                    ours, theirs = socket.socketpair()
                    real_acceptor = Pipe(ours)
                    frame.fds = [theirs.detach()]
                real.send(frame)
            elif sock is real.sock:
                supervisor.send(lie(real.receive(), state, *arguments))
            elif sock is acceptor.sock:
                real_acceptor.send(acceptor.receive())
            else:
                acceptor.send(lie(real_acceptor.receive(), state, *arguments))


def main():
    real_program, lie, *arguments = sys.argv[1:]
    ours, theirs = socket.socketpair()
    n = theirs.fileno()
    supervisor = Pipe(socket.socket(fileno=os.dup(3)))
    real = subprocess.Popen([real_program], env={}, preexec_fn=lambda: os.dup2(n, 3),
                            pass_fds=(3, ))
    theirs.close()
    os.close(3)
    try:
        go_on(globals()['lie_' + lie], arguments, supervisor, Pipe(ours))
    except (EOFError, OSError):
        pass
    finally:
        real.kill()
        real.wait()


if __name__ == '__main__':
    main()
