// The memory of one gradient (or of the weights) and the one operation the tree needs: add element by element.
// Not a tensor: it has no shape, and no layer looks at it here.

#if _endian(big)
    #error("payload frames are raw little-endian floats: a big-endian host would have to swap every one")
#endif

/// `count` floats: memory of its own, or somebody else's that it has taken over.
///
/// `@unchecked Sendable`: ownership is handed over with the reference; only the one present holder writes, and of an
/// owner of adopted memory nothing is asked but to stay.
package final class GradientBuffer: @unchecked Sendable {
    package let count: Int
    private let memory: UnsafeMutableRawPointer
    /// Keeps memory that was taken over.
    private let owner: AnyObject?

    /// A buffer of `count` zeros, 64-byte aligned.
    package init(count: Int) {
        precondition(count > 0, "a gradient buffer needs at least one float, not \(count)")
        self.count = count
        owner = nil
        memory = .allocate(byteCount: count * 4, alignment: 64)
        memory.initializeMemory(as: Float.self, repeating: 0, count: count)
    }

    /// Takes over floats that lie in `bytes`, without copying them; nil if they are not aligned as floats.
    ///
    /// - Parameter owner: kept as long as this buffer lives, and with it the bytes. Nobody else reads or writes them from
    ///   now on.
    package init?(adopting bytes: UnsafeMutableRawBufferPointer, of owner: AnyObject) {
        guard let start = bytes.baseAddress, UInt(bitPattern: start) % 4 == 0, bytes.count >= 4 else { return nil }
        count = bytes.count / 4
        memory = start
        self.owner = owner
    }

    deinit { if owner == nil { memory.deallocate() } }

    /// The memory is somebody else's, who gets it back with the end of this buffer.
    var isAdopted: Bool { owner != nil }

    /// The floats, in the order of the parameter layout; valid while the buffer lives.
    package var values: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Float.self), count: count)
    }

    /// The same memory as a payload frame; valid while the buffer lives.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count * 4) }

    package func zero() { values.update(repeating: 0) }

    /// Overwrites the floats with a payload frame of exactly `4 · count` bytes, of any alignment.
    package func copyBytes(from frame: UnsafeRawBufferPointer) {
        precondition(frame.count == count * 4, "a frame of \(frame.count) bytes for \(count) floats")
        UnsafeMutableRawBufferPointer(start: memory, count: count * 4).copyMemory(from: frame)
    }

    /// self[i] = self[i] + right[i]: one rounded addition per element, whatever the vector width.
    package func add(_ right: GradientBuffer) {
        precondition(count == right.count, "adding \(right.count) floats to \(count)")
        let vectors = count / 8
        for offset in stride(from: 0, to: vectors * 32, by: 32) {
            let sum =
                memory.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
                + right.memory.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            memory.storeBytes(of: sum, toByteOffset: offset, as: SIMD8<Float>.self)
        }
        for index in vectors * 8..<count { values[index] += right.values[index] }
    }

    /// `fingerprint(of:)` of the floats.
    package var fingerprint: UInt64 { Coordination.fingerprint(of: bytes) }
}
