"""Facts: parking, single flight, CHECKED, a fetcher that dies or lies."""

import threading
import time

from acceptor_lib import *  # noqa: F403

KEY = key_tcb(1)


def needing(acceptor, n, key=KEY, slots=(0,)):
    """n clients whose jobs, at these workers, need the key."""
    clients = []
    for number in range(n):
        clients.append(acceptor.connect())
        clients[-1].post(b'body %d' % number)
        peer = acceptor.workers[slots[number % len(slots)]]
        job, _ = peer.expect('JOB')
        peer.send('NEED', key, job)
    return clients


def answer_job(peer, text=None):
    job, payload = peer.expect('JOB')
    failures, body = job_parts(payload)
    peer.send('VERDICT', verdict(text or b'{"for":"' + body + b'"}'), job)
    return failures


def test_candidate():
    """One fetch for many jobs; the first worker's word decides, and goes back."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 5)
    _, key = acceptor.fetcher.expect('FETCH')
    assert key == KEY and acceptor.fetcher.silent()
    found = fact(KEY, 77)
    acceptor.fetcher.send('FOUND', found)
    _, got = acceptor.workers[0].expect('FACT')
    assert got == found
    assert acceptor.workers[0].silent(), 'resumed before its word'
    word = checked(found)
    acceptor.workers[0].send('CHECKED', word)
    assert acceptor.fetcher.expect('CHECKED')[1] == word
    for client in clients:
        assert answer_job(acceptor.workers[0]) == []
    for number, client in enumerate(clients):
        assert client.answer()[2] == b'{"for":"body %d"}' % number
    # What nobody waits for any more is asked for again.
    kept = needing(acceptor, 1)  # noqa: F841
    assert acceptor.fetcher.expect('FETCH')[1] == KEY
    acceptor.stop()


def test_candidate_two_workers():
    """To the other workers only once the first has accepted it."""
    acceptor = Acceptor(workers=2)
    first, second = acceptor.workers
    clients = []
    for number in range(4):
        clients.append(acceptor.connect())
        clients[-1].post(b'body %d' % number)
        time.sleep(0.05)
    for peer in (first, second, first, second):
        job, _ = peer.expect('JOB')
        peer.send('NEED', KEY, job)
    acceptor.fetcher.expect('FETCH')
    found = fact(KEY, 1)
    acceptor.fetcher.send('FOUND', found)
    first.expect('FACT')
    assert second.silent()
    first.send('CHECKED', checked(found))
    acceptor.fetcher.expect('CHECKED')
    second.expect('FACT')
    second.send('CHECKED', checked(found))
    for peer in (first, second, first, second):
        answer_job(peer)
    assert acceptor.fetcher.silent()
    for client in clients:
        assert client.answer()[0] == 200
    acceptor.stop()


def test_stored():
    """What was accepted before goes to all workers that wait, at once."""
    acceptor = Acceptor(workers=2)
    first, second = acceptor.workers
    clients = [acceptor.connect() for _ in range(2)]
    for number, client in enumerate(clients):
        client.post(b'body %d' % number)
        time.sleep(0.05)
    for peer in (first, second):
        job, _ = peer.expect('JOB')
        peer.send('NEED', KEY, job)
    acceptor.fetcher.expect('FETCH')
    found = fact(KEY, 1, candidate=False)
    acceptor.fetcher.send('FOUND', found)
    for peer in (first, second):
        peer.expect('FACT')
    second.send('CHECKED', checked(found))
    assert acceptor.fetcher.expect('CHECKED')[1] == checked(found)
    answer_job(second)
    assert first.silent()
    # The first thinks otherwise: another one is asked for, for its jobs alone.
    first.send('CHECKED', checked(found, False, b'older than one seen'))
    assert acceptor.fetcher.expect('FETCH')[1] == KEY
    newer = fact(KEY, 2)
    acceptor.fetcher.send('FOUND', newer)
    first.expect('FACT')
    first.send('CHECKED', checked(newer))
    answer_job(first)
    for client in clients:
        assert client.answer()[0] == 200
    acceptor.stop()


def test_several_keys():
    """A job goes on when all that it asked for has come, or cannot come."""
    acceptor = Acceptor(workers=1)
    keys = [key_tcb(1), b'\2\2\0', b'\3\2', b'\4']
    clients = needing(acceptor, 1, b''.join(keys))
    assert [acceptor.fetcher.expect('FETCH')[1] for _ in keys] == keys
    for serial in (0, 1):
        found = fact(keys[serial], serial)
        acceptor.fetcher.send('FOUND', found)
        acceptor.workers[0].expect('FACT')
        acceptor.workers[0].send('CHECKED', checked(found))
    acceptor.fetcher.send('FAILED', keys[3] + b'\x94\1\0\0\0')
    assert acceptor.workers[0].silent()
    acceptor.fetcher.send('FAILED', keys[2] + b'\0\0\0\3\0why')
    assert answer_job(acceptor.workers[0]) == [(keys[2], 0, b'why'), (keys[3], 404)]
    assert clients[0].answer()[0] == 200
    acceptor.stop()


def test_rejected():
    """The fetcher is told, tries elsewhere, and nothing resumes meanwhile."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 2)
    acceptor.fetcher.expect('FETCH')
    for serial in (1, 2):
        found = fact(KEY, serial, body=b'forged')
        acceptor.fetcher.send('FOUND', found)
        acceptor.workers[0].expect('FACT')
        word = checked(found, False, b'signature is invalid')
        acceptor.workers[0].send('CHECKED', word)
        assert acceptor.fetcher.expect('CHECKED')[1] == word
        assert acceptor.workers[0].silent()
    acceptor.fetcher.send('FAILED', KEY + b'\0\0\0\0\0')
    for client in clients:
        assert answer_job(acceptor.workers[0]) == [(KEY, 0)]
        assert client.answer()[0] == 200
    assert 'event=rejected reason="signature is invalid"' in acceptor.log()
    acceptor.stop()


