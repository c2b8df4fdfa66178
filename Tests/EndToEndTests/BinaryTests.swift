// SPDX-License-Identifier: Apache-2.0

import Testing

extension EndToEnd {
    /// What the built program is made of.
    @Suite("The binary") struct BinaryTests {
        /// Whether these letters are somewhere in it: names of symbols are.
        private static func contains(_ text: String) async throws -> Bool {
            let found = try await Program.run(
                "grep",
                ["--quiet", "--text", "--fixed-strings", text, TestAppliance.program]
            )
            try #require(found.status < 2, "\(found.output)")
            return found.status == 0
        }

        @Test("The one library of cryptography is the system's OpenSSL, which apt patches") func cryptography()
            async throws
        {
            let libraries = try await Program.succeed("ldd", [TestAppliance.program])
            #expect(libraries.contains("libssl.so.") && libraries.contains("libcrypto.so."))
            // Both swift-nio-ssl and swift-crypto bring a BoringSSL, and give its symbols prefixes with its name.
            for brought in ["BoringSSL", "NIOSSL", "_CryptoExtras"] {
                #expect(try await !Self.contains(brought), "\(brought) has come into the program")
            }
            // So they would be found.
            for known in ["HummingbirdCore", "NIOPosix", "SSL_CTX_new"] { #expect(try await Self.contains(known)) }
        }
    }
}
