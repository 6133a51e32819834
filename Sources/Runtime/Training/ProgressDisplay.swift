// What a person sees of a run, on standard error: a bar on a terminal, a line now and then elsewhere. Times here are only printed.
internal import Artifacts
internal import Glibc
internal import Messaging

/// Progress of a run.
package final class ProgressDisplay {
    /// The facts of one moment.
    struct Moment {
        var step: Int
        var totalSteps: Int
        var epoch: Int
        var epochs: Int
        var loss: Double?
        var testLoss: Double?
        var imagesPerSecond: Double
        var workers: Int
        /// Where the loss is over tuples, now and then.
        var health: MetricsHealth?
    }

    private static let betweenLines: UInt64 = 2_000_000_000
    private static let betweenBars: UInt64 = 100_000_000

    /// Gets every moment, shown or not.
    var watch: (Moment) -> Void = { _ in }
    /// Gets the lines too, also when nobody reads standard error.
    var mirror: (String) -> Void = { _ in }

    private let isTerminal: Bool
    private let isColoured: Bool
    private let logInterval: Int
    private var lastShown: UInt64 = 0
    /// The last that was told.
    private var health: MetricsHealth?
    private var barIsDrawn = false
    /// When the first step of this process was done, and which one it was.
    private var beginning: (time: UInt64, step: Int)?

    /// - Parameters:
    ///   - isTerminal: whether standard error is one
    ///   - isColoured: false when NO_COLOR is set
    package init(isTerminal: Bool, isColoured: Bool, logInterval: Int) {
        self.isTerminal = isTerminal
        self.isColoured = isColoured && isTerminal
        self.logInterval = logInterval
    }

    /// One line that stays.
    package func say(_ text: String) {
        clearBar()
        write(text + "\n")
        mirror(text)
    }

    func show(_ moment: Moment) {
        watch(moment)
        health = moment.health ?? health
        let now = MonotonicClock.now()
        if beginning == nil { beginning = (now, moment.step) }
        let isLast = moment.step == moment.totalSteps
        if isTerminal {
            guard isLast || now - lastShown >= Self.betweenBars else { return }
            clearBar()
            write(bar(moment, width: terminalWidth(of: STDERR_FILENO)))
            barIsDrawn = true
        } else {
            guard moment.step % logInterval == 0, isLast || now - lastShown >= Self.betweenLines else { return }
            let line = line(moment)
            write(line + "\n")
            mirror(line)
        }
        lastShown = now
    }

    func finish() {
        if barIsDrawn { write("\n") }
        barIsDrawn = false
    }

    private func line(_ moment: Moment) -> String {
        var parts = [
            "epoch \(moment.epoch)/\(moment.epochs)", "step \(moment.step)/\(moment.totalSteps)",
            "loss \(rounded(moment.loss))",
        ]
        if let loss = moment.testLoss { parts.append("test \(rounded(loss))") }
        if let health { parts += words(health) }
        parts.append("\(Int(moment.imagesPerSecond)) images/s")
        if moment.workers > 0 { parts.append("\(moment.workers) worker\(moment.workers == 1 ? "" : "s")") }
        parts.append("\(timeLeft(moment)) left")
        return parts.joined(separator: "  ")
    }

    private func words(_ health: MetricsHealth) -> [String] {
        let active = health.activeFraction.map { "active \(Int(($0 * 100).rounded()))%" } ?? "no tuples"
        guard let positive = health.positiveDistance, let negative = health.negativeDistance else { return [active] }
        return [active, "d+ \(rounded(positive))", "d- \(rounded(negative))"]
    }

    /// As much of bar and line as fits into one row of the terminal.
    private func bar(_ moment: Moment, width: Int) -> String {
        let text = line(moment)
        let room = min(30, width - text.count - 4)
        guard room >= 8 else { return String(text.prefix(max(width - 1, 0))) }
        let done = moment.totalSteps > 0 ? room * moment.step / moment.totalSteps : room
        let filled = String(repeating: "━", count: done)
        let rest = String(repeating: isColoured ? "━" : "─", count: room - done)
        return isColoured ? "\u{1B}[36m\(filled)\u{1B}[90m\(rest)\u{1B}[0m \(text)" : "\(filled)\(rest) \(text)"
    }

    private func timeLeft(_ moment: Moment) -> String {
        guard let beginning, moment.step > beginning.step else { return "?" }
        let elapsed = Double(MonotonicClock.now() - beginning.time) * 1e-9
        let perStep = elapsed / Double(moment.step - beginning.step)
        let seconds = Int(perStep * Double(moment.totalSteps - moment.step))
        return seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
    }

    private func clearBar() {
        guard barIsDrawn else { return }
        write("\r\u{1B}[K")
        barIsDrawn = false
    }

    /// Dropped rather than waited for when nobody reads (a pipe has room for a line if it is writable at all).
    private func write(_ text: String) {
        var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&request, 1, 0) == 1 else { return }
        var text = text
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// Columns; 80 where nobody can tell.
package func terminalWidth(of descriptor: Int32) -> Int {
    var size = winsize()
    let status = ioctl(descriptor, UInt(TIOCGWINSZ), &size)
    return status == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
}

/// Four significant digits, or all digits before the point if there are more.
package func rounded(_ value: Double?) -> String {
    guard let value else { return "–" }
    guard value.isFinite, abs(value) > 1e-300 else { return value == 0 ? "0" : "\(value)" }
    var factor = 1.0
    while abs(value) * factor < 1000 { factor *= 10 }
    let result = (value * factor).rounded() / factor
    return factor == 1 && abs(result) < 1e15 ? "\(Int(result))" : "\(result)"
}
