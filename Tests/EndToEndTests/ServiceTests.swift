// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

extension EndToEnd {
    /// The program as a service of systemd.
    @Suite("Starts, stops and restarts", .serialized) struct ServiceTests {
        @Test("systemd-socket-activate hands over every listener by name") func socketActivation() async throws {
            let appliance = try await TestAppliance()
            // In no order that anybody would guess from: a listener is known by its name.
            let names = ["http", "submissions", "submission", "smtp", "imaps", "imap"]
            let ports = try names.map { _ in try ListeningPort.free() }
            let process = try Background(
                "/usr/bin/systemd-socket-activate",
                ports.flatMap { ["--listen", "127.0.0.1:\($0)"] } + [
                    "--fdname=" + names.joined(separator: ":"), TestAppliance.program, "serve", "--config",
                    appliance.settingsFile,
                ],
                log: appliance.folder + "/log"
            )
            try await eventually("the sockets listen") { (try? Wire(port: ports[0])) != nil }
            let greetings = ["imap": "* OK", "smtp": "220", "submission": "220"]
            for (name, port) in zip(names, ports) {
                guard let greeting = greetings[name] else { continue }
                try Wire(port: port).line(greeting)
            }
            for (name, port) in zip(names, ports) where name == "imaps" || name == "submissions" {
                let output = try await Program.run(
                    "openssl",
                    [
                        "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", appliance.certificate,
                        "-verify_return_error", "-quiet",
                    ],
                    input: name == "imaps" ? "a LOGOUT\r\n" : "QUIT\r\n"
                ).output
                #expect(output.contains(name == "imaps" ? "a OK" : "221"), "\(output)")
            }
            #expect(
                try await Program.succeed("curl", ["--silent", "http://127.0.0.1:\(ports[0])/health"]).contains("ok")
            )
            process.signal(SIGTERM)
            #expect(try await process.end() == 0, "\(process.output)")
        }

        @Test("A service without addresses has no socket", arguments: [true, false])
        func closedServices(isClosed: Bool) async throws {
            let ports = try (0..<5).map { _ in try ListeningPort.free() }
            let other = ports.dropFirst().map { isClosed ? "[]" : "[\"127.0.0.1:\($0)\"]" }
            let appliance = try await TestAppliance(
                settings: """
                    listen:
                      smtp: ["127.0.0.1:\(ports[0])"]
                      imap: \(other[0])
                      imaps: \(other[1])
                      submission: \(other[2])
                      submissions: \(other[3])
                      http: []
                    """
            )
            let log = appliance.folder + "/log"
            let process = try Background(
                TestAppliance.program,
                ["serve", "--config", appliance.settingsFile],
                log: log
            )
            try await eventually("the socket listens") { (try? Wire(port: ports[0])) != nil }
            // It has begun when it says something.
            try Wire(port: ports[0]).line("220")
            let sockets = try await Program.succeed(
                "ss",
                ["--no-header", "--listening", "--tcp", "--udp", "--numeric", "--processes"]
            )
            .split(separator: "\n").filter { $0.contains("pid=\(process.id),") }
            #expect(sockets.count == (isClosed ? 1 : 5), "\(sockets)")
            #expect(sockets.contains { $0.contains("127.0.0.1:\(ports[0]) ") })
            process.signal(SIGTERM)
            #expect(try await process.end() == 0, "\(process.output)")
        }

