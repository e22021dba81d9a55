#!/usr/bin/env python3
"""server.py [TEST...] - all real programs of this directory, with a stand-in for the PCCS.

Wait for a condition, never sleep.  Each test has a server of its own, and several run at the
same time, because most of them wait most of the time.
"""

import concurrent.futures
import glob
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from pccs import Pccs           # noqa: E402
import verifier                 # noqa: E402
from verifier import (BUILD, SCRATCH, command, read, run_tests, same,   # noqa: E402
                      wait_for)

VECTORS = os.path.join(HERE, '..', 'vectors')

LITE = os.path.join(VECTORS, 'dstack-verifier', 'tdx-lite-attestation.json')
MAY = os.path.join(VECTORS, 'collateral', 'tdx-90c06f000000-20260520-ev19.json')
MAY_B = os.path.join(VECTORS, 'collateral', 'tdx-90c06f000000-20260520-ev19-b.json')
FEBRUARY = os.path.join(VECTORS, 'collateral', 'tdx-90c06f000000-20260218-ev18.json')
OTHER = os.path.join(VECTORS, 'collateral', 'tdx-b0c06f000000-20260629-ev19.json')
AT = 1780536131                 # inside MAY
AT_BOTH = 1781263824            # inside MAY and MAY_B, whose PCK CRL is newer
AT_FEBRUARY = 1772707803
ITEMS = {'tcb tdx 90C06F000000': 1, 'qe tdx': 1, 'crl platform': 1, 'rootcrl': 1}


def attestations(fmspc):
    return sorted(glob.glob(os.path.join(VECTORS, 'attestations', 'tdx-v4-%s-*.json' % fmspc)))


LEGACY = attestations('90c06f000000')[2]
ELSEWHERE = attestations('b0c06f000000')[0]     # a platform whose collateral MAY does not hold


def Server(pccs=(), at=AT, **how):
    """A server that judges as of a time when the recorded collateral was current."""
    return verifier.Server(pccs, at=at, **how)


def without_pins(answer):
    answer = re.sub(rb',"pinned":\{[^}]*\}', b'', answer)
    return re.sub(rb'"fetched_age_secs":(null|-?\d+)', b'"fetched_age_secs":0', answer)


def unavailable(answer):
    """Not judged, which must never look like bad evidence."""
    error = answer['details']['error']
    assert not answer['is_valid']
    same((error['kind'], error['retryable']), ('unavailable', True))
    return answer['reason']


def together(n, call):
    with concurrent.futures.ThreadPoolExecutor(min(n, 200)) as pool:
        return list(pool.map(call, range(n)))


# The same as the command line

def test_same_as_command_line():
    for collateral, at, fmspc in ((MAY, AT, '90c06f000000'), (OTHER, 1783993735, 'b0c06f000000')):
        with Pccs([collateral]) as pccs, \
                Server(at=at, collateral=[collateral]) as pinned, \
                Server([pccs], at=at) as fetching:
            for path in attestations(fmspc) + [LITE] * (collateral == MAY):
                body = read(path)
                wanted = command(body, '--collateral', collateral, '--at', str(at))
                same(pinned.post(body), wanted)
                same(without_pins(fetching.post(body)), without_pins(wanted))


def test_input_rules():
    """Rows of table 2.1 by their status; what the sentence says is the library's test."""
    rows = {
        200: [b'{}', b'{"quote":null,"attestation":null}', b'{"quote":"aB","event_log":"[]"}',
              b'{"quote":"","event_log":"[]"}', b'{"quote":"\\u0061b","event_log":"[]"}',
              b'{"debug":"true"}', b'{"x":1,"x":2}', b'{"Quote":1}', b' \r\n{}\n',
              b'{"x":' + b'[' * 1023 + b']' * 1023 + b'}'],
        422: [b'{"quote":"0xab"}', b'{"quote":"ab "}', b'{"quote":"abc"}', b'{"quote":5}',
              b'{"event_log":[]}', b'{"vm_config":{}}', b'{"quote":"","quote":""}',
              b'[null,null,null,null,null]', b'null', b'"x"', b'5',
              b'{"expected_report_data":"' + b'00' * 65 + b'"}', b'{"explain":1}'],
        400: [b'', b' ', b'{"quote":', b'{}x', b'{"a":1,}', b'\xef\xbb\xbf{}', b'{}\0',
              b'{"a":"\x01"}', b'{"a":"\\ud800"}', b'{"a":NaN}', b"{'a':1}", b'{"a":"\xff"}',
              b'{"x":' + b'[' * 1024 + b']' * 1024 + b'}'],
    }
    with Server(collateral=[MAY]) as server:
        for wanted, bodies in rows.items():
            for body in bodies:
                status, headers, answer = server.ask('POST', '/verify', body)
                assert status == wanted, (body[:40], status, answer)
                same(headers['Content-Type'], 'application/json')
                if wanted != 200:
                    same(json.loads(answer)['error']['code'], wanted)
        # As much as fits, and one byte more.
        body = read(LITE).rstrip()
        same(server.ask('POST', '/verify', body.ljust(1048576))[0], 200)
        same(server.ask('POST', '/verify', body.ljust(1048577))[0], 413)
        # The debug key changes nothing.
        same(server.post(b'{"debug":true,' + body[1:]), server.post(body))


