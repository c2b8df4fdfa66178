// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication

/// Finds out that a message comes back which was sent on: whoever it went to sends it here again (RFC 5321 §6.3).
///
/// Counting `Received` fields alone would let it go round many times, and each time those who get it here would have it once
/// more. So what is sent on for an address has a field with a mark of that address, which tells others nothing. The field
/// stays when the message is sent on from here once more, for another address.
enum LoopMarks {
    /// In lower case.
    static let fieldName = "x-letterhouse-loop"
    /// So many are looked at, and are made: octets of all such fields' values, and marks of a message.
    static let longestValue = 4096
    private static let most = 100

    /// The field for a message that is sent on; empty for others.
    static func field(for transaction: MailTransaction, _ rewriting: SenderRewriting) -> [UInt8] {
        var marks: [String] = []
        for recipient in transaction.recipients where recipient.isSentOn && marks.count < Self.most {
            let mark = rewriting.mark(of: recipient.address)
            if !marks.contains(mark) { marks.append(mark) }
        }
        guard !marks.isEmpty else { return [] }
        return Array("X-Letterhouse-Loop: \(marks.joined(separator: "\r\n\t"))\r\n".utf8)
    }

    /// The recipients for whom a message was sent on before that has fields of that value.
    static func returned(
        _ value: [UInt8],
        for transaction: MailTransaction,
        _ rewriting: SenderRewriting
    ) -> Set<EmailAddress> {
        guard !value.isEmpty else { return [] }
        let marks = Set(
            value.split { $0 == 32 || $0 == 9 || $0 == 13 || $0 == 10 }.map { String(decoding: $0, as: UTF8.self) }
        )
        let sentOn = transaction.recipients.filter(\.isSentOn).map(\.address)
        return Set(sentOn.filter { marks.contains(rewriting.mark(of: $0)) })
    }
}
