// SPDX-License-Identifier: Apache-2.0

import MailConnection

extension Transcript {
    /// What went otherwise than the transcript says.
    package struct Mismatch: Error, CustomStringConvertible { package let description: String }

    /// Plays the conversation.
    ///
    /// - Parameters:
    ///   - peer: what sessions are told about the clients; nil: what the `Given:` lines say.
    ///   - security: what TLS agrees on after STARTTLS; nil: the handshake fails.
    ///   - clock: what `T:` lines move.
    ///   - serve: runs one session on the pipe it is given, to its end. It is called once for each client.
    /// - Throws: ``Mismatch``.
    package func play<Note: Sendable>(
        peer: Peer? = nil,
        security: Peer.Security? = Transcript.security,
        clock: TestClock? = nil,
        serve: @escaping @Sendable (PipeConnection<Note>) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup { group in
            var player = TranscriptPlayer<Note>(transcript: self, clock: clock)
            do {
                while !player.isAtEnd {
                    if let id = player.newClient {
                        let received = ReceivedOctets()
                        let (server, client) = PipeConnection<Note>.make(
                            peer: peer ?? self.peer,
                            security: security,
                            deliver: { octets in received.append(octets) }
                        )
                        group.addTask {
                            defer { received.close() }
                            try await silently { try await serve(server) }
                        }
                        player.connect(id, client, received)
                    }
                    try await player.step()
                }
                try await player.end()
            } catch {
                group.cancelAll()
                throw error
            }
            do { try await group.waitForAll() } catch {
                throw Mismatch(description: "\(self.name): a session threw \(error)")
            }
        }
    }
}

/// The state of a conversation that is being played.
private struct TranscriptPlayer<Note: Sendable> {
    private struct Client {
        let pipe: PipeConnection<Note>.Client
        let received: ReceivedOctets
        /// Its last line announced a literal, and CRLF stands behind that.
        var owesLineEnd = false
    }

    /// Something to expect: a line, with its literals and what stands behind them.
    private struct Expectation {
        enum Part {
            case line(String)
            case literal([UInt8])
        }
        let number: Int
        var parts: [Part]
    }

    private typealias Mismatch = Transcript.Mismatch

    private let transcript: Transcript
    private let clock: TestClock?
    private var clients: [Int: Client] = [:]
    private var captures: [String: [UInt8]] = [:]
    private var position = 0

    init(transcript: Transcript, clock: TestClock?) {
        self.transcript = transcript
        self.clock = clock
    }

    private var lines: [Transcript.Line] { self.transcript.lines }

    var isAtEnd: Bool { self.position >= self.lines.count }

    /// The client of the next line, if it is not connected.
    var newClient: Int? {
        var position = self.position
        if case .anyOrder = self.nextLine?.content { position += 1 }
        guard position < self.lines.count else { return nil }
        switch self.lines[position].content {
        case .client(let id, _, _), .server(let id, _, _): return self.clients[id] == nil ? id : nil
        case .anyOrder, .blank, .advance: return nil
        }
    }

    mutating func connect(_ id: Int, _ pipe: PipeConnection<Note>.Client, _ received: ReceivedOctets) {
        self.clients[id] = Client(pipe: pipe, received: received)
    }

    /// Plays the next line, or the next lines that belong together.
    mutating func step() async throws {
        guard let line = self.nextLine else { return }
        switch line.content {
        case .blank: self.position += 1
        case .advance(let duration):
            guard let clock else { throw self.mismatch(line.number, "there is no clock to move") }
            clock.advance(by: duration)
            self.position += 1
        case .client(let id, let kind, let text): try self.send(text, kind, from: id)
        case .server(let id, _, _): try await self.expect(self.expectation(of: id), from: id)
        case .anyOrder: try await self.expectGroup()
        }
    }

