#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lines that are as long as a message, or longer than any command: they pass through, or are refused, in little memory.

    long_lines.py [MiB of a line] [MiB of a command]

The message is signed, so that everything looks at it that looks at mail from strangers.
"""
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import dkim
import nacl.signing

from isolation import ROOT, isolate

PROGRAM = os.environ.get("LETTERHOUSE", ROOT / ".build/debug/letterhouse")
LINE = int(sys.argv[1]) if len(sys.argv) > 1 else 45
COMMAND = int(sys.argv[2]) if len(sys.argv) > 2 else 100
PASSWORD = "a secret of ann's"
# Far more than it takes to pass on what comes, and less than to keep it.
GROWTH = 16 << 20


def names():
    """A name server that knows no name."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    while True:
        query, client = server.recvfrom(4096)
        end = query.index(b"\0", 12) + 5
        server.sendto(query[:2] + struct.pack(">5H", 0x8183, 1, 0, 0, 0) + query[12:end], client)


class Server:
    def __init__(self, folder):
        (folder / "data").mkdir(mode=0o700)
        self.settings = folder / "letterhouse.yaml"
        self.settings.write_text(f"""
hostname: mx.here.example
data: {folder}/data
listen:
  smtp: ["127.0.0.1:25"]
  submission: []
  imap: ["127.0.0.1:143"]
  http: []
senders:
  exempt: []
relay:
  resolver: 127.0.0.1@53
""")
        self.command("domain", "add", "here.example")
        self.command("account", "add", "ann@here.example", text=PASSWORD + "\n")
        self.log = folder / "log"
        log = self.log.open("wb")
        self.process = subprocess.Popen([PROGRAM, "serve", "--config", self.settings], stdout=log, stderr=log)
        while True:
            try:
                self.connect().close()
                break
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.02)

    def connect(self):
        return socket.create_connection(("127.0.0.1", 25), timeout=600)

    def command(self, *words, text=None):
        run = subprocess.run([PROGRAM, *words, "--config", self.settings], text=True, input=text, capture_output=True)
        assert run.returncode == 0, f"{words}: {run.stdout}{run.stderr}"

    def memory(self, which):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{which}:\s+(\d+) kB", status, re.MULTILINE)[1]) << 10

    def growth(self, work):
        """How much more memory of its own it has at most while that is done than before; mapped files are not its own."""
        sizes = [self.memory("RssAnon")]
        done = threading.Event()

        def watch():
            while not done.wait(0.005):
                sizes.append(self.memory("RssAnon"))
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            work()
        finally:
            done.set()
            watcher.join()
        return max(sizes) - sizes[0]


def replies(connection, lines, count):
    """The last line of the last of so many replies."""
    for _ in range(count):
        while (line := lines.readline())[3:4] == b"-":
            pass
    return line


def send(server, content, is_chunk=False, code=b"250"):
    with server.connect() as connection:
        lines = connection.makefile("rb")
        connection.sendall(b"EHLO client.example.net\r\n")
        replies(connection, lines, 2)
        connection.sendall(b"MAIL FROM:<friend@elsewhere.example>\r\nRCPT TO:<ann@here.example>\r\n")
        assert (line := replies(connection, lines, 2))[:3] == b"250", line
        if is_chunk:
            connection.sendall(b"BDAT %d LAST\r\n" % len(content))
        else:
            connection.sendall(b"DATA\r\n")
            assert (line := replies(connection, lines, 1))[:3] == b"354", line
        connection.sendall(content if is_chunk else content + b".\r\n")
        assert (line := replies(connection, lines, 1))[:3] == code, line


def command(server):
    """A command without an end, as far as the server lets it come."""
    block = b"x" * (1 << 20)
    with server.connect() as connection:
        lines = connection.makefile("rb")
        replies(connection, lines, 1)
        try:
            connection.sendall(b"NOOP ")
            for _ in range(COMMAND):
                connection.sendall(block)
            connection.sendall(b"\r\n")
        except OSError:
            return
        assert (line := replies(connection, lines, 1))[:3] == b"500", line


def is_in_mailbox(contents):
    """Whether the messages are there as they were sent."""
    with socket.create_connection(("127.0.0.1", 143), timeout=600) as connection:
        connection.sendall(f'a LOGIN ann@here.example "{PASSWORD}"\r\nb EXAMINE INBOX\r\nc FETCH 1:* BODY.PEEK[]\r\n'.encode())
        lines = connection.makefile("rb")
        found = []
        while not (line := lines.readline()).startswith(b"c "):
            assert line, "the server hung up"
            if literal := re.search(rb"\{(\d+)\}\r\n$", line):
                found.append(lines.read(int(literal[1])))
        return len(found) == len(contents) and all(map(bytes.endswith, found, contents))


def main():
    isolate()
    threading.Thread(target=names, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        server = Server(pathlib.Path(name))
        header = b"From: friend@elsewhere.example\r\nSubject: long\r\n"
        key = nacl.signing.SigningKey.generate().encode(nacl.encoding.Base64Encoder)
        signature = dkim.sign(header + b"\r\nsmall\r\n", b"key", b"elsewhere.example", key,
                              signature_algorithm=b"ed25519-sha256", canonicalize=(b"relaxed", b"relaxed"))
        lines, line = (b"x" * 998 + b"\r\n") * (36 << 10), b"x" * (LINE << 20) + b"\r\n"
        many, one, field = (signature + header + more for more in (b"\r\n" + lines, b"\r\n" + line, b"X-Long: " + line))
        # The store keeps pages in memory, however long their lines are, up to a limit.
        send(server, many)
        wrong = []
        for what, work in [("a line by DATA", lambda: send(server, one)),
                           ("a line by BDAT", lambda: send(server, one, is_chunk=True)),
                           ("a field", lambda: send(server, field, code=b"552")),
                           ("a command", lambda: command(server))]:
            began = time.monotonic()
            try:
                growth = server.growth(work)
            except AssertionError as error:
                wrong.append(f"{what}: {error}")
                continue
            print(f"long lines: {what}: {growth / (1 << 20):.1f} MiB more memory at most, "
                  f"in {time.monotonic() - began:.1f} s", flush=True)
            if growth > GROWTH:
                wrong.append(f"{what}: {growth} octets of memory")
        if not is_in_mailbox([many, one, one]):
            wrong.append("the messages are not in the mailbox as they were sent")
        server.process.terminate()
        assert server.process.wait(timeout=60) == 0
        server.command("verify")
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


main()
