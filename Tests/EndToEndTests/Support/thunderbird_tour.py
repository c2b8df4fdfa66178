# SPDX-License-Identifier: Apache-2.0
"""What people do with Thunderbird, and what the server then has. Usage: thunderbird_tour.py PORT CERTIFICATE USER FOLDER.

The password comes on standard input; FOLDER is an empty one for the profile. INBOX has four messages, "no. 1" to "no. 4",
and Archive one whose text is in base64. Thunderbird is driven through its own windows' functions, over Marionette.
"""
import ctypes
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import time

from imapclient import IMAPClient

from marionette import Marionette

port, certificate, user, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
password = sys.stdin.readline().rstrip("\n")
profile = folder / "profile"

SETTINGS = {
    # An account, as if it had been set up by hand.
    "mail.accountmanager.accounts": "account1,account2",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.accountmanager.localfoldersserver": "server2",
    "mail.account.account1.identities": "id1",
    "mail.account.account1.server": "server1",
    "mail.account.account2.server": "server2",
    "mail.identity.id1.fullName": "Ann",
    "mail.identity.id1.useremail": user,
    "mail.identity.id1.valid": True,
    "mail.server.server1.type": "imap",
    "mail.server.server1.hostname": "127.0.0.1",
    "mail.server.server1.port": port,
    "mail.server.server1.userName": user,
    "mail.server.server1.name": user,
    "mail.server.server1.socketType": 3,
    "mail.server.server1.authMethod": 3,
    "mail.server.server1.login_at_startup": False,
    "mail.server.server2.type": "none",
    "mail.server.server2.hostname": "Local Folders",
    "mail.server.server2.userName": "nobody",
    "mail.server.server2.name": "Local Folders",
    # What it has not been asked for stays on the server.
    "mail.server.default.autosync_offline_stores": False,
    "mail.server.default.offline_download": False,
    # No questions.
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "mail.compose.autosave": False,
    # Nothing leaves this machine: not by intention, and whatever tries all the same finds a proxy that is not there.
    "app.update.auto": False,
    "app.normandy.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "mail.inappnotifications.enabled": False,
    "mailnews.auto_config.fetchFromISP.enabled": False,
    "mailnews.auto_config.fetchFromExchange.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 1,
    "network.proxy.socks": "127.0.0.1",
    "network.proxy.socks_port": 9,
    "network.proxy.socks_remote_dns": True,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "127.0.0.1",
    # The kernel chooses Marionette's port; it is told in a file.
    "marionette.port": 0,
}

PRELUDE = """
globalThis.MailServices = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs").MailServices;
globalThis.main = Services.wm.getMostRecentWindow("mail:3pane");
globalThis.server = MailServices.accounts.accounts.find(one => one.incomingServer.type == "imap").incomingServer;
globalThis.mailbox = name => server.rootFolder.descendants.find(one => one.URI.endsWith("/" + name));
globalThis.pane = main?.document.getElementById("tabmail")?.currentAbout3Pane;
globalThis.row = subject => {
    for (let index = 0; index < pane.gDBView.rowCount; index++) {
        if (pane.gDBView.getMsgHdrAt(index).mime2DecodedSubject == subject) { return index; }
    }
    return -1;
};
return !!main?.msgWindow && pane?.document.readyState == "complete" && !!pane.folderPane && !!pane.threadTree;
"""


def eventually(what, probe, limit=30):
    end = time.monotonic() + limit
    while not (result := probe()):
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.02)
    return result


