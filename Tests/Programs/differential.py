#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same random IMAP scripts for Letterhouse and for Debian's Dovecot; what they answer must mean the same.

    differential.py [scripts] [first seed]

Answers are compared as values (sets where order does not count). Where the two may differ by the RFCs, EXPLAINED below
says so, and Decisions.md says why we are on our side of it.
"""
import datetime
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

from isolation import ROOT, isolate

SAMPLES = pathlib.Path("/usr/lib/python3.11/test/test_email/data")
VERBOSE = "-v" in sys.argv
USER, PASSWORD = "you@letterhouse.test", "xyz"


class Connection:
    """An IMAP client that only knows lines, literals and tags."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rb")
        self.number = 0
        self.response()

    def response(self):
        """One response, its literals within it."""
        text = b""
        while True:
            line = self.file.readline()
            assert line.endswith(b"\r\n"), f"the connection ended within {text + line!r}"
            text += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return text[:-2]
            text += self.file.read(int(literal[1]))

    def command(self, command):
        """The untagged responses and the tagged one; each {…} literal waits for its continuation request."""
        self.number += 1
        tag = b"t%d" % self.number
        pieces = command if isinstance(command, list) else [command]
        untagged = []
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            self.socket.sendall((tag + b" " if index == 0 else b"") + piece + (b"\r\n" if last else b""))
            if not last:
                self.socket.sendall(b"\r\n")
            while True:
                response = self.response()
                if response.startswith(tag + b" "):
                    return untagged, response[len(tag) + 1:]
                if response.startswith(b"+"):
                    break
                untagged.append(response)


# MARK: Responses as values

def parse(text):
    """Atoms, strings and lists of one response, as Python values."""
    position = 0
    stack = [[]]
    while position < len(text):
        octet = text[position:position + 1]
        if octet == b" ":
            position += 1
        elif octet == b"(":
            stack.append([])
            position += 1
        elif octet == b")":
            done = stack.pop()
            stack[-1].append(done)
            position += 1
        elif octet == b'"':
            end = re.compile(rb'"((?:[^"\\]|\\.)*)"').match(text, position)
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", end[1]))
            position = end.end()
        elif octet == b"{":
            head = re.compile(rb"\{(\d+)\}\r\n").match(text, position)
            stack[-1].append(text[head.end():head.end() + int(head[1])])
            position = head.end() + int(head[1])
        else:
            end = re.compile(rb"(?:\[[^\]]*\]|[^ ()])+").match(text, position)
            stack[-1].append(end[0].decode("latin-1"))
            position = end.end()
    return stack[0]


def flags(values):
    return sorted({value.lower() for value in values} - {"\\recent"})


def fetch_item(name, value):
    name = name.upper()
    if name == "FLAGS":
        return name, flags(value)
    if name in ("BODY", "BODYSTRUCTURE"):
        return name, structure(value)
    if name == "INTERNALDATE":
        return name, datetime.datetime.strptime(value.decode().strip(), "%d-%b-%Y %H:%M:%S %z").timestamp()
    # Of a part that is not there, one says NIL and the other "". A domain that is not there has a name with one, and a tab
    # that is left when lines are unfolded is a space there.
    return name, b"" if value == "NIL" else value if isinstance(value, bytes) else repr(value).lower().replace("missing_domain", "").replace("\\t", " ")


def structure(value):
    """Media types, encodings and parameter names are case-insensitive; NIL and an absent extension mean the same.

    Of text that names no charset, one says so and the other says US-ASCII.
    """
    if isinstance(value, list):
        items = [structure(item) for item in value]
        if items[:1] == ["text"] and "charset" not in (items[2] or []):
            items[2] = (items[2] or []) + ["charset", "us-ascii"]
        while items and items[-1] is None:
            items.pop()
        return items
    if value == "NIL":
        return None
    return (value if isinstance(value, str) else value.decode("latin-1")).lower()


