// The linear probe: how well a linear classifier does on frozen latent vectors (Alain & Bengio, "Understanding intermediate
// layers using linear classifier probes", 2016). Multinomial logistic regression, to its minimum; no random numbers.
internal import Kernels
package import ModelCore

/// A trained probe.
package struct LinearProbe: Equatable, Sendable {
    /// Classes of the training vectors, ascending.
    package let classes: [UInt8]
    let dimensions: Int
    /// [class][dimension, then the intercept], for standardized vectors.
    let weights: [Double]
    let standard: Standardization
    /// Mean cross-entropy and penalty at the end.
    package let objective: Double
    /// Evaluations of the objective.
    package let evaluations: Int
    /// Whether the gradient vanished (to 10⁻⁵) before the evaluations ran out.
    package let hasConverged: Bool

    /// Minimizes the mean cross-entropy + |W|²/(2·C·n) with C = 1 and without the intercepts: scikit-learn's LogisticRegression
    /// at its defaults on vectors that were brought to mean 0 and variance 1.
    package init(trainedOn embeddings: Embeddings, evaluationLimit: Int = 500, threads: Int) {
        classes = embeddings.classes
        dimensions = embeddings.dimensions
        standard = Standardization(of: embeddings)
        let problem = SoftmaxProblem(standard.applied(to: embeddings), classes: classes, threads: threads)
        let minimum = minimize(
            from: [Double](repeating: 0, count: classes.count * (dimensions + 1)), tolerance: 1e-5,
            limit: evaluationLimit, problem.evaluate)
        weights = minimum.point
        objective = minimum.value
        evaluations = minimum.evaluations
        hasConverged = minimum.hasConverged
    }

    /// The most likely class of each vector; of equally likely ones the lowest.
    package func predictions(_ embeddings: Embeddings) -> [UInt8] {
        precondition(embeddings.dimensions == dimensions, "another latent space")
        let vectors = standard.applied(to: embeddings)
        return (0..<vectors.count).map { index in
            let x = vectors[index]
            var best = (place: 0, score: -Double.infinity)
            for place in classes.indices {
                let row = weights[place * (dimensions + 1)..<(place + 1) * (dimensions + 1)]
                let score = zip(x, row).reduce(row[row.endIndex - 1]) { $0 + Double($1.0) * $1.1 }
                if score > best.score { best = (place, score) }
            }
            return classes[best.place]
        }
    }
}

/// Brings each dimension to mean 0 and variance 1; a dimension that does not vary to 0.
struct Standardization: Equatable, Sendable {
    let means: [Double]
    /// 1/σ; 1 where σ is 0.
    let scales: [Double]

    init(of embeddings: Embeddings) {
        let (count, dimensions) = (Double(max(embeddings.count, 1)), embeddings.dimensions)
        var means = [Double](repeating: 0, count: dimensions)
        var squares = means
        for index in 0..<embeddings.count {
            for (k, value) in embeddings[index].enumerated() { means[k] += Double(value) }
        }
        for k in 0..<dimensions { means[k] /= count }
        for index in 0..<embeddings.count {
            for (k, value) in embeddings[index].enumerated() {
                squares[k] += (Double(value) - means[k]) * (Double(value) - means[k])
            }
        }
        self.means = means
        scales = squares.map { $0 > 0 ? 1 / ($0 / count).squareRoot() : 1 }
    }

    func applied(to embeddings: Embeddings) -> Embeddings {
        var values = embeddings.values
        for first in stride(from: 0, to: values.count, by: means.count) {
            for k in 0..<means.count { values[first + k] = Float((Double(values[first + k]) - means[k]) * scales[k]) }
        }
        return Embeddings(dimensions: embeddings.dimensions, values: values, labels: embeddings.labels)
    }
}

/// Mean cross-entropy of a linear classifier and its gradient. Eight vectors in the lanes; sums of a task in single precision, over
/// tasks in double and in order, so that the number of threads does not change a bit.
private final class SoftmaxProblem {
    private let panels: VectorPanels
    /// Place of each vector's class.
    private let targets: [Int]
    private let classes: Int
    private let dimensions: Int
    private let threads: Int
    private var workspaces: [SoftmaxWorkspace]

    private static let blocksPerTask = 64

    init(_ vectors: Embeddings, classes labels: [UInt8], threads: Int) {
        panels = VectorPanels(vectors)
        var places = [Int](repeating: 0, count: 256)
        for (place, label) in labels.enumerated() { places[Int(label)] = place }
        targets = vectors.labels.map { places[Int($0)] }
        classes = labels.count
        dimensions = vectors.dimensions
        self.threads = max(threads, 1)
        workspaces = (0..<max(threads, 1)).map { [classes, dimensions] _ in SoftmaxWorkspace(classes, dimensions) }
    }