        @Test("READY, STATUS, WATCHDOG and STOPPING are told") func notifications() async throws {
            let appliance = try await TestAppliance()
            let path = appliance.folder + "/notify"
            let listener = try DatagramSocket(path: path)
            try await appliance.start(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"])
            try await eventually("the watchdog is fed") { listener.received().contains("WATCHDOG=1") }
            #expect(listener.received().contains("READY=1"))
            #expect(listener.received().contains { $0.hasPrefix("STATUS=") })
            #expect(try await appliance.stop() == 0)
            #expect(listener.received().contains("STOPPING=1"))
        }

        @Test("A store that does not answer is not reported as well") func watchdog() async throws {
            let appliance = try await TestAppliance()
            let path = appliance.folder + "/notify"
            let listener = try DatagramSocket(path: path)
            try await appliance.start(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"])
            func feedings() -> Int { listener.received().count { $0 == "WATCHDOG=1" } }
            try await eventually("the watchdog is fed again and again") { feedings() >= 3 }
            // Somebody keeps the file locked, so that the writer waits.
            let lock = try Background(
                "/usr/bin/python3",
                [
                    "-c",
                    """
                    import sqlite3, sys, time
                    c = sqlite3.connect(sys.argv[1], isolation_level=None)
                    c.execute("BEGIN IMMEDIATE")
                    print("locked", flush=True)
                    time.sleep(60)
                    """, appliance.folder + "/data/mail.db",
                ],
                log: appliance.folder + "/lock-log"
            )
            try await eventually("the file is locked") { lock.output.contains("locked") }
            async let delivery: Void = appliance.swaks(data: "Subject: late\n\nlate\n")
            try await eventually("the watchdog is not fed") {
                let before = feedings()
                try await Task.sleep(for: .milliseconds(800))
                return feedings() == before
            }
            lock.signal(SIGKILL)
            try await delivery
            let before = feedings()
            try await eventually("the watchdog is fed again") { feedings() > before + 1 }
            #expect(try await appliance.stop() == 0)
        }

        @Test("SIGTERM ends it within 5 s, with clients of every kind connected") func drain() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let idle = try appliance.imap()
            try idle.send("a SELECT INBOX\r\nb IDLE\r\n")
            try idle.line("+ ")
            let silent = try Wire(port: appliance.port("imap"))
            let handshake = try Wire(port: appliance.port("imaps"))
            let smtp = try Wire(port: appliance.port("smtp"))
            try smtp.line("220")
            try smtp.line("250 ", sending: "EHLO x\r\n")
            try smtp.send("MAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n")
            try smtp.line("354")
            let http = try Wire(port: appliance.port("http"))
            try http.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try http.line("HTTP/1.1 200")
            let began = ContinuousClock.now
            #expect(try await appliance.stop() == 0)
            #expect(ContinuousClock.now - began < .seconds(5))
            try idle.line("* BYE")
            // Within a message too the last word is a reply, and no reset that would swallow it.
            try smtp.line("421 4.3.2")
            #expect(try smtp.line() == nil)
            withExtendedLifetime((silent, handshake, http)) {}
            try await appliance.verify()
        }

        @Test("What runs at SIGTERM is completed before BYE") func commandInFlight() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let idle = try appliance.imap()
            try idle.send("a SELECT INBOX\r\nb IDLE\r\n")
            try idle.line("+ ")
            // More than the kernel holds for somebody who does not read: it runs for as long as we like.
            let wire = try appliance.imap(receiveBuffer: 65536)
            let message =
                "Subject: x\r\n\r\n" + String(repeating: String(repeating: "x", count: 998) + "\r\n", count: 2000)
            try wire.line("a OK", sending: "a APPEND INBOX {\(message.utf8.count)+}\r\n\(message)\r\n")
            try wire.line("b OK", sending: "b SELECT INBOX\r\n")
            for tag in ["c1", "c2", "c3"] { try wire.line("\(tag) OK", sending: "\(tag) COPY 1 INBOX\r\n") }
            try wire.line("* 1 FETCH", sending: "d FETCH 1:4 BODY.PEEK[]\r\n")
            async let status = appliance.stop()
            try await onThread {
                try idle.line("* BYE")
                try wire.line("* 4 FETCH")
                try wire.line("d OK FETCH completed")
                try wire.line("* BYE")
                #expect(try wire.line() == nil)
            }
            #expect(try await status == 0)
            try await appliance.verify()
        }

