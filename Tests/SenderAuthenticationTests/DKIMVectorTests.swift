// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@testable import SenderAuthentication

/// Messages that others have signed.
@Suite("DKIM: vectors") struct DKIMVectorTests {
    private static let message = """
        From: Joe SixPack <joe@football.example.com>
        To: Suzie Q <suzie@shopping.example.net>
        Subject: Is dinner ready?
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
        Message-ID: <20030712040037.46341.5F8J@football.example.com>

        Hi.

        We lost the game.  Are you hungry yet?

        Joe.

        """

    private static let names = FixedNames([
        "brisbane._domainkey.football.example.com":
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "test._domainkey.football.example.com": """
        v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR\
        iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC\
        DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3\
        Ip3G+2kryOTIKT+l/K4w3QIDAQAB
        """,
        "brisbane._domainkey.example.com": """
        v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\
        IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi\
        tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB
        """,
    ])

    @Test("RFC 8463 §A.3: both signatures of the message", arguments: [1, 3, 1_000]) func rfc8463(size: Int) async {
        let signatures = """
            DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
             d=football.example.com; i=@football.example.com;
             q=dns/txt; s=brisbane; t=1528637909; h=from : to :
             subject : date : message-id : from : subject : date;
             bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
             b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
             Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
            DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
             d=football.example.com; i=@football.example.com;
             q=dns/txt; s=test; t=1528637909; h=from : to : subject :
             date : message-id : from : subject : date;
             bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
             b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
             DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
             dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=

            """
        let message = TestMessage(signatures + Self.message)
        let outcomes = await message.verified(by: Self.names, size: size)
        #expect(outcomes.map(\.result) == [.pass, .pass])
        #expect(outcomes.map(\.algorithm) == ["ed25519-sha256", "rsa-sha256"])
        #expect(outcomes.map { $0.domain?.text } == ["football.example.com", "football.example.com"])
        #expect(outcomes.map { $0.selector?.text } == ["brisbane", "test"])
        #expect(outcomes.map(\.identity) == ["@football.example.com", "@football.example.com"])
        #expect(outcomes.map(\.signaturePrefix) == ["/gCrinpc", "F45dVWDf"])
        var altered = message
        altered.body[0] ^= 1
        #expect(await altered.results(by: Self.names) == [.fail, .fail])
        altered = message
        altered.header[altered.header.count - 4] ^= 1
        #expect(await altered.results(by: Self.names) == [.fail, .fail])
        // The signatures say that there is no second one of these.
        #expect(await message.adding("Subject: no\r\n").results(by: Self.names) == [.fail, .fail])
        #expect(await message.adding("Received: yes\r\n").results(by: Self.names) == [.pass, .pass])
    }

    /// Simple canonicalization lets nothing pass, so the white space counts: RFC 4871 shows it as it was signed.
    @Test("RFC 6376 §A.2: the signed message") func rfc6376() async {
        let fields = """
            DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
                  c=simple/simple; q=dns/txt; i=joe@football.example.com;
                  h=Received : From : To : Subject : Date : Message-ID;
                  bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
                  b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
                  4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
                  KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
                  4bmp/YzhwvcubU4=;
            Received: from client1.football.example.com  [192.0.2.1]
                  by submitserver.example.com with SUBMISSION;
                  Fri, 11 Jul 2003 21:01:54 -0700 (PDT)

            """
        let text = fields + Self.message.split(separator: "game.  Are").joined(separator: "game. Are")
        #expect(await TestMessage(text).results(by: Self.names) == [.pass])
        let unfolded = text.split(separator: "\n      by", maxSplits: 1).joined(separator: " by")
        #expect(await TestMessage(unfolded).results(by: Self.names) == [.fail])
    }
}
