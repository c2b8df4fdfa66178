// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import Cryptography

/// A sink in an array, as small as its rules allow, so that growing is tested too.
struct ArraySink: CiphertextSink {
    var octets: [UInt8] = []

    mutating func append(minimumRoom: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        let start = self.octets.count
        self.octets.append(contentsOf: repeatElement(0, count: minimumRoom))
        let count = self.octets.withUnsafeMutableBytes { bytes in
            body(UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
        }
        self.octets.removeLast(minimumRoom - count)
    }
}

/// One end of a connection in memory: a session, what has arrived for it and what it wants to send.
final class TLSEnd {
    let session: TLSSession
    var sink = ArraySink()
    var arrived: [UInt8] = []
    var plaintext: [UInt8] = []

    init(_ session: TLSSession) { self.session = session }

    /// Lets the session work on what has arrived.
    func work(destination: Int = 65_536) {
        let octets = self.arrived
        self.arrived = octets.withUnsafeBytes { bytes in
            var input = bytes
            if self.session.state == .handshaking {
                _ = self.session.handshakeStep(from: &input, into: &self.sink)
            }
            var room = [UInt8](repeating: 0, count: destination)
            while case .established = self.session.state {
                let read = room.withUnsafeMutableBytes {
                    self.session.read(from: &input, into: $0, replies: &self.sink)
                }
                self.plaintext += room.prefix(read.count)
                guard read.stop == .destinationFull else { break }
            }
            return [UInt8](input)
        }
    }

    func write(_ octets: [UInt8]) throws {
        try octets.withUnsafeBytes { try self.session.write(from: $0, into: &self.sink) }
    }

    func shutdown() { self.session.shutdown(into: &self.sink) }
}

/// A client and a server that talk through arrays, in segments of a given size.
struct TLSLink {
    let client: TLSEnd
    let server: TLSEnd
    var segment = Int.max

    init(client: TLSEnd, server: TLSEnd) {
        self.client = client
        self.server = server
    }

    init(
        client: TLSClientContext,
        server: TLSServerContext,
        serverName: String? = "mail.example",
        verification: PeerVerification = .none
    ) throws {
        self.client = TLSEnd(try TLSSession(client, serverName: serverName, verification: verification))
        self.server = TLSEnd(try TLSSession(server))
    }

    /// Carries octets to and fro until neither side has more to say.
    func settle(destination: Int = 65_536) {
        self.client.work(destination: destination)
        while !self.client.sink.octets.isEmpty || !self.server.sink.octets.isEmpty {
            self.carry(from: self.client, to: self.server, destination)
            self.carry(from: self.server, to: self.client, destination)
        }
    }

    private func carry(from sender: TLSEnd, to receiver: TLSEnd, _ destination: Int) {
        let octets = sender.sink.octets
        sender.sink.octets = []
        var start = 0
        while start < octets.count {
            let end = start + min(self.segment, octets.count - start)
            receiver.arrived += octets[start..<end]
            receiver.work(destination: destination)
            start = end
        }
    }
}

/// Certificates for the tests, made once.
enum Fixture {
    static let now = Int64(Date().timeIntervalSince1970)
    static let mail = identity("mail.example", "127.0.0.1", "::1")
    static let web = identity("www.example", "*.wild.example")

    static func identity(_ names: String..., notBefore: Int64 = now - 3600, days: Int = 7) -> TLSIdentity {
        do {
            let made = try SelfSignedCertificate.make(names: names, notBefore: notBefore, days: days)
            return TLSIdentity(certificateChain: .text(made.certificatePEM), privateKey: .text(made.keyPEM))
        } catch {
            preconditionFailure("\(error)")
        }
    }

    static func text(_ source: TLSIdentity.Source) -> [UInt8] {
        if case .text(let text) = source { text } else { [] }
    }

    /// Writes octets to a file of their own, passes its path, and removes it.
    static func withFile<Result>(_ octets: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let path = NSTemporaryDirectory() + "letterhouse-\(UUID().uuidString).pem"
        try Data(octets).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    static func server(_ identities: TLSIdentity..., protocols: [String] = []) throws -> TLSServerContext {
        try TLSServerContext(identities: identities, applicationProtocols: protocols)
    }

    /// A client that trusts one identity's certificate.
    static func client(trusting identity: TLSIdentity, protocols: [String] = []) throws -> TLSClientContext {
        try self.withFile(self.text(identity.certificateChain)) {
            try TLSClientContext(trust: .file($0), applicationProtocols: protocols)
        }
    }
}

extension TLSState {
    var parameters: TLSParameters? {
        if case .established(let parameters) = self { parameters } else { nil }
    }

    var failure: TLSFailure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}
