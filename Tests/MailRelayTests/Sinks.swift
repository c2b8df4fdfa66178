// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import SASLMechanisms
import Synchronization
import TestSupport

@testable import MailRelay

/// Mail hosts behind pipes: they do what they are told, and remember what they were told.
final class Sinks: RelayConnector {
    /// What a host does.
    struct Behaviour: Sendable {
        /// There is no connection.
        var isDown = false
        var greeting = "220 sink.example ESMTP"
        /// Lines of the reply to EHLO; STARTTLS is left out under TLS.
        var extensions = ["PIPELINING", "8BITMIME", "SIZE 1000000", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8"]
        /// The reply to a command, for the commands that are not to be answered as usual; the empty one hangs up.
        var reply: @Sendable (_ command: String, _ isSecure: Bool) async -> String? = { _, _ in nil }
        var finalReply = "250 2.0.0 taken"
        var canTLS = true
        /// Why a client that asks for it finds the certificate is not the one demanded.
        var certificateFault: @Sendable (PeerVerification) -> TLSFailure.CertificateFault? = { _ in nil }
        /// Waited for before the final reply.
        var beforeFinalReply: @Sendable () async -> Void = {}
    }

    struct Message: Sendable {
        var from = ""
        var recipients: [String] = []
        /// Lines as they came, dots removed.
        var lines: [String] = []
        var isSecure = false
        var address = ""
    }

    struct Record: Sendable {
        var targets: [RelayTarget] = []
        var messages: [Message] = []
        var commands: [String] = []
        /// Everything that clients wrote.
        var wire: [UInt8] = []
        var open = 0
        /// The most connections at once.
        var mostOpen = 0
    }

    private let behaviours = Mutex<[String: Behaviour]>([:])
    private let common = Mutex(Behaviour())
    private let state = Mutex(Record())

    var record: Record { self.state.withLock { $0 } }

    /// Sets what all hosts do, or the one with this name.
    func set(_ host: String? = nil, _ change: (inout Behaviour) -> Void) {
        guard let host else { return self.common.withLock { change(&$0) } }
        let common = self.common.withLock { $0 }
        self.behaviours.withLock { change(&$0[Names.address(of: host), default: common]) }
    }

    struct Refused: Error, CustomStringConvertible { let description = "connection refused" }

    func withConnection(
        to target: RelayTarget,
        timeout: Duration,
        _ body: (any Connection<ClientNote>) async throws -> Void
    ) async throws {
        let behaviour = self.behaviours.withLock { $0[target.address] } ?? self.common.withLock { $0 }
        self.state.withLock { record in
            record.targets.append(target)
            record.open += 1
            record.mostOpen = max(record.open, record.mostOpen)
        }
        defer { self.state.withLock { $0.open -= 1 } }
        if behaviour.isDown { throw Refused() }
        let received = ReceivedOctets()
        let isImplicit = if case .implicit = target.security { true } else { false }
        let (connection, pipe) = PipeConnection<ClientNote>.make(
            peer: Peer(address: target.address, security: isImplicit ? Transcript.security : nil),
            security: behaviour.canTLS && target.security != .none ? Transcript.security : nil
        ) { octets in
            self.state.withLock { $0.wire += octets }
            received.append(octets)
        }
        try await withThrowingTaskGroup { group in
            group.addTask {
                try? await self.serve(behaviour, received, pipe, target.address, isImplicit)
                pipe.disconnect()
            }
            defer {
                received.close()
                group.cancelAll()
            }
            let demanded: PeerVerification? =
                switch target.security {
                case .startTLS(let verification), .implicit(let verification): verification
                case .none: nil
                }
            let fault = demanded.flatMap { $0 == .none ? nil : behaviour.certificateFault($0) }
            try await withTaskCancellationHandler {
                if let fault, isImplicit { throw TLSFailure(fault) }
                try await body(DistrustingConnection(connection: connection, fault: fault))
            } onCancel: {
                pipe.disconnect()
            }
        }
    }

    private func serve(
        _ behaviour: Behaviour,
        _ received: ReceivedOctets,
        _ pipe: PipeConnection<ClientNote>.Client,
        _ address: String,
        _ isImplicit: Bool
    ) async throws {
        var isSecure = isImplicit
        var message = Message()
        func say(_ text: String) { pipe.send(Array((text + "\r\n").utf8)) }
        if behaviour.greeting.isEmpty { return }
        say(behaviour.greeting)
        while let line = try await received.line() {
            let command = String(decoding: line, as: UTF8.self)
            self.state.withLock { $0.commands.append(command) }
            if let reply = await behaviour.reply(command, isSecure) {
                if reply.isEmpty { return }
                say(reply)
                if command == "STARTTLS", reply.hasPrefix("220") { isSecure = true }
                if command.hasPrefix("MAIL"), reply.hasPrefix("2") { message = Message(from: command) }
                if command.hasPrefix("RCPT"), reply.hasPrefix("2") { message.recipients.append(command) }
                continue
            }
            switch command.prefix(4) {
            case "EHLO":
                let lines = ["sink.example"] + behaviour.extensions.filter { !isSecure || $0 != "STARTTLS" }
                say(lines.dropLast().map { "250-\($0)\r\n" }.joined() + "250 \(lines.last ?? "")")
            case "MAIL":
                message = Message(from: command, isSecure: isSecure, address: address)
                say("250 2.1.0 ok")
            case "RCPT":
                message.recipients.append(command)
                say("250 2.1.5 ok")
            case "DATA":
                say("354 go on")
                while let line = try await received.line(), line != [UInt8(ascii: ".")] {
                    message.lines.append(
                        String(
                            decoding: line.first == UInt8(ascii: ".") ? Array(line.dropFirst()) : line,
                            as: UTF8.self
                        )
                    )
                }
                await behaviour.beforeFinalReply()
                try Task.checkCancellation()
                if behaviour.finalReply.isEmpty {
                    self.state.withLock { $0.messages.append(message) }
                    return
                }
                if behaviour.finalReply.hasPrefix("2") { self.state.withLock { $0.messages.append(message) } }
                say(behaviour.finalReply)
            case "STAR":
                say("220 ready")
                isSecure = true
            case "QUIT":
                return say("221 bye")
            default:
                say("250 ok")
            }
        }
    }
}

/// A connection whose host may have the wrong certificate.
private struct DistrustingConnection: Connection {
    var connection: PipeConnection<ClientNote>
    let fault: TLSFailure.CertificateFault?

    var peer: Peer { self.connection.peer }
    var post: @Sendable (ClientNote) -> Void { self.connection.post }

    mutating func next(holdingOctets: Bool) async throws -> Inbound<ClientNote>? {
        await self.connection.next(holdingOctets: holdingOctets)
    }

    func write(_ octets: [UInt8]) async throws { try await self.connection.write(octets) }

    mutating func startTLS(after farewell: [UInt8]) async throws {
        if let fault { throw TLSFailure(fault) }
        try await self.connection.startTLS(after: farewell)
    }
}

extension TLSFailure {
    fileprivate init(_ fault: CertificateFault) {
        self.init(kind: .certificate, reason: "certificate \(fault)", certificateFault: fault)
    }
}
