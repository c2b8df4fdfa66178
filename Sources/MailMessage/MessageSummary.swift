// SPDX-License-Identifier: Apache-2.0

/// All that has to be known of a message besides its octets: who, what, and where in it everything lies.
///
/// ``MessageParser`` makes it once, when a message arrives; the store keeps it (``encoded()``) beside the message, and
/// ENVELOPE, BODYSTRUCTURE and every section are answered from it.
package struct MessageSummary: Hashable, Sendable {
    package var envelope: MessageEnvelope
    /// The `References` field on one line, nil if there is none: THREAD wants it and ENVELOPE does not have it.
    package var references: [UInt8]?
    /// The message as an entity.
    package var root: Part
    /// The message's octets.
    package var size: Int

    package init(envelope: MessageEnvelope, references: [UInt8]? = nil, root: Part, size: Int) {
        self.envelope = envelope
        self.references = references
        self.root = root
        self.size = size
    }

    /// Parses a message that is in memory.
    package init(parsing message: some Collection<UInt8>) {
        var parser = MessageParser()
        parser.append(Array(message)[...])
        self = parser.finish()
    }
}
