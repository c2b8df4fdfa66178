// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A listening socket that cannot be had or used, told so that an operator can mend it.
package struct ListeningSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong: a clause.
    package let problem: String
    /// The system's error number, if the system refused.
    package let code: CInt?

    init(_ problem: String, code: CInt? = nil) {
        self.problem = problem
        self.code = code
    }

    package var description: String {
        guard let code = self.code else { return self.problem }
        return unsafe "\(self.problem): \(String(cString: strerror(code)))"
    }
}
