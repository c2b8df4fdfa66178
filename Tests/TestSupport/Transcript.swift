// SPDX-License-Identifier: Apache-2.0

import Foundation
import MailConnection

/// A conversation in a file: what clients send, and what must come back.
///
/// A file is a test. Its lines:
///
/// ```
/// # A comment. Blank lines mean nothing, but end an "(any order)" group.
/// Given: tls                      known to the player: tls, loopback, bridge, address 192.0.2.7
/// Given: message 2 in INBOX       anything else is for the suite (``givens``)
///
/// S: * OK <capabilities> ready    a line that must come; <name> takes what stands there, one octet or more,
/// C: a1 NOOP                      and must be the same in every later line; in C: lines it is put in
/// S: a1 OK ...                    "..." at the end of an S: line: whatever follows
/// C2: / S2:                       another client; C: and S: are client 1. A client connects with its first line.
///
/// (any order)                     the S: lines from here to the next line that is none
/// S: * 3 EXISTS
/// S: * 0 RECENT
///
/// C: a2 APPEND INBOX {*}          {*} and {*+}: the number of octets in the C| lines that follow, in braces;
/// S: + Ready                      <*>: the same without braces (`BDAT <*> LAST`)
/// C| Subject: hello               each C| line ends in CRLF, and all of a run are sent as one buffer
/// C|
/// C& (more)                       the rest of the command; without it an announced {*} is followed by CRLF
/// S: * 1 FETCH (BODY[] {*}        must be the size of the S| lines that follow, which must come octet by octet
/// S| Subject: hello
/// S& )                            the rest of that line; without it an empty rest
///
/// C: <close>                      sends nothing more, and goes on listening
/// C: <shutdown>                   the process stops: the session is told
/// S: <closed>                     the server must end the conversation, and say nothing before
/// T: +29m59s                      moves the test clock: h, m, s, in this order
/// ```
///
/// In `C` and `S` lines the control pictures stand for control characters, `␍␊` for CRLF, `␀` for NUL, `␠` for a space
/// at a line's end; `⟨80⟩` is the octet with that hexadecimal value. A line that ends in `␃` has no CRLF behind it.
/// When the file ends, all clients close; whatever a session says that no line expects is a mismatch.
package struct Transcript: Sendable, CustomStringConvertible {
    /// Who speaks, and how the line is meant.
    enum Kind: Sendable, Hashable {
        /// `C:`, `S:`: a line.
        case line
        /// `C|`, `S|`: octets within a literal or a message.
        case block
        /// `C&`, `S&`: the rest of a line behind a literal.
        case rest
    }

    enum Content: Sendable, Hashable {
        case client(Int, Kind, String)
        case server(Int, Kind, String)
        case anyOrder
        case blank
        case advance(Duration)
    }

    struct Line: Sendable {
        let number: Int
        let content: Content
    }

    /// The file's name without `.txt`.
    package let name: String
    /// What stands behind `Given:`, in order: the first word, and the rest of the line.
    package let givens: [(key: String, value: String)]
    let lines: [Line]

    package var description: String { self.name }

    /// All transcripts of a folder in the resources of a test target, by name.
    package static func all(in bundle: Bundle, folder: String = "Transcripts") throws -> [Transcript] {
        guard let resources = bundle.resourceURL else { throw Malformed(description: "\(bundle) has no resources") }
        let folder = resources.appending(path: folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try names.filter { $0.hasSuffix(".txt") }.map { name in
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            return try Transcript(name: String(name.dropLast(4)), text: text)
        }
    }

    /// Reads a transcript; throws ``Malformed``.
    package init(name: String, text: String) throws {
        self.name = name
        var givens: [(key: String, value: String)] = []
        var lines: [Line] = []
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            if raw.hasPrefix("#") {
                continue
            } else if raw.allSatisfy(\.isWhitespace) {
                lines.append(Line(number: number, content: .blank))
            } else if raw.hasPrefix("Given: ") {
                let words = raw.dropFirst(7).split(separator: " ", maxSplits: 1).map(String.init)
                guard let key = words.first else { throw Malformed(description: "\(name):\(number): Given: what?") }
                givens.append((key, words.count > 1 ? words[1] : ""))
            } else if raw == "(any order)" {
                lines.append(Line(number: number, content: .anyOrder))
            } else if let content = Self.content(raw) {
                lines.append(Line(number: number, content: content))
            } else {
                throw Malformed(description: "\(name):\(number): not a transcript's line: \(raw)")
            }
        }
        self.givens = givens
        self.lines = lines
    }

    /// The value of the first `Given:` with that key; nil if there is none.
    package func given(_ key: String) -> String? { self.givens.first { $0.key == key }?.value }

    /// The client as the `Given:` lines describe it.
    package var peer: Peer {
        let isLoopback = self.given("loopback") != nil
        return Peer(
            address: self.given("address") ?? (isLoopback ? "127.0.0.1" : "192.0.2.1"),
            port: 40000,
            transport: self.given("bridge") != nil ? .bridge : .socket,
            security: self.given("tls") != nil ? Self.security : nil,
            isLoopback: isLoopback
        )
    }

    /// What TLS agrees on in tests.
    package static let security = Peer.Security(version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384")

    /// A file that is not a transcript.
    package struct Malformed: Error, CustomStringConvertible { package let description: String }

    private static func content(_ raw: Substring) -> Content? {
        if raw.hasPrefix("T: +") { return Self.duration(raw.dropFirst(4)).map(Content.advance) }
        guard let match = raw.wholeMatch(of: /([CS])([0-9]*)([:|&])(?: (.*))?/) else { return nil }
        let client = Int(match.2) ?? 1
        let kind: Kind =
            switch match.3 {
            case ":": .line
            case "|": .block
            default: .rest
            }
        let text = String(match.4 ?? "")
        return match.1 == "C" ? .client(client, kind, text) : .server(client, kind, text)
    }

    /// `29m59s`, `1h`, `0s`.
    private static func duration(_ text: Substring) -> Duration? {
        guard let match = text.wholeMatch(of: /(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?/), !text.isEmpty else {
            return nil
        }
        func number(_ digits: Substring?) -> Int { digits.flatMap { Int($0) } ?? 0 }
        return .seconds(number(match.1) * 3600 + number(match.2) * 60 + number(match.3))
    }
}
