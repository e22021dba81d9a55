#!/usr/bin/env python3
"""load.py [--seconds N] [--slices N] [ROW...] - what a request over HTTP costs, everything counted

Runs in the build directory.  The server is the real one, warm, and wrk asks it, on 16 connections
that are kept.  Each answer of every run is compared, status and bytes, with the one that is
expected: for vectors what --verify prints for that body, for a simulated fleet an answer that
names the identity which the simulator gave that machine.  One that differs, or a connection that
fails, fails the run.

A request's cost is the processor time, user and system, that all of the server's processes used
together (nanoseconds out of /proc/PID/schedstat), divided by the requests.  The unit is one P-256
verification.  Before, between and after the slices of each row it is measured by as many
processes as there are processors, since the load keeps those busy as well, and each slice is
divided by the mean of its two neighbours; the row shows the median of its slices, and the lowest
and the highest.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'integration'))

import server as real           # noqa: E402
from images import Site         # noqa: E402
from server import AT, ELSEWHERE, LITE, MAY, VECTORS, Server, read   # noqa: E402
from pccs import Pccs           # noqa: E402

CONNECTIONS = 16
CPUS = len(os.sched_getaffinity(0))
TICK = os.sysconf('SC_CLK_TCK')
FLEET_NOW = 1790000000
LIMIT = 5                       # of the row `image`, in units
PARKED = 40                     # requests that wait for the dead PCCS
UNKNOWN = 'tcb tdx B0C06F000000'        # what they wait for


class Failed(Exception):
    pass


# The unit

def unit(seconds=0.25):
    """Nanoseconds of one P-256 verification, on all processors at once."""
    runs = [subprocess.Popen(['tests/bench/bench', 'unit', str(seconds)], stdout=subprocess.PIPE,
                             text=True) for _ in range(CPUS)]
    return statistics.mean(float(run.communicate()[0]) for run in runs)


# What the server used

class Used:
    """Processor time of a server's processes so far: all of it, and that in the kernel."""

    def __init__(self, server):
        children = {program: server.children(program)
                    for program in ('acceptor', 'fetcher', 'worker')}
        self.pids = [server.process.pid] + sum(children.values(), [])
        self.ns = dict.fromkeys(['supervisor', *children], 0)
        self.user = self.system = 0
        for program, pids in {'supervisor': self.pids[:1], **children}.items():
            for pid in pids:
                self.add(program, pid)

    def add(self, program, pid):
        with open('/proc/%d/stat' % pid) as f:
            fields = f.read().rpartition(')')[2].split()
        self.user += int(fields[11]) / TICK
        self.system += int(fields[12]) / TICK
        for path in glob.glob('/proc/%d/task/*/schedstat' % pid):
            self.ns[program] += int(read(path).split()[0])

    def total(self):
        return sum(self.ns.values())


def settled(server):
    """Once nothing runs any more."""
    before = Used(server)
    while True:
        time.sleep(0.05)
        now = Used(server)
        if now.pids != before.pids:
            raise Failed('a process of the server has ended:\n' + server.text()[-2000:])
        if now.total() - before.total() < 2e6:
            return now
        before = now


# Load

class Cases:
    """Bodies and the answers that are expected, in a directory of files."""

    def __init__(self, pairs):
        self.dir = tempfile.mkdtemp(dir=real.SCRATCH)
        self.n = len(pairs)
        self.bytes = sum(len(body) for body, _ in pairs) // self.n
        for i, (body, answer) in enumerate(pairs):
            for suffix, data in (('body', body), ('answer', answer)):
                with open('%s/%05d.%s' % (self.dir, i, suffix), 'wb') as f:
                    f.write(data)


class Load:
    """One run of wrk; each of its threads has one connection (see load.lua)."""

    def __init__(self, server, cases, seconds, connections=CONNECTIONS):
        out = subprocess.run(
            ['wrk', '-t', str(connections), '-c', str(connections), '-d', '%ds' % seconds,
             '--timeout', '30s', '-s', os.path.join(HERE, 'load.lua'),
             'http://127.0.0.1:%d/' % server.port, '--', cases.dir, str(cases.n),
             str(connections)], capture_output=True, text=True)
        found = re.search(r'^result (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$', out.stdout, re.M)
        if found is None:
            raise Failed('wrk: ' + out.stdout + out.stderr)
        us, self.n, wrong, errors, self.p50_us, self.p99_us = map(int, found.groups())
        if wrong or errors or not self.n:
            raise Failed('%d answers, %d of them wrong, %d connections failed' %
                         (self.n, wrong, errors))
        self.rate = self.n / us * 1e6


