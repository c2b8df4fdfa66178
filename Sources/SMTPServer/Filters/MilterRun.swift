// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailStorage
import MilterClient
import SMTPSyntax

/// The filters of one session, and what they say about its message.
///
/// They are asked one after the other, and each sees the message as it came. A conversation is opened with the first MAIL,
/// because what a filter thinks of the client changes nothing before. A filter that fails is asked no more about the message; what
/// follows for that is its setting's choice.
///
/// Belongs to its session's task.
final class MilterRun {
    /// What follows for a message.
    struct Verdict {
        var changes: [MilterChange] = []
        /// The message is accepted, and thrown away.
        var isDiscarded = false

        /// Why it belongs into the Junk mailbox; nil if it does not.
        var quarantine: String? {
            for case .quarantine(let reason) in self.changes { return reason }
            return nil
        }
    }

    private struct Member {
        let milter: Milter
        /// Nil before it is needed, and after a failure.
        var conversation: MilterConversation?
        /// Until when the answer to the end of the message may take; nil if it is not waited for.
        var deadline: Duration?
    }

    /// The most octets of fields that filters add and change; there is room for as many in front of a message.
    private static let mostOctets = 24 * 1024
    /// What is kept together before filters are told: one question less for each read buffer.
    private static let chunk = MilterCommand.longestBody

    private var members: [Member]
    private let time: TimeSource
    private var macros: [(name: String, value: String)] = []
    private var body: [UInt8] = []
    /// Octets of the empty line that are still to come.
    private var emptyLine = 2
    private var verdict = Verdict()

    /// Nil where no filter is asked.
    init?(_ service: SMTPService, role: SMTPRole) {
        let milters = service.filters.milters.filter { $0.roles.contains(role) }
        guard !milters.isEmpty else { return nil }
        self.members = milters.map { Member(milter: $0) }
        self.time = service.time
    }

    // MARK: Steps

    /// MAIL; before the first one all that comes before it.
    ///
    /// Throws `Reply` for a refusal, or `CancellationError`; as do the other steps.
    func begin(_ view: SMTPView, _ transaction: MailTransaction) async throws {
        await self.endMessage()
        let macros = view.milterMacros
        for index in self.members.indices where self.members[index].conversation == nil {
            let milter = self.members[index].milter
            do {
                self.members[index].conversation = try await MilterConversation(
                    milter.connector,
                    timeout: milter.timeout,
                    time: self.time
                )
            } catch {
                try await self.fail(index, error)
                continue
            }
            try await self.tell(index, view.milterClient, macros.connection)
            try await self.tell(index, .helo(view.clientName ?? "unknown"), macros.security)
        }
        let path = transaction.reversePath
        let mail = macros.mail + [("{mail_addr}", path.address?.description ?? "")]
        let parameters = transaction.declaredSize.map { ["SIZE=\($0)"] } ?? []
        try await self.tellAll(.mail(path.description, parameters), mail)
    }

    func recipient(_ recipient: MailTransaction.Recipient) async throws {
        let address = recipient.address.description
        try await self.tellAll(.recipient("<\(address)>", []), [("{rcpt_addr}", address)])
    }

    func data(id: String) async throws {
        self.macros = [("i", id)]
        try await self.tellAll(.data, self.macros)
    }

    func field(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) async throws {
        try await self.tellAll(.field(name: name, value: value), [])
    }

    func endHeader() async throws { try await self.tellAll(.endOfHeader, self.macros) }

    /// What comes behind the header: the empty line, then the body.
    func body(_ octets: ArraySlice<UInt8>) async throws {
        let skipped = min(self.emptyLine, octets.count)
        self.emptyLine -= skipped
        self.body += octets.dropFirst(skipped)
        while self.body.count >= Self.chunk { try await self.tellBody() }
    }

    private func tellBody() async throws {
        let octets = self.body.prefix(Self.chunk)
        try await self.tellAll(.body(octets), [])
        self.body.removeFirst(octets.count)
    }

    /// The end of the message, to which the answers are not waited for yet.
    func end() async throws {
        if !self.body.isEmpty { try await self.tellBody() }
        for index in self.members.indices {
            do {
                self.members[index].deadline = try await self.members[index].conversation?.end(self.macros)
            } catch {
                try await self.fail(index, error)
            }
        }
    }

    /// What the filters say of the message, and want done with it.
    func finish() async throws -> Verdict {
        for index in self.members.indices {
            guard let deadline = self.members[index].deadline else { continue }
            self.members[index].deadline = nil
            do {
                guard let said = try await self.members[index].conversation?.verdict(until: deadline) else { continue }
                guard said.1.reduce(0, { $0 + $1.size }) <= Self.mostOctets else {
                    throw MilterFailure.malformed("more fields than there is room for")
                }
                try self.heed(said.0, index)
                self.verdict.changes += said.1
            } catch let refusal as Reply {
                throw refusal
            } catch {
                try await self.fail(index, error)
            }
        }
        return self.verdict
    }

