// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// A mailbox as plain values, and the commands of random pipelines on it: what RFC 9051 says they do, one at a time.
struct MailboxModel: Equatable {
    var messages: [UInt32: Set<String>] = [:]
    var uidNext: UInt32 = 1
    /// Of the mailbox that is copied and moved to.
    var archiveNext: UInt32 = 1
}

/// One command: how it is written, what it does, and what it must answer.
struct RandomCommand {
    enum Action {
        case noop
        case fetch
        case store(adds: Bool, flag: String)
        /// Messages with or without a flag; nil: a text that all have.
        case search(flag: String?, isSet: Bool)
        case copy
        case copyHere
        case move
        case expunge
        case uidExpunge
        case append
    }

    /// What came back, in UIDs.
    struct Answer: Equatable {
        var condition = ""
        /// Of the FETCH responses that the command asked for.
        var fetched: [UInt32: Set<String>] = [:]
        var found: Set<UInt32> = []
        /// COPYUID's or APPENDUID's last two sets.
        var receipt = ""
    }

    var tag: String
    var text: String
    var action: Action
    /// What the client means by its sequence set.
    var uids: Set<UInt32> = []
    /// The server is to take for granted that the client knows what it did.
    var isSilent = false

    /// Does it; what it must answer.
    func run(on model: inout MailboxModel) -> Answer {
        var answer = Answer(condition: "OK")
        let there = self.uids.filter { model.messages[$0] != nil }.sorted()
        switch self.action {
        case .noop: break
        case .fetch: for uid in there { answer.fetched[uid] = model.messages[uid] }
        case .store(let adds, let flag):
            for uid in there {
                if adds { model.messages[uid]?.insert(flag) } else { model.messages[uid]?.remove(flag) }
            }
            if there.isEmpty { answer.condition = "NO" }
        case .search(let flag, let isSet):
            answer.found = Set(model.messages.filter { flag.map($0.value.contains) ?? isSet == isSet }.keys)
        case .copy:
            answer.receipt = Self.receipt(there, &model.archiveNext)
        case .copyHere:
            let first = model.uidNext
            answer.receipt = Self.receipt(there, &model.uidNext)
            for (offset, uid) in there.enumerated() { model.messages[first + UInt32(offset)] = model.messages[uid] }
        case .move:
            answer.receipt = Self.receipt(there, &model.archiveNext)
            for uid in there { model.messages[uid] = nil }
        case .expunge: model.messages = model.messages.filter { !$0.value.contains("\\Deleted") }
        case .uidExpunge:
            for uid in there where model.messages[uid]?.contains("\\Deleted") == true { model.messages[uid] = nil }
        case .append:
            model.messages[model.uidNext] = []
            answer.receipt = "\(model.uidNext)"
            model.uidNext += 1
        }
        return answer
    }

    private static func receipt(_ uids: [UInt32], _ next: inout UInt32) -> String {
        guard !uids.isEmpty else { return "" }
        defer { next += UInt32(uids.count) }
        let copies = (0..<uids.count).map { next + UInt32($0) }
        return "\(NumberText.text(uids)) \(NumberText.text(copies))"
    }

    /// Whether it makes a difference which of the two comes first (rule 2).
    func depends(on other: RandomCommand) -> Bool {
        func isNoop(_ action: Action) -> Bool { if case .noop = action { true } else { false } }
        if isNoop(self.action) || isNoop(other.action) { return false }
        if self.isIndifferentToFlags(of: other) || other.isIndifferentToFlags(of: self) { return false }
        let (mine, others) = (self.touched, other.touched)
        if let target = mine.adds, target == others.adds { return true }
        if mine.uids == nil, others.writes || others.adds == "INBOX" { return true }
        if others.uids == nil, mine.writes || mine.adds == "INBOX" { return true }
        guard mine.writes || others.writes else { return false }
        guard let left = mine.uids, let right = others.uids else { return true }
        return !left.isDisjoint(with: right)
    }

    /// A search by text does not see what STORE does.
    private func isIndifferentToFlags(of other: RandomCommand) -> Bool {
        if case .search(nil, _) = self.action, case .store = other.action { true } else { false }
    }

    private struct Touched {
        /// Nil: all.
        var uids: Set<UInt32>?
        var writes = false
        var adds: String?
    }

