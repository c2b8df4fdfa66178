# SPDX-License-Identifier: Apache-2.0
"""Asks a server in every form for mail to go elsewhere, through every door, and tells what it said.

    open_relay.py SMTP SUBMISSION SUBMISSIONS       the ports

The server's domain is example.org, with the account ann@example.org. Writes a line for each question, with tabs: the door,
the sender, the recipient, whether that form would be good if example.net were the server's, the reply to RCPT, and the
reply to DATA.
"""
import socket
import ssl
import sys

# What a lenient server takes for its own, and whether it is an address at all.
FORMS = [
    ("<fred@example.net>", True), ("<fred@EXAMPLE.NET>", True), ("<FRED@Example.Net>", True),
    # The percent hack, and bang paths.
    ("<fred%example.net@example.org>", True), ("<fred%example.net>", False), ("<example.net!fred@example.org>", True),
    ("<example.net!fred>", False), ("<mx.example.org!fred%example.net@example.org>", True),
    # Two domains.
    ("<fred@example.net@example.org>", False), ("<fred@example.org@example.net>", False),
    # Source routes.
    ("<@example.org:fred@example.net>", True), ("<@example.org,@mail.example.org:fred@example.net>", True),
    ("<@[127.0.0.1]:fred@example.net>", False),
    # Quoted.
    ('<"fred@example.net"@example.org>', True), ('<"fred%example.net"@example.org>', True),
    ('<"fred@example.net">', False), ('<"example.net!fred"@example.org>', True), ('<"fred"@example.net>', True),
    # Literals.
    ("<fred@[192.0.2.25]>", False), ("<fred@[IPv6:2001:db8::25]>", False), ('<"fred@[192.0.2.25]"@example.org>', True),
    ("<fred@[127.0.0.1]>", False),
    # Names like ours, or like another's.
    ("<fred@xn--exmple-cua.net>", False), ("<fred@example.org.example.net>", False), ("<fred@sub.example.org>", False),
    ("<fred@example.net.>", False), ("<fred@localhost>", False),
    # What is not within the grammar.
    ("<fred@example.net\t>", False), ("<fred@example.net(example.org)>", False), ("fred@example.net", None),
    ("<ann@example.org,fred@example.net>", False), ("<fred@example.net> <ann@example.org>", False),
]
SENDERS = ["<eve@example.com>", "<>", "<ann@example.org>", "<nobody@example.org>"]
DOORS = {"25": (1, False, False), "25 with TLS": (1, True, False), "587": (2, True, False), "465": (3, False, True)}


class Client:
    def __init__(self, port, implicit):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        if implicit:
            self.wrap()
        self.lines = self.socket.makefile("rb")

    def wrap(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.lines = self.socket.makefile("rb")

    def reply(self):
        while line := self.lines.readline():
            if line[3:4] != b"-":
                return line.decode().strip()
        return "closed"

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()


for name, (port, starts, implicit) in DOORS.items():
    for form, is_address in FORMS:
        client = Client(int(sys.argv[port]), implicit)
        assert client.reply().startswith("220 ")
        assert client.ask("EHLO client.example.com").startswith("250 ")
        if starts:
            assert client.ask("STARTTLS").startswith("220 ")
            client.wrap()
            assert client.ask("EHLO client.example.com").startswith("250 ")
        for sender in SENDERS:
            client.ask(f"MAIL FROM:{sender}")
            recipient = client.ask(f"RCPT TO:{form}")
            data = client.ask("DATA")
            if data.startswith("354 "):
                data = client.ask("Subject: relayed\r\n\r\nhello\r\n.")
            client.ask("RSET")
            print(name, sender, form.replace("\t", "TAB"), is_address, recipient, data, sep="\t", flush=True)
        client.socket.close()
