// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// What this server speaks.
///
/// A new command is one file and one line here; so is a new extension.
enum ExtensionTable {
    /// The commands of RFC 5321 §4.1.1 in its order, and LMTP's greeting.
    static let base: [any SMTPCommand.Type] = [
        EhloCommand.self, HeloCommand.self, LhloCommand.self, MailCommand.self, RcptCommand.self, DataCommand.self,
        RsetCommand.self,
        VrfyCommand.self, ExpnCommand.self, HelpCommand.self, NoopCommand.self, QuitCommand.self,
    ]

    /// In the order of EHLO's reply.
    static let extensions: [any SMTPExtension.Type] = [
        Size.self, Pipelining.self, EightBitMIME.self, SMTPUTF8.self, EnhancedStatusCodes.self, StartTLS.self,
        Auth.self, Limits.self, RequireTLS.self, FutureRelease.self, XClient.self, BinaryMIME.self, Chunking.self,
        DSN.self,
    ]

    private static let commands: [String: any SMTPCommand.Type] = Dictionary(
        (Self.base + Self.extensions.flatMap { $0.commands }).map { ($0.name, $0) },
        uniquingKeysWith: { first, _ in first }
    )

    /// The command of that verb, which is in upper case.
    static func command(_ verb: String) -> (any SMTPCommand.Type)? { Self.commands[verb] }

    /// Every verb, in alphabetical order.
    static let verbs = Self.commands.keys.sorted()

    /// The verbs that this client can use, in alphabetical order.
    static func verbs(for view: SMTPView) -> [String] {
        let hello = [EhloCommand.name, HeloCommand.name]
        let base = Self.base.map { $0.name }.filter { verb in
            view.role == .lmtp ? !hello.contains(verb) : verb != LhloCommand.name
        }
        let offered = Self.extensions.filter { $0.ehloParameters(view) != nil }.flatMap { $0.commands }
        return (base + offered.map { $0.name }).sorted()
    }

    /// The lines of EHLO's reply behind the first.
    static func ehloLines(_ view: SMTPView) -> [String] {
        Self.extensions.compactMap { type in
            type.ehloParameters(view).map { $0.isEmpty ? type.keyword : "\(type.keyword) \($0)" }
        }
    }

    /// Reads the parameters of MAIL into the transaction; 555 for one that no offered extension defines
    /// (RFC 5321 §4.1.1.11).
    static func apply(_ parameters: Parameters, to transaction: inout MailTransaction, _ view: SMTPView) throws {
        for keyword in parameters.keywords {
            let rule = Self.offered(view).lazy.compactMap { $0.mailParameters[keyword] }.first
            guard let rule else { throw Reply.parametersNotRecognized }
            try rule(parameters, view, &transaction)
        }
    }

    /// The same for RCPT.
    static func apply(
        _ parameters: Parameters,
        to recipient: inout MailTransaction.Recipient,
        _ view: SMTPView
    ) throws {
        for keyword in parameters.keywords {
            let rule = Self.offered(view).lazy.compactMap { $0.rcptParameters[keyword] }.first
            guard let rule else { throw Reply.parametersNotRecognized }
            try rule(parameters, &recipient)
        }
    }

    /// What the client has been offered: nothing if it greeted with HELO.
    private static func offered(_ view: SMTPView) -> [any SMTPExtension.Type] {
        view.isExtended ? Self.extensions.filter { $0.ehloParameters(view) != nil } : []
    }
}
