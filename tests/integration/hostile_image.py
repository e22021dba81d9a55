"""What hostile images cost: the real measurer, one for each, and a reason for each.

    hostile_image.py            in the build directory

Each line has the processor time and the peak of memory that the image cost.  Files are changed and
hashed again, so that nothing but what is named is wrong; but for the rows about hashes.
"""

import base64
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '..', 'tools')]

from expected_answer import compact_len, scale      # noqa: E402
from image_files import *                           # noqa: E402

# Beyond what the sound sample image costs: 6 ms and 2 MiB, more with sanitizers.
REFUSED_CPU_MS = 200            # a refusal
MOST_CPU_MS = 15000             # the most that is accepted: 65536 pages in both page orders
VERIFY_CPU_MS = 500             # a request, all processes together
VERIFY_RSS_KIB = 192 << 10      # the largest of them: 20 MiB
RSS_KIB = 8 << 10               # beside firmware and kernel, which are kept whole

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
MRS = 'Failed to compute expected measurements: Failed to compute expected MRs: '
TDVF = MRS + 'Failed to parse TDVF metadata: '
PE_HASH = MRS + 'Failed to compute kernel hash: '
PAPERS = 'Failed to parse image metadata: '
LINE = 'sha256sum.txt line %d is not `<lowercase sha256>  <file name>`'
WITNESS = ('OS image hash verification failed: Failed to compute TDX expected measurements '
           'without image download: failed to measure TD HOB from witness: ')

PLAIN = Image.sample()
rows = []                       # name, what is done to the image, arguments of measure(), text


def row(name, text, change=lambda image: None, **arguments):
    """text: of the refusal; None: it is measured."""
    rows.append((name, change, arguments, text))


def put(name, text, file, at, form, *values):
    row(name, text, lambda image: image.put(file, at, form, *values))


# ---- the firmware's table: an entry's length is behind it, read backwards ----

put('footer GUID', TDVF + 'Invalid footer GUID', FIRMWARE, FOOTER, '<H', 0)
for n in (0, 17):
    put('table of %d bytes' % n, TDVF + 'Invalid tables length', FIRMWARE, TABLE_LEN, '<H', n)
put('table of 65535 bytes, the entry among the last', None, FIRMWARE, TABLE_LEN, '<H', 0xffff)
row('table larger than the file', TDVF + 'Invalid tables length', lambda image: (
    image.put(FIRMWARE, TABLE_LEN, '<H', 0x100),
    image.files.update({FIRMWARE: image.files[FIRMWARE][-0x100:]})))
put('table of its foot alone', TDVF + 'Missing TDVF metadata', FIRMWARE, TABLE_LEN, '<H', 18)
for n in (0, 1, 17, 45, 0xffff):
    put('entry of %d bytes' % n, TDVF + 'Invalid entry length', FIRMWARE, OTHER_LEN, '<H', n)
put('no TDX entry', TDVF + 'Missing TDVF metadata', FIRMWARE, TDX_LEN + 2, '<H', 0)
put('TDX entry without data', TDVF + 'TDVF metadata data too small', FIRMWARE, TDX_LEN, '<H', 18)


def many_entries(image):
    """As many empty entries as a table can have, and none is the one."""
    n = (0xffff - 18) // 18
    image.files[FIRMWARE][-50 - 18 * n:-50] = (struct.pack('<H', 18) + b'\1' * 16) * n
    image.put(FIRMWARE, TABLE_LEN, '<H', 18 * (n + 1))


row('3639 entries', TDVF + 'Missing TDVF metadata', many_entries)

# ---- its descriptor ----

SIZE = len(PLAIN.files[FIRMWARE])
put('descriptor at offset 0', TDVF + 'failed to decode TDVF descriptor', FIRMWARE, TDX_OFFSET,
    '<I', 0)
for n in (SIZE + 1, 0xffffffff):
    put('descriptor at offset %d' % n, TDVF + 'TDVF metadata offset exceeds firmware size',
        FIRMWARE, TDX_OFFSET, '<I', n)
