// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

private func encoded(
    _ buffers: [[UInt8]],
    for transfer: DotStuffing.Encoder.Transfer = .data
) -> (wire: [UInt8], isUnaltered: Bool) {
    var encoder = DotStuffing.Encoder(for: transfer)
    var wire: [UInt8] = []
    for buffer in buffers { encoder.encode(buffer[...], into: &wire) }
    encoder.finish(into: &wire)
    return (wire, encoder.isUnaltered)
}

/// What a server that follows the RFC receives; nil if it refuses or if more than one message comes out.
private func received(_ wire: [UInt8]) -> [UInt8]? {
    var decoder = DotStuffing.Decoder()
    var unread = wire[...]
    var content: [UInt8] = []
    while let event = decoder.decode(&unread) {
        switch event {
        case .content(let run): content += run
        case .end: return unread.isEmpty ? content : nil
        case .refused: return nil
        }
    }
    return nil
}

/// Canonical line ends, by the definition: every CRLF, CR and LF is a line end; NUL is nothing.
private func canonical(_ content: [UInt8]) -> [UInt8] {
    var lines: [UInt8] = []
    var previous: UInt8 = 0x0A
    for (index, octet) in content.enumerated() where octet != 0 {
        if octet == 0x0A, index > 0, content[index - 1] == 0x0D { continue }
        lines += octet == 0x0A || octet == 0x0D ? [0x0D, 0x0A] : [octet]
        previous = lines.last ?? previous
    }
    return previous == 0x0A ? lines : lines + [0x0D, 0x0A]
}

@Suite("RFC 5321 §4.5.2 Transparency: sending") struct DotStuffingEncoderTests {
    @Test(
        "Canonical content is stuffed and ended, at every split",
        arguments: [
            ("", ".\r\n"),
            ("\r\n", "\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("..a\r\n.b\r\na.\r\n", "...a\r\n..b\r\na.\r\n.\r\n"),
            ("\r\n.\r\n.\r\n", "\r\n..\r\n..\r\n.\r\n"),
        ]
    )
    func canonicalContent(content: String, wire: String) {
        for buffers in cuts([UInt8](content)) {
            let result = encoded(buffers)
            #expect(result.wire.text == wire)
            #expect(result.isUnaltered)
        }
    }

    @Test(
        "S-15: anything else becomes canonical before it is stuffed, at every split",
        arguments: [
            ("a", "a\r\n.\r\n"),
            ("a\n", "a\r\n.\r\n"),
            ("a\r", "a\r\n.\r\n"),
            ("a\r.b\r\n", "a\r\n..b\r\n.\r\n"),
            ("a\n.\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\r\n.\r\n", "a\r\n\r\n..\r\n.\r\n"),
            ("\n\r\n", "\r\n\r\n.\r\n"),
            ("a\0b\r\n", "ab\r\n.\r\n"),
            ("a\r\n\0.\r\n", "a\r\n..\r\n.\r\n"),
            ("a\r\0\n", "a\r\n\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
        ]
    )
    func otherContent(content: String, wire: String) {
        for buffers in cuts([UInt8](content)) {
            let result = encoded(buffers)
            #expect(result.wire.text == wire)
            #expect(!result.isUnaltered)
        }
    }

    @Test("S-15: no fake end gets onto the wire as one, at every split", arguments: FakeEnd.sequences + FakeEnd.atStart)
    func smuggling(fake: String) {
        for content in [fake, "body" + fake, "body" + fake + "RSET\r\n", fake + fake] {
            let octets = [UInt8](content)
            for buffers in cuts(octets) {
                #expect(received(encoded(buffers).wire) == canonical(octets))
                #expect(encoded(buffers, for: .chunks).wire == canonical(octets))
            }
        }
    }

    @Test("Random octets arrive canonical, however they are cut", arguments: 0..<200)
    func random(seed: UInt64) {
        var generator = Seeded(seed)
        let alphabet = [UInt8]("\r\n\r\n..a\0\t")
        let content = (0..<60).compactMap { _ in alphabet.randomElement(using: &generator) }
        let expected = canonical(content)
        for buffers in cuts(content) {
            let result = encoded(buffers)
            #expect(received(result.wire) == expected)
            #expect(result.isUnaltered == (expected == content))
        }
    }
}
