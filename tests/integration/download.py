"""Downloads of image archives from a server that does wrong (workers/fetch/download.h).

    download.py [TEST...]       in the build directory
"""

import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

import image_archive                            # noqa: E402
from image_server import ImageServer            # noqa: E402
from stand_in import TLS                        # noqa: E402

PROGRAM = os.environ.get('DOWNLOAD', './tests/tools/download')
SCRATCH = tempfile.mkdtemp()
CA = {'SSL_CERT_FILE': os.path.join(TLS, 'ca.pem')}
STALL_S = 30
MAX_LEN = 512 << 20


def image_make():
    """A directory with one archive: its path, name, hash and bytes."""
    image = os.path.join(SCRATCH, 'image')
    archives = os.path.join(SCRATCH, 'archives')
    os.mkdir(image)
    os.mkdir(archives)
    with open(os.path.join(image, 'bzImage'), 'wb') as f:
        f.write(random.Random(1).randbytes(300000))
    name, digest = image_archive.write(image, archives)
    with open(os.path.join(archives, name), 'rb') as f:
        return archives, name, digest, f.read()


ARCHIVES, NAME, HASH, ARCHIVE = image_make()
LEN = len(ARCHIVE)
count = iter(range(1 << 30))


class Result:
    """What a run of the program printed: how often it began, how it ended."""

    def __init__(self, template, env=None, out=None, **options):
        out = out or os.path.join(SCRATCH, 'out.%d' % next(count))
        start = time.monotonic()
        run = subprocess.run(
            [PROGRAM, template, HASH, out] + ['%s=%d' % each for each in options.items()],
            capture_output=True, text=True, timeout=100, env=env or {})
        assert run.returncode == 0, (run.returncode, run.stdout, run.stderr)
        self.seconds = time.monotonic() - start
        self.log = run.stderr
        *begins, self.end, progress = run.stdout.splitlines()
        assert all(line == 'begin' for line in begins), run.stdout
        self.nbegins = len(begins)
        self.progress = tuple(int(n) for n in progress.split()[1:])
        self.body = b''
        if os.path.exists(out):
            with open(out, 'rb') as f:
                self.body = f.read()


def same(got, wanted):
    assert got == wanted, (got, wanted)


def done(result, nbegins=1):
    same((result.end, result.nbegins), ('done %d' % LEN, nbegins))
    assert result.body == ARCHIVE
    same(result.progress[0], LEN)


def failed(result, status, text, timed_out=False):
    """`text` is the whole reason but for the URL behind it."""
    m = re.fullmatch('failed ([0-9]+) ([01]) (.*), url: (.*)', result.end)
    assert m, result.end
    same((int(m.group(1)), m.group(2) == '1', m.group(3)), (status, timed_out, text))
    return m.group(4)


def ranges(images):
    """What was asked for, request by request."""
    return [headers.get('Range') for _, headers in images.requests]


def part(n):
    return 'bytes=%d-' % n


def faulty(*faults):
    """A server on which all of these are wrong: (KIND[, ARGUMENT[, TIMES]])."""
    images = ImageServer(ARCHIVES)
    for fault in faults:
        images.fail('*', *fault)
    return images


