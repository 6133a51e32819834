// SVG and PDF files taken apart as a reader of theirs would: whether they are whole, how large the sheet is, how many bitmaps they hold.
import Foundation
import FoundationXML
import Testing

struct DrawnPicture: Equatable {
    /// In points.
    var width: Int
    var height: Int
    var bitmaps: Int

    init(_ bytes: [UInt8], format: String) throws {
        self = try format == "svg" ? Self(svg: bytes) : Self(pdf: bytes)
    }

    private init(width: Int, height: Int, bitmaps: Int) {
        (self.width, self.height, self.bitmaps) = (width, height, bitmaps)
    }
}

// MARK: - SVG

extension DrawnPicture {
    /// Collects what an SVG file defines and what it refers to.
    private final class Reader: NSObject, XMLParserDelegate {
        var elements: [String: Int] = [:]
        var root: [String: String] = [:]
        var identifiers: Set<String> = []
        var references: [String] = []

        func parser(
            _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?,
            attributes: [String: String]
        ) {
            if elements.isEmpty { root = attributes }
            elements[name, default: 0] += 1
            attributes["id"].map { _ = identifiers.insert($0) }
            for value in [attributes["xlink:href"], attributes["href"]].compactMap(\.self) { references.append(value) }
        }
    }

    private init(svg bytes: [UInt8]) throws {
        let (parser, reader) = (XMLParser(data: Data(bytes)), Reader())
        parser.delegate = reader
        try #require(parser.parse(), "\(String(describing: parser.parserError)), line \(parser.lineNumber)")
        try #require(reader.elements["svg"] == 1 && reader.root["viewBox"] != nil)
        for reference in reader.references {
            if reference.hasPrefix("#") {
                #expect(reader.identifiers.contains(String(reference.dropFirst())), "\(reference) is nowhere")
            } else {
                let parts = reference.split(separator: ",", maxSplits: 1)
                try #require(parts.count == 2 && parts[0] == "data:image/png;base64", "\(reference.prefix(40))")
                let picture = try #require(Data(base64Encoded: String(parts[1]), options: .ignoreUnknownCharacters))
                #expect(picture.prefix(4).elementsEqual([0x89, 0x50, 0x4E, 0x47]))
            }
        }
        let size = (reader.root["viewBox"] ?? "").split(separator: " ").compactMap { Double($0) }
        try #require(size.count == 4)
        self.init(width: Int(size[2]), height: Int(size[3]), bitmaps: reader.elements["image"] ?? 0)
    }
}

// MARK: - PDF

extension DrawnPicture {
    /// Follows the table of cross-references, as the standard (ISO 32000-1, 7.5) has it.
    private init(pdf bytes: [UInt8]) throws {
        // One character a byte.
        let text = String(decoding: bytes.map { UInt16($0) }, as: UTF16.self)
        try #require(text.hasPrefix("%PDF-1.") && text.hasSuffix("%%EOF\n"))
        let end = text.suffix(60).split(separator: "\n").map(String.init)
        let place = try #require(end.firstIndex(of: "startxref"))
        let start = try #require(Int(end[place + 1]))
        try #require(start < bytes.count)
        let table = String(decoding: bytes[start...], as: UTF8.self).split(separator: "\n").map(String.init)
        try #require(table[0] == "xref" && table[1].hasPrefix("0 "))
        let count = try #require(Int(table[1].dropFirst(2)))
        for (number, entry) in table[2..<2 + count].enumerated() where entry.contains(" n") {
            let offset = try #require(Int(entry.prefix(10)))
            try #require(offset < bytes.count)
            #expect(bytes[offset...].starts(with: Array("\(number) 0 obj".utf8)), "object \(number)")
        }
        let trailer = table[(2 + count)...].joined(separator: " ")
        #expect(trailer.contains("/Size \(count)") && trailer.contains("/Root"))
        let box = try #require(text.firstMatch(of: /\/MediaBox \[ 0 0 (\d+)[.\d]* (\d+)[.\d]* \]/))
        self.init(
            width: try #require(Int(box.1)), height: try #require(Int(box.2)),
            bitmaps: text.matches(of: /\/Subtype \/Image/).count)
    }
}
