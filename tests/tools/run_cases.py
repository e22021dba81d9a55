#!/usr/bin/env python3
"""Every case of cases.json through the program.

  run_cases.py PROGRAM VECTORS

Under either tcb_rule each quote goes through `quote`: verified or not, status, advisories, and a
refusal by the check that the case names.  Each attestation that has collateral goes through
`--verify` at the times of its cases, with the same to be found in the answer; nearly all are of
images that are not there, so the whole verdict is something else.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from expected_answer import scale  # noqa: E402

PROGRAM, VECTORS = sys.argv[1:3]

CHAIN = "Failed to verify certificate chain: "

# What a refusal of each class begins with; the same table as in tests/unit/test_dcap_cases.c.
CLASSES = {
    "attr: debug": ["Debug mode is enabled"],
    "attr: SEPT_VE_DISABLE not set": ["SEPT_VE_DISABLE is not enabled"],
    "attr: MR_SERVICETD not zero": ["Invalid MR service TD"],
    "chain: certificate outside validity": [CHAIN + "CertExpired", CHAIN + "CertNotValidYet"],
    "chain: revocation status unknown": [CHAIN + "UnknownRevocationStatus"],
    "chain: signature / untrusted root": [
        CHAIN + "InvalidSignatureForPublicKey", CHAIN + "UnknownIssuer", CHAIN + "BadDer",
        "Failed to extract PCK certificates from quote", "Failed to parse PCK certificate"],
    "quote: certification data type": [
        "Unsupported certification data type: 1", "collateral unavailable: PCK certificate"],
    "qe: wrong QE identity type": ["Unsupported QE Identity id/version for the quote TEE type: "],
    "signature: quote": ["ISV enclave report signature is invalid"],
    "tcb: FMSPC mismatch": ["Fmspc mismatch"],
    "tcb: no matching TCB level": ["No matching TCB level found"],
    "time: tcb expired": ["TCBInfo expired"],
    "time: tcb issued in the future": ["TCBInfo issue date is in the future"],
}

# Cases that break two checks, of which ours names the other.
BOTH = {
    "tdx-v4-20a06f000000-trustcenter-05d6687d@tdx-20a06f000000-20250902-ev17#othertee":
        CHAIN + "CertNotValidYet",
    "tdx-v4-90c06f000000-teep-0441bfc6@tdx-90c06f000000-20260218-ev18#othertee":
        CHAIN + "CertNotValidYet",
    "tdx-v4-90c06f000000-teep-0441bfc6@tdx-90c06f000000-20260520-ev19#othertee":
        CHAIN + "CertNotValidYet",
    "tdx-v5-00806f050000-openenclave-67adfc4a@tdx-00806f050000-20260612-ev21":
        "Invalid MR service TD",
}


def path(name):
    return os.path.join(VECTORS, name)


def load(name):
    with open(path(name)) as f:
        return json.load(f)


def run(case, config, *arguments, stdin=None):
    """-> exit status, answer"""
    with open(path(stdin) if stdin else os.devnull, "rb") as f:
        done = subprocess.run(
            [PROGRAM, "--config", config, "--at", str(case["now"]),
             "--collateral", path(case["collateral"]), *arguments],
            stdin=f, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, {"reason": done.stderr.decode(), "details": {}}


def refused_rightly(case, expect, reason):
    texts = CLASSES[expect["error_class"]] + [BOTH.get(case["name"], "\0")]
    reason = re.sub("^Quote verification failed: (failed to verify TDX quote: )?", "", reason or "")
    return any(reason.startswith(t) for t in texts)


def quote(case, rule, config):
    expect = case.get("expect_intel", case["expect"]) if rule == "intel" else case["expect"]
    status, answer = run(case, config, "quote", path(case["file"]))
    name = "quote %s, %s" % (case["name"], rule)
    if expect["valid"]:
        ok = status == 0 and answer.get("quote_verified") is True and \
            answer["tcb_status"] == expect["status"] and \
            answer["advisory_ids"] == expect["advisory_ids"] and answer["reason"] is None
    else:
        ok = status == 1 and answer.get("quote_verified") is False and \
            refused_rightly(case, expect, answer["reason"])
    return ok or "%s: %d %s" % (name, status, answer.get("reason"))


def verify(case, request, replays, config):
    expect = case["expect"]
    status, answer = run(case, config, "--verify", "-", stdin=request)
    details, reason = answer["details"], answer["reason"]
    if not replays:
        # Two things are wrong with some, and the quote's own fault comes first.
        ok = status == 1 and details.get("quote_verified") is False and \
            (reason.startswith("Quote verification failed: RTMR3 mismatch, quoted: ") or
             (not expect["valid"] and refused_rightly(case, expect, reason)))
    elif expect["valid"]:
        ok = details.get("quote_verified") is True and \
            details.get("tcb_status") == expect["status"] and \
            details.get("advisory_ids") == expect["advisory_ids"]
    else:
        ok = details.get("quote_verified") is False and details.get("tcb_status") is None and \
            status == 1 and refused_rightly(case, expect, reason)
    return ok or "--verify %s at %s: %d %s" % (request, case["name"], status, reason)


def short_name(raw):
    """The name of a quote: SHA-256 of it without trailing bytes, first digits."""
    end = 636 + int.from_bytes(raw[632:636], "little")
    return hashlib.sha256(raw[:end]).hexdigest()[:8]


def requests():
    """-> file, short name of its quote"""
    for directory in "attestations", "dstack-verifier", "dstack-examples":
        for name in sorted(os.listdir(path(directory))):
            if not name.endswith(".json") or name == "eventlogs.json":
                continue
            file = directory + "/" + name
            request = load(file)
            raw = bytes.fromhex(request.get("attestation") or "")
            if request.get("quote"):
                yield file, short_name(bytes.fromhex(request["quote"]))
            elif raw[:2] == b"\0\0":
                yield file, short_name(scale(raw)[1])


def main():
    cases = load("cases.json")
    replays = {e["file"].split("/")[-1]: e for e in load("attestations/eventlogs.json")}
    jobs = []
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        configs = {}
        for rule in "upstream", "intel":
            configs[rule] = os.path.join(scratch, rule + ".toml")
            with open(configs[rule], "w") as f:
                f.write('tcb_rule = "%s"\n' % rule)
            jobs += [pool.submit(quote, c, rule, configs[rule]) for c in cases]
        nquotes = len(jobs)
        for file, short in requests():
            log = replays.get(file.split("/")[-1])
            good = log is None or log["replay_matches"][3]
            jobs += [pool.submit(verify, c, file, good, configs["upstream"]) for c in cases
                     if c["file"].endswith("-" + short + ".bin")]
        bad = [j.result() for j in jobs if j.result() is not True]
    print("\n".join(bad[:20]))
    print("%d runs of quote, %d of --verify, %d wrong" % (nquotes, len(jobs) - nquotes, len(bad)))
    sys.exit(bool(bad) or nquotes != 560 or len(jobs) - nquotes < 110)


if __name__ == "__main__":
    main()
