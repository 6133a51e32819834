// Batches of P classes with K images each, and datasets without some of their classes.
import Datasets
import ModelCore
import Storage
import Testing

@Suite struct BalancedBatchTests {
    /// Ten classes, ten images of each.
    static let labels = (0..<100).map { UInt8($0 * 7 % 10) }

    private func sampler(
        _ classes: Int, _ samples: Int, of labels: [UInt8] = labels, seed: UInt64 = 42
    ) throws -> Sampler {
        try Sampler(
            kind: .labelled, labels: labels, seed: seed, balance: BatchBalance(classes: classes, samples: samples))
    }

    /// How many images of each class.
    private func counts(_ batch: ExampleIndices) -> [Int32: Int] {
        Dictionary(batch.targets.map { ($0, 1) }, uniquingKeysWith: +)
    }

    @Test(arguments: [(1, 1), (1, 10), (2, 5), (3, 4), (10, 2), (10, 10), (4, 7)])
    func everyBatchHasSoManyClassesWithSoManyImages(classes: Int, samples: Int) throws {
        let size = classes * samples
        for seed in 0..<20 as Range<UInt64> {
            let epoch = try sampler(classes, samples, seed: seed).epoch(Int(seed % 3))
            #expect(epoch.count == 100, "an epoch is as long as without")
            for batch in 0..<100 / size {
                let examples = epoch.batch(positions: batch * size..<(batch + 1) * size)
                let counts = counts(examples)
                let isBalanced = counts.count == classes && counts.values.allSatisfy { $0 == samples }
                #expect(isBalanced, "seed \(seed): \(counts)")
                #expect(examples.images.count == 1 && Set(examples.images[0]).count == size, "seed \(seed): repeated")
                #expect(examples.targets == examples.images[0].map { Int32(Self.labels[Int($0)]) })
            }
        }
    }

    /// Classes of two and of five images where six are asked for.
    @Test(arguments: 0..<20 as Range<UInt64>) func aSmallClassRepeatsItsImagesEvenly(seed: UInt64) throws {
        let labels: [UInt8] = [3, 8, 3, 8, 8, 8, 8]
        let images = try sampler(2, 6, of: labels, seed: seed).epoch(0).batch(positions: 0..<12 - 5).images[0]
        // The last batch of this epoch is short: six of the first class, and one of the other.
        #expect(images.count == 7)
        let first = images.prefix(6)
        #expect(Set(first.map { labels[Int($0)] }).count == 1, "seed \(seed)")
        let times = Dictionary(first.map { ($0, 1) }, uniquingKeysWith: +)
        let members = labels.count { $0 == labels[Int(first[0])] }
        #expect(times.count == members, "seed \(seed): every image of the class")
        #expect((times.values.max() ?? 0) - (times.values.min() ?? 0) <= 1, "seed \(seed): \(times)")
        #expect(labels[Int(images[6])] != labels[Int(first[0])], "seed \(seed)")
    }

    @Test(arguments: 1...11) func theLastBatchMayBeShort(count: Int) throws {
        let sampler = try sampler(3, 4)
        // Eight batches of twelve, and what is left of a hundred images: four; and any other cut of a batch.
        let epoch = sampler.epoch(1)
        let whole = epoch.batch(positions: 84..<96)
        let short = epoch.batch(positions: 84..<84 + count)
        #expect(short.count == count && Set(short.images[0]).count == count)
        let counts = counts(short)
        #expect(counts.count == (count + 3) / 4 && counts.values.allSatisfy { $0 <= 4 })
        #expect(Array(short.targets.prefix(count / 4 * 4)) == Array(whole.targets.prefix(count / 4 * 4)))
        #expect(epoch.batch(positions: 96..<100).count == 4)
    }

