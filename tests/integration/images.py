#!/usr/bin/env python3
"""images.py [TEST...] - OS images through all real programs: downloaded, measured, kept.

The machines are simulated, and their registers are those of an independent calculator
(tests/vectors/measure/launches.txt).
"""

import concurrent.futures
import json
import os
import pty
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from images import Site         # noqa: E402
from verifier import (BUILD, SCRATCH, Server, command, run_tests, same,     # noqa: E402
                      wait_for)

FAILED = 'OS image hash verification failed: '
LOW = 3                         # a shape with little memory: its kernel is measured apart


def site():
    return Site(tempfile.mkdtemp(dir=SCRATCH))


def server(at, **config):
    """A server for the machines of a site."""
    return Server([at.pccs], root=at.root, **{'image_download_url': at.images.template, **config})


def valid(answer, expected):
    assert answer['is_valid'], answer['reason']
    details = answer['details']
    same(details['app_info']['app_id'], expected['app_id'])
    same(details['app_info']['compose_hash'], expected['compose_hash'])
    same(details['app_info']['os_image_hash'], expected['os_image_hash'])
    same(details['os_image_hash_source'], 'image_download')
    assert details['acpi_tables_verified'] and details['os_image_hash_verified']


def judge(running, machine):
    return json.loads(running.post(machine[0]))


def refused(answer, reason, retryable):
    assert not answer['is_valid'], answer
    same(answer['reason'], reason)
    same(answer['details']['error']['retryable'], retryable)
    same(answer['details']['error']['stage'], 'os_image')


def downloads(at, image):
    return at.images.count(image.archive)


def stored(running, image=None, *more):
    return os.path.join(running.dir, 'cache', 'v1', 'images',
                        *([image.digest] if image else []), *more)


def staging(running):
    return os.listdir(os.path.join(running.dir, 'cache', 'v1', 'staging'))


def failed_download(image, text):
    return FAILED + 'Failed to download image %s: %s' % (image.digest, text)


# What it is for

def test_cold_and_warm():
    """Every shape of two kinds of image; after the first nothing is downloaded, or even read."""
    with site() as at:
        images = [at.image('plain'), at.image('normalized', dot=True)]
        with server(at) as running:
            for image in images:
                for machine in image.machines:
                    valid(judge(running, machine), machine[1])
                same(downloads(at, image), 1)
                same(sorted(os.listdir(stored(running, image))),
                     ['bzImage', 'initramfs.cpio.gz', 'metadata.json', 'ovmf.fd', 'sha256sum.txt'])
            same(staging(running), [])
            # The firmware of these images is noise, its variable store, too.
            same(running.text().count('variables=unknown'), 2)
            answer = judge(running, images[1].machines[0])
            same(answer['details']['os_image_version'], '0.6.0')
            same(answer['details']['os_image_is_dev'], False)
            same(answer['details']['assurance']['os_image'], 'verified')
            same(answer['details']['measurement_match']['kernel'], 'normalized')


def calculated_document():
    """What a calculator has made for the sample image."""
    with open(os.path.join(HERE, '..', 'vectors', 'measure', 'mutants.txt')) as f:
        return next(bytes.fromhex(line.split('\t')[1]) for line in f
                    if line.startswith('document3\t'))


def test_document():
    """One that says something else than its image is worth a line; its files are the image's."""
    right = calculated_document()
    other = right.replace(b'initrd_sha384X0' + right.split(b'initrd_sha384X0')[1][:48],
                          b'initrd_sha384X0' + bytes(48))
    documents = {'right': right, 'other': other, 'unreadable': right[:-1]}
    with site() as at:
        images = {name: at.image(document=document) for name, document in documents.items()}
        with server(at) as running:
            for name, image in images.items():
                for machine in image.machines:
                    valid(judge(running, machine), machine[1])
                assert 'measurement.tdx.cbor' in os.listdir(stored(running, image))
                said = [line for line in running.text().splitlines() if 'document=' in line]
                if name == 'right':
                    same(said, [])
            same([line.split('note=')[1] for line in said],
                 ['"measurement.tdx.cbor differs from the published image in initrd_sha384"',
                  '"TdxOsImageMeasurement: failed to decode CBOR: `tdvf` has 12 bytes, but 11 are left"'])


