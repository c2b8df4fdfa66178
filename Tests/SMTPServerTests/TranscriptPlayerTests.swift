// SPDX-License-Identifier: Apache-2.0

import MailConnection
import TestSupport
import Testing

/// That transcripts can fail: the player against a server that greets and echoes.
@Suite("Transcript player") struct TranscriptPlayerTests {
    private func play(_ text: String) async throws {
        let transcript = try Transcript(name: "test", text: text)
        let clock = TestClock()
        let time = clock.timeSource
        try await transcript.play(clock: clock) { (pipe: PipeConnection<Int>) in
            var pipe = pipe
            try await pipe.write(Array("hello 17\r\n".utf8))
            while case .octets(let octets) = await pipe.next() {
                switch String(decoding: octets, as: UTF8.self) {
                case "sleep\r\n":
                    try await time.sleep(.seconds(60))
                    try await pipe.write(Array("woke\r\n".utf8))
                case "quit\r\n":
                    return
                default:
                    try await pipe.write(Array("echo {\(octets.count)}\r\n".utf8) + octets + Array("end\r\n".utf8))
                }
            }
        }
    }

    @Test("Captures, literals, groups, several clients, the clock")
    func agreement() async throws {
        try await self.play(
            """
            # A comment
            Given: nothing
            S: hello <n>
            C: a <n> <other>␀⟨41⟩
            S: echo {*}
            S| a 17 <other>␀A
            S& end
            C: b {*}
            C| xx
            C| y␃
            S: echo {*}
            S| b {5}
            S& end
            (any order)
            S: y
            S: xx
            S: echo {7}
            S: e...

            C: sleep
            T: +1m
            S: woke
            C2: quit
            S2: hello <m>
            S2: <closed>
            C: c <*>␃
            C| 12345␃
            S: echo {3}
            S: c 5end
            S: echo {5}
            S: 12345end
            """
        )
    }

    @Test(
        "Every difference is noticed",
        arguments: [
            "S: hullo 17", "S: hello", "S: hello 17 ", "S: <n>18", "S: hello <n>\nS2: hello 18", "C: unread",
            "S: hello 17\nC: quit\nS: more", "S: hello <n>\nC: a\nS: echo {<n>}",
            "S: hello 17\nC: a\nS: echo {*}\nS| b", "(any order)\nS: hello 18\nS: hello 19\n",
            "S: hello 17\nC: sleep\nT: +59s\nC: <close>\nT: +1s\nS: <closed>", "S: <x> <x>",
        ]
    )
    func difference(_ text: String) async throws {
        await #expect(throws: Transcript.Mismatch.self) { try await self.play(text) }
    }

    @Test("What is no transcript is refused", arguments: ["C hello", "S:hello", "T: 5m", "T: +5", "Given:", "hello"])
    func malformed(_ text: String) {
        #expect(throws: Transcript.Malformed.self) { try Transcript(name: "test", text: text) }
    }
}