put('descriptor signature', TDVF + 'Invalid TDVF descriptor', FIRMWARE, DESCRIPTOR, '4s', b'TDVG')
put('descriptor version 2', TDVF + 'Unsupported TDVF version', FIRMWARE, DESCRIPTOR + 8, '<I', 2)
for n in (65, 0xffffffff):
    put('%d sections' % n, TDVF + 'TDVF metadata declares %d sections, more than the 64 supported'
        % n, FIRMWARE, DESCRIPTOR + 12, '<I', n)

# ---- its sections ----

OUTSIDE = 'TDVF section %d is outside the 131072-byte firmware'
PAGES = 'TDVF metadata asks to measure %d pages, more than the 65536 supported'


def sections(name, text, *lines):
    row(name, text, lambda image: image.sections(lines))


def memory(n, address=0, kind=3, attributes=0):
    return 0, 0, address, n, kind, attributes


sections('address not aligned', TDVF + 'Section memory address not aligned', memory(4096, 1))
sections('memory not aligned', TDVF + 'Section memory data size not aligned', memory(4097))
sections('less memory than data', TDVF + 'Section memory data size less than raw',
         (0, 8192, 0, 4096, 0, 0))
sections('extended past the file', TDVF + OUTSIDE % 0, (SIZE - 4096, 8192, 0, 8192, 0, 1))
sections('extended, 1 TiB', TDVF + OUTSIDE % 0, (0, 4096, 0, TIB, 0, 1))
sections('extended, less data than memory', TDVF +
         'TDVF extended section 0 has less data than memory', (0, 4096, 0, 8192, 0, 1))
sections('extended, offset and size wrap', TDVF + OUTSIDE % 0,
         (0xfffff000, 0xfffff000, 0, (1 << 64) - 4096, 0, 1))
sections('data past the file', TDVF + OUTSIDE % 0, (SIZE, 1, 0, 4096, 0, 0))
sections('1 TiB', TDVF + PAGES % (1 << 28), memory(TIB))
sections('2^64 - 4096 bytes', TDVF + PAGES % ((1 << 52) - 1), memory((1 << 64) - 4096))
sections('64 times 2^64 - 4096 bytes', TDVF + PAGES % ((1 << 52) - 1),
         *[memory((1 << 64) - 4096)] * 64)
sections('address wraps', TDVF + 'TDVF section 0 wraps past the end of the address space',
         memory(8192, (1 << 64) - 4096))
sections('65537 pages', TDVF + PAGES % 65537, memory(65537 * 4096))
sections('65537 pages in two', TDVF + PAGES % 65537, memory(65536 * 4096), memory(4096))
sections('65536 pages, none extended', None, memory(65536 * 4096))
sections('64 sections of nothing', None, *[memory(0)] * 64)
sections('64 sections at one place', None, *[memory(4096, 0x800000)] * 64)
sections('64 sections in one another', None,
         *[memory((128 - 2 * i) * 4096, 0x800000 + i * 4096) for i in range(64)])


def large_firmware(image):
    image.files[FIRMWARE] = bytearray(4 * MIB + 64 * 4096) + image.files[FIRMWARE]
    return image


row('65536 pages, all extended, from the same data', None, lambda image: large_firmware(
    image).sections([(0, 4 * MIB, i * 4 * MIB, 4 * MIB, 0, 1) for i in range(64)]))
row('65536 pages, all extended, in one another', None, lambda image: large_firmware(
    image).sections([(i * 4096, 4 * MIB, i * 4096, 4 * MIB, 0, 1) for i in range(64)]))

# ---- the kernel ----

LENGTH = len(PLAIN.files[KERNEL])


def kernel_of(n):
    return lambda image: image.files.update({KERNEL: image.files[KERNEL][:n]})


for n in (0, 1, 4095):
    row('kernel of %d bytes' % n, MRS + 'Failed to patch kernel: the kernel image is too short',
        kernel_of(n))
