// Images with labels, in memory. Where they came from is in `origin`; how they are drawn is the samplers' affair.
package import Storage

/// Images of 28×28 bytes and one label each.
package struct ImageSet: Sendable {
    /// Bytes of one image: 28 rows of 28 pixels, from the top left; 0 is background.
    package static let imageSize = IDXKind.side * IDXKind.side

    /// count × 784 bytes, image after image.
    package let pixels: [UInt8]
    /// count labels, 0–9.
    package let labels: [UInt8]

    package var count: Int { labels.count }

    package init(pixels: [UInt8], labels: [UInt8]) {
        precondition(
            pixels.count == labels.count * ImageSet.imageSize,
            "\(pixels.count) bytes are not \(labels.count) images of \(ImageSet.imageSize)")
        self.pixels = pixels
        self.labels = labels
    }

    /// The images of all other classes, in their order.
    package func excluding(_ classes: Set<UInt8>) -> ImageSet {
        let kept = labels.indices.filter { !classes.contains(labels[$0]) }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(kept.count * ImageSet.imageSize)
        for image in kept { pixels += self.pixels[image * ImageSet.imageSize..<(image + 1) * ImageSet.imageSize] }
        return ImageSet(pixels: pixels, labels: kept.map { labels[$0] })
    }
}

/// A dataset that has been found, decoded and checked.
package struct Dataset: Sendable {
    package let name: DatasetName
    package let train: ImageSet
    package let test: ImageSet
    /// SHA-256 of the four files' SHA-256 digests (32 bytes each, decompressed files, in the order of `DatasetFile`):
    /// the data's part in the identity of a run.
    package let digest: SHA256.Digest
    /// The folder it was read from.
    package let origin: String
    /// What the user should be told, one line each: a checksum that differs, a place passed over.
    package let notes: [String]

    package init(
        name: DatasetName, train: ImageSet, test: ImageSet, digest: SHA256.Digest, origin: String, notes: [String]
    ) {
        self.name = name
        self.train = train
        self.test = test
        self.digest = digest
        self.origin = origin
        self.notes = notes
    }

    /// Without the images of these classes, in training and test set. The digest stays: it is that of the files.
    package func excluding(_ classes: Set<UInt8>) -> Dataset {
        guard !classes.isEmpty else { return self }
        return Dataset(
            name: name, train: train.excluding(classes), test: test.excluding(classes), digest: digest, origin: origin,
            notes: notes)
    }
}
