// SPDX-License-Identifier: Apache-2.0

/// What a filter may do to a message (`SMFIF_…`).
package struct MilterActions: OptionSet, Sendable, Hashable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Add and insert fields.
    package static let addFields = Self(rawValue: 0x01)
    package static let replaceBody = Self(rawValue: 0x02)
    package static let addRecipients = Self(rawValue: 0x04)
    package static let removeRecipients = Self(rawValue: 0x08)
    /// Change and remove fields.
    package static let changeFields = Self(rawValue: 0x10)
    package static let quarantine = Self(rawValue: 0x20)
    package static let changeSender = Self(rawValue: 0x40)

    /// What is done here if a filter asks for it.
    static let offered: Self = [.addFields, .changeFields, .quarantine]
}

/// What a filter does not want to hear of, and of what else it says nothing (`SMFIP_…`).
struct MilterSteps: OptionSet, Sendable, Hashable {
    let rawValue: UInt32

    static let noConnect = Self(rawValue: 0x01)
    static let noHelo = Self(rawValue: 0x02)
    static let noMail = Self(rawValue: 0x04)
    static let noRecipient = Self(rawValue: 0x08)
    static let noBody = Self(rawValue: 0x10)
    static let noFields = Self(rawValue: 0x20)
    static let noEndOfHeader = Self(rawValue: 0x40)
    static let silentAtField = Self(rawValue: 0x80)
    static let noUnknown = Self(rawValue: 0x100)
    static let noData = Self(rawValue: 0x200)
    /// The filter may say that it needs no more of the body.
    static let skip = Self(rawValue: 0x400)
    static let silentAtConnect = Self(rawValue: 0x1000)
    static let silentAtHelo = Self(rawValue: 0x2000)
    static let silentAtMail = Self(rawValue: 0x4000)
    static let silentAtRecipient = Self(rawValue: 0x8000)
    static let silentAtData = Self(rawValue: 0x10000)
    static let silentAtEndOfHeader = Self(rawValue: 0x40000)
    static let silentAtBody = Self(rawValue: 0x80000)
    /// Values of fields have the space behind the colon.
    static let leadingSpace = Self(rawValue: 0x100000)

    static let offered: Self = [
        .noConnect, .noHelo, .noMail, .noRecipient, .noBody, .noFields, .noEndOfHeader, .silentAtField, .noUnknown,
        .noData, .skip, .silentAtConnect, .silentAtHelo, .silentAtMail, .silentAtRecipient, .silentAtData,
        .silentAtEndOfHeader, .silentAtBody, .leadingSpace,
    ]
}

/// What was agreed at the beginning of a conversation.
struct MilterAgreement: Sendable, Equatable {
    static let version: UInt32 = 6

    var version: UInt32
    var actions: MilterActions
    var steps: MilterSteps

    /// What we say first.
    static var proposal: [UInt8] {
        var payload: [UInt8] = []
        payload.append(number: self.version)
        payload.append(number: MilterActions.offered.rawValue)
        payload.append(number: MilterSteps.offered.rawValue)
        return MilterFrame.encoded(UInt8(ascii: "O"), payload)
    }

    /// Reads the filter's answer; which macros it would like, behind that, does not matter: it gets all there are.
    ///
    /// Actions and steps that were not offered are left out: what a filter does all the same is passed over.
    init(answer payload: ArraySlice<UInt8>) throws(MilterFailure) {
        guard payload.count >= 12 else { throw .malformed("a short negotiation") }
        let numbers = (0..<3).map { index in
            payload.dropFirst(index * 4).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        guard (2...Self.version).contains(numbers[0]) else { throw .malformed("version \(numbers[0])") }
        self.version = numbers[0]
        self.actions = MilterActions(rawValue: numbers[1]).intersection(.offered)
        self.steps = MilterSteps(rawValue: numbers[2]).intersection(.offered)
    }
}
