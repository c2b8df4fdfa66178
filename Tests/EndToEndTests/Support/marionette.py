# SPDX-License-Identifier: Apache-2.0
"""Mozilla's Marionette: JSON over TCP on loopback, each packet with its length before it."""
import json
import socket


class Marionette:
    """Runs JavaScript with an application's own rights."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.file = self.socket.makefile("rb")
        self.number = 0
        assert self.packet()["marionetteProtocol"] == 3
        self.command("WebDriver:NewSession", {"capabilities": {}})
        self.command("Marionette:SetContext", {"value": "chrome"})
        self.command("WebDriver:SetTimeouts", {"script": timeout * 1000})

    def packet(self):
        length = b""
        while (octet := self.file.read(1)) != b":":
            assert octet, "the application is gone"
            length += octet
        return json.loads(self.file.read(int(length)))

    def command(self, name, parameters):
        self.number += 1
        packet = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(packet), packet))
        _, number, error, result = self.packet()
        assert number == self.number
        if error:
            raise RuntimeError(f"{error['error']}: {error['message']}\n{error['stacktrace']}")
        return result

    def run(self, script, *arguments):
        """The value of a function's body; a promise is waited for."""
        return self.command("WebDriver:ExecuteScript", {
            "script": f"return (async (...args) => {{ {script} }})(...arguments);", "args": list(arguments),
            "sandbox": "system", "newSandbox": False,
        })["value"]
