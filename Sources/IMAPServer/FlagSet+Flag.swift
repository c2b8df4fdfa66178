// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

extension FlagSet {
    /// What of the flags a client names can be stored.
    ///
    /// `\Recent` cannot be changed by clients, and system flags that are not known have no meaning to keep: both are
    /// passed over (RFC 9051 §2.3.2).
    init(_ flags: [Flag]) {
        self.init()
        for flag in flags {
            switch flag {
            case .answered: self.system.insert(.answered)
            case .flagged: self.system.insert(.flagged)
            case .deleted: self.system.insert(.deleted)
            case .seen: self.system.insert(.seen)
            case .draft: self.system.insert(.draft)
            case .keyword(let keyword): self.keywords.append(keyword.name)
            default: break
            }
        }
    }
}
