// The IDX format of the MNIST files (http://yann.lecun.com/exdb/mnist, "file formats"): a big-endian magic number, the
// dimensions, then the bytes. Reads only what this program trains on: images of 28×28 bytes and labels 0–9.
package import Storage

/// The two sorts of IDX files that make a dataset.
package enum IDXKind: Sendable {
    case images
    case labels

    static let side = 28
    static let classCount: UInt8 = 10
    /// No header makes us allocate for more.
    static let greatestCount = 1_000_000

    /// Type code 8 (unsigned byte) and the number of dimensions.
    var magic: UInt32 { self == .images ? 0x803 : 0x801 }
    var headerSize: Int { self == .images ? 16 : 8 }
    var itemSize: Int { self == .images ? IDXKind.side * IDXKind.side : 1 }
    var word: String { self == .images ? "images" : "labels" }
    /// No valid file, compressed or not, is larger.
    package var greatestFileSize: Int { headerSize + IDXKind.greatestCount * itemSize + (1 << 20) }
}

/// The content of an IDX file, and the SHA-256 of all its (decompressed) bytes.
package struct IDXContent: Sendable {
    package let count: Int
    /// `count` × 784 pixels, image after image, rows from the top; or `count` labels.
    package let payload: [UInt8]
    package let digest: SHA256.Digest
}

/// Decodes an IDX file that is in memory.
///
/// - Parameters:
///   - path: for the error message only.
///   - isCompressed: whether `file` is gzipped (its name ends in `.gz`).
/// - Throws: at the first byte that is wrong. At most the announced length plus one byte is ever decompressed.
package func decodeIDX(
    _ kind: IDXKind, file: [UInt8], path: String, isCompressed: Bool
) throws(MalformedFile) -> IDXContent {
    var reader = try IDXReader(kind: kind, file: file, path: path, isCompressed: isCompressed)
    return try reader.content()
}

/// One pass over the bytes of one file: header, payload, nothing more.
private struct IDXReader {
    private enum Source {
        case plain([UInt8])
        case compressed(Gunzip)
    }

    private let kind: IDXKind
    private let path: String
    private let fileSize: Int
    private let source: Source
    private var offset = 0
    private let hash = TrailingHash()

    init(kind: IDXKind, file: [UInt8], path: String, isCompressed: Bool) throws(MalformedFile) {
        self.kind = kind
        self.path = path
        fileSize = file.count
        guard isCompressed else {
            source = .plain(file)
            return
        }
        do {
            source = .compressed(try Gunzip(file))
        } catch {
            throw gunzipError(error, path: path)
        }
    }

    mutating func content() throws(MalformedFile) -> IDXContent {
        let count = try header()
        // Cannot overflow: count is at most a million.
        var payload = [UInt8](repeating: 0, count: count * kind.itemSize)
        try fill(&payload)
        guard try read(atMost: 1).isEmpty else {
            throw error(
                "there are bytes after the \(count) announced \(kind.word). Fetch the file again.", at: offset - 1)
        }
        if kind == .labels, let wrong = payload.firstIndex(where: { $0 >= IDXKind.classCount }) {
            throw error("label \(payload[wrong]) is not in 0–9. Fetch the file again.", at: kind.headerSize + wrong)
        }
        return IDXContent(count: count, payload: payload, digest: hash.finish())
    }

    /// Checks the header and returns the announced count.
    private mutating func header() throws(MalformedFile) -> Int {
        let bytes = try read(atMost: kind.headerSize)
        if case .plain = source, bytes.starts(with: [0x1f, 0x8b]) {
            throw error("bad magic 0x1f8b: is this still gzipped? Let its name end in .gz, or gunzip it.", at: 0)
        }
        guard bytes.count == kind.headerSize else {
            throw error("the file ends inside its \(kind.headerSize)-byte header. Fetch it again.", at: bytes.count)
        }
        hash.update(bytes)
        let fields = stride(from: 0, to: bytes.count, by: 4).map { at in
            bytes[at..<at + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        guard fields[0] == kind.magic else {
            throw error("magic \(fields[0]) instead of \(kind.magic): this is no IDX file of \(kind.word).", at: 0)
        }
        guard 1...UInt32(IDXKind.greatestCount) ~= fields[1] else {
            throw error("\(fields[1]) \(kind.word) announced, allowed are 1 to \(IDXKind.greatestCount).", at: 4)
        }
        for (index, field) in fields.enumerated().dropFirst(2) where field != UInt32(IDXKind.side) {
            throw error("the images are not 28×28: dimension \(index - 1) is \(field).", at: 4 * index)
        }
        try checkSize(announced: kind.headerSize + Int(fields[1]) * kind.itemSize)
        return Int(fields[1])
    }

    /// Refuses, before the allocation, what the file cannot hold.
    private func checkSize(announced: Int) throws(MalformedFile) {
        switch source {
        case .plain:
            guard fileSize >= announced else { throw truncated(at: fileSize) }
            guard fileSize <= announced else {
                throw error("there are bytes after the announced \(kind.word). Fetch the file again.", at: announced)
            }
        case .compressed:
            guard announced / Gunzip.greatestExpansion <= fileSize else {
                throw error("\(announced) bytes announced, too many for a file this small. Fetch it again.", at: 4)
            }
        }
    }

    /// Reads in pieces, each of which is hashed while the next one is decompressed.
    private mutating func fill(_ payload: inout [UInt8]) throws(MalformedFile) {
        try payload.withUnsafeMutableBufferPointer { (all) throws(MalformedFile) in
            // The hash must be done with the buffer before the array may move, also when an error ends this early.
            defer { hash.wait() }
            var rest = UnsafeMutableRawBufferPointer(all)
            while !rest.isEmpty {
                let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: rest.prefix(1 << 20)))
                guard count > 0 else { throw truncated(at: offset) }
                hash.update(later: UnsafeRawBufferPointer(rebasing: rest[..<count]))
                rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    /// The next bytes, at most `limit`; fewer only at the end.
    private mutating func read(atMost limit: Int) throws(MalformedFile) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(MalformedFile) in
            try read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        return Array(bytes.prefix(count))
    }

    /// Fills `buffer`, or as much of it as there is.
    private mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(MalformedFile) -> Int {
        do {
            let count = try next(into: buffer)
            offset += count
            return count
        } catch {
            throw gunzipError(error, path: path)
        }
    }

    private func next(into buffer: UnsafeMutableRawBufferPointer) throws(GunzipFailure) -> Int {
        switch source {
        case .compressed(let gunzip): return try gunzip.read(into: buffer)
        case .plain(let bytes):
            let piece = bytes[offset...].prefix(buffer.count)
            buffer.copyBytes(from: piece)
            return piece.count
        }
    }

    private func truncated(at offset: Int) -> MalformedFile {
        error("the file ends here, before the announced \(kind.word). Fetch it again.", at: offset)
    }

    private func error(_ problem: String, at offset: Int) -> MalformedFile {
        var isDecompressed = false
        if case .compressed = source { isDecompressed = true }
        return MalformedFile(path: path, offset: offset, isDecompressed: isDecompressed, problem: problem)
    }
}

private func gunzipError(_ failure: GunzipFailure, path: String) -> MalformedFile {
    let problem =
        switch failure.reason {
        case .truncated: "the gzip data ends too early. Fetch the file again."
        case .corrupt(let why): "the gzip data is damaged (\(why)). Fetch the file again."
        }
    return MalformedFile(path: path, offset: failure.offset, isDecompressed: false, problem: problem)
}
