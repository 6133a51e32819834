// Snapshots of the weights that are on their way to workers: written once, then shared by all frames of a step.
internal import Messaging
internal import ModelCore

/// Lends copies of the weights as frames, and uses a copy again when nobody refers to it any more.
struct WeightsLender {
    private var copies: [ParameterBuffer] = []

    /// A frame with the present weights, to be sent to any number of workers.
    mutating func frame(of weights: ParameterBuffer) -> Frame {
        for index in copies.indices where isKnownUniquelyReferenced(&copies[index]) {
            return lend(copies[index], weights)
        }
        let copy = ParameterBuffer(count: weights.count)
        copies.append(copy)
        return lend(copy, weights)
    }

    private func lend(_ copy: ParameterBuffer, _ weights: ParameterBuffer) -> Frame {
        copy.copy(from: weights)
        return Frame(borrowing: copy, bytes: copy.bytes)
    }
}
