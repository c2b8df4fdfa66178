// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import MailStorage

/// One connection, as operations use it: the only way this target speaks SQL.
///
/// It binds and steps statements itself: preparing or looking one up costs more than running it, so each text is
/// prepared once for as long as this value lives. It must not outlive the access to the connection it was made in.
final class SQL {
    private let database: Database
    private var statements: [String: Statement] = [:]

    init(_ database: Database) { self.database = database }

    /// Rows changed by the last INSERT, UPDATE or DELETE, cascades not counted.
    var changes: Int { self.database.changesCount }
    /// The key of the row inserted last.
    var lastInsertedRow: Int64 { self.database.lastInsertedRowID }
    /// Some failures make SQLite roll back by itself.
    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(self.database.sqliteConnection) == 0 }

    /// Runs a statement, passing over its rows.
    func run(_ text: String, _ values: SQLValue...) throws {
        try self.step(text, values) { _ in true }
    }

    /// Calls `body` for each row.
    func each(_ text: String, _ values: SQLValue..., body: (SQLRow) throws -> Void) throws {
        try self.step(text, values) { row in
            try body(row)
            return true
        }
    }

    /// Calls `body` for each row until it returns false.
    func eachWhile(_ text: String, _ values: SQLValue..., body: (SQLRow) throws -> Bool) throws {
        try self.step(text, values, body)
    }

    /// What `read` makes of the first row; nil without one.
    func first<Value>(_ text: String, _ values: SQLValue..., read: (SQLRow) throws -> Value) throws -> Value? {
        var value: Value?
        try self.step(text, values) { row in
            value = try read(row)
            return false
        }
        return value
    }

    /// What `read` makes of each row.
    func all<Value>(_ text: String, _ values: SQLValue..., read: (SQLRow) throws -> Value) throws -> [Value] {
        var all: [Value] = []
        try self.step(text, values) { row in
            all.append(try read(row))
            return true
        }
        return all
    }

    /// The first column of the first row, a number that is always there (COUNT, PRAGMA); 0 without a row.
    func number(_ text: String, _ values: SQLValue...) throws -> Int64 {
        var number: Int64 = 0
        try self.step(text, values) { row in
            number = row.int64(0)
            return false
        }
        return number
    }

    /// The octets of a value that are in `range`, read without the others; nil if there is no such row.
    func octets(of column: String, in table: String, row: Int64, _ range: Range<Int>) throws -> [UInt8]? {
        let text = "\(table).\(column)"
        var handle: OpaquePointer?
        let code = unsafe sqlite3_blob_open(self.database.sqliteConnection, "main", table, column, row, 0, &handle)
        defer { unsafe sqlite3_blob_close(handle) }
        // That is how it says that there is no such row.
        if code == SQLITE_ERROR { return nil }
        guard code == SQLITE_OK else { throw self.error(code, text) }
        let wanted = range.clamped(to: 0..<Int(unsafe sqlite3_blob_bytes(handle)))
        return try unsafe [UInt8](unsafeUninitializedCapacity: wanted.count) { octets, count in
            guard !wanted.isEmpty else { return }
            let (size, start) = (Int32(wanted.count), Int32(wanted.lowerBound))
            let code = unsafe sqlite3_blob_read(handle, octets.baseAddress, size, start)
            guard code == SQLITE_OK else { throw self.error(code, text) }
            count = wanted.count
        }
    }

    /// Runs several statements without values: for schemas.
    func script(_ text: String) throws { try self.database.execute(sql: text) }

    private func step(_ text: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
        let statement = try self.statement(text)
        let pointer = unsafe statement.sqliteStatement
        defer {
            unsafe sqlite3_reset(pointer)
            unsafe sqlite3_clear_bindings(pointer)
        }
        for (offset, value) in values.enumerated() {
            let code = unsafe value.bind(to: pointer, at: Int32(offset + 1))
            if code != SQLITE_OK { throw self.error(code, text) }
        }
        while true {
            let code = unsafe sqlite3_step(pointer)
            switch code {
            case SQLITE_ROW:
                guard try body(unsafe SQLRow(pointer)) else { return }
            case SQLITE_DONE:
                return
            default:
                throw self.error(code, text)
            }
        }
    }

    /// A statement of that text that is not running: an operation may use the same text within its rows.
    private func statement(_ text: String) throws -> Statement {
        if let statement = self.statements[text] {
            if unsafe sqlite3_stmt_busy(statement.sqliteStatement) == 0 { return statement }
            return try self.database.makeStatement(sql: text)
        }
        let statement = try self.database.cachedStatement(sql: text)
        self.statements[text] = statement
        return statement
    }

    private func error(_ code: Int32, _ text: String) -> DatabaseError {
        let message = unsafe sqlite3_errmsg(self.database.sqliteConnection).map { unsafe String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: text)
    }
}