class Thunderbird:
    """The program without windows on a screen, from start to end of the `with`."""

    def __enter__(self):
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in SETTINGS.items()]
        (profile / "user.js").write_text("".join(lines))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["/usr/lib/thunderbird/thunderbird", "--headless", "--marionette", "--remote-allow-system-access",
                 "--no-remote", "--profile", profile],
                env={"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL),  # with whoever started it
            )
        active = profile / "MarionetteActivePort"

        def started():
            assert self.process.poll() is None, (folder / "log").read_text()
            return active.exists() and active.read_text().strip()

        self.marionette = Marionette(int(eventually("it starts", started, limit=120)))
        self.run = self.marionette.run
        eventually("its window is ready", lambda: self.run(PRELUDE), limit=120)
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.marionette.command("Marionette:Quit", {"flags": ["eForceQuit"]})
            self.process.wait(timeout=60)
        elif self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def until(self, what, script, *arguments):
        return eventually(what, lambda: self.run(script, *arguments))

    def subjects(self):
        """What the list of messages shows."""
        return self.run("""
            const rows = [...Array(pane.gDBView?.rowCount ?? 0).keys()];
            return rows.map(index => pane.gDBView.getMsgHdrAt(index).mime2DecodedSubject).sort();
        """)

    def opens(self, name, *subjects):
        """A click on a mailbox."""
        self.run("pane.displayFolder(mailbox(args[0]).URI)", name)
        eventually(f"{name} shows {subjects}", lambda: self.subjects() == list(subjects))

    def reads(self, subject, text):
        """A click on a message."""
        self.run("pane.threadTree.selectedIndex = row(args[0])", subject)
        self.until(f"{subject} shows {text}", """
            const browser = pane.messageBrowser?.contentWindow?.getMessagePaneBrowser?.();
            return browser?.contentDocument?.body?.textContent.includes(args[0]);
        """, text)

    def does(self, command, *arguments):
        """A command of the menu, to the selected message."""
        self.run("""
            const [command, name] = args;
            pane.commandController.doCommand(command, ...name ? [mailbox(name)] : []);
        """, command, *arguments)

    def finds(self, name, text):
        """A search for a text in messages' bodies, on the server."""
        return self.run("""
            const [name, text] = args;
            const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
            session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, mailbox(name));
            const term = session.createTerm();
            term.attrib = Ci.nsMsgSearchAttrib.Body;
            term.op = Ci.nsMsgSearchOp.Contains;
            const value = term.value;
            value.attrib = term.attrib;
            value.str = text;
            term.value = value;
            session.appendTerm(term);
            const found = [];
            await new Promise((resolve, reject) => {
                session.registerListener({
                    QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
                    onNewSearch() {},
                    onSearchHit(header) { found.push(header.mime2DecodedSubject); },
                    onSearchDone(status) { Components.isSuccessCode(status) ? resolve() : reject(status); },
                });
                session.search(main.msgWindow);
            });
            return found;
        """, name, text)

    def writes(self, subject, text):
        """A new message in a window of its own."""
        self.run("""
            const [subject, text] = args;
            const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
            Object.assign(fields, { to: "friend@example.net", subject, body: text });
            const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
            parameters.composeFields = fields;
            parameters.identity = MailServices.accounts.defaultAccount.defaultIdentity;
            parameters.format = Ci.nsIMsgCompFormat.PlainText;
            MailServices.compose.OpenComposeWindowWithParams(null, parameters);
        """, subject, text)
        self.until("the window is ready", """
            globalThis.composing = Services.wm.getMostRecentWindow("msgcompose");
            return composing?.composeEditorReady && composing.gMsgCompose?.editor != null;
        """)

    def changes(self, subject):
        """A change of the subject."""
        self.run("""
            const field = composing.document.getElementById("msgSubject");
            field.value = args[0];
            field.dispatchEvent(new composing.Event("input", { bubbles: true }));
            composing.gContentChanged = true;
        """, subject)

    def saves(self):
        """The draft, as it is."""
        self.run("await composing.SaveAsDraft()")


