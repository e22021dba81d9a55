"""The program's real processes, out of the build directory, for tests in Python.

    with Server(pccs=[pccs], root='root.pem') as server:
        answer = json.loads(server.post(body))

Wait for a condition, never sleep.
"""

import concurrent.futures
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from image_server import ImageServer

BUILD = os.getcwd()
SCRATCH = tempfile.mkdtemp()
NO_IMAGES = ImageServer(SCRATCH).template       # no test asks the real one


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def wait_for(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError('timeout: ' + what)


def same(got, wanted):
    assert got == wanted, (got, wanted)


def free_port():
    """Below those that outgoing connections get, which could take it before it is used."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


class Server:
    """The installed program's processes, out of the build directory."""

    count = 0
    lock = threading.Lock()

    def __init__(self, pccs=(), at=None, collateral=(), cache=None, root=None,
                 programs=BUILD, **config):
        with Server.lock:
            Server.count += 1
            self.dir = os.path.join(SCRATCH, 'server.%d' % Server.count)
        os.mkdir(self.dir)
        self.port = free_port()
        lines = ['address = "127.0.0.1"', 'port = %d' % self.port,
                 'image_cache_dir = "%s"' % (cache or self.dir + '/cache')]
        config = {'workers': 2, 'log_level': 'debug', 'image_download_url': NO_IMAGES, **config}
        lines += ['%s = %s' % (k, json.dumps(v)) for k, v in config.items()]
        lines += ['[attestation.urls]', 'pccs = %s' % json.dumps(
            [p if isinstance(p, str) else p.url for p in pccs] or ['http://127.0.0.1:9'])]
        if root is not None:                    # in the place of Intel's
            lines += ['[attestation.root_ca]', 'tdx = "%s"' % root, '[attestation]',
                      'insecure_allow_external_trust_anchors = true']
        with open(self.dir + '/config.toml', 'w') as f:
            f.write('\n'.join(lines) + '\n')
        arguments = [programs + '/dstack-verifier', '--config', self.dir + '/config.toml']
        for path in collateral:
            arguments += ['--collateral', path]
        if at is not None:
            arguments += ['--at', str(at)]
        self.log = self.dir + '/log'
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith('DSTACK_VERIFIER_')}
        with open(self.log, 'w') as log:
            self.process = subprocess.Popen(arguments, stderr=log, env=environment,
                                            start_new_session=True)
        try:
            wait_for('start', lambda: 'ready workers' in self.text() or
                     self.process.poll() is not None)
            assert self.process.poll() is None, self.text()
        except BaseException:
            self.process.kill()
            raise

    def text(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, *args):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if kind is not None:
            sys.stderr.write(self.text()[-4000:])
        else:
            # Children that end badly say so; built with sanitizers, leaks are among it.
            assert 'ended=badly' not in self.text() and 'Sanitizer' not in self.text(), \
                self.text()

    def connect(self, timeout=60):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers={}, timeout=60):
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def post(self, body, timeout=60):
        """The answer's bytes; it must be a 200."""
        status, _, answer = self.ask('POST', '/verify', body, timeout=timeout)
        assert status == 200, (status, answer)
        return answer

    def judge(self, path):
        return json.loads(self.post(read(path)))

    def children(self, program):
        """Process ids of one program, oldest first."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open('/proc/%s/stat' % pid) as f:
                    state, parent = f.read().rsplit(')', 1)[1].split()[:2]
                with open('/proc/%s/cmdline' % pid) as f:
                    name = f.read().split('\0')[0]
            except OSError:
                continue                        # it has ended
            if int(parent) == self.process.pid and state != 'Z' and \
                    name.endswith('dstack-verifier-' + program):
                found.append(int(pid))
        return sorted(found)

    def signal(self, program, number):
        pids = self.children(program)
        for pid in pids:
            os.kill(pid, number)
        return pids

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)

    def descriptors(self):
        return sum(len(os.listdir('/proc/%d/fd' % pid)) for program in
                   ('acceptor', 'fetcher', 'worker') for pid in self.children(program))


def command(body, *arguments):
    """What --verify prints for a body.  Without --config it finds no images, and no older cache."""
    environment = dict(os.environ)
    if '--config' not in arguments:
        environment['DSTACK_VERIFIER_IMAGE_DOWNLOAD_URL'] = NO_IMAGES
        environment['DSTACK_VERIFIER_IMAGE_CACHE_DIR'] = SCRATCH + '/cache'
    got = subprocess.run([BUILD + '/dstack-verifier', *arguments, '--verify', '-'],
                         input=body, capture_output=True, timeout=60, env=environment)
    assert got.stdout, got.stderr
    return got.stdout.rstrip(b'\n')


def _run(test):
    try:
        test()
        return None
    except BaseException:       # an assertion, or anything else
        return traceback.format_exc()


def run_tests(tests, workers=4):
    """Runs test_* of a module, or those named on the command line, and prints TAP."""
    tests = {name: test for name, test in tests.items() if name.startswith('test_')}
    tests = {name: tests[name] for name in sys.argv[1:]} or tests
    if shutil.which('ss') is None:
        print('1..0 # SKIP needs ss (Debian: iproute2)')
        return 0
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = {name: pool.submit(_run, test) for name, test in tests.items()}
    results = {name: result.result() for name, result in results.items()}
    print('1..%d' % len(results))
    for number, (name, text) in enumerate(results.items()):
        print('%sok %d - %s' % ('not ' if text else '', number + 1, name))
        if text:
            print('# ' + text.replace('\n', '\n# '))
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return any(results.values())