def test_files_moved_away():
    """A shape that is new needs no file, unless its kernel has to be measured apart."""
    with site() as at:
        image = at.image('plain')
        with server(at) as running:
            valid(judge(running, image.machines[0]), image.machines[0][1])
            os.rename(stored(running, image), running.dir + '/elsewhere')
            for machine in image.machines[1:LOW]:
                valid(judge(running, machine), machine[1])
            same(downloads(at, image), 1)
            valid(judge(running, image.machines[LOW]), image.machines[LOW][1])
            same(downloads(at, image), 2)


def ageless(answer):
    """Without what a second between two answers changes."""
    return re.sub(rb'"fetched_age_secs":\d+', b'', answer)


def explained(running, machine, what=None, instead=None):
    """What "explain" adds, for a machine that may declare another shape; it changes nothing."""
    request = json.loads(machine[0])
    if what is not None:
        assert request['vm_config'].count(what) == 1, request['vm_config']
        request['vm_config'] = request['vm_config'].replace(what, instead)
    plain = running.post(json.dumps(request))
    got = running.post(json.dumps(dict(request, explain=True)))
    same(ageless(got[:got.index(b',"explain":{')] + got[got.rindex(b'},"reason":'):]),
         ageless(plain))
    return json.loads(got)['details']['explain']


def test_explained():
    """Each register beside the calculator's, and what a host declares wrongly."""
    shape = 'the machine has another shape than vm_config says: '
    with site() as at:
        images = [at.image('plain'), at.image('normalized')]
        missing = at.image(served=False)
        with server(at) as running:
            for machine in images[0].machines + images[1].machines:
                got = explained(running, machine)
                same((got['first_divergence'], got['likely_cause']), (None, None))
                same([r['name'] for r in got['registers']],
                     ['MRTD', 'RTMR0', 'RTMR1', 'RTMR2', 'RTMR3'])
                for register in got['registers']:
                    same(register['expected'], register['actual'])
            for image in images:
                got = explained(running, image.machines[0], '"cpu_count":2', '"cpu_count":4')
                same((got['first_divergence'][:6], got['likely_cause']),
                     ('RTMR0:', shape + 'cpu_count is 2'))
            # Its kernel was measured for another initrd address, so that one is not known.
            got = explained(running, images[0].machines[LOW], '1073741824', '1072693248')
            same(got['likely_cause'], shape + 'memory_size is 1073741824')
            same([r['name'] for r in got['registers']], ['MRTD', 'RTMR0', 'RTMR2', 'RTMR3'])
            got = explained(running, missing.machines[0])
            same([r['name'] for r in got['registers']], ['RTMR3'])


def test_restart():
    """Another service has another key: it measures again, from the same files."""
    with site() as at:
        image = at.image()
        cache = tempfile.mkdtemp(dir=SCRATCH)
        for _ in range(2):
            with server(at) as running:
                pass
            with Server([at.pccs], root=at.root, cache=cache,
                        image_download_url=at.images.template) as running:
                valid(judge(running, image.machines[0]), image.machines[0][1])
                same(running.text().count('measured=image'), 1)
        same(downloads(at, image), 1)


def test_fetcher_restart():
    """A fetcher that is started anew finds the records of its service."""
    with site() as at:
        image = at.image()
        with server(at, workers=1) as running:
            valid(judge(running, image.machines[0]), image.machines[0][1])
            for program in ('fetcher', 'worker'):
                old = running.signal(program, 9)
                wait_for('restart', lambda: running.children(program) not in ([], old))
            valid(judge(running, image.machines[1]), image.machines[1][1])
            same(running.text().count('measured=image'), 1)
        same(downloads(at, image), 1)


def test_single_flight():
    """A hundred requests for one image: one download, one measurement."""
    with site() as at:
        image = at.image()
        at.images.fail(image.archive, 'hold', 1000)
        with server(at) as running, concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = [pool.submit(judge, running, image.machines[i % LOW]) for i in range(100)]
            wait_for('the download', lambda: downloads(at, image) == 1)
            time.sleep(0.5)     # for the others to come; fewer would only make it easier
            at.images.fail(image.archive, None)
            for i, answer in enumerate(answers):
                valid(answer.result(), image.machines[i % LOW][1])
            same(running.text().count('measured=image'), 1)
            same(running.text().count('unpacked bytes='), 1)
        same(downloads(at, image), 1)


