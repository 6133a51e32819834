// Latent vectors with their classes: what an encoder makes of labelled images. Pictures are drawn of them in Artifacts, and measures
// taken in Evaluation.

/// `count` latent vectors of `dimensions` numbers each and the class of each.
package struct Embeddings: Equatable, Sendable {
    package let dimensions: Int
    /// [vector][dimension]
    package let values: [Float]
    /// [vector]
    package let labels: [UInt8]

    package var count: Int { labels.count }

    package init(dimensions: Int, values: [Float], labels: [UInt8]) {
        precondition(dimensions > 0 && values.count == labels.count * dimensions, "\(values.count) values")
        self.dimensions = dimensions
        self.values = values
        self.labels = labels
    }

    package subscript(index: Int) -> ArraySlice<Float> { values[index * dimensions..<(index + 1) * dimensions] }
}
