#!/usr/bin/env python3
"""image_lies.py [TEST...] - a fetcher that was taken over makes nothing valid.

The machine that every lie is for runs one image and says that it runs another.  With the lie it
would be valid, if anybody believed the fetcher.
"""

import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from images import Site         # noqa: E402
from lying_fetcher import install       # noqa: E402
from verifier import BUILD, SCRATCH, Server, run_tests, wait_for     # noqa: E402

LOW = 3                         # its kernel is measured apart


class World:
    """Two images, and machines of the second that claim to run the first."""

    def __init__(self):
        self.at = Site(tempfile.mkdtemp(dir=SCRATCH))

    def __enter__(self):
        at = self.at.__enter__()
        self.first = at.image('plain')
        self.second = at.image('normalized')
        self.fakes = at.machines('fake', self.first.directory + '/sha256sum.txt', 'normalized')
        return self

    def __exit__(self, *args):
        self.at.__exit__(*args)

    def server(self, lie, *arguments):
        programs = install(tempfile.mkdtemp(dir=SCRATCH), BUILD, lie, *arguments)
        return Server([self.at.pccs], root=self.at.root, programs=programs, workers=1,
                      request_deadline_secs=8, image_download_timeout_secs=1,
                      image_download_url=self.at.images.template)


def judge(running, machine):
    return json.loads(running.post(machine[0]))


def never(running, world):
    """The machines that lie are never valid; gives what was said of the others."""
    seen = [judge(running, world.second.machines[0]), judge(running, world.first.machines[0])]
    for fake in world.fakes[:1] + world.fakes[LOW:LOW + 1]:
        for _ in range(2):
            answer = judge(running, fake)
            assert not answer['is_valid'], answer
    return seen + [judge(running, world.second.machines[0])]


def test_honest():
    """Without a lie the machines that are what they say are valid, and the others are not."""
    with World() as world, world.server('not') as running:
        assert all(answer['is_valid'] for answer in never(running, world))
        answer = judge(running, world.fakes[0])
        assert 'MRs do not match: RTMR1 mismatch' in answer['reason'], answer
        assert not answer['details']['error']['retryable']


def test_other_bytes():
    """A record with one byte changed, wherever it is: never believed."""
    with World() as world:
        for at in (0, 31, 32, 63, 64, 65, 66, 112, 160, 300, 400, -1):
            with world.server('byte', at) as running:
                answer = judge(running, world.second.machines[0])
                assert not answer['is_valid'] and answer['details']['error']['retryable'], answer
                assert 'not signed by this service' in running.text()


def test_other_lengths():
    with World() as world:
        for n in (-1, -500, 1, 3000):
            with world.server('length', n) as running:
                answer = judge(running, world.second.machines[0])
                assert not answer['is_valid'] and answer['details']['error']['retryable'], answer


def test_other_key():
    with World() as world, world.server('key') as running:
        for answer in never(running, world):
            assert not answer['is_valid'] and answer['details']['error']['retryable'], answer
        assert 'not signed by this service' in running.text()


def test_record_of_another_image():
    with World() as world, world.server('swap') as running:
        seen = never(running, world)
        assert seen[0]['is_valid'] and not seen[1]['is_valid'], seen


def test_fact_of_another_kind():
    with World() as world, world.server('kind') as running:
        for image in (world.first, world.second):
            for machine in image.machines[:LOW + 1]:
                answer = judge(running, machine)
                assert answer['is_valid'] or answer['details']['error']['retryable'], answer
        never(running, world)
        assert 'not signed by this service' in running.text()


def test_files_of_another_image():
    with World() as world, world.server('files', world.second.directory) as running:
        seen = never(running, world)
        assert seen[0]['is_valid'] and not seen[1]['is_valid'], seen
        assert 'os_image_hash does not match sha256(sha256sum.txt)' in running.text()


def test_other_kernel():
    """One file of the five is another."""
    with World() as world:
        other = tempfile.mkdtemp(dir=SCRATCH)
        with open(os.path.join(world.second.directory, 'bzImage'), 'rb') as f:
            kernel = bytearray(f.read())
        kernel[-1] ^= 1
        with open(os.path.join(other, 'bzImage'), 'wb') as f:
            f.write(kernel)
        with world.server('kernel', other) as running:
            assert not any(answer['is_valid'] for answer in never(running, world))
            assert 'Checksum verification failed: bzImage' in running.text()


def test_files_in_another_order():
    with World() as world, world.server('order') as running:
        assert not any(answer['is_valid'] for answer in never(running, world))


def test_file_that_changes():
    """What was read is what was hashed and measured, however the file changes meanwhile."""
    with World() as world, world.server('changing', world.second.directory) as running:
        for _ in range(5):
            never(running, world)


def test_file_that_is_none():
    with World() as world, world.server('pipe') as running:
        assert not any(answer['is_valid'] for answer in never(running, world))
        assert 'is not a regular file' in running.text()


def test_senseless():
    """What breaks the rules costs the fetcher its life, and nobody else anything."""
    with World() as world:
        for lie, said in (('image', 'MEASURE of another image'), ('papers', 'PAPERS without an image'),
                          ('ticket', 'with a ticket that is in use')):
            arguments = [world.first.digest] if lie == 'image' else []
            with world.server(lie, *arguments) as running:
                answer = judge(running, world.second.machines[0])
                assert not answer['is_valid'] and answer['details']['error']['retryable'], answer
                wait_for(said, lambda: said in running.text())


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