def percentile(running, body, n):
    times = []
    for _ in range(n):
        start = time.perf_counter()
        answer = running.post(body)
        times.append(time.perf_counter() - start)
        assert b'"is_valid":true' in answer
    times.sort()
    return times[n // 2], times[n * 99 // 100]


def test_unhindered():
    """Small requests are answered while as many images as there are workers, and more, are missing."""
    with site() as at:
        images = [at.image(extra=b'%d' % i) for i in range(4)]
        body = at.lite()
        with server(at, workers=2) as running:
            running.post(body)
            before = percentile(running, body, 300)
            for image in images:
                at.images.fail(image.archive, 'hold', 1000)
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = [pool.submit(judge, running, i.machines[0]) for i in images]
                wait_for('downloads', lambda: sum(downloads(at, i) for i in images) == 2)
                during = percentile(running, body, 300)
                for image in images:
                    at.images.fail(image.archive, None)
                for image, answer in zip(images, answers):
                    valid(answer.result(), image.machines[0][1])
        print('# median and p99 in ms: before %.2f %.2f, while images are missing %.2f %.2f' %
              tuple(1000 * t for t in before + during))
        # Not a measurement, on a machine with other tests: only that nobody waits for an image.
        assert during[1] < 0.5, during


def test_nothing_before_the_quote():
    """A bad quote, a broken log, a hash that is not allowed: the image server hears nothing."""
    with site() as at:
        image, allowed = at.image(), at.image(extra=b'allowed')
        body = json.loads(image.machines[0][0])
        quote = bytearray.fromhex(body['quote'])
        quote[600] ^= 1
        log = json.loads(body['event_log'])
        log[-1]['event_payload'] = '00'
        policy = '%s/policy.toml' % tempfile.mkdtemp(dir=SCRATCH)
        with open(policy, 'w') as f:
            f.write('allowed_os_image_hashes = ["%s"]\n' % allowed.digest)
        with server(at, policy_file=policy) as running:
            for changed in ({**body, 'quote': quote.hex()},
                            {**body, 'event_log': json.dumps(log)}):
                answer = json.loads(running.post(json.dumps(changed)))
                assert answer['reason'].startswith(('Quote verification failed: ',
                                                    'Event log verification failed: ')), answer
            answer = judge(running, image.machines[0])
            same(answer['reason'],
                 'Policy check failed: os_image_hash %s is not allowed' % image.digest)
            same(at.images.count(), 0)
            valid(judge(running, allowed.machines[0]), allowed.machines[0][1])


# What may go wrong

def test_failures():
    """Each has its reason, is remembered for a while, and is over when the server is well again."""
    with site() as at:
        cases = (
            ('status', 404, 'Failed to download image: HTTP status 404 Not Found', True),
            ('status', 410, 'Failed to download image: HTTP status 410 Gone', True),
            ('status', 403, 'Failed to download image: HTTP status 403', True),
            ('drop', '', 'Failed to download image: server not reachable', True),
            ('redirect', 'http://elsewhere.example/x',
             'Failed to download image: HTTP status 302', True),
            ('break', 20000, 'Failed to download image: server not reachable', True),
        )
        images = [at.image(extra=b'%d' % i) for i in range(len(cases))]
        for image, (kind, argument, _, _) in zip(images, cases):
            at.images.fail(image.archive, kind, argument)
        with server(at) as running, concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda i: judge(running, i.machines[0]), images))
            for image, answer, (_, _, text, retryable) in zip(images, answers, cases):
                refused(answer, failed_download(image, text), retryable)
            asked = downloads(at, images[0])
            refused(judge(running, images[0].machines[0]), failed_download(images[0], cases[0][2]),
                    True)
            same(downloads(at, images[0]), asked)
            for image in images:
                at.images.fail(image.archive, None)

            def again(image):
                wait_for('recovery', lambda: judge(running, image.machines[0])['is_valid'])
            list(pool.map(again, images[2:]))
            same(staging(running), [])


