"""Programs that a test plays: whoever is started in their place hands its socket to the test.

    with Stage(BUILD, directory, ('fetcher', 'measurer')) as stage:
        server = ... Server(programs=stage.programs)
        fetcher = stage.actor('fetcher')
        fetcher.send(PAPERS, digest, ticket=1, fds=pipes(2))
        measurer = stage.actor('measurer')
        same(measurer.receive().kind, PAPERS)

stage.py SOCKET NAME is what is started.
"""

import os
import select
import signal
import socket
import sys
import threading

from lying_fetcher import Frame, Pipe
from programs import install

PATIENCE = 20                   # seconds for what must come


class Actor(Pipe):
    """One that was started.  `inherited`: which descriptors it had, as text."""

    def __init__(self, pid, inherited, sock):
        super().__init__(sock)
        sock.settimeout(PATIENCE)
        self.pid = pid
        self.inherited = inherited

    def send(self, kind, payload=b'', ticket=0, fds=()):
        super().send(Frame(kind, ticket, payload, list(fds)))

    def answer(self, kind, payload=b''):
        """Takes the next frame, closes what came along, and gives it after an answer."""
        frame = self.receive()
        self.send(kind, payload)
        return frame

    def receive(self):
        frame = super().receive()
        for fd in frame.fds:
            os.close(fd)
        return frame

    def is_gone(self):
        """Whether it has ended, and was waited for."""
        return not os.path.exists('/proc/%d' % self.pid)

    def kill(self):
        """The test's end of its socket is the last one then."""
        os.kill(self.pid, signal.SIGKILL)
        self.sock.close()


class Stage:
    def __init__(self, build, directory, names):
        path = os.path.join(directory, 'stage')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.listener.settimeout(PATIENCE)
        self.waiting = []
        self.connections = []
        self.lock = threading.Lock()
        self.programs = install(directory, build, **{name: [
            sys.executable, '-B', os.path.abspath(__file__), path, name] for name in names})

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def actor(self, name):
        """The next one of that name, in the order of their start."""
        with self.lock:
            while True:
                for i, (other, actor) in enumerate(self.waiting):
                    if other == name:
                        del self.waiting[i]
                        return actor
                connection, _ = self.listener.accept()
                words, fds, _, _ = socket.recv_fds(connection, 4096, 1)
                other, pid, inherited = words.decode().split(' ', 2)
                self.connections.append(connection)
                self.waiting.append((other, Actor(int(pid), inherited,
                                                  socket.socket(fileno=fds[0]))))


def main():
    path, name = sys.argv[1:]
    inherited = ' '.join(sorted(fd for fd in os.listdir('/proc/self/fd')
                                if os.path.exists('/proc/self/fd/' + fd)))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    socket.send_fds(connection, [('%s %d %s' % (name, os.getpid(), inherited)).encode()], [3])
    # Like all programs it ends when its supervisor is gone; and with the test.
    poll = select.poll()
    poll.register(3, select.POLLRDHUP)
    poll.register(connection, select.POLLRDHUP)
    poll.poll()


if __name__ == '__main__':
    main()
