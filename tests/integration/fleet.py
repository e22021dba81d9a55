#!/usr/bin/env python3
"""fleet.py - a simulated fleet over HTTP, with its own PCCS, and with a PCCS that fails in every way.

FLEET_PLATFORMS (20), FLEET_FMSPCS (5) and FLEET_QUOTES (2) say how large it is; make fleet asks for
1 000 platforms of 100 FMSPCs with 10 quotes each.  64 requests are on their way at a time, and each
answer is compared with the identity that the simulator gave that machine.

With a fault nothing may be valid that is not, and what could not be had is never held against the
evidence.
"""

import concurrent.futures
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

from pccs import Pccs           # noqa: E402
from verifier import BUILD, SCRATCH, Server, run_tests, wait_for     # noqa: E402

PLATFORMS = int(os.environ.get('FLEET_PLATFORMS', '20'))
FMSPCS = int(os.environ.get('FLEET_FMSPCS', '5'))
QUOTES = int(os.environ.get('FLEET_QUOTES', '2'))
AT_A_TIME = 64
SAMPLE = 40                     # requests of the fleet that each fault is tried with

# What of a PCCS is as it should be, in the end.
HARMLESS = ('chunks', 'redirects')
# kind, argument: what a server can do wrong.
FAULTS = (
    ('status', '404'), ('status', '429:60'), ('status', '500'), ('status', '503'),
    ('slow', '1'), ('hang', ''), ('truncated', ''), ('longer', ''), ('shorter', ''),
    ('endless', ''), ('chunks', ''), ('huge-header', ''), ('many-headers', ''), ('no-chain', ''),
    ('bad-chain', ''), ('html', ''), ('empty', ''), ('wrong-signer', ''),
    ('redirect', 'http://127.0.0.1:1/elsewhere'), ('redirects', '1'), ('redirects', '9'),
    ('drop', ''),
)
# What can be wrong with all that it has: teesim writes it beside the right one.
LOADS = ('stale', 'future', 'signer')


def made():
    directory = tempfile.mkdtemp(dir=SCRATCH)
    subprocess.run([BUILD + '/tests/teesim/teesim', 'fleet', '--platforms', str(PLATFORMS),
                    '--fmspcs', str(FMSPCS), '--quotes', str(QUOTES), '--form', 'mixed', directory],
                   check=True)
    with open(directory + '/expected.jsonl') as f:
        return directory, [json.loads(line) for line in f]


def files(directory, kind='collateral'):
    where = os.path.join(directory, kind)
    return [os.path.join(where, name) for name in sorted(os.listdir(where))]


def flat(answer):
    """The members that expected.jsonl has."""
    details = answer['details']
    app = details['app_info'] or {}
    platform = details.get('platform') or {}
    return dict(app, is_valid=answer['is_valid'], tcb_status=details['tcb_status'],
                report_data=details['report_data'], ppid=platform.get('ppid'),
                fmspc=platform.get('fmspc'))


class Clients:
    """AT_A_TIME connections that are kept, each asked by a thread of its own."""

    def __init__(self, running, directory):
        self.running = running
        self.directory = directory
        self.local = threading.local()

    def ask(self, machine):
        with open(os.path.join(self.directory, machine['file']), 'rb') as f:
            body = f.read()
        if not hasattr(self.local, 'connection'):
            self.local.connection = http.client.HTTPConnection('127.0.0.1', self.running.port,
                                                               timeout=90)
        self.local.connection.request('POST', '/verify', body)
        response = self.local.connection.getresponse()
        assert response.status == 200, response.status
        return json.loads(response.read())

    def all(self, machines):
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            return list(zip(machines, pool.map(self.ask, machines)))


def wrong(machine, answer):
    """Which members are not what the simulator made."""
    got = flat(answer)
    return [key for key in machine if key != 'file' and got.get(key) != machine[key]]


def test_fleet():
    """Every machine is who the simulator says."""
    directory, machines = made()
    with Pccs(files(directory)) as pccs, \
            Server([pccs], root=directory + '/root.pem', log_level='info') as running:
        clients = Clients(running, directory)
        start = time.monotonic()
        for machine, answer in clients.all(machines):
            assert not wrong(machine, answer), (machine, wrong(machine, answer), answer['reason'])
        seconds = time.monotonic() - start
        print('# %d platforms of %d FMSPCs, %d requests in %.1f s, cold' %
              (PLATFORMS, FMSPCS, len(machines), seconds))
        assert pccs.count() == FMSPCS + 3, pccs.count()


