#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""letterhouse.js, by itself, in node and in Chromium, against the running server; and the page that shows it.

    javascript.py [folder for screenshots]

In the page somebody logs in, sees mail arrive, reads it and replies; then the server is started anew and the network fails.
"""
import imaplib
import os
import pathlib
import re
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

from isolation import ROOT, isolate

PYTHON = ROOT / ".build/python/bin/python"
PROGRAM = os.environ.get("LETTERHOUSE", ROOT / ".build/debug/letterhouse")
SITE = "http://localhost:8080/"
PASSWORD = "a secret of everybody's"
HOSTILE = "<img src=https://tracker.example/ onerror=document.title='evil'>"


def step(text):
    print("javascript:", text, flush=True)


def run(*words, text=None, **more):
    done = subprocess.run([str(word) for word in words], input=text, text=True, capture_output=True, **more)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}"
    return done.stdout


def eventually(what, probe, limit=30):
    end = time.monotonic() + limit
    while not (result := probe()):
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.05)
    return result


class Server:
    """The program, with two accounts."""

    def __init__(self, folder):
        self.settings = folder / "letterhouse.yaml"
        self.log = folder / "log"
        (folder / "data").mkdir(mode=0o700)
        self.settings.write_text(f"""
hostname: mail.example.org
data: {folder}/data
listen:
  smtp: ["127.0.0.1:25"]
  submission: []
  imap: ["127.0.0.1:143"]
  http: ["127.0.0.1:8080"]
senders:
  check: false
""")
        run(PROGRAM, "domain", "add", "example.org", "--config", self.settings)
        for name in ("ann", "bob"):
            run(PROGRAM, "account", "add", f"{name}@example.org", "--config", self.settings, text=PASSWORD + "\n")

    def start(self):
        log = self.log.open("ab")
        self.process = subprocess.Popen([PROGRAM, "serve", "--config", self.settings], stdout=log, stderr=log)
        eventually("the server listens", lambda: all(self.listens(port) for port in (25, 143, 8080)))

    def listens(self, port):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0, self.log.read_text()[-3000:]


def deliver(subject, body, kind="text/plain; charset=utf-8"):
    """Mail for ann from bob, by SMTP."""
    with smtplib.SMTP("127.0.0.1", 25) as client:
        client.sendmail("bob@example.org", ["ann@example.org"], f"From: Bob B. <bob@example.org>\r\nTo: ann@example.org\r\n"
                        f"Subject: {subject}\r\nMessage-ID: <{subject.split()[0]}@example.org>\r\nMIME-Version: 1.0\r\n"
                        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n".encode())


def mail_of(name):
    """All that is in somebody's INBOX."""
    with imaplib.IMAP4("127.0.0.1", 143) as client:
        client.login(f"{name}@example.org", PASSWORD)
        client.select("INBOX", readonly=True)
        _, numbers = client.search(None, "ALL")
        return [client.fetch(number, "(FLAGS BODY[])")[1][0] for number in numbers[0].split()]


def in_node():
    environment = os.environ | {"LETTERHOUSE_URL": SITE, "LETTERHOUSE_PASSWORD": PASSWORD}
    tests = sorted((ROOT / "Tests/JavaScript").glob("*.test.js"))
    done = subprocess.run(["node", "--test", "--test-reporter=tap", *tests], cwd=ROOT, text=True, capture_output=True, env=environment)
    # TAP: a line for each test, and behind it what there is to say.
    assert done.returncode == 0, "".join(re.findall(r"(?ms)^ *not ok .*?^ *\.\.\.$", done.stdout))
    step(f"in node: {re.search('^# pass ([0-9]+)', done.stdout, re.MULTILINE)[1]} tests")


class Page:
    """The page in Chromium, and all that it asks for and complains of."""

    def __init__(self, browser, screenshots):
        self.context = browser.new_context(viewport={"width": 1100, "height": 700})
        self.page = self.context.new_page()
        self.screenshots = screenshots
        self.faults = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self.note)
        self.page.on("request", lambda request: self.asked(request.url))

    def note(self, message):
        # That requests fail while there is no network, or no server, the browser says by itself.
        if message.type == "error" and not message.text.startswith(("Failed to load resource", "WebSocket connection to")):
            self.faults.append(message.text)

    def asked(self, url):
        if not url.startswith((SITE, "data:", "blob:")):
            self.faults.append(f"asks {url}")

    def shows(self, selector, text):
        def is_shown():
            self.page.wait_for_timeout(20)
            return any(text in shown for shown in self.page.locator(selector).all_inner_texts())
        try:
            eventually(f"{selector} shows {text!r}", is_shown)
        except AssertionError as error:
            self.picture("failure")
            raise AssertionError(f"{error}; the page shows:\n{self.page.inner_text('body')}\n{self.faults}")

    def picture(self, name):
        if self.screenshots:
            self.page.screenshot(path=f"{self.screenshots}/{name}.png")