def test_stale():
    """Served for want of a newer one: jobs go on with it, and with a failure of its key."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 2)
    acceptor.fetcher.expect('FETCH')
    found = fact(KEY, 5, candidate=False, stale=True)
    acceptor.fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    acceptor.workers[0].send('CHECKED', checked(found))
    for client in clients:
        assert answer_job(acceptor.workers[0]) == [(KEY, 0)]
        assert client.answer()[0] == 200
    acceptor.stop()


def test_loop():
    """A worker that accepts a fact and asks for it again does not go on for ever."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 1)
    for asked in range(3):
        acceptor.fetcher.expect('FETCH')
        found = fact(KEY, asked)
        acceptor.fetcher.send('FOUND', found)
        acceptor.workers[0].expect('FACT')
        acceptor.workers[0].send('CHECKED', checked(found))
        acceptor.fetcher.expect('CHECKED')
        job, payload = acceptor.workers[0].expect('JOB')
        assert job_parts(payload)[0] == []
        acceptor.workers[0].send('NEED', KEY, job)
    job, payload = acceptor.workers[0].expect('JOB')
    assert job_parts(payload)[0] == [(KEY, 0)]
    # And asks even for what it was told is not to be had.
    acceptor.workers[0].send('NEED', KEY, job)
    assert clients[0].answer()[2] == INTERNAL
    assert acceptor.fetcher.silent()
    acceptor.stop()


def test_keys_without_end():
    """Nor one that asks for ever other keys."""
    acceptor = Acceptor(workers=1)
    client = acceptor.connect()
    client.post(b'x')
    for number in range(8):
        job, _ = acceptor.workers[0].expect('JOB')
        acceptor.workers[0].send('NEED', key_tcb(number), job)
        acceptor.fetcher.expect('FETCH')
        acceptor.fetcher.send('FAILED', key_tcb(number) + b'\0\0\0\0\0')
    job, payload = acceptor.workers[0].expect('JOB')
    assert len(job_parts(payload)[0]) == 8
    acceptor.workers[0].send('NEED', key_tcb(99), job)
    assert client.answer()[2] == INTERNAL
    acceptor.stop()


