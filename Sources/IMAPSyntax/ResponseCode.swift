// SPDX-License-Identifier: Apache-2.0

/// What a client may act upon in a status response (RFC 9051 §7.1).
///
///     resp-text       = ["[" resp-text-code "]" SP] [text]
package enum ResponseCode: Hashable, Sendable {
    case alert
    case alreadyExists
    /// The validity of the mailbox and the UIDs of the messages appended to it.
    case appendUID(uidValidity: UInt32, uids: NumberSet)
    case authenticationFailed
    case authorizationFailed
    /// The charsets that would do; may be empty.
    case badCharset([String])
    case cannot
    case capability([String])
    case clientBug
    case closed
    case contactAdmin
    /// The validity of the destination, and the UIDs of originals and copies in corresponding, ascending order.
    case copyUID(uidValidity: UInt32, from: NumberSet, to: NumberSet)
    case corruption
    case expired
    case expungeIssued
    case hasChildren
    case inUse
    case limit
    case nonexistent
    case noPermission
    case notSaved
    case overQuota
    case parse
    /// The flags that can be kept, and whether clients may make up keywords (`\*`).
    case permanentFlags([Flag], allowsNewKeywords: Bool)
    case privacyRequired
    case readOnly
    case readWrite
    case serverBug
    case tryCreate
    case uidNext(UInt32)
    case uidNotSticky
    case uidValidity(UInt32)
    case unavailable
    case unknownCTE

    /// The number of the first unseen message (RFC 3501 §7.1).
    case unseen(UInt32)
    /// RFC 7162 §3.1.2.1.
    case highestModSeq(UInt64)
    /// RFC 7162 §3.1.2.2.
    case noModSeq
    /// The messages STORE left alone because they had changed (RFC 7162 §3.1.3).
    case modified(NumberSet)
    /// RFC 4469 §4.2, RFC 7889 §4.
    case tooBig
    /// The URL that names nothing, as the client wrote it (RFC 4469 §4.1).
    case badURL([UInt8])
    /// How far the command with this tag has come: items done, and items in all if that is known (RFC 9585 §4).
    case inProgress(tag: String, done: UInt32, goal: UInt32?)
    /// RFC 8474 §4.
    case mailboxID(String)
    /// RFC 6154 §3.
    case useAttribute
    /// RFC 4978 §3.
    case compressionActive
    /// The tag of the search whose changes are not going to be told (RFC 5267 §4.3.1).
    case noUpdate(tag: String)
    /// RFC 5465 §5.8.
    case notificationOverflow
    /// The events there are (RFC 5465 §3.1).
    case badEvent([String])
    /// The size of the longest value left out (RFC 5464 §4.2.1).
    case metadataLongEntries(UInt32)
    /// The largest value taken (RFC 5464 §4.3).
    case metadataMaximumSize(UInt32)
    /// RFC 5464 §4.3.
    case metadataTooMany
    /// RFC 5464 §4.3.
    case metadataNoPrivate

    /// The code without its arguments.
    package var name: String {
        switch self {
        case .alert: "ALERT"
        case .alreadyExists: "ALREADYEXISTS"
        case .appendUID: "APPENDUID"
        case .authenticationFailed: "AUTHENTICATIONFAILED"
        case .authorizationFailed: "AUTHORIZATIONFAILED"
        case .badCharset: "BADCHARSET"
        case .cannot: "CANNOT"
        case .capability: "CAPABILITY"
        case .clientBug: "CLIENTBUG"
        case .closed: "CLOSED"
        case .contactAdmin: "CONTACTADMIN"
        case .copyUID: "COPYUID"
        case .corruption: "CORRUPTION"
        case .expired: "EXPIRED"
        case .expungeIssued: "EXPUNGEISSUED"
        case .hasChildren: "HASCHILDREN"
        case .inUse: "INUSE"
        case .limit: "LIMIT"
        case .nonexistent: "NONEXISTENT"
        case .noPermission: "NOPERM"
        case .notSaved: "NOTSAVED"
        case .overQuota: "OVERQUOTA"
        case .parse: "PARSE"
        case .permanentFlags: "PERMANENTFLAGS"
        case .privacyRequired: "PRIVACYREQUIRED"
        case .readOnly: "READ-ONLY"
        case .readWrite: "READ-WRITE"
        case .serverBug: "SERVERBUG"
        case .tryCreate: "TRYCREATE"
        case .uidNext: "UIDNEXT"
        case .uidNotSticky: "UIDNOTSTICKY"
        case .uidValidity: "UIDVALIDITY"
        case .unavailable: "UNAVAILABLE"
        case .unknownCTE: "UNKNOWN-CTE"
        case .unseen: "UNSEEN"
        case .highestModSeq: "HIGHESTMODSEQ"
        case .noModSeq: "NOMODSEQ"
        case .modified: "MODIFIED"
        case .tooBig: "TOOBIG"
        case .badURL: "BADURL"
        case .inProgress: "INPROGRESS"
        case .mailboxID: "MAILBOXID"
        case .useAttribute: "USEATTR"
        case .compressionActive: "COMPRESSIONACTIVE"
        case .noUpdate: "NOUPDATE"
        case .notificationOverflow: "NOTIFICATIONOVERFLOW"
        case .badEvent: "BADEVENT"
        case .metadataLongEntries: "METADATA LONGENTRIES"
        case .metadataMaximumSize: "METADATA MAXSIZE"
        case .metadataTooMany: "METADATA TOOMANY"
        case .metadataNoPrivate: "METADATA NOPRIVATE"
        }
    }
}

