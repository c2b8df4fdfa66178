// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailStorage
import SASLMechanisms

/// What a command may look at when it is bound: the session as told to the client so far.
struct SessionView: Sendable {
    let service: IMAPService
    var peer: Peer
    var account: Account?
    var selected: SelectedMailbox?
    /// Whether COMPRESS is active (RFC 4978).
    var isCompressed = false
    var enabled: Set<EnabledFeature> = []
    /// The search result variable `$`: UIDs (RFC 9051 §6.4.4.1).
    var savedResult = NumberSet()
    /// Searches of the selected mailbox whose changes are told (RFC 5267 §4.3).
    var contexts: [SearchContext] = []
    /// What the client wants to hear of the selected mailbox, and when (RFC 5465).
    var listening = Listening()
    /// Whether sequence numbers that no message has are no error: in what is searched for (RFC 7377 §2, "as with any
    /// SEARCH or UID SEARCH command").
    var excusesNumbers = false
    /// Whether a command that is not complete yet will change ``savedResult``.
    var isSavedResultPending = false

    init(service: IMAPService, peer: Peer) {
        self.service = service
        self.peer = peer
    }

    var state: SessionState {
        if self.selected != nil { return .selected }
        return self.account == nil ? .notAuthenticated : .authenticated
    }

    /// Whether a capability is not among those that the settings withhold, from everybody or from this account.
    func offers(_ capability: String) -> Bool {
        let withheld = self.service.options.withheldCapabilities
        let address = self.account?.address.lowercased()
        return ![capability.uppercased(), capability.prefix { $0 != "=" }.uppercased()].contains { name in
            withheld.contains(name) || address.map { withheld.contains("\(name) \($0)") } == true
        }
    }

    /// Whether the client speaks IMAP4rev2: UTF-8 names, no `\Recent`, ESEARCH responses.
    var isRev2: Bool { self.enabled.contains(.imap4rev2) }

    /// Whether the client keeps mod-sequences: it is told them, and UIDs, in every FETCH response that it did not ask
    /// for (RFC 7162 §3.1, §3.2.4).
    var isCondstore: Bool { self.enabled.contains(.condstore) }

    /// Whether the client wants VANISHED instead of EXPUNGE (RFC 7162 §3.2.3).
    var isQresync: Bool { self.enabled.contains(.qresync) }

    /// How this client spells mailbox names.
    var nameEncoding: MailboxName.Encoding {
        self.isRev2 || self.enabled.contains(.utf8Accept) ? .utf8 : .modifiedUTF7
    }

    /// Whether a password may be sent here in clear (RFC 9051 §11.1).
    var allowsPlaintextPasswords: Bool {
        self.peer.isSecure || self.peer.isLoopback || self.service.options.allowsPlaintext
    }

    /// The client, as authentication sees it.
    var saslPeer: SASLPeer {
        SASLPeer(
            address: self.peer.address,
            allowsPlaintextPasswords: self.allowsPlaintextPasswords,
            channelBindings: self.peer.security?.channelBindings ?? [:],
            certifiedAddresses: self.peer.security?.certifiedAddresses ?? []
        )
    }

    /// The logged-in account's mail; refused before login, which the table of states prevents.
    func store() throws(Refusal) -> any MailStore {
        guard let account = self.account else { throw Refusal("Log in first", code: .clientBug, isBad: true) }
        return self.service.directory.mailStore(of: account.id)
    }

    /// The selected mailbox.
    func mailbox() throws(Refusal) -> SelectedMailbox {
        guard let selected = self.selected else {
            throw Refusal("Select a mailbox first", code: .clientBug, isBad: true)
        }
        if selected.isDeleted { throw .noSuchMailbox }
        return selected
    }

    /// The selected mailbox, for a command that changes it.
    func writableMailbox() throws(Refusal) -> SelectedMailbox {
        let selected = try self.mailbox()
        if selected.isReadOnly { throw .readOnly }
        return selected
    }

    /// Resolves a sequence set to the UIDs it means to the client now, ascending.
    ///
    /// A sequence number that no message has is an error of the client's (RFC 9051 §6.4.9 excuses UIDs only), but
    /// not where it ``excusesNumbers``; a set with `*` in an empty mailbox means no message.
    func resolve(_ set: SequenceSet, _ addressing: Addressing) throws(Refusal) -> [UID] {
        let selected = try self.mailbox()
        return try self.ranges(of: set, addressing).intersection(selected.uids).map(UID.init(rawValue:))
    }

    /// The same without counting the messages out, in O(ranges): UIDs that no message has may lie between the others.
    func ranges(of set: SequenceSet, _ addressing: Addressing) throws(Refusal) -> NumberSet {
        let selected = try self.mailbox()
        if set.includesSavedResult, self.isSavedResultPending { throw .savedResultIsPending }
        switch addressing {
        case .uids: return set.resolve(last: selected.uids.last ?? 0, saved: self.savedResult)
        case .sequenceNumbers:
            let count = UInt32(clamping: selected.uids.count)
            var numbers = set.resolve(last: count)
            if self.excusesNumbers {
                numbers = count == 0 ? NumberSet() : numbers.intersection(NumberSet([1...count]))
            } else if set.greatestNumber > count, !(count == 0 && set.numbers.isEmpty) {
                throw .badMessageNumber
            }
            // Numbers that follow one another are UIDs that do, so each range of the one is a range of the other.
            let uids = NumberSet(
                numbers.ranges.map { range in
                    selected.uids[Int(range.lowerBound) - 1]...selected.uids[Int(range.upperBound) - 1]
                }
            )
            return set.includesSavedResult ? uids.union(self.savedResult) : uids
        }
    }

    /// The messages that a sequence set means, for footprints.
    func extent(of set: SequenceSet, _ addressing: Addressing) throws(Refusal) -> Footprint.Extent {
        Footprint.Extent(mailbox: try self.mailbox().name, messages: .known(try self.ranges(of: set, addressing)))
    }

    /// The selected mailbox with all its messages, for footprints.
    func extent() throws(Refusal) -> Footprint.Extent { Footprint.Extent(mailbox: try self.mailbox().name) }
}