def test_parked_bounds():
    for config in (dict(parked_max_jobs=3), dict(parked_max_bytes=20)):
        acceptor = Acceptor(workers=1, **config)
        clients = needing(acceptor, 4)
        assert clients[3].answer()[0] == 503
        acceptor.fetcher.expect('FETCH')
        acceptor.fetcher.send('FAILED', KEY + b'\0\0\0\0\0')
        for client in clients[:3]:
            answer_job(acceptor.workers[0])
            assert client.answer()[0] == 200
        acceptor.stop()


def test_others_unhindered():
    """Jobs that wait take no worker and no place in the queue."""
    acceptor = Acceptor(workers=1, queue_max_jobs=1)
    kept = needing(acceptor, 50)  # noqa: F841
    other = acceptor.connect()
    other.post(b'warm')
    answer_job(acceptor.workers[0])
    assert other.answer()[2] == b'{"for":"warm"}'
    acceptor.stop()


def test_client_gone():
    """A parked job goes with its client; what was fetched for it is still judged."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 2)
    acceptor.fetcher.expect('FETCH')
    before = acceptor.descriptors()
    for client in clients:
        client.close()
    wait_for(lambda: acceptor.descriptors() == before - 2)
    # Whoever comes now joins the fetch that is under way.
    late = needing(acceptor, 1)
    assert acceptor.fetcher.silent()
    late[0].close()
    wait_for(lambda: acceptor.descriptors() == before - 2)
    found = fact(KEY, 1)
    acceptor.fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    acceptor.workers[0].send('CHECKED', checked(found))
    acceptor.fetcher.expect('CHECKED')
    assert acceptor.workers[0].silent()
    acceptor.stop()


def test_deadline():
    acceptor = Acceptor(workers=1, request_deadline_secs=1, image_download_timeout_secs=2)
    clients = needing(acceptor, 1) + needing(acceptor, 1, key_image(5))
    begun = time.monotonic()
    assert clients[0].answer()[2] == DEADLINE
    assert time.monotonic() - begun < 2
    assert clients[1].answer()[2] == DEADLINE
    assert 2.5 < time.monotonic() - begun < 4
    acceptor.stop()


def test_refresh():
    """Fetched unasked: to one worker, its word back, then to all others."""
    acceptor = Acceptor(workers=3)
    found = fact(KEY, 9, refresh=True)
    acceptor.fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    assert acceptor.workers[1].silent() and acceptor.workers[2].silent(0)
    acceptor.workers[0].send('CHECKED', checked(found))
    assert acceptor.fetcher.expect('CHECKED')[1] == checked(found)
    for peer in acceptor.workers[1:]:
        peer.expect('FACT')
        peer.send('CHECKED', checked(found))
    assert acceptor.fetcher.silent() and acceptor.workers[0].silent(0)
    # A bad one goes no further than to the first.
    found = fact(KEY, 10, refresh=True)
    acceptor.fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    acceptor.workers[0].send('CHECKED', checked(found, False))
    acceptor.fetcher.expect('CHECKED')
    assert acceptor.workers[1].silent() and acceptor.workers[2].silent(0)
    acceptor.stop()


def test_refresh_crosses_fetch():
    """A refresh is no answer: that comes by itself, and resumes the jobs."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 1)
    acceptor.fetcher.expect('FETCH')
    for found in (fact(KEY, 9, refresh=True), fact(KEY, 10, candidate=False, refresh=True)):
        acceptor.fetcher.send('FOUND', found)
        acceptor.workers[0].expect('FACT')
        acceptor.workers[0].send('CHECKED', checked(found))
        acceptor.fetcher.expect('CHECKED')
    assert acceptor.workers[0].silent(), 'resumed by a refresh'
    found = fact(KEY, 11, candidate=False)
    acceptor.fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    acceptor.workers[0].send('CHECKED', checked(found))
    acceptor.fetcher.expect('CHECKED')
    answer_job(acceptor.workers[0])
    assert clients[0].answer()[0] == 200
    acceptor.stop()