    private var touched: Touched {
        switch self.action {
        case .noop: Touched(uids: [])
        case .fetch: Touched(uids: self.uids)
        case .store: Touched(uids: self.uids, writes: true)
        case .search: Touched(uids: nil)
        case .copy: Touched(uids: self.uids, adds: "Archive")
        case .copyHere: Touched(uids: self.uids, adds: "INBOX")
        case .move: Touched(uids: self.uids, writes: true, adds: "Archive")
        case .expunge: Touched(uids: nil, writes: true)
        case .uidExpunge: Touched(uids: self.uids, writes: true)
        case .append: Touched(uids: [], adds: "INBOX")
        }
    }
}

/// Sets of numbers as the server writes them.
enum NumberText {
    /// `1:3,7`; of ascending numbers.
    static func text(_ numbers: [UInt32]) -> String {
        var ranges: [(UInt32, UInt32)] = []
        for number in numbers {
            if let last = ranges.last, last.1 + 1 == number {
                ranges[ranges.count - 1].1 = number
            } else {
                ranges.append((number, number))
            }
        }
        return ranges.map { $0 == $1 ? "\($0)" : "\($0):\($1)" }.joined(separator: ",")
    }
}

/// A client that believes every response, and knows nothing else.
struct BelievingClient {
    /// By sequence number; nil: not known yet, there was only an EXISTS.
    var uids: [UInt32?] = []
    var flags: [Set<String>?] = []
    /// Messages of which FETCH responses have told in this block.
    var told: Set<UInt32> = []
    /// What was said last, for who looks for a fault.
    var history: [String] = []
    /// What no server may say.
    var complaints: [String] = []

    /// Believes that a silent STORE has done what it should, where nothing else was said.
    mutating func take(_ command: RandomCommand) {
        guard command.isSilent, case .store(let adds, let flag) = command.action else { return }
        for (index, uid) in self.uids.enumerated() {
            guard let uid, command.uids.contains(uid), !self.told.contains(uid) else { continue }
            if adds { self.flags[index]?.insert(flag) } else { self.flags[index]?.remove(flag) }
        }
    }

    /// Believes one untagged response; what it answers to the command in whose block it stands goes to `answer`.
    mutating func take(_ line: String, into answer: inout RandomCommand.Answer) {
        let words = line.split(whereSeparator: { " ()[]\r".contains($0) }).map(String.init)
        guard words.count > 1, words[0] == "*" else { return self.complaints.append(line) }
        guard let number = Int(words[1]), words.count > 2 else {
            if words[1] == "SEARCH" {
                for word in words.dropFirst(2) {
                    guard let found = Int(word), self.uids.indices.contains(found - 1) else {
                        self.complaints.append(line)
                        continue
                    }
                    if let uid = self.uids[found - 1] { answer.found.insert(uid) }
                }
            }
            if words[2...].first == "COPYUID" { answer.receipt = words[4...5].joined(separator: " ") }
            return
        }
        switch words[2] {
        case "EXISTS":
            if number < self.uids.count { self.complaints.append(line) }
            while self.uids.count < number {
                self.uids.append(nil)
                self.flags.append(nil)
            }
        case "EXPUNGE":
            guard self.uids.indices.contains(number - 1) else { return self.complaints.append(line) }
            self.uids.remove(at: number - 1)
            self.flags.remove(at: number - 1)
        case "FETCH":
            guard self.uids.indices.contains(number - 1), let name = words.firstIndex(of: "UID"),
                let uid = UInt32(words[name + 1]), let start = words.firstIndex(of: "FLAGS"),
                self.uids[number - 1] == nil || self.uids[number - 1] == uid
            else { return self.complaints.append(line) }
            let flags = Set(words[(start + 1)...].prefix { $0.hasPrefix("\\") }).subtracting(["\\Recent"])
            self.told.insert(uid)
            self.uids[number - 1] = uid
            self.flags[number - 1] = flags
            if words.contains("RFC822.SIZE") || start < name { answer.fetched[uid] = flags }
        default: break
        }
    }
}

