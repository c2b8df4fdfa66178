// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import JunkFilter

@Suite("Numbers of tokens") struct TokenKeyTests {
    /// The vectors of SipHash's reference implementation: key 00 01 … 0f, texts of 0, 1, 2 … octets.
    @Test(
        "SipHash-2-4",
        arguments: [
            (0, 0x726F_DB47_DD0E_0E31), (1, 0x74F8_39C5_93DC_67FD), (2, 0x0D6C_8009_D9A9_4F5A),
            (7, 0xAB02_00F5_8B01_D137), (8, 0x93F5_F579_9A93_2462), (15, 0xA129_CA61_49BE_45E5),
        ] as [(Int, UInt64)]
    )
    func vectors(count: Int, number: UInt64) throws {
        let key = try #require(TokenKey(Array(0..<16)))
        #expect(key.number(of: String(decoding: (0..<UInt8(count)), as: UTF8.self)) == number)
    }

    @Test("Each key makes numbers of its own; a key has 16 octets") func keys() throws {
        let (one, other) = (try #require(TokenKey(Array(0..<16))), try #require(TokenKey(Array(1..<17))))
        #expect(one.number(of: "word") != other.number(of: "word"))
        #expect(TokenKey([1, 2, 3]) == nil)
    }
}
