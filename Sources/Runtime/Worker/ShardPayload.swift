// From the frames of a shard to its sums: checks what the kernels would not, and summarizes what they give. Used by workers, and by
// the coordinator's arbiter.
internal import Coordination
internal import Messaging
internal import ModelCore

extension Frame {
    var fingerprint: UInt64 { withUnsafeBytes { Coordination.fingerprint(of: $0) } }
}

/// The sums of a shard: per node its summary and its gradient, whose buffer goes back with `ShardComputer.recycle`.
struct ShardSums {
    let nodes: [NodeSummary]
    let gradients: [GradientBuffer]
}

/// Why the payload of a lease cannot be computed on; nil: it can. The core cannot know: it has no model.
func objection(to lease: ShardLease, payload: [Frame], _ computer: ShardComputer) -> String? {
    guard lease.imagesPerExample == computer.network.kind.towers else {
        return "this build does not know the job it was given"
    }
    let most = lease.range.count * microbatchSize
    guard (most - microbatchSize + 1...most).contains(lease.examples) else {
        return "\(lease.examples) examples are not those of the microbatches \(lease.range)"
    }
    guard payload.count == 2, targetsAreValid(payload[1]) else { return "a target is no class" }
    return nil
}

extension ShardComputer {
    /// The sums of a shard whose payload there is no objection to.
    ///
    /// - Parameter between: called after each microbatch of this thread, with the number done so far; what it throws ends the
    ///   computation
    func sums(
        of lease: ShardLease, payload: [Frame], weights: Frame, between: (Int) throws -> Void
    ) throws -> ShardSums {
        let partials = try withShard(payload, examples: lease.examples, weights: weights) { weights, examples in
            try compute(lease, examples, weights: weights, between: between)
        }
        let nodes = zip(lease.nodes, partials).map { node, partial in
            NodeSummary(
                node: node, examples: partial.exampleCount, active: partial.activeCount, lossSum: partial.lossSum,
                secondTermSum: partial.secondTermSum, gradient: partial.gradient.fingerprint)
        }
        return ShardSums(nodes: nodes, gradients: partials.map(\.gradient))
    }
}

/// Targets index the classes: a wrong one must not reach the kernels.
private func targetsAreValid(_ frame: Frame) -> Bool {
    frame.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: 4).allSatisfy {
            (0..<Int32(classCount)).contains(bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self))
        }
    }
}

/// Calls `body` with aligned weights, and the pixels and targets of a shard's two payload frames.
private func withShard<T>(
    _ frames: [Frame], examples: Int, weights: Frame, _ body: (UnsafePointer<Float>, ShardExamples) throws -> T
) throws -> T {
    let targets = frames[1].withUnsafeBytes { bytes in
        (0..<examples).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
    }
    return try weights.withUnsafeBytes { weights in
        try frames[0].withUnsafeBytes { pixels in
            try targets.withUnsafeBufferPointer { targets in
                try withAlignedFloats(weights) { weights in
                    guard let pixels = pixels.assumingMemoryBound(to: UInt8.self).baseAddress,
                        let targets = targets.baseAddress
                    else { preconditionFailure("a shard has examples: the decoder checked it") }
                    return try body(weights, ShardExamples(pixels: pixels, targets: targets))
                }
            }
        }
    }
}

/// Received bytes may lie anywhere; floats are read in place only where they are aligned.
private func withAlignedFloats<T>(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<Float>) throws -> T
) rethrows -> T {
    if let start = bytes.baseAddress, UInt(bitPattern: start) % 4 == 0 {
        return try body(start.assumingMemoryBound(to: Float.self))
    }
    let copy = ParameterBuffer(count: bytes.count / 4)
    UnsafeMutableRawBufferPointer(copy.values).copyMemory(from: bytes)
    return try withExtendedLifetime(copy) { try body(copy.floats) }
}