class State:
    """What a client knows from untagged responses, and what the last command brought."""

    def __init__(self):
        self.exists = 0
        self.vanished = 0

    def take(self, untagged):
        answers = []
        for response in untagged:
            words = parse(response[2:])
            first = words[0].upper() if isinstance(words[0], str) else ""
            second = words[1].upper() if len(words) > 1 and isinstance(words[1], str) else ""
            if second == "EXISTS":
                self.exists = int(words[0])
            elif second == "EXPUNGE":
                self.exists -= 1
                answers.append(("EXPUNGE",))
            elif second == "FETCH":
                items = dict(fetch_item(words[2][i], words[2][i + 1]) for i in range(0, len(words[2]), 2))
                answers.append(("FETCH", int(words[0]), items))
            elif first in ("SEARCH",):
                answers.append((first, sorted(map(int, words[1:]))))
            elif first in ("SORT", "THREAD"):
                answers.append((first, repr(words[1:])))
            elif first in ("LIST", "LSUB"):
                name = words[3] if isinstance(words[3], bytes) else words[3].encode()
                attributes = {item.lower() for item in words[1]} & {"\\noselect", "\\nonexistent", "\\haschildren",
                                                                    "\\hasnochildren", "\\subscribed"}
                answers.append((first, name, sorted(attributes) if first == "LIST" else []))
            elif first == "STATUS":
                name = words[1] if isinstance(words[1], bytes) else words[1].encode()
                pairs = dict(zip(words[2][::2], words[2][1::2]))
                answers.append(("STATUS", name, sorted((k.upper(), v) for k, v in pairs.items())))
        fetches = {}
        for answer in answers:
            if answer[0] == "FETCH":
                fetches.setdefault(answer[1], {}).update(answer[2])
        others = sorted((answer for answer in answers if answer[0] != "FETCH"), key=repr)
        return fetches, others


# MARK: Scripts

def samples():
    messages = [b"Date: Mon, 3 Sep 2001 10:00:00 +0200\r\nSubject: plain\r\nFrom: Ann <ann@example.org>\r\n\r\nHello, world\r\n"]
    for path in sorted(SAMPLES.glob("msg_*.txt")):
        text = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        # A NUL cannot be in a literal. What is not a header, a wrong Content-Type, no Date, parameters in pieces (RFC 2231)
        # or a boundary that never comes each server takes in its own way; those are in MailMessage's tests.
        boundary = re.search(rb'boundary="?([^";\s]+)', text)
        if b"\0" not in text and re.match(rb"[A-Za-z-]+:", text) and b"\nDate:" in text \
                and not re.search(rb"Content-Type: (text;|multipart/alternative;\r\n\r\n)|[a-z]\*", text) \
                and not (boundary and b"--" + boundary[1] not in text):
            messages.append(text)
    return messages


