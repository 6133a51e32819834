// Decompression of gzip files (RFC 1952) by zlib, a buffer at a time: the reader decides how much is ever produced, so a
// small file cannot fill the memory. Nothing here knows what the bytes mean.
import CZlib

/// Why decompression stopped. `offset` is in the compressed file.
struct GunzipFailure: Error {
    enum Reason {
        case truncated
        case corrupt(String)
    }
    let reason: Reason
    let offset: Int
}

/// The decompressed bytes of a gzip file that is in memory, from first to last.
final class Gunzip {
    /// Deflate cannot expand a byte to more than this many (zlib's "Maximum Compression Factor").
    static let greatestExpansion = 1032
    private static let gzipOnly: Int32 = 16 + MAX_WBITS

    private let input: [UInt8]
    private var consumed = 0
    private var memberEnded = false
    /// On the heap because zlib keeps its address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init(_ file: [UInt8]) throws(GunzipFailure) {
        input = file
        stream.initialize(to: z_stream())
        let status = inflateInit2_(stream, Gunzip.gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            throw GunzipFailure(reason: .corrupt("zlib cannot start (status \(status))"), offset: 0)
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Fills `buffer` with the next decompressed bytes; fewer only at the end of the data, whose checksum then has been
    /// verified.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(GunzipFailure) -> Int {
        var filled = 0
        while filled < buffer.count {
            if memberEnded {
                if consumed == input.count { break }
                // RFC 1952, 2.2: a file may be a series of members.
                inflateReset(stream)
                memberEnded = false
            }
            filled += try inflateOnce(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        }
        return filled
    }

    private func inflateOnce(into buffer: UnsafeMutableRawBufferPointer) throws(GunzipFailure) -> Int {
        let output = buffer.bindMemory(to: UInt8.self)
        let offered = UInt32(clamping: input.count - consumed)
        let room = UInt32(clamping: output.count)
        let status = input.withUnsafeBufferPointer { bytes in
            // zlib's interface is not const-correct; it only reads from next_in.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.advanced(by: consumed))
            stream.pointee.avail_in = offered
            stream.pointee.next_out = output.baseAddress
            stream.pointee.avail_out = room
            return inflate(stream, Z_NO_FLUSH)
        }
        consumed += Int(offered - stream.pointee.avail_in)
        switch status {
        case Z_OK: break
        case Z_STREAM_END: memberEnded = true
        case Z_BUF_ERROR: throw GunzipFailure(reason: .truncated, offset: input.count)
        default:
            let why = stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)"
            throw GunzipFailure(reason: .corrupt(why), offset: consumed)
        }
        return Int(room - stream.pointee.avail_out)
    }
}
