// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Who may import whom, read off every `import` line of the sources.
@Suite("Layering") struct LayeringTests {
    /// What a module may import besides the standard library.
    private static let allowed: [String: Set<String>] = [
        "MailMessage": [],
        "IMAPSyntax": [],
        "SMTPSyntax": [],
        "MailConnection": [],
        "JSONSyntax": [],
        "JunkFilter": ["MailMessage"],
        "MailStorage": ["Synchronization", "MailMessage", "JunkFilter"],
        "Cryptography": ["COpenSSL", "COpenSSLShim", "Synchronization"],
        "StreamCompression": ["CZlib"],
        "SASLMechanisms": ["Cryptography", "Dispatch", "Synchronization"],
        "SenderAuthentication": ["Cryptography", "MailMessage", "SMTPSyntax"],
        "DomainReports": ["JSONSyntax", "MailMessage", "SMTPSyntax", "SenderAuthentication", "StreamCompression"],
        "ReportExchange": [
            "DomainReports", "MailConnection", "MailStorage", "MailMessage", "SMTPSyntax", "SenderAuthentication",
            "ServiceLifecycle", "Logging", "Metrics", "Synchronization",
        ],
        "IMAPServer": [
            "IMAPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms", "StreamCompression",
            "Logging", "Metrics", "Synchronization",
        ],
        "MilterClient": ["MailConnection"],
        "SMTPServer": [
            "MilterClient",
            "SMTPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms", "SenderAuthentication",
            "JunkFilter", "Logging", "Metrics", "Synchronization",
        ],
        "MailRelay": [
            "SMTPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms", "Cryptography",
            "ServiceLifecycle", "Logging", "Metrics", "Synchronization",
        ],
        "SQLiteStorage": [
            "MailStorage", "MailMessage", "JunkFilter", "Cryptography", "DequeModule", "GRDB", "GRDBSQLite",
            "Synchronization",
            "Dispatch",
        ],
        "MailNetwork": [
            "MailConnection", "Cryptography", "NIOCore", "NIOPosix", "HummingbirdCore", "Logging", "ServiceLifecycle",
            "CSystemd", "CUnbound", "Synchronization", "Dispatch",
        ],
        "HTTPServer": [
            "Hummingbird", "HummingbirdCore", "ServiceLifecycle", "HTTPTypes", "NIOCore", "MailConnection",
            "MailStorage", "MailMessage", "IMAPServer",
            "SMTPServer", "SMTPSyntax", "SASLMechanisms", "Cryptography", "JSONSyntax", "Logging", "Metrics",
            "Synchronization",
        ],
        // Puts the others together; of what comes from outside, what an operator's program needs.
        "letterhouse": [
            "IMAPServer", "SMTPServer", "SMTPSyntax", "MailRelay", "SQLiteStorage", "MailNetwork", "HTTPServer",
            "MailStorage", "MailMessage", "MailConnection", "SASLMechanisms", "SenderAuthentication", "Cryptography",
            "DomainReports", "ReportExchange", "MilterClient", "JunkFilter",
            "ArgumentParser", "Configuration", "Yams", "NIOCore", "HummingbirdCore", "Logging", "Metrics",
            "CoreMetrics", "ServiceLifecycle", "UnixSignals", "Synchronization", "FoundationEssentials",
        ],
    ]

    /// Where the C library is at home.
    private static let systemModules: Set<String> = ["MailNetwork", "letterhouse"]

    /// The C library elsewhere, and only in files that wrap it.
    private static let libraryFiles: [String: Set<String>] = [
        "MailMessage": ["Charset.swift"],
        "SQLiteStorage": ["StoreLock.swift"],
    ]

    @Test("Each module imports only what the architecture allows", arguments: allowed.keys.sorted())
    func imports(module: String) throws {
        let allowed = try #require(Self.allowed[module])
        let files = try Sources.files(of: module)
        #expect(!files.isEmpty)
        for file in files {
            for imported in file.imports where imported != "Swift" {
                if imported == "Glibc" {
                    let mayUse =
                        Self.systemModules.contains(module) || Self.libraryFiles[module]?.contains(file.name) == true
                    #expect(mayUse, "\(module)/\(file.name) imports the C library")
                } else {
                    #expect(allowed.contains(imported), "\(module)/\(file.name) imports \(imported)")
                }
            }
        }
    }

    @Test("Every module of the package is in the table") func tableIsComplete() throws {
        let modules = try Sources.modules().filter { !$0.hasPrefix("C") || $0 == "Cryptography" }
        #expect(Set(modules) == Set(Self.allowed.keys))
    }

    @Test(
        "Nobody steps around the concurrency checker",
        arguments: [
            "@unchecked Sendable", "nonisolated(unsafe)", "@preconcurrency", "try!", "fatalError(", "TODO", "FIXME",
        ]
    )
    func escapes(_ escape: String) throws {
        for module in try Sources.modules() {
            for file in try Sources.files(of: module) {
                #expect(!file.text.contains(escape), "\(module)/\(file.name) has \(escape)")
            }
        }
    }

    /// A task that nobody waits for, however it is written.
    private static func startsTask(_ text: String) -> Bool {
        text.contains(
            #/\bTask\s*(?:<[^{}\n]*>)?\s*(?:\.(?:init|detached|immediate|immediateDetached))?\s*(?:\([^{}]*\))?\s*\{/#
        )
    }

    @Test("Unstructured tasks stay in the network module") func tasks() throws {
        for module in try Sources.modules() where module != "MailNetwork" {
            for file in try Sources.files(of: module) {
                #expect(!Self.startsTask(file.text), "\(module)/\(file.name) starts an unstructured task")
            }
        }
    }

    @Test(
        "They are known in every dress",
        arguments: [
            "Task {", "Task{", "_ = Task.detached {", "Task<Void, Never> {", "Task<[UInt8], any Error>.detached {",
            "Task(priority: .high) {", "Task.detached(name: f(1), priority: .low) {", "Task.init {",
            "Task(\n    priority: .high\n) {", "Task.immediate {",
        ]
    )
    func taskIsKnown(text: String) { #expect(Self.startsTask(text)) }

    @Test(
        "What is none is not taken for one",
        arguments: [
            "group.addTask {", "try await Task.sleep(for: .seconds(1))\n}", "withTaskGroup(of: Void.self) {",
            "loop.scheduleTask(in: time) {", "if Task.isCancelled {", "let task: Task<Void, Never>?",
        ]
    )
    func noTask(text: String) { #expect(!Self.startsTask(text)) }

    @Test("Every source file says its licence") func licence() throws {
        for module in try Sources.modules() {
            for file in try Sources.files(of: module) {
                #expect(file.text.hasPrefix("// SPDX-License-Identifier: Apache-2.0\n"), "\(module)/\(file.name)")
            }
        }
    }
}

/// The project's own source files.
enum Sources {
    struct File {
        let name: String
        let text: String

        var imports: [String] {
            self.text.matches(
                of: /(?m)^\s*(?:@\w+ )?(?:package |public |internal )?import (?:struct |enum |class |func |let )?(\w+)/
            )
            .map { String($0.1) }
        }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self.root.appending(path: "Sources").path).sorted()
    }

    static func files(of module: String) throws -> [File] {
        let folder = self.root.appending(path: "Sources/\(module)")
        let paths = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(".swift") }.sorted().map { path in
            File(
                name: URL(filePath: path).lastPathComponent,
                text: try String(contentsOf: folder.appending(path: path), encoding: .utf8)
            )
        }
    }
}
