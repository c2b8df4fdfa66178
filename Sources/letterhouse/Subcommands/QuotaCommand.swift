// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailStorage
import SQLiteStorage

/// `letterhouse account quota`: how much mail an account may have.
struct QuotaCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota",
        abstract: "Show how much mail an account has, and limit it.",
        discussion: """
            Mail that is larger than what is left is refused, by IMAP at once and by SMTP so that the sender tries again.
            A limit below what is there only keeps it from growing.
            """
    )

    @Argument(help: "The address.") var address: String

    @Option(
        help: ArgumentHelp("All its mail: octets, or a number with K, M, G or T behind it; or none.", valueName: "size")
    )
    var storage: QuotaLimit?

    @Option(help: ArgumentHelp("All its messages: a number, or none.", valueName: "number"))
    var messages: QuotaLimit?

    @OptionGroup var common: StoreArguments

    func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
        if self.storage != nil || self.messages != nil {
            var limits = try await store.quota(of: self.address).limits
            if let storage = self.storage { limits.octets = storage.value }
            if let messages = self.messages { limits.messages = messages.value }
            try await store.setLimits(limits, of: self.address)
        }
        let row = QuotaRow(self.address, try await store.quota(of: self.address))
        try console.write(row) { TextTable(header: QuotaRow.header, rows: [row.cells]).text }
    }
}

/// A limit as people type it; nil: none.
struct QuotaLimit: ExpressibleByArgument, Equatable, Sendable {
    var value: Int64?

    init?(argument: String) {
        if argument == "none" {
            self.value = nil
            return
        }
        let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        let unit = argument.uppercased().last.flatMap { units[$0] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits) else {
            return nil
        }
        let (value, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflow else { return nil }
        self.value = value
    }
}

private struct QuotaRow: ConsoleRow {
    static let header = ["ACCOUNT", "OCTETS", "AT MOST", "MESSAGES", "AT MOST"]
    var address: String
    var octets: Int64
    var octetLimit: Int64?
    var messages: Int64
    var messageLimit: Int64?

    init(_ address: String, _ quota: Quota) {
        self.address = address
        (self.octets, self.octetLimit) = (quota.octets, quota.limits.octets)
        (self.messages, self.messageLimit) = (quota.messages, quota.limits.messages)
    }

    var cells: [String] {
        func text(_ limit: Int64?) -> String { limit.map { "\($0)" } ?? "-" }
        return [
            self.address.printable, "\(self.octets)", text(self.octetLimit), "\(self.messages)",
            text(self.messageLimit),
        ]
    }
}
