// SPDX-License-Identifier: Apache-2.0

/// What a server shows to prove who it is: a certificate chain and the private key of its first certificate.
package struct TLSIdentity: Sendable {
    /// Where a PEM text is.
    package enum Source: Sendable {
        /// In a file.
        case file(String)
        /// Here, as octets.
        case text([UInt8])
    }

    /// The certificates, the server's own first, then those that lead to a root.
    package let certificateChain: Source
    /// The key of the first certificate, not encrypted.
    package let privateKey: Source

    /// Names the two sources; nothing is read until a context is made.
    package init(certificateChain: Source, privateKey: Source) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}

extension TLSIdentity.Source: CustomStringConvertible, CustomReflectable {
    /// The file's path; of a text nothing, for it may be a key.
    package var description: String {
        switch self {
        case .file(let path): path
        case .text: "PEM text"
        }
    }

    /// Nothing more than the description, so that `dump` shows no key.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A certificate, key or trust store that cannot be used, told so that an operator can mend it.
package struct TLSConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, or what stands for it.
    package let source: String
    /// What is wrong with it: a clause whose subject is the source.
    package let problem: String
    /// What to do about it: a sentence.
    package let advice: String

    package var description: String { "\(self.source) \(self.problem). \(self.advice)" }
}
