"""An image of the tests as bytes to be spoilt, and a measurer that is shown it.

    image = Image.sample()
    image.put('bzImage', 0x3c, '<I', 0xfffffff0)
    result = image.measure()            # ok, refused, text, cpu_ms, rss_kib

The measurer is the real program, given descriptors as the supervisor gives them; what it used up
is what the kernel says of it.
"""

import collections
import hashlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile

from frames import Child, MEASURE, RECORD, key_image

MANIFEST, METADATA, FIRMWARE, KERNEL, INITRD = (
    'sha256sum.txt', 'metadata.json', 'ovmf.fd', 'bzImage', 'initramfs.cpio.gz')
FILES = (MANIFEST, METADATA, FIRMWARE, KERNEL, INITRD)
PASSED = (*FILES, MANIFEST)     # in this order; there is no document for the last place

# Where things are in the sample image (support/image_case.h).
PE = 0x80
OPTIONAL = PE + 24
TDX_OFFSET, TDX_LEN, OTHER_LEN, TABLE_LEN, FOOTER = (-32 - n for n in (62, 58, 36, 18, 16))
DESCRIPTOR = -0x840


def section(i):
    return DESCRIPTOR + 16 + 32 * i


def kernel_section(i):
    return OPTIONAL + 160 + 40 * i


Result = collections.namedtuple('Result', 'ok refused text cpu_ms rss_kib')


class Image:
    def __init__(self, files):
        self.files = {name: bytearray(data) for name, data in files.items()}
        self.sealed = None              # the manifest, when it is not to be made

    @classmethod
    def sample(cls, variant='plain'):
        directory = tempfile.mkdtemp()
        try:
            subprocess.run(['tests/tools/image-write', variant, directory], check=True)
            return cls({name: open(os.path.join(directory, name), 'rb').read()
                        for name in FILES[1:]})
        finally:
            shutil.rmtree(directory)

    def copy(self):
        return Image(self.files)

    # Offsets below zero count from the end.
    def put(self, name, at, form, *values):
        data = struct.pack(form, *values)
        at = at % len(self.files[name])
        self.files[name][at:at + len(data)] = data

    def get(self, name, at, form):
        return struct.unpack_from(form, self.files[name], at % len(self.files[name]))[0]

    def sections(self, rows):
        """Sections of the firmware: offset, raw, address, memory, type, attributes."""
        self.put(FIRMWARE, TDX_OFFSET, '<I', 0x1000)
        self.put(FIRMWARE, -0x1000, '<4sIII', b'TDVF', 0, 1, len(rows))
        for i, row in enumerate(rows):
            self.put(FIRMWARE, -0x1000 + 16 + 32 * i, '<IIQQII', *row)

    def manifest(self):
        if self.sealed is not None:
            return self.sealed
        return ''.join('%s  %s\n' % (hashlib.sha256(self.files[name]).hexdigest(), name)
                       for name in sorted(self.files)).encode()

    def write(self, directory, sparse={}):
        """sparse: how long a file is to be, with nothing behind what it has."""
        manifest = self.manifest()
        for name, data in {**self.files, MANIFEST: manifest}.items():
            with open(os.path.join(directory, name), 'wb') as f:
                f.write(data)
                if name in sparse:
                    f.truncate(sparse[name])
        return hashlib.sha256(manifest).digest()

    def measure(self, sparse={}, digest=None, paths={}):
        directory = tempfile.mkdtemp()
        try:
            made = self.write(directory, sparse)
            opened = [os.open(paths.get(name) or os.path.join(directory, name),
                              os.O_RDONLY | os.O_NONBLOCK) for name in PASSED]
            try:
                return measure(opened, digest or made, os.path.join(directory, 'log'))
            finally:
                for fd in opened:
                    os.close(fd)
        finally:
            shutil.rmtree(directory)


class Measurer(Child):
    """Started without a copy of this process, whose time and memory would count as its own."""

    def __init__(self, log, program):
        self.socket, theirs = socket.socketpair()
        self.buffer = b''
        self.pid = os.posix_spawn(program, [program], {}, file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 3),
            (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT, 0o600)])
        theirs.close()

    def end(self):
        """Processor time, in milliseconds, and the peak of memory."""
        # The kernel's figure for an ended process counts what it was before it became this one.
        with open('/proc/%d/status' % self.pid) as f:
            peak = next(int(line.split()[1]) for line in f if line.startswith('VmHWM:'))
        self.socket.close()
        _, status, used = os.wait4(self.pid, 0)
        assert status == 0, status
        return 1000 * (used.ru_utime + used.ru_stime), peak


def measure(fds, digest, log, program='./dstack-verifier-measurer', timeout=120):
    """One image, one measurer, what it answers and what it took."""
    child = Measurer(log, program)
    child.send(MEASURE, key_image(digest), fds=fds)
    frame = child.receive(timeout)
    assert frame is not None, 'no answer in %d s' % timeout
    kind, payload = frame
    assert kind == RECORD, kind
    ok, refused, n = struct.unpack_from('<BBI', payload)
    m, = struct.unpack_from('<I', payload, 6 + n)
    text = payload[10 + n:].decode('ascii')
    assert len(text) == m and ok == (n != 0), payload
    used = child.end()
    with open(log) as f:
        # The firmware of the sample images has a variable store of its own.
        assert [line for line in f if 'variables=unknown' not in line] == []
    return Result(bool(ok), bool(refused), text, *used)
