// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// The real program on sockets that the test handed to it, as systemd would, with a store of its own.
final class TestAppliance: Sendable {
    static let domain = "example.org"
    static let address = "ann@example.org"
    static let password = "a secret of ann's"

    let folder: String
    private let ports: [String: ListeningPort]
    private let process: Box<Background?>
    private let settings: String

    private final class Box<Value: Sendable>: Sendable {
        private let value: Mutex<Value>
        init(_ value: Value) { self.value = Mutex(value) }
        func get() -> Value { self.value.withLock { $0 } }
        func set(_ value: Value) { self.value.withLock { $0 = value } }
    }

    /// Makes a folder with settings and a certificate, a domain, and an account; starts nothing.
    ///
    /// `settings`: YAML that is added to the settings.
    init(settings: String = "") async throws {
        self.folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: self.folder + "/data",
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        var ports: [String: ListeningPort] = [:]
        for name in ["imap", "imaps", "smtp", "submission", "submissions", "lmtp", "http"] {
            ports[name] = try ListeningPort()
        }
        self.ports = ports
        self.process = Box(nil)
        self.settings = settings
        try await Program.succeed(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                self.folder + "/key.pem",
                "-out", self.folder + "/certificate.pem",
            ]
        )
        try """
        hostname: mail.example.org
        data: \(self.folder)/data
        tls:
          certificate: \(self.folder)/certificate.pem
          key: \(self.folder)/key.pem
        \(settings)
        """.write(toFile: self.settingsFile, atomically: true, encoding: .utf8)
        try await self.command(["domain", "add", Self.domain])
        try await self.command(["account", "add", Self.address], input: Self.password + "\n")
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    var settingsFile: String { self.folder + "/letterhouse.yaml" }
    var certificate: String { self.folder + "/certificate.pem" }
    var log: String { self.process.get()?.output ?? "" }

    /// Octets of memory that the running program has in use.
    var memory: Int {
        get throws {
            guard let id = self.process.get()?.id else { throw Program.Failed(description: "the program does not run") }
            let pages = try String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8).split(separator: " ")
            return (Int(pages[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
        }
    }

    func port(_ name: String) -> Int { self.ports[name]?.port ?? 0 }

    /// The program that was built with the tests.
    static var program: String {
        let tests = URL(filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
        let beside = tests.deletingLastPathComponent().appending(path: "letterhouse").path
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        return self.checkout + "/.build/debug/letterhouse"
    }

    /// The folder of the package.
    static var checkout: String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
    }

    /// Runs an operator's command; what it said.
    ///
    /// `wrapper`: what runs it; see ``start(environment:wrapper:)``.
    @discardableResult
    func command(_ words: [String], input: String = "", wrapper: [String] = []) async throws -> String {
        let words = wrapper + [Self.program] + words + ["--config", self.settingsFile]
        return try await Program.succeed(words[0], Array(words.dropFirst()), input: input)
    }

    /// Starts the program; returns when it answers.
    ///
    /// `wrapper`: a program, by its path, and its arguments, that becomes the program in the end.
    func start(environment: [String: String] = [:], wrapper: [String] = []) async throws {
        let names = ["imap", "imaps", "smtp", "submission", "submissions", "lmtp", "http"]
        self.process.set(
            try Background(
                wrapper.first ?? Self.program,
                Array((wrapper + [Self.program]).dropFirst()) + ["serve", "--config", self.settingsFile],
                log: self.folder + "/log",
                environment: environment,
                sockets: names.compactMap { name in self.ports[name].map { (name, $0.descriptor) } }
            )
        )
        do {
            try Wire(port: self.port("imap")).line("* OK")
        } catch {
            throw Program.Failed(description: "the program does not answer (\(error)):\n\(self.log)")
        }
    }

    /// Asks the program to stop; its exit status.
    @discardableResult
    func stop(signal: Int32 = SIGTERM, within limit: Duration = .seconds(30)) async throws -> Int32 {
        guard let process = self.process.get() else { return 0 }
        process.signal(signal)
        return try await process.end(within: limit)
    }

    /// Everything that `letterhouse verify` finds wrong; empty if all is well.
    func verify(wrapper: [String] = []) async throws {
        try await self.command(["verify"], wrapper: wrapper)
    }

    // MARK: Clients

    /// Sends a message with swaks.
    func swaks(
        to recipient: String = TestAppliance.address,
        from sender: String = "friend@example.net",
        service: String = "smtp",
        data: String? = nil,
        _ more: [String] = []
    ) async throws {
        var words = [
            "--server", "127.0.0.1:\(self.port(service))", "--from", sender, "--to", recipient, "--helo",
            "client.example.net",
        ]
        if let data { words += ["--data", data] }
        try await Program.succeed("swaks", words + more)
    }

    /// Reads with curl's IMAP client; by STARTTLS if `service` is `imap`.
    func curl(_ path: String, service: String = "imaps", _ more: [String] = []) async throws -> String {
        try await Program.succeed(
            "curl",
            [
                "--silent", "--show-error", "--max-time", "30", "--cacert", self.certificate, "--user",
                "\(Self.address):\(Self.password)", "--ssl-reqd",
                "\(service)://localhost:\(self.port(service))/\(path)",
            ] + more
        )
    }

    /// A session of IMAP by hand, logged in.
    func imap(receiveBuffer: Int32? = nil) throws -> Wire {
        let wire = try Wire(port: self.port("imap"), receiveBuffer: receiveBuffer)
        try wire.line("* OK")
        try wire.send("login LOGIN \(Self.address) \"\(Self.password)\"\r\n")
        try wire.line("login OK")
        return wire
    }
}

/// Waits until `condition` holds, with a limit that only a broken program reaches.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw Program.Failed(description: "did not happen within \(limit): \(what)")
}