# Explanations

def declared(body, what, instead):
    """The request of a machine that declares another shape."""
    assert body.count(what.hex().encode()) == 1
    return body.replace(what.hex().encode(), instead.hex().encode())


def test_explain():
    """The member is there when it is asked for and allowed, and nothing else changes."""
    sound = read(LITE)
    bodies = [(sound, None, None),
              (declared(sound, b'"cpu_count":2', b'"cpu_count":3'),
               'RTMR0: acpi-loader, event 0 of the log',
               'the machine has another shape than vm_config says: cpu_count is 2'),
              (declared(sound, b'"hotplug_off":false', b'"hotplug_off":true '),
               'RTMR0: acpi-loader, event 0 of the log',
               'the machine has another shape than vm_config says: hotplug_off is false'),
              (declared(sound, b'8.2.2', b'9.2.2'), 'MRTD',
               "the host's QEMU adds pages in two-pass order, vm_config's qemu_version or "
               'qemu_single_pass_add_pages stand for single-pass order')]
    with Server(collateral=[MAY]) as server, \
            Server(collateral=[MAY], allow_explain=False) as forbidding:
        for body, first, cause in bodies:
            asking = json.dumps(dict(json.loads(body), explain=True)).encode()
            plain, got = server.post(body), server.post(asking)
            cut = got[:got.index(b',"explain":{')] + got[got.rindex(b'},"reason":'):]
            same(cut, plain)
            same(forbidding.post(asking), plain)
            same(got, command(asking, '--collateral', MAY, '--at', str(AT)))
            explain = json.loads(got)['details']['explain']
            same((explain['first_divergence'], explain['likely_cause']), (first, cause))
            same([r['name'] for r in explain['registers']],
                 ['MRTD', 'RTMR0', 'RTMR1', 'RTMR2', 'RTMR3'])
            same([len(r['events']) for r in explain['registers']], [0, 13, 5, 2, 9])


# Fetching

def test_cold_and_restart():
    cache = tempfile.mkdtemp(dir=SCRATCH)
    with Pccs([MAY]) as pccs:
        with Server([pccs], cache=cache) as server:
            first = server.post(read(LITE))
            assert json.loads(first)['is_valid'], first
            same(dict(pccs.counts), ITEMS)
            same(server.post(read(LITE)), first)
            same(dict(pccs.counts), ITEMS)
            same([int(n) for n in re.findall(r'public_key_operations=(\d+)', server.text())][-1], 1)
            same(server.stop(), 0)
        pccs.down()
        with Server([pccs], cache=cache) as server:
            same(server.post(read(LITE)), first)
        # At a time when what is kept has ended.
        with Server([pccs], cache=cache, at=AT + 60 * 86400) as server:
            same(unavailable(server.judge(LEGACY)), 'Quote verification failed: failed to verify '
                 'TDX quote: collateral unavailable: TCB info for FMSPC 90C06F000000')
    # And at a time that has collateral of its own, once somebody serves it.
    with Pccs([MAY]) as pccs, Server([pccs], cache=cache, at=AT_FEBRUARY) as server:
        unavailable(server.judge(LEGACY))
        pccs.load([FEBRUARY])
        wait_for('judged again', lambda: server.judge(LEGACY)['details']['quote_verified'], 40)


def test_one_flight():
    with Pccs([MAY]) as pccs, Server([pccs]) as server:
        pccs.fail('*', 'slow', 0.3)
        body = read(LITE)
        answers = set(together(200, lambda i: server.post(body)))
        same(len(answers), 1)
        assert json.loads(answers.pop())['is_valid']
        same(dict(pccs.counts), ITEMS)


def test_operations():
    """Public-key operations of each request, as the log tells them: cold 9, warm 1."""
    with Server(collateral=[MAY], workers=1) as server:
        for _ in range(3):
            server.judge(LITE)
        same(re.findall(r'public_key_operations=(\d+)', server.text()), ['9', '1', '1'])