/// What stands for a `?`.
enum SQLValue: Sendable {
    case null
    case integer(Int64)
    case text(String)
    case octets([UInt8])

    static func int(_ value: some BinaryInteger) -> SQLValue { .integer(Int64(clamping: value)) }
    static func bool(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }
    static func optional(_ value: Int64?) -> SQLValue { value.map { .integer($0) } ?? .null }
    static func optional(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }

    fileprivate func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        // SQLite copies: the octets need not stay where they are.
        let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch self {
        case .null:
            return unsafe sqlite3_bind_null(statement, index)
        case .integer(let value):
            return unsafe sqlite3_bind_int64(statement, index, value)
        case .text(var value):
            return value.withUTF8 { octets in
                unsafe octets.withMemoryRebound(to: CChar.self) { characters in
                    unsafe sqlite3_bind_text64(
                        statement,
                        index,
                        characters.baseAddress,
                        UInt64(characters.count),
                        copied,
                        UInt8(SQLITE_UTF8)
                    )
                }
            }
        case .octets(let value):
            if value.isEmpty { return unsafe sqlite3_bind_zeroblob(statement, index, 0) }
            return unsafe value.withUnsafeBytes { octets in
                unsafe sqlite3_bind_blob64(statement, index, octets.baseAddress, UInt64(octets.count), copied)
            }
        }
    }
}

/// A row that a statement stands on; valid until the statement goes on.
@safe struct SQLRow {
    private let statement: OpaquePointer

    fileprivate init(_ statement: OpaquePointer) { unsafe self.statement = statement }

    func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(self.statement, column) == SQLITE_NULL }
    func int64(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(self.statement, column) }
    func int(_ column: Int32) -> Int { Int(self.int64(column)) }
    func bool(_ column: Int32) -> Bool { self.int64(column) != 0 }
    func optionalInt64(_ column: Int32) -> Int64? { self.isNull(column) ? nil : self.int64(column) }
    func optionalText(_ column: Int32) -> String? { self.isNull(column) ? nil : self.text(column) }

    /// A number that must fit, as UIDs do.
    ///
    /// Throws ``StoreError/corrupt(_:)``.
    func uint32(_ column: Int32) throws -> UInt32 {
        guard let value = UInt32(exactly: self.int64(column)) else {
            throw StoreError.corrupt("expected a number of 32 bits")
        }
        return value
    }

    func text(_ column: Int32) -> String {
        let octets = unsafe UnsafeBufferPointer(
            start: sqlite3_column_text(self.statement, column),
            count: self.count(column)
        )
        return unsafe String(decoding: octets, as: UTF8.self)
    }

    func octets(_ column: Int32) -> [UInt8] { self.octets(column, in: 0..<Int.max) }

    /// Those of the octets that are in `range`.
    func octets(_ column: Int32, in range: Range<Int>) -> [UInt8] {
        let start = unsafe sqlite3_column_blob(self.statement, column)
        let all = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : self.count(column))
        return unsafe Array(all[range.clamped(to: 0..<all.count)])
    }

    /// How many octets the value has.
    func count(_ column: Int32) -> Int { Int(unsafe sqlite3_column_bytes(self.statement, column)) }
}
