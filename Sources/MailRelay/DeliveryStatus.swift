// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Why a recipient's state is what it is: somebody else's reply, or our own finding.
struct DeliveryStatus: Sendable, Hashable {
    let code: EnhancedStatusCode
    /// The reply of the host; nil for our own finding.
    let reply: Reply?
    /// For people, without code; of a reply its text.
    let text: String
    /// The host it is about: its name, or its address if it has none.
    var host: String?

    /// What a host said.
    init(_ reply: Reply) {
        // RFC 3464 §2.3.4: made of the reply's class where the host gave no status code.
        self.code = reply.enhanced ?? EnhancedStatusCode(max(2, reply.code / 100 == 3 ? 4 : reply.code / 100), 0, 0)
        self.reply = reply
        self.text = reply.lines.filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// What we found.
    init(_ code: EnhancedStatusCode, _ text: String) {
        self.code = code
        self.reply = nil
        self.text = text
    }

    /// The same, about a host.
    func at(_ host: String) -> Self {
        var status = self
        if status.host == nil { status.host = host }
        return status
    }

    /// The most octets of ``description``: replies can be long, and go to logs and into the store.
    private static let limit = 500

    /// For logs, for operators and for what people read in reports, on one line.
    var description: String {
        let what = self.reply.map { "\($0)" } ?? "\(self.code) \(self.text)"
        let whole = self.host.map { "\($0): \(what)" } ?? what
        guard whole.utf8.count > Self.limit else { return whole }
        return String(decoding: whole.utf8.prefix(Self.limit), as: UTF8.self) + "..."
    }
}
