// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// A message's identifier, the same for all whose immutable data are the same: EMAILID (RFC 8474 §5.1).
///
/// It is made of the octets' digest and the internal date, and says nothing about who else has the same octets.
package struct EmailID: Hashable, Sendable {
    /// The first octets of the digest that it is made of.
    package static let digestLength = 16

    /// The first ``digestLength`` octets of the digest.
    package let digest: [UInt8]
    package let internalDate: MessageDate

    /// `digest`: SHA-256 of the message's octets.
    package init(digest: [UInt8], internalDate: MessageDate) {
        self.digest = Array(digest.prefix(Self.digestLength))
        self.internalDate = internalDate
    }

    /// Reads what ``text`` writes, and nothing else.
    package init?(_ text: String) {
        guard text.utf8.count <= 64, text.hasPrefix("M") else { return nil }
        let fields = text.dropFirst().split(separator: "_", omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0].utf8.count == Self.digestLength * 2,
            let time = Int64(fields[1]), let zone = Int(fields[2])
        else { return nil }
        var digest: [UInt8] = []
        var rest = fields[0].utf8[...]
        while !rest.isEmpty {
            guard let octet = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
            digest.append(octet)
            rest = rest.dropFirst(2)
        }
        self.init(
            digest: digest,
            internalDate: MessageDate(time: UnixTime(rawValue: time), zoneOffsetMinutes: zone)
        )
        guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
    }

    /// At most 64 letters, digits, `-` and `_`.
    package var text: String {
        let date = self.internalDate
        return "M\(Self.hexadecimal(self.digest))_\(date.time.rawValue)_\(date.zoneOffsetMinutes)"
    }

    /// Two digits for each octet, in lower case.
    package static func hexadecimal(_ octets: some Sequence<UInt8>) -> String {
        var digits: [UInt8] = []
        for octet in octets {
            for value in [octet >> 4, octet & 15] {
                digits.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
