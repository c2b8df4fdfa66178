#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings forged mail that cannot be delivered in the end, and counts what reaches those whose names are on it: nothing may.

    backscatter.py [messages]

Most go to an alias that leads to a server which refuses them, by Postfix's smtp-source; some to nobody, and to somebody who
has no room, which must be refused at once. As a control, one is from a user of ours, who must hear of it.
"""
import os
import pathlib
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

from isolation import ROOT, isolate, with_mail_servers

PROGRAM = os.environ.get("LETTERHOUSE", ROOT / ".build/debug/letterhouse")
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
PASSWORD = "a secret of ann's"
VICTIM = "victim@victim.example"
MESSAGE = "Subject: x\r\n\r\n" + "text\r\n" * 2000


def run(*words, text=None):
    done = subprocess.run([str(word) for word in words], input=text, text=True, capture_output=True)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}"
    return done.stdout


def eventually(what, probe):
    end = time.monotonic() + 600
    while not probe():
        assert time.monotonic() < end, f"not within 600 s: {what}"
        time.sleep(0.05)


def listens(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            return bool(connection.recv(10))
    except OSError:
        return False


def refusal(recipient, size=0):
    with smtplib.SMTP("127.0.0.1", 25) as client:
        client.ehlo()
        client.mail(VICTIM, [f"SIZE={size}"] if size else [])
        return client.rcpt(recipient)[0]


def main():
    isolate()
    with_mail_servers()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "data").mkdir(mode=0o700)
        settings = ["--config", folder / "letterhouse.yaml"]
        settings[1].write_text(f"""
hostname: mx.here.example
data: {folder}/data
listen:
  smtp: ["127.0.0.1:25"]
  submission: ["127.0.0.1:587"]
  imap: ["127.0.0.1:143"]
  http: []
senders:
  check: false
limits:
  connections-per-minute: 1000000
relay:
  routes:
    - to refusing.example via 127.0.0.1 port 2525 security opportunistic
    - to victim.example via 127.0.0.1 port 2626 security opportunistic
  allow-private-addresses: true
  parallel-per-destination: 20
""")
        run(PROGRAM, "domain", "add", "here.example", *settings)
        for user in ("ann", "full"):
            run(PROGRAM, "account", "add", f"{user}@here.example", *settings, text=PASSWORD + "\n")
        run(PROGRAM, "account", "quota", "full@here.example", "--storage", "1000", *settings)
        run(PROGRAM, "alias", "add", "lost@here.example", "nobody@refusing.example", *settings)
        log = (folder / "log").open("wb")
        server = subprocess.Popen([PROGRAM, "serve", *settings], stdout=log, stderr=log)
        folder.chmod(0o755)
        kept = folder / "sink/kept"
        kept.parent.mkdir()
        kept.parent.chmod(0o777)
        for words in (["-f", "RCPT", "127.0.0.1:2525"], ["-D", "kept", "127.0.0.1:2626"]):
            subprocess.Popen(["smtp-sink", "-u", "nobody", *words, "1000"], cwd=kept.parent, stdout=log, stderr=log)
        eventually("all listen", lambda: all(map(listens, (25, 2525, 2626))))

        for _ in range(50):
            assert refusal("nobody@here.example") == 550
            assert refusal("full@here.example", size=2000) == 552
        began = time.monotonic()
        run("smtp-source", "-s", 10, "-m", COUNT, "-l", 1000, "-f", VICTIM, "-t", "lost@here.example", "inet:127.0.0.1:25")
        eventually("the queue is empty", lambda: run(PROGRAM, "queue", "list", *settings) == "Nothing waits.\n")
        seconds = time.monotonic() - began
        reached = kept.read_bytes().count(b"X-Mail-Args:") if kept.exists() else 0
        assert reached == 0, f"{reached} messages have reached {VICTIM}"
        refused = (folder / "log").read_bytes().count(b"Recipient failed")
        assert refused == COUNT, f"{refused} of {COUNT} were refused by the other server"

        with smtplib.SMTP("127.0.0.1", 587) as client:
            client.login("ann@here.example", PASSWORD)
            client.sendmail("ann@here.example", ["lost@here.example"], MESSAGE)
        eventually("the queue is empty", lambda: run(PROGRAM, "queue", "list", *settings) == "Nothing waits.\n")
        with socket.create_connection(("127.0.0.1", 143)) as connection:
            words = f'a LOGIN ann@here.example "{PASSWORD}"\r\nb SELECT INBOX\r\nc FETCH 1:* BODY[]\r\nd LOGOUT\r\n'
            connection.sendall(words.encode())
            inbox = connection.makefile("rb").read()
        assert b"* 1 EXISTS" in inbox and b"Final-Recipient: rfc822; nobody@refusing.example" in inbox, inbox.decode()
        print(f"backscatter: {COUNT} forged messages refused behind an alias in {seconds:.1f} s, 0 reports to the forged sender; "
              "1 to a user of ours")
        server.terminate()
        assert server.wait(timeout=60) == 0
        run(PROGRAM, "verify", *settings)


main()
