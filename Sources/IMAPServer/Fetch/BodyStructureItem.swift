// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage

/// BODYSTRUCTURE, and BODY, which is the same without extension data (RFC 9051 §7.5.2).
struct BodyStructureItem: ImmediateFetchItem {
    static let names = ["BODYSTRUCTURE", "BODY"]

    private let isExtensible: Bool

    init(isExtensible: Bool) { self.isExtensible = isExtensible }

    // "BODY" ["STRUCTURE"]
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.isExtensible = name == "BODYSTRUCTURE"
    }

    var needs: FetchNeeds { [.row, .summary] }

    // "BODY" ["STRUCTURE"] SP body
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws {
        output.writer.raw(self.isExtensible ? "BODYSTRUCTURE " : "BODY ")
        output.writer.body(try message.summary().root, isExtensible: self.isExtensible)
    }
}

extension ResponseWriter {
    /// Recurses as deep as the message's structure, which `MessageParser.Limits` bounds.
    ///
    ///     body = "(" (body-type-1part / body-type-mpart) ")"
    mutating func body(_ part: Part, isExtensible: Bool) {
        self.raw("(")
        switch part.content {
        // Without a body part there would be no way to read it (1*body): it is shown as something unknown, below.
        case .multipart(let parts) where !parts.isEmpty:
            self.multipart(part, parts, isExtensible: isExtensible)
        case .multipart, .leaf:
            self.fields(part)
            if part.contentType.isType("text") {
                self.sp()
                self.number(UInt64(clamping: part.bodyLines))
            }
            if isExtensible { self.extensionData(part) }
        case .message(let message):
            self.fields(part)
            self.sp()
            self.envelope(message.envelope)
            self.sp()
            self.body(message.root, isExtensible: isExtensible)
            self.sp()
            self.number(UInt64(clamping: part.bodyLines))
            if isExtensible { self.extensionData(part) }
        }
        self.raw(")")
    }

    // body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
    // body-ext-mpart  = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    private mutating func multipart(_ part: Part, _ parts: [Part], isExtensible: Bool) {
        for inner in parts { self.body(inner, isExtensible: isExtensible) }
        self.sp()
        self.string(part.contentType.subtype[...])
        guard isExtensible else { return }
        self.sp()
        self.parameters(part.contentType.parameters)
        self.presentation(part)
    }

    // body-type-basic = media-basic SP body-fields
    // body-type-text  = media-text SP body-fields SP body-fld-lines
    // body-type-msg   = media-message SP body-fields SP envelope SP body SP body-fld-lines
    // body-fields     = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
    private mutating func fields(_ part: Part) {
        self.string(part.contentType.type[...])
        self.sp()
        self.string(part.contentType.subtype[...])
        self.sp()
        self.parameters(part.contentType.parameters)
        self.sp()
        self.nstring(part.contentID?[...])
        self.sp()
        self.nstring(part.description?[...])
        self.sp()
        if let encoding = part.transferEncoding { self.string(encoding[...]) } else { self.raw("\"7BIT\"") }
        self.sp()
        self.number(UInt64(clamping: part.bodyRange.count))
    }

    // body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    private mutating func extensionData(_ part: Part) {
        self.sp()
        self.nstring(part.md5?[...])
        self.presentation(part)
    }

    /// What the extension data of both kinds end with.
    ///
    ///     body-fld-dsp    = "(" string SP body-fld-param ")" / nil
    ///     body-fld-lang   = nstring / "(" string *(SP string) ")"
    ///     body-fld-loc    = nstring
    private mutating func presentation(_ part: Part) {
        self.sp()
        if let disposition = part.disposition {
            self.raw("(")
            self.string(disposition.type[...])
            self.sp()
            self.parameters(disposition.parameters)
            self.raw(")")
        } else {
            self.raw("NIL")
        }
        self.sp()
        if part.language.isEmpty { self.raw("NIL") } else { self.list(part.language) { $0.string($1[...]) } }
        self.sp()
        self.nstring(part.location?[...])
    }

    /// Values are the sender's octets: clients decode them, and what is decoded twice is lost.
    ///
    ///     body-fld-param  = "(" string SP string *(SP string SP string) ")" / nil
    private mutating func parameters(_ parameters: [ContentParameter]) {
        guard !parameters.isEmpty else { return self.raw("NIL") }
        self.list(parameters) { writer, parameter in
            writer.string(parameter.name[...])
            writer.sp()
            writer.string(parameter.value[...])
        }
    }
}
