// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What was answered to requests that must not be done twice, for when they come again.
///
/// It outlives the process. A request whose answer is not known may have been done: whoever begins one and does not come to
/// its end has lost its answer. All methods throw ``StoreError``.
package protocol ReplayStore: Sendable {
    /// What is known of a request, if it was begun in the last 24 hours; nil if nothing is.
    func replay(of key: [UInt8], at time: UnixTime) async throws -> Replay?
    /// Enters a request before it is done; the oldest ones of an account that has too many are forgotten.
    func begin(_ replay: Replay, of key: [UInt8], for account: AccountID, at time: UnixTime) async throws
    /// Enters the answer to a request; nil: it was not done, and may be done when it comes again.
    func end(_ key: [UInt8], answer: [UInt8]?) async throws
}

/// A request that must not be done twice.
package struct Replay: Sendable, Hashable {
    /// How long one is known.
    package static let lifetime: Int64 = 86_400
    /// How many of an account are known.
    package static let accountLimit: Int64 = 1000

    /// Tells the same request from another with the same key.
    package var fingerprint: [UInt8]
    /// Empty if it is not known.
    package var answer: [UInt8]

    package init(fingerprint: [UInt8], answer: [UInt8] = []) {
        self.fingerprint = fingerprint
        self.answer = answer
    }
}
