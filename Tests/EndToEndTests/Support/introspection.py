# SPDX-License-Identifier: Apache-2.0
"""An authorization server that only tells whose tokens are (RFC 7662): those of the command line, as TOKEN=JSON."""
import argparse, base64, http.server, os, urllib.parse

parser = argparse.ArgumentParser()
parser.add_argument("--folder", required=True)
parser.add_argument("--client", required=True, help="ID:SECRET")
parser.add_argument("tokens", nargs="*")
arguments = parser.parse_args()
tokens = dict(token.split("=", 1) for token in arguments.tokens)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        client = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        form = urllib.parse.parse_qs(body, strict_parsing=True)
        status, answer = 200, tokens.get(form["token"][0], '{"active": false}').encode()
        if ":".join(urllib.parse.unquote(part) for part in client.split(":")) != arguments.client:
            status, answer = 401, b'{"error": "invalid_client"}'
        elif self.path != "/introspect?realm=test":
            status, answer = 404, b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(answer), 7):
            part = answer[start:start + 7]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(arguments.folder, "port.tmp"), "w") as file:
    file.write(str(server.server_port))
os.rename(os.path.join(arguments.folder, "port.tmp"), os.path.join(arguments.folder, "port"))
server.serve_forever()
