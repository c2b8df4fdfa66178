// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPSyntax
import SenderAuthentication

extension TraceFacts {
    /// What is written down of a message that a client has brought.
    init(_ view: SMTPView, _ transaction: MailTransaction, _ reception: MessageReception) {
        let service = view.role == .exchange ? "smtp" : view.role.rawValue
        self.init(
            id: reception.id,
            client: Client(
                address: view.peer.address,
                name: view.clientName,
                service: view.peer.transport == .bridge ? "\(service) through HTTP" : service,
                protocolName: TraceHeader.protocolName(view, transaction),
                tls: view.peer.security.map { "\($0.version) \($0.cipher)" },
                account: view.account?.address
            ),
            recipients: transaction.recipients.map(\.address.description),
            results: reception.results,
            reasons: reception.reasons
        )
    }
}

extension AuthenticationResults {
    /// The same in few words: `spf=pass (example.org), dmarc=pass (example.org)`.
    var summary: String {
        self.methods.map { method in
            let about = [method.properties.first?.value, method.reason].compactMap { $0 }.joined(separator: ": ")
            return "\(method.method)=\(method.result)" + (about.isEmpty ? "" : " (\(about))")
        }.joined(separator: ", ")
    }
}
