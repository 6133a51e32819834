// The report as text: plain columns of at most 80 characters, no colour, the same on a terminal and in a file.
internal import Artifacts
internal import ModelCore

extension BenchmarkReport {
    /// The whole report, with a newline at its end.
    package var table: String {
        let cores = machine["cores"]?.integer ?? 1
        var lines = [
            "\(machine["processor"]?.string ?? "unknown"), \(cores) core\(cores == 1 ? "" : "s")",
            "Medians of \(rounds) rounds in \(decimal(seconds, places: 0)) s. Spread: the middle half of the rounds; ! over "
                + "\(decimal(Self.tolerance * 100, places: 0)) %.",
        ]
        let stepTitle = "Steps of \(stepNetwork.rawValue), one thread"
        let threadsTitle = "Steps of \(Subject.threadsBatchSize) examples"
        for (title, headings, rows) in [
            ("Peak, fused multiply-adds", ["GFLOP/s", "spread"], peakRows),
            (
                "Kernels, \(microbatchSize * stepNetwork.towers) images",
                ["µs", "GFLOP/s", "GB/s", "of peak", "spread"], kernelRows
            ),
            ("Networks", ["images/s", "GFLOP/s", "of peak", "spread"], networkRows),
            (stepTitle, ["images/s", "GFLOP/s", "of peak", "spread"], stepRows),
            (threadsTitle, ["images/s", "speed-up", "spread"], threadRows),
        ] where !rows.isEmpty {
            lines.append("")
            lines += aligned([[title] + headings] + rows)
        }
        if !warnings.isEmpty { lines.append("") }
        lines += warnings.map { "note: \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    private var peakRows: [[String]] {
        rows {
            guard case .peak(let cores) = $0.subject else { return nil }
            return ["\(cores) core\(cores == 1 ? "" : "s")", gigas($0.operationsPerSecond)]
        }
    }

    private var kernelRows: [[String]] {
        rows {
            guard case .kernel = $0.subject else { return nil }
            return [
                $0.subject.description, decimal($0.time.median * 1e6, places: 1), gigas($0.operationsPerSecond),
                gigas($0.bytesPerSecond), percentOfPeak($0),
            ]
        }
    }

    private var networkRows: [[String]] {
        rows {
            switch $0.subject {
            case .embedding, .training: [$0.subject.description] + rates($0)
            default: nil
            }
        }
    }

    private var stepRows: [[String]] {
        rows {
            guard case .step = $0.subject else { return nil }
            return [$0.subject.description] + rates($0)
        }
    }

    private var threadRows: [[String]] {
        rows {
            guard case .threads = $0.subject else { return nil }
            return [
                $0.subject.description, decimal($0.imagesPerSecond, places: 0),
                speedUp($0).map { decimal($0, places: 2) } ?? "–",
            ]
        }
    }

    private func rates(_ measurement: Measurement) -> [String] {
        [
            decimal(measurement.imagesPerSecond, places: 0), gigas(measurement.operationsPerSecond),
            percentOfPeak(measurement),
        ]
    }

    private func percentOfPeak(_ measurement: Measurement) -> String {
        fractionOfPeak(measurement).map { "\(decimal($0 * 100, places: 0)) %" } ?? ""
    }

    /// The cells that `cells` makes of its subjects, and the spread.
    private func rows(_ cells: (Measurement) -> [String]?) -> [[String]] {
        measurements.compactMap { measurement in
            cells(measurement).map { cells in
                let spread = decimal(measurement.time.spread * 100, places: 1)
                return cells + ["\(isNoisy(measurement) ? "! " : "")\(spread) %"]
            }
        }
    }
}

/// Billions with a decimal; nothing for zero.
private func gigas(_ value: Double) -> String { value > 0 ? decimal(value * 1e-9, places: 1) : "" }

/// Columns, two spaces between them: the first one flush left and indented under its heading, the others flush right.
private func aligned(_ rows: [[String]]) -> [String] {
    let indented = rows.enumerated().map { index, row in
        index == 0 ? row : row.enumerated().map { $0 == 0 ? "  \($1)" : $1 }
    }
    let columns = indented.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
        indented.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return indented.map { row in
        row.enumerated().map { column, cell in
            let space = String(repeating: " ", count: widths[column] - cell.count)
            return column == 0 ? cell + space : space + cell
        }.joined(separator: "  ")
    }
}
