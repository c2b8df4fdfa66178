// SPDX-License-Identifier: Apache-2.0

/// What an SPF check comes to (RFC 7208 §2.6).
package enum SPFResult: String, Sendable, Hashable, CaseIterable {
    /// No domain could be asked, or it publishes nothing.
    case none
    /// The domain says that it says nothing.
    case neutral
    case pass
    case fail
    /// The domain believes that the host is not authorized, and does not want to say so.
    case softfail
    /// Nobody could answer; another time the result may be another.
    case temperror
    /// The domain's records cannot be interpreted.
    case permerror
}

/// A result, and what it is about.
package struct SPFOutcome: Sendable, Equatable {
    package var result: SPFResult
    /// The domain whose record decided; nil where the identity holds no domain that can be asked.
    package var domain: DomainName?
    /// The mechanism that matched, as it stands in the record.
    package var mechanism: String?
    /// What the domain's owner says to whoever fails: ASCII, one line; a stranger's words.
    package var explanation: String?
    /// Why there is an error, in a few words of ours.
    package var problem: String?

    init(
        _ result: SPFResult,
        domain: DomainName? = nil,
        mechanism: String? = nil,
        explanation: String? = nil,
        problem: String? = nil
    ) {
        self.result = result
        self.domain = domain
        self.mechanism = mechanism
        self.explanation = explanation
        self.problem = problem
    }
}