def test_fetcher_goes_on():
    """A word that is late: the next FOUND takes the place of the first."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 1)
    acceptor.fetcher.expect('FETCH')
    first, second = fact(KEY, 1), fact(KEY, 2)
    for found in (first, second):
        acceptor.fetcher.send('FOUND', found)
        acceptor.workers[0].expect('FACT')
    acceptor.workers[0].send('CHECKED', checked(first))
    assert acceptor.fetcher.expect('CHECKED')[1] == checked(first)
    assert acceptor.workers[0].silent()
    acceptor.workers[0].send('CHECKED', checked(second))
    assert acceptor.fetcher.expect('CHECKED')[1] == checked(second)
    answer_job(acceptor.workers[0])
    assert clients[0].answer()[0] == 200
    acceptor.stop()


def test_refresh_without_workers():
    acceptor = Acceptor(workers=0)
    found = fact(KEY, 9, refresh=True)
    acceptor.fetcher.send('FOUND', found)
    assert acceptor.fetcher.silent()
    worker = acceptor.worker(4)
    worker.expect('FACT')
    worker.send('CHECKED', checked(found))
    acceptor.fetcher.expect('CHECKED')
    acceptor.stop()


def test_unasked():
    """What nobody asked for costs the fetcher its connection."""
    for name, payload in (('FOUND', fact(KEY, 1)), ('FOUND', b''), ('FAILED', b'\x63\0\0'),
                          ('FAILED', KEY + b'\0'), ('VERDICT', verdict(b'{}'))):
        acceptor = Acceptor(workers=1)
        acceptor.fetcher.send(name, payload)
        assert acceptor.fetcher.ended(), name
        acceptor.stop()
    # A refresh that came to nothing is no news.
    acceptor = Acceptor(workers=1)
    acceptor.fetcher.send('FAILED', KEY + b'\0\0\0\0\0')
    assert acceptor.fetcher.silent()
    acceptor.stop()


def test_fetcher_dies():
    """The next one is asked for all that is still waited for."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 3) + needing(acceptor, 1, key_tcb(2))
    assert {acceptor.fetcher.expect('FETCH')[1] for _ in range(2)} == {KEY, key_tcb(2)}
    # One has been found, and its judge is slow.
    found = fact(KEY, 1)
    acceptor.fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    acceptor.fetcher.close()
    fetcher = acceptor.new_fetcher()
    assert fetcher.expect('FETCH')[1] == key_tcb(2)
    # The new one knows nothing of that serial, and is not told; the jobs go on.
    acceptor.workers[0].send('CHECKED', checked(found))
    for _ in range(3):
        answer_job(acceptor.workers[0])
    assert fetcher.silent()
    found = fact(key_tcb(2), 1)
    fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    acceptor.workers[0].send('CHECKED', checked(found))
    fetcher.expect('CHECKED')
    answer_job(acceptor.workers[0])
    for client in clients:
        assert client.answer()[0] == 200
    acceptor.stop()


def test_no_fetcher():
    """Needs wait for one to come."""
    acceptor = Acceptor(workers=1, fetcher=False)
    clients = needing(acceptor, 2)
    time.sleep(0.1)
    fetcher = acceptor.new_fetcher()
    assert fetcher.expect('FETCH')[1] == KEY and fetcher.silent()
    fetcher.send('FAILED', KEY + b'\0\0\0\0\0')
    for client in clients:
        answer_job(acceptor.workers[0])
        assert client.answer()[0] == 200
    acceptor.stop()


def test_rejected_after_the_fetcher_died():
    acceptor = Acceptor(workers=1)
    kept = needing(acceptor, 1)  # noqa: F841
    acceptor.fetcher.expect('FETCH')
    found = fact(KEY, 1)
    acceptor.fetcher.send('FOUND', found)
    acceptor.workers[0].expect('FACT')
    acceptor.fetcher.close()
    fetcher = acceptor.new_fetcher()
    assert fetcher.silent()
    acceptor.workers[0].send('CHECKED', checked(found, False))
    assert fetcher.expect('FETCH')[1] == KEY
    acceptor.stop()


