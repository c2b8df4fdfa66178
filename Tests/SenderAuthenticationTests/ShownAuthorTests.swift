// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SenderAuthentication

@Suite("Whose domain a message was shown to be from") struct ShownAuthorTests {
    private static func author(_ field: String, before: String = "") -> String? {
        AuthenticationResults.shownAuthor(
            inHeader: Array("\(before)Authentication-Results: \(field)\r\nFrom: a@b.example\r\n\r\n".utf8),
            authservID: "mx.example.org"
        )
    }

    @Test(
        "By DMARC; without a policy, by SPF or a signature of the domain or one above it",
        arguments: [
            ("dmarc=pass header.from=shop.example", "shop.example"),
            ("dkim=pass header.d=evil.example; dmarc=fail header.from=shop.example", nil),
            ("dkim=pass header.d=shop.example; dmarc=temperror header.from=shop.example", nil),
            ("dkim=pass header.d=shop.example; dmarc=none header.from=shop.example", "shop.example"),
            ("dkim=pass header.d=shop.example; dmarc=none header.from=news.shop.example", "news.shop.example"),
            ("dkim=pass header.d=news.shop.example; dmarc=none header.from=shop.example", nil),
            ("dkim=fail header.d=shop.example; dmarc=none header.from=shop.example", nil),
            ("spf=pass smtp.mailfrom=shop.example; dmarc=none header.from=shop.example", "shop.example"),
            ("spf=pass smtp.helo=shop.example; dmarc=none header.from=shop.example", nil),
            ("spf=pass smtp.mailfrom=list.example; dmarc=none header.from=shop.example", nil),
            ("spf=softfail smtp.mailfrom=shop.example; dmarc=none header.from=shop.example", nil),
            ("dmarc=permerror", nil), ("none", nil),
        ] as [(String, String?)]
    )
    func author(results: String, domain: String?) {
        #expect(Self.author("mx.example.org; \(results)") == domain)
    }

    @Test("Only by a field of ours, the first") func ours() {
        #expect(Self.author("other.example; dmarc=pass header.from=shop.example") == nil)
        let ours = "Authentication-Results: mx.example.org; dmarc=fail header.from=shop.example\r\n"
        #expect(Self.author("mx.example.org; dmarc=pass header.from=shop.example", before: ours) == nil)
        let other = "Authentication-Results: other.example; dmarc=pass header.from=x.example\r\n"
        #expect(
            Self.author("mx.example.org; dmarc=pass header.from=shop.example", before: other) == "shop.example"
        )
    }
}
