#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Queues mail for a domain whose server is dead, and looks at how mail for others fares meanwhile.

    dead_domain.py [messages] [rounds]

Two servers, one with that queue and one without, relay to a third, in turns. Told are the speeds and the memory. That the dead
server is asked by one message at a time, that others are attempted meanwhile, and that memory stays small must hold; from
10,000 messages on also that the queue costs the others hardly any speed, if the program is built for release (LETTERHOUSE=path).
Servers die in two ways: one refuses connections, one takes them and says nothing.
"""
import contextlib
import os
import pathlib
import socket
import socketserver
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from isolation import ROOT, isolate

PROGRAM = os.environ.get("LETTERHOUSE", ROOT / ".build/debug/letterhouse")
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7
IS_LARGE = COUNT >= 10_000
# Messages of a round.
BATCH = 200 if IS_LARGE else 40
MEMORY = 256 << 20
# What a queue may cost beyond what its messages have cost on their way in.
GROWTH = 96 << 20
# What the other server's median speed must be to that without a queue. Two that do the same differ by up to a tenth.
RATIO = 0.9
ADDRESSES = {"live": "127.0.3.1", "refusing": "127.0.3.2", "silent": "127.0.3.3"}


class Live(socketserver.StreamRequestHandler):
    """Takes everything, at once."""

    disable_nagle_algorithm = True

    count = 0
    changed = threading.Condition()

    def handle(self):
        # Connections that are kept open end with the server.
        with contextlib.suppress(ConnectionResetError):
            self.talk()

    def talk(self):
        def say(text):
            self.wfile.write(text + b"\r\n")
        say(b"220 live")
        while line := self.rfile.readline():
            if line[:4] == b"EHLO":
                say(b"250-live\r\n250 PIPELINING")
            elif line[:4] == b"DATA":
                say(b"354 go on")
                while self.rfile.readline() != b".\r\n":
                    pass
                say(b"250 kept")
                with Live.changed:
                    Live.count += 1
                    Live.changed.notify_all()
            elif line[:4] == b"QUIT":
                return say(b"221 bye")
            else:
                say(b"250 ok")

    @classmethod
    def wait(cls, count):
        with cls.changed:
            assert cls.changed.wait_for(lambda: cls.count >= count, timeout=120), f"{cls.count} of {count} have come"


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 1000


class Silent(threading.Thread):
    """Takes connections and says nothing; how many there are at most at the same time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.create_server((ADDRESSES["silent"], 2525), backlog=100)
        self.total = self.open = self.most = 0

    def run(self):
        while True:
            connection, _ = self.server.accept()
            self.total += 1
            self.open += 1
            self.most = max(self.most, self.open)
            threading.Thread(target=self.hold, args=(connection,), daemon=True).start()

    def hold(self, connection):
        with connection:
            while connection.recv(4096):
                pass
        self.open -= 1


