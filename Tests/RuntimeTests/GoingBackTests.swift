// Steps that turn out to be wrong are unmade: weights, optimizer, losses, animation and metrics.jsonl end as if they had never been,
// and no checkpoint of them is left for a restart to find.
import Coordination
import ModelCore
import Runtime
import Storage
import Testing

@Suite struct GoingBackTests {
    /// Steps from `first` on are spoilt, until at `noticed` somebody finds out.
    struct Trouble: CustomTestStringConvertible, Sendable {
        let first: Int
        let noticed: Int
        var testDescription: String { "spoilt from \(first), noticed at \(noticed)" }
    }

    @Test(
        arguments: [
            // Back to the previous checkpoint, the newest, the very beginning (twice), and over the end of an epoch.
            Trouble(first: 12, noticed: 19), Trouble(first: 18, noticed: 19), Trouble(first: 3, noticed: 19),
            // And to nothing but the step itself.
            Trouble(first: 1, noticed: 1), Trouble(first: 19, noticed: 19), Trouble(first: 8, noticed: 32),
            Trouble(first: 16, noticed: 17),
        ], [NetworkKind.siameseContrastive, .ntXent])
    func whatWasWrongLeavesNoTrace(trouble: Trouble, kind: NetworkKind) throws {
        let undisturbed = try TrainingFixture(kind)
        let expected = try undisturbed.train(with: WatchedSource(undisturbed.configuration.network))

        let fixture = try TrainingFixture(kind)
        let source = try WatchedSource(fixture.configuration.network)
        var (isSpoilt, isBack) = (true, false)
        source.onSum = { step, sum in
            if isSpoilt, step == trouble.noticed {
                isSpoilt = false
                source.quarantined = ["the broken one"]
                throw GoBack(before: trouble.first, reason: "a worker computes wrongly")
            }
            if isSpoilt, step >= trouble.first { sum.gradient.values[0] += 1 }
            guard !isSpoilt, !isBack else { return }
            isBack = true
            #expect(step <= trouble.first)
            // A process that is killed now and started again must not go on from a spoilt checkpoint.
            let state = try fixture.stateOnDisk()
            #expect((state?.step ?? 0) < trouble.first)
            // Nor let the one in that did it.
            #expect(state?.ledger.quarantined == source.quarantined)
        }
        let found = try fixture.train(with: source)
        #expect(isBack)
        let isSame = found.checkpoint == expected.checkpoint
        #expect(isSame, "the last checkpoints differ")
        #expect(found.metrics == expected.metrics)
        #expect(found.metrics.count == 32 / 3 + 1 + 4)
    }

    @Test func thisSpoilingWouldShow() throws {
        let undisturbed = try TrainingFixture()
        let expected = try undisturbed.train(with: WatchedSource(undisturbed.configuration.network))
        let fixture = try TrainingFixture()
        let source = try WatchedSource(fixture.configuration.network)
        source.onSum = { step, sum in if step == 18 { sum.gradient.values[0] += 1 } }
        let isSame = try fixture.train(with: source).checkpoint == expected.checkpoint
        #expect(!isSame)
    }
}