def test_server_error_is_retried():
    with site() as at:
        image = at.image()
        at.images.fail(image.archive, 'status', 503, times=2)
        with server(at) as running:
            valid(judge(running, image.machines[0]), image.machines[0][1])
        same(downloads(at, image), 3)


def test_broken_off_and_resumed():
    """What the unpacker has had goes on in the same archive."""
    with site() as at:
        image = at.image(padding=300000)
        at.images.fail(image.archive, 'break', 100000, times=1)
        with server(at) as running:
            valid(judge(running, image.machines[0]), image.machines[0][1])
            same(running.text().count('unpacked bytes='), 1)
        same(downloads(at, image), 2)


def test_client_gone():
    """Whoever asked first hangs up while the image is on its way: the next one has it all the same."""
    with site() as at:
        image = at.image()
        at.images.fail(image.archive, 'hold', 1000)
        with server(at) as running:
            body = image.machines[0][0]
            with socket.create_connection(('127.0.0.1', running.port)) as gone:
                gone.sendall(b'POST /verify HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s' %
                             (len(body), body))
                wait_for('the download', lambda: downloads(at, image) == 1)
            at.images.fail(image.archive, None)
            valid(judge(running, image.machines[1]), image.machines[1][1])
        same(downloads(at, image), 1)


def test_document_beside_legacy():
    """A measurement document in a legacy configuration opens no way around the image."""
    with site() as at:
        at.image()
        body = json.loads(at.lite())
        lite = '"tdx_attestation_variant":"lite"'
        assert lite in body['vm_config']
        at.images.down()
        with server(at) as running:
            assert json.loads(running.post(json.dumps(body)))['is_valid']
            body['vm_config'] = body['vm_config'].replace(lite, lite.replace('lite', 'legacy'))
            answer = json.loads(running.post(json.dumps(body)))
            digest = json.loads(body['vm_config'])['os_image_hash']
            refused(answer, FAILED + 'Failed to download image %s: Failed to download image: '
                    'server not reachable' % digest, True)
        at.images.up()


def test_timeout():
    with site() as at:
        image = at.image()
        at.images.fail(image.archive, 'stall', 1000)
        with server(at, image_download_timeout_secs=2) as running:
            refused(judge(running, image.machines[0]), FAILED + 'Download image timeout', True)
            wait_for('an empty staging directory', lambda: staging(running) == [])


def test_wrong_images():
    """An archive that is not what the hash says: its own reason, no retry, nothing kept."""
    def rewrite(at, image, change):
        path = os.path.join(at.archives, image.archive)
        directory = tempfile.mkdtemp(dir=SCRATCH)
        subprocess.run(['tar', '-C', directory, '-xzf', path], check=True)
        change(directory)
        subprocess.run(['tar', '-C', directory, '-czf', path, '.'], check=True)

    def flip(name):
        def change(directory):
            with open(os.path.join(directory, name), 'r+b') as f:
                f.seek(1000)
                byte = f.read(1)[0]
                f.seek(1000)
                f.write(bytes([byte ^ 1]))
        return change

    cases = (
        (flip('bzImage'), 'Checksum verification failed: bzImage'),
        (flip('initramfs.cpio.gz'), 'Checksum verification failed: initramfs.cpio.gz'),
        (lambda d: os.unlink(d + '/sha256sum.txt'), 'Failed to read sha256sum.txt'),
        (lambda d: os.unlink(d + '/extra'), 'Checksum verification failed: extra'),
        (lambda d: open(d + '/sha256sum.txt', 'a').write('x'),
         'os_image_hash does not match sha256(sha256sum.txt)'),
        (lambda d: os.symlink('bzImage', d + '/link'),
         'image archive contains unsupported entry ./link'),
    )
    with site() as at:
        images = [at.image(extra=b'%d' % i) for i in range(len(cases))]
        for image, (change, _) in zip(images, cases):
            rewrite(at, image, change)
        with server(at) as running:
            for image, (_, text) in zip(images, cases):
                refused(judge(running, image.machines[0]), failed_download(image, text), False)
            same(os.listdir(stored(running)), [])
            same(staging(running), [])


