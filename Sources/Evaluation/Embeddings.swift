// What measures want to know of latent vectors, and how far apart two of them are said to be.
package import ModelCore

extension Embeddings {
    /// The classes that have vectors, ascending.
    package var classes: [UInt8] {
        var present = [Bool](repeating: false, count: 256)
        for label in labels { present[Int(label)] = true }
        return (0...UInt8.max).filter { present[Int($0)] }
    }

    /// Vectors of each class, 256 entries.
    package var classCounts: [Int] {
        var counts = [Int](repeating: 0, count: 256)
        for label in labels { counts[Int(label)] += 1 }
        return counts
    }

    /// Only those of the classes given, in order.
    package func restricted(to classes: Set<UInt8>) -> Embeddings {
        let kept = labels.indices.filter { classes.contains(labels[$0]) }
        return Embeddings(
            dimensions: dimensions, values: kept.flatMap { self[$0] }, labels: kept.map { labels[$0] })
    }

    /// How many vectors have a NaN or an infinity.
    package var notFinite: Int {
        (0..<count).count { index in !self[index].allSatisfy(\.isFinite) }
    }

    /// The same directions with length 1; zeros stay zeros.
    package var normalized: Embeddings {
        var values = values
        for first in stride(from: 0, to: values.count, by: dimensions) {
            let square = values[first..<first + dimensions].reduce(0.0) { $0 + Double($1) * Double($1) }
            guard square > 0 else { continue }
            let scale = 1 / square.squareRoot()
            for index in first..<first + dimensions { values[index] = Float(Double(values[index]) * scale) }
        }
        return Embeddings(dimensions: dimensions, values: values, labels: labels)
    }
}

/// What counts as the distance of two latent vectors.
///
/// All three order by a squared Euclidean distance, of the vectors as they are or of their directions: `euclidean` and `squared`
/// order alike, before any root is taken that might make two distances equal.
/// The cosine distance is computed as half the squared distance of the directions. A vector of zeros has no direction; it counts as
/// half a unit away from all that have one.
package typealias Distance = LatentDistance

extension LatentDistance {
    /// The vectors whose squared distances give the order.
    package func prepared(_ embeddings: Embeddings) -> Embeddings {
        self == .cosine ? embeddings.normalized : embeddings
    }

    /// The distance that belongs to a squared distance of prepared vectors.
    package func value(ofSquared square: Float) -> Float {
        switch self {
        case .euclidean: square.squareRoot()
        case .squared: square
        case .cosine: square / 2
        }
    }
}
