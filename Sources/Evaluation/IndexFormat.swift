// The bytes of an index file: latent vectors and labels as a search reads them, so that a mapped file needs no decoding. Reading
// and writing files is the Runtime's.
//
//   0   "SIAMIDX1"                       64  SHA-256 of the model file
//   8   format version, UInt32           96  SHA-256 of the dataset
//   12  distance: 0 as they are,        128  vectors, [block][dimension][8 lanes] Float32, then labels, a byte each, with
//       1 directions, UInt32                 zeros up to a multiple of 64
//   16  split: 0 train, 1 test, UInt32
//   20  dimensions, UInt32
//   24  count, UInt64
//   32  checksum of all bytes from 64 on, UInt64
//   40  checksum of bytes 0 to 39, UInt64
//   48  zeros
//
// All numbers are little-endian. The checksum finds damage, not malice.
internal import Kernels

/// What an index is of.
package struct IndexIdentity: Equatable, Sendable {
    /// 32 bytes each.
    package let model: [UInt8]
    package let dataset: [UInt8]
    package let isTest: Bool
    /// Whether the vectors are directions, as the cosine distance wants them.
    package let isNormalized: Bool
    package let dimensions: Int
    package let count: Int

    package init(model: [UInt8], dataset: [UInt8], isTest: Bool, isNormalized: Bool, dimensions: Int, count: Int) {
        precondition(model.count == 32 && dataset.count == 32, "SHA-256 digests")
        self.model = model
        self.dataset = dataset
        self.isTest = isTest
        self.isNormalized = isNormalized
        self.dimensions = dimensions
        self.count = count
    }
}

/// Bytes that are no index, or a damaged one.
package struct IndexError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

package enum IndexFormat {
    package static let headerSize = 128
    private static let magic = Array("SIAMIDX1".utf8)
    private static let version: UInt32 = 1
    /// Vectors of the largest index: their numbers have 32 bits in a search.
    private static let mostVectors = UInt64(UInt32.max)

    private static func vectorBytes(_ count: Int, _ dimensions: Int) -> Int {
        VectorPanels.blocks(of: count) * dimensions * laneCount * 4
    }

    private static func labelBytes(_ count: Int) -> Int { (count + 63) / 64 * 64 }

    /// Header and labels; between them belong the panels' bytes. In parts, because the panels may be large.
    package static func encode(
        _ identity: IndexIdentity, _ panels: VectorPanels, labels: [UInt8]
    ) -> (header: [UInt8], labels: [UInt8]) {
        precondition(panels.count == labels.count && identity.count == labels.count, "a label for each vector")
        var header = magic
        append(version, to: &header)
        append(UInt32(identity.isNormalized ? 1 : 0), to: &header)
        append(UInt32(identity.isTest ? 1 : 0), to: &header)
        append(UInt32(identity.dimensions), to: &header)
        append(UInt64(identity.count), to: &header)
        let padded = labels + [UInt8](repeating: 0, count: labelBytes(labels.count) - labels.count)
        let digests = identity.model + identity.dataset
        let sum = digests.withUnsafeBytes { first in
            panels.withBytes { vectors in padded.withUnsafeBytes { checksum(first, vectors, $0) } }
        }
        append(sum, to: &header)
        append(header.withUnsafeBytes { checksum($0) }, to: &header)
        header += [UInt8](repeating: 0, count: 64 - header.count) + digests
        return (header, padded)
    }

    /// Checks everything, the checksum over all vectors included.
    /// - Parameters:
    ///   - bytes: the whole file, aligned to 64 bytes
    ///   - owner: keeps `bytes` in their place
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(IndexError) -> (identity: IndexIdentity, panels: VectorPanels, labels: [UInt8]) {
        guard bytes.count >= headerSize, let start = bytes.baseAddress, bytes.starts(with: magic) else {
            throw IndexError(description: "it does not begin as an index does")
        }
        func number32(_ at: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        }
        func number64(_ at: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        guard number32(8) == version else {
            throw IndexError(description: "it has format \(number32(8)), and this version knows \(version)")
        }
        let (dimensions, count) = (Int(number32(20)), number64(24))
        guard checksum(UnsafeRawBufferPointer(rebasing: bytes[..<40])) == number64(40), (1...4096).contains(dimensions),
            count <= mostVectors, number32(12) <= 1, number32(16) <= 1, bytes[48..<64].allSatisfy({ $0 == 0 })
        else { throw IndexError(description: "its header is damaged") }
        let vectors = vectorBytes(Int(count), dimensions)
        let expected = headerSize + vectors + labelBytes(Int(count))
        guard bytes.count == expected else {
            throw IndexError(
                description: "it has \(bytes.count) bytes instead of \(expected): it was not written to its end")
        }
        guard checksum(UnsafeRawBufferPointer(rebasing: bytes[64...])) == number64(32),
            bytes[(headerSize + vectors + Int(count))...].allSatisfy({ $0 == 0 })
        else {
            throw IndexError(description: "its checksum is wrong: it is damaged")
        }
        let identity = IndexIdentity(
            model: Array(bytes[64..<96]), dataset: Array(bytes[96..<128]), isTest: number32(16) == 1,
            isNormalized: number32(12) == 1, dimensions: dimensions, count: Int(count))
        let lanes = (start + headerSize).assumingMemoryBound(to: Lanes.self)
        let panels = VectorPanels(dimensions: dimensions, count: Int(count), lanes: lanes, owner: owner)
        return (identity, panels, Array(bytes[headerSize + vectors..<headerSize + vectors + Int(count)]))
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Four independent chains of multiply and shift over 32 bytes at a time, folded into one: as fast as memory. Parts count as
    /// one run of bytes; all but the last must have a multiple of 32.
    package static func checksum(_ parts: UnsafeRawBufferPointer...) -> UInt64 {
        let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
        var (a, b, c, d) = (factor, factor &* 3, factor &* 5, factor &* 7)
        var length: UInt64 = 0
        @inline(__always) func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
            let product = (hash ^ word) &* factor
            return product ^ (product &>> 29)
        }
        for part in parts {
            length &+= UInt64(part.count)
            var offset = 0
            while offset + 32 <= part.count {
                a = mix(a, part.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                b = mix(b, part.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
                c = mix(c, part.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self))
                d = mix(d, part.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self))
                offset += 32
            }
            for index in offset..<part.count { a = mix(a, UInt64(part[index])) }
        }
        return mix(mix(mix(mix(a, b), c), d), length)
    }
}
