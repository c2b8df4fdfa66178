// SPDX-License-Identifier: Apache-2.0

/// LIMITS, RFC 9422: how many recipients a message may have, so that a client need not find out.
///
/// There is no limit of messages or domains to tell.
enum Limits: SMTPExtension {
    static let keyword = "LIMITS"

    // rcptmax-value = 1*6DIGIT without leading zeros (RFC 9422 §3, §4.2)
    static func ehloParameters(_ view: SMTPView) -> String? {
        "RCPTMAX=\(min(view.service.options.recipientsLimit, 999_999))"
    }
}
