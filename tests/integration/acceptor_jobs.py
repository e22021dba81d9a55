"""Jobs: the queue and its bounds, workers that die, deadlines, the end."""

import json
import re
import signal
import threading
import time

from acceptor_lib import *  # noqa: F403


def test_depth():
    """Two jobs at a worker; the third waits, and goes to whoever is free first."""
    acceptor = Acceptor(workers=2)
    clients = [acceptor.connect() for _ in range(5)]
    for number, client in enumerate(clients):
        client.post(b'%d' % number)
        time.sleep(0.02)
    jobs = {0: [], 1: []}
    for slot in (0, 1, 0, 1):
        job, payload = acceptor.workers[slot].expect('JOB')
        assert job_parts(payload) == ([], b'%d' % (len(jobs[0]) + len(jobs[1])))
        jobs[slot].append(job)
    assert acceptor.workers[0].silent() and acceptor.workers[1].silent(0)
    acceptor.workers[1].send('VERDICT', verdict(b'{"b":1}'), jobs[1][0])
    assert clients[1].answer()[2] == b'{"b":1}'
    job, payload = acceptor.workers[1].expect('JOB')
    assert payload[4:] == b'4'
    acceptor.stop()


def test_queue_bound():
    """No worker: the queue fills, health answers, then 503; a worker empties it."""
    acceptor = Acceptor(workers=0, queue_max_jobs=3)
    clients = [acceptor.connect() for _ in range(5)]
    for client in clients[:3]:
        client.post(b'waits')
    time.sleep(0.1)
    clients[3].post(b'too much')
    status, headers, body = clients[3].answer()
    assert (status, headers['retry-after']) == (503, '1')
    assert json.loads(body)['error']['code'] == 503
    clients[3].send(b'GET /health HTTP/1.1\r\n\r\n')
    assert clients[3].answer()[0] == 200
    # Who leaves makes room.
    clients[0].close()
    wait_for(lambda: acceptor.log().count('event=') >= 0 and post_waits(acceptor, clients[4]))
    Answering(acceptor.worker(0))
    for client in clients[1:3] + [clients[4]]:
        assert client.answer()[0] == 200
    acceptor.stop()


def post_waits(acceptor, client):
    client.post(b'is there room now')
    client.sock.settimeout(0.3)
    try:
        return client.answer()[0] != 503
    except TimeoutError:
        return True
    finally:
        client.sock.settimeout(PATIENCE)


def test_byte_budget():
    acceptor = Acceptor(workers=0, parked_max_bytes=2500)
    first, second, third = [acceptor.connect() for _ in range(3)]
    first.post(b'x' * 1000)
    second.post(b'x' * 1000)
    time.sleep(0.1)
    third.post(b'x' * 1000)
    assert third.answer()[0] == 503
    third.post(b'x' * 100)
    time.sleep(0.1)
    Answering(acceptor.worker(0))
    for client in (first, second, third):
        assert client.answer()[0] == 200
    acceptor.stop()


def test_body_larger_than_the_budget():
    """While a worker has room nothing has to wait, so no budget is asked."""
    acceptor = Acceptor(workers=1, parked_max_bytes=2500)
    Answering(acceptor.workers[0])
    client = acceptor.connect()
    client.post(b'x' * 2600)
    assert client.answer()[0] == 200
    acceptor.stop()


def test_worker_dies():
    """Its job goes once to another; the other one it had was not being worked on."""
    acceptor = Acceptor(workers=1)
    clients = [acceptor.connect() for _ in range(2)]
    for number, client in enumerate(clients):
        client.post(b'body %d' % number)
        time.sleep(0.02)
    for death in range(2):
        first = job_parts(acceptor.workers[0].expect('JOB')[1])[1]
        second = job_parts(acceptor.workers[0].expect('JOB')[1])[1]
        assert (first, second) == (b'body 0', b'body 1')
        acceptor.workers[0].close()
        acceptor.workers[0] = acceptor.worker(0)
    status, _, body = clients[0].answer()
    assert status == 500 and json.loads(body)['error']['code'] == 500
    assert re.search(r'^<3>acceptor job=1 error=.* body_len=6 body_siphash=[0-9a-f]{16}$',
                     acceptor.log(), re.M), acceptor.log()
    Answering(acceptor.workers[0])
    assert clients[1].answer()[2] == b'{"for":"body 1"}'
    acceptor.stop()


