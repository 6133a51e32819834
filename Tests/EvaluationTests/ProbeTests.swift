// The linear probe against scikit-learn's logistic regression, and its independence of threads.
import Artifacts
import Evaluation
import ModelCore
import TestKit
import Testing

@Suite struct ProbeTests {
    @Test func theMinimumIsScikitLearns() throws {
        let content = try fixture("probe.json")
        let training = try content.embeddings("training", "labels")
        let probe = LinearProbe(trainedOn: training, threads: 2)
        #expect(probe.hasConverged)
        #expect(probe.classes == [0, 1, 3, 7])
        #expect(isNear(probe.objective, content["objective"]?.number, 1e-6))
        let values = try content.numbers("other").map(Float.init)
        let other = Embeddings(dimensions: 3, values: values, labels: .init(repeating: 0, count: values.count / 3))
        #expect(probe.predictions(other) == (try content.labels("predictions")))
        #expect(LinearProbe(trainedOn: training, threads: 1) == probe)
    }

    @Test func moreVectorsThanATaskAndNoBitOfDifference() {
        var random = SplitMix64(seed: 5)
        let data = gridEmbeddings(count: 2001, dimensions: 5, classes: 10, side: 30, &random)
        let one = LinearProbe(trainedOn: data, threads: 1)
        #expect(one == LinearProbe(trainedOn: data, threads: 3))
        // Labels are random: better than guessing, and not by much.
        let right = zip(one.predictions(data), data.labels).count { $0 == $1 }
        #expect((150...500).contains(right))
        #expect(one.objective < 2.3026)
    }

    @Test func degenerateTrainingSets() {
        let one = Embeddings(dimensions: 2, values: [1, 2, 1, 2, 1, 2], labels: [4, 4, 4])
        #expect(LinearProbe(trainedOn: one, threads: 1).predictions(one) == [4, 4, 4])
        // A dimension that does not vary, and one that is no number in a vector: an answer, not a trap.
        let broken = Embeddings(dimensions: 2, values: [1, 2, 1, .nan, 1, 3], labels: [0, 1, 0])
        #expect(LinearProbe(trainedOn: broken, threads: 1).predictions(broken).count == 3)
    }
}
