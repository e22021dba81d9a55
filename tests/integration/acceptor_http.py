"""What clients see of the acceptor: statuses, headers, limits, connections."""

import json
import socket
import threading
import time

from acceptor_lib import *  # noqa: F403

CHUNKED = b'POST /verify HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'


def answering(workers=1, answer=None, **config):
    acceptor = Acceptor(workers=workers, **config)
    for worker in acceptor.workers:
        Answering(worker) if answer is None else Answering(worker, answer)
    return acceptor


def test_headers():
    acceptor = answering()
    client = acceptor.connect()
    client.post(b'hello')
    status, headers, body = client.answer()
    assert (status, body) == (200, b'{"for":"hello"}')
    date = headers.pop('date')
    assert abs(time.mktime(time.strptime(date, '%a, %d %b %Y %H:%M:%S GMT')) -
               time.timezone - time.time()) < 5
    assert headers == {
        'server': 'dstack-verifier', 'x-content-type-options': 'nosniff',
        'content-type': 'application/json', 'content-length': '15'}, headers
    client.send(b'GET /health HTTP/1.1\r\n\r\n')
    health = client.answer()
    assert health[0] == 200 and health[2] == b'{"status":"ok","service":"dstack-verifier"}'
    client.send(b'HEAD /health HTTP/1.1\r\n\r\n')
    assert client.answer(head_only=True)[1]['content-length'] == health[1]['content-length']
    client.send(b'GET /health HTTP/1.0\r\n\r\n')
    assert client.answer()[1]['connection'] == 'close'
    assert client.closed()
    acceptor.stop()


# name, request, status, part of detail, whether the connection goes on
ROWS = [
    ('get', b'GET /verify HTTP/1.1\r\n\r\n', 404, 'there are POST', True),
    ('post health', request(b'', '/health'), 404, '', True),
    ('post health with a body', request(b'x', '/health'), 404, '', False),
    ('slash', b'GET / HTTP/1.1\r\n\r\n', 404, '', True),
    ('trailing slash', request(b'', '/verify/'), 404, '', True),
    ('options', b'OPTIONS * HTTP/1.1\r\n\r\n', 404, '', True),
    ('body for nobody', request(b'x' * 100, '/no'), 404, '', False),
    ('too long', request(b'x' * 2000), 413, 'max_body_bytes', False),
    ('chunked too long', CHUNKED + b'3e9\r\n' + b'x' * 1001, 413, 'max_body_bytes', False),
    ('head too long', b'GET /health HTTP/1.1\r\nX: ' + b'y' * 17000, 431, '16384', False),
    ('too many lines', b'GET /health HTTP/1.1\r\n' + b'X: y\r\n' * 101, 431, '100', False),
    ('coding', b'POST /verify HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n', 501, 'chunked', False),
    ('both lengths', b'POST /verify HTTP/1.1\r\nContent-Length: 1\r\n'
     b'Transfer-Encoding: chunked\r\n\r\n', 400, 'Content-Length', False),
    ('two lengths', b'POST /verify HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
     400, 'Content-Length', False),
    ('folded', b'POST /verify HTTP/1.1\r\nX: a\r\n b\r\n\r\n', 400, 'goes on', False),
    ('space before colon', b'POST /verify HTTP/1.1\r\nX : a\r\n\r\n', 400, 'header', False),
    ('no HTTP', b'\x16\x03\x01\x02\x00', 400, '', False),
]


def test_errors():
    acceptor = answering(max_body_bytes=1000)
    for name, raw, status, detail, goes_on in ROWS:
        client = acceptor.connect()
        client.send(raw)
        got, headers, body = client.answer()
        assert got == status, (name, got)
        error = json.loads(body)['error']
        assert list(error) == ['code', 'reason', 'description', 'detail'], name
        assert error['code'] == status and detail in error['detail'], (name, error)
        assert (headers.get('connection') != 'close') == goes_on, name
        if goes_on:
            client.post(b'next')
            assert client.answer()[2] == b'{"for":"next"}', name
        else:
            assert client.closed(), name
        client.close()
    acceptor.stop()


