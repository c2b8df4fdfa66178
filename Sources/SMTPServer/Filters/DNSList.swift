// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication

/// A list of addresses in DNS: who is on it is known for sending spam, or for not doing so (RFC 5782).
package struct DNSList: Hashable, Sendable {
    /// Answers that a list may give: `127.0.0.2`, or `127.0.0-255.1-3` for ranges of numbers.
    struct Codes: Hashable, Sendable {
        /// The four numbers, each within its range.
        let ranges: [ClosedRange<UInt8>]

        init?(_ text: Substring) {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0] == "127" else { return nil }
            var ranges: [ClosedRange<UInt8>] = []
            for part in parts {
                let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                guard ends.count <= 2, let first = Self.number(ends.first), let last = Self.number(ends.last),
                    first <= last
                else { return nil }
                ranges.append(first...last)
            }
            self.ranges = ranges
        }

        private static func number(_ text: Substring?) -> UInt8? {
            guard let text, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return UInt8(text)
        }

        func contains(_ octets: [UInt8]) -> Bool { zip(self.ranges, octets).allSatisfy { $0.contains($1) } }
    }

    /// What an answer means (RFC 5782 §2.1, §2.3).
    enum Answer: Sendable, Equatable {
        case listed
        /// Not in the list, or with a code that does not count.
        case unlisted
        /// The list does not answer us: too many questions, or through the wrong resolver.
        case refused
        /// Nobody could say.
        case unknown
    }

    let zone: DomainName
    /// The answers that count; empty: all that mean a listing.
    let codes: [Codes]

    /// Reads a zone, and behind it the codes that count, if not all do: `list.example.org 127.0.0.2 127.0.0.4-7`.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard let first = words.first, first.contains("."), let zone = DomainName(first) else { return nil }
        let codes = words.dropFirst().map { Codes($0) }
        self.zone = zone
        self.codes = codes.compactMap(\.self)
        guard self.codes.count == codes.count else { return nil }
    }

    /// Where the list says something about an address (RFC 5782 §2.1, §2.4); nil if the zone's name is too long.
    func name(of address: IPAddress) -> DomainName? { DomainName("\(address.reversedLabels).\(self.zone)") }

    /// What the records at that name mean; `counting`: whether the list's codes matter.
    func meaning(of answer: NameAnswer<IPAddress>, counting: Bool = true) -> Answer {
        switch answer {
        case .noSuchName, .noData: return .unlisted
        case .temporaryFailure: return .unknown
        case .found(let addresses):
            // Others are those of somebody who has bought the domain: a list's answers are of 127.0.0.0/8.
            let codes = addresses.filter { $0.family == .ipv4 }.map(\.octets).filter { $0.first == 127 }
            let isListed = codes.contains { code in
                if Self.isRefusal(code) { return false }
                if !counting { return true }
                // As an answer, 127.0.0.1 is what lists say to those whom they do not answer.
                return code != [127, 0, 0, 1] && (self.codes.isEmpty || self.codes.contains { $0.contains(code) })
            }
            return isListed ? .listed : codes.contains(where: Self.isRefusal) ? .refused : .unlisted
        }
    }

    /// 127.255.255.0/24, by which large lists refuse to answer.
    private static func isRefusal(_ code: [UInt8]) -> Bool { code.starts(with: [127, 255, 255]) }
}
