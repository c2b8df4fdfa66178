#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A newcomer's first quarter of an hour, by the README alone.

Every line that it types stands in the README or was printed by `make run`.
"""
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from isolation import ROOT, isolate

README = (ROOT / "README.md").read_text()


def step(text):
    print("first use:", text, flush=True)


def typed(start):
    """The README's line of code that begins so."""
    lines = [line[4:] for line in README.splitlines() if line.startswith("    " + start)]
    assert len(lines) == 1, f"the README has {len(lines)} lines that begin with {start!r}"
    return lines[0].split("   # ")[0].rstrip()


def eventually(what, probe, limit=20):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if result := probe():
            return result
        time.sleep(0.05)
    raise AssertionError(f"not within {limit} s: {what}")


def shell(line, **more):
    result = subprocess.run(["bash", "-c", line], cwd=ROOT, text=True, capture_output=True, **more)
    assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
    return result.stdout


class Server:
    """`make run`, or what it runs after the build, with what it prints."""

    def __init__(self, line, folder):
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                ["bash", "-c", f"exec {line}"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )

    def printed(self):
        return self.log.read_text()

    def greeting(self):
        """Seconds from start to the IMAP greeting."""
        def greets():
            assert self.process.poll() is None, self.printed()
            try:
                with socket.create_connection(("127.0.0.1", 1143)) as client:
                    return client.recv(100).startswith(b"* OK")
            except ConnectionRefusedError:
                return False
        end = time.monotonic() + 1200
        while not greets():
            assert time.monotonic() < end, self.printed()
            time.sleep(0.002)
        return time.monotonic() - self.began

    def interrupt(self):
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=30)


class Terminal:
    """A program in a terminal of 30 lines, of somebody who has never used it."""

    def __init__(self, line, home):
        environment = {"HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        self.tmux = ["tmux", "-S", str(home / "tmux"), "-f", "/dev/null"]
        subprocess.run(
            [*self.tmux, "new-session", "-d", "-x", "100", "-y", "30", line],
            env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def shows(self, text):
        def screen():
            return subprocess.run([*self.tmux, "capture-pane", "-p"], text=True, capture_output=True).stdout
        try:
            eventually(f"the terminal shows {text!r}", lambda: text in screen())
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{screen()}")

    def type(self, *keys):
        subprocess.run([*self.tmux, "send-keys", *keys], check=True)


def first_use(folder):
    step("make run")
    server = Server(typed("make run"), folder)
    server.greeting()
    account = eventually(
        "make run prints the account",
        lambda: re.search(r"^    (\S+@letterhouse\.test)    (\S+)$", server.printed(), re.MULTILINE),
    )
    address, password = account.groups()
    assert re.fullmatch(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", password)

    step("sends a message, by the README's line and by the printed one")
    shell(typed("swaks"))
    printed = eventually("the hints", lambda: re.findall(r"^ +((?:swaks|curl|mutt) .*)$", server.printed(), re.MULTILINE))
    swaks, curl, mutt = (next(line for line in printed if line.startswith(name)) for name in ("swaks", "curl", "mutt"))
    assert swaks == typed("swaks") and mutt == typed("mutt"), "the README and the program say different things"
    shell(swaks)
    assert "Hello" in shell(curl)

    submission = f"swaks --server 127.0.0.1 --from {address} --to {address} --auth PLAIN --au {address} --ap {password}"
    shell(f"{submission} --port 1587 --tls")
    shell(f"{submission} --port 1465 --tls-on-connect")
    assert "ok" in shell("curl --silent --fail http://127.0.0.1:8080/health").lower()

    step("reads it with mutt")
    terminal = Terminal(mutt, folder)
    terminal.shows("Create it?")
    terminal.type("n")
    terminal.shows("accept (o)nce")
    terminal.type("o")
    terminal.shows("Password for")
    terminal.type(password, "Enter")
    terminal.shows("Msgs:4")
    terminal.type("Enter")
    terminal.shows("Hello")
    terminal.type("q")

    step("adds a domain, an account and an alias while it serves")
    shell(typed(".build/debug/letterhouse domain add"))
    shell(typed(".build/debug/letterhouse account add"), input="correct horse battery staple\n")
    shell(typed(".build/debug/letterhouse alias add"))
    shell(typed(".build/debug/letterhouse queue list"))
    shell(typed(".build/debug/letterhouse help"))
    shell("swaks --server 127.0.0.1:1025 --from friend@example.net --to info@example.org --body 'For Ann'")
    user = shlex.quote("ann@example.org:correct horse battery staple")
    assert "For Ann" in shell(f"curl --silent --insecure --user {user} 'imaps://127.0.0.1:1993/INBOX;MAILINDEX=1'")

    step("stops it, and starts it again")
    assert server.interrupt() in (0, -signal.SIGINT, 2, 130)
    check_start("start to greeting", lambda: None, password, folder)
    check_start("the same on an empty store", empty_store, password, folder)


def check_start(what, prepare, password, folder):
    """Five times, the best counts, for the machine may be busy."""
    times = []
    for _ in range(5):
        prepare()
        server = Server("Packaging/run", folder)
        times.append(server.greeting())
        assert server.interrupt() == 0, server.printed()
        assert password not in server.printed()
    step(f"{what}: {', '.join(f'{1000 * value:.0f} ms' for value in times)}")
    assert min(times) < 0.5, f"{what} takes half a second or more"


def empty_store():
    """As before the first start; ./var is our own."""
    for entry in (ROOT / "var").iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def main():
    isolate()
    with tempfile.TemporaryDirectory() as folder:
        try:
            first_use(pathlib.Path(folder))
        except AssertionError as error:
            sys.exit(f"first use: failed: {error}")
    step("done")


main()
