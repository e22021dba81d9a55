#!/usr/bin/env python3
"""unpacker.py - the real unpacker, and archives that break each rule in turn.

Each has its own reason, and costs little; what it costs is printed.
"""

import gzip
import hashlib
import io
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from frames import UNPACK, UNPACKED     # noqa: E402
from programs import sanitized          # noqa: E402

PROGRAM = os.path.join(os.getcwd(), 'dstack-verifier-unpacker')
SANITIZED = sanitized(os.getcwd())
CPU_MS_MAX = 20000 if SANITIZED else 8000       # 1 GiB is unpacked and hashed in less
RSS_MIB_MAX = 1024 if SANITIZED else 24
ENTRY, OPEN = 'Failed to read image archive entry', 'Failed to open image archive'
UNSAFE, UNSUPPORTED = 'image archive contains unsafe path ', \
    'image archive contains unsupported entry '
MIB = 1 << 20


class Answer:
    def __init__(self, payload, names, used, rss_mib, status):
        self.ok, self.refused, self.nbytes, n = struct.unpack_from('<BBQI', payload)
        self.reason = payload[14:].decode()
        assert len(payload) == 14 + n
        self.names = names
        self.cpu_ms = 1000 * (used.ru_utime + used.ru_stime)
        self.rss_mib = rss_mib
        self.status = status


def start(log, program=PROGRAM):
    """A program, and our end of its socket."""
    ours, theirs = socket.socketpair()
    n = theirs.fileno()
    process = subprocess.Popen([program], stdin=subprocess.DEVNULL, stderr=log, env={},
                               preexec_fn=lambda: os.dup2(n, 3), pass_fds=(3, ))
    theirs.close()
    return process, ours


def feed(fd, archive):
    try:
        with os.fdopen(fd, 'wb') as pipe:
            for piece in archive:
                pipe.write(piece)
    except BrokenPipeError:
        pass                    # it has read enough


def unpack(archive, digest, directory=None):
    """archive: bytes, or pieces of them."""
    pieces = [archive] if isinstance(archive, bytes) else archive
    out = directory or tempfile.mkdtemp()
    process, sock = start(subprocess.DEVNULL)
    reading, writing = os.pipe()
    staged = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    socket.send_fds(sock, [struct.pack('<HHIQ', UNPACK, 2, 32, 0) + digest], [reading, staged])
    os.close(reading)
    os.close(staged)
    feeding = threading.Thread(target=feed, args=(writing, pieces))
    feeding.start()
    head = sock.recv(16, socket.MSG_WAITALL)
    kind, _, n, _ = struct.unpack('<HHIQ', head)
    assert kind == UNPACKED
    payload = sock.recv(n, socket.MSG_WAITALL)
    with open('/proc/%d/status' % process.pid) as f:
        peak = next(line for line in f if line.startswith('VmHWM:'))
    sock.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    feeding.join()
    names = sorted(os.listdir(out))
    if directory is None:
        shutil.rmtree(out)
    return Answer(payload, names, used, int(peak.split()[1]) / 1024, status)


# Archives

def image(**more):
    files = {'ovmf.fd': b'firmware', 'bzImage': b'kernel', 'metadata.json': b'{}', **more}
    files['sha256sum.txt'] = manifest(files)
    return files


def manifest(files):
    return ''.join('%s  %s\n' % (hashlib.sha256(data).hexdigest(), name)
                   for name, data in files.items()).encode()


def digest_of(files):
    return hashlib.sha256(files.get('sha256sum.txt', b'')).digest()


def special(name, kind, link=''):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def tar(files, members=(), form=tarfile.GNU_FORMAT, prefix=''):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=form) as t:
        for member in members:
            t.addfile(member)
        for name, data in files.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def packed(*args, **how):
    return gzip.compress(tar(*args, **how), mtime=0)


def with_files(**more):
    """The image, and files that it does not list."""
    files = image()
    return packed({**files, **more}), digest_of(files)


