// SPDX-License-Identifier: Apache-2.0

import JSONSyntax
import MailMessage
import MailStorage

/// What a message says, as JSON: the values of its header, decoded for people.
///
/// Whoever needs the header's octets reads them.
enum MessageJSON {
    static func meta(_ id: EmailID, _ summary: MessageSummary, preview: String) -> JSONValue {
        [
            "id": .string(id.text),
            "size": .number(Int64(summary.size)),
            "envelope": Self.envelope(summary.envelope, references: summary.references),
            "structure": Self.part(summary.root, path: []),
            "preview": .string(preview),
        ]
    }

    private static func envelope(_ envelope: MessageEnvelope, references: [UInt8]?) -> JSONValue {
        [
            "date": envelope.sentDate.map { .string(StorageDate.text($0)) } ?? .null,
            "subject": Self.text(envelope.subject),
            "from": Self.addresses(envelope.from),
            "sender": Self.addresses(envelope.sender),
            "reply_to": Self.addresses(envelope.replyTo),
            "to": Self.addresses(envelope.to),
            "cc": Self.addresses(envelope.cc),
            "bcc": Self.addresses(envelope.bcc),
            "in_reply_to": Self.raw(envelope.inReplyTo),
            "message_id": Self.raw(envelope.messageID),
            "references": Self.raw(references),
        ]
    }

    /// Of groups, their members.
    private static func addresses(_ addresses: [Address]) -> JSONValue {
        .array(
            addresses.compactMap(\.mailbox).map { mailbox in
                ["name": Self.text(mailbox.name), "email": Self.raw(mailbox.addrSpec)]
            }
        )
    }

    /// Recurses as deep as the parser's limit lets parts nest.
    private static func part(_ part: Part, path: [Int]) -> JSONValue {
        var members: [String: JSONValue] = [
            "type": .string(
                String(decoding: part.contentType.type + [UInt8(ascii: "/")] + part.contentType.subtype, as: UTF8.self)
                    .lowercased()
            ),
            "header": .number(Int64(part.headerRange.lowerBound)),
            "body": .number(Int64(part.bodyRange.lowerBound)),
            "size": .number(Int64(part.bodyRange.count)),
            "lines": .number(Int64(part.bodyLines)),
            "encoding": Self.raw(part.transferEncoding),
            "charset": Self.raw(part.contentType.parameters.value(of: "charset")),
            "name": part.fileName.map(JSONValue.string) ?? .null,
            "disposition": Self.raw(part.disposition?.type),
            "cid": Self.raw(part.contentID),
            "description": Self.text(part.description),
        ]
        switch part.content {
        case .leaf: members["section"] = .string(Self.section(path.isEmpty ? [1] : path))
        case .multipart(let children):
            members["parts"] = .array(
                children.enumerated().map { Self.part($0.element, path: path + [$0.offset + 1]) }
            )
        case .message(let message):
            let own = path.isEmpty ? [1] : path
            members["section"] = .string(Self.section(own))
            members["envelope"] = Self.envelope(message.envelope, references: nil)
            // Numbers below a message in a message count from 1 again, and a part that is alone is 1.
            members["message"] = Self.part(message.root, path: message.root.isMultipart ? own : own + [1])
        }
        return .object(members)
    }

    private static func section(_ path: [Int]) -> String { path.map { "\($0)" }.joined(separator: ".") }

    private static func text(_ octets: [UInt8]?) -> JSONValue {
        octets.map { .string(EncodedWord.decode($0[...])) } ?? .null
    }

    private static func raw(_ octets: [UInt8]?) -> JSONValue {
        octets.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null
    }
}