    /// The message is over, one way or the other.
    func endMessage() async {
        self.body = []
        self.emptyLine = 2
        self.verdict = Verdict()
        for index in self.members.indices {
            // An answer that nobody has waited for would be taken for another's.
            if self.members[index].deadline != nil {
                await self.close(index, saying: false)
            } else {
                do { try await self.members[index].conversation?.endMessage() } catch {
                    await self.close(index, saying: false)
                }
            }
        }
    }

    /// Hangs up; the next message begins with everything.
    func close() async {
        await self.endMessage()
        for index in self.members.indices { await self.close(index, saying: true) }
    }

    private func close(_ index: Int, saying farewell: Bool) async {
        self.members[index].deadline = nil
        await self.members[index].conversation?.close(saying: farewell)
        self.members[index].conversation = nil
    }

    // MARK: Answers

    private func tellAll(_ command: MilterCommand, _ macros: [(name: String, value: String)]) async throws {
        for index in self.members.indices { try await self.tell(index, command, macros) }
    }

    private func tell(
        _ index: Int,
        _ command: MilterCommand,
        _ macros: [(name: String, value: String)]
    ) async throws {
        let answer: MilterAnswer?
        do {
            answer = try await self.members[index].conversation?.tell(command, macros)
        } catch {
            return try await self.fail(index, error)
        }
        if let answer { try self.heed(answer, index) }
    }

    private func heed(_ answer: MilterAnswer, _ index: Int) throws(Reply) {
        switch answer {
        case .proceed, .accept, .skip: return
        case .discard: self.verdict.isDiscarded = true
        case .reject: throw .filterRefuses
        case .tryLater: throw .filterWantsItLater
        case .hangUp: throw .filterHangsUp
        case .reply(let code, let enhanced, let lines):
            let status =
                enhanced.flatMap { try? EnhancedStatusCode(parsing: $0) } ?? EnhancedStatusCode(code / 100, 7, 1)
            throw Reply(code, status, lines)
        }
    }

    /// A filter is of no more use for this message.
    private func fail(_ index: Int, _ error: any Error) async throws {
        await self.close(index, saying: false)
        guard let failure = error as? MilterFailure else { throw error }
        let milter = self.members[index].milter
        Metrics.countMilterFailure()
        Logger.current.warning(
            "Filter does not answer",
            metadata: ["filter": "\(milter.name)", "error": "\(failure)", "then": "\(milter.whenUnreachable)"]
        )
        if milter.whenUnreachable == .tempfail { throw Reply.filterUnreachable }
    }
}

extension SMTPView {
    /// The client; nobody has asked for its name.
    fileprivate var milterClient: MilterCommand {
        let address = try? IPAddress(parsing: self.peer.address).unmapped
        return .connect(
            host: address?.addressLiteral ?? "unknown",
            address: address?.description,
            port: self.peer.port
        )
    }

    /// What filters may want to know, by the names that Sendmail has given it.
    fileprivate var milterMacros:
        (
            connection: [(name: String, value: String)], security: [(name: String, value: String)],
            mail: [(String, String)]
        )
    {
        var security: [(name: String, value: String)] = []
        if let agreed = self.peer.security {
            security = [("{tls_version}", agreed.version), ("{cipher}", agreed.cipher)]
        }
        var mail: [(String, String)] = []
        if let account = self.account { mail = [("{auth_type}", "SASL"), ("{auth_authen}", account.address)] }
        return (
            [
                ("j", self.service.options.hostname), ("{daemon_name}", self.role.rawValue), ("v", "Letterhouse"),
                ("{client_addr}", self.peer.address),
            ], security, mail
        )
    }
}

extension MilterChange {
    /// Octets that it makes.
    fileprivate var size: Int {
        switch self {
        case .addField(let field), .insertField(_, let field): field.octets.count
        case .changeField(let name, _, let value): name.count + (value?.count ?? 0) + 3
        case .quarantine(let reason): reason.utf8.count
        }
    }
}

extension Reply {
    fileprivate static let filterRefuses = Reply(550, EnhancedStatusCode(5, 7, 1), "A filter refuses the message")
    fileprivate static let filterWantsItLater = Reply(
        451,
        EnhancedStatusCode(4, 7, 1),
        "A filter does not take the message now: try again later"
    )
    fileprivate static let filterUnreachable = Reply(
        451,
        EnhancedStatusCode(4, 3, 0),
        "A filter does not answer: try again later"
    )
    fileprivate static let filterHangsUp = Reply(421, EnhancedStatusCode(4, 7, 0), "A filter ends the connection")
}
