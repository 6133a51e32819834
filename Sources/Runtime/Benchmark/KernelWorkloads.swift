// The kernels by themselves, each over one microbatch of eight examples, in the shapes of an architecture. Memory stays in the
// caches, as it does in a step of the seed architecture; what a step costs beyond its kernels shows in the other workloads.
internal import Coordination
internal import Evaluation
internal import Kernels
internal import ModelCore

/// The ceiling: `cores` threads, each in chains of its own.
func peakWorkload(cores: Int) -> Workload {
    let chains = (0..<cores).map { _ in LaneNoise(peakChains) }
    // Less than a microsecond: any sample is a whole number of runs.
    let rounds = 256
    return Workload(.peak(cores: cores), Work(operations: cores * rounds * peakOperationsPerRound)) { times in
        forEachTask(cores, threads: cores) { task, _ in
            fusedMultiplyAddPeak(rounds: rounds * times, factor: 0.999, addend: 0.001, chains: chains[task].start)
        }
    }
}

/// All kernels of a network's encoder.
func kernelWorkloads(_ network: NetworkDescription) -> [Workload] {
    let (architecture, towers) = (network.architecture, network.kind.towers)
    let count = OperationCount(architecture, latentDimensions: network.latentDimensions)
    let images = towers * laneCount
    let convolutions = architecture.shapes
    var workloads: [Workload] = []
    for (index, shape) in convolutions.enumerated() {
        let bench = ConvolutionBench(
            architecture: architecture, name: "convolution \(index + 1)", shape: shape, towers: towers,
            product: Work(images: images, operations: images * count.layers[index]))
        workloads += [bench.forward, bench.pool, bench.weightGradient] + (index > 0 ? [bench.dataGradient] : [])
    }
    var inputs = architecture.flatWidth
    for (index, outputs) in (architecture.denseWidths + [network.latentDimensions]).enumerated() {
        let bench = DenseBench(
            architecture: architecture, name: "dense \(index + 1)", inputs: inputs, outputs: outputs, towers: towers,
            product: Work(images: images, operations: images * count.layers[index + convolutions.count]))
        workloads += [bench.forward, bench.weightGradient, bench.dataGradient]
        inputs = outputs
    }
    let parameters = ParameterLayout(network).paddedCount
    return workloads + [gradientSumWorkload(architecture, parameters), adamWorkload(architecture, parameters)]
}

/// Kernels of one convolution block.
private struct ConvolutionBench {
    let architecture: Architecture
    let name: String
    let shape: ConvolutionShape
    let towers: Int
    /// Of any of the three products.
    let product: Work
    private let input: LaneNoise
    private let pooled: [LaneNoise]
    private let pooledGradient: LaneNoise
    private let gradient: LaneNoise
    private let inputGradient: LaneNoise
    private let sums: LaneNoise
    private let weights: ParameterBuffer
    private let weightGradients: ParameterBuffer

    init(architecture: Architecture, name: String, shape: ConvolutionShape, towers: Int, product: Work) {
        self.architecture = architecture
        self.name = name
        self.shape = shape
        self.towers = towers
        self.product = product
        input = LaneNoise(towers * shape.inputCount)
        pooled = (0..<3).map { _ in LaneNoise(towers * shape.pooledCount) }
        pooled[2].becomeWinners()
        pooledGradient = LaneNoise(towers * shape.pooledCount)
        gradient = LaneNoise(towers * shape.outputCount)
        inputGradient = LaneNoise(towers * shape.inputCount)
        sums = LaneNoise(shape.outputChannels + 1)
        weights = noise(shape.weightCount)
        weightGradients = noise(shape.weightCount)
    }

    private func outputs(of tower: Int) -> PooledOutputs {
        let at = tower * shape.pooledCount
        return PooledOutputs(
            activation: pooled[0].start + at, preactivation: pooled[1].start + at, winner: pooled[2].start + at)
    }

    /// Convolution, PReLU and pooling, which are one kernel. Weights stand in for the biases.
    var forward: Workload {
        Workload(.kernel("\(name) forward", architecture), product) {
            for tower in 0..<towers {
                convolutionForward(
                    shape, input: input.start + tower * shape.inputCount, weights: weights.floats,
                    bias: weights.floats, slope: 0.25, into: outputs(of: tower))
            }
        }
    }

