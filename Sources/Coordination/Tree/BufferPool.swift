// A free list of gradient buffers, so that a step in steady state allocates nothing. Owned by one thread; not a cache.

/// Buffers of one size, given out and taken back. It holds as many as were ever out at the same time.
package final class BufferPool {
    /// Floats in every buffer.
    package let count: Int
    private var free: [GradientBuffer] = []
    /// Buffers made so far: constant in steady state.
    package private(set) var made = 0

    package init(count: Int) { self.count = count }

    /// A buffer with unspecified contents: the taker overwrites or `zero`es it.
    package func take() -> GradientBuffer {
        if let buffer = free.popLast() { return buffer }
        made += 1
        return GradientBuffer(count: count)
    }

    /// Takes back a buffer that nobody else refers to any more. One with adopted memory is let go.
    package func recycle(_ buffer: GradientBuffer) {
        precondition(buffer.count == count, "a buffer of \(buffer.count) floats in a pool of \(count)")
        if !buffer.isAdopted { free.append(buffer) }
    }
}
