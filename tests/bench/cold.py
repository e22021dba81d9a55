"""What measuring an image costs, from descriptors to record, beside hashing its files with openssl.

    cold.py [ROUNDS]            in the build directory

The image has 100 MiB: a firmware of 4 MiB, all of it measured, a kernel of 12 MiB that is not
normalized, an initrd.  It is in the page cache.  Each round runs `openssl dgst -sha256` and
`openssl dgst -sha384` over the three files, and a measurer; processor time is user and system,
start of the programs included.  Fails above 1.3 times openssl's time, by the best of each.
"""

import os
import random
import shutil
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from image_files import *       # noqa: E402

MIB = 1 << 20
MOST = 1.3


def image():
    made = Image.sample()
    noise = random.Random(1)
    made.files[FIRMWARE][:0] = noise.randbytes(4 * MIB - len(made.files[FIRMWARE]))
    made.sections([(0, 4 * MIB, 0xffc00000, 4 * MIB, 0, 1), (0, 0, 0x809000, 0x2000, 2, 0)])
    made.files[KERNEL] += noise.randbytes(12 * MIB - len(made.files[KERNEL]))
    made.put(KERNEL, kernel_section(0) + 16, '<I', 12 * MIB - 0x2400)
    made.files[INITRD] = noise.randbytes(84 * MIB)
    return made


def openssl(digest, paths):
    pid = os.posix_spawnp('openssl', ['openssl', 'dgst', '-' + digest, *paths], os.environ,
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0)])
    _, status, used = os.wait4(pid, 0)
    assert status == 0
    return 1000 * (used.ru_utime + used.ru_stime)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    directory = tempfile.mkdtemp()
    try:
        digest = image().write(directory)
        paths = [os.path.join(directory, name) for name in PASSED]
        measured = [os.path.join(directory, name) for name in (FIRMWARE, KERNEL, INITRD)]
        theirs, ours = [], []
        for _ in range(rounds):
            theirs.append(openssl('sha256', measured) + openssl('sha384', measured))
            fds = [os.open(path, os.O_RDONLY) for path in paths]
            got = measure(fds, digest, os.path.join(directory, 'log'))
            for fd in fds:
                os.close(fd)
            assert got.ok, got
            ours.append(got.cpu_ms)
    finally:
        shutil.rmtree(directory)
    ratio = min(ours) / min(theirs)
    for name, times in (('openssl, both digests', theirs), ('the measurer', ours)):
        print('%-24s best %7.1f ms, median %7.1f ms' % (name, min(times),
                                                       statistics.median(times)))
    print('%-24s best %7.2f x,  median %7.2f x, peak %d KiB' % (
        'ratio', ratio, statistics.median(ours) / statistics.median(theirs), got.rss_kib))
    return ratio > MOST


if __name__ == '__main__':
    sys.exit(main())