def test_worker_dies_after_its_answer():
    acceptor = Acceptor(workers=1)
    client = acceptor.connect()
    client.post(b'x')
    job, _ = acceptor.workers[0].expect('JOB')
    acceptor.workers[0].send('VERDICT', verdict(b'{"last":"words"}'), job)
    acceptor.workers[0].close()
    assert client.answer()[2] == b'{"last":"words"}'
    acceptor.stop()


def test_worker_replaced():
    """WORKER for a slot in use: the old one is dropped, its job goes to the new one."""
    acceptor = Acceptor(workers=1)
    client = acceptor.connect()
    client.post(b'x')
    acceptor.workers[0].expect('JOB')
    new = acceptor.worker(0)
    assert acceptor.workers[0].ended()
    Answering(new)
    assert client.answer()[2] == b'{"for":"x"}'
    acceptor.stop()


def test_nonsense():
    """A worker that makes no sense is dropped; its job goes to another."""
    nonsense = [
        ('VERDICT', lambda job: verdict(b'{}'), 1),             # of another job
        ('CHECKED', lambda job: checked(fact(key_tcb(1), 1)), -1),
        ('VERDICT', lambda job: verdict(b'{}')[:5], 0),
        ('VERDICT', lambda job: verdict(b'{}', 200, True, True), 0),    # valid and unavailable
        ('VERDICT', lambda job: verdict(b'{}', 204), 0),
        ('NEED', lambda job: b'', 0),
        ('NEED', lambda job: b'\x63', 0),
        ('NEED', lambda job: key_tcb(1) * 5, 0),
        ('NEED', lambda job: key_tcb(1, tee=3), 0),
        ('FOUND', lambda job: fact(key_tcb(1), 1), 0),
        ('DRAIN', lambda job: b'', 0),
    ]
    for name, payload, off in nonsense:
        acceptor = Acceptor(workers=1)
        client = acceptor.connect()
        client.post(b'x')
        job, _ = acceptor.workers[0].expect('JOB')
        acceptor.workers[0].send(name, payload(job), job + off)
        assert acceptor.workers[0].ended(), name
        Answering(acceptor.worker(1))
        assert client.answer()[2] == b'{"for":"x"}', name
        acceptor.stop()
    # Nor may it speak when nothing was asked.
    acceptor = Acceptor(workers=1)
    acceptor.workers[0].send('VERDICT', verdict(b'{}'), 1)
    assert acceptor.workers[0].ended()
    acceptor.stop()


def test_client_gone():
    """Its waiting job is dropped, the answer to its running one thrown away."""
    acceptor = Acceptor(workers=1)
    before = acceptor.descriptors()
    clients = [acceptor.connect() for _ in range(4)]
    for number, client in enumerate(clients):
        client.post(b'%d' % number)
        time.sleep(0.02)
    jobs = [acceptor.workers[0].expect('JOB')[0] for _ in range(2)]
    clients[0].close()
    clients[2].reset()
    wait_for(lambda: acceptor.descriptors() == before + 2)
    for job in jobs:
        acceptor.workers[0].send('VERDICT', verdict(b'{"j":%d}' % job), job)
    assert clients[1].answer()[2] == b'{"j":2}'
    job, payload = acceptor.workers[0].expect('JOB')
    assert job_parts(payload)[1] == b'3'
    acceptor.workers[0].send('VERDICT', verdict(b'{"j":4}'), job)
    assert clients[3].answer()[2] == b'{"j":4}'
    acceptor.stop()


def test_deadline():
    acceptor = Acceptor(workers=1, request_deadline_secs=1)
    client = acceptor.connect()
    client.post(b'slow')
    job, _ = acceptor.workers[0].expect('JOB')
    status, headers, body = client.answer()
    assert (status, body) == (200, DEADLINE) and 'connection' not in headers
    # The connection goes on, and the late answer is nobody's.
    client.post(b'next')
    acceptor.workers[0].send('VERDICT', verdict(b'{"late":1}'), job)
    acceptor.workers[0].expect('JOB')
    acceptor.workers[0].send('VERDICT', verdict(b'{"next":1}'), job + 1)
    assert client.answer()[2] == b'{"next":1}'
    acceptor.stop()