    /// Classes of very different sizes come equally often, and so does every image of a class.
    @Test func classesAndTheirImagesAreUniform() throws {
        let sizes = [3, 5, 20, 40]
        let labels = sizes.enumerated().flatMap { [UInt8](repeating: UInt8($0.offset), count: $0.element) }
        let sampler = try sampler(2, 3, of: labels, seed: 5)
        var (classes, images) = ([Double](repeating: 0, count: 4), [Double](repeating: 0, count: labels.count))
        let epochs = 300
        for number in 0..<epochs {
            let epoch = sampler.epoch(number)
            for batch in 0..<10 {
                let examples = epoch.batch(positions: batch * 6..<batch * 6 + 6)
                for image in examples.images[0] { images[Int(image)] += 1 }
                for label in Set(examples.targets) { classes[Int(label)] += 1 }
            }
        }
        let expected = Double(epochs * 10) / 2
        for count in classes { #expect(abs(count - expected) <= 5 * expected.squareRoot(), "\(classes)") }
        for (image, count) in images.enumerated() {
            let expected = classes[Int(labels[image])] * 3 / Double(sizes[Int(labels[image])])
            #expect(abs(count - expected) <= 5 * expected.squareRoot(), "image \(image): \(count), not \(expected)")
        }
    }

    @Test func aBatchIsAFunctionOfSeedEpochAndNumber() throws {
        let sampler = try sampler(3, 4)
        let third = sampler.epoch(2).batch(positions: 24..<36)
        let again = try self.sampler(3, 4).epoch(2)
        // Nobody has drawn the batches before it.
        #expect(again.batch(positions: 24..<36) == third)
        #expect(again.batch(positions: 12..<24) != third)
        #expect(sampler.epoch(3).batch(positions: 24..<36) != third)
        #expect(try self.sampler(3, 4, seed: 43).epoch(2).batch(positions: 24..<36) != third)
    }

    @Test func validationIsNotBalanced() throws {
        #expect(try sampler(3, 4).validation().batch(positions: 0..<100).images == [Array(0..<100)])
    }

    @Test func refusesMoreClassesThanThereAre() throws {
        _ = try sampler(10, 1)
        #expect(throws: SamplerError.tooFewClasses(wanted: 11, available: 10)) { try sampler(11, 1) }
        #expect(throws: SamplerError.tooFewClasses(wanted: 2, available: 1)) { try sampler(2, 1, of: [4, 4]) }
        let sentence = "\(SamplerError.tooFewClasses(wanted: 11, available: 10))"
        for word in ["--classes 11", "10 classes", "at most 10"] { #expect(sentence.contains(word), "\(sentence)") }
    }
}

@Suite struct ExcludedClassesTests {
    private let sample = SampleDataset(seed: 7)

    private var dataset: Dataset {
        Dataset(
            name: .fashionMNIST, train: sample.train, test: sample.test, digest: SHA256.digest(of: [1]), origin: "here",
            notes: ["a note"])
    }

    @Test func theOtherImagesStayInTheirOrder() {
        let kept = dataset.excluding([0, 7, 8])
        for (kept, whole) in [(kept.train, sample.train), (kept.test, sample.test)] {
            let indices = whole.labels.indices.filter { ![0, 7, 8].contains(whole.labels[$0]) }
            #expect(indices.count == whole.count * 7 / 10)
            #expect(kept.labels == indices.map { whole.labels[$0] })
            #expect(kept.pixels == indices.flatMap { whole.pixels[$0 * 784..<($0 + 1) * 784] })
        }
        // The files' digest stays.
        #expect(kept.digest == dataset.digest && kept.origin == "here" && kept.notes == ["a note"])
    }

    @Test func noneAndAll() {
        #expect(dataset.excluding([]).train.pixels == sample.train.pixels)
        #expect(dataset.excluding([11]).test.labels == sample.test.labels, "a class that is not there")
        let empty = dataset.excluding(Set(0...9))
        #expect(empty.train.count == 0 && empty.test.count == 0 && empty.train.pixels.isEmpty)
    }
}