def test_judge_dies():
    """The next worker judges; a fact that kills two is a bad one."""
    acceptor = Acceptor(workers=2)
    first, second = acceptor.workers
    clients = needing(acceptor, 1)
    acceptor.fetcher.expect('FETCH')
    found = fact(KEY, 1)
    acceptor.fetcher.send('FOUND', found)
    first.expect('FACT')
    first.close()
    second.expect('FACT')
    second.close()
    assert acceptor.fetcher.expect('CHECKED')[1] == checked(
        found, False, b'it cost two workers their lives')[:len(KEY) + 8 + 1] + bytes(24) + span(
        b'it cost two workers their lives')
    acceptor.fetcher.send('FAILED', KEY + b'\0\0\0\0\0')
    assert answer_job(acceptor.worker(0)) == [(KEY, 0)]
    assert clients[0].answer()[0] == 200
    acceptor.stop()


def test_worker_dies_with_parked_jobs():
    """They go on at another worker, which is given the fact in its turn."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 3)
    acceptor.fetcher.expect('FETCH')
    acceptor.workers[0].close()
    worker = acceptor.worker(0)
    found = fact(KEY, 1)
    acceptor.fetcher.send('FOUND', found)
    worker.expect('FACT')
    worker.send('CHECKED', checked(found))
    for client in clients:
        answer_job(worker)
        assert client.answer()[0] == 200
    acceptor.stop()


def test_wrong_checked():
    """The word on another fact than the one that was given costs the worker its life."""
    for wrong in (fact(key_tcb(2), 1), fact(KEY, 2)):
        acceptor = Acceptor(workers=1)
        clients = needing(acceptor, 1)
        acceptor.fetcher.expect('FETCH')
        found = fact(KEY, 1)
        acceptor.fetcher.send('FOUND', found)
        acceptor.workers[0].expect('FACT')
        acceptor.workers[0].send('CHECKED', checked(wrong))
        assert acceptor.workers[0].ended()
        worker = acceptor.worker(0)
        worker.expect('FACT')
        worker.send('CHECKED', checked(found))
        acceptor.fetcher.expect('CHECKED')
        answer_job(worker)
        assert clients[0].answer()[0] == 200
        acceptor.stop()


def test_pck():
    """Eight jobs wait for certificates at most, and one request goes out in a second."""
    acceptor = Acceptor(workers=1)
    clients = needing(acceptor, 8, key_pck(1))
    assert acceptor.fetcher.expect('FETCH')[1] == key_pck(1)
    over = needing(acceptor, 1, key_pck(1))
    assert answer_job(acceptor.workers[0]) == [(key_pck(1), 0)]
    assert over[0].answer()[0] == 200
    acceptor.fetcher.send('FAILED', key_pck(1) + b'\x94\1\0\0\0')
    for client in clients:
        assert answer_job(acceptor.workers[0]) == [(key_pck(1), 404)]
    # Room again, but another certificate so soon?
    time.sleep(1.1)
    clients = needing(acceptor, 1, key_pck(2))
    assert acceptor.fetcher.expect('FETCH')[1] == key_pck(2)
    over = needing(acceptor, 1, key_pck(3))
    assert answer_job(acceptor.workers[0]) == [(key_pck(3), 0)]
    assert over[0].answer()[0] == 200
    acceptor.stop()


def test_large():
    """Facts of the largest size, to several workers."""
    acceptor = Acceptor(workers=2)
    found = fact(KEY, 1, refresh=True, body=bytes(range(256)) * 30000)
    threading.Thread(target=acceptor.fetcher.send, args=('FOUND', found), daemon=True).start()
    for peer in acceptor.workers:
        assert peer.expect('FACT')[1] == found
        peer.send('CHECKED', checked(found))
    acceptor.fetcher.expect('CHECKED')
    acceptor.stop()


if __name__ == '__main__':
    main(globals())