for n in (LENGTH - 3, 0x7fffffff, 0xffffffff):
    put('PE header at %#x' % n, PE_HASH + 'Missing PE signature offset', KERNEL, 0x3c, '<I', n)
put('PE header at the end', PE_HASH + 'Invalid PE signature', KERNEL, 0x3c, '<I', LENGTH - 4)
row('PE header before the end', PE_HASH + 'Missing header magic', lambda image: (
    image.put(KERNEL, 0x3c, '<I', LENGTH - 24), image.put(KERNEL, -24, '<4s', b'PE\0\0')))
put('PE signature', PE_HASH + 'Invalid PE signature', KERNEL, PE, '<I', 0)
for n in (0, 303, LENGTH + 1, 0xfffffff0):
    put('SizeOfHeaders %#x' % n, PE_HASH + 'malformed PE: size_of_headers %d is outside [304, %d]'
        % (n, LENGTH), KERNEL, OPTIONAL + 60, '<I', n)
row('cut after SizeOfHeaders', PE_HASH + 'malformed PE: certificate directory ends at 4104, past '
    'the 4096-byte image', lambda image: (
        image.files[KERNEL].__setitem__(slice(3928, 4096), image.files[KERNEL][PE:PE + 168]),
        image.put(KERNEL, 0x3c, '<I', 3928), kernel_of(4096)(image)))
row('cut in a section', None, kernel_of(4097))
for n in (97, 65535):
    put('%d sections of a PE' % n, PE_HASH + 'malformed PE: %d sections, more than 96' % n,
        KERNEL, PE + 6, '<H', n)
put('section headers past the file', PE_HASH + 'Missing pointer_to_raw_data', KERNEL, PE + 20,
    '<H', LENGTH - OPTIONAL - 20)
row('96 sections of all the file', PE_HASH + 'malformed PE: sections overlap', lambda image: (
    image.put(KERNEL, PE + 6, '<H', 96), image.put(KERNEL, PE + 20, '<H', 512),
    [image.put(KERNEL, OPTIONAL + 512 + 40 * i + 16, '<II', LENGTH, 0) for i in range(96)])
   )
put('section to 2^32 - 1', None, KERNEL, kernel_section(0) + 16, '<I', 0xffffffff)
put('section from 2^32 - 1', None, KERNEL, kernel_section(0) + 20, '<I', 0xffffffff)
put('certificate of 2^32 - 1 bytes', None, KERNEL, OPTIONAL + 144, '<II', 0xffffffff, 0xffffffff)
put('too old for a ramdisk', MRS + 'Failed to patch kernel: the kernel image is too old for '
    'ramdisk', KERNEL, 0x206, '<H', 0x1ff)
row('initrd does not fit', MRS + 'Failed to patch kernel: initrd is too large', lambda image: (
    image.put(KERNEL, 0x206, '<H', 0x203), image.put(KERNEL, 0x22c, '<I', 100001)))

# ---- metadata.json and sha256sum.txt ----


def metadata(name, text, data=None, **members):
    def change(image):
        if data is not None:
            image.files[METADATA] = bytearray(data)
            return
        known = {**json.loads(image.files[METADATA]), **members}
        image.files[METADATA] = bytearray(json.dumps(known).encode())
    row(name, text, change)


metadata('metadata empty', PAPERS + 'JSON is empty', b'')
metadata('metadata deep', PAPERS + 'JSON nests deeper than 16 levels at byte 16', b'[' * 60000)
metadata('metadata of many members', PAPERS + 'JSON has more than 1024 values',
         b'{' + b','.join(b'"k%04d":[]' % i for i in range(5400)) + b'}')
metadata('metadata without a kernel', PAPERS + '"kernel" is missing',
         b'{"bios":"a","cmdline":"","initrd":"b"}')
for name in ('../bzImage', '/etc/passwd', './bzImage', 'a/b', '', '.', '..', 'a\n', 'a b',
             'sha256sum.txt'):
    metadata('kernel %s' % json.dumps(name), PAPERS + '"kernel" is not a plain file name',
             kernel=name)
