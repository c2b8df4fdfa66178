// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The character sets that mail is written in, converted to UTF-8 (RFC 2045 §5.1, RFC 2978).
///
/// Only the sets of a fixed list reach the C library, by the library's own names: senders' labels never do, and neither
/// do those of its converters that nobody uses but attackers (`ISO-2022-CN-EXT`: CVE-2024-2961). Where a label is
/// commonly used for a larger set, the larger one is taken, as web browsers do.
package enum Charset {
    /// What the module decodes itself.
    private static let utf8Labels: Set<String> = ["utf-8", "utf8", "unicode-1-1-utf-8", "cp65001", "us-ascii", "ascii"]

    /// The C library's name, and the labels for it.
    private static let table: [(name: String, labels: [String])] = [
        (
            "CP1252",
            ["iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1", "cp819", "windows-1252", "cp1252", "x-ansi"]
        ),
        ("ISO-8859-2", ["iso-8859-2", "iso8859-2", "iso_8859-2", "latin2"]),
        ("ISO-8859-3", ["iso-8859-3", "iso8859-3", "latin3"]),
        ("ISO-8859-4", ["iso-8859-4", "iso8859-4", "latin4"]),
        ("ISO-8859-5", ["iso-8859-5", "iso8859-5", "cyrillic"]),
        ("ISO-8859-6", ["iso-8859-6", "iso8859-6", "iso-8859-6-e", "iso-8859-6-i", "arabic"]),
        ("ISO-8859-7", ["iso-8859-7", "iso8859-7", "greek"]),
        ("ISO-8859-8", ["iso-8859-8", "iso8859-8", "iso-8859-8-e", "iso-8859-8-i", "hebrew"]),
        ("CP1254", ["iso-8859-9", "iso8859-9", "latin5", "windows-1254", "cp1254"]),
        ("ISO-8859-10", ["iso-8859-10", "latin6"]),
        ("CP874", ["iso-8859-11", "tis-620", "windows-874", "cp874"]),
        ("ISO-8859-13", ["iso-8859-13"]),
        ("ISO-8859-14", ["iso-8859-14"]),
        ("ISO-8859-15", ["iso-8859-15", "iso8859-15", "latin-9", "latin9"]),
        ("ISO-8859-16", ["iso-8859-16"]),
        ("CP1250", ["windows-1250", "cp1250"]),
        ("CP1251", ["windows-1251", "cp1251"]),
        ("CP1253", ["windows-1253", "cp1253"]),
        ("CP1255", ["windows-1255", "cp1255"]),
        ("CP1256", ["windows-1256", "cp1256"]),
        ("CP1257", ["windows-1257", "cp1257"]),
        ("CP1258", ["windows-1258", "cp1258"]),
        ("KOI8-R", ["koi8-r", "koi8r"]),
        ("KOI8-U", ["koi8-u", "koi8u"]),
        ("CP437", ["cp437", "ibm437"]),
        ("CP850", ["cp850", "ibm850"]),
        ("CP852", ["cp852", "ibm852"]),
        ("CP855", ["cp855", "ibm855"]),
        ("CP866", ["cp866", "ibm866"]),
        ("MACINTOSH", ["macintosh", "x-mac-roman"]),
        ("GB18030", ["gb18030", "gb2312", "gbk", "cp936", "x-gbk", "gb_2312-80"]),
        ("BIG5-HKSCS", ["big5", "big5-hkscs", "x-x-big5", "cn-big5"]),
        ("ISO-2022-JP", ["iso-2022-jp", "csiso2022jp"]),
        ("EUC-JP", ["euc-jp", "x-euc-jp"]),
        ("CP932", ["shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932", "ms_kanji"]),
        ("CP949", ["ks_c_5601-1987", "ksc5601", "euc-kr", "cp949", "windows-949"]),
        ("ISO-2022-KR", ["iso-2022-kr"]),
        ("EUC-TW", ["euc-tw"]),
        ("UTF-16", ["utf-16"]),
        ("UTF-16BE", ["utf-16be"]),
        ("UTF-16LE", ["utf-16le"]),
        ("UTF-32", ["utf-32"]),
        ("UTF-7", ["utf-7", "unicode-1-1-utf-7"]),
    ]

    private static let names: [String: String] = {
        var names: [String: String] = [:]
        for (name, labels) in Charset.table {
            for label in labels {
                names[label] = name
            }
        }
        return names
    }()

    /// Labels are a few letters; longer ones are not looked up.
    private static let longestLabel = 40

    /// How a label is decoded: with the C library's converter of that name, or, if it is empty, by this module; nil if
    /// not.
    static func converter(for label: [UInt8]) -> String? {
        guard !label.isEmpty else { return "" }
        guard label.count <= self.longestLabel else { return nil }
        let text = String(decoding: Octets.lowercased(label), as: UTF8.self)
        return self.utf8Labels.contains(text) ? "" : self.names[text]
    }

    /// Whether text with that label can be decoded.
    package static func isKnown(_ label: [UInt8]) -> Bool {
        self.converter(for: label) != nil
    }

    /// Text in a character set, nil if the set is not known.
    ///
    /// What is wrong in it becomes U+FFFD. Text labelled as ASCII or not at all, but with octets above 127, is read as
    /// UTF-8 if it is that, and as Windows-1252 if not.
    package static func decode(_ octets: ArraySlice<UInt8>, label: [UInt8]) -> String? {
        guard let converter = self.converter(for: label) else { return nil }
        var label = label
        if converter.isEmpty {
            let isUTF8 = label.first.map { octet in Octets.lowercased(octet) == UInt8(ascii: "u") } ?? false
            let isASCII = !isUTF8 || Octets.equal(label, ignoringCaseOf: "us-ascii")
            guard isASCII, String(validating: octets, as: UTF8.self) == nil else {
                return String(decoding: octets, as: UTF8.self)
            }
            label = Array("windows-1252".utf8)
        }
        guard var decoder = CharsetDecoder(label: label) else { return nil }
        var output: [UInt8] = []
        decoder.decode(octets, into: &output)
        decoder.finish(into: &output)
        return String(decoding: output, as: UTF8.self)
    }
}