def with_member(member, **how):
    files = image()
    return packed(files, [member], **how), digest_of(files)


def with_manifest(text):
    files = dict(image(), **{'sha256sum.txt': text})
    return packed(files), digest_of(files)


def member(name, data):
    """A file of the archive that does not end there."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


def zeroes(n, name):
    """A member of n zeroes, compressed piece by piece."""
    info = tarfile.TarInfo(name)
    info.size = n
    yield gzip.compress(info.tobuf(tarfile.GNU_FORMAT))
    piece = gzip.compress(bytes(MIB))
    for _ in range(n // MIB):
        yield piece


def noise(n):
    return random.Random(1).randbytes(n)


def hex_line(name, digest='0' * 64):
    return ('%s  %s\n' % (digest, name)).encode()


def good():
    files = image()
    digest = digest_of(files)
    listed = sorted(files)
    whole = packed(files)
    pax = tarfile.TarInfo('d')
    pax.type = tarfile.DIRTYPE
    pax.pax_headers = {'comment': 'x' * 30000}
    yield 'bare names', whole, digest, listed
    yield 'names with ./', packed(files, [special('./', tarfile.DIRTYPE)], prefix='./'), digest, \
        listed
    half = tar(files)
    yield 'two gzip members', gzip.compress(half[:700]) + gzip.compress(half[700:]), digest, listed
    yield 'pax', packed(files, form=tarfile.PAX_FORMAT), digest, listed
    yield 'a pax header', packed(files, [pax], form=tarfile.PAX_FORMAT), digest, listed
    yield 'long names', packed({'d/' * 100 + 'x': b'', **files}), digest, listed
    yield 'nested', packed({'d/e': b'x', 'd/bzImage': b'y', **files}), digest, listed
    yield 'not listed', packed({'other': b'x', '.hidden': b'y', **files}), digest, listed
    yield 'bytes behind', whole + b'behind', digest, listed
    # The checksum of gzip is not looked at: every file has a better one.
    yield 'wrong CRC', whole[:-8] + bytes(4) + whole[-4:], digest, listed


def bad():
    files = image()
    digest = digest_of(files)
    whole = packed(files)
    for path in ('../x', 'd/../../x', '/x', '/etc/passwd', '..', 'a\nb', 'a\x1b[2J', 'x' * 256,
                 'd/' * 130 + 'x'):
        shown = ''.join(c if ' ' <= c <= '~' else '?' for c in path)[:255]
        yield 'path ' + shown[:20], *with_files(**{path: b'x'}), UNSAFE + shown
    for name, kind in (('symbolic link', tarfile.SYMTYPE), ('hard link', tarfile.LNKTYPE),
                       ('fifo', tarfile.FIFOTYPE), ('character device', tarfile.CHRTYPE),
                       ('block device', tarfile.BLKTYPE)):
        yield name, *with_member(special('x', kind, 'bzImage')), UNSUPPORTED + 'x'
    yield 'twice', gzip.compress(tar({'bzImage': b'first'})[:1024] + tar(files)), digest, \
        'image archive contains bzImage twice'
    yield '257 entries', packed({**{'d/%d' % i: b'' for i in range(253)}, **files}), digest, \
        'image archive has more than 256 entries'
    big = tarfile.TarInfo('d')
    big.type = tarfile.DIRTYPE
    big.pax_headers = {'comment': 'x' * 70000}
    yield 'pax header of 70 KB', *with_member(big, form=tarfile.PAX_FORMAT), \
        'image archive has a header of more than 65536 bytes'
    yield 'manifest of 17 KB', *with_manifest(b'x' * 17000), \
        'image archive entry sha256sum.txt has more than 16384 bytes'
    yield 'metadata of 65 KB', *with_files(**{'metadata.json': b'x' * 66000}), \
        'image archive entry metadata.json has more than 65536 bytes'
    yield 'bomb of 2 GiB', zeroes(2 << 30, 'bzImage'), digest, \
        'image archive entry bzImage has more than 1073741824 bytes'
    yield 'bomb of 2 GiB, nested', zeroes(2 << 30, 'd/bzImage'), digest, \
        'image archive entry bzImage has more than 1073741824 bytes'
    yield 'bomb by ratio', [gzip.compress(member('noise', noise(2 * MIB))),
                            *zeroes(1 << 30, 'zeroes')], digest, \
        'image archive is compressed more than 200 times'
    yield 'more than 2 GiB', [gzip.compress(member('d/noise', noise(11 * MIB))),
                              *zeroes(1 << 30, 'd/zeroes'), *zeroes(1 << 30, 'd/more')], \
        digest, 'image archive has more than 2147483648 bytes unpacked'
    yield 'no gzip', tar(files), digest, OPEN
    yield 'gzip in gzip', gzip.compress(whole), digest, OPEN
    yield 'bzip2', __import__('bz2').compress(tar(files)), digest, OPEN
    yield 'nothing', b'', digest, OPEN
    yield 'noise', noise(4096), digest, OPEN
    yield 'an empty archive', packed({}), digest, 'Failed to read sha256sum.txt'
    yield 'cut in the first entry', whole[:len(whole) // 2], digest, OPEN
    yield 'cut in gzip', gzip.compress(member('noise', noise(MIB)))[:MIB // 2], digest, ENTRY
    yield 'cut in tar', gzip.compress(tar(files)[:1600]), digest, ENTRY
    yield 'no manifest', packed({'bzImage': b'x'}), bytes(32), 'Failed to read sha256sum.txt'
    yield 'another hash', whole, bytes(32), 'os_image_hash does not match sha256(sha256sum.txt)'
    yield 'another file', packed(dict(files, bzImage=b'another')), digest, \
        'Checksum verification failed: bzImage'
    missing = {name: data for name, data in files.items() if name != 'bzImage'}
    yield 'a listed file is missing', packed(missing), digest, \
        'Checksum verification failed: bzImage'
    unlisted = {'bzImage': b'kernel'}
    unlisted['sha256sum.txt'] = manifest(unlisted)
    yield 'no metadata', packed({**unlisted, 'metadata.json': b'{}'}), digest_of(unlisted), \
        'metadata.json not found in the extracted archive'
    good_line = manifest({'metadata.json': b'{}'})
    line = 'sha256sum.txt line %d is not `<lowercase sha256>  <file name>`'
    for name, text, reason in (
            ('63 digits', good_line + hex_line('bzImage')[1:], line % 2),
            ('upper case', good_line.upper(), line % 1),
            ('a comment', b'# ' + good_line, line % 1),
            ('binary mark', good_line.replace(b'  ', b' *'), line % 1),
            ('a path', hex_line('a/b'), line % 1), ('an option', hex_line('-c'), line % 1),
            ('a blank line', good_line + b'\n', line % 2),
            ('no last newline', good_line[:-1],
             'sha256sum.txt is not newline-terminated text'),
            ('itself', good_line + hex_line('sha256sum.txt'), line % 2),
            ('a name twice', good_line * 2, 'sha256sum.txt line 2 repeats metadata.json'),
            ('65 lines', b''.join(hex_line('f%d' % i) for i in range(65)),
             'sha256sum.txt has more than 64 lines')):
        yield 'manifest: ' + name, *with_manifest(text), reason


CASES = []


def case(name, ok, text=''):
    CASES.append(ok)
    print('%sok %d - %s%s' % ('' if ok else 'not ', len(CASES), name, text and '\n# ' + text))


def cost(answer):
    return '%5.0f ms of CPU, %5.1f MiB' % (answer.cpu_ms, answer.rss_mib)


def cheap(answer):
    return answer.cpu_ms < CPU_MS_MAX and answer.rss_mib < RSS_MIB_MAX


def is_nice(process):
    """Whether requests come before it."""
    with open('/proc/%d/stat' % process.pid) as f:
        return int(f.read().rsplit(')', 1)[1].split()[16]) == min(os.nice(0) + 10, 19)


def sandboxed():
    """What a running one may do, as the kernel says it."""
    process, sock = start(subprocess.DEVNULL)
    reading, writing = os.pipe()
    out = tempfile.mkdtemp()
    staged = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    socket.send_fds(sock, [struct.pack('<HHIQ', UNPACK, 2, 32, 0) + bytes(32)], [reading, staged])
    os.write(writing, packed(image())[:20])
    said = {}
    while said.get('NoNewPrivs') != '1':
        with open('/proc/%d/status' % process.pid) as f:
            said = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
    with open('/proc/%d/limits' % process.pid) as f:
        limits = f.read()
    nice = is_nice(process)
    for fd in (reading, writing, staged):
        os.close(fd)
    sock.close()
    process.wait(10)
    shutil.rmtree(out)
    return ['nice'] * (not nice) + [line for line in ('Max file size             1073741824',
                              'Max processes             0', 'Max open files            16',
                              'Max core file size        0', 'Max cpu time              120')
            if line not in limits]


def measurer_sandboxed():
    """The same of a measurer, before it is asked anything."""
    program = PROGRAM.replace('unpacker', 'measurer')
    process, sock = start(subprocess.DEVNULL, program)
    said = {}
    while said.get('NoNewPrivs') != '1':
        with open('/proc/%d/status' % process.pid) as f:
            said = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
    with open('/proc/%d/limits' % process.pid) as f:
        limits = f.read()
    nice = is_nice(process)
    sock.close()
    process.wait(10)
    return ['nice'] * (not nice) + [line for line in ('Max processes             0', 'Max open files            16',
                              'Max core file size        0', 'Max cpu time              120')
            if line not in limits]


def second_question():
    """It serves one archive: another question ends it."""
    process, sock = start(subprocess.DEVNULL)
    files = image()
    for _ in range(2):
        reading, writing = os.pipe()
        out = tempfile.mkdtemp()
        staged = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
        socket.send_fds(sock, [struct.pack('<HHIQ', UNPACK, 2, 32, 0) + digest_of(files)],
                        [reading, staged])
        os.close(reading)
        os.close(staged)
        feed(writing, [packed(files)])
        sock.recv(4096)
        shutil.rmtree(out)
    sock.close()
    return process.wait(10)


def full_disk():
    """A file size limit in the place of a disk that is full."""
    directory = tempfile.mkdtemp()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', directory],
                      capture_output=True).returncode != 0:
        return None
    try:
        files = image(initrd=noise(4 * MIB))
        return unpack(packed(files), digest_of(files), directory)
    finally:
        subprocess.run(['umount', '-l', directory], check=True)


def main():
    print('1..%d' % (len(list(good())) + len(list(bad())) + 5))
    for name, archive, digest, listed in good():
        answer = unpack(archive, digest)
        case(name, answer.ok and answer.names == listed and answer.status == 0 and cheap(answer),
             '' if answer.ok else answer.reason)
    for name, archive, digest, reason in bad():
        answer = unpack(archive, digest)
        right = not answer.ok and answer.refused and answer.reason == reason and \
            answer.status == 0
        case(name, right and cheap(answer), cost(answer) + ('' if right else ': ' + answer.reason))
    missing = sandboxed()
    case('sandbox', not missing, ', '.join(missing))
    missing = measurer_sandboxed()
    case('sandbox of the measurer', not missing, ', '.join(missing))
    case('a second question', second_question() != 0)
    answer = full_disk()
    case('a full disk', answer is None or (not answer.ok and not answer.refused and
         answer.reason == 'no space left for the OS image'), '' if answer else 'no tmpfs here')
    process, sock = start(subprocess.DEVNULL)
    sock.close()
    case('no question', process.wait(10) == 0)
    return not all(CASES)


if __name__ == '__main__':
    sys.exit(main())