metadata('kernel with a long name', PAPERS + '"kernel" is longer than 255 bytes',
         kernel='a' * 256)
metadata('kernel that is not listed', 'sha256sum.txt is missing vmlinuz', kernel='vmlinuz')
metadata('firmware that is not listed', 'sha256sum.txt is missing OVMF.fd', bios='OVMF.fd')
metadata('initrd that is not listed', 'sha256sum.txt is missing initrd', initrd='initrd')
metadata('kernel with a NUL in its name', PAPERS + '"kernel" holds a NUL character',
         kernel='bzImage\0x')
metadata('another firmware', PAPERS + 'unsupported ovmf_variant "stable202505"',
         ovmf_variant='stable202505')
metadata('long command line', None, cmdline='a' * 60000)


def manifest(name, text, make):
    def change(image):
        image.sealed = make(image.manifest())
    row(name, text, change)


def line(manifest, n, make):
    lines = manifest.splitlines(keepends=True)
    lines[n] = make(lines[n])
    return b''.join(lines)


TEXT = 'sha256sum.txt is not newline-terminated text'
manifest('manifest empty', TEXT, lambda m: b'')
manifest('manifest without its last newline', TEXT, lambda m: m[:-1])
manifest('manifest not UTF-8', TEXT, lambda m: m + b'\xff\n')
manifest('manifest of 16 KiB and a byte', 'sha256sum.txt has 16385 bytes, more than 16384',
         lambda m: m + b'#' * (16384 - len(m)) + b'\n')
manifest('manifest of 65 lines', 'sha256sum.txt has more than 64 lines',
         lambda m: m + b''.join(b'%064d  f%d\n' % (0, i) for i in range(61)))
for name, make in (('a comment', lambda x: b'#' + x), ('63 digits', lambda x: x[1:]),
                   ('65 digits', lambda x: b'0' + x), ('upper case', lambda x: b'A' + x[1:]),
                   ('one blank', lambda x: x.replace(b'  ', b' ')),
                   ('a binary file', lambda x: x.replace(b'  ', b' *')),
                   ('BSD style', lambda x: b'SHA256 (bzImage) = ' + x[:64] + b'\n'),
                   ('an escaped name', lambda x: b'\\' + x),
                   ('a path', lambda x: x.replace(b'  ', b'  ./')),
                   ('a way up', lambda x: x.replace(b'  ', b'  ../')),
                   ('three fields', lambda x: x[:-1] + b' x\n'),
                   ('CR', lambda x: x[:-1] + b'\r\n'), ('nothing', lambda x: b'\n'),
                   ('itself', lambda x: x[:66] + b'sha256sum.txt\n')):
    # The kernel, as whoever skips such a line has it unchecked.
    manifest('manifest with %s' % name, LINE % 1, lambda m, make=make: line(m, 0, make))
manifest('manifest with a file twice', 'sha256sum.txt line 2 repeats bzImage',
         lambda m: m.splitlines(keepends=True)[0] + m)
manifest('manifest without metadata.json',
         'metadata.json not found in the extracted archive',
         lambda m: line(m, 2, lambda x: b''))
manifest('manifest without the kernel', 'sha256sum.txt is missing bzImage',
         lambda m: line(m, 0, lambda x: b''))
for i, name in enumerate((KERNEL, INITRD, METADATA, FIRMWARE)):
    manifest('another %s' % name, 'Checksum verification failed: %s' % name,
             lambda m, i=i: line(m, i, lambda x: b'%064d' % 0 + x[64:]))
row('another manifest', 'os_image_hash does not match sha256(sha256sum.txt)', digest=bytes(32))

# ---- files ----

row('firmware of 64 MiB', None, lambda image: image.files.update({
    FIRMWARE: bytearray(64 * MIB - SIZE) + image.files[FIRMWARE]}))
row('firmware of 64 MiB and a byte', 'firmware has 67108865 bytes, more than 67108864',
    sparse={FIRMWARE: 64 * MIB + 1})
row('kernel of 256 MiB and a byte', 'kernel has 268435457 bytes, more than 268435456',
    sparse={KERNEL: 256 * MIB + 1})
