// Rates, noise, table and JSON of a benchmark's report, from figures that are easy to check by hand.
import Artifacts
import ModelCore
import Runtime
import Testing

/// A measurement whose repeats all took `seconds`, or spread by `spread` around them.
private func measurement(
    _ subject: Subject, _ work: Work, seconds: Double, spread: Double = 0
) throws -> Measurement {
    let reach = seconds * spread
    let time = try #require(Summary([seconds - reach, seconds, seconds + reach]))
    return Measurement(subject, work, time)
}

private func report(peakSpread: Double = 0, leftOut: [Subject] = []) throws -> BenchmarkReport {
    let training = OperationCount(.seed).training
    let (kind, seed) = (NetworkKind.siameseContrastive, Architecture.seed)
    let product = Work(images: 16, operations: 2_000_000)
    return BenchmarkReport(
        machine: ["processor": "Abacus 9", "cores": 2], stepNetwork: kind, rounds: 7, seconds: 12.3,
        measurements: [
            try measurement(.peak(cores: 1), Work(operations: 100_000), seconds: 1e-6, spread: peakSpread),
            try measurement(.peak(cores: 2), Work(operations: 200_000), seconds: 1e-6),
            try measurement(.kernel("dense 1 forward", seed), product, seconds: 25e-6),
            try measurement(.kernel("Adam", seed), Work(bytes: 1_000_000), seconds: 50e-6),
            try measurement(.kernel("loss, triplet", nil), Work(images: 16), seconds: 1e-7),
            try measurement(.embedding(seed), Work(images: 8, operations: 4_000_000), seconds: 1e-4),
            try measurement(.training(kind, seed), Work(images: 16, operations: 16 * training), seconds: 3e-4),
            try measurement(
                .step(kind, seed, batchSize: 32), Work(images: 64, operations: 64 * training), seconds: 1e-3),
            try measurement(.threads(kind, seed, threads: 1), Work(images: 512), seconds: 0.01),
            try measurement(.threads(kind, seed, threads: 2), Work(images: 512), seconds: 0.005),
        ], leftOut: leftOut)
}

@Suite struct BenchmarkReportTests {
    @Test func ratesFollowFromTheMedian() throws {
        let report = try report()
        let kernel = try #require(report.measurement(of: .kernel("dense 1 forward", .seed)))
        #expect(abs(kernel.operationsPerSecond / 80e9 - 1) < 1e-12)
        #expect(abs(try #require(report.fractionOfPeak(kernel)) - 0.8) < 1e-12)
        #expect(report.speedUp(kernel) == nil)
        let adam = try #require(report.measurement(of: .kernel("Adam", .seed)))
        #expect(abs(adam.bytesPerSecond / 20e9 - 1) < 1e-12)
        #expect(report.fractionOfPeak(adam) == nil)
        let pair = try #require(report.measurement(of: .threads(.siameseContrastive, .seed, threads: 2)))
        #expect(report.speedUp(pair) == 2)
        #expect(abs(pair.imagesPerSecond - 102_400) < 1e-6)
    }

    @Test func theTableIsPlainColumns() throws {
        let table = try report().table
        let expected = """
            Abacus 9, 2 cores
            Medians of 7 rounds in 12 s. Spread: the middle half of the rounds; ! over 5 %.

            Peak, fused multiply-adds  GFLOP/s  spread
              1 core                     100.0   0.0 %
              2 cores                    200.0   0.0 %

            Kernels, 16 images        µs  GFLOP/s  GB/s  of peak  spread
              seed dense 1 forward  25.0     80.0           80 %   0.0 %
              seed Adam             50.0           20.0            0.0 %
              loss, triplet          0.1                           0.0 %

            Networks                    images/s  GFLOP/s  of peak  spread
              seed embedding               80000     40.0     40 %   0.0 %
              seed siamese-contrastive     53333     78.2     78 %   0.0 %

            Steps of siamese-contrastive, one thread  images/s  GFLOP/s  of peak  spread
              seed batch 32                              64000     93.8     94 %   0.0 %

            Steps of 256 examples  images/s  speed-up  spread
              seed 1 thread           51200      1.00   0.0 %
              seed 2 threads         102400      2.00   0.0 %

            """
        #expect(table == expected)
        let isNarrow = table.split(separator: "\n").allSatisfy { $0.count <= 80 }
        #expect(isNarrow)
    }

    @Test func jsonHasTheSameFacts() throws {
        let report = try report()
        let json = report.json
        #expect(
            json.members?.map(\.key) == [
                "versions", "machine", "rounds", "seconds", "peak", "kernels", "networks", "steps", "threads",
                "left_out",
                "warnings",
            ])
        #expect(json["peak"]?.array?.map { $0["cores"]?.integer } == [1, 2])
        #expect(json["peak"]?.array?.first?["flops"]?.number == 100_000 / 1e-6)
        let kernels = try #require(json["kernels"]?.array)
        #expect(kernels.map { $0["name"]?.string } == ["dense 1 forward", "Adam", "loss, triplet"])
        #expect(kernels.map { $0["architecture"]?.string } == ["seed", "seed", nil])
        #expect(kernels[1]["bytes_per_second"]?.number != nil && kernels[1]["flops"] == nil)
        let networks = try #require(json["networks"]?.array)
        #expect(networks.map { $0["pass"]?.string } == ["embedding", "training"])
        #expect(json["steps"]?.array?.map { $0["batch_size"]?.integer } == [32])
        #expect(json["threads"]?.array?.map { $0["speed_up"]?.number } == [1, 2])
        #expect(json["warnings"] == .array([]))
    }

    @Test func aQuietMachineIsNotWarnedAbout() throws {
        #expect(try report().warnings == [])
        #expect(try report(peakSpread: 0.04).warnings == [])
    }

    @Test func aNoisyPeakAloneIsWarnedAbout() throws {
        let report = try report(peakSpread: 0.12)
        #expect(report.warnings.count == 1)
        #expect(report.warnings.first?.contains("1 of 10 measurements spread by more than 5 %, one by 12 %") == true)
        #expect(report.table.contains("  1 core                     100.0  ! 12.0 %\n"))
        #expect(report.table.hasSuffix("note: \(report.warnings[0])\n"))
    }

    @Test func aFewNoisyMeasurementsAreChance() throws {
        let quiet = try (0..<18).map {
            try measurement(.step(.triplet, .wide, batchSize: $0), Work(images: 1), seconds: 1)
        }
        func report(noisy: Int) throws -> BenchmarkReport {
            let noisy = try (0..<noisy).map {
                try measurement(.step(.triplet, .seed, batchSize: $0), Work(images: 1), seconds: 1, spread: 0.2)
            }
            return BenchmarkReport(
                machine: [:], stepNetwork: .triplet, rounds: 3, seconds: 1, measurements: quiet + noisy)
        }
        #expect(try report(noisy: 2).warnings == [])
        #expect(try report(noisy: 3).warnings.count == 1)
    }

    @Test func whatWasLeftOutIsNamed() throws {
        let report = try report(leftOut: [.step(.triplet, .wide, batchSize: 1024), .peak(cores: 2)])
        #expect(report.warnings == ["left out, for want of time (--seconds): wide batch 1024, peak of 2 cores"])
        #expect(report.json["left_out"] == ["wide batch 1024", "peak of 2 cores"])
    }
}
