// SPDX-License-Identifier: Apache-2.0

/// What is written down of a message with its acceptance, for who asks later what became of it, besides what
/// ``Acceptance`` says anyway.
///
/// Whoever decides something about a message on its way in (a filter, a policy) adds its words to ``reasons``.
package struct TraceFacts: Hashable, Sendable {
    /// Who brought the message, and how.
    package struct Client: Hashable, Sendable {
        /// A numeric IP address.
        package var address: String
        /// By its EHLO or HELO.
        package var name: String?
        /// What the listener is for, such as `submission`.
        package var service: String
        /// As in `Received` (RFC 3848), such as `ESMTPSA`.
        package var protocolName: String
        /// Version and cipher; nil: there was none.
        package var tls: String?
        /// The account that the client has logged in as.
        package var account: String?

        package init(
            address: String,
            name: String?,
            service: String,
            protocolName: String,
            tls: String? = nil,
            account: String? = nil
        ) {
            self.address = address
            self.name = name
            self.service = service
            self.protocolName = protocolName
            self.tls = tls
            self.account = account
        }
    }

    /// Our name for the message, an atom: `Received` and the reply to the client say it too; nil: it has none.
    package var id: String?
    /// Nil: the message was made here.
    package var client: Client?
    /// Whom the message was for when it came, before aliases were looked at.
    package var recipients: [String]
    /// What was found out about who sent it, such as `spf=pass (example.org)`; nil: nobody has asked.
    package var results: String?
    /// Why it was dealt with as it was: a sentence each, without a full stop.
    package var reasons: [String]

    package init(
        id: String? = nil,
        client: Client? = nil,
        recipients: [String] = [],
        results: String? = nil,
        reasons: [String] = []
    ) {
        self.id = id
        self.client = client
        self.recipients = recipients
        self.results = results
        self.reasons = reasons
    }
}
