// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 5322 §3.3, §4.3: date and time")
struct MessageDateTests {
    @Test(arguments: [
        ("Fri, 21 Nov 1997 09:55:06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600"),
        ("Tue, 1 Jul 2003 10:52:37 +0200", "Tue, 1 Jul 2003 10:52:37 +0200"),
        ("Thu, 13 Feb 1969 23:32:54 -0330", "Thu, 13 Feb 1969 23:32:54 -0330"),
        (
            "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
            "Thu, 13 Feb 1969 23:32:00 -0330"
        ),
        ("21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000"),
        ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600"),
        ("1 Jan 49 00:00 Z", "Fri, 1 Jan 2049 00:00:00 +0000"),
        ("1 Jan 50 00:00 Z", "Sun, 1 Jan 1950 00:00:00 +0000"),
        ("1 Jan 100 00:00 UT", "Sat, 1 Jan 2000 00:00:00 +0000"),
        ("1 Jul 2020 12:00 EDT", "Wed, 1 Jul 2020 12:00:00 -0400"),
        ("1 Jul 2020 12:00 est", "Wed, 1 Jul 2020 12:00:00 -0500"),
        ("1 Jul 2020 12:00 CDT", "Wed, 1 Jul 2020 12:00:00 -0500"),
        ("1 Jul 2020 12:00 MST", "Wed, 1 Jul 2020 12:00:00 -0700"),
        ("1 Jul 2020 12:00 PST", "Wed, 1 Jul 2020 12:00:00 -0800"),
        ("1 Jul 2020 12:00 A", "Wed, 1 Jul 2020 12:00:00 +0000"),
        ("1 Jul 2020 12:00 MESZ", "Wed, 1 Jul 2020 12:00:00 +0000"),
        ("1 Jul 2020 12:00", "Wed, 1 Jul 2020 12:00:00 +0000"),
        ("1 Jul 2020 12:00 +0199", "Wed, 1 Jul 2020 12:00:00 +0000"),
        ("1 Jul 2020 12:00 +9959", "Wed, 1 Jul 2020 12:00:00 +9959"),
        ("Wednesday, 1 July 2020 12:00:00 +0000", "Wed, 1 Jul 2020 12:00:00 +0000"),
        ("Wed 1-Jul-2020 12:00:00 +0000", "Wed, 1 Jul 2020 12:00:00 +0000"),
        ("31 Dec 2016 23:59:60 +0000", "Sun, 1 Jan 2017 00:00:00 +0000"),
        ("29 Feb 2000 1:2:3 +0000", "Tue, 29 Feb 2000 01:02:03 +0000"),
    ])
    func accepted(value: String, expected: String) throws {
        let date = try #require(MessageDate(parsing: octets(value)))
        #expect(date.formatted == expected)
        #expect(MessageDate(parsing: octets(date.formatted)) == date)
    }

    @Test(arguments: [
        "", "now", "Fri, 21 Nov 1997", "32 Nov 1997 09:55:06 -0600", "29 Feb 1900 00:00 +0000", "1 Foo 2000 00:00 Z",
        "1 Jan 2000 24:00 Z", "1 Jan 2000 00:60 Z", "1 Jan 2000 00:00:61 Z", "1 Jan 20000 00:00 Z", "1 Jan 5 00:00 Z",
        "1 Jan 99999999999999999999999999 00:00 Z", "1 Jan 2000 0:", "(", "\0\r\n",
    ])
    func refused(value: String) {
        #expect(MessageDate(parsing: octets(value)) == nil)
    }

    @Test func theMoment() throws {
        let date = try #require(MessageDate(parsing: octets("Wed, 17 Jul 1996 02:23:25 -0700")))
        #expect(date.time == UnixTime(837_595_405))
        #expect(date.zoneOffsetMinutes == -420)
    }

    @Test("RFC 9051 §6.4.4: SENTON disregards the zone")
    func civilTime() throws {
        let date = try #require(MessageDate(parsing: octets("1 Jan 2024 00:30:00 +0200")))
        #expect(date.civilTime == CivilTime(year: 2024, month: 1, day: 1, hour: 0, minute: 30))
    }

    @Test(arguments: [Int.min, -6000, 6000, Int.max])
    func offsetsThatCannotBeWritten(offset: Int) {
        let date = MessageDate(time: UnixTime(0), zoneOffsetMinutes: offset)
        #expect(abs(date.zoneOffsetMinutes) == 5999)
    }
}
