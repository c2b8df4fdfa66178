// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax

/// What is asked about the client before its mail is taken.
extension SMTPSession {
    /// Finds out, once, what the lists say about another server: when it names a recipient, so that nobody who only says hello
    /// is asked about.
    mutating func findStanding() async {
        guard self.view.role == .exchange, self.view.standing == nil else { return }
        self.view.standing = await self.standing()
    }

    /// Tells the filters what is about to happen; throws `Reply` if one of them does not want it.
    func askMilters(about effect: Outcome.Effect) async throws {
        switch effect {
        case .transaction(let transaction): try await self.milters?.begin(self.view, transaction)
        case .recipient(let recipient): try await self.milters?.recipient(recipient)
        // The reception tells of the message, of all else the filters need not hear.
        case .none, .greeted, .reset, .content, .chunk, .authenticate, .startTLS, .client, .quit: break
        }
    }

    private func standing() async -> ClientStanding {
        let policy = self.service.filters
        guard let address = try? IPAddress(parsing: self.view.peer.address).unmapped, !policy.isExempt(address) else {
            return .exempt
        }
        guard let lists = policy.lists else { return .unlisted }
        let standing = await lists.standing(of: address, time: self.service.time)
        Metrics.count(standing: standing)
        return standing
    }
}

extension SMTPView {
    /// Refuses a client that is on a block list, but not what is for those who could do something about it (RFC 5321 §4.5.1,
    /// RFC 2142 §5).
    func checkStanding(_ recipient: Path) throws(Reply) {
        guard case .blocked(let list, let reason) = self.standing, !recipient.isOperators else { return }
        let words = reason.isEmpty ? "" : ": \(reason)"
        throw Reply(550, EnhancedStatusCode(5, 7, 1), "\(self.peer.address) is listed at \(list)\(words)")
    }

    /// Whether the message has to come a second time: nobody who is known, and nobody who is our user, has to.
    func mustComeAgain(for recipient: EmailAddress) -> Bool {
        guard self.standing == .unlisted, let greylist = self.service.filters.greylist,
            let address = try? IPAddress(parsing: self.peer.address).unmapped
        else { return false }
        let attempt = GreylistAttempt(
            client: address.octets,
            sender: self.transaction?.reversePath.address?.description ?? "",
            recipient: recipient.description
        )
        return greylist.mustWait(attempt, at: self.service.time.unixTime())
    }
}

extension Path {
    /// Whether those are meant who run this server.
    fileprivate var isOperators: Bool {
        switch self {
        case .postmaster: true
        case .null: false
        case .address(let address): ["postmaster", "abuse"].contains(address.localPart.lowercased())
        }
    }
}

extension Reply {
    /// RFC 6647 §2.
    static let greylisted = Reply(451, EnhancedStatusCode(4, 7, 1), "Greylisted: try again in some minutes")
}