row('initrd of 4 GiB', 'initrd has 4294967296 bytes, more than 4294967295',
    sparse={INITRD: 4 * GIB})
row('metadata of 64 KiB and a byte', 'metadata.json has 65537 bytes, more than 65536',
    sparse={METADATA: 64 * KIB + 1})
row('manifest of 1 TiB', 'sha256sum.txt has 1099511627776 bytes, more than 16384',
    sparse={MANIFEST: TIB})
row('no initrd', None, lambda image: image.files.update({INITRD: bytearray()}))
for name, what in ((MANIFEST, 'sha256sum.txt'), (METADATA, 'metadata.json'),
                   (FIRMWARE, 'firmware'), (KERNEL, 'kernel'), (INITRD, 'initrd')):
    row('%s a directory' % name, '%s is not a regular file' % what, paths={name: '/'})
    row('%s a device' % name, '%s is not a regular file' % what, paths={name: '/dev/zero'})


def kept(image):
    return (len(image.files[FIRMWARE]) + len(image.files[KERNEL])) >> 10


def measured(base, change, arguments, text):
    image = PLAIN.copy()
    change(image)
    got = image.measure(**arguments)
    cost = '%7.1f ms %6d KiB' % (got.cpu_ms, got.rss_kib)
    limit = base.cpu_ms + (MOST_CPU_MS if text is None else REFUSED_CPU_MS)
    if (got.ok, got.refused, got.text) != (text is None, text is not None, text or ''):
        return cost, 'got %r' % (got,)
    if got.cpu_ms > limit:
        return cost, 'more than %d ms' % limit
    limit = base.rss_kib + RSS_KIB + 2 * kept(image)
    return cost, 'more than %d KiB' % limit if got.rss_kib > limit else None


# ---- the witness of a document, in a genuine attestation ----

VECTORS = os.path.join(HERE, '..', 'vectors')
COLLATERAL = os.path.join(VECTORS, 'collateral', 'tdx-90c06f000000-20260520-ev19.json')
with open(os.path.join(VECTORS, 'dstack-verifier', 'tdx-lite-attestation.json')) as f:
    GENUINE = bytes.fromhex(json.load(f)['attestation'])


def cbor_bytes(data):
    n = len(data)
    return (bytes([0x40 | n]) if n < 24 else struct.pack('>BB', 0x58, n) if n < 256 else
            struct.pack('>BH', 0x59, n)) + data


def with_witness(witness):
    """The request of a machine whose image has another document, with hashes that fit."""
    text = scale(GENUINE)[5]
    vm = json.loads(text)
    document = base64.b64decode(vm['tdx_measurement']['measurement'])
    at = document.index(b'td_hob') + 6
    assert document[at] == 0x4c and at + 13 == len(document)
    document = document[:at] + cbor_bytes(witness)
    sums = (hashlib.sha256(document).hexdigest() + '  measurement.tdx.cbor\n').encode()
    vm['tdx_measurement'] = {'measurement': base64.b64encode(document).decode(),
                             'checksum_file': base64.b64encode(sums).decode()}
    vm['os_image_hash'] = hashlib.sha256(sums).hexdigest()
    new = json.dumps(vm, separators=(',', ':')).encode()
    start = len(GENUINE) - len(text.encode()) - len(compact_len(len(text.encode())))
    return json.dumps({'attestation': (GENUINE[:start] + compact_len(len(new)) +
                                       new).hex()}).encode()


def leb(*numbers):
    out = bytearray()
    for n in numbers:
        while n >= 0x80:
            out.append(n & 0x7f | 0x80)
            n >>= 7
        out.append(n)
    return bytes(out)


