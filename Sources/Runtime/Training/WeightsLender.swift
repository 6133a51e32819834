// The buffers that the weights go through: those of a step are read by libzmq while the optimizer writes those of the next.
internal import ModelCore

/// Buffers of weights, each used again when nobody refers to it any more.
struct WeightsLender {
    private var buffers: [ParameterBuffer] = []

    /// A buffer of `count` floats that no frame and nobody else holds; its contents are unspecified.
    mutating func buffer(count: Int) -> ParameterBuffer {
        for index in buffers.indices where isKnownUniquelyReferenced(&buffers[index]) { return buffers[index] }
        let buffer = ParameterBuffer(count: count)
        buffers.append(buffer)
        return buffer
    }
}