def warm(server, cases):
    """Until every worker has seen every body several times."""
    done = 0
    while done < 8 * cases.n + 500:
        done += Load(server, cases, 1).n


class Slice:
    def __init__(self, server, cases, seconds):
        before = settled(server)
        load = Load(server, cases, seconds)
        after = settled(server)
        if after.pids != before.pids:
            raise Failed('a process of the server was replaced')
        self.rate = load.rate
        self.ns = (after.total() - before.total()) / load.n
        self.of = {p: (after.ns[p] - before.ns[p]) / load.n for p in after.ns}
        user, system = after.user - before.user, after.system - before.system
        self.system = system / (user + system)


def row(args, server, name, cases):
    warm(server, cases)
    units, slices = [unit()], []
    for _ in range(args.slices):
        slices.append(Slice(server, cases, args.seconds))
        units.append(unit())
    times = sorted(s.ns * 2 / (a + b) for s, a, b in zip(slices, units, units[1:]))
    middle = statistics.median
    of = ' '.join('%s %.0f' % (p, middle(s.of[p] for s in slices) / 1000)
                  for p in ('acceptor', 'worker'))
    print('%-34s %6d %7d %8.0f %8.1f %7.2f  %.2f-%.2f %6.0f %%  %s; unit %.1f' % (
        name, cases.n, cases.bytes, middle(s.rate for s in slices),
        middle(s.ns for s in slices) / 1000, middle(times), times[0], times[-1],
        100 * middle(s.system for s in slices), of, middle(units) / 1000), flush=True)
    return middle(times)


# Vectors

def judged(collateral, body):
    return real.command(body, '--collateral', collateral, '--at', str(AT))


def lite_row(args):
    """The valid lite attestations of the vectors."""
    paths = sorted(glob.glob(os.path.join(VECTORS, 'attestations', 'tdx-*.json')) +
                   glob.glob(os.path.join(VECTORS, 'dstack-verifier', 'tdx-*.json')))
    pairs = [(read(path), judged(MAY, read(path))) for path in paths]
    with Server(collateral=[MAY], workers=CPUS, log_level='info') as server:
        row(args, server, 'valid lite attestation',
            Cases([pair for pair in pairs if json.loads(pair[1])['is_valid']]))


# An image

def image_row(args):
    """Legacy machines of one image, in the shapes that need no kernel of their own."""
    with Site(tempfile.mkdtemp(dir=real.SCRATCH), FLEET_NOW) as site:
        image = site.image('plain')
        machines = image.machines[:3]
        with Server([site.pccs], at=FLEET_NOW, workers=CPUS, log_level='info', root=site.root,
                    image_download_url=site.images.template) as server:
            pairs = [(body, fleet_answer(server, json.dumps(expected), body))
                     for body, expected in machines]
            times = row(args, server, 'GetQuote, legacy, published image', Cases(pairs))
    print('%-34s %s: %.2f of %d' % ('', 'within the limit' if times <= LIMIT else 'OVER THE LIMIT',
                                    times, LIMIT))


# A fleet

def flat(answer):
    details = answer['details']
    return dict(details['app_info'] or {}, is_valid=answer['is_valid'],
                tcb_status=details['tcb_status'], report_data=details['report_data'],
                ppid=details['platform']['ppid'], fmspc=details['platform']['fmspc'])


def fleet_answer(server, line, body):
    answer = server.post(body)
    found, machine = flat(json.loads(answer)), json.loads(line)
    different = [key for key in machine if key != 'file' and found.get(key) != machine[key]]
    if different:
        raise Failed('%s: not as simulated: %s' % (machine['file'], different))
    return answer


