// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// QUOTA, RFC 9208: what an account uses of what its operator lets it use.
///
/// All mailboxes of an account have one quota root, named by the empty string; an account without limits has none. Others
/// who may read one of its mailboxes know that root by the beginning of the mailbox's name, `user/ann@example.org`: its
/// limits are what counts for messages that they add. Only operators set limits, so QUOTASET is not announced. What keeps
/// the limits is the store, in every transaction.
enum QuotaExtension: IMAPExtension {
    /// The name of a mailbox's quota root.
    fileprivate static func root(of mailbox: String) -> [UInt8] {
        OtherUsers.split(mailbox).map { Array("\(OtherUsers.prefix)\($0.address)".utf8) } ?? []
    }

    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil ? [] : ["QUOTA"] + QuotaResource.allCases.map { "QUOTA=RES-\($0.rawValue)" }
    }

    static var commands: [any IMAPCommand.Type] { [GetQuotaCommand.self, GetQuotaRootCommand.self] }
}

/// What is counted (RFC 9208 §5); the raw value is its name on the wire.
private enum QuotaResource: String, CaseIterable {
    /// In units of 1024 octets.
    case storage = "STORAGE"
    case message = "MESSAGE"

    /// Nil if it is not limited.
    func figures(_ quota: Quota) -> (usage: Int64, limit: Int64)? {
        switch self {
        case .storage:
            quota.limits.octets.map { (Self.units(of: quota.octets), Self.units(of: $0)) }
        case .message: quota.limits.messages.map { (quota.messages, $0) }
        }
    }

    private static func units(of octets: Int64) -> Int64 { octets / 1024 + (octets % 1024 == 0 ? 0 : 1) }
}

/// GETQUOTA, RFC 9208 §4.1.1.
struct GetQuotaCommand: IMAPCommand {
    static let name = "GETQUOTA"
    static let states = Set<SessionState>.loggedIn
    private let root: [UInt8]

    // getquota = "GETQUOTA" SP quota-root-name
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.root = try parser.astring()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, root) = (try view.store(), self.root)
        return Work(Footprint(reads: .messages)) { output in
            guard let quota = try await Self.quota(of: root, in: store), quota.limits != .none else {
                throw Refusal("No such quota root", code: .nonexistent)
            }
            output.writer.write(quota, of: root)
            return Outcome()
        }
    }
}

extension GetQuotaCommand {
    /// Figures of somebody else are for those who may read one of his mailboxes (RFC 9208 §6).
    private static func quota(of root: [UInt8], in store: any MailStore) async throws -> Quota? {
        if root.isEmpty { return try await store.quota() }
        let mailbox = try await store.mailboxes().first {
            QuotaExtension.root(of: $0.name) == root && Access.read.isGranted(by: $0.rights)
        }
        guard let mailbox else { return nil }
        return try await store.quota(of: mailbox.id)
    }
}

/// GETQUOTAROOT, RFC 9208 §4.1.2: also of mailboxes of the account's own that are not there yet.
struct GetQuotaRootCommand: IMAPCommand {
    static let name = "GETQUOTAROOT"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName

    // getquotaroot = "GETQUOTAROOT" SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, mailbox) = (try view.store(), self.mailbox)
        return Work(Footprint(reads: .messages)) { output in
            let root = QuotaExtension.root(of: mailbox.text)
            let quota: Quota
            if OtherUsers.contain(mailbox.text) {
                guard let found = try await store.mailbox(named: mailbox.text, needing: .read) else {
                    throw Refusal.noSuchMailbox
                }
                quota = try await store.quota(of: found.id)
            } else {
                quota = try await store.quota()
            }
            let hasRoot = quota.limits != .none
            // quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)
            output.writer.raw("* QUOTAROOT ")
            output.writer.mailbox(mailbox)
            if hasRoot {
                output.writer.sp()
                output.writer.astring(root[...])
            }
            output.writer.crlf()
            if hasRoot { output.writer.write(quota, of: root) }
            return Outcome()
        }
    }
}

extension ResponseWriter {
    /// Writes the QUOTA response (RFC 9208 §4.2.1); there is a limit at least.
    ///
    ///     quota-response = "QUOTA" SP quota-root-name SP quota-list
    ///     quota-list     = "(" quota-resource *(SP quota-resource) ")"
    ///     quota-resource = resource-name SP resource-usage SP resource-limit
    fileprivate mutating func write(_ quota: Quota, of root: [UInt8]) {
        self.raw("* QUOTA ")
        self.astring(root[...])
        self.sp()
        let resources = QuotaResource.allCases.compactMap { resource in
            resource.figures(quota).map { (resource.rawValue, $0.usage, $0.limit) }
        }
        self.list(resources) { writer, resource in writer.raw("\(resource.0) \(resource.1) \(resource.2)") }
        self.crlf()
    }
}
