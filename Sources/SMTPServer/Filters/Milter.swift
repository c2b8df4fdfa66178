// SPDX-License-Identifier: Apache-2.0

import MilterClient

/// A filter that is asked about messages, by the milter protocol.
package struct Milter: Sendable {
    /// What becomes of messages while it does not answer.
    package enum WhenUnreachable: String, Sendable, CaseIterable {
        /// They are taken as if there were no filter.
        case accept
        /// Their senders have to come again.
        case tempfail
    }

    /// Its name in the log.
    let name: String
    let connector: any MilterConnector
    /// How long each of its answers may take; the one to the end of the message, too.
    let timeout: Duration
    let whenUnreachable: WhenUnreachable
    /// Where the messages come that it is asked about.
    let roles: Set<SMTPRole>

    package init(
        name: String,
        connector: any MilterConnector,
        timeout: Duration,
        whenUnreachable: WhenUnreachable,
        roles: Set<SMTPRole>
    ) {
        self.name = name
        self.connector = connector
        self.timeout = timeout
        self.whenUnreachable = whenUnreachable
        self.roles = roles
    }
}
