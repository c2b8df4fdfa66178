// SPDX-License-Identifier: Apache-2.0

/// The character set that a client wants its responses to be labelled with; nothing is converted.
struct CharsetName: Sendable, Equatable {
    /// The value of `Content-Type`.
    let contentType: String
    /// Whether responses should not end in the middle of a character.
    let isUTF8: Bool

    /// No wish: text of no declared character set.
    static let none = Self(contentType: "text/plain", isUTF8: false)

    private init(contentType: String, isUTF8: Bool) {
        self.contentType = contentType
        self.isUTF8 = isUTF8
    }

    /// Reads a name; nil if it is none, or of UTF-7, in which harmless text becomes markup.
    ///
    /// charset = 1*40(ALPHA / DIGIT / "-" / "_" / "." / ":" / "+")
    init?(_ name: String) {
        guard 1...40 ~= name.utf8.count, name.utf8.allSatisfy(Self.isAllowed) else { return nil }
        let lowercased = name.lowercased()
        let letters = String(lowercased.filter { $0 != "-" && $0 != "_" })
        guard !letters.contains("utf7") else { return nil }
        self.contentType = lowercased == "binary" ? "application/octet-stream" : "text/plain; charset=\(name)"
        self.isUTF8 = letters == "utf8"
    }

    private static func isAllowed(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-_.:+".utf8.contains(octet)
        }
    }
}

/// Where UTF-8 text may be cut (RFC 3629).
enum UTF8Boundary {
    /// How many octets at the end of `octets` begin a character that is not complete: 0 to 3.
    ///
    /// What is no UTF-8 at all is complete: nothing that follows would make it right.
    static func incompleteCount(_ octets: [UInt8]) -> Int {
        for (behind, octet) in octets.suffix(3).reversed().enumerated() {
            switch octet {
            case 0x80...0xBF: continue
            case 0xC2...0xDF: return behind < 1 ? behind + 1 : 0
            case 0xE0...0xEF: return behind < 2 ? behind + 1 : 0
            case 0xF0...0xF4: return behind < 3 ? behind + 1 : 0
            default: return 0
            }
        }
        return 0
    }
}
