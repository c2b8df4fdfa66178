// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cryptography

private func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("SHA-256 (FIPS 180-4)")
struct SHA256Tests {
    @Test(
        "Known digests",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ]
    )
    func known(_ text: String, _ digest: String) {
        #expect(Hexadecimal.encode(SHA256.hash(octets(text))) == digest)
        for cut in 0...text.utf8.count {
            var hash = SHA256()
            hash.update(octets(text).prefix(cut))
            hash.update(Array(octets(text).dropFirst(cut)).span)
            #expect(Hexadecimal.encode(hash.finalize()) == digest)
        }
    }

    @Test("After finalize() it begins anew")
    func again() {
        var hash = SHA256()
        hash.update(octets("something"))
        _ = hash.finalize()
        hash.update(octets("abc"))
        #expect(hash.finalize() == SHA256.hash(octets("abc")))
    }

    @Test("A million times a")
    func million() {
        var hash = SHA256()
        for _ in 0..<1_000 { hash.update([UInt8](repeating: UInt8(ascii: "a"), count: 1_000)) }
        let digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        #expect(Hexadecimal.encode(hash.finalize()) == digest)
    }
}

@Suite("RFC 4231 §4: HMAC-SHA-256")
struct HMACSHA256Tests {
    @Test(
        "Test cases",
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), octets("Hi There"),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                octets("Jefe"), octets("what do ya want for nothing?"),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131),
                octets("Test Using Larger Than Block-Size Key - Hash Key First"),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ]
    )
    func known(_ key: [UInt8], _ message: [UInt8], _ code: String) {
        #expect(Hexadecimal.encode(HMACSHA256.authenticationCode(for: message, key: key)) == code)
    }
}

@Suite("RFC 7914 §11: PBKDF2-HMAC-SHA-256")
struct PBKDF2Tests {
    @Test("Test cases, their first 32 octets")
    func known() {
        #expect(
            Hexadecimal.encode(PBKDF2.sha256(password: octets("passwd"), salt: octets("salt"), iterations: 1))
                == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        )
        #expect(
            Hexadecimal.encode(PBKDF2.sha256(password: octets("Password"), salt: octets("NaCl"), iterations: 80_000))
                == "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        )
    }

    @Test("An empty password and an empty salt are octet strings too")
    func empty() {
        let empty = PBKDF2.sha256(password: [], salt: [], iterations: 1)
        #expect(empty == HMACSHA256.authenticationCode(for: [0, 0, 0, 1], key: []))
    }
}

@Suite("Comparison and random octets")
struct RandomTests {
    @Test("Octet strings are equal if all octets are")
    func equality() {
        #expect(constantTimeEquals([], []))
        #expect(constantTimeEquals([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEquals([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEquals([0, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEquals([1, 2], [1, 2, 3]))
    }

    @Test("Random octets are as many as asked for, and not the same twice", arguments: [0, 1, 16, 1_000])
    func random(_ count: Int) throws {
        let first = try Random.octets(count)
        #expect(first.count == count)
        if count >= 16 { #expect(try Random.octets(count) != first) }
    }
}

/// RFC 3174 §7.3, and RFC 6455 §1.3.
@Suite("SHA-1") struct SHA1Tests {
    @Test(
        "Known digests",
        arguments: [
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"), ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (
                "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                "b37a4f2cc0624f1690f64606cf385945b2bec4ea"
            ),
        ]
    )
    func known(text: String, digest: String) {
        #expect(SHA1.hash(Array(text.utf8)).map(Hexadecimal.encode) == digest)
    }
}
