// Initial parameters: PyTorch's defaults for these layers, from the `initialization` stream.

extension ParameterLayout {
    /// The parameters a run with this seed starts from.
    ///
    /// Weights and biases uniform in ±1/√fanIn (PyTorch's `kaiming_uniform_(a=√5)`), PReLU slopes 0.25, the scaling
    /// factor standard normal by Box & Muller (1958). Parameter i of the buffer uses position i of the stream.
    package func initialParameters(seed: UInt64) -> ParameterBuffer {
        let buffer = ParameterBuffer(count: paddedCount)
        let stream = RandomStream(seed: seed, name: .initialization)
        for slice in slices {
            for position in slice.offset..<(slice.offset + slice.count) {
                buffer.floats[position] = slice.initializer.value(stream, at: position)
            }
        }
        return buffer
    }
}

extension ParameterSlice.Initializer {
    fileprivate func value(_ stream: RandomStream, at position: Int) -> Float {
        switch self {
        case .constant(let value): return value
        case .uniform(let fanIn):
            let bound = 1 / Float(fanIn).squareRoot()
            return (2 * stream.uniform(at: position) - 1) * bound
        case .standardNormal: return stream.standardNormal(at: position)
        }
    }
}
