// Memory for one float per parameter (weights, gradients, moments), aligned for vectors.

/// A fixed-size, zero-initialized buffer of floats, aligned to 64 bytes.
///
/// Not synchronized: whoever shares one between threads orders the accesses (`@unchecked Sendable` states that the
/// storage itself is never moved or resized).
package final class ParameterBuffer: @unchecked Sendable {
    package let count: Int
    package let floats: UnsafeMutablePointer<Float>

    package init(count: Int) {
        self.count = count
        floats = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: max(count, 1))
        floats.initialize(repeating: 0, count: max(count, 1))
    }

    deinit { floats.deallocate() }

    package var values: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: floats, count: count) }
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(values) }

    package func copy(from other: ParameterBuffer) {
        precondition(count == other.count, "buffers of \(count) and \(other.count) parameters")
        floats.update(from: other.floats, count: count)
    }
}
