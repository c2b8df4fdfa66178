// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// The questions that the authentication of senders asks of the name system.
///
/// Answers come with their aliases followed. Whoever implements it bounds how long one takes.
package protocol NameService: Sendable {
    /// The TXT records of a name, the strings of each joined without anything between them.
    func texts(of name: DomainName) async -> NameAnswer<[UInt8]>
    /// The addresses of one family: A or AAAA records.
    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress>
    /// The hosts of the MX records, the most preferred first, as the records spell them; the root is `.` or empty.
    func mailExchangers(of name: DomainName) async -> NameAnswer<String>
    /// The names of the PTR records of an address.
    func names(of address: IPAddress) async -> NameAnswer<String>
}

/// What the name system says to one question.
package enum NameAnswer<Value: Sendable>: Sendable {
    /// Records, at least one.
    case found([Value])
    /// The name does not exist (NXDOMAIN).
    case noSuchName
    /// The name exists, and has no records of that type.
    case noData
    /// Nobody could answer, not in time, or with a forged answer. Another time the answer may be another.
    case temporaryFailure
}
