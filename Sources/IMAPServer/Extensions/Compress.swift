// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailConnection
import StreamCompression

/// COMPRESS=DEFLATE, RFC 4978.
///
/// It is withheld unless the settings say otherwise, and never offered before login: lengths tell something about what is
/// compressed. What is written at once is compressed by itself, and commands that read messages write each response by
/// itself: so none tells anything about another, nor one message about another.
struct CompressCommand: IMAPCommand, IMAPExtension {
    static let name = "COMPRESS"
    static let states = Set<SessionState>.loggedIn
    static let capability = "COMPRESS=DEFLATE"

    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil || view.isCompressed || view.peer.transport != .socket ? [] : [Self.capability]
    }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    // compress = "COMPRESS" SP algorithm
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        try parser.expect(keyword: "DEFLATE")
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        guard view.offers(Self.capability), view.peer.transport == .socket else {
            throw Refusal("Expected a command", code: .clientBug, isBad: true)
        }
        guard !view.isCompressed else {
            throw Refusal("DEFLATE is active already", code: .compressionActive, isBad: true)
        }
        return .effect(.compress)
    }
}

/// What stands between a session and its connection once COMPRESS has been obeyed.
///
/// Belongs to the session's task.
final class SessionCompression {
    let deflater: Deflater
    let inflater: Inflater

    init() throws {
        self.deflater = try Deflater()
        self.inflater = try Inflater()
    }

    /// A message of that many octets follows, which may stand compressed in next to none.
    func expectMessage(of size: Int) { self.inflater.allow(size) }
}

/// Where a session writes: its connection, through the compression if there is one.
struct SessionOutput {
    let connection: any Connection<IMAPNote>
    let compression: SessionCompression?

    func write(_ octets: [UInt8]) async throws {
        try await self.connection.write(self.compression?.deflater.compress(octets) ?? octets)
    }
}

extension IMAPSession {
    /// How much is read at once of what a client has compressed, however much it stands for.
    private static let pieceSize = 16384

    var sink: SessionOutput { SessionOutput(connection: self.connection, compression: self.compression) }

    /// Says yes, and compresses from the next octet on (RFC 4978 §3).
    mutating func compress(_ tag: String) async throws {
        let compression = try SessionCompression()
        // What came behind the command without waiting was not compressed: nobody meant it for what follows.
        self.framer.reset()
        self.answer(tag, .ok, "DEFLATE active")
        try await self.flush()
        self.compression = compression
        self.view.isCompressed = true
        self.endIfIdle()
    }

    /// Takes what the client has sent.
    mutating func take(_ octets: [UInt8]) {
        if let compression = self.compression {
            compression.inflater.append(octets)
        } else {
            self.framer.append(octets)
        }
    }

    /// Whether compressed octets wait to be taken.
    var hasCompressedInput: Bool { self.compression?.inflater.hasMore == true }

    /// Takes the next piece of what the client has compressed; false if there is none.
    mutating func takeCompressed() -> Bool {
        guard let compression = self.compression, compression.inflater.hasMore else { return false }
        do {
            let octets = try compression.inflater.next(limit: Self.pieceSize)
            // A client that ends its stream has said all that it will say, as if it had closed its half.
            if compression.inflater.hasEnded { self.isAtEndOfOctets = true }
            guard !octets.isEmpty else { return false }
            self.framer.append(octets)
        } catch {
            Logger.current.notice("Compressed input is not read on", metadata: ["error": "\(error)"])
            self.bye("Expected compressed commands", code: .clientBug)
        }
        return true
    }
}