def fleet_row(args, platforms):
    fmspcs = max(1, platforms // 10)
    fleet = tempfile.mkdtemp(dir=real.SCRATCH)
    subprocess.run(['tests/teesim/teesim', 'fleet', '--platforms', str(platforms), '--fmspcs',
                    str(fmspcs), '--quotes', '4', '--form', 'getquote', '--full', '--now',
                    str(FLEET_NOW), fleet], check=True)
    with open(fleet + '/expected.jsonl') as f:
        lines = f.read().splitlines()
    bodies = [read(os.path.join(fleet, json.loads(line)['file'])) for line in lines]
    with Pccs(glob.glob(fleet + '/collateral/*.json')) as pccs, \
            Server([pccs], at=FLEET_NOW, workers=CPUS, log_level='info',
                   root=fleet + '/root.pem') as server:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda p: fleet_answer(server, *p), zip(lines, bodies)))
        row(args, server, 'fleet of %d, GetQuote, lite, full log' % platforms,
            Cases(list(zip(bodies, answers))))
    shutil.rmtree(fleet)


# Latency

def fetched(server, path):
    """A body, and the server's answer to it, which is that of --verify but for where from."""
    body = read(path)
    answer = server.post(body)
    real.same(real.without_pins(answer), real.without_pins(judged(MAY, body)))
    return body, answer


def parked(server, pccs, cases, seconds):
    """A client's latencies while PARKED requests wait for a PCCS that says nothing."""
    pccs.fail(UNKNOWN, 'hang')
    body = read(ELSEWHERE)
    with concurrent.futures.ThreadPoolExecutor(PARKED) as pool:
        waiting = [pool.submit(server.post, body) for _ in range(PARKED)]
        real.wait_for('the fetch', lambda: pccs.count(UNKNOWN))
        load = Load(server, cases, seconds, 1)
        if any(w.done() for w in waiting):
            raise Failed('what was to wait has been answered')
        pccs.fail(UNKNOWN, None)
        pccs.down()
        for w in waiting:
            real.unavailable(json.loads(w.result()))
    return load


def latency_rows(args):
    """Each round a server of its own: that a fetch failed is remembered for a while."""
    rounds = []
    for _ in range(args.slices):
        with Pccs([MAY]) as pccs, Server([pccs], workers=CPUS, log_level='info') as server:
            cases = Cases([fetched(server, path) for path in (LITE, )])
            warm(server, cases)
            rounds.append((Load(server, cases, args.seconds, 1),
                           parked(server, pccs, cases, args.seconds)))
    names = 'one client, nothing else', 'the same beside %d that wait' % PARKED
    for i, name in enumerate(names):
        print('%-34s p50 %.0f us, p99 %.0f us' % (
            name, statistics.median(r[i].p50_us for r in rounds),
            statistics.median(r[i].p99_us for r in rounds)))
    times = sorted(r[1].p99_us / r[0].p99_us for r in rounds)
    print('%-34s p99 %.2f times that of nothing else, %.2f-%.2f' % (
        'for a dead PCCS', statistics.median(times), times[0], times[-1]), flush=True)


ROWS = ['lite', 'image', 'fleet-1', 'fleet-100', 'fleet-1000', 'latency']


def run(args):
    wanted = set(args.rows or ROWS)
    print('%d workers, %d connections; unit: one P-256 verification, on all %d processors' %
          (CPUS, CONNECTIONS, CPUS))
    print('%-34s %6s %7s %8s %8s %7s  %s' % ('warm, all processes together', 'bodies', 'bytes',
                                             '1/s', 'CPU us', 'units', 'low-high   kernel'))
    if 'lite' in wanted:
        lite_row(args)
    if 'image' in wanted:
        image_row(args)
    for n in (1, 100, 1000):
        if 'fleet-%d' % n in wanted:
            fleet_row(args, n)
    if 'latency' in wanted:
        latency_rows(args)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=int, default=2, help='of one slice')
    parser.add_argument('--slices', type=int, default=5)
    parser.add_argument('rows', nargs='*', metavar='ROW', help=', '.join(ROWS))
    args = parser.parse_args()
    if set(args.rows) - set(ROWS):
        parser.error('rows are ' + ', '.join(ROWS))
    for tool, package in (('wrk', 'wrk'), ('ps', 'procps')):
        if shutil.which(tool) is None:
            sys.exit('bench-http: needs %s (Debian: %s)' % (tool, package))
    try:
        run(args)
    except (Failed, AssertionError) as e:
        sys.exit('bench-http: FAILED: %s' % e)
    finally:
        shutil.rmtree(real.SCRATCH, ignore_errors=True)


if __name__ == '__main__':
    main()
