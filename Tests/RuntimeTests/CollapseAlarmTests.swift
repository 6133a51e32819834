// The warning that a latent space has collapsed: when it comes, when it does not, and what it advises.
import Artifacts
import ModelCore
import Runtime
import Testing

@Suite struct CollapseAlarmTests {
    private func alarm(_ kind: NetworkKind, margin: Float = 1, _ options: InBatchOptions = InBatchOptions())
        -> CollapseAlarm
    {
        CollapseAlarm(NetworkDescription(kind: kind, margin: margin, inBatch: options))
    }

    private func health(positive: Double?, negative: Double?, active: Int = 50) -> MetricsHealth {
        MetricsHealth(tuples: 50, active: active, positiveDistance: positive, negativeDistance: negative, norm: 1)
    }

    private var collapsed: MetricsHealth { health(positive: 1e-4, negative: 2e-4) }
    private var healthy: MetricsHealth { health(positive: 0.3, negative: 1.2) }

    @Test func warnsOnceAfterSoManyLinesInARow() {
        var alarm = alarm(.onlineTriplet)
        let warnings = (1...3 * CollapseAlarm.patience).map { _ in alarm.look(at: collapsed, loss: 1) }
        for (index, warning) in warnings.enumerated() {
            #expect((warning != nil) == (index == CollapseAlarm.patience - 1), "line \(index + 1)")
        }
    }

    @Test func aHealthyLineBeginsTheCountAnew() {
        var alarm = alarm(.onlineTriplet)
        for _ in 0..<4 {
            for _ in 1..<CollapseAlarm.patience { #expect(alarm.look(at: collapsed, loss: 1) == nil) }
            #expect(alarm.look(at: healthy, loss: 0.5) == nil)
        }
        for _ in 1..<CollapseAlarm.patience { #expect(alarm.look(at: collapsed, loss: 1) == nil) }
        #expect(alarm.look(at: collapsed, loss: 1) != nil)
    }

    @Test func linesWithoutHealthDoNotCount() {
        var alarm = alarm(.onlineTriplet)
        for _ in 0..<3 * CollapseAlarm.patience { #expect(alarm.look(at: nil, loss: 1) == nil) }
        for _ in 1..<CollapseAlarm.patience { #expect(alarm.look(at: collapsed, loss: 1) == nil) }
        #expect(alarm.look(at: nil, loss: 1) == nil)
        #expect(alarm.look(at: collapsed, loss: 1) != nil)
    }

    /// Whether there is a warning after a long time.
    private func warns(_ alarm: CollapseAlarm, _ health: MetricsHealth, loss: Double = 1) -> String? {
        var alarm = alarm
        return (0..<CollapseAlarm.patience).reduce(nil) { found, _ in alarm.look(at: health, loss: loss) ?? found }
    }

    @Test func bothDistancesMustBeNearlyNothingOfTheMargin() {
        let alarm = alarm(.onlineContrastive, margin: 2)
        #expect(warns(alarm, health(positive: 0.019, negative: 0.0199)) != nil)
        #expect(warns(alarm, health(positive: 0.019, negative: 0.021)) == nil)
        #expect(warns(alarm, health(positive: 0, negative: 1)) == nil, "classes on a point each are what is wanted")
        // A batch of one class, or of one image each.
        #expect(warns(alarm, health(positive: 0.001, negative: nil)) != nil)
        #expect(warns(alarm, health(positive: nil, negative: 0.5)) == nil)
        // Without a margin distances are compared with 1.
        #expect(warns(self.alarm(.ntXent, margin: 100), health(positive: 0.5, negative: 0.6)) == nil)
        #expect(warns(self.alarm(.ntXent, margin: 100), health(positive: 0.005, negative: 0.006)) != nil)
    }

    @Test func itNamesTheDistancesAndTheRemedies() throws {
        let hard = try #require(warns(alarm(.onlineTriplet, InBatchOptions(selector: .hardest)), collapsed))
        for word in ["collapsed", "0.0001", "0.0002", "--selector semi-hard", "--lr", "--batch-size", "--normalize"] {
            #expect(hard.contains(word), "\(word): \(hard)")
        }
        let unit = InBatchOptions(selector: .semiHard, isNormalized: true)
        let soft = try #require(warns(alarm(.onlineTriplet, unit), collapsed))
        #expect(!soft.contains("--selector") && !soft.contains("--normalize") && soft.contains("--lr"), "\(soft)")
    }

    /// Of the triplets of one round only the loss is known.
    @Test func aTripletLossAtTheMarginIsSuspected() throws {
        let alarm = alarm(.triplet, margin: 0.5)
        let all = MetricsHealth(tuples: 32, active: 32)
        #expect(try #require(warns(alarm, all, loss: 0.501)).contains("the loss stands at the margin"))
        #expect(warns(alarm, all, loss: 0.49) == nil)
        #expect(warns(alarm, all, loss: .nan) == nil)
        #expect(warns(alarm, MetricsHealth(tuples: 32, active: 31), loss: 0.5) == nil)
        #expect(warns(alarm, MetricsHealth(tuples: 0, active: 0), loss: 0.5) == nil)
        // The contrastive loss is nowhere special when all is on a point.
        #expect(warns(self.alarm(.siameseContrastive, margin: 0.5), all, loss: 0.5) == nil)
    }
}
