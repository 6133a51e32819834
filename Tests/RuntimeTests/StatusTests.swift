// What is shown of a run: the document, the table, and which worker is called slow.
import Artifacts
import Coordination
import Runtime
import TestKit
import Testing

@Suite struct StatusTests {
    private let workers = [
        StatusFixture.worker("node1", speed: 5000, peer: 1), StatusFixture.worker("node2", speed: 4800, peer: 2),
        StatusFixture.worker("node3", speed: 1200, compute: 0.016, peer: 3),
    ]

    // MARK: The document

    @Test func theDocumentComesBackAsItWas() throws {
        let run = StatusFixture.run(workers)
        let bytes = run.json.compact()
        #expect(try RunStatus(json: JSONValue(parsing: bytes)) == run)
        let fresh = RunStatus(run: "1", network: "triplet", dataset: "MNIST", epochs: 1)
        #expect(try RunStatus(json: JSONValue(parsing: fresh.json.compact())) == fresh)
    }

    @Test func aDocumentThatLacksSomethingIsNone() throws {
        var json = StatusFixture.run(workers).json
        json["later"] = "a later build may tell more"
        #expect(RunStatus(json: json) != nil)
        for name in ["run", "phase", "step", "workers"] {
            var cut = json
            cut[name] = nil
            #expect(RunStatus(json: cut) == nil, "\(name)")
        }
        json["workers"] = [["name": "w"]]
        #expect(RunStatus(json: json) == nil)
    }

    /// What `MessageLimits.maximumReportBytes` counts on.
    @Test func aWorkerTakesLittleRoom() throws {
        var worker = StatusFixture.worker(String(repeating: "\"", count: 64), speed: 1.0 / 3, compute: .pi, wire: .pi)
        worker.key = String(repeating: "\"", count: 255)
        (worker.steps, worker.shards, worker.images) = (.max, .max, .max)
        (worker.late, worker.failures, worker.audits) = (.max, .max, .max)
        worker.traffic = Traffic(received: .max, sent: .max)
        let size = StatusFixture.run([worker]).json.compact().count
        #expect(size * 4096 < MessageLimits.maximumReportBytes)
    }

    // MARK: The table

    private func lines(width: Int, isColoured: Bool = false, _ workers: [WorkerStatus]? = nil) -> [String] {
        StatusTable(StatusFixture.run(workers ?? self.workers), width: width, isColoured: isColoured).text
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    @Test func theTableIsAligned() {
        #expect(
            lines(width: 80) == [
                "siamese-contrastive on MNIST, training",
                "epoch 1/10  step 1234/18750  loss 0.02134  35821 images/s  3 workers  up 93.5 s",
                "",
                "worker  state      images/s  share  compute    wait     wire  late   heard",
                "node3   computing      1200   25 %  16.0 ms  250 µs  1.00 ms     3  500 ms",
                "node2   computing      4800   25 %  4.00 ms  250 µs  1.00 ms     3  500 ms",
                "node1   computing      5000   25 %  4.00 ms  250 µs  1.00 ms     3  500 ms",
                "",
                "slow: node3 does 1200 images/s, the others 4800 in the median: an image takes",
                "64.0 µs (the others 16.0 µs) of computing and 4.00 µs (the others 4.00 µs) on",
                "the wire",
                "",
            ])
    }

