// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The tables of RFCs in the documents against what the sources cite, both ways.
@Suite("RFC tables") struct RFCTableTests {
    /// A row of a table in a module's `index.md` that has a column for RFCs.
    struct Row: Sendable, CustomTestStringConvertible {
        let module: String
        /// By the title of their column, in lower case.
        let cells: [String: String]

        var testDescription: String { "\(self.module): \(self.cells["rfc"] ?? "")" }

        /// Numbers of RFCs, not of sections.
        var numbers: [Int] {
            (self.cells["rfc"] ?? "").matches(of: #/(?:^|[^§.\d])(\d{3,5})(?![.\d])/#).compactMap { Int($0.1) }
        }

        var isImplemented: Bool {
            guard let status = self.cells["status"]?.lowercased() else { return true }
            let isAbsent = status == "-" || status == "no" || status.hasPrefix("no:") || status.hasPrefix("not ")
            return !isAbsent && self.cells["file"] != "-" && self.cells["where"] != "-"
        }
    }

    private static let articles = Sources.root.appending(path: "Sources/letterhouse/Docs.docc")

    private static func rows(in text: String, module: String) -> [Row] {
        var rows: [Row] = []
        var header: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|"), line.hasSuffix("|") else {
                header = []
                continue
            }
            let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if header.isEmpty {
                header = cells.map { $0.lowercased() }
            } else if header.contains("rfc"), !cells.allSatisfy({ $0.allSatisfy { "-: ".contains($0) } }) {
                rows.append(Row(module: module, cells: Dictionary(zip(header, cells)) { first, _ in first }))
            }
        }
        return rows
    }

    private static func rows() throws -> [Row] {
        try Sources.modules().flatMap { module -> [Row] in
            let path = Sources.root.appending(path: "Sources/\(module)/Docs.docc/index.md")
            guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [] }
            return self.rows(in: text, module: module)
        }
    }

    private static func citations(in module: String) throws -> Set<Int> {
        Set(
            try Sources.files(of: module).flatMap { file in
                file.text.matches(of: #/RFC (\d{3,5})/#).compactMap { Int($0.1) }
            }
        )
    }

    private static func citations() throws -> Set<Int> {
        try Sources.modules().reduce(into: []) { $0.formUnion(try self.citations(in: $1)) }
    }

    private static func standards() throws -> [Row] {
        let text = try String(contentsOf: self.articles.appending(path: "Standards.md"), encoding: .utf8)
        return self.rows(in: text, module: "letterhouse")
    }

    @Test("Every RFC that the sources cite is in Standards.md") func citedIsListed() throws {
        let missing = try Self.citations().subtracting(try Self.standards().flatMap(\.numbers))
        #expect(missing.isEmpty, "add to Standards.md: \(missing.sorted())")
    }

    @Test("Every RFC in Standards.md is cited by the sources") func listedIsCited() throws {
        let unused = Set(try Self.standards().flatMap(\.numbers)).subtracting(try Self.citations())
        #expect(unused.isEmpty, "remove from Standards.md: \(unused.sorted())")
    }

    @Test("Standards.md lists each RFC once, in order") func order() throws {
        let numbers = try Self.standards().flatMap(\.numbers)
        #expect(!numbers.isEmpty)
        #expect(numbers == Set(numbers).sorted())
    }

    @Test(
        "What a module's table says to implement, the module or its tests cite",
        arguments: try rows().filter(\.isImplemented)
    )
    func implemented(row: Row) throws {
        let missing = Set(row.numbers).subtracting(try Self.citations(in: row.module))
            .subtracting(try Self.citations(in: "../Tests/\(row.module)Tests"))
        #expect(missing.isEmpty, "\(row.module) cites no RFC \(missing.sorted())")
    }

    @Test("The files that a table names exist", arguments: try rows().filter { $0.cells["file"] != nil })
    func files(row: Row) throws {
        let names = Set(try Sources.files(of: row.module).map { String($0.name.dropLast(".swift".count)) })
        for name in Self.names(row.cells["file"]) {
            #expect(names.contains(name), "there is no \(name).swift in \(row.module)")
        }
    }

    @Test("The transcripts that a table names exist", arguments: try rows().filter { $0.cells["transcript"] != nil })
    func transcripts(row: Row) {
        for name in Self.names(row.cells["transcript"]) {
            let path = Sources.root.appending(path: "Tests/\(row.module)Tests/Transcripts/\(name).txt").path
            #expect(FileManager.default.fileExists(atPath: path), "there is no transcript \(name)")
        }
    }

    /// The names in a cell such as `` `Base64.swift`, Part ``; what is no name (`all commands`, `-`) is left out.
    private static func names(_ cell: String?) -> [String] {
        (cell ?? "").split(separator: ",").compactMap { item in
            var name = item.trimmingCharacters(in: CharacterSet(charactersIn: "` "))
            if name.hasSuffix(".swift") { name.removeLast(".swift".count) }
            return name.wholeMatch(of: #/[A-Za-z0-9+-]*[A-Za-z0-9]/#) == nil || name == "all" ? nil : name
        }
    }
}
