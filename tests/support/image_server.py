#!/usr/bin/env python3
"""A server of OS images (`mr_HASH.tar.gz`) that counts, and fails on demand.

For tests in Python:

    from image_server import ImageServer
    with ImageServer('/tmp/archives') as images:        # what is in the directory is served
        start_the_program(images.template)              # a URL with {OS_IMAGE_HASH}
        name = images.name(os_image_hash)
        assert images.count(name) == 1
        images.fail(name, 'status', 503, times=2)       # the next two requests
        images.fail(name, 'break', 100000)              # until told otherwise
        images.fail(name, 'weak')                       # as well: they add up
        images.fail(name, None)                         # all is well again; '*': for all names
        images.down()                                   # dead: connections are refused
        images.up()                                     # back on the same port

and for others, `image_server.py [--tls CERT KEY] [--port N] DIRECTORY` prints its URL, serves
until its standard input ends, and is told what to do by GETs of its own:

    /-/count            total, then one line `N NAME` for each file asked for
    /-/count/NAME       that number alone
    /-/fail/NAME/KIND/ARGUMENT/TIMES        NAME `*` for all; KIND `none` ends it

It understands Range (`bytes=N-`) and If-Range, has a strong ETag and a Last-Modified.  The kinds
of failure, with their arguments:

    status N            that status
    drop                closes the connection without a word
    redirect URL        302 to URL
    redirects N         302 to itself N times, then the right answer
    hold N              N bytes of the answer; the rest when `hold` is none again
    break N             N bytes of the answer, and the end
    stall N             N bytes of the answer, and then nothing for ever
    slow N              N bytes a second
    endless             a body without end
    length N            says that it has N bytes
    wrong               one bit in the middle flipped
    replaced            another file of the same length, with another ETag and date
    chunks              in chunks, without a length
    gzip                labelled Content-Encoding: gzip
    weak                the ETag is weak
    no-etag             there is none
    no-date             there is no Last-Modified
    no-range            knows nothing of Range
    wrong-range N       of a range the part N bytes further on
    other-range         of a range the part of another file, with its ETag, whatever If-Range says
    short-range N       of a range N bytes and no more, well announced
    content-range TEXT  says that of a range, or nothing
"""

import collections
import email.utils
import os
import re
import urllib.parse

from stand_in import Handler, StandIn, run

PIECE = 16384


class Answer:
    """What there is to be sent, before it goes wrong on the way."""

    def __init__(self, body, etag, date):
        self.status = 200
        self.body = body
        self.headers = {'ETag': etag, 'Last-Modified': email.utils.formatdate(date, usegmt=True)}
        self.length = len(body)

    def take_part(self, first, shift=0, most=None):
        total = len(self.body)
        body = self.body[first + shift:]
        self.body = body if most is None else body[:most]
        self.status = 206
        self.length = len(self.body)
        self.headers['Content-Range'] = 'bytes %d-%d/%d' % (
            first + shift, first + shift + self.length - 1, total)


def flip(body):
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]