/// Converts text to UTF-8 while it passes by; characters may be cut anywhere.
@safe package struct CharsetDecoder: ~Copyable {
    /// Nil for UTF-8, which passes as it is.
    private let converter: iconv_t?
    /// The begin of a character whose rest has not come.
    private var pending: [UInt8] = []

    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
    private static let bufferSize = 8192
    /// No character of any set is longer.
    private static let longestCharacter = 16

    /// Nil if the character set is not known.
    package init?(label: [UInt8]) {
        guard let name = Charset.converter(for: label) else { return nil }
        guard !name.isEmpty else {
            unsafe self.converter = nil
            return
        }
        // Failure is (iconv_t)-1.
        guard let converter = unsafe iconv_open("UTF-8", name), Int(bitPattern: converter) != -1 else {
            return nil
        }
        unsafe self.converter = converter
    }

    deinit {
        if let converter = unsafe self.converter {
            _ = unsafe iconv_close(converter)
        }
    }

    /// Appends the text of the next octets.
    ///
    /// UTF-8 is not checked: `String` repairs it.
    package mutating func decode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        guard unsafe self.converter != nil else {
            output.append(contentsOf: octets)
            return
        }
        self.pending.append(contentsOf: octets)
        let consumed = self.convert(into: &output)
        self.pending.removeFirst(consumed)
    }

    /// Ends the text: a character that is not complete becomes U+FFFD.
    package mutating func finish(into output: inout [UInt8]) {
        guard let converter = unsafe self.converter else { return }
        if !self.pending.isEmpty {
            output.append(contentsOf: CharsetDecoder.replacement)
            self.pending.removeAll()
        }
        // Some converters hold a character back to see whether a combining one follows.
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = unsafe buffer.withUnsafeMutableBytes { target in
            var to = unsafe target.baseAddress?.assumingMemoryBound(to: CChar.self)
            var room = target.count
            _ = unsafe iconv(converter, nil, nil, &to, &room)
            return target.count - room
        }
        output.append(contentsOf: buffer.prefix(count))
    }

    /// Converts what is pending; returns how many octets of it are done with.
    private mutating func convert(into output: inout [UInt8]) -> Int {
        guard let converter = unsafe self.converter else { return 0 }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: CharsetDecoder.bufferSize)
        let consumed = unsafe self.pending.withUnsafeMutableBytes { source in
            var from = unsafe source.baseAddress?.assumingMemoryBound(to: CChar.self)
            var left = source.count
            while left > 0 {
                let before = left
                let (result, error, count) = unsafe buffer.withUnsafeMutableBytes { target in
                    var to = unsafe target.baseAddress?.assumingMemoryBound(to: CChar.self)
                    var room = target.count
                    let result = unsafe iconv(converter, &from, &left, &to, &room)
                    return (result, errno, target.count - room)
                }
                text.append(contentsOf: buffer.prefix(count))
                // size_t's -1.
                guard result == -1 else { break }
                if error == EINVAL, left <= CharsetDecoder.longestCharacter { break }
                if error == E2BIG, left < before || count > 0 { continue }
                text.append(contentsOf: CharsetDecoder.replacement)
                unsafe from = from?.advanced(by: 1)
                left -= 1
            }
            return source.count - left
        }
        output.append(contentsOf: text)
        return consumed
    }
}
