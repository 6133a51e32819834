// Which images make an example. Everything here is a pure function of (labels, seed, epoch, position); nothing holds
// generator state, so a resumed run needs only its step number. What is drawn when is part of the numerics version.
import ModelCore

/// What a network's loss looks at.
package enum ExampleKind: Sendable, CaseIterable {
    /// One image with its class.
    case labelled
    /// Two images of the same class or of different ones (Siamese networks).
    case pair
    /// Anchor, positive, negative.
    case triplet

    package var imagesPerExample: Int {
        switch self {
        case .labelled: 1
        case .pair: 2
        case .triplet: 3
        }
    }
}

/// The labels do not allow the examples that were asked for.
package enum SamplerError: Error, Hashable, Sendable, CustomStringConvertible {
    case noImages
    case oneClass(UInt8)
    case oneImage(class: UInt8, image: Int)
    case tooFewClasses(wanted: Int, available: Int)

    package var description: String {
        let remedy = "Use data with at least two images in each of at least two classes."
        return switch self {
        case .noImages: "there are no images to sample from. \(remedy)"
        case .oneClass(let label): "all images have class \(label), so none can be of a different class. \(remedy)"
        case .oneImage(let label, let image):
            "class \(label) has a single image (number \(image)), so it has no partner of its class. \(remedy)"
        case .tooFewClasses(let wanted, let available):
            "--classes \(wanted): the training set has images of \(available) classes. Name at most \(available), and a "
                + "--batch-size that fits."
        }
    }
}

/// The images of consecutive examples.
package struct ExampleIndices: Equatable, Sendable {
    /// [tower][example]: the anchors first, then the partners, or the positives and the negatives.
    package let images: [[Int32]]
    /// [example]: labelled and triplet: class of the anchor; pair: 1 for the same class, 0 for different ones.
    package let targets: [Int32]

    package var count: Int { targets.count }
}

/// Draws the examples of a set of labelled images.
package struct Sampler: Sendable {
    package let kind: ExampleKind
    private let labels: [UInt8]
    private let seed: UInt64
    private let classes: ClassIndex
    /// Nil: every image comes once in an epoch.
    private let balance: BatchBalance?

    /// - Throws: if some image could not get its partners. All later calls succeed.
    package init(
        kind: ExampleKind, labels: [UInt8], seed: UInt64, balance: BatchBalance? = nil
    ) throws(SamplerError) {
        let classes = ClassIndex(labels: labels)
        guard let first = labels.first else { throw .noImages }
        if kind != .labelled {
            guard classes.classes.count > 1 else { throw .oneClass(first) }
            for label in classes.classes {
                let members = classes.members(of: label)
                if members.count == 1 { throw .oneImage(class: label, image: Int(members[members.startIndex])) }
            }
        }
        if let balance, classes.classes.count < balance.classes {
            throw .tooFewClasses(wanted: balance.classes, available: classes.classes.count)
        }
        self.balance = balance
        self.kind = kind
        self.labels = labels
        self.seed = seed
        self.classes = classes
    }

    /// Examples of an epoch, one for each image.
    package var count: Int { labels.count }

    /// A training epoch: a new order and new partners each time. Takes a few milliseconds for 60,000 images.
    package func epoch(_ epoch: Int) -> EpochSampler {
        EpochSampler(
            kind: kind, order: shuffledOrder(count: count, seed: seed, epoch: epoch), labels: labels, classes: classes,
            partners: RandomStream(seed: seed, name: .partner, epoch: epoch),
            balance: balance.map { ($0, RandomStream(seed: seed, name: .balancedBatch, epoch: epoch)) })
    }

    /// The images in their own order with partners that are the same in every epoch, so that validation losses can be
    /// compared.
    package func validation() -> EpochSampler {
        EpochSampler(
            kind: kind, order: Array(0..<Int32(count)), labels: labels, classes: classes,
            partners: RandomStream(seed: seed, name: .validationPartner))
    }
}

/// The examples of one epoch.
package struct EpochSampler: Sendable {
    package let kind: ExampleKind
    /// Position → anchor.
    let order: [Int32]
    let labels: [UInt8]
    let classes: ClassIndex
    let partners: RandomStream
    /// Of batches that are drawn class by class.
    var balance: (plan: BatchBalance, stream: RandomStream)?

    package var count: Int { order.count }

    /// The examples at these positions of the epoch. Balanced ones come in whole batches.
    ///
    /// - Precondition: `positions` are within `0..<count`.
    package func batch(positions: Range<Int>) -> ExampleIndices {
        precondition(
            positions.lowerBound >= 0 && positions.upperBound <= count, "positions \(positions) of an epoch of \(count)"
        )
        let anchors = anchors(at: positions)
        switch kind {
        case .labelled:
            return ExampleIndices(images: [anchors], targets: classes(of: anchors))
        case .pair:
            return pairs(of: anchors, at: positions)
        case .triplet:
            let positives = zip(anchors, positions).map { positive(of: $0, at: $1) }
            let negatives = zip(anchors, positions).map { stranger(of: $0, at: $1) }
            return ExampleIndices(images: [anchors, positives, negatives], targets: classes(of: anchors))
        }
    }

    private func anchors(at positions: Range<Int>) -> [Int32] {
        guard let (plan, stream) = balance else { return Array(order[positions]) }
        let batch = positions.lowerBound / plan.batchSize
        return plan.images(ofBatch: batch, count: positions.count, classes, stream)
    }

    private func classes(of images: [Int32]) -> [Int32] {
        images.map { Int32(labels[Int($0)]) }
    }

    /// Draw 0 (words 0 and 1 of the position) decides the partner; the low bit of word 2 is the coin.
    private func pairs(of anchors: [Int32], at positions: Range<Int>) -> ExampleIndices {
        var (others, targets) = (anchors, anchors)
        for (index, position) in positions.enumerated() {
            let (anchor, words) = (anchors[index], partners.firstWords(at: position))
            let isSame = words.z & 1 == 1
            let count = isSame ? classes.peerCount(of: anchor) : classes.strangerCount(of: anchor)
            let k = RandomStream.integer(of: words, below: count)
            others[index] = isSame ? classes.peer(k, of: anchor) : classes.stranger(k, of: anchor)
            targets[index] = isSame ? 1 : 0
        }
        return ExampleIndices(images: [anchors, others], targets: targets)
    }

    private func positive(of anchor: Int32, at position: Int) -> Int32 {
        classes.peer(partners.integer(at: position, draw: 0, below: classes.peerCount(of: anchor)), of: anchor)
    }

    private func stranger(of anchor: Int32, at position: Int) -> Int32 {
        let count = classes.strangerCount(of: anchor)
        return classes.stranger(partners.integer(at: position, draw: 1, below: count), of: anchor)
    }
}