# Page of the first range, of the list behind it, ranges: page behind the first, pages.
HEAD, RANGES = leb(0x800, 9), leb(0, 6, 9, 2, 0xb, 2, 0x10, 0x10)
GOOD = HEAD + leb(4) + RANGES
MOST = (1 << 64) - 1
CUT, LARGE = 'truncated TD HOB witness varuint', 'TD HOB witness varuint is too large'
MANY = 'TD HOB witness declares %d ranges, more than the 64 supported'
witnesses = [
    ('empty', b'', CUT), ('cut in a number', GOOD[:1], CUT), ('one number', GOOD[:2], CUT),
    ('two numbers', GOOD[:3], CUT), ('no ranges', GOOD[:4], CUT),
    ('half a range', GOOD[:5], CUT), ('a range less', GOOD[:-2], CUT),
    ('a byte more', GOOD + b'\0', 'TD HOB witness has trailing bytes'),
    ('a number of 11 bytes', b'\x80' * 10 + b'\1' + GOOD[2:], LARGE),
    ('a number of 2^64', leb(1 << 64) + GOOD[2:], LARGE),
    ('a number without an end', b'\x80' * 60000, LARGE),
    ('65 ranges', HEAD + leb(65) + leb(0, 1) * 65, MANY % 65),
    ('50000 ranges', HEAD + leb(50000) + leb(0, 1) * 20000, MANY % 50000),
    ('2^64 - 1 ranges', HEAD + leb(MOST), MANY % MOST),
    ('base past 2^64', leb(MOST, 9, 4) + RANGES, 'TD HOB base address overflow'),
    ('list past 2^64', leb(0x800, MOST, 4) + RANGES, 'TD HOB base address overflow'),
    ('start past 2^64', HEAD + leb(1, MOST, 1), 'TD HOB range start overflow'),
    ('length past 2^64', HEAD + leb(1, 0, MOST), 'TD HOB range length overflow'),
    ('end past 2^64', HEAD + leb(1, 1, (1 << 52) - 0x801), 'TD HOB range end overflow'),
    ('end of the list past 2^64', leb(0x800, (1 << 52) - 0x801, 64) +
     b''.join(leb(2 * i, 1) for i in range(64)), 'TD HOB end-of-list address overflow'),
    ('64 ranges at one place', HEAD + leb(64) + leb(0, 1) * 64, None),
]


def judged(witness, text):
    """The whole command; its children count where it waited for them."""
    with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as out:
        body.write(with_witness(witness))
        body.seek(0)
        process = subprocess.Popen(
            ['./dstack-verifier', '--collateral', COLLATERAL, '--at', '1780536131', '--verify',
             '-'], stdin=body, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        got = json.loads(out.read())['reason']
    cpu_ms = 1000 * (used.ru_utime + used.ru_stime)
    cost = '%7.1f ms %6d KiB' % (cpu_ms, used.ru_maxrss)
    if text is None:
        if not got.startswith('OS image hash verification failed: MRs do not match: RTMR0 '):
            return cost, 'got %s' % got
    elif got != WITNESS + text:
        return cost, 'got %s' % got
    wrong = cpu_ms > VERIFY_CPU_MS or used.ru_maxrss > VERIFY_RSS_KIB
    return cost, 'more than %d ms or %d KiB' % (VERIFY_CPU_MS, VERIFY_RSS_KIB) if wrong else None


def main():
    base = PLAIN.measure()
    failed = 0
    print('1..%d' % (1 + len(rows) + len(witnesses)))
    print('%sok 1 - %7.1f ms %6d KiB: sample image' % ('' if base.ok else 'not ', base.cpu_ms,
                                                    base.rss_kib))
    # First, as long as this process is small: a child's peak is at least what its parent had.
    cases = [('witness, ' + name, judged, (witness, text))
             for name, witness, text in witnesses]
    cases += [(name, measured, (base, change, arguments, text))
              for name, change, arguments, text in rows]
    for i, (name, call, arguments) in enumerate(cases):
        cost, wrong = call(*arguments)
        failed += wrong is not None
        print('%sok %d - %s: %s%s' % ('not ' if wrong else '', i + 2, cost, name,
                                      '\n# ' + wrong if wrong else ''), flush=True)
    return failed != 0 or not base.ok


if __name__ == '__main__':
    sys.exit(main())
