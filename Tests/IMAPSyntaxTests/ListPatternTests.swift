// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 9051 §6.3.9 LIST patterns")
struct ListPatternTests {
    @Test(
        "matches",
        arguments: [
            ("*", "a/b/c", true), ("%", "a", true), ("%", "a/b", false), ("a/%", "a/b", true), ("a/%", "a/b/c", false),
            ("a/*", "a/b/c", true), ("a*", "a", true), ("a%", "a", true), ("%/%", "a/b", true), ("%/%", "a", false),
            ("*/c", "a/b/c", true), ("%/c", "a/b/c", false), ("*%", "a/b", true), ("%*", "a/b", true),
            ("a%%%b", "ab", true),
            ("a%b*c", "axb/yc", true), ("a%b*c", "a/b/c", false), ("INBOX", "INBOX", true), ("inbox", "INBOX", true),
            ("iNb%", "INBOX", true), ("inbox/%", "INBOX/Sub", true), ("inbox/sub", "INBOX/Sub", false),
            ("I%x", "INBOX", true),
            ("sent", "Sent", false), ("", "a", false), ("a", "ab", false), ("ab", "a", false), ("é*", "été", true),
            ("%é", "été", true), ("\u{E9}", "e\u{301}", false), ("a**b", "a/b", true), ("*a*a*a*", "banana", true),
            ("*a*a*a*a*", "banana", false), ("inbox*", "inboxes", true), ("INBOX*", "inboxes", false),
        ]
    )
    func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(ListPattern(octets(pattern)).matches(try MailboxName(name)) == expected)
    }

    @Test(
        "the reference goes before the pattern",
        arguments: [
            ("a/", "%", "a/b", true), ("a", "/%", "a/b", true), ("", "%", "a", true), ("x/", "%", "a", false),
            ("a", "", "a", true),
        ]
    )
    func reference(_ reference: String, _ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(ListPattern(reference: octets(reference), octets(pattern)).matches(try MailboxName(name)) == expected)
    }

    @Test("patterns longer than a word of bits", arguments: [62, 63, 64, 65, 127, 128, 129, 1000])
    func longPatterns(_ length: Int) throws {
        let name = try MailboxName(String(repeating: "x", count: length - 1) + "y")
        let start = String(repeating: "x", count: length - 2)
        #expect(ListPattern(octets(name.text)).matches(name))
        #expect(ListPattern(octets(start + "%")).matches(name))
        #expect(ListPattern(octets(start + "*x*y*")).matches(name))
        #expect(ListPattern(octets("%" + start + "xy")).matches(name))
        #expect(!ListPattern(octets(start + "xx")).matches(name))
        #expect(!ListPattern(octets(start + "*xx")).matches(name))
        #expect(!ListPattern(octets(name.text + "y")).matches(name))
        #expect(!ListPattern(octets(start)).matches(name))
    }

    @Test("as going back and forth does it", arguments: UInt64(1)...500)
    func againstModel(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pattern = (0..<Int.random(in: 0...8, using: &random)).compactMap { _ in
            octets("ab/*%").randomElement(using: &random)
        }
        let letters = (0..<Int.random(in: 1...9, using: &random)).compactMap { _ in
            octets("aab/").randomElement(using: &random)
        }
        guard let name = try? MailboxName(letters, encoding: .utf8) else { return }
        #expect(ListPattern(pattern).matches(name) == Self.matches(pattern[...], octets(name.text)[...]))
    }

    private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        let isWildcard = first == UInt8(ascii: "*") || first == UInt8(ascii: "%")
        guard isWildcard else { return name.first == first && self.matches(pattern.dropFirst(), name.dropFirst()) }
        if self.matches(pattern.dropFirst(), name) { return true }
        guard let octet = name.first, first == UInt8(ascii: "*") || octet != UInt8(ascii: "/") else { return false }
        return self.matches(pattern, name.dropFirst())
    }
}