class Script:
    """One client's commands, made up step by step from what it can know."""

    WORDS = ["hello", "test", "the", "ann", "mime", "barry", "WORLD", "nosuchword", "=?", "e"]
    FLAGS = ["\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "\\Draft", "$Forwarded", "custom"]
    ITEMS = ["FLAGS", "UID", "RFC822.SIZE", "INTERNALDATE", "ENVELOPE", "BODYSTRUCTURE", "BODY", "BODY.PEEK[]", "BODY[]",
             "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODY.PEEK[1.MIME]", "BODY.PEEK[2]",
             "BODY.PEEK[2.HEADER]", "BODY.PEEK[HEADER.FIELDS (Subject from)]", "BODY.PEEK[HEADER.FIELDS.NOT (Received)]",
             "BODY.PEEK[]<0.100>", "BODY.PEEK[TEXT]<10.20>", "BODY.PEEK[]<100000.5>", "RFC822.HEADER", "RFC822.TEXT"]

    def __init__(self, seed, messages):
        self.random = random.Random(seed)
        self.messages = messages
        self.boxes = ["tA", "tB"]
        self.selected = None
        self.is_read_only = False

    def choose(self, values):
        return self.random.choice(values)

    def set(self, count, uid):
        top = max(count, 1)
        def number():
            return str(self.random.randint(1, top)) if self.random.random() < 0.9 else "*"
        def item():
            return number() if self.random.random() < 0.5 else f"{number()}:{number()}"
        return ",".join(item() for _ in range(self.choose([1, 1, 1, 2, 3])))

    def key(self, depth=0):
        kind = self.random.randrange(16 if depth < 3 else 12)
        word = self.choose(self.WORDS)
        if kind == 0:
            return self.choose(["ALL", "SEEN", "UNSEEN", "FLAGGED", "UNFLAGGED", "DELETED", "UNDELETED", "ANSWERED", "DRAFT"])
        if kind == 1:
            return f'SUBJECT "{word}"'
        if kind == 2:
            return f'FROM "{word}"'
        if kind == 3:
            return f'{self.choose(["TO", "CC", "BCC"])} "{word}"'
        if kind == 4:
            return f'BODY "{word}"'
        if kind == 5:
            return f'TEXT "{word}"'
        if kind == 6:
            return f'{self.choose(["LARGER", "SMALLER"])} {self.random.choice([100, 500, 1000, 3000])}'
        if kind == 7:
            return f'{self.choose(["BEFORE", "ON", "SINCE"])} {self.random.randint(1, 28)}-Jan-2024'
        if kind == 8:
            return f'{self.choose(["KEYWORD", "UNKEYWORD"])} {self.choose(["$Forwarded", "custom", "never"])}'
        if kind == 9:
            return f'HEADER {self.choose(["Subject", "X-None", "Content-Type", "Message-Id"])} "{self.choose([word, ""])}"'
        if kind == 10:
            return f'{self.choose(["SENTBEFORE", "SENTON", "SENTSINCE"])} {self.random.randint(1, 28)}-Sep-2001'
        if kind == 11:
            return f'UID {self.set(12, True)}'
        if kind == 12:
            return f"NOT {self.key(depth + 1)}"
        if kind == 13:
            return f"OR {self.key(depth + 1)} {self.key(depth + 1)}"
        return f"({self.key(depth + 1)} {self.key(depth + 1)})"

    def step(self, exists):
        """The next command, for a client that knows of `exists` messages."""
        r = self.random.random()
        uid = self.choose(["", "UID "])
        box = self.choose(self.boxes)
        if not self.selected or r < 0.05:
            self.selected = box
            self.is_read_only = self.random.random() < 0.2
            return f"{'EXAMINE' if self.is_read_only else 'SELECT'} {box}".encode()
        if r < 0.20:
            message = self.choose(self.messages)
            # On another day in UTC, the two would not agree on the day of SEARCH ON (RFC 9051 §6.4.4 disregards the zone).
            date = f'"{self.random.randint(1, 28):02}-Jan-2024 {self.random.randint(2, 23):02}:30:00 +0200"'
            chosen = " ".join(self.random.sample(self.FLAGS, self.random.randint(0, 3)))
            return [f"APPEND {box} ({chosen}) {date} {{{len(message)}}}".encode(), message]
        if r < 0.40 and exists:
            items = " ".join(self.random.sample(self.ITEMS, self.random.randint(1, 4)))
            return f"{uid}FETCH {self.set(exists, uid)} ({items})".encode()
        # What would change a mailbox that is selected read-only is refused by one and ignored by the other.
        if r < 0.55 and exists and not self.is_read_only:
            operation = self.choose(["FLAGS", "+FLAGS", "-FLAGS"])
            chosen = " ".join(self.random.sample(self.FLAGS, self.random.randint(1, 3)))
            return f"{uid}STORE {self.set(exists, uid)} {operation} ({chosen})".encode()
        if r < 0.75:
            return f"{uid}SEARCH {self.key()}".encode()
        if r < 0.80 and exists:
            return f"{uid}{self.choose(['COPY', 'COPY' if self.is_read_only else 'MOVE'])} {self.set(exists, uid)} {box}".encode()
        if r < 0.84 and not self.is_read_only:
            return b"EXPUNGE"
        if r < 0.86:
            return b"NOOP"
        if r < 0.88:
            self.selected = None
            return self.choose([b"CLOSE", b"UNSELECT"])
        if r < 0.91:
            return f"STATUS {box} (MESSAGES UNSEEN UIDNEXT)".encode()
        if r < 0.94:
            pattern = self.choose(["t%", "t*", "tA", "tC/%", "t%/x", "tB"])
            return f'{self.choose(["LIST", "LSUB"])} "" {pattern}'.encode()
        if r < 0.96:
            return f'{self.choose(["SUBSCRIBE", "UNSUBSCRIBE"])} {box}'.encode()
        if r < 0.98:
            # Whether an unnamed parent becomes a mailbox, each decides for itself.
            name = self.choose(["tC", "tC/x" if "tC" in self.boxes else "tE", "tD"])
            if name == "tC" and "tC/x" in self.boxes:
                name = "tC/x"
            if name == self.selected:
                return b"NOOP"
            if name in self.boxes:
                self.boxes.remove(name)
                return f"DELETE {name}".encode()
            self.boxes.append(name)
            return f"CREATE {name}".encode()
        return self.choose([b"FETCH", b"FETCH 0 FLAGS", b"SEARCH", b"SEARCH OR SEEN", b"NONSENSE", b"CREATE tA",
                            b"DELETE tNone", b"STATUS tNone (MESSAGES)", b"FETCH 1 (NONSENSE)"])


# MARK: Servers

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually_connect(port):
    for _ in range(600):
        try:
            return Connection(port)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answers on port {port}")


def letterhouse(folder):
    data = folder / "letterhouse"
    with (folder / "letterhouse.log").open("wb") as log:
        subprocess.Popen([ROOT / ".build/debug/letterhouse", "serve", "--embedded", data], stdout=log, stderr=log)
    eventually_connect(1143)
    program = [ROOT / ".build/debug/letterhouse", "account"]
    subprocess.run([*program, "password", USER, "--data", data], input=f"{PASSWORD}\n", text=True, check=True,
                   stdout=subprocess.DEVNULL)
    return 1143


def dovecot(folder):
    base, mail, port = folder / "dovecot", folder / "mail", free_port()
    mail.mkdir(mode=0o777)
    mail.chmod(0o777)
    folder.chmod(0o755)
    configuration = folder / "dovecot.conf"
    configuration.write_text(f"""
base_dir = {base}
log_path = {folder}/dovecot.log
protocols = imap
ssl = no
disable_plaintext_auth = no
listen = 127.0.0.1
mail_location = maildir:{mail}/%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={mail}/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""")
    subprocess.Popen(["dovecot", "-F", "-c", configuration])
    return port


# MARK: Comparing

def only_different(ours, theirs):
    """The two without what they have in common."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        pairs = {key: only_different(ours.get(key), theirs.get(key)) for key in {*ours, *theirs}
                 if ours.get(key) != theirs.get(key)}
        return {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items()}
    if isinstance(ours, tuple) and isinstance(theirs, tuple) and len(ours) == len(theirs):
        pairs = [only_different(one, other) for one, other in zip(ours, theirs) if one != other]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return ours, theirs


class Pair:
    def __init__(self, ports):
        self.connections = [eventually_connect(port) for port in ports]
        self.states = [State(), State()]
        self.lines = []

    def both(self, command):
        """The two results, each (tagged status, fetches, other untagged data)."""
        shown = command if isinstance(command, bytes) else command[0]
        self.lines.append("C: " + shown.decode("latin-1"))
        results = []
        for connection, state in zip(self.connections, self.states):
            try:
                untagged, tagged = connection.command(command)
            except (AssertionError, OSError) as error:
                raise AssertionError("\n".join([*self.lines[-4:], str(error), f"server {self.connections.index(connection)}"]))
            if shown.startswith((b"SELECT", b"EXAMINE")):
                state.exists = 0
            self.lines.append("   S: " + tagged.decode("latin-1"))
            results.append((tagged.split()[0].decode(), *state.take(untagged)))
            if shown.startswith((b"CLOSE", b"UNSELECT")) or (
                    shown.startswith((b"SELECT", b"EXAMINE")) and not tagged.startswith(b"OK")):
                state.exists = 0
        return results


def run(seed, ports, messages):
    script, pair = Script(seed, messages), Pair(ports)
    user = USER.encode()
    pair.both(b'LOGIN "%s" "%s"' % (user, PASSWORD.encode()))
    for name in (b"tA", b"tB", b"tC/x", b"tC", b"tD", b"tE"):
        for connection in pair.connections:
            connection.command(b"UNSUBSCRIBE " + name)
            connection.command(b"DELETE " + name)
    pair.both(b"CREATE tA")
    pair.both(b"CREATE tB")
    differences = []
    for _ in range(60):
        ours, theirs = pair.both(command := script.step(pair.states[0].exists))
        shown = "".join(pair.lines[-3:])
        # One tells the flags of every message that was named, the other of those that changed: both may.
        if b"STORE" in command[:12]:
            ours, theirs = [(status, {}, other) for status, _, other in (ours, theirs)]
        if ours != theirs:
            differences.append((shown, ours, theirs))
        # Both go on from the same state of knowledge.
        pair.both(b"NOOP")
        if pair.states[0].exists != pair.states[1].exists:
            differences.append((shown, f"{pair.states[0].exists} messages", f"{pair.states[1].exists} messages"))
            break
        if script.selected and pair.states[0].exists:
            ours, theirs = pair.both(b"UID FETCH 1:* (FLAGS)")
            if ours != theirs:
                differences.append((shown, ours, theirs))
                break
    pair.both(b"LOGOUT")
    if differences and VERBOSE:
        print("\n".join(pair.lines))
    return differences


def main():
    scripts = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    isolate()
    messages = samples()
    with tempfile.TemporaryDirectory() as folder:
        ports = [letterhouse(pathlib.Path(folder)), dovecot(pathlib.Path(folder))]
        failed = 0
        for seed in range(first, first + scripts):
            for command, ours, theirs in run(seed, ports, messages):
                failed += 1
                ours, theirs = only_different(ours, theirs)
                print(f"seed {seed}\n  {command}\n  Letterhouse: {ours}\n  Dovecot:     {theirs}", flush=True)
        print(f"differential: {scripts} scripts, {failed} differences", flush=True)
        sys.exit(1 if failed else 0)


main()
