// SPDX-License-Identifier: Apache-2.0

/// One entity of a message, as ranges over the message's octets, with what its header says of it (RFC 2045 §2.4).
///
/// The message itself is one, and so is every body part of a multipart. Values are those of the header, on one line and
/// not decoded; none holds CR, LF or NUL. What the header does not say is nil, but for ``contentType``, whose defaults
/// are filled in. Equal for everyone who asks: what clients are told of a message never changes.
package struct Part: Hashable, Sendable {
    /// What a part is made of.
    package indirect enum Content: Hashable, Sendable {
        /// Something that is not looked into.
        case leaf
        /// The body parts of a multipart; never empty.
        case multipart([Part])
        /// The message in a `message/rfc822` or `message/global`.
        case message(EmbeddedMessage)
    }

    /// The header with its empty line; octets from the begin of the message.
    ///
    /// Empty for a part that has none.
    package var headerRange: Range<Int>
    /// The body, in its transfer encoding; begins where the header ends.
    package var bodyRange: Range<Int>
    /// The line ends in the body.
    ///
    /// One less than the lines people see if the last is not ended, as that of most body parts: the line end before a
    /// boundary belongs to the boundary (RFC 2046 §5.1.1).
    package var bodyLines: Int
    package var contentType: ContentType
    package var contentID: [UInt8]?
    package var description: [UInt8]?
    /// Without comments.
    ///
    /// Nil stands for `7bit` (RFC 2045 §6.1).
    package var transferEncoding: [UInt8]?
    /// `Content-MD5` (RFC 1864).
    package var md5: [UInt8]?
    package var disposition: ContentDisposition?
    /// The tags of `Content-Language` (RFC 3282).
    package var language: [[UInt8]]
    /// `Content-Location` (RFC 2557).
    package var location: [UInt8]?
    package var content: Content

    package init(
        headerRange: Range<Int>,
        bodyRange: Range<Int>,
        bodyLines: Int,
        contentType: ContentType = .plainText,
        content: Content = .leaf
    ) {
        self.headerRange = headerRange
        self.bodyRange = bodyRange
        self.bodyLines = bodyLines
        self.contentType = contentType
        self.language = []
        self.content = content
    }

    /// The body parts of a multipart; none of anything else.
    package var children: [Part] {
        guard case .multipart(let children) = self.content else { return [] }
        return children
    }

    /// The message inside, if this is a message.
    package var message: EmbeddedMessage? {
        guard case .message(let message) = self.content else { return nil }
        return message
    }

    package var isMultipart: Bool {
        guard case .multipart = self.content else { return false }
        return true
    }

    /// What people would call the part's file: the `filename` of its disposition, or else the `name` of its type.
    package var fileName: String? {
        self.disposition?.parameters.text(of: "filename") ?? self.contentType.parameters.text(of: "name")
    }
}

/// A message within a message.
package struct EmbeddedMessage: Hashable, Sendable {
    package var envelope: MessageEnvelope
    /// Its ranges too count from the begin of the outermost message.
    package var root: Part

    package init(envelope: MessageEnvelope, root: Part) {
        self.envelope = envelope
        self.root = root
    }
}
