#!/usr/bin/env python3
"""What dstack-verifier has to answer, computed from the specification alone.

  expected_answer.py --requests   write the altered requests of tests/vectors/answers/requests
  expected_answer.py --answers    write tests/vectors/answers/NAME.json for each row of index

Nothing of the program is used or looked at: bytes are taken apart here, by the tables of the
specification, and every member of the answer is put together in the order it gives.  Signatures
of the quote are checked (P-256 in plain integers); those of collateral are taken as good, since
every collateral file in tests/vectors is genuine.  ACPI tables are not generated: RTMR0 is
computed from the digests in the log, and has to be the quoted one.

Python 3, standard library only.
"""

import base64
import datetime
import hashlib
import json
import os
import struct
import sys

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")
ANSWERS = os.path.join(VECTORS, "answers")
REQUESTS = os.path.join(ANSWERS, "requests")


class Refused(Exception):
    """What ends judging: stage, code, kind, retryable, reason."""

    def __init__(self, stage, code, kind, reason, retryable=False):
        super().__init__(reason)
        self.error = {"stage": stage, "code": code, "kind": kind, "retryable": retryable}
        self.reason = reason


def sha256(b):
    return hashlib.sha256(b).digest()


def sha384(b):
    return hashlib.sha384(b).digest()


def extend_all(digests):
    register = bytes(48)
    for d in digests:
        register = sha384(register + d)
    return register


