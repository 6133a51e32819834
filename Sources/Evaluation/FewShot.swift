// Can a class be known from a few examples? Episodes as in Vinyals et al., "Matching networks for one shot learning" (2016):
// N classes ("ways"), of each a few images that are shown ("shots") and some that are asked for.
package import ModelCore

/// What is asked of each episode.
package struct FewShotTask: Equatable, Sendable {
    package var ways: Int
    package var shots: Int
    /// Images asked for, of each class; fewer of a class that has not so many.
    package var queries = 15
    package var episodes = 1000
    package var seed: UInt64 = 0

    package init(ways: Int, shots: Int) {
        self.ways = ways
        self.shots = shots
    }
}

/// Accuracy over all episodes.
package struct FewShotScore: Equatable, Sendable {
    /// Mean of the episodes' accuracies.
    package let accuracy: Double
    /// Half the width of a 95 % confidence interval for the mean: 1.96·s/√episodes.
    package let margin: Double
}

/// The classes that may be drawn: those with more vectors than are shown.
package func classesForEpisodes(_ embeddings: Embeddings, shots: Int) -> [UInt8] {
    let counts = embeddings.classCounts
    return embeddings.classes.filter { counts[Int($0)] > shots }
}

/// Every query goes to the class with the nearest prototype, the mean of its shown vectors (Snell et al. 2017, equation 1); of
/// equally near ones to that which was drawn first. Draws are a function of seed and episode.
/// - Precondition: at least `ways` classes are `classesForEpisodes`
package func fewShotAccuracy(
    _ embeddings: Embeddings, _ task: FewShotTask, distance: Distance, threads: Int
) -> FewShotScore {
    let vectors = distance.prepared(embeddings)
    let classes = classesForEpisodes(embeddings, shots: task.shots)
    precondition(classes.count >= task.ways && task.ways > 0 && task.episodes > 0, "\(classes.count) classes")
    let members = classes.map { label in vectors.labels.indices.filter { vectors.labels[$0] == label } }
    var accuracies = [Double](repeating: 0, count: task.episodes)
    accuracies.withUnsafeMutableBufferPointer { accuracies in
        forEachTask(task.episodes, threads: threads) { episode, _ in
            var draw = Draws(stream: RandomStream(seed: task.seed, name: .fewShot), position: episode)
            let drawn = draw.distinct(task.ways, below: members.count).map { members[$0] }
            accuracies[episode] = accuracy(vectors, task, drawn, distance, &draw)
        }
    }
    let mean = accuracies.reduce(0, +) / Double(task.episodes)
    let squares = accuracies.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = task.episodes > 1 ? (squares / Double(task.episodes - 1)).squareRoot() : 0
    return FewShotScore(accuracy: mean, margin: 1.96 * deviation / Double(task.episodes).squareRoot())
}

/// One episode with these classes' members.
private func accuracy(
    _ vectors: Embeddings, _ task: FewShotTask, _ classes: [[Int]], _ distance: Distance, _ draw: inout Draws
) -> Double {
    let chosen = classes.map { members in
        draw.distinct(task.shots + min(task.queries, members.count - task.shots), below: members.count)
            .map { members[$0] }
    }
    let prototypes = chosen.map { prototype(of: $0.prefix(task.shots), vectors, distance) }
    var (right, asked) = (0, 0)
    for (way, members) in chosen.enumerated() {
        for query in members.dropFirst(task.shots) {
            let squares = prototypes.map { square(vectors[query], $0) }
            var best = 0
            for other in 1..<squares.count where squares[other] < squares[best] { best = other }
            right += best == way ? 1 : 0
            asked += 1
        }
    }
    return Double(right) / Double(asked)
}

private func prototype(of shown: ArraySlice<Int>, _ vectors: Embeddings, _ distance: Distance) -> [Float] {
    var sum = [Float](repeating: 0, count: vectors.dimensions)
    for vector in shown {
        for (k, value) in vectors[vector].enumerated() { sum[k] += value }
    }
    let mean = sum.map { $0 / Float(shown.count) }
    return distance.prepared(Embeddings(dimensions: mean.count, values: mean, labels: [0])).values
}

private func square(_ a: ArraySlice<Float>, _ b: [Float]) -> Float {
    var sum: Float = 0
    for (x, y) in zip(a, b) { sum = sum.addingProduct(x - y, x - y) }
    return sum
}

/// The random numbers of one episode, one after the other.
private struct Draws {
    let stream: RandomStream
    let position: Int
    var next = 0

    /// `count` different numbers below `bound`, in random order (Floyd's algorithm would need a shuffle after it).
    mutating func distinct(_ count: Int, below bound: Int) -> [Int] {
        var moved: [Int: Int] = [:]
        return (0..<count).map { place in
            let other = place + stream.integer(at: position, draw: next, below: bound - place)
            next += 1
            defer { moved[other] = moved[place] ?? place }
            return moved[other] ?? other
        }
    }
}
