// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// What an attempt found out about a recipient.
enum Verdict: Sendable, Hashable {
    /// The host took responsibility; `knowsDSN`: for reports to the sender, too (RFC 3461 §5.2.1).
    case delivered(DeliveryStatus, knowsDSN: Bool)
    /// It is to be put into the inboxes of these accounts: the message was held for somebody here.
    case deliveredHere([AccountID])
    /// It will not work.
    case failed(DeliveryStatus)
    /// It may work later.
    case deferred(DeliveryStatus)

    /// What a negative or final reply means.
    init(_ reply: Reply, knowsDSN: Bool) {
        switch reply.severity {
        case .positiveCompletion: self = .delivered(DeliveryStatus(reply), knowsDSN: knowsDSN)
        case .permanentNegative: self = .failed(DeliveryStatus(reply))
        case .transientNegative, .positiveIntermediate: self = .deferred(DeliveryStatus(reply))
        }
    }

    var isDelivered: Bool {
        if case .delivered = self { true } else { false }
    }

    var status: DeliveryStatus {
        switch self {
        case .delivered(let status, _), .failed(let status), .deferred(let status): status
        case .deliveredHere: DeliveryStatus(EnhancedStatusCode(2, 0, 0), "delivered here")
        }
    }

    /// The same, said by or about a host.
    func at(_ host: String, tls: String?) -> Self {
        switch self {
        case .delivered(let status, let knowsDSN): .delivered(status.at(host, tls: tls), knowsDSN: knowsDSN)
        case .deliveredHere: self
        case .failed(let status): .failed(status.at(host, tls: tls))
        case .deferred(let status): .deferred(status.at(host, tls: tls))
        }
    }
}
