#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Talks to a server as a proxy at 127.0.0.2 does for a client at 203.0.113.9: prints what the server says.

    proxied.py PORT CERTIFICATE [LINE ...]

With TLS from the first octet if there is the name of a file with the server's certificate, and not an empty one. Each line is sent after something has come; then it waits for the end, or for a second.
"""
import socket
import ssl
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=("127.0.0.2", 0), timeout=20) as connection:
    addresses = bytes([203, 0, 113, 9, 192, 0, 2, 1, 0x10, 0xE1, 0, 25])
    connection.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + addresses)
    if sys.argv[2]:
        connection = ssl.create_default_context(cafile=sys.argv[2]).wrap_socket(connection, server_hostname="localhost")
    print(connection.recv(1000).decode(), end="")
    for line in sys.argv[3:]:
        connection.sendall(line.encode() + b"\r\n")
        print(connection.recv(1000).decode(), end="")
    connection.settimeout(1)
    try:
        while octets := connection.recv(1000):
            print(octets.decode(), end="")
    except TimeoutError:
        pass
