// The files of a finished run, as `plot`, `compare` and `evaluate` read them.
import Artifacts
import ModelCore
import Runtime
import Storage

extension FuzzTarget {
    /// An input is one JSON object: run.json (`report`), what the checkpoint says of itself (`state`; none: there is no checkpoint), its
    /// `step` and `frames` (name, rows, columns), and the lines of metrics.jsonl (`metrics`). What is no JSON is taken for run.json.
    static let finishedRun = FuzzTarget(
        name: "finished-run", samples: runs,
        tokens: jsonTokens + ["\"report\"", "\"metrics\"", "\"0x7ff8000000000000\"", "1e300", "-1", "281474976710656"],
        json: { 0..<$0.count }
    ) { input, meter in
        let files = RunFiles(input)
        do {
            let limit = 8 * proportional(to: input) + 64 * (files.checkpoint?.count ?? 0)
            let past = try meter.hold(atMost: limit) {
                try FinishedRun(prefix: "runs/x-", report: files.report)
                    .past(checkpoint: files.checkpoint) { files.metrics }
            }
            let description = try RunDescription(path: "runs/x-run.json", report: files.report)
            try require(description.summary.utf8.count <= 300 + input.count, "a summary without end")
            try draw(past)
            return true
        } catch let error as RunFailure {
            try requireSentence(error, atMost: 600 + 4 * input.count)
            return false
        }
    }

    /// As `plot` does, only smaller.
    private static func draw(_ past: FinishedRun.Past) throws {
        var style = PictureStyle()
        (style.format, style.size) = (.svg, PictureSize(width: 480, height: 360))
        let losses = past.epochs.map {
            LossPlot.Epoch(number: $0.number, training: $0.trainLoss, validation: $0.testLoss)
        }
        let picture = try LossPlot(title: "loss", epochs: losses).encoded(style)
        try require(!picture.isEmpty, "no picture")
        for frame in past.frames { try require(frame.epoch >= 0, "a frame of epoch \(frame.epoch)") }
    }

    private static let runs: [[UInt8]] = {
        func report(_ network: String, _ steps: Int) -> String {
            #"{"configuration":{"network":"\#(network)","dataset":"MNIST","latent_dims":2,"architecture":"seed","margin":1.0,"#
                + #""exclude_classes":[7,8]},"steps":\#(steps),"model_sha256":"ab"}"#
        }
        let epochs = ["0x3fe0000000000000", "0x3fd0000000000000"].enumerated().map {
            #"{"number":\#($0 + 1),"train":"\#($1)","test":"\#($1)","train_second_term":null,"test_second_term":null}"#
        }
        let state =
            #"{"identity":{"NETWORK":"triplet"},"record":{"epochs":[\#(epochs.joined(separator: ","))],"loss_sum":"0x0","#
            + #""examples":0,"interval_loss_sum":"0x0","interval_examples":0,"metrics_length":90}}"#
        let lines = [
            #"{"step":0,"epoch":0,"split":"test","loss":2.5}"#,
            #"{"step":50,"epoch":1,"split":"train","loss":1.5,"tuples":90,"active_fraction":0.5,"positive_distance":0.1}"#,
            #"{"step":60,"epoch":1,"split":"test","loss":1.25,"reconstruction":1.0,"kl":0.25,"images_per_second":1000.5}"#,
        ].joined(separator: ",")
        return [
            #"{"report":\#(report("triplet", 60)),"metrics":[\#(lines)]}"#,
            #"{"report":\#(report("vae", 60)),"metrics":[\#(lines)]}"#,
            #"{"report":\#(report("triplet", 60)),"state":\#(state),"step":60,"frames":[["1",3,2]],"metrics":[\#(lines)]}"#,
        ].map { Array($0.utf8) }
    }()
}

/// The files that an input describes.
private struct RunFiles {
    var report: [UInt8]
    var checkpoint: [UInt8]?
    var metrics: [UInt8]?

    init(_ input: [UInt8]) {
        guard let files = try? JSONValue(parsing: input), let report = files["report"] else {
            report = input
            return
        }
        self.report = report.compact()
        metrics = files["metrics"]?.array.map { $0.flatMap { $0.compact() + [UInt8(ascii: "\n")] } }
        guard let state = files["state"] else { return }
        // No file has two tensors of one name.
        var names: Set<String> = []
        let frames = (files["frames"]?.array ?? []).compactMap { frame -> Safetensors.Tensor? in
            guard let parts = frame.array, parts.count == 3, let name = parts[0].string,
                let rows = parts[1].integer, let columns = parts[2].integer,
                (0...8).contains(rows), (0...8).contains(columns), names.insert(name).inserted
            else { return nil }
            return Safetensors.Tensor(
                name: "animation.epoch.\(name)", shape: [rows, columns],
                floats: [Float](repeating: 1, count: rows * columns))
        }
        checkpoint = Checkpoint(
            layout: [Checkpoint.Slice(name: "w", shape: [1])], parameters: [1], firstMoment: [0], secondMoment: [0],
            step: max(files["step"]?.integer ?? 0, 0), configuration: String(decoding: state.compact(), as: UTF8.self),
            datasetDigest: "d", numericsVersion: "1", attachments: frames
        ).encoded { "\(SHA256.digest(of: $0))" }
    }
}