def test_made_up():
    """Two thousand quotes of platforms that nobody made: not one question."""
    attestation = bytes.fromhex(json.loads(read(LITE))['attestation'])
    begin = attestation.index(b'-----BEGIN')
    with Pccs([MAY]) as pccs, Server([pccs]) as server:
        def one(i):
            spoilt = bytearray(attestation)
            at = begin + 200 + i % 900          # inside the leaf's Base64
            if spoilt[at:at + 1].isalpha():
                spoilt[at] = ord('A') if spoilt[at] != ord('A') else ord('B')
            spoilt[8 + i % 600] ^= 1 << i % 8   # and inside the report
            return json.loads(server.post(json.dumps({'attestation': spoilt.hex()})))
        for answer in together(2000, one):
            assert not answer['is_valid']
            assert answer['details']['error']['kind'] != 'unavailable', answer
        same(pccs.count(), 0)


def test_rollback():
    """A PCCS that goes back to an older, genuine CRL is not believed again."""
    with Pccs([MAY_B]) as pccs, \
            Server([pccs], at=AT_BOTH, collateral_max_cache_age_secs=1) as server:
        def date():
            return server.judge(LEGACY)['details']['collateral']['pck_crl_this_update']
        same(date(), '2026-06-05T19:19:17Z')
        asked = pccs.count('crl platform')
        pccs.load([MAY])
        wait_for('asked again', lambda: same(date(), '2026-06-05T19:19:17Z') or
                 pccs.count('crl platform') > asked + 1, 40)
        same(date(), '2026-06-05T19:19:17Z')
        assert 'older than one already verified' in server.text()


def test_silent():
    """What was fetched serves until serve_stale_max_secs, and again when the PCCS is back."""
    with Pccs([MAY]) as pccs, \
            Server([pccs], collateral_max_cache_age_secs=1, root_crl_max_cache_age_secs=1,
                   serve_stale_max_secs=6) as server:
        assert server.judge(LITE)['is_valid']
        pccs.down()
        begin = time.monotonic()
        while time.monotonic() < begin + 4:
            assert server.judge(LITE)['is_valid']
        wait_for('the end', lambda: not server.judge(LITE)['is_valid'])
        assert 'collateral unavailable: ' in unavailable(server.judge(LITE))
        pccs.up()
        wait_for('the PCCS', lambda: server.judge(LITE)['is_valid'], 40)


FAILURES = [('status', 404), ('status', 429), ('status', 500), ('truncated', None), ('longer', None),
            ('shorter', None), ('endless', None), ('huge-header', None), ('many-headers', None),
            ('no-chain', None), ('bad-chain', None), ('html', None), ('empty', None),
            ('wrong-signer', None), ('redirect', 'ftp://127.0.0.1/'), ('redirects', 9),
            ('drop', None)]


def test_failures():
    """Each way to fail: not judged, in time; and a second PCCS that is good is used."""
    def one(failure):
        with Pccs([MAY]) as bad, Pccs([MAY]) as good:
            bad.fail('tcb tdx 90C06F000000', *failure)
            with Server([bad], workers=1) as server:
                unavailable(server.judge(LITE))
            with Server([bad, good], workers=1) as server:
                assert server.judge(LITE)['is_valid'], failure
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, FAILURES))


def test_bad_never_displaces():
    """Bad answers to a refetch leave what was good in place."""
    with Pccs([MAY]) as pccs, Server([pccs], collateral_max_cache_age_secs=1) as server:
        assert server.judge(LITE)['is_valid']
        for kind, argument in (('wrong-signer', None), ('html', None), ('status', 500)):
            asked = pccs.count('qe tdx')
            pccs.fail('*', kind, argument)
            wait_for('asked again', lambda: server.judge(LITE)['is_valid'] and
                     pccs.count('qe tdx') > asked, 40)
            assert server.judge(LITE)['is_valid']
            pccs.fail('*', None)


def test_deadline():
    """A PCCS that never answers: the request's own deadline, and not one second more."""
    with Pccs([MAY]) as pccs, Server([pccs], request_deadline_secs=2) as server:
        pccs.fail('*', 'hang')
        begin = time.monotonic()
        answer = server.judge(LITE)
        assert 1.5 < time.monotonic() - begin < 6
        same(answer['reason'], 'Internal error: deadline exceeded')
        same(answer['details']['error']['retryable'], True)


