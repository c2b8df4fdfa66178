#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same random messages for Letterhouse, dkimpy, OpenDKIM and Mail::DKIM: each signs, and the others must agree.

    dkim_agreement.py [messages] [seed] [-v]

Each message is signed in every canonicalization with both algorithms, by each of them, and then changed a little; all must say
the same of each. Then messages pass through three hands, each of which seals them (ARC), some with dkimpy
and some with us; both must say the same of the chains, and of those of messages changed behind it. It needs the executable `dkim-tool` of this package.
"""
import base64
import collections
import itertools
import multiprocessing
import pathlib
import random
import subprocess
import sys
import tempfile

import dkim
import nacl.signing

from opendkim import Failed, OpenDKIM

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / ".build/debug/dkim-tool"
MAIL_DKIM = ROOT / "Tests/Programs/mail_dkim.pl"
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


def lines_for(paths, *words):
    """What a program writes, that reads names of files."""
    return subprocess.run([str(word) for word in words], input="".join(f"{path}\n" for path in paths), text=True,
                          stdout=subprocess.PIPE, check=True).stdout.splitlines()


def opendkim(paths, keys):
    """What OpenDKIM says; None where it does not read the message."""
    library = OpenDKIM(keys.names)

    def verdict(path):
        try:
            return library.verify(path.read_bytes())
        except Failed:
            return None
    return [verdict(path) for path in paths]


def mail_dkim(paths, keys):
    """What Mail::DKIM says; None where it is not asked, for it does not know Ed25519."""
    asked = [path for path in paths if "-rsa." in path.name]
    results = dict(zip(asked, lines_for(asked, MAIL_DKIM, "verify", keys.names), strict=True))
    return [results[path] == "pass" if path in results else None for path in paths]


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
        lines_for(paths, TOOL, "seal", keys.names, DOMAIN.decode(), "rsa", keys.pem["rsa"])
        messages = [(folder / f"{number}-{hop}.arc.sealed").read_bytes() for number in range(len(messages))]
    intact = len(messages)
    messages += [changed(chance, octets) for octets in messages]
    paths = []
    for number, octets in enumerate(messages):
        paths.append(folder / f"{number}.chain")
        paths[-1].write_bytes(octets)
    passed = policy = wrong = 0
    for index, (path, our) in enumerate(zip(paths, lines_for(paths, TOOL, "arc", keys.names), strict=True)):
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


class Signers:
    """The same message, signed by each of them: files named NUMBER-HEADER-BODY-ALGORITHM.SIGNER."""

    def __init__(self, keys, folder):
        self.keys, self.folder = keys, folder
        self.library = OpenDKIM(keys.names)
        self.paths = []
        # Files for those who are asked about many at once, by signer and mode.
        self.waiting = collections.defaultdict(list)

    def add(self, number, octets, mode):
        header, body, algorithm = mode
        stem = f"{number}-{header}-{body}-{algorithm}"
        signature = dkim.sign(
            octets, algorithm.encode(), DOMAIN, self.keys.private[algorithm],
            canonicalize=(header.encode(), body.encode()),
            signature_algorithm=b"ed25519-sha256" if algorithm == "ed" else b"rsa-sha256")
        self.keep(f"{stem}.dkimpy", signature + octets)
        # Those that it makes with Ed25519 of simple headers, it does not find good itself.
        if (header, algorithm) != ("simple", "ed"):
            signature = self.library.sign(octets, mode, DOMAIN, algorithm.encode(), self.keys.pem[algorithm].read_bytes())
            self.keep(f"{stem}.opendkim", signature + octets)
        for signer in ["ours"] + ["mail-dkim"] * (algorithm == "rsa"):
            path = self.folder / f"{stem}.{signer}"
            path.write_bytes(octets)
            self.waiting[signer, mode].append(path)

    def keep(self, name, octets):
        self.paths.append(self.folder / name)
        self.paths[-1].write_bytes(octets)

    def finish(self):
        for (signer, (header, body, algorithm)), files in self.waiting.items():
            key = [DOMAIN.decode(), algorithm, self.keys.pem[algorithm]]
            if signer == "ours":
                lines_for(files, TOOL, "sign", header, body, *key)
            else:
                lines_for(files, MAIL_DKIM, "sign", f"{header}/{body}", *key)
            self.paths += [pathlib.Path(f"{path}.signed") for path in files]
        return self.paths


def signatures(chance, keys, folder):
    """Disagreements about signatures."""
    signers = Signers(keys, folder)
    for number in range(COUNT):
        octets = message(chance)
        for mode in MODES:
            signers.add(number, octets, mode)
    paths = signers.finish()
    intact = len(paths)
    for path in list(paths):
        copy = pathlib.Path(f"{path}.changed")
        copy.write_bytes(changed(chance, path.read_bytes()))
        paths.append(copy)
    with multiprocessing.Pool() as pool:
        dkimpy = pool.starmap(theirs, ((path, keys) for path in paths), chunksize=50)
    others = {"dkimpy": dkimpy, "OpenDKIM": opendkim(paths, keys), "Mail::DKIM": mail_dkim(paths, keys)}
    passed = policy = wrong = 0
    for index, (path, our) in enumerate(zip(paths, lines_for(paths, TOOL, "verify", keys.names), strict=True)):
        is_pass = our.startswith("pass")
        passed += is_pass
        if our.startswith("policy"):
            # What we do not accept although it is valid; see the module's index.md.
            policy += 1
            is_pass = True
        said = {name: verdicts[index] for name, verdicts in others.items()}
        if set(said.values()) - {None, is_pass} or (index < intact and not is_pass):
            wrong += 1
            print(f"{path.name}: we say {our}, the others {said}")
            if "-v" in sys.argv:
                print(path.read_bytes())
    print(f"{len(paths)} messages, {intact} of them as they were signed: {passed} pass, {policy} policy, "
          f"{wrong} disagreements")
    for name, verdicts in others.items():
        good, bad = verdicts.count(True), verdicts.count(False)
        print(f"{name} finds {good} good and {bad} bad")
        # Who says nothing, or always the same, agrees with everybody.
        could = sum("-rsa." in path.name for path in paths) if name == "Mail::DKIM" else len(paths)
        assert good + bad > 0.9 * could and good > could // 2 and bad > could // 20, f"{name} was hardly asked"
    return wrong


def main():
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        keys = Keys(folder)
        wrong = signatures(chance, keys, folder) + chains(chance, keys, folder)
    sys.exit(1 if wrong else 0)


main()