    @Test(arguments: [1, 40, 60, 80, 100, 132, 200])
    func noLineIsWiderThanTheTerminal(width: Int) {
        let long = workers + [StatusFixture.worker(String(repeating: "n", count: 64), speed: 4000, peer: 4)]
        for line in lines(width: width, long) { #expect(line.count <= max(width, 40), "\(line)") }
    }

    @Test func aWiderTerminalShowsMore() {
        #expect(!lines(width: 80)[3].contains("audited"))
        let wide = lines(width: 250)[3]
        for title in ["steps", "failed", "audited", "in", "out", "threads", "pid", "key"] {
            #expect(wide.contains(title))
        }
    }

    @Test func coloursAreForTerminalsOnly() {
        #expect(!lines(width: 80).joined().contains("\u{1B}"))
        let coloured = lines(width: 80, isColoured: true)
        #expect(coloured[4].hasPrefix("\u{1B}[33mnode3") && coloured[4].hasSuffix("\u{1B}[0m"))
        #expect(coloured[5].hasPrefix("node2"))
    }

    /// The document comes from somebody else.
    @Test(arguments: [-1e300, -1, 1e-300, 1e300, .infinity, .nan])
    func noNumberIsTooMuch(value: Double) {
        var hostile = StatusFixture.worker("h", speed: value, compute: value, wire: value, peer: 4)
        (hostile.share, hostile.heardSecondsAgo) = (value, value)
        (hostile.traffic, hostile.late) = (Traffic(received: .max, sent: .min), .min)
        var run = StatusFixture.run(workers + [hostile])
        (run.loss, run.testLoss, run.imagesPerSecond, run.seconds) = (value, value, value, value)
        #expect(StatusTable(run, width: 500, isColoured: false).text.contains("h "))
        #expect(throws: Never.self) { try PrometheusSamples(parsing: MetricsText(run, age: value).text) }
    }

    @Test func nobodyIsThere() {
        #expect(lines(width: 80, []).contains("no worker is connected"))
    }

    @Test func workersOfOneNameAreToldApart() {
        let twins = [
            StatusFixture.worker("a", speed: 1, peer: 1, processID: 5),
            StatusFixture.worker("a", speed: 1, peer: 2, processID: 6),
            StatusFixture.worker("b", speed: 1, peer: 3, processID: 1),
            StatusFixture.worker("c", speed: 1, peer: 4, processID: 1),
            StatusFixture.worker("c", speed: 1, peer: 5, processID: 1),
        ]
        #expect(twins.labels == ["a/5", "a/6", "b", "c/1#4", "c/1#5"])
    }

    // MARK: Which one is slow

    @Test func theSlowestIsNamedIfTheOthersAreTwiceAsFast() {
        #expect(SlowWorker(among: workers)?.index == 2)
        let even = [StatusFixture.worker("a", speed: 1000), StatusFixture.worker("b", speed: 1999)]
        #expect(SlowWorker(among: even) == nil)
        let uneven = [StatusFixture.worker("a", speed: 1000), StatusFixture.worker("b", speed: 2001)]
        #expect(SlowWorker(among: uneven)?.index == 0)
    }

    @Test func whoIsAbsentIsSlowerThanAnybody() {
        var absent = StatusFixture.worker("node4", speed: 9000, activity: .stalled, peer: 4)
        absent.heardSecondsAgo = 3.25
        let slow = SlowWorker(among: workers + [absent])
        #expect(slow?.index == 3)
        #expect(
            slow?.sentence
                == "node4 is stalled: it was last heard of 3.25 s ago, and its late shard went to another (3 so far)")
        absent.activity = .silent
        #expect(SlowWorker(among: workers + [absent])?.sentence == "node4 is silent: it was last heard of 3.25 s ago")
    }

    @Test func oneAloneAndOneThatHasJustComeAreNotSlow() {
        #expect(SlowWorker(among: [workers[2]]) == nil)
        var new = workers[2]
        new.shards = 3
        #expect(SlowWorker(among: [workers[0], workers[1], new]) == nil)
        let unmeasured = StatusFixture.worker("new", speed: nil)
        #expect(SlowWorker(among: [workers[0], unmeasured]) == nil)
    }

    @Test func theUserIsToldOnceAMinuteAndNotAtTheBeginning() {
        var said: [UInt64] = []
        var now: UInt64 = 0
        var remark = SlowWorkerRemark(began: 0) { _ in said.append(now) }
        var run = StatusFixture.run(workers)
        for second in 0..<200 as Range<UInt64> {
            now = second * 1_000_000_000
            remark.consider(run, now: now)
        }
        #expect(said.map { $0 / 1_000_000_000 } == [10, 70, 130, 190])
        run.phase = .evaluating
        now += 100_000_000_000
        remark.consider(run, now: now)
        #expect(said.count == 4)
    }

    // MARK: Local runs

    @Test func runsAreFoundAmongTheSocketsOfTheMachine() {
        let list = """
            Num       RefCount Protocol Flags    Type St Inode Path
            0000000000000000: 00000002 00000000 00010000 0001 01 17383 /tmp/siamese-a1B2c3/socket
            0000000000000000: 00000003 00000000 00000000 0001 03 17384 /tmp/siamese-a1B2c3/socket
            0000000000000000: 00000002 00000000 00010000 0001 01 17385 /tmp/with space/siamese-zzzzzz/socket
            0000000000000000: 00000002 00000000 00010000 0001 01 17386 /run/other-abcdef/socket
            0000000000000000: 00000002 00000000 00010000 0001 01 17387 @/tmp/siamese-a1B2c4/socket
            0000000000000000: 00000002 00000000 00010000 0005 01 17388
            """
        #expect(localRunPaths(in: list) == ["/tmp/siamese-a1B2c3/socket", "/tmp/with space/siamese-zzzzzz/socket"])
    }
}
