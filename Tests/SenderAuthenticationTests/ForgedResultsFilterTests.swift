// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@testable import SenderAuthentication

@Suite("RFC 8601 §5, while the header passes by") struct ForgedResultsFilterTests {
    private func filtered(_ header: [UInt8], pieces: [Int]) -> [UInt8] {
        var filter = ForgedResultsFilter(authservID: "mx.example.org")
        var kept: [UInt8] = []
        var start = 0
        for end in pieces + [header.count] {
            kept += filter.filter(header[start..<end])
            start = end
        }
        return kept + filter.finish()
    }

    private static let headers = [
        "", "From: a@example.org\r\n", "Authentication-Results: mx.example.org; spf=pass\r\nFrom: a@example.org\r\n",
        "From: a@example.org\r\nAuthentication-Results: mx.example.org; spf=pass",
        "Authentication-Results: other.example; spf=pass\r\nAuthentication-Results: mx.example.org\r\n\t; none\r\nA: b\r\n",
        "AUTHENTICATION-RESULTS  \t:\r\n mx.example.org;\r\n none\r\nAuthentication-Resultsx: mx.example.org; none\r\n",
        "Authentication-Result: mx.example.org; none\r\n\r\nA: b\r\n",
        " a\r\n Authentication-Results: mx.example.org; x=y\r\n",
        "A: b\r\n Authentication-Results: mx.example.org; x=y\r\nAuthentication-Results: \"mx.example.org\"; x=y\r\n",
        "Authentication-Results: (unclosed mx\r\nB: c\r\n", "Authentication-Results: mx.example.org.; x\nA: b\n",
    ]

    @Test("What the whole header would lose is lost, however it is cut", arguments: headers)
    func splits(header: String) {
        let octets = octets(header)
        let expected = AuthenticationResults.removingForged(from: octets[...], authservID: "mx.example.org")
        #expect(
            String(decoding: self.filtered(octets, pieces: []), as: UTF8.self)
                == String(decoding: expected, as: UTF8.self)
        )
        #expect(self.filtered(octets, pieces: Array(0..<octets.count)) == expected)
        for cut in octets.indices { #expect(self.filtered(octets, pieces: [cut]) == expected, "cut at \(cut)") }
    }

    @Test("Other fields that only we give go too, whatever they say, and none that is only called alike")
    func otherNames() {
        let header = octets(
            "X-Ours: a\r\n b\r\nX-Our: c\r\nx-OURS : d\r\nX-Ours2: e\r\nA: f\r\nAuthentication-Results: mx.example.org; none\r\n"
                + "X-Oursel: g\r\nXY: h\r\nX-Ours\r\nY: i"
        )
        let expected = octets("X-Our: c\r\nX-Ours2: e\r\nA: f\r\nX-Oursel: g\r\nXY: h\r\nY: i")
        for cut in header.indices {
            var filter = ForgedResultsFilter(authservID: "mx.example.org", removing: ["XY-Other", "X-Ours"])
            let kept = filter.filter(header[..<cut]) + filter.filter(header[cut...]) + filter.finish()
            #expect(kept == expected, "cut at \(cut)")
        }
    }

    @Test("The name without a colon, or with one on the next line, which some readers find, goes")
    func nameOnly() {
        for forged in ["Authentication-Results\r\n", "Authentication-Results\r\n : mx.example.org; none\r\n"] {
            let header = octets("A: b\r\n\(forged)C: d\r\n")
            for size in [1, 7, header.count] {
                let pieces = Array(stride(from: size, to: header.count, by: size))
                #expect(self.filtered(header, pieces: pieces) == octets("A: b\r\nC: d\r\n"))
            }
        }
    }

    @Test("A longer one than anybody writes goes, whatever it says, and nothing else") func tooLong() {
        let long = octets("Authentication-Results: other.example;") + [UInt8](repeating: 0x20, count: 70_000)
        let header = octets("A: b\r\n") + long + octets("\r\n x\r\nC: d\r\n")
        #expect(self.filtered(header, pieces: []) == octets("A: b\r\nC: d\r\n"))
        #expect(
            self.filtered(header, pieces: Array(stride(from: 0, to: header.count, by: 1000)))
                == octets("A: b\r\nC: d\r\n")
        )
        let blank =
            octets("Authentication-Results") + [UInt8](repeating: 0x20, count: 70_000) + octets("x\r\n y\r\nC: d\r\n")
        #expect(self.filtered(blank, pieces: []) == octets("C: d\r\n"))
    }

    @Test("A long field of another name passes") func longOther() {
        let header = octets("A: ") + [UInt8](repeating: 0x61, count: 200_000) + octets("\r\nC: d\r\n")
        #expect(self.filtered(header, pieces: [10, 100, 1000]) == header)
    }
}

extension AuthenticationResults {
    /// A header, all of it there, without the fields that claim to be ours; what follows its empty line stays.
    static func removingForged(from header: ArraySlice<UInt8>, authservID: String) -> [UInt8] {
        var result: [UInt8] = []
        var fields = HeaderParser(header)
        while let field = fields.next() {
            if !self.isForged(field, authservID: authservID) { result += field.octets }
        }
        return result + header[fields.position...]
    }
}
