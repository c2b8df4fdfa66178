# SPDX-License-Identifier: Apache-2.0
"""The other side of the relay: aiosmtpd writing what it gets into a folder, one file a message."""
import argparse, asyncio, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("--folder", required=True)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
parser.add_argument("--user")
parser.add_argument("--password")
arguments = parser.parse_args()


class Folder:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        Folder.count += 1
        path = os.path.join(arguments.folder, f"{Folder.count:06}")
        with open(path + ".tmp", "wb") as file:
            file.write(f"MAIL {envelope.mail_from}\n".encode())
            for recipient in envelope.rcpt_tos:
                file.write(f"RCPT {recipient}\n".encode())
            file.write(f"TLS {session.ssl is not None} AUTH {session.authenticated}\n\n".encode())
            file.write(envelope.content)
        os.rename(path + ".tmp", path + ".eml")
        return "250 2.0.0 Kept"


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login.decode(), data.password.decode()) == (arguments.user, arguments.password)
    return AuthResult(success=right)


async def main():
    context = None
    if arguments.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments.tls)

    def make():
        return SMTP(
            Folder(), hostname="sink.example.net", enable_SMTPUTF8=True, tls_context=context,
            authenticator=authenticate if arguments.user else None, auth_required=arguments.user is not None,
            auth_require_tls=context is not None)

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", arguments.port)
    with open(os.path.join(arguments.folder, "port.tmp"), "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(os.path.join(arguments.folder, "port.tmp"), os.path.join(arguments.folder, "port"))
    await server.serve_forever()

asyncio.run(main())