extension ResponseWriter {
    /// Writes a response code without its brackets.
    ///
    ///     resp-text-code  = "ALERT" / "BADCHARSET" [SP "(" charset *(SP charset) ")" ] / capability-data / …
    ///     resp-code-apnd  = "APPENDUID" SP nz-number SP append-uid
    ///     resp-code-copy  = "COPYUID" SP nz-number SP uid-set SP uid-set
    package mutating func responseCode(_ code: ResponseCode) {
        self.raw(code.name)
        switch code {
        case .uidNext(let number), .uidValidity(let number), .unseen(let number), .metadataLongEntries(let number),
            .metadataMaximumSize(let number):
            self.sp()
            self.number(number)
        case .highestModSeq(let modSequence):
            self.sp()
            self.number(modSequence)
        case .appendUID(let uidValidity, let uids):
            self.sp()
            self.number(uidValidity)
            self.sp()
            self.sequenceSet(uids)
        case .copyUID(let uidValidity, let originals, let copies):
            self.sp()
            self.number(uidValidity)
            self.sp()
            self.sequenceSet(originals)
            self.sp()
            self.sequenceSet(copies)
        case .noUpdate(let tag):
            self.sp()
            self.string(tag)
        case .modified(let numbers):
            self.sp()
            self.sequenceSet(numbers)
        case .capability(let capabilities):
            self.sp()
            self.separated(capabilities) { $0.raw($1) }
        case .badEvent(let events):
            self.sp()
            self.list(events) { $0.raw($1) }
        case .badCharset(let charsets):
            guard !charsets.isEmpty else { break }
            self.sp()
            self.list(charsets) { $0.raw($1) }
        case .permanentFlags(let flags, let allowsNewKeywords):
            self.sp()
            self.list(flags.map(\.name) + (allowsNewKeywords ? [#"\*"#] : [])) { $0.raw($1) }
        case .badURL(let url):
            self.sp()
            self.url(url)
        case .inProgress(let tag, let done, let goal):
            self.raw(" (")
            // A client could not find the end of the code behind a bracket.
            if tag.utf8.contains(UInt8(ascii: "]")) { self.raw("NIL") } else { self.string(tag) }
            self.sp()
            self.number(done)
            self.sp()
            if let goal { self.number(goal) } else { self.raw("NIL") }
            self.append(UInt8(ascii: ")"))
        case .mailboxID(let identifier):
            self.raw(" (")
            self.raw(identifier)
            self.append(UInt8(ascii: ")"))
        default:
            break
        }
    }

    /// Writes a URL that a client sent; what a response code cannot hold is percent-encoded.
    ///
    ///     url-resp-text   = 1*(%x01-09 / %x0B-0C / %x0E-5B / %x5D-FE) ; Any TEXT-CHAR except "]"
    private mutating func url(_ url: [UInt8]) {
        for octet in url {
            if 0x21...0x7E ~= octet, octet != UInt8(ascii: "]"), octet != .backslash, octet != .quote {
                self.append(octet)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                self.append([UInt8(ascii: "%"), digits[Int(octet >> 4)], digits[Int(octet & 15)]])
            }
        }
    }
}
