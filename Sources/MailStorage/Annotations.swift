// SPDX-License-Identifier: Apache-2.0

/// Something that a client has noted about a mailbox, or about the server (RFC 5464 §3).
package struct Annotation: Hashable, Sendable {
    /// A path such as `/private/comment`, in ASCII; compares without regard to case.
    package var entry: String
    package var value: [UInt8]
    /// When it was set.
    package var modSeq: ModSeq

    package init(entry: String, value: [UInt8], modSeq: ModSeq) {
        self.entry = entry
        self.value = value
        self.modSeq = modSeq
    }

    /// Octets of a value.
    package static let largestValue = 65536
    /// Octets of an entry's name.
    package static let longestEntry = 1000
    /// Annotations of one mailbox, or of the server.
    package static let countLimit = 100
    /// Octets of all annotations of an account, names included.
    package static let totalLimit = 16 << 20
}

/// Sets an annotation, or removes it: then `value` is nil.
package struct AnnotationChange: Hashable, Sendable {
    package var entry: String
    package var value: [UInt8]?

    package init(entry: String, value: [UInt8]?) {
        self.entry = entry
        self.value = value
    }
}