def test_deadline_without_workers():
    acceptor = Acceptor(workers=0, request_deadline_secs=1)
    client = acceptor.connect()
    client.post(b'x')
    assert client.answer()[0] == 503
    acceptor.stop()


def test_stuck():
    acceptor = Acceptor(workers=2, request_deadline_secs=60)
    client = acceptor.connect()
    begun = time.monotonic()
    client.post(b'x')
    acceptor.workers[0].expect('JOB')
    _, payload = acceptor.supervisor.expect('STUCK')
    assert payload == b'\0\0\0\0'
    assert 9 < time.monotonic() - begun < 14
    # Told once; the supervisor kills it, and the job goes to the other one.
    assert acceptor.supervisor.silent(1.5)
    Answering(acceptor.workers[1])
    acceptor.workers[0].close()
    assert client.answer()[2] == b'{"for":"x"}'
    acceptor.stop()


def test_drain():
    """SIGTERM and its like do nothing; DRAIN answers what runs, refuses the rest, exits 0."""
    acceptor = Acceptor(workers=1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        acceptor.process.send_signal(number)
    running, idle, half = [acceptor.connect() for _ in range(3)]
    running.post(b'runs')
    half.send(b'POST /verify HTTP/1.1\r\nContent-Length: 4\r\n\r\nlat')
    idle.send(b'GET /health HTTP/1.1\r\n\r\n')
    assert idle.answer()[0] == 200
    job, _ = acceptor.workers[0].expect('JOB')
    acceptor.supervisor.send('DRAIN')
    assert idle.closed()
    half.send(b'e')
    status, headers, _ = half.answer()
    assert (status, headers['connection'], headers['retry-after']) == (503, 'close', '1')
    try:
        acceptor.connect()
        assert False, 'still accepts'
    except ConnectionRefusedError:
        pass
    acceptor.workers[0].send('VERDICT', verdict(b'{"ran":1}'), job)
    status, headers, body = running.answer()
    assert (status, headers['connection'], body) == (200, 'close', b'{"ran":1}')
    assert acceptor.process.wait(PATIENCE) == 0


def test_drain_deadline():
    acceptor = Acceptor(workers=1, drain_deadline_secs=1)
    client = acceptor.connect()
    client.post(b'x')
    acceptor.workers[0].expect('JOB')
    acceptor.supervisor.send('DRAIN')
    assert acceptor.process.wait(PATIENCE) == 0
    assert 'drain_deadline' in acceptor.log()


def test_idle_drain():
    acceptor = Acceptor(workers=1)
    acceptor.supervisor.send('DRAIN')
    assert acceptor.process.wait(PATIENCE) == 0


def test_bad_supervisor():
    acceptor = Acceptor(workers=0)
    acceptor.supervisor.send('JOB')
    assert acceptor.process.wait(PATIENCE) == 1
    assert 'may not send' in acceptor.log()


def test_pipelined_deaths():
    """Workers that die all the time, many clients: nobody gets another's answer."""
    acceptor = Acceptor(workers=2)
    stop = threading.Event()
    peers = {}

    def dying(slot):
        peer = acceptor.workers[slot]
        while not stop.is_set():
            try:
                for _ in range(20):
                    _, job, payload = peer.receive()
                    body = job_parts(payload)[1]
                    peer.send('VERDICT', verdict(b'{"for":"' + body + b'"}'), job)
            except (EOFError, OSError):
                return
            peer.close()
            with lock:
                peer = peers[slot] = acceptor.worker(slot)

    lock = threading.Lock()
    for slot in (0, 1):
        threading.Thread(target=dying, args=(slot,), daemon=True).start()
    results = {200: 0, 500: 0}

    def client(number):
        connection = acceptor.connect()
        for round in range(30):
            body = b'%d.%d' % (number, round)
            connection.post(body)
            status, _, got = connection.answer()
            assert status == 500 or got == b'{"for":"' + body + b'"}'
            results[status] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(results.values()) == 600 and results[200] > 500, results
    stop.set()
    acceptor.stop()


if __name__ == '__main__':
    main(globals())
