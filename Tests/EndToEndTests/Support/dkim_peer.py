#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What dkimpy says and makes: standard input is a message, with any line ends.

    dkim_peer.py sign KEY DOMAIN SELECTOR      writes the message with a signature; KEY: a PEM file, or 32 octets in base64
    dkim_peer.py verify RECORDS                writes a line for each signature; RECORDS: JSON of `letterhouse dkim show`
    dkim_peer.py arc RECORDS                   writes what the chain comes to: pass, fail or none; or why it is broken
"""
import json
import pathlib
import re
import sys

import dkim

message = re.sub(rb"\r?\n", b"\r\n", sys.stdin.buffer.read())
if sys.argv[1] == "sign":
    key = pathlib.Path(sys.argv[2]).read_bytes()
    algorithm = b"rsa-sha256" if b"BEGIN" in key else b"ed25519-sha256"
    signature = dkim.sign(message, sys.argv[4].encode(), sys.argv[3].encode(), key.strip(), signature_algorithm=algorithm,
                          canonicalize=(b"relaxed", b"simple"))
    sys.stdout.buffer.write(signature + message)
else:
    records = {row["name"]: row["record"].encode() for row in json.loads(pathlib.Path(sys.argv[2]).read_text())}

    def answer(name, timeout=5):
        return records.get((name.decode() if isinstance(name, bytes) else name).rstrip("."))

    if sys.argv[1] == "arc":
        outcome, _, reason = dkim.arc_verify(message, dnsfunc=answer)
        print(outcome.decode() if outcome else reason)
        sys.exit()
    count = len(re.findall(rb"(?im)^dkim-signature:", message.partition(b"\r\n\r\n")[0]))
    for index in range(count):
        verifier = dkim.DKIM(message)
        print(verifier.verify(index, dnsfunc=answer), verifier.domain.decode(), verifier.selector.decode())