class ImageHandler(Handler):
    def get(self, url):
        images = self.server.owner
        name = url.path.lstrip('/')
        faults = images.take_request(name, self.headers)
        if 'drop' in faults:
            return self.cut()
        if 'status' in faults:
            self.head(int(faults['status']), [], faults.get('length', 2))
            return self.wfile.write(b'no')
        if 'redirect' in faults:
            return self.whole(302, [('Location', faults['redirect'])], b'elsewhere')
        if 'redirects' in faults:
            n = int(urllib.parse.parse_qs(url.query).get('redirected', ['0'])[0])
            if n != int(faults['redirects']):
                return self.whole(302, [('Location', '?redirected=%d' % (n + 1))], b'')
        answer = images.read(name, 'replaced' in faults)
        if answer is None:
            return self.whole(404, [], b'no such image')
        if 'wrong' in faults:
            answer.body = flip(answer.body)
        return self.send(name, answer, faults)

    def send(self, name, answer, faults):
        if 'weak' in faults:
            answer.headers['ETag'] = 'W/' + answer.headers['ETag']
        if 'no-etag' in faults:
            del answer.headers['ETag']
        if 'no-date' in faults:
            del answer.headers['Last-Modified']
        if not self.take_range(answer, faults):
            return self.whole(416, [], b'')
        if 'gzip' in faults:
            answer.headers['Content-Encoding'] = 'gzip'
        if 'length' in faults:
            answer.length = int(faults['length'])
        if 'chunks' in faults:
            answer.length = None
            answer.headers['Transfer-Encoding'] = 'chunked'
        if 'endless' in faults:
            answer.length = None
            answer.headers['Connection'] = 'close'
        self.head(answer.status, answer.headers.items(), answer.length)
        return self.send_body(name, answer, faults)

    def take_range(self, answer, faults):
        """False: there is no such part."""
        m = re.fullmatch('bytes=([0-9]+)-', self.headers.get('Range', ''))
        if not m or 'no-range' in faults:
            return True
        if 'other-range' not in faults and self.headers.get('If-Range') not in (
                None, answer.headers.get('ETag'), answer.headers.get('Last-Modified')):
            return True
        first = int(m.group(1))
        if first >= len(answer.body):
            return False
        most = faults.get('short-range')
        answer.take_part(first, int(faults.get('wrong-range', 0)), most and int(most))
        if 'other-range' in faults:
            answer.headers['ETag'] = '"another"'
        if 'content-range' in faults:
            del answer.headers['Content-Range']
            if faults['content-range']:
                answer.headers['Content-Range'] = faults['content-range']
        return True

    def send_body(self, name, answer, faults):
        images = self.server.owner
        marks = {int(faults[kind]): kind for kind in ('hold', 'break', 'stall') if kind in faults}
        sent = 0
        while sent < len(answer.body) or 'endless' in faults:
            if sent in marks and not self.obey(name, marks[sent]):
                return
            ahead = [mark - sent for mark in marks if mark > sent]
            piece = answer.body[sent:sent + min([PIECE] + ahead)] or bytes(PIECE)
            if 'slow' in faults:
                piece = piece[:max(1, int(faults['slow']) // 20)]
                images.stopped.wait(0.05)
            if 'chunks' in faults:
                self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
            else:
                self.wfile.write(piece)
            sent += len(piece)
        if 'chunks' in faults:
            self.wfile.write(b'0\r\n\r\n')

    def obey(self, name, kind):
        """Whether the body goes on."""
        images = self.server.owner
        if kind == 'break':
            self.cut()
        elif kind == 'stall':
            images.stopped.wait()
            self.close_connection = True
        elif images.wait_release(name):
            return True
        else:
            self.cut()
        return False


class ImageServer(StandIn):
    """`requests`: (name, headers) of each."""

    handler = ImageHandler

    def __init__(self, directory, tls=None, port=0, key=None):
        super().__init__(tls, port, key)
        self.directory = directory
        self.faults = collections.defaultdict(dict)     # [name][kind] = [argument, times left]
        self.requests = []
        self.up()

    @property
    def template(self):
        return self.url + '/mr_{OS_IMAGE_HASH}.tar.gz'

    @staticmethod
    def name(os_image_hash):
        return 'mr_%s.tar.gz' % os_image_hash

    def fail(self, name, kind, argument=None, times=None):
        """From now on, or so many times; None: no more (for `*`: nothing fails any more)."""
        with self.lock:
            if kind is not None:
                self.faults[name][kind] = [argument, times]
            elif name == '*':
                self.faults.clear()
            else:
                self.faults.pop(name, None)

    def take_request(self, name, headers):
        """What goes wrong with this one."""
        now = {}
        with self.lock:
            self.requests.append((name, headers))
            self.counts[name] += 1
            for faults in (self.faults['*'], self.faults[name]):
                for kind in list(faults):
                    now[kind], times = faults[kind]
                    if times is not None:
                        faults[kind][1] -= 1
                        if times <= 1:
                            del faults[kind]
        return now

    def wait_release(self, name):
        """False: the server goes down."""
        def held():
            with self.lock:
                return 'hold' in self.faults['*'] or 'hold' in self.faults[name]
        while held():
            if self.stopped.wait(0.02):
                return False
        return True

    def read(self, name, replaced=False):
        path = os.path.join(self.directory, name)
        if os.path.basename(name) != name or not os.path.isfile(path):
            return None
        with open(path, 'rb') as f:
            body = f.read()
        stat = os.stat(path)
        if replaced:
            return Answer(bytes(255 - c for c in body), '"replaced"', stat.st_mtime + 3600)
        return Answer(body, '"%x-%x"' % (stat.st_mtime_ns, stat.st_size), stat.st_mtime)

    def control(self, path):
        words = [urllib.parse.unquote(word) for word in path.split('/', 4)] + [''] * 4
        if words[0] != 'fail':
            return super().control(path)
        name, kind, argument, times = words[1:5]
        self.fail(name, None if kind == 'none' else kind, argument, int(times) if times else None)
        return 'ok\n'


if __name__ == '__main__':
    run(ImageServer, 'directory')