/// When a client hears of what others do.
///
/// One that hears of flags outside commands cannot tell, without mod-sequences, whether it was before or after its silent
/// STORE: it uses none.
enum ClientListening: String, CaseIterable {
    case withCommands = ""
    /// RFC 5465 §6.1.2.
    case selectedDelayed = "SELECTED-DELAYED (MessageNew (FLAGS) MessageExpunge FlagChange)"
    /// RFC 5465 §6.1.1.
    case selected = "SELECTED (MessageNew MessageExpunge FlagChange)"
}

/// Makes pipelines that keep RFC 9051 §5.5's rules for clients: no message numbers behind what may be told of EXPUNGEs.
struct PipelineGenerator<Random: RandomNumberGenerator> {
    var random: Random
    private var lastTag = 0
    private static var flags: [String] { ["\\Seen", "\\Flagged", "\\Deleted", "\\Answered"] }

    init(random: Random) { self.random = random }

    mutating func pipeline(
        _ count: Int,
        for client: BelievingClient,
        listening: ClientListening = .withCommands
    ) -> [RandomCommand] {
        // Who hears of EXPUNGEs at any time cannot use numbers (RFC 5465 §5.3).
        var mayUseNumbers = listening != .selected
        return (0..<count).map { _ in self.command(client, &mayUseNumbers, isEverSilent: listening == .withCommands) }
    }

    private mutating func command(
        _ client: BelievingClient,
        _ mayUseNumbers: inout Bool,
        isEverSilent: Bool
    ) -> RandomCommand {
        self.lastTag += 1
        let tag = "r\(self.lastTag)"
        let known = client.uids.enumerated().compactMap { index, uid in uid.map { (number: UInt32(index + 1), uid: $0) }
        }
        let chosen = known.filter { _ in Int.random(in: 0..<3, using: &self.random) == 0 }
        let usesNumbers = mayUseNumbers && Bool.random(using: &self.random)
        let set = NumberText.text(chosen.map { usesNumbers ? $0.number : $0.uid })
        let uids = Set(chosen.map(\.uid))
        let prefix = usesNumbers ? "" : "UID "
        let flag = Self.flags.randomElement(using: &self.random) ?? ""
        let kind =
            chosen.isEmpty ? Int.random(in: 10..<16, using: &self.random) : Int.random(in: 0..<16, using: &self.random)
        func make(_ text: String, _ action: RandomCommand.Action, mayExpunge: Bool = true) -> RandomCommand {
            if mayExpunge { mayUseNumbers = false }
            return RandomCommand(tag: tag, text: "\(tag) \(text)\r\n", action: action, uids: uids)
        }
        switch kind {
        case 0, 1:
            let items = usesNumbers && Bool.random(using: &self.random) ? "(FLAGS UID)" : "(UID FLAGS RFC822.SIZE)"
            return make("\(prefix)FETCH \(set) \(items)", .fetch, mayExpunge: !usesNumbers)
        case 2...5:
            let adds = Bool.random(using: &self.random)
            let silent = Bool.random(using: &self.random) && isEverSilent ? ".SILENT" : ""
            var command = make(
                "\(prefix)STORE \(set) \(adds ? "+" : "-")FLAGS\(silent) (\(flag))",
                .store(adds: adds, flag: flag),
                mayExpunge: !usesNumbers
            )
            command.isSilent = !silent.isEmpty
            return command
        case 6: return make("\(prefix)COPY \(set) Archive", .copy)
        case 7: return make("\(prefix)COPY \(set) INBOX", .copyHere)
        case 8: return make("\(prefix)MOVE \(set) Archive", .move)
        case 9: return make("UID EXPUNGE \(NumberText.text(uids.sorted()))", .uidExpunge)
        case 10: return make("EXPUNGE", .expunge)
        case 11: return make("NOOP", .noop)
        case 12: return make("APPEND INBOX {13+}\r\nSubject: a\r\n\r", .append)
        case 13...14 where mayUseNumbers:
            let isSet = Bool.random(using: &self.random)
            let key = "\(isSet ? "" : "UN")\(flag.dropFirst().uppercased())"
            return make("SEARCH \(key)", .search(flag: flag, isSet: isSet), mayExpunge: false)
        case 15 where mayUseNumbers: return make("SEARCH SUBJECT a", .search(flag: nil, isSet: true), mayExpunge: false)
        default: return make("NOOP", .noop)
        }
    }
}
