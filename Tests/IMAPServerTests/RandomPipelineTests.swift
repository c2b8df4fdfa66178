// SPDX-License-Identifier: Apache-2.0

import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

/// G13: whatever clients send at once gives what one command at a time gives, in some order that keeps dependent ones as
/// they were sent; and who believes every response knows what a fresh SELECT and FETCH would tell.
@Suite("RFC 9051 §5.5 Random pipelines", .timeLimit(.minutes(20))) struct RandomPipelineTests {
    private static let trials = 2_500

    /// Ten thousand trials in all, each with one to three pipelines.
    @Test("Serial order, and what clients know", arguments: 1...4) func trials(seed: UInt64) async throws {
        let fixture = try await Fixture(clock: TestClock())
        let inbox = try #require(try await fixture.mail.mailbox(named: "INBOX")).id
        let archive = try #require(try await fixture.mail.mailbox(named: "Archive")).id
        let resident = try await fixture.mail.open(inbox)
        try await LiveClient.with(3, of: fixture.service) { clients in
            var generator = PipelineGenerator(random: SeededGenerator(seed: seed))
            var believers: [BelievingClient] = []
            for client in clients {
                var (believer, answer) = (BelievingClient(), RandomCommand.Answer())
                for line in try await client.select().dropLast() { believer.take(line, into: &answer) }
                believer.complaints = []
                believers.append(believer)
            }
            // Every other run with clients that use NOTIFY, each another way, and hear of all mailboxes besides.
            let listening = ClientListening.allCases.map { seed % 2 == 0 ? $0 : .withCommands }
            for (client, listening) in zip(clients, listening) where listening != .withCommands {
                client.send(
                    "x NOTIFY SET (\(listening.rawValue)) (personal (MessageNew FlagChange MessageExpunge))\r\n"
                )
                _ = try await client.lines(to: "x OK")
            }
            for trial in 1...Self.trials {
                let name = "seed \(seed), trial \(trial)"
                if try #require(resident.current).count < 4 {
                    for _ in 0..<4 { try await fixture.append(Array("Subject: a\r\n\r\n".utf8)) }
                }
                let uids = try #require(resident.current).uids().map(UID.init(rawValue:))
                if uids.count > 12 { _ = try await fixture.mail.move(Array(uids.prefix(8)), from: inbox, to: archive) }
                for index in clients.indices {
                    try await Self.catchUp(clients[index], &believers[index])
                    try Self.compare(believers[index], try #require(resident.current), name)
                }
                let before = MailboxModel(
                    messages: try Self.contents(#require(resident.current)),
                    uidNext: try #require(resident.current).uidNext.rawValue,
                    archiveNext: try await fixture.mail.status(of: archive).uidNext.rawValue
                )
                let active = Int.random(in: 1...3, using: &generator.random)
                let length = 1...[6, 3, 2][active - 1]
                // The first of them is another one each time.
                let order = clients.indices.map { ($0 + trial) % clients.count }[..<active]
                let pipelines = order.map { index in
                    generator.pipeline(
                        Int.random(in: length, using: &generator.random),
                        for: believers[index],
                        listening: listening[index]
                    )
                }
                for (index, pipeline) in zip(order, pipelines) {
                    believers[index].history = pipeline.map(\.text)
                    clients[index].send(pipeline.map(\.text).joined())
                }
                var answers: [String: RandomCommand.Answer] = [:]
                for (index, pipeline) in zip(order, pipelines) {
                    try await Self.read(clients[index], pipeline, &believers[index], &answers)
                }
                let after = MailboxModel(
                    messages: try Self.contents(#require(resident.current)),
                    uidNext: try #require(resident.current).uidNext.rawValue,
                    archiveNext: try await fixture.mail.status(of: archive).uidNext.rawValue
                )
                let known = Set(before.messages.keys)
                let search = SerialOrder(answers: answers, known: known, after: after)
                try #require(
                    search.exists(from: before, pipelines),
                    "\(name): no order gives \(after) from \(before) by \(pipelines) with \(answers)"
                )
            }
        }
        try await fixture.close()
    }

    private static func contents(_ index: MailboxIndex) -> [UInt32: Set<String>] {
        let names: [(SystemFlags, String)] = [
            (.seen, "\\Seen"), (.flagged, "\\Flagged"), (.deleted, "\\Deleted"), (.answered, "\\Answered"),
        ]
        var contents: [UInt32: Set<String>] = [:]
        index.forEachPage { page in
            page.forEach { uid, slot in
                contents[uid.rawValue] = Set(names.filter { slot.flags.contains($0.0) }.map(\.1))
            }
        }
        return contents
    }

    /// Lets the client hear of everything, and ask for messages of which it knows the number only.
    private static func catchUp(_ client: LiveClient, _ believer: inout BelievingClient) async throws {
        var answer = RandomCommand.Answer()
        client.send("n NOOP\r\n")
        for line in try await client.lines(to: "n OK").dropLast() { believer.take(line, into: &answer) }
        let unknown = believer.uids.indices.filter { believer.uids[$0] == nil }.map { UInt32($0 + 1) }
        guard !unknown.isEmpty else { return }
        client.send("f FETCH \(NumberText.text(unknown)) (UID FLAGS)\r\n")
        for line in try await client.lines(to: "f OK").dropLast() { believer.take(line, into: &answer) }
    }

    private static func compare(_ believer: BelievingClient, _ index: MailboxIndex, _ name: String) throws {
        try #require(believer.complaints.isEmpty, "\(name): \(believer.history)")
        try #require(believer.uids == index.uids(), "\(name): \(believer.history)")
        let contents = Self.contents(index)
        try #require(
            believer.flags == believer.uids.map { $0.flatMap { contents[$0] } },
            "\(name): \(believer.history)"
        )
    }

    /// Reads blocks until every command of the pipeline has had its tagged response.
    private static func read(
        _ client: LiveClient,
        _ pipeline: [RandomCommand],
        _ believer: inout BelievingClient,
        _ answers: inout [String: RandomCommand.Answer]
    ) async throws {
        var open = Set(pipeline.map(\.tag))
        believer.told = []
        var answer = RandomCommand.Answer()
        while !open.isEmpty {
            let line = try await client.line()
            believer.history.append(line)
            guard !line.hasPrefix("* ") else {
                believer.take(line, into: &answer)
                continue
            }
            let words = line.split(whereSeparator: { " []".contains($0) }).map(String.init)
            try #require(open.remove(words[0]) != nil, "\(line) has no command")
            answer.condition = words[1]
            if words[2] == "COPYUID" { answer.receipt = words[4...5].joined(separator: " ") }
            if words[2] == "APPENDUID" { answer.receipt = words[4] }
            answers[words[0]] = answer
            if answer.condition == "OK", let command = pipeline.first(where: { $0.tag == words[0] }) {
                believer.take(command)
            }
            believer.told = []
            answer = RandomCommand.Answer()
        }
    }
}

/// Looks for an order of commands in which each gives the answer it gave, and all together what is there now.
private struct SerialOrder {
    let answers: [String: RandomCommand.Answer]
    /// Messages that all clients knew; of others a SEARCH may tell or not.
    let known: Set<UInt32>
    let after: MailboxModel

    func exists(from model: MailboxModel, _ pipelines: [[RandomCommand]]) -> Bool {
        if pipelines.allSatisfy(\.isEmpty) { return model == self.after }
        for (index, pipeline) in pipelines.enumerated() {
            for (position, command) in pipeline.enumerated() {
                guard !pipeline[..<position].contains(where: { command.depends(on: $0) }) else { continue }
                var next = model
                var answer = command.run(on: &next)
                guard let given = self.answers[command.tag] else { return false }
                var compared = given
                answer.found.formIntersection(self.known)
                compared.found.formIntersection(self.known)
                // Whether the client had been told that they are gone makes the difference.
                if case .store = command.action, command.uids.isDisjoint(with: model.messages.keys) {
                    compared.condition = answer.condition
                }
                guard answer == compared else { continue }
                var rest = pipelines
                rest[index].remove(at: position)
                if self.exists(from: next, rest) { return true }
            }
        }
        return false
    }
}
