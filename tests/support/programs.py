"""A directory of our programs with others in the place of some.

    programs = install(directory, build, fetcher=['/usr/bin/python3', 'lies.py', 'all'])
    with Server(..., programs=programs):
"""

import os
import shlex

NAMES = ('acceptor', 'fetcher', 'measurer', 'unpacker', 'worker')


def sanitized(build):
    """Whether they were built with sanitizers: memory and time are something else then."""
    with open(os.path.join(build, 'dstack-verifier-unpacker'), 'rb') as f:
        return b'__asan_init' in f.read()


def install(directory, build, **commands):
    for name in ('', *NAMES):
        target = os.path.join(directory, 'dstack-verifier' + ('-' + name if name else ''))
        if name in commands:
            content = b'#!/bin/sh\nexec %s\n' % shlex.join(commands[name]).encode()
        else:
            # A copy: what runs finds the others by where it lies itself.
            with open(os.path.join(build, os.path.basename(target)), 'rb') as f:
                content = f.read()
        with open(target, 'wb') as out:
            out.write(content)
        os.chmod(target, 0o755)
    return directory
