// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// LIST-METADATA, RFC 9590: LIST's return option METADATA.
enum ListMetadata: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["LIST-METADATA"] }

    // return-option =/ "METADATA" SP "(" entry *(SP entry) ")"
    static func entries(_ parser: inout CommandParser) throws(SyntaxError) -> [String] {
        try parser.parenthesized(maximum: 100) { (parser: inout CommandParser) throws(SyntaxError) in
            try parser.annotationEntry()
        }
    }

    /// What is told of a mailbox that has these entries: as GETMETADATA would, NIL for those that are not there.
    static func values(_ entries: [String], in all: [MetadataValue]) -> [MetadataValue] {
        MetadataSelection(entries, depth: .none, maximumSize: nil, in: all).values
    }
}
