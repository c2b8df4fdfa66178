#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ends the server with SIGKILL at random moments, while clients deliver and it relays, and looks for what became of it all.

    kills.py [kills] [seed]

Two servers at the same time, in worlds of their own, get half of the kills each. Messages come by SMTP with DATA and with BDAT,
by LMTP, and from a user who has them held for a second.

A message that was answered 250 must be in its mailbox once, and must have reached the other server; there it may be twice
only if the sender ended between the message's last octet and writing down the reply (RFC 1047). For half of the kills the
server makes one attempt at a time, and begins none before it has written down the last one's outcome: so when the next one
comes, there is no excuse for the last. For the other half it makes ten, so that one kill excuses ten.
"""
import base64
import collections
import os
import pathlib
import random
import re
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

from isolation import ROOT, isolate

PROGRAM = os.environ.get("LETTERHOUSE", ROOT / ".build/debug/letterhouse")
KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
HALF = "half"
PASSWORD = "a secret of ann's"
SINK = 2525
NAMES = ("smtp", "lmtp", "submission", "imap")


class Server:
    """The program, on sockets that outlive it, as systemd's do."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = folder / "letterhouse.yaml"
        self.log = (folder / "log").open("ab")
        self.log_path = folder / "log"
        (folder / "data").mkdir(mode=0o700)
        self.configure(parallel=1)
        self.sockets = {name: socket.create_server(("127.0.0.1", 0), backlog=1000) for name in NAMES}
        self.ports = {name: entry.getsockname()[1] for name, entry in self.sockets.items()}
        self.process = None

    def configure(self, parallel):
        """To be in effect from the next start on."""
        self.parallel = parallel
        self.settings.write_text(f"""
hostname: mail.example.org
data: {self.folder}/data
senders:
  check: false
limits:
  connections-per-minute: 1000000
relay:
  smarthost:
    host: 127.0.0.1
    port: {SINK}
    security: opportunistic
  allow-private-addresses: true
  retry-after: 1s
  parallel: {parallel}
  parallel-per-destination: {parallel}
""")

    def command(self, *words, text=""):
        run = subprocess.run([PROGRAM, *words, "--config", self.settings], input=text, text=True, capture_output=True)
        assert run.returncode == 0, f"{words}: {run.stdout}{run.stderr}"
        return run.stdout

    def start(self):
        # High numbers first, so that none is overwritten that is still needed.
        sources = [os.dup2(entry.fileno(), 100 + index) for index, entry in enumerate(self.sockets.values())]
        environment = os.environ | {"LISTEN_FDS": str(len(sources)), "LISTEN_FDNAMES": ":".join(self.sockets)}
        script = "".join(f"exec {3 + index}<&{source} {source}<&-; " for index, source in enumerate(sources))
        line = f'{script} LISTEN_PID=$$ exec "$0" "$@"'
        self.process = subprocess.Popen(["bash", "-c", line, PROGRAM, "serve", "--config", self.settings],
                                        pass_fds=sources, env=environment, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)

    def greets(self):
        """Waits until it answers."""
        with socket.create_connection(("127.0.0.1", self.ports["smtp"]), timeout=60) as client:
            assert client.recv(100).startswith(b"220"), self.log_path.read_text()[-2000:]

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


class Sink(socketserver.StreamRequestHandler):
    """The other server, which notes what it got, and whether the sender must have known that when it ended."""

    disable_nagle_algorithm = True

    # By the message's name: for each time it came, what is known.
    got = collections.defaultdict(list)
    # What came from the process that runs now.
    recent = []
    total = 0
    talking = 0
    lock = threading.Lock()
    chance = random.Random(SEED)
    # After a while it behaves.
    is_moody = True
    # Whether the server makes one attempt at a time.
    is_single = True

    def say(self, text):
        self.wfile.write(text + b"\r\n")

    def handle(self):
        with self.lock:
            Sink.talking += 1
        try:
            self.talk()
        except OSError:
            pass
        finally:
            with self.lock:
                Sink.talking -= 1

    def talk(self):
        self.say(b"220 sink.example.net")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.say(b"250-sink.example.net\r\n250-8BITMIME\r\n250 PIPELINING")
            elif verb == b"DATA":
                self.say(b"354 go on")
                name = ""
                while (line := self.rfile.readline()) != b".\r\n":
                    if not line:
                        return
                    if line.startswith(b"Subject: "):
                        name = line[9:].strip().decode()
                mood = self.note(name)
                if mood < 0.02:
                    # The reply never comes.
                    return
                if mood < 0.2:
                    time.sleep(mood / 10)
                self.say(b"250 kept")
            elif verb == b"QUIT":
                return self.say(b"221 bye")
            else:
                self.say(b"250 ok")

    def note(self, name):
        with self.lock:
            mood = self.chance.random() if self.is_moody else 1
            record = {"name": name, "known": False, "replied": mood >= 0.02}
            if self.is_single:
                for other in self.recent:
                    other["known"] |= other["name"] != name and other["replied"]
            self.recent.append(record)
            self.got[name].append(record)
            Sink.total += 1
            return mood

    @classmethod
    def finish(cls):
        """The sender has ended: waits until all that it had said is heard; what it had said."""
        # Connections are accepted in their order.
        with socket.create_connection(("127.0.0.1", SINK)) as last:
            assert last.recv(100)
        while cls.talking:
            time.sleep(0.002)
        recent, cls.recent = cls.recent, []
        return recent


class SinkServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1000


class Client(threading.Thread):
    """Delivers, and notes what was answered 250."""

    RECIPIENTS = {"here": ["ann"], "away": ["away"], "both": ["ann", "away"]}
    service, hello, sender, parameters = "smtp", b"EHLO", b"friend@example.net", b""

    def __init__(self, ports, number):
        super().__init__(daemon=True)
        self.port = ports[self.service]
        self.number = number
        self.chance = random.Random(SEED * 1000 + number)
        self.sent = []
        self.accepted = []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.connect()
            except (OSError, EOFError):
                # Killed: what was noted until now is what counts.
                time.sleep(0.003)

    def connect(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as self.connection:
            self.lines = self.connection.makefile("rb")
            self.reply()
            self.greet()
            while not self.stopping.is_set():
                self.deliver()

    def reply(self):
        while line := self.lines.readline():
            if line[3:4] != b"-":
                return line
        raise EOFError

    def expect(self, code, count=1):
        for _ in range(count):
            assert (line := self.reply())[:3] == code, line

    def say(self, octets):
        self.connection.sendall(octets)

    def greet(self):
        self.say(self.hello + b" client.example.net\r\n")
        self.reply()

    def deliver(self):
        kind = self.chance.choice(list(self.RECIPIENTS))
        name = f"{kind}-{self.number}-{len(self.sent)}"
        recipients = self.RECIPIENTS[kind]
        self.say(b"MAIL FROM:<%s>%s\r\n" % (self.sender, self.parameters)
                 + b"".join(b"RCPT TO:<%s@example.org>\r\n" % recipient.encode() for recipient in recipients))
        self.begin()
        self.expect(b"250", 1 + len(recipients))
        self.sent.append(name)
        # Some larger than a chunk, so that staged octets are met by the kill too.
        filler = (b"x" * 900 + b"\r\n") * (400 if self.chance.random() < 0.1 else 1)
        self.content(b"Subject: %s\r\n\r\n%s" % (name.encode(), filler))
        self.expect(b"250", self.final_replies(recipients))
        self.accepted.append(name)

    def begin(self):
        self.say(b"DATA\r\n")

    def content(self, octets):
        self.expect(b"354")
        self.say(octets + b".\r\n")

    def final_replies(self, recipients):
        return 1


class ChunkClient(Client):
    """By BDAT, in two or three chunks."""

    def begin(self):
        pass

    def content(self, octets):
        cut = self.chance.randrange(len(octets))
        chunks = [octets[:cut], octets[cut:]] + [b""] * self.chance.randrange(2)
        for chunk in chunks[:-1]:
            self.say(b"BDAT %d\r\n%s" % (len(chunk), chunk))
            self.expect(b"250")
        self.say(b"BDAT %d LAST\r\n%s" % (len(chunks[-1]), chunks[-1]))


class LocalClient(Client):
    """By LMTP, where each recipient has a reply."""

    service, hello = "lmtp", b"LHLO"

    def final_replies(self, recipients):
        return len(recipients)


class PatientClient(Client):
    """A user, whose messages are held for a moment (RFC 4865)."""

    RECIPIENTS = {"held": ["away"]}
    service, sender = "submission", b"ann@example.org"
    parameters = b" HOLDFOR=1"

    def greet(self):
        super().greet()
        self.say(b"AUTH PLAIN %s\r\n" % base64.b64encode(b"\0ann@example.org\0" + PASSWORD.encode()))
        self.expect(b"235")

    def deliver(self):
        super().deliver()
        time.sleep(0.02)


def inbox(port):
    """How often each message is in the mailbox."""
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        connection.sendall(f'a LOGIN ann@example.org "{PASSWORD}"\r\nb EXAMINE INBOX\r\n'
                           "c FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n".encode())
        found = collections.Counter()
        for line in connection.makefile("rb"):
            if line.startswith(b"Subject: "):
                found[line[9:].strip().decode()] += 1
            if line.startswith(b"c "):
                assert line.startswith(b"c OK"), line
                return found
    raise EOFError


def progress(clients):
    """How much has happened."""
    return sum(len(client.accepted) for client in clients) + Sink.total


def halves():
    """Runs the program twice, and ends as the worse."""
    words = [[sys.argv[0], str(KILLS // 2), str(2 * SEED + half), HALF] for half in range(2)]
    processes = [subprocess.Popen([sys.executable, *given]) for given in words]
    sys.exit(max(abs(process.wait()) for process in processes))


def main():
    if HALF not in sys.argv:
        halves()
    isolate()
    began = time.monotonic()
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        server = Server(pathlib.Path(name))
        server.command("domain", "add", "example.org")
        server.command("account", "add", "ann@example.org", text=PASSWORD + "\n")
        server.command("alias", "add", "away@example.org", "bob@remote.example")
        sink = SinkServer(("127.0.0.1", SINK), Sink)
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        kinds = [Client, Client, ChunkClient, LocalClient, PatientClient]
        clients = [kind(server.ports, number) for number, kind in enumerate(kinds)]
        for client in clients:
            client.start()
        lives = []
        for number in range(KILLS):
            if number == KILLS // 2:
                server.configure(parallel=10)
                Sink.is_single = False
            server.start()
            # One in ten while it starts; else after so many messages more, whatever the machine's speed, and some time.
            if chance.random() < 0.9:
                server.greets()
                enough = progress(clients) + chance.randrange(20)
                limit = time.monotonic() + 2
                while progress(clients) < enough and time.monotonic() < limit:
                    time.sleep(0.003)
            time.sleep(chance.uniform(0, 0.01))
            assert server.process.poll() is None, server.log_path.read_text()[-2000:]
            server.end(signal.SIGKILL)
            lives.append((server.parallel, Sink.finish()))
        killed = time.monotonic()
        server.start()
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(timeout=120)
        Sink.is_moody = False
        while server.command("queue", "list") != "Nothing waits.\n":
            assert time.monotonic() < killed + 300, server.command("queue", "list")
            server.command("queue", "retry")
            time.sleep(0.2)
        here = inbox(server.ports["imap"])
        assert server.end(signal.SIGTERM) == 0
        server.command("verify")
        check(clients, here, lives, killed - began)


def check(clients, here, lives, seconds):
    sent = {name for client in clients for name in client.sent}
    accepted = {name for client in clients for name in client.accepted}
    wrong = []
    doubled = 0
    for name in sorted(sent):
        kind = name.split("-")[0]
        if kind in ("here", "both"):
            count = here[name]
            if count > 1 or (name in accepted and count != 1):
                wrong.append(f"{name}: {count} times in the mailbox")
        if kind != "here":
            times = Sink.got[name]
            if name in accepted and not times:
                wrong.append(f"{name}: lost on the way to the other server")
            doubled += len(times) > 1
            for record in times[:-1]:
                record["again"] = True
            if any(record["known"] for record in times[:-1]):
                wrong.append(f"{name}: {len(times)} times at the other server, though its arrival was written down")
        if kind == "both" and name not in accepted and bool(here[name]) != bool(Sink.got[name]):
            wrong.append(f"{name}: accepted for some only")
    for parallel, records in lives:
        again = [record["name"] for record in records if record.get("again") and record["replied"]]
        if len(again) > parallel:
            wrong.append(f"one kill, and {len(again)} messages were sent again: {again}")
    wrong += [f"{name}: never sent" for name in {*here, *Sink.got} - sent]
    print(f"kills: {KILLS} in {seconds:.0f} s, seed {SEED}; {len(accepted)} messages accepted, {len(sent) - len(accepted)} "
          f"not answered; {sum(here.values())} in the mailbox, {len(Sink.got)} relayed, {doubled} of them more than once; "
          f"{len(wrong)} faults")
    print("\n".join(wrong[:20]), end="\n" if wrong else "")
    # Who never gets anything accepted proves nothing.
    idle = [type(client).__name__ for client in clients if len(client.accepted) < KILLS // 10]
    print("\n".join(f"{name} had next to nothing accepted" for name in idle), end="\n" if idle else "")
    sys.exit(1 if wrong or idle or len(accepted) < KILLS else 0)


main()
