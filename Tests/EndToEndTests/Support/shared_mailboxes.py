# SPDX-License-Identifier: Apache-2.0
"""Two people share a mailbox, with imapclient and imaplib. Usage: shared_mailboxes.py PORT CERTIFICATE, password on stdin."""
import ssl, sys
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

port, certificate = int(sys.argv[1]), sys.argv[2]
password = sys.stdin.readline().rstrip("\n")
name = "user/ann@example.org/Team"


def connect(user):
    client = IMAPClient("localhost", port=port, ssl=True, ssl_context=ssl.create_default_context(cafile=certificate))
    client.login(user, password)
    return client


def refused(action):
    try:
        action()
    except IMAPClientError as error:
        return str(error)
    raise AssertionError("it was allowed")


with connect("ann@example.org") as ann, connect("bob@example.org") as bob:
    assert {b"ACL", b"RIGHTS=KXTE"} <= set(ann.capabilities()), ann.capabilities()
    assert bob.namespace().other == (("user/", "/"),), bob.namespace()
    ann.create_folder("Team")
    assert not bob.folder_exists(name)
    assert "NONEXISTENT" in refused(lambda: bob.select_folder(name))

    ann.setacl("Team", "bob@example.org", "lrswi")
    assert ann.getacl("Team") == [(b"ann@example.org", b"lrswipkxteacd"), (b"bob@example.org", b"lrswi")], ann.getacl("Team")
    assert bob.folder_exists(name)
    assert bob._imap.myrights(name)[1] == [f"{name} lrswi".encode()]
    assert bob.append(name, b"Subject: from Bob\r\n\r\nhello\r\n", flags=[b"\\Flagged"])

    assert ann.select_folder("Team")[b"EXISTS"] == 1
    selected = bob.select_folder(name)
    assert b"\\Deleted" not in selected[b"PERMANENTFLAGS"] and b"\\Seen" in selected[b"PERMANENTFLAGS"], selected
    bob.idle()
    ann.append("Team", b"Subject: from Ann\r\n\r\nhello\r\n")
    assert (2, b"EXISTS") in bob.idle_check(timeout=30)
    bob.idle_done()
    ann.idle()
    bob.add_flags([2], [b"\\Answered"])
    answers = ann.idle_check(timeout=30)
    while not any(answer[1] == b"FETCH" and b"\\Answered" in answer[2][3] for answer in answers):
        answers = ann.idle_check(timeout=30)
    ann.idle_done()
    bob.copy([1, 2], "INBOX")
    assert bob.folder_status("INBOX", ["MESSAGES"])[b"MESSAGES"] == 2
    assert "NOPERM" in refused(lambda: bob.expunge())
    assert "NOPERM" in refused(lambda: bob.delete_folder(name))

    assert ann._imap.deleteacl("Team", "bob@example.org")[0] == "OK"
    assert not bob.folder_exists(name)
    assert "NONEXISTENT" in refused(lambda: bob.fetch([1], ["FLAGS"]))
print("done")
