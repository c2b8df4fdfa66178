#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A filter made by hand, for tests: does what a message asks for, and writes down what it was told.

usage: milter.py SOCKET LOG

The local part of a sender may be an answer to MAIL (reject, tempfail, discard, hangup, slow), that of a recipient one to RCPT.
Fields of the name X-Do say what to do at the end: `add NAME VALUE`, `insert N NAME VALUE`, `change N NAME VALUE`,
`delete N NAME`, `quarantine REASON`, `progress`, `reply TEXT`, or an answer.
"""
import json
import os
import socket
import struct
import sys
import threading
import time

ANSWERS = {"continue": b"c", "accept": b"a", "reject": b"r", "tempfail": b"t", "discard": b"d", "hangup": b"f"}


def serve(connection, log):
    stream = connection.makefile("rwb")
    told, actions, body = [], [], 0

    def say(letter, payload=b""):
        stream.write(struct.pack(">I", len(payload) + 1) + letter + payload)
        stream.flush()

    def answer(word):
        if word == "slow":
            time.sleep(60)
        say(ANSWERS.get(word, b"c"))

    while True:
        head = stream.read(4)
        if len(head) < 4:
            return
        frame = stream.read(struct.unpack(">I", head)[0])
        letter, payload = frame[:1], frame[1:]
        texts = [text.decode("utf-8", "replace") for text in payload.split(b"\0")]
        if letter == b"O":
            say(b"O", struct.pack(">III", 6, 0x31, 0x100400))
        elif letter == b"D":
            told.append("macros " + " ".join([texts[0][:1]] + [texts[0][1:]] + texts[1:]))
        elif letter in b"CHMRT":
            told.append(letter.decode() + " " + " ".join(text for text in texts if text))
            word = texts[0].strip("<>").partition("@")[0] if letter in b"MR" else ""
            answer(word)
        elif letter == b"L":
            told.append("L " + texts[0] + ":" + texts[1])
            if texts[0].lower() == "x-do":
                actions.append(texts[1].strip())
            say(b"c")
        elif letter == b"N":
            told.append("N")
            say(b"c")
        elif letter == b"B":
            body += len(payload)
            say(b"c")
        elif letter == b"E":
            told.append("E %d" % body)
            with open(log, "a") as file:
                file.write(json.dumps(told) + "\n")
            last = "continue"
            for action in actions:
                word, _, rest = action.partition(" ")
                parts = rest.split(" ")
                if word == "add":
                    say(b"h", f"{parts[0]}\0 {' '.join(parts[1:])}\0".encode())
                elif word == "insert":
                    say(b"i", struct.pack(">I", int(parts[0])) + f"{parts[1]}\0 {' '.join(parts[2:])}\0".encode())
                elif word == "change":
                    say(b"m", struct.pack(">I", int(parts[0])) + f"{parts[1]}\0 {' '.join(parts[2:])}\0".encode())
                elif word == "delete":
                    say(b"m", struct.pack(">I", int(parts[0])) + f"{parts[1]}\0\0".encode())
                elif word == "quarantine":
                    say(b"q", rest.encode() + b"\0")
                elif word == "progress":
                    say(b"p")
                elif word == "reply":
                    say(b"y", rest.encode() + b"\0")
                    last = ""
                else:
                    last = word
            if last:
                answer(last)
            told, actions, body = [], [], 0
        elif letter == b"A":
            told, actions, body = [], [], 0
        elif letter == b"Q":
            return


def main():
    path, log = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    listener.listen(100)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, log), daemon=True).start()


main()
