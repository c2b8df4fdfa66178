// SPDX-License-Identifier: Apache-2.0

@testable import Cryptography

/// Certificates of clients, made once with OpenSSL's command and good for a hundred years; their keys are for tests only.
enum ClientCertificates {
    /// Who vouches for ``ann``, ``two`` and ``nameless``.
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBmjCCAT+gAwIBAgIUNeHA5INQI/+PPwDkzau8NRTBdIMwCgYIKoZIzj0EAwIw
        GTEXMBUGA1UEAwwOVGVzdCBBdXRob3JpdHkwIBcNMjYxMTIxMTEwNjU0WhgPMjEy
        NjEwMjgxMTA2NTRaMBkxFzAVBgNVBAMMDlRlc3QgQXV0aG9yaXR5MFkwEwYHKoZI
        zj0CAQYIKoZIzj0DAQcDQgAE+NfkJLkarwt7ac2vFXzUQgHnrADQbHm69JD+E4s1
        baoc4R9byENst07ynt4IXdUMGZHS3MaUhXM/faCygDHLX6NjMGEwHQYDVR0OBBYE
        FL+/YZrdgXqcKOGWTGWbwAOFXedxMB8GA1UdIwQYMBaAFL+/YZrdgXqcKOGWTGWb
        wAOFXedxMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMAoGCCqGSM49
        BAMCA0kAMEYCIQDbRtjFdUPX2dC8Exu6xi9uuX1WXEHeiYlLvJT+IwzwCgIhANSA
        TT27YZ8QroJGDGE+iZtYJbPldb2UmgYL6cBFjMHG
        -----END CERTIFICATE-----
        """

    /// With the rfc822Name ann@example.org.
    static let ann = TLSIdentity(
        certificateChain: .text(
            Array(
                """
                -----BEGIN CERTIFICATE-----
                MIIBrDCCAVOgAwIBAgIUKVzCf1/5nyEUbCnLl8tekbCgdxwwCgYIKoZIzj0EAwIw
                GTEXMBUGA1UEAwwOVGVzdCBBdXRob3JpdHkwIBcNMjYxMTIxMTEwNjU0WhgPMjEy
                NjEwMjgxMTA2NTRaMA4xDDAKBgNVBAMMA2FubjBZMBMGByqGSM49AgEGCCqGSM49
                AwEHA0IABAn9NJeKIsel2dtcrXsZ6er9BXacX6UGra+nVvtb4JepchUfocL/ODrB
                OnEjklclY1RzQ1xKhk2fH9tHUmAE/7qjgYEwfzAMBgNVHRMBAf8EAjAAMBMGA1Ud
                JQQMMAoGCCsGAQUFBwMCMBoGA1UdEQQTMBGBD2FubkBleGFtcGxlLm9yZzAdBgNV
                HQ4EFgQU48XJIs/FywVsQiRJakMkUAhFckIwHwYDVR0jBBgwFoAUv79hmt2Bepwo
                4ZZMZZvAA4Vd53EwCgYIKoZIzj0EAwIDRwAwRAIgYwZ2ko3dvcsR5WrRHUIQ5VEN
                yTjFqVcxMDLlUGjl5ZMCIHEmQCkdcUCjAqMjdNYHIP99bNC7FERccbxYAi/hwHV7
                -----END CERTIFICATE-----
                """.utf8
            )
        ),
        privateKey: .text(
            Array(
                """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUAxccFAu+rha35/C
                4NRqAjCVdQCkoU0Rb/aXmugIPtuhRANCAAQJ/TSXiiLHpdnbXK17Genq/QV2nF+l
                Bq2vp1b7W+CXqXIVH6HC/zg6wTpxI5JXJWNUc0NcSoZNnx/bR1JgBP+6
                -----END PRIVATE KEY-----
                """.utf8
            )
        )
    )

    /// With the rfc822Names ann@example.org and bob@example.org, and a DNS name.
    static let two = TLSIdentity(
        certificateChain: .text(
            Array(
                """
                -----BEGIN CERTIFICATE-----
                MIIByjCCAXCgAwIBAgIUHd8DFbVI7Uhg13CdKu/LWBLiW5gwCgYIKoZIzj0EAwIw
                GTEXMBUGA1UEAwwOVGVzdCBBdXRob3JpdHkwIBcNMjYxMTIxMTEwNjU0WhgPMjEy
                NjEwMjgxMTA2NTRaMA4xDDAKBgNVBAMMA3R3bzBZMBMGByqGSM49AgEGCCqGSM49
                AwEHA0IABIcJlbCFLmR3eXjDYkRZFVTwurC94Yak46MQMbwfYcuhwDS3CrWufIzD
                ybFaDAlrgqDva6KqTemtyslDvVBWf/ajgZ4wgZswDAYDVR0TAQH/BAIwADATBgNV
                HSUEDDAKBggrBgEFBQcDAjA2BgNVHREELzAtgQ9hbm5AZXhhbXBsZS5vcmeCCXgu
                ZXhhbXBsZYEPYm9iQGV4YW1wbGUub3JnMB0GA1UdDgQWBBTUxR3HqMlVsbUKQd7I
                mlyKsUCFrTAfBgNVHSMEGDAWgBS/v2Ga3YF6nCjhlkxlm8ADhV3ncTAKBggqhkjO
                PQQDAgNIADBFAiB7XHDZ4lXLLfPaRixA1pYOw+bNFwdQqoSraSFfduvO2gIhAPj0
                hhn+OAFHq7PP4Pw7cONRoHDcZN44isrVQTh9avKY
                -----END CERTIFICATE-----
                """.utf8
            )
        ),
        privateKey: .text(
            Array(
                """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpZ4LzBkEUu4Tz8hZ
                TnnvQXDZb+DOP+B9aWEbYPo7M4qhRANCAASHCZWwhS5kd3l4w2JEWRVU8LqwveGG
                pOOjEDG8H2HLocA0twq1rnyMw8mxWgwJa4Kg72uiqk3prcrJQ71QVn/2
                -----END PRIVATE KEY-----
                """.utf8
            )
        )
    )

    /// With a DNS name only.
    static let nameless = TLSIdentity(
        certificateChain: .text(
            Array(
                """
                -----BEGIN CERTIFICATE-----
                MIIBrjCCAVSgAwIBAgIUUvm87r2l8/0dfPSFexZBtWV8l+QwCgYIKoZIzj0EAwIw
                GTEXMBUGA1UEAwwOVGVzdCBBdXRob3JpdHkwIBcNMjYxMTIxMTEwNjU0WhgPMjEy
                NjEwMjgxMTA2NTRaMA8xDTALBgNVBAMMBG5vbmUwWTATBgcqhkjOPQIBBggqhkjO
                PQMBBwNCAASCzQAOIPJNjspM5rWiuH0DVBYKUANlHBLCD2AcGdDyxLY2gq/eFGCu
                o89d9eb7AlzSsvm/8OPPnKQ3jOFhYj9Vo4GBMH8wDAYDVR0TAQH/BAIwADATBgNV
                HSUEDDAKBggrBgEFBQcDAjAaBgNVHREEEzARgg9hbm4uZXhhbXBsZS5vcmcwHQYD
                VR0OBBYEFDpUXfyWzlBWsUDOKZGrbx1ajHbsMB8GA1UdIwQYMBaAFL+/YZrdgXqc
                KOGWTGWbwAOFXedxMAoGCCqGSM49BAMCA0gAMEUCIDvxGzYCbG+fq3P+p1tg2wE5
                HCrPqEK3bFS5b5lHDUqkAiEA3QYvG02osKSmUZwYGXYC1xpgG3uVN4Aq0K5xloKT
                Um0=
                -----END CERTIFICATE-----
                """.utf8
            )
        ),
        privateKey: .text(
            Array(
                """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg87IzVjmMQoB1A2j1
                bYqupCMRi2eY4PKudQLmummxpK2hRANCAASCzQAOIPJNjspM5rWiuH0DVBYKUANl
                HBLCD2AcGdDyxLY2gq/eFGCuo89d9eb7AlzSsvm/8OPPnKQ3jOFhYj9V
                -----END PRIVATE KEY-----
                """.utf8
            )
        )
    )

    /// Like ``ann``, but it vouches for itself in the authority's name.
    static let stranger = TLSIdentity(
        certificateChain: .text(
            Array(
                """
                -----BEGIN CERTIFICATE-----
                MIIBvDCCAWKgAwIBAgIUIfCy0eITnpFX3ecfQVZtHvUWn4AwCgYIKoZIzj0EAwIw
                GTEXMBUGA1UEAwwOVGVzdCBBdXRob3JpdHkwIBcNMjYxMTIxMTEwNjU0WhgPMjEy
                NjEwMjgxMTA2NTRaMBkxFzAVBgNVBAMMDlRlc3QgQXV0aG9yaXR5MFkwEwYHKoZI
                zj0CAQYIKoZIzj0DAQcDQgAExFaMTQ9m4kTOfqd7YKtu1VHWTLoF7AtjguOjxewO
                3oY4Un8njhpukSJiHRK0CrFno4pgcYZvRsLeOCClNmqVZaOBhTCBgjAdBgNVHQ4E
                FgQUcCkgbKglDCrj7XYrRZ3grnb7LyMwHwYDVR0jBBgwFoAUcCkgbKglDCrj7XYr
                RZ3grnb7LyMwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgQ9hbm5AZXhhbXBs
                ZS5vcmcwEwYDVR0lBAwwCgYIKwYBBQUHAwIwCgYIKoZIzj0EAwIDSAAwRQIgGIqs
                nhw0J7BAm02KDuEefN/Q7J4SKV42n2V+/nOjo7gCIQD/UBDbszPZSWiIIBeZwBAz
                rOjuIJ9nMz4qLmK/P6g5Qg==
                -----END CERTIFICATE-----
                """.utf8
            )
        ),
        privateKey: .text(
            Array(
                """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+SN6bVFvakEHIs9z
                pUM3cka/Fu/6J2oJ1HWIEVXYHJOhRANCAATEVoxND2biRM5+p3tgq27VUdZMugXs
                C2OC46PF7A7ehjhSfyeOGm6RImIdErQKsWejimBxhm9Gwt44IKU2apVl
                -----END PRIVATE KEY-----
                """.utf8
            )
        )
    )
}