def test_full_disk():
    """A clear reason that may pass, and then it is well again."""
    with site() as at:
        image = at.image(padding=4 << 20)
        cache = tempfile.mkdtemp(dir=SCRATCH)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=3m', 'none', cache],
                          capture_output=True).returncode != 0:
            print('# no tmpfs can be mounted here')
            return
        try:
            with Server([at.pccs], root=at.root, cache=cache,
                        image_download_url=at.images.template) as running:
                refused(judge(running, image.machines[0]),
                        failed_download(image, 'no space left for the OS image'), True)
                same(os.listdir(cache + '/v1/staging'), [])
                subprocess.run(['mount', '-o', 'remount,size=64m', cache], check=True)
                wait_for('recovery', lambda: judge(running, image.machines[0])['is_valid'])
        finally:
            subprocess.run(['umount', '-l', cache], check=True)


# What is kept

def flip_file(path):
    """One bit, and neither size nor time tell."""
    status = os.stat(path)
    with open(path, 'r+b') as f:
        f.seek(status.st_size // 2)
        byte = f.read(1)[0]
        f.seek(status.st_size // 2)
        f.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_flipped_files():
    """A bit in any file is noticed before what was measured reaches a verdict."""
    names = ('bzImage', 'initramfs.cpio.gz', 'metadata.json', 'ovmf.fd', 'sha256sum.txt',
             'measurement.tdx.cbor')
    with site() as at:
        images = {name: at.image(document=calculated_document()) for name in names}
        cache = tempfile.mkdtemp(dir=SCRATCH)
        how = dict(root=at.root, cache=cache, image_download_url=at.images.template)
        with Server([at.pccs], **how) as running:
            for image in images.values():
                valid(judge(running, image.machines[0]), image.machines[0][1])
        for name, image in images.items():
            flip_file(os.path.join(cache, 'v1', 'images', image.digest, name))
        with Server([at.pccs], **how) as running:
            looked = subprocess.run([BUILD + '/dstack-verifier', '--config', os.path.join(
                running.dir, 'config.toml'), 'images', 'verify'], capture_output=True)
            same(looked.returncode, 1)
            same([image['ok'] for image in json.loads(looked.stdout)['images']],
                 [False] * len(names))
            for image in images.values():
                valid(judge(running, image.machines[0]), image.machines[0][1])
                same(downloads(at, image), 2)
            same(running.text().count('files_refused='), len(names))


def test_flipped_record():
    """A record of which one byte is another is not believed, but made anew."""
    with site() as at:
        image = at.image()
        with server(at, workers=1) as running:
            valid(judge(running, image.machines[0]), image.machines[0][1])
            with sqlite3.connect(os.path.join(running.dir, 'cache/v1/index.db')) as db:
                (blob, ), = db.execute('SELECT blob FROM record')
                for at_byte in (0, 63, 64, len(blob) - 1):
                    bad = bytearray(blob)
                    bad[at_byte] ^= 1
                    db.execute('UPDATE record SET blob = ?', (bytes(bad), ))
                    db.commit()
                    old = running.signal('worker', 9)
                    wait_for('restart', lambda: running.children('worker') not in ([], old))
                    valid(judge(running, image.machines[1]), image.machines[1][1])
            db.close()
            same(running.text().count('record refused='), 4)
        same(downloads(at, image), 1)


def test_adopted():
    """A directory that the Rust program filled is used, as long as it is right, and never touched."""
    with site() as at:
        image = at.image()
        cache = tempfile.mkdtemp(dir=SCRATCH)
        theirs = os.path.join(cache, 'images', image.digest)
        shutil.copytree(image.directory, theirs)
        how = dict(root=at.root, cache=cache, image_download_url=at.images.template)
        with Server([at.pccs], **how) as running:
            valid(judge(running, image.machines[0]), image.machines[0][1])
        same(downloads(at, image), 0)
        flip_file(os.path.join(theirs, 'bzImage'))
        for _ in range(2):
            with Server([at.pccs], **how) as running:
                valid(judge(running, image.machines[0]), image.machines[0][1])
            same(downloads(at, image), 1)
        assert os.path.exists(os.path.join(theirs, 'extra'))


def test_shared_cache():
    """A server and commands use one directory at the same time."""
    with site() as at:
        images = [at.image(extra=b'%d' % i) for i in range(3)]
        with server(at) as running, concurrent.futures.ThreadPoolExecutor(9) as pool:
            config = os.path.join(running.dir, 'config.toml')
            answers = [(pool.submit(judge, running, i.machines[0]),
                        pool.submit(command, i.machines[0][0], '--config', config), i)
                       for i in images]
            for one, other, image in answers:
                valid(one.result(), image.machines[0][1])
                valid(json.loads(other.result()), image.machines[0][1])
            same(sorted(os.listdir(stored(running))), sorted(i.digest for i in images))
            wait_for('an empty staging directory', lambda: staging(running) == [])


def test_eviction():
    """Those used longest ago go; what is pinned stays."""
    with site() as at:
        images = [at.image(extra=b'%d' % i) for i in range(4)]
        with server(at, image_cache_max_bytes=600000) as running:
            config = os.path.join(running.dir, 'config.toml')
            for number, image in enumerate(images):
                valid(judge(running, image.machines[0]), image.machines[0][1])
                if number == 0:
                    subprocess.run([BUILD + '/dstack-verifier', '--config', config, 'images', 'pin',
                                    image.digest], check=True, capture_output=True)
            kept = os.listdir(stored(running))
            same(len(kept), 2)
            assert images[0].digest in kept, kept
            # Its record is there all the same.
            for machine in images[1].machines[:LOW]:
                valid(judge(running, machine), machine[1])
            same(downloads(at, images[1]), 1)


def test_command():
    """list, fetch, verify, pin, unpin, evict; and on a terminal how far a download is."""
    with site() as at:
        image = at.image(padding=200000)
        at.images.fail(image.archive, 'slow', 400000)
        with server(at) as running:
            config = os.path.join(running.dir, 'config.toml')

            def run(*words, terminal=None):
                got = subprocess.run([BUILD + '/dstack-verifier', '--config', config, 'images',
                                      *words], stdout=subprocess.PIPE, timeout=60,
                                     stderr=terminal or subprocess.DEVNULL)
                images = json.loads(got.stdout)['images']
                return got.returncode, images[0] if images else None
            same(run('list'), (0, None))
            ours, theirs = pty.openpty()
            done = {'os_image_hash': image.digest, 'ok': True}
            same(run('fetch', image.digest, terminal=theirs), (0, done))
            shown = os.read(ours, 65536).decode()
            os.close(theirs)
            os.close(ours)
            assert 'OS image %s  [' % image.digest[:8] in shown and '100 %' in shown, shown
            gone = dict(done, ok=False, reason='it is not here, or pinned')
            same(run('verify'), (0, done))
            same(run('pin', image.digest), (0, done))
            same(run('evict', image.digest), (1, gone))
            status, listed = run('list')
            same((status, listed['pinned'], listed['adopted']), (0, True, False))
            same(run('unpin', image.digest), (0, done))
            same(run('evict', image.digest), (0, done))
            same(run('pin', image.digest), (1, dict(gone, reason='it is not here')))
            same(run('verify', image.digest), (1, dict(gone, reason='it is not here')))
            same(run('fetch', '00' * 32), (1, {'os_image_hash': '00' * 32, 'ok': False,
                                               'reason': 'HTTP status 404'}))


def test_policies():
    """What an operator may want of the image."""
    with site() as at:
        image = at.image()
        lite = at.lite()
        for policy, machine, reason in (
                ({'reject_dev_images': True}, image.machines[0][0], None),
                ({'allowed_os_image_hashes': [image.digest]}, image.machines[0][0], None),
                ({'os_image_anchor': 'published'}, image.machines[0][0], None),
                ({'minimum_os_version': '0.7.0'}, image.machines[0][0],
                 'Policy check failed: '),
                # A document that nobody has published.
                ({'os_image_anchor': 'published'}, lite, FAILED + 'Failed to download image ')):
            config = {'policy.' + key: value for key, value in policy.items()}
            with server(at, **config) as running:
                answer = json.loads(running.post(machine))
                if reason is None:
                    assert answer['is_valid'], answer['reason']
                else:
                    assert (answer['reason'] or '').startswith(reason), answer


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
