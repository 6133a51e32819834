// What machine this is, for run.json and for messages. Read from /proc and the C library; never enters a result.
internal import Artifacts
internal import Glibc
internal import Messaging
internal import Storage

/// Facts about the machine and this process.
package enum Machine {
    /// Cores this process may use: those it may run on, at most the quota of its control group.
    package static var cores: Int {
        let mask = field("Cpus_allowed:", of: "/proc/self/status") ?? "1"
        let allowed = mask.compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount }
        return max(1, min(allowed, quota ?? allowed))
    }

    /// What this machine is called, as a rule also by others.
    package static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, 255)
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Threads for forward passes: their workspaces take memory, and beyond this they gain little.
    static var evaluationThreads: Int { min(cores, 16) }

    /// Whole cores' worth of time that cgroup v2 grants in each period; nil where it sets no limit.
    private static var quota: Int? {
        guard let words = field("", of: "/sys/fs/cgroup/cpu.max")?.split(separator: " "), words.count == 2,
            let time = Double(words[0]), let period = Double(words[1]), period > 0
        else { return nil }
        return Int((time / period).rounded(.up))
    }

    /// The instructions that the kernels of this build need and this CPU lacks; empty: all is well.
    package static var missingInstructions: [String] {
        #if REQUIRES_AVX2
            guard let flags = field("flags", of: "/proc/cpuinfo") else { return [] }
            let present = Set(flags.split(separator: " "))
            return ["avx2", "fma", "bmi2"].filter { !present.contains(Substring($0)) }
        #else
            return []
        #endif
    }

    static var processor: String {
        field("model name", of: "/proc/cpuinfo").map { String($0.drop { $0 == ":" || $0 == "\t" || $0 == " " }) }
            ?? "unknown"
    }

    /// The most memory a process has had resident, in bytes; nil if it has gone.
    static func peakResidentBytes(of process: Int32) -> Int? {
        guard let size = field("VmHWM:", of: "/proc/\(process)/status"),
            let kilobytes = size.split(whereSeparator: \.isWhitespace).first.flatMap({ Int($0) })
        else { return nil }
        return kilobytes * 1024
    }

    /// What follows `name` on the first line that begins with it.
    private static func field(_ name: String, of path: String) -> Substring? {
        guard let bytes = try? readFile(at: path, atMost: 1 << 24) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.dropFirst(name.count)
    }

    static var json: JSONValue {
        var name = utsname()
        uname(&name)
        let kernel = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let zeromq = LibraryVersion.loaded
        return [
            "processor": .string(processor), "cores": .integer(cores), "kernel": .string("Linux \(kernel)"),
            "libzmq": .string("\(zeromq)"),
        ]
    }
}

extension Machine {
    /// Seconds since this process was started, by the kernel's account (10 ms resolution); nil where /proc lacks it.
    static func secondsSinceStart() -> Double? {
        guard let text = try? String(decoding: readFile(at: "/proc/self/stat", atMost: 1 << 16), as: UTF8.self),
            let end = text.lastIndex(of: ")")
        else { return nil }
        // Field 22 of proc(5), counted from the state, which is field 3 and follows the name in parentheses.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9 - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
