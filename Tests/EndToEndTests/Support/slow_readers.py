# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for all messages and take none. Usage: slow_readers.py PORT imap|imaps COUNT USER PASSWORD."""
import socket
import ssl
import sys
import time

port, service, count, user, password = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
context = ssl._create_unverified_context()
clients = []
for number in range(count):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    if service == "imaps":
        client = context.wrap_socket(client)
    client.sendall(f'a LOGIN {user} "{password}"\r\nb SELECT INBOX\r\n'.encode())
    answer = b""
    while b"\r\nb OK" not in answer:
        answer += client.recv(4096)
    client.sendall(b"c FETCH 1:* (UID BODY.PEEK[])\r\nd UID FETCH 1:* (BODY.PEEK[])\r\n")
    clients.append(client)
for client in clients:
    assert client.recv(10), "the server hung up"
print("all have asked", flush=True)
time.sleep(600)
