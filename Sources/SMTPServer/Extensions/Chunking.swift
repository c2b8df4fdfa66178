// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// CHUNKING, RFC 3030 §2: BDAT in place of DATA.
enum Chunking: SMTPExtension {
    static let keyword = "CHUNKING"

    static var commands: [any SMTPCommand.Type] { [BdatCommand.self] }
}

/// BDAT, RFC 3030 §2: one chunk of the message.
struct BdatCommand: SMTPCommand {
    static let name = "BDAT"
    static let isLastInGroup = false
    static let announcesOctets = true

    private let chunk: ChunkCounter

    // bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF
    init(_ parser: inout CommandParser) throws(SyntaxError) { self.chunk = try parser.chunk() }

    /// Never throws: the octets come, whatever we think of them, and are passed over before the answer.
    func run(_ view: SMTPView) -> Outcome { Outcome(nil, .chunk(self.chunk, refusal: Self.refusal(view))) }

    private static func refusal(_ view: SMTPView) -> Reply? {
        guard let transaction = view.transaction else { return view.chunkFailure ?? .mailFirst }
        guard transaction.recipients.isEmpty else { return transaction.mustComeAgain ? .greylisted : nil }
        return view.role == .lmtp ? .noRecipientsHere : .noValidRecipients
    }
}
