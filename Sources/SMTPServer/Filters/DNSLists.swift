// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import SMTPSyntax
import SenderAuthentication
import Synchronization

/// What the lists say about a client.
enum ClientStanding: Sendable, Equatable {
    /// Nobody asks about it.
    case exempt
    /// On no list, as far as anybody could say.
    case unlisted
    /// On a list of those who send no spam.
    case allowed
    /// On a list of those who do, and on none of the others; with the reason that the list gives, perhaps empty.
    case blocked(by: DomainName, reason: String)
}

/// The lists in DNS of those who send spam and of those who do not (RFC 5782), shared by all sessions.
///
/// All are asked at the same time, and for a few seconds together: whoever does not answer by then says nothing. Answers are
/// kept by the resolver. A list that lists everything is not believed.
package final class DNSLists: Sendable {
    private let names: any NameService
    private let blocking: [DNSList]
    private let allowing: [DNSList]
    private let timeout: Duration
    private let health = Mutex(DNSListHealth())

    /// Makes lists; nil if there are none.
    ///
    /// `timeout`: how long all questions about one client may take.
    package init?(
        blocking: [DNSList],
        allowing: [DNSList],
        names: any NameService,
        timeout: Duration = .seconds(5)
    ) {
        guard !blocking.isEmpty || !allowing.isEmpty else { return nil }
        self.blocking = blocking
        self.allowing = allowing
        self.names = names
        self.timeout = timeout
    }

    /// What the lists say about an address.
    func standing(of address: IPAddress, time: TimeSource) async -> ClientStanding {
        let names = BoundedNames(names: self.names, deadline: time.now() + self.timeout, time: time)
        let now = time.now()
        let inquiries = (self.allowing + self.blocking).compactMap { self.inquiry($0, address, at: now) }
        let answers = await Self.ask(inquiries.flatMap(\.names), names)
        var listing: Set<DNSList> = []
        var index = 0
        for inquiry in inquiries {
            let end = index + inquiry.names.count
            if self.isListed(inquiry, answers[index..<end], at: now) { listing.insert(inquiry.part.list) }
            index = end
        }
        if self.allowing.contains(where: listing.contains) { return .allowed }
        guard let list = self.blocking.first(where: listing.contains) else { return .unlisted }
        guard let name = list.name(of: address) else { return .unlisted }
        return .blocked(by: list.zone, reason: await Self.reason(name, names))
    }

    /// What a list is asked: about the client, and the address that must not be listed; if nobody knows whether its answers
    /// count, also the one that must be.
    private struct Inquiry: Sendable {
        let part: DNSListHealth.Part
        let names: [DomainName]
    }

    /// Nil if the list's answers do not count, or there can be none.
    private func inquiry(_ list: DNSList, _ address: IPAddress, at now: Duration) -> Inquiry? {
        let part = DNSListHealth.Part(list: list, family: address.family)
        // A list that was in order a minute ago may have been given up since.
        var addresses = [address, part.absent]
        switch self.health.withLock({ $0.verdict(on: part, at: now) }) {
        case .listsEverything, .unreachable: return nil
        case nil: addresses.append(part.present)
        case .usable, .refusesAnswers, .lacksTestEntry: break
        }
        let names = addresses.compactMap(list.name)
        return names.count == addresses.count ? Inquiry(part: part, names: names) : nil
    }

    /// Whether the list has the client, by its answers; where nobody can tell whether these count, it has not.
    private func isListed(
        _ inquiry: Inquiry,
        _ answers: ArraySlice<NameAnswer<IPAddress>>,
        at now: Duration
    ) -> Bool {
        let list = inquiry.part.list
        let answers = Array(answers)
        let absent = list.meaning(of: answers[1], counting: false)
        if answers.count == 3 {
            let present = list.meaning(of: answers[2], counting: false)
            self.note(DNSListHealth.verdict(present: present, absent: absent), on: inquiry.part, at: now)
        } else if absent == .listed {
            self.note(.listsEverything, on: inquiry.part, at: now)
        }
        // Where nobody could say whether the answers count, they do not.
        return absent != .listed && absent != .unknown && list.meaning(of: answers[0]) == .listed
    }

    private func note(_ verdict: DNSListHealth.Verdict, on part: DNSListHealth.Part, at now: Duration) {
        if self.health.withLock({ $0.note(verdict, on: part, at: now) }) { Self.tell(verdict, of: part.list) }
    }

    /// The address records of several names, asked for at the same time, in the order of the names.
    private static func ask(_ questions: [DomainName], _ names: BoundedNames) async -> [NameAnswer<IPAddress>] {
        await withTaskGroup(of: (Int, NameAnswer<IPAddress>).self) { group in
            for (index, name) in questions.enumerated() {
                group.addTask { (index, await names.addresses(of: name, family: .ipv4)) }
            }
            var answers = questions.map { _ in NameAnswer<IPAddress>.noData }
            while let (index, answer) = await group.next() { answers[index] = answer }
            return answers
        }
    }

    private static func tell(_ verdict: DNSListHealth.Verdict, of list: DNSList) {
        let text: Logger.Message =
            switch verdict {
            case .usable: "List in DNS is in order again"
            case .listsEverything: "List in DNS lists everything: it is not used"
            case .refusesAnswers: "List in DNS refuses to answer: it may want a resolver of your own, or a contract"
            case .unreachable: "List in DNS does not answer: for a minute it is not asked"
            case .lacksTestEntry: "List in DNS does not list 127.0.0.2: it may not exist any more"
            }
        Logger.current.log(level: verdict == .usable ? .notice : .warning, text, metadata: ["list": "\(list.zone)"])
    }

    /// Why a list has the address, by its TXT record, for the reply: what could be no text of one is left out.
    private static func reason(_ name: DomainName, _ names: BoundedNames) async -> String {
        guard case .found(let texts) = await names.texts(of: name), let text = texts.first else { return "" }
        let printable = text.prefix(Self.longestReason).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: printable, as: UTF8.self)
    }

    /// So that a line of a reply holds it (RFC 5321 §4.5.3.1.5).
    private static let longestReason = 200
}
