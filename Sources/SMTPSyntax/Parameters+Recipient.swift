// SPDX-License-Identifier: Apache-2.0

/// The known parameters of RCPT. Each throws `SyntaxError` if its value is not what its RFC defines: reply 501.
extension Parameters {
    /// NOTIFY, when to report on this recipient (RFC 3461 §4.1); nil is not the same as ``NotifyConditions/never``.
    package func notify() throws(SyntaxError) -> NotifyConditions? {
        guard let value = try self.value("NOTIFY") else { return nil }
        guard let conditions = NotifyConditions(value: value) else {
            throw SyntaxError(expected: "NEVER or a list of SUCCESS, FAILURE, DELAY")
        }
        return conditions
    }

    /// ORCPT, the address that the sender had written (RFC 3461 §4.2).
    package func originalRecipient() throws(SyntaxError) -> OriginalRecipient? {
        guard let value = try self.value("ORCPT") else { return nil }
        guard value.utf8.count <= OriginalRecipient.limit else {
            throw SyntaxError(expected: "ORCPT of at most \(OriginalRecipient.limit) octets")
        }
        return try OriginalRecipient(value: value)
    }
}

/// When a report about a recipient is wanted (RFC 3461 §4.1).
package struct NotifyConditions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let success = Self(rawValue: 1)
    package static let failure = Self(rawValue: 2)
    package static let delay = Self(rawValue: 4)
    /// No report of any kind.
    package static let never: Self = []

    /// Reads the value of NOTIFY.
    ///
    /// notify-esmtp-value = "NEVER" / 1#notify-list-element
    ///
    /// notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
    init?(value: String) {
        var conditions: Self = []
        if !value.utf8.isKeyword("NEVER") {
            for element in value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                if element.isKeyword("SUCCESS") {
                    conditions.insert(.success)
                } else if element.isKeyword("FAILURE") {
                    conditions.insert(.failure)
                } else if element.isKeyword("DELAY") {
                    conditions.insert(.delay)
                } else {
                    return nil
                }
            }
        }
        self = conditions
    }

    /// The value as it is sent: `SUCCESS,DELAY`.
    package var value: String {
        let names = [(Self.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY")]
        let elements = names.filter { self.contains($0.0) }.map(\.1)
        return elements.isEmpty ? "NEVER" : elements.joined(separator: ",")
    }
}

extension Parameter {
    package static func notify(_ conditions: NotifyConditions) -> Self { Self("NOTIFY", conditions.value) }

    /// ORCPT; nil if the value would be longer than RFC 3461 §4.2 allows.
    package static func originalRecipient(_ recipient: OriginalRecipient) -> Self? {
        let value = recipient.value
        return value.utf8.count <= OriginalRecipient.limit ? Self("ORCPT", value) : nil
    }
}
