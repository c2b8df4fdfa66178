// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SenderAuthentication

/// Looks at who a submitted message says wrote it, and signs it, while it arrives.
///
/// Our users write under their own names only (RFC 6409 §6.1): who is the author in From counts as much as the reverse-path, for
/// it is what people see. An author elsewhere is nobody's business here; the domain there has to say who may write for it.
///
/// The signature (RFC 6376 §5) is made over what is stored, with the fields that were added; nothing behind it changes that, for
/// the relay sends what is stored. Keys are those of the author's domain if it is here, else those of the user's own domain,
/// which answers for its users.
struct OutgoingAuthentication {
    /// A longer header is refused.
    private static let maximumHeader = 256 * 1024
    /// Longer fields are left out: a header with tens of thousands of fields makes those.
    private static let maximumFields = 32 * 1024

    private let policy: SigningPolicy?
    private let directory: any Directory
    private let account: Account
    /// How long the message is held here before it goes out, in seconds (RFC 4865): its signature must last longer.
    private let holdTime: Int64
    private var header: [UInt8] = []
    private var isTooLong = false
    private var signer: DKIMSigner?
    private var keys: [DKIMSigner.Key] = []
    /// Octets of the empty line that are still to come.
    private var emptyLine = 2

    /// Nil if it is not our user's message.
    init?(_ view: SMTPView, _ transaction: MailTransaction) {
        guard view.role.isSubmission, let account = view.account else { return nil }
        self.policy = view.service.signing
        self.directory = view.service.directory
        self.account = account
        let release = transaction.releasedAt?.rawValue ?? 0
        self.holdTime = max(0, release - view.service.time.unixTime())
    }

    /// Takes the next octets of the header.
    mutating func update(header octets: [UInt8]) {
        guard !self.isTooLong else { return }
        self.header += octets
        self.isTooLong = self.header.count > Self.maximumHeader
        if self.isTooLong { self.header = [] }
    }

    /// The header has ended: who wrote it, and who signs, is known now.
    ///
    /// Throws `Reply` if the author is somebody else here, or `StoreError`.
    mutating func endHeader() async throws {
        defer { self.header = [] }
        guard !self.isTooLong else { throw Reply.headerTooLong }
        let author = AuthorAddress(header: self.header[...])
        let isOwn = try await self.isOwn(author)
        guard let (domain, keys) = try await self.domainAndKeys(author: isOwn ? author?.domain : nil) else { return }
        self.keys = keys
        var settings = DKIMSigner.Settings(domain: domain)
        settings.lifetime = self.policy.map { $0.lifetime + self.holdTime }
        self.signer = DKIMSigner(header: self.header[...], settings)
    }

    /// Whether the author is the user.
    ///
    /// Throws `Reply` if it is, or may be taken for, somebody else here.
    private func isOwn(_ author: AuthorAddress?) async throws -> Bool {
        let names: [(localPart: String, domain: DomainName)]
        if let author {
            if try await self.directory.mayUse("\(author.localPart)@\(author.domain)", account: self.account.id) {
                return true
            }
            names = [(author.localPart, author.domain)]
        } else if case .unclear(_, let suspects, let isComplete) = AuthorDomain(header: self.header[...]) {
            guard isComplete else { throw Reply.notYourName }
            names = suspects.map { ("postmaster", $0) }
        } else {
            names = []
        }
        for name in names {
            let route = try await self.directory.route(localPart: name.localPart, domain: name.domain.text)
            guard case .remote = route else { throw Reply.notYourName }
        }
        return false
    }

    /// Takes the next octets behind the header: the empty line, then the body.
    mutating func update(_ octets: ArraySlice<UInt8>) {
        let skipped = min(self.emptyLine, octets.count)
        self.emptyLine -= skipped
        self.signer?.update(octets.dropFirst(skipped))
    }

    /// The fields of the signatures; empty if nobody signs.
    mutating func finish(unixTime: Int64) throws -> [UInt8] {
        do {
            let fields = try self.signer?.finish(keys: self.keys, unixTime: unixTime) ?? []
            return fields.count <= Self.maximumFields ? fields : []
        } catch is DKIMSigner.NoFromField {
            return []
        }
    }

    private func domainAndKeys(author: DomainName?) async throws -> (DomainName, [DKIMSigner.Key])? {
        if let author, let keys = try await self.policy?.keys(of: author) { return (author, keys) }
        guard let at = self.account.address.lastIndex(of: "@"),
            let domain = DomainName(self.account.address[self.account.address.index(after: at)...])
        else { return nil }
        return try await self.policy?.keys(of: domain).map { (domain, $0) }
    }
}

extension Reply {
    fileprivate static let notYourName = Reply(
        550,
        EnhancedStatusCode(5, 7, 1),
        "From must be one address of your account, or of another server"
    )
    static let headerTooLong = Reply(552, EnhancedStatusCode(5, 3, 4), "The header is too long")
}