def kind_of(answer):
    if answer['is_valid']:
        return 'valid'
    error = answer['details']['error']
    return '%s%s' % (error['kind'], ', to be asked again' if error['retryable'] else '')


def faulty(directory, machines, spoil):
    """The answers while something is wrong, and whether all is well when it is over."""
    kinds = {}
    with Pccs(files(directory)) as pccs:
        spoil(pccs)
        with Server([pccs], root=directory + '/root.pem', log_level='info',
                    request_deadline_secs=4) as running:
            clients = Clients(running, directory)
            for machine, answer in clients.all(machines):
                if answer['is_valid']:
                    assert not wrong(machine, answer), answer
                else:
                    assert answer['details']['error']['kind'] in ('unavailable', 'internal'), answer
                    assert answer['details']['error']['retryable'], answer
                kinds.setdefault(kind_of(answer), 0)
                kinds[kind_of(answer)] += 1
    return kinds


def show(name, kinds):
    print('# %-28s %s' % (name, ', '.join('%d %s' % (n, kind) for kind, n in
                                          sorted(kinds.items()))))


def test_faults():
    """Whatever a PCCS does, evidence is never at fault for it."""
    directory, machines = made()
    machines = machines[:SAMPLE]

    def one(fault):
        kind, argument = fault
        return faulty(directory, machines, lambda pccs: pccs.fail('*', kind, argument))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for fault, kinds in zip(FAULTS, pool.map(one, FAULTS)):
            show(' '.join(fault), kinds)
            harmless = fault[0] in HARMLESS and fault[1] != '9' or fault == ('slow', '1')
            assert ('valid' in kinds) == harmless, (fault, kinds)
            assert not harmless or list(kinds) == ['valid'], (fault, kinds)


def test_wrong_collateral():
    """Stale, of tomorrow, or signed by somebody else."""
    directory, machines = made()
    machines = machines[:SAMPLE]
    for kind in LOADS:
        kinds = {}
        with Pccs(files(directory)) as pccs:
            pccs.load(files(directory, kind))
            with Server([pccs], root=directory + '/root.pem', log_level='info') as running:
                for machine, answer in Clients(running, directory).all(machines):
                    assert not answer['is_valid'], (kind, answer)
                    assert answer['details']['error']['retryable'], (kind, answer)
                    kinds.setdefault(kind_of(answer), 0)
                    kinds[kind_of(answer)] += 1
        show(kind, kinds)


def test_recovery():
    """An outage, and its end: the same requests are valid without a restart."""
    directory, machines = made()
    machines = machines[:SAMPLE]
    with Pccs(files(directory)) as pccs:
        pccs.fail('*', 'drop', '')
        with Server([pccs], root=directory + '/root.pem', log_level='info') as running:
            clients = Clients(running, directory)
            assert {kind_of(answer) for _, answer in clients.all(machines)} == \
                {'unavailable, to be asked again'}
            pccs.fail('*', None)
            wait_for('the end of the outage', lambda: all(
                not wrong(machine, answer) for machine, answer in clients.all(machines)), 60)


def test_without_certificates():
    """Quotes that name their PCK certificates: asked for once, one after the other."""
    for kind in ('2', '3'):
        directory = tempfile.mkdtemp(dir=SCRATCH)
        subprocess.run([BUILD + '/tests/teesim/teesim', 'fleet', '--platforms', '3', '--quotes', '2',
                        '--certification', kind, directory], check=True)
        with open(directory + '/expected.jsonl') as f:
            machines = [json.loads(line) for line in f]
        with Pccs(files(directory)) as pccs, \
                Server([pccs], root=directory + '/root.pem', log_level='info') as running:
            clients = Clients(running, directory)
            pccs.fail('pck', 'status', '404')
            assert kind_of(clients.ask(machines[0])) == 'unavailable, to be asked again'
            pccs.fail('pck', None)
            for machine in machines[2:]:
                wait_for('a certificate', lambda m=machine: not wrong(m, clients.ask(m)))
            assert pccs.count('pck') == 3, pccs.count('pck')


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