    /// Closes all clients' halves, and sees that their sessions end and say nothing more.
    mutating func end() async throws {
        for client in self.clients.values { client.pipe.close() }
        for (id, client) in self.clients.sorted(by: { $0.key < $1.key }) {
            let rest = try await self.waiting(self.lines.count) { try await client.received.all() }
            guard rest.isEmpty else {
                throw Mismatch(
                    description: "\(self.transcript.name).txt: client \(id) got more: \(LinePattern.text(rest))"
                )
            }
        }
    }

    private func client(_ id: Int) throws -> Client {
        guard let client = self.clients[id] else { throw self.mismatch(self.position, "client \(id) is not connected") }
        return client
    }

    // MARK: What clients send

    private mutating func send(_ text: String, _ kind: Transcript.Kind, from id: Int) throws {
        var client = try self.client(id)
        defer { self.clients[id] = client }
        self.position += 1
        switch kind {
        case .line where text == "<close>":
            client.pipe.close()
        case .line where text == "<shutdown>":
            client.pipe.shutDown()
        case .line, .rest:
            var octets = self.octets(self.counted(text, id))
            if !text.hasSuffix("\u{2403}") { octets += [13, 10] }
            client.owesLineEnd = text.contains("{*}") || text.contains("{*+}")
            client.pipe.send(octets)
        case .block:
            var octets = self.blockLine(text)
            while case .client(id, .block, let next) = self.nextLine?.content {
                octets += self.blockLine(next)
                self.position += 1
            }
            if client.owesLineEnd {
                client.owesLineEnd = false
                if case .client(id, .rest, _) = self.nextLine?.content {} else { octets += [13, 10] }
            }
            client.pipe.send(octets)
        }
    }

    private var nextLine: Transcript.Line? {
        self.position < self.lines.count ? self.lines[self.position] : nil
    }

    /// Puts the size of the client's next block in the place of `{*}`, `{*+}` and `<*>`.
    private func counted(_ text: String, _ id: Int) -> String {
        guard text.contains("{*}") || text.contains("{*+}") || text.contains("<*>") else { return text }
        var count = 0
        var isInBlock = false
        search: for line in self.lines[self.position...] {
            switch line.content {
            case .client(id, .block, let text):
                isInBlock = true
                count += self.blockLine(text).count
            case .client(id, _, _): break search
            default: if isInBlock { break search }
            }
        }
        return text.replacing("{*}", with: "{\(count)}").replacing("{*+}", with: "{\(count)+}")
            .replacing("<*>", with: "\(count)")
    }

    private func blockLine(_ text: String) -> [UInt8] {
        self.octets(text) + (text.hasSuffix("\u{2403}") ? [] : [13, 10])
    }

    /// The octets of a text with captures put in, without the `␃` at its end.
    private func octets(_ text: String) -> [UInt8] {
        var octets: [UInt8] = []
        var text = text.hasSuffix("\u{2403}") ? text.dropLast() : Substring(text)
        while let open = text.firstIndex(of: "<"), let close = text[open...].firstIndex(of: ">") {
            let name = String(text[text.index(after: open)..<close])
            if let value = self.captures[name] {
                octets += LinePattern.octets(text[..<open]) + value
                text = text[text.index(after: close)...]
            } else {
                octets += LinePattern.octets(text[...open])
                text = text[text.index(after: open)...]
            }
        }
        return octets + LinePattern.octets(text)
    }

    // MARK: What must come

    /// Takes the next `S:` line with its literals from the transcript.
    private mutating func expectation(of id: Int) -> Expectation {
        var expectation = Expectation(number: self.lines[self.position].number, parts: [])
        while case .server(id, let kind, let text) = self.nextLine?.content {
            if kind == .line, !expectation.parts.isEmpty { break }
            self.position += 1
            guard text.contains("{*}") else {
                expectation.parts.append(kind == .block ? .literal(self.blockLine(text)) : .line(text))
                break
            }
            var literal: [UInt8] = []
            while case .server(id, .block, let text) = self.nextLine?.content {
                literal += self.blockLine(text)
                self.position += 1
            }
            expectation.parts.append(.line(text.replacing("{*}", with: "{\(literal.count)}")))
            expectation.parts.append(.literal(literal))
            if case .server(id, .rest, _) = self.nextLine?.content { continue }
            expectation.parts.append(.line(""))
            break
        }
        return expectation
    }

