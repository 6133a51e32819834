// Which class was taken for which, and the figures that are read off that.

/// Counts by true class (row) and predicted class (column), of the classes that occur.
package struct ConfusionMatrix: Equatable, Sendable {
    /// Ascending; row and column i are `classes[i]`.
    package let classes: [UInt8]
    /// [true][predicted]
    package private(set) var counts: [[Int]]

    /// A pair without a prediction is not counted.
    package init(labels: [UInt8], predictions: [UInt8?]) {
        precondition(labels.count == predictions.count, "a prediction for each label")
        var places = [Int?](repeating: nil, count: 256)
        for label in labels { places[Int(label)] = 0 }
        for label in predictions.compactMap(\.self) { places[Int(label)] = 0 }
        classes = (0...UInt8.max).filter { places[Int($0)] != nil }
        for (index, label) in classes.enumerated() { places[Int(label)] = index }
        counts = Array(repeating: Array(repeating: 0, count: classes.count), count: classes.count)
        for (label, prediction) in zip(labels, predictions) {
            guard let prediction, let row = places[Int(label)], let column = places[Int(prediction)] else { continue }
            counts[row][column] += 1
        }
    }

    /// Predictions counted.
    package var total: Int { counts.reduce(0) { $0 + $1.reduce(0, +) } }

    /// Share on the diagonal; 0 of nothing.
    package var accuracy: Double {
        total > 0 ? Double(classes.indices.reduce(0) { $0 + counts[$1][$1] }) / Double(total) : 0
    }

    /// Of what was predicted to be `classes[index]`, the share that is; nil if nothing was.
    package func precision(_ index: Int) -> Double? {
        ratio(counts[index][index], counts.reduce(0) { $0 + $1[index] })
    }

    /// Of what is `classes[index]`, the share that was predicted to be; nil if nothing is.
    package func recall(_ index: Int) -> Double? { ratio(counts[index][index], counts[index].reduce(0, +)) }

    private func ratio(_ part: Int, _ whole: Int) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
}
