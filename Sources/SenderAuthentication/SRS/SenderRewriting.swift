// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage
import SMTPSyntax

/// The reverse-path of a message that we send on, in the form of the Sender Rewriting Scheme (SRS).
///
/// Whose domain publishes SPF has not allowed us to send for it, so a forwarded message goes out under an address of
/// ours, out of which the sender's can be made again when a report comes back:
/// `SRS0=code=day=example.net=eve@ours`. What another host has rewritten already becomes `SRS1`, which leads straight
/// back to the host that was first, so that addresses do not grow with each hop.
///
/// The code is an HMAC: nobody can have us send reports to an address that we have not written ourselves. Pure: the key
/// and the time are parameters.
package struct SenderRewriting: Sendable {
    /// What an address of ours stands for.
    package enum Origin: Hashable, Sendable {
        /// Only for itself.
        case itself
        /// It looks like a rewritten one and is none of ours, or is too old.
        case invalid
        /// A report to it is for this address.
        case address(EmailAddress)
    }

    /// How many days a report may come after the message went out.
    package static let lifetime: Int64 = 21

    /// Octets of the key that are wanted; any number works.
    package static let keyLength = 32

    private let key: [UInt8]

    package init(key: [UInt8]) { self.key = key }

    /// The reverse-path at `domain`, which is ours, for a message from `sender` that is sent on now.
    ///
    /// Nil if there would be more than 64 octets of local part (RFC 5321 §4.5.3.1.1), which the next host need not take.
    package func rewritten(_ sender: EmailAddress, domain: String, at time: UnixTime) -> EmailAddress? {
        let local = sender.localPart
        let text: String
        switch Self.kind(of: local) {
        case .first(let rest)?:
            let payload = "\(sender.domain)=\(rest)"
            text = "SRS1=\(self.code(payload))=\(payload)"
        case .later(let rest)?:
            // The other host's code means nothing to us; what is behind it, the first host's name and words, stays.
            guard let parts = Self.split(rest.dropFirst(), count: 3) else { fallthrough }
            let payload = "\(parts[1])=\(parts[2])"
            text = "SRS1=\(self.code(payload))=\(payload)"
        case nil:
            let payload = "\(Self.day(time))=\(sender.domain)=\(local)"
            text = "SRS0=\(self.code(payload))=\(payload)"
        }
        return try? EmailAddress(localPart: text, domain: domain)
    }

    /// What an address at one of our domains stands for.
    package func origin(of address: EmailAddress, at time: UnixTime) -> Origin {
        switch Self.kind(of: address.localPart) {
        case nil: return .itself
        case .first(let rest)?:
            guard let parts = Self.split(rest.dropFirst(), count: 4),
                self.isRight(parts[0], for: "\(parts[1])=\(parts[2])=\(parts[3])"), Self.isCurrent(parts[1], at: time),
                let origin = try? EmailAddress(localPart: parts[3], domain: parts[2])
            else { return .invalid }
            return .address(origin)
        case .later(let rest)?:
            guard let parts = Self.split(rest.dropFirst(), count: 3),
                self.isRight(parts[0], for: "\(parts[1])=\(parts[2])"),
                let origin = try? EmailAddress(localPart: "SRS0\(parts[2])", domain: parts[1])
            else { return .invalid }
            return .address(origin)
        }
    }

    /// A word that stands for an address of ours, and that nobody else can find out: lower-case letters and digits.
    package func mark(of address: EmailAddress) -> String { self.code("mark \(address)") }

    // MARK: The form

    private enum Kind {
        /// `SRS0`, with what is behind it from its separator on.
        case first(Substring)
        /// `SRS1`.
        case later(Substring)
    }

    private static func kind(of localPart: String) -> Kind? {
        let (head, rest) = (localPart.prefix(4).lowercased(), localPart.dropFirst(4))
        guard let separator = rest.first, "=+-".contains(separator) else { return nil }
        switch head {
        case "srs0": return .first(rest)
        case "srs1": return .later(rest)
        default: return nil
        }
    }

    /// Exactly `count` parts between equals signs, of which the last may have more of them.
    private static func split(_ text: Substring, count: Int) -> [String]? {
        let parts = text.split(separator: "=", maxSplits: count - 1, omittingEmptySubsequences: false)
        return parts.count == count && parts.allSatisfy { !$0.isEmpty } ? parts.map(String.init) : nil
    }

    // MARK: The day

    private static let days: Int64 = 1024

    private static func number(of time: UnixTime) -> Int64 {
        let day = (time.rawValue / 86_400) % Self.days
        return day < 0 ? day + Self.days : day
    }

    /// The day modulo 1024, in two digits of base 32.
    private static func day(_ time: UnixTime) -> String {
        let number = Int(Self.number(of: time))
        return String(decoding: [Self.digits[number >> 5], Self.digits[number & 31]], as: UTF8.self)
    }

    private static func isCurrent(_ text: String, at time: UnixTime) -> Bool {
        var then: Int64 = 0
        guard text.utf8.count == 2 else { return false }
        for octet in text.lowercased().utf8 {
            guard let digit = Self.digits.firstIndex(of: octet) else { return false }
            then = then << 5 | Int64(digit)
        }
        return (Self.number(of: time) - then + Self.days) % Self.days <= Self.lifetime
    }

    // MARK: The code

    /// Base 32, because hosts on the way back may change the case of letters.
    private static let digits = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// Forty bits of an HMAC (RFC 2104), in eight digits, of the payload whatever its case.
    private func code(_ payload: String) -> String {
        let octets = HMACSHA256.authenticationCode(for: Array(payload.lowercased().utf8), key: self.key)
        let bits = octets.prefix(5).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return String(
            decoding: stride(from: 35, through: 0, by: -5).map { Self.digits[Int(bits >> UInt64($0) & 31)] },
            as: UTF8.self
        )
    }

    private func isRight(_ code: String, for payload: String) -> Bool {
        constantTimeEquals(Array(code.lowercased().utf8), Array(self.code(payload).utf8))
    }
}
