// A piece of work and the permission to do it. Also the header of the message that carries it.

/// "Compute the gradient sums of these microbatches at the weights of their step; answer under this lease." The weights are
/// a message of their own and may come later: so the examples of the next step travel while the present one is computed.
/// Payload frames: the pixels (784 bytes per image: the first images of all examples in order, then all second ones, …; none if the
/// worker has them), the targets (one Int32 per example; zero where the loss has none).
package struct ShardLease: Hashable, Sendable {
    package let run: RunID
    package let step: UInt64
    /// Index of the shard in its step.
    package let shard: UInt32
    /// Number of the lease in its run, from 1; a shard given out again has a new one.
    package let lease: UInt64
    /// The microbatches of the shard.
    package let range: MicrobatchRange
    /// The microbatches of the whole step: with `range` it decides which tree nodes the answer has.
    package let totalMicrobatches: Int
    /// The examples of the whole step: decides where the short tail is.
    package let totalExamples: Int
    /// The examples in `range`.
    package let examples: Int
    package let imagesPerExample: Int
    package let task: ShardTask
    /// In a second round: the lease of the first round whose images the worker has, so that they are not sent again; 0: they come with
    /// this one.
    package let reuses: UInt64

    package static let bytesPerImage = 784

    package init(
        run: RunID, step: UInt64, shard: UInt32, lease: UInt64, range: MicrobatchRange, extent: StepExtent,
        imagesPerExample: Int, task: ShardTask = .gradients, reuses: UInt64 = 0
    ) {
        self.run = run
        self.step = step
        self.shard = shard
        self.lease = lease
        self.range = range
        totalMicrobatches = extent.microbatches
        totalExamples = extent.examples
        examples = extent.examples(in: range)
        self.imagesPerExample = imagesPerExample
        self.task = task
        self.reuses = reuses
    }

    /// The tree nodes whose sums answer the lease, in index order.
    package var nodes: [MicrobatchRange] { range.maximalNodes(of: totalMicrobatches) }

    func encoded(_ content: ShardContent) -> [UInt8] {
        var writer = HeaderWriter(.shard, run: run)
        writer.integer(step)
        writer.integer(lease)
        writer.integer(shard)
        let counts = [range.first, range.count, totalMicrobatches, totalExamples, examples, imagesPerExample]
        for count in counts { writer.integer(UInt32(count)) }
        writer.integer(task.rawValue)
        writer.integer(reuses)
        writer.integer(content.pixels)
        writer.integer(content.targets)
        return writer.sealed()
    }

    init(run: RunID, _ reader: inout HeaderReader, _ limits: MessageLimits) throws(DecodingFailure) {
        self.run = run
        step = try reader.integer("step")
        lease = try reader.integer("lease")
        shard = try reader.integer("shard")
        let first = try reader.count("first microbatch", limit: limits.maximumExamples)
        let count = try reader.count("microbatch count", limit: limits.maximumExamples)
        totalMicrobatches = try reader.count("total microbatches", limit: limits.maximumExamples)
        totalExamples = try reader.count("total examples", limit: limits.maximumExamples)
        examples = try reader.count("examples", limit: limits.maximumExamples)
        imagesPerExample = try reader.count("images per example", limit: limits.maximumImagesPerExample)
        guard lease > 0, count > 0, first + count <= totalMicrobatches else {
            throw .inconsistent("shard of \(count) microbatches from \(first) in a step of \(totalMicrobatches)")
        }
        guard imagesPerExample > 0, count <= examples, examples <= totalExamples,
            totalMicrobatches <= totalExamples
        else {
            throw .inconsistent(
                "shard of \(examples) examples with \(imagesPerExample) images in \(count) microbatches, in a step of "
                    + "\(totalExamples) examples in \(totalMicrobatches) microbatches")
        }
        range = MicrobatchRange(first: first, count: count)
        task = try reader.task()
        reuses = try reader.integer("reused lease")
        guard reuses == 0 || task == .gradientsOfLatents && reuses < lease else {
            throw .inconsistent("lease \(lease) reuses the images of lease \(reuses)")
        }
    }
}

extension HeaderReader {
    mutating func task() throws(DecodingFailure) -> ShardTask {
        let code: UInt16 = try integer("task")
        guard let task = ShardTask(rawValue: code) else {
            throw .outOfRange(field: "task", value: UInt64(code), limit: UInt64(ShardTask.allCases.count - 1))
        }
        return task
    }
}

/// Fingerprints of the two payload frames of a shard.
package struct ShardContent: Equatable, Sendable {
    package let pixels: UInt64
    package let targets: UInt64

    package init(pixels: UInt64, targets: UInt64) {
        self.pixels = pixels
        self.targets = targets
    }

    init(_ reader: inout HeaderReader) throws(DecodingFailure) {
        pixels = try reader.integer("fingerprint of the pixels")
        targets = try reader.integer("fingerprint of the targets")
    }

    func payload(of lease: ShardLease) -> [PayloadFrame] {
        let images = lease.reuses == 0 ? lease.examples * lease.imagesPerExample : 0
        return [
            PayloadFrame(size: images * ShardLease.bytesPerImage, fingerprint: pixels),
            PayloadFrame(size: 4 * lease.examples, fingerprint: targets),
        ]
    }
}

extension ShardLease: CustomStringConvertible {
    package var description: String { "lease \(lease) (step \(step), shard \(shard), microbatches \(range))" }
}
