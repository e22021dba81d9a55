#!/usr/bin/env python3
"""Makes the archive of an image as it is published, `mr_HASH.tar.gz`, from its directory.

    name, digest = write('/tmp/image', '/tmp/archives')         # for tests in Python
    image_archive.py [--dot] DIRECTORY OUT                      # prints the hash

Every file of the directory is in it but those whose names begin with `rootfs`; without a
`sha256sum.txt` one is made.  With dot the members are `./`, `./bzImage`, ..., as in about a third
of the published ones.  The same files give the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import os
import tarfile


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(directory):
    files = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if os.path.isfile(path) and not name.startswith('rootfs'):
            with open(path, 'rb') as f:
                files[name] = f.read()
    return files


def manifest(files):
    return ''.join('%s  %s\n' % (sha256(data), name) for name, data in files.items()).encode()


def member(name, data=None):
    """A regular file, or a directory."""
    info = tarfile.TarInfo(name)
    info.mode = 0o755
    info.type = tarfile.DIRTYPE
    if data is not None:
        info.mode = 0o644
        info.type = tarfile.REGTYPE
        info.size = len(data)
    return info


def pack(files, dot=False):
    """The bytes of the archive."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode='wb', mtime=0) as zipped, \
            tarfile.open(fileobj=zipped, mode='w', format=tarfile.GNU_FORMAT) as tar:
        if dot:
            tar.addfile(member('./'))
        for name, data in files.items():
            tar.addfile(member('./' + name if dot else name, data), io.BytesIO(data))
    return out.getvalue()


def write(directory, out, dot=False):
    """Gives the archive's name and the image's hash."""
    files = read(directory)
    files.setdefault('sha256sum.txt', manifest(files))
    digest = sha256(files['sha256sum.txt'])
    name = 'mr_%s.tar.gz' % digest
    with open(os.path.join(out, name), 'wb') as f:
        f.write(pack(files, dot))
    return name, digest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--dot', action='store_true')
    parser.add_argument('directory')
    parser.add_argument('out')
    args = parser.parse_args()
    print(write(args.directory, args.out, args.dot)[1])


if __name__ == '__main__':
    main()
