#!/usr/bin/env python3
"""seeds.py OUT - first inputs for the fuzz targets, derived from tests/vectors

Writes OUT/TARGET/NAME for each target.  make fuzz starts from these and from the corpus in the
tree, which is what a fuzzer made of them, cut down to what covers something.
"""

import base64
import json
import re
import struct
import sys
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / 'vectors'
ETC = VECTORS.parent.parent / 'etc'
OUT = Path(sys.argv[1])


def put(target, name, data):
    directory = OUT / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(data.encode() if isinstance(data, str) else data)


def load(path):
    return json.loads(path.read_text())


def ders(pem):
    return [base64.b64decode(block) for block in re.findall(
        '-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----', pem, re.S)]


def pem(der):
    return ('-----BEGIN CERTIFICATE-----\n' + base64.encodebytes(der).decode() +
            '-----END CERTIFICATE-----\n')


def tlv(data, at):
    """Where an element's content begins and ends."""
    length, at = data[at + 1], at + 2
    if length >= 0x80:
        n = length & 0x7f
        length, at = int.from_bytes(data[at:at + n], 'big'), at + n
    return at, at + length


def elements(der, begin=0, end=None):
    """Where each element begins, inside others too, and how many bytes it has in all."""
    end = len(der) if end is None else end
    while begin + 2 <= end:
        inside, after = tlv(der, begin)
        if after > end:
            return
        yield begin, after - begin
        if der[begin] & 0x20:
            yield from elements(der, inside, after)
        elif der[begin] == 4 and after - inside > 2 and der[inside] == 0x30:
            yield from elements(der, inside, after)
        begin = after


def der_mutants(target, name, der, most=200):
    """One element after the other with another tag, shorter, longer, or its content changed."""
    for i, (at, length) in enumerate(elements(der)):
        if i == most:
            return
        for how, changed in (('tag', bytes([der[at] ^ 0x1f])), ('short', bytes([der[at], 0])),
                             ('long', bytes([der[at], 0x85])), ('wide', bytes([der[at], 0x7f]))):
            put(target, '%s-%d-%s' % (name, i, how), der[:at] + changed + der[at + len(changed):])
        last = at + length - 1
        put(target, '%s-%d-last' % (name, i), der[:last] + bytes([der[last] ^ 1]) + der[last + 1:])


def json_mutants(target, name, text, prefix=b'', most=400):
    """One key or scalar after the other gone, null, or of another type."""
    for i, found in enumerate(re.finditer(r'"[^"\\]*"|\d+', text)):
        if i == most:
            return
        for how, other in (('null', 'null'), ('text', '"x"'), ('number', '70000'), ('list', '[]'),
                           ('big', '-1')):
            put(target, '%s-%d-%s' % (name, i, how),
                prefix + (text[:found.start()] + other + text[found.end():]).encode())


def sgx_extension(der):
    oid = bytes.fromhex('06092a864886f84d010d01')
    at = der.find(oid)
    if at < 0:
        return None
    begin, end = tlv(der, at + len(oid))
    return der[begin:end]


def certification(quote):
    """Type and data, at the end of the auth data."""
    version, = struct.unpack_from('<H', quote)
    at = {3: 432, 4: 632}.get(version)
    if at is None or quote[4:8] == b'\0\0\0\0' and version != 3:
        return None
    at += 4 + 128 + (0 if version == 3 else 6) + 384 + 64
    length, = struct.unpack_from('<H', quote, at)
    at += 2 + length
    kind, length = struct.unpack_from('<HI', quote, at)
    return version, kind, quote[at + 6:at + 6 + length]


