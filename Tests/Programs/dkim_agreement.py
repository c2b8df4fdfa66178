#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same random messages for Letterhouse, dkimpy and OpenDKIM: who signs, and whether the others agree.

    dkim_agreement.py [messages] [seed] [-v]

Each message is signed in every canonicalization with both algorithms, by dkimpy and by us, and then changed a little;
all three must say the same of each. Then messages pass through three hands, each of which seals them (ARC), some with dkimpy
and some with us; both must say the same of the chains, and of those of messages changed behind it. It needs the executable `dkim-tool` of this package.
"""
import base64
import itertools
import pathlib
import random
import subprocess
import sys
import tempfile

import dkim
import nacl.signing

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / ".build/debug/dkim-tool"
DOMAIN = b"example.com"
NUMBERS = [int(argument) for argument in sys.argv[1:] if argument.isdigit()] + [20, 1]
COUNT, SEED = NUMBERS[:2] if len(NUMBERS) > 3 else (NUMBERS[0], 1)
MODES = list(itertools.product(("simple", "relaxed"), ("simple", "relaxed"), ("rsa", "ed")))


class Keys:
    """A key of each algorithm, for all three programs."""

    def __init__(self, folder):
        self.pem = {"rsa": folder / "rsa.pem", "ed": folder / "ed.pem"}
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", self.pem["rsa"], "1024"], check=True,
                       capture_output=True)
        public = subprocess.run(["openssl", "rsa", "-in", self.pem["rsa"], "-pubout", "-outform", "DER"], check=True,
                                capture_output=True).stdout
        seed = nacl.signing.SigningKey.generate()
        der = bytes.fromhex("302e020100300506032b657004220420") + bytes(seed)
        self.pem["ed"].write_text("-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der).decode()
                                  + "\n-----END PRIVATE KEY-----\n")
        self.private = {"rsa": self.pem["rsa"].read_bytes(), "ed": base64.b64encode(bytes(seed))}
        self.records = {
            "rsa": b"v=DKIM1; k=rsa; p=" + base64.b64encode(public),
            "ed": b"v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(seed.verify_key)),
        }
        self.names = folder / "names"
        self.names.write_bytes(b"".join(
            b"%s._domainkey.%s %s\n" % (selector.encode(), DOMAIN, record) for selector, record in self.records.items()))

    def answer(self, name, timeout=5):
        return self.records.get(name.split(b".")[0].decode())


def words(chance):
    text = b""
    for _ in range(chance.randrange(1, 8)):
        length = chance.randrange(1, 12)
        alphabet = b"abcXYZ019=;:.-_\xc3\xa4" if chance.random() < 0.3 else b"abcdefgh"
        text += bytes(chance.choice(alphabet) for _ in range(length))
        text += chance.choice([b" ", b" ", b"  ", b"\t", b" \t "])
    return text


def field(chance, name):
    value = chance.choice([b" ", b"", b"  ", b"\t"])
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        if value.strip():
            value = value + b"\r\n" + chance.choice([b" ", b"\t", b"   "])
        value += words(chance)
    return name + b":" + value + b"\r\n"


def message(chance):
    """Fields of every shape, and a body of lines that end in every way."""
    fields = [b"From: Ann <ann@example.com>\r\n", field(chance, b"To"), field(chance, b"Subject"),
              b"Date: Fri, 01 May 2026 09:00:00 +0000\r\n"]
    for name in (b"X-Test", b"x-test", b"Received", b"Message-ID", b"MIME-Version", b"Content-Type", b"Cc", b"List-Id"):
        if chance.random() < 0.4:
            fields.append(field(chance, name))
    chance.shuffle(fields)
    lines = []
    for _ in range(chance.choice([0, 0, 1, 2, 5, 20])):
        lines.append(chance.choice([b"", b"", b" ", b"\t ", words(chance), words(chance), words(chance).strip(),
                                    b"x" * chance.randrange(900, 998)]))
    body = b"".join(line + b"\r\n" for line in lines)
    return b"".join(fields) + b"\r\n" + body


def changed(chance, octets):
    """The message after an accident on its way: often harmless in one canonicalization, never in all."""
    position = chance.randrange(octets.index(b"\r\n") + 2, len(octets) - 1)
    kind = chance.randrange(6)
    before, behind = octets[:position], octets[position:]
    if before.endswith(b"\r"):
        before, behind = octets[:position - 1], octets[position - 1:]
    if kind == 0:
        return before + chance.choice([b" ", b"\t", b"  "]) + behind
    if kind == 1 and behind[:1] in (b" ", b"\t"):
        return before + behind[1:]
    if kind == 2:
        return octets + b"\r\n" * chance.randrange(1, 3)
    if kind == 3 and behind[:1].isalpha():
        return before + behind[:1].swapcase() + behind[1:]
    if kind == 4:
        head, _, body = octets.partition(b"\r\n\r\n")
        lines = body.split(b"\r\n")
        # Not behind the last line end: there is nothing over SMTP, and dkimpy takes it for another line.
        if len(lines) > 1:
            lines[chance.randrange(len(lines) - 1)] += chance.choice([b" ", b"\t\t"])
        return head + b"\r\n\r\n" + b"\r\n".join(lines)
    return chance.choice([b"X-Test: more\r\n", b"Subject: more\r\n", b"Received: more\r\n"]) + octets


def ours(paths, keys):
    run = subprocess.run([TOOL, "verify", keys.names], input="".join(f"{path}\n" for path in paths), text=True,
                         capture_output=True, check=True)
    return run.stdout.splitlines()


def opendkim(paths, keys, folder):
    """What OpenDKIM says, None where it is not asked: its test mode reads white space behind a field's colon as one
    space, so simple headers tell nothing; and it stops at what it cannot read."""
    configuration = folder / "opendkim.conf"
    configuration.write_text(f"TestPublicKeys {keys.names}\nMode v\nUserID root\n")
    results = {}
    waiting = [str(path) for path in paths if path.name.split("-")[1] == "relaxed"]
    while waiting:
        batch = waiting[:100]
        run = subprocess.run(["/usr/sbin/opendkim", "-x", configuration, "-t", ",".join(batch), "-v"], text=True,
                             capture_output=True)
        lines = (run.stdout + run.stderr).splitlines()
        seen = {path: line for line in lines for path in batch if f" {path}: " in line}
        results |= {path: "succeeded" in line for line in lines for path in batch if f" {path}: verification" in line}
        # It may have stopped before the end of the batch; the first is over in any case.
        waiting = waiting[max(1, len(seen)):]
    return [results.get(str(path)) for path in paths]


def theirs(path, keys):
    """What dkimpy says; None where it cannot read the header, which is so of white space before a colon."""
    octets = path.read_bytes()
    if b"\nFrom " in octets.partition(b"\r\n\r\n")[0]:
        # "From :", which it takes for a line of mbox.
        return None
    try:
        dkim.rfc822_parse(octets)
    except dkim.MessageFormatError:
        return None
    return dkim.verify(octets, dnsfunc=keys.answer)


def readable(octets):
    """Whether dkimpy can read the header."""
    if b"\nFrom " in b"\n" + octets.partition(b"\r\n\r\n")[0]:
        return False
    try:
        dkim.rfc822_parse(octets)
    except dkim.MessageFormatError:
        return False
    return True


def run_tool(words, paths):
    return subprocess.run([TOOL, *words], input="".join(f"{path}\n" for path in paths), text=True, capture_output=True,
                          check=True).stdout.splitlines()


def chains(chance, keys, folder):
    """Disagreements about chains."""
    messages = [octets for octets in (message(chance) for _ in range(COUNT * 4)) if readable(octets)]
    for hop in range(3):
        paths = []
        for number, octets in enumerate(messages):
            # What no signature covers.
            octets = b"X-List: %d\r\n" % hop + octets
            path = folder / f"{number}-{hop}.arc"
            path.write_bytes(octets)
            sealed = pathlib.Path(f"{path}.sealed")
            if chance.random() < 0.5:
                paths.append(path)
            else:
                verdict = dkim.arc_verify(octets, dnsfunc=keys.answer)[0]
                results = b"Authentication-Results: list.example; arc=" + (verdict or b"fail") + b"\r\n"
                lines = dkim.arc_sign(results + octets, b"rsa", DOMAIN, keys.private["rsa"], b"list.example")
                sealed.write_bytes(b"".join(lines) + octets)
        run_tool(["seal", keys.names, DOMAIN.decode(), "rsa", keys.pem["rsa"]], paths)
        messages = [(folder / f"{number}-{hop}.arc.sealed").read_bytes() for number in range(len(messages))]
    intact = len(messages)
    messages += [changed(chance, octets) for octets in messages]
    paths = []
    for number, octets in enumerate(messages):
        paths.append(folder / f"{number}.chain")
        paths[-1].write_bytes(octets)
    passed = policy = wrong = 0
    for index, (path, our) in enumerate(zip(paths, run_tool(["arc", keys.names], paths), strict=True)):
        octets = path.read_bytes()
        other = dkim.arc_verify(octets, dnsfunc=keys.answer)[0] == b"pass" if readable(octets) else None
        is_pass = our.startswith("pass")
        passed += is_pass
        if our.startswith("fail not every ") or our.endswith(" is no field"):
            # What we do not accept although it is valid.
            policy += 1
            is_pass = True
        if other not in (None, is_pass) or (index < intact and not is_pass):
            wrong += 1
            print(f"{path.name}: we say {our}, dkimpy {other}")
            if "-v" in sys.argv:
                print(octets)
    print(f"{len(paths)} chains, {intact} of them as they were sealed: {passed} pass, "
          f"{policy} policy, {wrong} disagreements")
    return wrong


def main():
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        keys = Keys(folder)
        paths = []
        unsigned = {mode: [] for mode in MODES}
        for number in range(COUNT):
            octets = message(chance)
            for mode in MODES:
                header, body, algorithm = mode
                stem = f"{number}-{header}-{body}-{algorithm}"
                path = folder / f"{stem}.ours"
                path.write_bytes(octets)
                unsigned[mode].append(path)
                signature = dkim.sign(
                    octets, algorithm.encode(), DOMAIN, keys.private[algorithm],
                    canonicalize=(header.encode(), body.encode()),
                    signature_algorithm=b"ed25519-sha256" if algorithm == "ed" else b"rsa-sha256")
                path = folder / f"{stem}.dkimpy"
                path.write_bytes(signature + octets)
                paths.append(path)
        for (header, body, algorithm), files in unsigned.items():
            subprocess.run([TOOL, "sign", header, body, DOMAIN.decode(), algorithm, keys.pem[algorithm]], check=True,
                           input="".join(f"{path}\n" for path in files), text=True)
            paths += [pathlib.Path(f"{path}.signed") for path in files]
        intact = len(paths)
        for path in list(paths):
            copy = pathlib.Path(f"{path}.changed")
            copy.write_bytes(changed(chance, path.read_bytes()))
            paths.append(copy)
        verdicts = zip(paths, ours(paths, keys), opendkim(paths, keys, folder), strict=True)
        passed = policy = asked = wrong = 0
        for index, (path, our, open_) in enumerate(verdicts):
            other = theirs(path, keys)
            is_pass = our.startswith("pass")
            passed += is_pass
            if our.startswith("policy"):
                # What we do not accept although it is valid; see the module's index.md.
                policy += 1
                is_pass = True
            asked += open_ is not None
            if {other, open_} - {None, is_pass} or (index < intact and not is_pass):
                wrong += 1
                print(f"{path.name}: we say {our}, dkimpy {other}, OpenDKIM {open_}")
                if "-v" in sys.argv:
                    print(path.read_bytes())
        print(f"{len(paths)} messages ({asked} for OpenDKIM too), {intact} of them as they were signed: "
              f"{passed} pass, {policy} policy, {wrong} disagreements")
        sys.exit(1 if chains(chance, keys, folder) or wrong else 0)


main()
