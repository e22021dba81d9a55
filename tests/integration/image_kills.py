#!/usr/bin/env python3
"""image_kills.py - kill -9 at every stage of a cold verification, KILLS times (20).

Each time one of fetcher, unpacker, measurer and worker dies while an image is on its way.  The
stage is read off the log and the cache with the program stopped, so that it is that stage and no
other.  Whatever dies, an answer is valid or may be asked again; the next one is valid, no staging
is left, and all files that are kept are right.
"""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from images import Site         # noqa: E402
from verifier import BUILD, SCRATCH, Server, wait_for   # noqa: E402

KILLS = int(os.environ.get('KILLS', '20'))
SEED = int(os.environ.get('KILLS_SEED', str(int(time.time()))))
PER_SERVER = 4                  # a child that dies again and again is restarted ever later
UNPACKED = 40 << 20             # of zeroes: unpacking takes long, and downloading does not

# Who may die when.
VICTIMS = {
    'download': ('fetcher', 'unpacker', 'worker'),
    'unpack': ('fetcher', 'unpacker', 'worker'),
    'publish': ('fetcher', 'measurer', 'worker'),
    'measure': ('fetcher', 'measurer', 'worker'),
    'store': ('fetcher', 'worker'),
}


class Log:
    """What the log says since the last mark, read as it grows."""

    def __init__(self, path):
        self.file = open(path, errors='replace')
        self.text = ''

    def mark(self):
        self.file.read()
        self.text = ''

    def has(self, text):
        self.text += self.file.read()
        return text in self.text


def stage_of(running, image, log):
    """Where the image is, of a program that is stopped."""
    if log.has('measured=image'):
        return 'store'
    if os.path.isdir(os.path.join(running.dir, 'cache/v1/images', image.digest)):
        return 'measure'
    if log.has('unpacked bytes='):
        return 'publish'
    staged = os.path.join(running.dir, 'cache/v1/staging')
    files = [name for d in os.listdir(staged) for name in os.listdir(os.path.join(staged, d))]
    if 'extra' in files and running.children('unpacker'):
        return 'unpack'
    return 'download'


def stopped(running):
    return [pid for name in ('fetcher', 'unpacker', 'measurer', 'worker')
            for pid in running.signal(name, signal.SIGSTOP)]


def wait_stage(running, image, log, wanted):
    """Stops everything at the wanted stage, and gives the one it is at."""
    signs = {
        'download': lambda: running.children('unpacker'),
        'unpack': lambda: running.children('unpacker'),
        'publish': lambda: log.has('unpacked bytes='),
        'measure': lambda: os.path.isdir(os.path.join(running.dir, 'cache/v1/images',
                                                      image.digest)),
        'store': lambda: log.has('measured=image'),
    }
    end = time.monotonic() + 20
    while not signs[wanted]() and time.monotonic() < end:
        pass
    if wanted in ('download', 'unpack'):
        time.sleep(random.uniform(0, 0.03 if wanted == 'download' else 0.2))
    pids = stopped(running)
    return stage_of(running, image, log), pids


def kill_one(at, running, log, wanted, counts, wrong):
    image = at.image(extra=b'\0' * UNPACKED if wanted == 'unpack' else b'')
    if wanted == 'download':
        at.images.fail(image.archive, 'hold', random.choice((1, 1000, 20000, 60000)))
    log.mark()
    answers = []

    def ask():
        answers.append(json.loads(running.post(image.machines[0][0])))
    asking = threading.Thread(target=ask)
    asking.start()
    stage, pids = wait_stage(running, image, log, wanted)
    victim = random.choice(VICTIMS[stage])
    dead = running.children(victim)[:1]
    for pid in pids + dead:
        try:
            os.kill(pid, signal.SIGKILL if pid in dead else signal.SIGCONT)
        except ProcessLookupError:
            pass                # it went with its fetcher
    at.images.fail(image.archive, None)
    if dead:
        counts[stage, victim] += 1
    asking.join(60)
    if not answers:
        wrong.append('%s of %s: no answer' % (stage, victim))
    elif not answers[0]['is_valid'] and not answers[0]['details']['error']['retryable']:
        wrong.append('%s of %s: %s' % (stage, victim, answers[0]['reason']))
    # A failure is remembered for a second or two.
    wait_for('a valid answer', lambda: json.loads(
        running.post(image.machines[1][0]))['is_valid'], 30)
    staging = os.path.join(running.dir, 'cache/v1/staging')
    wait_for('an empty staging directory', lambda: os.listdir(staging) == [])
    if dead:
        counts['all'] += 1
    shutil.rmtree(image.directory)
    os.unlink(os.path.join(at.archives, image.archive))


def verify_files(running):
    got = subprocess.run([BUILD + '/dstack-verifier', '--config', running.dir + '/config.toml',
                          'images', 'verify'], capture_output=True)
    assert got.returncode == 0, got.stdout[-2000:]
    for image in json.loads(got.stdout)['images']:
        subprocess.run([BUILD + '/dstack-verifier', '--config', running.dir + '/config.toml',
                        'images', 'evict', image['os_image_hash']], capture_output=True)


def main():
    counts = collections.Counter()
    wrong = []
    random.seed(SEED)
    print('1..1')
    print('# seed %d' % SEED)
    with Site(tempfile.mkdtemp(dir=SCRATCH)) as at:
        at.image()              # makes the PCCS
        while counts['all'] < KILLS and not wrong:
            with Server([at.pccs], root=at.root, workers=2,
                        image_download_url=at.images.template) as running:
                log = Log(running.log)
                for _ in range(PER_SERVER):
                    fewest = min(VICTIMS, key=lambda s: (
                        sum(n for key, n in counts.items() if key[0] == s), random.random()))
                    kill_one(at, running, log, fewest, counts, wrong)
                verify_files(running)
    for stage in VICTIMS:
        print('# %-8s %s' % (stage, ', '.join('%s %d' % (key[1], n) for key, n in
                                              sorted((k, n) for k, n in counts.items()
                                                     if k[0] == stage))))
    print('# %d kills, %d wrong' % (counts['all'], len(wrong)))
    for text in wrong:
        print('# ' + text)
    shutil.rmtree(SCRATCH, ignore_errors=True)
    print('%sok 1 - %d kills' % ('not ' if wrong else '', counts['all']))
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
