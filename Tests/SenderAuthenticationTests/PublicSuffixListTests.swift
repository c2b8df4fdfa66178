// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SenderAuthentication

@Suite("Public Suffix List") struct PublicSuffixListTests {
    /// Debian's package `publicsuffix`; Packaging/install-packages puts it there.
    private static let list = FileManager.default.contents(atPath: "/usr/share/publicsuffix/public_suffix_list.dat")
        .map { PublicSuffixList(Array($0)) }

    /// `checkPublicSuffix('a.example.com', 'example.com');` of the list's own test file.
    static let cases: [(name: String, registered: String?)] = {
        let path = "/usr/share/doc/publicsuffix/examples/test_psl.txt"
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
            guard let match = line.wholeMatch(of: #/checkPublicSuffix\('([^']*)', (?:'([^']*)'|null)\);\s*/#) else {
                return nil
            }
            return (String(match.1), match.2.map { String($0) })
        }
    }()

    @Test("There is a list, and a test of it") func present() throws {
        #expect(try TestKeys.required(Self.list).count > 8_000)
        #expect(Self.cases.count >= 70)
    }

    @Test("The list's own tests", arguments: cases) func registered(name: String, registered: String?) throws {
        let list = try TestKeys.required(Self.list)
        let result = DomainName(name).flatMap { list.registeredDomain(of: $0) }
        #expect(result == registered.flatMap { DomainName($0) })
        #expect((result == nil) == (registered == nil))
    }

    @Test("Rules, exceptions and comments") func rules() throws {
        let list = PublicSuffixList(
            octets(
                "// c\nuk\nco.uk\n\n*.ck ignored\n!www.ck\nck\njp\r\n*.kawasaki.jp\r\n!city.kawasaki.jp\n!!\n*\n\u{FF}"
            )
        )
        func organization(_ name: String) -> String? { DomainName(name).map { list.organizationalDomain(of: $0).text } }
        #expect(organization("a.b.example.co.uk") == "example.co.uk")
        #expect(organization("co.uk") == "co.uk")
        #expect(organization("a.b.c.ck") == "b.c.ck")
        #expect(organization("b.www.ck") == "www.ck")
        #expect(organization("x.city.kawasaki.jp") == "city.kawasaki.jp")
        #expect(organization("x.y.other.kawasaki.jp") == "y.other.kawasaki.jp")
        #expect(organization("a.example.unknown") == "example.unknown")
    }

    @Test("Without a list, two labels") func empty() {
        #expect(DomainName("a.b.c.d").map { PublicSuffixList().organizationalDomain(of: $0).text } == "c.d")
    }
}