    /// Three vectors read and four written per pooling window.
    var pool: Workload {
        Workload(
            .kernel("\(name) pool backward", architecture),
            Work(images: product.images, bytes: towers * 7 * shape.pooledCount * MemoryLayout<Lanes>.size)
        ) {
            for tower in 0..<towers {
                poolBackward(
                    shape, gradient: pooledGradient.start + tower * shape.pooledCount, outputs: outputs(of: tower),
                    slope: 0.25, convolutionGradient: gradient.start + tower * shape.outputCount,
                    biasGradient: sums.start, slopeGradient: sums.start + shape.outputChannels)
            }
        }
    }

    var weightGradient: Workload {
        Workload(.kernel("\(name) weight gradient", architecture), product) {
            convolutionWeightGradient(
                shape, towers: towers, gradient: gradient.start, input: input.start,
                weightGradient: weightGradients.floats)
        }
    }

    var dataGradient: Workload {
        Workload(.kernel("\(name) data gradient", architecture), product) {
            for tower in 0..<towers {
                convolutionDataGradient(
                    shape, gradient: gradient.start + tower * shape.outputCount, weights: weights.floats,
                    inputGradient: inputGradient.start + tower * shape.inputCount)
            }
        }
    }
}

/// Kernels of one dense layer.
private struct DenseBench {
    let architecture: Architecture
    let name: String
    let inputs: Int
    let outputs: Int
    let towers: Int
    let product: Work
    private let input: LaneNoise
    private let output: LaneNoise
    private let weights: ParameterBuffer
    private let weightGradients: ParameterBuffer

    init(architecture: Architecture, name: String, inputs: Int, outputs: Int, towers: Int, product: Work) {
        self.architecture = architecture
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.towers = towers
        self.product = product
        input = LaneNoise(towers * inputs)
        output = LaneNoise(towers * outputs)
        weights = noise(inputs * outputs)
        weightGradients = noise(inputs * outputs)
    }

    /// Weights stand in for the biases.
    var forward: Workload {
        Workload(.kernel("\(name) forward", architecture), product) {
            denseForward(
                inputs: inputs, outputs: outputs, towers: towers, x: input.start, weights: weights.floats,
                bias: weights.floats, y: output.start)
        }
    }

    /// With the transposition of the input that it needs.
    var weightGradient: Workload {
        let panels = LaneNoise(towers * inputs)
        return Workload(.kernel("\(name) weight gradient", architecture), product) {
            transposeToPanels(units: inputs, towers: towers, from: input.start, to: panels.start)
            denseWeightGradient(
                inputs: inputs, outputs: outputs, towers: towers, gradient: output.start,
                panels: panels.start, weightGradient: weightGradients.floats)
        }
    }

    var dataGradient: Workload {
        Workload(.kernel("\(name) data gradient", architecture), product) {
            denseDataGradient(
                inputs: inputs, outputs: outputs, towers: towers, gradient: output.start, weights: weights.floats,
                inputGradient: input.start)
        }
    }
}

/// The sum of two gradients: two read, one written.
private func gradientSumWorkload(_ architecture: Architecture, _ count: Int) -> Workload {
    let (sum, other) = (GradientBuffer(count: count), GradientBuffer(count: count))
    for position in 0..<count { other.values[position] = 0x1p-20 }
    return Workload(.kernel("gradient sum", architecture), Work(bytes: 3 * 4 * count)) { sum.add(other) }
}

/// One step of Adam: four buffers read, three written.
private func adamWorkload(_ architecture: Architecture, _ count: Int) -> Workload {
    let (parameters, gradient) = (noise(count), noise(count))
    let (firstMoment, secondMoment) = (ParameterBuffer(count: count), ParameterBuffer(count: count))
    let step = AdamStep(
        firstMomentRate: 0.1, secondMomentDecay: 0.999, secondMomentRate: 0.001, epsilon: 1e-8, stepSize: 1e-7,
        secondMomentCorrection: 1, exampleCount: 8)
    return Workload(.kernel("Adam", architecture), Work(bytes: 7 * 4 * count)) {
        adamUpdate(
            count: count, step, gradientSum: gradient.floats, parameters: parameters.floats,
            newParameters: parameters.floats, firstMoment: firstMoment.floats, secondMoment: secondMoment.floats)
    }
}
