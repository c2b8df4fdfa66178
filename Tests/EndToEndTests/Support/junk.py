#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Teaches what is junk with an IMAP client, and looks where new mail goes.

junk.py IMAP-PORT SMTP-PORT ADDRESS PASSWORD
"""
import imaplib
import random
import re
import smtplib
import sys
import time

imap_port, smtp_port, address, password = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
picked = random.Random(7)

COMMON = "the and you for with this that have from your are not was can all will please there here about more".split()
JUNK = """pills casino winner bonus discount lottery viagra prescription cheap replica watches guaranteed investment crypto
profit urgent prize claim unlimited jackpot pharmacy spins deposit""".split()
WANTED = """meeting minutes garden release review branch deploy invoice lunch school dentist holiday train kitchen neighbour
compiler patch backlog roadmap choir rehearsal bicycle""".split()


def message(is_junk, number):
    words = JUNK if is_junk else WANTED
    text = " ".join(picked.choice(words) if picked.random() < 0.4 else picked.choice(COMMON) for _ in range(120))
    author = f"offer{number}@shop{number % 5}.example.net" if is_junk else f"colleague{number % 5}@example.com"
    subject = " ".join(picked.choices(words, k=3))
    body = f"<p>{text}</p><a href='http://{picked.choice(JUNK)}.example.net/'>Click</a>" if is_junk else text
    kind = "html" if is_junk else "plain"
    return author, (
        f"From: {author}\r\nTo: {address}\r\nSubject: {subject}\r\nMessage-ID: <{number}.{is_junk}@example.net>\r\n"
        f"Date: Sun, 29 Nov 2026 12:00:00 +0000\r\nContent-Type: text/{kind}\r\n\r\n{body}\r\n"
    )


def deliver(is_junk, number):
    author, text = message(is_junk, number)
    with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        smtp.sendmail(author, [address], text)


def uids(name):
    imap.select(name)
    return imap.uid("SEARCH", "ALL")[1][0].split()


def headers(name):
    """The junk fields of a mailbox, by the Message-ID."""
    found = {}
    for uid in uids(name):
        data = imap.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (X-LETTERHOUSE-JUNK MESSAGE-ID)])")[1][0][1].decode()
        found[re.search(r"(?i)message-id: <(.*?)@", data)[1]] = data
    return found


imap = imaplib.IMAP4("127.0.0.1", imap_port)
imap.login(address, password)
for number in range(2000, 2045):
    for is_junk in (True, False):
        assert imap.append("INBOX", None, None, message(is_junk, number)[1].encode())[0] == "OK"
for number in range(10):
    deliver(True, number)
    deliver(False, number)
assert len(uids("INBOX")) == 110 and not any("Junk:" in field for field in headers("INBOX").values())

imap.select("INBOX")
junk = imap.uid("SEARCH", "FROM", "offer")[1][0].split()
assert len(junk) == 55, junk
# A few clients' ways: MOVE; COPY and \Deleted.
assert imap.uid("MOVE", b",".join(junk[:15]), "Junk")[0] == "OK"
assert imap.uid("COPY", b",".join(junk[15:]), "Junk")[0] == "OK"
imap.uid("STORE", b",".join(junk[15:]), "+FLAGS", "(\\Deleted)")
imap.expunge()
assert imap.uid("MOVE", b",".join(uids("INBOX")), "Archive")[0] == "OK"

# It is learnt a moment later: until then new mail has no field.
for attempt in range(100):
    deliver(False, 1000 + attempt)
    if any("Junk:" in field for field in headers("INBOX").values()):
        break
    time.sleep(0.3)
else:
    sys.exit("nothing was learnt")

for number in range(100, 110):
    deliver(True, number)
    deliver(False, number)
in_junk, in_inbox = headers("Junk"), headers("INBOX")
for number in range(100, 110):
    assert "X-Letterhouse-Junk: yes, score=0.9" in in_junk.get(f"{number}.True", "X-Letterhouse-Junk: yes, score=1") or \
        "X-Letterhouse-Junk: yes, score=1.00" in in_junk[f"{number}.True"], in_junk.get(f"{number}.True")
    assert f"{number}.True" in in_junk, f"junk {number} is not in Junk: {in_inbox}"
    assert "X-Letterhouse-Junk: no, score=0.0" in in_inbox[f"{number}.False"], in_inbox[f"{number}.False"]

# A mistake is put right by moving the message out.
uid = imap.select("Junk") and imap.uid("SEARCH", "HEADER", "Message-ID", "<105.True@example.net>")[1][0]
assert imap.uid("MOVE", uid, "INBOX")[0] == "OK"
imap.logout()
print("ok")
