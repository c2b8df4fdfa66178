// SPDX-License-Identifier: Apache-2.0

extension ResponseWriter {
    /// Writes a number.
    ///
    ///     number64        = 1*DIGIT
    package mutating func number(_ number: UInt64) {
        // 2^64 - 1 has twenty digits.
        var count = 1
        var bound: UInt64 = 10
        while count < 20, number >= bound {
            count += 1
            bound &*= 10
        }
        self.append(count) { digits in
            digits.append(repeating: 0, count: count)
            var rest = number
            var position = count
            while position > 0 {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
    }

    /// Writes a number.
    ///
    ///     number          = 1*DIGIT
    package mutating func number(_ number: UInt32) { self.number(UInt64(number)) }

    /// Writes numbers as ranges.
    ///
    ///     sequence-set    = (seq-number / seq-range) ["," sequence-set]
    package mutating func sequenceSet(_ set: NumberSet) {
        var isFirst = true
        for range in set.ranges {
            if !isFirst { self.append(UInt8(ascii: ",")) }
            isFirst = false
            self.number(range.lowerBound)
            guard range.count > 1 else { continue }
            self.append(UInt8(ascii: ":"))
            self.number(range.upperBound)
        }
    }

    /// Writes a flag.
    ///
    ///     flag-fetch      = flag / obsolete-flag-recent
    package mutating func flag(_ flag: Flag) { self.raw(flag.name) }

    /// Writes flags in parentheses.
    ///
    ///     flag-list       = "(" [flag *(SP flag)] ")"
    package mutating func flagList(_ flags: some Sequence<Flag>) {
        self.list(flags) { $0.flag($1) }
    }

    /// Writes the name of a mailbox as this client reads it.
    ///
    ///     mailbox         = "INBOX" / astring
    package mutating func mailbox(_ name: MailboxName) {
        self.astring(name.encoded(as: self.encoding)[...])
    }

    /// Writes a date and time, with two characters for the day.
    ///
    ///     date-time       = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
    package mutating func dateTime(_ date: InternalDate) {
        let (year, month, day) = date.date.components
        let second = date.secondOfDay
        self.append(.quote)
        self.twoDigits(day, padding: .space)
        self.append(UInt8(ascii: "-"))
        self.raw(CalendarDate.monthNames[month - 1])
        self.append(UInt8(ascii: "-"))
        self.twoDigits(year / 100)
        self.twoDigits(year % 100)
        self.sp()
        self.twoDigits(second / 3600)
        self.append(UInt8(ascii: ":"))
        self.twoDigits(second / 60 % 60)
        self.append(UInt8(ascii: ":"))
        self.twoDigits(second % 60)
        self.append(.space)
        self.append(date.zone < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        self.twoDigits(abs(date.zone) / 60)
        self.twoDigits(abs(date.zone) % 60)
        self.append(.quote)
    }

    /// Writes what of a message is meant, as the client wrote it: field names keep case, order and repetition, and are
    /// quoted only where they must be.
    ///
    ///     section         = "[" [section-spec] "]"
    package mutating func section(_ section: Section) {
        self.append(UInt8(ascii: "["))
        self.sectionPart(section.part)
        if let text = section.text {
            if !section.part.isEmpty { self.append(UInt8(ascii: ".")) }
            switch text {
            case .header: self.raw("HEADER")
            case .headerFields(let names):
                self.raw("HEADER.FIELDS ")
                self.list(names) { $0.astring($1[...]) }
            case .headerFieldsNot(let names):
                self.raw("HEADER.FIELDS.NOT ")
                self.list(names) { $0.astring($1[...]) }
            case .text: self.raw("TEXT")
            case .mime: self.raw("MIME")
            }
        }
        self.append(UInt8(ascii: "]"))
    }

    /// Writes the path to a part.
    ///
    ///     section-binary  = "[" [section-part] "]"
    package mutating func sectionBinary(_ part: [UInt32]) {
        self.append(UInt8(ascii: "["))
        self.sectionPart(part)
        self.append(UInt8(ascii: "]"))
    }

    /// Writes the offset of a partial FETCH, as the label of the response has it.
    ///
    ///     ["<" number ">"]
    package mutating func partialOrigin(_ partial: Partial) {
        self.append(UInt8(ascii: "<"))
        self.number(partial.offset)
        self.append(UInt8(ascii: ">"))
    }

    private mutating func sectionPart(_ part: [UInt32]) {
        for (index, number) in part.enumerated() {
            if index > 0 { self.append(UInt8(ascii: ".")) }
            self.number(number)
        }
    }

    private mutating func twoDigits(_ number: Int, padding: UInt8 = UInt8(ascii: "0")) {
        self.append(number < 10 ? padding : UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
        self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }
}