class Server:
    def __init__(self, folder, name, address):
        self.address, self.folder = address, folder / name
        (self.folder / "data").mkdir(parents=True, mode=0o700)
        self.settings = self.folder / "letterhouse.yaml"
        self.settings.write_text(f"""
hostname: mx.{name}.example
data: {self.folder}/data
listen:
  smtp: ["{address}:25"]
  submission: []
  imap: []
  http: []
senders:
  check: false
relay:
  port: 2525
  resolver: 127.0.0.1@53
  allow-private-addresses: true
""")
        self.command("domain", "add", "here.example")
        for destination in ADDRESSES:
            self.command("alias", "add", f"{destination}@here.example", f"somebody@{destination}.example")
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen([PROGRAM, "serve", "--config", self.settings], stdout=log, stderr=log)
        while True:
            try:
                socket.create_connection((address, 25)).close()
                break
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.02)

    def command(self, *words):
        run = subprocess.run([PROGRAM, *words, "--config", self.settings], text=True, capture_output=True)
        assert run.returncode == 0, f"{words}: {run.stdout}{run.stderr}"
        return run.stdout

    def memory(self, which="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(which):
                return int(line.split()[1]) * 1024

    def due(self):
        """How many messages wait for their first attempt, or for being put off."""
        with contextlib.closing(sqlite3.connect(f"file:{next(self.folder.glob('data/*.db'))}?mode=ro", uri=True)) as store:
            return store.execute("SELECT count(*) FROM queue WHERE next_attempt <= unixepoch()").fetchone()[0]

    def deliver(self, destination, count, clients=4):
        """Brings messages for one destination."""
        def client(count):
            with socket.create_connection((self.address, 25)) as connection:
                lines = connection.makefile("rb")

                def reply(code):
                    while (line := lines.readline())[3:4] == b"-":
                        pass
                    assert line[:3] == code, line
                reply(b"220")
                connection.sendall(b"EHLO client.example.net\r\n")
                reply(b"250")
                text = b"Subject: x\r\n\r\nhello\r\n"
                message = (b"MAIL FROM:<friend@example.net>\r\nRCPT TO:<%s@here.example>\r\nBDAT %d LAST\r\n%s"
                           % (destination.encode(), len(text), text))
                for _ in range(count):
                    connection.sendall(message)
                    for _ in range(3):
                        reply(b"250")
        threads = [threading.Thread(target=client, args=(count // clients,)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def speed(self):
        """Messages a second, from the first that is brought to the last that is kept."""
        end = Live.count + BATCH
        began = time.monotonic()
        self.deliver("live", BATCH)
        Live.wait(end)
        return BATCH / (time.monotonic() - began)


def names(folder):
    zones = "".join(f'zone:\n  name: "{name}.example"\n  zonefile: "{name}.zone"\n' for name in ADDRESSES)
    for name, address in ADDRESSES.items():
        (folder / f"{name}.zone").write_text(
            f"$ORIGIN {name}.example.\n$TTL 3600\n@ SOA ns admin 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n@ MX 10 mx\nmx A {address}\n")
    (folder / "nsd.conf").write_text(f"""
server:
  ip-address: 127.0.0.1@53
  do-ip6: no
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  cookie-secret-file: "{folder}/cookies"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{zones}""")
    subprocess.Popen(["nsd", "-d", "-c", folder / "nsd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def compare(what, with_queue, without, must_hold=True):
    """Rounds in turns, whose medians are told."""
    speeds = [[], []]
    for number in range(ROUNDS):
        # Who is first may find the machine in another state.
        for which in ((0, 1) if number % 2 else (1, 0)):
            speeds[which].append((with_queue, without)[which].speed())
    medians = [statistics.median(values) for values in speeds]
    shown = [f"{median:.0f}/s ({min(values):.0f}-{max(values):.0f})" for median, values in zip(medians, speeds)]
    print(f"dead domain: {what}: {shown[0]} with the queue, {shown[1]} without: {100 * medians[0] / medians[1]:.0f} %; "
          f"memory {with_queue.memory() >> 20} MiB, at most {with_queue.memory('VmHWM') >> 20} MiB", flush=True)
    if IS_LARGE and must_hold:
        assert medians[0] >= RATIO * medians[1], f"{what}: the queue costs others too much"


def main():
    isolate()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        names(folder)
        live = Threads((ADDRESSES["live"], 2525), Live)
        threading.Thread(target=live.serve_forever, daemon=True).start()
        silent = Silent()
        silent.start()
        for kind in ("refusing", "silent"):
            with_queue, without = (Server(folder, f"{kind}-{name}", address)
                                   for name, address in (("with", "127.0.4.1"), ("without", "127.0.4.2")))
            compare(f"before there is a queue for a {kind} server", with_queue, without, must_hold=False)
            began = time.monotonic()
            with_queue.deliver(kind, COUNT)
            print(f"dead domain: {COUNT} messages queued in {time.monotonic() - began:.0f} s", flush=True)
            queued = with_queue.memory()
            compare(f"{COUNT} for a {kind} server, at once", with_queue, without)
            if kind == "refusing":
                end = time.monotonic() + 300
                while with_queue.due():
                    assert time.monotonic() < end, f"{with_queue.due()} are still due"
                    time.sleep(0.5)
                compare(f"{COUNT} for a {kind} server, all put off", with_queue, without)
                with_queue.command("queue", "retry")
                # Meanwhile each of them is written to once more, which is work.
                compare(f"{COUNT} for a {kind} server, all due again", with_queue, without, must_hold=False)
                print(f"dead domain: {with_queue.due()} are still to be put off", flush=True)
            growth = with_queue.memory() - queued
            assert growth < GROWTH, f"the queue made memory grow by {growth} octets"
            assert with_queue.memory("VmHWM") < MEMORY, f"{with_queue.memory('VmHWM')} octets of memory"
            for server in (with_queue, without):
                server.process.kill()
                server.process.wait()
        assert silent.most == 1, f"{silent.most} attempts at a silent server at the same time"


main()
