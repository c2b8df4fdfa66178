// SPDX-License-Identifier: Apache-2.0

/// A response that has begun cannot be completed: the store failed within it, or a message was erased while its octets
/// were on their way.
///
/// Whatever came next would be taken for the rest of a literal, so the connection must be closed instead. Padding the
/// literal would give the client a message that never was.
struct BrokenResponse: Error {
    let cause: (any Error)?
}
