// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Pieces of the formal syntax of SCRAM messages (RFC 5802 §7) that both sides read and write.
enum ScramMessage {
    /// A fresh nonce: 24 printable characters without comma.
    static func makeNonce() throws(OpenSSLError) -> String {
        String(decoding: Base64.encode(try Random.octets(18)), as: UTF8.self)
    }

    /// The attributes of a message, in order; nil if one is none.
    ///
    ///     attr-val = ALPHA "=" value
    ///     value    = 1*value-char      ; UTF8-char except NUL and ","
    static func attributes(_ message: ArraySlice<UInt8>) -> [(name: UInt8, value: ArraySlice<UInt8>)]? {
        var attributes: [(name: UInt8, value: ArraySlice<UInt8>)] = []
        for field in message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard field.count >= 3, field[field.startIndex + 1] == UInt8(ascii: "=") else { return nil }
            let name = field[field.startIndex]
            guard (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(name | 0x20), !field.contains(0) else { return nil }
            attributes.append((name, field.dropFirst(2)))
        }
        return attributes
    }

    /// Whether a value may be a nonce.
    ///
    ///     printable = %x21-2B / %x2D-7E      ; printable ASCII except ","
    static func isNonce(_ value: ArraySlice<UInt8>) -> Bool {
        value.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") } && !value.isEmpty
    }

    /// The name that was written so, prepared; nil if it is none.
    ///
    ///     saslname = 1*(value-safe-char / "=2C" / "=3D")
    static func name(_ value: ArraySlice<UInt8>) -> String? {
        var octets: [UInt8] = []
        octets.reserveCapacity(value.count)
        var rest = value
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "=") else {
                octets.append(octet)
                continue
            }
            switch (rest.popFirst(), rest.popFirst()) {
            case (UInt8(ascii: "2"), UInt8(ascii: "C")): octets.append(UInt8(ascii: ","))
            case (UInt8(ascii: "3"), UInt8(ascii: "D")): octets.append(UInt8(ascii: "="))
            default: return nil
            }
        }
        return PreparedString.prepare(octets)
    }

    /// A name as it is written: the reverse of ``name(_:)``.
    static func saslname(_ name: String) -> [UInt8] {
        name.utf8.flatMap { octet in
            switch octet {
            case UInt8(ascii: ","): Array("=2C".utf8)
            case UInt8(ascii: "="): Array("=3D".utf8)
            default: [octet]
            }
        }
    }

    /// A positive number of at most nine digits; nil if it is none.
    ///
    ///     posit-number = %x31-39 *DIGIT
    static func positiveNumber(_ value: ArraySlice<UInt8>) -> Int? {
        guard (1...9).contains(value.count), value.first != UInt8(ascii: "0") else { return nil }
        var number = 0
        for digit in value {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number
    }
}