def tour(thunderbird, client):
    """`client` is the second session, which sees what the server has."""
    def has(mailbox, subject):
        """The UIDs of messages that nobody has deleted."""
        client.select_folder(mailbox, readonly=True)
        return client.search(["UNDELETED", "SUBJECT", subject])

    # The password and that the certificate is good are told to it; a person would have been asked.
    thunderbird.run("""
        const [certificate, port, user, password] = args;
        const database = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
        const trusted = database.constructX509FromBase64(certificate);
        const overrides = Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService);
        overrides.rememberValidityOverride("127.0.0.1", port, {}, trusted, true);
        const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
        login.init("imap://127.0.0.1", null, "imap://127.0.0.1", user, password, "", "");
        await Services.logins.addLoginAsync(login);
    """, "".join(certificate.read_text().splitlines()[1:-1]), port, user, password)

    # It logs in and lists the mailboxes, and knows by their special uses what they are for.
    thunderbird.opens("INBOX", "no. 1", "no. 2", "no. 3", "no. 4")
    thunderbird.run("server.performExpand(main.msgWindow)")
    names = {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"}
    eventually("all mailboxes are listed", lambda: names <= set(thunderbird.run(
        "return server.rootFolder.descendants.map(one => one.URI.split('/').at(-1))")))
    for name in sorted(names - {"INBOX"}):
        use = {"Sent": "SentMail"}.get(name, name)
        thunderbird.until(f"{name} is known", "return mailbox(args[0]).getFlag(Ci.nsMsgFolderFlags[args[1]])", name, use)

    # It reads a message, which is \Seen then.
    client.select_folder("INBOX", readonly=True)
    assert client.search("SEEN") == []
    thunderbird.reads("no. 1", "räksmörgås 1")
    eventually("the message is \\Seen", lambda: client.search("SEEN") == [1])
    assert thunderbird.run("return pane.gDBView.getMsgHdrAt(row('no. 1')).isRead")

    # It puts a star on another, and takes it back.
    thunderbird.reads("no. 2", "räksmörgås 2")
    thunderbird.does("cmd_markAsFlagged")
    eventually("the message is \\Flagged", lambda: client.search("FLAGGED") == [2])
    thunderbird.does("cmd_markAsFlagged")
    eventually("the message is not \\Flagged", lambda: client.search("FLAGGED") == [])

    # It hears of new mail and of others' flags without asking.
    client.append("INBOX", b"From: Friend <friend@example.net>\r\nSubject: no. 5\r\n\r\nnew\r\n")
    eventually("new mail is shown", lambda: "no. 5" in thunderbird.subjects())
    client.select_folder("INBOX")
    client.add_flags([3], [b"\\Flagged"])
    thunderbird.until("the other's star is shown", "return pane.gDBView.getMsgHdrAt(row('no. 3')).isFlagged")

    # It moves one and deletes another.
    thunderbird.reads("no. 3", "räksmörgås 3")
    thunderbird.does("cmd_moveMessage", "Archive")
    eventually("the message is in Archive", lambda: not has("INBOX", "no. 3") and has("Archive", "no. 3"))
    assert client.search(["SUBJECT", "no. 3", "FLAGGED"]), "the star has been lost"
    thunderbird.reads("no. 4", "räksmörgås 4")
    thunderbird.does("cmd_deleteMessage")
    eventually("the message is in Trash", lambda: not has("INBOX", "no. 4") and has("Trash", "no. 4"))
    eventually("neither is shown", lambda: thunderbird.subjects() == ["no. 1", "no. 2", "no. 5"])

    # It finds what only the server can find: the mailbox has not been opened, and the text is in base64.
    thunderbird.run("await new Promise(done => mailbox('Archive').QueryInterface(Ci.nsIMsgImapMailFolder) "
                    ".updateFolderWithListener(main.msgWindow, { OnStartRunningUrl() {}, OnStopRunningUrl: done }))")
    assert thunderbird.finds("Archive", "smörgåsbord") == ["hidden"]
    assert thunderbird.finds("Archive", "smorrebrod") == []

    # It saves a draft, and again after a change; the first is gone then.
    thunderbird.writes("a draft", "not yet")
    thunderbird.saves()
    first = eventually("the draft is there", lambda: has("Drafts", "a draft"))
    message = client.fetch(first, ["FLAGS", "BODY.PEEK[]"])[first[0]]
    assert b"not yet" in message[b"BODY[]"] and b"\\Draft" in message[b"FLAGS"], message
    thunderbird.changes("a better draft")
    thunderbird.saves()
    eventually("it has been replaced", lambda: has("Drafts", "a better draft") and not has("Drafts", "a draft"))
    thunderbird.run("composing.gContentChanged = false; composing.close()")


context = ssl.create_default_context(cafile=certificate)
with Thunderbird() as thunderbird, IMAPClient("localhost", port=port, ssl=True, ssl_context=context) as client:
    client.login(user, password)
    tour(thunderbird, client)
print("done")