# Ends well: faults; options; begins; what was asked for.
GOOD = {
    'whole': ((), {}, 1, [None]),
    'chunks': ([('chunks',)], {}, 1, [None]),
    'slow': ([('slow', 200000)], {}, 1, [None]),
    'small pipe': ((), {'pipe': 4096}, 1, [None]),
    'slow reader': ((), {'pipe': 4096, 'sleep': 5}, 1, [None]),
    # A label is no reason to take the gzip off.
    'gzip': ([('gzip',)], {}, 1, [None]),
    'redirects': ([('redirects', 3)], {}, 1, [None] * 4),
    'redirected, then broken': ([('redirects', 1), ('break', 100000)], {}, 1,
                                [None, None, part(100000), part(100000), part(200000),
                                 part(200000), part(300000), part(300000)]),
    'broken': ([('break', 100000)], {}, 1,
               [None, part(100000), part(200000), part(300000)]),
    'broken, full pipe': ([('break', 100000, 1)], {'pipe': 4096, 'sleep': 20}, 1,
                          [None, part(100000)]),
    'broken, chunks': ([('break', 100000, 1), ('chunks',)], {}, 1, [None, part(100000)]),
    'broken five times': ([('break', 60000, 5)], {}, 1,
                          [None] + [part(60000 * n) for n in range(1, 6)]),
    'broken before anything': ([('break', 0, 2)], {}, 1, [None] * 3),
    'only a date': ([('break', 100000, 1), ('no-etag',)], {}, 1, [None, part(100000)]),
    'no validator': ([('break', 100000, 1), ('no-etag',), ('no-date',)], {}, 2, [None, None]),
    'weak': ([('break', 100000, 1), ('weak',)], {}, 2, [None, None]),
    'weak, no date': ([('break', 100000, 1), ('weak',), ('no-date',)], {}, 2, [None, None]),
    'no ranges': ([('break', 100000, 1), ('no-range',)], {}, 2, [None, part(100000)]),
    'short range': ([('break', 100000, 1), ('short-range', 120000)], {}, 1,
                    [None, part(100000), part(220000)]),
    '500 twice': ([('status', 500, 2)], {}, 1, [None] * 3),
    '503 twice': ([('status', 503, 2)], {}, 1, [None] * 3),
    'dropped twice': ([('drop', None, 2)], {}, 1, [None] * 3),
}


def test_good():
    def one(case):
        faults, options, nbegins, wanted = GOOD[case]
        with faulty(*faults) as images:
            result = Result(images.template, **options)
            done(result, nbegins)
            same(ranges(images), wanted)
    for_all(GOOD, one)


# Ends badly: faults; status and reason; begins; requests.
BAD = {
    '400': ([('status', 400)], 400, 'HTTP 400', 0, 1),
    '401': ([('status', 401)], 401, 'HTTP 401', 0, 1),
    '404': ([('status', 404)], 404, 'HTTP 404', 0, 1),
    '410': ([('status', 410)], 410, 'HTTP 410', 0, 1),
    '416 of the whole': ([('status', 416)], 416, 'HTTP 416', 0, 1),
    '429': ([('status', 429)], 429, 'HTTP 429', 0, 1),
    '500': ([('status', 500)], 500, 'HTTP 500', 0, 3),
    '501': ([('status', 501)], 501, 'HTTP 501', 0, 3),
    '503': ([('status', 503)], 503, 'HTTP 503', 0, 3),
    '204': ([('status', 204)], 204, 'HTTP 204', 0, 1),
    '206 unasked': ([('status', 206)], 206, 'HTTP 206', 0, 1),
    '304': ([('status', 304)], 304, 'HTTP 304', 0, 1),
    'long error': ([('status', 404), ('length', MAX_LEN + 1)], 404, 'HTTP 404', 0, 1),
    'too long': ([('length', MAX_LEN + 1)], 200, 'answer has more than 536870912 bytes', 0, 1),
    'redirect loop': ([('redirects', 4)], 302, 'more than 3 redirects', 0, 4),
    'redirect to a name': ([('redirect', 'http://localhost/')], 302,
                           'redirected to another host', 0, 1),
    'redirect to ftp': ([('redirect', 'ftp://127.0.0.1/')], 302,
                        'redirected to another scheme than https', 0, 1),
    'redirect to a file': ([('redirect', 'file:///etc/passwd')], 302,
                           'redirected to another host', 0, 1),
    'redirect to nowhere': ([('redirect', 'http://[/')], 302, 'HTTP 302', 0, 1),
    'dropped': ([('drop',)], 0, 'Server returned nothing (no headers, no data): '
                'Empty reply from server', 0, 3),
    'never beyond': ([('break', 100000), ('no-range',)], 200,
                     'Transferred a partial file: transfer closed with %d bytes remaining to '
                     'read' % (LEN - 100000), 3, 3),
    'broken six times': ([('break', 50000)], 206, 'Transferred a partial file: transfer '
                         'closed with %d bytes remaining to read' % (LEN - 300000), 1, 6),
}


