// The four files that make a dataset, and a value for each of them.

/// The four files of a dataset; raw values are their published names.
package enum DatasetFile: String, CaseIterable, Sendable {
    case trainImages = "train-images-idx3-ubyte"
    case trainLabels = "train-labels-idx1-ubyte"
    case testImages = "t10k-images-idx3-ubyte"
    case testLabels = "t10k-labels-idx1-ubyte"

    var kind: IDXKind {
        switch self {
        case .trainImages, .testImages: .images
        case .trainLabels, .testLabels: .labels
        }
    }
}

/// Something for each of the four files: a path, a checksum, a content.
package struct FourFiles<Value> {
    package var trainImages: Value
    package var trainLabels: Value
    package var testImages: Value
    package var testLabels: Value

    package init(trainImages: Value, trainLabels: Value, testImages: Value, testLabels: Value) {
        self.trainImages = trainImages
        self.trainLabels = trainLabels
        self.testImages = testImages
        self.testLabels = testLabels
    }

    /// Makes the values in the order of `DatasetFile`, and stops at the first that cannot be made.
    package init<Failure: Error>(_ make: (DatasetFile) throws(Failure) -> Value) throws(Failure) {
        trainImages = try make(.trainImages)
        trainLabels = try make(.trainLabels)
        testImages = try make(.testImages)
        testLabels = try make(.testLabels)
    }

    package subscript(file: DatasetFile) -> Value {
        switch file {
        case .trainImages: trainImages
        case .trainLabels: trainLabels
        case .testImages: testImages
        case .testLabels: testLabels
        }
    }
}

extension FourFiles: Sendable where Value: Sendable {}
