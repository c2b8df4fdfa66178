// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What has to stand in two places, as the table of Contributing.md says, stands in both.
@Suite("Pairs") struct PairsTests {
    /// A declaration of a type that conforms to one of the protocols of a table.
    struct Conformance: Sendable, CustomTestStringConvertible {
        let module: String
        let type: String

        var testDescription: String { "\(self.module): \(self.type)" }
    }

    private static func conformances() throws -> [Conformance] {
        try ["IMAPServer", "SMTPServer"].flatMap { module in
            try Sources.files(of: module).flatMap { file in
                file.text.matches(
                    of: #/(?m)^(?:struct|enum) (\w+): [^{\n]*\b(?:IMAP|UID|SMTP)(?:Command|Extension)\b/#
                ).map { Conformance(module: module, type: String($0.1)) }
            }
        }
    }

    @Test(
        "A command or extension is in ExtensionTable, or in an extension that is",
        arguments: try conformances()
    )
    func isListed(_ conformance: Conformance) throws {
        let files = try Sources.files(of: conformance.module)
        let table = try #require(files.first { $0.name == "ExtensionTable.swift" })
        let brought = files.flatMap { file in
            file.text.matches(of: #/var commands: [^{]+\{([^}]*)\}/#).map { String($0.1) }
        }
        let lists = ([table.text] + brought).joined(separator: "\n")
        let isListed = try lists.contains(Regex(#"\b\#(conformance.type)\.self\b"#))
        #expect(isListed, "nobody can reach \(conformance.type)")
    }

    @Test("Those are more than a few") func conformancesAreFound() throws {
        let found = try Self.conformances()
        #expect(found.filter { $0.module == "IMAPServer" }.count > 40)
        #expect(found.filter { $0.module == "SMTPServer" }.count > 15)
    }

    @Test("Every path of Routes is in the module's document") func routes() throws {
        let files = try Sources.files(of: "HTTPServer")
        let text = try #require(files.first { $0.name == "Routes.swift" }).text
        let document = try String(
            contentsOf: Sources.root.appending(path: "Sources/HTTPServer/Docs.docc/index.md"),
            encoding: .utf8
        )
        let paths = text.matches(of: #/Route\(path: (?:prefix \+ )?"([^"]+)"/#).map { match in
            // The document has the variables in capitals, and the prefix in words.
            match.1.split(separator: "/").map {
                $0.hasPrefix("{") ? $0.dropFirst().dropLast().uppercased() : String($0)
            }
            .joined(separator: "/")
        }
        #expect(paths.count >= 7)
        for path in paths { #expect(document.contains(path), "the document of HTTPServer does not know \(path)") }
    }

    @Test("Every word of Bridge-Error is in the module's document, and no other") func bridgeErrors() throws {
        let document = try String(
            contentsOf: Sources.root.appending(path: "Sources/HTTPServer/Docs.docc/index.md"),
            encoding: .utf8
        )
        var documented: Set<String> = []
        for line in document.split(separator: "\n") {
            guard let row = line.wholeMatch(of: #/\| [45]\d\d \| ((?:`[a-z-]+` )+)\|.*/#) else { continue }
            documented.formUnion(row.1.matches(of: #/`([a-z-]+)`/#).map { String($0.1) })
        }
        let used = try Set(
            Sources.files(of: "HTTPServer").filter { $0.name != "StorageRefusal.swift" }.flatMap { file in
                file.text.matches(of: #/(?:Self|HTTPRefusal)\(\s*\.\w+,\s*"([a-z-]+)",/#).map { String($0.1) }
            }
        )
        #expect(used.count > 10)
        #expect(documented == used)
    }

    @Test("Every code of the storage API's problems is in its article, and no other") func storageCodes() throws {
        let article = try String(
            contentsOf: Sources.root.appending(path: "Sources/letterhouse/Docs.docc/StorageAPI.md"),
            encoding: .utf8
        )
        var documented: Set<String> = []
        for line in article.split(separator: "\n") {
            guard let row = line.wholeMatch(of: #/\| [45]\d\d \| ((?:`[a-z-]+` )+)\|.*/#) else { continue }
            documented.formUnion(row.1.matches(of: #/`([a-z-]+)`/#).map { String($0.1) })
        }
        func codes(_ files: [Sources.File]) -> Set<String> {
            Set(
                files.flatMap { file in
                    file.text.matches(of: #/(?:Self|Refusal|init)\(\s*\.\w+,\s*"([a-z-]+)",/#).map { String($0.1) }
                }
            )
        }
        let files = try Sources.files(of: "HTTPServer")
        let own = codes(files.filter { $0.text.contains("StorageRefusal") && $0.name != "ClientCheck.swift" })
        #expect(own.count > 20)
        #expect(own.subtracting(documented).isEmpty)
        #expect(documented.subtracting(codes(files)).isEmpty)
    }

    @Test("Every module has a document") func documents() throws {
        for module in try Sources.modules() where module != "letterhouse" {
            // A system library's module has none.
            guard try !Sources.files(of: module).isEmpty else { continue }
            let path = Sources.root.appending(path: "Sources/\(module)/Docs.docc/index.md").path
            #expect(FileManager.default.fileExists(atPath: path), "\(module) has no Docs.docc/index.md")
        }
    }
}

/// What the README promises, against what the servers announce to a client.
@Suite("The README's \"What works\"") struct WhatWorksTests {
    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Sources.root.appending(path: path), encoding: .utf8)
    }

    /// The names in the row of that title, up to the link to the table.
    private static func row(_ title: String) throws -> Substring {
        let lines = try Self.text("README.md").split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("| \(title) | ") })
        return line.dropFirst("| \(title) | ".count).prefix { $0 != "[" }
    }

    /// `QUOTA` for `QUOTA=RES-STORAGE`: what stands behind the sign is for programs.
    private static func families(_ words: some Sequence<Substring>) -> Set<String> {
        Set(words.map { String($0.prefix { $0 != "=" }) })
    }

    @Test("IMAP: what CAPABILITY says after login, as capability.txt has it") func imap() throws {
        let row = try Self.row("IMAP")
        let start = try #require(row.range(of: "IMAP4rev2 and IMAP4rev1 with ")).upperBound
        let promised = Self.families(
            row[start...].replacing(" and where the settings say so ", with: " ").replacing(" and ", with: ", ")
                .split { ",; ".contains($0) }
        )
        let lines = try Self.text("Tests/IMAPServerTests/Transcripts/capability.txt").split(separator: "\n")
        let announced = try #require(lines.last { $0.hasPrefix("S: * CAPABILITY ") }).split(separator: " ").dropFirst(3)
        #expect(promised == Self.families(announced.filter { !$0.hasPrefix("IMAP4") && !$0.hasPrefix("AUTH=") }))
    }

    @Test("SMTP: what EHLO says on submission, as ehlo-submission.txt has it") func smtp() throws {
        let row = try Self.row("SMTP")
        let start = try #require(row.range(of: "; ")).upperBound
        let promised = Set(row[start...].split { ",; ".contains($0) }.map(String.init))
        let lines = try Self.text("Tests/SMTPServerTests/Transcripts/ehlo-submission.txt").split(separator: "\n")
        let announced = lines.compactMap { $0.wholeMatch(of: #/S: 250[- ]([A-Z0-9]+)(?: .*)?/#).map { String($0.1) } }
        #expect(promised == Set(announced))
    }
}
