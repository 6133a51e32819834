// Computes a shard: the microbatches of a lease on one or more threads, summed to the tree nodes the lease calls for. The result
// has the same bits for any number of threads: threads take whole subtrees, and the tree's shape is fixed.
package import Coordination
internal import Evaluation
internal import Glibc
package import ModelCore
internal import Synchronization

/// The memory of a shard's examples: pixels [image of the example][example][784], one target per example.
package struct ShardExamples {
    package let pixels: UnsafePointer<UInt8>
    package let targets: UnsafePointer<Int32>

    package init(pixels: UnsafePointer<UInt8>, targets: UnsafePointer<Int32>) {
        self.pixels = pixels
        self.targets = targets
    }
}

/// What the second round of a step knows from the first.
package struct SecondRound {
    /// Gradients of the latent vectors of the whole batch, [example][tower][dimension].
    let latentGradients: UnsafePointer<Float>
    /// The shard's passes, as far as they were kept.
    let passes: ShardPasses?

    package init(latentGradients: UnsafePointer<Float>, passes: ShardPasses?) {
        (self.latentGradients, self.passes) = (latentGradients, passes)
    }
}

/// All that the microbatches of a shard are computed from.
private struct ShardInputs {
    let network: NetworkDescription
    let lease: ShardLease
    let examples: ShardExamples
    let weights: UnsafePointer<Float>
    let round: SecondRound?

    func microbatch(_ index: Int) -> Microbatch {
        let position = (index - lease.range.first) * microbatchSize
        return Microbatch(
            pixels: examples.pixels + position * imagePixels, towerStride: lease.examples * imagePixels,
            targets: examples.targets + position, examples: min(microbatchSize, lease.examples - position),
            positions: .training(first: positionInRun(index)))
    }

    private func positionInRun(_ index: Int) -> Int {
        network.noise.position(step: lease.task.step(ofNumber: lease.step), example: index * microbatchSize)
    }

    func gradient(
        ofMicrobatch index: Int, _ computer: MicrobatchGradient, into gradient: UnsafeMutablePointer<Float>
    ) -> LossSums {
        guard let round else { return computer.gradient(of: microbatch(index), at: weights, into: gradient) }
        let first = index * microbatchSize
        let count = min(microbatchSize, lease.totalExamples - first)
        let pass = round.passes?[index] ?? computer
        if pass !== computer {
            pass.restore(microbatch(index), at: weights)
        } else {
            withUnsafeTemporaryAllocation(
                of: Float.self, capacity: count * network.kind.towers * network.latentDimensions
            ) { latents in
                guard let latents = latents.baseAddress else { return }
                computer.embed(microbatch(index), at: weights, into: latents)
            }
        }
        pass.gradient(
            ofLatents: round.latentGradients + first * network.kind.towers * network.latentDimensions,
            examples: count, at: weights, into: gradient)
        return LossSums(loss: 0, examples: count, active: 0)
    }
}

