// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import MailNetwork

@Suite
struct SystemResolverTests {
    private func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        try #require(fputs(text, file) >= 0)
    }

    /// E-10: the network may come after us, and go and come again.
    @Test
    func theFileIsReadWhenItIsThereAndWhenItChanges() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("resolv.conf")
        let resolver = SystemResolver(path: path)
        #expect(throws: ResolutionError.temporaryFailure(reason: "\(path): No such file or directory")) {
            try resolver.current()
        }
        try self.write("nameserver 127.0.0.1\n", to: path)
        let first = try resolver.current()
        #expect(try resolver.current() === first)
        try self.write("nameserver 127.0.0.1\nnameserver 127.0.0.2\n", to: path)
        let second = try resolver.current()
        #expect(second !== first)
        #expect(try resolver.current() === second)
    }
}
