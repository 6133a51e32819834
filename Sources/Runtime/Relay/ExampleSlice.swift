// A part of a shard's payload frames, for a relay that cuts a shard into smaller ones. Without copying, where the part lies
// together in the frame.
internal import Coordination
internal import Messaging

/// Consecutive examples of a lease.
struct ExampleSlice {
    /// Counted from the first one of the lease.
    let examples: Range<Int>
    let lease: ShardLease

    init(examples: Range<Int>, of lease: ShardLease) {
        self.examples = examples
        self.lease = lease
    }

    func targets(in frame: Frame) -> Frame { frame.slice(4 * examples.lowerBound..<4 * examples.upperBound) }

    /// The first images of all examples, then all second ones, …: together in the frame only if there are no second ones, or
    /// if the slice is everything.
    func pixels(in frame: Frame) -> Frame {
        let image = ShardLease.bytesPerImage
        let tower = lease.examples * image
        let (first, size) = (examples.lowerBound * image, examples.count * image)
        if lease.imagesPerExample == 1 || examples.count == lease.examples {
            return frame.slice(first..<first + size * lease.imagesPerExample)
        }
        let memory = SliceMemory(byteCount: size * lease.imagesPerExample)
        frame.withUnsafeBytes { pixels in
            for index in 0..<lease.imagesPerExample {
                let source = UnsafeRawBufferPointer(
                    rebasing: pixels[index * tower + first..<index * tower + first + size])
                UnsafeMutableRawBufferPointer(rebasing: memory.bytes[index * size..<(index + 1) * size])
                    .copyMemory(from: source)
            }
        }
        return Frame(borrowing: memory, bytes: UnsafeRawBufferPointer(memory.bytes))
    }
}

extension Frame {
    /// Some of this frame's bytes; the frame stays as long as they are needed.
    fileprivate func slice(_ range: Range<Int>) -> Frame {
        if range == 0..<count { return self }
        return withUnsafeBytes { Frame(borrowing: self, bytes: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}

/// Written once, before it is shared: hence Sendable.
private final class SliceMemory: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 64) }

    deinit { bytes.deallocate() }
}
