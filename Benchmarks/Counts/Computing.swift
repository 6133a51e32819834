// Allocations of the computing parts: a microbatch, a shard, the optimizer.
import Benchmark
import Coordination
import ExchangeParts
import ModelCore
import Runtime

/// Examples in the memory layout of a shard.
private struct Noise {
    let pixels: [UInt8]
    let targets: [Int32]

    init(_ network: NetworkDescription, examples: Int) {
        pixels = (0..<network.kind.towers * examples * imagePixels).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        targets = (0..<examples).map { Int32($0 % 2) }
    }

    func withShard(_ body: (ShardExamples) -> Void) {
        pixels.withUnsafeBufferPointer { pixels in
            targets.withUnsafeBufferPointer { targets in
                guard let pixels = pixels.baseAddress, let targets = targets.baseAddress else { return }
                body(ShardExamples(pixels: pixels, targets: targets))
            }
        }
    }
}

func countGradient(_ network: NetworkDescription) {
    countAllocations("\(network.architecture) gradient of a microbatch") {
        let computer = MicrobatchGradient(network)
        let noise = Noise(network, examples: microbatchSize)
        let parameters = computer.layout.initialParameters(seed: 1)
        let gradient = ParameterBuffer(count: computer.layout.paddedCount)
        return {
            noise.pixels.withUnsafeBufferPointer { pixels in
                noise.targets.withUnsafeBufferPointer { targets in
                    guard let pixels = pixels.baseAddress, let targets = targets.baseAddress else { return }
                    let microbatch = Microbatch(
                        pixels: pixels, towerStride: microbatchSize * imagePixels, targets: targets,
                        examples: microbatchSize)
                    blackHole(computer.gradient(of: microbatch, at: parameters.floats, into: gradient.floats))
                }
            }
        }
    }
}

func countShard(_ network: NetworkDescription, examples: Int) {
    countAllocations("\(network.architecture) shard of \(examples)") {
        let computer = ShardComputer(network, threads: 1)
        let noise = Noise(network, examples: examples)
        let parameters = ParameterLayout(network).initialParameters(seed: 1)
        let extent = StepExtent(examples: examples, examplesPerMicrobatch: microbatchSize)
        let lease = ShardLease(
            run: .none, step: 1, shard: 0, lease: 1, range: MicrobatchRange(first: 0, count: extent.microbatches),
            extent: extent, imagesPerExample: network.kind.towers)
        return {
            noise.withShard { examples in
                for partial in computer.compute(lease, examples, weights: parameters.floats, between: { _ in }) {
                    computer.recycle(partial.gradient)
                }
            }
        }
    }
}

func countAdam(_ network: NetworkDescription) {
    countAllocations("\(network.architecture) Adam") {
        let parameters = ParameterLayout(network).initialParameters(seed: 1)
        let gradient = ParameterBuffer(count: parameters.count)
        var adam = Adam(parameterCount: parameters.count)
        return {
            adam.update(
                parameters, to: parameters, gradientSum: gradient.floats, exampleCount: 32, learningRate: 1e-9)
        }
    }
}

/// A whole step of `--workers 0` without sampling: coordinator, codec, worker, kernels, tree, all on one thread.
func countStepInProcess(_ network: NetworkDescription, examples: Int) {
    countAllocations("\(network.architecture) step of \(examples) in one process") {
        let build = BuildIdentity.ofThisBuild()
        let shell = CoordinatorShell(
            link: try InProcessLink(build: build, threads: 1, signals: nil), network: network, build: build
        ) { _ in }
        try shell.awaitWorkers(1, until: .max)
        let job = try FixedJob(network, examples: examples)
        var step: UInt64 = 0
        return {
            step += 1
            try job.takeStep(step, shell)
        }
    }
}
