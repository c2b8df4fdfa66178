// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// NOTIFY, RFC 5465 §3.1: which changes the client wants to hear of, all the time.
struct NotifyCommand: IMAPCommand, IMAPExtension {
    static let name = "NOTIFY"
    static let states = Set<SessionState>.loggedIn
    static var commands: [any IMAPCommand.Type] { [Self.self] }
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["NOTIFY"] }

    private static let groupLimit = 100
    private static let eventLimit = 32

    /// Nil: NOTIFY NONE.
    private(set) var request: NotifyRequest?
    /// There is an event that does not exist here.
    private(set) var hasUnsupportedEvents = false

    // notify           = "NOTIFY" SP (notify-set / notify-none)
    // notify-set       = "SET" [status-indicator] SP event-groups
    // notify-none      = "NONE"
    // status-indicator = SP "STATUS"
    // event-groups     = event-group *(SP event-group)
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        if parser.accept(keyword: "NONE") {
            try parser.end()
            return
        }
        try parser.expect(keyword: "SET")
        try parser.sp()
        var request = NotifyRequest()
        if parser.accept(keyword: "STATUS") {
            request.tellsStatus = true
            try parser.sp()
        }
        var groups = 0
        var isSelectedGiven = false
        repeat {
            groups += 1
            guard groups <= Self.groupLimit else { throw parser.expected("at most \(Self.groupLimit) event groups") }
            let start = parser.offset
            let group = try Self.group(&parser)
            if group.hasUnsupportedEvents { self.hasUnsupportedEvents = true }
            switch group.filter {
            case .others(let source): request.groups.append(NotifyRequest.Group(source: source, events: group.events))
            case .selected(let isDelayed):
                guard !isSelectedGiven else {
                    throw SyntaxError(expected: "SELECTED or SELECTED-DELAYED once only", offset: start)
                }
                isSelectedGiven = true
                guard !group.events.isEmpty else { break }
                request.listening = Listening(
                    kinds: SelectedMailbox.Kinds(group.events),
                    isOutsideCommands: true,
                    expungesOutsideCommands: !isDelayed,
                    items: group.items
                )
            }
        } while parser.accept(UInt8(ascii: " "))
        try parser.end()
        self.request = request
    }

    private enum Filter {
        case selected(isDelayed: Bool)
        case others(MailboxSource)
    }

    private struct Group {
        var filter: Filter
        var events: NotifyEvents = []
        var items: [any FetchItem] = []
        var hasUnsupportedEvents = false
    }

    // event-group               = "(" filter-mailboxes SP events ")"
    // filter-mailboxes          = filter-mailboxes-selected / filter-mailboxes-other
    // filter-mailboxes-selected = "selected" / "selected-delayed"
    private static func group(_ parser: inout CommandParser) throws(SyntaxError) -> Group {
        let groups = try parser.parenthesized(maximum: 1) {
            (parser: inout CommandParser) throws(SyntaxError) -> Group in
            var group: Group
            if parser.accept(keyword: "SELECTED") {
                group = Group(filter: .selected(isDelayed: false))
            } else if parser.accept(keyword: "SELECTED-DELAYED") {
                group = Group(filter: .selected(isDelayed: true))
            } else {
                group = Group(filter: .others(try MailboxSource(&parser)))
            }
            try parser.sp()
            try Self.events(&parser, into: &group)
            return group
        }
        guard let group = groups.first else { throw parser.expected("event-group") }
        return group
    }

    private enum Event {
        case messageNew([any FetchItem])
        case messageExpunge
        case annotationChange
        case other(NotifyEvents)
        case unsupported
    }

    // events = ( "(" event *(SP event) ")" ) / "NONE"
    private static func events(_ parser: inout CommandParser, into group: inout Group) throws(SyntaxError) {
        if parser.accept(keyword: "NONE") { return }
        let start = parser.offset
        let events = try parser.parenthesized(maximum: Self.eventLimit) {
            (parser: inout CommandParser) throws(SyntaxError) in try Self.event(&parser)
        }
        var (isNew, isExpunge, needsBoth) = (false, false, false)
        for event in events {
            switch event {
            case .messageNew(let items):
                isNew = true
                group.items += items
            case .messageExpunge: isExpunge = true
            case .annotationChange: (needsBoth, group.hasUnsupportedEvents) = (true, true)
            case .other(let events):
                group.events.formUnion(events)
                if events == .flags { needsBoth = true }
            case .unsupported: group.hasUnsupportedEvents = true
            }
        }
        // §5: each of these is a BAD.
        guard isNew == isExpunge, isNew || !needsBoth else {
            throw SyntaxError(expected: "MessageNew and MessageExpunge together", offset: start)
        }
        if isNew { group.events.insert(.messages) }
        switch group.filter {
        case .selected:
            guard group.events.isSubset(of: .ofMessages) else {
                throw SyntaxError(expected: "only events of messages with SELECTED", offset: start)
            }
        case .others:
            guard group.items.isEmpty else {
                throw SyntaxError(expected: "fetch-att with SELECTED only", offset: start)
            }
        }
    }

    // event         = message-event / mailbox-event / user-event / event-ext
    // message-event = ( "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")" ] ) / "MessageExpunge" / "FlagChange" /
    //                 "AnnotationChange"
    // mailbox-event = "MailboxName" / "SubscriptionChange" / "MailboxMetadataChange"
    // user-event    = "ServerMetadataChange"
    // event-ext     = atom
    private static func event(_ parser: inout CommandParser) throws(SyntaxError) -> Event {
        switch try parser.atom().uppercased() {
        case "MESSAGENEW": .messageNew(try parser.fetchItemsIfNext())
        case "MESSAGEEXPUNGE": .messageExpunge
        case "FLAGCHANGE": .other(.flags)
        case "ANNOTATIONCHANGE": .annotationChange
        case "MAILBOXNAME": .other(.names)
        case "SUBSCRIPTIONCHANGE": .other(.subscriptions)
        case "MAILBOXMETADATACHANGE": .other(.mailboxMetadata)
        case "SERVERMETADATACHANGE": .other(.serverMetadata)
        default: .unsupported
        }
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        // §3.1: "MUST refuse the command with a tagged NO response (not a BAD)".
        guard !self.hasUnsupportedEvents else {
            throw Refusal("Some of the events are not supported", code: .badEvent(NotifyEvents.supported))
        }
        guard let request = self.request else { return .effect(.notify(nil, nil)) }
        let enables: Set<EnabledFeature> = request.listening.items.contains { $0 is ModSeqItem } ? [.condstore] : []
        guard !request.events.isEmpty else { return Work.effect(.notify(request, nil)).enabling(enables) }
        let store = try view.store()
        let appendLimit = view.service.options.messageLimit
        return Work(.barrier) { output in
            let overview = try await store.overview(includingAnnotations: request.wantsMetadata)
            guard let snapshot = AccountSnapshot(overview, for: request) else { throw Refusal.notificationOverflow }
            var notices = snapshot.refused(overview)
            if request.tellsStatus {
                notices += snapshot.status(overview, for: request, except: output.selected?.id)
            }
            for notice in notices {
                output.writer.write(notice, appendLimit: appendLimit)
                try await output.flushIfLarge()
            }
            return Outcome(effect: .notify(request, snapshot))
        }.enabling(enables)
    }
}

extension CommandParser {
    /// Reads the items of FETCH that may stand behind `MessageNew` and `UPDATE` (RFC 5465 §8).
    ///
    ///     [SP "(" fetch-att *(SP fetch-att) ")"]
    mutating func fetchItemsIfNext() throws(SyntaxError) -> [any FetchItem] {
        var ahead = self
        guard ahead.accept(UInt8(ascii: " ")), ahead.peek(UInt8(ascii: "(")) else { return [] }
        self = ahead
        return try self.parenthesized { (parser: inout CommandParser) throws(SyntaxError) in
            try FetchItemTable.item(&parser)
        }
    }
}

extension Refusal {
    /// RFC 5465 §3.1.
    fileprivate static let notificationOverflow = Refusal(
        "There are too many mailboxes: ask for fewer",
        code: .notificationOverflow
    )
}
