// SPDX-License-Identifier: Apache-2.0

/// PIPELINING, RFC 2920: several commands in one segment.
///
/// How they are answered is the session's affair; which of them must be the last is ``SMTPCommand/isLastInGroup``.
enum Pipelining: SMTPExtension {
    static let keyword = "PIPELINING"
}
