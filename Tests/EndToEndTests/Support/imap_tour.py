# SPDX-License-Identifier: Apache-2.0
"""What a mail program does on a first visit, with imapclient. Usage: imap_tour.py PORT CERTIFICATE USER, password on stdin."""
import ssl, sys
from imapclient import IMAPClient

port, certificate, user = int(sys.argv[1]), sys.argv[2], sys.argv[3]
password = sys.stdin.readline().rstrip("\n")

with IMAPClient("localhost", port=port, ssl=True, ssl_context=ssl.create_default_context(cafile=certificate)) as client:
    client.login(user, password)
    names = {name: flags for flags, _, name in client.list_folders()}
    assert set(names) == {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"}, names
    assert b"\\Sent" in names["Sent"], names
    assert client.select_folder("INBOX")[b"EXISTS"] == 3
    assert client.search(["SUBJECT", "number 2"]) == [2]
    assert client.search(["UNSEEN"]) == [1, 2, 3]
    answer = client.fetch([1], ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"])[1]
    assert answer[b"ENVELOPE"].subject == b"number 1", answer
    assert answer[b"FLAGS"] == (b"\\Recent",), answer
    client.add_flags([2], [b"\\Flagged", b"$Important"])
    assert set(client.get_flags([2])[2]) >= {b"\\Flagged", b"$Important"}
    client.create_folder("Projekte/Übung")
    assert client.folder_exists("Projekte/Übung")
    client.copy([1], "Projekte/Übung")
    client.move([2], "Projekte/Übung")
    assert client.search("ALL") == [1, 3]
    assert client.folder_status("Projekte/Übung", ["MESSAGES"])[b"MESSAGES"] == 2
    client.append("Drafts", b"Subject: draft\r\n\r\nnot yet\r\n", flags=[b"\\Draft"])
    client.select_folder("Drafts")
    assert client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"] == b"Subject: draft\r\n\r\nnot yet\r\n"
    client.idle()
    client.idle_done()
    client.select_folder("INBOX")
    client.delete_messages([1])
    client.expunge()
    assert client.search("ALL") == [3]
    client.rename_folder("Projekte", "Projects")
    assert client.folder_exists("Projects/Übung")
    client.delete_folder("Projects/Übung")
print("done")
