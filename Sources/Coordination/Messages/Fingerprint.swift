// The one checksum of everything on the wire: headers, pixels, weights, gradients. It finds damage (a flipped bit in a wire,
// a memory or a processor) and tells two answers for one shard apart; it is no defence against somebody who forges bytes on purpose.

/// 64 bits that differ, but for a chance of about 2⁻⁶⁴, when any of the bytes do, or their number.
///
/// 64 lanes of 32 bits each take in every 64th word by h ← m(h ⊕ word), m(x) = y ⊕ (y ≫ 15), y = x · P (mod 2³²): a bijection
/// in h and in the word, so that no single change is ever lost. At the end lanes and length are mixed into one word by the
/// finalizer of MurmurHash3. About as fast as the bytes come from the second-level cache.
package func fingerprint(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    var lanes = Lanes()
    let wholeBlocks = bytes.count / Lanes.byteCount
    for block in 0..<wholeBlocks { lanes.absorb(bytes, at: block * Lanes.byteCount) }
    let rest = bytes.count - wholeBlocks * Lanes.byteCount
    if rest > 0 {
        withUnsafeTemporaryAllocation(byteCount: Lanes.byteCount, alignment: 32) { padded in
            padded.initializeMemory(as: UInt8.self, repeating: 0)
            padded.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.suffix(rest)))
            lanes.absorb(UnsafeRawBufferPointer(padded), at: 0)
        }
    }
    return lanes.folded(length: bytes.count)
}

package func fingerprint(of bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { fingerprint(of: $0) } }

/// Eight vectors of eight lanes: enough for the multiplications of one block to overlap.
private struct Lanes {
    static let byteCount = 256

    private var h0 = start(0), h1 = start(1), h2 = start(2), h3 = start(3)
    private var h4 = start(4), h5 = start(5), h6 = start(6), h7 = start(7)

    /// Every lane begins elsewhere, so that swapped words show.
    private static func start(_ vector: UInt32) -> SIMD8<UInt32> {
        (SIMD8(0, 1, 2, 3, 4, 5, 6, 7) &+ (8 * vector + 1)) &* 0x9e37_79b9
    }

    @inline(__always)
    private static func mix(_ h: SIMD8<UInt32>, _ bytes: UnsafeRawBufferPointer, _ offset: Int) -> SIMD8<UInt32> {
        let product = (h ^ bytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt32>.self)) &* 0x85eb_ca6b
        return product ^ (product &>> 15)
    }

    @inline(__always)
    mutating func absorb(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        h0 = Self.mix(h0, bytes, offset)
        h1 = Self.mix(h1, bytes, offset + 32)
        h2 = Self.mix(h2, bytes, offset + 64)
        h3 = Self.mix(h3, bytes, offset + 96)
        h4 = Self.mix(h4, bytes, offset + 128)
        h5 = Self.mix(h5, bytes, offset + 160)
        h6 = Self.mix(h6, bytes, offset + 192)
        h7 = Self.mix(h7, bytes, offset + 224)
    }

    func folded(length: Int) -> UInt64 {
        var hash = finalized(UInt64(truncatingIfNeeded: length) &+ 0x9e37_79b9_7f4a_7c15)
        for vector in [h0, h1, h2, h3, h4, h5, h6, h7] {
            let words = unsafeBitCast(vector, to: SIMD4<UInt64>.self)
            for index in 0..<4 { hash = finalized(hash ^ words[index]) }
        }
        return hash
    }
}

/// The 64-bit finalizer of MurmurHash3 (Appleby), a bijection.
private func finalized(_ value: UInt64) -> UInt64 {
    var hash = value
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ (hash >> 33)
}
