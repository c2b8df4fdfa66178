// SPDX-License-Identifier: Apache-2.0

extension MessageSummary {
    /// The summary of the message with `count` octets before it: whole fields, of which a summary says nothing.
    ///
    /// The message itself must begin with a field.
    package func behind(fields count: Int) -> MessageSummary {
        guard count > 0 else { return self }
        var summary = self
        summary.size += count
        summary.root.move(by: count)
        summary.root.headerRange = 0..<summary.root.headerRange.upperBound
        return summary
    }
}

extension Part {
    /// Counts from `offset` octets further on.
    fileprivate mutating func move(by offset: Int) {
        self.headerRange = self.headerRange.lowerBound + offset..<self.headerRange.upperBound + offset
        self.bodyRange = self.bodyRange.lowerBound + offset..<self.bodyRange.upperBound + offset
        switch self.content {
        case .leaf: break
        case .multipart(var children):
            for index in children.indices { children[index].move(by: offset) }
            self.content = .multipart(children)
        case .message(var message):
            message.root.move(by: offset)
            self.content = .message(message)
        }
    }
}
