// Copies the pixels of examples to where the compute or the wire wants them. The inner loop is memcpy.
internal import CVector

extension ExampleIndices {
    /// Bytes that `gather` writes for so many examples.
    package func gatheredSize(of examples: Range<Int>) -> Int {
        images.count * examples.count * ImageSet.imageSize
    }

    /// Writes the pixels of `examples`, a range of this batch, in the layout [tower][example][784 bytes].
    ///
    /// - Precondition: `destination` has `gatheredSize(of: examples)` bytes and the indices are those of `set`.
    package func gather(
        _ examples: Range<Int>, from set: ImageSet, into destination: UnsafeMutableRawBufferPointer
    ) {
        precondition(
            destination.count == gatheredSize(of: examples),
            "\(destination.count) bytes for \(examples.count) examples of \(images.count) images")
        guard let start = destination.baseAddress else { return }
        let size = ImageSet.imageSize
        set.pixels.withUnsafeBytes { pixels in
            for (tower, indices) in images.enumerated() {
                for (slot, image) in indices[examples].enumerated() {
                    // Images lie all over the memory: the one after the next is fetched while this one is copied.
                    let ahead = min(examples.lowerBound + slot + 2, indices.count - 1)
                    for line in stride(from: 0, to: size, by: 64) {
                        prefetch(pixels.baseAddress.map { $0 + Int(indices[ahead]) * size + line })
                    }
                    let source = UnsafeRawBufferPointer(rebasing: pixels[Int(image) * size..<(Int(image) + 1) * size])
                    let target = start + (tower * examples.count + slot) * size
                    UnsafeMutableRawBufferPointer(start: target, count: size).copyMemory(from: source)
                }
            }
        }
    }
}
