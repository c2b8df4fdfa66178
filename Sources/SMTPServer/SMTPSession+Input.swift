// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailStorage
import SMTPSyntax

/// Taking what has arrived: command lines, and whose turn it is after them.
extension SMTPSession {
    /// Takes as much of the input as there is.
    mutating func takeInput() async throws {
        while self.isOpen, try await self.takeNext() {}
    }

    /// Takes one thing; false when there is nothing (complete).
    private mutating func takeNext() async throws -> Bool {
        switch self.expecting {
        case .command:
            self.framer.limit = self.commandLimit
            guard let line = try await self.nextLine(tooLong: .lineTooLong) else { return false }
            try await self.takeCommand(line)
        case .saslResponse(let authenticator):
            self.framer.limit = LineFramer.authenticationLimit
            guard let line = try await self.nextLine(tooLong: .authenticationLineTooLong) else { return false }
            self.expecting = .command
            try await self.continueAuthentication(authenticator, response: line)
        case .content(let decoder):
            return try await self.takeContent(decoder)
        case .chunk(let counter, let refusal):
            return try await self.takeChunk(counter, refusal)
        }
        return true
    }

    /// AUTH may be long (RFC 4954 §4); nothing else has a reason to be.
    private var commandLimit: Int {
        self.view.role.isSubmission && self.view.account == nil && self.view.allowsPasswords
            ? LineFramer.authenticationLimit : LineFramer.commandLimit
    }

    /// The next line; what is none is answered here, and an authentication in progress is over.
    private mutating func nextLine(tooLong: Reply) async throws -> ArraySlice<UInt8>? {
        while self.isOpen {
            do {
                guard let line = try self.framer.nextLine() else { return nil }
                self.lastActivity = self.service.time.now()
                return line
            } catch {
                self.expecting = .command
                self.lastActivity = self.service.time.now()
                switch error {
                case .tooLong: self.refuse(tooLong)
                // We do not agree about what a line is, so nothing that follows can be trusted.
                // TLS where none is spoken yet has them too, and our own users' programs may be set up so.
                case .bareCarriageReturn, .bareLineFeed:
                    if self.view.role == .exchange { self.expel(.bareLineEnd) } else { self.end(.bareLineEnd) }
                }
                try await self.flush()
            }
        }
        return nil
    }

    /// Parses and runs one command.
    private mutating func takeCommand(_ octets: ArraySlice<UInt8>) async throws {
        guard let line = try? CommandLine(octets) else {
            Metrics.countUnknownCommand()
            self.refuse(.commandUnrecognized)
            return try await self.flush()
        }
        guard let type = ExtensionTable.command(line.verb) else {
            Metrics.countUnknownCommand()
            guard !httpMethods.contains(line.verb) else { return self.expel(.noService) }
            self.refuse(.unknownCommand)
            // RFC 2920 §3.2 (6).
            return try await self.flush()
        }
        guard !self.isOutOfStep(type) else { return self.expel(.notSynchronized) }
        if type == RcptCommand.self, self.view.transaction != nil { await self.findStanding() }
        do {
            var parser = CommandParser(line.arguments, allowsUTF8: self.view.isExtended)
            let outcome = try await type.init(&parser).run(self.view)
            try await self.askMilters(about: outcome.effect)
            if let reply = outcome.reply { self.say(reply) }
            try await self.apply(outcome.effect)
            Metrics.count(command: type.name, .ok)
        } catch {
            Metrics.count(command: type.name, .refused)
            let reply = try self.reply(to: error)
            Logger.current.info(
                "Command refused",
                metadata: ["peer": "\(self.view.peer.address)", "reply": "\(reply)"]
            )
            if reply.code == 421 || type.announcesOctets || self.isBehindRefusedData(type) {
                self.end(reply)
            } else {
                self.refuse(reply)
            }
        }
        // RFC 2920 §3.2 (2), (5): replies to a group go out together, those that the client waits for at once.
        if type.isLastInGroup || self.output.count >= 65536 { try await self.flush() }
    }

    /// Whether the client sent more behind a command whose reply it must wait for (RFC 2920 §3.1).
    ///
    /// Only other servers are held to it: those that do not wait send spam, or somebody else's words. STARTTLS has its
    /// own answer, and behind QUIT nothing matters.
    private func isOutOfStep(_ type: any SMTPCommand.Type) -> Bool {
        self.view.role == .exchange && type.isLastInGroup && self.framer.hasUnread
            && type != QuitCommand.self && type != StartTLSCommand.self
    }

    /// Whether what is waiting may be a message whose client did not wait for 354.
    ///
    /// Behind a DATA that is refused it would be taken for commands: its author's, in the name of whoever submits it.
    private func isBehindRefusedData(_ type: any SMTPCommand.Type) -> Bool {
        type == DataCommand.self && self.framer.hasUnread
    }

    /// Changes the session: the only place where a command does.
    private mutating func apply(_ effect: Outcome.Effect) async throws {
        switch effect {
        case .none: break
        case .greeted(let name, let isExtended):
            await self.dropMessage()
            await self.milters?.close()
            self.view.clientName = name
            self.view.isExtended = isExtended
        case .transaction(let transaction):
            self.view.endTransaction()
            self.view.transaction = transaction
        case .recipient(let recipient):
            self.view.transaction?.recipients.append(recipient)
            if let account = self.view.account { self.service.clients.countRecipient(of: account.id) }
        case .reset:
            await self.dropMessage()
        case .content:
            guard let transaction = self.view.transaction else { return }
            self.reception = await MessageReception(self.view, transaction, self.milters)
            self.expecting = .content(DotStuffing.Decoder())
        case .chunk(let counter, let refusal):
            try await self.beginChunk(counter, refusal)
        case .authenticate(let mechanism, let initialResponse):
            try await self.beginAuthentication(mechanism, initialResponse)
        case .startTLS:
            try await self.startTLS()
        case .client(let address, let port):
            await self.beginAnew(address, port)
        case .quit:
            self.isOpen = false
        }
    }
}

/// What a browser begins with that was tricked into speaking to this port.
///
/// It must not get further, nor its own words back.
private let httpMethods: Set<String> = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI",
]
