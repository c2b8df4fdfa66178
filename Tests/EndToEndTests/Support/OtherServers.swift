// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Somebody else's mail server: aiosmtpd, which keeps what it gets.
final class Sink: Sendable {
    private let process: Background
    let folder: String
    let port: Int

    /// Starts it on `port` (0: the kernel chooses), with STARTTLS if there are certificate and key, and demanding a login if
    /// there are user and password.
    init(in folder: String, port: Int = 0, tls: (String, String)? = nil, login: (String, String)? = nil) async throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? FileManager.default.removeItem(atPath: folder + "/port")
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "sink.py").path
        var words = [script, "--folder", folder, "--port", "\(port)"]
        if let tls { words += ["--tls", tls.0, tls.1] }
        if let login { words += ["--user", login.0, "--password", login.1] }
        self.process = try Background("/usr/bin/python3", words, log: folder + "/log")
        let process = self.process
        try await eventually("the sink listens") {
            guard process.isRunning else { throw Program.Failed(description: process.output) }
            return FileManager.default.fileExists(atPath: folder + "/port")
        }
        self.port = Int(try String(contentsOfFile: folder + "/port", encoding: .utf8)) ?? 0
    }

    deinit { self.process.signal(SIGKILL) }

    /// What it got, in the order of arrival.
    func messages() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self.folder).filter { $0.hasSuffix(".eml") }.sorted().map {
            String(decoding: try Data(contentsOf: URL(filePath: "\(self.folder)/\($0)")), as: UTF8.self)
        }
    }
}

/// An authoritative name server for the test's own domains: nsd.
final class NameServer: Sendable {
    private let process: Background
    let port: Int

    /// Starts it with the records of `zones`, by name of the zone, on a free port or that one.
    init(in folder: String, zones: [String: String], port: Int? = nil) async throws {
        self.port = try port ?? ListeningPort.free()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var configuration = """
            server:
              ip-address: 127.0.0.1@\(self.port)
              do-ip6: no
              username: ""
              chroot: ""
              zonesdir: "\(folder)"
              database: ""
              pidfile: "\(folder)/nsd.pid"
              xfrdfile: "\(folder)/xfrd.state"
              zonelistfile: "\(folder)/zone.list"
              cookie-secret-file: "\(folder)/cookies"
              server-count: 1
              tcp-count: 10
              rrl-ratelimit: 0
            remote-control:
              control-enable: no

            """
        for (name, text) in zones {
            try
                "$ORIGIN \(name).\n$TTL 60\n@ SOA ns.\(name). admin.\(name). 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n\(text)\n"
                .write(toFile: "\(folder)/\(name).zone", atomically: true, encoding: .utf8)
            configuration += "zone:\n  name: \"\(name)\"\n  zonefile: \"\(name).zone\"\n"
        }
        try configuration.write(toFile: folder + "/nsd.conf", atomically: true, encoding: .utf8)
        self.process = try Background("/usr/sbin/nsd", ["-d", "-c", folder + "/nsd.conf"], log: folder + "/log")
        let (process, port) = (self.process, self.port)
        try await eventually("the name server answers") {
            guard process.isRunning else { throw Program.Failed(description: process.output) }
            return (try? Wire(port: port)) != nil
        }
    }

    deinit { self.process.signal(SIGTERM) }
}