    /// Value and gradient at [class][dimension, then the intercept].
    func evaluate(_ weights: [Double]) -> (value: Double, gradient: [Double]) {
        let floats = weights.map(Float.init)
        let tasks = (panels.blocks + Self.blocksPerTask - 1) / Self.blocksPerTask
        let size = weights.count
        var losses = [Double](repeating: 0, count: tasks)
        var gradients = [Float](repeating: 0, count: tasks * size)
        losses.withUnsafeMutableBufferPointer { losses in
            gradients.withUnsafeMutableBufferPointer { gradients in
                floats.withUnsafeBufferPointer { floats in
                    forEachTask(tasks, threads: threads) { task, thread in
                        let first = task * Self.blocksPerTask
                        let blocks = first..<min(first + Self.blocksPerTask, panels.blocks)
                        let workspace = workspaces[thread]
                        workspace.clear()
                        losses[task] = blocks.reduce(0.0) { $0 + loss(of: $1, floats, workspace) }
                        for index in 0..<size {
                            gradients[task * size + index] = horizontalSum(workspace.gradient[index])
                        }
                    }
                }
            }
        }
        let count = Double(max(panels.count, 1))
        var value = losses.reduce(0, +) / count
        var gradient = [Double](repeating: 0, count: size)
        for task in 0..<tasks {
            for index in 0..<size { gradient[index] += Double(gradients[task * size + index]) }
        }
        for index in 0..<size {
            gradient[index] /= count
            guard index % (dimensions + 1) < dimensions else { continue }
            value += weights[index] * weights[index] / (2 * count)
            gradient[index] += weights[index] / count
        }
        return (value, gradient)
    }

    /// The summed loss of a block's vectors; adds their gradient to the workspace's.
    private func loss(of block: Int, _ weights: UnsafeBufferPointer<Float>, _ workspace: SoftmaxWorkspace) -> Double {
        let (width, x, scores) = (dimensions + 1, panels.lanes + block * dimensions, workspace.scores)
        var greatest = Lanes(repeating: -.greatestFiniteMagnitude)
        for c in 0..<classes {
            var sum = Lanes(repeating: weights[c * width + dimensions])
            for k in 0..<dimensions { sum = sum.addingProduct(Lanes(repeating: weights[c * width + k]), x[k]) }
            scores[c] = sum
            greatest.replace(with: sum, where: sum .> greatest)
        }
        let present = min(laneCount, panels.count - block * laneCount)
        // [class][lane], as single numbers.
        let score = UnsafeMutableRawPointer(scores).assumingMemoryBound(to: Float.self)
        var loss = 0.0
        for lane in 0..<present {
            loss += Double(greatest[lane] - score[targets[block * laneCount + lane] * laneCount + lane])
        }
        var total = Lanes.zero
        for c in 0..<classes {
            scores[c] = exponential(ofNonPositive: scores[c] - greatest)
            total += scores[c]
        }
        for lane in 0..<present { loss += logarithm(Double(total[lane])) }
        var inverse = Lanes(repeating: 1) / total
        for lane in present..<laneCount { inverse[lane] = 0 }
        for c in 0..<classes { scores[c] *= inverse }
        for lane in 0..<present { score[targets[block * laneCount + lane] * laneCount + lane] -= 1 }
        for c in 0..<classes {
            let error = scores[c]
            let gradient = workspace.gradient + c * width
            for k in 0..<dimensions { gradient[k] = gradient[k].addingProduct(error, x[k]) }
            gradient[dimensions] += error
        }
        return loss
    }
}

/// Memory of a thread.
private final class SoftmaxWorkspace {
    /// [class][lane]
    let scores: UnsafeMutablePointer<Lanes>
    /// [class][dimension, then the intercept][lane]
    let gradient: UnsafeMutablePointer<Lanes>
    private let size: Int

    init(_ classes: Int, _ dimensions: Int) {
        size = classes * (dimensions + 1)
        scores = .allocate(capacity: max(classes, 1))
        scores.initialize(repeating: .zero, count: max(classes, 1))
        gradient = .allocate(capacity: max(size, 1))
        gradient.initialize(repeating: .zero, count: max(size, 1))
    }

    deinit {
        scores.deallocate()
        gradient.deallocate()
    }

    func clear() { gradient.update(repeating: .zero, count: size) }
}
