// The reader of datasets. The first byte of an input says how the rest is to be taken: images or labels; plain, gzipped, or (so that
// changes are not all lost on gzip's own checks) to be gzipped first.
import CZlib
import Datasets
import Storage

extension FuzzTarget {
    static let idx = FuzzTarget(name: "idx", samples: samples) { input, meter in
        var script = Script(input)
        let mode = script.byte() ?? 0
        let kind: IDXKind = mode & 1 == 0 ? .images : .labels
        let isGzippedHere = mode & 6 == 4
        let file = isGzippedHere ? gzipped(Array(script.rest)) : Array(script.rest)
        let isCompressed = mode & 6 != 0
        do {
            let content = try meter.hold(atMost: memoryLimit(file, isCompressed: isCompressed)) {
                try decodeIDX(kind, file: file, path: "file", isCompressed: isCompressed)
            }
            try require(
                content.payload.count == content.count * (kind == .images ? 784 : 1), "the wrong number of bytes")
            return true
        } catch let error as MalformedFile {
            try requireSentence(error, atMost: 500)
            return false
        }
    }

    /// The content cannot be larger than the file, or 1,032 times that if it is compressed; beside it zlib's window and the pieces
    /// of a header.
    private static func memoryLimit(_ file: [UInt8], isCompressed: Bool) -> Int {
        (isCompressed ? 1033 : 1) * file.count + 65_536
    }

    private static let samples: [[UInt8]] = {
        let labels = bigEndian(0x801, 12) + (0..<12).map { $0 % 10 }
        let images = bigEndian(0x803, 2, 28, 28) + (0..<2 * 784).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let bomb = bigEndian(0x801, 1_000_000) + [UInt8](repeating: 0, count: 1_000_000)
        return [
            [0] + images, [1] + labels, [4] + images, [5] + labels, [3] + gzipped(labels) + gzipped([1, 2]),
            [2] + gzipped(images), [3] + gzipped(bomb),
        ]
    }()

    private static func bigEndian(_ values: UInt32...) -> [UInt8] { values.flatMap { $0.bytes.reversed() } }

    /// One gzip member, quickly made.
    private static func gzipped(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        let level = bytes.count > 100_000 ? Z_BEST_COMPRESSION : Z_NO_COMPRESSION
        guard
            deflateInit2_(&stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else {
            preconditionFailure("zlib cannot start")
        }
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 32)
        let written = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { destination in
                (stream.next_in, stream.avail_in) = (source.baseAddress, UInt32(source.count))
                (stream.next_out, stream.avail_out) = (destination.baseAddress, UInt32(destination.count))
                precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END, "the room was reckoned by zlib")
                return Int(stream.total_out)
            }
        }
        return Array(output.prefix(written))
    }
}