def test_unhindered():
    """Known platforms are answered while more requests than workers wait for a dead PCCS."""
    with Pccs([MAY]) as pccs, Server([pccs]) as server:
        wanted = server.post(read(LITE))
        pccs.fail('tcb tdx B0C06F000000', 'hang')
        elsewhere = read(ELSEWHERE)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            waiting = [pool.submit(server.post, elsewhere) for _ in range(20)]
            wait_for('parked', lambda: pccs.count('tcb tdx B0C06F000000'))
            for _ in range(200):
                same(server.post(read(LITE)), wanted)
            assert not any(w.done() for w in waiting)
            pccs.fail('*', None)
            pccs.down()
            for w in waiting:
                unavailable(json.loads(w.result()))


# Deaths

def test_worker_killed():
    with Server(collateral=[MAY]) as server:
        wanted = server.post(read(LITE))
        # Both stopped with a job in one; it dies, the other goes on: the right answer.
        workers = server.signal('worker', signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            job = pool.submit(server.post, read(LITE))
            victim = wait_for('a job in a worker', lambda: job_of(server, workers))
            os.kill(victim, signal.SIGKILL)
            for pid in workers:
                if pid != victim:
                    os.kill(pid, signal.SIGCONT)
            same(job.result(), wanted)
        wait_for('two workers', lambda: len(server.children('worker')) == 2)
        same(server.post(read(LITE)), wanted)


def job_of(server, pids):
    """The stopped worker whose socket holds unread bytes; None while there is none."""
    for pid in pids:
        link = os.readlink('/proc/%d/fd/3' % pid)
        inode = link[len('socket:['):-1]
        out = subprocess.run(['ss', '-xnH', '--all'], capture_output=True, text=True).stdout
        for line in out.splitlines():
            columns = line.split()
            if len(columns) > 5 and columns[5] == inode and int(columns[2]) > 0:
                return pid
    return None


def test_two_workers_killed():
    with Server(collateral=[MAY]) as server:
        wanted = server.post(read(LITE))
        workers = server.signal('worker', signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            job = pool.submit(server.ask, 'POST', '/verify', read(LITE))
            first = wait_for('a job in a worker', lambda: job_of(server, workers))
            os.kill(first, signal.SIGKILL)
            rest = [pid for pid in workers if pid != first]
            second = wait_for('the job in the other', lambda: job_of(server, rest))
            os.kill(second, signal.SIGKILL)
            status, _, answer = job.result()
            same((status, json.loads(answer)['error']['code']), (500, 500))
        wait_for('workers', lambda: len(server.children('worker')) == 2)
        same(server.post(read(LITE)), wanted)


def test_fetcher_killed():
    with Pccs([MAY]) as pccs, Server([pccs]) as server:
        pccs.fail('*', 'slow', 1)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            jobs = [pool.submit(server.judge, LITE) for _ in range(20)]
            wait_for('fetching', lambda: pccs.count() >= 4)
            server.signal('fetcher', signal.SIGKILL)
            for job in jobs:
                assert job.result()['is_valid']


def test_all_stopped():
    """Without workers /health answers, the queue fills to its bound, and then there is 503."""
    with Server(collateral=[MAY], queue_max_jobs=10) as server:
        wanted = server.post(read(LITE))
        server.signal('worker', signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            jobs = [pool.submit(server.ask, 'POST', '/verify', read(LITE)) for _ in range(60)]
            wait_for('503', lambda: sum(job.done() for job in jobs) >= 40)
            same(server.ask('GET', '/health')[2],
                 b'{"status":"ok","service":"dstack-verifier"}')
            server.signal('worker', signal.SIGCONT)
            answers = [job.result() for job in jobs]
        full = [a for a in answers if a[0] == 503]
        good = [a for a in answers if a[0] == 200]
        same(len(full) + len(good), 60)
        assert 10 <= len(good) <= 20, len(good)
        for status, headers, answer in full:
            same(headers['Retry-After'], '1')
        for status, headers, answer in good:
            same(answer, wanted)


def drain(end):
    """The server is ended with jobs running: all are answered, and its exit status is 0."""
    with Pccs([MAY]) as pccs, Server([pccs]) as server:
        pccs.fail('*', 'slow', 1)
        idle = server.descriptors()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            jobs = [pool.submit(server.ask, 'POST', '/verify', read(LITE)) for _ in range(20)]
            wait_for('twenty connections', lambda: server.descriptors() >= idle + 20)
            wait_for('fetching', lambda: pccs.count() >= 4)
            end(server)
            answers = [job.result() for job in jobs]
        # One that comes while the drain goes on is told so; those before it are judged.
        same({status for status, _, _ in answers} - {503}, {200})
        for status, headers, answer in answers:
            if status == 200:
                assert json.loads(answer)['is_valid']
            else:
                same(headers['Retry-After'], '1')
        same(server.process.wait(20), 0)
        assert 'reason="it ended"' not in server.text()


def test_drain():
    drain(lambda server: server.process.terminate())


def test_interrupt():
    """A terminal's ^C goes to every process at once."""
    drain(lambda server: os.killpg(server.process.pid, signal.SIGINT))


def test_acceptor_killed():
    """The one process that everything goes through comes back, with its workers."""
    with Server(collateral=[MAY]) as server:
        wanted = server.post(read(LITE))
        server.signal('acceptor', signal.SIGKILL)

        def again():
            try:
                return server.post(read(LITE))
            except (OSError, http.client.HTTPException):
                return None
        same(wait_for('the next one', again), wanted)


# Many requests

def bodies():
    """Bodies that differ, each with an answer of its own."""
    request = json.loads(read(LITE))
    for i in range(50):
        yield dict(request, expected_app_id='%040x' % i)
        yield dict(request, expected_report_data='%02x' % i)
    for path in attestations('90c06f000000'):
        yield json.loads(read(path))
    yield request


def test_many():
    """Thousands, one after another and all at once: each answer is the one for its body."""
    with Server(collateral=[MAY]) as server:
        asked = [json.dumps(body) for body in bodies()]
        wanted = [server.post(body) for body in asked]
        assert len(set(wanted)) > 10
        before = server.descriptors()
        connection = server.connect()
        for i in range(2000):
            connection.request('POST', '/verify', asked[i % len(asked)])
            same(connection.getresponse().read(), wanted[i % len(asked)])
        connection.close()

        def one(i):
            same(server.post(asked[i % len(asked)]), wanted[i % len(asked)])
        together(2000, one)
        wait_for('closed connections', lambda: server.descriptors() <= before)


def test_slow_senders():
    """Pipelined, in chunks, byte by byte, and cut off in the middle."""
    with Server(collateral=[MAY]) as server:
        body = read(LITE)
        wanted = server.post(body)
        head = b'POST /verify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % len(body)

        def answers(s, n):
            stream = s.makefile('rb')
            for _ in range(n):
                same(stream.readline(), b'HTTP/1.1 200 OK\r\n')
                length = 0
                for line in iter(stream.readline, b'\r\n'):
                    if line.lower().startswith(b'content-length:'):
                        length = int(line.split(b':')[1])
                same(stream.read(length), wanted)

        with socket.create_connection(('127.0.0.1', server.port)) as s:
            s.sendall((head + body) * 5)
            answers(s, 5)
        with socket.create_connection(('127.0.0.1', server.port)) as s:
            s.sendall(b'POST /verify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
            for i in range(0, len(body), 1000):
                piece = body[i:i + 1000]
                s.sendall(b'%x\r\n%s\r\n' % (len(piece), piece))
            s.sendall(b'0\r\n\r\n')
            answers(s, 1)
        with socket.create_connection(('127.0.0.1', server.port)) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(head) + 200):
                s.sendall((head + body)[i:i + 1])
            s.sendall((head + body)[len(head) + 200:])
            answers(s, 1)
        before = server.descriptors()
        for cut in range(1, 40):
            with socket.create_connection(('127.0.0.1', server.port)) as s:
                s.sendall((head + body)[:cut * len(body) // 40])
        wait_for('closed connections', lambda: server.descriptors() <= before)
        same(server.post(body), wanted)


# Starting

def test_wrong_start():
    """What keeps the server from starting is said, and its exit status is 1."""
    bad = os.path.join(SCRATCH, 'bad.json')
    with open(bad, 'w') as f:
        f.write('[]')
    for arguments, text in ((['--collateral', bad], 'is an array, not an object'),
                            (['--collateral', bad + '.none'], 'cannot read collateral')):
        got = subprocess.run([BUILD + '/dstack-verifier', *arguments], capture_output=True,
                             text=True, timeout=30,
                             env=dict(os.environ, DSTACK_VERIFIER_ADDRESS='127.0.0.1',
                                      DSTACK_VERIFIER_PORT='18999'))
        same(got.returncode, 1)
        assert 'Error: ' in got.stderr and text in got.stderr, got.stderr
    with Server(collateral=[MAY]) as server:
        got = subprocess.run([BUILD + '/dstack-verifier', '--config',
                              server.dir + '/config.toml'], capture_output=True, text=True,
                             timeout=30)
        same(got.returncode, 1)
        assert 'Address already in use' in got.stderr, got.stderr


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
