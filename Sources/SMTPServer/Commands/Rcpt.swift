// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// RCPT, RFC 5321 §4.1.1.3: one more recipient.
struct RcptCommand: SMTPCommand {
    static let name = "RCPT"
    static let isLastInGroup = false

    /// To how many addresses one message is sent on: all are in memory, whoever names how many aliases.
    private static let forwardLimit = 10_000

    private let path: Path
    private let parameters: Parameters

    // rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        (self.path, self.parameters) = try parser.recipient()
    }

    func run(_ view: SMTPView) async throws -> Outcome {
        guard let transaction = view.transaction else { throw Reply.mailFirst }
        guard !view.hasChunks else { throw Reply.chunksBegun }
        // RFC 5321 §4.5.3.1.10: 452, so that the client sends another message to the rest.
        guard transaction.recipients.count < view.service.options.recipientsLimit else {
            throw Reply.tooManyRecipients
        }
        if let account = view.account, !view.service.clients.mayAddress(account.id) { throw Reply.tooManyWithinHour }
        guard self.path.isASCII || transaction.isInternationalized else { throw Reply.needsSMTPUTF8 }
        try view.checkStanding(self.path)
        var recipient = try await RecipientPolicy.recipient(self.path, view)
        // One alias alone may lead to more: then it comes alone.
        let forwards = transaction.recipients.reduce(recipient.forwardCount) { $0 + $1.forwardCount }
        guard forwards <= Self.forwardLimit || forwards == recipient.forwardCount else {
            throw Reply.tooManyRecipients
        }
        try ExtensionTable.apply(self.parameters, to: &recipient, view)
        if view.mustComeAgain(for: recipient.address) {
            // Whoever only asks whether an address is there sends no message, and must not be told that it is not.
            guard transaction.reversePath == .null else { throw Reply.greylisted }
            recipient.mustComeAgain = true
        }
        return Outcome(.recipientOK, .recipient(recipient))
    }
}
