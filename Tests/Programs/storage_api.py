#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The storage API as strangers meet it: the article's examples, typed as they stand, and then Schemathesis, which makes
requests of the description and looks for answers that it does not describe.

    storage_api.py [examples for each operation]

No answer may be a server error, whatever was asked.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from isolation import ROOT, isolate

PROGRAM = os.environ.get("LETTERHOUSE", str(ROOT / ".build/debug/letterhouse"))
EXAMPLES = sys.argv[1] if len(sys.argv) > 1 else "20"
ARTICLE = (ROOT / "Sources/letterhouse/Docs.docc/StorageAPI.md").read_text()
ADDRESS = "ann@example.org"
URL = "http://127.0.0.1:8080"
# What a stranger's requests would take away from all that follow, or wait for.
LEFT_OUT = ["/store/v1/{account}/events"]
# How Schemathesis sends what is no JSON, and what it may find in paths.
HOOKS = """
import schemathesis

@schemathesis.serializer("message/rfc822", "application/x-ndjson")
def octets(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
"""
CONFIG = """
[parameters]
"path.account" = "ann@example.org"
"path.mailbox" = "F1"
"path.message" = "{message}"
"path.section" = "TEXT"
"""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def run(*words, text=None):
    done = subprocess.run([str(word) for word in words], input=text, text=True, capture_output=True)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}"
    return done.stdout


def command(folder, *words, text=None):
    return run(PROGRAM, *words, "--config", folder / "letterhouse.yaml", text=text)


def token(folder, scopes):
    return command(folder, "token", "add", ADDRESS, "--scope", scopes).split()[0]


def is_up():
    try:
        with urllib.request.urlopen(f"{URL}/health", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def examples(folder):
    """The indented lines of the article, behind the one that makes the token, as one script."""
    lines = [line[4:] for line in ARTICLE.splitlines() if re.match("    [^ |-]|      ", line)]
    assert lines[0].startswith("letterhouse token add"), lines[0]
    script = "set -euo pipefail\ntoken=$1\n" + "\n".join(lines[1:])
    done = subprocess.run(
        ["bash", "-c", script, "bash", token(folder, "read,write,deliver")], text=True, capture_output=True
    )
    assert done.returncode == 0, f"the article's examples:\n{done.stdout}{done.stderr}"
    assert done.stdout.count('"end":true') >= 5 and "hello" in done.stdout, done.stdout
    print(f"storage API: {len(lines)} lines of the article do what it says", flush=True)


def strangers(folder, message):
    (folder / "storage_hooks.py").write_text(HOOKS)
    (folder / "schemathesis.toml").write_text(CONFIG.replace("{message}", message))
    python = ROOT / ".build/python/bin"
    words = [
        python / "schemathesis", "--config-file", "schemathesis.toml", "run", f"{URL}/store/v1/openapi.json", "--checks", CHECKS, "--seed", "2026",
        "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing", "--no-color", "--generation-database", "none",
        "--header", f"Authorization: Bearer {token(folder, 'read,write,deliver')}",
    ]
    for path in LEFT_OUT:
        words += ["--exclude-path", path]
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, cwd=folder,
                          env={**os.environ, "SCHEMATHESIS_HOOKS": "storage_hooks", "PYTHONPATH": str(folder)})
    assert done.returncode == 0, f"Schemathesis: {done.stdout[-20000:]}{done.stderr}"
    print("storage API:", *re.findall(r"(?m)^ +(?:.*generated.*|.*passed.*)$", done.stdout), flush=True)


def main():
    isolate()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "data").mkdir(mode=0o700)
        (folder / "letterhouse.yaml").write_text(
            f"hostname: mail.example.org\ndata: {folder}/data\nlisten:\n  http: 127.0.0.1:8080\n  imap: 127.0.0.1:1143\n"
            "relay:\n  resolver: 127.0.0.1@5353\nsenders:\n  check: false\n"
        )
        command(folder, "domain", "add", "example.org")
        command(folder, "account", "add", ADDRESS, text="a secret of ann's\n")
        log = folder / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [PROGRAM, "serve", "--config", str(folder / "letterhouse.yaml")], stdout=output, stderr=output
            )
        try:
            end = time.monotonic() + 60
            while not is_up():
                assert server.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            inbox = "From: a@example.net\nSubject: first\n\nhello\n"
            for _ in range(2):
                added = run(
                    "curl", "--silent", "--fail", "--user", f"{ADDRESS}:a secret of ann's", "--header",
                    "Content-Type: message/rfc822", "--data-binary", "@-",
                    f"{URL}/store/v1/{ADDRESS}/mailboxes/F1/messages", text=inbox,
                )
            examples(folder)
            strangers(folder, json.loads(added)["id"])
            assert server.poll() is None, log.read_text()
            assert "Request failed" not in log.read_text(), log.read_text()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)
        command(folder, "verify")


main()
