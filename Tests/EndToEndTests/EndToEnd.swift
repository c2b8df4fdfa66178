// SPDX-License-Identifier: Apache-2.0

import Testing

/// The built program with real clients, one test at a time: each has a server of its own, and two cores are few.
@Suite("End to end", .serialized) enum EndToEnd {}
