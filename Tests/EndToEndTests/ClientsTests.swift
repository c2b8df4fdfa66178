// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Mail programs that people use, as Debian has them.
    @Suite("Clients", .serialized) struct ClientsTests {
        /// Runs `body` with a server that has three messages and an empty home folder.
        private func withMail(_ body: (TestAppliance, _ home: String) async throws -> Void) async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            for number in 1...3 {
                try await appliance.swaks(
                    data: "From: Friend <friend@example.net>\nSubject: no. \(number)\n\nbody \(number)\n"
                )
            }
            let home = appliance.folder + "/home"
            try FileManager.default.createDirectory(atPath: home + "/mail", withIntermediateDirectories: true)
            try await body(appliance, home)
            try await appliance.stop()
            try await appliance.verify()
        }

        @Test("getmail takes the mail away") func getmail() async throws {
            try await self.withMail { appliance, home in
                let rc = home + "/getmailrc"
                try """
                [retriever]
                type = SimpleIMAPSSLRetriever
                server = localhost
                port = \(appliance.port("imaps"))
                username = \(TestAppliance.address)
                password = \(TestAppliance.password)
                ca_certs = \(appliance.certificate)
                [destination]
                type = MDA_external
                path = /usr/bin/tee
                arguments = ("-a", "\(home)/taken")
                allow_root_commands = true
                [options]
                delete = true
                """.write(toFile: rc, atomically: true, encoding: .utf8)
                try await Program.succeed("getmail", ["--getmaildir", home, "--rcfile", rc])
                let taken = try String(contentsOfFile: home + "/taken", encoding: .utf8)
                for number in 1...3 { #expect(taken.contains("Subject: no. \(number)")) }
                let wire = try appliance.imap()
                try wire.send("a STATUS INBOX (MESSAGES)\r\n")
                #expect(try wire.line("* STATUS") == "* STATUS INBOX (MESSAGES 0)")
            }
        }

        @Test("offlineimap synchronises both ways") func offlineimap() async throws {
            try await self.withMail { appliance, home in
                let rc = home + "/offlineimaprc"
                try """
                [general]
                accounts = test
                metadata = \(home)/metadata
                ui = basic
                [Account test]
                localrepository = local
                remoterepository = remote
                [Repository local]
                type = Maildir
                localfolders = \(home)/maildir
                [Repository remote]
                type = IMAP
                remotehost = localhost
                remoteport = \(appliance.port("imaps"))
                remoteuser = \(TestAppliance.address)
                remotepass = \(TestAppliance.password)
                ssl = yes
                sslcacertfile = \(appliance.certificate)
                """.write(toFile: rc, atomically: true, encoding: .utf8)
                try await Program.succeed("offlineimap", ["-o", "-c", rc])
                let new = home + "/maildir/INBOX/new"
                let names = try FileManager.default.contentsOfDirectory(atPath: new)
                #expect(names.count == 3)
                // One is read and one is deleted here, then a third is written into another folder.
                let (read, deleted) = (try #require(names.first), try #require(names.last))
                try FileManager.default.moveItem(atPath: "\(new)/\(read)", toPath: "\(home)/maildir/INBOX/cur/\(read)S")
                try FileManager.default.removeItem(atPath: "\(new)/\(deleted)")
                try "Subject: a draft\n\ntext\n"
                    .write(toFile: "\(home)/maildir/Drafts/new/1.2.3", atomically: false, encoding: .utf8)
                try await Program.succeed("offlineimap", ["-o", "-c", rc])
                let wire = try appliance.imap()
                // One after the other: sent together, they may be answered in any order.
                let inbox = try wire.line("* STATUS", sending: "a STATUS INBOX (MESSAGES UNSEEN)\r\n")
                #expect(inbox == "* STATUS INBOX (MESSAGES 2 UNSEEN 1)")
                let drafts = try wire.line("* STATUS", sending: "b STATUS Drafts (MESSAGES)\r\n")
                #expect(drafts == "* STATUS Drafts (MESSAGES 1)")
            }
        }

        @Test("Perl's Mail::IMAPClient does what its users do") func perl() async throws {
            try await self.withMail { appliance, _ in
                let script = TestAppliance.checkout + "/Tests/EndToEndTests/Support/imap_tour.pl"
                let output = try await Program.succeed(
                    "perl",
                    [script, "\(appliance.port("imaps"))", appliance.certificate, TestAppliance.address],
                    input: TestAppliance.password + "\n"
                )
                #expect(output == "done\n")
            }
        }

        @Test("Two people share a mailbox with imapclient") func sharedMailboxes() async throws {
            let appliance = try await TestAppliance()
            try await appliance.command(["account", "add", "bob@example.org"], input: TestAppliance.password + "\n")
            try await appliance.start()
            let script = TestAppliance.checkout + "/Tests/EndToEndTests/Support/shared_mailboxes.py"
            let output = try await Program.succeed(
                TestAppliance.checkout + "/.build/python/bin/python",
                [script, "\(appliance.port("imaps"))", appliance.certificate],
                input: TestAppliance.password + "\n"
            )
            #expect(output == "done\n")
            // Who is removed is in nobody's list.
            let ann = try appliance.imap()
            try ann.send("a SETACL Team bob@example.org lr\r\n")
            try ann.line("a OK")
            try await appliance.command(["account", "remove", "bob@example.org"])
            try ann.send("b GETACL Team\r\n")
            #expect(try ann.line("* ACL") == "* ACL Team ann@example.org lrswipkxteacd")
            try await appliance.stop()
            try await appliance.verify()
        }

        @Test("neomutt reads and flags") func neomutt() async throws {
            try await self.withMail { appliance, home in
                try """
                set folder = "imaps://localhost:\(appliance.port("imaps"))/"
                set spoolfile = "+INBOX"
                set imap_user = "\(TestAppliance.address)"
                set imap_pass = "\(TestAppliance.password)"
                set ssl_ca_certificates_file = "\(appliance.certificate)"
                set pager_stop
                """.write(toFile: home + "/neomuttrc", atomically: true, encoding: .utf8)
                try await Terminal.run("neomutt -n -F \(home)/neomuttrc", in: home) { terminal in
                    try await terminal.shows("no. 3")
                    try await terminal.type("F", "Enter")
                    try await terminal.shows("body")
                    try await terminal.type("q", "$")
                    try await eventually("the flags are stored") {
                        let wire = try appliance.imap()
                        try wire.send("a EXAMINE INBOX\r\nb SEARCH FLAGGED\r\nc SEARCH SEEN\r\n")
                        try wire.line("a OK")
                        let flagged = try wire.line("* SEARCH")
                        return try flagged == "* SEARCH 1" && wire.line("* SEARCH") == "* SEARCH 2"
                    }
                }
            }
        }

        @Test("alpine reads and deletes") func alpine() async throws {
            try await self.withMail { appliance, home in
                let inbox =
                    "{localhost:\(appliance.port("imaps"))/ssl/novalidate-cert/user=\(TestAppliance.address)}INBOX"
                try """
                user-domain=example.org
                inbox-path=\(inbox)
                feature-list=quit-without-confirm
                last-version-used=9.99
                """.write(toFile: home + "/.pinerc", atomically: true, encoding: .utf8)
                try await Terminal.run("alpine -p \(home)/.pinerc -i", in: home) { terminal in
                    try await terminal.shows("ENTER PASSWORD")
                    try await terminal.type(TestAppliance.password, "Enter")
                    try await terminal.shows("Preserve password")
                    try await terminal.type("n")
                    try await terminal.shows("no. 1")
                    try await terminal.type("Enter")
                    try await terminal.shows("body 1")
                    try await terminal.type("d")
                    try await terminal.shows("body 2")
                    try await terminal.type("q")
                    try await terminal.shows("Expunge the 1 deleted message")
                    try await terminal.type("y")
                    try await eventually("the message is gone") {
                        let wire = try appliance.imap()
                        try wire.send("a STATUS INBOX (MESSAGES)\r\n")
                        return try wire.line("* STATUS") == "* STATUS INBOX (MESSAGES 2)"
                    }
                }
            }
        }
    }
}
