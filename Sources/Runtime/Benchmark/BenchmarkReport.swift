// What a benchmark found: measurements, the rates that follow from them, and whether they can be trusted. Pure; how it looks is
// in BenchmarkTable and BenchmarkJSON.
package import Artifacts
package import ModelCore

/// One measured subject.
package struct Measurement: Equatable, Sendable {
    package let subject: Subject
    /// Of one run.
    package let work: Work
    /// Of one run.
    package let time: Summary

    package init(_ subject: Subject, _ work: Work, _ time: Summary) {
        self.subject = subject
        self.work = work
        self.time = time
    }

    package var imagesPerSecond: Double { Double(work.images) / time.median }
    package var operationsPerSecond: Double { Double(work.operations) / time.median }
    package var bytesPerSecond: Double { Double(work.bytes) / time.median }
}

/// Everything a run of the benchmark found.
package struct BenchmarkReport: Equatable, Sendable {
    /// `Machine.json`.
    package let machine: JSONValue
    /// The network of kernels and steps.
    package let stepNetwork: NetworkKind
    package let rounds: Int
    package let seconds: Double
    package let measurements: [Measurement]
    /// What would have taken too long.
    package let leftOut: [Subject]

    package init(
        machine: JSONValue, stepNetwork: NetworkKind, rounds: Int, seconds: Double, measurements: [Measurement],
        leftOut: [Subject] = []
    ) {
        self.machine = machine
        self.stepNetwork = stepNetwork
        self.rounds = rounds
        self.seconds = seconds
        self.measurements = measurements
        self.leftOut = leftOut
    }

    package func measurement(of subject: Subject) -> Measurement? { measurements.first { $0.subject == subject } }

    /// A rate as a part of one core's peak; nil for what does no counted arithmetic.
    package func fractionOfPeak(_ measurement: Measurement) -> Double? {
        guard measurement.work.operations > 0, let peak = self.measurement(of: .peak(cores: 1)) else { return nil }
        return measurement.operationsPerSecond / peak.operationsPerSecond
    }

    /// How much faster than one thread; nil for what is not spread over threads.
    package func speedUp(_ measurement: Measurement) -> Double? {
        guard case .threads(let network, let architecture, _) = measurement.subject,
            let single = self.measurement(of: .threads(network, architecture, threads: 1))
        else { return nil }
        return single.time.median / measurement.time.median
    }
}

// MARK: - Noise

extension BenchmarkReport {
    /// Repeats that disagree by more than this are not worth a third digit.
    package static let tolerance = 0.05
    /// One measurement in so many may disagree by chance.
    private static let fewNoisy = 10

    package func isNoisy(_ measurement: Measurement) -> Bool { measurement.time.spread > Self.tolerance }

    /// Sentences for the user; none if all is well.
    package var warnings: [String] {
        var warnings: [String] = []
        let noisy = measurements.filter(isNoisy)
        let isPeakNoisy = noisy.contains { if case .peak = $0.subject { true } else { false } }
        if isPeakNoisy || noisy.count * Self.fewNoisy > measurements.count {
            let worst = noisy.map(\.time.spread).max() ?? 0
            warnings.append(
                "this machine is noisy: \(noisy.count) of \(measurements.count) measurements spread by more than "
                    + "\(decimal(Self.tolerance * 100, places: 0)) %, one by \(decimal(worst * 100, places: 0)) %. "
                    + "End other programs and measure again")
        }
        if !leftOut.isEmpty {
            let names = leftOut.map(\.description).joined(separator: ", ")
            warnings.append("left out, for want of time (--seconds): \(names)")
        }
        return warnings
    }
}