TRANSPORTS = """
async ([user, password]) => {
  const { composeMessage, imap, MailClient } = await import("/letterhouse.js");
  const done = [];
  for (const transport of ["polling", "websocket"]) {
    const client = new MailClient({ credentials: { user, password }, transport });
    try {
      await client.open();
    } catch (error) {
      if (client.features.has("ws")) throw error;
      continue;
    }
    await client.select("Drafts");
    const events = client.idle();
    const message = composeMessage({ from: user, subject: "Draft", text: "\u00fc".repeat(100000) });
    await client.append("Drafts", message);
    await events.next();
    const uid = Math.max(...await client.search(imap`SUBJECT ${"Draft"}`));
    const [read, text] = await Promise.all([client.fetchBody(uid), client.fetchText(uid)]);
    if (read.every((octet, at) => octet === message[at]) && text.text.length === 100002) done.push(transport);
    await client.close();
  }
  return done;
}
"""


def in_chromium(browser, server, screenshots):
    shown = Page(browser, screenshots)
    page = shown.page
    response = page.goto(SITE + "mail")
    assert "script-src 'self'" in response.headers["content-security-policy"], response.headers
    shown.picture("login")

    step("logs in, with the keyboard alone")
    page.keyboard.type("ann@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    shown.shows("#status", "Authentication failed")
    page.keyboard.press("Control+A")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    shown.shows("#status", "ann@example.org")

    step("mail arrives, and nothing in it does anything")
    deliver(f"Dinner {HOSTILE}", f"At eight o'clock?\r\n{HOSTILE}\r\nGrüße, Bob")
    shown.shows("#list .new", HOSTILE)
    deliver("Newsletter", f"<style>*{{color:red}}</style><p>Good <b>news</b><br>for all{HOSTILE}<script>document.title='evil'</script>", "text/html")
    shown.shows("#list .new", "Newsletter")
    assert page.title() == "Mail (2)", page.title()

    step("reads and replies")
    page.locator("#list button", has_text="Newsletter").click()
    shown.shows("#text", "Good news")
    assert "evil" not in page.inner_text("#text")
    page.locator("#list button", has_text="Dinner").focus()
    page.keyboard.press("Enter")
    shown.shows("#text", "At eight o'clock?")
    assert HOSTILE in page.inner_text("#text") and "Grüße" in page.inner_text("#text")
    eventually("both are read", lambda: page.title() == "Mail (0)")
    page.fill("#answer", "Yes!\n.\nSee you – Ann")
    shown.picture("mail")
    page.get_by_role("button", name="Send reply").click()
    shown.shows("#status", "was sent")
    [(_, reply)] = eventually("the reply arrives", lambda: mail_of("bob"))
    assert b"\r\nIn-Reply-To: <Dinner@example.org>\r\n" in reply and reply.endswith("Yes!\r\n.\r\nSee you =E2=80=93 Ann\r\n".encode()), reply
    eventually("it is marked", lambda: any(b"\\Answered" in head and b"Dinner <img" in mail for head, mail in mail_of("ann")))

    step("the server is started anew")
    server.stop()
    shown.shows("#status", "No connection")
    server.start()
    shown.shows("#status", "ann@example.org")
    deliver("Again", "after the restart")
    shown.shows("#list .new", "Again")

    step("the network fails for a while")
    shown.context.set_offline(True)
    deliver("Meanwhile", "while nobody could know")
    time.sleep(1)
    shown.context.set_offline(False)
    shown.shows("#list .new", "Meanwhile")
    assert len(mail_of("bob")) == 1

    step(f"in Chromium, by {' and '.join(page.evaluate(TRANSPORTS, ['ann@example.org', PASSWORD]))}")

    with page.expect_navigation():
        page.get_by_role("button", name="Log out").click()
    page.emulate_media(color_scheme="dark")
    assert shown.faults == [], shown.faults


def main():
    if pathlib.Path(sys.executable) != PYTHON:
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    isolate()
    from playwright.sync_api import sync_playwright
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        server = Server(pathlib.Path(name))
        server.start()
        in_node()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"])
        in_chromium(browser, server, sys.argv[1] if len(sys.argv) > 1 else None)
        browser.close()
        server.stop()


main()
