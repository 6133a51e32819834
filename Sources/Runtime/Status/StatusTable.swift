// `siamese status` on a terminal: the run on top, a row per worker, the slowest first, as many columns as there is room for.
internal import Coordination

/// A report for people.
package struct StatusTable {
    private struct Column: Sendable {
        let title: String
        /// The lower, the sooner it is shown.
        let rank: Int
        var isText = false
        let cell: @Sendable (WorkerStatus) -> String
    }

    /// In the order in which they stand.
    private static let columns: [Column] = [
        Column(title: "state", rank: 0, isText: true) { $0.activity.rawValue },
        Column(title: "images/s", rank: 1) { whole($0.imagesPerSecond) },
        Column(title: "share", rank: 2) { $0.share.map { "\(whole($0 * 100)) %" } ?? "–" },
        Column(title: "compute", rank: 3) { duration($0.compute?.median) },
        Column(title: "p95", rank: 8) { duration($0.compute?.p95) },
        Column(title: "wait", rank: 5) { duration($0.wait?.median) },
        Column(title: "p95", rank: 9) { duration($0.wait?.p95) },
        Column(title: "wire", rank: 4) { duration($0.wire?.median) },
        Column(title: "p95", rank: 10) { duration($0.wire?.p95) },
        Column(title: "late", rank: 6) { "\($0.late)" },
        Column(title: "heard", rank: 7) { duration($0.heardSecondsAgo) },
        Column(title: "steps", rank: 11) { "\($0.steps)" },
        Column(title: "shards", rank: 14) { "\($0.shards)" },
        Column(title: "failed", rank: 12) { "\($0.failures)" },
        Column(title: "audited", rank: 13) { "\($0.audits)" },
        Column(title: "in", rank: 15) { size($0.traffic.received) },
        Column(title: "out", rank: 16) { size($0.traffic.sent) },
        Column(title: "threads", rank: 17) { "\($0.threads)" },
        Column(title: "pid", rank: 18) { "\($0.processID)" },
        Column(title: "key", rank: 19, isText: true) { $0.key ?? "–" },
    ]
    private static let gap = "  "

    private let status: RunStatus
    private let width: Int
    private let isColoured: Bool

    /// - Parameter width: of a line, in characters
    package init(_ status: RunStatus, width: Int, isColoured: Bool) {
        self.status = status
        self.width = max(width, 40)
        self.isColoured = isColoured
    }

    package var text: String {
        var lines = heading
        guard !status.workers.isEmpty else {
            return (lines + ["no worker is connected"]).joined(separator: "\n") + "\n"
        }
        lines += [""] + table
        if let slow = SlowWorker(among: status.workers) { lines += [""] + wrapped("slow: \(slow.sentence)") }
        return lines.joined(separator: "\n") + "\n"
    }

    private var heading: [String] {
        let count = status.workers.count
        let facts: [String?] = [
            status.epoch.map { "epoch \($0)/\(status.epochs)" },
            "step \(status.step)\(status.steps.map { "/\($0)" } ?? "")",
            status.loss.map { "loss \(rounded($0))" }, status.testLoss.map { "test \(rounded($0))" },
            status.imagesPerSecond.map { "\(whole($0)) images/s" }, "\(count) worker\(count == 1 ? "" : "s")",
            "up \(duration(status.seconds))",
        ]
        return wrapped("\(status.network) on \(status.dataset), \(status.phase.rawValue)")
            + wrapped(facts.compactMap { $0 }.joined(separator: Self.gap))
    }

    private var table: [String] {
        let slow = SlowWorker(among: status.workers)?.index
        let labels = status.workers.labels.map { String($0.prefix(24)) }
        let order = status.workers.indices.sorted { isSlower($0, $1) }
        let nameWidth = (labels + ["worker"]).map(\.count).max() ?? 0
        let columns = Self.columns.map { column in (column, width: columnWidth(column)) }
        let shown = fitting(columns, beside: nameWidth)
        let title = "worker".padded(to: nameWidth) + shown.map { cell($0.title, $0, $1) }.joined()
        let rows = order.map { index in
            let worker = status.workers[index]
            let row =
                labels[index].padded(to: nameWidth)
                + shown.map { cell($0.cell(worker), $0, $1) }.joined()
            return painted(row, worker.isAbsent ? "31" : index == slow ? "33" : nil)
        }
        return [painted(title, "1")] + rows
    }

    /// Who is absent comes first, then who does least; equals as they came.
    private func isSlower(_ left: Int, _ right: Int) -> Bool {
        let (first, second) = (status.workers[left], status.workers[right])
        if first.isAbsent != second.isAbsent { return first.isAbsent }
        let (a, b) = (first.imagesPerSecond ?? .infinity, second.imagesPerSecond ?? .infinity)
        return a == b ? left < right : a < b
    }

    private func columnWidth(_ column: Column) -> Int {
        status.workers.map { column.cell($0).count }.reduce(column.title.count, max)
    }

    /// The most important ones that there is room for, in their order. Of one that does not fit all less important ones are left
    /// out too, so that a wider terminal only ever adds columns.
    private func fitting(_ columns: [(Column, width: Int)], beside nameWidth: Int) -> [(Column, width: Int)] {
        var room = width - nameWidth
        var shown: Set<Int> = []
        for (column, columnWidth) in columns.sorted(by: { $0.0.rank < $1.0.rank }) {
            room -= columnWidth + Self.gap.count
            guard room >= 0 else { break }
            shown.insert(column.rank)
        }
        return columns.filter { shown.contains($0.0.rank) }
    }

    private func cell(_ text: String, _ column: Column, _ width: Int) -> String {
        Self.gap + (column.isText ? text.padded(to: width) : text.rightAligned(in: width))
    }

    private func painted(_ line: String, _ code: String?) -> String {
        guard isColoured, let code else { return line }
        return "\u{1B}[\(code)m\(line)\u{1B}[0m"
    }

    /// Broken between words.
    private func wrapped(_ text: String) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines.filter { !$0.isEmpty }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    fileprivate func rightAligned(in width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}

/// Whatever the number is: it comes from somebody else.
func whole(_ value: Double?) -> String {
    value.map { abs($0) < 1e15 ? "\(Int($0.rounded()))" : "\($0)" } ?? "–"
}

/// Three digits and a unit.
func duration(_ seconds: Double?) -> String {
    guard let seconds, seconds >= 0 else { return "–" }
    return switch seconds {
    case ..<0.000_9995: "\(threeDigits(seconds * 1e6)) µs"
    case ..<0.9995: "\(threeDigits(seconds * 1e3)) ms"
    case ..<120: "\(threeDigits(seconds)) s"
    case ..<7200: "\(Int(seconds / 60)) min"
    default: "\(Int(min(seconds / 3600, 1e9))) h"
    }
}

private func size(_ bytes: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var (value, unit) = (Double(bytes), 0)
    while value >= 999.5, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    return unit == 0 ? "\(bytes) B" : "\(threeDigits(value)) \(units[unit])"
}

/// 1.23, 12.3, 123.
private func threeDigits(_ value: Double) -> String {
    let digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
    let scale = [1.0, 10, 100][digits]
    let scaled = Int((value * scale).rounded())
    guard digits > 0 else { return "\(scaled)" }
    let fraction = String(scaled % Int(scale))
    return "\(scaled / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
}
