// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SASLMechanisms

/// What all IMAP sessions of the process share.
///
/// Immutable, but for the list of sessions.
package struct IMAPService: Sendable {
    /// Limits and choices, from the settings.
    package struct Options: Sendable {
        /// The name in the greeting.
        package var hostname = "localhost"
        /// Whether STARTTLS can be offered.
        package var hasTLS = false
        /// Whether passwords may cross a connection without TLS that does not come from this machine itself.
        package var allowsPlaintext = false
        /// The largest message APPEND takes, in octets.
        package var messageLimit = 50 * 1024 * 1024
        /// Inactivity after which a session ends; never below 30 minutes (RFC 9051 §5.4).
        package var inactivityTimeout: Duration = .seconds(1800)
        /// Commands of one session that run at once, 1...16; 1 is strictly serial.
        package var concurrency = 4
        /// Wrong passwords on one connection before it is closed.
        package var loginAttempts = 5
        /// Capabilities that are not announced, in upper case, whole or without what follows the equals sign.
        ///
        /// One with a space and an address in lower case behind it is not announced to the account of that address. For clients that choke on them. COMPRESS and UNAUTHENTICATE are not even obeyed then.
        package var withheldCapabilities: Set<String> = ["COMPRESS=DEFLATE", "UNAUTHENTICATE"]

        package init() {}
    }

    package let options: Options
    package let directory: any Directory
    package let credentials: CredentialSource<Account>
    package let time: TimeSource
    /// Those there are now.
    package let sessions = SessionRegistry()

    package init(
        options: Options,
        directory: any Directory,
        credentials: CredentialSource<Account>,
        time: TimeSource
    ) {
        self.options = options
        self.directory = directory
        self.credentials = credentials
        self.time = time
    }
}
