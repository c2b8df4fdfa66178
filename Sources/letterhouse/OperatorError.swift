// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import MailNetwork
import MailStorage
import SQLiteStorage

/// How the program ends, in the codes of sysexits(3), so that scripts can tell what to do next.
enum ExitStatus: Int32, Sendable, Codable {
    case success = 0
    /// The arguments are wrong.
    case usage = 64
    /// What was named or given cannot be used: no such account, a damaged store.
    case data = 65
    /// Something that is needed is not there.
    case unavailable = 69
    /// An error that nobody expected.
    case software = 70
    /// What should be made is there already, or cannot be made.
    case cannotCreate = 73
    /// It may work later.
    case tryAgain = 75
    /// The settings are wrong.
    case settings = 78
}

/// What went wrong, in words for the operator that say what to do next.
struct OperatorError: Error, Sendable, CustomStringConvertible {
    let text: String
    let status: ExitStatus

    var description: String { self.text }

    init(_ text: String, _ status: ExitStatus) {
        self.text = text
        self.status = status
    }

    /// Any error in words; the one place where errors become exit codes.
    init(_ error: any Error) {
        switch error {
        case let error as OperatorError: self = error
        case let error as StoreError: self.init(error)
        case let error as InvalidSettings: self.init(error.told, .settings)
        case let error as TLSConfigurationError: self.init("\(error)", .settings)
        case let error as StoreFileError: self.init("\(error)", .cannotCreate)
        case let error as ListeningSocketError: self.init("\(error)", .unavailable)
        case let error as TextFile.Failure: self.init("\(error)", .unavailable)
        case let error as SecretKey.InvalidKey: self.init("\(error)", .data)
        case is CancellationError: self.init("it was interrupted; try again", .tryAgain)
        default: self.init("\(error)", .software)
        }
    }

    private init(_ error: StoreError) {
        switch error {
        case .notFound(let name): self.init("there is no \(name) here", .data)
        case .exists(let name): self.init("\(name) is there already", .cannotCreate)
        case .notPermitted(let reason): self.init(reason, .data)
        case .full: self.init("the disk is full; make room and try again", .tryAgain)
        case .unavailable: self.init("the store is stopping or overloaded; try again", .tryAgain)
        case .inUse: self.init("another process has the store open; stop it, or try again", .tryAgain)
        case .newerSchema(let number):
            self.init(
                "the store was written by a newer version of letterhouse (schema \(number)) and was not touched; "
                    + "use that version",
                .unavailable
            )
        case .corrupt(let what): self.init("the store is damaged: \(what); restore it from a backup", .data)
        case .overQuota: self.init("the account's quota is exhausted", .tryAgain)
        case .noSuchMailbox, .noPermission, .mailboxExists, .tooManyKeywords, .tooManyAnnotations, .tooManyMailboxes,
            .uidsExhausted,
            .expunged:
            self.init("\(error)", .data)
        }
    }
}

extension InvalidSettings {
    /// All faults, each on a line of its own.
    fileprivate var told: String {
        self.faults.count == 1 ? self.description : "\(self.faults.count) settings are wrong\n\(self.description)"
    }
}