def test_strict_http():
    acceptor = answering(strict_http=True)
    client = acceptor.connect()
    for raw, allow in ((b'GET /verify HTTP/1.1\r\n\r\n', 'POST'),
                       (b'PUT /health HTTP/1.1\r\n\r\n', 'GET, HEAD')):
        client.send(raw)
        status, headers, _ = client.answer()
        assert (status, headers['allow']) == (405, allow)
    acceptor.stop()


def test_worker_statuses():
    """What the worker says becomes status and body."""
    answers = {
        b'400': verdict(b'expected value at line 1', 400, False),
        b'422': verdict(b'missing "field"', 422, False),
        b'bad': verdict(b'{"is_valid":false}', 200, False),
        b'gone': verdict(b'{"is_valid":false,"why":"no PCCS"}', 200, False, unavailable=True),
    }
    for unavailable in (200, 503):
        acceptor = answering(answer=answers.get, unavailable_status=unavailable)
        client = acceptor.connect()
        for name, status in ((b'400', 400), (b'422', 422)):
            client.post(name)
            got, headers, body = client.answer()
            assert got == status
            assert json.loads(body)['error']['detail'] in ('expected value at line 1',
                                                           'missing "field"')
        client.post(b'bad')
        assert client.answer()[0] == 200
        client.post(b'gone')
        status, headers, body = client.answer()
        assert (status, body) == (unavailable, b'{"is_valid":false,"why":"no PCCS"}')
        assert headers.get('retry-after') == ('15' if unavailable == 503 else None)
        acceptor.stop()


def test_body_limit():
    acceptor = answering()
    client = acceptor.connect()
    client.post(b' ' * (1 << 20))
    assert client.answer()[0] == 200
    client.send(b'POST /verify HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n')
    assert client.answer()[0] == 413
    # A client that sends on sees the answer, and not a reset.
    client = acceptor.connect()
    client.post(b' ' * ((1 << 20) + 1))
    status, headers, _ = client.answer()
    assert (status, headers['connection']) == (413, 'close')
    assert client.closed()
    acceptor.stop()


def test_expect():
    acceptor = answering()
    client = acceptor.connect()
    head, body = request(b'later', headers='Expect: 100-continue\r\n').split(b'\r\n\r\n', 1)
    client.send(head + b'\r\n\r\n')
    assert client.answer()[0] == 100
    client.send(body)
    assert client.answer()[2] == b'{"for":"later"}'
    # Nobody waits for it when the body came at once.
    client.post(b'now', headers='Expect: 100-continue\r\n')
    assert client.answer()[2] == b'{"for":"now"}'
    # And nobody gets it who is not to send the body.
    client.send(b'POST /verify HTTP/1.1\r\nContent-Length: 9999999\r\n'
                b'Expect: 100-continue\r\n\r\n')
    assert client.answer()[0] == 413
    acceptor.stop()


def test_pieces():
    """One byte at a time, chunked and not; and chunks of every size."""
    acceptor = answering()
    client = acceptor.connect()
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for raw in (request(b'hello'), CHUNKED + b'3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n'):
        for at in range(len(raw)):
            client.send(raw[at:at + 1])
        assert client.answer()[2] == b'{"for":"hello"}'
    body = bytes(range(256)) * 400
    seen = []
    other = Acceptor()
    Answering(other.workers[0], lambda got: (seen.append(got), verdict(b'{}'))[1])
    client = other.connect()
    for size in (1, 1000, 65536, len(body)):
        part = body if size > 1 else body[:2000]
        raw = CHUNKED + b''.join(b'%x\r\n%s\r\n' % (len(part[at:at + size]), part[at:at + size])
                                 for at in range(0, len(part), size)) + b'0\r\n\r\n'
        client.send(raw)
        assert client.answer()[0] == 200
        assert seen.pop() == part
    client.post(body)
    assert client.answer()[0] == 200 and seen.pop() == body
    client.post(b'')
    assert client.answer()[0] == 200 and seen.pop() == b''
    client.send(b'POST /verify HTTP/1.1\r\n\r\n')
    assert client.answer()[0] == 200 and seen.pop() == b''
    other.stop()
    acceptor.stop()


