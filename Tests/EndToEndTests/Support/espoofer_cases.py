# SPDX-License-Identifier: Apache-2.0
"""Sends the cases of espoofer (https://github.com/chenjj/espoofer) to a server, and tells how each ended.

    espoofer_cases.py server PORT KEY           mail from attack.example, whose DKIM key KEY is, in the name of legitimate.example
    espoofer_cases.py client PORT PASSWORD      mail that ann@example.org submits in the name of bob@example.org

Writes a line for each: the case, and the reply to the last command that was answered. The last line is of a message that is in
nobody else's name.
"""
import base64
import pathlib
import smtplib
import socket
import ssl
import sys

import espoofer  # which adds its own folder to the path

sys.path.insert(0, str(pathlib.Path(espoofer.__file__).parent))
import dkim  # noqa: E402
from common.common import recursive_fixup  # noqa: E402
from testcases import test_cases  # noqa: E402

kind, port, secret = sys.argv[1], int(sys.argv[2]), sys.argv[3]
names = {
    "server": [(b"victim@victim.com", b"ann@example.org"), (b"attack.com", b"attack.example"),
               (b"legitimate.com", b"legitimate.example")],
    "client": [(b"victim@victim.com", b"carol@example.org"), (b"attacker@example.com", b"ann@example.org"),
               (b"admin@example.com", b"bob@example.org")],
}[kind]
# One case has it in an encoded word.
names.append((base64.b64encode(b"<admin@legitimate.com>"), base64.b64encode(b"<admin@legitimate.example>")))


def content(case):
    data = case["data"]
    signature = b""
    if "dkim_para" in case:
        tags = case["dkim_para"]
        signer = dkim.DKIM(tags["sign_header"] + b"\r\n\r\n" + data["body"])
        signature = signer.sign(tags["s"], tags["d"], pathlib.Path(secret).read_bytes(), include_headers=[b"from"],
                                canonicalize=(b"simple", b"relaxed")).strip() + b"\r\n"
    return (data["from_header"] + signature + data["to_header"] + data["subject_header"] + data["other_headers"]
            + data["body"])


def send(case):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        replies = connection.makefile("rb")

        def reply():
            while line := replies.readline():
                if line[3:4] != b"-":
                    return line.decode().strip()
            return "closed"

        reply()
        for line in (b"EHLO " + case["helo"], b"MAIL FROM:" + case["mailfrom"], b"RCPT TO:" + case["rcptto"], b"DATA"):
            connection.sendall(line + b"\r\n")
            answer = reply()
            if answer[0] not in "23":
                return answer
        connection.sendall(content(case) + b".\r\n")
        return reply()


def submit(case):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.starttls(context=context)
        client.login("ann@example.org", secret)
        client.docmd("MAIL", "FROM:" + case["mailfrom"].decode())
        client.docmd("RCPT", "TO:" + case["rcptto"].decode())
        client.docmd("DATA")
        client.sock.sendall(content(case) + b".\r\n")
        code, text = client.getreply()
        return f"{code} {text.decode()}"


def control():
    """One of the cases, without what is wrong with it."""
    case = test_cases[{"server": "server_a4", "client": "client_a1"}[kind]]
    domain = {"server": b"attack.com", "client": b"example.com"}[kind]
    sender = b"<attacker@" + domain + b">"
    case = case | {"helo": domain, "mailfrom": sender, "data": case["data"] | {"from_header": b"From: " + sender + b"\r\n"}}
    if kind == "server":
        case["dkim_para"] = {"d": domain, "s": b"selector", "sign_header": b"From: " + sender}
    return case


cases = {name: case for name, case in test_cases.items() if name.startswith(kind)} | {f"{kind}_control": control()}
for name, case in cases.items():
    for old, new in names:
        case = recursive_fixup(case, old, new)
    print(name, (send if kind == "server" else submit)(case), flush=True)
