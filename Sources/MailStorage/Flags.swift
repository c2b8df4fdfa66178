// SPDX-License-Identifier: Apache-2.0

/// The system flags of RFC 9051 §2.3.2 that are stored.
///
/// `\Recent` is not: a session computes it.
package struct SystemFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let seen = SystemFlags(rawValue: 1)
    package static let answered = SystemFlags(rawValue: 2)
    package static let flagged = SystemFlags(rawValue: 4)
    package static let deleted = SystemFlags(rawValue: 8)
    package static let draft = SystemFlags(rawValue: 16)
}

/// System flags and keywords by name, as clients give them.
///
/// Keywords are ASCII atoms; they compare without regard to case, and a mailbox keeps the spelling it saw first.
package struct FlagSet: Hashable, Sendable {
    package var system: SystemFlags
    package var keywords: [String]

    package init(system: SystemFlags = [], keywords: [String] = []) {
        self.system = system
        self.keywords = keywords
    }
}

/// What STORE asks for (RFC 9051 §6.4.6).
package struct FlagChange: Hashable, Sendable {
    package enum Operation: Hashable, Sendable { case replace, add, remove }
    package var operation: Operation
    package var flags: FlagSet

    package init(_ operation: Operation, _ flags: FlagSet) {
        self.operation = operation
        self.flags = flags
    }
}
