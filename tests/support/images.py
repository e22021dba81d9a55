"""OS images that exist, and simulated machines that run them.

    site = Site(scratch)                        # an image server and a PCCS for it
    image = site.image('plain', b'another one') # its archive is served from now on
    body, expected = image.machines[0]          # in the shapes of measure/launches.txt
    with Server([site.pccs], root=site.root, image_download_url=site.images.template) as server:

An image has the files that its variant has and one more that nothing reads, so there are as many
images as wanted that measure to what the vectors say.
"""

import json
import os
import subprocess
import threading

import image_archive
from image_server import ImageServer
from pccs import Pccs

HERE = os.path.dirname(os.path.abspath(__file__))
LAUNCHES = os.path.join(HERE, '..', 'vectors', 'measure', 'launches.txt')


def launches(variant):
    with open(LAUNCHES) as f:
        return [line.split(' ', 1)[1] for line in f if line.split()[0] == variant]


class Image:
    def __init__(self, digest, archive, directory, machines):
        self.digest = digest
        self.archive = archive          # its name
        self.directory = directory      # its files
        self.machines = machines        # (body, what the verifier has to find) of each shape


class Site:
    """Everything that is not the verifier: Intel, an image server, machines."""

    def __init__(self, scratch, now=None):
        """now: what the dates of the collateral are about, if it is not the clock."""
        self.build = os.getcwd()
        self.dates = ['--now', str(now)] if now is not None else []
        self.dir = scratch
        self.archives = os.path.join(scratch, 'archives')
        os.makedirs(self.archives)
        self.images = ImageServer(self.archives)
        self.lock = threading.Lock()
        self.n = 0
        self.pccs = None
        self.root = None

    def __enter__(self):
        self.images.__enter__()
        return self

    def __exit__(self, *args):
        self.images.__exit__(*args)
        if self.pccs is not None:
            self.pccs.__exit__(*args)

    def machines(self, name, manifest, variant):
        """Guests on one platform, one for each shape; the platform is the same each time."""
        directory = os.path.join(self.dir, name + '.machines')
        shapes = launches(variant)
        with open(os.path.join(self.dir, name + '.launches'), 'w') as f:
            f.writelines(shapes)
        subprocess.run([self.build + '/tests/teesim/teesim', 'fleet', '--quotes', str(len(shapes)),
                        '--form', 'getquote', *self.dates, '--image', manifest, '--launches', f.name,
                        directory], check=True)
        if self.pccs is None:
            collateral = os.path.join(directory, 'collateral')
            self.pccs = Pccs([os.path.join(collateral, n) for n in os.listdir(collateral)])
            self.pccs.__enter__()
            self.root = os.path.join(directory, 'root.pem')
        found = []
        with open(os.path.join(directory, 'expected.jsonl')) as f:
            for line in f:
                expected = json.loads(line)
                with open(os.path.join(directory, expected['file']), 'rb') as body:
                    found.append((body.read(), expected))
        return found

    def image(self, variant='plain', extra=b'', served=True, padding=0, dot=False, document=None):
        """padding: bytes that do not compress, and make the download longer.

        document: what measurement.tdx.cbor holds, if there is one.
        """
        with self.lock:
            self.n += 1
            name = 'image%d' % self.n
        directory = os.path.join(self.dir, name)
        os.mkdir(directory)
        subprocess.run([self.build + '/tests/tools/image-write', variant, directory], check=True)
        more = {'extra': name.encode() + extra + os.urandom(padding)}
        if document is not None:
            more['measurement.tdx.cbor'] = document
        manifest = os.path.join(directory, 'sha256sum.txt')
        for added, data in more.items():
            with open(os.path.join(directory, added), 'wb') as f:
                f.write(data)
        with open(manifest, 'ab') as f:
            f.write(image_archive.manifest(more))
        archive, digest = image_archive.write(directory, self.archives, dot=dot)
        if not served:
            os.unlink(os.path.join(self.archives, archive))
        with self.lock:
            machines = self.machines(name, manifest, variant)
        return Image(digest, archive, directory, machines)

    def lite(self):
        """The body of a machine on the same platform that needs no image."""
        directory = os.path.join(self.dir, 'lite')
        subprocess.run([self.build + '/tests/teesim/teesim', 'fleet', '--form', 'getquote', directory],
                       check=True)
        with open(os.path.join(directory, 'bodies', '00000-000.json'), 'rb') as f:
            return f.read()
