#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Three servers of ours, Debian's Postfix and Debian's Exim send each other mail, by names of a signed zone.

    exchange.py [messages for each pair] [seed]

Each message must arrive once, under TLS, with the octets of its body; what we sign, Exim and dkimpy find good. Then to
servers whose TLS, DANE or MTA-STS is in order or broken, and reports about that to web servers.
"""
import base64
import collections
import functools
import gzip
import hashlib
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import smtplib
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import dkim

from isolation import ROOT, isolate, with_mail_servers

PROGRAM = ROOT / ".build/debug/letterhouse"
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 2
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
PASSWORD = "a secret of all users"


def run(*words, text=None, **more):
    done = subprocess.run([str(word) for word in words], input=text, text=True, capture_output=True, **more)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}"
    return done.stdout


def eventually(what, probe, limit=60, pause=0.05):
    end = time.monotonic() + limit
    while not (result := probe()):
        assert time.monotonic() < end, f"not within {limit} s: {what() if callable(what) else what}"
        time.sleep(pause)
    return result


def listens(address, port=25):
    try:
        with socket.create_connection((address, port), timeout=10) as connection:
            return connection.recv(100).startswith(b"220")
    except OSError:
        return False


# MARK: Names and certificates

class Names:
    """The zone example., signed, at 127.0.0.1; and bogus.example., whose signatures are of a key that example. does not know."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.records = []
        self.bogus = []
        self.keys = {zone: self.make_keys(zone) for zone in ("example", "bogus.example")}
        self.anchor = folder / "anchor"
        self.anchor.write_text((folder / f"{self.keys['example'][1]}.key").read_text())

    def make_keys(self, zone):
        """Names of the files of a zone's two keys; the second one signs the first, and is for the parent zone."""
        return [run("ldns-keygen", "-a", "ECDSAP256SHA256", *more, zone, cwd=self.folder).strip() for more in ([], ["-k"])]

    def add(self, *lines):
        self.records += lines

    def add_bogus(self, *lines):
        self.bogus += lines

    def text(self, name):
        """The TXT record of a name, for dkimpy."""
        name = name.decode().rstrip(".") + "."
        for line in self.records:
            owner, _, rest = line.partition(" TXT ")
            if rest and owner == name:
                return "".join(re.findall(r'"([^"]*)"', rest)).encode()
        return None

    def sign(self, zone, lines):
        """Writes and signs a zone."""
        path = self.folder / zone
        path.write_text("\n".join([f"$ORIGIN {zone}.", "$TTL 60", "@ SOA ns.example. admin.example. 1 60 60 60 60",
                                   "@ NS ns.example.", *lines, ""]))
        run("ldns-signzone", "-n", zone, *self.keys[zone], cwd=self.folder)

    def serve(self):
        self.sign("bogus.example", self.bogus)
        # Its parent vouches for a key that is another's.
        strange = self.make_keys("bogus.example")[1]
        ds = (self.folder / f"{strange}.ds").read_text().strip()
        self.sign("example", ["ns A 127.0.0.1", "bogus.example. NS ns.example.", ds, *self.records])
        configuration = self.folder / "nsd.conf"
        configuration.write_text(f"""
server:
  ip-address: 127.0.0.1@53
  do-ip6: no
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  database: ""
  pidfile: "{self.folder}/nsd.pid"
  xfrdfile: "{self.folder}/xfrd.state"
  zonelistfile: "{self.folder}/zone.list"
  cookie-secret-file: "{self.folder}/cookies"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "example"
  zonefile: "example.signed"
zone:
  name: "bogus.example"
  zonefile: "bogus.example.signed"
""")
        log = (self.folder / "log").open("wb")
        subprocess.Popen(["nsd", "-d", "-c", configuration], stdout=log, stderr=log)

        def answers():
            try:
                socket.create_connection(("127.0.0.1", 53)).close()
                return True
            except OSError:
                return False
        eventually("the name server answers", answers)


