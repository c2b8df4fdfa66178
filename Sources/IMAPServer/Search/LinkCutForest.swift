// SPDX-License-Identifier: Apache-2.0

/// Trees whose edges come and go, and that say in amortised O(log n) which root a node is under: Sleator and Tarjan's
/// link-cut trees.
///
/// Walking up a chain of parents instead would take quadratic time in mail that is made to have long ones.
struct LinkCutForest: Sendable {
    /// No node.
    private static let none: Int32 = -1

    // Each path of the trees is a splay tree by depth; `up` of its root is where the path hangs.
    private var left: [Int32] = []
    private var right: [Int32] = []
    private var up: [Int32] = []

    var count: Int { self.up.count }

    /// Adds a tree of one node; nodes are numbered from 0.
    mutating func addNode() {
        self.left.append(Self.none)
        self.right.append(Self.none)
        self.up.append(Self.none)
    }

    /// The root of the tree that has the node.
    mutating func root(of node: Int) -> Int {
        self.expose(Int32(node))
        var root = Int32(node)
        while self.left[Int(root)] != Self.none { root = self.left[Int(root)] }
        self.splay(root)
        return Int(root)
    }

    /// Makes a root, whose tree does not have `parent`, its child.
    mutating func link(_ root: Int, to parent: Int) {
        self.expose(Int32(root))
        self.up[root] = Int32(parent)
    }

    /// Makes a node a root, with what is below it.
    mutating func cut(_ node: Int) {
        self.expose(Int32(node))
        let above = self.left[node]
        guard above != Self.none else { return }
        self.up[Int(above)] = Self.none
        self.left[node] = Self.none
    }

    /// Makes one path of the way from the root to the node, and the node its splay tree's root.
    private mutating func expose(_ node: Int32) {
        var below = Self.none
        var next = node
        while next != Self.none {
            self.splay(next)
            self.right[Int(next)] = below
            below = next
            next = self.up[Int(next)]
        }
        self.splay(node)
    }

    private func isSplayRoot(_ node: Int32) -> Bool {
        let above = self.up[Int(node)]
        return above == Self.none || (self.left[Int(above)] != node && self.right[Int(above)] != node)
    }

    private mutating func splay(_ node: Int32) {
        while !self.isSplayRoot(node) {
            let above = self.up[Int(node)]
            if !self.isSplayRoot(above) {
                let top = self.up[Int(above)]
                let isStraight = (self.left[Int(above)] == node) == (self.left[Int(top)] == above)
                self.rotate(isStraight ? above : node)
            }
            self.rotate(node)
        }
    }

    private mutating func rotate(_ node: Int32) {
        let above = self.up[Int(node)]
        let top = self.up[Int(above)]
        if !self.isSplayRoot(above) {
            if self.left[Int(top)] == above { self.left[Int(top)] = node } else { self.right[Int(top)] = node }
        }
        let moved: Int32
        if self.left[Int(above)] == node {
            moved = self.right[Int(node)]
            self.left[Int(above)] = moved
            self.right[Int(node)] = above
        } else {
            moved = self.left[Int(node)]
            self.right[Int(above)] = moved
            self.left[Int(node)] = above
        }
        if moved != Self.none { self.up[Int(moved)] = above }
        self.up[Int(above)] = node
        self.up[Int(node)] = top
    }
}
