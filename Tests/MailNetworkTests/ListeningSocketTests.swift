// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import MailNetwork

@Suite
struct ListeningSocketTests {
    @Test
    func aPortThatIsTakenIsNamed() throws {
        let first = try #require(try ListeningSocket.bind(host: "127.0.0.1", port: 0).first)
        defer { close(first) }
        let port = try #require(ListeningSocket.port(of: first))
        let error = #expect(throws: ListeningSocketError.self) {
            try ListeningSocket.bind(host: "127.0.0.1", port: port)
        }
        #expect(error?.description == "port \(port) is in use: Address already in use")
    }

    @Test
    func bothFamiliesCanHaveTheSamePort() throws {
        guard let six = try? ListeningSocket.bind(host: "::", port: 0).first else { return }
        defer { close(six) }
        let port = try #require(ListeningSocket.port(of: six))
        let four = try ListeningSocket.bind(host: "0.0.0.0", port: port)
        for descriptor in four { close(descriptor) }
        #expect(four.count == 1)
    }

    @Test func aUnixSocketReplacesOneThatIsLeftOverAndNothingElse() throws {
        let path = "/tmp/letterhouse-socket-\(UInt32.random(in: .min ... .max))"
        defer { unlink(path) }
        let first = try ListeningSocket.bind(path: path)
        close(first)
        let second = try ListeningSocket.bind(path: path)
        close(second)
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o666)
        unlink(path)
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        close(file)
        #expect(throws: ListeningSocketError("\(path) is there, and is no socket")) {
            try ListeningSocket.bind(path: path)
        }
        let long = "/tmp/" + String(repeating: "x", count: 120)
        #expect(throws: ListeningSocketError("\(long) is too long for a socket")) {
            try ListeningSocket.bind(path: long)
        }
    }

    @Test(arguments: [-1, 65_536])
    func portsHaveSixteenBits(port: Int) {
        #expect(throws: ListeningSocketError("port \(port) is not a number from 0 to 65535")) {
            try ListeningSocket.bind(host: "127.0.0.1", port: port)
        }
    }

    @Test
    func foreignAddressesAreRefused() {
        let error = #expect(throws: ListeningSocketError.self) {
            try ListeningSocket.bind(host: "192.0.2.1", port: 0)
        }
        #expect(error?.description.hasPrefix("192.0.2.1 is not an address of this host") == true)
    }
}

@Suite
struct ListeningAddressesTests {
    private func bind(_ host: String) throws -> (descriptor: CInt, port: Int) {
        let descriptor = try #require(try ListeningSocket.bind(host: host, port: 0).first)
        return (descriptor, try #require(ListeningSocket.port(of: descriptor)))
    }

    @Test
    func aSocketIsWhereItIsBound() throws {
        let (descriptor, port) = try self.bind("127.0.0.7")
        defer { close(descriptor) }
        #expect(ListeningAddresses(of: [descriptor], port: port).current == ["127.0.0.7"])
        #expect(ListeningAddresses(of: [descriptor], port: port ^ 1).current == [])
        #expect(ListeningAddresses(of: [], port: port).current == [])
    }

    @Test
    func aSocketBoundToNoAddressIsAtAll() throws {
        let (descriptor, port) = try self.bind("0.0.0.0")
        defer { close(descriptor) }
        let addresses = ListeningAddresses(of: [descriptor], port: port).current
        #expect(addresses.contains("127.0.0.1"))
        #expect(!addresses.contains { $0.contains(":") })
        guard let (six, sixPort) = try? self.bind("::") else { return }
        defer { close(six) }
        #expect(ListeningAddresses(of: [six], port: sixPort).current.contains { $0 == "::1" })
        #expect(!ListeningAddresses(of: [six], port: sixPort).current.contains("127.0.0.1"))
    }

    @Test
    func aUnixSocketIsNowhere() {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        #expect(ListeningAddresses(of: [descriptor], port: 25).current == [])
    }
}

@Suite
struct ActivatedSocketsTests {
    @Test
    func socketsAreSortedByName() throws {
        let a = try #require(try ListeningSocket.bind(host: "127.0.0.1", port: 0).first)
        let b = try #require(try ListeningSocket.bind(host: "127.0.0.1", port: 0).first)
        let c = try #require(try ListeningSocket.bind(host: "127.0.0.1", port: 0).first)
        defer { for descriptor in [a, b, c] { close(descriptor) } }
        let sockets = try ActivatedSockets([("imap", a), ("smtp", b), ("imap", c)])
        #expect(sockets.byName == ["imap": [a, c], "smtp": [b]])
    }

    @Test
    func otherNamesAreRefused() throws {
        let error = #expect(throws: ListeningSocketError.self) { try ActivatedSockets([("letterhouse.socket", 3)]) }
        #expect(
            error?.description
                == "descriptor 3 must be named one of: http, imap, imaps, lmtp, smtp, submission, submissions"
        )
    }

    @Test
    func whatDoesNotListenIsRefused() throws {
        let datagram = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        let silent = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer {
            close(datagram)
            close(silent)
        }
        for descriptor in [datagram, silent] {
            #expect(throws: ListeningSocketError("descriptor \(descriptor) (imap) is not a listening stream socket")) {
                try ActivatedSockets([("imap", descriptor)])
            }
        }
    }

    @Test
    func withoutActivationThereIsNothing() throws {
        #expect(try ActivatedSockets.inherited().byName.isEmpty)
    }
}