    private mutating func expect(_ expectation: Expectation, from id: Int) async throws {
        if case .line("<closed>") = expectation.parts.first {
            let client = try self.client(id)
            let rest = try await self.waiting(expectation.number) { try await client.received.all() }
            guard rest.isEmpty else {
                throw self.mismatch(expectation.number, "expected the end, got: \(LinePattern.text(rest))")
            }
            return
        }
        guard case .line(let text) = expectation.parts.first else {
            throw self.mismatch(expectation.number, "S| without a line that announces it")
        }
        let line = try await self.line(expectation.number, from: id, expected: text)
        guard LinePattern(text, captures: self.captures).matches(line, captures: &self.captures) else {
            throw self.mismatch(expectation.number, expected: text, got: line)
        }
        try await self.expectRest(of: expectation, from: id)
    }

    private mutating func expectRest(of expectation: Expectation, from id: Int) async throws {
        for part in expectation.parts.dropFirst() {
            switch part {
            case .literal(let literal):
                let client = try self.client(id)
                let octets = try await self.waiting(expectation.number) {
                    try await client.received.octets(literal.count)
                }
                guard octets == literal else {
                    throw self.mismatch(expectation.number, expected: LinePattern.text(literal), got: octets)
                }
            case .line(let text):
                let line = try await self.line(expectation.number, from: id, expected: text)
                guard LinePattern(text, captures: self.captures).matches(line, captures: &self.captures) else {
                    throw self.mismatch(expectation.number, expected: text, got: line)
                }
            }
        }
    }

    /// Takes the lines behind `(any order)`: each that comes must be one of those not yet seen.
    private mutating func expectGroup() async throws {
        self.position += 1
        var missing: [Expectation] = []
        guard case .server(let id, _, _) = self.nextLine?.content else { return }
        while case .server(id, .line, _) = self.nextLine?.content { missing.append(self.expectation(of: id)) }
        while let first = missing.first {
            let texts = missing.map { expectation in
                if case .line(let text) = expectation.parts.first { text } else { "" }
            }
            let line = try await self.line(first.number, from: id, expected: texts.joined(separator: " | "))
            var captures = self.captures
            let found = texts.firstIndex { text in
                LinePattern(text, captures: captures).matches(line, captures: &captures)
            }
            guard let found else {
                throw self.mismatch(first.number, expected: "one of: " + texts.joined(separator: " | "), got: line)
            }
            self.captures = captures
            try await self.expectRest(of: missing.remove(at: found), from: id)
        }
    }

    private mutating func line(_ number: Int, from id: Int, expected: String) async throws -> [UInt8] {
        let client = try self.client(id)
        do {
            guard let line = try await client.received.line() else {
                throw self.mismatch(number, "expected: \(expected)\n     got: the end of the connection")
            }
            return line
        } catch let error as ReceivedOctets.TimedOut {
            throw self.mismatch(number, "expected: \(expected)\n     got: \(error)")
        }
    }

    private func waiting<Value>(_ number: Int, _ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let error as ReceivedOctets.TimedOut {
            throw self.mismatch(number, "\(error)")
        }
    }

    private func mismatch(_ number: Int, expected: String, got line: [UInt8]) -> Mismatch {
        self.mismatch(number, "expected: \(expected)\n     got: \(LinePattern.text(line))")
    }

    private func mismatch(_ number: Int, _ text: String) -> Mismatch {
        Mismatch(description: "\(self.transcript.name).txt:\(number): \(text)")
    }
}