/// Gradient sums of shards of one network. Owns a workspace per thread; used by one thread at a time.
package final class ShardComputer {
    /// A subtree of at most so many microbatches is one thread's task: small enough to balance, large enough that adding
    /// up the tasks costs little.
    private static let largestTask = 8
    /// Tasks per thread whose sums are held at the same time.
    private static let tasksPerRound = 4
    /// Of all passes that wait for a second round.
    package static let passBytes = 512 << 20

    let network: NetworkDescription
    package let parameterCount: Int
    private let threads: Int
    private let computers: [MicrobatchGradient]
    private let threadPools: [BufferPool]
    private let pool: BufferPool
    private var passes: PassPool
    /// Of each thread.
    private let sharing: UnsafeMutablePointer<CoreSharing>

    package init(_ network: NetworkDescription, threads: Int, passBytes: Int = passBytes) {
        let count = ParameterLayout(network).paddedCount
        self.network = network
        self.threads = threads
        parameterCount = count
        computers = (0..<threads).map { _ in MicrobatchGradient(network) }
        threadPools = (0..<threads).map { _ in BufferPool(count: count) }
        pool = BufferPool(count: count)
        passes = PassPool(network, byteLimit: passBytes, threads: threads)
        sharing = .allocate(capacity: threads)
        sharing.initialize(repeating: CoreSharing(), count: threads)
    }

    deinit { sharing.deallocate() }

    /// The partial of each node of `lease.nodes`, in order. Hand the buffers back with `recycle`.
    ///
    /// - Parameters:
    ///   - weights: `parameterCount` floats
    ///   - round: what is known from a first round; nil: it is the only one
    ///   - between: called on this thread after each microbatch that it computes, with the number done so far; what it throws ends
    ///     the computation within a microbatch
    package func compute<Reason: Error>(
        _ lease: ShardLease, _ examples: ShardExamples, weights: UnsafePointer<Float>, round: SecondRound? = nil,
        between: (Int) throws(Reason) -> Void
    ) throws(Reason) -> [Partial] {
        let inputs = ShardInputs(
            network: network, lease: lease, examples: examples, weights: weights, round: round)
        var tree = ReductionTree(microbatches: lease.totalMicrobatches, pool: pool)
        let tasks = lease.nodes.flatMap { Self.tasks(in: $0, threads: threads) }
        let perRound = threads * Self.tasksPerRound
        let tally = Tally(caller: pthread_self())
        var reason: Reason?
        for start in stride(from: 0, to: tasks.count, by: perRound) {
            let tasksOfRound = Array(tasks[start..<min(start + perRound, tasks.count)])
            let partials = computeRound(tasksOfRound, inputs, tally) { done in
                do throws(Reason) { try between(done) } catch {
                    reason = error
                    tally.abandon()
                }
            }
            if let reason { throw reason }
            for (node, partial) in zip(tasksOfRound, partials) {
                let insertion = tree.insert(partial, at: node)
                precondition(
                    insertion == .stored || insertion == .completed, "task \(node) of \(lease.range): \(insertion)")
            }
        }
        return lease.nodes.map { node in
            guard let partial = tree.take(node) else {
                preconditionFailure("the tasks of \(lease.range) do not add up to \(node)")
            }
            return partial
        }
    }

    package func recycle(_ buffer: GradientBuffer) { pool.recycle(buffer) }

    /// The latent vectors of a shard's examples, [example][tower][dimension], for `latents`; and the passes that computed them, for
    /// the second round. Hand those back with `recycle`.
    ///
    /// - Parameter between: called on this thread after every few microbatches; what it throws ends the computation
    package func embed(
        _ lease: ShardLease, _ examples: ShardExamples, weights: UnsafePointer<Float>,
        into latents: UnsafeMutablePointer<Float>, between: (Int) throws -> Void
    ) throws -> ShardPasses {
        let inputs = ShardInputs(
            network: network, lease: lease, examples: examples, weights: weights, round: nil)
        let kept = passes.take(for: lease.range)
        let perMicrobatch = microbatchSize * network.kind.towers * network.latentDimensions
        do {
            let slice = threads * Self.tasksPerRound
            for first in stride(from: 0, to: lease.range.count, by: slice) {
                let count = min(slice, lease.range.count - first)
                nonisolated(unsafe) let (inputs, computers, sharing, latents) = (inputs, computers, sharing, latents)
                nonisolated(unsafe) let kept = kept
                forEachTask(count, threads: threads) { task, thread in
                    let index = lease.range.first + first + task
                    (kept[index] ?? computers[thread]).embed(
                        inputs.microbatch(index), at: weights, into: latents + (first + task) * perMicrobatch)
                    sharing[thread].stepAside()
                }
                try between(first + count)
            }
        } catch {
            passes.recycle(kept)
            throw error
        }
        return kept
    }

    package func recycle(_ passes: ShardPasses) { self.passes.recycle(passes) }

    /// Microbatches done by all threads, the thread that may tell, and whether anybody wants more.
    fileprivate final class Tally: Sendable {
        private let caller: pthread_t
        private let count = Atomic<Int>(0)
        private let abandoned = Atomic<Bool>(false)

        init(caller: pthread_t) { self.caller = caller }

        var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

        func abandon() { abandoned.store(true, ordering: .relaxed) }

        func noteMicrobatch(_ tell: (Int) -> Void) {
            let done = count.wrappingAdd(1, ordering: .relaxed).newValue
            if pthread_equal(pthread_self(), caller) != 0, !isAbandoned { tell(done) }
        }
    }

    /// Descendants of `node` that are small enough for a task, in index order.
    private static func tasks(in node: MicrobatchRange, threads: Int) -> [MicrobatchRange] {
        cut(node, limit: threads == 1 ? largestTask : min(largestTask, max(1, node.count / threads)))
    }

    private static func cut(_ node: MicrobatchRange, limit: Int) -> [MicrobatchRange] {
        guard node.count > limit, let (left, right) = node.children else { return [node] }
        return cut(left, limit: limit) + cut(right, limit: limit)
    }

    private func computeRound(
        _ nodes: [MicrobatchRange], _ inputs: ShardInputs, _ tally: Tally, tell: (Int) -> Void
    ) -> [Partial] {
        // A task's sum ends in the buffer of its first microbatch, so that one comes from the common pool and all
        // others return to the thread's own.
        let outputs = nodes.map { _ in pool.take() }
        var partials = [Partial?](repeating: nil, count: nodes.count)
        partials.withUnsafeMutableBufferPointer { partials in
            nonisolated(unsafe) let (partials, inputs) = (partials, inputs)
            nonisolated(unsafe) let (computers, threadPools, sharing) = (computers, threadPools, sharing)
            forEachTask(nodes.count, threads: threads) { task, thread in
                partials[task] = sum(
                    nodes[task], inputs, first: outputs[task], computers[thread], threadPools[thread],
                    &sharing[thread], tally, tell)
            }
        }
        return partials.compactMap { $0 }
    }
}

/// The sum over one task's microbatches, added as the tree adds them; nil if nobody wants it any more.
private func sum(
    _ node: MicrobatchRange, _ inputs: ShardInputs, first: GradientBuffer, _ computer: MicrobatchGradient,
    _ pool: BufferPool, _ sharing: inout CoreSharing,
    _ tally: ShardComputer.Tally, _ tell: (Int) -> Void
) -> Partial? {
    var accumulator = SubtreeAccumulator(node: node, pool: pool)
    for index in node.first..<node.end {
        guard !tally.isAbandoned else { return nil }
        let buffer = index == node.first ? first : pool.take()
        guard let gradient = buffer.values.baseAddress else { preconditionFailure("a gradient buffer has memory") }
        let sums = inputs.gradient(ofMicrobatch: index, computer, into: gradient)
        accumulator.add(
            Partial(
                gradient: buffer, lossSum: sums.loss, secondTermSum: sums.secondTerm,
                exampleCount: UInt32(sums.examples), activeCount: UInt32(sums.active)))
        tally.noteMicrobatch(tell)
        sharing.stepAside()
    }
    return tally.isAbandoned ? nil : accumulator.finish()
}