def test_pipelined():
    acceptor = answering(workers=2)
    client = acceptor.connect()
    bodies = [b'%d' % n * (1 + n % 7 * 300) for n in range(300)]
    raw = b''.join(request(body) + b'GET /health HTTP/1.1\r\n\r\n' for body in bodies)
    threading.Thread(target=client.send, args=(raw,), daemon=True).start()
    for body in bodies:
        assert client.answer()[2] == b'{"for":"' + body[:64] + b'"}'
        assert client.answer()[2].startswith(b'{"status"')
    acceptor.stop()


def test_many():
    """Many connections with different bodies: each gets its own answer; nothing stays."""
    acceptor = answering(workers=2)
    before = acceptor.descriptors()

    def one(number):
        client = acceptor.connect()
        for round in range(5):
            body = b'%d %d ' % (number, round)
            client.post(body + b'x' * 17000)
            if client.answer()[2] != b'{"for":"' + (body + b'x' * 64)[:64] + b'"}':
                wrong.append(number)
        client.close()

    wrong = []
    threads = [threading.Thread(target=one, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong
    wait_for(lambda: acceptor.descriptors() == before)
    acceptor.stop()


def test_timeouts():
    acceptor = answering(header_timeout_secs=1, body_timeout_secs=1, keep_alive_secs=1)
    idle, head, body, used = [acceptor.connect() for _ in range(4)]
    head.send(b'GET /hea')
    body.send(b'POST /verify HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc')
    used.post(b'x')
    assert used.answer()[0] == 200
    begun = time.monotonic()
    for client in (head, body):
        status, headers, _ = client.answer()
        assert (status, headers['connection']) == (408, 'close')
        assert client.closed()
    assert idle.closed() and used.closed()
    assert 0.5 < time.monotonic() - begun < 4
    acceptor.stop()


def test_slow_reader():
    """A client that does not take its answer is given up, and costs no more than that."""
    acceptor = answering(answer=lambda body: verdict(b'x' * (6 << 20)), write_timeout_secs=1)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = acceptor.descriptors()
    client.connect(acceptor.address)
    client.sendall(request(b'x') * 3)
    wait_for(lambda: acceptor.descriptors() > before)
    wait_for(lambda: acceptor.descriptors() == before)
    # One that reads slowly but steadily gets all of it.
    reader = acceptor.connect()
    reader.post(b'y')
    assert len(reader.answer()[2]) == 6 << 20
    acceptor.stop()


def test_gone():
    """Clients that leave at any point."""
    acceptor = answering()
    before = acceptor.descriptors()
    raw = request(b'x' * 100)
    for at in range(0, len(raw), 7):
        for leave in ('close', 'reset'):
            client = acceptor.connect()
            client.send(raw[:at])
            getattr(client, leave)()
    wait_for(lambda: acceptor.descriptors() == before)
    client = acceptor.connect()
    client.post(b'alive')
    assert client.answer()[2] == b'{"for":"alive"}'
    acceptor.stop()


def test_max_connections():
    acceptor = answering(max_connections=3)
    clients = [acceptor.connect() for _ in range(3)]
    for client in clients:
        client.post(b'x')
        assert client.answer()[0] == 200
    refused = acceptor.connect()
    status, headers, _ = refused.answer()
    assert (status, headers['connection'], headers['retry-after']) == (503, 'close', '1')
    assert refused.closed()
    refused.close()
    clients.pop().close()
    before = acceptor.descriptors()

    def accepted():
        client = acceptor.connect()
        client.post(b'x')
        return client.answer()[0] == 200

    wait_for(accepted)
    assert acceptor.descriptors() <= before + 2
    acceptor.stop()


def test_idle_memory():
    """Thousands of connections that say nothing, or half a head, cost little."""
    acceptor = answering(header_timeout_secs=60)
    before = acceptor.memory_kb()
    clients = []
    for number in range(400):
        clients.append(acceptor.connect())
        if number % 2:
            clients[-1].send(b'POST /verify HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nab')
    wait_for(lambda: acceptor.descriptors() > 400)
    check = acceptor.connect()
    check.post(b'x')
    assert check.answer()[0] == 200
    # 64 KiB are set aside for each of 200 bodies, and not touched.
    assert acceptor.memory_kb() - before < 8000, acceptor.memory_kb() - before
    acceptor.stop()


if __name__ == '__main__':
    main(globals())
