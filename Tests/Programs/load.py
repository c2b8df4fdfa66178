#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Postfix's smtp-source brings mail, for a mailbox and for others, and its smtp-sink takes what goes on.

    load.py [messages] [sessions]

Everything must arrive, once; how fast is told.
"""
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from isolation import ROOT, isolate, with_mail_servers

PROGRAM = os.environ.get("LETTERHOUSE", ROOT / ".build/debug/letterhouse")
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
SESSIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
PASSWORD = "a secret of ann's"


def run(*words, text=None):
    done = subprocess.run([str(word) for word in words], input=text, text=True, capture_output=True)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}"
    return done.stdout


def listens(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            return bool(connection.recv(10))
    except OSError:
        return False


def eventually(what, probe, limit=600):
    end = time.monotonic() + limit
    while not probe():
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.05)


def source(recipient):
    """Seconds until all messages have been answered 250."""
    began = time.monotonic()
    run("smtp-source", "-s", SESSIONS, "-m", COUNT, "-l", 4096, "-f", "friend@elsewhere.example", "-t", recipient,
        "inet:127.0.0.1:25")
    return time.monotonic() - began


def in_mailbox():
    with socket.create_connection(("127.0.0.1", 143)) as connection:
        connection.sendall(f'a LOGIN ann@here.example "{PASSWORD}"\r\nb STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n'.encode())
        return int(re.search(rb"MESSAGES (\d+)", connection.makefile("rb").read())[1])


def main():
    isolate()
    with_mail_servers()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "data").mkdir(mode=0o700)
        settings = folder / "letterhouse.yaml"
        settings.write_text(f"""
hostname: mx.here.example
data: {folder}/data
listen:
  smtp: ["127.0.0.1:25"]
  submission: []
  imap: ["127.0.0.1:143"]
  http: []
senders:
  check: false
relay:
  smarthost:
    host: 127.0.0.1
    port: 2525
    security: opportunistic
  allow-private-addresses: true
  parallel-per-destination: {SESSIONS}
""")
        run(PROGRAM, "domain", "add", "here.example", "--config", settings)
        run(PROGRAM, "account", "add", "ann@here.example", "--config", settings, text=PASSWORD + "\n")
        run(PROGRAM, "alias", "add", "away@here.example", "bob@elsewhere.example", "--config", settings)
        log = (folder / "log").open("wb")
        server = subprocess.Popen([PROGRAM, "serve", "--config", settings], stdout=log, stderr=log)
        # It wants to be nobody when root starts it, and can write then where nobody can.
        folder.chmod(0o755)
        kept = folder / "sink/kept"
        kept.parent.mkdir()
        kept.parent.chmod(0o777)
        subprocess.Popen(["smtp-sink", "-u", "nobody", "-D", "kept", "127.0.0.1:2525", "1000"], cwd=kept.parent, stdout=log,
                         stderr=log)
        eventually("both listen", lambda: listens(25) and listens(2525))

        seconds = source("ann@here.example")
        assert in_mailbox() == COUNT, f"{in_mailbox()} of {COUNT} are in the mailbox"
        print(f"load: {COUNT} messages of 4 KiB into a mailbox in {seconds:.1f} s: {COUNT / seconds:.0f}/s", flush=True)

        began = time.monotonic()
        seconds = source("away@here.example")

        def queue_is_empty():
            return run(PROGRAM, "queue", "list", "--config", settings) == "Nothing waits.\n"
        try:
            eventually("the queue is empty", queue_is_empty, limit=600)
        except AssertionError:
            print((folder / "log").read_text()[-3000:], flush=True)
            raise
        total = time.monotonic() - began
        arrived = len(re.findall(rb"^X-Mail-Args:", kept.read_bytes(), re.MULTILINE))
        assert arrived == COUNT, f"{arrived} of {COUNT} have come through"
        print(f"load: {COUNT} messages of 4 KiB to others, taken in {seconds:.1f} s, passed on in {total:.1f} s: "
              f"{COUNT / total:.0f}/s", flush=True)
        server.terminate()
        assert server.wait(timeout=60) == 0
        run(PROGRAM, "verify", "--config", settings)


main()
