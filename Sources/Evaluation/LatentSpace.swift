// Embedding a set of images, and the mean loss over a set of examples: the forward passes that are not training.
package import ModelCore

/// Latent vectors, [image][dimension], of `count` images of [image][784] bytes; unit vectors if the network's are.
/// - Parameter pausing: called now and then; what it throws ends the work
package func embed(
    _ network: NetworkDescription, at parameters: ParameterBuffer, pixels: UnsafePointer<UInt8>, count: Int,
    threads: Int, pausing: () throws -> Void
) rethrows -> [Float] {
    let embedders = (0..<max(threads, 1)).map { _ in Embedder(network) }
    let dimensions = network.latentDimensions
    return try [Float](unsafeUninitializedCapacity: count * dimensions) { latents, initialized in
        if let start = latents.baseAddress {
            nonisolated(unsafe) let (start, pixels) = (start, pixels)
            let tasks = (count + Embedder.capacity - 1) / Embedder.capacity
            try forEachTask(tasks, threads: threads, pausing: pausing) { task, thread in
                let first = task * Embedder.capacity
                embedders[thread].embed(
                    pixels + first * imagePixels, images: min(Embedder.capacity, count - first), at: parameters.floats,
                    into: start + first * dimensions)
            }
            if network.inBatch.isNormalized { normalizeRows(start, count: count, dimensions: dimensions) }
        }
        initialized = count * dimensions
    }
}

/// Divides every row by its length; one of length zero stays.
private func normalizeRows(_ rows: UnsafeMutablePointer<Float>, count: Int, dimensions: Int) {
    for row in stride(from: 0, to: count * dimensions, by: dimensions) {
        var square: Float = 0
        for k in row..<row + dimensions { square = square.addingProduct(rows[k], rows[k]) }
        let length = square.squareRoot()
        if length > 0 { for k in row..<row + dimensions { rows[k] /= length } }
    }
}

/// Where a set of examples comes from: fills a microbatch's memory with a range of them.
///
/// - pixels: [tower][example][784], examples of the range next to each other
/// - targets: one per example
package typealias ExampleSource =
    @Sendable (
        _ range: Range<Int>, _ pixels: UnsafeMutablePointer<UInt8>, _ targets: UnsafeMutablePointer<Int32>
    ) -> Void

/// The summed loss of `count` examples, added up in order: the same bits for any number of threads.
/// - Parameter pausing: called now and then; what it throws ends the work
package func lossSums(
    _ network: NetworkDescription, at parameters: ParameterBuffer, count: Int, threads: Int,
    pausing: () throws -> Void, examples source: ExampleSource
) rethrows -> LossSums {
    let tasks = (count + microbatchSize - 1) / microbatchSize
    var perTask = [LossSums](repeating: LossSums(), count: tasks)
    let workspaces = (0..<max(threads, 1)).map { _ in LossWorkspace(network) }
    try perTask.withUnsafeMutableBufferPointer { sums in
        nonisolated(unsafe) let sums = sums
        try forEachTask(tasks, threads: threads, pausing: pausing) { task, thread in
            let first = task * microbatchSize
            let range = first..<min(first + microbatchSize, count)
            sums[task] = workspaces[thread].loss(of: range, from: source, at: parameters)
        }
    }
    return perTask.reduce(into: LossSums()) { total, sums in total.add(sums) }
}

/// Latent vectors of the towers of `count` examples, [example][tower][dimension], as a training step sees them.
/// - Parameter pausing: called now and then; what it throws ends the work
package func embedExamples(
    _ network: NetworkDescription, at parameters: ParameterBuffer, count: Int, threads: Int,
    pausing: () throws -> Void, examples source: ExampleSource
) rethrows -> [Float] {
    let workspaces = (0..<max(threads, 1)).map { _ in LossWorkspace(network) }
    let perExample = network.kind.towers * network.latentDimensions
    return try [Float](unsafeUninitializedCapacity: count * perExample) { latents, initialized in
        if let start = latents.baseAddress {
            nonisolated(unsafe) let start = start
            let tasks = (count + microbatchSize - 1) / microbatchSize
            try forEachTask(tasks, threads: threads, pausing: pausing) { task, thread in
                let first = task * microbatchSize
                workspaces[thread].embed(
                    first..<min(first + microbatchSize, count), from: source, at: parameters,
                    into: start + first * perExample)
            }
        }
        initialized = count * perExample
    }
}

/// Memory for the examples of one microbatch, and the network that reads it.
private final class LossWorkspace {
    private let computer: MicrobatchGradient
    private let pixels: UnsafeMutablePointer<UInt8>
    private let targets: UnsafeMutablePointer<Int32>

    init(_ network: NetworkDescription) {
        computer = MicrobatchGradient(network)
        pixels = .allocate(capacity: network.kind.towers * microbatchSize * imagePixels)
        targets = .allocate(capacity: microbatchSize)
    }

    deinit {
        pixels.deallocate()
        targets.deallocate()
    }

    func loss(of range: Range<Int>, from source: ExampleSource, at parameters: ParameterBuffer) -> LossSums {
        computer.loss(of: microbatch(of: range, from: source), at: parameters.floats)
    }

    func embed(
        _ range: Range<Int>, from source: ExampleSource, at parameters: ParameterBuffer,
        into latents: UnsafeMutablePointer<Float>
    ) {
        computer.embed(microbatch(of: range, from: source), at: parameters.floats, into: latents)
    }

    private func microbatch(of range: Range<Int>, from source: ExampleSource) -> Microbatch {
        source(range, pixels, targets)
        return Microbatch(
            pixels: pixels, towerStride: range.count * imagePixels, targets: targets, examples: range.count,
            positions: .validation(first: range.lowerBound))
    }
}