# ---- P-256 ----

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(p, q):
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        s = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, P)
    else:
        s = (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (s * s - p[0] - q[0]) % P
    return x, (s * (p[0] - x) - p[1]) % P


def multiply(k, p):
    r = None
    while k:
        if k & 1:
            r = add(r, p)
        p = add(p, p)
        k >>= 1
    return r


def signed(message, r, s, key):
    if not (0 < r < N and 0 < s < N):
        return False
    w = pow(s, -1, N)
    point = add(multiply(int.from_bytes(sha256(message), "big") * w % N, G),
                multiply(r * w % N, key))
    return point is not None and point[0] % N == r


def point(b):
    return int.from_bytes(b[:32], "big"), int.from_bytes(b[32:64], "big")


# ---- DER, certificates and CRLs ----

def der(b):
    """-> [(tag, content, whole)] of the elements side by side in b"""
    out = []
    i = 0
    while i < len(b):
        start, tag, n = i, b[i], b[i + 1]
        i += 2
        if n & 0x80:
            k = n & 0x7F
            n = int.from_bytes(b[i:i + k], "big")
            i += k
        out.append((tag, b[i:i + n], b[start:i + n]))
        i += n
    return out


def pem(text):
    return [base64.b64decode(part.split("-----END")[0])
            for part in text.split("-----BEGIN CERTIFICATE-----")[1:]]


def common_name(name):
    for _, rdn, _ in der(der(name)[0][1]):
        kind, value = der(der(rdn)[0][1])[:2]
        if kind[1] == bytes.fromhex("550403"):
            return value[1].decode()
    return ""


def x509_time(element):
    text = element[1].decode()
    if element[0] == 0x17:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return int(datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(
        tzinfo=datetime.timezone.utc).timestamp())


class Cert:
    def __init__(self, raw):
        tbs, _, signature = der(der(raw)[0][1])
        self.tbs = tbs[2]
        r, s = der(der(signature[1][1:])[0][1])
        self.r, self.s = int.from_bytes(r[1], "big"), int.from_bytes(s[1], "big")
        parts = der(tbs[1])
        if parts[0][0] == 0xA0:
            parts = parts[1:]
        self.issuer, self.subject = parts[2][2], parts[4][2]
        self.not_before, self.not_after = [x509_time(t) for t in der(parts[3][1])]
        self.key = point(der(parts[5][1])[1][1][2:])
        self.extensions = {}
        for tag, content, _ in parts[6:]:
            if tag == 0xA3:
                for _, extension, _ in der(der(content)[0][1]):
                    e = der(extension)
                    self.extensions[e[0][1].hex()] = e[-1][1]

    def verifies(self, other):
        return signed(other.tbs, other.r, other.s, self.key)


SGX = "2a864886f84d010d01"


def sgx_extension(cert):
    """-> {last part of the OID: element}"""
    out = {}
    for _, pair, _ in der(der(cert.extensions[SGX])[0][1]):
        oid, value = der(pair)
        out[oid[1][len(SGX) // 2:].hex()] = value
        if oid[1].hex() == SGX + "02":
            for _, inner, _ in der(value[1]):
                k, v = der(inner)
                out[k[1][len(SGX) // 2:].hex()] = v
    return out


class Crl:
    def __init__(self, raw):
        parts = der(der(der(raw)[0][1])[0][1])
        self.issuer = parts[2][2]
        self.this_update, self.next_update = x509_time(parts[3]), x509_time(parts[4])
        self.number = None
        for tag, content, _ in parts[5:]:
            if tag == 0xA0:
                for _, extension, _ in der(der(content)[0][1]):
                    e = der(extension)
                    if e[0][1] == bytes.fromhex("551d14"):
                        self.number = der(e[-1][1])[0][1].hex()


# ---- the quote ----

class Quote:
    def __init__(self, b):
        self.version = struct.unpack_from("<H", b)[0]
        self.tee = struct.unpack_from("<I", b, 4)[0]
        self.body = 48
        size = 584
        if self.version == 5:
            size = struct.unpack_from("<I", b, 50)[0]
            self.body = 54
        self.end = self.body + size
        td = b[self.body:self.end]
        self.tee_tcb_svn = td[:16]
        self.mr_signer_seam, self.seam_attributes = td[64:112], td[112:120]
        self.td_attributes = td[120:128]
        self.mrtd, self.mr_config_id = td[136:184], td[184:232]
        self.mr_owner, self.mr_owner_config = td[232:280], td[280:328]
        self.rtmr = [td[328 + 48 * i:376 + 48 * i] for i in range(4)]
        self.report_data = td[520:584]
        self.tee_tcb_svn2 = td[584:600] if size > 584 else None
        self.mr_service_td = td[600:648] if size > 584 else bytes(48)
        auth = b[self.end + 4:]
        self.signed = b[:self.end]
        self.signature, self.key = auth[:64], auth[64:128]
        data = auth[134:134 + struct.unpack_from("<I", auth, 130)[0]]
        self.qe_report, self.qe_signature = data[:384], data[384:448]
        n = struct.unpack_from("<H", data, 448)[0]
        self.qe_auth = data[450:450 + n]
        self.certs = [Cert(c) for c in pem(data[456 + n:].decode("latin-1"))]


VERIFY = "Quote verification failed: failed to verify TDX quote: "


def quote_signatures(q, now):
    leaf, ca, root = q.certs
    for cert in leaf, ca:
        if not cert.not_before <= now <= cert.not_after:
            raise Refused("quote", "quote_refused", "refused", VERIFY + "chain")
    assert root.verifies(ca) and ca.verifies(leaf)
    r, s = point(q.qe_signature)
    if not signed(q.qe_report, r, s, leaf.key):
        raise Refused("quote", "quote_refused", "refused",
                      VERIFY + "Signature is invalid for qe_report in quote")
    assert sha256(q.key + q.qe_auth) == q.qe_report[320:352]
    r, s = point(q.signature)
    if not signed(q.signed, r, s, point(q.key)):
        raise Refused("quote", "quote_refused", "refused",
                      VERIFY + "ISV enclave report signature is invalid")


# ---- TCB ----

SEVERITY = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
            "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded",
            "Revoked"]


class NoLevel(Exception):
    pass


def level_numbers(level):
    t = level["tcb"]
    return ([c["svn"] for c in t["sgxtcbcomponents"]], t["pcesvn"],
            [c["svn"] for c in t.get("tdxtcbcomponents", [])])


def platform_level(levels, cpusvn, pcesvn, svn, intel):
    first = 2 if intel and svn[1] > 0 else 0
    for level in sorted(levels, key=level_numbers, reverse=True):
        sgx, pce, tdx = level_numbers(level)
        if pcesvn >= pce and all(a >= b for a, b in zip(cpusvn, sgx)) and \
                all(a >= b for a, b in list(zip(svn, tdx))[first:]):
            return level
    raise NoLevel("No matching TCB level found")


def module_level(tcb, svn):
    if svn[1] == 0:
        return None
    for identity in tcb["tdxModuleIdentities"]:
        if identity["id"].upper() == "TDX_%02X" % svn[1]:
            for level in identity["tcbLevels"]:
                if svn[0] >= level["tcb"]["isvsvn"]:
                    return level
    raise NoLevel("module")


def merged(parts):
    """upstream's rule -> status, advisories"""
    status, advisories = parts[0]["tcbStatus"], list(parts[0].get("advisoryIDs", []))
    for part in parts[1:]:
        status = max(status, part["tcbStatus"], key=SEVERITY.index)
        advisories += [a for a in part.get("advisoryIDs", []) if a not in advisories]
    return status, advisories


ASKS = ["OutOfDateConfigurationNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"]


class Tcb:
    """Status, advisories and shortfall by the configured rule, and what the other one says."""

    def __init__(self, q, tcb, qe, rule):
        ext = sgx_extension(q.certs[0])
        self.cpusvn = ext["0212"][1]
        self.pcesvn = int.from_bytes(ext["0211"][1], "big")
        self.tcb, self.q = tcb, q
        self.isvsvn = struct.unpack_from("<H", q.qe_report, 258)[0]
        self.qe_levels = qe["tcbLevels"]
        self.qe = next(x for x in qe["tcbLevels"] if self.isvsvn >= x["tcb"]["isvsvn"])
        self.rule = rule
        results = {"upstream": self.upstream(), "intel": self.intel()}
        self.intel_status = results["intel"] and results["intel"][0]
        mine = results[rule]
        other = results["intel" if rule == "upstream" else "upstream"]
        if mine is None:
            raise Refused("quote", "quote_refused", "refused",
                          VERIFY + "No matching TCB level found")
        self.status, self.advisories, self.level, self.module = mine
        self.other = other and other[0]
        platform = [p for p in (self.level, self.module) if p]
        if rule == "upstream":
            self.platform_status = merged(platform)[0]
        else:
            self.platform_status = self.converge(self.level, self.module, None)
        self.qe_status = self.qe["tcbStatus"]

    def level_of(self, svn, intel):
        return platform_level(self.tcb["tcbLevels"], self.cpusvn, self.pcesvn, svn, intel), \
            module_level(self.tcb, svn)

    def upstream(self):
        try:
            level, module = self.level_of(self.q.tee_tcb_svn, False)
        except NoLevel:
            return None
        status, advisories = merged([p for p in (level, module, self.qe) if p])
        return status, advisories, level, module

    @staticmethod
    def converge(level, module, qe):
        status = level["tcbStatus"]
        parts = [p["tcbStatus"] for p in (module, qe) if p]
        if "OutOfDate" in parts:
            if status in ("UpToDate", "SWHardeningNeeded"):
                status = "OutOfDate"
            elif status in ("ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"):
                status = "OutOfDateConfigurationNeeded"
        return "Revoked" if "Revoked" in parts else status

    def judge(self, svn):
        level, module = self.level_of(svn, True)
        return self.converge(level, module, self.qe), level, module

    def intel(self):
        try:
            launch, level, module = self.judge(self.q.tee_tcb_svn)
        except NoLevel:
            launch = None
        self.current = None
        if self.q.tee_tcb_svn2:
            try:
                self.current = self.judge(self.q.tee_tcb_svn2)[0]
            except NoLevel:
                return None
        if launch is None:
            return None
        if self.current in SEVERITY[:4] and launch in ("OutOfDate",
                                                       "OutOfDateConfigurationNeeded"):
            asks = launch in ASKS or self.current in ASKS
            launch = "TDRelaunchAdvised" + ("ConfigurationNeeded" if asks else "")
        advisories = merged([p for p in (level, module, self.qe) if p])[1]
        return launch, advisories, level, module

    def short(self):
        parts = [self.level["tcbStatus"], self.status, self.qe_status]
        if self.module:
            parts.append(self.module["tcbStatus"])
        if self.q.tee_tcb_svn2:
            parts.append(self.current)
        return any(s != "UpToDate" for s in parts)

    def shortfall(self):
        out = []

        def one(component, index, have, needs, update):
            if have < needs:
                out.append({"component": component, "index": index, "have": have,
                            "needs": needs, "update": update})

        sgx, pce, tdx = max(level_numbers(x) for x in self.tcb["tcbLevels"])
        svn = self.q.tee_tcb_svn
        for i in range(16):
            one("sgx", i, self.cpusvn[i], sgx[i], "bios_microcode")
        first = 2 if self.rule == "intel" and svn[1] > 0 else 0
        for i in range(first, 16):
            one("tdx", i, svn[i], tdx[i], "tdx_module" if i < 2 else "bios_microcode")
        one("pcesvn", None, self.pcesvn, pce, "pce")
        for identity in self.tcb.get("tdxModuleIdentities", []):
            if svn[1] > 0 and identity["id"].upper() == "TDX_%02X" % svn[1]:
                one("tdx_module", None, svn[0],
                    max(x["tcb"]["isvsvn"] for x in identity["tcbLevels"]), "tdx_module")
        one("qe", None, self.isvsvn, max(x["tcb"]["isvsvn"] for x in self.qe_levels), "qe")
        return out


# ---- evidence ----

def scale(b):
    """-> variant, quote, log, runtime events, report_data, config"""
    pos = 1

    def take(n):
        nonlocal pos
        assert n <= len(b) - pos
        pos += n
        return b[pos - n:pos]

    def compact():
        first = take(1)[0]
        return int.from_bytes(bytes([first]) + take((0, 1, 3)[first & 3]), "little") >> 2

    def blob():
        return take(compact())

    def u32():
        return struct.unpack("<I", take(4))[0]

    variant = take(1)[0]
    if variant != 0:
        return variant, None, None, None, None, None
    quote = blob()
    log = [{"imr": u32(), "event_type": u32(), "digest": blob(), "event": blob().decode(),
            "event_payload": blob(), "version": 1} for _ in range(compact())]
    runtime = [{"event": blob().decode(), "event_payload": blob(), "version": 1}
               for _ in range(compact())]
    return variant, quote, log, runtime, take(64), blob().decode()


RUNTIME = 0x08000001


def runtime_digest(e):
    if e.get("version", 1) == 1:
        return sha384(struct.pack("<I", RUNTIME) + b":" + e["event"].encode() + b":" +
                      e["event_payload"])
    return sha384(json.dumps({"name": e["event"], "payload": e["event_payload"].hex(),
                              "type": RUNTIME}, separators=(",", ":"),
                             ensure_ascii=False).encode())


def json_log(text):
    log = json.loads(text)
    for e in log:
        e["digest"] = bytes.fromhex(e.get("digest", ""))
        e["event_payload"] = bytes.fromhex(e["event_payload"])
    return log, [e for e in log if e["event_type"] == RUNTIME]


def is_acpi(e):
    return e["imr"] == 0 and e["event_type"] == 10 and e["event_payload"] == b"ACPI DATA"


def replay(log, runtime, q):
    """-> which registers were replayed"""
    rt = extend_all([runtime_digest(e) for e in runtime])
    if rt != q.rtmr[3]:
        raise Refused("event_log", "rtmr_mismatch", "refused", "Quote verification failed: "
                      "RTMR3 mismatch, quoted: %s, replayed: %s" % (q.rtmr[3].hex(), rt.hex()))
    whole = any(e["imr"] < 3 and not is_acpi(e) for e in log)
    covered = []
    for i in range(3):
        mine = [e["digest"] for e in log if e["imr"] == i]
        covered.append(whole and bool(mine))
        if covered[i]:
            assert extend_all(mine) == q.rtmr[i]
    return covered + [True], rt


class App:
    def __init__(self, q, runtime, rt):
        named, scripts = {}, []
        for e in runtime:
            if e["event"] == "system-ready":
                break
            if e["event"] == "init-script-hash":
                scripts.append(e["event_payload"])
            named.setdefault(e["event"], e["event_payload"])
        self.named = named
        self.scripts = scripts
        self.app_id = named.get("app-id", b"")
        self.compose_hash = named.get("compose-hash", b"")
        self.instance_id = named.get("instance-id", b"")
        self.key_provider = named.get("key-provider", b"")
        self.device_id = sha256(sgx_extension(q.certs[0])["01"][1])
        kp = sha256(self.key_provider) if self.key_provider else bytes(32)
        launch = q.mrtd + q.rtmr[0] + q.rtmr[1] + q.rtmr[2]
        ext = q.mr_config_id + q.mr_owner + q.mr_owner_config
        self.mr_system = sha256(launch + kp)
        self.mr_aggregated = sha256(launch + rt + (ext if any(ext) else b""))


# ---- the lite document ----

def cbor(b):
    pos = 0

    def item():
        nonlocal pos
        major, low = b[pos] >> 5, b[pos] & 31
        pos += 1
        n = low
        if low >= 24:
            k = 1 << (low - 24)
            n = int.from_bytes(b[pos:pos + k], "big")
            pos += k
        if major in (2, 3):
            pos += n
            return b[pos - n:pos] if major == 2 else b[pos - n:pos].decode()
        if major == 5:
            return {item(): item() for _ in range(n)}
        if major == 4:
            return [item() for _ in range(n)]
        return {20: False, 21: True}[low] if major == 7 else n

    return item()


CFV = bytes.fromhex("344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6"
                    "412af21c097d473155875ffd561d6790")
BOOT0000 = bytes.fromhex("23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28e"
                         "acf7047ae6e967c58fd2a98bfa74c298")
GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
SECURITY = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")


def variable(guid, name):
    return sha384(guid + struct.pack("<QQ", len(name), 0) + name.encode("utf-16-le"))


def witness(w):
    numbers, v, shift = [], 0, 0
    for byte in w:
        v |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            numbers.append(v)
            v = shift = 0
    base, delta, n = numbers[:3]
    ranges = [((base + s) * 4096, (base + s + c) * 4096)
              for s, c in zip(numbers[3::2], numbers[4::2])]
    assert len(ranges) == n
    return (base + delta) * 4096, ranges


def td_hob(w, memory):
    base, accepted = witness(w)
    parts = [(7, 0, memory)]
    for a, z in accepted:
        after = [(0, a, z)]
        for kind, s, e in parts:
            if kind == 0 or e <= a or s >= z:
                after.append((kind, s, e))
                continue
            if s < a:
                after.append((7, s, a))
            if e > z:
                after.append((7, z, e))
        parts = sorted(after, key=lambda p: p[1])
    _, s, e = parts.pop()
    if memory >= 0xB0000000:
        parts += [(7, s, 0x80000000), (7, 0x100000000, e + 0x80000000)]
    else:
        parts.append((7, s, e))
    body = b"".join(struct.pack("<HHI", 3, 48, 0) + bytes(16) +
                    struct.pack("<IIQQ", kind, 7, a, z - a) for kind, a, z in parts)
    return struct.pack("<HHIIIQQQQQ", 1, 56, 0, 9, 0, 0, 0, 0, 0,
                       base + 56 + len(body) + 8) + body


OS_IMAGE = "OS image hash verification failed: "


def lite(config, log, q):
    """-> document version, two_pass, why it does not match or None"""
    material = config["tdx_measurement"]
    sums = base64.b64decode(material["checksum_file"])
    raw = base64.b64decode(material["measurement"])
    assert sha256(sums).hex() == config["os_image_hash"]
    assert any(line.split()[:2] == [sha256(raw).hex(), "measurement.tdx.cbor"]
               for line in sums.decode().splitlines())
    doc = cbor(raw)
    image, tdvf = doc["image"], doc["tdvf"]
    cmdline = image["cmdline_sha384"] if doc["version"] == 3 else \
        sha384((image["cmdline"] + " initrd=initrd").encode("utf-16-le") + b"\0\0")
    acpi = {e["event"]: e["digest"] for e in log if is_acpi(e)}
    two = config.get("qemu_single_pass_add_pages")
    if two is None:
        two = config["qemu_version"].startswith("8.")
    expected = [
        ("MRTD", tdvf["mrtd"]["two_pass" if two else "single_pass"], q.mrtd),
        ("RTMR0", extend_all([
            sha384(td_hob(tdvf["td_hob"], config["memory_size"])), CFV,
            variable(GLOBAL, "SecureBoot"), variable(GLOBAL, "PK"), variable(GLOBAL, "KEK"),
            variable(SECURITY, "db"), variable(SECURITY, "dbx"), sha384(bytes(4)),
            acpi["acpi-loader"], acpi["acpi-rsdp"], acpi["acpi-tables"],
            sha384(bytes(2)), BOOT0000]), q.rtmr[0]),
        ("RTMR1", extend_all([
            image["kernel_authenticode"], sha384(b"Calling EFI Application from Boot Option"),
            sha384(bytes(4)), sha384(b"Exit Boot Services Invocation"),
            sha384(b"Exit Boot Services Returned with Success")]), q.rtmr[1]),
        ("RTMR2", extend_all([cmdline, image["initrd_sha384"]]), q.rtmr[2]),
    ]
    for name, want, got in expected:
        if want != got:
            return doc["version"], two, OS_IMAGE + "MRs do not match: %s mismatch: " \
                "expected=%s, actual=%s" % (name, want.hex(), got.hex())
    return doc["version"], two, None


# ---- the answer ----

def seconds(text):
    return int(datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=datetime.timezone.utc).timestamp())


def stamp(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


class Answer:
    """Facts as they are found; show() puts them in order."""

    def __init__(self, row, settings):
        self.row, self.settings = row, settings
        self.q = self.tcb = self.app = self.config = self.error = None
        self.quote_ok = self.image_ok = self.log_ok = self.acpi_ok = False
        self.version = self.two = None
        self.confirmed = False

    # Sections 2, 3 and 8 of the HTTP page, in the order in which things are refused.
    def judge(self, request):
        try:
            self.read(request)
            self.quote()
            self.image()
            self.policy(request)
        except Refused as e:
            self.error, self.reason = e.error, e.reason

    def read(self, request):
        internal = "Internal error: "
        if request.get("attestation") is not None:
            raw = bytes.fromhex(request["attestation"])
            if raw[:1] not in (b"\0", b"\x83"):
                raise Refused("request", "attestation_malformed", "malformed",
                              internal + "Failed to decode attestaion: " + self.row["inner"])
            variant, quote, self.log, self.runtime, report_data, self.config_text = scale(raw)
            if variant != 0:
                raise Refused("quote", "tee_unsupported", "unsupported", "Quote verification "
                              "failed: evidence of %s is not supported" %
                              {2: "dstack-nitro-enclave", 3: "dstack-amd-sev-snp"}[variant])
            self.q = Quote(quote)
            assert report_data == self.q.report_data
            return
        if request.get("quote") is None:
            raise Refused("request", "quote_required", "malformed", internal + "Quote is required")
        if request.get("event_log") is None:
            raise Refused("request", "event_log_required", "malformed",
                          internal + "Event log is required")
        self.q = Quote(bytes.fromhex(request["quote"]))
        self.log, self.runtime = json_log(request["event_log"])
        self.config_text = request.get("vm_config") or "{}"

    def collateral(self):
        name = self.row["collateral"]
        leaf = sgx_extension(self.q.certs[0])
        if name is None:
            raise Refused("quote", "collateral_unavailable", "unavailable", VERIFY +
                          "collateral unavailable: TCB info for FMSPC %s" %
                          leaf["04"][1].hex().upper(), True)
        with open(os.path.join(VECTORS, name)) as f:
            c = json.load(f)
        self.tcb_info, self.qe_identity = json.loads(c["tcb_info"]), json.loads(c["qe_identity"])
        self.root_crl = Crl(bytes.fromhex(c["root_ca_crl"]))
        self.pck_crl = Crl(bytes.fromhex(c["pck_crl"]))
        assert self.pck_crl.issuer == self.q.certs[0].issuer
        assert self.tcb_info["fmspc"].lower() == leaf["04"][1].hex()
        for document, what in (self.tcb_info, "TCBInfo"), (self.qe_identity, "QE Identity"):
            if self.row["at"] > seconds(document["nextUpdate"]):
                raise Refused("quote", "quote_refused", "refused", VERIFY + what + " expired")

    def quote(self):
        q = self.q
        quote_signatures(q, self.row["at"])
        self.covered, rt = replay(self.log, self.runtime, q)
        self.collateral()
        self.tcb = Tcb(q, self.tcb_info, self.qe_identity, self.settings.get("tcb_rule", "upstream"))
        assert q.td_attributes[0] == 0 and not any(q.mr_service_td)
        self.app = App(q, self.runtime, rt)
        self.mr_config = None
        if q.mr_config_id[0] == 1:
            self.mr_config = q.mr_config_id[1:33] == self.app.compose_hash
            assert self.mr_config
        else:
            assert not any(q.mr_config_id)
        self.quote_ok = True

    def image(self):
        self.config = config = json.loads(self.config_text)
        document = config.get("tdx_measurement")
        if document is not None and "checksum_file" not in document:
            self.config = None
            raise Refused("os_image", "vm_config_malformed", "malformed", OS_IMAGE +
                          "Failed to decode VM config: Failed to parse vm config: " +
                          self.row["inner"])
        listed = self.settings.get("allowed_os_image_hashes")
        self.confirmed = listed is not None and config["os_image_hash"] in listed
        if config.get("tdx_attestation_variant") == "lite":
            self.version, self.two, why = lite(config, self.log, self.q)
            self.acpi_ok = True
            if why:
                raise Refused("os_image", "measurement_mismatch", "refused", why)
            if self.settings.get("os_image_anchor") != "published":
                self.image_ok = self.log_ok = True
                return
        raise Refused("os_image", "image_unavailable", "unavailable", OS_IMAGE + "Failed to "
                      "download image %s: Failed to download image: server not reachable" %
                      config["os_image_hash"], True)

    def policy(self, request):
        unmet = []
        allowed = self.settings.get("allowed_tcb_statuses")
        if allowed is not None and self.tcb.status not in allowed:
            unmet.append("tcb_status %s is not allowed" % self.tcb.status)
        for key, value in (("app_id", self.app.app_id), ("compose_hash", self.app.compose_hash)):
            allowed = self.settings.get("allowed_%ss" % key if key == "app_id"
                                        else "allowed_compose_hashes")
            if allowed is not None and value.hex() not in allowed:
                unmet.append("%s %s is not allowed" % (key, value.hex()))
        for key, value in (("expected_report_data", self.q.report_data),
                           ("expected_app_id", self.app.app_id),
                           ("expected_compose_hash", self.app.compose_hash),
                           ("expected_os_image_hash",
                            bytes.fromhex(self.config["os_image_hash"]))):
            want = request.get(key)
            if want is None:
                continue
            want = bytes.fromhex(want)
            if key == "expected_report_data":
                want = want.ljust(64, b"\0")
                self.fresh = want == value
            if want != value:
                unmet.append(key + " does not match")
        if unmet:
            raise Refused("policy", "policy_check_failed", "refused",
                          "Policy check failed: " + "; ".join(unmet))

    fresh = False

    def key_provider(self):
        try:
            v = json.loads(self.app.key_provider)
            return {"name": v["name"], "id": v["id"]}
        except (ValueError, KeyError):
            return None

    def compatible(self):
        d = {"quote_verified": self.quote_ok, "event_log_verified": self.log_ok,
             "os_image_hash_verified": self.image_ok, "acpi_tables_verified": self.acpi_ok,
             "os_image_is_dev": None, "os_image_version": None, "tee_variant": None,
             "report_data": None, "tcb_status": None, "advisory_ids": [],
             "key_provider": None, "app_info": None}
        if self.quote_ok:
            d.update(tee_variant="dstack-tdx", report_data=self.q.report_data.hex(),
                     tcb_status=self.tcb.status, advisory_ids=self.tcb.advisories)
        if self.log_ok:
            a, q = self.app, self.q
            d["key_provider"] = self.key_provider()
            d["app_info"] = {
                "app_id": a.app_id.hex(), "compose_hash": a.compose_hash.hex(),
                "instance_id": a.instance_id.hex(), "device_id": a.device_id.hex(),
                "mrtd": q.mrtd.hex(), "rtmr0": q.rtmr[0].hex(), "rtmr1": q.rtmr[1].hex(),
                "rtmr2": q.rtmr[2].hex(), "rtmr3": q.rtmr[3].hex(),
                "mr_system": a.mr_system.hex(), "mr_aggregated": a.mr_aggregated.hex(),
                "os_image_hash": self.config["os_image_hash"],
                "key_provider_info": a.key_provider.hex(),
                "init_script_hashes": [s.hex() for s in a.scripts]}
        if not self.error:
            d["boot_info"] = {
                "teeVariant": "dstack-tdx", "mrAggregated": a.mr_aggregated.hex(),
                "osImageHash": self.config["os_image_hash"], "mrSystem": a.mr_system.hex(),
                "appId": a.app_id.hex(), "composeHash": a.compose_hash.hex(),
                "instanceId": a.instance_id.hex(), "deviceId": a.device_id.hex(),
                "keyProviderInfo": a.key_provider.hex(), "tcbStatus": self.tcb.status,
                "advisoryIds": self.tcb.advisories}
        return d

    def assurance(self):
        word = "not_checked"
        if self.image_ok:
            word = "verified" if self.confirmed else "supplied_by_requester"
        rank = ["verified", "replayed", "signed", "supplied_by_requester", "not_checked"]
        return {"quote": "verified", "tcb": "verified", "event_log": "replayed",
                "boot_events": "replayed" if all(self.covered[:3]) else "not_checked",
                "os_image": word,
                "acpi_tables": "verified" if self.acpi_ok else "not_checked",
                "identity": max("replayed", word, key=rank.index),
                "freshness": "verified" if self.fresh else "not_checked",
                "revocation": "verified", "platform": "not_checked", "trust_anchor": "builtin"}

    def appraisal(self):
        unmet, e = [], self.error
        if e and not e["retryable"] and e["stage"] != "policy":
            unmet.append("evidence: " + e["code"])
        else:
            if self.quote_ok:
                status = self.tcb.intel_status
                if status not in ("UpToDate", "SWHardeningNeeded"):
                    unmet.append("tcb_status: " + (status or "no matching level"))
                supplied = self.config.get("tdx_attestation_variant") == "lite"
                if supplied and not self.confirmed:
                    unmet.append("os_image: not confirmed")
                if not self.confirmed:
                    unmet.append("os_image: dev not known")
            if e and e["retryable"]:
                unmet.append("unavailable: " + e["code"])
        bad = any(u.startswith(("evidence", "tcb_status", "event_log")) for u in unmet)
        return {"profile": "strict", "verdict": "reject" if bad else
                "unknown" if unmet else "accept", "unmet": unmet}

    def own(self):
        d = {"warnings": []}
        if self.error:
            d["error"] = self.error
        if self.quote_ok:
            d["assurance"] = self.assurance()
        if not self.error or self.error["stage"] not in ("request", "internal"):
            d["appraisal"] = self.appraisal()
        if self.quote_ok:
            ext = sgx_extension(self.q.certs[0])
            ca = common_name(self.q.certs[0].issuer)
            d["platform"] = {"ppid": ext["01"][1].hex(),
                             "piid": ext["06"][1].hex() if "06" in ext else None,
                             "fmspc": ext["04"][1].hex(),
                             "ca": {"Intel SGX PCK Platform CA": "platform",
                                    "Intel SGX PCK Processor CA": "processor"}[ca]}
        if self.version:
            d["measurement_version"] = self.version
        if self.image_ok:
            d["measurement_match"] = {"mrtd": "two_pass" if self.two else "single_pass",
                                      "kernel": None, "acpi_profile": "newest"}
        if self.quote_ok:
            t = self.tcb
            if t.other != t.status:
                d["tcb_rule"] = {"rule": t.rule, "other_status": t.other}
            if self.q.tee_tcb_svn2:
                d["current_tcb_status"] = t.current
            if t.short():
                d["tcb_shortfall"] = t.shortfall()
            d["mr_config_id"] = self.q.mr_config_id.hex()
            d["mr_config_id_verified"] = self.mr_config
            d["event_log_coverage"] = dict(zip(("rtmr0", "rtmr1", "rtmr2", "rtmr3"), self.covered))
        if not self.error and "os-image-hash" in self.app.named:
            d["event_os_image_hash"] = self.app.named["os-image-hash"].hex()
        if self.image_ok:
            d["os_image_hash_source"] = "supplied_measurement"
        if self.quote_ok:
            i = self.tcb_info
            d["collateral"] = {
                "fmspc": i["fmspc"].lower(),
                "tcb_evaluation_data_number": i["tcbEvaluationDataNumber"],
                "tcb_issue_date": i["issueDate"], "tcb_next_update": i["nextUpdate"],
                "platform_tcb_status": self.tcb.platform_status,
                "qe_tcb_status": self.tcb.qe_status,
                "root_crl_this_update": stamp(self.root_crl.this_update),
                "pck_crl_this_update": stamp(self.pck_crl.this_update),
                "root_crl_number": self.root_crl.number, "pck_crl_number": self.pck_crl.number,
                "fetched_age_secs": None}
        d["pinned"] = {"at": self.row["at"], "collateral": self.row["collateral"] is not None}
        return d

    def show(self):
        details = self.compatible()
        details.update(self.own())
        return json.dumps({"is_valid": not self.error, "details": details,
                           "reason": self.reason if self.error else None},
                          separators=(",", ":"), ensure_ascii=False)


def settings_of(row):
    """The few configuration keys that the rows use: KEY = "TEXT" or KEY = ["TEXT"]."""
    out = {}
    if row["config"]:
        with open(os.path.join(ANSWERS, row["config"])) as f:
            for line in f:
                if "=" in line:
                    key, value = line.split("=", 1)
                    out[key.strip()] = json.loads(value)
    if out.get("profile") == "strict":
        anchor = "listed" if "allowed_os_image_hashes" in out else "published"
        out = dict({"tcb_rule": "intel", "os_image_anchor": anchor,
                    "allowed_tcb_statuses": ["UpToDate", "SWHardeningNeeded"]}, **out)
    return out


def rows():
    """index: NAME AT COLLATERAL CONFIG REQUEST [INNER WORDS], "-" for none"""
    with open(os.path.join(ANSWERS, "index")) as f:
        for line in f:
            if line.startswith("#"):
                continue
            word = [None if w == "-" else w for w in line.rstrip("\n").split(" ", 5)]
            yield dict(name=word[0], at=int(word[1]), collateral=word[2], config=word[3],
                       request=word[4], inner=word[5] if len(word) > 5 else None)


def write_answers():
    for row in rows():
        answer = Answer(row, settings_of(row))
        answer.judge(load(row["request"]))
        with open(os.path.join(ANSWERS, row["name"] + ".json"), "w") as f:
            f.write(answer.show() + "\n")


# ---- altered requests ----

def load(name):
    with open(os.path.join(VECTORS, name)) as f:
        return json.load(f)


def save(name, request):
    with open(os.path.join(REQUESTS, name + ".json"), "w") as f:
        json.dump(request, f, separators=(",", ":"))


def compact_len(n):
    return struct.pack("<B", n << 2) if n < 64 else struct.pack("<H", n << 2 | 1) \
        if n < 1 << 14 else struct.pack("<I", n << 2 | 2)


def write_requests():
    lite_request = load("dstack-verifier/tdx-lite-attestation.json")
    raw = bytes.fromhex(lite_request["attestation"])
    quote = scale(raw)[1]

    # One bit of the quote's signature.
    at = raw.index(quote) + Quote(quote).end + 4
    bad = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]
    save("bad-signature", {"attestation": bad.hex()})

    # Another initrd in the document, and all hashes up to os_image_hash to fit.
    text = scale(raw)[5]
    config = json.loads(text)
    vm = json.loads(config["vm_config"]) if "vm_config" in config else config
    document = base64.b64decode(vm["tdx_measurement"]["measurement"])
    initrd = cbor(document)["image"]["initrd_sha384"]
    document = document.replace(initrd, bytes(48))
    sums = (sha256(document).hex() + "  measurement.tdx.cbor\n").encode()
    vm["tdx_measurement"] = {"measurement": base64.b64encode(document).decode(),
                             "checksum_file": base64.b64encode(sums).decode()}
    vm["os_image_hash"] = sha256(sums).hex()
    new = json.dumps(vm, separators=(",", ":"))
    if "vm_config" in config:
        config["vm_config"] = new
        new = json.dumps(config, separators=(",", ":"))
    old = text.encode()
    start = len(raw) - len(old) - len(compact_len(len(old)))
    save("other-initrd", {"attestation": (raw[:start] + compact_len(len(new)) +
                                          new.encode()).hex()})

    # A log without its last event, which extended RTMR3.
    report = load("dstack-verifier/quote-report.json")
    log = json.loads(report["event_log"])
    assert log[-1]["imr"] == 3
    save("shorter-log", {"quote": report["quote"],
                         "event_log": json.dumps(log[:-1], separators=(",", ":")),
                         "vm_config": report["vm_config"]})

    # What the requester expects: as it is, and otherwise.
    app = App(Quote(quote), scale(raw)[3], bytes(48))
    save("expecting", dict({"expected_report_data": Quote(quote).report_data.hex(),
                            "expected_app_id": app.app_id.hex()}, **lite_request))
    save("expecting-others", dict({"expected_report_data": "00", "expected_compose_hash": ""},
                                  **lite_request))

    save("nothing", {})
    save("quote-alone", {"quote": "00"})
    save("no-attestation", {"attestation": "ff"})

    # A TD that nothing was extended into, with a quote that has tee_tcb_svn2.
    with open(os.path.join(VECTORS, "quotes/tdx/tdx-v5-90c06f000000-openenclave-d21a11db.bin"),
              "rb") as f:
        quote = f.read()
    save("relaunch", {"quote": quote.hex(), "event_log": "[]",
                      "vm_config": json.dumps({"os_image_hash": "ab" * 32})})


if __name__ == "__main__":
    if sys.argv[1:] == ["--requests"]:
        write_requests()
    elif sys.argv[1:] == ["--answers"]:
        write_answers()
    else:
        sys.exit(__doc__.strip())
