// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailRelay

@Suite("RFC 8689 §5, RFC 8460 §5.3: what a header says about TLS")
struct TLSFieldsTests {
    @Test(arguments: [
        ("Subject: x\r\n", false, false),
        ("tls-required:\tNO \r\n", true, false),
        ("TLS-Required: Yes\r\nTLS-Report-Domain: a.example\r\n", false, true),
        ("Subject: a\r\n TLS-Required: No\r\n", false, false),
        ("X-TLS-Required: No\r\n", false, false),
        ("", false, false),
    ])
    func fields(header: String, isOptional: Bool, isReport: Bool) {
        let fields = TLSFields(header: Array(header.utf8))
        #expect(fields.isOptional == isOptional)
        #expect(fields.isReport == isReport)
    }
}
