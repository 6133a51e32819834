// `--trace`: the file is a timeline that viewers of Chrome traces open, and the run is the same with and without it.
import Artifacts
import Testing

extension EndToEnd {
    @Suite struct StepTraces {
        private static let steps = 12
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private struct Span {
            let name: String
            let track: Int
            let begin: Double
            let end: Double
            let step: Int
        }

        /// Trains, and reads the trace back.
        private func spans(workers: Int) throws -> (spans: [Span], tracks: [String], digest: String) {
            let arguments = training(
                "siamese-contrastive", in: workspace, steps: Self.steps, "--workers", "\(workers)", "--trace",
                "\(workspace.path)/trace.json")
            let digest = try run(["train"] + arguments, in: workspace).modelDigest()
            let events = try #require(workspace.report("trace.json").array)
            let tracks = events.filter { $0["ph"]?.string == "M" }.compactMap { $0["args"]?["name"]?.string }
            let spans = try events.filter { $0["ph"]?.string == "X" }.map { event in
                let begin = try #require(event["ts"]?.number)
                return Span(
                    name: try #require(event["name"]?.string), track: try #require(event["pid"]?.integer), begin: begin,
                    end: begin + (try #require(event["dur"]?.number)),
                    step: try #require(event["args"]?["step"]?.integer))
            }
            return (spans, tracks, digest)
        }

        @Test(arguments: [0, 2]) func everyStepOfEverybodyIsThere(workers: Int) throws {
            let (spans, tracks, digest) = try spans(workers: workers)
            #expect(try digest == reference("siamese-contrastive", steps: Self.steps).model)
            #expect(tracks.first == "coordinator" && tracks.count == 1 + max(1, workers), "\(tracks)")
            for step in 1...Self.steps {
                let coordinator = spans.filter { $0.step == step && $0.track == 0 }.map(\.name)
                // The last step has no next one, but the time that it takes to see that is there.
                #expect(Set(coordinator) == ["sample", "send", "wait", "sum", "optimize"], "step \(step)")
                for track in 1..<tracks.count {
                    let worker = spans.filter { $0.step == step && $0.track == track }.map(\.name)
                    #expect(worker.filter { $0 != "wait" } == ["receive", "compute", "send"], "step \(step), \(track)")
                    #expect(worker.contains("wait") == (step > 1), "step \(step), \(track)")
                }
            }
            for track in 0..<tracks.count {
                let row = spans.filter { $0.track == track }.sorted { $0.begin < $1.begin }
                // Nanoseconds in microseconds with a fraction: equal ends may differ in the last digit.
                let overlapping = zip(row, row.dropFirst()).first { $0.end > $1.begin + 0.01 }
                #expect(overlapping == nil, "\(tracks[track])")
            }
        }

        @Test func aTraceThatCannotBeWrittenIsRefusedBeforeAnythingIs() throws {
            let arguments = training("triplet", in: workspace, steps: 2, "--trace", "/nowhere/trace.json")
            try expectRefusal(
                ["train"] + arguments, in: workspace, code: 73, naming: ["/nowhere/trace.json", "No such file"])
        }
    }
}
