// Minimizing a smooth convex function: L-BFGS (Liu & Nocedal 1989) with steps that are halved until they are good enough
// (Armijo 1966). Double precision, no random numbers.

/// Where a minimization ended.
struct Minimum {
    var point: [Double]
    var value: Double
    /// How often the function was evaluated.
    var evaluations: Int
    var hasConverged: Bool
}

/// - Parameters:
///   - tolerance: of the greatest component of the gradient
///   - limit: evaluations
func minimize(
    from start: [Double], tolerance: Double, limit: Int, _ function: ([Double]) -> (value: Double, gradient: [Double])
) -> Minimum {
    var (value, gradient) = function(start)
    var result = Minimum(point: start, value: value, evaluations: 1, hasConverged: false)
    var memory = CurvatureMemory()
    while result.evaluations < limit {
        if gradient.allSatisfy({ abs($0) <= tolerance }) {
            result.hasConverged = true
            break
        }
        let direction = memory.direction(gradient)
        let slope = dot(direction, gradient)
        // The first direction is the bare gradient, whose length says nothing about the way.
        var step = memory.isEmpty ? min(1, 1 / dot(gradient, gradient).squareRoot()) : 1
        var next: (value: Double, gradient: [Double], point: [Double])?
        while next == nil, result.evaluations < limit, step > 1e-12 {
            let point = zip(result.point, direction).map { $0 + step * $1 }
            let found = function(point)
            result.evaluations += 1
            if found.value <= value + 1e-4 * step * slope { next = (found.value, found.gradient, point) }
            step /= 2
        }
        // No step is better any more: as near as rounding lets it.
        guard let next else { break }
        memory.add(step: subtract(next.point, result.point), change: subtract(next.gradient, gradient))
        (value, gradient, result.point) = next
        result.value = value
    }
    return result
}

/// The last steps and how the gradient changed along each.
private struct CurvatureMemory {
    private static let length = 10
    private var pairs: [(step: [Double], change: [Double], inverse: Double)] = []

    var isEmpty: Bool { pairs.isEmpty }

    mutating func add(step: [Double], change: [Double]) {
        let product = dot(step, change)
        guard product > 1e-300 else { return }
        pairs.append((step, change, 1 / product))
        if pairs.count > Self.length { pairs.removeFirst() }
    }

    /// −H·gradient by the two-loop recursion.
    func direction(_ gradient: [Double]) -> [Double] {
        var q = gradient
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = dot(pair.step, q) * pair.inverse
            factors.append(factor)
            for index in q.indices { q[index] -= factor * pair.change[index] }
        }
        if let last = pairs.last {
            let scale = 1 / (last.inverse * dot(last.change, last.change))
            for index in q.indices { q[index] *= scale }
        }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            let correction = factor - dot(pair.change, q) * pair.inverse
            for index in q.indices { q[index] += correction * pair.step[index] }
        }
        return q.map { -$0 }
    }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

private func subtract(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 - $1 } }
