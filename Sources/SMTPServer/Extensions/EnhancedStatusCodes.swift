// SPDX-License-Identifier: Apache-2.0

/// ENHANCEDSTATUSCODES, RFC 2034: every reply of ours carries one, except where RFC 2034 §4 forbids it.
enum EnhancedStatusCodes: SMTPExtension {
    static let keyword = "ENHANCEDSTATUSCODES"
}
