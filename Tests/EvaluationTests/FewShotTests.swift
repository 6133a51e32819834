// Classification from a few examples: what must come out where the answer is known.
import Evaluation
import ModelCore
import TestKit
import Testing

@Suite struct FewShotTests {
    private func heaps(_ spread: Int, _ random: inout SplitMix64) -> Embeddings {
        let labels = (0..<400).map { UInt8($0 % 10) }
        let values = labels.flatMap { label -> [Float] in
            let (x, y) = (Float(random.below(spread)), Float(random.below(spread)))
            return [Float(label) * 100 + x, Float(label) * -100 + y]
        }
        return Embeddings(dimensions: 2, values: values, labels: labels)
    }

    @Test func separateHeapsAreKnownFromOneExample() {
        var random = SplitMix64(seed: 1)
        let data = heaps(20, &random)
        for distance in [Distance.euclidean, .squared] {
            let score = fewShotAccuracy(data, FewShotTask(ways: 5, shots: 1), distance: distance, threads: 2)
            #expect(score.accuracy == 1 && score.margin == 0)
        }
    }

    @Test func whereVectorsTellNothingItIsGuessing() {
        var random = SplitMix64(seed: 2)
        let data = gridEmbeddings(count: 600, dimensions: 3, classes: 10, side: 1000, &random)
        var task = FewShotTask(ways: 4, shots: 5)
        task.episodes = 400
        let score = fewShotAccuracy(data, task, distance: .euclidean, threads: 1)
        #expect(abs(score.accuracy - 0.25) < 3 * score.margin)
        #expect(fewShotAccuracy(data, task, distance: .euclidean, threads: 3) == score)
        task.seed = 1
        #expect(fewShotAccuracy(data, task, distance: .euclidean, threads: 1) != score)
    }

    /// All in one place: every query goes to the class that was drawn first, which is right for one in `ways`.
    @Test func tiesGoToTheClassThatWasDrawnFirst() {
        let data = Embeddings(
            dimensions: 1, values: .init(repeating: 2, count: 90), labels: (0..<90).map { UInt8($0 % 3) })
        let score = fewShotAccuracy(data, FewShotTask(ways: 3, shots: 2), distance: .cosine, threads: 1)
        #expect(isNear(score.accuracy, 1.0 / 3) && score.margin < 1e-9)
    }

    @Test func classesWithoutAQueryAreNotDrawn() {
        let data = Embeddings(dimensions: 1, values: [0, 1, 2, 3, 4, 5], labels: [0, 0, 0, 1, 1, 2])
        #expect(classesForEpisodes(data, shots: 1) == [0, 1])
        #expect(classesForEpisodes(data, shots: 2) == [0])
        #expect(fewShotAccuracy(data, FewShotTask(ways: 2, shots: 1), distance: .euclidean, threads: 1).accuracy > 0.4)
    }
}