def test_bad():
    def one(case):
        faults, status, text, nbegins, nrequests = BAD[case]
        with faulty(*faults) as images:
            result = Result(images.template)
            failed(result, status, text)
            same((result.nbegins, images.count()), (nbegins, nrequests))
    for_all(BAD, one)


def test_pauses():
    """About a second before the second attempt, about two before the third."""
    with faulty(('status', 503)) as images:
        result = Result(images.template)
        failed(result, 503, 'HTTP 503')
        assert 2.2 < result.seconds < 6, result.seconds
        pauses = [int(ms) for ms in re.findall('retry_ms=([0-9]+)', result.log)]
        same(len(pauses), 2)
        assert 750 <= pauses[0] <= 1250 and 1500 <= pauses[1] <= 2500, pauses


def broken_then(images, *fault):
    """What comes of it when that is wrong from the second request on."""
    images.fail('*', 'break', 100000, 1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        result = pool.submit(Result, images.template)
        wait_for(lambda: images.count() == 1)
        images.fail('*', *fault)
        return result.result()


def test_404_later():
    """A 404 is the end, also when something was received before."""
    with faulty() as images:
        failed(broken_then(images, 'status', 404), 404, 'HTTP 404')
        same(ranges(images), [None, part(100000)])


def test_5xx_later():
    """What brings nothing new counts from the last attempt that did."""
    with faulty() as images:
        done(broken_then(images, 'status', 500, 1))
        same(ranges(images), [None, part(100000), part(100000)])
    with faulty() as images:
        failed(broken_then(images, 'status', 500), 500, 'HTTP 500')
        same(ranges(images), [None, part(100000), part(100000)])


def test_replaced():
    """Another file by now: the server says 200, and it begins afresh."""
    for faults in ((), (('no-etag',),)):
        with faulty(*faults) as images:
            result = broken_then(images, 'replaced')
            same((result.end, result.nbegins), ('done %d' % LEN, 2))
            assert result.body == bytes(255 - c for c in ARCHIVE)
            same(ranges(images), [None, part(100000)])
            for name in ('ETag', 'Last-Modified'):
                assert name not in images.requests[1][1]
            validator = images.requests[1][1]['If-Range']
            same(validator.startswith('"'), not faults)


# Answers to a request for the rest that are something else; what is wrong all the time.
NO_PARTS = (
    (('status', 416, 1), 'HTTP 416'),
    (('wrong-range', 1), 'Content-Range begins at 100001, not 100000'),
    (('other-range',), 'HTTP 206 of another file'),
    (('content-range',), 'HTTP 206 without a Content-Range'),
    (('content-range', 'bytes */%d' % LEN), 'Content-Range is not of a part: "bytes */%d"' % LEN),
    (('content-range', 'bytes 100000-%d/%d' % (LEN - 2, LEN)),
     'Content-Range and Content-Length contradict one another'),
    (('content-range', 'bytes 100000-%d/%d' % (LEN - 1, MAX_LEN + 1)),
     'answer has more than 536870912 bytes'),
    (('content-range', 'bytes 100000-%d/*' % MAX_LEN), 'answer has more than 536870912 bytes',
     ('chunks',)),
    (('content-range', 'bytes 100000-%d/%d' % (LEN - 1, LEN + 1)), 'HTTP 206 of another file'),
)


def test_no_such_part():
    """From the start then, in another pipe."""
    def one(case):
        fault, text, *always = case
        with faulty(*always) as images:
            result = broken_then(images, *fault)
            done(result, 2)
            same(ranges(images), [None, part(100000), None])
            assert 'error="%s"' % text in result.log, result.log
    for_all(NO_PARTS, one)


def test_headers():
    """No coding is asked for, and no password of the environment is sent."""
    with faulty() as images:
        env = {name: 'http://127.0.0.1:1' for name in
               ('http_proxy', 'https_proxy', 'all_proxy', 'ALL_PROXY')}
        done(Result(images.template, env))
        headers = images.requests[0][1]
        same(sorted(headers), ['Accept', 'Host', 'User-Agent'])


def test_template():
    """Each mark is replaced; the log has neither password nor query."""
    with faulty(('status', 404)) as images:
        template = images.url.replace('://', '://user:secret@') + \
            '/{OS_IMAGE_HASH}/mr_{OS_IMAGE_HASH}?key=hidden&{OS_IMAGE_HASH}'
        result = Result(template)
        url = failed(result, 404, 'HTTP 404')
        same(url, '%s/%s/mr_%s' % (images.url, HASH, HASH))
        same(images.requests[0][0], '%s/mr_%s' % (HASH, HASH))


def test_redirect():
    """To another port of the same host, never from https to http."""
    env = CA
    with ImageServer(ARCHIVES) as plain, ImageServer(ARCHIVES) as other, \
            ImageServer(ARCHIVES, tls='good') as secure:
        plain.fail('*', 'redirect', other.url + '/' + NAME)
        done(Result(plain.template))
        plain.fail('*', 'redirect', secure.url + '/' + NAME)
        done(Result(plain.template, env))
        same((other.count(), secure.count()), (1, 1))
        secure.fail('*', 'redirect', other.url + '/' + NAME)
        failed(Result(secure.template, env), 302, 'redirected to another scheme than https')
        # Nor by way of https.
        failed(Result(plain.template, env), 302, 'redirected to another scheme than https')
        same(other.count(), 1)


def test_tls():
    """Servers prove who they are; one that cannot is not asked again."""
    for cert, env, text in (
            ('good', CA, None),
            ('wrong-host', CA, 'does not match target host name'),
            ('unknown-ca', CA, 'certificate verification failed'),
            ('good', {}, 'certificate verification failed')):
        with ImageServer(ARCHIVES, tls=cert) as images:
            result = Result(images.template, env)
            if text is None:
                done(result)
            else:
                assert result.end.startswith('failed 0 0 ') and text in result.end, result.end
                same((result.nbegins, images.count(), result.log), (0, 0, ''))
    # Nor is a connection that is cut off the end of an archive.
    with ImageServer(ARCHIVES, tls='good') as images:
        images.fail('*', 'break', 100000, 1)
        images.fail('*', 'endless', None, 1)
        done(Result(images.template, CA))
        same(ranges(images), [None, part(100000)])


def test_dead():
    """Nobody there: three attempts."""
    with faulty() as images:
        images.down()
        result = Result(images.template)
        assert result.end.startswith("failed 0 0 Couldn't connect to server: "), result.end
        same((result.nbegins, result.log.count('retry_ms=')), (0, 2))


def test_back():
    """A server that comes back in time."""
    with faulty(('hold', 100000)) as images, \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        result = pool.submit(Result, images.template)
        wait_for(lambda: images.count() == 1)
        time.sleep(0.3)         # so that it has some of the bytes
        images.down()
        images.fail('*', None)
        images.up()
        done(result.result())
        same(images.count(), 2)


def test_endless():
    """A body without end is cut off at the limit."""
    with faulty(('endless',)) as images:
        result = Result(images.template, out='/dev/null')
        failed(result, 200, 'answer has more than %d bytes' % MAX_LEN)
        same((result.nbegins, images.count()), (1, 1))
        received, total = result.progress
        assert MAX_LEN - 16384 <= received <= MAX_LEN and total == 0, result.progress


def test_timeout():
    """The time for all of it ends an attempt, a pause, and a pipe that nobody empties."""
    for faults, options, status in (
            ([('slow', 20000)], {}, 0),
            ([('stall', 0)], {}, 0),
            ([('status', 503)], {}, 503),
            ([], {'pipe': 4096, 'pause': 6000}, 0),
            ([('redirects', 1), ('slow', 20000)], {}, 302)):
        with faulty(*faults) as images:
            result = Result(images.template, timeout=2, **options)
            failed(result, status, 'not done after 2 seconds', timed_out=True)
            assert 1.9 < result.seconds < 12, result.seconds


def test_stalled():
    """A server that sends nothing for half a minute has broken off."""
    with faulty(('stall', 100000, 1)) as images:
        result = Result(images.template)
        done(result)
        assert STALL_S - 2 < result.seconds < STALL_S + 15, result.seconds
        same(ranges(images), [None, part(100000)])
        assert 'Operation too slow' in result.log, result.log


def test_held():
    """Nor is it the server's fault when the reader does nothing for longer than that."""
    with faulty() as images:
        result = Result(images.template, pipe=4096, pause=(STALL_S + 6) * 1000, timeout=90)
        done(result)
        assert result.seconds > STALL_S + 5
        same((images.count(), result.log), (1, ''))


def test_reader_gone():
    for faults, options in (
            ([], {'close': 1}),
            ([], {'close': 1, 'pipe': 4096}),
            ([('break', 100000, 1)], {'close': 1}),
            ([('no-etag',), ('no-date',), ('break', 100000, 1)], {'close': 100000})):
        with faulty(*faults) as images:
            result = Result(images.template, **options)
            same((faults, result.end), (faults, 'gone'))


def test_no_pipe():
    """Without a pipe there is no download, and no second attempt."""
    with faulty() as images:
        result = Result(images.template, pipe=0)
        failed(result, 200, 'no pipe')
        same((result.nbegins, images.count()), (1, 1))


def test_program():
    """The server as a program of its own, told by GETs."""
    server = subprocess.Popen(
        [sys.executable, os.path.join(HERE, '..', 'support', 'image_server.py'), ARCHIVES],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().strip()

    def get(path):
        with urllib.request.urlopen(url + path) as answer:
            return answer.read().decode()

    same(get('/-/fail/*/status/503/1'), 'ok\n')
    same(get('/-/fail/%s/redirect/%s' % (NAME, urllib.parse.quote(url + '/none', safe=''))),
         'ok\n')
    failed(Result(url + '/mr_{OS_IMAGE_HASH}.tar.gz'), 404, 'HTTP 404')
    same(get('/-/count'), '3\n2 %s\n1 none\n' % NAME)
    get('/-/fail/%s/none' % NAME)
    done(Result(url + '/mr_{OS_IMAGE_HASH}.tar.gz'))
    same(get('/-/count/' + NAME), '3\n')
    server.stdin.close()
    same(server.wait(10), 0)


def wait_for(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def for_all(cases, one):
    """Several at a time."""
    def run(case):
        try:
            one(case)
            return None
        except Exception:
            return '%s: %s' % (case, traceback.format_exc())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        texts = [text for text in pool.map(run, cases) if text]
    assert not texts, '\n'.join(texts)


def main():
    tests = {name: test for name, test in globals().items() if name.startswith('test_')}
    tests = {name: tests[name] for name in sys.argv[1:]} or tests
    # All at once: most of them mostly wait.
    with concurrent.futures.ThreadPoolExecutor(len(tests)) as pool:
        results = {name: pool.submit(test) for name, test in tests.items()}
    print('1..%d' % len(results))
    for number, (name, result) in enumerate(results.items()):
        wrong = result.exception()
        print('%sok %d - %s' % ('not ' if wrong else '', number + 1, name))
        if wrong:
            text = ''.join(traceback.format_exception(wrong))
            print('# ' + text.replace('\n', '\n# '))
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return any(result.exception() for result in results.values())


if __name__ == '__main__':
    sys.exit(main())