        @Test("A restart under load refuses nobody, and loses nothing") func restart() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let (imap, smtp) = (appliance.port("imap"), appliance.port("smtp"))
            let isOver = LockedFlag()
            try await withThrowingTaskGroup(of: (greeted: Int, accepted: Int).self) { clients in
                for client in 0..<8 {
                    clients.addTask {
                        try await onThread {
                            var (greeted, accepted) = (0, 0)
                            while !isOver.isSet {
                                // Refused means: no connection, another greeting, or hung up without a word.
                                try Wire(port: imap).expect("* OK")
                                let wire = try Wire(port: smtp)
                                try wire.expect("220 ")
                                greeted += 2
                                // From here on the server may say that it stops; what it has accepted it must keep.
                                if client % 2 == 0, wire.delivers("\(client)-\(greeted)") { accepted += 1 }
                            }
                            return (greeted, accepted)
                        }
                    }
                }
                for _ in 1...5 {
                    try await Task.sleep(for: .milliseconds(300))
                    #expect(try await appliance.stop() == 0)
                    try await appliance.start()
                }
                isOver.set()
                var (greeted, accepted) = (0, 0)
                for try await client in clients {
                    greeted += client.greeted
                    accepted += client.accepted
                }
                #expect(greeted > 50)
                #expect(accepted > 5)
                let exists = try appliance.imap().line("* ", sending: "a EXAMINE INBOX\r\n", suffix: " EXISTS")
                // A message may have been accepted whose client was not told in time; never the other way round.
                #expect(Int(exists.split(separator: " ")[1]) ?? 0 >= accepted)
            }
            try await appliance.stop()
            try await appliance.verify()
        }

        @Test("Where there are too many IMAP connections, who has not logged in gives way") func room() async throws {
            let appliance = try await TestAppliance(settings: "limits:\n  connections-per-address: 2")
            try await appliance.start()
            let kept = try appliance.imap()
            let silent = try Wire(port: appliance.port("imap"))
            try silent.line("* OK")
            let others = try (0..<2).map { _ in
                let other = try Wire(port: appliance.port("imap"))
                try other.line("* OK")
                return other
            }
            try silent.line("* BYE [UNAVAILABLE]")
            try kept.line("a OK", sending: "a NOOP\r\n")
            try others[1].line("a OK", sending: "a NOOP\r\n")
            try await appliance.stop()
        }

        @Test("A store that a newer version wrote is left alone") func newerSchema() async throws {
            let appliance = try await TestAppliance()
            let store = appliance.folder + "/data/mail.db"
            try await Program.succeed(
                "python3",
                [
                    "-c",
                    "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version=9999'); c.execute('PRAGMA journal_mode=DELETE'); c.close()",
                    store,
                ]
            )
            let before = try Data(contentsOf: URL(filePath: store))
            let result = try await Program.run(TestAppliance.program, ["serve", "--config", appliance.settingsFile])
            #expect(result.status != 0)
            #expect(result.output.contains("newer"), "\(result.output)")
            #expect(try Data(contentsOf: URL(filePath: store)) == before)
        }

        @Test("Two processes do not share a store") func locked() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let result = try await Program.run(TestAppliance.program, ["serve", "--config", appliance.settingsFile])
            #expect(result.status != 0)
            #expect(result.output.contains("another process has the store open"), "\(result.output)")
            try await appliance.stop()
        }

        @Test("Wrong settings: all faults with their lines, and 78") func settings() async throws {
            let appliance = try await TestAppliance()
            try """
            hostname: not a name
            limits:
              message-size: much
            imap:
              inactivity-timeout: 10m
            no-such-thing: 1
            tls:
              certificate: \(appliance.folder)/certificate.pem
              key: \(appliance.folder)/certificate.pem
            relay:
              smarthost:
                host: smtp.example.net
                user: me
                password-file: \(appliance.folder)/missing
            """.write(toFile: appliance.settingsFile, atomically: true, encoding: .utf8)
            for words in [["serve"], ["check-config"]] {
                let result = try await Program.run(TestAppliance.program, words + ["--config", appliance.settingsFile])
                #expect(result.status == 78)
                for fault in [
                    ":1: hostname", ":3: limits.message-size", ":5: imap.inactivity-timeout", ":6: no-such-thing",
                    ":9: tls.key", ":14: relay.smarthost.password-file",
                ] {
                    #expect(result.output.contains(fault), "\(fault) is not in \(result.output)")
                }
            }
        }

        @Test("Commands work while the program serves") func commands() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            try await appliance.command(["account", "add", "bob@example.org"], input: "bob's own secret\n")
            try await appliance.command(["alias", "add", "team@example.org", "ann@example.org", "bob@example.org"])
            #expect(try await appliance.command(["account", "list"]).contains("bob@example.org"))
            try await appliance.swaks(to: "team@example.org", data: "Subject: to the team\n\nhello\n")
            #expect(try await appliance.curl("INBOX;MAILINDEX=1").contains("Subject: to the team"))
            try await appliance.verify()
            try await appliance.command(["alias", "remove", "team@example.org"])
            let refused = try await Program.run(
                "swaks",
                [
                    "--server", "127.0.0.1:\(appliance.port("smtp"))", "--to", "team@example.org", "--from",
                    "x@example.net", "--quit-after", "RCPT",
                ]
            )
            #expect(refused.output.contains("550 5.1.1"))
            let wrong = try await Program.run(
                TestAppliance.program,
                ["account", "add", "carol@elsewhere.test", "--config", appliance.settingsFile],
                input: "secret of carol\n"
            )
            #expect(wrong.status != 0)
            #expect(wrong.output.contains("elsewhere.test"))
            try await appliance.stop()
        }
    }
}

extension Wire {
    /// The first line must begin so.
    fileprivate func expect(_ prefix: String) throws {
        let line = try self.line()
        guard line?.hasPrefix(prefix) == true else {
            throw Program.Failed(description: "expected \(prefix), got \(line ?? "nothing: it hung up")")
        }
    }

    /// Delivers a message; whether it was accepted.
    fileprivate func delivers(_ name: String) -> Bool {
        let dialogue = [
            "EHLO client.example.net", "MAIL FROM:<x@example.net>", "RCPT TO:<ann@example.org>", "DATA",
            "Subject: \(name)\r\n\r\n\(name)\r\n.",
        ]
        for (index, text) in dialogue.enumerated() {
            let code = index == 3 ? "354" : "250"
            guard (try? self.line("\(code) ", sending: text + "\r\n")) != nil else { return false }
        }
        return true
    }
}

/// A datagram socket in the file system, as systemd's.
final class DatagramSocket: Sendable {
    private let descriptor: Int32
    private let box = Box()

    private final class Box: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ text: String) { self.lines.withLock { $0 += text.split(separator: "\n").map(String.init) } }
        func get() -> [String] { self.lines.withLock { $0 } }
    }

    init(path: String) throws {
        self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in bytes.copyBytes(from: path.utf8) }
        let descriptor = self.descriptor
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw Program.Failed(description: "cannot listen at \(path)") }
        let box = self.box
        DispatchQueue(label: "datagrams").async {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 {
                box.add(String(decoding: buffer[..<count], as: UTF8.self))
            }
        }
    }

    deinit {
        shutdown(self.descriptor, Int32(SHUT_RDWR))
        close(self.descriptor)
    }

    func received() -> [String] { self.box.get() }
}
