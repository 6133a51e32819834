// Latent vectors with their classes: what the pictures of the latent space are made from. Not how they are drawn.

/// `count` latent vectors of `dimensions` numbers each and the class of each.
package struct LatentPoints: Sendable {
    package let dimensions: Int
    /// count × dimensions, row-major.
    package let values: [Float]
    /// Class of each vector: an index of the class names.
    package let labels: [UInt8]

    package var count: Int { labels.count }

    package init(dimensions: Int, values: [Float], labels: [UInt8]) {
        precondition(dimensions > 0 && values.count == labels.count * dimensions, "\(values.count) values")
        self.dimensions = dimensions
        self.values = values
        self.labels = labels
    }

    func vector(_ index: Int) -> ArraySlice<Float> {
        values[index * dimensions..<(index + 1) * dimensions]
    }
}

/// Names of the classes 0...9 of the datasets.
package enum ClassNames {
    package static let digits = (0...9).map(String.init)
    package static let fashion = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]
}