def quotes():
    for path in sorted(VECTORS.glob('quotes/*/*.bin')):
        quote = path.read_bytes()
        # One of each kind of machine and origin: the rest differs in numbers alone.
        name = path.name.rsplit('-', 1)[0]
        put('quote', name, quote)
        found = certification(quote)
        if found is None:
            continue
        version, kind, data = found
        put('certification', name, bytes([version == 3, kind & 0xff]) + data)
        if kind != 5:
            continue
        put('pem', name, data)
        leaf = ders(data.decode('latin-1'))[0]
        put('cert', name, leaf)
        put('pck', name, sgx_extension(leaf))
    der_mutants('cert', 'leaf', leaf)
    der_mutants('pck', 'sgx', sgx_extension(leaf))


def element(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    return bytes([tag, 0x82]) + length.to_bytes(2, 'big') + content


EXTENSIONS = (
    ('551d25', '300a06082b06010505070301'), ('551d25', '300a06082b06010505070302'), ('551d25', '3000'),
    ('551d11', '3000'), ('551d1e', '3000'), ('551d13', '30060101ff020100'), ('551d13', '30060101ff0201ff'),
    ('551d0f', '03020106'), ('551d0f', '0300'), ('2a864886f84d010d01', ''), ('2a03', '0500'))

# Of a CRL: leaves only, CAs only, attributes, indirect, reasons, a name.
DISTRIBUTION_POINTS = ('3000', '30038101ff', '30038201ff', '30038501ff', '30038401ff', '3003830107',
                       '3004a0028000', '3003810101', '05 00')


def with_extension(der, oid, value, critical=False):
    """A certificate or CRL with one more extension; nobody signed it."""
    extension = element(0x30, element(6, bytes.fromhex(oid)) + (b'\1\1\xff' if critical else b'') +
                        element(4, bytes.fromhex(value)))
    begin, end = tlv(der, 0)
    inside, after = tlv(der, begin)
    tag = 0xa3 if bytes([0xa3]) in der else 0xa0
    at = [at for at, length in elements(der, inside, after)
          if der[at] == tag and at + length == after][-1]
    first, _ = tlv(der, at)
    list_begin, list_end = tlv(der, first)
    new = element(tag, element(0x30, der[list_begin:list_end] + extension))
    return element(0x30, element(0x30, der[inside:at] + new) + der[after:end])


def collateral():
    for path in sorted(VECTORS.glob('collateral/*.json')):
        item = load(path)
        put('collateral_object', path.stem, path.read_bytes())
        put('tcb_info', path.stem, item['tcb_info'])
        put('qe_identity', path.stem, item['qe_identity'])
        put('crl', path.stem + '-pck', bytes.fromhex(item['pck_crl']))
        put('crl', path.stem + '-root', bytes.fromhex(item['root_ca_crl']))
        put('pem', path.stem, item['tcb_info_issuer_chain'])
    der_mutants('crl', 'root', bytes.fromhex(item['root_ca_crl']))
    der_mutants('crl', 'pck', bytes.fromhex(item['pck_crl']), 60)
    json_mutants('tcb_info', 'tdx', item['tcb_info'], most=60)
    json_mutants('qe_identity', 'tdx', item['qe_identity'], most=60)
    root = (VECTORS / 'certs/intel-sgx-root-ca.der').read_bytes()
    der_mutants('anchor', 'root', root)
    for i, (oid, value) in enumerate(EXTENSIONS):
        put('cert', 'extension-%d' % i, with_extension(root, oid, value))
    for i, value in enumerate(DISTRIBUTION_POINTS):
        put('crl', 'extension-%d' % i, with_extension(
            bytes.fromhex(item['root_ca_crl']), '551d1c', value, critical=True))
    for path in sorted(VECTORS.glob('certs/*.der')):
        put('cert', path.stem, path.read_bytes())
        put('anchor', path.stem, path.read_bytes())
        put('anchor', path.stem + '-pem', pem(path.read_bytes()))


def request_like(name, body):
    put('request', name, b'\0' + json.dumps(body).encode())
    if body.get('attestation'):
        raw = bytes.fromhex(body['attestation'])
        put('attestation_v0' if raw[:1] == b'\0' else 'attestation_v1', name, raw)
    if isinstance(body.get('event_log'), str):
        put('event_log', name, body['event_log'])
    if isinstance(body.get('vm_config'), str):
        put('vm_config', name, body['vm_config'])
        documents(name, body['vm_config'])


def documents(name, text):
    """Measurement document, checksum file and vm_config inside any bytes."""
    for key, target in (('measurement', 'tdx_document'), ('checksum_file', 'manifest')):
        for found in re.findall('"%s" ?: ?"([A-Za-z0-9+/]+=*)"' % key, text):
            if len(found) % 4 == 0:
                put(target, name, base64.b64decode(found))
    found = re.search(r'\{"spec_version.*\}', text, re.S)
    if found:
        try:
            value, _ = json.JSONDecoder().raw_decode(text[found.start():])
        except ValueError:
            return
        put('vm_config', name, json.dumps(value))


def attestations():
    paths = sorted(VECTORS.glob('attestations/tdx*.json')) + [
        VECTORS / 'dstack-verifier/tdx-lite-attestation.json',
        VECTORS / 'dstack-verifier/quote-report.json',
        VECTORS / 'dstack-verifier/sev-snp-attestation.json',
        VECTORS / 'dstack-examples/report.json']
    for path in paths:
        body = load(path)
        request_like(path.stem, body)
        if body.get('attestation'):
            text = bytes.fromhex(body['attestation']).decode('latin-1')
            documents(path.stem, text.replace('\\"', '"'))
    for path in sorted(VECTORS.glob('dstack/*.bin')):
        raw = path.read_bytes()
        put('attestation_v0' if raw[:1] == b'\0' else 'attestation_v1', path.stem, raw)
    for path in sorted(VECTORS.glob('answers/requests/*.json')):
        put('request', path.stem, b'\0' + path.read_bytes())
        put('verify', 'body-' + path.stem, b'\0\0' + path.read_bytes())


def compact(n):
    if n < 64:
        return bytes([n << 2])
    return struct.pack('<H', n << 2 | 1) if n < 16384 else struct.pack('<I', n << 2 | 2)


def blob(data):
    return compact(len(data)) + data


def pack(value):
    """MessagePack; bytes as bin, strings as str, lists of integers as guests write bytes."""
    if value is None:
        return b'\xc0'
    if isinstance(value, int):
        return bytes([value]) if value < 0x80 else b'\xce' + struct.pack('>I', value)
    if isinstance(value, str):
        raw = value.encode()
        return (bytes([0xa0 | len(raw)]) if len(raw) < 32 else b'\xda' + struct.pack('>H', len(raw))) + raw
    if isinstance(value, bytes):
        return b'\xc5' + struct.pack('>H', len(value)) + value
    if isinstance(value, list):
        return b'\xdc' + struct.pack('>H', len(value)) + b''.join(map(pack, value))
    return bytes([0x80 | len(value)]) + b''.join(pack(k) + pack(v) for k, v in value.items())


def made_up_attestations():
    """Every platform in both encodings, small."""
    quote, config = b'quote', '{"vm_config":"{}"}'
    event = {'imr': 3, 'event_type': 0x08000001, 'digest': bytes(48), 'event': 'app-id',
             'event_payload': b'\1\2'}
    second = dict(event, version=2, preimage='7b7d')
    tpm = {'message': b'm', 'signature': b's', 'pcr_values': [
        {'index': 14, 'algorithm': 'sha256', 'value': bytes(32)}], 'ak_cert': b'c', 'platform': 'gcp',
        'event_log': [{'pcr_index': 14, 'digest': bytes(32)}]}
    platforms = [
        ('tdx', {'quote': list(quote), 'event_log': [event, second]}),
        ('gcp-tdx', {'quote': list(quote), 'event_log': [event], 'tpm_quote': tpm}),
        ('nitro-enclave', {'nsm_quote': list(quote)}),
        ('sev-snp', {'report': list(quote), 'cert_chain': [list(b'a'), list(b'b')], 'mr_config': '{}'}),
        ('aws-nitro-tpm', {'attestation_doc': list(quote)})]
    stack = {'report_data': list(bytes(64)), 'runtime_events': [
        {'event': 'app-id', 'payload': b'\1\2'}, {'event': 'x', 'payload': b'', 'version': 2}],
        'config': config}
    pod = dict(stack, report_data_payload='{}')
    for kind, data in platforms:
        for name, body in (('dstack', stack), ('dstack-pod', pod)):
            put('attestation_v1', 'made-%s-%s' % (kind, name), pack({
                'version': 1, 'platform': {'kind': kind, 'data': data},
                'stack': {'kind': name, 'data': body}}))
    put('attestation_v1', 'made-reversed', pack({
        'extra': [None, {'a': 1}], 'stack': {'data': stack, 'kind': 'dstack'},
        'platform': {'data': platforms[0][1], 'kind': 'tdx'}, 'version': 1}))
    log = compact(1) + struct.pack('<II', 3, 0x08000001) + blob(bytes(48)) + blob(b'app-id') + blob(b'\1')
    tpm = (blob(b'm') + blob(b's') + compact(1) + struct.pack('<I', 14) + blob(b'sha256') +
           blob(bytes(32)) + blob(b'c') + b'\1' + compact(1) + struct.pack('<I', 14) + blob(bytes(32)))
    end = compact(1) + blob(b'app-id') + blob(b'\1') + bytes(64) + blob(config.encode())
    for i, body in enumerate((blob(quote) + log, blob(quote) + log + tpm, blob(quote),
                              blob(quote) + compact(2) + blob(b'a') + blob(b'b') + blob(b'{}'),
                              blob(quote))):
        raw = bytes([0, i]) + body + end
        put('attestation_v0', 'made-%d' % i, raw)
        put('verify', 'made-%d' % i, b'\0\0' + json.dumps({'attestation': raw.hex()}).encode())


def requests():
    body = {'quote': '00', 'event_log': '[]', 'vm_config': '{}', 'attestation': None, 'explain': True,
            'expected_report_data': '00' * 64, 'expected_app_id': '00', 'expected_compose_hash': '00' * 32,
            'expected_os_image_hash': '00' * 32, 'allowed_tcb_statuses': ['UpToDate', 'OutOfDate'],
            'surprise': [1, {}]}
    put('request', 'whole', b'\0' + json.dumps(body).encode())
    put('request', 'lenient', b'\1' + json.dumps(dict(body, event_log=[], vm_config={})).encode())
    json_mutants('request', 'strict', json.dumps(body), b'\0')
    json_mutants('request', 'lenient', json.dumps(dict(body, event_log=[], vm_config={})), b'\1')
    for i, text in enumerate(('{"quote":"00","quote":"00"}', '[' * 1100, '[' * 1100 + ']' * 1100, '[]', '',
                              '{"a":"' + '\\\\' * 9)):
        put('request', 'odd-%d' % i, b'\0' + text.encode())
        put('verify', 'odd-%d' % i, b'\0\0' + text.encode())
    sgx = next(iter(sorted(VECTORS.glob('quotes/sgx/*.bin')))).read_bytes().hex()
    for i, quote in enumerate(('00', sgx)):
        put('verify', 'quote-%d' % i, b'\0\4' + json.dumps(
            {'quote': quote, 'event_log': [], 'vm_config': {}}).encode())


def manifests():
    line = '%064x  %s\n'
    name = 'measurement.tdx.cbor'
    for i, text in enumerate((
            '', line % (1, name), line % (1, name) * 2, line % (1, 'a') + 'x\n', line % (1, 'a') + '\n',
            (line % (1, name))[:-1], line % (1, '-a'), line % (1, 'a/b'), line % (1, 'sha256sum.txt'),
            line % (1, 'a' * 256), ''.join(line % (n, 'f%d' % n) for n in range(65)), 'A' * 17000 + '\n',
            (line % (1, 'a')).replace('0', 'A'), (line % (1, 'a')).replace('  ', ' *'))):
        put('manifest', str(i), text)


def machines():
    for i, line in enumerate((VECTORS / 'acpi/random.jsonl').read_text().splitlines()[:60]):
        put('vm_config', 'random-%d' % i, json.dumps(json.loads(line)['vm_config']))
    body = {'os_image_hash': '00' * 32, 'image': 'x', 'cpu_count': 1, 'memory_size': 2 << 30,
            'qemu_version': '9.2.1', 'qemu_single_pass_add_pages': True, 'pic': False, 'hugepages': False,
            'pci_hole64_size': 0, 'num_gpus': 1, 'num_nvswitches': 0, 'num_nics': 1, 'swtpm': False,
            'num_verity_volumes': 1, 'hotplug_off': False, 'host_share_mode': '9p',
            'numa_nodes': [{'pxb_bus': 8}], 'extra_root_devices': [], 'ovmf_variant': 'pre202505'}
    json_mutants('vm_config', 'whole', json.dumps(body))
    for row in load(VECTORS / 'acpi/newest-errors.json')[:40]:
        put('vm_config', 'error-' + row['name'].replace('/', '-'), json.dumps(row['vm_config']))
    rows = (VECTORS / 'measure/td_hob.txt').read_text().splitlines()
    for i, row in enumerate(rows):
        witness, memory, _ = row.split('\t')
        size = min(int(memory) >> 26, 0xffff)
        put('td_hob', str(i), struct.pack('>H', size) + bytes.fromhex(witness))


def documents_changed():
    """Documents that differ in a few bytes, which a calculator has decided."""
    base = b''
    for i, row in enumerate((VECTORS / 'measure/mutants.txt').read_text().splitlines()):
        kind, first, *rest = row.split('\t')
        if not rest:
            base = bytes.fromhex(first)
            put('tdx_document', 'whole-' + kind, base)
        elif kind not in ('firmware', 'kernel'):
            data = bytearray(base[:int(first)])
            for edit in rest[0].split():
                at, value = edit.split('=')
                data[int(at, 16)] = int(value, 16)
            put('tdx_document', 'changed-%d' % i, bytes(data))


def patched():
    """Genuine evidence, and the same with one bit flipped here and there."""
    for seed in range(1, 7):
        for flags in range(16):
            put('verify', 'seed-%d-%d' % (seed, flags), bytes([seed, flags]))
        for part in range(3 if seed == 3 else 1):
            for at in range(0, 9000, 450):
                put('verify', 'flip-%d-%d-%d' % (seed, part, at),
                    struct.pack('>BBBHBB', seed, at // 450 % 16, 3 + 4 * part, at, 1, 1))
    for item in range(4):
        put('fact', 'seed-%d' % item, bytes([item]))
        for part in range(2):
            for at in range(0, 2000, 200):
                put('fact', 'flip-%d-%d-%d' % (item, part, at),
                    struct.pack('>BBHBB', item, 3 + 4 * part, at, 1, 1))
    for which in range(2):
        put('image_fact', 'seed-%d' % which, bytes([which]))
        put('image_fact', 'type-%d' % which, struct.pack('>BBHBB', which, 4, 0, 1, 2 - which))
        for part, length in ((0, 320), (1, 37)):
            for at in range(0, length, 12):
                put('image_fact', 'flip-%d-%d-%d' % (which, part, at),
                    struct.pack('>BBHBB', which, 3 + 4 * part, at, 1, 1))
        for at in 10, 63, 64, 319:
            put('image_fact', 'short-%d-%d' % (which, at),
                struct.pack('>BBHB255sBHB255s', which, 2, at, 255, b'', 2, at, 255, b''))
        put('image_fact', 'large-%d' % which,
            bytes([which]) + struct.pack('>BHB255s', 1, 320, 255, b'') * 32)


CBOR = ['00', '1864', '190100', '1a00010000', '1b0000000100000000', '20', '40', '43010203', '60',
        '63616263', '80', '83010203', 'a0', 'a16161f5', 'f4', 'f6', 'f7', 'f90000', '9f01ff',
        '5f4101ff', 'c000', '818181818181818181818181818181818180', '4401020304', '1800', '7803414243']
MSGPACK = ['00', 'cc80', 'cd0100', 'ce00010000', 'cf0000000100000000', 'd0ff', 'd17fff', 'd200000001',
           'd30000000000000001', 'ff', 'c0', 'c2', 'c3', 'c403010203', 'c5000100', 'c600000000',
           'a3616263', 'd903616263', 'da0000', 'db00000000', '93010203', 'dc00020102', 'dd00000000',
           '81a16101', 'de0000', 'df00000000', 'ca3f800000', 'cb0000000000000000', 'c70100aa', 'd401aa',
           'c1', '919191919191919191919191919191919190', '93ccffcd00ff00']


def small():
    for target, values, ways in (('cbor', CBOR, 9), ('msgpack', MSGPACK, 7)):
        for i, value in enumerate(values):
            for way in range(ways):
                put(target, '%d-%d' % (i, way), bytes([way, way]) + bytes.fromhex(value))
    for path in ('cbor', 'msgpack'):
        for source in sorted((OUT / {'cbor': 'tdx_document', 'msgpack': 'attestation_v1'}[path])
                             .iterdir())[:3]:
            put(path, source.name, bytes([8 if path == 'cbor' else 6] * 2) + source.read_bytes())
    for i, text in enumerate(('', '00', 'deadBEEF', '0', 'zz', '0x00', '00 ', 'ff' * 64)):
        put('hex', str(i), text)
    times = ['2026-05-20T01:16:27Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2024-02-29T12:00:00Z',
             '2023-02-29T12:00:00Z', '2026-05-20T01:16:27+00:00', '2026-05-20t01:16:27z', '1780536131',
             '2026-05-20T23:59:60Z']
    for i, text in enumerate(times):
        put('timestamp', str(i), text)
    for i, (tag, text) in enumerate(((0x17, b'260520011627Z'), (0x18, b'20500520011627Z'),
                                     (0x17, b'500101000000Z'), (0x17, b'2605200116Z'),
                                     (0x18, b'20500520011627.5Z'))):
        put('timestamp', 'der-%d' % i, bytes([tag, len(text)]) + text)
    texts = ['null', '[]', '{}', '[1,-2,3.5e-7,0]', '{"a":{"b":[true,false,null]},"c":""}',
             '"\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/\\b\\f\\r\\t"', '"\u00e9\U0001f600"', ' [ 1 , 2 ] ',
             '{"a":1,"a":2}', '{"\\u0061":1,"b":2}', '[' * 40 + ']' * 40, '"\\ud800"', '01', '1.',
             'NaN', '{"a":12,"b":"00112233","c":[],"d":{},"e":null,"f":"x\\u0041","g":99999,"h":-1}', '{"k\\u0000":1}', json.dumps({'k%d' % i: i for i in range(20)})]
    for i, text in enumerate(texts):
        for flag in range(2):
            put('json', '%d-%d' % (i, flag), bytes([flag]) + text.encode())
    put('json', 'tcb_info', b'\0' + next(iter(sorted((OUT / 'tcb_info').iterdir()))).read_bytes())
    put('event_log', 'empty', '[]')
    put('event_log', 'v2', json.dumps([{
        'imr': 3, 'event_type': 0x08000001, 'digest': '00' * 48, 'event': 'app-id',
        'event_payload': '00' * 20, 'version': 2, 'preimage': '7b7d'}] * 2))
    put('event_log', 'acpi', json.dumps([{
        'imr': 0, 'event_type': 10, 'digest': '%02x' % i * 48, 'event': name,
        'event_payload': b'ACPI DATA'.hex()} for i, name in
        enumerate(('acpi-loader', 'acpi-rsdp', 'acpi-tables'))]))


def key_messages():
    fmspc, image = bytes.fromhex('90c06f000000'), bytes(range(32))
    yield b'\1\2\0' + fmspc
    yield b'\2\1\1'
    yield b'\3\2'
    yield b'\4'
    for n in 256, 384:
        yield b'\5' + bytes(16) + struct.pack('<I', n) + bytes(n) + bytes(16) + b'\1\0' + b'\0\0'
    yield b'\6' + image


def messages():
    def text(data):
        return struct.pack('<I', len(data)) + data

    def items(given, *values):
        return bytes([given]) + struct.pack('<I', len(values)) + b''.join(map(text, values))

    keys = list(key_messages())
    for i, key in enumerate(keys):
        put('message', 'failed-%d' % i, b'\5' + key + struct.pack('<H', 404))
        put('message', 'fact-%d' % i, b'\3' + key + bytes(8) + b'\1\0\0' + bytes(8) + text(b'chain') +
            text(b'body'))
        put('message', 'checked-%d' % i, b'\4' + key + bytes(8) + b'\1' + bytes(24) + text(b'why'))
        put('message', 'need-%d' % i, b'\2' + key)
        put('message', 'job-%d' % i, b'\0\1\1\0\1' + key + struct.pack('<H', 404) + b'{}')
    put('message', 'need-3', b'\2' + b''.join(keys[:3]))
    put('message', 'verdict', b'\1' + struct.pack('<HBBBBI', 200, 1, 0, 0, 0, 8) + text(b'valid') + b'{}')
    put('message', 'verdict-422', b'\1' + struct.pack('<HBBBBI', 422, 0, 0, 0, 1, 0) + text(b'') + b'no')
    lists = items(0)
    policy = (b'\1\1\1' + struct.pack('<I', 3) + b'\1\0\1' + struct.pack('<II', 511, 1) +
              items(1, b'INTEL-SA-00001') + lists + bytes(8) + struct.pack('<I', 17) + lists + lists +
              lists + b'\0' + lists + lists + b'\0' + items(1, b'kms', b'local') + lists + b'\0' +
              text(b'0.5.0') + bytes(8) + b'\1\1\1')
    put('message', 'worker_config', b'\6' + policy + text(b'root') + bytes(24) + b'\1' + bytes(8) +
        struct.pack('<I', 2))
    put('message', 'acceptor_config', b'\7' + bytes(40) + bytes(28) + struct.pack('<H', 503) + b'\1\2')
    put('message', 'fetcher_config', b'\x08' + items(1, b'https://localhost') + text(b'/cache') +
        bytes(24) + b'\0' + bytes(8) + b'\2')
    put('message', 'worker', b'\x09' + struct.pack('<I', 3) + text(b'{}') + text(b'{}'))
    put('message', 'stuck', b'\x0a' + struct.pack('<I', 3))
    put('message', 'ready', b'\x0b\0' + struct.pack('<I', 1) + text(b'why') + text(b'{}') + text(b'{}'))


FRAMES = {1: (1, 4), 2: (1, 4), 3: (4, 1), 4: (1, 2), 5: (1, 2), 7: (1, 2), 8: (2, 1), 16: (2, 4),
          17: (4, 2), 18: (4, 2), 19: (2, 4), 20: (4, 2), 32: (2, 8), 33: (8, 2), 34: (8, 2)}


def frames():
    for kind, (sender, receiver) in FRAMES.items():
        fds, length = kind in (4, 5), 0 if kind in (4, 7) else 16
        head = struct.pack('<HHIQ', kind, fds, length, 7)
        put('frame', str(kind), bytes([sender, receiver]) + head)
        put('frame', '%d-short' % kind, bytes([sender, receiver]) + head[:-1])
        put('frame', '%d-reversed' % kind, bytes([receiver, sender]) + head)
        put('frame', '%d-long' % kind, bytes([sender, receiver]) +
            struct.pack('<HHIQ', kind, fds, 1 << 30, 7))
        put('frame', '%d-fds' % kind, bytes([sender, receiver]) +
            struct.pack('<HHIQ', kind, not fds, length, 7))
        one = struct.pack('<HHIQ', kind, 0, 16, 1) + bytes(16)
        for piece in 0, 1, 255:
            put('channel', '%d-%d' % (kind, piece), bytes([sender, receiver, piece]) + one * 3)
    big = struct.pack('<HHIQ', 16, 0, 40000, 1) + bytes(40000)
    put('channel', 'big', b'\2\4\xff' + big)


def configurations():
    toml = (ETC / 'dstack-verifier.toml').read_text()
    put('toml', 'example', toml)
    live = re.sub(r'(?m)^#\s?(?=[a-z_.]+\s*=|\[)', '', toml)
    put('toml', 'example-live', live)
    for i, line in enumerate(live.splitlines()):
        if '=' in line and not line.startswith('#'):
            put('toml', 'line-%d' % i, line + '\n')
    extra = ['a = 0x1f\nb = 0o17\nc = 0b11\nd = 1_000\ne = -5\n', 'a = [ "x", \'y\', ]\n[b.c]\nd = true\n',
             'a = { b = 1, c = { d = "e" } }\n', '"a b".c = "\\u00e9\\n"\n', 'a = 1.5\n', 'a = """x"""\n',
             '[[a]]\n', 'a = 1979-05-27\n', "a = 'it'\r\n# c\r\n"]
    for i, text in enumerate(extra):
        put('toml', 'extra-%d' % i, text)
    conf = ['port = 8080\naddress = "0.0.0.0"\n', 'policy: { allowed_app_ids = [ "00", "11" ]; };\n',
            'a = (1, 2, "x");\nb = 0x1F;\nc = 5L;\nd = true;\ne = 1.5;\n// c\n/* d */ # e\n',
            'attestation = { urls = { pccs = ("https://a", "https://b") } }\n', 'a = "x" "y";\n',
            '@include "x"\n', 'a = { b = { c = 1 } };\n', 'a = [1, 2];\na = 2;\n']
    for i, text in enumerate(conf):
        put('libconf', str(i), text)
    put('environment', '0', 'PORT=8080\nATTESTATION__URLS__PCCS=https://a\nLOG_LEVEL="warn"\nA=true\n')
    put('environment', '1', 'A=1\na=2\n')
    put('environment', '2', 'A.B=x\nA__C=-5\n=\nB="\\u0041\n')


def http():
    heads = ['GET /health HTTP/1.1\r\nHost: a\r\n\r\n', 'HEAD /health HTTP/1.0\r\n\r\n',
             'POST /verify HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}',
             'POST /verify?x#y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n',
             'POST http://a/verify HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nabcde',
             'GET / HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\nConnection: close\r\n\r\n',
             'POST /verify HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
             'POST /verify HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n',
             'POST /verify HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n',
             'CONNECT a:1 HTTP/1.1\r\n\r\n', 'GET / HTTP/2.0\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
             'GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
             'POST /verify HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n',
             'GET / HTTP/1.1\r\n' + 'A: b\r\n' * 101 + '\r\n',
             'POST /verify HTTP/1.1\r\nContent-Length: 12000\r\n\r\n' + 'x' * 12000,
             'POST /verify HTTP/1.1\r\nContent-Length: 9000\r\n\r\n' + 'x' * 9000,
             'POST /verify HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n' + '800\r\n' + 'x' * 2048 +
             '\r\n2000\r\n' + 'x' * 8192 + '\r\n0\r\n\r\n',
             'GET /' + 'a' * 17000 + ' HTTP/1.1\r\n\r\n']
    for i, text in enumerate(heads):
        for piece in 0, 7, 255:
            put('http_request', '%d-%d' % (i, piece), bytes([piece]) + text.encode())


quotes()
collateral()
attestations()
made_up_attestations()
requests()
manifests()
machines()
documents_changed()
patched()
small()
messages()
frames()
configurations()
http()
