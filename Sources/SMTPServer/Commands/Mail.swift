// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// MAIL, RFC 5321 §4.1.1.2: begins a mail transaction.
struct MailCommand: SMTPCommand {
    static let name = "MAIL"
    static let isLastInGroup = false

    private let path: Path
    private let parameters: Parameters

    // mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        (self.path, self.parameters) = try parser.mail()
    }

    func run(_ view: SMTPView) async throws -> Outcome {
        guard view.clientName != nil else { throw Reply.helloFirst }
        guard view.transaction == nil else { throw Reply.nestedMail }
        if view.role.isSubmission, view.account == nil {
            throw view.allowsPasswords ? Reply.authenticationRequired : Reply.mustStartTLS
        }
        var transaction = MailTransaction(reversePath: self.path)
        try ExtensionTable.apply(self.parameters, to: &transaction, view)
        guard self.path.isASCII || transaction.isInternationalized else { throw Reply.senderNeedsSMTPUTF8 }
        try await self.checkSender(view)
        return Outcome(.senderOK, .transaction(transaction))
    }

    /// Our users write under their own names only (RFC 6409 §6.1); anybody may send reports, whose reverse-path is null.
    private func checkSender(_ view: SMTPView) async throws {
        guard let account = view.account else { return }
        // With a null reverse-path the question remains whether the account is still there.
        let address = self.path.address?.description ?? account.address
        guard try await view.service.directory.mayUse(address, account: account.id) else { throw Reply.notYours }
    }
}
