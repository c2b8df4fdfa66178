// SPDX-License-Identifier: Apache-2.0

/// Who there is: domains, accounts and aliases.
///
/// Addresses are in canonical form: `localpart@domain` with the domain in lower case and the local part as written.
/// Local parts compare without regard to ASCII case. All methods throw ``StoreError``.
package protocol Directory: Sendable {
    func domains() async throws -> [String]
    func addDomain(_ name: String) async throws
    /// Refused with ``StoreError/notPermitted(_:)`` while accounts or aliases are in it, or aliases lead to addresses in it.
    func removeDomain(_ name: String) async throws
    /// Whether `ann+anything` at the domain is `ann`; yes at first.
    func usesTags(domain: String) async throws -> Bool
    func setUsesTags(_ usesTags: Bool, domain: String) async throws

    func accounts() async throws -> [Account]
    /// Adds an account with an `INBOX` and the mailboxes that clients expect (Drafts, Sent, Junk, Trash, Archive).
    ///
    /// `verifier` is the text form of its password verifier; never the password.
    func addAccount(_ address: String, verifier: String) async throws -> Account
    /// Removes the account with its mail.
    func removeAccount(_ address: String) async throws
    func setVerifier(_ verifier: String, of address: String) async throws
    /// For logging in: the account of that name (its address) and its verifier; nil if there is none.
    func credential(for name: String) async throws -> (account: Account, verifier: String)?

    func quota(of address: String) async throws -> Quota
    /// What the account may use from now on; limits below what it uses already only keep it from growing.
    func setLimits(_ limits: QuotaLimits, of address: String) async throws

    func aliases() async throws -> [Alias]
    /// Adds an alias; the local part `*` stands for all addresses of the domain that nobody has.
    ///
    /// `targets` are addresses here to which mail can be delivered, or addresses elsewhere. Throws
    /// ``StoreError/notFound(_:)`` for one here that is nobody's, and ``StoreError/notPermitted(_:)`` for an alias that
    /// would lead back to itself, or has more than ``Alias/targetLimit`` targets.
    func addAlias(_ address: String, targets: [String]) async throws
    func removeAlias(_ address: String) async throws

    /// Where mail for an address goes. `domain` is in lower case.
    ///
    /// To the account or alias of that name, else to that of the same name without `+tag`, else to the domain's
    /// catch-all. `postmaster` and `abuse` at a local domain always go somewhere once there is an account: to an account
    /// or alias of that name, else `abuse` where `postmaster` goes, and `postmaster` to the account that was made first
    /// (RFC 5321 §4.5.1, RFC 2142 §5).
    func route(localPart: String, domain: String) async throws -> RecipientRoute
    /// Who may write `address` as the reverse-path: true if it is the account's own or an alias of it.
    ///
    /// A catch-all is not: whoever gets what was misspelled does not write under every name.
    func mayUse(_ address: String, account: AccountID) async throws -> Bool

    /// A secret of this store, by its name: `octets` if there was none, which are kept then.
    func secret(_ name: String, orElse octets: [UInt8]) async throws -> [UInt8]

    func mailStore(of account: AccountID) -> any MailStore
}

/// An account: a person's mail.
package struct Account: Hashable, Sendable {
    package let id: AccountID
    /// Its address, which is also its name for logging in.
    package var address: String

    package init(id: AccountID, address: String) {
        self.id = id
        self.address = address
    }
}

/// An address that stands for others.
package struct Alias: Hashable, Sendable {
    /// The most targets of one alias.
    package static let targetLimit = 1000

    package var address: String
    /// Addresses of accounts, of other aliases, or elsewhere.
    package var targets: [String]

    package init(address: String, targets: [String]) {
        self.address = address
        self.targets = targets
    }
}

/// Where mail for an address goes.
package enum RecipientRoute: Hashable, Sendable {
    /// To these accounts' inboxes, and on to these addresses elsewhere; never to nobody.
    case local([AccountID], forwards: [ForwardAddress] = [])
    /// The domain is ours, the mailbox is not there.
    case unknownMailbox
    /// The domain is not ours.
    case remote
}

/// An address elsewhere that mail for an address here is sent on to.
package struct ForwardAddress: Hashable, Sendable {
    package var localPart: String
    /// In lower case.
    package var domain: String

    package init(localPart: String, domain: String) {
        self.localPart = localPart
        self.domain = domain
    }
}
