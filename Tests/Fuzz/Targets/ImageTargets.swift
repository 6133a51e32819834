// The pictures that a search is asked with, and the index that a search has kept.
import AllocationCounter
import Artifacts
import CZlib
import Datasets
import Evaluation
import ModelCore
import Runtime
import Storage

// MARK: - Pictures

extension FuzzTarget {
    /// The first byte of an input says which dataset's images the picture is to resemble (1: Fashion-MNIST's), and what the rest is:
    /// a PNG file (2: unset), or the fields of one and its rows, which are compressed here, so that changes are not all lost on the
    /// checks of the compression.
    static let queryImage = FuzzTarget(
        name: "query-image", samples: pictures,
        tokens: ["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "zTXt", "iCCP", "gAMA"],
        repair: { input in
            guard let mode = input.first, mode & 2 == 0 else { return input }
            return [mode] + inOrder(png: Array(input.dropFirst()))
        }
    ) { input, meter in
        var script = Script(input)
        let mode = script.byte() ?? 0
        let described = mode & 2 == 0 ? nil : PictureFields(&script)
        let file = described?.file ?? Array(script.rest)
        do {
            let image = try meter.hold(atMost: memoryLimit(png: file)) {
                try QueryImage(png: file, name: "a.png", for: mode & 1 == 0 ? .mnist : .fashionMNIST)
            }
            try require(image.pixels.count == 784, "\(image.pixels.count) pixels")
            try require(image.remark.utf8.count < 300, "a remark of \(image.remark.utf8.count) bytes")
            if let grey = described?.grey {
                try require(try GreyImage(png: file, file: "a.png").pixels == grey, "other pixels than the file's")
            }
            return true
        } catch let error as RunFailure {
            try requireSentence(error, atMost: 500)
            return false
        }
    }

    /// A pixel takes four bytes in the decoder and one here; then two or three copies of a byte.
    private static func memoryLimit(png: [UInt8]) -> Int {
        guard png.count >= 24 else { return 65_536 }
        func field(_ at: Int) -> Int { png[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
        let (width, height) = (field(16), field(20))
        return 262_144 + 2 * png.count
            + (max(width, height) < 1 << 15 ? 5 * min(width * height, 1 << 26) + 64 * (width + height) : 0)
    }

    private static let pictures: [[UInt8]] = {
        // A drawing, a wide one of 16 bits with alpha, one of four colours with a transparent one, one in seven passes.
        let drawings = [
            (PictureFields(width: 40, height: 30, depth: 8, colours: 0, isInterlaced: false), 3),
            (PictureFields(width: 61, height: 3, depth: 16, colours: 6, isInterlaced: false), 0),
            (PictureFields(width: 28, height: 28, depth: 2, colours: 3, isInterlaced: false), 2),
            (PictureFields(width: 9, height: 17, depth: 8, colours: 2, isInterlaced: true), 1),
        ].map { fields, mode in (fields.filled(), UInt8(mode)) }
        return drawings.flatMap { fields, mode in
            [[mode & 1] + fields.file, [mode | 2] + fields.bytes]
        }
    }()

    /// The same chunks, each with its checksum, the last with its length too.
    private static func inOrder(png: [UInt8]) -> [UInt8] {
        var png = png
        var start = 8
        while start + 12 <= png.count {
            var length = png[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            if length > png.count - start - 12 {
                length = png.count - start - 12
                png.replaceSubrange(start..<start + 4, with: UInt32(length).bytes.reversed())
            }
            let end = start + 8 + length
            png.replaceSubrange(end..<end + 4, with: checksum(png[start + 4..<end]).bytes.reversed())
            start = end + 4
        }
        return png
    }

    fileprivate static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer { UInt32(crc32(0, $0.baseAddress, UInt32($0.count))) }
    }
}

/// What makes a PNG file: its header, and rows that are not compressed yet.
private struct PictureFields {
    let width: UInt16
    let height: UInt16
    let depth: UInt8
    let colours: UInt8
    let isInterlaced: Bool
    /// A filter's number and the samples, row after row.
    var rows: [UInt8] = []

    init(width: UInt16, height: UInt16, depth: UInt8, colours: UInt8, isInterlaced: Bool) {
        (self.width, self.height, self.depth, self.colours) = (width, height, depth, colours)
        self.isInterlaced = isInterlaced
    }

    init(_ script: inout Script) {
        (width, height) = (script.integer(), script.integer())
        (depth, colours) = (script.byte() ?? 0, script.byte() ?? 0)
        isInterlaced = script.byte() == 1
        rows = Array(script.rest)
    }

    /// As it is read by the other initializer.
    var bytes: [UInt8] { width.bytes + height.bytes + [depth, colours, isInterlaced ? 1 : 0] + rows }

    /// With something to see in every row.
    func filled() -> PictureFields {
        var filled = self
        let samples = [1, 0, 3, 1, 2, 0, 4][Int(colours)]
        let rowBytes = (Int(width) * Int(depth) * samples + 7) / 8
        // Rows of the seven passes are shorter, and there are more of them; too many bytes do no harm.
        for row in 0..<Int(height) * (isInterlaced ? 2 : 1) {
            filled.rows.append(isInterlaced ? 0 : UInt8(row % 5))
            filled.rows += (0..<rowBytes).map { UInt8(truncatingIfNeeded: $0 > 3 && row > 2 ? $0 * 29 + row * 3 : 0) }
        }
        return filled
    }

    /// The pixels, where no arithmetic stands between them and the rows.
    var grey: [UInt8]? {
        let (width, height) = (Int(width), Int(height))
        guard depth == 8, colours == 0, !isInterlaced, rows.count >= (width + 1) * height else { return nil }
        let starts = (0..<height).map { $0 * (width + 1) }
        guard starts.allSatisfy({ rows[$0] == 0 }) else { return nil }
        return starts.flatMap { rows[$0 + 1...$0 + width] }
    }

    /// The file.
    var file: [UInt8] {
        let header =
            UInt32(width).bytes.reversed() + UInt32(height).bytes.reversed() + [
                depth, colours, 0, 0, isInterlaced ? 1 : 0,
            ]
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
        if colours == 3 {
            file += chunk("PLTE", [255, 255, 255, 200, 10, 10, 0, 0, 0, 9, 90, 9]) + chunk("tRNS", [0, 128])
        }
        return file + chunk("IDAT", compressed(rows)) + chunk("IEND", [])
    }

    private func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        let named = Array(name.utf8) + content
        return UInt32(content.count).bytes.reversed() + named + FuzzTarget.checksum(named[...]).bytes.reversed()
    }

    private func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(UInt(bytes.count))
        var output = [UInt8](repeating: 0, count: Int(count))
        let status = compress2(&output, &count, bytes, UInt(bytes.count), 1)
        precondition(status == Z_OK, "the room was reckoned by zlib")
        return Array(output.prefix(Int(count)))
    }
}

// MARK: - The index of a search

extension FuzzTarget {
    static let searchIndex = FuzzTarget(
        name: "search-index", samples: [(0, 2), (1, 3), (9, 2), (65, 1)].map(index), tokens: ["SIAMIDX1"],
        repair: { bytes in
            guard bytes.count >= IndexFormat.headerSize else { return bytes }
            var bytes = bytes
            let content = bytes.withUnsafeBytes { IndexFormat.checksum(UnsafeRawBufferPointer(rebasing: $0[64...])) }
            bytes.replaceSubrange(32..<40, with: content.bytes)
            let header = bytes.withUnsafeBytes { IndexFormat.checksum(UnsafeRawBufferPointer(rebasing: $0[..<40])) }
            bytes.replaceSubrange(40..<48, with: header.bytes)
            return bytes
        }
    ) { input, meter in
        let memory = AlignedMemory(input)
        do {
            let found = try meter.hold(atMost: input.count + 4096) {
                try IndexFormat.decode(memory.bytes, owner: memory)
            }
            let parts = IndexFormat.encode(found.identity, found.panels, labels: found.labels)
            let written = parts.header + found.panels.withBytes { Array($0) } + parts.labels
            try require(written == input, "two files are one index")
            // What a search makes of it.
            let origin = Embeddings(
                dimensions: found.panels.dimensions, values: [Float](repeating: 0, count: found.panels.dimensions),
                labels: [0])
            let hits = nearest(3, to: origin, in: found.panels, threads: 1)[0]
            try require(hits.count == min(3, found.labels.count), "\(hits.count) are nearest")
            try require(Set(hits.map(\.index)).count == hits.count, "one vector is found twice")
            try require(hits.allSatisfy { found.labels.indices.contains($0.index) }, "a vector that is not there")
            return true
        } catch let error as IndexError {
            try requireSentence(error, atMost: 200)
            return false
        }
    }

    private static func index(count: Int, dimensions: Int) -> [UInt8] {
        let vectors = Embeddings(
            dimensions: dimensions, values: (0..<count * dimensions).map { Float($0 % 7) - 3 },
            labels: (0..<count).map { UInt8($0 % 10) })
        let panels = VectorPanels(vectors)
        let identity = IndexIdentity(
            model: [UInt8](repeating: 1, count: 32), dataset: [UInt8](repeating: 2, count: 32), isTest: count % 2 == 1,
            isNormalized: false, dimensions: dimensions, count: count)
        let parts = IndexFormat.encode(identity, panels, labels: vectors.labels)
        return parts.header + panels.withBytes { Array($0) } + parts.labels
    }
}

/// Bytes that lie as those of a mapped file do.
private final class AlignedMemory {
    let bytes: UnsafeRawBufferPointer

    init(_ content: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
    }

    deinit { bytes.deallocate() }
}
