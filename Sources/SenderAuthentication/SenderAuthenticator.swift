// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Finds out who sent the messages that a server receives; shared by all of its sessions.
package struct SenderAuthenticator: Sendable {
    package let names: any NameService
    package let suffixes: PublicSuffixList
    /// authserv-id: this server's name in the fields that it writes (RFC 8601 §2.5).
    package let authservID: String

    package init(names: any NameService, suffixes: PublicSuffixList, authservID: String) {
        self.names = names
        self.suffixes = suffixes
        self.authservID = authservID
    }

    /// Begins with one message.
    ///
    /// - Parameters:
    ///   - address: the client's.
    ///   - reversePath: local part and domain; nil if it is `<>`.
    ///   - helo: the argument of EHLO or HELO.
    /// - Returns: what is to be shown the message.
    package func message(
        from address: IPAddress,
        reversePath: (localPart: String, domain: String)?,
        helo: String
    ) -> MessageAuthentication {
        MessageAuthentication(self, SPFIdentity(address: address, reversePath: reversePath, helo: helo))
    }
}

/// One message on its way in: it is shown in chunks, and then there is a verdict.
package struct MessageAuthentication {
    /// A longer header is not looked at any further.
    package static let maximumHeader = 256 * 1024

    private let authenticator: SenderAuthenticator
    private let identity: SPFIdentity
    /// Once ``checkHost(asking:unixTime:)`` has found it out.
    private var spf: SPFOutcome?
    private var header: [UInt8] = []
    /// Once the header is complete.
    private var verifier: DKIMVerifier?
    private var signable: SignableHeader?
    private var chain: ARCVerifier?
    private var isTooLong = false

    init(_ authenticator: SenderAuthenticator, _ identity: SPFIdentity) {
        self.authenticator = authenticator
        self.identity = identity
    }

    /// Finds out whether the client may send in the sender's name: SPF, for which the message itself is not needed.
    ///
    /// ``finish(asking:unixTime:lot:)`` does it, where it has not been done before.
    ///
    /// - Parameters:
    ///   - names: whom to ask; nil: the authenticator's own.
    ///   - unixTime: seconds since 1970.
    package mutating func checkHost(asking names: (any NameService)? = nil, unixTime: Int64) async {
        var check = SPFCheck(
            self.identity,
            names: names ?? self.authenticator.names,
            receiver: self.authenticator.authservID,
            unixTime: unixTime
        )
        self.spf = await check.run()
    }

    /// Takes the next octets of the message as it came, header and body.
    package mutating func update(_ chunk: ArraySlice<UInt8>) {
        guard self.verifier == nil else {
            self.verifier?.update(chunk)
            self.chain?.update(chunk)
            return
        }
        guard !self.isTooLong else { return }
        let searched = self.header.count
        self.header += chunk
        guard let end = self.endOfHeader(from: max(0, searched - 3)) else {
            self.isTooLong = self.header.count > Self.maximumHeader
            return
        }
        let body = self.header[end...]
        self.begin(self.header[..<end])
        self.verifier?.update(body)
        self.chain?.update(body)
        self.header = []
    }

    /// Where the body begins: behind the first empty line.
    private func endOfHeader(from start: Int) -> Int? {
        if self.header.starts(with: [.cr, .lf]) { return 2 }
        var index = start
        while let lineFeed = self.header[index...].firstIndex(of: .lf) {
            let next = lineFeed + 1
            if next < self.header.endIndex, self.header[next] == .lf { return next + 1 }
            if next + 1 < self.header.endIndex, self.header[next] == .cr, self.header[next + 1] == .lf {
                return next + 2
            }
            index = next
        }
        return nil
    }

    private mutating func begin(_ header: ArraySlice<UInt8>) {
        let signable = SignableHeader(header)
        self.signable = signable
        self.verifier = DKIMVerifier(signable)
        self.chain = ARCVerifier(signable)
    }

    /// The end of the message.
    ///
    /// - Parameters:
    ///   - names: whom to ask; nil: the authenticator's own.
    ///   - unixTime: seconds since 1970.
    ///   - lot: 0 to 99, drawn: whether the message is among those that a policy's `pct` means.
    /// - Returns: what has been found out.
    package mutating func finish(
        asking names: (any NameService)? = nil,
        unixTime: Int64,
        lot: Int
    ) async -> AuthenticationVerdict {
        if self.verifier == nil { self.begin(self.header[...]) }
        let names = names ?? self.authenticator.names
        var author = self.signable.map(AuthorDomain.init) ?? .unclear(reason: "no header", suspects: [])
        if self.isTooLong {
            var suspects: [DomainName] = []
            if case .one(let domain) = author { suspects = [domain] }
            author = .unclear(reason: "the header is too long", suspects: suspects, isComplete: false)
        }
        // First of all: there may be no time left when the sender's own name servers have been asked.
        let inquiry = await DMARCInquiry(author, names: names, suffixes: self.authenticator.suffixes)
        if self.spf == nil { await self.checkHost(asking: names, unixTime: unixTime) }
        let spf = self.spf ?? SPFOutcome(.none)
        let dkim: [DKIMOutcome]
        if self.isTooLong {
            dkim = [DKIMOutcome(.permerror, reason: "the header is too long")]
        } else {
            dkim = await self.verifier?.finish(names: names, unixTime: unixTime) ?? []
        }
        let check = DMARCCheck(
            suffixes: self.authenticator.suffixes,
            spf: spf,
            spfDomain: DomainName(self.identity.domain),
            dkim: dkim,
            lot: lot
        )
        let dmarc = check.outcome(inquiry)
        var arc = ARCOutcome(result: .none)
        // What does not know who its author is has no use for a chain.
        if !self.isTooLong, let outcome = await self.chain?.finish(names: names, unixTime: unixTime) { arc = outcome }
        return AuthenticationVerdict(
            authservID: self.authenticator.authservID,
            identity: self.identity,
            spf: spf,
            dkim: dkim,
            arc: arc,
            dmarc: dmarc
        )
    }
}
