// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication

@testable import SMTPServer

/// A name system with a few domains, for who sent a message.
///
/// Mail of all of them may come from 192.0.2.0/24 and nowhere else.
struct TestSenders: NameService {
    var texts = [
        "example.net": "v=spf1 ip4:192.0.2.0/24 -all",
        "refusing.example": "v=spf1 ip4:192.0.2.0/24 -all",
        "_dmarc.refusing.example": "v=DMARC1; p=reject",
        "suspicious.example": "v=spf1 ip4:192.0.2.0/24 -all",
        "_dmarc.suspicious.example": "v=DMARC1; p=quarantine",
        "_dmarc.silent.example": "v=DMARC1; p=reject",
    ]
    /// Names about which nobody answers.
    var silent: Set<String> = ["silent.example"]
    /// Called with each question before it is answered.
    var willAnswer: @Sendable (String) async -> Void = { _ in }

    func policy(enforces: Bool = true, exempt: Set<IPAddress> = []) -> SenderPolicy {
        SenderPolicy(
            authenticator: SenderAuthenticator(
                names: self,
                suffixes: PublicSuffixList(),
                authservID: "mx.example.org"
            ),
            enforces: enforces,
            isExempt: { exempt.contains($0) }
        )
    }

    func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
        await self.willAnswer(name.text)
        if self.silent.contains(name.text) { return .temporaryFailure }
        return self.texts[name.text].map { .found([Array($0.utf8)]) } ?? .noSuchName
    }

    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> { .noSuchName }
    func mailExchangers(of name: DomainName) async -> NameAnswer<String> { .noSuchName }
    func names(of address: IPAddress) async -> NameAnswer<String> { .noSuchName }
}