class Authority:
    """Certificates, of one authority or of nobody."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o755)
        self.certificate = folder / "authority.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=an authority", "-keyout", folder / "authority.key", "-out", self.certificate)

    @functools.cache
    def issue(self, name):
        """Files with the certificate of a name, and its key."""
        certificate, key, request = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "request"))
        extensions = self.folder / f"{name}.extensions"
        extensions.write_text(f"subjectAltName=DNS:{name}\n")
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            f"/CN={name}", "-keyout", key, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "authority.key",
            "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", certificate)
        key.chmod(0o644)
        return certificate, key

    def chain(self, name):
        """A file with the certificate of a name, and then the authority's."""
        path = self.folder / f"{name}.chain"
        path.write_text(self.issue(name)[0].read_text() + self.certificate.read_text())
        return path

    def digest(self, certificate):
        """What a TLSA record 3 1 1 or 2 1 1 has of it."""
        public = run("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
        der = base64.b64decode("".join(public.splitlines()[1:-1]))
        return hashlib.sha256(der).hexdigest()


# MARK: Servers

class Server:
    """A mail server of its own domain, at an address of its own."""

    def __init__(self, folder, name, address, authority, names):
        self.folder = folder / name
        self.folder.mkdir(mode=0o755)
        self.domain, self.host, self.address = f"{name}.example", f"mx.{name}.example", address
        self.certificate, self.key = authority.issue(self.host)
        self.log = self.folder / "log"
        # Postfix takes only addresses that an interface has.
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
        names.add(f"{self.domain}. MX 10 {self.host}.", f"{self.host}. A {address}",
                  f"_25._tcp.{self.host}. TLSA 3 1 1 {authority.digest(self.certificate)}",
                  f'{self.domain}. TXT "v=spf1 ip4:127.0.0.0/8 -all"')

    def spawn(self, *words, **more):
        log = self.log.open("ab")
        return subprocess.Popen([str(word) for word in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL, **more)

    def submit(self, recipient, octets):
        """Hands a message over, as one of the server's users."""
        with smtplib.SMTP(self.address, 25) as client:
            client.sendmail(f"user@{self.domain}", [recipient], octets, ["BODY=8BITMIME"])

    def maildir(self):
        files = [path for kind in ("new", "cur") for path in (self.folder / "mail" / kind).glob("*")]
        return [path.read_bytes().replace(b"\n", b"\r\n") for path in files]


class Ours(Server):
    def configure(self, names, authority):
        (self.folder / "data").mkdir(mode=0o700)
        self.settings = self.folder / "letterhouse.yaml"
        self.settings.write_text(f"""
hostname: {self.host}
data: {self.folder}/data
tls:
  certificate: {self.certificate}
  key: {self.key}
listen:
  smtp: ["{self.address}:25"]
  submission: ["{self.address}:587"]
  submissions: []
  imap: ["{self.address}:143"]
  imaps: []
  http: []
senders:
  exempt: []
relay:
  resolver: 127.0.0.1@53
  trust-anchor: {names.anchor}
  allow-private-addresses: true
  retry-after: 1s
""")
        self.authority = authority
        self.command("domain", "add", self.domain)
        self.command("account", "add", f"user@{self.domain}", text=PASSWORD + "\n")
        for algorithm in ("rsa", "ed25519"):
            self.command("dkim", "add", self.domain, "--selector", "key", "--algorithm", algorithm)
            self.command("dkim", "start", self.domain, f"key-{algorithm}")
        # The records are written for the domain's own zone file.
        records = self.command("dkim", "show", self.domain)
        for owner, text in re.findall(r"^(\S+_domainkey\S*)[^(\"]*(\([^)]*\)|\"[^\n]*)", records, re.MULTILINE):
            quoted = " ".join(re.findall(r'"[^"]*"', text))
            name = owner if owner.endswith(".") else f"{owner}.{self.domain}."
            names.add(f"{name} TXT {quoted}")
        names.add(f'_dmarc.{self.domain}. TXT "v=DMARC1; p=reject; adkim=s"')

    def command(self, *words, text=None):
        return run(PROGRAM, *words, "--config", self.settings, text=text)

    def start(self):
        self.process = self.spawn(PROGRAM, "serve", "--config", self.settings,
                                  env=os.environ | {"SSL_CERT_FILE": str(self.authority.certificate)})
        eventually(f"{self.host} answers", lambda: listens(self.address))

    def submit(self, recipient, octets):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        with smtplib.SMTP(self.address, 587) as client:
            client._host = self.host
            client.starttls(context=context)
            client.login(f"user@{self.domain}", PASSWORD)
            client.sendmail(f"user@{self.domain}", [recipient], octets, ["BODY=8BITMIME"])

    def messages(self):
        """All that is in INBOX."""
        found = []
        with socket.create_connection((self.address, 143), timeout=60) as connection:
            context = ssl.create_default_context(cafile=self.authority.certificate)
            connection.sendall(b"a STARTTLS\r\n")
            greeting = b""
            while b"a OK" not in greeting:
                greeting += connection.recv(4096)
            with context.wrap_socket(connection, server_hostname=self.host) as secure:
                secure.sendall(f'b LOGIN user@{self.domain} "{PASSWORD}"\r\nc EXAMINE INBOX\r\n'
                               "d UID FETCH 1:* (BODY.PEEK[])\r\n".encode())
                lines = secure.makefile("rb")
                while not (line := lines.readline()).startswith(b"d "):
                    assert line, "the server hung up"
                    if literal := re.search(rb"\{(\d+)\}\r\n$", line):
                        found.append(lines.read(int(literal[1])))
        return found

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0, self.log.read_text()[-2000:]
        self.command("verify")


class Postfix(Server):
    """Debian's, with what is not its default."""

    def start(self):
        shutil.chown("/var/lib/postfix", "postfix", "postfix")
        shutil.copy("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
        mail = self.folder / "mail"
        for kind in ("new", "cur", "tmp"):
            (mail / kind).mkdir(parents=True)
        run("chown", "-R", "nobody:nogroup", mail)
        pathlib.Path("/etc/postfix/main.cf").write_text(f"""
compatibility_level = 3.6
myhostname = {self.host}
mydestination =
inet_interfaces = {self.address}
inet_protocols = ipv4
smtp_bind_address = {self.address}
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
virtual_mailbox_domains = {self.domain}
virtual_mailbox_base = {self.folder}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:{os.stat(mail).st_uid}
virtual_gid_maps = static:{os.stat(mail).st_gid}
virtual_minimum_uid = 1
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_cert_file = {self.certificate}
smtpd_tls_key_file = {self.key}
smtpd_tls_session_cache_database =
smtp_tls_session_cache_database =
minimal_backoff_time = 1s
queue_run_delay = 1s
maillog_file = /dev/stdout
""")
        run("postconf", "-F", "*/*/chroot=n")
        self.spawn("postfix", "start-fg")
        eventually(lambda: f"Postfix answers\n{self.log.read_text()}", lambda: listens(self.address))

    messages = Server.maildir


class Exim(Server):
    """Debian's, with a configuration of few lines."""

    def start(self):
        mail, spool = self.folder / "mail", self.folder / "spool"
        mail.mkdir()
        spool.mkdir(mode=0o750)
        run("chown", "nobody:nogroup", mail)
        run("chown", "Debian-exim:Debian-exim", spool)
        configuration = pathlib.Path("/etc/exim4/exim4.conf")
        configuration.parent.mkdir(exist_ok=True)
        configuration.write_text(f"""
primary_hostname = {self.host}
spool_directory = {spool}
log_file_path = {spool}/%slog
log_selector = +tls_cipher +smtp_confirmation
local_interfaces = {self.address}
daemon_smtp_ports = 25
disable_ipv6 = true
tls_advertise_hosts = *
tls_certificate = {self.certificate}
tls_privatekey = {self.key}
acl_smtp_rcpt = recipients
acl_smtp_dkim = signatures
acl_smtp_data = content
begin acl
recipients:
  accept
signatures:
  accept add_header = X-Signature: $dkim_verify_status $dkim_cur_signer $dkim_algo
content:
  accept
begin routers
here:
  driver = accept
  domains = {self.domain}
  transport = mailbox
elsewhere:
  driver = dnslookup
  transport = relay
  no_more
begin transports
mailbox:
  driver = appendfile
  directory = {mail}
  maildir_format
  user = nobody
  group = nogroup
relay:
  driver = smtp
  interface = {self.address}
begin retry
* * F,1h,2s
""")
        self.log = self.folder / "log"
        self.spawn("exim4", "-bdf", "-q2s")
        eventually(lambda: f"Exim answers\n{self.log.read_text()}", lambda: listens(self.address))

    messages = Server.maildir


# MARK: Messages

def body(chance, longest=998):
    """Lines of what breaks bodies: dots, white space at ends, octets above 127, nothing, as long as they may be."""
    def line():
        kind = chance.randrange(8)
        if kind == 0:
            return b"." * chance.randint(1, 4)
        if kind == 1:
            return b""
        if kind == 2:
            return b"From here " + b" " * chance.randint(0, 3) + b"\t"
        if kind == 3:
            return "Ünïcode — ✉".encode()
        if kind == 4:
            return b"x" * longest
        return bytes(chance.choice(b" abcdefghijklmnopqrstuvwxyz.,=%-\t") for _ in range(chance.randint(1, 200)))
    return b"".join(line() + b"\r\n" for _ in range(chance.choice([1, 2, 10, 50]))) if chance.random() < 0.9 else b""


class Exchange:
    def __init__(self, chance):
        self.chance = chance
        self.sent = {}

    def message(self, sender, recipient):
        name = f"{sender}-to-{recipient}-{len(self.sent)}"
        # Postfix breaks lines that are longer than RFC 5321 allows, and a signature with them; we do not.
        octets = body(self.chance, 998 if {"p", "x"} & {sender, recipient} else 5000)
        self.sent[name] = (sender, recipient, octets)
        header = (f"From: Somebody <user@{sender}.example>\r\nTo: user@{recipient}.example\r\nSubject: {name}\r\n"
                  f"Date: Sun, 29 Nov 2026 20:00:00 +0000\r\nMessage-ID: <{name}@{sender}.example>\r\n"
                  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")
        return header.encode() + b"\r\n" + octets


def subject(octets):
    return re.search(rb"^Subject: (.*)\r$", octets, re.MULTILINE)[1].decode()


def unfold(octets):
    return re.sub(rb"\r\n[ \t]+", b" ", octets.partition(b"\r\n\r\n")[0])


def all_pairs(servers, names, chance):
    """Everybody writes to everybody; the faults.

    Ours must have asked for the certificate that the other's TLSA record names: each of them has one.
    """
    exchange = Exchange(chance)
    wrong = []
    for sender, server in servers.items():
        for recipient in servers:
            for _ in range(COUNT if sender != recipient else 0):
                server.submit(f"user@{recipient}.example", exchange.message(sender, recipient))

    def arrived():
        return sum(len(server.messages()) for server in servers.values()) >= len(exchange.sent)
    try:
        eventually("all messages arrive", arrived, pause=0.3)
    except AssertionError as error:
        wrong.append(str(error))
    # Who sends twice does so soon.
    time.sleep(0.5)
    signatures = 0
    for recipient, server in servers.items():
        found = collections.Counter()
        for octets in server.messages():
            name = subject(octets)
            if name not in exchange.sent:
                wrong.append(f"at {recipient}: {octets}")
                continue
            found[name] += 1
            sender, expected, content = exchange.sent[name]
            header = unfold(octets)
            if recipient != expected:
                wrong.append(f"{name} came to {recipient}")
            if octets.partition(b"\r\n\r\n")[2] != content:
                wrong.append(f"{name}: another body: {octets!r} for {content!r}")
            last_hop = (re.findall(rb"^Received: .*$", header, re.MULTILINE) or [header])[0]
            if not re.search(rb"with (ESMTPS|esmtps)\b", last_hop):
                wrong.append(f"{name}: not under TLS: {last_hop}")
            if isinstance(servers[sender], Ours):
                if not all(dkim.DKIM(octets).verify(index, dnsfunc=lambda name, timeout=5: names.text(name))
                           for index in range(2)):
                    wrong.append(f"{name}: dkimpy does not take our signatures")
                signatures += 2
                if isinstance(server, Exim) and len(re.findall(rb"^X-Signature: pass ", header, re.MULTILINE)) != 2:
                    wrong.append(f"{name}: Exim does not take our signatures: {header}")
                if isinstance(server, Ours):
                    results = (re.findall(rb"^Authentication-Results: .*$", header, re.MULTILINE) or [header])[0]
                    if results.count(b" dkim=pass ") != 2 or b" spf=pass " not in results or b" dmarc=pass " not in results:
                        wrong.append(f"{name}: we do not take our signatures: {results}")
        for name, (_, expected, _) in exchange.sent.items():
            if expected == recipient and found[name] != 1:
                wrong.append(f"{name}: {found[name]} times")
    verified = 0
    for name, (sender, recipient, _) in exchange.sent.items():
        if isinstance(servers[sender], Ours):
            story = servers[sender].command("trace", f"<{name}@{sender}.example>")
            if re.search(rf"mx\.{recipient}\.example .*verified by DANE", story):
                verified += 1
            else:
                wrong.append(f"{name}: not verified by DANE: {story}")
    print(f"exchange: {len(exchange.sent)} messages between {len(servers)} servers, {verified} verified by DANE, "
          f"{signatures} signatures, {len(wrong)} faults", flush=True)
    return wrong


# MARK: Servers in order and broken

class Peer(socketserver.StreamRequestHandler):
    """What a server does with STARTTLS, its name says; notes each message, and whether it came under TLS."""

    def handle(self):
        try:
            self.talk()
        except OSError:
            pass

    def say(self, text):
        self.wfile.write(text + b"\r\n")

    def talk(self):
        case = self.server.case
        secure = False
        self.say(b"220 peer")
        while line := self.rfile.readline():
            verb = line.split()[0].upper()
            if verb == b"EHLO":
                self.say(b"250 peer" if secure or case.tls == "none" else b"250-peer\r\n250 STARTTLS")
            elif verb == b"STARTTLS" and case.tls == "refused":
                self.say(b"454 4.7.0 not now")
            elif verb == b"STARTTLS":
                self.say(b"220 go on" + (b"\r\n250 peer" if case.tls == "injected" else b""))
                if case.tls == "garbage":
                    self.connection.recv(1)
                    self.wfile.write(b"\x15\x03\x01 this is no handshake\r\n" * 20)
                    return
                if case.tls == "hangs up":
                    return
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*case.certificate)
                self.connection = context.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                secure = True
            elif verb == b"DATA":
                self.say(b"354 go on")
                content = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    if not line:
                        return
                    content += line[1:] if line.startswith(b".") else line
                case.got.append((secure, content))
                self.say(b"250 kept")
                if case.resets:
                    return self.reset()
            elif verb == b"QUIT":
                return self.say(b"221 bye")
            else:
                if verb == b"MAIL":
                    case.begun.append(secure)
                self.say(b"250 ok")


    def reset(self):
        """Breaks the connection off, without another word."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for file in (self.rfile, self.wfile, self.connection):
            file.close()


class PeerServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


class WebServer(http.server.ThreadingHTTPServer):
    """Speaks HTTPS, under certificates for one name."""

    daemon_threads = True

    def __init__(self, address, handler, identity):
        super().__init__((address, 443), handler)
        # How often somebody has connected.
        self.count = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*identity)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        self.count += 1
        return super().get_request()

    def handle_error(self, *_):
        pass


class Page(http.server.BaseHTTPRequestHandler):
    def answer(self, status, text="", **fields):
        self.send_response(status)
        for name, value in ({"Content-Type": "text/plain", "Content-Length": str(len(text))} | fields).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Policy(Page):
    """The policy of a case, or where else it is."""

    def do_GET(self):
        case = self.server.case
        case.asked += 1
        if self.path == "/.well-known/mta-sts.txt" and case.redirects:
            self.answer(301, Location=f"https://{case.web}/elsewhere.txt")
        elif self.path in ("/.well-known/mta-sts.txt", "/elsewhere.txt"):
            self.answer(200, case.policy)
        else:
            self.answer(404)


class Case:
    """A domain whose server's TLS is so, and what must become of mail for it: tls, clear, or held.

    Its TLSA record is of its own certificate (good), of none that there is (wrong), or of the authority's (authority), which
    the server shows too unless it is to be without a chain. Of several messages each comes by a connection of its own, which
    is reset behind the last reply.
    """

    def __init__(self, name, expected, tls="good", certificate=None, dane=None, has_chain=True, policy=None, web=None,
                 zone="example", count=1, redirects=False):
        self.name, self.expected, self.tls = name, expected, tls
        self.domain = f"{name}.{zone}"
        self.host = f"mx.{self.domain}"
        self.of = (certificate or "HOST").replace("HOST", self.host).replace("DOMAIN", self.domain)
        self.dane, self.has_chain, self.zone = dane, has_chain, zone
        self.policy = policy and "\r\n".join(["version: STSv1", *policy, "max_age: 86400", ""]).replace("MX", self.host)
        self.web = web or f"mta-sts.{self.domain}"
        self.count, self.resets = count, count > 1
        self.redirects = redirects
        self.got, self.begun, self.asked = [], [], 0

    def serve(self, number, authority, names):
        self.certificate = authority.issue(self.of)
        address = f"127.0.2.{number}"
        records = [f"{self.domain}. MX 10 {self.host}.", f"{self.host}. A {address}"]
        if self.dane == "authority":
            records.append(f"_25._tcp.{self.host}. TLSA 2 1 1 {authority.digest(authority.certificate)}")
            if self.has_chain:
                self.certificate = authority.chain(self.of), self.certificate[1]
        elif self.dane:
            digest = authority.digest(self.certificate[0])
            records.append(f"_25._tcp.{self.host}. TLSA 3 1 1 {digest if self.dane == 'good' else digest[::-1]}")
        if self.policy:
            records += [f'_mta-sts.{self.domain}. TXT "v=STSv1; id=1"', f"mta-sts.{self.domain}. A {address}"]
            WebServer(address, Policy, authority.issue(self.web)).case = self
        (names.add if self.zone == "example" else names.add_bogus)(*records)
        server = PeerServer((address, 25), Peer)
        server.case = self
        threading.Thread(target=server.serve_forever, daemon=True).start()


def cases():
    yield Case("orderly", "tls")
    yield Case("anybody", "tls", certificate="elsewhere.example")
    yield Case("plain", "clear", tls="none")
    yield Case("refused", "clear", tls="refused")
    yield Case("garbage", "clear", tls="garbage")
    yield Case("hangs-up", "clear", tls="hangs up")
    # What is accepted is not sent again, though nobody waits for QUIT.
    yield Case("resets", "tls", count=10)
    yield Case("resets-plain", "clear", tls="none", count=10)
    # Replies in clear text, to be taken for what is said under TLS.
    yield Case("injected", "held", tls="injected")

    yield Case("dane", "tls", dane="good")
    yield Case("dane-other-name", "tls", dane="good", certificate="elsewhere.example")
    yield Case("dane-wrong", "held", dane="wrong")
    yield Case("dane-plain", "held", dane="good", tls="none")
    yield Case("dane-refused", "held", dane="good", tls="refused")
    yield Case("dane-garbage", "held", dane="good", tls="garbage")
    # Nothing of such a zone can be believed.
    yield Case("dane-forged", "held", dane="good", zone="bogus.example")
    yield Case("forged", "held", zone="bogus.example")
    # An authority's word counts for the name of the host, and of the domain (RFC 7672 §3.2.2).
    yield Case("dane-authority", "tls", dane="authority")
    yield Case("dane-authority-domain", "tls", dane="authority", certificate="DOMAIN")
    yield Case("dane-authority-name", "held", dane="authority", certificate="elsewhere.example")
    # Nobody knows then whose key the record is of.
    yield Case("dane-authority-alone", "held", dane="authority", has_chain=False)

    enforce = ["mode: enforce", "mx: MX"]
    yield Case("sts", "tls", policy=enforce)
    yield Case("sts-certificate", "held", policy=enforce, certificate="elsewhere.example")
    yield Case("sts-plain", "held", policy=enforce, tls="none")
    yield Case("sts-refused", "held", policy=enforce, tls="refused")
    yield Case("sts-other", "held", policy=["mode: enforce", "mx: other.example"])
    yield Case("sts-testing", "tls", policy=["mode: testing", "mx: other.example"], certificate="elsewhere.example")
    yield Case("sts-none", "clear", policy=["mode: none"], tls="none")
    # Who cannot prove to be the policy's host has none (RFC 8461 §3.3).
    yield Case("sts-web", "clear", policy=enforce, web="elsewhere.example", tls="none")
    # Nor who says that it is elsewhere.
    yield Case("sts-elsewhere", "clear", policy=enforce, tls="none", redirects=True)


def in_order_and_broken(server, peers, chance):
    """One server of ours writes to all of them; the faults."""
    sent = {}
    for case in peers:
        octets = body(chance)
        sent[case.name] = octets
        header = (f"From: user@{server.domain}\r\nSubject: {case.name}\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
        for _ in range(case.count):
            server.submit(f"user@{case.domain}", header.encode() + octets)

    def settled():
        waiting = {}
        for entry in json.loads(server.command("queue", "list", "--json")):
            waiting[entry["recipients"][0]["address"]] = entry["recipients"][0]["attempts"]

        def is_settled(case):
            address = f"user@{case.domain}"
            # Twice, for the second time is as the first.
            return waiting.get(address, 0) >= 2 if case.expected == "held" else case.got and address not in waiting
        return all(is_settled(case) for case in peers)
    wrong = []
    try:
        eventually("every message has arrived, or been tried twice", settled, pause=0.3)
    except AssertionError as error:
        wrong += [str(error), server.command("queue", "list")]
    for case in peers:
        got = [secure for secure, _ in case.got]
        if got != {"tls": [True], "clear": [False], "held": []}[case.expected] * case.count:
            wrong.append(f"{case.name}: not {case.expected}, but {['under TLS' if secure else 'in clear' for secure in got]}")
        if case.expected == "held" and case.begun:
            wrong.append(f"{case.name}: a message was begun")
        if any(content.partition(b"\r\n\r\n")[2] != sent[case.name] for _, content in case.got):
            wrong.append(f"{case.name}: another body")
        if case.policy and case.web.startswith("mta-sts.") and not case.asked:
            wrong.append(f"{case.name}: nobody asked for the policy")
        if case.redirects and case.asked != 1:
            wrong.append(f"{case.name}: asked {case.asked} times")
    print(f"exchange: {len(peers)} servers in order and broken, {len(wrong)} faults", flush=True)
    return wrong


# MARK: Reports for web servers

class Inbox(Page):
    """Takes reports, or says that somebody else does; notes where they came."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], gzip.decompress(body)))
        if self.path == "/moved":
            self.answer(307, Location="https://reports.example/elsewhere")
        else:
            self.answer(200)

    def do_GET(self):
        self.server.got.append((self.path, "", b""))
        self.answer(200)


class ReportServers:
    """Two web servers at addresses that are the public network's, here on the loopback interface; and a private one."""

    ADDRESSES = {"reports": "5.5.5.5", "moved": "5.5.5.6", "private": "127.0.5.1"}

    def __init__(self, authority, names):
        self.servers = {}
        for name, address in self.ADDRESSES.items():
            run("ip", "address", "add", f"{address}/32", "dev", "lo")
            names.add(f"{name}.example. A {address}")
            self.servers[name] = WebServer(address, Inbox, authority.issue(f"{name}.example"))
            self.servers[name].got = []
        for name, url in [("orderly", "https://reports.example/taken"), ("anybody", "https://moved.example/moved"),
                          ("plain", "https://private.example/"), ("refused", f"https://{self.ADDRESSES['private']}/")]:
            names.add(f'_smtp._tls.{name}.example. TXT "v=TLSRPTv1; rua={url}"')

    def receive(self, server):
        """What was counted is told to those who may be told; the faults."""
        said = server.command("reports", "send")
        wrong = [] if said == "1 report is sent.\n" else [said]
        got = [entry for server in self.servers.values() for entry in server.got]
        paths = [path for path, _, _ in got]
        if paths != ["/taken", "/moved"]:
            wrong.append(f"reports came to {paths}")
        for path, kind, text in got:
            report = json.loads(text)
            domain = {"/taken": "orderly.example", "/moved": "anybody.example"}.get(path)
            if kind != "application/tlsrpt+gzip" or report["policies"][0]["policy"]["policy-domain"] != domain:
                wrong.append(f"not a report about {domain}: {kind} {report}")
        if count := self.servers["private"].count:
            wrong.append(f"{count} connections to a private address")
        print(f"exchange: {len(got)} reports posted, {len(wrong)} faults", flush=True)
        return wrong


def main():
    if os.geteuid() != 0:
        # They change to users of their own.
        os.execvp("sudo", ["sudo", sys.executable, *sys.argv])
    isolate()
    with_mail_servers()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        pathlib.Path("/etc/resolv.conf").unlink(missing_ok=True)
        pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1\n")
        chance = random.Random(SEED)
        authority, names = Authority(folder / "authority"), Names(folder / "names")
        servers = {}
        for number, (server, kind) in enumerate([("a", Ours), ("b", Ours), ("c", Ours), ("p", Postfix), ("x", Exim)]):
            servers[server] = kind(folder, server, f"127.0.1.{number + 1}", authority, names)
        for server in servers.values():
            if isinstance(server, Ours):
                server.configure(names, authority)
        peers = list(cases())
        assert len(peers) == 30, "a case is no longer tried, or this number is to be another"
        for number, case in enumerate(peers):
            case.serve(number + 1, authority, names)
        reports = ReportServers(authority, names)
        names.serve()
        for server in servers.values():
            server.start()
        wrong = all_pairs(servers, names, chance) + in_order_and_broken(servers["a"], peers, chance)
        wrong += reports.receive(servers["a"])
        for server in servers.values():
            if isinstance(server, Ours):
                server.stop()
        print("\n".join(wrong), end="\n" if wrong else "")
        if "-v" in sys.argv:
            for server in servers.values():
                print(server.domain, server.log.read_text()[-3000:])
            for log in (folder / "x/spool").glob("*log"):
                print(log.read_text())
        sys.exit(1 if wrong else 0)


main()
