// SPDX-License-Identifier: Apache-2.0

import CSystemd

/// The thresholds of the C library's allocator.
package enum MallocTuning {
    /// Keeps large blocks for reuse instead of giving each one back to the kernel.
    ///
    /// By default a block of 128 KiB or more is a mapping of its own: every buffer of a busy TLS connection then costs
    /// page faults, and more than half of the throughput. Call it once, before other threads exist.
    ///
    /// - Returns: false if the library refused a value; it then works as by default.
    @discardableResult
    package static func apply() -> Bool {
        let mapped = mallopt(M_MMAP_THRESHOLD, 8 << 20)
        let trimmed = mallopt(M_TRIM_THRESHOLD, 64 << 20)
        return mapped == 1 && trimmed == 1
    }
}
