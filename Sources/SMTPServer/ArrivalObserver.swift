// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SenderAuthentication

/// Is told of mail that other servers bring and that it was found out who sent, when it has been taken or refused for that.
package struct ArrivalObserver: Sendable {
    /// What is told.
    package struct Arrival: Sendable {
        package var verdict: AuthenticationVerdict
        /// Nil if it was refused for what the author's domain wants.
        package var message: StagedMessage?
        /// It went to Junk for what the author's domain wants.
        package var isJunk: Bool
    }

    /// Must return at once: the client waits.
    let tell: @Sendable (Arrival) -> Void

    package init(_ tell: @escaping @Sendable (Arrival) -> Void) { self.tell = tell }
}
