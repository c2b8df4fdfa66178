// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Why a recipient's state is what it is: somebody else's reply, or our own finding.
struct DeliveryStatus: Sendable, Hashable {
    let code: EnhancedStatusCode
    /// The reply of the host, cut off at ``replyLimit``; nil if none came.
    let reply: Reply?
    /// For people, without code; nil where the reply says it.
    private let finding: String?
    /// The host it is about: its name, or its address if it has none.
    var host: String?
    /// Of the connection on which the host said it: `TLSv1.3`, and whether it has shown who it is; nil: there was none.
    var tls: String?

    /// What a host said.
    init(_ reply: Reply) {
        // RFC 3464 §2.3.4: made of the reply's class where the host gave no status code.
        let code = reply.enhanced ?? EnhancedStatusCode(max(2, reply.code / 100 == 3 ? 4 : reply.code / 100), 0, 0)
        self.init(code: code, reply: reply.truncated(to: Self.replyLimit), finding: nil, host: nil)
    }

    /// What we found.
    init(_ code: EnhancedStatusCode, _ finding: String) {
        self.init(code: code, reply: nil, finding: finding, host: nil)
    }

    private init(code: EnhancedStatusCode, reply: Reply?, finding: String?, host: String?) {
        self.code = code
        self.reply = reply
        self.finding = finding
        self.host = host
    }

    /// The same, about a host, and what it said under TLS.
    func at(_ host: String, tls: String? = nil) -> Self {
        var status = self
        if status.host == nil { (status.host, status.tls) = (host, tls) }
        return status
    }

    /// What we conclude from it; the reply and its host are still told in reports.
    func concluding(_ code: EnhancedStatusCode, _ finding: String) -> Self {
        Self(code: code, reply: self.reply, finding: "\(finding): \(self.description)", host: self.host)
    }

    /// The most octets of a reply's text: it is kept for each recipient, and goes into reports.
    static let replyLimit = 1_000
    /// The most octets of ``description``, which goes to logs and into the store.
    static let descriptionLimit = 500

    /// For logs, for operators and for what people read in reports, on one line.
    var description: String {
        let whole =
            switch (self.reply, self.finding, self.host) {
            case (nil, let finding?, let host?): "\(host): \(self.code) \(finding)"
            case (_, let finding?, _): "\(self.code) \(finding)"
            case (let reply?, nil, let host?): "\(host): \(reply)"
            case (let reply?, nil, nil): "\(reply)"
            case (nil, nil, _): "\(self.code)"
            }
        return whole.truncated(to: Self.descriptionLimit)
    }
}

extension Reply {
    /// The reply with at most so many octets of text.
    fileprivate func truncated(to limit: Int) -> Reply {
        guard self.lines.reduce(0, { $0 + $1.utf8.count }) > limit else { return self }
        var left = limit
        var lines: [String] = []
        for line in self.lines where left > 0 {
            lines.append(line.truncated(to: left))
            left -= line.utf8.count
        }
        return Reply(self.code, self.enhanced, lines)
    }
}

extension String {
    /// The beginning, of at most so many octets, and a mark behind it if that is not all.
    fileprivate func truncated(to limit: Int) -> String {
        guard self.utf8.count > limit else { return self }
        var end = self.utf8.index(self.startIndex, offsetBy: limit)
        while end.samePosition(in: self.unicodeScalars) == nil { end = self.utf8.index(before: end) }
        return "\(self[..<end])..."
    }
}
